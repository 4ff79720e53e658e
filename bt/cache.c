/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code cache: a memfd mapped twice, writable here and executable there, so
 * that no page is ever both. It is cut into regions that are filled in turn;
 * when all are full the oldest is emptied. A block's struct tb lies in its
 * region's own arena and goes with it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "bt/bt_internal.h"

/* Bytes of metadata for so many bytes of code, and the least a block takes. */
#define META_SIZE(code) ((size_t)(code) * 4 / 3 & ~(size_t)15)
#define MIN_BLOCK 48u
#define META_UNUSED 64u /* where the number 0 would be */
#define STUBS_SIZE 16384u

static int map_twice(struct code_cache *c)
{
	c->memfd = memfd_create("translations", MFD_CLOEXEC);
	if (c->memfd < 0 || ftruncate(c->memfd, c->size) < 0)
		return -errno;
	c->rw = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, c->memfd, 0);
	if (c->rw == MAP_FAILED) {
		c->rw = NULL;
		return -errno;
	}
	c->rx = mmap(NULL, c->size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, c->memfd, 0);
	if (c->rx == MAP_FAILED) {
		c->rx = NULL;
		return -errno;
	}
	return 0;
}

static void region_reset(struct code_region *r)
{
	r->used = r->begin;
	r->meta_used = 0;
	r->tb_count = 0;
}

/* Of the arenas of regions of so many bytes. */
static size_t meta_size(uint32_t part)
{
	return CACHE_REGIONS * META_SIZE(part);
}

/* Anonymous memory: what is not used costs nothing. */
static int map_meta(struct code_cache *c, size_t size)
{
	c->meta = mmap(NULL, META_UNUSED + size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->meta == MAP_FAILED) {
		c->meta = NULL;
		return -errno;
	}
	/* Look-ups go all over it. Where there are no huge pages it works as well. */
	madvise(c->meta, META_UNUSED + size, MADV_HUGEPAGE);
	return 0;
}

static int region_create(struct code_region *r, uint32_t begin, uint32_t end, uint8_t *meta)
{
	*r = (struct code_region){.begin = begin,
				  .end = end,
				  .meta = meta,
				  .meta_size = (uint32_t)META_SIZE(end - begin)};
	r->tb_room = (end - begin) / MIN_BLOCK;
	r->tbs = malloc(r->tb_room * sizeof(*r->tbs));
	r->first = malloc(((end - begin) / REGION_STEP + 1) * sizeof(*r->first));
	region_reset(r);
	return r->tbs && r->first ? 0 : -ENOMEM;
}

int cache_create(struct bt *bt, unsigned kib)
{
	struct code_cache *c = &bt->cache;
	struct emit e;
	uint32_t part;
	int err;

	c->size = kib * 1024u;
	err = map_twice(c);
	if (err)
		return err;
	e = (struct emit){.p = c->rw, .end = c->rw + STUBS_SIZE - EMIT_MARGIN};
	stubs_emit(bt, &e);
	assert(!e.overflow);
	c->stubs_end = STUBS_SIZE;
	part = (c->size - STUBS_SIZE) / CACHE_REGIONS & ~(TB_ALIGN - 1u);
	err = map_meta(c, meta_size(part));
	if (err)
		return err;
	for (unsigned i = 0; i < CACHE_REGIONS; i++) {
		err = region_create(&c->regions[i], STUBS_SIZE + i * part, STUBS_SIZE + (i + 1) * part,
				    c->meta + META_UNUSED + i * META_SIZE(part));
		if (err)
			return err;
	}
	return 0;
}

void cache_destroy(struct bt *bt)
{
	struct code_cache *c = &bt->cache;

	for (unsigned i = 0; i < CACHE_REGIONS; i++) {
		free(c->regions[i].tbs);
		free(c->regions[i].first);
	}
	if (c->meta)
		munmap(c->meta, META_UNUSED + meta_size(c->regions[0].end - c->regions[0].begin));
	if (c->rw)
		munmap(c->rw, c->size);
	if (c->rx)
		munmap(c->rx, c->size);
	if (c->memfd > 0)
		close(c->memfd);
}

static void region_evict(struct vcpu *cpu, struct code_region *r)
{
	if (r->tb_count)
		cpu->bt->n.evictions++;
	for (uint32_t i = 0; i < r->tb_count; i++)
		tb_drop(cpu, tb_at(cpu->bt, r->tbs[i]));
	memset(cpu->bt->sites, 0, SLOW_SITES * sizeof(*cpu->bt->sites));
	returns_empty(cpu);
	region_reset(r);
}

