/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 80x25 text screen, and COM1 as its plain mirror: what is printed (not what
 * is drawn) also goes out there, so that the guest is of use without a window.
 */
#ifndef GUEST_SCREEN_H
#define GUEST_SCREEN_H

#include "machine.h"

#define COLUMNS 80
#define ROWS 25
#define CELLS ((volatile uint16_t *)0xb8000)

/* Attributes: background in the high nibble. */
#define ATTR_DESKTOP 0x17 /* grey on blue */
#define ATTR_TITLE 0x70
#define ATTR_TITLE_NAME 0x74
#define ATTR_BOX 0x1f
#define ATTR_SELECTED 0x3f
#define ATTR_HOTKEY 0x1e
#define ATTR_HOTKEY_SELECTED 0x3e
#define ATTR_SHADOW 0x08
#define ATTR_PASS 0x1a
#define ATTR_FAIL 0x1c
#define ATTR_DIM 0x19

void serial_init(void);
void serial_print(const char *s);
bool serial_get(char *c);

/* Text mode 3, through the BIOS. */
void screen_text_mode(void);
void screen_cursor(bool shown);

/* Drawing: no serial output. */
void draw_text(unsigned row, unsigned column, uint8_t attribute, const char *s);
void draw_fill(unsigned row, unsigned column, unsigned rows, unsigned columns, uint8_t attribute,
	       char c);
/* Double-lined, with a shadow. */
void draw_box(unsigned row, unsigned column, unsigned rows, unsigned columns, uint8_t attribute);
/* Blue screen with the title bar and a line of help. */
void draw_desktop(const char *title, const char *help);

/* Printing: within rows first to last, which scroll. */
void screen_window(unsigned first, unsigned last, unsigned margin);
void screen_attribute(uint8_t attribute);
void screen_clear(void);
void screen_column(unsigned column);
/* %s %c %u %d %x %%, with a width and 0 or - before it. */
void screen_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void format_text(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
