/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow under random page-table edits, flushes and accesses, with a walk of
 * the guest's tables as the oracle: once an edit has been flushed, a window
 * allows what the walk allows, shows the memory it leads to, and has set the
 * accessed and dirty bits; it refuses only what windows never have.
 */
#include "space_fixture.h"

#define PAGES 48u /* of each table that is played with */
#define STEPS 12000u

/* What a translator remembers of a fetch. */
struct fetch {
	uint32_t asid;
	gva_t page;
	gpa_t gpa;
};
#define FETCHES 1024u

struct play {
	struct world w;
	struct fetch fetches[FETCHES];
	unsigned remembered; /* fetches found */
	unsigned space; /* current */
	uint32_t seed;
	unsigned allowed, refused;
	bool inject;
};

static uint32_t below(struct play *p, uint32_t n)
{
	p->seed = p->seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)p->seed * n >> 32);
}

static uint64_t random_entry(struct play *p)
{
	uint64_t entry = PAGES_AT + below(p, 256) * PAGE_SIZE;

	entry |= below(p, 8) ? PTE_P : 0;
	entry |= below(p, 4) ? PTE_W : 0;
	entry |= below(p, 3) ? PTE_U : 0;
	entry |= below(p, 2) ? PTE_A : 0;
	entry |= below(p, 2) ? PTE_D : 0;
	entry |= below(p, 4) ? 0 : PTE_G;
	if (p->w.pae && !below(p, 8))
		entry |= PTE_NX;
	if (p->w.pae && !below(p, 16))
		entry |= 1ull << 50; /* reserved */
	return entry;
}

/* Contiguous pages, as kernels like to have them. */
static void edit_run(struct play *p, uint32_t table, unsigned n)
{
	uint64_t entry = random_entry(p);

	for (unsigned i = n; i < PAGES && i < n + 12; i++)
		entry_write(&p->w, table, i, entry + (i - n) * PAGE_SIZE);
}

static uint32_t random_table(struct play *p)
{
	unsigned t = below(p, 3);

	return t == 2 ? p->w.kernel_table[1] : p->w.table[p->space][t];
}

/* INVLPG of every place where a table may be mapped: edit_directory() moves them about. */
static void flush_entry(struct play *p, unsigned index)
{
	tlb_flush_page(p->w.f.cpu, user_page(&p->w, 0, index));
	tlb_flush_page(p->w.f.cpu, user_page(&p->w, 1, index));
	tlb_flush_page(p->w.f.cpu, kernel_page(&p->w, 1, index));
}

/* The entry is written as the guest would: through the direct map, if it is let. */
static void guest_write(struct play *p, uint32_t table, unsigned index, uint64_t entry)
{
	if (!p->w.pae && window_write(&p->w, KERNEL + table + 4 * index, false, (uint32_t)entry))
		return;
	entry_write(&p->w, table, index, entry);
}

static void edit_pages(struct play *p)
{
	uint32_t table = random_table(p);

	for (unsigned n = 1 + below(p, 6); n; n--) {
		unsigned i = below(p, PAGES);

		if (below(p, 3) == 0) /* clear accessed or dirty */
			guest_write(p, table, i,
				    entry_read(&p->w, table, i) &
					~(uint64_t)(below(p, 2) ? PTE_A : PTE_D));
		else
			guest_write(p, table, i, random_entry(p));
		flush_entry(p, i);
	}
}

static void edit_directory(struct play *p)
{
	struct world *w = &p->w;
	unsigned i = below(p, SPACE_COUNT);
	uint64_t flags = RW_USER | PTE_A;

	if (!below(p, 4))
		flags &= ~(uint64_t)(below(p, 2) ? PTE_U : PTE_W);
	switch (below(p, 5)) {
	case 0:
		entry_write(w, w->dir[i], below(p, 2), 0);
		break;
	case 1: /* two entries with one table */
		entry_write(w, w->dir[i], 0, w->table[i][1] | flags);
		break;
	case 2:
		entry_write(w, w->dir[i], 1, LARGE_AT | PTE_PS | flags | (below(p, 2) ? PTE_D : 0));
		break;
	case 3: /* another kernel half */
		entry_write(w, w->kernel_dir[i], kernel_dir_index(w) + 1,
			    w->table[i][below(p, 2)] | flags);
		break;
	default:
		for (unsigned t = 0; t < 2; t++) {
			entry_write(w, w->dir[i], t, w->table[i][t] | flags);
			entry_write(w, w->kernel_dir[i], kernel_dir_index(w) + 1,
				    w->kernel_table[1] | RW_KERNEL);
		}
	}
	load_root(w, p->space);
}

static void switch_space(struct play *p)
{
	p->space = below(p, SPACE_COUNT);
	load_root(&p->w, p->space);
	if (below(p, 4))
		space_promote(p->w.f.cpu);
}

/* Whether a window may refuse what the walk allows. */
static bool may_refuse(struct play *p, const struct walk *w, bool write, bool user)
{
	struct phys_page page = physmem_lookup_write(p->w.f.mem, w->gpa);

	return p->inject || (user && !p->w.f.cpu->window_base_user) || (!user && w->user) ||
	       (write && *page.watch);
}

