/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user is told: one clear line, "transvisor: ...", on stderr.
 *
 * Functions that can fail for a reason the user can mend take a
 * struct report * and describe the failure there; whoever owns the terminal
 * prints it. Nothing below main() prints an error or exits by itself.
 */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

struct report {
	char text[512]; /* one line without newline; empty: no error */
};

/* Describes a failure. Returns -1, so that `return report_fail(r, ...)`. */
int report_fail(struct report *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints "transvisor: <text>" on stderr. */
void report_print(const struct report *r);

/* Prints "transvisor: warning: ..." on stderr. */
void report_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
