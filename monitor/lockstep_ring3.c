/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stays in ring 3, lockstep_ring3.h. */
#include "monitor/lockstep_ring3.h"

#include "base/host_time.h"
#include "monitor/lockstep_trace.h"
#include "monitor/vm_internal.h"

#define STAY_NS 3000000u

/* Has the processor have executed so many instructions. */
static void set_executed(struct vcpu *cpu, uint64_t executed)
{
	cpu->fuel += (int64_t)(trace_executed(cpu) - executed);
}

bool stay_step(struct stay *s, struct vcpu *cpu)
{
	bool before = s->in;

	s->in = cpu->cpl == 3;
	if (before) {
		set_executed(cpu, s->start + !s->in);
		return s->in;
	}
	s->start = trace_executed(cpu);
	return false;
}

void stay_cut(struct stay *s, struct vcpu *cpu)
{
	set_executed(cpu, ++s->start);
	cpu->repeating = false; /* the host does not tell */
}

void stay_cut_between(struct stay *s, struct vm *vm)
{
	struct vcpu *cpu = vm->cpu;

	stay_cut(s, cpu);
	cpu->executed++;
	vm->icount_ns += 1ull << vm->config.icount_shift;
	cpu->fuel = cpu->fuel_given = 0;
}

void stay_limit(struct vm_timer *t)
{
	vm_timer_arm(t, host_time_ns() + STAY_NS);
}

void stay_pass_time(struct vm *vm)
{
	uint64_t next = clock_next(vm->clock);

	if (next != CLOCK_NEVER && next > vm->icount_ns)
		vm->icount_ns = next;
}
