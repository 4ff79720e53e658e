/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of the integer instructions. Nearly all are copied: the
 * same operation on the same registers, flags included, with the memory
 * operand put in other words.
 *
 * LOCK is dropped: there is one processor, and nobody else changes guest
 * memory in an atomic way.
 */
#include "bt/fpu.h"
#include "bt/trans.h"

/* An immediate of n bytes. */
static void imm(struct trans *t, unsigned n)
{
	if (n == 1)
		emit1(&t->e, t->in->imm & 0xff);
	else if (n == 2)
		emit2(&t->e, t->in->imm & 0xffff);
	else if (n == 4)
		emit4(&t->e, t->in->imm);
}

/* op Ev / op Gv,Ev / op Ev,Gv -> the same. reg: host register, or opcode extension. */
static bool copy_v(struct trans *t, unsigned map, unsigned opcode, unsigned reg,
		   enum access access, unsigned imm_bytes)
{
	const struct insn *in = t->in;
	struct rm rm = in->rm_is_memory ? trans_operand(t, access, operand_size(in))
					: rm_reg(host_reg(in->rm));

	emit_op(&t->e, map | size_flag(in), opcode, reg, rm);
	imm(t, imm_bytes);
	return true;
}

/* Whether op Eb,Gb or Gb,Eb may write Gb: the latter, XCHG and XADD. */
static bool writes_b_g(unsigned map, unsigned opcode)
{
	return map ? opcode == 0xc0 : opcode & 2;
}

/* op m,AH and its like -> AH to R11B; op m,R11B; R11B to AH */
static bool copy_m_high(struct trans *t, unsigned map, unsigned opcode, struct rm rm)
{
	unsigned reg = t->in->reg & 3;

	emit_rorx(&t->e, false, TMP3, reg, 8);
	emit_op(&t->e, map, opcode, TMP3, rm);
	if (!writes_b_g(map, opcode))
		return true;
	emit_rorx(&t->e, false, reg, reg, 8);
	emit_op(&t->e, 0, 0x8a, reg, rm_reg(TMP3));
	emit_rorx(&t->e, false, reg, reg, 24);
	return true;
}

/* op Eb,Gb and its like. AH to BH cannot be named beside R8 to R15. */
static bool copy_b_g(struct trans *t, unsigned map, unsigned opcode, enum access access)
{
	const struct insn *in = t->in;
	struct rm rm = in->rm_is_memory ? trans_operand(t, access, 1) : rm_reg(in->rm);

	if (in->rm_is_memory && in->reg >= 4)
		return copy_m_high(t, map, opcode, rm);
	emit_op(&t->e, map, opcode, in->reg, rm);
	return true;
}

/* op Eb -> the same; ext is the opcode's extension. */
static bool copy_b_ext(struct trans *t, unsigned map, unsigned opcode, unsigned ext,
		       enum access access, unsigned imm_bytes)
{
	const struct insn *in = t->in;
	struct rm rm = in->rm_is_memory ? trans_operand(t, access, 1) : rm_reg(in->rm);

	emit_op(&t->e, map, opcode, ext, rm);
	imm(t, imm_bytes);
	return true;
}

static unsigned imm_size(const struct insn *in)
{
	return in->operand32 ? 4 : 2;
}

/* ADD OR ADC SBB AND SUB XOR CMP: n is bits 3-5 of the opcode. */
static bool alu(struct trans *t)
{
	unsigned opcode = t->in->opcode, n = opcode >> 3;
	enum access access = n == 7 ? READ : WRITE;

	switch (opcode & 7) {
	case 0:
		return copy_b_g(t, 0, opcode, access);
	case 1:
		return copy_v(t, 0, opcode, host_reg(t->in->reg), access, 0);
	case 2:
		return copy_b_g(t, 0, opcode, READ);
	case 3:
		return copy_v(t, 0, opcode, host_reg(t->in->reg), READ, 0);
	case 4:
		emit_room(&t->e);
		emit1(&t->e, opcode);
		imm(t, 1);
		return true;
	default:
		emit_op(&t->e, size_flag(t->in), 0x81, n, rm_reg(RAX));
		imm(t, imm_size(t->in));
		return true;
	}
}

static bool group1(struct trans *t)
{
	const struct insn *in = t->in;
	enum access access = in->reg == 7 ? READ : WRITE;

	switch (in->opcode) {
	case 0x81:
		return copy_v(t, 0, 0x81, in->reg, access, imm_size(in));
	case 0x83:
		return copy_v(t, 0, 0x83, in->reg, access, 1);
	default: /* 80 and its alias 82 */
		return copy_b_ext(t, 0, 0x80, in->reg, access, 1);
	}
}

