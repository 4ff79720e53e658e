/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floppy controller with DMA and a stepped clock: devices/fdc*.c. */
#include "devices/fdc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define RAM_BYTES (1u << 20)
#define BUFFER_AT 0x20000u
#define KIB 1024u

enum { RQM = 0x80, DIO = 0x40, NDMA = 0x20, BUSY = 0x10 };

struct rig {
	struct physmem *pm;
	struct bus *bus;
	struct clock *clock;
	struct dma *dma;
	struct fdc *fdc;
	struct blockdev *drives[2];
	uint8_t *data[2];
	int irq, edges;
	uint8_t result[16];
};

static void set_irq(void *opaque, int n, int level)
{
	struct rig *r = opaque;

	if (level && !r->irq)
		r->edges++;
	r->irq = level;
}

static uint8_t in(struct rig *r, uint16_t port)
{
	return (uint8_t)bus_port_read(r->bus, port, 1);
}

static void out(struct rig *r, uint16_t port, uint8_t value)
{
	bus_port_write(r->bus, port, value, 1);
}

static struct rig *rig_create(uint64_t size_a, uint64_t size_b)
{
	struct rig *r = calloc(1, sizeof(*r));
	uint64_t sizes[2] = {size_a, size_b};
	struct dma_wiring dw = {0};
	struct fdc_wiring w = {0};

	CU_ASSERT_FATAL(physmem_create(&r->pm, RAM_BYTES) == 0);
	r->bus = bus_create(r->pm);
	r->clock = clock_create_stepped();
	dw.bus = r->bus;
	r->dma = dma_create(&dw);
	for (int i = 0; i < 2; i++) {
		if (!sizes[i])
			continue;
		r->data[i] = malloc(sizes[i]);
		for (uint64_t at = 0; at < sizes[i]; at++)
			r->data[i][at] = (uint8_t)(at / 512 * 11 + at % 512 + i);
		r->drives[i] = blockdev_create_memory(r->data[i], sizes[i], false);
	}
	w = (struct fdc_wiring){.bus = r->bus,
				.irq = {set_irq, r, 6},
				.clock = r->clock,
				.dma = r->dma,
				.drives = {r->drives[0], r->drives[1]}};
	r->fdc = fdc_create(&w);
	CU_ASSERT_FATAL(r->fdc != NULL);
	return r;
}

static void rig_destroy(struct rig *r)
{
	fdc_class.destroy(r->fdc);
	dma_class.destroy(r->dma);
	for (int i = 0; i < 2; i++) {
		blockdev_destroy(r->drives[i]);
		free(r->data[i]);
	}
	bus_destroy(r->bus);
	clock_destroy(r->clock);
	physmem_destroy(r->pm);
	free(r);
}

static void send(struct rig *r, unsigned n, const uint8_t *bytes)
{
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(in(r, 0x3f4) & (RQM | DIO), RQM);
		out(r, 0x3f5, bytes[i]);
	}
}

