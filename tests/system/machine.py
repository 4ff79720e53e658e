# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a machine for a test and lets the test see and touch it like a user.

The program under test is $TRANSVISOR with the arguments $TRANSVISOR_ENGINE in
front ("-accel interp"); whatever takes QEMU's command line and monitor commands
will do, so a test or a guest can be tried on QEMU first:

    TRANSVISOR=qemu-system-i386 TRANSVISOR_ENGINE="-accel tcg" test_guests.py

A test waits for what the guest prints or shows, never for a time: wait_serial()
and wait_screen() fail only when nothing at all has changed for `stall` seconds.
The test's own time limit, set in CMakeLists.txt, is the last resort.

Threads: one reads the serial line, one the program's stderr; the condition
`changed` guards what they collect.
"""
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import kvm_limits

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TRANSVISOR_BUILD", os.path.join(ROOT, "build"))
PROGRAM = os.environ.get("TRANSVISOR", os.path.join(BUILD, "transvisor"))
ENGINE = shlex.split(os.environ.get("TRANSVISOR_ENGINE", "-accel interp"))
GUESTS = os.environ.get("TRANSVISOR_GUESTS", os.path.join(BUILD, "tests", "guests"))
CACHE = os.environ.get("TRANSVISOR_CACHE", os.path.join(ROOT, "cache"))

DEBUG_EXIT = ["-device", "isa-debug-exit"]
GUEST_PASS = 33  # tests/guests/pc32.inc: (PASS << 1) | 1
GUEST_FAIL = 35
TEXT_BYTES = 80 * 25 * 2
POLL = 0.2
STALL = int(os.environ.get("TRANSVISOR_STALL", "120"))

PROMPT = re.compile(rb"\((?:qemu|transvisor)\) $")
TERMINAL_CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x0f")


class Failure(Exception):
    """What a test expected has not come."""


class Skip(Exception):
    """Something that the test needs is not on this host."""


def guest(name):
    """The path of a guest built from tests/guests."""
    return os.path.join(GUESTS, name)


def package(*path):
    """The path of something that tests/packages/fetch has put into cache/."""
    found = os.path.join(CACHE, *path)
    if not os.path.exists(found):
        raise Skip(f"{found} is missing: run tests/packages/fetch {path[0]}")
    return found


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"the program {program} is missing")


class Machine:
    """One running machine. Use it in a with statement: it does not outlive it."""

    def __init__(
        self,
        *arguments,
        serial=True,
        monitor=True,
        display="none",
        environment=None,
        engine=None,
        wrapper=(),
    ):
        self.directory = tempfile.mkdtemp(prefix="tv-")
        self.changed = threading.Condition()
        self.serial_text = b""
        self.serial_mark = 0
        self.errors = b""
        self.serial_socket = None
        self.serial_reader = None
        self.monitor_socket = None
        self.has_screentext = True
        self.process = None
        command = [*wrapper, PROGRAM, *(engine or ENGINE), "-display", display]
        if serial:
            command += ["-serial", "unix:" + self._listen("serial")]
        else:
            command += ["-serial", "none"]
        if monitor:
            command += ["-monitor", f"unix:{self.path('monitor')},server=on,wait=off"]
        else:
            command += ["-monitor", "none"]
        command += [str(a) for a in arguments]
        self.command = shlex.join(command)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self.errors_read = self._start(self._read_errors)
        try:
            if serial:
                self.serial_socket = self._accept()
                self.serial_reader = self._start(self._read_serial)
            if monitor:
                self.monitor_socket = self._connect(self.path("monitor"))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and kind is not Skip:
            self.report()
        self.close()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for s in (self.serial_socket, self.monitor_socket):
            if s:
                s.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    # ---- starting ----

    def _listen(self, name):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path(name))
        self.listener.listen(1)
        self.listener.settimeout(POLL)
        return self.path(name)

    def _accept(self):
        with self.listener:
            while True:
                try:
                    connection, _ = self.listener.accept()
                    connection.settimeout(None)
                    return connection
                except socket.timeout:
                    self._must_run()

    def _connect(self, path):
        """None if the guest has already ended the machine: some do at once."""
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(path)
                s.settimeout(60)
                self._read_prompt(s)
                return s
            except (OSError, Failure):
                s.close()
                if self.process.poll() is not None:
                    return None
                time.sleep(POLL / 4)

    def _must_run(self, what=""):
        if self.process.poll() is not None:
            self.errors_read.join()
            raise Failure(
                f"it ended with status {self.process.returncode} {what}: "
                + self.errors.decode(errors="replace").strip()
            )

    def _start(self, function):
        thread = threading.Thread(target=function, daemon=True)
        thread.start()
        return thread

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors += line

    # ---- the serial line ----

    def _read_serial(self):
        while True:
            try:
                data = self.serial_socket.recv(4096)
            except OSError:
                data = b""
            with self.changed:
                self.serial_text += data
                self.changed.notify_all()
            if not data:
                return

    def serial(self):
        """What has come over the serial line, without terminal controls."""
        return TERMINAL_CONTROLS.sub(b"", self.serial_text).decode("utf-8", "replace")

    def wait_serial(self, pattern, stall=STALL):
        """Waits until `pattern` comes after what the last call found."""
        regex = re.compile(pattern)
        seen, since = -1, time.monotonic()
        with self.changed:
            while True:
                text = self.serial()
                match = regex.search(text, self.serial_mark)
                if match:
                    self.serial_mark = match.end()
                    return match
                if len(text) != seen:
                    seen, since = len(text), time.monotonic()
                elif not self.serial_reader.is_alive():
                    self.process.wait()
                    self._must_run(f"before /{pattern}/ came over the serial line")
                elif time.monotonic() - since > stall:
                    raise Failure(f"/{pattern}/ did not come over the serial line")
                self.changed.wait(1)

    def send_serial(self, text):
        self.serial_socket.sendall(text.encode())

    # ---- the monitor ----

    def _read_prompt(self, monitor):
        data = b""
        while not PROMPT.search(data):
            got = monitor.recv(65536)
            if not got:
                raise Failure("the monitor closed its connection")
            data += got
        return data

    def hmp(self, command):
        """Gives the monitor a command; returns what it answers."""
        if not self.monitor_socket:
            self._must_run()
            raise Failure("there is no monitor")
        try:
            self.monitor_socket.sendall(command.encode() + b"\n")
            answer = TERMINAL_CONTROLS.sub(b"", self._read_prompt(self.monitor_socket))
        except OSError as error:
            self._must_run()
            raise Failure(f"the monitor does not answer '{command}': {error}") from error
        lines = answer.decode(errors="replace").replace("\r", "").split("\n")
        if lines[0].replace("\b", "").endswith(command):  # the echo of a line editor
            lines = lines[1:]
        return "\n".join(lines[:-1])

    def hmp_last(self, command):
        """A command after which the machine may end before it answers."""
        self.monitor_socket.sendall(command.encode() + b"\n")

    def memory(self, address, size):
        """Guest physical memory."""
        data = bytearray()
        for line in self.hmp(f"xp /{size}xb {address:#x}").split("\n"):
            data += bytes(int(byte, 16) for byte in line.partition(":")[2].split())
        if len(data) != size:
            raise Failure(f"xp gave {len(data)} bytes of {size} at {address:#x}")
        return bytes(data)

    def screen(self, address=0xB8000):
        """The text screen, 25 lines. Linux scrolls by moving the start of the
        screen in the CRT controller, which only `info screentext` knows."""
        if self.has_screentext:
            text = self.hmp("info screentext")
            if not text.startswith("unknown command"):
                return text
            self.has_screentext = False
        data = self.memory(address, TEXT_BYTES)
        cells = data[0::2].decode("cp437").replace("\0", " ")
        return "\n".join(cells[i : i + 80].rstrip() for i in range(0, len(cells), 80))

    def wait_screen(self, pattern, stall=STALL):
        """Waits until `pattern` is to be seen on the text screen."""
        regex = re.compile(pattern)
        seen, since = None, time.monotonic()
        while True:
            text = self.screen()
            match = regex.search(text)
            if match:
                return match
            if text != seen:
                seen, since = text, time.monotonic()
            elif time.monotonic() - since > stall:
                raise Failure(f"/{pattern}/ did not come to the screen")
            self._must_run()
            time.sleep(POLL)

    def wait_changed(self):
        """Between two looks at something that only the monitor can show."""
        self._must_run()
        time.sleep(POLL)

    def sendkey(self, *keys):
        """Presses and releases keys by their monitor names, one after another."""
        for key in keys:
            self.hmp(f"sendkey {key} 20")
            time.sleep(0.05)  # a typist's pace: the monitor does not queue without end

    def type(self, text):
        names = {" ": "spc", "\n": "ret", "-": "minus", ".": "dot", "/": "slash", "=": "equal"}
        self.sendkey(*(names.get(c, f"shift-{c.lower()}" if c.isupper() else c) for c in text))

    # ---- the end ----

    def wait_exit(self, stall=STALL):
        """
        Waits for the program to end by itself; returns its exit status. All that
        it wrote to the serial line is in serial() then.
        """
        seen, since = -1, time.monotonic()
        while True:
            try:
                status = self.process.wait(POLL)
                if self.serial_reader:
                    self.serial_reader.join()
                return status
            except subprocess.TimeoutExpired:
                if len(self.serial_text) != seen:
                    seen, since = len(self.serial_text), time.monotonic()
                elif time.monotonic() - since > stall:
                    raise Failure("it did not end") from None

    def expect_exit(self, status, stall=STALL):
        got = self.wait_exit(stall)
        if got != status:
            raise Failure(f"exit status {got}, should be {status}")

    def cpu_seconds(self):
        """Host processor time used so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def report(self):
        """Prints what a reader of a failed test wants to see."""
        print("---- command:", self.command)
        if self.errors:
            print("---- stderr:\n" + self.errors.decode(errors="replace").rstrip())
        if self.serial_text:
            print("---- serial line, the end of it:\n" + self.serial()[-3000:])
        if self.monitor_socket and self.process.poll() is None:
            try:
                self.monitor_socket.settimeout(5)
                print("---- screen:\n" + re.sub(r"\n\s*\n+", "\n", self.screen()))
                print("---- registers:\n" + self.hmp("info registers")[:1500])
            except (OSError, Failure) as error:
                print(f"---- the monitor does not answer: {error}")
        else:
            print("---- process status:", self.process.poll())


def under_kvm():
    return ENGINE[:2] == ["-accel", "kvm"]


def skip_without_kvm(case):
    script = os.path.basename(sys.argv[0]).removeprefix("test_").removesuffix(".py")
    if under_kvm():
        reason = kvm_limits.reason_to_skip(f"{script}.{case}")
        if reason:
            raise Skip(reason)


def main(cases):
    """Runs the cases named on the command line, or all. 77 says: skipped."""
    by_name = {case.__name__: case for case in cases}
    status = 0
    for name in sys.argv[1:] or by_name:
        start = time.monotonic()
        try:
            skip_without_kvm(name)
            by_name[name]()
            print(f"PASS {name} ({time.monotonic() - start:.1f} s)")
        except Skip as reason:
            print(f"SKIP {name}: {reason}")
            status = status or 77
        except Failure as failure:
            print(f"FAIL {name}: {failure}")
            status = 1
    sys.exit(status)
