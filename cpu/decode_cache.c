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

/* 0F xx: conditional moves, sets and jumps, MOVZX, MOVSX, IMUL. */
static unsigned two_bytes(uint8_t opcode)
{
	if ((opcode & 0xf0) == 0x80)
		return 4;
	if ((opcode & 0xf0) == 0x40 || (opcode & 0xf0) == 0x90 || (opcode & 0xf6) == 0xb6 ||
	    opcode == 0xaf)
		return MODRM;
	return NONE;
}

/* ModRM and the SIB byte; *disp: bytes of displacement behind them. */
static unsigned operand_head(const uint8_t *p, unsigned available, unsigned *disp)
{
	unsigned mod = p[0] >> 6, base = p[0] & 7, length = 1;

	*disp = 0;
	if (mod == 3)
		return 1;
	if (base == 4) {
		length = 2;
		base = available > 1 ? p[1] & 7 : 0;
	}
	if (mod == 0)
		*disp = base == 5 ? 4 : 0;
	else
		*disp = mod == 1 ? 1 : 4;
	return length;
}

/* How the instruction lies in its bytes. Returns false if that is not told. */
static bool guess_form(const uint8_t *bytes, unsigned available, struct decode_form *f)
{
	unsigned opcodes = bytes[0] == 0x0f ? 2 : 1, kind;

	if (available < opcodes + 1)
		return false; /* seldom, and the last byte of a page */
	kind = opcodes == 2 ? two_bytes(bytes[1]) : one_byte[bytes[0]];
	if (kind & NONE)
		return false;
	if (opcodes == 1 && (bytes[0] & 0xfe) == 0xf6 && !(bytes[1] & 0x30)) /* TEST */
		kind |= bytes[0] & 1 ? 4 : 1;
	*f = (struct decode_form){.head = opcodes, .imm = kind & 7};
	if (kind & MODRM)
		f->head += operand_head(bytes + opcodes, available - opcodes, &f->disp);
	else if (opcodes == 1 && (bytes[0] & 0xfc) == 0xa0) { /* MOV with an address */
		f->disp = 4;
		f->imm = 0;
	}
	return f->head + f->disp + f->imm <= available;
}

static unsigned sign(const uint8_t *p, unsigned bytes)
{
	return bytes == 1 ? *p >> 7 : 0;
}

struct decode_cache_entry *decode_cache_entry(struct decode_cache *c, const uint8_t *bytes,
					      unsigned available, struct decode_form *f)
{
	if (!guess_form(bytes, available, f))
		return NULL;
	f->key = 0;
	memcpy(&f->key, bytes, f->head);
	f->key |= (uint64_t)sign(bytes + f->head, f->disp) << 62;
	f->key |= (uint64_t)sign(bytes + f->head + f->disp, f->imm) << 63;
	return &c->entries[f->key * 0x9e3779b97f4a7c15u >> 52];
}

/* Of one byte the sign stays as it is. */
static uint32_t put(uint32_t value, const uint8_t *p, unsigned bytes)
{
	if (bytes == 1)
		return (value & ~0xffu) | *p;
	if (bytes == 4)
		memcpy(&value, p, 4);
	return value;
}

void decode_cache_take(const struct decode_cache_entry *e, const uint8_t *bytes,
		       const struct decode_form *f, struct insn *out)
{
	*out = e->insn;
	out->disp = put(out->disp, bytes + f->head, f->disp);
	out->imm = put(out->imm, bytes + f->head + f->disp, f->imm);
}
