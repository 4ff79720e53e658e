/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port map: which device answers each of the 65536 I/O ports.
 *
 * Claims are kept newest first; the map holds, for each port, the newest claim
 * that covers it, in leaves of 256 ports that exist only where something is
 * claimed. Claiming and releasing are rare (a PCI BAR moves), access is two
 * loads. A claim that is released during its own handler is safe: nothing of
 * it is read after the call.
 */
#include "devices/bus.h"

#include <assert.h>
#include <stdlib.h>

#define PORTS       0x10000u
#define LEAF_PORTS  256u
#define LEAF_SHIFT  8
#define LEAF_NUMBER (PORTS / LEAF_PORTS)

struct port_claim {
	struct port_claim *older;
	const struct port_ops *ops;
	void *opaque;
	uint32_t base, end; /* ports [base, end) */
	uint16_t count;     /* as claimed, before clipping at the last port */
};

struct bus {
	struct physmem *pm; /* not owned; NULL in tests without memory */
	struct port_claim *newest;
	struct port_claim **leaves[LEAF_NUMBER]; /* NULL: nothing claimed there */
};

struct bus *bus_create(struct physmem *pm)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (bus)
		bus->pm = pm;
	return bus;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	while (bus->newest) {
		struct port_claim *c = bus->newest;

		bus->newest = c->older;
		free(c);
	}
	for (unsigned i = 0; i < LEAF_NUMBER; i++)
		free(bus->leaves[i]);
	free(bus);
}

struct physmem *bus_physmem(struct bus *bus)
{
	return bus->pm;
}

static struct port_claim *claim_at(const struct bus *bus, uint16_t port)
{
	struct port_claim **leaf = bus->leaves[port >> LEAF_SHIFT];

	return leaf ? leaf[port % LEAF_PORTS] : NULL;
}

static void map_port(struct bus *bus, uint16_t port, struct port_claim *c)
{
	struct port_claim ***leaf = &bus->leaves[port >> LEAF_SHIFT];

	if (!*leaf) {
		*leaf = calloc(LEAF_PORTS, sizeof(**leaf));
		assert(*leaf); /* at most 512 KiB in all */
	}
	(*leaf)[port % LEAF_PORTS] = c;
}

void bus_claim_ports(struct bus *bus, uint16_t base, uint16_t count, const struct port_ops *ops,
		     void *opaque)
{
	struct port_claim *c = calloc(1, sizeof(*c));

	assert(c); /* a machine has some dozen claims */
	c->ops = ops;
	c->opaque = opaque;
	c->base = base;
	c->count = count;
	c->end = (uint32_t)base + count < PORTS ? (uint32_t)base + count : PORTS;
	c->older = bus->newest;
	bus->newest = c;
	for (uint32_t port = c->base; port < c->end; port++)
		map_port(bus, (uint16_t)port, c);
}

static struct port_claim *newest_claim_of(const struct bus *bus, uint32_t port)
{
	struct port_claim *c = bus->newest;

	while (c && (port < c->base || port >= c->end))
		c = c->older;
	return c;
}

void bus_release_ports(struct bus *bus, uint16_t base, uint16_t count, void *opaque)
{
	struct port_claim **link = &bus->newest, *c;

	while (*link && ((*link)->base != base || (*link)->count != count ||
			 (*link)->opaque != opaque))
		link = &(*link)->older;
	c = *link;
	if (!c)
		return;
	*link = c->older;
	for (uint32_t port = c->base; port < c->end; port++)
		if (claim_at(bus, (uint16_t)port) == c)
			map_port(bus, (uint16_t)port, newest_claim_of(bus, port));
	free(c);
}

static uint32_t ones(unsigned size)
{
	return size >= 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
}

/* Whether one call of the claim's handler can do the whole access. */
static bool takes_whole(const struct port_claim *c, uint16_t port, unsigned size)
{
	return size == 1 ||
	       (size <= c->ops->max_size && port % size == 0 && port + size <= c->end);
}

uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned size)
{
	const struct port_claim *c = claim_at(bus, port);
	uint32_t low;

	if (c && takes_whole(c, port, size))
		return c->ops->read ? c->ops->read(c->opaque, port, size) & ones(size)
				    : ones(size);
	if (size == 1)
		return ones(1);
	low = bus_port_read(bus, port, size / 2);
	return low | bus_port_read(bus, (uint16_t)(port + size / 2), size / 2) << (4 * size);
}

void bus_port_write(struct bus *bus, uint16_t port, uint32_t value, unsigned size)
{
	const struct port_claim *c = claim_at(bus, port);

	if (c && takes_whole(c, port, size)) {
		if (c->ops->write)
			c->ops->write(c->opaque, port, value & ones(size), size);
		return;
	}
	if (size == 1)
		return;
	bus_port_write(bus, port, value & ones(size / 2), size / 2);
	bus_port_write(bus, (uint16_t)(port + size / 2), value >> (4 * size), size / 2);
}

void bus_dma_read(struct bus *bus, gpa_t gpa, void *buf, size_t len)
{
	uint8_t *bytes = buf;

	if (bus->pm) {
		physmem_dma_read(bus->pm, gpa, buf, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		bytes[i] = 0xff;
}

void bus_dma_write(struct bus *bus, gpa_t gpa, const void *buf, size_t len)
{
	if (bus->pm)
		physmem_dma_write(bus->pm, gpa, buf, len);
}
