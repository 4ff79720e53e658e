/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interrupt wire: a level that a device sets and somebody listens to. */
#ifndef DEVICES_IRQ_H
#define DEVICES_IRQ_H

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
	void (*set)(void *opaque, int n, int level); /* NULL: not connected */
	void *opaque;
	int n; /* which input of the listener */
};

static inline void irq_set(const struct irq_line *line, int level)
{
	if (line->set)
		line->set(line->opaque, line->n, level);
}

static inline void irq_pulse(const struct irq_line *line)
{
	irq_set(line, 1);
	irq_set(line, 0);
}

#endif
