/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From bytes to struct insn: Zydis parses, the instruction table gives meaning. */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/insn.h"

struct decoder;

#define INSN_MAX_LENGTH 15

enum decode_status {
	DECODE_OK,
	DECODE_MORE,     /* the bytes end inside the instruction */
	DECODE_UD,       /* no such instruction */
	DECODE_TOO_LONG, /* more than 15 bytes: #GP(0) */
};

struct decoder *decoder_create(void);
void decoder_destroy(struct decoder *d);

/*
 * Decodes one instruction of 16- or 32-bit code from the available bytes.
 * *out is complete on DECODE_OK only.
 */
enum decode_status decode_insn(const struct decoder *d, const uint8_t *bytes, unsigned available,
			       bool code32, struct insn *out);
/* The same without a look into the decoder's cache (decode_cache.h), for tests. */
enum decode_status decode_insn_anew(const struct decoder *d, const uint8_t *bytes,
				    unsigned available, bool code32, struct insn *out);
uint64_t decoder_cache_hits(const struct decoder *d);

#endif
