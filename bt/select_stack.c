/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of pushes and pops, of PUSHF and POPF, and of segment
 * registers as far as nothing changes by them.
 */
#include "bt/trans.h"

static void store(struct trans *t, struct rm to, unsigned reg, unsigned size)
{
	emit_op(&t->e, size == 2 ? OP_16 : 0, 0x89, reg, to);
}

static void store_imm(struct trans *t, struct rm to, uint32_t value, unsigned size)
{
	emit_op(&t->e, size == 2 ? OP_16 : 0, 0xc7, 0, to);
	if (size == 2)
		emit2(&t->e, value & 0xffff);
	else
		emit4(&t->e, value);
}

void trans_load(struct trans *t, unsigned reg, struct rm from, unsigned size)
{
	if (size == 2)
		emit_op(&t->e, OP_0F, 0xb7, reg, from);
	else
		emit_load32(&t->e, reg, from);
}

/* PUSH r -> MOV [ESP-n],r; LEA ESP,[ESP-n] */
static bool push_reg(struct trans *t, unsigned reg)
{
	unsigned size = operand_size(t->in);

	store(t, trans_stack(t, -(int)size, WRITE, size), reg, size);
	trans_stack_add(t, -(int)size);
	return true;
}

void trans_push_imm(struct trans *t, uint32_t value)
{
	unsigned size = operand_size(t->in);

	store_imm(t, trans_stack(t, -(int)size, WRITE, size), value, size);
	trans_stack_add(t, -(int)size);
}

void trans_push_eip(struct trans *t, uint32_t eip)
{
	struct rm to;

	if (!(t->mode & MODE_MOVED)) {
		trans_push_imm(t, eip);
		return;
	}
	to = trans_stack(t, -4, WRITE, 4);
	trans_eip(t, TMP2, eip);
	emit_op(&t->e, 0, 0x89, TMP2, to);
	trans_stack_add(t, -4);
}

static bool push_rm(struct trans *t)
{
	if (!t->in->rm_is_memory)
		return push_reg(t, host_reg(t->in->rm));
	trans_load(t, TMP4, trans_operand(t, READ, operand_size(t->in)), operand_size(t->in));
	return push_reg(t, TMP4);
}

static bool pop_reg(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned size = operand_size(in), reg = host_reg(in->reg);
	struct rm from;

	if (in->reg == ESP && (size == 2 || !(t->mode & MODE_STACK32)))
		return false;
	from = trans_stack(t, 0, READ, size);
	emit_op(&t->e, size_flag(in), 0x8b, reg, from);
	if (in->reg != ESP)
		trans_stack_add(t, (int)size);
	return true;
}

/* POP m: the address is computed with ESP after the pop. */
static bool pop_rm(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned size = operand_size(in);
	struct rm ea;

	if (!in->rm_is_memory || !(t->mode & MODE_STACK32) || in->address_mask == 0xffff)
		return false;
	trans_load(t, TMP4, trans_stack(t, 0, READ, size), size);
	ea = trans_ea(in);
	if (in->base == ESP)
		ea.disp += (int)size;
	store(t, trans_memory(t, in->seg, ea, false, WRITE, size), TMP4, size);
	trans_stack_add(t, (int)size);
	return true;
}

/* LEAVE -> ESP = EBP; POP EBP */
static bool leave(struct trans *t)
{
	if (!t->in->operand32 || !(t->mode & MODE_STACK32))
		return false;
	trans_load(t, TMP4, trans_memory(t, SS, rm_at(RBP, 0), false, READ, 4), 4);
	emit_lea32(&t->e, R15, rm_at(RBP, 4));
	emit_mov32(&t->e, RBP, TMP4);
	return true;
}

static struct rm selector(unsigned seg)
{
	return rm_at(VCPU, (int32_t)(offsetof(struct vcpu, seg) + seg * sizeof(struct segment) +
				     offsetof(struct segment, selector)));
}

/* PUSH Sreg -> MOVZX R13D,selector; PUSH R13 */
static bool push_selector(struct trans *t)
{
	unsigned opcode = t->in->opcode;

	emit_op(&t->e, OP_0F, 0xb7, TMP4, selector(opcode >> 3 & 7 & (opcode & 0x80 ? 5 : 3)));
	return push_reg(t, TMP4);
}

/* MOV r,Sreg: zero-extends to 32 bits. MOV m16,Sreg. */
static bool mov_from_selector(struct trans *t)
{
	const struct insn *in = t->in;

	if (in->rm_is_memory) {
		emit_op(&t->e, OP_0F, 0xb7, TMP4, selector(in->reg));
		store(t, trans_operand(t, WRITE, 2), TMP4, 2);
	} else if (in->operand32) {
		emit_op(&t->e, OP_0F, 0xb7, host_reg(in->rm), selector(in->reg));
	} else {
		emit_op(&t->e, OP_16, 0x8b, host_reg(in->rm), selector(in->reg));
	}
	return true;
}

