/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What translated code does not do itself: the instruction is interpreted, with
 * the state exact before and after, and translated code goes on behind it. By
 * the way the inline software TLB learns the pages that it touched.
 */
#include <assert.h>

#include "bt/crossing.h"
#include "bt/fpu.h"
#include "bt/trans.h"
#include "cpu/access.h"
#include "cpu/decode.h"
#include "cpu/features.h"
#include "cpu/run.h"
#include "cpu/space.h"
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
static bool is_moffs(const struct insn *in)
{
	return insn_table[in->row].map == M1 && in->opcode >= 0xa0 && in->opcode <= 0xa3;
}

/* Where the instruction's memory operands begin, as far as rules access them. Returns how many. */
static unsigned operands(const struct vcpu *cpu, const struct insn *in, gva_t at[2])
{
	if (in->rm_is_memory) {
		at[0] = cpu->seg[in->seg].base + insn_ea(cpu, in);
		return 1;
	}
	if (is_moffs(in)) {
		at[0] = cpu->seg[in->seg].base + (in->disp & in->address_mask);
		return 1;
	}
	if (insn_table[in->row].class != STRING)
		return 0;
	at[0] = cpu->seg[in->seg].base + (cpu->regs[ESI] & in->address_mask);
	at[1] = cpu->seg[ES].base + (cpu->regs[EDI] & in->address_mask);
	return 2;
}

/* The bytes of instruction n, in buf if they lie in two pages. */
static const uint8_t *insn_bytes(const struct tb *tb, unsigned n, uint8_t *buf, unsigned *room)
{
	unsigned in_page = PAGE_SIZE - ((uintptr_t)tb->code & (PAGE_SIZE - 1));

	*room = tb->bytes - tb->insns[n].guest;
	if (!tb->code2)
		return tb->code + tb->insns[n].guest;
	memcpy(buf, tb->code, in_page);
	memcpy(buf + in_page, tb->code2, tb->bytes - in_page);
	return buf;
}

/* What the x87 instructions of the block before the n-th leave in FIP and so on. */
static struct x87_pointers pointers_before(struct vcpu *cpu, const struct tb *tb, unsigned n)
{
	int i = x87_pointers_instruction(tb, n), operand = x87_pointers_operand(tb, n);
	struct x87_pointers p = {.instruction = i >= 0, .operand = operand >= 0};
	struct insn in;

	if (p.instruction) {
		decode_insn(cpu->bt->decoder, tb->code + tb->insns[i].guest,
			    tb->bytes - tb->insns[i].guest, tb->mode & MODE_CODE32, &in);
		p.fip = tb->eip + tb->insns[i].guest;
		p.fop = x87_opcode(&in);
	}
	if (p.operand) {
		decode_insn(cpu->bt->decoder, tb->code + tb->insns[operand].guest,
			    tb->bytes - tb->insns[operand].guest, tb->mode & MODE_CODE32, &in);
		p.seg = in.seg;
	}
	return p;
}

/* Offset in the cache of what follows instruction n. */
static uint32_t end_of_insn(const struct tb *tb, unsigned n)
{
	return tb->host + (n + 1u < tb->count ? tb->insns[n + 1].host : tb->body_size);
}

/* Whether it leaves alone what bt_mode() is made of. */
static bool keeps_mode(const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	if (row->map == M2 && row->opcode == 0xae) /* FXRSTOR, LDMXCSR */
		return false;
	switch (row->class) {
	case SENSITIVE:
	case FAR:
		return false;
	case PRIVILEGED:
		return !row->ends_block;
	default:
		return true;
	}
}

/* MOV or POP to DS or ES. */
static bool reloads(const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	return row->map == M1 &&
	       (row->opcode == 0x07 || row->opcode == 0x1f ||
		(row->opcode == 0x8e && (in->reg == ES || in->reg == DS)));
}

/* What of its block is asked for each time. */
static void place_site(struct slow_site *site, struct tb *tb)
{
	unsigned n = site->n;

	site->tb = tb;
	site->fpu = tb->fpu;
	site->mode = tb->mode;
	site->eip = tb->eip + tb->insns[n].guest;
	site->next = n + 1u < tb->count ? tb->host + tb->insns[n + 1].host : 0;
}

