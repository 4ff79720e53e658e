/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor with 1 MiB of memory and tables that cover what the privileged
 * architecture can do: flat segments of rings 0 and 3, a ring-1 pair, 16-bit
 * and odd segments, an LDT, TSSs, and an IDT whose handlers are HLTs, so that
 * EIP tells which vector was taken.
 */
#ifndef TESTS_UNIT_CPU_FIXTURE_H
#define TESTS_UNIT_CPU_FIXTURE_H

#include <string.h>

#include "cpu/access.h"
#include "cpu/cpuid.h"
#include "cpu/descriptor.h"
#include "cpu/segment.h"
#include "unit.h"

#ifndef MEMORY_SIZE
#define MEMORY_SIZE 0x200000u
#endif
#define MEMORY_USED 0x80000u /* all addresses below are within it */
/* Physical and, without paging, linear addresses. */
#define GDT_AT	     0x1000u
#define IDT_AT	     0x2000u
#define LDT_AT	     0x3000u
#define TSS_AT	     0x4000u /* the current task's, 32 bits, with an I/O bitmap */
#define TSS2_AT	     0x5000u /* another task's, 32 bits */
#define TSS16_AT     0x6000u /* another task's, 16 bits */
#define HANDLERS_AT  0x8000u
#define HANDLER_SIZE 16u
#define CODE_AT	     0x10000u
#define TARGET_AT    0x12000u /* holds HLTs */
#define STACK0_TOP   0x20000u
#define STACK3_TOP   0x30000u
#define STACK1_TOP   0x38000u
#define DATA_AT	     0x40000u

#define GDT_ENTRIES 40u

/* Selectors of the GDT. */
enum {
	CODE0 = 0x08,
	DATA0 = 0x10,
	CODE3 = 0x18 | 3,
	DATA3 = 0x20 | 3,
	TSS = 0x28,
	TSS2 = 0x30,
	TSS16 = 0x38,
	LDT = 0x40,
	CODE1 = 0x48 | 1,
	DATA1 = 0x50 | 1,
	CONFORMING = 0x58,
	CODE16 = 0x60,
	DATA16 = 0x68,
	READ_ONLY = 0x70,
	EXPAND_DOWN = 0x78,
	EXEC_ONLY = 0x80,
	ABSENT_DATA = 0x88,
	ABSENT_CODE = 0x90,
	SMALL_CODE = 0x98,
	GATE = 0xa0, /* for tests to fill */
	GATE2 = 0xa8,
	SPARE = 0xb0,
};

/* Access bytes. */
#define A_CODE	     0x9au
#define A_DATA	     0x92u
#define A_DPL(n)     ((n) << 5)
#define A_TSS32	     0x89u
#define A_TSS32_BUSY 0x8bu
#define A_TSS16	     0x81u
#define A_LDT	     0x82u
#define A_CALL32     0x8cu
#define A_CALL16     0x84u
#define A_TASK	     0x85u
#define A_INT32	     0x8eu
#define A_TRAP32     0x8fu
#define A_INT16	     0x86u
#define F_FLAT32     0xcu
#define F_BYTE32     0x4u
#define F_BYTE16     0x0u

struct fixture {
	struct physmem *mem;
	struct vcpu *cpu;
	uint8_t *ram;
	uint16_t last_port;
	uint32_t last_value;
	unsigned last_size, reads, writes;
	int next_vector; /* what acknowledge gives */
	uint64_t tsc;
	unsigned shutdowns;
};

static inline uint32_t fixture_port_read(void *opaque, uint16_t port, unsigned size)
{
	struct fixture *f = opaque;

	f->last_port = port;
	f->last_size = size;
	f->reads++;
	return 0xa5a5a5a5;
}

static inline void fixture_port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct fixture *f = opaque;

	f->last_port = port;
	f->last_value = value;
	f->last_size = size;
	f->writes++;
}

