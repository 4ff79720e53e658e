/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor with paging on, guest page tables that tests can edit, and
 * accesses to windows as translated code makes them: straight, with a SIGSEGV
 * handler that calls space_fill().
 *
 * Spaces 0 to SPACE_COUNT-1 have two page tables of their own from linear
 * address 0 on. They share kernel page tables from KERNEL on: the first maps
 * physical memory from 0 (the tables among it), the second is for tests.
 */
#ifndef TESTS_UNIT_SPACE_FIXTURE_H
#define TESTS_UNIT_SPACE_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define MEMORY_SIZE 0x1000000u
#include "cpu_fixture.h"

#include "cpu/engine.h"
#include "cpu/space.h"
#include "cpu/walk.h"

#define SPACE_COUNT 6u
#define TABLES_AT   0x100000u
#define PAGES_AT    0x200000u /* data pages that tests map */
#define LARGE_AT    0x400000u /* physical memory of a large page */
#define KERNEL	    0xc0000000u

struct world {
	struct fixture f;
	bool pae;
	uint32_t root[SPACE_COUNT];	  /* CR3 */
	uint32_t dir[SPACE_COUNT];	  /* directory of the user half */
	uint32_t table[SPACE_COUNT][2];	  /* user page tables */
	uint32_t kernel_dir[SPACE_COUNT]; /* without PAE the same as dir */
	uint32_t kernel_table[2];
};

static struct vcpu *faulting_cpu;
static sigjmp_buf window_unwind;
static unsigned window_faults;

static void on_window_fault(int sig, siginfo_t *info, void *context)
{
	struct vcpu *cpu = faulting_cpu;
	uint64_t address = (uint64_t)info->si_addr;
	bool write = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2;
	uint64_t user = address - cpu->window_base_user;
	uint64_t supervisor = address - cpu->window_base_supervisor;

	window_faults++;
	if (cpu->window_base_user && user >> 32 == 0) {
		if (space_fill(cpu, (gva_t)user, write, true))
			return;
	} else if (supervisor >> 32 == 0) {
		if (space_fill(cpu, (gva_t)supervisor, write, false))
			return;
	} else {
		abort();
	}
	siglongjmp(window_unwind, 1);
}

static inline uint64_t window_base(struct vcpu *cpu, bool user)
{
	if (user) /* as before ring 3 runs */
		space_settle(cpu);
	return user ? cpu->window_base_user : cpu->window_base_supervisor;
}

static inline bool window_read(struct world *w, gva_t gva, bool user, uint32_t *value)
{
	struct vcpu *cpu = w->f.cpu;
	uint64_t base = window_base(cpu, user);

	faulting_cpu = cpu;
	if (!base || sigsetjmp(window_unwind, 1))
		return false;
	*value = *(volatile uint32_t *)(base + gva);
	return true;
}

static inline bool window_write(struct world *w, gva_t gva, bool user, uint32_t value)
{
	struct vcpu *cpu = w->f.cpu;
	uint64_t base = window_base(cpu, user);

	faulting_cpu = cpu;
	if (!base || sigsetjmp(window_unwind, 1))
		return false;
	*(volatile uint32_t *)(base + gva) = value;
	return true;
}

/* ---- guest tables ---- */
static inline void entry_write(struct world *w, uint32_t table, unsigned index, uint64_t entry)
{
	if (w->pae) {
		physmem_write(w->f.mem, table + 8 * index, (uint32_t)entry, 4);
		physmem_write(w->f.mem, table + 8 * index + 4, (uint32_t)(entry >> 32), 4);
	} else {
		physmem_write(w->f.mem, table + 4 * index, (uint32_t)entry, 4);
	}
}

static inline uint64_t entry_read(struct world *w, uint32_t table, unsigned index)
{
	uint64_t low = physmem_read(w->f.mem, table + (w->pae ? 8 : 4) * index, 4);

	return w->pae ? low | (uint64_t)physmem_read(w->f.mem, table + 8 * index + 4, 4) << 32
		      : low;
}

/* Bytes that one page table maps. */
static inline uint32_t table_span(const struct world *w)
{
	return w->pae ? 2u << 20 : 4u << 20;
}
/* Page n of user page table t; of the kernel's. */
static inline gva_t user_page(const struct world *w, unsigned t, unsigned n)
{
	return t * table_span(w) + n * PAGE_SIZE;
}
static inline gva_t kernel_page(const struct world *w, unsigned t, unsigned n)
{
	return KERNEL + t * table_span(w) + n * PAGE_SIZE;
}
static inline unsigned kernel_dir_index(const struct world *w)
{
	return w->pae ? 0 : KERNEL >> 22;
}

#define RW_USER	  (PTE_P | PTE_W | PTE_U)
#define RW_KERNEL (PTE_P | PTE_W)

static inline void build_space(struct world *w, unsigned i, uint32_t *free_page)
{
	w->root[i] = w->dir[i] = w->kernel_dir[i] = *free_page;
	*free_page += PAGE_SIZE;
	if (w->pae) {
		w->dir[i] = *free_page;
		w->kernel_dir[i] = *free_page + PAGE_SIZE;
		*free_page += 2 * PAGE_SIZE;
		entry_write(w, w->root[i], 0, w->dir[i] | PTE_P);
		entry_write(w, w->root[i], 3, w->kernel_dir[i] | PTE_P);
	}
	for (unsigned t = 0; t < 2; t++) {
		w->table[i][t] = *free_page;
		*free_page += PAGE_SIZE;
		entry_write(w, w->dir[i], t, w->table[i][t] | RW_USER);
		entry_write(w, w->kernel_dir[i], kernel_dir_index(w) + t,
			    w->kernel_table[t] | RW_KERNEL);
	}
}

/* CR3, as MOV CR3 does it. */
static inline void load_root(struct world *w, unsigned i)
{
	struct vcpu *cpu = w->f.cpu;

	cpu->cr3 = w->root[i];
	if (w->pae)
		CHECK(paging_load_pdptes(cpu, cpu->cr3));
	tlb_flush(cpu, false);
}

static inline void world_start(struct world *w, bool pae, unsigned budget, unsigned inject)
{
	struct sigaction action = {.sa_sigaction = on_window_fault, .sa_flags = SA_SIGINFO};
	uint32_t free_page = TABLES_AT;

	memset(w, 0, sizeof(*w));
	fixture_start(&w->f);
	sigaction(SIGSEGV, &action, NULL);
	w->pae = pae;
	CU_ASSERT_FATAL(space_enable(w->f.cpu, budget, inject) == 0);
	enter_protected(&w->f, 0);
	for (unsigned t = 0; t < 2; t++, free_page += PAGE_SIZE)
		w->kernel_table[t] = free_page;
	for (unsigned i = 0; i < SPACE_COUNT; i++)
		build_space(w, i, &free_page);
	for (unsigned n = 0; n < (pae ? 512 : 1024); n++)
		entry_write(w, w->kernel_table[0], n, n * PAGE_SIZE | RW_KERNEL | PTE_A | PTE_D);
	w->f.cpu->cr4 = pae ? CR4_PAE : CR4_PSE;
	w->f.cpu->msr.efer = pae ? EFER_NXE : 0;
	w->f.cpu->cr0 |= CR0_WP;
	tlb_flush(w->f.cpu, true);
	w->f.cpu->cr0 |= CR0_PG;
	load_root(w, 0);
	tlb_flush(w->f.cpu, true);
	CHECK(space_promote(w->f.cpu));
}

static inline void world_end(struct world *w)
{
	mmu_check(w->f.cpu);
	fixture_end(&w->f);
}

#endif
