/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the SDM leaves undefined (2A, 2B "Flags Affected" of each instruction),
 * and the chips differ in.
 */
#include <string.h>

#include "judge.h"

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

/* The count of a shift or rotate, masked to 5 bits. */
static unsigned shift_count(const struct test_case *c, const struct decoded *d)
{
	const char *o = d->row->operands;

	if (strstr(o, "CL"))
		return c->start.regs[ECX] & 31;
	return strstr(o, "Ib") ? d->in.imm & 31 : 1;
}

static unsigned operand_bits(const struct decoded *d)
{
	return d->row->operands[1] == 'b' ? 8 : d->in.operand32 ? 32 : 16;
}

uint32_t undefined_flags(const struct test_case *c, const struct decoded *d)
{
	const char *name = d->row->name;
	unsigned count = shift_count(c, d);

	if (d->row->class != PLAIN)
		return 0;
	if (one_of(name, rotates))
		return count > 1 ? OF : 0;
	if (one_of(name, shifts))
		return !count ? 0 : AF | (count > 1 ? OF : 0) | (count >= operand_bits(d) ? CF : 0);
	if (one_of(name, double_shifts))
		return !count ? 0 : count > operand_bits(d) ? FL_ARITH : AF | (count > 1 ? OF : 0);
	for (unsigned i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (!strcmp(name, by_name[i].name))
			return by_name[i].flags;
	return 0;
}

bool undefined_result(const struct test_case *c, const struct decoded *d)
{
	if (d->row->class != PLAIN)
		return false;
	if (one_of(d->row->name, double_shifts))
		return shift_count(c, d) > operand_bits(d);
	return !strcmp(d->row->name, "bswap") && !d->in.operand32;
}
