/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block from guest code to host code: decodes up to the block's end, then
 * lets the rules emit one instruction after the other, noting where each begins
 * (the map from host to guest addresses). What no rule covers is interpreted.
 */

#include "base/host_time.h"
#include "base/log.h"
#include "bt/crossing.h"
#include "bt/fpu.h"
#include "bt/inspect.h"
#include "bt/trans.h"
#include "cpu/block.h"
#include "cpu/decode.h"
#include "cpu/features.h"

#define STI_OPCODE 0xfb

static bool is_sti(const struct trans *t, const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	return row->map == M1 && row->opcode == STI_OPCODE;
}

static bool is_popf(const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	return row->map == M1 && row->opcode == 0x9d;
}

/*
 * STI goes on with the instruction that it shields. Repeated string
 * instructions end blocks for the sake of counting only. So do loads of FS: their stub
 * may lead to another block, when nothing behind them may have been paid for.
 */
static bool ends_block(const struct trans *t, const struct insn *in)
{
	if (in->exec && t->bt->config.exact_fuel && crossing_kind(in) == CROSSING_FS)
		return true;
	if (!in->exec || !in->ends_block)
		return in->ends_block;
	if (insn_table[in->row].class == STRING)
		return t->bt->config.exact_fuel || insn_table[in->row].ends_block;
	if (is_popf(in))
		return t->bt->config.exact_fuel || !(t->mode & MODE_RING0) || t->mode & MODE_V86;
	return !is_sti(t, in);
}

/* ---- transfers within a block ---- */
static bool is_jcc(const struct insn_row *row)
{
	return (row->map == M1 && row->opcode >= 0x70 && row->opcode <= 0x7f) ||
	       (row->map == M2 && row->opcode >= 0x80 && row->opcode <= 0x8f);
}

static bool is_call(const struct insn *in, const struct insn_row *row)
{
	return row->map == M1 && (row->opcode == 0xe8 || (row->opcode == 0xff && in->reg == 2));
}

/*
 * Whether the block goes on behind the last instruction though that ends one: it is
 * a conditional jump forward, which is not taken more often than not, or a call,
 * which comes back.
 */
static bool runs_on(struct trans *t, struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];
	bool call;

	t->in = in;
	if (!in->exec || row->class != TRANSFER || !trans_pairs_calls(t) ||
	    t->inner_count == TB_MAX_INNER || t->count == TB_MAX_INSNS)
		return false;
	call = is_call(in, row);
	if (call && t->mode & MODE_MOVED)
		return false; /* come_back() */
	if (!call && (!is_jcc(row) || in->imm >> 31))
		return false;
	/* A callee may do anything; and where a jump leads it may not be needed at all. */
	t->may_need = call ? 0 : t->may_need & t->need;
	t->inner |= 1ull << (t->count - 1);
	t->inner_count++;
	return true;
}

/* An instruction that is not one: it raises #UD or #GP when it is interpreted. */
static void make_undecodable(struct insn *in, unsigned bytes)
{
	*in = (struct insn){.exec = NULL, .length = (uint8_t)bytes, .ends_block = true};
}

/* Fills t->insns. False if not even one is wholly within the page. */
static bool decode_block(struct trans *t, const uint8_t *code, uint32_t eip)
{
	unsigned room = PAGE_SIZE - ((uintptr_t)code & (PAGE_SIZE - 1));
	bool code32 = t->mode & MODE_CODE32;

	/* 16-bit code does not run on behind FFFFh. */
	if (mode_seg(t->mode, CS) == KIND_CHECKED && eip <= 0xffff && 0x10000 - eip < room)
		room = 0x10000 - eip;
	while (t->count < TB_MAX_INSNS && t->bytes < room) {
		struct insn *in = &t->insns[t->count];
		unsigned left = room - t->bytes;
		enum decode_status s;

		s = decode_insn(t->bt->decoder, code + t->bytes, left < 15 ? left : 15, code32, in);
		if (is_cut_off(s, left))
			break;
		if (s != DECODE_OK || !insn_supported(t->cpu, &insn_table[in->row]))
			make_undecodable(in, left < 15 ? left : 15);
		t->x87 |= in->exec && insn_table[in->row].class == X87;
		t->need |= select_fpu_need(t, in);
		if (t->need & ~t->may_need)
			break;
		t->bytes += in->length;
		t->count++;
		if (ends_block(t, in) && !runs_on(t, in))
			break;
	}
	if (t->count) /* what was to follow the last one does not */
		t->inner &= (1ull << (t->count - 1)) - 1;
	return t->count > 0;
}

/*
 * An instruction across the end of the page. Only flat code: the limit is
 * looked at by the interpreter otherwise. May unwind.
 */
static bool decode_crossing(struct trans *t, const uint8_t *code, gva_t gva)
{
	unsigned in_page = PAGE_SIZE - ((uintptr_t)code & (PAGE_SIZE - 1));
	enum seg_kind cs = mode_seg(t->mode, CS);
	uint8_t bytes[15];

	if ((cs != KIND_FLAT && cs != KIND_BASED) || in_page >= sizeof(bytes))
		return false;
	t->code2 = block_fetch(t->cpu, (gva & PAGE_MASK) + PAGE_SIZE, &t->gpa2);
	if (!t->code2)
		return false;
	memcpy(bytes, code, in_page);
	memcpy(bytes + in_page, t->code2, sizeof(bytes) - in_page);
	if (decode_insn(t->bt->decoder, bytes, sizeof(bytes), t->mode & MODE_CODE32,
			&t->insns[0]) != DECODE_OK ||
	    !insn_supported(t->cpu, &insn_table[t->insns[0].row]))
		return false;
	t->count = 1;
	t->bytes = t->insns[0].length;
	t->x87 = insn_table[t->insns[0].row].class == X87;
	return t->bytes > in_page;
}

