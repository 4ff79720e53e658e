/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of paging: the same questions to two-level tables, 4 MiB pages and PAE
 * (SDM 3A chapter 4). The first 4 MiB are mapped to themselves; the page under
 * test is at linear TEST, backed by physical PAGE_A or PAGE_B.
 */
#include "selftest.h"

#include "screen.h"

#define CR0_PG 0x80000000u
#define CR0_WP 0x00010000u
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define PTE_P 0x01u
#define PTE_W 0x02u
#define PTE_U 0x04u
#define PTE_A 0x20u
#define PTE_D 0x40u
#define PTE_PS 0x80u
#define PF_PRESENT 1
#define PF_WRITE 2

/* Tables and pages above 1 MiB, where nothing else is. */
#define DIRECTORY ((volatile uint32_t *)0x200000)
#define TABLE ((volatile uint32_t *)0x201000)
#define TEST_TABLE ((volatile uint32_t *)0x202000)
#define POINTERS ((volatile uint64_t *)0x203000)
#define DIRECTORY64 ((volatile uint64_t *)0x204000)
#define TEST_TABLE64 ((volatile uint64_t *)0x205000)
#define PAGE_A 0x206000u
#define PAGE_B 0x207000u
#define TEST 0x00c03000u
#define TEST_INDEX 3
#define MARK_A 0xaaaa0001u
#define MARK_B 0xbbbb0002u

static uint32_t read_cr0(void)
{
	uint32_t v;

	__asm__ volatile("movl %%cr0, %0" : "=r"(v));
	return v;
}

static void write_cr0(uint32_t v)
{
	__asm__ volatile("movl %0, %%cr0" : : "r"(v) : "memory");
}

static void write_cr4(uint32_t set, uint32_t clear)
{
	uint32_t v;

	__asm__ volatile("movl %%cr4, %0" : "=r"(v));
	__asm__ volatile("movl %0, %%cr4" : : "r"((v | set) & ~clear) : "memory");
}

static void paging_on(const volatile void *root)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(root) : "memory");
	write_cr0(read_cr0() | CR0_PG);
}

static void paging_off(void)
{
	write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
}

