#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The window, under Xvfb: keys, pointer, graphics, title, full screen, closing."""
import os
import time

from machine import BUILD, Failure, Machine, main, need
from xserver import HEIGHT, LIMIT, WIDTH, Server, save_png

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
DRIVE = ["-drive", f"format=raw,snapshot=on,file={IMAGE}"]


def start(x):
    return Machine(*DRIVE, display="sdl", environment=x.environment)


def colours(picture):
    """How many, looking at every seventh pixel: Python is slow."""
    _, _, pixels = picture
    return len({pixels[i : i + 3] for i in range(0, len(pixels), 21)})


def wait_for(m, x, condition, what):
    """Waits until condition() holds."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            keep = os.environ.get("TRANSVISOR_SCREENSHOTS")
            if keep:
                save_png(os.path.join(keep, "window.png"), *x.picture())
            raise Failure(f"the window does not show {what}")
        m.wait_changed()


def wait_picture(m, x, condition, what):
    wait_for(m, x, lambda: condition(x.picture()), what)


def wait_value(m, x, look, expected, what):
    """Waits until look() gives numbers that are the expected ones, but for rounding."""

    def good():
        seen[0] = look()
        return all(abs(s - e) <= 1 for s, e in zip(seen[0], expected))

    seen = [None]
    try:
        wait_for(m, x, good, what)
    except Failure as failure:
        raise Failure(f"{failure}: {seen[0]}, should be {expected}") from None


def fitted(left, top, width, height, shape):
    """Where a picture of that shape goes in an area: as large as it fits, in the middle."""
    scale = min(width / shape[0], height / shape[1])
    w, h = shape[0] * scale, shape[1] * scale
    return left + (width - w) / 2, top + (height - h) / 2, w, h


def in_middle(width, height):
    return (WIDTH - width) // 2, (HEIGHT - height) // 2, width, height


def keys():
    """X key events reach the guest, a held key is not stuck afterwards."""
    with Server() as x, start(x) as m:
        x.window("Transvisor|QEMU")
        m.wait_serial("choose: ")
        x.key("5")
        m.wait_screen("Keys light up")
        x.key("a")
        m.wait_screen("scan code 1e, released")
        x.key("Right")
        m.wait_screen("scan code e0 4d, released")
        x.xdotool("keydown", "Shift_L")
        m.wait_screen("scan code 2a, pressed")
        x.key("q")
        m.wait_screen("scan code 10, released")
        x.xdotool("keyup", "Shift_L")
        m.wait_screen("scan code 2a, released")
        x.key("Escape", "Escape")
        m.wait_screen("Menu")


def graphics():
    """Text, VBE and 256-colour modes are seen in the window; then power off."""
    with Server() as x, start(x) as m:
        x.window("Transvisor|QEMU")
        m.wait_serial("choose: ")
        wait_picture(m, x, lambda p: 4 <= colours(p) < 64, "the menu")
        x.key("3")
        m.wait_serial("graphics 800x600x32")
        wait_picture(m, x, lambda p: colours(p) > 60, "the plasma")
        x.key("space")
        m.wait_screen("Menu")
        x.key("4")
        m.wait_serial("graphics 320x200x8")
        wait_picture(m, x, lambda p: 16 <= colours(p), "the Mandelbrot set")
        x.key("space")
        m.wait_screen("Menu")
        x.key("9")
        m.expect_exit(0)


def mouse():
    """A click takes the pointer; then it moves the guest's."""
    with Server() as x, start(x) as m:
        x.window("Transvisor|QEMU")
        m.wait_serial("choose: ")
        x.key("6")
        m.wait_screen("column 40, row 12")
        x.xdotool("click", 1)
        for _ in range(20):
            x.xdotool("mousemove_relative", 8, 4)
        m.wait_screen(r"column (4[1-9]|[5-7]\d), row (1[3-9]|2\d)")


