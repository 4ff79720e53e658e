/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases in a stub: an engine of direct_run() and the interpreter and nothing
 * else, so that what is not refused really runs natively.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cpu/access.h"
#include "cpu/fpu.h"
#include "cpu/run.h"
#include "cpu/space.h"
#include "direct/direct_internal.h"
#include "guest_pages.h"

static void run(struct vcpu *cpu)
{
	volatile bool step = false;
	int reason = sigsetjmp(cpu->unwind, 0);

	if (reason)
		step = false;
	run_resume(cpu, reason);
	while (cpu->fuel > 0) {
		enum direct_result result;

		if ((atomic_load(&cpu->pending) || cpu->halted || cpu->shutdown) &&
		    !run_service(cpu))
			break;
		if (step || cpu->cpl != 3 || run_needs_step(cpu)) {
			step = false;
			run_step(cpu);
			continue;
		}
		fpu_leave(cpu);
		result = direct_run(cpu->direct);
		if (result == DIRECT_REFUSED)
			run_step(cpu);
		step = result == DIRECT_STEP;
	}
	cpu->cur = NULL;
	fpu_leave(cpu);
}

static void destroy(struct vcpu *cpu)
{
	space_disable(cpu);
	direct_destroy(cpu->direct);
	cpu->engine = NULL;
}

static int64_t ahead(const struct vcpu *cpu)
{
	return 0;
}

static void kicked(struct vcpu *cpu)
{
	direct_kick(cpu->direct);
}

static void code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
	direct_code_written(cpu->direct, gpa);
}

static void entry_dropped(struct vcpu *cpu, unsigned view, gva_t page)
{
}

static void nothing(struct vcpu *cpu)
{
}

static const struct engine_ops ops = {
    .name = "direct",
    .run = run,
    .destroy = destroy,
    .ahead = ahead,
    .kicked = kicked,
    .code_written = code_written,
    .tlb_entry_dropped = entry_dropped,
    .map_changed = nothing,
    .asids_renewed = nothing,
};

bool guest_direct_attach(struct guest *g)
{
	struct vcpu *cpu = g->cpu;
	int err = space_enable(cpu, 0, 0);

	cpu->engine = &ops;
	if (!err)
		err = direct_create(&cpu->direct, cpu, DIRECT_ON);
	if (err) {
		fprintf(stderr, "generator: no direct execution: %s\n", strerror(-err));
		return false;
	}
	direct_start(cpu->direct);
	if (!cpu->direct->usable)
		fprintf(stderr, "generator: no direct execution: %s\n", cpu->direct->missing);
	return cpu->direct->usable;
}

/* Each case writes the page of code, which is given up when that happens all the time. */
void guest_direct_prepare(struct guest *g)
{
	struct direct *d = g->cpu->direct;

	if (!d)
		return;
	records_destroy(d);
	d->record_count = 0;
	g->direct_before = d->n;
}

void guest_direct_check(const struct guest *g, struct outcome *out)
{
	const struct direct_counters *a = &g->direct_before, *b;

	if (!g->cpu->direct)
		return;
	b = direct_counters(g->cpu->direct);
	out->refused = b->guard_hits != a->guard_hits || b->guard_steps != a->guard_steps
			   ? REFUSED_INSTRUCTION
		       : b->refused_page != a->refused_page ? REFUSED_PAGE
		       : b->refused_state != a->refused_state ? REFUSED_STATE
							       : REFUSED_NOT;
	out->native = b->runs != a->runs;
	if (b->refused_stub != a->refused_stub || b->stubs_lost != a->stubs_lost)
		out->vector = NO_VECTOR;
}
