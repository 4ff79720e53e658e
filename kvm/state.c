/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's state on its way between struct vcpu and KVM.
 *
 * words_of() says struct vcpu in KVM's words. What it said when the two last
 * agreed is kept, so that giving loads only the parts that somebody has changed
 * meanwhile, whoever it was, and loads nothing while the guest only runs.
 *
 * EFER and the APIC's base are not taken: only the monitor changes them, on
 * WRMSR's exit. CS and DS of x87's last instruction are lost, as the kernel saves
 * the state of 64-bit code. Everything else goes both ways.
 *
 * KVM may have begun an event without having delivered it: an interrupt that was
 * given to it just before a signal, an exception whose frame could not be pushed.
 * Taking the state ends with the delivery, by the interpreter's rules.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "cpu/fpu.h"
#include "cpu/run.h"
#include "cpu/segment.h"
#include "cpu/tlb.h"
#include "kvm/kvm_internal.h"

#define MSR_SYSENTER 0x174 /* CS, ESP, EIP */
#define TYPE_BUSY    0x2   /* of a TSS descriptor */
#define XSTATE_BV    128   /* the header, in 32-bit words */
#define XSTATE_X87   1u
#define XSTATE_SSE   2u

/* ---- segments ---- */

static struct kvm_segment segment_words(const struct segment *s, bool is_tr)
{
	uint32_t attr = s->attr;
	bool present = attr & DESC_P;
	struct kvm_segment w = {
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.type = (uint8_t)((attr & DESC_TYPE) >> 8),
		.present = present,
		.dpl = (uint8_t)((attr & DESC_DPL) >> DESC_DPL_SHIFT),
		.db = !!(attr & DESC_DB),
		.s = !!(attr & DESC_S),
		.avl = !!(attr & DESC_AVL),
		.unusable = !present,
	};

	/* VT-x wants the limit and G to fit (SDM 3C 27.3.1.2). */
	w.g = s->limit > 0xfffff || (attr & DESC_G && (s->limit & 0xfff) == 0xfff);
	if (is_tr)
		w.type |= TYPE_BUSY;
	else if (present && w.s)
		w.type |= DESC_ACCESSED >> 8;
	return w;
}

static void segment_from(struct segment *s, const struct kvm_segment *w)
{
	*s = (struct segment){.selector = w->selector,
			      .base = (uint32_t)w->base,
			      .limit = w->limit};
	s->attr = (uint32_t)w->type << 8 | (uint32_t)w->dpl << DESC_DPL_SHIFT;
	s->attr |= (w->s ? DESC_S : 0) | (w->present && !w->unusable ? DESC_P : 0) |
		   (w->avl ? DESC_AVL : 0) | (w->db ? DESC_DB : 0) | (w->g ? DESC_G : 0);
	segment_update(s);
}

/* ORDER: as in struct kvm_sregs2. */
static const uint8_t segment_order[SEG_COUNT] = {CS, DS, ES, FS, GS, SS};

static void give_segments(const struct vcpu *cpu, struct kvm_sregs2 *w)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		(&w->cs)[i] = segment_words(&cpu->seg[segment_order[i]], false);
	w->ss.dpl = cpu->cpl; /* from which KVM has the CPL */
	w->tr = segment_words(&cpu->tr, true);
	w->ldt = segment_words(&cpu->ldtr, false);
	w->gdt = (struct kvm_dtable){.base = cpu->gdtr.base, .limit = (uint16_t)cpu->gdtr.limit};
	w->idt = (struct kvm_dtable){.base = cpu->idtr.base, .limit = (uint16_t)cpu->idtr.limit};
}

static void take_segments(struct vcpu *cpu, const struct kvm_sregs2 *w)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		segment_from(&cpu->seg[segment_order[i]], &(&w->cs)[i]);
	segment_from(&cpu->tr, &w->tr);
	segment_from(&cpu->ldtr, &w->ldt);
	cpu->gdtr = (struct table_register){(uint32_t)w->gdt.base, w->gdt.limit};
	cpu->idtr = (struct table_register){(uint32_t)w->idt.base, w->idt.limit};
}

/* ---- registers ---- */

