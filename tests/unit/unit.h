/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit test program in a few lines: a list of functions and UNIT_MAIN.
 * CHECK_EQ prints both values, which CUnit's own asserts do not.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "values.h"

struct unit_test {
	const char *name;
	void (*run)(void);
};

#define CHECK(condition) CU_ASSERT(condition)
#define CHECK_EQ(actual, expected)                                             \
	do {                                                                   \
		uint64_t a_ = (uint64_t)(actual), e_ = (uint64_t)(expected);   \
		if (a_ != e_)                                                  \
			fprintf(stderr, "%s:%d: %s is %#" PRIx64               \
				", should be %#" PRIx64 "\n",                  \
				__FILE__, __LINE__, #actual, a_, e_);          \
		CU_ASSERT(a_ == e_);                                           \
	} while (0)

static inline int unit_run(const char *suite_name, const struct unit_test *tests)
{
	CU_pSuite suite;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (const struct unit_test *t = tests; suite && t->name; t++)
		CU_add_test(suite, t->name, t->run);
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}

/* UNIT_MAIN("i8254", {"reload", test_reload}, ...) */
#define UNIT_MAIN(suite, ...)                                                  \
	int main(void)                                                         \
	{                                                                      \
		static const struct unit_test tests[] = {__VA_ARGS__,          \
							 {NULL, NULL}};        \
		return unit_run(suite, tests);                                 \
	}

#endif
