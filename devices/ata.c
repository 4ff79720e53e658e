/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hard disk: addresses, PIO and DMA transfers, ends of commands (ATA/ATAPI-6,
 * chapters 6 and 9). The commands themselves are in ata_commands.c.
 *
 * PIO reads fetch as much as the buffer holds in one request and hand it out
 * in DRQ blocks; PIO writes are collected in the same way. DMA goes past the
 * buffer (ide_dma.c).
 */
#include "devices/ide_internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define BUFFER_SECTORS (IDE_BUFFER_SIZE / ATA_SECTOR)

uint64_t ata_sectors(const struct ide_drive *d)
{
	return d->blk->size / ATA_SECTOR;
}

/* ---- Ends of commands ---- */

static void idle(struct ide_drive *d)
{
	d->phase = IDE_IDLE;
	d->status = ATA_DRDY | ATA_DSC;
}

void ata_done(struct ide_drive *d)
{
	idle(d);
	ide_raise_irq(d);
}

void ata_failed(struct ide_drive *d, uint8_t error)
{
	d->phase = IDE_IDLE;
	d->error = error;
	d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
	ide_raise_irq(d);
}

void ata_abort(struct ide_drive *d)
{
	ata_failed(d, ATA_ABRT);
}

/* ---- Addresses ---- */

static uint64_t chs_to_lba(const struct ide_drive *d)
{
	const struct ide_geometry *g = &d->disk.current;
	unsigned cylinder = d->regs.high << 8 | d->regs.mid, head = d->device & ATA_HEAD;

	if (!d->regs.low || d->regs.low > g->sectors || head >= g->heads)
		return UINT64_MAX;
	return ((uint64_t)cylinder * g->heads + head) * g->sectors + d->regs.low - 1;
}

static uint64_t low_24_bits(const struct ide_taskfile *t)
{
	return (uint64_t)t->high << 16 | t->mid << 8 | t->low;
}

uint64_t ata_get_address(const struct ide_drive *d, bool extended)
{
	if (extended)
		return low_24_bits(&d->older) << 24 | low_24_bits(&d->regs);
	if (d->device & ATA_LBA)
		return (uint64_t)(d->device & ATA_HEAD) << 24 | low_24_bits(&d->regs);
	return chs_to_lba(d);
}

static void set_low_24_bits(struct ide_taskfile *t, uint64_t value)
{
	t->low = (uint8_t)value;
	t->mid = (uint8_t)(value >> 8);
	t->high = (uint8_t)(value >> 16);
}

static void set_chs(struct ide_drive *d, uint64_t lba)
{
	const struct ide_geometry *g = &d->disk.current;
	uint64_t track = lba / g->sectors;

	d->regs.low = (uint8_t)(lba % g->sectors + 1);
	d->device = (uint8_t)((d->device & ~ATA_HEAD) | track % g->heads);
	d->regs.mid = (uint8_t)(track / g->heads);
	d->regs.high = (uint8_t)(track / g->heads >> 8);
}

void ata_set_address(struct ide_drive *d, uint64_t lba)
{
	if (d->disk.extended) {
		set_low_24_bits(&d->regs, lba);
		set_low_24_bits(&d->older, lba >> 24);
	} else if (d->device & ATA_LBA) {
		set_low_24_bits(&d->regs, lba);
		d->device = (uint8_t)((d->device & ~ATA_HEAD) | (lba >> 24 & ATA_HEAD));
	} else {
		set_chs(d, lba);
	}
}

static uint32_t get_count(const struct ide_drive *d, bool extended)
{
	uint32_t count = extended ? (uint32_t)d->older.count << 8 | d->regs.count : d->regs.count;

	return count ? count : extended ? 65536 : 256;
}

bool ata_take_range(struct ide_drive *d, bool extended)
{
	uint64_t lba = ata_get_address(d, extended), sectors = ata_sectors(d);
	uint32_t count = get_count(d, extended);

	d->disk.extended = extended;
	d->disk.standby = false;
	if (lba >= sectors || count > sectors - lba) {
		LOG(LOG_GUEST, "ide %u: sector %llu and %u more lie beyond the end", d->number,
		    (unsigned long long)lba, count - 1);
		ata_failed(d, ATA_IDNF);
		return false;
	}
	d->disk.lba = lba;
	d->disk.left = count;
	return true;
}

void ata_range_done(struct ide_drive *d)
{
	ata_set_address(d, d->disk.lba - 1);
	d->regs.count = 0;
	if (d->disk.extended)
		d->older.count = 0;
}

/* ---- PIO reads ---- */

static void fetch(struct ide_drive *d)
{
	uint32_t n = d->disk.left < BUFFER_SECTORS ? d->disk.left : BUFFER_SECTORS;

	d->disk.writing = false;
	d->disk.filled = n * ATA_SECTOR;
	ide_submit(d, BLOCK_READ, d->disk.lba * ATA_SECTOR, d->buffer, d->disk.filled);
}

static void offer_block(struct ide_drive *d, uint32_t pos)
{
	uint32_t end = pos + d->disk.block * ATA_SECTOR;

	ide_pio_block(d, IDE_PIO_IN, pos, end < d->disk.filled ? end : d->disk.filled);
	ide_raise_irq(d);
}

void ata_send_sector(struct ide_drive *d)
{
	d->disk.left = 0;
	d->disk.filled = ATA_SECTOR;
	d->disk.block = 1;
	offer_block(d, 0);
}

