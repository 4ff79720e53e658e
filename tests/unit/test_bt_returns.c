/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls and returns on the host's stack, blocks that go on behind calls, and
 * REP on addresses in the window: whatever the guest does with its stack and
 * its code, it has to come out as with the interpreter.
 */
#include <signal.h>
#include <sys/time.h>

#include "bt/bt_internal.h"
#include "cpu_fixture.h"

#define HLT 0xf4
#define RET 0xc3

static void start(struct fixture *f, bool translated)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start(f);
	config.verify = true;
	config.check = 1;
	if (translated)
		CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
	enter_protected(f, 0);
	cpu_mode_changed(f->cpu);
}

/* ---- where returns go ---- */
static void test_other_target(void)
{
	struct fixture f;

	start(&f, true);
	/* call f; hlt; mov eax,7; hlt; f: add dword [esp],1; ret */
	CODE(&f, 0xe8, 0x07, 0, 0, 0, HLT, 0xb8, 7, 0, 0, 0, HLT, 0x83, 0x04, 0x24, 1, RET);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 7);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP);
	fixture_end(&f);
}

/* More returns than calls: the host's stack is empty each time. */
static void test_no_call(void)
{
	struct fixture f;

	start(&f, true);
	/* mov ecx,5; again: push next; ret; next: dec ecx; jnz again; hlt */
	CODE(&f, 0xb9, 5, 0, 0, 0, 0x68, CODE_AT & 0xff, (uint8_t)((CODE_AT + 11) >> 8),
	     CODE_AT >> 16, 0, RET, 0x49, 0x75, 0xf7, HLT);
	poke8(&f, CODE_AT + 6, (CODE_AT + 11) & 0xff);
	run(&f);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP);
	CHECK(f.cpu->halted);
	fixture_end(&f);
}

/* More calls than the host's stack has room for. */
static void test_deep(void)
{
	struct fixture f;

	start(&f, true);
	f.cpu->regs[ESP] = MEMORY_USED;
	/* mov ecx,20000; call f; hlt; f: inc eax; cmp eax,ecx; je over; call f; over: inc edx; ret */
	CODE(&f, 0xb9, 0x20, 0x4e, 0, 0, 0xe8, 1, 0, 0, 0, HLT, 0x40, 0x39, 0xc8, 0x74, 5, 0xe8,
	     0xf6, 0xff, 0xff, 0xff, 0x42, RET);
	f.cpu->regs[EAX] = f.cpu->regs[EDX] = 0;
	run(&f);
	CHECK_EQ(f.cpu->regs[EDX], 20000);
	CHECK_EQ(f.cpu->regs[ESP], MEMORY_USED);
	CHECK(f.cpu->bt->n.return_overflows >= 2);
	fixture_end(&f);
}

/* The callee writes what is behind the call, in the same block. */
static void test_written_behind(void)
{
	struct fixture f;

	start(&f, true);
	/* call f; mov eax,1; hlt; f: mov byte [CODE_AT+6],2; ret */
	CODE(&f, 0xe8, 6, 0, 0, 0, 0xb8, 1, 0, 0, 0, HLT, 0xc6, 0x05, 0x06, 0, 1, 0, 2, RET);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 2);
	CHECK(f.cpu->bt->n.invalidated > 0);
	fixture_end(&f);
}

/* The callee changes the mode: the block behind the call was translated for another. */
static void test_other_mode(void)
{
	struct fixture f;

	start(&f, true);
	set_gdt(&f, SPARE, DATA_AT, 0xfffff, A_DATA, F_FLAT32);
	poke32(&f, DATA_AT + 4, 0x1234);
	/* call f; mov eax,[4]; hlt; f: mov ecx,SPARE; mov ds,ecx; ret */
	CODE(&f, 0xe8, 6, 0, 0, 0, 0xa1, 4, 0, 0, 0, HLT, 0xb9, SPARE, 0, 0, 0, 0x8e, 0xd9, RET);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x1234);
	fixture_end(&f);
}

/* ---- somebody wants attention ---- */
static struct vcpu *kicked;

static void on_alarm(int sig)
{
	(void)sig;
	vcpu_kick(kicked, PENDING_STOP);
}

