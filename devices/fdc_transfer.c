/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, writing and formatting sectors (82077AA 5.1).
 *
 * A read fetches the cylinder under the heads in one request and then hands
 * out its sectors; a write collects sectors in the same buffer and writes what
 * was touched, a piece for each head. Data ends with the DMA's terminal count;
 * without one, at the last sector of the command, which is an error by the
 * datasheet and what programmed I/O always ends with.
 *
 *   command -> timer -> (read: back end) -> data, as DMA or host take it
 *           -> (write: back end) -> result
 */
#include "devices/fdc_internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define SECTOR_CODE 2 /* N: 128 << 2 bytes */
#define START_NS 100000u
#define SECTOR_NS 20000u /* a sector; a real drive takes 11 ms at 1.44M */
#define CONFIG_IMPLIED_SEEK 0x40u
#define FIRST_MULTI_TRACK 0x80u

static struct fdc_drive *drive(struct fdc *f)
{
	return fdc_drive_of(f, f->transfer.unit);
}

/* A 40-track disk in an 80-track drive: its tracks are two steps apart. */
static unsigned medium_cylinder(const struct fdc_drive *d)
{
	bool narrow = d->type == FLOPPY_DRIVE_1200K && d->geometry->cylinders <= 42;

	return narrow ? d->track / 2u : d->track;
}

/*
 * Double-density 5.25" disks turn at 300 rpm in their own drive (250 kbit/s)
 * and at 360 in a 1.2M one (300 kbit/s); BIOSes are not sure which they have.
 */
static bool rate_fits(const struct fdc *f, const struct fdc_drive *d)
{
	const struct floppy_geometry *g = d->geometry;

	if (g->drive == FLOPPY_DRIVE_360K)
		return f->rate == FLOPPY_RATE_250K || f->rate == FLOPPY_RATE_300K;
	return f->rate == g->rate;
}

/* ---- Results ---- */

static void finish(struct fdc *f, uint8_t st1, uint8_t st2)
{
	struct fdc_transfer *t = &f->transfer;
	bool good = !st1 && !(st2 & ~ST2_CONTROL_MARK);

	timer_cancel(&f->transfer_timer);
	dma_set_request(f->dma, FDC_DMA_CHANNEL, 0);
	t->waiting = false;
	f->fifo[0] = (uint8_t)((good ? 0 : ST0_ABNORMAL) | t->head << 2 | t->unit);
	f->fifo[1] = st1;
	f->fifo[2] = st2;
	f->fifo[3] = t->id_c;
	f->fifo[4] = t->id_h;
	f->fifo[5] = t->sector;
	f->fifo[6] = t->id_n;
	LOG(LOG_FLOPPY, "result %02x %02x %02x, next %u/%u/%u", f->fifo[0], st1, st2, t->id_c,
	    t->id_h, t->sector);
	fdc_result(f, 7);
	fdc_raise_irq(f);
}

/* ---- Sectors ---- */

static uint8_t *sector_data(struct fdc *f)
{
	const struct fdc_transfer *t = &f->transfer;
	unsigned n = t->head * drive(f)->geometry->sectors + t->sector - 1u;

	return f->buffer + n * FLOPPY_SECTOR;
}

static bool sector_exists(struct fdc *f)
{
	const struct floppy_geometry *g = drive(f)->geometry;
	const struct fdc_transfer *t = &f->transfer;

	return t->sector >= 1 && t->sector <= g->sectors && t->head < g->heads;
}

/*
 * Goes to the sector after the current one, as the result phase names it
 * (82077AA table 5-5). Returns false at the end of the command.
 */
static bool next_sector(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	t->pos = 0;
	if (t->sector != t->last) {
		t->sector++;
		return true;
	}
	t->sector = 1;
	if (t->multi_track && !(t->id_h & 1)) {
		t->id_h ^= 1;
		t->head ^= 1;
		return true;
	}
	if (t->multi_track)
		t->id_h ^= 1;
	t->id_c++;
	return false;
}

/* ---- The back end ---- */

static void move_data(struct fdc *f);

static void request_done(struct block_request *req, int error);

