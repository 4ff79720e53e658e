/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NMI status and control register of the PIIX3 (82371SB, "NMISC"), which
 * is what the PC/XT had on port B of its 8255:
 *
 *    7    6    5     4        3      2      1        0
 *   SERR IOCHK OUT2 REFRESH  IOCHK# SERR#  SPEAKER  GATE2
 *   (r)  (r)   (r)  (r)      (rw)   (rw)   (rw)     (rw)
 *
 * SERR and IOCHK never happen here. Bit 4 toggles with each refresh cycle,
 * every 18 clocks of the timer; old programs count its changes for delays.
 */
#include "devices/port61.h"

#include <stdlib.h>

#define PORT          0x61
#define GATE2         0x01
#define SPEAKER       0x02
#define CONTROL_BITS  0x0f
#define REFRESH       0x10
#define OUT2          0x20
#define REFRESH_CLOCKS 18

struct port61 {
	uint8_t control; /* bits 0-3 */
	struct bus *bus;
	struct clock *clock;
	struct pit *pit;
	void (*sound)(void *opaque, uint32_t period, bool level);
	void *opaque;
};

static void tell_sound(void *opaque)
{
	struct port61 *p = opaque;
	bool speaker = p->control & SPEAKER, gate = p->control & GATE2;

	if (p->sound)
		p->sound(p->opaque, speaker && gate ? pit_period(p->pit, 2) : 0,
			 speaker && pit_output(p->pit, 2));
}

static void port61_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct port61 *p = opaque;

	p->control = value & CONTROL_BITS;
	pit_set_gate(p->pit, 2, p->control & GATE2);
	tell_sound(p);
}

static uint32_t port61_read(void *opaque, uint16_t port, unsigned size)
{
	struct port61 *p = opaque;
	uint64_t refreshes =
		muldiv64(clock_now(p->clock), PIT_HZ, NS_PER_SEC * REFRESH_CLOCKS);

	return p->control | (refreshes & 1 ? REFRESH : 0) | (pit_output(p->pit, 2) ? OUT2 : 0);
}

static const struct port_ops port61_ports = {port61_read, port61_write, 1};

static void port61_reset(void *state)
{
	port61_write(state, PORT, 0, 1);
}

struct port61 *port61_create(const struct port61_wiring *w)
{
	struct port61 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->bus = w->bus;
	p->clock = w->clock;
	p->pit = w->pit;
	p->sound = w->sound;
	p->opaque = w->opaque;
	pit_on_speaker_count(w->pit, tell_sound, p);
	bus_claim_ports(w->bus, PORT, 1, &port61_ports, p);
	return p;
}

static void port61_destroy(void *state)
{
	struct port61 *p = state;

	bus_release_ports(p->bus, PORT, 1, p);
	free(p);
}

static const struct field port61_fields[] = {FIELD(struct port61, control), FIELD_END};

const struct device_class port61_class = {
	.name = "port61",
	.version = 1,
	.reset = port61_reset,
	.destroy = port61_destroy,
	.fields = port61_fields,
};
