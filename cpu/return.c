/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RETF and IRET (SDM 2A IRET, 2B RET): within a privilege level, to an outer
 * one, to virtual-8086 mode, from a nested task.
 */
#include "cpu/access.h"
#include "cpu/insn.h"
#include "cpu/segment.h"
#include "cpu/stack.h"
#include "cpu/transfer.h"

/* What RETF and IRET have read from the stack. */
struct far_return {
	unsigned size; /* of a stack item */
	uint32_t eip;
	uint16_t cs;
	uint32_t popped;  /* bytes read so far */
	uint32_t release; /* RETF's immediate */
	uint32_t flags, flags_mask;
};

#define FLAGS16 0xffffu
/* Flags that IRETD and POPFD may change at any privilege. */
#define FLAGS_USER (FL_ARITH | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID)

/* As on the chip, the item pushed first is read first: it shows in CR2. */
static void read_code_target(struct vcpu *cpu, struct far_return *r)
{
	r->cs = (uint16_t)stack_peek(cpu, r->size, r->size);
	r->eip = stack_peek(cpu, 0, r->size);
	r->popped += 2 * r->size;
}

/* ---- real and virtual-8086 mode ---- */
static void return_real(struct vcpu *cpu, const struct far_return *r)
{
	transfer_check_eip(cpu, cpu->seg[CS].limit, r->eip);
	segment_load_real(cpu, CS, r->cs);
	cpu->eip = r->eip;
	cpu->regs[ESP] = stack_add(&cpu->seg[SS], cpu->regs[ESP], r->popped + r->release);
	eflags_set(cpu, r->flags, r->flags_mask);
}

