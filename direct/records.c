/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of pages of code (verify_page.c looks at them), and which of them may run
 * where: beside what their code goes on in, with their guards in place. Pages looked
 * at are watched (PHYS_WATCH_DIRECT), and begin anew when written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "direct/direct_internal.h"

/* ---- records ---- */

static struct code_record **record_slot(struct direct *d, const uint8_t *page)
{
	uint64_t n = (uintptr_t)page >> PAGE_SHIFT;
	struct code_record **p = &d->records[(n ^ n >> 12) & (RECORD_HASH - 1)];

	while (*p && (*p)->host != page)
		p = &(*p)->next;
	return p;
}

static bool is_watched(struct vcpu *cpu, gpa_t gpa)
{
	struct phys_page p = physmem_lookup(cpu->mem, gpa);

	return p.watch && *p.watch & PHYS_WATCH_DIRECT;
}

static void forget(struct direct *d, struct code_record *r)
{
	struct code_record **p = record_slot(d, r->host);

	*p = r->next;
	d->record_count--;
	space_stub_code_written(d->cpu, r->host);
	physmem_watch(d->cpu->mem, r->gpa, 0, PHYS_WATCH_DIRECT);
	free(r);
}

static void forget_all(struct direct *d)
{
	for (unsigned i = 0; i < RECORD_HASH; i++)
		while (d->records[i])
			forget(d, d->records[i]);
}

void records_destroy(struct direct *d)
{
	for (unsigned i = 0; i < RECORD_HASH; i++)
		while (d->records[i]) {
			struct code_record *r = d->records[i];

			d->records[i] = r->next;
			free(r);
		}
}

/* Looks at the page as it is now. */
static void record_fill(struct direct *d, struct code_record *r)
{
	r->fresh = true;
	r->worth = WORTH_UNKNOWN;
	r->tails = 0;
	r->guard_count = 0;
	memset(r->seen, 0, sizeof(r->seen));
	physmem_watch(d->cpu->mem, r->gpa, PHYS_WATCH_DIRECT, 0);
	d->n.pages_verified++;
	policy_verified(d);
	r->unfit = r->writes >= WRITES_MAX || !code_sweep(d, r);
	d->n.pages_unfit += r->unfit;
}

static struct code_record *record_get(struct direct *d, const uint8_t *page, gpa_t gpa)
{
	struct code_record **slot = record_slot(d, page), *r = *slot;

	if (!r) {
		if (d->record_count >= RECORDS_MAX) {
			forget_all(d);
			slot = record_slot(d, page);
		}
		r = calloc(1, sizeof(*r));
		if (!r)
			return NULL;
		r->host = page;
		d->record_count++;
		*slot = r;
	}
	r->gpa = gpa;
	if (!r->fresh)
		record_fill(d, r);
	return r;
}

/* Whether code may run from there on. */
static bool record_entered(struct direct *d, struct code_record *r, unsigned entry)
{
	if (r->unfit)
		return false;
	if (r->seen[entry / 64] >> entry % 64 & 1 || code_flow(d, r, entry))
		return true;
	page_give_up(d, r);
	return false;
}

bool page_guarded_at(const struct code_record *r, uint32_t eip)
{
	for (unsigned i = 0; i < r->guard_count; i++)
		if (r->guards[i] == (eip & (PAGE_SIZE - 1)))
			return true;
	return false;
}

void page_give_up(struct direct *d, struct code_record *r)
{
	r->unfit = true;
	d->n.pages_unfit++;
	space_stub_code_written(d->cpu, r->host);
}

struct code_record *page_fit(struct direct *d, uint32_t eip)
{
	struct vcpu *cpu = d->cpu;
	gpa_t gpa;
	const uint8_t *code = block_fetch(cpu, eip, &gpa);
	struct code_record *r;
	struct phys_page p;

	if (!code)
		return NULL;
	p = physmem_lookup(cpu->mem, gpa);
	if (p.kind != PHYS_RAM || !p.watch || physmem_frame(cpu->mem, p.host) == PHYS_NO_FRAME)
		return NULL;
	r = record_get(d, p.host, gpa & ~(gpa_t)(PAGE_SIZE - 1));
	return r && record_entered(d, r, eip & (PAGE_SIZE - 1)) ? r : NULL;
}

