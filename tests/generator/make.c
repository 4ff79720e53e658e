/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case: bytes of a row, and a state in which its operands mean something.
 * After the bytes are chosen, registers and displacements are bent so that the
 * effective address is where a target wants it.
 */
#include "make.h"

#include "cpu/fpu.h"

bool case_is_32(const struct test_case *c)
{
	return c->start.seg[CS] != LDT_SELECTOR(SEG_CODE_16);
}

/* ---- registers ---- */

static void make_fpu(uint64_t *seed, struct fxsave_image *fx)
{
	uint16_t unmasked;

	memset(fx, 0, sizeof(*fx));
	fx->fcw = (uint16_t)(unit_random(seed) & FCW_WRITABLE) | FCW_ALWAYS;
	if (!once_in(seed, 4))
		fx->fcw |= FCW_MASKS;
	fx->fsw = (uint16_t)unit_random(seed) & 0x7f00;
	if (once_in(seed, 4))
		fx->fsw |= unit_random(seed) & (FSW_EXCEPTIONS | FSW_SF);
	unmasked = fx->fsw & ~fx->fcw & FSW_EXCEPTIONS;
	if (unmasked)
		fx->fsw |= FSW_ES | FSW_B;
	fx->ftw = (uint8_t)(unit_random(seed) | (once_in(seed, 2) ? 0xff : 0));
	fx->mxcsr = random_below(seed, MXCSR_WRITABLE + 1);
	if (!once_in(seed, 3))
		fx->mxcsr |= MXCSR_MASKS;
	for (unsigned i = 0; i < 8; i++) {
		random_x87(seed, fx->st[i]);
		random_vector(seed, fx->xmm[i]);
	}
}

static void make_segments(uint64_t *seed, struct test_case *c, bool code32)
{
	static const uint16_t rare_code[] = {
	    LDT_SELECTOR(SEG_CODE_BASED), LDT_SELECTOR(SEG_CODE_FLAT), LDT_SELECTOR(SEG_CODE_EXEC)};

	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->start.seg[i] = random_data_selector(seed, code32, i == SS);
	c->start.seg[CS] = SELECTOR_CODE32;
	if (!code32)
		c->start.seg[CS] = LDT_SELECTOR(SEG_CODE_16);
	else if (once_in(seed, 8))
		c->start.seg[CS] = rare_code[random_below(seed, 3)];
}

static uint32_t make_eflags(uint64_t *seed, const struct insn_row *row)
{
	uint32_t fl = FL_1 | FL_IF | (uint32_t)(unit_random(seed) & FL_ARITH);

	if (once_in(seed, row->class == STRING ? 2 : 8))
		fl |= FL_DF;
	if (once_in(seed, 8))
		fl |= FL_AC;
	return fl;
}

/* Points a register at a target through a segment; a 16-bit one keeps the upper half. */
static void point(struct test_case *c, unsigned reg, unsigned seg, uint32_t target, bool address32)
{
	uint32_t off = target - world_segment_base(c->start.seg[seg]);
	uint32_t mask = address32 ? 0xffffffff : 0xffff;

	c->start.regs[reg] = (c->start.regs[reg] & ~mask) | (off & mask);
}

static bool stack_is_32(const struct test_case *c)
{
	uint16_t ss = c->start.seg[SS];

	return !(ss & 4) || world_ldt[ss >> 3].big;
}

static void make_registers(uint64_t *seed, const struct insn_row *row,
			   const struct code_parts *parts, struct test_case *c)
{
	for (unsigned i = 0; i < 8; i++)
		c->start.regs[i] = random_u32(seed);
	point(c, ESI, DS, random_target(seed, 8), parts->address32);
	point(c, EDI, ES, random_target(seed, 16), parts->address32);
	if (row_named(row, "xlat"))
		point(c, EBX, DS, random_target(seed, 255), parts->address32);
	if (!once_in(seed, 8))
		point(c, ESP, SS, random_target(seed, 16), stack_is_32(c));
	if (once_in(seed, 2) || row_named(row, "leave") || row_named(row, "enter"))
		point(c, EBP, SS, random_target(seed, 16), stack_is_32(c));
	if (row->class == STRING && !once_in(seed, 8))
		c->start.regs[ECX] = random_below(seed, 12) | (parts->address32 ? 0 : 0xabcd0000);
}

/* ---- making operands meet their targets ---- */

static void put_displacement(struct test_case *c, const struct code_parts *p, uint32_t v)
{
	memcpy(c->code + p->displacement, &v, p->displacement_size);
}

/*
 * Changes the displacement, if it is wide enough, or the base register so that
 * the operand's offset becomes `off`. Where base and index are one register it
 * comes close.
 */
static void solve_address(uint64_t *seed, struct test_case *c, const struct code_parts *p,
			  const struct insn *in, uint32_t off)
{
	struct state *s = &c->start;
	uint32_t ea = ((in->base < 8 ? s->regs[in->base] : 0) +
		       ((in->index < 8 ? s->regs[in->index] : 0) << in->scale) + in->disp) &
		      in->address_mask;
	uint32_t delta = off - ea;
	bool wide = p->displacement_size > 1;

	if (wide && (in->base == GPR_ZERO || once_in(seed, 2))) {
		put_displacement(c, p, in->disp + delta);
	} else if (in->base < 8) {
		uint32_t mask = in->address_mask, v = s->regs[in->base];

		if (in->base == in->index)
			delta = (off - in->disp) / (1 + (1u << in->scale)) - v;
		s->regs[in->base] = (v & ~mask) | ((v + delta) & mask);
	} else if (in->index < 8) {
		s->regs[in->index] = (off - in->disp) >> in->scale;
	}
}

