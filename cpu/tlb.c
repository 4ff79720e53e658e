/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB: flushes, and the choice of its view. Bitmaps say which
 * entries are in use, so that a flush costs what had been filled.
 */
#include "cpu/space.h"
#include "cpu/tlb.h"

#include "cpu/engine.h"

static void entry_drop(struct tlb_entry *e)
{
	e->read = e->write = e->exec = e->writable = TLB_NONE;
}

/* The engine's copy of an entry, if it has one, goes with it. */
static void tell_engine(struct vcpu *cpu, unsigned view, const struct tlb_entry *e)
{
	if (cpu->engine && e->read != TLB_NONE)
		cpu->engine->tlb_entry_dropped(cpu, view, (gva_t)e->read);
}

struct tlb_entry *tlb_claim(struct vcpu *cpu, enum tlb_view view, gva_t page, bool global)
{
	unsigned i = tlb_index(page);
	uint64_t bit = 1ull << i % 64;

	cpu->tlb_filled[view][i / 64] |= bit;
	cpu->tlb_words[view] |= 1ull << i / 64;
	if (global)
		cpu->tlb_global[view][i / 64] |= bit;
	else
		cpu->tlb_global[view][i / 64] &= ~bit;
	tell_engine(cpu, view, &cpu->tlb_views[view][i]);
	return &cpu->tlb_views[view][i];
}

/* Drops the entries of one word of the bitmaps that are set in which. */
static void drop_word(struct vcpu *cpu, unsigned view, unsigned word, uint64_t which)
{
	cpu->tlb_filled[view][word] &= ~which;
	cpu->tlb_global[view][word] &= ~which;
	if (!cpu->tlb_filled[view][word])
		cpu->tlb_words[view] &= ~(1ull << word);
	for (; which; which &= which - 1) {
		unsigned i = word * 64 + (unsigned)__builtin_ctzll(which);

		tell_engine(cpu, view, &cpu->tlb_views[view][i]);
		entry_drop(&cpu->tlb_views[view][i]);
	}
}

void tlb_fresh_asids(struct vcpu *cpu)
{
	/* After 2^32 numbers the first come again; 0 never does. */
	cpu->asid_user = ++cpu->asid_last ? cpu->asid_last : ++cpu->asid_last;
	cpu->asid_kernel = ++cpu->asid_last ? cpu->asid_last : ++cpu->asid_last;
	if (cpu->engine)
		cpu->engine->map_changed(cpu);
}

void tlb_forget_fetches(struct vcpu *cpu, enum tlb_view view)
{
	for (uint64_t words = cpu->tlb_words[view]; words; words &= words - 1) {
		unsigned i = (unsigned)__builtin_ctzll(words);

		for (uint64_t left = cpu->tlb_filled[view][i]; left; left &= left - 1)
			cpu->tlb_views[view][i * 64 + (unsigned)__builtin_ctzll(left)].exec = TLB_NONE;
	}
}

void tlb_forget_fetch(struct vcpu *cpu, enum tlb_view view, gva_t page)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb_views[view], page);

	if (e->exec == page)
		e->exec = TLB_NONE;
}

void tlb_flush(struct vcpu *cpu, bool all)
{
	if (all)
		memset(cpu->large_regions, 0, sizeof(cpu->large_regions));
	cpu->map_generation++;
	for (unsigned v = 0; v < TLB_CHECKED; v++) {
		for (uint64_t words = cpu->tlb_words[v]; words; words &= words - 1) {
			unsigned i = (unsigned)__builtin_ctzll(words);
			uint64_t kept = all ? 0 : cpu->tlb_global[v][i];

			drop_word(cpu, v, i, cpu->tlb_filled[v][i] & ~kept);
		}
	}
	if (cpu->spaces)
		space_flushed(cpu);
	else
		tlb_fresh_asids(cpu);
}

/* Calls body for the filled entries e of both views, with v, word and bit their place. */
#define FOR_EACH_FILLED(cpu, body)                                                                 \
	for (unsigned v = 0; v < TLB_CHECKED; v++)                                                 \
		for (uint64_t words = (cpu)->tlb_words[v]; words; words &= words - 1) {            \
			unsigned word = (unsigned)__builtin_ctzll(words);                          \
                                                                                                   \
			for (uint64_t left = (cpu)->tlb_filled[v][word]; left; left &= left - 1) { \
				unsigned bit = (unsigned)__builtin_ctzll(left);                    \
				struct tlb_entry *e = &(cpu)->tlb_views[v][word * 64 + bit];       \
				body                                                               \
			}                                                                          \
		}

/*
 * The TLB holds a large page in parts of 4 KiB; INVLPG anywhere in it drops
 * all of them (SDM 3A 4.10.4.1).
 */
