/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82093AA I/O APIC (Intel 290566): 24 pins, each with a redirection entry.
 *
 *   redirection entry, 3.2.4
 *   63:56 destination | 16 mask | 15 level | 14 remote IRR | 13 polarity |
 *   12 delivery status | 11 logical | 10:8 delivery mode | 7:0 vector
 *
 * A level interrupt is sent once (remote IRR) and again after the processor's
 * EOI while the wire stays high. An edge on a masked pin is lost, as the
 * datasheet has it. Polarity is stored and ignored: a wire here is high when
 * it asks, and firmware tables of several ages disagree on which polarity a PCI
 * interrupt of this board has.
 *
 * Left out: ExtINT through a pin (the PIC is wired to LINT0), the APIC bus.
 */
#include "devices/ioapic.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"

#define IOAPIC_PRIORITY 10 /* over RAM and PCI */

#define OFFSET_SELECT 0x00
#define OFFSET_WINDOW 0x10
#define REG_ID 0x00
#define REG_VERSION 0x01
#define REG_ARBITRATION 0x02
#define REG_REDIRECTION 0x10
#define VERSION_VALUE (0x11u | (IOAPIC_PINS - 1) << 16)
#define ID_WRITABLE 0x0f000000u

#define RTE_VECTOR 0xffu
#define RTE_DELIVERY_SHIFT 8
#define RTE_LOGICAL 0x800u
#define RTE_REMOTE_IRR 0x4000u
#define RTE_LEVEL 0x8000u
#define RTE_MASKED 0x10000u
#define RTE_LOW_WRITABLE 0x1afffu
#define RTE_DESTINATION_SHIFT 56

struct ioapic {
	struct ioapic_wiring w;
	struct phys_region *region;
	uint8_t select;
	uint32_t id;
	uint32_t levels; /* bit n: wire n is high */
	uint64_t rte[IOAPIC_PINS];
};

static bool send(struct ioapic *s, uint64_t rte)
{
	struct apic_message m = {
		.vector = (uint8_t)(rte & RTE_VECTOR),
		.destination = (uint8_t)(rte >> RTE_DESTINATION_SHIFT),
		.logical = rte & RTE_LOGICAL,
		.level = rte & RTE_LEVEL,
		.delivery = (enum apic_delivery)(rte >> RTE_DELIVERY_SHIFT & 7),
	};

	return lapic_deliver(s->w.lapic, &m);
}

/* A pin whose wire is high and that is taken as a level. */
static void level_follow(struct ioapic *s, unsigned pin)
{
	uint64_t rte = s->rte[pin];

	if (!(s->levels & 1u << pin) || !(rte & RTE_LEVEL) ||
	    (rte & (RTE_MASKED | RTE_REMOTE_IRR)))
		return;
	if (send(s, rte))
		s->rte[pin] |= RTE_REMOTE_IRR;
}

static void ioapic_set_irq(void *opaque, int pin, int level)
{
	struct ioapic *s = opaque;
	bool rises = level && !(s->levels & 1u << pin);

	if (level)
		s->levels |= 1u << pin;
	else
		s->levels &= ~(1u << pin);
	if (s->rte[pin] & RTE_LEVEL)
		level_follow(s, (unsigned)pin);
	else if (rises && !(s->rte[pin] & RTE_MASKED))
		send(s, s->rte[pin]);
}

struct irq_line ioapic_irq_line(struct ioapic *s, unsigned pin)
{
	assert(pin < IOAPIC_PINS);
	return (struct irq_line){ioapic_set_irq, s, (int)pin};
}

static void ioapic_eoi(void *opaque, uint8_t vector)
{
	struct ioapic *s = opaque;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		if ((s->rte[pin] & RTE_VECTOR) != vector || !(s->rte[pin] & RTE_REMOTE_IRR))
			continue;
		s->rte[pin] &= ~(uint64_t)RTE_REMOTE_IRR;
		level_follow(s, pin);
	}
}