/* ---- protected mode ---- */
static void check_return_code(struct vcpu *cpu, uint16_t selector, struct descriptor *d)
{
	unsigned rpl = selector & SELECTOR_RPL;
	uint16_t error = selector & SELECTOR_ERROR;

	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	descriptor_get(cpu, selector, VEC_GP, d);
	if (!desc_is_code(d) || rpl < cpu->cpl)
		raise_gp(cpu, error);
	if (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
		raise_gp(cpu, error);
	if (!desc_present(d))
		raise_error(cpu, VEC_NP, error);
}

static void check_return_stack(struct vcpu *cpu, uint16_t selector, unsigned cpl,
			       struct descriptor *d)
{
	uint16_t error = selector & SELECTOR_ERROR;

	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	descriptor_get(cpu, selector, VEC_GP, d);
	if ((selector & SELECTOR_RPL) != cpl || !desc_is_writable_data(d) || desc_dpl(d) != cpl)
		raise_gp(cpu, error);
	if (!desc_present(d))
		raise_error(cpu, VEC_SS, error);
}

/* To a less privileged level: its stack is on ours. */
static void return_outer(struct vcpu *cpu, const struct far_return *r, struct descriptor *cs)
{
	unsigned cpl = r->cs & SELECTOR_RPL;
	uint32_t esp = stack_peek(cpu, r->popped + r->release, r->size);
	uint16_t selector = (uint16_t)stack_peek(cpu, r->popped + r->release + r->size, r->size);
	struct descriptor d;
	uint32_t mask;

	check_return_stack(cpu, selector, cpl, &d);
	transfer_check_eip(cpu, desc_limit(cs), r->eip);
	descriptor_set_accessed(cpu, cs);
	descriptor_set_accessed(cpu, &d);
	eflags_set(cpu, r->flags, r->flags_mask);
	transfer_commit(cpu, cs, r->cs, cpl, r->eip);
	descriptor_to_segment(&d, selector, &cpu->seg[SS]);
	/* A 16-bit stack leaves the upper half of ESP as it was. */
	mask = stack_mask(cpu);
	cpu->regs[ESP] = (cpu->regs[ESP] & ~mask) | ((esp + r->release) & mask);
	segment_drop_inner(cpu);
}

static void return_protected(struct vcpu *cpu, const struct far_return *r)
{
	struct descriptor cs;

	check_return_code(cpu, r->cs, &cs);
	if ((r->cs & SELECTOR_RPL) != cpu->cpl) {
		return_outer(cpu, r, &cs);
		return;
	}
	transfer_check_eip(cpu, desc_limit(&cs), r->eip);
	descriptor_set_accessed(cpu, &cs);
	transfer_commit(cpu, &cs, r->cs, cpu->cpl, r->eip);
	cpu->regs[ESP] = stack_add(&cpu->seg[SS], cpu->regs[ESP], r->popped + r->release);
	eflags_set(cpu, r->flags, r->flags_mask);
}

/* ---- RETF ---- */
static void far_return(struct vcpu *cpu, unsigned size, uint32_t release)
{
	struct far_return r = {.size = size, .release = release};

	read_code_target(cpu, &r);
	if (protected_mode(cpu))
		return_protected(cpu, &r);
	else
		return_real(cpu, &r);
}

void op_retf_16(struct vcpu *cpu, const struct insn *in)
{
	far_return(cpu, 2, 0);
}

void op_retf_32(struct vcpu *cpu, const struct insn *in)
{
	far_return(cpu, 4, 0);
}

void op_retf_imm_16(struct vcpu *cpu, const struct insn *in)
{
	far_return(cpu, 2, in->imm & 0xffff);
}

void op_retf_imm_32(struct vcpu *cpu, const struct insn *in)
{
	far_return(cpu, 4, in->imm & 0xffff);
}

/* ---- IRET ---- */
static void read_flags(struct vcpu *cpu, struct far_return *r)
{
	r->flags = stack_peek(cpu, 2 * r->size, r->size);
	r->popped += r->size;
}

static void iret_real(struct vcpu *cpu, struct far_return *r)
{
	read_flags(cpu, r);
	read_code_target(cpu, r);
	r->flags_mask = FLAGS_USER | FL_IF | FL_IOPL;
	if (r->size == 2)
		r->flags_mask &= FLAGS16;
	return_real(cpu, r);
}

/* IOPL below 3: only with VME, 16-bit, and with VIF in IF's place (SDM 3B 20.3.3). */
static void iret_v86_virtual(struct vcpu *cpu, struct far_return *r)
{
	if (!(cpu->cr4 & CR4_VME) || r->size != 2)
		raise_gp(cpu, 0);
	read_flags(cpu, r);
	read_code_target(cpu, r);
	if (r->flags & FL_TF || (r->flags & FL_IF && cpu->eflags & FL_VIP))
		raise_gp(cpu, 0);
	if (r->flags & FL_IF)
		r->flags |= FL_VIF;
	r->flags_mask = (FLAGS_USER & FLAGS16) | FL_VIF;
	return_real(cpu, r);
}

static void iret_v86(struct vcpu *cpu, struct far_return *r)
{
	if (iopl(cpu) != 3) {
		iret_v86_virtual(cpu, r);
		return;
	}
	read_flags(cpu, r);
	read_code_target(cpu, r);
	r->flags_mask = FLAGS_USER | FL_IF;
	if (r->size == 2)
		r->flags_mask &= FLAGS16;
	return_real(cpu, r);
}

/* Nine doublewords: EIP CS EFLAGS ESP SS ES DS FS GS. */
static void iret_to_v86(struct vcpu *cpu, const struct far_return *r)
{
	static const uint8_t order[] = {SS, ES, DS, FS, GS};
	uint32_t esp = stack_peek(cpu, r->popped, 4);
	uint16_t selectors[sizeof(order)];

	for (unsigned i = 0; i < sizeof(order); i++)
		selectors[i] = (uint16_t)stack_peek(cpu, r->popped + 4 + 4 * i, 4);
	eflags_set(cpu, r->flags, FLAGS_USER | FL_IF | FL_IOPL | FL_VM | FL_VIF | FL_VIP);
	segment_load_real(cpu, CS, r->cs);
	for (unsigned i = 0; i < sizeof(order); i++)
		segment_load_real(cpu, order[i], selectors[i]);
	cpu->regs[ESP] = esp;
	cpu->eip = r->eip & 0xffff;
	cpu_set_cpl(cpu, 3);
}

static void iret_protected(struct vcpu *cpu, struct far_return *r)
{
	if (cpu->eflags & FL_NT) {
		task_return(cpu);
		return;
	}
	read_flags(cpu, r);
	read_code_target(cpu, r);
	if (r->size == 4 && r->flags & FL_VM && cpu->cpl == 0) {
		iret_to_v86(cpu, r);
		return;
	}
	r->flags_mask = FLAGS_USER;
	if (cpu->cpl <= iopl(cpu))
		r->flags_mask |= FL_IF;
	if (cpu->cpl == 0)
		r->flags_mask |= FL_IOPL | FL_VIF | FL_VIP;
	if (r->size == 2)
		r->flags_mask &= FLAGS16;
	return_protected(cpu, r);
}

static void iret(struct vcpu *cpu, unsigned size)
{
	struct far_return r = {.size = size};

	/* NMIs come in again even if this IRET faults (SDM 3A 6.7.1). */
	cpu->nmi_blocked = false;
	if (!(cpu->cr0 & CR0_PE))
		iret_real(cpu, &r);
	else if (v86_mode(cpu))
		iret_v86(cpu, &r);
	else
		iret_protected(cpu, &r);
}

void op_iret_16(struct vcpu *cpu, const struct insn *in)
{
	iret(cpu, 2);
}

void op_iret_32(struct vcpu *cpu, const struct insn *in)
{
	iret(cpu, 4);
}
