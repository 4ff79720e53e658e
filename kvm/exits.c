/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why KVM_RUN has returned, and what is done about it: api.rst, "The kvm_run
 * structure".
 *
 * What KVM cannot execute the interpreter does, an instruction at a time: KVM's
 * own emulator, on accesses to devices and where there is no hardware, knows less
 * than the processor; a state that the hardware refuses passes by as well.
 */
#include <string.h>

#include "base/log.h"
#include "base/report.h"
#include "cpu/block.h"
#include "cpu/fpu.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "kvm/kvm_internal.h"

/* A state that is refused mostly stays so for a while: an emulation that has no paging. */
#define REFUSED_RUN 1000

/* ---- ports and memory ---- */

static void port_access(struct vcpu *cpu)
{
	struct kvm_run *run = cpu->kvm->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	cpu->kvm->n.exit_port++;
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		uint32_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_IN) {
			value = cpu->ops->port_read(cpu->opaque, run->io.port, run->io.size);
			memcpy(data, &value, run->io.size);
		} else {
			memcpy(&value, data, run->io.size);
			cpu->ops->port_write(cpu->opaque, run->io.port, value, run->io.size);
		}
	}
}

static void memory_access(struct vcpu *cpu)
{
	struct kvm_run *run = cpu->kvm->run;

	cpu->kvm->n.exit_mmio++;
	if (run->mmio.is_write)
		kvm_mmio_write(cpu, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else
		kvm_mmio_read(cpu, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

/* ---- MSRs ---- */

static void msr_access(struct vcpu *cpu, bool write)
{
	struct kvm *k = cpu->kvm;
	struct kvm_run *run = k->run;
	struct msr_state before = cpu->msr;
	uint64_t value = run->msr.data;
	bool good = write ? msr_write(cpu, run->msr.index, value)
			  : msr_read(cpu, run->msr.index, &value);

	k->n.exit_msr++;
	run->msr.data = value;
	run->msr.error = !good;
	k->completing = true;
	/* What KVM has to know of them is given by way of struct vcpu. */
	if (write && memcmp(&before, &cpu->msr, sizeof(before)))
		kvm_state_take(cpu);
}

bool kvm_exit_access(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	switch (k->run->exit_reason) {
	case KVM_EXIT_IO:
		port_access(cpu);
		break;
	case KVM_EXIT_MMIO:
		memory_access(cpu);
		break;
	case KVM_EXIT_X86_RDMSR:
		msr_access(cpu, false);
		return true;
	case KVM_EXIT_X86_WRMSR:
		msr_access(cpu, true);
		return true;
	default:
		return false;
	}
	k->completing = true;
	return true;
}

/* ---- the interpreter ---- */

void kvm_forget_blocks(struct vcpu *cpu)
{
	if (cpu->kvm->blocks_stale)
		block_cache_flush(cpu);
	cpu->kvm->blocks_stale = false;
}

void kvm_interpret(struct vcpu *cpu)
{
	kvm_state_take(cpu);
	kvm_forget_blocks(cpu);
	cpu->kvm->n.interpreted++;
	run_step(cpu);
	fpu_leave(cpu);
}

/* Once for a machine: it is the user's host, and only speed is lost. */
static void complain(struct kvm *k)
{
	const struct kvm_run *run = k->run;

	if (k->complained)
		return;
	k->complained = true;
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		report_warn("KVM cannot run the guest as it is (%#llx); the interpreter helps",
			    (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	else
		report_warn("KVM has failed (exit %u.%u); the interpreter helps",
			    run->exit_reason, run->internal.suberror);
}

static void failed(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	const struct kvm_run *run = k->run;

	k->n.exit_failed++;
	if (run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
	    run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION)
		complain(k);
	kvm_interpret(cpu);
}

void kvm_refused(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	if (k->refused) {
		k->refused--;
	} else {
		k->refused = REFUSED_RUN;
		k->n.exit_failed++;
	}
	if (!k->complained)
		report_warn("KVM does not take the guest's state; the interpreter helps");
	k->complained = true;
	kvm_interpret(cpu);
}

/* ---- the rest ---- */

static void halt(struct vcpu *cpu)
{
	cpu->kvm->n.exit_halt++;
	/* First: with TF KVM has a #DB to deliver as well, which wakes the processor. */
	cpu->halted = true;
	kvm_state_take(cpu);
}

static void triple_fault(struct vcpu *cpu)
{
	cpu->shutdown = true;
	kvm_state_take(cpu);
	LOG(LOG_CPU, "triple fault at %04x:%08x", cpu->seg[CS].selector, cpu->eip);
	cpu->ops->shutdown(cpu->opaque);
}

void kvm_exit(struct vcpu *cpu)
{
	if (kvm_exit_access(cpu))
		return;
	switch (cpu->kvm->run->exit_reason) {
	case KVM_EXIT_HLT:
		halt(cpu);
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		cpu->kvm->n.exit_window++;
		break;
	case KVM_EXIT_INTR:
		cpu->kvm->n.exit_signal++;
		break;
	case KVM_EXIT_DEBUG: /* of a step that has just ended */
		break;
	case KVM_EXIT_SHUTDOWN:
		triple_fault(cpu);
		break;
	default:
		failed(cpu);
		break;
	}
}
