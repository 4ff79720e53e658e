/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a run loop that engines share; cpu/interp.c. */
#ifndef CPU_RUN_H
#define CPU_RUN_H

#include <stdbool.h>

#include "cpu/vcpu.h"

/*
 * To be called with what sigsetjmp(cpu->unwind, 0) has returned in the engine's
 * run(): takes back what an abandoned instruction had cost and delivers its fault.
 */
void run_resume(struct vcpu *cpu, int unwind_reason);

/*
 * Looks after pending events. Returns false when run() is to return. May
 * unwind.
 */
bool run_service(struct vcpu *cpu);

/* Delivers an interrupt or NMI, whose vector is known. May unwind. */
void run_interrupt(struct vcpu *cpu, unsigned vector);

/* Whether the next instruction needs run_step(): TF, RF, breakpoints, shadows. */
static inline bool run_has_shadow(const struct vcpu *cpu)
{
	return cpu->slow | cpu->interrupt_shadow | cpu->debug_shadow;
}
static inline bool run_needs_step(const struct vcpu *cpu)
{
	return run_has_shadow(cpu) | !!(cpu->eflags & (FL_TF | FL_RF));
}

/*
 * Who follows a run step by step (lockstep); vcpu.observer. A step is what lies
 * between two calls: a block of an engine's, or as long as the observer wants.
 */
struct run_observer {
	/* Before a step of the interpreter: its instructions, at least 1. */
	int64_t (*length)(struct run_observer *o, const struct vcpu *cpu);
	/* After a step; an exception that has been delivered ends one as well. True: run() is to
	 * return. */
	bool (*stepped)(struct run_observer *o, struct vcpu *cpu);
	bool rings; /* an interrupt that changes CPL ends a step, too, without stepped() */
};

/* To be called by engines after each block. */
static inline bool run_stepped(struct vcpu *cpu)
{
	return cpu->observer && cpu->observer->stepped(cpu->observer, cpu);
}

/* Whether what run_service() has delivered ends a step; cpl: before it. */
static inline bool run_ring_changed(const struct vcpu *cpu, unsigned cpl)
{
	return cpu->observer && cpu->observer->rings && cpu->cpl != cpl;
}

/* Interprets one instruction with everything that may surround it. May unwind. */
void run_step(struct vcpu *cpu);

#endif
