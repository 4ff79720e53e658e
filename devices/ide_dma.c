/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus-master IDE (SFF-8038i 1.0; 82371SB "Bus Master IDE I/O registers").
 *
 * A drive that has a DMA command leaves its transfer in struct ide_dma; it
 * moves when the guest has set Start. The table of physical regions is the
 * guest's, so that each step is bounded: a chunk is at most 1 MiB and 1024
 * descriptors, and is one request to the back end, straight to and from
 * guest RAM. Where a descriptor names anything but RAM the chunk goes through
 * the drive's buffer.
 *
 * Status after a transfer tells how table and command compare (SFF-8038i
 * 3.1): Active stays set when the table is longer; with a table that is too
 * short, Active clears and the drive goes on waiting, without an interrupt.
 */
#include "devices/ide_internal.h"

#include <string.h>

#include "base/log.h"

#define BM_PORTS 8u /* registers of a channel */
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4 };

#define BM_START 0x01u
#define BM_TO_MEMORY 0x08u
#define BM_ACTIVE 0x01u
#define BM_ERROR 0x02u
#define BM_DRIVE_CAPABLE 0x60u

#define PRD_EOT 0x80000000u
#define PRD_BYTES 8u
#define CHUNK_MAX (1024u * 1024)

/* ---- The table of physical regions ---- */

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The table lies within 64 KiB; a count of 0 means 64 KiB. */
static bool fetch_descriptor(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;
	uint8_t prd[PRD_BYTES];
	uint32_t count;

	if (dma->last)
		return false;
	bus_dma_read(ch->bus, dma->next, prd, sizeof(prd));
	dma->next = (dma->next & ~0xffffu) | ((dma->next + PRD_BYTES) & 0xffffu);
	dma->address = get_le32(prd) & ~1u;
	count = get_le32(prd + 4);
	dma->last = count & PRD_EOT;
	dma->length = count & 0xfffe ? count & 0xfffe : 0x10000;
	return true;
}

/* Collects up to want bytes of memory. Returns how many there are. */
static uint32_t gather(struct ide_channel *ch, uint32_t want)
{
	struct ide_dma *dma = &ch->dma;
	uint32_t total = 0;

	dma->segment_count = 0;
	while (total < want && dma->segment_count < IDE_DMA_SEGMENTS) {
		struct ide_dma_segment *s = &dma->segments[dma->segment_count];

		if (!dma->length && !fetch_descriptor(ch))
			break;
		s->address = dma->address;
		s->length = dma->length < want - total ? dma->length : want - total;
		dma->address += s->length;
		dma->length -= s->length;
		total += s->length;
		dma->segment_count++;
	}
	return total;
}

struct cursor {
	uint32_t next, address, length;
	bool last;
};

static struct cursor save_cursor(const struct ide_dma *dma)
{
	return (struct cursor){dma->next, dma->address, dma->length, dma->last};
}

static void restore_cursor(struct ide_dma *dma, struct cursor c)
{
	dma->next = c.next;
	dma->address = c.address;
	dma->length = c.length;
	dma->last = c.last;
}

/* The same, in whole sectors, but for a table that ends within one. */
static uint32_t gather_sectors(struct ide_channel *ch, uint32_t want)
{
	struct cursor start = save_cursor(&ch->dma);
	uint32_t total = gather(ch, want);
	uint32_t whole = total - total % ch->dma.granule;

	if (whole == total || !whole)
		return whole;
	restore_cursor(&ch->dma, start);
	return gather(ch, whole);
}

/* ---- Moving bytes ---- */

static bool map_segments(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;
	struct physmem *pm = bus_physmem(ch->bus);

	for (unsigned i = 0; i < dma->segment_count; i++) {
		const struct ide_dma_segment *s = &dma->segments[i];
		uint8_t *host = pm ? physmem_ram_ptr(pm, s->address, s->length) : NULL;

		if (!host)
			return false;
		dma->iov[i] = (struct iovec){host, s->length};
	}
	return true;
}

