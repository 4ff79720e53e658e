/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE floating point: arithmetic, compares and conversions, all of which use
 * MXCSR (SDM 1 11.5). The host executes the instruction of the same name.
 *
 * While the guest has all exceptions masked, as nearly all code does, its MXCSR
 * is the host's. Otherwise an instruction runs with all of them masked and the
 * flags clear, and the flags it raises say whether it should have faulted.
 * What those flags do not say, simd_trap.c finds out.
 */
#include "cpu/host_fpu.h"

_Noreturn void sse_unavailable(struct vcpu *cpu)
{
	if (cpu->cr0 & CR0_EM || !(cpu->cr4 & CR4_OSFXSR))
		raise_ud(cpu);
	raise_vector(cpu, VEC_NM);
}

#define MASK_OF(flag) ((flag) << MXCSR_MASKS_SHIFT)

/* Gives the host an MXCSR for the next instruction. */
void sse_float_prepare(struct vcpu *cpu)
{
	uint32_t mxcsr = cpu->fx.mxcsr;

	if ((mxcsr & MXCSR_MASKS) == MXCSR_MASKS) {
		cpu->host_fpu |= HOST_MXCSR;
	} else {
		/* FTZ counts only while underflow is masked (SDM 1 10.2.3.3). */
		if (!(mxcsr & MASK_OF(FSW_UE)))
			mxcsr &= ~MXCSR_FTZ;
		mxcsr = (mxcsr & ~MXCSR_FLAGS) | MXCSR_MASKS;
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static bool tiny32(__m128i v, unsigned elements)
{
	uint32_t e[4];

	memcpy(e, &v, sizeof(e));
	for (unsigned i = 0; i < elements; i++)
		if (!(e[i] & 0x7f800000) && e[i] & 0x007fffff)
			return true;
	return false;
}

static bool tiny64(__m128i v, unsigned elements)
{
	uint64_t e[2];

	memcpy(e, &v, sizeof(e));
	for (unsigned i = 0; i < elements; i++)
		if (!(e[i] & 0x7ff0000000000000) && e[i] & 0x000fffffffffffff)
			return true;
	return false;
}

static bool is_tiny(__m128i result, enum sse_result kind)
{
	switch (kind) {
	case F32_1:
		return tiny32(result, 1);
	case F32_4:
		return tiny32(result, 4);
	case F64_1:
		return tiny64(result, 1);
	case F64_2:
		return tiny64(result, 2);
	default:
		return false;
	}
}

/*
 * After an instruction that ran with exceptions masked for a guest that has not
 * masked them all. Unmasked, underflow is raised by a tiny result even if it
 * is exact; masked, only if it is inexact too (SDM 1 4.9.1.5).
 */
void sse_float_finish(struct vcpu *cpu, __m128i result, enum sse_result kind)
{
	const uint32_t default_mxcsr = MXCSR_DEFAULT;
	uint32_t host, raised, unmasked, masks = cpu->fx.mxcsr >> MXCSR_MASKS_SHIFT & MXCSR_FLAGS;

	__asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(host) : "m"(default_mxcsr));
	raised = host & MXCSR_FLAGS;
	if (!(masks & FSW_UE) && is_tiny(result, kind))
		raised |= FSW_UE;
	unmasked = raised & ~masks;
	if (sse_flags_in_steps(cpu->cur))
		raised = sse_trap_flags(cpu, kind, host & ~MXCSR_FLAGS);
	else if (unmasked & PRE_COMPUTATION)
		raised &= PRE_COMPUTATION;
	else if (unmasked & POST_COMPUTATION)
		raised = sse_trap_flags(cpu, kind, host & ~MXCSR_FLAGS);
	unmasked = raised & ~masks;
	cpu->fx.mxcsr |= raised;
	if (!unmasked)
		return;
	if (cpu->cr4 & CR4_OSXMMEXCPT)
		raise_vector(cpu, VEC_XM);
	raise_ud(cpu);
}

/* ---- the patterns of cpu/table_simd.h ---- */

#define SSE_FLOAT(map, prefix, opcode, id, operands, bytes, result)                                \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		__m128i a = xmm_get(cpu, in->reg);                                                 \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id " %1, %0" : "+x"(a) : "x"(b));                                \
		sse_float_end(cpu, a, result);                                                     \
		xmm_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	XMM_BOTH_FORMS(id, bytes)

#define SSE_FLOAT_IMM_OP(map, prefix, opcode, id, operands, bytes, result)                         \
	extern const uint8_t host_imm_##id[];                                                      \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		host_imm_fn *stub = host_imm_stub(host_imm_##id, in->imm);                         \
		__m128i a = xmm_get(cpu, in->reg);                                                 \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		a = stub(a, b);                                                                    \
		sse_float_end(cpu, a, result);                                                     \
		xmm_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	XMM_BOTH_FORMS(id, bytes)

#define SSE_COMPARE(prefix, opcode, id, operands, bytes)                                           \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)         \
	{                                                                                          \
		__m128i a = xmm_get(cpu, in->reg);                                                 \
		bool z, p, c;                                                                      \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id " %4, %3"                                                     \
				 : "=@ccz"(z), "=@ccp"(p), "=@ccc"(c)                              \
				 : "x"(a), "x"(b));                                                \
		sse_float_end(cpu, a, NO_TINY);                                                    \
		cpu->eflags = (cpu->eflags & ~FL_ARITH) | (z ? FL_ZF : 0) | (p ? FL_PF : 0) |      \
			      (c ? FL_CF : 0);                                                     \
	}                                                                                          \
	XMM_BOTH_FORMS(id, bytes)

