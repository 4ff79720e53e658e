/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far JMP and CALL (SDM 2A, pseudocode of CALL and JMP; 3A 5.8), through
 * call gates, task gates and TSSs too, and SYSENTER/SYSEXIT. Checks come in
 * the manual's order; nothing is changed before the last possible fault.
 */
#include "cpu/transfer.h"

#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/insn.h"
#include "cpu/segment.h"
#include "cpu/stack.h"

void transfer_check_eip(struct vcpu *cpu, uint32_t limit, uint32_t eip)
{
	if (eip > limit)
		raise_gp(cpu, 0);
}

void transfer_commit(struct vcpu *cpu, const struct descriptor *cs, uint16_t selector, unsigned cpl,
		     uint32_t eip)
{
	descriptor_to_segment(cs, (uint16_t)((selector & ~SELECTOR_RPL) | cpl), &cpu->seg[CS]);
	cpu->eip = eip;
	if (cpl != cpu->cpl)
		cpu_set_cpl(cpu, cpl);
}

/* ---- the inner stack ---- */
static void read_tss_stack(struct vcpu *cpu, unsigned cpl, uint16_t *selector, uint32_t *esp)
{
	bool tss32 = cpu->tr.attr >> 8 & TYPE_GATE32;
	uint32_t at = tss32 ? 4 + 8 * cpl : 2 + 4 * cpl;

	if (at + (tss32 ? 5 : 3) > cpu->tr.limit)
		raise_error(cpu, VEC_TS, cpu->tr.selector & SELECTOR_ERROR);
	at += cpu->tr.base;
	*esp = tss32 ? sys_read32(cpu, at) : sys_read16(cpu, at);
	*selector = sys_read16(cpu, at + (tss32 ? 4 : 2));
}

void tss_stack(struct vcpu *cpu, unsigned cpl, struct segment *ss, uint32_t *esp)
{
	struct descriptor d;
	uint16_t selector, error;

	read_tss_stack(cpu, cpl, &selector, esp);
	error = selector & SELECTOR_ERROR;
	if (selector_is_null(selector))
		raise_error(cpu, VEC_TS, error);
	descriptor_get(cpu, selector, VEC_TS, &d);
	if ((selector & SELECTOR_RPL) != cpl || desc_dpl(&d) != cpl || !desc_is_writable_data(&d))
		raise_error(cpu, VEC_TS, error);
	if (!desc_present(&d))
		raise_error(cpu, VEC_SS, error);
	descriptor_set_accessed(cpu, &d);
	descriptor_to_segment(&d, selector, ss);
}

/* ---- real and virtual-8086 mode ---- */
static void far_real(struct vcpu *cpu, uint16_t selector, uint32_t offset, unsigned size, bool call)
{
	struct frame f;

	transfer_check_eip(cpu, cpu->seg[CS].limit, offset);
	if (call) {
		frame_start(cpu, &f, size);
		frame_push(&f, cpu->seg[CS].selector);
		frame_push(&f, cpu->eip);
		frame_check(cpu, &f);
		cpu->regs[ESP] = frame_write(cpu, &f);
	}
	segment_load_real(cpu, CS, selector);
	cpu->eip = offset;
}

/* ---- code segments ---- */
/* To a code segment that has been checked, at the current privilege. */
static void to_code(struct vcpu *cpu, uint16_t selector, struct descriptor *d, uint32_t offset,
		    unsigned size, bool call)
{
	struct frame f;

	if (call) {
		frame_start(cpu, &f, size);
		frame_push(&f, cpu->seg[CS].selector);
		frame_push(&f, cpu->eip);
		frame_check(cpu, &f);
	}
	transfer_check_eip(cpu, desc_limit(d), offset);
	descriptor_set_accessed(cpu, d);
	if (call)
		cpu->regs[ESP] = frame_write(cpu, &f);
	transfer_commit(cpu, d, selector, cpu->cpl, offset);
}

static void far_to_code(struct vcpu *cpu, uint16_t selector, struct descriptor *d, uint32_t offset,
			unsigned size, bool call)
{
	uint16_t error = selector & SELECTOR_ERROR;

	if (desc_is_conforming(d)) {
		if (desc_dpl(d) > cpu->cpl)
			raise_gp(cpu, error);
	} else if ((selector & SELECTOR_RPL) > cpu->cpl || desc_dpl(d) != cpu->cpl) {
		raise_gp(cpu, error);
	}
	if (!desc_present(d))
		raise_error(cpu, VEC_NP, error);
	to_code(cpu, selector, d, offset, size, call);
}

