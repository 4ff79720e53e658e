/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks: looked up by where their guest code lies in host memory, EIP and
 * mode; chained to each other; dropped when their code is written.
 *
 * A block's code stays in the cache when the block is dropped, until its region
 * is used again: it may be what is running. Nothing leads to it any more.
 */
#include <assert.h>
#include <stdlib.h>

#include "bt/bt_internal.h"
#include "cpu/decode.h"

static uint32_t tb_key(uint32_t eip, uint32_t mode)
{
	return mode & MODE_MOVED ? eip & (PAGE_SIZE - 1) : eip;
}

static unsigned tb_hash(const uint8_t *code, uint32_t eip, uint32_t mode)
{
	uint64_t h = (uintptr_t)code * 0x9e3779b97f4a7c15u ^ eip * 0xff51afd7ed558ccdu ^
		     mode * 0xc2b2ae3d27d4eb4fu;

	return (unsigned)(h >> 40) & (TB_HASH_SIZE - 1);
}

struct tb *tb_lookup(struct bt *bt, const uint8_t *code, uint32_t eip, uint32_t mode)
{
	struct tb *tb;

	eip = tb_key(eip, mode);
	tb = tb_at(bt, bt->hash[tb_hash(code, eip, mode)]);
	while (tb && (tb->code != code || tb->eip != eip || tb->mode != mode))
		tb = tb_at(bt, tb->hash_next);
	return tb;
}

static struct code_page **page_slot(struct bt *bt, const uint8_t *page)
{
	uintptr_t n = (uintptr_t)page >> PAGE_SHIFT;
	struct code_page **p = &bt->pages[(n ^ n >> 12) & (CODE_PAGE_HASH - 1)];

	while (*p && (*p)->host != page)
		p = &(*p)->next;
	return p;
}

static uint64_t chunk_mask(unsigned first, unsigned last)
{
	return (~0ull << first / 64) & (~0ull >> (63 - last / 64));
}

static struct code_page *page_get(struct bt *bt, const uint8_t *page)
{
	struct code_page **slot = page_slot(bt, page);

	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			abort();
		(*slot)->host = page;
		bt->page_count++;
	}
	return *slot;
}

uint32_t tb_choose_mode(struct bt *bt, const uint8_t *code, uint32_t eip, uint32_t mode)
{
	struct code_page *page;
	uint32_t base = eip & PAGE_MASK;

	if (!(mode & MODE_USER) || !(mode & MODE_CODE32) || mode_seg(mode, CS) != KIND_FLAT)
		return mode;
	if (bt->config.inject & INJECT_MOVED)
		return mode | MODE_MOVED;
	page = *page_slot(bt, page_of(code));
	return page && page->has_base && page->base != base ? mode | MODE_MOVED : mode;
}

/* Puts the block into the list of a page of which it has bytes first to last. */
static void link_page(struct vcpu *cpu, struct tb *tb, unsigned n, const uint8_t *code,
		      unsigned bytes, gpa_t gpa)
{
	struct code_page *page = page_get(cpu->bt, page_of(code));
	unsigned first = (uintptr_t)code & (PAGE_SIZE - 1), last = first + bytes - 1;

	tb->links[n] =
	    (struct tb_link){.next = page->links, .first = (uint16_t)first, .last = (uint16_t)last};
	if (!n && tb->mode & MODE_USER && !(tb->mode & MODE_MOVED) && !page->has_base) {
		page->base = tb->eip & PAGE_MASK;
		page->has_base = true;
	}
	if (page->links)
		link_at(cpu->bt, page->links)->previous = link_ref_of(cpu->bt, tb, n);
	page->links = link_ref_of(cpu->bt, tb, n);
	page->chunks |= chunk_mask(first, last);
	physmem_watch(cpu->mem, gpa, PHYS_WATCH_TRANSLATED, 0);
}

void tb_insert(struct vcpu *cpu, struct tb *tb, gpa_t gpa, gpa_t gpa2)
{
	meta_ref *bucket = &cpu->bt->hash[tb_hash(tb->code, tb->eip, tb->mode)];
	unsigned room = PAGE_SIZE - ((uintptr_t)tb->code & (PAGE_SIZE - 1));

	tb->hash_next = *bucket;
	*bucket = meta_ref_of(cpu->bt, tb);
	if (tb->code2) {
		link_page(cpu, tb, 0, tb->code, room, gpa);
		link_page(cpu, tb, 1, tb->code2, tb->bytes - room, gpa2);
	} else {
		link_page(cpu, tb, 0, tb->code, tb->bytes, gpa);
	}
}

/* ---- chaining ---- */
static void patch_rel32(struct bt *bt, uint32_t at, uint32_t target)
{
	uint32_t rel = target - (at + 4);

	memcpy(cache_rw(bt, at), &rel, 4);
}

