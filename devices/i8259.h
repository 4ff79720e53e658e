/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pair of 8259A interrupt controllers: sixteen request wires, one INTR. */
#ifndef DEVICES_I8259_H
#define DEVICES_I8259_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct pic;

struct pic_wiring {
	struct bus *bus;
	struct irq_line intr; /* INT of the master, to the processor or LINT0 */
};

extern const struct device_class pic_class;

/* Claims ports 20-21, a0-a1 and 4d0-4d1. NULL: no memory. */
struct pic *pic_create(const struct pic_wiring *w);

/* Drives request n (0-15; 2 is the cascade and ignored). For struct irq_line. */
void pic_set_irq(void *pic, int n, int level);
/* The wire to input n. */
struct irq_line pic_irq_line(struct pic *pic, int n);

/*
 * The processor's INTA cycles: the vector of the highest request, now in
 * service. When the request has gone, the spurious vector of IRQ 7 or 15.
 */
int pic_acknowledge(struct pic *pic);

/* INT is active. */
bool pic_intr(const struct pic *pic);

/* Input n is masked in its IMR, or is behind the cascade and that is masked. */
bool pic_irq_masked(const struct pic *pic, int n);

/* fn is told of each request acknowledged (not of spurious ones), after it. */
void pic_on_acknowledge(struct pic *pic, void (*fn)(void *opaque, int irq), void *opaque);

#endif