static void submit(struct fdc *f, int op, unsigned first, unsigned count)
{
	struct fdc_drive *d = drive(f);
	const struct floppy_geometry *g = d->geometry;
	uint64_t cylinder_bytes = (uint64_t)g->heads * g->sectors * FLOPPY_SECTOR;

	f->req = (struct block_request){
		.op = op,
		.offset = f->transfer.cylinder * cylinder_bytes + first * FLOPPY_SECTOR,
		.buf = f->buffer + first * FLOPPY_SECTOR,
		.len = count * FLOPPY_SECTOR,
		.done = request_done,
		.opaque = f,
	};
	f->transfer.in_flight = true;
	blockdev_submit(d->blk, &f->req);
}

/* Writes the next touched piece; when there is none the command is done. */
static void write_back(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	for (unsigned h = 0; h < 2; h++) {
		unsigned first = t->first[h], count = t->end[h] - first;

		if (!t->end[h])
			continue;
		t->first[h] = t->end[h] = 0;
		submit(f, BLOCK_WRITE, h * drive(f)->geometry->sectors + first - 1, count);
		return;
	}
	finish(f, t->st1, t->st2);
}

static void touch_sector(struct fdc_transfer *t)
{
	uint8_t *first = &t->first[t->head & 1], *end = &t->end[t->head & 1];

	if (!*end || t->sector < *first)
		*first = t->sector;
	if (t->sector >= *end)
		*end = (uint8_t)(t->sector + 1);
}

static void data_over(struct fdc *f, uint8_t st1, uint8_t st2)
{
	struct fdc_transfer *t = &f->transfer;

	t->st1 = st1;
	t->st2 = st2;
	f->phase = FDC_EXECUTE;
	dma_set_request(f->dma, FDC_DMA_CHANNEL, 0);
	t->waiting = false;
	if (t->operation == FDC_WRITE || t->operation == FDC_FORMAT)
		write_back(f);
	else
		finish(f, st1, st2);
}

