/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of a hard disk (ATA/ATAPI-6, chapter 8).
 *
 * Left out, and aborted as an unknown command is: SMART, security, queued
 * commands, READ/WRITE LONG, SET MAX ADDRESS, formatting. Power states are
 * accepted, and only CHECK POWER MODE shows them.
 */
#include "devices/ide_internal.h"

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

/* ---- Commands with data ---- */

static void cmd_read(struct ide_drive *d)
{
	ata_start_read(d, false, 1);
}

static void cmd_read_ext(struct ide_drive *d)
{
	ata_start_read(d, true, 1);
}

static void cmd_write(struct ide_drive *d)
{
	ata_start_write(d, false, 1);
}

static void cmd_write_ext(struct ide_drive *d)
{
	ata_start_write(d, true, 1);
}

static void multiple(struct ide_drive *d, bool extended, bool write)
{
	if (!d->disk.multiple)
		ata_abort(d);
	else if (write)
		ata_start_write(d, extended, d->disk.multiple);
	else
		ata_start_read(d, extended, d->disk.multiple);
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
	ata_start_dma(d, false, false);
}

static void cmd_read_dma_ext(struct ide_drive *d)
{
	ata_start_dma(d, true, false);
}

static void cmd_write_dma(struct ide_drive *d)
{
	ata_start_dma(d, false, true);
}

static void cmd_write_dma_ext(struct ide_drive *d)
{
	ata_start_dma(d, true, true);
}

static void cmd_identify(struct ide_drive *d)
{
	ata_identify(d, d->buffer);
	ata_send_sector(d);
}

/* ---- Commands without data ---- */

static void verify(struct ide_drive *d, bool extended)
{
	if (!ata_take_range(d, extended))
		return;
	d->disk.lba += d->disk.left;
	d->disk.left = 0;
	ata_range_done(d);
	ata_done(d);
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
	if (ata_get_address(d, false) >= ata_sectors(d))
		ata_failed(d, ATA_IDNF);
	else
		ata_done(d);
}

static void cmd_recalibrate(struct ide_drive *d)
{
	d->regs.mid = d->regs.high = 0;
	ata_done(d);
}

static void cmd_initialize_parameters(struct ide_drive *d)
{
	if (!d->regs.count) {
		ata_abort(d);
		return;
	}
	d->disk.current.sectors = d->regs.count;
	d->disk.current.heads = (d->device & ATA_HEAD) + 1u;
	ata_done(d);
}

static void cmd_set_multiple(struct ide_drive *d)
{
	unsigned n = d->regs.count;

	if (n > ATA_MAX_MULTIPLE || (n & (n - 1))) {
		ata_abort(d);
		return;
	}
	d->disk.multiple = n;
	ata_done(d);
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
			ata_abort(d);
			return;
		}
		break;
	case FEATURE_WRITE_CACHE_ON:
		d->disk.write_cache = true;
		break;
	case FEATURE_WRITE_CACHE_OFF:
		d->disk.write_cache = false;
		ata_flush(d);
		return;
	case FEATURE_LOOK_AHEAD:
	case FEATURE_NO_LOOK_AHEAD:
		d->disk.look_ahead = d->regs.feature == FEATURE_LOOK_AHEAD;
		break;
	case FEATURE_KEEP_ON_RESET:
	case FEATURE_REVERT_ON_RESET:
		break; /* settings always survive a software reset here */
	default:
		ata_abort(d);
		return;
	}
	ata_done(d);
}

static void read_native_max(struct ide_drive *d, bool extended)
{
	uint64_t last = ata_sectors(d) - 1;

	if (!extended && last > 0x0fffffff)
		last = 0x0fffffff;
	d->disk.extended = extended;
	ata_set_address(d, last);
	ata_done(d);
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
	ata_done(d);
}

static void cmd_standby(struct ide_drive *d)
{
	d->disk.standby = true;
	ata_done(d);
}

static void cmd_check_power(struct ide_drive *d)
{
	d->regs.count = d->disk.standby ? 0x00 : 0xff;
	ata_done(d);
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
	[0xe7] = ata_flush,
	[0xea] = ata_flush,
	[0xec] = cmd_identify,
	[0xef] = cmd_set_features,
	[0xf8] = cmd_read_native_max,
};

void ata_command(struct ide_drive *d, uint8_t command)
{
	if (commands[command])
		commands[command](d);
	else
		ata_abort(d);
}
