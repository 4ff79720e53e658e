/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82077AA floppy disk controller in AT mode (datasheet 290166): the
 * registers, the phases of a command, interrupts and resets.
 *
 * A command is a row of bytes into the FIFO, an execution phase, and a row of
 * result bytes. Seeks and transfers take a little guest time, much less than
 * a real drive's, but never none: drivers arm themselves for the interrupt
 * after they have given the last byte.
 *
 * Left out: scan commands, the tape features, PS/2-mode lines that software
 * does not read, motor spin-up (a drive reads whether its motor is on or not),
 * deleted data marks (an image has no place for them).
 */
#include "devices/fdc_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Ports from 3f0; 3f6 is the IDE controller's. */
#define FDC_BASE 0x3f0
enum {
	REG_SRA = 0,
	REG_SRB = 1,
	REG_DOR = 2,
	REG_TDR = 3,
	REG_MSR = 4, /* written: DSR */
	REG_FIFO = 5,
	REG_DIR = 7, /* written: CCR */
};

#define DOR_SELECT 0x03u
#define DOR_NOT_RESET 0x04u
#define DOR_DMA_GATE 0x08u
#define DSR_RESET 0x80u
#define RATE_MASK 0x03u
#define DIR_CHANGED 0x80u
#define CONFIG_NO_POLL 0x10u
#define CONFIG_DEFAULT 0x20u /* FIFO off, polling on */

#define RESET_NS 50000u

struct fdc_drive *fdc_drive_of(struct fdc *f, unsigned unit)
{
	return unit < FDC_DRIVES && f->drives[unit].blk ? &f->drives[unit] : NULL;
}

bool fdc_non_dma(const struct fdc *f)
{
	return f->hlt & 1;
}

bool fdc_dma_gate(const struct fdc *f)
{
	return f->dor & DOR_DMA_GATE;
}

/* ---- Interrupt ---- */

static void update_irq(struct fdc *f)
{
	bool level = f->interrupt && fdc_dma_gate(f);

	if (level == f->irq_level)
		return;
	f->irq_level = level;
	irq_set(&f->irq, level);
}

void fdc_raise_irq(struct fdc *f)
{
	f->interrupt = true;
	update_irq(f);
}

void fdc_drop_irq(struct fdc *f)
{
	f->interrupt = false;
	update_irq(f);
}

/* ---- Phases ---- */

static void command_phase(struct fdc *f)
{
	f->phase = FDC_COMMAND;
	f->fifo_pos = f->fifo_len = 0;
}

void fdc_result(struct fdc *f, unsigned bytes)
{
	if (!bytes) {
		command_phase(f);
		return;
	}
	f->phase = FDC_RESULT;
	f->fifo_pos = 0;
	f->fifo_len = (uint8_t)bytes;
}

static void command_byte(struct fdc *f, uint8_t value)
{
	if (!f->fifo_pos)
		f->fifo_len = (uint8_t)fdc_command_length(value);
	f->fifo[f->fifo_pos++] = value;
	if (f->fifo_pos < f->fifo_len)
		return;
	LOG(LOG_FLOPPY, "command %02x %02x %02x %02x %02x %02x %02x, %u bytes", f->fifo[0],
	    f->fifo[1], f->fifo[2], f->fifo[3], f->fifo[4], f->fifo[5], f->fifo[6],
	    f->fifo_len);
	f->phase = FDC_EXECUTE;
	fdc_execute(f);
}

/* Reading the first result byte takes the interrupt back (82077AA 5.3). */
static uint8_t result_byte(struct fdc *f)
{
	uint8_t value = f->fifo[f->fifo_pos++];

	fdc_drop_irq(f);
	if (f->fifo_pos == f->fifo_len)
		command_phase(f);
	return value;
}

static uint8_t fifo_read(struct fdc *f)
{
	switch (f->phase) {
	case FDC_RESULT:
		return result_byte(f);
	case FDC_PIO_IN:
		return fdc_pio_read(f);
	default:
		LOG(LOG_GUEST, "fdc: read of an empty FIFO");
		return 0;
	}
}

static void fifo_write(struct fdc *f, uint8_t value)
{
	if (!(f->dor & DOR_NOT_RESET))
		return;
	switch (f->phase) {
	case FDC_COMMAND:
		command_byte(f, value);
		break;
	case FDC_PIO_OUT:
		fdc_pio_write(f, value);
		break;
	default:
		LOG(LOG_GUEST, "fdc: write of %02x to a busy FIFO", value);
		break;
	}
}

static uint8_t main_status(const struct fdc *f)
{
	uint8_t value = 0;

	if (!(f->dor & DOR_NOT_RESET))
		return 0;
	for (unsigned i = 0; i < FDC_UNITS; i++)
		value |= (uint8_t)(f->units[i].seeking << i);
	switch (f->phase) {
	case FDC_COMMAND:
		return value | MSR_RQM | (f->fifo_pos ? MSR_BUSY : 0);
	case FDC_PIO_IN:
		return value | MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_BUSY;
	case FDC_PIO_OUT:
		return value | MSR_RQM | MSR_NON_DMA | MSR_BUSY;
	case FDC_RESULT:
		return value | MSR_RQM | MSR_DIO | MSR_BUSY;
	default:
		return value | MSR_BUSY;
	}
}

