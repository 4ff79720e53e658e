/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shadow of guest page tables, one mechanism a test; test_space_random.c mixes them. */
#include "space_fixture.h"

#include <time.h>

#include "base/host_time.h"

static struct mmu_counters counters(const struct world *w)
{
	return space_counters(w->f.cpu);
}

static void poke_page(struct world *w, uint32_t page, uint32_t value)
{
	physmem_write(w->f.mem, page, value, 4);
}

/* ---- fills, rights, accessed and dirty bits ---- */
static void rights(bool pae)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, pae, 0, 0);
	poke_page(&w, PAGES_AT, 0x1234);
	CHECK(!window_read(&w, user_page(&w, 0, 5), true, &v)); /* not present */
	entry_write(&w, w.table[0][0], 5, PAGES_AT | RW_USER);
	CHECK(window_read(&w, user_page(&w, 0, 5), true, &v));
	CHECK_EQ(v, 0x1234);
	CHECK_EQ(entry_read(&w, w.table[0][0], 5), PAGES_AT | RW_USER | PTE_A);
	CHECK_EQ(entry_read(&w, w.dir[0], 0), w.table[0][0] | RW_USER | PTE_A);
	CHECK(window_write(&w, user_page(&w, 0, 5), true, 7));
	CHECK_EQ(physmem_read(w.f.mem, PAGES_AT, 4), 7);
	CHECK_EQ(entry_read(&w, w.table[0][0], 5), PAGES_AT | RW_USER | PTE_A | PTE_D);
	/* Ring 0 goes the slow way to user pages, ring 3 nowhere else. */
	CHECK(!window_read(&w, user_page(&w, 0, 5), false, &v));
	entry_write(&w, w.kernel_table[1], 3, PAGES_AT | RW_KERNEL);
	CHECK(!window_read(&w, kernel_page(&w, 1, 3), true, &v));
	CHECK(window_read(&w, kernel_page(&w, 1, 3), false, &v));
	CHECK_EQ(v, 7);
	CHECK_EQ(entry_read(&w, w.kernel_table[1], 3), PAGES_AT | RW_KERNEL | PTE_A);
	/* Read-only, also for WP=0. */
	entry_write(&w, w.kernel_table[1], 4, (PAGES_AT + PAGE_SIZE) | PTE_P);
	CHECK(!window_write(&w, kernel_page(&w, 1, 4), false, 7));
	w.f.cpu->cr0 &= ~CR0_WP;
	tlb_flush(w.f.cpu, true);
	CHECK(!window_write(&w, kernel_page(&w, 1, 4), false, 7));
	CHECK(window_read(&w, kernel_page(&w, 1, 4), false, &v));
	CHECK_EQ(entry_read(&w, w.kernel_table[1], 4), (PAGES_AT + PAGE_SIZE) | PTE_P | PTE_A);
	CHECK(mmu_check(w.f.cpu) >= 3);
	world_end(&w);
}

static void test_rights(void)
{
	rights(false);
	rights(true);
}

static void test_neighbours(void)
{
	struct world w;
	uint32_t v, before;

	world_start(&w, false, 0, 0);
	for (unsigned n = 0; n < 64; n++) /* contiguous; every second not accessed from 32 on */
		entry_write(&w, w.table[0][0], n,
			    (PAGES_AT + n * PAGE_SIZE) | RW_USER |
				(n < 32 || n % 2 ? PTE_A | PTE_D : 0));
	before = window_faults;
	for (unsigned n = 0; n < 32; n++)
		CHECK(window_write(&w, user_page(&w, 0, n), true, n));
	CHECK_EQ(window_faults - before, 1);
	CHECK(window_read(&w, user_page(&w, 0, 41), true, &v));
	before = window_faults;
	CHECK(window_read(&w, user_page(&w, 0, 43), true, &v));
	CHECK_EQ(window_faults, before);
	CHECK(window_read(&w, user_page(&w, 0, 42), true, &v));
	CHECK_EQ(window_faults - before, 1);
	CHECK_EQ(entry_read(&w, w.table[0][0], 40) & PTE_A, 0);
	CHECK_EQ(entry_read(&w, w.table[0][0], 42) & PTE_A, PTE_A);
	world_end(&w);
}

/* A guest that clears A or D and flushes sees them set again. */
static void test_accessed_again(void)
{
	struct world w;
	uint32_t v;
	gva_t gva;

	world_start(&w, false, 0, 0);
	gva = user_page(&w, 1, 9);
	entry_write(&w, w.table[0][1], 9, PAGES_AT | RW_USER);
	CHECK(window_write(&w, gva, true, 1));
	for (unsigned i = 0; i < 40; i++) {
		entry_write(&w, w.table[0][1], 9, PAGES_AT | RW_USER | (i % 2 ? PTE_A : 0));
		if (i % 3)
			tlb_flush_page(w.f.cpu, gva);
		else
			load_root(&w, 0);
		CHECK(window_read(&w, gva, true, &v));
		CHECK_EQ(entry_read(&w, w.table[0][1], 9), PAGES_AT | RW_USER | PTE_A);
		CHECK(window_write(&w, gva, true, 1));
		CHECK_EQ(entry_read(&w, w.table[0][1], 9), PAGES_AT | RW_USER | PTE_A | PTE_D);
		mmu_check(w.f.cpu);
	}
	world_end(&w);
}

