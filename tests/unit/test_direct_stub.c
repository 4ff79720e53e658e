/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs of the host this runs on: state goes in and comes back, mappings follow
 * the guest's tables. Says why and passes where the host has none.
 */
#include "space_fixture.h"

#include <cpuid.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bt/bt_internal.h"
#include "cpu/fpu.h"
#include "cpu/space_internal.h"
#include "direct/direct_internal.h"

#define FIRST	  32u /* page of the user's first table: the code; then data */
#define CODE_GPA  PAGES_AT
#define DATA_GPA  (PAGES_AT + PAGE_SIZE)
#define OTHER_GPA (PAGES_AT + 2 * PAGE_SIZE)

static bool without_guards, without_faults;
static enum tsc_choice tsc_choice;
static uint64_t random_state = 0x123456789abcdefull;

static uint32_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void write_code(struct world *w, uint32_t gpa, const uint8_t *code, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		physmem_write(w->f.mem, gpa + i, code[i], 1);
}

/* Ring 3 of space 0 with a page of code and one of data. Returns false: no stubs here. */
static bool begin(struct world *w, const uint8_t *code, unsigned size)
{
	struct vcpu *cpu;
	struct direct *d;

	world_start(w, false, 0, 0);
	cpu = w->f.cpu;
	write_code(w, CODE_GPA, code, size);
	entry_write(w, w->table[0][0], FIRST, CODE_GPA | RW_USER);
	entry_write(w, w->table[0][0], FIRST + 1, DATA_GPA | RW_USER);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		load_descriptor(&w->f, &cpu->seg[i], i == CS ? CODE3 : DATA3);
	cpu->cr4 |= CR4_OSFXSR;
	cpu->eflags = FL_1 | FL_IF;
	cpu->eip = user_page(w, 0, FIRST);
	cpu->regs[EBX] = user_page(w, 0, FIRST + 1);
	cpu_set_cpl(cpu, 3);
	CHECK_EQ(direct_create(&d, cpu, DIRECT_ON), 0);
	d->no_guards = without_guards;
	d->no_cpuid_faults = without_faults;
	d->tsc_choice = tsc_choice;
	direct_start(d);
	if (!d->usable)
		printf("(skipped: no direct execution: %s) ", d->missing);
	return d->usable;
}

static void end(struct world *w)
{
	struct direct *d = w->f.cpu->direct;

	mmu_check(w->f.cpu);
	space_disable(w->f.cpu);
	direct_destroy(d);
	fixture_end(&w->f);
}

/* -1: it unwound with a fault. */
static int continue_at(struct world *w, unsigned offset)
{
	struct vcpu *cpu = w->f.cpu;

	cpu->eip = user_page(w, 0, FIRST) + offset;
	if (sigsetjmp(cpu->unwind, 0))
		return -1;
	return (int)direct_run(cpu->direct);
}

/* ---- state ---- */
static void random_fpu(struct fxsave_image *fx)
{
	memset(fx, 0, sizeof(*fx));
	fx->fcw = (uint16_t)(0x37f ^ (rnd() & 0xc00));
	fx->fsw = (uint16_t)(rnd() & 0x7f00);
	fx->ftw = (uint8_t)rnd();
	fx->mxcsr = MXCSR_MASKS | (rnd() & (0x6000 | MXCSR_FLAGS | MXCSR_DAZ | MXCSR_FTZ));
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 10; k++)
			fx->st[i][k] = (uint8_t)rnd();
		for (unsigned k = 0; k < 16; k++)
			fx->xmm[i][k] = (uint8_t)rnd();
	}
}

static void random_state_of(struct vcpu *cpu)
{
	for (unsigned i = 0; i < GPR_ZERO; i++)
		cpu->regs[i] = rnd();
	cpu->eflags = FL_1 | FL_IF | (rnd() & (FL_ARITH | FL_DF | FL_NT | FL_ID));
	random_fpu(&cpu->fx);
}

static void check_fpu(const struct fxsave_image *a, const struct fxsave_image *b)
{
	CHECK_EQ(a->fcw, b->fcw);
	CHECK_EQ(a->fsw, b->fsw);
	CHECK_EQ(a->ftw, b->ftw);
	CHECK_EQ(a->mxcsr, b->mxcsr);
	CHECK(!memcmp(a->st, b->st, sizeof(a->st)));
	CHECK(!memcmp(a->xmm, b->xmm, sizeof(a->xmm)));
}

