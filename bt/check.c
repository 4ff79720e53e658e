/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's invariants, asserted. What holds between any two entries of
 * translated code is checked whole: from the blocks, from the pages, and from what
 * leads to blocks, so that nothing can be in one structure only.
 */
#undef NDEBUG
#include <assert.h>

#include "base/log.h"
#include "bt/inspect.h"
#include "cpu/access.h"
#include "cpu/decode.h"
#include "cpu/features.h"
#include "cpu/table.h"

/* ---- the guest's side of a block ---- */
/* How many of the block's bytes lie in its first page. */
static unsigned first_bytes(const struct tb *tb)
{
	unsigned room = PAGE_SIZE - ((uintptr_t)tb->code & (PAGE_SIZE - 1));

	return tb->bytes < room ? tb->bytes : room;
}

static uint8_t guest_byte(const struct tb *tb, unsigned n)
{
	unsigned first = first_bytes(tb);

	return n < first ? tb->code[n] : tb->code2[n - first];
}

unsigned guest_bytes(const struct tb *tb, unsigned from, unsigned bytes, uint8_t *out)
{
	unsigned n = bytes < INSN_MAX_LENGTH ? bytes : INSN_MAX_LENGTH;

	for (unsigned i = 0; i < n; i++)
		out[i] = guest_byte(tb, from + i);
	return n;
}

/* FNV-1a. */
static uint32_t guest_code_sum(const struct tb *tb)
{
	uint32_t sum = 0x811c9dc5;

	for (unsigned i = 0; i < tb->bytes; i++)
		sum = (sum ^ guest_byte(tb, i)) * 0x01000193;
	return sum;
}

/* The bytes are those that were translated, and decode into as many instructions. */
static void check_guest_code(struct vcpu *cpu, const struct tb *tb)
{
	assert(tb->count && tb->count <= TB_MAX_INSNS && tb->insns[0].guest == 0);
	assert(!tb->code2 == (first_bytes(tb) == tb->bytes));
	assert(!tb->code2 || (tb->count == 1 && page_of(tb->code2) == tb->code2));
	if (tb->code_sum) { /* what it decodes into has been looked at then */
		assert(tb->code_sum == guest_code_sum(tb));
		return;
	}
	for (unsigned n = 0; n < tb->count; n++) {
		unsigned from = tb->insns[n].guest;
		unsigned to = n + 1 < tb->count ? tb->insns[n + 1].guest : tb->bytes;
		uint8_t bytes[INSN_MAX_LENGTH];
		struct insn in;

		if (decode_insn(cpu->bt->decoder, bytes, guest_bytes(tb, from, to - from, bytes),
				tb->mode & MODE_CODE32, &in) == DECODE_OK &&
		    insn_supported(cpu, &insn_table[in.row]))
			assert(in.length == to - from);
		else
			assert(n + 1 == tb->count);
	}
}

static void check_host_map(const struct tb *tb)
{
	for (unsigned n = 0; n < tb->count; n++) {
		assert(tb->insns[n].host < tb->host_size);
		assert(!n || tb->insns[n - 1].host <= tb->insns[n].host);
	}
}

/* ---- exits and what leads to a block ---- */
static uint32_t jump_target(const struct bt *bt, uint32_t at)
{
	uint32_t rel;

	memcpy(&rel, cache_rw(bt, at), 4);
	return at + 4 + rel;
}

static void check_exit(const struct bt *bt, const struct tb *tb, const struct tb_exit *exit)
{
	uint32_t jump = tb->host + exit->jump, unchained = tb->host + exit->unchained;
	meta_ref ref = meta_ref_of(bt, exit);
	const struct tb *to = tb_at(bt, exit->to);

	assert(tb_at(bt, exit->from) == tb);
	assert(exit->jump && exit->jump < exit->unchained && exit->unchained < tb->host_size);
	if (!to) {
		assert(jump_target(bt, jump) == unchained);
		return;
	}
	assert(bt->config.chaining);
	assert(to->code && to->eip == exit->eip && to->mode == tb->mode);
	assert(!to->code2);
	assert(exit_is(tb, exit, tb->cross) || page_of(to->code) == page_of(tb->code));
	assert(jump_target(bt, jump) == tb_chained(to) ||
	       (!exit_is(tb, exit, tb->after_call) && jump_target(bt, jump) == tb_ready(to)));
	assert((exit->previous ? exit_at(bt, exit->previous)->next : to->incoming) == ref);
	assert(!exit->next || exit_at(bt, exit->next)->previous == ref);
}

static void check_incoming(const struct bt *bt, const struct tb *tb)
{
	meta_ref previous = 0;

	for (meta_ref ref = tb->incoming; ref; ref = exit_at(bt, ref)->next) {
		const struct tb_exit *e = exit_at(bt, ref);
		const struct tb *from = tb_at(bt, e->from);

		assert(tb_at(bt, e->to) == tb && e->previous == previous && from->code);
		assert(e >= tb_exits(from) && e < tb_exits(from) + from->exit_count);
		previous = ref;
	}
}