/* ---- traces ---- */
static void test_traced_write(void)
{
	struct world w;
	uint32_t v = 0;
	gva_t gva;

	world_start(&w, false, 0, 0);
	gva = user_page(&w, 0, 0);
	poke_page(&w, PAGES_AT, 1);
	poke_page(&w, PAGES_AT + PAGE_SIZE, 2);
	/* Mapped writable in the direct map, until somebody's table. */
	CHECK(window_write(&w, KERNEL + w.table[0][0] + 4, false, 0));
	entry_write(&w, w.table[0][0], 0, PAGES_AT | RW_USER);
	CHECK(window_read(&w, gva, true, &v));
	CHECK_EQ(v, 1);
	CHECK(!window_write(&w, KERNEL + w.table[0][0] + 4, false, 0));
	CHECK(counters(&w).watched_writes > 0);
	CHECK(window_read(&w, KERNEL + w.table[0][0], false, &v));
	entry_write(&w, w.table[0][0], 0, (PAGES_AT + PAGE_SIZE) | RW_USER);
	CHECK(window_read(&w, gva, true, &v)); /* dropped at once */
	CHECK_EQ(v, 2);
	CHECK(counters(&w).entries_dropped > 0);
	/* The directory entry. */
	entry_write(&w, w.dir[0], 0, 0);
	CHECK(!window_read(&w, gva, true, &v));
	entry_write(&w, w.dir[0], 0, w.table[0][1] | RW_USER);
	CHECK(!window_read(&w, gva, true, &v));
	entry_write(&w, w.dir[0], 0, w.table[0][0] | RW_USER);
	CHECK(window_read(&w, gva, true, &v));
	CHECK_EQ(v, 2);
	world_end(&w);
}

/* A table that is its own page table: as a directory and as a table it is traced. */
static void test_recursive(void)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	entry_write(&w, w.dir[0], 1000, w.dir[0] | RW_KERNEL);
	entry_write(&w, w.table[0][0], 7, PAGES_AT | RW_USER);
	CHECK(window_read(&w, user_page(&w, 0, 7), true, &v));
	CHECK(window_read(&w, 1000u << 22 | 1000 << 12, false, &v)); /* the directory */
	CHECK_EQ(v, w.table[0][0] | RW_USER | PTE_A);
	CHECK(window_read(&w, 1000u << 22 | 7 * 4, false, &v)); /* page table 0 */
	CHECK_EQ(v, PAGES_AT | RW_USER | PTE_A);
	CHECK(!window_write(&w, 1000u << 22 | 7 * 4, false, 0));
	CHECK(!window_write(&w, 1000u << 22 | 1000 << 12, false, 0));
	entry_write(&w, w.dir[0], 0, 0);
	CHECK(!window_read(&w, 1000u << 22 | 7 * 4, false, &v));
	world_end(&w);
}

static void test_out_of_sync(void)
{
	struct world w;
	gva_t gva, table;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	gva = user_page(&w, 0, 3);
	table = KERNEL + w.table[0][0];
	for (unsigned i = 0; i < 20; i++) {
		poke_page(&w, PAGES_AT + i * PAGE_SIZE, i);
		entry_write(&w, w.table[0][0], 3, (PAGES_AT + i * PAGE_SIZE) | RW_USER);
		CHECK(window_read(&w, gva, true, &v));
		tlb_flush_page(w.f.cpu, gva);
	}
	CHECK_EQ(counters(&w).out_of_sync, 1);
	/* Now the guest may write it through a window; seen at INVLPG. */
	CHECK(window_write(&w, table + 4 * 3, false, PAGES_AT | RW_USER));
	tlb_flush_page(w.f.cpu, gva);
	CHECK(window_read(&w, gva, true, &v));
	CHECK_EQ(v, 0);
	mmu_check(w.f.cpu);
	/* Or at a load of CR3. */
	CHECK(window_write(&w, table + 4 * 3, false, (PAGES_AT + 5 * PAGE_SIZE) | RW_USER));
	load_root(&w, 0);
	CHECK(window_read(&w, gva, true, &v));
	CHECK_EQ(v, 5);
	/* Quiet for some flushes: traced again. */
	for (unsigned i = 0; i < 8; i++)
		load_root(&w, 0);
	CHECK(!window_write(&w, table + 4 * 3, false, 0));
	world_end(&w);
}

/* ---- pages of user windows that are put off ---- */
static void map_user(struct world *w, unsigned n, unsigned frame, uint32_t flags)
{
	entry_write(w, w->table[0][0], n, (PAGES_AT + frame * PAGE_SIZE) | flags);
}

/* Sixteen pages that do not lie together in memory, shown, and all of them writable. */
static void show_scattered(struct world *w)
{
	for (unsigned n = 0; n < 16; n++) {
		poke_page(w, PAGES_AT + 2 * n * PAGE_SIZE, n);
		map_user(w, n, 2 * n, RW_USER | PTE_A | PTE_D);
	}
	for (unsigned n = 0; n < 16; n++)
		CHECK(window_write(w, user_page(w, 0, n), true, n));
}