static void decode_site(struct vcpu *cpu, struct slow_site *site, uint32_t after)
{
	struct bt *bt = cpu->bt;
	struct tb *tb = cache_find(bt, after - 1);
	uint8_t buf[PAGE_SIZE];
	const uint8_t *bytes;
	unsigned room;

	assert(tb && tb->code);
	site->after = after;
	site->n = (uint16_t)tb_insn_at(tb, after - 1 - tb->host);
	place_site(site, tb);
	bytes = insn_bytes(tb, site->n, buf, &room);
	site->pointers = pointers_before(cpu, tb, site->n);
	site->undecodable = decode_insn(bt->decoder, bytes, room < 15 ? room : 15,
					tb->mode & MODE_CODE32, &site->insn) != DECODE_OK ||
			    !insn_supported(cpu, &insn_table[site->insn.row]);
	site->native = after != end_of_insn(tb, site->n);
	site->same_mode = !site->undecodable && keeps_mode(&site->insn);
	site->reloads = !site->undecodable && reloads(&site->insn);
	site->crossing = (uint8_t)(site->undecodable ? CROSSING_NONE : crossing_kind(&site->insn));
	site->soft_rep = !site->undecodable && tb->soft_insns >> site->n & 1 &&
			 insn_table[site->insn.row].class == STRING &&
			 rep_is_hosts(tb->mode, &site->insn);
	site->shown = 0;
}

/* The instruction whose code calls, or jumps, to the stub; found quickly again. */
static struct slow_site *find_site(struct vcpu *cpu, uint64_t after)
{
	uint32_t offset = (uint32_t)(after - (uintptr_t)cpu->bt->cache.rx);
	struct slow_site *site = &cpu->bt->sites[(offset ^ offset >> 13) & (SLOW_SITES - 1)];

	if (site->after != offset)
		decode_site(cpu, site, offset);
	return site;
}

/* What wants control that translated code would not give by itself. */
static bool attention(const struct vcpu *cpu)
{
	uint32_t pending = atomic_load_explicit(&cpu->pending, memory_order_relaxed);

	if (!(cpu->eflags & FL_IF))
		pending &= ~PENDING_IRQ;
	if (cpu->nmi_blocked)
		pending &= ~PENDING_NMI;
	return pending || cpu->halted || cpu->shutdown || run_needs_step(cpu) ||
	       cpu->align_check;
}

/*
 * Translates the block again, with those of its instructions going through the software
 * TLB that have their bits set in soft; in place of itself, so that it goes on in the new one.
 */
static struct tb *retranslate(struct vcpu *cpu, struct tb *tb, uint64_t soft)
{
	const uint8_t *code = tb->code;
	uint32_t eip = tb_base(cpu, tb) + tb->eip, mode = tb->mode;
	unsigned count = tb->count;
	gva_t gva = cpu->seg[CS].base + eip;
	const struct tlb_entry *e =
		tlb_slot(cpu->tlb_views[cpu->cpl == 3 ? TLB_USER : TLB_SUPERVISOR], gva);

	/* Where it is fetched from, if that is known without a walk, which could fault. */
	if (tb->code2 || e->exec != (gva & PAGE_MASK) || e->host + gva != (uintptr_t)code)
		return tb;
	tb_drop(cpu, tb);
	tb = translate(cpu, code, e->phys | (gva & ~PAGE_MASK), eip, mode, soft);
	assert(tb && tb->count == count);
	cpu->bt->leave = false;
	cpu->bt->n.retranslations++;
	return tb;
}

/* Where to go on after the instruction, or 0: the run loop is to look. */
static uint64_t go_on(struct vcpu *cpu, const struct slow_site *site, bool sequential)
{
	uint32_t before = site->mode & ~MODE_MOVED, mode = site->same_mode ? before : bt_mode(cpu);

	if (site->next && sequential && mode == before && fpu_ready_again(cpu, site->fpu))
		return (uintptr_t)cache_rx(cpu->bt, site->next);
	if (cpu->repeating || !cpu->bt->config.chaining)
		return 0;
	if (cpu->bt->config.exact_fuel) /* what was paid for what comes after it */
		cpu->fuel += tb_paid_after(site->tb, site->n);
	cpu->bt->ahead = 0;
	return bt_continue(cpu, mode);
}

/*
 * Copying and clearing of memory is what kernels do most with few instructions, some of which
 * now and then meet a page that no window shows. One that has not for a while is the host's
 * again; it then costs three faults to find that wrong.
 */
#define SHOWN_TO_HARDEN 64

static bool is_shown(const struct vcpu *cpu, gva_t at, uint32_t bytes, bool write)
{
	bool user = cpu->cpl == 3;

	return space_shows(cpu, at, write, user) && space_shows(cpu, at + bytes - 1, write, user);
}

