/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's time, which nobody sets. */
#ifndef BASE_HOST_TIME_H
#define BASE_HOST_TIME_H

#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

/* CLOCK_MONOTONIC in ns. */
static inline uint64_t host_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What host_time_ns() and the host's TSC are at one time. */
struct host_instant {
	uint64_t ns, tsc;
};

/* Of a few tries the one that was interrupted least, to a few ns if any was not. */
static inline struct host_instant host_instant(void)
{
	struct host_instant best = {0};
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t before = __rdtsc(), ns = host_time_ns(), took = __rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		best = (struct host_instant){.ns = ns, .tsc = before + took / 2};
	}
	return best;
}

#endif
