/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host stacks that translated code runs on. A near CALL of the guest is
 * translated to a CALL, and RET to a RET, so that the host's return predictor
 * knows where it goes: the best predictor of indirect jumps there is. What a
 * host stack holds is a guess: behind each CALL the code compares the address
 * that the guest has returned to with the one that follows its own CALL, and
 * looks the former up if they differ (trans_return()). Guest stacks are switched,
 * cut off and overwritten; that costs time only.
 *
 *	guard | free ... return addresses | address of the stub NO_RETURN |
 *	                                  ^ RSP at first (top)
 *
 * A RET that finds nothing finds NO_RETURN, which looks the target up. A CALL
 * that finds no room faults in the guard and is made again on an empty stack
 * (signals.c).
 *
 * An address of the guest means code in one set of translations and mode only,
 * as in the jump cache: one stack each for ring 3 and for the others holds the
 * calls under one tag, and is emptied when another comes. Code whose region of
 * the cache is used again may be on either: both are emptied.
 */
#include <errno.h>
#include <sys/mman.h>

#include "bt/bt_internal.h"

#define STACK_SIZE (64u << 10)
#define EACH (PAGE_SIZE + STACK_SIZE) /* the guard and the stack */

int returns_create(struct vcpu *cpu)
{
	uint8_t *p = mmap(NULL, 2 * EACH, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	cpu->bt->return_memory = p;
	for (unsigned user = 0; user < 2; user++, p += EACH) {
		uint64_t *top = (uint64_t *)(void *)(p + EACH) - 2;

		if (mprotect(p, PAGE_SIZE, PROT_NONE) < 0)
			return -errno;
		*top = (uintptr_t)cache_rx(cpu->bt, cpu->bt->stubs.no_return);
		cpu->bt_stacks[user] = (struct bt_return_stack){.top = (uintptr_t)top};
	}
	cpu->bt_stack_user = false;
	return 0;
}

void returns_destroy(struct bt *bt)
{
	if (bt->return_memory)
		munmap(bt->return_memory, 2 * EACH);
}

void returns_empty(struct vcpu *cpu)
{
	for (unsigned user = 0; user < 2; user++)
		cpu->bt_stacks[user].rsp = cpu->bt_stacks[user].top;
	cpu->bt_returns = cpu->bt_stacks[cpu->bt_stack_user].top;
}

void returns_select(struct vcpu *cpu, uint64_t tag, bool user)
{
	struct bt_return_stack *s = &cpu->bt_stacks[user];

	if (cpu->bt_stack_user != user) {
		cpu->bt_stacks[cpu->bt_stack_user].rsp = cpu->bt_returns;
		cpu->bt_stack_user = user;
		cpu->bt_returns = s->rsp;
	}
	if (s->tag != tag) {
		s->tag = tag;
		cpu->bt_returns = s->top;
	}
}

bool returns_overflown(const struct vcpu *cpu, uint64_t address)
{
	uint64_t guard = (uintptr_t)cpu->bt->return_memory + cpu->bt_stack_user * EACH;

	return address - guard < PAGE_SIZE;
}

uint64_t returns_room(const struct vcpu *cpu, uint64_t rsp)
{
	return returns_overflown(cpu, rsp - sizeof(uint64_t)) ? cpu->bt_stacks[cpu->bt_stack_user].top
							      : rsp;
}
