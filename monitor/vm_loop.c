/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine thread's loop: it alternates between running the processor and
 * firing due timers. A halted processor sleeps on `wake` until the next timer
 * or until somebody posts work.
 *
 * How the loop gets the thread back from the engine when a timer is due: the
 * interpreter, and any engine with exact_fuel, gets a slice of instructions;
 * another engine runs until the host's timer (vm_timer.c) kicks it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bt/bt.h"
#include "kvm/kvm.h"
#include "monitor/sandbox.h"
#include "monitor/vm_internal.h"

/*
 * A slice: how many instructions pass before the clock is looked at again.
 * At some 100 million a second these are 10 us to 200 us.
 */
#define SLICE_MIN 1000
#define SLICE_MAX 20000
#define NS_PER_INSTRUCTION 10
#define SLICE_ENDLESS (INT64_MAX / 2) /* for engines that look at no fuel */

bool vm_counts_instructions(const struct vm *vm)
{
	return !vm->cpu->engine || vm->config.engine.exact_fuel;
}

static bool can_run(const struct vcpu *cpu)
{
	uint32_t pending = atomic_load(&cpu->pending);

	if (cpu->shutdown)
		return false;
	return !cpu->halted || (pending & PENDING_NMI && !cpu->nmi_blocked) ||
	       (pending & PENDING_IRQ && cpu->eflags & FL_IF);
}

/* ---- deadlines ---- */

static void arm_timer(struct vm *vm)
{
	uint64_t next = clock_next(vm->clock);

	vm_timer_arm(&vm->timer, next == CLOCK_NEVER ? CLOCK_NEVER : vm->epoch + next);
}

/*
 * A guest that has just set a timer need not be stopped for it, unless it is
 * due already.
 */
void vm_timer_earlier(void *opaque)
{
	struct vm *vm = opaque;

	if (!vm->cpu)
		return;
	if (vm->timer.on && vm->state == VM_RUNNING && clock_next(vm->clock) > clock_now(vm->clock))
		arm_timer(vm);
	else
		vcpu_kick_now(vm->cpu, PENDING_TIMER);
}

/*
 * Instructions until the next look at the clock. With -icount exactly as many
 * as it takes until a timer is due, so that it does not matter for the guest
 * how its way there was divided by other work.
 */
static int64_t slice_by_clock(struct vm *vm)
{
	uint64_t next = clock_next(vm->clock), now = clock_now(vm->clock), n;

	if (vm->config.icount) {
		if (next == CLOCK_NEVER)
			return SLICE_MAX;
		n = next > now ? ((next - now - 1) >> vm->config.icount_shift) + 1 : 1;
		return (int64_t)(n < SLICE_MAX ? n : SLICE_MAX);
	}
	n = next > now ? (next - now) / NS_PER_INSTRUCTION : 0;
	return (int64_t)(n < SLICE_MIN ? SLICE_MIN : n > SLICE_MAX ? SLICE_MAX : n);
}

static int64_t slice(struct vm *vm, uint64_t most)
{
	int64_t n;

	if (!vm_counts_instructions(vm))
		return SLICE_ENDLESS;
	n = slice_by_clock(vm);
	if (most < (uint64_t)n)
		n = (int64_t)most;
	if (vm->stop_at > vm->cpu->executed && vm->stop_at - vm->cpu->executed < (uint64_t)n)
		n = (int64_t)(vm->stop_at - vm->cpu->executed);
	return n;
}

bool vm_stop_at(struct vm *vm, uint64_t instructions)
{
	vm->stop_at = instructions;
	return instructions > vm->cpu->executed;
}

/* ---- running ---- */

static void run_slice(struct vm *vm, uint64_t most)
{
	struct vcpu *cpu = vm->cpu;
	int64_t used;

	atomic_fetch_and(&cpu->pending, ~(PENDING_TIMER | PENDING_WORK | PENDING_STOP));
	/* Work may have come between the last look and the clearing. */
	vm_drain_work(vm);
	if (vm->state != VM_RUNNING || vm->quit || vm->reset_wanted || vm->init_wanted)
		return;
	cpu->fuel_given = cpu->fuel = slice(vm, most); /* by the engine that work has left */
	if (vm->timer.on)
		arm_timer(vm); /* after the clearing: it may fire at once */
	vcpu_run(cpu);
	used = cpu->fuel_given - cpu->fuel;
	cpu->executed += (uint64_t)used;
	vm->icount_ns += (uint64_t)used << vm->config.icount_shift;
	cpu->fuel_given = cpu->fuel = 0;
	if (vm->stop_at && cpu->executed >= vm->stop_at) {
		vm->stop_at = 0;
		vm_pause(vm);
	}
}

/* Nothing to execute: time passes until something happens. */
static void idle(struct vm *vm)
{
	uint64_t next = clock_next(vm->clock);

	if (vm->config.icount && next != CLOCK_NEVER)
		vm->icount_ns = next > vm->icount_ns ? next : vm->icount_ns;
	else
		vm_wait_for_work(vm, next);
}

bool vm_turn(struct vm *vm, uint64_t most)
{
	vm_drain_work(vm);
	if (vm->quit)
		return false;
	if (vm->reset_wanted || vm->init_wanted) {
		atomic_fetch_and(&vm->cpu->pending, ~PENDING_RESET);
		vm_do_reset(vm);
		return true;
	}
	if (vm->state != VM_RUNNING) {
		vm_wait_for_work(vm, CLOCK_NEVER);
		return true;
	}
	clock_run_due(vm->clock);
	if (vm->quit || vm->reset_wanted || vm->init_wanted || vm->state != VM_RUNNING)
		return true;
	if (can_run(vm->cpu))
		run_slice(vm, most);
	else
		idle(vm);
	return true;
}

void vm_prepare(struct vm *vm)
{
	if (vm->cpu->bt)
		bt_start(vm->cpu);
}

int vm_begin(struct vm *vm)
{
	int err;

	if (!sandbox_entered())
		vm_prepare(vm);
	vm->begun = true;
	err = vm_engine_begin(vm);
	if (err) {
		report_warn("no timer for the machine: %s", strerror(-err));
		return -1;
	}
	vm_stop_at(vm, vm->config.icount_stop);
	if (!vm->config.start_paused)
		vm_resume(vm);
	return 0;
}

static void log_line(void *arg, const char *line)
{
	LOG(LOG_STATS, "%s", line);
}

static void log_counters(struct vm *vm)
{
	if (vm_counts_instructions(vm))
		LOG(LOG_STATS, "%-24s %llu", "instructions",
		    (unsigned long long)vm->cpu->executed);
	else
		LOG(LOG_STATS, "%-24s %llu", "timer_settings",
		    (unsigned long long)vm->timer.settings);
	if (vm->cpu->bt)
		bt_print_counters(vm->cpu, log_line, NULL);
	if (vm->cpu->kvm)
		kvm_print_counters(vm->cpu, log_line, NULL);
}

int vm_end(struct vm *vm)
{
	vm_pause(vm);
	vm_end_work(vm);
	log_counters(vm);
	vm->begun = false;
	vm_timer_stop(&vm->timer);
	vm_signal_stack_destroy(vm->signal_stack);
	vm->signal_stack = NULL;
	return vm->exit_status;
}

int vm_run(struct vm *vm)
{
	if (vm_begin(vm) < 0)
		vm_quit(vm, EXIT_FAILURE);
	while (vm_turn(vm, UINT64_MAX))
		;
	return vm_end(vm);
}
