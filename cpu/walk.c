/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest page-table walks (see walk.h). */
#include "cpu/walk.h"

#define PHYS_BITS 36
/* Bits 36-62: reserved in every PAE entry. */
#define PAE_RESERVED   (~(1ull << 63) & ~((1ull << PHYS_BITS) - 1))
#define PDPTE_RESERVED (PAE_RESERVED | PTE_NX | 0x1e6ull)

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
	w->leaf_entry = entry;
	w->dirty = entry & PTE_D;
	w->global = entry & PTE_G;
}

static bool take_large(struct vcpu *cpu, gva_t gva, struct walk *w, gpa_t where, uint64_t entry)
{
	bool pae = cpu->cr4 & CR4_PAE;
	uint32_t page_mask = (1u << (pae ? 21 : 22)) - 1;
	/* PAE: bits 13-20; PSE-36: bits 17-21 (bits 13-16 are address). */
	uint64_t reserved = pae ? PAE_RESERVED | 0x1fe000 : 0x3e0000;

	if (!take_level(cpu, w, entry, reserved))
		return false;
	w->large = true;
	take_leaf(w, where, entry,
		  (pae ? entry & PAE_ADDRESS & ~(uint64_t)page_mask
		       : (entry & ~page_mask) | (entry & 0x1e000) << 19) |
		      (gva & page_mask));
	return true;
}

bool walk_tables(struct vcpu *cpu, gva_t gva, struct walk *w)
{
	bool pae = cpu->cr4 & CR4_PAE;
	unsigned dir_shift = pae ? 21 : 22, entry_size = pae ? 8 : 4;
	uint32_t index_mask = pae ? 511 : 1023;
	uint64_t reserved = pae ? PAE_RESERVED : 0, entry;
	gpa_t table = cpu->cr3 & PAGE_MASK, where;

	if (pae) {
		uint64_t pdpte = cpu->pdpte[gva >> 30];

		if (!(pdpte & PTE_P))
			return false;
		table = pdpte & PAE_ADDRESS;
	}
	where = table + (gva >> dir_shift & index_mask) * entry_size;
	entry = read_entry(cpu, where, pae);
	if (entry & PTE_PS && (pae || cpu->cr4 & CR4_PSE))
		return take_large(cpu, gva, w, where, entry);
	if (!take_level(cpu, w, entry, reserved))
		return false;
	w->upper = where;
	w->upper_entry = entry;
	table = pae ? entry & PAE_ADDRESS : entry & PAGE_MASK;
	where = table + (gva >> PAGE_SHIFT & index_mask) * entry_size;
	entry = read_entry(cpu, where, pae);
	if (!take_level(cpu, w, entry, reserved))
		return false;
	take_leaf(w, where, entry,
		  (pae ? entry & PAE_ADDRESS : entry & PAGE_MASK) | (gva & ~PAGE_MASK));
	return true;
}

uint64_t walk_reserved(const struct vcpu *cpu)
{
	if (!(cpu->cr4 & CR4_PAE))
		return 0;
	return PAE_RESERVED | (cpu->msr.efer & EFER_NXE ? 0 : PTE_NX);
}

bool walk_allows(const struct vcpu *cpu, const struct walk *w, enum access_kind kind, bool user)
{
	if (user && !w->user)
		return false;
	if (kind == ACCESS_WRITE && !w->writable && (user || cpu->cr0 & CR0_WP))
		return false;
	return kind != ACCESS_EXEC || !w->nx;
}

bool walk_bits_set(const struct walk *w, bool dirty)
{
	return (!w->upper || w->upper_entry & PTE_A) &&
	       (!w->leaf || (w->leaf_entry & PTE_A && (!dirty || w->leaf_entry & PTE_D)));
}

void walk_set_bits(struct vcpu *cpu, struct walk *w, bool dirty)
{
	uint32_t bits = dirty ? PTE_A | PTE_D : PTE_A;

	if (w->upper)
		set_bits(cpu, w->upper, w->upper_entry, PTE_A);
	set_bits(cpu, w->leaf, w->leaf_entry, bits);
	w->upper_entry |= PTE_A;
	w->leaf_entry |= bits;
	w->dirty |= dirty;
}

bool page_has_breakpoint(const struct vcpu *cpu, gva_t gva)
{
	if (!(cpu->dr[7] & DR7_ENABLED))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		bool armed = cpu->dr[7] >> (2 * i) & 3;
		unsigned type = cpu->dr[7] >> (16 + 4 * i) & 3;

		/* Ranges are aligned to their length: none crosses a page. */
		if (armed && type != 0 && ((cpu->dr[i] ^ gva) & PAGE_MASK) == 0)
			return true;
	}
	return false;
}

bool paging_debug_translate(struct vcpu *cpu, gva_t gva, gpa_t *gpa)
{
	struct walk w = WALK_START;

	w.gpa = gva;
	if (cpu->cr0 & CR0_PG && !walk_tables(cpu, gva, &w))
		return false;
	*gpa = apply_a20(cpu, w.gpa);
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
