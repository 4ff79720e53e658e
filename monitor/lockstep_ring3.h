/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lockstep of direct execution, which counts no instructions: all of a stay in ring 3
 * counts as one in both machines, from its entry to the first instruction of what it
 * leaves to, and takes as much guest time. So whatever comes from devices finds both
 * machines at the same place, and they are compared at each trap out of ring 3.
 *
 * A stay that lasts is cut where the subject happens to be, and the reference goes on
 * until its registers and all of its memory are the same: there it is the same machine,
 * however often it has come by before. Guest time goes on to the next timer then, so that
 * programs that compute are interrupted.
 */
#ifndef MONITOR_LOCKSTEP_RING3_H
#define MONITOR_LOCKSTEP_RING3_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct vm;
struct vm_timer;

/* A machine's stay. */
struct stay {
	bool in;
	uint64_t start; /* instructions, trace_executed(), when it began */
};

/*
 * After each step of the machine. Returns whether it is within a stay that had begun
 * before: what has been executed since was free then.
 */
bool stay_step(struct stay *s, struct vcpu *cpu);
/* Ends the stay here, and begins another. */
void stay_cut(struct stay *s, struct vcpu *cpu);
/* stay_cut() between two runs of the machine. */
void stay_cut_between(struct stay *s, struct vm *vm);
/* Has the subject's run left with PENDING_TIMER when some time has passed. */
void stay_limit(struct vm_timer *t);
/* Time goes on to the next timer, between two runs. */
void stay_pass_time(struct vm *vm);

#endif
