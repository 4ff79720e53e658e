/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging by category. The mask and the log's file descriptor are the only
 * process-wide state: both are set while the options are resolved, before any
 * other thread exists, or by the monitor's `log` command. A line is one
 * write(), so lines of several threads and machines do not mix.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint32_t log_mask;
static int log_fd = STDERR_FILENO;

static const char *const category_names[LOG_CATEGORY_COUNT] = {
#define X(id, name, help) [id] = name,
	LOG_CATEGORIES(X)
#undef X
};

_Static_assert(LOG_CATEGORY_COUNT < 32, "the mask has one bit a category");

void log_write(enum log_category cat, const char *fmt, ...)
{
	char line[1024];
	int len = snprintf(line, sizeof(line), "%s: ", category_names[cat]);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len += n;
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	if (line[len - 1] != '\n')
		line[len++] = '\n';
	/* A full disk must not stop the guest. */
	if (write(log_fd, line, (size_t)len) < 0)
		return;
}

/* The bits of one name of the list, 0 when there is no such category. */
static uint32_t category_bits(const char *name, size_t len)
{
	if (len == 3 && !memcmp(name, "all", 3))
		return (1u << LOG_CATEGORY_COUNT) - 1;
	for (unsigned i = 0; i < LOG_CATEGORY_COUNT; i++) {
		if (strlen(category_names[i]) == len && !memcmp(category_names[i], name, len))
			return 1u << i;
	}
	return 0;
}

int log_set_mask(const char *list, const char **bad)
{
	uint32_t mask = 0;
	const char *p = list;

	for (;;) {
		size_t len = strcspn(p, ",");
		uint32_t bits = category_bits(p, len);

		if (!bits) {
			if (bad)
				*bad = p;
			return -1;
		}
		mask |= bits;
		if (!p[len])
			break;
		p += len + 1;
	}
	log_mask = mask;
	return 0;
}

int log_set_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int old = log_fd;

	if (fd < 0)
		return -errno;
	log_fd = fd;
	if (old != STDERR_FILENO)
		close(old);
	return 0;
}
