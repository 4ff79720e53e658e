/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translated loads of DS and ES: only what changes nothing is done in place. */
#include "bt/bt_internal.h"
#include "cpu_fixture.h"

#define LOAD_DS	  0x53, 0x1f /* push ebx; pop ds */
#define MOV_DS_BX 0x8e, 0xdb
#define MOV_ES_AX 0x8e, 0xc0
#define MOV_CL_ES 0x26, 0x8a, 0x08 /* mov cl,es:[eax] */
#define HLT	  0xf4

static void start(struct fixture *f)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start_model(f, "host");
	config.verify = true;
	CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
	enter_protected(f, 0);
	cpu_mode_changed(f->cpu);
	f->cpu->regs[EAX] = 0;
	f->cpu->regs[EBX] = DATA0;
}

static void test_same(void)
{
	struct fixture f;

	start(&f);
	CODE(&f, LOAD_DS, LOAD_DS, LOAD_DS, MOV_DS_BX, HLT);
	run(&f);
	CHECK_EQ(f.cpu->seg[DS].selector, DATA0);
	CHECK_EQ(f.cpu->bt->n.slow_insns, 2); /* the first load; HLT */
	fixture_end(&f);
}

/*
 * A register that real mode has loaded has a selector like any other, but no
 * descriptor: the null selector makes it unusable.
 */
static void test_null_after_real_mode(void)
{
	struct fixture f;

	start(&f);
	f.cpu->seg[ES].selector = 0;
	segment_update(&f.cpu->seg[ES]);
	cpu_mode_changed(f.cpu);
	CODE(&f, LOAD_DS, LOAD_DS, MOV_ES_AX, MOV_CL_ES, HLT);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	fixture_end(&f);
}

UNIT_MAIN("bt_selectors", {"same selector", test_same},
	  {"null selector after real mode", test_null_after_real_mode})