/* DS and ES at CPL 0, when they do not change: bt_internal.h, struct stubs. */
static bool may_reload(const struct trans *t, unsigned seg)
{
	return t->mode & MODE_RING0 && t->mode & MODE_PROT && (seg == ES || seg == DS);
}

/* Of FS at CPL 0, which other code may follow in another mode: bt/crossing.h. */
static bool may_load_fs(const struct trans *t)
{
	enum seg_kind cs = mode_seg(t->mode, CS);

	return t->mode & MODE_RING0 && t->mode & MODE_PROT && t->mode & MODE_CODE32 &&
	       (cs == KIND_FLAT || cs == KIND_BASED);
}

/* The selector in R8D. */
static void load_fs(struct trans *t, bool pop)
{
	trans_eip(t, TMP4, t->next_eip);
	trans_call(t, t->bt->stubs.load_fs[pop]);
}

static bool mov_to_selector(struct trans *t)
{
	const struct insn *in = t->in;
	bool fs = in->reg == FS && may_load_fs(t);

	if (!fs && (in->rm_is_memory || !may_reload(t, in->reg)))
		return false;
	if (in->rm_is_memory) {
		trans_load(t, TMP4, trans_operand(t, READ, 2), 2);
		emit_mov32(&t->e, TMP0, TMP4);
	} else {
		emit_movzx16(&t->e, TMP0, host_reg(in->rm));
	}
	if (fs)
		load_fs(t, false);
	else
		trans_call(t, t->bt->stubs.reload[in->reg]);
	return true;
}

static bool pop_fs(struct trans *t)
{
	if (!may_load_fs(t) || !t->in->operand32 || !(t->mode & MODE_STACK32))
		return false;
	trans_load(t, TMP4, trans_stack(t, 0, READ, 4), 4);
	emit_movzx16(&t->e, TMP0, TMP4);
	load_fs(t, true);
	return true;
}

static bool pop_selector(struct trans *t)
{
	unsigned size = operand_size(t->in), seg = t->in->opcode >> 3;

	if (!may_reload(t, seg))
		return false;
	trans_load(t, TMP4, trans_stack(t, 0, READ, size), size);
	emit_movzx16(&t->e, TMP0, TMP4);
	trans_call(t, t->bt->stubs.reload[seg]);
	trans_stack_add(t, (int)size);
	return true;
}

bool select_selector(struct trans *t)
{
	bool push = t->row->map == M1 ? t->in->opcode < 0x20 && (t->in->opcode & 7) == 6
				      : t->in->opcode == 0xa0 || t->in->opcode == 0xa8;

	if (push)
		return push_selector(t);
	if (t->row->map != M1)
		return t->row->map == M2 && t->in->opcode == 0xa1 && pop_fs(t);
	switch (t->in->opcode) {
	case 0x07:
	case 0x1f:
		return pop_selector(t);
	case 0x8c:
		return mov_from_selector(t);
	case 0x8e:
		return mov_to_selector(t);
	default:
		return false;
	}
}

/* PUSHF, POPF: by stubs, POPF at CPL 0 and when time is not counted. */
bool select_flags(struct trans *t)
{
	unsigned size = operand_size(t->in);

	if (t->row->map != M1 || t->mode & MODE_V86)
		return false;
	if (t->in->opcode == 0x9c) {
		trans_call(t, t->bt->stubs.pushf);
		return push_reg(t, TMP4);
	}
	if (t->in->opcode != 0x9d || !(t->mode & MODE_RING0) || t->bt->config.exact_fuel)
		return false;
	trans_load(t, TMP4, trans_stack(t, 0, READ, size), size);
	trans_call(t, t->bt->stubs.popf[t->in->operand32]);
	trans_stack_add(t, (int)size);
	return true;
}

bool select_stack(struct trans *t)
{
	const struct insn *in = t->in;

	switch (in->opcode) {
	case 0x50 ... 0x57:
		return push_reg(t, host_reg(in->reg));
	case 0x58 ... 0x5f:
		return pop_reg(t);
	case 0x68:
	case 0x6a:
		trans_push_imm(t, in->imm);
		return true;
	case 0x8f:
		return pop_rm(t);
	case 0xc9:
		return leave(t);
	case 0xff:
		return in->reg == 6 && push_rm(t);
	default:
		return false;
	}
}
