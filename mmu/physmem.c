/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest physical memory. RAM is one memfd mapped whole; above it lie regions
 * (ROM, device RAM, registers), kept in an array sorted by falling priority
 * that a look-up walks. A machine has about ten, and look-ups are made on TLB
 * misses only, so nothing cleverer pays.
 */
#include "mmu/physmem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mmu/memory_block.h"

#define RAM_LOW_MAX 0xc0000000ull /* the PCI hole starts here at the latest */
#define FOUR_GIB 0x100000000ull
#define PAM_BASE 0xc0000u
#define PAM_END 0x100000u
#define PAM_GRAIN_SHIFT 14 /* the finest PAM segment is 16 KiB */
#define PAM_GRAINS ((PAM_END - PAM_BASE) >> PAM_GRAIN_SHIFT)
#define SMRAM_BASE 0xa0000u
#define SMRAM_END 0xc0000u
#define MAX_REGIONS 64

struct phys_region {
	struct physmem *pm;
	const char *name;
	enum phys_kind kind;
	uint64_t size;
	bool mapped;
	gpa_t base;
	int priority;
	uint8_t *host;  /* ROM, device RAM */
	uint8_t *watch; /* device RAM: flags a page */
	const struct mmio_ops *ops;
	void *opaque;
};

struct physmem {
	struct memory_block blocks[1 + MAX_REGIONS]; /* owned; the first is RAM */
	int block_count;
	uint8_t *ram; /* of the first block */
	uint64_t ram_size, below_4g;
	uint8_t *watch; /* flags a page of RAM */
	struct phys_region *regions[MAX_REGIONS]; /* all; owned */
	int region_count;
	struct phys_region *visible[MAX_REGIONS]; /* mapped, highest priority first */
	int visible_count;
	gpa_t plain_end; /* from PAM_END to here there is nothing but RAM */
	uint8_t pam[PAM_GRAINS]; /* enum pam_mode */
	bool smram_open;
	struct physmem_listener listener;
};

int physmem_create(struct physmem **out, uint64_t ram_size)
{
	struct physmem *pm = calloc(1, sizeof(*pm));
	int err = -ENOMEM;

	if (!pm)
		return err;
	pm->ram_size = ram_size;
	pm->below_4g = ram_size < RAM_LOW_MAX ? ram_size : RAM_LOW_MAX;
	pm->plain_end = pm->below_4g;
	err = memory_block_create(&pm->blocks[0], "guest-ram", ram_size);
	if (err < 0)
		goto fail;
	pm->block_count = 1;
	pm->ram = pm->blocks[0].host;
	err = -ENOMEM;
	pm->watch = calloc(ram_size >> PAGE_SHIFT, 1);
	if (!pm->watch)
		goto fail;
	*out = pm;
	return 0;
fail:
	physmem_destroy(pm);
	return err;
}

void physmem_destroy(struct physmem *pm)
{
	if (!pm)
		return;
	for (int i = 0; i < pm->region_count; i++) {
		free(pm->regions[i]->watch);
		free(pm->regions[i]);
	}
	for (int i = 0; i < pm->block_count; i++)
		memory_block_destroy(&pm->blocks[i]);
	free(pm->watch);
	free(pm);
}

uint8_t *physmem_alloc(struct physmem *pm, const char *name, uint64_t size)
{
	struct memory_block *b = &pm->blocks[pm->block_count];

	assert(pm->block_count <= MAX_REGIONS && size % PAGE_SIZE == 0);
	if (memory_block_create(b, name, size) < 0)
		return NULL;
	pm->block_count++;
	return b->host;
}

/* The block that host lies in; *first: the number of its first frame. NULL: none. */
static const struct memory_block *find_block(const struct physmem *pm, const uint8_t *host,
					     uint32_t *first)
{
	*first = 0;
	for (int i = 0; i < pm->block_count; i++) {
		const struct memory_block *b = &pm->blocks[i];

		if (memory_block_contains(b, host))
			return b;
		/* A number is left out, so that blocks do not seem to continue each other. */
		*first += (uint32_t)(b->size >> PAGE_SHIFT) + 1;
	}
	return NULL;
}

bool physmem_backing(const struct physmem *pm, const uint8_t *host, int *fd, uint64_t *offset)
{
	uint32_t first;
	const struct memory_block *b = find_block(pm, host, &first);

	if (!b)
		return false;
	*fd = b->fd;
	*offset = (uint64_t)(host - b->host);
	return true;
}

void physmem_for_each_fd(const struct physmem *pm, void (*fn)(void *arg, int fd), void *arg)
{
	for (int i = 0; i < pm->block_count; i++)
		fn(arg, pm->blocks[i].fd);
}

