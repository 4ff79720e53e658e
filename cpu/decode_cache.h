/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What instructions of 32-bit code decode into, by their opcode, ModRM and SIB bytes:
 * compilers repeat themselves, and parsing is a good part of translating. Kept are
 * those whose length is easily told, for any displacement and immediate of the same
 * signs. What is guessed is the length only: an entry is made when the decoder has
 * found the same one, so a wrong guess finds nothing.
 */
#ifndef CPU_DECODE_CACHE_H
#define CPU_DECODE_CACHE_H

#include "cpu/insn.h"

#define DECODE_CACHE_SIZE 4096u

struct decode_cache {
	struct decode_cache_entry {
		uint64_t key;
		struct insn insn; /* its length is 0 while empty */
	} entries[DECODE_CACHE_SIZE];
	uint64_t hits;
};

/* How an instruction lies in its bytes. */
struct decode_form {
	uint64_t key;	/* what precedes displacement and immediate, and their signs */
	unsigned head;	/* bytes of opcode, ModRM and SIB */
	unsigned disp, imm; /* bytes: 0, 1 or 4 */
};

/*
 * The entry for the instruction at bytes: it holds it if it has this key, and this
 * length. NULL: none such is kept.
 */
struct decode_cache_entry *decode_cache_entry(struct decode_cache *c, const uint8_t *bytes,
					      unsigned available, struct decode_form *f);
/* The instruction at bytes, which the entry holds. */
void decode_cache_take(const struct decode_cache_entry *e, const uint8_t *bytes,
		       const struct decode_form *f, struct insn *out);

#endif
