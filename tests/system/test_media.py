#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A boot sector of the project's own from every kind of medium, reading and
writing all of it through the BIOS (tests/guests/medium.asm)."""
import os
import shutil
import tempfile

from machine import DEBUG_EXIT, GUEST_PASS, Failure, Machine, guest, main

CODE = 5 * 512  # at the start of a medium: medium.asm itself, which stays as it is


def run(name, *arguments):
    with Machine(*arguments, *DEBUG_EXIT) as m:
        m.wait_serial("medium: PASS")
        m.expect_exit(GUEST_PASS)
    print(f"{name}: all of it")


def run_floppy(name):
    """Runs on a copy; the guest leaves the pattern inverted in the file."""
    source = guest("media/" + name)
    with tempfile.TemporaryDirectory() as directory:
        copy = os.path.join(directory, name)
        shutil.copy(source, copy)
        run(name, "-drive", f"if=floppy,format=raw,file={copy}", "-boot", "a")
        with open(source, "rb") as f:
            expected = f.read()
        inverted = bytes(255 - i for i in range(256))
        expected = expected[:CODE] + expected[CODE:].translate(inverted)
        with open(copy, "rb") as f:
            data = f.read()
        if len(data) != len(expected):
            raise Failure(f"{name} has now {len(data)} bytes, should have {len(expected)}")
        for n in range(0, len(data), 512):
            if data[n : n + 512] != expected[n : n + 512]:
                raise Failure(f"{name}: sector {n // 512} of the file is wrong")


def floppy_sizes():
    """160 KiB to 2.88 MB: read, inverted, read again."""
    for name in sorted(os.listdir(guest("media"))):
        if name.startswith("floppy-"):
            run_floppy(name)


def disk():
    """By block number and by cylinder, head and sector."""
    name = "disk.img"
    # The sectors behind the last whole cylinder are only inverted once; the
    # guest checks them itself, so that here only the others are looked at.
    with tempfile.TemporaryDirectory() as directory:
        copy = os.path.join(directory, name)
        shutil.copy(guest("media/" + name), copy)
        run(name, "-drive", f"format=raw,file={copy}", "-boot", "c")
        with open(guest("media/" + name), "rb") as f, open(copy, "rb") as g:
            before, after = f.read(), g.read()
        whole = 16 * 63 * 512
        if after[:whole] != before[:whole]:
            raise Failure("the first cylinder is not what was written last")
        if after[-512:] != bytes(255 - b for b in before[-512:]):
            raise Failure("the last sector is not what was written last")


def cd():
    """El Torito without emulation."""
    run("cd.iso", "-cdrom", guest("media/cd.iso"), "-boot", "d")


def cd_floppy():
    """El Torito with a floppy emulated from the CD."""
    run("cd-floppy.iso", "-cdrom", guest("media/cd-floppy.iso"), "-boot", "d")


main([floppy_sizes, disk, cd, cd_floppy])
