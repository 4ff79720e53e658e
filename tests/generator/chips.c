/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where Intel's chips do something else than AMD's, whom the interpreter follows, and
 * both are right by the SDM or before what it describes.
 */
#include <string.h>

#include "judge.h"

#define ES_FLAG	 0x80u	 /* FSW: an unmasked x87 exception */
#define TOP_BITS 0x3800u /* FSW */

static bool begins_with(const char *text, const char *const *beginnings)
{
	for (; *beginnings; beginnings++)
		if (!strncmp(text, *beginnings, strlen(*beginnings)))
			return true;
	return false;
}

/* "All recent Intel Core and Intel Atom processors perform a 16-bit move" (SDM 2B, PUSH). */
static bool moves_selector(const struct decoded *d)
{
	static const char *const names[] = {"push", "pop", "ret far", "iret", NULL};

	return (d->row->class == SENSITIVE || d->row->class == FAR) && d->in.operand32 &&
	       begins_with(d->row->name, names);
}

/* The lower bound, before the upper one is read. */
static bool is_out_of_bound(const struct decoded *d, const struct outcome *host)
{
	return !strcmp(d->row->name, "bound") && host->vector == VEC_BR;
}

/* Flags come when the last comparison has been made, not with each. */
static bool compares_on(const struct test_case *c, const struct decoded *d,
			const struct outcome *host)
{
	static const char *const names[] = {"cmps", "scas", NULL};

	return d->row->class == STRING && d->in.rep != REP_NONE &&
	       begins_with(d->row->name, names) && host->end.eip == c->start.eip;
}

/* A store that faults has brought x87 into MMX state: TOP is 0. */
static bool enters_mmx(const struct decoded *d, const struct outcome *host,
		       const struct outcome *guest)
{
	return d->in.rm_is_memory && strstr(d->row->operands, "P") && host->vector &&
	       host->vector == guest->vector &&
	       !((host->end.fx.fsw ^ guest->end.fx.fsw) & ~TOP_BITS);
}

/* 16 bytes that need not be aligned: AC "may" be looked at (SDM 2, #AC of MOVUPS). */
static bool needs_no_alignment(const struct test_case *c, const struct decoded *d,
			       const struct outcome *guest)
{
	static const char *const names[] = {"movups", "movupd", "movdq", "lddqu",
					    "pcmpe",  "pcmpi",	NULL};

	return guest->vector == VEC_AC && c->start.eflags & FL_AC &&
	       begins_with(d->row->name, names);
}

static bool stores_80_bits(const struct decoded *d)
{
	return !strcmp(d->row->name, "fbstp") ||
	       (!strcmp(d->row->name, "fstp") && !strcmp(d->row->operands, "Mt"));
}

/* An exception keeps an x87 store from looking at its operand. */
static bool stores_nothing(const struct decoded *d, const struct outcome *host)
{
	static const char *const names[] = {"fst", "fist", "fbst", NULL};

	return d->row->class == X87 && d->in.rm_is_memory && begins_with(d->row->name, names) &&
	       host->end.fx.fsw & ES_FLAG;
}

const char *intel_differs(const struct test_case *c, const struct decoded *d,
			  const struct outcome *host, const struct outcome *guest, const char *what)
{
	if (!d->ok)
		return NULL;
	if (moves_selector(d))
		return "Intel moves 16 bits of the stack";
	if (!strcmp(what, "EFLAGS") && compares_on(c, d, host))
		return "Intel sets no flags before a repetition's end";
	if (!strcmp(what, "FSW") && enters_mmx(d, host, guest))
		return "Intel enters MMX state before a store that faults";
	if (needs_no_alignment(c, d, guest))
		return "Intel looks at no alignment of 16 bytes that need none";
	if (!strcmp(what, "memory") && stores_80_bits(d) && host->vector == VEC_PF)
		return "Intel stores 80 bits in parts";
	if (is_out_of_bound(d, host))
		return "Intel reads BOUND's upper bound after the lower";
	if (stores_nothing(d, host))
		return "Intel stores nothing, and faults nowhere, with an x87 exception";
	return NULL;
}
