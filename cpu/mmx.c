/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMX instructions (SDM 1 chapter 9), with those that SSE and SSSE3 added on
 * MMX registers. The registers are cpu->fx.st; the host's MM0 and MM1 serve
 * for one instruction at a time and are given back by EMMS.
 *
 * Every handler checks, reads memory, and only then makes the x87 registers
 * MMX registers, so that a fault changes nothing.
 */
#include "cpu/host_fpu.h"

#define MMX_OP(id, a, b)                                                                           \
	__asm__ volatile("movq %0, %%mm0\n\tmovq %1, %%mm1\n\t" #id " %%mm1, %%mm0\n\t"            \
			 "movq %%mm0, %0\n\temms"                                                  \
			 : "+m"(a)                                                                 \
			 : "m"(b)                                                                  \
			 : "mm0", "mm1")

#define MMX_INT(map, opcode, id, bytes)                                                            \
	static inline void id##_common(struct vcpu *cpu, const struct insn *in, uint64_t b)        \
	{                                                                                          \
		uint64_t a = mmx_get(cpu, in->reg);                                                \
                                                                                                   \
		MMX_OP(id, a, b);                                                                  \
		mmx_set(cpu, in->reg, a);                                                          \
	}                                                                                          \
	void op_mmx_##id##_r(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		mmx_check(cpu);                                                                    \
		mmx_enter(cpu);                                                                    \
		id##_common(cpu, in, mmx_get(cpu, in->rm));                                        \
	}                                                                                          \
	void op_mmx_##id##_m(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		uint64_t b;                                                                        \
                                                                                                   \
		mmx_check(cpu);                                                                    \
		b = mmx_read(cpu, in, bytes);                                                      \
		mmx_enter(cpu);                                                                    \
		id##_common(cpu, in, b);                                                           \
	}

#define SSE_SHIFT(opcode, ext, id)                                                                 \
	void op_mmx_##id##_imm(struct vcpu *cpu, const struct insn *in)                            \
	{                                                                                          \
		uint64_t a, count = in->imm & 0xff;                                                \
                                                                                                   \
		mmx_check(cpu);                                                                    \
		mmx_enter(cpu);                                                                    \
		a = mmx_get(cpu, in->rm);                                                          \
		MMX_OP(id, a, count);                                                              \
		mmx_set(cpu, in->rm, a);                                                           \
	}

static inline uint64_t mmx_read(struct vcpu *cpu, const struct insn *in, unsigned bytes)
{
	uint32_t ea = insn_ea(cpu, in);

	return bytes == 4 ? mem_read32(cpu, in->seg, ea) : mem_read64(cpu, in->seg, ea);
}

#define INSN(...)
#include "cpu/table_simd.h"

/* EMMS empties all registers and, as every MMX instruction, sets TOP to 0. */
void op_emms(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	cpu->fx.ftw = 0;
}

/* ---- moves ---- */

/* Checks, and the operand Qq or Ed; MMX registers from here on. */
static uint64_t source64(struct vcpu *cpu, const struct insn *in)
{
	uint64_t v = 0;

	mmx_check(cpu);
	if (in->rm_is_memory)
		v = mmx_read(cpu, in, 8);
	mmx_enter(cpu);
	return in->rm_is_memory ? v : mmx_get(cpu, in->rm);
}

static uint32_t source32(struct vcpu *cpu, const struct insn *in)
{
	uint32_t v;

	mmx_check(cpu);
	v = in->rm_is_memory ? (uint32_t)mmx_read(cpu, in, 4) : cpu->regs[in->rm];
	mmx_enter(cpu);
	return v;
}

#define BOTH_FORMS(id)                                                                             \
	void op_##id##_r(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		id##_common(cpu, in);                                                              \
	}                                                                                          \
	void op_##id##_m(struct vcpu *cpu, const struct insn *in)                                  \
	{                                                                                          \
		id##_common(cpu, in);                                                              \
	}

static inline void mmx_load_common(struct vcpu *cpu, const struct insn *in)
{
	uint64_t v = source64(cpu, in);

	mmx_set(cpu, in->reg, v);
}
BOTH_FORMS(mmx_load)

static inline void mmx_from_r32_common(struct vcpu *cpu, const struct insn *in)
{
	uint32_t v = source32(cpu, in);

	mmx_set(cpu, in->reg, v);
}
BOTH_FORMS(mmx_from_r32)

