/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The carried guest: what `transvisor` boots when it is given nothing to boot.
 * A menu, usable with arrow keys, with digits, and over the serial port.
 *
 * When the byte `autorun` of the boot sector (offset 16) is 'T', the self test
 * runs at once and the guest ends: through isa-debug-exit with 0x10 or 0x11 (exit
 * status 33 or 35), or without that device by switching off.
 */
#include "input.h"
#include "machine.h"
#include "screen.h"
#include "screens.h"
#include "selftest.h"

#define EXIT_PASS 0x10
#define EXIT_FAIL 0x11
#define MENU_ROW 6
#define MENU_COLUMN 22
#define MENU_WIDTH 36

void guest_main(void);

static void menu_self_test(void)
{
	self_test();
	draw_text(ROWS - 1, 0, ATTR_TITLE, " Any key goes back to the menu.             "
					   "                                    ");
	input_key();
}

static const struct choice {
	const char *name;
	char key;
	void (*run)(void);
} choices[] = {
	{"Self test", '1', menu_self_test},
	{"Text screen", '2', show_text},
	{"Graphics, 800x600 true colour", '3', show_plasma},
	{"Graphics, 320x200 256 colours", '4', show_mandelbrot},
	{"Keyboard", '5', show_keyboard},
	{"Mouse", '6', show_mouse},
	{"This machine", '7', show_information},
	{"Restart", '8', reboot},
	{"Switch off", '9', power_off},
};
#define CHOICES (sizeof(choices) / sizeof(*choices))

static void draw_choice(unsigned i, bool selected)
{
	unsigned row = MENU_ROW + 2 + i;
	char key[2] = {choices[i].key};

	draw_fill(row, MENU_COLUMN + 1, 1, MENU_WIDTH - 2, selected ? ATTR_SELECTED : ATTR_BOX,
		  ' ');
	draw_text(row, MENU_COLUMN + 3, selected ? ATTR_HOTKEY_SELECTED : ATTR_HOTKEY, key);
	draw_text(row, MENU_COLUMN + 6, selected ? ATTR_SELECTED : ATTR_BOX, choices[i].name);
}

static void draw_clock(void)
{
	struct rtc_time t;
	char text[24];

	rtc_read(&t);
	format_text(text, sizeof(text), "%04u-%02u-%02u %02u:%02u:%02u", t.year, t.month, t.day,
		    t.hour, t.minute, t.second);
	draw_text(ROWS - 1, COLUMNS - 20, ATTR_TITLE, text);
}

static void draw_menu(unsigned selected)
{
	draw_desktop("a small guest, to see that the machine works",
		     "\x18 \x19 choose   Enter starts   digits do both");
	draw_text(3, 19, ATTR_DESKTOP, "  Welcome. This runs on an emulated 32-bit PC.  ");
	draw_box(MENU_ROW, MENU_COLUMN, CHOICES + 4, MENU_WIDTH, ATTR_BOX);
	draw_text(MENU_ROW, MENU_COLUMN + 3, ATTR_BOX, " Menu ");
	for (unsigned i = 0; i < CHOICES; i++)
		draw_choice(i, i == selected);
}

/* For whoever is at the other end of the serial port. */
static void print_menu(void)
{
	char line[48];

	serial_print("\nTransvisor's small guest\n");
	for (unsigned i = 0; i < CHOICES; i++) {
		format_text(line, sizeof(line), "  %c  %s\n", choices[i].key, choices[i].name);
		serial_print(line);
	}
	serial_print("choose: ");
}

static unsigned menu_key(void)
{
	struct event e;

	for (;;) {
		draw_clock();
		input_wait(&e, TIMER_HZ / 2);
		if (e.kind == EVENT_KEY && !e.released)
			return e.key;
	}
}

static unsigned menu_choose(unsigned selected)
{
	draw_menu(selected);
	print_menu();
	for (;;) {
		unsigned key = menu_key(), old = selected;

		for (unsigned i = 0; i < CHOICES; i++)
			if (key == (unsigned)choices[i].key)
				return i;
		if (key == KEY_ENTER)
			return selected;
		if (key == KEY_UP)
			selected = selected ? selected - 1 : CHOICES - 1;
		else if (key == KEY_DOWN)
			selected = selected + 1 < CHOICES ? selected + 1 : 0;
		else if (key == KEY_HOME)
			selected = 0;
		else if (key == KEY_END)
			selected = CHOICES - 1;
		draw_choice(old, false);
		draw_choice(selected, true);
	}
}

void guest_main(void)
{
	unsigned selected = 0;

	interrupts_init();
	serial_init();
	screen_text_mode();
	power_init();
	input_init();
	if (autorun == 'T') {
		debug_exit(self_test() ? EXIT_FAIL : EXIT_PASS);
		power_off();
	}
	for (;;) {
		selected = menu_choose(selected);
		choices[selected].run();
	}
}
