/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that can be mapped more than once: a memfd and one mapping of it
 * whole. Guest RAM, ROM and device RAM lie in such blocks, so that windows
 * (mmu/window.h) can show their pages at guest linear addresses.
 */
#ifndef MMU_MEMORY_BLOCK_H
#define MMU_MEMORY_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct memory_block {
	uint8_t *host; /* the mapping, read and write; NULL: no block */
	uint64_t size; /* bytes */
	int fd;	       /* memfd; offset n of it is host[n] */
};

/* Makes a block of zeros; name is for /proc/self/maps. Returns 0 or -errno. */
int memory_block_create(struct memory_block *b, const char *name, uint64_t size);
/* Unmaps and closes; no-op on a block of zeros. */
void memory_block_destroy(struct memory_block *b);

static inline bool memory_block_contains(const struct memory_block *b, const uint8_t *host)
{
	return b->host && (uintptr_t)host - (uintptr_t)b->host < b->size;
}

#endif