void cache_full(struct vcpu *cpu)
{
	struct code_cache *c = &cpu->bt->cache;

	c->current = (c->current + 1) % CACHE_REGIONS;
	region_evict(cpu, &c->regions[c->current]);
}

void cache_flush(struct vcpu *cpu)
{
	struct code_cache *c = &cpu->bt->cache;

	for (unsigned i = 0; i < CACHE_REGIONS; i++)
		region_evict(cpu, &c->regions[i]);
	c->current = 0;
}

/* What blocks need besides, whose number guests choose. */
static bool pages_full(const struct bt *bt)
{
	unsigned most = bt->config.inject & INJECT_LITTLE_MEMORY ? CODE_PAGES_LITTLE : CODE_PAGES_MAX;

	return bt->page_count + 2 > most;
}

/* A test's wish: as if the region were full, once in some hundred times. */
static bool inject_full(struct bt *bt)
{
	if (!(bt->config.inject & INJECT_CACHE_FULL))
		return false;
	bt->inject_state = bt->inject_state * 6364136223846793005ull + 1442695040888963407ull;
	return bt->inject_state >> 57 == 0;
}

/* Of a struct tb with what lies behind it. */
static uint32_t meta_bytes(unsigned insns, bool x87, unsigned exits)
{
	return (uint32_t)(tb_insns_end(insns) + x87 * sizeof(struct tb_x87) +
			  exits * sizeof(struct tb_exit));
}

struct tb *cache_begin(struct vcpu *cpu, unsigned insns, bool x87, unsigned exits, struct emit *e)
{
	struct bt *bt = cpu->bt;
	struct code_region *r = &bt->cache.regions[bt->cache.current];
	uint32_t meta = meta_bytes(insns, x87, exits);
	struct tb *tb;

	if (r->used + 2 * EMIT_MARGIN > r->end || r->meta_used + meta > r->meta_size ||
	    r->tb_count == r->tb_room || inject_full(bt))
		cache_full(cpu);
	while (pages_full(bt))
		cache_full(cpu);
	r = &bt->cache.regions[bt->cache.current];
	tb = (struct tb *)(void *)(r->meta + r->meta_used);
	*tb = (struct tb){.host = r->used, .count = (uint16_t)insns, .has_x87 = x87};
	if (x87)
		*tb_x87(tb) = (struct tb_x87){0};
	*e = (struct emit){.p = cache_rw(bt, r->used), .end = cache_rw(bt, r->end) - EMIT_MARGIN};
	return tb;
}

/* The n-th block lies from tb->host up to r->used. */
static void note_first(struct code_region *r, const struct tb *tb, uint32_t n)
{
	uint32_t step = (tb->host - r->begin + REGION_STEP - 1) / REGION_STEP;

	for (; r->begin + step * REGION_STEP < r->used; step++)
		r->first[step] = n;
}

void cache_commit(struct bt *bt, struct tb *tb, const struct emit *e)
{
	struct code_region *r = &bt->cache.regions[bt->cache.current];
	uint32_t meta = meta_bytes(tb->count, tb->has_x87, tb->exit_count);

	tb->host_size = (uint32_t)(e->p - cache_rw(bt, tb->host));
	assert(tb->host_size <= UINT16_MAX); /* offsets of exits */
	r->used = (tb->host + tb->host_size + TB_ALIGN - 1) & ~(TB_ALIGN - 1u);
	r->meta_used += (meta + 15) & ~15u;
	note_first(r, tb, r->tb_count);
	r->tbs[r->tb_count++] = meta_ref_of(bt, tb);
}

struct tb *cache_find(struct bt *bt, uint32_t offset)
{
	for (unsigned i = 0; i < CACHE_REGIONS; i++) {
		const struct code_region *r = &bt->cache.regions[i];
		uint32_t low, high, step;
		struct tb *tb;

		if (offset < r->begin || offset >= r->used)
			continue;
		step = (offset - r->begin) / REGION_STEP;
		low = r->first[step];
		high = r->begin + (step + 1) * REGION_STEP < r->used ? r->first[step + 1] + 1
								     : r->tb_count;
		while (high - low > 1) {
			uint32_t middle = (low + high) / 2;

			if (tb_at(bt, r->tbs[middle])->host <= offset)
				low = middle;
			else
				high = middle;
		}
		tb = tb_at(bt, r->tbs[low]);
		return offset - tb->host < tb->host_size ? tb : NULL;
	}
	return NULL;
}