uint32_t physmem_frame(const struct physmem *pm, const uint8_t *host)
{
	uint32_t first;
	const struct memory_block *b = find_block(pm, host, &first);

	return b ? first + (uint32_t)((uint64_t)(host - b->host) >> PAGE_SHIFT) : PHYS_NO_FRAME;
}

const uint8_t *physmem_frame_host(const struct physmem *pm, uint32_t frame)
{
	for (int i = 0; i < pm->block_count; i++) {
		uint32_t pages = (uint32_t)(pm->blocks[i].size >> PAGE_SHIFT);

		if (frame < pages)
			return pm->blocks[i].host + ((uint64_t)frame << PAGE_SHIFT);
		frame -= pages + 1;
	}
	return NULL;
}

uint64_t physmem_ram_size(const struct physmem *pm)
{
	return pm->ram_size;
}

void physmem_for_each_memory(const struct physmem *pm,
			     void (*fn)(void *arg, const char *name, const uint8_t *host,
					uint64_t size),
			     void *arg)
{
	fn(arg, "ram", pm->ram, pm->ram_size);
	for (int i = 0; i < pm->region_count; i++) {
		const struct phys_region *r = pm->regions[i];

		if (r->kind == PHYS_RAM)
			fn(arg, r->name, r->host, r->size);
	}
}

uint64_t physmem_ram_below_4g(const struct physmem *pm)
{
	return pm->below_4g;
}

void physmem_set_listener(struct physmem *pm, const struct physmem_listener *l)
{
	pm->listener = *l;
}

static void find_plain(struct physmem *pm)
{
	pm->plain_end = pm->below_4g;
	for (int i = 0; i < pm->visible_count; i++) {
		const struct phys_region *r = pm->visible[i];

		if (r->base + r->size > PAM_END && r->base < pm->plain_end)
			pm->plain_end = r->base;
	}
}

static void map_changed(struct physmem *pm, bool memory)
{
	find_plain(pm);
	if (pm->listener.map_changed)
		pm->listener.map_changed(pm->listener.opaque, memory);
}

static bool is_memory(const struct phys_region *r)
{
	return r->kind != PHYS_MMIO;
}

/* Whether memory may answer in [base, base+size): what covers it is not looked at. */
static bool holds_memory(const struct physmem *pm, gpa_t base, uint64_t size)
{
	if (base < pm->below_4g || (base + size > FOUR_GIB && pm->ram_size > pm->below_4g))
		return true;
	for (int i = 0; i < pm->visible_count; i++) {
		const struct phys_region *r = pm->visible[i];

		if (is_memory(r) && r->base < base + size && base < r->base + r->size)
			return true;
	}
	return false;
}

static struct phys_region *region_add(struct physmem *pm, const char *name, enum phys_kind kind,
				      uint64_t size, uint8_t *host)
{
	struct phys_region *r = calloc(1, sizeof(*r));

	assert(r && pm->region_count < MAX_REGIONS && size % PAGE_SIZE == 0);
	*r = (struct phys_region){
		.pm = pm, .name = name, .kind = kind, .size = size, .host = host};
	pm->regions[pm->region_count++] = r;
	return r;
}

struct phys_region *physmem_add_mmio(struct physmem *pm, const char *name, uint64_t size,
				     const struct mmio_ops *ops, void *opaque)
{
	struct phys_region *r = region_add(pm, name, PHYS_MMIO, size, NULL);

	r->ops = ops;
	r->opaque = opaque;
	return r;
}

struct phys_region *physmem_add_rom(struct physmem *pm, const char *name, uint64_t size,
				    uint8_t *host)
{
	return region_add(pm, name, PHYS_ROM, size, host);
}

struct phys_region *physmem_add_device_ram(struct physmem *pm, const char *name, uint64_t size,
					   uint8_t *host)
{
	struct phys_region *r = region_add(pm, name, PHYS_RAM, size, host);

	r->watch = calloc(size >> PAGE_SHIFT, 1);
	assert(r->watch);
	return r;
}

static void visible_remove(struct phys_region *r)
{
	struct physmem *pm = r->pm;
	int i = 0;

	while (i < pm->visible_count && pm->visible[i] != r)
		i++;
	if (i == pm->visible_count)
		return;
	memmove(&pm->visible[i], &pm->visible[i + 1],
		(size_t)(pm->visible_count - i - 1) * sizeof(pm->visible[0]));
	pm->visible_count--;
}

const char *phys_region_name(const struct phys_region *r)
{
	return r->name;
}

