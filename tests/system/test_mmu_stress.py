#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The MMU stress guest, tests/guests/mmu_stress: a random game with page tables and
with code that changes, which checks itself and ends with a hash. The hash has to
be the interpreter's for the same seed, and with -icount the machine's whole state
too, on the way as well; the monitor checks the engine's structures meanwhile.

A second opinion comes from QEMU, which checks what the guest checks:

    TRANSVISOR=qemu-system-i386 TRANSVISOR_ENGINE="-accel tcg" test_mmu_stress.py real_time

What is on the guest's command line:

    seed, steps   which game, and how long
    disk          1: read by DMA and PIO; 2: by PIO only. While a DMA is under way
                  memory changes before anybody hears of it, and checks would fail
    gamble        accesses that may find stale entries: the engine decides how they end
    qemu          allows for TCG where the architecture is not so clear
    nested        allows for a KVM with nested paging on TCG
    spin          turns of loops in ring 3
"""
import os
import re

from kvm_limits import game_options
from machine import ENGINE, GUEST_PASS, PROGRAM, Failure, Skip, main, under_kvm
from mmu_game import INTERPRETER, PASSED, Game, reference

QEMU = "qemu" in os.path.basename(PROGRAM)
QEMU_CPU = ["-cpu", "max,-smep,-smap,-umip,-pku,-la57,-fsgsbase,-svm"] if QEMU else []
STOPS = [20_000_000, 50_000_000, 90_000_000]


def play_counted(game, engine):
    """With -icount: the state's hashes at the stops, and the guest's hash."""
    stops = list(STOPS)
    hashes = []
    with Game(game, "-icount", f"shift=3,stop={stops[0]}", engine=engine) as m:
        for n, stop in enumerate(stops):
            while "paused" not in m.hmp("info status"):
                m.wait_changed()
            m.check()
            hashes.append(m.hmp("info statehash -v"))
            if n + 1 < len(stops):
                m.hmp(f"stop_at {stops[n + 1]}")
            m.hmp("cont")
        return hashes, m.result()


def counted():
    """The same number of instructions leads to the same state on every engine."""
    for seed in (1, 2, 3):
        game = f"seed={seed} steps=4000 disk=1"
        wanted, wanted_hash = play_counted(game, INTERPRETER)
        got, got_hash = play_counted(game, ENGINE)
        for a, b in zip(wanted, got):
            a, b = a.splitlines(), b.splitlines()
            if a != b:
                raise Failure("; ".join(f"{x} / {y}" for x, y in zip(a, b) if x != y))
        if wanted_hash != got_hash:
            raise Failure(f"seed {seed}: hash {got_hash}, the interpreter's is {wanted_hash}")
        print(f"seed {seed}: {got_hash}")


def play_real_time(seed, steps, disk):
    """While something checks the structures all the time, if that is possible."""
    if any("check=" in a for a in ENGINE):
        disk = 2
    game = f"seed={seed} steps={steps} disk={disk} gamble=1 spin=20000"
    if QEMU:
        game += " qemu=1"
    elif under_kvm():
        game += game_options()
    wanted = "" if QEMU else reference(game)
    with Game(game, *QEMU_CPU) as m:
        checks = 0
        checking = disk == 2 and not QEMU
        while checking and not re.search(PASSED, m.serial()) and m.process.poll() is None:
            try:
                m.check()
                checks += 1
            except Failure:
                m.expect_exit(GUEST_PASS)
                break
            m.changed.acquire()
            m.changed.wait(0.1)
            m.changed.release()
        got = m.result()
    print(f"seed {seed}: {got}, {checks} checks")
    if not QEMU and wanted != got:
        raise Failure(f"seed {seed}: hash {got}, the interpreter's is {wanted}")


def real_time():
    """Interrupts come when they like, the monitor too."""
    play_real_time(4, 4000, 1)
    play_real_time(5, 4000, 2)


def marathon():
    """Long games."""
    for seed in range(100, 105):
        play_real_time(seed, 30000, 1 + seed % 2)


def direct_lockstep(setting, runs):
    engine = ["-accel", f"bt,{setting},lockstep=on"]
    game = "seed=6 steps=1500 disk=1"
    with Game(game, "-icount", "shift=3", "-d", "stats,vm", engine=engine) as m:
        m.wait_serial(PASSED, stall=600)
        status = m.wait_exit()
        m.errors_read.join()
        text = m.errors.decode(errors="replace")
    if "no direct execution" in text:
        raise Skip("no direct execution")
    found = re.search(r"direct_runs +(\d+)", text)
    if "lockstep: " in text or status != GUEST_PASS or not found or int(found.group(1)) < runs:
        raise Failure(f"exit status {status}: {text}")
    print(f"{found.group(1)} runs")


def direct_steps():
    """Ring 3 natively, single-stepped beside the interpreter."""
    direct_lockstep("direct=step", 50000)


def direct_traps():
    """Ring 3 natively, compared with the interpreter at each trap."""
    direct_lockstep("direct=on", 1000)


def lockstep():
    """Beside the interpreter, compared every so many instructions. (Not block by
    block: the translator's blocks do not end at flags that DIV leaves undefined.)"""
    accelerator = next(a for a in ENGINE if not a.startswith("-"))
    inject = "" if accelerator.startswith("interp") else ",inject=user-windows"
    engine = ["-accel", f"{accelerator},lockstep=200{inject}"]
    with Game("seed=6 steps=1500 disk=1", "-icount", "shift=3", engine=engine) as m:
        m.wait_serial(PASSED, stall=600)
        status = m.wait_exit()
        m.errors_read.join()
        text = m.errors.decode(errors="replace")
        if "lockstep: " in text or status != GUEST_PASS:
            raise Failure(f"exit status {status}: {text}")


main([counted, real_time, marathon, lockstep, direct_steps, direct_traps])
