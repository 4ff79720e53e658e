/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine for tests of what is around engines: it interprets, one instruction
 * at a time, through the interface that the translator uses (cpu/run.h). It
 * stands in for the translator: bt_attach() is the test program's own, which
 * comes before the library's. Include it once.
 */
#ifndef TESTS_SYSTEM_FAKE_ENGINE_H
#define TESTS_SYSTEM_FAKE_ENGINE_H

#include <stdlib.h>

#include "cpu/engine.h"
#include "cpu/fpu.h"
#include "cpu/run.h"

/* What the test lets the engine do, for all processors made from now on. */
static struct {
	unsigned block;	   /* instructions that the engine executes between two looks */
	uint64_t break_at; /* the count after which it gets something wrong, once; 0: never */
	gpa_t break_gpa;   /* what: a byte of memory there; 0: a register */
	struct engine_config config; /* what the last bt_attach() was given */
	_Atomic uint64_t kicks;
} fake = {.block = 5};

static void fake_break(struct vcpu *cpu)
{
	if (!fake.break_at ||
	    cpu->executed + (uint64_t)(cpu->fuel_given - cpu->fuel) < fake.break_at)
		return;
	fake.break_at = 0;
	if (fake.break_gpa)
		*physmem_ram_ptr(cpu->mem, fake.break_gpa, 1) ^= 0x5a;
	else
		cpu->regs[EDX] ^= 0x100;
}

static void fake_run(struct vcpu *cpu)
{
	bool exact = fake.config.exact_fuel;

	run_resume(cpu, sigsetjmp(cpu->unwind, 0));
	while (!exact || cpu->fuel > 0) {
		if (atomic_load_explicit(&cpu->pending, memory_order_relaxed) || cpu->halted ||
		    cpu->shutdown) {
			if (!run_service(cpu))
				break;
		}
		for (unsigned i = 0; i < fake.block && (!exact || cpu->fuel > 0); i++) {
			run_step(cpu);
			if (cpu->halted || cpu->interrupt_shadow || cpu->debug_shadow ||
			    atomic_load_explicit(&cpu->pending, memory_order_relaxed))
				break;
		}
		fake_break(cpu);
		if (run_stepped(cpu))
			break;
	}
	cpu->cur = NULL;
	fpu_leave(cpu);
}

static void fake_destroy(struct vcpu *cpu)
{
}

static int64_t fake_ahead(const struct vcpu *cpu)
{
	return 0;
}

static void fake_kicked(struct vcpu *cpu)
{
	fake.kicks++;
}

static void fake_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
}

static void fake_tlb_entry_dropped(struct vcpu *cpu, unsigned view, gva_t page)
{
}

static void fake_map_changed(struct vcpu *cpu)
{
}

int bt_attach(struct vcpu *cpu, const struct engine_config *config)
{
	static const struct engine_ops ops = {
		.name = "fake",
		.run = fake_run,
		.destroy = fake_destroy,
		.ahead = fake_ahead,
		.kicked = fake_kicked,
		.code_written = fake_code_written,
		.tlb_entry_dropped = fake_tlb_entry_dropped,
		.map_changed = fake_map_changed,
	};

	cpu->engine = &ops;
	fake.config = *config;
	return 0;
}

#endif
