/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoder's cache gives what decoding anew gives, whatever the bytes. */
#include <string.h>

#include "cpu/decode.h"
#include "unit.h"

#define TAILS 6

static uint32_t random_state = 1;

static uint8_t random_byte(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint8_t)(random_state >> 24);
}

static bool same(const struct insn *a, const struct insn *b)
{
	return a->exec == b->exec && a->length == b->length && a->reg == b->reg && a->rm == b->rm &&
	       a->seg == b->seg && a->base == b->base && a->index == b->index &&
	       a->scale == b->scale && a->modrm == b->modrm && a->disp == b->disp &&
	       a->address_mask == b->address_mask && a->imm == b->imm && a->imm2 == b->imm2 &&
	       a->row == b->row && a->opcode == b->opcode && a->operand32 == b->operand32 &&
	       a->rep == b->rep && a->lock == b->lock && a->ends_block == b->ends_block &&
	       a->rm_is_memory == b->rm_is_memory;
}

/* With all of the bytes there, and with fewer; twice, so that the second may come from the cache. */
static bool agrees(const struct decoder *d, const uint8_t *bytes, unsigned available, bool code32)
{
	for (unsigned i = 0; i < 2; i++) {
		struct insn a, b;
		enum decode_status s = decode_insn(d, bytes, available, code32, &a);

		if (s != decode_insn_anew(d, bytes, available, code32, &b))
			return false;
		if (s == DECODE_OK && !same(&a, &b))
			return false;
	}
	return true;
}

/* Every opcode of one and two bytes with every ModRM. */
static void test_all_opcodes(void)
{
	struct decoder *d = decoder_create();
	unsigned wrong = 0;

	for (uint32_t n = 0; n < 2 * 0x10000; n++) {
		bool two = n >> 16;

		for (unsigned t = 0; t < TAILS; t++) {
			uint8_t bytes[INSN_MAX_LENGTH];

			for (unsigned i = 0; i < sizeof(bytes); i++)
				bytes[i] = random_byte();
			if (two)
				bytes[0] = 0x0f;
			bytes[two] = (uint8_t)(n >> 8);
			bytes[two + 1] = (uint8_t)n;
			wrong += !agrees(d, bytes, t ? sizeof(bytes) : 1 + n % 8, t != 1);
		}
	}
	CHECK_EQ(wrong, 0);
	decoder_destroy(d);
}

/* What is short and usual is found again. */
static void test_found(void)
{
	static const uint8_t code[][8] = {
		{0x89, 0xe5}, {0x8b, 0x45, 0x08}, {0x83, 0xec, 0x1c}, {0x0f, 0xb6, 0xc0}, {0x55},
		{0x74, 0x10}, {0xc7, 0x44, 0x24, 0x04, 1, 0, 0, 0}, {0xf6, 0x40, 0x04, 0x01},
		{0xe8, 1, 2, 3, 4}, {0xff, 0x75, 0x0c}, {0x8d, 0xb6, 0, 0, 0, 0},
	};
	struct decoder *d = decoder_create();
	struct insn in;

	for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		uint64_t hits = decoder_cache_hits(d);

		CHECK_EQ(decode_insn(d, code[i], 8, true, &in), DECODE_OK);
		CHECK_EQ(decoder_cache_hits(d), hits);
		CHECK_EQ(decode_insn(d, code[i], 8, true, &in), DECODE_OK);
		CHECK_EQ(decoder_cache_hits(d), hits + 1);
		/* 16-bit code means something else by the same bytes. */
		CHECK_EQ(decode_insn(d, code[i], 8, false, &in), DECODE_OK);
		CHECK_EQ(decoder_cache_hits(d), hits + 1);
	}
	decoder_destroy(d);
}

/* Other displacements and immediates of the same signs are found, and are those of the bytes. */
static void test_other_numbers(void)
{
	static const uint8_t kept[] = {0xc7, 0x44, 0x24, 0x04, 1, 0, 0, 0},
			     other[] = {0xc7, 0x44, 0x24, 0x7c, 4, 3, 2, 0x81},
			     negative[] = {0xc7, 0x44, 0x24, 0xfc, 1, 0, 0, 0},
			     moffs[] = {0xa1, 4, 3, 2, 0xc1};
	struct decoder *d = decoder_create();
	struct insn in;

	CHECK_EQ(decode_insn(d, kept, sizeof(kept), true, &in), DECODE_OK);
	CHECK_EQ(decode_insn(d, other, sizeof(other), true, &in), DECODE_OK);
	CHECK_EQ(decoder_cache_hits(d), 1);
	CHECK_EQ(in.disp, 0x7c);
	CHECK_EQ(in.imm, 0x81020304);
	CHECK_EQ(decode_insn(d, negative, sizeof(negative), true, &in), DECODE_OK);
	CHECK_EQ(decoder_cache_hits(d), 1);
	CHECK_EQ(in.disp, 0xfffffffc);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(decode_insn(d, moffs, sizeof(moffs), true, &in), DECODE_OK);
		CHECK_EQ(decoder_cache_hits(d), 1 + i);
		CHECK_EQ(in.disp, 0xc1020304);
		CHECK_EQ(in.imm, 0);
	}
	decoder_destroy(d);
}

UNIT_MAIN("decode_cache", {"all opcodes", test_all_opcodes}, {"found", test_found},
	  {"other numbers", test_other_numbers})
