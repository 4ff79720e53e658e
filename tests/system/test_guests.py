#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The small guests of tests/guests: debug devices, multiboot, speed, idling."""
import os
import tempfile
import time

from machine import DEBUG_EXIT, ENGINE, GUEST_PASS, Failure, Machine, guest, main

MINSN_PER_SECOND = {"interp": 60}
IDLE_SHARE = 0.03
IDLE_SECONDS = 5


def debug_ports():
    """isa-debug-exit's status, debugcon and the firmware debug port."""
    with tempfile.TemporaryDirectory() as directory:
        debugcon, firmware = (os.path.join(directory, n) for n in ("debugcon", "firmware"))
        with Machine(
            *["-kernel", guest("debugports.elf"), *DEBUG_EXIT],
            *["-chardev", "file,id=e9,path=" + debugcon],
            *["-device", "isa-debugcon,iobase=0xe9,chardev=e9"],
            *["-chardev", "file,id=fw,path=" + firmware],
            *["-device", "isa-debugcon,iobase=0x402,chardev=fw"],
        ) as m:
            m.expect_exit(43)
        for path, text in (
            (debugcon, "debugcon: port 0xe9 answers\n"),
            (firmware, "firmware debug port works\n"),
        ):
            with open(path, encoding="latin-1") as f:
                if text not in f.read():
                    raise Failure(f"{path} does not hold {text!r}")


def boot_multiboot(kernel, modules):
    for path, text in zip(modules, (b"abc\n", b"defg\n")):
        with open(path, "wb") as f:
            f.write(text)
    initrd = f"{modules[0]} one two,{modules[1]} three"
    with Machine(
        *["-kernel", guest(kernel), "-append", "hello you", "-initrd", initrd, *DEBUG_EXIT]
    ) as m:
        m.wait_serial(r"lower 6\d\d upper 1[23]\d\d\d\d")
        m.wait_serial(r"command line <\S+ hello you>")
        m.wait_serial(r"module 0 size 4 sum 304 <\S*module1.txt one two>")
        m.wait_serial(r"module 1 size 5 sum 416 <\S*module2.txt three>")
        m.wait_serial("memory map agrees")
        m.expect_exit(GUEST_PASS)


def multiboot(kernel):
    with tempfile.TemporaryDirectory() as directory:
        boot_multiboot(kernel, [os.path.join(directory, f"module{n}.txt") for n in (1, 2)])


def multiboot_elf():
    """A multiboot kernel in ELF form with two modules."""
    multiboot("multiboot.elf")


def multiboot_addresses():
    """A flat one whose header holds the addresses."""
    multiboot("multiboot.bin")


def crc32_speed():
    """The interpreter's floor: 60 million instructions a second."""
    with Machine("-kernel", guest("crc32.elf"), *DEBUG_EXIT) as m:
        speed = int(m.wait_serial(r"crc32: (\d+) Minsn/s").group(1))
        m.expect_exit(GUEST_PASS)
    print(f"{speed} million instructions a second")
    floor = MINSN_PER_SECOND.get(ENGINE[-1], 0)
    if speed < floor:
        raise Failure(f"{speed} million instructions a second, should be {floor} or more")


def idle_share():
    """A guest that halts between 100 interrupts a second costs under 3 % of a core."""
    with Machine("-kernel", guest("idle.elf")) as m:
        m.wait_serial("idle: ready")
        m.wait_serial("idle: second")
        start, used = time.monotonic(), m.cpu_seconds()
        for _ in range(IDLE_SECONDS):
            m.wait_serial("idle: second")
        share = (m.cpu_seconds() - used) / (time.monotonic() - start)
        passed = time.monotonic() - start
    print(f"{share * 100:.1f} % of a core; {IDLE_SECONDS} guest seconds took {passed:.2f} s")
    if share > IDLE_SHARE:
        raise Failure(f"an idle guest uses {share * 100:.1f} % of a core")
    if abs(passed - IDLE_SECONDS) > 0.5:
        raise Failure(f"{IDLE_SECONDS} guest seconds took {passed:.2f} s")


main([debug_ports, multiboot_elf, multiboot_addresses, crc32_speed, idle_share])