static void give_control(const struct vcpu *cpu, struct kvm_sregs2 *w)
{
	w->cr0 = cpu->cr0;
	w->cr2 = cpu->cr2;
	w->cr3 = cpu->cr3;
	w->cr4 = cpu->cr4;
	w->efer = cpu->msr.efer;
	w->apic_base = cpu->msr.apic_base;
	if (cpu->cr0 & CR0_PG && cpu->cr4 & CR4_PAE) {
		w->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
		memcpy(w->pdptrs, cpu->pdpte, sizeof(w->pdptrs));
	}
}

static void take_control(struct vcpu *cpu, const struct kvm_sregs2 *w)
{
	cpu->cr0 = (uint32_t)w->cr0;
	cpu->cr2 = (uint32_t)w->cr2;
	cpu->cr3 = (uint32_t)w->cr3;
	cpu->cr4 = (uint32_t)w->cr4;
	if (w->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)
		memcpy(cpu->pdpte, w->pdptrs, sizeof(w->pdptrs));
}

/* ORDER: general registers as in struct kvm_regs. */
static const uint8_t gpr_order[] = {EAX, EBX, ECX, EDX, ESI, EDI, ESP, EBP};

static void give_registers(const struct vcpu *cpu, struct kvm_regs *w)
{
	for (unsigned i = 0; i < sizeof(gpr_order); i++)
		(&w->rax)[i] = cpu->regs[gpr_order[i]];
	w->rip = cpu->eip;
	w->rflags = cpu->eflags;
}

static void take_registers(struct vcpu *cpu, const struct kvm_regs *w)
{
	for (unsigned i = 0; i < sizeof(gpr_order); i++)
		cpu->regs[gpr_order[i]] = (uint32_t)(&w->rax)[i];
	cpu->eip = (uint32_t)w->rip;
	cpu->eflags = (uint32_t)w->rflags;
}

static void give_debug(const struct vcpu *cpu, struct kvm_debugregs *w)
{
	for (unsigned i = 0; i < 4; i++)
		w->db[i] = cpu->dr[i];
	w->dr6 = cpu->dr[6];
	w->dr7 = cpu->dr[7];
}

static void take_debug(struct vcpu *cpu, const struct kvm_debugregs *w)
{
	for (unsigned i = 0; i < 4; i++)
		cpu->dr[i] = (uint32_t)w->db[i];
	cpu->dr[6] = (uint32_t)w->dr6;
	cpu->dr[7] = (uint32_t)w->dr7;
}

static void give_events(const struct vcpu *cpu, struct kvm_vcpu_events *w)
{
	w->flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
	w->interrupt.shadow = (cpu->debug_shadow ? KVM_X86_SHADOW_INT_MOV_SS : 0) |
			      (cpu->interrupt_shadow ? KVM_X86_SHADOW_INT_STI : 0);
	w->nmi.masked = cpu->nmi_blocked;
}

#define BOTH_SHADOWS (KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI)

/*
 * AMD-V has one shadow for both instructions (APM 2, 15.21.5), and KVM says both then.
 * It is what was given if the guest is still there; else STI's, by far the more frequent.
 */
static unsigned shadow_of(const struct kvm *k, const struct kvm_words *w)
{
	unsigned shadow = w->events.interrupt.shadow, given = k->given.events.interrupt.shadow;

	if (shadow != BOTH_SHADOWS)
		return shadow;
	return given && w->regs.rip == k->given.regs.rip ? given : KVM_X86_SHADOW_INT_STI;
}

static void take_events(struct vcpu *cpu, const struct kvm_words *w)
{
	unsigned shadow = shadow_of(cpu->kvm, w);

	cpu->debug_shadow = shadow & KVM_X86_SHADOW_INT_MOV_SS;
	cpu->interrupt_shadow = shadow & KVM_X86_SHADOW_INT_STI;
	cpu->nmi_blocked = w->events.nmi.masked;
}

static void words_of(const struct vcpu *cpu, struct kvm_words *w)
{
	memset(w, 0, sizeof(*w));
	give_registers(cpu, &w->regs);
	give_segments(cpu, &w->sregs);
	give_control(cpu, &w->sregs);
	give_debug(cpu, &w->debug);
	give_events(cpu, &w->events);
	w->fx = cpu->fx;
	w->sysenter[0] = cpu->msr.sysenter_cs;
	w->sysenter[1] = cpu->msr.sysenter_esp;
	w->sysenter[2] = cpu->msr.sysenter_eip;
	w->tsc_offset = cpu->msr.tsc_adjust;
	if (cpu->ops->tsc_offset)
		w->tsc_offset -= cpu->ops->tsc_offset(cpu->opaque);
}

