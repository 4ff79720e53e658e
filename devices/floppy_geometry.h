/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy formats that PCs use, told apart by the image's size, and the
 * drive that each of them needs.
 */
#ifndef DEVICES_FLOPPY_GEOMETRY_H
#define DEVICES_FLOPPY_GEOMETRY_H

#include <stdint.h>

/* CMOS register 10h, a nibble a drive (IBM PC AT, "Diskette Drive Type"). */
enum floppy_drive_type {
	FLOPPY_DRIVE_NONE = 0,
	FLOPPY_DRIVE_360K = 1,  /* 5.25", 40 tracks, 300 rpm */
	FLOPPY_DRIVE_1200K = 2, /* 5.25", 80 tracks, 360 rpm */
	FLOPPY_DRIVE_720K = 3,  /* 3.5", 300 rpm */
	FLOPPY_DRIVE_1440K = 4,
	FLOPPY_DRIVE_2880K = 5,
};

/* Data rates as CCR and DSR code them (82077AA, 2.1.6). */
enum floppy_rate {
	FLOPPY_RATE_500K = 0,
	FLOPPY_RATE_300K = 1,
	FLOPPY_RATE_250K = 2,
	FLOPPY_RATE_1M = 3,
};

struct floppy_geometry {
	uint8_t cylinders, heads, sectors; /* sectors a track, of 512 bytes */
	uint8_t drive;                     /* enum floppy_drive_type */
	uint8_t rate; /* enum floppy_rate at which that drive reads it */
};

#define FLOPPY_SECTOR 512u
#define FLOPPY_MAX_SECTORS 36u /* a track */

/* The format of an image of this many bytes, or NULL. */
const struct floppy_geometry *floppy_geometry(uint64_t bytes);

/* The sizes that floppy_geometry() knows, for messages: "160K, 180K, ...". */
const char *floppy_geometry_sizes(void);

#endif
