/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI bus 0: configuration headers, decoding of BARs, interrupt pins
 * (PCI Local Bus 3.0, chapter 6). There are no bridges to further buses.
 *
 * A header is 256 bytes with a mask of what the guest may change; sizing a BAR
 * is then nothing but a store of ones that the mask lets through in part.
 * After each write that touches the command register or a BAR the mappings
 * follow: pci_decode() is the one place that says where a BAR is seen.
 *
 * The interrupt pins of all slots meet on the board's four PIRQ wires, turned
 * by one a slot so that single-function cards do not all share one:
 * PIRQ = (pin + slot - 1) mod 4. SeaBIOS computes the same for this chipset,
 * and our ACPI _PRT says it too. PIRQs are wired-or.
 *
 * Left out: 64-bit BARs, address stepping, parity and SERR#.
 */
#include "devices/pci.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define PCI_BAR_FLAG_IO 0x1u
#define PCI_BAR_FLAG_PREFETCH 0x8u
#define PCI_ROM_ENABLE 0x1u
#define PCI_SUBSYSTEM_DEFAULT_VENDOR 0x1af4
#define PCI_SUBSYSTEM_DEFAULT 0x1100

/* Memory BARs are mapped in pages; PCI 3.0 6.2.5.1 lets a device claim 4 KiB. */
#define PCI_MEMORY_BAR_MIN PAGE_SIZE
#define PCI_IO_BAR_MIN 4u
#define PCI_IO_BAR_MAX 0x10000u

struct pci_bus {
	struct bus *bus;
	struct pci_device *devices[PCI_SLOTS * PCI_FUNCTIONS];
	unsigned driven[PCI_PIRQS]; /* how many pins pull this PIRQ */
	void (*pirq_set)(void *opaque, int pirq, int level);
	void *pirq_opaque;
};

/* ---- Little-endian header fields ---- */

void pci_set_word(struct pci_device *d, uint8_t offset, uint16_t value)
{
	assert(offset + 2 <= PCI_CONFIG_SIZE);
	d->config[offset] = (uint8_t)value;
	d->config[offset + 1] = (uint8_t)(value >> 8);
}

void pci_set_long(struct pci_device *d, uint8_t offset, uint32_t value)
{
	assert(offset + 4 <= PCI_CONFIG_SIZE);
	pci_set_word(d, offset, (uint16_t)value);
	pci_set_word(d, (uint8_t)(offset + 2), (uint16_t)(value >> 16));
}

uint16_t pci_get_word(const struct pci_device *d, uint8_t offset)
{
	assert(offset + 2 <= PCI_CONFIG_SIZE);
	return (uint16_t)(d->config[offset] | d->config[offset + 1] << 8);
}

uint32_t pci_get_long(const struct pci_device *d, uint8_t offset)
{
	assert(offset + 4 <= PCI_CONFIG_SIZE);
	return pci_get_word(d, offset) |
	       (uint32_t)pci_get_word(d, (uint8_t)(offset + 2)) << 16;
}

static void set_writable_word(struct pci_device *d, uint8_t offset, uint16_t mask)
{
	d->writable[offset] = (uint8_t)mask;
	d->writable[offset + 1] = (uint8_t)(mask >> 8);
}

static void set_writable_long(struct pci_device *d, uint8_t offset, uint32_t mask)
{
	set_writable_word(d, offset, (uint16_t)mask);
	set_writable_word(d, (uint8_t)(offset + 2), (uint16_t)(mask >> 16));
}

/* ---- I/O BARs ---- */

/*
 * The claim is made in the BAR's own name: a guest may put two BARs of one
 * device on the same ports, and releasing the one must leave the other.
 */
static uint32_t bar_port_read(void *opaque, uint16_t port, unsigned size)
{
	const struct pci_bar *bar = opaque;

	return bar->ports->read(bar->opaque, port, size);
}

static void bar_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	const struct pci_bar *bar = opaque;

	bar->ports->write(bar->opaque, port, value, size);
}

static const struct port_ops bar_ports_8 = {bar_port_read, bar_port_write, 1};
static const struct port_ops bar_ports_16 = {bar_port_read, bar_port_write, 2};
static const struct port_ops bar_ports_32 = {bar_port_read, bar_port_write, 4};

