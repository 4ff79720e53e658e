/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzz target is: libFuzzer's entry point, and one way to say that
 * something is wrong. The same file is linked with libFuzzer (CMake option
 * TRANSVISOR_FUZZ, clang) and with replay.c, which feeds it files.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
