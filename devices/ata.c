/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hard disk: the ATA commands (ATA/ATAPI-6, chapter 8).
 *
 * PIO reads fetch as much as the buffer holds in one request and hand it out
 * in DRQ blocks; PIO writes are collected in the same way. DMA goes past the
 * buffer (ide_dma.c).
 *
 * Left out, and aborted as an unknown command is: SMART, security, queued
 * commands, READ/WRITE LONG, SET MAX ADDRESS, formatting. Power states are
 * accepted, and only CHECK POWER MODE shows them.
 */
#include "devices/ide_internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define BUFFER_SECTORS (IDE_BUFFER_SIZE / ATA_SECTOR)
#define MAX_MULTIPLE 16u

/* SET FEATURES subcommands (8.46). */
enum {
	FEATURE_WRITE_CACHE_ON = 0x02,
	FEATURE_TRANSFER_MODE = 0x03,
	FEATURE_NO_LOOK_AHEAD = 0x55,
	FEATURE_KEEP_ON_RESET = 0x66,
	FEATURE_WRITE_CACHE_OFF = 0x82,
	FEATURE_LOOK_AHEAD = 0xaa,
	FEATURE_REVERT_ON_RESET = 0xcc,
};

/* Transfer modes, bits 7:3 of the count (table 44). */
enum { MODE_PIO_DEFAULT = 0, MODE_PIO = 1, MODE_MWDMA = 4, MODE_UDMA = 8 };

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

static void done(struct ide_drive *d)
{
	idle(d);
	ide_raise_irq(d);
}

static void failed(struct ide_drive *d, uint8_t error)
{
	d->phase = IDE_IDLE;
	d->error = error;
	d->status = ATA_DRDY | ATA_DSC | ATA_ERR;
	ide_raise_irq(d);
}

