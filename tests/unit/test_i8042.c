/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8042 with its keyboard and mouse: commands, translation, the three scan
 * code sets, packets, what happens when nobody reads, a fuzz.
 */
#include "devices/i8042.h"
#include "devices/ps2_keyboard.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define BYTE_TIME 1000000 /* ns; longer than a byte takes */
#define NO_BYTE   0x100

static struct bus *bus;
static struct clock *clk;
static struct i8042 *kbc;
static const struct input_sink *sink;
static int irq[16];
static unsigned edges[16];
static unsigned resets;
static int a20;

static void set_irq(void *opaque, int n, int level)
{
	edges[n] += level && !irq[n];
	irq[n] = level;
}

static void on_reset(void *opaque)
{
	resets++;
}

static void set_a20(void *opaque, bool on)
{
	a20 = on;
}

static void command(uint8_t value)
{
	bus_port_write(bus, 0x64, value, 1);
}

static void data(uint8_t value)
{
	bus_port_write(bus, 0x60, value, 1);
}

static uint8_t status(void)
{
	return (uint8_t)bus_port_read(bus, 0x64, 1);
}

/* The next byte, or NO_BYTE. */
static unsigned next(void)
{
	if (!(status() & 1))
		clock_step(clk, BYTE_TIME);
	return status() & 1 ? bus_port_read(bus, 0x60, 1) : NO_BYTE;
}

/* Checks that exactly these bytes come, "e0 4b" style. */
static void expect(const char *bytes)
{
	char *end;

	for (; *bytes; bytes = end) {
		CHECK_EQ(next(), strtoul(bytes, &end, 16));
		while (*end == ' ')
			end++;
	}
	CHECK_EQ(next(), NO_BYTE);
}

static void key(uint8_t k)
{
	sink->key(sink->opaque, k, true);
	sink->key(sink->opaque, k, false);
}

static void mouse_command(uint8_t byte)
{
	command(0xd4);
	data(byte);
}

static void move(int dx, int dy, int wheel, unsigned buttons)
{
	sink->mouse(sink->opaque, dx, dy, wheel, buttons);
}

static void set_up(void)
{
	struct i8042_wiring w = {
		.keyboard_irq = {.set = set_irq, .n = 1},
		.mouse_irq = {.set = set_irq, .n = 12},
		.reset = on_reset,
		.set_a20 = set_a20,
	};

	memset(irq, 0, sizeof(irq));
	memset(edges, 0, sizeof(edges));
	resets = 0;
	a20 = -1;
	clk = w.clock = clock_create_stepped();
	bus = w.bus = bus_create(NULL);
	kbc = i8042_create(&w);
	sink = i8042_input(kbc);
	command(0x60);
	data(0x47); /* both interrupts, translation, both devices on */
}

static void tear_down(void)
{
	i8042_class.destroy(kbc);
	bus_destroy(bus);
	clock_destroy(clk);
}

static void test_controller(void)
{
	set_up();
	command(0xaa);
	CHECK_EQ(status(), 0x1d);
	expect("55");
	command(0x20);
	expect("47");
	command(0xab);
	expect("0");
	command(0xa9);
	expect("0");
	command(0xa7);
	command(0xad);
	command(0x20);
	expect("77");
	command(0x65); /* RAM byte 5 */
	data(0x99);
	command(0x25);
	expect("99");
	command(0xd2);
	data(0x1e);
	CHECK_EQ(irq[1], 1);
	CHECK_EQ(status() & 0x21, 0x01);
	expect("1e");
	CHECK_EQ(irq[1], 0);
	command(0xd3);
	data(0x5a);
	CHECK_EQ(irq[12], 1);
	CHECK_EQ(status() & 0x21, 0x21);
	expect("5a");
	CHECK_EQ(status() & 0x21, 0);
	command(0xa4);
	command(0xaa); /* answers queue */
	expect("f1 55");
	tear_down();
}

