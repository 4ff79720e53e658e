/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest that cases run in, and the kinds of its data pages. */
#ifndef TESTS_GENERATOR_GUEST_PAGES_H
#define TESTS_GENERATOR_GUEST_PAGES_H

#include "direct/direct.h"
#include "engine.h"

#define WORLD_AT 0x40000u   /* physical: the pages of the world */
#define ALIAS_AT 0x9f3d0000u /* linear: the same pages, for the supervisor */

#define NO_VECTOR 257u /* no outcome of an oracle has it */

#define PTE_P  1u
#define PTE_W  2u
#define PTE_U  4u
#define PTE_A  0x20u
#define PTE_D  0x40u
#define PTE_NX (1ull << 63)

struct guest {
	struct physmem *mem;
	struct vcpu *cpu;
	uint8_t *ram, *pages; /* pages: the world, within ram */
	uint32_t next_table;
	uint32_t entries[WORLD_PAGES]; /* physical addresses of the world's PTEs */
	struct segment kernel_code, kernel_data;
	struct direct_counters direct_before; /* the case, of the engine direct */
	enum guest_pages kind;
	uint8_t expected[WORLD_SIZE], background[WORLD_SIZE];
};

/* Before the page tables are made. */
void guest_pages_create(struct guest *g, enum guest_pages kind);
/* Where page i of the world is in the guest's physical memory. */
uint32_t guest_page_physical(const struct guest *g, unsigned i);
/* Before and after each case. What is wrong with a page spoils the outcome. */
void guest_pages_prepare(struct guest *g);
void guest_pages_check(const struct guest *g, struct outcome *out);

/* ---- guest_direct.c ---- */
/* False with a message on stderr: it cannot run here. */
bool guest_direct_attach(struct guest *g);
/* As guest_pages_prepare() and guest_pages_check(); for guests of this engine. */
void guest_direct_prepare(struct guest *g);
void guest_direct_check(const struct guest *g, struct outcome *out);

#endif
