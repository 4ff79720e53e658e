/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text output. Characters are code page 437's, as the VGA has them.
 */
#include "screen.h"

#include <stdarg.h>

#define COM1 0x3f8
#define LSR_DATA 0x01
#define LSR_THRE 0x20
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define CURSOR_OFF 0x20

static struct {
	unsigned first, last, margin;
	unsigned row, column;
	uint8_t attribute;
} out = {.first = 0, .last = ROWS - 1, .attribute = 0x07};

void serial_init(void)
{
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 0x80); /* divisor 1: 115200 baud */
	out8(COM1, 1);
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 3);
	out8(COM1 + 2, 1);
	out8(COM1 + 4, 3);
}

static void serial_put(char c)
{
	if (c == '\n')
		serial_put('\r');
	for (unsigned tries = 0; tries < 100000 && !(in8(COM1 + 5) & LSR_THRE); tries++)
		;
	out8(COM1, c);
}

void serial_print(const char *s)
{
	while (*s)
		serial_put(*s++);
}

bool serial_get(char *c)
{
	uint8_t status = in8(COM1 + 5);

	if (status == 0xff || !(status & LSR_DATA)) /* 0xff: no UART */
		return false;
	*c = in8(COM1);
	return true;
}

static void crtc(uint8_t index, uint8_t v)
{
	out8(CRTC_INDEX, index);
	out8(CRTC_DATA, v);
}

void screen_text_mode(void)
{
	struct bios_registers r = {.eax = 0x0003};

	bios(0x10, &r);
	r = (struct bios_registers){.eax = 0x1003}; /* bright backgrounds, no blinking */
	bios(0x10, &r);
	screen_cursor(false);
}

void screen_cursor(bool shown)
{
	crtc(CRTC_CURSOR_START, shown ? 14 : CURSOR_OFF);
}

void draw_text(unsigned row, unsigned column, uint8_t attribute, const char *s)
{
	for (; *s && column < COLUMNS && row < ROWS; s++, column++)
		CELLS[row * COLUMNS + column] = attribute << 8 | (uint8_t)*s;
}

void draw_fill(unsigned row, unsigned column, unsigned rows, unsigned columns, uint8_t attribute,
	       char c)
{
	for (unsigned y = row; y < row + rows && y < ROWS; y++)
		for (unsigned x = column; x < column + columns && x < COLUMNS; x++)
			CELLS[y * COLUMNS + x] = attribute << 8 | (uint8_t)c;
}

static void draw_shadow(unsigned row, unsigned column, unsigned rows, unsigned columns)
{
	for (unsigned y = row + 1; y <= row + rows && y < ROWS; y++)
		for (unsigned x = column + 2; x < column + columns + 2 && x < COLUMNS; x++) {
			volatile uint16_t *cell = &CELLS[y * COLUMNS + x];

			*cell = ATTR_SHADOW << 8 | (*cell & 0xff);
		}
}

void draw_box(unsigned row, unsigned column, unsigned rows, unsigned columns, uint8_t attribute)
{
	unsigned right = column + columns - 1, bottom = row + rows - 1;

	draw_shadow(row, column, rows, columns);
	draw_fill(row, column, rows, columns, attribute, ' ');
	draw_fill(row, column, 1, columns, attribute, '\xcd');
	draw_fill(bottom, column, 1, columns, attribute, '\xcd');
	draw_fill(row, column, rows, 1, attribute, '\xba');
	draw_fill(row, right, rows, 1, attribute, '\xba');
	draw_text(row, column, attribute, "\xc9");
	draw_text(row, right, attribute, "\xbb");
	draw_text(bottom, column, attribute, "\xc8");
	draw_text(bottom, right, attribute, "\xbc");
}

void draw_desktop(const char *title, const char *help)
{
	draw_fill(0, 0, 1, COLUMNS, ATTR_TITLE, ' ');
	draw_text(0, 1, ATTR_TITLE_NAME, "Transvisor");
	draw_text(0, COLUMNS - 1 - strlen(title), ATTR_TITLE, title);
	draw_fill(1, 0, ROWS - 2, COLUMNS, ATTR_DIM, '\xb0');
	draw_fill(ROWS - 1, 0, 1, COLUMNS, ATTR_TITLE, ' ');
	draw_text(ROWS - 1, 1, ATTR_TITLE, help);
}

