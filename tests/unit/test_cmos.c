/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What firmware finds in CMOS memory for machines of several sizes. */
#include "monitor/cmos.h"

#include "tests/unit/unit.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)

static struct bus *bus;
static struct clock *timebase;
static struct rtc *rtc;

static void set_up(const struct cmos_config *c)
{
	struct rtc_wiring w = {0};

	bus = bus_create(NULL);
	timebase = clock_create_stepped();
	w.bus = bus;
	w.clock = timebase;
	rtc = rtc_create(&w);
	cmos_fill(rtc, c);
}

static void tear_down(void)
{
	rtc_class.destroy(rtc);
	clock_destroy(timebase);
	bus_destroy(bus);
}

/* As a guest reads it, through the ports. */
static unsigned cmos(unsigned index)
{
	bus_port_write(bus, 0x70, index, 1);
	return bus_port_read(bus, 0x71, 1);
}

static unsigned cmos16(unsigned index)
{
	return cmos(index) | cmos(index + 1) << 8;
}

static void test_memory(void)
{
	struct cmos_config small = {.ram_below_4g = 4 * MIB};
	struct cmos_config large = {.ram_below_4g = 3 * GIB, .ram_above_4g = 5 * GIB};

	set_up(&small);
	CHECK_EQ(cmos16(0x15), 640);
	CHECK_EQ(cmos16(0x17), 3072);
	CHECK_EQ(cmos16(0x30), 3072);
	CHECK_EQ(cmos16(0x34), 0);
	CHECK_EQ(cmos16(0x5b), 0);
	tear_down();
	set_up(&large);
	CHECK_EQ(cmos16(0x30), 0xffff);
	CHECK_EQ(cmos16(0x34), (3 * GIB - 16 * MIB) / 65536);
	CHECK_EQ(cmos16(0x5b) | cmos(0x5d) << 16, 5 * GIB / 65536);
	CHECK_EQ(cmos(0x5f), 0);
	tear_down();
}

static void test_drives(void)
{
	struct cmos_config c = {.ram_below_4g = 64 * MIB,
				.floppy = {CMOS_FLOPPY_1440, CMOS_FLOPPY_1200},
				.disk_sectors = {20480, 0, 0, 4 * GIB / 512}};
	unsigned sum = 0;

	set_up(&c);
	CHECK_EQ(cmos(0x10), 0x42);
	CHECK_EQ(cmos(0x14), 0x47); /* two floppies, FPU, mouse */
	CHECK_EQ(cmos(0x12), 0xf0);
	CHECK_EQ(cmos(0x19), 47);
	CHECK_EQ(cmos(0x1a), 0);
	CHECK_EQ(cmos16(0x1b), 20);
	CHECK_EQ(cmos(0x1d), 16);
	CHECK_EQ(cmos(0x23), 63);
	CHECK_EQ(cmos(0x39), 0x40); /* the large one needs translating */
	for (unsigned i = 0x10; i <= 0x2d; i++)
		sum += cmos(i);
	CHECK_EQ(cmos(0x2e) << 8 | cmos(0x2f), sum);
	tear_down();
}

static void test_boot_order(void)
{
	struct cmos_config c = {.ram_below_4g = 64 * MIB, .boot_order = "dnca"};

	set_up(&c);
	CHECK_EQ(cmos(0x3d), 0x43);
	CHECK_EQ(cmos(0x38), 0x20);
	cmos_set_boot_order(rtc, "");
	CHECK_EQ(cmos(0x3d), 0x12);
	CHECK_EQ(cmos(0x38), 0x30);
	cmos_set_boot_order(rtc, "a");
	CHECK_EQ(cmos(0x3d), 0x01);
	CHECK_EQ(cmos(0x38), 0x00);
	tear_down();
}

UNIT_MAIN("cmos", {"memory", test_memory}, {"drives", test_drives},
	  {"boot order", test_boot_order})