#define SEND(r, ...)                                                           \
	send(r, sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

/* Reads result bytes until there are none. Returns how many. */
static unsigned receive(struct rig *r)
{
	unsigned n = 0;

	while ((in(r, 0x3f4) & (RQM | DIO | BUSY)) == (RQM | DIO | BUSY) && n < 16)
		r->result[n++] = in(r, 0x3f5);
	return n;
}

static void wait_irq(struct rig *r)
{
	for (int i = 0; i < 1000 && !r->irq; i++)
		clock_step(r->clock, 10000);
	CHECK_EQ(r->irq, 1);
}

static void sense(struct rig *r, uint8_t st0, uint8_t pcn)
{
	SEND(r, 0x08);
	CHECK_EQ(receive(r), 2);
	CHECK_EQ(r->result[0], st0);
	CHECK_EQ(r->result[1], pcn);
}

/* Out of reset, with the interrupt of the first polling dealt with. */
static void start(struct rig *r, uint8_t rate)
{
	out(r, 0x3f2, 0x00);
	out(r, 0x3f2, 0x1c);
	wait_irq(r);
	for (uint8_t i = 0; i < 4; i++)
		sense(r, 0xc0 | i, 0);
	CHECK_EQ(r->irq, 0);
	out(r, 0x3f7, rate);
	SEND(r, 0x03, 0xdf, 0x02); /* SPECIFY: DMA */
}

static void recalibrate(struct rig *r, uint8_t unit)
{
	SEND(r, 0x07, unit);
	CHECK_EQ(in(r, 0x3f4), RQM | 1u << unit);
	wait_irq(r);
	sense(r, 0x20 | unit, 0);
}

static void seek(struct rig *r, uint8_t unit, uint8_t cylinder)
{
	SEND(r, 0x0f, unit, cylinder);
	wait_irq(r);
	sense(r, 0x20 | unit, cylinder);
}

/* Channel 2: mode 46h device to memory, 4ah memory to device. */
static void dma_program(struct rig *r, uint8_t mode, uint32_t address, uint32_t bytes)
{
	out(r, 0x0a, 6);
	out(r, 0x0c, 0);
	out(r, 0x04, (uint8_t)address);
	out(r, 0x04, (uint8_t)(address >> 8));
	out(r, 0x81, (uint8_t)(address >> 16));
	out(r, 0x05, (uint8_t)(bytes - 1));
	out(r, 0x05, (uint8_t)((bytes - 1) >> 8));
	out(r, 0x0b, mode);
	out(r, 0x0a, 2);
}

static uint8_t *ram(struct rig *r)
{
	return physmem_ram_ptr(r->pm, BUFFER_AT, 0x10000);
}

static void check_result(struct rig *r, uint8_t st0, uint8_t st1, uint8_t st2, uint8_t c, uint8_t h,
			 uint8_t s)
{
	CHECK_EQ(receive(r), 7);
	CHECK_EQ(r->result[0], st0);
	CHECK_EQ(r->result[1], st1);
	CHECK_EQ(r->result[2], st2);
	CHECK_EQ(r->result[3], c);
	CHECK_EQ(r->result[4], h);
	CHECK_EQ(r->result[5], s);
	CHECK_EQ(r->irq, 0);
}

static void test_geometry(void)
{
	CHECK_EQ(floppy_geometry(160 * KIB)->drive, FLOPPY_DRIVE_360K);
	CHECK_EQ(floppy_geometry(360 * KIB)->sectors, 9);
	CHECK_EQ(floppy_geometry(720 * KIB)->drive, FLOPPY_DRIVE_720K);
	CHECK_EQ(floppy_geometry(1200 * KIB)->drive, FLOPPY_DRIVE_1200K);
	CHECK_EQ(floppy_geometry(1440 * KIB)->drive, FLOPPY_DRIVE_1440K);
	CHECK_EQ(floppy_geometry(1680 * KIB)->sectors, 21);
	CHECK_EQ(floppy_geometry(1722 * KIB)->cylinders, 82);
	CHECK_EQ(floppy_geometry(2880 * KIB)->rate, FLOPPY_RATE_1M);
	CHECK(floppy_geometry(1440 * KIB + 512) == NULL);
	CHECK(floppy_geometry(0) == NULL);
	CHECK(strstr(floppy_geometry_sizes(), "1.44M, ") != NULL);
	CHECK(strncmp(floppy_geometry_sizes(), "160K, ", 6) == 0);
}

static void test_cmos_type(void)
{
	struct rig *r = rig_create(1440 * KIB, 360 * KIB);

	CHECK_EQ(fdc_drive_cmos_type(r->fdc, 0), 4);
	CHECK_EQ(fdc_drive_cmos_type(r->fdc, 1), 1);
	CHECK_EQ(fdc_drive_cmos_type(r->fdc, 2), 0);
	rig_destroy(r);
	r = rig_create(1440 * KIB, 0);
	CHECK_EQ(fdc_drive_cmos_type(r->fdc, 1), 0);
	rig_destroy(r);
}

static void test_reset(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	CHECK_EQ(in(r, 0x3f4), 0); /* held in reset */
	start(r, 0);
	SEND(r, 0x08); /* nothing left to be sensed */
	CHECK_EQ(receive(r), 1);
	CHECK_EQ(r->result[0], 0x80);
	out(r, 0x3f4, 0x80); /* DSR resets too, and releases by itself */
	wait_irq(r);
	sense(r, 0xc0, 0);
	SEND(r, 0x13, 0, 0x10, 0); /* polling off: no interrupt after a reset */
	SEND(r, 0x94);             /* LOCK keeps it so */
	CHECK_EQ(receive(r), 1);
	CHECK_EQ(r->result[0], 0x10);
	out(r, 0x3f4, 0x80);
	clock_step(r->clock, NS_PER_SEC);
	CHECK_EQ(r->irq, 0);
	rig_destroy(r);
}

static void test_identification(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	SEND(r, 0x10);
	CHECK_EQ(receive(r), 1);
	CHECK_EQ(r->result[0], 0x90);
	SEND(r, 0x18); /* PART ID: not of the AA */
	CHECK_EQ(receive(r), 1);
	CHECK_EQ(r->result[0], 0x80);
	SEND(r, 0x13, 0, 0x57, 0x05);
	SEND(r, 0x12, 0x84);
	SEND(r, 0x0e);
	CHECK_EQ(receive(r), 10);
	CHECK_EQ(r->result[4], 0xdf);
	CHECK_EQ(r->result[5], 0x02);
	CHECK_EQ(r->result[7], 0x04);
	CHECK_EQ(r->result[8], 0x57);
	CHECK_EQ(r->result[9], 0x05);
	rig_destroy(r);
}

static void test_seek_and_change_line(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	CHECK_EQ(in(r, 0x3f7), 0x80); /* changed since power-on */
	recalibrate(r, 0);            /* no step at track 0: stays */
	CHECK_EQ(in(r, 0x3f7), 0x80);
	seek(r, 0, 5);
	CHECK_EQ(in(r, 0x3f7), 0);
	SEND(r, 0x04, 0x04);
	CHECK_EQ(receive(r), 1);
	CHECK_EQ(r->result[0], 0x2c);
	recalibrate(r, 0);
	SEND(r, 0x04, 0x00);
	receive(r);
	CHECK_EQ(r->result[0], 0x38); /* track 0 */
	SEND(r, 0xcf, 0, 7);          /* relative, inwards */
	wait_irq(r);
	sense(r, 0x20, 7);
	SEND(r, 0x8f, 0, 2);
	wait_irq(r);
	sense(r, 0x20, 5);
	SEND(r, 0x07, 1); /* no drive: no track 0 */
	wait_irq(r);
	sense(r, 0x71, 0);
	rig_destroy(r);
}

static void test_read(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	recalibrate(r, 0);
	seek(r, 0, 3);
	dma_program(r, 0x46, BUFFER_AT, 4 * 512);
	SEND(r, 0xe6, 0x00, 3, 0, 16, 2, 18, 0x1b, 0xff); /* over both heads */
	CHECK_EQ(in(r, 0x3f4), BUSY);
	CHECK_EQ(r->irq, 0);
	wait_irq(r);
	CHECK_EQ(in(r, 0x3f4), RQM | DIO | BUSY);
	check_result(r, 0x04, 0, 0, 3, 1, 2);
	CHECK(!memcmp(ram(r), r->data[0] + (3 * 36 + 15) * 512, 4 * 512));
	CHECK_EQ(in(r, 0x08) & 0x44, 0x04); /* terminal count; request dropped */
	/* To the end of the cylinder: the result names the next one. */
	dma_program(r, 0x46, BUFFER_AT, 512);
	SEND(r, 0xe6, 0x04, 3, 1, 18, 2, 18, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x04, 0, 0, 4, 0, 1);
	rig_destroy(r);
}

/* Without terminal count the command runs over its last sector. */
static void test_end_of_cylinder(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	recalibrate(r, 0);
	dma_program(r, 0x46, BUFFER_AT, 0x10000);
	SEND(r, 0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x40, 0x80, 0, 1, 0, 1);
	CHECK(!memcmp(ram(r), r->data[0] + 16 * 512, 2 * 512));
	/* EOT beyond what is on the track. */
	SEND(r, 0x46, 0x00, 0, 0, 18, 2, 30, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x40, 0x04, 0, 0, 0, 19);
	rig_destroy(r);
}

static void test_write(void)
{
	struct rig *r = rig_create(720 * KIB, 0);
	const uint8_t *disk;

	start(r, 2);
	recalibrate(r, 0);
	seek(r, 0, 79);
	memset(ram(r), 0xa5, 0x10000);
	dma_program(r, 0x4a, BUFFER_AT, 3 * 512);
	SEND(r, 0xc5, 0x00, 79, 0, 8, 2, 9, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x04, 0, 0, 79, 1, 2);
	disk = r->data[0] + (79 * 18 + 7) * 512;
	CHECK(disk[-1] != 0xa5);
	CHECK_EQ(disk[0], 0xa5);
	CHECK_EQ(disk[3 * 512 - 1], 0xa5);
	CHECK(disk[3 * 512] != 0xa5);
	/* Half a sector: the rest is zeros. */
	dma_program(r, 0x4a, BUFFER_AT, 256);
	SEND(r, 0x45, 0x00, 79, 0, 1, 2, 9, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x00, 0, 0, 79, 0, 2);
	disk = r->data[0] + 79 * 18 * 512;
	CHECK_EQ(disk[255], 0xa5);
	CHECK_EQ(disk[256], 0);
	CHECK_EQ(disk[511], 0);
	r->drives[0]->read_only = true;
	SEND(r, 0x45, 0x00, 79, 0, 1, 2, 9, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x40, 0x02, 0, 79, 0, 1);
	SEND(r, 0x04, 0x00);
	receive(r);
	CHECK_EQ(r->result[0], 0x68); /* protected */
	rig_destroy(r);
}

static void test_rates_and_missing_media(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 2); /* 250 kbit/s: nothing is found */
	recalibrate(r, 0);
	SEND(r, 0x4a, 0x00);
	wait_irq(r);
	CHECK_EQ(receive(r), 7);
	CHECK_EQ(r->result[0], 0x40);
	CHECK_EQ(r->result[1], 0x01);
	out(r, 0x3f7, 0);
	SEND(r, 0x4a, 0x04);
	wait_irq(r);
	check_result(r, 0x04, 0, 0, 0, 1, 1);
	SEND(r, 0x4a, 0x04);
	wait_irq(r);
	check_result(r, 0x04, 0, 0, 0, 1, 2); /* the disk has turned on */
	SEND(r, 0x4a, 0x01);                  /* no drive */
	wait_irq(r);
	CHECK_EQ(receive(r), 7);
	CHECK_EQ(r->result[0], 0x41);
	/* Wrong cylinder, wrong sector size. */
	SEND(r, 0x46, 0x00, 7, 0, 1, 2, 18, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x40, 0x04, 0x10, 7, 0, 1);
	SEND(r, 0x46, 0x00, 0, 0, 1, 3, 18, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0x40, 0x04, 0, 0, 0, 1);
	rig_destroy(r);
	r = rig_create(360 * KIB, 0); /* either rate will do for these */
	start(r, 1);
	SEND(r, 0x4a, 0x00);
	wait_irq(r);
	check_result(r, 0, 0, 0, 0, 0, 1);
	out(r, 0x3f7, 2);
	SEND(r, 0x4a, 0x00);
	wait_irq(r);
	check_result(r, 0, 0, 0, 0, 0, 2);
	rig_destroy(r);
}