/* ---- call gates ---- */
/* CALL to a more privileged level: new stack, parameters copied. */
static void call_inner(struct vcpu *cpu, uint16_t selector, struct descriptor *cs,
		       const struct descriptor *gate)
{
	unsigned size = desc_type(gate) & TYPE_GATE32 ? 4 : 2, cpl = desc_dpl(cs);
	struct segment ss;
	struct frame f = {.ss = &ss, .size = size};

	tss_stack(cpu, cpl, &ss, &f.esp);
	f.error = ss.selector & SELECTOR_ERROR;
	frame_push(&f, cpu->seg[SS].selector);
	frame_push(&f, cpu->regs[ESP]);
	for (unsigned i = gate_parameters(gate); i-- > 0;)
		frame_push(&f, stack_peek(cpu, i * size, size));
	frame_push(&f, cpu->seg[CS].selector);
	frame_push(&f, cpu->eip);
	frame_check(cpu, &f);
	transfer_check_eip(cpu, desc_limit(cs), gate_offset(gate));
	descriptor_set_accessed(cpu, cs);
	cpu->regs[ESP] = frame_write(cpu, &f);
	cpu->seg[SS] = ss;
	transfer_commit(cpu, cs, selector, cpl, gate_offset(gate));
}

static void far_to_call_gate(struct vcpu *cpu, const struct descriptor *gate, bool call)
{
	uint16_t selector = gate_selector(gate), error = selector & SELECTOR_ERROR;
	unsigned size = desc_type(gate) & TYPE_GATE32 ? 4 : 2;
	struct descriptor cs;

	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	descriptor_get(cpu, selector, VEC_GP, &cs);
	if (!desc_is_code(&cs) || desc_dpl(&cs) > cpu->cpl)
		raise_gp(cpu, error);
	if (!call && !desc_is_conforming(&cs) && desc_dpl(&cs) != cpu->cpl)
		raise_gp(cpu, error);
	if (!desc_present(&cs))
		raise_error(cpu, VEC_NP, error);
	if (call && !desc_is_conforming(&cs) && desc_dpl(&cs) < cpu->cpl)
		call_inner(cpu, selector, &cs, gate);
	else
		to_code(cpu, selector, &cs, gate_offset(gate), size, call);
}

/* ---- gates and TSSs ---- */
static void switch_task(struct vcpu *cpu, uint16_t selector, struct descriptor *tss, bool call)
{
	task_switch(cpu, selector, tss, call ? TASK_CALL : TASK_JMP, cpu->eflags);
	transfer_check_eip(cpu, cpu->seg[CS].limit, cpu->eip);
	task_debug_trap(cpu);
}

static void far_to_system(struct vcpu *cpu, uint16_t selector, struct descriptor *d, bool call)
{
	uint16_t error = selector & SELECTOR_ERROR;
	unsigned type = desc_type(d);

	if (type != TYPE_CALL_GATE16 && type != TYPE_CALL_GATE32 && type != TYPE_TASK_GATE &&
	    type != TYPE_TSS16 && type != TYPE_TSS32)
		raise_gp(cpu, error);
	if (desc_dpl(d) < cpu->cpl || desc_dpl(d) < (selector & SELECTOR_RPL))
		raise_gp(cpu, error);
	/* A TSS has to be in the GDT. */
	if ((type == TYPE_TSS16 || type == TYPE_TSS32) && selector & SELECTOR_TI)
		raise_gp(cpu, error);
	if (!desc_present(d))
		raise_error(cpu, VEC_NP, error);
	if (type == TYPE_TASK_GATE) {
		uint16_t target = gate_selector(d);
		struct descriptor tss;

		task_get_descriptor(cpu, target, false, VEC_GP, &tss);
		switch_task(cpu, target, &tss, call);
	} else if (type == TYPE_TSS16 || type == TYPE_TSS32) {
		switch_task(cpu, selector, d, call);
	} else {
		far_to_call_gate(cpu, d, call);
	}
}