uint64_t phys_region_offset(const struct phys_region *r, const uint8_t *host)
{
	return (uint64_t)(host - r->host);
}

void physmem_region_map(struct phys_region *r, gpa_t base, int priority)
{
	struct physmem *pm = r->pm;
	bool memory;
	int i;

	base &= ~(gpa_t)(PAGE_SIZE - 1);
	if (r->mapped && r->base == base && r->priority == priority)
		return;
	memory = (r->mapped && is_memory(r)) || holds_memory(pm, base, r->size);
	visible_remove(r);
	r->mapped = true;
	r->base = base;
	r->priority = priority;
	for (i = pm->visible_count; i > 0 && pm->visible[i - 1]->priority < priority; i--)
		pm->visible[i] = pm->visible[i - 1];
	pm->visible[i] = r;
	pm->visible_count++;
	LOG(LOG_MMU, "%s at %#llx", r->name, (unsigned long long)base);
	map_changed(pm, memory);
}

void physmem_region_unmap(struct phys_region *r)
{
	if (!r->mapped)
		return;
	visible_remove(r);
	r->mapped = false;
	LOG(LOG_MMU, "%s unmapped", r->name);
	map_changed(r->pm, is_memory(r));
}

void physmem_set_pam(struct physmem *pm, gpa_t base, uint32_t size, enum pam_mode mode)
{
	bool changed = false;

	for (gpa_t a = base; a < base + size; a += 1u << PAM_GRAIN_SHIFT) {
		if (a < PAM_BASE || a >= PAM_END)
			continue;
		changed |= pm->pam[(a - PAM_BASE) >> PAM_GRAIN_SHIFT] != mode;
		pm->pam[(a - PAM_BASE) >> PAM_GRAIN_SHIFT] = mode;
	}
	if (changed)
		map_changed(pm, true);
}

void physmem_set_smram(struct physmem *pm, bool on)
{
	if (pm->smram_open == on)
		return;
	pm->smram_open = on;
	map_changed(pm, true);
}

/* Offset of a guest physical address in the RAM block, or UINT64_MAX. */
static uint64_t ram_offset(const struct physmem *pm, gpa_t gpa)
{
	if (gpa < pm->below_4g)
		return gpa;
	if (gpa >= FOUR_GIB && gpa - FOUR_GIB < pm->ram_size - pm->below_4g)
		return gpa - FOUR_GIB + pm->below_4g;
	return UINT64_MAX;
}

static struct phys_page ram_page(const struct physmem *pm, uint64_t offset)
{
	offset &= ~(uint64_t)(PAGE_SIZE - 1);
	return (struct phys_page){.kind = PHYS_RAM,
				  .host = pm->ram + offset,
				  .watch = &pm->watch[offset >> PAGE_SHIFT]};
}

static struct phys_region *region_at(const struct physmem *pm, gpa_t gpa)
{
	for (int i = 0; i < pm->visible_count; i++)
		if (gpa - pm->visible[i]->base < pm->visible[i]->size)
			return pm->visible[i];
	return NULL;
}

static struct phys_page region_page(struct phys_region *r, gpa_t gpa)
{
	uint64_t offset = (gpa - r->base) & ~(uint64_t)(PAGE_SIZE - 1);

	return (struct phys_page){.kind = r->kind,
				  .host = r->host ? r->host + offset : NULL,
				  .watch = r->watch ? &r->watch[offset >> PAGE_SHIFT] : NULL,
				  .region = r};
}

static struct phys_page lookup(struct physmem *pm, gpa_t gpa, bool write)
{
	uint64_t offset = ram_offset(pm, gpa);
	bool shadowed = false, hidden = false;
	struct phys_region *r;

	if (gpa >= PAM_END && gpa < pm->plain_end) /* most of it */
		return ram_page(pm, gpa);
	if (gpa >= PAM_BASE && gpa < PAM_END) {
		unsigned mode = pm->pam[(gpa - PAM_BASE) >> PAM_GRAIN_SHIFT];

		shadowed = mode & (write ? PAM_WRITE_RAM : PAM_READ_RAM);
		hidden = !shadowed; /* the bus answers, RAM does not */
	} else if (gpa >= SMRAM_BASE && gpa < SMRAM_END) {
		shadowed = pm->smram_open;
		hidden = !shadowed;
	}
	if (shadowed && offset != UINT64_MAX)
		return ram_page(pm, offset);
	r = region_at(pm, gpa);
	if (r)
		return region_page(r, gpa);
	if (offset == UINT64_MAX || hidden)
		return (struct phys_page){.kind = PHYS_NONE};
	return ram_page(pm, offset);
}