/* Functions each of which calls the next one twice: 2 ** 60 calls, none of them backwards. */
static void test_tree_of_calls(void)
{
	static const struct itimerval soon = {.it_value = {.tv_usec = 200000}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK}, old;
	static const uint8_t twice[] = {0xe8, 6, 0, 0, 0, 0xe8, 1, 0, 0, 0, RET};
	struct fixture f;

	start(&f, true);
	f.cpu->bt->config.check = 0; /* all is translated long before the alarm */
	for (unsigned i = 0; i < 60; i++)
		poke(&f, CODE_AT + i * sizeof(twice), twice, sizeof(twice));
	poke8(&f, CODE_AT + 60 * sizeof(twice), RET);
	kicked = f.cpu;
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	run(&f);
	sigaction(SIGALRM, &old, NULL);
	CHECK(!f.cpu->halted);
	CHECK(atomic_load(&f.cpu->pending) & PENDING_STOP);
	CHECK_EQ(f.cpu->bt->n.exit_poll, 1); /* and not at an exit that was never taken before */
	fixture_end(&f);
}

/* ---- REP ---- */
#define TABLES_AT 0x100000u
#define SOURCE_AT 0x50000u
#define ABSENT_AT 0x61000u

/* Paging, every page where it is, but for the one at ABSENT_AT. */
static void page(struct fixture *f)
{
	for (unsigned i = 0; i < 1024; i++)
		physmem_write(f->mem, TABLES_AT + PAGE_SIZE + 4 * i,
			      i * PAGE_SIZE | (i * PAGE_SIZE != ABSENT_AT) | 2, 4);
	physmem_write(f->mem, TABLES_AT, (TABLES_AT + PAGE_SIZE) | 3, 4);
	f->cpu->cr3 = TABLES_AT;
	f->cpu->cr0 |= CR0_PG;
	tlb_flush(f->cpu, true);
	cpu_mode_changed(f->cpu);
}

struct rep {
	uint32_t ecx, esi, edi;
	bool backward;
	uint8_t code[4];
};

static const struct rep reps[] = {
    {300, SOURCE_AT + 1, DATA_AT, false, {0xf3, 0xa5, HLT}},
    {5000, SOURCE_AT, DATA_AT + 3, false, {0xf3, 0xa4, HLT}},
    {700, SOURCE_AT, DATA_AT + 6, false, {0x66, 0xf3, 0xa5, HLT}},
    {40, SOURCE_AT, SOURCE_AT + 4, false, {0xf3, 0xa5, HLT}}, /* over itself */
    {2000, 0, DATA_AT, false, {0xf3, 0xab, HLT}},
    {2000, 0, DATA_AT + 1, false, {0xf3, 0xaa, HLT}},
    {300, SOURCE_AT + 1200, DATA_AT + 1200, true, {0xf3, 0xa5, HLT}},
    {66000, SOURCE_AT - 0x40000, SOURCE_AT - 0x3fff0, false, {0xf3, 0xa4, HLT}},
    {2000, SOURCE_AT, ABSENT_AT - 30, false, {0xf3, 0xa5, HLT}}, /* a fault on the way */
    {2000, SOURCE_AT, ABSENT_AT - 31, false, {0xf3, 0xa4, HLT}},
    {100, ABSENT_AT - 24, DATA_AT, false, {0xf3, 0xa5, HLT}},
    {100, 0, ABSENT_AT - 24, false, {0xf3, 0xab, HLT}},
    {60, SOURCE_AT, 0xffffff80, false, {0xf3, 0xa5, HLT}}, /* around the end, into nothing */
    {2000, SOURCE_AT, TABLES_AT + PAGE_SIZE + 0x800, false, {0xf3, 0xaa, HLT}}, /* tables */
    /* Comparisons: until something is found or differs, until the end, a fault on the way. */
    {UINT32_MAX, 0, SOURCE_AT, false, {0xf2, 0xae, HLT}},
    {200, 0, SOURCE_AT, false, {0xf2, 0xaf, HLT}},
    {500, 0, DATA_AT, false, {0x66, 0xf3, 0xaf, HLT}},
    {0, 0, SOURCE_AT, false, {0xf2, 0xae, HLT}},
    {500, 0, SOURCE_AT + 400, true, {0xf2, 0xae, HLT}},
    {2000, 0, ABSENT_AT - 31, false, {0xf2, 0xae, HLT}},
    {900, SOURCE_AT, SOURCE_AT + 256, false, {0xf3, 0xa6, HLT}},
    {0x2000, SOURCE_AT, SOURCE_AT + 256, false, {0xf3, 0xa7, HLT}},
    {900, SOURCE_AT + 4, SOURCE_AT, true, {0xf2, 0xa6, HLT}},
    {2000, SOURCE_AT, ABSENT_AT - 30, false, {0x66, 0xf2, 0xa7, HLT}},
    {2000, ABSENT_AT - 1, DATA_AT, false, {0xf2, 0xa6, HLT}},
    {0, SOURCE_AT, DATA_AT, false, {0xf3, 0xa6, HLT}},
};

