/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many mappings of the host windows use, and which go when there are too
 * many. A window is one mapping (PROT_NONE) cut by boundaries: wherever two
 * neighbouring pages do not show consecutive frames with the same rights. The
 * host merges what can be merged, so boundaries count its mappings.
 */
#include <stddef.h>

#include "mmu/window_internal.h"

static uint32_t page_state(const struct mem_window *w, uint32_t page)
{
	return page < WINDOW_PAGES ? w->pages[page].frame : 0;
}

bool mem_window_boundary(const struct mem_window *w, uint32_t page)
{
	uint32_t before = page_state(w, page - 1), after = page_state(w, page);

	if (!(before & PAGE_MAPPED) || !(after & PAGE_MAPPED))
		return (before ^ after) & PAGE_MAPPED;
	return after != before + 1;
}

unsigned mem_window_boundaries(const struct mem_window *w, uint32_t page, uint32_t count)
{
	unsigned n = 0;

	for (uint32_t p = page; p <= page + count; p++)
		n += mem_window_boundary(w, p);
	return n;
}

void mem_window_account(struct mem_window *w, int vmas)
{
	w->vmas += (unsigned)vmas;
	w->set->used += (unsigned)vmas;
}

/* The window filled longest ago that has anything mapped, but for one. */
static struct mem_window *oldest(struct mem_window_set *set, const struct mem_window *but)
{
	struct mem_window *found = NULL;

	for (unsigned i = 0; i < WINDOW_MAX; i++) {
		struct mem_window *w = set->windows[i];

		if (w && w != but && w->vmas > 1 && (!found || w->filled < found->filled))
			found = w;
	}
	return found;
}

/* Unmaps the next slot that has pages, but for one; WINDOW_SLOTS: for none. */
static bool evict_slot(struct mem_window *w, uint32_t but)
{
	for (unsigned n = 0; n < WINDOW_SLOTS; n++) {
		uint32_t slot = w->hand;

		w->hand = (w->hand + 1) % WINDOW_SLOTS;
		if (slot != but && w->slot_pages[slot]) {
			mem_window_drop_slot(w, slot);
			return true;
		}
	}
	return false;
}

bool mem_window_evict(struct mem_window_set *set, struct mem_window *keep, uint32_t keep_slot)
{
	struct mem_window *w = oldest(set, keep);

	set->counters->evictions++;
	if (w && !w->keep) {
		mem_window_empty(w);
		return true;
	}
	/* Windows in use: the one filled longest ago gives a slot, then the one being filled. */
	if (w && evict_slot(w, WINDOW_SLOTS))
		return true;
	return keep && (evict_slot(keep, keep_slot) || evict_slot(keep, WINDOW_SLOTS));
}

bool mem_window_set_evict(struct mem_window_set *set)
{
	return mem_window_evict(set, NULL, WINDOW_SLOTS);
}
