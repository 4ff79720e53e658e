/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt wires of the board. Each of the sixteen ISA IRQs goes to the
 * 8259 pair and to the I/O APIC's pin of the same number, but for the timer:
 * IRQ 0 is wired to pin 2 (pin 0 has the PIC's INTR on real boards and nothing
 * here). The MADT and SeaBIOS's MP table say the same.
 *
 * A wire can have one ISA device, the PIIX3's routed PIRQs and the SCI on it;
 * it is the or of them.
 */
#include "devices/irq_router.h"

#include <assert.h>
#include <stdlib.h>

#define TIMER_IRQ 0
#define CASCADE_IRQ 2
#define TIMER_IOAPIC_PIN 2
#define SOURCE_SHIFT 4 /* of irq_line.n: source << 4 | irq */

struct irq_router {
	struct irq_router_wiring w;
	uint8_t pulled[ISA_IRQS]; /* bit n: enum irq_source n pulls the wire */
};

static void router_drive(struct irq_router *r, unsigned irq, int level)
{
	if (irq == CASCADE_IRQ)
		return;
	irq_set(&r->w.pic[irq], level);
	irq_set(&r->w.ioapic[irq == TIMER_IRQ ? TIMER_IOAPIC_PIN : irq], level);
}

static void router_set(void *opaque, int n, int level)
{
	struct irq_router *r = opaque;
	unsigned irq = (unsigned)n & (ISA_IRQS - 1);
	uint8_t bit = (uint8_t)(1u << (n >> SOURCE_SHIFT));
	uint8_t before = r->pulled[irq];

	r->pulled[irq] = level ? before | bit : before & (uint8_t)~bit;
	if (!before != !r->pulled[irq])
		router_drive(r, irq, r->pulled[irq] != 0);
}

struct irq_line irq_router_line(struct irq_router *r, enum irq_source source, unsigned irq)
{
	assert(irq < ISA_IRQS && source < IRQ_SOURCES);
	return (struct irq_line){router_set, r, (int)(source << SOURCE_SHIFT | irq)};
}

struct irq_router *irq_router_create(const struct irq_router_wiring *w)
{
	struct irq_router *r = calloc(1, sizeof(*r));

	if (r)
		r->w = *w;
	return r;
}

/* Nothing to do: the devices let go of their wires when they are reset. */
static void irq_router_reset(void *state)
{
}

static void irq_router_destroy(void *state)
{
	free(state);
}

static const struct field irq_router_fields[] = {
	FIELD_ARRAY(struct irq_router, pulled),
	FIELD_END,
};

const struct device_class irq_router_class = {
	.name = "irq-router",
	.version = 1,
	.reset = irq_router_reset,
	.destroy = irq_router_destroy,
	.fields = irq_router_fields,
};
