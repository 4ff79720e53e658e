/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may differ, what the host cannot judge, and whether two outcomes agree. */
#ifndef TESTS_GENERATOR_JUDGE_H
#define TESTS_GENERATOR_JUDGE_H

#include "cpu/decode.h"
#include "cpu/table.h"
#include "world.h"

/* A case with what the decoder says of it. */
struct decoded {
	bool ok; /* else it is #UD, too long, or cut off */
	const struct insn_row *row;
	struct insn in;
};
void decode_case(const struct decoder *d, const struct test_case *c, struct decoded *out);

/* ---- rules.c ---- */
/*
 * Which test expects by hand what the host cannot show in ring 3; NULL where
 * the chip is the judge. *why says what is in the way.
 */
const char *hand_written(const struct insn_row *row, const char **why);

/* The same for one form of a row; what hand_written() says, or more. */
const char *form_hand_written(const struct insn_row *row, bool memory, const char **why);

/* For an instruction that only faults in ring 3: which test runs it in ring 0. Else NULL. */
const char *ring0_test(const struct insn_row *row);

/* Why the host need not agree on this very case; NULL if it has to. */
const char *host_differs(const struct test_case *c, const struct decoded *d,
			 const struct outcome *host);

/*
 * The same for a host of Intel's, where the interpreter follows AMD's chips. what: what
 * differs, as compare() says.
 */
const char *intel_differs(const struct test_case *c, const struct decoded *d,
			  const struct outcome *host, const struct outcome *guest,
			  const char *what);

/*
 * Why this difference is none: both are right by the SDM. NULL if it is not
 * known to be.
 */
const char *order_open(const struct test_case *c, const struct decoded *d,
		       const struct outcome *host, const struct outcome *guest);

/* ---- direct.c ---- */
/* Why this instruction must not run in a stub; NULL if it may. */
const char *must_be_refused(const struct test_case *c, const struct decoded *d);
/* Why a stub need not agree on this case; NULL if it has to. */
const char *direct_differs(const struct test_case *c, const struct decoded *d);

/* ---- undefined.c ---- */
/* The flags that the SDM leaves undefined after the instruction. */
uint32_t undefined_flags(const struct test_case *c, const struct decoded *d);
/* Whether the SDM leaves the destination undefined. */
bool undefined_result(const struct test_case *c, const struct decoded *d);

/* ---- compare.c ---- */
/*
 * Compares; returns NULL if they agree, else the name of the first thing that
 * differs.
 */
const char *compare(const struct test_case *c, const struct decoded *d, const struct outcome *host,
		    const struct outcome *guest);

/* The same where both are the modelled processor: only undefined flags may differ. */
const char *compare_exactly(const struct test_case *c, const struct decoded *d,
			    const struct outcome *reference, const struct outcome *guest);

#endif