static bool bit_string(const struct insn_row *row)
{
	return row->name[0] == 'b' && row->name[1] == 't' && strstr(row->operands, "Gv");
}

static void aim_operand(uint64_t *seed, const struct insn_row *row, struct test_case *c,
			const struct code_parts *p, const struct insn *in)
{
	struct patch *patch = &c->patches[0];
	uint32_t size, base = world_segment_base(c->start.seg[in->seg]);

	size = make_operand(seed, row, c, in->operand32, patch->bytes);
	patch->at = random_target(seed, size);
	if (bit_string(row) && !once_in(seed, 4))
		c->start.regs[in->reg] = random_below(seed, 512) - 256;
	if (!once_in(seed, 32))
		solve_address(seed, c, p, in, patch->at - base);
	if (!once_in(seed, 4) || row->class == FAR || row->class == X87)
		patch->length = size;
}

/* Registers that hold selectors, and bytes that are a far pointer. */
static void aim_selectors(uint64_t *seed, const struct insn_row *row, struct test_case *c,
			  const struct code_parts *p, const struct insn *in)
{
	unsigned size = in->operand32 ? 4 : 2;
	uint32_t eip;
	uint16_t selector = random_selector(seed);

	if (row->class == SENSITIVE && !in->rm_is_memory && !once_in(seed, 4))
		c->start.regs[in->rm] = (c->start.regs[in->rm] & 0xffff0000) | selector;
	if (strcmp(row->operands, "Ap"))
		return;
	eip = random_eip(seed, c);
	memcpy(c->code + p->immediate, &eip, size);
	memcpy(c->code + p->immediate + size, &selector, 2);
}

static void aim_stack(uint64_t *seed, const struct insn_row *row, struct test_case *c,
		      bool operand32)
{
	struct patch *p = &c->patches[1];
	uint32_t esp = c->start.regs[ESP];

	p->at = world_segment_base(c->start.seg[SS]) + (stack_is_32(c) ? esp : esp & 0xffff);
	p->length = make_frame(seed, row, c, operand32, p->bytes);
}

/* Where the code lies: amid the page, or so that it crosses its end. */
static uint32_t make_place(uint64_t *seed, unsigned length)
{
	if (once_in(seed, 16))
		return CODE_AT + PAGE_SIZE - 1 - random_below(seed, length + 1);
	return CODE_AT + (once_in(seed, 2) ? 0x800 : 0) + random_below(seed, 64);
}

static uint32_t code_base(const struct test_case *c)
{
	return world_segment_base(c->start.seg[CS]);
}

/* One case in so many has something that is refused for the processor's state. */
#define ODD_CASES 32

static void make_flat(uint64_t *seed, struct test_case *c)
{
	static const unsigned flat[] = {ES, SS, DS};

	for (unsigned i = 0; i < sizeof(flat) / sizeof(flat[0]); i++)
		if (!once_in(seed, 2 * ODD_CASES))
			c->start.seg[flat[i]] = SELECTOR_DATA32;
	if (!once_in(seed, ODD_CASES))
		c->start.seg[CS] = SELECTOR_CODE32;
}

static bool single_step_wanted(uint64_t *seed, const struct insn_row *row, bool decoded,
			       enum case_kind kind)
{
	if (kind == CASE_FLAT)
		return once_in(seed, ODD_CASES);
	/* What may go elsewhere must not go on there. */
	return !decoded || row->class == TRANSFER || row->class == FAR || once_in(seed, 2);
}

void make_case(const struct decoder *d, enum case_kind kind, uint64_t seed, uint64_t number,
	       uint16_t row_number, struct test_case *c)
{
	const struct insn_row *row = &insn_table[row_number];
	uint64_t r = (seed + 1) * 0x9e3779b97f4a7c15u ^ (number + 1) * 0xd1342543de82ef95u;
	bool code32, decoded;
	struct code_parts parts;
	struct insn in;

	unit_random(&r);
	memset(c, 0, sizeof(*c));
	c->number = number;
	c->row = row_number;
	code32 = kind == CASE_FLAT || !once_in(&r, 3);
	make_segments(&r, c, code32);
	if (kind == CASE_FLAT)
		make_flat(&r, c);
	make_fpu(&r, &c->start.fx);
	c->start.eflags = make_eflags(&r, row);
	if (kind == CASE_FLAT && !once_in(&r, ODD_CASES / 8))
		c->start.eflags &= ~FL_AC;
	make_code(&r, row, code32, c, &parts);
	make_registers(&r, row, &parts, c);
	c->code_at = CODE_AT + 0x800;
	decoded = decode_insn(d, c->code, INSN_MAX_LENGTH, code32, &in) == DECODE_OK;
	if (decoded) {
		if (in.rm_is_memory || parts.displacement_size)
			aim_operand(&r, row, c, &parts, &in);
		aim_selectors(&r, row, c, &parts, &in);
		c->length = in.length;
	}
	c->code_at = make_place(&r, c->length);
	aim_stack(&r, row, c, parts.operand32);
	c->start.eip = c->code_at - code_base(c);
	c->single_step = single_step_wanted(&r, row, decoded, kind);
	if (c->single_step)
		c->start.eflags |= FL_TF;
}
