/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoded-instruction cache (see block.h).
 *
 * Three look-ups, from quick to slow: `recent` by linear address, dated by
 * cpu->map_generation; `hash` by host address of the code; decoding. Blocks are
 * cut from one arena and never freed singly; a full arena drops them all.
 *
 * A block may be dropped while it runs (it wrote on itself): its remaining
 * instructions then become ones that step back and leave the block.
 */
#include "cpu/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/access.h"
#include "cpu/decode.h"
#include "cpu/features.h"

#define ARENA_SIZE (24u << 20)
#define HASH_SIZE (1u << 15)
#define RECENT_SIZE (1u << 12)
#define PAGE_HASH_SIZE (1u << 12)

struct recent {
	gva_t gva;
	uint64_t generation; /* of the vcpu's map; 0: empty */
	bool code32, user;
	struct block *block;
};

/* One page of host memory that holds blocks. */
struct code_page {
	const uint8_t *host;
	struct code_page *hash_next;
	struct block *blocks;
	uint64_t chunks; /* bit n: some block covers bytes of the n-th 64 */
};

struct block_cache {
	struct decoder *decoder;
	uint8_t *arena;
	uint32_t used, limit; /* bytes */
	struct block *hash[HASH_SIZE];
	struct code_page *pages[PAGE_HASH_SIZE];
	struct recent recent[RECENT_SIZE];
	/* For an instruction across a page end, in no list; see block_crossing. */
	struct block *crossing;
};

#define BLOCK_BYTES(n) (sizeof(struct block) + (n) * sizeof(struct insn))

struct block_cache *block_cache_create(void)
{
	struct block_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->decoder = decoder_create();
	c->arena = aligned_alloc(64, ARENA_SIZE);
	c->limit = ARENA_SIZE;
	c->crossing = calloc(1, BLOCK_BYTES(1));
	if (!c->decoder || !c->arena || !c->crossing) {
		block_cache_destroy(c);
		return NULL;
	}
	return c;
}

void block_cache_destroy(struct block_cache *c)
{
	if (!c)
		return;
	decoder_destroy(c->decoder);
	free(c->arena);
	free(c->crossing);
	free(c);
}

void block_cache_limit(struct vcpu *cpu, uint32_t bytes)
{
	block_cache_flush(cpu);
	cpu->blocks->limit = bytes < ARENA_SIZE ? bytes : ARENA_SIZE;
}

void block_cache_flush(struct vcpu *cpu)
{
	struct block_cache *c = cpu->blocks;

	/*
	 * Pages stay watched; the first write to each finds no code page and
	 * lifts the watch.
	 */
	memset(c->hash, 0, sizeof(c->hash));
	memset(c->pages, 0, sizeof(c->pages));
	memset(c->recent, 0, sizeof(c->recent));
	c->used = 0;
}

static void *arena_take(struct block_cache *c, size_t size)
{
	void *p = c->arena + c->used;

	c->used += (uint32_t)((size + 63) & ~63ul);
	return p;
}

static unsigned hash_host(const uint8_t *host, bool code32)
{
	uintptr_t h = (uintptr_t)host;

	return (unsigned)((h ^ h >> 15) * 2 + code32) & (HASH_SIZE - 1);
}

static struct code_page **page_slot(struct block_cache *c, const uint8_t *page)
{
	uintptr_t n = (uintptr_t)page >> PAGE_SHIFT;
	struct code_page **p = &c->pages[(n ^ n >> 12) & (PAGE_HASH_SIZE - 1)];

	while (*p && (*p)->host != page)
		p = &(*p)->hash_next;
	return p;
}

/* Stands in for what is left of a block that was dropped while running. */
static void op_dropped(struct vcpu *cpu, const struct insn *in)
{
	cpu->eip -= in->length;
	cpu->fuel++;
}

/* Stands in for the instruction before which the block is to be left. */
static void op_cut(struct vcpu *cpu, const struct insn *in)
{
	restart_instruction(cpu);
}

void block_mend(struct vcpu *cpu)
{
	/* A dropped block, or what has taken its room, is not to be touched. */
	if (cpu->cut.insn && cpu->cut.insn->exec == op_cut)
		cpu->cut.insn->exec = cpu->cut.exec;
	cpu->cut.insn = NULL;
}

void block_cut(struct vcpu *cpu)
{
	struct insn *next;

	if (!cpu->cur || cpu->stepping || cpu->cur->ends_block)
		return;
	next = (struct insn *)cpu->cur + 1;
	if (next->exec == op_cut || next->exec == op_dropped)
		return;
	block_mend(cpu);
	cpu->cut.insn = next;
	cpu->cut.exec = next->exec;
	next->exec = op_cut;
}