/* INT 80h: nothing changes, through the host and back. */
static void test_state(void)
{
	static const uint8_t code[] = {0xcd, 0x80};
	struct world w;

	if (begin(&w, code, sizeof(code)))
		for (unsigned n = 0; n < 300; n++) {
			struct vcpu *cpu = w.f.cpu, before;

			random_state_of(cpu);
			cpu->eip = user_page(&w, 0, FIRST);
			before = *cpu;
			CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
			CHECK(!memcmp(cpu->regs, before.regs, sizeof(before.regs)));
			CHECK_EQ(cpu->eip, before.eip);
			CHECK_EQ(cpu->eflags, before.eflags);
			check_fpu(&cpu->fx, &before.fx);
		}
	end(&w);
}

/* QEMU's, as the host's processor: accesses by null selectors do not fault there. */
static bool on_tcg(void)
{
	uint32_t eax, name[3];

	__cpuid(0x40000000, eax, name[0], name[1], name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", sizeof(name));
}

/* FS and GS: a base, or a fault. */
static void segment_bases(bool own_descriptors)
{
	static const uint8_t code[] = {0x65, 0xa1, 4,	 0,    0,    0,	   /* mov eax, gs:[4] */
				       0x64, 0x8b, 0x0d, 8,    0,    0, 0, /* mov ecx, fs:[8] */
				       0xcd, 0x80, 0x65, 0x8b, 0x03, /* 15: mov eax, gs:[ebx] */
				       0xcd, 0x80};
	bool tcg = on_tcg(); /* before CPUID may fault */
	struct world w;

	if (begin(&w, code, sizeof(code))) {
		struct vcpu *cpu = w.f.cpu;

		cpu->direct->own_descriptors |= own_descriptors; /* as without FSGSBASE */
		physmem_write(w.f.mem, DATA_GPA + 0x104, 0x11112222, 4);
		physmem_write(w.f.mem, DATA_GPA + 0x208, 0x33334444, 4);
		cpu->seg[GS].base = cpu->regs[EBX] + 0x100;
		cpu->seg[FS].base = cpu->regs[EBX] + 0x200;
		segment_update(&cpu->seg[GS]);
		segment_update(&cpu->seg[FS]);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 0x11112222);
		CHECK_EQ(cpu->regs[ECX], 0x33334444);
		cpu->seg[GS].limit = 7;
		cpu->seg[GS].attr &= ~DESC_G;
		segment_update(&cpu->seg[GS]);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP); /* in front of the access */
		if (!tcg)
			CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST));
		CHECK_EQ(continue_at(&w, 15), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 15);
	}
	end(&w);
}

static void test_segment_bases(void)
{
	segment_bases(false);
	segment_bases(true);
}

/* ---- mappings ---- */
static const uint8_t read_code[] = {0x8b, 0x03, 0xcd, 0x80, /* 0: mov eax, [ebx]; int 80h */
				    0x89, 0x03, 0xcd, 0x80, /* 4: mov [ebx], eax; int 80h */
				    0x40, 0xeb, 0xfd};	    /* 8: inc eax; jmp */

static void test_mappings(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;
		uint32_t table = w.table[0][0];

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		physmem_write(w.f.mem, OTHER_GPA, 6, 4);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 5);
		CHECK_EQ(entry_read(&w, table, FIRST + 1), DATA_GPA | RW_USER | PTE_A);
		/* Its fault has changed no register. */
		CHECK_EQ(cpu->direct->n.runs, 2);
		CHECK_EQ(cpu->direct->n.kept, 1);
		/* D comes with a write. */
		cpu->regs[EAX] = 7;
		CHECK_EQ(continue_at(&w, 4), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 6);
		CHECK_EQ(physmem_read(w.f.mem, DATA_GPA, 4), 7);
		CHECK_EQ(entry_read(&w, table, FIRST + 1), DATA_GPA | RW_USER | PTE_A | PTE_D);
		/* Another page there. */
		entry_write(&w, table, FIRST + 1, OTHER_GPA | RW_USER);
		tlb_flush_page(cpu, cpu->regs[EBX]);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 6);
		/* Read-only, not the user's, gone: all are the interpreter's. */
		entry_write(&w, table, FIRST + 1, OTHER_GPA | PTE_P | PTE_U);
		load_root(&w, 0);
		CHECK_EQ(continue_at(&w, 4), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 4);
		entry_write(&w, table, FIRST + 1, OTHER_GPA | RW_KERNEL);
		load_root(&w, 0);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST));
		entry_write(&w, table, FIRST + 1, 0);
		load_root(&w, 0);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST));
	}
	end(&w);
}

