/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operands by size: registers, read-modify-write of memory, the stack and
 * near jumps. For handlers in this folder.
 */
#ifndef CPU_OPERAND_H
#define CPU_OPERAND_H

#include "cpu/access.h"
#include "cpu/insn.h"

static inline uint8_t reg_read8(struct vcpu *cpu, unsigned n)
{
	return *reg8(cpu, n);
}
static inline void reg_write8(struct vcpu *cpu, unsigned n, uint8_t v)
{
	*reg8(cpu, n) = v;
}
static inline uint16_t reg_read16(struct vcpu *cpu, unsigned n)
{
	return (uint16_t)cpu->regs[n];
}
static inline void reg_write16(struct vcpu *cpu, unsigned n, uint16_t v)
{
	cpu->regs[n] = (cpu->regs[n] & 0xffff0000u) | v;
}
static inline uint32_t reg_read32(struct vcpu *cpu, unsigned n)
{
	return cpu->regs[n];
}
static inline void reg_write32(struct vcpu *cpu, unsigned n, uint32_t v)
{
	cpu->regs[n] = v;
}

/*
 * Memory that is read, changed and written: rmw_readN checks for the write
 * first, so that the fault of a read-only page is the only one and nothing has
 * been done; what rmw_readN allowed, rmw_writeN then does.
 */
#define RMW_FUNCTIONS(bits)                                                                        \
	static inline uint##bits##_t rmw_read##bits(struct vcpu *cpu, unsigned seg, uint32_t off,  \
						    gva_t *gva)                                    \
	{                                                                                          \
		struct tlb_entry *e;                                                               \
                                                                                                   \
		*gva = seg_write_check(cpu, seg, off, bits / 8);                                   \
		seg_read_check(cpu, seg, off, bits / 8);                                           \
		e = tlb_slot(cpu->tlb, *gva);                                                      \
		if (__builtin_expect((uint64_t)*gva - e->write > PAGE_SIZE - bits / 8, 0))         \
			access_rmw_probe(cpu, *gva, bits / 8);                                     \
		return lin_read##bits(cpu, *gva);                                                  \
	}
RMW_FUNCTIONS(8)
RMW_FUNCTIONS(16)
RMW_FUNCTIONS(32)
RMW_FUNCTIONS(64)

/* ---- stack: SS:ESP or SS:SP ---- */
static inline void stack_set(struct vcpu *cpu, uint32_t esp)
{
	uint32_t mask = stack_mask(cpu);

	cpu->regs[ESP] = (cpu->regs[ESP] & ~mask) | (esp & mask);
}
static inline void push32(struct vcpu *cpu, uint32_t v)
{
	uint32_t esp = cpu->regs[ESP] - 4;

	mem_write32(cpu, SS, esp & stack_mask(cpu), v);
	stack_set(cpu, esp);
}
static inline void push16(struct vcpu *cpu, uint16_t v)
{
	uint32_t esp = cpu->regs[ESP] - 2;

	mem_write16(cpu, SS, esp & stack_mask(cpu), v);
	stack_set(cpu, esp);
}
/* Reads the stack's top; the caller moves ESP when nothing can fault any more. */
static inline uint32_t stack_read32(struct vcpu *cpu, uint32_t displacement)
{
	return mem_read32(cpu, SS, (cpu->regs[ESP] + displacement) & stack_mask(cpu));
}
static inline uint16_t stack_read16(struct vcpu *cpu, uint32_t displacement)
{
	return mem_read16(cpu, SS, (cpu->regs[ESP] + displacement) & stack_mask(cpu));
}
static inline void stack_add(struct vcpu *cpu, uint32_t n)
{
	stack_set(cpu, cpu->regs[ESP] + n);
}

/* ---- near transfers: #GP(0) beyond the CS limit, before anything changes ---- */
static inline void check_target(struct vcpu *cpu, uint32_t target)
{
	if (__builtin_expect(target > cpu->seg[CS].limit, 0))
		raise_gp(cpu, 0);
}

#endif
