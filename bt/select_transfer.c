/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation rules of near transfers, and of pushes and pops. */
#include "bt/trans.h"

/* ---- push and pop ---- */
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

/* Zero-extends. */
static void load(struct trans *t, unsigned reg, struct rm from, unsigned size)
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

static void push_imm(struct trans *t, uint32_t value)
{
	unsigned size = operand_size(t->in);

	store_imm(t, trans_stack(t, -(int)size, WRITE, size), value, size);
	trans_stack_add(t, -(int)size);
}

static bool push_rm(struct trans *t)
{
	if (!t->in->rm_is_memory)
		return push_reg(t, host_reg(t->in->rm));
	load(t, TMP4, trans_operand(t, READ, operand_size(t->in)), operand_size(t->in));
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
	load(t, TMP4, trans_stack(t, 0, READ, size), size);
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
	load(t, TMP4, trans_memory(t, SS, rm_at(RBP, 0), false, READ, 4), 4);
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

bool select_selector(struct trans *t)
{
	bool push = t->row->map == M1 ? t->in->opcode < 0x20 && (t->in->opcode & 7) == 6
				      : t->in->opcode == 0xa0 || t->in->opcode == 0xa8;

	if (push)
		return push_selector(t);
	return t->row->map == M1 && t->in->opcode == 0x8c && mov_from_selector(t);
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
	load(t, TMP4, trans_stack(t, 0, READ, size), size);
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
		push_imm(t, in->imm);
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

/* ---- near transfers ---- */

/* Whether every target of the operand size is within CS: no check is needed. */
static bool targets_fit(const struct trans *t)
{
	enum seg_kind cs = mode_seg(t->mode, CS);

	return cs == KIND_FLAT || cs == KIND_BASED || (cs == KIND_CHECKED && !t->in->operand32);
}

static uint32_t relative_target(const struct trans *t)
{
	uint32_t eip = t->next_eip + t->in->imm;

	return t->in->operand32 ? eip : eip & 0xffff;
}

/*
 * Every loop has a jump backwards in it, or one by look-up, which misses when
 * somebody wants attention.
 */
static void poll_backward(struct trans *t, uint32_t target)
{
	if (target <= t->eip)
		trans_poll(t);
}

static bool jump_conditional(struct trans *t)
{
	uint32_t target = relative_target(t);

	poll_backward(t, target);
	trans_jump_if(t, t->in->opcode & 15, target);
	trans_jump(t, t->next_eip);
	return true;
}

/* LOOPNE LOOPE LOOP JECXZ -> the same over a jump. */
static bool jump_counted(struct trans *t)
{
	uint32_t target = relative_target(t);

	if (t->in->address_mask == 0xffff)
		return false;
	poll_backward(t, target);
	emit_room(&t->e);
	emit1(&t->e, 0x67);
	emit1(&t->e, t->in->opcode);
	emit1(&t->e, 5); /* over the next jump */
	trans_jump(t, t->next_eip);
	trans_jump(t, target);
	return true;
}

static bool jump(struct trans *t)
{
	uint32_t target = relative_target(t);

	poll_backward(t, target);
	trans_jump(t, target);
	return true;
}

static bool call(struct trans *t)
{
	uint32_t target = relative_target(t);

	poll_backward(t, target);
	push_imm(t, t->next_eip);
	trans_jump(t, target);
	return true;
}

/* The target to R13. */
static void load_target(struct trans *t)
{
	const struct insn *in = t->in;

	if (in->rm_is_memory)
		load(t, TMP4, trans_operand(t, READ, operand_size(in)), operand_size(in));
	else if (in->operand32)
		emit_mov32(&t->e, TMP4, host_reg(in->rm));
	else
		emit_movzx16(&t->e, TMP4, host_reg(in->rm));
}

static bool jump_indirect(struct trans *t, bool is_call)
{
	load_target(t);
	if (is_call)
		push_imm(t, t->next_eip);
	emit_mov32(&t->e, TMP0, TMP4);
	trans_jump_lookup(t);
	return true;
}

static bool ret(struct trans *t)
{
	unsigned size = operand_size(t->in);
	int release = t->in->opcode == 0xc2 ? (int)(t->in->imm & 0xffff) : 0;

	load(t, TMP4, trans_stack(t, 0, READ, size), size);
	trans_stack_add(t, (int)size + release);
	emit_mov32(&t->e, TMP0, TMP4);
	trans_jump_lookup(t);
	return true;
}

bool select_transfer(struct trans *t)
{
	const struct insn *in = t->in;

	if (!targets_fit(t))
		return false;
	if (t->row->map == M2)
		return jump_conditional(t);
	switch (in->opcode) {
	case 0x70 ... 0x7f:
		return jump_conditional(t);
	case 0xc2:
	case 0xc3:
		return ret(t);
	case 0xe0 ... 0xe3:
		return jump_counted(t);
	case 0xe8:
		return call(t);
	case 0xe9:
	case 0xeb:
		return jump(t);
	case 0xff:
		return jump_indirect(t, in->reg == 2);
	default:
		return false;
	}
}
