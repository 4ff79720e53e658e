// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel and its ring 3 that together want the monitor to keep as much as it can on
 * their behalf, in each kind of thing that it keeps: mappings and code remembered in
 * many address spaces, far apart; page tables; translations, in the forms that take
 * the most room; what the interpreter decodes; look-ups. Little of the guest's own memory
 * is needed for it, since tables and pages are the same ones again and again. After
 * each part a byte is waited for: somebody looks at the monitor's memory then.
 *
 *	0x00800000	page tables, one after the other
 *	0x01800000	code, in forms of its own
 *	0x02000000	pages of code
 */
#include "ring3.h"

#define PAGE	    4096u
#define PRESENT	    1u
#define WRITABLE    2u
#define USER	    4u
#define MEMORY	    0x8000000u /* mapped one to one for ring 0 */
#define FIRST_PDE   (MEMORY >> 22)
#define OWN_PDE	    (USER_CODE >> 22)
#define IDENTITY    0x7c0000u /* the page tables for that */
#define TABLES	    0x800000u
#define TABLES_END  0x1800000u
#define CODE	    0x1800000u
#define PAGES	    0x2000000u
#define PAGE_COUNT  20000u /* to be run in ring 0 */
#define USER_PAGES  3000u  /* to be run in ring 3 */
#define SPACES	    70u
#define TABLE_COUNT 1600u
#define SPIN	    7u /* ticks that a program is seen computing */
#define MAGIC	    3u /* at hop_code's MAGIC_AT */
#define MAGIC_AT    0x800u
/*
 * From page to page: each takes its own page of what windows know of pages
 * (mmu/window_internal.h). Three steps are 4 MiB, or 124 MiB.
 */
#define STEP	     (341 * PAGE)
#define LONG_STEP    (STEP + 10 * 1024 * PAGE)
#define STEPS_A_PDE  3u
#define LONG_STEPS   95u
#define SMALL_PAGES  96u
#define LARGE_AT     (PAGES + SMALL_PAGES * PAGE)
#define LARGE_BLOCKS 26000u
#define LARGE_INSNS  46u
#define TRACED_STEPS 6000u
#define LOOKUPS	     65536u
#define READS	     4096u
#define LOOKUP_BASE  0x60000000u

/* From page to page, in the page at EDI, which is read as well. The last step of three is longer.
 */
#define HOP                                                                                        \
	"	addl	0x800(%edi), %eax\n"                                                                \
	"	addl	%esi, %edi\n"                                                                       \
	"	xchgl	%esi, %edx\n"                                                                      \
	"	xchgl	%edx, %ebx\n"                                                                      \
	"	decl	%ecx\n"                                                                             \
	"	jz	1f\n"                                                                                 \
	"	jmp	*%edi\n"                                                                             \
	"1:\n"
extern const uint8_t hop_code[], hop_end[], hop0_code[], hop0_end[], read_code[], read_end[],
    call_code[], call_end[], spin_code[], spin_end[];
__asm__(".section .rodata\n"
	"hop_code:\n" HOP "	int	$0x80\n"
	"hop_end:\n"
	"hop0_code:\n" HOP "	ret\n"
	"hop0_end:\n"
	"read_code:\n"
	"1:	addl	(%edi), %eax\n"
	"	addl	%esi, %edi\n"
	"	decl	%ecx\n"
	"	jnz	1b\n"
	"	int	$0x80\n"
	"read_end:\n"
	"call_code:\n"
	"1:	call	*%edi\n"
	"	addl	%esi, %edi\n"
	"	decl	%ecx\n"
	"	jnz	1b\n"
	"	int	$0x80\n"
	"call_end:\n"
	"spin_code:\n"
	"1:	jmp	1b\n"
	"spin_end:\n"
	".text\n");

static uint32_t next_table = TABLES;
static uint32_t *kernel_directory;

/* ---- tables ---- */
static uint32_t *new_table(void)
{
	uint32_t *t = (uint32_t *)next_table;

	if (next_table == TABLES_END)
		user_failed("hoard: tables", 0);
	next_table += PAGE;
	for (unsigned i = 0; i < 1024; i++)
		t[i] = 0;
	return t;
}

static void cr3_write(const uint32_t *directory)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
}

static void map_memory(uint32_t *directory)
{
	for (unsigned i = 2; i < FIRST_PDE; i++) {
		uint32_t *table = (uint32_t *)IDENTITY + 1024 * i;

		for (unsigned n = 0; n < 1024; n++)
			table[n] = (i * 1024 + n) * PAGE | PRESENT | WRITABLE;
		directory[i] = (uint32_t)table | PRESENT | WRITABLE;
	}
	cr3_write(directory);
	kernel_directory = directory;
}

/* The kernel's, and else one table everywhere. */
static uint32_t *new_space(const uint32_t *table, uint32_t rights)
{
	uint32_t *directory = new_table();

	for (unsigned i = 0; i < 1024; i++)
		directory[i] =
		    i < FIRST_PDE || i == OWN_PDE ? kernel_directory[i] : (uint32_t)table | rights;
	return directory;
}

