/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation rules of near transfers. */
#include "bt/trans.h"

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
 * Every loop has a jump backwards in it, or a call, or a transfer by look-up, which
 * misses when somebody wants attention. Calls forward count because a tree of them
 * may be as good as endless, and returns do not look anything up.
 */
static void poll_backward(struct trans *t, uint32_t target)
{
	/* From page to page, code that can be moved goes by look-ups. */
	if (t->mode & MODE_MOVED ? (int32_t)(target - t->eip) <= 0 : target <= t->eip)
		trans_poll(t);
}

static bool jump_conditional(struct trans *t)
{
	uint32_t target = relative_target(t);

	poll_backward(t, target);
	trans_jump_if(t, t->in->opcode & 15, target);
	if (trans_inner(t))
		t->jumps[t->jump_count - 1].pointers = (uint8_t)t->n;
	else
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

	trans_poll(t);
	trans_push_eip(t, t->next_eip);
	if (trans_pairs_calls(t))
		trans_call_block(t, target);
	else
		trans_jump(t, target);
	return true;
}

/* The target to R13. */
static void load_target(struct trans *t)
{
	const struct insn *in = t->in;

	if (in->rm_is_memory)
		trans_load(t, TMP4, trans_operand(t, READ, operand_size(in)), operand_size(in));
	else if (in->operand32)
		emit_mov32(&t->e, TMP4, host_reg(in->rm));
	else
		emit_movzx16(&t->e, TMP4, host_reg(in->rm));
}

static bool jump_indirect(struct trans *t, bool is_call)
{
	load_target(t);
	if (is_call)
		trans_push_eip(t, t->next_eip);
	emit_mov32(&t->e, TMP0, TMP4);
	if (is_call && trans_pairs_calls(t))
		trans_call_lookup(t);
	else
		trans_jump_lookup(t);
	return true;
}

/* RET -> MOV R8D,[ESP]; LEA ESP,[ESP+4]; RET */
static bool ret(struct trans *t)
{
	unsigned size = operand_size(t->in);
	int release = t->in->opcode == 0xc2 ? (int)(t->in->imm & 0xffff) : 0;

	if (trans_pairs_calls(t) && t->mode & MODE_STACK32) {
		trans_load(t, TMP0, trans_stack(t, 0, READ, size), size);
		trans_stack_add(t, (int)size + release);
		trans_return(t);
		return true;
	}
	trans_load(t, TMP4, trans_stack(t, 0, READ, size), size);
	trans_stack_add(t, (int)size + release);
	emit_mov32(&t->e, TMP0, TMP4);
	trans_jump_lookup(t);
	return true;
}

bool select_transfer(struct trans *t)
{
	const struct insn *in = t->in;

	if (!targets_fit(t) || (t->mode & MODE_MOVED && !in->operand32))
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
