/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest page-table walks (SDM 3A chapter 4) and the interpreter's TLB.
 *
 * 32-bit paging with 4 KiB and, by CR4.PSE, 4 MiB pages (PSE-36), and PAE
 * paging with 4 KiB and 2 MiB pages and NX. Physical addresses have 36 bits.
 * The TLB is a cache as the architecture allows it: it may hold a translation
 * until INVLPG or a load of CR3, CR0 or CR4 drops it.
 */
#include "cpu/access.h"
#include "cpu/engine.h"

#define PHYS_BITS 36
#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_U 0x004u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_PS 0x080u
#define PTE_G 0x100u
#define PTE_NX (1ull << 63)
#define PAE_ADDRESS 0x0000000ffffff000ull
/* Bits 36-62: reserved in every PAE entry. */
#define PAE_RESERVED (~(1ull << 63) & ~((1ull << PHYS_BITS) - 1))
#define PDPTE_RESERVED (PAE_RESERVED | PTE_NX | 0x1e6ull)

/* What a walk found. */
struct walk {
	gpa_t gpa;        /* of the byte */
	bool writable, user, nx, global, dirty, large;
	uint32_t error;   /* PF_P or PF_RSVD bits when it failed */
	/* The leaf, for setting its dirty bit. */
	gpa_t leaf;
	uint32_t leaf_low;
};

static uint64_t read_entry(struct vcpu *cpu, gpa_t gpa, bool pae)
{
	uint64_t low = physmem_read(cpu->mem, gpa & cpu->a20_mask, 4);

	return pae ? low | (uint64_t)physmem_read(cpu->mem, (gpa + 4) & cpu->a20_mask, 4) << 32
		   : low;
}

static void set_bits(struct vcpu *cpu, gpa_t gpa, uint64_t entry, uint32_t bits)
{
	if ((entry & bits) != bits)
		physmem_write(cpu->mem, gpa & cpu->a20_mask, (uint32_t)entry | bits, 4);
}

/*
 * Accumulates the rights of one level. Returns false, with the reason in
 * w->error, if the entry ends the walk.
 */
static bool take_level(struct vcpu *cpu, struct walk *w, uint64_t entry, uint64_t reserved)
{
	if (!(entry & PTE_P)) {
		w->error = 0;
		return false;
	}
	if (entry & reserved || (entry & PTE_NX && !(cpu->msr.efer & EFER_NXE))) {
		w->error = PF_P | PF_RSVD;
		return false;
	}
	w->writable &= !!(entry & PTE_W);
	w->user &= !!(entry & PTE_U);
	w->nx |= !!(entry & PTE_NX);
	return true;
}

static void take_leaf(struct walk *w, gpa_t where, uint64_t entry, gpa_t gpa)
{
	w->gpa = gpa;
	w->leaf = where;
	w->leaf_low = (uint32_t)entry;
	w->dirty = entry & PTE_D;
	w->global = entry & PTE_G;
}

/* The walk below the page-directory entry; upper holds what was passed. */
static bool walk_tables(struct vcpu *cpu, gva_t gva, struct walk *w, gpa_t *upper,
			uint64_t *upper_entry)
{
	bool pae = cpu->cr4 & CR4_PAE;
	unsigned dir_shift = pae ? 21 : 22, entry_size = pae ? 8 : 4;
	uint32_t index_mask = pae ? 511 : 1023;
	uint64_t reserved = pae ? PAE_RESERVED : 0, entry;
	gpa_t table = cpu->cr3 & PAGE_MASK, where;

	*upper = 0;
	if (pae) {
		uint64_t pdpte = cpu->pdpte[gva >> 30];

		if (!(pdpte & PTE_P))
			return false;
		table = pdpte & PAE_ADDRESS;
	}
	where = table + (gva >> dir_shift & index_mask) * entry_size;
	entry = read_entry(cpu, where, pae);
	if (entry & PTE_PS && (pae || cpu->cr4 & CR4_PSE)) {
		uint32_t page_mask = (1u << dir_shift) - 1;
		/* PAE: bits 13-20; PSE-36: bits 17-21 (bits 13-16 are address). */
		uint64_t large_reserved = pae ? reserved | 0x1fe000 : 0x3e0000;

		if (!take_level(cpu, w, entry, large_reserved))
			return false;
		w->large = true;
		take_leaf(w, where, entry,
			  (pae ? entry & PAE_ADDRESS & ~(uint64_t)page_mask
			       : (entry & ~page_mask) | (entry & 0x1e000) << 19) |
				  (gva & page_mask));
		return true;
	}
	if (!take_level(cpu, w, entry, reserved))
		return false;
	*upper = where;
	*upper_entry = entry;
	table = pae ? entry & PAE_ADDRESS : entry & PAGE_MASK;
	where = table + (gva >> PAGE_SHIFT & index_mask) * entry_size;
	entry = read_entry(cpu, where, pae);
	if (!take_level(cpu, w, entry, reserved))
		return false;
	take_leaf(w, where, entry,
		  (pae ? entry & PAE_ADDRESS : entry & PAGE_MASK) | (gva & ~PAGE_MASK));
	return true;
}

