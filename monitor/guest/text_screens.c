/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screens in text mode: colours and characters, keyboard, mouse, and what
 * the machine consists of.
 */
#include "screens.h"

#include "input.h"
#include "screen.h"

#define MOUSE_STEP 8 /* mouse counts to a character cell, doubled vertically */

void show_text(void)
{
	char cell[5];

	draw_desktop("Text screen", "Any key goes back to the menu.");
	draw_box(2, 3, 20, 36, ATTR_BOX);
	draw_text(2, 6, ATTR_BOX, " 16 colours on 16 ");
	for (unsigned i = 0; i < 256; i++) {
		unsigned row = 4 + (i >> 4), column = 5 + (i & 15) * 2;

		draw_text(row, column, i, "\xb2\x03");
	}
	draw_box(2, 42, 20, 35, ATTR_BOX);
	draw_text(2, 45, ATTR_BOX, " 256 characters ");
	for (unsigned i = 0; i < 256; i++)
		CELLS[(4 + (i >> 4)) * COLUMNS + 44 + (i & 15) * 2] = ATTR_HOTKEY << 8 | i;
	for (unsigned i = 0; i < COLUMNS - 4; i++) {
		format_text(cell, sizeof(cell), "%c", "\xb0\xb1\xb2\xdb\xb2\xb1"[i % 6]);
		draw_text(23, 2 + i, 1 + i / 5 % 15, cell);
	}
	serial_print("text screen\n");
	input_key();
}

/* A keyboard drawn in text: what set 1 calls each key, and where it is. */
static const struct key_cap {
	uint8_t scancode, extended, row, column;
	const char *label;
} key_caps[] = {
	{0x01, 0, 0, 0, "Esc"}, {0x3b, 0, 0, 6, "F1"}, {0x3c, 0, 0, 9, "F2"},
	{0x3d, 0, 0, 12, "F3"}, {0x3e, 0, 0, 15, "F4"}, {0x3f, 0, 0, 20, "F5"},
	{0x40, 0, 0, 23, "F6"}, {0x41, 0, 0, 26, "F7"}, {0x42, 0, 0, 29, "F8"},
	{0x43, 0, 0, 34, "F9"}, {0x44, 0, 0, 37, "F10"}, {0x57, 0, 0, 41, "F11"},
	{0x58, 0, 0, 45, "F12"}, {0x46, 0, 0, 52, "Scroll"},
	{0x29, 0, 2, 0, " ` "}, {0x02, 0, 2, 4, "1"}, {0x03, 0, 2, 7, "2"},
	{0x04, 0, 2, 10, "3"}, {0x05, 0, 2, 13, "4"}, {0x06, 0, 2, 16, "5"},
	{0x07, 0, 2, 19, "6"}, {0x08, 0, 2, 22, "7"}, {0x09, 0, 2, 25, "8"},
	{0x0a, 0, 2, 28, "9"}, {0x0b, 0, 2, 31, "0"}, {0x0c, 0, 2, 34, "-"},
	{0x0d, 0, 2, 37, "="}, {0x0e, 0, 2, 40, " \x1b Back "}, {0x52, 1, 2, 52, "Ins"},
	{0x47, 1, 2, 57, "Home"}, {0x49, 1, 2, 63, "PgUp"},
	{0x0f, 0, 4, 0, "Tab "}, {0x10, 0, 4, 5, "Q"}, {0x11, 0, 4, 8, "W"},
	{0x12, 0, 4, 11, "E"}, {0x13, 0, 4, 14, "R"}, {0x14, 0, 4, 17, "T"},
	{0x15, 0, 4, 20, "Y"}, {0x16, 0, 4, 23, "U"}, {0x17, 0, 4, 26, "I"},
	{0x18, 0, 4, 29, "O"}, {0x19, 0, 4, 32, "P"}, {0x1a, 0, 4, 35, "["},
	{0x1b, 0, 4, 38, "]"}, {0x1c, 0, 4, 42, "Enter"}, {0x53, 1, 4, 52, "Del"},
	{0x4f, 1, 4, 57, "End "}, {0x51, 1, 4, 63, "PgDn"},
	{0x3a, 0, 6, 0, "Caps "}, {0x1e, 0, 6, 6, "A"}, {0x1f, 0, 6, 9, "S"},
	{0x20, 0, 6, 12, "D"}, {0x21, 0, 6, 15, "F"}, {0x22, 0, 6, 18, "G"},
	{0x23, 0, 6, 21, "H"}, {0x24, 0, 6, 24, "J"}, {0x25, 0, 6, 27, "K"},
	{0x26, 0, 6, 30, "L"}, {0x27, 0, 6, 33, ";"}, {0x28, 0, 6, 36, "'"},
	{0x2b, 0, 6, 39, "\\"},
	{0x2a, 0, 8, 0, "Shift "}, {0x2c, 0, 8, 7, "Z"}, {0x2d, 0, 8, 10, "X"},
	{0x2e, 0, 8, 13, "C"}, {0x2f, 0, 8, 16, "V"}, {0x30, 0, 8, 19, "B"},
	{0x31, 0, 8, 22, "N"}, {0x32, 0, 8, 25, "M"}, {0x33, 0, 8, 28, ","},
	{0x34, 0, 8, 31, "."}, {0x35, 0, 8, 34, "/"}, {0x36, 0, 8, 39, " Shift  "},
	{0x48, 1, 8, 58, "\x18"},
	{0x1d, 0, 10, 0, "Ctrl"}, {0x5b, 1, 10, 5, "Win"}, {0x38, 0, 10, 9, "Alt"},
	{0x39, 0, 10, 13, "       Space       "}, {0x38, 1, 10, 33, "AltGr"},
	{0x5d, 1, 10, 39, "Menu"}, {0x1d, 1, 10, 44, "Ctrl"}, {0x4b, 1, 10, 54, "\x1b"},
	{0x50, 1, 10, 58, "\x19"}, {0x4d, 1, 10, 62, "\x1a"},
};

