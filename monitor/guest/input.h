/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and mouse on the 8042, and the keys that come over COM1.
 */
#ifndef GUEST_INPUT_H
#define GUEST_INPUT_H

#include "machine.h"

/* Keys above ASCII. */
enum {
	KEY_ESC = 27, KEY_ENTER = 13, KEY_BACKSPACE = 8, KEY_TAB = 9,
	KEY_UP = 0x100, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_PAGE_UP,
	KEY_PAGE_DOWN, KEY_OTHER,
};

/* What happened. */
struct event {
	enum { EVENT_NONE, EVENT_KEY, EVENT_MOUSE } kind;
	unsigned key;      /* character or KEY_, 0 where a key was released */
	uint8_t scancode;  /* set 1, without bit 7; 0: came over the serial line */
	bool extended, released;
	int dx, dy;        /* right and up */
	unsigned buttons;  /* bit 0 left, 1 right, 2 middle */
};

/* Returns whether there is a mouse. */
bool input_init(void);
void input_interrupt(void);
/* Does not wait. */
bool input_poll(struct event *e);
/* Sleeps until something happens, at most so many ticks (0: for ever). */
void input_wait(struct event *e, uint32_t max_ticks);
/* Sleeps until a key goes down and returns it. */
unsigned input_key(void);

/* 8042 and keyboard, for the self test: interrupts off meanwhile. */
bool controller_self_test(void);
bool keyboard_echo(void);

#endif
