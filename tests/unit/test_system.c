/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control, debug and model-specific registers, flags, ports, descriptor
 * inspection, CPUID models; then seeded chaos: random descriptors, gates, TSSs
 * and system instructions, which nothing may crash.
 */
#include "cpu_fixture.h"

#include "cpu/insn.h"
#include "cpu/msr.h"

/* ---- control registers ---- */
/* mov crN,eax; hlt: does it fault with #GP? */
static bool cr_faults(struct fixture *f, unsigned n, uint32_t value)
{
	uint8_t code[] = {0x0f, 0x22, (uint8_t)(0xc0 | n << 3), 0xf4};

	enter_protected(f, 0);
	poke(f, CODE_AT, code, sizeof(code));
	f->cpu->regs[EAX] = value;
	run(f);
	return vector_taken(f) == VEC_GP;
}

static void test_control_registers(void)
{
	struct fixture f;

	fixture_start(&f);
	CHECK(cr_faults(&f, 0, CR0_PG));
	CHECK(cr_faults(&f, 0, CR0_PE | CR0_NW));
	CHECK(!cr_faults(&f, 0, CR0_PE | CR0_NW | CR0_CD));
	CHECK(!cr_faults(&f, 0, CR0_PE | 0x0ff00000)); /* reserved: ignored */
	CHECK_EQ(f.cpu->cr0, CR0_PE | CR0_ET);
	CHECK(cr_faults(&f, 4, 1u << 11));
	CHECK(cr_faults(&f, 4, 1u << 20));
	CHECK(!cr_faults(&f, 4, 0x7ff));
	CHECK_EQ(f.cpu->cr4, 0x7ff);
	f.cpu->cr4 = 0;
	CHECK(!cr_faults(&f, 3, 0x12345fff));
	CHECK_EQ(f.cpu->cr3, 0x12345018);
	fixture_end(&f);
}

static void test_privilege(void)
{
	static const uint8_t privileged[][3] = {
	    {0xf4},
	    {0x0f, 0x06},
	    {0x0f, 0x08},
	    {0x0f, 0x09},
	    {0x0f, 0x20, 0xc0},
	    {0x0f, 0x22, 0xc0},
	    {0x0f, 0x21, 0xc0},
	    {0x0f, 0x23, 0xc0},
	    {0x0f, 0x30},
	    {0x0f, 0x32},
	    {0x0f, 0x35},
	    {0x0f, 0x00, 0xd0},
	    {0x0f, 0x00, 0xd8},
	    {0x0f, 0x01, 0xf0},
	    {0x0f, 0x01, 0x38},
	    {0x0f, 0x01, 0x10},
	    {0x0f, 0x01, 0x18},
	    {0xfa},
	    {0xfb},
	    {0xec},
	    {0xef},
	};

	for (unsigned i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++) {
		struct fixture f;

		fixture_start(&f);
		enter_protected(&f, 3);
		poke(&f, CODE_AT, privileged[i], 3);
		EXPECT_FAULT(&f, VEC_GP, 0);
		fixture_end(&f);
	}
}

static void test_lmsw_smsw(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 0xfff0 | CR0_TS; /* cannot clear PE */
	CODE(&f, 0x0f, 0x01, 0xf0, 0x0f, 0x01, 0xe3, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->cr0, CR0_PE | CR0_ET | CR0_TS);
	CHECK_EQ(f.cpu->regs[EBX], CR0_PE | CR0_ET | CR0_TS);
	fixture_end(&f);
}

/* 4 MiB pages, identity; CR0.PG at once takes effect, PAE needs valid PDPTEs. */
static void test_paging_switch(void)
{
	struct fixture f;

	fixture_start(&f);
	poke32(&f, 0x60000, 0x83);
	poke32(&f, 0x61000, 0x00000003 | 0x1e0); /* PDPTE with reserved bits */
	enter_protected(&f, 0);
	f.cpu->cr3 = 0x60000;
	f.cpu->cr4 = CR4_PSE;
	f.cpu->regs[EAX] = CR0_PE | CR0_PG;
	CODE(&f, 0x0f, 0x22, 0xc0, 0xa1, 0, 0, 0x40, 0, 0xf4); /* mov eax,[400000h] */
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_PF);
	CHECK_EQ(f.cpu->cr2, 0x400000);
	CHECK_EQ(pushed(&f, 0), 0);
	CHECK_EQ(pushed(&f, 1), CODE_AT + 3);
	f.cpu->cr0 = CR0_PE;
	f.cpu->cr4 = CR4_PAE;
	tlb_flush(f.cpu, true);
	enter_protected(&f, 0);
	f.cpu->cr3 = 0x61000;
	EXPECT_FAULT(&f, VEC_GP, 0);
	CHECK(!(f.cpu->cr0 & CR0_PG));
	fixture_end(&f);
}

