/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CD/DVD drive as its IDE channel sees it: the PACKET command and its phases
 * (ATA/ATAPI-6 9.8, SFF-8020i 5), and the few ATA commands it knows. The packets
 * are taken apart in atapi_packet.c.
 *
 * A packet goes: command A0h, the drive asks for 12 bytes (no interrupt), data
 * in blocks of at most the byte count limit or by DMA, and an interrupt with
 * the status. Interrupt Reason, in the Sector Count register, tells them apart.
 *
 * Left out: audio, writing, overlapped commands. Sectors of 2352 bytes (READ
 * CD) have sync and header, but no error correction codes.
 */
#include "devices/ide_internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* Interrupt Reason. */
#define REASON_COMMAND 0x01u /* C/D */
#define REASON_TO_HOST 0x02u /* I/O */

#define FEATURE_DMA 0x01u

enum {
	CMD_EXECUTE_DIAGNOSTIC = 0x90,
	CMD_PACKET = 0xa0,
	CMD_IDENTIFY_PACKET = 0xa1,
	CMD_IDENTIFY = 0xec,
	CMD_SET_FEATURES = 0xef,
	CMD_CHECK_POWER = 0xe5,
};

uint32_t atapi_sectors(const struct ide_drive *d)
{
	uint64_t n = d->blk->size / CD_SECTOR;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* ---- Ends of commands ---- */

static void status_phase(struct ide_drive *d, uint8_t status)
{
	d->phase = IDE_IDLE;
	d->status = status;
	d->regs.count = REASON_COMMAND | REASON_TO_HOST;
	ide_raise_irq(d);
}

void atapi_done(struct ide_drive *d)
{
	d->cd.sense = (struct ide_sense){0};
	d->error = 0;
	status_phase(d, ATA_DRDY | ATA_DSC);
}

void atapi_check(struct ide_drive *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
	LOG(LOG_IDE, "ide %u: packet %02x: sense %x/%02x/%02x", d->number, d->cd.packet[0], key,
	    asc, ascq);
	d->cd.sense = (struct ide_sense){key, asc, ascq};
	d->error = (uint8_t)(key << 4 | ATA_ABRT);
	status_phase(d, ATA_DRDY | ATA_DSC | ATA_ERR);
}

bool atapi_ready(struct ide_drive *d)
{
	if (d->blk->inserted && !d->blk->tray_open)
		return true;
	if (d->blk->tray_open)
		atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_OPEN);
	else
		atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_CLOSED);
	return false;
}

/* ---- Data to the host ---- */

/* Offers the next DRQ block; its length stands in the cylinder registers. */
static void offer_block(struct ide_drive *d, uint32_t pos)
{
	uint32_t left = d->cd.filled - pos;
	uint32_t n = left < d->cd.limit ? left : d->cd.limit;

	ide_pio_block(d, IDE_PIO_IN, pos, pos + n);
	d->regs.count = REASON_TO_HOST;
	d->regs.mid = (uint8_t)n;
	d->regs.high = (uint8_t)(n >> 8);
	ide_raise_irq(d);
}

void atapi_reply(struct ide_drive *d, uint32_t len, uint32_t allocated)
{
	d->cd.left = 0;
	d->cd.filled = len < allocated ? len : allocated;
	if (!d->cd.filled)
		atapi_done(d);
	else if (d->cd.dma)
		ide_dma_buffer(d, d->cd.filled);
	else
		offer_block(d, 0);
}

static void fetch(struct ide_drive *d)
{
	uint32_t room = IDE_BUFFER_SIZE / d->cd.sector_size;
	uint32_t n = d->cd.left < room ? d->cd.left : room;
	/* Raw sectors are spread from the buffer's end to its start. */
	uint8_t *at = d->cd.sector_size == CD_SECTOR ? d->buffer
						     : d->buffer + IDE_BUFFER_SIZE - n * CD_SECTOR;

	d->cd.in_flight = n;
	ide_submit(d, BLOCK_READ, (uint64_t)d->cd.lba * CD_SECTOR, at, n * CD_SECTOR);
}

