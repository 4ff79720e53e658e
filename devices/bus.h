/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus a device is plugged into: I/O ports, registers in memory, and DMA.
 * The bus does width and alignment, so that a device sees only what it says
 * it takes. Unclaimed ports read all ones and ignore writes.
 */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "mmu/physmem.h"

/*
 * port is the absolute port number. size is 1, 2 or 4 and at most max_size;
 * wider accesses are split, low address first, as the ISA bus does.
 */
struct port_ops {
	uint32_t (*read)(void *opaque, uint16_t port, unsigned size);
	void (*write)(void *opaque, uint16_t port, uint32_t value, unsigned size);
	unsigned max_size; /* 1, 2 or 4 */
};

struct bus; /* holds the port map and the physical memory */

struct bus *bus_create(struct physmem *pm);
void bus_destroy(struct bus *bus);
struct physmem *bus_physmem(struct bus *bus);

/*
 * Claims count ports from base. A later claim of the same port hides an
 * earlier one until it is released with bus_release_ports().
 */
void bus_claim_ports(struct bus *bus, uint16_t base, uint16_t count, const struct port_ops *ops,
		     void *opaque);
void bus_release_ports(struct bus *bus, uint16_t base, uint16_t count, void *opaque);

/* The processor's IN and OUT. */
uint32_t bus_port_read(struct bus *bus, uint16_t port, unsigned size);
void bus_port_write(struct bus *bus, uint16_t port, uint32_t value, unsigned size);

/* Bus-master copies. */
void bus_dma_read(struct bus *bus, gpa_t gpa, void *buf, size_t len);
void bus_dma_write(struct bus *bus, gpa_t gpa, const void *buf, size_t len);

#endif
