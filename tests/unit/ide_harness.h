/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of nothing but memory, PCI and the IDE controller, driven the way
 * a guest's driver does; and a back end that completes when the test says.
 */
#ifndef TESTS_IDE_HARNESS_H
#define TESTS_IDE_HARNESS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/ide.h"
#include "tests/unit/unit.h"

#define RAM_BYTES (8u << 20)
#define PRIMARY 0x1f0
#define SECONDARY 0x170
#define BM_BASE 0xc000
#define TABLE_AT 0x1000u /* where dma_table() puts descriptors */

enum { BSY = 0x80, DRDY = 0x40, DF = 0x20, DSC = 0x10, DRQ = 0x08, ERR = 0x01 };

/* ---- A back end that holds requests ---- */

struct held_blockdev {
	struct blockdev b;
	struct blockdev *memory; /* does the work */
	struct block_request *held;
	bool hold;
	int fail;      /* -errno for every request; 0: none */
	int submitted; /* how many requests there were */
	size_t largest;
	int flushes;
};

static inline void held_submit(struct blockdev *b, struct block_request *req)
{
	struct held_blockdev *h = (struct held_blockdev *)b;

	h->submitted++;
	h->flushes += req->op == BLOCK_FLUSH;
	if (req->len > h->largest)
		h->largest = req->len;
	if (h->fail)
		req->done(req, h->fail);
	else if (h->hold)
		h->held = req;
	else
		h->memory->ops->submit(h->memory, req);
}

static inline void held_release(struct held_blockdev *h)
{
	struct block_request *req = h->held;

	h->held = NULL;
	if (req)
		h->memory->ops->submit(h->memory, req);
}

static inline void held_cancel_all(struct blockdev *b)
{
	((struct held_blockdev *)b)->held = NULL;
}

static inline void held_destroy(struct blockdev *b)
{
	blockdev_destroy(((struct held_blockdev *)b)->memory);
	free(b);
}

static const struct blockdev_ops held_ops = {held_submit, held_cancel_all, held_destroy};

static inline struct held_blockdev *held_create(void *data, uint64_t size, bool read_only)
{
	struct held_blockdev *h = calloc(1, sizeof(*h));

	h->memory = blockdev_create_memory(data, size, read_only);
	h->b = *h->memory;
	h->b.ops = &held_ops;
	return h;
}

/* ---- The machine ---- */

struct rig {
	struct physmem *pm;
	struct bus *bus;
	struct pci_bus *pci;
	struct clock *clock;
	struct piix3_ide *ide;
	uint8_t *data[IDE_DRIVES]; /* the images */
	struct held_blockdev *drives[IDE_DRIVES];
	int irq[2];    /* levels */
	int edges[2];  /* how often they went up */
	uint16_t base; /* the channel that the helpers below use */
};

static inline void rig_irq(void *opaque, int n, int level)
{
	struct rig *r = opaque;

	if (level && !r->irq[n])
		r->edges[n]++;
	r->irq[n] = level;
}

#define IDE_DEVFN ((1 << 3) | 1)

static inline uint8_t *ram_at(struct rig *r, gpa_t gpa)
{
	return physmem_ram_ptr(r->pm, gpa, 1);
}

