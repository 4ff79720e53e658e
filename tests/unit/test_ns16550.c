/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 16550A: FIFOs, interrupts in order, time-out, loopback, flow; a fuzz. */
#include "devices/ns16550.h"

#include <string.h>

#include "tests/unit/unit.h"

#define BASE 0x3f8

static struct bus *bus;
static struct clock *clk;
static struct uart *uart;
static int irq;
static unsigned edges;
static char sent[4096];
static size_t sent_count;
static const char *waiting; /* what the back end has yet to deliver */

static void set_irq(void *opaque, int n, int level)
{
	edges += level && !irq;
	irq = level;
}

static void on_write(struct chardev *c, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sent[sent_count++ % sizeof(sent)] = (char)data[i];
}

static void deliver(struct chardev *c)
{
	size_t room, len;

	while ((room = c->can_receive(c->opaque)) && *waiting) {
		len = strnlen(waiting, room);
		waiting += len;
		c->receive(c->opaque, (const uint8_t *)waiting - len, len);
	}
}

static struct chardev chardev = {.write = on_write, .accept_input = deliver};

static void out(unsigned reg, uint8_t value)
{
	bus_port_write(bus, (uint16_t)(BASE + reg), value, 1);
}

static uint8_t in(unsigned reg)
{
	return (uint8_t)bus_port_read(bus, (uint16_t)(BASE + reg), 1);
}

static void set_up(void)
{
	struct uart_wiring w = {.port = BASE, .irq = {.set = set_irq}, .chardev = &chardev};

	clk = w.clock = clock_create_stepped();
	bus = w.bus = bus_create(NULL);
	irq = 0;
	edges = 0;
	sent_count = 0;
	waiting = "";
	uart = uart_create(&w);
	out(3, 0x80);
	out(0, 1);
	out(1, 0);
	out(3, 0x03); /* 115200 8n1 */
	out(4, 0x0b);
}

static void tear_down(void)
{
	uart_class.destroy(uart);
	bus_destroy(bus);
	clock_destroy(clk);
}

static void receive(const char *text)
{
	waiting = text;
	deliver(&chardev);
}

static void test_registers(void)
{
	set_up();
	CHECK_EQ(in(5), 0x60);
	CHECK_EQ(in(2), 0x01);
	CHECK_EQ(in(6), 0xb0);
	out(7, 0x5a);
	CHECK_EQ(in(7), 0x5a);
	out(1, 0xff);
	CHECK_EQ(in(1), 0x0f);
	out(3, 0x83);
	CHECK_EQ(in(0), 1);
	CHECK_EQ(in(1), 0);
	out(1, 0x12);
	out(0, 0x34);
	CHECK_EQ(in(0), 0x34);
	CHECK_EQ(in(1), 0x12);
	out(2, 0x01);
	CHECK_EQ(in(2) & 0xc0, 0xc0);
	out(2, 0x00);
	CHECK_EQ(in(2) & 0xc0, 0x00);
	tear_down();
}

static void test_transmit(void)
{
	set_up();
	out(0, 'o');
	out(0, 'k');
	CHECK_EQ(sent_count, 2);
	CHECK(!memcmp(sent, "ok", 2));
	out(3, 0x02); /* 7 bits */
	out(0, 0xff);
	CHECK_EQ(sent[2], 0x7f);
	tear_down();
}

static void test_transmit_interrupt(void)
{
	set_up();
	out(1, 0x02); /* the transmitter is empty: at once */
	CHECK_EQ(irq, 1);
	CHECK_EQ(in(2), 0x02);
	CHECK_EQ(irq, 0);
	CHECK_EQ(in(2), 0x01);
	out(1, 0x00);
	out(1, 0x02); /* enabled again: again */
	CHECK_EQ(irq, 1);
	edges = 0;
	out(0, 'x');
	CHECK_EQ(edges, 1); /* a new edge for each byte */
	out(0, 'y');
	CHECK_EQ(edges, 2);
	CHECK_EQ(in(2), 0x02);
	out(4, 0x03); /* without OUT2 nothing gets out */
	out(0, 'z');
	CHECK_EQ(irq, 0);
	CHECK_EQ(in(2), 0x02);
	tear_down();
}

static void test_receive_without_fifo(void)
{
	set_up();
	out(1, 0x01);
	receive("ab");
	CHECK_EQ(*waiting, 'b'); /* one byte of room */
	CHECK_EQ(irq, 1);
	CHECK_EQ(in(5), 0x61);
	CHECK_EQ(in(2), 0x04);
	CHECK_EQ(in(0), 'a'); /* takes the next from the back end */
	CHECK_EQ(in(0), 'b');
	CHECK_EQ(in(5), 0x60);
	CHECK_EQ(irq, 0);
	tear_down();
}