static bool allowed(const struct vcpu *cpu, const struct walk *w, enum access_kind kind, bool user)
{
	if (user && !w->user)
		return false;
	if (kind == ACCESS_WRITE && !w->writable && (user || cpu->cr0 & CR0_WP))
		return false;
	return kind != ACCESS_EXEC || !w->nx;
}

static _Noreturn void walk_fault(struct vcpu *cpu, gva_t gva, uint32_t error,
				 enum access_kind kind, bool user)
{
	if (kind == ACCESS_WRITE)
		error |= PF_W;
	if (user)
		error |= PF_U;
	if (kind == ACCESS_EXEC && cpu->cr4 & CR4_PAE && cpu->msr.efer & EFER_NXE)
		error |= PF_I;
	raise_page_fault(cpu, gva, error);
}

/* Whether a data breakpoint is armed somewhere on the page (SDM 3B 17.2.4). */
static bool page_has_breakpoint(const struct vcpu *cpu, gva_t page)
{
	for (unsigned i = 0; i < 4; i++) {
		bool armed = cpu->dr[7] >> (2 * i) & 3;
		unsigned type = cpu->dr[7] >> (16 + 4 * i) & 3;

		/* Ranges are aligned to their length: none crosses a page. */
		if (armed && type != 0 && ((cpu->dr[i] ^ page) & PAGE_MASK) == 0)
			return true;
	}
	return false;
}

/* Caches a translation with the kinds of access that need no slow path. */
static void tlb_fill(struct vcpu *cpu, gva_t gva, const struct walk *w, bool user)
{
	gva_t page = gva & PAGE_MASK;
	gpa_t phys = w->gpa & ~(gpa_t)(PAGE_SIZE - 1) & (cpu->a20_mask | ~0xffffffffull);
	struct tlb_entry *e = tlb_slot(cpu->tlb_views[user ? TLB_USER : TLB_SUPERVISOR], page);
	struct phys_page r = physmem_lookup(cpu->mem, phys);
	struct phys_page wr = physmem_lookup_write(cpu->mem, phys);

	*e = (struct tlb_entry){.read = TLB_NONE, .write = TLB_NONE, .exec = TLB_NONE,
				.writable = TLB_NONE, .phys = phys, .global = w->global};
	if (w->large)
		cpu->large_regions[page >> 27] |= 1u << (page >> 22 & 31);
	if ((r.kind != PHYS_RAM && r.kind != PHYS_ROM) || page_has_breakpoint(cpu, page))
		return;
	e->host = (uintptr_t)r.host - page;
	e->read = page;
	if (!w->nx)
		e->exec = page;
	if (w->dirty && wr.kind == PHYS_RAM && wr.host == r.host &&
	    allowed(cpu, w, ACCESS_WRITE, user)) {
		e->writable = page;
		if (!(wr.watch && *wr.watch))
			e->write = page;
	}
}

/* A write that takes the slow path only because its page is or was watched. */
static bool tlb_writable(struct vcpu *cpu, gva_t gva, bool user, gpa_t *gpa)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb_views[user ? TLB_USER : TLB_SUPERVISOR], gva);
	struct phys_page p;

	if (e->writable != (gva & PAGE_MASK))
		return false;
	p = physmem_lookup_write(cpu->mem, e->phys);
	if (!(p.watch && *p.watch))
		e->write = e->writable;
	*gpa = e->phys | (gva & ~PAGE_MASK);
	return true;
}

