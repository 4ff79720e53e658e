/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PIIX3's IDE function: two channels with up to two drives each, disks or
 * CD drives, with bus-master DMA.
 */
#ifndef DEVICES_IDE_H
#define DEVICES_IDE_H

#include <stdbool.h>

#include "devices/blockdev.h"
#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci.h"

#define IDE_DRIVES 4 /* primary master, primary slave, secondary master, ... */

struct piix3_ide;

struct piix3_ide_wiring {
	struct bus *bus;
	struct pci_bus *pci;
	unsigned slot, function;
	struct irq_line irq[2]; /* IRQ 14 and 15 */
	struct clock *clock;
	/* NULL: no such drive. The creator owns and, later, destroys them. */
	struct blockdev *drives[IDE_DRIVES];
	bool is_cd[IDE_DRIVES];
};

extern const struct device_class piix3_ide_class;

/* NULL: no memory. Destroy it before its drives' back ends. */
struct piix3_ide *piix3_ide_create(const struct piix3_ide_wiring *w);

/* The geometry that the drive reports in IDENTIFY DEVICE. */
struct ide_geometry {
	unsigned cylinders, heads, sectors;
};

struct ide_geometry ide_disk_geometry(const struct blockdev *b);

#endif
