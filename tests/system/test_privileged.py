#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The privileged architecture, by the guests of tests/guests/privileged: each
checks one topic from within and prints a line for every check.

A second opinion comes from QEMU, which has to agree wherever a check does not
carry the mark QEMU_DIFFERS, with the manual's section:

    TRANSVISOR=qemu-system-i386 TRANSVISOR_ENGINE="-accel tcg" test_privileged.py

Under KVM the host's processor is what is seen: kvm_limits.py says what it may differ in.
"""
import os
import re

import kvm_limits
from machine import DEBUG_EXIT, PROGRAM, Failure, Machine, guest, main, under_kvm

QEMU = "qemu" in os.path.basename(PROGRAM)
# All that TCG has, but for what newer processors added to the architecture.
QEMU_CPU = ["-cpu", "max,-smep,-smap,-umip,-pku,-la57,-fsgsbase,-svm"] if QEMU else []
SUMMARY = (
    r"summary: \w+: (\d+) checks, (\d+) failed, (\d+) failed where QEMU differs, (\d+) skipped"
)


def run(name, *arguments):
    """Runs a guest to its summary. Under QEMU, marked failures and checks that
    need something its processor lacks are forgiven."""
    kernel = ["-kernel", guest(f"priv_{name}.elf")]
    with Machine(*kernel, *QEMU_CPU, *DEBUG_EXIT, "-no-reboot", *arguments) as m:
        found = m.wait_serial(SUMMARY + r"|FAIL unexpected.*\n")
        if found.group(1):
            m.wait_exit()
        failed = [line for line in m.serial().splitlines() if line.startswith(("FAIL", "skip"))]
    if QEMU:
        failed = [line for line in failed if line.startswith("FAIL") and "(qemu-" not in line]
    if under_kvm():
        failed = [line for line in failed if not kvm_limits.forgiven(line)]
    if failed or not found.group(1):
        raise Failure("\n".join(failed))
    checks, _, marked, skipped = found.groups()
    print(f"{checks} checks, {marked} where QEMU differs, {skipped} skipped")


def segments():
    """Loads of segment registers, limits, LDTR and TR, LAR and the like."""
    run("segments")


def transfers():
    """Far JMP, CALL and RET, call gates, SYSENTER and SYSEXIT."""
    run("transfers")


def interrupts():
    """Gates of the IDT at every ring, IRET in all its modes but for tasks."""
    run("interrupts")


def debug():
    """Single step, breakpoints, debug registers, interrupt shadows, NMI."""
    run("debug")


def paging():
    """The matrix of page permissions, reserved bits, what TLBs must forget."""
    run("paging")


def tasks():
    """Task switches of all kinds between TSSs of both sizes."""
    run("tasks")


def v86():
    """IOPL, the I/O bitmap, virtual-8086 mode with and without VME, PVI."""
    run("v86")


def control():
    """CR0 and CR4, real and unreal mode, A20."""
    run("control")


def faults():
    """Faults inside each other, their order within an instruction, #AC."""
    run("faults")


def x87():
    """#MF, IRQ 13, #NM, #XM."""
    run("x87")


def shutdown():
    """Triple faults: each ends the machine, because of -no-reboot."""
    for way in range(5):
        kernel = ["-kernel", guest("priv_shutdown.elf"), "-append", f"way {way}"]
        with Machine(*kernel, *QEMU_CPU, *DEBUG_EXIT, "-no-reboot") as m:
            m.wait_serial(f"shutdown: way {way}")
            m.expect_exit(0)
            if "survived" in m.serial():
                raise Failure(f"way {way} was survived")


main(
    [segments, transfers, interrupts, debug, paging, tasks, v86, control, faults, x87, shutdown]
)
