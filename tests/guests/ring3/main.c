// SPDX-License-Identifier: GPL-2.0-or-later
/* The ring-3 guest: its tables, what each piece begins with, and what is told of it. */
#include "ring3.h"

#include <stdarg.h>

#include "c_guest.h"

#define COM1	    0x3f8
#define DEBUG_EXIT  0x501
#define PIT_DIVISOR 1193 /* 1 kHz */
#define VEC_IRQ0    0x20u
#define VEC_END	    0x80u
#define PAGE	    4096u
#define ROUNDS	    3	/* of each piece: code that has run before is run otherwise */
#define CALLS	    480 /* system call numbers to try */
#define NEW_EACH    16  /* attacks, the code is written anew: once known, it attacks no more */
#define TRAP_STACK  8192
#define FRAMES	    0x400000u /* of user pages, one after the other */
#define FRAMES_END  0x800000u

#define CODE16_SELECTOR	  0x3b
#define BASED_SELECTOR	  0x43
#define GS_SELECTOR	  0x4b
#define SMALL_GS_SELECTOR 0x53

#define WENT_ON 0x900d /* pieces.asm */

uint8_t stack[16384] __attribute__((aligned(16)));
__asm__(".globl stack_top\n.set stack_top, stack + 16384");

static uint64_t gdt[11] = {
    0,
    0x00cf9b000000ffff, /* 08: code, data of ring 0 */
    0x00cf93000000ffff,
    0x00cffb000000ffff, /* 1b: code, data of ring 3 */
    0x00cff3000000ffff,
    0, /* 28: TSS */
    0, /* 33: the host has its 64-bit code there */
    0x0000fb000000ffff | (uint64_t)(USER_CODE & 0xffffff) << 16 | (uint64_t)(USER_CODE >> 24) << 56,
    0x00cff3000000ffff | (uint64_t)(USER_DATA & 0xffffff) << 16 | (uint64_t)(USER_DATA >> 24) << 56,
    0x00cff3000010ffff | (uint64_t)(USER_DATA & 0xffffff) << 16 | (uint64_t)(USER_DATA >> 24) << 56,
    0x0040f3000010000f | (uint64_t)(USER_DATA & 0xffffff) << 16 |
	(uint64_t)(USER_DATA >> 24) << 56};
static uint64_t idt[256];
static uint32_t tss[26];
static uint8_t trap_stack[TRAP_STACK] __attribute__((aligned(16)));
static uint32_t directory[1024] __attribute__((aligned(PAGE)));
static uint32_t kernel_tables[2][1024] __attribute__((aligned(PAGE)));
static uint32_t user_table[1024] __attribute__((aligned(PAGE)));
static uint32_t next_frame = FRAMES;
static struct trap got;
static bool failed;

/* ---- ports and text ---- */
static void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void put(char c)
{
	while (!(in8(COM1 + 5) & 0x20))
		;
	out8(COM1, (uint8_t)c);
}

static void put_number(uint32_t n)
{
	if (n >= 16)
		put_number(n / 16);
	put("0123456789abcdef"[n % 16]);
}

/* %s, and %x for numbers. */
static void print(const char *f, ...)
{
	va_list list;

	va_start(list, f);
	for (; *f; f++) {
		if (*f != '%')
			put(*f);
		else if (*++f == 's')
			for (const char *s = va_arg(list, const char *); *s; s++)
				put(*s);
		else
			put_number(va_arg(list, uint32_t));
	}
	va_end(list);
}

/* ---- tables ---- */
static void descriptors_load(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) gdtr = {sizeof(gdt) - 1, (uintptr_t)gdt},
				  idtr = {sizeof(idt) - 1, (uintptr_t)idt};
	uint32_t base = (uintptr_t)tss;

	tss[1] = (uintptr_t)trap_stack + sizeof(trap_stack);
	tss[2] = 0x10;
	tss[25] = sizeof(tss) << 16;
	gdt[5] = (sizeof(tss) - 1) | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 |
		 (uint64_t)(base >> 24) << 56;
	for (unsigned v = 0; v < 256; v++) {
		uint32_t at = (uintptr_t)vectors + 16 * v;
		bool open = v == VEC_END || v == 0x99 || v == 3 || v == 4;

		idt[v] = (at & 0xffff) | 0x08u << 16 | (open ? 0xeeull : 0x8eull) << 40 |
			 (uint64_t)(at >> 16) << 48;
	}
	load_tables(&gdtr, &idtr);
}

