/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port 61h: speaker gate, counter 2's output, refresh toggle, NMI status. */
#ifndef DEVICES_PORT61_H
#define DEVICES_PORT61_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/i8254.h"

struct port61;

struct port61_wiring {
	struct bus *bus;
	struct clock *clock;
	struct pit *pit;
	/*
	 * The speaker's sound changed: counter 2 drives it with this period in
	 * clocks of PIT_HZ, 0 for silence. level is the cone's position when
	 * the period is 0. NULL: no sound.
	 */
	void (*sound)(void *opaque, uint32_t period, bool level);
	void *opaque;
};

extern const struct device_class port61_class;

/* Claims port 61. NULL: no memory. */
struct port61 *port61_create(const struct port61_wiring *w);

#endif
