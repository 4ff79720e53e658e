// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptor tables, traps, timer, serial line, disk, A20. */
#include "stress.h"

#include <stdarg.h>

#define COM1	   0x3f8
#define DEBUG_EXIT 0x501
#define IDE	   0x1f0
#define PIT_HZ	   1193182u
#define TIMER_HZ   1000u

struct trap got;
bool (*may_retry)(uint32_t cr2, uint32_t error);
uint32_t ticks;

static uint64_t gdt[6] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff,
			  0x00cff3000000ffff, 0};
static uint64_t idt[256];
static uint32_t tss[26];
static uint8_t trap_stack[8192] __attribute__((aligned(16)));
struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

/* ---- text ---- */
static void put(char c)
{
	for (unsigned n = 0; n < 1000000 && !(in8(COM1 + 5) & 0x20); n++)
		;
	out8(COM1, (uint8_t)c);
	out8(0xe9, (uint8_t)c);
}

static void put_number(uint32_t n, uint32_t base)
{
	if (n >= base)
		put_number(n / base, base);
	put("0123456789abcdef"[n % base]);
}

static void print_list(const char *f, va_list list)
{
	for (; *f; f++) {
		if (*f != '%') {
			put(*f);
			continue;
		}
		f++;
		if (*f == 's')
			for (const char *s = va_arg(list, const char *); *s; s++)
				put(*s);
		else
			put_number(va_arg(list, uint32_t), *f == 'x' ? 16 : 10);
	}
}

void print(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	print_list(format, list);
	va_end(list);
}

_Noreturn void finish(bool passed)
{
	out8(DEBUG_EXIT, passed ? 0x10 : 0x11);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void fail(const char *format, ...)
{
	va_list list;

	__asm__ volatile("cli");
	print("FAIL step %u: ", step);
	va_start(list, format);
	print_list(format, list);
	va_end(list);
	print("\n");
	finish(false);
}

/* ---- traps ---- */
/* Whether run() is over. */
bool trap(struct trap *t)
{
	if (t->vector == VEC_IRQ0) {
		ticks++;
		out8(0x20, 0x20);
		return false;
	}
	if (t->vector == VEC_GP && pdptes_again(t->eip))
		return false;
	if (t->vector != VEC_END &&
	    (t->vector != VEC_PF || !may_retry))
		fail("vector %u, error %x at %x, cr2 %x", t->vector, t->error, t->eip, t->cr2);
	if (t->vector == VEC_PF && may_retry(t->cr2, t->error))
		return false;
	got = *t;
	return true;
}

static void tables_load(void)
{
	struct table_pointer gdtr = {sizeof(gdt) - 1, (uintptr_t)gdt};
	struct table_pointer idtr = {sizeof(idt) - 1, (uintptr_t)idt};
	uint32_t base = (uintptr_t)tss;

	tss[1] = (uintptr_t)trap_stack + sizeof(trap_stack);
	tss[2] = 0x10;
	gdt[5] = (sizeof(tss) - 1) | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 |
		 (uint64_t)(base >> 24) << 56;
	for (unsigned v = 0; v < 256; v++) {
		uint32_t at = (uintptr_t)vectors + 16 * v;

		idt[v] = (at & 0xffff) | 0x08u << 16 | (v == VEC_END ? 0xeeull : 0x8eull) << 40 |
			 (uint64_t)(at >> 16) << 48;
	}
	load_tables(&gdtr, &idtr);
}

void hardware_init(void)
{
	static const uint8_t pic[][2] = {{0x20, 0x11}, {0x21, VEC_IRQ0}, {0x21, 4}, {0x21, 1},
					 {0xa0, 0x11}, {0xa1, VEC_IRQ0 + 8}, {0xa1, 2}, {0xa1, 1},
					 {0x21, 0xfe}, {0xa1, 0xff}};

	out8(COM1 + 3, 0x83);
	out8(COM1, 1);
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 3);
	tables_load();
	for (unsigned i = 0; i < sizeof(pic) / 2; i++)
		out8(pic[i][0], pic[i][1]);
	out8(0x43, 0x34);
	out8(0x40, (PIT_HZ / TIMER_HZ) & 0xff);
	out8(0x40, (PIT_HZ / TIMER_HZ) >> 8);
}

uint64_t cpu_flags(void)
{
	uint32_t a = 1, b, c = 0, d, e = 0;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	a = 0x80000000;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(e));
	if (a < 0x80000001)
		return d;
	a = 0x80000001;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(e));
	return d | (uint64_t)e << 32;
}

void a20_set(bool on)
{
	uint8_t v = in8(0x92) & 0xfc;

	out8(0x92, v | (on ? 2 : 0));
}

/* ---- the disk: primary master ---- */
static uint16_t bus_master;
static uint32_t prd[2] __attribute__((aligned(8)));

static uint32_t pci_read(uint32_t reg)
{
	out32(0xcf8, 0x80000000 | 1 << 11 | 1 << 8 | reg);
	return in32(0xcfc);
}

void disk_init(void)
{
	bus_master = pci_read(0x20) & 0xfff0;
	uint32_t command = pci_read(4);

	out32(0xcfc, command | 5);
}

static void disk_wait(uint8_t want)
{
	for (unsigned n = 0; n < 2000000; n++) {
		uint8_t s = in8(IDE + 7);

		if (!(s & 0x80) && (s & want) == want)
			return;
	}
	fail("the disk does not answer: status %x, error %x, want %x", (uint32_t)in8(IDE + 7), (uint32_t)in8(IDE + 1), (uint32_t)want);
}

static void disk_command(uint32_t lba, uint32_t sectors, uint8_t command)
{
	out8(IDE + 6, 0xe0);
	disk_wait(0x40);
	out8(0x3f6, 0);
	out8(IDE + 2, (uint8_t)sectors);
	out8(IDE + 3, (uint8_t)lba);
	out8(IDE + 4, (uint8_t)(lba >> 8));
	out8(IDE + 5, 0);
	out8(IDE + 7, command);
}

void disk_pio(uint32_t lba, uint32_t phys)
{
	uint32_t words = 256;

	disk_command(lba, 1, 0x20);
	disk_wait(0x08);
	__asm__ volatile("rep insw" : "+D"(phys), "+c"(words) : "d"(IDE) : "memory");
}

void disk_dma(uint32_t lba, uint32_t phys, uint32_t sectors)
{
	prd[0] = phys;
	prd[1] = 0x80000000 | sectors * 512;
	out32(bus_master + 4, (uintptr_t)prd);
	out8(bus_master, 8);
	out8(bus_master + 2, 6);
	disk_command(lba, sectors, 0xc8);
	out8(bus_master, 9);
	for (unsigned n = 0; in8(bus_master + 2) & 1 || !(in8(bus_master + 2) & 4); n++)
		if (n > 2000000)
			fail("no end of DMA");
	out8(bus_master, 0);
	disk_wait(0x40); /* and the interrupt, which nobody takes, is gone */
}