static void block_drop(struct block_cache *c, struct block *b)
{
	struct block **p = &c->hash[hash_host(b->host, b->code32)];

	while (*p && *p != b)
		p = &(*p)->hash_next;
	if (*p)
		*p = b->hash_next;
	b->host = NULL;
	for (unsigned i = 0; i < b->count; i++)
		b->insns[i].exec = op_dropped;
}

static uint64_t chunk_mask(unsigned first, unsigned last)
{
	unsigned a = first / 64, b = last / 64;

	return (~0ull << a) & (~0ull >> (63 - b));
}

void block_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
	struct block_cache *c = cpu->blocks;
	struct phys_page p = physmem_lookup_write(cpu->mem, gpa);
	struct code_page *page;
	unsigned first = gpa & (PAGE_SIZE - 1), last = first + len - 1;
	struct block **link;

	page = *page_slot(c, p.host);
	if (page && !(page->chunks & chunk_mask(first, last)))
		return;
	if (page) {
		page->chunks = 0;
		link = &page->blocks;
		while (*link) {
			struct block *b = *link;
			unsigned start = (unsigned)(b->host - page->host);

			if (start <= last && start + b->bytes > first) {
				*link = b->page_next;
				block_drop(c, b);
			} else {
				page->chunks |= chunk_mask(start, start + b->bytes - 1);
				link = &b->page_next;
			}
		}
	}
	if (!page || !page->blocks)
		physmem_watch(cpu->mem, gpa, 0, PHYS_WATCH_CODE);
	cpu->map_generation++;
}

static void op_undefined(struct vcpu *cpu, const struct insn *in)
{
	raise_ud(cpu);
}

static void op_too_long(struct vcpu *cpu, const struct insn *in)
{
	raise_gp(cpu, 0);
}

/* decode_insn() with the instructions that the processor's model has. */
static enum decode_status decode_for(const struct vcpu *cpu, const uint8_t *bytes, unsigned n,
				     bool code32, struct insn *out)
{
	enum decode_status s = decode_insn(cpu->blocks->decoder, bytes, n, code32, out);

	if (s == DECODE_OK && !insn_supported(cpu, &insn_table[out->row]))
		return DECODE_UD;
	return s;
}

/* An instruction that faults when it is executed, in place of undecodable bytes. */
static void make_faulting(struct insn *in, enum decode_status status)
{
	*in = (struct insn){.exec = status == DECODE_TOO_LONG ? op_too_long : op_undefined,
			    .length = 1,
			    .base = GPR_ZERO,
			    .index = GPR_ZERO,
			    .ends_block = true};
}

const uint8_t *block_fetch(struct vcpu *cpu, gva_t gva, gpa_t *gpa)
{
	bool user = cpu->cpl == 3;
	struct tlb_entry *e =
		tlb_slot(cpu->tlb_views[user ? TLB_USER : TLB_SUPERVISOR], gva);
	struct phys_page p;

	if ((uint64_t)gva - e->exec < PAGE_SIZE) {
		*gpa = e->phys | (gva & ~PAGE_MASK);
		return (const uint8_t *)(e->host + gva);
	}
	*gpa = paging_translate(cpu, gva, ACCESS_EXEC, user);
	p = physmem_lookup(cpu->mem, *gpa);
	return p.kind == PHYS_RAM || p.kind == PHYS_ROM ? p.host + (gva & ~PAGE_MASK) : NULL;
}

/*
 * Reads up to 15 instruction bytes one by one with all checks, for
 * instructions that cross a page, lie in device registers or reach the CS limit.
 * Returns how many could be had; *limited if the limit ended it.
 */
static unsigned fetch_bytes(struct vcpu *cpu, uint8_t *bytes, unsigned want, bool *limited)
{
	const struct segment *cs = &cpu->seg[CS];
	gpa_t gpa;

	*limited = false;
	for (unsigned i = 0; i < want; i++) {
		uint32_t off = cpu->eip + i;
		const uint8_t *p;

		if (off > cs->limit || off < cpu->eip) {
			*limited = true;
			return i;
		}
		p = block_fetch(cpu, cs->base + off, &gpa);
		bytes[i] = p ? *p : (uint8_t)physmem_read(cpu->mem, gpa, 1);
	}
	return want;
}

/*
 * One instruction decoded afresh: bytes are fetched only as far as the
 * decoder asks, so that a page is not touched that the instruction is not in.
 */
static struct block *block_uncached(struct vcpu *cpu)
{
	struct block *b = cpu->blocks->crossing;
	uint8_t bytes[INSN_MAX_LENGTH];
	enum decode_status status = DECODE_MORE;
	bool limited = false;

