/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C's own functions, for guests that have no library: c_guest.c. */
#ifndef TESTS_GUESTS_C_GUEST_H
#define TESTS_GUESTS_C_GUEST_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

#endif
