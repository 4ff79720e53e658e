/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sparse memory: what has been written of large arrays is counted (see sparse.h). */
#include "mmu/sparse.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

struct sparse *sparse_create(struct sparse_budget *budget, size_t bytes, unsigned flags)
{
	size_t pages = bytes >> PAGE_SHIFT;
	struct sparse *s = calloc(1, sizeof(*s) + (pages + 63) / 64 * sizeof(s->touched[0]));
	void *p;

	if (!s)
		return NULL;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED) {
		free(s);
		return NULL;
	}
	/* Not 2 MiB for each byte, where the host does that unasked. */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	s->budget = budget;
	s->memory = p;
	s->pages = pages;
	s->flags = flags;
	s->next = budget->first;
	budget->first = s;
	return s;
}

void sparse_destroy(struct sparse *s)
{
	struct sparse **link;

	if (!s)
		return;
	sparse_forget(s, s->memory, s->pages << PAGE_SHIFT);
	for (link = &s->budget->first; *link != s; link = &(*link)->next)
		;
	*link = s->next;
	munmap(s->memory, s->pages << PAGE_SHIFT);
	free(s);
}

void sparse_charge(struct sparse *s, size_t page)
{
	s->touched[page / 64] |= 1ull << page % 64;
	s->budget->used++;
}

static bool is_touched(const struct sparse *s, size_t page)
{
	return s->touched[page / 64] >> page % 64 & 1;
}

/* Pages that are touched, one after the other. */
static void give_back(struct sparse *s, size_t page, size_t count)
{
	madvise(s->memory + (page << PAGE_SHIFT), count << PAGE_SHIFT, MADV_DONTNEED);
	for (size_t i = page; i < page + count; i++)
		s->touched[i / 64] &= ~(1ull << i % 64);
	s->budget->used -= count;
}

/* From `page` to before `end`, what is touched and, if only those, holds zeros. */
static void give_back_range(struct sparse *s, size_t page, size_t end,
			    bool (*only)(const struct sparse *s, size_t page))
{
	while (page < end) {
		size_t count = 0;

		if (page % 64 == 0 && !s->touched[page / 64]) {
			page += 64;
			continue;
		}
		while (page + count < end && is_touched(s, page + count) &&
		       (!only || only(s, page + count)))
			count++;
		if (count)
			give_back(s, page, count);
		page += count + 1;
	}
}

void sparse_forget(struct sparse *s, const void *at, size_t bytes)
{
	size_t first = (size_t)((const uint8_t *)at - s->memory) >> PAGE_SHIFT;

	give_back_range(s, first, first + (bytes >> PAGE_SHIFT), NULL);
}

static bool holds_zeros(const struct sparse *s, size_t page)
{
	const uint64_t *p = (const uint64_t *)(const void *)(s->memory + (page << PAGE_SHIFT));

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i])
			return false;
	return true;
}

void sparse_trim(struct sparse_budget *budget)
{
	for (struct sparse *s = budget->first; s; s = s->next)
		if (!(s->flags & SPARSE_KEEP_ZEROS))
			give_back_range(s, 0, s->pages, holds_zeros);
}

size_t sparse_check(const struct sparse_budget *budget)
{
	size_t used = 0;

	for (const struct sparse *s = budget->first; s; s = s->next)
		for (size_t page = 0; page < s->pages; page++)
			used += is_touched(s, page);
	assert(used == budget->used);
	return used;
}
