/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the checks and shows them, on the screen and on the serial line, one line
 * each: "PASS name  note".
 */
#include "selftest.h"

#include "input.h"
#include "screen.h"

static unsigned counts[3];

static void show(const struct check *c, enum outcome outcome, const char *note)
{
	static const char *const words[] = {"FAIL", "PASS", "skip"};
	static const uint8_t attributes[] = {ATTR_FAIL, ATTR_PASS, ATTR_DIM};

	screen_attribute(attributes[outcome]);
	screen_printf("%s ", words[outcome]);
	screen_attribute(ATTR_DESKTOP);
	screen_printf("%-34s", c->name);
	screen_attribute(ATTR_DIM);
	screen_printf(" %s\n", note);
}

static void run_all(const char *heading, const struct check *list)
{
	screen_attribute(ATTR_HOTKEY);
	screen_printf("%s\n", heading);
	for (const struct check *c = list; c->name; c++) {
		char note[64] = "";
		enum outcome outcome = c->run(note, sizeof(note));

		counts[outcome]++;
		show(c, outcome, note);
	}
}

unsigned self_test(void)
{
	draw_desktop("Self test", "A line for each check; they also go to the serial port.");
	draw_fill(1, 0, ROWS - 2, COLUMNS, ATTR_DESKTOP, ' ');
	screen_window(1, ROWS - 2, 1);
	counts[FAILED] = counts[PASSED] = counts[SKIPPED] = 0;
	serial_print("\nself test\n");
	run_all("Processor", cpu_checks);
	run_all("Memory management", paging_checks);
	run_all("Machine", device_checks);
	screen_attribute(counts[FAILED] ? ATTR_FAIL : ATTR_PASS);
	screen_printf("self test: %u passed, %u failed, %u skipped: %s\n", counts[PASSED],
		      counts[FAILED], counts[SKIPPED], counts[FAILED] ? "FAIL" : "PASS");
	return counts[FAILED];
}
