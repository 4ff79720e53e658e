#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The ring-3 guest, tests/guests/ring3: what pieces of ring-3 code do is the
same, to the last flag, as with the interpreter; and code that gets at the 64-bit
mode of a host that runs it natively ends as a fault. With direct=on the pieces
have really run natively, which counters tell."""
import re

from machine import DEBUG_EXIT, ENGINE, GUEST_PASS, Failure, Machine, Skip, guest, main

INTERPRETER = ["-accel", "interp"]
ATTACKS = 1000  # of the guest's that get as far as the host, at least
TRIES = 5
PROMPT_SHARE = 0.5  # of the ticks have to be prompt: the host may be busy


def play(engine):
    """Returns the guest's text, and the program's counters."""
    with Machine("-m", "16", "-kernel", guest("ring3.elf"), *DEBUG_EXIT, "-no-reboot",
                 "-d", "stats,vm", engine=engine) as m:
        m.wait_serial(r"ring3: (done|FAILED)\n")
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
    found = re.search(r"no direct execution: (.*)", errors)
    if found:
        raise Skip(f"no direct execution: {found.group(1)}")


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


main([pieces, latency])