static void test_output_port(void)
{
	set_up();
	CHECK_EQ(a20, 0);
	command(0xd1);
	data(0xdf);
	CHECK_EQ(a20, 1);
	command(0xd0);
	expect("cf");
	command(0xdd);
	CHECK_EQ(a20, 0);
	command(0xdf);
	CHECK_EQ(a20, 1);
	CHECK_EQ(resets, 0);
	command(0xff); /* pulses nothing */
	CHECK_EQ(resets, 0);
	command(0xfe);
	CHECK_EQ(resets, 1);
	command(0xd1);
	data(0x02);
	CHECK_EQ(resets, 2);
	i8042_class.reset(kbc);
	CHECK_EQ(a20, 0);
	tear_down();
}

static void test_keys_translated(void)
{
	set_up();
	key(0x1e);
	CHECK_EQ(status() & 1, 0); /* still on the wire */
	expect("1e 9e");
	CHECK_EQ(edges[1], 2);
	key(0xcb);
	expect("e0 4b e0 cb");
	key(KEY_PRINT_SCREEN);
	expect("e0 2a e0 37 e0 b7 e0 aa");
	key(KEY_PAUSE);
	expect("e1 1d 45 e1 9d c5");
	sink->key(sink->opaque, 0x1d, true);
	key(KEY_PAUSE);
	expect("1d e0 46 e0 c6");
	key(KEY_PRINT_SCREEN);
	expect("e0 37 e0 b7");
	sink->key(sink->opaque, 0x1d, false);
	sink->key(sink->opaque, 0x38, true);
	key(KEY_PRINT_SCREEN);
	expect("9d 38 54 d4");
	tear_down();
}

/* What translation gives is what the key is called, for each key. */
static void test_all_keys(void)
{
	set_up();
	for (unsigned k = 1; k < 0x80; k++) {
		key((uint8_t)k);
		CHECK_EQ(next(), k);
		CHECK_EQ(next(), k | 0x80);
	}
	CHECK_EQ(ps2_set2_to_set1(0x83), 0x41);
	CHECK_EQ(ps2_set2_to_set1(0x84), 0x54);
	CHECK_EQ(ps2_set2_to_set1(0x7f), 0x54);
	CHECK_EQ(ps2_set2_to_set1(0x00), 0xff);
	CHECK_EQ(ps2_set2_to_set1(0x6e), 0x7f);
	for (unsigned code = 0x85; code < 0x100; code++)
		CHECK_EQ(ps2_set2_to_set1((uint8_t)code), code);
	tear_down();
}

static void test_sets(void)
{
	set_up();
	command(0x60);
	data(0x07); /* no translation */
	key(0x1e);
	expect("1c f0 1c");
	key(0xb8);
	expect("e0 11 e0 f0 11");
	key(KEY_PAUSE);
	expect("e1 14 77 e1 f0 14 f0 77");
	data(0xf0);
	data(0x01);
	expect("fa fa");
	key(0xc8);
	expect("e0 48 e0 c8");
	data(0xf0);
	data(0x03);
	expect("fa fa");
	key(0xc8);
	key(0x01);
	expect("63 f0 63 8 f0 8");
	data(0xf9); /* all keys make-only */
	key(0x1e);
	expect("fa 1c");
	data(0xf0);
	data(0x00);
	expect("fa fa 3");
	data(0xf6);
	data(0xf0);
	data(0x00);
	expect("fa fa fa 2");
	data(0xf0);
	data(0x04);
	expect("fa fe");
	tear_down();
}

