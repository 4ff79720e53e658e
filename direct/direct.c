/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creation, start and end of direct execution, and its counters. */
#include "direct/direct.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "direct/direct_internal.h"

int direct_create(struct direct **out, struct vcpu *cpu, enum direct_mode mode)
{
	struct direct *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->cpu = cpu;
	d->mode = mode;
	d->control = -1;
	d->processor = -1;
	d->decoder = decoder_create();
	d->known = known_create();
	d->ends_flow = code_ends_flow();
	if (!d->decoder || !d->known || !d->ends_flow) {
		decoder_destroy(d->decoder);
		free(d->known);
		free(d->ends_flow);
		free(d);
		return -ENOMEM;
	}
	cpu->direct = *out = d;
	return 0;
}

void direct_start(struct direct *d)
{
	if (d->started)
		return;
	d->started = true;
	placement_init(d);
	d->usable = zygote_make(d);
	host_cpuid_fault(d->cpuid_faults);
	d->usable = d->usable && probe_run(d);
	if (!d->usable)
		host_cpuid_fault(false);
}

void direct_destroy(struct direct *d)
{
	if (!d)
		return;
	placement_end(d);
	host_cpuid_fault(false);
	stubs_destroy(d);
	zygote_destroy(d);
	records_destroy(d);
	decoder_destroy(d->decoder);
	free(d->known);
	free(d->ends_flow);
	d->cpu->direct = NULL;
	free(d);
}

const struct direct_counters *direct_counters(const struct direct *d)
{
	return &d->n;
}

void direct_print(const struct direct *d, void (*out)(void *arg, const char *line), void *arg)
{
	char line[192];

	if (!d->usable) {
		snprintf(line, sizeof(line), "no direct execution: %s",
			 d->started ? d->missing : "not started");
		out(arg, line);
	}
#define X(name, text)                                                                              \
	snprintf(line, sizeof(line), "direct_%-18s %12" PRIu64 "  %s", #name, d->n.name, text);    \
	out(arg, line);
	DIRECT_COUNTERS(X)
#undef X
}
