/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions a processor model has. */
#ifndef CPU_FEATURES_H
#define CPU_FEATURES_H

#include "cpu/cpuid.h"
#include "cpu/table.h"

/* The CPUID feature that the row's instruction needs; FEATURE_FPU for old ones. */
enum cpu_feature insn_feature(const struct insn_row *row);

/* Whether cpu's model executes it; if not, it is #UD. */
static inline bool insn_supported(const struct vcpu *cpu, const struct insn_row *row)
{
	return cpu_has(cpu, insn_feature(row));
}

/*
 * Whether it does by the host's instruction of the same name what the row's name says: TZCNT
 * and LZCNT are BSF and BSR on models without.
 */
bool insn_as_named(const struct vcpu *cpu, const struct insn_row *row);

#endif
