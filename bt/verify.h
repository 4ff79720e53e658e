/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier of emitted code: what a guest may make the translator emit can
 * touch its window, its translations of guest memory, and nothing else. Each
 * instruction of a block is decoded and judged by itself and by what is known
 * of the registers there, going straight from the block's first byte to its last:
 * jumps go forward, or to where an instruction of the guest begins. There, and
 * where an exit's code begins, nothing is known but the roles of registers
 * (bt_internal.h).
 *
 * Memory operands. Explicit ones only, each one of
 *	[R12+r+n], [R12+n]	the window and its guards, if the mode has one: r a
 *				register whose upper half is zero
 *	[R14+n]			struct vcpu; written: VCPU_FIELDS alone
 *	[t+i*s+n]		a look-up table, read, t vcpu.bt_tables, i bounded by
 *				a MOVZX
 *	[R8+R9]			what the software TLB's stub has found: no more
 *				bytes, no write unless that was asked for
 *	[R8]			the poll load, in the very bytes that signals.c knows
 *	REP MOVS, STOS		from and to the window, not 64 KiB elements
 *
 * Transfers. Into the block itself, to another live block's entry, to LEAVE
 * with EIP stored and R11 nothing or an exit of this block, to SLOW, to the
 * stubs for memory with a 32-bit value in R8, through the jump cache; to any of
 * those but stubs also by CALL, behind which nothing is known but the roles of
 * registers, and that R8 holds 32 bits: so does it at each RET, which goes behind
 * some CALL.
 *
 * Registers. R12, R14 and RSP stay. Guest registers' upper halves stay zero.
 * One may be lent: copied to a temporary by a 64-bit MOV, used, and taken back
 * from there. Meanwhile nothing may fault, call or leave.
 *
 * Faults. At what may fault, or has the instruction interpreted, nothing of the
 * guest instruction has been done: no register, flag or memory changed.
 *
 * And no privileged, system, I/O, string or stack instructions, no flag but the
 * arithmetic ones, no segment register, no instructions that guests' do not
 * need.
 */
#ifndef BT_VERIFY_H
#define BT_VERIFY_H

#include <Zydis/Zydis.h>

#include "bt/inspect.h"

/* What a host register holds. ORDER: up to HOLDS_32, from the fewest bits to most. */
enum held {
	HOLDS_ZERO,
	HOLDS_8,
	HOLDS_16,
	HOLDS_32,	    /* upper half zero */
	HOLDS_ANY,
	HOLDS_POLL,	    /* vcpu.bt_poll */
	HOLDS_TABLES,	    /* vcpu.bt_tables */
	HOLDS_JUMP_CACHE,   /* vcpu.bt_jc */
	HOLDS_SOFT_ADDRESS, /* R8 when a stub has found ... */
	HOLDS_SOFT_DELTA,   /* ... this to be added to it */
	HOLDS_EXIT,	    /* the number of an exit of this block */
	HOLDS_WINDOW,	    /* an address in the window */
	HOLDS_KEPT,	    /* what it held when the stub was called */
	HOLDS_SAVED,	    /* + n: guest register n */
};

#define REGISTERS 16

struct known {
	uint8_t held[REGISTERS]; /* enum held */
	uint16_t lent;		 /* bit n: host register n holds no guest value now */
	uint8_t soft_bytes;	 /* what may be accessed at SOFT_ADDRESS */
	bool soft_write;
	bool reached;
	bool effect;	 /* something of the guest instruction has been done */
	bool flags;	 /* the guest's flags have been changed */
	bool eip_stored;
};

#define JOINS 36

struct verify {
	const struct bt *bt;
	const struct tb *tb;	 /* NULL: a stub */
	const struct stub *stub; /* NULL: a block */
	bool gate;		 /* enter, leave, slow */
	uint32_t begin, end, at; /* offsets in the cache */
	unsigned insn;		 /* the guest instruction that begins next */
	struct known now;
	bool after_slow; /* the call of slow is right before */
	struct join {		 /* forward jumps that have not arrived */
		uint32_t to;
		struct known known;
	} joins[JOINS];
	unsigned join_count;
	ZydisDecoder decoder;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

static inline bool is_guest_reg(unsigned reg)
{
	return reg != RSP && (reg < R8 || reg == R15);
}
static inline bool op_writes(const ZydisDecodedOperand *op)
{
	return op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

/* Whether what a register holds has no bits above the 31st. */
static inline bool upper_half_zero(uint8_t held)
{
	return held <= HOLDS_32 || held == HOLDS_SOFT_ADDRESS || held >= HOLDS_SAVED;
}

/* 0-15, or NO_REG for what is no general register. */
unsigned verify_register(ZydisRegister reg);
/* What a register holds; HOLDS_ANY: it is no general one. */
uint8_t verify_held(const struct verify *v, ZydisRegister reg);
/* One of the stubs that reload a selector; NULL: a block. */
static inline bool is_reload(const struct stub *s)
{
	return s && (s->kind == STUB_RELOAD_ES || s->kind == STUB_RELOAD_DS);
}
/* One of those that cross into another mode. */
static inline bool is_crossing(const struct stub *s)
{
	return s && s->kind >= STUB_SYSENTER && s->kind <= STUB_POP_FS;
}
static inline bool is_fs_load(const struct stub *s)
{
	return s && (s->kind == STUB_LOAD_FS || s->kind == STUB_POP_FS);
}
/* One of those that look at a selector's descriptor. */
static inline bool reads_gdt(const struct stub *s)
{
	return is_reload(s) || is_fs_load(s) || (s && s->kind == STUB_IRET);
}
/* One of those that look an EIP up. */
static inline bool is_lookup(const struct stub *s)
{
	return s->kind == STUB_NO_RETURN || s->kind == STUB_LOOKUP || is_crossing(s);
}
/* All functions return NULL or the rule that is broken. */
/* Guest registers are where they belong: control may go anywhere. */
const char *verify_at_home(const struct verify *v);
/* The same, and nothing of the instruction has been done. */
const char *verify_may_fault(const struct verify *v);

/* Nothing is known but the roles of registers. */
void verify_forget(struct verify *v);

/* ---- verify_memory.c ---- */
/* REP MOVS and STOS: they may fault with their registers in the window. */
const char *verify_rep(struct verify *v);
const char *verify_memory(struct verify *v, const ZydisDecodedOperand *op);
/* ---- verify_registers.c: what is known after the instruction ---- */
const char *verify_registers(struct verify *v);
/* ---- verify_transfer.c ---- */
const char *verify_transfer(struct verify *v);
/* Joins what is known from jumps that lead here. */
const char *verify_arrive(struct verify *v);

#endif
