/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's run loop: executes blocks, and between them delivers
 * interrupts and what an instruction's fault left behind.
 *
 * Faults unwind here with siglongjmp. A fault while an exception is being
 * delivered becomes a double fault by SDM 3A table 6-5, and a third one shuts
 * the processor down.
 *
 * Whatever needs care at every instruction (TF, RF, armed debug registers,
 * the shadows of STI and MOV SS) is done by step(), one instruction at a time;
 * the fast loop never looks at it.
 */
#include <stddef.h>

#include "base/log.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "cpu/fpu.h"
#include "cpu/engine.h"
#include "cpu/insn.h"
#include "cpu/run.h"
#include "cpu/segment.h"

#define DR6_BS (1u << 14)
#define DR6_ALWAYS 0xffff0ff0u

static bool contributory(unsigned vector)
{
	return vector == VEC_DE || (vector >= VEC_TS && vector <= VEC_GP);
}

/* A fault came while another exception was being delivered: SDM 3A table 6-5. */
static void combine_faults(struct vcpu *cpu)
{
	unsigned first = cpu->delivery.vector, second = cpu->fault.vector;

	if (first == VEC_DF) {
		cpu->shutdown = true;
		return;
	}
	if ((contributory(first) && contributory(second)) ||
	    (first == VEC_PF && (contributory(second) || second == VEC_PF)))
		cpu->fault = (struct fault){.vector = VEC_DF, .has_error = true};
}

static void begin_delivery(struct vcpu *cpu, unsigned vector, bool exception)
{
	cpu->cur = NULL;
	cpu->delivery.active = true;
	cpu->delivery.vector = (uint8_t)vector;
	cpu->delivery.exception = exception;
}

/*
 * An exception costs fuel like an instruction, so that a guest whose handlers
 * do nothing but fault cannot keep the machine thread here for ever.
 */
static void deliver_fault(struct vcpu *cpu)
{
	cpu->fuel--;
	if (cpu->delivery.active && cpu->delivery.exception)
		combine_faults(cpu);
	cpu->delivery.active = false;
	if (cpu->shutdown) {
		LOG(LOG_CPU, "triple fault at %04x:%08x", cpu->seg[CS].selector, cpu->eip);
		cpu->ops->shutdown(cpu->opaque);
		return;
	}
	if (cpu->fault.vector == VEC_DB)
		cpu->dr[6] |= cpu->fault.dr6;
	LOG(LOG_INT, "exception %u error %#x at %04x:%08x cr2 %08x", cpu->fault.vector,
	    cpu->fault.error, cpu->seg[CS].selector, cpu->eip, cpu->cr2);
	cpu->halted = false;
	begin_delivery(cpu, cpu->fault.vector, true);
	interrupt_deliver(cpu, cpu->fault.vector, EVENT_EXCEPTION, cpu->fault.has_error,
			  cpu->fault.error);
	cpu->delivery.active = false;
}

void run_interrupt(struct vcpu *cpu, unsigned vector)
{
	LOG(LOG_INT, "interrupt %#x at %04x:%08x", vector, cpu->seg[CS].selector, cpu->eip);
	cpu->halted = false;
	begin_delivery(cpu, vector, false);
	interrupt_deliver(cpu, vector, EVENT_EXTERNAL, false, 0);
	cpu->delivery.active = false;
}

/* #DB after an instruction. */
static void deliver_debug_trap(struct vcpu *cpu, uint32_t dr6)
{
	cpu->dr[6] |= dr6;
	cpu->fault = (struct fault){.vector = VEC_DB, .dr6 = dr6};
	cpu->halted = false; /* the instruction may have been HLT */
	begin_delivery(cpu, VEC_DB, true);
	interrupt_deliver(cpu, VEC_DB, EVENT_EXCEPTION, false, 0);
	cpu->delivery.active = false;
}

/* Which enabled instruction breakpoints sit at the next instruction. */
static uint32_t instruction_breakpoints(const struct vcpu *cpu)
{
	gva_t gva = cpu->seg[CS].base + cpu->eip;
	uint32_t hit = 0;

	for (unsigned i = 0; i < 4; i++)
		if ((cpu->dr[7] >> (2 * i) & 3) && !(cpu->dr[7] >> (16 + 4 * i) & 3) &&
		    cpu->dr[i] == gva)
			hit |= 1u << i;
	return hit;
}

static bool data_breakpoints_enabled(const struct vcpu *cpu, uint32_t hits)
{
	for (unsigned i = 0; i < 4; i++)
		if (hits >> i & 1 && cpu->dr[7] >> (2 * i) & 3)
			return true;
	return false;
}

