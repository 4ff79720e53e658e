/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CMOS memory as a PC/AT BIOS keeps it (IBM PC AT Technical Reference, "CMOS RAM
 * address map") and the registers beyond it that SeaBIOS reads on this machine:
 * memory above 16 MiB and 4 GiB, boot order, disk translation.
 */
#include "monitor/cmos.h"

#include <string.h>

enum cmos_register {
	CMOS_SHUTDOWN = 0x0f,
	CMOS_FLOPPY_TYPES = 0x10,
	CMOS_DISK_TYPES = 0x12,
	CMOS_EQUIPMENT = 0x14,
	CMOS_BASE_MEMORY = 0x15,      /* KiB, 2 bytes */
	CMOS_EXTENDED_MEMORY = 0x17,  /* KiB above 1 MiB, 2 bytes */
	CMOS_DISK_TYPE_C = 0x19,
	CMOS_DISK_TYPE_D = 0x1a,
	CMOS_GEOMETRY_C = 0x1b,
	CMOS_GEOMETRY_D = 0x24,
	CMOS_CHECKED_FIRST = 0x10,
	CMOS_CHECKED_LAST = 0x2d,
	CMOS_CHECKSUM = 0x2e,         /* high byte first */
	CMOS_EXTENDED_MEMORY2 = 0x30, /* as found by the BIOS */
	CMOS_MEMORY_16M = 0x34,       /* 64 KiB units above 16 MiB, 2 bytes */
	CMOS_BOOT_FLAG1 = 0x38,       /* third boot device << 4 */
	CMOS_DISK_TRANSLATION = 0x39, /* two bits a disk */
	CMOS_BOOT_FLAG2 = 0x3d,       /* second << 4 | first */
	CMOS_MEMORY_4G = 0x5b,        /* 64 KiB units above 4 GiB, 3 bytes */
	CMOS_OTHER_CPUS = 0x5f,
};

#define KIB 1024u
#define MIB (1024u * 1024u)
#define BASE_MEMORY_KIB 640u
#define EQUIPMENT_FPU 0x02
#define EQUIPMENT_PS2_MOUSE 0x04
#define EQUIPMENT_FLOPPY 0x01
#define EQUIPMENT_TWO_FLOPPIES 0x40
#define DISK_TYPE_EXTENDED 0x0f /* see registers 19h and 1Ah */
#define DISK_TYPE_USER 47
#define DISK_HEADS 16u
#define DISK_SECTORS 63u
#define DISK_CYLINDERS_MAX 16383u
#define CHS_CYLINDERS 1024u /* what INT 13h can name */
#define TRANSLATION_LBA 1u
#define BOOT_DEVICES 3

static void set16(struct rtc *rtc, unsigned at, uint64_t value)
{
	uint16_t v = value > UINT16_MAX ? UINT16_MAX : (uint16_t)value;

	rtc_set_cmos(rtc, at, (uint8_t)v);
	rtc_set_cmos(rtc, at + 1, (uint8_t)(v >> 8));
}

static uint64_t above(uint64_t size, uint64_t base)
{
	return size > base ? size - base : 0;
}

static void fill_memory(struct rtc *rtc, const struct cmos_config *c)
{
	uint64_t high_units = c->ram_above_4g / (64 * KIB);

	set16(rtc, CMOS_BASE_MEMORY, BASE_MEMORY_KIB);
	set16(rtc, CMOS_EXTENDED_MEMORY, above(c->ram_below_4g, MIB) / KIB);
	set16(rtc, CMOS_EXTENDED_MEMORY2, above(c->ram_below_4g, MIB) / KIB);
	set16(rtc, CMOS_MEMORY_16M, above(c->ram_below_4g, 16 * MIB) / (64 * KIB));
	for (unsigned i = 0; i < 3; i++)
		rtc_set_cmos(rtc, CMOS_MEMORY_4G + i, (uint8_t)(high_units >> 8 * i));
}

static void fill_floppies(struct rtc *rtc, const struct cmos_config *c)
{
	uint8_t equipment = EQUIPMENT_FPU | EQUIPMENT_PS2_MOUSE;

	if (c->floppy[0])
		equipment |= EQUIPMENT_FLOPPY;
	if (c->floppy[1])
		equipment |= EQUIPMENT_FLOPPY | EQUIPMENT_TWO_FLOPPIES;
	rtc_set_cmos(rtc, CMOS_FLOPPY_TYPES, (uint8_t)(c->floppy[0] << 4 | c->floppy[1]));
	rtc_set_cmos(rtc, CMOS_EQUIPMENT, equipment);
}

/* Type 47's parameters, for guests that read them instead of asking the disk. */
static void fill_geometry(struct rtc *rtc, unsigned type_at, unsigned at, uint64_t sectors)
{
	uint64_t cylinders = sectors / (DISK_HEADS * DISK_SECTORS);

	rtc_set_cmos(rtc, type_at, sectors ? DISK_TYPE_USER : 0);
	if (!sectors)
		return;
	if (cylinders > DISK_CYLINDERS_MAX)
		cylinders = DISK_CYLINDERS_MAX;
	set16(rtc, at, cylinders);
	rtc_set_cmos(rtc, at + 2, DISK_HEADS);
	set16(rtc, at + 3, UINT16_MAX); /* no write precompensation */
	rtc_set_cmos(rtc, at + 5, 0xc8); /* no retries, more than 8 heads */
	set16(rtc, at + 6, cylinders);   /* landing zone */
	rtc_set_cmos(rtc, at + 8, DISK_SECTORS);
}

/* SeaBIOS translates nothing unless told to; then only 504 MiB could be seen. */
static uint8_t translation(uint64_t sectors)
{
	return sectors > CHS_CYLINDERS * DISK_HEADS * DISK_SECTORS ? TRANSLATION_LBA : 0;
}

static void fill_disks(struct rtc *rtc, const struct cmos_config *c)
{
	uint8_t types = 0, translations = 0;

	if (c->disk_sectors[0])
		types |= DISK_TYPE_EXTENDED << 4;
	if (c->disk_sectors[1])
		types |= DISK_TYPE_EXTENDED;
	for (unsigned i = 0; i < CMOS_DISKS; i++)
		translations |= (uint8_t)(translation(c->disk_sectors[i]) << 2 * i);
	rtc_set_cmos(rtc, CMOS_DISK_TYPES, types);
	fill_geometry(rtc, CMOS_DISK_TYPE_C, CMOS_GEOMETRY_C, c->disk_sectors[0]);
	fill_geometry(rtc, CMOS_DISK_TYPE_D, CMOS_GEOMETRY_D, c->disk_sectors[1]);
	rtc_set_cmos(rtc, CMOS_DISK_TRANSLATION, translations);
}

static void fill_checksum(struct rtc *rtc)
{
	uint16_t sum = 0;

	for (unsigned i = CMOS_CHECKED_FIRST; i <= CMOS_CHECKED_LAST; i++)
		sum = (uint16_t)(sum + rtc_get_cmos(rtc, i));
	rtc_set_cmos(rtc, CMOS_CHECKSUM, (uint8_t)(sum >> 8));
	rtc_set_cmos(rtc, CMOS_CHECKSUM + 1, (uint8_t)sum);
}

/* SeaBIOS's number of a device letter: 0 is nothing. */
static uint8_t boot_device(char letter)
{
	static const char letters[] = "acdn";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? (uint8_t)(found - letters + 1) : 0;
}

void cmos_set_boot_order(struct rtc *rtc, const char *order)
{
	uint8_t devices[BOOT_DEVICES] = {0};

	if (!order || !*order)
		order = "cad";
	for (unsigned i = 0; i < BOOT_DEVICES && order[i]; i++)
		devices[i] = boot_device(order[i]);
	rtc_set_cmos(rtc, CMOS_BOOT_FLAG2, (uint8_t)(devices[1] << 4 | devices[0]));
	rtc_set_cmos(rtc, CMOS_BOOT_FLAG1, (uint8_t)(devices[2] << 4));
}

void cmos_fill(struct rtc *rtc, const struct cmos_config *c)
{
	rtc_set_cmos(rtc, CMOS_SHUTDOWN, 0);
	rtc_set_cmos(rtc, CMOS_OTHER_CPUS, 0);
	fill_memory(rtc, c);
	fill_floppies(rtc, c);
	fill_disks(rtc, c);
	cmos_set_boot_order(rtc, c->boot_order);
	fill_checksum(rtc);
}
