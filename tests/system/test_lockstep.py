#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lockstep: whole guests on the engine under test, each block checked against the
interpreter, devices and memory now and then. The interpreter against itself
shows that nothing but the engine decides what happens."""
import os
import re
import shutil
import tempfile

from machine import BUILD, DEBUG_EXIT, ENGINE, GUEST_PASS, Failure, Machine, guest, main, package

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
AUTORUN = 16  # monitor/guest/carried.h
KERNEL_START = 60_000_000  # firmware, decompression, the first of the kernel itself
STATS = re.compile(r"lockstep_steps +(\d+)")


def lockstep(setting, *arguments):
    """A machine whose engine is checked; its properties stay."""
    accelerator = next(a for a in ENGINE if not a.startswith("-"))
    arguments = ["-icount", "shift=3", *arguments]
    return Machine("-accel", f"{accelerator},{setting}", "-d", "stats", *arguments)


def end(m, status):
    """Waits for the guest to end the machine; nothing may have differed."""
    got = m.wait_exit()
    m.errors_read.join()
    text = m.errors.decode(errors="replace")
    if "lockstep: " in text:
        raise Failure(text)
    steps = STATS.search(text)
    if got != status or not steps or int(steps.group(1)) < 1000:
        raise Failure(f"exit status {got}: {text}")
    print(f"{steps.group(1)} comparisons")


def self_test():
    """The carried guest's self test."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "selftest.img")
        shutil.copy(IMAGE, path)
        with open(path, "r+b") as f:
            f.seek(AUTORUN)
            f.write(b"T")
        drive = f"format=raw,file={path}"
        with lockstep("lockstep=on", "-m", "32", "-drive", drive, *DEBUG_EXIT) as m:
            m.wait_serial(r"self test: \d+ passed, 0 failed")
            end(m, GUEST_PASS)


def kernel(flavour, setting, *more):
    return lockstep(
        setting,
        *["-m", "64", "-kernel", package(f"kernel-{flavour}", "vmlinuz"), "-initrd"],
        *[guest("initrd"), "-append", "console=ttyS0", *more],
    )


def kernel_start():
    """The first instructions of Debian's kernel."""
    with kernel("686", "lockstep=on", "-icount", f"shift=3,stop={KERNEL_START}") as m:
        while "paused" not in m.hmp("info status"):
            m.wait_changed()
        m.hmp_last("quit")
        end(m, 0)


def whole_kernel(flavour):
    with kernel(flavour, "lockstep=on") as m:
        m.wait_serial("transvisor: init reached", stall=1800)
        end(m, 0)


def kernel_686():
    """All of it, to its init."""
    whole_kernel("686")


def kernel_686_pae():
    """All of it, with PAE."""
    whole_kernel("686-pae")


main([self_test, kernel_start, kernel_686, kernel_686_pae])
