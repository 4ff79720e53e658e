#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""-sandbox: that the running program is in it, what it can and cannot open there
by the monitor's commands, and hosts without seccomp. What a program can attempt in
it is in sandbox_attempts.c."""
import os
import signal
import socket
import subprocess
import tempfile
import time

from machine import BUILD, ENGINE, PROGRAM, Failure, Machine, main

PATIENCE = 60
SEALED = "the sandbox keeps this closed"
ATTEMPTS = os.path.join(BUILD, "tests", "sandbox_attempts")
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def expect(condition, what):
    if not condition:
        raise Failure(what)


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        expect(time.monotonic() < end, what)
        time.sleep(0.02)


def status(path):
    """The fields of a status file in /proc."""
    with open(path, encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def tasks(pid):
    return [status(f"/proc/{pid}/task/{task}/status") for task in os.listdir(f"/proc/{pid}/task")]


def children(pid):
    """The processes whose parent is pid, with their names."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            child = status(f"/proc/{entry}/status") if entry.isdigit() else {}
        except OSError:  # it has just ended
            continue
        if child.get("PPid") == str(pid):
            found[int(entry)] = child["Name"]
    return found


def helpers(pid):
    return [child for child, name in children(pid).items() if name == "transvisor-file"]


def is_closed(task):
    """Whether it has a filter and can get no privileges."""
    return task["Seccomp"] == "2" and task["NoNewPrivs"] == "1"


def in_force():
    """Every thread has the filter, no new privileges and no capabilities."""
    with tempfile.TemporaryDirectory() as folder:
        disk = os.path.join(folder, "disk")
        with open(disk, "wb") as f:
            f.truncate(1 << 20)
        with Machine("-hda", disk, "-boot", "n") as m:
            threads = tasks(m.process.pid)
            expect(len(threads) >= 4, f"there are only {len(threads)} threads")
            for t in threads:
                expect(t["Seccomp"] == "2", f"thread {t['Name']} has no filter")
                expect(t["NoNewPrivs"] == "1", f"thread {t['Name']} may get privileges")
                for name in CAPABILITIES:
                    # The bounding set is left where there was nothing to change it with.
                    mine = int(status("/proc/self/status")["CapEff"], 16)
                    expect(int(t[name], 16) == 0 or (name == "CapBnd" and not mine),
                           f"thread {t['Name']} has {name} {t[name]}")
            for pid, name in children(m.process.pid).items():
                expect(all(is_closed(t) for t in tasks(pid)), f"{name} has no filter")
                if name == "transvisor-stub":
                    expect(int(tasks(pid)[0]["CapEff"], 16) == 0, f"{name} has capabilities")
            expect(len(helpers(m.process.pid)) == 1, "there is not one helper")
            info = m.hmp("info sandbox")
            expect(info.startswith("sandbox: on\n") and "spawn: denied" in info, info)


def off():
    """-sandbox off, and what the options change of what info tells."""
    with Machine("-boot", "n", "-sandbox", "off") as m:
        expect(m.hmp("info sandbox").startswith("sandbox: off"), m.hmp("info sandbox"))
        expect(all(t["Seccomp"] == "0" for t in tasks(m.process.pid)), "there is a filter")
        expect(not helpers(m.process.pid), "there is a helper")
    with Machine("-boot", "n", "-sandbox", "on,obsolete=deny,elevateprivileges=children,"
                 "spawn=deny,resourcecontrol=allow") as m:
        info = m.hmp("info sandbox")
        expect("elevateprivileges: denied" in info and "resourcecontrol: allowed" in info, info)


def files():
    """Each command that opens a file does so, but not anywhere."""
    with tempfile.TemporaryDirectory() as folder, Machine("-boot", "n") as m:
        disc, floppy = os.path.join(folder, "disc.iso"), os.path.join(folder, "floppy.img")
        for path, size in (disc, 1 << 20), (floppy, 1474560):
            with open(path, "wb") as f:
                f.truncate(size)
        m.wait_serial("")
        commands = {"screendump": "screendump {}", "picture.png": "screendump {}",
                    "memsave": "memsave 0 4096 {}", "pmemsave": "pmemsave 0 4096 {}"}
        if "interp" not in " ".join(ENGINE):
            commands["dump"] = "bt-dump all {}"
        for name, command in commands.items():
            path = os.path.join(folder, name)
            answer = m.hmp(command.format(path))
            expect("Error" not in answer and os.path.getsize(path) > 0, f"{name}: {answer}")
            for bad in "/etc/tv-sandbox", os.path.join(folder, ".hidden"), "/proc/self/comm":
                answer = m.hmp(command.format(bad))
                expect(SEALED in answer, f"{command.format(bad)}: {answer}")
                expect(bad.startswith("/proc") or not os.path.exists(bad), f"{bad} was made")
        for drive, path in ("ide1-cd0", disc), ("floppy0", floppy):
            expect("Error" not in m.hmp(f"change {drive} {path}"), f"{path} cannot be inserted")
            expect(path in m.hmp("info block"), f"{path} is not in the drive")
            answer = m.hmp(f"change {drive} /etc/passwd")
            expect(SEALED in answer, f"/etc/passwd in {drive}: {answer}")
            m.hmp(f"eject {drive}")
        answer = m.hmp("change ide1-cd0 /nowhere/x.iso")
        expect("no such file" in answer, answer)
        info = m.hmp("info sandbox")
        expect("file requests: " in info and "refused: 0" not in info, info)


