# SPDX-License-Identifier: GPL-2.0-or-later
"""What a KVM without hardware behind it cannot run: the one list of tests that are
skipped there. On a host with VT-x or AMD-V all of them run, and only what LACKING and
AMD say is forgiven.

Such a KVM is an emulation (Linux's PVM, for one). A reason names what is wrong in it
by lines of kvm_host.c, a program that asks KVM by ioctl() alone; test_accel.py checks
that they still are, so that no test stays on the list without a fault to show for it.
"""
import os
import re

# Reason: what a person reads, and lines of kvm_host that are WRONG for it.
REASONS = {
    "ring 3": (
        "at ring 3 it raises #UD for INT n, INT3, LAR, gates, x87 and SSE",
        ["INT n, ring 3", "INT3, ring 3", "LAR, ring 3", "CALL gate, ring 3", "FLD1, ring 3"],
    ),
    "paging": (
        "it raises #GP when a 32-bit guest sets CR0.PG",
        ["paging on, 4 KiB pages, ring 0", "paging on, PAE, PAE"],
    ),
    "v86": ("it has no virtual-8086 mode: EFLAGS.VM is dropped", ["SLDT, v86"]),
    "CR4": ("it lets CR4 have bits that CPUID lacks", ["CR4.SMEP that CPUID lacks, ring 0"]),
    "speed": ("it emulates each instruction: a floor for speed says nothing", []),
}

# Test: its reason.
TESTS = {
    "privileged.segments": "ring 3",
    "privileged.transfers": "ring 3",
    "privileged.interrupts": "ring 3",
    "privileged.debug": "ring 3",
    "privileged.paging": "paging",
    "privileged.tasks": "ring 3",
    "privileged.v86": "v86",
    "privileged.control": "CR4",
    "privileged.faults": "paging",
    "privileged.x87": "ring 3",
    "privileged.shutdown": "paging",
    "mmu_stress.real_time": "paging",
    "carried.self_test": "ring 3",
    "guests.crc32_speed": "speed",
    "guests.idle_share": "speed",
    "linux.kernel_686": "paging",
}

# The same under KVM on QEMU's TCG (7.2). Its do_vmexit() changes DR7 and not the lists of
# breakpoints and watchpoints, and cpu_watchpoint_remove_by_ref() crashes some time after.
ON_TCG = {
    "guests.idle_share": "is too slow for a limit of time",
    "privileged.debug": "mostly passes this, but crashes after breakpoints",
}

# Lines of kvm_host that are WRONG there, which games of mmu_stress allow for (stress.h, nested).
WRONG_ON_TCG = [
    "code changed by the instruction before, ring 0",
    "CPUID by other PDPTEs, PAE",
    "ADD to a read-only page where no memory is, ring 0",
]

# Checks of tests/guests/privileged that no KVM passes: their first words.
# README, "Honest limits": no FERR#, no breakpoints at ports, which exit before they are met.
LACKING = ["without NE: IRQ 13", "I/O breakpoint"]

# Sections of the manual that AMD-V does not follow, as the guests' marks name them.
AMD = ["3A 4.4.1"]  # with nested paging PDPTEs are read when used (APM 2, 15.25.10)


def have_kvm():
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def cpuinfo(pattern):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        return bool(re.search(pattern, f.read(), re.MULTILINE))


def has_hardware():
    return cpuinfo(r"^flags.* (vmx|svm)\b")


def on_tcg():
    """The host is a machine of QEMU's, in tests/nested_kvm: its TCG executes the guest."""
    return cpuinfo(r"^model name.*QEMU TCG")


def game_options():
    """What games of mmu_stress that -accel kvm plays have to allow for on this host."""
    return " qemu=1 nested=1" if on_tcg() else ""


def forgiven(line):
    """Whether a failed check of a privileged guest is one of KVM's and not of ours."""
    if any(line.startswith("FAIL " + words) for words in LACKING):
        return True
    if on_tcg():
        return "(qemu-" in line or line.startswith("skip")
    return cpuinfo(r"^flags.* svm\b") and any("differs: " + mark in line for mark in AMD)


def reason_to_skip(test):
    """Why the test cannot run under -accel kvm on this host; None: it can."""
    if not have_kvm():
        return "/dev/kvm is missing, or not ours"
    if test in ON_TCG and on_tcg():
        return "QEMU's TCG " + ON_TCG[test]
    if test in TESTS and not has_hardware():
        return "this host's KVM has no hardware: " + REASONS[TESTS[test]][0]
    return None