static void paging_on(void)
{
	for (unsigned i = 0; i < 2048; i++)
		kernel_tables[i / 1024][i % 1024] = i * PAGE | 3;
	directory[0] = (uintptr_t)kernel_tables[0] | 3;
	directory[1] = (uintptr_t)kernel_tables[1] | 3;
	directory[USER_CODE >> 22] = (uintptr_t)user_table | 7;
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory));
	__asm__ volatile("mov %%cr4, %%eax; or $0x600, %%eax; mov %%eax, %%cr4" : : : "eax");
	__asm__ volatile("mov %%cr0, %%eax; and $~0xe, %%eax; or $0x80010022, %%eax;"
			 "mov %%eax, %%cr0"
			 :
			 :
			 : "eax");
}

static void timer_on(void)
{
	static const uint8_t pic[][2] = {{0x20, 0x11}, {0x21, VEC_IRQ0},     {0x21, 4}, {0x21, 1},
					 {0xa0, 0x11}, {0xa1, VEC_IRQ0 + 8}, {0xa1, 2}, {0xa1, 1},
					 {0x21, 0xfe}, {0xa1, 0xff}};

	for (unsigned i = 0; i < sizeof(pic) / 2; i++)
		out8(pic[i][0], pic[i][1]);
	out8(0x43, 0x34);
	out8(0x40, PIT_DIVISOR & 0xff);
	out8(0x40, PIT_DIVISOR >> 8);
}

/* ---- how late the timer's interrupt comes to code that only computes ---- */
#define TICKS  200
#define PROMPT (200 * 1193 / 1000) /* 200 us, in the PIT's periods */
static unsigned ticks_left, ticks_prompt;

/* The PIT counts down from its divisor since it has raised the interrupt. */
static uint32_t pit_elapsed(void)
{
	uint32_t count;

	out8(0x43, 0);
	count = in8(0x40);
	count |= (uint32_t)in8(0x40) << 8;
	return PIT_DIVISOR - count;
}

/* Whether it was the last one. */
static bool tick(void)
{
	if (!ticks_left)
		return false;
	ticks_prompt += pit_elapsed() < PROMPT;
	return --ticks_left == 0;
}

/* ---- a piece ---- */
bool trap(struct trap *t)
{
	if (t->vector == VEC_IRQ0) {
		bool last = tick();

		out8(0x20, 0x20);
		return last;
	}
	got = *t;
	return true;
}

/* Fresh frames for all user pages, so that none has a history. */
static void map_user(void)
{
	for (unsigned i = 0; i < 4; i++) {
		if (next_frame == FRAMES_END)
			next_frame = FRAMES;
		user_table[i] = next_frame | 7;
		next_frame += PAGE;
	}
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
}

static void set_control(uint32_t flags, bool on)
{
	uint32_t cr0, cr4, set = 0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	set = (flags & WITH_TS ? 8u : 0) | (flags & WITH_EM ? 4u : 0) |
	      (flags & WITH_AM ? 0x40000u : 0);
	cr0 = on ? cr0 | set : cr0 & ~set;
	if (flags & WITH_NO_SSE)
		cr4 ^= 0x200;
	if (flags & WITH_TSD)
		cr4 ^= 4;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
	if (flags & WITH_DR7) {
		__asm__ volatile("mov %0, %%dr0" : : "r"(USER_DATA));
		__asm__ volatile("mov %0, %%dr7" : : "r"(on ? 0xd0001 : 0));
	}
}

static struct entry start_of(const struct piece *p, uint32_t eax, uint32_t at)
{
	uint32_t f = p->flags;
	struct entry e = {.edi = 0x76543210,
			  .esi = 0x89abcdef,
			  .ebp = 0x13579bdf,
			  .ebx = USER_DATA,
			  .edx = 0x2468ace0,
			  .ecx = 0xfedcba98,
			  .eax = eax,
			  .eip = at,
			  .esp = USER_STACK - 16};

	e.ds = f & WITH_DATA_BASE ? BASED_SELECTOR : 0x23;
	e.gs = f & WITH_GS ? GS_SELECTOR : f & WITH_SMALL_GS ? SMALL_GS_SELECTOR : 0;
	e.cs = f & WITH_CODE16 ? CODE16_SELECTOR : 0x1b;
	e.eflags = 2 | (f & WITH_NO_IF ? 0 : 0x200) | (f & WITH_TF ? 0x100 : 0) |
		   (f & WITH_AC ? 0x40000 : 0) | (f & WITH_IOPL ? 0x3000 : 0);
	if (f & WITH_CODE16)
		e.eip -= USER_CODE;
	return e;
}

static void fill_data(void)
{
	uint32_t *data = (uint32_t *)USER_DATA;

	for (unsigned i = 0; i < PAGE / 4; i++)
		data[i] = i * 0x9e3779b1u;
}

static uint32_t data_sum(void)
{
	const uint32_t *data = (const uint32_t *)USER_DATA;
	uint32_t sum = 2166136261u;

	for (unsigned i = 0; i < PAGE / 4; i++)
		sum = (sum ^ data[i]) * 16777619u;
	return sum;
}

