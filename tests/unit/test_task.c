/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Task switches: SDM 3A chapter 7. */
#include "cpu_fixture.h"

#define TASK_STACK 0x3c000u

static void fill_task32(struct fixture *f, unsigned cpl)
{
	poke32(f, TSS2_AT + 0x20, TARGET_AT);
	poke32(f, TSS2_AT + 0x24, FL_1 | FL_CF);
	for (unsigned i = 0; i < 8; i++)
		poke32(f, TSS2_AT + 0x28 + 4 * i, i == ESP ? TASK_STACK : 0x1000 + i);
	for (unsigned i = 0; i < 6; i++)
		poke16(f, TSS2_AT + 0x48 + 4 * i,
		       i == CS ? (cpl ? CODE3 : CODE0) : (cpl ? DATA3 : DATA0));
	poke16(f, TSS2_AT + 0x60, LDT);
}

static void fill_task16(struct fixture *f)
{
	set_gdt(f, SPARE, TARGET_AT, 0xffff, A_CODE, F_BYTE16);
	poke16(f, TSS16_AT + 0x0e, 0);
	poke16(f, TSS16_AT + 0x10, FL_1);
	for (unsigned i = 0; i < 8; i++)
		poke16(f, TSS16_AT + 0x12 + 2 * i, i == ESP ? 0x7000 : 0x200 + i);
	poke16(f, TSS16_AT + 0x22, DATA0);
	poke16(f, TSS16_AT + 0x24, SPARE);
	poke16(f, TSS16_AT + 0x26, DATA16);
	poke16(f, TSS16_AT + 0x28, DATA0);
	poke16(f, TSS16_AT + 0x2a, 0);
}

static void far_code(struct fixture *f, uint8_t opcode, uint16_t selector)
{
	poke8(f, CODE_AT, opcode);
	poke32(f, CODE_AT + 1, 0x12345);
	poke16(f, CODE_AT + 5, selector);
}

static void test_jump(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 3);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 42;
	f.cpu->dr[7] |= 1 << 2 | 1 << 3; /* L1, G1 */
	far_code(&f, 0xea, TSS2);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->eflags, FL_1 | FL_CF);
	CHECK_EQ(f.cpu->regs[EDI], 0x1007);
	CHECK_EQ(f.cpu->regs[ESP], TASK_STACK);
	CHECK_EQ(f.cpu->tr.selector, TSS2);
	CHECK_EQ(f.cpu->tr.base, TSS2_AT);
	CHECK_EQ(f.cpu->ldtr.selector, LDT);
	CHECK_EQ(f.cpu->dr[7] & DR7_ENABLED, 1 << 3);
	CHECK(f.cpu->cr0 & CR0_TS);
	CHECK_EQ(gdt_access(&f, TSS), A_TSS32);
	CHECK_EQ(gdt_access(&f, TSS2), A_TSS32_BUSY);
	CHECK_EQ(peek32(&f, TSS_AT + 0x20), CODE_AT + 7);
	CHECK_EQ(peek32(&f, TSS_AT + 0x28), 42);
	CHECK_EQ(peek16(&f, TSS_AT + 0x4c), CODE0);
	CHECK_EQ(peek16(&f, TSS2_AT), 0); /* no link */
	fixture_end(&f);
}

static void test_call_and_iret(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	enter_protected(&f, 0);
	f.cpu->regs[EBX] = 0xb0b0;
	far_code(&f, 0x9a, TSS2);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, TARGET_AT);
	CHECK(f.cpu->eflags & FL_NT);
	CHECK_EQ(peek16(&f, TSS2_AT), TSS);
	CHECK_EQ(gdt_access(&f, TSS), A_TSS32_BUSY);
	CHECK_EQ(gdt_access(&f, TSS2), A_TSS32_BUSY);
	poke8(&f, TARGET_AT, 0xcf);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 7);
	CHECK_EQ(f.cpu->regs[EBX], 0xb0b0);
	CHECK_EQ(f.cpu->tr.selector, TSS);
	CHECK_EQ(gdt_access(&f, TSS), A_TSS32_BUSY);
	CHECK_EQ(gdt_access(&f, TSS2), A_TSS32);
	CHECK_EQ(peek32(&f, TSS2_AT + 0x24) & FL_NT, 0);
	CHECK_EQ(peek32(&f, TSS2_AT + 0x20), TARGET_AT + 1);
	CHECK(!(f.cpu->eflags & FL_NT));
	fixture_end(&f);
}

static void test_task_gate(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	set_gate(&f, GDT_AT + GATE, TSS2, 0, A_TASK | A_DPL(3), 0);
	enter_protected(&f, 3);
	far_code(&f, 0x9a, GATE);
	step_one(&f);
	CHECK_EQ(f.cpu->tr.selector, TSS2);
	CHECK_EQ(f.cpu->cpl, 0);
	fixture_end(&f);
}

/* A fault through a task gate: error code on the new stack, RF in the old TSS. */
static void test_fault_task(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	set_idt(&f, VEC_GP, TSS2, 0, A_TASK);
	enter_protected(&f, 3);
	CODE(&f, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->tr.selector, TSS2);
	CHECK_EQ(f.cpu->eip, TARGET_AT + 1);
	CHECK_EQ(f.cpu->regs[ESP], TASK_STACK - 4);
	CHECK_EQ(peek32(&f, TASK_STACK - 4), 0);
	CHECK_EQ(peek32(&f, TSS_AT + 0x20), CODE_AT);
	CHECK(peek32(&f, TSS_AT + 0x24) & FL_RF);
	fixture_end(&f);
}

