/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stub and the machine thread on one processor of the host. They take turns,
 * so that a second one gains nothing, and waking a sleeping processor for each
 * turn costs more than the turn: a trap took 95 us so, and 16 us on one, and a timer's
 * signal reached a tight loop after 160 us, and 70 us, in the median.
 *
 * Which one is the host's choice: from time to time a turn is made without
 * being held anywhere, and both stay where the host has woken the machine thread.
 */
#include <sched.h>

#include "base/host_time.h"
#include "direct/direct_internal.h"

#define PLACED_NS 100000000ull /* so long one processor is kept */

/* To one, or -1: to none. A failure costs time, nothing else. */
static void set_processor(struct direct *d, pid_t task, int processor)
{
	cpu_set_t one;

	if (processor < 0) {
		sched_setaffinity(task, sizeof(d->processors), &d->processors);
		return;
	}
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(task, sizeof(one), &one);
}

static bool held_for_long(const struct direct *d, uint64_t now)
{
	return d->processor >= 0 && now - d->placed_ns > PLACED_NS;
}

void placement_init(struct direct *d)
{
	d->processor = -1;
	d->placeable = sched_getaffinity(0, sizeof(d->processors), &d->processors) == 0 &&
		       CPU_COUNT(&d->processors) > 1;
}

void placement_end(struct direct *d)
{
	if (d->processor < 0)
		return;
	d->processor = -1;
	set_processor(d, 0, -1);
}

/* The stub's tasks follow when they run next. */
static void hold(struct direct *d, uint64_t now)
{
	d->processor = sched_getcpu();
	d->placed_ns = now;
	if (d->processor >= 0 && d->processor < CPU_SETSIZE)
		set_processor(d, 0, d->processor);
	else
		d->placeable = false;
}

void placement_hold(struct direct *d, pid_t task, bool on)
{
	if (!d->placeable)
		return;
	if (on)
		hold(d, host_time_ns());
	else
		placement_end(d);
	set_processor(d, task, d->processor);
}

void placement_together(struct stub *s)
{
	struct direct *d = s->d;
	uint64_t now;

	if (!d->placeable)
		return;
	now = host_time_ns();
	if (d->processor < 0)
		hold(d, now);
	else if (held_for_long(d, now))
		placement_end(d);
	if (s->processor == d->processor)
		return;
	s->processor = d->processor;
	set_processor(d, s->guest, s->processor);
	set_processor(d, s->mapper, s->processor);
}

void placement_tick(struct direct *d)
{
	if (held_for_long(d, host_time_ns()))
		placement_end(d);
}
