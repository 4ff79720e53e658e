/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator's counters as text. */
#include <inttypes.h>

#include "bt/bt_internal.h"
#include "direct/direct.h"

void bt_print_counters(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg)
{
	char line[160];

	if (!cpu->bt)
		return;
#define X(name, text)                                                                              \
	snprintf(line, sizeof(line), "%-18s %12" PRIu64 "  %s", #name, cpu->bt->n.name, text);     \
	out(arg, line);
	BT_COUNTERS(X)
#undef X
	if (cpu->direct)
		direct_print(cpu->direct, out, arg);
}
