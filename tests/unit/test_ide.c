/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ATA disks on the PIIX3's channels: devices/ide*.c, ata*.c, piix3_ide.c. */
#include "tests/unit/ide_harness.h"

#define DISK (4u << 20)
#define SECTORS (DISK / 512)

static const uint64_t one_disk[IDE_DRIVES] = {DISK};
static const uint64_t two_disks[IDE_DRIVES] = {DISK, DISK};
static const uint64_t slave_only[IDE_DRIVES] = {0, DISK};

static uint16_t word(const uint8_t *p, unsigned n)
{
	return (uint16_t)(p[2 * n] | p[2 * n + 1] << 8);
}

static void test_pci_identity(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	CHECK_EQ(pci_config_read(r->pci, IDE_DEVFN, 0, 4), 0x70108086);
	CHECK_EQ(pci_config_read(r->pci, IDE_DEVFN, 8, 4), 0x01018000);
	CHECK_EQ(pci_config_read(r->pci, IDE_DEVFN, 0x40, 4), 0x80008000);
	pci_config_write(r->pci, IDE_DEVFN, 0x20, 0xffffffff, 4);
	CHECK_EQ(pci_config_read(r->pci, IDE_DEVFN, 0x20, 4), 0xfffffff1);
	rig_destroy(r);
}

/* Ports answer only with IDETIM bit 15 and I/O space enabled. */
static void test_decode_enable(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	CHECK_EQ(in(r, 7), DRDY | DSC);
	pci_config_write(r->pci, IDE_DEVFN, 0x40, 0, 2);
	CHECK_EQ(in(r, 7), 0xff);
	pci_config_write(r->pci, IDE_DEVFN, 0x40, 0x8000, 2);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	pci_config_write(r->pci, IDE_DEVFN, PCI_COMMAND, 0, 2);
	CHECK_EQ(in(r, 7), 0xff);
	rig_destroy(r);
}

static void test_absent_drives(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	out(r, 6, 0xb0); /* slave: not there */
	CHECK_EQ(in(r, 7), 0);
	CHECK_EQ(alt_status(r), 0);
	out(r, 2, 0x55);
	out(r, 3, 0xaa);
	CHECK_EQ(in(r, 2), 0);
	out(r, 7, 0xec);
	CHECK_EQ(in(r, 7), 0);
	CHECK_EQ(r->edges[0], 0);
	out(r, 6, 0xa0); /* the master has heard the writes */
	CHECK_EQ(in(r, 2), 0x55);
	r->base = SECONDARY; /* nobody at all: floats */
	CHECK_EQ(in(r, 7), 0xff);
	CHECK_EQ(alt_status(r), 0xff);
	rig_destroy(r);

	r = rig_create(slave_only, NULL);
	out(r, 6, 0xa0);
	CHECK_EQ(in(r, 7), 0);
	out(r, 6, 0xb0);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(in(r, 6), 0xb0);
	rig_destroy(r);
}

static void test_signature(void)
{
	struct rig *r = rig_create(two_disks, NULL);

	out(r, 6, 0xb0);
	control(r, 0x04);
	CHECK_EQ(in(r, 7), BSY);
	control(r, 0x00);
	for (int dev = 0; dev < 2; dev++) {
		if (dev)
			out(r, 6, 0xb0);
		CHECK_EQ(in(r, 7), DRDY | DSC);
		CHECK_EQ(in(r, 1), 1);
		CHECK_EQ(in(r, 2), 1);
		CHECK_EQ(in(r, 3), 1);
		CHECK_EQ(in(r, 4), 0);
		CHECK_EQ(in(r, 5), 0);
	}
	CHECK_EQ(r->edges[0], 0); /* SRST does not interrupt */
	out(r, 7, 0x90);
	CHECK_EQ(r->irq[0], 1); /* EXECUTE DEVICE DIAGNOSTIC does, by device 0 */
	CHECK_EQ(in(r, 6) & 0x10, 0);
	CHECK_EQ(in(r, 1), 1);
	rig_destroy(r);
}

