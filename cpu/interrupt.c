/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of interrupts and exceptions: the real-mode vector table, the IDT's
 * interrupt, trap and task gates (SDM 3A chapter 6, 2A INT n), and what
 * virtual-8086 mode does with INT n (3B 20.3, with VME's redirection).
 *
 * A fault on the way unwinds with nothing changed; the run loop decides what
 * becomes of the two.
 */
#include "base/log.h"
#include "cpu/access.h"
#include "cpu/insn.h"
#include "cpu/segment.h"
#include "cpu/stack.h"
#include "cpu/transfer.h"

#define IDT_ERROR 2u /* error code: the index is one of the IDT */
#define VECTORS	  256u

/* An event on its way. */
struct event {
	unsigned vector;
	enum event_kind kind;
	bool has_error;
	uint32_t error;
	uint32_t eflags; /* the image to be saved */
};

static uint32_t idt_error(const struct event *e)
{
	return e->vector << 3 | IDT_ERROR;
}

static bool gate_dpl_counts(const struct event *e)
{
	return e->kind == EVENT_SOFTWARE || e->kind == EVENT_INT3;
}

/*
 * RF in the saved image (SDM 3B 17.3.1.1): set by faults, so that the
 * instruction is not stopped at by its own breakpoint again. Not by traps and
 * aborts, nor by #DB, unless that is the fault of touching a debug register.
 * Set by whatever comes between two elements of a string instruction.
 */
static uint32_t saved_eflags(const struct vcpu *cpu, unsigned vector, enum event_kind kind)
{
	bool fault = kind == EVENT_EXCEPTION;

	switch (vector) {
	case VEC_DB:
		fault &= cpu->fault.vector == VEC_DB && cpu->fault.dr6 & DR6_BD;
		break;
	case VEC_NMI:
	case VEC_BP:
	case VEC_OF:
	case VEC_DF:
	case VEC_MC:
		fault = false;
		break;
	}
	return fault || cpu->repeating ? cpu->eflags | FL_RF : cpu->eflags;
}

/* ---- real mode, and virtual-8086 mode's redirected INT n ---- */
/*
 * Pushes FLAGS, CS and IP and goes where the vector table at `table` says,
 * with these flags cleared.
 */
static void through_vector_table(struct vcpu *cpu, gva_t entry, uint32_t flags, uint32_t clear)
{
	uint32_t target = sys_read32(cpu, entry);
	struct frame f;

	frame_start(cpu, &f, 2);
	frame_push(&f, flags);
	frame_push(&f, cpu->seg[CS].selector);
	frame_push(&f, cpu->eip);
	frame_check(cpu, &f);
	transfer_check_eip(cpu, cpu->seg[CS].limit, target & 0xffff);
	cpu->regs[ESP] = frame_write(cpu, &f);
	segment_load_real(cpu, CS, (uint16_t)(target >> 16));
	cpu->eip = target & 0xffff;
	eflags_set(cpu, 0, clear);
}

static void deliver_real(struct vcpu *cpu, const struct event *e)
{
	if (e->vector * 4 + 3 > cpu->idtr.limit)
		raise_gp(cpu, idt_error(e));
	through_vector_table(cpu, cpu->idtr.base + e->vector * 4, e->eflags,
			     FL_IF | FL_TF | FL_AC | FL_RF);
}

/* ---- interrupt and trap gates ---- */
static void push_return(struct vcpu *cpu, struct frame *f, const struct event *e)
{
	frame_push(f, e->eflags);
	frame_push(f, cpu->seg[CS].selector);
	frame_push(f, cpu->eip);
	if (e->has_error)
		frame_push(f, e->error);
}

/* Flags on entry: IF stays with a trap gate. */
static uint32_t cleared_flags(const struct descriptor *gate)
{
	uint32_t clear = FL_TF | FL_NT | FL_RF | FL_VM;

	return desc_type(gate) & 1 ? clear : clear | FL_IF;
}

static void enter_same_level(struct vcpu *cpu, const struct event *e, const struct descriptor *gate,
			     struct descriptor *cs)
{
	struct frame f;

	frame_start(cpu, &f, desc_type(gate) & TYPE_GATE32 ? 4 : 2);
	push_return(cpu, &f, e);
	frame_check(cpu, &f);
	transfer_check_eip(cpu, desc_limit(cs), gate_offset(gate));
	descriptor_set_accessed(cpu, cs);
	cpu->regs[ESP] = frame_write(cpu, &f);
	transfer_commit(cpu, cs, gate_selector(gate), cpu->cpl, gate_offset(gate));
	eflags_set(cpu, 0, cleared_flags(gate));
}

static void enter_inner_level(struct vcpu *cpu, const struct event *e,
			      const struct descriptor *gate, struct descriptor *cs)
{
	static const uint8_t v86_order[] = {GS, FS, DS, ES};
	bool from_v86 = v86_mode(cpu);
	struct segment ss;
	struct frame f = {.ss = &ss, .size = desc_type(gate) & TYPE_GATE32 ? 4 : 2};

	tss_stack(cpu, desc_dpl(cs), &ss, &f.esp);
	f.error = ss.selector & SELECTOR_ERROR;
	if (from_v86)
		for (unsigned i = 0; i < sizeof(v86_order); i++)
			frame_push(&f, cpu->seg[v86_order[i]].selector);
	frame_push(&f, cpu->seg[SS].selector);
	frame_push(&f, cpu->regs[ESP]);
	push_return(cpu, &f, e);
	frame_check(cpu, &f);
	transfer_check_eip(cpu, desc_limit(cs), gate_offset(gate));
	descriptor_set_accessed(cpu, cs);
	cpu->regs[ESP] = frame_write(cpu, &f);
	cpu->seg[SS] = ss;
	if (from_v86)
		segment_clear_data(cpu);
	cpu->eflags &= ~FL_VM;
	transfer_commit(cpu, cs, gate_selector(gate), desc_dpl(cs), gate_offset(gate));
	eflags_set(cpu, 0, cleared_flags(gate));
}

static void through_gate(struct vcpu *cpu, const struct event *e, const struct descriptor *gate)
{
	uint16_t selector = gate_selector(gate), error = selector & SELECTOR_ERROR;
	struct descriptor cs;
	bool inner;

	if (selector_is_null(selector))
		raise_gp(cpu, 0);
	descriptor_get(cpu, selector, VEC_GP, &cs);
	if (!desc_is_code(&cs) || desc_dpl(&cs) > cpu->cpl)
		raise_gp(cpu, error);
	if (!desc_present(&cs))
		raise_error(cpu, VEC_NP, error);
	inner = !desc_is_conforming(&cs) && desc_dpl(&cs) < cpu->cpl;
	/* Out of virtual-8086 mode only to level 0. */
	if (v86_mode(cpu) && (!inner || desc_dpl(&cs) != 0))
		raise_gp(cpu, error);
	if (inner)
		enter_inner_level(cpu, e, gate, &cs);
	else
		enter_same_level(cpu, e, gate, &cs);
}

/* ---- task gates ---- */
static void push_error_code(struct vcpu *cpu, uint32_t error)
{
	unsigned size = cpu->tr.attr >> 8 & TYPE_GATE32 ? 4 : 2;
	struct frame f;

	frame_start(cpu, &f, size);
	frame_push(&f, error);
	frame_check(cpu, &f);
	cpu->regs[ESP] = frame_write(cpu, &f);
}

static void through_task_gate(struct vcpu *cpu, const struct event *e,
			      const struct descriptor *gate)
{
	uint16_t selector = gate_selector(gate);
	struct descriptor tss;

	task_get_descriptor(cpu, selector, false, VEC_GP, &tss);
	task_switch(cpu, selector, &tss, TASK_CALL, e->eflags);
	if (e->has_error)
		push_error_code(cpu, e->error);
	transfer_check_eip(cpu, cpu->seg[CS].limit, cpu->eip);
	task_debug_trap(cpu);
}

static void deliver_protected(struct vcpu *cpu, const struct event *e)
{
	struct descriptor gate;
	uint64_t raw;

	if (e->vector * 8 + 7 > cpu->idtr.limit)
		raise_gp(cpu, idt_error(e));
	gate.address = cpu->idtr.base + e->vector * 8;
	raw = sys_read64(cpu, gate.address);
	gate.low = (uint32_t)raw;
	gate.high = (uint32_t)(raw >> 32);
	if (!desc_is_system(&gate))
		raise_gp(cpu, idt_error(e));
	switch (desc_type(&gate)) {
	case TYPE_TASK_GATE:
	case TYPE_INTERRUPT_GATE16:
	case TYPE_TRAP_GATE16:
	case TYPE_INTERRUPT_GATE32:
	case TYPE_TRAP_GATE32:
		break;
	default:
		raise_gp(cpu, idt_error(e));
	}
	if (gate_dpl_counts(e) && desc_dpl(&gate) < cpu->cpl)
		raise_gp(cpu, idt_error(e));
	if (!desc_present(&gate))
		raise_error(cpu, VEC_NP, idt_error(e));
	if (desc_type(&gate) == TYPE_TASK_GATE)
		through_task_gate(cpu, e, &gate);
	else
		through_gate(cpu, e, &gate);
}

void interrupt_deliver(struct vcpu *cpu, unsigned vector, enum event_kind kind, bool has_error,
		       uint32_t error)
{
	struct event e = {.vector = vector % VECTORS,
			  .kind = kind,
			  .has_error = has_error,
			  .error = error,
			  .eflags = saved_eflags(cpu, vector, kind)};

	cpu->delivering_ext = !gate_dpl_counts(&e);
	if (cpu->cr0 & CR0_PE)
		deliver_protected(cpu, &e);
	else
		deliver_real(cpu, &e);
	cpu->delivering_ext = cpu->repeating = false;
	cpu->interrupt_shadow = cpu->debug_shadow = false;
	if (vector == VEC_DB && kind == EVENT_EXCEPTION)
		cpu->dr[7] &= ~DR7_GD;
}

/* ---- INT n, INT3, INTO, INT1 ---- */
#define TSS_IO_MAP_BASE	  0x66u
#define REDIRECTION_BYTES 32u

/*
 * The TSS's redirection bitmap, just below the I/O bitmap: is INT n handled
 * inside virtual-8086 mode (SDM 3B 20.3.3)?
 */
static bool redirected(struct vcpu *cpu, unsigned vector)
{
	uint32_t map, byte;

	if (cpu->tr.limit < TSS_IO_MAP_BASE + 1)
		raise_gp(cpu, 0);
	map = sys_read16(cpu, cpu->tr.base + TSS_IO_MAP_BASE);
	byte = map - REDIRECTION_BYTES + vector / 8;
	if (map < REDIRECTION_BYTES || byte > cpu->tr.limit)
		raise_gp(cpu, 0);
	return !(sys_read8(cpu, cpu->tr.base + byte) >> (vector & 7) & 1);
}

/* SDM 3B table 20-2, methods 5 and 6: VIF stands in for IF below IOPL 3. */
static void deliver_redirected(struct vcpu *cpu, unsigned vector)
{
	uint32_t flags = cpu->eflags, clear = FL_TF | FL_RF | FL_IF;

	if (iopl(cpu) < 3) {
		flags = (flags & ~FL_IF) | FL_IOPL;
		if (cpu->eflags & FL_VIF)
			flags |= FL_IF;
		clear = FL_TF | FL_RF | FL_VIF;
	}
	through_vector_table(cpu, vector * 4, flags, clear);
}

void op_int_imm(struct vcpu *cpu, const struct insn *in)
{
	unsigned vector = in->imm & 0xff;

	cpu->step_suppressed = true;
	if (v86_mode(cpu)) {
		if (cpu->cr4 & CR4_VME && redirected(cpu, vector)) {
			deliver_redirected(cpu, vector);
			return;
		}
		if (iopl(cpu) < 3)
			raise_gp(cpu, 0);
	}
	interrupt_deliver(cpu, vector, EVENT_SOFTWARE, false, 0);
}

void op_int3(struct vcpu *cpu, const struct insn *in)
{
	cpu->step_suppressed = true;
	interrupt_deliver(cpu, VEC_BP, EVENT_INT3, false, 0);
}

void op_into(struct vcpu *cpu, const struct insn *in)
{
	if (!(cpu->eflags & FL_OF))
		return;
	cpu->step_suppressed = true;
	interrupt_deliver(cpu, VEC_OF, EVENT_INT3, false, 0);
}

void op_int1(struct vcpu *cpu, const struct insn *in)
{
	cpu->step_suppressed = true;
	interrupt_deliver(cpu, VEC_DB, EVENT_INT1, false, 0);
}
