/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address spaces run directly: programs start translated. One that timer
 * samples find computing, several times in a row, is moved; one that traps so
 * often that the traps cost more than direct execution gains is moved back, and has
 * to be seen computing four times as often before the next try.
 */
#include <time.h>

#include "direct/direct_internal.h"

#define SAMPLES_FIRST  3
#define SAMPLES_FACTOR 4
#define SAMPLES_MOST   768
/*
 * A trap costs some 30 us, a tenth of this; what direct execution gains is
 * mostly more than that, and what it loses never.
 */
#define TRAP_BUDGET_NS 300000ull
#define TRAPS_COUNTED  64
/* Traps that come with any program's beginning: its pages are mapped. */
#define TRAPS_FREE     128

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

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
	if (d->mode == DIRECT_ON)
		return true;
	p = current(d);
	return p && p->direct;
}

void direct_sample(struct direct *d)
{
	struct space_policy *p = d->usable && d->mode == DIRECT_AUTO ? current(d) : NULL;

	if (!p || p->direct || ++p->samples < p->samples_wanted)
		return;
	p->direct = true;
	p->traps = 0;
	p->free_traps = TRAPS_FREE;
	p->since = now_ns();
	d->n.promotions++;
}

static void demote(struct direct *d, struct space_policy *p)
{
	p->direct = false;
	p->samples = 0;
	p->samples_wanted *= SAMPLES_FACTOR;
	if (p->samples_wanted > SAMPLES_MOST)
		p->samples_wanted = SAMPLES_MOST;
	d->n.demotions++;
}

void policy_trapped(struct direct *d)
{
	struct space_policy *p = d->mode == DIRECT_AUTO ? current(d) : NULL;
	uint64_t now;

	if (!p || !p->direct)
		return;
	if (p->free_traps) {
		p->free_traps--;
		return;
	}
	if (++p->traps < TRAPS_COUNTED)
		return;
	now = now_ns();
	if (now - p->since < TRAPS_COUNTED * TRAP_BUDGET_NS)
		demote(d, p);
	p->traps = 0;
	p->since = now;
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
