/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmu_check(): whether everything that is cached may be (see space.h). */
#include "cpu/space_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			check_failed(__FILE__, __LINE__, #condition);                              \
	} while (0)

static _Noreturn void check_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: mmu_check: %s does not hold\n", file, line, condition);
	abort();
}

static bool frame_is_writable(struct vcpu *cpu, const uint8_t *host)
{
	const struct space_set *set = cpu->spaces;
	uint32_t frame = physmem_frame(cpu->mem, host);

	return (set->windows && mem_window_frame_writable(set->windows, frame)) ||
	       (set->stubs && mem_window_frame_writable(set->stubs, frame));
}

static void check_table(struct vcpu *cpu, const struct table *t)
{
	struct space_set *set = cpu->spaces;
	struct phys_page p = physmem_lookup(cpu->mem, t->gpa);

	CHECK(p.host == t->host && p.watch);
	CHECK(table_find(set, t->gpa) == t);
	if (t->state == TABLE_OUT_OF_SYNC) {
		CHECK(!(*p.watch & PHYS_WATCH_TABLE));
		return;
	}
	CHECK(*p.watch & PHYS_WATCH_TABLE);
	CHECK(!memcmp(t->saved, t->host, PAGE_SIZE));
	CHECK(!frame_is_writable(cpu, t->host));
}

/* A page of memory at gpa, mapped as frame with these rights. */
static void check_memory(struct vcpu *cpu, gpa_t gpa, uint32_t frame, bool writable)
{
	struct phys_page r = physmem_lookup(cpu->mem, apply_a20(cpu, gpa));
	struct phys_page w = physmem_lookup_write(cpu->mem, apply_a20(cpu, gpa));

	CHECK(r.kind == PHYS_RAM || r.kind == PHYS_ROM);
	CHECK(physmem_frame(cpu->mem, r.host) == frame);
	if (!writable)
		return;
	CHECK(w.kind == PHYS_RAM && w.host == r.host);
	CHECK(!(w.watch && *w.watch));
}

static gpa_t large_page(const struct space_set *set, uint64_t entry, uint32_t page)
{
	if (set_pae(set))
		return (entry & PAE_ADDRESS & ~0x1fffffull) + ((gpa_t)(page & 511) << PAGE_SHIFT);
	return ((entry & 0xffc00000) | (entry & 0x1e000) << 19) +
	       ((gpa_t)(page & 1023) << PAGE_SHIFT);
}

/* Code that may run in a stub: neither tables nor what it holds are against it. */
static void check_code(struct vcpu *cpu, uint64_t dir_entry, uint64_t entry, uint32_t frame,
		       bool writable)
{
	struct space_set *set = cpu->spaces;

	CHECK(!writable && set->executable);
	CHECK(!(set->mode & MODE_NXE && (dir_entry | entry) & PTE_NX));
}

static bool is_stale(const struct space_set *set, unsigned view, uint32_t page)
{
	const struct space *s;

	if (!view_is_user(view))
		return false;
	s = &set->spaces[view_space(view)];
	for (unsigned i = 0; i < s->stale_count; i++)
		if (page - s->stale[i].page < s->stale[i].count)
			return true;
	return false;
}

/* The entry that the page came from is the saved one, and allows what is mapped. */
static void check_page(struct vcpu *cpu, unsigned view, const struct slot *s, uint32_t page)
{
	struct space_set *set = cpu->spaces;
	const struct table *t = s->table ? &set->tables[s->table] : NULL;
	uint64_t entry = t ? entry_at(set, t->saved, pte_index(set, page)) : s->tag;
	uint32_t frame;
	bool writable;

	mem_window_lookup(set->views[view].window, page, &frame, &writable);
	CHECK(entry & PTE_P && entry & PTE_A);
	CHECK(!t || !(entry & walk_reserved(cpu)));
	CHECK(!(entry & s->tag & PTE_U) == view_is_supervisor(view));
	CHECK(!writable || (entry & s->tag & PTE_W && entry & PTE_D));
	if (mem_window_executable(set->views[view].window, page))
		check_code(cpu, s->tag, entry, frame, writable);
	check_memory(cpu, t ? entry & PAE_ADDRESS : large_page(set, entry, page), frame, writable);
}