void run_step(struct vcpu *cpu)
{
	bool single_step = cpu->eflags & FL_TF, debug_shadow = cpu->debug_shadow;
	uint32_t traps = 0;
	const struct insn *in;

	if (cpu->slow && !(cpu->eflags & FL_RF) && !debug_shadow && !cpu->repeating) {
		uint32_t hit = instruction_breakpoints(cpu);

		if (hit) {
			cpu->cur = NULL;
			raise_debug_fault(cpu, hit);
		}
	}
	cpu->cur = NULL; /* a fetch fault points at the instruction's start */
	in = block_find(cpu)->insns;
	cpu->interrupt_shadow = cpu->debug_shadow = false;
	cpu->eflags &= ~FL_RF;
	cpu->repeating = false;
	/* Data breakpoints that MOV SS met are held for one instruction. */
	if (!debug_shadow)
		cpu->debug_hits = 0;
	cpu->step_suppressed = false;
	cpu->fuel--;
	cpu->stepping = true;
	cpu->cur = in;
	cpu->eip += in->length;
	in->exec(cpu, in);
	cpu->cur = NULL;
	cpu->stepping = false;
	if (single_step && !cpu->step_suppressed)
		traps |= DR6_BS;
	if (cpu->debug_hits && data_breakpoints_enabled(cpu, cpu->debug_hits))
		traps |= cpu->debug_hits;
	if (traps && !cpu->debug_shadow)
		deliver_debug_trap(cpu, traps);
}

static void run_block(struct vcpu *cpu)
{
	const struct insn *in, *end;
	struct block *b;

	cpu->cur = NULL;
	b = block_find(cpu);
	if (__builtin_expect(b->count > cpu->fuel, 0)) {
		run_step(cpu);
		return;
	}
	in = b->insns;
	end = in + b->count;
	cpu->repeating = false;
	cpu->fuel -= b->count;
	do {
		cpu->cur = in;
		cpu->eip += in->length;
		in->exec(cpu, in);
	} while (++in != end);
}

/* NMI before INTR; neither in the shadow of MOV SS, INTR not in that of STI. */
bool run_service(struct vcpu *cpu)
{
	uint32_t pending = atomic_load_explicit(&cpu->pending, memory_order_relaxed);

	if (pending & ~(PENDING_IRQ | PENDING_NMI) || cpu->shutdown)
		return false;
	if (cpu->debug_shadow)
		return true;
	if (pending & PENDING_NMI && !cpu->nmi_blocked) {
		atomic_fetch_and(&cpu->pending, ~PENDING_NMI);
		cpu->nmi_blocked = true;
		run_interrupt(cpu, VEC_NMI);
		return true;
	}
	if (pending & PENDING_IRQ && cpu->eflags & FL_IF && !cpu->interrupt_shadow) {
		int vector = cpu->ops->acknowledge(cpu->opaque);

		if (vector >= 0)
			run_interrupt(cpu, (unsigned)vector);
	}
	return !cpu->halted;
}

/* Instructions of the block under way that come after the current one. */
static int64_t ahead(const struct vcpu *cpu)
{
	const struct insn *in = cpu->cur;
	int64_t n = 0;

	if (!in || cpu->stepping)
		return 0;
	if (cpu->engine)
		return cpu->engine->ahead(cpu);
	while (!in++->ends_block)
		n++;
	return n;
}

int64_t vcpu_fuel_used(const struct vcpu *cpu)
{
	return cpu->fuel_given - cpu->fuel - ahead(cpu);
}

/* Gives back the fuel of instructions of the block that were not completed. */
static void refund(struct vcpu *cpu)
{
	if (cpu->cur)
		cpu->fuel += 1 + ahead(cpu);
	cpu->stepping = false;
	if (cpu->cut.insn)
		block_mend(cpu);
}

void run_resume(struct vcpu *cpu, int unwind_reason)
{
	if (unwind_reason)
		refund(cpu);
	if (unwind_reason == UNWIND_FAULT)
		deliver_fault(cpu);
	else if (unwind_reason == UNWIND_RESTART)
		cpu->delivery.active = false;
	cpu->cur = NULL;
}

static void interp_run(struct vcpu *cpu)
{
	int reason = sigsetjmp(cpu->unwind, 0);

	run_resume(cpu, reason);
	while (cpu->fuel > 0) {
		if (atomic_load_explicit(&cpu->pending, memory_order_relaxed) || cpu->halted ||
		    cpu->shutdown) {
			unsigned cpl = cpu->cpl;

			if (!run_service(cpu) || run_ring_changed(cpu, cpl))
				break;
		}
		if (__builtin_expect(run_needs_step(cpu), 0))
			run_step(cpu);
		else
			run_block(cpu);
	}
	cpu->cur = NULL;
	fpu_leave(cpu);
}

/* As much fuel as the next step may have; the rest is kept from the run meanwhile. */
static void run_observed(struct vcpu *cpu)
{
	bool ended = false;

	while (cpu->fuel > 0 && !ended) {
		int64_t length = cpu->observer->length(cpu->observer, cpu);
		int64_t kept = length < cpu->fuel ? cpu->fuel - length : 0;

		cpu->fuel -= kept;
		cpu->fuel_given -= kept;
		interp_run(cpu);
		ended = cpu->fuel > 0; /* something has happened */
		cpu->fuel += kept;
		cpu->fuel_given += kept;
		ended |= run_stepped(cpu);
	}
}

void vcpu_step(struct vcpu *cpu)
{
	int reason;

	if (cpu->engine && cpu->engine->step && cpu->engine->step(cpu))
		return;
	reason = sigsetjmp(cpu->unwind, 0);
	run_resume(cpu, reason);
	if (!reason && run_service(cpu))
		run_step(cpu);
	cpu->cur = NULL;
	fpu_leave(cpu);
}

void vcpu_run(struct vcpu *cpu)
{
	if (cpu->engine)
		cpu->engine->run(cpu);
	else if (cpu->observer)
		run_observed(cpu);
	else
		interp_run(cpu);
}