/* Data in the page behind the code's is no fetch, how near its end ever. */
static void test_data_behind_code(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;

		physmem_write(w.f.mem, CODE_GPA + 4092, 0x80cd038b, 4); /* as at 0 */
		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		CHECK_EQ(continue_at(&w, 4092), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 5);
		entry_write(&w, w.table[0][0], FIRST + 1, 0);
		load_root(&w, 0);
		CHECK_EQ(continue_at(&w, 4092), DIRECT_STEP); /* and no fault of a fetch */
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 4092);
	}
	end(&w);
}

/* INT 80h at the beginning of a page of space 0's. */
static void add_code(struct world *w, unsigned page, uint32_t gpa)
{
	static const uint8_t code[] = {0xcd, 0x80};

	write_code(w, gpa, code, sizeof(code));
	entry_write(w, w->table[0][0], page, gpa | PTE_P | PTE_U);
}

#define MANY 24u /* pages of code, behind those of begin() */

static unsigned many_shown(const struct world *w)
{
	unsigned shown = 0;

	for (unsigned n = 0; n < MANY; n++)
		shown += mem_window_executable(w->f.cpu->direct->stubs[0].window,
					       (user_page(w, 0, FIRST + 2) >> PAGE_SHIFT) + n);
	return shown;
}

/* Code that is known comes with its neighbours, by one call where these are one run of memory. */
static void test_neighbours(void)
{
	for (unsigned scattered = 0; scattered < 2; scattered++) {
		struct world w;

		if (begin(&w, read_code, sizeof(read_code))) {
			struct direct *d = w.f.cpu->direct;
			uint64_t calls;

			for (unsigned n = 0; n < MANY; n++) {
				add_code(&w, FIRST + 2 + n,
					 OTHER_GPA + (scattered ? MANY - n : n) * PAGE_SIZE);
				CHECK(page_fit(d, user_page(&w, 0, FIRST + 2 + n)) != NULL);
			}
			calls = d->n.calls;
			CHECK_EQ(continue_at(&w, 2 * PAGE_SIZE), DIRECT_STEP);
			CHECK_EQ(many_shown(&w), MANY);
			calls = d->n.calls - calls;
			CHECK(scattered ? calls >= MANY : calls < 4);
		}
		end(&w);
	}
}

/* Where the host lets nothing be mapped neighbours are left out. */
static void test_low_neighbours(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;
		uint32_t frame;
		bool writable;

		w.f.cpu->spaces->stub_first_page = FIRST - 16;
		for (unsigned n = 1; n < FIRST; n++)
			entry_write(&w, w.table[0][0], n, OTHER_GPA | RW_USER | PTE_A);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		for (unsigned n = 1; n < FIRST; n++)
			CHECK_EQ(mem_window_lookup(d->stubs[0].window, n, &frame, &writable),
				 n >= FIRST - 16);
	}
	end(&w);
}

/* A page comes, and what follows it goes. */
static void test_new_beside_gone(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;

		for (unsigned n = 3; n >= 2; n--) {
			entry_write(&w, w.table[0][0], FIRST + n,
				    (OTHER_GPA + n * PAGE_SIZE) | RW_USER);
			cpu->regs[EBX] = user_page(&w, 0, FIRST + 3);
			CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
			CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 2);
		}
		CHECK(space_stub_fill(cpu, user_page(&w, 0, FIRST + 2), false));
		entry_write(&w, w.table[0][0], FIRST + 3, 0);
		tlb_flush_page(cpu, user_page(&w, 0, FIRST + 3));
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST));
	}
	end(&w);
}

