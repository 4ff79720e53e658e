/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flags two engines may differ in after a step. */
#ifndef MONITOR_LOCKSTEP_FLAGS_H
#define MONITOR_LOCKSTEP_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

struct decoder;
struct vm;

/*
 * The flags that are undefined after the straight run of at most `count`
 * instructions at linear address gva of vm, whose memory still has them.
 * `undefined` is those that are so before it.
 */
uint32_t lockstep_undefined_flags(const struct decoder *d, struct vm *vm, uint32_t gva,
				  bool code32, uint64_t count, uint32_t undefined);

#endif
