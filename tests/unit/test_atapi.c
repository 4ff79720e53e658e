/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CD drive's packet commands: devices/atapi*.c. */
#include "tests/unit/ide_harness.h"

#define DISC_SECTORS 700u
#define DISC (DISC_SECTORS * 2048u)

static const uint64_t sizes[IDE_DRIVES] = {0, 0, DISC};
static const bool cds[IDE_DRIVES] = {false, false, true};

/* Sends a packet; features bit 0: DMA. */
static void packet(struct rig *r, const uint8_t *bytes, unsigned n, uint8_t features,
		   uint16_t limit)
{
	uint8_t cdb[12] = {0};

	memcpy(cdb, bytes, n);
	out(r, 6, 0xa0);
	out(r, 1, features);
	out(r, 4, (uint8_t)limit);
	out(r, 5, (uint8_t)(limit >> 8));
	out(r, 7, 0xa0);
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	CHECK_EQ(in(r, 2), 0x01); /* command packet wanted */
	write_data(r, cdb, 12);
}

#define PACKET(r, features, limit, ...)                                        \
	packet(r, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), features, limit)

/* Reads all data of a packet command by PIO. Returns how much. */
static size_t data_in(struct rig *r, uint8_t *buf, size_t room)
{
	size_t total = 0;

	while (in(r, 7) & DRQ) {
		size_t n = in(r, 4) | (size_t)in(r, 5) << 8;

		CHECK_EQ(in(r, 2), 0x02);
		if (total + n > room) {
			CHECK_EQ(total + n, room);
			break;
		}
		read_data(r, buf + total, n);
		total += n;
	}
	return total;
}

static void check_good(struct rig *r)
{
	CHECK_EQ(in(r, 2), 0x03);
	CHECK_EQ(in(r, 7), DRDY | DSC);
}

/* The command has failed; REQUEST SENSE says with what. */
static void check_sense(struct rig *r, uint8_t key, uint8_t asc, uint8_t ascq)
{
	uint8_t sense[18];

	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1) >> 4, key);
	PACKET(r, 0, 0xfffe, 0x03, 0, 0, 0, 18);
	CHECK_EQ(data_in(r, sense, sizeof(sense)), 18);
	CHECK_EQ(sense[0], 0x70);
	CHECK_EQ(sense[2], key);
	CHECK_EQ(sense[12], asc);
	CHECK_EQ(sense[13], ascq);
	check_good(r);
}

/* The CD is secondary master; the reset's unit attention is dealt with. */
static struct rig *start(void)
{
	struct rig *r = rig_create(sizes, cds);

	r->base = SECONDARY;
	PACKET(r, 0, 0, 0x00);
	check_sense(r, 6, 0x29, 0);
	return r;
}

static void test_signature(void)
{
	struct rig *r = start();
	uint8_t id[512];

	control(r, 4);
	control(r, 0);
	CHECK_EQ(in(r, 7), 0);
	CHECK_EQ(in(r, 2), 1);
	CHECK_EQ(in(r, 3), 1);
	CHECK_EQ(in(r, 4), 0x14);
	CHECK_EQ(in(r, 5), 0xeb);
	out(r, 4, 0);
	out(r, 7, 0xec); /* IDENTIFY DEVICE aborts with the signature */
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x04);
	CHECK_EQ(in(r, 4), 0x14);
	CHECK_EQ(in(r, 5), 0xeb);
	out(r, 7, 0xa1);
	CHECK_EQ(r->irq[1], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	read_data(r, id, 512);
	CHECK_EQ(id[0] | id[1] << 8, 0x85c0);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	out(r, 7, 0xa0);
	out(r, 7, 0x08); /* DEVICE RESET in the midst of a command */
	CHECK_EQ(in(r, 7), 0);
	CHECK_EQ(in(r, 4), 0x14);
	rig_destroy(r);
}

static void test_inquiry(void)
{
	struct rig *r = start();
	uint8_t buf[96];

	r->edges[1] = 0;
	PACKET(r, 0, 0xfffe, 0x12, 0, 0, 0, 96);
	CHECK_EQ(r->irq[1], 1);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 36);
	CHECK_EQ(buf[0], 5);
	CHECK_EQ(buf[1], 0x80);
	CHECK(!memcmp(buf + 8, "TRANSVIS", 8));
	CHECK_EQ(r->edges[1], 2); /* data and status */
	check_good(r);
	PACKET(r, 0, 0xfffe, 0x12, 0, 0, 0, 5); /* cut to the allocation length */
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 5);
	check_good(r);
	PACKET(r, 0, 0xfffe, 0xd8);
	check_sense(r, 5, 0x20, 0);
	rig_destroy(r);
}