static void check_slot(struct vcpu *cpu, unsigned view, uint32_t slot)
{
	struct space_set *set = cpu->spaces;
	const struct view *v = &set->views[view];
	const struct slot *s = &v->slots[slot];

	CHECK(s->tag & PTE_P && s->tag & PTE_A);
	CHECK(!s->table == entry_is_large(set, s->tag));
	if (!s->table)
		return;
	CHECK(set->tables[s->table].state != TABLE_FREE);
	CHECK(set->tables[s->table].gpa == entry_table(cpu, s->tag));
	if (s->prev)
		CHECK(set->views[(s->prev - 1) >> 11]
			  .slots[(s->prev - 1) & (WINDOW_SLOTS - 1)]
			  .next == SLOT_REF(view, slot));
	else
		CHECK(set->tables[s->table].users == SLOT_REF(view, slot));
}

/* What the current space and its directories in sync say of a slot's tag. */
static void check_tag(struct vcpu *cpu, unsigned view, uint32_t slot)
{
	struct space_set *set = cpu->spaces;
	struct table *dir;

	if (!set->current || (!view_is_supervisor(view) &&
			      view_space(view) != space_index(set, set->current)))
		return; /* compared when it is loaded */
	dir = dir_of_slot(set, set->current, slot);
	CHECK(dir != NULL);
	CHECK(!entry_lost(set->views[view].slots[slot].tag,
			  entry_at(set, dir->saved, dir_index(set, slot))));
}

static uint64_t check_view(struct vcpu *cpu, unsigned view)
{
	struct space_set *set = cpu->spaces;
	const struct view *v = &set->views[view];
	uint64_t pages = 0;

	for (uint32_t slot = 0; slot < WINDOW_SLOTS; slot++) {
		unsigned count = v->window ? mem_window_slot_count(v->window, slot) : 0;
		uint32_t page = slot << WINDOW_SLOT_SHIFT, frame;
		bool writable;

		CHECK(!count || slot_filled(v, slot));
		if (!slot_filled(v, slot))
			continue;
		check_slot(cpu, view, slot);
		check_tag(cpu, view, slot);
		for (unsigned i = 0; count && i < WINDOW_SLOT_PAGES; i++)
			if (mem_window_lookup(v->window, page + i, &frame, &writable)) {
				if (!is_stale(set, view, page + i))
					check_page(cpu, view, &v->slots[slot], page + i);
				pages++;
			}
	}
	return pages;
}

static uint64_t check_identity(struct vcpu *cpu)
{
	const struct mem_window *w = cpu->spaces->identity;
	uint64_t pages = 0;

	for (uint32_t page = 0; page < WINDOW_PAGES; page++) {
		uint32_t frame;
		bool writable;

		if (!mem_window_slot_count(w, page >> WINDOW_SLOT_SHIFT)) {
			page |= WINDOW_SLOT_PAGES - 1;
			continue;
		}
		if (!mem_window_lookup(w, page, &frame, &writable))
			continue;
		check_memory(cpu, (gpa_t)page << PAGE_SHIFT, frame, writable);
		pages++;
	}
	return pages;
}

/* The software TLB is a TLB: what it holds may be old, but nobody's watch is missed. */
static void check_tlb(struct vcpu *cpu)
{
	for (unsigned v = 0; v < TLB_CHECKED; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++) {
			const struct tlb_entry *e = &cpu->tlb_views[v][i];
			struct phys_page p;

			CHECK(!cpu->tlb_filled[v][i / 64] == !(cpu->tlb_words[v] >> i / 64 & 1));
			if (!(cpu->tlb_filled[v][i / 64] >> i % 64 & 1)) {
				CHECK(e->read == TLB_NONE && e->write == TLB_NONE &&
				      e->exec == TLB_NONE);
				continue;
			}
			if (e->write == TLB_NONE)
				continue;
			CHECK(e->write == e->read && e->write == e->writable);
			p = physmem_lookup_write(cpu->mem, e->phys);
			CHECK(p.kind == PHYS_RAM && !(p.watch && *p.watch));
			CHECK((uintptr_t)p.host == e->host + e->write);
		}
}

uint64_t mmu_check(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	uint64_t pages = 0;

	check_tlb(cpu);
	if (!set)
		return 0;
	for (uint32_t i = 1; i < TABLES; i++)
		if (set->tables[i].state != TABLE_FREE)
			check_table(cpu, &set->tables[i]);
	for (unsigned view = 0; view < VIEWS; view++)
		pages += check_view(cpu, view);
	CHECK(memory_is_kept(set));
	if (!set->windows)
		return pages;
	pages += check_identity(cpu);
	CHECK(mem_window_check(set->windows) +
		      (set->stubs ? mem_window_check(set->stubs) : 0) ==
	      pages);
	CHECK(mem_window_set_used(set->windows) <= mem_window_set_budget(set->windows));
	return pages;
}
