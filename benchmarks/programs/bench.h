/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row of the guest programs: an operation that run() does n times. main.c
 * finds out how large n has to be, so that slow engines do not take for ever.
 */
#ifndef BENCH_H
#define BENCH_H

struct row {
	const char *name;
	/* Before the time is taken; may be NULL. */
	void (*prepare)(void);
	void (*run)(long n);
	/* What the row's value is, given the time of one operation in ns; may be NULL. */
	double (*correct)(double nanoseconds);
};

/* Each topic's rows, ended by one without a name. */
extern const struct row integer_rows[];
extern const struct row float_rows[];
extern const struct row memory_rows[];
extern const struct row call_rows[];
extern const struct row process_rows[];

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

/* Ends the row as failed, saying which call it was. */
void fail(const char *what) __attribute__((noreturn));

/* Results go here, so that the compiler has to compute them. */
extern volatile unsigned sink;

/* A small generator with the same numbers everywhere (Numerical Recipes' LCG). */
static inline unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#endif