static bool shift(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned imm_bytes = in->opcode < 0xd0 ? 1 : 0;
	unsigned ext = in->reg == 6 ? 4 : in->reg;

	return in->opcode & 1 ? copy_v(t, 0, in->opcode, ext, WRITE, imm_bytes)
			      : copy_b_ext(t, 0, in->opcode, ext, WRITE, imm_bytes);
}

/* TEST NOT NEG MUL IMUL DIV IDIV; #DE comes as SIGFPE. */
static bool group3(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned ext = in->reg == 1 ? 0 : in->reg;
	enum access access = in->reg == 2 || in->reg == 3 ? WRITE : READ;
	unsigned imm_bytes = ext ? 0 : in->opcode & 1 ? imm_size(in) : 1;

	return in->opcode & 1 ? copy_v(t, 0, in->opcode, ext, access, imm_bytes)
			      : copy_b_ext(t, 0, in->opcode, ext, access, imm_bytes);
}

/* MOV AL,moffs and its like -> MOV with ModRM. */
static bool moffs(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned opcode = in->opcode < 0xa2 ? 0x8a : 0x88;
	unsigned size = opcode_size(in);
	struct rm ea = {.memory = true,
			.reg = NO_REG,
			.index = NO_REG,
			.disp = (int32_t)(in->disp & in->address_mask)};

	ea = trans_memory(t, in->seg, ea, false, in->opcode < 0xa2 ? READ : WRITE, size);
	emit_op(&t->e, size == 1 ? 0 : size_flag(in), opcode | (in->opcode & 1), RAX, ea);
	return true;
}

static bool lea(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned to = host_reg(in->reg);

	if (in->address_mask == 0xffff) {
		emit_lea32(&t->e, TMP0, trans_ea(in));
		emit_movzx16(&t->e, TMP0, TMP0);
		emit_op(&t->e, size_flag(in), 0x8b, to, rm_reg(TMP0));
	} else {
		emit_op(&t->e, size_flag(in), 0x8d, to, trans_ea(in));
	}
	return true;
}

/* op r, with the register in the opcode -> the form with ModRM. */
static bool of_opcode(struct trans *t, unsigned opcode, unsigned ext)
{
	emit_op(&t->e, size_flag(t->in), opcode, ext, rm_reg(host_reg(t->in->reg)));
	return true;
}

static bool mov_imm(struct trans *t)
{
	const struct insn *in = t->in;

	if (in->opcode < 0xb8) {
		emit_room(&t->e);
		emit1(&t->e, in->opcode);
		imm(t, 1);
	} else if (in->operand32) {
		emit_mov_imm32(&t->e, host_reg(in->reg), in->imm);
	} else {
		of_opcode(t, 0xc7, 0);
		imm(t, 2);
	}
	return true;
}

/* No operands, or implicit ones: the opcode as it is. */
static bool verbatim(struct trans *t, bool sized)
{
	emit_room(&t->e);
	if (sized && !t->in->operand32)
		emit1(&t->e, 0x66);
	emit1(&t->e, t->in->opcode);
	return true;
}

static void set_if(struct trans *t, unsigned value)
{
	emit_op(&t->e, 0, 0xc6, 0, CPU_FIELD(bt_if));
	emit1(&t->e, value);
}

static bool sti(struct trans *t)
{
	struct emit *e = &t->e;
	uint8_t *none;

	/* With something pending, or counted time, the interpreter knows the shadow. */
	if (t->bt->config.exact_fuel || t->n + 1 == t->count)
		return false;
	emit_load32(e, TMP0, CPU_FIELD(pending));
	emit_mov(e, TMP1, RCX);
	emit_mov(e, RCX, TMP0);
	none = emit_jrcxz(e);
	emit_mov(e, RCX, TMP1);
	trans_slow(t); /* goes on behind this instruction */
	emit_patch8(e, none);
	emit_mov(e, RCX, TMP1);
	set_if(t, FL_IF >> 8);
	return true;
}

