/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of ring 3 that is mapped at several addresses: it is translated once for the
 * first one and once for all others, and knows where it is all the same.
 */
#include "bt/bt_internal.h"
#include "cpu_fixture.h"

#define DIRECTORY    0x50000u
#define SPACE_APART  0x8000u /* the second one's directory; tables of 4 MiB each follow it */
#define DRIVER	     0x14000u
#define OTHER_DRIVER 0x15000u
#define OTHER_CODE   0x16000u
#define LIST	     0x40000u
#define FAULT_AT     0x800u /* in the page of code: UD2 */
#define UD 6
#define GP 13

/* Where the page at CODE_AT is, too. */
static const uint32_t places[] = {CODE_AT, 0x400000, 0x483000, 0xbffff000, 0x44a000};
#define PLACES (sizeof(places) / sizeof(places[0]))
#define ALL 7u /* PTE: present, writable, user */

/* In the first or the second address space. */
static void map_in(struct fixture *f, unsigned space, uint32_t linear, uint32_t physical)
{
	uint32_t directory = DIRECTORY + space * SPACE_APART;
	uint32_t table = directory + PAGE_SIZE +
			 (linear >> 22 == 0 ? 0 : linear >> 22 == 1 ? 1 : 2) * PAGE_SIZE;

	poke32(f, directory + (linear >> 22) * 4, table | ALL);
	poke32(f, table + (linear >> 12 & 0x3ff) * 4, physical | ALL);
}

static void map(struct fixture *f, uint32_t linear, uint32_t physical)
{
	map_in(f, 0, linear, physical);
}

/*
 * The page: call next; next: pop eax; add edi,eax; mov ecx,3; again: dec ecx;
 * jnz again; call f; inc edx; ret; f: add edi,ebp; ret
 */
static const uint8_t page_code[] = {0xe8, 0, 0, 0, 0, 0x58, 0x01, 0xc7, 0xb9, 3,  0,
				    0,	  0, 0x49, 0x75, 0xfd, 0xe8, 2, 0, 0, 0, 0x42,
				    0xc3, 0x01, 0xef, 0xc3};
#define NEXT 5u

/* driver: lodsd; call eax; cmp esi,ebx; jne driver; hlt */
static const uint8_t driver_code[] = {0xad, 0xff, 0xd0, 0x39, 0xde, 0x75, 0xf9, 0xf4};

static void begin_in(struct fixture *f, unsigned space, unsigned count)
{
	enter_protected(f, 3);
	f->cpu->cr3 = DIRECTORY + space * SPACE_APART;
	f->cpu->cr0 |= CR0_PG;
	tlb_flush(f->cpu, true);
	cpu_mode_changed(f->cpu);
	f->cpu->eip = DRIVER;
	f->cpu->regs[ESP] = STACK3_TOP;
	f->cpu->regs[ESI] = LIST;
	f->cpu->regs[EBX] = LIST + 4 * count;
	f->cpu->regs[EDI] = f->cpu->regs[EDX] = 0;
	f->cpu->regs[EBP] = 0x100;
}

static void start(struct fixture *f, const uint32_t *list, unsigned count)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start(f);
	config.verify = true;
	config.check = 1;
	config.windows = false; /* which mode a block has is not to depend on the time */
	CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
	for (uint32_t a = 0; a < MEMORY_USED; a += PAGE_SIZE)
		map(f, a, a);
	for (unsigned i = 1; i < PLACES; i++)
		map(f, places[i], CODE_AT);
	poke(f, CODE_AT, page_code, sizeof(page_code));
	poke8(f, CODE_AT + FAULT_AT, 0x0f);
	poke8(f, CODE_AT + FAULT_AT + 1, 0x0b);
	poke(f, DRIVER, driver_code, sizeof(driver_code));
	for (unsigned i = 0; i < count; i++)
		poke32(f, LIST + 4 * i, list[i]);
	begin_in(f, 0, count);
}

/* Runs the page at each of these places. Returns how many blocks were translated. */
static uint64_t run_at(const uint32_t *list, unsigned count)
{
	struct fixture f;
	uint64_t translations;
	uint32_t sum = 0;

	start(&f, list, count);
	run(&f);
	for (unsigned i = 0; i < count; i++)
		sum += list[i] + NEXT + 0x100;
	CHECK_EQ(vector_taken(&f), GP);
	CHECK_EQ(f.cpu->regs[EDI], sum);
	CHECK_EQ(f.cpu->regs[EDX], count);
	translations = f.cpu->bt->n.translations;
	fixture_end(&f);
	return translations;
}

static void test_translated_twice(void)
{
	uint64_t once = run_at(places, 1), twice = run_at(places, 2);

	CHECK(twice > once);
	CHECK_EQ(run_at(places, PLACES), twice);
}

/* To and fro, so that blocks are entered in every way at each place. */
static void test_in_turn(void)
{
	uint32_t list[64];

	for (unsigned i = 0; i < 64; i++)
		list[i] = places[(i * 7 + i / 5) % PLACES];
	run_at(list, 64);
}

static void test_fault(void)
{
	for (unsigned i = 1; i < PLACES; i++) {
		uint32_t list[] = {places[0], places[i], places[i] + FAULT_AT};
		struct fixture f;

		start(&f, list, 3);
		run(&f);
		CHECK_EQ(vector_taken(&f), UD);
		CHECK_EQ(pushed(&f, 0), places[i] + FAULT_AT);
		fixture_end(&f);
	}
}