/* A page goes, and what follows it comes, before the guest runs again. */
static void test_gone_beside_new(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;

		for (unsigned n = 0; n < 2; n++)
			add_code(&w, FIRST + 2 + n, OTHER_GPA + n * PAGE_SIZE);
		CHECK_EQ(continue_at(&w, 2 * PAGE_SIZE), DIRECT_STEP);
		entry_write(&w, w.table[0][0], FIRST + 2, 0);
		tlb_flush_page(w.f.cpu, user_page(&w, 0, FIRST + 2));
		CHECK_EQ(continue_at(&w, 3 * PAGE_SIZE), DIRECT_STEP);
		CHECK_EQ(d->n.syscalls, 2);
		CHECK_EQ(continue_at(&w, 2 * PAGE_SIZE), -1);
	}
	end(&w);
}

/* Another address space has another stub, and the first is as it was. */
static void test_spaces(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		physmem_write(w.f.mem, OTHER_GPA, 6, 4);
		entry_write(&w, w.table[1][0], FIRST, CODE_GPA | RW_USER);
		entry_write(&w, w.table[1][0], FIRST + 1, OTHER_GPA | RW_USER);
		for (unsigned n = 0; n < 6; n++) {
			load_root(&w, n & 1);
			CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
			CHECK_EQ(cpu->regs[EAX], 5 + (n & 1));
		}
		CHECK_EQ(direct_counters(cpu->direct)->stubs_made, 2);
		CHECK(direct_counters(cpu->direct)->fills <= 3);
	}
	end(&w);
}

/* Code that is written is not what ran before. */
static void test_code_written(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;

		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 2);
		physmem_write(w.f.mem, CODE_GPA, 0x80cd, 2); /* int 80h at once */
		direct_code_written(cpu->direct, CODE_GPA);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST));
		physmem_write(w.f.mem, CODE_GPA, 0x33d9, 2); /* fnstenv [ebx] */
		direct_code_written(cpu->direct, CODE_GPA);
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
	}
	end(&w);
}

/* Nor is it when other code leads there. */
static void test_other_code_written(void)
{
	static const uint8_t code[] = {0xe9, 0xfb, 0x0f, 0x00, 0x00}; /* jmp to the next page */
	struct world w;

	if (begin(&w, code, sizeof(code))) {
		struct vcpu *cpu = w.f.cpu;
		uint32_t next = user_page(&w, 0, FIRST + 1);

		physmem_write(w.f.mem, DATA_GPA, 0x80cd40, 4); /* inc eax; int 80h */
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, next + 1);
		physmem_write(w.f.mem, DATA_GPA, 0x80cd33d9, 4); /* fnstenv [ebx] */
		direct_code_written(cpu->direct, DATA_GPA);
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
		CHECK_EQ(cpu->eip, next);
	}
	end(&w);
}

/* ---- guards ---- */
/* 0: inc eax; mov ecx, cs; 3: inc eax; int 80h */
static const uint8_t guarded_code[] = {0x40, 0x8c, 0xc9, 0x40, 0xcd, 0x80};

/* The guest stops in front of what must not run natively, and runs on behind it. */
static void test_guard(void)
{
	struct world w;

	if (begin(&w, guarded_code, sizeof(guarded_code))) {
		struct vcpu *cpu = w.f.cpu;
		const struct direct_counters *n = direct_counters(cpu->direct);

		if (!cpu->direct->guards) {
			printf("(skipped: no breakpoints) ");
			end(&w);
			return;
		}
		cpu->regs[EAX] = 5;
		cpu->regs[ECX] = 7;
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 1);
		CHECK_EQ(cpu->regs[EAX], 6);
		CHECK_EQ(cpu->regs[ECX], 7);
		CHECK_EQ(n->guard_hits, 1);
		CHECK_EQ(n->runs, 1);
		CHECK_EQ(continue_at(&w, 1), DIRECT_STEP); /* known: nothing has to run */
		CHECK_EQ(n->runs, 1);
		CHECK_EQ(continue_at(&w, 3), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 7);
		CHECK_EQ(n->guard_hits, 1);
	}
	end(&w);
}