static void test_identify(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t id[512];
	char model[41] = {0};

	command28(r, 0, 0xec, 0, 0);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(alt_status(r), DRDY | DSC | DRQ);
	CHECK_EQ(r->irq[0], 1); /* the alternate status acknowledges nothing */
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	CHECK_EQ(r->irq[0], 0);
	read_data(r, id, 512);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	for (int i = 0; i < 40; i++)
		model[i] = (char)id[54 + (i ^ 1)];
	CHECK(!strncmp(model, "TRANSVISOR HARDDISK ", 20));
	CHECK_EQ(word(id, 0) & 0x8000, 0);
	CHECK_EQ(word(id, 1), SECTORS / (16 * 63));
	CHECK_EQ(word(id, 3), 16);
	CHECK_EQ(word(id, 6), 63);
	CHECK_EQ(word(id, 47), 0x8010);
	CHECK_EQ(word(id, 49) & 0x300, 0x300);
	CHECK_EQ(word(id, 60) | word(id, 61) << 16, SECTORS);
	CHECK_EQ(word(id, 83) & 0xc400, 0x4400); /* valid, LBA48 */
	CHECK_EQ(word(id, 100), SECTORS);
	CHECK_EQ(word(id, 63) & 7, 7);
	CHECK_EQ(word(id, 88) & 0xff, 0x3f);
	CHECK_EQ(word(id, 53) & 7, 7);
	/* Set a multiword mode: one bit over both words. */
	out(r, 1, 0x03);
	command28(r, 0, 0xef, 0, 0x22);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	command28(r, 0, 0xec, 0, 0);
	read_data(r, id, 512);
	CHECK_EQ(word(id, 63), 0x0407);
	CHECK_EQ(word(id, 88), 0x003f);
	rig_destroy(r);
}

static void test_pio_read(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[3 * 512];

	command28(r, 0, 0x20, 5, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(r->irq[0], 1); /* one interrupt a sector */
		CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
		read_data(r, buf + 512 * i, 512);
	}
	CHECK_EQ(r->irq[0], 0); /* none at the end */
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(r->edges[0], 3);
	CHECK(!memcmp(buf, r->data[0] + 5 * 512, sizeof(buf)));
	CHECK_EQ(in(r, 2), 0);
	CHECK_EQ(in(r, 3), 7); /* the last sector read */
	CHECK_EQ(r->drives[0]->submitted, 1); /* in one request */
	/* 32-bit reads of the data port. */
	command28(r, 0, 0x20, 9, 1);
	for (int i = 0; i < 512; i += 4) {
		uint32_t v = bus_port_read(r->bus, PRIMARY, 4);

		memcpy(buf + i, &v, 4);
	}
	CHECK(!memcmp(buf, r->data[0] + 9 * 512, 512));
	CHECK_EQ(in(r, 7), DRDY | DSC);
	rig_destroy(r);
}

static void test_count_zero_is_256(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[512];

	command28(r, 0, 0x20, 100, 0);
	for (int i = 0; i < 256; i++) {
		CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
		read_data(r, buf, 512);
	}
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK(!memcmp(buf, r->data[0] + 355 * 512, 512));
	rig_destroy(r);
}

static void test_read_multiple(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[10 * 512];

	command28(r, 0, 0xc6, 0, 4);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	r->edges[0] = 0;
	command28(r, 0, 0xc4, 1, 10);
	for (int i = 0; i < 3; i++) { /* 4, 4 and 2 sectors */
		CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
		read_data(r, buf + i * 4 * 512, i < 2 ? 4 * 512 : 2 * 512);
	}
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(r->edges[0], 3);
	CHECK(!memcmp(buf, r->data[0] + 512, sizeof(buf)));
	command28(r, 0, 0xc6, 0, 3); /* no power of two */
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x04);
	command28(r, 0, 0xc6, 0, 0); /* off */
	command28(r, 0, 0xc4, 1, 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	rig_destroy(r);
}

static void test_pio_write(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[2 * 512];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 3);
	command28(r, 0, 0x30, 20, 2);
	CHECK_EQ(r->irq[0], 0); /* none before the first sector */
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	write_data(r, buf, 512);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | DRQ);
	write_data(r, buf + 512, 512);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(r->edges[0], 2);
	CHECK(!memcmp(buf, r->data[0] + 20 * 512, sizeof(buf)));
	CHECK_EQ(r->drives[0]->submitted, 1);
	rig_destroy(r);
}

