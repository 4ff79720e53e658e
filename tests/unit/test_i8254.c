/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 and port 61h: every mode clock by clock, the byte sequences, the
 * tick's edges over an hour, late ticks, a fuzz.
 */
#include "devices/i8254.h"
#include "devices/port61.h"

#include "tests/unit/unit.h"

static struct bus *bus;
static struct clock *clk;
static struct pit *pit;
static struct port61 *port61;
static uint64_t ticks; /* clocks since set_up() */
static uint64_t now;   /* ns */
static unsigned edges; /* of IRQ 0 */
static bool pending;   /* an edge the guest has not taken */
static unsigned taken; /* ticks the guest took */
static int irq_level;
static bool masked;
static uint32_t sound_period;

static void set_irq(void *opaque, int n, int level)
{
	edges += level && !irq_level;
	pending |= level && !irq_level;
	irq_level = level;
}

/* The guest takes its interrupt. */
static void take_tick(void)
{
	if (!pending)
		return;
	pending = false;
	taken++;
	pit_tick_acknowledged(pit);
}

static bool tick_masked(void *opaque)
{
	return masked;
}

static void on_sound(void *opaque, uint32_t period, bool level)
{
	sound_period = period;
}

static uint64_t late_source(void *opaque)
{
	return now;
}

static void set_up_with(struct clock *clock)
{
	struct pit_wiring w = {.irq = {.set = set_irq}, .tick_masked = tick_masked};
	struct port61_wiring p = {.sound = on_sound};

	clk = w.clock = p.clock = clock;
	bus = w.bus = p.bus = bus_create(NULL);
	pit = p.pit = pit_create(&w);
	port61 = port61_create(&p);
	ticks = 0;
	now = 0;
	edges = 0;
	irq_level = 0;
	pending = false;
	taken = 0;
	masked = false;
}

static void set_up(void)
{
	set_up_with(clock_create_stepped());
}

static void tear_down(void)
{
	port61_class.destroy(port61);
	pit_class.destroy(pit);
	bus_destroy(bus);
	clock_destroy(clk);
}

static void out(uint16_t port, uint8_t value)
{
	bus_port_write(bus, port, value, 1);
}

static uint8_t in(uint16_t port)
{
	return (uint8_t)bus_port_read(bus, port, 1);
}

/* Steps the clock to the middle of the nth clock tick from now. */
static void step(uint64_t n)
{
	uint64_t target;

	ticks += n;
	target = muldiv64(2 * ticks + 1, NS_PER_SEC, 2 * PIT_HZ);
	clock_step(clk, target - clock_now(clk));
}

static void program(unsigned channel, unsigned mode, uint16_t count)
{
	out(0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1));
	out((uint16_t)(0x40 + channel), (uint8_t)count);
	out((uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static uint16_t read_count(unsigned channel)
{
	uint8_t low;

	out(0x43, (uint8_t)(channel << 6));
	low = in((uint16_t)(0x40 + channel));
	return (uint16_t)(low | in((uint16_t)(0x40 + channel)) << 8);
}

static uint8_t read_status(unsigned channel)
{
	out(0x43, (uint8_t)(0xe0 | 2u << channel));
	return in((uint16_t)(0x40 + channel));
}

/* Channel 0's output over n clocks, first clock in the top bit. */
static uint32_t wave(unsigned channel, unsigned n)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < n; i++) {
		step(1);
		bits = bits << 1 | pit_output(pit, channel);
	}
	return bits;
}

static void test_mode_0(void)
{
	set_up();
	step(1);
	program(0, 0, 4);
	CHECK_EQ(read_status(0) & 0xc0, 0x40); /* low, not yet loaded */
	CHECK_EQ(wave(0, 8), 0x0f);            /* 4 + 1 clocks after the write */
	CHECK_EQ(edges, 1);
	CHECK_EQ(read_count(0), 0xfffd); /* counts on */
	out(0x40, 9); /* the first byte: low at once, stopped */
	CHECK(!pit_output(pit, 0));
	step(20);
	CHECK_EQ(edges, 1);
	out(0x40, 0);
	CHECK_EQ(wave(0, 11), 0x003);
	tear_down();
}

static void test_mode_0_gate(void)
{
	set_up();
	program(2, 0, 100);
	step(50);
	CHECK_EQ(read_count(2), 100); /* gate low since reset */
	out(0x61, 1);
	step(10);
	CHECK_EQ(read_count(2), 90);
	out(0x61, 0);
	step(1000);
	CHECK_EQ(read_count(2), 90);
	CHECK_EQ(in(0x61) & 0x20, 0);
	out(0x61, 1);
	step(89);
	CHECK_EQ(in(0x61) & 0x20, 0);
	step(1);
	CHECK_EQ(in(0x61) & 0x20, 0x20);
	tear_down();
}

