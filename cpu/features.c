/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUID feature behind each row of the instruction table (SDM 2A and 2B,
 * "CPUID Feature Flag" of each instruction), so that a model without SSE, say,
 * raises #UD on it as the chip did. Asked once for each decoded instruction.
 *
 * Left out: SYSENTER, RDTSC, RDMSR and the like, whose handlers ask cpu_has()
 * themselves, and prefixes of instructions that a model does have.
 */
#include "cpu/features.h"

#include <string.h>

static bool one_of(uint8_t opcode, const char *set, unsigned n)
{
	return memchr(set, opcode, n) != NULL;
}
#define ONE_OF(opcode, set) one_of(opcode, set, sizeof(set) - 1)

static enum cpu_feature x87_feature(const struct insn_row *row)
{
	if (row->map == M2) /* FXSAVE, FXRSTOR */
		return FEATURE_FXSR;
	if (row->flags_read || row->flags_written) /* FCMOVcc, FCOMI */
		return FEATURE_CMOV;
	if (!strcmp(row->name, "fisttp"))
		return FEATURE_SSE3;
	return FEATURE_FPU;
}

/* 0F 38 and 0F 3A: SSSE3 has 38 00-1E and 3A 0F, SSE4.2 37 and 60-63. */
static enum cpu_feature long_opcode_feature(const struct insn_row *row)
{
	if (row->map == M38 ? row->opcode <= 0x0b || (row->opcode >= 0x1c && row->opcode <= 0x1e)
			    : row->opcode == 0x0f)
		return FEATURE_SSSE3;
	if (row->map == M38 ? row->opcode == 0x37 || row->prefix == PF2 : row->opcode >= 0x60)
		return FEATURE_SSE42;
	return FEATURE_SSE41;
}

static enum cpu_feature mmx_feature(const struct insn_row *row)
{
	if (row->map != M2)
		return FEATURE_SSSE3;
	if (ONE_OF(row->opcode, "\xd4\xf4\xfb"))
		return FEATURE_SSE2;
	if (ONE_OF(row->opcode, "\x70\xc4\xc5\xd7\xda\xde\xe0\xe3\xe4\xe7\xea\xee\xf6\xf7"))
		return FEATURE_SSE;
	return FEATURE_MMX;
}

static enum cpu_feature sse_feature(const struct insn_row *row)
{
	bool scalar_or_moves = row->prefix == PF3 || row->prefix == PF2;

	if (row->map != M2)
		return long_opcode_feature(row);
	if (ONE_OF(row->opcode, "\x7c\x7d\xd0\xf0") ||
	    (ONE_OF(row->opcode, "\x12\x16") && scalar_or_moves))
		return FEATURE_SSE3;
	if (row->prefix == P66 || row->prefix == PF2 ||
	    ONE_OF(row->opcode, "\x5a\x5b\x6f\x70\x7e\x7f\xd6\xe6"))
		return FEATURE_SSE2;
	return FEATURE_SSE;
}

static enum cpu_feature plain_feature(const struct insn_row *row)
{
	static const struct {
		const char *name;
		enum cpu_feature feature;
	} by_name[] = {
	    {"popcnt", FEATURE_POPCNT}, {"crc32", FEATURE_SSE42},   {"movnti", FEATURE_SSE2},
	    {"clflush", FEATURE_CLFSH}, {"sfence", FEATURE_SSE},    {"lfence", FEATURE_SSE2},
	    {"mfence", FEATURE_SSE2},	{"cmpxchg8b", FEATURE_CX8},
	};

	if (row->map == M1)
		return FEATURE_FPU;
	if (!strncmp(row->name, "cmov", 4))
		return FEATURE_CMOV;
	/*
	 * Hints are no operations since the P6, which brought CMOV, and 0F 0D (once
	 * AMD's PREFETCHW) since the chips with 64-bit mode, which brought SSE3.
	 */
	if (!strcmp(row->name, "nop"))
		return row->opcode == 0x0d ? FEATURE_SSE3 : FEATURE_CMOV;
	for (unsigned i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (!strcmp(row->name, by_name[i].name))
			return by_name[i].feature;
	return FEATURE_FPU;
}

enum cpu_feature insn_feature(const struct insn_row *row)
{
	switch (row->class) {
	case X87:
		return x87_feature(row);
	case MMX:
		return mmx_feature(row);
	case SSE:
		return sse_feature(row);
	case PLAIN:
		return plain_feature(row);
	default:
		return FEATURE_FPU;
	}
}

bool insn_as_named(const struct vcpu *cpu, const struct insn_row *row)
{
	if (row->map != M2 || row->prefix != PF3 || row->class != PLAIN)
		return true;
	if (row->opcode == 0xbc)
		return cpu_has(cpu, FEATURE_TZCNT);
	return row->opcode != 0xbd || cpu_has(cpu, FEATURE_ABM);
}
