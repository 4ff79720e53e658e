/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VGA on a bus of its own, with the register sets that a BIOS would load
 * for the standard modes (IBM PS/2 Technical Reference, "Video Subsystem
 * Programming Considerations"). Each test program that includes this makes
 * its own copy of the functions.
 */
#ifndef TESTS_UNIT_VGA_FIXTURE_H
#define TESTS_UNIT_VGA_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "devices/vga.h"
#include "tests/unit/unit.h"

#define LFB 0xe0000000u
#define REGISTERS 0xe2000000u
#define ROM_BASE 0xe3000000u
#define WINDOW 0xa0000u
#define TEXT_WINDOW 0xb8000u

struct fixture {
	struct physmem *pm;
	struct bus *bus;
	struct pci_bus *pci;
	struct clock *clock;
	struct vga *vga;
	const struct display *display;
	bool resized; /* by the last refresh */
};

static inline struct fixture fixture_make(uint32_t vram_size)
{
	static const uint8_t rom[5000] = {0x55, 0xaa, [4999] = 0x77};
	struct fixture f = {0};
	struct vga_wiring w = {.slot = 2, .rom = rom, .rom_size = sizeof(rom)};

	if (physmem_create(&f.pm, 1 << 20))
		abort();
	f.bus = bus_create(f.pm);
	f.pci = pci_bus_create(f.bus);
	f.clock = clock_create_stepped();
	w.bus = f.bus;
	w.pci = f.pci;
	w.clock = f.clock;
	w.vram_size = vram_size;
	f.vga = vga_create(&w);
	f.display = vga_display(f.vga);
	pci_config_write(f.pci, 2 << 3, PCI_BAR0, LFB, 4);
	pci_config_write(f.pci, 2 << 3, PCI_BAR0 + 8, REGISTERS, 4);
	pci_config_write(f.pci, 2 << 3, PCI_ROM_BAR, ROM_BASE | 1, 4);
	pci_config_write(f.pci, 2 << 3, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
	return f;
}

static inline void fixture_drop(struct fixture *f)
{
	vga_class.destroy(f->vga);
	pci_bus_destroy(f->pci);
	bus_destroy(f->bus);
	physmem_destroy(f->pm);
	clock_destroy(f->clock);
}

static inline void out(struct fixture *f, uint16_t port, uint8_t value)
{
	bus_port_write(f->bus, port, value, 1);
}

static inline uint8_t in(struct fixture *f, uint16_t port)
{
	return (uint8_t)bus_port_read(f->bus, port, 1);
}

/* An indexed register of sequencer 3C4, graphics controller 3CE or CRTC 3D4. */
static inline void set(struct fixture *f, uint16_t index_port, uint8_t index, uint8_t value)
{
	bus_port_write(f->bus, index_port, (uint32_t)(index | value << 8), 2);
}

#define SEQ 0x3c4
#define GC 0x3ce
#define CRTC 0x3d4

static inline void set_ac(struct fixture *f, uint8_t index, uint8_t value)
{
	in(f, 0x3da);
	out(f, 0x3c0, index | 0x20);
	out(f, 0x3c0, value);
}

static inline void vbe(struct fixture *f, uint16_t index, uint16_t value)
{
	bus_port_write(f->bus, 0x1ce, index, 2);
	bus_port_write(f->bus, 0x1cf, value, 2);
}

static inline uint16_t vbe_read(struct fixture *f, uint16_t index)
{
	bus_port_write(f->bus, 0x1ce, index, 2);
	return (uint16_t)bus_port_read(f->bus, 0x1cf, 2);
}

static inline void poke(struct fixture *f, uint32_t address, uint32_t value, unsigned size)
{
	physmem_write(f->pm, address, value, size);
}

static inline uint32_t peek(struct fixture *f, uint32_t address, unsigned size)
{
	return physmem_read(f->pm, address, size);
}

static inline struct display_rect refresh(struct fixture *f)
{
	return f->display->refresh(f->display->opaque, false, &f->resized);
}

static inline uint32_t pixel(struct fixture *f, unsigned x, unsigned y)
{
	const struct surface *s = f->display->surface(f->display->opaque);

	if (x >= s->width || y >= s->height)
		return 0xdeadbeef;
	return s->pixels[(size_t)y * s->stride + x];
}

static inline unsigned width(struct fixture *f)
{
	return f->display->surface(f->display->opaque)->width;
}

static inline unsigned height(struct fixture *f)
{
	return f->display->surface(f->display->opaque)->height;
}

struct mode_registers {
	uint8_t misc, seq[5], crtc[25], gc[9], ac[21];
};

static const struct mode_registers mode_03 = {
	0x67, {0x03, 0x00, 0x03, 0x00, 0x02},
	{0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
	 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
	{0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
	{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
	 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00}};
static const struct mode_registers mode_12 = {
	0xe3, {0x03, 0x01, 0x0f, 0x00, 0x06},
	{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
	 0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
	{0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
	{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
	 0x3e, 0x3f, 0x01, 0x00, 0x0f, 0x00, 0x00}};
static const struct mode_registers mode_13 = {
	0x63, {0x03, 0x01, 0x0f, 0x00, 0x0e},
	{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
	 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
	{0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
	{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d,
	 0x0e, 0x0f, 0x41, 0x00, 0x0f, 0x00, 0x00}};
static const struct mode_registers mode_04 = {
	0x63, {0x03, 0x09, 0x03, 0x00, 0x02},
	{0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff},
	{0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x00, 0xff},
	{0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
	 0x16, 0x17, 0x01, 0x00, 0x03, 0x00, 0x00}};
static const struct mode_registers mode_06 = {
	0x63, {0x03, 0x01, 0x01, 0x00, 0x06},
	{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
	{0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x00, 0xff},
	{0x00, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
	 0x17, 0x17, 0x01, 0x00, 0x01, 0x00, 0x00}};

/* A DAC in which each colour is recognizable: 6-bit (i, 63 - i, i / 4). */
static inline uint32_t dac_pixel(unsigned i)
{
	uint32_t c[3] = {i & 63, 63 - (i & 63), i >> 2};

	for (int n = 0; n < 3; n++)
		c[n] = c[n] << 2 | c[n] >> 4;
	return c[0] << 16 | c[1] << 8 | c[2];
}

static inline void set_mode(struct fixture *f, const struct mode_registers *m)
{
	out(f, 0x3c2, m->misc);
	for (unsigned i = 0; i < sizeof(m->seq); i++)
		set(f, SEQ, (uint8_t)i, m->seq[i]);
	set(f, CRTC, 0x11, 0); /* unlock 0-7 */
	for (unsigned i = 0; i < sizeof(m->crtc); i++)
		set(f, CRTC, (uint8_t)i, m->crtc[i]);
	for (unsigned i = 0; i < sizeof(m->gc); i++)
		set(f, GC, (uint8_t)i, m->gc[i]);
	for (unsigned i = 0; i < sizeof(m->ac); i++)
		set_ac(f, (uint8_t)i, m->ac[i]);
	out(f, 0x3c8, 0);
	for (unsigned i = 0; i < 256; i++) {
		out(f, 0x3c9, i & 63);
		out(f, 0x3c9, (uint8_t)(63 - (i & 63)));
		out(f, 0x3c9, (uint8_t)(i >> 2));
	}
}

#endif