/* ---- debug registers ---- */
static void test_debug_registers(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 0xffffffff;
	/* mov dr6,eax; mov ebx,dr4; xor: mov ecx,dr6; mov dr0,eax; hlt */
	CODE(&f, 0x0f, 0x23, 0xf0, 0x0f, 0x21, 0xe3, 0x0f, 0x23, 0xc0, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EBX], 0xffffefff);
	CHECK_EQ(f.cpu->dr[0], 0xffffffff);
	enter_protected(&f, 0);
	f.cpu->cr4 = CR4_DE;
	CODE(&f, 0x0f, 0x21, 0xe3);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_UD);
	fixture_end(&f);
}

/* ---- flags ---- */
static uint32_t popf_result(unsigned cpl, unsigned io_privilege, uint32_t image)
{
	struct fixture f;
	uint32_t result;

	fixture_start(&f);
	enter_protected(&f, cpl);
	f.cpu->eflags = FL_1 | io_privilege << 12;
	f.cpu->regs[ESP] -= 4;
	poke32(&f, f.cpu->regs[ESP], image);
	CODE(&f, 0x9d, 0x90);
	step_one(&f);
	CHECK_EQ(f.cpu->eip, CODE_AT + 1);
	result = f.cpu->eflags;
	fixture_end(&f);
	return result;
}

static void test_popf(void)
{
	uint32_t user = FL_1 | FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID;

	CHECK_EQ(popf_result(0, 0, ~0u), user | FL_IF | FL_IOPL);
	CHECK_EQ(popf_result(3, 0, ~0u), user);
	CHECK_EQ(popf_result(3, 3, ~0u), user | FL_IF | FL_IOPL);
	CHECK_EQ(popf_result(1, 1, 0), FL_1 | 0x1000);
}

/* ---- descriptors seen from outside ---- */
static void test_inspection(void)
{
	static const struct {
		uint16_t selector;
		uint8_t cpl, lar, lsl, verr, verw;
	} cases[] = {
	    {DATA3, 3, 1, 1, 1, 1},
	    {DATA0, 3, 0, 0, 0, 0},
	    {DATA0 | 3, 0, 0, 0, 0, 0},
	    {CODE3, 3, 1, 1, 1, 0},
	    {EXEC_ONLY, 0, 1, 1, 0, 0},
	    {READ_ONLY, 0, 1, 1, 1, 0},
	    {CONFORMING | 3, 3, 1, 1, 1, 0},
	    {0, 0, 0, 0, 0, 0},
	    {0xff8, 0, 0, 0, 0, 0},
	    {TSS, 0, 1, 1, 0, 0},
	    {LDT, 0, 1, 1, 0, 0},
	    {GATE, 0, 1, 0, 0, 0},
	    {GATE2, 0, 0, 0, 0, 0},
	    {ABSENT_DATA, 0, 1, 1, 1, 1},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint8_t op[4][3] = {
		    {0x0f, 0x02, 0xd8}, {0x0f, 0x03, 0xd8}, {0x0f, 0x00, 0xe0}, {0x0f, 0x00, 0xe8}};
		uint8_t expected[4] = {cases[i].lar, cases[i].lsl, cases[i].verr, cases[i].verw};
		struct fixture f;

		fixture_start(&f);
		set_gate(&f, GDT_AT + GATE, CODE0, 0, A_CALL32, 0);
		set_gate(&f, GDT_AT + GATE2, CODE0, 0, A_INT32, 0);
		for (unsigned j = 0; j < 4; j++) {
			enter_protected(&f, cases[i].cpl);
			f.cpu->regs[EAX] = cases[i].selector;
			f.cpu->regs[EBX] = 0x55555555;
			poke(&f, CODE_AT, op[j], 3);
			step_one(&f);
			CHECK_EQ(!!(f.cpu->eflags & FL_ZF), expected[j]);
			if (j < 2 && !expected[j])
				CHECK_EQ(f.cpu->regs[EBX], 0x55555555);
		}
		fixture_end(&f);
	}
}

