/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug exit, consoles, POST latch, port 92h and the FERR# latch; a fuzz. */
#include "devices/debug_ports.h"
#include "devices/port92.h"

#include "tests/unit/unit.h"

static struct bus *bus;
static struct debug_ports *debug;
static struct port92 *port92;
static int status;
static char text[2][64];
static size_t length[2];
static int a20;
static unsigned resets, ferr_clears;

static void on_exit_status(void *opaque, int s)
{
	status = s;
}

static void console(struct chardev *c, const uint8_t *data, size_t len)
{
	unsigned n = c->backend == text[1];

	for (size_t i = 0; i < len; i++)
		text[n][length[n]++ % 64] = (char)data[i];
}

static struct chardev debugcon = {.write = console, .backend = text[0]};
static struct chardev firmware = {.write = console, .backend = text[1]};

static void set_a20(void *opaque, bool on)
{
	a20 = on;
}

static void on_reset(void *opaque)
{
	resets++;
}

static void on_clear_ferr(void *opaque)
{
	ferr_clears++;
}

static void set_up(void)
{
	struct debug_ports_wiring d = {
		.exit_port = 0xf4, .exit_size = 4, .exit = on_exit_status, .debugcon_port = 0xe9,
		.debugcon = &debugcon, .firmware_log_port = 0x402, .firmware_log = &firmware,
	};
	struct port92_wiring p = {
		.set_a20 = set_a20, .reset = on_reset, .clear_ferr = on_clear_ferr,
	};

	bus = d.bus = p.bus = bus_create(NULL);
	debug = debug_ports_create(&d);
	port92 = port92_create(&p);
	status = -1;
	length[0] = length[1] = 0;
	a20 = -1;
	resets = ferr_clears = 0;
}

static void tear_down(void)
{
	debug_ports_class.destroy(debug);
	port92_class.destroy(port92);
	bus_destroy(bus);
}

static void test_exit(void)
{
	set_up();
	bus_port_write(bus, 0xf4, 0x10, 1);
	CHECK_EQ(status, 0x21);
	bus_port_write(bus, 0xf4, 0x31, 4);
	CHECK_EQ(status, 0x63);
	CHECK_EQ(bus_port_read(bus, 0xf4, 1), 0);
	tear_down();
}

static void test_consoles(void)
{
	set_up();
	CHECK_EQ(bus_port_read(bus, 0xe9, 1), 0xe9);
	CHECK_EQ(bus_port_read(bus, 0x402, 1), 0xe9);
	bus_port_write(bus, 0xe9, 'a', 1);
	bus_port_write(bus, 0x402, 'b', 1);
	CHECK_EQ(length[0], 1);
	CHECK_EQ(text[0][0], 'a');
	CHECK_EQ(length[1], 1);
	CHECK_EQ(text[1][0], 'b');
	bus_port_write(bus, 0x80, 0x42, 1);
	CHECK_EQ(bus_port_read(bus, 0x80, 1), 0x42);
	CHECK_EQ(debug_ports_post_code(debug), 0x42);
	tear_down();
}

static void test_port92(void)
{
	set_up();
	bus_port_write(bus, 0x92, 2, 1);
	CHECK_EQ(a20, 1);
	CHECK_EQ(bus_port_read(bus, 0x92, 1), 2);
	bus_port_write(bus, 0x92, 3, 1);
	CHECK_EQ(resets, 1);
	bus_port_write(bus, 0x92, 3, 1); /* no new edge */
	CHECK_EQ(resets, 1);
	bus_port_write(bus, 0x92, 0, 1);
	CHECK_EQ(a20, 0);
	a20 = -1;
	port92_class.reset(port92);
	CHECK_EQ(a20, 0);
	bus_port_write(bus, 0xf0, 0, 1);
	bus_port_write(bus, 0xf1, 0, 1);
	CHECK_EQ(ferr_clears, 2);
	tear_down();
}

static void test_fuzz(void)
{
	static const uint16_t ports[] = {0x80, 0x92, 0xe9, 0xf0, 0xf1, 0xf4, 0xf6, 0x402};
	uint64_t seed = 0x92;

	set_up();
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t r = unit_random(&seed);
		uint16_t port = ports[(r >> 8) % 8];

		if (r >> 63)
			bus_port_read(bus, port, 1u << (r >> 16) % 3);
		else
			bus_port_write(bus, port, (uint32_t)(r >> 24), 1u << (r >> 16) % 3);
	}
	CHECK(resets > 0);
	tear_down();
}

UNIT_MAIN("debug ports", {"exit", test_exit}, {"consoles", test_consoles},
	  {"port 92h and FERR#", test_port92}, {"fuzz", test_fuzz})
