/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the monitor asks of the translator besides running; see cpu/engine.h for the rest. */
#ifndef BT_BT_H
#define BT_BT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct vcpu;

/*
 * Lets the translator rest, while another engine runs the guest, and run again:
 * it begins with nothing translated. Between instructions. bt_resume() returns 0
 * or -errno, and then it goes on resting.
 */
void bt_rest(struct vcpu *cpu);
int bt_resume(struct vcpu *cpu);
/* Ends it, at rest too. */
void bt_release(struct vcpu *cpu);

/*
 * Starts what needs a process of its own (direct/). By the thread that will run the
 * guest, once its memory has been made and before fork(2) is given up; only the
 * first call counts.
 */
void bt_start(struct vcpu *cpu);

/* Calls out with each counter's line. */
void bt_print_counters(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg);

/* Asserts the translator's invariants (tc_check), and verifies all code (verify.h). */
void bt_check(struct vcpu *cpu);

/*
 * Writes guest and host code side by side: of the blocks that begin at eip, or
 * of all. Returns how many.
 */
int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f);

/* Writes /tmp/perf-PID.map for perf(1) from now on. */
void bt_perf_map(struct vcpu *cpu, bool on);

#endif