struct phys_page physmem_lookup(struct physmem *pm, gpa_t gpa)
{
	return lookup(pm, gpa, false);
}

struct phys_page physmem_lookup_write(struct physmem *pm, gpa_t gpa)
{
	return lookup(pm, gpa, true);
}

static void nearer(gpa_t *next, gpa_t gpa, gpa_t edge)
{
	if (edge > gpa && edge < *next)
		*next = edge;
}

gpa_t physmem_next_change(const struct physmem *pm, gpa_t gpa)
{
	gpa_t next = UINT64_MAX;

	nearer(&next, gpa, pm->below_4g);
	nearer(&next, gpa, FOUR_GIB);
	nearer(&next, gpa, FOUR_GIB + pm->ram_size - pm->below_4g);
	nearer(&next, gpa, SMRAM_BASE);
	for (unsigned i = 0; i <= PAM_GRAINS; i++)
		nearer(&next, gpa, PAM_BASE + ((gpa_t)i << PAM_GRAIN_SHIFT));
	for (int i = 0; i < pm->visible_count; i++) {
		nearer(&next, gpa, pm->visible[i]->base);
		nearer(&next, gpa, pm->visible[i]->base + pm->visible[i]->size);
	}
	return next;
}

bool phys_region_writes_wait(const struct phys_region *r)
{
	return r->kind == PHYS_MMIO && r->ops->writes_wait;
}

/* The widest access that max_size, alignment and what is left allow. */
static unsigned mmio_step(const struct mmio_ops *ops, uint32_t offset, unsigned left)
{
	unsigned step = ops->max_size;

	while (step > left || offset % step)
		step /= 2;
	return step;
}

static uint32_t mmio_read(struct phys_region *r, gpa_t gpa, unsigned size)
{
	uint32_t offset = (uint32_t)(gpa - r->base), value = 0;

	for (unsigned i = 0, step; i < size; i += step) {
		step = mmio_step(r->ops, offset + i, size - i);
		uint32_t part = r->ops->read(r->opaque, offset + i, step);

		if (step < 4)
			part &= (1u << 8 * step) - 1;
		value |= part << 8 * i;
	}
	return value;
}

static void mmio_write(struct phys_region *r, gpa_t gpa, uint32_t value, unsigned size)
{
	uint32_t offset = (uint32_t)(gpa - r->base);

	for (unsigned i = 0, step; i < size; i += step) {
		step = mmio_step(r->ops, offset + i, size - i);
		uint32_t part = value >> 8 * i;

		if (step < 4)
			part &= (1u << 8 * step) - 1;
		r->ops->write(r->opaque, offset + i, part, step);
	}
}

uint32_t physmem_read(struct physmem *pm, gpa_t gpa, unsigned size)
{
	uint32_t in_page = gpa & (PAGE_SIZE - 1), value = UINT32_MAX;
	struct phys_page p;

	if (in_page + size > PAGE_SIZE) {
		value = 0;
		for (unsigned i = 0; i < size; i++)
			value |= physmem_read(pm, gpa + i, 1) << 8 * i;
		return value;
	}
	p = physmem_lookup(pm, gpa);
	if (p.kind == PHYS_MMIO)
		return mmio_read(p.region, gpa, size);
	if (p.kind == PHYS_RAM || p.kind == PHYS_ROM) {
		value = 0;
		memcpy(&value, p.host + in_page, size);
	}
	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

/* Watchers hear of a write of len bytes at gpa, inside one page. */
static void notice_write(struct physmem *pm, uint8_t *watch, gpa_t gpa, uint32_t len)
{
	if (!watch || !*watch)
		return;
	*watch &= (uint8_t)~PHYS_WATCH_DISPLAY;
	if (*watch & PHYS_WATCH_TABLE && pm->listener.table_written)
		pm->listener.table_written(pm->listener.opaque, gpa, len);
	if (*watch & PHYS_WATCH_ANY_CODE && pm->listener.code_written)
		pm->listener.code_written(pm->listener.opaque, gpa, len, *watch);
}

void physmem_write(struct physmem *pm, gpa_t gpa, uint32_t value, unsigned size)
{
	uint32_t in_page = gpa & (PAGE_SIZE - 1);
	struct phys_page p;

	if (in_page + size > PAGE_SIZE) {
		for (unsigned i = 0; i < size; i++)
			physmem_write(pm, gpa + i, value >> 8 * i & 0xff, 1);
		return;
	}
	p = physmem_lookup_write(pm, gpa);
	if (p.kind == PHYS_MMIO) {
		mmio_write(p.region, gpa, value, size);
	} else if (p.kind == PHYS_RAM) {
		memcpy(p.host + in_page, &value, size);
		notice_write(pm, p.watch, gpa, size);
	}
}

void physmem_dma_read(struct physmem *pm, gpa_t gpa, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		struct phys_page p = physmem_lookup(pm, gpa);
		uint32_t in_page = gpa & (PAGE_SIZE - 1);
		size_t n = PAGE_SIZE - in_page < len ? PAGE_SIZE - in_page : len;

		if (p.kind == PHYS_RAM || p.kind == PHYS_ROM)
			memcpy(to, p.host + in_page, n);
		else
			memset(to, 0xff, n);
		to += n;
		gpa += n;
		len -= n;
	}
}

