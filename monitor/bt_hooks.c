/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-ins for what a build without the translator lacks; nobody gets here. */
#include "monitor/bt_hooks.h"

#if !__has_include("bt/bt.h")
#include <errno.h>

void bt_print_counters(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg)
{
}

int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f)
{
	return -ENOSYS;
}

void bt_check(struct vcpu *cpu)
{
}

void bt_perf_map(struct vcpu *cpu, bool on)
{
}
#endif
