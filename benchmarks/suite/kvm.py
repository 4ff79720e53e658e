# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the host's KVM can be measured. Without VT-x or AMD-V it is an emulation: its
figures are shown by that name, and nothing is compared with them."""
import os
import re

EMULATED = "KVM without hardware assistance"


def usable():
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def hardware(cpuinfo="/proc/cpuinfo"):
    try:
        with open(cpuinfo, encoding="ascii", errors="replace") as f:
            return bool(re.search(r"^flags.* (vmx|svm)\b", f.read(), re.MULTILINE))
    except OSError:
        return False


def is_kvm(command):
    """Whether a peer's command has the guest run by KVM: `-accel kvm` and its likes."""
    words = " ".join(command or [])
    return bool(re.search(r"(-accel |accel=)kvm\b|-enable-kvm\b", words))
