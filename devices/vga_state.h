/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's inside: its registers, its memory, and what of it is on the
 * surface. Only for devices/vga*.c.
 *
 * Video memory is four planes interleaved by byte: the byte of plane p at
 * planar address a lies at vram[4 * a + p]. So one 32-bit load is what the
 * graphics controller's latches hold and what the CRTC fetches for one
 * character clock, and a chain-4 or packed VBE frame buffer is plain memory.
 *
 * One liberty: in chain-4 modes a real VGA stores the pixel at CPU address x
 * at planar address x & ~3 and displays with the CRTC's doubleword mode. Here
 * it is stored at x >> 2 and doubleword addressing is not applied while chain
 * 4 is on. The picture is the same; what changes is where the pixels turn up
 * when a program leaves chain 4 without clearing.
 */
#ifndef DEVICES_VGA_STATE_H
#define DEVICES_VGA_STATE_H

#include <stdbool.h>
#include <string.h>

#include "devices/vga.h"

/* Miscellaneous output register (3C2, read at 3CC). */
#define MISC_COLOUR 0x01 /* CRTC at 3D4, else 3B4 */
#define MISC_RAM 0x02    /* the processor reaches video memory */

/* Sequencer (3C4/3C5). */
enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHARACTER_MAP, SEQ_MEMORY_MODE, SEQ_COUNT };
#define CLOCKING_8_DOTS 0x01
#define CLOCKING_HALF 0x08 /* dot clock halved: every dot is two wide */
#define CLOCKING_SCREEN_OFF 0x20
#define MEMORY_SEQUENTIAL 0x04 /* clear: odd/even writes */
#define MEMORY_CHAIN4 0x08

/* Graphics controller (3CE/3CF). */
enum {
	GC_SET_RESET,
	GC_ENABLE_SET_RESET,
	GC_COLOUR_COMPARE,
	GC_ROTATE,
	GC_READ_MAP,
	GC_MODE,
	GC_MISC,
	GC_COLOUR_DONT_CARE,
	GC_BIT_MASK,
	GC_COUNT
};
#define GC_MODE_WRITE 0x03
#define GC_MODE_READ_COMPARE 0x08
#define GC_MODE_ODD_EVEN 0x10
#define GC_MODE_SHIFT_INTERLEAVE 0x20
#define GC_MODE_SHIFT_256 0x40
#define GC_MISC_GRAPHICS 0x01

/* CRT controller (3D4/3D5). */
enum {
	CRTC_H_TOTAL,
	CRTC_H_DISPLAY_END,
	CRTC_V_TOTAL = 0x06,
	CRTC_OVERFLOW = 0x07,
	CRTC_PRESET_ROW_SCAN = 0x08,
	CRTC_MAX_SCAN = 0x09,
	CRTC_CURSOR_START = 0x0a,
	CRTC_CURSOR_END = 0x0b,
	CRTC_START_HIGH = 0x0c,
	CRTC_START_LOW = 0x0d,
	CRTC_CURSOR_HIGH = 0x0e,
	CRTC_CURSOR_LOW = 0x0f,
	CRTC_V_RETRACE_START = 0x10,
	CRTC_V_RETRACE_END = 0x11,
	CRTC_V_DISPLAY_END = 0x12,
	CRTC_OFFSET = 0x13,
	CRTC_UNDERLINE = 0x14,
	CRTC_MODE = 0x17,
	CRTC_LINE_COMPARE = 0x18,
	CRTC_COUNT = 0x19
};
#define CRTC_CURSOR_OFF 0x20       /* in CRTC_CURSOR_START */
#define CRTC_PROTECT 0x80          /* in CRTC_V_RETRACE_END */
#define CRTC_DOUBLE_SCAN 0x80      /* in CRTC_MAX_SCAN */
#define CRTC_DOUBLEWORD 0x40       /* in CRTC_UNDERLINE */
#define CRTC_COUNT_BY_4 0x20       /* in CRTC_UNDERLINE */
#define CRTC_MODE_MA13 0x01        /* clear: row scan bit 0 replaces MA13 */
#define CRTC_MODE_MA14 0x02        /* clear: row scan bit 1 replaces MA14 */
#define CRTC_MODE_COUNT_BY_2 0x08
#define CRTC_MODE_WRAP_MA15 0x20   /* word mode: MA15 becomes MA0, else MA13 */
#define CRTC_MODE_BYTE 0x40
#define CRTC_MODE_SYNC 0x80        /* clear: no retrace, no picture */

