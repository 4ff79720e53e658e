/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82441FX host bridge: PCI configuration ports, PAM and SMRAM. */
#ifndef DEVICES_I440FX_H
#define DEVICES_I440FX_H

#include "devices/bus.h"
#include "devices/device.h"
#include "devices/pci.h"

struct i440fx;

struct i440fx_wiring {
	struct bus *bus; /* with physical memory */
};

extern const struct device_class i440fx_class;

/*
 * Creates the PCI bus and plugs the bridge in at 00:00.0; claims ports CF8-CFF.
 * NULL: no memory. The devices on the bus have to be destroyed before it.
 */
struct i440fx *i440fx_create(const struct i440fx_wiring *w);
struct pci_bus *i440fx_pci_bus(struct i440fx *s);

#endif
