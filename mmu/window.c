/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows: their pages, the reverse map, and what keeps both in step (see window.h). */
#include "mmu/window.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mmu/window_internal.h"

#define MAP_COUNT_FILE	  "/proc/sys/vm/max_map_count"
#define MAP_COUNT_DEFAULT 65530u
#define LOWEST_BUDGET	  256u	/* for the host's refusals; a caller may set less */
#define MAP_COUNT_RESERVE 4096u /* for the program, its libraries and its threads */

/* ---- sets ---- */
static unsigned host_limit(void)
{
	FILE *f = fopen(MAP_COUNT_FILE, "re");
	unsigned limit = MAP_COUNT_DEFAULT;

	if (f) {
		if (fscanf(f, "%u", &limit) != 1)
			limit = MAP_COUNT_DEFAULT;
		fclose(f);
	}
	return limit > 2 * MAP_COUNT_RESERVE ? limit - MAP_COUNT_RESERVE : limit / 2;
}

int mem_window_set_create(struct mem_window_set **out, unsigned budget,
			  struct sparse_budget *memory, struct mmu_counters *counters)
{
	struct mem_window_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->budget = budget ? budget : host_limit();
	set->memory = memory;
	set->counters = counters;
	set->heads_memory = sparse_create(memory, FRAMES_MAX * sizeof(*set->heads), 0);
	if (!set->heads_memory) {
		free(set);
		return -ENOMEM;
	}
	set->heads = (uint32_t *)(void *)set->heads_memory->memory;
	*out = set;
	return 0;
}

void mem_window_set_destroy(struct mem_window_set *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < WINDOW_MAX; i++)
		mem_window_destroy(set->windows[i]);
	sparse_destroy(set->heads_memory);
	free(set);
}

void mem_window_set_inject(struct mem_window_set *set, bool (*refuse)(void *opaque), void *opaque)
{
	set->refuse = refuse;
	set->refuse_opaque = opaque;
}

unsigned mem_window_set_used(const struct mem_window_set *set)
{
	return set->used;
}

unsigned mem_window_set_budget(const struct mem_window_set *set)
{
	return set->budget;
}

/* ---- windows ---- */
struct mem_window *mem_window_create(struct mem_window_set *set)
{
	return mem_window_create_remote(set, NULL, NULL);
}

struct mem_window *mem_window_create_remote(struct mem_window_set *set,
					    const struct mem_window_remote *ops, void *remote)
{
	struct mem_window *w = calloc(1, sizeof(*w));
	unsigned i = 0;

	while (i < WINDOW_MAX && set->windows[i])
		i++;
	if (w) {
		w->ops = ops;
		w->remote = remote;
	}
	if (!w || i == WINDOW_MAX || !mem_window_host_reserve(w)) {
		free(w);
		return NULL;
	}
	w->memory = sparse_create(set->memory, WINDOW_PAGES * sizeof(*w->pages), 0);
	if (!w->memory) {
		mem_window_host_release(w);
		free(w);
		return NULL;
	}
	w->pages = (struct mem_window_page *)(void *)w->memory->memory;
	w->set = set;
	w->index = i;
	set->windows[i] = w;
	mem_window_account(w, 1);
	return w;
}

void mem_window_destroy(struct mem_window *w)
{
	if (!w)
		return;
	mem_window_empty(w);
	mem_window_account(w, -1);
	w->set->windows[w->index] = NULL;
	mem_window_host_release(w);
	sparse_destroy(w->memory);
	free(w);
}

uint64_t mem_window_base(const struct mem_window *w)
{
	return w->base;
}

void mem_window_keep(struct mem_window *w, bool keep)
{
	w->keep = keep;
}

/* ---- pages and the reverse map ---- */
static struct mem_window_page *ref_page(const struct mem_window_set *set, uint32_t ref)
{
	return &set->windows[(ref - 1) >> 20]->pages[(ref - 1) & (WINDOW_PAGES - 1)];
}

static uint32_t page_ref(const struct mem_window *w, uint32_t page)
{
	return (w->index << 20 | page) + 1;
}

