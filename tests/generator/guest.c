/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest in which cases run: the world at CPL 3 under PAE paging, with a GDT
 * like Linux's, the same LDT, and an IDT whose handlers are HLTs in ring 0: the
 * stack frame of the exception that ends a case has what the oracle's signal
 * frame has. It knows nothing of the engine but vcpu_run().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/descriptor.h"
#include "cpu/engine.h"
#include "cpu/fpu.h"
#include "cpu/segment.h"
#include "guest_pages.h"

#define RAM_SIZE 0x200000u
/* Physical addresses. The first ones are also at SYSTEM_AT + themselves. */
#define GDT_AT	    0x1000u
#define IDT_AT	    0x2000u
#define LDT_AT	    0x3000u
#define TSS_AT	    0x4000u
#define HANDLERS_AT 0x5000u
#define STACK_AT    0x6000u
#define STACK_TOP   (STACK_AT + PAGE_SIZE)
#define PDPT_AT	    0x8000u
#define TABLES_AT   0x10000u /* page directories and tables, one after the other */

#define HANDLER_SIZE 16u
#define HLT	     0xf4u
#define KERNEL_CODE  0x08u
#define KERNEL_DATA  0x18u
#define GDT_ENTRIES  16u
#define FUEL	     100000

static void put64(struct guest *g, uint32_t at, uint64_t v)
{
	memcpy(g->ram + at, &v, 8);
}

static uint64_t get64(const struct guest *g, uint32_t at)
{
	uint64_t v;

	memcpy(&v, g->ram + at, 8);
	return v;
}

/* The table that the entry at `at` points to, made if there is none. */
static uint32_t table_of(struct guest *g, uint32_t at, uint64_t flags)
{
	if (!(get64(g, at) & PTE_P)) {
		put64(g, at, g->next_table | flags);
		g->next_table += PAGE_SIZE;
	}
	return (uint32_t)get64(g, at) & PAGE_MASK;
}

static uint32_t entry_of(struct guest *g, uint32_t linear)
{
	uint32_t directory = table_of(g, PDPT_AT + 8 * (linear >> 30), PTE_P);
	uint32_t table = table_of(g, directory + 8 * (linear >> 21 & 511), PTE_P | PTE_W | PTE_U);

	return table + 8 * (linear >> 12 & 511);
}

static void map_page(struct guest *g, uint32_t linear, uint32_t physical, uint64_t flags)
{
	put64(g, entry_of(g, linear), physical | flags);
}

static void make_page_tables(struct guest *g)
{
	g->next_table = TABLES_AT;
	for (unsigned i = 0; i < 4; i++)
		table_of(g, PDPT_AT + 8 * i, PTE_P);
	for (uint32_t at = GDT_AT; at < STACK_TOP; at += PAGE_SIZE)
		map_page(g, SYSTEM_AT + at, at, PTE_P | PTE_W);
	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		const struct world_page *p = &world_pages[i];

		g->entries[i] = entry_of(g, p->at);
		map_page(g, p->at, guest_page_physical(g, i),
			 PTE_P | PTE_U | (p->writable ? PTE_W : 0) | (p->executable ? 0 : PTE_NX));
		map_page(g, ALIAS_AT + i * PAGE_SIZE, guest_page_physical(g, i), PTE_P | PTE_W);
	}
}

/* As arch/x86/include/asm/segment.h numbers them. */
static void make_gdt(struct guest *g)
{
	static const uint64_t gdt[GDT_ENTRIES] = {
	    [1] = 0x00cf9b000000ffff,  [2] = 0x00af9b000000ffff, [3] = 0x00cf93000000ffff,
	    [4] = 0x00cffb000000ffff,  [5] = 0x00cff3000000ffff, [6] = 0x00affb000000ffff,
	    [15] = 0x0040f50000000000, /* the processor's number, for LSL */
	};

	memcpy(g->ram + GDT_AT, gdt, sizeof(gdt));
	for (unsigned i = 0; i < WORLD_SEGMENTS; i++)
		put64(g, LDT_AT + 8 * i, world_descriptor_bits(&world_ldt[i]));
}

