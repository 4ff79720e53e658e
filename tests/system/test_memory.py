#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the monitor keeps on behalf of a guest: at most 64 MiB beside the memory that the
guest has touched, whatever it does. The guest is a part of the ring-3 guest
(tests/guests/ring3/hoard.c) that wants it to keep as much as it can, of one thing
after the other.

Counted is what /proc/PID/smaps calls anonymous, of the program and of processes that it
has made, and the code cache, which is a memfd. Not counted are the guest's RAM and the
display's, and pages of libraries that are as they are in their files. To be read, the
program has to be without its sandbox.
"""
import os
import re

from machine import DEBUG_EXIT, GUEST_PASS, Failure, Machine, guest, main

LIMIT_MIB = 64
PARTS = 10
CODE_CACHE = "memfd:translations"


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            found += [int(child) for child in f.read().split()]
    return found


def descendants(pid):
    """Its processes, as far as they do not end meanwhile."""
    found = []
    try:
        for child in children(pid):
            found += [child, *descendants(child)]
    except OSError:
        pass
    return found


def mappings(pid):
    """The name of each, and its fields in KiB."""
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as f:
        for line in f:
            found = re.match(r"(\w+): +(\d+) kB", line)
            if found:
                fields[found.group(1)] = int(found.group(2))
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                name = line.split(None, 5)[5:]
                fields = {}
                yield (name[0].strip() if name else "", fields)


def kept_kib(pid):
    """Anonymous memory, the code cache, and that of processes made."""
    anonymous = code = others = 0
    for name, fields in list(mappings(pid)):
        anonymous += fields["Anonymous"]
        if CODE_CACHE in name:  # it is mapped twice
            code = max(code, fields["Rss"])
    for process in descendants(pid):
        try:
            with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as f:
                others += int(re.search(r"^Pss_Anon: +(\d+)", f.read(), re.M).group(1))
        except (OSError, AttributeError):
            pass  # it has ended
    return anonymous, code, others


def page_tables_kib(pid):
    """The host's for it, which nobody counts; for the reader."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^VmPTE:\s+(\d+)", f.read(), re.M).group(1))


def hoard():
    """No part of the guest makes the monitor keep more than the limit."""
    worst = 0
    with Machine(
        *["-m", "128", "-kernel", guest("ring3.elf"), "-append", "hoard"],
        *["-sandbox", "off", "-no-reboot", *DEBUG_EXIT],
    ) as m:
        for _ in range(PARTS):
            part = m.wait_serial(r"(?:hoard: .*|FAIL.*)\r?\n").group(0).strip()
            mib = [kib / 1024 for kib in kept_kib(m.process.pid)]
            print(
                f"{part}: {sum(mib):.1f} MiB: anonymous {mib[0]:.1f}, code {mib[1]:.1f}, other "
                f"processes {mib[2]:.1f}; page tables {page_tables_kib(m.process.pid) / 1024:.1f}",
                flush=True,
            )
            worst = max(worst, sum(mib))
            m.send_serial("x")
        m.expect_exit(GUEST_PASS)
    if worst > LIMIT_MIB:
        raise Failure(f"the monitor has kept {worst:.1f} MiB, should be {LIMIT_MIB} at most")


main([hoard])
