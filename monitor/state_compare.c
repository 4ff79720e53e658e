/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing machines field by field. The processor is compared after every few
 * instructions, so that the common case, all is equal, is some memcmp()s.
 */
#include "monitor/state_compare.h"

#include <string.h>

#include "monitor/state_fields.h"
#include "monitor/vm_internal.h"

#define MEMORIES_MAX 16

static uint64_t element(const struct field *f, const void *state, uint32_t i)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)state + f->offset + (size_t)i * f->elem_size,
	       f->elem_size <= sizeof(value) ? f->elem_size : sizeof(value));
	return value;
}

static unsigned compare_elements(const char *part, const struct field *f, const void *a,
				 const void *b, difference_fn *fn, void *arg)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		uint64_t x = element(f, a, i), y = element(f, b, i);

		if (x == y)
			continue;
		n++;
		if (fn)
			fn(arg, part, f->name, i, x, y);
	}
	return n;
}

static unsigned compare_fields(const char *part, const struct field *fields, const void *a,
			       const void *b, difference_fn *fn, void *arg)
{
	unsigned n = 0;

	for (const struct field *f = fields; f && f->name; f++) {
		if (memcmp((const char *)a + f->offset, (const char *)b + f->offset,
			   (size_t)f->count * f->elem_size))
			n += compare_elements(part, f, a, b, fn, arg);
	}
	return n;
}

unsigned state_compare_cpu(struct vm *a, struct vm *b, difference_fn *fn, void *arg)
{
	unsigned n = 0;

	for (const struct state_table *t = vcpu_state; t->name; t++)
		n += compare_fields(t->name, t->fields, a->cpu, b->cpu, fn, arg);
	return n;
}

/* ---- memory ---- */

struct memory {
	const char *name;
	const uint8_t *host;
	uint64_t size;
};

struct memories {
	struct memory list[MEMORIES_MAX];
	unsigned count;
};

static void add_memory(void *arg, const char *name, const uint8_t *host, uint64_t size)
{
	struct memories *m = arg;

	if (m->count < MEMORIES_MAX)
		m->list[m->count++] = (struct memory){name, host, size};
}

/* Each page that differs is one difference; base is the offset of x and y in the memory. */
static unsigned compare_bytes(const char *name, const uint8_t *x, const uint8_t *y, uint64_t size,
			      uint64_t base, difference_fn *fn, void *arg)
{
	unsigned n = 0;

	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		uint64_t len = size - at < PAGE_SIZE ? size - at : PAGE_SIZE, i = 0;

		if (!memcmp(x + at, y + at, len))
			continue;
		while (x[at + i] == y[at + i])
			i++;
		n++;
		if (fn)
			fn(arg, name, NULL, base + at + i, x[at + i], y[at + i]);
	}
	return n;
}

unsigned state_compare_page(struct vm *a, struct vm *b, uint64_t gpa, difference_fn *fn, void *arg)
{
	const uint8_t *x, *y;

	gpa &= ~(uint64_t)(PAGE_SIZE - 1);
	x = physmem_ram_ptr(a->mem, gpa, PAGE_SIZE);
	y = physmem_ram_ptr(b->mem, gpa, PAGE_SIZE);
	return x && y ? compare_bytes("ram", x, y, PAGE_SIZE, gpa, fn, arg) : 0;
}

unsigned state_compare_memory(struct vm *a, struct vm *b, difference_fn *fn, void *arg)
{
	struct memories x = {.count = 0}, y = {.count = 0};
	unsigned n = 0;

	physmem_for_each_memory(a->mem, add_memory, &x);
	physmem_for_each_memory(b->mem, add_memory, &y);
	for (unsigned i = 0; i < x.count && i < y.count; i++)
		n += compare_bytes(x.list[i].name, x.list[i].host, y.list[i].host, x.list[i].size,
				   0, fn, arg);
	return n;
}

unsigned state_compare_machine(struct vm *a, struct vm *b, difference_fn *fn, void *arg)
{
	uint64_t time[2] = {clock_now(a->clock), clock_now(b->clock)};
	unsigned n = 0;

	for (int i = 0; i < a->device_count && i < b->device_count; i++)
		n += compare_fields(a->devices[i].class->name, a->devices[i].class->fields,
				    a->devices[i].state, b->devices[i].state, fn, arg);
	if (time[0] != time[1]) {
		n++;
		if (fn)
			fn(arg, "clock", "now", 0, time[0], time[1]);
	}
	return n + state_compare_memory(a, b, fn, arg);
}
