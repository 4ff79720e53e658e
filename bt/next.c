/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From block to block where translated code does not know the way yet: the next
 * one is looked for here, and the way to it is kept, as a chain or in the jump
 * cache. Only what has to be translated first, or concerns more than the
 * next block, goes back to the run loop.
 */
#include "bt/fpu.h"
#include "cpu/block.h"
#include "direct/direct.h"

bool bt_wants_direct(const struct vcpu *cpu)
{
	return cpu->cpl == 3 && cpu->direct && direct_wanted(cpu->direct);
}

bool bt_goes_on(struct vcpu *cpu, const struct tb *tb)
{
	gva_t gva = cpu->seg[CS].base + cpu->eip + tb->bytes - 1;
	gpa_t gpa;

	return !tb->code2 || block_fetch(cpu, gva & PAGE_MASK, &gpa) == tb->code2;
}

/* Offsets in a page say nothing of another one. */
static bool leads_to_page(const struct tb *from, const struct tb *tb)
{
	return !(tb->mode & MODE_MOVED) ||
	       ((uintptr_t)from->code ^ (uintptr_t)tb->code) < PAGE_SIZE;
}

void bt_connect(struct vcpu *cpu, struct tb_exit *exit, struct tb *tb)
{
	struct bt *bt = cpu->bt;
	const struct tb *from = exit ? tb_at(bt, exit->from) : NULL;

	bt->n.exit_lookup++;
	if (!bt->config.chaining)
		return;
	if (exit && from->code && !exit->to && exit->eip == tb->eip && from->mode == tb->mode &&
	    !tb->code2 && leads_to_page(from, tb))
		tb_chain(bt, exit, tb);
	else if (!exit && mode_seg(tb->mode, CS) != KIND_SMALL)
		jc_fill(cpu, tb);
}

/* The run loop's tasks that are asked for at each block, by tests most of them. */
static bool run_loop_is_wanted(const struct vcpu *cpu)
{
	const struct engine_config *c = &cpu->bt->config;

	return !c->chaining || c->ring3_uncounted || c->inject & INJECT_USER_WINDOWS;
}

/*
 * The block at EIP, in flat code; NULL: there may be none yet, or the run loop has to look.
 * Unwinds with the fetch's fault.
 */
static struct tb *existing(struct vcpu *cpu, uint32_t mode)
{
	struct bt *bt = cpu->bt;
	const uint8_t *code;
	struct tb *tb;
	gpa_t gpa;

	if (mode_seg(mode, CS) != KIND_FLAT || run_loop_is_wanted(cpu))
		return NULL;
	bt->leave = false;
	bt->ahead = 0;
	cpu->repeating = false;
	fpu_left(cpu);
	code = block_fetch(cpu, cpu->eip, &gpa);
	if (!code || bt->leave) /* the fetch may have changed what tags mean */
		return NULL;
	tb = tb_lookup(bt, code, cpu->eip, tb_choose_mode(bt, code, cpu->eip, mode));
	if (!tb || cpu->eip + tb->bytes - 1 < cpu->eip || !bt_goes_on(cpu, tb))
		return NULL;
	if (bt->leave || !tb->code) /* so may the second page's */
		return NULL;
	tb_unchain_stale(cpu);
	return tb;
}

uint64_t bt_next(struct vcpu *cpu, uint64_t exit_ref)
{
	struct bt *bt = cpu->bt;
	struct tb_exit *exit = exit_at(bt, (meta_ref)exit_ref);
	struct tb *tb;

	if (exit)
		cpu->eip = tb_base(cpu, tb_at(bt, exit->from)) + exit->eip;
	bt->left_by = exit;
	if (atomic_load_explicit(&cpu->bt_kick, memory_order_relaxed) || bt_wants_direct(cpu))
		return 0;
	tb = existing(cpu, cpu->bt_tag_mode);
	if (!tb)
		return 0;
	cpu->eflags &= ~FL_RF; /* of an IRET that has led here: crossing.h */
	bt_connect(cpu, exit, tb);
	bt->left_by = NULL; /* it has not been left, and the exit may go before it is */
	return (uintptr_t)cache_rx(bt, tb->host);
}

uint64_t bt_continue(struct vcpu *cpu, uint32_t mode)
{
	uint64_t tag = bt_jc_tag(cpu, mode);
	uint32_t i = jc_slot(cpu->eip);
	uint64_t target;

	if (atomic_load_explicit(&cpu->bt_kick, memory_order_relaxed) || bt_wants_direct(cpu))
		return 0; /* the run loop decides */
	bt_select(cpu, mode, tag);
	target = cpu->bt_jc->target[i];
	if (cpu->bt_jc->tag[i] != 0 - (tag + cpu->eip)) {
		struct tb *tb = existing(cpu, mode);

		if (!tb)
			return 0;
		bt_connect(cpu, NULL, tb);
		target = (uintptr_t)cache_rx(cpu->bt, tb->host);
	}
	returns_select(cpu, tag, cpu->cpl == 3);
	fpu_update(cpu);
	return target;
}
