/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CD drive says about itself: IDENTIFY PACKET DEVICE (ATA/ATAPI-6 8.16),
 * INQUIRY (SPC-3 6.4), mode pages (MMC-3 5.5), features and profiles (MMC-3
 * 5.2), events and mechanism status. The reply is built in the drive's buffer.
 */
#include "devices/ide_internal.h"

#include <stdio.h>
#include <string.h>

#define VENDOR "TRANSVIS"
#define PRODUCT "TRANSVISOR DVD"
#define REVISION "0.1"

/* Profiles (MMC-3 table 63). A CD holds less than 100 minutes. */
#define PROFILE_CD_ROM 0x0008
#define PROFILE_DVD_ROM 0x0010
#define CD_MAX_SECTORS (100u * 60 * 75)

/* ---- IDENTIFY ---- */

void atapi_identify(const struct ide_drive *d, uint8_t *out)
{
	uint32_t mode = d->cd.transfer_mode;
	unsigned chosen = 1u << (8 + (mode & 7));
	char serial[21];

	memset(out, 0, ATA_SECTOR);
	snprintf(serial, sizeof(serial), "TV%05u", d->number + 1);
	/* Packet device, CD-ROM, removable, DRQ within 50 us, 12-byte packets. */
	put_le16(out + 2 * 0, 2 << 14 | 5 << 8 | 1 << 7 | 2 << 5);
	ata_put_string(out + 2 * 10, serial, 20);
	ata_put_string(out + 2 * 23, REVISION, 8);
	ata_put_string(out + 2 * 27, PRODUCT, 40);
	put_le16(out + 2 * 49, 1 << 11 | 1 << 9 | 1 << 8); /* IORDY, LBA, DMA */
	put_le16(out + 2 * 53, 0x0006);
	put_le16(out + 2 * 63, (uint16_t)(0x0007 | (mode & 0x40 ? 0 : chosen)));
	put_le16(out + 2 * 64, 0x0003);
	for (unsigned word = 65; word <= 68; word++)
		put_le16(out + 2 * word, 120);
	put_le16(out + 2 * 71, 30); /* ns to bus release and to service */
	put_le16(out + 2 * 72, 30);
	put_le16(out + 2 * 80, 0x007e);
	put_le16(out + 2 * 82, 1 << 9 | 1 << 4); /* DEVICE RESET, PACKET */
	put_le16(out + 2 * 83, 1 << 14);
	put_le16(out + 2 * 84, 1 << 14);
	put_le16(out + 2 * 85, 1 << 9 | 1 << 4);
	put_le16(out + 2 * 87, 1 << 14);
	put_le16(out + 2 * 88, (uint16_t)(0x0007 | (mode & 0x40 ? chosen : 0)));
	put_le16(out + 2 * 93, 0x6001);
}

/* ---- INQUIRY ---- */

static void put_padded(uint8_t *out, const char *text, unsigned length)
{
	size_t n = strlen(text);

	for (unsigned i = 0; i < length; i++)
		out[i] = i < n ? (uint8_t)text[i] : ' ';
}

void atapi_cmd_inquiry(struct ide_drive *d)
{
	uint8_t *out = d->buffer;

	if (d->cd.packet[1] & 1) { /* no vital product data */
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		return;
	}
	memset(out, 0, 36);
	out[0] = 5;    /* CD/DVD device */
	out[1] = 0x80; /* removable */
	out[3] = 0x21; /* ATAPI, response format of SFF-8020 */
	out[4] = 31;   /* bytes that follow */
	put_padded(out + 8, VENDOR, 8);
	put_padded(out + 16, PRODUCT, 16);
	put_padded(out + 32, REVISION, 4);
	atapi_reply(d, 36, d->cd.packet[4]);
}

/* ---- MODE SENSE ---- */

/* What stands after the header; page 3Fh is all of them. */
enum { PAGE_ERROR_RECOVERY = 0x01, PAGE_CD = 0x0d, PAGE_AUDIO = 0x0e, PAGE_CAPABILITIES = 0x2a,
       PAGE_ALL = 0x3f };

