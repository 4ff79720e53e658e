#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The program on a terminal: -nographic and its Ctrl-A keys, raw mode and back,
signals, sockets of the monitor, -daemonize and -pidfile."""
import os
import pty
import select
import signal
import socket
import subprocess
import tempfile
import termios
import time

from machine import ENGINE, PROGRAM, Failure, main

PATIENCE = 60
CTRL_A = b"\x01"
PROMPT = b"(qemu) "


class Terminal:
    """The program with a pty for its terminal."""

    def __init__(self, *arguments):
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(PROGRAM, [PROGRAM, *ENGINE, *arguments], environment)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, data):
        os.write(self.fd, data)

    def wait(self, text):
        """Until text comes; forgets all up to its end."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"{text} does not come, but {self.seen[-500:]}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:  # nobody has the other end any more
                data = b""
            if not data:
                raise Failure(f"{text} does not come before the end: {self.seen[-500:]}")
            self.seen += data
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def wait_raw(self, raw):
        end = time.monotonic() + PATIENCE
        while self.is_raw() != raw:
            if time.monotonic() > end:
                raise Failure(f"the terminal does not become {'raw' if raw else 'cooked'}")
            time.sleep(0.01)

    def expect_exit(self, status):
        _, result = os.waitpid(self.pid, 0)
        self.pid = 0
        if not os.WIFEXITED(result) or os.WEXITSTATUS(result) != status:
            raise Failure(f"wait status is {result:#x}, exit status should be {status}")


def expect(condition, what):
    if not condition:
        raise Failure(what)


def keys():
    """Ctrl-A h, c, b, Ctrl-A, x; the firmware's text comes over the serial line."""
    with Terminal("-nographic", "-boot", "n") as t:
        t.wait(b"SeaBIOS")
        expect(t.is_raw(), "the terminal is not raw")
        t.send(CTRL_A + b"h")
        t.wait(b"C-a C-a")
        t.send(CTRL_A + b"c")
        t.wait(b"monitor - type 'help'")
        t.wait(PROMPT)
        t.send(b"info status\r")
        t.wait(b"VM status: running")
        t.wait(PROMPT)
        t.send(CTRL_A + b"c" + CTRL_A + b"b" + CTRL_A + CTRL_A + CTRL_A + b"c")
        t.wait(PROMPT)
        t.send(CTRL_A + b"x")
        t.wait(b"terminated")
        t.expect_exit(0)


def no_display():
    """Without a display and without options: the terminal, and it says so."""
    with Terminal("-boot", "n") as t:
        t.wait(b"no display for a window")
        t.wait(b"SeaBIOS")
        t.send(CTRL_A + b"x")
        t.expect_exit(0)


def signals():
    """Ctrl-C ends -serial stdio; SIGTSTP gives the terminal back for a while."""
    with tempfile.TemporaryDirectory() as folder, \
         Terminal("-display", "none", "-serial", "stdio", "-boot", "n", "-S", "-monitor",
                  f"unix:{folder}/m,server=on,wait=off") as t:
        t.wait_raw(True)
        with connect(f"{folder}/m") as s:  # it has begun when it answers
            expect(s.recv(1), "there is no prompt")
        os.kill(t.pid, signal.SIGTSTP)
        _, status = os.waitpid(t.pid, os.WUNTRACED)
        expect(os.WIFSTOPPED(status), "SIGTSTP does not stop it")
        expect(not t.is_raw(), "the terminal stays raw while it is stopped")
        os.kill(t.pid, signal.SIGCONT)
        t.wait_raw(True)
        t.send(b"\x03")
        t.wait(b"terminating on signal 2")
        t.expect_exit(0)


def waiting_server():
    """A server that waits for its client can be ended by a signal."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with Terminal("-display", "none", "-serial", f"unix:{path},server", "-boot", "n") as t:
            t.wait(b"waiting for a connection")
            os.kill(t.pid, signal.SIGTERM)
            t.expect_exit(128 + signal.SIGTERM)


def connect(path):
    end = time.monotonic() + PATIENCE
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            if time.monotonic() > end:
                raise Failure(f"nobody listens on {path}") from None
            time.sleep(0.02)


def monitor_socket():
    """Commands count when their writer closes at once, and many clients come and go."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m")
        process = subprocess.Popen([PROGRAM, *ENGINE, "-display", "none", "-boot", "n", "-monitor",
                                    f"unix:{path},server=on,wait=off"],
                                   stdin=subprocess.DEVNULL)
        try:
            for _ in range(5):
                with connect(path) as s:
                    s.sendall(b"stop\n")
                with connect(path) as s:
                    s.sendall(b"info status\ncont\n")
                    s.shutdown(socket.SHUT_WR)
                    answer = b""
                    while data := s.recv(4096):
                        answer += data
                expect(b"VM status: paused" in answer, f"the answer is {answer}")
            with connect(path) as s:  # a client that never reads
                s.sendall(b"help\n" * 5000)
            with connect(path) as s:
                s.sendall(b"quit\n")
            expect(process.wait(PATIENCE) == 0, "quit does not end it with status 0")
            expect(not os.path.exists(path), "the socket is left behind")
        finally:
            process.kill()
            process.wait()


def daemon():
    """-daemonize returns when all is well, -pidfile names the child, and errors come back."""
    with tempfile.TemporaryDirectory() as folder:
        pidfile, path = os.path.join(folder, "pid"), os.path.join(folder, "m")
        command = [PROGRAM, *ENGINE, "-display", "none", "-daemonize", "-pidfile", pidfile]
        done = subprocess.run([*command, "-hda", "/nowhere/x"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, check=False)
        expect(done.returncode == 1 and b"-hda" in done.stderr, f"a bad image: {done}")
        expect(not os.path.exists(pidfile), "the pid file of a failure is left")
        done = subprocess.run([*command, "-monitor", f"unix:{path},server=on,wait=off",
                               "-boot", "n"],
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        expect(done.returncode == 0, f"exit status {done.returncode}")
        with open(pidfile, encoding="ascii") as f:
            expect(int(f.read()) > 0, "the pid file does not hold a number")
        with connect(path) as s:
            s.sendall(b"quit\n")
            while s.recv(4096):
                pass
        end = time.monotonic() + PATIENCE
        while os.path.exists(pidfile):
            expect(time.monotonic() < end, "it does not end")
            time.sleep(0.02)


main([keys, no_display, signals, waiting_server, monitor_socket, daemon])
