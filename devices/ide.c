/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IDE channel: the task file, the selection of one of two drives, the data
 * port and the interrupt (ATA/ATAPI-6, chapters 7 and 9).
 *
 * Both drives listen to every register write; only the selected one answers.
 * When only one of the two is there, reads of the other give 00h, which says
 * "no drive" to those who look for one and is never taken for BSY. A channel
 * without any drive floats and reads as ones.
 */
#include "devices/ide_internal.h"

#include <string.h>

#include "base/log.h"

enum {
	REG_DATA,
	REG_ERROR, /* written: Features */
	REG_COUNT,
	REG_LOW,
	REG_MID,
	REG_HIGH,
	REG_DEVICE,
	REG_STATUS, /* written: Command */
};

#define COMMAND_PORTS 8u
#define CMD_DEVICE_RESET 0x08
#define DEVICE_OBSOLETE 0xa0u /* bits 7 and 5 read as ones */

static struct ide_drive *selected(struct ide_channel *ch)
{
	return &ch->drives[ch->selected];
}

static bool is_present(const struct ide_drive *d)
{
	return d->ops != NULL;
}

static bool is_empty(const struct ide_channel *ch)
{
	return !is_present(&ch->drives[0]) && !is_present(&ch->drives[1]);
}

/* ---- Interrupt ---- */

void ide_update_irq(struct ide_channel *ch)
{
	bool level = selected(ch)->intrq && !(ch->control & ATA_CONTROL_NIEN);

	if (level == ch->irq_level)
		return;
	ch->irq_level = level;
	if (level)
		ch->dma.status |= IDE_DMA_INTERRUPT; /* set by the edge of INTRQ */
	irq_set(&ch->irq, level);
}

void ide_raise_irq(struct ide_drive *d)
{
	d->intrq = true;
	ide_update_irq(d->channel);
}

static void drop_irq(struct ide_drive *d)
{
	d->intrq = false;
	ide_update_irq(d->channel);
}

/* ---- Data ---- */

void ide_pio_block(struct ide_drive *d, enum ide_phase phase, uint32_t pos, uint32_t end)
{
	d->phase = phase;
	d->pos = pos;
	d->end = end;
	d->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

static uint32_t data_read(struct ide_drive *d, unsigned size)
{
	uint32_t value = 0;
	unsigned n = d->end - d->pos < size ? d->end - d->pos : size;

	if (d->phase != IDE_PIO_IN)
		return UINT32_MAX;
	memcpy(&value, d->buffer + d->pos, n);
	d->pos += n;
	if (d->pos == d->end)
		d->ops->block_done(d);
	return value;
}

static void data_write(struct ide_drive *d, uint32_t value, unsigned size)
{
	unsigned n = d->end - d->pos < size ? d->end - d->pos : size;

	if (d->phase != IDE_PIO_OUT)
		return;
	memcpy(d->buffer + d->pos, &value, n);
	d->pos += n;
	if (d->pos == d->end)
		d->ops->block_done(d);
}

static void request_done(struct block_request *req, int error)
{
	struct ide_drive *d = req->opaque;

	d->phase = IDE_IDLE;
	d->ops->io_done(d, error);
}

void ide_submit(struct ide_drive *d, int op, uint64_t offset, void *buf, size_t len)
{
	d->phase = IDE_BACKEND;
	d->status = ATA_BSY | ATA_DRDY | ATA_DSC;
	d->req = (struct block_request){
		.op = op,
		.offset = offset,
		.buf = buf,
		.len = len,
		.done = request_done,
		.opaque = d,
	};
	blockdev_submit(d->blk, &d->req);
}

/* ---- Resets ---- */

void ide_drive_abort(struct ide_drive *d)
{
	if (!is_present(d))
		return;
	ide_dma_abort(d);
	if (d->phase == IDE_BACKEND)
		blockdev_cancel_all(d->blk);
	d->phase = IDE_IDLE;
	d->pos = d->end = 0;
	d->intrq = false;
}

static void reset_drives(struct ide_channel *ch, bool hard)
{
	for (int i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drives[i];

		if (!is_present(d))
			continue;
		ide_drive_abort(d);
		memset(&d->older, 0, sizeof(d->older));
		d->ops->reset(d, hard);
		d->ops->signature(d);
	}
	ch->selected = 0;
	ide_update_irq(ch);
}

void ide_channel_reset(struct ide_channel *ch)
{
	ide_dma_reset(ch);
	ch->control = 0;
	reset_drives(ch, true);
}

void ide_diagnose(struct ide_channel *ch)
{
	for (int i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drives[i];

		if (!is_present(d))
			continue;
		ide_drive_abort(d);
		d->ops->signature(d);
	}
	ch->selected = 0;
	/* Device 0 reports for both; a lone device 1 for itself. */
	ide_raise_irq(&ch->drives[is_present(&ch->drives[0]) ? 0 : 1]);
}

static void control_write(struct ide_channel *ch, uint8_t value)
{
	uint8_t old = ch->control;

	ch->control = value;
	if (~old & value & ATA_CONTROL_SRST) {
		for (int i = 0; i < 2; i++) {
			ide_drive_abort(&ch->drives[i]);
			ch->drives[i].status = ATA_BSY;
		}
	} else if (old & ~value & ATA_CONTROL_SRST) {
		LOG(LOG_IDE, "%x: software reset", ch->command_base);
		reset_drives(ch, false);
	}
	ide_update_irq(ch);
}

/* ---- Registers ---- */

static void command_write(struct ide_channel *ch, uint8_t command)
{
	struct ide_drive *d = selected(ch);

	if (!is_present(d) || (ch->control & ATA_CONTROL_SRST))
		return;
	if (command == CMD_DEVICE_RESET && d->is_cd) {
		ide_drive_abort(d);
		d->ops->reset(d, false);
		d->ops->signature(d);
		ide_update_irq(ch);
		return;
	}
	if (d->status & (ATA_BSY | ATA_DRQ)) {
		LOG(LOG_GUEST, "ide %u: command %02x while busy", d->number, command);
		return;
	}
	LOG(LOG_IDE, "ide %u: command %02x feature %02x count %02x lba %02x%02x%02x device %02x",
	    d->number, command, d->regs.feature, d->regs.count, d->regs.high, d->regs.mid,
	    d->regs.low, d->device);
	drop_irq(d);
	d->error = 0;
	d->status = ATA_BSY;
	d->ops->command(d, command);
}

static void taskfile_write(struct ide_drive *d, unsigned reg, uint8_t value)
{
	switch (reg) {
	case REG_ERROR:
		d->older.feature = d->regs.feature;
		d->regs.feature = value;
		break;
	case REG_COUNT:
		d->older.count = d->regs.count;
		d->regs.count = value;
		break;
	case REG_LOW:
		d->older.low = d->regs.low;
		d->regs.low = value;
		break;
	case REG_MID:
		d->older.mid = d->regs.mid;
		d->regs.mid = value;
		break;
	case REG_HIGH:
		d->older.high = d->regs.high;
		d->regs.high = value;
		break;
	case REG_DEVICE:
		d->device = value | DEVICE_OBSOLETE;
		break;
	}
}

static void register_write(struct ide_channel *ch, unsigned reg, uint8_t value)
{
	ch->control &= (uint8_t)~ATA_CONTROL_HOB; /* 7.8: by any write here */
	if (reg == REG_STATUS) {
		command_write(ch, value);
		return;
	}
	taskfile_write(&ch->drives[0], reg, value);
	taskfile_write(&ch->drives[1], reg, value);
	if (reg == REG_DEVICE) {
		ch->selected = value & ATA_DEV ? 1 : 0;
		ide_update_irq(ch);
	}
}

static uint8_t register_read(struct ide_channel *ch, unsigned reg)
{
	struct ide_drive *d = selected(ch);
	const struct ide_taskfile *t = ch->control & ATA_CONTROL_HOB ? &d->older : &d->regs;

	if (is_empty(ch))
		return 0xff;
	if (!is_present(d))
		return 0;
	switch (reg) {
	case REG_ERROR:
		return d->error;
	case REG_COUNT:
		return t->count;
	case REG_LOW:
		return t->low;
	case REG_MID:
		return t->mid;
	case REG_HIGH:
		return t->high;
	case REG_DEVICE:
		return d->device;
	default:
		drop_irq(d);
		return d->status;
	}
}

/* ---- Ports ---- */

static uint32_t ports_read(void *opaque, uint16_t port, unsigned size)
{
	struct ide_channel *ch = opaque;
	unsigned reg = (unsigned)(port - ch->command_base) % COMMAND_PORTS;
	uint32_t value = 0;

	if (reg == REG_DATA) {
		if (is_present(selected(ch)))
			return data_read(selected(ch), size);
		return is_empty(ch) ? UINT32_MAX : 0;
	}
	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)register_read(ch, (reg + i) % COMMAND_PORTS) << (8 * i);
	return value;
}

