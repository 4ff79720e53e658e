/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, selectors, and what memory operands and the stack hold. */
#include "cpu/fpu.h"
#include "make.h"

uint32_t random_u32(uint64_t *seed)
{
	static const uint32_t edges[] = {0,	     1,		 2,	     3,		 7,
					 8,	     0xf,	 0x10,	     0x1f,	 0x20,
					 0x7f,	     0x80,	 0xff,	     0x100,	 0x7fff,
					 0x8000,     0xffff,	 0x10000,    0xffff8000, 0xffffff80,
					 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
	uint32_t r = random_below(seed, 8);

	if (r < 4)
		return (uint32_t)(unit_random(seed) >> 16);
	if (r < 5)
		return random_below(seed, 256);
	return edges[random_below(seed, sizeof(edges) / sizeof(edges[0]))];
}

/* Where something changes: the ends of pages, and of the segments' limits. */
static uint32_t random_boundary(uint64_t *seed)
{
	static const uint32_t boundaries[] = {PAGE_RW1_AT,	PAGE_RW2_AT,	 PAGE_RO_AT,
					      PAGE_RW3_AT,	PAGES_END,	 PAGE_RW2_AT,
					      DATA_AT + 0x17ff, DATA_AT + 0x1804};

	return boundaries[random_below(seed, sizeof(boundaries) / sizeof(boundaries[0]))];
}

uint32_t random_target(uint64_t *seed, uint32_t size)
{
	static const uint32_t writable[] = {PAGE_RW1_AT, PAGE_RW2_AT, PAGE_RW3_AT};
	uint32_t page = writable[random_below(seed, 3)];
	uint32_t r = random_below(seed, 32), offset = random_below(seed, PAGE_SIZE - 64);

	if (r < 14)
		return page + (offset & ~15u);
	if (r < 20)
		return page + offset;
	if (r < 27)
		return random_boundary(seed) - random_below(seed, size + 2);
	if (r < 29)
		return PAGE_RO_AT + offset;
	if (r < 30)
		return DATA_AT + offset;
	if (r < 31)
		return CODE_AT + offset;
	return random_u32(seed);
}

uint16_t random_data_selector(uint64_t *seed, bool code32, bool stack)
{
	static const uint16_t any[] = {SELECTOR_DATA32, LDT_SELECTOR(SEG_FLAT),
				       LDT_SELECTOR(SEG_DATA_BASED), LDT_SELECTOR(SEG_DATA_16),
				       LDT_SELECTOR(SEG_DATA_SMALL), LDT_SELECTOR(SEG_DOWN_32),
				       LDT_SELECTOR(SEG_DOWN_16),
				       /* Not for SS. */
				       LDT_SELECTOR(SEG_DATA_RO), LDT_SELECTOR(SEG_CODE_BASED),
				       LDT_SELECTOR(SEG_CODE_16), LDT_SELECTOR(SEG_CODE_FLAT), 0};
	const unsigned writable = 7, all = sizeof(any) / sizeof(any[0]);

	if (random_below(seed, 8) < 5)
		return code32 ? SELECTOR_DATA32 : LDT_SELECTOR(SEG_DATA_16);
	return any[random_below(seed, stack ? writable : all)];
}

uint16_t random_selector(uint64_t *seed)
{
	static const uint16_t pool[] = {0,    1,    3,	  0x08, 0x0b, 0x10, 0x18,
					0x1b, 0x20, 0x21, 0x23, 0x28, 0x2b, 0x2b,
					0x40, 0x50, 0x60, 0x73, 0x80, 0x8b, 0xfff8};
	uint32_t r = random_below(seed, 16);

	if (r < 10)
		return (uint16_t)(LDT_SELECTOR(random_below(seed, WORLD_SEGMENTS + 2)) &
				  ~(once_in(seed, 8) ? random_below(seed, 4) : 0));
	return pool[random_below(seed, sizeof(pool) / sizeof(pool[0]))];
}

uint32_t random_eip(uint64_t *seed, const struct test_case *c)
{
	switch (random_below(seed, 4)) {
	case 0:
		return random_u32(seed);
	case 1:
		return c->code_at & 0xffff;
	default:
		return c->code_at + random_below(seed, 64);
	}
}

/* ---- operands ---- */

static uint16_t random_fcw(uint64_t *seed)
{
	uint16_t fcw = (uint16_t)(unit_random(seed) & FCW_WRITABLE) | FCW_ALWAYS;

	return once_in(seed, 3) ? fcw : fcw | FCW_MASKS;
}

/* An image for FXRSTOR, or the environment and registers of FRSTOR. */
static uint32_t make_image(uint64_t *seed, const struct insn_row *row, bool operand32,
			   uint8_t *bytes)
{
	uint16_t fcw = random_fcw(seed), fsw = (uint16_t)unit_random(seed);
	uint16_t tags = (uint16_t)unit_random(seed);
	uint32_t mxcsr = random_below(seed, MXCSR_WRITABLE + 1);
	unsigned word = operand32 ? 4 : 2, registers = 7 * word;

	for (unsigned i = 0; i < 512; i += 8) {
		uint64_t v = unit_random(seed);

		memcpy(bytes + i, &v, 8);
	}
	if (row->map == M1) { /* FLDENV, FRSTOR: FCW, FSW, FTW in a word or doubleword each */
		memcpy(bytes, &fcw, 2);
		memcpy(bytes + word, &fsw, 2);
		memcpy(bytes + 2 * word, &tags, 2);
		for (unsigned i = 0; i < 8; i++)
			random_x87(seed, bytes + registers + 10 * i);
		return registers + 80;
	}
	for (unsigned i = 0; i < 8; i++) {
		random_x87(seed, bytes + 32 + 16 * i);
		random_vector(seed, bytes + 160 + 16 * i);
	}
	if (once_in(seed, 8)) /* reserved, but for bit 17: see rules.c */
		mxcsr |= 0xfffd0000u & (uint32_t)unit_random(seed);
	memcpy(bytes, &fcw, 2);
	memcpy(bytes + 2, &fsw, 2);
	memcpy(bytes + 24, &mxcsr, 4);
	return 512;
}

static void random_bcd(uint64_t *seed, uint8_t *bytes)
{
	for (unsigned i = 0; i < 9; i++)
		bytes[i] = (uint8_t)(random_below(seed, 10) << 4 | random_below(seed, 10));
	bytes[9] = once_in(seed, 2) ? 0x80 : 0;
}

static uint32_t make_x87_operand(uint64_t *seed, const struct insn_row *row, bool operand32,
				 uint8_t *bytes)
{
	const char *o = row->operands;
	uint64_t v = random_u32(seed) | (uint64_t)random_u32(seed) << 32;

	if (!strcmp(o, "M"))
		return make_image(seed, row, operand32, bytes);
	if (row_named(row, "fbld") && once_in(seed, 2)) {
		random_bcd(seed, bytes);
		return 10;
	}
	if (o[0] == 'M' && o[1] == 't') {
		random_x87(seed, bytes);
		return 10;
	}
	if (row_named(row, "fldcw")) {
		v = random_fcw(seed);
	} else if (row->name[1] != 'i') { /* not FILD and the like */
		v = o[1] == 'q' ? random_f64(seed) : random_f32(seed);
	}
	memcpy(bytes, &v, 8);
	return 8;
}

static void put_item(uint8_t *bytes, unsigned at, uint32_t v, unsigned size)
{
	memcpy(bytes + at, &v, size);
}

/* A far pointer: offset and selector. */
static uint32_t make_far_pointer(uint64_t *seed, const struct test_case *c, bool operand32,
				 uint8_t *bytes)
{
	unsigned size = operand32 ? 4 : 2;

	put_item(bytes, 0, random_eip(seed, c), size);
	put_item(bytes, size, random_selector(seed), 2);
	return size + 2;
}

uint32_t make_operand(uint64_t *seed, const struct insn_row *row, const struct test_case *c,
		      bool operand32, uint8_t *bytes)
{
	const uint32_t *regs = c->start.regs;

	if (row->class == X87)
		return make_x87_operand(seed, row, operand32, bytes);
	if (strstr(row->operands, "p") && (row->class == FAR || strchr(row->operands, 'M')) &&
	    row->class != SSE)
		return make_far_pointer(seed, c, operand32, bytes);
	if (row->class == SSE || row->class == MMX) {
		random_vector(seed, bytes);
		random_vector(seed, bytes + 16);
		if (row_named(row, "ldmxcsr"))
			put_item(bytes, 0,
				 random_below(seed, MXCSR_WRITABLE + 1) |
				     (once_in(seed, 8) ? 0x00040000 : 0),
				 4);
		return 32;
	}
	for (unsigned i = 0; i < 16; i += 4)
		put_item(bytes, i, random_u32(seed), 4);
	if (row->class == TRANSFER)
		put_item(bytes, 0, random_eip(seed, c), 4);
	if (row->class == SENSITIVE && once_in(seed, 2))
		put_item(bytes, 0, random_selector(seed), 2);
	if (!strncmp(row->name, "cmpxchg", 7) && once_in(seed, 2)) {
		put_item(bytes, 0, regs[EAX], 4);
		put_item(bytes, 4, regs[EDX], 4);
	}
	return 16;
}

uint32_t make_frame(uint64_t *seed, const struct insn_row *row, const struct test_case *c,
		    bool operand32, uint8_t *bytes)
{
	unsigned size = operand32 ? 4 : 2;

	for (unsigned i = 0; i < 32; i += 4)
		put_item(bytes, i, random_u32(seed), 4);
	if (row->class == TRANSFER || row->class == FAR)
		put_item(bytes, 0, random_eip(seed, c), 4);
	if (row->class == FAR)
		put_item(bytes, size, random_selector(seed), size);
	if (row_named(row, "pop") && row->class == SENSITIVE)
		put_item(bytes, 0, random_selector(seed), size);
	return 32;
}
