/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's registers in a stub, and back. What comes back is the kernel's
 * account of a task that guest code may have led anywhere: it is taken for 32-bit
 * guest state only if every selector is what was put there.
 *
 * FS and GS have the guest's base where they are flat otherwise; any other is a
 * null selector, so that its use faults and is interpreted.
 *
 * x87's FCS and FDS do not come back from 64-bit XSAVE (SDM 1 8.1.8): they are
 * the guest's CS and DS where the instruction pointer has changed.
 */
#include <asm/ldt.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>

#include "cpu/fpu.h"
#include "direct/direct_internal.h"

/* What ring 3 can change with IOPL 0. */
#define USER_FLAGS (FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID)

/* ---- integer ---- */
static bool has_base(const struct segment *s)
{
	return s->data_kind == KIND_FLAT || s->data_kind == KIND_BASED;
}

/* n: 0 for FS, 1 for GS. */
static uint64_t based_selector(const struct direct *d, unsigned n)
{
	return d->own_descriptors ? (HOST_TLS_MIN + n) << 3 | 3 : HOST_DATA;
}

static uint64_t host_selector(const struct direct *d, const struct vcpu *cpu, unsigned n)
{
	return has_base(&cpu->seg[FS + n]) ? based_selector(d, n) : 0;
}

/* The host without FSGSBASE loads bases with selectors: set_thread_area(2). */
static bool set_descriptor(struct stub *s, unsigned n, uint32_t base)
{
	struct user_desc u = {.entry_number = HOST_TLS_MIN + n,
			      .base_addr = base,
			      .limit = 0xfffff,
			      .seg_32bit = 1,
			      .limit_in_pages = 1,
			      .useable = 1};

	if (s->tls_base[n] == base + 1ull)
		return true;
	s->tls_base[n] = base + 1ull;
	return ptrace(PTRACE_SET_THREAD_AREA, s->guest, (uintptr_t)u.entry_number, &u) == 0;
}

bool state_set_bases(struct stub *s, struct user_regs_struct *r, uint32_t fs, uint32_t gs)
{
	r->fs = based_selector(s->d, 0);
	r->gs = based_selector(s->d, 1);
	r->fs_base = fs;
	r->gs_base = gs;
	return !s->d->own_descriptors || (set_descriptor(s, 0, fs) && set_descriptor(s, 1, gs));
}

static bool load_segments(struct stub *s, struct user_regs_struct *r, const struct vcpu *cpu)
{
	bool set = state_set_bases(s, r, cpu->seg[FS].base, cpu->seg[GS].base);

	r->cs = HOST_CS32;
	r->ss = r->ds = r->es = HOST_DATA;
	r->fs = host_selector(s->d, cpu, 0);
	r->gs = host_selector(s->d, cpu, 1);
	return set;
}

static bool load_integer(struct stub *s, struct user_regs_struct *r, const struct vcpu *cpu)
{
	*r = (struct user_regs_struct){
	    .rax = cpu->regs[EAX],
	    .rcx = cpu->regs[ECX],
	    .rdx = cpu->regs[EDX],
	    .rbx = cpu->regs[EBX],
	    .rsp = cpu->regs[ESP],
	    .rbp = cpu->regs[EBP],
	    .rsi = cpu->regs[ESI],
	    .rdi = cpu->regs[EDI],
	    .rip = cpu->eip,
	    .eflags = (cpu->eflags & USER_FLAGS) | FL_1 | FL_IF,
	    .orig_rax = ~0ull, /* no system call to be restarted */
	};
	return load_segments(s, r, cpu);
}

static bool is_guest_code(const struct direct *d, const struct user_regs_struct *r,
			  const struct vcpu *cpu)
{
	return r->cs == HOST_CS32 && r->ss == HOST_DATA && r->ds == HOST_DATA &&
	       r->es == HOST_DATA && r->fs == host_selector(d, cpu, 0) &&
	       r->gs == host_selector(d, cpu, 1) && !(r->rip >> 32);
}

static void save_integer(struct vcpu *cpu, const struct user_regs_struct *r)
{
	bool call = r->orig_rax != ~0ull; /* RAX holds what the call would return */

	cpu->regs[EAX] = (uint32_t)(call ? r->orig_rax : r->rax);
	cpu->regs[ECX] = (uint32_t)r->rcx;
	cpu->regs[EDX] = (uint32_t)r->rdx;
	cpu->regs[EBX] = (uint32_t)r->rbx;
	cpu->regs[ESP] = (uint32_t)r->rsp;
	cpu->regs[EBP] = (uint32_t)r->rbp;
	cpu->regs[ESI] = (uint32_t)r->rsi;
	cpu->regs[EDI] = (uint32_t)r->rdi;
	cpu->eip = (uint32_t)r->rip;
	cpu->eflags = (cpu->eflags & ~USER_FLAGS) | ((uint32_t)r->eflags & USER_FLAGS);
}

