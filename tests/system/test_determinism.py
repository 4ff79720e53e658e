#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""-icount: runs of the same machine repeat exactly. Each guest runs twice, the
second time with the monitor looking at it and the display being drawn all the
while, and has the same state hash at every stop."""
import os
import shutil
import tempfile
import time

from machine import BUILD, Failure, Machine, guest, main, package

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
AUTORUN = 16  # monitor/guest/carried.h
END = 1 << 62  # when the guest switches itself off


def hashes(stops, arguments, disturbed):
    """The state hash, part by part, at each stop."""
    found = []
    options = ["-no-shutdown", "-S"]
    with Machine(*options, *["-icount", f"shift=3,stop={stops[0]}"], *arguments, serial=False) as m:
        m.hmp("cont")
        for stop in stops:
            if stop != stops[0]:
                m.hmp(f"stop_at {stop}")
                m.hmp("cont")
            wanted = "shutdown" if stop == END else "paused"
            while wanted not in m.hmp("info status"):
                if disturbed:
                    m.hmp(f"screendump {m.path('screen.ppm')}")
                    m.hmp("info registers")
                    m.hmp("x /40xb $eip")
                else:
                    time.sleep(0.05)
            found.append(m.hmp("info statehash -v"))
            if stop != END and f"after {stop} instructions" not in found[-1]:
                raise Failure(f"stopped elsewhere: {found[-1]}")
    return found


def compare(stops, *arguments):
    arguments = [*arguments, "-serial", "null"]
    first = hashes(stops, arguments, False)
    for a, b in zip(first, hashes(stops, arguments, True)):
        a, b = a.splitlines(), b.splitlines()
        print(a[-1])
        if a != b:
            raise Failure("; ".join(f"{x} / {y}" for x, y in zip(a, b) if x != y))
    if len({a.splitlines()[-1].split()[0] for a in first}) != len(stops):
        raise Failure("the hash does not change")


def linux():
    """Debian's kernel, from the BIOS to its init."""
    compare(
        [1000, 5000001, 60000007, 250000000, 600000000],
        *["-m", "128", "-kernel", package("kernel-686", "vmlinuz")],
        *["-initrd", guest("initrd"), "-append", "console=ttyS0"],
    )


def linux_pae():
    """PAE, APICs in use."""
    compare(
        [40000003, 500000000],
        *["-m", "128", "-kernel", package("kernel-686-pae", "vmlinuz")],
        *["-initrd", guest("initrd"), "-append", "console=tty0"],
    )


def self_test():
    """The carried guest's self test: disk, floppy controller, timers, graphics."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "selftest.img")
        shutil.copy(IMAGE, path)
        with open(path, "r+b") as f:
            f.seek(AUTORUN)
            f.write(b"T")
        compare(
            [999, 3000000, 20000000, END],
            *["-drive", f"format=raw,snapshot=on,file={path}"],
        )


def media():
    """A boot sector that reads and writes all of its disk."""
    disk = guest(os.path.join("media", "disk.img"))
    compare([30000000, 90000000], *["-drive", f"format=raw,snapshot=on,file={disk}"])


main([linux, linux_pae, self_test, media])
