# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the host itself runs i386 programs: the peer native is nothing else."""
import glob
import os
import struct
import subprocess
import sys
import tempfile

# mov eax, 1 (exit); mov ebx, STATUS; int 0x80
STATUS = 42
CODE = b"\xb8\x01\0\0\0" + b"\xbb" + struct.pack("<I", STATUS) + b"\xcd\x80"
BASE = 0x08048000
HEADERS = 52 + 32
# ELF for i386 (e_machine 3), as an interpreter registered for it has to match.
IDENTITY = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 2, 3)


def program():
    """The smallest ELF executable of one segment."""
    size = HEADERS + len(CODE)
    header = struct.pack("<IIIIIHHHHHH", 1, BASE + HEADERS, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0, BASE, BASE, size, size, 5, 0x1000)
    return IDENTITY + header + segment + CODE


def emulator():
    """What binfmt_misc has the kernel start for i386 programs, before it would itself."""
    for path in glob.glob("/proc/sys/fs/binfmt_misc/*"):
        try:
            with open(path, encoding="ascii") as f:
                lines = f.read().splitlines()
        except OSError:  # register
            continue
        fields = dict(line.partition(" ")[::2] for line in lines)
        if "enabled" not in fields or fields.get("offset", "0") != "0" or "magic" not in fields:
            continue
        magic = bytes.fromhex(fields["magic"])
        mask = bytes.fromhex(fields.get("mask", "ff" * len(magic)))
        start = IDENTITY.ljust(len(magic), b"\0")
        if all(not (a ^ b) & m for a, b, m in zip(start, magic, mask)):
            return fields.get("interpreter", path)
    return None


def refusal():
    """Why the kernel starts no i386 program; None if it does, be it by an emulator."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "probe")
        with open(path, "wb") as f:
            f.write(program())
        os.chmod(path, 0o755)
        try:
            status = subprocess.run([path], check=False).returncode
        except OSError as error:
            return f"the host runs no i386 programs ({error.strerror})"
    return None if status == STATUS else f"the host runs no i386 programs (exit status {status})"


def trouble():
    """Why there is no native peer here; None if there is one."""
    found = emulator()
    return f"i386 programs are run by {found} (binfmt_misc)" if found else refusal()


# For scripts: status 0 if i386 programs are started.
if __name__ == "__main__":
    sys.exit(1 if refusal() else 0)
