/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring-3 guest: small pieces of ring-3 code, each in a page of its own, and what
 * became of them: the trap that ended it and the registers. Pieces of the first
 * kind are to give the same on every engine, to the last flag; those of the
 * second attack the host that may run them natively, and are to end as a fault.
 *
 *	0x00200000	the guest, mapped one to one for ring 0
 *	0x40000000	USER_CODE: two pages of code
 *	0x40002000	USER_DATA
 *	0x40004000	USER_STACK, grows down into the page before
 */
#ifndef RING3_H
#define RING3_H

#define USER_CODE   0x40000000
#define USER_CODE_2 0x40001000
#define USER_DATA   0x40002000
#define USER_STACK  0x40004000

/* What a piece needs: bits of struct piece.flags. */
#define WITH_TS	       0x001   /* CR0.TS */
#define WITH_EM	       0x002   /* CR0.EM */
#define WITH_TF	       0x004   /* EFLAGS.TF */
#define WITH_AC	       0x008   /* EFLAGS.AC */
#define WITH_AM	       0x010   /* CR0.AM */
#define WITH_IOPL      0x020   /* IOPL 3 */
#define WITH_DR7       0x040   /* a breakpoint at USER_DATA for writes */
#define WITH_CODE16    0x080   /* CS is 16-bit */
#define WITH_DATA_BASE 0x100   /* DS and ES have a base */
#define WITH_NO_SSE    0x200   /* CR4.OSFXSR clear */
#define WITH_TWO_PAGES 0x400   /* begins so that it goes on in the second page */
#define WITH_TSD       0x800   /* CR4.TSD */
#define WITH_NO_IF     0x1000  /* EFLAGS.IF clear */
#define WITH_GS	       0x2000  /* GS has a base and a limit of 4 GiB: USER_DATA + 16 */
#define WITH_SMALL_GS  0x4000  /* the same base, a limit of 15 */
#define ATTACK	       0x8000  /* of the second kind */
#define EVERY_CALL     0x20000 /* with each system call's number in EAX */
#define MAY_END	       0x40000 /* an attack that may as well do nothing */
#define NO_TSC	       0x10000 /* EAX and EDX are not to be shown */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct piece {
	const char *name;
	const uint8_t *start, *end;
	uint32_t flags;
};
extern const struct piece pieces[], pieces_end[];

struct trap {
	uint32_t cr2, gs, fs, es, ds;
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
	uint32_t vector, error, eip, cs, eflags, esp, ss;
};
struct entry {
	uint32_t edi, esi, ebp, ebx, edx, ecx, eax;
	uint32_t ds, gs, eip, cs, eflags, esp;
};
void load_tables(const void *gdt, const void *idt);
void run(const struct entry *e);
extern const char vectors[];

/* ---- main.c, for exhaust.c and hoard.c ---- */
/* Fresh user pages, with this code. */
void user_load(const uint8_t *start, const uint8_t *end);
/* What has ended run(). */
const struct trap *user_trap(void);
void user_failed(const char *what, uint32_t n);
void user_print(const char *text);
/* run() ends after so many of the timer's interrupts, if not before. */
void user_ticks(unsigned ticks);
/* Until a byte comes over the serial line. */
void user_wait(void);
/* ---- exhaust.c ---- */
void exhaust(uint32_t *directory);
/* ---- hoard.c ---- */
void hoard(uint32_t *directory);
#endif

#endif