static void test_mode_1(void)
{
	set_up();
	program(2, 1, 3);
	CHECK_EQ(wave(2, 4), 0xf);
	CHECK_EQ(read_status(2) & 0xc0, 0xc0); /* null count until triggered */
	out(0x61, 1);
	CHECK_EQ(wave(2, 6), 0x07); /* loaded at clock 1, low for 3 clocks */
	out(0x61, 0);
	out(0x61, 1);
	CHECK_EQ(wave(2, 2), 0);
	out(0x61, 0);
	out(0x61, 1); /* retriggered */
	CHECK_EQ(wave(2, 5), 0x03);
	out(0x42, 6); /* a new count waits for a trigger */
	out(0x42, 0);
	CHECK_EQ(wave(2, 4), 0xf);
	out(0x61, 0);
	out(0x61, 1);
	CHECK_EQ(wave(2, 8), 0x03);
	tear_down();
}

static void test_mode_2(void)
{
	set_up();
	program(0, 2, 4);
	step(1);
	CHECK_EQ(read_count(0), 4);
	CHECK_EQ(wave(0, 12), 0xdddu); /* high 3, low 1 (3 seen, low, ...) */
	CHECK_EQ(edges, 1); /* faster than the machine delivers: see MIN_INTERVAL_TICKS */
	out(0x40, 5);
	out(0x40, 0);
	CHECK_EQ(read_status(0) & 0x40, 0x40);
	CHECK_EQ(wave(0, 4), 0xd); /* the old cycle ends first */
	CHECK_EQ(read_status(0) & 0x40, 0);
	CHECK_EQ(read_count(0), 5);
	CHECK_EQ(wave(0, 5), 0x1d);
	tear_down();
}

static void test_mode_3(void)
{
	set_up();
	program(0, 3, 6);
	step(1);
	CHECK_EQ(read_count(0), 6);
	CHECK_EQ(wave(0, 12), 0xc71);
	program(0, 3, 5);
	step(1);
	CHECK_EQ(read_count(0), 4); /* odd: count - 1, by two */
	CHECK_EQ(wave(0, 10), 0x339);
	tear_down();
}

static void test_mode_3_values(void)
{
	static const uint16_t even[] = {8, 6, 4, 2, 8, 6, 4, 2, 8};
	static const uint16_t odd[] = {6, 4, 2, 0, 6, 4, 2, 6};

	set_up();
	program(1, 3, 8);
	for (unsigned i = 0; i < 9; i++) {
		step(1);
		CHECK_EQ(read_count(1), even[i]);
	}
	program(1, 3, 7);
	for (unsigned i = 0; i < 8; i++) {
		step(1);
		CHECK_EQ(read_count(1), odd[i]);
	}
	tear_down();
}

static void test_mode_3_new_count(void)
{
	set_up();
	program(1, 3, 8);
	step(2);
	out(0x41, 4); /* takes over at the end of the high half */
	out(0x41, 0);
	CHECK_EQ(wave(1, 9), 0x199); /* 11 00 11 00 1 */
	tear_down();
}

static void test_modes_4_and_5(void)
{
	set_up();
	program(0, 4, 3);
	edges = 0; /* the control word has set OUT */
	CHECK_EQ(wave(0, 7), 0x77); /* low in clock 4 */
	CHECK_EQ(edges, 1);
	program(2, 5, 3);
	CHECK_EQ(wave(2, 6), 0x3f);
	out(0x61, 1);
	CHECK_EQ(wave(2, 7), 0x77);
	tear_down();
}

static void test_bcd(void)
{
	set_up();
	out(0x43, 0x35); /* counter 0, mode 2, BCD */
	out(0x40, 0);
	out(0x40, 0x10); /* 1000 */
	step(1);
	CHECK_EQ(pit_period(pit, 0), 1000);
	step(1);
	CHECK_EQ(read_count(0), 0x0999);
	out(0x43, 0x31);
	out(0x40, 0x01);
	out(0x40, 0x00);
	step(3);
	CHECK_EQ(read_count(0), 0x9999);
	out(0x43, 0x35);
	out(0x40, 0);
	out(0x40, 0);
	CHECK_EQ(pit_period(pit, 0), 10000);
	tear_down();
}

static void test_byte_sequences(void)
{
	set_up();
	out(0x43, 0x54); /* counter 1, LSB, mode 2 */
	out(0x41, 18);
	step(1);
	CHECK_EQ(in(0x41), 18);
	CHECK_EQ(in(0x41), 18);
	out(0x43, 0x64); /* MSB */
	out(0x41, 0x12);
	step(1);
	CHECK_EQ(in(0x41), 0x12);
	CHECK_EQ(pit_period(pit, 1), 0x1200);
	program(1, 2, 0x1234);
	step(1);
	out(0x43, 0x40);
	step(0x100);
	out(0x43, 0x40); /* the first latch holds */
	CHECK_EQ(in(0x41), 0x34);
	CHECK_EQ(in(0x41), 0x12);
	CHECK_EQ(in(0x41), 0x34); /* live again */
	CHECK_EQ(in(0x41), 0x11);
	tear_down();
}