/* With the write cache off each write is followed by a flush. */
static void test_write_cache(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[512] = {1};

	command28(r, 0, 0x30, 0, 1);
	write_data(r, buf, 512);
	CHECK_EQ(r->drives[0]->flushes, 0);
	out(r, 1, 0x82);
	command28(r, 0, 0xef, 0, 0);
	CHECK_EQ(r->drives[0]->flushes, 1);
	command28(r, 0, 0x30, 0, 1);
	write_data(r, buf, 512);
	CHECK_EQ(r->drives[0]->flushes, 2);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	command28(r, 0, 0xe7, 0, 0);
	CHECK_EQ(r->drives[0]->flushes, 3);
	CHECK_EQ(r->irq[0], 1);
	rig_destroy(r);
}

static void test_chs(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[512];

	out(r, 6, 0xa0 | 3); /* cylinder 2, head 3, sector 5 */
	out(r, 2, 1);
	out(r, 3, 5);
	out(r, 4, 2);
	out(r, 5, 0);
	out(r, 7, 0x20);
	read_data(r, buf, 512);
	CHECK(!memcmp(buf, r->data[0] + ((2 * 16 + 3) * 63 + 4) * 512, 512));
	/* INITIALIZE DEVICE PARAMETERS: 4 heads of 17 sectors. */
	out(r, 6, 0xa3);
	out(r, 2, 17);
	out(r, 7, 0x91);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	out(r, 6, 0xa3);
	out(r, 2, 2);
	out(r, 3, 17);
	out(r, 4, 9);
	out(r, 5, 0);
	out(r, 7, 0x20);
	read_data(r, buf, 512);
	CHECK(!memcmp(buf, r->data[0] + ((9 * 4 + 3) * 17 + 16) * 512, 512));
	read_data(r, buf, 512);
	CHECK_EQ(in(r, 3), 1); /* the last one: cylinder 10, head 0, sector 1 */
	CHECK_EQ(in(r, 4), 10);
	CHECK_EQ(in(r, 6), 0xa0);
	out(r, 3, 0); /* there is no sector 0 */
	out(r, 7, 0x20);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x10);
	out(r, 2, 0); /* nor a track of no sectors */
	out(r, 7, 0x91);
	CHECK_EQ(in(r, 1), 0x04);
	rig_destroy(r);
}

static void test_range_errors(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	command28(r, 0, 0x20, SECTORS, 1);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x10);
	command28(r, 0, 0x20, SECTORS - 1, 2);
	CHECK_EQ(in(r, 1), 0x10);
	command28(r, 0, 0x40, SECTORS - 1, 1);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	command48(r, 0, 0x24, 1ull << 40, 1);
	CHECK_EQ(in(r, 1), 0x10);
	command48(r, 0, 0x35, 0xffffffffffff, 0);
	CHECK_EQ(in(r, 1), 0x10);
	command28(r, 0, 0xb0, 0, 0); /* SMART is not there */
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x04);
	command28(r, 0, 0x00, 0, 0); /* NOP always aborts */
	CHECK_EQ(in(r, 1), 0x04);
	rig_destroy(r);
}

static void test_host_errors(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[512] = {0};

	r->drives[0]->fail = -EIO;
	command28(r, 0, 0x20, 7, 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x40); /* UNC */
	CHECK_EQ(in(r, 3), 7);
	command28(r, 0, 0x30, 7, 1);
	write_data(r, buf, 512);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x04);
	dma_entry(r, 0, 0x10000, 512, true);
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 9, 1);
	dma_start(r);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x40);
	CHECK_EQ(in(r, 3), 9);
	rig_destroy(r);
}

static void test_read_only(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	r->drives[0]->b.read_only = true;
	command28(r, 0, 0x30, 0, 1);
	CHECK_EQ(in(r, 7), DRDY | DSC | ERR);
	CHECK_EQ(in(r, 1), 0x04);
	rig_destroy(r);
}