/* So that the fourth instruction of those pieces goes on in the second page. */
static uint32_t place(const struct piece *p)
{
	return p->flags & WITH_TWO_PAGES ? USER_CODE_2 - 4 : USER_CODE;
}

static void run_piece(const struct piece *p, uint32_t eax)
{
	struct entry e = start_of(p, eax, place(p));

	fill_data();
	set_control(p->flags, true);
	run(&e);
	set_control(p->flags, false);
}

static void tell(const struct piece *p)
{
	bool tsc = p->flags & NO_TSC;

	print("%s: vector %x error %x cr2 %x eip %x cs %x eflags %x esp %x ss %x ds %x es %x fs %x "
	      "gs %x eax %x ecx %x edx %x ebx %x ebp %x esi %x edi %x data %x\n",
	      p->name, got.vector, got.error, got.vector == 14 ? got.cr2 : 0, got.eip,
	      got.cs & 0xffff, got.eflags, got.esp, got.ss & 0xffff, got.ds & 0xffff,
	      got.es & 0xffff, got.fs & 0xffff, got.gs & 0xffff, tsc ? 0 : got.eax, got.ecx,
	      tsc ? 0 : got.edx, got.ebx, got.ebp, tsc ? 0 : got.esi, got.edi, data_sum());
}

static void load(const struct piece *p)
{
	map_user();
	memset((void *)USER_CODE, 0xf4, 2 * PAGE);
	memcpy((void *)place(p), p->start, (uint32_t)(p->end - p->start));
}

/* A fault, or the piece's own end, and nothing beyond it. */
static void judge_attack(const struct piece *p, uint32_t eax)
{
	bool ended = got.vector == 6 || got.vector == 13 || got.vector == 14 ||
		     (got.vector == VEC_END && p->flags & MAY_END);

	if (ended && *(const uint32_t *)USER_DATA != WENT_ON)
		return;
	print("FAIL: %s, eax %x: vector %x at %x\n", p->name, eax, got.vector, got.eip);
	failed = true;
}

static void attack(const struct piece *p)
{
	uint32_t count = p->flags & EVERY_CALL ? CALLS : ROUNDS;

	/*
	 * A monitor that an interrupt leads to the hidden instruction knows it from then on, and
	 * the host does not get to see it again.
	 */
	for (uint32_t eax = 0; eax < count; eax++) {
		if (eax % NEW_EACH == 0)
			load(p);
		run_piece(p, eax);
		judge_attack(p, eax);
	}
	print("attack: %s\n", p->name);
}

static void compare(const struct piece *p)
{
	load(p);
	for (unsigned round = 0; round < ROUNDS; round++) {
		run_piece(p, 0x01234567);
		tell(p);
	}
}

static void latency(void)
{
	static const uint8_t spin[] = {0x40, 0x01, 0xc2, 0xeb, 0xfb}; /* inc, add, jmp */
	const struct piece p = {"latency", spin, spin + sizeof(spin), 0};

	load(&p);
	ticks_left = TICKS;
	run_piece(&p, 0);
	print("latency: %x of %x within 200 us\n", ticks_prompt, TICKS);
}

void user_load(const uint8_t *start, const uint8_t *end)
{
	const struct piece p = {"", start, end, 0};

	load(&p);
}

const struct trap *user_trap(void)
{
	return &got;
}

void user_failed(const char *what, uint32_t n)
{
	if (!failed)
		print("FAIL: %s %x\n", what, n);
	failed = true;
}

void user_print(const char *text)
{
	print(text);
}

void user_ticks(unsigned ticks)
{
	ticks_left = ticks;
}

void user_wait(void)
{
	while (!(in8(COM1 + 5) & 1))
		;
	in8(COM1);
}

/* Multiboot: whether a word is on the command line. */
static bool asked(const uint32_t *info, const char *word)
{
	const char *line = info[0] & 4 ? (const char *)info[4] : "";

	for (; *line; line++) {
		unsigned n = 0;

		while (word[n] && line[n] == word[n])
			n++;
		if (!word[n])
			return true;
	}
	return false;
}

static void play_pieces(void)
{
	for (const struct piece *p = pieces; p < pieces_end; p++) {
		if (p->flags & ATTACK)
			attack(p);
		else
			compare(p);
	}
	latency();
}

static void serial_on(void)
{
	out8(COM1 + 3, 0x83);
	out8(COM1, 1);
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 3);
}

void ring3_main(const uint32_t *info)
{
	serial_on();
	descriptors_load();
	paging_on();
	timer_on();
	if (asked(info, "exhaust"))
		exhaust(directory);
	else if (asked(info, "hoard"))
		hoard(directory);
	else
		play_pieces();
	print(failed ? "ring3: FAILED\n" : "ring3: done\n");
	out8(DEBUG_EXIT, failed ? 0x11 : 0x10);
	for (;;)
		__asm__ volatile("cli; hlt");
}
