/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYSENTER, SYSEXIT, IRET to ring 3 and loads of FS without a call of C: every system call
 * of a guest has four of them, and every page fault three. What one of them does to
 * segments, mode, tags and windows is the same each time; so what the interpreter has made
 * of it is noted (crossing_learn()), and the stubs, which blocks call for such an
 * instruction, do it again while all of that holds which it has come from. Else, or when
 * somebody wants attention, the interpreter does.
 *
 * What has to hold is compared by the stubs, but for two things, by which the notes
 * are forgotten: modes get other numbers, and whether ring 3 is to run directly may
 * change between two runs.
 *
 * Frames of faults have RF set. It says that the next instruction is not to hit a breakpoint,
 * and would be seen if an interrupt came before that has been executed. Where no breakpoint
 * is armed it is dropped when code goes on there, unless instructions are counted.
 */
#ifndef BT_CROSSING_H
#define BT_CROSSING_H

#include "bt/bt_internal.h"

/* What IRET's stub leaves to the interpreter if the frame has it, or what is left behind. */
#define CROSSING_IRET_FLAGS (FL_TF | FL_NT | FL_IOPL | FL_VM | FL_AC | FL_VIF | FL_VIP)

/* What such an instruction comes from. */
struct crossing {
	uint64_t tag;
	uint64_t fs_raw;
	uint16_t fs_selector;
	uint64_t selectors; /* of ES, DS, FS and GS, for IRET */
};

/* Whether RF is dropped where translated code goes on. */
static inline bool crossing_drops_rf(const struct vcpu *cpu)
{
	return !cpu->slow && !cpu->bt->config.exact_fuel;
}

/* Which of them an instruction is; its slow_site knows. */
enum crossing_kind crossing_kind(const struct insn *in);

/* Before the instruction is interpreted. */
struct crossing crossing_begin(const struct vcpu *cpu);

/* After it: translated code goes on, under vcpu.bt_jc_tag. */
void crossing_learn(struct vcpu *cpu, enum crossing_kind kind, const struct crossing *before);

/* Forgets what has been learned. */
void crossing_forget(struct vcpu *cpu);

/*
 * Emits the stubs. They are called, with nothing of the instruction done, and return only
 * if the instruction is a load of FS that leaves the mode as it is.
 */
void crossing_emit(struct bt *bt, struct emit *e);

#endif