static void test_lba48_and_hob(void)
{
	struct rig *r = rig_create(one_disk, NULL);
	uint8_t buf[512];

	command48(r, 0, 0x24, 0x1234, 1);
	read_data(r, buf, 512);
	CHECK(!memcmp(buf, r->data[0] + 0x1234 * 512, 512));
	command48(r, 0, 0x27, 0, 0); /* READ NATIVE MAX ADDRESS EXT */
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(in(r, 3), (SECTORS - 1) & 0xff);
	CHECK_EQ(in(r, 4), (SECTORS - 1) >> 8);
	out(r, 3, 0x11);
	out(r, 3, 0x22);
	CHECK_EQ(in(r, 3), 0x22);
	control(r, 0x80);
	CHECK_EQ(in(r, 3), 0x11);
	out(r, 3, 0x33); /* a write clears HOB */
	CHECK_EQ(in(r, 3), 0x33);
	rig_destroy(r);
}

static void test_nien(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	control(r, 0x02);
	command28(r, 0, 0xe5, 0, 0);
	CHECK_EQ(r->irq[0], 0);
	control(r, 0x00); /* still pending: comes now */
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(in(r, 2), 0xff); /* CHECK POWER MODE: active */
	CHECK_EQ(r->irq[0], 0);
	command28(r, 0, 0xe0, 0, 0);
	command28(r, 0, 0xe5, 0, 0);
	CHECK_EQ(in(r, 2), 0x00); /* standby */
	rig_destroy(r);
}

static void test_dma_read(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	/* In odd pieces, the last larger than 32 KiB; all of them one request. */
	dma_entry(r, 0, 0x10002, 100, false);
	dma_entry(r, 1, 0x30000, 412 + 512, false);
	dma_entry(r, 2, 0x40000, 62 * 512, true);
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 3, 64);
	CHECK_EQ(in(r, 7) & BSY, BSY);
	CHECK_EQ(r->irq[0], 0);
	CHECK_EQ(bm_status(r), 0x60);
	dma_start(r);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(bm_status(r), 0x64); /* interrupt, no longer active */
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK(!memcmp(ram_at(r, 0x10002), r->data[0] + 3 * 512, 100));
	CHECK(!memcmp(ram_at(r, 0x30000), r->data[0] + 3 * 512 + 100, 924));
	CHECK(!memcmp(ram_at(r, 0x40000), r->data[0] + 5 * 512, 62 * 512));
	CHECK_EQ(r->drives[0]->submitted, 1);
	CHECK_EQ(r->drives[0]->largest, 64 * 512);
	bus_port_write(r->bus, bm_port(r, 2), 0x04, 1);
	CHECK_EQ(bm_status(r), 0x00); /* bits 5 and 6 are as written */
	rig_destroy(r);
}

static void test_dma_write(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	memset(ram_at(r, 0x20000), 0x5a, 1024);
	dma_entry(r, 0, 0x20000, 1024, true);
	dma_prepare(r, false);
	dma_start(r); /* before the command, as some drivers do */
	command48(r, 0, 0x35, 17, 2);
	CHECK_EQ(r->irq[0], 1);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	CHECK_EQ(r->data[0][17 * 512], 0x5a);
	CHECK_EQ(r->data[0][19 * 512 - 1], 0x5a);
	CHECK(r->data[0][19 * 512] != 0x5a);
	rig_destroy(r);
}

/* SFF-8038i 3.1: how table and command lengths compare. */
static void test_dma_lengths(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	dma_entry(r, 0, 0x10000, 4096, true); /* longer table: stays active */
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 2);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x65);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	dma_stop(r);
	CHECK_EQ(bm_status(r) & 1, 0);
	dma_entry(r, 0, 0x10000, 512, true); /* shorter: no interrupt */
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 2);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x60);
	CHECK_EQ(r->irq[0], 0);
	CHECK_EQ(alt_status(r) & BSY, BSY);
	dma_stop(r); /* more memory, and it goes on */
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	dma_entry(r, 0, 0x10000, 0, true); /* a count of 0 is 64 KiB */
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 128);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	rig_destroy(r);
}

static void test_dma_needs_bus_master(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	pci_config_write(r->pci, IDE_DEVFN, PCI_COMMAND, PCI_COMMAND_IO, 2);
	dma_entry(r, 0, 0x10000, 512, true);
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 1);
	dma_start(r);
	CHECK_EQ(r->irq[0], 0);
	pci_config_write(r->pci, IDE_DEVFN, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
	CHECK_EQ(r->irq[0], 1);
	rig_destroy(r);
}

