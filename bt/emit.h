/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emitter's lower layer: bytes of 64-bit host instructions (SDM 2A chapter
 * 2), without policy. What to emit is decided in select*.c.
 *
 * Code is written through the code cache's writable mapping; everything is
 * relative, so that it means the same in the executable one. The caller sees
 * to it that there is room (struct emit has a margin and an overflow mark).
 */
#ifndef BT_EMIT_H
#define BT_EMIT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ORDER: the numbers of the encoding. */
enum host_reg {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NO_REG
};

struct emit {
	uint8_t *p;   /* next byte */
	uint8_t *end; /* at least EMIT_MARGIN bytes follow */
	bool overflow; /* something did not fit: what has been emitted is useless */
};
#define EMIT_MARGIN 64

/* A ModRM.rm operand. */
struct rm {
	bool memory;
	uint8_t reg;  /* register operand, or base (NO_REG: none) */
	uint8_t index, scale;
	int32_t disp;
};

static inline struct rm rm_reg(unsigned reg)
{
	return (struct rm){.reg = (uint8_t)reg};
}
static inline struct rm rm_at(unsigned base, int32_t disp)
{
	return (struct rm){.memory = true, .reg = (uint8_t)base, .index = NO_REG, .disp = disp};
}
static inline struct rm rm_indexed(unsigned base, unsigned index, unsigned scale, int32_t disp)
{
	return (struct rm){.memory = true,
			   .reg = (uint8_t)base,
			   .index = (uint8_t)index,
			   .scale = (uint8_t)scale,
			   .disp = disp};
}

/* What an opcode is apart from its operands. */
enum op_flags {
	OP_W = 1u,	/* 64-bit operands: REX.W */
	OP_16 = 2u,	/* 16-bit operands: 66 */
	OP_F3 = 4u, OP_F2 = 8u, /* mandatory prefixes */
	OP_0F = 16u, OP_0F38 = 32u, OP_0F3A = 64u, /* map */
	OP_BYTE_REG = 128u, /* ModRM.reg names a byte register: 4-7 need REX to be SPL..DIL */
	OP_BYTE_RM = 256u,
};

static inline void emit1(struct emit *e, unsigned byte)
{
	*e->p++ = (uint8_t)byte;
}
static inline void emit2(struct emit *e, unsigned v)
{
	memcpy(e->p, &v, 2);
	e->p += 2;
}
static inline void emit4(struct emit *e, uint32_t v)
{
	memcpy(e->p, &v, 4);
	e->p += 4;
}
static inline void emit8(struct emit *e, uint64_t v)
{
	memcpy(e->p, &v, 8);
	e->p += 8;
}

/* To be called before each instruction: is there room for it? */
static inline bool emit_room(struct emit *e)
{
	if (e->p < e->end)
		return true;
	e->p = e->end; /* the margin takes what comes until somebody looks */
	e->overflow = true;
	return false;
}

static inline void emit_sib_operand(struct emit *e, unsigned reg, const struct rm *rm)
{
	unsigned base = rm->reg, r = (reg & 7) << 3;
	bool no_base = base == NO_REG, sib = no_base || rm->index != NO_REG || (base & 7) == 4;
	unsigned mod;

	if (no_base || (rm->disp == 0 && (base & 7) != 5))
		mod = 0;
	else
		mod = rm->disp >= -128 && rm->disp <= 127 ? 1 : 2;
	emit1(e, mod << 6 | r | (sib ? 4 : (base & 7)));
	if (sib)
		emit1(e, (unsigned)rm->scale << 6 | (rm->index == NO_REG ? 4 : (rm->index & 7u)) << 3 |
				 (no_base ? 5 : (base & 7)));
	if (mod == 1)
		emit1(e, (unsigned)rm->disp);
	else if (mod == 2 || no_base)
		emit4(e, (uint32_t)rm->disp);
}

/*
 * One instruction with a ModRM byte; immediates follow by emit1 and so on.
 * reg: a register, or the opcode's extension.
 */
static inline void emit_op(struct emit *e, unsigned flags, unsigned opcode, unsigned reg,
			   struct rm rm)
{
	unsigned rex = flags & OP_W ? 0x48 : 0;

	if (!emit_room(e))
		return;
	if (flags & OP_16)
		emit1(e, 0x66);
	if (flags & OP_F3)
		emit1(e, 0xf3);
	if (flags & OP_F2)
		emit1(e, 0xf2);
	if (reg & 8)
		rex |= 0x44;
	if (rm.reg != NO_REG && rm.reg & 8)
		rex |= 0x41;
	if (rm.memory && rm.index != NO_REG && rm.index & 8)
		rex |= 0x42;
	if (rex)
		emit1(e, rex);
	if (flags & (OP_0F | OP_0F38 | OP_0F3A))
		emit1(e, 0x0f);
	if (flags & OP_0F38)
		emit1(e, 0x38);
	if (flags & OP_0F3A)
		emit1(e, 0x3a);
	emit1(e, opcode);
	if (rm.memory)
		emit_sib_operand(e, reg, &rm);
	else
		emit1(e, 0xc0 | (reg & 7) << 3 | (rm.reg & 7));
}

