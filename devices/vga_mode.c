/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the registers to the picture: which kind of mode they describe, where
 * the CRTC fetches each line (IBM PS/2 Technical Reference, "CRT Controller"),
 * and where its beam is at a time. What a line's bytes mean as pixels is in
 * vga_text.c and vga_lines.c.
 *
 * The surface has a pixel for each dot and scanline of the display period, so
 * that mode 13h is 640x400 as on the wire. Left out: borders, interlace, the
 * doubled scan counter (CRTC mode bit 2) and the shift-load bits.
 */
#include "devices/vga_state.h"

#define DOT_CLOCK_25 25175000u
#define DOT_CLOCK_28 28322000u
#define MISC_CLOCK_SHIFT 2
#define FRAME_HZ_MIN 40u
#define FRAME_HZ_MAX 160u

#define STATUS_DISPLAY_OFF 0x01
#define STATUS_V_RETRACE 0x08

#define COUNTER_MASK 0xffffu
#define ROW_SCAN_MASK 0x1f

/* A beam position, in dots and lines. */
struct timing {
	uint32_t clock;                /* dots a second */
	uint32_t h_total, h_shown;     /* dots */
	uint32_t v_total, v_shown;     /* lines */
	uint32_t retrace, retrace_end; /* lines */
};

/* Bits of a vertical count: low byte, bit 8 and bit 9 of the overflow register. */
static uint32_t vertical(const struct vga *v, unsigned reg, unsigned bit8, unsigned bit9)
{
	uint8_t over = v->crtc[CRTC_OVERFLOW];

	return v->crtc[reg] | (over >> bit8 & 1u) << 8 | (over >> bit9 & 1u) << 9;
}

static uint32_t lines_shown(const struct vga *v)
{
	return vertical(v, CRTC_V_DISPLAY_END, 1, 6) + 1;
}

static uint32_t dots_a_char(const struct vga *v)
{
	return v->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9;
}

/* ---- The beam ---- */

/* False: the registers describe nothing that a monitor could show. */
static bool timing_from_registers(const struct vga *v, struct timing *t)
{
	uint32_t dots = dots_a_char(v) * (v->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1), hz;

	t->clock = (v->misc >> MISC_CLOCK_SHIFT & 3) == 1 ? DOT_CLOCK_28 : DOT_CLOCK_25;
	t->h_total = (v->crtc[CRTC_H_TOTAL] + 5u) * dots;
	t->h_shown = (v->crtc[CRTC_H_DISPLAY_END] + 1u) * dots;
	t->v_total = vertical(v, CRTC_V_TOTAL, 0, 5) + 2;
	t->v_shown = lines_shown(v);
	t->retrace = vertical(v, CRTC_V_RETRACE_START, 2, 7);
	t->retrace_end = t->retrace +
			 (((v->crtc[CRTC_V_RETRACE_END] - t->retrace - 1) & 0x0f) + 1);
	hz = t->clock / (t->h_total * t->v_total);
	return hz >= FRAME_HZ_MIN && hz <= FRAME_HZ_MAX && t->v_shown < t->v_total &&
	       t->retrace >= t->v_shown && t->retrace < t->v_total && t->h_shown < t->h_total;
}

uint8_t vga_input_status(const struct vga *v)
{
	/* 640x480 at 60 Hz, for when the registers make no sense. */
	struct timing t = {DOT_CLOCK_25, 800, 640, 525, 480, 490, 492}, own;
	uint64_t dot;
	uint32_t line, column;
	uint8_t status = 0;

	if (timing_from_registers(v, &own))
		t = own;
	dot = muldiv64(clock_now(v->clock), t.clock, NS_PER_SEC);
	line = (uint32_t)(dot / t.h_total % t.v_total);
	column = (uint32_t)(dot % t.h_total);
	if (line >= t.v_shown || column >= t.h_shown)
		status |= STATUS_DISPLAY_OFF;
	if (line >= t.retrace && line < t.retrace_end)
		status |= STATUS_V_RETRACE;
	return status;
}

/* ---- The mode ---- */

/* Offsets of the eight fonts in plane 2, by the character map select's value. */
static uint32_t font_address(unsigned select)
{
	return (select & 3) * 0x4000 + (select >> 2) * 0x2000;
}

static void decode_text(const struct vga *v, struct vga_mode *m)
{
	uint8_t map = v->seq[SEQ_CHARACTER_MAP];

	m->kind = VGA_TEXT;
	m->font_b = font_address((map & 3u) | (map >> 4 & 1u) << 2);
	m->plane_enable = v->ac[AC_PLANE_ENABLE] & 0x0f;
	m->font_a = font_address((map >> 2 & 3u) | (map >> 5 & 1u) << 2);
	m->ac_mode = v->ac[AC_MODE];
}

static void decode_graphics(const struct vga *v, struct vga_mode *m)
{
	uint8_t shift = v->gc[GC_MODE];

	m->kind = shift & GC_MODE_SHIFT_256	   ? VGA_CHUNKY :
		  shift & GC_MODE_SHIFT_INTERLEAVE ? VGA_INTERLEAVE :
						     VGA_PLANAR;
	m->plane_enable = v->ac[AC_PLANE_ENABLE] & 0x0f;
	m->char_width = 8;
}

/* In 9-dot modes the panning register's 8 means none, 0 one dot, and so on. */
static uint32_t panned_dots(const struct vga *v, uint32_t char_width)
{
	uint32_t pan = v->ac[AC_PANNING] & 0x0f;

	if (char_width == 9)
		return pan >= 8 ? 0 : pan + 1;
	return pan & 7;
}

