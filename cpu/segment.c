/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment registers: what a load checks (SDM 2B MOV, 3A 5.6), what real and
 * virtual-8086 mode load, and the state derived from privilege and mode.
 */
#include "cpu/segment.h"

#include "cpu/access.h"
#include "cpu/descriptor.h"

/* What a load sets in real mode besides the base: writable data, present. */
#define ATTR_REAL (DESC_P | DESC_S | DESC_RW | DESC_ACCESSED)

/* Nothing passes. */
static void forbid(uint32_t *lo, uint32_t *hi)
{
	*lo = 1;
	*hi = 0;
}

static enum seg_kind data_kind(const struct segment *s)
{
	if (s->lo | s->lo_write || (s->hi_read & s->hi_write) != 0xffffffff)
		return KIND_CHECKED;
	return s->base ? KIND_BASED : KIND_FLAT;
}

static enum seg_kind code_kind(const struct segment *s)
{
	if (s->limit == 0xffffffff)
		return s->base ? KIND_BASED : KIND_FLAT;
	return s->limit >= 0xffff && !(s->attr & DESC_DB) ? KIND_CHECKED : KIND_SMALL;
}

void segment_update(struct segment *s)
{
	bool code = s->attr & DESC_CODE;

	s->lo = 0;
	s->hi_read = s->limit;
	if (!code && s->attr & DESC_DC) {
		/* Expand-down (SDM 3A 5.3): valid above the limit. */
		s->lo = s->limit + 1;
		s->hi_read = s->attr & DESC_DB ? 0xffffffff : 0xffff;
		if (s->limit == 0xffffffff)
			forbid(&s->lo, &s->hi_read);
	}
	s->lo_write = s->lo;
	s->hi_write = s->hi_read;
	if (!(s->attr & DESC_P) || !(s->attr & DESC_S) || (code && !(s->attr & DESC_RW)))
		forbid(&s->lo, &s->hi_read);
	if (!(s->attr & DESC_P) || !(s->attr & DESC_S) || code || !(s->attr & DESC_RW))
		forbid(&s->lo_write, &s->hi_write);
	s->raw = 0;
	s->data_kind = (uint8_t)data_kind(s);
	s->code_kind = (uint8_t)code_kind(s);
}

void segment_load_real(struct vcpu *cpu, unsigned seg, uint16_t selector)
{
	struct segment *s = &cpu->seg[seg];

	s->selector = selector;
	s->base = (uint32_t)selector << 4;
	if (v86_mode(cpu)) {
		s->limit = 0xffff;
		s->attr = ATTR_REAL | DESC_DPL;
	} else {
		/*
		 * Limit and size stay, so that "unreal mode" works. A register
		 * that held a null selector gets the limit of reset.
		 */
		if (!(s->attr & DESC_P) && s->limit < 0xffff)
			s->limit = 0xffff;
		s->attr = (s->attr & (DESC_G | DESC_DB | DESC_AVL)) | ATTR_REAL;
	}
	segment_update(s);
}

static void load_null(struct vcpu *cpu, unsigned seg, uint16_t selector)
{
	struct segment *s = &cpu->seg[seg];

	s->selector = selector;
	s->attr &= ~DESC_P;
	segment_update(s);
}

static void check_stack(struct vcpu *cpu, uint16_t selector, const struct descriptor *d)
{
	uint16_t error = selector & SELECTOR_ERROR;

	if ((selector & SELECTOR_RPL) != cpu->cpl || desc_dpl(d) != cpu->cpl ||
	    !desc_is_writable_data(d))
		raise_gp(cpu, error);
	if (!desc_present(d))
		raise_error(cpu, VEC_SS, error);
}

static void check_data(struct vcpu *cpu, uint16_t selector, const struct descriptor *d)
{
	uint16_t error = selector & SELECTOR_ERROR;
	unsigned rpl = selector & SELECTOR_RPL;

	if (!desc_is_readable(d))
		raise_gp(cpu, error);
	if (!desc_is_conforming(d) && (rpl > desc_dpl(d) || cpu->cpl > desc_dpl(d)))
		raise_gp(cpu, error);
	if (!desc_present(d))
		raise_error(cpu, VEC_NP, error);
}

void segment_load(struct vcpu *cpu, unsigned seg, uint16_t selector)
{
	struct descriptor d;

	if (!protected_mode(cpu)) {
		segment_load_real(cpu, seg, selector);
		return;
	}
	if (selector_is_null(selector)) {
		if (seg == SS)
			raise_gp(cpu, 0);
		load_null(cpu, seg, selector);
		return;
	}
	descriptor_get(cpu, selector, VEC_GP, &d);
	if (seg == SS)
		check_stack(cpu, selector, &d);
	else
		check_data(cpu, selector, &d);
	descriptor_set_accessed(cpu, &d);
	descriptor_to_segment(&d, selector, &cpu->seg[seg]);
}

void segment_drop_inner(struct vcpu *cpu)
{
	static const uint8_t data[] = {ES, DS, FS, GS};

	for (unsigned i = 0; i < sizeof(data); i++) {
		const struct segment *s = &cpu->seg[data[i]];
		bool conforming = (s->attr & (DESC_CODE | DESC_DC)) == (DESC_CODE | DESC_DC);

		/* Null selectors with an RPL lose it, as on the chip. */
		if (!(s->attr & DESC_P) ||
		    ((s->attr & DESC_DPL) >> DESC_DPL_SHIFT < cpu->cpl && !conforming))
			load_null(cpu, data[i], 0);
	}
}

void segment_clear_data(struct vcpu *cpu)
{
	load_null(cpu, ES, 0);
	load_null(cpu, DS, 0);
	load_null(cpu, FS, 0);
	load_null(cpu, GS, 0);
}

void segment_set_flat(struct segment *s, uint16_t selector, uint32_t attr)
{
	s->selector = selector;
	s->base = 0;
	s->limit = 0xffffffff;
	s->attr = attr | DESC_P | DESC_S | DESC_ACCESSED | DESC_RW | DESC_DB | DESC_G;
	segment_update(s);
}

void cpu_mode_changed(struct vcpu *cpu)
{
	cpu->slow = cpu->eflags & FL_TF || cpu->dr[7] & DR7_ENABLED;
	cpu->align_check = cpu->cpl == 3 && cpu->cr0 & CR0_AM && cpu->eflags & FL_AC;
	tlb_select_view(cpu);
}

void cpu_set_cpl(struct vcpu *cpu, unsigned cpl)
{
	cpu->ring3_exits += cpu->cpl == 3 && cpl != 3;
	cpu->cpl = (uint8_t)cpl;
	cpu_mode_changed(cpu);
}

void eflags_set(struct vcpu *cpu, uint32_t value, uint32_t mask)
{
	uint32_t changed = (cpu->eflags ^ value) & mask;

	cpu->eflags ^= changed;
	if (changed & (FL_TF | FL_AC | FL_VM))
		cpu_mode_changed(cpu);
}
