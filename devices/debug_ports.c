/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug devices that test guests know from other machines:
 *
 *   isa-debug-exit  a write of v ends the machine with status (v << 1) | 1
 *   debugcon, 0xe9  a write prints the byte; a read gives 0xe9, by which a
 *                   guest knows that the port is there
 *   0x402           the same for firmware: SeaBIOS looks for the 0xe9 there
 *                   and logs only if it is
 *   0x80            POST code latch; operating systems write it for delays
 */
#include "devices/debug_ports.h"

#include <stdlib.h>

#define CONSOLE_PRESENT 0xe9
#define POST_PORT       0x80

struct debug_ports {
	uint8_t post_code;
	struct debug_ports_wiring wiring;
};

static void exit_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct debug_ports *p = opaque;

	if (p->wiring.exit)
		p->wiring.exit(p->wiring.opaque, (int)(value << 1 | 1));
}

static uint32_t exit_read(void *opaque, uint16_t port, unsigned size)
{
	return 0;
}

static void console_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct debug_ports *p = opaque;
	uint8_t byte = (uint8_t)value;

	chardev_write(port == p->wiring.debugcon_port ? p->wiring.debugcon : p->wiring.firmware_log,
		      &byte, 1);
}

static uint32_t console_read(void *opaque, uint16_t port, unsigned size)
{
	return CONSOLE_PRESENT;
}

static void post_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct debug_ports *p = opaque;

	p->post_code = (uint8_t)value;
}

static uint32_t post_read(void *opaque, uint16_t port, unsigned size)
{
	return debug_ports_post_code(opaque);
}

static const struct port_ops exit_ports = {exit_read, exit_write, 4};
static const struct port_ops console_ports = {console_read, console_write, 1};
static const struct port_ops post_ports = {post_read, post_write, 1};

uint8_t debug_ports_post_code(const struct debug_ports *p)
{
	return p->post_code;
}

static void debug_ports_reset(void *state)
{
	struct debug_ports *p = state;

	p->post_code = 0;
}

struct debug_ports *debug_ports_create(const struct debug_ports_wiring *w)
{
	struct debug_ports *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->wiring = *w;
	if (w->exit_size)
		bus_claim_ports(w->bus, w->exit_port, w->exit_size, &exit_ports, p);
	if (w->debugcon_port)
		bus_claim_ports(w->bus, w->debugcon_port, 1, &console_ports, p);
	if (w->firmware_log_port)
		bus_claim_ports(w->bus, w->firmware_log_port, 1, &console_ports, p);
	bus_claim_ports(w->bus, POST_PORT, 1, &post_ports, p);
	return p;
}

static void debug_ports_destroy(void *state)
{
	struct debug_ports *p = state;
	const struct debug_ports_wiring *w = &p->wiring;

	if (w->exit_size)
		bus_release_ports(w->bus, w->exit_port, w->exit_size, p);
	if (w->debugcon_port)
		bus_release_ports(w->bus, w->debugcon_port, 1, p);
	if (w->firmware_log_port)
		bus_release_ports(w->bus, w->firmware_log_port, 1, p);
	bus_release_ports(w->bus, POST_PORT, 1, p);
	free(p);
}

static const struct field debug_ports_fields[] = {
	FIELD(struct debug_ports, post_code),
	FIELD_END,
};

const struct device_class debug_ports_class = {
	.name = "debug-ports",
	.version = 1,
	.reset = debug_ports_reset,
	.destroy = debug_ports_destroy,
	.fields = debug_ports_fields,
};
