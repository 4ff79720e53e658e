/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Function 1 of the PIIX3: PCI configuration of the two IDE channels (82371SB
 * datasheet, "PCI Configuration Registers (Function 1)").
 *
 * The channels are at the legacy ports and answer when both IDETIM's decode
 * enable and the command register's I/O bit are set, which is firmware's work.
 * Timings are stored and have no effect. The Ultra DMA registers at 48-4Bh are
 * those of the PIIX4, stored as well, for drivers that do not look twice.
 */
#include "devices/ide_internal.h"

#include <stdlib.h>

#define VENDOR_INTEL 0x8086
#define DEVICE_PIIX3_IDE 0x7010
#define CLASS_IDE_BUS_MASTER 0x010180

#define IDETIM_PRIMARY 0x40
#define IDETIM_SECONDARY 0x42
#define SIDETIM 0x44
#define UDMACTL 0x48
#define IDETIM_DECODE_HIGH 0x80 /* bit 15 */
#define BUS_MASTER_BAR 4
#define BUS_MASTER_PORTS 16

struct piix3_ide {
	struct pci_device pci;
	struct ide_channel channels[2];
};

static void decode_channels(struct piix3_ide *ide)
{
	bool io = ide->pci.config[PCI_COMMAND] & PCI_COMMAND_IO;

	for (unsigned n = 0; n < 2; n++) {
		uint8_t high = ide->pci.config[IDETIM_PRIMARY + 2 * n + 1];

		ide_channel_decode(&ide->channels[n], io && (high & IDETIM_DECODE_HIGH));
	}
}

/* A transfer may have been waiting for the bus master enable. */
static void config_written(struct pci_device *pci, uint8_t offset, unsigned size)
{
	struct piix3_ide *ide = pci->owner;

	decode_channels(ide);
	if (offset <= PCI_COMMAND && offset + size > PCI_COMMAND)
		for (unsigned n = 0; n < 2; n++)
			ide_dma_run(&ide->channels[n]);
}

static void piix3_ide_reset(void *state)
{
	struct piix3_ide *ide = state;

	pci_reset(&ide->pci);
	for (unsigned i = IDETIM_PRIMARY; i < UDMACTL + 4; i++)
		ide->pci.config[i] = 0;
	decode_channels(ide);
	for (unsigned n = 0; n < 2; n++)
		ide_channel_reset(&ide->channels[n]);
}

static void piix3_ide_destroy(void *state)
{
	struct piix3_ide *ide = state;

	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < 2; i++) {
			struct ide_drive *d = &ide->channels[n].drives[i];

			ide_drive_abort(d);
			if (d->blk) {
				d->blk->media_changed = NULL;
				d->blk->eject_requested = NULL;
			}
		}
		ide_channel_decode(&ide->channels[n], false);
	}
	pci_unplug(&ide->pci);
	free(ide);
}

static void init_config(struct piix3_ide *ide)
{
	static const struct pci_ids ids = {
		.vendor = VENDOR_INTEL,
		.device = DEVICE_PIIX3_IDE,
		.class_code = CLASS_IDE_BUS_MASTER,
	};

	pci_init(&ide->pci, "piix3-ide", &ids, ide);
	pci_add_io_bar(&ide->pci, BUS_MASTER_BAR, BUS_MASTER_PORTS, &ide_dma_ports,
		       ide->channels);
	for (unsigned i = IDETIM_PRIMARY; i <= SIDETIM; i++)
		ide->pci.writable[i] = 0xff;
	for (unsigned i = UDMACTL; i < UDMACTL + 4; i++)
		ide->pci.writable[i] = 0xff;
	ide->pci.config_written = config_written;
}

struct piix3_ide *piix3_ide_create(const struct piix3_ide_wiring *w)
{
	struct piix3_ide *ide = calloc(1, sizeof(*ide));

	if (!ide)
		return NULL;
	init_config(ide);
	for (unsigned n = 0; n < 2; n++)
		ide_channel_init(&ide->channels[n], w, n, &ide->pci);
	pci_plug(w->pci, &ide->pci, w->slot, w->function);
	piix3_ide_reset(ide);
	return ide;
}

/*
 * ---- Saved state ----
 *
 * Whoever saves has to wait until no request is under way; a bus-master
 * transfer that the guest has not started yet is not kept.
 */

