/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages and segments of the world; see world.h. */
#include "world.h"

#include <string.h>

#define INT3 0xccu

const struct world_page world_pages[WORLD_PAGES] = {
    [PAGE_CODE] = {CODE_AT, .executable = true},  [PAGE_RW1] = {PAGE_RW1_AT, .writable = true},
    [PAGE_RW2] = {PAGE_RW2_AT, .writable = true}, [PAGE_RO] = {.at = PAGE_RO_AT},
    [PAGE_RW3] = {PAGE_RW3_AT, .writable = true},
};

enum { DATA, DATA_DOWN, CODE, CODE_CONFORMING };
#define LIMIT_4G 0xfffffu

const struct world_descriptor world_ldt[WORLD_SEGMENTS] = {
    [SEG_FLAT] = {0, LIMIT_4G, DATA, .big = true, .pages = true},
    [SEG_DATA_BASED] = {DATA_AT, LIMIT_4G, DATA, .big = true, .pages = true},
    [SEG_DATA_16] = {DATA_AT, 0xffff, .contents = DATA},
    [SEG_DATA_SMALL] = {DATA_AT, 0x17fe, DATA, .big = true},
    [SEG_DATA_RO] = {0, LIMIT_4G, DATA, .big = true, .read_only = true, .pages = true},
    [SEG_DOWN_32] = {DATA_AT, 0x1803, DATA_DOWN, .big = true},
    [SEG_DOWN_16] = {DATA_AT, 0x1803, .contents = DATA_DOWN},
    [SEG_DATA_ABSENT] = {0, LIMIT_4G, DATA, .big = true, .pages = true, .absent = true},
    [SEG_CODE_BASED] = {CODE_AT, 0xfff, CODE, .big = true},
    [SEG_CODE_16] = {CODE_AT, 0xffff, .contents = CODE},
    [SEG_CODE_EXEC] = {0, LIMIT_4G, CODE, .big = true, .read_only = true, .pages = true},
    [SEG_CODE_ABSENT] = {0, LIMIT_4G, CODE_CONFORMING, .big = true, .pages = true, .absent = true},
    [SEG_CODE_FLAT] = {0, LIMIT_4G, CODE, .big = true, .pages = true},
    [SEG_NONE] = {.limit = 0},
};

/* As Linux makes it of modify_ldt()'s arguments: accessed, DPL 3. */
uint64_t world_descriptor_bits(const struct world_descriptor *d)
{
	uint32_t low = d->base << 16 | (d->limit & 0xffff);
	uint32_t high = (d->base & 0xff000000) | (d->base >> 16 & 0xff) | (d->limit & 0xf0000);

	if (!d->limit)
		return 0;
	high |= DESC_S | DESC_ACCESSED | DESC_DPL | (uint32_t)d->contents << 10;
	high |= (d->read_only ? 0 : DESC_RW) | (d->big ? DESC_DB : 0) | (d->pages ? DESC_G : 0) |
		(d->absent ? 0 : DESC_P);
	return (uint64_t)high << 32 | low;
}

uint32_t world_segment_base(uint16_t selector)
{
	if (!(selector & 4) || selector >> 3 >= WORLD_SEGMENTS)
		return 0;
	return world_ldt[selector >> 3].base;
}

void world_fill(uint8_t *pages)
{
	uint32_t x = 0x2545f491;

	memset(pages, INT3, PAGE_SIZE);
	for (unsigned i = PAGE_SIZE; i < WORLD_SIZE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		pages[i] = (uint8_t)(x >> 11);
	}
	for (unsigned i = PAGE_RW1; i < WORLD_PAGES; i++)
		for (unsigned n = 0; n < WORLD_HLTS; n++)
			pages[i * PAGE_SIZE + WORLD_HLT_AT(n)] = WORLD_HLT;
}

uint8_t *world_byte(uint8_t *pages, uint32_t at)
{
	for (unsigned i = 0; i < WORLD_PAGES; i++)
		if (at - world_pages[i].at < PAGE_SIZE)
			return pages + i * PAGE_SIZE + (at - world_pages[i].at);
	return NULL;
}

static void put(uint8_t *pages, uint32_t at, const uint8_t *bytes, unsigned length)
{
	while (length) {
		unsigned room = PAGE_SIZE - (at & (PAGE_SIZE - 1));
		unsigned n = length < room ? length : room;
		uint8_t *p = world_byte(pages, at);

		if (p)
			memcpy(p, bytes, n);
		at += n;
		bytes += n;
		length -= n;
	}
}

void world_apply(uint8_t *pages, const struct test_case *c)
{
	for (unsigned i = 0; i < PATCHES; i++)
		put(pages, c->patches[i].at, c->patches[i].bytes, c->patches[i].length);
	/* Last: no patch may change the code. */
	memset(pages, INT3, PAGE_SIZE);
	put(pages, c->code_at, c->code, c->length);
}

static void repair(uint8_t *pages, const uint8_t *background, uint32_t at, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		uint8_t *p = world_byte(pages, at + i);

		if (p)
			*p = background[p - pages];
	}
}

static void note_change(struct outcome *out, uint32_t at, uint8_t value)
{
	out->digest = (out->digest ^ at ^ (uint64_t)value << 32) * 0x9e3779b97f4a7c15u;
	if (out->changed < CHANGES_MAX)
		out->changes[out->changed] = (struct change){at, value};
	out->changed++;
}

/* Compares one page 64 bytes at a time, as hardly anything differs. */
static void collect_page(uint8_t *page, const uint8_t *expected, uint32_t at, struct outcome *out)
{
	for (unsigned i = 0; i < PAGE_SIZE; i += 64) {
		if (!memcmp(page + i, expected + i, 64))
			continue;
		for (unsigned j = i; j < i + 64; j++)
			if (page[j] != expected[j])
				note_change(out, at + j, page[j]);
	}
}

void world_collect(uint8_t *pages, uint8_t *expected, const uint8_t *background,
		   const struct test_case *c, struct outcome *out)
{
	out->changed = 0;
	out->digest = 0;
	for (unsigned i = PAGE_RW1; i < WORLD_PAGES; i++)
		collect_page(pages + i * PAGE_SIZE, expected + i * PAGE_SIZE, world_pages[i].at,
			     out);
	if (out->changed > CHANGES_MAX)
		memcpy(pages, background, WORLD_SIZE);
	for (unsigned i = 0; i < out->changed && i < CHANGES_MAX; i++)
		repair(pages, background, out->changes[i].at, 1);
	for (unsigned i = 0; i < PATCHES; i++) {
		repair(pages, background, c->patches[i].at, c->patches[i].length);
		repair(expected, background, c->patches[i].at, c->patches[i].length);
	}
}
