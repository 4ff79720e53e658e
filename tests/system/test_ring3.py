#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The ring-3 guest, tests/guests/ring3: what pieces of ring-3 code do is the
same, to the last flag, as with the interpreter; and code that gets at the 64-bit
mode of a host that runs it natively ends as a fault. With direct=on the pieces
have really run natively, which counters tell."""
import os
import re
import subprocess

from machine import BUILD, DEBUG_EXIT, ENGINE, GUEST_PASS, Failure, Machine, Skip, guest, main

INTERPRETER = ["-accel", "interp"]
ATTACKS = 900  # of the guest's 1011 that get as far as the host, at least
TRIES = 5
PROCESSES = 2 + 16 + 2  # the zygote, a mapper each (its guest is a thread), helpers
EXHAUST_PAGES = 72000  # tests/guests/ring3/exhaust.c
STEPS = 90000
PROMPT_SHARE = 0.5  # of the ticks have to be prompt: the host may be busy


def play(engine, *arguments, stall=60, at=None, wrapper=()):
    """Returns the guest's text, and the program's counters. at: what to wait for, and
    what to do then with the machine."""
    with Machine("-m", "16", "-kernel", guest("ring3.elf"), *DEBUG_EXIT, "-no-reboot",
                 "-d", "stats,vm", *arguments, engine=engine, wrapper=wrapper) as m:
        if at:
            m.wait_serial(at[0], stall=stall)
            at[1](m)
        m.wait_serial(r"ring3: (done|FAILED)\n", stall=stall)
        text = m.serial()
        m.expect_exit(GUEST_PASS)
        m.errors_read.join()
        errors = m.errors.decode(errors="replace")
    return text, errors


def lines(text):
    """What has to be the same everywhere."""
    return [x.rstrip() for x in text.splitlines() if not x.startswith("latency")]


def counter(errors, name):
    found = re.search(rf"direct_{name} +(\d+)", errors)
    return int(found.group(1)) if found else 0


def skip_unless_direct(errors):
    """Direct execution was asked for, and is there."""
    if not any("direct=on" in a for a in ENGINE):
        raise Skip("no direct execution in this setting")
    found = re.search(r"no direct execution: .*", errors)
    if found and os.environ.get("TRANSVISOR_NEEDS_DIRECT"):
        raise Failure(found.group())
    if found:
        raise Skip(found.group())


def check_used(errors):
    """With direct=on, that it has been used."""
    try:
        skip_unless_direct(errors)
    except Skip as reason:
        print(reason)
        return
    escapes, runs = counter(errors, "escapes"), counter(errors, "runs")
    print(f"{runs} runs, {escapes} attacks that reached the host")
    if escapes < ATTACKS:
        raise Failure(f"only {escapes} attacks have reached the host, should be {ATTACKS}")


def pieces():
    """The same results as the interpreter's, and attacks end as faults."""
    wanted = lines(play(INTERPRETER)[0])
    text, errors = play(ENGINE)
    for a, b in zip(wanted, lines(text)):
        if a != b:
            raise Failure(f"is      {b}\nshould be {a}")
    if len(wanted) != len(lines(text)):
        raise Failure("a piece is missing")
    print(f"{len(wanted)} lines agree")
    check_used(errors)


def latency():
    """The timer's interrupt comes within 200 us to a tight loop, unless others keep
    the host busy: then it is tried again."""
    for _ in range(TRIES):
        text, errors = play(ENGINE)
        skip_unless_direct(errors)
        found = re.search(r"latency: (\w+) of (\w+) within 200 us", text)
        prompt, ticks = (int(x, 16) for x in found.groups())
        print(f"{prompt} of {ticks} interrupts within 200 us")
        if prompt >= ticks * PROMPT_SHARE:
            return
    raise Failure(f"only {prompt} of {ticks} interrupts came within 200 us")