/* ---- Registers ---- */

static bool is_redirection(uint8_t reg)
{
	return reg >= REG_REDIRECTION && reg < REG_REDIRECTION + 2 * IOAPIC_PINS;
}

static uint32_t window_read(const struct ioapic *s)
{
	uint8_t reg = s->select;

	if (is_redirection(reg))
		return (uint32_t)(s->rte[(reg - REG_REDIRECTION) / 2] >> (reg & 1 ? 32 : 0));
	switch (reg) {
	case REG_ID:
	case REG_ARBITRATION:
		return s->id;
	case REG_VERSION:
		return VERSION_VALUE;
	default:
		return 0;
	}
}

static void redirection_write(struct ioapic *s, unsigned pin, bool high, uint32_t value)
{
	uint64_t *rte = &s->rte[pin];

	if (high) {
		*rte = (uint32_t)*rte | (uint64_t)(value & 0xff000000) << 32;
		return;
	}
	*rte = (*rte & ~(uint64_t)RTE_LOW_WRITABLE) | (value & RTE_LOW_WRITABLE);
	if (!(*rte & RTE_LEVEL))
		*rte &= ~(uint64_t)RTE_REMOTE_IRR;
	level_follow(s, pin);
}

static void window_write(struct ioapic *s, uint32_t value)
{
	uint8_t reg = s->select;

	if (is_redirection(reg))
		redirection_write(s, (reg - REG_REDIRECTION) / 2u, reg & 1, value);
	else if (reg == REG_ID)
		s->id = value & ID_WRITABLE;
	else
		LOG(LOG_GUEST, "ioapic: write of %#x to register %#x", value, reg);
}

static uint32_t ioapic_mmio_read(void *opaque, uint32_t offset, unsigned size)
{
	struct ioapic *s = opaque;
	uint32_t value = 0;

	if ((offset & 0xfc) == OFFSET_SELECT)
		value = s->select;
	else if ((offset & 0xfc) == OFFSET_WINDOW)
		value = window_read(s);
	return value >> 8 * (offset & 3);
}

static void ioapic_mmio_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	struct ioapic *s = opaque;

	if ((offset & 0xff) == OFFSET_SELECT)
		s->select = (uint8_t)value;
	else if ((offset & 0xff) == OFFSET_WINDOW && size == 4)
		window_write(s, value);
}

static const struct mmio_ops ioapic_mmio = {.read = ioapic_mmio_read, .write = ioapic_mmio_write, .max_size = 4};

/* ---- The device ---- */

/* The wires keep their levels: their devices are reset by themselves. */
static void ioapic_reset(void *state)
{
	struct ioapic *s = state;

	s->select = 0;
	s->id = 0;
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		s->rte[pin] = RTE_MASKED;
}

struct ioapic *ioapic_create(const struct ioapic_wiring *w)
{
	struct ioapic *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->w = *w;
	s->region = physmem_add_mmio(w->mem, "ioapic", PAGE_SIZE, &ioapic_mmio, s);
	physmem_region_map(s->region, IOAPIC_BASE_ADDRESS, IOAPIC_PRIORITY);
	lapic_on_eoi(w->lapic, ioapic_eoi, s);
	ioapic_reset(s);
	return s;
}

static void ioapic_destroy(void *state)
{
	struct ioapic *s = state;

	if (!s)
		return;
	physmem_region_unmap(s->region);
	free(s);
}

static const struct field ioapic_fields[] = {
	FIELD(struct ioapic, select),
	FIELD(struct ioapic, id),
	FIELD(struct ioapic, levels),
	FIELD_ARRAY(struct ioapic, rte),
	FIELD_END,
};

const struct device_class ioapic_class = {
	.name = "ioapic",
	.version = 1,
	.reset = ioapic_reset,
	.destroy = ioapic_destroy,
	.fields = ioapic_fields,
};
