#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user gets wrong: one line that names it, exit status 1, at once. And a
disk that cannot be booted: the firmware says so and the machine stays."""
import os
import subprocess
import tempfile

from machine import ENGINE, PROGRAM, Failure, Machine, guest, main

MIB = 1 << 20
SECONDS = 30


def refuse(arguments, *named, status=1):
    """Runs the program; wants one line on stderr with all the words in `named`."""
    command = [PROGRAM, *ENGINE, "-display", "none", *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{arguments} is accepted") from None
    lines = done.stderr.decode(errors="replace").splitlines()
    print(" ".join(arguments), "->", done.returncode, *lines[:3])
    if done.returncode != status:
        raise Failure(f"{arguments}: exit status {done.returncode}, should be {status}")
    if len(lines) != 1:
        raise Failure(f"{arguments}: {len(lines)} lines on stderr, should be one")
    for word in named:
        if word not in lines[0]:
            raise Failure(f"{arguments}: the message does not name {word!r}: {lines[0]}")


def in_directory(function):
    with tempfile.TemporaryDirectory() as directory:
        function(lambda name: os.path.join(directory, name))


def write(path, size, data=b""):
    with open(path, "wb") as f:
        f.write(data)
        f.truncate(size)
    return path


def images():
    """Missing, a directory, unreadable, empty, or not a whole number of sectors."""

    def check(path):
        absent = path("absent.img")
        empty = write(path("empty.img"), 0)
        odd = write(path("odd.img"), MIB + 100)
        for option in ("-hda", "-cdrom", "-fda"):
            refuse([option, absent], option, absent)
            refuse([option, empty], option, empty)
            refuse([option, path("")], option, path(""))
        for option in ("-hda", "-cdrom"):
            refuse([option, odd], option, odd)
        refuse(["-fda", write(path("big.img"), 10 * MIB)], "-fda", "big.img")
        refuse(["-drive", f"file={absent},format=raw"], absent)
        refuse(["-hda", odd, "-snapshot"], "-hda", odd)
        if os.geteuid() != 0:
            secret = write(path("secret.img"), MIB)
            os.chmod(secret, 0)
            refuse(["-hda", secret], "-hda", secret)

    in_directory(check)


def kernels():
    """Missing, empty, truncated, or nothing that can be booted."""

    def check(path):
        absent = path("absent")
        refuse(["-kernel", absent], "-kernel", absent)
        refuse(["-kernel", write(path("empty"), 0)], "-kernel", path("empty"))
        refuse(["-kernel", write(path("zeros"), 4096)], "-kernel", path("zeros"))
        with open(guest("multiboot.elf"), "rb") as f:
            elf = f.read()
        refuse(["-kernel", write(path("short"), 600, elf[:600])], "-kernel", path("short"))
        refuse(["-kernel", guest("multiboot.elf"), "-initrd", absent], "-initrd", absent)
        refuse(["-initrd", guest("initrd")], "-initrd", "-kernel")
        refuse(["-append", "text"], "-append", "-kernel")

    in_directory(check)


def firmware():
    """A ROM that is missing or no ROM."""

    def check(path):
        absent = path("absent.bin")
        refuse(["-bios", absent], "-bios", absent)
        refuse(["-bios", write(path("empty.bin"), 0)], "-bios", "empty.bin")
        refuse(["-bios", write(path("odd.bin"), 1000)], "-bios", "odd.bin")

    in_directory(check)


def options():
    """Unknown options and values that make no sense."""
    refuse(["-nonsense"], "-nonsense")
    refuse(["--hdaa", "x"], "hdaa")
    refuse(["-hda"], "-hda")
    for memory in ("0", "-5", "many", "16T", "99999999999999999999", "0x"):
        refuse(["-m", memory], "-m", memory)
    refuse(["-smp", "4"], "-smp", "4")
    refuse(["-machine", "toaster"], "-machine", "toaster")
    refuse(["-accel", "magic"], "-accel", "magic")
    refuse(["-accel", "bt,cache=lots"], "-accel", "cache")
    refuse(["-accel", "bt,inject=luck"], "-accel", "luck")
    refuse(["-accel", "bt,lockstep=on"], "-accel", "-icount")
    refuse(["-cpu", "z80"], "-cpu", "z80")
    refuse(["-boot", "xyz"], "-boot")
    refuse(["-vga", "cga"], "-vga", "cga")
    refuse(["-display", "paper"], "-display", "paper")
    refuse(["-serial", "carrier-pigeon"], "-serial", "carrier-pigeon")
    refuse(["-device", "flux-capacitor"], "-device", "flux-capacitor")
    refuse(["-drive", "format=raw,colour=red,file=x"], "-drive", "colour")


def last_memory_wins():
    """The last -m counts, as QEMU's does."""
    with Machine("-m", "16", "-m", "48", "-kernel", guest("multiboot.elf"), "-append", "x",
                 "-initrd", guest("initrd"), "-device", "isa-debug-exit") as m:
        upper = int(m.wait_serial(r"upper (\d+)\s").group(1))
        if not 47 * 1024 - 512 <= upper <= 47 * 1024:
            raise Failure(f"{upper} KiB above 1 MiB with -m 48")


def unbootable_disk():
    """No message of ours: SeaBIOS says that nothing boots, and the machine runs on."""

    def check(path):
        blank = write(path("blank.img"), MIB)
        with Machine("-drive", f"format=raw,file={blank}", "-nic", "none") as m:
            m.wait_screen("No bootable device")
            if "running" not in m.hmp("info status"):
                raise Failure("the machine does not run on")

    in_directory(check)


main([images, kernels, firmware, options, last_memory_wins, unbootable_disk])
