/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lockstep by batches of steps: one processor's state is noted after each of
 * its steps, and the other's compared with that at the same counts. Going to
 * and fro between the machines at each block takes four times as long.
 */
#ifndef MONITOR_LOCKSTEP_TRACE_H
#define MONITOR_LOCKSTEP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_STEPS 2048u /* in a batch */
#define TRACE_ROOM  64u	  /* for what comes until the run can be left */

struct vcpu;

struct trace_step {
	uint64_t executed; /* instructions at its end */
	uint64_t rest;	   /* digest of all that is compared but what follows */
	uint32_t regs[8], eip, eflags;
};

struct trace {
	unsigned count, checked;
	bool cut; /* the last step is within ring 3, lockstep_ring3.h */
	struct trace_step steps[TRACE_STEPS + TRACE_ROOM];
};

/* Instructions that the processor has executed, also while it runs. */
uint64_t trace_executed(const struct vcpu *cpu);
/* Notes the processor's state; it has executed something since the last note. */
void trace_note(struct trace *t, struct vcpu *cpu);
/* The state as trace_note() notes it. */
void trace_state(struct trace_step *out, struct vcpu *cpu);

#endif
