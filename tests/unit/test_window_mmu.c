/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows (mmu/window.h) against /proc/self/maps: after each of many random
 * maps, unmaps and write protections the host has exactly the pages, the
 * rights and no more mappings than the structures say.
 */
#include "mmu/window.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mmu/physmem.h"
#include "mmu/sparse.h"
#include "unit.h"

#define RAM_SIZE (64u << 20)
#define BUDGET	 500u

struct setting {
	struct physmem *pm;
	struct mem_window_set *set;
	struct mmu_counters counters;
	struct sparse_budget memory;
	int fd;
	uint8_t *ram; /* from 1 MiB on */
};

static struct setting start(void)
{
	struct setting s = {0};
	uint64_t offset;

	CU_ASSERT_FATAL(physmem_create(&s.pm, RAM_SIZE) == 0);
	s.ram = physmem_ram_ptr(s.pm, 1 << 20, 1 << 20);
	CHECK(physmem_backing(s.pm, s.ram, &s.fd, &offset));
	return s;
}

static void start_set(struct setting *s, unsigned budget)
{
	CU_ASSERT_FATAL(mem_window_set_create(&s->set, budget, &s->memory, &s->counters) == 0);
}

static void end(struct setting *s)
{
	mem_window_set_destroy(s->set);
	physmem_destroy(s->pm);
}

static bool map(struct setting *s, struct mem_window *w, uint32_t page, uint32_t count,
		uint32_t frame, bool writable)
{
	struct mem_window_run run = {.page = page,
				     .count = count,
				     .frame = frame,
				     .fd = s->fd,
				     .offset = (uint64_t)frame << PAGE_SHIFT,
				     .writable = writable};

	return mem_window_map(w, &run);
}

/* ---- accesses as translated code makes them ---- */
typedef uint32_t __attribute__((aligned(1))) unaligned32;

static sigjmp_buf unwind;

static void on_segv(int sig)
{
	siglongjmp(unwind, 1);
}

static bool load(struct mem_window *w, uint32_t gva, uint32_t *value)
{
	if (sigsetjmp(unwind, 1))
		return false;
	*value = *(volatile unaligned32 *)(mem_window_base(w) + gva);
	return true;
}

static bool store(struct mem_window *w, uint32_t gva, uint32_t value)
{
	if (sigsetjmp(unwind, 1))
		return false;
	*(volatile uint32_t *)(mem_window_base(w) + gva) = value;
	return true;
}