static void compare_access(struct play *p)
{
	struct world *w = &p->w;
	unsigned t = below(p, 3), n = below(p, PAGES);
	gva_t gva = (t == 2 ? kernel_page(w, 1, n) : user_page(w, t, n)) + below(p, 1024) * 4;
	bool user = t != 2 && below(p, 4), write = below(p, 2), done, allows;
	uint32_t value = 0, stored = p->seed;
	uint64_t churned = space_counters(w->f.cpu).churned;
	struct walk walk = WALK_START;

	done = write ? window_write(w, gva, user, stored) : window_read(w, gva, user, &value);
	allows = walk_tables(w->f.cpu, gva, &walk) &&
		 walk_allows(w->f.cpu, &walk, write ? ACCESS_WRITE : ACCESS_READ, user);
	if (!done) {
		p->refused++;
		CHECK(!allows || may_refuse(p, &walk, write, user) ||
		      space_counters(w->f.cpu).churned != churned);
		return;
	}
	p->allowed++;
	CU_ASSERT_FATAL(allows);
	CHECK(walk_bits_set(&walk, write));
	CHECK(walk.user == user);
	CHECK_EQ(physmem_read(w->f.mem, walk.gpa, 4), write ? stored : value);
}

/* What was fetched under the tag that still holds is what would be fetched now. */
static void compare_fetch(struct play *p)
{
	struct vcpu *cpu = p->w.f.cpu;
	unsigned t = below(p, 3), n = below(p, 8);
	gva_t page = t == 2 ? kernel_page(&p->w, 1, n) : user_page(&p->w, t, n);
	bool user = t != 2 && below(p, 4), allows;
	uint32_t asid = user ? cpu->asid_user : cpu->asid_kernel;
	struct fetch *f = &p->fetches[(asid * 31 + (page >> PAGE_SHIFT) * 7) % FETCHES];
	struct walk walk = WALK_START;

	allows = walk_tables(cpu, page, &walk) && walk_allows(cpu, &walk, ACCESS_EXEC, user);
	if (f->asid == asid && f->page == page) {
		p->remembered++;
		CU_ASSERT_FATAL(allows);
		CHECK(walk_bits_set(&walk, false));
		CHECK_EQ(f->gpa, walk.gpa);
		return;
	}
	if (!allows)
		return;
	paging_translate(cpu, page, ACCESS_EXEC, user);
	*f = (struct fetch){user ? cpu->asid_user : cpu->asid_kernel, page, walk.gpa};
}

/* Somebody watches a page, or no longer does. */
static void watch(struct play *p)
{
	gpa_t page = PAGES_AT + below(p, 256) * PAGE_SIZE;

	physmem_watch(p->w.f.mem, page, below(p, 2) ? PHYS_WATCH_DISPLAY : 0, PHYS_WATCH_DISPLAY);
}

static void step(struct play *p)
{
	switch (below(p, 28)) {
	case 0 ... 2:
		edit_pages(p);
		break;
	case 3:
		edit_directory(p);
		break;
	case 4 ... 5:
		switch_space(p);
		break;
	case 6:
		watch(p);
		break;
	case 7:
		edit_run(p, random_table(p), below(p, PAGES));
		load_root(&p->w, p->space);
		break;
	case 8 ... 11:
		for (unsigned n = 0; n < 12; n++)
			compare_fetch(p);
		break;
	default:
		compare_access(p);
	}
}

static void play(bool pae, unsigned budget, unsigned inject)
{
	const char *other = getenv("SEED"); /* plays another game */
	struct play p = {.seed = 1 + budget + inject + (other ? (uint32_t)atoi(other) : 0),
			 .inject = inject};
	struct mmu_counters c;
	unsigned used, limit;

	world_start(&p.w, pae, budget, inject);
	for (unsigned n = 0; n < STEPS; n++) {
		step(&p);
		if (n % 16 == 0)
			mmu_check(p.w.f.cpu);
	}
	c = space_counters(p.w.f.cpu);
	space_mappings(p.w.f.cpu, &used, &limit);
	CHECK(used <= limit);
	CHECK(p.remembered > STEPS / 200);
	CHECK(p.allowed > STEPS / 8 && p.refused > STEPS / 16);
	CHECK(c.out_of_sync > 0 && c.slots_dropped > 0 && c.entries_dropped > 0);
	CHECK((c.evictions > 0) == (budget != 0 || inject == INJECT_MMAP_REFUSED));
	CHECK((c.host_refused > 0) == (inject == INJECT_MMAP_REFUSED));
	CHECK((c.memory_full > 0) == (inject == INJECT_LITTLE_MEMORY));
	CHECK((c.memory_spaces > 0) == (inject == INJECT_LITTLE_MEMORY));
	world_end(&p.w);
}

static void test_two_levels(void)
{
	play(false, 0, 0);
}
static void test_pae(void)
{
	play(true, 0, 0);
}
static void test_budget(void)
{
	play(false, 100, 0);
	play(true, 60, 0);
}
static void test_refused(void)
{
	play(false, 100, INJECT_MMAP_REFUSED);
	play(true, 0, INJECT_MMAP_REFUSED);
}
static void test_little_memory(void)
{
	play(false, 0, INJECT_LITTLE_MEMORY);
	play(true, 0, INJECT_LITTLE_MEMORY);
}

UNIT_MAIN("space_random", {"two levels", test_two_levels}, {"PAE", test_pae},
	  {"budget", test_budget}, {"refused", test_refused},
	  {"little memory", test_little_memory})