void atapi_read(struct ide_drive *d, uint32_t lba, uint32_t count, uint32_t sector_size)
{
	uint32_t sectors = atapi_sectors(d);

	if (!atapi_ready(d))
		return;
	if (lba >= sectors || count > sectors - lba) {
		if (count || lba > sectors)
			atapi_check(d, SENSE_ILLEGAL, ASC_LBA_OUT_OF_RANGE);
		else
			atapi_done(d);
		return;
	}
	d->cd.lba = lba;
	d->cd.left = count;
	d->cd.sector_size = sector_size;
	if (!count)
		atapi_done(d);
	else if (d->cd.dma && sector_size == CD_SECTOR)
		ide_dma_medium(d, true, (uint64_t)lba * CD_SECTOR, (uint64_t)count * CD_SECTOR,
			       CD_SECTOR);
	else
		fetch(d);
}

static uint8_t to_bcd(uint32_t n)
{
	return (uint8_t)(n / 10 % 10 << 4 | n % 10);
}

/* ECMA-130 14: 12 bytes of sync, the address in BCD, the mode, data, codes. */
static void make_raw_sectors(struct ide_drive *d, uint32_t n)
{
	const uint8_t *data = d->buffer + IDE_BUFFER_SIZE - n * CD_SECTOR;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *raw = d->buffer + i * CD_RAW_SECTOR;
		uint32_t address = d->cd.lba + i + 150; /* frames; 2 s of lead-in */

		memmove(raw + 16, data + i * CD_SECTOR, CD_SECTOR);
		memset(raw, 0xff, 12);
		raw[0] = raw[11] = 0;
		raw[12] = to_bcd(address / 75 / 60);
		raw[13] = to_bcd(address / 75 % 60);
		raw[14] = to_bcd(address % 75);
		raw[15] = 1;
		memset(raw + 16 + CD_SECTOR, 0, CD_RAW_SECTOR - CD_SECTOR - 16);
	}
}

static void read_failed(struct ide_drive *d, int error)
{
	LOG(LOG_IDE, "ide %u: read at sector %u: %s", d->number, d->cd.lba, strerror(-error));
	if (error == -ENOMEDIUM)
		atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_CLOSED);
	else
		atapi_check(d, SENSE_MEDIUM, ASC_READ_ERROR);
}

static void atapi_io_done(struct ide_drive *d, int error)
{
	uint32_t n = d->cd.in_flight;

	if (error) {
		read_failed(d, error);
		return;
	}
	if (d->cd.sector_size == CD_RAW_SECTOR)
		make_raw_sectors(d, n);
	d->cd.filled = n * d->cd.sector_size;
	d->cd.lba += n;
	d->cd.left -= n;
	if (d->cd.dma)
		ide_dma_buffer(d, d->cd.filled);
	else
		offer_block(d, 0);
}

static void atapi_dma_done(struct ide_drive *d, int error)
{
	if (error)
		read_failed(d, error);
	else if (d->cd.sector_size == CD_RAW_SECTOR && d->cd.left)
		fetch(d);
	else
		atapi_done(d);
}

static void atapi_block_done(struct ide_drive *d)
{
	if (d->cd.packet_phase)
		atapi_run_packet(d);
	else if (d->phase == IDE_PIO_OUT)
		atapi_done(d); /* data of MODE SELECT, which has no effect */
	else if (d->end < d->cd.filled)
		offer_block(d, d->end);
	else if (d->cd.left)
		fetch(d);
	else
		atapi_done(d);
}

/* ---- ATA commands of a packet device ---- */

static void cmd_packet(struct ide_drive *d)
{
	uint32_t limit = d->regs.high << 8 | d->regs.mid;

	d->cd.dma = d->regs.feature & FEATURE_DMA;
	/* An odd block is only ever the last one; 0 and FFFFh are the most. */
	d->cd.limit = !limit || limit == 0xffff ? 0xfffe : limit == 1 ? 2 : limit & ~1u;
	d->cd.packet_phase = true;
	ide_pio_block(d, IDE_PIO_OUT, 0, ATAPI_PACKET_BYTES);
	d->regs.count = REASON_COMMAND;
}