/* What is written at one place is other code at all of them. */
static void test_written(void)
{
	/* mov byte [places[1]+21],0x4a: inc edx becomes dec edx; ret */
	static const uint8_t writer[] = {0xc6, 0x05, 21, 0, 0x40, 0, 0x4a, 0xc3};
	uint32_t list[2 * PLACES + 1];
	struct fixture f;

	for (unsigned i = 0; i < PLACES; i++)
		list[i] = list[PLACES + 1 + i] = places[i];
	list[PLACES] = DRIVER + 0x100;
	start(&f, list, 2 * PLACES + 1);
	poke(&f, DRIVER + 0x100, writer, sizeof(writer));
	run(&f);
	CHECK_EQ(vector_taken(&f), GP);
	CHECK_EQ(f.cpu->regs[EDX], 0);
	fixture_end(&f);
}

/* call next; next: pop eax; add edi,eax; inc edx; ret */
static const uint8_t function[] = {0xe8, 0, 0, 0, 0, 0x58, 0x01, 0xc7, 0x42, 0xc3};
#define FUNCTION_INC 8u /* its INC EDX, which is written to be DEC EDX */
#define FUNCTIONS    4u
#define FUNCTION(n)  (0x20u * (n))
#define CALLS	     8u

/* Calls the functions of the page at `address` in this space. */
static void call_functions(struct fixture *f, unsigned space, uint32_t address, uint32_t edx)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		poke32(f, LIST + 4 * i, address + FUNCTION(i % FUNCTIONS));
		sum += address + FUNCTION(i % FUNCTIONS) + NEXT;
	}
	begin_in(f, space, CALLS);
	run(f);
	CHECK_EQ(vector_taken(f), GP);
	CHECK_EQ(f->cpu->regs[EDI], sum);
	CHECK_EQ(f->cpu->regs[EDX], edx);
}

/*
 * A space that comes to a page, wherever it has it, is given what look-ups have found there for
 * others; one that has another page at the same address is not.
 */
static void two_spaces(uint32_t first, uint32_t second, uint32_t code)
{
	bool alike = code == CODE_AT;
	struct fixture f;
	uint64_t before;

	start(&f, places, 1);
	for (uint32_t a = 0; a < MEMORY_USED; a += PAGE_SIZE)
		map_in(&f, 1, a, a);
	map_in(&f, 1, second, code);
	map_in(&f, 1, DRIVER, OTHER_DRIVER); /* which is about another page's look-ups */
	poke(&f, OTHER_DRIVER, driver_code, sizeof(driver_code));
	for (unsigned n = 0; n < FUNCTIONS; n++) {
		poke(&f, CODE_AT + FUNCTION(n), function, sizeof(function));
		poke(&f, OTHER_CODE + FUNCTION(n), function, sizeof(function));
		poke8(&f, OTHER_CODE + FUNCTION(n) + FUNCTION_INC, 0x4a);
	}
	call_functions(&f, 0, first, CALLS);
	before = f.cpu->bt->n.jc_prefills;
	call_functions(&f, 1, second, alike ? CALLS : -CALLS);
	CHECK_EQ(f.cpu->bt->n.jc_prefills > before, alike && first == second);
	call_functions(&f, 0, first, CALLS);
	call_functions(&f, 1, second, alike ? CALLS : -CALLS);
	/* What is gone is not given to anybody. */
	for (unsigned n = 0; n < FUNCTIONS; n++)
		physmem_write(f.mem, CODE_AT + FUNCTION(n) + FUNCTION_INC, 0x4a, 1);
	call_functions(&f, 0, first, -CALLS);
	call_functions(&f, 1, second, -CALLS);
	bt_check(f.cpu);
	fixture_end(&f);
}

static void test_hot(void)
{
	two_spaces(places[1], places[1], CODE_AT);
	two_spaces(places[1], places[1], OTHER_CODE);
	two_spaces(places[0], places[1], CODE_AT);
	two_spaces(places[2], places[4], CODE_AT);
}

/* An instruction of two pages whose second one is another page now is another instruction. */
static void test_second_page(void)
{
	/* mov edx,1, or 1000001h; ret */
	static const uint8_t begin[] = {0xba, 1}, end[] = {0, 0, 0, 0xc3}, other[] = {0, 0, 1, 0xc3};
	uint32_t list[] = {places[1] + PAGE_SIZE - 2};
	struct fixture f;

	start(&f, list, 1);
	poke(&f, CODE_AT + PAGE_SIZE - 2, begin, sizeof(begin));
	poke(&f, OTHER_CODE, end, sizeof(end));
	poke(&f, OTHER_DRIVER, other, sizeof(other));
	for (unsigned turn = 0; turn < 4; turn++) {
		uint32_t second = turn % 2 ? OTHER_DRIVER : OTHER_CODE;
		uint32_t entry = DIRECTORY + 2 * PAGE_SIZE + 4;

		map(&f, places[1] + PAGE_SIZE, second);
		physmem_write(f.mem, entry, second | ALL, 4);
		begin_in(&f, 0, 1);
		run(&f);
		CHECK_EQ(vector_taken(&f), GP);
		CHECK_EQ(f.cpu->regs[EDX], turn % 2 ? 0x1000001 : 1);
	}
	bt_check(f.cpu);
	fixture_end(&f);
}

UNIT_MAIN("bt_moved", {"translated twice", test_translated_twice}, {"in turn", test_in_turn},
	  {"fault", test_fault}, {"written", test_written},
	  {"hot", test_hot}, {"second page", test_second_page})
