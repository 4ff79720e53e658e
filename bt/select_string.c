/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of string instructions with 32-bit addresses: the move or
 * comparison, then LEA of ESI and EDI by a step that a table gives for
 * EFLAGS.DF.
 *
 * REP MOVS and REP STOS of a few elements, through a window, are a loop of the
 * same, with ECX, ESI and EDI right after every element, so that the
 * instruction may be interpreted from any access on. All other repeated ones
 * are interpreted, which moves what lies in one page at a time.
 */
#include "bt/trans.h"

/* R8 = 1 or -1 by DF. Clobbers R9. */
static void load_step(struct trans *t)
{
	struct rm byte1 = CPU_FIELD(eflags);

	byte1.disp++;
	emit_load64(&t->e, TMP1, CPU_FIELD(bt_tables));
	emit_op(&t->e, OP_0F, 0xb6, TMP0, byte1);
	emit_op(&t->e, OP_W | OP_0F, 0xbe, TMP0, /* movsx r8, byte */
		rm_indexed(TMP1, TMP0, 0, (int32_t)offsetof(struct bt_tables, string_step)));
}

static void advance(struct trans *t, unsigned reg, unsigned size)
{
	emit_lea32(&t->e, reg, rm_indexed(reg, TMP0, size / 2, 0));
}

static struct rm source(struct trans *t, unsigned size)
{
	return trans_memory(t, t->in->seg, rm_at(RSI, 0), false, READ, size);
}

static struct rm destination(struct trans *t, enum access access, unsigned size)
{
	return trans_memory(t, ES, rm_at(RDI, 0), false, access, size);
}

static void load_value(struct trans *t, unsigned size)
{
	if (size == 4)
		emit_load32(&t->e, TMP4, source(t, 4));
	else
		emit_op(&t->e, OP_0F, size == 1 ? 0xb6 : 0xb7, TMP4, source(t, size));
}

/* The opcode for bytes, or the next one for words and doublewords, on reg and memory. */
static void sized_op(struct trans *t, unsigned opcode, unsigned reg, struct rm rm, unsigned size)
{
	emit_op(&t->e, size == 2 ? OP_16 : 0, opcode | (size > 1), reg, rm);
}

/* More elements than this are cheaper moved by the interpreter. */
#define REP_SMALL_SHIFT 5

/* RCX = R8 while testing it: returns the jump that is taken if it is 0. */
static uint8_t *jump_if_r8_zero(struct trans *t)
{
	uint8_t *zero;

	emit_mov(&t->e, TMP1, RCX);
	emit_mov(&t->e, RCX, TMP0);
	zero = emit_jrcxz(&t->e);
	emit_mov(&t->e, RCX, TMP1);
	return zero;
}

static bool rep_small(struct trans *t, unsigned size)
{
	struct emit *e = &t->e;
	bool movs = (t->in->opcode & ~1u) == 0xa4;
	/* Each round begins like the instruction: nothing is kept in temporaries. */
	const uint8_t *again = cache_rw(t->bt, t->tb->host + t->tb->insns[t->n].host);
	uint8_t *few, *done;

	if (!(t->mode & MODE_WINDOW) || t->soft || t->bt->config.exact_fuel)
		return false;
	emit_mov_imm32(e, TMP1, REP_SMALL_SHIFT);
	emit_shiftx(e, VEX_SHRX, TMP0, RCX, TMP1);
	few = jump_if_r8_zero(t);
	trans_slow(t); /* goes on behind this instruction */
	emit_patch8(e, few);
	emit_mov(e, RCX, TMP1);
	done = emit_jrcxz(e);
	if (movs)
		load_value(t, size);
	sized_op(t, 0x88, movs ? TMP4 : RAX, destination(t, WRITE, size), size);
	load_step(t);
	if (movs)
		advance(t, RSI, size);
	advance(t, RDI, size);
	emit_lea32(e, TMP1, rm_at(RCX, -1));
	emit_mov32(e, RCX, TMP1);
	emit_jmp(e, again);
	emit_patch8(e, done);
	return true;
}

bool select_string(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned size = in->opcode & 1 ? operand_size(in) : 1;
	bool uses_source = false, uses_destination = true;

	if (in->address_mask == 0xffff)
		return false;
	if (in->rep != REP_NONE)
		return ((in->opcode & ~1u) == 0xa4 || (in->opcode & ~1u) == 0xaa) &&
		       rep_small(t, size);
	switch (in->opcode & ~1u) {
	case 0xa4: /* movs */
		load_value(t, size);
		sized_op(t, 0x88, TMP4, destination(t, WRITE, size), size);
		uses_source = true;
		break;
	case 0xa6: /* cmps */
		load_value(t, size);
		sized_op(t, 0x3a, TMP4, destination(t, READ, size), size);
		uses_source = true;
		break;
	case 0xaa: /* stos */
		sized_op(t, 0x88, RAX, destination(t, WRITE, size), size);
		break;
	case 0xac: /* lods */
		sized_op(t, 0x8a, RAX, source(t, size), size);
		uses_source = true;
		uses_destination = false;
		break;
	case 0xae: /* scas */
		sized_op(t, 0x3a, RAX, destination(t, READ, size), size);
		break;
	default: /* ins, outs */
		return false;
	}
	load_step(t);
	if (uses_source)
		advance(t, RSI, size);
	if (uses_destination)
		advance(t, RDI, size);
	return true;
}
