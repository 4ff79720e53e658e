/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task switches (SDM 3A chapter 7): by JMP, CALL, interrupt and IRET, between
 * 16-bit and 32-bit TSSs in any combination.
 *
 * Up to the commit point everything is checked and probed, so that a fault
 * belongs to the old task. From there on cpu->cur is NULL: a fault leaves EIP
 * alone and belongs to the first instruction of the new task.
 */
#include "cpu/access.h"
#include "cpu/insn.h"
#include "cpu/segment.h"
#include "cpu/transfer.h"

/* 32-bit TSS, SDM 3A figure 7-2. */
#define TSS32_CR3	0x1c
#define TSS32_EIP	0x20
#define TSS32_EFLAGS	0x24
#define TSS32_REGS	0x28
#define TSS32_SEGS	0x48
#define TSS32_LDT	0x60
#define TSS32_TRAP	0x64
#define TSS32_MIN_LIMIT 0x67
/* 16-bit TSS, figure 7-10. */
#define TSS16_IP	0x0e
#define TSS16_FLAGS	0x10
#define TSS16_REGS	0x12
#define TSS16_SEGS	0x22 /* ES CS SS DS */
#define TSS16_LDT	0x2a
#define TSS16_MIN_LIMIT 0x2b
#define TSS_LINK	0

#define TSS16_SEG_COUNT 4

/* The part of a TSS that a switch loads. */
struct task_state {
	bool has_cr3, trap;
	uint32_t cr3, eip, eflags, regs[8];
	uint16_t seg[SEG_COUNT], ldt;
};

static bool is_tss32(unsigned type)
{
	return type & TYPE_GATE32;
}

/* ---- reading and writing TSSs ---- */
static void read_state32(struct vcpu *cpu, gva_t tss, struct task_state *s)
{
	s->has_cr3 = true;
	s->cr3 = sys_read32(cpu, tss + TSS32_CR3);
	s->eip = sys_read32(cpu, tss + TSS32_EIP);
	s->eflags = sys_read32(cpu, tss + TSS32_EFLAGS);
	for (unsigned i = 0; i < 8; i++)
		s->regs[i] = sys_read32(cpu, tss + TSS32_REGS + 4 * i);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		s->seg[i] = sys_read16(cpu, tss + TSS32_SEGS + 4 * i);
	s->ldt = sys_read16(cpu, tss + TSS32_LDT);
	s->trap = sys_read16(cpu, tss + TSS32_TRAP) & 1;
}

static void read_state16(struct vcpu *cpu, gva_t tss, struct task_state *s)
{
	*s = (struct task_state){0};
	s->eip = sys_read16(cpu, tss + TSS16_IP);
	s->eflags = sys_read16(cpu, tss + TSS16_FLAGS);
	/* The upper halves are undefined; processors set them. */
	for (unsigned i = 0; i < 8; i++)
		s->regs[i] = 0xffff0000 | sys_read16(cpu, tss + TSS16_REGS + 2 * i);
	for (unsigned i = 0; i < TSS16_SEG_COUNT; i++)
		s->seg[i] = sys_read16(cpu, tss + TSS16_SEGS + 2 * i);
	s->ldt = sys_read16(cpu, tss + TSS16_LDT);
}

static void save_state32(struct vcpu *cpu, uint32_t eflags)
{
	gva_t tss = cpu->tr.base;

	sys_write32(cpu, tss + TSS32_EIP, cpu->eip);
	sys_write32(cpu, tss + TSS32_EFLAGS, eflags);
	for (unsigned i = 0; i < 8; i++)
		sys_write32(cpu, tss + TSS32_REGS + 4 * i, cpu->regs[i]);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		sys_write16(cpu, tss + TSS32_SEGS + 4 * i, cpu->seg[i].selector);
}

static void save_state16(struct vcpu *cpu, uint32_t eflags)
{
	gva_t tss = cpu->tr.base;

	sys_write16(cpu, tss + TSS16_IP, (uint16_t)cpu->eip);
	sys_write16(cpu, tss + TSS16_FLAGS, (uint16_t)eflags);
	for (unsigned i = 0; i < 8; i++)
		sys_write16(cpu, tss + TSS16_REGS + 2 * i, (uint16_t)cpu->regs[i]);
	for (unsigned i = 0; i < TSS16_SEG_COUNT; i++)
		sys_write16(cpu, tss + TSS16_SEGS + 2 * i, cpu->seg[i].selector);
}

