/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What x87.c, simd_*.c and mmx.c share: the stubs of host_fpu.S, the check
 * before each class of instruction, and fast paths for wide memory operands.
 *
 * Vector types here are integers only; see cpu/fpu.h on floating point.
 */
#ifndef CPU_HOST_FPU_H
#define CPU_HOST_FPU_H

#include <emmintrin.h>

#include "cpu/access.h"
#include "cpu/fpu.h"
#include "cpu/insn.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

/* ---- stubs, host_fpu.S ---- */
#define HOST_X87_STUB 4 /* bytes a stub */
#define HOST_IMM_STUB 8

typedef void host_x87_fn(void *memory_operand);
/* D8-DF with ModRM C0-FF, and D8-DF /0-7 on the memory given. */
extern const uint8_t host_x87_register[8 * 64 * HOST_X87_STUB];
extern const uint8_t host_x87_memory[8 * 8 * HOST_X87_STUB];
/*
 * Calls a stub with SF ZF AF PF CF as in the low byte of flags and OF clear;
 * returns flags with the bits as the instruction left them, OF in bit 8.
 */
uint32_t host_x87_with_flags(host_x87_fn *stub, uint32_t flags);

/* xmm0 op= xmm1 with imm8: 256 stubs for each such instruction. */
typedef __m128i host_imm_fn(__m128i a, __m128i b);
/*
 * PCMPxSTRx: runs the stub with EAX and EDX as given. The one returns ECX, the
 * other XMM0; *flags gets the host's EFLAGS.
 */
uint32_t host_string_index(__m128i a, __m128i b, uint32_t eax, uint32_t edx, host_imm_fn *stub,
			   uint64_t *flags);
__m128i host_string_mask(__m128i a, __m128i b, uint32_t eax, uint32_t edx, host_imm_fn *stub,
			 uint64_t *flags);

static inline host_imm_fn *host_imm_stub(const uint8_t *table, uint32_t imm)
{
	return (host_imm_fn *)(uintptr_t)(table + (imm & 0xff) * HOST_IMM_STUB);
}

/* ---- x87_state.c ---- */
/* Brings x87 state back to cpu->fx, leaving MXCSR where it is. */
void x87_sync(struct vcpu *cpu);
/* Loads x87 state into the host's registers. */
void x87_load(struct vcpu *cpu);
/* Turns the register stack so that physical register top is ST(0). */
void x87_set_top(struct fxsave_image *fx, unsigned top);
/* Sets ES and B from the exception flags and masks; drops FERR# if clear. */
void x87_update_error(struct vcpu *cpu);
/*
 * An exception is pending at a waiting instruction: unwinds with #MF, or by
 * way of FERR#. Returns only when IGNNE# is asserted.
 */
void x87_error(struct vcpu *cpu);
/* FSW.TOP = 0 and all tags valid, as every MMX instruction does. */
void mmx_enter(struct vcpu *cpu);
/* Checks before an MMX instruction; x87 state is in cpu->fx afterwards. */
void mmx_check(struct vcpu *cpu);

/* ---- simd_float.c ---- */
_Noreturn void sse_unavailable(struct vcpu *cpu);
void sse_float_prepare(struct vcpu *cpu);

/* Elements of a result that can be tiny, for the underflow exception. */
enum sse_result { NO_TINY, F32_1, F32_4, F64_1, F64_2 };
void sse_float_finish(struct vcpu *cpu, __m128i result, enum sse_result kind);

/* Exceptions found before the result is computed; then the others are not looked for. */
#define PRE_COMPUTATION	 (FSW_IE | FSW_DE | FSW_ZE)
#define POST_COMPUTATION (FSW_OE | FSW_UE)

/* ---- simd_trap.c: the instruction is cpu->cur ---- */
/* Whether it is a dot product, whose flags only sse_trap_flags() knows. */
bool sse_flags_in_steps(const struct insn *in);
/*
 * The flags that it raises, where the guest has not masked all. run: the MXCSR
 * to compute with, all masked and no flags. May unwind. The host's MXCSR is
 * the default one afterwards.
 */
uint32_t sse_trap_flags(struct vcpu *cpu, enum sse_result kind, uint32_t run);

/* #UD or #NM before an instruction on XMM registers or MXCSR. */
static inline void sse_check(struct vcpu *cpu)
{
	if (unlikely((cpu->cr0 & (CR0_EM | CR0_TS)) | (~cpu->cr4 & CR4_OSFXSR)))
		sse_unavailable(cpu);
}

/*
 * Brackets around one host instruction that uses MXCSR. With all exceptions
 * masked the guest's MXCSR stays in the host's; otherwise the instruction
 * runs masked, and finish() unwinds with #XM (or #UD) if it would have
 * faulted. The caller changes no state before finish().
 */
static inline void sse_float_begin(struct vcpu *cpu)
{
	if (unlikely(!(cpu->host_fpu & HOST_MXCSR)))
		sse_float_prepare(cpu);
}
static inline void sse_float_end(struct vcpu *cpu, __m128i result, enum sse_result kind)
{
	if (unlikely(!(cpu->host_fpu & HOST_MXCSR)))
		sse_float_finish(cpu, result, kind);
}