static void test_put_off(void)
{
	struct mmu_counters before;
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	show_scattered(&w);
	before = counters(&w);
	/* Until ring 3 runs there is nothing to see, and the host is not called. */
	for (unsigned n = 0; n < 16; n++)
		map_user(&w, n, 2 * n, n < 8 ? 0 : PTE_P | PTE_U | PTE_A | PTE_D);
	load_root(&w, 0); /* the table has gone out of sync */
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK(w.f.cpu->window_withheld);
	CHECK_EQ(counters(&w).host_unmaps, before.host_unmaps);
	CHECK_EQ(counters(&w).put_off, before.put_off + 16);
	mmu_check(w.f.cpu);
	space_settle(w.f.cpu);
	CHECK(w.f.cpu->window_base_user != 0);
	CHECK_EQ(counters(&w).host_unmaps, before.host_unmaps + 1);
	CHECK_EQ(counters(&w).host_protects, before.host_protects + 1);
	mmu_check(w.f.cpu);
	CHECK(!window_read(&w, user_page(&w, 0, 7), true, &v));
	CHECK(window_read(&w, user_page(&w, 0, 8), true, &v));
	CHECK_EQ(v, 8);
	CHECK(!window_write(&w, user_page(&w, 0, 8), true, 0));
	world_end(&w);
}

/* An entry that has been written again shows what it says at last, without another fault. */
static void test_put_off_rewritten(void)
{
	struct mmu_counters before;
	struct world w;
	uint32_t v = 0, faults;

	world_start(&w, false, 0, 0);
	show_scattered(&w);
	before = counters(&w);
	faults = window_faults;
	map_user(&w, 3, 6, PTE_P | PTE_U | PTE_A | PTE_D);
	map_user(&w, 3, 6, RW_USER | PTE_A | PTE_D); /* as it was */
	map_user(&w, 5, 10, 0);
	tlb_flush_page(w.f.cpu, user_page(&w, 0, 5));
	poke_page(&w, PAGES_AT + 40 * PAGE_SIZE, 77);
	map_user(&w, 5, 40, RW_USER | PTE_A | PTE_D);
	CHECK(window_read(&w, user_page(&w, 0, 5), true, &v));
	CHECK_EQ(v, 77);
	CHECK(window_write(&w, user_page(&w, 0, 5), true, 1));
	CHECK(window_write(&w, user_page(&w, 0, 3), true, 1));
	CHECK_EQ(physmem_read(w.f.mem, PAGES_AT + 40 * PAGE_SIZE, 4), 1);
	CHECK_EQ(window_faults, faults);
	CHECK_EQ(counters(&w).host_unmaps, before.host_unmaps);
	CHECK_EQ(counters(&w).host_maps, before.host_maps + 1);
	mmu_check(w.f.cpu);
	/* The guest that clears A is to see it set again. */
	map_user(&w, 3, 6, RW_USER);
	CHECK(window_read(&w, user_page(&w, 0, 3), true, &v));
	CHECK_EQ(entry_read(&w, w.table[0][0], 3), (PAGES_AT + 6 * PAGE_SIZE) | RW_USER | PTE_A);
	world_end(&w);
}

/* Nothing is put off where ring 3 runs, whose own writes may change its tables. */
static void test_put_off_never(void)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	show_scattered(&w);
	w.f.cpu->cpl = 3;
	map_user(&w, 4, 30, RW_USER | PTE_A | PTE_D);
	CHECK(w.f.cpu->window_base_user != 0);
	CHECK_EQ(counters(&w).put_off, 0);
	CHECK(window_read(&w, user_page(&w, 0, 4), true, &v));
	CHECK_EQ(v, 15);
	w.f.cpu->cpl = 0;
	world_end(&w);
}

/* More places than are noted; of another space, and of one whose tables have gone since. */
static void test_put_off_many(void)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	for (unsigned n = 0; n < 512; n++)
		map_user(&w, n, n, RW_USER | PTE_A | PTE_D);
	for (unsigned n = 0; n < 512; n++)
		CHECK(window_write(&w, user_page(&w, 0, n), true, n));
	load_root(&w, 1);
	for (unsigned n = 0; n < 512; n += 2)
		map_user(&w, n, 511 - n, RW_USER | PTE_A | PTE_D);
	CHECK(!w.f.cpu->window_withheld);
	mmu_check(w.f.cpu);
	load_root(&w, 0);
	CHECK(w.f.cpu->window_withheld);
	for (unsigned n = 0; n < 512; n++) {
		CHECK(window_read(&w, user_page(&w, 0, n), true, &v));
		CHECK_EQ(v, n % 2 ? n : 511 - n);
	}
	mmu_check(w.f.cpu);
	map_user(&w, 1, 9, RW_USER | PTE_A | PTE_D);
	entry_write(&w, w.dir[0], 0, 0);
	CHECK(!window_read(&w, user_page(&w, 0, 1), true, &v));
	mmu_check(w.f.cpu);
	world_end(&w);
}

/*
 * A kernel's page that shows one thing after the other is not mapped any more, until it has
 * been left alone for a while; a page beside it is.
 */