static void test_implied_seek(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	recalibrate(r, 0);
	SEND(r, 0x13, 0, 0x40, 0);
	dma_program(r, 0x46, BUFFER_AT, 512);
	SEND(r, 0x46, 0x00, 40, 0, 1, 2, 18, 0x1b, 0xff);
	wait_irq(r);
	check_result(r, 0, 0, 0, 40, 0, 2);
	CHECK(!memcmp(ram(r), r->data[0] + 40 * 36 * 512, 512));
	rig_destroy(r);
}

static void test_format(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);
	uint8_t *ids = ram(r);

	start(r, 0);
	recalibrate(r, 0);
	seek(r, 0, 2);
	for (uint8_t i = 0; i < 18; i++) {
		ids[4 * i] = 2;
		ids[4 * i + 1] = 1;
		ids[4 * i + 2] = i + 1;
		ids[4 * i + 3] = 2;
	}
	dma_program(r, 0x4a, BUFFER_AT, 18 * 4);
	SEND(r, 0x4d, 0x04, 2, 18, 0x6c, 0xf6);
	wait_irq(r);
	CHECK_EQ(receive(r), 7);
	CHECK_EQ(r->result[0], 0x04);
	for (size_t i = 0; i < 18 * 512; i++)
		if (r->data[0][(2 * 36 + 18) * 512 + i] != 0xf6) {
			CHECK_EQ(i, 18 * 512);
			break;
		}
	CHECK(r->data[0][(3 * 36) * 512] != 0xf6);
	CHECK(r->data[0][(2 * 36 + 17) * 512] != 0xf6);
	rig_destroy(r);
}