/* ---- registers ---- */
static inline __m128i xmm_get(const struct vcpu *cpu, unsigned n)
{
	return _mm_loadu_si128((const __m128i_u *)cpu->fx.xmm[n]);
}
static inline void xmm_set(struct vcpu *cpu, unsigned n, __m128i v)
{
	_mm_storeu_si128((__m128i_u *)cpu->fx.xmm[n], v);
}
static inline uint64_t mmx_get(const struct vcpu *cpu, unsigned n)
{
	uint64_t v;

	memcpy(&v, cpu->fx.st[n], sizeof(v));
	return v;
}
/* After mmx_enter(): ST(n) is MMn. The exponent becomes all ones. */
static inline void mmx_set(struct vcpu *cpu, unsigned n, uint64_t v)
{
	memcpy(cpu->fx.st[n], &v, sizeof(v));
	memset(cpu->fx.st[n] + 8, 0xff, 2);
}

/* ---- wide memory operands ---- */
/* As mem_probe_write(), but quick on a TLB hit; checks alignment too. */
static inline void wide_probe_write(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size)
{
	gva_t gva = seg_write_check(cpu, seg, off, size);

	if ((uint64_t)gva - tlb_slot(cpu->tlb, gva)->write <= PAGE_SIZE - size)
		return;
	access_check_alignment(cpu, gva, size > 8 ? 8 : size);
	lin_probe(cpu, gva, size, true, cpu->cpl == 3);
}

static inline __m128i lin_read128(struct vcpu *cpu, gva_t gva)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb, gva);
	__m128i v;

	if (unlikely((uint64_t)gva - e->read > PAGE_SIZE - sizeof(v))) {
		access_check_alignment(cpu, gva, sizeof(v));
		lin_read_bytes(cpu, gva, &v, sizeof(v));
	} else {
		memcpy(&v, (void *)(e->host + gva), sizeof(v));
	}
	return v;
}

static inline void lin_write128(struct vcpu *cpu, gva_t gva, __m128i v)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb, gva);

	if (unlikely((uint64_t)gva - e->write > PAGE_SIZE - sizeof(v))) {
		access_check_alignment(cpu, gva, sizeof(v));
		lin_write_bytes(cpu, gva, &v, sizeof(v));
	} else {
		memcpy((void *)(e->host + gva), &v, sizeof(v));
	}
}

/* The memory operand of in: 16 bytes at any address. */
static inline __m128i sse_read_unaligned(struct vcpu *cpu, const struct insn *in)
{
	return lin_read128(cpu, seg_read_check(cpu, in->seg, insn_ea(cpu, in), 16));
}
static inline void sse_write_unaligned(struct vcpu *cpu, const struct insn *in, __m128i v)
{
	lin_write128(cpu, seg_write_check(cpu, in->seg, insn_ea(cpu, in), 16), v);
}

/*
 * 16 bytes that must be aligned: #GP(0) (SDM 3A 6.15, interrupt 13). As on the
 * chip it comes before the #SS(0) of a stack segment that ends in the operand.
 */
static inline uint32_t sse_aligned_ea(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = insn_ea(cpu, in);

	if (unlikely((cpu->seg[in->seg].base + ea) & 15))
		raise_gp(cpu, 0);
	return ea;
}
static inline __m128i sse_read_aligned(struct vcpu *cpu, const struct insn *in)
{
	return lin_read128(cpu, seg_read_check(cpu, in->seg, sse_aligned_ea(cpu, in), 16));
}
static inline void sse_write_aligned(struct vcpu *cpu, const struct insn *in, __m128i v)
{
	lin_write128(cpu, seg_write_check(cpu, in->seg, sse_aligned_ea(cpu, in), 16), v);
}

/* 2, 4, 8 or 16 bytes into the low end; bytes is a constant. */
static inline __m128i sse_read(struct vcpu *cpu, const struct insn *in, unsigned bytes)
{
	if (bytes == 16)
		return sse_read_aligned(cpu, in);
	if (bytes == 8)
		return _mm_cvtsi64_si128((int64_t)mem_read64(cpu, in->seg, insn_ea(cpu, in)));
	if (bytes == 4)
		return _mm_cvtsi32_si128((int32_t)mem_read32(cpu, in->seg, insn_ea(cpu, in)));
	return _mm_cvtsi32_si128(mem_read16(cpu, in->seg, insn_ea(cpu, in)));
}

/* a op= b in two forms, both through id##_common: b from a register and from memory. */
#define XMM_BOTH_FORMS(id, bytes)                                                                      \
	void op_sse_##id##_r(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		id##_common(cpu, in, xmm_get(cpu, in->rm));                                        \
	}                                                                                          \
	void op_sse_##id##_m(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		id##_common(cpu, in, sse_read(cpu, in, bytes));                                    \
	}

#endif
