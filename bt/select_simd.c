/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of MMX and SSE instructions, and of the integer ones that
 * came with them: the same opcode on the same vector registers, which hold the
 * guest's (bt/fpu.h). What the other operands are, the table's operand letters
 * say (SDM 2D A.2.1).
 *
 * Operands that must be aligned and are not raise #GP on the host too; then
 * the instruction is interpreted.
 */
#include "bt/fpu.h"
#include "bt/trans.h"
#include "cpu/features.h"

/* ---- operand letters ---- */
struct operands {
	bool general_reg, general_rm; /* ModRM.reg, ModRM.rm when no memory: general registers */
	bool mmx_reg, mmx_rm;
	bool stores; /* the memory operand is the destination */
	bool imm;
	const char *size; /* letters of the memory operand's size, or NULL */
};

/* Where the size letters of a memory operand begin in one operand's letters. */
static const char *memory_size(const char *s, size_t length)
{
	const char *m = memchr(s, 'M', length);

	if (m) /* RdMw and the like name the register's size before */
		return m + 1;
	return strchr("EQW", s[0]) ? s + 1 : NULL;
}

static struct operands parse(const char *s)
{
	struct operands o = {0};

	for (unsigned i = 0; *s; i++) {
		size_t length = strcspn(s, ",");
		const char *size = memory_size(s, length);

		if (size) {
			o.size = size;
			o.stores = i == 0;
		}
		o.general_reg |= s[0] == 'G';
		o.general_rm |= s[0] == 'E' || s[0] == 'R';
		o.mmx_reg |= s[0] == 'P';
		o.mmx_rm |= s[0] == 'N' || s[0] == 'Q';
		o.imm |= s[0] == 'I';
		s += length + (s[length] == ',');
	}
	return o;
}

/* Bytes by size letters; 0 for v. */
static unsigned size_bytes(const char *s)
{
	switch (*s) {
	case 'b':
		return 1;
	case 'w':
		return 2;
	case 'd':
		return s[1] == 'q' ? 16 : 4;
	case 's':
		return s[1] == 's' ? 4 : 8;
	case 'q':
		return 8;
	case 't':
		return 10;
	case 'v':
		return 0;
	default: /* x, ps, pd */
		return 16;
	}
}

unsigned operand_bytes(const char *operands)
{
	return size_bytes(parse(operands).size);
}

/* ---- the rules ---- */
static bool is_maskmov(const struct insn_row *row)
{
	return row->map == M2 && row->opcode == 0xf7;
}
static bool is_ldmxcsr(const struct insn_row *row)
{
	return row->map == M2 && row->opcode == 0xae && row->ext == 2;
}
static bool is_emms(const struct insn_row *row)
{
	return row->map == M2 && row->opcode == 0x77;
}

unsigned simd_need(const struct insn *in, const struct insn_row *row)
{
	struct operands o = parse(row->operands);

	if (is_maskmov(row) || is_ldmxcsr(row))
		return 0;
	if (row->class == MMX)
		return FPU_X87;
	/* CVTPI2PS of memory does not touch MMX registers. */
	return FPU_SSE | (o.mmx_reg || (o.mmx_rm && !in->rm_is_memory) ? FPU_X87 : 0);
}

static unsigned opcode_flags(const struct insn_row *row)
{
	static const unsigned maps[] = {[M2] = OP_0F, [M38] = OP_0F38, [M3A] = OP_0F3A};
	static const unsigned prefixes[] = {
	    [NP] = 0, [P66] = OP_16, [PF3] = OP_F3, [PF2] = OP_F2, [ANY] = 0};

	return maps[row->map] | prefixes[row->prefix];
}

/* PUNPCKL of MMX registers reads half of the 64 bits that its letters say. */
static unsigned memory_bytes(const struct insn *in, const struct insn_row *row, const char *size)
{
	unsigned bytes = size_bytes(size);

	if (row->class == MMX && row->map == M2 && row->opcode >= 0x60 && row->opcode <= 0x62)
		return 4;
	return bytes ? bytes : operand_size(in);
}

bool select_simd(struct trans *t)
{
	const struct insn *in = t->in;
	struct operands o = parse(t->row->operands);
	unsigned flags = opcode_flags(t->row);
	unsigned reg = o.general_reg ? host_reg(in->reg) : in->reg;
	struct rm rm = rm_reg(o.general_rm ? host_reg(in->rm) : in->rm);

	if (is_emms(t->row)) {
		emit_room(&t->e);
		emit1(&t->e, 0x0f);
		emit1(&t->e, 0x77);
		return true;
	}
	if (in->rm_is_memory)
		rm = trans_operand(t, o.stores ? WRITE : READ, memory_bytes(in, t->row, o.size));
	emit_op(&t->e, flags, in->opcode, reg, rm);
	if (o.imm)
		emit1(&t->e, in->imm & 0xff);
	return true;
}

/* ---- POPCNT, TZCNT, LZCNT, CRC32, MOVNTI ---- */
static bool sized(struct trans *t)
{
	const struct insn *in = t->in;
	struct rm rm =
	    in->rm_is_memory ? trans_operand(t, READ, operand_size(in)) : rm_reg(host_reg(in->rm));

	emit_op(&t->e, opcode_flags(t->row) | size_flag(in), in->opcode, host_reg(in->reg), rm);
	return true;
}

bool select_simd_integer(struct trans *t)
{
	const struct insn_row *row = t->row;

	if (row->map == M2 && row->prefix == NP && row->opcode == 0xc3)
		return select_simd(t);
	if (row->map == M2 && row->prefix == PF3)
		return insn_as_named(t->cpu, row) && sized(t); /* others are interpreted */
	if (row->map == M38 && row->prefix == PF2)
		return row->opcode == 0xf0 ? copy_gv_eb(t, opcode_flags(t->row)) : sized(t);
	return false;
}