static void test_churn(void)
{
	struct world w;
	uint32_t v = 0;
	unsigned n = 0;
	uint64_t begin;

	world_start(&w, false, 0, 0);
	entry_write(&w, w.kernel_table[1], 1, PAGES_AT | RW_KERNEL);
	begin = host_time_ns();
	do {
		poke_page(&w, PAGES_AT + n * PAGE_SIZE, n);
		entry_write(&w, w.kernel_table[1], 0, (PAGES_AT + n * PAGE_SIZE) | RW_KERNEL);
		if (!window_read(&w, kernel_page(&w, 1, 0), false, &v))
			break;
		CHECK_EQ(v, n);
		entry_write(&w, w.kernel_table[1], 0, 0);
		tlb_flush_page(w.f.cpu, kernel_page(&w, 1, 0));
	} while (++n < 1000);
	CHECK(n >= 8);
	CHECK(n < 1000 || host_time_ns() - begin > 1000000000); /* a very slow host may not get there */
	CHECK(counters(&w).churned > 0);
	CHECK(!window_read(&w, kernel_page(&w, 1, 0), false, &v));
	CHECK(window_read(&w, kernel_page(&w, 1, 1), false, &v));
	mmu_check(w.f.cpu);
	begin = host_time_ns();
	while (!window_read(&w, kernel_page(&w, 1, 0), false, &v) &&
	       host_time_ns() - begin < 10000000000)
		;
	CHECK(host_time_ns() - begin > 10000000);
	CHECK_EQ(v, n);
	world_end(&w);
}

/* ---- address spaces ---- */
static void spaces(bool pae)
{
	struct world w;
	uint32_t v = 0, before;

	world_start(&w, pae, 0, 0);
	entry_write(&w, w.kernel_table[1], 0, PAGES_AT | RW_KERNEL | PTE_G);
	for (unsigned i = 0; i < SPACE_COUNT; i++) {
		poke_page(&w, PAGES_AT + i * PAGE_SIZE, i);
		entry_write(&w, w.table[i][0], 0, (PAGES_AT + i * PAGE_SIZE) | RW_USER);
		load_root(&w, i);
		CHECK_EQ(w.f.cpu->window_base_user != 0, i == 0);
		CHECK(space_promote(w.f.cpu));
		CHECK(window_read(&w, user_page(&w, 0, 0), true, &v));
		CHECK_EQ(v, i);
		CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	}
	before = window_faults;
	for (unsigned i = 0; i < SPACE_COUNT; i++) { /* all is still there */
		load_root(&w, i);
		CHECK(window_read(&w, user_page(&w, 0, 0), true, &v));
		CHECK_EQ(v, i);
		CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
		CHECK_EQ(v, 0);
		mmu_check(w.f.cpu);
	}
	CHECK_EQ(window_faults, before);
	CHECK(counters(&w).spaces_cached >= SPACE_COUNT);
	/* Another kernel directory entry in one: the slot goes when it is loaded. */
	poke_page(&w, PAGES_AT + 10 * PAGE_SIZE, 99);
	entry_write(&w, w.table[3][1], 0, (PAGES_AT + 10 * PAGE_SIZE) | RW_KERNEL);
	entry_write(&w, w.kernel_dir[3], kernel_dir_index(&w) + 1, w.table[3][1] | RW_KERNEL);
	CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	CHECK_EQ(v, 0);
	load_root(&w, 3);
	CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	CHECK_EQ(v, 99);
	load_root(&w, 2);
	CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	CHECK_EQ(v, 0);
	/* A table of a space that is not loaded. */
	entry_write(&w, w.table[4][0], 0, PAGES_AT | RW_USER);
	load_root(&w, 4);
	CHECK(window_read(&w, user_page(&w, 0, 0), true, &v));
	CHECK_EQ(v, 0);
	world_end(&w);
}

static void test_spaces(void)
{
	spaces(false);
	spaces(true);
}

/* More address spaces than are remembered, all with windows. */
static void test_many_spaces(void)
{
	struct world w;
	uint32_t v = 0, at = 0x600000;

	world_start(&w, false, 0, 0);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t dir = at + (i % 150) * 2 * PAGE_SIZE, table = dir + PAGE_SIZE;

		poke_page(&w, PAGES_AT + i * PAGE_SIZE, i);
		entry_write(&w, table, 0, (PAGES_AT + i * PAGE_SIZE) | RW_USER);
		entry_write(&w, dir, 0, table | RW_USER);
		w.root[1] = dir;
		load_root(&w, 1);
		CHECK(space_promote(w.f.cpu));
		CHECK(window_read(&w, 0, true, &v));
		CHECK_EQ(v, i);
	}
	mmu_check(w.f.cpu);
	world_end(&w);
}

/* The window stays while something of it is there, and goes with the program. */
static void test_demoted(void)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	entry_write(&w, w.table[0][0], 0, PAGES_AT | RW_USER);
	CHECK(window_read(&w, user_page(&w, 0, 0), true, &v));
	load_root(&w, 1);
	load_root(&w, 0);
	CHECK(w.f.cpu->window_base_user != 0);
	load_root(&w, 1);
	entry_write(&w, w.dir[0], 0, 0); /* exit() */
	load_root(&w, 0);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	world_end(&w);
}

