/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Bochs VBE extension ("dispi" registers, Bochs documentation "VBE Display
 * API" up to interface id B0C5), by which the VGA BIOS, vesafb, bochs-drm and
 * many hobby systems set linear modes.
 *
 * A 16-bit index at port 1CE and 16-bit data at 1CF, which is odd: the bus
 * splits such an access, so that data may arrive as a low byte at 1CF and a
 * high byte at 1D0. A whole word at 1D0 is data too (as other adapters have
 * it). The registers keep what was written; the geometry in force is derived
 * from them at each use and bounded by the video memory.
 */
#include "base/log.h"
#include "devices/vga_state.h"

#define PORT_INDEX 0x1ce
#define PORT_DATA 0x1cf
#define PORT_DATA_HIGH 0x1d0
#define PORT_COUNT 4

#define BANK_SIZE 0x10000u

static bool bpp_exists(unsigned bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

static unsigned bits_a_pixel(const struct vga *v)
{
	unsigned bpp = v->vbe[VBE_BPP];

	return !bpp_exists(bpp) ? 8 : bpp == 15 ? 16 : bpp;
}

/* Bytes of one line of width pixels; planar modes: of each plane. */
static uint32_t line_size(const struct vga *v, uint32_t width)
{
	unsigned bits = bits_a_pixel(v);

	return bits == 4 ? width / 8 : width * bits / 8;
}

bool vga_vbe_mode(const struct vga *v, struct vga_mode *m, uint32_t *start)
{
	bool planar = bits_a_pixel(v) == 4;
	uint32_t width, x = v->vbe[VBE_X_OFFSET], y = v->vbe[VBE_Y_OFFSET], memory;

	if (!vga_vbe_on(v))
		return false;
	m->kind = planar ? VGA_VBE_PLANAR : VGA_VBE_PACKED;
	m->bpp = bpp_exists(v->vbe[VBE_BPP]) ? v->vbe[VBE_BPP] : 8;
	m->width = clamp(v->vbe[VBE_XRES], 8, VGA_MAX_WIDTH);
	if (planar)
		m->width &= ~7u;
	width = v->vbe[VBE_VIRT_WIDTH] > m->width ? v->vbe[VBE_VIRT_WIDTH] : m->width;
	m->line_bytes = line_size(v, width);
	memory = planar ? v->vram_size / 4 : v->vram_size;
	m->height = clamp(v->vbe[VBE_YRES], 1, VGA_MAX_HEIGHT);
	m->height = clamp(m->height, 1, memory / m->line_bytes);
	*start = (uint32_t)(((uint64_t)y * m->line_bytes + line_size(v, x)) % memory);
	m->dot_width = 1;
	m->pan = planar ? x & 7 : 0;
	return true;
}

static void clear_screen(struct vga *v)
{
	struct vga_mode m = {0};
	uint32_t start, bytes;

	if (!vga_vbe_mode(v, &m, &start))
		return;
	bytes = m.line_bytes * m.height * (m.kind == VGA_VBE_PLANAR ? 4 : 1);
	memset(v->vram, 0, bytes < v->vram_size ? bytes : v->vram_size);
	memset(v->dirty, 0xff, sizeof(v->dirty));
	v->window_dirty = true;
}

static void enable_write(struct vga *v, uint16_t value)
{
	uint16_t before = v->vbe[VBE_ENABLE];

	v->vbe[VBE_ENABLE] = value & (VBE_ENABLED | VBE_GET_CAPS | VBE_8BIT_DAC | VBE_LFB |
				      VBE_NO_CLEAR);
	if ((before ^ value) & VBE_8BIT_DAC)
		v->palette_dirty = true;
	if ((before & VBE_ENABLED) == (value & VBE_ENABLED))
		return;
	v->vbe[VBE_BANK] = 0;
	if (!(value & VBE_ENABLED))
		return;
	v->vbe[VBE_VIRT_WIDTH] = v->vbe[VBE_XRES];
	v->vbe[VBE_X_OFFSET] = 0;
	v->vbe[VBE_Y_OFFSET] = 0;
	LOG(LOG_VGA, "VBE %ux%u, %u bits a pixel", v->vbe[VBE_XRES], v->vbe[VBE_YRES],
	    v->vbe[VBE_BPP]);
	if (!(value & VBE_NO_CLEAR))
		clear_screen(v);
}

static uint16_t virtual_height(const struct vga *v)
{
	struct vga_mode m = {0};
	uint32_t start, memory = v->vram_size, lines;

	if (!vga_vbe_mode(v, &m, &start))
		return v->vbe[VBE_VIRT_HEIGHT];
	if (m.kind == VGA_VBE_PLANAR)
		memory /= 4;
	lines = memory / m.line_bytes;
	return lines < 0xffff ? (uint16_t)lines : 0xffff;
}

uint16_t vga_vbe_read(struct vga *v, unsigned index)
{
	bool caps = v->vbe[VBE_ENABLE] & VBE_GET_CAPS;

	switch (index) {
	case VBE_XRES:
		return caps ? VGA_MAX_WIDTH : v->vbe[index];
	case VBE_YRES:
		return caps ? VGA_MAX_HEIGHT : v->vbe[index];
	case VBE_BPP:
		return caps ? 32 : v->vbe[index];
	case VBE_VIRT_HEIGHT:
		return virtual_height(v);
	case VBE_MEMORY_64K:
		return (uint16_t)(v->vram_size / BANK_SIZE);
	default:
		return index < VBE_COUNT ? v->vbe[index] : 0;
	}
}

void vga_vbe_write(struct vga *v, unsigned index, uint16_t value)
{
	switch (index) {
	case VBE_ID:
		if (value >= VBE_ID_FIRST && value <= VBE_ID_LATEST)
			v->vbe[VBE_ID] = value;
		break;
	case VBE_XRES:
	case VBE_VIRT_WIDTH:
	case VBE_YRES:
	case VBE_BPP:
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET:
		v->vbe[index] = value;
		break;
	case VBE_BANK:
		v->vbe[index] = (uint16_t)(value & (v->vram_size / BANK_SIZE - 1));
		break;
	case VBE_ENABLE:
		enable_write(v, value);
		break;
	default:
		return; /* read-only, or none */
	}
	v->regs_dirty = true;
	vga_memory_mode_changed(v);
}

void vga_vbe_reset(struct vga *v)
{
	memset(v->vbe, 0, sizeof(v->vbe));
	v->vbe[VBE_ID] = VBE_ID_LATEST;
	v->vbe[VBE_BPP] = 8;
	v->vbe_index = 0;
}

static uint32_t dispi_read(void *opaque, uint16_t port, unsigned size)
{
	struct vga *v = opaque;
	uint16_t value;

	if (port == PORT_INDEX)
		return v->vbe_index;
	if (port > PORT_DATA_HIGH)
		return UINT32_MAX;
	value = vga_vbe_read(v, v->vbe_index);
	return port == PORT_DATA_HIGH && size == 1 ? value >> 8 : value;
}

static void dispi_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct vga *v = opaque;

	if (port == PORT_INDEX)
		v->vbe_index = (uint16_t)value;
	else if (port == PORT_DATA)
		v->vbe_low_byte = (uint8_t)value; /* until its high byte follows */
	else if (port == PORT_DATA_HIGH && size == 1)
		vga_vbe_write(v, v->vbe_index, (uint16_t)(value << 8 | v->vbe_low_byte));
	else if (port == PORT_DATA_HIGH)
		vga_vbe_write(v, v->vbe_index, (uint16_t)value);
}

static const struct port_ops dispi_ops = {dispi_read, dispi_write, 2};

void vga_vbe_claim_ports(struct vga *v)
{
	bus_claim_ports(v->bus, PORT_INDEX, PORT_COUNT, &dispi_ops, v);
}

void vga_vbe_release_ports(struct vga *v)
{
	bus_release_ports(v->bus, PORT_INDEX, PORT_COUNT, v);
}
