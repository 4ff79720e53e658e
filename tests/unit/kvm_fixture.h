/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the KVM engine share. Where /dev/kvm cannot be used, all that is
 * tested is that the engine says so.
 *
 * The code is such that a KVM without hardware executes it as well, which at ring
 * 3 raises #UD for much (tests/system/kvm_host.c).
 */
#ifndef KVM_FIXTURE_H
#define KVM_FIXTURE_H

#include "cpu_fixture.h"
#include "kvm/kvm_internal.h"

/* False: this host has no KVM for us. */
static inline bool start(struct fixture *f)
{
	struct report r = {0};

	fixture_start(f);
	enter_protected(f, 0);
	if (kvm_create(f->cpu, NULL, false, &r) == 0) {
		kvm_activate(f->cpu);
		return true;
	}
	printf("(%s) ", r.text);
	CHECK(*r.text);
	CHECK(!f->cpu->kvm && !f->cpu->engine);
	fixture_end(f);
	return false;
}

static inline void check_segment(const struct segment *a, const struct segment *b)
{
	CHECK_EQ(a->selector, b->selector);
	CHECK_EQ(a->base, b->base);
	CHECK_EQ(a->limit, b->limit);
	CHECK_EQ(a->attr & DESC_P, b->attr & DESC_P);
	if (!(a->attr & DESC_P))
		return;
	/* The fixture's descriptors have not been accessed, which KVM takes for granted. */
	CHECK_EQ(a->attr | DESC_ACCESSED, b->attr | DESC_ACCESSED);
	if (!(a->attr & DESC_S))
		return;
	CHECK_EQ(a->data_kind, b->data_kind);
	CHECK_EQ(a->hi_write, b->hi_write);
}

static inline void check_same(const struct vcpu *a, const struct vcpu *b)
{
	for (unsigned i = 0; i < GPR_ZERO; i++)
		CHECK_EQ(a->regs[i], b->regs[i]);
	CHECK_EQ(a->eip, b->eip);
	CHECK_EQ(a->eflags, b->eflags);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		check_segment(&a->seg[i], &b->seg[i]);
	check_segment(&a->ldtr, &b->ldtr);
	check_segment(&a->tr, &b->tr);
	CHECK_EQ(a->gdtr.base, b->gdtr.base);
	CHECK_EQ(a->idtr.limit, b->idtr.limit);
	CHECK_EQ(a->cr0, b->cr0);
	CHECK_EQ(a->cr2, b->cr2);
	CHECK_EQ(a->cr3, b->cr3);
	CHECK_EQ(a->cr4, b->cr4);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(a->dr[i], b->dr[i]);
	CHECK_EQ(a->cpl, b->cpl);
	CHECK_EQ(a->slow, b->slow);
	CHECK_EQ(a->interrupt_shadow, b->interrupt_shadow);
	CHECK_EQ(a->debug_shadow, b->debug_shadow);
	CHECK_EQ(a->nmi_blocked, b->nmi_blocked);
	CHECK(!memcmp(&a->msr, &b->msr, sizeof(a->msr)));
	CHECK(!memcmp(a->fx.st, b->fx.st, sizeof(a->fx.st)));
	CHECK(!memcmp(a->fx.xmm, b->fx.xmm, sizeof(a->fx.xmm)));
	CHECK_EQ(a->fx.fcw, b->fx.fcw);
	CHECK_EQ(a->fx.fsw, b->fx.fsw);
	CHECK_EQ(a->fx.ftw, b->fx.ftw);
	CHECK_EQ(a->fx.mxcsr, b->fx.mxcsr);
}

/* Arithmetic, memory, stack, a loop, a port, LAR by the interpreter if need be, HLT. */
#define PROGRAM                                                                                    \
	0xb9, 0x10, 0, 0, 0,			/* mov ecx, 16 */                                  \
	    0x31, 0xc0,				/* xor eax, eax */                                 \
	    0x01, 0xc8,				/* again: add eax, ecx */                          \
	    0x89, 0x05, 0, 0, 4, 0,		/* mov [DATA_AT], eax */                           \
	    0x50,				/* push eax */                                     \
	    0x5b,				/* pop ebx */                                      \
	    0xe2, 0xf4,				/* loop again */                                   \
	    0xe6, 0x42,				/* out 0x42, al */                                 \
	    0xe4, 0x43,				/* in al, 0x43 */                                  \
	    0xba, 0x10, 0, 0, 0,		/* mov edx, DATA0 */                               \
	    0x0f, 0x02, 0xf2,			/* lar esi, edx: bits 19 to 16 are undefined */    \
	    0x81, 0xe6, 0, 0xff, 0xf0, 0,	/* and esi, 00F0FF00h */                           \
	    0xf4				/* hlt */

#endif