static void run_rep(struct fixture *f, bool translated, const struct rep *r)
{
	start(f, translated);
	for (unsigned i = 0; i < 0x2000; i++)
		f->ram[SOURCE_AT + i] = (uint8_t)(i * 7);
	page(f);
	poke(f, CODE_AT, r->code, sizeof(r->code));
	f->cpu->regs[EAX] = 0x01020303;
	f->cpu->regs[ECX] = r->ecx;
	f->cpu->regs[ESI] = r->esi;
	f->cpu->regs[EDI] = r->edi;
	f->cpu->eflags |= r->backward ? FL_DF : 0;
	f->cpu->halted = false;
	f->cpu->fuel = 1000000; /* an element costs one */
	vcpu_run(f->cpu);
}

static void test_rep(void)
{
	static uint8_t before[MEMORY_USED];

	for (size_t i = 0; i < sizeof(reps) / sizeof(reps[0]); i++) {
		struct fixture a, b;
		bool same;

		run_rep(&a, false, &reps[i]);
		memcpy(before, a.ram, MEMORY_USED);
		run_rep(&b, true, &reps[i]);
		same = !memcmp(a.cpu->regs, b.cpu->regs, sizeof(a.cpu->regs)) &&
		       a.cpu->eip == b.cpu->eip && a.cpu->cr2 == b.cpu->cr2 &&
		       !((a.cpu->eflags ^ b.cpu->eflags) & FL_ARITH) &&
		       !memcmp(before, b.ram, MEMORY_USED);
		CHECK(same);
		if (!same)
			fprintf(stderr, "rep %zu: ecx %x and %x, esi %x and %x, edi %x and %x\n", i,
				a.cpu->regs[ECX], b.cpu->regs[ECX], a.cpu->regs[ESI],
				b.cpu->regs[ESI], a.cpu->regs[EDI], b.cpu->regs[EDI]);
		fixture_end(&a);
		fixture_end(&b);
	}
}

/* The interpreter sees nothing but the HLT: MOVS is the host's, SCAS and CMPS are loops. */
static void test_rep_is_translated(void)
{
	for (size_t i = 0; i < sizeof(reps) / sizeof(reps[0]); i++) {
		bool compares = (reps[i].code[1] & 0xf6) == 0xa6;
		struct fixture f;

		if (i && !(compares && reps[i].ecx < 1000))
			continue;
		run_rep(&f, true, &reps[i]);
		CHECK_EQ(f.cpu->bt->n.slow_insns, 1);
		fixture_end(&f);
	}
}

/* From 4 MiB on every page is the same one, of zeros. */
static void page_same(struct fixture *f)
{
	page(f);
	for (unsigned i = 0; i < 1024; i++)
		physmem_write(f->mem, TABLES_AT + 2 * PAGE_SIZE + 4 * i, DATA_AT | 3, 4);
	for (unsigned i = 1; i < 1024; i++)
		physmem_write(f->mem, TABLES_AT + 4 * i, (TABLES_AT + 2 * PAGE_SIZE) | 3, 4);
	tlb_flush(f->cpu, true);
}

/* A long search is left when somebody wants attention, and can go on. */
static void test_long_search(void)
{
	static const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK}, old;
	struct fixture f;

	start(&f, true);
	page_same(&f);
	CODE(&f, 0xf2, 0xae, HLT);
	f.cpu->regs[EAX] = 1;
	f.cpu->regs[EDI] = 1 << 22;
	f.cpu->regs[ECX] = UINT32_MAX - (1 << 22);
	kicked = f.cpu;
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	run(&f);
	sigaction(SIGALRM, &old, NULL);
	CHECK(atomic_load(&f.cpu->pending) & PENDING_STOP);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	CHECK_EQ(f.cpu->regs[EDI] + f.cpu->regs[ECX], UINT32_MAX);
	CHECK(f.cpu->regs[ECX]);
	fixture_end(&f);
}

UNIT_MAIN("bt_returns", {"other target", test_other_target}, {"no call", test_no_call},
	  {"deep", test_deep}, {"written behind", test_written_behind},
	  {"other mode", test_other_mode}, {"tree of calls", test_tree_of_calls},
	  {"rep", test_rep}, {"rep is translated", test_rep_is_translated},
	  {"long search", test_long_search})
