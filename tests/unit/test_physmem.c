/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest physical memory: regions, priorities, PAM, watches, DMA. */
#include "mmu/physmem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define RAM_SIZE (4u << 20)

struct seen {
	unsigned map_changes, memory_changes, watched, code_writes, table_writes;
	gpa_t last_code, last_table, last_watched;
	uint32_t last_len;
	uint8_t last_flags;
};

static void on_map(void *o, bool memory)
{
	((struct seen *)o)->map_changes++;
	((struct seen *)o)->memory_changes += memory;
}
static void on_watch(void *o, gpa_t page, uint32_t pages)
{
	struct seen *s = o;

	s->watched += pages;
	s->last_watched = page;
}
static void on_code(void *o, gpa_t gpa, uint32_t len, uint8_t watch)
{
	struct seen *s = o;

	s->code_writes++;
	s->last_flags = watch;
	s->last_code = gpa;
	s->last_len = len;
}

static void on_table(void *o, gpa_t gpa, uint32_t len)
{
	struct seen *s = o;

	s->table_writes++;
	s->last_table = gpa;
}

static struct physmem *create(struct seen *s)
{
	struct physmem_listener l = {.map_changed = on_map,
				     .write_watched = on_watch,
				     .code_written = on_code,
				     .table_written = on_table,
				     .opaque = s};
	struct physmem *pm = NULL;

	memset(s, 0, sizeof(*s));
	CHECK_EQ(physmem_create(&pm, RAM_SIZE), 0);
	physmem_set_listener(pm, &l);
	return pm;
}

static void test_ram(void)
{
	struct seen s;
	struct physmem *pm = create(&s);
	uint8_t buf[8];

	physmem_write(pm, 0x1ffe, 0x44332211, 4); /* across a page */
	CHECK_EQ(physmem_read(pm, 0x1ffe, 4), 0x44332211);
	CHECK_EQ(physmem_read(pm, 0x1fff, 1), 0x22);
	CHECK_EQ(physmem_read(pm, RAM_SIZE, 4), 0xffffffff);
	CHECK_EQ(physmem_read(pm, RAM_SIZE - 2, 4), 0xffff0000);
	physmem_write(pm, RAM_SIZE, 1, 4); /* nothing there: vanishes */
	physmem_dma_read(pm, RAM_SIZE - 4, buf, 8);
	CHECK_EQ(buf[3], 0);
	CHECK_EQ(buf[4], 0xff);
	CHECK(physmem_ram_ptr(pm, 0, RAM_SIZE) == NULL); /* A0000-FFFFF is not RAM */
	CHECK(physmem_ram_ptr(pm, 0x100000, RAM_SIZE - 0x100000) != NULL);
	CHECK(physmem_ram_ptr(pm, RAM_SIZE - 4, 8) == NULL);
	CHECK(physmem_ram_ptr(pm, 0x100000, SIZE_MAX) == NULL);
	physmem_destroy(pm);
}

struct registers {
	unsigned reads, writes, widest;
	uint32_t value[4];
};
static uint32_t reg_read(void *o, uint32_t offset, unsigned size)
{
	struct registers *r = o;

	r->reads++;
	if (size > r->widest)
		r->widest = size;
	return r->value[offset / 4 & 3] >> 8 * (offset & 3);
}
static void reg_write(void *o, uint32_t offset, uint32_t value, unsigned size)
{
	struct registers *r = o;

	(void)size;
	r->writes++;
	r->value[offset / 4 & 3] = value;
}

static void test_mmio_width(void)
{
	static const struct mmio_ops wide = {.read = reg_read, .write = reg_write, .max_size = 4};
	static const struct mmio_ops narrow = {.read = reg_read, .write = reg_write, .max_size = 1};
	struct registers r = {.value = {0x44332211, 0x88776655}}, n = r;
	struct seen s;
	struct physmem *pm = create(&s);
	struct phys_region *w = physmem_add_mmio(pm, "wide", 4096, &wide, &r);

	physmem_region_map(w, 0xfee00000, 0);
	physmem_region_map(physmem_add_mmio(pm, "narrow", 4096, &narrow, &n), 0xfee10000, 0);
	CHECK_EQ(physmem_read(pm, 0xfee00000, 4), 0x44332211);
	CHECK_EQ(r.reads, 1);
	CHECK_EQ(physmem_read(pm, 0xfee00002, 4), 0x66554433); /* 2 + 2 */
	CHECK_EQ(physmem_read(pm, 0xfee10001, 4), 0x55443322);
	CHECK_EQ(n.widest, 1);
	CHECK_EQ(n.reads, 4);
	physmem_write(pm, 0xfee10000, 0x01020304, 4);
	CHECK_EQ(n.writes, 4);
	physmem_region_unmap(w);
	CHECK_EQ(physmem_read(pm, 0xfee00000, 4), 0xffffffff);
	physmem_destroy(pm);
}

