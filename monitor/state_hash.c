/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state hash: FNV-1a by 64-bit words instead of bytes, in four lanes for
 * memory, since it has to pass over all of it. Not cryptographic: it tells
 * runs of one program from each other, nothing more.
 *
 * What is hashed is architectural: no caches, no pointers, nothing that the
 * host decides (how much was decoded, which pages a display watches). Left
 * out: contents of disks, and bytes that back ends have yet to deliver.
 */
#include "monitor/state_hash.h"

#include <string.h>

#include "monitor/state_fields.h"
#include "monitor/vm_internal.h"

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x00000100000001b3ull
#define LANES 4

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * FNV_PRIME;
	return h ^ h >> 29; /* multiplication alone never carries downwards */
}

/* size is a multiple of LANES * 8. */
static uint64_t hash_memory(const uint8_t *p, uint64_t size)
{
	uint64_t lane[LANES] = {FNV_BASIS, FNV_BASIS + 1, FNV_BASIS + 2, FNV_BASIS + 3};
	uint64_t words[LANES], h = FNV_BASIS;

	for (uint64_t i = 0; i < size; i += sizeof(words)) {
		memcpy(words, p + i, sizeof(words));
		for (unsigned n = 0; n < LANES; n++)
			lane[n] = mix(lane[n], words[n]);
	}
	for (unsigned n = 0; n < LANES; n++)
		h = mix(h, lane[n]);
	return mix(h, size);
}

static uint64_t hash_fields(const struct field *fields, const void *state)
{
	uint64_t h = FNV_BASIS;

	for (const struct field *f = fields; f && f->name; f++) {
		for (uint32_t i = 0; i < f->count; i++) {
			uint64_t value = 0;

			memcpy(&value,
			       (const char *)state + f->offset + (size_t)i * f->elem_size,
			       f->elem_size <= sizeof(value) ? f->elem_size : sizeof(value));
			h = mix(h, value);
		}
	}
	return h;
}

/* ---- the whole ---- */

struct sum {
	uint64_t hash;
	void (*part)(void *arg, const char *name, uint64_t hash);
	void *arg;
};

static void add(struct sum *s, const char *name, uint64_t hash)
{
	s->hash = mix(s->hash, hash);
	if (s->part)
		s->part(s->arg, name, hash);
}

static void add_memory(void *arg, const char *name, const uint8_t *host, uint64_t size)
{
	add(arg, name, hash_memory(host, size));
}

uint64_t vm_state_hash(struct vm *vm, void (*part)(void *arg, const char *name, uint64_t hash),
		       void *arg)
{
	struct sum s = {.hash = FNV_BASIS, .part = part, .arg = arg};

	for (const struct state_table *t = vcpu_state; t->name; t++)
		add(&s, t->name, hash_fields(t->fields, vm->cpu));
	physmem_for_each_memory(vm->mem, add_memory, &s);
	for (int i = 0; i < vm->device_count; i++)
		add(&s, vm->devices[i].class->name,
		    hash_fields(vm->devices[i].class->fields, vm->devices[i].state));
	add(&s, "time", clock_now(vm->clock));
	return s.hash;
}
