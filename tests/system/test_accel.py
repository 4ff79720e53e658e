#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who runs the guest: -accel with alternatives, and the command `accel`, by which
a machine goes on under another engine. KVM takes part where the host has it."""
import os
import random
import re
import subprocess
import time

import kvm_limits
from kvm_limits import has_hardware, have_kvm
from machine import BUILD, DEBUG_EXIT, PROGRAM, Failure, Machine, Skip, guest, main
from mmu_game import PASSED, Game, reference

ENGINES = ["bt", "interp", "kvm"]


def engines(first):
    """-accel with all that there are, and their names."""
    names = [first] + [e for e in ENGINES if e != first and (e != "kvm" or have_kvm())]
    return ["-accel", ":".join(names)], names


def expect(m, command, pattern):
    answer = m.hmp(command)
    if not re.search(pattern, answer):
        raise Failure(f"{command}: {answer!r} is not like {pattern!r}")
    return answer


def change(m, name):
    answer = m.hmp(f"accel {name}")
    if "Error" in answer:
        raise Failure(answer)
    expect(m, "accel", rf"^{name}\b")


def play_idle(first):
    """Seconds of the guest pass at the host's pace whoever runs it, and no tick is lost."""
    accel, names = engines(first)
    others = names[1:] + names[:1]
    with Machine("-kernel", guest("idle.elf"), engine=accel) as m:
        m.wait_serial("idle: second")
        start, seconds = time.monotonic(), 0
        for name in others + others[::-1] + others:
            change(m, name)
            m.wait_serial("idle: second")
            seconds += 1
        passed = time.monotonic() - start
        print(f"{first}: {seconds} seconds in {passed:.2f}")
        if abs(passed - seconds) > 1.5:
            raise Failure(f"{seconds} guest seconds took {passed:.2f} s")


def running():
    """Changes while the guest halts and is interrupted."""
    for first in ENGINES:
        if first != "kvm" or have_kvm():
            play_idle(first)


def registers(m):
    """What has to be the same under every engine; who halts is at the same place."""
    return m.hmp("info registers")


def stopped():
    """A machine that is stopped keeps its state to the last register."""
    accel, names = engines("bt")
    with Machine("-kernel", guest("idle.elf"), engine=accel) as m:
        m.wait_serial("idle: second")
        for name in names[1:] + names:
            m.hmp("stop")
            before, memory = registers(m), m.hmp("xp /256wx 0x100000")
            change(m, name)
            if registers(m) != before or m.hmp("xp /256wx 0x100000") != memory:
                raise Failure(f"{name}: {before}\n{registers(m)}")
            m.hmp("cont")
            m.wait_serial("idle: second")


def play_game(seed, names, accel):
    """A random game with page tables and changing code, while engines change at random."""
    game = f"seed={seed} steps=1500 disk=0 gamble=1 spin=20000" + kvm_limits.game_options()
    wanted = reference(game)
    dice = random.Random(seed)
    with Game(game, engine=accel) as m:
        changes = 0
        try:
            while m.process.poll() is None and not re.search(PASSED, m.serial()):
                change(m, dice.choice(names))
                changes += 1
                time.sleep(dice.random() / 20)
        except (OSError, Failure):
            # The monitor is closed some time before a process that has a KVM has ended.
            if m.process.poll() is None and not re.search(PASSED, m.serial()):
                raise
        if m.result() != wanted:
            raise Failure(f"seed {seed}: another hash than the interpreter's")
    print(f"seed {seed}: {changes} changes")


def games():
    """Paging, ring 3 and self-changing code. A KVM without hardware cannot take part:
    it refuses paging (tests/system/kvm_host.c)."""
    names = ["bt", "interp"]
    if have_kvm() and has_hardware():
        names.append("kvm")
    for seed in (1, 2):
        play_game(seed, names, ["-accel", ":".join(names)])


