/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stack frames of far transfers and interrupts. */
#include "cpu/stack.h"

static uint32_t segment_stack_mask(const struct segment *ss)
{
	return ss->attr & DESC_DB ? 0xffffffffu : 0xffffu;
}

uint32_t stack_add(const struct segment *ss, uint32_t esp, uint32_t n)
{
	uint32_t mask = segment_stack_mask(ss);

	return (esp & ~mask) | ((esp + n) & mask);
}

void frame_start(struct vcpu *cpu, struct frame *f, unsigned size)
{
	f->ss = &cpu->seg[SS];
	f->esp = cpu->regs[ESP];
	f->size = size;
	f->user = cpu->cpl == 3;
	f->error = 0;
	f->count = 0;
}

/* Offset of item n. */
static uint32_t item_offset(const struct frame *f, unsigned n)
{
	return (f->esp - f->size * (n + 1)) & segment_stack_mask(f->ss);
}

static void check_page(struct vcpu *cpu, struct tlb_entry *view, gva_t gva, const struct frame *f)
{
	if (f->user)
		access_check_alignment(cpu, gva, f->size);
	if ((uint64_t)gva - tlb_slot(view, gva)->write > PAGE_SIZE - f->size)
		lin_probe(cpu, gva, f->size, true, f->user);
}

void frame_check(struct vcpu *cpu, const struct frame *f)
{
	struct tlb_entry *view = cpu->tlb_views[f->user ? TLB_USER : TLB_SUPERVISOR];

	for (unsigned i = 0; i < f->count; i++) {
		uint32_t off = item_offset(f, i), last = off + (f->size - 1);

		if (off < f->ss->lo_write || last > f->ss->hi_write || last < off)
			raise_error(cpu, VEC_SS, f->error);
		if (f->user && cpu->align_check && (f->ss->base + off) & (f->size - 1u))
			raise_error(cpu, VEC_AC, 0);
		check_page(cpu, view, f->ss->base + off, f);
	}
}

uint32_t frame_write(struct vcpu *cpu, const struct frame *f)
{
	struct tlb_entry *view = cpu->tlb_views[f->user ? TLB_USER : TLB_SUPERVISOR];

	for (unsigned i = 0; i < f->count; i++) {
		gva_t gva = f->ss->base + item_offset(f, i);

		if (f->size == 4)
			view_write32(cpu, view, gva, f->items[i], f->user);
		else
			view_write16(cpu, view, gva, (uint16_t)f->items[i], f->user);
	}
	return stack_add(f->ss, f->esp, -(f->size * f->count));
}

uint32_t stack_peek(struct vcpu *cpu, uint32_t offset, unsigned size)
{
	uint32_t off = (cpu->regs[ESP] + offset) & stack_mask(cpu);

	return size == 4 ? mem_read32(cpu, SS, off) : mem_read16(cpu, SS, off);
}

void stack_push(struct vcpu *cpu, uint32_t value, unsigned size)
{
	uint32_t off = (cpu->regs[ESP] - size) & stack_mask(cpu);

	if (size == 4)
		mem_write32(cpu, SS, off, value);
	else
		mem_write16(cpu, SS, off, (uint16_t)value);
	cpu->regs[ESP] = stack_add(&cpu->seg[SS], cpu->regs[ESP], -size);
}
