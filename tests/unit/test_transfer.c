/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Far JMP, CALL, RET; call gates; SYSENTER and SYSEXIT. */
#include "cpu_fixture.h"

/* A far JMP (EA) or CALL (9A), 32-bit, at CODE_AT; an HLT behind it. */
static void far_code(struct fixture *f, uint8_t opcode, uint16_t selector, uint32_t offset)
{
	poke8(f, CODE_AT, opcode);
	poke32(f, CODE_AT + 1, offset);
	poke16(f, CODE_AT + 5, selector);
	poke8(f, CODE_AT + 7, 0xf4);
}

static void expect_far_fault(uint8_t opcode, unsigned cpl, uint16_t selector, uint32_t offset,
			     int vector, uint32_t error)
{
	struct fixture f;

	fixture_start(&f);
	set_gate(&f, GDT_AT + GATE, CODE0, TARGET_AT, A_CALL32, 0); /* DPL 0 */
	enter_protected(&f, cpl);
	far_code(&f, opcode, selector, offset);
	EXPECT_FAULT(&f, vector, error);
	fixture_end(&f);
}

static void test_faults(void)
{
	static const uint8_t opcodes[] = {0xea, 0x9a};

	for (unsigned i = 0; i < 2; i++) {
		uint8_t op = opcodes[i];

		expect_far_fault(op, 0, 0, TARGET_AT, VEC_GP, 0);
		expect_far_fault(op, 0, DATA0, TARGET_AT, VEC_GP, DATA0);
		expect_far_fault(op, 0, CODE3, TARGET_AT, VEC_GP, CODE3 & ~3);
		expect_far_fault(op, 3, CODE0, TARGET_AT, VEC_GP, CODE0);
		expect_far_fault(op, 0, CODE0 | 3, TARGET_AT, VEC_GP, CODE0);
		expect_far_fault(op, 0, ABSENT_CODE, TARGET_AT, VEC_NP, ABSENT_CODE);
		expect_far_fault(op, 0, SMALL_CODE, 0x1000, VEC_GP, 0);
		expect_far_fault(op, 0, GDT_ENTRIES * 8, 0, VEC_GP, GDT_ENTRIES * 8);
		expect_far_fault(op, 0, LDT, 0, VEC_GP, LDT);
		expect_far_fault(op, 0, TSS, 0, VEC_GP, TSS); /* busy */
		expect_far_fault(op, 3, TSS2, 0, VEC_GP, TSS2);
		expect_far_fault(op, 3, GATE, 0, VEC_GP, GATE);
	}
}

static void test_jump(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	far_code(&f, 0xea, CONFORMING, TARGET_AT);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK_EQ(f.cpu->seg[CS].selector, CONFORMING | 3);
	CHECK_EQ(f.cpu->cpl, 3);
	fixture_end(&f);
}

static void test_call_and_return(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	far_code(&f, 0x9a, CODE0, TARGET_AT);
	poke8(&f, TARGET_AT, 0xcb); /* retf */
	step_one(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 8);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 7);
	CHECK_EQ(pushed(&f, 1), CODE0);
	run(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 8);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP);
	fixture_end(&f);
}

/* CALL from ring 3 through a gate, two parameters; RETF 8 to where it came from. */
static void test_call_gate(void)
{
	struct fixture f;

	fixture_start(&f);
	set_gate(&f, GDT_AT + GATE, CODE0, TARGET_AT, A_CALL32 | A_DPL(3), 2);
	enter_protected(&f, 3);
	f.cpu->regs[ESP] -= 8;
	poke32(&f, STACK3_TOP - 8, 0x11111111);
	poke32(&f, STACK3_TOP - 4, 0x22222222);
	far_code(&f, 0x9a, GATE | 3, 0xdead);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK_EQ(f.cpu->cpl, 0);
	CHECK_EQ(f.cpu->seg[CS].selector, CODE0);
	CHECK_EQ(f.cpu->seg[SS].selector, DATA0);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 24);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 7);
	CHECK_EQ(pushed(&f, 1), CODE3);
	CHECK_EQ(pushed(&f, 2), 0x11111111);
	CHECK_EQ(pushed(&f, 3), 0x22222222);
	CHECK_EQ(pushed(&f, 4), STACK3_TOP - 8);
	CHECK_EQ(pushed(&f, 5), DATA3);
	static const uint8_t retf8[] = {0xca, 8, 0};

	poke(&f, TARGET_AT, retf8, 3);
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->eip, CODE_AT + 7);
	CHECK_EQ(f.cpu->regs[ESP], STACK3_TOP);
	CHECK_EQ(f.cpu->seg[SS].selector, DATA3);
	fixture_end(&f);
}