static void draw_key(const struct key_cap *k, bool down)
{
	char label[24];

	format_text(label, sizeof(label), strlen(k->label) == 1 ? " %s" : "%s", k->label);
	draw_text(4 + k->row, 6 + k->column, down ? 0xe0 : ATTR_TITLE, label);
	if (strlen(k->label) == 1)
		draw_text(4 + k->row, 8 + k->column, ATTR_BOX, "");
}

static void draw_event(const struct event *e)
{
	char text[60];

	for (unsigned i = 0; i < sizeof(key_caps) / sizeof(*key_caps); i++)
		if (key_caps[i].scancode == e->scancode && key_caps[i].extended == e->extended)
			draw_key(&key_caps[i], !e->released);
	if (!e->scancode)
		format_text(text, sizeof(text), "serial port: character %02x ", e->key);
	else
		format_text(text, sizeof(text), "scan code %s%02x, %s", e->extended ? "e0 " : "",
			    e->scancode, e->released ? "released" : "pressed");
	draw_fill(18, 6, 1, 66, ATTR_BOX, ' ');
	draw_text(18, 6, ATTR_HOTKEY, text);
	if (e->key >= 32 && e->key < 127) {
		format_text(text, sizeof(text), "character %c", e->key);
		draw_text(18, 40, ATTR_HOTKEY, text);
	}
}

void show_keyboard(void)
{
	struct event e;
	unsigned escapes = 0;

	draw_desktop("Keyboard", "Press keys. Escape twice goes back to the menu.");
	draw_box(2, 3, 18, 74, ATTR_BOX);
	draw_text(2, 6, ATTR_BOX, " Keys light up while they are down ");
	for (unsigned i = 0; i < sizeof(key_caps) / sizeof(*key_caps); i++)
		draw_key(&key_caps[i], false);
	serial_print("keyboard test\n");
	while (escapes < 2) {
		input_wait(&e, 0);
		if (e.kind != EVENT_KEY)
			continue;
		draw_event(&e);
		if (!e.released)
			escapes = e.key == KEY_ESC ? escapes + 1 : 0;
	}
}

