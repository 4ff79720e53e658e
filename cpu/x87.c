/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 instructions: the host executes the guest's opcode on the guest's
 * register stack (SDM 1 chapter 8). Control instructions that move the whole
 * state are in x87_state.c.
 *
 * Before a waiting instruction runs, a pending unmasked exception is looked
 * for here, so that the host never finds one: it would raise SIGFPE.
 */
#include "cpu/host_fpu.h"

/* ---- before and after ---- */

/* The state is not in the host's registers, or an error may be pending. */
static __attribute__((noinline)) void ready_slow(struct vcpu *cpu)
{
	uint16_t fsw;

	if (!(cpu->host_fpu & HOST_X87))
		x87_load(cpu);
	if (!(cpu->host_fpu & HOST_X87_UNMASKED))
		return;
	__asm__ volatile("fnstsw %0" : "=a"(fsw));
	if (fsw & FSW_ES)
		x87_error(cpu);
}

/* What every waiting instruction does first. The state is in the host after. */
static inline void x87_ready(struct vcpu *cpu)
{
	if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS)))
		raise_vector(cpu, VEC_NM);
	if (unlikely((cpu->host_fpu & (HOST_X87 | HOST_X87_UNMASKED)) != HOST_X87))
		ready_slow(cpu);
}

/* The pointers of the last non-control instruction, SDM 1 8.1.8 and 8.1.9. */
static inline void note_instruction(struct vcpu *cpu, const struct insn *in)
{
	cpu->fx.fip = cpu->eip - in->length;
	cpu->fx.fcs = cpu->seg[CS].selector;
	cpu->fx.fop = (uint16_t)((in->opcode & 7) << 8 | in->modrm);
}

static inline void note_operand(struct vcpu *cpu, const struct insn *in, uint32_t ea)
{
	cpu->fx.fdp = ea;
	cpu->fx.fds = cpu->seg[in->seg].selector;
}

/*
 * IGNNE# is asserted: runs although an error may be pending, with all
 * exceptions masked so that the host does not object.
 */
static __attribute__((noinline)) uint32_t call_ignoring(struct vcpu *cpu, host_x87_fn *stub,
							void *operand, uint32_t flags)
{
	uint16_t masks;

	x87_sync(cpu);
	masks = cpu->fx.fcw & FCW_MASKS;
	cpu->fx.fcw |= FCW_MASKS;
	cpu->fx.fsw &= (uint16_t) ~(FSW_ES | FSW_B);
	x87_load(cpu);
	if (operand)
		stub(operand);
	else
		flags = host_x87_with_flags(stub, flags);
	x87_sync(cpu);
	cpu->fx.fcw = (uint16_t)((cpu->fx.fcw & ~FCW_MASKS) | masks);
	x87_update_error(cpu);
	return flags;
}

static inline host_x87_fn *register_stub(const struct insn *in)
{
	unsigned index = (in->opcode & 7u) << 6 | (in->modrm & 0x3fu);

	return (host_x87_fn *)(uintptr_t)(host_x87_register + index * HOST_X87_STUB);
}

/* Executes the memory form of in on buf. */
static inline void run_memory(struct vcpu *cpu, const struct insn *in, uint32_t ea, void *buf)
{
	unsigned index = (in->opcode & 7u) << 3 | in->reg;
	host_x87_fn *stub = (host_x87_fn *)(uintptr_t)(host_x87_memory + index * HOST_X87_STUB);

	note_instruction(cpu, in);
	note_operand(cpu, in, ea);
	/* Reading the operand may have called a device, and that fpu_leave(). */
	if (unlikely(!(cpu->host_fpu & HOST_X87)))
		x87_load(cpu);
	if (unlikely(cpu->ignne))
		call_ignoring(cpu, stub, buf, 0);
	else
		stub(buf);
}

/* ---- register forms ---- */

void op_x87_register(struct vcpu *cpu, const struct insn *in)
{
	x87_ready(cpu);
	note_instruction(cpu, in);
	if (unlikely(cpu->ignne))
		call_ignoring(cpu, register_stub(in), NULL, 0);
	else
		register_stub(in)(NULL);
}

#define HOST_OF 0x100u /* see host_x87_with_flags() */
#define FL_AH	0xd5u  /* the arithmetic flags that are in AH after LAHF */

/* FCMOVcc (/0-3) reads flags, FCOMI and its like (/5, /6) write them. */
void op_x87_flags(struct vcpu *cpu, const struct insn *in)
{
	uint32_t flags = cpu->eflags & FL_AH, written = in->reg < 4 ? 0 : FL_ARITH;
	host_x87_fn *stub = register_stub(in);

	x87_ready(cpu);
	note_instruction(cpu, in);
	flags = unlikely(cpu->ignne) ? call_ignoring(cpu, stub, NULL, flags)
				     : host_x87_with_flags(stub, flags);
	cpu->eflags = (cpu->eflags & ~written) |
		      (((flags & FL_AH) | (flags & HOST_OF ? FL_OF : 0)) & written);
}

void op_x87_nothing(struct vcpu *cpu, const struct insn *in)
{
	if (cpu->cr0 & (CR0_EM | CR0_TS))
		raise_vector(cpu, VEC_NM);
}

