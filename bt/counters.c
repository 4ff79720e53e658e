/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator's counters, and those of the shadow and of direct execution, as text. */
#include <inttypes.h>

#include "bt/bt_internal.h"
#include "cpu/space.h"
#include "direct/direct.h"

static void print_shadow(struct vcpu *cpu, void (*out)(void *arg, const char *line), void *arg)
{
	struct mmu_counters c = space_counters(cpu);
	unsigned used, budget;
	char line[160];

	space_mappings(cpu, &used, &budget);
#define X(name, text)                                                                              \
	snprintf(line, sizeof(line), "mmu_%-18s %12" PRIu64 "  %s", #name, c.name, text);          \
	out(arg, line);
	MMU_COUNTERS(X)
#undef X
	snprintf(line, sizeof(line), "mmu_%-18s %12u  host mappings in use, of %u at most",
		 "mappings", used, budget);
	out(arg, line);
}

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
	print_shadow(cpu, out, arg);
	if (cpu->direct)
		direct_print(cpu->direct, out, arg);
}