/* As many as the host has: a page with more is the translator's. */
static void test_guards_of_a_page(void)
{
	static const uint8_t nop[] = {0x90};
	struct world w;

	for (unsigned count = GUARDS; count <= GUARDS + 1; count++) {
		if (begin(&w, nop, sizeof(nop))) {
			bool fits = w.f.cpu->direct->guards && count <= GUARDS;

			for (unsigned i = 0; i < 512; i++)
				physmem_write(w.f.mem, CODE_GPA + i, nop[0], 1);
			for (unsigned i = 0; i < count; i++) /* mov ecx, cs */
				physmem_write(w.f.mem, CODE_GPA + 512 + 2 * i, 0xc98c, 2);
			CHECK_EQ(continue_at(&w, 512),
				 fits ? (int)DIRECT_STEP : (int)DIRECT_REFUSED);
		}
		end(&w);
	}
}

/* Pages that together need more take turns, and no guard is missing. */
static void test_guards_of_pages(void)
{
	/* nop; mov ecx, cs; nop; mov ecx, cs; nop; mov ecx, cs; nop; jmp to the next page */
	static const uint8_t code[] = {0x90, 0x8c, 0xc9, 0x90, 0x8c, 0xc9, 0x90, 0x8c,
				       0xc9, 0x90, 0xe9, 0xf1, 0x0f, 0x00, 0x00};
	struct world w;

	if (begin(&w, code, sizeof(code)) && w.f.cpu->direct->guards) {
		struct vcpu *cpu = w.f.cpu;

		for (unsigned i = 0; i < sizeof(code); i++)
			physmem_write(w.f.mem, DATA_GPA + i, code[i], 1);
		for (unsigned n = 0; n < 20; n++)
			for (unsigned page = 0; page < 2; page++)
				for (unsigned at = 0; at < 9; at += 3) {
					CHECK_EQ(continue_at(&w, page * PAGE_SIZE + at),
						 DIRECT_STEP);
					CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST + page) + at + 1);
				}
		CHECK_EQ(continue_at(&w, 9), DIRECT_STEP); /* by the jump into the other page */
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST + 1) + 1);
		CHECK_EQ(direct_counters(cpu->direct)->escapes, 0);
	}
	end(&w);
}

/* Other code where a guard was: it stops there once more at most. */
static void test_guard_gone(void)
{
	struct world w;

	if (begin(&w, guarded_code, sizeof(guarded_code)) && w.f.cpu->direct->guards) {
		struct vcpu *cpu = w.f.cpu;
		unsigned stops = 0;

		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		physmem_write(w.f.mem, OTHER_GPA, 0x80cd4040, 4); /* inc eax; inc eax; int 80h */
		entry_write(&w, w.table[0][0], FIRST, OTHER_GPA | RW_USER);
		tlb_flush_page(cpu, user_page(&w, 0, FIRST));
		while (continue_at(&w, 0) == DIRECT_STEP && cpu->eip == user_page(&w, 0, FIRST) + 1)
			stops++;
		CHECK(stops <= 1);
		CHECK_EQ(cpu->eip, user_page(&w, 0, FIRST) + 2);
	}
	end(&w);
}

/* To be stopped all the time costs more than to translate. */
static void test_guard_often(void)
{
	struct world w;

	if (begin(&w, guarded_code, sizeof(guarded_code)) && w.f.cpu->direct->guards) {
		unsigned n = 0;

		while (n < 100000 && continue_at(&w, 0) == DIRECT_STEP)
			n++;
		CHECK(n >= 100 && n < 100000);
	}
	end(&w);
}

/* A host that lends no breakpoints. */
static void test_no_guards(void)
{
	struct world w;

	without_guards = true;
	if (begin(&w, guarded_code, sizeof(guarded_code)))
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
	end(&w);
	without_guards = false;
}

/* ---- CPUID and RDTSC ---- */
static const uint8_t cpuid_code[] = {0x90, 0x0f, 0xa2, 0xcd, 0x80};
static const uint8_t rdtsc_code[] = {0x90, 0x0f, 0x31, 0xcd, 0x80};

/* The code's second instruction faults, or has a guard, or is translated. */
static void check_stop(struct world *w, bool faults)
{
	const struct direct *d = w->f.cpu->direct;
	bool stops = d->guards || faults;

	CHECK_EQ(continue_at(w, 0), stops ? (int)DIRECT_STEP : (int)DIRECT_REFUSED);
	CHECK_EQ(w->f.cpu->eip, user_page(w, 0, FIRST) + stops);
	CHECK_EQ(d->n.guard_hits, !faults && d->guards);
}