/* Everything that is going to be touched can be. */
static void probe_tss(struct vcpu *cpu, const struct descriptor *tss, bool old32, bool new32,
		      enum task_switch_kind kind)
{
	gva_t base = desc_base(tss);

	if (old32)
		lin_probe(cpu, cpu->tr.base + TSS32_EIP, TSS32_LDT - TSS32_EIP, true, false);
	else
		lin_probe(cpu, cpu->tr.base + TSS16_IP, TSS16_LDT - TSS16_IP, true, false);
	lin_probe(cpu, base, (new32 ? TSS32_MIN_LIMIT : TSS16_MIN_LIMIT) + 1, false, false);
	if (kind == TASK_CALL)
		lin_probe(cpu, base + TSS_LINK, 2, true, false);
	lin_probe(cpu, tss->address, 8, true, false);
}

/* ---- loading the new task ---- */
static void load_cr3(struct vcpu *cpu, uint32_t cr3)
{
	if (!(cpu->cr0 & CR0_PG))
		return;
	if (cpu->cr4 & CR4_PAE && !paging_load_pdptes(cpu, cr3))
		raise_gp(cpu, 0);
	cpu->cr3 = cr3;
	tlb_flush(cpu, false);
}

static void load_ldt(struct vcpu *cpu, uint16_t selector)
{
	uint16_t error = selector & SELECTOR_ERROR;
	struct descriptor d;

	if (selector_is_null(selector))
		return;
	if (selector & SELECTOR_TI)
		raise_error(cpu, VEC_TS, error);
	descriptor_get(cpu, selector, VEC_TS, &d);
	if (!desc_is_system(&d) || desc_type(&d) != TYPE_LDT)
		raise_error(cpu, VEC_TS, error);
	if (!desc_present(&d))
		raise_error(cpu, VEC_TS, error);
	descriptor_to_segment(&d, selector, &cpu->ldtr);
}

static void load_code(struct vcpu *cpu, uint16_t selector)
{
	uint16_t error = selector & SELECTOR_ERROR;
	unsigned rpl = selector & SELECTOR_RPL;
	struct descriptor d;

	if (selector_is_null(selector))
		raise_error(cpu, VEC_TS, error);
	descriptor_get(cpu, selector, VEC_TS, &d);
	if (!desc_is_code(&d))
		raise_error(cpu, VEC_TS, error);
	if (desc_is_conforming(&d) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl)
		raise_error(cpu, VEC_TS, error);
	if (!desc_present(&d))
		raise_error(cpu, VEC_NP, error);
	descriptor_set_accessed(cpu, &d);
	descriptor_to_segment(&d, selector, &cpu->seg[CS]);
}

static void load_stack(struct vcpu *cpu, uint16_t selector)
{
	uint16_t error = selector & SELECTOR_ERROR;
	struct descriptor d;

	if (selector_is_null(selector))
		raise_error(cpu, VEC_TS, error);
	descriptor_get(cpu, selector, VEC_TS, &d);
	if (!desc_is_writable_data(&d) || desc_dpl(&d) != cpu->cpl ||
	    (selector & SELECTOR_RPL) != cpu->cpl)
		raise_error(cpu, VEC_TS, error);
	if (!desc_present(&d))
		raise_error(cpu, VEC_SS, error);
	descriptor_set_accessed(cpu, &d);
	descriptor_to_segment(&d, selector, &cpu->seg[SS]);
}

static void load_data(struct vcpu *cpu, unsigned seg, uint16_t selector)
{
	uint16_t error = selector & SELECTOR_ERROR;
	unsigned rpl = selector & SELECTOR_RPL;
	struct descriptor d;

	if (selector_is_null(selector))
		return;
	descriptor_get(cpu, selector, VEC_TS, &d);
	if (!desc_is_readable(&d))
		raise_error(cpu, VEC_TS, error);
	if (!desc_is_conforming(&d) && (rpl > desc_dpl(&d) || cpu->cpl > desc_dpl(&d)))
		raise_error(cpu, VEC_TS, error);
	if (!desc_present(&d))
		raise_error(cpu, VEC_NP, error);
	descriptor_set_accessed(cpu, &d);
	descriptor_to_segment(&d, selector, &cpu->seg[seg]);
}

/* Selectors first, all unusable: a fault among the loads finds them so. */
static void set_selectors(struct vcpu *cpu, const struct task_state *s)
{
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		cpu->seg[i].selector = s->seg[i];
		cpu->seg[i].attr &= ~DESC_P;
		segment_update(&cpu->seg[i]);
	}
	cpu->ldtr.selector = s->ldt;
	cpu->ldtr.attr &= ~DESC_P;
}

