/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which engine runs the guest: the choice when the machine is made, and changes
 * while it runs. struct vcpu is the truth between engines, so a change is to let
 * one rest and to wake another one.
 *
 * An engine that may be wanted later is made at the start and rests: the sandbox
 * opens no /dev/kvm and maps no code cache. Those are the alternatives of the
 * command line and, with KVM, the translator.
 */
#include <string.h>

#include "base/log.h"
#include "bt/bt.h"
#include "cpu/block.h"
#include "kvm/kvm.h"
#include "monitor/sandbox.h"
#include "monitor/vm_internal.h"

const char *engine_name(enum engine_kind kind)
{
	/* ORDER: enum engine_kind */
	static const char *const names[ENGINE_KINDS] = {"interp", "bt", "kvm"};

	return names[kind];
}

enum engine_kind vm_engine(const struct vm *vm)
{
	return vm->config.engine.kind;
}

/* ---- waking and resting ---- */

static int wake_bt(struct vm *vm, struct report *r)
{
	struct vcpu *cpu = vm->cpu;
	int err = cpu->bt ? bt_resume(cpu) : bt_attach(cpu, &vm->config.engine);

	if (err)
		return report_fail(r, "the translator cannot run on this host: %s", strerror(-err));
	if (vm->config.perf_map)
		bt_perf_map(cpu, true);
	return 0;
}

/* fresh: the guest has not run. */
static int wake_kvm(struct vm *vm, bool fresh, struct report *r)
{
	if (vm->config.icount)
		return report_fail(r, "kvm counts no instructions, which -icount and lockstep need");
	if (!vm->cpu->kvm && kvm_create(vm->cpu, vm->config.engine.kvm_device, fresh, r) < 0)
		return -1;
	kvm_activate(vm->cpu);
	return 0;
}

static int wake(struct vm *vm, enum engine_kind kind, bool fresh, struct report *r)
{
	switch (kind) {
	case ENGINE_BT:
		return wake_bt(vm, r);
	case ENGINE_KVM:
		return wake_kvm(vm, fresh, r);
	default:
		block_cache_limit(vm->cpu, UINT32_MAX);
		return 0;
	}
}

static void rest(struct vm *vm, enum engine_kind kind)
{
	if (kind == ENGINE_BT)
		bt_rest(vm->cpu);
	else if (kind == ENGINE_KVM)
		kvm_rest(vm->cpu);
}

/* ---- at the start ---- */

static bool made(const struct vm *vm, enum engine_kind kind)
{
	return kind == ENGINE_INTERP || (kind == ENGINE_BT ? vm->cpu->bt != NULL
							   : vm->cpu->kvm != NULL);
}

/* For a change later on; that it cannot run here shows then. */
static void make_resting(struct vm *vm, enum engine_kind kind)
{
	struct report r = {0};

	if (made(vm, kind))
		return;
	rest(vm, vm->config.engine.kind);
	if (wake(vm, kind, false, &r) == 0)
		rest(vm, kind);
	else
		LOG(LOG_VM, "no %s to change to: %s", engine_name(kind), r.text);
	wake(vm, vm->config.engine.kind, false, &r);
}

static enum engine_kind candidate(const struct vm_config *c, unsigned n)
{
	return n ? c->alternatives[n - 1] : c->engine.kind;
}

int vm_create_engine(struct vm *vm, struct report *r)
{
	struct vm_config *c = &vm->config;
	unsigned count = 1 + c->alternative_count, n = 0;
	struct report why = {0};

	c->engine.exact_fuel = c->icount;
	if (c->lockstep.on && !c->lockstep.step) {
		c->engine.chaining = false; /* each block comes back to the run loop */
		c->engine.ring3_uncounted = c->engine.direct == DIRECT_ON;
	}
	while (wake(vm, candidate(c, n), true, &why) < 0) {
		const char *name = engine_name(candidate(c, n));

		if (++n == count)
			return report_fail(r, "-accel %s: %s", name, why.text);
		report_warn("-accel %s: %s; %s runs the guest", name, why.text,
			    engine_name(candidate(c, n)));
		why = (struct report){0};
	}
	c->engine.kind = candidate(c, n);
	/* What has failed above is not tried again. */
	while (++n < count)
		make_resting(vm, candidate(c, n));
	if (c->engine.kind == ENGINE_KVM)
		make_resting(vm, ENGINE_BT);
	return 0;
}

void vm_destroy_engines(struct vm *vm)
{
	if (!vm->cpu)
		return;
	bt_release(vm->cpu);
	kvm_destroy(vm->cpu);
}

/* ---- on the machine thread ---- */

int vm_engine_begin(struct vm *vm)
{
	if (vm->cpu->engine && !vm->signal_stack)
		vm->signal_stack = vm_signal_stack_create();
	if (vm_counts_instructions(vm)) {
		vm_timer_stop(&vm->timer);
		return 0;
	}
	return vm->timer.on ? 0 : vm_timer_start(&vm->timer, vm->cpu, vm->config.engine.inject);
}

static int may_change(const struct vm *vm, enum engine_kind kind, struct report *r)
{
	if (vm->config.lockstep.on)
		return report_fail(r, "lockstep has its engines");
	if (!made(vm, kind) && sandbox_entered())
		return report_fail(r, "the sandbox is closed: name %s with -accel at the start, or "
				      "use -sandbox off", engine_name(kind));
	return 0;
}

int vm_set_engine(struct vm *vm, enum engine_kind kind, struct report *r)
{
	enum engine_kind old = vm->config.engine.kind;
	struct report ignored;
	int err;

	if (kind == old)
		return 0;
	if (may_change(vm, kind, r) < 0)
		return -1;
	rest(vm, old);
	if (wake(vm, kind, false, r) < 0) {
		wake(vm, old, false, &ignored);
		return -1;
	}
	vm->config.engine.kind = kind;
	LOG(LOG_VM, "%s runs the guest", engine_name(kind));
	err = vm->begun ? vm_engine_begin(vm) : 0;
	if (err)
		vm_stop_error(vm, "no timer for the machine: %s", strerror(-err));
	return 0;
}