static void test_unit_attention(void)
{
	struct rig *r = rig_create(sizes, cds);
	uint8_t buf[36];

	r->base = SECONDARY;
	PACKET(r, 0, 0xfffe, 0x12, 0, 0, 0, 36); /* leaves it pending */
	data_in(r, buf, sizeof(buf));
	check_good(r);
	PACKET(r, 0, 0, 0x00);
	check_sense(r, 6, 0x29, 0);
	PACKET(r, 0, 0, 0x00);
	check_good(r);
	rig_destroy(r);
}

static void test_read_pio(void)
{
	struct rig *r = start();
	static uint8_t buf[100 * 2048];

	r->edges[1] = 0;
	PACKET(r, 0, 2048, 0x28, 0, 0, 0, 0, 17, 0, 0, 2);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 4096);
	check_good(r);
	CHECK(!memcmp(buf, r->data[2] + 17 * 2048, 4096));
	CHECK_EQ(r->edges[1], 3); /* two blocks, status */
	PACKET(r, 0, 0x0801, 0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 100); /* an odd limit */
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 100 * 2048);
	check_good(r);
	CHECK(!memcmp(buf, r->data[2] + 3 * 2048, 100 * 2048));
	PACKET(r, 0, 0xffff, 0x28, 0, 0, 0, 0, 0, 0, 0, 100);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 100 * 2048);
	CHECK(!memcmp(buf, r->data[2], 100 * 2048));
	PACKET(r, 0, 2048, 0x28, 0, 0, 0, DISC_SECTORS >> 8, DISC_SECTORS & 0xff, 0, 0, 1);
	check_sense(r, 5, 0x21, 0);
	PACKET(r, 0, 2048, 0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
	check_sense(r, 5, 0x21, 0);
	PACKET(r, 0, 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 0); /* nothing is no error */
	check_good(r);
	r->drives[2]->fail = -EIO;
	PACKET(r, 0, 2048, 0x28, 0, 0, 0, 0, 5, 0, 0, 1);
	check_sense(r, 3, 0x11, 0);
	rig_destroy(r);
}

static void test_read_dma(void)
{
	struct rig *r = start();

	dma_entry(r, 0, 0x100000, 0, false);
	dma_entry(r, 1, 0x200000, 0xf800 - 0x800, true);
	dma_prepare(r, true);
	r->drives[2]->submitted = 0;
	r->edges[1] = 0;
	PACKET(r, 1, 0, 0x28, 0, 0, 0, 1, 0, 0, 0, 62);
	CHECK_EQ(r->irq[1], 0);
	dma_start(r);
	CHECK_EQ(r->irq[1], 1);
	CHECK_EQ(r->edges[1], 1);
	CHECK_EQ(bm_status(r), 0x64);
	check_good(r);
	CHECK_EQ(r->drives[2]->submitted, 1);
	CHECK(!memcmp(ram_at(r, 0x100000), r->data[2] + 256 * 2048, 0x10000));
	CHECK(!memcmp(ram_at(r, 0x200000), r->data[2] + 288 * 2048, 0xf000));
	/* A reply that is not sectors, into more memory than it needs. */
	dma_entry(r, 0, 0x100000, 64, true);
	dma_prepare(r, true);
	PACKET(r, 1, 0, 0x12, 0, 0, 0, 36);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x65);
	CHECK(!memcmp(ram_at(r, 0x100008), "TRANSVIS", 8));
	dma_stop(r);
	rig_destroy(r);
}

static void test_read_cd(void)
{
	struct rig *r = start();
	static uint8_t buf[3 * 2352];

	PACKET(r, 0, 0xfffe, 0xbe, 0, 0, 0, 0, 150, 0, 0, 3, 0x10);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 3 * 2048);
	CHECK(!memcmp(buf, r->data[2] + 150 * 2048, 3 * 2048));
	PACKET(r, 0, 0xfffe, 0xbe, 0, 0, 0, 0, 75, 0, 0, 3, 0xf8);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 3 * 2352);
	check_good(r);
	CHECK(!memcmp(buf, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\3\0\1", 16));
	CHECK(!memcmp(buf + 16, r->data[2] + 75 * 2048, 2048));
	CHECK_EQ(buf[2 * 2352 + 14], 2); /* frame */
	CHECK(!memcmp(buf + 2 * 2352 + 16, r->data[2] + 77 * 2048, 2048));
	PACKET(r, 0, 0xfffe, 0xb9, 0, 0, 0, 2, 10, 0, 2, 12, 0x10); /* by MSF */
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 2 * 2048);
	CHECK(!memcmp(buf, r->data[2] + 10 * 2048, 2 * 2048));
	dma_entry(r, 0, 0x100000, 0, false);
	dma_entry(r, 1, 0x110000, 0, false);
	dma_entry(r, 2, 0x120000, 0, false);
	dma_entry(r, 3, 0x130000, 100 * 2352 - 0x30000, true);
	dma_prepare(r, true);
	dma_start(r);
	PACKET(r, 1, 0, 0xbe, 0, 0, 0, 0, 0, 0, 0, 100, 0xf8); /* more than the buffer holds */
	CHECK_EQ(bm_status(r), 0x64);
	CHECK(!memcmp(ram_at(r, 0x100000 + 99 * 2352 + 16), r->data[2] + 99 * 2048, 2048));
	rig_destroy(r);
}