static void test_programmed_io(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);
	uint8_t buf[512];

	start(r, 0);
	recalibrate(r, 0);
	SEND(r, 0x03, 0xdf, 0x03); /* SPECIFY: non-DMA */
	SEND(r, 0x46, 0x00, 0, 0, 4, 2, 4, 0x1b, 0xff);
	wait_irq(r);
	for (int i = 0; i < 512; i++) {
		CHECK_EQ(in(r, 0x3f4), RQM | DIO | NDMA | BUSY);
		buf[i] = in(r, 0x3f5);
	}
	CHECK(!memcmp(buf, r->data[0] + 3 * 512, 512));
	check_result(r, 0x40, 0x80, 0, 1, 0, 1);
	SEND(r, 0x45, 0x00, 0, 0, 9, 2, 9, 0x1b, 0xff);
	wait_irq(r);
	for (int i = 0; i < 512; i++) {
		CHECK_EQ(in(r, 0x3f4), RQM | NDMA | BUSY);
		out(r, 0x3f5, 0x77);
	}
	check_result(r, 0x40, 0x80, 0, 1, 0, 1);
	CHECK_EQ(r->data[0][8 * 512], 0x77);
	CHECK_EQ(r->data[0][9 * 512 - 1], 0x77);
	rig_destroy(r);
}

