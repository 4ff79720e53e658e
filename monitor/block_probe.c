/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling what is not a raw image. A guest can write another format's header
 * into its raw disk, so that the answer to one is always no, never another
 * reading of the file.
 */
#include "monitor/block_image.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* One row a format: where its magic is (from the end if negative). */
static const struct magic {
	int32_t offset;
	uint8_t length;
	char bytes[17];
	const char *format;
	const char *advice;
} magics[] = {
#define CONVERT "convert it with `qemu-img convert -O raw`"
	{0, 4, "QFI\xfb", "a qcow2 image", CONVERT},
	{0, 4, "QED\0", "a QED image", CONVERT},
	{0, 4, "KDMV", "a VMDK image", CONVERT},
	{0, 4, "COWD", "a VMDK image", CONVERT},
	{0, 16, "# Disk Descripto", "a VMDK descriptor", CONVERT},
	{64, 4, "\x7f\x10\xda\xbe", "a VDI image", CONVERT},
	{0, 8, "vhdxfile", "a VHDX image", CONVERT},
	{0, 8, "conectix", "a VHD image", CONVERT},
	{-512, 8, "conectix", "a VHD image", CONVERT},
	{0, 16, "WithoutFreeSpace", "a Parallels image", CONVERT},
	{0, 16, "WithouFreSpacExt", "a Parallels image", CONVERT},
	{-512, 4, "koly", "a DMG image", CONVERT},
	{0, 3, "\x1f\x8b\x08", "compressed with gzip", "decompress it first"},
	{0, 6, "\xfd" "7zXZ\0", "compressed with xz", "decompress it first"},
	{0, 4, "\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first"},
	{0, 4, "BZh9", "compressed with bzip2", "decompress it first"},
	{0, 4, "PK\x03\x04", "a ZIP archive", "unpack it first"},
	{0, 16, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\2\0\1",
	 "a CD image of raw 2352-byte sectors", "convert it to an ISO image (bchunk, iat)"},
};

/* A short file simply lacks what lies beyond it. */
static bool file_has(int fd, uint64_t size, const struct magic *m)
{
	uint64_t back = m->offset < 0 ? (uint64_t)-(int64_t)m->offset : 0;
	uint64_t at = m->offset < 0 ? size - back : (uint64_t)m->offset;
	char bytes[sizeof(m->bytes)];

	if (back > size)
		return false;
	return pread(fd, bytes, m->length, (off_t)at) == m->length &&
	       !memcmp(bytes, m->bytes, m->length);
}

/*
 * ECMA-119 8.4: the primary volume descriptor is sector 16; the number of
 * logical blocks stands at offset 80. Discs read in track-at-once lack a few
 * run-out blocks at their end, which nobody misses.
 */
static int check_iso_length(int fd, uint64_t size, const char *name, struct report *r)
{
	enum { PVD_OFFSET = 16 * 2048, BLOCKS = 80, RUN_OUT = 300 };
	uint8_t pvd[128];
	uint64_t blocks;

	if (pread(fd, pvd, sizeof(pvd), PVD_OFFSET) != sizeof(pvd) || memcmp(pvd, "\1CD001", 6))
		return 0;
	blocks = pvd[BLOCKS] | pvd[BLOCKS + 1] << 8 | pvd[BLOCKS + 2] << 16 |
		 (uint64_t)pvd[BLOCKS + 3] << 24;
	if (size / 2048 + RUN_OUT >= blocks)
		return 0;
	return report_fail(r,
		"%s: image is truncated: it has %" PRIu64 " bytes, but its file system should have "
		"%" PRIu64 "; copy or download it again", name, size, blocks * 2048);
}

int block_probe(int fd, uint64_t size, const struct block_file_options *o, const char *name,
		struct report *r)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (file_has(fd, size, m))
			return report_fail(r, "%s: file is %s, but only raw images are supported "
					   "yet; %s", name, m->format, m->advice);
	}
	return o->sector_size == 2048 ? check_iso_length(fd, size, name, r) : 0;
}
