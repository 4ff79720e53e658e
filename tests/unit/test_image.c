/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures: what is written is read back; what cannot be written is reported. */
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/image.h"
#include "tests/unit/unit.h"

#define WIDTH 5
#define HEIGHT 3
#define STRIDE 7

static uint32_t pixels[STRIDE * HEIGHT];

static struct surface picture(void)
{
	for (unsigned i = 0; i < STRIDE * HEIGHT; i++)
		pixels[i] = 0x010203 * i | 0xff000000; /* what is above the pixel is ignored */
	return (struct surface){WIDTH, HEIGHT, STRIDE, pixels};
}

static uint32_t expected(unsigned x, unsigned y)
{
	return pixels[y * STRIDE + x] & 0xffffff;
}

static void temporary(char path[32])
{
	int fd;

	strcpy(path, "/tmp/test_image_XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
}

static void test_names(void)
{
	CHECK_EQ(image_format_of("a.png"), IMAGE_PNG);
	CHECK_EQ(image_format_of("dir.png/a.PNG"), IMAGE_PNG);
	CHECK_EQ(image_format_of("a.ppm"), IMAGE_PPM);
	CHECK_EQ(image_format_of("png"), IMAGE_PPM);
}

static void test_ppm(void)
{
	static const char header[] = "P6\n5 3\n255\n";
	struct surface s = picture();
	struct report r = {""};
	char path[32], text[sizeof(header)] = "";
	uint8_t rgb[3];
	FILE *f;

	temporary(path);
	CHECK_EQ(image_write(&s, IMAGE_PPM, path, &r), 0);
	f = fopen(path, "rb");
	CHECK_EQ(fread(text, 1, sizeof(header) - 1, f), sizeof(header) - 1);
	CHECK(!strcmp(text, header));
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
		CHECK_EQ(fread(rgb, 1, 3, f), 3);
		CHECK_EQ(rgb[0] << 16 | rgb[1] << 8 | rgb[2], expected(i % WIDTH, i / WIDTH));
	}
	CHECK_EQ(fgetc(f), (uint64_t)EOF);
	fclose(f);
	unlink(path);
}

static void test_png(void)
{
	png_image image = {.version = PNG_IMAGE_VERSION};
	struct surface s = picture();
	struct report r = {""};
	uint8_t rgb[3 * WIDTH * HEIGHT];
	char path[32];

	temporary(path);
	CHECK_EQ(image_write(&s, IMAGE_PNG, path, &r), 0);
	CHECK(png_image_begin_read_from_file(&image, path));
	CHECK_EQ(image.width, WIDTH);
	CHECK_EQ(image.height, HEIGHT);
	CHECK_EQ(image.format, PNG_FORMAT_RGB);
	CHECK(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		CHECK_EQ(rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2],
			 expected(i % WIDTH, i / WIDTH));
	unlink(path);
}

static void test_errors(void)
{
	struct surface s = picture(), none = {0};
	struct report r = {""};

	CHECK_EQ(image_write(&s, IMAGE_PNG, "/nonexistent/a.png", &r), (uint64_t)-1);
	CHECK(strstr(r.text, "/nonexistent/a.png") && strstr(r.text, "No such file"));
	CHECK_EQ(image_write(&none, IMAGE_PNG, "/tmp/test_image_none.png", &r), (uint64_t)-1);
	CHECK(access("/tmp/test_image_none.png", F_OK) < 0);
	if (access("/dev/full", W_OK))
		return;
	for (int format = IMAGE_PPM; format <= IMAGE_PNG; format++) {
		r.text[0] = '\0';
		CHECK_EQ(image_write(&s, (enum image_format)format, "/dev/full", &r),
			 (uint64_t)-1);
		CHECK(strstr(r.text, "/dev/full") != NULL);
	}
}

UNIT_MAIN("image", {"names", test_names}, {"PPM", test_ppm}, {"PNG", test_png},
	  {"errors", test_errors})
