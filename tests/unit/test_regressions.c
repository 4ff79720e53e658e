/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the generator has found against the host's processor, one test each;
 * and the instructions that it cannot judge there (tests/generator/rules.c).
 */
#include "cpu/fpu.h"
#include "cpu_fixture.h"

#define PAGE_TABLES 0x60000u
#define ABSENT_PAGE 0x50000u

/* Identity-maps the memory but for one page. */
static void enter_paging(struct fixture *f)
{
	poke32(f, PAGE_TABLES, (PAGE_TABLES + 0x1000) | 7);
	for (uint32_t i = 0; i < 512; i++)
		poke32(f, PAGE_TABLES + 0x1000 + 4 * i, i << 12 | 7);
	poke32(f, PAGE_TABLES + 0x1000 + 4 * (ABSENT_PAGE >> 12), 0);
	f->cpu->cr3 = PAGE_TABLES;
	f->cpu->cr0 |= CR0_PG;
	cpu_mode_changed(f->cpu);
	tlb_flush(f->cpu, true);
}

static void start(struct fixture *f, unsigned cpl)
{
	fixture_start(f);
	enter_protected(f, cpl);
	f->cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	f->cpu->fx.fcw = FCW_FNINIT;
	f->cpu->fx.mxcsr = MXCSR_DEFAULT;
	cpu_mode_changed(f->cpu);
}

/* Runs code at CODE_AT from ring cpl with a HLT in ring 0 at its end; the vector taken or -1. */
static int run_code(struct fixture *f, const uint8_t *code, unsigned size)
{
	static const uint8_t hlt = 0xf4;

	poke(f, CODE_AT, code, size);
	poke(f, CODE_AT + size, &hlt, 1);
	f->cpu->eip = CODE_AT;
	run(f);
	return vector_taken(f);
}
#define RUN(f, ...) run_code(f, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))
#define ADDRESS(a)  (uint8_t)(a), (uint8_t)((a) >> 8), (uint8_t)((a) >> 16), (uint8_t)((a) >> 24)

/* ---- #AC (SDM 3A table 6-7) ---- */

/* The vector of one instruction in ring 3 with alignment checks; HLT there is #GP. */
static int checked(const uint8_t *code, unsigned size)
{
	struct fixture f;
	int vector;

	start(&f, 3);
	f.cpu->cr0 |= CR0_AM;
	f.cpu->eflags |= FL_AC;
	f.cpu->regs[EDI] = DATA_AT + 4;
	cpu_mode_changed(f.cpu);
	f.cpu->fx.xmm[0][0] = 0;
	vector = run_code(&f, code, size);
	if (vector == VEC_GP && pushed(&f, 1) == CODE_AT + size)
		vector = -1;
	fixture_end(&f);
	return vector;
}
#define CHECKED(...) checked((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void test_alignment_of_wide_operands(void)
{
	CHECK_EQ(CHECKED(0x0f, 0x10, 0x05, ADDRESS(DATA_AT + 8)), VEC_AC); /* movups */
	CHECK_EQ(CHECKED(0x0f, 0x10, 0x05, ADDRESS(DATA_AT + 16)), -1);
	CHECK_EQ(CHECKED(0x0f, 0x28, 0x05, ADDRESS(DATA_AT + 8)), VEC_GP); /* movaps */
	CHECK_EQ(CHECKED(0xdb, 0x2d, ADDRESS(DATA_AT + 4)), VEC_AC);	   /* fld m80 */
	CHECK_EQ(CHECKED(0xdb, 0x3d, ADDRESS(DATA_AT + 4)), VEC_AC);	   /* fstp m80 */
	CHECK_EQ(CHECKED(0xdb, 0x2d, ADDRESS(DATA_AT + 8)), -1);
	CHECK_EQ(CHECKED(0xd9, 0x35, ADDRESS(DATA_AT + 2)), VEC_AC); /* fnstenv */
	CHECK_EQ(CHECKED(0x66, 0xd9, 0x35, ADDRESS(DATA_AT + 2)), -1);
	CHECK_EQ(CHECKED(0xdd, 0x25, ADDRESS(DATA_AT + 2)), VEC_AC);	   /* frstor */
	CHECK_EQ(CHECKED(0x0f, 0xae, 0x05, ADDRESS(DATA_AT + 2)), VEC_AC); /* fxsave */
	CHECK_EQ(CHECKED(0x0f, 0xae, 0x05, ADDRESS(DATA_AT + 4)), VEC_GP);
	CHECK_EQ(CHECKED(0xc4, 0x05, ADDRESS(DATA_AT + 2)), VEC_AC); /* les */
	CHECK_EQ(CHECKED(0x66, 0xc4, 0x05, ADDRESS(DATA_AT + 2)), -1);
	CHECK_EQ(CHECKED(0xff, 0x2d, ADDRESS(DATA_AT + 2)), VEC_AC); /* jmp far */
	CHECK_EQ(CHECKED(0x66, 0x0f, 0xf7, 0xc0), VEC_AC);	     /* maskmovdqu */
	/* sub esp, 2; then a frame and a probe */
	CHECK_EQ(CHECKED(0x4c, 0x4c, 0x60), VEC_AC); /* pusha */
	CHECK_EQ(CHECKED(0x4c, 0x4c, 0x9a, ADDRESS(TARGET_AT), CODE3, 0), VEC_AC);
	CHECK_EQ(CHECKED(0xc8, 2, 0, 0), VEC_AC); /* enter 2, 0: the new top */
}