static void test_priority_and_move(void)
{
	uint8_t *a = aligned_alloc(4096, 4096), *b = aligned_alloc(4096, 4096);
	struct seen s;
	struct physmem *pm = create(&s);
	struct phys_region *ra = physmem_add_rom(pm, "a", 4096, a);
	struct phys_region *rb = physmem_add_rom(pm, "b", 4096, b);

	memset(a, 0xaa, 4096);
	memset(b, 0xbb, 4096);
	physmem_region_map(ra, 0x300000, 1);
	physmem_region_map(rb, 0x300000, 2);
	CHECK_EQ(physmem_read(pm, 0x300000, 1), 0xbb);
	physmem_region_map(rb, 0x301000, 2);
	CHECK_EQ(physmem_read(pm, 0x300000, 1), 0xaa);
	CHECK_EQ(physmem_read(pm, 0x301fff, 1), 0xbb);
	physmem_write(pm, 0x300000, 0, 1); /* ROM */
	CHECK_EQ(physmem_read(pm, 0x300000, 1), 0xaa);
	CHECK(s.map_changes >= 3);
	CHECK_EQ(s.memory_changes, s.map_changes);
	physmem_destroy(pm);
	free(a);
	free(b);
}

static void test_pam(void)
{
	uint8_t *rom = aligned_alloc(4096, 0x20000);
	struct seen s;
	struct physmem *pm = create(&s);

	memset(rom, 0x5a, 0x20000);
	physmem_region_map(physmem_add_rom(pm, "bios", 0x20000, rom), 0xe0000, 0);
	CHECK_EQ(physmem_read(pm, 0xf0000, 1), 0x5a);
	physmem_set_pam(pm, 0xf0000, 0x10000, PAM_WRITE_RAM); /* copy under the ROM */
	physmem_write(pm, 0xf0000, 0x77, 1);
	CHECK_EQ(physmem_read(pm, 0xf0000, 1), 0x5a);
	physmem_set_pam(pm, 0xf0000, 0x10000, PAM_READ_RAM);
	CHECK_EQ(physmem_read(pm, 0xf0000, 1), 0x77);
	physmem_write(pm, 0xf0000, 0x11, 1);
	CHECK_EQ(physmem_read(pm, 0xf0000, 1), 0x77);
	CHECK_EQ(physmem_read(pm, 0xe0000, 1), 0x5a); /* its neighbour is untouched */
	physmem_set_pam(pm, 0xf0000, 0x10000, PAM_RAM);
	physmem_write(pm, 0xf0000, 0x11, 1);
	CHECK_EQ(physmem_read(pm, 0xf0000, 1), 0x11);
	physmem_destroy(pm);
	free(rom);
}

static void test_code_watch(void)
{
	struct seen s;
	struct physmem *pm = create(&s);
	uint32_t word = 0;

	physmem_watch(pm, 0x200123, PHYS_WATCH_CODE, 0);
	CHECK_EQ(s.watched, 1);
	physmem_write(pm, 0x200ffe, 0, 2);
	CHECK_EQ(s.code_writes, 1);
	CHECK_EQ(s.last_code, 0x200ffe);
	CHECK_EQ(s.last_len, 2);
	physmem_dma_write(pm, 0x1ffffe, &word, 4); /* only its second half is watched */
	CHECK_EQ(s.code_writes, 2);
	CHECK_EQ(s.last_code, 0x200000);
	physmem_watch(pm, 0x200000, 0, PHYS_WATCH_CODE);
	physmem_write(pm, 0x200000, 0, 4);
	CHECK_EQ(s.code_writes, 2);
	physmem_destroy(pm);
}

static void test_watch_kinds(void)
{
	struct seen s;
	struct physmem *pm = create(&s);
	uint32_t word = 0;

	physmem_watch(pm, 0x200000, PHYS_WATCH_TABLE, 0);
	physmem_write(pm, 0x200010, 5, 4);
	CHECK_EQ(s.table_writes, 1);
	CHECK_EQ(s.last_table, 0x200010);
	CHECK_EQ(s.code_writes, 0);
	physmem_watch(pm, 0x200000, PHYS_WATCH_TRANSLATED, 0);
	physmem_dma_write(pm, 0x200020, &word, 4);
	CHECK_EQ(s.table_writes, 2);
	CHECK_EQ(s.code_writes, 1);
	CHECK_EQ(s.last_flags, PHYS_WATCH_TABLE | PHYS_WATCH_TRANSLATED);
	physmem_watch(pm, 0x200000, 0, PHYS_WATCH_TABLE);
	physmem_written(pm, 0x200020, 4);
	CHECK_EQ(s.table_writes, 2);
	CHECK_EQ(s.code_writes, 2);
	physmem_destroy(pm);
}

/* RAM and allocated memory can be mapped again; a caller's own cannot. */
static void test_backing(void)
{
	static uint8_t own[4096] __attribute__((aligned(4096)));
	struct seen s;
	struct physmem *pm = create(&s);
	uint8_t *rom = physmem_alloc(pm, "rom", 0x4000), value = 0;
	uint64_t offset = 0;
	int ram_fd = -1, fd = -1;

	CHECK(rom != NULL);
	rom[0x3010] = 0x5a;
	CHECK(physmem_backing(pm, rom + 0x3000, &fd, &offset));
	CHECK_EQ(offset, 0x3000);
	CHECK_EQ(pread(fd, &value, 1, 0x3010), 1);
	CHECK_EQ(value, 0x5a);
	CHECK(physmem_backing(pm, physmem_ram_ptr(pm, 0x200000, 4096), &ram_fd, &offset));
	CHECK_EQ(offset, 0x200000);
	CHECK(ram_fd != fd);
	CHECK(!physmem_backing(pm, own, &fd, &offset));
	CHECK(!physmem_backing(pm, rom + 0x4000, &fd, &offset) || fd == ram_fd);
	physmem_destroy(pm);
}

