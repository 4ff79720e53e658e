// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a processor may still have in its TLB and paging-structure caches (SDM
 * 3A 4.10): for each test page whether its entries have changed since they
 * were last flushed, and what they were. And the flushes.
 */
#include "stress.h"

#define CR0_WP	0x00010000u
#define CR0_PG	0x80000000u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u
#define CR4_OSFXSR 0x200u
#define CPUID_FXSR (1u << 24)

struct stale_page stale[PAGES];
static struct xlate before[PAGES];

static uint32_t cr0_read(void)
{
	uint32_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}
static void cr0_write(uint32_t v)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
/*
 * TCG sets A in PDPTEs, where it is reserved (SDM 3A 4.4.1). A KVM that runs on it looks at
 * them when CR0 or CR4 changes what paging means, and before it walks the tables itself, as
 * it does to go past a CPUID: where it finds an A it keeps those it had (load_pdptrs()). So
 * they are cleaned, and after a load of CR3 shown to it by way of CR4. An interrupt of its
 * host's may have them walked and marked in between: then it is #GP, and tried again.
 */
static void pdptes_clean(void)
{
	const struct space *s = &model.spaces[model.current];

	if (options.nested && s->mode == MODE_PAE)
		for (unsigned i = 0; i < 4; i++)
			((volatile uint64_t *)s->cr3)[i] &= ~(uint64_t)PTE_A;
}

extern const char cr3_mov[], cr4_mov[];

__attribute__((noinline)) static void cr3_write(uint32_t v)
{
	pdptes_clean();
	__asm__ volatile("cr3_mov: mov %0, %%cr3" : : "r"(v) : "memory");
}

__attribute__((noinline)) static void cr4_write(uint32_t v)
{
	pdptes_clean();
	__asm__ volatile("cr4_mov: mov %0, %%cr4" : : "r"(v) : "memory");
}

bool pdptes_again(uint32_t eip)
{
	if (!options.nested || (eip != (uintptr_t)cr3_mov && eip != (uintptr_t)cr4_mov))
		return false;
	pdptes_clean();
	return true;
}

/* ---- what a change needs ---- */
void tables_before(void)
{
	for (unsigned id = 0; id < PAGES; id++)
		xlate_read(&model.spaces[model.current], model.lin[id], &before[id]);
}

/* FRESH: one that was cached is as good as the new one. */
static enum stale entry_change(uint64_t was, uint64_t is)
{
	uint64_t differs = (was ^ is) & ~(uint64_t)(PTE_A | PTE_D | 0xe00);

	if (!(was & PTE_P))
		return FRESH;
	if (was & ~is & (PTE_A | PTE_D))
		return CHANGED;
	if (!differs)
		return FRESH;
	if (differs & ~(uint64_t)(PTE_W | PTE_U | PTE_NX) || was & ~is & (PTE_W | PTE_U) ||
	    is & ~was & PTE_NX)
		return CHANGED;
	return UPGRADED;
}

static enum stale change(const struct xlate *was, const struct xlate *is)
{
	enum stale dir = entry_change(was->pde, is->pde);
	enum stale page = FRESH;

	if (dir != CHANGED && was->pde & PTE_P)
		page = entry_change(was->pte, is->pte);
	return dir > page ? dir : page;
}

void tables_after(void)
{
	for (unsigned id = 0; id < PAGES; id++) {
		struct stale_page *p = &stale[id];
		struct xlate is;
		enum stale how;

		xlate_read(&model.spaces[model.current], model.lin[id], &is);
		how = change(&before[id], &is);
		if (how == FRESH && p->how != CHANGED)
			continue;
		if (how == FRESH && before[id].pde == is.pde && before[id].pte == is.pte)
			continue;
		if (p->count == CANDIDATES) {
			page_flush(id);
			continue;
		}
		p->was[p->count++] = before[id];
		if (how > p->how)
			p->how = how;
	}
}

/* ---- flushes ---- */
static void forget(unsigned id)
{
	stale[id].how = FRESH;
	stale[id].count = 0;
}

static bool all_large(unsigned id)
{
	struct xlate x;

	xlate_read(&model.spaces[model.current], model.lin[id], &x);
	for (unsigned i = 0; i < stale[id].count; i++)
		if (!(stale[id].was[i].pde & x.pde & PTE_P && stale[id].was[i].pde & x.pde & PTE_PS))
			return false;
	return x.pde & PTE_P && x.pde & PTE_PS;
}

void page_flush(unsigned id)
{
	unsigned shift = model.mode == MODE_PAE ? 21 : 22;

	counts.invlpgs++;
	if (options.verbose)
		print("  invlpg %x\n", model.lin[id]);
	__asm__ volatile("invlpg (%0)" : : "r"(model.lin[id] | below(PAGE)) : "memory");
	/* Anywhere in a large page drops all of it. */
	if (model.mode != MODE_PLAIN && all_large(id))
		for (unsigned other = 0; other < PAGES; other++)
			if ((model.lin[id] ^ model.lin[other]) >> shift == 0 && all_large(other))
				forget(other);
	forget(id);
}

static void cr4_toggle(void)
{
	uint32_t cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4_write(cr4 ^ CR4_PGE);
	cr4_write(cr4);
}

void flush_global(void)
{
	cr4_toggle();
	for (unsigned id = 0; id < PAGES; id++)
		forget(id);
}

/* Pages that test_pages of other spaces do not share are flushed with CR3. */
static void cr3_load(void)
{
	cr3_write(model.spaces[model.current].cr3);
	if (options.nested && model.mode == MODE_PAE)
		cr4_toggle();
	for (unsigned id = 0; id < PAGES; id++)
		if (region_of(id) != GLOBAL_REGION)
			forget(id);
}

void paging_start(void)
{
	static const uint32_t cr4[MODES] = {CR4_PGE, CR4_PGE | CR4_PSE,
					    CR4_PGE | CR4_PSE | CR4_PAE};

	model.mode = model.spaces[model.current].mode;
	cr0_write(cr0_read() & ~CR0_PG);
	/* Without it ring 3 would not run directly (direct/rules.c). */
	cr4_write(cr4[model.mode] | (cpu_flags() & CPUID_FXSR ? CR4_OSFXSR : 0));
	cr3_write(model.spaces[model.current].cr3);
	cr0_write(cr0_read() | CR0_PG | CR0_WP);
	model.wp = true;
	for (unsigned id = 0; id < PAGES; id++)
		forget(id);
}

void space_load(unsigned space)
{
	bool mode = model.spaces[space].mode != model.mode;

	if (options.verbose)
		print("  space %u, cr3 %x\n", space, model.spaces[space].cr3);
	model.current = space;
	if (mode) {
		counts.modes++;
		paging_start();
	} else {
		counts.reloads++;
		cr3_load();
	}
}

void wp_set(bool on)
{
	model.wp = on;
	cr0_write((cr0_read() & ~CR0_WP) | (on ? CR0_WP : 0));
}

void a20_switch(bool on)
{
	compare_frames(true);
	a20_set(on);
	model.a20 = on;
	cr3_load();
	flush_global();
	if (!on)
		counts.a20_offs++;
}
