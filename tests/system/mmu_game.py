# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest tests/guests/mmu_stress as a machine: test_mmu_stress.py says what is on
its command line."""
import os

from machine import DEBUG_EXIT, GUEST_PASS, Failure, Machine, guest

INTERPRETER = ["-accel", "interp"]
DISK_BYTES = 1 << 20
SECTORS = 64
SLOT = 64
PASSED = r"mmu_stress: seed \d+ passed, hash (\w+)\n|FAIL.*\n"


def disk_slot(number):
    """xor eax, v; ret; the rest. ORDER: disk_byte() of tests/guests/mmu_stress/code.c."""
    v = number * 0x9E3779B1 % 2**32 ^ 0x85EBCA6B
    code = b"\x35" + v.to_bytes(4, "little") + b"\xc3"
    return code + bytes((v + at) % 256 for at in range(len(code), SLOT))


def make_disk(path):
    content = b"".join(disk_slot(n) for n in range(SECTORS * 512 // SLOT))
    with open(path, "wb") as f:
        f.write(content.ljust(DISK_BYTES, b"\0"))
    return path


class Game(Machine):
    """A machine that plays one."""

    def __init__(self, game, *arguments, engine=None):
        disk = make_disk(f"mmu_stress-{os.getpid()}.img")
        kernel = ["-kernel", guest("mmu_stress.elf"), "-append", game]
        drive = ["-drive", f"file={disk},format=raw,snapshot=on,if=ide"]
        try:
            super().__init__(
                *["-m", "16", *kernel, *drive, *DEBUG_EXIT, "-no-reboot", *arguments],
                engine=engine,
            )
        finally:
            os.remove(disk)

    def check(self):
        """The engine's structures: a failure ends the program."""
        answers = [self.hmp("mmu-check")]
        if "bt" in (self.command.split("-accel ")[1].split()[0].split(",")[0]):
            answers.append(self.hmp("bt-check"))
        for answer in answers:
            if not answer.startswith("ok"):
                raise Failure(answer)

    def result(self):
        """The hash that the guest prints at its end."""
        found = self.wait_serial(PASSED)
        if not found.group(1):
            raise Failure(found.group(0))
        self.expect_exit(GUEST_PASS)
        return found.group(1)


def reference(game):
    """The interpreter's hash."""
    with Game(game, "-icount", "shift=3", engine=INTERPRETER) as m:
        return m.result()
