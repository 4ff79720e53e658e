/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firmware images come from the Debian package seabios, or where -L says. */
#include "monitor/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const directories[] = {"/usr/share/seabios", "/usr/share/qemu",
					  "/usr/local/share/seabios", "/usr/local/share/qemu",
					  "/usr/share/vgabios"};

static FILE *open_in(const char *dir, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "rb");
}

static FILE *find(const char *name, const char *dir)
{
	FILE *f = NULL;

	if (dir)
		f = open_in(dir, name);
	if (!f)
		f = fopen(name, "rb");
	for (unsigned i = 0; !f && i < sizeof(directories) / sizeof(directories[0]); i++)
		f = open_in(directories[i], name);
	return f;
}

int firmware_read(const char *option, const char *name, const char *dir, uint32_t max_size,
		  uint8_t **data, uint32_t *size, struct report *r)
{
	FILE *f = find(name, dir);
	struct stat st;

	if (!f)
		return report_fail(r, "%s %s: no such firmware file%s%s; the Debian package "
				   "seabios has it, and -L names another directory",
				   option, name, dir ? " in " : "", dir ? dir : "");
	if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
	    (uint64_t)st.st_size > max_size) {
		fclose(f);
		return report_fail(r, "%s %s: not a firmware image (it has to be a file of 1 to "
				   "%u bytes)", option, name, max_size);
	}
	*size = (uint32_t)st.st_size;
	*data = malloc(*size);
	if (!*data || fread(*data, 1, *size, f) != *size) {
		free(*data);
		*data = NULL;
		fclose(f);
		return report_fail(r, "%s %s: cannot be read: %s", option, name, strerror(errno));
	}
	fclose(f);
	return 0;
}
