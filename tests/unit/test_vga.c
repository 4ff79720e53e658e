/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's registers, its ways to memory, its PCI face, and a fuzz of all of
 * them with the display being drawn. What is drawn: test_vga_display.c.
 */
#include "tests/unit/vga_fixture.h"

/* ---- Registers ---- */

static void test_index_registers(void)
{
	struct fixture f = fixture_make(0);

	out(&f, 0x3c2, 0x67);
	CHECK_EQ(in(&f, 0x3cc), 0x67);
	set(&f, SEQ, 2, 0xff);
	out(&f, SEQ, 2);
	CHECK_EQ(in(&f, SEQ + 1), 0x0f); /* only bits that exist */
	out(&f, SEQ, 7);
	CHECK_EQ(in(&f, SEQ + 1), 0);
	set(&f, GC, 8, 0xa5);
	CHECK_EQ(in(&f, GC + 1), 0xa5);
	set(&f, CRTC, 0x0e, 0x12);
	CHECK_EQ(in(&f, CRTC), 0x0e);
	CHECK_EQ(in(&f, CRTC + 1), 0x12);
	fixture_drop(&f);
}

static void test_crtc_protection(void)
{
	struct fixture f = fixture_make(0);

	out(&f, 0x3c2, 0x01);
	set(&f, CRTC, 0x00, 0x5f);
	set(&f, CRTC, 0x07, 0x0f);
	set(&f, CRTC, 0x11, 0x80);
	set(&f, CRTC, 0x00, 0x11);
	CHECK_EQ(in(&f, CRTC + 1), 0x5f);
	set(&f, CRTC, 0x07, 0xf0); /* but for the line compare bit */
	CHECK_EQ(in(&f, CRTC + 1), 0x1f);
	fixture_drop(&f);
}

/* CRTC and status registers move between 3Bx and 3Dx. */
static void test_mono_ports(void)
{
	struct fixture f = fixture_make(0);

	out(&f, 0x3c2, 0x00);
	out(&f, 0x3b4, 0x0f);
	out(&f, 0x3b5, 0x44);
	CHECK_EQ(in(&f, 0x3b5), 0x44);
	CHECK_EQ(in(&f, 0x3d5), 0xff);
	out(&f, 0x3d5, 0x55);
	CHECK_EQ(in(&f, 0x3b5), 0x44);
	out(&f, 0x3c2, 0x01);
	CHECK_EQ(in(&f, 0x3d5), 0x44);
	CHECK_EQ(in(&f, 0x3b5), 0xff);
	CHECK_EQ(in(&f, 0x3bc), 0xff); /* left to a printer port */
	fixture_drop(&f);
}

static void test_attribute_flip_flop(void)
{
	struct fixture f = fixture_make(0);

	out(&f, 0x3c2, 0x01);
	in(&f, 0x3da);
	out(&f, 0x3c0, 0x03);
	CHECK_EQ(in(&f, 0x3c0), 0x03);
	out(&f, 0x3c0, 0x2a);
	CHECK_EQ(in(&f, 0x3c1), 0x2a);
	out(&f, 0x3c0, 0x04); /* an index again */
	in(&f, 0x3da);        /* and again after this */
	out(&f, 0x3c0, 0x03);
	CHECK_EQ(in(&f, 0x3c1), 0x2a);
	out(&f, 0x3c0, 0x15);
	CHECK_EQ(in(&f, 0x3c1), 0x15);
	out(&f, 0x3c0, 0x1f); /* no such register */
	CHECK_EQ(in(&f, 0x3c1), 0);
	fixture_drop(&f);
}

