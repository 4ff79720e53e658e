/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 16550A serial port. */
#ifndef DEVICES_NS16550_H
#define DEVICES_NS16550_H

#include <stdint.h>

#include "devices/bus.h"
#include "devices/chardev.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"

struct uart;

struct uart_wiring {
	struct bus *bus;
	struct clock *clock;
	uint16_t port; /* 0x3f8, 0x2f8, 0x3e8, 0x2e8 */
	struct irq_line irq;
	struct chardev *chardev; /* not owned; NULL: nothing connected */
};

extern const struct device_class uart_class;

/* Claims eight ports. NULL: no memory. */
struct uart *uart_create(const struct uart_wiring *w);

#endif
