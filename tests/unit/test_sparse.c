/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sparse memory (mmu/sparse.h): what is counted, what is given back, and that it is zeros then. */
#include "mmu/sparse.h"

#include <string.h>
#include <sys/mman.h>

#include "unit.h"

#define PAGES 200u

/* Pages that the host has memory for. */
static unsigned resident(const struct sparse *s)
{
	unsigned char in_core[PAGES];
	unsigned n = 0;

	CU_ASSERT_FATAL(mincore(s->memory, PAGES * PAGE_SIZE, in_core) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		n += in_core[i] & 1;
	return n;
}

static void put(struct sparse *s, size_t offset, size_t bytes, int value)
{
	sparse_touch(s, s->memory + offset, bytes);
	memset(s->memory + offset, value, bytes);
}

static void test_counts(void)
{
	struct sparse_budget b = {0};
	struct sparse *s = sparse_create(&b, PAGES * PAGE_SIZE, 0);

	CU_ASSERT_FATAL(s != NULL);
	CHECK_EQ(sparse_check(&b), 0);
	put(s, 5 * PAGE_SIZE - 1, 1, 1);
	CHECK_EQ(sparse_check(&b), 1);
	put(s, 5 * PAGE_SIZE - 1, 2, 1);
	CHECK_EQ(sparse_check(&b), 2);
	put(s, 63 * PAGE_SIZE, 66 * PAGE_SIZE, 1);
	CHECK_EQ(sparse_check(&b), 68);
	CHECK_EQ(resident(s), 68);
	put(s, 100 * PAGE_SIZE, PAGE_SIZE, 2);
	CHECK_EQ(sparse_check(&b), 68);
	sparse_destroy(s);
	CHECK_EQ(b.used, 0);
	CHECK(!b.first);
}

static void test_forget(void)
{
	struct sparse_budget b = {0};
	struct sparse *s = sparse_create(&b, PAGES * PAGE_SIZE, 0);

	CU_ASSERT_FATAL(s != NULL);
	put(s, 0, PAGES * PAGE_SIZE, 1);
	sparse_forget(s, s->memory + 10 * PAGE_SIZE, 100 * PAGE_SIZE);
	CHECK_EQ(sparse_check(&b), PAGES - 100);
	CHECK_EQ(resident(s), PAGES - 100);
	CHECK_EQ(s->memory[10 * PAGE_SIZE - 1], 1);
	CHECK_EQ(s->memory[10 * PAGE_SIZE], 0);
	CHECK_EQ(s->memory[110 * PAGE_SIZE - 1], 0);
	CHECK_EQ(s->memory[110 * PAGE_SIZE], 1);
	sparse_destroy(s);
}

/* Only what holds zeros goes, of all that share the budget but those that keep it. */
static void test_trim(void)
{
	struct sparse_budget b = {0};
	struct sparse *s[3];

	for (unsigned i = 0; i < 3; i++) {
		s[i] = sparse_create(&b, PAGES * PAGE_SIZE, i == 2 ? SPARSE_KEEP_ZEROS : 0);
		CU_ASSERT_FATAL(s[i] != NULL);
		put(s[i], 60 * PAGE_SIZE, 80 * PAGE_SIZE, 0);
		put(s[i], 71 * PAGE_SIZE - 1, 1, i + 1);
		put(s[i], 139 * PAGE_SIZE, 1, i + 1);
	}
	CHECK_EQ(sparse_check(&b), 3 * 80);
	sparse_trim(&b);
	CHECK_EQ(sparse_check(&b), 2 + 2 + 80);
	CHECK_EQ(resident(s[0]), 2);
	CHECK_EQ(resident(s[2]), 80);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(s[i]->memory[71 * PAGE_SIZE - 1], i + 1);
		CHECK_EQ(s[i]->memory[139 * PAGE_SIZE], i + 1);
	}
	sparse_destroy(s[1]);
	CHECK_EQ(sparse_check(&b), 2 + 80);
	sparse_destroy(s[0]);
	sparse_destroy(s[2]);
	CHECK_EQ(b.used, 0);
}

UNIT_MAIN("sparse", {"counts", test_counts}, {"forget", test_forget}, {"trim", test_trim})
