/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel puts another page where code is that it has run: what translated code knows of ways
 * there, whichever they are, has to go, and all else stays.
 */
#include "bt/bt_internal.h"
#include "cpu/space.h"
#include "cpu_fixture.h"

#define DIRECTORY 0x50000u
#define TABLE	  0x51000u
#define LIBRARY	  (CODE_AT + PAGE_SIZE) /* linear; at one of the next two */
#define ONE	  0x60000u
#define OTHER	  0x61000u
#define ENTRY	  (TABLE + LIBRARY / PAGE_SIZE * 4)
#define ROUNDS	  40u
#define BASE	  0x3000u
#define BASED	  (SPARE + 8)
#define FLAGS	  3u /* PTE: present, writable */
/* From an instruction that ends at offset `end` of the code. */
#define REL32(to, end) LE32((to) - (CODE_AT + (end)))
#define SWAP	  (CODE_AT + 0x30)
#define BACK	  (CODE_AT + 0x1d)
#define TAIL	  (CODE_AT + PAGE_SIZE - 2) /* add esi,imm32; the number is in the library */

/*
 * outer: mov ebx,5; inner: call LIBRARY+10h; call eax; call TAIL; jmp LIBRARY+30h; BACK: dec
 * ebx; jnz inner; call LIBRARY+40h; dec edi; jnz outer; hlt
 */
static const uint8_t rounds[] = {
	0xbb, 5, 0, 0, 0,
	0xe8, REL32(LIBRARY + 0x10, 0x11), 0xff, 0xd0, 0xe8, REL32(TAIL, 0x18),
	0xe9, REL32(LIBRARY + 0x30, 0x1d),
	0x4b, 0x75, 0xec, 0xe8, REL32(LIBRARY + 0x40, 0x25), 0x4f, 0x75, 0xdf, 0xf4,
};

enum { BY_INVLPG, BY_CR3 };
/* xor dword [ENTRY],ONE^OTHER; then INVLPG or a load of CR3; ret */
static const uint8_t swap[][18] = {
	[BY_INVLPG] = {0x81, 0x35, LE32(ENTRY), LE32(ONE ^ OTHER), 0x0f, 0x01, 0x3d, LE32(LIBRARY),
		       0xc3},
	[BY_CR3] = {0x81, 0x35, LE32(ENTRY), LE32(ONE ^ OTHER), 0x0f, 0x20, 0xd9, 0x0f, 0x22, 0xd9,
		    0xc3},
};
#define SWAPS (sizeof(swap) / sizeof(swap[0]))

/* Adds n wherever it is called; at 40h, behind a call of SWAP, to three times ESI. */
static void poke_library(struct fixture *f, uint32_t at, uint8_t n)
{
	const uint8_t add[] = {0x83, 0xc6, n, 0xc3};
	const uint8_t back[] = {0x83, 0xc6, n, 0xe9, LE32(BACK - (LIBRARY + 0x38))};
	const uint8_t call[] = {0xe8, LE32(SWAP - (LIBRARY + 0x45)), 0x8d, 0x74, 0x76, n, 0xc3};

	poke32(f, at, n);
	poke8(f, at + 4, 0xc3);
	poke(f, at + 0x10, add, sizeof(add));
	poke(f, at + 0x20, add, sizeof(add));
	poke(f, at + 0x30, back, sizeof(back));
	poke(f, at + 0x40, call, sizeof(call));
}

static void play(struct fixture *f, const struct engine_config *config, unsigned way, bool based)
{
	uint32_t base = based ? BASE : 0;
	/* jmp far */
	const uint8_t start[] = {0xea, LE32(CODE_AT + 7 - base), based ? BASED : CODE0, 0};
	struct vcpu *cpu;

	fixture_start(f);
	cpu = f->cpu;
	set_gdt(f, BASED, BASE, 0xfffff, A_CODE, F_FLAT32);
	for (uint32_t a = 0; a < 0x400000; a += PAGE_SIZE)
		poke32(f, TABLE + a / PAGE_SIZE * 4, a | FLAGS);
	poke32(f, ENTRY, ONE | FLAGS);
	poke32(f, DIRECTORY, TABLE | FLAGS);
	poke(f, CODE_AT, start, sizeof(start));
	poke(f, CODE_AT + sizeof(start), rounds, sizeof(rounds));
	poke(f, SWAP, swap[way], sizeof(swap[way]));
	poke8(f, TAIL, 0x81);
	poke8(f, TAIL + 1, 0xc6);
	poke_library(f, ONE, 1);
	poke_library(f, OTHER, 100);
	if (config)
		CU_ASSERT_FATAL(bt_attach(cpu, config) == 0);
	enter_protected(f, 0);
	cpu->cr3 = DIRECTORY;
	cpu->cr0 |= CR0_PG | CR0_WP;
	cpu->regs[EAX] = LIBRARY + 0x20 - base;
	cpu->regs[EDI] = ROUNDS;
	cpu->regs[ESI] = 0;
	cpu_mode_changed(cpu);
	tlb_flush(cpu, true);
	cpu->fuel = 1000 * ROUNDS;
	vcpu_run(cpu);
	CHECK(cpu->halted);
	CHECK_EQ(cpu->regs[EDI], 0);
}

static const struct engine_config settings[] = {
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .windows = true, .verify = true},
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .verify = true},
	{.cache_kib = 1024, .adaptive = true, .windows = true, .verify = true},
	{.cache_kib = 1024, .chaining = true, .adaptive = true, .windows = true, .verify = true,
	 .exact_fuel = true},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static void compare(const struct engine_config *config, unsigned way, bool based)
{
	struct fixture wanted, got;
	uint64_t dropped;

	play(&wanted, NULL, way, based);
	play(&got, config, way, based);
	CHECK_EQ(got.cpu->regs[ESI], wanted.cpu->regs[ESI]);
	/* All goes where EIP is no linear address, and when there is no end of such pages. */
	dropped = space_counters(got.cpu).fetches_dropped;
	if (!based)
		CHECK_EQ(dropped, way == BY_CR3 ? ROUNDS : 8);
	else if (config->chaining)
		CHECK_EQ(dropped, 0);
	bt_check(got.cpu);
	fixture_end(&wanted);
	fixture_end(&got);
}

static void test_flat(void)
{
	for (size_t i = 0; i < SETTINGS * SWAPS; i++)
		compare(&settings[i / SWAPS], i % SWAPS, false);
}

static void test_based(void)
{
	for (size_t i = 0; i < SETTINGS * SWAPS; i++)
		compare(&settings[i / SWAPS], i % SWAPS, true);
}

UNIT_MAIN("bt_fetch", {"flat", test_flat}, {"based", test_based})
