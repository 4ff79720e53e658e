/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the VGA draws in each kind of mode, and how little of it at a time. */
#include "tests/unit/vga_fixture.h"

#define GLYPH_A 0x81 /* the dots of every row of the test font's 'A' */

/* 16 rows a glyph: 'A' and the line character C4 are known patterns. */
static void load_font(struct fixture *f)
{
	set(f, SEQ, 2, 0x04);
	set(f, SEQ, 4, 0x06);
	set(f, GC, 5, 0x00);
	set(f, GC, 6, 0x05);
	for (unsigned row = 0; row < 16; row++) {
		poke(f, WINDOW + 'A' * 32 + row, GLYPH_A, 1);
		poke(f, WINDOW + 0xc4 * 32 + row, row == 7 ? 0xff : 0, 1);
		poke(f, WINDOW + 0x4000 + 'A' * 32 + row, 0x18, 1); /* the second font */
	}
	set(f, SEQ, 2, 0x03);
	set(f, SEQ, 4, 0x02);
	set(f, GC, 5, 0x10);
	set(f, GC, 6, 0x0e);
}

static void put_text(struct fixture *f, unsigned x, unsigned y, uint8_t c, uint8_t attribute)
{
	poke(f, TEXT_WINDOW + 2 * (80 * y + x), (uint32_t)(c | attribute << 8), 2);
}

static struct fixture text_mode(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_03);
	load_font(&f);
	set(&f, CRTC, 0x0a, 0x20); /* cursor off */
	for (unsigned i = 0; i < 80 * 25; i++)
		poke(&f, TEXT_WINDOW + 2 * i, 0x0700, 2);
	refresh(&f);
	return f;
}

static uint32_t ink(unsigned attribute)
{
	return dac_pixel(mode_03.ac[attribute]);
}

static void test_text(void)
{
	struct fixture f = text_mode();
	struct display_rect r;

	CHECK(f.resized);
	CHECK_EQ(width(&f), 720);
	CHECK_EQ(height(&f), 400);
	put_text(&f, 3, 2, 'A', 0x1e);
	r = refresh(&f);
	CHECK(!f.resized);
	CHECK_EQ(r.x, 27);
	CHECK_EQ(r.y, 32);
	CHECK_EQ(r.width, 9);
	CHECK_EQ(r.height, 16);
	CHECK_EQ(pixel(&f, 27, 32), ink(14));
	CHECK_EQ(pixel(&f, 28, 32), ink(1));
	CHECK_EQ(pixel(&f, 34, 47), ink(14));
	CHECK_EQ(pixel(&f, 35, 32), ink(1)); /* the ninth dot */
	put_text(&f, 0, 0, 0xc4, 0x07);
	refresh(&f);
	CHECK_EQ(pixel(&f, 8, 7), ink(7)); /* line graphics reach into it */
	CHECK_EQ(pixel(&f, 8, 8), ink(0));
	r = refresh(&f);
	CHECK_EQ(r.width, 0);
	put_text(&f, 0, 0, 0xc4, 0x07); /* the same again */
	CHECK_EQ(refresh(&f).width, 0);
	fixture_drop(&f);
}

static void test_text_contents(void)
{
	struct fixture f = text_mode();
	static struct display_text t;

	put_text(&f, 79, 24, 'Z', 0x4f);
	set(&f, CRTC, 0x0a, 0x0d);
	set(&f, CRTC, 0x0e, 0);
	set(&f, CRTC, 0x0f, 85);
	f.display->text(f.display->opaque, &t);
	CHECK_EQ(t.columns, 80);
	CHECK_EQ(t.rows, 25);
	CHECK_EQ(t.cells[24 * 80 + 79], 0x4f00 | 'Z');
	CHECK_EQ(t.cursor_x, 5);
	CHECK_EQ(t.cursor_y, 1);
	set(&f, CRTC, 0x0d, 80); /* scrolled by one line */
	f.display->text(f.display->opaque, &t);
	CHECK_EQ(t.cells[23 * 80 + 79], 0x4f00 | 'Z');
	set_mode(&f, &mode_13);
	f.display->text(f.display->opaque, &t);
	CHECK_EQ(t.columns, 0);
	fixture_drop(&f);
}

