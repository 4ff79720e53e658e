/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow's own memory: what windows, views and copies of tables take together. A
 * guest can spread what it maps, touches and executes so that each piece of the shadow
 * takes a page of the host; but it is a cache, so there is a limit. At the limit
 * first goes what nobody needs, then address spaces, the one used longest ago first,
 * then pages of the windows in use, which are filled again. What cannot go, the current
 * space's slots and tables, is less than the limit.
 */
#include "cpu/space_internal.h"

#include <errno.h>

#include "cpu/engine.h"

#define LIMIT	    (8u << 20 >> PAGE_SHIFT) /* see README, Memory */
#define LITTLE	    96u			     /* for tests */
#define EVICT_BATCH 64u			     /* slots, between looks at what has become of them */

#define SLOT_BYTES    (WINDOW_SLOTS * sizeof(struct slot)) /* of a view */
#define FETCHED_BYTES (WINDOW_PAGES / 8)
_Static_assert(SLOT_BYTES % PAGE_SIZE == 0, "views share no pages");

/* ---- life ---- */
static uint64_t *fetched_at(const struct space_set *set, unsigned n)
{
	return (uint64_t *)(void *)(set->fetched->memory + n * FETCHED_BYTES);
}

int memory_create(struct space_set *set, unsigned inject)
{
	set->memory.limit = inject & INJECT_LITTLE_MEMORY ? LITTLE : LIMIT;
	set->slots = sparse_create(&set->memory, VIEWS * SLOT_BYTES, 0);
	set->fetched = sparse_create(&set->memory, (1 + SPACES) * FETCHED_BYTES, 0);
	set->saved = sparse_create(&set->memory, TABLES * PAGE_SIZE, SPARSE_KEEP_ZEROS);
	if (!set->slots || !set->fetched || !set->saved)
		return -ENOMEM;
	for (unsigned view = 0; view < VIEWS; view++)
		set->views[view].slots =
		    (struct slot *)(void *)(set->slots->memory + view * SLOT_BYTES);
	set->views[VIEW_KERNEL_FETCH].fetched = fetched_at(set, 0);
	for (unsigned i = 0; i < SPACES; i++)
		set->views[VIEW_FETCH(i)].fetched = fetched_at(set, 1 + i);
	return 0;
}

void memory_destroy(struct space_set *set)
{
	sparse_destroy(set->slots);
	sparse_destroy(set->fetched);
	sparse_destroy(set->saved);
}

uint8_t *memory_saved(struct space_set *set, uint32_t table)
{
	uint8_t *saved = set->saved->memory + (size_t)table * PAGE_SIZE;

	sparse_touch(set->saved, saved, PAGE_SIZE);
	return saved;
}

/* ---- making room ---- */
static void give_back_view(struct space_set *set, unsigned view)
{
	struct view *v = &set->views[view];

	if (v->window)
		mem_window_give_back(v->window);
	if (v->fetched)
		sparse_forget(set->fetched, v->fetched, FETCHED_BYTES);
	sparse_forget(set->slots, v->slots, SLOT_BYTES);
}

static bool drop_oldest(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = space_oldest(set);
	unsigned n;

	if (!s)
		return false;
	n = space_index(set, s);
	space_recycle(cpu, s);
	give_back_view(set, VIEW_USER(n));
	give_back_view(set, VIEW_FETCH(n));
	give_back_view(set, VIEW_STUB(n));
	set->counters.memory_spaces++;
	return true;
}

static void give_back_tables(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	tables_forget_unused(cpu);
	for (uint32_t i = set->free_table; i; i = set->tables[i].hash_next)
		sparse_forget(set->saved, set->saved->memory + (size_t)i * PAGE_SIZE, PAGE_SIZE);
}

/* Returns false if there are no pages. */
static bool evict_pages(struct space_set *set)
{
	bool any = false;

	for (unsigned n = 0; n < EVICT_BATCH && set->windows; n++)
		any |= mem_window_set_evict(set->windows) ||
		       (set->stubs && mem_window_set_evict(set->stubs));
	sparse_trim(&set->memory);
	return any;
}

bool memory_is_kept(const struct space_set *set)
{
	/* What cannot go may be more than a test's limit. */
	return sparse_check(&set->memory) <= (set->memory.limit == LITTLE ? LIMIT / 2 : LIMIT);
}

void memory_make_room(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	/* Some more than is needed, so that it is not needed again at once. */
	size_t most = set->memory.limit - MEMORY_STEP, enough = most - most / 4;

	set->counters.memory_full++;
	sparse_trim(&set->memory);
	give_back_tables(cpu);
	if (set->memory.used <= most - most / 8)
		return;
	while (set->memory.used > enough && drop_oldest(cpu))
		;
	give_back_tables(cpu);
	while (set->memory.used > enough && evict_pages(set))
		;
}
