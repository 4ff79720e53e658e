/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts and exceptions: gates, stacks, error codes, double and triple
 * faults, IRET, virtual-8086 mode with and without VME, PVI, debug exceptions.
 */
#include "cpu_fixture.h"

#define TSS_REDIRECTION (TSS_AT + 0x88 - 32)

static void test_same_level(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->eflags |= FL_IF | FL_NT | FL_CF;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 12);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	CHECK_EQ(pushed(&f, 1), CODE0);
	CHECK_EQ(pushed(&f, 2), FL_1 | FL_IF | FL_NT | FL_CF);
	CHECK_EQ(f.cpu->eflags, FL_1 | FL_CF);
	fixture_end(&f);
}

static void test_trap_gate_keeps_if(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, CODE0, handler(0x42), A_TRAP32);
	enter_protected(&f, 0);
	f.cpu->eflags |= FL_IF;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK(f.cpu->eflags & FL_IF);
	fixture_end(&f);
}

static void test_inner_level_and_back(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	f.cpu->regs[EBP] = 77;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(f.cpu->cpl, 0);
	CHECK_EQ(f.cpu->seg[SS].selector, DATA0);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 20);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	CHECK_EQ(pushed(&f, 1), CODE3);
	CHECK_EQ(pushed(&f, 3), STACK3_TOP);
	CHECK_EQ(pushed(&f, 4), DATA3);
	/* IRET: data segments of ring 0 do not leak. */
	load_descriptor(&f, &f.cpu->seg[DS], DATA0);
	poke8(&f, f.cpu->eip, 0xcf);
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->eip, CODE_AT + 2);
	CHECK_EQ(f.cpu->regs[ESP], STACK3_TOP);
	CHECK_EQ(f.cpu->seg[DS].selector, 0);
	CHECK_EQ(f.cpu->seg[ES].selector, DATA3);
	fixture_end(&f);
}

static void test_middle_level(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, CODE1, TARGET_AT, A_INT32 | A_DPL(3));
	enter_protected(&f, 3);
	CODE(&f, 0xcd, 0x42);
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 1);
	CHECK_EQ(f.cpu->seg[CS].selector, CODE1);
	CHECK_EQ(f.cpu->seg[SS].selector, DATA1);
	CHECK_EQ(f.cpu->regs[ESP], STACK1_TOP - 20);
	fixture_end(&f);
}

static void test_16_bit_gate(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, CODE0, handler(0x42), A_INT16);
	enter_protected(&f, 0);
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 6);
	CHECK_EQ(pushed16(&f, 0), (CODE_AT + 2) & 0xffff);
	fixture_end(&f);
}

/* INT 42h at this level with what the caller has changed. */
static void expect_int_fault(struct fixture *f, unsigned cpl, int vector, uint32_t error)
{
	enter_protected(f, cpl);
	CODE(f, 0xcd, 0x42);
	EXPECT_FAULT(f, vector, error);
	CHECK_EQ(pushed(f, 3) & FL_RF, FL_RF);
}

static void test_gate_faults(void)
{
	static const struct {
		uint16_t selector;
		unsigned access, cpl;
		int vector;
		uint32_t error;
	} cases[] = {
	    {CODE0, A_INT32, 3, VEC_GP, 0x42 * 8 + 2}, /* DPL < CPL */
	    {CODE0, 0x80, 0, VEC_GP, 0x42 * 8 + 2},    /* no gate */
	    {CODE0, A_CALL32, 0, VEC_GP, 0x42 * 8 + 2},
	    {CODE0, A_INT32 & 0x7f, 0, VEC_NP, 0x42 * 8 + 2},
	    {0, A_INT32, 0, VEC_GP, 0},
	    {DATA0, A_INT32, 0, VEC_GP, DATA0},
	    {CODE3, A_INT32, 0, VEC_GP, CODE3 & ~3}, /* outer level */
	    {ABSENT_CODE, A_INT32, 0, VEC_NP, ABSENT_CODE},
	    {GDT_ENTRIES * 8, A_INT32, 0, VEC_GP, GDT_ENTRIES * 8},
	    {SMALL_CODE, A_INT32, 0, VEC_GP, 0}, /* offset beyond the limit */
	    {TSS, A_TASK, 0, VEC_GP, TSS},	 /* busy */
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		fixture_start(&f);
		set_idt(&f, 0x42, cases[i].selector, 0x4000, cases[i].access);
		expect_int_fault(&f, cases[i].cpl, cases[i].vector, cases[i].error);
		fixture_end(&f);
	}
}

