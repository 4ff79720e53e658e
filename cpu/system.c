/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions on segment registers, descriptor tables and descriptors: MOV,
 * PUSH, POP of segment registers, LDS and the like, LGDT..SIDT, LLDT..STR, LAR,
 * LSL, VERR, VERW, ARPL (SDM 2A, 2B).
 */
#include "cpu/access.h"
#include "cpu/descriptor.h"
#include "cpu/insn.h"
#include "cpu/operand16.h"
#include "cpu/segment.h"
#include "cpu/stack.h"
#include "cpu/transfer.h"

/* ---- segment registers ---- */
/* Loads of SS hold off interrupts for one instruction (SDM 3A 6.8.3). */
static void load_visible(struct vcpu *cpu, unsigned seg, uint16_t selector)
{
	segment_load(cpu, seg, selector);
	if (seg == SS)
		cpu->debug_shadow = true;
}

void op_mov_from_seg(struct vcpu *cpu, const struct insn *in)
{
	store_rm16(cpu, in, cpu->seg[in->reg].selector);
}

void op_mov_to_seg(struct vcpu *cpu, const struct insn *in)
{
	load_visible(cpu, in->reg, load_rm16(cpu, in));
}

/* Opcodes 06, 0E, 16, 1E and 0F A0, 0F A8 name the register in bits 3-5. */
static unsigned seg_of_opcode(const struct insn *in)
{
	return in->opcode >> 3 & 7 & (in->opcode & 0x80 ? 5 : 3);
}

void op_push_seg(struct vcpu *cpu, const struct insn *in)
{
	stack_push(cpu, cpu->seg[seg_of_opcode(in)].selector, in->operand32 ? 4 : 2);
}

void op_pop_seg(struct vcpu *cpu, const struct insn *in)
{
	unsigned size = in->operand32 ? 4 : 2;
	uint16_t selector = (uint16_t)stack_peek(cpu, 0, size);
	uint32_t esp = stack_add(&cpu->seg[SS], cpu->regs[ESP], size);

	load_visible(cpu, seg_of_opcode(in), selector);
	cpu->regs[ESP] = esp;
}

static void load_far_pointer(struct vcpu *cpu, const struct insn *in, unsigned seg)
{
	unsigned size = in->operand32 ? 4 : 2;
	struct far_pointer p = far_pointer_read(cpu, in, size);

	segment_load(cpu, seg, p.selector);
	memcpy(&cpu->regs[in->reg], &p.offset, size);
}

void op_les(struct vcpu *cpu, const struct insn *in)
{
	load_far_pointer(cpu, in, ES);
}

void op_lds(struct vcpu *cpu, const struct insn *in)
{
	load_far_pointer(cpu, in, DS);
}

void op_lss(struct vcpu *cpu, const struct insn *in)
{
	load_far_pointer(cpu, in, SS);
}

void op_lfs(struct vcpu *cpu, const struct insn *in)
{
	load_far_pointer(cpu, in, FS);
}

void op_lgs(struct vcpu *cpu, const struct insn *in)
{
	load_far_pointer(cpu, in, GS);
}

/* ---- GDTR and IDTR ---- */
#define BASE24 0x00ffffffu

static void load_table(struct vcpu *cpu, const struct insn *in, struct table_register *t)
{
	uint8_t image[6];
	uint16_t limit;

	if (cpu->cpl)
		raise_gp(cpu, 0);
	mem_read_bytes(cpu, in->seg, insn_ea(cpu, in), image, sizeof(image), 1);
	memcpy(&limit, image, 2);
	memcpy(&t->base, image + 2, 4);
	t->limit = limit;
	if (!in->operand32)
		t->base &= BASE24;
}

static void store_table(struct vcpu *cpu, const struct insn *in, const struct table_register *t)
{
	uint8_t image[6];

	memcpy(image, &t->limit, 2);
	memcpy(image + 2, &t->base, 4);
	mem_write_bytes(cpu, in->seg, insn_ea(cpu, in), image, sizeof(image), 4);
}

void op_lgdt(struct vcpu *cpu, const struct insn *in)
{
	load_table(cpu, in, &cpu->gdtr);
}

void op_lidt(struct vcpu *cpu, const struct insn *in)
{
	load_table(cpu, in, &cpu->idtr);
}

void op_sgdt(struct vcpu *cpu, const struct insn *in)
{
	store_table(cpu, in, &cpu->gdtr);
}

void op_sidt(struct vcpu *cpu, const struct insn *in)
{
	store_table(cpu, in, &cpu->idtr);
}

/* ---- LDTR and TR ---- */
static void require_protected(struct vcpu *cpu)
{
	if (!protected_mode(cpu))
		raise_ud(cpu);
}

/* The system descriptor of a selector that has to be in the GDT. */
static void get_system(struct vcpu *cpu, uint16_t selector, struct descriptor *d)
{
	if (selector & SELECTOR_TI)
		raise_gp(cpu, selector & SELECTOR_ERROR);
	descriptor_get(cpu, selector, VEC_GP, d);
	if (!desc_is_system(d))
		raise_gp(cpu, selector & SELECTOR_ERROR);
}

