/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bt/bt_internal.h"
void bt_check(struct vcpu *cpu) {}
int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f) { return 0; }
void bt_perf_map(struct vcpu *cpu, bool on) {}