static void test_call_gate_16(void)
{
	struct fixture f;

	fixture_start(&f);
	set_gdt(&f, SPARE, TARGET_AT, 0xffff, A_CODE, F_BYTE16);
	set_gate(&f, GDT_AT + GATE, SPARE, 0xffff0000, A_CALL16 | A_DPL(3), 0);
	enter_protected(&f, 3);
	far_code(&f, 0x9a, GATE, 0);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, 0);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 8);
	CHECK_EQ(pushed16(&f, 0), (CODE_AT + 7) & 0xffff);
	CHECK_EQ(pushed16(&f, 2), STACK3_TOP & 0xffff);
	fixture_end(&f);
}

static void expect_gate_fault(uint16_t target, uint8_t opcode, unsigned access, int vector,
			      uint32_t error)
{
	struct fixture f;

	fixture_start(&f);
	set_gate(&f, GDT_AT + GATE, target, TARGET_AT, access, 0);
	enter_protected(&f, 3);
	far_code(&f, opcode, GATE, 0);
	EXPECT_FAULT(&f, vector, error);
	CHECK_EQ(pushed(&f, 2), CODE3);
	fixture_end(&f);
}

static void test_call_gate_faults(void)
{
	expect_gate_fault(0, 0x9a, A_CALL32 | A_DPL(3), VEC_GP, 0);
	expect_gate_fault(DATA0, 0x9a, A_CALL32 | A_DPL(3), VEC_GP, DATA0);
	expect_gate_fault(CODE0, 0xea, A_CALL32 | A_DPL(3), VEC_GP, CODE0); /* JMP inwards */
	expect_gate_fault(ABSENT_CODE, 0x9a, A_CALL32 | A_DPL(3), VEC_NP, ABSENT_CODE);
	expect_gate_fault(SMALL_CODE, 0x9a, A_CALL32 | A_DPL(3), VEC_GP, 0);
	expect_gate_fault(CODE0, 0x9a, (A_CALL32 | A_DPL(3)) & 0x7f, VEC_NP, GATE);
	expect_gate_fault(CODE0, 0x9a, A_CALL32 | A_DPL(1), VEC_GP, GATE);
}

/* Nothing changes when the pushes would fail. */
static void test_call_stack_fault(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	set_idt(&f, VEC_SS, TSS2, 0, A_TASK); /* the stack is of no use */
	set_gdt(&f, SPARE, 0, 0xfffff, 0x96, F_BYTE32);
	load_descriptor(&f, &f.cpu->seg[SS], SPARE); /* valid from 100000h on */
	f.cpu->regs[ESP] = 0x100004;
	far_code(&f, 0x9a, CODE0, TARGET_AT);
	poke32(&f, TSS2_AT + 0x20, TARGET_AT);
	poke32(&f, TSS2_AT + 0x38, STACK1_TOP);
	for (unsigned i = 0; i < 6; i++)
		poke16(&f, TSS2_AT + 0x48 + 4 * i, i == CS ? CODE0 : DATA0);
	run(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT + 1);
	CHECK_EQ(f.cpu->tr.selector, TSS2);
	CHECK_EQ(peek32(&f, TSS_AT + 0x20), CODE_AT);
	CHECK_EQ(peek32(&f, TSS_AT + 0x38), 0x100004);
	fixture_end(&f);
}

static void expect_return_fault(unsigned cpl, uint16_t cs, uint16_t ss, int vector, uint32_t error)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, cpl);
	f.cpu->regs[ESP] -= 16;
	poke32(&f, f.cpu->regs[ESP], 0x800);
	poke32(&f, f.cpu->regs[ESP] + 4, cs);
	poke32(&f, f.cpu->regs[ESP] + 8, STACK3_TOP);
	poke32(&f, f.cpu->regs[ESP] + 12, ss);
	CODE(&f, 0xcb);
	EXPECT_FAULT(&f, vector, error);
	fixture_end(&f);
}

static void test_return_faults(void)
{
	expect_return_fault(0, 0, 0, VEC_GP, 0);
	expect_return_fault(3, CODE0, 0, VEC_GP, CODE0); /* inwards */
	expect_return_fault(0, DATA0, 0, VEC_GP, DATA0);
	expect_return_fault(0, ABSENT_CODE, 0, VEC_NP, ABSENT_CODE);
	expect_return_fault(0, CODE3, 0, VEC_GP, 0);
	expect_return_fault(0, CODE3, DATA0, VEC_GP, DATA0);
	expect_return_fault(0, CODE3, DATA0 | 3, VEC_GP, DATA0);
	expect_return_fault(0, CODE3, CODE3, VEC_GP, CODE3 & ~3);
	expect_return_fault(0, CODE3 & ~3, 0, VEC_GP, CODE3 & ~3); /* DPL != RPL */
}

/* A 16-bit outer stack: the upper half of ESP keeps the inner one's. */
static void test_return_to_16_bit_stack(void)
{
	struct fixture f;

	fixture_start(&f);
	set_gdt(&f, SPARE, 0, 0xffff, A_DATA | A_DPL(3), F_BYTE16);
	enter_protected(&f, 0);
	f.cpu->regs[ESP] -= 16;
	poke32(&f, f.cpu->regs[ESP], TARGET_AT);
	poke32(&f, f.cpu->regs[ESP] + 4, CODE3);
	poke32(&f, f.cpu->regs[ESP] + 8, 0x77775678);
	poke32(&f, f.cpu->regs[ESP] + 12, SPARE | 3);
	CODE(&f, 0xcb);
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->regs[ESP], ((STACK0_TOP - 16) & 0xffff0000) | 0x5678);
	fixture_end(&f);
}

