/* SPDX-License-Identifier: GPL-2.0-or-later */
/* direct/rules.c and direct/verify_page.c: each rule, by what it has to refuse. */
#include "cpu_fixture.h"

#include "direct/direct_internal.h"

/* ---- states ---- */
static void ring3(struct fixture *f)
{
	struct vcpu *cpu = f->cpu;

	enter_protected(f, 3);
	cpu->cr0 |= CR0_PG; /* rules only: nothing is walked */
	cpu->cr4 |= CR4_OSFXSR;
	cpu->eflags = FL_1 | FL_IF;
}

/* Each changes one thing. */
#define CHANGES(X)                                                                                 \
	X(ring0, cpu->cpl = 0)                                                                     \
	X(real_mode, cpu->cr0 &= ~CR0_PE)                                                          \
	X(no_paging, cpu->cr0 &= ~CR0_PG)                                                          \
	X(ts, cpu->cr0 |= CR0_TS)                                                                  \
	X(em, cpu->cr0 |= CR0_EM)                                                                  \
	X(no_osfxsr, cpu->cr4 &= ~CR4_OSFXSR)                                                      \
	X(ferr, cpu->ferr = true)                                                                  \
	X(ignne, cpu->ignne = true)                                                                \
	X(armed, cpu->dr[7] |= 1)                                                                  \
	X(slow, cpu->slow = true)                                                                  \
	X(sti_shadow, cpu->interrupt_shadow = true)                                                \
	X(ss_shadow, cpu->debug_shadow = true)                                                     \
	X(tf, cpu->eflags |= FL_TF)                                                                \
	X(rf, cpu->eflags |= FL_RF)                                                                \
	X(vm86, cpu->eflags |= FL_VM)                                                              \
	X(ac, cpu->eflags |= FL_AC)                                                                \
	X(vif, cpu->eflags |= FL_VIF)                                                              \
	X(vip, cpu->eflags |= FL_VIP)                                                              \
	X(iopl1, cpu->eflags |= 0x1000)                                                            \
	X(iopl3, cpu->eflags |= FL_IOPL)                                                           \
	X(if_clear, cpu->eflags &= ~FL_IF)                                                         \
	X(code16, cpu->seg[CS].attr &= ~DESC_DB)                                                   \
	X(stack16, cpu->seg[SS].attr &= ~DESC_DB)                                                  \
	X(code_unreadable, cpu->seg[CS].attr &= ~DESC_RW)                                          \
	X(code_based, cpu->seg[CS].code_kind = KIND_BASED)                                         \
	X(code_small, cpu->seg[CS].code_kind = KIND_SMALL)                                         \
	X(stack_based, cpu->seg[SS].data_kind = KIND_BASED)                                        \
	X(data_based, cpu->seg[DS].data_kind = KIND_BASED)                                         \
	X(data_checked, cpu->seg[DS].data_kind = KIND_CHECKED)                                     \
	X(extra_based, cpu->seg[ES].data_kind = KIND_BASED)

#define X(name, statement)                                                                         \
	static void name(struct vcpu *cpu)                                                         \
	{                                                                                          \
		statement;                                                                         \
	}
CHANGES(X)
#undef X

static const struct {
	const char *name;
	void (*change)(struct vcpu *cpu);
} changes[] = {
#define X(name, statement) {#name, name},
    CHANGES(X)
#undef X
};

static void test_states(void)
{
	struct fixture f;

	fixture_start(&f);
	ring3(&f);
	CHECK(rules_allow(f.cpu));
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct vcpu *cpu = f.cpu;

		ring3(&f);
		cpu->ferr = cpu->ignne = cpu->slow = false;
		cpu->interrupt_shadow = cpu->debug_shadow = false;
		cpu->dr[7] = DR7_ALWAYS;
		CHECK(rules_allow(cpu));
		changes[i].change(cpu);
		if (rules_allow(cpu))
			printf("(%s is allowed) ", changes[i].name);
		CHECK(!rules_allow(cpu));
	}
	f.cpu->cr0 &= ~(CR0_PG | CR0_TS | CR0_EM);
	fixture_end(&f);
}

/* FS and GS may be anything. */
static void test_segments_allowed(void)
{
	struct fixture f;

	fixture_start(&f);
	ring3(&f);
	f.cpu->seg[FS].data_kind = KIND_CHECKED;
	f.cpu->seg[GS].data_kind = KIND_BASED;
	CHECK(rules_allow(f.cpu));
	f.cpu->cr0 &= ~CR0_PG;
	fixture_end(&f);
}