static uint8_t *put_page(uint8_t *out, uint8_t code, uint8_t length)
{
	memset(out, 0, length + 2u);
	out[0] = code;
	out[1] = length;
	return out + 2 + length;
}

static uint8_t *put_audio_page(uint8_t *out)
{
	uint8_t *end = put_page(out, PAGE_AUDIO, 14);

	out[2] = 0x04; /* IMMED */
	out[8] = 1;    /* port 0: channel 0, full volume; port 1 likewise */
	out[9] = 0xff;
	out[10] = 2;
	out[11] = 0xff;
	return end;
}

static uint8_t *put_capabilities_page(const struct ide_drive *d, uint8_t *out)
{
	uint8_t *end = put_page(out, PAGE_CAPABILITIES, 20);

	out[2] = 0x1f;        /* reads CD-R, CD-RW, method 2, DVD-ROM, DVD-R */
	out[4] = 0x70;        /* mode 2 forms 1 and 2, multisession */
	out[6] = 0x29;        /* tray; can eject and lock */
	if (d->blk->locked)
		out[6] |= 0x02;
	put_be16(out + 8, 706 * 8); /* kB/s: fastest */
	put_be16(out + 10, 2);
	put_be16(out + 12, 512); /* KiB of buffer */
	put_be16(out + 14, 706 * 8);
	return end;
}

static uint8_t *put_pages(const struct ide_drive *d, uint8_t *out, uint8_t page)
{
	bool all = page == PAGE_ALL;

	if (all || page == PAGE_ERROR_RECOVERY) {
		uint8_t *start = out;

		out = put_page(out, PAGE_ERROR_RECOVERY, 6);
		start[3] = 5; /* retries */
	}
	if (all || page == PAGE_CD) {
		uint8_t *start = out;

		out = put_page(out, PAGE_CD, 6);
		start[5] = 60; /* seconds a minute, frames a second */
		start[7] = 75;
	}
	if (all || page == PAGE_AUDIO)
		out = put_audio_page(out);
	if (all || page == PAGE_CAPABILITIES)
		out = put_capabilities_page(d, out);
	return out;
}

static uint8_t medium_type(const struct ide_drive *d)
{
	if (d->blk->tray_open)
		return 0x71;
	return d->blk->inserted ? 0x01 : 0x70; /* 120 mm data disc; no disc */
}

void atapi_cmd_mode_sense(struct ide_drive *d)
{
	const uint8_t *p = d->cd.packet;
	bool ten = p[0] == 0x5a;
	uint8_t control = p[2] >> 6, page = p[2] & 0x3f;
	unsigned header = ten ? 8 : 4;
	uint8_t *out = d->buffer, *end;

	memset(out, 0, header);
	end = put_pages(d, out + header, page);
	if (end == out + header || control == 3) { /* unknown page; saved values */
		atapi_check(d, SENSE_ILLEGAL, control == 3 ? 0x39 : 0x24, 0);
		return;
	}
	if (control == 1) /* changeable values: none */
		memset(out + header + 2, 0, (size_t)(end - out) - header - 2);
	if (ten) {
		put_be16(out, (uint16_t)(end - out - 2));
		out[2] = medium_type(d);
	} else {
		out[0] = (uint8_t)(end - out - 1);
		out[1] = medium_type(d);
	}
	atapi_reply(d, (uint32_t)(end - out), ten ? get_be16(p + 7) : p[4]);
}

/* ---- GET CONFIGURATION ---- */