/* ---- blocks ---- */
static uint64_t chunks_of(const struct tb_link *link)
{
	uint64_t chunks = 0;

	for (unsigned n = link->first / 64; n <= link->last / 64u; n++)
		chunks |= 1ull << n;
	return chunks;
}

static void check_block(struct vcpu *cpu, const struct tb *tb)
{
	struct bt *bt = cpu->bt;

	assert(tb_lookup(bt, tb->code, tb->eip, tb->mode) == tb);
	assert(!(tb->mode & MODE_MOVED) || tb->eip == ((uintptr_t)tb->code & (PAGE_SIZE - 1)));
	check_guest_code(cpu, tb);
	check_host_map(tb);
	assert(tb->exit_count <= TB_MAX_EXITS && !(tb->inner >> (tb->count - 1)));
	for (unsigned i = 0; i < tb->exit_count; i++)
		check_exit(bt, tb, &tb_exits(tb)[i]);
	check_incoming(bt, tb);
}

/* What lists must hold, counted from the blocks. */
struct counts {
	unsigned blocks, links, cross;
};

static void count_block(const struct tb *tb, struct counts *live)
{
	live->blocks++;
	live->links += tb->code2 ? 2 : 1;
	for (unsigned i = 0; i < tb->exit_count; i++)
		live->cross += tb_exits(tb)[i].to && tb->cross >> i & 1;
}

/* Blocks in order, one behind the other, their metadata too. */
static void check_region(struct vcpu *cpu, const struct code_region *r, struct counts *live)
{
	struct bt *bt = cpu->bt;
	uint32_t at = r->begin;
	const uint8_t *meta = r->meta;

	assert(r->tb_count <= r->tb_room && r->used <= r->end && r->meta_used <= r->meta_size);
	for (uint32_t n = 0; n < r->tb_count; n++) {
		const struct tb *tb = tb_at(bt, r->tbs[n]);

		assert(tb->host >= at && tb->host % TB_ALIGN == 0 && tb->host_size);
		at = tb->host + tb->host_size;
		assert((const uint8_t *)tb >= meta);
		meta = (const uint8_t *)(tb_exits(tb) + tb->exit_count);
		assert(cache_find(bt, tb->host) == tb && cache_find(bt, at - 1) == tb);
		if (!tb->code) {
			assert(!tb->incoming);
			continue;
		}
		check_block(cpu, tb);
		count_block(tb, live);
	}
	assert(at <= r->used && meta <= r->meta + r->meta_used);
}

/* A list of chained exits into other pages. */
static unsigned check_cross_list(struct bt *bt, meta_ref *list)
{
	meta_ref previous = 0;
	unsigned count = 0;

	for (meta_ref ref = *list; ref; ref = exit_at(bt, ref)->cross_next, count++) {
		const struct tb_exit *e = exit_at(bt, ref);
		const struct tb *from = tb_at(bt, e->from);

		assert(cross_list(bt, e->eip) == list);
		assert(exit_is(from, e, from->cross) && e->to && e->cross_previous == previous);
		previous = ref;
	}
	return count;
}

static unsigned check_cross(struct bt *bt)
{
	unsigned count = 0;

	for (unsigned n = 0; n < CROSS_LISTS; n++)
		count += check_cross_list(bt, &bt->cross[n]);
	return count;
}

static unsigned check_hash(const struct bt *bt)
{
	unsigned count = 0;

	for (unsigned i = 0; i < TB_HASH_SIZE; i++)
		for (meta_ref ref = bt->hash[i]; ref; ref = tb_at(bt, ref)->hash_next, count++)
			assert(tb_at(bt, ref)->code);
	return count;
}

/* ---- pages of guest code ---- */
struct ram {
	const uint8_t *host;
	uint64_t size;
};

static void take_ram(void *arg, const char *name, const uint8_t *host, uint64_t size)
{
	struct ram *ram = arg;

	if (!ram->host) /* RAM comes first */
		*ram = (struct ram){host, size};
}

/*
 * RAM is watched, so that writes are heard of. ROM needs no watch; nor does
 * RAM that writes do not reach at the moment, because ROM lies over it.
 */
static void check_watched(struct vcpu *cpu, const struct code_page *page)
{
	uint64_t below = physmem_ram_below_4g(cpu->mem), offset;
	struct ram ram = {0};
	struct phys_page p;

	physmem_for_each_memory(cpu->mem, take_ram, &ram);
	offset = (uintptr_t)page->host - (uintptr_t)ram.host;
	if (offset >= ram.size)
		return;
	p = physmem_lookup_write(cpu->mem, offset < below ? offset : offset - below + (1ull << 32));
	if (p.host == page->host)
		assert(*p.watch & PHYS_WATCH_TRANSLATED);
}