static void test_idt_limit(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->idtr.limit = 0x42 * 8 + 6;
	CODE(&f, 0xcd, 0x42);
	EXPECT_FAULT(&f, VEC_GP, 0x42 * 8 + 2);
	fixture_end(&f);
}

static void test_inner_stack_faults(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, CODE1, TARGET_AT, A_INT32 | A_DPL(3));
	poke32(&f, TSS_AT + 16, 0); /* SS1: null */
	expect_int_fault(&f, 3, VEC_TS, 0);
	poke32(&f, TSS_AT + 16, DATA0);
	expect_int_fault(&f, 3, VEC_TS, DATA0);
	poke32(&f, TSS_AT + 16, 0xff8 | 1);
	expect_int_fault(&f, 3, VEC_TS, 0xff8);
	set_gdt(&f, SPARE, 0, 0xfffff, (A_DATA | A_DPL(1)) & 0x7f, F_FLAT32);
	poke32(&f, TSS_AT + 16, SPARE | 1);
	expect_int_fault(&f, 3, VEC_SS, SPARE);
	set_gdt(&f, SPARE, 0, 0xf, A_DATA | A_DPL(1), F_BYTE32);
	expect_int_fault(&f, 3, VEC_SS, SPARE); /* no room */
	fixture_end(&f);
}

/* EXT in the error code: only if no INT caused it. */
static void test_ext_bit(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, ABSENT_CODE, 0, A_INT32);
	enter_protected(&f, 0);
	f.cpu->eflags |= FL_IF;
	f.next_vector = 0x42;
	vcpu_set_intr(f.cpu, 1);
	CODE(&f, 0x90, 0xf4);
	EXPECT_FAULT(&f, VEC_NP, ABSENT_CODE | 1);
	fixture_end(&f);
}

static void test_real_mode(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	f.cpu->eflags |= FL_IF | FL_CF;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(f.cpu->regs[ESP], 0x8000 - 6);
	CHECK_EQ(pushed16(&f, 0), 2);
	CHECK_EQ(pushed16(&f, 1), CODE_AT >> 4);
	CHECK_EQ(pushed16(&f, 2), FL_1 | FL_IF | FL_CF);
	CHECK_EQ(f.cpu->eflags, FL_1 | FL_CF);
	/* Beyond the table: #GP, and no error code. */
	enter_real(&f);
	f.cpu->idtr.limit = 0x42 * 4 + 2;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK_EQ(f.cpu->regs[ESP], 0x8000 - 6);
	CHECK_EQ(pushed16(&f, 0), 0);
	fixture_end(&f);
}

static void test_stack_wraps(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	f.cpu->regs[ESP] = 0x12340002;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(f.cpu->regs[ESP], 0x1234fffc);
	CHECK_EQ(peek16(&f, 0x20000 + 0xfffe), CODE_AT >> 4);
	fixture_end(&f);
}

static void test_double_fault(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, VEC_GP, CODE0, handler(VEC_GP), A_INT32 & 0x7f);
	enter_protected(&f, 0);
	CODE(&f, 0xcd, 0x42);
	f.cpu->idtr.limit = 0x1ff; /* INT 42h: #GP, whose gate is absent: #NP */
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DF);
	CHECK_EQ(pushed(&f, 0), 0);
	CHECK_EQ(pushed(&f, 1), CODE_AT);
	fixture_end(&f);
}

static void test_triple_fault(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->idtr.limit = 0;
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(f.shutdowns, 1);
	CHECK(f.cpu->shutdown);
	fixture_end(&f);
}

static void test_sti_shadow(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.next_vector = 0x40;
	vcpu_set_intr(f.cpu, 1);
	CODE(&f, 0xfb, 0x90, 0x90, 0x90, 0xf4); /* sti; nops */
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x40);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	/* STI; HLT waits with interrupts on; the return is behind the HLT. */
	enter_protected(&f, 0);
	f.cpu->eflags &= ~FL_IF;
	f.next_vector = 0x40;
	vcpu_set_intr(f.cpu, 1);
	CODE(&f, 0xfb, 0xf4);
	run(&f);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x40);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	fixture_end(&f);
}

static void test_nmi_until_iret(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0x90, 0x90, 0xf4);
	vcpu_nmi(f.cpu);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_NMI);
	CHECK(f.cpu->nmi_blocked);
	vcpu_nmi(f.cpu);
	poke8(&f, f.cpu->eip, 0xcf);
	step_one(&f);
	CHECK(!f.cpu->nmi_blocked);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_NMI);
	CHECK_EQ(pushed(&f, 0), CODE_AT);
	fixture_end(&f);
}

