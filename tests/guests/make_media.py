#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the media that medium.asm tests from within: floppies of every usual
size, a disk, and two El Torito CDs (without emulation, and emulating a floppy).

usage: make_media.py MEDIUM.BIN DIRECTORY
"""
import os
import struct
import sys

FLOPPY, DISK, CD, CD_FLOPPY = range(4)
MULTIPLIER = 0x9E3779B1
SECTOR, CD_SECTOR = 512, 2048

# name: cylinders, heads, sectors a track
FLOPPIES = {
    "160k": (40, 1, 8),
    "180k": (40, 1, 9),
    "320k": (40, 2, 8),
    "360k": (40, 2, 9),
    "720k": (80, 2, 9),
    "1200k": (80, 2, 15),
    "1440k": (80, 2, 18),
    "1680k": (80, 2, 21),
    "2880k": (80, 2, 36),
}
DISK_GEOMETRY = (8, 16, 63)
DISK_TAIL = 40  # sectors behind the last whole cylinder
CD_SECTORS = 2000  # 4 MiB
CD_CATALOG, CD_BOOT_IMAGE = 19, 20
PARAMETERS = 8  # offset of "TVMEDIUM" in the boot sector


def pattern(n):
    """The contents of 512-byte sector n."""
    return struct.pack(
        "<128I", *((n * MULTIPLIER + 7 * i) & 0xFFFFFFFF for i in range(SECTOR // 4))
    )


def with_parameters(code, kind, shift, sectors, heads, total, first):
    values = struct.pack("<8sBBHHII", b"TVMEDIUM", kind, shift, sectors, heads, total, first)
    return code[:PARAMETERS] + values + code[PARAMETERS + len(values) :]


def medium(code, kind, total, heads, sectors):
    first = len(code) // SECTOR
    code = with_parameters(code, kind, 9, sectors, heads, total, first)
    return code + b"".join(pattern(n) for n in range(first, total))


def cd_descriptors(boot_image, media_type, load_sectors, total=0):
    """ISO 9660's primary descriptor with no files, El Torito's record and
    catalog, and the boot image: sectors 16 up to where the pattern begins.
    total: CD sectors of the whole image, if more than these."""
    image = boot_image + b"\0" * (-len(boot_image) % CD_SECTOR)
    total = total or CD_BOOT_IMAGE + len(image) // CD_SECTOR
    primary = bytearray(CD_SECTOR)
    primary[0:7] = b"\x01CD001\x01"
    primary[8:72] = b" " * 32 + b"TRANSVISOR MEDIUM TEST".ljust(32)
    primary[80:88] = struct.pack("<I", total) + struct.pack(">I", total)
    primary[128:132] = struct.pack("<H", CD_SECTOR) + struct.pack(">H", CD_SECTOR)
    record = bytearray(CD_SECTOR)
    record[0:7] = b"\x00CD001\x01"
    record[7:39] = b"EL TORITO SPECIFICATION".ljust(32, b"\0")
    record[71:75] = struct.pack("<I", CD_CATALOG)
    end = b"\xffCD001\x01".ljust(CD_SECTOR, b"\0")
    validation = bytearray(struct.pack("<BBH24sHBB", 1, 0, 0, b"transvisor", 0, 0x55, 0xAA))
    checksum = -sum(struct.unpack("<16H", validation)) & 0xFFFF
    validation[28:30] = struct.pack("<H", checksum)
    entry = struct.pack("<BBHBBHI", 0x88, media_type, 0, 0, 0, load_sectors, CD_BOOT_IMAGE)
    catalog = (bytes(validation) + entry).ljust(CD_SECTOR, b"\0")
    return bytes(16 * CD_SECTOR) + bytes(primary) + bytes(record) + end + catalog + image


def main():
    program, directory = sys.argv[1:]
    with open(program, "rb") as f:
        code = f.read()
    os.makedirs(directory, exist_ok=True)

    def save(name, data):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(data)

    for name, (cylinders, heads, sectors) in FLOPPIES.items():
        total = cylinders * heads * sectors
        save(f"floppy-{name}.img", medium(code, FLOPPY, total, heads, sectors))

    cylinders, heads, sectors = DISK_GEOMETRY
    total = cylinders * heads * sectors + DISK_TAIL
    save("disk.img", medium(code, DISK, total, heads, sectors))

    first = CD_BOOT_IMAGE + (len(code) + CD_SECTOR - 1) // CD_SECTOR
    boot = with_parameters(code, CD, 11, 0, 0, CD_SECTORS, first)
    head = cd_descriptors(boot, 0, len(code) // SECTOR, CD_SECTORS)
    numbers = range(first * CD_SECTOR // SECTOR, CD_SECTORS * CD_SECTOR // SECTOR)
    save("cd.iso", head + b"".join(pattern(n) for n in numbers))

    cylinders, heads, sectors = FLOPPIES["1440k"]
    floppy = medium(code, CD_FLOPPY, cylinders * heads * sectors, heads, sectors)
    save("cd-floppy.iso", cd_descriptors(floppy, 2, 1))


if __name__ == "__main__":
    main()
