/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's registers in memory (SDM 3A table 10-1): reading, writing,
 * and which bits of them there are. What they do is in lapic.c.
 */
#include "base/log.h"
#include "devices/lapic_state.h"

/* Register offsets, SDM 3A table 10-1. */
enum lapic_register {
	REG_ID = 0x020,
	REG_VERSION = 0x030,
	REG_TPR = 0x080,
	REG_APR = 0x090,
	REG_PPR = 0x0a0,
	REG_EOI = 0x0b0,
	REG_LDR = 0x0d0,
	REG_DFR = 0x0e0,
	REG_SVR = 0x0f0,
	REG_ISR = 0x100,
	REG_TMR = 0x180,
	REG_IRR = 0x200,
	REG_ESR = 0x280,
	REG_ICR_LOW = 0x300,
	REG_ICR_HIGH = 0x310,
	REG_LVT = 0x320,
	REG_LVT_LAST = 0x370,
	REG_TIMER_INITIAL = 0x380,
	REG_TIMER_CURRENT = 0x390,
	REG_TIMER_DIVIDE = 0x3e0,
};

#define VERSION_VALUE (0x14u | (LVT_COUNT - 1) << 16)
#define SVR_WRITABLE 0x3ffu
#define DFR_FIXED 0x0fffffffu
#define ICR_WRITABLE 0x000ccfffu

static uint32_t register_read(struct lapic *l, unsigned reg)
{
	switch (reg) {
	case REG_ID:
		return (uint32_t)l->id << 24;
	case REG_VERSION:
		return VERSION_VALUE;
	case REG_TPR:
		return l->tpr;
	case REG_APR:
	case REG_PPR:
		return lapic_priority(l);
	case REG_LDR:
		return l->ldr;
	case REG_DFR:
		return l->dfr;
	case REG_SVR:
		return l->svr;
	case REG_ISR ... REG_ISR + 0x70:
		return l->isr[(reg - REG_ISR) >> 4];
	case REG_TMR ... REG_TMR + 0x70:
		return l->tmr[(reg - REG_TMR) >> 4];
	case REG_IRR ... REG_IRR + 0x70:
		return l->irr[(reg - REG_IRR) >> 4];
	case REG_ESR:
		return l->esr;
	case REG_ICR_LOW:
		return l->icr_low;
	case REG_ICR_HIGH:
		return l->icr_high;
	case REG_LVT ... REG_LVT_LAST:
		return l->lvt[(reg - REG_LVT) >> 4];
	case REG_TIMER_INITIAL:
		return l->timer_initial;
	case REG_TIMER_CURRENT:
		return lapic_timer_current(l);
	case REG_TIMER_DIVIDE:
		return l->timer_divide;
	case REG_EOI:
		return 0;
	default:
		lapic_note_error(l, ESR_REGISTER);
		return 0;
	}
}

static uint32_t lvt_writable(enum lvt n)
{
	switch (n) {
	case LVT_TIMER:
		return LVT_VECTOR | LVT_MASKED | LVT_PERIODIC;
	case LVT_LINT0:
	case LVT_LINT1:
		return LVT_VECTOR | LVT_DELIVERY | LVT_POLARITY | LVT_LEVEL | LVT_MASKED;
	case LVT_ERROR:
		return LVT_VECTOR | LVT_MASKED;
	default:
		return LVT_VECTOR | LVT_DELIVERY | LVT_MASKED;
	}
}

static void lvt_write(struct lapic *l, enum lvt n, uint32_t value)
{
	uint32_t mask = lvt_writable(n);

	l->lvt[n] = (l->lvt[n] & LVT_REMOTE_IRR) | (value & mask);
	if (!(l->svr & SVR_ENABLE))
		l->lvt[n] |= LVT_MASKED;
	if (!(l->lvt[n] & LVT_LEVEL))
		l->lvt[n] &= ~LVT_REMOTE_IRR;
	if (n == LVT_TIMER)
		lapic_timer_arm(l);
	else if (n == LVT_LINT0 || n == LVT_LINT1)
		lapic_lint_follow(l, n - LVT_LINT0);
	lapic_intr_follow(l);
}

static void svr_write(struct lapic *l, uint32_t value)
{
	l->svr = value & SVR_WRITABLE;
	if (!(l->svr & SVR_ENABLE))
		for (unsigned n = 0; n < LVT_COUNT; n++)
			l->lvt[n] |= LVT_MASKED;
	lapic_timer_arm(l);
	lapic_intr_follow(l);
}

static void register_write(struct lapic *l, unsigned reg, uint32_t value)
{
	switch (reg) {
	case REG_ID:
		l->id = (uint8_t)(value >> 24);
		break;
	case REG_TPR:
		l->tpr = value & 0xff;
		lapic_intr_follow(l);
		break;
	case REG_EOI:
		lapic_eoi(l);
		break;
	case REG_LDR:
		l->ldr = value & 0xff000000;
		break;
	case REG_DFR:
		l->dfr = value | DFR_FIXED;
		break;
	case REG_SVR:
		svr_write(l, value);
		break;
	case REG_ESR:
		l->esr = l->esr_pending;
		l->esr_pending = 0;
		break;
	case REG_ICR_LOW:
		l->icr_low = value & ICR_WRITABLE;
		lapic_send_ipi(l);
		break;
	case REG_ICR_HIGH:
		l->icr_high = value & 0xff000000;
		break;
	case REG_LVT ... REG_LVT_LAST:
		lvt_write(l, (enum lvt)((reg - REG_LVT) >> 4), value);
		break;
	case REG_TIMER_INITIAL:
		lapic_timer_start(l, value);
		break;
	case REG_TIMER_DIVIDE:
		lapic_timer_set_divide(l, value);
		break;
	default:
		LOG(LOG_GUEST, "lapic: write of %#x to register %#x", value, reg);
		break;
	}
}

/* A register is the first doubleword of its 16 bytes; the rest reads as 0. */
static uint32_t lapic_mmio_read(void *opaque, uint32_t offset, unsigned size)
{
	uint32_t value;

	if ((offset & 0xf) >= 4)
		return 0;
	value = register_read(opaque, offset & 0xff0);
	return value >> 8 * (offset & 3);
}

static void lapic_mmio_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	if (size == 4 && !(offset & 0xf))
		register_write(opaque, offset & 0xff0, value);
}

const struct mmio_ops lapic_mmio_ops = {.read = lapic_mmio_read, .write = lapic_mmio_write, .max_size = 4};
