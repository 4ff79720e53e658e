/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel headers: Linux's and multiboot's, from a file that claims anything.
 * First two bytes: how much longer than the rest of the input the file is said
 * to be, and how much RAM there is. A plan that is made can be carried out.
 */
#include <string.h>

#include "fuzz.h"
#include "monitor/boot_plan.h"

static uint64_t source_size(const struct boot_request *q, const struct boot_plan *p,
			    unsigned source)
{
	switch (source) {
	case PLAN_DATA:
		return p->data_size;
	case PLAN_KERNEL:
		return q->kernel_size;
	case PLAN_ZEROS:
		return UINT64_MAX;
	default:
		return source - PLAN_FILE < q->file_count ? q->files[source - PLAN_FILE].size : 0;
	}
}

static void check_plan(const struct boot_request *q, const struct boot_plan *p)
{
	REQUIRE(p->count <= PLAN_SEGMENTS);
	for (unsigned i = 0; i < p->count; i++) {
		const struct plan_segment *s = &p->segments[i];

		REQUIRE((uint64_t)s->address + s->length <= q->ram_end);
		REQUIRE(s->source == PLAN_ZEROS ||
			(uint64_t)s->offset + s->length <= source_size(q, p, s->source));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_request q = {.kernel = "kernel", .append = "a=b"};
	struct boot_plan p = {.count = 0};
	struct report r = {0};
	int made;

	if (size < 2)
		return 0;
	q.head = data + 2;
	q.head_size = size - 2 < BOOT_HEAD_SIZE ? (uint32_t)(size - 2) : BOOT_HEAD_SIZE;
	q.kernel_size = size - 2 + (uint64_t)data[0] * 0x8000;
	q.ram_end = (1 + (uint64_t)(data[1] & 0x7f)) << 20;
	if (data[1] & 0x80) {
		q.files[0] = (struct boot_file){"initrd", "initrd x", 0x12345};
		q.file_count = 1;
	}
	if (linux_boot_recognize(&q))
		made = linux_boot_plan(&p, &q, &r);
	else if (multiboot_recognize(&q))
		made = multiboot_plan(&p, &q, &r);
	else
		return 0;
	if (made == 0)
		check_plan(&q, &p);
	boot_plan_free(&p);
	return 0;
}
