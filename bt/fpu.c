/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's x87, MMX and SSE state while translated code runs: bt/fpu.h. */
#include "bt/fpu.h"

#include <assert.h>

#include "cpu/host_fpu.h"

/* ---- readiness ---- */
static bool sse_unmasked(const struct vcpu *cpu)
{
	return !(cpu->host_fpu & HOST_MXCSR) && (cpu->fx.mxcsr & MXCSR_MASKS) != MXCSR_MASKS;
}

uint32_t fpu_mode(const struct vcpu *cpu)
{
	return sse_unmasked(cpu) ? MODE_SSE_SLOW : 0;
}

/*
 * What instructions may use. That no exception is unmasked in MXCSR the mode of
 * the block says. FERR# is withdrawn when the error is cleared, and IGNNE# lets
 * instructions pass that the host would not: the interpreter knows how.
 */
static unsigned allowed(const struct vcpu *cpu)
{
	if (cpu->cr0 & (CR0_EM | CR0_TS))
		return 0;
	return (cpu->ferr ? 0 : FPU_X87) | (cpu->cr4 & CR4_OSFXSR ? FPU_SSE : 0);
}

static unsigned loaded(const struct vcpu *cpu)
{
	return (cpu->host_fpu & HOST_X87 ? FPU_X87 : 0) |
	       (cpu->host_fpu & HOST_MXCSR && cpu->bt_xmm ? FPU_SSE : 0);
}

void fpu_left(struct vcpu *cpu)
{
	uint16_t fcw;

	if (!(cpu->host_fpu & HOST_X87))
		return;
	__asm__ volatile("fnstcw %0" : "=m"(fcw));
	cpu->host_fpu &= (uint8_t)~HOST_X87_UNMASKED;
	if ((fcw & FCW_MASKS) != FCW_MASKS)
		cpu->host_fpu |= HOST_X87_UNMASKED;
}

void fpu_update(struct vcpu *cpu)
{
	unsigned missing = ~(allowed(cpu) & loaded(cpu));

	for (unsigned need = 1; need <= (FPU_X87 | FPU_SSE); need++)
		cpu->bt_fpu_missing[need] = need & missing;
}

static bool make_ready(struct vcpu *cpu, unsigned need)
{
	if (need & ~allowed(cpu))
		return false;
	cpu->bt->n.fpu_loads++;
	if (need & FPU_X87 && !(cpu->host_fpu & HOST_X87))
		x87_load(cpu);
	if (need & FPU_SSE) {
		if (!(cpu->host_fpu & HOST_MXCSR))
			sse_float_prepare(cpu);
		cpu->bt_xmm = true;
	}
	fpu_update(cpu);
	return true;
}

bool fpu_ready_again(struct vcpu *cpu, unsigned need)
{
	fpu_update(cpu);
	return !cpu->bt_fpu_missing[need] || make_ready(cpu, need);
}

uint64_t bt_fpu_prepare(struct vcpu *cpu, uint64_t after)
{
	struct bt *bt = cpu->bt;
	const struct tb *tb = cache_find(bt, (uint32_t)(after - (uintptr_t)bt->cache.rx) - 1);

	assert(tb && tb->fpu);
	if (make_ready(cpu, tb->fpu))
		return (uintptr_t)cache_rx(bt, tb_ready(tb));
	cpu->eip = tb_insn_eip(cpu, tb, 0);
	bt->interpret = tb->count;
	bt->n.exit_fpu++;
	return 0;
}

/* ---- pointers ---- */
static int highest(uint64_t mask)
{
	return mask ? 63 - __builtin_clzll(mask) : -1;
}

/* Instructions before the n-th whose pointers have not been written by the code. */
static uint64_t unwritten(const struct tb_x87 *x87, unsigned n)
{
	uint64_t before = (1ull << n) - 1;
	int written = highest(x87->written & before);

	return written < 0 ? before : before & ~((2ull << written) - 1);
}

int x87_pointers_instruction(const struct tb *tb, unsigned n)
{
	const struct tb_x87 *x87 = tb_x87(tb);

	return tb->has_x87 ? highest((x87->instruction | x87->operand) & unwritten(x87, n)) : -1;
}

int x87_pointers_operand(const struct tb *tb, unsigned n)
{
	const struct tb_x87 *x87 = tb_x87(tb);

	return tb->has_x87 ? highest(x87->operand & unwritten(x87, n)) : -1;
}

void x87_pointers_write(struct vcpu *cpu, const struct x87_pointers *p, uint32_t base)
{
	if (p->instruction) {
		cpu->fx.fip = base + p->fip;
		cpu->fx.fop = p->fop;
		cpu->fx.fcs = cpu->seg[CS].selector;
	}
	if (p->operand)
		cpu->fx.fds = cpu->seg[p->seg].selector;
}
