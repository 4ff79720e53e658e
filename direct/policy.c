/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address spaces run directly: programs start translated, and are moved when that
 * has cost more than direct execution would, each of several times in a row that the
 * host's timer has found them running. What costs:
 *
 *	translated	each block that is new; and code takes a tenth longer
 *	directly	each trap, d->trap_ns; each page of code that is looked at;
 *			a stub; each return to a page that is refused
 *
 * From then on there is an account: a tenth of the time that it runs directly goes in, and what
 * translating a page of code would have cost for each that comes to be run; what direct
 * execution costs comes out. A program whose account is empty is moved back, and has to
 * be found worth it more often before the next try. What gains nothing by running directly
 * loses a tenth by it at most, and what is in the account at first for each try, and is not
 * moved if it would lose a twentieth.
 *
 * What came of it is remembered with the pages of code that the program had then, as programs are
 * run again: code that was not worth it is not moved because it is being translated, which has an
 * end; code that was is moved sooner, and may cost more before it has gained anything.
 */
#include "base/host_time.h"
#include "direct/direct_internal.h"

#define SAMPLES_FIRST	4
#define SAMPLES_FACTOR	4
#define SAMPLES_MOST	1024
#define SAMPLE_LEAST_NS 500000ull   /* nearer ones say nothing */
#define SAMPLE_MOST_NS	10000000ull /* it will not have run all the time */
#define SAMPLE_EXITS	2	    /* the timer's own interrupt */
#define MOVE_SHARE	20
#define STAY_SHARE	10

#define BLOCK_NS     3000   /* to translate one */
#define PAGE_RUN_NS  100000 /* to translate of a page of code what runs of it */
#define PAGE_LOOK_NS 25000  /* to look at it */
#define STUB_NS	     500000
#define REFUSAL_NS   2000
/*
 * In the account at first; and at most, and at first where code was worth it: a large program's
 * page faults come in bursts.
 */
#define CREDIT_NS      8000000
#define CREDIT_MOST_NS 32000000
#define WORTH_IT_NS    50000000 /* having run so long, with half of CREDIT_NS left */

/* Of the current space; NULL: it has no shadow. */
static struct space_policy *current(struct direct *d)
{
	int space = space_number(d->cpu);
	struct space_policy *p;

	if (space < 0)
		return NULL;
	p = &d->policy[space];
	/* Another program? One that runs directly is not asked again for a hint. */
	if (p->cr3 != d->cpu->cr3 || !p->samples_wanted ||
	    (!p->direct && p->renewal != space_renewal(d->cpu))) {
		d->direct_spaces -= p->direct;
		*p = (struct space_policy){.cr3 = d->cpu->cr3,
					   .samples_wanted = SAMPLES_FIRST,
					   .renewal = space_renewal(d->cpu)};
	}
	return p;
}

bool direct_wanted(struct direct *d)
{
	const struct space_policy *p;

	if (!d->usable || d->mode == DIRECT_OFF)
		return false;
	if (d->mode == DIRECT_ON || d->mode == DIRECT_STEPS)
		return true;
	if (!d->direct_spaces) /* asked at each look-up that has missed */
		return false;
	p = current(d);
	return p && p->direct;
}

/* What the time since the last sample would have cost less if it had run directly, in ns. */
static int64_t gain(const struct direct *d, uint64_t elapsed, enum code_worth worth)
{
	uint64_t exits = d->cpu->ring3_exits - d->sampled_exits;
	uint64_t blocks = d->cpu->bt_new_blocks - d->sampled_blocks;

	if (worth == WORTH_LITTLE)
		blocks = 0;
	exits -= exits < SAMPLE_EXITS ? exits : SAMPLE_EXITS;
	return (int64_t)(blocks * BLOCK_NS + elapsed / MOVE_SHARE) - (int64_t)(exits * d->trap_ns);
}

static void take_sample(struct space_policy *p, enum code_worth worth)
{
	p->worth_it |= worth == WORTH_MUCH;
	p->samples += worth == WORTH_MUCH ? 2 : 1;
}

