/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls whose SYSENTER, SYSEXIT or IRET and loads of FS translated code does by what it has
 * noted (bt/crossing.h): the guest changes, halfway, something that they depend on, and all
 * goes on as with the interpreter. And RDTSC in place.
 */
#include <x86intrin.h>

#include "bt/bt_internal.h"
#include "cpu/msr.h"
#include "cpu_fixture.h"

#define CALLS	   200
#define DIRECTORY  0x50000u
#define TABLE	   0x51000u
#define OTHER_CODE 0x60000u /* for the page at CODE_AT: adds 7 where that does nothing */
#define FLAGS_AT   (DATA_AT + 0x40) /* for IRET */
#define CS_AT	   (DATA_AT + 0x44)
#define SPARE_CODE (SPARE + 8) /* as CODE3 */
#define KERNEL	   TARGET_AT
#define KERNEL2	   0x14000u
#define ALL	   7u /* PTE: present, writable, user */

/*
 * EDI counts down, ESI adds up: mov ebp,esp; mov eax,gs:[DATA_AT+1]; add esi,eax; nop;
 * nop; nop; add esi,[DATA_AT]; cmp edi,CALLS/4; jne on; cli; on: sysenter; back: dec edi;
 * jne CODE_AT; hlt
 */
static const uint8_t user[] = {
	0x89, 0xe5, 0x65, 0xa1, LE32(DATA_AT + 1), 0x01, 0xc6, 0x90, 0x90, 0x90, 0x03, 0x35,
	LE32(DATA_AT), 0x81, 0xff, LE32(CALLS / 4), 0x75, 0x01, 0xfa, 0x0f, 0x34, 0x4f, 0x75,
	0xdf, 0xf4,
};
#define FILLER 10u
#define BACK   (CODE_AT + 30)

/*
 * mov eax,SPARE; mov fs,eax; add esi,fs:[0]; add esi,esp; mov eax,cs; add esi,eax; cmp
 * edi,CALLS/2; jne on; (the change); on:
 */
static const uint8_t kernel[] = {
	0xb8, LE32(SPARE), 0x8e, 0xe0, 0x64, 0x03, 0x35, LE32(0), 0x01, 0xe6, 0x8c, 0xc8,
	0x01, 0xc6, 0x81, 0xff, LE32(CALLS / 2), 0x75,
};
/* xor eax,eax; mov fs,eax, or push 0; pop fs; mov edx,BACK; mov ecx,ebp; sysexit */
static const uint8_t leave_by_mov[] = {
	0x31, 0xc0, 0x8e, 0xe0, 0xba, LE32(BACK), 0x89, 0xe9, 0x0f, 0x35,
};
static const uint8_t leave_by_pop[] = {
	0x6a, 0x00, 0x0f, 0xa1, 0xba, LE32(BACK), 0x89, 0xe9, 0x0f, 0x35,
};

/* push DATA3; push ebp; push [FLAGS_AT]; push [CS_AT]; push BACK; xor eax,eax; mov fs,eax; iret */
static const uint8_t leave_by_iret[] = {
	0x6a, DATA3, 0x55, 0xff, 0x35, LE32(FLAGS_AT), 0xff, 0x35, LE32(CS_AT), 0x68, LE32(BACK),
	0x31, 0xc0, 0x8e, 0xe0, 0xcf,
};
static const struct leave {
	const uint8_t *code;
	unsigned size;
} leaves[] = {
	{leave_by_mov, sizeof(leave_by_mov)},
	{leave_by_pop, sizeof(leave_by_pop)},
	{leave_by_iret, sizeof(leave_by_iret)},
};
#define LEAVES (sizeof(leaves) / sizeof(leaves[0]))

#define WRMSR(msr, value) 0xb9, LE32(msr), 0xb8, LE32(value), 0x31, 0xd2, 0x0f, 0x30
#define POPF(value)	  0x68, LE32(value), 0x9d
#define FRAME(value)	  0xc7, 0x05, LE32(FLAGS_AT), LE32(value)
#define FRAME_CS(value)	  0xc7, 0x05, LE32(CS_AT), LE32(value)
#define GDT_BYTE(n, v)	  0xc6, 0x05, LE32(GDT_AT + (n)), v

