/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What far transfers, interrupts and task switches share. */
#ifndef CPU_TRANSFER_H
#define CPU_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/descriptor.h"
#include "cpu/insn.h"
#include "cpu/vcpu.h"

/* A far pointer: offset, then selector. */
struct far_pointer {
	uint32_t offset;
	uint16_t selector;
};

/* The memory operand as a far pointer with an offset of size 2 or 4 bytes. */
struct far_pointer far_pointer_read(struct vcpu *cpu, const struct insn *in, unsigned size);

/* Unwinds with #GP(0) if the offset lies outside the code segment's limit. */
void transfer_check_eip(struct vcpu *cpu, uint32_t limit, uint32_t eip);

/*
 * The stack of a privilege level, from the current TSS, with all checks of
 * SDM 3A 5.8.5: unwinds with #TS, #SS, #PF. Changes nothing but the stack
 * descriptor's accessed bit.
 */
void tss_stack(struct vcpu *cpu, unsigned cpl, struct segment *ss, uint32_t *esp);

/* Makes a checked code segment the current one, at privilege cpl. */
void transfer_commit(struct vcpu *cpu, const struct descriptor *cs, uint16_t selector, unsigned cpl,
		     uint32_t eip);

/* ---- cpu/task.c ---- */
enum task_switch_kind {
	TASK_JMP,
	TASK_CALL, /* CALL, interrupt, exception: the new task is nested */
	TASK_IRET, /* from a nested task */
};

/*
 * Switches to the task of a TSS whose descriptor has been checked for type
 * and presence (SDM 3A 7.3). saved_eflags goes to the old TSS. Faults after
 * the point of no return unwind in the new task's context.
 */
void task_switch(struct vcpu *cpu, uint16_t selector, struct descriptor *tss,
		 enum task_switch_kind kind, uint32_t saved_eflags);

/* After a task switch by JMP, CALL or IRET: #DB if the new TSS asks for it. */
void task_debug_trap(struct vcpu *cpu);

/*
 * Reads the TSS descriptor that a task gate, or a nested task's link, names;
 * it has to be in the GDT, busy or not as asked. Unwinds with `vector`, or #NP.
 */
void task_get_descriptor(struct vcpu *cpu, uint16_t selector, bool busy, unsigned vector,
			 struct descriptor *tss);

/* IRET with NT set: back to the task named in the TSS's link field. */
void task_return(struct vcpu *cpu);

#endif
