/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest page-table walks (SDM 3A chapter 4), without faults or side effects:
 * 32-bit paging with 4 KiB and, by CR4.PSE, 4 MiB pages (PSE-36), and PAE
 * paging with 4 KiB and 2 MiB pages and NX. Physical addresses have 36 bits.
 */
#ifndef CPU_WALK_H
#define CPU_WALK_H

#include "cpu/access.h"

#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_U 0x004u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_PS 0x080u
#define PTE_G 0x100u
#define PTE_NX (1ull << 63)
#define PAE_ADDRESS 0x0000000ffffff000ull

/* What a walk found. Start from WALK_START. */
struct walk {
	gpa_t gpa; /* of the byte; A20 not yet applied */
	bool writable, user, nx, global, dirty, large;
	uint32_t error; /* PF_P or PF_RSVD bits when it failed */
	gpa_t upper;	/* the page-directory entry above the leaf; 0: the leaf is one, or no paging */
	uint64_t upper_entry;
	gpa_t leaf; /* the entry that maps the page */
	uint64_t leaf_entry;
};
#define WALK_START ((struct walk){.writable = true, .user = true, .dirty = true})

/* Walks for gva; CR0.PG is set. Returns false, with error set, if not present. */
bool walk_tables(struct vcpu *cpu, gva_t gva, struct walk *w);
/* Bits that make the entry of a 4 KiB page or a page table a fault. */
uint64_t walk_reserved(const struct vcpu *cpu);
/* The walk's rights for one access, as CR0.WP says. */
bool walk_allows(const struct vcpu *cpu, const struct walk *w, enum access_kind kind, bool user);
/* Whether the entries passed have their accessed bit (and the leaf its dirty bit). */
bool walk_bits_set(const struct walk *w, bool dirty);
/* Sets those bits in the guest's memory where they are not set. */
void walk_set_bits(struct vcpu *cpu, struct walk *w, bool dirty);
/* A physical address as it leaves the processor. */
static inline gpa_t apply_a20(const struct vcpu *cpu, gpa_t gpa)
{
	return gpa & (cpu->a20_mask | ~0xffffffffull);
}
/* Whether a data breakpoint is armed somewhere on gva's page (SDM 3B 17.2.4). */
bool page_has_breakpoint(const struct vcpu *cpu, gva_t gva);

#endif