/* ---- which fault, and CR2 ---- */

static void test_misaligned_before_stack_limit(void)
{
	struct fixture f;

	start(&f, 0);
	f.cpu->seg[SS].limit = DATA_AT + 14;
	segment_update(&f.cpu->seg[SS]);
	CHECK_EQ(RUN(&f, 0x36, 0x0f, 0x28, 0x05, ADDRESS(DATA_AT + 8)), VEC_GP);
	enter_protected(&f, 0);
	f.cpu->seg[SS].limit = DATA_AT + 14;
	segment_update(&f.cpu->seg[SS]);
	CHECK_EQ(RUN(&f, 0x36, 0x0f, 0x28, 0x05, ADDRESS(DATA_AT)), VEC_SS);
	fixture_end(&f);
}

/* CR2 of an instruction with ESP and EDX in or before the absent page. */
static uint32_t fault_address(const uint8_t *code, unsigned size, uint32_t at)
{
	struct fixture f;
	uint32_t cr2;

	start(&f, 3);
	enter_paging(&f);
	f.cpu->regs[ESP] = f.cpu->regs[EDX] = at;
	CHECK_EQ(run_code(&f, code, size), VEC_PF);
	cr2 = f.cpu->cr2;
	fixture_end(&f);
	return cr2;
}
#define FAULT_ADDRESS(at, ...)                                                                     \
	fault_address((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), at)

static void test_fault_addresses(void)
{
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE, 0xcb), ABSENT_PAGE + 4); /* retf: CS first */
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE, 0xcf), ABSENT_PAGE + 8); /* iret: EFLAGS first */
	/* fxsave, fxrstor: the last byte first */
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE, 0x0f, 0xae, 0x02), ABSENT_PAGE + 511);
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE - 16, 0x0f, 0xae, 0x0a), ABSENT_PAGE + 495);
	/* fnstenv, frstor: the first item, then the last byte */
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE, 0xd9, 0x32), ABSENT_PAGE);
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE - 8, 0xd9, 0x32), ABSENT_PAGE + 19);
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE - 2, 0xd9, 0x32), ABSENT_PAGE);
	CHECK_EQ(FAULT_ADDRESS(ABSENT_PAGE - 8, 0xdd, 0x22), ABSENT_PAGE + 99);
}

/* More than 15 bytes: those that are fetched may not be there. */
static void test_too_long_across_a_page(void)
{
	struct fixture f;

	start(&f, 0);
	enter_paging(&f);
	memset(f.ram + ABSENT_PAGE - 14, 0x3e, 13);
	poke8(&f, ABSENT_PAGE - 1, 0x05); /* add eax, imm32 */
	f.cpu->eip = ABSENT_PAGE - 14;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_PF);
	CHECK_EQ(f.cpu->cr2, ABSENT_PAGE);
	fixture_end(&f);
}

