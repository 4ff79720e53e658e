/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floppy disk controller: an 82077AA with up to two drives. */
#ifndef DEVICES_FDC_H
#define DEVICES_FDC_H

#include "devices/blockdev.h"
#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/floppy_geometry.h"
#include "devices/i8237.h"
#include "devices/irq.h"

#define FDC_DRIVES 2

struct fdc;

struct fdc_wiring {
	struct bus *bus;
	struct irq_line irq; /* IRQ 6 */
	struct clock *clock;
	struct dma *dma; /* its channel 2 */
	/* NULL: no such drive. The creator owns and, later, destroys them. */
	struct blockdev *drives[FDC_DRIVES];
};

extern const struct device_class fdc_class;

/*
 * Claims ports 3f0-3f5 and 3f7. NULL: no memory. Destroy it before its drives'
 * back ends and before the DMA controller.
 */
struct fdc *fdc_create(const struct fdc_wiring *w);

/*
 * The drive's type for CMOS register 10h, enum floppy_drive_type: the drive
 * that the image it was created with needs; 1.44M for an empty one.
 */
unsigned fdc_drive_cmos_type(const struct fdc *f, unsigned drive);

#endif
