/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point: a body falling round another in x87 code, a matrix product in
 * packed SSE2 doubles, and libm's sine with square roots. Debian's i386 libm
 * computes in x87 registers, but this file is compiled for SSE2 but for what says
 * otherwise.
 */
#include "bench.h"

#include <emmintrin.h>
#include <math.h>

/* ---- x87: 100 steps of an orbit ---- */

static __attribute__((noipa, target("fpmath=387"))) double orbit(int steps)
{
	double x = 1, y = 0, vx = 0, vy = 1;

	while (steps--) {
		double r2 = x * x + y * y;
		double r3 = r2 * __builtin_sqrt(r2);

		vx -= x / r3 * 0.001;
		vy -= y / r3 * 0.001;
		x += vx * 0.001;
		y += vy * 0.001;
	}
	return x + y;
}

static void x87_run(long n)
{
	while (n--)
		sink = orbit(100) * 1000;
}

/* ---- matmul: 32 x 32 doubles, two at a time ---- */

#define MATRIX 32
static double a[MATRIX][MATRIX], b[MATRIX][MATRIX];
static double c[MATRIX][MATRIX] __attribute__((aligned(16)));

static void matmul_prepare(void)
{
	for (int i = 0; i < MATRIX; i++)
		for (int j = 0; j < MATRIX; j++) {
			a[i][j] = i + j;
			b[i][j] = i - j;
		}
}

static void matmul_run(long n)
{
	while (n--) {
		for (int i = 0; i < MATRIX; i++)
			for (int j = 0; j < MATRIX; j += 2) {
				__m128d sum = _mm_setzero_pd();

				for (int k = 0; k < MATRIX; k++)
					sum = _mm_add_pd(sum, _mm_mul_pd(_mm_set1_pd(a[i][k]),
									 _mm_loadu_pd(&b[k][j])));
				_mm_store_pd(&c[i][j], sum);
			}
		sink = c[1][2];
	}
}

/* ---- libm: 100 sines and square roots ---- */

static void libm_run(long n)
{
	while (n--) {
		double sum = 0;

		for (int i = 1; i <= 100; i++)
			sum += sin(i * 0.37) * sqrt(i);
		sink = sum;
	}
}

const struct row float_rows[] = {
    {"x87", NULL, x87_run, NULL},
    {"matmul", matmul_prepare, matmul_run, NULL},
    {"libm", NULL, libm_run, NULL},
    {0},
};