/* 32-bit interrupt gates; DPL 3 where Linux has it so (INT3, INTO, INT 80h). */
static void make_idt(struct guest *g)
{
	for (unsigned v = 0; v < 256; v++) {
		uint32_t offset = SYSTEM_AT + HANDLERS_AT + v * HANDLER_SIZE;
		uint64_t dpl = v == VEC_BP || v == VEC_OF || v == 0x80 ? 3 : 0;

		put64(g, IDT_AT + 8 * v,
		      (offset & 0xffff) | KERNEL_CODE << 16 | 0x8e00ull << 32 | dpl << 45 |
			  (uint64_t)(offset >> 16) << 48);
	}
	memset(g->ram + HANDLERS_AT, HLT, 256 * HANDLER_SIZE);
}

static void make_tss(struct guest *g)
{
	uint32_t esp0 = SYSTEM_AT + STACK_TOP, ss0 = KERNEL_DATA;

	memcpy(g->ram + TSS_AT + 4, &esp0, 4);
	memcpy(g->ram + TSS_AT + 8, &ss0, 4);
	memset(g->ram + TSS_AT + 0x66, 0xff, 2); /* no I/O bitmap */
}

static struct segment load_segment(const struct guest *g, uint16_t selector)
{
	uint32_t at = (selector & SELECTOR_TI ? LDT_AT : GDT_AT) + (selector & SELECTOR_INDEX);
	struct descriptor d;
	struct segment s = {.selector = selector};

	memcpy(&d, g->ram + at, 8);
	if (selector_is_null(selector))
		segment_update(&s);
	else
		descriptor_to_segment(&d, selector, &s);
	return s;
}

static void guest_ferr(void *opaque, int level)
{
}

static void guest_shutdown(void *opaque)
{
}

static uint32_t guest_port_read(void *opaque, uint16_t port, unsigned size)
{
	return ~0u;
}

static void guest_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
}

static uint64_t guest_tsc(void *opaque)
{
	return 0;
}

static void set_mode(struct guest *g)
{
	struct vcpu *cpu = g->cpu;

	cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	cpu->cr4 = CR4_PAE | CR4_PSE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	cpu->cr3 = PDPT_AT;
	cpu->msr.efer = EFER_NXE;
	cpu->gdtr = (struct table_register){SYSTEM_AT + GDT_AT, 8 * GDT_ENTRIES - 1};
	cpu->idtr = (struct table_register){SYSTEM_AT + IDT_AT, 0x7ff};
	cpu->ldtr = (struct segment){.selector = 0x50,
				     .base = SYSTEM_AT + LDT_AT,
				     .limit = 8 * WORLD_SEGMENTS - 1,
				     .attr = DESC_P | TYPE_LDT << 8};
	cpu->tr = (struct segment){.selector = 0x40,
				   .base = SYSTEM_AT + TSS_AT,
				   .limit = 0x67,
				   .attr = DESC_P | TYPE_TSS32_BUSY << 8};
	segment_update(&cpu->ldtr);
	segment_update(&cpu->tr);
	paging_load_pdptes(cpu, cpu->cr3);
	tlb_flush(cpu, true);
	g->kernel_code = load_segment(g, KERNEL_CODE);
	g->kernel_data = load_segment(g, KERNEL_DATA);
}

/* ---- engines ---- */

bool guest_engine_known(const char *engine)
{
	static const char *const known[] = {"interp",	  "bt",		"bt_nowin",
					    "bt_nochain", "bt_noadapt", "bt_counted",
					    GUEST_DIRECT};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(engine, known[i]))
			return true;
	return false;
}

static bool attach_engine(struct guest *g, const char *engine)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;
	int err;

	if (!strcmp(engine, "interp"))
		return true;
	if (!strcmp(engine, GUEST_DIRECT))
		return guest_direct_attach(g);
	config.exact_fuel = !strcmp(engine, "bt_counted");
	config.windows = strcmp(engine, "bt_nowin");
	if (config.windows) /* else it would depend on the time which cases have one */
		config.inject = INJECT_USER_WINDOWS;
	config.chaining = strcmp(engine, "bt_nochain");
	config.adaptive = strcmp(engine, "bt_noadapt");
	config.verify = true;
	config.check = 5000;
	err = bt_attach(g->cpu, &config);
	if (err)
		fprintf(stderr, "generator: the engine %s cannot run here: %s\n", engine,
			strerror(-err));
	return !err;
}