static uint16_t current_profile(const struct ide_drive *d)
{
	if (!d->blk->inserted || d->blk->tray_open)
		return 0;
	return atapi_sectors(d) > CD_MAX_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

struct feature_list {
	uint8_t *end;
	uint16_t first; /* least feature wanted */
	unsigned request; /* RT: 0 all, 1 current ones, 2 only the first */
};

/* Adds a descriptor, MMC-3 5.3: code, version and flags, length, data. */
static void put_feature(struct feature_list *l, uint16_t code, uint8_t version, bool persistent,
			bool current, const uint8_t *data, uint8_t len)
{
	if (l->request == 2 ? code != l->first : code < l->first)
		return;
	if (l->request == 1 && !current)
		return;
	put_be16(l->end, code);
	l->end[2] = (uint8_t)(version << 2 | persistent << 1 | current);
	l->end[3] = len;
	if (len)
		memcpy(l->end + 4, data, len);
	l->end += 4 + len;
}

static void put_features(struct feature_list *l, uint16_t profile)
{
	bool cd = profile == PROFILE_CD_ROM, dvd = profile == PROFILE_DVD_ROM;
	const uint8_t profiles[] = {0, PROFILE_DVD_ROM, dvd, 0, 0, PROFILE_CD_ROM, cd, 0};
	const uint8_t core[] = {0, 0, 0, 2, 1, 0, 0, 0};    /* ATAPI; DBE event */
	const uint8_t morphing[] = {0x02, 0, 0, 0};         /* operational events */
	const uint8_t removable[] = {0x29, 0, 0, 0};        /* tray, eject, lock */
	const uint8_t readable[] = {0, 0, 8, 0, 0, 16, 0, 0}; /* 2048-byte blocks */
	const uint8_t cd_read[] = {0, 0, 0, 0};

	put_feature(l, 0x0000, 0, true, true, profiles, sizeof(profiles));
	put_feature(l, 0x0001, 2, true, true, core, sizeof(core));
	put_feature(l, 0x0002, 1, true, true, morphing, sizeof(morphing));
	put_feature(l, 0x0003, 0, true, true, removable, sizeof(removable));
	put_feature(l, 0x0010, 0, false, cd || dvd, readable, sizeof(readable));
	put_feature(l, 0x001e, 2, false, cd, cd_read, sizeof(cd_read));
	put_feature(l, 0x001f, 0, false, dvd, NULL, 0);
}

void atapi_cmd_get_configuration(struct ide_drive *d)
{
	uint8_t *out = d->buffer;
	uint16_t profile = current_profile(d);
	struct feature_list l = {
		.end = out + 8,
		.first = get_be16(d->cd.packet + 2),
		.request = d->cd.packet[1] & 3,
	};

	memset(out, 0, 8);
	put_features(&l, profile);
	put_be16(out + 6, profile);
	put_be32(out, (uint32_t)(l.end - out - 4));
	atapi_reply(d, (uint32_t)(l.end - out), get_be16(d->cd.packet + 7));
}

/* ---- Events ---- */

/* MMC-3 6.6. Only media events (class 4) are kept; only polling is done. */
void atapi_cmd_get_event_status(struct ide_drive *d)
{
	enum { CLASS_MEDIA = 4 };
	const uint8_t *p = d->cd.packet;
	uint8_t *out = d->buffer;
	bool media = p[4] & 1 << CLASS_MEDIA;

	if (!(p[1] & 1)) { /* asynchronous notification */
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		return;
	}
	memset(out, 0, 8);
	out[3] = 1 << CLASS_MEDIA;
	if (media) {
		put_be16(out, 6);
		out[2] = CLASS_MEDIA;
		out[4] = d->cd.media_event;
		out[5] = (uint8_t)((d->blk->inserted ? 2 : 0) | d->blk->tray_open);
		d->cd.media_event = ATAPI_EVENT_NONE;
	} else {
		put_be16(out, 2);
		out[2] = 0x80; /* NEA: no class that is asked for */
	}
	atapi_reply(d, media ? 8 : 4, get_be16(p + 7));
}

void atapi_cmd_mechanism_status(struct ide_drive *d)
{
	uint8_t *out = d->buffer;

	memset(out, 0, 8);
	out[1] = d->blk->tray_open ? 0x10 : 0;
	out[5] = 1; /* slots */
	atapi_reply(d, 8, get_be16(d->cd.packet + 8));
}
