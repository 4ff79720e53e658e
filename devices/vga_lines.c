/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Graphics modes: scanlines from video memory to pixels. A line is drawn when
 * a page of the memory it shows is dirty.
 */
#include "devices/vga_state.h"

#define PIXELS_A_CHAR 8

/* ---- Dirty memory ---- */

/* Whether a byte of [first, last] in video memory is on a dirty page. */
static bool range_dirty(const struct vga *v, uint32_t first, uint32_t last)
{
	for (uint32_t page = first / PAGE_SIZE; page <= last / PAGE_SIZE; page++)
		if (v->dirty[page / 64] >> page % 64 & 1)
			return true;
	return false;
}

static void extend(struct display_rect *r, const struct vga_mode *m, unsigned y)
{
	if (!r->width)
		*r = (struct display_rect){0, y, m->width, 1};
	else
		r->height = y + 1 - r->y;
}

/* ---- One character clock to pixels ---- */

/* Writes n pixels of a colour. */
static inline uint32_t *put(uint32_t *to, uint32_t pixel, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = pixel;
	return to + n;
}

/* Eight pixels whose colours are the nibbles of word, lowest first. */
static uint32_t *put_nibbles(const struct vga *v, uint32_t *to, uint32_t word)
{
	for (unsigned i = 0; i < PIXELS_A_CHAR; i++, word >>= 4)
		to = put(to, v->colours[word & 0x0f & v->mode.plane_enable], v->mode.dot_width);
	return to;
}

static uint32_t planes_to_nibbles(const struct vga *v, uint32_t planes)
{
	return v->spread[planes & 0xff] | v->spread[planes >> 8 & 0xff] << 1 |
	       v->spread[planes >> 16 & 0xff] << 2 | v->spread[planes >> 24] << 3;
}

/* Four 2-bit pixels of a byte and of another, the high half of the nibble. */
static uint32_t pairs_to_nibbles(uint8_t low, uint8_t high)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < 4; i++)
		word |= ((low >> (6 - 2 * i) & 3u) | (high >> (6 - 2 * i) & 3u) << 2) << 4 * i;
	return word;
}

static uint32_t interleaved_to_nibbles(uint32_t planes)
{
	return pairs_to_nibbles((uint8_t)planes, (uint8_t)(planes >> 16)) |
	       pairs_to_nibbles((uint8_t)(planes >> 8), (uint8_t)(planes >> 24)) << 16;
}

static uint32_t *put_chunky(const struct vga *v, uint32_t *to, uint32_t planes)
{
	for (unsigned i = 0; i < 4; i++, planes >>= 8)
		to = put(to, v->palette[planes & 0xff & v->dac_mask], 2 * v->mode.dot_width);
	return to;
}

static uint32_t *put_char(const struct vga *v, uint32_t *to, uint32_t planes)
{
	if (v->mode.kind == VGA_CHUNKY)
		return put_chunky(v, to, planes);
	if (v->mode.kind == VGA_INTERLEAVE)
		return put_nibbles(v, to, interleaved_to_nibbles(planes));
	return put_nibbles(v, to, planes_to_nibbles(v, planes));
}

/* ---- VGA lines ---- */

static uint32_t fetch_address(const struct vga_mode *m, const struct vga_scan *s, unsigned column)
{
	return vga_fetch_address(m, vga_column_counter(m, s->counter, column), s->row_scan);
}

static bool vga_line_dirty(const struct vga *v, const struct vga_scan *s)
{
	uint32_t first = fetch_address(&v->mode, s, 0);
	uint32_t last = fetch_address(&v->mode, s, v->mode.columns);

	if (last < first) /* the line wraps around the end of memory */
		return v->window_dirty;
	return range_dirty(v, 4 * first, 4 * last + 3);
}

/* Draws into the surface at once, or by way of a line buffer when panned. */
static void draw_vga_line(struct vga *v, const struct vga_scan *s, uint32_t *row)
{
	const struct vga_mode *m = &v->mode;
	uint32_t pan = s->split && m->split_no_pan ? 0 : m->pan * m->dot_width;
	uint32_t *to = pan ? v->line : row;

	for (unsigned c = 0; c < m->columns + (pan ? 1 : 0); c++)
		to = put_char(v, to, vga_planes(v, fetch_address(m, s, c)));
	if (pan)
		memcpy(row, v->line + pan, m->width * sizeof(*row));
}

/* Whether two scanlines show the same memory in the same way. */
static bool same_line(const struct vga_mode *m, const struct vga_scan *a, const struct vga_scan *b)
{
	return a->split == b->split && fetch_address(m, a, 0) == fetch_address(m, b, 0) &&
	       a->counter == b->counter;
}

static struct display_rect draw_vga(struct vga *v, bool all)
{
	const struct vga_mode *m = &v->mode;
	struct display_rect drawn = {0};
	struct vga_scan s, before = {0};
	bool drew_before = false;

