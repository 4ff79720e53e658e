/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the processor: arithmetic and its flags, strings, bits, faults,
 * rings, virtual-8086 mode, x87, MMX and SSE. Expected values are what the
 * Intel SDM's volume 2 says, or constants of mathematics.
 */
#include "selftest.h"

#include "screen.h"

#define CF 0x001
#define PF 0x004
#define AF 0x010
#define ZF 0x040
#define SF 0x080
#define OF 0x800
#define STATUS_FLAGS (CF | PF | AF | ZF | SF | OF)
#define CR0_EM 0x04
#define CR0_MP 0x02
#define CR0_TS 0x08
#define CR4_OSFXSR 0x200

#define NOTE (void)note, (void)size

/* Runs insn on a, with b, and returns the status flags. */
#define ALU(insn, a, b)                                                                            \
	({                                                                                         \
		uint32_t flags_;                                                                   \
		__asm__ volatile("pushl $2; popfl; " insn "; pushfl; popl %1"                      \
				 : "+r"(a), "=&r"(flags_)                                          \
				 : "r"(b)                                                          \
				 : "cc", "memory");                                                \
		flags_ & STATUS_FLAGS;                                                             \
	})

/* Runs insn, which is to fault; trap says how. */
#define FAULT(insn, ...)                                                                           \
	do {                                                                                       \
		trap.vector = VECTOR_NONE;                                                         \
		__asm__ volatile("movl $1f, %0; " insn "; 1:"                                      \
				 : "=m"(trap_resume)                                               \
				 : __VA_ARGS__                                                     \
				 : "eax", "ecx", "edx", "memory", "cc");                           \
		trap_resume = 0;                                                                   \
	} while (0)

static enum outcome addition(char *note, size_t size)
{
	uint32_t a = 0x7fffffff, b = 1, c = 0xffffffff, d = 0x80000000, e = 0x0f;
	bool good;

	NOTE;
	good = ALU("addl %2, %0", a, b) == (OF | SF | AF | PF) && a == 0x80000000;
	good &= ALU("addl %2, %0", c, b) == (CF | ZF | AF | PF) && c == 0;
	good &= ALU("subl %2, %0", d, b) == (OF | AF | PF) && d == 0x7fffffff;
	good &= ALU("incl %0", e, b) == AF && e == 0x10;
	c = 0;
	good &= ALU("stc; sbbl %2, %0", c, b) == (CF | SF | AF) && c == 0xfffffffe;
	return good;
}

static enum outcome logic(char *note, size_t size)
{
	uint32_t a = 0xf0f0f0f0, b = 0x0ff0, c = 0x80000001, n = 4;
	bool good;

	NOTE;
	good = (ALU("andl %2, %0", a, b) & ~AF) == (PF) && a == 0x00f0;
	good &= (ALU("xorl %2, %0", b, b) & ~AF) == (ZF | PF) && b == 0;
	good &= (ALU("roll $1, %0", c, n) & CF) && c == 3;
	a = 0x12345678;
	ALU("shll $4, %0", a, n);
	good &= a == 0x23456780;
	a = 0x87654321;
	ALU("sarl $8, %0", a, n);
	good &= a == 0xff876543;
	a = 0x12345678;
	b = 0xabcdef01;
	ALU("shldl $12, %2, %0", a, b);
	return good && a == 0x45678abc;
}

static enum outcome multiplication(char *note, size_t size)
{
	uint32_t low = 0xdeadbeef, high, quotient, remainder;
	int32_t q, r;

	NOTE;
	__asm__ volatile("mull %2" : "+a"(low), "=d"(high) : "r"(0xcafebabe) : "cc");
	if (high != 0xb092ab7b || low != 0x88cf5b62)
		return FAILED;
	__asm__ volatile("divl %4" : "=a"(quotient), "=d"(remainder)
			 : "0"(low), "1"(high), "r"(0xdeadbeef) : "cc");
	if (quotient != 0xcafebabe || remainder)
		return FAILED;
	__asm__ volatile("cltd; idivl %3" : "=a"(q), "=&d"(r) : "0"(-100), "r"(7) : "cc");
	return q == -14 && r == -2;
}

