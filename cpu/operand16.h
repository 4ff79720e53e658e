/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The r/m16 operand of system instructions: 16 bits in memory whatever the
 * operand size; a 32-bit register is written whole.
 */
#ifndef CPU_OPERAND16_H
#define CPU_OPERAND16_H

#include "cpu/access.h"
#include "cpu/insn.h"

static inline uint16_t load_rm16(struct vcpu *cpu, const struct insn *in)
{
	if (in->rm_is_memory)
		return mem_read16(cpu, in->seg, insn_ea(cpu, in));
	return (uint16_t)cpu->regs[in->rm];
}

static inline void store_rm16(struct vcpu *cpu, const struct insn *in, uint32_t value)
{
	if (in->rm_is_memory)
		mem_write16(cpu, in->seg, insn_ea(cpu, in), (uint16_t)value);
	else
		memcpy(&cpu->regs[in->rm], &value, in->operand32 ? 4 : 2);
}

#endif