/* ---- virtual-8086 mode ---- */
static void test_v86_to_ring0_and_back(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_v86(&f, 3);
	segment_load_real(f.cpu, GS, 0x1111);
	segment_load_real(f.cpu, ES, 0x2222);
	CODE(&f, 0xcd, 0x42, 0xf4);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK(!(f.cpu->eflags & FL_VM));
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 36);
	CHECK_EQ(pushed(&f, 0), CODE_AT - 0x10000 + 2);
	CHECK_EQ(pushed(&f, 1), 0x1000);
	CHECK_EQ(pushed(&f, 2), FL_1 | FL_VM | FL_IOPL);
	CHECK_EQ(pushed(&f, 3), 0x8000);
	CHECK_EQ(pushed(&f, 4), 0x2000);
	CHECK_EQ(pushed(&f, 5), 0x2222);
	CHECK_EQ(pushed(&f, 8), 0x1111);
	CHECK_EQ(f.cpu->seg[GS].selector, 0);
	CHECK(!(f.cpu->seg[DS].attr & DESC_P));
	poke8(&f, f.cpu->eip, 0xcf);
	step_one(&f);
	CHECK(v86_mode(f.cpu));
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->seg[GS].base, 0x11110);
	CHECK_EQ(f.cpu->seg[CS].base, 0x10000);
	CHECK_EQ(f.cpu->regs[ESP], 0x8000);
	CHECK_EQ(f.cpu->eip, CODE_AT - 0x10000 + 2);
	run(&f); /* HLT is privileged */
	CHECK_EQ(vector_taken(&f), VEC_GP);
	fixture_end(&f);
}

static void expect_v86_gp(struct fixture *f)
{
	run(f);
	CHECK_EQ(vector_taken(f), VEC_GP);
	CHECK_EQ(pushed(f, 0), 0);
	CHECK_EQ(pushed(f, 1), CODE_AT - 0x10000);
}

static void test_v86_iopl(void)
{
	static const uint8_t sensitive[][2] = {{0xcd, 0x42}, {0xfa, 0}, {0xfb, 0},
					       {0x9c, 0},    {0x9d, 0}, {0xcf, 0}};

	for (unsigned i = 0; i < 6; i++) {
		struct fixture f;

		fixture_start(&f);
		enter_v86(&f, 0);
		poke(&f, CODE_AT, sensitive[i], 2);
		expect_v86_gp(&f);
		fixture_end(&f);
	}
}

static void test_v86_only_to_ring0(void)
{
	struct fixture f;

	fixture_start(&f);
	set_idt(&f, 0x42, CODE1, TARGET_AT, A_INT32 | A_DPL(3));
	enter_v86(&f, 3);
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK_EQ(pushed(&f, 0), CODE1 & ~3);
	fixture_end(&f);
}

/* VME: INT n goes to the 8086 program's own handler where the bitmap is 0. */
static void redirect(struct fixture *f, unsigned io_privilege)
{
	fixture_start(f);
	poke32(f, 0x42 * 4, 0x1000 << 16 | 0x2000); /* TARGET_AT */
	enter_v86(f, io_privilege);
	f->cpu->cr4 |= CR4_VME;
	CODE(f, 0xcd, 0x42);
	step_one(f);
}

static void test_vme_redirection(void)
{
	struct fixture f;

	redirect(&f, 3);
	CHECK_EQ(f.cpu->eip, 0x2000);
	CHECK(v86_mode(f.cpu));
	CHECK_EQ(pushed16(&f, 2), FL_1 | FL_IOPL);
	fixture_end(&f);
	redirect(&f, 0);
	CHECK_EQ(f.cpu->eip, 0x2000);
	CHECK_EQ(pushed16(&f, 2), FL_1 | FL_IOPL); /* VIF clear, so IF clear */
	fixture_end(&f);
	/* VIF stands in for IF. */
	fixture_start(&f);
	poke32(&f, 0x42 * 4, 0x1000 << 16 | 0x2000);
	enter_v86(&f, 0);
	f.cpu->cr4 |= CR4_VME;
	f.cpu->eflags |= FL_VIF;
	CODE(&f, 0xcd, 0x42);
	step_one(&f);
	CHECK_EQ(pushed16(&f, 2), FL_1 | FL_IOPL | FL_IF);
	CHECK(!(f.cpu->eflags & FL_VIF));
	/* and IRET gives it back */
	poke8(&f, TARGET_AT, 0xcf);
	step_one(&f);
	CHECK(f.cpu->eflags & FL_VIF);
	CHECK(!(f.cpu->eflags & FL_IF));
	CHECK_EQ(iopl(f.cpu), 0);
	fixture_end(&f);
}

