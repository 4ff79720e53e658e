/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of -cpu: a model and what to add to it and take from it. */
#ifndef MONITOR_CPU_SPEC_H
#define MONITOR_CPU_SPEC_H

#include <stdio.h>

#include "base/report.h"
#include "cpu/cpuid.h"

/*
 * "pentium3,+nx,-sse,popcnt=on". NULL is the default model. Returns 0 with
 * the model in *out, or -1 with *r, which names -cpu.
 */
int cpu_spec_parse(const char *spec, struct cpu_model *out, struct report *r);

/* For -cpu help. */
void cpu_spec_list(FILE *out);

#endif
