/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of data pages: the case and its outcome are the same on all of them,
 * but an engine reaches each in another way. Ring 3 of the host has nothing
 * like it, and need not have.
 */
#include <string.h>

#include "cpu/access.h"
#include "cpu/segment.h"
#include "guest_pages.h"

#define DEVICE_AT 0xfe000000u

bool guest_pages_known(const char *name, enum guest_pages *kind)
{
	static const char *const names[] = {[GUEST_RAM] = "ram", [GUEST_DEVICE] = "device",
					    [GUEST_CODE] = "code", [GUEST_CLEAR] = "clear"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name)) {
			*kind = (enum guest_pages)i;
			return true;
		}
	return false;
}

/* ---- registers that are memory ---- */

static uint32_t device_read(void *opaque, uint32_t offset, unsigned size)
{
	const struct guest *g = opaque;
	uint32_t v = 0;

	memcpy(&v, g->pages + offset, size);
	return v;
}

static void device_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	struct guest *g = opaque;

	memcpy(g->pages + offset, &value, size);
}

void guest_pages_create(struct guest *g, enum guest_pages kind)
{
	static const struct mmio_ops ops = {.read = device_read, .write = device_write, .max_size = 4};

	g->kind = kind;
	if (kind == GUEST_DEVICE)
		physmem_region_map(physmem_add_mmio(g->mem, "pages", WORLD_SIZE, &ops, g),
				   DEVICE_AT, 0);
}

uint32_t guest_page_physical(const struct guest *g, unsigned i)
{
	bool device = g->kind == GUEST_DEVICE && i != PAGE_CODE;

	return (device ? DEVICE_AT : WORLD_AT) + i * PAGE_SIZE;
}

/* ---- code beside data ---- */

/* Ring 0 executes the HLT that the world has there, so that it is in the cache. */
static void execute_at(struct guest *g, uint32_t offset)
{
	struct vcpu *cpu = g->cpu;

	cpu->seg[CS] = g->kernel_code;
	cpu->seg[SS] = g->kernel_data;
	cpu->eflags = FL_1;
	cpu->eip = ALIAS_AT + offset;
	cpu->halted = cpu->shutdown = false;
	cpu_set_cpl(cpu, 0);
	cpu_mode_changed(cpu);
	cpu->fuel = 2;
	vcpu_run(cpu);
}

/* After the case's own bytes have been put there, which may have replaced some. */
static void lay_code(struct guest *g)
{
	physmem_written(g->mem, WORLD_AT, WORLD_SIZE);
	for (unsigned i = PAGE_RW1; i < WORLD_PAGES; i++)
		for (unsigned n = 0; n < WORLD_HLTS; n++) {
			uint32_t offset = i * PAGE_SIZE + WORLD_HLT_AT(n);

			if (g->pages[offset] == WORLD_HLT)
				execute_at(g, offset);
		}
}

/* ---- accessed and dirty bits ---- */

static void clear_bits(struct guest *g)
{
	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		g->ram[g->entries[i]] &= (uint8_t)~(PTE_A | PTE_D);
		physmem_written(g->mem, g->entries[i], 8);
	}
	tlb_flush(g->cpu, true);
}

static unsigned page_of(uint32_t linear)
{
	unsigned i = 0;

	while (i < WORLD_PAGES - 1 && linear - world_pages[i].at >= PAGE_SIZE)
		i++;
	return i;
}

/* A page that was changed is dirty; a dirty one was accessed and may be written. */
static bool bits_agree(const struct guest *g, const struct outcome *out)
{
	for (unsigned i = 0; i < out->changed && i < CHANGES_MAX; i++)
		if (!(g->ram[g->entries[page_of(out->changes[i].at)]] & PTE_D))
			return false;
	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		uint8_t bits = g->ram[g->entries[i]];

		if (bits & PTE_D && (!(bits & PTE_A) || !world_pages[i].writable))
			return false;
	}
	return true;
}

void guest_pages_prepare(struct guest *g)
{
	if (g->kind == GUEST_CODE)
		lay_code(g);
	else if (g->kind == GUEST_CLEAR)
		clear_bits(g);
}

void guest_pages_check(const struct guest *g, struct outcome *out)
{
	memset(out->page_bits, 0, sizeof(out->page_bits));
	if (g->kind != GUEST_CLEAR)
		return;
	for (unsigned i = 0; i < WORLD_PAGES; i++)
		out->page_bits[i] = g->ram[g->entries[i]] & (PTE_A | PTE_D);
	if (!bits_agree(g, out))
		out->vector = NO_VECTOR;
}
