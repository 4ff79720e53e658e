/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's way to video memory through the window at A0000-BFFFF: the
 * graphics controller with its latches, write modes 0-3 and read modes 0-1
 * (IBM PS/2 Technical Reference, "Graphics Controller"; diagrams there), the
 * sequencer's map mask, odd/even and chain-4 addressing, and the VBE bank.
 *
 * When nothing is done to the data on their way (packed VBE modes, mode 13h),
 * the window is linear and wide accesses are plain loads and stores. It could
 * then be mapped over video memory as device RAM, sparing the call; that needs
 * a region whose host pointer may move with the bank.
 */
#include "devices/vga_state.h"

#define WINDOW_SIZE 0x20000u
#define PLANE_MASK 0xffffu
#define BANK_SHIFT 16
#define ALL_PLANES 0x0f
#define FONT_PLANES 0xffff0000u /* planes 2 and 3 of a dword */
#define ODD_PLANES 0x0a
#define EVEN_PLANES 0x05

#define GC_MAP_SHIFT 2 /* memory map select in GC_MISC */
#define ROTATE_COUNT 0x07
#define FUNCTION_SHIFT 3
enum { FUNCTION_COPY, FUNCTION_AND, FUNCTION_OR, FUNCTION_XOR };

static bool vbe_packed(const struct vga *v)
{
	return vga_vbe_on(v) && v->vbe[VBE_BPP] != 4;
}

void vga_memory_mode_changed(struct vga *v)
{
	static const uint32_t bases[4] = {0, 0, 0x10000, 0x18000};
	static const uint32_t sizes[4] = {0x20000, 0x10000, 0x8000, 0x8000};
	unsigned map = v->gc[GC_MISC] >> GC_MAP_SHIFT & 3;

	v->plain_write = (v->gc[GC_MODE] & GC_MODE_WRITE) == 0 && !v->gc[GC_ENABLE_SET_RESET] &&
			 !v->gc[GC_ROTATE] && v->gc[GC_BIT_MASK] == 0xff;
	v->window_base = bases[map];
	v->window_size = v->misc & MISC_RAM ? sizes[map] : 0;
	v->bank = 0;
	v->linear = v->plain_write && v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4 &&
		    v->seq[SEQ_MAP_MASK] == ALL_PLANES &&
		    !(v->gc[GC_MODE] & GC_MODE_READ_COMPARE) && !vga_vbe_on(v);
	if (vga_vbe_on(v))
		v->bank = (uint32_t)v->vbe[VBE_BANK] << BANK_SHIFT;
	if (vbe_packed(v)) {
		v->linear = true;
		v->window_base = 0;
		v->window_size = 0x10000;
	}
}

/*
 * Whether the window answers at this offset from A0000. *offset becomes the
 * place in the window, or in video memory when it is linear.
 */
static bool decode(const struct vga *v, uint32_t *offset)
{
	*offset -= v->window_base;
	if (*offset >= v->window_size)
		return false;
	if (v->linear)
		*offset = (*offset + v->bank) & (v->vram_size - 1);
	return true;
}

/* The planar address for a place in the window; VBE planar modes bank each plane. */
static uint32_t planar_address(const struct vga *v, uint32_t offset)
{
	return (v->bank + offset) & (v->vram_size / 4 - 1);
}

/* A0 chooses the plane pair, A16 (if the window has one) takes its place. */
static uint32_t odd_even_address(uint32_t offset)
{
	return (offset & PLANE_MASK & ~1u) | offset >> 16;
}

static uint32_t bits_of_planes(unsigned planes)
{
	return (planes & 1 ? 0x000000ffu : 0) | (planes & 2 ? 0x0000ff00u : 0) |
	       (planes & 4 ? 0x00ff0000u : 0) | (planes & 8 ? 0xff000000u : 0);
}

static uint8_t in_all_planes_compare(const struct vga *v)
{
	uint32_t care = bits_of_planes(v->gc[GC_COLOUR_DONT_CARE]);
	uint32_t differs = (v->latch ^ bits_of_planes(v->gc[GC_COLOUR_COMPARE])) & care;

	differs |= differs >> 16;
	return (uint8_t)~(differs | differs >> 8);
}

