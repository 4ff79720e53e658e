/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info mem`, `info tlb`, `info mtree`: the guest's page tables (SDM 3A 4.3
 * and 4.4), read without setting accessed bits, and the physical memory map.
 */
#include <inttypes.h>
#include <string.h>

#include "cpu/vcpu.h"
#include "monitor/hmp_internal.h"

/* Bits of page-table entries, SDM 3A tables 4-5 and 4-6. */
#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_U 0x004u
#define PTE_ACCESS (PTE_P | PTE_W | PTE_U)
#define PTE_PS 0x080u
#define PTE_NX (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define LINES_MAX 16384u /* of `info tlb`: what somebody may want to read */
#define ALL_LINEAR (UINT64_C(1) << 32)

struct walk {
	struct hmp *m;
	/* Told of each mapped page: linear, entry, rights of all levels, size. */
	void (*page)(struct walk *w, uint64_t linear, uint64_t entry, unsigned rights,
		     uint64_t size);
	unsigned lines; /* `info tlb` */
	/* `info mem`: the run of pages with equal rights. */
	uint64_t start, end;
	unsigned rights;
};

static uint64_t read_entry(struct walk *w, uint64_t table, unsigned index, unsigned size)
{
	uint64_t entry = 0;

	physmem_dma_read(vm_physmem(w->m->vm), table + (uint64_t)index * size, &entry, size);
	return entry;
}

/* A page directory that maps entries * large bytes from linear on. */
static void walk_directory(struct walk *w, uint64_t directory, uint64_t linear, bool pae,
			   unsigned rights)
{
	unsigned entry_size = pae ? 8 : 4, entries = pae ? 512 : 1024;
	uint64_t large = (uint64_t)entries * PAGE_SIZE;
	bool pse = pae || vm_vcpu(w->m->vm)->cr4 & CR4_PSE;

	for (unsigned i = 0; i < entries; i++, linear += large) {
		uint64_t pde = read_entry(w, directory, i, entry_size), at = linear;
		unsigned mine = rights & (unsigned)pde;

		if (!(pde & PTE_P))
			continue;
		if (pse && pde & PTE_PS) {
			w->page(w, linear, pde, mine, large);
			continue;
		}
		for (unsigned k = 0; k < entries; k++, at += PAGE_SIZE) {
			uint64_t pte = read_entry(w, pde & PTE_ADDRESS, k, entry_size);

			if (pte & PTE_P)
				w->page(w, at, pte, mine & (unsigned)pte, PAGE_SIZE);
		}
	}
}

static void walk(struct walk *w)
{
	const struct vcpu *cpu = vm_vcpu(w->m->vm);

	if (!(cpu->cr0 & CR0_PG)) {
		fprintf(w->m->out, "PG disabled\n");
		return;
	}
	if (!(cpu->cr4 & CR4_PAE)) {
		walk_directory(w, cpu->cr3 & PAGE_MASK, 0, false, PTE_ACCESS);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (cpu->pdpte[i] & PTE_P)
			walk_directory(w, cpu->pdpte[i] & PTE_ADDRESS, (uint64_t)i << 30, true,
				       PTE_ACCESS);
	}
}

/* ---- info mem ---- */

static void print_run(struct walk *w)
{
	if (w->end > w->start)
		fprintf(w->m->out, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %c%c%c\n",
			w->start, w->end, w->end - w->start, w->rights & PTE_U ? 'u' : '-', 'r',
			w->rights & PTE_W ? 'w' : '-');
}

static void extend_run(struct walk *w, uint64_t linear, uint64_t entry, unsigned rights,
		       uint64_t size)
{
	if (linear != w->end || rights != w->rights) {
		print_run(w);
		w->start = linear;
		w->rights = rights;
	}
	w->end = linear + size;
}

void hmp_info_mem(struct hmp *m, const struct hmp_args *a)
{
	struct walk w = {.m = m, .page = extend_run};

	walk(&w);
	print_run(&w);
}

/* ---- info tlb ---- */

static void print_page(struct walk *w, uint64_t linear, uint64_t entry, unsigned rights,
		       uint64_t size)
{
	if (w->lines++ >= LINES_MAX)
		return;
	/* NX, global, page size, dirty, accessed, PCD, PWT, user, writable. */
	static const char letters[] = "GPDACTUW";
	char flags[10];

	flags[0] = entry & PTE_NX ? 'X' : '-';
	for (unsigned i = 0; i < 8; i++)
		flags[1 + i] = entry >> (8 - i) & 1 ? letters[i] : '-';
	flags[9] = 0;
	fprintf(w->m->out, "%016" PRIx64 ": %016" PRIx64 " %s\n", linear,
		entry & PTE_ADDRESS & ~(size - 1), flags);
}

void hmp_info_tlb(struct hmp *m, const struct hmp_args *a)
{
	struct walk w = {.m = m, .page = print_page};

	walk(&w);
	if (w.lines > LINES_MAX)
		fprintf(m->out, "... and %u more\n", w.lines - LINES_MAX);
}

/* ---- info mtree ---- */

static bool same_kind(const struct phys_page *a, const struct phys_page *b)
{
	return a->kind == b->kind && a->region == b->region;
}

static void print_range(FILE *out, uint64_t start, uint64_t end, const struct phys_page *page)
{
	static const char *const kinds[] = {
		[PHYS_NONE] = "", [PHYS_RAM] = "ram", [PHYS_ROM] = "rom", [PHYS_MMIO] = "i/o"};

	if (page->kind == PHYS_NONE)
		return;
	fprintf(out, "  %016" PRIx64 "-%016" PRIx64 " (%s): %s\n", start, end - 1,
		kinds[page->kind],
		page->region ? phys_region_name(page->region) : "pc.ram");
}

void hmp_info_mtree(struct hmp *m, const struct hmp_args *a)
{
	struct physmem *mem = vm_physmem(m->vm);
	uint64_t ram = physmem_ram_size(mem), below = physmem_ram_below_4g(mem);
	uint64_t end = ALL_LINEAR + (ram - below), start = 0;
	struct phys_page run = physmem_lookup(mem, 0);

	fprintf(m->out, "address-space: memory\n");
	for (uint64_t at = PAGE_SIZE; at < end; at += PAGE_SIZE) {
		struct phys_page page = physmem_lookup(mem, at);

		if (same_kind(&page, &run))
			continue;
		print_range(m->out, start, at, &run);
		start = at;
		run = page;
	}
	print_range(m->out, start, end, &run);
}
