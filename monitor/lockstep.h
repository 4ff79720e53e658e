/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lockstep: a machine is checked against a second one of the same configuration
 * whose processor is interpreted. Time follows the instructions (-icount), so
 * that both have the same state at the same count, devices included, until one
 * of the engines gets something wrong.
 */
#ifndef MONITOR_LOCKSTEP_H
#define MONITOR_LOCKSTEP_H

#include <stdio.h>

#include "monitor/vm.h"

struct lockstep;

/* What both machines need: disks are snapshots. Before vm_create(). */
void lockstep_configure(struct vm_config *c);

/*
 * Makes the second machine for one that vm_create() has made and that has not
 * run yet. What differs is told to out. NULL with *r on failure.
 */
struct lockstep *lockstep_create(struct vm *vm, FILE *out, struct report *r);
void lockstep_destroy(struct lockstep *l);

/*
 * In place of vm_run(): runs both machines on this thread. Returns the exit
 * status of the machine, or 1 when the two were found to differ.
 */
int lockstep_run(struct lockstep *l);

/* How many comparisons were made, and how many of the whole machine. */
void lockstep_counts(const struct lockstep *l, uint64_t *steps, uint64_t *whole);

#endif