static void test_dirty_pages(void)
{
	uint8_t *vram = aligned_alloc(4096, 16 * 4096);
	struct seen s;
	struct physmem *pm = create(&s);
	struct phys_region *r = physmem_add_device_ram(pm, "vram", 16 * 4096, vram);
	uint64_t dirty[1];

	physmem_region_map(r, 0xe0000000, 0);
	CHECK(physmem_region_take_dirty(r, dirty)); /* all, at first */
	CHECK_EQ(dirty[0], 0xffff);
	CHECK(!physmem_region_take_dirty(r, dirty));
	physmem_write(pm, 0xe0003000, 1, 4);
	physmem_write(pm, 0xe0005ffe, 1, 4); /* pages 5 and 6 */
	CHECK(physmem_region_take_dirty(r, dirty));
	CHECK_EQ(dirty[0], 1u << 3 | 1u << 5 | 1u << 6);
	CHECK_EQ(s.watched, 16 + 3); /* only what had been dirty */
	CHECK_EQ(s.last_watched, 0xe0005000);
	CHECK_EQ(s.map_changes, 1);
	CHECK_EQ(s.memory_changes, 0); /* nothing was there */
	physmem_destroy(pm);
	free(vram);
}

/* What walks the map from change to change sees each kind of memory whole. */
static void test_next_change(void)
{
	struct seen s;
	struct physmem *pm = create(&s);
	struct phys_region *r =
		physmem_add_device_ram(pm, "vram", 0x4000, physmem_alloc(pm, "vram", 0x4000));
	gpa_t gpa = 0, next;
	bool found = false;

	physmem_region_map(r, 0xe0000000, 0);
	physmem_set_pam(pm, 0xe4000, 0x4000, PAM_READ_RAM);
	for (; (next = physmem_next_change(pm, gpa)) != UINT64_MAX; gpa = next) {
		struct phys_page first = physmem_lookup(pm, gpa), last = physmem_lookup(pm, next - 1);

		CHECK(next > gpa);
		CHECK_EQ(first.kind, last.kind);
		CHECK(first.region == last.region);
		if (first.host)
			CHECK(last.host == first.host + ((next - 1 - gpa) & ~0xfffull));
		CHECK_EQ(physmem_lookup_write(pm, gpa).kind,
			 physmem_lookup_write(pm, next - 1).kind);
		found |= first.region == r && next - gpa == 0x4000;
	}
	CHECK(found);
	physmem_destroy(pm);
}

/* Writes that went past physmem, told of when a display asks. */
static struct phys_region *written_past;

static void report_writes(void *opaque)
{
	physmem_region_written(written_past, 0x2010, 4);
}

static void test_written_past(void)
{
	struct physmem_listener l = {.report_writes = report_writes};
	struct seen s;
	struct physmem *pm = create(&s);
	uint64_t dirty = 0;

	written_past = physmem_add_device_ram(pm, "vram", 0x4000, physmem_alloc(pm, "vram", 0x4000));
	CHECK(physmem_region_take_dirty(written_past, &dirty));
	CHECK(!physmem_region_take_dirty(written_past, &dirty));
	physmem_set_listener(pm, &l);
	CHECK(physmem_region_take_dirty(written_past, &dirty));
	CHECK_EQ(dirty, 1u << 2);
	physmem_destroy(pm);
}

static void test_above_4g(void)
{
	struct physmem *pm;

	if (physmem_create(&pm, 5ull << 30) != 0)
		return; /* no such amount to be reserved here */
	CHECK_EQ(physmem_ram_below_4g(pm), 3ull << 30);
	CHECK_EQ(physmem_read(pm, 3ull << 30, 4), 0xffffffff);
	physmem_write(pm, 0x100000000ull, 0x1234, 4);
	CHECK_EQ(physmem_read(pm, 0x100000000ull, 4), 0x1234);
	CHECK(physmem_ram_ptr(pm, (3ull << 30) - 4096, 8192) == NULL);
	CHECK_EQ(physmem_read(pm, 0x180000000ull, 4), 0xffffffff);
	physmem_destroy(pm);
}

UNIT_MAIN("physmem", {"ram", test_ram}, {"mmio width", test_mmio_width},
	  {"priority and move", test_priority_and_move}, {"pam", test_pam},
	  {"code watch", test_code_watch}, {"watch kinds", test_watch_kinds},
	  {"backing", test_backing}, {"dirty pages", test_dirty_pages},
	  {"next change", test_next_change}, {"written past physmem", test_written_past},
	  {"above 4 GiB", test_above_4g})