static void cpuid_stops(void)
{
	struct world w;

	if (begin(&w, cpuid_code, sizeof(cpuid_code)))
		check_stop(&w, w.f.cpu->direct->cpuid_faults);
	end(&w);
}

static void test_cpuid(void)
{
	for (unsigned n = 0; n < 4; n++) {
		without_guards = n & 1;
		without_faults = n & 2;
		cpuid_stops();
	}
	without_guards = without_faults = false;
}

static void rdtsc_stops(void)
{
	struct world w;

	if (begin(&w, rdtsc_code, sizeof(rdtsc_code))) {
		const struct direct *d = w.f.cpu->direct;

		CHECK(tsc_choice != TSC_BY_FAULTS || d->tsc_faults);
		CHECK(tsc_choice != TSC_BY_GUARDS || !d->tsc_faults);
		CHECK(tsc_choice != TSC_BY_COST || d->guards || d->tsc_faults);
		check_stop(&w, d->tsc_faults);
	}
	end(&w);
}

static void test_rdtsc(void)
{
	for (unsigned n = 0; n < 6; n++) {
		without_guards = n & 1;
		tsc_choice = (enum tsc_choice)(n / 2);
		rdtsc_stops();
	}
	without_guards = false;
	tsc_choice = TSC_BY_COST;
}

/* The machine thread's own, which faults as well, and after the stubs have gone does not. */
static void test_own_cpuid(void)
{
	unsigned before[4], is[4];
	struct world w;

	__cpuid_count(7, 0, before[0], before[1], before[2], before[3]);
	begin(&w, cpuid_code, sizeof(cpuid_code));
	CHECK_EQ(signals_install(), 0); /* in place of the fixture's */
	__cpuid_count(7, 0, is[0], is[1], is[2], is[3]);
	CHECK(!memcmp(is, before, sizeof(is)));
	end(&w);
	__cpuid_count(7, 0, is[0], is[1], is[2], is[3]);
	CHECK(!memcmp(is, before, sizeof(is)));
}

/* An entry of the directory, which the space has seen change. */
static void test_directory(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct vcpu *cpu = w.f.cpu;

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		physmem_write(w.f.mem, OTHER_GPA, 6, 4);
		entry_write(&w, w.table[1][0], FIRST, CODE_GPA | RW_USER);
		entry_write(&w, w.table[1][0], FIRST + 1, OTHER_GPA | RW_USER);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 5);
		entry_write(&w, w.dir[0], 0, w.table[1][0] | RW_USER);
		load_root(&w, 0);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(cpu->regs[EAX], 6);
	}
	end(&w);
}

/* A stub that has died is made again; the guest has a fault from it. */
static void test_lost(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		task_kill(d->stubs[0].guest); /* as the host's lack of memory would */
		CHECK_EQ(continue_at(&w, 0), -1);
		CHECK_EQ(w.f.cpu->fault.vector, VEC_GP);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(w.f.cpu->regs[EAX], 5);
		CHECK_EQ(d->n.stubs_lost, 1);
	}
	end(&w);
}

/* The host refuses a mapping: the stub is given up, nothing of the guest is. */
static void test_refused(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		d->stubs[0].calls[0] = (struct stub_call){.number = SYS_mmap, .args = {1, 1, 1, 1}};
		d->stubs[0].call_count = 1;
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
		CHECK_EQ(w.f.cpu->eip, user_page(&w, 0, FIRST));
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK_EQ(w.f.cpu->regs[EAX], 5);
		CHECK_EQ(d->n.stubs_lost, 1);
	}
	end(&w);
}

/* ---- the policy ---- */
static unsigned samples_until_wanted(struct direct *d)
{
	unsigned n = 0;

	while (!direct_wanted(d) && n < 5000) {
		direct_sample(d);
		usleep(600); /* what comes sooner is not counted */
		n++;
	}
	return n;
}

static unsigned traps_until_unwanted(struct direct *d)
{
	unsigned n = 0;

	while (direct_wanted(d) && n < 5000) {
		policy_trapped(d);
		n++;
	}
	return n;
}

static unsigned pages_until_unwanted(struct direct *d)
{
	unsigned n = 0;

	for (; direct_wanted(d) && n < 5000; n++)
		policy_verified(d);
	return n;
}