static void test_cursor(void)
{
	struct fixture f = text_mode();
	struct display_rect r;

	set(&f, CRTC, 0x0a, 0x0d);
	set(&f, CRTC, 0x0b, 0x0e);
	set(&f, CRTC, 0x0f, 2);
	r = refresh(&f);
	CHECK_EQ(r.x, 18);
	CHECK_EQ(r.width, 9);
	CHECK_EQ(pixel(&f, 18, 12), ink(0));
	CHECK_EQ(pixel(&f, 18, 13), ink(7));
	CHECK_EQ(pixel(&f, 26, 14), ink(7));
	CHECK_EQ(pixel(&f, 18, 15), ink(0));
	set(&f, CRTC, 0x0f, 4); /* both places are redrawn, nothing else */
	r = refresh(&f);
	CHECK_EQ(r.x, 18);
	CHECK_EQ(r.width, 27);
	CHECK_EQ(r.height, 16);
	CHECK_EQ(pixel(&f, 18, 13), ink(0));
	CHECK_EQ(pixel(&f, 36, 13), ink(7));
	clock_step(f.clock, NS_PER_SEC * 16 / 70 + 1);
	CHECK_EQ(refresh(&f).width, 9);
	CHECK_EQ(pixel(&f, 36, 13), ink(0));
	set(&f, CRTC, 0x0b, 0x0c); /* an end before the start: none */
	clock_step(f.clock, NS_PER_SEC * 16 / 70);
	refresh(&f);
	CHECK_EQ(pixel(&f, 36, 13), ink(0));
	fixture_drop(&f);
}

static void test_blink(void)
{
	struct fixture f = text_mode();

	put_text(&f, 0, 0, 'A', 0x9f); /* blinking white on blue */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(15));
	clock_step(f.clock, 2 * (NS_PER_SEC * 16 / 70) + 2);
	CHECK_EQ(refresh(&f).width, 9);
	CHECK_EQ(pixel(&f, 0, 0), ink(1));
	set_ac(&f, 0x10, 0x04); /* intensity instead */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(15));
	CHECK_EQ(pixel(&f, 1, 0), ink(9));
	fixture_drop(&f);
}

static void test_text_variants(void)
{
	struct fixture f = text_mode();

	put_text(&f, 0, 0, 'A', 0x0f);
	set(&f, SEQ, 3, 0x04); /* map A is font 1, map B font 0 */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(0));
	CHECK_EQ(pixel(&f, 3, 0), ink(15));
	set(&f, SEQ, 3, 0x00);
	set(&f, SEQ, 1, 0x01); /* 8 dots */
	refresh(&f);
	CHECK(f.resized);
	CHECK_EQ(width(&f), 640);
	put_text(&f, 1, 0, 'A', 0x01); /* the underline attribute */
	set(&f, CRTC, 0x14, 0x05);
	refresh(&f);
	CHECK_EQ(pixel(&f, 9, 5), ink(1));
	CHECK_EQ(pixel(&f, 9, 6), ink(0));
	set(&f, SEQ, 1, 0x09); /* 40 columns of double width */
	set(&f, CRTC, 0x11, 0x0e); /* unlock 0-7 */
	set(&f, CRTC, 1, 39);
	set(&f, CRTC, 0x13, 20);
	refresh(&f);
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(pixel(&f, 0, 0), ink(15));
	CHECK_EQ(pixel(&f, 1, 0), ink(15));
	CHECK_EQ(pixel(&f, 2, 0), ink(0));
	fixture_drop(&f);
}

/* Rewriting a glyph redraws what shows it; panning moves the picture left. */
static void test_font_and_panning(void)
{
	struct fixture f = text_mode();

	put_text(&f, 0, 0, 'A', 0x07);
	refresh(&f);
	set(&f, SEQ, 2, 0x04);
	set(&f, SEQ, 4, 0x06);
	set(&f, GC, 5, 0x00);
	poke(&f, 0xb8000 - 0x18000 + 'A' * 32, 0, 1); /* outside of the window */
	CHECK_EQ(refresh(&f).width, 0);
	set(&f, GC, 6, 0x04);
	poke(&f, WINDOW + 'A' * 32, 0x7e, 1);
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(0));
	CHECK_EQ(pixel(&f, 1, 0), ink(7));
	set_ac(&f, 0x13, 0); /* 9 dots: one to the left */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(7));
	CHECK_EQ(pixel(&f, 0, 1), ink(0));
	CHECK_EQ(pixel(&f, 6, 1), ink(7));
	fixture_drop(&f);
}

