/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the compiler calls in guests written in C, which have no library. */
#include "c_guest.h"

#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n)
{
	uint8_t *t = to;

	__asm__ volatile("rep movsb" : "+D"(t), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	uint8_t *t = to;

	__asm__ volatile("rep stosb" : "+D"(t), "+c"(n) : "a"(c) : "memory");
	return to;
}