static enum outcome decimal(char *note, size_t size)
{
	uint16_t a = 0x0038;

	NOTE;
	__asm__ volatile("addb $0x45, %%al; daa" : "+a"(a) : : "cc");
	if ((a & 0xff) != 0x83)
		return FAILED;
	a = 75;
	__asm__ volatile("aam" : "+a"(a) : : "cc");
	if (a != 0x0705)
		return FAILED;
	__asm__ volatile("aad" : "+a"(a) : : "cc");
	return (a & 0xff) == 75;
}

static enum outcome strings(char *note, size_t size)
{
	char from[] = "abcdefghijklmnop", to[sizeof(from)];
	const char *s = from + sizeof(from) - 1;
	char *d = to + sizeof(to) - 1;
	uint32_t n = sizeof(from);

	NOTE;
	__asm__ volatile("std; rep movsb; cld" : "+S"(s), "+D"(d), "+c"(n) : : "memory");
	if (memcmp(from, to, sizeof(from)) || n)
		return FAILED;
	d = to;
	n = sizeof(to);
	__asm__ volatile("repne scasb" : "+D"(d), "+c"(n) : "a"('k') : "cc", "memory");
	if (d != to + 11)
		return FAILED;
	to[5] = 'X';
	s = from;
	d = to;
	n = sizeof(to);
	__asm__ volatile("repe cmpsb" : "+S"(s), "+D"(d), "+c"(n) : : "cc", "memory");
	return d == to + 6;
}

static enum outcome bits(char *note, size_t size)
{
	uint32_t v = 0x00081000, first, last, swapped = 0x12345678;
	uint8_t set;

	NOTE;
	__asm__ volatile("bsfl %1, %0" : "=r"(first) : "r"(v) : "cc");
	__asm__ volatile("bsrl %1, %0" : "=r"(last) : "r"(v) : "cc");
	__asm__ volatile("btsl $3, %0; setc %1" : "+r"(v), "=q"(set) : : "cc");
	__asm__ volatile("bswapl %0" : "+r"(swapped));
	return first == 12 && last == 19 && v == 0x00081008 && !set && swapped == 0x78563412;
}

static enum outcome identity(char *note, size_t size)
{
	uint32_t r[4];
	char vendor[13] = "";

	cpuid(0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	format_text(note, size, "%s, leaves to %u", vendor, r[0]);
	return r[0] >= 1 && (cpu_features() & 1);
}

static enum outcome exchange(char *note, size_t size)
{
	uint64_t memory = 0x1122334455667788;
	uint32_t low = 0x55667788, high = 0x11223344;
	uint8_t equal;

	NOTE;
	if (!(cpu_features() & CPUID_CX8))
		return SKIPPED;
	__asm__ volatile("lock cmpxchg8b %0; sete %3"
			 : "+m"(memory), "+a"(low), "+d"(high), "=q"(equal)
			 : "b"(0xcccccccc), "c"(0xdddddddd) : "cc");
	return equal && memory == 0xddddddddcccccccc;
}

static enum outcome time_stamps(char *note, size_t size)
{
	uint32_t low[2], high[2];