/* Memory that is not RAM is reached through the drive's buffer. */
static void test_dma_to_nowhere(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	for (unsigned i = 0; i < 8; i++)
		dma_entry(r, i, i == 3 ? 0xf0000000 : 0x100000 + 0x10000 * i, 0, i == 7);
	dma_prepare(r, true);
	command48(r, 0, 0x25, 0, 1024);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	CHECK(!memcmp(ram_at(r, 0x100000), r->data[0], 0x30000));
	CHECK(!memcmp(ram_at(r, 0x140000), r->data[0] + 0x40000, 0x40000));
	rig_destroy(r);
}

/* Descriptors of two bytes, more than one chunk of them. */
static void test_dma_tiny_pieces(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	for (unsigned i = 0; i < 2048; i++)
		dma_entry(r, i, 0x100000 + 4 * i, 2, i == 2047);
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 8);
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	for (unsigned i = 0; i < 4096; i++)
		if (*ram_at(r, 0x100000 + i / 2 * 4 + i % 2) != r->data[0][i]) {
			CHECK_EQ(i, 4096);
			break;
		}
	CHECK(r->drives[0]->submitted <= 3);
	rig_destroy(r);
}

static void test_dma_large(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	for (unsigned i = 0; i < 48; i++)
		dma_entry(r, i, 0x200000 + 0x10000 * i, 0, i == 47);
	dma_prepare(r, true);
	command48(r, 0, 0x25, 16, 6144); /* 3 MiB */
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	CHECK(!memcmp(ram_at(r, 0x200000), r->data[0] + 16 * 512, 3 << 20));
	CHECK_EQ(r->drives[0]->submitted, 3);
	rig_destroy(r);
}

/* ---- With a back end that takes its time ---- */

static void test_busy_until_done(void)
{
	struct rig *r = rig_create(two_disks, NULL);
	uint8_t buf[512];

	r->drives[0]->hold = true;
	command28(r, 0, 0x20, 1, 1);
	CHECK_EQ(in(r, 7) & (BSY | DRQ), BSY);
	out(r, 7, 0xec); /* ignored while busy */
	out(r, 6, 0xf0); /* the other drive is free all the same */
	CHECK_EQ(in(r, 7), DRDY | DSC);
	held_release(r->drives[0]);
	CHECK_EQ(r->irq[0], 0); /* not selected: does not interrupt yet */
	out(r, 6, 0xe0);
	CHECK_EQ(r->irq[0], 1);
	read_data(r, buf, 512);
	CHECK(!memcmp(buf, r->data[0] + 512, 512));
	rig_destroy(r);
}

static void test_reset_cancels(void)
{
	struct rig *r = rig_create(one_disk, NULL);

	r->drives[0]->hold = true;
	command28(r, 0, 0x20, 1, 1);
	CHECK(r->drives[0]->held != NULL);
	control(r, 0x04);
	CHECK(r->drives[0]->held == NULL);
	control(r, 0x00);
	CHECK_EQ(in(r, 7), DRDY | DSC);
	dma_entry(r, 0, 0x10000, 512, true);
	dma_prepare(r, true);
	command28(r, 0, 0xc8, 0, 1);
	dma_start(r);
	CHECK(r->drives[0]->held != NULL);
	CHECK_EQ(bm_status(r), 0x61);
	dma_stop(r); /* takes back what is under way; the drive waits */
	CHECK(r->drives[0]->held == NULL);
	CHECK_EQ(bm_status(r), 0x60);
	r->drives[0]->hold = false;
	dma_start(r);
	CHECK_EQ(bm_status(r), 0x64);
	r->drives[0]->hold = true;
	command28(r, 0, 0xc8, 0, 1);
	piix3_ide_class.reset(r->ide);
	CHECK(r->drives[0]->held == NULL);
	CHECK_EQ(r->irq[0], 0);
	CHECK_EQ(in(r, 7), 0xff); /* decode is off after a reset */
	rig_destroy(r);
}

static void test_geometry(void)
{
	struct blockdev b = {.size = 504ull << 20};

	CHECK_EQ(ide_disk_geometry(&b).cylinders, 1024);
	b.size = 1ull << 40;
	CHECK_EQ(ide_disk_geometry(&b).cylinders, 16383);
	b.size = 512;
	CHECK_EQ(ide_disk_geometry(&b).cylinders, 1);
}

/* ---- Fuzz ---- */

