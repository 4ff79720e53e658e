/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTC: calendar, formats, setting, UIP, the three interrupts, a fuzz. */
#include "devices/mc146818.h"

#include "tests/unit/unit.h"

#define BASE 1709251199 /* 2024-02-29 23:59:59, a Thursday */

static struct bus *bus;
static struct clock *clk;
static struct rtc *rtc;
static int irq;
static unsigned edges;
static int nmi_masked;
static uint64_t late_now;

static void set_irq(void *opaque, int n, int level)
{
	edges += level && !irq;
	irq = level;
}

static void mask_nmi(void *opaque, bool masked)
{
	nmi_masked = masked;
}

static uint64_t late_source(void *opaque)
{
	return late_now;
}

static void set_up_with(struct clock *clock)
{
	struct rtc_wiring w = {.irq = {.set = set_irq}, .mask_nmi = mask_nmi};

	clk = w.clock = clock;
	clock_set_wall_base(clk, BASE);
	bus = w.bus = bus_create(NULL);
	irq = 0;
	edges = 0;
	nmi_masked = 0;
	rtc = rtc_create(&w);
}

static void set_up(void)
{
	set_up_with(clock_create_stepped());
}

static void tear_down(void)
{
	rtc_class.destroy(rtc);
	bus_destroy(bus);
	clock_destroy(clk);
}

static void put(uint8_t reg, uint8_t value)
{
	bus_port_write(bus, 0x70, reg, 1);
	bus_port_write(bus, 0x71, value, 1);
}

static uint8_t get(uint8_t reg)
{
	bus_port_write(bus, 0x70, reg, 1);
	return (uint8_t)bus_port_read(bus, 0x71, 1);
}

static void test_calendar(void)
{
	set_up();
	CHECK_EQ(get(0x00), 0x59);
	CHECK_EQ(get(0x02), 0x59);
	CHECK_EQ(get(0x04), 0x23);
	CHECK_EQ(get(0x06), 5);
	CHECK_EQ(get(0x07), 0x29);
	CHECK_EQ(get(0x08), 0x02);
	CHECK_EQ(get(0x09), 0x24);
	CHECK_EQ(get(0x32), 0x20);
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(get(0x00), 0x00);
	CHECK_EQ(get(0x04), 0x00);
	CHECK_EQ(get(0x06), 6);
	CHECK_EQ(get(0x07), 0x01);
	CHECK_EQ(get(0x08), 0x03);
	CHECK_EQ(get(0x0d), 0x80);
	CHECK_EQ(get(0x0a), 0x26);
	tear_down();
}

static void test_formats(void)
{
	set_up();
	put(0x0b, 0x06); /* binary, 24 hours */
	CHECK_EQ(get(0x00), 59);
	CHECK_EQ(get(0x04), 23);
	CHECK_EQ(get(0x09), 24);
	put(0x0b, 0x00); /* BCD, 12 hours */
	CHECK_EQ(get(0x04), 0x91);
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(get(0x04), 0x12); /* midnight is 12 AM */
	clock_step(clk, 12 * 3600 * NS_PER_SEC);
	CHECK_EQ(get(0x04), 0x92); /* noon */
	put(0x0b, 0x04);
	CHECK_EQ(get(0x04), 0x8c);
	tear_down();
}

/* As Linux sets it: SET, divider reset, registers, and back. */
static void test_set(void)
{
	set_up();
	clock_step(clk, NS_PER_SEC / 4);
	put(0x0b, 0x82);
	put(0x0a, 0x76);
	CHECK_EQ(get(0x00), 0x59);
	put(0x09, 0x99);
	put(0x32, 0x19);
	put(0x08, 0x12);
	put(0x07, 0x31);
	put(0x04, 0x23);
	put(0x02, 0x59);
	put(0x00, 0x58);
	clock_step(clk, 5 * NS_PER_SEC);
	CHECK_EQ(get(0x00), 0x58); /* held */
	CHECK_EQ(get(0x0a) & 0x80, 0);
	put(0x0b, 0x02);
	put(0x0a, 0x26);
	CHECK_EQ(rtc_seconds(rtc), 946684798);
	clock_step(clk, NS_PER_SEC / 2 - 1);
	CHECK_EQ(get(0x00), 0x58);
	clock_step(clk, 1); /* half a second after the divider's reset */
	CHECK_EQ(get(0x00), 0x59);
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(get(0x32), 0x20);
	CHECK_EQ(get(0x09), 0x00);
	put(0x00, 0x30); /* without SET: the rest goes on */
	CHECK_EQ(get(0x00), 0x30);
	CHECK_EQ(get(0x02), 0x00);
	put(0x06, 1); /* the guest's own day of the week */
	clock_step(clk, 86400 * NS_PER_SEC);
	CHECK_EQ(get(0x06), 2);
	tear_down();
}

static void test_uip(void)
{
	set_up();
	CHECK_EQ(get(0x0a) & 0x80, 0);
	clock_step(clk, NS_PER_SEC - 244141);
	CHECK_EQ(get(0x0a) & 0x80, 0x80);
	CHECK_EQ(get(0x00), 0x59);
	clock_step(clk, 244140);
	CHECK_EQ(get(0x0a) & 0x80, 0x80);
	clock_step(clk, 1);
	CHECK_EQ(get(0x0a) & 0x80, 0);
	CHECK_EQ(get(0x00), 0x00);
	tear_down();
}