/* Attribute controller (3C0/3C1). */
enum { AC_MODE = 0x10, AC_OVERSCAN, AC_PLANE_ENABLE, AC_PANNING, AC_COLOUR_SELECT, AC_COUNT };
#define AC_MODE_LINE_GRAPHICS 0x04
#define AC_MODE_BLINK 0x08
#define AC_MODE_SPLIT_NO_PAN 0x20 /* no panning below the split */
#define AC_MODE_P5P4 0x80         /* palette bits 5-4 from the colour select */
#define AC_INDEX_VIDEO 0x20       /* palette address source: the screen is on */

/* Bochs VBE "dispi" registers (1CE index, 1CF data). */
enum {
	VBE_ID,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY_64K,
	VBE_COUNT
};
#define VBE_ID_FIRST 0xb0c0
#define VBE_ID_LATEST 0xb0c5
#define VBE_ENABLED 0x01
#define VBE_GET_CAPS 0x02
#define VBE_8BIT_DAC 0x20
#define VBE_LFB 0x40
#define VBE_NO_CLEAR 0x80

#define VGA_MAX_WIDTH 2560u
#define VGA_MAX_HEIGHT 1600u
/* Text: at most 256 columns (and one panned in) of at most 1024 rows. */
#define VGA_MAX_CELLS (257u * 1024)
#define VGA_MAX_VRAM (64u << 20)
#define VGA_DIRTY_WORDS (VGA_MAX_VRAM / PAGE_SIZE / 64)

enum vga_kind {
	VGA_BLANK,      /* nothing, in one colour */
	VGA_TEXT,
	VGA_PLANAR,     /* 4 planes of 1 bit, also CGA's 2-colour mode */
	VGA_INTERLEAVE, /* 2 bits a pixel: CGA's 4-colour modes */
	VGA_CHUNKY,     /* 8 bits a pixel: mode 13h and its kin */
	VGA_VBE_PLANAR, /* VBE with 4 bits a pixel */
	VGA_VBE_PACKED, /* VBE with 8, 15, 16, 24 or 32 */
};

/* How the picture is made, from the registers. Compared with memcmp. */
struct vga_mode {
	uint32_t kind;          /* enum vga_kind */
	uint32_t width, height; /* of the surface */
	uint32_t blank_colour;  /* VGA_BLANK */
	/* VGA modes: the CRTC's way through memory */
	uint32_t columns;       /* character clocks shown on a line */
	uint32_t char_width;    /* dots: 8 or 9 */
	uint32_t dot_width;     /* pixels for a dot: 1 or 2 */
	uint32_t max_scan;      /* last row scan of a character row: 0-31 */
	uint32_t double_scan;   /* every row scan is shown twice */
	uint32_t offset;        /* counter steps from one row to the next */
	uint32_t preset_row, byte_pan, pan; /* pan in dots */
	uint32_t line_compare;  /* the last scanline before the split */
	uint32_t split_no_pan;
	uint32_t chain4, crtc_mode, crtc_underline;
	uint32_t plane_enable;
	/* text */
	uint32_t font_a, font_b; /* planar addresses in plane 2 */
	uint32_t ac_mode;
	/* VBE */
	uint32_t bpp;
	uint32_t line_bytes;  /* bytes a line; VGA_VBE_PLANAR: of each plane */
};

/* Where the CRTC is while it walks down the screen. */
struct vga_scan {
	uint32_t counter; /* memory address counter at the line's first clock */
	unsigned row_scan;
	unsigned repeat;  /* which of a doubled scanline's two */
	bool split;       /* below the line compare */
};

struct vga {
	struct pci_device pci;
	struct bus *bus;
	struct clock *clock;
	struct phys_region *window, *lfb, *mmio, *rom_region;
	uint8_t *vram, *rom; /* physmem's */
	uint32_t vram_size, rom_size;

	/* Registers, named as in the IBM VGA's technical reference. */
	uint8_t misc, feature, subsystem;
	uint8_t seq_index, seq[SEQ_COUNT];
	uint8_t gc_index, gc[GC_COUNT];
	uint8_t crtc_index, crtc[CRTC_COUNT];
	uint8_t ac_index, ac_data_next, ac[AC_COUNT]; /* ac_data_next: the flip-flop */
	uint8_t dac_read_index, dac_write_index, dac_component, dac_state, dac_mask;
	uint8_t dac_pending[3], dac[768];
	uint32_t latch;
	uint16_t vbe_index, vbe[VBE_COUNT];
	uint8_t vbe_low_byte; /* written to 1CF, waiting for its high byte */