static void test_keyboard_commands(void)
{
	set_up();
	data(0xff);
	expect("fa aa");
	data(0xf2);
	expect("fa ab 41"); /* the second byte is translated */
	data(0xee);
	expect("ee");
	data(0xfe);
	expect("ee");
	data(0xed);
	expect("fa");
	data(0x07);
	expect("fa");
	CHECK_EQ(sink->leds(sink->opaque), 7);
	data(0xed);
	data(0xf4); /* a command instead of the argument */
	expect("fa fa");
	CHECK_EQ(sink->leds(sink->opaque), 7);
	data(0xf5);
	key(0x1e);
	expect("fa");
	data(0xf4);
	key(0x1e);
	expect("fa 1e 9e");
	data(0x01);
	expect("fe");
	data(0xfd);
	data(0x1c);
	data(0x23);
	data(0xf3);
	data(0x00);
	expect("fa fa fa fa fa");
	tear_down();
}

static void test_reply_overtakes_keys(void)
{
	set_up();
	command(0xad); /* keyboard off: keys wait */
	key(0x1e);
	CHECK_EQ(next(), NO_BYTE);
	data(0xee); /* sending lets it answer again */
	expect("ee 1e 9e");
	tear_down();
}

static void test_overrun(void)
{
	unsigned made = 0, ended = 0, byte;

	set_up();
	for (uint8_t k = 1; k < 0x58; k++)
		for (unsigned i = 0; i < 3; i++)
			sink->key(sink->opaque, k, true);
	for (uint8_t k = 1; k < 0x31; k++)
		sink->key(sink->opaque, k, false);
	while ((byte = next()) != NO_BYTE) {
		made += byte < 0x80;
		ended += byte >= 0x80 && byte != 0xff;
	}
	CHECK_EQ(ended, 0x30 - 1); /* releases get through, but for the last */
	CHECK(made > 100);
	tear_down();
}

static void test_mouse_commands(void)
{
	set_up();
	mouse_command(0xff);
	CHECK_EQ(next(), 0xfa);
	CHECK_EQ(edges[12], 1);
	expect("aa 0");
	mouse_command(0xf2);
	expect("fa 0");
	mouse_command(0xe8);
	mouse_command(0x03);
	mouse_command(0xf3);
	mouse_command(40);
	mouse_command(0xe7);
	mouse_command(0xf4);
	expect("fa fa fa fa fa fa");
	mouse_command(0xe9);
	expect("fa 30 3 28");
	mouse_command(0xee); /* wrap */
	expect("fa");
	mouse_command(0xf4);
	mouse_command(0x42);
	expect("f4 42");
	mouse_command(0xec);
	expect("fa");
	mouse_command(0xe1);
	expect("fe");
	mouse_command(0xf6);
	mouse_command(0xe9);
	expect("fa fa 0 2 64");
	tear_down();
}

static void test_mouse_packets(void)
{
	set_up();
	move(5, 5, 0, 0);
	CHECK_EQ(next(), NO_BYTE); /* not enabled */
	mouse_command(0xf4);
	expect("fa");
	move(3, -2, 0, 0);
	expect("8 3 2");
	clock_step(clk, NS_PER_SEC);
	move(-1, 4, 1, MOUSE_LEFT);
	expect("39 ff fc");
	/* Faster than it is read: clicks are kept, movement collects. */
	move(0, 0, 0, 0);
	move(10, 0, 0, 0);
	move(300, 0, 0, 0);
	move(0, 0, 0, MOUSE_RIGHT);
	move(0, 0, 0, MOUSE_RIGHT | MOUSE_MIDDLE);
	expect("8 0 0 a ff 0 e 37 0");
	clock_step(clk, NS_PER_SEC);
	move(100000, 0, 0, MOUSE_RIGHT | MOUSE_MIDDLE);
	CHECK_EQ(next(), 0x4e); /* overflow */
	CHECK_EQ(next(), 0xff);
	tear_down();
}

static void test_mouse_rate(void)
{
	unsigned bytes = 0;

	set_up();
	mouse_command(0xf3);
	mouse_command(10);
	mouse_command(0xf4);
	expect("fa fa fa");
	for (unsigned i = 0; i < 1000; i++) {
		move(1, 0, 0, 0);
		clock_step(clk, BYTE_TIME);
		if (status() & 1) {
			bus_port_read(bus, 0x60, 1);
			bytes++;
		}
	}
	CHECK(bytes >= 27 && bytes <= 33); /* 10 packets in a second */
	tear_down();
}