static const struct port_ops *bar_ports_of_width(unsigned width)
{
	return width == 4 ? &bar_ports_32 : width == 2 ? &bar_ports_16 : &bar_ports_8;
}

/* ---- Decoding ---- */

static void bar_unmap(struct pci_device *d, struct pci_bar *bar)
{
	if (!bar->mapped_at)
		return;
	if (bar->kind == PCI_BAR_IO)
		bus_release_ports(d->bus->bus, (uint16_t)bar->mapped_at, (uint16_t)bar->size, bar);
	else
		physmem_region_unmap(bar->region);
	bar->mapped_at = 0;
}

static void bar_map(struct pci_device *d, struct pci_bar *bar, uint32_t at)
{
	LOG(LOG_PCI, "%s: %s BAR of %#x bytes at %#x", d->name,
	    bar->kind == PCI_BAR_IO ? "I/O" : "memory", bar->size, at);
	bar->mapped_at = at;
	if (bar->kind == PCI_BAR_IO)
		bus_claim_ports(d->bus->bus, (uint16_t)at, (uint16_t)bar->size,
				bar_ports_of_width(bar->ports->max_size), bar);
	else
		physmem_region_map(bar->region, at, PCI_BAR_PRIORITY);
}

/* The lowest address that the host bridge forwards to PCI. */
static uint64_t pci_memory_start(const struct pci_device *d)
{
	struct physmem *pm = bus_physmem(d->bus->bus);

	return pm ? physmem_ram_below_4g(pm) : 0;
}

/*
 * Where a BAR with this value is to be seen, 0 for nowhere. A memory BAR that
 * reaches the end of the address space is being sized, and the i440FX does not
 * forward to PCI what is below the top of RAM.
 */
static uint32_t bar_address(const struct pci_device *d, const struct pci_bar *bar, uint32_t value,
			    uint16_t command)
{
	uint32_t at = value & ~(bar->size - 1);
	uint32_t last = at + (bar->size - 1);

	if (bar->kind == PCI_BAR_IO)
		return (command & PCI_COMMAND_IO) && last < PCI_IO_BAR_MAX ? at : 0;
	if (!(command & PCI_COMMAND_MEMORY) || last == UINT32_MAX ||
	    at < pci_memory_start(d))
		return 0;
	return at;
}

static void bar_follow(struct pci_device *d, struct pci_bar *bar, uint32_t at)
{
	if (at == bar->mapped_at)
		return;
	bar_unmap(d, bar);
	if (at)
		bar_map(d, bar, at);
}

/* Makes the mappings what command register and BARs say. */
static void pci_decode(struct pci_device *d)
{
	uint16_t command = pci_get_word(d, PCI_COMMAND);

	if (!d->bus)
		return;
	for (int i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &d->bars[i];

		if (bar->kind != PCI_BAR_NONE)
			bar_follow(d, bar, bar_address(d, bar,
				pci_get_long(d, (uint8_t)(PCI_BAR0 + 4 * i)), command));
	}
	if (d->rom.kind != PCI_BAR_NONE) {
		uint32_t value = pci_get_long(d, PCI_ROM_BAR);

		bar_follow(d, &d->rom,
			   value & PCI_ROM_ENABLE ? bar_address(d, &d->rom, value, command) : 0);
	}
}

/* ---- Interrupt pins ---- */

static int pirq_of(const struct pci_device *d)
{
	unsigned pin = d->config[PCI_INTERRUPT_PIN] - 1u;
	unsigned slot = d->devfn >> 3;

	return (int)((pin + slot - 1) % PCI_PIRQS);
}

static void pirq_pull(struct pci_bus *b, int pirq, bool on)
{
	unsigned before = b->driven[pirq];

	b->driven[pirq] += on ? 1u : -1u;
	if (b->pirq_set && !before != !b->driven[pirq])
		b->pirq_set(b->pirq_opaque, pirq, b->driven[pirq] != 0);
}

