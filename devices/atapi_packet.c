/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet commands of a CD/DVD drive (MMC-3, SPC-3): the table of them, unit
 * attentions, and those that read sectors or concern the tray. Replies about
 * the drive are made in atapi_commands.c, about the disc in atapi_disc.c.
 */
#include "devices/ide_internal.h"

#include <string.h>

#include "base/log.h"

static void cmd_test_unit_ready(struct ide_drive *d)
{
	if (atapi_ready(d))
		atapi_done(d);
}

/* SPC-3 4.5.3, fixed format. Reporting the sense clears it. */
static void cmd_request_sense(struct ide_drive *d)
{
	uint8_t *out = d->buffer;

	memset(out, 0, 18);
	out[0] = 0x70;
	out[2] = d->cd.sense.key;
	out[7] = 10;
	out[12] = d->cd.sense.asc;
	out[13] = d->cd.sense.ascq;
	atapi_reply(d, 18, d->cd.packet[4]);
	d->cd.sense = (struct ide_sense){0};
}

static void cmd_read_10(struct ide_drive *d)
{
	atapi_read(d, get_be32(d->cd.packet + 2), get_be16(d->cd.packet + 7), CD_SECTOR);
}

static void cmd_read_12(struct ide_drive *d)
{
	atapi_read(d, get_be32(d->cd.packet + 2), get_be32(d->cd.packet + 6), CD_SECTOR);
}

/* MMC-3 6.27: byte 9 selects the parts of a sector that are wanted. */
static void read_cd(struct ide_drive *d, uint32_t lba, uint32_t count)
{
	switch (d->cd.packet[9] & 0xf8) {
	case 0x00:
		cmd_test_unit_ready(d);
		break;
	case 0x10:
		atapi_read(d, lba, count, CD_SECTOR);
		break;
	case 0xf8:
		atapi_read(d, lba, count, CD_RAW_SECTOR);
		break;
	default:
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		break;
	}
}

static void cmd_read_cd(struct ide_drive *d)
{
	const uint8_t *p = d->cd.packet;

	read_cd(d, get_be32(p + 2), (uint32_t)p[6] << 16 | get_be16(p + 7));
}

static uint32_t msf_to_lba(const uint8_t *msf)
{
	return (msf[0] * 60u + msf[1]) * 75u + msf[2] - 150u;
}

static void cmd_read_cd_msf(struct ide_drive *d)
{
	uint32_t start = msf_to_lba(d->cd.packet + 3), end = msf_to_lba(d->cd.packet + 6);

	if (end < start)
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
	else
		read_cd(d, start, end - start);
}

static void cmd_seek(struct ide_drive *d)
{
	if (!atapi_ready(d))
		return;
	if (get_be32(d->cd.packet + 2) >= atapi_sectors(d))
		atapi_check(d, SENSE_ILLEGAL, ASC_LBA_OUT_OF_RANGE);
	else
		atapi_done(d);
}

static void cmd_read_capacity(struct ide_drive *d)
{
	if (!atapi_ready(d))
		return;
	put_be32(d->buffer, atapi_sectors(d) - 1);
	put_be32(d->buffer + 4, CD_SECTOR);
	atapi_reply(d, 8, 8);
}

static void cmd_prevent_allow(struct ide_drive *d)
{
	d->blk->locked = d->cd.packet[4] & 1;
	atapi_done(d);
}

/* The tray moves with the medium on it; the back end keeps the image. */
static void cmd_start_stop(struct ide_drive *d)
{
	bool start = d->cd.packet[4] & 1, load_eject = d->cd.packet[4] & 2;

	if (load_eject && !start && d->blk->locked) {
		atapi_check(d, SENSE_ILLEGAL, ASC_REMOVAL_PREVENTED);
		return;
	}
	if (load_eject && d->blk->tray_open == start) {
		d->blk->tray_open = !start;
		d->cd.attention_medium = start && d->blk->inserted;
		d->cd.media_event = !start	       ? ATAPI_EVENT_REMOVED
				    : d->blk->inserted ? ATAPI_EVENT_NEW
						       : ATAPI_EVENT_NONE;
	}
	atapi_done(d);
}

/* Accepts what it is given: nothing that modes could change is modelled. */
static void mode_select(struct ide_drive *d, uint32_t len)
{
	if (!len || d->cd.dma) { /* by DMA they need not even be fetched */
		atapi_done(d);
		return;
	}
	ide_pio_block(d, IDE_PIO_OUT, 0, len);
	d->regs.count = 0;
	d->regs.mid = (uint8_t)len;
	d->regs.high = (uint8_t)(len >> 8);
	ide_raise_irq(d);
}

