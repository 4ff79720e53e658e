// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel and its ring 3 that together want as much of the host as they can: more
 * mappings than a host process may have, more address spaces than there are
 * stubs, and page tables that change all the time. Each part knows what ring 3
 * has to see.
 */
#include "ring3.h"

#define PAGE	   4096u
#define TABLES	   0x500000u /* page tables and directories, one after the other */
#define FIRST	   0x50000000u
#define MANY	   72000u /* pages, no two of which the host can map together */
#define FRAME_A	   0x480000u
#define FRAME_B	   0x482000u
#define SPACES	   40u
#define ROUNDS	   4u
#define EDITS	   4000u
#define EDIT_PAGES 64u
#define EDIT_FRAMES 16u
#define PRESENT	   1u
#define WRITABLE   2u
#define USER	   4u

extern const uint8_t many_code[], many_end[], one_code[], one_end[];
__asm__(".section .rodata\n"
	"many_code:\n"
	"1:	addl (%edi), %eax\n"
	"	testl $1, %ecx\n"
	"	jz 2f\n"
	"	incl 4(%edi)\n"
	"2:	addl $4096, %edi\n"
	"	decl %ecx\n"
	"	jnz 1b\n"
	"	int $0x80\n"
	"many_end:\n"
	"one_code:\n"
	"	movl (%edi), %eax\n"
	"	movl %esi, 8(%edi)\n"
	"	int $0x80\n"
	"one_end:\n"
	".text\n");

static uint32_t next_table;

static uint32_t *new_table(void)
{
	uint32_t *t = (uint32_t *)next_table;

	next_table += PAGE;
	for (unsigned i = 0; i < 1024; i++)
		t[i] = 0;
	return t;
}

static void cr3_write(const uint32_t *directory)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
}

static void map(uint32_t *directory, uint32_t linear, uint32_t entry)
{
	uint32_t *at = &directory[linear >> 22];

	if (!*at)
		*at = (uint32_t)new_table() | PRESENT | WRITABLE | USER;
	((uint32_t *)(*at & -PAGE))[linear / PAGE % 1024] = entry;
}

static const struct trap *go(uint32_t edi, uint32_t esi, uint32_t ecx)
{
	struct entry e = {.edi = edi, .esi = esi, .ecx = ecx, .ds = 0x23, .eip = USER_CODE,
			  .cs = 0x1b, .eflags = 0x202, .esp = USER_STACK - 16};

	run(&e);
	return user_trap();
}

static void check(bool right, const char *what, uint32_t n)
{
	if (!right)
		user_failed(what, n);
}

/* ---- more mappings than the host has ---- */
static void many_mappings(uint32_t *directory)
{
	uint32_t *a = (uint32_t *)FRAME_A, *b = (uint32_t *)FRAME_B;

	user_load(many_code, many_end);
	a[0] = 1;
	b[0] = 3;
	a[1] = b[1] = 0;
	for (unsigned i = 0; i < MANY; i++)
		map(directory, FIRST + i * PAGE,
		    i % 2 ? FRAME_B | PRESENT | USER : FRAME_A | PRESENT | USER | WRITABLE);
	cr3_write(directory);
	for (unsigned round = 1; round <= 2; round++) {
		/* An odd count, so that those that are written can be. */
		const struct trap *t = go(FIRST, 0, MANY - 1);

		check(t->vector == 0x80, "many mappings: vector", t->vector);
		check(t->eax == MANY / 2 + 3 * (MANY / 2 - 1), "many mappings: sum", t->eax);
		check(a[1] == round * MANY / 2, "many mappings: written", a[1]);
	}
	for (unsigned i = 0; i < MANY; i++)
		map(directory, FIRST + i * PAGE, 0);
	cr3_write(directory);
}

/* ---- more spaces than there are stubs ---- */
static void many_spaces(uint32_t *directory)
{
	static uint32_t *spaces[SPACES];

	user_load(one_code, one_end);
	for (unsigned n = 0; n < SPACES; n++) {
		spaces[n] = new_table();
		for (unsigned i = 0; i < 1024; i++)
			spaces[n][i] = i >= FIRST >> 22 ? 0 : directory[i];
		map(spaces[n], FIRST, (FRAME_A + n * PAGE) | PRESENT | USER | WRITABLE);
		*(uint32_t *)(FRAME_A + n * PAGE) = n + 100;
	}
	for (unsigned i = 0; i < ROUNDS * SPACES; i++) {
		unsigned n = i % 3 ? i % SPACES : i * 7 % SPACES;
		const struct trap *t;

		cr3_write(spaces[n]);
		t = go(FIRST, i, 0);
		check(t->vector == 0x80 && t->eax == n + 100, "many spaces", n);
		check(((uint32_t *)(FRAME_A + n * PAGE))[2] == i, "many spaces: written", n);
	}
	cr3_write(directory);
}

/* ---- wild edits ---- */
static uint32_t random_state = 0x2545f491;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

/* What one_code has to end with by the entry. */
static void check_edit(uint32_t entry, uint32_t linear, unsigned n)
{
	const struct trap *t = go(linear, n, 0);
	const uint32_t *frame = (const uint32_t *)(entry & -PAGE);

	if (!(entry & PRESENT) || !(entry & USER)) {
		check(t->vector == 14 && t->cr2 == linear, "edits: no fault", n);
		check(t->error == (4 | (entry & PRESENT)), "edits: error", t->error);
		return;
	}
	check(t->eax == frame[0], "edits: value", n);
	if (entry & WRITABLE)
		check(t->vector == 0x80 && frame[2] == n, "edits: written", n);
	else
		check(t->vector == 14 && t->error == 7 && t->cr2 == linear + 8, "edits: rights",
		      t->error);
}

static void wild_edits(uint32_t *directory)
{
	uint32_t *tables[2] = {new_table(), new_table()}, pde = FIRST >> 22;

	user_load(one_code, one_end);
	for (unsigned i = 0; i < EDIT_FRAMES; i++)
		*(uint32_t *)(FRAME_A + i * PAGE) = i + 1000;
	for (unsigned n = 0; n < EDITS; n++) {
		unsigned page = random_below(EDIT_PAGES), count = 1 + random_below(8);
		uint32_t *table = tables[random_below(2)];

		for (unsigned i = 0; i < count; i++)
			table[random_below(EDIT_PAGES)] =
			    (FRAME_A + random_below(EDIT_FRAMES) * PAGE) | random_below(8);
		if (random_below(4))
			directory[pde] = (uint32_t)tables[random_below(2)] | PRESENT | WRITABLE | USER;
		cr3_write(directory);
		table = (uint32_t *)(directory[pde] & -PAGE);
		if (directory[pde])
			check_edit(table[page], FIRST + page * PAGE, n);
	}
	directory[pde] = 0;
	cr3_write(directory);
}

void exhaust(uint32_t *directory)
{
	next_table = TABLES;
	many_mappings(directory);
	user_print("exhaust: many mappings\n");
	next_table = TABLES;
	many_spaces(directory);
	user_print("exhaust: many spaces\n");
	for (unsigned i = FIRST >> 22; i < (FIRST + MANY * PAGE) >> 22; i++)
		directory[i] = 0;
	wild_edits(directory);
	user_print("exhaust: wild edits\n");
}
