/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CD drive says about the disc: table of contents, disc, track and
 * subchannel information (MMC-3 6.22-6.31). Every image is a finished disc of
 * one session with one data track.
 */
#include "devices/ide_internal.h"

#include <string.h>

#define TRACK_LEAD_OUT 0xaa
#define CONTROL_DATA 0x14 /* ADR 1, data track */

/* An address in frames, or as minute, second, frame with 2 s of lead-in. */
static void put_address(uint8_t *out, uint32_t lba, bool msf)
{
	uint32_t frames = lba + 150;

	if (!msf) {
		put_be32(out, lba);
		return;
	}
	out[0] = 0;
	out[1] = (uint8_t)(frames / 75 / 60);
	out[2] = (uint8_t)(frames / 75 % 60);
	out[3] = (uint8_t)(frames % 75);
}

static uint8_t *put_toc_entry(uint8_t *out, uint8_t track, uint32_t lba, bool msf)
{
	out[0] = 0;
	out[1] = CONTROL_DATA;
	out[2] = track;
	out[3] = 0;
	put_address(out + 4, lba, msf);
	return out + 8;
}

/* Format 0: the tracks from the given one on, and the lead-out. */
static uint8_t *put_toc(const struct ide_drive *d, uint8_t *out, uint8_t first, bool msf)
{
	if (first <= 1)
		out = put_toc_entry(out, 1, 0, msf);
	return put_toc_entry(out, TRACK_LEAD_OUT, atapi_sectors(d), msf);
}

/* Format 2: the lead-in's points A0-A2 and the track. */
static uint8_t *put_full_toc(const struct ide_drive *d, uint8_t *out)
{
	static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 1};

	for (unsigned i = 0; i < sizeof(points); i++, out += 11) {
		memset(out, 0, 11);
		out[0] = 1; /* session */
		out[1] = CONTROL_DATA;
		out[3] = points[i];
		if (points[i] == 0xa0 || points[i] == 0xa1) {
			out[8] = 1; /* first, last track */
		} else {
			put_address(out + 7, points[i] == 1 ? 0 : atapi_sectors(d), true);
		}
	}
	return out;
}

void atapi_cmd_read_toc(struct ide_drive *d)
{
	const uint8_t *p = d->cd.packet;
	bool msf = p[1] & 2;
	/* SFF-8020i drives had the format in byte 9. */
	uint8_t format = p[2] & 0x0f ? p[2] & 0x0f : p[9] >> 6;
	uint8_t first = p[6];
	uint8_t *out = d->buffer, *end = out + 4;

	if (!atapi_ready(d))
		return;
	if ((format == 0 && first > 1 && first != TRACK_LEAD_OUT) || format > 2) {
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		return;
	}
	if (format == 0)
		end = put_toc(d, end, first, msf);
	else if (format == 1)
		end = put_toc_entry(end, 1, 0, msf); /* last session's first track */
	else
		end = put_full_toc(d, end);
	put_be16(out, (uint16_t)(end - out - 2));
	out[2] = out[3] = 1; /* first and last track or session */
	atapi_reply(d, (uint32_t)(end - out), get_be16(p + 7));
}

void atapi_cmd_read_subchannel(struct ide_drive *d)
{
	const uint8_t *p = d->cd.packet;
	uint8_t *out = d->buffer;
	bool wanted = p[2] & 0x40;

	if (!atapi_ready(d))
		return;
	if (wanted && (p[3] < 1 || p[3] > 3)) {
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		return;
	}
	memset(out, 0, 24);
	out[1] = 0x15; /* no audio status */
	if (wanted) {
		uint16_t len = p[3] == 1 ? 12 : 20;

		put_be16(out + 2, len);
		out[4] = p[3];
		out[5] = CONTROL_DATA;
		out[6] = out[7] = p[3] == 1; /* track and index */
		if (p[3] == 1) {
			put_address(out + 8, 0, p[1] & 2);
			put_address(out + 12, 0, p[1] & 2);
		}
		atapi_reply(d, 4u + len, get_be16(p + 7));
		return;
	}
	atapi_reply(d, 4, get_be16(p + 7));
}

void atapi_cmd_read_disc_information(struct ide_drive *d)
{
	uint8_t *out = d->buffer;

	if (!atapi_ready(d))
		return;
	memset(out, 0, 34);
	put_be16(out, 32);
	out[2] = 0x0e; /* last session complete, disc finalized */
	out[3] = 1;    /* first track */
	out[4] = 1;    /* sessions */
	out[5] = 1;    /* first and last track of the last session */
	out[6] = 1;
	out[7] = 0x20; /* unrestricted use */
	memset(out + 16, 0xff, 8); /* no lead-in or lead-out to be written */
	atapi_reply(d, 34, get_be16(d->cd.packet + 7));
}

void atapi_cmd_read_track_information(struct ide_drive *d)
{
	uint8_t *out = d->buffer;

	if (!atapi_ready(d))
		return;
	memset(out, 0, 36);
	put_be16(out, 34);
	out[2] = 1; /* track and session */
	out[3] = 1;
	out[5] = 0x04; /* data track */
	out[6] = 0x01; /* mode 1 */
	put_be32(out + 24, atapi_sectors(d));
	atapi_reply(d, 36, get_be16(d->cd.packet + 7));
}

/* MMC-3 6.25.2.1, physical format information of a DVD-ROM. */
static uint32_t put_dvd_physical(const struct ide_drive *d, uint8_t *out)
{
	const uint32_t start = 0x30000;

	memset(out, 0, 2052);
	put_be16(out, 2050);
	out[4] = 0x01; /* DVD-ROM, version 1 */
	out[5] = 0x0f; /* 120 mm, maximum rate not given */
	out[6] = 0x01; /* one layer, read only */
	put_be32(out + 8, start);
	put_be32(out + 12, start + atapi_sectors(d) - 1);
	return 2052;
}

void atapi_cmd_read_dvd_structure(struct ide_drive *d)
{
	const uint8_t *p = d->cd.packet;
	uint16_t allocated = get_be16(p + 8);
	uint8_t *out = d->buffer;

	if (!atapi_ready(d))
		return;
	switch (p[7]) {
	case 0x00:
		atapi_reply(d, put_dvd_physical(d, out), allocated);
		break;
	case 0x01: /* copyright: none */
		memset(out, 0, 8);
		put_be16(out, 6);
		atapi_reply(d, 8, allocated);
		break;
	default:
		atapi_check(d, SENSE_ILLEGAL, ASC_INVALID_FIELD);
		break;
	}
}
