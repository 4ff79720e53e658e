/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 8042 keyboard controller with a PS/2 keyboard and mouse. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/input.h"
#include "devices/irq.h"

struct i8042;

struct i8042_wiring {
	struct bus *bus;
	struct clock *clock;
	struct irq_line keyboard_irq, mouse_irq; /* IRQ 1 and 12 */
	/* Output port bit 0 went low; queued by the machine, not done at once. */
	void (*reset)(void *opaque);
	/* Output port bit 1; A20 is on while this or port 92h has it on. */
	void (*set_a20)(void *opaque, bool on);
	void *opaque;
};

extern const struct device_class i8042_class;

/* Claims ports 60 and 64. NULL: no memory. */
struct i8042 *i8042_create(const struct i8042_wiring *w);

/* Where keys and mouse movements go in; lives as long as the controller. */
const struct input_sink *i8042_input(struct i8042 *c);

#endif