static void cmd_mode_select_6(struct ide_drive *d)
{
	mode_select(d, d->cd.packet[4]);
}

static void cmd_mode_select_10(struct ide_drive *d)
{
	uint32_t len = get_be16(d->cd.packet + 7);

	mode_select(d, len < 0xfffe ? len : 0xfffe);
}

static void cmd_audio(struct ide_drive *d)
{
	atapi_check(d, SENSE_ILLEGAL, ASC_ILLEGAL_MODE);
}

/* ---- Dispatch ---- */

#define DURING_ATTENTION 1u /* runs, and leaves a unit attention pending */
#define PACKET_COMMANDS(X)                                                     \
	X(0x00, 0, cmd_test_unit_ready)                                        \
	X(0x03, DURING_ATTENTION, cmd_request_sense)                           \
	X(0x12, DURING_ATTENTION, atapi_cmd_inquiry)                           \
	X(0x15, 0, cmd_mode_select_6)                                          \
	X(0x1a, 0, atapi_cmd_mode_sense)                                       \
	X(0x1b, 0, cmd_start_stop)                                             \
	X(0x1e, 0, cmd_prevent_allow)                                          \
	X(0x25, 0, cmd_read_capacity)                                          \
	X(0x28, 0, cmd_read_10)                                                \
	X(0x2b, 0, cmd_seek)                                                   \
	X(0x2f, 0, cmd_test_unit_ready) /* VERIFY */                           \
	X(0x42, 0, atapi_cmd_read_subchannel)                                  \
	X(0x43, 0, atapi_cmd_read_toc)                                         \
	X(0x45, 0, cmd_audio)                                                  \
	X(0x46, DURING_ATTENTION, atapi_cmd_get_configuration)                 \
	X(0x47, 0, cmd_audio)                                                  \
	X(0x4a, DURING_ATTENTION, atapi_cmd_get_event_status)                  \
	X(0x4b, 0, cmd_audio)                                                  \
	X(0x4e, 0, cmd_test_unit_ready) /* STOP PLAY/SCAN */                   \
	X(0x51, 0, atapi_cmd_read_disc_information)                            \
	X(0x52, 0, atapi_cmd_read_track_information)                           \
	X(0x55, 0, cmd_mode_select_10)                                         \
	X(0x5a, 0, atapi_cmd_mode_sense)                                       \
	X(0xa5, 0, cmd_audio)                                                  \
	X(0xa8, 0, cmd_read_12)                                                \
	X(0xad, 0, atapi_cmd_read_dvd_structure)                               \
	X(0xb9, 0, cmd_read_cd_msf)                                            \
	X(0xbb, 0, atapi_done) /* SET CD SPEED */                              \
	X(0xbd, 0, atapi_cmd_mechanism_status)                                 \
	X(0xbe, 0, cmd_read_cd)

struct packet_command {
	void (*run)(struct ide_drive *d);
	unsigned flags;
};

static const struct packet_command packet_commands[256] = {
#define X(code, flags, run) [code] = {run, flags},
	PACKET_COMMANDS(X)
#undef X
};

/* SPC-3 4.5: reported once, by the first command that may fail. */
static bool report_attention(struct ide_drive *d)
{
	if (d->cd.attention_reset) {
		d->cd.attention_reset = false;
		atapi_check(d, SENSE_ATTENTION, ASC_RESET);
	} else if (d->cd.attention_medium) {
		d->cd.attention_medium = false;
		atapi_check(d, SENSE_ATTENTION, ASC_MEDIUM_CHANGED);
	} else {
		return false;
	}
	return true;
}

void atapi_run_packet(struct ide_drive *d)
{
	const struct packet_command *c;

	d->cd.packet_phase = false;
	d->phase = IDE_IDLE;
	d->status = ATA_BSY;
	memcpy(d->cd.packet, d->buffer, ATAPI_PACKET_BYTES);
	d->cd.sector_size = CD_SECTOR;
	d->cd.left = 0;
	c = &packet_commands[d->cd.packet[0]];
	LOG(LOG_IDE, "ide %u: packet %02x %08x %08x, limit %u%s", d->number, d->cd.packet[0],
	    get_be32(d->cd.packet + 2), get_be32(d->cd.packet + 6), d->cd.limit,
	    d->cd.dma ? ", DMA" : "");
	if (!c->run)
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_COMMAND);
	else if ((c->flags & DURING_ATTENTION) || !report_attention(d))
		c->run(d);
}