static void test_lar_lsl_values(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	f.cpu->regs[EAX] = DATA3;
	CODE(&f, 0x0f, 0x02, 0xd8, 0x0f, 0x03, 0xc8);
	step_one(&f);
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EBX], 0x00cff200);
	CHECK_EQ(f.cpu->regs[ECX], 0xffffffff);
	fixture_end(&f);
}

static void test_arpl(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = DATA0;
	f.cpu->regs[EBX] = 3;
	CODE(&f, 0x63, 0xd8);
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EAX], DATA0 | 3);
	CHECK(f.cpu->eflags & FL_ZF);
	f.cpu->eip = CODE_AT;
	f.cpu->regs[EBX] = 1;
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EAX], DATA0 | 3);
	CHECK(!(f.cpu->eflags & FL_ZF));
	fixture_end(&f);
}

static void test_ltr_lldt(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = TSS2;
	CODE(&f, 0x0f, 0x00, 0xd8, 0x0f, 0x00, 0xcb); /* ltr ax; str ebx */
	step_one(&f);
	CHECK_EQ(gdt_access(&f, TSS2), A_TSS32_BUSY);
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EBX], TSS2);
	enter_protected(&f, 0);
	EXPECT_FAULT(&f, VEC_GP, TSS2); /* busy */
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 4;
	CODE(&f, 0x0f, 0x00, 0xd0); /* lldt: in the LDT, which is no null */
	EXPECT_FAULT(&f, VEC_GP, 4);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 0;
	step_one(&f);
	CHECK(!(f.cpu->ldtr.attr & DESC_P));
	fixture_end(&f);
}

/* ---- ports ---- */
static bool in_faults(struct fixture *f, uint16_t port, unsigned size)
{
	enter_protected(f, 3);
	f->cpu->regs[EDX] = port;
	if (size == 1)
		CODE(f, 0xec);
	else if (size == 2)
		CODE(f, 0x66, 0xed);
	else
		CODE(f, 0xed);
	step_one(f);
	return f->cpu->eip == handler(VEC_GP);
}

static void test_io_bitmap(void)
{
	struct fixture f;

	fixture_start(&f);
	poke8(&f, TSS_AT + 0x88 + 0x78 / 8, 0x0f); /* 78h-7Bh denied, 7Ch-7Fh allowed */
	poke8(&f, TSS_AT + 0x88 + 0x80 / 8, 0xfe); /* 80h allowed */
	CHECK(!in_faults(&f, 0x7c, 4));
	CHECK_EQ(f.last_port, 0x7c);
	CHECK_EQ(f.last_size, 4);
	CHECK_EQ(f.cpu->regs[EAX], 0xa5a5a5a5);
	CHECK(!in_faults(&f, 0x7f, 2));
	CHECK(in_faults(&f, 0x80, 2));
	CHECK(!in_faults(&f, 0x80, 1));
	CHECK(in_faults(&f, 0x7b, 1));
	CHECK_EQ(f.reads, 3);
	/* Beyond the TSS's limit. */
	poke16(&f, TSS_AT + 0x66, 0x1000);
	CHECK(in_faults(&f, 0x80, 1));
	fixture_end(&f);
}

static void test_in_keeps_rest(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EAX] = 0x11223344;
	CODE(&f, 0xe4, 0x60, 0xe6, 0xf1, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x112233a5);
	CHECK_EQ(f.last_port, 0xf1);
	CHECK_EQ(f.last_value, 0xa5);
	fixture_end(&f);
}

/* ---- MSRs, TSC, CPUID ---- */
static void test_msrs(void)
{
	struct fixture f;
	uint64_t v;

	fixture_start(&f);
	CHECK(msr_write(f.cpu, 0x277, 0x0007010600070106ull));
	CHECK(!msr_write(f.cpu, 0x277, 0x0000000000000002ull));
	CHECK(msr_read(f.cpu, 0x277, &v) && v == 0x0007010600070106ull);
	CHECK(msr_write(f.cpu, 0x20f, 0xfff000800ull) && msr_read(f.cpu, 0x20f, &v));
	CHECK_EQ(v, 0xfff000800ull);
	CHECK(!msr_write(f.cpu, 0x201, 1ull << 36));
	CHECK(!msr_read(f.cpu, 0x210, &v));
	CHECK(!msr_write(f.cpu, 0xfe, 0)); /* MTRRCAP */
	CHECK(!msr_write(f.cpu, 0xc0000080, 1));
	CHECK(msr_write(f.cpu, 0xc0000080, EFER_NXE));
	CHECK(!msr_read(f.cpu, 0xdeadbeef, &v));
	f.tsc = 1000;
	CHECK(msr_write(f.cpu, 0x10, 5) && msr_read(f.cpu, 0x10, &v));
	CHECK_EQ(v, 5);
	f.tsc = 1100;
	CHECK_EQ(tsc_read(f.cpu), 105);
	fixture_end(&f);
}

