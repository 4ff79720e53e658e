/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board's interrupt wires: ISA devices and PIRQs in, PIC and I/O APIC out. */
#ifndef DEVICES_IRQ_ROUTER_H
#define DEVICES_IRQ_ROUTER_H

#include "devices/device.h"
#include "devices/irq.h"

#define ISA_IRQS 16

/* Who may pull an IRQ wire; the wire is high while any of them does. */
enum irq_source { IRQ_FROM_ISA, IRQ_FROM_PCI, IRQ_FROM_ACPI, IRQ_SOURCES };

struct irq_router;

struct irq_router_wiring {
	struct irq_line pic[ISA_IRQS];    /* inputs of the 8259 pair; 2 is not used */
	struct irq_line ioapic[ISA_IRQS]; /* pins by number: [2] takes IRQ 0 */
};

extern const struct device_class irq_router_class;

struct irq_router *irq_router_create(const struct irq_router_wiring *w);
/* The wire for one source of one IRQ, to be given to a device. */
struct irq_line irq_router_line(struct irq_router *r, enum irq_source source, unsigned irq);

#endif
