/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards: breakpoints of the host, DR0 to DR3 of a guest task (SDM 3B 17.2), on the
 * few instructions of a page that are not to run natively, so that the rest of the page
 * can. The task stops in front of one, and the interpreter does it. They are set by
 * ptrace(2) and cost a microsecond a turn.
 *
 * A page's code runs in a stub only while all its guards are in place there
 * (page_executable()); one whose guards give way to another's is taken away.
 * To be stopped by a guard takes some 40 us, so that a page that does it all the time
 * is better translated.
 */
#include <stddef.h>
#include <sys/ptrace.h>

#include "base/host_time.h"
#include "direct/direct_internal.h"

#define HITS_MAX 1000u /* a second */

static bool is_guarded(const struct guards *g, uint64_t address)
{
	for (unsigned i = 0; i < GUARDS; i++)
		if (g->used[i] && g->address[i] == address)
			return true;
	return false;
}

bool guards_cover(const struct guards *g, uint32_t page, const struct code_record *r)
{
	for (unsigned i = 0; i < r->guard_count; i++)
		if (!is_guarded(g, page << PAGE_SHIFT | r->guards[i]))
			return false;
	return true;
}

/* Guards of a page go all at once, and the page with them. */
static void release_page(struct stub *s, uint32_t page)
{
	struct guards *g = &s->guards;

	mem_window_unmap(s->window, page, 1);
	for (unsigned i = 0; i < GUARDS; i++)
		if (g->used[i] && g->address[i] >> PAGE_SHIFT == page) {
			g->used[i] = false;
			g->changed = true;
		}
}

static unsigned make_room(struct stub *s, uint32_t keep)
{
	struct guards *g = &s->guards;
	unsigned i;

	for (i = 0; i < GUARDS; i++)
		if (!g->used[i])
			return i;
	do
		i = g->hand = (g->hand + 1) % GUARDS;
	while (g->address[i] >> PAGE_SHIFT == keep);
	release_page(s, g->address[i] >> PAGE_SHIFT);
	return i;
}

void guards_place(struct stub *s, uint32_t page, const struct code_record *r)
{
	struct guards *g = &s->guards;

	if (guards_cover(g, page, r))
		return;
	release_page(s, page); /* of what may have been there before */
	for (unsigned n = 0; n < r->guard_count; n++) {
		unsigned i = make_room(s, page);

		g->address[i] = page << PAGE_SHIFT | r->guards[n];
		g->used[i] = g->changed = true;
	}
	s->d->n.guards_placed++;
}

static bool poke(pid_t task, unsigned reg, uint64_t value)
{
	return ptrace(PTRACE_POKEUSER, task, offsetof(struct user, u_debugreg[reg]), value) == 0;
}

bool guards_load(pid_t task, struct guards *g)
{
	uint64_t dr7 = 0;

	if (!g->changed)
		return true;
	if (!poke(task, 7, 0))
		return false;
	for (unsigned i = 0; i < GUARDS; i++) {
		if (!g->used[i])
			continue;
		if (!poke(task, i, g->address[i]))
			return false;
		dr7 |= 1ull << 2 * i; /* on execution */
	}
	g->changed = !poke(task, 7, dr7);
	return !g->changed;
}

static bool too_often(struct code_record *r)
{
	uint32_t now = (uint32_t)(host_time_ns() / 1000000000u);

	if (r->hit != now)
		r->hits = 0;
	r->hit = now;
	return ++r->hits > HITS_MAX;
}

void guards_hit(struct direct *d, struct stub *s)
{
	struct guards *g = &s->guards;
	uint32_t eip = d->cpu->eip;
	struct code_record *r = page_fit(d, eip);

	d->n.guard_hits++;
	if (r && page_guarded_at(r, eip)) {
		if (too_often(r))
			page_give_up(d, r);
		return;
	}
	for (unsigned i = 0; i < GUARDS; i++) /* of code that has gone */
		if (g->used[i] && g->address[i] == eip) {
			g->used[i] = false;
			g->changed = true;
		}
}
