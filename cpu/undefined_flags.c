/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags that are undefined after an instruction, and that chips and engines differ in. */
#include "cpu/undefined_flags.h"

#include <string.h>

#define AF FL_AF
#define CF FL_CF
#define OF FL_OF
#define PF FL_PF
#define SF FL_SF
#define ZF FL_ZF

static const struct {
	const char *name;
	uint32_t flags;
} by_name[] = {
    {"aaa", OF | SF | ZF | PF},
    {"aas", OF | SF | ZF | PF},
    {"aad", OF | AF | CF},
    {"aam", OF | AF | CF},
    {"daa", OF},
    {"das", OF},
    {"and", AF},
    {"or", AF},
    {"xor", AF},
    {"test", AF},
    {"mul", SF | ZF | AF | PF},
    {"imul", SF | ZF | AF | PF},
    {"div", FL_ARITH},
    {"idiv", FL_ARITH},
    {"bsf", CF | OF | SF | AF | PF},
    {"bsr", CF | OF | SF | AF | PF},
    {"tzcnt", OF | SF | AF | PF},
    {"lzcnt", OF | SF | AF | PF},
    {"bt", OF | SF | AF | PF},
    {"bts", OF | SF | AF | PF},
    {"btr", OF | SF | AF | PF},
    {"btc", OF | SF | AF | PF},
};

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static const char *const rotates[] = {"rol", "ror", "rcl", "rcr", NULL};
static const char *const shifts[] = {"shl", "shr", "sar", NULL};
static const char *const double_shifts[] = {"shld", "shrd", NULL};

bool insn_is_double_shift(const struct insn_row *row)
{
	return row->class == PLAIN && one_of(row->name, double_shifts);
}

unsigned insn_shift_count(const struct insn_row *row, const struct insn *in, unsigned cl)
{
	if (strstr(row->operands, "CL"))
		return cl;
	return strstr(row->operands, "Ib") ? in->imm & 31 : 1;
}

unsigned insn_operand_bits(const struct insn_row *row, const struct insn *in)
{
	return row->operands[1] == 'b' ? 8 : in->operand32 ? 32 : 16;
}

uint32_t insn_undefined_flags(const struct insn_row *row, const struct insn *in, unsigned cl)
{
	unsigned count = insn_shift_count(row, in, cl), bits = insn_operand_bits(row, in);

	if (row->class != PLAIN)
		return 0;
	if (one_of(row->name, rotates))
		return count > 1 ? OF : 0;
	if (one_of(row->name, shifts))
		return !count ? 0 : AF | (count > 1 ? OF : 0) | (count >= bits ? CF : 0);
	if (one_of(row->name, double_shifts))
		return !count ? 0 : count > bits ? FL_ARITH : AF | (count > 1 ? OF : 0);
	for (unsigned i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (!strcmp(row->name, by_name[i].name))
			return by_name[i].flags;
	return 0;
}
