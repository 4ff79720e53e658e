/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE moves: loads, stores, halves and elements of XMM registers, masks, and
 * the instructions about caches and ordering, which have nothing to do here:
 * the guest has one processor, and devices see memory in program order.
 */
#include "cpu/host_fpu.h"

/* ---- whole registers ---- */

static void copy_register(struct vcpu *cpu, unsigned to, unsigned from)
{
	sse_check(cpu);
	xmm_set(cpu, to, xmm_get(cpu, from));
}

void op_sse_load_r(struct vcpu *cpu, const struct insn *in)
{
	copy_register(cpu, in->reg, in->rm);
}
void op_sse_loadu_r(struct vcpu *cpu, const struct insn *in)
{
	copy_register(cpu, in->reg, in->rm);
}
void op_sse_store_r(struct vcpu *cpu, const struct insn *in)
{
	copy_register(cpu, in->rm, in->reg);
}
void op_sse_storeu_r(struct vcpu *cpu, const struct insn *in)
{
	copy_register(cpu, in->rm, in->reg);
}
void op_sse_load_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read_aligned(cpu, in));
}
void op_sse_loadu_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read_unaligned(cpu, in));
}
void op_sse_store_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	sse_write_aligned(cpu, in, xmm_get(cpu, in->reg));
}
void op_sse_storeu_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	sse_write_unaligned(cpu, in, xmm_get(cpu, in->reg));
}

/* ---- parts: a load from memory clears the rest, a register form keeps it ---- */

static void copy_bytes(struct vcpu *cpu, unsigned to, unsigned from, unsigned size)
{
	sse_check(cpu);
	memmove(cpu->fx.xmm[to], cpu->fx.xmm[from], size);
}

static uint64_t element64(const struct vcpu *cpu, unsigned reg, unsigned n)
{
	uint64_t v;

	memcpy(&v, cpu->fx.xmm[reg] + 8 * n, sizeof(v));
	return v;
}
static uint32_t element32(const struct vcpu *cpu, unsigned reg, unsigned n)
{
	uint32_t v;

	memcpy(&v, cpu->fx.xmm[reg] + 4 * n, sizeof(v));
	return v;
}

void op_sse_load_ss_r(struct vcpu *cpu, const struct insn *in)
{
	copy_bytes(cpu, in->reg, in->rm, 4);
}
void op_sse_store_ss_r(struct vcpu *cpu, const struct insn *in)
{
	copy_bytes(cpu, in->rm, in->reg, 4);
}
void op_sse_load_sd_r(struct vcpu *cpu, const struct insn *in)
{
	copy_bytes(cpu, in->reg, in->rm, 8);
}
void op_sse_store_sd_r(struct vcpu *cpu, const struct insn *in)
{
	copy_bytes(cpu, in->rm, in->reg, 8);
}
void op_sse_load_ss_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read(cpu, in, 4));
}
void op_sse_load_sd_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read(cpu, in, 8));
}
void op_sse_store_ss_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	mem_write32(cpu, in->seg, insn_ea(cpu, in), element32(cpu, in->reg, 0));
}
static void store_half(struct vcpu *cpu, const struct insn *in, unsigned half)
{
	sse_check(cpu);
	mem_write64(cpu, in->seg, insn_ea(cpu, in), element64(cpu, in->reg, half));
}
void op_sse_store_sd_m(struct vcpu *cpu, const struct insn *in)
{
	store_half(cpu, in, 0);
}

/* MOVQ: both forms clear the upper half of the destination. */
void op_sse_load_q_r(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, _mm_move_epi64(xmm_get(cpu, in->rm)));
}
void op_sse_load_q_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read(cpu, in, 8));
}
void op_sse_store_q_r(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->rm, _mm_move_epi64(xmm_get(cpu, in->reg)));
}
void op_sse_store_q_m(struct vcpu *cpu, const struct insn *in)
{
	store_half(cpu, in, 0);
}

static void load_half(struct vcpu *cpu, const struct insn *in, unsigned half)
{
	uint64_t v;

	sse_check(cpu);
	v = mem_read64(cpu, in->seg, insn_ea(cpu, in));
	memcpy(cpu->fx.xmm[in->reg] + 8 * half, &v, sizeof(v));
}
void op_sse_load_low(struct vcpu *cpu, const struct insn *in)
{
	load_half(cpu, in, 0);
}
void op_sse_load_high(struct vcpu *cpu, const struct insn *in)
{
	load_half(cpu, in, 1);
}
void op_sse_store_low(struct vcpu *cpu, const struct insn *in)
{
	store_half(cpu, in, 0);
}
void op_sse_store_high(struct vcpu *cpu, const struct insn *in)
{
	store_half(cpu, in, 1);
}
void op_movhlps(struct vcpu *cpu, const struct insn *in)
{
	uint64_t v = element64(cpu, in->rm, 1);

	sse_check(cpu);
	memcpy(cpu->fx.xmm[in->reg], &v, sizeof(v));
}
void op_movlhps(struct vcpu *cpu, const struct insn *in)
{
	uint64_t v = element64(cpu, in->rm, 0);

	sse_check(cpu);
	memcpy(cpu->fx.xmm[in->reg] + 8, &v, sizeof(v));
}