void op_sldt(struct vcpu *cpu, const struct insn *in)
{
	require_protected(cpu);
	store_rm16(cpu, in, cpu->ldtr.selector);
}

void op_str(struct vcpu *cpu, const struct insn *in)
{
	require_protected(cpu);
	store_rm16(cpu, in, cpu->tr.selector);
}

void op_lldt(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;
	uint16_t selector;

	require_protected(cpu);
	if (cpu->cpl)
		raise_gp(cpu, 0);
	selector = load_rm16(cpu, in);
	if (selector_is_null(selector)) {
		cpu->ldtr.selector = selector;
		cpu->ldtr.attr &= ~DESC_P;
		return;
	}
	get_system(cpu, selector, &d);
	if (desc_type(&d) != TYPE_LDT)
		raise_gp(cpu, selector & SELECTOR_ERROR);
	if (!desc_present(&d))
		raise_error(cpu, VEC_NP, selector & SELECTOR_ERROR);
	descriptor_to_segment(&d, selector, &cpu->ldtr);
}

void op_ltr(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;
	uint16_t selector;

	require_protected(cpu);
	if (cpu->cpl)
		raise_gp(cpu, 0);
	selector = load_rm16(cpu, in);
	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	get_system(cpu, selector, &d);
	if (desc_type(&d) != TYPE_TSS16 && desc_type(&d) != TYPE_TSS32)
		raise_gp(cpu, selector & SELECTOR_ERROR);
	if (!desc_present(&d))
		raise_error(cpu, VEC_NP, selector & SELECTOR_ERROR);
	descriptor_set_busy(cpu, &d, true);
	descriptor_to_segment(&d, selector, &cpu->tr);
}

/* ---- LAR, LSL, VERR, VERW: looking at descriptors without loading them ---- */
/* What LAR shows: attributes and, undocumented, the limit's upper bits. */
#define LAR_MASK 0x00ffff00u

static void set_zf(struct vcpu *cpu, bool on)
{
	cpu->eflags = on ? cpu->eflags | FL_ZF : cpu->eflags & ~FL_ZF;
}

/* May the current privilege see the descriptor? Conforming code: always. */
static bool visible(const struct vcpu *cpu, uint16_t selector, const struct descriptor *d)
{
	return desc_is_conforming(d) ||
	       (desc_dpl(d) >= cpu->cpl && desc_dpl(d) >= (selector & SELECTOR_RPL));
}

/* system_types: bit n set when the instruction knows system type n. */
static bool inspect(struct vcpu *cpu, uint16_t selector, unsigned system_types,
		    struct descriptor *d)
{
	if (selector_is_null(selector) || !descriptor_read(cpu, selector, d))
		return false;
	if (desc_is_system(d) && !(system_types >> desc_type(d) & 1))
		return false;
	return visible(cpu, selector, d);
}

#define LSL_TYPES                                                                                  \
	(1u << TYPE_TSS16 | 1u << TYPE_LDT | 1u << TYPE_TSS16_BUSY | 1u << TYPE_TSS32 |            \
	 1u << TYPE_TSS32_BUSY)
#define LAR_TYPES                                                                                  \
	(LSL_TYPES | 1u << TYPE_CALL_GATE16 | 1u << TYPE_TASK_GATE | 1u << TYPE_CALL_GATE32)

static void store_reg(struct vcpu *cpu, const struct insn *in, uint32_t value)
{
	memcpy(&cpu->regs[in->reg], &value, in->operand32 ? 4 : 2);
}

void op_lar(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;
	bool ok;

	require_protected(cpu);
	ok = inspect(cpu, load_rm16(cpu, in), LAR_TYPES, &d);
	set_zf(cpu, ok);
	if (ok)
		store_reg(cpu, in, d.high & LAR_MASK);
}

void op_lsl(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;
	bool ok;

	require_protected(cpu);
	ok = inspect(cpu, load_rm16(cpu, in), LSL_TYPES, &d);
	set_zf(cpu, ok);
	if (ok)
		store_reg(cpu, in, desc_limit(&d));
}

void op_verr(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;

	require_protected(cpu);
	set_zf(cpu, inspect(cpu, load_rm16(cpu, in), 0, &d) && desc_is_readable(&d));
}

void op_verw(struct vcpu *cpu, const struct insn *in)
{
	struct descriptor d;

	require_protected(cpu);
	set_zf(cpu, inspect(cpu, load_rm16(cpu, in), 0, &d) && desc_is_writable_data(&d));
}

void op_arpl(struct vcpu *cpu, const struct insn *in)
{
	uint16_t rpl = cpu->regs[in->reg] & SELECTOR_RPL, selector;

	require_protected(cpu);
	selector = load_rm16(cpu, in);
	if ((selector & SELECTOR_RPL) >= rpl) {
		set_zf(cpu, false);
		return;
	}
	selector = (uint16_t)((selector & ~SELECTOR_RPL) | rpl);
	if (in->rm_is_memory)
		mem_write16(cpu, in->seg, insn_ea(cpu, in), selector);
	else
		memcpy(&cpu->regs[in->rm], &selector, 2);
	set_zf(cpu, true);
}