def folders():
    """files=; names that do not begin with '/'; folders of images; -snapshot."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        with Machine("-boot", "n", "-sandbox", f"on,files={folder}") as m:
            path = os.path.join(folder, ".hidden")
            answer = m.hmp(f"pmemsave 0 16 {path}")
            expect(os.path.exists(path), f"files= does not open {path}: {answer}")
            answer = m.hmp(f"pmemsave 0 16 {other}/x")
            expect(SEALED in answer and not os.path.exists(f"{other}/x"), answer)
            expect(f"files in: {folder}" in m.hmp("info sandbox"), m.hmp("info sandbox"))
        hidden = os.path.join(other, ".images")
        os.mkdir(hidden)
        for name in "a.img", "b.img":
            with open(os.path.join(hidden, name), "wb") as f:
                f.truncate(1474560)
        before = os.getcwd()
        os.chdir(folder)
        try:
            m = Machine("-boot", "n", "-fda", f"{hidden}/a.img", "-snapshot")
        finally:
            os.chdir(before)
        with m:
            m.hmp("pmemsave 0 16 relative")
            expect(os.path.exists(os.path.join(folder, "relative")), "no file by a relative name")
            answer = m.hmp(f"change floppy0 {hidden}/b.img")
            expect("b.img" in m.hmp("info block"), f"the image's own folder is closed: {answer}")
    for bad in "files=/nowhere", "files=/etc/passwd", "spawn=maybe", "spawn=children", "file=x", "log=3":
        done = subprocess.run([PROGRAM, "-sandbox", "on," + bad], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, check=False)
        expect(done.returncode == 1 and done.stderr.startswith(b"transvisor: -sandbox on,"), done)


def descriptors():
    """What the program was started with is closed."""
    ends = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m")
        with subprocess.Popen([PROGRAM, *ENGINE, "-display", "none", "-boot", "n", "-monitor",
                               f"unix:{path},server=on,wait=off"], stdin=subprocess.DEVNULL,
                              pass_fds=[ends[1]]) as process:
            try:
                os.close(ends[1])
                os.set_blocking(ends[0], True)
                signal.alarm(PATIENCE)
                expect(os.read(ends[0], 1) == b"", "there is something in the pipe")
                signal.alarm(0)
                expect(process.poll() is None, "it has ended")
                os.stat(path)
            finally:
                process.kill()
    os.close(ends[0])


def helper_ends():
    """The helper goes however the program ends; a program without it goes on."""
    with Machine("-boot", "n") as m:
        helper, = helpers(m.process.pid)
        m.process.kill()
        m.process.wait()
        wait_until("the helper stays", lambda: not os.path.exists(f"/proc/{helper}")
                   or status(f"/proc/{helper}/status")["State"].startswith("Z"))
    with Machine("-boot", "n") as m:
        helper, = helpers(m.process.pid)
        os.kill(helper, signal.SIGKILL)
        answer = m.hmp("pmemsave 0 16 /tmp/tv-sandbox-none")
        expect("Error" in answer and not os.path.exists("/tmp/tv-sandbox-none"), answer)
        m.hmp_last("quit")
        m.expect_exit(0)


def reconnect():
    """A client socket connects again, by the helper."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(PATIENCE)
            with Machine("-boot", "n", "-chardev", f"socket,id=c,path={path},reconnect=1",
                         "-debugcon", "chardev:c") as m:
                for _ in range(2):
                    connection, _ = listener.accept()
                    connection.close()
                m.hmp("info status")


def run(*arguments):
    return subprocess.run([ATTEMPTS, "--without", PROGRAM, *ENGINE, "-display", "none", "-boot", "n",
                           "-serial", "null", "-monitor", "stdio", *arguments],
                          input=b"info sandbox\nquit\n", capture_output=True, timeout=PATIENCE,
                          check=False)


def unavailable():
    """A host without seccomp: no sandbox, and an error where one was asked for."""
    done = run("-d", "vm")
    expect(done.returncode == 0 and b"vm: no sandbox: this host lets no program" in done.stderr, done)
    expect(b"sandbox: off, this host lets no program filter" in done.stdout, done)
    expect(run().stderr == b"", "it complains without being asked")
    done = run("-sandbox", "on")
    expect(done.returncode == 1 and done.stderr.count(b"\n") == 1
           and done.stderr.startswith(b"transvisor: -sandbox on: "), done)
    expect(run("-sandbox", "off").returncode == 0, "-sandbox off does not run")


main([in_force, off, files, folders, descriptors, helper_ends, reconnect, unavailable])
