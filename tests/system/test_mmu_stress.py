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
    spin          turns of loops in ring 3
"""
import os
import re

from machine import DEBUG_EXIT, ENGINE, GUEST_PASS, PROGRAM, Failure, Machine, guest, main

QEMU = "qemu" in os.path.basename(PROGRAM)
QEMU_CPU = ["-cpu", "max,-smep,-smap,-umip,-pku,-la57,-fsgsbase,-svm"] if QEMU else []
INTERPRETER = ["-accel", "interp"]
STOPS = [20_000_000, 50_000_000, 90_000_000]
DISK_BYTES = 1 << 20
SECTORS = 64
SLOT = 64
PASSED = r"mmu_stress: seed \d+ passed, hash (\w+)\n|FAIL.*\n"


def disk_slot(number):
    """xor eax, v; ret; the rest. ORDER: disk_byte() of tests/guests/mmu_stress/code.c."""
    v = number * 0x9E3779B1 % 2**32 ^ 0x85EBCA6B
    code = b"\x35" + v.to_bytes(4, "little") + b"\xc3"
    return code + bytes((v + at) % 256 for at in range(len(code), SLOT))


def make_disk(path):
    content = b"".join(disk_slot(n) for n in range(SECTORS * 512 // SLOT))
    with open(path, "wb") as f:
        f.write(content.ljust(DISK_BYTES, b"\0"))
    return path


class Game(Machine):
    """A machine that plays one."""

    def __init__(self, game, *arguments, engine=None):
        disk = make_disk(f"mmu_stress-{os.getpid()}.img")
        kernel = ["-kernel", guest("mmu_stress.elf"), "-append", game]
        drive = ["-drive", f"file={disk},format=raw,snapshot=on,if=ide"]
        try:
            super().__init__(
                *["-m", "16", *kernel, *drive, *DEBUG_EXIT, "-no-reboot", *arguments],
                engine=engine,
            )
        finally:
            os.remove(disk)

    def check(self):
        """The engine's structures: a failure ends the program."""
        answers = [self.hmp("mmu-check")]
        if "bt" in (self.command.split("-accel ")[1].split()[0].split(",")[0]):
            answers.append(self.hmp("bt-check"))
        for answer in answers:
            if not answer.startswith("ok"):
                raise Failure(answer)

    def result(self):
        """The hash that the guest prints at its end."""
        found = self.wait_serial(PASSED)
        if not found.group(1):
            raise Failure(found.group(0))
        self.expect_exit(GUEST_PASS)
        return found.group(1)


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


def reference(game):
    """The interpreter's hash."""
    with Game(game, "-icount", "shift=3", engine=INTERPRETER) as m:
        return m.result()


def play_real_time(seed, steps, disk):
    """While something checks the structures all the time, if that is possible."""
    game = f"seed={seed} steps={steps} disk={disk} gamble=1 spin=20000"
    if QEMU:
        game += " qemu=1"
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


main([counted, real_time, marathon, lockstep])
