/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags that the manual leaves undefined: translated code has the host's, and so
 * does the interpreter, or lockstep would find the difference where an exception
 * pushes them.
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

UNIT_MAIN("bt_flags", {"divisions", test_divisions})
