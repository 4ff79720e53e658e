/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 82093AA: redirection, edges and levels, remote IRR, masks; and a fuzz. */
#include "devices/ioapic.h"

#include "tests/unit/unit.h"

#define BASE 0xfec00000u
#define LAPIC 0xfee00000u
#define LAPIC_EOI 0xb0
#define LAPIC_SVR 0xf0
#define LAPIC_IRR 0x200

static struct physmem *mem;
static struct clock *timebase;
static struct lapic *lapic;
static struct ioapic *ioapic;
static int nmis;

static void set_nmi(void *opaque, int n, int level)
{
	nmis += level;
}

static uint32_t rd(unsigned reg)
{
	physmem_write(mem, BASE, reg, 4);
	return physmem_read(mem, BASE + 0x10, 4);
}

static void wr(unsigned reg, uint32_t value)
{
	physmem_write(mem, BASE, reg, 4);
	physmem_write(mem, BASE + 0x10, value, 4);
}

static void redirect(unsigned pin, uint32_t low, uint8_t destination)
{
	wr(0x11 + 2 * pin, (uint32_t)destination << 24);
	wr(0x10 + 2 * pin, low);
}

static void pin(unsigned n, int level)
{
	struct irq_line line = ioapic_irq_line(ioapic, n);

	irq_set(&line, level);
}

static void eoi(void)
{
	physmem_write(mem, LAPIC + LAPIC_EOI, 0, 4);
}

static void set_up(void)
{
	struct lapic_wiring lapic_wiring = {.nmi = {.set = set_nmi}};
	struct ioapic_wiring w;

	physmem_create(&mem, 1u << 20);
	timebase = clock_create_stepped();
	lapic_wiring.mem = mem;
	lapic_wiring.clock = timebase;
	lapic = lapic_create(&lapic_wiring);
	physmem_write(mem, LAPIC + LAPIC_SVR, 0x1ff, 4);
	w.mem = mem;
	w.lapic = lapic;
	ioapic = ioapic_create(&w);
	nmis = 0;
}

static void tear_down(void)
{
	ioapic_class.destroy(ioapic);
	lapic_class.destroy(lapic);
	clock_destroy(timebase);
	physmem_destroy(mem);
}

static void test_registers(void)
{
	set_up();
	CHECK_EQ(rd(0), 0);
	CHECK_EQ(rd(1), 0x00170011);
	for (unsigned n = 0; n < IOAPIC_PINS; n++)
		CHECK_EQ(rd(0x10 + 2 * n), 0x10000);
	wr(0, 0xffffffff);
	CHECK_EQ(rd(0), 0x0f000000);
	CHECK_EQ(rd(2), 0x0f000000);
	wr(1, 0);
	CHECK_EQ(rd(1), 0x00170011);
	/* Delivery status and remote IRR are read-only. */
	wr(0x10, 0xffffffff);
	wr(0x11, 0xffffffff);
	CHECK_EQ(rd(0x10), 0x1afff);
	CHECK_EQ(rd(0x11), 0xff000000);
	CHECK_EQ(rd(0x40), 0);
	CHECK_EQ(rd(0xff), 0);
	/* The index can be read back, and by bytes. */
	physmem_write(mem, BASE, 0x12, 1);
	CHECK_EQ(physmem_read(mem, BASE, 4), 0x12);
	tear_down();
}

static void test_edge(void)
{
	set_up();
	redirect(4, 0x34, 0);
	pin(4, 1);
	pin(4, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x34);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	eoi();
	pin(4, 0);
	pin(4, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x34);
	eoi();
	/* An edge while masked is lost. */
	redirect(4, 0x10034, 0);
	pin(4, 0);
	pin(4, 1);
	redirect(4, 0x34, 0);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	tear_down();
}