static void invlpg(uint32_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Reads TEST; 0 where it faults. */
static uint32_t probe_read(void)
{
	uint32_t v = 0;

	trap.vector = VECTOR_NONE;
	__asm__ volatile("movl $1f, %1; movl (%2), %0; 1:"
			 : "+r"(v), "=m"(trap_resume) : "r"(TEST) : "memory");
	trap_resume = 0;
	return v;
}

/* Writes TEST; returns whether it could. */
static bool probe_write(uint32_t v)
{
	trap.vector = VECTOR_NONE;
	__asm__ volatile("movl $1f, %0; movl %1, (%2); 1:"
			 : "=m"(trap_resume) : "r"(v), "r"(TEST) : "memory");
	trap_resume = 0;
	return trap.vector == VECTOR_NONE;
}

static void prepare(void)
{
	for (unsigned i = 0; i < 1024; i++) {
		DIRECTORY[i] = TEST_TABLE[i] = 0;
		TABLE[i] = i << 12 | PTE_P | PTE_W;
	}
	DIRECTORY[0] = (uint32_t)TABLE | PTE_P | PTE_W;
	DIRECTORY[TEST >> 22] = (uint32_t)TEST_TABLE | PTE_P | PTE_W;
	for (unsigned i = 0; i < 512; i++)
		POINTERS[i] = DIRECTORY64[i] = TEST_TABLE64[i] = 0;
	POINTERS[0] = (uint32_t)DIRECTORY64 | PTE_P;
	DIRECTORY64[0] = 0x000000 | PTE_P | PTE_W | PTE_PS;
	DIRECTORY64[1] = 0x200000 | PTE_P | PTE_W | PTE_PS;
	DIRECTORY64[TEST >> 21] = (uint32_t)TEST_TABLE64 | PTE_P | PTE_W;
	*(volatile uint32_t *)PAGE_A = MARK_A;
	*(volatile uint32_t *)PAGE_B = MARK_B;
}

/* The entry of TEST, in whichever format: its low half is the same. */
static bool questions(volatile uint32_t *entry)
{
	bool good;

	*entry = PAGE_A | PTE_P | PTE_W;
	invlpg(TEST);
	good = probe_read() == MARK_A && (*entry & PTE_A) && !(*entry & PTE_D);
	good &= probe_write(MARK_A + 1) && (*entry & PTE_D);
	good &= *(volatile uint32_t *)PAGE_A == MARK_A + 1;

	*entry = PAGE_B | PTE_P; /* another page, read only */
	invlpg(TEST);
	good &= probe_read() == MARK_B && probe_write(MARK_B + 1); /* WP = 0: the kernel may */
	write_cr0(read_cr0() | CR0_WP);
	good &= !probe_write(1) && trap.vector == VECTOR_PF && trap.cr2 == TEST &&
		trap.error == (PF_PRESENT | PF_WRITE);
	write_cr0(read_cr0() & ~CR0_WP);

	*entry = 0;
	invlpg(TEST);
	probe_read();
	good &= trap.vector == VECTOR_PF && trap.cr2 == TEST && trap.error == 0;
	return good;
}

static enum outcome two_levels(char *note, size_t size)
{
	bool good;

	prepare();
	paging_on(DIRECTORY);
	good = questions(&TEST_TABLE[TEST_INDEX]);
	paging_off();
	format_text(note, size, "accessed, dirty, WP, INVLPG, faults");
	return good;
}

static enum outcome large_pages(char *note, size_t size)
{
	bool good;

	(void)note, (void)size;
	if (!(cpu_features() & CPUID_PSE))
		return SKIPPED;
	prepare();
	DIRECTORY[0] = PTE_P | PTE_W | PTE_PS;
	/* Linear 0xc00000 is physical 0: TEST is then 0x3000, and PAGE_A at 0xe06000. */
	DIRECTORY[TEST >> 22] = PTE_P | PTE_W | PTE_PS;
	write_cr4(CR4_PSE, 0);
	paging_on(DIRECTORY);
	good = *(volatile uint32_t *)(0xc00000 + PAGE_A) == MARK_A;
	*(volatile uint32_t *)(0xc00000 + PAGE_A) = 5;
	good &= *(volatile uint32_t *)PAGE_A == 5 && (DIRECTORY[TEST >> 22] & PTE_D);
	paging_off();
	write_cr4(0, CR4_PSE);
	return good;
}

static enum outcome pae(char *note, size_t size)
{
	bool good;

	(void)note, (void)size;
	if (!(cpu_features() & CPUID_PAE))
		return SKIPPED;
	prepare();
	write_cr4(CR4_PAE, 0);
	paging_on(POINTERS);
	good = questions((volatile uint32_t *)&TEST_TABLE64[TEST_INDEX]);
	paging_off();
	write_cr4(0, CR4_PAE);
	return good;
}

static enum outcome a20(char *note, size_t size)
{
	volatile uint32_t *low = (volatile uint32_t *)0x7000, *high = (void *)0x107000;
	uint32_t through;

	(void)note, (void)size;
	*low = 1;
	*high = 2;
	out8(0x92, in8(0x92) & ~2);
	through = *high;
	out8(0x92, in8(0x92) | 2);
	return through == 1 && *high == 2;
}

static enum outcome memory(char *note, size_t size)
{
	struct memory_range ranges[32];
	unsigned n = memory_map(ranges, 32);
	uint64_t usable = 0;

	for (unsigned i = 0; i < n; i++)
		if (ranges[i].type == 1)
			usable += ranges[i].size;
	format_text(note, size, "%u KiB usable in %u ranges", (uint32_t)(usable >> 10), n);
	if (usable < 8 << 20)
		return FAILED;
	for (uint32_t a = 0x400000; a < 0x800000; a += 4)
		*(volatile uint32_t *)a = a * 0x9e3779b1;
	for (uint32_t a = 0x400000; a < 0x800000; a += 4)
		if (*(volatile uint32_t *)a != a * 0x9e3779b1)
			return FAILED;
	return PASSED;
}

const struct check paging_checks[] = {
	{"memory map, 4 MiB written and read", memory},
	{"A20 gate", a20},
	{"paging, two levels", two_levels},
	{"paging, 4 MiB pages", large_pages},
	{"paging, PAE", pae},
	{NULL, NULL},
};