static void copy_segments(struct ide_channel *ch, uint8_t *buffer, bool to_memory)
{
	for (unsigned i = 0; i < ch->dma.segment_count; i++) {
		const struct ide_dma_segment *s = &ch->dma.segments[i];

		if (to_memory)
			bus_dma_write(ch->bus, s->address, buffer, s->length);
		else
			bus_dma_read(ch->bus, s->address, buffer, s->length);
		buffer += s->length;
	}
}

/* The back end has written to guest RAM behind the back of watchers. */
static void tell_watchers(struct ide_channel *ch)
{
	struct physmem *pm = bus_physmem(ch->bus);

	for (unsigned i = 0; i < ch->dma.segment_count; i++)
		physmem_written(pm, ch->dma.segments[i].address, ch->dma.segments[i].length);
}

static void finish(struct ide_channel *ch, int error)
{
	struct ide_drive *d = ch->dma.drive;

	ch->dma.drive = NULL;
	if (!error && ch->dma.last && !ch->dma.length)
		ch->dma.status &= (uint8_t)~BM_ACTIVE;
	d->phase = IDE_IDLE;
	d->ops->dma_done(d, error);
}

static void advance(struct ide_channel *ch)
{
	ch->dma.offset += ch->dma.chunk;
	ch->dma.left -= ch->dma.chunk;
	if (!ch->dma.left)
		finish(ch, 0);
	else
		ide_dma_run(ch);
}

static void chunk_done(struct block_request *req, int error)
{
	struct ide_channel *ch = req->opaque;
	struct ide_dma *dma = &ch->dma;

	dma->in_flight = false;
	if (dma->to_memory && !dma->bounced)
		tell_watchers(ch);
	else if (dma->to_memory && !error)
		copy_segments(ch, dma->drive->buffer, true);
	if (error)
		finish(ch, error);
	else
		advance(ch);
}

static void submit_chunk(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;

	if (dma->bounced && !dma->to_memory)
		copy_segments(ch, dma->drive->buffer, false);
	dma->req = (struct block_request){
		.op = dma->to_memory ? BLOCK_READ : BLOCK_WRITE,
		.offset = dma->offset,
		.buf = dma->drive->buffer,
		.len = dma->chunk,
		.iov = dma->bounced ? NULL : dma->iov,
		.iov_count = dma->segment_count,
		.done = chunk_done,
		.opaque = ch,
	};
	dma->in_flight = true;
	blockdev_submit(dma->drive->blk, &dma->req);
}

/* Gathers the next chunk; false when the table has come to its end. */
static bool prepare_chunk(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;
	struct cursor start = save_cursor(dma);
	uint32_t want = dma->left < CHUNK_MAX ? (uint32_t)dma->left : CHUNK_MAX;

	if (dma->from_buffer) {
		dma->chunk = gather(ch, want);
		return dma->chunk != 0;
	}
	dma->chunk = gather_sectors(ch, want);
	dma->bounced = !map_segments(ch);
	if (dma->bounced && dma->chunk > IDE_BUFFER_SIZE) {
		restore_cursor(dma, start);
		dma->chunk = gather_sectors(ch, IDE_BUFFER_SIZE - IDE_BUFFER_SIZE % dma->granule);
	}
	return dma->chunk != 0;
}

static void step(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;

	if (!dma->drive || dma->in_flight || !(dma->status & BM_ACTIVE) ||
	    !pci_may_master(ch->pci))
		return;
	if (!prepare_chunk(ch)) {
		LOG(LOG_GUEST, "ide %u: descriptors end %llu bytes before the data",
		    dma->drive->number, (unsigned long long)dma->left);
		dma->status &= (uint8_t)~BM_ACTIVE;
		return;
	}
	if (dma->from_buffer) {
		copy_segments(ch, dma->drive->buffer + dma->offset, true);
		advance(ch);
	} else {
		submit_chunk(ch);
	}
}

/* Back ends may complete within submit: loops rather than recurses. */
void ide_dma_run(struct ide_channel *ch)
{
	if (ch->dma.running) {
		ch->dma.again = true;
		return;
	}
	ch->dma.running = true;
	do {
		ch->dma.again = false;
		step(ch);
	} while (ch->dma.again);
	ch->dma.running = false;
}

/* ---- What drives call ---- */

