/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags that the manual leaves undefined: translated code has the host's, and so
 * does the interpreter, or lockstep would find the difference where an exception
 * pushes them. And AC, which translated code does not look at.
 */
#include "bt/bt_internal.h"
#include "cpu_fixture.h"

#define HLT 0xf4

static uint32_t flags_after(bool translated, uint32_t before, bool is_signed)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;
	struct fixture f;
	uint32_t flags;

	fixture_start_model(&f, "host");
	if (translated)
		CU_ASSERT_FATAL(bt_attach(f.cpu, &config) == 0);
	enter_protected(&f, 0);
	f.cpu->eflags |= before;
	f.cpu->regs[EAX] = 0x12345;
	f.cpu->regs[EBX] = 7;
	f.cpu->regs[EDX] = 0;
	/* (i)div ebx; mov ah,0; (i)div bl */
	if (is_signed)
		CODE(&f, 0xf7, 0xfb, 0xb4, 0, 0xf6, 0xfb, HLT);
	else
		CODE(&f, 0xf7, 0xf3, 0xb4, 0, 0xf6, 0xf3, HLT);
	run(&f);
	CHECK_EQ(f.cpu->regs[EDX], 0x12345 % 7);
	flags = f.cpu->eflags & FL_ARITH;
	fixture_end(&f);
	return flags;
}

static void test_divisions(void)
{
	for (unsigned n = 0; n < 2; n++) {
		CHECK_EQ(flags_after(false, 0, n), flags_after(true, 0, n));
		CHECK_EQ(flags_after(false, FL_ARITH, n), flags_after(true, FL_ARITH, n));
	}
}

/* Ring 3 sets AC in front of code that is in the jump cache, and chained, already. */
static void test_alignment_begins(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;
	struct fixture f;

	for (unsigned windows = 0; windows < 2; windows++) {
		fixture_start(&f);
		config.windows = windows;
		CU_ASSERT_FATAL(bt_attach(f.cpu, &config) == 0);
		enter_protected(&f, 3);
		f.cpu->cr0 |= CR0_AM;
		cpu_mode_changed(f.cpu);
		f.cpu->regs[ESI] = DATA_AT + 1;
		f.cpu->regs[ECX] = 8;
		/* again: mov eax,[esi]; call f; dec ecx; jnz again; push AC; popf; jmp again; f: ret */
		CODE(&f, 0x8b, 0x06, 0xe8, 11, 0, 0, 0, 0x49, 0x75, 0xf6, 0x68, 2, 0, 4, 0, 0x9d,
		     0xeb, 0xee, 0xc3);
		run(&f);
		CHECK_EQ(vector_taken(&f), VEC_AC);
		CHECK_EQ(pushed(&f, 1), CODE_AT);
		CHECK_EQ(f.cpu->regs[ECX], 0);
		fixture_end(&f);
	}
}

UNIT_MAIN("bt_flags", {"divisions", test_divisions}, {"alignment", test_alignment_begins})