def descendants(pid):
    """Processes that come from that one."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                parents[int(name)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = {pid}
    while True:
        more = {n for n, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def is_alive(pid):
    """Not even a zombie of the monitor's, but perhaps one that nobody takes in."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def exhaust():
    """The guest wants as much of the host as it can get: it gets what it has to see, in
    no more processes than there are stubs and with mappings evicted, and none stays."""
    wanted = lines(play(INTERPRETER, "-append", "exhaust")[0])
    seen = []
    text, errors = play(ENGINE, "-append", "exhaust", stall=300, at=(
        r"many spaces\n", lambda m: seen.append(descendants(m.process.pid))))
    if lines(text) != wanted:
        raise Failure(f"{lines(text)}, should be {wanted}")
    left = [n for n in seen[0] if is_alive(n)]
    if left or len(seen[0]) > PROCESSES:
        raise Failure(f"{len(seen[0])} processes, {len(left)} are left")
    skip_unless_direct(errors)
    fills, lost = counter(errors, "fills"), counter(errors, "stubs_lost")
    moved = counter(errors, "stubs_moved")
    print(f"{fills} fills, {moved} stubs moved, {lost} lost, {len(seen[0])} processes")
    # Each page once, and what was evicted again.
    if fills < EXHAUST_PAGES * 1.05 or not moved or lost:
        raise Failure("the mappings were not exhausted, or a stub was lost")


def single_steps():
    """In lockstep with the interpreter, each instruction of ring 3 by itself. A tick of
    the timer is a thousand instructions."""
    engine = ["-accel", "bt,direct=step,lockstep=on", "-icount", "shift=10"]
    with Machine("-m", "16", "-kernel", guest("ring3.elf"), *DEBUG_EXIT, "-no-reboot",
                 "-d", "stats,vm", engine=engine) as m:
        m.wait_serial(r"ring3: (done|FAILED)\n", stall=300)
        status = m.wait_exit()
        m.errors_read.join()
        errors = m.errors.decode(errors="replace")
    found = re.search(r"no direct execution: (.*)", errors)
    if found:
        raise Skip(f"no direct execution: {found.group(1)}")
    runs = counter(errors, "runs")
    print(f"{runs} steps")
    if "lockstep: " in errors or status != GUEST_PASS or runs < STEPS:
        raise Failure(f"exit status {status}, {runs} steps: {errors}")


def filter_wrapper(*options):
    """What runs a program as container runtimes do."""
    wrapper = [os.path.join(BUILD, "tests", "container"), *options]
    done = subprocess.run([*wrapper, "/bin/true"], check=False)
    if done.returncode:
        raise Skip(f"no such filter can be set up here ({done.returncode})")
    return wrapper


def said_once(errors):
    """The one line of the log (the statistics are another place) about what the host has."""
    said = re.findall(r"^vm: (.*direct execution: .*)", errors, re.MULTILINE)
    if len(said) != 1:
        raise Failure(f"{len(said)} lines about direct execution, should be 1: {errors}")
    print(said[0])
    return said[0]


def probe():
    """One line says what a trap costs on this host, or what the host lacks. A slow host sees
    fewer attacks: interrupts show the monitor where they are."""
    errors = play(ENGINE)[1]
    said_once(errors)
    skip_unless_direct(errors)
    runs, escapes = counter(errors, "runs"), counter(errors, "escapes")
    print(f"{runs} runs, {escapes} attacks that reached the host")
    if not runs or not escapes:
        raise Failure("nothing has run natively")


def lacking():
    """Where the host lacks something, one line says what, and the guest runs translated."""
    text, errors = play(ENGINE, wrapper=filter_wrapper("--refuse", "ptrace"))
    said = said_once(errors)
    if not said.startswith("no direct execution: ptrace") or counter(errors, "runs"):
        raise Failure(said)
    if lines(text) != lines(play(INTERPRETER)[0]):
        raise Failure("the pieces do not give the same")


def container():
    """Under a container runtime's default profile, without capabilities: the same, natively
    where it is native without."""
    wrapper = filter_wrapper()
    wanted, without = play(ENGINE)
    text, errors = play(ENGINE, wrapper=wrapper)
    if lines(text) != lines(wanted):
        raise Failure("the pieces do not give the same")
    skip_unless_direct(without)
    skip_unless_direct(errors)
    if "sandbox: " not in errors:
        raise Failure("there is no sandbox")
    check_used(errors)


main([pieces, latency, exhaust, single_steps, probe, lacking, container])