/* Shows the frame at three places far apart. */
static uint32_t *spread_table(uint32_t frame, uint32_t rights)
{
	uint32_t *table = new_table();

	for (unsigned i = 0; i < STEPS_A_PDE; i++)
		table[i * (STEP / PAGE)] = frame | rights;
	return table;
}

static uint32_t *full_table(uint32_t frame, uint32_t step, uint32_t rights)
{
	uint32_t *table = new_table();

	for (unsigned i = 0; i < 1024; i++)
		table[i] = (frame + i * step) | rights;
	return table;
}

/* ---- code ---- */
static uint32_t put(uint32_t at, const uint8_t *start, const uint8_t *end)
{
	while (start < end)
		*(uint8_t *)at++ = *start++;
	return at;
}

static void fill(uint32_t at, uint32_t bytes, uint8_t byte)
{
	for (uint32_t i = 0; i < bytes; i++)
		((uint8_t *)at)[i] = byte;
}

static uint32_t hop_frame(uint32_t frame, const uint8_t *start, const uint8_t *end)
{
	put(frame, start, end);
	*(uint32_t *)(frame + MAGIC_AT) = MAGIC;
	return frame;
}

static void call(uint32_t at)
{
	__asm__ volatile("call *%0" : : "r"(at) : "memory", "cc");
}

static const struct trap *go(uint32_t eip, uint32_t edi, uint32_t esi, uint32_t ecx)
{
	struct entry e = {.edi = edi,
			  .esi = esi,
			  .edx = esi,
			  .ebx = esi + PAGE,
			  .ecx = ecx,
			  .ds = 0x23,
			  .eip = eip,
			  .cs = 0x1b,
			  .eflags = 0x202,
			  .esp = USER_STACK - 16};

	run(&e);
	return user_trap();
}

static void check(bool right, const char *what, uint32_t n)
{
	if (!right)
		user_failed(what, n);
}

/* In the space, with this code at USER_CODE. */
static void enter(const uint32_t *space, const uint8_t *start, const uint8_t *end)
{
	user_load(start, end); /* in the kernel's own space */
	cr3_write(space);
}

/* Computes for so long that it is found worth a window, or a process of its own. */
static void spin(unsigned ticks)
{
	user_ticks(ticks);
	go(USER_CODE, 0, 0, 0);
}

/* ---- parts ---- */
static void hop0(uint32_t pde, uint32_t pdes)
{
	uint32_t sum = 0, edi = pde << 22, ecx = pdes * STEPS_A_PDE, esi = STEP, edx = STEP,
		 ebx = STEP + PAGE;

	__asm__ volatile("call *%1"
			 : "+a"(sum), "+D"(edi), "+c"(ecx), "+S"(esi), "+d"(edx), "+b"(ebx)
			 :
			 : "memory", "cc");
	check(sum == pdes * STEPS_A_PDE * MAGIC, "hoard: kernel pages", sum);
}

static void kernel_pages(void)
{
	uint32_t frame = hop_frame(CODE, hop0_code, hop0_end);
	const uint32_t *directory =
	    new_space(spread_table(frame, PRESENT | WRITABLE), PRESENT | WRITABLE);

	cr3_write(directory);
	hop0(FIRST_PDE, OWN_PDE - FIRST_PDE);
	hop0(OWN_PDE + 1, 1023 - OWN_PDE);
	cr3_write(kernel_directory);
}

static void hop3(void)
{
	const struct trap *t = go(FIRST_PDE << 22, FIRST_PDE << 22, LONG_STEP, LONG_STEPS);

	check(t->vector == 0x80, "hoard: spaces: vector", t->vector);
	check(t->eax == LONG_STEPS * MAGIC, "hoard: spaces: sum", t->eax);
}

static void spaces(void)
{
	uint32_t frame = hop_frame(CODE + PAGE, hop_code, hop_end), rights = PRESENT | USER;
	const uint32_t *table = spread_table(frame, rights);

	user_load(spin_code, spin_end);
	for (unsigned n = 0; n < SPACES; n++) {
		cr3_write(new_space(table, rights | WRITABLE));
		spin(n % 4 ? 3 : SPIN);
		hop3();
	}
	cr3_write(kernel_directory);
}

static void page_tables(void)
{
	uint32_t *directory = new_space((const uint32_t *)0, 0), pde = FIRST_PDE, sum = 0;

	cr3_write(directory);
	for (unsigned n = 0; n < TABLE_COUNT; n++, pde++) {
		if (pde == OWN_PDE)
			pde++;
		if (pde == 1024) {
			pde = FIRST_PDE;
			directory = new_space((const uint32_t *)0, 0);
			cr3_write(directory);
		}
		directory[pde] = (uint32_t)spread_table(CODE, PRESENT) | PRESENT | WRITABLE;
		sum += *(volatile uint32_t *)((pde << 22) + MAGIC_AT);
	}
	check(sum == TABLE_COUNT * MAGIC, "hoard: page tables", sum);
	cr3_write(kernel_directory);
}