/* Flags to R9, and back; R8 holds RAX meanwhile. */
static void flags_to_r9(struct emit *e)
{
	emit_mov(e, TMP0, RAX);
	emit1(e, 0x9f);				 /* lahf */
	emit_op(e, OP_0F, 0x90, 0, rm_reg(RAX)); /* seto al */
	emit_mov32(e, TMP1, RAX);
}

static void flags_from_r9(struct emit *e)
{
	emit_mov32(e, RAX, TMP1);
	emit1(e, 0x04); /* add al, 7fh: OF */
	emit1(e, 0x7f);
	emit1(e, 0x9e); /* sahf */
	emit_mov(e, RAX, TMP0);
}

/* Pays for the instructions from the n-th, at eip, to the next transfer, or leaves before them. */
static void pay(struct trans *t, unsigned n, uint32_t eip)
{
	unsigned count = 1 + tb_paid_after(t->tb, n);
	struct emit *e = &t->e;
	uint8_t *enough;

	flags_to_r9(e);
	emit_op(e, OP_W, 0x81, 7, CPU_FIELD(fuel)); /* cmp */
	emit4(e, count);
	enough = emit_jcc8(e, 13); /* jnl */
	flags_from_r9(e);
	trans_store_eip(t, eip);
	emit_jmp(e, cache_rw(t->bt, t->bt->stubs.leave));
	emit_patch8(e, enough);
	emit_op(e, OP_W, 0x81, 5, CPU_FIELD(fuel)); /* sub */
	emit4(e, count);
	flags_from_r9(e);
}

/* Whether segment registers stay as they are, and control within the block. */
static bool keeps_pointers(const struct trans *t)
{
	switch (t->row->class) {
	case PLAIN:
	case STRING:
	case X87:
	case MMX:
	case SSE:
		return !t->in->ends_block;
	default:
		return false;
	}
}

/* Its exit writes the pointers itself, where it is taken. */
static bool inner_jcc(const struct trans *t)
{
	return trans_inner(t) && is_jcc(t->row);
}

static void prepare_fpu(struct trans *t)
{
	struct tb *tb = t->tb;

	trans_note_page(t);
	tb->chained = (uint16_t)(trans_offset(t) - tb->host);
	for (unsigned i = 0; i < t->count; i++)
		tb->fpu |= (uint8_t)select_fpu_need(t, &t->insns[i]);
	if (tb->fpu)
		trans_fpu_prepare(t);
	tb->ready = (uint16_t)(trans_offset(t) - tb->host);
}

static void select_all(struct trans *t)
{
	uint32_t eip = t->tb->eip;

	for (t->n = 0; t->n < t->count && !t->e.overflow; t->n++) {
		const struct insn *in = &t->insns[t->n];

		t->in = in;
		t->row = &insn_table[in->row];
		t->eip = eip;
		t->next_eip = eip + in->length;
		t->soft = t->tb->soft_insns >> t->n & 1;
		t->after_sti = t->n && t->insns[t->n - 1].exec && is_sti(t, in - 1);
		t->tb->insns[t->n] = (struct tb_insn){.guest = (uint16_t)(eip - t->tb->eip)};
		t->tb->insns[t->n].host = (uint16_t)(trans_offset(t) - t->tb->host);
		if (t->n && t->tb->inner >> (t->n - 1) & 1 && t->bt->config.exact_fuel)
			pay(t, t->n, eip);
		if (!keeps_pointers(t) && !inner_jcc(t))
			trans_x87_pointers(t, t->n);
		if (!in->exec || !select_insn(t)) {
			trans_slow(t);
			t->ended = ends_block(t, in) && !trans_inner(t);
		}
		eip = t->next_eip;
	}
	t->tb->body_size = trans_offset(t) - t->tb->host;
	if (!t->ended) {
		trans_x87_pointers(t, t->count);
		trans_jump(t, eip);
	}
	trans_finish(t);
}

struct tb *translate(struct vcpu *cpu, const uint8_t *code, gpa_t gpa, uint32_t eip, uint32_t mode,
		     uint64_t soft_insns)
{
	struct bt *bt = cpu->bt;
	struct trans t = {.cpu = cpu, .bt = bt, .may_need = ~0u};
	uint64_t start = host_time_ns();

	t.mode = tb_choose_mode(bt, code, eip, mode);
	if (!decode_block(&t, code, eip) &&
	    !decode_crossing(&t, code, cpu->seg[CS].base + eip))
		return NULL;
	if (t.mode & MODE_MOVED)
		eip &= PAGE_SIZE - 1;
	for (;;) {
		t.tb = cache_begin(cpu, t.count, t.x87, t.inner_count + 2, &t.e);
		t.tb->code = code;
		t.tb->code2 = t.code2;
		t.tb->eip = eip;
		t.tb->mode = t.mode;
		t.tb->bytes = (uint16_t)t.bytes;
		t.tb->soft_insns = soft_insns;
		t.tb->inner = t.inner;
		prepare_fpu(&t);
		if (bt->config.exact_fuel)
			pay(&t, 0, eip);
		select_all(&t);
		if (!t.e.overflow)
			break;
		cache_full(cpu);
		t.e.overflow = t.ended = t.called = false;
		t.jump_count = 0;
	}
	t.tb->calls = t.called;
	cache_commit(bt, t.tb, &t.e);
	tb_insert(cpu, t.tb, gpa, t.gpa2);
	inspect_block(cpu, t.tb);
	bt->n.translations++;
	cpu->bt_new_blocks++;
	bt->n.translated_insns += t.count;
	bt->n.translated_bytes += t.tb->host_size;
	bt->n.translation_ns += host_time_ns() - start;
	return t.tb;
}
