/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A PS/2 mouse with a wheel. Owned by its controller, which embeds it. */
#ifndef DEVICES_PS2_MOUSE_H
#define DEVICES_PS2_MOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/clock.h"
#include "devices/ps2.h"

struct ps2_mouse {
	struct ps2_port port;
	uint8_t id;          /* 0 standard, 3 IntelliMouse (wheel) */
	uint8_t rate;        /* samples a second, 10-200 */
	uint8_t resolution;  /* 0-3: 1, 2, 4, 8 counts a mm; stored only */
	bool scaling;        /* 2:1 */
	bool remote, wrap, reporting;
	uint8_t argument_of; /* the command that waits for its argument; 0: none */
	uint8_t knock;       /* rates of the wheel's knock seen, in order */
	/* Moved since the last packet; y and wheel as PS/2 has them: up, down. */
	int32_t dx, dy, dz;
	bool x_overflow, y_overflow;
	uint8_t buttons;     /* bit 0 left, 1 right, 2 middle */
	uint8_t told_buttons; /* of the last packet */
	struct timer sample; /* set: no packet of movement before it fires */
};

void ps2_mouse_init(struct ps2_mouse *m, struct clock *clock, void (*ready)(void *opaque),
		    void *opaque);
/* Power-on. */
void ps2_mouse_reset(struct ps2_mouse *m);
/* A byte from the host. */
void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte);
/* Movement (right, down, wheel up positive) and buttons (devices/input.h). */
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int wheel, unsigned buttons);
/* The controller has taken a byte: there may be room for the next packet. */
void ps2_mouse_taken(struct ps2_mouse *m);
void ps2_mouse_destroy(struct ps2_mouse *m);

#endif
