/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display adapter: an IBM VGA with the Bochs VBE extension on the PCI bus,
 * as QEMU's "stdvga" is seen by guests (1234:1111; QEMU documentation
 * "standard-vga"): BAR 0 the video memory, BAR 2 registers in memory, a ROM
 * BAR with the VGA BIOS, and the legacy ports and window at fixed places.
 *
 * The parts: vga_ports.c registers, vga_vbe.c VBE registers, vga_memory.c the
 * window at A0000, vga_mode.c from registers to a picture's geometry,
 * vga_text.c and vga_lines.c from memory to pixels, vga_display.c what is
 * drawn when; vga_state.h holds it all together.
 *
 * Left out: the vertical retrace interrupt (PCI adapters do not drive IRQ 2),
 * EDID, big-endian frame buffers. The adapter owns its memory and the ROM's
 * copy; physmem owns the regions over them.
 */
#include "devices/vga.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "devices/vga_state.h"

#define WINDOW_BASE 0xa0000u
#define WINDOW_SIZE 0x20000u
#define ROM_MAX (256u << 10)

#define VGA_PCI_VENDOR 0x1234
#define VGA_PCI_DEVICE 0x1111
#define VGA_PCI_REVISION 2 /* has the registers at MMIO_QEXT */
#define VGA_PCI_CLASS 0x030000

/* BAR 2 (QEMU "standard-vga", "Memory regions"). */
#define MMIO_SIZE 0x1000u
#define MMIO_PORTS 0x400 /* 3C0-3DF */
#define MMIO_PORTS_END 0x420
#define MMIO_PORTS_FIRST 0x3c0
#define MMIO_DISPI 0x500 /* a 16-bit register each */
#define MMIO_DISPI_END (MMIO_DISPI + 2 * VBE_COUNT)
#define MMIO_QEXT_SIZE 0x600  /* size of this block */
#define MMIO_QEXT_ORDER 0x604 /* frame buffer byte order */
#define QEXT_SIZE 8
#define QEXT_LITTLE_ENDIAN 0x1e1e1e1eu

static const struct field vga_fields[] = {
	FIELD(struct vga, misc),
	FIELD(struct vga, feature),
	FIELD(struct vga, subsystem),
	FIELD(struct vga, seq_index),
	FIELD_ARRAY(struct vga, seq),
	FIELD(struct vga, gc_index),
	FIELD_ARRAY(struct vga, gc),
	FIELD(struct vga, crtc_index),
	FIELD_ARRAY(struct vga, crtc),
	FIELD(struct vga, ac_index),
	FIELD(struct vga, ac_data_next),
	FIELD_ARRAY(struct vga, ac),
	FIELD(struct vga, dac_read_index),
	FIELD(struct vga, dac_write_index),
	FIELD(struct vga, dac_component),
	FIELD(struct vga, dac_state),
	FIELD(struct vga, dac_mask),
	FIELD_ARRAY(struct vga, dac_pending),
	FIELD_ARRAY(struct vga, dac),
	FIELD(struct vga, latch),
	FIELD(struct vga, vbe_index),
	FIELD(struct vga, vbe_low_byte),
	FIELD_ARRAY(struct vga, vbe),
	FIELD_END,
};

/* ---- BAR 2 ---- */

static uint32_t mmio_read(void *opaque, uint32_t offset, unsigned size)
{
	struct vga *v = opaque;
	uint16_t port = (uint16_t)(MMIO_PORTS_FIRST + offset - MMIO_PORTS), word;

	if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END) {
		word = vga_port_read(v, port);
		return size == 1 ? word : word | (uint32_t)vga_port_read(v, port + 1) << 8;
	}
	if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END)
		word = vga_vbe_read(v, (offset - MMIO_DISPI) / 2);
	else if ((offset & ~1u) == MMIO_QEXT_SIZE)
		word = QEXT_SIZE;
	else if ((offset & ~3u) == MMIO_QEXT_ORDER)
		word = (uint16_t)QEXT_LITTLE_ENDIAN;
	else
		return 0;
	return offset & 1 ? word >> 8 : word;
}

static void mmio_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	struct vga *v = opaque;
	uint16_t port = (uint16_t)(MMIO_PORTS_FIRST + offset - MMIO_PORTS);

	if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END) {
		vga_port_write(v, port, (uint8_t)value);
		if (size == 2)
			vga_port_write(v, port + 1, (uint8_t)(value >> 8));
	} else if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END && size == 2) {
		vga_vbe_write(v, (offset - MMIO_DISPI) / 2, (uint16_t)value);
	}
}

static const struct mmio_ops bar2_ops = {.read = mmio_read, .write = mmio_write, .max_size = 2};