void screen_window(unsigned first, unsigned last, unsigned margin)
{
	out.first = out.row = first;
	out.last = last;
	out.margin = out.column = margin;
}

void screen_attribute(uint8_t attribute)
{
	out.attribute = attribute;
}

void screen_clear(void)
{
	screen_window(0, ROWS - 1, 0);
	draw_fill(0, 0, ROWS, COLUMNS, out.attribute, ' ');
}

void screen_column(unsigned column)
{
	while (out.column < column)
		screen_printf(" ");
}

static void scroll(void)
{
	for (unsigned row = out.first; row < out.last; row++)
		for (unsigned x = out.margin; x < COLUMNS - out.margin; x++)
			CELLS[row * COLUMNS + x] = CELLS[(row + 1) * COLUMNS + x];
	draw_fill(out.last, out.margin, 1, COLUMNS - 2 * out.margin, out.attribute, ' ');
	out.row = out.last;
}

static void put(char c)
{
	serial_put(c);
	if (c == '\n' || out.column >= COLUMNS - out.margin) {
		out.column = out.margin;
		out.row++;
		if (c == '\n')
			return;
	}
	if (out.row > out.last)
		scroll();
	CELLS[out.row * COLUMNS + out.column++] = out.attribute << 8 | (uint8_t)c;
}

/* ---- formatting ---- */

struct sink {
	char *p, *end; /* NULL: the screen */
};

static void emit(struct sink *s, char c)
{
	if (!s->p)
		put(c);
	else if (s->p < s->end)
		*s->p++ = c;
}

static void emit_padded(struct sink *s, const char *text, unsigned width, bool left, char pad)
{
	unsigned length = strlen(text);

	for (unsigned i = length; !left && i < width; i++)
		emit(s, pad);
	while (*text)
		emit(s, *text++);
	for (unsigned i = length; left && i < width; i++)
		emit(s, ' ');
}

static const char *number(char *end, uint32_t v, unsigned base)
{
	*--end = 0;
	do {
		*--end = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	return end;
}

static void format_one(struct sink *s, char kind, va_list *ap, unsigned width, bool left, char pad)
{
	char text[16], *end = text + sizeof(text);
	int v;

	switch (kind) {
	case 's':
		emit_padded(s, va_arg(*ap, const char *), width, left, ' ');
		break;
	case 'c':
		emit(s, va_arg(*ap, int));
		break;
	case 'u':
		emit_padded(s, number(end, va_arg(*ap, unsigned), 10), width, left, pad);
		break;
	case 'x':
		emit_padded(s, number(end, va_arg(*ap, unsigned), 16), width, left, pad);
		break;
	case 'd':
		v = va_arg(*ap, int);
		if (v < 0)
			emit(s, '-');
		emit_padded(s, number(end, v < 0 ? -(unsigned)v : (unsigned)v, 10), width, left,
			    pad);
		break;
	default:
		emit(s, kind);
	}
}

static void format_all(struct sink *s, const char *format, va_list *ap)
{
	for (; *format; format++) {
		unsigned width = 0;
		bool left = false;
		char pad = ' ';

		if (*format != '%') {
			emit(s, *format);
			continue;
		}
		format++;
		if (*format == '-') {
			left = true;
			format++;
		}
		if (*format == '0') {
			pad = '0';
			format++;
		}
		while (*format >= '0' && *format <= '9')
			width = width * 10 + (*format++ - '0');
		if (!*format)
			return;
		format_one(s, *format, ap, width, left, pad);
	}
}

void screen_printf(const char *format, ...)
{
	struct sink s = {0};
	va_list ap;

	va_start(ap, format);
	format_all(&s, format, &ap);
	va_end(ap);
}

void format_text(char *text, size_t size, const char *format, ...)
{
	struct sink s = {text, text + size - 1};
	va_list ap;

	va_start(ap, format);
	format_all(&s, format, &ap);
	va_end(ap);
	*s.p = 0;
}