/* ---- by ioctl() ---- */

/* struct kvm_msrs with its entries behind it. */
union sysenter_msrs {
	struct kvm_msrs head;
	uint8_t bytes[sizeof(struct kvm_msrs) + 3 * sizeof(struct kvm_msr_entry)];
};

static void sysenter_request(union sysenter_msrs *m, const uint64_t values[3])
{
	memset(m, 0, sizeof(*m));
	m->head.nmsrs = 3;
	for (unsigned i = 0; i < 3; i++)
		m->head.entries[i] = (struct kvm_msr_entry){.index = MSR_SYSENTER + i,
							    .data = values[i]};
}

static void give_fpu(struct kvm *k, const struct fxsave_image *fx)
{
	memcpy(k->xsave, fx, sizeof(*fx));
	/* XMM8-15 are not the guest's; MXCSR_MASK is the host's. */
	k->xsave[XSTATE_BV] |= XSTATE_X87 | XSTATE_SSE;
	kvm_must(k, KVM_SET_XSAVE, k->xsave);
}

static void take_fpu(struct vcpu *cpu)
{
	struct fxsave_image *fx = &cpu->fx, before = *fx;

	kvm_must(cpu->kvm, KVM_GET_XSAVE, cpu->kvm->xsave);
	memcpy(fx, cpu->kvm->xsave, sizeof(*fx));
	/* These are this program's, not KVM's. */
	fx->mxcsr_mask = before.mxcsr_mask;
	memcpy(fx->unused, before.unused, sizeof(fx->unused));
}

static void give_tsc(struct kvm *k, uint64_t offset)
{
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (uintptr_t)&offset};

	kvm_must(k, KVM_SET_DEVICE_ATTR, &attr);
}

/* Loads one part, if it has changed. False: KVM does not take it. */
static bool give_part(struct kvm *k, unsigned long request, void *part, void *given, size_t size)
{
	if (!memcmp(part, given, size))
		return true;
	k->n.loads++;
	if (ioctl(k->processor, request, part) < 0) {
		memset(given, 0xff, size);
		return false;
	}
	memcpy(given, part, size);
	return true;
}

static void give_sysenter(struct kvm *k, const struct kvm_words *w)
{
	union sysenter_msrs m;

	if (!memcmp(w->sysenter, k->given.sysenter, sizeof(w->sysenter)))
		return;
	sysenter_request(&m, w->sysenter);
	kvm_must(k, KVM_SET_MSRS, &m);
	memcpy(k->given.sysenter, w->sysenter, sizeof(w->sysenter));
}

/*
 * An emulation may drop what it has not, without a word: Linux 6.18's PVM EFLAGS.VM,
 * for one.
 */
static bool kept(struct kvm *k, const struct kvm_words *w)
{
	struct kvm_sregs2 sregs;
	struct kvm_regs regs;

	kvm_must(k, KVM_GET_SREGS2, &sregs);
	kvm_must(k, KVM_GET_REGS, &regs);
	if (regs.rflags == w->regs.rflags && sregs.cr0 == w->sregs.cr0 &&
	    sregs.cr3 == w->sregs.cr3 && sregs.cr4 == w->sregs.cr4)
		return true;
	memset(&k->given.regs, 0xff, sizeof(k->given.regs));
	memset(&k->given.sregs, 0xff, sizeof(k->given.sregs));
	return false;
}

/*
 * Where KVM ignores the TSC's offset, the guest reads the host's TSC; by TSC_ADJUST
 * so it does under the other engines from then on, and its time never goes back.
 */
static void follow_host_tsc(struct vcpu *cpu)
{
	if (!cpu->kvm->keeps_tsc && cpu->ops->tsc_offset)
		cpu->msr.tsc_adjust = cpu->ops->tsc_offset(cpu->opaque);
}

#define GIVE(request, part) give_part(k, request, &w.part, &k->given.part, sizeof(w.part))

