/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and pointers, between a window (or HMP sendkey) and the devices.
 *
 * A key is named by its PS/2 set 1 make code, with 0x80 set for codes that
 * follow an E0 prefix (0x1c Enter, 0x9c keypad Enter); Pause is 0xc6 and
 * Print Screen 0xb7. The keyboard model translates to what the guest asked for.
 */
#ifndef DEVICES_INPUT_H
#define DEVICES_INPUT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	KEY_E0 = 0x80,
	KEY_PAUSE = 0xc6,
	KEY_PRINT_SCREEN = 0xb7,
};

#define MOUSE_LEFT 1u
#define MOUSE_RIGHT 2u
#define MOUSE_MIDDLE 4u

/* Whoever takes input: the PS/2 devices today, a USB tablet later. */
struct input_sink {
	void (*key)(void *opaque, uint8_t key, bool down);
	/* Relative motion, right and down positive; wheel up positive. */
	void (*mouse)(void *opaque, int dx, int dy, int wheel, unsigned buttons);
	/* Keyboard LEDs as the guest set them: bit 0 scroll, 1 num, 2 caps. */
	unsigned (*leds)(void *opaque);
	void *opaque;
};

#endif
