/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IN and OUT (SDM 2A, 2B) and the permission to use ports (SDM 1 18.5). */
#include "cpu/io.h"

#include "cpu/access.h"
#include "cpu/descriptor.h"
#include "cpu/fpu.h"
#include "cpu/insn.h"

#define TSS_IO_MAP_BASE 0x66u
#define TSS_MIN_LIMIT	0x67u
#define BREAK_ON_IO	2u /* DR7's R/W field, with CR4.DE */

void io_check(struct vcpu *cpu, uint16_t port, unsigned size)
{
	uint32_t at, bits, mask = (1u << size) - 1;

	if (!(cpu->cr0 & CR0_PE) || (!v86_mode(cpu) && cpu->cpl <= iopl(cpu)))
		return;
	if (!(cpu->tr.attr & DESC_P) || !(cpu->tr.attr >> 8 & TYPE_GATE32) ||
	    cpu->tr.limit < TSS_MIN_LIMIT)
		raise_gp(cpu, 0);
	at = sys_read16(cpu, cpu->tr.base + TSS_IO_MAP_BASE) + port / 8u;
	/* Two bytes are read always: the map ends with one of all ones. */
	if (at + 1 > cpu->tr.limit)
		raise_gp(cpu, 0);
	bits = sys_read16(cpu, cpu->tr.base + at);
	if (bits >> (port & 7) & mask)
		raise_gp(cpu, 0);
}

/* Breakpoints on ports, SDM 3B 17.2.4; reported like those on data. */
static void note_breakpoints(struct vcpu *cpu, uint16_t port, unsigned size)
{
	if (!cpu->slow || !(cpu->cr4 & CR4_DE))
		return;
	for (unsigned i = 0; i < 4; i++) {
		unsigned type = cpu->dr[7] >> (16 + 4 * i) & 3;
		uint32_t length = (cpu->dr[7] >> (18 + 4 * i) & 3) + 1;
		uint32_t start = cpu->dr[i] & ~(length - 1);

		if (type == BREAK_ON_IO && port < start + length && start < port + size)
			cpu->debug_hits |= 1u << i;
	}
}

uint32_t io_read(struct vcpu *cpu, uint16_t port, unsigned size)
{
	note_breakpoints(cpu, port, size);
	fpu_leave(cpu);
	return cpu->ops->port_read(cpu->opaque, port, size);
}

void io_write(struct vcpu *cpu, uint16_t port, uint32_t value, unsigned size)
{
	note_breakpoints(cpu, port, size);
	fpu_leave(cpu);
	cpu->ops->port_write(cpu->opaque, port, value, size);
}

static void in(struct vcpu *cpu, uint16_t port, unsigned size)
{
	uint32_t value;

	io_check(cpu, port, size);
	value = io_read(cpu, port, size);
	memcpy(&cpu->regs[EAX], &value, size);
}

static void out(struct vcpu *cpu, uint16_t port, unsigned size)
{
	uint32_t value = 0;

	io_check(cpu, port, size);
	memcpy(&value, &cpu->regs[EAX], size);
	io_write(cpu, port, value, size);
}

static uint16_t port_imm(const struct insn *insn)
{
	return insn->imm & 0xff;
}

static uint16_t port_dx(const struct vcpu *cpu)
{
	return (uint16_t)cpu->regs[EDX];
}

void op_in_imm_8(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_imm(insn), 1);
}

void op_in_imm_16(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_imm(insn), 2);
}

void op_in_imm_32(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_imm(insn), 4);
}

void op_in_dx_8(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_dx(cpu), 1);
}

void op_in_dx_16(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_dx(cpu), 2);
}

void op_in_dx_32(struct vcpu *cpu, const struct insn *insn)
{
	in(cpu, port_dx(cpu), 4);
}

void op_out_imm_8(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_imm(insn), 1);
}

void op_out_imm_16(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_imm(insn), 2);
}

void op_out_imm_32(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_imm(insn), 4);
}

void op_out_dx_8(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_dx(cpu), 1);
}

void op_out_dx_16(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_dx(cpu), 2);
}

void op_out_dx_32(struct vcpu *cpu, const struct insn *insn)
{
	out(cpu, port_dx(cpu), 4);
}
