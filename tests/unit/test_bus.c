/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port map: width splitting, overlays, release, the last port, a fuzz. */
#include "devices/bus.h"

#include <string.h>

#include "tests/unit/unit.h"

struct probe {
	uint8_t tag;
	unsigned calls;
	uint16_t port[8];
	unsigned size[8];
	uint32_t value[8];
};

static void record(struct probe *p, uint16_t port, uint32_t value, unsigned size)
{
	unsigned i = p->calls++ % 8;

	p->port[i] = port;
	p->size[i] = size;
	p->value[i] = value;
}

static uint32_t probe_read(void *opaque, uint16_t port, unsigned size)
{
	struct probe *p = opaque;

	record(p, port, 0, size);
	return 0x01010101u * p->tag; /* more than size bytes: the bus masks */
}

static void probe_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	record(opaque, port, value, size);
}

static const struct port_ops byte_ops = {probe_read, probe_write, 1};
static const struct port_ops word_ops = {probe_read, probe_write, 2};
static const struct port_ops long_ops = {probe_read, probe_write, 4};

static void test_unclaimed(void)
{
	struct bus *bus = bus_create(NULL);
	uint8_t buf[4] = {0};

	CHECK_EQ(bus_port_read(bus, 0x1234, 1), 0xff);
	CHECK_EQ(bus_port_read(bus, 0x1234, 2), 0xffff);
	CHECK_EQ(bus_port_read(bus, 0xffff, 4), 0xffffffff);
	bus_port_write(bus, 0xffff, 0x12345678, 4);
	bus_dma_read(bus, 0, buf, sizeof(buf));
	CHECK_EQ(buf[3], 0xff);
	bus_destroy(bus);
}

static void test_split(void)
{
	struct bus *bus = bus_create(NULL);
	struct probe p = {.tag = 0x5a};

	bus_claim_ports(bus, 0x100, 4, &byte_ops, &p);
	bus_port_write(bus, 0x100, 0x44332211, 4);
	CHECK_EQ(p.calls, 4);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(p.port[i], 0x100 + i);
		CHECK_EQ(p.size[i], 1);
		CHECK_EQ(p.value[i], 0x11 * (i + 1));
	}
	CHECK_EQ(bus_port_read(bus, 0x102, 4), 0xffff5a5a);
	CHECK_EQ(bus_port_read(bus, 0xff, 2), 0x5aff);
	bus_destroy(bus);
}

static void test_width_and_alignment(void)
{
	struct bus *bus = bus_create(NULL);
	struct probe w = {.tag = 0x11}, l = {.tag = 0x22};

	bus_claim_ports(bus, 0x1f0, 8, &word_ops, &w);
	bus_claim_ports(bus, 0xcf8, 8, &long_ops, &l);
	bus_port_write(bus, 0x1f0, 0xaaaabbbb, 4);
	CHECK_EQ(w.calls, 2);
	CHECK_EQ(w.size[1], 2);
	CHECK_EQ(w.port[1], 0x1f2);
	CHECK_EQ(w.value[1], 0xaaaa);
	bus_port_write(bus, 0xcf8, 0x80000000, 4);
	CHECK_EQ(l.calls, 1);
	CHECK_EQ(l.value[0], 0x80000000);
	bus_port_write(bus, 0xcfd, 0x1234, 2); /* misaligned: bytes */
	CHECK_EQ(l.calls, 3);
	CHECK_EQ(l.size[2], 1);
	CHECK_EQ(l.value[2], 0x12);
	bus_destroy(bus);
}

static void test_overlay_and_release(void)
{
	struct bus *bus = bus_create(NULL);
	struct probe a = {.tag = 1}, b = {.tag = 2}, c = {.tag = 3};

	bus_claim_ports(bus, 0x300, 16, &byte_ops, &a);
	bus_claim_ports(bus, 0x308, 16, &byte_ops, &b);
	bus_claim_ports(bus, 0x300, 32, &byte_ops, &c);
	CHECK_EQ(bus_port_read(bus, 0x307, 2), 0x0303);
	bus_release_ports(bus, 0x308, 16, &b); /* hidden: nothing changes */
	CHECK_EQ(bus_port_read(bus, 0x307, 2), 0x0303);
	bus_release_ports(bus, 0x300, 32, &c);
	CHECK_EQ(bus_port_read(bus, 0x307, 2), 0x0101);
	CHECK_EQ(bus_port_read(bus, 0x310, 1), 0xff);
	bus_release_ports(bus, 0x300, 16, &b); /* not b's */
	CHECK_EQ(bus_port_read(bus, 0x300, 1), 1);
	bus_destroy(bus);
}

static void test_last_port(void)
{
	struct bus *bus = bus_create(NULL);
	struct probe p = {.tag = 7};

	bus_claim_ports(bus, 0xfffe, 16, &long_ops, &p); /* clipped */
	CHECK_EQ(bus_port_read(bus, 0xfffe, 2), 0x0707);
	CHECK_EQ(bus_port_read(bus, 0xfffc, 4), 0x0707ffff);
	CHECK_EQ(bus_port_read(bus, 0, 1), 0xff);
	bus_release_ports(bus, 0xfffe, 16, &p);
	CHECK_EQ(bus_port_read(bus, 0xffff, 1), 0xff);
	bus_destroy(bus);
}

static void test_fuzz(void)
{
	static const struct port_ops *const ops[] = {&byte_ops, &word_ops, &long_ops};
	struct bus *bus = bus_create(NULL);
	struct probe probes[4];
	uint64_t seed = 0x5eed;

	memset(probes, 0, sizeof(probes));
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t r = unit_random(&seed);
		struct probe *p = &probes[r % 4];
		uint16_t port = (uint16_t)(r >> 16) % 64 + (r & 0x100 ? 0xffc0 : 0);
		uint16_t count = (uint16_t)(1 + (r >> 32) % 40);

		switch ((r >> 40) % 32) {
		case 0:
			bus_claim_ports(bus, port, count, ops[(r >> 50) % 3], p);
			break;
		case 1 ... 4:
			bus_release_ports(bus, port, count, p);
			break;
		case 5 ... 18:
			bus_port_write(bus, port, (uint32_t)r, 1u << (r >> 50) % 3);
			break;
		default:
			bus_port_read(bus, port, 1u << (r >> 50) % 3);
		}
	}
	CHECK(probes[0].calls > 0);
	bus_destroy(bus);
}

UNIT_MAIN("bus", {"unclaimed ports", test_unclaimed}, {"split", test_split},
	  {"width and alignment", test_width_and_alignment},
	  {"overlay and release", test_overlay_and_release}, {"last port", test_last_port},
	  {"fuzz", test_fuzz})
