/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sparse memory: large arrays, indexed by what the guest chooses, of which the host's pages
 * are counted that have been written. Several share a budget, so that the guest cannot
 * make their sum large by spreading what it does.
 *
 * Nothing is refused here: whoever writes says so before (sparse_touch()), and makes room
 * from time to time, by giving back what he does without (sparse_forget()) or what
 * holds zeros only (sparse_trim()). What is given back reads as zeros.
 *
 * sparse_touch(), sparse_forget() and sparse_trim() may be called in a signal handler.
 * Owner: the machine thread.
 */
#ifndef MMU_SPARSE_H
#define MMU_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmu/types.h"

struct sparse;

/* Zeros, but for the limit, to begin with. */
struct sparse_budget {
	size_t used, limit;   /* pages of the host; the limit is for its users to keep */
	struct sparse *first; /* all that share it */
};

/* A page that holds zeros may be in use all the same: its owner gives it back, never sparse_trim().
 */
#define SPARSE_KEEP_ZEROS 1u

struct sparse {
	struct sparse_budget *budget;
	struct sparse *next;
	uint8_t *memory;
	size_t pages;
	unsigned flags;
	uint64_t touched[]; /* a bit for each page: it counts */
};

/* Zeros that cost nothing: as many bytes, a multiple of a page. NULL: no room. */
struct sparse *sparse_create(struct sparse_budget *budget, size_t bytes, unsigned flags);
void sparse_destroy(struct sparse *s);

void sparse_charge(struct sparse *s, size_t page);

/* These bytes, of which there is one at least, are going to be written. */
static inline void sparse_touch(struct sparse *s, const void *at, size_t bytes)
{
	size_t offset = (size_t)((const uint8_t *)at - s->memory);

	for (size_t page = offset >> PAGE_SHIFT; page <= (offset + bytes - 1) >> PAGE_SHIFT; page++)
		if (!(s->touched[page / 64] >> page % 64 & 1))
			sparse_charge(s, page);
}

/* Whole pages that nobody needs any more. */
void sparse_forget(struct sparse *s, const void *at, size_t bytes);
/* Gives back all that holds zeros only. */
void sparse_trim(struct sparse_budget *budget);
/* Asserts that the budget's count is right. Returns it. */
size_t sparse_check(const struct sparse_budget *budget);

#endif