static void test_split_screen(void)
{
	struct fixture f = text_mode();

	put_text(&f, 0, 0, 'A', 0x07);
	set(&f, CRTC, 0x0d, 80);   /* the screen begins with row 1 */
	set(&f, CRTC, 0x18, 0x8f); /* line compare 0x18f - 0x80 = 271 */
	set(&f, CRTC, 0x09, 0x0f);
	set(&f, CRTC, 0x07, 0x0f);
	set(&f, CRTC, 0x11, 0x0e);
	set(&f, CRTC, 0x07, 0x0f);
	set(&f, CRTC, 0x18, 0xc7); /* 199 */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(0));
	CHECK_EQ(pixel(&f, 0, 199), ink(0));
	CHECK_EQ(pixel(&f, 0, 200), ink(7));
	CHECK_EQ(pixel(&f, 0, 215), ink(7));
	CHECK_EQ(pixel(&f, 0, 216), ink(0));
	fixture_drop(&f);
}

static void test_planar(void)
{
	struct fixture f = fixture_make(0);
	struct display_rect r;

	set_mode(&f, &mode_12);
	refresh(&f);
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(height(&f), 480);
	set(&f, SEQ, 2, 0x05);
	poke(&f, WINDOW + 100 * 80 + 2, 0xc0, 1);
	r = refresh(&f);
	CHECK(r.height && r.height < 30 && r.y <= 100 && r.y + r.height > 100);
	CHECK_EQ(pixel(&f, 16, 100), dac_pixel(5));
	CHECK_EQ(pixel(&f, 17, 100), dac_pixel(5));
	CHECK_EQ(pixel(&f, 18, 100), dac_pixel(0));
	CHECK_EQ(refresh(&f).width, 0);
	set_ac(&f, 0x12, 0x04); /* only plane 2 is shown */
	refresh(&f);
	CHECK_EQ(pixel(&f, 16, 100), dac_pixel(4));
	set_ac(&f, 0x13, 3);
	refresh(&f);
	CHECK_EQ(pixel(&f, 13, 100), dac_pixel(4));
	CHECK_EQ(pixel(&f, 15, 100), dac_pixel(0));
	set(&f, CRTC, 0x0d, 80);
	refresh(&f);
	CHECK_EQ(pixel(&f, 13, 99), dac_pixel(4));
	fixture_drop(&f);
}

static void test_chain4(void)
{
	struct fixture f = fixture_make(0);
	struct display_rect r;

	set_mode(&f, &mode_13);
	refresh(&f);
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(height(&f), 400);
	poke(&f, WINDOW + 320 * 5 + 4, 0x04030201, 4);
	r = refresh(&f);
	CHECK(r.y <= 10 && r.y + r.height >= 12 && r.height <= 32);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(pixel(&f, 8 + 2 * i, 10), dac_pixel(1 + i));
		CHECK_EQ(pixel(&f, 9 + 2 * i, 11), dac_pixel(1 + i));
	}
	CHECK_EQ(pixel(&f, 8, 12), dac_pixel(0));
	out(&f, 0x3c6, 0x02);
	refresh(&f);
	CHECK_EQ(pixel(&f, 12, 10), dac_pixel(2)); /* colour 3 through the mask */
	fixture_drop(&f);
}