bool kvm_state_give(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	struct kvm_words w;

	if (k->newer)
		return true;
	follow_host_tsc(cpu);
	words_of(cpu, &w);
	if (memcmp(&w.fx, &k->given.fx, sizeof(w.fx)))
		give_fpu(k, &w.fx);
	if (w.tsc_offset != k->given.tsc_offset)
		give_tsc(k, w.tsc_offset);
	k->given.fx = w.fx;
	k->given.tsc_offset = w.tsc_offset;
	give_sysenter(k, &w);
	return GIVE(KVM_SET_SREGS2, sregs) && GIVE(KVM_SET_REGS, regs) &&
	       GIVE(KVM_SET_DEBUGREGS, debug) && GIVE(KVM_SET_VCPU_EVENTS, events) &&
	       (k->hardware || kept(k, &w));
}

void kvm_state_drop(struct kvm *k)
{
	k->newer = k->completing = false;
	memset(&k->given, 0xff, sizeof(k->given));
}

/* ---- taking ---- */

static void take_sysenter(struct vcpu *cpu)
{
	static const uint64_t none[3];
	union sysenter_msrs m;

	sysenter_request(&m, none);
	kvm_must(cpu->kvm, KVM_GET_MSRS, &m);
	cpu->msr.sysenter_cs = (uint32_t)m.head.entries[0].data;
	cpu->msr.sysenter_esp = (uint32_t)m.head.entries[1].data;
	cpu->msr.sysenter_eip = (uint32_t)m.head.entries[2].data;
}

/* What is derived from the rest, and what other engines remember of before. */
static void renew_derived(struct vcpu *cpu, const struct kvm_sregs2 *s)
{
	unsigned cpl = s->ss.dpl;

	if (!(cpu->cr0 & CR0_PE))
		cpl = 0;
	else if (cpu->eflags & FL_VM)
		cpl = 3;
	cpu->repeating = false;
	cpu->debug_hits = 0;
	cpu_set_cpl(cpu, cpl);
	tlb_flush(cpu, true);
	cpu->kvm->blocks_stale = true;
}

/*
 * Delivers what KVM has begun to. INT n, INT3 and INTO are not ended but made
 * again: EIP is still at the instruction.
 */
static void settle(struct vcpu *cpu, const struct kvm_vcpu_events *e)
{
	bool soft = e->exception.nr == VEC_BP || e->exception.nr == VEC_OF;

	if (e->nmi.pending)
		atomic_fetch_or(&cpu->pending, PENDING_NMI);
	if (!e->exception.injected && !e->interrupt.injected && !e->nmi.injected)
		return;
	cpu->kvm->n.settled++;
	if (e->nmi.injected) {
		cpu->nmi_blocked = true;
		run_interrupt(cpu, VEC_NMI);
	} else if (e->interrupt.injected && !e->interrupt.soft) {
		run_interrupt(cpu, e->interrupt.nr);
	} else if (e->exception.injected && !soft) {
		cpu->fault = (struct fault){.vector = e->exception.nr,
					    .has_error = e->exception.has_error_code,
					    .error = e->exception.error_code};
		run_resume(cpu, UNWIND_FAULT);
	}
}

void kvm_state_take(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	struct kvm_words w;

	if (!k->newer)
		return;
	kvm_complete(cpu);
	kvm_must(k, KVM_GET_VCPU_EVENTS, &w.events); /* first: puts CR2 and DR6 in place */
	kvm_must(k, KVM_GET_REGS, &w.regs);
	kvm_must(k, KVM_GET_SREGS2, &w.sregs);
	kvm_must(k, KVM_GET_DEBUGREGS, &w.debug);
	k->n.taken++;
	take_registers(cpu, &w.regs);
	take_control(cpu, &w.sregs);
	take_segments(cpu, &w.sregs);
	take_debug(cpu, &w.debug);
	take_events(cpu, &w);
	take_fpu(cpu);
	take_sysenter(cpu);
	renew_derived(cpu, &w.sregs);
	w.tsc_offset = k->given.tsc_offset;
	words_of(cpu, &k->given);
	/* What is not taken may differ. */
	k->given.tsc_offset = w.tsc_offset;
	k->given.sregs.efer = w.sregs.efer;
	k->given.sregs.apic_base = w.sregs.apic_base;
	/* These are to be cleared, and an INT n under way, which KVM keeps to itself. */
	memset(&k->given.events, 0xff, sizeof(k->given.events));
	k->newer = false;
	if (!cpu->shutdown)
		settle(cpu, &w.events);
}
