/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DMA controllers: transfers both ways, wraps, modes, requests, a fuzz. */
#include "devices/i8237.h"

#include <string.h>

#include "tests/unit/unit.h"

#define RAM_SIZE (1u << 20)

static struct physmem *memory;
static struct bus *bus;
static struct dma *dma;
static unsigned ready_calls;

static void set_up(void)
{
	struct dma_wiring w;

	CHECK_EQ(physmem_create(&memory, RAM_SIZE), 0);
	bus = bus_create(memory);
	w = (struct dma_wiring){.bus = bus};
	dma = dma_create(&w);
	ready_calls = 0;
}

static void tear_down(void)
{
	dma_class.destroy(dma);
	bus_destroy(bus);
	physmem_destroy(memory);
}

static void out(uint16_t port, uint8_t value)
{
	bus_port_write(bus, port, value, 1);
}

static uint8_t in(uint16_t port)
{
	return (uint8_t)bus_port_read(bus, port, 1);
}

/* Channel 2, as a BIOS sets it up for the floppy; mode without the channel. */
static void program_2(uint8_t mode, uint32_t address, uint16_t count)
{
	out(0x0a, 0x06); /* mask */
	out(0x0c, 0);
	out(0x0b, mode | 2);
	out(0x04, (uint8_t)address);
	out(0x04, (uint8_t)(address >> 8));
	out(0x81, (uint8_t)(address >> 16));
	out(0x05, (uint8_t)count);
	out(0x05, (uint8_t)(count >> 8));
	out(0x0a, 0x02);
}

static uint16_t current(uint16_t port)
{
	uint8_t low;

	out(0x0c, 0);
	low = in(port);
	return (uint16_t)(low | in(port) << 8);
}

static void test_write(void)
{
	static const uint8_t data[512] = {1, 2, 3, [511] = 9};
	uint8_t got[512];
	bool tc;

	set_up();
	program_2(0x44, 0x12345, 511);
	CHECK(!dma_channel_ready(dma, 2));
	CHECK_EQ(dma_channel_write(dma, 2, data, 512, &tc), 0);
	dma_set_request(dma, 2, 1);
	CHECK(dma_channel_ready(dma, 2));
	CHECK_EQ(in(0x08), 0x40);
	CHECK_EQ(dma_channel_write(dma, 2, data, 100, &tc), 100);
	CHECK(!tc);
	CHECK_EQ(current(0x04), 0x2345 + 100);
	CHECK_EQ(current(0x05), 411);
	CHECK_EQ(dma_channel_write(dma, 2, data + 100, 1000, &tc), 412);
	CHECK(tc);
	CHECK_EQ(current(0x05), 0xffff);
	CHECK_EQ(in(0x08), 0x44); /* TC and the request */
	CHECK_EQ(in(0x08), 0x40); /* cleared by the read */
	CHECK_EQ(in(0x0f) & 0x0f, 0x0f); /* masked itself */
	CHECK_EQ(dma_channel_write(dma, 2, data, 1, &tc), 0);
	bus_dma_read(bus, 0x12345, got, sizeof(got));
	CHECK(!memcmp(got, data, sizeof(got)));
	tear_down();
}

static void test_read_wraps_in_page(void)
{
	uint8_t buf[8];

	set_up();
	bus_dma_write(bus, 0x3fffe, "ab", 2);
	bus_dma_write(bus, 0x30000, "cd", 2);
	bus_dma_write(bus, 0x40000, "xy", 2);
	program_2(0x48, 0x3fffe, 99);
	dma_set_request(dma, 2, 1);
	CHECK_EQ(dma_channel_read(dma, 2, buf, 4, NULL), 4);
	CHECK(!memcmp(buf, "abcd", 4));
	CHECK_EQ(current(0x04), 2);
	tear_down();
}

static void test_decrement_and_auto_init(void)
{
	uint8_t buf[4];
	bool tc;

	set_up();
	bus_dma_write(bus, 0x4fffe, "dc", 2);
	bus_dma_write(bus, 0x40000, "ba", 2);
	program_2(0x78, 0x40001, 3);
	dma_set_request(dma, 2, 1);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(dma_channel_read(dma, 2, buf, sizeof(buf), &tc), 4);
		CHECK(tc);
		CHECK(!memcmp(buf, "abcd", 4));
		CHECK_EQ(current(0x04), 1);
		CHECK_EQ(current(0x05), 3);
		CHECK(dma_channel_ready(dma, 2));
	}
	tear_down();
}

