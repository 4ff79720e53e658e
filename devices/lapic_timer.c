/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer (SDM 3A 10.5.4): counts down at LAPIC_BUS_HZ over its
 * divider, once or periodically. 1 GHz, as in QEMU: one tick is one ns.
 *
 * Nothing counts: the current count follows from when it was started, so a
 * periodic timer cannot drift. A period that is shorter than the host can wake
 * up for is coalesced: at most one interrupt each MIN_WAKE_NS.
 */
#include "devices/lapic_state.h"

_Static_assert(LAPIC_BUS_HZ == NS_PER_SEC, "a tick is one ns of guest time");

#define DIVIDE_WRITABLE 0x0bu
#define MIN_WAKE_NS 20000u

/* log2 of the divider: 000 is 2, 110 is 128, 111 is 1 (figure 10-10). */
static unsigned divide_shift(uint32_t divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static unsigned shift_of(const struct lapic *l)
{
	return divide_shift(l->timer_divide);
}

static uint64_t period_ns(const struct lapic *l)
{
	return (uint64_t)l->timer_initial << shift_of(l);
}

static uint64_t elapsed_ns(const struct lapic *l)
{
	return clock_now(l->w.clock) - l->timer_start;
}

static bool periodic(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & LVT_PERIODIC;
}

uint32_t lapic_timer_current(struct lapic *l)
{
	uint64_t ticks = elapsed_ns(l) >> shift_of(l);

	if (!l->timer_running || !l->timer_initial)
		return 0;
	if (periodic(l))
		return l->timer_initial - (uint32_t)(ticks % l->timer_initial);
	return ticks >= l->timer_initial ? 0 : l->timer_initial - (uint32_t)ticks;
}

/* The end of the period that is under way, not sooner than in MIN_WAKE_NS. */
static uint64_t next_period_end(const struct lapic *l)
{
	uint64_t period = period_ns(l), elapsed = elapsed_ns(l);
	uint64_t ahead = period - elapsed % period;

	if (period < MIN_WAKE_NS)
		ahead += (MIN_WAKE_NS / period) * period;
	return clock_now(l->w.clock) + ahead;
}

static void set_timer(struct lapic *l)
{
	if (l->timer_running && !(l->lvt[LVT_TIMER] & LVT_MASKED))
		timer_set(&l->timer,
			  periodic(l) ? next_period_end(l) : l->timer_start + period_ns(l));
}

/*
 * The time at which the count ends may pass at any point of this: as long as it was
 * unmasked, the end is still to be told.
 */
void lapic_timer_arm(struct lapic *l)
{
	bool was_set = timer_is_set(&l->timer);

	timer_cancel(&l->timer);
	if (!was_set && !periodic(l) && elapsed_ns(l) >= period_ns(l))
		l->timer_running = false; /* ended unseen, masked */
	set_timer(l);
}

static void timer_fired(void *opaque)
{
	struct lapic *l = opaque;

	if (periodic(l))
		timer_set(&l->timer, next_period_end(l));
	else
		l->timer_running = false;
	lapic_deliver_lvt(l, LVT_TIMER);
}

void lapic_timer_start(struct lapic *l, uint32_t count)
{
	l->timer_initial = count;
	l->timer_running = count != 0;
	l->timer_start = clock_now(l->w.clock);
	timer_cancel(&l->timer);
	set_timer(l);
}

/* The count goes on from where it is, at the new speed. */
void lapic_timer_set_divide(struct lapic *l, uint32_t value)
{
	uint32_t counted = l->timer_initial - lapic_timer_current(l);

	l->timer_divide = value & DIVIDE_WRITABLE;
	l->timer_start = clock_now(l->w.clock) - ((uint64_t)counted << shift_of(l));
	lapic_timer_arm(l);
}

void lapic_timer_reset(struct lapic *l)
{
	l->timer_initial = l->timer_divide = 0;
	l->timer_running = false;
	l->timer_start = 0;
	timer_cancel(&l->timer);
}

void lapic_timer_init(struct lapic *l)
{
	timer_init(&l->timer, l->w.clock, timer_fired, l);
}