static bool start(struct ide_drive *d)
{
	d->phase = IDE_DMA;
	d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
	if (d->channel->dma.drive)
		return false; /* the guest gave both drives a DMA command */
	d->channel->dma.drive = d;
	return true;
}

void ide_dma_medium(struct ide_drive *d, bool to_memory, uint64_t offset, uint64_t len,
		    uint32_t granule)
{
	struct ide_dma *dma = &d->channel->dma;

	if (!start(d))
		return;
	dma->to_memory = to_memory;
	dma->from_buffer = false;
	dma->offset = offset;
	dma->left = len;
	dma->granule = granule;
	ide_dma_run(d->channel);
}

void ide_dma_buffer(struct ide_drive *d, uint32_t len)
{
	struct ide_dma *dma = &d->channel->dma;

	if (!start(d))
		return;
	dma->to_memory = true;
	dma->from_buffer = true;
	dma->offset = 0;
	dma->left = len;
	ide_dma_run(d->channel);
}

/* Guest memory must not change any more once the transfer is called off. */
static void stop_request(struct ide_channel *ch)
{
	struct ide_dma *dma = &ch->dma;

	if (!dma->in_flight)
		return;
	blockdev_cancel_all(dma->drive->blk);
	dma->in_flight = false;
	if (dma->to_memory && !dma->bounced)
		tell_watchers(ch);
}

void ide_dma_abort(struct ide_drive *d)
{
	struct ide_channel *ch = d->channel;

	if (ch->dma.drive != d)
		return;
	stop_request(ch);
	ch->dma.drive = NULL;
}

void ide_dma_reset(struct ide_channel *ch)
{
	if (ch->dma.drive)
		ide_drive_abort(ch->dma.drive);
	ch->dma.command = 0;
	ch->dma.status = 0;
	ch->dma.table = 0;
}

/* ---- Registers ---- */

/*
 * Setting Start makes the bus master fetch the table from its beginning;
 * clearing it ends what it does. The drive is not told: it goes on waiting
 * until it is reset or Start is set again.
 */
static void command_write(struct ide_channel *ch, uint8_t value)
{
	struct ide_dma *dma = &ch->dma;
	uint8_t old = dma->command;

	dma->command = value & (BM_START | BM_TO_MEMORY);
	if (~old & value & BM_START) {
		dma->status |= BM_ACTIVE;
		dma->next = dma->table;
		dma->length = 0;
		dma->last = false;
		ide_dma_run(ch);
	} else if (old & ~value & BM_START) {
		stop_request(ch);
		dma->status &= (uint8_t)~BM_ACTIVE;
	}
}

static void status_write(struct ide_dma *dma, uint8_t value)
{
	uint8_t cleared = value & (BM_ERROR | IDE_DMA_INTERRUPT);

	dma->status = (uint8_t)((dma->status & ~BM_DRIVE_CAPABLE & ~cleared) |
				(value & BM_DRIVE_CAPABLE));
}

static void ports_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct ide_channel *ch = (struct ide_channel *)opaque + (port / BM_PORTS) % 2;
	unsigned shift = port % 4 * 8;

	switch (port % BM_PORTS) {
	case BM_COMMAND:
		command_write(ch, (uint8_t)value);
		break;
	case BM_STATUS:
		status_write(&ch->dma, (uint8_t)value);
		break;
	case BM_TABLE:
	case BM_TABLE + 1:
	case BM_TABLE + 2:
	case BM_TABLE + 3:
		ch->dma.table = (ch->dma.table & ~(0xffu << shift)) | (value & 0xff) << shift;
		ch->dma.table &= ~3u;
		break;
	}
}

static uint32_t ports_read(void *opaque, uint16_t port, unsigned size)
{
	struct ide_channel *ch = (struct ide_channel *)opaque + (port / BM_PORTS) % 2;

	switch (port % BM_PORTS) {
	case BM_COMMAND:
		return ch->dma.command;
	case BM_STATUS:
		return ch->dma.status;
	case BM_TABLE:
	case BM_TABLE + 1:
	case BM_TABLE + 2:
	case BM_TABLE + 3:
		return ch->dma.table >> (port % 4 * 8) & 0xff;
	}
	return 0;
}

const struct port_ops ide_dma_ports = {ports_read, ports_write, 1};
