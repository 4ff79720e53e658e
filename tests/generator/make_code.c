/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row as bytes: prefixes that mean something, are redundant, or are illegal,
 * in any order; every ModRM and SIB; edge and random immediates.
 */
#include "make.h"

#define PREFIX_LOCK    0xf0u
#define PREFIX_REPNE   0xf2u
#define PREFIX_REPE    0xf3u
#define PREFIX_OPERAND 0x66u
#define PREFIX_ADDRESS 0x67u

struct prefixes {
	uint8_t bytes[CODE_MAX];
	unsigned count;
};

static void add(struct prefixes *p, uint8_t byte)
{
	if (p->count < INSN_MAX_LENGTH)
		p->bytes[p->count++] = byte;
}

static bool has(const struct prefixes *p, uint8_t byte)
{
	return memchr(p->bytes, byte, p->count) != NULL;
}

/* SDM 2A LOCK: the instructions that take it, with a memory operand. */
static bool takes_lock(const struct insn_row *row)
{
	static const char *const names[] = {"add",     "adc",	    "and", "btc", "btr",  "bts",
					    "cmpxchg", "cmpxchg8b", "dec", "inc", "neg",  "not",
					    "or",      "sbb",	    "sub", "xor", "xadd", "xchg"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (row_named(row, names[i]))
			return row->ext != XN && row->operands[0] != 'G';
	return false;
}

static uint8_t random_segment_prefix(uint64_t *seed)
{
	static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

	return segments[random_below(seed, sizeof(segments))];
}

/* More of what is there, or of anything. */
static void add_redundant(uint64_t *seed, struct prefixes *p)
{
	static const uint8_t all[] = {0x26,	    0x2e,	0x36,		0x3e,
				      0x64,	    0x65,	PREFIX_OPERAND, PREFIX_ADDRESS,
				      PREFIX_REPNE, PREFIX_REPE};

	for (unsigned n = 1 + random_below(seed, 3); n--;)
		add(p, p->count && !once_in(seed, 3) ? p->bytes[random_below(seed, p->count)]
						     : all[random_below(seed, sizeof(all))]);
}

static void shuffle(uint64_t *seed, struct prefixes *p)
{
	for (unsigned i = p->count; i > 1; i--) {
		unsigned j = random_below(seed, i);
		uint8_t b = p->bytes[i - 1];

		p->bytes[i - 1] = p->bytes[j];
		p->bytes[j] = b;
	}
}

static void make_prefixes(uint64_t *seed, const struct insn_row *row, struct prefixes *p)
{
	static const uint8_t mandatory[] = {
	    [P66] = PREFIX_OPERAND, [PF3] = PREFIX_REPE, [PF2] = PREFIX_REPNE};

	p->count = 0;
	if (row->prefix >= P66)
		add(p, mandatory[row->prefix]);
	else if (row->prefix == ANY && once_in(seed, 2))
		add(p, PREFIX_OPERAND);
	if (once_in(seed, 3))
		add(p, PREFIX_ADDRESS);
	if (once_in(seed, 4))
		add(p, random_segment_prefix(seed));
	if (once_in(seed, takes_lock(row) ? 3 : 32))
		add(p, PREFIX_LOCK);
	if (row->class == STRING ? !once_in(seed, 3) : once_in(seed, 32))
		add(p, once_in(seed, 2) ? PREFIX_REPE : PREFIX_REPNE);
	if (once_in(seed, 16))
		add_redundant(seed, p);
	if (once_in(seed, 256)) /* to the limit of 15 bytes, and beyond it */
		while (p->count < INSN_MAX_LENGTH - random_below(seed, 6))
			add(p, random_segment_prefix(seed));
	shuffle(seed, p);
}

/* ModRM, SIB and displacement; the displacement's value is solved later. */
static unsigned make_modrm(uint64_t *seed, const struct insn_row *row, struct test_case *c,
			   unsigned at, struct code_parts *parts)
{
	bool memory = row->mod == MEM || (row->mod == BOTH && !once_in(seed, 3));
	uint8_t mod = memory ? (uint8_t)random_below(seed, 3) : 3;
	uint8_t rm = (uint8_t)random_below(seed, 8), base = rm;
	uint8_t reg = row->ext < XR ? row->ext : (uint8_t)random_below(seed, 8);

	c->code[at++] = row->ext >= 0xc0 ? row->ext : (uint8_t)(mod << 6 | reg << 3 | rm);
	if (row->ext >= 0xc0 || !memory)
		return at;
	if (parts->address32 && rm == 4) {
		c->code[at] = (uint8_t)(unit_random(seed) >> 20);
		base = c->code[at++] & 7;
	}
	parts->displacement_size = mod == 1 ? 1 : mod == 2 ? (parts->address32 ? 4 : 2) : 0;
	if (mod == 0 && parts->address32 && base == 5)
		parts->displacement_size = 4;
	if (mod == 0 && !parts->address32 && rm == 6)
		parts->displacement_size = 2;
	parts->displacement = (uint8_t)at;
	for (unsigned i = 0; i < parts->displacement_size; i++)
		c->code[at++] = (uint8_t)(unit_random(seed) >> 30);
	return at;
}

static unsigned make_opcode(const struct insn_row *row, uint8_t *code, unsigned at)
{
	if (row->map != M1)
		code[at++] = 0x0f;
	if (row->map == M38 || row->map == M3A)
		code[at++] = row->map == M38 ? 0x38 : 0x3a;
	code[at++] = row->opcode;
	return at;
}

void make_code(uint64_t *seed, const struct insn_row *row, bool code32, struct test_case *c,
	       struct code_parts *parts)
{
	struct prefixes p;
	unsigned at;

	make_prefixes(seed, row, &p);
	*parts = (struct code_parts){.operand32 = code32 != has(&p, PREFIX_OPERAND),
				     .address32 = code32 != has(&p, PREFIX_ADDRESS)};
	memcpy(c->code, p.bytes, p.count);
	at = make_opcode(row, c->code, p.count);
	if (row->ext != XN)
		at = make_modrm(seed, row, c, at, parts);
	parts->immediate = (uint8_t)at;
	if (strchr(row->operands, 'O')) {
		parts->displacement = (uint8_t)at;
		parts->displacement_size = parts->address32 ? 4 : 2;
	}
	while (at + 4 <= CODE_MAX) {
		uint32_t v = random_u32(seed);

		memcpy(c->code + at, &v, 4);
		at += 4;
	}
	c->length = (uint8_t)at;
}