static void test_dac(void)
{
	struct fixture f = fixture_make(0);

	out(&f, 0x3c8, 0xff);
	for (unsigned i = 0; i < 6; i++)
		out(&f, 0x3c9, (uint8_t)(0xc0 | (i + 1)));
	CHECK_EQ(in(&f, 0x3c8), 0x01); /* counted on, through 255 to 0 */
	CHECK_EQ(in(&f, 0x3c7), 0x00);
	out(&f, 0x3c7, 0xff);
	CHECK_EQ(in(&f, 0x3c7), 0x03);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(in(&f, 0x3c9), i + 1); /* six bits */
	out(&f, 0x3c8, 0x20); /* an entry given up halfway is not changed */
	out(&f, 0x3c9, 0x11);
	out(&f, 0x3c7, 0x20);
	CHECK_EQ(in(&f, 0x3c9), 0);
	vbe(&f, 4, 0x20);
	out(&f, 0x3c8, 0x21);
	for (unsigned i = 0; i < 3; i++)
		out(&f, 0x3c9, 0xfe);
	out(&f, 0x3c7, 0x21);
	CHECK_EQ(in(&f, 0x3c9), 0xfe); /* eight bits */
	fixture_drop(&f);
}

/* Counts frames by the vertical retrace bit over a second. */
static unsigned frames_a_second(struct fixture *f, unsigned *percent_off)
{
	unsigned frames = 0, off = 0, samples = 100000;
	bool before = false;

	for (unsigned i = 0; i < samples; i++) {
		uint8_t status = in(f, 0x3da);
		bool retrace = status & 0x08;

		CHECK(!retrace || status & 0x01);
		frames += retrace && !before;
		off += status & 1;
		before = retrace;
		clock_step(f->clock, NS_PER_SEC / samples);
	}
	*percent_off = off * 100 / samples;
	return frames;
}

static void test_retrace(void)
{
	struct fixture f = fixture_make(0);
	unsigned off, frames;

	set_mode(&f, &mode_03);
	frames = frames_a_second(&f, &off);
	CHECK(frames >= 69 && frames <= 71);
	CHECK(off > 15 && off < 35);
	set_mode(&f, &mode_12);
	frames = frames_a_second(&f, &off);
	CHECK(frames >= 59 && frames <= 61);
	set(&f, CRTC, 0x11, 0);
	set(&f, CRTC, 0x00, 0); /* nonsense: still a plausible beam */
	frames = frames_a_second(&f, &off);
	CHECK(frames >= 59 && frames <= 61);
	fixture_drop(&f);
}

/* ---- Memory ---- */

/* Planar writes: mode 12h's registers, one address. */
static struct fixture planar(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_12);
	return f;
}

static uint32_t planes_at(struct fixture *f, uint32_t address)
{
	uint32_t planes = 0;

	for (unsigned p = 0; p < 4; p++) {
		set(f, GC, 4, (uint8_t)p);
		planes |= peek(f, WINDOW + address, 1) << 8 * p;
	}
	return planes;
}

static void load(struct fixture *f, uint32_t address, uint32_t planes)
{
	for (unsigned p = 0; p < 4; p++) {
		set(f, SEQ, 2, (uint8_t)(1u << p));
		poke(f, WINDOW + address, planes >> 8 * p & 0xff, 1);
	}
	set(f, SEQ, 2, 0x0f);
}

static void test_write_mode_0(void)
{
	struct fixture f = planar();

	load(&f, 8, 0x12345678);
	CHECK_EQ(planes_at(&f, 8), 0x12345678);
	peek(&f, WINDOW + 8, 1); /* latches */
	set(&f, GC, 8, 0xf0);
	poke(&f, WINDOW + 8, 0xff, 1);
	CHECK_EQ(planes_at(&f, 8), 0xf2f4f6f8);
	load(&f, 9, 0); /* with the bit mask: only the high halves */
	set(&f, GC, 8, 0xff);
	set(&f, GC, 3, 4); /* rotate */
	set(&f, SEQ, 2, 0x02);
	poke(&f, WINDOW + 10, 0x1f, 1);
	CHECK_EQ(planes_at(&f, 10), 0x0000f100);
	set(&f, GC, 3, 0);
	set(&f, SEQ, 2, 0x0f);
	set(&f, GC, 0, 0x05); /* set/reset in planes 0 and 1 */
	set(&f, GC, 1, 0x03);
	poke(&f, WINDOW + 11, 0x81, 1);
	CHECK_EQ(planes_at(&f, 11), 0x818100ff);
	fixture_drop(&f);
}

