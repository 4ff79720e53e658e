/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The surface: brought up to date on request (devices/display.h).
 *
 * Nothing is polled. Register writes and writes through the window leave
 * flags, physmem keeps the dirty pages of the linear frame buffer, and a
 * refresh that finds none of them set returns at once. The surface's memory
 * is reserved for the largest mode when the adapter is made, so that no mode
 * a guest sets can fail for want of memory; the host gives it pages as modes
 * come to need them.
 */
#include <limits.h>

#include "devices/vga_state.h"

#define BLINK_NS (NS_PER_SEC * 16 / 70) /* the cursor's half period */

/* A DAC component to 8 bits; 6-bit ones fill the range. */
static uint32_t component(const struct vga *v, uint8_t value)
{
	if (v->vbe[VBE_ENABLE] & VBE_8BIT_DAC)
		return value;
	value &= 0x3f;
	return (uint32_t)(value << 2 | value >> 4);
}

/* The DAC index for an attribute colour (IBM "Attribute Controller"). */
static uint8_t attribute_index(const struct vga *v, unsigned colour)
{
	uint8_t index = v->ac[colour] & 0x3f, select = v->ac[AC_COLOUR_SELECT];

	if (v->ac[AC_MODE] & AC_MODE_P5P4)
		index = (index & 0x0f) | (select & 0x03) << 4;
	return (uint8_t)(index | (select & 0x0c) << 4);
}

/* Returns whether a colour has changed. */
static bool update_palette(struct vga *v)
{
	bool changed = false;

	for (unsigned i = 0; i < 256; i++) {
		const uint8_t *dac = &v->dac[3 * i];
		uint32_t pixel = component(v, dac[0]) << 16 | component(v, dac[1]) << 8 |
				 component(v, dac[2]);

		changed |= pixel != v->palette[i];
		v->palette[i] = pixel;
	}
	for (unsigned i = 0; i < 16; i++) {
		uint32_t pixel = v->palette[attribute_index(v, i) & v->dac_mask];

		changed |= pixel != v->colours[i];
		v->colours[i] = pixel;
	}
	if (v->dac_mask != v->dac_mask_shown)
		changed = true;
	v->dac_mask_shown = v->dac_mask;
	return changed;
}

/* Returns whether everything has to be drawn anew. */
static bool update_mode(struct vga *v)
{
	struct vga_mode m;
	uint32_t start;
	bool all;

	vga_mode_decode(v, &m, &start);
	all = memcmp(&m, &v->mode, sizeof(m)) || (start != v->start && m.kind != VGA_TEXT);
	v->start = start;
	v->mode = m;
	if (m.width != v->surface.width || m.height != v->surface.height) {
		v->surface.width = v->surface.stride = m.width;
		v->surface.height = m.height;
		v->surface_new = true;
	}
	return all;
}

/* Adds what was written through the linear frame buffer. */
static void collect_lfb_dirty(struct vga *v)
{
	uint64_t dirty[VGA_DIRTY_WORDS];

	if (!physmem_region_take_dirty(v->lfb, dirty))
		return;
	for (uint32_t i = 0; i < (v->vram_size / PAGE_SIZE + 63) / 64; i++)
		v->dirty[i] |= dirty[i];
	v->window_dirty = true;
	v->font_dirty = true;
}

static struct display_rect draw_blank(struct vga *v)
{
	size_t count = (size_t)v->surface.stride * v->surface.height;

	for (size_t i = 0; i < count; i++)
		v->surface.pixels[i] = v->mode.blank_colour;
	return (struct display_rect){0, 0, v->surface.width, v->surface.height};
}

static struct display_rect draw(struct vga *v, bool all, bool cells)
{
	if (v->mode.kind == VGA_TEXT)
		return all || cells ? vga_text_draw(v, all) : (struct display_rect){0};
	if (v->mode.kind == VGA_BLANK)
		return all ? draw_blank(v) : (struct display_rect){0};
	return all || v->window_dirty ? vga_lines_draw(v, all) : (struct display_rect){0};
}

static struct display_rect refresh(void *opaque, bool all, bool *resized)
{
	struct vga *v = opaque;
	uint64_t phase = clock_now(v->clock) / BLINK_NS;
	struct display_rect drawn;
	bool cells;

	collect_lfb_dirty(v);
	if (v->palette_dirty && update_palette(v))
		all = v->regs_dirty = true; /* the blank colour is part of the mode */
	cells = v->regs_dirty || v->window_dirty || (v->has_blink && phase != v->blink_phase);
	if (v->regs_dirty && update_mode(v))
		all = true;
	if (v->mode.kind == VGA_TEXT && v->font_dirty)
		all = true;
	*resized = v->surface_new;
	v->blink_phase = phase;
	drawn = draw(v, all || v->surface_new, cells);
	if (v->window_dirty)
		memset(v->dirty, 0, sizeof(v->dirty));
	v->window_dirty = v->font_dirty = v->regs_dirty = v->palette_dirty = false;
	v->surface_new = false;
	return drawn;
}

static const struct surface *surface(void *opaque)
{
	return &((struct vga *)opaque)->surface;
}

static void text(void *opaque, struct display_text *out)
{
	vga_text_read(opaque, out);
}

/* The bits of a byte spread over nibbles, the most significant bit first. */
static uint32_t spread(unsigned byte)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < CHAR_BIT; i++)
		word |= (byte >> (CHAR_BIT - 1 - i) & 1u) << 4 * i;
	return word;
}

void vga_display_init(struct vga *v)
{
	for (unsigned i = 0; i < 256; i++)
		v->spread[i] = spread(i);
	v->surface.width = v->surface.stride = 720;
	v->surface.height = 400;
	v->surface_new = true;
	v->display = (struct display){
		.refresh = refresh, .surface = surface, .text = text, .opaque = v};
}

const struct display *vga_display(struct vga *v)
{
	return &v->display;
}
