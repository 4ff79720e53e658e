#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lockstep: whole guests on the engine under test, each block checked against the
interpreter, devices and memory now and then. The interpreter against itself
shows that nothing but the engine decides what happens.

Blocks that are checked come back to the run loop each; the cases that are called
chained check every some thousand instructions instead, of blocks that jump to
each other as usual. Keys from outside would reach one of the machines only.
"""
import os
import re
import shutil
import tempfile

from machine import BUILD, CACHE, DEBUG_EXIT, ENGINE, GUEST_PASS
from machine import Failure, Machine, Skip, guest, main, package

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
AUTORUN = 16  # monitor/guest/carried.h
KERNEL_START = 300_000_000  # firmware, decompression, the first of the kernel itself
CHAINED = 1009  # instructions between two comparisons
PRIVILEGED = "segments transfers interrupts debug paging tasks v86 control faults x87"
DEBIAN = os.path.join(CACHE, "benchmarks", "debian")
DEBIAN_CHAINED = 10007
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
    if got != (got if status is None else status) or not steps or int(steps.group(1)) < 1000:
        raise Failure(f"exit status {got}: {text}")
    print(f"{steps.group(1)} comparisons")


def run_self_test(setting):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "selftest.img")
        shutil.copy(IMAGE, path)
        with open(path, "r+b") as f:
            f.seek(AUTORUN)
            f.write(b"T")
        drive = f"format=raw,file={path}"
        with lockstep(setting, "-m", "32", "-drive", drive, *DEBUG_EXIT) as m:
            m.wait_serial(r"self test: \d+ passed, 0 failed")
            end(m, GUEST_PASS)


def self_test():
    """The carried guest's self test."""
    run_self_test("lockstep=on")


def self_test_chained():
    """The same with blocks that are chained."""
    run_self_test(f"lockstep={CHAINED}")


def privileged():
    """The guests that check the privileged architecture."""
    for name in PRIVILEGED.split():
        kernel = ["-kernel", guest(f"priv_{name}.elf")]
        with lockstep("lockstep=on", "-m", "32", *kernel, *DEBUG_EXIT, "-no-reboot") as m:
            m.wait_serial(r"summary: \w+: \d+ checks, 0 failed")
            end(m, None)


def kernel(flavour, setting, *more):
    return lockstep(
        setting,
        *["-m", "64", "-kernel", package(f"kernel-{flavour}", "vmlinuz"), "-initrd"],
        *[guest("initrd"), "-append", "console=ttyS0", *more],
    )


def run_kernel_start(setting):
    with kernel("686", setting, "-icount", f"shift=3,stop={KERNEL_START}") as m:
        while "paused" not in m.hmp("info status"):
            m.wait_changed()
        m.hmp_last("quit")
        end(m, 0)


def kernel_start():
    """The first instructions of Debian's kernel."""
    run_kernel_start("lockstep=on")


def kernel_start_chained():
    """The same with blocks that are chained."""
    run_kernel_start(f"lockstep={CHAINED}")


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


PROGRAMS = "signal,mmap,page_fault,protection_fault,fork_exit,fork_exec,recursion"


def direct_programs():
    """Ring 3 natively, compared at each trap out of it: the benchmark programs, with
    forks, signals, FPU and page faults."""
    initrd = os.path.join(CACHE, "benchmarks", "initrd")
    if not os.path.exists(initrd):
        raise Skip("there are no benchmark programs: run benchmarks/build")
    with Machine(
        *["-accel", "bt,direct=on,lockstep=on", "-d", "stats,vm", "-icount", "shift=3"],
        *["-m", "64", "-kernel", package("kernel-686", "vmlinuz"), "-initrd", initrd],
        *["-append", f"console=ttyS0 panic=-1 quiet -- -t 0.002 {PROGRAMS}"],
    ) as m:
        m.wait_serial("rows: end", stall=3600)
        end(m, 0)
        text = m.errors.decode(errors="replace")
        print(re.search(r"direct_runs +(\d+)", text).group(1), "runs")
        if " failed" in m.serial():
            raise Failure(m.serial())


def debian(setting):
    if not os.path.exists(os.path.join(DEBIAN, "disk.img")):
        raise Skip("there is no Debian root: run benchmarks/debian/make")
    disk = f"format=raw,file={os.path.join(DEBIAN, 'disk.img')}"
    with lockstep(
        setting,
        *["-m", "192", "-drive", disk, "-kernel", os.path.join(DEBIAN, "vmlinuz")],
        *["-initrd", os.path.join(DEBIAN, "initrd")],
        *["-append", "console=ttyS0 panic=-1 root=/dev/sda rw"],
    ) as m:
        m.wait_serial("login: ", stall=3600)
        m.hmp_last("quit")
        end(m, 0)


def debian_login():
    """Debian from an IDE disk: its initial RAM disk, udev, systemd, to the login."""
    debian("lockstep=on")


def debian_login_chained():
    """The same with blocks that are chained."""
    debian(f"lockstep={DEBIAN_CHAINED}")


main(
    [
        *[self_test, self_test_chained, privileged, kernel_start, kernel_start_chained],
        *[kernel_686, kernel_686_pae, debian_login, debian_login_chained],
        direct_programs,
    ]
)