	for (unsigned n = 1; n <= INSN_MAX_LENGTH && status == DECODE_MORE; n++) {
		if (fetch_bytes(cpu, bytes, n, &limited) < n)
			break;
		status = decode_for(cpu, bytes, n, code_is_32(cpu), b->insns);
	}
	/* Faults of fetching come first (SDM 3A 6.9), also for what is too long. */
	if (status == DECODE_TOO_LONG)
		fetch_bytes(cpu, bytes, INSN_MAX_LENGTH, &limited);
	if (limited)
		raise_gp(cpu, 0);
	if (status != DECODE_OK)
		make_faulting(b->insns, status);
	b->host = NULL;
	b->count = 1;
	b->bytes = b->insns[0].length;
	b->insns[0].ends_block = true;
	b->insns[0].uncached = true;
	return b;
}

/* Decodes instructions from host on until one ends the block or the page. */
static struct block *block_decode(struct vcpu *cpu, const uint8_t *host, gpa_t gpa, bool code32)
{
	struct block_cache *c = cpu->blocks;
	unsigned room = PAGE_SIZE - (gpa & (PAGE_SIZE - 1)), used = 0, count = 0;
	struct insn insns[BLOCK_MAX_INSNS];
	const uint8_t *page_host = host - (gpa & (PAGE_SIZE - 1));
	struct code_page **slot;
	struct block *b;

	while (count < BLOCK_MAX_INSNS && used < room) {
		unsigned left = room - used;
		unsigned n = left < INSN_MAX_LENGTH ? left : INSN_MAX_LENGTH;
		struct insn *in = &insns[count];
		enum decode_status s = decode_for(cpu, host + used, n, code32, in);

		if (s == DECODE_MORE || (s == DECODE_TOO_LONG && n < INSN_MAX_LENGTH))
			break;
		if (s != DECODE_OK)
			make_faulting(in, s);
		in->offset = (uint16_t)used;
		/* Any of the bytes may have been why: all are the block's. */
		used += s == DECODE_OK ? in->length : n;
		count++;
		if (in->ends_block)
			break;
	}
	if (!count)
		return NULL;
	insns[count - 1].ends_block = true;
	if (c->used + BLOCK_BYTES(count) + sizeof(struct code_page) + 128 > c->limit)
		block_cache_flush(cpu);
	b = arena_take(c, BLOCK_BYTES(count));
	*b = (struct block){.host = host,
			    .bytes = (uint16_t)used,
			    .count = (uint16_t)count,
			    .code32 = code32};
	memcpy(b->insns, insns, count * sizeof(*insns));
	b->hash_next = c->hash[hash_host(host, code32)];
	c->hash[hash_host(host, code32)] = b;
	slot = page_slot(c, page_host);
	if (!*slot) {
		*slot = arena_take(c, sizeof(**slot));
		**slot = (struct code_page){.host = page_host};
	}
	b->page_next = (*slot)->blocks;
	(*slot)->blocks = b;
	(*slot)->chunks |= chunk_mask((unsigned)(host - page_host),
				      (unsigned)(host - page_host) + b->bytes - 1);
	physmem_watch(cpu->mem, gpa, PHYS_WATCH_CODE, 0);
	return b;
}

/* Whether all of the block's bytes are within the CS limit from eip on. */
static bool within_limit(const struct vcpu *cpu, const struct block *b)
{
	uint32_t last = cpu->eip + b->bytes - 1;

	return last <= cpu->seg[CS].limit && last >= cpu->eip;
}

struct block *block_find(struct vcpu *cpu)
{
	struct block_cache *c = cpu->blocks;
	gva_t gva = cpu->seg[CS].base + cpu->eip;
	struct recent *r = &c->recent[(gva ^ gva >> 12) & (RECENT_SIZE - 1)];
	bool code32 = code_is_32(cpu), user = cpu->cpl == 3;
	const uint8_t *host;
	struct block *b;
	gpa_t gpa;

	if (r->gva == gva && r->generation == cpu->map_generation && r->code32 == code32 &&
	    r->user == user && within_limit(cpu, r->block))
		return r->block;
	if (cpu->eip > cpu->seg[CS].limit)
		raise_gp(cpu, 0);
	host = block_fetch(cpu, gva, &gpa);
	if (!host)
		return block_uncached(cpu);
	for (b = c->hash[hash_host(host, code32)]; b; b = b->hash_next)
		if (b->host == host && b->code32 == code32)
			break;
	if (!b)
		b = block_decode(cpu, host, gpa, code32);
	if (!b || !within_limit(cpu, b))
		return block_uncached(cpu);
	*r = (struct recent){.gva = gva,
			     .generation = cpu->map_generation,
			     .code32 = code32,
			     .user = user,
			     .block = b};
	return b;
}
