#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Processor models: the carried guest's self test on each, Debian's kernel on
those that it is made for, and what Linux thinks of their flaws."""
import os
import re
import shutil
import subprocess
import tempfile

from machine import BUILD, DEBUG_EXIT, GUEST_PASS, PROGRAM, Failure, Machine, guest, main, package

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
AUTORUN = 16  # monitor/guest/carried.h
# How many checks a model's lack of features lets the self test skip at most.
SKIPPED = {"486": 10, "pentium": 5, "pentium2": 3, "pentium3": 2}


def models():
    """The names that -cpu help lists."""
    text = subprocess.run([PROGRAM, "-cpu", "help"], capture_output=True, text=True, check=True)
    names = re.findall(r"^x86 (\S+)", text.stdout, re.MULTILINE)
    if len(names) < 8:
        raise Failure(f"-cpu help names {names}")
    return names


def self_test():
    """Every model passes all checks that it has the features for."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "selftest.img")
        shutil.copy(IMAGE, path)
        with open(path, "r+b") as f:
            f.seek(AUTORUN)
            f.write(b"T")
        for model in models():
            with Machine("-cpu", model, "-drive", f"format=raw,file={path}", *DEBUG_EXIT) as m:
                result = m.wait_serial(r"self test: (\d+) passed, (\d+) failed, (\d+) skipped")
                print(f"{model}: {result.group(0)}")
                if result.group(2) != "0" or int(result.group(3)) > SKIPPED.get(model, 1):
                    print(m.serial())
                    raise Failure(f"{model}: {result.group(0)}")
                m.expect_exit(GUEST_PASS)


def boot_linux(model, initrd):
    return Machine(
        *["-cpu", model, "-m", "256", "-kernel", package("kernel-686", "vmlinuz")],
        *["-initrd", guest(initrd), "-append", "console=ttyS0 quiet"],
    )


def linux():
    """Debian's 686 kernel runs on everything from the Pentium II on."""
    for model in ("pentium2", "pentium3", "pentium4", "core2"):
        with boot_linux(model, "initrd") as m:
            m.wait_serial("transvisor: init reached")
            m.expect_exit(0)
        print(f"{model}: init reached")


def no_mitigations():
    """The default is a processor that Linux need not protect from anything."""
    with boot_linux("qemu32", "initrd.vulnerabilities") as m:
        m.wait_serial("transvisor: that was all")
        files = re.findall(r"^(\w+): (.*?)\r?$", m.serial(), re.MULTILINE)
        files = [f for f in files if f[0] != "transvisor"]
        flaws = [f"{name}: {text}" for name, text in files if text != "Not affected"]
        print("\n".join(f"{name}: {text}" for name, text in files))
        if len(files) < 10 or flaws:
            raise Failure("; ".join(flaws) or f"only {len(files)} files")
        m.expect_exit(0)


main([self_test, linux, no_mitigations])
