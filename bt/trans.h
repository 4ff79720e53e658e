/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One block being translated, and the upper layer of the emitter: what rules
 * in select*.c are made of. A rule is headed by `guest op -> host sequence`.
 *
 * A rule changes guest registers only after its last access to guest memory
 * that can fault, since the instruction may be interpreted from its beginning
 * at any of them. Glue leaves flags alone.
 */
#ifndef BT_TRANS_H
#define BT_TRANS_H

#include "bt/bt_internal.h"
#include "cpu/decode.h"
#include "cpu/table.h"

/* A jump to be pointed at the code of an exit, once that is emitted. */
struct exit_jump {
	uint32_t eip;
	uint32_t at; /* offset in the cache of its rel32 */
	bool after_call;
	uint8_t pointers; /* n: what instructions before the n-th leave of x87 pointers is written there */
};

/* Whether decoding has ended in an instruction's middle for want of bytes in its page. */
static inline bool is_cut_off(enum decode_status status, unsigned room)
{
	return status == DECODE_MORE || (status == DECODE_TOO_LONG && room < INSN_MAX_LENGTH);
}

struct trans {
	struct vcpu *cpu;
	struct bt *bt;
	struct emit e;
	struct tb *tb;
	uint32_t mode;
	struct insn insns[TB_MAX_INSNS];
	unsigned count, bytes;
	uint64_t inner;	    /* as tb.inner */
	unsigned inner_count;
	unsigned need;	    /* FPU_* of the instructions so far */
	unsigned may_need;  /* of the next ones: behind inner transfers no more is made ready */
	const uint8_t *code2; /* see struct tb */
	gpa_t gpa2;
	/* The instruction under way. */
	unsigned n;
	const struct insn *in;
	const struct insn_row *row;
	uint32_t eip, next_eip; /* as tb.eip */
	bool soft;	/* its memory accesses go through the software TLB */
	bool after_sti; /* no interrupt before its end */
	bool x87;   /* there are x87 instructions */
	bool ended;	/* the block's end has been emitted */
	bool called;	/* behind a CALL of the block */
	struct exit_jump jumps[TB_MAX_EXITS];
	unsigned jump_count;
};

enum access { READ, WRITE }; /* WRITE: or read and write */

static inline uint32_t trans_offset(const struct trans *t)
{
	return (uint32_t)(t->e.p - t->bt->cache.rw);
}
static inline unsigned operand_size(const struct insn *in)
{
	return in->operand32 ? 4 : 2;
}
/* Of instructions whose opcode's lowest bit tells bytes from the rest. */
static inline unsigned opcode_size(const struct insn *in)
{
	return in->opcode & 1 ? operand_size(in) : 1;
}
static inline unsigned size_flag(const struct insn *in)
{
	return in->operand32 ? 0 : OP_16;
}

/* ---- trans.c ---- */
/*
 * Makes size bytes at seg:ea accessible. Returns the operand to use in the
 * one host instruction that accesses it. Clobbers R8 to R11; the operand may
 * use R8 and R9. Where the page or the segment does not allow it, the
 * instruction is interpreted.
 */
struct rm trans_memory(struct trans *t, unsigned seg, struct rm ea, bool address16,
		       enum access access, unsigned size);
/* The ModRM memory operand of t->in. */
struct rm trans_operand(struct trans *t, enum access access, unsigned size);
/* Its effective address, for LEA. */
struct rm trans_ea(const struct insn *in);
/* SS:(E)SP + offset. */
struct rm trans_stack(struct trans *t, int offset, enum access access, unsigned size);
/* (E)SP += n. Clobbers R8. */
void trans_stack_add(struct trans *t, int n);
/* Has the instruction interpreted; comes back behind it unless the block is to be left. */
void trans_slow(struct trans *t);
/* reg = the EIP that is eip in the block's terms, which differ from the guest's with MODE_MOVED. */
void trans_eip(struct trans *t, unsigned reg, uint32_t eip);
void trans_store_eip(struct trans *t, uint32_t eip);
/* At the block's entry, with EIP in R8: what the others are relative to. */
void trans_note_page(struct trans *t);
/* Leaves if somebody wants attention; nothing of the instruction has been done. */
void trans_poll(struct trans *t);
/* Goes on at a fixed address. */
void trans_jump(struct trans *t, uint32_t eip);
void trans_jump_if(struct trans *t, unsigned cc, uint32_t eip);
/* Goes on at the EIP in R8 (zero-extended). Clobbers R9 to R11, R13. */
void trans_jump_lookup(struct trans *t);
/* Whether the block goes on behind the instruction, though that is a transfer. */
static inline bool trans_inner(const struct trans *t)
{
	return t->inner >> t->n & 1;
}

