/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE instructions that neither raise exceptions nor depend on MXCSR: integer
 * arithmetic, logic, shuffles, string compares. Most handlers are expanded
 * from the rows of cpu/table_simd.h, each around the host's instruction of
 * the same name.
 */
#include "cpu/host_fpu.h"

#define SSE_INT(map, prefix, opcode, id, operands, bytes)                                          \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		__m128i a = xmm_get(cpu, in->reg);                                                 \
                                                                                                   \
		__asm__(#id " %1, %0" : "+x"(a) : "x"(b));                                         \
		xmm_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	XMM_BOTH_FORMS(id, bytes)

#define SSE_IMM_OP(map, prefix, opcode, id, operands, bytes)                                       \
	extern const uint8_t host_imm_##id[];                                                      \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		host_imm_fn *stub = host_imm_stub(host_imm_##id, in->imm);                         \
                                                                                                   \
		xmm_set(cpu, in->reg, stub(xmm_get(cpu, in->reg), b));                             \
	}                                                                                          \
	XMM_BOTH_FORMS(id, bytes)

#define SSE_BLENDV(opcode, id)                                                                     \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		__m128i a = xmm_get(cpu, in->reg), mask = xmm_get(cpu, 0);                         \
                                                                                                   \
		__asm__(#id " %%xmm0, %1, %0" : "+x"(a) : "x"(b), "Yz"(mask));                     \
		xmm_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	XMM_BOTH_FORMS(id, 16)

#define SSE_SHIFT(opcode, ext, id)                                                                 \
	void op_sse_##id##_imm(struct vcpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		__m128i a, count = _mm_cvtsi32_si128(in->imm & 0xff);                              \
                                                                                                   \
		sse_check(cpu);                                                                    \
		a = xmm_get(cpu, in->rm);                                                          \
		__asm__(#id " %1, %0" : "+x"(a) : "x"(count));                                     \
		xmm_set(cpu, in->rm, a);                                                           \
	}

#define MMX_INT(map, opcode, id, bytes)
#define INSN(...)
#include "cpu/table_simd.h"

/* ---- shifts of whole registers ---- */

static unsigned byte_count(const struct insn *in)
{
	unsigned count = in->imm & 0xff;

	return count > 16 ? 16 : count;
}

void op_psrldq(struct vcpu *cpu, const struct insn *in)
{
	uint8_t v[32] = {0};

	sse_check(cpu);
	memcpy(v, cpu->fx.xmm[in->rm], 16);
	memcpy(cpu->fx.xmm[in->rm], v + byte_count(in), 16);
}

void op_pslldq(struct vcpu *cpu, const struct insn *in)
{
	uint8_t v[32] = {0};

	sse_check(cpu);
	memcpy(v + 16, cpu->fx.xmm[in->rm], 16);
	memcpy(cpu->fx.xmm[in->rm], v + 16 - byte_count(in), 16);
}

/* ---- PTEST ---- */

static void ptest_common(struct vcpu *cpu, const struct insn *in, __m128i b)
{
	__m128i a = xmm_get(cpu, in->reg);
	bool z, c;

	__asm__("ptest %3, %2" : "=@ccz"(z), "=@ccc"(c) : "x"(a), "x"(b));
	cpu->eflags = (cpu->eflags & ~FL_ARITH) | (z ? FL_ZF : 0) | (c ? FL_CF : 0);
}

void op_ptest_r(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	ptest_common(cpu, in, xmm_get(cpu, in->rm));
}

void op_ptest_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	ptest_common(cpu, in, sse_read_aligned(cpu, in));
}

/* ---- INSERTPS: a memory operand is one element, whatever imm8[7:6] says ---- */

extern const uint8_t host_imm_insertps[];

void op_insertps_r(struct vcpu *cpu, const struct insn *in)
{
	host_imm_fn *stub = host_imm_stub(host_imm_insertps, in->imm);

	sse_check(cpu);
	xmm_set(cpu, in->reg, stub(xmm_get(cpu, in->reg), xmm_get(cpu, in->rm)));
}

void op_insertps_m(struct vcpu *cpu, const struct insn *in)
{
	host_imm_fn *stub = host_imm_stub(host_imm_insertps, in->imm & 0x3f);
	__m128i b;

	sse_check(cpu);
	b = sse_read(cpu, in, 4);
	xmm_set(cpu, in->reg, stub(xmm_get(cpu, in->reg), b));
}

/* ---- string compares; their memory operand need not be aligned ---- */

