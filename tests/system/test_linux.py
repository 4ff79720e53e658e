#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's i386 kernels, started directly, as far as an init that powers off."""
from machine import Failure, Machine, guest, main, package

SECONDS = 60  # of a host processor: what the interpreter may take, however busy the host


def boot(flavour, *more):
    with Machine(
        *["-m", "256", "-kernel", package(f"kernel-{flavour}", "vmlinuz")],
        *["-initrd", guest("initrd"), "-append", "console=ttyS0", *more],
    ) as m:
        m.wait_serial(rf"transvisor: init reached: 6\.1\.0-\d+-{flavour} i686")
        reached = m.cpu_seconds()
        m.expect_exit(0)
    print(f"init reached after {reached:.1f} s of processor time")
    if reached > SECONDS:
        raise Failure(f"init reached after {reached:.1f} s, should be {SECONDS} at most")


def kernel_686():
    """Two-level page tables."""
    boot("686")


def kernel_686_pae():
    """PAE and NX."""
    boot("686-pae")


main([kernel_686, kernel_686_pae])
