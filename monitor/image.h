/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures of the guest's screen in files: screendump. */
#ifndef MONITOR_IMAGE_H
#define MONITOR_IMAGE_H

#include "base/report.h"
#include "devices/display.h"

enum image_format { IMAGE_PPM, IMAGE_PNG };

/* PNG for names that end in ".png", in any case; else PPM. */
enum image_format image_format_of(const char *path);

/*
 * Writes the surface to a file, replacing it. Returns 0, or -1 with the
 * reason in *r and no file left behind.
 */
int image_write(const struct surface *s, enum image_format format, const char *path,
		struct report *r);

#endif