static const struct change {
	const char *what;
	unsigned size;
	uint8_t code[32];
} changes[] = {
	{"nothing", 0, {0}},
	{"base of FS", 9, {0x66, 0xc7, 0x05, LE32(GDT_AT + SPARE + 2), 0x00, 0x01}},
	{"FS absent", 7, {GDT_BYTE(SPARE + 5, A_DATA & 0x7f)}},
	{"SS absent", 7, {GDT_BYTE((DATA3 & ~3u) + 5, (A_DATA | A_DPL(3)) & 0x7f)}},
	{"CS of ring 0", 7, {GDT_BYTE((CODE3 & ~3u) + 5, A_CODE)}},
	{"CS short", 7, {GDT_BYTE((CODE3 & ~3u) + 6, F_BYTE32 << 4)}},
	{"limit of the GDT", 7, {0x0f, 0x01, 0x15, LE32(DATA_AT + 0x20)}}, /* lgdt */
	{"GS null", 4, {0x31, 0xc0, 0x8e, 0xe8}},
	{"DS", 5, {0x6a, READ_ONLY, 0x1f, 0x90, 0x90}}, /* too short for what ring 3 reads */
	{"SYSENTER_CS", 14, {WRMSR(0x174, CODE1 & ~3u)}},
	{"SYSENTER_CS null", 14, {WRMSR(0x174, 0)}},
	{"SYSENTER_ESP", 14, {WRMSR(0x175, STACK0_TOP - 0x100)}},
	{"SYSENTER_EIP", 14, {WRMSR(0x176, KERNEL2)}},
	{"IOPL", 6, {POPF(FL_IOPL | 2)}},
	{"AC", 6, {POPF(FL_AC | 2)}},
	{"IF", 6, {POPF(FL_IF | 2)}},
	{"DS of ring 0", 3, {0x6a, DATA0, 0x1f}}, /* which IRET takes away */
	{"interrupt", 2, {0xe6, 0x80}}, /* by whoever is at that port; IRET lets it in */
	{"frame's CS", 10, {FRAME_CS(SPARE_CODE | 3)}},
	{"NT", 6, {POPF(FL_NT | 2)}},
	{"frame's IOPL", 10, {FRAME(FL_IOPL | 2)}},
	{"frame's AC", 10, {FRAME(FL_AC | 2)}},
	{"frame's TF", 10, {FRAME(FL_TF | 2)}},
	{"frame's NT", 10, {FRAME(FL_NT | 2)}},
	{"frame's VM", 10, {FRAME(FL_VM | 2)}},
	{"frame's DF and ID", 10, {FRAME(FL_DF | FL_ID | 2)}},
	{"frame's flags clear", 10, {FRAME(2)}},
	{"CR3", 6, {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8}},
	{"page of code", 17, /* mov [pte],...; invlpg [CODE_AT] */
	 {0xc7, 0x05, LE32(TABLE + CODE_AT / PAGE_SIZE * 4), LE32(OTHER_CODE | ALL), 0x0f, 0x01,
	  0x3d, LE32(CODE_AT)}},
	{"DR7", 14, /* a breakpoint where SYSEXIT leads */
	 {0xb8, LE32(BACK), 0x0f, 0x23, 0xc0, 0x6a, 0x01, 0x58, 0x0f, 0x23, 0xf8}},
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static void poke_kernel(struct fixture *f, uint32_t at, const struct change *c,
			const struct leave *leave)
{
	poke(f, at, kernel, sizeof(kernel));
	at += sizeof(kernel);
	poke8(f, at++, (uint8_t)c->size);
	poke(f, at, c->code, c->size);
	at += c->size;
	poke(f, at, leave->code, leave->size);
}

static void interrupt(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct fixture *f = opaque;

	f->next_vector = 0x40;
	vcpu_set_intr(f->cpu, 1);
}

static const struct vcpu_ops interrupt_ops = {.port_read = fixture_port_read,
					      .port_write = interrupt,
					      .acknowledge = fixture_acknowledge,
					      .tsc = fixture_tsc,
					      .shutdown = fixture_shutdown};

static bool is_user(uint32_t a)
{
	return a == CODE_AT || a == DATA_AT || (a < STACK3_TOP && a >= STACK3_TOP - PAGE_SIZE);
}

static void start(struct fixture *f, const struct change *c, const struct leave *leave)
{
	struct vcpu *cpu;

	fixture_start(f);
	cpu = f->cpu;
	cpu->ops = &interrupt_ops;
	set_gdt(f, SPARE_CODE, 0, 0xfffff, A_CODE | A_DPL(3) | 1, F_FLAT32);
	set_gdt(f, SPARE, DATA_AT, 0xfffff, A_DATA | 1, F_FLAT32);
	for (uint32_t a = 0; a < 0x400000; a += PAGE_SIZE) /* supervisor windows show U=0 alone */
		poke32(f, TABLE + a / PAGE_SIZE * 4, a | (is_user(a) ? ALL : ALL & ~4u));
	poke32(f, DIRECTORY, TABLE | ALL);
	poke(f, CODE_AT, user, sizeof(user));
	poke(f, OTHER_CODE, user, sizeof(user));
	poke8(f, OTHER_CODE + FILLER, 0x83); /* add esi,7 */
	poke8(f, OTHER_CODE + FILLER + 1, 0xc6);
	poke8(f, OTHER_CODE + FILLER + 2, 7);
	poke_kernel(f, KERNEL, c, leave);
	poke8(f, KERNEL2, 0x46); /* inc esi */
	poke_kernel(f, KERNEL2 + 1, &changes[0], leave);
	poke32(f, DATA_AT, 0x01020304);
	poke32(f, DATA_AT + 0x100, 0x40302010);
	poke32(f, CS_AT, CODE3);
	poke32(f, FLAGS_AT, FL_RF | FL_IF | FL_ARITH | 2);
	poke16(f, DATA_AT + 0x20, SPARE); /* what LGDT loads: SPARE is beyond the limit */
	poke32(f, DATA_AT + 0x22, GDT_AT);
	enter_protected(f, 3);
	cpu->cr3 = DIRECTORY;
	cpu->cr0 |= CR0_PG | CR0_AM | CR0_WP;
	cpu->msr.sysenter_cs = CODE0;
	cpu->msr.sysenter_esp = STACK0_TOP;
	cpu->msr.sysenter_eip = KERNEL;
	cpu->regs[EDI] = CALLS;
	cpu->regs[ESI] = 0;
	cpu_mode_changed(cpu);
	tlb_flush(cpu, true);
}

static void play(struct fixture *f)
{
	f->cpu->fuel = 1000 * CALLS;
	vcpu_run(f->cpu);
	CHECK(f->cpu->halted);
}

static bool same(struct fixture *a, struct fixture *b)
{
	bool fine = true;

	fine &= vector_taken(a) == vector_taken(b);
	fine &= !memcmp(a->cpu->regs, b->cpu->regs, sizeof(a->cpu->regs));
	fine &= a->cpu->eip == b->cpu->eip && a->cpu->eflags == b->cpu->eflags;
	fine &= a->cpu->cpl == b->cpu->cpl && a->cpu->ring3_exits == b->cpu->ring3_exits;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		fine &= !memcmp(&a->cpu->seg[s], &b->cpu->seg[s], sizeof(a->cpu->seg[s]));
	for (unsigned n = 0; n < 6; n++)
		fine &= pushed(a, n) == pushed(b, n);
	return fine;
}

static const struct engine_config settings[] = {
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .windows = true, .verify = true},
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .verify = true},
	{.cache_kib = 1024, .adaptive = true, .windows = true, .verify = true},
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .windows = true, .verify = true,
	 .inject = INJECT_USER_WINDOWS},
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .windows = true, .verify = true,
	 .exact_fuel = true},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static void compare(const struct change *c, const struct engine_config *config,
		    const struct leave *leave)
{
	struct fixture wanted, got;

	start(&wanted, c, leave);
	play(&wanted);
	start(&got, c, leave);
	CU_ASSERT_FATAL(bt_attach(got.cpu, config) == 0);
	tlb_flush(got.cpu, true);
	play(&got);
	if (config->exact_fuel && got.cpu->fuel != wanted.cpu->fuel) {
		CU_FAIL("the interpreter has counted other instructions");
		fprintf(stderr, "%s, way %zu: %lld, should be %lld\n", c->what,
			(size_t)(leave - leaves), (long long)got.cpu->fuel,
			(long long)wanted.cpu->fuel);
	}
	if (!same(&wanted, &got)) {
		CU_FAIL("the interpreter has another result");
		fprintf(stderr, "%s, way %zu, setting %zu: ESI %x, should be %x; EDI %x, %x; vector %d, %d\n",
			c->what, (size_t)(leave - leaves), (size_t)(config - settings), got.cpu->regs[ESI],
			wanted.cpu->regs[ESI], got.cpu->regs[EDI], wanted.cpu->regs[EDI],
			vector_taken(&got), vector_taken(&wanted));
	}
	bt_check(got.cpu);
	fixture_end(&wanted);
	fixture_end(&got);
}

