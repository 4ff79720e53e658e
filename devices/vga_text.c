/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text modes: plane 0 holds characters, plane 1 attributes, plane 2 the fonts
 * of 256 glyphs of 32 rows each (IBM PS/2 Technical Reference, "Alphanumeric
 * Modes"). A cell is drawn when its character, attribute or cursor differs
 * from what was drawn there.
 *
 * A band is a run of scanlines of one character row. Panning, a preset row
 * scan and the split screen make bands of any height and number.
 */
#include "devices/vga_state.h"

#define GLYPH_ROWS 32
#define GLYPH_PLANE 2
#define ATTRIBUTE_BLINK 0x80
#define ATTRIBUTE_FONT_A 0x08
#define UNDERLINE_ATTRIBUTE 0x01
#define UNDERLINE_ATTRIBUTE_MASK 0x77
#define CURSOR_ROW_MASK 0x1f
#define LINE_GRAPHICS_FIRST 0xc0 /* characters whose 8th dot is repeated */
#define LINE_GRAPHICS_LAST 0xdf

/* What a cell on the surface was drawn from; 0: nothing yet. */
#define CELL_ATTRIBUTE_SHIFT 8
#define CELL_CURSOR 0x00010000u
#define CELL_CURSOR_START_SHIFT 17
#define CELL_CURSOR_END_SHIFT 22
#define CELL_BLINKED_OFF 0x08000000u
#define CELL_VALID 0x80000000u

struct band {
	struct vga_scan scan; /* at its first line */
	unsigned y, height;   /* scanlines */
};

/* The band that begins at scanline y with *s; *s moves to the next one. */
static struct band next_band(const struct vga_mode *m, unsigned y, struct vga_scan *s)
{
	struct band b = {.scan = *s, .y = y};
	unsigned row_scan;

	do {
		row_scan = s->row_scan;
		vga_scan_next(m, y + b.height++, s);
	} while (y + b.height < m->height && s->counter == b.scan.counter &&
		 s->split == b.scan.split && s->row_scan >= row_scan);
	return b;
}

static uint32_t cursor_address(const struct vga *v)
{
	return (uint32_t)v->crtc[CRTC_CURSOR_HIGH] << 8 | v->crtc[CRTC_CURSOR_LOW];
}

static bool cursor_enabled(const struct vga *v)
{
	return !(v->crtc[CRTC_CURSOR_START] & CRTC_CURSOR_OFF) &&
	       (v->crtc[CRTC_CURSOR_START] & CURSOR_ROW_MASK) <=
		       (v->crtc[CRTC_CURSOR_END] & CURSOR_ROW_MASK);
}

static uint32_t cell_cursor(const struct vga *v)
{
	return CELL_CURSOR |
	       (uint32_t)(v->crtc[CRTC_CURSOR_START] & CURSOR_ROW_MASK)
		       << CELL_CURSOR_START_SHIFT |
	       (uint32_t)(v->crtc[CRTC_CURSOR_END] & CURSOR_ROW_MASK) << CELL_CURSOR_END_SHIFT;
}

/* Character and attribute that the CRTC fetches for a column of a band. */
static uint16_t fetch_cell(const struct vga *v, const struct vga_mode *m, const struct band *b,
			   unsigned column)
{
	uint32_t counter = vga_column_counter(m, b->scan.counter, column);

	return (uint16_t)vga_planes(v, vga_fetch_address(m, counter, b->scan.row_scan));
}

static uint32_t cell_now(struct vga *v, const struct band *b, unsigned column)
{
	const struct vga_mode *m = &v->mode;
	uint32_t cell = fetch_cell(v, m, b, column) | CELL_VALID;
	bool blinks = m->ac_mode & AC_MODE_BLINK &&
		      cell & ATTRIBUTE_BLINK << CELL_ATTRIBUTE_SHIFT;

	if (blinks && v->blink_phase & 2)
		cell |= CELL_BLINKED_OFF;
	v->has_blink |= blinks;
	if (cursor_enabled(v) &&
	    vga_column_counter(m, b->scan.counter, column) == cursor_address(v)) {
		v->has_blink = true;
		if (!(v->blink_phase & 1))
			cell |= cell_cursor(v);
	}
	return cell;
}

/* The dots of one row of a cell, the leftmost in bit 8. */
static unsigned cell_dots(const struct vga *v, uint32_t cell, unsigned row)
{
	const struct vga_mode *m = &v->mode;
	uint8_t character = (uint8_t)cell, attribute = (uint8_t)(cell >> CELL_ATTRIBUTE_SHIFT);
	uint32_t font = attribute & ATTRIBUTE_FONT_A ? m->font_a : m->font_b;
	unsigned dots;

	if (cell & CELL_CURSOR && row >= (cell >> CELL_CURSOR_START_SHIFT & CURSOR_ROW_MASK) &&
	    row <= (cell >> CELL_CURSOR_END_SHIFT & CURSOR_ROW_MASK))
		return 0x1ff;
	if ((attribute & UNDERLINE_ATTRIBUTE_MASK) == UNDERLINE_ATTRIBUTE &&
	    row == (m->crtc_underline & CURSOR_ROW_MASK))
		return 0x1ff;
	dots = v->vram[4 * (font + character * GLYPH_ROWS + row) + GLYPH_PLANE] << 1;
	if (m->ac_mode & AC_MODE_LINE_GRAPHICS && character >= LINE_GRAPHICS_FIRST &&
	    character <= LINE_GRAPHICS_LAST)
		dots |= dots >> 1 & 1;
	return dots;
}

static void draw_dots(struct vga *v, uint32_t *row, int x, unsigned dots, const uint32_t ink[2])
{
	const struct vga_mode *m = &v->mode;
	int width = (int)m->width, dot_width = (int)m->dot_width;

	for (unsigned i = 0; i < m->char_width; i++, dots <<= 1)
		for (int n = 0; n < dot_width; n++, x++)
			if (x >= 0 && x < width)
				row[x] = ink[dots >> 8 & 1];
}

static void draw_cell(struct vga *v, const struct band *b, unsigned column, uint32_t cell)
{
	const struct vga_mode *m = &v->mode;
	uint8_t attribute = (uint8_t)(cell >> CELL_ATTRIBUTE_SHIFT);
	unsigned back = m->ac_mode & AC_MODE_BLINK ? attribute >> 4 & 7 : attribute >> 4;
	unsigned fore = cell & CELL_BLINKED_OFF ? back : attribute & 0x0f;
	uint32_t ink[2] = {v->colours[back & m->plane_enable], v->colours[fore & m->plane_enable]};
	uint32_t pan = b->scan.split && m->split_no_pan ? 0 : m->pan;
	int x = ((int)(column * m->char_width) - (int)pan) * (int)m->dot_width;
	struct vga_scan s = b->scan;

	for (unsigned y = b->y; y < b->y + b->height; y++) {
		draw_dots(v, v->surface.pixels + (size_t)y * v->surface.stride, x,
			  cell_dots(v, cell, s.row_scan), ink);
		vga_scan_next(m, y, &s);
	}
}

/* Grows *r to hold a cell, clipped to the surface. */
static void extend(struct display_rect *r, const struct vga_mode *m, const struct band *b,
		   unsigned column)
{
	unsigned cell = m->char_width * m->dot_width;
	unsigned left = column ? (column - 1) * cell : 0, right = (column + 1) * cell;
	unsigned bottom = b->y + b->height, top = b->y;

	if (!m->pan)
		left = column * cell;
	if (right > m->width)
		right = m->width;
	if (r->width) {
		unsigned r_right = r->x + r->width, r_bottom = r->y + r->height;

		left = left < r->x ? left : r->x;
		top = top < r->y ? top : r->y;
		right = right > r_right ? right : r_right;
		bottom = bottom > r_bottom ? bottom : r_bottom;
	}
	*r = (struct display_rect){left, top, right - left, bottom - top};
}

struct display_rect vga_text_draw(struct vga *v, bool all)
{
	const struct vga_mode *m = &v->mode;
	unsigned columns = m->columns + (m->pan ? 1 : 0);
	struct display_rect drawn = {0};
	uint32_t *shown = v->cells;
	struct vga_scan s;
	struct band b;

	v->has_blink = false;
	vga_scan_first(m, v->start, &s);
	for (unsigned y = 0; y < m->height; y += b.height) {
		b = next_band(m, y, &s);
		for (unsigned c = 0; c < columns; c++, shown++) {
			uint32_t cell = cell_now(v, &b, c);

			if (!all && *shown == cell)
				continue;
			*shown = cell;
			draw_cell(v, &b, c, cell);
			extend(&drawn, m, &b, c);
		}
	}
	return drawn;
}

void vga_text_read(struct vga *v, struct display_text *out)
{
	const unsigned room = sizeof(out->cells) / sizeof(out->cells[0]);
	struct vga_mode m;
	struct vga_scan s;
	struct band b;
	uint32_t start;

	vga_mode_decode(v, &m, &start);
	memset(out, 0, sizeof(*out));
	if (m.kind != VGA_TEXT)
		return;
	out->columns = out->cursor_x = m.columns;
	vga_scan_first(&m, start, &s);
	for (unsigned y = 0; y < m.height && (out->rows + 1) * m.columns <= room; y += b.height) {
		b = next_band(&m, y, &s);
		for (unsigned c = 0; c < m.columns; c++) {
			out->cells[out->rows * m.columns + c] = fetch_cell(v, &m, &b, c);
			if (cursor_enabled(v) && vga_column_counter(&m, b.scan.counter, c) ==
							 cursor_address(v)) {
				out->cursor_x = c;
				out->cursor_y = out->rows;
			}
		}
		out->rows++;
	}
}