/* ---- x87 and SSE ---- */
/* ORDER: FCW, FSW, abridged tags, FOP; then pointers by another layout. */
#define FX_HEAD 8
#define FX_ST	128
#define FX_XMM	128

static void load_fx(struct user_fpregs_struct *to, const struct fxsave_image *fx)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, fx, FX_HEAD);
	to->ftw &= 0xff;
	to->rip = fx->fip;
	to->rdp = fx->fdp;
	to->mxcsr = fx->mxcsr & MXCSR_WRITABLE;
	memcpy(to->st_space, fx->st, FX_ST);
	memcpy(to->xmm_space, fx->xmm, FX_XMM);
}

/* What the kernel fills in besides is no state. */
static void normalize(struct user_fpregs_struct *f)
{
	f->ftw &= 0xff;
	f->mxcr_mask = 0;
	f->mxcsr &= MXCSR_WRITABLE;
	memset((uint8_t *)f->xmm_space + FX_XMM, 0, sizeof(f->xmm_space) - FX_XMM);
	memset(f->padding, 0, sizeof(f->padding));
	for (unsigned i = 0; i < 8; i++)
		memset((uint8_t *)f->st_space + 16 * i + 10, 0, 6);
}

static void save_fx(struct vcpu *cpu, const struct user_fpregs_struct *from)
{
	struct fxsave_image *fx = &cpu->fx;

	if ((uint32_t)from->rip != fx->fip) {
		fx->fcs = cpu->seg[CS].selector;
		fx->fds = cpu->seg[DS].selector;
	}
	memcpy(fx, from, FX_HEAD);
	fx->reserved = 0;
	fx->fip = (uint32_t)from->rip;
	fx->fdp = (uint32_t)from->rdp;
	fx->mxcsr = from->mxcsr;
	memcpy(fx->st, from->st_space, FX_ST);
	memcpy(fx->xmm, from->xmm_space, FX_XMM);
}

static bool load_fpu(struct stub *s, const struct vcpu *cpu)
{
	struct user_fpregs_struct f;

	load_fx(&f, &cpu->fx);
	normalize(&f);
	if (s->fx_known && !memcmp(&f, &s->fx, sizeof(f)))
		return true;
	s->d->n.fpu_loads++;
	s->fx = f;
	s->fx_known = true;
	return ptrace(PTRACE_SETFPREGS, s->guest, NULL, &f) == 0;
}

static bool save_fpu(struct stub *s, struct vcpu *cpu)
{
	if (ptrace(PTRACE_GETFPREGS, s->guest, NULL, &s->fx) < 0)
		return false;
	normalize(&s->fx);
	save_fx(cpu, &s->fx);
	return true;
}

/* ---- both ---- */

/*
 * After a page fault that ring 0 has resolved the task still has them. RF, which faults set,
 * spares the next instruction the guards, and none is run into.
 */
static bool set_registers(struct stub *s, const struct user_regs_struct *r)
{
	struct user_regs_struct has = s->regs;
	bool known = s->regs_known;

	s->regs_known = false; /* until it stops again */
	has.eflags &= ~(uint64_t)FL_RF;
	if (!known || memcmp(&has, r, sizeof(has)))
		return task_set_regs(s->guest, r);
	s->d->n.kept++;
	return true;
}

bool state_load(struct stub *s, const struct vcpu *cpu)
{
	struct user_regs_struct r;

	if ((cpu->eflags & FL_ID) != s->id_flag) {
		s->regs_known = false;
		if (!task_set_id(s->d, s->guest, cpu->eflags & FL_ID))
			return false;
		s->id_flag = cpu->eflags & FL_ID;
	}
	return load_integer(s, &r, cpu) && load_fpu(s, cpu) && set_registers(s, &r);
}

bool state_save(struct stub *s, struct vcpu *cpu, const struct user_regs_struct *r)
{
	if (!is_guest_code(s->d, r, cpu) || !save_fpu(s, cpu))
		return false;
	s->regs = *r;
	s->regs_known = true;
	save_integer(cpu, r);
	s->id_flag = cpu->eflags & FL_ID;
	return true;
}