static void page_link(struct mem_window *w, uint32_t page, uint32_t state)
{
	struct mem_window_page *p = &w->pages[page];
	uint32_t *head = &w->set->heads[state & PAGE_FRAME];

	*p = (struct mem_window_page){.frame = state, .next = *head};
	if (*head)
		ref_page(w->set, *head)->prev = page_ref(w, page);
	*head = page_ref(w, page);
	w->slot_pages[page >> WINDOW_SLOT_SHIFT]++;
}

static void page_unlink(struct mem_window *w, uint32_t page)
{
	struct mem_window_page *p = &w->pages[page];

	if (!(p->frame & PAGE_MAPPED))
		return;
	if (p->prev)
		ref_page(w->set, p->prev)->next = p->next;
	else
		w->set->heads[p->frame & PAGE_FRAME] = p->next;
	if (p->next)
		ref_page(w->set, p->next)->prev = p->prev;
	*p = (struct mem_window_page){0};
	w->slot_pages[page >> WINDOW_SLOT_SHIFT]--;
}

bool mem_window_lookup(const struct mem_window *w, uint32_t page, uint32_t *frame, bool *writable)
{
	uint32_t state = w->pages[page].frame;

	*frame = state & PAGE_FRAME;
	*writable = state & PAGE_WRITABLE;
	return state & PAGE_MAPPED;
}

bool mem_window_executable(const struct mem_window *w, uint32_t page)
{
	return w->pages[page].frame & PAGE_EXECUTABLE;
}

bool mem_window_frame_writable(const struct mem_window_set *set, uint32_t frame)
{
	for (uint32_t ref = set->heads[frame]; ref; ref = ref_page(set, ref)->next)
		if (ref_page(set, ref)->frame & PAGE_WRITABLE)
			return true;
	return false;
}

unsigned mem_window_slot_count(const struct mem_window *w, uint32_t slot)
{
	return w->slot_pages[slot];
}

/* ---- unmapping ---- */
static void forget_pages(struct mem_window *w, uint32_t page, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		page_unlink(w, page + i);
}

static void empty(struct mem_window *w)
{
	w->set->counters->host_unmaps++;
	mem_window_host_empty(w);
	for (uint32_t slot = 0; slot < WINDOW_SLOTS; slot++)
		if (w->slot_pages[slot])
			forget_pages(w, slot << WINDOW_SLOT_SHIFT, WINDOW_SLOT_PAGES);
	mem_window_account(w, 1 - (int)w->vmas);
}

void mem_window_empty(struct mem_window *w)
{
	if (w->vmas > 1)
		empty(w);
}

void mem_window_give_back(struct mem_window *w)
{
	mem_window_empty(w);
	sparse_forget(w->memory, w->pages, WINDOW_PAGES * sizeof(*w->pages));
}

/* Hides all pages of the range, whatever the host has there. */
static void hide(struct mem_window *w, uint32_t page, uint32_t count)
{
	int before = (int)mem_window_boundaries(w, page, count);

	w->set->counters->host_unmaps++;
	if (!mem_window_host_unmap(w, page, count)) {
		empty(w);
		return;
	}
	forget_pages(w, page, count);
	mem_window_account(w, (int)mem_window_boundaries(w, page, count) - before);
}

/* Unmapping the middle of a mapping makes two of it; evictions make up for it. */
static void trim(struct mem_window_set *set)
{
	while (set->used > set->budget && mem_window_evict(set, NULL, WINDOW_SLOTS))
		;
}

static void unmap(struct mem_window *w, uint32_t page, uint32_t count)
{
	/* Edges without anything to unmap would only split mappings. */
	while (count && !(w->pages[page].frame & PAGE_MAPPED)) {
		page++;
		count--;
	}
	while (count && !(w->pages[page + count - 1].frame & PAGE_MAPPED))
		count--;
	if (count)
		hide(w, page, count);
}