#define CHANNEL_FIELD(n, member) FIELD(struct piix3_ide, channels[n].member)
#define CHANNEL_FIELDS(n)                                                      \
	CHANNEL_FIELD(n, selected), CHANNEL_FIELD(n, control),                 \
		CHANNEL_FIELD(n, dma.command), CHANNEL_FIELD(n, dma.status),   \
		CHANNEL_FIELD(n, dma.table), CHANNEL_FIELD(n, dma.next),       \
		CHANNEL_FIELD(n, dma.address), CHANNEL_FIELD(n, dma.length),   \
		CHANNEL_FIELD(n, dma.last)
#define DRIVE_FIELD(n, i, member) CHANNEL_FIELD(n, drives[i].member)
#define TASKFILE_FIELDS(n, i, set)                                             \
	DRIVE_FIELD(n, i, set.feature), DRIVE_FIELD(n, i, set.count),          \
		DRIVE_FIELD(n, i, set.low), DRIVE_FIELD(n, i, set.mid),        \
		DRIVE_FIELD(n, i, set.high)
#define DISK_FIELDS(n, i)                                                      \
	DRIVE_FIELD(n, i, disk.current.heads),                                 \
		DRIVE_FIELD(n, i, disk.current.sectors),                       \
		DRIVE_FIELD(n, i, disk.lba), DRIVE_FIELD(n, i, disk.left),     \
		DRIVE_FIELD(n, i, disk.filled), DRIVE_FIELD(n, i, disk.block), \
		DRIVE_FIELD(n, i, disk.multiple),                              \
		DRIVE_FIELD(n, i, disk.transfer_mode),                         \
		DRIVE_FIELD(n, i, disk.extended),                              \
		DRIVE_FIELD(n, i, disk.writing),                               \
		DRIVE_FIELD(n, i, disk.write_cache),                           \
		DRIVE_FIELD(n, i, disk.look_ahead),                            \
		DRIVE_FIELD(n, i, disk.standby)
#define CD_FIELDS(n, i)                                                        \
	FIELD_ARRAY(struct piix3_ide, channels[n].drives[i].cd.packet),        \
		DRIVE_FIELD(n, i, cd.sense.key),                               \
		DRIVE_FIELD(n, i, cd.sense.asc),                               \
		DRIVE_FIELD(n, i, cd.sense.ascq),                              \
		DRIVE_FIELD(n, i, cd.attention_reset),                         \
		DRIVE_FIELD(n, i, cd.attention_medium),                        \
		DRIVE_FIELD(n, i, cd.media_event),                             \
		DRIVE_FIELD(n, i, cd.dma),                                     \
		DRIVE_FIELD(n, i, cd.packet_phase),                            \
		DRIVE_FIELD(n, i, cd.limit), DRIVE_FIELD(n, i, cd.filled),     \
		DRIVE_FIELD(n, i, cd.lba), DRIVE_FIELD(n, i, cd.left),         \
		DRIVE_FIELD(n, i, cd.sector_size),                             \
		DRIVE_FIELD(n, i, cd.transfer_mode)
#define DRIVE_FIELDS(n, i)                                                     \
	TASKFILE_FIELDS(n, i, regs), TASKFILE_FIELDS(n, i, older),             \
		DISK_FIELDS(n, i), CD_FIELDS(n, i), DRIVE_FIELD(n, i, device), \
		DRIVE_FIELD(n, i, error), DRIVE_FIELD(n, i, status),           \
		DRIVE_FIELD(n, i, intrq), DRIVE_FIELD(n, i, phase),            \
		DRIVE_FIELD(n, i, pos), DRIVE_FIELD(n, i, end),                \
		FIELD_ARRAY(struct piix3_ide, channels[n].drives[i].buffer)

static const struct field piix3_ide_fields[] = {
	FIELD_ARRAY(struct piix3_ide, pci.config),
	CHANNEL_FIELDS(0),
	DRIVE_FIELDS(0, 0),
	DRIVE_FIELDS(0, 1),
	CHANNEL_FIELDS(1),
	DRIVE_FIELDS(1, 0),
	DRIVE_FIELDS(1, 1),
	FIELD_END,
};

const struct device_class piix3_ide_class = {
	.name = "piix3-ide",
	.version = 1,
	.reset = piix3_ide_reset,
	.destroy = piix3_ide_destroy,
	.fields = piix3_ide_fields,
};