void op_mmx_store_r(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	mmx_set(cpu, in->rm, mmx_get(cpu, in->reg));
}

/* A register as it will be after mmx_enter(), before a write that may fault. */
static uint64_t peek(const struct vcpu *cpu, unsigned n)
{
	return mmx_get(cpu, (n - (cpu->fx.fsw >> FSW_TOP_SHIFT)) & 7);
}

void op_mmx_store_m(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mem_write64(cpu, in->seg, insn_ea(cpu, in), peek(cpu, in->reg));
	mmx_enter(cpu);
}

void op_mmx_to_r32_r(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	cpu->regs[in->rm] = (uint32_t)mmx_get(cpu, in->reg);
}

void op_mmx_to_r32_m(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mem_write32(cpu, in->seg, insn_ea(cpu, in), (uint32_t)peek(cpu, in->reg));
	mmx_enter(cpu);
}

/* MASKMOVQ: bytes whose mask bit 7 is set go to DS:EDI. */
void op_maskmovq(struct vcpu *cpu, const struct insn *in)
{
	uint32_t address = cpu->regs[EDI] & in->address_mask;
	uint64_t v, mask;

	mmx_check(cpu);
	v = peek(cpu, in->reg);
	mask = peek(cpu, in->rm);
	mem_probe_write(cpu, in->seg, address, 8, 8);
	for (unsigned i = 0; i < 8; i++)
		if (mask >> (8 * i + 7) & 1)
			mem_write8(cpu, in->seg, address + i, (uint8_t)(v >> 8 * i));
	mmx_enter(cpu);
}

/* Between the register files: SSE instructions that need MMX state too. */
void op_movq2dq(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	mmx_check(cpu);
	mmx_enter(cpu);
	xmm_set(cpu, in->reg, _mm_cvtsi64_si128((int64_t)mmx_get(cpu, in->rm)));
}

void op_movdq2q(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	mmx_check(cpu);
	mmx_enter(cpu);
	mmx_set(cpu, in->reg, (uint64_t)_mm_cvtsi128_si64(xmm_get(cpu, in->rm)));
}

/* ---- words, bytes and masks ---- */

static inline void pshufw_common(struct vcpu *cpu, const struct insn *in)
{
	uint64_t from = source64(cpu, in), to = 0;

	for (unsigned i = 0; i < 4; i++)
		to |= (from >> 16 * (in->imm >> 2 * i & 3) & 0xffff) << 16 * i;
	mmx_set(cpu, in->reg, to);
}
BOTH_FORMS(pshufw)

/* The high half of destination:source, shifted right by imm8 bytes. */
static inline void mmx_palignr_common(struct vcpu *cpu, const struct insn *in)
{
	uint64_t source = source64(cpu, in);
	unsigned shift = in->imm & 0xff;
	uint8_t bytes[24] = {0};
	uint64_t high = mmx_get(cpu, in->reg);

	memcpy(bytes, &source, 8);
	memcpy(bytes + 8, &high, 8);
	memcpy(&high, bytes + (shift > 16 ? 16 : shift), 8);
	mmx_set(cpu, in->reg, high);
}
BOTH_FORMS(mmx_palignr)

static void insert_word(struct vcpu *cpu, const struct insn *in, uint16_t word)
{
	memcpy(cpu->fx.st[in->reg] + 2 * (in->imm & 3), &word, 2);
	mmx_set(cpu, in->reg, mmx_get(cpu, in->reg));
}

void op_mmx_pinsrw_r(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	insert_word(cpu, in, (uint16_t)cpu->regs[in->rm]);
}

void op_mmx_pinsrw_m(struct vcpu *cpu, const struct insn *in)
{
	uint16_t word;

	mmx_check(cpu);
	word = mem_read16(cpu, in->seg, insn_ea(cpu, in));
	mmx_enter(cpu);
	insert_word(cpu, in, word);
}

void op_mmx_pextrw(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	cpu->regs[in->reg] = mmx_get(cpu, in->rm) >> 16 * (in->imm & 3) & 0xffff;
}

void op_mmx_pmovmskb(struct vcpu *cpu, const struct insn *in)
{
	mmx_check(cpu);
	mmx_enter(cpu);
	cpu->regs[in->reg] =
	    (uint32_t)_mm_movemask_epi8(_mm_cvtsi64_si128((int64_t)mmx_get(cpu, in->rm)));
}