/* Counts the sample if the last was of the same program. */
static void count_sample(struct direct *d, struct space_policy *p)
{
	uint64_t now = host_time_ns(), elapsed = now - d->sampled_ns;
	bool same = d->sampled == p;
	enum code_worth worth;

	if (same && elapsed < SAMPLE_LEAST_NS)
		return;
	worth = code_worth(d, d->cpu->eip);
	if (elapsed > SAMPLE_MOST_NS)
		elapsed = SAMPLE_MOST_NS;
	if (same && gain(d, elapsed, worth) >= 0)
		take_sample(p, worth);
	else if (same)
		p->samples /= 2;
	d->sampled = p;
	d->sampled_ns = now;
	d->sampled_exits = d->cpu->ring3_exits;
	d->sampled_blocks = d->cpu->bt_new_blocks;
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
	d->direct_spaces++;
	p->account = (struct policy_account){.ns = p->worth_it ? CREDIT_MOST_NS : CREDIT_NS};
	d->n.promotions++;
}

static void judge(struct direct *d, enum code_worth worth)
{
	const struct stub *s = stub_existing(d);

	if (!s)
		return;
	code_judge(d, s, worth);
	d->n.worth_much += worth == WORTH_MUCH;
	d->n.worth_little += worth == WORTH_LITTLE;
}

static void leave(struct direct *d, struct space_policy *p)
{
	p->direct = false;
	d->direct_spaces--;
	p->samples = 0;
	p->worth_it = false;
	d->n.demotions++;
}

static void demote(struct direct *d, struct space_policy *p)
{
	leave(d, p);
	p->samples_wanted *= SAMPLES_FACTOR;
	if (p->samples_wanted > SAMPLES_MOST)
		p->samples_wanted = SAMPLES_MOST;
}

static void pay_in(struct policy_account *a, int64_t ns)
{
	a->ns = ns < CREDIT_MOST_NS - a->ns ? a->ns + ns : CREDIT_MOST_NS;
}

/* The account that costs are charged to; NULL: nobody minds. */
static struct space_policy *charged(struct direct *d)
{
	struct space_policy *p = d->mode == DIRECT_AUTO ? current(d) : NULL;

	return p && p->direct ? p : NULL;
}

/* Returns whether that was more than there was, which is the verdict then. */
static bool overdraw(struct direct *d, struct policy_account *a, int64_t ns)
{
	a->ns -= ns;
	if (a->ns >= 0)
		return false;
	if (!a->judged)
		judge(d, WORTH_LITTLE);
	return true;
}

static void charge(struct direct *d, int64_t ns)
{
	struct space_policy *p = charged(d);

	if (p && overdraw(d, &p->account, ns))
		demote(d, p);
}

void policy_trapped(struct direct *d)
{
	charge(d, (int64_t)d->trap_ns);
}

void policy_ran(struct direct *d, uint64_t ns)
{
	struct space_policy *p = charged(d);

	if (!p)
		return;
	pay_in(&p->account, (int64_t)(ns / STAY_SHARE));
	p->account.ran += ns;
	if (p->account.ran < WORTH_IT_NS || p->account.ns < CREDIT_NS / 2 || p->account.judged)
		return;
	p->account.judged = true;
	judge(d, WORTH_MUCH);
}

void policy_fetched(struct direct *d)
{
	struct space_policy *p = charged(d);

	if (p)
		pay_in(&p->account, PAGE_RUN_NS);
}

void policy_stub_made(struct direct *d)
{
	charge(d, STUB_NS);
}

/*
 * It goes on translated at once, which costs next to nothing, but each time that it comes
 * back to ring 3: another program may have the directory now, or one in other code.
 */
void policy_refused(struct direct *d)
{
	struct space_policy *p = charged(d);

	if (p && overdraw(d, &p->account, REFUSAL_NS))
		leave(d, p);
}

void policy_verified(struct direct *d)
{
	charge(d, PAGE_LOOK_NS);
}

void policy_ended(struct direct *d)
{
	struct space_policy *p = charged(d);

	if (!p)
		return;
	leave(d, p);
	p->samples_wanted = SAMPLES_FIRST;
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
