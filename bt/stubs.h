/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the code of stubs is made of. */
#ifndef BT_STUBS_H
#define BT_STUBS_H

#include <assert.h>

#include "bt/bt_internal.h"

#define FLAG_OF_BIT 11

static inline uint32_t stub_here(const struct bt *bt, const struct emit *e)
{
	return (uint32_t)(e->p - bt->cache.rw);
}

/* Where the next stub begins. */
static inline uint32_t stub_begin(const struct bt *bt, struct emit *e)
{
	while ((uintptr_t)e->p & 15)
		emit1(e, 0xcc);
	return stub_here(bt, e);
}

/* alu op r/m32, imm32: op is the /digit of opcode 81. */
static inline void alu_imm(struct emit *e, unsigned op, unsigned reg, uint32_t imm)
{
	emit_op(e, 0, 0x81, op, rm_reg(reg));
	emit4(e, imm);
}
enum { ALU_ADD = 0, ALU_OR = 1, ALU_AND = 4, ALU_SUB = 5, ALU_CMP = 7 };

static inline void shift_imm(struct emit *e, unsigned op, unsigned reg, unsigned count)
{
	emit_op(e, 0, 0xc1, op, rm_reg(reg));
	emit1(e, count);
}
enum { SHIFT_LEFT = 4, SHIFT_RIGHT = 5 };

static inline void emit_lahf(struct emit *e)
{
	emit1(e, 0x9f);
}
static inline void emit_sahf(struct emit *e)
{
	emit1(e, 0x9e);
}
static inline void emit_seto_al(struct emit *e)
{
	emit_op(e, OP_0F, 0x90, 0, rm_reg(RAX));
}
/* AL 0 or 1 to OF. */
static inline void emit_al_to_of(struct emit *e)
{
	emit1(e, 0x04); /* add al, 7fh */
	emit1(e, 0x7f);
}

/* IF from image. */
static inline void take_if(struct emit *e, unsigned image) /* changes image */
{
	shift_imm(e, SHIFT_RIGHT, image, 8);
	alu_imm(e, ALU_AND, image, FL_IF >> 8);
	emit_op(e, 0, 0x88, image, CPU_FIELD(bt_if));
}

/* The arithmetic flags from an image that is not in RAX; RAX from R9, where it is lent. */
static inline void take_flags(struct emit *e, unsigned image)
{
	emit_mov32(e, RAX, image);
	shift_imm(e, SHIFT_LEFT, RAX, 8);
	emit_op(e, OP_0F, 0xba, 4, rm_reg(image)); /* bt image, OF */
	emit1(e, FLAG_OF_BIT);
	emit_op(e, OP_0F, 0x92, 0, rm_reg(RAX)); /* setc al */
	emit_al_to_of(e);
	emit_sahf(e);
	emit_mov(e, RAX, TMP1);
}

static inline struct rm segment_field(unsigned seg, size_t field)
{
	return rm_at(VCPU, (int32_t)(offsetof(struct vcpu, seg) + seg * sizeof(struct segment) +
				     field));
}

/* RAX to R9 and the flags to R11, and back. */
static inline void lend_flags(struct emit *e)
{
	emit_mov(e, TMP1, RAX);
	emit_lahf(e);
	emit_seto_al(e);
	emit_mov32(e, TMP3, RAX);
}
static inline void restore_flags(struct emit *e)
{
	emit_mov32(e, RAX, TMP3);
	emit_al_to_of(e);
	emit_sahf(e);
	emit_mov(e, RAX, TMP1);
}

/*
 * Jumps to where a stub gives up: it has the instruction interpreted, with flags and RAX,
 * which are lent, as they were.
 */
#define GIVE_UPS 32u
struct give_up {
	uint8_t *from[GIVE_UPS];
	unsigned count;
};
static inline void give_up_if(struct emit *e, struct give_up *g, unsigned cc)
{
	assert(g->count < GIVE_UPS);
	g->from[g->count++] = emit_jcc_ahead(e, cc);
}
static inline void give_up(struct bt *bt, struct emit *e, const struct give_up *g)
{
	for (unsigned i = 0; i < g->count; i++)
		emit_patch32(e, g->from[i]);
	restore_flags(e);
	emit_jmp(e, cache_rw(bt, bt->stubs.slow));
}

/*
 * RAX = the descriptor in the GDT of the selector in R8D, which is not null. Gives up if that
 * is in the LDT, or the software TLB does not know where. Clobbers R8, R10, R13.
 */
void emit_descriptor(struct emit *e, struct give_up *g);

#endif