static bool select_m1(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned opcode = in->opcode, reg = host_reg(in->reg);

	if (opcode < 0x40 && (opcode & 7) < 6)
		return alu(t);
	switch (opcode) {
	case 0x40 ... 0x47:
		return of_opcode(t, 0xff, 0);
	case 0x48 ... 0x4f:
		return of_opcode(t, 0xff, 1);
	case 0x69:
		return copy_v(t, 0, opcode, reg, READ, imm_size(in));
	case 0x6b:
		return copy_v(t, 0, opcode, reg, READ, 1);
	case 0x80 ... 0x83:
		return group1(t);
	case 0x84:
		return copy_b_g(t, 0, opcode, READ);
	case 0x85:
		return copy_v(t, 0, opcode, reg, READ, 0);
	case 0x86:
		return copy_b_g(t, 0, opcode, WRITE);
	case 0x87:
		return copy_v(t, 0, opcode, reg, WRITE, 0);
	case 0x88:
		return copy_b_g(t, 0, opcode, WRITE);
	case 0x89:
		return copy_v(t, 0, opcode, reg, WRITE, 0);
	case 0x8a:
		return copy_b_g(t, 0, opcode, READ);
	case 0x8b:
		return copy_v(t, 0, opcode, reg, READ, 0);
	case 0x8d:
		return lea(t);
	case 0x90:
		return true;
	case 0x91 ... 0x97:
		emit_op(&t->e, size_flag(in), 0x87, RAX, rm_reg(reg));
		return true;
	case 0x98:
	case 0x99:
		return verbatim(t, true);
	case 0x9e: /* sahf */
	case 0x9f:
	case 0xf5: /* cmc clc stc */
	case 0xf8:
	case 0xf9:
		return verbatim(t, false);
	case 0xa0 ... 0xa3:
		return moffs(t);
	case 0xa8:
		emit_room(&t->e);
		emit1(&t->e, opcode);
		imm(t, 1);
		return true;
	case 0xa9:
		emit_op(&t->e, size_flag(in), 0xf7, 0, rm_reg(RAX));
		imm(t, imm_size(in));
		return true;
	case 0xb0 ... 0xbf:
		return mov_imm(t);
	case 0xc0:
	case 0xc1:
	case 0xd0 ... 0xd3:
		return shift(t);
	case 0xc6:
		return copy_b_ext(t, 0, opcode, 0, WRITE, 1);
	case 0xc7:
		return copy_v(t, 0, opcode, 0, WRITE, imm_size(in));
	case 0xf6:
	case 0xf7:
		return group3(t);
	case 0xfe:
		return copy_b_ext(t, 0, opcode, in->reg, WRITE, 0);
	case 0xff:
		return in->reg < 2 && copy_v(t, 0, opcode, in->reg, WRITE, 0);
	case 0xfa:
		if (!(t->mode & MODE_IO))
			return false;
		set_if(t, 0);
		return true;
	case 0xfb:
		return t->mode & MODE_IO && sti(t);
	case 0xfc:
		trans_flag_op(t, FLAG_CLD);
		return true;
	case 0xfd:
		trans_flag_op(t, FLAG_STD);
		return true;
	default:
		return false;
	}
}

bool copy_gv_eb(struct trans *t, unsigned flags)
{
	const struct insn *in = t->in;

	if (in->rm_is_memory)
		emit_op(&t->e, flags, in->opcode, host_reg(in->reg), trans_operand(t, READ, 1));
	else if (in->reg == ESP && in->rm >= 4)
		return false;
	else
		emit_op(&t->e, flags, in->opcode, host_reg(in->reg), rm_reg(in->rm));
	return true;
}

static bool widen_word(struct trans *t)
{
	const struct insn *in = t->in;
	struct rm rm = in->rm_is_memory ? trans_operand(t, READ, 2) : rm_reg(host_reg(in->rm));

	emit_op(&t->e, OP_0F | size_flag(in), in->opcode, host_reg(in->reg), rm);
	return true;
}

/*
 * BT BTS BTR BTC m,r: the offset reaches beyond the operand. The doubleword that
 * holds the bit to R10, there the bit, and back; what is written goes through
 * the software TLB, so that nothing can fault once the flags have changed.
 */
static bool bit_test_anywhere(struct trans *t)
{
	const struct insn *in = t->in;
	struct emit *e = &t->e;
	unsigned reg = host_reg(in->reg);
	bool writes = in->opcode != 0xa3;
	struct rm rm;

	if (!in->operand32 || in->address_mask == 0xffff)
		return false;
	emit_lea32(e, TMP4, trans_ea(in));
	emit_mov_imm32(e, TMP1, 5);
	emit_shiftx(e, false, VEX_SARX, TMP1, reg, TMP1);
	t->soft |= writes;
	rm = trans_memory(t, in->seg, rm_indexed(TMP4, TMP1, 2, 0), false, writes ? WRITE : READ,
			  4);
	emit_load32(e, TMP2, rm);
	emit_op(e, OP_0F, in->opcode, reg, rm_reg(TMP2));
	if (writes)
		emit_store32(e, rm, TMP2);
	return true;
}