static void decode_crtc(const struct vga *v, struct vga_mode *m)
{
	const uint8_t *crtc = v->crtc;

	m->dot_width = v->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1;
	m->char_width = dots_a_char(v);
	m->max_scan = crtc[CRTC_MAX_SCAN] & ROW_SCAN_MASK;
	m->double_scan = crtc[CRTC_MAX_SCAN] & CRTC_DOUBLE_SCAN ? 1 : 0;
	m->offset = crtc[CRTC_OFFSET] * 2u;
	m->preset_row = crtc[CRTC_PRESET_ROW_SCAN] & ROW_SCAN_MASK;
	m->byte_pan = crtc[CRTC_PRESET_ROW_SCAN] >> 5 & 3;
	m->line_compare = crtc[CRTC_LINE_COMPARE] | (crtc[CRTC_OVERFLOW] >> 4 & 1u) << 8 |
			  (crtc[CRTC_MAX_SCAN] >> 6 & 1u) << 9;
	m->split_no_pan = v->ac[AC_MODE] & AC_MODE_SPLIT_NO_PAN ? 1 : 0;
	m->chain4 = v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4 ? 1 : 0;
	m->crtc_mode = crtc[CRTC_MODE];
	m->crtc_underline = crtc[CRTC_UNDERLINE];
}

static void decode_size(const struct vga *v, struct vga_mode *m)
{
	uint32_t cell = m->char_width * m->dot_width, columns = v->crtc[CRTC_H_DISPLAY_END] + 1u;

	m->columns = columns < VGA_MAX_WIDTH / cell ? columns : VGA_MAX_WIDTH / cell;
	m->width = m->columns * cell;
	m->height = lines_shown(v);
	m->pan = panned_dots(v, m->char_width);
}

/* A screen switched off keeps its size: mode sets and blanking come and go. */
static bool is_blank(const struct vga *v)
{
	if (!(v->ac_index & AC_INDEX_VIDEO))
		return true;
	if (vga_vbe_on(v))
		return false;
	return v->seq[SEQ_CLOCKING] & CLOCKING_SCREEN_OFF || !(v->crtc[CRTC_MODE] & CRTC_MODE_SYNC);
}

void vga_mode_decode(const struct vga *v, struct vga_mode *m, uint32_t *start)
{
	memset(m, 0, sizeof(*m)); /* compared as bytes */
	*start = 0;
	if (is_blank(v)) {
		m->kind = VGA_BLANK;
		m->width = v->surface.width;
		m->height = v->surface.height;
		/* The palette is closed to the CRTC: it sends the border's colour. */
		if (!(v->ac_index & AC_INDEX_VIDEO))
			m->blank_colour = v->palette[v->ac[AC_OVERSCAN] & v->dac_mask];
		return;
	}
	if (vga_vbe_mode(v, m, start)) {
		m->plane_enable = v->ac[AC_PLANE_ENABLE] & 0x0f;
		return;
	}
	decode_crtc(v, m);
	if (v->gc[GC_MISC] & GC_MISC_GRAPHICS)
		decode_graphics(v, m);
	else
		decode_text(v, m);
	decode_size(v, m);
	*start = (uint32_t)v->crtc[CRTC_START_HIGH] << 8 | v->crtc[CRTC_START_LOW];
}

/* ---- The CRTC's walk ---- */

void vga_scan_first(const struct vga_mode *m, uint32_t start, struct vga_scan *s)
{
	*s = (struct vga_scan){.counter = (start + m->byte_pan) & COUNTER_MASK,
			       .row_scan = m->preset_row};
}

void vga_scan_next(const struct vga_mode *m, unsigned y, struct vga_scan *s)
{
	if (y == m->line_compare) {
		*s = (struct vga_scan){.split = true};
		s->counter = m->split_no_pan ? 0 : m->byte_pan;
		return;
	}
	if (m->double_scan && !s->repeat) {
		s->repeat = 1;
		return;
	}
	s->repeat = 0;
	if (s->row_scan != m->max_scan) {
		s->row_scan = (s->row_scan + 1) & ROW_SCAN_MASK;
		return;
	}
	s->row_scan = 0;
	s->counter = (s->counter + m->offset) & COUNTER_MASK;
}

uint32_t vga_column_counter(const struct vga_mode *m, uint32_t counter, unsigned column)
{
	if (m->crtc_underline & CRTC_COUNT_BY_4)
		column /= 4;
	else if (m->crtc_mode & CRTC_MODE_COUNT_BY_2)
		column /= 2;
	return (counter + column) & COUNTER_MASK;
}

uint32_t vga_fetch_address(const struct vga_mode *m, uint32_t counter, unsigned row_scan)
{
	uint32_t address = counter;

	if (m->chain4) {
		/* See vga_state.h: storage is already compact. */
		if (!(m->crtc_underline & CRTC_DOUBLEWORD))
			address >>= 2;
		return address;
	}
	if (m->crtc_underline & CRTC_DOUBLEWORD)
		address = (counter << 2) | (counter >> 14 & 3);
	else if (!(m->crtc_mode & CRTC_MODE_BYTE))
		address = (counter << 1) |
			  (m->crtc_mode & CRTC_MODE_WRAP_MA15 ? counter >> 15 : counter >> 13 & 1);
	if (!(m->crtc_mode & CRTC_MODE_MA13))
		address = (address & ~0x2000u) | (row_scan & 1) << 13;
	if (!(m->crtc_mode & CRTC_MODE_MA14))
		address = (address & ~0x4000u) | (row_scan >> 1 & 1) << 14;
	return address & COUNTER_MASK;
}