/* ---- pages ---- */
struct code {
	const char *what;
	uint8_t size, bytes[14];
};

static const struct code fits[] = {
    {"mov", 2, {0x89, 0xc8}},
    {"push, pop", 2, {0x50, 0x58}},
    {"ret", 1, {0xc3}},
    {"int 80h", 2, {0xcd, 0x80}},
    {"int3", 1, {0xcc}},
    {"hlt", 1, {0xf4}},
    {"in", 1, {0xec}},
    {"cli", 1, {0xfa}},
    {"mov eax, cr0", 3, {0x0f, 0x20, 0xc0}},
    {"rdmsr", 2, {0x0f, 0x32}},
    {"pushf", 1, {0x9c}},
    {"popf", 1, {0x9d}},
    {"arpl", 2, {0x63, 0xc8}},
    {"fld", 2, {0xd9, 0xe8}},
    {"fnstcw", 3, {0xd9, 0x7c, 0x24}},
    {"movaps", 3, {0x0f, 0x28, 0xc1}},
    {"ud2", 2, {0x0f, 0x0b}},
    {"bsf", 3, {0x0f, 0xbc, 0xc1}},
    {"tzcnt", 4, {0xf3, 0x0f, 0xbc, 0xc1}},
    {"lzcnt", 4, {0xf3, 0x0f, 0xbd, 0xc1}},
    {"mov eax, gs:[0]", 6, {0x65, 0xa1}},
    {"lock cmpxchg8b", 4, {0xf0, 0x0f, 0xc7, 0x08}},
};

static const struct code unfit[] = {
    {"mov eax, cs", 2, {0x8c, 0xc8}},
    {"mov ds, eax", 2, {0x8e, 0xd8}},
    {"push es", 1, {0x06}},
    {"pop ds", 1, {0x1f}},
    {"push fs", 2, {0x0f, 0xa0}},
    {"pop gs", 2, {0x0f, 0xa9}},
    {"les", 2, {0xc4, 0x00}},
    {"lss", 3, {0x0f, 0xb2, 0x00}},
    {"call far", 7, {0x9a, 0, 0, 0, 0, 0x33}},
    {"jmp far", 7, {0xea, 0, 0, 0, 0, 0x33}},
    {"jmp far [eax]", 2, {0xff, 0x28}},
    {"call far [eax]", 2, {0xff, 0x18}},
    {"retf", 1, {0xcb}},
    {"retf 4", 3, {0xca, 4, 0}},
    {"iret", 1, {0xcf}},
    {"int 4", 2, {0xcd, 4}},
    {"into", 1, {0xce}},
    {"int1", 1, {0xf1}},
    {"sysenter", 2, {0x0f, 0x34}},
    {"syscall", 2, {0x0f, 0x05}},
    {"sgdt", 3, {0x0f, 0x01, 0x00}},
    {"sidt", 3, {0x0f, 0x01, 0x08}},
    {"sldt", 3, {0x0f, 0x00, 0xc0}},
    {"str", 3, {0x0f, 0x00, 0xc8}},
    {"smsw", 3, {0x0f, 0x01, 0xe0}},
    {"lar", 3, {0x0f, 0x02, 0xc1}},
    {"lsl", 3, {0x0f, 0x03, 0xc1}},
    {"verr", 3, {0x0f, 0x00, 0xe0}},
    {"verw", 3, {0x0f, 0x00, 0xe8}},
    {"rdpmc", 2, {0x0f, 0x33}},
    {"cpuid", 2, {0x0f, 0xa2}},
    {"rdtsc", 2, {0x0f, 0x31}},
    {"repe loopne", 3, {0xf3, 0xe0, 0x10}},
    {"repne loope", 3, {0xf2, 0xe1, 0x10}},
    {"vzeroupper", 3, {0xc5, 0xf8, 0x77}},
    {"rdrand", 3, {0x0f, 0xc7, 0xf0}},
    {"xgetbv", 3, {0x0f, 0x01, 0xd0}},
    {"rdtscp", 3, {0x0f, 0x01, 0xf9}},
    {"fnstenv", 3, {0xd9, 0x30}},
    {"fldenv", 2, {0xd9, 0x20}},
    {"fnsave", 2, {0xdd, 0x30}},
    {"frstor", 2, {0xdd, 0x20}},
    {"fxsave", 3, {0x0f, 0xae, 0x00}},
    {"fxrstor", 3, {0x0f, 0xae, 0x08}},
};

