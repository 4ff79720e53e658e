/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment loads and limits: SDM 2B MOV, 3A 5.3, 5.5, 5.6, 5.7. */
#include "cpu_fixture.h"

/* mov REG,ax; hlt */
static void load(struct fixture *f, unsigned seg, uint16_t selector)
{
	uint8_t code[] = {0x8e, (uint8_t)(0xc0 | seg << 3), 0xf4};

	poke(f, CODE_AT, code, sizeof(code));
	f->cpu->regs[EAX] = selector;
}

static void check_fault(unsigned cpl, unsigned seg, uint16_t selector, int vector, uint32_t error)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, cpl);
	load(&f, seg, selector);
	EXPECT_FAULT(&f, vector, error);
	fixture_end(&f);
}

static void check_loads(unsigned cpl, unsigned seg, uint16_t selector)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, cpl);
	load(&f, seg, selector);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 2);
	CHECK_EQ(f.cpu->seg[seg].selector, selector);
	fixture_end(&f);
}

static void test_data_checks(void)
{
	check_loads(0, DS, DATA0);
	check_loads(0, DS, CODE0); /* readable code */
	check_loads(0, ES, DATA3);
	check_loads(3, FS, DATA3);
	check_loads(3, GS, CONFORMING); /* whatever its DPL */
	check_loads(3, DS, 0);
	check_loads(0, DS, 3); /* null with an RPL */
	check_fault(0, DS, EXEC_ONLY, VEC_GP, EXEC_ONLY);
	check_fault(3, DS, DATA0, VEC_GP, DATA0);
	check_fault(0, DS, DATA0 | 3, VEC_GP, DATA0); /* RPL > DPL */
	check_fault(0, DS, TSS, VEC_GP, TSS);
	check_fault(0, DS, ABSENT_DATA, VEC_NP, ABSENT_DATA);
	check_fault(0, DS, GDT_ENTRIES * 8, VEC_GP, GDT_ENTRIES * 8);
	check_fault(0, DS, 0x84, VEC_GP, 0x84); /* beyond the LDT */
}

static void test_stack_checks(void)
{
	check_loads(0, SS, DATA0);
	check_loads(3, SS, DATA3);
	check_fault(0, SS, 0, VEC_GP, 0);
	check_fault(0, SS, DATA3, VEC_GP, DATA3 & ~3);
	check_fault(0, SS, READ_ONLY, VEC_GP, READ_ONLY);
	check_fault(0, SS, CODE0, VEC_GP, CODE0);
	check_fault(0, SS, ABSENT_DATA, VEC_SS, ABSENT_DATA);
	check_fault(0, SS, DATA0 | 1, VEC_GP, DATA0);
}

static void test_accessed_bit(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CHECK_EQ(gdt_access(&f, DATA3) & 1, 0);
	load(&f, ES, DATA3);
	step_one(&f);
	CHECK_EQ(gdt_access(&f, DATA3) & 1, 1);
	CHECK(f.cpu->seg[ES].attr & DESC_ACCESSED);
	fixture_end(&f);
}

static void test_ldt(void)
{
	struct fixture f;

	fixture_start(&f);
	set_descriptor(&f, LDT_AT + 8, 0x12345678, 0xff, A_DATA | A_DPL(3), F_FLAT32);
	enter_protected(&f, 3);
	load(&f, ES, 0x0f);
	step_one(&f);
	CHECK_EQ(f.cpu->seg[ES].base, 0x12345678);
	CHECK_EQ(f.cpu->seg[ES].limit, 0xfffff);
	fixture_end(&f);
}

/* mov al,[fs:esi] or mov [fs:esi],al: does it fault? */
static bool access_faults(struct fixture *f, uint32_t offset, bool write)
{
	uint8_t code[] = {0x64, write ? 0x88 : 0x8a, 0x06, 0xf4};

	f->cpu->regs[ESI] = offset;
	f->cpu->eip = CODE_AT;
	poke(f, CODE_AT, code, sizeof(code));
	run(f);
	return vector_taken(f) == VEC_GP;
}