/* A page that is another one each time is filled each time. */
static void fill_often(struct world *w, unsigned times)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < times; i++) {
		entry_write(w, w->table[0][0], 0, (PAGES_AT + i % 2 * PAGE_SIZE) | RW_USER);
		load_root(w, 0);
		CHECK(window_read(w, user_page(w, 0, 0), true, &v));
	}
}

static void leave_and_return(struct world *w)
{
	load_root(w, 1);
	load_root(w, 0);
}

/* A window goes when fills cost more than it saves, and does not come back at once. */
static void test_account(void)
{
	const unsigned few = 300, wanted = 4;
	struct world w;

	world_start(&w, false, 0, 0);
	for (unsigned i = 0; i < 4; i++) { /* as often as that it saves enough */
		fill_often(&w, few);
		space_ran(w.f.cpu, 10000000);
		leave_and_return(&w);
		CHECK(w.f.cpu->window_base_user != 0);
	}
	fill_often(&w, 2 * few);
	leave_and_return(&w);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK_EQ(space_counters(w.f.cpu).demotions, 1);
	for (unsigned i = 1; i < wanted; i++)
		CHECK(!space_promote(w.f.cpu));
	CHECK(space_promote(w.f.cpu));
	fill_often(&w, few);
	mmu_check(w.f.cpu);
	world_end(&w);
}

/* So does one whose pages are settled all the time, as a shell's that forks. */
static void test_account_settled(void)
{
	struct world w;
	uint32_t faults;

	world_start(&w, false, 0, 0);
	show_scattered(&w);
	faults = window_faults;
	for (unsigned i = 0; i < 1000; i++) {
		map_user(&w, 3, i % 2 ? 6 : 40, RW_USER | PTE_A | PTE_D);
		load_root(&w, 0);
		CHECK(window_write(&w, user_page(&w, 0, 3), true, i));
	}
	CHECK_EQ(window_faults, faults);
	leave_and_return(&w);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK_EQ(counters(&w).demotions, 1);
	world_end(&w);
}

/* By the program itself, or on its behalf. */
static void unmap_all(struct world *w)
{
	entry_write(w, w->dir[0], 0, 0);
	leave_and_return(w);
	CHECK_EQ(w->f.cpu->window_base_user, 0);
	entry_write(w, w->dir[0], 0, w->table[0][0] | RW_USER);
}

static unsigned promotions_asked(struct world *w)
{
	unsigned n = 1;

	while (!space_promote(w->f.cpu) && n < 1000)
		n++;
	return n;
}

/*
 * Who has an empty window that has not paid waits longer for the next one each time, and may
 * spend less. A new program in the directory does not.
 */
static void test_account_again(void)
{
	struct world w;
	unsigned before = 0, asked;

	world_start(&w, false, 0, 0);
	for (unsigned i = 0; i < 4; i++) {
		fill_often(&w, 1);
		unmap_all(&w);
		asked = promotions_asked(&w);
		CHECK(asked > before || asked == 64);
		before = asked;
	}
	fill_often(&w, 20); /* one that has paid may fill 500 times */
	leave_and_return(&w);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK_EQ(promotions_asked(&w), before);
	fill_often(&w, 1);
	load_root(&w, 1);
	entry_write(&w, w.dir[0], 0, 0);
	load_root(&w, 0);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK_EQ(promotions_asked(&w), 1);
	/* Nor if it had no window when it ended. */
	entry_write(&w, w.dir[0], 0, w.table[0][0] | RW_USER);
	fill_often(&w, 600);
	leave_and_return(&w);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	space_note_fetch(w.f.cpu, user_page(&w, 0, 0), true);
	load_root(&w, 1);
	entry_write(&w, w.dir[0], 0, 0);
	load_root(&w, 0);
	CHECK_EQ(promotions_asked(&w), 1);
	mmu_check(w.f.cpu);
	world_end(&w);
}

/* Until it has a window. */
#define MOST_NS 10000000000u
static uint64_t early_after(struct world *w)
{
	uint64_t start = host_time_ns();

	while (!space_promote_early(w->f.cpu) && host_time_ns() - start < MOST_NS)
		;
	return host_time_ns() - start;
}

/* A space gets its window when it has been there for a moment, but for one that has lost it. */
static void test_early(void)
{
	struct world w;

	world_start(&w, false, 0, 0);
	load_root(&w, 1);
	CHECK(early_after(&w) >= 100000);
	CHECK(w.f.cpu->window_base_user != 0);
	load_root(&w, 0);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	CHECK(early_after(&w) < MOST_NS);
	fill_often(&w, 600);
	leave_and_return(&w);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	for (uint64_t start = host_time_ns(); host_time_ns() - start < 2000000;)
		CHECK(!space_promote_early(w.f.cpu));
	/* A new program: it has been there for no moment yet. */
	space_note_fetch(w.f.cpu, user_page(&w, 0, 0), true);
	load_root(&w, 1);
	entry_write(&w, w.dir[0], 0, 0);
	load_root(&w, 0);
	CHECK(early_after(&w) >= 100000);
	world_end(&w);
}