static void cmd_identify_packet(struct ide_drive *d)
{
	atapi_identify(d, d->buffer);
	d->cd.left = 0;
	d->cd.filled = ATA_SECTOR;
	ide_pio_block(d, IDE_PIO_IN, 0, ATA_SECTOR);
	ide_raise_irq(d);
}

static void ata_style_end(struct ide_drive *d, uint8_t error)
{
	d->phase = IDE_IDLE;
	d->error = error;
	d->status = error ? ATA_DRDY | ATA_DSC | ATA_ERR : ATA_DRDY | ATA_DSC;
	ide_raise_irq(d);
}

static void atapi_signature(struct ide_drive *d)
{
	d->regs = (struct ide_taskfile){.count = 1, .low = 1, .mid = 0x14, .high = 0xeb};
	d->device = 0xa0;
	d->error = 1;
	d->status = 0;
}

static bool set_features(struct ide_drive *d)
{
	uint8_t mode = d->regs.count;

	if (d->regs.feature != 0x03)
		return d->regs.feature == 0x66 || d->regs.feature == 0xcc;
	if (mode >= 0x20)
		d->cd.transfer_mode = mode;
	return mode <= 0x0c || (mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x42);
}

static void atapi_command(struct ide_drive *d, uint8_t command)
{
	switch (command) {
	case CMD_PACKET:
		cmd_packet(d);
		break;
	case CMD_IDENTIFY_PACKET:
		cmd_identify_packet(d);
		break;
	case CMD_EXECUTE_DIAGNOSTIC:
		ide_diagnose(d->channel);
		break;
	case CMD_IDENTIFY: /* 8.15.5: aborted, with the signature */
		atapi_signature(d);
		ata_style_end(d, ATA_ABRT);
		break;
	case CMD_SET_FEATURES:
		ata_style_end(d, set_features(d) ? 0 : ATA_ABRT);
		break;
	case CMD_CHECK_POWER:
		d->regs.count = 0xff;
		ata_style_end(d, 0);
		break;
	case 0xe0: /* STANDBY IMMEDIATE, IDLE IMMEDIATE, SLEEP */
	case 0xe1:
	case 0xe6:
		ata_style_end(d, 0);
		break;
	default:
		ata_style_end(d, ATA_ABRT);
		break;
	}
}

/* ---- Resets and media ---- */

static void atapi_reset(struct ide_drive *d, bool hard)
{
	d->cd.packet_phase = false;
	if (!hard)
		return;
	d->cd = (struct ide_cd){
		.attention_reset = true, .transfer_mode = 0x42, .sector_size = CD_SECTOR};
	d->blk->locked = false;
	d->blk->tray_open = false;
}

void atapi_eject_requested(void *opaque)
{
	struct ide_drive *d = opaque;

	d->cd.media_event = ATAPI_EVENT_EJECT;
}

static void atapi_media_changed(struct ide_drive *d)
{
	bool busy = d->phase == IDE_BACKEND || d->phase == IDE_DMA;

	d->blk->tray_open = !d->blk->inserted;
	d->cd.attention_medium = d->blk->inserted;
	d->cd.media_event = d->blk->inserted ? ATAPI_EVENT_NEW : ATAPI_EVENT_REMOVED;
	if (!busy)
		return;
	ide_drive_abort(d);
	atapi_check(d, SENSE_NOT_READY, ASC_NO_MEDIUM_TRAY_OPEN);
}

const struct ide_drive_ops atapi_ops = {
	.command = atapi_command,
	.block_done = atapi_block_done,
	.io_done = atapi_io_done,
	.dma_done = atapi_dma_done,
	.reset = atapi_reset,
	.signature = atapi_signature,
	.media_changed = atapi_media_changed,
};
