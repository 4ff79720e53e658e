/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the SDM leaves undefined, in cases. */
#include <string.h>

#include "cpu/undefined_flags.h"
#include "judge.h"

uint32_t undefined_flags(const struct test_case *c, const struct decoded *d)
{
	return insn_undefined_flags(d->row, &d->in, c->start.regs[ECX] & 31);
}

bool undefined_result(const struct test_case *c, const struct decoded *d)
{
	if (d->row->class != PLAIN)
		return false;
	if (insn_is_double_shift(d->row))
		return insn_shift_count(d->row, &d->in, c->start.regs[ECX] & 31) >
		       insn_operand_bits(d->row, &d->in);
	return !strcmp(d->row->name, "bswap") && !d->in.operand32;
}