static bool bit_test(struct trans *t)
{
	const struct insn *in = t->in;

	if (in->opcode == 0xba)
		return copy_v(t, OP_0F, 0xba, in->reg, in->reg == 4 ? READ : WRITE, 1);
	if (in->rm_is_memory)
		return bit_test_anywhere(t);
	return copy_v(t, OP_0F, in->opcode, host_reg(in->reg), WRITE, 0);
}

static bool cmpxchg8b(struct trans *t)
{
	emit_op(&t->e, OP_0F, 0xc7, 1, trans_operand(t, WRITE, 8));
	return true;
}

static bool bswap(struct trans *t)
{
	unsigned reg = host_reg(t->in->reg);

	if (!t->in->operand32) /* undefined by the manual: as the interpreter has it */
		return false;
	emit_room(&t->e);
	if (reg & 8)
		emit1(&t->e, 0x41);
	emit1(&t->e, 0x0f);
	emit1(&t->e, 0xc8 | (reg & 7));
	return true;
}

static bool select_m2(struct trans *t)
{
	const struct insn *in = t->in;
	unsigned opcode = in->opcode, reg = host_reg(in->reg);

	switch (opcode) {
	case 0x0d:
	case 0x18 ... 0x1f:
		return true;
	case 0x40 ... 0x4f:
		return copy_v(t, OP_0F, opcode, reg, READ, 0);
	case 0x90 ... 0x9f:
		return copy_b_ext(t, OP_0F, opcode, 0, WRITE, 0);
	case 0xa3:
	case 0xab:
	case 0xb3:
	case 0xbb:
	case 0xba:
		return bit_test(t);
	case 0xa4:
	case 0xac:
		return copy_v(t, OP_0F, opcode, reg, WRITE, 1);
	case 0xa5:
	case 0xad:
		return copy_v(t, OP_0F, opcode, reg, WRITE, 0);
	case 0xaf:
	case 0xbc:
	case 0xbd:
		return copy_v(t, OP_0F, opcode, reg, READ, 0);
	case 0xb0:
	case 0xc0:
		/* AL is an operand of CMPXCHG, and may be half of what XADD changes. */
		return in->reg < 4 && copy_b_g(t, OP_0F, opcode, WRITE);
	case 0xb1:
	case 0xc1:
		return copy_v(t, OP_0F, opcode, reg, WRITE, 0);
	case 0xb6:
	case 0xbe:
		return copy_gv_eb(t, OP_0F | size_flag(in));
	case 0xb7:
	case 0xbf:
		return widen_word(t);
	case 0xc7:
		return cmpxchg8b(t);
	case 0xc8 ... 0xcf:
		return bswap(t);
	default:
		return false;
	}
}

/* LFENCE MFENCE SFENCE -> nothing: one processor, and the host keeps its order. */
static bool is_fence(const struct trans *t)
{
	return t->row->map == M2 && t->row->opcode == 0xae && t->row->prefix == NP &&
	       t->row->mod == REG;
}

unsigned select_fpu_need(const struct trans *t, const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];
	unsigned slow = t->mode & MODE_SSE_SLOW ? FPU_SSE : 0;
	unsigned need = 0;

	if (in->exec && row->class == X87)
		need = x87_need(in, row);
	else if (in->exec && (row->class == MMX || row->class == SSE))
		need = simd_need(in, row);
	return need & slow ? 0 : need;
}

bool select_insn(struct trans *t)
{
	if (is_fence(t))
		return true;
	switch (t->row->class) {
	case TRANSFER:
		return select_transfer(t);
	case STRING:
		return select_string(t);
	case SENSITIVE:
		return select_tsc(t) || select_selector(t) || select_flags(t);
	case FAR:
		return select_crossing(t);
	case PLAIN:
	case PRIVILEGED:
		if (t->row->map == M1)
			return select_stack(t) || select_m1(t);
		if (t->row->map == M2 && t->row->prefix == ANY && t->row->class == PLAIN)
			return select_m2(t);
		if (t->row->map == M2 && t->row->opcode == 0x20)
			return select_mov_from_cr(t);
		return select_simd_integer(t);
	case X87:
		if (!select_fpu_need(t, t->in)) {
			tb_x87(t->tb)->written |= 1ull << t->n; /* it takes them over */
			return false;
		}
		return select_x87(t);
	case MMX:
	case SSE:
		return select_fpu_need(t, t->in) && select_simd(t);
	default:
		return false;
	}
}
