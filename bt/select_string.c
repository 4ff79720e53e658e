/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of string instructions with 32-bit addresses: the move or
 * comparison, then LEA of ESI and EDI by a step that a table gives for
 * EFLAGS.DF.
 *
 * REP MOVS and REP STOS. A few elements are a loop of the same, with ECX, ESI and
 * EDI right after every element, so that the instruction may be interpreted from any
 * access on. More of them, forward and through a window, are the host's own
 * instruction on addresses in the window: when that faults, RCX, RSI and RDI say
 * how far it has come, and are made the guest's again (signals.c). Their number
 * is limited, so that it neither leaves the window's guards behind it nor keeps
 * an interrupt waiting. More of them in any other way are interpreted, which moves what
 * lies in one page at a time.
 *
 * REPE and REPNE of CMPS and SCAS are a loop whatever their number, which asks for every
 * element whether somebody wants attention. INS and OUTS are interpreted.
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

/* From 2 ** this elements on the host's own instruction is quicker than a loop. */
#define REP_SMALL_SHIFT 4
/* Up to 2 ** this - 1: as many as the verifier sees in a MOVZX. */
#define REP_MOST_SHIFT 16

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

/* R8D = ECX >> count. Clobbers R9. */
static void shift_count(struct trans *t, unsigned count)
{
	emit_mov_imm32(&t->e, TMP1, count);
	emit_shiftx(&t->e, false, VEX_SHRX, TMP0, RCX, TMP1);
}

/* EFLAGS.DF to bit 0 of R10D, alone. Clobbers R9. */
static void load_direction(struct trans *t)
{
	struct rm byte1 = CPU_FIELD(eflags);

	byte1.disp++;
	emit_op(&t->e, OP_0F, 0xb6, TMP2, byte1);
	emit_rorx(&t->e, false, TMP2, TMP2, 3); /* to bit 31 */
	emit_mov_imm32(&t->e, TMP1, 31);
	emit_shiftx(&t->e, false, VEX_SHRX, TMP2, TMP2, TMP1);
}

static void to_window(struct trans *t, unsigned reg)
{
	emit_lea64(&t->e, reg, rm_indexed(WINDOW, reg, 0, 0));
}

/* REP MOVS -> the same, from [R12+RSI] to [R12+RDI], RCX at most 16 bits */
static void rep_host(struct trans *t, unsigned size, bool movs)
{
	struct emit *e = &t->e;
	uint8_t *right;

	shift_count(t, REP_MOST_SHIFT);
	load_direction(t);
	emit_lea32(e, TMP0, rm_indexed(TMP0, TMP2, 0, 0));
	right = jump_if_r8_zero(t);
	trans_slow(t); /* goes on behind this instruction */
	emit_patch8(e, right);
	emit_movzx16(e, RCX, TMP1);
	if (movs)
		emit_lea32(e, TMP2, rm_indexed(RSI, RCX, size / 2, 0));
	emit_lea32(e, TMP3, rm_indexed(RDI, RCX, size / 2, 0));
	if (movs)
		to_window(t, RSI);
	to_window(t, RDI);
	emit_room(e);
	if (size == 2)
		emit1(e, 0x66);
	emit1(e, 0xf3);
	emit1(e, t->in->opcode);
	if (movs)
		emit_mov32(e, RSI, TMP2);
	emit_mov32(e, RDI, TMP3);
}

/* That is, whether the window shows source and destination as they are. */
bool rep_is_hosts(uint32_t mode, const struct insn *in)
{
	bool movs = (in->opcode & ~1u) == 0xa4;

	if (in->rep == REP_NONE || in->address_mask == 0xffff)
		return false;
	if (!movs && (in->opcode & ~1u) != 0xaa)
		return false;
	return mode & MODE_WINDOW && mode_seg(mode, ES) == KIND_FLAT &&
	       (!movs || (in->seg != CS && mode_seg(mode, in->seg) == KIND_FLAT));
}

/* One element, and the registers behind it; false: of INS and OUTS. */
static bool element(struct trans *t, unsigned size)
{
	unsigned string = t->in->opcode & ~1u;
	bool uses_source = string != 0xaa && string != 0xae;

	switch (string) {
	case 0xa4: /* movs */
		load_value(t, size);
		sized_op(t, 0x88, TMP4, destination(t, WRITE, size), size);
		break;
	case 0xa6: /* cmps */
		load_value(t, size);
		sized_op(t, 0x3a, TMP4, destination(t, READ, size), size);
		break;
	case 0xaa: /* stos */
		sized_op(t, 0x88, RAX, destination(t, WRITE, size), size);
		break;
	case 0xac: /* lods */
		sized_op(t, 0x8a, RAX, source(t, size), size);
		break;
	case 0xae: /* scas */
		sized_op(t, 0x3a, RAX, destination(t, READ, size), size);
		break;
	default:
		return false;
	}
	load_step(t);
	if (uses_source)
		advance(t, RSI, size);
	if (string != 0xac)
		advance(t, RDI, size);
	return true;
}

/* The same, counted. Each round begins like the instruction: nothing is kept in temporaries. */
static const uint8_t *counted_element(struct trans *t, unsigned size)
{
	element(t, size);
	emit_lea32(&t->e, TMP1, rm_at(RCX, -1));
	emit_mov32(&t->e, RCX, TMP1);
	return cache_rw(t->bt, t->tb->host + t->tb->insns[t->n].host);
}

static void rep_move(struct trans *t, unsigned size)
{
	struct emit *e = &t->e;
	uint8_t *few, *moved = NULL, *done;

	shift_count(t, REP_SMALL_SHIFT);
	few = jump_if_r8_zero(t);
	if (!t->soft && rep_is_hosts(t->mode, t->in)) {
		rep_host(t, size, (t->in->opcode & ~1u) == 0xa4);
		emit_room(e);
		emit1(e, 0xeb);
		emit1(e, 0);
		moved = e->p;
	} else {
		trans_slow(t); /* goes on behind this instruction */
	}
	emit_patch8(e, few);
	emit_mov(e, RCX, TMP1);
	done = emit_jrcxz(e);
	emit_jmp(e, counted_element(t, size));
	emit_patch8(e, done);
	if (moved)
		emit_patch8(e, moved);
}

static void rep_compare(struct trans *t, unsigned size)
{
	struct emit *e = &t->e;
	const uint8_t *again;
	uint8_t *done;

	trans_poll(t);
	done = emit_jrcxz(e);
	again = counted_element(t, size);
	emit_jcc(e, t->in->rep == REP_REPNE ? CC_NE : CC_E, again);
	emit_patch8(e, done);
}

static bool repeated(struct trans *t, unsigned size)
{
	if (t->bt->config.exact_fuel)
		return false;
	switch (t->in->opcode & ~1u) {
	case 0xa4: /* movs */
	case 0xaa: /* stos */
		rep_move(t, size);
		return true;
	case 0xa6: /* cmps */
	case 0xae: /* scas */
		rep_compare(t, size);
		return true;
	default:
		return false;
	}
}

bool select_string(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned size = opcode_size(in);

	if (in->address_mask == 0xffff)
		return false;
	return in->rep == REP_NONE ? element(t, size) : repeated(t, size);
}
