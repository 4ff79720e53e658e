/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of the x87 instructions: the same opcode on the host's
 * registers, which hold the guest's (bt/fpu.h). An instruction that finds an
 * exception pending raises SIGFPE, and is interpreted.
 *
 * Environments and FXSAVE images are left to the interpreter.
 */
#include "bt/fpu.h"
#include "bt/trans.h"

#define FWAIT 0x9bu

static struct rm fx_field(size_t offset)
{
	return rm_at(VCPU, (int32_t)(offsetof(struct vcpu, fx) + offset));
}
#define FX_FIELD(field) fx_field(offsetof(struct fxsave_image, field))

/* ---- what kind of instruction it is ---- */
/* FLDENV, FNSTENV, FRSTOR, FNSAVE; FXSAVE and FXRSTOR. */
static bool moves_state(const struct insn *in, const struct insn_row *row)
{
	if (row->map != M1)
		return true;
	return in->rm_is_memory && ((in->opcode == 0xd9 && (in->reg == 4 || in->reg == 6)) ||
				    (in->opcode == 0xdd && (in->reg == 4 || in->reg == 6)));
}

static bool is_store(const struct insn *in)
{
	return in->opcode & 1 && ((in->reg >= 1 && in->reg <= 3) || in->reg == 7 ||
				  (in->opcode == 0xdf && in->reg == 6));
}

unsigned x87_need(const struct insn *in, const struct insn_row *row)
{
	return moves_state(in, row) ? 0 : FPU_X87;
}

/* ---- pointers ---- */
static void copy_selector(struct trans *t, struct rm to, unsigned seg)
{
	emit_op(&t->e, OP_0F, 0xb7, TMP0,
		rm_at(VCPU, (int32_t)(offsetof(struct vcpu, seg) + seg * sizeof(struct segment) +
				      offsetof(struct segment, selector))));
	emit_op(&t->e, OP_16, 0x89, TMP0, to);
}

_Static_assert(offsetof(struct fxsave_image, fip) == offsetof(struct fxsave_image, fop) + 2 &&
		   offsetof(struct fxsave_image, fcs) == offsetof(struct fxsave_image, fop) + 6,
	       "FOP, FIP and FCS are written as eight bytes");

bool trans_has_x87_pointers(const struct trans *t, unsigned n)
{
	return x87_pointers_instruction(t->tb, n) >= 0;
}

void trans_x87_pointers_exit(struct trans *t, unsigned n)
{
	int i = x87_pointers_instruction(t->tb, n), operand = x87_pointers_operand(t->tb, n);
	uint64_t fip = t->tb->eip + t->tb->insns[i].guest;

	emit_mov_imm64(&t->e, TMP0, x87_opcode(&t->insns[i]) | fip << 16);
	emit_store64(&t->e, FX_FIELD(fop), TMP0);
	if (t->mode & MODE_MOVED) {
		trans_eip(t, TMP0, (uint32_t)fip);
		emit_store32(&t->e, FX_FIELD(fip), TMP0);
	}
	copy_selector(t, FX_FIELD(fcs), CS);
	if (operand >= 0)
		copy_selector(t, FX_FIELD(fds), t->insns[operand].seg);
}

void trans_x87_pointers(struct trans *t, unsigned n)
{
	if (!trans_has_x87_pointers(t, n))
		return;
	trans_x87_pointers_exit(t, n);
	if (n < t->count)
		tb_x87(t->tb)->written |= 1ull << n;
}

static void note_operand(struct trans *t)
{
	emit_lea32(&t->e, TMP0, trans_ea(t->in));
	if (t->in->address_mask == 0xffff)
		emit_movzx16(&t->e, TMP0, TMP0);
	emit_store32(&t->e, FX_FIELD(fdp), TMP0);
	tb_x87(t->tb)->operand |= 1ull << t->n;
}

/* ---- the rules ---- */
static void verbatim(struct trans *t)
{
	emit_room(&t->e);
	emit1(&t->e, t->in->opcode);
	emit1(&t->e, t->in->modrm);
}

/* FNINIT -> FNINIT; clear the pointers */
static void fninit(struct trans *t)
{
	verbatim(t);
	emit_op(&t->e, OP_W, 0xc7, 0, FX_FIELD(fop));
	emit4(&t->e, 0);
	emit_store32_imm(&t->e, FX_FIELD(fdp), 0);
	emit_op(&t->e, OP_16, 0xc7, 0, FX_FIELD(fds));
	emit2(&t->e, 0);
	tb_x87(t->tb)->written |= 1ull << t->n;
}

static bool register_form(struct trans *t)
{
	unsigned opcode = t->in->opcode, modrm = t->in->modrm;

	if (opcode == FWAIT) {
		emit_room(&t->e);
		emit1(&t->e, FWAIT);
		return true;
	}
	if (opcode == 0xdb && modrm == 0xe3) {
		fninit(t);
	} else if (opcode == 0xdb && (modrm & 0xf8) == 0xe0) {
		if (modrm == 0xe2) /* fnclex; feni, fdisi and fsetpm do nothing */
			verbatim(t);
	} else {
		verbatim(t);
		if (opcode != 0xdf || modrm != 0xe0) /* fnstsw */
			tb_x87(t->tb)->instruction |= 1ull << t->n;
	}
	return true;
}

static bool memory_form(struct trans *t)
{
	const struct insn *in = t->in;
	bool control = (in->opcode == 0xd9 && in->reg >= 5) || /* fldcw, fnstcw */
		       (in->opcode == 0xdd && in->reg == 7);   /* fnstsw */

	emit_op(&t->e, 0, in->opcode, in->reg,
		trans_operand(t, is_store(in) ? WRITE : READ, operand_bytes(t->row->operands)));
	if (!control)
		note_operand(t);
	return true;
}

bool select_x87(struct trans *t)
{
	return t->in->rm_is_memory ? memory_form(t) : register_form(t);
}