enum code_worth code_worth(struct direct *d, uint32_t eip)
{
	struct vcpu *cpu = d->cpu;
	const struct code_record *r;
	gpa_t gpa;

	/* Translated code has no need of a TLB entry of its own: it would rarely be there. */
	if (!paging_debug_translate(cpu, cpu->seg[CS].base + eip, &gpa))
		return WORTH_UNKNOWN;
	r = *record_slot(d, physmem_lookup(cpu->mem, gpa & ~(gpa_t)(PAGE_SIZE - 1)).host);
	return r && r->fresh && !r->unfit ? (enum code_worth)r->worth : WORTH_UNKNOWN;
}

/* ---- pages in their places ---- */

/* Control goes on from `at` near the end of a to b. */
static bool tail_fits(struct direct *d, const struct code_record *a, unsigned at,
		      struct code_record *b)
{
	int entry = code_entry_behind(d, a->host, at, b->host);

	return entry >= 0 && record_entered(d, b, (unsigned)entry);
}

/* Whether both may run, one after the other in the same space. */
static bool pair_fits(struct direct *d, const struct code_record *a, struct code_record *b)
{
	for (unsigned left = a && b ? a->tails : 0; left; left &= left - 1)
		if (!tail_fits(d, a, TAIL_FIRST + (unsigned)__builtin_ctz(left), b))
			return false;
	return true;
}

/* What runs at that page of the window; NULL: nothing. */
static struct code_record *record_at(struct direct *d, const struct mem_window *w, uint32_t page)
{
	uint32_t frame;
	bool writable;

	if (page >= WINDOW_PAGES || !mem_window_executable(w, page))
		return NULL;
	mem_window_lookup(w, page, &frame, &writable);
	return *record_slot(d, physmem_frame_host(d->cpu->mem, frame));
}

/* A library's pages say nothing of who uses them. */
static enum code_worth both(enum code_worth a, enum code_worth b)
{
	if (a == WORTH_UNKNOWN || a == b)
		return b;
	return WORTH_MIXED;
}

void code_judge(struct direct *d, const struct stub *s, enum code_worth worth)
{
	for (uint32_t slot = 0; slot < WINDOW_SLOTS; slot++) {
		uint32_t first = slot << WINDOW_SLOT_SHIFT;
		bool any = mem_window_slot_count(s->window, slot);

		for (uint32_t i = 0; any && i < WINDOW_SLOT_PAGES; i++) {
			struct code_record *r = record_at(d, s->window, first + i);

			if (r)
				r->worth = (uint8_t)both(r->worth, worth);
		}
	}
}

/* Last: what the page's neighbours lead to may have added guards. */
static bool is_guarded(const struct direct *d, const struct mem_window *w, uint32_t page,
		       const struct code_record *r)
{
	if (!r->guard_count)
		return true;
	for (const struct stub *s = d->stubs; s < d->stubs + STUBS; s++)
		if (s->window == w)
			return guards_cover(&s->guards, page, r);
	return false;
}

bool page_executable(struct vcpu *cpu, const struct mem_window *w, uint32_t page,
		     const uint8_t *host)
{
	struct direct *d = cpu->direct;
	struct code_record *r = *record_slot(d, host);

	return r && r->fresh && !r->unfit && is_watched(cpu, r->gpa) &&
	       pair_fits(d, record_at(d, w, page - 1), r) &&
	       pair_fits(d, r, record_at(d, w, page + 1)) && !r->unfit && is_guarded(d, w, page, r);
}

/* ---- writes ---- */

/* What is written again and again is data or made as it runs: the translator's. */
static void count_write(struct code_record *r)
{
	uint32_t now = (uint32_t)(host_time_ns() / 1000000000u);

	if (now - r->written > 1)
		r->writes = 0;
	r->written = now;
	if (r->writes < WRITES_MAX)
		r->writes++;
}

void direct_code_written(struct direct *d, gpa_t gpa)
{
	struct phys_page p = physmem_lookup_write(d->cpu->mem, gpa);
	struct code_record *r = *record_slot(d, p.host);

	physmem_watch(d->cpu->mem, gpa, 0, PHYS_WATCH_DIRECT);
	if (!r || !r->fresh)
		return;
	d->n.pages_written++;
	count_write(r);
	r->fresh = false;
	space_stub_code_written(d->cpu, r->host);
}
