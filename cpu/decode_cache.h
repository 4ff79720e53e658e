/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What instructions of 32-bit code decode into, by their bytes: compilers repeat
 * themselves, and parsing is a good part of translating. Kept are those of at most
 * eight bytes whose length is easily told. What is guessed is the length only: an
 * entry is made when the decoder has found the same one, so a wrong guess finds nothing.
 */
#ifndef CPU_DECODE_CACHE_H
#define CPU_DECODE_CACHE_H

#include "cpu/insn.h"

#define DECODE_CACHE_SIZE 4096u
#define DECODE_CACHE_BYTES 8u

struct decode_cache {
	struct decode_cache_entry {
		uint64_t key; /* the bytes, then zeros */
		struct insn insn; /* its length is 0 while empty */
	} entries[DECODE_CACHE_SIZE];
	uint64_t hits;
};

/*
 * The entry for the instruction at bytes: it holds it if it has this key and length.
 * NULL: none such is kept.
 */
struct decode_cache_entry *decode_cache_entry(struct decode_cache *c, const uint8_t *bytes,
					      unsigned available, uint64_t *key, unsigned *length);

#endif
