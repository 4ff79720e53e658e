/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lapic.c and lapic_timer.c share; nobody else includes it. */
#ifndef DEVICES_LAPIC_STATE_H
#define DEVICES_LAPIC_STATE_H

#include "devices/lapic.h"

/* ORDER: as the registers lie from 320h on. */
enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
#define LINT_PINS 2

/* Local vector table entries, SDM 3A figure 10-8. */
#define LVT_VECTOR 0xffu
#define LVT_DELIVERY 0x700u
#define LVT_DELIVERY_SHIFT 8
#define LVT_POLARITY 0x2000u
#define LVT_REMOTE_IRR 0x4000u
#define LVT_LEVEL 0x8000u
#define LVT_MASKED 0x10000u
#define LVT_PERIODIC 0x20000u

#define SVR_ENABLE 0x100u  /* software enable */
#define ESR_REGISTER 0x80u /* access to a register that is not there */

struct lapic {
	struct lapic_wiring w;
	struct phys_region *region;
	struct pic *pic; /* not owned */
	void (*eoi)(void *opaque, uint8_t vector);
	void *eoi_opaque;

	uint64_t base; /* IA32_APIC_BASE */
	uint8_t id;
	uint32_t tpr, ldr, dfr, svr;
	uint32_t esr, esr_pending; /* pending: shown after the next write */
	uint32_t icr_low, icr_high;
	uint32_t isr[8], tmr[8], irr[8];
	uint32_t lvt[LVT_COUNT];
	uint8_t lint_level[LINT_PINS];
	int intr_level;

	uint32_t timer_initial, timer_divide;
	bool timer_running;
	uint64_t timer_start; /* ns; modulo 2^64: when the count was timer_initial */
	struct timer timer;   /* set while running and not masked */
};

/* ---- lapic_mmio.c ---- */
extern const struct mmio_ops lapic_mmio_ops;

/* ---- lapic.c ---- */
/* PPR. */
unsigned lapic_priority(const struct lapic *l);
/* Works INTR out anew: to be called after each change of what decides it. */
void lapic_intr_follow(struct lapic *l);
void lapic_note_error(struct lapic *l, uint32_t bit);
/* Requests LINT pin's interrupt if it is a level that waits to be taken. */
void lapic_lint_follow(struct lapic *l, unsigned pin);
void lapic_eoi(struct lapic *l);
/* Sends what the ICR says. */
void lapic_send_ipi(struct lapic *l);
/* Requests the interrupt of a vector table entry unless it is masked. */
void lapic_deliver_lvt(struct lapic *l, enum lvt n);

/* ---- lapic_timer.c ---- */
void lapic_timer_init(struct lapic *l);
void lapic_timer_reset(struct lapic *l);
/* Initial count written; 0 stops. */
void lapic_timer_start(struct lapic *l, uint32_t count);
void lapic_timer_set_divide(struct lapic *l, uint32_t value);
uint32_t lapic_timer_current(struct lapic *l);
/* Sets or cancels the wake-up after a change of the LVT. */
void lapic_timer_arm(struct lapic *l);

#endif