	NOTE;
	if (!(cpu_features() & CPUID_TSC))
		return SKIPPED;
	__asm__ volatile("rdtsc" : "=a"(low[0]), "=d"(high[0]));
	wait_ticks(2);
	__asm__ volatile("rdtsc" : "=a"(low[1]), "=d"(high[1]));
	return high[1] > high[0] || (high[1] == high[0] && low[1] > low[0]);
}

static enum outcome faults(char *note, size_t size)
{
	FAULT("xorl %%eax, %%eax; cltd; idivl %%eax", "i"(0));
	if (trap.vector != VECTOR_DE)
		goto wrong;
	FAULT("ud2", "i"(0));
	if (trap.vector != VECTOR_UD)
		goto wrong;
	FAULT("int3", "i"(0));
	if (trap.vector != VECTOR_BP)
		goto wrong;
	FAULT("movb $0x7f, %%al; addb $1, %%al; into", "i"(0));
	if (trap.vector != VECTOR_OF)
		goto wrong;
	FAULT("movw $0x1000, %%ax; movw %%ax, %%fs", "i"(0));
	if (trap.vector != VECTOR_GP || trap.error != 0x1000)
		goto wrong;
	return PASSED;
wrong:
	format_text(note, size, "vector %u, error %x", trap.vector, trap.error);
	return FAILED;
}

static enum outcome limits(char *note, size_t size)
{
	NOTE;
	FAULT("movw $0x40, %%ax; movw %%ax, %%fs; movb %%fs:15, %%al", "i"(0));
	if (trap.vector != VECTOR_NONE)
		return FAILED;
	FAULT("movw $0x40, %%ax; movw %%ax, %%fs; movl %%fs:13, %%eax", "i"(0));
	return trap.vector == VECTOR_GP && trap.error == 0;
}

static volatile uint32_t ring3_saw;

static void __attribute__((naked)) ring3_code(void)
{
	__asm__ volatile("movw $0x33, %ax; movw %ax, %ds; movw %ax, %es;"
			 "movl $1f, trap_resume; cli; 1: movl %cs, %eax; movl %eax, ring3_saw;"
			 "int $0x31");
}

static enum outcome rings(char *note, size_t size)
{
	trap.vector = VECTOR_NONE;
	ring3_saw = 0;
	__asm__ volatile("cli");
	ring3_visit(ring3_code);
	__asm__ volatile("sti");
	format_text(note, size, "ring 3 code segment %x", ring3_saw);
	return (ring3_saw & 0xffff) == 0x2b && trap.vector == 0x31 && (trap.cs & 3) == 3;
}

static enum outcome virtual_8086(char *note, size_t size)
{
	NOTE;
	trap.vector = VECTOR_NONE;
	__asm__ volatile("cli");
	vm86_visit();
	__asm__ volatile("sti");
	return trap.vector == VECTOR_GP && (trap.eflags & 0x20000) &&
	       (trap.eax & 0xffff) == 0x1234 && (trap.ebx & 0xffff) == 0x2468;
}

static enum outcome real_mode(char *note, size_t size)
{
	struct bios_registers r = {.eax = 0x0f00};

	bios(0x10, &r);
	format_text(note, size, "BIOS says video mode %x", r.eax & 0x7f);
	return (r.eax & 0x7f) == 3 && (r.eax >> 8 & 0xff) == COLUMNS;
}

static void fpu_on(void)
{
	uint32_t cr0;

	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	cr0 = (cr0 & ~(CR0_EM | CR0_TS)) | CR0_MP;
	__asm__ volatile("movl %0, %%cr0; fninit" : : "r"(cr0));
}

static enum outcome x87(char *note, size_t size)
{
	static const uint8_t pi[10] = {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40};
	static const uint8_t root2[10] = {0x84, 0x64, 0xde, 0xf9, 0x33, 0xf3, 0x04, 0xb5, 0xff,
					  0x3f};
	uint8_t out[10];
	uint16_t status;
	int32_t three = 3, two = 2, result;

	fpu_on();
	__asm__ volatile("fldpi; fstpt %0" : "=m"(out));
	if (memcmp(out, pi, 10))
		return FAILED;
	__asm__ volatile("fildl %1; fsqrt; fstpt %0" : "=m"(out) : "m"(two));
	if (memcmp(out, root2, 10))
		return FAILED;
	__asm__ volatile("fld1; fildl %2; fcompp; fnstsw %0; fildl %2; fildl %3; fmulp; fistpl %1"
			 : "=a"(status), "=m"(result) : "m"(three), "m"(two));
	format_text(note, size, "pi, the root of 2 and 2 * 3");
	return result == 6 && (status & 0x4500) == 0;
}

static enum outcome device_not_available(char *note, size_t size)
{
	uint32_t cr0;

	NOTE;
	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movl %0, %%cr0" : : "r"(cr0 | CR0_TS));
	FAULT("fninit", "i"(0));
	__asm__ volatile("clts");
	return trap.vector == 7;
}

static enum outcome mmx(char *note, size_t size)
{
	static const uint16_t a[4] = {1, 0xffff, 0x7fff, 40000}, b[4] = {2, 1, 1, 30000};
	static const uint16_t wrapped[4] = {3, 0, 0x8000, 4464},
			      saturated[4] = {3, 0xffff, 0x8000, 0xffff};
	uint16_t x[4], y[4];