static void test_verify_moves_nothing(void)
{
	uint8_t buf[2] = {0x55, 0x55};
	bool tc;

	set_up();
	bus_dma_write(bus, 0x1000, "keep", 4);
	program_2(0x40, 0x1000, 3);
	dma_set_request(dma, 2, 1);
	CHECK_EQ(dma_channel_write(dma, 2, buf, 2, &tc), 2);
	CHECK_EQ(dma_channel_read(dma, 2, buf, 2, &tc), 2);
	CHECK(tc);
	CHECK_EQ(buf[0], 0xff);
	program_2(0x48, 0x1000, 3); /* programmed for read, device writes */
	CHECK_EQ(dma_channel_write(dma, 2, "evil", 4, &tc), 4);
	bus_dma_read(bus, 0x1000, buf, 2);
	CHECK(!memcmp(buf, "ke", 2));
	tear_down();
}

static void test_words(void)
{
	uint8_t buf[8];
	bool tc;

	set_up();
	bus_dma_write(bus, 0x2468a, "12345678", 8);
	out(0xd6, 0x49); /* channel 5, read */
	out(0xd8, 0);
	out(0xc4, 0x45); /* 0x2468a >> 1 without the page: 0x2345 */
	out(0xc4, 0x23);
	out(0x8b, 0x03); /* bit 0 does not count */
	out(0xc6, 0x02);
	out(0xc6, 0x00);
	out(0xd4, 0x01);
	dma_set_request(dma, 5, 1);
	CHECK_EQ(dma_channel_read(dma, 5, buf, 3, &tc), 2); /* whole words */
	CHECK_EQ(dma_channel_read(dma, 5, buf + 2, 6, &tc), 4);
	CHECK(tc);
	CHECK(!memcmp(buf, "123456", 6));
	CHECK_EQ(in(0xd0), 0x22);
	tear_down();
}

static void on_ready(void *opaque)
{
	ready_calls++;
	dma_set_request(dma, 2, 0);
}

static void test_ready_callback(void)
{
	set_up();
	dma_attach(dma, 2, on_ready, NULL);
	program_2(0x44, 0, 9);
	CHECK_EQ(ready_calls, 0); /* no request */
	out(0x0a, 0x06);
	dma_set_request(dma, 2, 1);
	CHECK_EQ(ready_calls, 0);
	out(0x0a, 0x02);
	CHECK_EQ(ready_calls, 1);
	dma_set_request(dma, 2, 1);
	out(0x08, 0x04); /* controller disabled */
	CHECK(!dma_channel_ready(dma, 2));
	out(0x08, 0x00);
	CHECK_EQ(ready_calls, 2);
	out(0x0b, 0xc2); /* cascade */
	dma_set_request(dma, 2, 1);
	CHECK(!dma_channel_ready(dma, 2));
	tear_down();
}

static void test_registers(void)
{
	set_up();
	out(0x0d, 0);
	CHECK_EQ(in(0x0f), 0xff);
	out(0x0e, 0);
	CHECK_EQ(in(0x0f), 0xf0);
	out(0x0f, 0x05);
	CHECK_EQ(in(0x0f), 0xf5);
	out(0x09, 0x05); /* software request on 1 */
	CHECK_EQ(in(0x08), 0x20);
	CHECK(dma_channel_ready(dma, 1));
	out(0x09, 0x01);
	CHECK(!dma_channel_ready(dma, 1));
	out(0x87, 0x12);
	CHECK_EQ(in(0x87), 0x12);
	dma_class.reset(dma);
	CHECK_EQ(in(0x87), 0);
	CHECK_EQ(in(0x0f), 0xff);
	tear_down();
}

static void test_fuzz(void)
{
	static uint8_t buf[70000];
	uint64_t seed = 0x8237;

	set_up();
	dma_attach(dma, 2, on_ready, NULL);
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t r = unit_random(&seed);
		uint16_t port = (uint16_t)((r >> 8) % 16 +
					   (uint16_t[]){0, 0x80, 0xc0, 0xd0}[(r >> 12) % 4]);
		unsigned size = 1u << (r >> 16) % 3, channel = (r >> 20) % 8;
		size_t len = (r >> 30) % (i % 256 ? 64 : sizeof(buf));
		bool tc;

		switch ((r >> 56) % 16) {
		case 0:
			dma_set_request(dma, channel, (int)(r >> 40 & 1));
			break;
		case 1:
			CHECK(dma_channel_read(dma, channel, buf, len, &tc) <= len);
			break;
		case 2:
			CHECK(dma_channel_write(dma, channel, buf, len, &tc) <= len);
			break;
		case 3 ... 5:
			bus_port_read(bus, port, size);
			break;
		default:
			bus_port_write(bus, port, (uint32_t)(r >> 24), size);
		}
	}
	tear_down();
}

UNIT_MAIN("i8237", {"device to memory", test_write},
	  {"memory to device, page wrap", test_read_wraps_in_page},
	  {"decrement and autoinitialise", test_decrement_and_auto_init},
	  {"verify", test_verify_moves_nothing}, {"words", test_words},
	  {"ready callback", test_ready_callback}, {"registers", test_registers},
	  {"fuzz", test_fuzz})
