/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's architectural state as field tables, like the devices': no
 * caches, no pointers, nothing that an engine has for itself.
 */
#include "monitor/state_fields.h"

#include "cpu/vcpu.h"

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

const struct state_table vcpu_state[] = {
	{"cpu", cpu_fields},
	{"msr", msr_fields},
	{"fpu", fpu_fields},
	{NULL, NULL},
};
