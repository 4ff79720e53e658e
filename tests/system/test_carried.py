#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The carried guest: its self test, its menu by keyboard, its screens."""
import os
import shutil
import tempfile

from kvm_limits import on_tcg
from machine import BUILD, DEBUG_EXIT, GUEST_FAIL, GUEST_PASS, Failure, Machine, main, under_kvm

IMAGE = os.environ.get("TRANSVISOR_CARRIED", os.path.join(BUILD, "monitor", "guest", "guest.img"))
AUTORUN = 16  # monitor/guest/carried.h


def self_test_image(directory):
    path = os.path.join(directory, "selftest.img")
    shutil.copy(IMAGE, path)
    with open(path, "r+b") as f:
        f.seek(AUTORUN)
        f.write(b"T")
    return path


def run_self_test(*drive):
    with tempfile.TemporaryDirectory() as directory:
        path = self_test_image(directory)
        arguments = [a.replace("IMAGE", path) for a in drive]
        with Machine(*arguments, *DEBUG_EXIT) as m:
            result = m.wait_serial(r"self test: (\d+) passed, (\d+) failed, (\d+) skipped")
            print(m.serial()[m.serial().find("self test") :])
            # TCG has no segment limits.
            tcg = under_kvm() and on_tcg() and "FAIL segment limits" in m.serial()
            if int(result.group(2)) != tcg or int(result.group(1)) < 30:
                raise Failure(result.group(0))
            m.expect_exit(GUEST_FAIL if tcg else GUEST_PASS)


def self_test():
    """From a disk, by itself; every check passes."""
    run_self_test("-drive", "format=raw,file=IMAGE")


def self_test_floppy():
    """The same image from a floppy."""
    run_self_test("-drive", "if=floppy,format=raw,file=IMAGE", "-boot", "a")


def read_ppm(path):
    """Width, height and pixels of a binary PPM."""
    with open(path, "rb") as f:
        data = f.read()
    magic, width, height, depth, pixels = data.split(maxsplit=4)
    if magic != b"P6" or depth != b"255":
        raise Failure(f"{path} is not a PPM of 8 bits")
    # split() may have eaten pixels that look like white space
    size = int(width) * int(height) * 3
    return int(width), int(height), data[len(data) - size :]


def dump(m, name):
    path = m.path(name)
    m.hmp(f"screendump {path}")
    width, height, pixels = read_ppm(path)
    keep = os.environ.get("TRANSVISOR_SCREENSHOTS")
    if keep:
        shutil.copy(path, os.path.join(keep, name))
    return width, height, pixels


def colours(pixels):
    return len({pixels[i : i + 3] for i in range(0, len(pixels), 3)})


def menu():
    """The menu by keyboard: every screen, screen dumps of the graphics, power off."""
    with Machine("-drive", f"format=raw,snapshot=on,file={IMAGE}") as m:
        m.wait_screen("Menu")
        m.wait_serial("choose: ")
        m.wait_screen(r"Switch off")
        width, height, pixels = dump(m, "menu.ppm")
        if (width, height) not in ((720, 400), (640, 400)) or colours(pixels) < 4:
            raise Failure(f"the menu's screen dump is {width}x{height}, {colours(pixels)} colours")
        m.sendkey("down", "ret")
        m.wait_screen("256 characters")
        dump(m, "text.ppm")
        m.sendkey("spc")
        m.wait_screen("Menu")
        m.sendkey("3")
        m.wait_serial("graphics 800x600x32")
        wait_colours(m, "plasma.ppm", (800, 600), 60)
        m.sendkey("spc")
        m.wait_screen("Menu")
        m.sendkey("4")
        m.wait_serial("graphics 320x200x8")
        wait_colours(m, "mandelbrot.ppm", None, 16)
        m.sendkey("spc")
        m.wait_screen("Menu")
        m.sendkey("5")
        m.wait_screen("Keys light up")
        m.sendkey("a")
        m.wait_screen("scan code 1e, released")
        m.sendkey("shift-q")
        m.wait_screen("scan code 2a, released|scan code 10, released")
        m.sendkey("up")
        m.wait_screen("scan code e0 48, released")
        dump(m, "keyboard.ppm")
        m.sendkey("esc", "esc")
        m.wait_screen("Menu")
        m.sendkey("6")
        m.wait_screen("Buttons paint")
        m.wait_screen("column 40, row 12")
        m.hmp("mouse_move 80 16")
        m.wait_screen(r"column (4[1-9]|5\d), row 1[34]")
        m.hmp("mouse_button 1")
        m.hmp("mouse_move 16 0")
        m.hmp("mouse_button 0")
        m.wait_screen("\u25a0")
        dump(m, "mouse.ppm")
        m.sendkey("spc")
        m.wait_screen("Menu")
        m.sendkey("7")
        m.wait_screen("PCI +00.0 +8086:1237")
        dump(m, "information.ppm")
        m.sendkey("spc")
        m.wait_screen("Menu")
        m.hmp_last("sendkey 9")
        m.expect_exit(0)


def wait_colours(m, name, size, least):
    """Waits until the screen shows that many colours: the guest draws a while."""
    for _ in range(100):
        width, height, pixels = dump(m, name)
        if size in (None, (width, height)) and colours(pixels) >= least:
            return
        m.wait_changed()
    raise Failure(f"{name}: {width}x{height}, {colours(pixels)} colours, should be {least}")


def menu_serial():
    """The menu over the serial line: text screen, restart, power off."""
    with Machine("-drive", f"format=raw,snapshot=on,file={IMAGE}") as m:
        m.wait_serial("choose: ")
        m.send_serial("2")
        m.wait_serial("text screen")
        m.send_serial("x")
        m.wait_serial("choose: ")
        m.send_serial("8")
        m.wait_serial("Restarting")
        m.wait_serial("choose: ")
        m.send_serial("9")
        m.expect_exit(0)


def power_button():
    """The power button: the guest notices it and switches off."""
    with Machine("-drive", f"format=raw,snapshot=on,file={IMAGE}") as m:
        m.wait_serial("choose: ")
        m.hmp_last("system_powerdown")
        m.expect_exit(0)


main([self_test, self_test_floppy, menu, menu_serial, power_button])