static void catch_faults(void)
{
	struct sigaction action = {.sa_handler = on_segv};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static void test_access(void)
{
	struct setting s = start();
	struct mem_window *w;
	uint32_t v = 0;

	start_set(&s, 0);
	w = mem_window_create(s.set);
	catch_faults();
	CHECK(!load(w, 0x5000, &v));
	memcpy(s.ram, "\x78\x56\x34\x12", 4); /* frame 256 */
	CHECK(map(&s, w, 5, 1, 256, false));
	CHECK(load(w, 0x5000, &v));
	CHECK_EQ(v, 0x12345678);
	CHECK(!store(w, 0x5000, 1));
	CHECK(map(&s, w, 5, 1, 256, true));
	CHECK(store(w, 0x5000, 1));
	CHECK_EQ(s.ram[0], 1);
	mem_window_protect_frames(s.set, 256, 1);
	CHECK(!store(w, 0x5000, 2));
	CHECK(load(w, 0x5000, &v));
	mem_window_unmap(w, 5, 1);
	CHECK(!load(w, 0x5000, &v));
	/* Both ends: what runs over is stopped by the guards. */
	CHECK(map(&s, w, WINDOW_PAGES - 1, 1, 256, true));
	CHECK(map(&s, w, 0, 1, 257, true));
	CHECK(load(w, 0xfffffffc, &v));
	CHECK(!load(w, 0xfffffffe, &v));
	CHECK(store(w, 0, 3));
	CHECK_EQ(mem_window_check(s.set), 2);
	end(&s);
}

/* A range goes in few calls of the host when it is dropped in order, else page by page. */
static void test_drop(void)
{
	struct setting s = start();
	struct mem_window *w;
	uint32_t frame;
	bool writable;
	uint64_t unmaps;

	start_set(&s, 0);
	w = mem_window_create(s.set);
	CHECK(map(&s, w, 8, 200, 300, false));
	unmaps = s.counters.host_unmaps;
	for (uint32_t page = 8; page < 136; page++) {
		mem_window_drop_page(w, page);
		mem_window_drop_page(w, page); /* as by INVLPG after the write */
		CHECK(!mem_window_lookup(w, page, &frame, &writable));
	}
	CHECK(s.counters.host_unmaps - unmaps <= 8);
	CHECK(s.counters.dropped_ahead >= 100);
	mem_window_check(s.set);
	CHECK(map(&s, w, 8, 200, 300, false));
	for (uint32_t page = 8; page < 208; page += 2)
		mem_window_drop_page(w, page);
	for (uint32_t page = 8; page < 208; page++)
		CHECK_EQ(mem_window_lookup(w, page, &frame, &writable), page % 2);
	mem_window_check(s.set);
	end(&s);
}

static void test_reverse_map(void)
{
	struct setting s = start();
	struct mem_window *w[3];
	uint32_t frame, v;
	bool writable;

	start_set(&s, 0);
	catch_faults();
	for (unsigned i = 0; i < 3; i++) {
		w[i] = mem_window_create(s.set);
		CHECK(map(&s, w[i], 100 + i, 4, 1000, i != 1));
	}
	CHECK(map(&s, w[0], 300, 1, 1002, true));
	mem_window_protect_frames(s.set, 1002, 1);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned n = 0; n < 4; n++) {
			CHECK(mem_window_lookup(w[i], 100 + i + n, &frame, &writable));
			CHECK_EQ(frame, 1000 + n);
			CHECK_EQ(writable, i != 1 && n != 2);
		}
	CHECK(!store(w[0], 300 << 12, 1));
	mem_window_destroy(w[1]);
	mem_window_check(s.set);
	mem_window_empty(w[0]);
	CHECK(!load(w[0], 100 << 12, &v));
	CHECK(load(w[2], 102 << 12, &v));
	CHECK_EQ(mem_window_check(s.set), 4);
	end(&s);
}

/* ---- /proc/self/maps ---- */
/* What the host has for a page, as mem_window_lookup() tells it. */
struct host_page {
	bool mapped, writable;
	uint32_t frame;
};

static unsigned read_maps(uint64_t base, struct host_page *pages, unsigned count)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned vmas = 0;
	char line[512];

	memset(pages, 0, count * sizeof(*pages));
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to, offset;
		char rights[8];

		sscanf(line, "%lx-%lx %7s %lx", &from, &to, rights, &offset);
		if (to <= base || from >= base + WINDOW_BYTES)
			continue;
		vmas++;
		if (rights[0] != 'r')
			continue;
		for (uint64_t a = from; a < to; a += PAGE_SIZE)
			pages[(a - base) >> PAGE_SHIFT] =
			    (struct host_page){true, rights[1] == 'w',
					       (uint32_t)((offset + (a - from)) >> PAGE_SHIFT)};
	}
	fclose(f);
	return vmas;
}

#define TEST_PAGES (8 * WINDOW_SLOT_PAGES)

static void compare_with_host(struct setting *s, struct mem_window *const *w, unsigned windows)
{
	static struct host_page pages[WINDOW_PAGES];
	unsigned vmas = 0;

	for (unsigned i = 0; i < windows; i++) {
		vmas += read_maps(mem_window_base(w[i]), pages, WINDOW_PAGES);
		for (uint32_t p = 0; p < TEST_PAGES; p++) {
			uint32_t frame;
			bool writable, mapped = mem_window_lookup(w[i], p, &frame, &writable);

			CU_ASSERT_FATAL(mapped == pages[p].mapped);
			if (!mapped)
				continue;
			CU_ASSERT_FATAL(writable == pages[p].writable);
			CU_ASSERT_FATAL(frame == pages[p].frame);
		}
	}
	/* A mapped page 0 or 0xfffff leaves the first or last mapping to the guard. */
	CHECK(vmas <= mem_window_set_used(s->set));
	CHECK(vmas + 2 * windows >= mem_window_set_used(s->set));
}

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * n >> 32);
}

static bool refuse_some(void *opaque)
{
	return random_below(20) == 0;
}

