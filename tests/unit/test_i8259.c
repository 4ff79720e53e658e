/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 8259 pair: priorities, EOIs, modes, cascade, spurious requests, a fuzz. */
#include "devices/i8259.h"

#include "tests/unit/unit.h"

static struct bus *bus;
static struct pic *pic;
static int intr;         /* INTR, as the processor sees it */
static int acknowledged; /* the last IRQ told of */

static void set_intr(void *opaque, int n, int level)
{
	intr = level;
}

static void on_acknowledge(void *opaque, int irq)
{
	acknowledged = irq;
}

static void out(uint16_t port, uint8_t value)
{
	bus_port_write(bus, port, value, 1);
}

static uint8_t in(uint16_t port)
{
	return (uint8_t)bus_port_read(bus, port, 1);
}

/* As a BIOS or Linux does: vectors 20-27 and 28-2f, all unmasked. */
static void set_up(uint8_t master_icw4, uint8_t slave_icw4)
{
	struct pic_wiring w;

	bus = bus_create(NULL);
	w = (struct pic_wiring){.bus = bus, .intr = {.set = set_intr}};
	intr = 0;
	acknowledged = -1;
	pic = pic_create(&w);
	pic_on_acknowledge(pic, on_acknowledge, NULL);
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, master_icw4);
	out(0xa0, 0x11);
	out(0xa1, 0x28);
	out(0xa1, 0x02);
	out(0xa1, slave_icw4);
}

static void tear_down(void)
{
	pic_class.destroy(pic);
	bus_destroy(bus);
}

static void raise_edge(int n)
{
	pic_set_irq(pic, n, 0);
	pic_set_irq(pic, n, 1);
}

static void test_priority_and_eoi(void)
{
	set_up(1, 1);
	raise_edge(3);
	CHECK_EQ(intr, 1);
	raise_edge(1);
	CHECK_EQ(in(0x20), 0x0a); /* IRR */
	CHECK_EQ(pic_acknowledge(pic), 0x21);
	CHECK_EQ(acknowledged, 1);
	CHECK_EQ(intr, 0); /* 3 waits for 1 */
	out(0x20, 0x0b);
	CHECK_EQ(in(0x20), 0x02); /* ISR */
	raise_edge(0); /* higher: nests */
	CHECK_EQ(pic_acknowledge(pic), 0x20);
	CHECK_EQ(in(0x20), 0x03);
	out(0x20, 0x20); /* ends the highest, 0 */
	CHECK_EQ(in(0x20), 0x02);
	out(0x20, 0x61); /* specific */
	CHECK_EQ(in(0x20), 0);
	CHECK_EQ(pic_acknowledge(pic), 0x23);
	tear_down();
}

static void test_edge_needs_edge(void)
{
	set_up(1, 1);
	raise_edge(5);
	CHECK_EQ(pic_acknowledge(pic), 0x25);
	out(0x20, 0x20);
	CHECK_EQ(intr, 0); /* still high, no new edge */
	raise_edge(5);
	CHECK_EQ(intr, 1);
	pic_set_irq(pic, 5, 0); /* latched until acknowledged */
	CHECK_EQ(pic_acknowledge(pic), 0x25);
	tear_down();
}

static void test_mask(void)
{
	set_up(1, 1);
	out(0x21, 0x10);
	raise_edge(4);
	CHECK_EQ(intr, 0);
	CHECK_EQ(in(0x21), 0x10);
	CHECK(pic_irq_masked(pic, 4));
	CHECK(!pic_irq_masked(pic, 12));
	out(0x21, 0x04); /* 4 unmasked: the edge was kept */
	CHECK_EQ(intr, 1);
	CHECK(pic_irq_masked(pic, 12));
	CHECK_EQ(pic_acknowledge(pic), 0x24);
	tear_down();
}

static void test_level(void)
{
	set_up(1, 1);
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	CHECK_EQ(in(0x4d0), 0xf8);
	CHECK_EQ(in(0x4d1), 0xde);
	pic_set_irq(pic, 11, 1);
	CHECK_EQ(pic_acknowledge(pic), 0x2b);
	CHECK_EQ(intr, 0);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	CHECK_EQ(intr, 1); /* asks again while high */
	pic_set_irq(pic, 11, 0);
	CHECK_EQ(pic_acknowledge(pic), 0x2f); /* gone: spurious 15 */
	CHECK_EQ(acknowledged, 11);
	out(0x20, 0x0b);
	out(0xa0, 0x0b);
	CHECK_EQ(in(0x20), 0x04); /* the master has the cascade in service */
	CHECK_EQ(in(0xa0), 0x00);
	tear_down();
}

static void test_cascade(void)
{
	set_up(1, 1);
	raise_edge(14);
	raise_edge(9);
	CHECK_EQ(pic_acknowledge(pic), 0x29);
	CHECK_EQ(acknowledged, 9);
	raise_edge(8); /* higher on the slave, but the master serves IR2 */
	CHECK_EQ(intr, 0);
	out(0xa0, 0x20);
	CHECK_EQ(intr, 0);
	out(0x20, 0x20);
	CHECK_EQ(pic_acknowledge(pic), 0x28);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	CHECK_EQ(pic_acknowledge(pic), 0x2e);
	tear_down();
}

static void test_special_fully_nested(void)
{
	set_up(0x11, 1);
	raise_edge(14);
	CHECK_EQ(pic_acknowledge(pic), 0x2e);
	raise_edge(9);
	CHECK_EQ(intr, 1);
	CHECK_EQ(pic_acknowledge(pic), 0x29);
	raise_edge(3); /* lower than IR2 */
	CHECK_EQ(intr, 0);
	tear_down();
}

