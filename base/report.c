/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the user. Each is put together first and written with one
 * call, so that lines from two threads never mix. Line ends inside a message
 * (a file name may hold one) become spaces: one failure, one line.
 */
#include "base/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void one_line(char *text)
{
	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			*text = ' ';
	}
}

static void write_line(const char *prefix, const char *text)
{
	char line[640];
	int len = snprintf(line, sizeof(line), "transvisor: %s%s\n", prefix, text);
	size_t done = 0;

	if (len < 0)
		return;
	if ((size_t)len >= sizeof(line)) {
		len = sizeof(line) - 1;
		line[len - 1] = '\n';
	}
	while (done < (size_t)len) {
		ssize_t n = write(STDERR_FILENO, line + done, (size_t)len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

int report_fail(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	one_line(r->text);
	return -1;
}

void report_print(const struct report *r)
{
	write_line("", r->text);
}

void report_warn(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	one_line(text);
	write_line("warning: ", text);
}
