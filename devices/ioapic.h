/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82093AA I/O APIC. */
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include "devices/device.h"
#include "devices/irq.h"
#include "devices/lapic.h"
#include "mmu/physmem.h"

#define IOAPIC_BASE_ADDRESS 0xfec00000u
#define IOAPIC_PINS 24

struct ioapic;

struct ioapic_wiring {
	struct physmem *mem;
	struct lapic *lapic; /* the one on the APIC bus */
};

extern const struct device_class ioapic_class;

/* Maps its page at FEC00000. NULL: no memory. */
struct ioapic *ioapic_create(const struct ioapic_wiring *w);
struct irq_line ioapic_irq_line(struct ioapic *s, unsigned pin);

#endif
