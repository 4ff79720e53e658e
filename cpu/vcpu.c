/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life of a processor: creation, RESET#, INIT#, and its pins. State after
 * RESET# and INIT# is SDM 3A table 9-1.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "cpu/cpuid.h"
#include "cpu/engine.h"
#include "cpu/fpu.h"
#include "cpu/msr.h"
#include "cpu/segment.h"
#include "cpu/space.h"

#define A20_MASK_OFF (~(1u << 20))
#define RESET_EIP    0xfff0u

/* ---- what physmem tells us ---- */
static void on_map_changed(void *opaque, bool memory)
{
	struct vcpu *cpu = opaque;

	if (cpu->engine && cpu->engine->memory_changed)
		cpu->engine->memory_changed(cpu);
	if (memory)
		space_map_changed(cpu);
	tlb_flush(cpu, true);
}

static void on_report_writes(void *opaque)
{
	struct vcpu *cpu = opaque;

	if (cpu->engine && cpu->engine->report_writes)
		cpu->engine->report_writes(cpu);
}

static void on_write_watched(void *opaque, gpa_t page, uint32_t pages)
{
	tlb_pages_watched(opaque, page, pages);
	space_pages_watched(opaque, page, pages);
}

static void on_table_written(void *opaque, gpa_t gpa, uint32_t len)
{
	space_table_written(opaque, gpa, len);
}

static void on_code_written(void *opaque, gpa_t gpa, uint32_t len, uint8_t watch)
{
	struct vcpu *cpu = opaque;

	if (watch & PHYS_WATCH_CODE)
		block_code_written(cpu, gpa, len);
	if (watch & (PHYS_WATCH_TRANSLATED | PHYS_WATCH_DIRECT) && cpu->engine)
		cpu->engine->code_written(cpu, gpa, len);
}

struct vcpu *vcpu_create(struct physmem *mem, const struct cpu_model *model,
			 const struct vcpu_ops *ops, void *opaque)
{
	struct vcpu *cpu = aligned_alloc(_Alignof(struct vcpu), sizeof(*cpu));
	struct physmem_listener listener = {.map_changed = on_map_changed,
					    .write_watched = on_write_watched,
					    .code_written = on_code_written,
					    .table_written = on_table_written,
					    .report_writes = on_report_writes,
					    .opaque = cpu};

	if (!cpu)
		return NULL;
	memset(cpu, 0, sizeof(*cpu));
	cpu->mem = mem;
	cpu->ops = ops;
	cpu->opaque = opaque;
	cpu->model = cpu_model_instantiate(model);
	cpu->blocks = block_cache_create();
	if (!cpu->model || !cpu->blocks) {
		vcpu_destroy(cpu);
		return NULL;
	}
	cpu->a20_mask = ~0u;
	tlb_init(cpu);
	physmem_set_listener(mem, &listener);
	vcpu_reset(cpu);
	return cpu;
}

void vcpu_destroy(struct vcpu *cpu)
{
	static const struct physmem_listener nobody;

	if (!cpu)
		return;
	if (cpu->engine)
		cpu->engine->destroy(cpu);
	fpu_leave(cpu);
	space_disable(cpu);
	physmem_set_listener(cpu->mem, &nobody);
	block_cache_destroy(cpu->blocks);
	free((void *)cpu->model);
	free(cpu);
}

/* ---- RESET# and INIT# ---- */
static void reset_segment(struct segment *s, uint16_t selector, uint32_t base)
{
	*s = (struct segment){.selector = selector,
			      .base = base,
			      .limit = 0xffff,
			      .attr = DESC_P | DESC_S | DESC_RW | DESC_ACCESSED};
	segment_update(s);
}

static void reset_segments(struct vcpu *cpu)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		reset_segment(&cpu->seg[i], 0, 0);
	reset_segment(&cpu->seg[CS], 0xf000, 0xffff0000);
	cpu->ldtr = (struct segment){.limit = 0xffff, .attr = DESC_P | 0x200};
	cpu->tr = (struct segment){.limit = 0xffff, .attr = DESC_P | 0xb00};
	cpu->gdtr = cpu->idtr = (struct table_register){.limit = 0xffff};
}

/* What RESET# and INIT# have in common. */
static void reset_common(struct vcpu *cpu, uint32_t cache_bits)
{
	fpu_leave(cpu);
	memset(cpu->regs, 0, sizeof(cpu->regs));
	cpu->regs[EDX] = cpu_signature(cpu->model);
	cpu->eip = RESET_EIP;
	cpu->eflags = FL_1;
	reset_segments(cpu);
	cpu->cr0 = CR0_ET | cache_bits;
	cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
	memset(cpu->dr, 0, sizeof(cpu->dr));
	cpu->dr[6] = DR6_ALWAYS;
	cpu->dr[7] = DR7_ALWAYS;
	memset(cpu->pdpte, 0, sizeof(cpu->pdpte));
	cpu->msr.efer = 0;
	cpu->halted = cpu->shutdown = cpu->nmi_blocked = false;
	cpu->interrupt_shadow = cpu->debug_shadow = cpu->repeating = false;
	cpu->delivering_ext = false;
	cpu->delivery.active = false;
	cpu->debug_hits = 0;
	cpu->step_suppressed = false;
	tlb_flush(cpu, true);
	cpu_set_cpl(cpu, 0);
}

void vcpu_reset(struct vcpu *cpu)
{
	reset_common(cpu, CR0_CD | CR0_NW);
	fpu_reset(cpu);
	msr_reset(cpu);
	atomic_fetch_and(&cpu->pending, ~(PENDING_NMI | PENDING_RESET));
	LOG(LOG_CPU, "reset");
}

void vcpu_init_signal(struct vcpu *cpu)
{
	reset_common(cpu, cpu->cr0 & (CR0_CD | CR0_NW));
	atomic_fetch_and(&cpu->pending, ~PENDING_NMI);
	LOG(LOG_CPU, "init");
}

/* ---- pins ---- */
void vcpu_kick(struct vcpu *cpu, uint32_t bits)
{
	atomic_fetch_or_explicit(&cpu->pending, bits, memory_order_seq_cst);
	if (cpu->engine)
		cpu->engine->kicked(cpu);
}

void vcpu_kick_now(struct vcpu *cpu, uint32_t bits)
{
	vcpu_kick(cpu, bits);
	block_cut(cpu);
}

void vcpu_set_intr(struct vcpu *cpu, int level)
{
	if (level)
		vcpu_kick_now(cpu, PENDING_IRQ);
	else
		atomic_fetch_and(&cpu->pending, ~PENDING_IRQ);
}

void vcpu_nmi(struct vcpu *cpu)
{
	vcpu_kick_now(cpu, PENDING_NMI);
}

void vcpu_set_a20(struct vcpu *cpu, bool on)
{
	uint32_t mask = on ? ~0u : A20_MASK_OFF;

	if (mask == cpu->a20_mask)
		return;
	cpu->a20_mask = mask;
	tlb_flush(cpu, true);
}

void vcpu_clear_ferr(struct vcpu *cpu)
{
	fpu_ignore_error(cpu);
}