/* ---- the instructions that glue is made of; none but emit_alu* touches flags ---- */
static inline void emit_mov(struct emit *e, unsigned to, unsigned from) /* 64 bits */
{
	emit_op(e, OP_W, 0x8b, to, rm_reg(from));
}
static inline void emit_mov32(struct emit *e, unsigned to, unsigned from)
{
	emit_op(e, 0, 0x8b, to, rm_reg(from));
}
static inline void emit_load32(struct emit *e, unsigned to, struct rm from)
{
	emit_op(e, 0, 0x8b, to, from);
}
static inline void emit_load64(struct emit *e, unsigned to, struct rm from)
{
	emit_op(e, OP_W, 0x8b, to, from);
}
static inline void emit_store32(struct emit *e, struct rm to, unsigned from)
{
	emit_op(e, 0, 0x89, from, to);
}
static inline void emit_store64(struct emit *e, struct rm to, unsigned from)
{
	emit_op(e, OP_W, 0x89, from, to);
}
static inline void emit_store32_imm(struct emit *e, struct rm to, uint32_t imm)
{
	emit_op(e, 0, 0xc7, 0, to);
	emit4(e, imm);
}
static inline void emit_mov_imm32(struct emit *e, unsigned to, uint32_t imm) /* zero-extends */
{
	if (!emit_room(e))
		return;
	if (to & 8)
		emit1(e, 0x41);
	emit1(e, 0xb8 | (to & 7));
	emit4(e, imm);
}
static inline void emit_mov_imm64(struct emit *e, unsigned to, uint64_t imm)
{
	if (!emit_room(e))
		return;
	emit1(e, to & 8 ? 0x49 : 0x48);
	emit1(e, 0xb8 | (to & 7));
	emit8(e, imm);
}
static inline void emit_lea32(struct emit *e, unsigned to, struct rm from)
{
	emit_op(e, 0, 0x8d, to, from);
}
static inline void emit_lea64(struct emit *e, unsigned to, struct rm from)
{
	emit_op(e, OP_W, 0x8d, to, from);
}
static inline void emit_movzx16(struct emit *e, unsigned to, unsigned from)
{
	emit_op(e, OP_0F, 0xb7, to, rm_reg(from));
}
/* to = from rotated right: BMI2, leaves flags alone. */
static inline void emit_rorx(struct emit *e, bool wide, unsigned to, unsigned from, unsigned count)
{
	if (!emit_room(e))
		return;
	emit1(e, 0xc4); /* VEX.LZ.F2.0F3A.W F0 /r ib */
	emit1(e, (to & 8 ? 0 : 0x80) | 0x40 | (from & 8 ? 0 : 0x20) | 3);
	emit1(e, (wide ? 0x80 : 0) | 0x7b);
	emit1(e, 0xf0);
	emit1(e, 0xc0 | (to & 7) << 3 | (from & 7));
	emit1(e, count);
}

/*
 * to = from shifted by a register: BMI2, leaves flags alone. pp names the
 * instruction in the VEX prefix.
 */
enum { VEX_SHLX = 1, VEX_SARX = 2, VEX_SHRX = 3 };
static inline void emit_shiftx(struct emit *e, bool wide, unsigned pp, unsigned to, unsigned from,
			       unsigned count)
{
	if (!emit_room(e))
		return;
	emit1(e, 0xc4); /* VEX.LZ.pp.0F38.W F7 /r */
	emit1(e, (to & 8 ? 0 : 0x80) | 0x40 | (from & 8 ? 0 : 0x20) | 2);
	emit1(e, (wide ? 0x80 : 0) | (~count & 15) << 3 | pp);
	emit1(e, 0xf7);
	emit1(e, 0xc0 | (to & 7) << 3 | (from & 7));
}

/* Condition codes (SDM 2 B.1.4.7). */
enum { CC_B = 2, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7 };

/* Short forms whose target is filled in later by emit_patch8(). */
static inline uint8_t *emit_jrcxz(struct emit *e)
{
	emit_room(e);
	emit1(e, 0xe3);
	emit1(e, 0);
	return e->p;
}
static inline uint8_t *emit_jcc8(struct emit *e, unsigned cc)
{
	emit_room(e);
	emit1(e, 0x70 | cc);
	emit1(e, 0);
	return e->p;
}
static inline uint8_t *emit_jcc_ahead(struct emit *e, unsigned cc) /* for emit_patch32() */
{
	emit_room(e);
	emit1(e, 0x0f);
	emit1(e, 0x80 | cc);
	emit4(e, 0);
	return e->p;
}
static inline void emit_patch32(struct emit *e, uint8_t *after)
{
	uint32_t rel = (uint32_t)(e->p - after);

	memcpy(after - 4, &rel, 4);
}
static inline void emit_patch8(struct emit *e, uint8_t *after)
{
	assert(e->p - after <= INT8_MAX);
	after[-1] = (uint8_t)(e->p - after);
}

/* rel32 forms; target is an address in the writable mapping. */
static inline void emit_rel32(struct emit *e, const uint8_t *target)
{
	emit4(e, (uint32_t)(target - (e->p + 4)));
}
static inline void emit_jmp(struct emit *e, const uint8_t *target)
{
	emit_room(e);
	emit1(e, 0xe9);
	emit_rel32(e, target);
}
static inline void emit_call(struct emit *e, const uint8_t *target)
{
	emit_room(e);
	emit1(e, 0xe8);
	emit_rel32(e, target);
}
static inline void emit_jcc(struct emit *e, unsigned cc, const uint8_t *target)
{
	emit_room(e);
	emit1(e, 0x0f);
	emit1(e, 0x80 | cc);
	emit_rel32(e, target);
}
static inline void emit_ret(struct emit *e)
{
	emit1(e, 0xc3);
}

#endif
