/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor asks the translator for people who look into it. The
 * functions are bt/bt.h's; a build without the translator has stand-ins.
 */
#ifndef MONITOR_BT_HOOKS_H
#define MONITOR_BT_HOOKS_H

#if __has_include("bt/bt.h")
#include "bt/bt.h"
#else
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct vcpu;

/* Counters of the translator and the MMU, a line each: "name value what it counts". */
void bt_print_counters(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg);
/*
 * Guest code beside the host code that was made of it: of the translations at
 * guest address eip, or of all. Returns 0 or -errno (-ENOENT: there are none).
 */
int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f);
/* Asserts that the translator's structures agree with each other. */
void bt_check(struct vcpu *cpu);
/* Starts or stops writing /tmp/perf-PID.map. */
void bt_perf_map(struct vcpu *cpu, bool on);
#endif

#endif
