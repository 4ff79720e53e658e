/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time and the timers that devices set in it.
 *
 * A clock counts nanoseconds of guest time since power-on. Where the time
 * comes from (host time, executed instructions, a test's own steps) is its
 * creator's business; a device only reads it and sets timers. All calls are
 * made on the machine thread.
 */
#ifndef DEVICES_CLOCK_H
#define DEVICES_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_SEC 1000000000ull
#define CLOCK_NEVER UINT64_MAX

struct clock;

/* One-shot; may be set again from its own callback. Embed it in the device. */
struct timer {
	struct clock *clock;
	void (*fire)(void *opaque);
	void *opaque;
	uint64_t when;  /* ns of guest time; CLOCK_NEVER: not set */
	int heap_index; /* position in the clock's heap; -1: not set */
};

/* source returns the current guest time in ns and never goes back. */
struct clock *clock_create(uint64_t (*source)(void *opaque), void *opaque);
/* A clock for tests: stands still until clock_step(). */
struct clock *clock_create_stepped(void);
void clock_destroy(struct clock *c);

uint64_t clock_now(struct clock *c);

/* Wall-clock time of guest time 0, in seconds since 1970 (-rtc base). */
int64_t clock_wall_base(const struct clock *c);
void clock_set_wall_base(struct clock *c, int64_t seconds);

/* Stepped clocks: advances by ns, firing timers in order at their times. */
void clock_step(struct clock *c, uint64_t ns);

/* Fires all timers that are due. */
void clock_run_due(struct clock *c);
/* When the next timer is due, or CLOCK_NEVER. */
uint64_t clock_next(const struct clock *c);
/* Called whenever the earliest deadline moves to an earlier time. */
void clock_on_earlier(struct clock *c, void (*fn)(void *opaque), void *opaque);

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *), void *opaque);
/* Fires at guest time `when` (at once if past). Setting it again moves it. */
void timer_set(struct timer *t, uint64_t when);
void timer_cancel(struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->heap_index >= 0;
}

/* a * b / c with a 128-bit intermediate: ticks from ns and back. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
	return (uint64_t)((unsigned __int128)a * b / c);
}

#endif
