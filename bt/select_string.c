/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of string instructions without REP, with 32-bit addresses:
 * the move or comparison, then LEA of ESI and EDI by a step that a table gives
 * for EFLAGS.DF. Repeated ones are interpreted, page by page.
 */
#include "bt/trans.h"

/* R8 = 1 or -1 by DF. */
static void load_step(struct trans *t)
{
	struct rm byte1 = CPU_FIELD(eflags);

	byte1.disp++;
	emit_op(&t->e, OP_0F, 0xb6, TMP0, byte1);
	emit_op(&t->e, OP_W | OP_0F, 0xbe, TMP0, /* movsx r8, byte */
		rm_indexed(TABLES, TMP0, 0, (int32_t)offsetof(struct bt_tables, string_step)));
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

bool select_string(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned size = in->opcode & 1 ? operand_size(in) : 1;
	bool uses_source = false, uses_destination = true;

	if (in->rep != REP_NONE || in->address_mask == 0xffff)
		return false;
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