/* Samples of a program that calls its kernel, and has code translated, so often in each. */
static void sample_often(struct direct *d, unsigned calls, unsigned blocks)
{
	for (unsigned n = 0; n < 100 && !direct_wanted(d); n++) {
		direct_sample(d);
		usleep(600);
		d->cpu->ring3_exits += calls;
		d->cpu->bt_new_blocks += blocks;
	}
}

/* The program ends, and another one has its page directory, with the same code. */
static void next_program(struct world *w)
{
	load_root(w, 1);
	entry_write(w, w->dir[0], 0, 0);
	load_root(w, 0); /* nothing is left */
	entry_write(w, w->dir[0], 0, w->table[0][0] | RW_USER);
	load_root(w, 0);
}

/* What computes is moved, what traps is moved back and has a harder time. */
static void test_policy(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;
		unsigned first, second, traps;

		CHECK(d->trap_ns > 1000); /* two switches of the host's, at least */
		d->trap_ns = 10000;
		CHECK(direct_wanted(d)); /* on */
		d->mode = DIRECT_AUTO;
		CHECK(!direct_wanted(d));
		first = samples_until_wanted(d);
		CHECK(first > 1 && first < 10);
		load_root(&w, 1);
		CHECK(!direct_wanted(d)); /* another program */
		load_root(&w, 0);
		CHECK(direct_wanted(d));
		usleep(100000); /* earns nothing */
		traps = traps_until_unwanted(d);
		CHECK(traps > 500 && traps < 1000); /* of unknown worth */
		second = samples_until_wanted(d);
		CHECK(second > first && second < 100);
		CHECK(pages_until_unwanted(d) < 5000);
		sample_often(d, 50, 0);
		CHECK(!direct_wanted(d));
		CHECK_EQ(d->n.promotions, 2);
		CHECK_EQ(d->n.demotions, 2);
		policy_escaped(d);
		CHECK(!direct_wanted(d));
		d->mode = DIRECT_OFF;
		CHECK(!direct_wanted(d));
	}
	end(&w);
}

/* What has new code all the time is moved although it traps, and stays while it has or computes. */
static void test_policy_new_code(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;
		unsigned n = 0;

		d->trap_ns = 10000;
		d->mode = DIRECT_AUTO;
		sample_often(d, 50, 500);
		CHECK(direct_wanted(d));
		for (; direct_wanted(d) && n < 5000; n++) {
			policy_trapped(d);
			if (n % 8 == 0)
				policy_fetched(d);
		}
		CHECK_EQ(n, 5000);
		for (n = 0; direct_wanted(d) && n < 5000; n++) {
			policy_trapped(d);
			policy_ran(d, 11 * d->trap_ns); /* it pays for itself */
		}
		CHECK_EQ(n, 5000);
		CHECK(traps_until_unwanted(d) < 5000);
	}
	end(&w);
}

/* A program that has ended leaves its successor in the directory as it found it. */
static void test_policy_ended(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;

		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		d->mode = DIRECT_AUTO;
		samples_until_wanted(d);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		next_program(&w);
		CHECK(direct_wanted(d));
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
		CHECK(!direct_wanted(d));
		CHECK(samples_until_wanted(d) < 10);
	}
	end(&w);
}

/* A program whose code was worth it is moved sooner, and not moved back by bursts of faults. */
static void test_policy_worth_it(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;
		unsigned first;

		d->trap_ns = 10000;
		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		d->mode = DIRECT_AUTO;
		first = samples_until_wanted(d);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP); /* shows the page */
		policy_ran(d, 40000000);
		CHECK_EQ(code_worth(d, d->cpu->eip), WORTH_UNKNOWN);
		policy_ran(d, 20000000);
		CHECK_EQ(code_worth(d, d->cpu->eip), WORTH_MUCH);
		next_program(&w);
		CHECK_EQ(continue_at(&w, 0), DIRECT_REFUSED);
		CHECK(samples_until_wanted(d) < first - 1);
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK(traps_until_unwanted(d) > 2000);
		CHECK_EQ(code_worth(d, d->cpu->eip), WORTH_MIXED);
		CHECK_EQ(d->n.worth_much, 1);
		CHECK_EQ(d->n.worth_little, 1);
		direct_code_written(d, CODE_GPA);
		CHECK(page_fit(d, d->cpu->eip) != NULL);
		CHECK_EQ(code_worth(d, d->cpu->eip), WORTH_UNKNOWN);
	}
	end(&w);
}

