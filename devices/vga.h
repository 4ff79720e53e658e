/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display adapter: a VGA with the Bochs VBE extension, as PCI device
 * 1234:1111 ("stdvga"). See devices/vga.c for what is modelled.
 */
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H

#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/display.h"
#include "devices/pci.h"

#define VGA_DEFAULT_VRAM (16u << 20)

struct vga;

struct vga_wiring {
	struct bus *bus;
	struct pci_bus *pci;
	unsigned slot; /* on PCI bus 0; 2 on an i440FX PC */
	struct clock *clock;
	const void *rom; /* the VGA BIOS, copied; NULL: no ROM BAR */
	size_t rom_size; /* bytes, at most 256 KiB */
	uint32_t vram_size; /* bytes, a power of two in 1-64 MiB; 0: the default of 16 MiB */
};

/* The record for the machine's table; its state is a struct vga. */
extern const struct device_class vga_class;

/* Makes the adapter and plugs it in, reset. NULL: no memory, or an impossible size. */
struct vga *vga_create(const struct vga_wiring *w);

/* What it shows; lives as long as the adapter. */
const struct display *vga_display(struct vga *v);

#endif