static void test_mode_x(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_13);
	set(&f, SEQ, 4, 0x06);
	set(&f, CRTC, 0x14, 0x00);
	set(&f, CRTC, 0x17, 0xe3);
	for (unsigned plane = 0; plane < 4; plane++) {
		set(&f, SEQ, 2, (uint8_t)(1u << plane));
		poke(&f, WINDOW + 80 * 3 + 1, 10 + plane, 1);
		poke(&f, WINDOW + 16000 + 80 * 3 + 1, 20 + plane, 1);
	}
	refresh(&f);
	for (unsigned x = 0; x < 4; x++)
		CHECK_EQ(pixel(&f, 2 * (4 + x), 6), dac_pixel(10 + x));
	set(&f, CRTC, 0x0c, 16000 >> 8); /* flip to the second page */
	set(&f, CRTC, 0x0d, 16000 & 0xff);
	refresh(&f);
	for (unsigned x = 0; x < 4; x++)
		CHECK_EQ(pixel(&f, 2 * (4 + x), 6), dac_pixel(20 + x));
	fixture_drop(&f);
}

static void test_cga(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_04);
	poke(&f, TEXT_WINDOW + 80 + 1, 0x1b, 1);          /* line 2: colours 0 1 2 3 */
	poke(&f, TEXT_WINDOW + 0x2000 + 80 + 0, 0xe4, 1); /* line 3: 3 2 1 0 */
	refresh(&f);
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(height(&f), 400);
	CHECK_EQ(pixel(&f, 8, 4), dac_pixel(0));
	CHECK_EQ(pixel(&f, 10, 4), dac_pixel(0x13));
	CHECK_EQ(pixel(&f, 12, 5), dac_pixel(0x15));
	CHECK_EQ(pixel(&f, 14, 5), dac_pixel(0x17));
	CHECK_EQ(pixel(&f, 0, 6), dac_pixel(0x17));
	CHECK_EQ(pixel(&f, 4, 7), dac_pixel(0x13));
	set_mode(&f, &mode_06);
	poke(&f, TEXT_WINDOW + 80 + 1, 0x80, 1);
	poke(&f, TEXT_WINDOW + 0x2000, 0x01, 1);
	refresh(&f);
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(pixel(&f, 8, 4), dac_pixel(0x17));
	CHECK_EQ(pixel(&f, 9, 4), dac_pixel(0));
	CHECK_EQ(pixel(&f, 7, 2), dac_pixel(0x17));
	fixture_drop(&f);
}

static void test_blank(void)
{
	struct fixture f = text_mode();

	put_text(&f, 0, 0, 'A', 0x07);
	refresh(&f);
	set(&f, SEQ, 1, 0x20);
	CHECK_EQ(refresh(&f).width, 720);
	CHECK(!f.resized);
	CHECK_EQ(pixel(&f, 0, 0), 0);
	CHECK_EQ(refresh(&f).width, 0);
	set(&f, SEQ, 1, 0x00);
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), ink(7));
	set_ac(&f, 0x11, 0x04);
	in(&f, 0x3da);
	out(&f, 0x3c0, 0x00); /* the palette is the processor's: border colour */
	refresh(&f);
	CHECK_EQ(pixel(&f, 0, 0), dac_pixel(4));
	fixture_drop(&f);
}

static void vbe_mode(struct fixture *f, unsigned w, unsigned h, unsigned bpp, unsigned flags)
{
	vbe(f, 4, 0);
	vbe(f, 1, (uint16_t)w);
	vbe(f, 2, (uint16_t)h);
	vbe(f, 3, (uint16_t)bpp);
	vbe(f, 4, (uint16_t)(0x41 | flags));
	set_ac(f, 0x10, 0x41);
}