	NOTE;
	if (!(cpu_features() & CPUID_MMX))
		return SKIPPED;
	fpu_on();
	__asm__ volatile("movq %2, %%mm0; movq %%mm0, %%mm1; paddw %3, %%mm0; paddusw %3, %%mm1;"
			 "movq %%mm0, %0; movq %%mm1, %1; emms"
			 : "=m"(x), "=m"(y) : "m"(a), "m"(b));
	return !memcmp(x, wrapped, 8) && !memcmp(y, saturated, 8);
}

static void sse_on(void)
{
	uint32_t cr4;

	fpu_on();
	__asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("movl %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR));
}

static enum outcome sse(char *note, size_t size)
{
	/* 1, 4, 9, 16 as floats; their square roots as integers. */
	static const uint32_t squares[4] = {0x3f800000, 0x40800000, 0x41100000, 0x41800000};
	static const uint32_t roots[4] = {0x3f800000, 0x40000000, 0x40400000, 0x40800000};
	uint32_t out[4], sum;

	NOTE;
	if (!(cpu_features() & CPUID_SSE))
		return SKIPPED;
	sse_on();
	__asm__ volatile("movups %1, %%xmm0; sqrtps %%xmm0, %%xmm0; movups %%xmm0, %0"
			 : "=m"(out) : "m"(squares));
	if (memcmp(out, roots, sizeof(roots)))
		return FAILED;
	__asm__ volatile("movss %1, %%xmm1; addss 4+%1, %%xmm1; cvttss2si %%xmm1, %0"
			 : "=r"(sum) : "m"(squares));
	return sum == 5;
}

static enum outcome sse2(char *note, size_t size)
{
	static const uint64_t a[2] = {0x4004000000000000, 0x4008000000000000}; /* 2.5, 3.0 */
	static const uint64_t product[2] = {0x4019000000000000, 0x4022000000000000};
	static const uint32_t integers[4] = {1, 2, 3, 0xffffffff};
	uint64_t out[2];
	uint32_t sums[4];

	NOTE;
	if (!(cpu_features() & CPUID_SSE2))
		return SKIPPED;
	sse_on();
	__asm__ volatile("movupd %1, %%xmm2; mulpd %%xmm2, %%xmm2; movupd %%xmm2, %0"
			 : "=m"(out) : "m"(a));
	__asm__ volatile("movdqu %1, %%xmm3; paddd %%xmm3, %%xmm3; movdqu %%xmm3, %0"
			 : "=m"(sums) : "m"(integers));
	return !memcmp(out, product, 16) && sums[0] == 2 && sums[1] == 4 && sums[2] == 6 &&
	       sums[3] == 0xfffffffe;
}

static uint8_t code[16];

static enum outcome self_modifying(char *note, size_t size)
{
	uint32_t (*function)(void) = (uint32_t(*)(void))(uint32_t)code;
	uint32_t sum = 0;

	NOTE;
	code[0] = 0xb8; /* mov eax, imm32; ret */
	code[5] = 0xc3;
	for (uint32_t i = 0; i < 100; i++) {
		memcpy(code + 1, &i, 4);
		sum += function();
	}
	return sum == 4950;
}

const struct check cpu_checks[] = {
	{"addition, subtraction, flags", addition},
	{"logic, shifts, rotations", logic},
	{"multiplication, division", multiplication},
	{"decimal adjustment", decimal},
	{"string instructions", strings},
	{"bit instructions", bits},
	{"CPUID", identity},
	{"CMPXCHG8B", exchange},
	{"time stamp counter", time_stamps},
	{"self-modifying code", self_modifying},
	{"exceptions", faults},
	{"segment limits", limits},
	{"ring 3", rings},
	{"virtual-8086 mode", virtual_8086},
	{"real mode and back", real_mode},
	{"x87", x87},
	{"x87 switched off", device_not_available},
	{"MMX", mmx},
	{"SSE", sse},
	{"SSE2", sse2},
	{NULL, NULL},
};