static void random_step(struct setting *s, struct mem_window *w)
{
	uint32_t page = random_below(TEST_PAGES),
		 room = WINDOW_SLOT_PAGES - page % WINDOW_SLOT_PAGES;
	uint32_t count = 1 + random_below(random_below(4) ? 3 : room);

	if (count > room)
		count = room;
	switch (random_below(8)) {
	case 0:
		mem_window_unmap(w, page, count);
		break;
	case 3:
		for (uint32_t i = 0; i < count; i++)
			mem_window_drop_page(w, page + i);
		break;
	case 1:
		mem_window_protect_frames(s->set, 300 + random_below(2000), 1 + random_below(8));
		break;
	case 2:
		if (!random_below(40))
			mem_window_empty(w);
		break;
	default:
		map(s, w, page, count, 300 + random_below(2000), random_below(2));
	}
}

static void random_run(unsigned budget, bool inject)
{
	struct setting s = start();
	struct mem_window *w[4];

	start_set(&s, budget);
	if (inject)
		mem_window_set_inject(s.set, refuse_some, NULL);
	for (unsigned i = 0; i < 4; i++)
		w[i] = mem_window_create(s.set);
	mem_window_keep(w[0], true);
	mem_window_keep(w[1], true);
	for (unsigned n = 0; n < 20000; n++) {
		random_step(&s, w[random_below(4)]);
		CHECK(mem_window_set_used(s.set) <= mem_window_set_budget(s.set));
		if (n % 64 == 0)
			mem_window_check(s.set);
		if (n % 1000 == 0)
			compare_with_host(&s, w, 4);
	}
	CHECK((s.counters.evictions > 100) == (budget || inject));
	CHECK((s.counters.host_refused > 100) == inject);
	end(&s);
}

static void test_random(void)
{
	random_run(0, false);
}

static void test_budget(void)
{
	random_run(BUDGET, false);
	random_run(40, false);
}

static void test_refused(void)
{
	random_run(BUDGET, true);
}

/* Printed, not judged. */
static void test_costs(void)
{
	struct setting s = start();
	struct mem_window *w;
	struct timespec a, b;
	double ns;

	start_set(&s, 0);
	w = mem_window_create(s.set);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (unsigned i = 0; i < 4000; i++)
		map(&s, w, i * 2 % TEST_PAGES, 1, 300 + i * 7 % 9000, true);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	printf("(map of a page: %.0f ns) ", ns / 4000);
	CHECK(s.counters.host_maps == 4000);
	end(&s);
}

/* Anonymous memory of this process, KiB. */
static unsigned long anonymous(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	unsigned long kib = 0;
	char line[128];

	CU_ASSERT_FATAL(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Anonymous: %lu", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

#define MEMORY_PAGES 2048u

/* As cpu/space_memory.c does it. */
static void make_room(struct setting *s)
{
	while (s->memory.used + 8 > MEMORY_PAGES && mem_window_set_evict(s->set))
		sparse_trim(&s->memory);
}

/* One page in each 4 MiB of eight windows: what is known of pages takes what is counted. */
static void test_memory(void)
{
	struct setting s = start();
	struct mem_window *w = NULL;
	unsigned long before;
	size_t used;

	start_set(&s, 0);
	before = anonymous();
	for (unsigned i = 0; i < 8; i++) {
		w = mem_window_create(s.set);
		mem_window_keep(w, i & 1);
		for (uint32_t page = 0; page < WINDOW_PAGES; page += 1024) {
			uint32_t frame;
			bool writable;

			make_room(&s);
			CHECK(map(&s, w, page, 1, 256 + i, false));
			CHECK(mem_window_lookup(w, page, &frame, &writable));
			CHECK_EQ(frame, 256 + i);
		}
		mem_window_check(s.set);
		CHECK(sparse_check(&s.memory) <= MEMORY_PAGES);
	}
	CHECK(anonymous() - before < MEMORY_PAGES * 4 + 1024);
	used = s.memory.used;
	mem_window_give_back(w);
	mem_window_check(s.set);
	CHECK(sparse_check(&s.memory) < used);
	end(&s);
	CHECK_EQ(s.memory.used, 0);
}

UNIT_MAIN("window_mmu", {"access", test_access}, {"drop", test_drop}, {"reverse map", test_reverse_map},
	  {"random", test_random}, {"budget", test_budget}, {"refused", test_refused},
	  {"costs", test_costs}, {"memory", test_memory})