static void test_functions(void)
{
	struct fixture f = planar();
	uint32_t before = 0x0cf0ff00;

	for (unsigned function = 0; function < 4; function++) {
		uint32_t data = 0x3c3c3c3c;
		uint32_t expected = function == 1 ? data & before :
				    function == 2 ? data | before :
				    function == 3 ? data ^ before :
						    data;

		set(&f, GC, 3, 0);
		load(&f, 20, before);
		peek(&f, WINDOW + 20, 1);
		set(&f, GC, 3, (uint8_t)(function << 3));
		poke(&f, WINDOW + 20, 0x3c, 1);
		CHECK_EQ(planes_at(&f, 20), expected);
	}
	fixture_drop(&f);
}

static void test_write_modes_1_to_3(void)
{
	struct fixture f = planar();

	load(&f, 30, 0xdeadbeef);
	peek(&f, WINDOW + 30, 1);
	set(&f, GC, 5, 1); /* latches to memory */
	poke(&f, WINDOW + 31, 0x00, 1);
	CHECK_EQ(planes_at(&f, 31), 0xdeadbeef);
	set(&f, GC, 5, 2); /* a colour to the bits of the mask */
	set(&f, GC, 8, 0x0f);
	peek(&f, WINDOW + 30, 1);
	poke(&f, WINDOW + 32, 0x09, 1);
	CHECK_EQ(planes_at(&f, 32), 0xdfa0b0ef);
	set(&f, GC, 5, 3); /* set/reset under data and mask */
	set(&f, GC, 0, 0x01);
	set(&f, GC, 8, 0xff);
	peek(&f, WINDOW + 30, 1);
	poke(&f, WINDOW + 33, 0xf0, 1);
	CHECK_EQ(planes_at(&f, 33), 0x0e0d0eff);
	fixture_drop(&f);
}

static void test_read_mode_1(void)
{
	struct fixture f = planar();

	load(&f, 40, 0x00ff0ff0); /* planes 3-0: colours by bit */
	set(&f, GC, 5, 0x08);
	set(&f, GC, 2, 0x05);
	set(&f, GC, 7, 0x0f);
	CHECK_EQ(peek(&f, WINDOW + 40, 1), 0xf0); /* plane 0 and 2 and not 1, 3 */
	set(&f, GC, 7, 0x00);
	CHECK_EQ(peek(&f, WINDOW + 40, 1), 0xff); /* nothing is compared */
	fixture_drop(&f);
}

static void test_odd_even(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_03);
	poke(&f, TEXT_WINDOW + 6, 0x1e41, 2);
	CHECK_EQ(peek(&f, TEXT_WINDOW + 6, 2), 0x1e41);
	CHECK_EQ(peek(&f, 0xb0000, 1), 0xff); /* not decoded */
	set(&f, SEQ, 4, 0x06);
	set(&f, GC, 5, 0x00);
	set(&f, GC, 6, 0x04);
	CHECK_EQ(planes_at(&f, 6) & 0xffff, 0x1e41); /* both at the even address */
	CHECK_EQ(planes_at(&f, 7) & 0xffff, 0);
	fixture_drop(&f);
}