/* A masked channel, or a closed gate, makes the transfer wait. */
static void test_waits_for_dma(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);

	start(r, 0);
	recalibrate(r, 0);
	dma_program(r, 0x46, BUFFER_AT, 512);
	out(r, 0x0a, 6);
	SEND(r, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
	clock_step(r->clock, NS_PER_SEC);
	CHECK_EQ(r->irq, 0);
	CHECK_EQ(in(r, 0x3f4), BUSY);
	out(r, 0x0a, 2);
	CHECK_EQ(r->irq, 1);
	check_result(r, 0, 0, 0, 0, 0, 2);
	dma_program(r, 0x46, BUFFER_AT, 512);
	out(r, 0x3f2, 0x14); /* gate off: neither DRQ nor INT reach the bus */
	SEND(r, 0x46, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff);
	clock_step(r->clock, NS_PER_SEC);
	CHECK_EQ(in(r, 0x3f4), BUSY);
	out(r, 0x3f2, 0x1c);
	CHECK_EQ(r->irq, 1);
	rig_destroy(r);
}

static void test_all_sizes(void)
{
	static const uint16_t sizes[] = {160,  180,  320,  360,  640,  720,  800,  820, 830,
					 1200, 1440, 1520, 1600, 1680, 1722, 1743, 2880};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct floppy_geometry *g = floppy_geometry(sizes[i] * KIB);
		struct rig *r = rig_create(sizes[i] * KIB, 0);
		uint8_t c = g->cylinders - 1, h = g->heads - 1;

		start(r, g->rate);
		recalibrate(r, 0);
		seek(r, 0, c);
		dma_program(r, 0x46, BUFFER_AT, 512);
		SEND(r, 0x46, h << 2, c, h, g->sectors, 2, g->sectors, 0x1b, 0xff);
		wait_irq(r);
		check_result(r, h << 2, 0, 0, c + 1, h, 1);
		CHECK(!memcmp(ram(r), r->data[0] + sizes[i] * KIB - 512, 512));
		rig_destroy(r);
	}
}

