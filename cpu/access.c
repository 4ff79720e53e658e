/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow paths of guest memory accesses: TLB misses, accesses that cross a
 * page, registers in memory, watched pages, alignment checks and data
 * breakpoints. Every access translates all its bytes before it moves the
 * first, so that a fault leaves nothing half done.
 */
#include "cpu/access.h"

void access_segment_fault(struct vcpu *cpu, unsigned seg)
{
	raise_error(cpu, seg == SS ? VEC_SS : VEC_GP, 0);
}

void access_check_alignment(struct vcpu *cpu, gva_t gva, unsigned align)
{
	if (cpu->align_check && gva & (align - 1))
		raise_error(cpu, VEC_AC, 0);
}

/* An access of 1, 2, 4 or 8 bytes; the processor's own accesses are not checked. */
static void check_alignment(struct vcpu *cpu, gva_t gva, unsigned size, bool user)
{
	if (user)
		access_check_alignment(cpu, gva, size);
}

/*
 * Data breakpoints (SDM 3B 17.2.5): notes in debug_hits those that the access
 * touches; the run loop reports them after the instruction.
 */
static void note_breakpoints(struct vcpu *cpu, gva_t gva, unsigned size, bool write)
{
	static const uint8_t length_of[4] = {1, 2, 8, 4};

	if (!cpu->slow)
		return;
	for (unsigned i = 0; i < 4; i++) {
		unsigned type = cpu->dr[7] >> (16 + 4 * i) & 3;
		uint32_t length = length_of[cpu->dr[7] >> (18 + 4 * i) & 3];
		uint32_t start = cpu->dr[i] & ~(length - 1);

		if (type == 0 || type == 2 || (type == 1 && !write))
			continue;
		if (gva <= start + (length - 1) && start <= gva + (size - 1))
			cpu->debug_hits |= 1u << i;
	}
}

/* Physical addresses of an access's bytes: first part and, if any, second. */
struct span {
	gpa_t first, second;
	unsigned first_size; /* bytes in the first page */
};

static struct span translate_span(struct vcpu *cpu, gva_t gva, unsigned size,
				  enum access_kind kind, bool user)
{
	struct span s = {.first_size = size};
	unsigned in_page = PAGE_SIZE - (gva & ~PAGE_MASK);

	s.first = paging_translate(cpu, gva, kind, user);
	if (in_page < size) {
		s.first_size = in_page;
		s.second = paging_translate(cpu, gva + in_page, kind, user);
	}
	return s;
}

static uint64_t phys_read(struct vcpu *cpu, gpa_t gpa, unsigned size)
{
	if (size <= 4 && size != 3)
		return physmem_read(cpu->mem, gpa, size);
	if (size == 8)
		return physmem_read(cpu->mem, gpa, 4) |
		       (uint64_t)physmem_read(cpu->mem, gpa + 4, 4) << 32;
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)physmem_read(cpu->mem, gpa + i, 1) << 8 * i;
	return value;
}

static void phys_write(struct vcpu *cpu, gpa_t gpa, uint64_t value, unsigned size)
{
	if (size <= 4 && size != 3) {
		physmem_write(cpu->mem, gpa, (uint32_t)value, size);
	} else if (size == 8) {
		physmem_write(cpu->mem, gpa, (uint32_t)value, 4);
		physmem_write(cpu->mem, gpa + 4, (uint32_t)(value >> 32), 4);
	} else {
		for (unsigned i = 0; i < size; i++)
			physmem_write(cpu->mem, gpa + i, value >> 8 * i & 0xff, 1);
	}
}

uint64_t access_read_slow(struct vcpu *cpu, gva_t gva, unsigned size, bool user)
{
	struct span s;
	uint64_t value;

	check_alignment(cpu, gva, size, user);
	s = translate_span(cpu, gva, size, ACCESS_READ, user);
	note_breakpoints(cpu, gva, size, false);
	value = phys_read(cpu, s.first, s.first_size);
	if (s.first_size < size)
		value |= phys_read(cpu, s.second, size - s.first_size) << 8 * s.first_size;
	return value;
}

void access_write_slow(struct vcpu *cpu, gva_t gva, uint64_t value, unsigned size, bool user)
{
	struct span s;

	check_alignment(cpu, gva, size, user);
	s = translate_span(cpu, gva, size, ACCESS_WRITE, user);
	note_breakpoints(cpu, gva, size, true);
	phys_write(cpu, s.first, value, s.first_size);
	if (s.first_size < size)
		phys_write(cpu, s.second, value >> 8 * s.first_size, size - s.first_size);
}

void access_rmw_probe(struct vcpu *cpu, gva_t gva, unsigned size)
{
	bool user = cpu->cpl == 3;

	check_alignment(cpu, gva, size, user);
	lin_probe(cpu, gva, size, true, user);
}

void lin_probe(struct vcpu *cpu, gva_t gva, unsigned size, bool write, bool user)
{
	gva_t last = gva + (size - 1);
	enum access_kind kind = write ? ACCESS_WRITE : ACCESS_READ;

	paging_translate(cpu, gva, kind, user);
	while ((gva ^ last) & PAGE_MASK) {
		gva = (gva & PAGE_MASK) + PAGE_SIZE;
		paging_translate(cpu, gva, kind, user);
	}
}

void lin_read_bytes(struct vcpu *cpu, gva_t gva, void *buf, unsigned size)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb, gva);
	uint8_t *to = buf;

	if ((uint64_t)gva - e->read <= PAGE_SIZE - size) {
		memcpy(buf, (void *)(e->host + gva), size);
		return;
	}
	lin_probe(cpu, gva, size, false, cpu->cpl == 3);
	note_breakpoints(cpu, gva, size, false);
	for (unsigned i = 0; i < size; i++)
		to[i] = lin_read8(cpu, gva + i);
}

void lin_write_bytes(struct vcpu *cpu, gva_t gva, const void *buf, unsigned size)
{
	struct tlb_entry *e = tlb_slot(cpu->tlb, gva);
	const uint8_t *from = buf;

	if ((uint64_t)gva - e->write <= PAGE_SIZE - size) {
		memcpy((void *)(e->host + gva), buf, size);
		return;
	}
	lin_probe(cpu, gva, size, true, cpu->cpl == 3);
	note_breakpoints(cpu, gva, size, true);
	for (unsigned i = 0; i < size; i++)
		lin_write8(cpu, gva + i, from[i]);
}

void mem_read_bytes(struct vcpu *cpu, unsigned seg, uint32_t off, void *buf, unsigned size,
		    unsigned align)
{
	gva_t gva = seg_read_check(cpu, seg, off, size);

	access_check_alignment(cpu, gva, align);
	lin_read_bytes(cpu, gva, buf, size);
}

void mem_write_bytes(struct vcpu *cpu, unsigned seg, uint32_t off, const void *buf, unsigned size,
		     unsigned align)
{
	gva_t gva = seg_write_check(cpu, seg, off, size);

	access_check_alignment(cpu, gva, align);
	lin_write_bytes(cpu, gva, buf, size);
}

void mem_probe_write(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size, unsigned align)
{
	gva_t gva = seg_write_check(cpu, seg, off, size);

	access_check_alignment(cpu, gva, align);
	lin_probe(cpu, gva, size, true, cpu->cpl == 3);
}

void mem_probe_read(struct vcpu *cpu, unsigned seg, uint32_t off, unsigned size, unsigned align)
{
	gva_t gva = seg_read_check(cpu, seg, off, size);

	access_check_alignment(cpu, gva, align);
	lin_probe(cpu, gva, size, false, cpu->cpl == 3);
}
