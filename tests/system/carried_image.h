/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The carried guest's image, for programs that run machines from it. */
#ifndef TESTS_SYSTEM_CARRIED_IMAGE_H
#define TESTS_SYSTEM_CARRIED_IMAGE_H

#include <stdio.h>

#define AUTORUN 16 /* monitor/guest/carried.h */

/* A copy of the image that starts its self test. */
static inline int copy_image(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	int c;

	if (!in || !out) {
		perror(in ? to : from);
		return -1;
	}
	for (long at = 0; (c = getc(in)) != EOF; at++)
		putc(at == AUTORUN ? 'T' : c, out);
	fclose(in);
	return fclose(out);
}

#endif
