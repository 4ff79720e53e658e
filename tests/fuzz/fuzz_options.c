/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one argument a line. */
#include <string.h>

#include "cpu/cpuid.h"
#include "fuzz.h"
#include "monitor/cpu_spec.h"
#include "monitor/options.h"

#define ARGUMENTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	char *argv[ARGUMENTS + 2] = {"transvisor"}, *text = malloc(size + 1);
	struct cpu_model model;
	struct options o;
	struct report r = {0};
	int argc = 1;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	REQUIRE(text && nowhere);
	memcpy(text, data, size);
	text[size] = 0;
	for (char *line = text; line && argc <= ARGUMENTS;) {
		argv[argc++] = line;
		line = strchr(line, '\n');
		if (line)
			*line++ = 0;
	}
	if (options_parse(&o, argc, argv, nowhere, &r) == OPTIONS_RUN)
		cpu_spec_parse(o.vm.cpu, &model, &r);
	options_free(&o);
	free(text);
	return 0;
}