void mem_window_unmap(struct mem_window *w, uint32_t page, uint32_t count)
{
	unmap(w, page, count);
	trim(w->set);
}

void mem_window_drop_page(struct mem_window *w, uint32_t page)
{
	uint32_t last = page | (WINDOW_SLOT_PAGES - 1), count = 1;
	bool next = page == w->drop_next;

	if (!(w->pages[page].frame & PAGE_MAPPED)) {
		w->drop_next += next; /* it has gone ahead of time */
		return;
	}
	w->drop_batch = next ? 2 * w->drop_batch : 1;
	while (count < w->drop_batch && page + count <= last &&
	       w->pages[page + count].frame & PAGE_MAPPED)
		count++;
	w->drop_batch = count;
	w->drop_next = page + 1;
	w->set->counters->dropped_ahead += count - 1;
	mem_window_unmap(w, page, count);
}

void mem_window_drop_slot(struct mem_window *w, uint32_t slot)
{
	unmap(w, slot << WINDOW_SLOT_SHIFT, WINDOW_SLOT_PAGES);
}

void mem_window_unmap_slot(struct mem_window *w, uint32_t slot)
{
	if (!w->slot_pages[slot])
		return;
	mem_window_drop_slot(w, slot);
	trim(w->set);
}

/* ---- mapping ---- */
/* Boundaries that the run will have: inside none, at its edges perhaps. */
static int boundaries_after(const struct mem_window *w, const struct mem_window_run *run,
			    uint32_t state)
{
	uint32_t last = run->page + run->count - 1;
	bool left = run->page == 0 || w->pages[run->page - 1].frame + 1 != state;
	bool right = last == WINDOW_PAGES - 1 || w->pages[last + 1].frame != state + run->count;

	return left + right;
}

/* Makes room for the run. Returns how many mappings it adds. */
static int make_room(struct mem_window *w, const struct mem_window_run *run, uint32_t state)
{
	struct mem_window_set *set = w->set;

	for (;;) {
		int added = boundaries_after(w, run, state) -
			    (int)mem_window_boundaries(w, run->page, run->count);

		if (added <= 0 || set->used + (unsigned)added <= set->budget ||
		    !mem_window_evict(set, w, run->page >> WINDOW_SLOT_SHIFT))
			return added;
	}
}

/* The host may have removed what was there: no hole must stay. */
static void refused(struct mem_window *w, const struct mem_window_run *run)
{
	w->set->counters->host_refused++;
	hide(w, run->page, run->count);
	mem_window_evict(w->set, w, WINDOW_SLOTS);
}

/* To what the host can bear, should its limit have been the reason. */
static void lower_budget(struct mem_window_set *set)
{
	unsigned bearable = set->used - set->used / 8;

	if (bearable >= LOWEST_BUDGET && bearable < set->budget)
		set->budget = bearable;
}

bool mem_window_map(struct mem_window *w, const struct mem_window_run *run)
{
	struct mem_window_set *set = w->set;
	uint32_t state = run->frame | PAGE_MAPPED | (run->writable ? PAGE_WRITABLE : 0) |
			 (run->executable ? PAGE_EXECUTABLE : 0);
	int added;

	assert(run->frame + run->count <= FRAMES_MAX && !(run->writable && run->executable));
	sparse_touch(w->memory, &w->pages[run->page], run->count * sizeof(*w->pages));
	sparse_touch(set->heads_memory, &set->heads[run->frame], run->count * sizeof(*set->heads));
	added = make_room(w, run, state);
	w->filled = ++set->clock;
	if (set->refuse && set->refuse(set->refuse_opaque)) {
		refused(w, run);
		return false;
	}
	if (!mem_window_host_map(w, run)) {
		refused(w, run);
		lower_budget(set);
		return false;
	}
	set->counters->host_maps++;
	for (uint32_t i = 0; i < run->count; i++) {
		page_unlink(w, run->page + i);
		page_link(w, run->page + i, state + i);
	}
	mem_window_account(w, added);
	return true;
}

