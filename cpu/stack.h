/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that far transfers and interrupts push: collected first, checked as
 * a whole, then written, so that a fault leaves nothing half done. The stack
 * may be the current one or that of another privilege level.
 */
#ifndef CPU_STACK_H
#define CPU_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/access.h"

/* SS, ESP, 31 parameters of a call gate, CS, EIP. */
#define FRAME_MAX 36

struct frame {
	const struct segment *ss;
	uint32_t esp;	/* before the first push */
	unsigned size;	/* of an item: 2 or 4 */
	bool user;	/* the new privilege level is 3 */
	uint16_t error; /* error code of #SS when it does not fit */
	unsigned count;
	uint32_t items[FRAME_MAX];
};

/* A frame on the current stack. */
void frame_start(struct vcpu *cpu, struct frame *f, unsigned size);

static inline void frame_push(struct frame *f, uint32_t value)
{
	f->items[f->count++] = value;
}

/* Unwinds with #SS or #PF unless frame_write() will succeed. */
void frame_check(struct vcpu *cpu, const struct frame *f);
/* Writes the items; returns the new ESP. */
uint32_t frame_write(struct vcpu *cpu, const struct frame *f);

/* The item of size bytes at ESP + offset on the current stack. */
uint32_t stack_peek(struct vcpu *cpu, uint32_t offset, unsigned size);
/* ESP + n within the stack's address size. */
uint32_t stack_add(const struct segment *ss, uint32_t esp, uint32_t n);

/* One push on the current stack: all or nothing. */
void stack_push(struct vcpu *cpu, uint32_t value, unsigned size);

#endif