/* A fresh page each: NOPs, the code in the middle, from which flow is followed. */
static bool page_with(struct fixture *f, const struct code *c, unsigned at, unsigned entry)
{
	static uint8_t page[PAGE_SIZE];

	memset(page, 0x90, sizeof(page));
	memcpy(page + at, c->bytes, c->size);
	poke(f, CODE_AT, page, sizeof(page));
	return page_fit(f->cpu->direct, CODE_AT + entry);
}

static void pages_start_model(struct fixture *f, const char *model)
{
	struct direct *d;

	fixture_start_model(f, model);
	enter_protected(f, 3);
	CHECK_EQ(direct_create(&d, f->cpu, DIRECT_ON), 0);
}

static void pages_start(struct fixture *f)
{
	pages_start_model(f, CPU_MODEL_DEFAULT);
}

static void pages_end(struct fixture *f)
{
	direct_destroy(f->cpu->direct);
	fixture_end(f);
}

/* Written so often, the page would be given up: each case begins with no record. */
static void forget_records(struct fixture *f)
{
	records_destroy(f->cpu->direct);
	f->cpu->direct->record_count = 0;
}

static void check_all(const struct code *codes, unsigned count, bool fit)
{
	struct fixture f;

	pages_start(&f);
	for (unsigned i = 0; i < count; i++) {
		bool is = page_with(&f, &codes[i], 512, 512);

		if (is != fit)
			printf("(%s: %d) ", codes[i].what, is);
		CHECK_EQ(is, fit);
		forget_records(&f);
	}
	pages_end(&f);
}

static void test_fit(void)
{
	check_all(fits, sizeof(fits) / sizeof(fits[0]), true);
}

static void test_unfit(void)
{
	check_all(unfit, sizeof(unfit) / sizeof(unfit[0]), false);
}

/* What the host has fault. */
static void test_faulting(void)
{
	static const struct code cpuid = {"", 2, {0x0f, 0xa2}}, rdtsc = {"", 2, {0x0f, 0x31}};
	struct fixture f;

	for (unsigned n = 0; n < 4; n++) {
		pages_start(&f);
		f.cpu->direct->cpuid_faults = n & 1;
		f.cpu->direct->tsc_faults = n & 2;
		CHECK_EQ(page_with(&f, &cpuid, 512, 512), n & 1);
		forget_records(&f);
		CHECK_EQ(page_with(&f, &rdtsc, 512, 512), n >> 1);
		pages_end(&f);
	}
}

/* What the host has and the guest's processor has not. */
static void test_model(void)
{
	static const struct {
		const char *model;
		struct code code;
	} cases[] = {
		{"486", {"cmov", 3, {0x0f, 0x44, 0xc1}}},
		{"core2", {"tzcnt", 4, {0xf3, 0x0f, 0xbc, 0xc1}}},
		{"core2", {"lzcnt", 4, {0xf3, 0x0f, 0xbd, 0xc1}}},
	};
	struct fixture f;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pages_start_model(&f, cases[i].model);
		CHECK(!page_with(&f, &cases[i].code, 512, 512));
		pages_end(&f);
		pages_start(&f);
		CHECK(page_with(&f, &cases[i].code, 512, 512));
		pages_end(&f);
	}
}

/* Code that the entry does not lead to is seen by the sweep, unless it is no code. */
static void test_sweep(void)
{
	static const struct code behind = {"", 6, {0xc3, 0x90, 0x90, 0x90, 0x8c, 0xc8}},
				 no_code = {"", 6, {0xc3, 0x90, 0x90, 0x90, 0xc5, 0xf8}},
				 hidden = {"", 5, {0xb8, 0x8c, 0xc8, 0x90, 0x90}};
	struct fixture f;

	pages_start(&f);
	CHECK(!page_with(&f, &behind, 512, 512));
	forget_records(&f);
	CHECK(!page_with(&f, &behind, 512, 600));
	forget_records(&f);
	CHECK(page_with(&f, &no_code, 512, 512)); /* undefined, and nothing leads there */
	forget_records(&f);
	CHECK(page_with(&f, &hidden, 512, 512));
	CHECK(!page_fit(f.cpu->direct, CODE_AT + 513)); /* but from there it is code */
	CHECK(!page_fit(f.cpu->direct, CODE_AT + 512)); /* and for good */
	pages_end(&f);
}