static void test_capacity_and_toc(void)
{
	struct rig *r = start();
	uint8_t buf[64];

	PACKET(r, 0, 0xfffe, 0x25);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8);
	CHECK_EQ(buf[2] << 8 | buf[3], DISC_SECTORS - 1);
	CHECK_EQ(buf[6] << 8 | buf[7], 2048);
	PACKET(r, 0, 0xfffe, 0x43, 0, 0, 0, 0, 0, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 20);
	CHECK_EQ(buf[1], 18);
	CHECK_EQ(buf[2], 1);
	CHECK_EQ(buf[5], 0x14);
	CHECK_EQ(buf[6], 1);
	CHECK_EQ(buf[14], 0xaa);
	CHECK_EQ(buf[18] << 8 | buf[19], DISC_SECTORS);
	PACKET(r, 0, 0xfffe, 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64); /* MSF of the lead-out */
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 12);
	CHECK_EQ(buf[9], 0);
	CHECK_EQ(buf[10], (DISC_SECTORS + 150) / 75);
	CHECK_EQ(buf[11], (DISC_SECTORS + 150) % 75);
	PACKET(r, 0, 0xfffe, 0x43, 0, 1, 0, 0, 0, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 12);
	PACKET(r, 0, 0xfffe, 0x43, 2, 2, 0, 0, 0, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 4 + 4 * 11);
	CHECK_EQ(buf[4 + 3], 0xa0);
	CHECK_EQ(buf[4 + 33 + 3], 1);
	PACKET(r, 0, 0xfffe, 0x43, 0, 0, 0, 0, 0, 7, 0, 64);
	check_sense(r, 5, 0x24, 0);
	rig_destroy(r);
}

static void test_configuration_and_modes(void)
{
	struct rig *r = start();
	uint8_t buf[256];
	size_t n;

	PACKET(r, 0, 0xfffe, 0x46, 0, 0, 0, 0, 0, 0, 0, 255);
	n = data_in(r, buf, sizeof(buf));
	CHECK_EQ((size_t)(buf[2] << 8 | buf[3]) + 4, n);
	CHECK_EQ(buf[7], 0x08); /* current profile: CD-ROM */
	PACKET(r, 0, 0xfffe, 0x46, 2, 0, 3, 0, 0, 0, 0, 255); /* only feature 3 */
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 16);
	CHECK_EQ(buf[9], 3);
	PACKET(r, 0, 0xfffe, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8 + 22);
	CHECK_EQ(buf[1], 28);
	CHECK_EQ(buf[2], 1);
	CHECK_EQ(buf[8], 0x2a);
	PACKET(r, 0, 0xfffe, 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8 + 8 + 8 + 16 + 22);
	PACKET(r, 0, 0xfffe, 0x1a, 0, 0x0e, 0, 255);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 4 + 16);
	PACKET(r, 0, 0xfffe, 0x5a, 0, 0x07, 0, 0, 0, 0, 0, 255);
	check_sense(r, 5, 0x24, 0);
	memset(buf, 0, sizeof(buf));
	PACKET(r, 0, 0xfffe, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 16); /* MODE SELECT */
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	CHECK_EQ(in(r, 2), 0);
	write_data(r, buf, 16);
	check_good(r);
	rig_destroy(r);
}

static void test_other_replies(void)
{
	struct rig *r = start();
	uint8_t buf[64];

	PACKET(r, 0, 0xfffe, 0x42, 2, 0x40, 1, 0, 0, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 16);
	CHECK_EQ(buf[1], 0x15);
	PACKET(r, 0, 0xfffe, 0x51, 0, 0, 0, 0, 0, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 34);
	PACKET(r, 0, 0xfffe, 0x52, 1, 0, 0, 0, 1, 0, 0, 64);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 36);
	PACKET(r, 0, 0xfffe, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8);
	PACKET(r, 0, 0xfffe, 0xbb);
	check_good(r);
	PACKET(r, 0, 0xfffe, 0x2b, 0, 0, 0, 0, 9);
	check_good(r);
	PACKET(r, 0, 0xfffe, 0x47, 0, 0, 0, 2, 0, 0, 4, 0);
	check_sense(r, 5, 0x64, 0);
	rig_destroy(r);
}

static void change(struct rig *r, bool inserted)
{
	struct blockdev *b = &r->drives[2]->b;

	b->inserted = inserted;
	b->media_changed(b->media_opaque);
}