static void test_vbe_depths(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_13);
	vbe_mode(&f, 800, 600, 32, 0);
	poke(&f, LFB + 4 * (800 * 7 + 9), 0xff123456, 4);
	refresh(&f);
	CHECK(f.resized);
	CHECK_EQ(width(&f), 800);
	CHECK_EQ(height(&f), 600);
	CHECK_EQ(pixel(&f, 9, 7), 0x123456);
	vbe_mode(&f, 800, 600, 24, 0);
	CHECK_EQ(peek(&f, LFB + 4 * (800 * 7 + 9), 4), 0); /* cleared */
	poke(&f, LFB + 3 * (800 * 7 + 9), 0x123456, 4);
	refresh(&f);
	CHECK_EQ(pixel(&f, 9, 7), 0x123456);
	vbe_mode(&f, 800, 600, 16, 0);
	poke(&f, LFB + 2 * 9, 0xf81f, 2);
	poke(&f, LFB + 2 * 10, 0x07e0, 2);
	refresh(&f);
	CHECK_EQ(pixel(&f, 9, 0), 0xff00ff);
	CHECK_EQ(pixel(&f, 10, 0), 0x00ff00);
	vbe_mode(&f, 800, 600, 15, 0);
	poke(&f, LFB + 2 * 9, 0x7c1f, 2);
	refresh(&f);
	CHECK_EQ(pixel(&f, 9, 0), 0xff00ff);
	vbe_mode(&f, 640, 480, 8, 0);
	poke(&f, LFB + 5, 200, 1);
	refresh(&f);
	CHECK_EQ(pixel(&f, 5, 0), dac_pixel(200));
	vbe(&f, 4, 0x61); /* 8 bits a DAC component */
	out(&f, 0x3c8, 200);
	out(&f, 0x3c9, 0x12);
	out(&f, 0x3c9, 0xff);
	out(&f, 0x3c9, 0x01);
	refresh(&f);
	CHECK_EQ(pixel(&f, 5, 0), 0x12ff01);
	fixture_drop(&f);
}

static void test_vbe_dirty(void)
{
	struct fixture f = fixture_make(0);
	struct display_rect r;

	set_mode(&f, &mode_13);
	vbe_mode(&f, 1024, 768, 32, 0);
	refresh(&f);
	CHECK_EQ(refresh(&f).width, 0);
	poke(&f, LFB + 4096 * 100, 0xffffff, 4); /* a line is a page */
	r = refresh(&f);
	CHECK_EQ(r.y, 100);
	CHECK_EQ(r.height, 1);
	CHECK_EQ(refresh(&f).width, 0);
	vbe(&f, 5, 2);                    /* bank 2: line 32 */
	poke(&f, WINDOW + 8, 0x00ff00, 4);
	r = refresh(&f);
	CHECK_EQ(r.y, 32);
	CHECK_EQ(r.height, 1);
	CHECK_EQ(pixel(&f, 2, 32), 0x00ff00);
	CHECK_EQ(peek(&f, LFB + 0x20008, 4), 0x00ff00);
	fixture_drop(&f);
}

static void test_vbe_panning(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_13);
	vbe_mode(&f, 640, 480, 32, 0);
	vbe(&f, 6, 1000);
	CHECK_EQ(vbe_read(&f, 6), 1000);
	CHECK_EQ(vbe_read(&f, 7), (16u << 20) / 4000);
	poke(&f, LFB + 4000 * 20 + 4 * 30, 0xabcdef, 4);
	vbe(&f, 8, 10);
	vbe(&f, 9, 5);
	refresh(&f);
	CHECK_EQ(pixel(&f, 20, 15), 0xabcdef);
	vbe_mode(&f, 800, 600, 4, 0);
	set(&f, SEQ, 4, 0x06);
	set(&f, SEQ, 2, 0x0a);
	set(&f, GC, 5, 0x00);
	poke(&f, WINDOW + 100 * 3 + 1, 0x80, 1);
	refresh(&f);
	CHECK_EQ(pixel(&f, 8, 3), dac_pixel(10));
	CHECK_EQ(pixel(&f, 9, 3), dac_pixel(0));
	vbe(&f, 8, 3);
	refresh(&f);
	CHECK_EQ(pixel(&f, 5, 3), dac_pixel(10));
	fixture_drop(&f);
}

UNIT_MAIN("vga display", {"text", test_text}, {"text contents", test_text_contents},
	  {"cursor", test_cursor}, {"blink", test_blink}, {"text variants", test_text_variants},
	  {"font and panning", test_font_and_panning}, {"split screen", test_split_screen},
	  {"planar", test_planar}, {"chain 4", test_chain4}, {"mode X", test_mode_x},
	  {"CGA", test_cga}, {"blank", test_blank}, {"VBE depths", test_vbe_depths},
	  {"VBE dirty tracking", test_vbe_dirty}, {"VBE panning", test_vbe_panning})