	vga_scan_first(m, v->start, &s);
	for (unsigned y = 0; y < m->height; y++) {
		uint32_t *row = v->surface.pixels + (size_t)y * v->surface.stride;

		if (y && same_line(m, &s, &before)) {
			if (drew_before)
				memcpy(row, row - v->surface.stride, m->width * sizeof(*row));
		} else {
			drew_before = all || vga_line_dirty(v, &s);
			if (drew_before)
				draw_vga_line(v, &s, row);
		}
		if (drew_before)
			extend(&drawn, m, y);
		before = s;
		vga_scan_next(m, y, &s);
	}
	return drawn;
}

/* ---- VBE lines ---- */

static inline uint32_t scale_5(uint32_t c)
{
	return c << 3 | c >> 2;
}

static void draw_8(const struct vga *v, uint32_t *to, const uint8_t *from)
{
	for (uint32_t x = 0; x < v->mode.width; x++)
		to[x] = v->palette[from[x] & v->dac_mask];
}

static void draw_15(const struct vga *v, uint32_t *to, const uint8_t *from)
{
	for (uint32_t x = 0; x < v->mode.width; x++, from += 2) {
		uint32_t p = from[0] | (uint32_t)from[1] << 8;

		to[x] = scale_5(p >> 10 & 31) << 16 | scale_5(p >> 5 & 31) << 8 | scale_5(p & 31);
	}
}

static void draw_16(const struct vga *v, uint32_t *to, const uint8_t *from)
{
	for (uint32_t x = 0; x < v->mode.width; x++, from += 2) {
		uint32_t p = from[0] | (uint32_t)from[1] << 8, green = p >> 5 & 63;

		to[x] = scale_5(p >> 11) << 16 | (green << 2 | green >> 4) << 8 | scale_5(p & 31);
	}
}

static void draw_24(const struct vga *v, uint32_t *to, const uint8_t *from)
{
	for (uint32_t x = 0; x < v->mode.width; x++, from += 3)
		to[x] = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
}

static void draw_32(const struct vga *v, uint32_t *to, const uint8_t *from)
{
	for (uint32_t x = 0; x < v->mode.width; x++, from += 4) {
		uint32_t p;

		memcpy(&p, from, 4);
		to[x] = p & 0xffffff;
	}
}

static void draw_packed_line(const struct vga *v, uint32_t *row, const uint8_t *from)
{
	switch (v->mode.bpp) {
	case 15:
		draw_15(v, row, from);
		break;
	case 16:
		draw_16(v, row, from);
		break;
	case 24:
		draw_24(v, row, from);
		break;
	case 32:
		draw_32(v, row, from);
		break;
	default:
		draw_8(v, row, from);
		break;
	}
}

static uint32_t pixel_bytes(const struct vga_mode *m)
{
	return (m->bpp + 7) / 8;
}

/*
 * Lines that begin or end beyond the memory are black. An X or Y offset can
 * bring that about; the geometry itself has been bounded.
 */
static struct display_rect draw_packed(struct vga *v, bool all)
{
	const struct vga_mode *m = &v->mode;
	struct display_rect drawn = {0};
	uint32_t bytes = m->width * pixel_bytes(m);

	for (unsigned y = 0; y < m->height; y++) {
		uint32_t *row = v->surface.pixels + (size_t)y * v->surface.stride;
		uint64_t first = v->start + (uint64_t)y * m->line_bytes;
		bool inside = first + bytes <= v->vram_size;

		if (!all && !(inside && range_dirty(v, (uint32_t)first,
						    (uint32_t)first + bytes - 1)))
			continue;
		if (inside)
			draw_packed_line(v, row, v->vram + first);
		else
			memset(row, 0, m->width * sizeof(*row));
		extend(&drawn, m, y);
	}
	return drawn;
}

static void draw_vbe_planar_line(struct vga *v, uint32_t *row, uint32_t first)
{
	const struct vga_mode *m = &v->mode;
	uint32_t *to = m->pan ? v->line : row, mask = v->vram_size / 4 - 1;

	for (unsigned c = 0; c < m->width / PIXELS_A_CHAR + (m->pan ? 1 : 0); c++)
		to = put_nibbles(v, to, planes_to_nibbles(v, vga_planes(v, (first + c) & mask)));
	if (m->pan)
		memcpy(row, v->line + m->pan, m->width * sizeof(*row));
}

static struct display_rect draw_vbe_planar(struct vga *v, bool all)
{
	const struct vga_mode *m = &v->mode;
	struct display_rect drawn = {0};
	uint32_t count = m->width / PIXELS_A_CHAR, limit = v->vram_size / 4;

	for (unsigned y = 0; y < m->height; y++) {
		uint32_t first = (v->start + y * m->line_bytes) % limit;

		if (!all && first + count < limit &&
		    !range_dirty(v, 4 * first, 4 * (first + count) + 3))
			continue;
		draw_vbe_planar_line(v, v->surface.pixels + (size_t)y * v->surface.stride, first);
		extend(&drawn, m, y);
	}
	return drawn;
}

struct display_rect vga_lines_draw(struct vga *v, bool all)
{
	if (v->mode.kind == VGA_VBE_PACKED)
		return draw_packed(v, all);
	if (v->mode.kind == VGA_VBE_PLANAR)
		return draw_vbe_planar(v, all);
	return draw_vga(v, all);
}