/* Before REP MOVS or STOS is executed, whose operands begin there. */
static void note_shown(const struct vcpu *cpu, struct slow_site *site, const gva_t operand[2])
{
	bool movs = (site->insn.opcode & ~1u) == 0xa4;
	uint32_t bytes = cpu->regs[ECX] * opcode_size(&site->insn);

	if (!bytes)
		return;
	if (is_shown(cpu, operand[1], bytes, true) &&
	    (!movs || is_shown(cpu, operand[0], bytes, false)))
		site->shown += site->shown < SHOWN_TO_HARDEN;
	else
		site->shown = 0;
}

/* Executes it, EIP behind it, and has the software TLB learn the pages that it has touched. */
static void execute(struct vcpu *cpu, struct slow_site *site)
{
	const struct insn *in = &site->insn;
	gva_t operand[2];
	unsigned count = operands(cpu, in, operand);

	if (site->soft_rep)
		note_shown(cpu, site, operand);
	cpu->repeating = false;
	cpu->cur = in;
	cpu->eip += in->length;
	in->exec(cpu, in);
	cpu->cur = NULL;
	if (site->native) {
		for (unsigned i = 0; i < count; i++)
			soft_fill(cpu, operand[i]);
		soft_fill(cpu, cpu->seg[SS].base + cpu->regs[ESP]);
	}
	/* What stubs look at in the GDT. */
	if (site->reloads)
		soft_fill(cpu, cpu->gdtr.base + (cpu->seg[DS].selector & ~7u));
	if (site->crossing == CROSSING_FS)
		soft_fill(cpu, cpu->gdtr.base + (cpu->seg[FS].selector & ~7u));
}

/* Where to go on after it; 0: the run loop is to look. */
static uint64_t carry_on(struct vcpu *cpu, const struct slow_site *site,
			 const struct crossing *before, uint32_t next_eip)
{
	bool iret = site->crossing == CROSSING_IRET;
	uint32_t rf = iret && crossing_drops_rf(cpu) ? cpu->eflags & FL_RF : 0;
	uint64_t next = 0;

	cpu->eflags ^= rf;
	if (cpu->cpl == 3)
		space_settle(cpu);
	if (!cpu->bt->leave && !attention(cpu))
		next = go_on(cpu, site, cpu->eip == next_eip);
	if (next) {
		cpu->bt_window = bt_window(cpu, cpu->cpl == 3);
		if (site->crossing)
			crossing_learn(cpu, site->crossing, before);
	} else {
		cpu->eflags |= rf;
	}
	return next;
}

/* Has its block translated again: it keeps faulting, or no longer does. */
static void soften_or_harden(struct vcpu *cpu, struct slow_site *site)
{
	struct tb *tb = site->tb;
	uint64_t bit = 1ull << site->n;
	uint64_t soft = cpu->bt->soften == tb ? tb->soft_insns | bit : tb->soft_insns & ~bit;

	if (tb->code)
		place_site(site, retranslate(cpu, tb, soft));
}

uint64_t bt_slow(struct vcpu *cpu, uint64_t after)
{
	struct bt *bt = cpu->bt;
	struct slow_site *site = find_site(cpu, after), kept;
	struct crossing before = {0};
	uint32_t base = mode_base(cpu, site->mode), next_eip;
	uint64_t next;

	cpu->eip = base + site->eip;
	bt->ahead = bt->config.exact_fuel ? tb_paid_after(site->tb, site->n) : 0;
	bt->leave = false;
	bt->n.slow_insns++;
	x87_pointers_write(cpu, &site->pointers, base);
	fpu_left(cpu);
	if (site->undecodable) {
		/* The interpreter's own way to raise what is due. */
		cpu->fuel += bt->config.exact_fuel ? tb_paid_after(site->tb, site->n) + 1 : 0;
		bt->ahead = 0;
		run_step(cpu);
		return 0;
	}
	if (bt->soften == site->tb || site->shown == SHOWN_TO_HARDEN) {
		kept = *site; /* translating may evict what the site is about */
		site = &kept;
		soften_or_harden(cpu, site);
	}
	bt->soften = NULL;
	next_eip = cpu->eip + site->insn.length;
	if (site->crossing)
		before = crossing_begin(cpu);
	execute(cpu, site);
	next = carry_on(cpu, site, &before, next_eip);
	if (next)
		return next;
	if (bt->config.exact_fuel)
		cpu->fuel += bt->ahead;
	bt->n.exit_slow++;
	return 0;
}