/* Pages as far apart as libraries lie do not drive out each other's entries. */
static void test_tlb_index(void)
{
	struct tlb_entry *view = NULL;
	const gva_t page = 0x12345000, apart = 4 << 20;

	for (gva_t distance = apart; distance < 256 << 20; distance += apart)
		CHECK(tlb_slot(view, page) != tlb_slot(view, page + distance));
	for (gva_t distance = PAGE_SIZE; distance < apart; distance += PAGE_SIZE)
		CHECK(tlb_slot(view, page) != tlb_slot(view, page + distance));
}

/* ---- large pages ---- */
static void large_pages(bool pae)
{
	unsigned index;
	struct world w;
	uint32_t v = 0, before;
	gva_t gva;

	world_start(&w, pae, 0, 0);
	index = kernel_dir_index(&w) + 4;
	gva = KERNEL + 4 * table_span(&w);
	poke_page(&w, LARGE_AT + 0x1ff000, 0x77);
	entry_write(&w, w.kernel_dir[0], index, LARGE_AT | RW_KERNEL | PTE_PS);
	CHECK(window_read(&w, gva + 0x1ff000, false, &v));
	CHECK_EQ(v, 0x77);
	before = window_faults;
	CHECK(window_read(&w, gva, false, &v));
	CHECK_EQ(window_faults, before);
	CHECK_EQ(entry_read(&w, w.kernel_dir[0], index), LARGE_AT | RW_KERNEL | PTE_PS | PTE_A);
	CHECK(window_write(&w, gva + 0x3000, false, 5));
	CHECK_EQ(entry_read(&w, w.kernel_dir[0], index) & PTE_D, PTE_D);
	before = window_faults;
	CHECK(window_write(&w, gva + 0x5000, false, 5));
	CHECK_EQ(window_faults, before);
	/* A watched page within stays read-only. */
	physmem_watch(w.f.mem, LARGE_AT + 0x8000, PHYS_WATCH_CODE, 0);
	CHECK(!window_write(&w, gva + 0x8000, false, 5));
	CHECK(window_write(&w, gva + 0x9000, false, 5));
	mmu_check(w.f.cpu);
	physmem_watch(w.f.mem, LARGE_AT + 0x8000, 0, PHYS_WATCH_CODE);
	CHECK(window_write(&w, gva + 0x8000, false, 5));
	/* To another place. */
	entry_write(&w, w.kernel_dir[0], index, 0x800000 | RW_KERNEL | PTE_PS);
	tlb_flush_page(w.f.cpu, gva + 0x1000);
	CHECK(window_read(&w, gva + 0x1ff000, false, &v));
	CHECK_EQ(v, 0);
	world_end(&w);
}

static void test_large_pages(void)
{
	large_pages(false);
	large_pages(true);
}

/* ---- paging off, mode changes ---- */
static void test_identity(void)
{
	struct world w;
	uint32_t v = 0;

	world_start(&w, false, 0, 0);
	w.f.cpu->cr0 &= ~CR0_PG;
	tlb_flush(w.f.cpu, true);
	CHECK_EQ(w.f.cpu->window_base_user, 0);
	poke_page(&w, 0x300000, 0x55);
	poke_page(&w, 0x400000, 0x66);
	CHECK(window_read(&w, 0x300000, false, &v));
	CHECK_EQ(v, 0x55);
	CHECK(window_write(&w, 0x300004, false, 1));
	CHECK(!window_read(&w, MEMORY_SIZE, false, &v)); /* nothing there */
	mmu_check(w.f.cpu);
	vcpu_set_a20(w.f.cpu, false);
	CHECK(window_read(&w, 0x300000, false, &v));
	CHECK_EQ(v, 0);
	CHECK(window_read(&w, 0x500000, false, &v));
	CHECK_EQ(v, 0x66);
	mmu_check(w.f.cpu);
	vcpu_set_a20(w.f.cpu, true);
	CHECK(window_read(&w, 0x300000, false, &v));
	CHECK_EQ(v, 0x55);
	w.f.cpu->cr0 |= CR0_PG;
	tlb_flush(w.f.cpu, true);
	entry_write(&w, w.table[0][0], 0, 0x300000 | RW_USER);
	CHECK(space_promote(w.f.cpu));
	CHECK(window_read(&w, 0, true, &v));
	CHECK_EQ(v, 0x55);
	world_end(&w);
}

/* Registers, ROM, the map changing, breakpoints. */
static uint32_t register_read(void *opaque, uint32_t offset, unsigned size)
{
	return 0x12;
}
static void register_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
}