static void cmd_abort(struct ide_drive *d)
{
	failed(d, ATA_ABRT);
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

static uint64_t get_address(const struct ide_drive *d, bool extended)
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

/* The registers name the sector at which a command ended. */
static void set_address(struct ide_drive *d, uint64_t lba)
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

/* Takes the range from the registers; ends the command if it is not there. */
static bool take_range(struct ide_drive *d, bool extended)
{
	uint64_t lba = get_address(d, extended), sectors = ata_sectors(d);
	uint32_t count = get_count(d, extended);

	d->disk.extended = extended;
	d->disk.standby = false;
	if (lba >= sectors || count > sectors - lba) {
		LOG(LOG_GUEST, "ide %u: sector %llu and %u more lie beyond the end", d->number,
		    (unsigned long long)lba, count - 1);
		failed(d, ATA_IDNF);
		return false;
	}
	d->disk.lba = lba;
	d->disk.left = count;
	return true;
}

static void range_done(struct ide_drive *d)
{
	set_address(d, d->disk.lba - 1);
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

static void start_read(struct ide_drive *d, bool extended, uint32_t block)
{
	if (!take_range(d, extended))
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
	cmd_abort(d);
	return true;
}

static void start_write(struct ide_drive *d, bool extended, uint32_t block)
{
	if (refuse_write(d) || !take_range(d, extended))
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

static void flush(struct ide_drive *d)
{
	d->disk.flushing = true;
	ide_submit(d, BLOCK_FLUSH, 0, NULL, 0);
}

/* With the write cache off, written means on the medium. */
static void write_done(struct ide_drive *d)
{
	range_done(d);
	if (d->disk.write_cache)
		done(d);
	else
		flush(d);
}

static void backend_failed(struct ide_drive *d, int error)
{
	LOG(LOG_IDE, "ide %u: %s at sector %llu: %s", d->number,
	    d->disk.writing ? "write" : "read", (unsigned long long)d->disk.lba,
	    strerror(-error));
	if (!d->disk.flushing)
		set_address(d, d->disk.lba);
	failed(d, d->disk.writing || d->disk.flushing ? ATA_ABRT : ATA_UNC);
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
		done(d);
		return;
	}
	d->disk.lba += moved;
	d->disk.left -= moved;
	if (!d->disk.left)
		range_done(d);
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

static void start_dma(struct ide_drive *d, bool extended, bool write)
{
	if ((write && refuse_write(d)) || !take_range(d, extended))
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
		range_done(d);
		done(d);
	}
}

/* ---- Commands with data ---- */

static void cmd_read(struct ide_drive *d)
{
	start_read(d, false, 1);
}

static void cmd_read_ext(struct ide_drive *d)
{
	start_read(d, true, 1);
}

static void cmd_write(struct ide_drive *d)
{
	start_write(d, false, 1);
}

static void cmd_write_ext(struct ide_drive *d)
{
	start_write(d, true, 1);
}

static void multiple(struct ide_drive *d, bool extended, bool write)
{
	if (!d->disk.multiple)
		cmd_abort(d);
	else if (write)
		start_write(d, extended, d->disk.multiple);
	else
		start_read(d, extended, d->disk.multiple);
}

static void cmd_read_multiple(struct ide_drive *d)
{
	multiple(d, false, false);
}

static void cmd_read_multiple_ext(struct ide_drive *d)
{
	multiple(d, true, false);
}

static void cmd_write_multiple(struct ide_drive *d)
{
	multiple(d, false, true);
}

static void cmd_write_multiple_ext(struct ide_drive *d)
{
	multiple(d, true, true);
}

static void cmd_read_dma(struct ide_drive *d)
{
	start_dma(d, false, false);
}

static void cmd_read_dma_ext(struct ide_drive *d)
{
	start_dma(d, true, false);
}

static void cmd_write_dma(struct ide_drive *d)
{
	start_dma(d, false, true);
}

static void cmd_write_dma_ext(struct ide_drive *d)
{
	start_dma(d, true, true);
}

static void cmd_identify(struct ide_drive *d)
{
	ata_identify(d, d->buffer);
	d->disk.left = 0;
	d->disk.filled = ATA_SECTOR;
	d->disk.block = 1;
	offer_block(d, 0);
}

/* ---- Commands without data ---- */

static void verify(struct ide_drive *d, bool extended)
{
	if (!take_range(d, extended))
		return;
	d->disk.lba += d->disk.left;
	d->disk.left = 0;
	range_done(d);
	done(d);
}

static void cmd_verify(struct ide_drive *d)
{
	verify(d, false);
}

static void cmd_verify_ext(struct ide_drive *d)
{
	verify(d, true);
}

static void cmd_seek(struct ide_drive *d)
{
	if (get_address(d, false) >= ata_sectors(d))
		failed(d, ATA_IDNF);
	else
		done(d);
}

static void cmd_recalibrate(struct ide_drive *d)
{
	d->regs.mid = d->regs.high = 0;
	done(d);
}

static void cmd_initialize_parameters(struct ide_drive *d)
{
	if (!d->regs.count) {
		cmd_abort(d);
		return;
	}
	d->disk.current.sectors = d->regs.count;
	d->disk.current.heads = (d->device & ATA_HEAD) + 1u;
	done(d);
}

static void cmd_set_multiple(struct ide_drive *d)
{
	unsigned n = d->regs.count;

	if (n > MAX_MULTIPLE || (n & (n - 1))) {
		cmd_abort(d);
		return;
	}
	d->disk.multiple = n;
	done(d);
}

static bool set_transfer_mode(struct ide_drive *d, uint8_t mode)
{
	unsigned kind = mode >> 3, n = mode & 7;

	if (kind == MODE_PIO_DEFAULT)
		return n <= 1;
	if (kind == MODE_PIO)
		return n <= 4;
	if ((kind != MODE_MWDMA || n > 2) && (kind != MODE_UDMA || n > 5))
		return false;
	d->disk.transfer_mode = mode;
	return true;
}

static void cmd_set_features(struct ide_drive *d)
{
	switch (d->regs.feature) {
	case FEATURE_TRANSFER_MODE:
		if (!set_transfer_mode(d, d->regs.count)) {
			cmd_abort(d);
			return;
		}
		break;
	case FEATURE_WRITE_CACHE_ON:
		d->disk.write_cache = true;
		break;
	case FEATURE_WRITE_CACHE_OFF:
		d->disk.write_cache = false;
		flush(d);
		return;
	case FEATURE_LOOK_AHEAD:
	case FEATURE_NO_LOOK_AHEAD:
		d->disk.look_ahead = d->regs.feature == FEATURE_LOOK_AHEAD;
		break;
	case FEATURE_KEEP_ON_RESET:
	case FEATURE_REVERT_ON_RESET:
		break; /* settings always survive a software reset here */
	default:
		cmd_abort(d);
		return;
	}
	done(d);
}

static void read_native_max(struct ide_drive *d, bool extended)
{
	uint64_t last = ata_sectors(d) - 1;

	if (!extended && last > 0x0fffffff)
		last = 0x0fffffff;
	d->disk.extended = extended;
	set_address(d, last);
	done(d);
}

static void cmd_read_native_max(struct ide_drive *d)
{
	read_native_max(d, false);
}

static void cmd_read_native_max_ext(struct ide_drive *d)
{
	read_native_max(d, true);
}

static void cmd_diagnostic(struct ide_drive *d)
{
	ide_diagnose(d->channel);
}

static void cmd_idle(struct ide_drive *d)
{
	d->disk.standby = false;
	done(d);
}

static void cmd_standby(struct ide_drive *d)
{
	d->disk.standby = true;
	done(d);
}

static void cmd_check_power(struct ide_drive *d)
{
	d->regs.count = d->disk.standby ? 0x00 : 0xff;
	done(d);
}

/* One row a command: code, handler. What has no row is aborted. */
static void (*const commands[256])(struct ide_drive *d) = {
	[0x10 ... 0x1f] = cmd_recalibrate,
	[0x20] = cmd_read,
	[0x21] = cmd_read,
	[0x24] = cmd_read_ext,
	[0x25] = cmd_read_dma_ext,
	[0x27] = cmd_read_native_max_ext,
	[0x29] = cmd_read_multiple_ext,
	[0x30] = cmd_write,
	[0x31] = cmd_write,
	[0x34] = cmd_write_ext,
	[0x35] = cmd_write_dma_ext,
	[0x39] = cmd_write_multiple_ext,
	[0x3c] = cmd_write, /* WRITE VERIFY */
	[0x40] = cmd_verify,
	[0x41] = cmd_verify,
	[0x42] = cmd_verify_ext,
	[0x70 ... 0x7f] = cmd_seek,
	[0x90] = cmd_diagnostic,
	[0x91] = cmd_initialize_parameters,
	[0x94] = cmd_standby, /* 94-99: the ATA-1 codes of E0-E6 */
	[0x95] = cmd_idle,
	[0x96] = cmd_standby,
	[0x97] = cmd_idle,
	[0x98] = cmd_check_power,
	[0x99] = cmd_standby, /* SLEEP */
	[0xc4] = cmd_read_multiple,
	[0xc5] = cmd_write_multiple,
	[0xc6] = cmd_set_multiple,
	[0xc8] = cmd_read_dma,
	[0xc9] = cmd_read_dma,
	[0xca] = cmd_write_dma,
	[0xcb] = cmd_write_dma,
	[0xe0] = cmd_standby,
	[0xe1] = cmd_idle,
	[0xe2] = cmd_standby,
	[0xe3] = cmd_idle,
	[0xe5] = cmd_check_power,
	[0xe6] = cmd_standby, /* SLEEP */
	[0xe7] = flush,
	[0xea] = flush,
	[0xec] = cmd_identify,
	[0xef] = cmd_set_features,
	[0xf8] = cmd_read_native_max,
};

static void ata_command(struct ide_drive *d, uint8_t command)
{
	if (commands[command])
		commands[command](d);
	else
		cmd_abort(d);
}

/* ---- Resets ---- */

static void ata_reset(struct ide_drive *d, bool hard)
{
	d->disk.flushing = false;
	if (!hard)
		return;
	d->disk = (struct ide_disk){
		.current = ide_disk_geometry(d->blk),
		.multiple = MAX_MULTIPLE,
		.transfer_mode = MODE_UDMA << 3 | 5,
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
	cmd_abort(d);
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
