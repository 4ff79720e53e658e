/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment and gate descriptors as they stand in the GDT and LDT (SDM 3A 3.4.5,
 * 3.5, 5.8.3), and the parts of selectors.
 */
#ifndef CPU_DESCRIPTOR_H
#define CPU_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu.h"

#define SELECTOR_RPL   3u
#define SELECTOR_TI    4u /* in the LDT */
#define SELECTOR_INDEX 0xfff8u
/* A selector as an error code: without RPL. */
#define SELECTOR_ERROR 0xfffcu

/* Types of system descriptors, SDM 3A table 3-2. */
enum system_type {
	TYPE_TSS16 = 1,
	TYPE_LDT = 2,
	TYPE_TSS16_BUSY = 3,
	TYPE_CALL_GATE16 = 4,
	TYPE_TASK_GATE = 5,
	TYPE_INTERRUPT_GATE16 = 6,
	TYPE_TRAP_GATE16 = 7,
	TYPE_TSS32 = 9,
	TYPE_TSS32_BUSY = 11,
	TYPE_CALL_GATE32 = 12,
	TYPE_INTERRUPT_GATE32 = 14,
	TYPE_TRAP_GATE32 = 15,
};
#define TYPE_BUSY   2u /* this bit of a TSS's type */
#define TYPE_GATE32 8u /* this bit: 32-bit gate or TSS */

struct descriptor {
	uint32_t low, high; /* the two doublewords */
	gva_t address;	    /* where it was read */
};

static inline bool selector_is_null(uint16_t selector)
{
	return !(selector & SELECTOR_ERROR);
}

/* High doubleword: the same bits as struct segment's attr. */
static inline bool desc_present(const struct descriptor *d)
{
	return d->high & DESC_P;
}
static inline unsigned desc_dpl(const struct descriptor *d)
{
	return (d->high & DESC_DPL) >> DESC_DPL_SHIFT;
}
static inline unsigned desc_type(const struct descriptor *d)
{
	return d->high >> 8 & 15;
}
static inline bool desc_is_system(const struct descriptor *d)
{
	return !(d->high & DESC_S);
}
static inline bool desc_is_code(const struct descriptor *d)
{
	return (d->high & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}
static inline bool desc_is_conforming(const struct descriptor *d)
{
	return desc_is_code(d) && d->high & DESC_DC;
}
static inline bool desc_is_writable_data(const struct descriptor *d)
{
	return (d->high & (DESC_S | DESC_CODE | DESC_RW)) == (DESC_S | DESC_RW);
}
/* Data, or code that may be read. */
static inline bool desc_is_readable(const struct descriptor *d)
{
	return !desc_is_system(d) && (!desc_is_code(d) || d->high & DESC_RW);
}
static inline uint32_t desc_base(const struct descriptor *d)
{
	return d->low >> 16 | (d->high & 0xff) << 16 | (d->high & 0xff000000);
}
/* In bytes, inclusive. */
static inline uint32_t desc_limit(const struct descriptor *d)
{
	uint32_t limit = (d->low & 0xffff) | (d->high & 0xf0000);

	return d->high & DESC_G ? limit << 12 | 0xfff : limit;
}

/* Call gates: target and number of parameters. */
static inline uint16_t gate_selector(const struct descriptor *d)
{
	return (uint16_t)(d->low >> 16);
}
static inline uint32_t gate_offset(const struct descriptor *d)
{
	uint32_t offset = d->low & 0xffff;

	return desc_type(d) & TYPE_GATE32 ? offset | (d->high & 0xffff0000) : offset;
}
static inline unsigned gate_parameters(const struct descriptor *d)
{
	return d->high & 31;
}

/*
 * Reads the descriptor of a selector that is not null, from the GDT or the
 * LDT. Returns false when it lies outside of the table. May unwind with #PF.
 */
bool descriptor_read(struct vcpu *cpu, uint16_t selector, struct descriptor *d);

/* The same, unwinding with `vector` and the selector when outside. */
void descriptor_get(struct vcpu *cpu, uint16_t selector, unsigned vector, struct descriptor *d);

/* Sets the accessed bit, in memory too, if it is clear. May unwind with #PF. */
void descriptor_set_accessed(struct vcpu *cpu, struct descriptor *d);

/* Sets or clears a TSS descriptor's busy bit in memory. May unwind with #PF. */
void descriptor_set_busy(struct vcpu *cpu, struct descriptor *d, bool busy);

/* Fills *s from the descriptor, derived fields included. */
void descriptor_to_segment(const struct descriptor *d, uint16_t selector, struct segment *s);

#endif