static void test_media_change(void)
{
	struct rig *r = rig_create(1440 * KIB, 0);
	struct blockdev *b = r->drives[0];

	start(r, 0);
	recalibrate(r, 0);
	seek(r, 0, 1);
	CHECK_EQ(in(r, 0x3f7), 0);
	SEND(r, 0x46, 0x00, 1, 0, 1, 2, 18, 0x1b, 0xff);
	b->inserted = false; /* while the command is under way */
	b->media_changed(b->media_opaque);
	CHECK_EQ(r->irq, 1);
	check_result(r, 0x40, 0x01, 0, 1, 0, 1);
	CHECK_EQ(in(r, 0x3f7), 0x80);
	seek(r, 0, 2); /* steps over no medium do not clear it */
	CHECK_EQ(in(r, 0x3f7), 0x80);
	b->inserted = true;
	b->media_changed(b->media_opaque);
	CHECK_EQ(in(r, 0x3f7), 0x80);
	seek(r, 0, 1);
	CHECK_EQ(in(r, 0x3f7), 0);
	rig_destroy(r);
}

static void random_command(struct rig *r, uint64_t *seed)
{
	static const uint8_t codes[] = {0x02, 0x03, 0x04, 0xc5, 0xe6, 0x07, 0x08, 0x45,
					0x4a, 0x0c, 0x4d, 0x0e, 0x0f, 0x46, 0x12, 0x13,
					0x14, 0x16, 0x8f, 0xcf, 0xc5, 0xe6, 0x46, 0x4d};
	uint64_t v = unit_random(seed);

	dma_program(r, (uint8_t)(v >> 56), BUFFER_AT, 1 + (v >> 32 & 0x7fff));
	out(r, 0x3f5, codes[v % sizeof(codes)]);
	out(r, 0x3f5, v >> 8 & 7);
	for (int i = 0; i < 7; i++)
		out(r, 0x3f5, unit_random(seed) % 20);
	clock_step(r->clock, v >> 20 & 0xfffff);
	for (int i = 0; i < 10; i++)
		in(r, 0x3f5);
}

static void test_fuzz(void)
{
	struct rig *r = rig_create(1440 * KIB, 160 * KIB);
	uint64_t seed = 0xf10, v;

	for (int i = 0; i < 300000; i++) {
		struct blockdev *b;

		v = unit_random(&seed);
		b = r->drives[v & 1];
		switch (v >> 8 & 7) {
		case 0:
			in(r, 0x3f0 + (v >> 16 & 7));
			break;
		case 1:
			clock_step(r->clock, v >> 16 & 0x3ffff);
			break;
		case 2:
			if (v >> 16 & 7)
				break;
			out(r, 0x3f2, 0x1c | (v >> 20 & 1));
			random_command(r, &seed);
			break;
		case 3:
			out(r, 0x3f5, (uint8_t)(v >> 16));
			break;
		case 4:
			if ((v >> 16 & 255) == 0) {
				b->inserted = !b->inserted;
				b->media_changed(b->media_opaque);
			}
			break;
		default:
			bus_port_write(r->bus, 0x3f0 + (v >> 16 & 7), (uint32_t)(v >> 20),
				       1u << (v >> 60) % 3);
			break;
		}
	}
	rig_destroy(r);
}

UNIT_MAIN("82077AA", {"geometry", test_geometry}, {"CMOS type", test_cmos_type},
	  {"reset", test_reset}, {"identification", test_identification},
	  {"seek and change line", test_seek_and_change_line}, {"read", test_read},
	  {"end of cylinder", test_end_of_cylinder}, {"write", test_write},
	  {"rates and missing media", test_rates_and_missing_media},
	  {"implied seek", test_implied_seek}, {"format", test_format},
	  {"programmed I/O", test_programmed_io}, {"waits for DMA", test_waits_for_dma},
	  {"all sizes", test_all_sizes}, {"media change", test_media_change}, {"fuzz", test_fuzz})