def refuse(arguments, *wanted):
    """The program ends with status 1 and one line that holds all of `wanted`."""
    done = subprocess.run(
        [PROGRAM, "-display", "none", "-serial", "none", "-monitor", "none", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )
    lines = done.stderr.splitlines()
    if done.returncode != 1 or len(lines) != 1 or not all(w in lines[0] for w in wanted):
        raise Failure(f"{arguments}: status {done.returncode}, {done.stderr!r}")


def missing():
    """No KVM: one line, and the next engine where there is one."""
    refuse(["-accel", "kvm,device=/dev/no-kvm"], "-accel kvm", "/dev/no-kvm", "No such file")
    refuse(["-accel", "kvm,device=/dev/null"], "-accel kvm", "/dev/null is no KVM")
    refuse(["-accel", "kvm", "-icount", "0"], "-accel kvm", "-icount")
    refuse(["-accel", "kvm,lockstep=on", "-icount", "0"], "-accel kvm", "lockstep")
    refuse(["-accel", "kvm,cache=1M"], "cache", "bt")
    for alternatives in (
        ["-accel", "kvm:interp,device=/dev/null"],
        ["-accel", "kvm,device=/dev/null", "-accel", "interp"],
    ):
        with Machine("-kernel", guest("debugports.elf"), *DEBUG_EXIT, engine=alternatives) as m:
            m.wait_exit()
            lines = m.errors.decode().splitlines()
        if len(lines) != 1 or "/dev/null is no KVM" not in lines[0] or "interp" not in lines[0]:
            raise Failure(f"{alternatives}: {lines}")


def commands():
    """What `accel` answers to, and what it refuses."""
    with Machine("-kernel", guest("idle.elf"), engine=["-accel", "bt"]) as m:
        expect(m, "accel", "^bt")
        expect(m, "accel magic", "^Error: there is no engine magic")
        expect(m, "accel kvm", "^Error: the sandbox is closed: name kvm")
        expect(m, "accel", "^bt")
        expect(m, "info kvm", "^kvm support: disabled")
        change(m, "interp")
        change(m, "bt")
        m.wait_serial("idle: second")
    with Machine(
        *["-kernel", guest("idle.elf"), "-icount", "0", "-sandbox", "off"],
        engine=["-accel", "bt"],
    ) as m:
        expect(m, "accel kvm", "^Error: kvm counts no instructions")
        change(m, "interp")


def kvm():
    """The machine's own view of KVM, and a guest that runs to its end in the sandbox."""
    if not have_kvm():
        raise Skip("/dev/kvm is missing, or not ours")
    with Machine("-kernel", guest("idle.elf"), engine=["-accel", "kvm"]) as m:
        m.wait_serial("idle: second")
        answer = expect(m, "info kvm", "^kvm support: enabled")
        if has_hardware() == ("without hardware" in answer):
            raise Failure(answer)
        expect(m, "info kvm", r"kvm_exit_halt +[1-9]")
        expect(m, "info sandbox", "KVM's ioctl")
    with Machine("-kernel", guest("multiboot.elf"), *DEBUG_EXIT, engine=["-accel", "kvm"]) as m:
        m.wait_exit()
    print(f"hardware: {has_hardware()}")


def direct():
    """Direct execution is still there when the translator has rested for another engine
    to be made."""
    if not have_kvm():
        raise Skip("/dev/kvm is missing")
    accel = ["-accel", "bt,direct=on", "-accel", "kvm"]
    with Machine("-kernel", guest("idle.elf"), engine=accel) as m:
        m.wait_serial("idle: second")
        expect(m, "info jit", r"direct_runs|no direct execution: ")


def host():
    """KVM asked by ioctl() alone: with hardware all is right, but what TCG's is known for;
    without, the faults that kvm_limits.py has tests skipped for are there."""
    if not have_kvm():
        raise Skip("/dev/kvm is missing, or not ours")
    program = os.path.join(BUILD, "tests", "kvm_host")
    text = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    print(text, end="")
    wrong = re.findall(r"^WRONG (.*?):", text, re.MULTILINE)
    if has_hardware():
        expected = kvm_limits.WRONG_ON_TCG if kvm_limits.on_tcg() else []
        if wrong != expected:
            raise Failure(f"wrong with hardware: {wrong}, not {expected}")
        return
    for reason, (_, lines) in kvm_limits.REASONS.items():
        mended = [line for line in lines if line not in wrong]
        if mended:
            raise Failure(f"kvm_limits.py, '{reason}': this host does {mended} right")


main([running, stopped, games, missing, commands, kvm, direct, host])
