/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port 92h (fast A20 and reset) and ports F0h-F1h (x87 error latch). */
#ifndef DEVICES_PORT92_H
#define DEVICES_PORT92_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"

struct port92;

struct port92_wiring {
	struct bus *bus;
	/*
	 * ALT_A20_GATE. A20 is on while this or the 8042's A20 output is; the
	 * machine makes the OR. Called when it changes and at reset.
	 */
	void (*set_a20)(void *opaque, bool on);
	/* INIT of the processor; queued by the machine, not done at once. */
	void (*reset)(void *opaque);
	/* A write to port F0 or F1: clears FERR# (and so IRQ 13). */
	void (*clear_ferr)(void *opaque);
	void *opaque;
};

extern const struct device_class port92_class;

/* Claims ports 92, f0 and f1. NULL: no memory. */
struct port92 *port92_create(const struct port92_wiring *w);

#endif