static void test_mouse_wheel_and_modes(void)
{
	static const uint8_t knock[] = {200, 100, 80};

	set_up();
	for (unsigned i = 0; i < 3; i++) {
		mouse_command(0xf3);
		mouse_command(knock[i]);
	}
	expect("fa fa fa fa fa fa");
	mouse_command(0xf2);
	expect("fa 3");
	mouse_command(0xf4);
	expect("fa");
	move(0, 0, 1, 0);
	expect("8 0 0 ff"); /* up is negative */
	clock_step(clk, NS_PER_SEC);
	move(0, 0, -9, 0);
	CHECK_EQ(next(), 0x08);
	CHECK_EQ(next(), 0);
	CHECK_EQ(next(), 0);
	CHECK_EQ(next(), 7);
	clock_step(clk, NS_PER_SEC);
	expect("8 0 0 2");
	mouse_command(0xe7);
	expect("fa");
	clock_step(clk, NS_PER_SEC);
	move(5, -10, 0, 0);
	expect("8 9 14 0"); /* 2:1 */
	mouse_command(0xf0);
	expect("fa");
	clock_step(clk, NS_PER_SEC);
	move(5, -10, 0, MOUSE_LEFT);
	expect("");
	mouse_command(0xeb);
	expect("fa 9 5 a 0"); /* remote: not scaled */
	mouse_command(0xeb);
	expect("fa 9 0 0 0");
	mouse_command(0xff);
	expect("fa aa 0");
	mouse_command(0xf2);
	expect("fa 0");
	tear_down();
}

static void test_both_devices(void)
{
	set_up();
	mouse_command(0xf4);
	expect("fa");
	move(1, 0, 0, 0);
	key(0x1e);
	CHECK_EQ(next(), 0x1e);
	CHECK_EQ(next(), 0x9e);
	CHECK_EQ(status() & 0x20, 0);
	clock_step(clk, BYTE_TIME);
	CHECK_EQ(status() & 0x21, 0x21);
	CHECK_EQ(irq[12], 1);
	CHECK_EQ(irq[1], 0);
	expect("8 1 0");
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 0x8042;

	set_up();
	for (unsigned i = 0; i < 400000; i++) {
		uint64_t r = unit_random(&seed);
		unsigned size = 1u << (r >> 16) % 3;
		uint16_t port = r & 0x100 ? 0x60 : 0x64;

		switch (r >> 60) {
		case 0 ... 1:
			clock_step(clk, (r >> 20) % 3000000);
			break;
		case 2:
			sink->key(sink->opaque, (uint8_t)(r >> 24), (r >> 40) & 1);
			break;
		case 3:
			move((int)(r >> 20) % 1000, (int)(r >> 30), (int)(r >> 25),
			     (unsigned)(r >> 40) & 15);
			break;
		case 4 ... 7:
			bus_port_read(bus, port, size);
			break;
		case 8 ... 9:
			mouse_command((uint8_t)(r >> 24));
			break;
		default:
			bus_port_write(bus, port, (uint32_t)(r >> 24), size);
		}
		if (i % 20000 == 0)
			i8042_class.reset(kbc);
	}
	tear_down();
}

UNIT_MAIN("i8042", {"controller commands", test_controller}, {"output port", test_output_port},
	  {"translated keys", test_keys_translated}, {"every key", test_all_keys},
	  {"scan code sets", test_sets}, {"keyboard commands", test_keyboard_commands},
	  {"replies overtake keys", test_reply_overtakes_keys}, {"overrun", test_overrun},
	  {"mouse commands", test_mouse_commands}, {"mouse packets", test_mouse_packets},
	  {"mouse rate", test_mouse_rate}, {"wheel and modes", test_mouse_wheel_and_modes},
	  {"both devices", test_both_devices}, {"fuzz", test_fuzz})
