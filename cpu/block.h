/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoded-instruction cache: straight-line runs of decoded instructions
 * ("blocks"), within one page, keyed by where their bytes lie in host memory and
 * the code size. Being keyed so, they survive CR3 loads and remapping of
 * ROM. Pages that hold blocks are watched for writes (PHYS_WATCH_CODE); a
 * write drops the blocks that overlap it.
 */
#ifndef CPU_BLOCK_H
#define CPU_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/insn.h"

#define BLOCK_MAX_INSNS 32

struct block {
	const uint8_t *host;      /* first byte; NULL: dropped */
	struct block *hash_next;  /* in the look-up table */
	struct block *page_next;  /* in its page's list */
	uint16_t bytes, count;
	bool code32;
	struct insn insns[];
};

struct block_cache;

struct block_cache *block_cache_create(void);
void block_cache_destroy(struct block_cache *c);

/*
 * The block at CS:EIP, decoding it first if need be. Unwinds with the fault
 * that fetching raises (#PF, #GP beyond the limit). An undecodable instruction
 * becomes one that raises #UD. Valid until the next call.
 */
struct block *block_find(struct vcpu *cpu);

/*
 * Translates the fetch of one byte; unwinds with #PF. Returns the byte's host
 * address, or NULL where there is no memory; *gpa is where it lies.
 */
const uint8_t *block_fetch(struct vcpu *cpu, gva_t gva, gpa_t *gpa);

/*
 * The instruction under way, cpu->cur, has asked for attention: control leaves
 * its block right after it, so that what it caused (an interrupt, a timer)
 * comes where it would on the chip, wherever the block ends.
 */
void block_cut(struct vcpu *cpu);
/* Forgets the cut, when it was reached or a fault led elsewhere. */
void block_mend(struct vcpu *cpu);

/* [gpa, gpa+len), inside one page, was written. */
void block_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len);

/* Uses no more memory than so many bytes from now on; drops everything. */
void block_cache_limit(struct vcpu *cpu, uint32_t bytes);
/* Drops everything (reset, debugger). */
void block_cache_flush(struct vcpu *cpu);

#endif