static uint8_t read_byte(struct vga *v, uint32_t offset)
{
	unsigned plane = v->gc[GC_READ_MAP];

	if (v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) {
		plane = offset & 3;
		offset >>= 2;
	} else if (v->gc[GC_MODE] & GC_MODE_ODD_EVEN) {
		plane = (plane & 2) | (offset & 1);
		offset = odd_even_address(offset);
	} else {
		offset &= PLANE_MASK;
	}
	v->latch = vga_planes(v, planar_address(v, offset));
	if (v->gc[GC_MODE] & GC_MODE_READ_COMPARE)
		return in_all_planes_compare(v);
	return (uint8_t)(v->latch >> 8 * plane);
}

static uint8_t rotate_right(uint8_t value, unsigned count)
{
	return (uint8_t)(value >> count | value << (8 - count));
}

/* Write mode 0's data: the byte, or set/reset in the planes that enable it. */
static uint32_t set_reset_or(const struct vga *v, uint8_t value)
{
	uint32_t enabled = bits_of_planes(v->gc[GC_ENABLE_SET_RESET]);

	return (value * 0x01010101u & ~enabled) | (bits_of_planes(v->gc[GC_SET_RESET]) & enabled);
}

static uint32_t apply_function(const struct vga *v, uint32_t data)
{
	switch (v->gc[GC_ROTATE] >> FUNCTION_SHIFT) {
	case FUNCTION_AND:
		return data & v->latch;
	case FUNCTION_OR:
		return data | v->latch;
	case FUNCTION_XOR:
		return data ^ v->latch;
	default:
		return data;
	}
}

/* What the graphics controller makes of a byte: four planes' worth. */
static uint32_t write_data(const struct vga *v, uint8_t value)
{
	uint8_t rotated = rotate_right(value, v->gc[GC_ROTATE] & ROTATE_COUNT);
	uint32_t data, mask = v->gc[GC_BIT_MASK] * 0x01010101u;

	switch (v->gc[GC_MODE] & GC_MODE_WRITE) {
	case 1:
		return v->latch;
	case 2:
		data = apply_function(v, bits_of_planes(value));
		break;
	case 3:
		data = apply_function(v, bits_of_planes(v->gc[GC_SET_RESET]));
		mask &= rotated * 0x01010101u;
		break;
	default:
		data = apply_function(v, set_reset_or(v, rotated));
		break;
	}
	return (data & mask) | (v->latch & ~mask);
}

static void write_byte(struct vga *v, uint32_t offset, uint8_t value)
{
	unsigned planes = v->seq[SEQ_MAP_MASK];
	uint32_t before, after, enabled;

	if (v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) {
		planes &= 1u << (offset & 3);
		offset >>= 2;
	} else if (!(v->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL)) {
		planes &= offset & 1 ? ODD_PLANES : EVEN_PLANES;
		offset = odd_even_address(offset);
	} else {
		offset &= PLANE_MASK;
	}
	offset = planar_address(v, offset);
	before = vga_planes(v, offset);
	enabled = bits_of_planes(planes);
	after = v->plain_write ? value * 0x01010101u : write_data(v, value);
	after = (before & ~enabled) | (after & enabled);
	if (after == before)
		return;
	memcpy(v->vram + 4 * (size_t)offset, &after, 4);
	vga_mark_dirty(v, 4 * offset);
	if ((after ^ before) & FONT_PLANES)
		v->font_dirty = true;
}

/* Linear windows: offset is in video memory, the access within it. */
static uint32_t linear_read(struct vga *v, uint32_t offset, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, v->vram + offset, size);
	v->latch = vga_planes(v, offset / 4);
	return value;
}

static void linear_write(struct vga *v, uint32_t offset, uint32_t value, unsigned size)
{
	if (!memcmp(v->vram + offset, &value, size))
		return;
	memcpy(v->vram + offset, &value, size);
	vga_mark_dirty(v, offset);
	v->font_dirty = true;
}

/* Accesses are aligned (mmio_ops), so one never leaves a page or the window. */
static uint32_t window_read(void *opaque, uint32_t offset, unsigned size)
{
	struct vga *v = opaque;
	uint32_t value = 0;

	if (!decode(v, &offset))
		return UINT32_MAX;
	if (v->linear)
		return linear_read(v, offset, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)read_byte(v, offset + i) << 8 * i;
	return value;
}

static void window_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	struct vga *v = opaque;

	if (!decode(v, &offset))
		return;
	if (v->linear) {
		linear_write(v, offset, value, size);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		write_byte(v, offset + i, (uint8_t)(value >> 8 * i));
}

const struct mmio_ops vga_window_ops = {.read = window_read, .write = window_write, .max_size = 4, .writes_wait = true};
