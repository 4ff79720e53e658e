/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a fault leaves an instruction: EIP goes back to its start, cpu->fault
 * says what to deliver, and control unwinds to the run loop.
 *
 * Outside of an instruction (cpu->cur NULL: fetching, event delivery, after a
 * task switch) EIP already is where the fault has to point.
 */
#include "cpu/insn.h"

#define ERROR_EXT 1u

static _Noreturn void unwind(struct vcpu *cpu, enum unwind_reason reason)
{
	if (cpu->cur)
		cpu->eip -= cpu->cur->length;
	cpu->delivering_ext = false;
	siglongjmp(cpu->unwind, reason);
}

void raise_vector(struct vcpu *cpu, unsigned vector)
{
	cpu->fault = (struct fault){.vector = (uint8_t)vector};
	unwind(cpu, UNWIND_FAULT);
}

void raise_error(struct vcpu *cpu, unsigned vector, uint32_t error)
{
	/* SDM 3A 6.13: EXT is set while an event outside the program is delivered. */
	if (cpu->delivering_ext && vector >= VEC_TS && vector <= VEC_GP)
		error |= ERROR_EXT;
	cpu->fault = (struct fault){.vector = (uint8_t)vector, .has_error = true, .error = error};
	unwind(cpu, UNWIND_FAULT);
}

void raise_gp(struct vcpu *cpu, uint32_t error)
{
	raise_error(cpu, VEC_GP, error);
}

void raise_ud(struct vcpu *cpu)
{
	raise_vector(cpu, VEC_UD);
}

void raise_page_fault(struct vcpu *cpu, gva_t address, uint32_t error)
{
	cpu->cr2 = address;
	raise_error(cpu, VEC_PF, error);
}

void raise_debug_fault(struct vcpu *cpu, uint32_t dr6_bits)
{
	cpu->fault = (struct fault){.vector = VEC_DB, .dr6 = dr6_bits};
	unwind(cpu, UNWIND_FAULT);
}

void restart_instruction(struct vcpu *cpu)
{
	unwind(cpu, UNWIND_RESTART);
}