static void test_spurious(void)
{
	set_up(1, 1);
	raise_edge(6);
	out(0x21, 0xff); /* masked after INTR rose */
	CHECK_EQ(pic_acknowledge(pic), 0x27);
	CHECK_EQ(acknowledged, -1);
	out(0x20, 0x0b);
	CHECK_EQ(in(0x20), 0); /* nothing in service */
	tear_down();
}

static void test_auto_eoi(void)
{
	set_up(3, 1);
	out(0x20, 0x80); /* rotate in AEOI */
	raise_edge(0);
	raise_edge(4);
	CHECK_EQ(pic_acknowledge(pic), 0x20);
	out(0x20, 0x0b);
	CHECK_EQ(in(0x20), 0);
	raise_edge(0); /* now the lowest */
	CHECK_EQ(pic_acknowledge(pic), 0x24);
	CHECK_EQ(pic_acknowledge(pic), 0x20);
	tear_down();
}

static void test_rotation(void)
{
	set_up(1, 1);
	out(0x20, 0xc3); /* set priority: 3 lowest, 4 highest */
	raise_edge(1);
	raise_edge(5);
	CHECK_EQ(pic_acknowledge(pic), 0x25);
	out(0x20, 0xa0); /* rotate on EOI: 5 lowest, 6 highest */
	raise_edge(5);
	raise_edge(7);
	CHECK_EQ(pic_acknowledge(pic), 0x27);
	out(0x20, 0xe7); /* rotate on specific EOI: back to 0 highest */
	CHECK_EQ(pic_acknowledge(pic), 0x21);
	tear_down();
}

static void test_special_mask(void)
{
	set_up(1, 1);
	raise_edge(1);
	CHECK_EQ(pic_acknowledge(pic), 0x21);
	raise_edge(6);
	CHECK_EQ(intr, 0);
	out(0x20, 0x68); /* special mask mode on */
	out(0x21, 0x02); /* what is in service is masked */
	CHECK_EQ(intr, 1);
	CHECK_EQ(pic_acknowledge(pic), 0x26);
	out(0x20, 0x20); /* ends 6, not the masked 1 */
	out(0x20, 0x0b);
	CHECK_EQ(in(0x20), 0x02);
	out(0x20, 0x48); /* off */
	raise_edge(6);
	CHECK_EQ(intr, 0);
	tear_down();
}

static void test_poll(void)
{
	set_up(1, 1);
	out(0x20, 0x0c);
	CHECK_EQ(in(0x20), 0);
	raise_edge(10);
	out(0x20, 0x0c);
	CHECK_EQ(in(0x20), 0x82);
	out(0xa0, 0x0c);
	CHECK_EQ(in(0xa0), 0x82);
	CHECK_EQ(acknowledged, 10);
	CHECK_EQ(in(0xa1), 0); /* poll is over: the mask */
	CHECK_EQ(intr, 0);
	tear_down();
}

static void test_init_sequence(void)
{
	set_up(1, 1);
	out(0x21, 0xff);
	raise_edge(3);
	out(0x20, 0x12); /* single, no ICW4 */
	CHECK_EQ(intr, 0); /* edges are forgotten */
	CHECK_EQ(in(0x20), 0);
	out(0x21, 0x57); /* ICW2: low bits ignored */
	CHECK_EQ(in(0x21), 0);
	out(0x21, 0xfb); /* already the mask */
	CHECK_EQ(in(0x21), 0xfb);
	raise_edge(2);
	CHECK_EQ(intr, 0); /* not wired */
	out(0x21, 0);
	raise_edge(7);
	CHECK_EQ(pic_acknowledge(pic), 0x57);
	pic_class.reset(pic);
	CHECK_EQ(intr, 0);
	tear_down();
}

static void test_slave_level_survives_init(void)
{
	set_up(1, 1);
	out(0x4d1, 0x08);
	pic_set_irq(pic, 11, 1);
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, 0x01);
	CHECK_EQ(intr, 1);
	CHECK_EQ(pic_acknowledge(pic), 0x2b);
	tear_down();
}

static void test_fuzz(void)
{
	static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	uint64_t seed = 0x8259;

	set_up(1, 1);
	for (unsigned i = 0; i < 500000; i++) {
		uint64_t r = unit_random(&seed);
		uint16_t port = ports[(r >> 8) % 6];

		switch (r >> 60) {
		case 0 ... 4:
			pic_set_irq(pic, (int)((r >> 20) % 20) - 2, (int)(r >> 30 & 1));
			break;
		case 5 ... 8:
			if (intr)
				CHECK(pic_acknowledge(pic) < 0x100);
			break;
		case 9:
			bus_port_read(bus, port, 1u << (r >> 16) % 3);
			break;
		default:
			bus_port_write(bus, port, (uint32_t)(r >> 24), 1u << (r >> 16) % 3);
		}
		if (intr != pic_intr(pic))
			CHECK_EQ(intr, pic_intr(pic));
	}
	tear_down();
}

UNIT_MAIN("i8259", {"priority and EOI", test_priority_and_eoi},
	  {"an edge is needed", test_edge_needs_edge}, {"mask", test_mask}, {"level", test_level},
	  {"cascade", test_cascade}, {"special fully nested", test_special_fully_nested},
	  {"spurious", test_spurious}, {"automatic EOI", test_auto_eoi},
	  {"rotation", test_rotation}, {"special mask", test_special_mask}, {"poll", test_poll},
	  {"initialisation", test_init_sequence},
	  {"level request survives initialisation", test_slave_level_survives_init},
	  {"fuzz", test_fuzz})