static void flush_large_page(struct vcpu *cpu, gva_t gva)
{
	FOR_EACH_FILLED(cpu, {
		if ((e->read ^ gva) >> 22 == 0)
			drop_word(cpu, v, word, 1ull << bit);
	})
}

void tlb_flush_page(struct vcpu *cpu, gva_t gva)
{
	unsigned i = tlb_index(gva);

	if (cpu->large_regions[gva >> 27] >> (gva >> 22 & 31) & 1)
		flush_large_page(cpu, gva);
	cpu->map_generation++;
	for (unsigned v = 0; v < TLB_CHECKED; v++)
		drop_word(cpu, v, i / 64, 1ull << i % 64);
	if (cpu->spaces)
		space_page_flushed(cpu, gva);
	else
		tlb_fresh_asids(cpu);
}

void tlb_select_view(struct vcpu *cpu)
{
	enum tlb_view v = TLB_SUPERVISOR;

	if (cpu->cpl == 3)
		v = cpu->align_check ? TLB_CHECKED : TLB_USER;
	cpu->tlb = cpu->tlb_views[v];
}

void tlb_init(struct vcpu *cpu)
{
	for (unsigned v = 0; v < TLB_VIEWS; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			entry_drop(&cpu->tlb_views[v][i]);
	memset(cpu->tlb_filled, 0, sizeof(cpu->tlb_filled));
	memset(cpu->tlb_global, 0, sizeof(cpu->tlb_global));
	memset(cpu->tlb_words, 0, sizeof(cpu->tlb_words));
	cpu->map_generation++;
	tlb_fresh_asids(cpu);
	tlb_select_view(cpu);
}

/* ---- entries that may write ---- */
/*
 * What vcpu.tlb_writers holds but addresses of pages, whose lowest bits are WRITER_ONE then. MANY
 * stands first, for all that there are.
 */
enum { WRITER_NONE, WRITER_MANY, WRITER_ONE };

static uint32_t *writers_of(struct vcpu *cpu, gpa_t page)
{
	uint64_t n = page >> PAGE_SHIFT;

	return cpu->tlb_writers[(n ^ n >> 14) % TLB_WRITERS];
}

/* Whether an entry for the page at `from` still writes what these writers are of. */
static bool is_writer(struct vcpu *cpu, gva_t from, const uint32_t *writers)
{
	for (unsigned v = 0; v < TLB_CHECKED; v++) {
		const struct tlb_entry *e = tlb_slot(cpu->tlb_views[v], from);

		if (e->write == from && writers_of(cpu, e->phys) == writers)
			return true;
	}
	return false;
}

void tlb_let_write(struct vcpu *cpu, struct tlb_entry *e, gva_t page)
{
	uint32_t *w = writers_of(cpu, e->phys), one = page | WRITER_ONE;

	e->write = page;
	if (w[0] == WRITER_MANY || w[0] == one || w[1] == one)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (w[i] == WRITER_NONE || !is_writer(cpu, w[i] & PAGE_MASK, w)) {
			w[i] = one;
			return;
		}
	w[0] = WRITER_MANY;
}

static void let_write_no_more(struct vcpu *cpu, unsigned view, struct tlb_entry *e)
{
	e->write = TLB_NONE;
	tell_engine(cpu, view, e);
}

static void search_all(struct vcpu *cpu, gpa_t page, uint32_t pages)
{
	memset(cpu->tlb_writers, 0, sizeof(cpu->tlb_writers));
	FOR_EACH_FILLED(cpu, {
		if (e->phys - page < (uint64_t)pages << PAGE_SHIFT)
			let_write_no_more(cpu, v, e);
		else if (e->write != TLB_NONE)
			tlb_let_write(cpu, e, (gva_t)e->write);
	})
}

/* One of the writers, NONE if it is not one any more. */
static uint32_t watched_from(struct vcpu *cpu, gpa_t page, uint32_t one, const uint32_t *writers)
{
	gva_t from = one & PAGE_MASK;

	for (unsigned v = 0; v < TLB_CHECKED; v++) {
		struct tlb_entry *e = tlb_slot(cpu->tlb_views[v], from);

		if (e->write == from && e->phys == page)
			let_write_no_more(cpu, v, e);
	}
	return is_writer(cpu, from, writers) ? one : WRITER_NONE;
}

/* Entries that are dropped stay writers, until somebody comes to see here. */
void tlb_pages_watched(struct vcpu *cpu, gpa_t page, uint32_t pages)
{
	uint32_t *w = writers_of(cpu, page);

	if (pages > 1 || w[0] == WRITER_MANY) {
		search_all(cpu, page, pages);
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (w[i] != WRITER_NONE)
			w[i] = watched_from(cpu, page, w[i], w);
}
