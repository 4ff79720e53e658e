/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which states of the processor run natively with the same results. What an
 * instruction shows of the state, or what the host would do where the guest
 * faults, has to be the same; where the host faults and the guest does not it
 * does not matter, since a fault leads to the interpreter.
 */
#include "cpu/cpuid.h"
#include "direct/direct_internal.h"

/* The host's CS, SS, DS and ES are flat, 32-bit and writable, but for CS, which is readable. */
static bool segments_flat(const struct vcpu *cpu)
{
	const struct segment *s = cpu->seg;

	return s[CS].code_kind == KIND_FLAT && s[CS].attr & DESC_DB && s[CS].attr & DESC_RW &&
	       s[SS].data_kind == KIND_FLAT && s[SS].attr & DESC_DB &&
	       s[DS].data_kind == KIND_FLAT && s[ES].data_kind == KIND_FLAT;
}

/*
 * PUSHF shows IF and IOPL, which are set and 0 in a stub. TF and RF are for the
 * interpreter. The host has CR0.AM set, so that AC means something there.
 */
static bool flags_allow(const struct vcpu *cpu)
{
	uint32_t unwanted = FL_TF | FL_RF | FL_VM | FL_AC | FL_VIF | FL_VIP | FL_IOPL;

	return (cpu->eflags & (unwanted | FL_IF)) == FL_IF;
}

/*
 * #NM, and #UD on SSE, would not come. CR4.OSXMMEXCPT and CR0.NE say how an
 * exception is told, which comes here as a signal; FERR# and IGNNE# decide
 * whether it is one.
 */
static bool fpu_allows(const struct vcpu *cpu)
{
	if (cpu->cr0 & (CR0_EM | CR0_TS) || cpu->ferr || cpu->ignne)
		return false;
	return cpu->cr4 & CR4_OSFXSR || !cpu_has(cpu, FEATURE_SSE);
}

bool rules_allow(const struct vcpu *cpu)
{
	return cpu->cpl == 3 && (cpu->cr0 & (CR0_PE | CR0_PG)) == (CR0_PE | CR0_PG) &&
	       !(cpu->dr[7] & DR7_ENABLED) && !cpu->slow && !cpu->interrupt_shadow &&
	       !cpu->debug_shadow && segments_flat(cpu) && flags_allow(cpu) && fpu_allows(cpu);
}