static void load_segments(struct vcpu *cpu, const struct task_state *s)
{
	static const uint8_t data[] = {ES, DS, FS, GS};

	load_ldt(cpu, s->ldt);
	if (v86_mode(cpu)) {
		for (unsigned i = 0; i < SEG_COUNT; i++)
			segment_load_real(cpu, i, s->seg[i]);
		return;
	}
	load_code(cpu, s->seg[CS]);
	load_stack(cpu, s->seg[SS]);
	for (unsigned i = 0; i < sizeof(data); i++)
		load_data(cpu, data[i], s->seg[data[i]]);
}

static void load_registers(struct vcpu *cpu, const struct task_state *s, bool nested)
{
	const uint32_t writable = FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF |
				  FL_VM | FL_AC | FL_VIF | FL_VIP | FL_ID;

	cpu->eip = s->eip;
	cpu->eflags = (s->eflags & writable) | FL_1;
	if (nested)
		cpu->eflags |= FL_NT;
	memcpy(cpu->regs, s->regs, sizeof(s->regs));
	cpu->dr[7] &= ~DR7_LOCAL;
	cpu_set_cpl(cpu, v86_mode(cpu) ? 3 : s->seg[CS] & SELECTOR_RPL);
}

void task_switch(struct vcpu *cpu, uint16_t selector, struct descriptor *tss,
		 enum task_switch_kind kind, uint32_t saved_eflags)
{
	bool new32 = is_tss32(desc_type(tss)), old32 = is_tss32(cpu->tr.attr >> 8);
	uint16_t old_selector = cpu->tr.selector;
	struct descriptor old;
	struct task_state s;

	if (desc_limit(tss) < (new32 ? TSS32_MIN_LIMIT : TSS16_MIN_LIMIT))
		raise_error(cpu, VEC_TS, selector & SELECTOR_ERROR);
	probe_tss(cpu, tss, old32, new32, kind);
	if (kind != TASK_CALL) {
		descriptor_get(cpu, old_selector, VEC_TS, &old);
		lin_probe(cpu, old.address, 8, true, false);
		descriptor_set_busy(cpu, &old, false);
	}
	if (kind == TASK_IRET)
		saved_eflags &= ~FL_NT;
	(old32 ? save_state32 : save_state16)(cpu, saved_eflags);
	(new32 ? read_state32 : read_state16)(cpu, desc_base(tss), &s);
	if (kind == TASK_CALL)
		sys_write16(cpu, desc_base(tss) + TSS_LINK, old_selector);
	if (kind != TASK_IRET)
		descriptor_set_busy(cpu, tss, true);

	/* The point of no return. */
	cpu->cur = NULL;
	cpu->cr0 |= CR0_TS;
	descriptor_to_segment(tss, selector, &cpu->tr);
	set_selectors(cpu, &s);
	load_registers(cpu, &s, kind == TASK_CALL);
	if (s.has_cr3)
		load_cr3(cpu, s.cr3);
	load_segments(cpu, &s);
	cpu->task_trap = s.trap;
}

void task_debug_trap(struct vcpu *cpu)
{
	if (!cpu->task_trap)
		return;
	cpu->task_trap = false;
	raise_debug_fault(cpu, DR6_BT);
}

void task_get_descriptor(struct vcpu *cpu, uint16_t selector, bool busy, unsigned vector,
			 struct descriptor *tss)
{
	uint16_t error = selector & SELECTOR_ERROR;
	unsigned type;

	if (selector_is_null(selector) || selector & SELECTOR_TI)
		raise_error(cpu, vector, error);
	descriptor_get(cpu, selector, vector, tss);
	type = desc_type(tss);
	if (!desc_is_system(tss) || (type & ~(TYPE_GATE32 | TYPE_BUSY)) != TYPE_TSS16 ||
	    !!(type & TYPE_BUSY) != busy)
		raise_error(cpu, vector, error);
	if (!desc_present(tss))
		raise_error(cpu, VEC_NP, error);
}

void task_return(struct vcpu *cpu)
{
	uint16_t link = sys_read16(cpu, cpu->tr.base + TSS_LINK);
	struct descriptor tss;

	task_get_descriptor(cpu, link, true, VEC_TS, &tss);
	task_switch(cpu, link, &tss, TASK_IRET, cpu->eflags);
	transfer_check_eip(cpu, cpu->seg[CS].limit, cpu->eip);
	task_debug_trap(cpu);
}
