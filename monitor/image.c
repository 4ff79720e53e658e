/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A surface to a picture file: PPM (netpbm "ppm", binary P6) and PNG by
 * libpng, both with 8 bits a component and no alpha.
 */
#include "monitor/image.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/host_files.h"

/* libpng reports through longjmp; what it said is kept for the user. */
struct png_failure {
	jmp_buf jump;
	char text[128];
};

enum image_format image_format_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && !strcasecmp(dot, ".png") ? IMAGE_PNG : IMAGE_PPM;
}

/* One row as red, green, blue bytes. */
static void row_to_rgb(const struct surface *s, unsigned y, uint8_t *rgb)
{
	const uint32_t *row = s->pixels + (size_t)y * s->stride;

	for (unsigned x = 0; x < s->width; x++) {
		*rgb++ = (uint8_t)(row[x] >> 16);
		*rgb++ = (uint8_t)(row[x] >> 8);
		*rgb++ = (uint8_t)row[x];
	}
}

/* These two return NULL or what went wrong; errno's text is static. */
static const char *write_ppm(const struct surface *s, uint8_t *row, FILE *f)
{
	if (fprintf(f, "P6\n%u %u\n255\n", s->width, s->height) < 0)
		return strerror(errno);
	for (unsigned y = 0; y < s->height; y++) {
		row_to_rgb(s, y, row);
		if (fwrite(row, 3, s->width, f) != s->width)
			return strerror(errno);
	}
	return NULL;
}

static void png_failed(png_structp png, png_const_charp text)
{
	struct png_failure *failure = png_get_error_ptr(png);

	snprintf(failure->text, sizeof(failure->text), "%s", text);
	longjmp(failure->jump, 1);
}

static void png_warned(png_structp png, png_const_charp text)
{
}

/* Nothing here changes a local after setjmp(). */
static const char *write_png(const struct surface *s, uint8_t *row, FILE *f,
			     struct png_failure *failure)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, failure, png_failed,
						  png_warned);
	png_infop info = png ? png_create_info_struct(png) : NULL;

	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return strerror(ENOMEM);
	}
	if (setjmp(failure->jump)) {
		png_destroy_write_struct(&png, &info);
		return failure->text;
	}
	png_init_io(png, f);
	png_set_compression_level(png, 3); /* screens are plain: speed over size */
	png_set_IHDR(png, info, s->width, s->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (unsigned y = 0; y < s->height; y++) {
		row_to_rgb(s, y, row);
		png_write_row(png, row);
	}
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	return NULL;
}

static const char *write_all(const struct surface *s, enum image_format format, FILE *f,
			     struct png_failure *failure)
{
	uint8_t *row = malloc(3 * (size_t)s->width);
	const char *error;

	if (!row)
		return strerror(ENOMEM);
	error = format == IMAGE_PNG ? write_png(s, row, f, failure) : write_ppm(s, row, f);
	free(row);
	return error;
}

/* Removes a picture left half written; never a device or pipe. */
static void remove_partial(const char *path)
{
	struct stat st;

	if (!host_lstat(path, &st) && S_ISREG(st.st_mode))
		host_unlink(path);
}

int image_write(const struct surface *s, enum image_format format, const char *path,
		struct report *r)
{
	struct png_failure failure;
	const char *error;
	FILE *f;

	if (!s || !s->width || !s->height)
		return report_fail(r, "%s: there is no picture to write", path);
	f = host_create(path);
	if (!f)
		return report_fail(r, "%s: cannot write the picture: %s", path,
				   host_strerror(errno));
	error = write_all(s, format, f, &failure);
	if (fclose(f) && !error)
		error = strerror(errno);
	if (!error)
		return 0;
	remove_partial(path);
	return report_fail(r, "%s: cannot write the picture: %s", path, error);
}
