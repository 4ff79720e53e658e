/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The self test: lists of small checks, each of which passes, fails, or is
 * skipped because the processor or machine does not have the thing.
 */
#ifndef GUEST_SELFTEST_H
#define GUEST_SELFTEST_H

#include "machine.h"

enum outcome { FAILED, PASSED, SKIPPED };

struct check {
	const char *name;
	/* May write to note, which is shown behind the name. */
	enum outcome (*run)(char *note, size_t size);
};

/* Each ends with a NULL name. */
extern const struct check cpu_checks[], paging_checks[], device_checks[];

/* Runs all and shows the result; returns the number of failures. */
unsigned self_test(void);

#endif