/* Takes the traps that other instructions take by the way, and needs MP for #NM. */
void op_fwait(struct vcpu *cpu, const struct insn *in)
{
	if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		raise_vector(cpu, VEC_NM);
	ready_slow(cpu);
}

/* ---- memory operands that are read ---- */

void op_x87_load16(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = insn_ea(cpu, in);
	uint16_t v;

	x87_ready(cpu);
	v = mem_read16(cpu, in->seg, ea);
	run_memory(cpu, in, ea, &v);
}

void op_x87_load32(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = insn_ea(cpu, in);
	uint32_t v;

	x87_ready(cpu);
	v = mem_read32(cpu, in->seg, ea);
	run_memory(cpu, in, ea, &v);
}

void op_x87_load64(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = insn_ea(cpu, in);
	uint64_t v;

	x87_ready(cpu);
	v = mem_read64(cpu, in->seg, ea);
	run_memory(cpu, in, ea, &v);
}

void op_x87_load80(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = insn_ea(cpu, in);
	uint8_t v[10];

	x87_ready(cpu);
	mem_read_bytes(cpu, in->seg, ea, v, sizeof(v), 8);
	run_memory(cpu, in, ea, v);
}

/* ---- memory operands that are written ---- */

/*
 * Whether the store just executed wrote its operand: an unmasked invalid,
 * overflow or underflow exception prevents it, a precision one does not.
 */
static inline bool stored(struct vcpu *cpu)
{
	uint16_t fsw, fcw;

	if (!unlikely(cpu->host_fpu & HOST_X87_UNMASKED))
		return true;
	__asm__ volatile("fnstsw %0\n\tfnstcw %1" : "=a"(fsw), "=m"(fcw));
	return !(fsw & ~fcw & (FSW_IE | FSW_OE | FSW_UE));
}

/* Checks everything about the store's destination before the stack changes. */
static inline uint32_t prepare_store(struct vcpu *cpu, const struct insn *in, unsigned size)
{
	uint32_t ea = insn_ea(cpu, in);

	x87_ready(cpu);
	wide_probe_write(cpu, in->seg, ea, size);
	return ea;
}

void op_x87_store16(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = prepare_store(cpu, in, 2);
	uint16_t v = 0;

	run_memory(cpu, in, ea, &v);
	if (stored(cpu))
		mem_write16(cpu, in->seg, ea, v);
}

void op_x87_store32(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = prepare_store(cpu, in, 4);
	uint32_t v = 0;

	run_memory(cpu, in, ea, &v);
	if (stored(cpu))
		mem_write32(cpu, in->seg, ea, v);
}

void op_x87_store64(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = prepare_store(cpu, in, 8);
	uint64_t v = 0;

	run_memory(cpu, in, ea, &v);
	if (stored(cpu))
		mem_write64(cpu, in->seg, ea, v);
}

void op_x87_store80(struct vcpu *cpu, const struct insn *in)
{
	uint32_t ea = prepare_store(cpu, in, 10);
	uint8_t v[10] = {0};

	run_memory(cpu, in, ea, v);
	if (stored(cpu))
		mem_write_bytes(cpu, in->seg, ea, v, sizeof(v), 8);
}

/* ---- control and status words ---- */

void op_fldcw(struct vcpu *cpu, const struct insn *in)
{
	uint16_t fcw;

	x87_ready(cpu);
	fcw = mem_read16(cpu, in->seg, insn_ea(cpu, in));
	if (unlikely(cpu->ignne)) { /* the host would object: by hand */
		x87_sync(cpu);
		cpu->fx.fcw = (uint16_t)((fcw & FCW_WRITABLE) | FCW_ALWAYS);
		x87_update_error(cpu);
		return;
	}
	if (unlikely(!(cpu->host_fpu & HOST_X87)))
		x87_load(cpu);
	__asm__ volatile("fldcw %0" : : "m"(fcw));
	cpu->host_fpu &= ~HOST_X87_UNMASKED;
	if ((fcw & FCW_MASKS) != FCW_MASKS)
		cpu->host_fpu |= HOST_X87_UNMASKED;
}

static void check_available(struct vcpu *cpu)
{
	if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS)))
		raise_vector(cpu, VEC_NM);
}

void op_fnstcw(struct vcpu *cpu, const struct insn *in)
{
	uint16_t fcw = cpu->fx.fcw;

	check_available(cpu);
	if (cpu->host_fpu & HOST_X87)
		__asm__ volatile("fnstcw %0" : "=m"(fcw));
	mem_write16(cpu, in->seg, insn_ea(cpu, in), fcw);
}

static uint16_t status_word(const struct vcpu *cpu)
{
	uint16_t fsw = cpu->fx.fsw;

	if (cpu->host_fpu & HOST_X87)
		__asm__ volatile("fnstsw %0" : "=a"(fsw));
	return fsw;
}

void op_fnstsw_m(struct vcpu *cpu, const struct insn *in)
{
	check_available(cpu);
	mem_write16(cpu, in->seg, insn_ea(cpu, in), status_word(cpu));
}

void op_fnstsw_ax(struct vcpu *cpu, const struct insn *in)
{
	check_available(cpu);
	cpu->regs[EAX] = (cpu->regs[EAX] & 0xffff0000) | status_word(cpu);
}