static void test_window_decode(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_13);
	poke(&f, WINDOW + 5, 0x77, 1);
	CHECK_EQ(peek(&f, WINDOW + 4, 4), 0x00007700);
	CHECK_EQ(peek(&f, LFB + 5, 1), 0x77); /* chain 4 is linear */
	CHECK_EQ(peek(&f, 0xb0005, 1), 0xff);
	out(&f, 0x3c2, 0x61); /* memory off */
	CHECK_EQ(peek(&f, WINDOW + 5, 1), 0xff);
	poke(&f, WINDOW + 5, 0x11, 1);
	out(&f, 0x3c2, 0x63);
	CHECK_EQ(peek(&f, WINDOW + 5, 1), 0x77);
	set(&f, SEQ, 2, 0x0d); /* plane 1 is protected */
	poke(&f, WINDOW + 4, 0xffffffff, 4);
	CHECK_EQ(peek(&f, WINDOW + 4, 4), 0xffff77ff);
	fixture_drop(&f);
}

/* ---- VBE ---- */

static void test_vbe_registers(void)
{
	struct fixture f = fixture_make(0);

	CHECK_EQ(vbe_read(&f, 0), 0xb0c5);
	vbe(&f, 0, 0xb0c2);
	CHECK_EQ(vbe_read(&f, 0), 0xb0c2);
	vbe(&f, 0, 0x1234);
	CHECK_EQ(vbe_read(&f, 0), 0xb0c2);
	CHECK_EQ(vbe_read(&f, 10), 256);
	vbe(&f, 4, 0x02); /* capabilities */
	CHECK_EQ(vbe_read(&f, 1), 2560);
	CHECK_EQ(vbe_read(&f, 2), 1600);
	CHECK_EQ(vbe_read(&f, 3), 32);
	vbe(&f, 4, 0);
	vbe(&f, 1, 1024);
	CHECK_EQ(vbe_read(&f, 1), 1024);
	vbe(&f, 40, 1);
	CHECK_EQ(vbe_read(&f, 40), 0);
	bus_port_write(f.bus, 0x1ce, 1, 2); /* data where other adapters have it */
	bus_port_write(f.bus, 0x1d0, 800, 2);
	CHECK_EQ(bus_port_read(f.bus, 0x1d0, 2), 800);
	CHECK_EQ(bus_port_read(f.bus, 0x1ce, 2), 1);
	vbe(&f, 5, 0xffff); /* a bank beyond the end */
	CHECK_EQ(vbe_read(&f, 5), 0x00ff);
	fixture_drop(&f);
}

static void test_vbe_enable(void)
{
	struct fixture f = fixture_make(0);

	poke(&f, LFB + 100, 0x55, 1);
	vbe(&f, 1, 640);
	vbe(&f, 2, 480);
	vbe(&f, 3, 8);
	vbe(&f, 4, 0xc1); /* without clearing */
	CHECK_EQ(peek(&f, LFB + 100, 1), 0x55);
	CHECK_EQ(vbe_read(&f, 6), 640);
	vbe(&f, 8, 3);
	vbe(&f, 4, 0);
	vbe(&f, 4, 0x41);
	CHECK_EQ(peek(&f, LFB + 100, 1), 0);
	CHECK_EQ(vbe_read(&f, 8), 0);
	fixture_drop(&f);
}

/* ---- PCI ---- */

static void test_pci(void)
{
	struct fixture f = fixture_make(0);

	CHECK_EQ(pci_config_read(f.pci, 2 << 3, 0, 4), 0x11111234);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, 8, 4), 0x03000002);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, 0x2c, 4), 0x11001af4);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, PCI_BAR0, 4), LFB | 8);
	CHECK_EQ(peek(&f, ROM_BASE, 2), 0xaa55);
	CHECK_EQ(peek(&f, ROM_BASE + 4999, 2), 0x0077);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, PCI_ROM_BAR, 4), ROM_BASE | 1);
	pci_config_write(f.pci, 2 << 3, PCI_ROM_BAR, 0xffffffff, 4);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, PCI_ROM_BAR, 4), 0xffffe001); /* 8 KiB */
	fixture_drop(&f);
}