static void test_vme_bitmap_set(void)
{
	struct fixture f;

	fixture_start(&f);
	poke8(&f, TSS_REDIRECTION + 0x42 / 8, 1 << 2);
	enter_v86(&f, 0);
	f.cpu->cr4 |= CR4_VME;
	CODE(&f, 0xcd, 0x42);
	expect_v86_gp(&f);
	enter_v86(&f, 3);
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	fixture_end(&f);
}

static void test_vme_flags(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_v86(&f, 0);
	f.cpu->cr4 |= CR4_VME;
	CODE(&f, 0xfb, 0x9c, 0xfa, 0x9c, 0x9d); /* sti pushf cli pushf popf */
	step_one(&f);
	CHECK(f.cpu->eflags & FL_VIF);
	step_one(&f);
	CHECK_EQ(pushed16(&f, 0), FL_1 | FL_IF | FL_IOPL);
	step_one(&f);
	CHECK(!(f.cpu->eflags & FL_VIF));
	step_one(&f);
	CHECK_EQ(pushed16(&f, 0), FL_1 | FL_IOPL);
	step_one(&f);
	CHECK_EQ(iopl(f.cpu), 0);
	/* A pending virtual interrupt: STI faults. */
	enter_v86(&f, 0);
	f.cpu->eflags |= FL_VIP;
	expect_v86_gp(&f);
	fixture_end(&f);
}

static void test_pvi(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	f.cpu->cr4 |= CR4_PVI;
	CODE(&f, 0xfb, 0xfa);
	step_one(&f);
	CHECK(f.cpu->eflags & FL_VIF);
	step_one(&f);
	CHECK(!(f.cpu->eflags & (FL_VIF | FL_IF)));
	enter_protected(&f, 3);
	f.cpu->cr4 = 0;
	EXPECT_FAULT(&f, VEC_GP, 0);
	fixture_end(&f);
}

/* ---- debug exceptions ---- */
static void test_single_step(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	eflags_set(f.cpu, FL_TF, FL_TF);
	CODE(&f, 0x90, 0x90);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	CHECK_EQ(pushed(&f, 2), FL_1 | FL_TF);
	CHECK(f.cpu->dr[6] & DR6_BS);
	CHECK(!f.cpu->slow);
	fixture_end(&f);
}

static void test_no_step_into_interrupt(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	eflags_set(f.cpu, FL_TF, FL_TF);
	CODE(&f, 0xcd, 0x42);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	fixture_end(&f);
}

static void test_instruction_breakpoint(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->dr[0] = CODE_AT + 1;
	f.cpu->dr[7] |= 1;
	cpu_mode_changed(f.cpu);
	CODE(&f, 0x90, 0x90, 0xf4);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	CHECK_EQ(pushed(&f, 2) & FL_RF, 0);
	CHECK_EQ(f.cpu->dr[6] & 15, 1);
	/* The handler sets RF and returns: the instruction runs. */
	poke32(&f, f.cpu->regs[ESP] + 8, FL_1 | FL_RF);
	poke8(&f, f.cpu->eip, 0xcf);
	run(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 3);
	fixture_end(&f);
}

static void test_data_breakpoint(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	/* mov [esi],al to warm the TLB; mov dr7,ebx; mov [esi],al; hlt */
	CODE(&f, 0x88, 0x06, 0x0f, 0x23, 0xfb, 0x88, 0x06, 0x90, 0xf4);
	f.cpu->regs[ESI] = DATA_AT + 2;
	f.cpu->dr[0] = DATA_AT;
	f.cpu->regs[EBX] = 0x000d0001; /* 4 bytes, writes */
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 7); /* a trap */
	CHECK_EQ(f.cpu->dr[6] & 15, 1);
	fixture_end(&f);
}

