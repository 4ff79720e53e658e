/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed: reproducers and the coverage table. */
#ifndef TESTS_GENERATOR_REPORT_H
#define TESTS_GENERATOR_REPORT_H

#include <stdio.h>

#include "judge.h"

/* A case, its start state, and both outcomes where they differ from it. */
void print_case(FILE *f, const struct test_case *c, const char *what, const struct outcome *host,
		const struct outcome *guest);

/* ---- coverage.c ---- */
/* Forms of a row: register or memory operand, by operand size 16 or 32. */
#define FORMS	    4
#define REASONS_MAX 32
struct coverage {
	uint64_t (*ran)[FORMS];	  /* by row: compared with the oracle */
	uint64_t (*fault)[FORMS]; /* of these, ended by a fault */
	uint64_t undefined;	  /* compared cases that no row decodes */
	/* Cases in which the two need not agree, and why: host_differs(), order_open(). */
	struct coverage_reason {
		const char *why;
		uint64_t cases;
	} reasons[REASONS_MAX];
	uint64_t excused;
};
bool coverage_create(struct coverage *cov);
void coverage_destroy(struct coverage *cov);
void coverage_count(struct coverage *cov, const struct decoded *d, const struct outcome *host);
void coverage_excuse(struct coverage *cov, const char *why);
/*
 * Prints the table to f if it is not NULL. Returns how many forms have no oracle.
 * reference: who judged all forms alike; NULL: the chip, and where it cannot, tests.
 */
unsigned coverage_report(const struct coverage *cov, const char *reference, FILE *f);

#endif