struct guest *guest_create(const char *engine, enum guest_pages kind)
{
	static const struct vcpu_ops ops = {.port_read = guest_port_read,
					    .port_write = guest_port_write,
					    .ferr = guest_ferr,
					    .tsc = guest_tsc,
					    .shutdown = guest_shutdown};
	struct guest *g = calloc(1, sizeof(*g));

	if (!g || physmem_create(&g->mem, RAM_SIZE))
		abort();
	g->cpu = vcpu_create(g->mem, cpu_model_find(CPU_MODEL_DEFAULT), &ops, g);
	g->ram = physmem_ram_ptr(g->mem, 0, 0x80000);
	g->pages = g->ram + WORLD_AT;
	guest_pages_create(g, kind);
	make_page_tables(g);
	make_gdt(g);
	make_idt(g);
	make_tss(g);
	set_mode(g);
	if (!attach_engine(g, engine)) {
		guest_destroy(g);
		return NULL;
	}
	world_fill(g->background);
	memcpy(g->expected, g->background, WORLD_SIZE);
	memcpy(g->pages, g->background, WORLD_SIZE);
	return g;
}

void guest_destroy(struct guest *g)
{
	if (!g)
		return;
	vcpu_destroy(g->cpu);
	physmem_destroy(g->mem);
	free(g);
}

static void load_state(struct guest *g, const struct state *s)
{
	struct vcpu *cpu = g->cpu;

	memcpy(cpu->regs, s->regs, sizeof(s->regs));
	cpu->eip = s->eip;
	cpu->eflags = s->eflags;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		cpu->seg[i] = load_segment(g, s->seg[i]);
	cpu->fx = s->fx;
	cpu->cr2 = 0;
	cpu->dr[6] = DR6_ALWAYS;
	cpu->halted = cpu->shutdown = false;
	cpu->interrupt_shadow = cpu->debug_shadow = false;
	cpu_set_cpl(cpu, 3);
	cpu_mode_changed(cpu);
}

static uint32_t pushed(const struct guest *g, unsigned n)
{
	uint32_t at = g->cpu->regs[ESP] - SYSTEM_AT + 4 * n, v = 0;

	if (at >= STACK_AT && at <= STACK_TOP - 4)
		memcpy(&v, g->ram + at, 4);
	return v;
}

static bool has_error_code(unsigned vector)
{
	return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}

/* The exception frame: error code, EIP, CS, EFLAGS, ESP, SS. */
static void store_outcome(const struct guest *g, struct outcome *out)
{
	const struct vcpu *cpu = g->cpu;
	uint32_t at = cpu->eip - 1 - SYSTEM_AT - HANDLERS_AT;
	unsigned n = 0;

	memcpy(out->end.regs, cpu->regs, sizeof(out->end.regs));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		out->end.seg[i] = cpu->seg[i].selector;
	out->vector = cpu->halted && at < 256 * HANDLER_SIZE ? at / HANDLER_SIZE : 256;
	out->error = has_error_code(out->vector) ? pushed(g, n++) : 0;
	out->cr2 = out->vector == VEC_PF ? cpu->cr2 : 0;
	out->end.eip = pushed(g, n);
	out->end.seg[CS] = (uint16_t)pushed(g, n + 1);
	out->end.eflags = pushed(g, n + 2);
	out->end.regs[ESP] = pushed(g, n + 3);
	out->end.seg[SS] = (uint16_t)pushed(g, n + 4);
	out->end.fx = cpu->fx;
}

void guest_run(struct guest *g, const struct test_case *c, struct outcome *out)
{
	world_apply(g->pages, c);
	world_apply(g->expected, c);
	physmem_written(g->mem, WORLD_AT + PAGE_CODE * PAGE_SIZE, PAGE_SIZE);
	guest_pages_prepare(g);
	guest_direct_prepare(g);
	load_state(g, &c->start);
	g->cpu->fuel = FUEL;
	vcpu_run(g->cpu);
	fpu_leave(g->cpu);
	store_outcome(g, out);
	world_collect(g->pages, g->expected, g->background, c, out);
	guest_pages_check(g, out);
	guest_direct_check(g, out);
}