static void test_memory_kinds(void)
{
	static const struct mmio_ops ops = {.read = register_read, .write = register_write, .max_size = 4};
	struct phys_region *registers, *rom;
	struct world w;
	uint8_t *bytes;
	uint32_t v = 0;
	uint64_t before;

	world_start(&w, false, 0, 0);
	registers = physmem_add_mmio(w.f.mem, "registers", PAGE_SIZE, &ops, NULL);
	bytes = physmem_alloc(w.f.mem, "rom", PAGE_SIZE);
	rom = physmem_add_rom(w.f.mem, "rom", PAGE_SIZE, bytes);
	bytes[0] = 0x99;
	physmem_region_map(rom, 0xfff00000, 1);
	entry_write(&w, w.kernel_table[1], 0, 0xfff00000 | RW_KERNEL);
	entry_write(&w, w.kernel_table[1], 1, PAGES_AT | RW_KERNEL | PTE_A | PTE_D);
	CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	CHECK_EQ(v, 0x99);
	CHECK(!window_write(&w, kernel_page(&w, 1, 0), false, 1));
	CHECK(window_read(&w, kernel_page(&w, 1, 1), false, &v));
	mmu_check(w.f.cpu);
	physmem_region_map(registers, PAGES_AT, 1);
	CHECK(!window_read(&w, kernel_page(&w, 1, 1), false, &v));
	CHECK(w.f.cpu->window_base_user != 0);
	mmu_check(w.f.cpu);
	physmem_region_unmap(registers);
	CHECK(window_read(&w, kernel_page(&w, 1, 1), false, &v));
	/* Where no memory has been, nothing is known that would have to go. */
	before = counters(&w).resets;
	physmem_region_map(registers, 0xffe00000, 1);
	physmem_region_map(registers, 0xffd00000, 1);
	CHECK_EQ(counters(&w).resets, before);
	entry_write(&w, w.kernel_table[1], 2, 0xffd00000 | RW_KERNEL);
	CHECK(!window_read(&w, kernel_page(&w, 1, 2), false, &v));
	physmem_region_unmap(registers);
	physmem_region_map(rom, 0xffd00000, 1);
	CHECK_EQ(counters(&w).resets, before + 1); /* it was elsewhere */
	CHECK(window_read(&w, kernel_page(&w, 1, 2), false, &v));
	CHECK_EQ(v, 0x99);
	physmem_region_map(registers, 0xffd00000, 2);
	CHECK_EQ(counters(&w).resets, before + 2);
	CHECK(!window_read(&w, kernel_page(&w, 1, 2), false, &v));
	physmem_region_map(rom, 0xfff00000, 1);
	w.f.cpu->dr[0] = kernel_page(&w, 1, 1) + 8;
	w.f.cpu->dr[7] |= 3 | 1u << 16;
	tlb_flush(w.f.cpu, true);
	CHECK(!window_read(&w, kernel_page(&w, 1, 1), false, &v));
	CHECK(window_read(&w, kernel_page(&w, 1, 0), false, &v));
	w.f.cpu->dr[7] = DR7_ALWAYS;
	tlb_flush(w.f.cpu, true);
	CHECK(window_read(&w, kernel_page(&w, 1, 1), false, &v));
	world_end(&w);
}

/* A frame buffer: written pages are found, and watched again by one call of the host. */
static void test_display(void)
{
	enum { VRAM_PAGES = 64 };
	struct phys_region *vram;
	struct world w;
	uint64_t dirty[1], before;

	world_start(&w, false, 0, 0);
	vram = physmem_add_device_ram(w.f.mem, "vram", VRAM_PAGES * PAGE_SIZE,
				      physmem_alloc(w.f.mem, "vram", VRAM_PAGES * PAGE_SIZE));
	physmem_region_map(vram, 0xe0000000, 1);
	for (unsigned n = 0; n < VRAM_PAGES; n++)
		entry_write(&w, w.kernel_table[1], n,
			    (0xe0000000 + n * PAGE_SIZE) | RW_KERNEL | PTE_A | PTE_D);
	load_root(&w, 0);
	for (unsigned n = 0; n < VRAM_PAGES; n++)
		CHECK(window_write(&w, kernel_page(&w, 1, n), false, n));
	before = counters(&w).host_protects;
	CHECK(physmem_region_take_dirty(vram, dirty));
	CHECK_EQ(counters(&w).host_protects - before, 1);
	mmu_check(w.f.cpu);
	for (unsigned n = 0; n < VRAM_PAGES; n += 5)
		CHECK(!window_write(&w, kernel_page(&w, 1, n), false, 1));
	poke_page(&w, 0xe0000000 + 5 * PAGE_SIZE, 7); /* as the slow path would */
	CHECK(window_write(&w, kernel_page(&w, 1, 5), false, 8));
	CHECK(physmem_region_take_dirty(vram, dirty));
	CHECK_EQ(dirty[0], 1u << 5);
	world_end(&w);
}