static void test_media_change(void)
{
	struct rig *r = start();
	uint8_t buf[16];

	PACKET(r, 0, 0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 16);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8);
	CHECK_EQ(buf[4], 0); /* no event */
	CHECK_EQ(buf[5], 2); /* medium present */
	change(r, false);
	PACKET(r, 0, 0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 16);
	data_in(r, buf, sizeof(buf));
	CHECK_EQ(buf[4], 3);
	CHECK_EQ(buf[5], 1); /* tray open */
	PACKET(r, 0, 0, 0x00);
	check_sense(r, 2, 0x3a, 2);
	PACKET(r, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
	check_sense(r, 2, 0x3a, 2);
	change(r, true);
	PACKET(r, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
	check_sense(r, 6, 0x28, 0);
	PACKET(r, 0, 0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 16);
	data_in(r, buf, sizeof(buf));
	CHECK_EQ(buf[4], 2);
	PACKET(r, 0, 0, 0x00);
	check_good(r);
	rig_destroy(r);
}

static void test_eject(void)
{
	struct rig *r = start();
	uint8_t buf[16];

	PACKET(r, 0, 0, 0x1e, 0, 0, 0, 1); /* PREVENT */
	check_good(r);
	CHECK(r->drives[2]->b.locked);
	PACKET(r, 0, 0, 0x1b, 0, 0, 0, 2);
	check_sense(r, 5, 0x53, 2);
	r->drives[2]->b.eject_requested(r->drives[2]->b.media_opaque);
	PACKET(r, 0, 0xfffe, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 16);
	CHECK_EQ(data_in(r, buf, sizeof(buf)), 8);
	CHECK_EQ(buf[4], 1); /* the button was pressed */
	PACKET(r, 0, 0, 0x1e, 0, 0, 0, 0);
	PACKET(r, 0, 0, 0x1b, 0, 0, 0, 2); /* eject */
	check_good(r);
	CHECK(r->drives[2]->b.tray_open);
	PACKET(r, 0, 0, 0x00);
	check_sense(r, 2, 0x3a, 2);
	PACKET(r, 0, 0, 0x1b, 0, 0, 0, 3); /* load */
	check_good(r);
	PACKET(r, 0, 0, 0x00);
	check_sense(r, 6, 0x28, 0);
	PACKET(r, 0, 0, 0x00);
	check_good(r);
	rig_destroy(r);
}

/* The medium goes while a read is under way. */
static void test_lost_medium(void)
{
	struct rig *r = start();

	r->drives[2]->hold = true;
	PACKET(r, 0, 2048, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
	CHECK_EQ(alt_status(r) & BSY, BSY);
	held_cancel_all(&r->drives[2]->b);
	change(r, false);
	check_sense(r, 2, 0x3a, 2);
	rig_destroy(r);
}

static void test_fuzz_packets(void)
{
	struct rig *r = start();
	uint64_t seed = 0xcd;

	for (int i = 0; i < 20000; i++) {
		uint64_t v = unit_random(&seed);
		uint8_t cdb[12];

		for (int n = 0; n < 12; n++)
			cdb[n] = (uint8_t)(unit_random(&seed) & (v >> 8 & 1 ? 0xff : 0x07));
		cdb[0] = (uint8_t)(v >> 16);
		dma_entry(r, 0, 0x100000, (uint32_t)(v >> 20), v >> 40 & 1);
		dma_prepare(r, true);
		out(r, 6, 0xa0);
		out(r, 1, v & 1);
		out(r, 4, (uint8_t)(v >> 24));
		out(r, 5, (uint8_t)(v >> 32));
		out(r, 7, 0xa0);
		write_data(r, cdb, 12);
		if (v & 1)
			dma_start(r);
		for (unsigned n = v >> 48 & 0xfff; n && alt_status(r) & DRQ; n--)
			bus_port_read(r->bus, SECONDARY, 2);
		r->drives[2]->hold = v >> 2 & 1;
		if (v >> 3 & 1)
			held_release(r->drives[2]);
		if ((v >> 4 & 7) == 0)
			out(r, 7, 0x08);
		if ((v >> 50 & 63) == 0)
			change(r, v >> 56 & 1);
	}
	rig_destroy(r);
}

UNIT_MAIN("atapi", {"signature", test_signature}, {"inquiry", test_inquiry},
	  {"unit attention", test_unit_attention}, {"PIO read", test_read_pio},
	  {"DMA read", test_read_dma}, {"READ CD", test_read_cd},
	  {"capacity and TOC", test_capacity_and_toc},
	  {"configuration and modes", test_configuration_and_modes},
	  {"other replies", test_other_replies}, {"media change", test_media_change},
	  {"eject", test_eject}, {"lost medium", test_lost_medium},
	  {"fuzz", test_fuzz_packets})
