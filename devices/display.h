/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a display adapter shows: a surface of 32-bit pixels that the adapter
 * redraws on request, telling which part has changed. Machine thread only;
 * a window copies the changed part for its own thread (monitor/).
 */
#ifndef DEVICES_DISPLAY_H
#define DEVICES_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct surface {
	unsigned width, height; /* pixels */
	unsigned stride;        /* pixels from one row to the next */
	uint32_t *pixels;       /* 0x00RRGGBB */
};

struct display_rect {
	unsigned x, y, width, height; /* pixels; width 0: nothing */
};

/* The text on the screen, for tests, accessibility and `info screen`. */
struct display_text {
	unsigned columns, rows;          /* 0 when in a graphics mode */
	unsigned cursor_x, cursor_y;     /* beyond columns: no cursor */
	uint16_t cells[132 * 60];        /* attribute << 8 | character (CP437) */
};

struct display {
	/*
	 * Brings the surface up to date with the adapter's memory. all: redraw
	 * everything. Returns the rectangle that changed; *resized tells that
	 * the surface has another size or memory than at the last call.
	 */
	struct display_rect (*refresh)(void *opaque, bool all, bool *resized);
	/* The surface; valid until the next refresh. */
	const struct surface *(*surface)(void *opaque);
	void (*text)(void *opaque, struct display_text *out);
	void *opaque;
};

#endif
