/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of bytes as devices see it (serial port, debug console). The back
 * ends (terminal, file, socket, pty) are in monitor/. Machine thread only.
 */
#ifndef DEVICES_CHARDEV_H
#define DEVICES_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

/* What happens on a line besides bytes. */
enum chardev_event {
	CHARDEV_EVENT_BREAK,  /* the other side sends a break (Ctrl-A b) */
	CHARDEV_EVENT_OPENED, /* somebody is there: a client connected, the mux switched here */
	CHARDEV_EVENT_CLOSED, /* nobody any more */
};

struct chardev {
	/* The device sends; never blocks. NULL: thrown away. */
	void (*write)(struct chardev *c, const uint8_t *data, size_t len);
	void *backend;

	/* Set by the device. How many bytes it can take now. */
	size_t (*can_receive)(void *opaque);
	void (*receive)(void *opaque, const uint8_t *data, size_t len);
	void (*event)(void *opaque, enum chardev_event e); /* NULL: not interested */
	void *opaque;
	/* Set by the back end: the device can take bytes again. */
	void (*accept_input)(struct chardev *c);
};

static inline void chardev_write(struct chardev *c, const uint8_t *data, size_t len)
{
	if (c && c->write)
		c->write(c, data, len);
}

#endif
