# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of a program with its console on pipes: a machine, or the host's own."""
import os
import re
import resource
import selectors
import signal
import subprocess
import time

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78c]")
BEGUN = re.compile(r"\x1b(\[[0-9;?]*|[()])?$")  # a control whose end has not come yet


class Trouble(Exception):
    """The run did not do what it should; says how and shows the console's end."""


class Machine:
    """A running program; use it in a with statement, which ends it. `stall` is how
    many seconds nothing may come over the console while it is waited for."""

    def __init__(self, command, stall):
        self.stall = stall
        self.text = ""
        self.begun = ""
        self.mark = 0  # what wait() has found ends here
        self.cpu_seconds = None
        self.start = time.monotonic()
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise Trouble(f"{command[0]}: {error.strerror}") from error
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.open = True

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.selector.close()
        self.process.stdin.close()
        self.process.stdout.close()

    def seconds(self):
        return time.monotonic() - self.start

    def trouble(self, what):
        lines = [line for line in self.text.splitlines() if line.strip()]
        end = " | ".join(lines[-3:])
        return Trouble(what + (f"; last lines: {end[-300:]}" if end else ""))

    def _read(self, what):
        """Takes what comes next. Returns False at the end of the output."""
        if not self.selector.select(self.stall):
            raise self.trouble(f"nothing came for {self.stall:g} s before {what}")
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            self.open = False
        new = CONTROLS.sub("", self.begun + data.decode("utf-8", "replace")).replace("\r", "")
        begun = BEGUN.search(new) if data else None
        self.begun = begun.group() if begun else ""
        self.text += new[: len(new) - len(self.begun)]
        return self.open

    def wait(self, pattern, what):
        """Waits for the pattern behind the last one, which is `what` for the user;
        returns the seconds since the start."""
        regex = re.compile(pattern, re.MULTILINE)
        while True:
            match = regex.search(self.text, self.mark)
            if match:
                self.mark = match.end()
                return self.seconds()
            if not self._read(what):
                self.process.wait()
                raise self.trouble(f"ended with status {self.process.returncode} before {what}")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, status=0):
        """Waits for the end; returns the seconds since the start. cpu_seconds is then
        the processor time that the program has used."""
        while self.open:
            self._read("its end")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        got = self.process.wait()
        seconds = self.seconds()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if got != status:
            raise self.trouble(f"ended with status {got}")
        return seconds
