/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over files, and over all files of folders, without
 * libFuzzer: for regression tests with any compiler.
 *
 * usage: fuzz_TARGET_replay FILE-OR-FOLDER...
 */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 16)

static unsigned long inputs;

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX), *exact;
	size_t size;

	REQUIRE(f && data);
	size = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	/* As large as the input, so that sanitizers see reads beyond it. */
	exact = malloc(size ? size : 1);
	REQUIRE(exact);
	memcpy(exact, data, size);
	free(data);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	inputs++;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_path(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, by_name);

	if (n < 0) {
		run_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			run_file(name);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%lu inputs\n", inputs);
	return inputs ? 0 : 1;
}
