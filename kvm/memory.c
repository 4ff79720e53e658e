/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for KVM: slots that follow the machine's memory map.
 *
 * The map is walked from one change to the next. RAM that is read and written at
 * one place is a slot; what is only read (ROM, RAM that the i440FX shields from
 * writes) is a read-only slot, whose writes exit; registers and holes are in no
 * slot, so that accesses exit. Whatever exits goes to physmem.
 *
 * With A20 off addresses with bit 20 set are slots of the memory below; as far
 * as A20_SLOTS_END, to keep slots few. Beyond, accesses exit and are right too.
 *
 * Device RAM is logged: KVM says which pages were written when a display asks.
 * RAM is not, since only decoded and translated code and page tables are watched
 * there, and none of it is kept while the guest runs under KVM.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "base/report.h"
#include "cpu/walk.h"
#include "kvm/kvm_internal.h"

#define A20_BIT	      (1ull << 20)
#define A20_SLOTS_END (64ull << 20)

/* What is to be: filled by a walk over the map. */
struct plan {
	struct kvm_slot slots[KVM_SLOTS];
	unsigned count;
	struct kvm_zone zone;
};

/* ---- the plan ---- */

static bool continues(const struct kvm_slot *a, const struct kvm_slot *b)
{
	return a->gpa + a->size == b->gpa && a->host + a->size == b->host &&
	       a->flags == b->flags && a->region == b->region;
}

static void plan_slot(struct plan *p, const struct kvm_slot *s)
{
	struct kvm_slot *last = p->count ? &p->slots[p->count - 1] : NULL;

	if (last && continues(last, s))
		last->size += s->size;
	else if (p->count < KVM_SLOTS) /* without a slot accesses exit: slow, and right */
		p->slots[p->count++] = *s;
}

static void plan_zone(struct plan *p, gpa_t gpa, uint64_t size)
{
	if (!p->zone.size)
		p->zone = (struct kvm_zone){gpa, size};
	else if (p->zone.gpa + p->zone.size == gpa)
		p->zone.size += size;
}

/* [gpa, gpa+size) is of one kind; its memory is that of address `from`. */
static void plan_range(struct plan *p, struct physmem *mem, gpa_t gpa, gpa_t from, uint64_t size)
{
	struct phys_page r = physmem_lookup(mem, from), w = physmem_lookup_write(mem, from);
	struct kvm_slot s = {.used = true, .gpa = gpa, .size = size, .host = r.host};

	if (r.kind == PHYS_MMIO && phys_region_writes_wait(r.region) && r.region == w.region)
		plan_zone(p, gpa, size);
	if (r.kind != PHYS_RAM && r.kind != PHYS_ROM)
		return;
	if (w.kind != PHYS_RAM || w.host != r.host) {
		s.flags = KVM_MEM_READONLY;
	} else if (r.region) {
		s.flags = KVM_MEM_LOG_DIRTY_PAGES;
		s.region = r.region;
	}
	plan_slot(p, &s);
}

static void plan_open_a20(struct plan *p, struct physmem *mem)
{
	gpa_t gpa = 0, next;

	for (; (next = physmem_next_change(mem, gpa)) != UINT64_MAX; gpa = next)
		plan_range(p, mem, gpa, gpa, next - gpa);
}

static void plan_masked_a20(struct plan *p, struct physmem *mem)
{
	for (gpa_t gpa = 0, next; gpa < A20_SLOTS_END; gpa = next) {
		gpa_t from = gpa & ~A20_BIT, edge = (gpa | (A20_BIT - 1)) + 1;

		next = gpa + (physmem_next_change(mem, from) - from);
		next = next < edge ? next : edge;
		plan_range(p, mem, gpa, from, next - gpa);
	}
}

/* ---- slots ---- */

static void report_slot(struct kvm *k, unsigned n)
{
	struct kvm_slot *s = &k->slots[n];
	uint64_t pages = s->size >> PAGE_SHIFT;
	uint64_t *bits = calloc((pages + 63) / 64, sizeof(*bits));
	struct kvm_dirty_log log = {.slot = n, .dirty_bitmap = bits};

	/* Without memory for the log everything counts as written. */
	if (!bits || ioctl(k->machine, KVM_GET_DIRTY_LOG, &log) < 0)
		physmem_region_written(s->region, s->offset, s->size);
	else
		for (uint64_t i = 0; i < pages; i++)
			if (bits[i / 64] >> i % 64 & 1)
				physmem_region_written(s->region, s->offset + (i << PAGE_SHIFT),
						       PAGE_SIZE);
	free(bits);
}

static void set_slot(struct kvm *k, unsigned n, const struct kvm_slot *s)
{
	struct kvm_userspace_memory_region r = {.slot = n,
						.flags = s->flags,
						.guest_phys_addr = s->gpa,
						.memory_size = s->size,
						.userspace_addr = (uintptr_t)s->host};

	k->n.slots++;
	if (ioctl(k->machine, KVM_SET_USER_MEMORY_REGION, &r) == 0) {
		k->slots[n] = *s;
		return;
	}
	/* Accesses exit then. */
	report_warn("KVM refuses %llu KiB of memory at %#llx: %s; the guest runs slowly",
		    (unsigned long long)(s->size >> 10), (unsigned long long)s->gpa,
		    strerror(errno));
}

