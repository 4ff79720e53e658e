#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that live on the firmware: GRUB, memtest86+, iPXE."""
import os
import subprocess
import tempfile

from machine import DEBUG_EXIT, GUEST_PASS, Machine, guest, main, need, package

CONFIGURATION = """
serial --unit=0 --speed=115200
terminal_output serial console
terminal_input serial console
echo "grub: configuration read from $root"
{commands}
boot
"""
MULTIBOOT = """
multiboot /boot/multiboot.elf hello you
module /boot/module1.txt one two
"""
LINUX = """
linux /boot/vmlinuz console=ttyS0
initrd /boot/initrd
"""
SECTOR, PARTITION_START, DISK_SECTORS = 512, 2048, 48 * 2048
FAT16_LBA, ACTIVE = 0x0E, 0x80
GRUB = "/usr/lib/grub/i386-pc"


def run(*command):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def fill(directory, linux):
    """What GRUB is to find: /boot with its configuration and the kernels."""
    boot = os.path.join(directory, "boot")
    os.makedirs(os.path.join(boot, "grub"))
    with open(os.path.join(boot, "grub", "grub.cfg"), "w", encoding="ascii") as f:
        f.write(CONFIGURATION.format(commands=LINUX if linux else MULTIBOOT))
    if linux:
        files = {"vmlinuz": package("kernel-686", "vmlinuz"), "initrd": guest("initrd")}
    else:
        files = {"multiboot.elf": guest("multiboot.elf")}
        with open(os.path.join(boot, "module1.txt"), "wb") as f:
            f.write(b"abc\n")
    for name, source in files.items():
        run("cp", source, os.path.join(boot, name))


def make_cd(tree, path):
    need("grub-mkrescue", "xorriso", "mformat")
    run("grub-mkrescue", "-d", GRUB, "-o", path, tree)


def make_disk(tree, path):
    """A disk with an MBR, GRUB's core image behind it, and a FAT partition, without
    root and without grub-bios-setup: boot.img already looks for the core image in
    sector 1, and the core image's first sector for the rest in sector 2."""
    need("grub-mkimage", "mformat", "mcopy")
    core = path + ".core"
    run("grub-mkimage", "-d", GRUB, "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub",
        *"biosdisk part_msdos fat multiboot linux normal configfile echo serial boot".split())
    with open(os.path.join(GRUB, "boot.img"), "rb") as f:
        mbr = bytearray(f.read(SECTOR))
    size = DISK_SECTORS - PARTITION_START
    mbr[446:510] = bytes(64)  # boot.img has floppy code there
    mbr[446:462] = bytes([ACTIVE, 1, 1, 0, FAT16_LBA, 254, 255, 255]) + \
        PARTITION_START.to_bytes(4, "little") + size.to_bytes(4, "little")
    mbr[510:512] = b"\x55\xaa"
    with open(path, "wb") as f:
        f.truncate(DISK_SECTORS * SECTOR)
        f.write(mbr)
        with open(core, "rb") as g:
            f.write(g.read())
    partition = f"{path}@@{PARTITION_START * SECTOR}"
    run("mformat", "-i", partition, "-T", size, "-h", 16, "-s", 63, "-H", PARTITION_START, "::")
    run("mcopy", "-s", "-i", partition, os.path.join(tree, "boot"), "::")


def boot_multiboot(*arguments):
    with Machine(*arguments, *DEBUG_EXIT) as m:
        m.wait_serial("grub: configuration read from (cd|hd)")
        m.wait_serial("command line <.*hello you>")
        m.wait_serial("module 0 size 4 sum 304")
        m.expect_exit(GUEST_PASS)


def boot_linux(*arguments):
    with Machine("-m", "256", *arguments) as m:
        m.wait_serial("transvisor: init reached")
        m.expect_exit(0)


def grub_cd():
    """GRUB from an ISO of grub-mkrescue loads a multiboot kernel and a module."""
    with tempfile.TemporaryDirectory() as directory:
        image = os.path.join(directory, "grub.iso")
        fill(os.path.join(directory, "tree"), linux=False)
        make_cd(os.path.join(directory, "tree"), image)
        boot_multiboot("-cdrom", image, "-boot", "d")


def grub_disk():
    """The same from a partition of an IDE disk."""
    with tempfile.TemporaryDirectory() as directory:
        image = os.path.join(directory, "disk.img")
        fill(os.path.join(directory, "tree"), linux=False)
        make_disk(os.path.join(directory, "tree"), image)
        boot_multiboot("-drive", f"format=raw,file={image}", "-boot", "c")


def grub_cd_linux():
    """GRUB loads Debian's kernel from the CD."""
    with tempfile.TemporaryDirectory() as directory:
        image = os.path.join(directory, "grub.iso")
        fill(os.path.join(directory, "tree"), linux=True)
        make_cd(os.path.join(directory, "tree"), image)
        boot_linux("-cdrom", image, "-boot", "d")


def grub_disk_linux():
    """GRUB loads Debian's kernel from the disk."""
    with tempfile.TemporaryDirectory() as directory:
        image = os.path.join(directory, "disk.img")
        fill(os.path.join(directory, "tree"), linux=True)
        make_disk(os.path.join(directory, "tree"), image)
        boot_linux("-drive", f"format=raw,file={image}", "-boot", "c")


def memtest(until):
    with Machine("-m", "8", "-kernel", package("memtest", "memtest86+ia32.bin")) as m:
        m.wait_screen(until)
        m.wait_screen(r"Errors: 0\s")


def memtest_first():
    """memtest86+ gets past its first test without errors."""
    memtest(r"Test #[1-9]")


def memtest_pass():
    """memtest86+ completes a pass without errors."""
    memtest(r"Pass: +[1-9]")


def ipxe_kernel():
    """iPXE, started as a kernel, to its prompt; it answers a command."""
    with Machine("-m", "64", "-nic", "none", "-kernel", package("ipxe", "ipxe.lkrn")) as m:
        ipxe_prompt(m)


def ipxe_cd():
    """iPXE from its ISO, which is ISOLINUX's."""
    with Machine("-m", "64", "-nic", "none", "-cdrom", package("ipxe", "ipxe.iso"), "-boot", "d") as m:
        ipxe_prompt(m)


def ipxe_prompt(m):
    m.wait_screen("Press Ctrl-B for the iPXE command line")
    m.sendkey("ctrl-b")
    m.wait_screen("iPXE>")
    m.type("echo hello there\n")
    m.wait_screen(r"\nhello there")


main([grub_cd, grub_disk, grub_cd_linux, grub_disk_linux, memtest_first, memtest_pass,
      ipxe_kernel, ipxe_cd])