static void request_done(struct block_request *req, int error)
{
	struct fdc *f = req->opaque;

	f->transfer.in_flight = false;
	if (error) {
		LOG(LOG_FLOPPY, "%s: %s", req->op == BLOCK_READ ? "read" : "write",
		    strerror(-error));
		if (error == -EROFS)
			finish(f, ST1_NOT_WRITABLE, 0);
		else
			finish(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
	} else if (req->op == BLOCK_READ) {
		move_data(f);
	} else {
		write_back(f);
	}
}

/* ---- Data ---- */

/* A sector is complete. Returns whether another one follows. */
static bool end_sector(struct fdc *f, bool tc)
{
	struct fdc_transfer *t = &f->transfer;
	bool more;

	if (t->operation == FDC_WRITE)
		touch_sector(t);
	more = next_sector(f);
	if (tc || t->one_sector)
		data_over(f, 0, t->one_sector ? ST2_CONTROL_MARK : 0);
	else if (!more)
		data_over(f, ST1_END_OF_CYLINDER, 0);
	else if (!sector_exists(f))
		data_over(f, ST1_NO_DATA, 0);
	else
		return true;
	return false;
}

/* FORMAT TRACK: the four bytes of an ID have come; N sectors are to follow. */
static bool end_format_id(struct fdc *f, bool tc)
{
	struct fdc_transfer *t = &f->transfer;

	t->pos = 0;
	t->sector = f->fifo[2];
	if (sector_exists(f) && f->fifo[0] == t->cylinder && f->fifo[3] == SECTOR_CODE) {
		memset(sector_data(f), t->fill, FLOPPY_SECTOR);
		touch_sector(t);
	} else {
		t->st1 |= ST1_NO_DATA; /* another format than the image's size has room for */
	}
	if (--t->sectors_left && !tc)
		return true;
	data_over(f, t->st1, 0);
	return false;
}

static unsigned item_bytes(const struct fdc_transfer *t)
{
	return t->operation == FDC_FORMAT ? 4 : FLOPPY_SECTOR;
}

static uint8_t *item_data(struct fdc *f)
{
	return f->transfer.operation == FDC_FORMAT ? f->fifo : sector_data(f);
}

static bool end_item(struct fdc *f, bool tc)
{
	return f->transfer.operation == FDC_FORMAT ? end_format_id(f, tc) : end_sector(f, tc);
}

/* Moves what DMA takes; goes on when its ready callback comes. */
static void move_by_dma(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;
	bool more = true, tc;

	t->waiting = true;
	while (more) {
		uint8_t *at = item_data(f) + t->pos;
		size_t room = item_bytes(t) - t->pos, n;

		if (t->operation == FDC_READ)
			n = dma_channel_write(f->dma, FDC_DMA_CHANNEL, at, room, &tc);
		else
			n = dma_channel_read(f->dma, FDC_DMA_CHANNEL, at, room, &tc);
		if (!n)
			return;
		t->pos = (uint16_t)(t->pos + n);
		if (tc && n < room && t->operation != FDC_READ)
			memset(at + n, 0, room - n); /* 5.1.2: the rest is zeros */
		if (tc || n == room)
			more = end_item(f, tc);
	}
}

static void verify_sectors(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	for (;;) {
		bool counted = t->sectors_left && !--t->sectors_left;
		bool more = next_sector(f);

		if (counted || !more) {
			finish(f, 0, 0);
			return;
		}
		if (!sector_exists(f)) {
			finish(f, ST1_NO_DATA, 0);
			return;
		}
	}
}

static void move_data(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	if (t->operation == FDC_VERIFY) {
		verify_sectors(f);
	} else if (fdc_non_dma(f)) {
		f->phase = t->operation == FDC_READ ? FDC_PIO_IN : FDC_PIO_OUT;
		fdc_raise_irq(f);
	} else {
		t->waiting = true;
		if (!fdc_dma_gate(f))
			return;
		dma_set_request(f->dma, FDC_DMA_CHANNEL, 1);
		move_by_dma(f);
	}
}

void fdc_transfer_ready(void *opaque)
{
	struct fdc *f = opaque;

	if (f->transfer.waiting)
		move_data(f);
}

/* Each byte takes the interrupt back; the next sector brings a new one. */
static void pio_moved(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	fdc_drop_irq(f);
	if (++t->pos == item_bytes(t) && end_item(f, false))
		fdc_raise_irq(f);
}

uint8_t fdc_pio_read(struct fdc *f)
{
	uint8_t value = item_data(f)[f->transfer.pos];

	pio_moved(f);
	return value;
}

void fdc_pio_write(struct fdc *f, uint8_t value)
{
	item_data(f)[f->transfer.pos] = value;
	pio_moved(f);
}

/* ---- Starting ---- */

/* Whether IDs pass under the head at all: a medium, recorded at this rate. */
static bool finds_marks(struct fdc *f)
{
	const struct fdc_drive *d = drive(f);

	return d && d->geometry && rate_fits(f, d) && f->transfer.head < d->geometry->heads &&
	       medium_cylinder(d) < d->geometry->cylinders;
}

/* Whether the one that is looked for does; else ends the command. */
static bool find_first(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	t->cylinder = (uint8_t)medium_cylinder(drive(f));
	if (t->id_c != t->cylinder)
		finish(f, ST1_NO_DATA, ST2_WRONG_CYLINDER);
	else if (!sector_exists(f) || t->id_h != t->head || t->id_n != SECTOR_CODE)
		finish(f, ST1_NO_DATA, 0);
	else
		return true;
	return false;
}

static void start_read(struct fdc *f)
{
	const struct floppy_geometry *g = drive(f)->geometry;

	if (find_first(f))
		submit(f, BLOCK_READ, 0, (unsigned)g->heads * g->sectors);
}

static void start_write(struct fdc *f)
{
	if (drive(f)->blk->read_only)
		finish(f, ST1_NOT_WRITABLE, 0);
	else if (find_first(f))
		move_data(f);
}

static void start_format(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;

	t->cylinder = (uint8_t)medium_cylinder(drive(f));
	if (drive(f)->blk->read_only)
		finish(f, ST1_NOT_WRITABLE, 0);
	else if (!t->sectors_left)
		finish(f, ST1_NO_DATA, 0);
	else
		move_data(f);
}

static void read_id(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;
	struct fdc_drive *d = drive(f);

	d->rotation = (uint8_t)(d->rotation % d->geometry->sectors + 1);
	t->id_c = (uint8_t)medium_cylinder(d);
	t->id_h = t->head;
	t->sector = d->rotation;
	t->id_n = SECTOR_CODE;
	finish(f, 0, 0);
}

void fdc_transfer_timer(void *opaque)
{
	struct fdc *f = opaque;

	if (!finds_marks(f)) {
		finish(f, ST1_NO_MARK, 0);
		return;
	}
	switch (f->transfer.operation) {
	case FDC_READ:
		start_read(f);
		break;
	case FDC_WRITE:
		start_write(f);
		break;
	case FDC_FORMAT:
		start_format(f);
		break;
	case FDC_READ_ID:
		read_id(f);
		break;
	default:
		if (find_first(f))
			move_data(f);
		break;
	}
}

/* CONFIGURE's EIS bit: the command seeks by itself. */
static void implied_seek(struct fdc *f)
{
	struct fdc_transfer *t = &f->transfer;
	struct fdc_drive *d = drive(f);
	struct fdc_unit *u = &f->units[t->unit];

	if (!(f->config & CONFIG_IMPLIED_SEEK) || t->operation == FDC_FORMAT)
		return;
	if (d)
		fdc_step(d, t->id_c - u->pcn);
	u->pcn = t->id_c;
}

static void start(struct fdc *f, enum fdc_operation operation)
{
	const uint8_t *p = f->fifo;

	f->transfer = (struct fdc_transfer){
		.operation = (uint8_t)operation,
		.unit = p[1] & 3,
		.head = p[1] >> 2 & 1,
		.multi_track = p[0] & FIRST_MULTI_TRACK,
		.id_c = p[2],
		.id_h = p[3],
		.sector = p[4],
		.id_n = p[5],
		.last = p[6],
	};
	f->last_eot = p[6];
	implied_seek(f);
	timer_set(&f->transfer_timer, clock_now(f->clock) + START_NS + SECTOR_NS);
}

void fdc_cmd_read(struct fdc *f)
{
	start(f, FDC_READ);
}

/* Sectors of an image all have the normal mark: the first one ends it. */
void fdc_cmd_read_deleted(struct fdc *f)
{
	start(f, FDC_READ);
	f->transfer.one_sector = true;
}

/* From the index hole on, whatever sector the command names. */
void fdc_cmd_read_track(struct fdc *f)
{
	start(f, FDC_READ);
	f->transfer.sector = 1;
	f->transfer.multi_track = false;
}

void fdc_cmd_write(struct fdc *f)
{
	start(f, FDC_WRITE);
}

/* EC, bit 7 of the second byte: the ninth is a count of sectors. */
void fdc_cmd_verify(struct fdc *f)
{
	uint8_t count = f->fifo[1] & 0x80 ? f->fifo[8] : 0;

	start(f, FDC_VERIFY);
	f->transfer.sectors_left = count;
}

void fdc_cmd_format(struct fdc *f)
{
	const uint8_t *p = f->fifo;
	struct fdc_transfer *t = &f->transfer;

	*t = (struct fdc_transfer){
		.operation = FDC_FORMAT,
		.unit = p[1] & 3,
		.head = p[1] >> 2 & 1,
		.id_n = p[2],
		.sectors_left = p[3],
		.fill = p[5],
	};
	f->last_eot = p[3];
	timer_set(&f->transfer_timer, clock_now(f->clock) + START_NS + SECTOR_NS);
}

void fdc_cmd_read_id(struct fdc *f)
{
	f->transfer = (struct fdc_transfer){
		.operation = FDC_READ_ID,
		.unit = f->fifo[1] & 3,
		.head = f->fifo[1] >> 2 & 1,
	};
	timer_set(&f->transfer_timer, clock_now(f->clock) + START_NS);
}

/* ---- Ends from outside ---- */

void fdc_transfer_abort(struct fdc *f)
{
	struct fdc_drive *d = drive(f);

	timer_cancel(&f->transfer_timer);
	dma_set_request(f->dma, FDC_DMA_CHANNEL, 0);
	if (f->transfer.in_flight && d)
		blockdev_cancel_all(d->blk);
	f->transfer = (struct fdc_transfer){0};
}

void fdc_transfer_lost_medium(struct fdc *f, unsigned unit)
{
	struct fdc_transfer *t = &f->transfer;

	if (t->unit != unit || f->phase == FDC_COMMAND || f->phase == FDC_RESULT)
		return;
	t->in_flight = false;
	f->phase = FDC_EXECUTE;
	finish(f, ST1_NO_MARK, 0);
}
