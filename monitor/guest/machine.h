/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The carried guest's view of its machine: ports, processor, interrupts, the
 * BIOS, time and power. It runs in flat protected mode without paging, one
 * thread, on a stack below 0x90000; interrupts only fill queues and count.
 */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_HZ 100

static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(0));
}

/* CPUID leaf 1, EDX */
#define CPUID_PSE (1u << 3)
#define CPUID_TSC (1u << 4)
#define CPUID_PAE (1u << 6)
#define CPUID_CX8 (1u << 8)
#define CPUID_APIC (1u << 9)
#define CPUID_CMOV (1u << 15)
#define CPUID_MMX (1u << 23)
#define CPUID_SSE (1u << 25)
#define CPUID_SSE2 (1u << 26)
uint32_t cpu_features(void);

/* A software interrupt in real mode; interrupts are off afterwards only if they were before. */
struct bios_registers { /* ORDER: boot.asm, bios_call */
	uint32_t eax, ebx, ecx, edx, esi, edi, ebp, ds, es, eflags;
};
#define BIOS_CARRY 1u
void bios(unsigned vector, struct bios_registers *r);
/* 512 bytes within reach of real mode, for what the BIOS reads or writes. */
#define BIOS_BUFFER ((uint8_t *)0x7000)

/* Interrupts. */
struct frame { /* ORDER: boot.asm, entry_common */
	uint32_t es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t vector, error, eip, cs, eflags, user_esp, user_ss;
};

enum { VECTOR_DE = 0, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_UD = 6, VECTOR_GP = 13,
       VECTOR_PF = 14, VECTOR_NONE = 255 };

/*
 * The last fault, for tests that mean to fault. A test stores in trap_resume
 * where to go on; a fault without that stops the guest and shows itself.
 */
struct trap {
	uint32_t vector, error, cr2, cs, eflags, eax, ebx;
};
extern volatile struct trap trap;
extern volatile uint32_t trap_resume;

void interrupts_init(void);
void irq_mask(unsigned irq, bool masked);
extern volatile uint32_t ticks;        /* of the PIT, TIMER_HZ a second */
extern volatile uint32_t irq_count[16];
/* Sleeps until the next interrupt. */
void wait_interrupt(void);
void wait_ticks(uint32_t n);

/* boot.asm */
extern volatile uint8_t autorun;
void ring3_visit(void (*code)(void));
void vm86_visit(void);

/* RTC and CMOS. */
uint8_t cmos_read(uint8_t index);
struct rtc_time {
	unsigned year, month, day, hour, minute, second;
};
void rtc_read(struct rtc_time *t);

/* PCI configuration mechanism 1. */
uint32_t pci_read(unsigned device, unsigned function, unsigned offset);

/* Memory, as the BIOS describes it (int 15h E820). */
struct memory_range {
	uint64_t base, size;
	uint32_t type;
};
unsigned memory_map(struct memory_range *ranges, unsigned max);

/* ACPI. Returns NULL where the table is missing or its sum is wrong. */
const uint8_t *acpi_table(const char *signature);
/* Turns ACPI on, so that the power button can be polled (no interrupt is taken). */
void power_init(void);
bool power_button_pressed(void);
void power_off(void);
void reboot(void);
/* isa-debug-exit; returns where that device is missing. */
void debug_exit(uint8_t value);

void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
