/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeded randomness, and floating-point operands that are interesting more often than not. */
#ifndef TESTS_VALUES_H
#define TESTS_VALUES_H

#include <stdint.h>
#include <string.h>

/* xorshift64*: seeded randomness for fuzz tests. */
static inline uint64_t unit_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static inline uint64_t random_f32(uint64_t *seed)
{
	static const uint32_t pool[] = {0,	    0x80000000, 1,	    0x007fffff, 0x00800000,
					0x80800001, 0x3f800000, 0xbf800000, 0x40490fdb, 0x7f7fffff,
					0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345,
					0x4f000000, 0xcf000000, 0x5f000000, 0x3f000000, 0x4b000001};
	uint64_t r = unit_random(seed);

	return r & 3 ? pool[(r >> 8) % (sizeof(pool) / sizeof(pool[0]))] : (uint32_t)(r >> 32);
}

static inline uint64_t random_f64(uint64_t *seed)
{
	static const uint64_t pool[] = {
	    0,
	    0x8000000000000000,
	    1,
	    0x000fffffffffffff,
	    0x0010000000000000,
	    0x8010000000000001,
	    0x3ff0000000000000,
	    0xbff0000000000000,
	    0x400921fb54442d18,
	    0x7fefffffffffffff,
	    0x7ff0000000000000,
	    0xfff0000000000000,
	    0x7ff8000000000000,
	    0x7ff0000000000001,
	    0x41e0000000000000,
	    0xc1e0000000000000,
	    0x43e0000000000000,
	    0x3fe0000000000000,
	    0x37f0000000000000,
	    0x36a0000000000000,
	    0x47efffffe0000001,
	};
	uint64_t r = unit_random(seed);

	return r & 3 ? pool[(r >> 8) % (sizeof(pool) / sizeof(pool[0]))] : unit_random(seed);
}

/* Sixteen bytes of singles, doubles, or noise. */
static inline void random_vector(uint64_t *seed, uint8_t *out)
{
	uint64_t kind = unit_random(seed) >> 60 & 3, v[2];

	for (unsigned i = 0; i < 2; i++)
		v[i] = kind == 0   ? unit_random(seed)
		       : kind == 1 ? random_f64(seed)
				   : random_f32(seed) | random_f32(seed) << 32;
	memcpy(out, v, 16);
}

static inline void random_x87(uint64_t *seed, uint8_t *out)
{
	static const struct {
		uint64_t significand;
		uint16_t exponent;
	} pool[] = {
	    {0, 0},
	    {0, 0x8000},
	    {0x8000000000000000, 0x3fff},
	    {0x8000000000000000, 0xbfff},
	    {0xc90fdaa22168c235, 0x4000},
	    {0x8000000000000000, 0x7fff},
	    {0x8000000000000000, 0xffff},
	    {0xc000000000000000, 0x7fff},
	    {0xa000000000000000, 0x7fff}, /* signalling */
	    {1, 0},
	    {0x8000000000000000, 0}, /* pseudo-denormal */
	    {0x7fffffffffffffff, 0x8000},
	    {0xffffffffffffffff, 0x7ffe},
	    {0x8000000000000000, 1},
	    {0x4000000000000000, 0x4000}, /* unnormal: not supported */
	    {0, 0x7fff},		  /* pseudo-infinity */
	    {0xde0b6b3a763fffff, 0x403a}, /* 10^18 - 1, and a bit */
	    {0x8000000000000000, 0x401e},
	    {0x8000000000000000, 0x403e},
	    {0x8000000000000000, 0x3ffe},
	    {0xffffff0000000000, 0x407e},
	};
	uint64_t r = unit_random(seed);
	unsigned n = (r >> 8) % (sizeof(pool) / sizeof(pool[0]));
	uint64_t significand = pool[n].significand;
	uint16_t exponent = pool[n].exponent;

	memset(out, 0, 16);
	if ((r & 7) == 0) {
		significand = unit_random(seed);
		exponent = (uint16_t)unit_random(seed);
	} else if ((r & 7) == 1) { /* of ordinary size */
		significand = unit_random(seed) | 1ull << 63;
		exponent = (uint16_t)(0x3fff - 40 + (r >> 16) % 80) | (r >> 40 & 0x8000);
	}
	memcpy(out, &significand, 8);
	memcpy(out + 8, &exponent, 2);
}

#endif
