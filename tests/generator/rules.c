/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the host is not the judge: instructions whose result ring 3 of a
 * 64-bit system cannot show, and encodings that the host's chip executes by
 * extensions that no model here has.
 */
#include <string.h>

#include "judge.h"

static const struct {
	const char *name, *test, *why;
} by_hand[] = {
	{"sgdt", "unit.system", "the host's kernel answers in its place (UMIP)"},
	{"sidt", "unit.system", "the host's kernel answers in its place (UMIP)"},
	{"sldt", "unit.system", "the host's kernel answers in its place (UMIP)"},
	{"str", "unit.system", "the host's kernel answers in its place (UMIP)"},
	{"smsw", "unit.system", "the host's kernel answers in its place (UMIP)"},
	{"cpuid", "unit.system", "shows the host's model"},
	{"rdtsc", "unit.system", "shows the host's time"},
	{"sysenter", "unit.transfer", "calls the host's kernel, or is #UD in its long mode"},
	{"sysexit", "unit.transfer", "AMD: #UD in the host's long mode"},
};

const char *hand_written(const struct insn_row *row, const char **why)
{
	for (unsigned i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
		if (!strcmp(row->name, by_hand[i].name)) {
			*why = by_hand[i].why;
			return by_hand[i].test;
		}
	return NULL;
}

/* The opcode without legacy prefixes; *rep: the last F2 or F3. */
static const uint8_t *opcode_of(const struct test_case *c, uint8_t *rep, bool *operand)
{
	const uint8_t *p = c->code;

	*rep = 0;
	*operand = false;
	for (; p < c->code + INSN_MAX_LENGTH; p++) {
		if (!memchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", *p, 11))
			return p;
		if (*p >= 0xf2)
			*rep = *p;
		*operand |= *p == 0x66;
	}
	return c->code;
}

const char *host_differs(const struct test_case *c, const struct decoded *d,
			 const struct outcome *host)
{
	bool operand;
	uint8_t rep;
	const uint8_t *p = opcode_of(c, &rep, &operand);

	if (host->end.seg[CS] == SELECTOR_CODE64)
		return "64-bit code segment";
	if (p[0] == 0xcd && p[1] == 0x80)
		return "system call";
	if (p[0] != 0x0f)
		return NULL;
	if (rep == 0xf3 && (p[1] == 0xbc || p[1] == 0xbd))
		return "TZCNT, LZCNT";
	if (operand && p[1] == 0xae && p[2] < 0xc0)
		return "CLFLUSHOPT, CLWB";
	return NULL;
}