static inline int fixture_acknowledge(void *opaque)
{
	struct fixture *f = opaque;
	int vector = f->next_vector;

	f->next_vector = -1;
	vcpu_set_intr(f->cpu, 0);
	return vector;
}

static inline uint64_t fixture_tsc(void *opaque)
{
	return ((struct fixture *)opaque)->tsc;
}

static inline void fixture_shutdown(void *opaque)
{
	((struct fixture *)opaque)->shutdowns++;
}

static const struct vcpu_ops fixture_ops = {.port_read = fixture_port_read,
					    .port_write = fixture_port_write,
					    .acknowledge = fixture_acknowledge,
					    .tsc = fixture_tsc,
					    .shutdown = fixture_shutdown};

/* ---- memory ---- */
static inline void poke(struct fixture *f, uint32_t at, const void *bytes, unsigned size)
{
	memcpy(f->ram + at, bytes, size);
	physmem_written(f->mem, at, size);
}
static inline void poke8(struct fixture *f, uint32_t at, uint8_t v)
{
	poke(f, at, &v, 1);
}
static inline void poke16(struct fixture *f, uint32_t at, uint16_t v)
{
	poke(f, at, &v, 2);
}
static inline void poke32(struct fixture *f, uint32_t at, uint32_t v)
{
	poke(f, at, &v, 4);
}
static inline uint8_t peek8(struct fixture *f, uint32_t at)
{
	return f->ram[at];
}
static inline uint16_t peek16(struct fixture *f, uint32_t at)
{
	uint16_t v;

	memcpy(&v, f->ram + at, 2);
	return v;
}
static inline uint32_t peek32(struct fixture *f, uint32_t at)
{
	uint32_t v;

	memcpy(&v, f->ram + at, 4);
	return v;
}

