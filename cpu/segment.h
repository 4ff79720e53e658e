/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation, far control transfers, interrupt delivery and task switches.
 */
#ifndef CPU_SEGMENT_H
#define CPU_SEGMENT_H

#include "cpu/vcpu.h"

/* Recomputes lo, hi_read and hi_write from limit and attr. */
void segment_update(struct segment *s);

/*
 * MOV Sreg / POP Sreg / LDS and the like with all checks (SDM 2B MOV); real
 * and v86 mode too. Not for CS. Unwinds on failure.
 */
void segment_load(struct vcpu *cpu, unsigned seg, uint16_t selector);

/* Sets a segment as real and v86 mode do: base = selector << 4. */
void segment_load_real(struct vcpu *cpu, unsigned seg, uint16_t selector);

/* After a return to a lesser privilege: nulls ES, DS, FS, GS where the CPL may not use them. */
void segment_drop_inner(struct vcpu *cpu);
/* Loads ES, DS, FS and GS with null selectors. */
void segment_clear_data(struct vcpu *cpu);
/* SYSENTER and SYSEXIT: base 0, 4 GiB; attr has DPL and, for code, DESC_CODE. */
void segment_set_flat(struct segment *s, uint16_t selector, uint32_t attr);

/*
 * Changes the CPL: the TLB view follows. Every change of CPL, and every change
 * of CR0, CR4, EFLAGS.TF/AC/VM or DR7 by others than those in this folder
 * ends with cpu_mode_changed().
 */
void cpu_set_cpl(struct vcpu *cpu, unsigned cpl);
/* Recomputes what is derived from CR0, CR4, EFLAGS, DR7 (slow, TLB view). */
void cpu_mode_changed(struct vcpu *cpu);

/* Writes EFLAGS bits in mask, keeping derived state right. */
void eflags_set(struct vcpu *cpu, uint32_t value, uint32_t mask);

/* How an interrupt or exception came about; decides checks and pushes. */
enum event_kind {
	EVENT_EXCEPTION, /* a fault, trap or abort by the processor */
	EVENT_EXTERNAL,  /* INTR or NMI */
	EVENT_SOFTWARE,  /* INT n, with the gate's DPL checked */
	EVENT_INT3,      /* INT3 and INTO: as software, but no v86 IOPL check */
	EVENT_INT1,      /* INT1 (F1): no DPL check */
};

/*
 * Delivers through the IDT (or the real-mode vector table), with return address
 * cpu->eip. Contributory and double faults are handled by the run loop: a
 * fault inside unwinds like any other.
 */
void interrupt_deliver(struct vcpu *cpu, unsigned vector, enum event_kind kind, bool has_error,
		       uint32_t error);

#endif