static void pin_follow(struct pci_device *d)
{
	bool wanted = d->irq_level && !(pci_get_word(d, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);

	if (!d->bus || !d->config[PCI_INTERRUPT_PIN] || wanted == d->pin_driven)
		return;
	d->pin_driven = wanted;
	pirq_pull(d->bus, pirq_of(d), wanted);
}

void pci_set_irq(struct pci_device *d, int level)
{
	d->irq_level = level != 0;
	if (level)
		d->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		d->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	pin_follow(d);
}

/* ---- Setting a device up ---- */

void pci_init(struct pci_device *d, const char *name, const struct pci_ids *ids, void *owner)
{
	bool no_subsystem = !ids->subsystem_vendor && !ids->subsystem;

	memset(d, 0, sizeof(*d));
	d->name = name;
	d->owner = owner;
	pci_set_word(d, PCI_VENDOR_ID, ids->vendor);
	pci_set_word(d, PCI_DEVICE_ID, ids->device);
	pci_set_word(d, PCI_STATUS, PCI_STATUS_DEVSEL_MEDIUM);
	pci_set_long(d, PCI_REVISION, ids->class_code << 8 | ids->revision);
	pci_set_word(d, PCI_SUBSYSTEM_VENDOR,
		     no_subsystem ? PCI_SUBSYSTEM_DEFAULT_VENDOR : ids->subsystem_vendor);
	pci_set_word(d, PCI_SUBSYSTEM_ID, no_subsystem ? PCI_SUBSYSTEM_DEFAULT : ids->subsystem);
	d->config[PCI_INTERRUPT_PIN] = ids->interrupt_pin;

	set_writable_word(d, PCI_COMMAND,
			  PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
				  (ids->interrupt_pin ? PCI_COMMAND_INTX_DISABLE : 0));
	d->write_1_clear[PCI_STATUS + 1] = PCI_STATUS_ERRORS >> 8;
	d->writable[0x0c] = 0xff; /* cache line size */
	d->writable[0x0d] = 0xff; /* latency timer */
	d->writable[PCI_INTERRUPT_LINE] = 0xff;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

void pci_add_io_bar(struct pci_device *d, int n, uint32_t size, const struct port_ops *ops,
		    void *opaque)
{
	uint8_t offset = (uint8_t)(PCI_BAR0 + 4 * n);

	assert(n >= 0 && n < PCI_BARS && power_of_two(size));
	assert(size >= PCI_IO_BAR_MIN && size < PCI_IO_BAR_MAX);
	d->bars[n] = (struct pci_bar){
		.kind = PCI_BAR_IO, .size = size, .ports = ops, .opaque = opaque};
	pci_set_long(d, offset, PCI_BAR_FLAG_IO);
	set_writable_long(d, offset, ~(size - 1));
	d->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
}

void pci_add_memory_bar(struct pci_device *d, int n, uint32_t size, bool prefetchable,
			struct phys_region *region)
{
	uint8_t offset = (uint8_t)(PCI_BAR0 + 4 * n);

	assert(n >= 0 && n < PCI_BARS && power_of_two(size) && size >= PCI_MEMORY_BAR_MIN);
	d->bars[n] = (struct pci_bar){.kind = PCI_BAR_MEMORY,
				      .size = size,
				      .prefetchable = prefetchable,
				      .region = region};
	pci_set_long(d, offset, prefetchable ? PCI_BAR_FLAG_PREFETCH : 0);
	set_writable_long(d, offset, ~(size - 1));
	d->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

void pci_add_rom(struct pci_device *d, uint32_t size, struct phys_region *region)
{
	assert(power_of_two(size) && size >= PCI_MEMORY_BAR_MIN);
	d->rom = (struct pci_bar){.kind = PCI_BAR_MEMORY, .size = size, .region = region};
	set_writable_long(d, PCI_ROM_BAR, ~(size - 1) | PCI_ROM_ENABLE);
	d->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
}

/* Function 0 says in its header whether the slot has other functions. */
static void mark_multi_function(struct pci_bus *b, unsigned slot)
{
	struct pci_device *first = b->devices[PCI_DEVFN(slot, 0)];
	bool others = false;

	for (unsigned f = 1; f < PCI_FUNCTIONS; f++)
		others |= b->devices[PCI_DEVFN(slot, f)] != NULL;
	if (!first)
		return;
	first->config[PCI_HEADER_TYPE] &= (uint8_t)~PCI_HEADER_MULTI_FUNCTION;
	if (others)
		first->config[PCI_HEADER_TYPE] |= PCI_HEADER_MULTI_FUNCTION;
}

void pci_plug(struct pci_bus *bus, struct pci_device *d, unsigned slot, unsigned function)
{
	uint8_t devfn = PCI_DEVFN(slot, function);

	assert(slot < PCI_SLOTS && function < PCI_FUNCTIONS && !bus->devices[devfn] && !d->bus);
	d->bus = bus;
	d->devfn = devfn;
	bus->devices[devfn] = d;
	mark_multi_function(bus, slot);
}

void pci_unplug(struct pci_device *d)
{
	struct pci_bus *b = d->bus;

	if (!b)
		return;
	pci_reset(d);
	b->devices[d->devfn] = NULL;
	mark_multi_function(b, d->devfn >> 3);
	d->bus = NULL;
}

void pci_reset(struct pci_device *d)
{
	pci_set_irq(d, 0);
	pci_set_word(d, PCI_COMMAND, 0);
	d->config[PCI_STATUS + 1] &= (uint8_t)~(PCI_STATUS_ERRORS >> 8);
	d->config[0x0c] = 0;
	d->config[0x0d] = 0;
	d->config[PCI_INTERRUPT_LINE] = 0;
	for (int i = 0; i < PCI_BARS; i++) {
		uint8_t offset = (uint8_t)(PCI_BAR0 + 4 * i);

		if (d->bars[i].kind != PCI_BAR_NONE)
			pci_set_long(d, offset, pci_get_long(d, offset) & (d->bars[i].size - 1));
	}
	if (d->rom.kind != PCI_BAR_NONE)
		pci_set_long(d, PCI_ROM_BAR, 0);
	pci_decode(d);
}

/* ---- The bus ---- */

struct pci_bus *pci_bus_create(struct bus *bus)
{
	struct pci_bus *b = calloc(1, sizeof(*b));

	if (b)
		b->bus = bus;
	return b;
}

void pci_bus_destroy(struct pci_bus *b)
{
	free(b);
}

struct bus *pci_bus_isa(struct pci_bus *b)
{
	return b->bus;
}

struct pci_device *pci_bus_device(struct pci_bus *b, uint8_t devfn)
{
	return b->devices[devfn];
}

void pci_bus_on_pirq(struct pci_bus *b, void (*set)(void *opaque, int pirq, int level),
		     void *opaque)
{
	b->pirq_set = set;
	b->pirq_opaque = opaque;
}

static uint32_t ones(unsigned size)
{
	return size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1;
}

/* Nobody answers for an empty slot: the master abort reads as ones. */
uint32_t pci_config_read(struct pci_bus *b, uint8_t devfn, uint8_t offset, unsigned size)
{
	struct pci_device *d = b->devices[devfn];
	uint32_t value = 0;

	if (!d || offset + size > PCI_CONFIG_SIZE)
		return ones(size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)d->config[offset + i] << 8 * i;
	return d->config_read ? d->config_read(d, offset, size, value) & ones(size) : value;
}

static bool touches_decoding(uint8_t offset, unsigned size)
{
	unsigned end = offset + size;

	return (offset < PCI_COMMAND + 2 && end > PCI_COMMAND) ||
	       (offset < PCI_BAR0 + 4 * PCI_BARS && end > PCI_BAR0) ||
	       (offset < PCI_ROM_BAR + 4 && end > PCI_ROM_BAR);
}

void pci_config_write(struct pci_bus *b, uint8_t devfn, uint8_t offset, uint32_t value,
		      unsigned size)
{
	struct pci_device *d = b->devices[devfn];

	if (!d || offset + size > PCI_CONFIG_SIZE)
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);
		uint8_t mask = d->writable[offset + i];
		uint8_t *reg = &d->config[offset + i];

		*reg = (uint8_t)((*reg & ~mask) | (byte & mask));
		*reg &= (uint8_t)~(byte & d->write_1_clear[offset + i]);
	}
	if (touches_decoding(offset, size)) {
		pci_decode(d);
		pin_follow(d);
	}
	if (d->config_written)
		d->config_written(d, offset, size);
}