/* ---- general registers ---- */

void op_sse_from_r32_r(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, _mm_cvtsi32_si128((int32_t)cpu->regs[in->rm]));
}
void op_sse_from_r32_m(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	xmm_set(cpu, in->reg, sse_read(cpu, in, 4));
}
void op_sse_to_r32_r(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	cpu->regs[in->rm] = element32(cpu, in->reg, 0);
}
void op_sse_to_r32_m(struct vcpu *cpu, const struct insn *in)
{
	op_sse_store_ss_m(cpu, in);
}

static unsigned sign_bits(const struct vcpu *cpu, unsigned reg, unsigned size)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 16 / size; i++)
		mask |= (unsigned)(cpu->fx.xmm[reg][i * size + size - 1] >> 7) << i;
	return mask;
}
void op_movmskps(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	cpu->regs[in->reg] = sign_bits(cpu, in->rm, 4);
}
void op_movmskpd(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	cpu->regs[in->reg] = sign_bits(cpu, in->rm, 8);
}
void op_sse_pmovmskb(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	cpu->regs[in->reg] = (uint32_t)_mm_movemask_epi8(xmm_get(cpu, in->rm));
}

/* ---- elements ---- */

static unsigned byte_offset(const struct insn *in, unsigned size)
{
	return (in->imm & (16 / size - 1)) * size;
}

static void insert(struct vcpu *cpu, const struct insn *in, const void *v, unsigned size)
{
	memcpy(cpu->fx.xmm[in->reg] + byte_offset(in, size), v, size);
}

/* The element chosen by imm8 of register reg, zero-extended. */
static uint32_t extract(const struct vcpu *cpu, const struct insn *in, unsigned reg, unsigned size)
{
	uint32_t v = 0;

	memcpy(&v, cpu->fx.xmm[reg] + byte_offset(in, size), size);
	return v;
}

#define INSERT(id, bits)                                                                           \
	void op_sse_##id##_r(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		insert(cpu, in, &cpu->regs[in->rm], bits / 8);                                     \
	}                                                                                          \
	void op_sse_##id##_m(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		uint##bits##_t v;                                                                  \
                                                                                                   \
		sse_check(cpu);                                                                    \
		v = mem_read##bits(cpu, in->seg, insn_ea(cpu, in));                                \
		insert(cpu, in, &v, bits / 8);                                                     \
	}
INSERT(pinsrb, 8)
INSERT(pinsrw, 16)
INSERT(pinsrd, 32)

#define EXTRACT(id, bits)                                                                          \
	void op_sse_##id##_r(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		cpu->regs[in->rm] = extract(cpu, in, in->reg, bits / 8);                           \
	}                                                                                          \
	void op_sse_##id##_m(struct vcpu *cpu, const struct insn *in)                              \
	{                                                                                          \
		sse_check(cpu);                                                                    \
		mem_write##bits(cpu, in->seg, insn_ea(cpu, in),                                    \
				(uint##bits##_t)extract(cpu, in, in->reg, bits / 8));              \
	}
EXTRACT(pextrb, 8)
EXTRACT(pextrw_store, 16)
EXTRACT(pextrd, 32)

/* The older PEXTRW names its operands the other way round. */
void op_sse_pextrw(struct vcpu *cpu, const struct insn *in)
{
	sse_check(cpu);
	cpu->regs[in->reg] = extract(cpu, in, in->rm, 2);
}

/* ---- stores past the caches, and ordering ---- */

void op_movnti(struct vcpu *cpu, const struct insn *in)
{
	mem_write32(cpu, in->seg, insn_ea(cpu, in), cpu->regs[in->reg]);
}

/* MASKMOVDQU: bytes whose mask bit 7 is set go to DS:EDI. */
void op_maskmovdqu(struct vcpu *cpu, const struct insn *in)
{
	uint32_t address = cpu->regs[EDI] & in->address_mask;

	sse_check(cpu);
	mem_probe_write(cpu, in->seg, address, 16, 8);
	for (unsigned i = 0; i < 16; i++)
		if (cpu->fx.xmm[in->rm][i] & 0x80)
			mem_write8(cpu, in->seg, address + i, cpu->fx.xmm[in->reg][i]);
}

/*
 * Faults as a read of the byte would, but an execute-only segment will do (SDM
 * 2A CLFLUSH).
 */
void op_clflush(struct vcpu *cpu, const struct insn *in)
{
	const struct segment *s = &cpu->seg[in->seg];
	uint32_t ea = insn_ea(cpu, in);

	if ((s->attr & (DESC_P | DESC_CODE)) == (DESC_P | DESC_CODE) && ea <= s->limit)
		lin_probe(cpu, s->base + ea, 1, false, cpu->cpl == 3);
	else
		mem_probe_read(cpu, in->seg, ea, 1, 1);
}

void op_fence(struct vcpu *cpu, const struct insn *in)
{
}
