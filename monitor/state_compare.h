/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In what two machines of the same configuration differ. Both stand still. */
#ifndef MONITOR_STATE_COMPARE_H
#define MONITOR_STATE_COMPARE_H

#include <stdint.h>

struct vm;

/*
 * Called for each difference: "cpu", "regs", 2 is EDX; for memory, part is its
 * name, field NULL and index the offset of the first byte that differs.
 */
typedef void difference_fn(void *arg, const char *part, const char *field, uint64_t index,
			   uint64_t a, uint64_t b);

/* Each returns the number of differences. fn may be NULL. */
unsigned state_compare_cpu(struct vm *a, struct vm *b, difference_fn *fn, void *arg);
/* The page of RAM around the physical address. */
unsigned state_compare_page(struct vm *a, struct vm *b, uint64_t gpa, difference_fn *fn,
			    void *arg);
/* All memory. */
unsigned state_compare_memory(struct vm *a, struct vm *b, difference_fn *fn, void *arg);
/* Devices, all memory and guest time. */
unsigned state_compare_machine(struct vm *a, struct vm *b, difference_fn *fn, void *arg);

#endif