static void remove_slot(struct kvm *k, unsigned n)
{
	struct kvm_slot *s = &k->slots[n];
	struct kvm_userspace_memory_region r = {.slot = n, .guest_phys_addr = s->gpa};

	if (s->region)
		report_slot(k, n);
	k->n.slots++;
	ioctl(k->machine, KVM_SET_USER_MEMORY_REGION, &r);
	*s = (struct kvm_slot){0};
}

static bool same(const struct kvm_slot *a, const struct kvm_slot *b)
{
	return a->used == b->used && a->gpa == b->gpa && a->size == b->size &&
	       a->host == b->host && a->flags == b->flags && a->region == b->region;
}

/* Takes out of the plan what there is already, and away what is not in it. */
static void keep_or_remove(struct kvm *k, struct plan *p)
{
	for (unsigned n = 0; n < KVM_SLOTS; n++) {
		unsigned i = 0;

		if (!k->slots[n].used)
			continue;
		while (i < p->count && !same(&k->slots[n], &p->slots[i]))
			i++;
		if (i < p->count)
			p->slots[i].used = false;
		else
			remove_slot(k, n);
	}
}

static void add_new(struct kvm *k, const struct plan *p)
{
	for (unsigned i = 0, n = 0; i < p->count; i++) {
		if (!p->slots[i].used)
			continue;
		while (n < KVM_SLOTS && k->slots[n].used)
			n++;
		assert(n < KVM_SLOTS);
		set_slot(k, n, &p->slots[i]);
	}
}

/* Where in its region a slot's memory lies. */
static void place_in_regions(struct plan *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->slots[i].region)
			p->slots[i].offset = phys_region_offset(p->slots[i].region,
								p->slots[i].host);
}

/* ---- collected writes ---- */

static void set_zone(struct kvm *k, const struct kvm_zone *z)
{
	struct kvm_coalesced_mmio_zone old = {.addr = k->zone.gpa, .size = (uint32_t)k->zone.size};
	struct kvm_coalesced_mmio_zone new = {.addr = z->gpa, .size = (uint32_t)z->size};

	if (!k->ring || (k->zone.gpa == z->gpa && k->zone.size == z->size))
		return;
	if (old.size)
		ioctl(k->machine, KVM_UNREGISTER_COALESCED_MMIO, &old);
	k->zone = (struct kvm_zone){0};
	if (new.size && ioctl(k->machine, KVM_REGISTER_COALESCED_MMIO, &new) == 0)
		k->zone = *z;
}

/* What is wider than physmem takes goes in two parts, as over a 32-bit bus. */
void kvm_mmio_write(struct vcpu *cpu, gpa_t gpa, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0, size; i < len; i += size) {
		uint32_t value = 0;

		size = len - i >= 4 ? 4 : len - i >= 2 ? 2 : 1;
		memcpy(&value, data + i, size);
		physmem_write(cpu->mem, apply_a20(cpu, gpa + i), value, size);
	}
}

void kvm_mmio_read(struct vcpu *cpu, gpa_t gpa, uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0, size; i < len; i += size) {
		uint32_t value;

		size = len - i >= 4 ? 4 : len - i >= 2 ? 2 : 1;
		value = physmem_read(cpu->mem, apply_a20(cpu, gpa + i), size);
		memcpy(data + i, &value, size);
	}
}

void kvm_memory_flush(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	struct kvm_coalesced_mmio_ring *ring = k->ring;

	while (ring && ring->first != ring->last) {
		const struct kvm_coalesced_mmio *m = &ring->coalesced_mmio[ring->first];

		kvm_mmio_write(cpu, m->phys_addr, m->data, m->len);
		k->n.coalesced++;
		/* The entry is KVM's again. */
		atomic_thread_fence(memory_order_seq_cst);
		ring->first = (ring->first + 1) % k->ring_entries;
	}
}

/* ---- for the others ---- */

void kvm_memory_update(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	struct plan *p;

	if (!k->map_stale && k->a20_mask == cpu->a20_mask)
		return;
	p = calloc(1, sizeof(*p));
	assert(p);
	k->map_stale = false;
	k->a20_mask = cpu->a20_mask;
	if (cpu->a20_mask == UINT32_MAX)
		plan_open_a20(p, cpu->mem);
	else
		plan_masked_a20(p, cpu->mem);
	place_in_regions(p);
	keep_or_remove(k, p);
	add_new(k, p);
	set_zone(k, &p->zone);
	LOG(LOG_MMU, "kvm: %u slots", p->count);
	free(p);
}

void kvm_memory_report(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	if (!k->written)
		return;
	k->written = false;
	for (unsigned n = 0; n < KVM_SLOTS; n++)
		if (k->slots[n].used && k->slots[n].region)
			report_slot(k, n);
}