/* The link says which of the page's bytes are the block's. */
static void check_link(const struct bt *bt, const struct code_page *page, link_ref ref)
{
	const struct tb *tb = link_tb(bt, ref);
	const struct tb_link *link = link_at(bt, ref);
	unsigned second = ref & 1, first = first_bytes(tb);
	const uint8_t *code = second ? tb->code2 : tb->code;
	unsigned at = (uintptr_t)code & (PAGE_SIZE - 1), bytes = second ? tb->bytes - first : first;

	assert(!second || tb->code2);
	assert(tb->code && page_of(code) == page->host);
	assert(link->first == at && link->last == at + bytes - 1);
}

static unsigned check_page(struct vcpu *cpu, const struct code_page *page)
{
	uint64_t chunks = 0;
	link_ref previous = 0;
	unsigned count = 0;

	assert(page->links);
	for (const struct code_page *p = page->next; p; p = p->next)
		assert(p->host != page->host);
	for (link_ref ref = page->links; ref; ref = link_at(cpu->bt, ref)->next, count++) {
		check_link(cpu->bt, page, ref);
		assert(link_at(cpu->bt, ref)->previous == previous);
		chunks |= chunks_of(link_at(cpu->bt, ref));
		previous = ref;
	}
	assert(!(chunks & ~page->chunks)); /* more cost time only */
	check_watched(cpu, page);
	return count;
}

static unsigned check_pages(struct vcpu *cpu)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CODE_PAGE_HASH; i++)
		for (const struct code_page *p = cpu->bt->pages[i]; p; p = p->next)
			count += check_page(cpu, p);
	return count;
}

/* ---- look-up tables ---- */
static void check_jump_cache(struct bt *bt, const struct jump_cache *jc)
{
	for (uint32_t i = 0; i < JC_SIZE; i++) {
		uint64_t tag = 0 - jc->tag[i];
		unsigned mode_id = tag >> 32 & 0xff;
		const struct tb *tb;

		if (!tag)
			continue;
		tb = cache_find(bt, (uint32_t)(jc->target[i] - (uintptr_t)cache_rx(bt, 0)));
		assert(tb && tb->code);
		assert(jc->target[i] == (uintptr_t)cache_rx(bt, tb->host));
		assert((uint32_t)tag == (tb->mode & MODE_MOVED ? (tag & PAGE_MASK) + tb->eip : tb->eip));
		assert(jc_slot((uint32_t)tag) == i && tb->looked_up);
		assert(mode_id && bt->mode_ids[mode_id].used);
		assert(bt->mode_ids[mode_id].mode == (tb->mode & ~MODE_MOVED));
	}
}

/* Each entry is one of the TLB's, and lets no more be done. */
static void check_soft_tlb(struct vcpu *cpu, unsigned view)
{
	const struct soft_tlb *s = &cpu->bt->tables->soft[view];

	for (uint32_t i = 0; i < SOFT_SIZE; i++) {
		gva_t page = (0 - s->read[i] - 1) << PAGE_SHIFT;
		const struct tlb_entry *e = tlb_slot(cpu->tlb_views[view], page);

		assert(!s->write[i] || s->write[i] == s->read[i]);
		if (!s->read[i])
			continue;
		assert((page >> PAGE_SHIFT & (SOFT_SIZE - 1)) == i);
		assert(e->read == page && e->host == s->delta[i]);
		assert(!s->write[i] || e->write == page);
	}
}

void check_structures(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;
	struct counts live = {0};

	for (unsigned i = 0; i < CACHE_REGIONS; i++)
		check_region(cpu, &bt->cache.regions[i], &live);
	assert(check_hash(bt) == live.blocks);
	assert(check_pages(cpu) == live.links);
	assert(check_cross(bt) == live.cross);
	for (unsigned i = 0; i < JUMP_CACHES; i++)
		check_jump_cache(bt, &bt->tables->jc[i]);
	check_soft_tlb(cpu, TLB_SUPERVISOR);
	check_soft_tlb(cpu, TLB_USER);
}

void bt_check(struct vcpu *cpu)
{
	const struct bt *bt = cpu->bt;

	check_structures(cpu);
	verify_stubs(bt);
	for (unsigned i = 0; i < CACHE_REGIONS; i++)
		for (uint32_t n = 0; n < bt->cache.regions[i].tb_count; n++)
			if (tb_at(bt, bt->cache.regions[i].tbs[n])->code)
				verify_block(bt, tb_at(bt, bt->cache.regions[i].tbs[n]));
}

/* ---- after each translation ---- */
void inspect_block(struct vcpu *cpu, struct tb *tb)
{
	struct bt *bt = cpu->bt;
	char mode[MODE_TEXT_SIZE];

	perf_map_block(bt, tb);
	if (log_mask & 1u << LOG_BT) {
		mode_text(tb->mode, mode);
		log_write(LOG_BT, "%08x %s: %u instructions, %u bytes; %u bytes at %x", tb->eip,
			  mode, tb->count, tb->bytes, tb->host_size, tb->host);
	}
	if (bt->config.verify)
		verify_block(bt, tb);
	if (!bt->config.check)
		return;
	check_guest_code(cpu, tb);
	tb->code_sum = guest_code_sum(tb);
	if (++bt->unchecked < bt->config.check)
		return;
	bt->unchecked = 0;
	check_structures(cpu);
}