/* Returns false if the whole window had to go instead. */
static bool protect(struct mem_window *w, uint32_t page, uint32_t count)
{
	int before = (int)mem_window_boundaries(w, page, count);

	w->set->counters->host_protects++;
	if (!mem_window_host_protect(w, page, count)) { /* no mapping to spare for a split */
		empty(w);
		return false;
	}
	for (uint32_t i = 0; i < count; i++)
		w->pages[page + i].frame &= ~PAGE_WRITABLE;
	mem_window_account(w, (int)mem_window_boundaries(w, page, count) - before);
	return true;
}

void mem_window_protect(struct mem_window *w, uint32_t page, uint32_t count)
{
	protect(w, page, count);
	trim(w->set);
}

/* Pages from this one on that show consecutive frames, all writable; at most limit. */
static uint32_t writable_run(const struct mem_window *w, uint32_t page, uint32_t limit)
{
	uint32_t n = 1;

	while (n < limit && page + n < WINDOW_PAGES &&
	       w->pages[page + n].frame == w->pages[page].frame + n)
		n++;
	return n;
}

void mem_window_protect_frames(struct mem_window_set *set, uint32_t frame, uint32_t count)
{
	uint32_t next;

	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t ref = set->heads[frame + i]; ref; ref = next) {
			struct mem_window *w = set->windows[(ref - 1) >> 20];
			uint32_t page = (ref - 1) & (WINDOW_PAGES - 1);

			next = w->pages[page].next;
			if (w->pages[page].frame & PAGE_WRITABLE &&
			    !protect(w, page, writable_run(w, page, count - i)))
				next = set->heads[frame + i];
		}
	}
	trim(set);
}

void mem_window_drop_code(struct mem_window_set *set, uint32_t frame)
{
	uint32_t ref = set->heads[frame];

	while (ref) {
		struct mem_window_page *p = ref_page(set, ref);
		uint32_t page = (ref - 1) & (WINDOW_PAGES - 1);

		if (!(p->frame & PAGE_EXECUTABLE)) {
			ref = p->next;
			continue;
		}
		hide(set->windows[(ref - 1) >> 20], page, 1);
		ref = set->heads[frame]; /* more may have gone */
	}
	trim(set);
}

/* ---- checking ---- */
static uint64_t check_window(const struct mem_window *w)
{
	unsigned boundaries = 0;
	uint64_t mapped = 0;

	for (uint32_t slot = 0; slot < WINDOW_SLOTS; slot++) {
		unsigned count = 0;

		if (!w->slot_pages[slot]) /* its pages may never have been touched */
			continue;
		for (uint32_t i = 0; i < WINDOW_SLOT_PAGES; i++) {
			uint32_t page = slot << WINDOW_SLOT_SHIFT | i;
			const struct mem_window_page *p = &w->pages[page];

			/* A page after an empty slot is looked at here, one before it there. */
			boundaries += mem_window_boundary(w, page);
			if (!(p->frame & PAGE_MAPPED))
				continue;
			count++;
			assert(p->prev ? ref_page(w->set, p->prev)->next == page_ref(w, page)
				       : w->set->heads[p->frame & PAGE_FRAME] == page_ref(w, page));
			assert(!p->next || ref_page(w->set, p->next)->prev == page_ref(w, page));
		}
		if (slot + 1 == WINDOW_SLOTS || !w->slot_pages[slot + 1])
			boundaries += mem_window_boundary(w, (slot + 1) << WINDOW_SLOT_SHIFT);
		assert(count == w->slot_pages[slot]);
		mapped += count;
	}
	assert(w->vmas == 1 + boundaries);
	return mapped;
}

uint64_t mem_window_check(const struct mem_window_set *set)
{
	unsigned used = 0;
	uint64_t mapped = 0;

	for (unsigned i = 0; i < WINDOW_MAX; i++) {
		const struct mem_window *w = set->windows[i];

		if (!w)
			continue;
		assert(w->index == i && w->set == set);
		used += w->vmas;
		mapped += check_window(w);
	}
	assert(used == set->used);
	return mapped;
}