static void test_real_mode(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	CODE(&f, 0x9a, 0x34, 0x12, 0x00, 0x11); /* call 1100:1234 */
	poke8(&f, 0x12234, 0xcb);
	step_one(&f);
	CHECK_EQ(f.cpu->seg[CS].base, 0x11000);
	CHECK_EQ(f.cpu->eip, 0x1234);
	CHECK_EQ(f.cpu->regs[ESP], 0x7ffc);
	CHECK_EQ(pushed16(&f, 0), 5);
	CHECK_EQ(pushed16(&f, 1), CODE_AT >> 4);
	step_one(&f);
	CHECK_EQ(f.cpu->seg[CS].base, CODE_AT);
	CHECK_EQ(f.cpu->eip, 5);
	/* A 32-bit offset beyond 64 KiB: #GP. */
	enter_real(&f);
	CODE(&f, 0x66, 0xea, 0, 0, 1, 0, 0x00, 0x11);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	fixture_end(&f);
}

/* CLI; LGDT; PE on; far jump: what every boot loader does, and the way back. */
static void test_mode_switch(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	poke16(&f, DATA_AT, GDT_ENTRIES * 8 - 1);
	poke32(&f, DATA_AT + 2, GDT_AT);
	f.cpu->seg[DS].base = DATA_AT;
	f.cpu->regs[EDX] = DATA0;
	CODE(&f, 0xfa,				  /* cli */
	     0x0f, 0x01, 0x16, 0, 0,		  /* lgdt [0] */
	     0x0f, 0x20, 0xc0, 0x0c, 0x01,	  /* mov eax,cr0; or al,1 */
	     0x0f, 0x22, 0xc0,			  /* mov cr0,eax */
	     0x66, 0xea, 0x16, 0, 1, 0, CODE0, 0, /* jmp CODE0:10016h */
	     0x8e, 0xda, 0xf4,			  /* mov ds,dx; hlt */
	     0xea, 0x20, 0, 0, 0, CODE16, 0,	  /* 10019h: jmp CODE16:20h */
	     0x0c, 0, 0x90, 0x90);
	run(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 0x19);
	CHECK_EQ(f.cpu->seg[CS].selector, CODE0);
	CHECK(code_is_32(f.cpu));
	CHECK_EQ(f.cpu->seg[DS].limit, 0xffffffff);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, 0x20);
	CHECK(!code_is_32(f.cpu));
	static const uint8_t back[] = {0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22,
				       0xc0, 0xea, 0x00, 0x00, 0x00, 0x12};

	poke(&f, 0x20, back, sizeof(back));
	run(&f);
	CHECK_EQ(f.cpu->seg[CS].base, TARGET_AT);
	CHECK_EQ(f.cpu->eip, 1);
	CHECK_EQ(f.cpu->seg[DS].limit, 0xffffffff); /* unreal */
	fixture_end(&f);
}

static void test_sysenter(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	f.cpu->eflags |= FL_IF;
	f.cpu->msr.sysenter_cs = CODE0;
	f.cpu->msr.sysenter_esp = STACK0_TOP;
	f.cpu->msr.sysenter_eip = TARGET_AT;
	CODE(&f, 0x0f, 0x34);
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 0);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP);
	CHECK_EQ(f.cpu->seg[SS].selector, CODE0 + 8);
	CHECK_EQ(f.cpu->eflags & FL_IF, 0);
	static const uint8_t sysexit[] = {0x0f, 0x35};

	poke(&f, TARGET_AT, sysexit, 2);
	f.cpu->regs[ECX] = STACK3_TOP;
	f.cpu->regs[EDX] = CODE_AT;
	step_one(&f);
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->seg[CS].selector, (CODE0 + 16) | 3);
	CHECK_EQ(f.cpu->seg[SS].selector, (CODE0 + 24) | 3);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	CHECK_EQ(f.cpu->regs[ESP], STACK3_TOP);
	f.cpu->msr.sysenter_cs = 3;
	EXPECT_FAULT(&f, VEC_GP, 0);
	fixture_end(&f);
}

UNIT_MAIN("far transfers", {"faults", test_faults}, {"jump", test_jump},
	  {"call and return", test_call_and_return}, {"call gate", test_call_gate},
	  {"16-bit call gate", test_call_gate_16}, {"call gate faults", test_call_gate_faults},
	  {"stack fault", test_call_stack_fault}, {"return faults", test_return_faults},
	  {"16-bit outer stack", test_return_to_16_bit_stack}, {"real mode", test_real_mode},
	  {"mode switch", test_mode_switch}, {"sysenter", test_sysenter})