static void test_level(void)
{
	set_up();
	redirect(10, 0x8061, 0);
	pin(10, 1);
	CHECK_EQ(rd(0x10 + 20), 0xc061);
	CHECK_EQ(lapic_acknowledge(lapic), 0x61);
	pin(10, 0);
	pin(10, 1); /* still the same interrupt */
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	eoi();
	CHECK_EQ(lapic_acknowledge(lapic), 0x61); /* the wire is high */
	pin(10, 0);
	eoi();
	CHECK_EQ(rd(0x10 + 20), 0x8061);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	/* Raised while masked: delivered when unmasked. */
	redirect(10, 0x18061, 0);
	pin(10, 1);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	redirect(10, 0x8061, 0);
	CHECK_EQ(lapic_acknowledge(lapic), 0x61);
	/* Masked during service: it does not come again. */
	wr(0x10 + 20, 0x18061);
	eoi();
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	CHECK_EQ(rd(0x10 + 20), 0x18061);
	tear_down();
}

/* Two pins on one vector: an EOI is for both. */
static void test_shared_vector(void)
{
	set_up();
	redirect(10, 0x8061, 0);
	redirect(11, 0x8061, 0);
	pin(10, 1);
	pin(11, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x61);
	pin(10, 0);
	eoi();
	CHECK_EQ(rd(0x10 + 20), 0x8061);
	CHECK_EQ(rd(0x10 + 22), 0xc061);
	CHECK_EQ(lapic_acknowledge(lapic), 0x61);
	tear_down();
}

static void test_switch_to_edge(void)
{
	set_up();
	redirect(10, 0x8061, 0);
	pin(10, 1);
	CHECK_EQ(rd(0x10 + 20) & 0x4000, 0x4000);
	redirect(10, 0x10061, 0); /* how Linux clears a stuck remote IRR */
	CHECK_EQ(rd(0x10 + 20), 0x10061);
	tear_down();
}

static void test_destination_and_modes(void)
{
	set_up();
	redirect(5, 0x45, 7); /* nobody's id */
	pin(5, 1);
	CHECK_EQ(lapic_acknowledge(lapic), -1);
	physmem_write(mem, LAPIC + 0xd0, 0x01000000, 4);
	redirect(6, 0x846, 1); /* logical, flat */
	pin(6, 1);
	CHECK_EQ(lapic_acknowledge(lapic), 0x46);
	redirect(7, 0x400, 0); /* NMI */
	pin(7, 1);
	CHECK_EQ(nmis, 1);
	redirect(8, 0x148, 0); /* lowest priority */
	pin(8, 1);
	CHECK_EQ(lapic_acknowledge(lapic), -1); /* class 4 is in service */
	eoi();
	CHECK_EQ(lapic_acknowledge(lapic), 0x48);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 4711;

	set_up();
	for (int i = 0; i < 400000; i++) {
		uint64_t x = unit_random(&seed);
		uint32_t value = (uint32_t)(x >> 32);

		switch (x & 7) {
		case 0:
			wr(0x10 + (value >> 8 & 0x3f), value);
			break;
		case 1:
			wr((uint8_t)value, value);
			break;
		case 2:
			pin(value % IOAPIC_PINS, value >> 31);
			break;
		case 3:
			lapic_acknowledge(lapic);
			eoi();
			break;
		case 4:
			physmem_write(mem, BASE + (value & 0xfff), value, 1u << (x >> 4 & 3) % 3);
			break;
		case 5:
			physmem_read(mem, BASE + (value & 0xfff), 1u << (x >> 4 & 3) % 3);
			break;
		case 6:
			physmem_write(mem, LAPIC + LAPIC_SVR, 0x1ff, 4);
			break;
		default:
			rd((uint8_t)value);
			break;
		}
	}
	CHECK_EQ(rd(1), 0x00170011);
	tear_down();
}

UNIT_MAIN("ioapic", {"registers", test_registers}, {"edge", test_edge}, {"level", test_level},
	  {"shared vector", test_shared_vector}, {"level to edge", test_switch_to_edge},
	  {"destination and modes", test_destination_and_modes}, {"fuzz", test_fuzz})