static void test_changes(void)
{
	for (size_t i = 0; i < CHANGES * SETTINGS; i++)
		for (unsigned way = 0; way < LEAVES; way++)
			compare(&changes[i / SETTINGS], &settings[i % SETTINGS], &leaves[way]);
}

/*
 * Ring 0. loop: mov eax,SPARE; mov fs,eax; call f; dec edi; jne on; mov eax,fs:[0]; hlt; on:
 * jmp loop; f: xor eax,eax; mov fs,eax; ret: what comes behind the call is not what was
 * translated for the FS that the call was made with, and the last access has to fault.
 */
static void test_returns(void)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		struct fixture f;

		fixture_start(&f);
		set_gdt(&f, SPARE, DATA_AT, 0xfffff, A_DATA | 1, F_FLAT32);
		CU_ASSERT_FATAL(bt_attach(f.cpu, &settings[i]) == 0);
		enter_protected(&f, 0);
		CODE(&f, 0xb8, LE32(SPARE), 0x8e, 0xe0, 0xe8, LE32(12), 0x4f, 0x75, 0x07, 0x64,
		     0xa1, LE32(0), 0xf4, 0xeb, 0xe8, 0x31, 0xc0, 0x8e, 0xe0, 0xc3);
		f.cpu->regs[EDI] = CALLS;
		play(&f);
		CHECK_EQ(vector_taken(&f), VEC_GP);
		CHECK_EQ(pushed(&f, 1), CODE_AT + 15);
		fixture_end(&f);
	}
}

