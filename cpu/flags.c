/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CLI, STI, PUSHF, POPF (SDM 2A, 2B): which flags which privilege may see
 * and change, with the virtual interrupt flag of VME and PVI (3B 20.3, 20.4).
 */
#include "cpu/access.h"
#include "cpu/insn.h"
#include "cpu/segment.h"
#include "cpu/stack.h"

/* POPFD at any privilege; IF, IOPL come on top. RF becomes 0. */
#define POPF_USER (FL_ARITH | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID)
#define FLAGS16	  0xffffu

/* Which flag CLI and STI act on: FL_IF, FL_VIF, or 0: #GP. */
static uint32_t interrupt_flag(const struct vcpu *cpu)
{
	uint32_t virtual_by = v86_mode(cpu) ? CR4_VME : CR4_PVI;

	if (cpu->cpl <= iopl(cpu))
		return FL_IF;
	return cpu->cpl == 3 && cpu->cr4 & virtual_by ? FL_VIF : 0;
}

void op_cli(struct vcpu *cpu, const struct insn *in)
{
	uint32_t flag = interrupt_flag(cpu);

	if (!flag)
		raise_gp(cpu, 0);
	cpu->eflags &= ~flag;
}

void op_sti(struct vcpu *cpu, const struct insn *in)
{
	uint32_t flag = interrupt_flag(cpu);

	if (!flag || (flag == FL_VIF && cpu->eflags & FL_VIP))
		raise_gp(cpu, 0);
	if (flag == FL_IF && !(cpu->eflags & FL_IF))
		cpu->interrupt_shadow = true;
	cpu->eflags |= flag;
}

/* In virtual-8086 mode below IOPL 3: the 16-bit forms, by VME only. */
static bool virtual_flags(struct vcpu *cpu, unsigned size)
{
	if (!v86_mode(cpu) || iopl(cpu) == 3)
		return false;
	if (!(cpu->cr4 & CR4_VME) || size != 2)
		raise_gp(cpu, 0);
	return true;
}

static void pushf(struct vcpu *cpu, unsigned size)
{
	uint32_t image = cpu->eflags & ~(FL_VM | FL_RF);

	if (virtual_flags(cpu, size)) {
		image = (image & ~FL_IF) | FL_IOPL;
		if (cpu->eflags & FL_VIF)
			image |= FL_IF;
	}
	stack_push(cpu, image, size);
}

void op_pushf_16(struct vcpu *cpu, const struct insn *in)
{
	pushf(cpu, 2);
}

void op_pushf_32(struct vcpu *cpu, const struct insn *in)
{
	pushf(cpu, 4);
}

static void popf_virtual(struct vcpu *cpu)
{
	uint32_t image = stack_peek(cpu, 0, 2);

	if (image & FL_TF || (image & FL_IF && cpu->eflags & FL_VIP))
		raise_gp(cpu, 0);
	if (image & FL_IF)
		image |= FL_VIF;
	cpu->regs[ESP] = stack_add(&cpu->seg[SS], cpu->regs[ESP], 2);
	eflags_set(cpu, image, (POPF_USER & FLAGS16) | FL_VIF);
}

static void popf(struct vcpu *cpu, unsigned size)
{
	uint32_t mask = POPF_USER, image;

	if (virtual_flags(cpu, size)) {
		popf_virtual(cpu);
		return;
	}
	image = stack_peek(cpu, 0, size) & ~FL_RF;
	if (cpu->cpl <= iopl(cpu))
		mask |= FL_IF;
	if (cpu->cpl == 0)
		mask |= FL_IOPL;
	if (size == 2)
		mask &= FLAGS16;
	cpu->regs[ESP] = stack_add(&cpu->seg[SS], cpu->regs[ESP], size);
	eflags_set(cpu, image, mask);
}

void op_popf_16(struct vcpu *cpu, const struct insn *in)
{
	popf(cpu, 2);
}

void op_popf_32(struct vcpu *cpu, const struct insn *in)
{
	popf(cpu, 4);
}