static void mouse_status(int column, int row, const struct event *e)
{
	static const char *const names[] = {"left", "right", "middle"};
	char text[64];

	format_text(text, sizeof(text), "column %2d, row %2d   moved %4d %4d   ", column, row,
		    e->dx, e->dy);
	draw_text(ROWS - 1, 28, ATTR_TITLE, text);
	for (unsigned i = 0; i < 3; i++)
		draw_text(0, 30 + i * 9, e->buttons & 1u << i ? 0x2f : ATTR_TITLE, names[i]);
}

static void invert(unsigned row, unsigned column)
{
	CELLS[row * COLUMNS + column] ^= 0x7700;
}

static int clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

void show_mouse(void)
{
	static const uint8_t ink[8] = {0, 0x2a, 0x4c, 0x6e, 0x1b, 0x3b, 0x5d, 0x7f};
	int x = COLUMNS / 2 * MOUSE_STEP, y = ROWS / 2 * MOUSE_STEP * 2;
	int column = COLUMNS / 2, row = ROWS / 2;
	struct event e = {0};

	draw_desktop("Mouse", "Buttons paint. A key: menu.");
	draw_fill(1, 0, ROWS - 2, COLUMNS, ATTR_DESKTOP, ' ');
	serial_print("mouse test\n");
	invert(row, column);
	for (;;) {
		mouse_status(column, row, &e);
		input_wait(&e, 0);
		if (e.kind == EVENT_KEY && !e.released)
			return;
		if (e.kind != EVENT_MOUSE)
			continue;
		x = clamp(x + e.dx, 0, COLUMNS * MOUSE_STEP - 1);
		y = clamp(y - e.dy, MOUSE_STEP * 2, (ROWS - 1) * MOUSE_STEP * 2 - 1);
		invert(row, column);
		column = x / MOUSE_STEP;
		row = y / (MOUSE_STEP * 2);
		if (e.buttons & 7)
			CELLS[row * COLUMNS + column] = ink[e.buttons & 7] << 8 | 0xfe;
		invert(row, column);
	}
}

static void show_processor(void)
{
	uint32_t r[4], brand[13] = {0};
	char vendor[13] = "";

	cpuid(0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	cpuid(0x80000000, r);
	for (unsigned i = 0; i < 3 && r[0] >= 0x80000004; i++)
		cpuid(0x80000002 + i, brand + i * 4);
	screen_printf("Processor  %s %s\n", vendor, (const char *)brand);
	cpuid(1, r);
	screen_printf("           family %u, model %u, stepping %u, features %x %x\n",
		      r[0] >> 8 & 15, r[0] >> 4 & 15, r[0] & 15, r[3], r[2]);
}

static void show_memory(void)
{
	static const char *const types[] = {"?", "usable", "reserved", "ACPI tables", "ACPI NVS"};
	struct memory_range ranges[10];
	unsigned n = memory_map(ranges, 10);

	for (unsigned i = 0; i < n; i++)
		screen_printf("%-11s%08x%08x  %8u KiB  %s\n", i ? "" : "Memory",
			      (uint32_t)(ranges[i].base >> 32), (uint32_t)ranges[i].base,
			      (uint32_t)(ranges[i].size >> 10),
			      ranges[i].type < 5 ? types[ranges[i].type] : "?");
}

static void show_pci(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 32 * 8 && n < 8; i++) {
		uint32_t id = pci_read(i / 8, i % 8, 0), class = pci_read(i / 8, i % 8, 8);

		if ((id & 0xffff) == 0xffff)
			continue;
		screen_printf("%-11s%02u.%u  %04x:%04x  class %04x\n", n++ ? "" : "PCI", i / 8,
			      i % 8, id & 0xffff, id >> 16, class >> 16);
	}
}

void show_information(void)
{
	draw_desktop("This machine", "Any key goes back to the menu.");
	draw_box(2, 2, 21, 75, ATTR_BOX);
	screen_window(3, 21, 4);
	screen_attribute(ATTR_BOX);
	screen_printf("\n");
	show_processor();
	show_memory();
	show_pci();
	input_key();
}
