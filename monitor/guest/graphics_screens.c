/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screens in graphics modes: a plasma in 800x600 with 32 bits a pixel through
 * VBE 2.0's linear frame buffer, and the Mandelbrot set in mode 13h with a turning
 * palette. Integers only.
 */
#include "screens.h"

#include "input.h"
#include "screen.h"

#define VBE_WIDTH 800
#define VBE_HEIGHT 600
#define VBE_LINEAR 0x4000
#define VBE_OK 0x004f
#define VBE_MODES_END 0xffff
#define MODE_PITCH 16     /* offsets in the mode information block */
#define MODE_WIDTH 18
#define MODE_HEIGHT 20
#define MODE_BITS 25
#define MODE_FRAME_BUFFER 40
#define INFO_MODES 14
#define MODE_LIST ((uint8_t *)0x6000)
#define DAC_INDEX 0x3c8
#define DAC_DATA 0x3c9
#define SIN_STEPS 256
#define SMALL_WIDTH 320
#define SMALL_HEIGHT 200
#define FIXED 12
#define MAX_STEPS 96

static struct {
	int32_t sine[SIN_STEPS];
	uint32_t colours[256];
	uint32_t frame_buffer, pitch;
} g;

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

/* A parabola for each half wave is near enough: -127 to 127. */
static void make_sine(void)
{
	for (int i = 0; i < SIN_STEPS; i++) {
		int t = i & 127, v = t * (128 - t) * 127 / 4096;

		g.sine[i] = i < 128 ? v : -v;
	}
}

static bool mode_fits(uint16_t mode)
{
	struct bios_registers r = {.eax = 0x4f01, .ecx = mode, .edi = (uint32_t)BIOS_BUFFER};
	const uint8_t *info = BIOS_BUFFER;

	bios(0x10, &r);
	if ((r.eax & 0xffff) != VBE_OK || !(info[0] & 0x80) ||
	    get16(info + MODE_WIDTH) != VBE_WIDTH || get16(info + MODE_HEIGHT) != VBE_HEIGHT ||
	    info[MODE_BITS] != 32)
		return false;
	g.pitch = get16(info + MODE_PITCH);
	memcpy(&g.frame_buffer, info + MODE_FRAME_BUFFER, 4);
	return true;
}

static bool vbe_mode(void)
{
	struct bios_registers r = {.eax = 0x4f00, .edi = (uint32_t)BIOS_BUFFER};
	const uint8_t *list;

	memcpy(BIOS_BUFFER, "VBE2", 4);
	bios(0x10, &r);
	if ((r.eax & 0xffff) != VBE_OK)
		return false;
	list = (const uint8_t *)(get16(BIOS_BUFFER + INFO_MODES + 2) * 16u +
				 get16(BIOS_BUFFER + INFO_MODES));
	memcpy(MODE_LIST, list, 512);
	for (unsigned i = 0; i < 256 && get16(MODE_LIST + 2 * i) != VBE_MODES_END; i++) {
		uint16_t mode = get16(MODE_LIST + 2 * i);

		if (!mode_fits(mode))
			continue;
		r = (struct bios_registers){.eax = 0x4f02, .ebx = mode | VBE_LINEAR};
		bios(0x10, &r);
		return (r.eax & 0xffff) == VBE_OK;
	}
	return false;
}

static void make_colours(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint32_t red = 128 + g.sine[i & 255];
		uint32_t green = 128 + g.sine[(i + 85) & 255];
		uint32_t blue = 128 + g.sine[(i + 170) & 255];

		g.colours[i] = red << 16 | green << 8 | blue;
	}
}

/* One line of the plasma: the inner loop is two loads, an add, a load, a store. */
static void plasma_line(unsigned y, unsigned time, const int32_t *columns)
{
	uint32_t *pixel = (uint32_t *)(g.frame_buffer + y * g.pitch);
	int32_t row = g.sine[(y / 2 + time) & 255] + g.sine[(y + 3 * time) & 255] / 2;

	for (unsigned x = 0; x < VBE_WIDTH; x++)
		pixel[x] = g.colours[(uint8_t)(columns[x] + row)];
}