static void test_limits(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	load_descriptor(&f, &f.cpu->seg[FS], READ_ONLY);
	CHECK(!access_faults(&f, 0, false));
	CHECK(!access_faults(&f, 0xff, false));
	CHECK(access_faults(&f, 0x100, false));
	CHECK(access_faults(&f, 0, true)); /* not writable, offset 0 included */
	load_descriptor(&f, &f.cpu->seg[FS], EXEC_ONLY);
	CHECK(access_faults(&f, 0, false));
	CHECK(access_faults(&f, 0, true));
	load_descriptor(&f, &f.cpu->seg[FS], EXPAND_DOWN);
	CHECK(access_faults(&f, 0xfff, false));
	CHECK(!access_faults(&f, 0x1000, false));
	CHECK(!access_faults(&f, 0x70000, true));
	f.cpu->seg[FS].attr &= ~DESC_DB;
	segment_update(&f.cpu->seg[FS]);
	CHECK(!access_faults(&f, 0xffff, false));
	CHECK(access_faults(&f, 0x10000, false));
	f.cpu->seg[FS].attr &= ~DESC_P;
	segment_update(&f.cpu->seg[FS]);
	CHECK(access_faults(&f, 0x2000, false));
	fixture_end(&f);
}

/* Real-mode loads keep the limit that protected mode left. */
static void test_unreal_mode(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	f.cpu->seg[DS].limit = 0xffffffff;
	segment_update(&f.cpu->seg[DS]);
	load(&f, DS, 0x1234);
	step_one(&f);
	CHECK_EQ(f.cpu->seg[DS].base, 0x12340);
	CHECK_EQ(f.cpu->seg[DS].limit, 0xffffffff);
	CHECK_EQ(f.cpu->seg[DS].hi_write, 0xffffffff);
	fixture_end(&f);
}

static void test_v86_load(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_v86(&f, 3);
	f.cpu->seg[DS].limit = 0xffffffff;
	load(&f, DS, 0x4321);
	step_one(&f);
	CHECK_EQ(f.cpu->seg[DS].base, 0x43210);
	CHECK_EQ(f.cpu->seg[DS].limit, 0xffff);
	fixture_end(&f);
}

static void test_push_pop_lds(void)
{
	struct fixture f;
	static const uint8_t pointer[] = {0x78, 0x56, 0x34, 0x12, DATA3, 0};

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[ESI] = DATA_AT;
	poke(&f, DATA_AT, pointer, sizeof(pointer));
	/* push cs; push word ss (66); pop word es (66); lfs ebx,[esi]; hlt */
	CODE(&f, 0x0e, 0x66, 0x16, 0x66, 0x07, 0x0f, 0xb4, 0x1e, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 4);
	CHECK_EQ(pushed(&f, 0), CODE0);
	CHECK_EQ(f.cpu->seg[ES].selector, DATA0);
	CHECK_EQ(f.cpu->regs[EBX], 0x12345678);
	CHECK_EQ(f.cpu->seg[FS].selector, DATA3);
	fixture_end(&f);
}

/* MOV SS: neither interrupt nor single step before the next one is done. */
static void test_stack_load_shadow(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->eflags |= FL_IF;
	f.cpu->regs[EAX] = DATA0;
	f.next_vector = 0x40;
	vcpu_set_intr(f.cpu, 1);
	f.cpu->eflags &= ~FL_IF;
	/* sti; mov ss,ax; nop; nop */
	CODE(&f, 0xfb, 0x8e, 0xd0, 0x90, 0x90, 0xf4);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x40);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 4);
	fixture_end(&f);
}

UNIT_MAIN("segments", {"data checks", test_data_checks}, {"stack checks", test_stack_checks},
	  {"accessed bit", test_accessed_bit}, {"ldt", test_ldt}, {"limits", test_limits},
	  {"unreal mode", test_unreal_mode}, {"virtual-8086 loads", test_v86_load},
	  {"push, pop, lfs", test_push_pop_lds}, {"mov ss shadow", test_stack_load_shadow})
