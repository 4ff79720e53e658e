#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A soak of direct execution in the Debian root of the benchmarks: rounds of a package
installed and removed, a program built and run (forks, signals, mprotect, code that it
writes), perl, tar, swap, and LuaJIT where cache/luajit has it (tests/packages/fetch
luajit). Every round has to say what the first one under the translator alone says, and
after the first round the host must not be asked for more and more: descriptors,
processes, mappings, memory.
"""
import io
import os
import re
import subprocess
import tarfile
import tempfile
from glob import glob

from machine import CACHE, Failure, Machine, Skip, main

HERE = os.path.dirname(os.path.abspath(__file__))
SOAK = os.path.join(HERE, "..", "guests", "soak")
DEBIAN = os.path.join(CACHE, "benchmarks", "debian")
MIB = 128
TOUCHED = 110  # MiB, beyond what is free
ROUNDS = 3
SECTOR = 512
STALL = 900
# Of a later round beside the first: what caches and windows may still have grown by.
MORE_MAPS = 20000
MORE_KIB = 96 << 10


def make_package(directory):
    root = os.path.join(directory, "package")
    os.makedirs(os.path.join(root, "DEBIAN"))
    os.makedirs(os.path.join(root, "usr", "bin"))
    with open(os.path.join(root, "DEBIAN", "control"), "w", encoding="ascii") as f:
        f.write("Package: soak-package\nVersion: 1.0\nArchitecture: all\n"
                "Maintainer: nobody <nobody@localhost>\nDescription: for the soak\n")
    program = os.path.join(root, "usr", "bin", "soak-package")
    with open(program, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho installed\n")
    os.chmod(program, 0o755)
    for n in range(300):
        path = os.path.join(root, "usr", "share", "soak-package", f"{n}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(f"{n}\n" * 200)
    deb = os.path.join(directory, "soak-package.deb")
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", "-Zgzip", root, deb],
                   check=True, stdout=subprocess.DEVNULL)
    return deb


def make_disk(directory):
    """A tar file as a disk."""
    path = os.path.join(directory, "soak.img")
    with tarfile.open(path, "w") as tar:
        for name in "soak.c", "soak.sh", "jit.lua":
            tar.add(os.path.join(SOAK, name), name)
        tar.add(make_package(directory), "soak-package.deb")
        for deb in glob(os.path.join(CACHE, "luajit", "*.deb")):
            tar.add(deb, "luajit/" + os.path.basename(deb))
    with open(path, "ab") as f:
        f.truncate((f.seek(0, io.SEEK_END) + SECTOR - 1) // SECTOR * SECTOR)
    return path


def parents():
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                found[int(name)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    return found


def family(pid):
    of, members = parents(), {pid}
    while more := {n for n, parent in of.items() if parent in members} - members:
        members |= more
    return members


def use(pid):
    """What the machine takes of the host: descriptors, processes, mappings, KiB that are
    not the guest's memory."""
    members = family(pid)
    maps = kib = 0
    for n in members:
        try:
            with open(f"/proc/{n}/maps", encoding="ascii", errors="replace") as f:
                maps += sum(1 for _ in f)
            with open(f"/proc/{n}/status", encoding="ascii", errors="replace") as f:
                rss = re.search(r"RssAnon:\s+(\d+)", f.read())
                kib += int(rss.group(1)) if rss else 0
        except OSError:
            pass
    return {"fds": len(os.listdir(f"/proc/{pid}/fd")), "processes": len(members),
            "maps": maps, "kib": kib}


def rounds(disk, engine, count):
    """Returns what each round has said, and what the host had to give after each."""
    said, used = [], []
    root = os.path.join(DEBIAN, "disk.img")
    with Machine(
        *["-m", MIB, "-kernel", os.path.join(DEBIAN, "vmlinuz")],
        *["-initrd", os.path.join(DEBIAN, "initrd"), "-d", "stats,vm"],
        *["-append", "console=ttyS0 panic=-1 root=/dev/sda rw"],
        *["-drive", f"file={root},format=raw,if=ide,snapshot=on"],
        *["-drive", f"file={disk},format=raw,if=ide,snapshot=on"],
        engine=["-accel", engine],
    ) as m:
        m.wait_serial("login: ", stall=STALL)
        m.send_serial("root\n")
        m.wait_serial(r"# $", stall=STALL)
        m.send_serial("dmesg -n 1; mkdir /soak; tar -C /soak -xf /dev/sdb; echo unpac''ked\n")
        m.wait_serial("unpacked", stall=STALL)
        for _ in range(count):
            start = m.serial_mark
            m.send_serial(f"/soak/soak.sh {TOUCHED}\n")
            m.wait_serial("soak: round done", stall=STALL)
            text = m.serial()[start : m.serial_mark]
            said.append(re.findall(r"^soak: .*?$", text.replace("\r", ""), re.M))
            used.append(use(m.process.pid))
            print(used[-1], flush=True)
        m.hmp_last("quit")
        m.wait_exit()
        m.errors_read.join()
        errors = m.errors.decode(errors="replace")
    return said, used, errors


def check_use(first, last):
    if last["fds"] > first["fds"] or last["processes"] > max(first["processes"], 20):
        raise Failure(f"descriptors or processes leak: {first}, {last}")
    if last["maps"] > first["maps"] + MORE_MAPS or last["kib"] > first["kib"] + MORE_KIB:
        raise Failure(f"mappings or memory leak: {first}, {last}")


def soak(mode):
    if not os.path.exists(os.path.join(DEBIAN, "disk.img")):
        raise Skip("there is no Debian root: run benchmarks/debian/make")
    with tempfile.TemporaryDirectory() as directory:
        disk = make_disk(directory)
        wanted = rounds(disk, "bt", 1)[0][0]
        print("\n".join(wanted), flush=True)
        if not any("swap off" in x for x in wanted) or any("failed" in x for x in wanted):
            raise Failure(f"the guest has no soak: {wanted}")
        said, used, errors = rounds(disk, f"bt,direct={mode}", ROUNDS)
    found = re.search(r"no direct execution: (.*)", errors)
    if found:
        raise Skip(f"no direct execution: {found.group(1)}")
    for n, lines in enumerate(said):
        if lines != wanted:
            differ = [x for x in zip(wanted, lines) if x[0] != x[1]]
            raise Failure(f"round {n}: {differ or lines}")
    check_use(used[0], used[-1])
    for name in "runs", "stubs_made", "stubs_moved", "stubs_lost", "promotions":
        print(re.search(rf"direct_{name} .*", errors).group(0))
    if int(re.search(r"direct_stubs_lost +(\d+)", errors).group(1)):
        raise Failure("stubs were lost")
    if not int(re.search(r"direct_runs +(\d+)", errors).group(1)):
        raise Failure("nothing ran directly")


def direct_on():
    """All of ring 3 that can."""
    soak("on")


def direct_auto():
    """What computes."""
    soak("auto")


main([direct_on, direct_auto])
