/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's x87, MMX and SSE state while translated code runs.
 *
 * Such an instruction is translated to itself, on the same registers, so the
 * guest's state has to be in the host's: x87 registers and MXCSR as the
 * interpreter keeps them there (cpu/fpu.h), XMM0-7 while translated code runs
 * and vcpu.bt_xmm says so; the stubs move those. A part of the state is ready
 * when it is there and its instructions cannot raise #NM, #UD or #XM.
 *
 * vcpu.bt_fpu_missing tells, by what a block needs, whether something is not
 * ready. It is right whenever translated code is entered or gone back to from
 * C, and nothing else can change it: translated code itself never makes a
 * part unready. So a block looks at it once, before its first instruction.
 * What is not ready is loaded; where that may not be done, the block is
 * interpreted, and the interpreter raises what is due.
 *
 * With exceptions unmasked in FCW the host finds one pending where the guest's
 * processor would, by SIGFPE; then the instruction is interpreted, and that
 * raises #MF. While one is unmasked in MXCSR (MODE_SSE_SLOW), blocks have SSE
 * instructions interpreted in place.
 */
#ifndef BT_FPU_H
#define BT_FPU_H

#include "bt/bt_internal.h"

/* What a block needs, tb.fpu; index of vcpu.bt_fpu_missing. */
#define FPU_X87 1u /* for x87 and MMX instructions */
#define FPU_SSE 2u /* XMM registers and MXCSR */

/* The bits of the mode that are about this. */
uint32_t fpu_mode(const struct vcpu *cpu);

/* Translated code has run: it may have loaded FCW. */
void fpu_left(struct vcpu *cpu);

/* Sets vcpu.bt_fpu_missing: C code has run. */
void fpu_update(struct vcpu *cpu);

/*
 * Back in translated code that needs so much. Loads what is missing; false if
 * that may not be done now.
 */
bool fpu_ready_again(struct vcpu *cpu, unsigned need);

/*
 * Called by a stub before the first instruction of the block whose code the
 * address before `after` belongs to. Returns where to go on, or 0 to leave and
 * have the block interpreted.
 */
uint64_t bt_fpu_prepare(struct vcpu *cpu, uint64_t after);

/* ---- the pointers to the last x87 instruction and its operand ---- */
/*
 * Translated code writes FDP behind each instruction that has an operand, but
 * the rest only at the end of the block and before segment registers may
 * change. When an instruction of the block is interpreted, what the ones before
 * it would have left is written first.
 */

/* Numbers of the instructions before the n-th that left them; -1: none. */
int x87_pointers_instruction(const struct tb *tb, unsigned n);
int x87_pointers_operand(const struct tb *tb, unsigned n);

/* FOP of an instruction (SDM 1 figure 8-8). */
static inline uint16_t x87_opcode(const struct insn *in)
{
	return (uint16_t)((in->opcode & 7) << 8 | in->modrm);
}

/* base: tb_base() of the block. */
void x87_pointers_write(struct vcpu *cpu, const struct x87_pointers *p, uint32_t base);

#endif