	/* Derived from registers by vga_memory_mode_changed(). */
	bool plain_write;  /* write mode 0 with nothing to do: data go as they are */
	bool linear;       /* the window is memory: VBE packed, or chain 4 and plain */
	uint32_t bank;     /* bytes: where the VBE window is */
	uint32_t window_base, window_size; /* of the 128 KiB: what is decoded */

	/* What refresh has to look at. */
	bool regs_dirty;    /* a register that may change the mode or picture */
	bool palette_dirty; /* DAC or palette registers */
	bool font_dirty;    /* planes 2-3 or anything unknown, in a text mode */
	bool window_dirty;  /* some bit of dirty[] is set */
	uint64_t dirty[VGA_DIRTY_WORDS]; /* by page of video memory */

	/* What the surface shows. */
	struct vga_mode mode;
	uint32_t start;          /* start address as shown */
	struct surface surface;
	bool surface_new;        /* not yet told to the caller of refresh */
	uint32_t palette[256];   /* DAC colours as pixels */
	uint32_t colours[16];    /* attribute colours as pixels */
	uint8_t dac_mask_shown;  /* applied to both on the surface */
	uint32_t *cells;         /* text: what is drawn, VGA_MAX_CELLS of them */
	bool has_blink;          /* text: something on the screen blinks */
	uint64_t blink_phase;    /* in units of 16 frames; bit 0 cursor, bit 1 characters */
	uint32_t spread[256];    /* a byte's bits, first pixel lowest, one a nibble */
	uint32_t line[VGA_MAX_WIDTH + 64]; /* one panned line */
	struct display display;
};

/* ---- vga_ports.c ---- */
void vga_claim_ports(struct vga *v);
void vga_release_ports(struct vga *v);
uint8_t vga_port_read(struct vga *v, uint16_t port);
void vga_port_write(struct vga *v, uint16_t port, uint8_t value);

/* ---- vga_vbe.c ---- */
void vga_vbe_claim_ports(struct vga *v);
void vga_vbe_release_ports(struct vga *v);
void vga_vbe_reset(struct vga *v);
uint16_t vga_vbe_read(struct vga *v, unsigned index);
void vga_vbe_write(struct vga *v, unsigned index, uint16_t value);
/* The geometry in force, made safe. False: VBE is off. */
bool vga_vbe_mode(const struct vga *v, struct vga_mode *m, uint32_t *start);

/* ---- vga_memory.c ---- */
extern const struct mmio_ops vga_window_ops;
/* A register that says how the window reaches memory was written. */
void vga_memory_mode_changed(struct vga *v);

/* ---- vga_mode.c ---- */
/* Reads the registers; *start is the start address (VBE packed: in bytes). */
void vga_mode_decode(const struct vga *v, struct vga_mode *m, uint32_t *start);
/* Input status register 1: retrace and display enable at this time. */
uint8_t vga_input_status(const struct vga *v);
void vga_scan_first(const struct vga_mode *m, uint32_t start, struct vga_scan *s);
/* From scanline y to y + 1. */
void vga_scan_next(const struct vga_mode *m, unsigned y, struct vga_scan *s);
/* The planar address, 0-FFFF, that the CRTC fetches for a counter value. */
uint32_t vga_fetch_address(const struct vga_mode *m, uint32_t counter, unsigned row_scan);
/* The counter at a column of a line. */
uint32_t vga_column_counter(const struct vga_mode *m, uint32_t counter, unsigned column);

/* ---- vga_text.c ---- */
/* Draws the cells that changed, or all; returns what was drawn. */
struct display_rect vga_text_draw(struct vga *v, bool all);
void vga_text_read(struct vga *v, struct display_text *out);

/* ---- vga_lines.c ---- */
/* Draws the scanlines whose memory is dirty, or all. */
struct display_rect vga_lines_draw(struct vga *v, bool all);

/* ---- vga_display.c ---- */
void vga_display_init(struct vga *v);

/* The four planes at a planar address; the caller has bounded it. */
static inline uint32_t vga_planes(const struct vga *v, uint32_t address)
{
	uint32_t d;

	memcpy(&d, v->vram + 4 * (size_t)address, 4);
	return d;
}

/* Notes that the byte at an offset into video memory has changed. */
static inline void vga_mark_dirty(struct vga *v, uint32_t offset)
{
	uint32_t page = offset / PAGE_SIZE;

	v->dirty[page / 64] |= 1ull << (page % 64);
	v->window_dirty = true;
}

static inline bool vga_vbe_on(const struct vga *v)
{
	return v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

#endif
