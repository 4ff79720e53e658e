/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address spaces have a user window. Ring 3 accesses memory faster through one than
 * through the software TLB, but each page that is to be seen there costs a signal and calls
 * of the host, and again each time that the guest changes its tables, as for all that a
 * shell has at each fork(). So a space has to live for a moment before it gets a window, which
 * most forked children do not; and a window has an account: a share of the time that it
 * has been used goes in, and what fills cost comes out. When that is spent, the window goes
 * with the next load of CR3, and the space has to be found running more often before it gets
 * another one.
 */
#include "base/host_time.h"
#include "cpu/space_internal.h"

#define EARLY_NS      300000  /* a fork() and its end take less, start-up of a program more */
#define SHARE	      3	      /* of the time through a window: what the software TLB would add */
#define FILL_NS	      8000    /* the signal, the mapping, and taking it away */
#define CREDIT_NS     4000000 /* at first, and at most; of who lost it before a part at first */
#define WANTED_FACTOR 4
#define WANTED_MOST   64

bool space_promote(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set ? set->current : NULL;
	struct view *v;

	if (!s || !set->windows || !s->shadowable || (!s->promoted && ++s->asked < s->wanted))
		return false;
	v = &set->views[VIEW_USER(space_index(set, s))];
	if (!v->window)
		v->window = mem_window_create(set->windows);
	if (!v->window)
		return false;
	if (!s->promoted) {
		set->counters.promotions++;
		s->account = CREDIT_NS / (s->wanted ? s->wanted : 1);
	}
	s->promoted = true;
	keep_windows(set, true);
	publish_windows(cpu);
	return true;
}

bool space_promote_early(struct vcpu *cpu)
{
	struct space *s = cpu->spaces ? cpu->spaces->current : NULL;
	uint64_t now;

	if (!s || !cpu->spaces->windows)
		return false;
	if (cpu->spaces->windows_forced)
		return space_promote(cpu);
	if (s->wanted)
		return false;
	now = host_time_ns();
	if (!s->since)
		s->since = now;
	return now - s->since >= EARLY_NS && space_promote(cpu);
}

void space_ran(struct vcpu *cpu, uint64_t ns)
{
	struct space *s = cpu->spaces ? cpu->spaces->current : NULL;

	if (!s || !s->promoted)
		return;
	s->account += (int64_t)(ns / SHARE);
	if (s->account > CREDIT_NS)
		s->account = CREDIT_NS;
}

void space_renewed(struct space *s)
{
	s->since = 0;
	s->asked = s->wanted = 0;
	s->account = CREDIT_NS;
	s->renewals++;
}

void space_filled(struct space *s)
{
	s->account -= FILL_NS;
}

bool view_is_empty(const struct view *v)
{
	for (unsigned i = 0; i < sizeof(v->filled) / sizeof(v->filled[0]); i++)
		if (v->filled[i])
			return false;
	return true;
}

static void demote(struct space_set *set, struct space *s, unsigned wanted)
{
	s->promoted = false;
	s->asked = 0;
	s->wanted = wanted;
	set->counters.demotions++;
}

void space_weigh(struct vcpu *cpu, struct space *s)
{
	struct space_set *set = cpu->spaces;
	unsigned view = VIEW_USER(space_index(set, s)), wanted;
	bool empty;

	if (!s->promoted)
		return;
	empty = view_is_empty(&set->views[view]);
	if (!empty && (s->account >= 0 || set->windows_forced))
		return;
	/*
	 * An empty window goes as well. If a new program has the directory, space_renewed() has
	 * made the account good; else it tells whether to show it all again would pay.
	 */
	wanted = s->wanted ? s->wanted * WANTED_FACTOR : WANTED_FACTOR;
	if (s->account == CREDIT_NS)
		wanted = 0;
	demote(set, s, wanted < WANTED_MOST ? wanted : WANTED_MOST);
	view_clear(cpu, view);
}
