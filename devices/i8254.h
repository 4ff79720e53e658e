/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 8254 interval timer: tick (IRQ 0), refresh and speaker counters. */
#ifndef DEVICES_I8254_H
#define DEVICES_I8254_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"

#define PIT_HZ       1193182 /* 14.31818 MHz / 12 */
#define PIT_CHANNELS 3

struct pit;

struct pit_wiring {
	struct bus *bus;
	struct clock *clock;
	struct irq_line irq; /* OUT of counter 0 */
	/*
	 * Whether the guest has the tick masked, so that a tick it does not
	 * take is not late but unwanted. NULL: never masked.
	 */
	bool (*tick_masked)(void *opaque);
	void *opaque;
};

extern const struct device_class pit_class;

/* Claims ports 40-43. NULL: no memory. */
struct pit *pit_create(const struct pit_wiring *w);

/*
 * The processor took IRQ 0. Ticks that came while an earlier one was not
 * taken yet are made up for, one after each call (see i8254.c).
 */
void pit_tick_acknowledged(struct pit *pit);

/* GATE of a counter; those of 0 and 1 are wired high. */
void pit_set_gate(struct pit *pit, unsigned channel, bool level);
/* OUT of a counter now. */
bool pit_output(struct pit *pit, unsigned channel);
/* The counter's count in clocks of PIT_HZ; 0: not running. */
uint32_t pit_period(struct pit *pit, unsigned channel);

/* fn is told when counter 2 is programmed anew (speaker). */
void pit_on_speaker_count(struct pit *pit, void (*fn)(void *opaque), void *opaque);

/* Ticks owed to the guest, for `info` and tests. */
unsigned pit_missed_ticks(const struct pit *pit);

#endif
