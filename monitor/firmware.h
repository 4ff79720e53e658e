/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and reading firmware images (SeaBIOS, VGA BIOS). */
#ifndef MONITOR_FIRMWARE_H
#define MONITOR_FIRMWARE_H

#include <stdint.h>

#include "base/report.h"

/*
 * Reads a firmware file: `name` as it stands if it has a slash or exists
 * here, else from dir (-L) or the system's firmware directories. option is for messages:
 * "-bios". The caller frees *data. Returns 0, or -1 with *r.
 */
int firmware_read(const char *option, const char *name, const char *dir, uint32_t max_size,
		  uint8_t **data, uint32_t *size, struct report *r);

#endif