/*
 * The page begins in an instruction's middle, and three ways of decoding go on side by side for
 * a hundred bytes: none is the sweep's, though one has more supporters. Then they meet, behind
 * what in that one is PUSH ES.
 */
static void test_sweep_late(void)
{
	/* mov eax, 0b84406b8h or so: also from the second byte, and movzx from the third. */
	static const uint8_t pattern[] = {0xb8, 0xb8, 0x0f, 0xb6, 0x44};
	static uint8_t page[PAGE_SIZE];
	struct fixture f;

	pages_start(&f);
	memset(page, 0x90, sizeof(page));
	for (unsigned i = 0; i < 104; i++)
		page[i] = pattern[(i + 1) % sizeof(pattern)];
	page[104] = 0x06;
	poke(&f, CODE_AT, page, sizeof(page));
	CHECK(page_fit(f.cpu->direct, CODE_AT + 512) != NULL);
	forget_records(&f);
	page[110] = 0x06; /* where they have met */
	poke(&f, CODE_AT, page, sizeof(page));
	CHECK(!page_fit(f.cpu->direct, CODE_AT + 512));
	pages_end(&f);
}

/* A jump into the middle of an instruction is followed. */
static void test_flow(void)
{
	static const struct code jump = {"", 7, {0xeb, 0x01, 0xb8, 0x8c, 0xc8, 0x90, 0x90}},
				 branch = {"", 7, {0x74, 0x01, 0xb8, 0xcb, 0x90, 0x90, 0x90}},
				 call = {"", 10, {0xe8, 1, 0, 0, 0, 0xb8, 0xcf, 0x90, 0x90, 0x90}};
	struct fixture f;

	pages_start(&f);
	CHECK(!page_with(&f, &jump, 512, 512));
	forget_records(&f);
	CHECK(!page_with(&f, &branch, 512, 512));
	forget_records(&f);
	CHECK(!page_with(&f, &call, 512, 512));
	pages_end(&f);
}

/* Two bytes say how long an instruction is, and that it fits, but where they do not. */
static void test_known(void)
{
	static const struct code first[] = {
		{"", 4, {0x8b, 0x04, 0x24, 0xc3}},	 /* mov eax, [esp] */
		{"", 6, {0x66, 0x05, 0x8c, 0xc8, 0xc3}}, /* add ax, 0c88ch */
		{"", 3, {0xcd, 0x05, 0xc3}},		 /* int 5 */
	}, second[] = {
		{"", 8, {0x8b, 0x04, 0x25, 0x8c, 0xc8, 0x8c, 0xc8, 0xc3}}, /* mov eax, [0c88cc88ch] */
		{"", 7, {0x05, 0x8c, 0xc8, 0x8c, 0xc8, 0xc3}},		   /* add eax, 0c88cc88ch */
		{"", 3, {0xcd, 0x05, 0xc3}},
	};
	static const struct code int4 = {"", 2, {0xcd, 0x04}};
	struct fixture f;

	pages_start(&f);
	for (unsigned i = 0; i < 6; i++) {
		CHECK(page_with(&f, i & 1 ? &second[i / 2] : &first[i / 2], 512, 512));
		forget_records(&f);
	}
	CHECK(!page_with(&f, &int4, 512, 512));
	pages_end(&f);
}

/* What is written is looked at again; what is written all the time is not run. */
static void test_written(void)
{
	static const struct code good = {"", 1, {0x90}}, bad = {"", 2, {0x8c, 0xc8}};
	struct fixture f;
	unsigned n = 0;

	pages_start(&f);
	CHECK(page_with(&f, &good, 512, 512));
	direct_code_written(f.cpu->direct, CODE_AT);
	CHECK(!page_with(&f, &bad, 512, 512));
	direct_code_written(f.cpu->direct, CODE_AT);
	while (n < WRITES_MAX + 2 && page_with(&f, &good, 512, 512)) {
		direct_code_written(f.cpu->direct, CODE_AT);
		n++;
	}
	CHECK(n > 2 && n < WRITES_MAX + 2);
	pages_end(&f);
}

UNIT_MAIN("direct_rules", {"states", test_states}, {"FS and GS", test_segments_allowed},
	  {"fit", test_fit}, {"unfit", test_unfit}, {"model", test_model}, {"sweep", test_sweep},
	  {"sweep, late", test_sweep_late}, {"faulting", test_faulting},
	  {"flow", test_flow}, {"known", test_known}, {"written", test_written})
