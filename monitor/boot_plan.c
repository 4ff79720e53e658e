/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans for the option ROM: see boot_plan.h. */
#include "monitor/boot_plan.h"

#include <stdlib.h>

int boot_plan_alloc(struct boot_plan *p, uint32_t size, struct report *r)
{
	p->data = calloc(1, size ? size : 1);
	if (!p->data)
		return report_fail(r, "-kernel: no memory for %u bytes", size);
	p->data_size = size;
	return 0;
}

void boot_plan_free(struct boot_plan *p)
{
	free(p->data);
	p->data = NULL;
}

int boot_plan_add(struct boot_plan *p, unsigned source, uint64_t offset, uint64_t length,
		  uint32_t address, const struct boot_request *q, struct report *r)
{
	if (!length)
		return 0;
	if (p->count == PLAN_SEGMENTS)
		return report_fail(r, "-kernel %s: has more than %u parts to load", q->kernel,
				   PLAN_SEGMENTS);
	if (address + length > q->ram_end || offset > UINT32_MAX)
		return report_fail(r, "-kernel %s: wants to be loaded at %#x, beyond the guest's "
				   "%llu MiB", q->kernel, address,
				   (unsigned long long)q->ram_end >> 20);
	p->segments[p->count++] = (struct plan_segment){.source = source,
							.offset = (uint32_t)offset,
							.length = (uint32_t)length,
							.address = address};
	return 0;
}