static void test_read_back(void)
{
	set_up();
	program(0, 2, 0x1000);
	program(1, 3, 0x2000);
	step(0x11);
	out(0x43, 0xc6); /* count and status of 0 and 1 */
	step(5);
	CHECK_EQ(in(0x40), 0xb4); /* OUT, both bytes, mode 2 */
	CHECK_EQ(in(0x40), 0xf0);
	CHECK_EQ(in(0x40), 0x0f);
	CHECK_EQ(in(0x41), 0xb6);
	CHECK_EQ(in(0x41), 0xe0);
	CHECK_EQ(in(0x41), 0x1f);
	CHECK_EQ(in(0x43), 0xff);
	tear_down();
}

/* Edges of an hour of ticks: exactly one each 65536 clocks, no drift. */
static void test_tick(void)
{
	set_up();
	program(0, 3, 0);
	edges = 0;
	for (unsigned i = 0; i < 3600 * 20; i++) {
		clock_step(clk, NS_PER_SEC / 20);
		take_tick();
	}
	CHECK_EQ(edges, 3600ull * PIT_HZ / 65536);
	CHECK_EQ(pit_missed_ticks(pit), 0);
	program(0, 2, 0xffff);
	out(0x43, 0x30); /* mode 0 and no count: no more edges */
	edges = 0;
	clock_step(clk, NS_PER_SEC);
	CHECK_EQ(edges, 0);
	tear_down();
}

/* Moves a host-like clock and runs what is due, once, late. */
static void late(uint64_t ns)
{
	now += ns;
	clock_run_due(clk);
}

static void test_late_ticks(void)
{
	const uint64_t period = 10000000; /* ns */

	set_up_with(clock_create(late_source, NULL));
	program(0, 2, 11932);
	take_tick(); /* OUT was set by the control word */
	taken = 0;
	late(period * 5 + period / 2);
	CHECK_EQ(pit_missed_ticks(pit), 4);
	take_tick();
	CHECK(!pending); /* not at once: a quarter of a period later */
	for (unsigned i = 0; i < 40; i++) {
		late(period / 8);
		take_tick();
	}
	CHECK_EQ(pit_missed_ticks(pit), 0);
	CHECK_EQ(taken, 10); /* of the 10 that fit into 10.5 periods */
	late(period * 1000);
	CHECK_EQ(pit_missed_ticks(pit), 100);
	program(0, 2, 11932); /* programmed anew: nothing owed */
	CHECK_EQ(pit_missed_ticks(pit), 0);
	masked = true;
	late(period * 10);
	CHECK_EQ(pit_missed_ticks(pit), 0);
	tear_down();
}

static void test_port61(void)
{
	unsigned toggles = 0;
	uint8_t last = 0;

	set_up();
	for (unsigned i = 0; i < 180; i++) {
		step(1);
		toggles += ((in(0x61) ^ last) & 0x10) != 0;
		last = in(0x61);
	}
	CHECK_EQ(toggles, 10);
	program(2, 3, 1193);
	CHECK_EQ(sound_period, 0);
	out(0x61, 0xff);
	CHECK_EQ(in(0x61) & 0xcf, 0x0f);
	CHECK_EQ(sound_period, 1193);
	out(0x42, 0x00);
	out(0x42, 0x10);
	step(1193);
	out(0x61, 3);
	CHECK_EQ(sound_period, 0x1000);
	out(0x61, 1);
	CHECK_EQ(sound_period, 0);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 0x8254;

	set_up();
	for (unsigned i = 0; i < 400000; i++) {
		uint64_t r = unit_random(&seed);
		uint16_t port = (r >> 8) % 8 ? (uint16_t)(0x40 + (r >> 12) % 4) : 0x61;
		unsigned size = 1u << (r >> 16) % 3;

		switch (r >> 61) {
		case 0:
			clock_step(clk, (r >> 20) % (1ull << (r >> 50) % 27));
			break;
		case 1 ... 2:
			bus_port_read(bus, port, size);
			break;
		case 3:
			pit_tick_acknowledged(pit);
			break;
		default:
			bus_port_write(bus, port,
				       (uint32_t)(r >> 24) & ((r >> 44) % 4 ? ~0u : 0x3f), size);
		}
		if (i % 50000 == 0)
			pit_class.reset(pit);
	}
	CHECK(pit_missed_ticks(pit) <= 100);
	tear_down();
}

UNIT_MAIN("i8254", {"mode 0", test_mode_0}, {"mode 0, gate", test_mode_0_gate},
	  {"mode 1", test_mode_1}, {"mode 2", test_mode_2}, {"mode 3", test_mode_3},
	  {"mode 3, values", test_mode_3_values}, {"mode 3, new count", test_mode_3_new_count},
	  {"modes 4 and 5", test_modes_4_and_5}, {"BCD", test_bcd},
	  {"byte sequences", test_byte_sequences}, {"read-back", test_read_back},
	  {"tick", test_tick}, {"late ticks", test_late_ticks}, {"port 61h", test_port61},
	  {"fuzz", test_fuzz})
