/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What verification has found of instructions, by their first two bytes, or those behind
 * 0F: these say of most how long they are and that they may run. Most of a page's
 * instructions are known so, and looking at a page takes a quarter of the time.
 */
#include <stdlib.h>
#include <string.h>

#include "direct/direct_internal.h"

/* A byte for each pair: the length, 0: nothing is known, and whether control may go elsewhere. */
#define LENGTH	  0x0fu
#define TRANSFERS 0x10u

struct known {
	uint8_t plain[256][256], escaped[256][256]; /* by opcode; by opcode behind 0F */
};

#define ESCAPE 0x0fu

struct known *known_create(void)
{
	return calloc(1, sizeof(struct known));
}

static const uint8_t *entry_at(const struct known *k, const uint8_t *code)
{
	return code[0] == ESCAPE ? &k->escaped[code[1]][code[2]] : &k->plain[code[0]][code[1]];
}

unsigned known_length(const struct known *k, const uint8_t *code, bool transfers)
{
	uint8_t entry = *entry_at(k, code);

	return entry & TRANSFERS && !transfers ? 0 : entry & LENGTH;
}

/* Whether more than the pair says how long it is: prefixes, SIB, opcodes of three bytes. */
static bool is_open(const uint8_t *code)
{
	static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					   0x66, 0x67, 0xf0, 0xf2, 0xf3};
	uint8_t modrm = code[code[0] == ESCAPE ? 2 : 1];

	if (memchr(prefixes, code[0], sizeof(prefixes)) || (modrm & 0xc7) == 0x04)
		return true;
	return code[0] == ESCAPE && (code[1] == 0x0f || code[1] == 0x38 || code[1] == 0x3a);
}

void known_add(struct known *k, const uint8_t *code, const struct insn *in, bool transfers)
{
	if (!is_open(code))
		*(uint8_t *)entry_at(k, code) = (uint8_t)(in->length | (transfers ? TRANSFERS : 0));
}
