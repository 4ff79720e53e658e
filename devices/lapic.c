/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC in xAPIC mode (SDM 3A chapter 10), of the one processor.
 * Its registers are in lapic_mmio.c, its timer in lapic_timer.c.
 *
 * All interrupts to the processor pass through here. The PIC's INTR is wired to
 * LINT0: it reaches the processor when the APIC is turned off in its base MSR,
 * or when LINT0 is an unmasked ExtINT ("virtual wire"). LINT0 is that at reset
 * already, though software-disabled, so that firmware that knows no APIC gets
 * its PIC interrupts; SeaBIOS then sets it up in order.
 *
 * INTR is a level worked out anew after each change: either the highest request
 * is above the processor's priority, or the PIC has one that passes.
 *
 * Left out: x2APIC, TSC deadline, SMI, performance counter and thermal events,
 * other processors (an IPI to others is sent and heard by nobody).
 */
#include "devices/lapic.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "devices/lapic_state.h"

#define LAPIC_PRIORITY 10 /* over RAM and PCI */
#define BASE_ADDRESS 0xffffff000ull

#define SVR_RESET 0xffu
#define DFR_FLAT 0xfu
#define BROADCAST 0xffu
#define FIRST_VECTOR 16u

/* ESR, SDM 3A 10.5.3. */
#define ESR_SEND_VECTOR 0x20u
#define ESR_RECEIVE_VECTOR 0x40u

/* ICR, SDM 3A 10.6.1. */
#define ICR_LOGICAL 0x800u
#define ICR_ASSERT 0x4000u
#define ICR_LEVEL 0x8000u
#define ICR_SHORTHAND_SHIFT 18
enum icr_shorthand { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };

/* ---- 256-bit registers ---- */

static void bit_set(uint32_t *bits, unsigned n)
{
	bits[n / 32] |= 1u << n % 32;
}

static void bit_clear(uint32_t *bits, unsigned n)
{
	bits[n / 32] &= ~(1u << n % 32);
}

static bool bit_test(const uint32_t *bits, unsigned n)
{
	return bits[n / 32] >> n % 32 & 1;
}

/* The highest bit set, or -1. */
static int bit_highest(const uint32_t *bits)
{
	for (int i = 7; i >= 0; i--)
		if (bits[i])
			return 32 * i + 31 - __builtin_clz(bits[i]);
	return -1;
}

/* ---- Priorities and INTR ---- */

static bool hardware_enabled(const struct lapic *l)
{
	return l->base & APIC_BASE_ENABLE;
}

static bool software_enabled(const struct lapic *l)
{
	return hardware_enabled(l) && (l->svr & SVR_ENABLE);
}

static unsigned delivery_of(uint32_t lvt)
{
	return (lvt & LVT_DELIVERY) >> LVT_DELIVERY_SHIFT;
}

