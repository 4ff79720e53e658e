#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an initial RAM disk: a "newc" cpio archive (cpio(5), and the kernel's
early-userspace/buffer-format) with /dev/console and one program as /init.

usage: make_initrd.py INIT OUTPUT
"""
import sys

S_IFDIR, S_IFCHR, S_IFREG = 0o040000, 0o020000, 0o100000
CONSOLE = (5, 1)


def pad4(data):
    return data + b"\0" * (-len(data) % 4)


def entry(inode, name, mode, data=b"", device=(0, 0)):
    """One archive member: 110 bytes of hexadecimal header, name, contents."""
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return pad4(header + name.encode() + b"\0") + pad4(data)


def main():
    init, output = sys.argv[1:]
    with open(init, "rb") as f:
        program = f.read()
    archive = (
        entry(1, "dev", S_IFDIR | 0o755)
        + entry(2, "dev/console", S_IFCHR | 0o600, device=CONSOLE)
        + entry(3, "init", S_IFREG | 0o755, program)
        + entry(0, "TRAILER!!!", 0)
    )
    with open(output, "wb") as f:
        f.write(archive)


if __name__ == "__main__":
    main()
