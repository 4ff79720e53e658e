/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging by category. A category is off until the user asks for it with
 * -d NAME[,NAME...]; LOG() then costs one load and test. Messages meant for
 * the user (errors, warnings) do not pass here but through base/report.h.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* One row a category: identifier, name for -d, what it shows. */
#define LOG_CATEGORIES(X)                                                      \
	X(LOG_CPU, "cpu", "mode changes, resets, triple faults")               \
	X(LOG_INT, "int", "exceptions and interrupts delivered")               \
	X(LOG_MMU, "mmu", "memory map changes")                                \
	X(LOG_UNIMP, "unimp", "guest use of what is not modelled")             \
	X(LOG_GUEST, "guest_errors", "guest breaks a rule of a device")        \
	X(LOG_PIC, "pic", "8259 interrupt controllers")                        \
	X(LOG_APIC, "apic", "local and I/O APIC")                              \
	X(LOG_TIMER, "timer", "PIT, RTC, ACPI PM timer")                       \
	X(LOG_PCI, "pci", "PCI configuration")                                 \
	X(LOG_IDE, "ide", "IDE disks and CD drives")                           \
	X(LOG_FLOPPY, "floppy", "floppy controller and DMA")                   \
	X(LOG_VGA, "vga", "VGA and VBE")                                       \
	X(LOG_INPUT, "input", "keyboard and mouse")                            \
	X(LOG_SERIAL, "serial", "serial ports")                                \
	X(LOG_FW, "fw", "firmware interface and loaders")                      \
	X(LOG_VM, "vm", "life cycle of the machine")                           \
	X(LOG_BT, "bt", "translations, and why translated code was left")      \
	X(LOG_STATS, "stats", "counters, when the machine ends")

enum log_category {
#define X(id, name, help) id,
	LOG_CATEGORIES(X)
#undef X
	LOG_CATEGORY_COUNT
};

/* Bit n is set when category n is wanted. Read-mostly; set from options. */
extern uint32_t log_mask;

#define LOG(cat, ...)                                                          \
	do {                                                                   \
		if (__builtin_expect(log_mask & (1u << (cat)), 0))             \
			log_write((cat), __VA_ARGS__);                         \
	} while (0)

/* Writes one line, "category: message", to the log (stderr or -D FILE). */
void log_write(enum log_category cat, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Sets the mask from a comma-separated list of names; "all" is every one.
 * Returns 0, or -1 with the offending name's position in *bad.
 */
int log_set_mask(const char *list, const char **bad);

/* Sends the log to a file instead of stderr. Returns 0 or -errno. */
int log_set_file(const char *path);

#endif
