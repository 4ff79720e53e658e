/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decoded instruction, and the contract of a handler.
 *
 * A handler is called with cpu->eip already past the instruction and
 * cpu->cur == in. It either completes the instruction or unwinds through
 * raise_*(), which sets eip back to the instruction's start; so it must
 * change no state before its last possible fault. Changed registers: write
 * them last. Reads and writes of guest memory go through cpu/access.h.
 */
#ifndef CPU_INSN_H
#define CPU_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu.h"

struct insn;
typedef void insn_fn(struct vcpu *cpu, const struct insn *in);

enum rep_prefix { REP_NONE, REP_REPE, REP_REPNE };

struct insn {
	insn_fn *exec;
	uint8_t length; /* bytes, 1-15 */
	uint8_t reg;    /* ModRM.reg, or the opcode's low 3 bits where it names a register */
	uint8_t rm;     /* ModRM.rm when mod == 3 */
	uint8_t seg;    /* enum seg_reg of the memory operand, overrides applied */
	/* Effective address: regs[base] + (regs[index] << scale) + disp. */
	uint8_t base, index, scale;
	uint8_t modrm;
	uint32_t disp;
	uint32_t address_mask; /* 0xffff or 0xffffffff */
	uint32_t imm;          /* first immediate, sign-extended where the table says so */
	uint16_t imm2;         /* ENTER's second, far pointer's selector */
	uint16_t row;          /* of insn_table */
	uint8_t opcode;        /* last opcode byte */
	bool operand32;        /* effective operand size is 32 bits */
	uint8_t rep;           /* enum rep_prefix */
	bool lock;
	bool ends_block;       /* the last of its block */
	bool rm_is_memory;
	bool uncached;         /* in no cache: nobody notices writes to its bytes */
	uint16_t offset;       /* from the block's first byte */
};

/* Effective address (offset within in->seg) of the memory operand. */
static inline uint32_t insn_ea(const struct vcpu *cpu, const struct insn *in)
{
	return (cpu->regs[in->base] + (cpu->regs[in->index] << in->scale) + in->disp) &
	       in->address_mask;
}

#endif
