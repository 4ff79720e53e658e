/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82077AA's command set (datasheet chapter 5) and the commands that move
 * no data: seeks, status, configuration.
 */
#include "devices/fdc_internal.h"

#include "base/log.h"

#define VERSION_82077AA 0x90
#define CMD_SENSE_INTERRUPT 0x08

#define SEEK_BASE_NS 100000u
#define SEEK_STEP_NS 20000u /* a track; real drives take 3 ms */
#define RECALIBRATE_STEPS 79

/* ---- Seeks ---- */

/* The first step with a medium in the drive takes DSKCHG back. */
void fdc_step(struct fdc_drive *d, int steps)
{
	int track = d->track + steps;

	d->track = (uint8_t)(track < 0 ? 0 : track > FDC_LAST_TRACK ? FDC_LAST_TRACK : track);
	if (steps && d->geometry)
		d->changed = false;
}

static unsigned distance(int from, int to)
{
	return (unsigned)(from < to ? to - from : from - to);
}

static void start_seek(struct fdc *f, unsigned unit, int target, bool recalibrate)
{
	struct fdc_unit *u = &f->units[unit];
	struct fdc_drive *d = fdc_drive_of(f, unit);
	unsigned steps = recalibrate ? (d ? d->track : RECALIBRATE_STEPS)
				     : distance(u->pcn, target);

	u->seeking = true;
	u->recalibrating = recalibrate;
	u->target = (uint8_t)target;
	u->interrupt = false;
	timer_set(&f->seek_timers[unit],
		  clock_now(f->clock) + SEEK_BASE_NS + (uint64_t)steps * SEEK_STEP_NS);
	fdc_result(f, 0);
}

/* RECALIBRATE gives up after 79 steps without the track 0 signal. */
static uint8_t recalibrated(struct fdc_unit *u, struct fdc_drive *d)
{
	uint8_t error = ST0_ABNORMAL | ST0_EQUIPMENT;

	u->pcn = 0;
	if (!d)
		return error;
	if (d->track > RECALIBRATE_STEPS) {
		fdc_step(d, -RECALIBRATE_STEPS);
		return error;
	}
	fdc_step(d, -d->track);
	return 0;
}

void fdc_seek_timer(void *opaque, unsigned unit)
{
	struct fdc *f = opaque;
	struct fdc_unit *u = &f->units[unit];
	struct fdc_drive *d = fdc_drive_of(f, unit);

	u->seeking = false;
	u->st0 = (uint8_t)(ST0_SEEK_END | unit);
	if (u->recalibrating) {
		u->st0 |= recalibrated(u, d);
	} else {
		if (d)
			fdc_step(d, u->target - u->pcn);
		u->pcn = u->target;
	}
	u->interrupt = true;
	fdc_raise_irq(f);
}

static void cmd_recalibrate(struct fdc *f)
{
	start_seek(f, f->fifo[1] & 3, 0, true);
}

static void cmd_seek(struct fdc *f)
{
	start_seek(f, f->fifo[1] & 3, f->fifo[2], false);
}

/* 5.2.10: bit 6 of the first byte is the direction, set inwards. */
static void cmd_relative_seek(struct fdc *f)
{
	unsigned unit = f->fifo[1] & 3;
	int by = f->fifo[0] & 0x40 ? f->fifo[2] : -f->fifo[2];
	int target = f->units[unit].pcn + by;

	start_seek(f, unit, target < 0 ? 0 : target > 255 ? 255 : target, false);
}

/* ---- Status ---- */

static void cmd_invalid(struct fdc *f)
{
	LOG(LOG_GUEST, "fdc: invalid command %02x", f->fifo[0]);
	f->fifo[0] = ST0_INVALID;
	fdc_result(f, 1);
}

static void cmd_sense_interrupt(struct fdc *f)
{
	for (unsigned i = 0; i < FDC_UNITS; i++) {
		struct fdc_unit *u = &f->units[i];

		if (!u->interrupt)
			continue;
		u->interrupt = false;
		fdc_drop_irq(f);
		f->fifo[0] = u->st0;
		f->fifo[1] = u->pcn;
		fdc_result(f, 2);
		return;
	}
	cmd_invalid(f); /* 5.2.7: nothing to be sensed */
}

static void cmd_sense_drive(struct fdc *f)
{
	unsigned unit = f->fifo[1] & 3;
	const struct fdc_drive *d = fdc_drive_of(f, unit);
	uint8_t st3 = (uint8_t)(ST3_READY | ST3_TWO_SIDES | (f->fifo[1] & 7));

	if (d && !d->track)
		st3 |= ST3_TRACK_0;
	if (d && d->geometry && d->blk->read_only)
		st3 |= ST3_PROTECTED;
	f->fifo[0] = st3;
	fdc_result(f, 1);
}

