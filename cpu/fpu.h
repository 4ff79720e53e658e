/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's x87 and SSE state lives.
 *
 * It belongs in cpu->fx. While guest code uses it, the x87 registers and MXCSR
 * stay in the host's own registers, because moving them at every instruction
 * costs ten times the instruction (FXSAVE and FXRSTOR 60 ns). Meanwhile the
 * machine thread must not execute x87, MMX or floating-point code of its own.
 * So: no float, double or long double in base/, mmu/, cpu/ and devices/, where
 * a store of the guest may lead (they compile with -mno-80387, which rejects
 * x87 use); and fpu_leave() before anything else runs: at the end of
 * vcpu_run() and before port I/O. It is safe anywhere, also from within a
 * guest memory access. fpu_leave() gives the host's registers back in their
 * ABI state.
 *
 * XMM registers and MMX never stay in host registers.
 */
#ifndef CPU_FPU_H
#define CPU_FPU_H

#include "cpu/vcpu.h"

/* Bits of cpu->host_fpu. */
#define HOST_X87	  0x01u /* x87 registers, FCW, FSW and tags: not in cpu->fx */
#define HOST_X87_UNMASKED 0x02u /* and FCW has an exception unmasked: look at FSW.ES */
#define HOST_MXCSR	  0x04u /* MXCSR: not in cpu->fx. Only with all exceptions masked */

/* FSW, SDM 1 figure 8-4. The low six bits are as in FCW and MXCSR. */
#define FSW_IE	       0x0001u
#define FSW_DE	       0x0002u
#define FSW_ZE	       0x0004u
#define FSW_OE	       0x0008u
#define FSW_UE	       0x0010u
#define FSW_PE	       0x0020u
#define FSW_EXCEPTIONS 0x003fu
#define FSW_SF	       0x0040u
#define FSW_ES	       0x0080u
#define FSW_TOP_SHIFT  11
#define FSW_TOP	       0x3800u
#define FSW_B	       0x8000u

#define FCW_MASKS    0x003fu
#define FCW_ALWAYS   0x0040u /* reads as one */
#define FCW_WRITABLE 0x1f7fu
#define FCW_FNINIT   0x037fu
#define FCW_RESET    0x0040u

/* MXCSR, SDM 1 figure 10-3. */
#define MXCSR_FLAGS	  0x0000003fu
#define MXCSR_DAZ	  0x00000040u
#define MXCSR_MASKS	  0x00001f80u
#define MXCSR_MASKS_SHIFT 7
#define MXCSR_FTZ	  0x00008000u
#define MXCSR_WRITABLE	  0x0000ffffu /* what FXSAVE shows as MXCSR_MASK */
#define MXCSR_DEFAULT	  0x00001f80u

/* Brings what is in host registers back to cpu->fx; slow path of fpu_leave(). */
void fpu_sync(struct vcpu *cpu);

/* Makes cpu->fx whole and the host's floating point usable. Machine thread. */
static inline void fpu_leave(struct vcpu *cpu)
{
	if (cpu->host_fpu)
		fpu_sync(cpu);
}

/* The state after RESET# (SDM 3A table 9-1). INIT# leaves it alone. */
void fpu_reset(struct vcpu *cpu);

/*
 * A write to port F0h: withdraws the request for IRQ 13 and asserts IGNNE#
 * until the error is cleared (SDM 1 D.2.1).
 */
void fpu_ignore_error(struct vcpu *cpu);

#endif