static void test_rdtsc(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 3);
	f.tsc = 0x100000005ull;
	CODE(&f, 0x0f, 0x31);
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EAX], 5);
	CHECK_EQ(f.cpu->regs[EDX], 1);
	enter_protected(&f, 3);
	f.cpu->cr4 = CR4_TSD;
	EXPECT_FAULT(&f, VEC_GP, 0);
	fixture_end(&f);
}

static void test_models(void)
{
	for (unsigned n = 0; cpu_model_get(n); n++) {
		const struct cpu_model *m = cpu_model_get(n);
		uint32_t out[4];
		struct fixture f;

		CHECK(cpu_model_find(m->name) == m);
		CHECK(strstr(cpu_model_names(), m->name) != NULL);
		fixture_start_model(&f, m->name);
		CHECK_EQ(f.cpu->regs[EDX], cpu_signature(f.cpu->model));
		cpuid_leaf(f.cpu, 1, 0, out);
		CHECK_EQ(out[0], f.cpu->regs[EDX]);
		CHECK_EQ(out[2] >> 31, 0); /* no hypervisor */
		for (uint32_t leaf = 0; leaf < 0x20; leaf++) {
			cpuid_leaf(f.cpu, leaf, leaf, out);
			cpuid_leaf(f.cpu, 0x80000000 + leaf, 0, out);
		}
		fixture_end(&f);
	}
	CHECK(cpu_model_find("no such") == NULL);
}

static void test_486(void)
{
	static const uint8_t absent[][2] = {{0x0f, 0x31}, {0x0f, 0x32}, {0x0f, 0x34}, {0x0f, 0x33}};

	for (unsigned i = 0; i < 4; i++) {
		struct fixture f;

		fixture_start_model(&f, "486");
		enter_protected(&f, 0);
		poke(&f, CODE_AT, absent[i], 2);
		run(&f);
		CHECK_EQ(vector_taken(&f), VEC_UD);
		fixture_end(&f);
	}
}

static void test_reset_state(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->cr0 &= ~CR0_CD;
	f.cpu->fx.fcw = 0x1234;
	f.cpu->msr.mtrr_def_type = 6;
	vcpu_init_signal(f.cpu);
	CHECK_EQ(f.cpu->eip, 0xfff0);
	CHECK_EQ(f.cpu->seg[CS].base, 0xffff0000);
	CHECK_EQ(f.cpu->cr0, CR0_ET);
	CHECK_EQ(f.cpu->fx.fcw, 0x1234);
	CHECK_EQ(f.cpu->msr.mtrr_def_type, 6);
	vcpu_reset(f.cpu);
	CHECK_EQ(f.cpu->cr0, CR0_ET | CR0_CD | CR0_NW);
	CHECK_EQ(f.cpu->fx.fcw, 0x40);
	CHECK_EQ(f.cpu->msr.mtrr_def_type, 0);
	CHECK_EQ(f.cpu->eflags, FL_1);
	fixture_end(&f);
}

/* ---- chaos ---- */
/* Bytes that begin system instructions; the rest is random. */
static unsigned random_instruction(uint64_t *seed, uint8_t *code)
{
	static const uint8_t one[] = {0x06, 0x07, 0x16, 0x17, 0x1e, 0x1f, 0x63, 0x8c, 0x8e, 0x9a,
				      0x9c, 0x9d, 0xc4, 0xc5, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf,
				      0xe4, 0xe7, 0xea, 0xec, 0xef, 0xf1, 0xf4, 0xfa, 0xfb, 0xff};
	static const uint8_t two[] = {0x00, 0x01, 0x02, 0x03, 0x06, 0x08, 0x20, 0x21, 0x22, 0x23,
				      0x30, 0x31, 0x32, 0x34, 0x35, 0xa0, 0xa1, 0xa2, 0xb2, 0xb4};
	uint64_t r = unit_random(seed);
	unsigned n = 0;

	if (r >> 60 & 1)
		code[n++] = 0x66;
	if (r >> 61 & 1) {
		code[n++] = 0x0f;
		code[n++] = two[r % sizeof(two)];
	} else {
		code[n++] = one[r % sizeof(one)];
	}
	for (unsigned i = 0; i < 6; i++)
		code[n++] = (uint8_t)unit_random(seed);
	return n;
}

