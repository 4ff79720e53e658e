/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor's local APIC, between the PIC, the I/O APIC and the CPU's pins. */
#ifndef DEVICES_LAPIC_H
#define DEVICES_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/clock.h"
#include "devices/device.h"
#include "devices/i8259.h"
#include "devices/irq.h"
#include "mmu/physmem.h"

#define LAPIC_DEFAULT_BASE 0xfee00000u
/* IA32_APIC_BASE, SDM 3A 10.4.4. */
#define APIC_BASE_BSP 0x100u
#define APIC_BASE_ENABLE 0x800u
#define APIC_BASE_RESET (LAPIC_DEFAULT_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP)

/* What the timer counts before its divider: ns of guest time. */
#define LAPIC_BUS_HZ 1000000000u

/* Delivery modes of LVTs, ICR, and the I/O APIC (SDM 3A 10.5.1, 10.6.1). */
enum apic_delivery {
	APIC_FIXED = 0,
	APIC_LOWEST = 1,
	APIC_SMI = 2,
	APIC_NMI = 4,
	APIC_INIT = 5,
	APIC_STARTUP = 6, /* ICR only */
	APIC_EXTINT = 7,  /* not ICR */
};

struct lapic;

struct lapic_wiring {
	struct physmem *mem;
	struct clock *clock;
	struct irq_line intr; /* the processor's INTR: a level */
	struct irq_line nmi;  /* pulsed */
	void (*init)(void *opaque); /* INIT: NULL if it is not to be had */
	void *opaque;
};

extern const struct device_class lapic_class;

/* Maps its page at FEE00000. NULL: no memory. */
struct lapic *lapic_create(const struct lapic_wiring *w);

/* Whom to ask for the vector of an external interrupt (LINT0). */
void lapic_attach_pic(struct lapic *l, struct pic *pic);
/* LINT0, for the PIC's INTR, and LINT1, for NMI sources. */
struct irq_line lapic_extint_line(struct lapic *l);
struct irq_line lapic_nmi_line(struct lapic *l);

/*
 * The processor takes an interrupt: returns the vector, now in service, of the
 * local APIC or the PIC, or -1 when INTR is low by now.
 */
int lapic_acknowledge(struct lapic *l);

/* IA32_APIC_BASE was written: moves the page, turns the APIC off or on. */
void lapic_set_base(struct lapic *l, uint64_t value);

/*
 * A message from the I/O APIC (or an MSI). Returns whether this APIC is among
 * those that the destination names.
 */
struct apic_message {
	uint8_t vector, destination;
	bool logical;
	bool level; /* trigger mode */
	enum apic_delivery delivery;
};
bool lapic_deliver(struct lapic *l, const struct apic_message *m);

/* Called when a level-triggered interrupt has ended: the I/O APIC looks again. */
void lapic_on_eoi(struct lapic *l, void (*fn)(void *opaque, uint8_t vector), void *opaque);

#endif
