#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's i386 kernels, started directly, as far as an init that powers off."""
import time

from machine import Failure, Machine, guest, main, package

SECONDS = 60  # what the interpreter may take


def boot(flavour, *more):
    start = time.monotonic()
    with Machine(
        *["-m", "256", "-kernel", package(f"kernel-{flavour}", "vmlinuz")],
        *["-initrd", guest("initrd"), "-append", "console=ttyS0", *more],
    ) as m:
        m.wait_serial(rf"transvisor: init reached: 6\.1\.0-\d+-{flavour} i686")
        reached = time.monotonic() - start
        m.expect_exit(0)
    print(f"init reached after {reached:.1f} s")
    if reached > SECONDS:
        raise Failure(f"init reached after {reached:.1f} s, should be {SECONDS} at most")


def kernel_686():
    """Two-level page tables."""
    boot("686")


def kernel_686_pae():
    """PAE and NX."""
    boot("686-pae")


main([kernel_686, kernel_686_pae])
