/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports for test guests and firmware logs, and the POST code latch. */
#ifndef DEVICES_DEBUG_PORTS_H
#define DEVICES_DEBUG_PORTS_H

#include <stdint.h>

#include "devices/bus.h"
#include "devices/chardev.h"
#include "devices/device.h"

struct debug_ports;

struct debug_ports_wiring {
	struct bus *bus;
	/* isa-debug-exit at exit_port, of exit_size ports; size 0: none. */
	uint16_t exit_port, exit_size;
	/* status is (value << 1) | 1, the process exit status to come. */
	void (*exit)(void *opaque, int status);
	void *opaque;
	/* Consoles; port 0: none. A NULL chardev throws the bytes away. */
	uint16_t debugcon_port; /* 0xe9 */
	struct chardev *debugcon;
	uint16_t firmware_log_port; /* 0x402 */
	struct chardev *firmware_log;
};

extern const struct device_class debug_ports_class;

/* Claims the ports named above and port 80. NULL: no memory. */
struct debug_ports *debug_ports_create(const struct debug_ports_wiring *w);

/* The last POST code that was written to port 80h. */
uint8_t debug_ports_post_code(const struct debug_ports *p);

#endif