/* Exits into other pages, which are undone together. */
static void cross_add(struct bt *bt, struct tb_exit *exit)
{
	meta_ref ref = meta_ref_of(bt, exit), *list = cross_list(bt, exit->eip);

	exit->cross_previous = 0;
	exit->cross_next = *list;
	if (*list)
		exit_at(bt, *list)->cross_previous = ref;
	*list = ref;
}

static void cross_remove(struct bt *bt, const struct tb_exit *exit)
{
	if (exit->cross_next)
		exit_at(bt, exit->cross_next)->cross_previous = exit->cross_previous;
	if (exit->cross_previous)
		exit_at(bt, exit->cross_previous)->cross_next = exit->cross_next;
	else
		*cross_list(bt, exit->eip) = exit->cross_next;
}

void tb_chain(struct bt *bt, struct tb_exit *exit, struct tb *to)
{
	const struct tb *from = tb_at(bt, exit->from);
	bool ready = !exit_is(from, exit, from->after_call) && !(to->fpu & ~from->fpu);
	meta_ref ref = meta_ref_of(bt, exit);

	assert(!exit->to);
	exit->to = meta_ref_of(bt, to);
	exit->previous = 0;
	exit->next = to->incoming;
	if (to->incoming)
		exit_at(bt, to->incoming)->previous = ref;
	to->incoming = ref;
	if (exit_is(from, exit, from->cross))
		cross_add(bt, exit);
	patch_rel32(bt, from->host + exit->jump, ready ? tb_ready(to) : tb_chained(to));
	bt->n.chains++;
}

static void unchain(struct bt *bt, struct tb_exit *exit)
{
	const struct tb *from = tb_at(bt, exit->from);

	if (!exit->to)
		return;
	if (exit->next)
		exit_at(bt, exit->next)->previous = exit->previous;
	if (exit->previous)
		exit_at(bt, exit->previous)->next = exit->next;
	else
		tb_at(bt, exit->to)->incoming = exit->next;
	if (exit_is(from, exit, from->cross))
		cross_remove(bt, exit);
	exit->to = 0;
	patch_rel32(bt, from->host + exit->jump, from->host + exit->unchained);
	bt->n.unchains++;
}

void tb_unchain_stale(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;

	if (bt->cross_asid == cpu->asid_kernel)
		return;
	for (unsigned n = 0; n < CROSS_LISTS; n++)
		while (bt->cross[n])
			unchain(bt, exit_at(bt, bt->cross[n]));
	bt->cross_asid = cpu->asid_kernel;
}

/* ---- the jump cache ---- */
void jc_set(struct vcpu *cpu, uint32_t eip, uint32_t host)
{
	struct jump_cache *jc = cpu->bt_jc;
	uint32_t i = jc_slot(eip);

	jc->tag[i] = 0 - (cpu->bt_jc_tag + eip);
	jc->target[i] = (uintptr_t)cache_rx(cpu->bt, host);
}

void jc_fill(struct vcpu *cpu, struct tb *tb)
{
	hot_looked_up(cpu, tb); /* first: others may share its slot */
	jc_set(cpu, cpu->eip, tb->host);
	if (cpu->seg[CS].base)
		cpu->bt->based_asid = cpu->asid_kernel;
	tb->looked_up = true;
	cpu->bt->n.jc_fills++;
}

static void jc_drop(struct bt *bt, const struct tb *tb)
{
	uint64_t host = (uintptr_t)cache_rx(bt, tb->host);
	/* Where the page may be is open: slots that differ in the offset in it cannot be meant. */
	uint32_t step = tb->mode & MODE_MOVED ? jc_slot(PAGE_SIZE) : JC_SIZE;

	if (!tb->looked_up)
		return;
	hot_drop(bt, tb);
	for (struct jump_cache *jc = bt->tables->jc; jc < bt->tables->jc + JUMP_CACHES; jc++)
		for (uint32_t i = jc_slot(tb->eip); i < JC_SIZE; i += step)
			if (jc->target[i] == host)
				jc->tag[i] = 0;
}

/* Of what rings 0 to 2 look up: in the page, or from the one before it into it. */
static void jc_drop_page(struct bt *bt, gva_t page)
{
	struct jump_cache *jc = &bt->tables->jc[0];
	gva_t first = page - INSN_MAX_LENGTH;
	uint32_t slots = jc_slot(PAGE_SIZE) + jc_slot(INSN_MAX_LENGTH) + 1;

	for (uint32_t n = 0; n < slots; n++) {
		uint64_t *tag = &jc->tag[(jc_slot(first) + n) % JC_SIZE];
		uint32_t eip = (uint32_t)(0 - *tag);

		if (eip - first < PAGE_SIZE + INSN_MAX_LENGTH)
			*tag = 0;
	}
}