/* ---- Life ---- */

/* Power-on. Video memory keeps its contents, as DRAM does over a RESET#. */
static void vga_reset(void *state)
{
	struct vga *v = state;

	pci_reset(&v->pci);
	for (const struct field *f = vga_fields; f->name; f++)
		memset((uint8_t *)v + f->offset, 0, (size_t)f->elem_size * f->count);
	v->misc = MISC_COLOUR;
	v->dac_mask = 0xff;
	v->gc[GC_BIT_MASK] = 0xff;
	vga_vbe_reset(v);
	vga_memory_mode_changed(v);
	v->regs_dirty = v->palette_dirty = true;
}

static void *map_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap_pages(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

static const size_t surface_bytes = (size_t)VGA_MAX_WIDTH * VGA_MAX_HEIGHT * sizeof(uint32_t);

static void free_memory(struct vga *v)
{
	unmap_pages(v->surface.pixels, surface_bytes);
	free(v->cells);
	free(v);
}

static void vga_destroy(void *state)
{
	struct vga *v = state;

	if (!v)
		return;
	pci_unplug(&v->pci);
	physmem_region_unmap(v->window);
	vga_release_ports(v);
	vga_vbe_release_ports(v);
	free_memory(v);
}

const struct device_class vga_class = {
	.name = "vga",
	.version = 1,
	.reset = vga_reset,
	.destroy = vga_destroy,
	.fields = vga_fields,
};

/* The smallest ROM BAR that holds the image. */
static uint32_t rom_bar_size(size_t bytes)
{
	uint32_t size = PAGE_SIZE;

	while (size < bytes)
		size *= 2;
	return size;
}

static bool allocate(struct vga *v, const struct vga_wiring *w)
{
	struct physmem *pm;

	v->vram_size = w->vram_size ? w->vram_size : VGA_DEFAULT_VRAM;
	if (v->vram_size < (1u << 20) || v->vram_size > VGA_MAX_VRAM ||
	    v->vram_size & (v->vram_size - 1) || w->rom_size > ROM_MAX)
		return false;
	pm = bus_physmem(w->bus);
	v->vram = physmem_alloc(pm, "vga-memory", v->vram_size);
	v->surface.pixels = map_pages(surface_bytes);
	v->cells = calloc(VGA_MAX_CELLS, sizeof(*v->cells));
	if (w->rom && w->rom_size) {
		v->rom_size = rom_bar_size(w->rom_size);
		v->rom = physmem_alloc(pm, "vga-rom", v->rom_size);
		if (!v->rom)
			return false;
		memcpy(v->rom, w->rom, w->rom_size);
	}
	return v->vram && v->surface.pixels && v->cells;
}

static void plug(struct vga *v, const struct vga_wiring *w)
{
	static const struct pci_ids ids = {.vendor = VGA_PCI_VENDOR,
					   .device = VGA_PCI_DEVICE,
					   .revision = VGA_PCI_REVISION,
					   .class_code = VGA_PCI_CLASS};
	struct physmem *pm = bus_physmem(v->bus);

	v->window = physmem_add_mmio(pm, "vga-window", WINDOW_SIZE, &vga_window_ops, v);
	v->lfb = physmem_add_device_ram(pm, "vga-memory", v->vram_size, v->vram);
	v->mmio = physmem_add_mmio(pm, "vga-registers", MMIO_SIZE, &bar2_ops, v);
	pci_init(&v->pci, "vga", &ids, v);
	/* It answers at 3B0-3DF without a BAR: firmware looks for this bit. */
	v->pci.writable[PCI_COMMAND] |= PCI_COMMAND_IO;
	pci_add_memory_bar(&v->pci, 0, v->vram_size, true, v->lfb);
	pci_add_memory_bar(&v->pci, 2, MMIO_SIZE, false, v->mmio);
	if (v->rom) {
		v->rom_region = physmem_add_rom(pm, "vga-rom", v->rom_size, v->rom);
		pci_add_rom(&v->pci, v->rom_size, v->rom_region);
	}
	pci_plug(w->pci, &v->pci, w->slot, 0);
	physmem_region_map(v->window, WINDOW_BASE, PCI_BAR_PRIORITY);
	vga_claim_ports(v);
	vga_vbe_claim_ports(v);
}

struct vga *vga_create(const struct vga_wiring *w)
{
	struct vga *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->bus = w->bus;
	v->clock = w->clock;
	if (!allocate(v, w)) {
		free_memory(v);
		return NULL;
	}
	vga_display_init(v);
	plug(v, w);
	vga_reset(v);
	return v;
}