static void test_update_interrupt(void)
{
	set_up();
	CHECK_EQ(clock_next(clk), CLOCK_NEVER); /* nothing enabled, no timer */
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(get(0x0c) & 0x10, 0x10); /* the flag comes all the same */
	put(0x0b, 0x12);
	clock_step(clk, NS_PER_SEC - 1);
	CHECK_EQ(irq, 0);
	clock_step(clk, 1);
	CHECK_EQ(irq, 1);
	CHECK_EQ(get(0x0c) & 0x90, 0x90);
	CHECK_EQ(irq, 0);
	CHECK_EQ(get(0x0c), 0);
	clock_step(clk, 3 * NS_PER_SEC);
	CHECK_EQ(edges, 2); /* one until C is read */
	put(0x0b, 0x92); /* SET clears UIE */
	CHECK_EQ(get(0x0b), 0x82);
	tear_down();
}

static void test_alarm(void)
{
	set_up();
	put(0x01, 0x30);
	put(0x03, 0x05);
	put(0x05, 0x13);
	put(0x0b, 0x22);
	get(0x0c);
	clock_step(clk, (13 * 3600ull + 5 * 60 + 30) * NS_PER_SEC);
	CHECK_EQ(irq, 0);
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(irq, 1);
	CHECK_EQ(get(0x0c) & 0xa0, 0xa0);
	clock_step(clk, 86400 * NS_PER_SEC);
	CHECK_EQ(edges, 2);
	get(0x0c);
	put(0x05, 0xff); /* any hour, any minute */
	put(0x03, 0xc0);
	clock_step(clk, 60 * NS_PER_SEC);
	CHECK_EQ(edges, 3);
	put(0x05, 0x77); /* never */
	get(0x0c);
	clock_step(clk, 2 * 86400 * NS_PER_SEC);
	CHECK_EQ(edges, 3);
	tear_down();
}

static void test_periodic(void)
{
	set_up();
	clock_step(clk, NS_PER_SEC / 1000); /* 976.6 us have passed */
	CHECK_EQ(get(0x0c) & 0x40, 0x40);
	put(0x0b, 0x42);
	for (unsigned i = 0; i < 10000; i++) {
		clock_step(clk, NS_PER_SEC / 2000);
		if (irq)
			get(0x0c);
	}
	CHECK_EQ(edges, 5 * 1024); /* 5.001 s - 1 ms at 1024 Hz: no drift */
	put(0x0a, 0x2f); /* 2 Hz */
	edges = 0;
	for (unsigned i = 0; i < 100; i++) {
		clock_step(clk, NS_PER_SEC / 10);
		get(0x0c);
	}
	CHECK_EQ(edges, 20);
	put(0x0a, 0x20); /* none */
	CHECK_EQ(clock_next(clk), CLOCK_NEVER);
	put(0x0a, 0x26);
	rtc_class.reset(rtc);
	CHECK_EQ(get(0x0b), 0x02);
	CHECK_EQ(clock_next(clk), CLOCK_NEVER);
	tear_down();
}

static void test_late_periodic(void)
{
	unsigned taken = 0;

	late_now = 0;
	set_up_with(clock_create(late_source, NULL));
	put(0x0a, 0x2a); /* 64 Hz: 15.625 ms */
	put(0x0b, 0x42);
	late_now += 160000000; /* ten periods at once */
	clock_run_due(clk);
	for (unsigned i = 0; i < 200; i++) {
		if (irq) {
			CHECK_EQ(get(0x0c), 0xc0);
			taken++;
		}
		CHECK_EQ(irq, 0); /* not two at once */
		late_now += 2000000;
		clock_run_due(clk);
	}
	CHECK_EQ(taken + irq, late_now * 64 / NS_PER_SEC);
	tear_down();
}

static void test_cmos_and_nmi(void)
{
	set_up();
	rtc_set_cmos(rtc, 0x10, 0x40);
	rtc_set_cmos(rtc, 0x0b, 0xff); /* not memory */
	rtc_set_cmos(rtc, 0x1000, 1);
	CHECK_EQ(get(0x10), 0x40);
	CHECK_EQ(get(0x0b), 0x02);
	put(0x8f, 0x5a);
	CHECK_EQ(nmi_masked, 1);
	CHECK_EQ(rtc_get_cmos(rtc, 0x0f), 0x5a);
	CHECK_EQ(bus_port_read(bus, 0x70, 1), 0xff);
	rtc_class.reset(rtc);
	CHECK_EQ(nmi_masked, 0);
	CHECK_EQ(get(0x0f), 0x5a);
	put(0x0c, 0xff); /* read-only */
	put(0x0d, 0x00);
	CHECK_EQ(get(0x0d), 0x80);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 0x146818;

	set_up();
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t r = unit_random(&seed);
		unsigned size = 1u << (r >> 16) % 3;
		uint16_t port = (uint16_t)(0x70 + (r >> 8) % 2);

		switch (r >> 61) {
		case 0:
			clock_step(clk, (r >> 20) % (1ull << (r >> 50) % 31));
			break;
		case 1 ... 2:
			bus_port_read(bus, port, size);
			break;
		case 3 ... 5:
			put((uint8_t)(r >> 24) % 0x10, (uint8_t)(r >> 32));
			break;
		default:
			bus_port_write(bus, port, (uint32_t)(r >> 24), size);
		}
		if (i % 1000 == 0)
			put(0x0b, 0x02);
		if (i % 10000 == 0)
			rtc_class.reset(rtc);
	}
	tear_down();
}

UNIT_MAIN("mc146818", {"calendar", test_calendar}, {"formats", test_formats}, {"set", test_set},
	  {"update in progress", test_uip}, {"update interrupt", test_update_interrupt},
	  {"alarm", test_alarm}, {"periodic", test_periodic},
	  {"late periodic", test_late_periodic}, {"CMOS and NMI", test_cmos_and_nmi},
	  {"fuzz", test_fuzz})
