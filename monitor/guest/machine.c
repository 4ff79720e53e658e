/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's and chipset's side of the carried guest: interrupts through
 * the two 8259s, the 8254's ticks, BIOS calls, RTC, PCI and E820.
 */
#include "machine.h"

#include "input.h"
#include "screen.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_EOI 0x20
#define PIC_ICW1 0x11
#define IRQ_VECTOR 0x20
#define BIOS_PIC1_VECTOR 0x08
#define BIOS_PIC2_VECTOR 0x70
#define PIT_CHANNEL0 0x40
#define PIT_CONTROL 0x43
#define PIT_HZ 1193182
#define PIT_RATE_GENERATOR 0x34
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define RTC_UPDATING 0x80
#define VECTORS 0x32
#define LEAVE_VECTOR 0x31
#define EFLAGS_IF 0x200
#define EFLAGS_VM 0x20000

volatile struct trap trap;
volatile uint32_t trap_resume, ticks, irq_count[16];
static uint8_t pic_mask[2] = {0xff, 0xff};
static struct {
	uint16_t low, selector, type, high;
} idt[VECTORS];

extern const uint32_t entry_table[VECTORS];
void bios_call(unsigned vector, struct bios_registers *r);
void visit_leave(void) __attribute__((noreturn));
void interrupt(struct frame *f);

static void pic_program(uint8_t vector1, uint8_t vector2, uint8_t mask1, uint8_t mask2)
{
	out8(PIC1, PIC_ICW1);
	out8(PIC2, PIC_ICW1);
	out8(PIC1 + 1, vector1);
	out8(PIC2 + 1, vector2);
	out8(PIC1 + 1, 4);
	out8(PIC2 + 1, 2);
	out8(PIC1 + 1, 1);
	out8(PIC2 + 1, 1);
	out8(PIC1 + 1, mask1);
	out8(PIC2 + 1, mask2);
}

void irq_mask(unsigned irq, bool masked)
{
	uint8_t *mask = &pic_mask[irq >> 3], bit = 1u << (irq & 7);

	*mask = masked ? *mask | bit : *mask & ~bit;
	out8((irq < 8 ? PIC1 : PIC2) + 1, *mask);
}

static void irq(unsigned n)
{
	irq_count[n]++;
	if (n == 0)
		ticks++;
	else if (n == 1 || n == 12)
		input_interrupt();
	else if (n == 8) {
		out8(CMOS_INDEX, 0x0c); /* reading register C ends the request */
		in8(CMOS_DATA);
	}
	if (n >= 8)
		out8(PIC2, PIC_EOI);
	out8(PIC1, PIC_EOI);
}

static void unexpected(const struct frame *f)
{
	screen_attribute(0x4f);
	screen_printf("\n Unexpected exception %u, error %x, at %x:%x, CR2 %x. ", f->vector,
		      f->error, f->cs, f->eip, trap.cr2);
	debug_exit(0x11);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void interrupt(struct frame *f)
{
	uint32_t cr2;

	if (f->vector >= IRQ_VECTOR && f->vector < IRQ_VECTOR + 16) {
		irq(f->vector - IRQ_VECTOR);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	trap.vector = f->vector;
	trap.error = f->error;
	trap.cr2 = cr2;
	trap.cs = f->cs;
	trap.eflags = f->eflags;
	trap.eax = f->eax;
	trap.ebx = f->ebx;
	if (f->vector == LEAVE_VECTOR || (f->eflags & EFLAGS_VM))
		visit_leave();
	if (!trap_resume)
		unexpected(f);
	f->eip = trap_resume;
	trap_resume = 0;
}

void interrupts_init(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint32_t)idt};
	unsigned reload = PIT_HZ / TIMER_HZ;

	for (unsigned i = 0; i < VECTORS; i++) {
		idt[i].low = entry_table[i];
		idt[i].selector = 8;
		idt[i].type = i == LEAVE_VECTOR ? 0xee00 : 0x8e00;
		idt[i].high = entry_table[i] >> 16;
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
	pic_program(IRQ_VECTOR, IRQ_VECTOR + 8, pic_mask[0], pic_mask[1]);
	out8(PIT_CONTROL, PIT_RATE_GENERATOR);
	out8(PIT_CHANNEL0, reload & 0xff);
	out8(PIT_CHANNEL0, reload >> 8);
	irq_mask(0, false);
	irq_mask(2, false);
	__asm__ volatile("sti");
}

void bios(unsigned vector, struct bios_registers *r)
{
	uint32_t flags;

	__asm__ volatile("pushfl; popl %0; cli" : "=r"(flags));
	/* No interrupts meanwhile: the BIOS would eat our keys. */
	pic_program(BIOS_PIC1_VECTOR, BIOS_PIC2_VECTOR, 0xff, 0xff);
	bios_call(vector, r);
	pic_program(IRQ_VECTOR, IRQ_VECTOR + 8, pic_mask[0], pic_mask[1]);
	/*
	 * ICW1 forgets edges: a byte that came meanwhile keeps its line high and
	 * would never interrupt again, nor would any after it.
	 */
	input_interrupt();
	if (flags & EFLAGS_IF)
		__asm__ volatile("sti");
}

void wait_interrupt(void)
{
	__asm__ volatile("sti; hlt");
}

void wait_ticks(uint32_t n)
{
	uint32_t start = ticks;

	while (ticks - start < n)
		wait_interrupt();
}

uint32_t cpu_features(void)
{
	uint32_t r[4];

	cpuid(1, r);
	return r[3];
}

uint8_t cmos_read(uint8_t index)
{
	out8(CMOS_INDEX, index);
	return in8(CMOS_DATA);
}

static unsigned from_bcd(unsigned v)
{
	return (v >> 4) * 10 + (v & 15);
}

void rtc_read(struct rtc_time *t)
{
	for (unsigned tries = 0; (cmos_read(0x0a) & RTC_UPDATING) && tries < 100000; tries++)
		;
	t->second = from_bcd(cmos_read(0));
	t->minute = from_bcd(cmos_read(2));
	t->hour = from_bcd(cmos_read(4));
	t->day = from_bcd(cmos_read(7));
	t->month = from_bcd(cmos_read(8));
	t->year = from_bcd(cmos_read(0x32)) * 100 + from_bcd(cmos_read(9));
}

uint32_t pci_read(unsigned device, unsigned function, unsigned offset)
{
	out32(0xcf8, 0x80000000u | device << 11 | function << 8 | (offset & 0xfc));
	return in32(0xcfc);
}

unsigned memory_map(struct memory_range *ranges, unsigned max)
{
	struct bios_registers r = {0};
	unsigned n = 0;

	while (n < max) {
		r.eax = 0xe820;
		r.edx = 0x534d4150; /* "SMAP" */
		r.ecx = 20;
		r.edi = (uint32_t)BIOS_BUFFER;
		r.es = 0;
		bios(0x15, &r);
		if ((r.eflags & BIOS_CARRY) || r.eax != 0x534d4150)
			break;
		memcpy(&ranges[n].base, BIOS_BUFFER, 8);
		memcpy(&ranges[n].size, BIOS_BUFFER + 8, 8);
		memcpy(&ranges[n].type, BIOS_BUFFER + 16, 4);
		n++;
		if (!r.ebx)
			break;
	}
	return n;
}

void *memset(void *p, int c, size_t n)
{
	void *d = p;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return p;
}

void *memcpy(void *d, const void *s, size_t n)
{
	void *to = d;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(s), "+c"(n) : : "memory");
	return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}
