/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time and timers: a binary heap ordered by due time, each timer
 * knowing its place in it, so that set, move and cancel are O(log n).
 */
#include "devices/clock.h"

#include <assert.h>
#include <stdlib.h>

struct clock {
	uint64_t (*source)(void *opaque);
	void *opaque;
	uint64_t stepped_now; /* ns; the source of stepped clocks */
	int64_t wall_base;    /* seconds since 1970 at guest time 0 */
	void (*on_earlier)(void *opaque);
	void *on_earlier_opaque;
	struct timer **heap; /* heap[0] is due first */
	int count, room;
};

static uint64_t stepped_source(void *opaque)
{
	return ((struct clock *)opaque)->stepped_now;
}

struct clock *clock_create(uint64_t (*source)(void *opaque), void *opaque)
{
	struct clock *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->source = source;
	c->opaque = opaque;
	return c;
}

struct clock *clock_create_stepped(void)
{
	struct clock *c = clock_create(stepped_source, NULL);

	if (c)
		c->opaque = c;
	return c;
}

void clock_destroy(struct clock *c)
{
	if (!c)
		return;
	free(c->heap);
	free(c);
}

uint64_t clock_now(struct clock *c)
{
	return c->source(c->opaque);
}

int64_t clock_wall_base(const struct clock *c)
{
	return c->wall_base;
}

void clock_set_wall_base(struct clock *c, int64_t seconds)
{
	c->wall_base = seconds;
}

void clock_on_earlier(struct clock *c, void (*fn)(void *opaque), void *opaque)
{
	c->on_earlier = fn;
	c->on_earlier_opaque = opaque;
}

uint64_t clock_next(const struct clock *c)
{
	return c->count ? c->heap[0]->when : CLOCK_NEVER;
}

static void heap_place(struct clock *c, int i, struct timer *t)
{
	c->heap[i] = t;
	t->heap_index = i;
}

static void heap_up(struct clock *c, int i)
{
	struct timer *t = c->heap[i];

	while (i > 0 && c->heap[(i - 1) / 2]->when > t->when) {
		heap_place(c, i, c->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(c, i, t);
}

static void heap_down(struct clock *c, int i)
{
	struct timer *t = c->heap[i];

	for (;;) {
		int child = 2 * i + 1;

		if (child >= c->count)
			break;
		if (child + 1 < c->count && c->heap[child + 1]->when < c->heap[child]->when)
			child++;
		if (c->heap[child]->when >= t->when)
			break;
		heap_place(c, i, c->heap[child]);
		i = child;
	}
	heap_place(c, i, t);
}

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *), void *opaque)
{
	*t = (struct timer){.clock = c, .fire = fire, .opaque = opaque,
			    .when = CLOCK_NEVER, .heap_index = -1};
}

void timer_cancel(struct timer *t)
{
	struct clock *c = t->clock;
	int i = t->heap_index;

	if (i < 0)
		return;
	t->heap_index = -1;
	t->when = CLOCK_NEVER;
	c->count--;
	if (i == c->count)
		return;
	heap_place(c, i, c->heap[c->count]);
	heap_up(c, i);
	heap_down(c, i);
}

void timer_set(struct timer *t, uint64_t when)
{
	struct clock *c = t->clock;

	timer_cancel(t);
	if (c->count == c->room) {
		int room = c->room ? 2 * c->room : 16;
		struct timer **heap = realloc(c->heap, (size_t)room * sizeof(*heap));

		assert(heap); /* some dozen timers exist in a machine */
		c->heap = heap;
		c->room = room;
	}
	t->when = when;
	c->count++;
	heap_place(c, c->count - 1, t);
	heap_up(c, c->count - 1);
	if (t->heap_index == 0 && c->on_earlier)
		c->on_earlier(c->on_earlier_opaque);
}

static void fire_first(struct clock *c)
{
	struct timer *t = c->heap[0];

	timer_cancel(t);
	t->fire(t->opaque);
}

void clock_run_due(struct clock *c)
{
	uint64_t now = clock_now(c);

	while (c->count && c->heap[0]->when <= now)
		fire_first(c);
}

void clock_step(struct clock *c, uint64_t ns)
{
	uint64_t end = c->stepped_now + ns;

	while (c->count && c->heap[0]->when <= end) {
		if (c->heap[0]->when > c->stepped_now)
			c->stepped_now = c->heap[0]->when;
		fire_first(c);
	}
	c->stepped_now = end;
}
