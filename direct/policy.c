/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address spaces run directly: programs start translated. A program is moved
 * when the host's timer has found it running several times in a row, with
 * so few ways into the guest's kernel since the time before that the traps which
 * they would be cost little, and running code that it has run before. It is moved back when it traps more often than that, be it
 * for reasons that cannot be seen before (pages that are unfit, RDTSC), and has
 * to be found computing more often before the next try.
 *
 * A trap costs some 20 us until the guest is back where it was and its caches warm;
 * TRAP_BUDGET_NS is the time that a program has to compute for each, so that what
 * gains nothing by running directly loses 5 % by it at most. What calls and computes
 * gains a third or more. A page of code that is looked at for the first time costs as
 * much as VERIFY_TRAPS traps: a big program that runs through its code is better translated.
 */
#include "base/host_time.h"
#include "direct/direct_internal.h"

#define TRAP_BUDGET_NS	400000ull
#define SAMPLES_FIRST	4
#define SAMPLES_FACTOR	4
#define SAMPLES_MOST	1024
#define SAMPLE_LEAST_NS 500000ull   /* nearer ones say nothing */
#define SAMPLE_MOST_NS	10000000ull /* it will not have run all the time */
#define NEW_BLOCKS	32	    /* translated since the last: its code is not all new */
#define TRAPS_COUNTED	24
/* Traps that come with any beginning: pages are mapped. */
#define TRAPS_FREE   256
#define VERIFY_TRAPS 8

/* Of the current space; NULL: it has no shadow. */
static struct space_policy *current(const struct direct *d)
{
	int space = space_number(d->cpu);
	struct space_policy *p;

	if (space < 0)
		return NULL;
	p = (struct space_policy *)&d->policy[space];
	if (p->cr3 != d->cpu->cr3 || !p->samples_wanted) /* another program */
		*p = (struct space_policy){.cr3 = d->cpu->cr3, .samples_wanted = SAMPLES_FIRST};
	return p;
}

bool direct_wanted(const struct direct *d)
{
	const struct space_policy *p;

	if (!d->usable || d->mode == DIRECT_OFF)
		return false;
	if (d->mode == DIRECT_ON || d->mode == DIRECT_STEPS)
		return true;
	p = current(d);
	return p && p->direct;
}

/* Counts the sample if the program has computed since the last, which was of it as well. */
static void count_sample(struct direct *d, struct space_policy *p)
{
	uint64_t now = host_time_ns(), elapsed = now - d->sampled_ns;
	uint64_t exits = d->cpu->ring3_exits - d->sampled_exits;
	uint64_t blocks = d->cpu->bt_new_blocks - d->sampled_blocks;
	bool same = d->sampled == p;

	if (same && elapsed < SAMPLE_LEAST_NS)
		return;
	d->sampled = p;
	d->sampled_ns = now;
	d->sampled_exits = d->cpu->ring3_exits;
	d->sampled_blocks = d->cpu->bt_new_blocks;
	if (elapsed > SAMPLE_MOST_NS)
		elapsed = SAMPLE_MOST_NS;
	/* The timer's own interrupt is one of the exits. */
	if (same && exits * TRAP_BUDGET_NS <= elapsed + 2 * TRAP_BUDGET_NS && blocks <= NEW_BLOCKS)
		p->samples++;
	else if (same)
		p->samples /= 2;
}

void direct_sample(struct direct *d)
{
	struct space_policy *p;

	placement_tick(d);
	if (d->cpu->cpl != 3 || !d->usable || d->mode != DIRECT_AUTO)
		return;
	p = current(d);
	if (!p || p->direct)
		return;
	count_sample(d, p);
	if (p->samples < p->samples_wanted)
		return;
	p->direct = true;
	p->traps = (struct policy_rate){.since = host_time_ns()};
	p->free_traps = TRAPS_FREE;
	d->n.promotions++;
}

static void leave(struct direct *d, struct space_policy *p)
{
	p->direct = false;
	p->samples = 0;
	d->n.demotions++;
}

static void demote(struct direct *d, struct space_policy *p)
{
	leave(d, p);
	p->samples_wanted *= SAMPLES_FACTOR;
	if (p->samples_wanted > SAMPLES_MOST)
		p->samples_wanted = SAMPLES_MOST;
}

/* Whether they come, now that there are n more, with less than TRAP_BUDGET_NS for each. */
static bool too_often(struct policy_rate *r, unsigned n)
{
	uint64_t now;
	bool is;

	r->count += n;
	if (r->count < TRAPS_COUNTED)
		return false;
	now = host_time_ns();
	is = now - r->since < r->count * TRAP_BUDGET_NS;
	*r = (struct policy_rate){.since = now};
	return is;
}

static void charge(struct direct *d, unsigned traps, bool once)
{
	struct space_policy *p = d->mode == DIRECT_AUTO ? current(d) : NULL;

	if (!p || !p->direct)
		return;
	if (once && p->free_traps) {
		p->free_traps -= traps < p->free_traps ? traps : p->free_traps;
		return;
	}
	if (too_often(&p->traps, traps))
		demote(d, p);
}

void policy_trapped(struct direct *d, bool once)
{
	charge(d, 1, once);
}

/*
 * It goes on translated at once, which costs next to nothing, but each time that it comes
 * back to ring 3: another program may have the directory now, or one in other code.
 */
void policy_refused(struct direct *d)
{
	struct space_policy *p = d->mode == DIRECT_AUTO ? current(d) : NULL;

	if (p && p->direct && too_often(&p->refusals, 1))
		leave(d, p);
}

void policy_verified(struct direct *d)
{
	charge(d, VERIFY_TRAPS, true);
}

void policy_escaped(struct direct *d)
{
	struct space_policy *p = current(d);

	if (!p)
		return;
	p->samples_wanted = SAMPLES_MOST;
	if (p->direct)
		demote(d, p);
}
