/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must not run in a stub, written down from the SDM and apart from
 * direct/verify_page.c: instructions that would silently show or load the host's.
 */
#include <string.h>

#include "judge.h"

static bool names_segment(const struct insn_row *row)
{
	static const char *const both[] = {"push", "pop", "mov"};

	for (unsigned i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		if (!strcmp(row->name, both[i]))
			return row->class == SENSITIVE;
	return false;
}

const char *must_be_refused(const struct test_case *c, const struct decoded *d)
{
	static const char *const silent[] = {
	    "sgdt",  "sidt",  "sldt",	"str",	  "smsw",     "lar",	  "lsl",   "verr",
	    "verw",  "lds",   "les",	"lss",	  "lfs",      "lgs",	  "iret",  "ret far",
	    "into",  "fldenv", "fnstenv", "fnsave", "frstor", "fxsave",	  "fxrstor", "jmp far",
	    "call far", "sysenter", "rdpmc", "int1"};

	/* Cut off by the page's end, it is a fetch that faults. */
	if (!d->ok || c->code_at + d->in.length > CODE_AT + PAGE_SIZE)
		return NULL;
	if (names_segment(d->row))
		return "segment registers";
	for (unsigned i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (!strcmp(d->row->name, silent[i]))
			return silent[i];
	return NULL;
}

/*
 * Control has gone, by a pointer, into the case's own instruction: no look at the page
 * finds that (README, "Honest limits").
 */
const char *direct_differs(const struct test_case *c, const struct decoded *d)
{
	if (d->ok && d->row->class == TRANSFER && d->row->operands[0] != 'J')
		return "a pointer into the middle of an instruction";
	return NULL;
}