static void draw_title(const char *text)
{
	struct bios_registers r = {.eax = 0x1130, .ebx = 0x0600}; /* the 8x16 font */
	const uint8_t *font;

	bios(0x10, &r);
	font = (const uint8_t *)((r.es & 0xffff) * 16 + (r.ebp & 0xffff));
	for (unsigned n = 0; text[n]; n++)
		for (unsigned y = 0; y < 16; y++) {
			uint8_t bits = font[(uint8_t)text[n] * 16 + y];
			uint32_t *pixel = (uint32_t *)(g.frame_buffer + (8 + y) * g.pitch) + 8 +
					  n * 8;

			for (unsigned x = 0; x < 8; x++)
				pixel[x] = bits & 0x80 >> x ? 0xffffff : 0x202040;
		}
}

static bool any_key(void)
{
	struct event e;

	if (power_button_pressed()) {
		screen_text_mode();
		power_off();
	}
	while (input_poll(&e))
		if (e.kind == EVENT_KEY && !e.released)
			return true;
	return false;
}

void show_plasma(void)
{
	static int32_t columns[VBE_WIDTH];
	unsigned frames = 0, rate = 0, rated = ticks;
	char title[64];

	if (!vbe_mode()) {
		screen_text_mode();
		draw_desktop("Graphics", "Any key goes back to the menu.");
		draw_text(4, 4, ATTR_BOX, "There is no VBE mode of 800x600 with 32 bits here.");
		input_key();
		return;
	}
	make_sine();
	make_colours();
	serial_print("graphics 800x600x32\n");
	for (unsigned time = 0; !any_key(); time++) {
		for (unsigned x = 0; x < VBE_WIDTH; x++)
			columns[x] = g.sine[(x / 3 + 2 * time) & 255] +
				     g.sine[(x / 2 + 256 - (time & 255)) & 255] / 2;
		for (unsigned y = 32; y < VBE_HEIGHT; y++)
			plasma_line(y, time, columns);
		frames++;
		if (ticks - rated >= TIMER_HZ) {
			rate = frames * TIMER_HZ / (ticks - rated);
			rated = ticks;
			frames = 0;
		}
		format_text(title, sizeof(title), "Transvisor  800x600, 32 bits  %3u frames/s  ",
			    rate);
		draw_title(title);
	}
	screen_text_mode();
}

/* ---- Mandelbrot ---- */

static uint8_t mandelbrot_point(int32_t cx, int32_t cy)
{
	int32_t x = 0, y = 0;
	unsigned n;

	for (n = 0; n < MAX_STEPS; n++) {
		int32_t xx = x * x >> FIXED, yy = y * y >> FIXED;

		if (xx + yy > 4 << FIXED)
			break;
		y = (x * y >> (FIXED - 1)) + cy;
		x = xx - yy + cx;
	}
	return n == MAX_STEPS ? 0 : 1 + n * 5 % 255;
}

static void turn_palette(unsigned by)
{
	out8(DAC_INDEX, 0);
	for (unsigned i = 0; i < 256; i++)
		for (unsigned part = 0; part < 3; part++) {
			unsigned phase = ((i + by) * (part + 1) + part * 85) & 255;

			out8(DAC_DATA, i ? (128 + g.sine[phase]) >> 2 : 0);
		}
}

void show_mandelbrot(void)
{
	struct bios_registers r = {.eax = 0x0013};
	volatile uint8_t *pixels = (volatile uint8_t *)0xa0000;

	bios(0x10, &r);
	make_sine();
	turn_palette(0);
	serial_print("graphics 320x200x8\n");
	/* Coarse first: every 4th line and column, then every 2nd, then all. */
	for (int step = 4; step; step /= 2)
		for (int y = 0; y < SMALL_HEIGHT; y += step) {
			for (int x = 0; x < SMALL_WIDTH; x += step) {
				uint8_t v = mandelbrot_point((x - 220) * 11 << (FIXED - 10),
							     (y - 100) * 12 << (FIXED - 10));

				for (int i = 0; i < step * step; i++)
					pixels[(y + i / step) * SMALL_WIDTH + x + i % step] = v;
			}
			if (any_key())
				goto out;
		}
	for (unsigned by = 0; !any_key(); by++) {
		turn_palette(by);
		wait_ticks(4);
	}
out:
	screen_text_mode();
}