/* SDM 3B 17.3.1.1: what comes between two elements saves RF, what comes after the last does not. */
static void test_rep_interrupted(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xf3, 0xac, 0x90, 0xf4); /* rep lodsb; nop; hlt */
	f.cpu->regs[ESI] = DATA_AT;
	f.cpu->regs[ECX] = 100;
	f.cpu->eflags |= FL_IF;
	f.cpu->fuel = 3; /* the clock is looked at in the middle */
	vcpu_run(f.cpu);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	CHECK(f.cpu->regs[ECX] > 0 && f.cpu->regs[ECX] < 100);
	f.next_vector = 0x42;
	vcpu_set_intr(f.cpu, 1);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x42);
	CHECK_EQ(pushed(&f, 0), CODE_AT);
	CHECK_EQ(pushed(&f, 2), FL_1 | FL_IF | FL_RF);
	fixture_end(&f);
}

/* A breakpoint on a repeated instruction stops before its first element only. */
static void test_rep_breakpoint(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xf3, 0xac, 0x90, 0xf4);
	f.cpu->regs[ESI] = DATA_AT;
	f.cpu->regs[ECX] = 10;
	f.cpu->dr[0] = CODE_AT;
	f.cpu->dr[7] |= 1;
	f.cpu->eflags |= FL_RF;
	cpu_mode_changed(f.cpu);
	run(&f);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK_EQ(f.cpu->eip, CODE_AT + 4);
	fixture_end(&f);
}

static void test_step_wakes_halt(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xf4, 0x90);
	eflags_set(f.cpu, FL_TF, FL_TF);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	fixture_end(&f);
}

static void test_port_breakpoint(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xe6, 0x81, 0xe6, 0x80, 0x90, 0xf4); /* out 81h; out 80h; nop; hlt */
	f.cpu->cr4 = CR4_DE;
	f.cpu->dr[0] = 0x80;
	f.cpu->dr[7] |= 0x00020001;
	cpu_mode_changed(f.cpu);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 4);
	CHECK_EQ(f.cpu->dr[6] & 15, 1);
	fixture_end(&f);
}

static void test_general_detect(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->dr[7] |= DR7_GD;
	CODE(&f, 0x0f, 0x21, 0xc0); /* mov eax,dr0 */
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), CODE_AT);
	CHECK(f.cpu->dr[6] & DR6_BD);
	CHECK(!(f.cpu->dr[7] & DR7_GD));
	fixture_end(&f);
}

static void test_int3_into_int1(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	CODE(&f, 0xcc);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_BP);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	enter_protected(&f, 3);
	f.cpu->eflags = FL_1 | FL_OF;
	CODE(&f, 0xce);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_OF);
	/* INT1 does not care for the gate's DPL, INT3 does. */
	set_idt(&f, VEC_DB, CODE0, handler(VEC_DB), A_INT32);
	set_idt(&f, VEC_BP, CODE0, handler(VEC_BP), A_INT32);
	enter_protected(&f, 3);
	CODE(&f, 0xf1);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	enter_protected(&f, 3);
	CODE(&f, 0xcc);
	EXPECT_FAULT(&f, VEC_GP, VEC_BP * 8 + 2);
	fixture_end(&f);
}

UNIT_MAIN("interrupts", {"same level", test_same_level}, {"trap gate", test_trap_gate_keeps_if},
	  {"inner level", test_inner_level_and_back}, {"middle level", test_middle_level},
	  {"16-bit gate", test_16_bit_gate}, {"gate faults", test_gate_faults},
	  {"idt limit", test_idt_limit}, {"inner stack", test_inner_stack_faults},
	  {"ext bit", test_ext_bit}, {"real mode", test_real_mode},
	  {"stack wrap", test_stack_wraps}, {"double fault", test_double_fault},
	  {"triple fault", test_triple_fault}, {"sti shadow", test_sti_shadow},
	  {"nmi", test_nmi_until_iret}, {"v86 and back", test_v86_to_ring0_and_back},
	  {"v86 iopl", test_v86_iopl}, {"v86 to ring 1", test_v86_only_to_ring0},
	  {"vme redirection", test_vme_redirection}, {"vme bitmap", test_vme_bitmap_set},
	  {"vme flags", test_vme_flags}, {"pvi", test_pvi}, {"single step", test_single_step},
	  {"no step into int", test_no_step_into_interrupt},
	  {"instruction breakpoint", test_instruction_breakpoint},
	  {"data breakpoint", test_data_breakpoint}, {"rep interrupted", test_rep_interrupted},
	  {"rep breakpoint", test_rep_breakpoint}, {"step over hlt", test_step_wakes_halt},
	  {"port breakpoint", test_port_breakpoint}, {"general detect", test_general_detect},
	  {"int3, into, int1", test_int3_into_int1})