static void far_transfer(struct vcpu *cpu, uint16_t selector, uint32_t offset, unsigned size,
			 bool call)
{
	struct descriptor d;

	if (size == 2)
		offset &= 0xffff;
	if (!protected_mode(cpu)) {
		far_real(cpu, selector, offset, size, call);
		return;
	}
	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	descriptor_get(cpu, selector, VEC_GP, &d);
	if (desc_is_system(&d))
		far_to_system(cpu, selector, &d, call);
	else if (desc_is_code(&d))
		far_to_code(cpu, selector, &d, offset, size, call);
	else
		raise_gp(cpu, selector & SELECTOR_ERROR);
}

/* Two accesses, as on the chip: each has its own checks. */
struct far_pointer far_pointer_read(struct vcpu *cpu, const struct insn *in, unsigned size)
{
	uint32_t ea = insn_ea(cpu, in);
	struct far_pointer p;

	p.offset = size == 4 ? mem_read32(cpu, in->seg, ea) : mem_read16(cpu, in->seg, ea);
	p.selector = mem_read16(cpu, in->seg, (ea + size) & in->address_mask);
	return p;
}

static void far_transfer_memory(struct vcpu *cpu, const struct insn *in, unsigned size, bool call)
{
	struct far_pointer p = far_pointer_read(cpu, in, size);

	far_transfer(cpu, p.selector, p.offset, size, call);
}

void op_far_call_imm_16(struct vcpu *cpu, const struct insn *in)
{
	far_transfer(cpu, in->imm2, in->imm, 2, true);
}

void op_far_call_imm_32(struct vcpu *cpu, const struct insn *in)
{
	far_transfer(cpu, in->imm2, in->imm, 4, true);
}

void op_far_jmp_imm_16(struct vcpu *cpu, const struct insn *in)
{
	far_transfer(cpu, in->imm2, in->imm, 2, false);
}

void op_far_jmp_imm_32(struct vcpu *cpu, const struct insn *in)
{
	far_transfer(cpu, in->imm2, in->imm, 4, false);
}

void op_far_call_mem_16(struct vcpu *cpu, const struct insn *in)
{
	far_transfer_memory(cpu, in, 2, true);
}

void op_far_call_mem_32(struct vcpu *cpu, const struct insn *in)
{
	far_transfer_memory(cpu, in, 4, true);
}

void op_far_jmp_mem_16(struct vcpu *cpu, const struct insn *in)
{
	far_transfer_memory(cpu, in, 2, false);
}

void op_far_jmp_mem_32(struct vcpu *cpu, const struct insn *in)
{
	far_transfer_memory(cpu, in, 4, false);
}

/* ---- SYSENTER, SYSEXIT (SDM 2B) ---- */
#define DPL3 DESC_DPL

void op_sysenter(struct vcpu *cpu, const struct insn *in)
{
	uint16_t cs = (uint16_t)(cpu->msr.sysenter_cs & SELECTOR_ERROR);

	if (!cpu_has(cpu, FEATURE_SEP))
		raise_ud(cpu);
	if (!(cpu->cr0 & CR0_PE) || !cs)
		raise_gp(cpu, 0);
	cpu->eflags &= ~(FL_VM | FL_IF | FL_RF);
	segment_set_flat(&cpu->seg[CS], cs, DESC_CODE);
	segment_set_flat(&cpu->seg[SS], (uint16_t)(cs + 8), 0);
	cpu->regs[ESP] = cpu->msr.sysenter_esp;
	cpu->eip = cpu->msr.sysenter_eip;
	cpu_set_cpl(cpu, 0);
}

void op_sysexit(struct vcpu *cpu, const struct insn *in)
{
	uint16_t cs = (uint16_t)(cpu->msr.sysenter_cs & SELECTOR_ERROR);

	if (!cpu_has(cpu, FEATURE_SEP))
		raise_ud(cpu);
	if (!(cpu->cr0 & CR0_PE) || !cs || cpu->cpl != 0)
		raise_gp(cpu, 0);
	segment_set_flat(&cpu->seg[CS], (uint16_t)((cs + 16) | 3), DESC_CODE | DPL3);
	segment_set_flat(&cpu->seg[SS], (uint16_t)((cs + 24) | 3), DPL3);
	cpu->regs[ESP] = cpu->regs[ECX];
	cpu->eip = cpu->regs[EDX];
	cpu_set_cpl(cpu, 3);
}