gpa_t paging_translate(struct vcpu *cpu, gva_t gva, enum access_kind kind, bool user)
{
	struct walk w = {.writable = true, .user = true, .dirty = true};
	uint64_t upper_entry = 0;
	gpa_t upper = 0, cached;

	if (kind == ACCESS_WRITE && tlb_writable(cpu, gva, user, &cached))
		return cached;
	if (!(cpu->cr0 & CR0_PG)) {
		w.gpa = gva;
	} else {
		if (!walk_tables(cpu, gva, &w, &upper, &upper_entry))
			walk_fault(cpu, gva, w.error, kind, user);
		if (!allowed(cpu, &w, kind, user))
			walk_fault(cpu, gva, PF_P, kind, user);
		if (upper)
			set_bits(cpu, upper, upper_entry, PTE_A);
		set_bits(cpu, w.leaf, w.leaf_low, kind == ACCESS_WRITE ? PTE_A | PTE_D : PTE_A);
		w.dirty |= kind == ACCESS_WRITE;
		w.global &= !!(cpu->cr4 & CR4_PGE);
	}
	tlb_fill(cpu, gva, &w, user);
	return w.gpa & (cpu->a20_mask | ~0xffffffffull);
}

bool paging_debug_translate(struct vcpu *cpu, gva_t gva, gpa_t *gpa)
{
	struct walk w = {0};
	uint64_t upper_entry;
	gpa_t upper;

	w.gpa = gva;
	if (cpu->cr0 & CR0_PG && !walk_tables(cpu, gva, &w, &upper, &upper_entry))
		return false;
	*gpa = w.gpa & (cpu->a20_mask | ~0xffffffffull);
	return true;
}

bool paging_load_pdptes(struct vcpu *cpu, uint32_t cr3)
{
	uint64_t pdpte[4];

	for (unsigned i = 0; i < 4; i++) {
		pdpte[i] = read_entry(cpu, (cr3 & ~31u) + 8 * i, true);
		if (pdpte[i] & PTE_P && pdpte[i] & PDPTE_RESERVED)
			return false;
	}
	memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
	return true;
}

static void entry_drop(struct tlb_entry *e)
{
	e->read = e->write = e->exec = e->writable = TLB_NONE;
}

void tlb_flush(struct vcpu *cpu, bool all)
{
	if (all)
		memset(cpu->large_regions, 0, sizeof(cpu->large_regions));
	cpu->map_generation++;
	cpu->asid_user++;
	cpu->asid_kernel++;
	if (cpu->engine)
		cpu->engine->tlb_flushed(cpu);
	for (unsigned v = TLB_SUPERVISOR; v <= TLB_USER; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			if (all || !cpu->tlb_views[v][i].global)
				entry_drop(&cpu->tlb_views[v][i]);
}

/*
 * The TLB holds a large page in parts of 4 KiB; INVLPG anywhere in it drops
 * all of them (SDM 3A 4.10.4.1).
 */
static void flush_large_page(struct vcpu *cpu, gva_t gva)
{
	for (unsigned v = TLB_SUPERVISOR; v <= TLB_USER; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			if ((cpu->tlb_views[v][i].read ^ gva) >> 22 == 0)
				entry_drop(&cpu->tlb_views[v][i]);
}

void tlb_flush_page(struct vcpu *cpu, gva_t gva)
{
	if (cpu->large_regions[gva >> 27] >> (gva >> 22 & 31) & 1) {
		flush_large_page(cpu, gva);
		if (cpu->engine)
			cpu->engine->tlb_flushed(cpu);
	}
	cpu->map_generation++;
	cpu->asid_user++;
	cpu->asid_kernel++;
	if (cpu->engine)
		cpu->engine->tlb_page_flushed(cpu, gva);
	for (unsigned v = TLB_SUPERVISOR; v <= TLB_USER; v++)
		entry_drop(tlb_slot(cpu->tlb_views[v], gva));
}

void tlb_select_view(struct vcpu *cpu)
{
	enum tlb_view v = TLB_SUPERVISOR;

	if (cpu->cpl == 3)
		v = cpu->align_check ? TLB_CHECKED : TLB_USER;
	cpu->tlb = cpu->tlb_views[v];
}

void tlb_init(struct vcpu *cpu)
{
	for (unsigned v = 0; v < TLB_VIEWS; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			entry_drop(&cpu->tlb_views[v][i]);
	cpu->map_generation++;
	tlb_select_view(cpu);
}

void tlb_page_watched(struct vcpu *cpu, gpa_t page)
{
	if (cpu->engine)
		cpu->engine->page_watched(cpu, page);
	for (unsigned v = TLB_SUPERVISOR; v <= TLB_USER; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			if (cpu->tlb_views[v][i].phys == page)
				cpu->tlb_views[v][i].write = TLB_NONE;
}