/* 32 to 16 bits and back. */
static void test_16_bit(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task16(&f);
	enter_protected(&f, 0);
	f.cpu->regs[ECX] = 0x87654321;
	far_code(&f, 0x9a, TSS16);
	step_one(&f);
	CHECK_EQ(f.cpu->tr.selector, TSS16);
	CHECK_EQ(f.cpu->eip, 0);
	CHECK_EQ(f.cpu->seg[CS].base, TARGET_AT);
	CHECK_EQ(f.cpu->regs[ECX] & 0xffff, 0x201);
	CHECK_EQ(f.cpu->regs[ESP] & 0xffff, 0x7000);
	CHECK_EQ(f.cpu->seg[FS].selector, 0);
	CHECK_EQ(gdt_access(&f, TSS16), A_TSS16 | 2);
	CHECK_EQ(peek16(&f, TSS16_AT), TSS);
	poke8(&f, TARGET_AT, 0xcf);
	step_one(&f);
	CHECK_EQ(f.cpu->tr.selector, TSS);
	CHECK_EQ(f.cpu->regs[ECX], 0x87654321);
	CHECK_EQ(peek16(&f, TSS16_AT + 0x0e), 1);
	CHECK_EQ(gdt_access(&f, TSS16), A_TSS16);
	fixture_end(&f);
}

static void test_to_v86(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	poke32(&f, TSS2_AT + 0x24, FL_1 | FL_VM | FL_IOPL);
	poke32(&f, TSS2_AT + 0x20, 0x20);
	for (unsigned i = 0; i < 6; i++)
		poke16(&f, TSS2_AT + 0x48 + 4 * i, (uint16_t)(0x1000 + i));
	enter_protected(&f, 0);
	far_code(&f, 0xea, TSS2);
	step_one(&f);
	CHECK(v86_mode(f.cpu));
	CHECK_EQ(f.cpu->cpl, 3);
	CHECK_EQ(f.cpu->seg[GS].base, 0x10050);
	CHECK_EQ(f.cpu->seg[CS].limit, 0xffff);
	fixture_end(&f);
}

static void test_debug_trap(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	poke16(&f, TSS2_AT + 0x64, 1);
	enter_protected(&f, 0);
	far_code(&f, 0xea, TSS2);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(pushed(&f, 0), TARGET_AT);
	CHECK(f.cpu->dr[6] & DR6_BT);
	fixture_end(&f);
}

/* Before the switch: the fault belongs to the old task. */
static void test_old_task_faults(void)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	set_gdt(&f, TSS2, TSS2_AT, 0x66, A_TSS32, 0);
	enter_protected(&f, 0);
	far_code(&f, 0xea, TSS2);
	EXPECT_FAULT(&f, VEC_TS, TSS2);
	CHECK_EQ(f.cpu->tr.selector, TSS);
	CHECK_EQ(gdt_access(&f, TSS), A_TSS32_BUSY);
	set_gdt(&f, TSS2, TSS2_AT, 0x67, A_TSS32 & 0x7f, 0);
	enter_protected(&f, 0);
	EXPECT_FAULT(&f, VEC_NP, TSS2);
	/* IRET to a task that is not busy */
	enter_protected(&f, 0);
	f.cpu->eflags |= FL_NT;
	poke16(&f, TSS_AT, TSS16);
	CODE(&f, 0xcf);
	EXPECT_FAULT(&f, VEC_TS, TSS16);
	fixture_end(&f);
}

/* After it: to the new one, EIP at its first instruction. */
static void expect_new_task_fault(unsigned field, uint16_t value, int vector, uint32_t error)
{
	struct fixture f;

	fixture_start(&f);
	fill_task32(&f, 0);
	poke16(&f, TSS2_AT + field, value);
	/* A handler that has a stack of its own whatever SS became. */
	fill_task16(&f);
	set_idt(&f, (unsigned)vector, TSS16, 0, A_TASK);
	enter_protected(&f, 0);
	far_code(&f, 0xea, TSS2);
	run(&f);
	CHECK_EQ(f.cpu->tr.selector, TSS16);
	CHECK_EQ(pushed16(&f, 0), error);
	CHECK_EQ(peek32(&f, TSS2_AT + 0x20), TARGET_AT);
	CHECK_EQ(peek16(&f, TSS2_AT + field), value); /* LDT too: never written */
	fixture_end(&f);
}

static void test_new_task_faults(void)
{
	expect_new_task_fault(0x60, DATA0, VEC_TS, DATA0); /* LDT */
	expect_new_task_fault(0x60, 0x0c, VEC_TS, 0x0c);   /* LDT in the LDT */
	expect_new_task_fault(0x4c, 0, VEC_TS, 0);	   /* CS */
	expect_new_task_fault(0x4c, DATA0, VEC_TS, DATA0);
	expect_new_task_fault(0x4c, ABSENT_CODE, VEC_NP, ABSENT_CODE);
	expect_new_task_fault(0x50, DATA3, VEC_TS, DATA3 & ~3); /* SS */
	expect_new_task_fault(0x50, ABSENT_DATA, VEC_SS, ABSENT_DATA);
	expect_new_task_fault(0x54, EXEC_ONLY, VEC_TS, EXEC_ONLY); /* DS */
	expect_new_task_fault(0x54, ABSENT_DATA, VEC_NP, ABSENT_DATA);
	expect_new_task_fault(0x5c, 0x7f8, VEC_TS, 0x7f8); /* GS */
}

UNIT_MAIN("tasks", {"jump", test_jump}, {"call and iret", test_call_and_iret},
	  {"task gate", test_task_gate}, {"fault task", test_fault_task}, {"16 bits", test_16_bit},
	  {"to virtual-8086", test_to_v86}, {"T bit", test_debug_trap},
	  {"faults of the old task", test_old_task_faults},
	  {"faults of the new task", test_new_task_faults})
