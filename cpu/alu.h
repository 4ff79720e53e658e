/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic as the chip does it: each operation is executed by the host's own
 * instruction and its flags are taken from it, so that results and flags, the
 * undefined ones included, are a real processor's.
 *
 * LAHF and SETO bring the flags out: AH is SF ZF - AF - PF - CF, AL is OF.
 */
#ifndef CPU_ALU_H
#define CPU_ALU_H

#include <stdint.h>

#include "cpu/vcpu.h"

static inline void alu_set_flags(struct vcpu *cpu, uint32_t ah_al, uint32_t mask)
{
	uint32_t fl = (ah_al >> 8 & 0xd5) | (ah_al & 1) << 11;

	cpu->eflags = (cpu->eflags & ~mask) | (fl & mask);
}

/* dst = dst op src; flags in mask from the host. */
#define ALU_BINARY(name, insn, bits, suffix, mask)                                                 \
	static inline uint##bits##_t name##bits(struct vcpu *cpu, uint##bits##_t a,                \
						uint##bits##_t b)                                  \
	{                                                                                          \
		uint32_t f;                                                                        \
                                                                                                   \
		__asm__(insn #suffix " %[b], %[a]\n\tlahf\n\tseto %%al"                            \
			: [a] "+q"(a), "=&a"(f)                                                    \
			: [b] "q"(b)                                                               \
			: "cc");                                                                   \
		alu_set_flags(cpu, f, mask);                                                       \
		return a;                                                                          \
	}

/* The same with the guest's CF as carry in. */
#define ALU_CARRY(name, insn, bits, suffix, mask)                                                  \
	static inline uint##bits##_t name##bits(struct vcpu *cpu, uint##bits##_t a,                \
						uint##bits##_t b)                                  \
	{                                                                                          \
		uint32_t f;                                                                        \
                                                                                                   \
		__asm__("btl $0, %[fl]\n\t" insn #suffix " %[b], %[a]\n\tlahf\n\tseto %%al"        \
			: [a] "+q"(a), "=&a"(f)                                                    \
			: [b] "q"(b), [fl] "r"(cpu->eflags)                                        \
			: "cc");                                                                   \
		alu_set_flags(cpu, f, mask);                                                       \
		return a;                                                                          \
	}

/* One operand; b is ignored so that all have one signature. */
#define ALU_UNARY(name, insn, bits, suffix, mask)                                                  \
	static inline uint##bits##_t name##bits(struct vcpu *cpu, uint##bits##_t a,                \
						uint##bits##_t b)                                  \
	{                                                                                          \
		uint32_t f;                                                                        \
                                                                                                   \
		__asm__(insn #suffix " %[a]\n\tlahf\n\tseto %%al"                                  \
			: [a] "+q"(a), "=&a"(f)                                                    \
			:                                                                          \
			: "cc");                                                                   \
		(void)b;                                                                           \
		alu_set_flags(cpu, f, mask);                                                       \
		return a;                                                                          \
	}

/*
 * Shifts and rotates by a count masked to 5 bits; a count of 0 changes nothing.
 * The guest's CF goes in, for RCL and RCR and for rotates by a full turn.
 */
#define ALU_SHIFT(name, insn, bits, suffix, mask)                                                  \
	static inline uint##bits##_t name##bits(struct vcpu *cpu, uint##bits##_t a,                \
						uint##bits##_t count)                              \
	{                                                                                          \
		uint32_t f;                                                                        \
                                                                                                   \
		count &= 31;                                                                       \
		if (!count)                                                                        \
			return a;                                                                  \
		__asm__("btl $0, %[fl]\n\t" insn #suffix " %%cl, %[a]\n\tlahf\n\tseto %%al"        \
			: [a] "+q"(a), "=&a"(f)                                                    \
			: "c"((uint8_t)count), [fl] "r"(cpu->eflags)                               \
			: "cc");                                                                   \
		alu_set_flags(cpu, f, mask);                                                       \
		return a;                                                                          \
	}

