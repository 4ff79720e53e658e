/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state hash: FNV-1a by 64-bit words instead of bytes, in four lanes for
 * memory, since it has to pass over all of it. Not cryptographic: it tells
 * runs of one program from each other, nothing more.
 *
 * What is hashed is architectural: no caches, no pointers, nothing that the
 * host decides (how much was decoded, which pages a display watches). Left
 * out: contents of disks, and bytes that back ends have yet to deliver.
 */
#include "monitor/state_hash.h"

#include <string.h>

#include "monitor/vm_internal.h"

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x00000100000001b3ull
#define LANES 4

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * FNV_PRIME;
	return h ^ h >> 29; /* multiplication alone never carries downwards */
}

/* size is a multiple of LANES * 8. */
static uint64_t hash_memory(const uint8_t *p, uint64_t size)
{
	uint64_t lane[LANES] = {FNV_BASIS, FNV_BASIS + 1, FNV_BASIS + 2, FNV_BASIS + 3};
	uint64_t words[LANES], h = FNV_BASIS;

	for (uint64_t i = 0; i < size; i += sizeof(words)) {
		memcpy(words, p + i, sizeof(words));
		for (unsigned n = 0; n < LANES; n++)
			lane[n] = mix(lane[n], words[n]);
	}
	for (unsigned n = 0; n < LANES; n++)
		h = mix(h, lane[n]);
	return mix(h, size);
}

static uint64_t hash_fields(const struct field *fields, const void *state)
{
	uint64_t h = FNV_BASIS;

	for (const struct field *f = fields; f && f->name; f++) {
		for (uint32_t i = 0; i < f->count; i++) {
			uint64_t value = 0;

			memcpy(&value,
			       (const char *)state + f->offset + (size_t)i * f->elem_size,
			       f->elem_size <= sizeof(value) ? f->elem_size : sizeof(value));
			h = mix(h, value);
		}
	}
	return h;
}

/* ---- the processor ---- */

#define CPU(member) FIELD(struct vcpu, member)
#define CPU_ARRAY(member) FIELD_ARRAY(struct vcpu, member)
#define CPU_SEGMENT(s) CPU(s.selector), CPU(s.base), CPU(s.limit), CPU(s.attr)

static const struct field cpu_fields[] = {
	CPU_ARRAY(regs),
	CPU(eip),
	CPU(eflags),
	CPU_SEGMENT(seg[ES]),
	CPU_SEGMENT(seg[CS]),
	CPU_SEGMENT(seg[SS]),
	CPU_SEGMENT(seg[DS]),
	CPU_SEGMENT(seg[FS]),
	CPU_SEGMENT(seg[GS]),
	CPU_SEGMENT(ldtr),
	CPU_SEGMENT(tr),
	CPU(gdtr.base),
	CPU(gdtr.limit),
	CPU(idtr.base),
	CPU(idtr.limit),
	CPU(cr0),
	CPU(cr2),
	CPU(cr3),
	CPU(cr4),
	CPU_ARRAY(dr),
	CPU(cpl),
	CPU_ARRAY(pdpte),
	CPU(halted),
	CPU(shutdown),
	CPU(nmi_blocked),
	CPU(interrupt_shadow),
	CPU(debug_shadow),
	CPU(repeating),
	CPU(ferr),
	CPU(ignne),
	CPU(a20_mask),
	CPU(executed),
	FIELD_END,
};

static const struct field msr_fields[] = {
	CPU(msr.sysenter_cs),
	CPU(msr.sysenter_esp),
	CPU(msr.sysenter_eip),
	CPU(msr.efer),
	CPU(msr.pat),
	CPU(msr.apic_base),
	CPU(msr.misc_enable),
	CPU(msr.mtrr_def_type),
	CPU_ARRAY(msr.mtrr_fixed),
	CPU_ARRAY(msr.mtrr_base),
	CPU_ARRAY(msr.mtrr_mask),
	CPU(msr.tsc_adjust),
	CPU(msr.feature_control),
	CPU(msr.mcg_status),
	FIELD_END,
};

#define ST(n) CPU_ARRAY(fx.st[n])
#define XMM(n) CPU_ARRAY(fx.xmm[n])

static const struct field fpu_fields[] = {
	CPU(fx.fcw), CPU(fx.fsw), CPU(fx.ftw), CPU(fx.fop),   CPU(fx.fip),
	CPU(fx.fcs), CPU(fx.fdp), CPU(fx.fds), CPU(fx.mxcsr), ST(0),
	ST(1),	     ST(2),	  ST(3),       ST(4),	      ST(5),
	ST(6),	     ST(7),	  XMM(0),      XMM(1),	      XMM(2),
	XMM(3),	     XMM(4),	  XMM(5),      XMM(6),	      XMM(7),
	FIELD_END,
};

/* ---- the whole ---- */

struct sum {
	uint64_t hash;
	void (*part)(void *arg, const char *name, uint64_t hash);
	void *arg;
};

static void add(struct sum *s, const char *name, uint64_t hash)
{
	s->hash = mix(s->hash, hash);
	if (s->part)
		s->part(s->arg, name, hash);
}

static void add_memory(void *arg, const char *name, const uint8_t *host, uint64_t size)
{
	add(arg, name, hash_memory(host, size));
}

uint64_t vm_state_hash(struct vm *vm, void (*part)(void *arg, const char *name, uint64_t hash),
		       void *arg)
{
	struct sum s = {.hash = FNV_BASIS, .part = part, .arg = arg};

	add(&s, "cpu", hash_fields(cpu_fields, vm->cpu));
	add(&s, "msr", hash_fields(msr_fields, vm->cpu));
	add(&s, "fpu", hash_fields(fpu_fields, vm->cpu));
	physmem_for_each_memory(vm->mem, add_memory, &s);
	for (int i = 0; i < vm->device_count; i++)
		add(&s, vm->devices[i].class->name,
		    hash_fields(vm->devices[i].class->fields, vm->devices[i].state));
	add(&s, "time", clock_now(vm->clock));
	return s.hash;
}
