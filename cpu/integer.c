/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer instructions (SDM 2A-2B), but for strings (string.c) and those
 * that touch privileged state (system.c, transfer.c).
 */
#include "cpu/alu.h"
#include "cpu/cpuid.h"
#include "cpu/operand.h"
#include "cpu/table.h"

/* Number (low four opcode bits) and name of each condition. */
#define CONDITIONS(X)                                                                              \
	X(0, o) X(1, no) X(2, b) X(3, nb) X(4, z) X(5, nz) X(6, be) X(7, nbe)                      \
	X(8, s) X(9, ns) X(10, p) X(11, np) X(12, l) X(13, nl) X(14, le) X(15, nle)

#define BITS 8
#include "cpu/integer_sized.h"
#define BITS 16
#include "cpu/integer_sized.h"
#define BITS 32
#include "cpu/integer_sized.h"
#define BITS 16
#include "cpu/integer_wide.h"
#define BITS 32
#include "cpu/integer_wide.h"

#define SET_ON_CONDITION(n, cc)                                                                    \
	HANDLER(op_set##cc##_r)                                                                    \
	{                                                                                          \
		reg_write8(cpu, in->rm, alu_condition(cpu->eflags, n));                            \
	}                                                                                          \
	HANDLER(op_set##cc##_m)                                                                    \
	{                                                                                          \
		mem_write8(cpu, in->seg, insn_ea(cpu, in), alu_condition(cpu->eflags, n));         \
	}
CONDITIONS(SET_ON_CONDITION)

HANDLER(op_nop)
{
	(void)cpu;
	(void)in;
}

/* ---- flags ---- */
HANDLER(op_cmc)
{
	cpu->eflags ^= FL_CF;
}
HANDLER(op_clc)
{
	cpu->eflags &= ~FL_CF;
}
HANDLER(op_stc)
{
	cpu->eflags |= FL_CF;
}
HANDLER(op_cld)
{
	cpu->eflags &= ~FL_DF;
}
HANDLER(op_std)
{
	cpu->eflags |= FL_DF;
}
HANDLER(op_lahf)
{
	reg_write8(cpu, 4, (uint8_t)((cpu->eflags & (FL_ARITH & ~FL_OF)) | FL_1));
}
HANDLER(op_sahf)
{
	uint32_t mask = FL_ARITH & ~FL_OF;

	cpu->eflags = (cpu->eflags & ~mask) | (reg_read8(cpu, 4) & mask);
}
HANDLER(op_salc)
{
	reg_write8(cpu, EAX, cpu->eflags & FL_CF ? 0xff : 0);
}

/* ---- decimal arithmetic ---- */
static void set_szp(struct vcpu *cpu, uint8_t v)
{
	cpu->eflags &= ~(FL_SF | FL_ZF | FL_PF);
	cpu->eflags |= (v & 0x80 ? FL_SF : 0) | (v ? 0 : FL_ZF) |
		       (__builtin_parity(v) ? 0 : FL_PF);
}
static void set_af_cf(struct vcpu *cpu, bool af, bool cf)
{
	cpu->eflags &= ~(FL_AF | FL_CF);
	cpu->eflags |= (af ? FL_AF : 0) | (cf ? FL_CF : 0);
}
/* DAA and DAS: sign is 1 or -1 (SDM 2A). */
static void decimal_adjust(struct vcpu *cpu, int sign)
{
	uint8_t old = reg_read8(cpu, EAX), al = old;
	bool af = cpu->eflags & FL_AF, cf = cpu->eflags & FL_CF;
	bool low = (old & 15) > 9 || af, high = old > 0x99 || cf;

	if (low)
		al = (uint8_t)(al + sign * 6);
	if (high)
		al = (uint8_t)(al + sign * 0x60);
	/* DAS also carries when the first subtraction borrows. */
	set_af_cf(cpu, low, high || (sign < 0 && low && old < 6));
	reg_write8(cpu, EAX, al);
	set_szp(cpu, al);
}
HANDLER(op_daa)
{
	decimal_adjust(cpu, 1);
}
HANDLER(op_das)
{
	decimal_adjust(cpu, -1);
}
static void ascii_adjust(struct vcpu *cpu, int sign)
{
	uint16_t ax = reg_read16(cpu, EAX);
	bool adjust = (ax & 15) > 9 || cpu->eflags & FL_AF;

	if (adjust)
		ax = (uint16_t)(ax + sign * 0x106);
	set_af_cf(cpu, adjust, adjust);
	reg_write16(cpu, EAX, ax & 0xff0f);
	set_szp(cpu, ax & 15);
}
HANDLER(op_aaa)
{
	ascii_adjust(cpu, 1);
}
HANDLER(op_aas)
{
	ascii_adjust(cpu, -1);
}
HANDLER(op_aam)
{
	uint8_t base = (uint8_t)in->imm, al = reg_read8(cpu, EAX);

	if (!base)
		raise_vector(cpu, VEC_DE);
	reg_write16(cpu, EAX, (uint16_t)(al / base << 8 | al % base));
	set_szp(cpu, al % base);
	set_af_cf(cpu, false, false);
	cpu->eflags &= ~FL_OF;
}
HANDLER(op_aad)
{
	uint16_t ax = reg_read16(cpu, EAX);
	uint8_t al = (uint8_t)(ax + (ax >> 8) * (uint8_t)in->imm);

	reg_write16(cpu, EAX, al);
	set_szp(cpu, al);
	set_af_cf(cpu, false, false);
	cpu->eflags &= ~FL_OF;
}

HANDLER(op_xlat)
{
	uint32_t ea = (cpu->regs[EBX] + reg_read8(cpu, EAX)) & in->address_mask;

	reg_write8(cpu, EAX, mem_read8(cpu, in->seg, ea));
}

/* Memory is written whether equal or not (SDM 2A, CMPXCHG8B). */
HANDLER(op_cmpxchg8b)
{
	gva_t gva;
	uint64_t v = rmw_read64(cpu, in->seg, insn_ea(cpu, in), &gva);
	uint64_t expected = (uint64_t)cpu->regs[EDX] << 32 | cpu->regs[EAX];

	if (v == expected) {
		lin_write64(cpu, gva, (uint64_t)cpu->regs[ECX] << 32 | cpu->regs[EBX]);
		cpu->eflags |= FL_ZF;
	} else {
		lin_write64(cpu, gva, v);
		cpu->eflags &= ~FL_ZF;
		cpu->regs[EAX] = (uint32_t)v;
		cpu->regs[EDX] = (uint32_t)(v >> 32);
	}
}