void physmem_dma_write(struct physmem *pm, gpa_t gpa, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	while (len) {
		struct phys_page p = physmem_lookup_write(pm, gpa);
		uint32_t in_page = gpa & (PAGE_SIZE - 1);
		size_t n = PAGE_SIZE - in_page < len ? PAGE_SIZE - in_page : len;

		if (p.kind == PHYS_RAM) {
			memcpy(p.host + in_page, from, n);
			notice_write(pm, p.watch, gpa, (uint32_t)n);
		}
		from += n;
		gpa += n;
		len -= n;
	}
}

uint8_t *physmem_ram_ptr(struct physmem *pm, gpa_t gpa, size_t len)
{
	uint64_t offset = ram_offset(pm, gpa);

	if (offset == UINT64_MAX || !len || len > pm->ram_size ||
	    ram_offset(pm, gpa + len - 1) != offset + len - 1)
		return NULL;
	for (gpa_t page = gpa & ~(gpa_t)(PAGE_SIZE - 1); page < gpa + len; page += PAGE_SIZE) {
		struct phys_page r = physmem_lookup(pm, page), w = physmem_lookup_write(pm, page);

		if (r.kind != PHYS_RAM || r.region || r.host != w.host)
			return NULL;
	}
	return pm->ram + offset;
}

void physmem_written(struct physmem *pm, gpa_t gpa, size_t len)
{
	while (len) {
		struct phys_page p = physmem_lookup_write(pm, gpa);
		uint32_t in_page = gpa & (PAGE_SIZE - 1);
		size_t n = PAGE_SIZE - in_page < len ? PAGE_SIZE - in_page : len;

		notice_write(pm, p.watch, gpa, (uint32_t)n);
		gpa += n;
		len -= n;
	}
}

void physmem_watch(struct physmem *pm, gpa_t gpa, uint8_t set, uint8_t clear)
{
	/* By the page that is read: RAM may be readable now and writable later. */
	struct phys_page p = physmem_lookup(pm, gpa);
	uint8_t before;

	if (!p.watch)
		return;
	before = *p.watch;
	*p.watch = (uint8_t)((before & ~clear) | set);
	if (*p.watch && !before && pm->listener.write_watched)
		pm->listener.write_watched(pm->listener.opaque, gpa & ~(gpa_t)(PAGE_SIZE - 1), 1);
}

/* Pages [first, first+count) of device RAM are watched from now on. */
static void region_watched(struct phys_region *r, uint64_t first, uint64_t count)
{
	const struct physmem_listener *l = &r->pm->listener;

	if (count && r->mapped && l->write_watched)
		l->write_watched(l->opaque, r->base + (first << PAGE_SHIFT), (uint32_t)count);
}

bool physmem_region_take_dirty(struct phys_region *r, uint64_t *dirty)
{
	uint64_t pages = r->size >> PAGE_SHIFT, run = 0, i;
	bool any = false;

	if (r->pm->listener.report_writes)
		r->pm->listener.report_writes(r->pm->listener.opaque);
	memset(dirty, 0, (pages + 63) / 64 * sizeof(*dirty));
	for (i = 0; i < pages; i++) {
		if (r->watch[i] & PHYS_WATCH_DISPLAY) {
			region_watched(r, i - run, run);
			run = 0;
			continue;
		}
		r->watch[i] |= PHYS_WATCH_DISPLAY;
		dirty[i / 64] |= 1ull << i % 64;
		run++;
		any = true;
	}
	region_watched(r, i - run, run);
	return any;
}

void physmem_region_written(struct phys_region *r, uint64_t offset, uint64_t len)
{
	for (uint64_t i = offset >> PAGE_SHIFT; i << PAGE_SHIFT < offset + len; i++)
		r->watch[i] &= (uint8_t)~PHYS_WATCH_DISPLAY;
}