static void test_register_bar(void)
{
	struct fixture f = fixture_make(0);

	poke(&f, REGISTERS + 0x402, 0x67, 1); /* 3C2 */
	CHECK_EQ(in(&f, 0x3cc), 0x67);
	poke(&f, REGISTERS + 0x414, 0x420f, 2); /* 3D4 and 3D5 */
	CHECK_EQ(peek(&f, REGISTERS + 0x415, 1), 0x42);
	CHECK_EQ(peek(&f, REGISTERS + 0x414, 2), 0x420f);
	poke(&f, REGISTERS + 0x502, 1280, 2);
	CHECK_EQ(vbe_read(&f, 1), 1280);
	CHECK_EQ(peek(&f, REGISTERS + 0x500, 4), 1280u << 16 | 0xb0c5);
	CHECK_EQ(peek(&f, REGISTERS + 0x600, 4), 8);
	CHECK_EQ(peek(&f, REGISTERS + 0x604, 4), 0x1e1e1e1e);
	CHECK_EQ(peek(&f, REGISTERS + 0x000, 4), 0); /* no EDID */
	fixture_drop(&f);
}

static void test_reset(void)
{
	struct fixture f = fixture_make(0);

	set_mode(&f, &mode_13);
	vbe(&f, 1, 640);
	vbe(&f, 2, 480);
	vbe(&f, 4, 0x41);
	refresh(&f);
	vga_class.reset(f.vga);
	CHECK_EQ(vbe_read(&f, 4), 0);
	CHECK_EQ(pci_config_read(f.pci, 2 << 3, PCI_COMMAND, 2), 0);
	CHECK_EQ(peek(&f, LFB, 4), 0xffffffff);
	refresh(&f); /* blank, in the size there was */
	CHECK_EQ(width(&f), 640);
	CHECK_EQ(pixel(&f, 0, 0), 0);
	fixture_drop(&f);
}

static void test_impossible_wiring(void)
{
	struct vga_wiring w = {.vram_size = 3 << 20};

	CHECK(vga_create(&w) == NULL);
	w.vram_size = 1u << 31;
	CHECK(vga_create(&w) == NULL);
	w = (struct vga_wiring){.rom = "", .rom_size = 1 << 20};
	CHECK(vga_create(&w) == NULL);
}

/* ---- Fuzz ---- */

static void fuzz_vbe(struct fixture *f, uint64_t *seed)
{
	static const uint16_t sizes[] = {0, 1, 7, 8, 9, 640, 800, 2560, 2561, 0x7fff, 0xffff};
	static const uint16_t depths[] = {4, 4, 8, 15, 16, 24, 32, 5};
	static const uint16_t enables[] = {0x00, 0x41, 0xc1, 0x61, 0x03};
	uint64_t r = unit_random(seed);
	uint16_t index = r % 12, value = (uint16_t)(r >> 32);

	if (r & 0x8000)
		vbe(f, index, value);
	else if (index == 3)
		vbe(f, index, depths[value % 8]);
	else if (index == 4)
		vbe(f, index, enables[value % 5]);
	else
		vbe(f, index, sizes[value % 11]);
}

