/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SeaBIOS and guests read in CMOS memory: sizes, drives, boot order. */
#ifndef MONITOR_CMOS_H
#define MONITOR_CMOS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/mc146818.h"

#define CMOS_FLOPPIES 2
#define CMOS_DISKS 4

/* Types of floppy drives, PC/AT CMOS register 10h. */
enum cmos_floppy {
	CMOS_FLOPPY_NONE = 0,
	CMOS_FLOPPY_360 = 1,
	CMOS_FLOPPY_1200 = 2,
	CMOS_FLOPPY_720 = 3,
	CMOS_FLOPPY_1440 = 4,
	CMOS_FLOPPY_2880 = 5,
};

struct cmos_config {
	uint64_t ram_below_4g, ram_above_4g;
	enum cmos_floppy floppy[CMOS_FLOPPIES];
	uint64_t disk_sectors[CMOS_DISKS]; /* of 512 bytes; 0: no disk, or a CD */
	const char *boot_order;            /* of a c d n, "" for "cad" */
};

/* Fills in all of it; to be repeated when something changed. */
void cmos_fill(struct rtc *rtc, const struct cmos_config *c);
/* Only the boot order (-boot once: for the first boot, order from then on). */
void cmos_set_boot_order(struct rtc *rtc, const char *order);

#endif
