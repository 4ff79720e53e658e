/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PS/2 keyboard of 104 keys. Owned by its controller, which embeds it. */
#ifndef DEVICES_PS2_KEYBOARD_H
#define DEVICES_PS2_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/ps2.h"

struct ps2_keyboard {
	struct ps2_port port;
	uint8_t set;       /* scan code set, 1-3 */
	uint8_t leds;      /* bit 0 scroll, 1 num, 2 caps lock */
	uint8_t typematic; /* rate and delay, as set */
	uint8_t argument_of; /* the command that waits for its argument; 0: none */
	bool scanning;
	bool no_breaks;    /* set 3: keys are make-only or typematic-only */
	bool overrun;      /* keys were lost since there was room */
	uint8_t down[32];  /* bit n: key n (devices/input.h) is down */
};

void ps2_keyboard_init(struct ps2_keyboard *k, void (*ready)(void *opaque), void *opaque);
/* Power-on. */
void ps2_keyboard_reset(struct ps2_keyboard *k);
/* A byte from the host. */
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte);
/* A key (devices/input.h) went down, repeats or went up. */
void ps2_keyboard_key(struct ps2_keyboard *k, uint8_t key, bool down);

/* What an 8042 makes of a set 2 code: the set 1 code of the same key. */
uint8_t ps2_set2_to_set1(uint8_t code);

#endif