/* The first few, what the handler does, and nothing for each call. */
static void test_in_place(void)
{
	for (unsigned way = 0; way < LEAVES; way++) {
		struct fixture f;

		start(&f, &changes[0], &leaves[way]);
		CU_ASSERT_FATAL(bt_attach(f.cpu, &settings[0]) == 0);
		tlb_flush(f.cpu, true);
		play(&f);
		CHECK(f.cpu->bt->n.slow_insns < CALLS / 4);
		CHECK(f.cpu->bt->n.crossings >= 3 && f.cpu->bt->n.crossings < CALLS / 4);
		CHECK(f.cpu->ring3_exits > CALLS / 2);
		fixture_end(&f);
	}
}

/* ---- RDTSC ---- */
#define AHEAD 1000000000ull

static uint64_t host_tsc(void *opaque)
{
	return __rdtsc() - AHEAD;
}
static uint64_t host_tsc_offset(void *opaque)
{
	return AHEAD;
}

static void start_tsc(struct fixture *f, struct vcpu_ops *ops, unsigned cpl)
{
	fixture_start(f);
	*ops = *f->cpu->ops;
	ops->tsc = host_tsc;
	ops->tsc_offset = host_tsc_offset;
	f->cpu->ops = ops;
	CU_ASSERT_FATAL(bt_attach(f->cpu, &settings[0]) == 0);
	enter_protected(f, cpl);
	cpu_mode_changed(f->cpu);
}

static uint64_t edx_eax(const struct fixture *f)
{
	return (uint64_t)f->cpu->regs[EDX] << 32 | f->cpu->regs[EAX];
}

/* rdtsc; hlt at CPL 0, and what WRMSR adds. */
static void test_tsc(void)
{
	struct fixture f;
	struct vcpu_ops ops;
	uint64_t before, after;

	start_tsc(&f, &ops, 0);
	f.cpu->msr.tsc_adjust = 0;
	CODE(&f, 0x0f, 0x31, 0xf4);
	before = __rdtsc();
	run(&f);
	after = __rdtsc();
	CHECK(edx_eax(&f) >= before - AHEAD && edx_eax(&f) <= after - AHEAD);
	CHECK_EQ(f.cpu->bt->n.slow_insns, 1); /* HLT */
	/* mov ecx,10h; xor eax,eax; mov edx,12345h; wrmsr; rdtsc; hlt */
	CODE(&f, 0xb9, LE32(0x10), 0x31, 0xc0, 0xba, LE32(0x12345), 0x0f, 0x30, 0x0f, 0x31, 0xf4);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[EDX], 0x12345);
	fixture_end(&f);
}

/* inc ecx; rdtsc; hlt at CPL 3: #GP is HLT's, or with CR4.TSD RDTSC's. */
static void test_tsc_forbidden(void)
{
	for (unsigned tsd = 0; tsd < 2; tsd++) {
		struct fixture f;
		struct vcpu_ops ops;

		start_tsc(&f, &ops, 3);
		f.cpu->cr4 = tsd ? CR4_TSD : ~CR4_TSD & 0x7ffu & f.cpu->cr4;
		CODE(&f, 0x41, 0x0f, 0x31, 0xf4);
		run(&f);
		CHECK_EQ(vector_taken(&f), VEC_GP);
		CHECK_EQ(pushed(&f, 1), tsd ? CODE_AT + 1 : CODE_AT + 3);
		fixture_end(&f);
	}
}

UNIT_MAIN("bt_crossing", {"changes", test_changes}, {"returns", test_returns},
	  {"in place", test_in_place},
	  {"tsc", test_tsc}, {"tsc forbidden", test_tsc_forbidden})