static void test_trigger_and_timeout(void)
{
	set_up();
	out(2, 0x81); /* 8 bytes */
	out(1, 0x01);
	receive("1234567");
	CHECK_EQ(irq, 0);
	clock_step(clk, 347000); /* 4 characters of 10 bits: 347.2 us */
	CHECK_EQ(irq, 0);
	clock_step(clk, 1000);
	CHECK_EQ(irq, 1);
	CHECK_EQ(in(2), 0xcc);
	CHECK_EQ(in(0), '1'); /* a read ends it */
	CHECK_EQ(irq, 0);
	receive("89");
	CHECK_EQ(in(2), 0xc4);
	CHECK_EQ(in(0), '2');
	CHECK_EQ(in(2), 0xc1);
	clock_step(clk, 400000);
	CHECK_EQ(in(2), 0xcc);
	out(2, 0x83); /* clears the FIFO */
	CHECK_EQ(in(2), 0xc1);
	CHECK_EQ(in(5), 0x60);
	tear_down();
}

static void test_flow(void)
{
	char got[41] = {0};

	set_up();
	out(2, 0x01);
	receive("a stream of bytes longer than the FIFO.");
	CHECK_EQ(strlen(waiting), 39 - 16);
	for (unsigned i = 0; in(5) & 1 && i < 40; i++)
		got[i] = (char)in(0);
	CHECK(!strcmp(got, "a stream of bytes longer than the FIFO."));
	tear_down();
}

static void test_priority(void)
{
	set_up();
	out(4, 0x10); /* loopback; OUT2 off */
	out(4, 0x1b);
	out(2, 0x01);
	out(1, 0x0f);
	for (unsigned i = 0; i < 17; i++)
		out(0, (uint8_t)i);
	CHECK_EQ(sent_count, 0);
	CHECK_EQ(in(2), 0xc6); /* overrun */
	CHECK_EQ(in(5), 0x63);
	CHECK_EQ(in(5), 0x61);
	CHECK_EQ(in(2), 0xc4);
	for (unsigned i = 0; i < 16; i++)
		CHECK_EQ(in(0), i);
	CHECK_EQ(in(2), 0xc2);
	CHECK_EQ(in(2), 0xc0); /* modem lines have changed */
	in(6);
	CHECK_EQ(in(2), 0xc1);
	tear_down();
}

static void test_loopback_modem(void)
{
	set_up();
	in(6);
	out(4, 0x1a); /* as Linux probes: RTS and OUT2 */
	CHECK_EQ(in(6) & 0xf0, 0x90);
	out(4, 0x14);
	CHECK_EQ(in(6), 0x49); /* RI rose: no trailing edge; DCD, CTS fell */
	out(4, 0x10);
	CHECK_EQ(in(6), 0x04);
	waiting = "q";
	out(4, 0x0b);
	CHECK_EQ(in(5) & 1, 1); /* input goes on after the loop */
	tear_down();
}

static void test_break(void)
{
	set_up();
	out(2, 0x01);
	out(1, 0x04); /* line status interrupts */
	CHECK_EQ(in(2) & 0x0f, 0x01);
	chardev.event(chardev.opaque, CHARDEV_EVENT_BREAK);
	CHECK_EQ(irq, 1);
	CHECK_EQ(in(2) & 0x0f, 0x06);
	CHECK_EQ(in(5), 0x71); /* BI, data ready */
	CHECK_EQ(irq, 0);
	CHECK_EQ(in(0), 0);
	CHECK_EQ(in(5), 0x60);
	/* A full FIFO keeps what it has. */
	receive("0123456789abcdef");
	chardev.event(chardev.opaque, CHARDEV_EVENT_BREAK);
	CHECK_EQ(in(5), 0x71);
	CHECK_EQ(in(0), '0');
	chardev.event(chardev.opaque, CHARDEV_EVENT_OPENED);
	CHECK_EQ(in(5), 0x61);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 0x16550;

	set_up();
	for (unsigned i = 0; i < 400000; i++) {
		uint64_t r = unit_random(&seed);
		uint16_t port = (uint16_t)(BASE + (r >> 8) % 8);
		unsigned size = 1u << (r >> 16) % 3;

		switch (r >> 61) {
		case 0:
			clock_step(clk, (r >> 20) % 1000000);
			break;
		case 1:
			receive("some text from outside");
			break;
		case 2 ... 4:
			bus_port_read(bus, port, size);
			break;
		default:
			bus_port_write(bus, port, (uint32_t)(r >> 24), size);
		}
		if (i % 10000 == 0)
			uart_class.reset(uart);
	}
	tear_down();
}

UNIT_MAIN("ns16550", {"registers", test_registers}, {"transmit", test_transmit},
	  {"transmit interrupt", test_transmit_interrupt},
	  {"receive without FIFO", test_receive_without_fifo},
	  {"trigger and time-out", test_trigger_and_timeout}, {"flow", test_flow},
	  {"priority", test_priority}, {"loopback modem lines", test_loopback_modem},
	  {"break", test_break}, {"fuzz", test_fuzz})