static __m128i string_operand(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	return in->rm_is_memory ? sse_read_unaligned(cpu, in) : xmm_get(cpu, in->rm);
}

static void string_index(struct vcpu *cpu, const struct insn *in, const uint8_t *stubs)
{
	__m128i b = string_operand(cpu, in);
	uint64_t flags;

	cpu->regs[ECX] = host_string_index(xmm_get(cpu, in->reg), b, cpu->regs[EAX], cpu->regs[EDX],
					   host_imm_stub(stubs, in->imm), &flags);
	cpu->eflags = (cpu->eflags & ~FL_ARITH) | (flags & FL_ARITH);
}

static void string_mask(struct vcpu *cpu, const struct insn *in, const uint8_t *stubs)
{
	__m128i b = string_operand(cpu, in);
	uint64_t flags;

	xmm_set(cpu, 0,
		host_string_mask(xmm_get(cpu, in->reg), b, cpu->regs[EAX], cpu->regs[EDX],
				 host_imm_stub(stubs, in->imm), &flags));
	cpu->eflags = (cpu->eflags & ~FL_ARITH) | (flags & FL_ARITH);
}

#define STRING(id, kind)                                                                           \
	extern const uint8_t host_imm_##id[];                                                      \
	void op_##id##_r(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		kind(cpu, in, host_imm_##id);                                                      \
	}                                                                                          \
	void op_##id##_m(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		kind(cpu, in, host_imm_##id);                                                      \
	}
STRING(pcmpestri, string_index)
STRING(pcmpistri, string_index)
STRING(pcmpestrm, string_mask)
STRING(pcmpistrm, string_mask)

/* ---- POPCNT and CRC32: general registers ---- */

static void popcnt_flags(struct vcpu *cpu, uint32_t source)
{
	cpu->eflags = (cpu->eflags & ~FL_ARITH) | (source ? 0 : FL_ZF);
}

static void popcnt16(struct vcpu *cpu, const struct insn *in, uint16_t v)
{
	cpu->regs[in->reg] = (cpu->regs[in->reg] & 0xffff0000) | (uint32_t)__builtin_popcount(v);
	popcnt_flags(cpu, v);
}

static void popcnt32(struct vcpu *cpu, const struct insn *in, uint32_t v)
{
	cpu->regs[in->reg] = (uint32_t)__builtin_popcount(v);
	popcnt_flags(cpu, v);
}

void op_popcnt_r16(struct vcpu *cpu, const struct insn *in)
{
	popcnt16(cpu, in, (uint16_t)cpu->regs[in->rm]);
}
void op_popcnt_r32(struct vcpu *cpu, const struct insn *in)
{
	popcnt32(cpu, in, cpu->regs[in->rm]);
}
void op_popcnt_m16(struct vcpu *cpu, const struct insn *in)
{
	popcnt16(cpu, in, mem_read16(cpu, in->seg, insn_ea(cpu, in)));
}
void op_popcnt_m32(struct vcpu *cpu, const struct insn *in)
{
	popcnt32(cpu, in, mem_read32(cpu, in->seg, insn_ea(cpu, in)));
}

#define CRC32(bits, suffix)                                                                        \
	static void crc32_##bits(struct vcpu *cpu, const struct insn *in, uint##bits##_t v)        \
	{                                                                                          \
		__asm__("crc32" suffix " %1, %0" : "+r"(cpu->regs[in->reg]) : "rm"(v));            \
	}
CRC32(8, "b")
CRC32(16, "w")
CRC32(32, "l")

void op_crc32_8_r(struct vcpu *cpu, const struct insn *in)
{
	crc32_8(cpu, in, *reg8(cpu, in->rm));
}
void op_crc32_8_m(struct vcpu *cpu, const struct insn *in)
{
	crc32_8(cpu, in, mem_read8(cpu, in->seg, insn_ea(cpu, in)));
}
void op_crc32_r16(struct vcpu *cpu, const struct insn *in)
{
	crc32_16(cpu, in, (uint16_t)cpu->regs[in->rm]);
}
void op_crc32_r32(struct vcpu *cpu, const struct insn *in)
{
	crc32_32(cpu, in, cpu->regs[in->rm]);
}
void op_crc32_m16(struct vcpu *cpu, const struct insn *in)
{
	crc32_16(cpu, in, mem_read16(cpu, in->seg, insn_ea(cpu, in)));
}
void op_crc32_m32(struct vcpu *cpu, const struct insn *in)
{
	crc32_32(cpu, in, mem_read32(cpu, in->seg, insn_ea(cpu, in)));
}
