/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's way to guest memory: segment check, software TLB, page
 * walk. Each function either does the whole access or unwinds with the fault
 * the processor would raise (#GP, #SS, #AC, #PF), having changed nothing.
 *
 * seg is an enum seg_reg, off the offset in it (already masked to the address
 * size). #SS for SS, #GP for the others, error code 0.
 */
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H

#include <string.h>

#include "cpu/vcpu.h"

/* Slow paths, cpu/access.c: TLB miss, page crossing, MMIO, watched pages. */
uint64_t access_read_slow(struct vcpu *cpu, gva_t gva, unsigned size, bool user);
void access_write_slow(struct vcpu *cpu, gva_t gva, uint64_t value, unsigned size, bool user);
/* Faults as a write at gva with the current CPL's rights would; moves nothing. */
void access_rmw_probe(struct vcpu *cpu, gva_t gva, unsigned size);
/* Raises #GP(0) or #SS(0) as the segment says. */
_Noreturn void access_segment_fault(struct vcpu *cpu, unsigned seg);
/* #AC(0) unless gva is a multiple of align (a power of 2) or nobody asked for checks. */
void access_check_alignment(struct vcpu *cpu, gva_t gva, unsigned align);

/*
 * Where a view has the page's entry. The upper half of the page number takes part: libraries
 * lie a multiple of 4 MiB apart, so that programs use the same low bits again and again.
 */
static inline unsigned tlb_index(gva_t gva)
{
	return (gva >> PAGE_SHIFT ^ gva >> (PAGE_SHIFT + TLB_BITS)) & (TLB_SIZE - 1);
}

static inline struct tlb_entry *tlb_slot(struct tlb_entry *view, gva_t gva)
{
	return &view[tlb_index(gva)];
}

/* Segment check of a read (write) of size bytes; returns the linear address. */
static inline gva_t seg_read_check(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size)
{
	const struct segment *s = &cpu->seg[seg];
	uint32_t last = off + (size - 1);

	if (__builtin_expect(off < s->lo || last > s->hi_read || last < off, 0))
		access_segment_fault(cpu, seg);
	return s->base + off;
}
static inline gva_t seg_write_check(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size)
{
	const struct segment *s = &cpu->seg[seg];
	uint32_t last = off + (size - 1);

	if (__builtin_expect(off < s->lo_write || last > s->hi_write || last < off, 0))
		access_segment_fault(cpu, seg);
	return s->base + off;
}

/*
 * lin_readN/lin_writeN: at a linear address with the current CPL's rights.
 * mem_readN/mem_writeN: at seg:off. sys_readN/sys_writeN: the processor's own
 * accesses (descriptor tables, TSS, IDT), with supervisor rights at any CPL.
 */
#define ACCESS_FUNCTIONS(bits)                                                                     \
	static inline uint##bits##_t view_read##bits(struct vcpu *cpu, struct tlb_entry *view,     \
						     gva_t gva, bool user)                         \
	{                                                                                          \
		struct tlb_entry *e = tlb_slot(view, gva);                                         \
		uint##bits##_t v;                                                                  \
                                                                                                   \
		if (__builtin_expect((uint64_t)gva - e->read > PAGE_SIZE - bits / 8, 0))           \
			return (uint##bits##_t)access_read_slow(cpu, gva, bits / 8, user);         \
		memcpy(&v, (void *)(e->host + gva), sizeof(v));                                    \
		return v;                                                                          \
	}                                                                                          \
	static inline void view_write##bits(struct vcpu *cpu, struct tlb_entry *view, gva_t gva,   \
					    uint##bits##_t v, bool user)                           \
	{                                                                                          \
		struct tlb_entry *e = tlb_slot(view, gva);                                         \
                                                                                                   \
		if (__builtin_expect((uint64_t)gva - e->write > PAGE_SIZE - bits / 8, 0)) {        \
			access_write_slow(cpu, gva, v, bits / 8, user);                            \
			return;                                                                    \
		}                                                                                  \
		memcpy((void *)(e->host + gva), &v, sizeof(v));                                    \
	}                                                                                          \
	static inline uint##bits##_t lin_read##bits(struct vcpu *cpu, gva_t gva)                   \
	{                                                                                          \
		return view_read##bits(cpu, cpu->tlb, gva, cpu->cpl == 3);                         \
	}                                                                                          \
	static inline void lin_write##bits(struct vcpu *cpu, gva_t gva, uint##bits##_t v)          \
	{                                                                                          \
		view_write##bits(cpu, cpu->tlb, gva, v, cpu->cpl == 3);                            \
	}                                                                                          \
	static inline uint##bits##_t mem_read##bits(struct vcpu *cpu, unsigned seg, uint32_t off)  \
	{                                                                                          \
		return lin_read##bits(cpu, seg_read_check(cpu, seg, off, bits / 8));               \
	}                                                                                          \
	static inline void mem_write##bits(struct vcpu *cpu, unsigned seg, uint32_t off,           \
					   uint##bits##_t v)                                       \
	{                                                                                          \
		lin_write##bits(cpu, seg_write_check(cpu, seg, off, bits / 8), v);                 \
	}                                                                                          \
	static inline uint##bits##_t sys_read##bits(struct vcpu *cpu, gva_t gva)                   \
	{                                                                                          \
		return view_read##bits(cpu, cpu->tlb_views[TLB_SUPERVISOR], gva, false);           \
	}                                                                                          \
	static inline void sys_write##bits(struct vcpu *cpu, gva_t gva, uint##bits##_t v)          \
	{                                                                                          \
		view_write##bits(cpu, cpu->tlb_views[TLB_SUPERVISOR], gva, v, false);              \
	}
ACCESS_FUNCTIONS(8)
ACCESS_FUNCTIONS(16)
ACCESS_FUNCTIONS(32)
ACCESS_FUNCTIONS(64)

/*
 * Longer operands (far pointers, 80-bit reals, XMM, FXSAVE areas): the segment
 * check and the translation of all bytes happen before the first is moved.
 * align is what #AC asks for (SDM 3A table 6-7); 1: nothing.
 */
void mem_read_bytes(struct vcpu *cpu, unsigned seg, uint32_t off, void *buf, unsigned size,
		    unsigned align);
void mem_write_bytes(struct vcpu *cpu, unsigned seg, uint32_t off, const void *buf, unsigned size,
		     unsigned align);
/* Faults as a write (read) of the range would; moves nothing. */
void mem_probe_write(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size, unsigned align);
void mem_probe_read(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size, unsigned align);

/*
 * Checks that [gva, gva+size) may be read (written), with the rights of user
 * or supervisor; faults otherwise. Sets accessed (and dirty) bits.
 */
void lin_probe(struct vcpu *cpu, gva_t gva, unsigned size, bool write, bool user);

/* Reads and writes of any size at a linear address, current CPL's rights. */
void lin_read_bytes(struct vcpu *cpu, gva_t gva, void *buf, unsigned size);
void lin_write_bytes(struct vcpu *cpu, gva_t gva, const void *buf, unsigned size);

/* ---- translation: cpu/paging.c, the TLB: cpu/tlb.c ---- */
enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/*
 * Walks the guest's tables for one access, sets accessed and dirty bits, and
 * caches what was found. Unwinds with #PF. Returns the physical address.
 */
gpa_t paging_translate(struct vcpu *cpu, gva_t gva, enum access_kind kind, bool user);
/* Drops all translations; keeps global ones unless all. */
void tlb_flush(struct vcpu *cpu, bool all);
/* INVLPG: drops the page's translation, global or not. */
void tlb_flush_page(struct vcpu *cpu, gva_t gva);
/* New numbers for both tags of instruction fetches. */
void tlb_fresh_asids(struct vcpu *cpu);
/* Selects the TLB view of the CPL; call after every change of cpl. */
void tlb_select_view(struct vcpu *cpu);
/* Empties the TLB; at creation. */
void tlb_init(struct vcpu *cpu);
/* Physmem began to watch writes to so many physical pages from this one on. */
void tlb_pages_watched(struct vcpu *cpu, gpa_t page, uint32_t pages);
/*
 * PAE: reads the four PDPTEs at CR3 (SDM 3A 4.4.1). Returns false, with
 * nothing changed, if one sets reserved bits (the caller raises #GP(0)).
 */
bool paging_load_pdptes(struct vcpu *cpu, uint32_t cr3);
/*
 * Translation as a debugger sees it: no faults, no accessed bits. Returns
 * false if the page is not present.
 */
bool paging_debug_translate(struct vcpu *cpu, gva_t gva, gpa_t *gpa);

#endif