#define MMX_INT(map, opcode, id, bytes)
#define INSN(...)
#include "cpu/table_simd.h"

/* ---- from and to general registers ---- */

static uint32_t read_r32(struct vcpu *cpu, const struct insn *in)
{
	return cpu->regs[in->rm];
}
static uint32_t read_m32(struct vcpu *cpu, const struct insn *in)
{
	return mem_read32(cpu, in->seg, insn_ea(cpu, in));
}

#define FROM_INTEGER(id, form)                                                                     \
	void op_##id##_##form(struct vcpu *cpu, const struct insn *in)                             \
	{                                                                                          \
		uint32_t b;                                                                        \
		__m128i a;                                                                         \
                                                                                                   \
		sse_check(cpu);                                                                    \
		b = read_##form##32(cpu, in);                                                      \
		a = xmm_get(cpu, in->reg);                                                         \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id "l %1, %0" : "+x"(a) : "r"(b));                               \
		sse_float_end(cpu, a, NO_TINY);                                                    \
		xmm_set(cpu, in->reg, a);                                                          \
	}
FROM_INTEGER(cvtsi2ss, r)
FROM_INTEGER(cvtsi2ss, m)
FROM_INTEGER(cvtsi2sd, r)
FROM_INTEGER(cvtsi2sd, m)

#define TO_INTEGER(id, bytes)                                                                      \
	static void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)                \
	{                                                                                          \
		uint32_t v;                                                                        \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id " %1, %0" : "=r"(v) : "x"(b));                                \
		sse_float_end(cpu, b, NO_TINY);                                                    \
		cpu->regs[in->reg] = v;                                                            \
	}                                                                                          \
	void op_##id##_r(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		id##_common(cpu, in, xmm_get(cpu, in->rm));                                        \
	}                                                                                          \
	void op_##id##_m(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		id##_common(cpu, in, sse_read(cpu, in, bytes));                                    \
	}
TO_INTEGER(cvtss2si, 4)
TO_INTEGER(cvttss2si, 4)
TO_INTEGER(cvtsd2si, 8)
TO_INTEGER(cvttsd2si, 8)

/* ---- from and to MMX registers ---- */

/*
 * The MMX operand of the host's instruction is MM0. With a memory operand
 * CVTPI2PS and CVTPI2PD leave the x87 state alone.
 */
#define FROM_MMX(id)                                                                               \
	static void id##_common(struct vcpu *cpu, const struct insn *in, uint64_t b)               \
	{                                                                                          \
		__m128i a = xmm_get(cpu, in->reg);                                                 \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id " %1, %0" : "+x"(a) : "m"(b));                                \
		sse_float_end(cpu, a, NO_TINY);                                                    \
		xmm_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	void op_##id##_r(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		mmx_check(cpu);                                                                    \
		mmx_enter(cpu);                                                                    \
		id##_common(cpu, in, mmx_get(cpu, in->rm & 7));                                    \
	}                                                                                          \
	void op_##id##_m(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		uint64_t b;                                                                        \
                                                                                                   \
		sse_check(cpu);                                                                    \
		b = mem_read64(cpu, in->seg, insn_ea(cpu, in));                                    \
		id##_common(cpu, in, b);                                                           \
	}
FROM_MMX(cvtpi2ps)
FROM_MMX(cvtpi2pd)

#define TO_MMX(id, bytes)                                                                          \
	static void id##_common(struct vcpu *cpu, const struct insn *in, __m128i b)                \
	{                                                                                          \
		uint64_t v;                                                                        \
                                                                                                   \
		sse_float_begin(cpu);                                                              \
		__asm__ volatile(#id " %1, %%mm0\n\tmovq %%mm0, %0\n\temms"                        \
				 : "=m"(v)                                                         \
				 : "x"(b)                                                          \
				 : "mm0");                                                         \
		sse_float_end(cpu, b, NO_TINY);                                                    \
		mmx_enter(cpu);                                                                    \
		mmx_set(cpu, in->reg, v);                                                          \
	}                                                                                          \
	void op_##id##_r(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		mmx_check(cpu);                                                                    \
		id##_common(cpu, in, xmm_get(cpu, in->rm));                                        \
	}                                                                                          \
	void op_##id##_m(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		mmx_check(cpu);                                                                    \
		id##_common(cpu, in, sse_read(cpu, in, bytes));                                    \
	}
TO_MMX(cvtps2pi, 8)
TO_MMX(cvttps2pi, 8)
TO_MMX(cvtpd2pi, 16)
TO_MMX(cvttpd2pi, 16)

/* ---- MXCSR itself ---- */

void op_ldmxcsr(struct vcpu *cpu, const struct insn *in)
{
	const uint32_t default_mxcsr = MXCSR_DEFAULT;
	uint32_t mxcsr;

	sse_check(cpu);
	mxcsr = mem_read32(cpu, in->seg, insn_ea(cpu, in));
	if (mxcsr & ~MXCSR_WRITABLE)
		raise_gp(cpu, 0);
	if (cpu->host_fpu & HOST_MXCSR)
		__asm__ volatile("ldmxcsr %0" : : "m"(default_mxcsr));
	cpu->host_fpu &= ~HOST_MXCSR;
	cpu->fx.mxcsr = mxcsr;
}

void op_stmxcsr(struct vcpu *cpu, const struct insn *in)
{
	uint32_t mxcsr = cpu->fx.mxcsr;

	sse_check(cpu);
	if (cpu->host_fpu & HOST_MXCSR)
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	mem_write32(cpu, in->seg, insn_ea(cpu, in), mxcsr);
}