void ata_start_read(struct ide_drive *d, bool extended, uint32_t block)
{
	if (!ata_take_range(d, extended))
		return;
	d->disk.block = block;
	fetch(d);
}

static void block_read(struct ide_drive *d)
{
	if (d->end < d->disk.filled)
		offer_block(d, d->end);
	else if (d->disk.left)
		fetch(d);
	else
		idle(d); /* no interrupt after the last block of a read */
}

/* ---- PIO writes ---- */

static void ask_block(struct ide_drive *d, uint32_t pos)
{
	uint32_t n = d->disk.left < BUFFER_SECTORS ? d->disk.left : BUFFER_SECTORS;
	uint32_t end = pos + d->disk.block * ATA_SECTOR;

	d->disk.filled = n * ATA_SECTOR;
	ide_pio_block(d, IDE_PIO_OUT, pos, end < d->disk.filled ? end : d->disk.filled);
}

static bool refuse_write(struct ide_drive *d)
{
	if (!d->blk->read_only)
		return false;
	ata_abort(d);
	return true;
}

void ata_start_write(struct ide_drive *d, bool extended, uint32_t block)
{
	if (refuse_write(d) || !ata_take_range(d, extended))
		return;
	d->disk.block = block;
	d->disk.writing = true;
	ask_block(d, 0); /* no interrupt before the first block of a write */
}

static void block_written(struct ide_drive *d)
{
	if (d->end == d->disk.filled) {
		ide_submit(d, BLOCK_WRITE, d->disk.lba * ATA_SECTOR, d->buffer, d->disk.filled);
		return;
	}
	ask_block(d, d->end);
	ide_raise_irq(d);
}

static void ata_block_done(struct ide_drive *d)
{
	if (d->phase == IDE_PIO_OUT)
		block_written(d);
	else
		block_read(d);
}

/* ---- What the back end answers ---- */

void ata_flush(struct ide_drive *d)
{
	d->disk.flushing = true;
	ide_submit(d, BLOCK_FLUSH, 0, NULL, 0);
}

/* With the write cache off, written means on the medium. */
static void write_done(struct ide_drive *d)
{
	ata_range_done(d);
	if (d->disk.write_cache)
		ata_done(d);
	else
		ata_flush(d);
}

static void backend_failed(struct ide_drive *d, int error)
{
	LOG(LOG_IDE, "ide %u: %s at sector %llu: %s", d->number,
	    d->disk.writing ? "write" : "read", (unsigned long long)d->disk.lba,
	    strerror(-error));
	if (!d->disk.flushing)
		ata_set_address(d, d->disk.lba);
	ata_failed(d, d->disk.writing || d->disk.flushing ? ATA_ABRT : ATA_UNC);
	d->disk.flushing = false;
}

static void ata_io_done(struct ide_drive *d, int error)
{
	uint32_t moved = d->disk.filled / ATA_SECTOR;

	if (error) {
		backend_failed(d, error);
		return;
	}
	if (d->disk.flushing) {
		d->disk.flushing = false;
		ata_done(d);
		return;
	}
	d->disk.lba += moved;
	d->disk.left -= moved;
	if (!d->disk.left)
		ata_range_done(d);
	if (!d->disk.writing) {
		offer_block(d, 0);
	} else if (d->disk.left) {
		ask_block(d, 0);
		ide_raise_irq(d);
	} else {
		write_done(d);
	}
}

/* ---- DMA ---- */

void ata_start_dma(struct ide_drive *d, bool extended, bool write)
{
	if ((write && refuse_write(d)) || !ata_take_range(d, extended))
		return;
	d->disk.writing = write;
	ide_dma_medium(d, !write, d->disk.lba * ATA_SECTOR, (uint64_t)d->disk.left * ATA_SECTOR,
		       ATA_SECTOR);
}

static void ata_dma_done(struct ide_drive *d, int error)
{
	if (error) {
		d->disk.lba = d->channel->dma.offset / ATA_SECTOR;
		backend_failed(d, error);
		return;
	}
	d->disk.lba += d->disk.left;
	d->disk.left = 0;
	if (d->disk.writing) {
		write_done(d);
	} else {
		ata_range_done(d);
		ata_done(d);
	}
}

/* ---- Resets ---- */

static void ata_reset(struct ide_drive *d, bool hard)
{
	d->disk.flushing = false;
	if (!hard)
		return;
	d->disk = (struct ide_disk){
		.current = ide_disk_geometry(d->blk),
		.multiple = ATA_MAX_MULTIPLE,
		.transfer_mode = ATA_UDMA_5,
		.write_cache = true,
		.look_ahead = true,
	};
}

static void ata_signature(struct ide_drive *d)
{
	d->regs = (struct ide_taskfile){.count = 1, .low = 1};
	d->device = 0xa0;
	d->error = 1; /* diagnostic code: passed */
	d->status = ATA_DRDY | ATA_DSC;
}

/* The image was taken away (HMP eject); what was under way has failed. */
static void ata_media_changed(struct ide_drive *d)
{
	if (d->phase != IDE_BACKEND && d->phase != IDE_DMA)
		return;
	ide_drive_abort(d);
	d->disk.flushing = false;
	ata_abort(d);
}

const struct ide_drive_ops ata_ops = {
	.command = ata_command,
	.block_done = ata_block_done,
	.io_done = ata_io_done,
	.dma_done = ata_dma_done,
	.reset = ata_reset,
	.signature = ata_signature,
	.media_changed = ata_media_changed,
};