/* SDM 3A 10.8.3.1 */
unsigned lapic_priority(const struct lapic *l)
{
	int in_service = bit_highest(l->isr);
	unsigned class = in_service < 0 ? 0 : (unsigned)in_service & 0xf0;

	return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

/* The request that the processor is to be interrupted for, or -1. */
static int deliverable(const struct lapic *l)
{
	int vector = software_enabled(l) ? bit_highest(l->irr) : -1;

	if (vector < 0 || ((unsigned)vector & 0xf0) <= (lapic_priority(l) & 0xf0))
		return -1;
	return vector;
}

static bool extint_passes(const struct lapic *l)
{
	uint32_t lint0 = l->lvt[LVT_LINT0];

	return !hardware_enabled(l) ||
	       (!(lint0 & LVT_MASKED) && delivery_of(lint0) == APIC_EXTINT);
}

void lapic_intr_follow(struct lapic *l)
{
	int level = (l->lint_level[0] && extint_passes(l)) || deliverable(l) >= 0;

	if (level == l->intr_level)
		return;
	l->intr_level = level;
	irq_set(&l->w.intr, level);
}

int lapic_acknowledge(struct lapic *l)
{
	int vector = deliverable(l);

	if (vector >= 0) {
		bit_clear(l->irr, (unsigned)vector);
		bit_set(l->isr, (unsigned)vector);
		lapic_intr_follow(l);
		return vector;
	}
	if (l->lint_level[0] && extint_passes(l) && l->pic)
		return pic_acknowledge(l->pic);
	return -1;
}

/* ---- Accepting interrupts ---- */

static void accept(struct lapic *l, unsigned vector, bool level)
{
	if (vector < FIRST_VECTOR) {
		lapic_note_error(l, ESR_RECEIVE_VECTOR);
		return;
	}
	bit_set(l->irr, vector);
	if (level)
		bit_set(l->tmr, vector);
	else
		bit_clear(l->tmr, vector);
	lapic_intr_follow(l);
}

void lapic_deliver_lvt(struct lapic *l, enum lvt n)
{
	uint32_t lvt = l->lvt[n];

	if (lvt & LVT_MASKED)
		return;
	switch (delivery_of(lvt)) {
	case APIC_FIXED:
		accept(l, lvt & LVT_VECTOR, (n == LVT_LINT0 || n == LVT_LINT1) &&
						    (lvt & LVT_LEVEL));
		break;
	case APIC_NMI:
		irq_pulse(&l->w.nmi);
		break;
	case APIC_EXTINT:
		break; /* a level: see lapic_intr_follow() */
	default:
		LOG(LOG_UNIMP, "lapic: LVT %d with delivery mode %u", n, delivery_of(lvt));
		break;
	}
}

/* The error LVT may itself name an illegal vector: that is not noted again. */
void lapic_note_error(struct lapic *l, uint32_t bit)
{
	bool news = !(l->esr_pending & bit);

	l->esr_pending |= bit;
	if (news && (l->lvt[LVT_ERROR] & LVT_VECTOR) >= FIRST_VECTOR)
		lapic_deliver_lvt(l, LVT_ERROR);
}

/* ---- LINT0 and LINT1 ---- */

/* A fixed level interrupt is requested while the pin is high and none is under way. */
void lapic_lint_follow(struct lapic *l, unsigned pin)
{
	uint32_t *lvt = &l->lvt[LVT_LINT0 + pin];

	if (!l->lint_level[pin] || (*lvt & (LVT_MASKED | LVT_REMOTE_IRR)) ||
	    !(*lvt & LVT_LEVEL) || delivery_of(*lvt) != APIC_FIXED || !software_enabled(l))
		return;
	*lvt |= LVT_REMOTE_IRR;
	lapic_deliver_lvt(l, LVT_LINT0 + pin);
}

static void lint_set(void *opaque, int pin, int level)
{
	struct lapic *l = opaque;
	uint32_t lvt = l->lvt[LVT_LINT0 + pin];
	bool rises = level && !l->lint_level[pin];

	l->lint_level[pin] = level != 0;
	if (!hardware_enabled(l)) {
		/* The pins are INTR and NMI of a processor without an APIC. */
		if (pin == 1 && rises)
			irq_pulse(&l->w.nmi);
	} else if (delivery_of(lvt) == APIC_FIXED && (lvt & LVT_LEVEL)) {
		lapic_lint_follow(l, (unsigned)pin);
	} else if (rises && (software_enabled(l) || delivery_of(lvt) == APIC_NMI)) {
		lapic_deliver_lvt(l, LVT_LINT0 + (unsigned)pin);
	}
	lapic_intr_follow(l);
}

struct irq_line lapic_extint_line(struct lapic *l)
{
	return (struct irq_line){lint_set, l, 0};
}

struct irq_line lapic_nmi_line(struct lapic *l)
{
	return (struct irq_line){lint_set, l, 1};
}

void lapic_eoi(struct lapic *l)
{
	int vector = bit_highest(l->isr);

	if (vector < 0)
		return;
	bit_clear(l->isr, (unsigned)vector);
	if (bit_test(l->tmr, (unsigned)vector)) {
		for (unsigned pin = 0; pin < LINT_PINS; pin++) {
			uint32_t *lvt = &l->lvt[LVT_LINT0 + pin];

			if ((*lvt & LVT_VECTOR) == (unsigned)vector)
				*lvt &= ~LVT_REMOTE_IRR;
			lapic_lint_follow(l, pin);
		}
		if (l->eoi)
			l->eoi(l->eoi_opaque, (uint8_t)vector);
	}
	lapic_intr_follow(l);
}

/* ---- Messages ---- */

/* SDM 3A 10.6.2 */
static bool is_destination(const struct lapic *l, uint8_t destination, bool logical)
{
	uint8_t me = (uint8_t)(l->ldr >> 24);

	if (destination == BROADCAST)
		return true;
	if (!logical)
		return destination == l->id;
	if (l->dfr >> 28 == DFR_FLAT)
		return destination & me;
	return (destination >> 4 == me >> 4 || destination >> 4 == 0xf) &&
	       (destination & me & 0xf);
}

static void lapic_reset_state(struct lapic *l);

static bool receive(struct lapic *l, enum apic_delivery delivery, uint8_t vector, bool level)
{
	switch (delivery) {
	case APIC_FIXED:
	case APIC_LOWEST:
		if (!software_enabled(l))
			return false;
		accept(l, vector, level);
		return true;
	case APIC_NMI:
		irq_pulse(&l->w.nmi);
		return true;
	case APIC_INIT:
		lapic_reset_state(l);
		if (l->w.init)
			l->w.init(l->w.opaque);
		return true;
	case APIC_STARTUP:
		return true; /* only a processor that waits for it takes it */
	default:
		LOG(LOG_UNIMP, "lapic: message with delivery mode %d", delivery);
		return true;
	}
}

bool lapic_deliver(struct lapic *l, const struct apic_message *m)
{
	if (!hardware_enabled(l) || !is_destination(l, m->destination, m->logical))
		return false;
	return receive(l, m->delivery, m->vector, m->level);
}

void lapic_send_ipi(struct lapic *l)
{
	unsigned shorthand = l->icr_low >> ICR_SHORTHAND_SHIFT & 3;
	enum apic_delivery delivery = (enum apic_delivery)(l->icr_low >> LVT_DELIVERY_SHIFT & 7);
	uint8_t vector = (uint8_t)l->icr_low;
	bool to_me = shorthand == TO_SELF || shorthand == TO_ALL ||
		     (shorthand == TO_DESTINATION &&
		      is_destination(l, (uint8_t)(l->icr_high >> 24), l->icr_low & ICR_LOGICAL));

	if (delivery <= APIC_LOWEST && vector < FIRST_VECTOR) {
		lapic_note_error(l, ESR_SEND_VECTOR);
		return;
	}
	/* INIT level de-assert: arbitration ids, of old processors (10.6.1). */
	if (delivery == APIC_INIT && (l->icr_low & ICR_LEVEL) && !(l->icr_low & ICR_ASSERT))
		return;
	if (to_me)
		receive(l, delivery, vector, false);
}

/* ---- The device ---- */

/* What INIT does: everything but id and base (SDM 3A 10.4.7.3). */
static void lapic_reset_state(struct lapic *l)
{
	l->tpr = 0;
	l->ldr = 0;
	l->dfr = UINT32_MAX;
	l->svr = SVR_RESET;
	l->esr = l->esr_pending = 0;
	l->icr_low = l->icr_high = 0;
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	for (unsigned n = 0; n < LVT_COUNT; n++)
		l->lvt[n] = LVT_MASKED;
	l->lvt[LVT_LINT0] = APIC_EXTINT << LVT_DELIVERY_SHIFT;
	lapic_timer_reset(l);
	lapic_intr_follow(l);
}

void lapic_set_base(struct lapic *l, uint64_t value)
{
	bool was_enabled = hardware_enabled(l);

	l->base = value;
	if (!hardware_enabled(l))
		physmem_region_unmap(l->region);
	else
		physmem_region_map(l->region, value & BASE_ADDRESS, LAPIC_PRIORITY);
	/* 10.4.3: turned off, it forgets everything. */
	if (was_enabled != hardware_enabled(l))
		lapic_reset_state(l);
	lapic_intr_follow(l);
}

static void lapic_reset(void *state)
{
	struct lapic *l = state;

	l->id = 0;
	lapic_reset_state(l);
	lapic_set_base(l, APIC_BASE_RESET);
}

struct lapic *lapic_create(const struct lapic_wiring *w)
{
	struct lapic *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->w = *w;
	lapic_timer_init(l);
	l->region = physmem_add_mmio(w->mem, "lapic", PAGE_SIZE, &lapic_mmio_ops, l);
	lapic_reset(l);
	return l;
}

void lapic_attach_pic(struct lapic *l, struct pic *pic)
{
	l->pic = pic;
}

void lapic_on_eoi(struct lapic *l, void (*fn)(void *opaque, uint8_t vector), void *opaque)
{
	l->eoi = fn;
	l->eoi_opaque = opaque;
}

static void lapic_destroy(void *state)
{
	struct lapic *l = state;

	if (!l)
		return;
	timer_cancel(&l->timer);
	physmem_region_unmap(l->region);
	free(l);
}

static const struct field lapic_fields[] = {
	FIELD(struct lapic, base),
	FIELD(struct lapic, id),
	FIELD(struct lapic, tpr),
	FIELD(struct lapic, ldr),
	FIELD(struct lapic, dfr),
	FIELD(struct lapic, svr),
	FIELD(struct lapic, esr),
	FIELD(struct lapic, esr_pending),
	FIELD(struct lapic, icr_low),
	FIELD(struct lapic, icr_high),
	FIELD_ARRAY(struct lapic, isr),
	FIELD_ARRAY(struct lapic, tmr),
	FIELD_ARRAY(struct lapic, irr),
	FIELD_ARRAY(struct lapic, lvt),
	FIELD_ARRAY(struct lapic, lint_level),
	FIELD(struct lapic, intr_level),
	FIELD(struct lapic, timer_initial),
	FIELD(struct lapic, timer_divide),
	FIELD(struct lapic, timer_running),
	FIELD(struct lapic, timer_start),
	FIELD_END,
};

const struct device_class lapic_class = {
	.name = "lapic",
	.version = 1,
	.reset = lapic_reset,
	.destroy = lapic_destroy,
	.fields = lapic_fields,
};