static void scramble_tables(struct fixture *f, uint64_t *seed)
{
	for (unsigned i = 0; i < 8; i++) {
		uint64_t r = unit_random(seed);

		/* A byte of the GDT, the IDT, a TSS: often types and selectors. */
		poke8(f, GDT_AT + 8 + r % (GDT_ENTRIES * 8 - 8), (uint8_t)(r >> 32));
		poke8(f, GDT_AT + (r >> 8) % GDT_ENTRIES * 8 + 5, (uint8_t)(r >> 40));
		poke8(f, IDT_AT + (r >> 16) % 256 * 8 + 5, (uint8_t)(r >> 48));
		poke8(f, IDT_AT + (r >> 16) % 256 * 8 + 2, (uint8_t)(r >> 56) & 0xfb);
		poke8(f, TSS2_AT + (r >> 24) % 0x68, (uint8_t)(r >> 50));
		poke8(f, TSS16_AT + (r >> 24) % 0x2c, (uint8_t)(r >> 54));
	}
}

static void enter_random(struct fixture *f, uint64_t *seed)
{
	static const uint8_t levels[] = {0, 0, 1, 3};
	uint64_t r = unit_random(seed);

	vcpu_reset(f->cpu);
	switch (r & 7) {
	case 0:
		enter_real(f);
		break;
	case 1:
		enter_v86(f, r >> 8 & 3);
		break;
	default:
		enter_protected(f, levels[r >> 8 & 3]);
	}
	f->cpu->cr4 = r >> 16 & (CR4_VME | CR4_PVI | CR4_DE | CR4_PSE);
	eflags_set(f->cpu, (uint32_t)(r >> 32), FL_TF | FL_IF | FL_NT | FL_IOPL | FL_AC | FL_ARITH);
	for (unsigned i = 0; i < 8; i++) {
		r = unit_random(seed);
		if (i != ESP || r >> 62 == 0)
			f->cpu->regs[i] = r & 1 ? r >> 8 & 0x1ff : r >> 8 & 0x7ffff;
	}
}

/* What must hold whatever the guest did. */
static void check_state(const struct vcpu *cpu)
{
	if (cpu->cpl > 3 || !(cpu->eflags & FL_1) || (cpu->eflags & FL_VM && cpu->cpl != 3) ||
	    (protected_mode(cpu) && !cpu->halted && !cpu->shutdown && cpu->tr.selector != 0 &&
	     cpu->delivering_ext))
		CU_FAIL("state");
}

static void test_chaos(void)
{
	uint64_t seed = 0x5eed0001;
	struct fixture f;

	fixture_start(&f);
	for (unsigned round = 0; round < 150000; round++) {
		uint8_t code[16];

		if (round % 64 == 0) {
			memset(f.ram, 0, 0x1000);
			for (unsigned v = 0; v < 256; v++)
				set_idt(&f, v, CODE0, handler(v), A_INT32 | A_DPL(3));
			fill_gdt(&f);
			fill_tss(&f);
			memset(f.ram + HANDLERS_AT, 0xf4, 256 * HANDLER_SIZE);
			physmem_written(f.mem, 0, MEMORY_USED);
		}
		scramble_tables(&f, &seed);
		enter_random(&f, &seed);
		for (unsigned i = 0; i < 4; i++)
			poke(&f, CODE_AT + 8 * i, code, random_instruction(&seed, code));
		f.cpu->fuel = 20;
		vcpu_run(f.cpu);
		check_state(f.cpu);
	}
	fixture_end(&f);
}

UNIT_MAIN("system instructions", {"control registers", test_control_registers},
	  {"privilege", test_privilege}, {"lmsw, smsw", test_lmsw_smsw},
	  {"paging switch", test_paging_switch}, {"debug registers", test_debug_registers},
	  {"popf", test_popf}, {"inspection", test_inspection},
	  {"lar, lsl values", test_lar_lsl_values}, {"arpl", test_arpl},
	  {"ltr, lldt", test_ltr_lldt}, {"i/o bitmap", test_io_bitmap},
	  {"in, out", test_in_keeps_rest}, {"msrs", test_msrs}, {"rdtsc", test_rdtsc},
	  {"models", test_models}, {"486", test_486}, {"reset", test_reset_state},
	  {"chaos", test_chaos})
