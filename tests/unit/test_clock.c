/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest time: timers fire in order, at their times, and can be moved. */
#include "devices/clock.h"

#include <stdlib.h>

#include "unit.h"

struct probe {
	struct timer timer;
	uint64_t fired_at, period;
	unsigned count;
};

static void fire(void *opaque)
{
	struct probe *p = opaque;

	p->count++;
	p->fired_at = clock_now(p->timer.clock);
	if (p->period)
		timer_set(&p->timer, p->fired_at + p->period);
}

static void test_order_and_time(void)
{
	struct clock *c = clock_create_stepped();
	struct probe p[3] = {0};

	for (int i = 0; i < 3; i++)
		timer_init(&p[i].timer, c, fire, &p[i]);
	timer_set(&p[0].timer, 300);
	timer_set(&p[1].timer, 100);
	timer_set(&p[2].timer, 200);
	CHECK_EQ(clock_next(c), 100);
	clock_step(c, 250);
	CHECK_EQ(p[1].fired_at, 100);
	CHECK_EQ(p[2].fired_at, 200);
	CHECK_EQ(p[0].count, 0);
	CHECK_EQ(clock_now(c), 250);
	timer_set(&p[0].timer, 1000); /* moved */
	clock_step(c, 100);
	CHECK_EQ(p[0].count, 0);
	timer_cancel(&p[0].timer);
	CHECK(!timer_is_set(&p[0].timer));
	CHECK_EQ(clock_next(c), CLOCK_NEVER);
	clock_destroy(c);
}

static void test_periodic_from_callback(void)
{
	struct clock *c = clock_create_stepped();
	struct probe p = {.period = 10};

	timer_init(&p.timer, c, fire, &p);
	timer_set(&p.timer, 10);
	clock_step(c, 1005);
	CHECK_EQ(p.count, 100);
	CHECK_EQ(p.fired_at, 1000);
	clock_destroy(c);
}

/* Against a plain array: whatever is set, moved and cancelled, order holds. */
static void test_random_heap(void)
{
	enum { TIMERS = 64 };
	struct clock *c = clock_create_stepped();
	struct probe *p = calloc(TIMERS, sizeof(*p));
	uint64_t seed = 42;

	for (int i = 0; i < TIMERS; i++)
		timer_init(&p[i].timer, c, fire, &p[i]);
	for (int round = 0; round < 20000; round++) {
		struct probe *one = &p[unit_random(&seed) % TIMERS];
		uint64_t least = CLOCK_NEVER;

		if (unit_random(&seed) % 3)
			timer_set(&one->timer, clock_now(c) + 1 + unit_random(&seed) % 1000);
		else
			timer_cancel(&one->timer);
		if (unit_random(&seed) % 4 == 0)
			clock_step(c, unit_random(&seed) % 100);
		for (int i = 0; i < TIMERS; i++)
			if (timer_is_set(&p[i].timer) && p[i].timer.when < least)
				least = p[i].timer.when;
		CHECK_EQ(clock_next(c), least);
		CHECK(least > clock_now(c));
	}
	free(p);
	clock_destroy(c);
}

UNIT_MAIN("clock", {"order and time", test_order_and_time},
	  {"periodic from callback", test_periodic_from_callback},
	  {"random heap", test_random_heap})
