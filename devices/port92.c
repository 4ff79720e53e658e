/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port 92h of the PIIX3 (82371SB, "Port 92 Register"): bit 1 is the fast A20
 * gate, bit 0 resets the processor as it goes from 0 to 1. Beside it the
 * coprocessor error register, ports F0h and F1h: any write clears the latched
 * FERR#, which is how a handler of IRQ 13 ends it.
 */
#include "devices/port92.h"

#include <stdlib.h>

#define PORT       0x92
#define FAST_INIT  0x01
#define FAST_A20   0x02
#define FERR_PORT  0xf0
#define FERR_PORTS 2

struct port92 {
	uint8_t value;
	struct port92_wiring wiring;
};

static void port92_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct port92 *p = opaque;
	uint8_t old = p->value;

	p->value = value & (FAST_A20 | FAST_INIT);
	if ((old ^ p->value) & FAST_A20 && p->wiring.set_a20)
		p->wiring.set_a20(p->wiring.opaque, p->value & FAST_A20);
	if (~old & p->value & FAST_INIT && p->wiring.reset)
		p->wiring.reset(p->wiring.opaque);
}

static uint32_t port92_read(void *opaque, uint16_t port, unsigned size)
{
	struct port92 *p = opaque;

	return p->value;
}

static void ferr_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct port92 *p = opaque;

	if (p->wiring.clear_ferr)
		p->wiring.clear_ferr(p->wiring.opaque);
}

static const struct port_ops port92_ports = {port92_read, port92_write, 1};
static const struct port_ops ferr_ports = {NULL, ferr_write, 1};

static void port92_reset(void *state)
{
	struct port92 *p = state;

	p->value = 0;
	if (p->wiring.set_a20)
		p->wiring.set_a20(p->wiring.opaque, false);
}

struct port92 *port92_create(const struct port92_wiring *w)
{
	struct port92 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->wiring = *w;
	bus_claim_ports(w->bus, PORT, 1, &port92_ports, p);
	bus_claim_ports(w->bus, FERR_PORT, FERR_PORTS, &ferr_ports, p);
	return p;
}

static void port92_destroy(void *state)
{
	struct port92 *p = state;

	bus_release_ports(p->wiring.bus, PORT, 1, p);
	bus_release_ports(p->wiring.bus, FERR_PORT, FERR_PORTS, p);
	free(p);
}

static const struct field port92_fields[] = {FIELD(struct port92, value), FIELD_END};

const struct device_class port92_class = {
	.name = "port92",
	.version = 1,
	.reset = port92_reset,
	.destroy = port92_destroy,
	.fields = port92_fields,
};
