/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation of linear addresses for the slow paths: a walk (walk.h), page
 * faults, accessed and dirty bits, and what of it the TLB may keep. The TLB is
 * a cache as the architecture allows it: it may hold a translation until
 * INVLPG or a load of CR3, CR0 or CR4 drops it.
 */
#include "cpu/space.h"
#include "cpu/tlb.h"
#include "cpu/walk.h"

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

/*
 * Whether fetches may go through the entry. With a shadow each is to be
 * noted (space_note_fetch()), so only a fetch makes an entry good for fetches.
 */
static bool may_fetch(const struct vcpu *cpu, const struct tlb_entry *old, gva_t page, gpa_t phys,
		      const struct walk *w, enum access_kind kind)
{
	if (w->nx)
		return false;
	if (!cpu->spaces || kind == ACCESS_EXEC || !(cpu->cr0 & CR0_PG))
		return true;
	return old->exec == page && old->phys == phys;
}

/* Caches a translation with the kinds of access that need no slow path. */
static void fill(struct vcpu *cpu, gva_t gva, const struct walk *w, enum access_kind kind,
		 bool user)
{
	gva_t page = gva & PAGE_MASK;
	gpa_t phys = apply_a20(cpu, w->gpa & ~(gpa_t)(PAGE_SIZE - 1));
	struct tlb_entry *e = tlb_claim(cpu, user ? TLB_USER : TLB_SUPERVISOR, page, w->global);
	struct phys_page r = physmem_lookup(cpu->mem, phys);
	struct phys_page wr = physmem_lookup_write(cpu->mem, phys);
	bool fetch = may_fetch(cpu, e, page, phys, w, kind);

	*e = (struct tlb_entry){.read = TLB_NONE, .write = TLB_NONE, .exec = TLB_NONE,
				.writable = TLB_NONE, .phys = phys};
	if (w->large)
		cpu->large_regions[page >> 27] |= 1u << (page >> 22 & 31);
	if ((r.kind != PHYS_RAM && r.kind != PHYS_ROM) || page_has_breakpoint(cpu, page))
		return;
	e->host = (uintptr_t)r.host - page;
	e->read = page;
	if (fetch)
		e->exec = page;
	if (w->dirty && wr.kind == PHYS_RAM && wr.host == r.host &&
	    walk_allows(cpu, w, ACCESS_WRITE, user)) {
		e->writable = page;
		if (!(wr.watch && *wr.watch))
			tlb_let_write(cpu, e, page);
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
		tlb_let_write(cpu, e, (gva_t)e->writable);
	*gpa = e->phys | (gva & ~PAGE_MASK);
	return true;
}

gpa_t paging_translate(struct vcpu *cpu, gva_t gva, enum access_kind kind, bool user)
{
	struct walk w = WALK_START;
	gpa_t cached;

	if (kind == ACCESS_WRITE && tlb_writable(cpu, gva, user, &cached))
		return cached;
	if (!(cpu->cr0 & CR0_PG)) {
		w.gpa = gva;
	} else {
		if (!walk_tables(cpu, gva, &w))
			walk_fault(cpu, gva, w.error, kind, user);
		if (!walk_allows(cpu, &w, kind, user))
			walk_fault(cpu, gva, PF_P, kind, user);
		walk_set_bits(cpu, &w, kind == ACCESS_WRITE);
		w.global &= !!(cpu->cr4 & CR4_PGE);
		if (kind == ACCESS_EXEC && cpu->spaces)
			space_note_fetch(cpu, gva, user);
	}
	fill(cpu, gva, &w, kind, user);
	return apply_a20(cpu, w.gpa);
}
