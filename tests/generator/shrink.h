/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reproducers: the simplest start state, and the fewest prefixes, that still differ. */
#ifndef TESTS_GENERATOR_SHRINK_H
#define TESTS_GENERATOR_SHRINK_H

#include "world.h"

typedef bool still_differs_fn(void *opaque, const struct test_case *c);

/* Simplifies c for as long as still_differs() says so of it. */
void shrink_case(struct test_case *c, still_differs_fn *still_differs, void *opaque);

#endif
