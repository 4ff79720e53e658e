/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI: configuration space, BARs, the expansion ROM and interrupt pins.
 *
 * A PCI device embeds struct pci_device, fills in its ids and BARs with
 * pci_init() and pci_add_*(), and plugs itself in with pci_plug(). The
 * generic code handles the header: command register, BAR sizing and moving,
 * ROM BAR, interrupt line and pin, status; a device that has registers of its
 * own beyond offset 0x40 gives config_read/config_write hooks.
 */
#ifndef DEVICES_PCI_H
#define DEVICES_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

#define PCI_CONFIG_SIZE 256
#define PCI_BARS 6

/* Configuration header offsets (PCI Local Bus 3.0, 6.1). */
#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION 0x08
#define PCI_CLASS 0x09 /* prog-if, subclass, class */
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_SUBSYSTEM_VENDOR 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_ROM_BAR 0x30
#define PCI_CAPABILITIES 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d

#define PCI_COMMAND_IO 0x0001
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_COMMAND_PARITY 0x0040
#define PCI_COMMAND_SERR 0x0100
#define PCI_COMMAND_INTX_DISABLE 0x0400 /* PCI 2.3 */

#define PCI_STATUS_INTERRUPT 0x0008 /* PCI 2.3: the pin's level */
#define PCI_STATUS_CAPABILITIES 0x0010
#define PCI_STATUS_DEVSEL_MEDIUM 0x0200
#define PCI_STATUS_ERRORS 0xf900 /* all cleared by writing 1 */

#define PCI_HEADER_MULTI_FUNCTION 0x80
#define PCI_SLOTS 32
#define PCI_FUNCTIONS 8
#define PCI_PIRQS 4

#define PCI_DEVFN(slot, function) ((uint8_t)((slot) << 3 | (function)))

struct pci_bus;
struct pci_device;

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

/* BARs are decoded over nothing but each other; RAM and APICs win. */
#define PCI_BAR_PRIORITY 1

struct pci_bar {
	enum pci_bar_kind kind;
	uint32_t size;              /* power of two */
	bool prefetchable;
	struct phys_region *region; /* memory BAR: mapped where the guest says */
	const struct port_ops *ports; /* I/O BAR; opaque is the device's */
	void *opaque;
	uint32_t mapped_at; /* 0: not mapped */
};

struct pci_device {
	const char *name;
	struct pci_bus *bus;
	uint8_t devfn; /* device << 3 | function */
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];      /* bits the guest may change */
	uint8_t write_1_clear[PCI_CONFIG_SIZE]; /* bits cleared by writing 1 */
	struct pci_bar bars[PCI_BARS];
	struct pci_bar rom;
	/*
	 * Optional. config_written is called after the generic code stored a
	 * write; config_read may replace the value.
	 */
	void (*config_written)(struct pci_device *d, uint8_t offset, unsigned size);
	uint32_t (*config_read)(struct pci_device *d, uint8_t offset, unsigned size,
				uint32_t value);
	void *owner;
	int irq_level; /* of this device's pin */
	bool pin_driven; /* the level as it reaches the PIRQ: not disabled */
};

struct pci_ids {
	uint16_t vendor, device;
	uint8_t revision;
	uint32_t class_code; /* class << 16 | subclass << 8 | prog-if */
	uint16_t subsystem_vendor, subsystem;
	uint8_t interrupt_pin; /* 0: none, 1: INTA# */
};

/* Prepares the header. owner is passed back by nothing; it is for hooks. */
void pci_init(struct pci_device *d, const char *name, const struct pci_ids *ids, void *owner);
void pci_add_io_bar(struct pci_device *d, int n, uint32_t size, const struct port_ops *ops,
		    void *opaque);
/* The region comes from physmem_add_*() and is mapped by PCI code alone. */
void pci_add_memory_bar(struct pci_device *d, int n, uint32_t size, bool prefetchable,
			struct phys_region *region);
/* An expansion ROM: image is padded by the caller to size, a power of two. */
void pci_add_rom(struct pci_device *d, uint32_t size, struct phys_region *region);

/* Little-endian fields of the header, for whoever sets it up. */
void pci_set_word(struct pci_device *d, uint8_t offset, uint16_t value);
void pci_set_long(struct pci_device *d, uint8_t offset, uint32_t value);
uint16_t pci_get_word(const struct pci_device *d, uint8_t offset);
uint32_t pci_get_long(const struct pci_device *d, uint8_t offset);

/*
 * Plugs the device in at a slot and function. Function 0 of a slot that has
 * others says so in its header type by itself.
 */
void pci_plug(struct pci_bus *bus, struct pci_device *d, unsigned slot, unsigned function);
void pci_unplug(struct pci_device *d);

/* Back to power-on: command, BARs, interrupt line; pins low. */
void pci_reset(struct pci_device *d);

/* Drives the device's interrupt pin. */
void pci_set_irq(struct pci_device *d, int level);

/* Whether the guest lets the device master the bus. */
static inline bool pci_may_master(const struct pci_device *d)
{
	return d->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

/*
 * The bus itself, made by the host bridge (devices/i440fx.c): a configuration
 * access by bus address. offset may be unaligned; size 1, 2 or 4.
 */
struct pci_bus *pci_bus_create(struct bus *bus);
/* Touches no device: those on it are gone by now, unplugged or not. */
void pci_bus_destroy(struct pci_bus *b);
struct bus *pci_bus_isa(struct pci_bus *b);
uint32_t pci_config_read(struct pci_bus *b, uint8_t devfn, uint8_t offset, unsigned size);
void pci_config_write(struct pci_bus *b, uint8_t devfn, uint8_t offset, uint32_t value,
		      unsigned size);
struct pci_device *pci_bus_device(struct pci_bus *b, uint8_t devfn);
/*
 * Where INTA-D of a slot go: the PIIX3 registers itself. pin is 0..3 for
 * PIRQA..D after swizzling; level is the wired-or of all devices on it.
 */
void pci_bus_on_pirq(struct pci_bus *b, void (*set)(void *opaque, int pirq, int level),
		     void *opaque);

#endif