static void ports_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct ide_channel *ch = opaque;
	unsigned reg = (unsigned)(port - ch->command_base) % COMMAND_PORTS;

	if (reg == REG_DATA) {
		if (is_present(selected(ch)))
			data_write(selected(ch), value, size);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		register_write(ch, (reg + i) % COMMAND_PORTS, (uint8_t)(value >> (8 * i)));
}

/* Alternate Status: the status without the acknowledgement. */
static uint32_t control_port_read(void *opaque, uint16_t port, unsigned size)
{
	struct ide_channel *ch = opaque;

	if (is_empty(ch))
		return 0xff;
	return is_present(selected(ch)) ? selected(ch)->status : 0;
}

static void control_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	control_write(opaque, (uint8_t)value);
}

static const struct port_ops command_ports = {ports_read, ports_write, 4};
static const struct port_ops control_ports = {control_port_read, control_port_write, 1};

void ide_channel_decode(struct ide_channel *ch, bool on)
{
	if (on == ch->decoded)
		return;
	ch->decoded = on;
	if (on) {
		bus_claim_ports(ch->bus, ch->command_base, COMMAND_PORTS, &command_ports, ch);
		bus_claim_ports(ch->bus, ch->control_base, 1, &control_ports, ch);
	} else {
		bus_release_ports(ch->bus, ch->command_base, COMMAND_PORTS, ch);
		bus_release_ports(ch->bus, ch->control_base, 1, ch);
	}
}

/* ---- Set-up ---- */

static void media_changed(void *opaque)
{
	struct ide_drive *d = opaque;

	if (d->ops->media_changed)
		d->ops->media_changed(d);
}

void ide_channel_init(struct ide_channel *ch, const struct piix3_ide_wiring *w, unsigned n,
		      struct pci_device *pci)
{
	ch->bus = w->bus;
	ch->pci = pci;
	ch->irq = w->irq[n];
	ch->command_base = n ? 0x170 : 0x1f0;
	ch->control_base = n ? 0x376 : 0x3f6;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drives[i];

		d->channel = ch;
		d->number = 2 * n + i;
		d->blk = w->drives[d->number];
		d->is_cd = w->is_cd[d->number];
		if (!d->blk)
			continue;
		d->ops = d->is_cd ? &atapi_ops : &ata_ops;
		d->blk->media_changed = media_changed;
		d->blk->media_opaque = d;
		d->blk->eject_requested = d->is_cd ? atapi_eject_requested : NULL;
	}
}
