/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and updating descriptors in the guest's GDT and LDT. */
#include "cpu/descriptor.h"

#include "cpu/access.h"
#include "cpu/segment.h"

bool descriptor_read(struct vcpu *cpu, uint16_t selector, struct descriptor *d)
{
	uint32_t base = cpu->gdtr.base, limit = cpu->gdtr.limit;
	uint64_t raw;

	if (selector & SELECTOR_TI) {
		if (!(cpu->ldtr.attr & DESC_P))
			return false;
		base = cpu->ldtr.base;
		limit = cpu->ldtr.limit;
	}
	if ((uint32_t)(selector | 7) > limit)
		return false;
	d->address = base + (selector & SELECTOR_INDEX);
	raw = sys_read64(cpu, d->address);
	d->low = (uint32_t)raw;
	d->high = (uint32_t)(raw >> 32);
	return true;
}

void descriptor_get(struct vcpu *cpu, uint16_t selector, unsigned vector, struct descriptor *d)
{
	if (!descriptor_read(cpu, selector, d))
		raise_error(cpu, vector, selector & SELECTOR_ERROR);
}

static void write_type(struct vcpu *cpu, struct descriptor *d)
{
	sys_write8(cpu, d->address + 5, (uint8_t)(d->high >> 8));
}

void descriptor_set_accessed(struct vcpu *cpu, struct descriptor *d)
{
	if (d->high & DESC_ACCESSED)
		return;
	d->high |= DESC_ACCESSED;
	write_type(cpu, d);
}

void descriptor_set_busy(struct vcpu *cpu, struct descriptor *d, bool busy)
{
	uint32_t bit = TYPE_BUSY << 8;

	d->high = busy ? d->high | bit : d->high & ~bit;
	write_type(cpu, d);
}

void descriptor_to_segment(const struct descriptor *d, uint16_t selector, struct segment *s)
{
	s->selector = selector;
	s->base = desc_base(d);
	s->limit = desc_limit(d);
	s->attr = d->high & 0x00f0ff00;
	segment_update(s);
	s->raw = d->low | (uint64_t)d->high << 32;
}