/* ---- Resets ---- */

/* DOR and DSR resets; what LOCK protects survives them (82077AA 4.2). */
static void stop_all(struct fdc *f)
{
	fdc_transfer_abort(f);
	timer_cancel(&f->reset_timer);
	for (unsigned i = 0; i < FDC_UNITS; i++) {
		timer_cancel(&f->seek_timers[i]);
		f->units[i].seeking = f->units[i].interrupt = false;
	}
	f->perpendicular &= 0x3c; /* GAP and WGATE are cleared, D0-D3 are not */
	if (!f->lock) {
		f->config = CONFIG_DEFAULT;
		f->pretrk = 0;
	}
	command_phase(f);
	fdc_drop_irq(f);
}

/* The first round of polling finds every drive's ready line changed. */
static void reset_done(void *opaque)
{
	struct fdc *f = opaque;

	if (f->config & CONFIG_NO_POLL)
		return;
	for (unsigned i = 0; i < FDC_UNITS; i++) {
		f->units[i].interrupt = true;
		f->units[i].st0 = (uint8_t)(ST0_POLLED | i);
	}
	fdc_raise_irq(f);
}

static void leave_reset(struct fdc *f)
{
	timer_set(&f->reset_timer, clock_now(f->clock) + RESET_NS);
}

static void dor_write(struct fdc *f, uint8_t value)
{
	uint8_t old = f->dor;

	f->dor = value;
	if (old & ~value & DOR_NOT_RESET)
		stop_all(f);
	else if (~old & value & DOR_NOT_RESET)
		leave_reset(f);
	update_irq(f);
	if (~old & value & DOR_DMA_GATE)
		fdc_transfer_ready(f);
}

static void dsr_write(struct fdc *f, uint8_t value)
{
	f->rate = value & RATE_MASK;
	if (!(value & DSR_RESET) || !(f->dor & DOR_NOT_RESET))
		return;
	stop_all(f);
	leave_reset(f);
}

/* ---- Registers ---- */

static uint8_t direction_read(struct fdc *f)
{
	const struct fdc_drive *d = fdc_drive_of(f, f->dor & DOR_SELECT);

	return d && d->changed ? DIR_CHANGED : 0;
}

static uint8_t status_a(struct fdc *f)
{
	const struct fdc_drive *d = fdc_drive_of(f, f->dor & DOR_SELECT);
	uint8_t value = 0x40 | 0x02 | 0x04; /* no second drive, not protected, no index */

	if (!d || d->track)
		value |= 0x10;
	return value | (f->interrupt ? 0x80 : 0);
}

static uint8_t status_b(const struct fdc *f)
{
	return (uint8_t)(0xc0 | (f->dor & 1) << 5 | (f->dor >> 4 & 3));
}

static uint32_t fdc_read(void *opaque, uint16_t port, unsigned size)
{
	struct fdc *f = opaque;

	switch (port - FDC_BASE) {
	case REG_SRA:
		return status_a(f);
	case REG_SRB:
		return status_b(f);
	case REG_DOR:
		return f->dor;
	case REG_TDR:
		return f->tdr;
	case REG_MSR:
		return main_status(f);
	case REG_FIFO:
		return fifo_read(f);
	default:
		return direction_read(f);
	}
}

static void fdc_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct fdc *f = opaque;

	switch (port - FDC_BASE) {
	case REG_DOR:
		dor_write(f, (uint8_t)value);
		break;
	case REG_TDR:
		f->tdr = value & 3;
		break;
	case REG_MSR:
		dsr_write(f, (uint8_t)value);
		break;
	case REG_FIFO:
		fifo_write(f, (uint8_t)value);
		break;
	case REG_DIR:
		f->rate = value & RATE_MASK;
		break;
	}
}

static const struct port_ops fdc_ports = {fdc_read, fdc_write, 1};

/* ---- Set-up ---- */

static void load_geometry(struct fdc_drive *d)
{
	d->geometry = d->blk->inserted ? floppy_geometry(d->blk->size) : NULL;
	d->changed = true;
	d->rotation = 0;
}

static void media_changed(struct fdc *f, unsigned unit)
{
	load_geometry(&f->drives[unit]);
	fdc_transfer_lost_medium(f, unit);
}

static void media_changed_a(void *opaque)
{
	media_changed(opaque, 0);
}

static void media_changed_b(void *opaque)
{
	media_changed(opaque, 1);
}

static void seek_timer_0(void *opaque)
{
	fdc_seek_timer(opaque, 0);
}

static void seek_timer_1(void *opaque)
{
	fdc_seek_timer(opaque, 1);
}

