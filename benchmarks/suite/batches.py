# SPDX-License-Identifier: GPL-2.0-or-later
"""How a batch of rows is measured on a peer. Each function yields (row name, value)
as it becomes known, and raises Trouble when the rest will not come."""
import os
import re

from suite.machine import Machine, Trouble

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = os.path.join(ROOT, "cache", "benchmarks")
KERNEL = os.path.join(ROOT, "cache", "kernel-686", "vmlinuz")
DEBIAN = os.path.join(BUILT, "debian")
GUEST_PASS = 33  # tests/guests/pc32.inc
MACHINES_LOST = 3

# The same machine for every peer. Without a network card, whose boot ROM takes time.
MACHINE = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-nic", "none"]
RESULT = re.compile(r"^(\w+) (?:([0-9.]+) (?:ns|s|cycles)|failed)$", re.MULTILINE)

# What benchmarks/build has to build for each.
PARTS = {
    "programs": ["programs", "kernel"],
    "boot": ["boot", "kernel"],
    "nano": ["nano"],
    "debian": ["debian"],
}
# Batches that have a counterpart on the host.
NATIVE = {"programs", "debian"}


def built(name):
    return os.path.join(BUILT, name)


def results(machine, names, end):
    """Yields the result lines of these rows until a line says that it is the end."""
    left = list(names)
    while True:
        machine.wait(rf"^(?:\w+ (?:[0-9.]+ (?:ns|s|cycles)|failed)|{end})\n", "the next row")
        line = machine.text[: machine.mark].splitlines()[-1]
        match = RESULT.match(line)
        if not match:
            break
        if match.group(1) in left:
            left.remove(match.group(1))
            yield match.group(1), float(match.group(2)) if match.group(2) else None
    if left:
        raise machine.trouble("no result for " + ", ".join(left))


def linux(append):
    """Debian's kernel; panic=-1 ends the machine at once if it fails."""
    return ["-m", "256", "-kernel", KERNEL, "-append", f"console=ttyS0 panic=-1 {append}".strip()]


class NoStart(Trouble):
    """The machine did not even get to the first row."""


def programs_once(peer, names, options):
    arguments = ["-t", str(options.slice), ",".join(names)]
    if peer.native:
        command = [built("programs"), *arguments]
    else:
        command = peer.command + MACHINE + linux("quiet -- " + " ".join(arguments))
        command += ["-initrd", built("initrd")]
    with Machine(command, options.stall) as m:
        try:
            m.wait("^rows: begin$", "the first row")
        except Trouble as trouble:
            raise NoStart(str(trouble)) from trouble
        yield from results(m, names, "rows: end")
        m.finish()


def programs(peer, names, options):
    """A row that hangs or ends the machine loses only itself: the rows behind it get
    a machine of their own, up to MACHINES_LOST of them."""
    left = list(names)
    lost = 0
    while left:
        try:
            for name, value in programs_once(peer, left, options):
                left.remove(name)
                yield name, value
        except NoStart:
            raise
        except Trouble as trouble:
            lost += 1
            if not left or lost > MACHINES_LOST:
                raise
            options.say(f"{peer.name}: {left[0]}: {trouble}")
            yield left.pop(0), None


def boot(peer, names, options):
    command = peer.command + MACHINE + linux("") + ["-initrd", built("initrd-boot")]
    with Machine(command, options.stall) as m:
        m.wait("transvisor: init reached", "its init")
        wall = m.finish()
        values = {"kernel_init": wall, "kernel_init_cpu": m.cpu_seconds}
        for name in names:
            yield name, values[name]


def nano(peer, names, options):
    command = peer.command + MACHINE
    command += ["-m", "32", "-kernel", built("nano.elf"), "-device", "isa-debug-exit"]
    with Machine(command, options.stall) as m:
        m.wait("^rows: begin$", "the first row")
        yield from results(m, names, "rows: end")
        m.finish(GUEST_PASS)


def debian(peer, names, options):
    """Boots to the login prompt, logs in and has the jobs run. Not quietly: what systemd
    says shows that the machine is getting on."""
    jobs = [name for name in names if name != "debian_login"]
    stall = options.stall * 5  # a job says nothing while it runs
    if peer.native:
        if not jobs:
            return
        if os.geteuid() != 0:
            raise Trouble("running the jobs by chroot needs root")
        with Machine(["chroot", os.path.join(DEBIAN, "tree"), "/root/jobs", *jobs], stall) as m:
            yield from results(m, jobs, "jobs done")
        return
    disk = os.path.join(DEBIAN, "disk.img")
    command = peer.command + MACHINE
    command += ["-m", "256", "-kernel", os.path.join(DEBIAN, "vmlinuz")]
    command += ["-initrd", os.path.join(DEBIAN, "initrd")]
    command += ["-append", "console=ttyS0 panic=-1 root=/dev/sda rw"]
    command += ["-drive", f"file={disk},format=raw,if=ide,snapshot=on"]
    with Machine(command, stall) as m:
        seconds = m.wait("login: $", "the login prompt")
        if "debian_login" in names:
            yield "debian_login", seconds
        if jobs:
            m.send("root\n")
            m.wait(r"# $", "the shell's prompt")
            m.send("/root/jobs " + " ".join(jobs) + "\n")
            yield from results(m, jobs, "jobs done")
        # Its disk is a snapshot: nothing has to be kept.


BATCHES = {"programs": programs, "boot": boot, "nano": nano, "debian": debian}