/* ---- descriptors ---- */
static inline void set_descriptor(struct fixture *f, uint32_t at, uint32_t base, uint32_t limit,
				  unsigned access, unsigned flags)
{
	poke32(f, at, (limit & 0xffff) | base << 16);
	poke32(f, at + 4,
	       (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 |
		   (base & 0xff000000));
}

static inline void set_gdt(struct fixture *f, unsigned selector, uint32_t base, uint32_t limit,
			   unsigned access, unsigned flags)
{
	set_descriptor(f, GDT_AT + (selector & 0xfff8), base, limit, access, flags);
}

static inline void set_gate(struct fixture *f, uint32_t at, uint16_t selector, uint32_t offset,
			    unsigned access, unsigned parameters)
{
	poke32(f, at, (uint32_t)selector << 16 | (offset & 0xffff));
	poke32(f, at + 4, (offset & 0xffff0000) | access << 8 | parameters);
}

static inline uint8_t gdt_access(struct fixture *f, unsigned selector)
{
	return peek8(f, GDT_AT + (selector & 0xfff8) + 5);
}

static inline uint32_t handler(unsigned vector)
{
	return HANDLERS_AT + vector * HANDLER_SIZE;
}

static inline void set_idt(struct fixture *f, unsigned vector, uint16_t selector, uint32_t offset,
			   unsigned access)
{
	set_gate(f, IDT_AT + 8 * vector, selector, offset, access, 0);
}

static inline void fill_gdt(struct fixture *f)
{
	set_gdt(f, CODE0, 0, 0xfffff, A_CODE, F_FLAT32);
	set_gdt(f, DATA0, 0, 0xfffff, A_DATA, F_FLAT32);
	set_gdt(f, CODE3, 0, 0xfffff, A_CODE | A_DPL(3), F_FLAT32);
	set_gdt(f, DATA3, 0, 0xfffff, A_DATA | A_DPL(3), F_FLAT32);
	set_gdt(f, TSS, TSS_AT, 0xfff, A_TSS32_BUSY, 0);
	set_gdt(f, TSS2, TSS2_AT, 0x67, A_TSS32, 0);
	set_gdt(f, TSS16, TSS16_AT, 0x2b, A_TSS16, 0);
	set_gdt(f, LDT, LDT_AT, 0x7f, A_LDT, 0);
	set_gdt(f, CODE1, 0, 0xfffff, A_CODE | A_DPL(1), F_FLAT32);
	set_gdt(f, DATA1, 0, 0xfffff, A_DATA | A_DPL(1), F_FLAT32);
	set_gdt(f, CONFORMING, 0, 0xfffff, A_CODE | 4, F_FLAT32);
	set_gdt(f, CODE16, 0, 0xffff, A_CODE, F_BYTE16);
	set_gdt(f, DATA16, STACK0_TOP - 0x10000, 0xffff, A_DATA, F_BYTE16);
	set_gdt(f, READ_ONLY, DATA_AT, 0xff, 0x90, F_BYTE32);
	set_gdt(f, EXPAND_DOWN, 0, 0xfff, 0x96, F_BYTE32);
	set_gdt(f, EXEC_ONLY, DATA_AT, 0xfff, 0x98, F_BYTE32);
	set_gdt(f, ABSENT_DATA, 0, 0xfffff, A_DATA & 0x7f, F_FLAT32);
	set_gdt(f, ABSENT_CODE, 0, 0xfffff, A_CODE & 0x7f, F_FLAT32);
	set_gdt(f, SMALL_CODE, 0, 0xfff, A_CODE, F_BYTE32);
}

static inline void fill_tss(struct fixture *f)
{
	poke32(f, TSS_AT + 4, STACK0_TOP);
	poke32(f, TSS_AT + 8, DATA0);
	poke32(f, TSS_AT + 12, STACK1_TOP);
	poke32(f, TSS_AT + 16, DATA1);
	poke16(f, TSS_AT + 0x66, 0x88); /* below it, the redirection bitmap */
	memset(f->ram + TSS_AT + 0x88, 0xff, 0xf00);
}

static inline void load_descriptor(struct fixture *f, struct segment *s, uint16_t selector)
{
	struct descriptor d = {.low = peek32(f, GDT_AT + (selector & 0xfff8)),
			       .high = peek32(f, GDT_AT + (selector & 0xfff8) + 4)};

	descriptor_to_segment(&d, selector, s);
}

/* Protected mode at a privilege level, EIP at CODE_AT, everything flat. */
static inline void enter_protected(struct fixture *f, unsigned cpl)
{
	static const uint16_t code[] = {CODE0, CODE1, 0, CODE3}, data[] = {DATA0, DATA1, 0, DATA3};
	static const uint32_t stack[] = {STACK0_TOP, STACK1_TOP, 0, STACK3_TOP};
	struct vcpu *cpu = f->cpu;

	cpu->cr0 = CR0_PE | CR0_ET;
	cpu->gdtr = (struct table_register){GDT_AT, GDT_ENTRIES * 8 - 1};
	cpu->idtr = (struct table_register){IDT_AT, 0x7ff};
	for (unsigned i = 0; i < SEG_COUNT; i++)
		load_descriptor(f, &cpu->seg[i], i == CS ? code[cpl] : data[cpl]);
	load_descriptor(f, &cpu->tr, TSS);
	load_descriptor(f, &cpu->ldtr, LDT);
	cpu->regs[ESP] = stack[cpl];
	cpu->eip = CODE_AT;
	cpu_set_cpl(cpu, cpl);
	tlb_flush(cpu, true);
}

static inline void enter_v86(struct fixture *f, unsigned io_privilege)
{
	struct vcpu *cpu = f->cpu;

	enter_protected(f, 3);
	cpu->eflags |= FL_VM | io_privilege << 12;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		segment_load_real(cpu, i, 0x1000);
	segment_load_real(cpu, SS, 0x2000);
	cpu->regs[ESP] = 0x8000;
	cpu->eip = CODE_AT - 0x10000;
	cpu_mode_changed(cpu);
}

/* Real mode with CS:IP at CODE_AT and vectors to the handlers. */
static inline void enter_real(struct fixture *f)
{
	vcpu_reset(f->cpu);
	for (unsigned v = 0; v < 256; v++)
		poke32(f, 4 * v, HANDLERS_AT << 12 | v * HANDLER_SIZE);
	f->cpu->idtr.limit = 0x3ff;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		segment_load_real(f->cpu, i, CODE_AT >> 4);
	segment_load_real(f->cpu, SS, 0x2000);
	f->cpu->regs[ESP] = 0x8000;
	f->cpu->eip = 0;
}

static inline void fixture_start_model(struct fixture *f, const char *model)
{
	memset(f, 0, sizeof(*f));
	f->next_vector = -1;
	CU_ASSERT_FATAL(physmem_create(&f->mem, MEMORY_SIZE) == 0);
	f->cpu = vcpu_create(f->mem, cpu_model_find(model), &fixture_ops, f);
	CU_ASSERT_FATAL(f->cpu != NULL);
	f->ram = physmem_ram_ptr(f->mem, 0, MEMORY_USED);
	CU_ASSERT_FATAL(f->ram != NULL);
	memset(f->ram + HANDLERS_AT, 0xf4, 256 * HANDLER_SIZE);
	memset(f->ram + TARGET_AT, 0xf4, 0x100);
	for (unsigned v = 0; v < 256; v++)
		set_idt(f, v, CODE0, handler(v), A_INT32 | A_DPL(3));
	fill_gdt(f);
	fill_tss(f);
}

static inline void fixture_start(struct fixture *f)
{
	fixture_start_model(f, CPU_MODEL_DEFAULT);
}

static inline void fixture_end(struct fixture *f)
{
	vcpu_destroy(f->cpu);
	physmem_destroy(f->mem);
}

/* Four bytes of code. */
#define LE32(v) (v) & 0xff, (v) >> 8 & 0xff, (v) >> 16 & 0xff, (v) >> 24 & 0xff

/* Code at CODE_AT. */
#define CODE(f, ...)                                                                               \
	do {                                                                                       \
		static const uint8_t code_[] = {__VA_ARGS__};                                      \
		poke(f, CODE_AT, code_, sizeof(code_));                                            \
	} while (0)

/* Runs until HLT at CPL 0, at most so many instructions. */
static inline void run(struct fixture *f)
{
	f->cpu->halted = false;
	f->cpu->fuel = 1000;
	vcpu_run(f->cpu);
}

/* Exactly one instruction (and what it leads to is not executed). */
static inline void step_one(struct fixture *f)
{
	f->cpu->halted = false;
	f->cpu->slow = true;
	f->cpu->fuel = 1;
	vcpu_run(f->cpu);
}

/* The vector whose handler has halted, or -1. */
static inline int vector_taken(const struct fixture *f)
{
	uint32_t at = f->cpu->seg[CS].base + f->cpu->eip - 1 - HANDLERS_AT;

	if (!f->cpu->halted || at >= 256 * HANDLER_SIZE)
		return -1;
	return (int)(at / HANDLER_SIZE);
}

/* Words of the current stack. */
static inline uint32_t pushed(struct fixture *f, unsigned n)
{
	return peek32(f, f->cpu->seg[SS].base + (f->cpu->regs[ESP] & stack_mask(f->cpu)) + 4 * n);
}
static inline uint16_t pushed16(struct fixture *f, unsigned n)
{
	return peek16(f, f->cpu->seg[SS].base + (f->cpu->regs[ESP] & stack_mask(f->cpu)) + 2 * n);
}

/* Runs; the given fault with this error code must come, with EIP at CODE_AT. */
#define EXPECT_FAULT(f, vector, error)                                                             \
	do {                                                                                       \
		run(f);                                                                            \
		CHECK_EQ(vector_taken(f), vector);                                                 \
		CHECK_EQ(pushed(f, 0), error);                                                     \
		CHECK_EQ(pushed(f, 1), CODE_AT);                                                   \
	} while (0)

#endif