static void cmd_version(struct fdc *f)
{
	f->fifo[0] = VERSION_82077AA;
	fdc_result(f, 1);
}

/* ---- Configuration ---- */

static void cmd_specify(struct fdc *f)
{
	f->srt_hut = f->fifo[1];
	f->hlt = f->fifo[2];
	fdc_result(f, 0);
}

static void cmd_configure(struct fdc *f)
{
	f->config = f->fifo[2] & 0x7f;
	f->pretrk = f->fifo[3];
	fdc_result(f, 0);
}

/* OW, in bit 7, lets the drive bits be written. */
static void cmd_perpendicular(struct fdc *f)
{
	uint8_t value = f->fifo[1], mask = value & 0x80 ? 0x3f : 0x03;

	f->perpendicular = (uint8_t)((f->perpendicular & ~mask) | (value & mask));
	fdc_result(f, 0);
}

static void cmd_lock(struct fdc *f)
{
	f->lock = f->fifo[0] & 0x80;
	f->fifo[0] = (uint8_t)(f->lock << 4);
	fdc_result(f, 1);
}

static void cmd_dump_registers(struct fdc *f)
{
	for (unsigned i = 0; i < FDC_UNITS; i++)
		f->fifo[i] = f->units[i].pcn;
	f->fifo[4] = f->srt_hut;
	f->fifo[5] = f->hlt;
	f->fifo[6] = f->last_eot;
	f->fifo[7] = (uint8_t)(f->lock << 7 | f->perpendicular);
	f->fifo[8] = f->config;
	f->fifo[9] = f->pretrk;
	fdc_result(f, 10);
}

/* ---- The table ---- */

/* One row a command: code, bits of the first byte that tell it, length. */
#define FDC_COMMANDS(X)                                                        \
	X(0x02, 0x9f, 9, fdc_cmd_read_track)                                   \
	X(0x03, 0xff, 3, cmd_specify)                                          \
	X(0x04, 0xff, 2, cmd_sense_drive)                                      \
	X(0x05, 0x3f, 9, fdc_cmd_write)                                        \
	X(0x06, 0x1f, 9, fdc_cmd_read)                                         \
	X(0x07, 0xff, 2, cmd_recalibrate)                                      \
	X(0x08, 0xff, 1, cmd_sense_interrupt)                                  \
	X(0x09, 0x3f, 9, fdc_cmd_write) /* deleted data */                     \
	X(0x0a, 0xbf, 2, fdc_cmd_read_id)                                      \
	X(0x0c, 0x1f, 9, fdc_cmd_read_deleted)                                 \
	X(0x0d, 0xbf, 6, fdc_cmd_format)                                       \
	X(0x0e, 0xff, 1, cmd_dump_registers)                                   \
	X(0x0f, 0xff, 3, cmd_seek)                                             \
	X(0x10, 0xff, 1, cmd_version)                                          \
	X(0x12, 0xff, 2, cmd_perpendicular)                                    \
	X(0x13, 0xff, 4, cmd_configure)                                        \
	X(0x14, 0x7f, 1, cmd_lock)                                             \
	X(0x16, 0x1f, 9, fdc_cmd_verify)                                       \
	X(0x8f, 0xbf, 3, cmd_relative_seek)

static const struct fdc_command {
	uint8_t code, mask, length;
	void (*run)(struct fdc *f);
} commands[] = {
#define X(code, mask, length, run) {code, mask, length, run},
	FDC_COMMANDS(X)
#undef X
};

static const struct fdc_command *find(uint8_t first)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if ((first & commands[i].mask) == commands[i].code)
			return &commands[i];
	return NULL;
}

unsigned fdc_command_length(uint8_t first)
{
	const struct fdc_command *c = find(first);

	return c ? c->length : 1;
}

/* What polling found after a reset is lost with the next other command. */
static void forget_polled(struct fdc *f)
{
	for (unsigned i = 0; i < FDC_UNITS; i++)
		if ((f->units[i].st0 & ST0_POLLED) == ST0_POLLED)
			f->units[i].interrupt = false;
}

void fdc_execute(struct fdc *f)
{
	const struct fdc_command *c = find(f->fifo[0]);

	if (f->fifo[0] != CMD_SENSE_INTERRUPT)
		forget_polled(f);
	if (c)
		c->run(f);
	else
		cmd_invalid(f);
}
