#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The window, under Xvfb: keys, pointer, graphics, title, full screen, closing."""
import os

from machine import BUILD, Failure, Machine, main
from xserver import Server, save_png

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
DRIVE = ["-drive", f"format=raw,snapshot=on,file={IMAGE}"]


def start(x):
    return Machine(*DRIVE, display="sdl", environment=x.environment)


def colours(picture):
    """How many, looking at every seventh pixel: Python is slow."""
    _, _, pixels = picture
    return len({pixels[i : i + 3] for i in range(0, len(pixels), 21)})


def wait_picture(m, x, condition, what):
    for _ in range(150):
        if condition(x.picture()):
            return
        m.wait_changed()
    keep = os.environ.get("TRANSVISOR_SCREENSHOTS")
    if keep:
        save_png(os.path.join(keep, "window.png"), *x.picture())
    raise Failure(f"the window does not show {what}")


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


main([keys, graphics, mouse])
