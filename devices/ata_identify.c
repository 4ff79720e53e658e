/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk says about itself: IDENTIFY DEVICE (ATA/ATAPI-6 8.15), and the
 * geometry that it says it has.
 */
#include "devices/ide_internal.h"

#include <stdio.h>
#include <string.h>

#define HEADS 16u
#define SECTORS 63u
#define MAX_CYLINDERS 16383u /* says: use LBA (ATA/ATAPI-6 6.2) */
#define LBA28_MAX 0x0fffffffu

struct ide_geometry ide_disk_geometry(const struct blockdev *b)
{
	uint64_t cylinders = b->size / ATA_SECTOR / (HEADS * SECTORS);
	struct ide_geometry g = {.heads = HEADS, .sectors = SECTORS};

	g.cylinders = cylinders > MAX_CYLINDERS ? MAX_CYLINDERS : (unsigned)cylinders;
	if (!g.cylinders)
		g.cylinders = 1;
	return g;
}

void ata_put_string(uint8_t *words, const char *text, unsigned length)
{
	size_t n = strlen(text);

	for (unsigned i = 0; i < length; i++)
		words[i ^ 1] = i < n ? (uint8_t)text[i] : ' ';
}

static void put_word(uint8_t *out, unsigned word, unsigned value)
{
	put_le16(out + 2 * word, (uint16_t)value);
}

static void put_long(uint8_t *out, unsigned word, uint32_t value)
{
	put_word(out, word, value & 0xffff);
	put_word(out, word + 1, value >> 16);
}

static void put_names(const struct ide_drive *d, uint8_t *out)
{
	char serial[21];

	snprintf(serial, sizeof(serial), "TV%05u", d->number + 1);
	ata_put_string(out + 2 * 10, serial, 20);
	ata_put_string(out + 2 * 23, "0.1", 8);
	ata_put_string(out + 2 * 27, "TRANSVISOR HARDDISK", 40);
}

static void put_geometry(const struct ide_drive *d, uint8_t *out)
{
	struct ide_geometry g = ide_disk_geometry(d->blk);
	const struct ide_geometry *now = &d->disk.current;
	uint64_t cylinders = ata_sectors(d) / (now->heads * now->sectors);

	if (cylinders > MAX_CYLINDERS)
		cylinders = MAX_CYLINDERS;
	put_word(out, 1, g.cylinders);
	put_word(out, 3, g.heads);
	put_word(out, 6, g.sectors);
	put_word(out, 54, (unsigned)cylinders);
	put_word(out, 55, now->heads);
	put_word(out, 56, now->sectors);
	put_long(out, 57, (uint32_t)cylinders * now->heads * now->sectors);
}

static void put_capacity(const struct ide_drive *d, uint8_t *out)
{
	uint64_t sectors = ata_sectors(d);

	put_long(out, 60, sectors < LBA28_MAX ? (uint32_t)sectors : LBA28_MAX);
	put_long(out, 100, (uint32_t)sectors);
	put_long(out, 102, (uint32_t)(sectors >> 32));
}

static void put_modes(const struct ide_drive *d, uint8_t *out)
{
	unsigned chosen = 1u << (8 + (d->disk.transfer_mode & 7));
	bool udma = d->disk.transfer_mode & 0x40;

	put_word(out, 63, 0x0007 | (udma ? 0 : chosen)); /* multiword DMA 0-2 */
	put_word(out, 64, 0x0003);                       /* PIO 3 and 4 */
	for (unsigned word = 65; word <= 68; word++)
		put_word(out, word, 120); /* ns a cycle */
	put_word(out, 88, 0x003f | (udma ? chosen : 0)); /* Ultra DMA 0-5 */
	put_word(out, 93, 0x6001 | (d->number & 1 ? 0 : 0x000e)); /* 80-wire cable */
}

static void put_features(const struct ide_drive *d, uint8_t *out)
{
	unsigned cache = d->disk.write_cache ? 1u << 5 : 0;
	unsigned look_ahead = d->disk.look_ahead ? 1u << 6 : 0;

	put_word(out, 80, 0x007e); /* ATA-1 to ATA/ATAPI-6 */
	put_word(out, 82, 1u << 14 | 1u << 6 | 1u << 5 | 1u << 3); /* NOP, caches, power */
	put_word(out, 83, 1u << 14 | 1u << 13 | 1u << 12 | 1u << 10); /* FLUSH, LBA48 */
	put_word(out, 84, 1u << 14);
	put_word(out, 85, 1u << 14 | look_ahead | cache | 1u << 3);
	put_word(out, 86, 1u << 13 | 1u << 12 | 1u << 10);
	put_word(out, 87, 1u << 14);
}

void ata_identify(const struct ide_drive *d, uint8_t *out)
{
	memset(out, 0, ATA_SECTOR);
	put_word(out, 0, 0x0040); /* fixed disk */
	put_names(d, out);
	put_geometry(d, out);
	put_word(out, 47, 0x8000 | 16);
	put_word(out, 48, 1);      /* 32-bit data port (ATA-1) */
	put_word(out, 49, 0x0f00); /* IORDY, LBA, DMA */
	put_word(out, 50, 0x4000);
	put_word(out, 51, 0x0200);
	put_word(out, 52, 0x0200);
	put_word(out, 53, 0x0007); /* words 54-58, 64-70 and 88 are valid */
	put_word(out, 59, d->disk.multiple ? 0x0100 | d->disk.multiple : 0);
	put_capacity(d, out);
	put_modes(d, out);
	put_features(d, out);
}
