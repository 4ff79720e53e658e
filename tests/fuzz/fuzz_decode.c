/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder. First byte: bit 0 is the code size. However few of the bytes
 * it is shown, it never claims more, and what it makes of an instruction does
 * not depend on what follows it.
 */
#include <string.h>

#include "cpu/decode.h"
#include "cpu/table.h"
#include "fuzz.h"

static void check_insn(const struct insn *in)
{
	REQUIRE(in->length >= 1 && in->length <= INSN_MAX_LENGTH);
	REQUIRE(in->row < insn_table_rows);
	REQUIRE(in->exec);
	REQUIRE(in->reg < 8 && in->rm < 8 && in->seg < SEG_COUNT);
	REQUIRE(in->base < GPR_COUNT && in->index < GPR_COUNT && in->scale < 4);
	REQUIRE(in->address_mask == 0xffff || in->address_mask == 0xffffffff);
	REQUIRE(in->rep <= REP_REPNE);
}

/* Decodes from all prefixes of the bytes. Returns the instruction's length or 0. */
static unsigned check_prefixes(const struct decoder *d, const uint8_t *bytes, size_t size,
			       bool code32)
{
	unsigned most = size < INSN_MAX_LENGTH + 1 ? (unsigned)size : INSN_MAX_LENGTH + 1;
	struct insn whole, in;
	enum decode_status all = decode_insn(d, bytes, most, code32, &whole);

	if (all == DECODE_OK) {
		check_insn(&whole);
		REQUIRE(whole.length <= most);
	}
	for (unsigned n = 1; n < most; n++) {
		uint8_t cut[INSN_MAX_LENGTH + 1];
		enum decode_status s;

		memcpy(cut, bytes, n); /* nothing valid after it, for the sanitizer */
		s = decode_insn(d, cut, n, code32, &in);
		if (s == DECODE_OK) {
			REQUIRE(all == DECODE_OK && !memcmp(&in, &whole, sizeof(in)));
			REQUIRE(in.length <= n);
		} else if (all == DECODE_OK && n < whole.length) {
			REQUIRE(s == DECODE_MORE);
		}
	}
	return all == DECODE_OK ? whole.length : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *d;
	unsigned length;

	if (!d)
		d = decoder_create();
	if (!d || size < 2)
		return 0;
	for (size_t at = 1; at < size && at < 256; at += length ? length : 1)
		length = check_prefixes(d, data + at, size - at, data[0] & 1);
	return 0;
}