/* What firmware does: decode, I/O, bus master, the BAR. */
static inline void rig_enable(struct rig *r)
{
	pci_config_write(r->pci, IDE_DEVFN, 0x40, 0x80008000, 4);
	pci_config_write(r->pci, IDE_DEVFN, 0x20, BM_BASE, 4);
	pci_config_write(r->pci, IDE_DEVFN, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
}

/* sizes in bytes; 0: no drive. A CD has is_cd set. Images hold a pattern. */
static inline struct rig *rig_create(const uint64_t sizes[IDE_DRIVES], const bool is_cd[IDE_DRIVES])
{
	struct rig *r = calloc(1, sizeof(*r));
	struct piix3_ide_wiring w = {.slot = 1, .function = 1};

	CU_ASSERT_FATAL(physmem_create(&r->pm, RAM_BYTES) == 0);
	r->bus = bus_create(r->pm);
	r->pci = pci_bus_create(r->bus);
	r->clock = clock_create_stepped();
	w.bus = r->bus;
	w.pci = r->pci;
	w.clock = r->clock;
	for (int i = 0; i < IDE_DRIVES; i++) {
		if (!sizes[i])
			continue;
		r->data[i] = malloc(sizes[i]);
		for (uint64_t at = 0; at < sizes[i]; at++)
			r->data[i][at] = (uint8_t)(at / 512 * 7 + at % 512 + i);
		r->drives[i] = held_create(r->data[i], sizes[i], is_cd && is_cd[i]);
		w.drives[i] = &r->drives[i]->b;
		w.is_cd[i] = is_cd && is_cd[i];
	}
	for (int n = 0; n < 2; n++)
		w.irq[n] = (struct irq_line){rig_irq, r, n};
	r->ide = piix3_ide_create(&w);
	CU_ASSERT_FATAL(r->ide != NULL);
	r->base = PRIMARY;
	rig_enable(r);
	return r;
}

static inline void rig_destroy(struct rig *r)
{
	piix3_ide_class.destroy(r->ide);
	for (int i = 0; i < IDE_DRIVES; i++) {
		if (r->drives[i])
			blockdev_destroy(&r->drives[i]->b);
		free(r->data[i]);
	}
	pci_bus_destroy(r->pci);
	bus_destroy(r->bus);
	physmem_destroy(r->pm);
	clock_destroy(r->clock);
	free(r);
}

/* ---- What a driver does ---- */

static inline uint8_t in(struct rig *r, unsigned reg)
{
	return (uint8_t)bus_port_read(r->bus, (uint16_t)(r->base + reg), 1);
}

static inline void out(struct rig *r, unsigned reg, uint8_t value)
{
	bus_port_write(r->bus, (uint16_t)(r->base + reg), value, 1);
}

static inline uint8_t alt_status(struct rig *r)
{
	return (uint8_t)bus_port_read(r->bus, (uint16_t)(r->base + 0x206), 1);
}

static inline void control(struct rig *r, uint8_t value)
{
	bus_port_write(r->bus, (uint16_t)(r->base + 0x206), value, 1);
}

/* LBA28 command to drive dev (0, 1). */
static inline void command28(struct rig *r, int dev, uint8_t cmd, uint32_t lba, uint8_t count)
{
	out(r, 6, (uint8_t)(0xe0 | dev << 4 | lba >> 24));
	out(r, 2, count);
	out(r, 3, (uint8_t)lba);
	out(r, 4, (uint8_t)(lba >> 8));
	out(r, 5, (uint8_t)(lba >> 16));
	out(r, 7, cmd);
}

static inline void command48(struct rig *r, int dev, uint8_t cmd, uint64_t lba, uint16_t count)
{
	out(r, 6, (uint8_t)(0xe0 | dev << 4));
	out(r, 2, (uint8_t)(count >> 8));
	out(r, 3, (uint8_t)(lba >> 24));
	out(r, 4, (uint8_t)(lba >> 32));
	out(r, 5, (uint8_t)(lba >> 40));
	out(r, 2, (uint8_t)count);
	out(r, 3, (uint8_t)lba);
	out(r, 4, (uint8_t)(lba >> 8));
	out(r, 5, (uint8_t)(lba >> 16));
	out(r, 7, cmd);
}

static inline void read_data(struct rig *r, void *buf, size_t len)
{
	uint8_t *to = buf;

	for (size_t i = 0; i + 1 < len; i += 2) {
		uint16_t v = (uint16_t)bus_port_read(r->bus, r->base, 2);

		memcpy(to + i, &v, 2);
	}
	if (len & 1)
		to[len - 1] = (uint8_t)bus_port_read(r->bus, r->base, 2);
}

static inline void write_data(struct rig *r, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	for (size_t i = 0; i < len; i += 2)
		bus_port_write(r->bus, r->base, from[i] | (uint32_t)from[i + 1] << 8, 2);
}

static inline uint16_t bm_port(struct rig *r, unsigned reg)
{
	return (uint16_t)(BM_BASE + (r->base == SECONDARY ? 8 : 0) + reg);
}

static inline uint8_t bm_status(struct rig *r)
{
	return (uint8_t)bus_port_read(r->bus, bm_port(r, 2), 1);
}

/* Entry n of the table at TABLE_AT. */
static inline void dma_entry(struct rig *r, unsigned n, uint32_t address, uint32_t count, bool last)
{
	physmem_write(r->pm, TABLE_AT + 8 * n, address, 4);
	physmem_write(r->pm, TABLE_AT + 8 * n + 4, (count & 0xffff) | (uint32_t)last << 31, 4);
}

static inline void dma_prepare(struct rig *r, bool to_memory)
{
	bus_port_write(r->bus, bm_port(r, 0), 0, 1);
	bus_port_write(r->bus, bm_port(r, 4), TABLE_AT, 4);
	bus_port_write(r->bus, bm_port(r, 0), to_memory ? 8 : 0, 1);
	bus_port_write(r->bus, bm_port(r, 2), 0x66, 1);
}

static inline void dma_start(struct rig *r)
{
	uint8_t cmd = (uint8_t)bus_port_read(r->bus, bm_port(r, 0), 1);

	bus_port_write(r->bus, bm_port(r, 0), cmd | 1u, 1);
}

static inline void dma_stop(struct rig *r)
{
	uint8_t cmd = (uint8_t)bus_port_read(r->bus, bm_port(r, 0), 1);

	bus_port_write(r->bus, bm_port(r, 0), cmd & ~1u, 1);
}

#endif
