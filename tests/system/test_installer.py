#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's installer to its language menu and three screens on: over the serial
line, and in the window with X key events."""
import os

from machine import BUILD, Failure, Machine, main, package
from xserver import Server, save_png

SCREENSHOT = os.path.join(
    os.environ.get("TRANSVISOR_SCREENSHOTS", os.path.join(BUILD, "tests")), "installer.png"
)
STALL = 300  # unpacking the initial RAM disk says nothing
BACK = "Go Back"  # the last thing that a menu draws


def arguments(append):
    return [
        *["-m", "512", "-nic", "none", "-kernel", package("installer", "linux")],
        *["-initrd", package("installer", "initrd.gz"), "-append", append],
    ]


def serial():
    """Over the serial line."""
    with Machine(*arguments("console=ttyS0")) as m:
        m.wait_serial("Select a language", STALL)
        m.wait_serial(BACK, STALL)
        m.send_serial("\r")
        m.wait_serial("Select your location", STALL)
        m.wait_serial(BACK, STALL)
        m.send_serial("\r")
        m.wait_serial("Configure the keyboard", STALL)
        m.wait_serial(BACK, STALL)
        m.send_serial("\r")
        m.wait_serial("Detect(ing)? network hardware", STALL)


def window():
    """In the window: X key events in, text of the screen out, and a screenshot.
    nomodeset keeps the kernel in text mode, so that its screen can be read."""
    with Server() as x, Machine(
        *arguments("vga=normal fb=false nomodeset"), display="sdl", environment=x.environment
    ) as m:
        x.window("Transvisor|QEMU")
        m.wait_screen(r"(?s)Select a language.*Go Back", STALL)
        m.wait_changed()
        picture = x.picture()
        save_png(SCREENSHOT, *picture)
        print("screenshot:", SCREENSHOT)
        check_picture(*picture)
        x.key("Down", "Up", "Return")
        m.wait_screen(r"(?s)Select your location.*Go Back", STALL)
        x.key("Return")
        m.wait_screen(r"(?s)Configure the keyboard.*Go Back", STALL)
        x.key("Return")
        m.wait_screen("Detect(ing)? network hardware", STALL)


def check_picture(width, height, pixels):
    """newt's blue desktop, grey box and red selection have to be in the picture."""
    counts = {}
    for i in range(0, len(pixels), 3):
        colour = pixels[i : i + 3]
        counts[colour] = counts.get(colour, 0) + 1
    blue = sum(n for c, n in counts.items() if c[2] > 100 and c[0] < 60 and c[1] < 60)
    grey = sum(n for c, n in counts.items() if min(c) > 150 and max(c) - min(c) < 20)
    red = sum(n for c, n in counts.items() if c[0] > 100 and c[1] < 60 and c[2] < 60)
    if blue < 20000 or grey < 20000 or red < 500:
        raise Failure(f"the window shows {blue} blue, {grey} grey and {red} red pixels")


main([serial, window])
