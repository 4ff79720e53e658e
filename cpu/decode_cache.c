/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoded instructions by their bytes (decode_cache.h). */
#include "cpu/decode_cache.h"

#include <string.h>

/* How what follows a one-byte opcode is told; SDM 2A 2.1 and 2D A-2. */
enum {
	NONE = 0x80,  /* not kept: prefixes, escapes, what is rare */
	MODRM = 0x40, /* the rest: bytes of immediates */
};

static const uint8_t one_byte[256] = {
#define ALU MODRM, MODRM, MODRM, MODRM, 1, 4
	ALU, 0, 0, ALU, 0, NONE,	   /* 00 */
	ALU, 0, 0, ALU, 0, 0,		   /* 10 */
	ALU, NONE, 0, ALU, NONE, 0,	   /* 20 */
	ALU, NONE, 0, ALU, NONE, 0,	   /* 30 */
	[0x60] = 0, 0, NONE, NONE, NONE, NONE, NONE, NONE,
	4, MODRM | 4, 1, MODRM | 1, NONE, NONE, NONE, NONE,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 70: Jcc */
	MODRM | 1, MODRM | 4, NONE, MODRM | 1, MODRM, MODRM, MODRM, MODRM,
	MODRM, MODRM, MODRM, MODRM, NONE, MODRM, NONE, NONE,
	[0x9a] = NONE, NONE,
	[0xa0] = 4, 4, 4, 4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0,
	1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, /* b0: MOV r,imm */
	MODRM | 1, MODRM | 1, NONE, 0, NONE, NONE, MODRM | 1, MODRM | 4,
	NONE, 0, NONE, NONE, NONE, NONE, NONE, NONE,
	MODRM, MODRM, MODRM, MODRM, NONE, NONE, NONE, NONE,
	MODRM, MODRM, MODRM, MODRM, MODRM, MODRM, MODRM, MODRM,
	NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
	4, 4, NONE, 1, NONE, NONE, NONE, NONE,
	NONE, NONE, NONE, NONE, NONE, 0, MODRM, MODRM, /* f0 */
	0, 0, NONE, NONE, 0, 0, MODRM, MODRM,
#undef ALU
};

/* 0F xx: conditional moves and sets, MOVZX, MOVSX, IMUL. */
static unsigned two_bytes(uint8_t opcode)
{
	if ((opcode & 0xf0) == 0x40 || (opcode & 0xf0) == 0x90 || (opcode & 0xf6) == 0xb6 ||
	    opcode == 0xaf)
		return MODRM;
	return NONE;
}

/* ModRM, SIB and displacement. */
static unsigned operand_length(const uint8_t *p, unsigned available)
{
	unsigned mod = p[0] >> 6, rm = p[0] & 7, length = 1;

	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (available < 2)
			return available + 1;
		length = 2;
		rm = p[1] & 7;
	}
	if (mod == 0)
		return length + (rm == 5 ? 4 : 0);
	return length + (mod == 1 ? 1 : 4);
}

/* 0: not told. */
static unsigned guess_length(const uint8_t *bytes, unsigned available)
{
	unsigned opcodes = bytes[0] == 0x0f ? 2 : 1, kind;

	if (available <= opcodes)
		return available && opcodes == 1 && one_byte[bytes[0]] == 0 ? 1 : 0;
	kind = opcodes == 2 ? two_bytes(bytes[1]) : one_byte[bytes[0]];
	if (kind & NONE)
		return 0;
	if (opcodes == 1 && (bytes[0] & 0xfe) == 0xf6 && !(bytes[1] & 0x30)) /* TEST */
		kind |= bytes[0] & 1 ? 4 : 1;
	return opcodes + (kind & 7) +
	       (kind & MODRM ? operand_length(bytes + opcodes, available - opcodes) : 0);
}

struct decode_cache_entry *decode_cache_entry(struct decode_cache *c, const uint8_t *bytes,
					      unsigned available, uint64_t *key, unsigned *length)
{
	unsigned n = available ? guess_length(bytes, available) : 0;

	if (!n || n > available || n > DECODE_CACHE_BYTES)
		return NULL;
	*length = n;
	*key = 0;
	memcpy(key, bytes, n);
	return &c->entries[*key * 0x9e3779b97f4a7c15u >> 52];
}