/* One random thing that a guest can do. */
static void fuzz_step(struct fixture *f, uint64_t *seed)
{
	uint64_t r = unit_random(seed);
	unsigned size = 1u << (r >> 8 & 3) % 3;
	uint32_t value = (uint32_t)(r >> 32);
	uint32_t in_window = WINDOW + (uint32_t)(r >> 16 & 0x1ffff);

	switch (r & 15) {
	case 0:
	case 1:
	case 2:
		bus_port_write(f->bus, (uint16_t)(0x3b0 + (r >> 16) % 0x30), value, size);
		break;
	case 3:
		bus_port_read(f->bus, (uint16_t)(0x3b0 + (r >> 16) % 0x30), size);
		break;
	case 4:
		set(f, CRTC, (r >> 16) % 0x20, (uint8_t)value);
		break;
	case 5:
		set(f, r & 0x100 ? SEQ : GC, (r >> 16) % 9, (uint8_t)value);
		break;
	case 6:
		set_ac(f, (r >> 16) % 0x18, (uint8_t)value);
		break;
	case 7:
		bus_port_write(f->bus, (uint16_t)(0x1cd + (r >> 16) % 5), value, size);
		bus_port_read(f->bus, (uint16_t)(0x1cd + (r >> 16) % 5), size);
		break;
	case 8:
		if (r & 0x700)
			break;
		fuzz_vbe(f, seed);
		break;
	case 9:
		poke(f, REGISTERS + (uint32_t)(r >> 16 & 0xfff), value, size);
		peek(f, REGISTERS + (uint32_t)(r >> 16 & 0xfff), size);
		break;
	case 10:
		poke(f, LFB + (uint32_t)(r >> 16 & 0xfffff), value, size);
		break;
	case 11:
		clock_step(f->clock, value & 0xffffff);
		break;
	default:
		poke(f, in_window, value, size);
		peek(f, in_window, size);
		break;
	}
}

static void check_drawn(struct fixture *f, struct display_rect r)
{
	const struct surface *s = f->display->surface(f->display->opaque);
	bool sane = s->width >= 1 && s->width <= 2560 && s->height >= 1 && s->height <= 1600 &&
		    s->stride >= s->width && r.x + r.width <= s->width &&
		    r.y + r.height <= s->height;

	if (!sane)
		fprintf(stderr, "%ux%u, %u,%u %ux%u\n", s->width, s->height, r.x, r.y, r.width,
			r.height);
	CHECK(sane);
}

/* With the screen on, and then with nothing changed but memory. */
static void fuzz_draw(struct fixture *f, uint64_t *seed)
{
	check_drawn(f, refresh(f));
	set_ac(f, 0x13, 0);
	check_drawn(f, refresh(f));
	for (unsigned i = 0; i < 4; i++) {
		uint64_t r = unit_random(seed);

		poke(f, WINDOW + (uint32_t)(r >> 16 & 0x1ffff), (uint32_t)(r >> 32), 1);
		poke(f, LFB + (uint32_t)(r >> 40 & 0xfffff), (uint32_t)r, 1);
	}
	check_drawn(f, refresh(f));
}

static void test_fuzz(void)
{
	static const struct mode_registers *const modes[] = {&mode_03, &mode_04, &mode_06,
							     &mode_12, &mode_13};
	static struct display_text text;
	struct fixture f = fixture_make(1 << 20);
	uint64_t seed = 0x5eed;

	for (unsigned i = 0; i < 400000; i++) {
		if (i % 4096 == 0)
			set_mode(&f, modes[i / 4096 % 5]);
		if (i % 8192 == 0)
			vbe(&f, 4, 0);
		fuzz_step(&f, &seed);
		if (i % 509 == 0)
			fuzz_draw(&f, &seed);
		if (i % 4001 == 0)
			f.display->text(f.display->opaque, &text);
	}
	fixture_drop(&f);
}

UNIT_MAIN("vga", {"index registers", test_index_registers},
	  {"CRTC protection", test_crtc_protection}, {"mono ports", test_mono_ports},
	  {"attribute flip-flop", test_attribute_flip_flop}, {"DAC", test_dac},
	  {"retrace", test_retrace}, {"write mode 0", test_write_mode_0},
	  {"functions", test_functions}, {"write modes 1-3", test_write_modes_1_to_3},
	  {"read mode 1", test_read_mode_1}, {"odd/even", test_odd_even},
	  {"window decode", test_window_decode}, {"VBE registers", test_vbe_registers},
	  {"VBE enable", test_vbe_enable}, {"PCI", test_pci},
	  {"register BAR", test_register_bar}, {"reset", test_reset},
	  {"impossible wiring", test_impossible_wiring}, {"fuzz", test_fuzz})