/* Blocks of one jump. */
static void small_blocks(void)
{
	for (unsigned i = 0; i < SMALL_PAGES; i++) {
		uint32_t page = PAGES + i * PAGE;

		for (unsigned n = 0; n < PAGE; n += 2)
			*(uint16_t *)(page + n) = 0x00eb; /* jmp to the next */
		*(uint8_t *)(page + PAGE - 2) = 0xc3;
		call(page);
	}
}

/* A jump over as many instructions as go into a block. */
static void large_blocks(void)
{
	static const uint8_t start[] = {0x31, 0xc0}; /* xor eax, eax */
	static const uint8_t jz[] = {0x0f, 0x84, 10 * LARGE_INSNS & 0xff, 10 * LARGE_INSNS >> 8};
	static const uint8_t add[] = {0x81, 0x05, 0, 0, 0x80, 0, 1, 0, 0, 1}; /* [TABLES] */
	uint32_t at = put(LARGE_AT, start, start + sizeof(start));

	for (unsigned i = 0; i < LARGE_BLOCKS; i++) {
		at = put(at, jz, jz + sizeof(jz)) + 2; /* what is there is zero */
		for (unsigned n = 0; n < LARGE_INSNS; n++)
			at = put(at, add, add + sizeof(add));
	}
	*(uint8_t *)at = 0xc3;
	__asm__ volatile("call *%0" : : "r"(LARGE_AT) : "eax", "memory", "cc");
}

static void code_pages(void)
{
	for (unsigned i = 0; i < PAGE_COUNT; i++) {
		*(uint8_t *)(PAGES + i * PAGE) = 0xc3;
		call(PAGES + i * PAGE);
	}
}

/* Single steps: what is interpreted is decoded, with what follows it. */
static void steps(void)
{
	uint32_t frame = CODE + 2 * PAGE;
	const uint32_t *space = new_space(full_table(frame, PAGE, PRESENT | USER), PRESENT | USER);
	struct entry e = {.ds = 0x23, .cs = 0x1b, .eflags = 0x302, .esp = USER_STACK - 16};

	fill(frame, (TRACED_STEPS / PAGE + 2) * PAGE, 0x90);
	cr3_write(space);
	for (unsigned i = 0; i < TRACED_STEPS; i++) {
		e.eip = LOOKUP_BASE + i;
		run(&e);
		check(user_trap()->vector == 1 && user_trap()->eip == e.eip + 1, "hoard: steps", i);
	}
	cr3_write(kernel_directory);
}

/* Indirect calls to as many places as there are in a jump cache, reads of as many pages. */
static void lookups(void)
{
	uint32_t frame = CODE + 8 * PAGE, sum = 0;
	const uint32_t *table = full_table(frame, 0, PRESENT | USER);

	fill(frame, PAGE, 0xc3);
	for (unsigned n = 0; n < 3; n++) {
		const uint32_t *space = new_space(table, PRESENT | USER);

		enter(space, call_code, call_end);
		go(USER_CODE, LOOKUP_BASE, 4, LOOKUPS);
		check(user_trap()->vector == 0x80, "hoard: calls", n);
		enter(space, read_code, read_end);
		go(USER_CODE, LOOKUP_BASE, PAGE, READS);
		check(user_trap()->eax == READS * 0xc3c3c3c3u, "hoard: reads", n);
	}
	for (unsigned i = 0; i < LOOKUPS; i++) {
		call(LOOKUP_BASE + 4 * i);
		sum += *(volatile uint32_t *)(LOOKUP_BASE + i * PAGE);
	}
	check(sum == LOOKUPS * 0xc3c3c3c3u, "hoard: kernel reads", sum);
	cr3_write(kernel_directory);
}

/* Pages of code in ring 3. */
static void user_pages(void)
{
	uint32_t *directory = new_space((const uint32_t *)0, 0);

	for (unsigned i = 0; i * 1024 < USER_PAGES; i++)
		directory[(LOOKUP_BASE >> 22) + i] =
		    (uint32_t)full_table(PAGES + i * 1024 * PAGE, PAGE, PRESENT | USER) | PRESENT |
		    USER;
	for (unsigned i = 0; i < USER_PAGES; i++)
		*(uint8_t *)(PAGES + i * PAGE) = 0xc3;
	enter(directory, spin_code, spin_end);
	spin(SPIN);
	enter(directory, call_code, call_end);
	go(USER_CODE, LOOKUP_BASE, PAGE, USER_PAGES);
	check(user_trap()->vector == 0x80, "hoard: user pages", user_trap()->vector);
	cr3_write(kernel_directory);
}

void hoard(uint32_t *directory)
{
	static const struct {
		const char *name;
		void (*part)(void);
	} parts[] = {{"kernel pages", kernel_pages},
		     {"spaces", spaces},
		     {"page tables", page_tables},
		     {"small blocks", small_blocks},
		     {"large blocks", large_blocks},
		     {"code pages", code_pages},
		     {"steps", steps},
		     {"look-ups", lookups},
		     {"user pages", user_pages},
		     {"spaces again", spaces}};

	map_memory(directory);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		next_table = TABLES;
		parts[i].part();
		user_print("hoard: ");
		user_print(parts[i].name);
		user_print("\n");
		user_wait();
	}
}
