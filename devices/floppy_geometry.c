/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy formats by size. The sizes are all different, so that an image needs
 * no header.
 *
 * A format with more sectors a track than its usual drive's gets the next
 * larger drive, which reads it as well: a BIOS takes no sector number beyond
 * those of the drive's own format, so that it could not reach the others.
 */
#include "devices/floppy_geometry.h"

#include <stddef.h>

/* One row a format: cylinders, heads, sectors, drive, rate, name. */
#define FLOPPY_FORMATS(X)                                                      \
	X(40, 1, 8, 360K, 250K, "160K")                                        \
	X(40, 1, 9, 360K, 250K, "180K")                                        \
	X(40, 2, 8, 360K, 250K, "320K")                                        \
	X(40, 2, 9, 360K, 250K, "360K")                                        \
	X(80, 2, 8, 720K, 250K, "640K")                                        \
	X(80, 2, 9, 720K, 250K, "720K")                                        \
	X(80, 2, 10, 1440K, 250K, "800K")                                      \
	X(82, 2, 10, 1440K, 250K, "820K")                                      \
	X(83, 2, 10, 1440K, 250K, "830K")                                      \
	X(80, 2, 15, 1200K, 500K, "1.2M")                                      \
	X(80, 2, 18, 1440K, 500K, "1.44M")                                     \
	X(80, 2, 19, 2880K, 500K, "1.52M")                                     \
	X(80, 2, 20, 2880K, 500K, "1.6M")                                      \
	X(80, 2, 21, 2880K, 500K, "1.68M")                                     \
	X(82, 2, 21, 2880K, 500K, "1.72M")                                     \
	X(83, 2, 21, 2880K, 500K, "1.74M")                                     \
	X(80, 2, 36, 2880K, 1M, "2.88M")

static const struct floppy_geometry formats[] = {
#define X(c, h, s, d, r, name) {c, h, s, FLOPPY_DRIVE_##d, FLOPPY_RATE_##r},
	FLOPPY_FORMATS(X)
#undef X
};

const struct floppy_geometry *floppy_geometry(uint64_t bytes)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct floppy_geometry *g = &formats[i];

		if (bytes == (uint64_t)FLOPPY_SECTOR * g->cylinders * g->heads * g->sectors)
			return g;
	}
	return NULL;
}

const char *floppy_geometry_sizes(void)
{
#define X(c, h, s, d, r, name) ", " name
	static const char sizes[] = FLOPPY_FORMATS(X);
#undef X
	return sizes + 2;
}