/* A program whose code was not is not moved while it is translated, but when it computes. */
static void test_policy_not_worth_it(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;

		d->trap_ns = 10000;
		physmem_write(w.f.mem, DATA_GPA, 5, 4);
		d->mode = DIRECT_AUTO;
		sample_often(d, 50, 500);
		CHECK(direct_wanted(d));
		CHECK_EQ(continue_at(&w, 0), DIRECT_STEP);
		CHECK(traps_until_unwanted(d) < 5000);
		CHECK_EQ(code_worth(d, d->cpu->eip), WORTH_LITTLE);
		next_program(&w);
		sample_often(d, 50, 500);
		CHECK(!direct_wanted(d));
		sample_often(d, 0, 0);
		CHECK(direct_wanted(d));
	}
	end(&w);
}

/* What was moved back is not held against the next program in its directory. */
static void test_policy_renewed(void)
{
	struct world w;

	if (begin(&w, read_code, sizeof(read_code))) {
		struct direct *d = w.f.cpu->direct;
		unsigned first;

		CHECK(page_fit(d, d->cpu->eip) != NULL); /* something is known of the space */
		d->mode = DIRECT_AUTO;
		first = samples_until_wanted(d);
		CHECK(traps_until_unwanted(d) < 5000);
		CHECK(samples_until_wanted(d) > first);
		CHECK(traps_until_unwanted(d) < 5000);
		next_program(&w);
		CHECK(page_fit(d, d->cpu->eip) != NULL);
		CHECK(samples_until_wanted(d) <= first);
	}
	end(&w);
}

/* Components of the task's extended state that are not as after reset (SDM 1 13.4.2: XSTATE_BV). */
static uint64_t components_in_use(pid_t task)
{
	static uint8_t area[1 << 15];
	struct iovec v = {area, sizeof(area)};
	uint64_t bitmap;

	CHECK_EQ(ptrace(PTRACE_GETREGSET, task, (void *)NT_X86_XSTATE, &v), 0);
	memcpy(&bitmap, area + 512, sizeof(bitmap));
	return bitmap;
}

/* Nothing is in a stub's AVX and AVX-512 registers, whatever the monitor had in its own. */
static void test_no_vectors(void)
{
	static const uint8_t code[] = {0x0f, 0x58, 0xc1, 0x0f, 0x0b}; /* addps xmm0,xmm1; ud2 */
	const uint64_t vectors = 1u << 2 | 7u << 5;
	struct world w;

	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7\n\t"
				 "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7" ::: "xmm7");
	if (begin(&w, code, sizeof(code))) {
		CHECK_EQ(components_in_use(w.f.cpu->direct->zygote) & vectors, 0);
		continue_at(&w, 0);
		CHECK_EQ(components_in_use(w.f.cpu->direct->stubs[0].guest) & vectors, 0);
	}
	end(&w);
}

UNIT_MAIN("direct_stub", {"state", test_state}, {"segment bases", test_segment_bases},
	  {"no vectors", test_no_vectors},
	  {"mappings", test_mappings}, {"data behind code", test_data_behind_code},
	  {"neighbours", test_neighbours}, {"low neighbours", test_low_neighbours},
	  {"new beside gone", test_new_beside_gone}, {"gone beside new", test_gone_beside_new},
	  {"spaces", test_spaces}, {"code written", test_code_written},
	  {"other code written", test_other_code_written}, {"directory", test_directory},
	  {"lost", test_lost}, {"refused", test_refused}, {"guard", test_guard},
	  {"guards of a page", test_guards_of_a_page}, {"guards of pages", test_guards_of_pages},
	  {"a guard's code gone", test_guard_gone}, {"a guard hit often", test_guard_often},
	  {"no guards", test_no_guards}, {"CPUID", test_cpuid}, {"RDTSC", test_rdtsc},
	  {"own CPUID", test_own_cpuid},
	  {"policy", test_policy}, {"policy, new code", test_policy_new_code},
	  {"policy, ended", test_policy_ended}, {"policy, worth it", test_policy_worth_it},
	  {"policy, not worth it", test_policy_not_worth_it},
	  {"policy, renewed", test_policy_renewed})