def grab():
    """The title says that the pointer is taken, and Ctrl+Alt+G gives it back."""
    with Server() as x, start(x) as m:
        window = x.window("Transvisor")
        m.wait_serial("choose: ")
        taken = "Ctrl+Alt+G to release mouse"
        if taken in x.title(window):
            raise Failure("the pointer is taken from the start")
        x.xdotool("click", 1)
        wait_for(m, x, lambda: taken in x.title(window), "in its title that it has the pointer")
        x.key("ctrl+alt+g")
        wait_for(m, x, lambda: taken not in x.title(window), "in its title that it let go")
        x.key("ctrl+alt+g")
        wait_for(m, x, lambda: taken in x.title(window), "in its title that it has it again")


def focus():
    """A key that is held when the window loses the keyboard is released."""
    with Server() as x, start(x) as m:
        x.window("Transvisor")
        m.wait_serial("choose: ")
        x.key("5")
        m.wait_screen("Keys light up")
        x.xdotool("keydown", "a")
        m.wait_screen("scan code 1e, pressed")
        root = x.xdotool("search", "--maxdepth", 0, "--name", "").split()[0]
        x.xdotool("windowfocus", root)
        m.wait_screen("scan code 1e, released")
        x.xdotool("keyup", "a")


def placement():
    """The window takes the guest's size, stays in the middle and on the screen."""
    with Server() as x, start(x) as m:
        window = x.window("Transvisor")
        m.wait_serial("choose: ")

        def wait_geometry(expected, what):
            wait_value(m, x, lambda: x.geometry(window), expected, what)

        wait_geometry(in_middle(720, 400), "the menu in the middle")
        x.key("3")
        wait_geometry(in_middle(800, 600), "graphics in the middle")
        x.key("space")
        wait_geometry(in_middle(720, 400), "the menu in the middle again")
        x.xdotool("windowmove", "--sync", window, WIDTH - 720, HEIGHT - 400)
        x.key("3")
        wait_geometry((WIDTH - 800, HEIGHT - 600, 800, 600), "all of the graphics")


def resize():
    """The user's size stays, the picture keeps its shape; Ctrl+Alt+U undoes it."""
    with Server() as x, start(x) as m:
        window = x.window("Transvisor")
        m.wait_serial("choose: ")
        wait_value(m, x, x.lit, in_middle(720, 400), "the menu")
        x.xdotool("windowmove", "--sync", window, 0, 0)
        for width, height in ((1000, 500), (640, 700), (1300, 300)):
            x.xdotool("windowsize", "--sync", window, width, height)
            expected = fitted(0, 0, width, height, (720, 400))
            wait_value(m, x, x.lit, expected, f"the menu in {width}x{height}")
        x.key("3")
        m.wait_serial("graphics 800x600x32")
        # The bottom of the plasma is lit; its top has a black bar.
        left, top, width, height = fitted(0, 0, 1300, 300, (800, 600))
        wait_value(m, x, lambda: x.lit()[::2], (left, width), "the plasma in 1300x300")
        x.key("ctrl+alt+u")
        # Ctrl was the key that ends the plasma.
        wait_value(m, x, lambda: x.geometry(window)[2:], (720, 400), "the guest's size")


def full_screen():
    """Ctrl+Alt+F fills the screen without stretching, and goes back."""
    need("evilwm")
    with Server() as x:
        x.manage()
        with start(x) as m:
            window = x.window("Transvisor")
            m.wait_serial("choose: ")
            before = x.geometry(window)[2:]
            x.key("ctrl+alt+f")
            wait_value(m, x, lambda: x.geometry(window)[2:], (WIDTH, HEIGHT), "a full screen")
            expected = fitted(0, 0, WIDTH, HEIGHT, (720, 400))
            wait_value(m, x, x.lit, expected, "the menu in its shape on the full screen")
            x.key("ctrl+alt+f")
            wait_value(m, x, lambda: x.geometry(window)[2:], before, "its size from before")
            x.key("5")
            m.wait_screen("Keys light up")


def close():
    """Closing the window presses the power button: the guest switches off."""
    need("evilwm")
    with Server() as x:
        x.manage()
        with start(x) as m:
            x.window("Transvisor")
            m.wait_serial("choose: ")
            x.key("super+Escape")
            m.wait_serial("Switching off")  # by the guest itself
            m.expect_exit(0, LIMIT)


main([keys, graphics, mouse, grab, focus, placement, resize, full_screen, close])