static void seek_timer_2(void *opaque)
{
	fdc_seek_timer(opaque, 2);
}

static void seek_timer_3(void *opaque)
{
	fdc_seek_timer(opaque, 3);
}

static void init_timers(struct fdc *f)
{
	static void (*const seek_fire[FDC_UNITS])(void *) = {seek_timer_0, seek_timer_1,
							     seek_timer_2, seek_timer_3};

	timer_init(&f->reset_timer, f->clock, reset_done, f);
	timer_init(&f->transfer_timer, f->clock, fdc_transfer_timer, f);
	for (unsigned i = 0; i < FDC_UNITS; i++)
		timer_init(&f->seek_timers[i], f->clock, seek_fire[i], f);
}

static void init_drives(struct fdc *f, const struct fdc_wiring *w)
{
	static void (*const changed[FDC_DRIVES])(void *) = {media_changed_a, media_changed_b};

	for (unsigned i = 0; i < FDC_DRIVES; i++) {
		struct fdc_drive *d = &f->drives[i];

		d->blk = w->drives[i];
		if (!d->blk)
			continue;
		load_geometry(d);
		d->type = d->geometry ? d->geometry->drive : FLOPPY_DRIVE_1440K;
		d->blk->media_changed = changed[i];
		d->blk->media_opaque = f;
	}
}

/* Heads stay where they are; drives do not know of RESET#. */
static void fdc_reset(void *state)
{
	struct fdc *f = state;

	f->lock = false;
	stop_all(f);
	f->dor = 0;
	f->tdr = 0;
	f->rate = FLOPPY_RATE_250K;
	f->srt_hut = f->hlt = 0;
	f->perpendicular = 0;
	f->last_eot = 0;
	memset(f->units, 0, sizeof(f->units));
	update_irq(f);
}

struct fdc *fdc_create(const struct fdc_wiring *w)
{
	struct fdc *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->bus = w->bus;
	f->clock = w->clock;
	f->dma = w->dma;
	f->irq = w->irq;
	init_timers(f);
	init_drives(f, w);
	dma_attach(f->dma, FDC_DMA_CHANNEL, fdc_transfer_ready, f);
	bus_claim_ports(f->bus, FDC_BASE, REG_FIFO + 1, &fdc_ports, f);
	bus_claim_ports(f->bus, FDC_BASE + REG_DIR, 1, &fdc_ports, f);
	fdc_reset(f);
	return f;
}

static void fdc_destroy(void *state)
{
	struct fdc *f = state;

	stop_all(f);
	dma_attach(f->dma, FDC_DMA_CHANNEL, NULL, NULL);
	bus_release_ports(f->bus, FDC_BASE, REG_FIFO + 1, f);
	bus_release_ports(f->bus, FDC_BASE + REG_DIR, 1, f);
	for (unsigned i = 0; i < FDC_DRIVES; i++)
		if (f->drives[i].blk)
			f->drives[i].blk->media_changed = NULL;
	free(f);
}

unsigned fdc_drive_cmos_type(const struct fdc *f, unsigned drive)
{
	return drive < FDC_DRIVES ? f->drives[drive].type : FLOPPY_DRIVE_NONE;
}

/* Saved state; a command in its execution phase has to be waited for first. */
#define UNIT_FIELDS(n)                                                         \
	FIELD(struct fdc, units[n].pcn), FIELD(struct fdc, units[n].target),   \
		FIELD(struct fdc, units[n].seeking),                           \
		FIELD(struct fdc, units[n].recalibrating),                     \
		FIELD(struct fdc, units[n].interrupt),                         \
		FIELD(struct fdc, units[n].st0)

static const struct field fdc_fields[] = {
	FIELD(struct fdc, interrupt),
	FIELD(struct fdc, dor),
	FIELD(struct fdc, tdr),
	FIELD(struct fdc, rate),
	FIELD(struct fdc, phase),
	FIELD_ARRAY(struct fdc, fifo),
	FIELD(struct fdc, fifo_pos),
	FIELD(struct fdc, fifo_len),
	FIELD(struct fdc, srt_hut),
	FIELD(struct fdc, hlt),
	FIELD(struct fdc, config),
	FIELD(struct fdc, pretrk),
	FIELD(struct fdc, perpendicular),
	FIELD(struct fdc, lock),
	FIELD(struct fdc, last_eot),
	FIELD(struct fdc, drives[0].track),
	FIELD(struct fdc, drives[0].changed),
	FIELD(struct fdc, drives[1].track),
	FIELD(struct fdc, drives[1].changed),
	UNIT_FIELDS(0),
	UNIT_FIELDS(1),
	UNIT_FIELDS(2),
	UNIT_FIELDS(3),
	FIELD_ARRAY(struct fdc, buffer),
	FIELD_END,
};

const struct device_class fdc_class = {
	.name = "i82077",
	.version = 1,
	.reset = fdc_reset,
	.destroy = fdc_destroy,
	.fields = fdc_fields,
};
