/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host timer that tells a running engine that guest time has come to a
 * deadline, for engines that do not count instructions: its signal sets
 * PENDING_TIMER. All functions are called on the machine thread.
 */
#ifndef MONITOR_VM_TIMER_H
#define MONITOR_VM_TIMER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct vcpu;

/* A timer_create() timer; its signals carry a pointer to this. */
struct host_timer {
	timer_t id;
	bool made;
	struct vcpu *cpu;
	_Atomic bool fired; /* since it was armed */
};

struct vm_timer {
	bool on;
	struct host_timer due;
	struct host_timer spurious; /* of INJECT_SPURIOUS_SIGNALS */
	uint64_t armed;	   /* host ns at which `due` fires; 0: not armed */
	uint64_t early;	   /* state of random numbers; 0: deadlines are kept */
	uint64_t settings; /* how often the host was asked; statistics */
};

/*
 * Makes the timer for the calling thread; inject has INJECT_* of cpu/engine.h.
 * Returns 0 or -errno.
 */
int vm_timer_start(struct vm_timer *t, struct vcpu *cpu, unsigned inject);
/* After it no signal of the timer comes any more. */
void vm_timer_stop(struct vm_timer *t);
/*
 * A deadline in ns of CLOCK_MONOTONIC, or CLOCK_NEVER. The signal may come
 * before it: then it is to be armed again.
 */
void vm_timer_arm(struct vm_timer *t, uint64_t host_ns);

/*
 * An alternate signal stack for the calling thread, unless it has one. NULL:
 * it has, or there is no memory.
 */
void *vm_signal_stack_create(void);
void vm_signal_stack_destroy(void *stack);

#endif