bool tb_kernel_fetch_dropped(struct vcpu *cpu, gva_t page)
{
	struct bt *bt = cpu->bt;

	if (bt->based_asid == cpu->asid_kernel)
		return false;
	jc_drop_page(bt, page);
	for (meta_ref ref = *cross_list(bt, page), next; ref; ref = next) {
		struct tb_exit *exit = exit_at(bt, ref);

		next = exit->cross_next;
		if ((exit->eip & PAGE_MASK) == page)
			unchain(bt, exit);
	}
	/* What is on the stack of rings 0 to 2 goes when that is selected the next time. */
	cpu->bt_stacks[0].tag = 0;
	return true;
}

void jc_forget(struct vcpu *cpu)
{
	for (unsigned n = 0; n < JUMP_CACHES; n++)
		memset(cpu->bt->tables->jc[n].tag, 0, sizeof(cpu->bt->tables->jc[n].tag));
	returns_empty(cpu);
}

/* ---- dropping ---- */
static void unlink_page(struct bt *bt, const struct tb_link *link, const uint8_t *code)
{
	struct code_page **slot = page_slot(bt, page_of(code)), *page = *slot;

	if (link->next)
		link_at(bt, link->next)->previous = link->previous;
	if (link->previous)
		link_at(bt, link->previous)->next = link->next;
	else
		page->links = link->next;
	if (!page->links) { /* the watch goes with the next write */
		*slot = page->next;
		bt->page_count--;
		free(page);
	}
}

/* Dropping blocks leaves chunks as they were: a page may have thousands. */
static void update_chunks(struct bt *bt, struct code_page *page)
{
	page->chunks = 0;
	for (const struct tb_link *l = link_at(bt, page->links); l; l = link_at(bt, l->next))
		page->chunks |= chunk_mask(l->first, l->last);
}

void tb_drop(struct vcpu *cpu, struct tb *tb)
{
	struct bt *bt = cpu->bt;
	meta_ref *p;

	if (!tb->code)
		return;
	p = &bt->hash[tb_hash(tb->code, tb->eip, tb->mode)];
	while (tb_at(bt, *p) != tb)
		p = &tb_at(bt, *p)->hash_next;
	*p = tb->hash_next;
	unlink_page(bt, &tb->links[0], tb->code);
	if (tb->code2)
		unlink_page(bt, &tb->links[1], tb->code2);
	for (unsigned i = 0; i < tb->exit_count; i++)
		unchain(bt, &tb_exits(tb)[i]);
	while (tb->incoming)
		unchain(bt, exit_at(bt, tb->incoming));
	jc_drop(bt, tb);
	if (tb->calls)
		returns_empty(cpu); /* what is behind the calls may have been written */
	tb->code = NULL;
	bt->leave = true;
}

/* A write that hits no block of the page. */
static void written_beside(struct vcpu *cpu, struct code_page *page, gpa_t gpa)
{
	struct bt *bt = cpu->bt;
	const uint8_t *host = page->host;
	uint8_t *given_up = &bt->patience[((uintptr_t)host >> PAGE_SHIFT) & (PATIENCE_HASH - 1)];

	if (++page->beside >> (BESIDE_LEAST_SHIFT + *given_up) == 0)
		return;
	while (*page_slot(bt, host))
		tb_drop(cpu, link_tb(bt, (*page_slot(bt, host))->links));
	physmem_watch(cpu->mem, gpa, 0, PHYS_WATCH_TRANSLATED);
	bt->n.pages_given_up++;
	if (BESIDE_LEAST_SHIFT + *given_up < BESIDE_MOST_SHIFT)
		++*given_up;
}

void tb_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
	struct bt *bt = cpu->bt;
	struct phys_page p = physmem_lookup_write(cpu->mem, gpa);
	struct code_page *page = *page_slot(bt, p.host);
	unsigned first = gpa & (PAGE_SIZE - 1), last = first + len - 1;

	bt->n.code_writes++;
	if (page && !(page->chunks & chunk_mask(first, last))) {
		written_beside(cpu, page, gpa);
		return;
	}
	for (link_ref ref = page ? page->links : 0, next; ref; ref = next) {
		const struct tb_link *l = link_at(bt, ref);

		next = l->next;
		if (l->first > last || l->last < first)
			continue;
		if (next >> 1 == ref >> 1) /* both pages are one in memory */
			next = link_at(bt, next)->next;
		tb_drop(cpu, link_tb(bt, ref));
		bt->n.invalidated++;
	}
	page = *page_slot(bt, p.host);
	if (page)
		update_chunks(bt, page);
	else
		physmem_watch(cpu->mem, gpa, 0, PHYS_WATCH_TRANSLATED);
}

unsigned tb_insn_at(const struct tb *tb, uint32_t offset)
{
	unsigned low = 0, high = tb->count;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (tb->insns[middle].host <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}