static void random_access(struct rig *r, uint64_t *seed)
{
	uint64_t v = unit_random(seed);
	uint16_t port;
	unsigned size = 1u << (v >> 60) % 3;

	r->base = v & 1 ? PRIMARY : SECONDARY;
	switch (v >> 8 & 7) {
	case 0:
		port = (uint16_t)(BM_BASE + (v >> 16 & 15));
		break;
	case 1:
		port = (uint16_t)(r->base + 0x206);
		break;
	case 2:
		port = r->base;
		break;
	default:
		port = (uint16_t)(r->base + (v >> 16 & 7));
		break;
	}
	if (v >> 24 & 1)
		bus_port_read(r->bus, port, size);
	else
		bus_port_write(r->bus, port, (uint32_t)(v >> 28), size);
}

/* A command that does something, with a table of random descriptors. */
static void random_command(struct rig *r, uint64_t *seed)
{
	static const uint8_t codes[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39,
					0xa0, 0xa1, 0xc4, 0xc5, 0xc8, 0xca, 0xec, 0xe7};
	uint64_t v = unit_random(seed);

	for (unsigned i = 0; i < 16; i++)
		dma_entry(r, i, (uint32_t)unit_random(seed) & (v & 1 ? 0x7fffff : 0xffffffff),
			  (uint32_t)unit_random(seed), unit_random(seed) % 8 == 0);
	dma_prepare(r, v >> 1 & 1);
	if (v >> 2 & 1)
		dma_start(r);
	command48(r, v >> 3 & 1, codes[v >> 4 & 15], v >> 8 & 0x3fff, v >> 24 & 0xff);
	for (unsigned i = v >> 32 & 1023; i; i--) {
		if (v >> 42 & 1)
			bus_port_read(r->bus, r->base, 2);
		else
			bus_port_write(r->bus, r->base, (uint32_t)unit_random(seed), 4);
	}
}

static void test_fuzz(void)
{
	const uint64_t sizes[IDE_DRIVES] = {DISK, 1u << 20, 512, 1u << 20};
	const bool cds[IDE_DRIVES] = {false, true, false, true};
	struct rig *r = rig_create(sizes, cds);
	uint64_t seed = 0x1de;

	for (int i = 0; i < 200000; i++) {
		uint64_t v = unit_random(&seed);
		struct held_blockdev *h = r->drives[v & 3];

		random_access(r, &seed);
		if (v % 64 == 1)
			random_command(r, &seed);
		if (v % 128 == 2)
			h->hold = !h->hold;
		if (v % 32 == 3)
			held_release(h);
		if (v % 512 == 4)
			h->fail = h->fail ? 0 : -EIO;
		if (v % 4096 == 5)
			piix3_ide_class.reset(r->ide);
		if (v % 256 == 6)
			rig_enable(r);
		if (v % 1024 == 7 && h->b.media_changed) {
			held_cancel_all(&h->b);
			h->b.inserted = !h->b.inserted;
			h->b.media_changed(h->b.media_opaque);
		}
	}
	rig_destroy(r);
}

UNIT_MAIN("ide", {"PCI identity", test_pci_identity}, {"decode enable", test_decode_enable},
	  {"absent drives", test_absent_drives}, {"signature", test_signature},
	  {"identify", test_identify}, {"PIO read", test_pio_read},
	  {"count 0", test_count_zero_is_256}, {"read multiple", test_read_multiple},
	  {"PIO write", test_pio_write}, {"write cache", test_write_cache}, {"CHS", test_chs},
	  {"range errors", test_range_errors}, {"host errors", test_host_errors},
	  {"read-only image", test_read_only}, {"LBA48 and HOB", test_lba48_and_hob},
	  {"nIEN", test_nien}, {"DMA read", test_dma_read}, {"DMA write", test_dma_write},
	  {"DMA lengths", test_dma_lengths}, {"bus master enable", test_dma_needs_bus_master},
	  {"DMA to no RAM", test_dma_to_nowhere}, {"DMA in tiny pieces", test_dma_tiny_pieces},
	  {"large DMA", test_dma_large}, {"busy until done", test_busy_until_done},
	  {"reset cancels", test_reset_cancels}, {"geometry", test_geometry},
	  {"fuzz", test_fuzz})
