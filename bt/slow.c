/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What translated code does not do itself: the instruction is interpreted, with
 * the state exact before and after, and translated code goes on behind it. By
 * the way the inline software TLB learns the pages that it touched.
 */
#include <assert.h>

#include "bt/bt_internal.h"
#include "cpu/access.h"
#include "cpu/decode.h"
#include "cpu/features.h"
#include "cpu/run.h"
#include "cpu/table.h"

/* ---- the inline software TLB ---- */
static unsigned soft_slot(gva_t gva)
{
	return gva >> PAGE_SHIFT & (SOFT_SIZE - 1);
}

static uint32_t soft_tag(gva_t page)
{
	return 0 - ((page >> PAGE_SHIFT) + 1);
}

static void soft_fill(struct vcpu *cpu, gva_t gva)
{
	bool user = cpu->cpl == 3;
	struct tlb_entry *e = tlb_slot(cpu->tlb_views[user ? TLB_USER : TLB_SUPERVISOR], gva);
	struct soft_tlb *s = &cpu->bt->tables->soft[user];
	gva_t page = gva & PAGE_MASK;
	unsigned slot = soft_slot(gva);
	uint32_t tag = soft_tag(page);

	if (e->read != page)
		return;
	if (s->read[slot] == tag && (s->write[slot] == tag) == (e->write == page))
		return;
	s->read[slot] = tag;
	s->write[slot] = e->write == page ? tag : 0;
	s->delta[slot] = e->host;
	cpu->bt->n.soft_fills++;
}

void soft_drop(struct vcpu *cpu, unsigned view, gva_t page)
{
	struct soft_tlb *s = &cpu->bt->tables->soft[view];
	unsigned slot = soft_slot(page);

	if (s->read[slot] != soft_tag(page))
		return;
	s->read[slot] = s->write[slot] = 0;
	cpu->bt->n.soft_drops++;
}

/* ---- the instruction ---- */
static const struct insn *decode_at(struct vcpu *cpu, const uint8_t *at, unsigned room, bool code32)
{
	struct bt *bt = cpu->bt;
	uintptr_t h = (uintptr_t)at;
	struct cached_insn *c = &bt->insns[(h ^ h >> 12) & (INSN_CACHE_SIZE - 1)];
	enum decode_status status;

	if (c->at == at && c->code32 == code32 && !memcmp(c->bytes, at, c->insn.length))
		return &c->insn;
	c->at = at;
	c->code32 = code32;
	memcpy(c->bytes, at, room < sizeof(c->bytes) ? room : sizeof(c->bytes));
	status = decode_insn(bt->decoder, at, room < 15 ? room : 15, code32, &c->insn);
	if (status != DECODE_OK || !insn_supported(cpu, &insn_table[c->insn.row])) {
		c->at = NULL;
		return NULL;
	}
	return &c->insn;
}

/* What wants control that translated code would not give by itself. */
static bool attention(const struct vcpu *cpu)
{
	uint32_t pending = atomic_load_explicit(&cpu->pending, memory_order_relaxed);

	if (!(cpu->eflags & FL_IF))
		pending &= ~PENDING_IRQ;
	if (cpu->nmi_blocked)
		pending &= ~PENDING_NMI;
	return pending || cpu->halted || cpu->shutdown || run_needs_step(cpu);
}

uint64_t bt_slow(struct vcpu *cpu, uint64_t after)
{
	struct bt *bt = cpu->bt;
	uint32_t offset = (uint32_t)(after - (uintptr_t)bt->cache.rx) - 1;
	struct tb *tb = cache_find(bt, offset);
	unsigned n, guest, next_eip;
	const struct insn *in;
	gva_t operand = 0;

	assert(tb && tb->code);
	n = tb_insn_at(tb, offset - tb->host);
	guest = tb->insns[n].guest;
	cpu->eip = tb->eip + guest;
	bt->ahead = bt->config.exact_fuel ? tb->count - 1 - n : 0;
	bt->leave = false;
	bt->n.slow_insns++;
	in = decode_at(cpu, tb->code + guest, tb->bytes - guest, tb->mode & MODE_CODE32);
	if (!in) {
		/* Undecodable: the interpreter's own way to raise what is due. */
		cpu->fuel += bt->config.exact_fuel ? tb->count - n : 0;
		bt->ahead = 0;
		run_step(cpu);
		return 0;
	}
	next_eip = cpu->eip + in->length;
	if (in->rm_is_memory)
		operand = cpu->seg[in->seg].base + insn_ea(cpu, in);
	cpu->repeating = false;
	cpu->cur = in;
	cpu->eip = next_eip;
	in->exec(cpu, in);
	cpu->cur = NULL;
	if (in->rm_is_memory)
		soft_fill(cpu, operand);
	soft_fill(cpu, cpu->seg[SS].base + cpu->regs[ESP]);
	if (n + 1 < tb->count && !bt->leave && cpu->eip == next_eip && !attention(cpu) &&
	    (insn_table[in->row].class == PLAIN || bt_mode(cpu) == tb->mode))
		return (uintptr_t)cache_rx(bt, tb->host + tb->insns[n + 1].host);
	if (bt->config.exact_fuel)
		cpu->fuel += tb->count - 1 - n;
	bt->n.exit_slow++;
	return 0;
}