/* ---- tags of instruction fetches ---- */
static void test_fetch_tags(void)
{
	struct world w;
	struct vcpu *cpu;
	uint32_t user[2], kernel;

	world_start(&w, false, 0, 0);
	cpu = w.f.cpu;
	entry_write(&w, w.kernel_table[1], 0, PAGES_AT | RW_KERNEL);
	for (unsigned i = 0; i < 2; i++) {
		entry_write(&w, w.table[i][0], 0, PAGES_AT | RW_USER);
		entry_write(&w, w.table[i][0], 1, (PAGES_AT + PAGE_SIZE) | RW_USER);
		load_root(&w, i);
		paging_translate(cpu, user_page(&w, 0, 0), ACCESS_EXEC, true);
		paging_translate(cpu, kernel_page(&w, 1, 0), ACCESS_EXEC, false);
		user[i] = cpu->asid_user;
	}
	kernel = cpu->asid_kernel;
	CHECK(user[0] != user[1] && user[0] && user[1] && kernel);
	load_root(&w, 0);
	CHECK_EQ(cpu->asid_user, user[0]);
	CHECK_EQ(cpu->asid_kernel, kernel);
	tlb_flush_page(cpu, user_page(&w, 0, 1));
	/* A page that was not executed may change. */
	entry_write(&w, w.table[0][0], 1, 0);
	CHECK_EQ(cpu->asid_user, user[0]);
	entry_write(&w, w.table[0][0], 0, 0);
	CHECK(cpu->asid_user != user[0]);
	load_root(&w, 1);
	CHECK_EQ(cpu->asid_user, user[1]);
	entry_write(&w, w.kernel_table[1], 0, 0);
	CHECK_EQ(cpu->asid_user, user[1]);
	CHECK(cpu->asid_kernel != kernel);
	/* A read must not make an entry good for fetches that nobody noted. */
	entry_write(&w, w.table[1][0], 1, PAGES_AT | RW_USER);
	paging_translate(cpu, user_page(&w, 0, 1), ACCESS_READ, true);
	CHECK_EQ(tlb_slot(cpu->tlb_views[TLB_USER], user_page(&w, 0, 1))->exec, TLB_NONE);
	paging_translate(cpu, user_page(&w, 0, 1), ACCESS_EXEC, true);
	CHECK_EQ(tlb_slot(cpu->tlb_views[TLB_USER], user_page(&w, 0, 1))->exec, PAGE_SIZE);
	kernel = cpu->asid_kernel;
	cpu->cr0 &= ~CR0_PG;
	tlb_flush(cpu, true);
	CHECK(cpu->asid_kernel != kernel);
	CHECK(cpu->asid_user != user[1]);
	world_end(&w);
}

/* ---- costs: printed, not judged ---- */
static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* the host may be busy */
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A kernel like Linux': its direct map in use, two processes that take turns. */
static void switch_cost(struct world *w)
{
	double start;
	uint32_t v;

	for (unsigned i = 0; i < 2; i++) {
		load_root(w, i);
		space_promote(w->f.cpu);
		for (unsigned n = 0; n < 12; n++) {
			entry_write(w, w->table[i][0], n * 3, (PAGES_AT + n * PAGE_SIZE) | RW_USER);
			window_read(w, user_page(w, 0, n * 3), true, &v);
			paging_translate(w->f.cpu, user_page(w, 0, n * 3), ACCESS_EXEC, true);
		}
		for (unsigned n = 0; n < 1024; n++)
			window_read(w, kernel_page(w, 0, n), false, &v);
	}
	start = now_ns();
	for (unsigned i = 0; i < 100000; i++)
		load_root(w, i & 1);
	printf("(load of CR3: %.0f ns) ", (now_ns() - start) / 100000);
	start = now_ns();
	for (unsigned i = 0; i < 2000; i++) {
		load_root(w, i & 1);
		for (unsigned n = 0; n < 64; n++)
			paging_translate(w->f.cpu, user_page(w, 0, n % 12 * 3), ACCESS_READ, true);
	}
	printf("(with 64 walks: %.0f ns) ", (now_ns() - start) / 2000);
}

static void fill_cost(struct world *w)
{
	unsigned fills = 0;
	double start;
	uint32_t v;

	for (unsigned n = 0; n < 1024; n++) /* no two contiguous, none accessed */
		entry_write(w, w->table[0][1], n, (PAGES_AT + n * 7 % 512 * PAGE_SIZE) | RW_USER);
	load_root(w, 0);
	fills = window_faults;
	start = now_ns();
	for (unsigned n = 0; n < 1024; n++)
		window_read(w, user_page(w, 1, n), true, &v);
	fills = window_faults - fills;
	printf("(fill: %.0f ns) ", (now_ns() - start) / fills);
	start = now_ns();
	for (unsigned n = 0; n < 100; n++) {
		entry_write(w, w->table[0][1], n, (PAGES_AT + n * PAGE_SIZE) | RW_USER | PTE_A);
		tlb_flush_page(w->f.cpu, user_page(w, 1, n));
		if (n % 8 == 7)
			load_root(w, 0);
	}
	printf("(traced write, INVLPG: %.0f ns) ", (now_ns() - start) / 100);
}

static void test_costs(void)
{
	struct world w;

	world_start(&w, false, 0, 0);
	switch_cost(&w);
	fill_cost(&w);
	world_end(&w);
}

UNIT_MAIN("space", {"rights", test_rights}, {"neighbours", test_neighbours},
	  {"accessed again", test_accessed_again}, {"traced write", test_traced_write},
	  {"recursive", test_recursive}, {"out of sync", test_out_of_sync},
	  {"put off", test_put_off}, {"put off, rewritten", test_put_off_rewritten},
	  {"put off, never", test_put_off_never}, {"put off, many", test_put_off_many},
	  {"churn", test_churn}, {"spaces", test_spaces}, {"many spaces", test_many_spaces},
	  {"demoted", test_demoted}, {"account", test_account},
	  {"account, settled", test_account_settled}, {"account, again", test_account_again},
	  {"early", test_early},
	  {"TLB index", test_tlb_index}, {"large pages", test_large_pages},
	  {"identity", test_identity}, {"memory kinds", test_memory_kinds},
	  {"display", test_display}, {"fetch tags", test_fetch_tags}, {"costs", test_costs})