/*
 * Where near calls and returns are the host's: 32-bit code alone, whose EIP is all
 * of an address.
 */
static inline bool trans_pairs_calls(const struct trans *t)
{
	return t->bt->config.chaining && t->mode & MODE_CODE32 && t->in->operand32 &&
	       mode_seg(t->mode, CS) != KIND_SMALL;
}
/* Goes on at a fixed address, or at the EIP in R8, by a host CALL, to come back at next_eip. */
void trans_call_block(struct trans *t, uint32_t eip);
void trans_call_lookup(struct trans *t);
/* Goes on at the EIP in R8, where a host CALL expects it, if it does. */
void trans_return(struct trans *t);
/* As trans_jump_lookup(), into code that is not a block's. */
void emit_lookup(struct bt *bt, struct emit *e);
/* The same; if it is not in the jump cache, to what missed() emits, which ends in that stub. */
void emit_lookup_or(struct bt *bt, struct emit *e, void (*missed)(struct bt *bt, struct emit *e));
/* The code of exits, at the end of the block. */
void trans_finish(struct trans *t);
/* Writes the x87 pointers that instructions before the n-th have left. Clobbers R8. */
void trans_x87_pointers(struct trans *t, unsigned n);
/* The same, if there are any, where an exit before the n-th leaves the block. */
void trans_x87_pointers_exit(struct trans *t, unsigned n);
/* Whether there are. */
bool trans_has_x87_pointers(const struct trans *t, unsigned n);
/* Sees to it that what the block needs of x87 and SSE is ready. */
void trans_fpu_prepare(struct trans *t);
/* Calls a stub, by its offset in the cache. */
void trans_call(struct trans *t, uint32_t stub);
/* A flag in the second byte of EFLAGS. */
void trans_flag_op(struct trans *t, enum flag_op op);

/* ---- select_stack.c, select.c: what other rules use ---- */
/* reg = 2 or 4 bytes, zero-extended. */
void trans_load(struct trans *t, unsigned reg, struct rm from, unsigned size);
/* PUSH of the operand size. */
void trans_push_imm(struct trans *t, uint32_t value);
/* PUSH of an EIP as trans.eip, for CALL. */
void trans_push_eip(struct trans *t, uint32_t eip);
/*
 * op Gv,Eb -> the same (MOVZX, MOVSX, CRC32). AH to BH cannot be named beside
 * ESP, which is R15: false.
 */
bool copy_gv_eb(struct trans *t, unsigned flags);

/* ---- select*.c: false where the instruction has to be interpreted ---- */
bool select_insn(struct trans *t);
bool select_transfer(struct trans *t);
bool select_stack(struct trans *t);
bool select_string(struct trans *t);
/* Whether in such a mode it is REP MOVS or STOS which is the host's own, if there are many. */
bool rep_is_hosts(uint32_t mode, const struct insn *in);
/* PUSHF, POPF. */
bool select_flags(struct trans *t);
/* Reads of segment registers. */
bool select_selector(struct trans *t);
/* SYSENTER, SYSEXIT, IRET. */
bool select_crossing(struct trans *t);
bool select_tsc(struct trans *t);
bool select_mov_from_cr(struct trans *t);
bool select_x87(struct trans *t);
bool select_simd(struct trans *t);
bool select_simd_integer(struct trans *t);

/* FPU_* that the rule of such an instruction needs; 0: it is always interpreted. */
unsigned x87_need(const struct insn *in, const struct insn_row *row);
unsigned simd_need(const struct insn *in, const struct insn_row *row);
/* The same for any instruction. */
unsigned select_fpu_need(const struct trans *t, const struct insn *in);
/* Bytes of the memory operand by a row's operand letters. */
unsigned operand_bytes(const char *operands);

#endif
