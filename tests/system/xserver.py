# SPDX-License-Identifier: GPL-2.0-or-later
"""A window system for a test: Xvfb, keys and pointer by xdotool, pictures of the
whole screen out of Xvfb's frame buffer file (XWD format, X11/XWDFile.h)."""
import os
import select
import struct
import subprocess
import tempfile
import time
import zlib

from machine import Failure, need

WIDTH, HEIGHT = 1400, 1050
LIMIT = 60  # seconds for what takes a fraction of one


class Server:
    def __init__(self):
        need("Xvfb", "xdotool")
        self.directory = tempfile.TemporaryDirectory(prefix="tv-x-")
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
            # -r: a busy host holds keys down for longer than was meant. -noreset: the server would
            # begin anew when the first xdotool ends, and lose a window manager that is connecting.
            + ["-fbdir", self.directory.name, "-nolisten", "tcp", "-r", "-noreset"],
            pass_fds=[write_end],
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        # Xvfb writes its number once it answers, in pieces.
        self.manager = None
        number = b""
        while not number.endswith(b"\n"):
            ready, _, _ = select.select([read_end], [], [], 60)
            piece = os.read(read_end, 16) if ready else b""
            if not piece:
                self.close()
                raise Failure("Xvfb does not start")
            number += piece
        os.close(read_end)
        self.environment = {
            "DISPLAY": ":" + number.decode().strip(),
            "SDL_VIDEODRIVER": "x11",
            "SDL_AUDIODRIVER": "dummy",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.manager:
            self.manager.kill()
            self.manager.wait()
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()

    def manage(self):
        """Starts a window manager: the focus follows the pointer, Super+Escape
        asks a window to close, full screen is granted."""
        self.manager = subprocess.Popen(
            ["evilwm", "-mask1", "mod4", "-fn", "fixed"],
            env={**os.environ, **self.environment},
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + LIMIT
        while True:
            try:
                self.xdotool("get_num_desktops")
                return
            except Failure:
                if self.manager.poll() is not None or time.monotonic() > end:
                    raise Failure("evilwm does not start") from None
                time.sleep(0.05)

    def xdotool(self, *arguments):
        try:
            done = subprocess.run(
                ["xdotool", *[str(a) for a in arguments]],
                env={**os.environ, **self.environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                check=False,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise Failure(f"xdotool {arguments} does not end") from None
        if done.returncode:
            raise Failure(f"xdotool {arguments}: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def window(self, title):
        """Waits for a window whose title matches; points at its middle."""
        window = self.xdotool("search", "--sync", "--onlyvisible", "--name", title).split()[-1]
        self.xdotool("mousemove", "--window", window, 200, 200)
        return window

    def key(self, *keys):
        """Real X key events, to the window under the pointer."""
        for key in keys:
            self.xdotool("key", "--delay", "60", key)

    def title(self, window):
        return self.xdotool("getwindowname", window).strip()

    def geometry(self, window):
        """X, y, width, height; x and y are wrong under a window manager."""
        shell = self.xdotool("getwindowgeometry", "--shell", window)
        values = dict(line.split("=") for line in shell.split())
        return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def lit(self):
        """X, y, width, height of what on the screen is not black."""
        width, height, pixels = self.picture()
        rows = [pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height)]
        lit = [y for y, row in enumerate(rows) if any(row)]
        if not lit:
            return 0, 0, 0, 0
        left = min((width * 3 - len(rows[y].lstrip(b"\0"))) // 3 for y in lit)
        right = max((len(rows[y].rstrip(b"\0")) + 2) // 3 for y in lit)
        return left, lit[0], right - left, lit[-1] + 1 - lit[0]

    def picture(self):
        """Width, height and 24-bit pixels of the whole screen."""
        with open(os.path.join(self.directory.name, "Xvfb_screen0"), "rb") as f:
            data = f.read()
        fields = struct.unpack(">25I", data[:100])
        header, width, height, line, colours = (fields[i] for i in (0, 4, 5, 12, 19))
        start = header + colours * 12
        rows = []
        for y in range(height):
            row = data[start + y * line : start + y * line + width * 4]
            pixels = bytearray(width * 3)
            pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(pixels))
        return width, height, b"".join(rows)


def save_png(path, width, height, pixels):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    lines = b"".join(b"\0" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))
    with open(path, "wb") as f:
        f.write(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines, 6))
            + chunk(b"IEND", b"")
        )