static void test_clflush_of_execute_only(void)
{
	struct fixture f;

	start(&f, 0);
	load_descriptor(&f, &f.cpu->seg[FS], EXEC_ONLY);
	CHECK_EQ(RUN(&f, 0x64, 0x0f, 0xae, 0x3d, ADDRESS(0)), -1);
	CHECK_EQ(RUN(&f, 0x64, 0xa0, ADDRESS(0)), VEC_GP); /* mov al, fs:[0] */
	enter_protected(&f, 0);
	load_descriptor(&f, &f.cpu->seg[FS], EXEC_ONLY);
	CHECK_EQ(RUN(&f, 0x64, 0x0f, 0xae, 0x3d, ADDRESS(0x1000)), VEC_GP);
	fixture_end(&f);
}

/* ---- PE beside unmasked underflow and overflow (SDM 1 4.9.1.5) ---- */

/* MXCSR's flags after an instruction on XMM0 and XMM1. */
static uint32_t flags_of(uint32_t unmasked, uint64_t a, uint64_t b, const uint8_t *code,
			 unsigned size)
{
	struct fixture f;
	uint32_t flags;

	start(&f, 0);
	f.cpu->fx.mxcsr &= ~(unmasked << MXCSR_MASKS_SHIFT);
	memcpy(f.cpu->fx.xmm[0], &a, 8);
	memcpy(f.cpu->fx.xmm[1], &b, 8);
	CHECK_EQ(run_code(&f, code, size), VEC_XM);
	flags = f.cpu->fx.mxcsr & MXCSR_FLAGS;
	fixture_end(&f);
	return flags;
}
#define FLAGS_OF(unmasked, a, b, ...)                                                              \
	flags_of(unmasked, a, b, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

#define MULSS	  0xf3, 0x0f, 0x59, 0xc1
#define MULPS	  0x0f, 0x59, 0xc1
#define CVTSD2SS  0xf2, 0x0f, 0x5a, 0xc1
#define DPPS(imm) 0x66, 0x0f, 0x3a, 0x40, 0xc1, imm

static void test_precision_of_unbounded_exponent(void)
{
	const uint32_t min = 0x00800000, odd = 0x00800001, half = 0x3f000000, third = 0x3eaaaaab;
	const uint32_t max = 0x7f7fffff, two = 0x40000000;

	CHECK_EQ(FLAGS_OF(FSW_UE, odd, half, MULSS), FSW_UE); /* as a denormal it is inexact */
	CHECK_EQ(FLAGS_OF(FSW_UE, min, third, MULSS), FSW_UE);
	CHECK_EQ(FLAGS_OF(FSW_UE, odd, third, MULSS), FSW_UE | FSW_PE);
	CHECK_EQ(FLAGS_OF(FSW_OE, max, two, MULSS), FSW_OE);
	CHECK_EQ(FLAGS_OF(FSW_OE, max, max, MULSS), FSW_OE | FSW_PE);
	/* The other element's masked overflow is inexact. */
	CHECK_EQ(FLAGS_OF(FSW_UE, odd | (uint64_t)max << 32, half | (uint64_t)two << 32, MULPS),
		 FSW_UE | FSW_OE | FSW_PE);
	CHECK_EQ(FLAGS_OF(FSW_UE, 0, 0x3800000020000000, CVTSD2SS), FSW_UE);
	CHECK_EQ(FLAGS_OF(FSW_UE, 0, 0x3800000020000001, CVTSD2SS), FSW_UE | FSW_PE);
	/* A product's underflow stops it before the sum; a masked one's flags stay. */
	CHECK_EQ(FLAGS_OF(FSW_UE, odd, half, DPPS(0x11)), FSW_UE);
	CHECK_EQ(FLAGS_OF(FSW_DE, odd, half, DPPS(0x11)), FSW_UE | FSW_PE | FSW_DE);
}

/* ---- what the host cannot judge ---- */

static void test_int1(void)
{
	struct fixture f;

	start(&f, 0);
	CHECK_EQ(RUN(&f, 0xf1), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	CHECK_EQ(f.cpu->dr[6] & (DR6_BS | DR6_BD | 15), 0);
	fixture_end(&f);
}

static void test_table_registers_in_ring_3(void)
{
	struct fixture f;

	start(&f, 3);
	f.cpu->regs[EAX] = f.cpu->regs[ECX] = f.cpu->regs[EBX] = 0xaaaaaaaa;
	/* sgdt; sidt; sldt eax; str cx; smsw ebx */
	RUN(&f, 0x0f, 0x01, 0x05, ADDRESS(DATA_AT), 0x0f, 0x01, 0x0d, ADDRESS(DATA_AT + 8), 0x0f,
	    0x00, 0xc0, 0x66, 0x0f, 0x00, 0xc9, 0x0f, 0x01, 0xe3);
	CHECK_EQ(peek16(&f, DATA_AT), GDT_ENTRIES * 8 - 1);
	CHECK_EQ(peek32(&f, DATA_AT + 2), GDT_AT);
	CHECK_EQ(peek16(&f, DATA_AT + 8), 0x7ff);
	CHECK_EQ(peek32(&f, DATA_AT + 10), IDT_AT);
	CHECK_EQ(f.cpu->regs[EAX], LDT);
	CHECK_EQ(f.cpu->regs[ECX], 0xaaaa0000 | TSS);
	CHECK_EQ(f.cpu->regs[EBX], f.cpu->cr0);
	/* To memory they are words at any operand size. */
	enter_protected(&f, 3);
	poke32(&f, DATA_AT, ~0u);
	poke32(&f, DATA_AT + 4, ~0u);
	RUN(&f, 0x0f, 0x00, 0x05, ADDRESS(DATA_AT), 0x0f, 0x00, 0x0d, ADDRESS(DATA_AT + 4));
	CHECK_EQ(peek32(&f, DATA_AT), 0xffff0000 | LDT);
	CHECK_EQ(peek32(&f, DATA_AT + 4), 0xffff0000 | TSS);
	fixture_end(&f);
}

static void test_prefetch_of_a_register(void)
{
	struct fixture f;

	start(&f, 0);
	CHECK_EQ(RUN(&f, 0x0f, 0x0d, 0xc0), -1);
	CHECK_EQ(f.cpu->eip, CODE_AT + 4);
	fixture_end(&f);
}

/* ---- what ring 3 shows only the faults of ---- */

static void test_ports(void)
{
	struct fixture f;

	start(&f, 0);
	f.cpu->regs[EDX] = 0x1234;
	f.cpu->regs[EAX] = 0x11223344;
	RUN(&f, 0xe4, 0x60); /* in al, 60h */
	CHECK_EQ(f.cpu->regs[EAX], 0x112233a5);
	CHECK_EQ(f.last_size, 1);
	RUN(&f, 0x66, 0xe5, 0x60);
	CHECK_EQ(f.cpu->regs[EAX], 0x1122a5a5);
	CHECK_EQ(f.last_port, 0x60);
	RUN(&f, 0xed); /* in eax, dx */
	CHECK_EQ(f.cpu->regs[EAX], 0xa5a5a5a5);
	CHECK_EQ(f.last_port, 0x1234);
	f.cpu->regs[EAX] = 0x11223344;
	RUN(&f, 0xec);
	CHECK_EQ(f.cpu->regs[EAX], 0x112233a5);
	RUN(&f, 0x66, 0xed);
	CHECK_EQ(f.cpu->regs[EAX], 0x1122a5a5);
	RUN(&f, 0xe5, 0x61);
	CHECK_EQ(f.cpu->regs[EAX], 0xa5a5a5a5);
	f.cpu->regs[EAX] = 0x11223344;
	RUN(&f, 0xe6, 0x80);
	CHECK_EQ(f.last_value, 0x44);
	CHECK_EQ(f.last_port, 0x80);
	RUN(&f, 0x66, 0xe7, 0x80);
	CHECK_EQ(f.last_value, 0x3344);
	RUN(&f, 0xe7, 0x80);
	CHECK_EQ(f.last_value, 0x11223344);
	RUN(&f, 0xee);
	CHECK_EQ(f.last_value, 0x44);
	CHECK_EQ(f.last_port, 0x1234);
	RUN(&f, 0x66, 0xef);
	CHECK_EQ(f.last_value, 0x3344);
	RUN(&f, 0xef);
	CHECK_EQ(f.last_value, 0x11223344);
	fixture_end(&f);
}

static void test_string_ports(void)
{
	struct fixture f;

	start(&f, 0);
	f.cpu->regs[EDX] = 0x1234;
	f.cpu->regs[EDI] = DATA_AT;
	f.cpu->regs[ECX] = 3;
	RUN(&f, 0xf3, 0x6c); /* rep insb */
	CHECK_EQ(peek32(&f, DATA_AT), 0x00a5a5a5);
	CHECK_EQ(f.cpu->regs[EDI], DATA_AT + 3);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK_EQ(f.reads, 3);
	RUN(&f, 0x66, 0x6d);
	RUN(&f, 0x6d);
	CHECK_EQ(peek32(&f, DATA_AT + 5), 0xa5a5a5a5);
	CHECK_EQ(f.cpu->regs[EDI], DATA_AT + 9);
	poke32(&f, DATA_AT, 0x44332211);
	f.cpu->regs[ESI] = DATA_AT;
	f.cpu->regs[ECX] = 2;
	RUN(&f, 0xf3, 0x6e); /* rep outsb */
	CHECK_EQ(f.last_value, 0x22);
	CHECK_EQ(f.writes, 2);
	RUN(&f, 0x66, 0x6f);
	CHECK_EQ(f.last_value, 0x4433);
	f.cpu->regs[ESI] = DATA_AT;
	RUN(&f, 0xfd, 0x6f, 0xfc); /* std; outsd; cld */
	CHECK_EQ(f.last_value, 0x44332211);
	CHECK_EQ(f.cpu->regs[ESI], DATA_AT - 4);
	fixture_end(&f);
}

static void test_ring_0(void)
{
	struct fixture f;

	start(&f, 0);
	f.cpu->cr0 |= CR0_TS;
	CHECK_EQ(RUN(&f, 0x0f, 0x06, 0x0f, 0x08, 0x0f, 0x09), -1); /* clts; invd; wbinvd */
	CHECK_EQ(f.cpu->cr0 & CR0_TS, 0);
	CHECK_EQ(RUN(&f, 0x0f, 0x01, 0x3d, ADDRESS(DATA_AT)), -1); /* invlpg */
	poke16(&f, DATA_AT, 0x137);
	poke32(&f, DATA_AT + 2, 0x12345678);
	/* lidt; sidt; with a 16-bit operand the base has 24 bits */
	RUN(&f, 0x0f, 0x01, 0x1d, ADDRESS(DATA_AT), 0x0f, 0x01, 0x0d, ADDRESS(DATA_AT + 8));
	CHECK_EQ(peek32(&f, DATA_AT + 10), 0x12345678);
	RUN(&f, 0x66, 0x0f, 0x01, 0x15, ADDRESS(DATA_AT), 0x0f, 0x01, 0x05, ADDRESS(DATA_AT + 8));
	CHECK_EQ(peek16(&f, DATA_AT + 8), 0x137);
	CHECK_EQ(peek32(&f, DATA_AT + 10), 0x00345678);
	fixture_end(&f);
}

UNIT_MAIN("regressions", {"alignment of wide operands", test_alignment_of_wide_operands},
	  {"misaligned, before the stack's limit", test_misaligned_before_stack_limit},
	  {"fault addresses", test_fault_addresses},
	  {"too long, across a page", test_too_long_across_a_page},
	  {"clflush of execute-only code", test_clflush_of_execute_only},
	  {"precision of an unbounded exponent", test_precision_of_unbounded_exponent},
	  {"int1", test_int1}, {"sgdt, sidt, sldt, str, smsw", test_table_registers_in_ring_3},
	  {"prefetch of a register", test_prefetch_of_a_register}, {"ports", test_ports},
	  {"string ports", test_string_ports}, {"ring 0", test_ring_0})