/* SHLD and SHRD: bits come in from b. */
#define ALU_DOUBLE_SHIFT(name, insn, bits, suffix)                                                 \
	static inline uint##bits##_t name##bits(struct vcpu *cpu, uint##bits##_t a,                \
						uint##bits##_t b, uint8_t count)                   \
	{                                                                                          \
		uint32_t f;                                                                        \
                                                                                                   \
		count &= 31;                                                                       \
		if (!count)                                                                        \
			return a;                                                                  \
		__asm__(insn #suffix " %%cl, %[b], %[a]\n\tlahf\n\tseto %%al"                      \
			: [a] "+r"(a), "=&a"(f)                                                    \
			: "c"(count), [b] "r"(b)                                                   \
			: "cc");                                                                   \
		alu_set_flags(cpu, f, FL_ARITH);                                                   \
		return a;                                                                          \
	}

/*
 * OF is undefined after ROL and ROR by more than a bit. By an immediate Intel's chips leave it
 * as it was; by CL, and on AMD's always, it is set.
 */
static inline bool alu_rotate_keeps_of(void)
{
	uint8_t v = 0x40, of;

	__asm__("testb %0, %0\n\trolb $2, %0\n\tseto %1" : "+&q"(v), "=q"(of) : : "cc");
	return !of;
}

#define ALU_ALL(bits, suffix)                                                                      \
	ALU_BINARY(alu_add, "add", bits, suffix, FL_ARITH)                                         \
	ALU_BINARY(alu_or, "or", bits, suffix, FL_ARITH)                                           \
	ALU_CARRY(alu_adc, "adc", bits, suffix, FL_ARITH)                                          \
	ALU_CARRY(alu_sbb, "sbb", bits, suffix, FL_ARITH)                                          \
	ALU_BINARY(alu_and, "and", bits, suffix, FL_ARITH)                                         \
	ALU_BINARY(alu_sub, "sub", bits, suffix, FL_ARITH)                                         \
	ALU_BINARY(alu_xor, "xor", bits, suffix, FL_ARITH)                                         \
	ALU_UNARY(alu_inc, "inc", bits, suffix, (FL_ARITH & ~FL_CF))                               \
	ALU_UNARY(alu_dec, "dec", bits, suffix, (FL_ARITH & ~FL_CF))                               \
	ALU_UNARY(alu_neg, "neg", bits, suffix, FL_ARITH)                                          \
	ALU_SHIFT(alu_rol, "rol", bits, suffix, (FL_CF | FL_OF))                                   \
	ALU_SHIFT(alu_ror, "ror", bits, suffix, (FL_CF | FL_OF))                                   \
	ALU_SHIFT(alu_rcl, "rcl", bits, suffix, (FL_CF | FL_OF))                                   \
	ALU_SHIFT(alu_rcr, "rcr", bits, suffix, (FL_CF | FL_OF))                                   \
	ALU_SHIFT(alu_shl, "shl", bits, suffix, FL_ARITH)                                          \
	ALU_SHIFT(alu_shr, "shr", bits, suffix, FL_ARITH)                                          \
	ALU_SHIFT(alu_sar, "sar", bits, suffix, FL_ARITH)

ALU_ALL(8, b)
ALU_ALL(16, w)
ALU_ALL(32, l)
ALU_DOUBLE_SHIFT(alu_shld, "shld", 16, w)
ALU_DOUBLE_SHIFT(alu_shld, "shld", 32, l)
ALU_DOUBLE_SHIFT(alu_shrd, "shrd", 16, w)
ALU_DOUBLE_SHIFT(alu_shrd, "shrd", 32, l)

/* Conditions of Jcc, SETcc, CMOVcc: n is the low four bits of the opcode. */
static inline bool alu_condition(uint32_t fl, unsigned n)
{
	bool sf_of = !(fl & FL_SF) != !(fl & FL_OF), result;

	switch (n >> 1) {
	case 0:
		result = fl & FL_OF;
		break;
	case 1:
		result = fl & FL_CF;
		break;
	case 2:
		result = fl & FL_ZF;
		break;
	case 3:
		result = fl & (FL_CF | FL_ZF);
		break;
	case 4:
		result = fl & FL_SF;
		break;
	case 5:
		result = fl & FL_PF;
		break;
	case 6:
		result = sf_of;
		break;
	default:
		result = sf_of || fl & FL_ZF;
		break;
	}
	return result != (n & 1);
}

#endif
