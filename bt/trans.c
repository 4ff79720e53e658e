/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What translation rules are made of: memory operands, exits, polls (trans.h). */
#include <assert.h>

#include "bt/fpu.h"
#include "bt/trans.h"
#include "mmu/window.h"

void trans_call(struct trans *t, uint32_t stub)
{
	emit_call(&t->e, cache_rw(t->bt, stub));
}

static enum soft_size soft_size_of(unsigned bytes)
{
	for (unsigned s = 0; s < SOFT_SIZES; s++)
		if (soft_bytes((enum soft_size)s) == bytes)
			return (enum soft_size)s;
	assert(!"no such access size");
	return SOFT_1;
}

static struct rm segment_base(unsigned seg)
{
	return rm_at(VCPU, (int32_t)(offsetof(struct vcpu, seg) + seg * sizeof(struct segment) +
				     offsetof(struct segment, base)));
}

/*
 * Where the window shows the byte at ea, a flat linear address. The register of
 * an address is an index to the window's base, and its upper half is zero; with a
 * displacement the sum may leave the window's 4 GiB for the guards, where it
 * faults. Addresses that are made of more than that, or of displacements that
 * may well be wrapped around on purpose (-0xc0000000), are computed before.
 */
static struct rm window_operand(struct trans *t, struct rm ea)
{
	if (ea.index == NO_REG && ea.reg == NO_REG && ea.disp >= 0)
		return rm_at(WINDOW, ea.disp);
	if (ea.index == NO_REG && ea.reg != NO_REG && ea.disp >= -(int32_t)WINDOW_GUARD_BELOW)
		return rm_indexed(WINDOW, ea.reg, 0, ea.disp);
	if (ea.index == NO_REG && ea.reg == NO_REG)
		emit_mov_imm32(&t->e, TMP0, (uint32_t)ea.disp);
	else
		emit_lea32(&t->e, TMP0, ea);
	return rm_indexed(WINDOW, TMP0, 0, 0);
}

struct rm trans_memory(struct trans *t, unsigned seg, struct rm ea, bool address16,
		       enum access access, unsigned size)
{
	/* What CS allows as data is not what its mode bits say. */
	enum seg_kind kind = seg == CS ? KIND_CHECKED : mode_seg(t->mode, seg);
	bool window = t->mode & MODE_WINDOW && !t->soft;
	enum soft_size s = soft_size_of(size);

	if (window && kind == KIND_FLAT && !address16)
		return window_operand(t, ea);
	emit_lea32(&t->e, TMP0, ea);
	if (address16)
		emit_movzx16(&t->e, TMP0, TMP0);
	if (kind == KIND_BASED) {
		emit_load32(&t->e, TMP1, segment_base(seg));
		emit_lea32(&t->e, TMP0, rm_indexed(TMP0, TMP1, 0, 0));
	} else if (kind != KIND_FLAT) {
		trans_call(t, t->bt->stubs.check[seg][access][s]);
	}
	if (window)
		return rm_indexed(WINDOW, TMP0, 0, 0);
	trans_call(t, t->bt->stubs.soft[!!(t->mode & MODE_USER)][access][s]);
	return rm_indexed(TMP0, TMP1, 0, 0);
}

static unsigned ea_register(unsigned guest)
{
	return guest == GPR_ZERO ? (unsigned)NO_REG : host_reg(guest);
}

struct rm trans_ea(const struct insn *in)
{
	struct rm ea = {.memory = true,
			.reg = (uint8_t)ea_register(in->base),
			.index = (uint8_t)ea_register(in->index),
			.scale = in->scale,
			.disp = (int32_t)in->disp};

	/* [index] alone, unscaled: shorter as a base. */
	if (ea.reg == NO_REG && ea.scale == 0 && ea.index != NO_REG) {
		ea.reg = ea.index;
		ea.index = NO_REG;
	}
	return ea;
}

struct rm trans_operand(struct trans *t, enum access access, unsigned size)
{
	return trans_memory(t, t->in->seg, trans_ea(t->in), t->in->address_mask == 0xffff, access,
			    size);
}

struct rm trans_stack(struct trans *t, int offset, enum access access, unsigned size)
{
	return trans_memory(t, SS, rm_at(R15, offset), !(t->mode & MODE_STACK32), access, size);
}

void trans_stack_add(struct trans *t, int n)
{
	if (t->mode & MODE_STACK32) {
		emit_lea32(&t->e, R15, rm_at(R15, n));
	} else {
		emit_lea32(&t->e, TMP0, rm_at(R15, n));
		emit_op(&t->e, OP_16, 0x8b, R15, rm_reg(TMP0));
	}
}

void trans_slow(struct trans *t)
{
	trans_call(t, t->bt->stubs.slow);
}

void trans_eip(struct trans *t, unsigned reg, uint32_t eip)
{
	if (!(t->mode & MODE_MOVED)) {
		emit_mov_imm32(&t->e, reg, eip);
		return;
	}
	emit_load32(&t->e, reg, CPU_FIELD(bt_page));
	emit_lea32(&t->e, reg, rm_at(reg, (int32_t)eip));
}

void trans_store_eip(struct trans *t, uint32_t eip)
{
	if (!(t->mode & MODE_MOVED)) {
		emit_store32_imm(&t->e, CPU_FIELD(eip), eip);
		return;
	}
	trans_eip(t, TMP0, eip);
	emit_store32(&t->e, CPU_FIELD(eip), TMP0);
}

void trans_note_page(struct trans *t)
{
	if (!(t->mode & MODE_MOVED))
		return;
	emit_lea32(&t->e, TMP1, rm_at(TMP0, -(int32_t)t->tb->eip));
	emit_store32(&t->e, CPU_FIELD(bt_page), TMP1);
}

void trans_fpu_prepare(struct trans *t)
{
	struct emit *e = &t->e;
	struct rm missing = CPU_FIELD(bt_fpu_missing);
	uint8_t *ready;

	missing.disp += (int32_t)(t->tb->fpu * sizeof(t->cpu->bt_fpu_missing[0]));
	emit_mov(e, TMP0, RCX);
	emit_load32(e, RCX, missing);
	ready = emit_jrcxz(e);
	emit_mov(e, RCX, TMP0);
	trans_call(t, t->bt->stubs.fpu); /* goes on at host_ready */
	emit_patch8(e, ready);
	emit_mov(e, RCX, TMP0);
}

/* The load faults when vcpu.bt_poll is NULL: signals.c. With exact fuel blocks look at that. */
void trans_poll(struct trans *t)
{
	if (t->bt->config.exact_fuel || t->after_sti)
		return;
	emit_load64(&t->e, TMP0, CPU_FIELD(bt_poll));
	emit_load64(&t->e, TMP0, rm_at(TMP0, 0));
}

/* Where in the block's page eip is; from PAGE_SIZE on it is in another. */
static uint32_t place_in_page(const struct trans *t, uint32_t eip)
{
	return ((uintptr_t)t->tb->code & (PAGE_SIZE - 1)) + (eip - t->tb->eip);
}

/*
 * Whether the instruction at eip begins in this page and goes on in the next one. Nothing is
 * chained to its block: struct tb.
 */
static bool crosses(const struct trans *t, uint32_t eip)
{
	uint32_t at = place_in_page(t, eip), room = PAGE_SIZE - at;
	enum decode_status status;
	struct insn in;

	if (at >= PAGE_SIZE || room >= INSN_MAX_LENGTH)
		return false;
	status = decode_insn(t->bt->decoder, page_of(t->tb->code) + at, room,
			     t->mode & MODE_CODE32, &in);
	return is_cut_off(status, room);
}

/* Whether an exit to eip may be chained: the page is the same, and so is its mapping. */
static bool same_page(const struct trans *t, uint32_t eip)
{
	return !t->code2 && place_in_page(t, eip) < PAGE_SIZE && !crosses(t, eip);
}

/*
 * Whether an exit into another page may be chained: below ring 3, where mappings
 * of code hardly change (tb_unchain_stale()), and within one segment.
 */
static bool may_cross(const struct trans *t, uint32_t eip)
{
	return !(t->mode & MODE_USER) && mode_seg(t->mode, CS) == KIND_FLAT && !crosses(t, eip);
}

static void note_jump(struct trans *t, uint32_t eip)
{
	assert(t->jump_count < TB_MAX_EXITS);
	t->jumps[t->jump_count++] = (struct exit_jump){
		.eip = eip, .at = trans_offset(t) - 4, .after_call = t->called};
}

static void trans_rel32(struct trans *t, unsigned opcode, uint32_t eip)
{
	emit_room(&t->e);
	emit1(&t->e, opcode);
	emit4(&t->e, 0);
	note_jump(t, eip);
}

void trans_jump(struct trans *t, uint32_t eip)
{
	trans_rel32(t, 0xe9, eip);
	t->ended = true;
}

void trans_jump_if(struct trans *t, unsigned cc, uint32_t eip)
{
	emit_room(&t->e);
	emit1(&t->e, 0x0f);
	emit1(&t->e, 0x80 | cc);
	emit4(&t->e, 0);
	note_jump(t, eip);
}

/*
 * Tags and targets by the target's low 16 bits. The tag counts for one set of
 * translations and one mode; hit if it cancels out, as none does that a kick has shifted
 * out. how: FF /how at last.
 */
enum lookup_by { BY_CALL = 2, BY_JUMP = 4 };

static void emit_missed_jump(struct bt *bt, struct emit *e)
{
	emit_jmp(e, cache_rw(bt, bt->stubs.missed));
}

static void lookup(struct bt *bt, struct emit *e, enum lookup_by how,
		   void (*missed)(struct bt *bt, struct emit *e))
{
	uint8_t *hit = NULL;

	if (bt->config.chaining) {
		emit_rorx(e, false, TMP1, TMP0, JC_ROTATE);
		emit_movzx16(e, TMP1, TMP1);
		emit_load64(e, TMP4, CPU_FIELD(bt_jc));
		emit_load32(e, TMP3, CPU_FIELD(bt_kick));
		emit_load64(e, TMP2, CPU_FIELD(bt_jc_tag));
		emit_shiftx(e, true, VEX_SHLX, TMP2, TMP2, TMP3);
		emit_lea64(e, TMP2, rm_indexed(TMP2, TMP0, 0, 0));
		emit_load64(e, TMP3, rm_indexed(TMP4, TMP1, 3, offsetof(struct jump_cache, tag)));
		emit_lea64(e, TMP2, rm_indexed(TMP2, TMP3, 0, 0));
		emit_mov(e, TMP3, RCX);
		emit_mov(e, RCX, TMP2);
		hit = emit_jrcxz(e);
		emit_mov(e, RCX, TMP3);
	}
	missed(bt, e);
	if (hit) {
		emit_patch8(e, hit);
		emit_mov(e, RCX, TMP3);
		emit_op(e, 0, 0xff, how,
			rm_indexed(TMP4, TMP1, 3, offsetof(struct jump_cache, target)));
	}
}

void emit_lookup(struct bt *bt, struct emit *e)
{
	lookup(bt, e, BY_JUMP, emit_missed_jump);
}

void emit_lookup_or(struct bt *bt, struct emit *e, void (*missed)(struct bt *bt, struct emit *e))
{
	lookup(bt, e, BY_JUMP, missed);
}

void trans_jump_lookup(struct trans *t)
{
	t->ended = true;
	lookup(t->bt, &t->e, BY_JUMP, emit_missed_jump);
}

/* ---- calls and returns, returns.c ---- */
/*
 * Behind a host CALL: whoever has returned means the EIP in R8. Code that can be
 * moved does not know what it had called from: others have set vcpu.bt_page since.
 */
static void come_back(struct trans *t)
{
	struct emit *e = &t->e;
	uint8_t *here;

	if (t->mode & MODE_MOVED) {
		emit_jmp(e, cache_rw(t->bt, t->bt->stubs.lookup));
		t->ended = true;
		return;
	}
	emit_mov(e, TMP1, RCX);
	emit_lea32(e, RCX, rm_at(TMP0, -(int32_t)t->next_eip));
	here = emit_jrcxz(e);
	emit_mov(e, RCX, TMP1);
	emit_jmp(e, cache_rw(t->bt, t->bt->stubs.lookup));
	emit_patch8(e, here);
	emit_mov(e, RCX, TMP1);
	t->called = true;
	if (!trans_inner(t))
		trans_jump(t, t->next_eip);
}

void trans_call_block(struct trans *t, uint32_t eip)
{
	trans_rel32(t, 0xe8, eip);
	come_back(t);
}

void trans_call_lookup(struct trans *t)
{
	lookup(t->bt, &t->e, BY_CALL, emit_missed_jump);
	come_back(t);
}

void trans_return(struct trans *t)
{
	emit_room(&t->e);
	emit_ret(&t->e);
	t->ended = true;
}

/* The jump leads to what is emitted next. */
static void jump_here(struct trans *t, const struct exit_jump *j)
{
	uint32_t rel = trans_offset(t) - (j->at + 4);

	memcpy(cache_rw(t->bt, j->at), &rel, 4);
}

/* What the block's instructions have still to write is written on the way out. */
static void finish_pointers(struct trans *t, struct exit_jump *j)
{
	if (!trans_has_x87_pointers(t, j->pointers))
		return;
	jump_here(t, j);
	trans_x87_pointers_exit(t, j->pointers);
	emit_room(&t->e);
	emit1(&t->e, 0xe9);
	emit4(&t->e, 0);
	j->at = trans_offset(t) - 4;
}

/* Code that is jumped to while the exit is not chained. */
static void finish_jump(struct trans *t, struct exit_jump *j)
{
	struct tb_exit *exit = &tb_exits(t->tb)[t->tb->exit_count];

	finish_pointers(t, j);
	jump_here(t, j);
	if (mode_seg(t->mode, CS) == KIND_SMALL) {
		emit_store32_imm(&t->e, CPU_FIELD(eip), j->eip);
		emit_jmp(&t->e, cache_rw(t->bt, t->bt->stubs.leave)); /* the monitor looks at the limit */
		return;
	}
	if (!same_page(t, j->eip) && !may_cross(t, j->eip)) {
		trans_eip(t, TMP0, j->eip);
		if (t->mode & MODE_WINDOW)
			trans_jump_lookup(t);
		else /* runs seldom: what counts is that the code is short */
			emit_jmp(&t->e, cache_rw(t->bt, t->bt->stubs.lookup));
		return;
	}
	t->tb->cross |= (uint8_t)(!same_page(t, j->eip) << t->tb->exit_count);
	t->tb->after_call |= (uint8_t)(j->after_call << t->tb->exit_count);
	t->tb->exit_count++;
	*exit = (struct tb_exit){.from = meta_ref_of(t->bt, t->tb),
				 .jump = (uint16_t)(j->at - t->tb->host),
				 .unchained = (uint16_t)(trans_offset(t) - t->tb->host),
				 .eip = j->eip};
	emit_mov_imm32(&t->e, R11, exit_id(t->bt, exit));
	emit_jmp(&t->e, cache_rw(t->bt, t->bt->stubs.exit));
}

void trans_finish(struct trans *t)
{
	for (unsigned i = 0; i < t->jump_count && !t->e.overflow; i++)
		finish_jump(t, &t->jumps[i]);
}

void trans_flag_op(struct trans *t, enum flag_op op)
{
	struct rm byte1 = CPU_FIELD(eflags);

	byte1.disp++;
	emit_load64(&t->e, TMP1, CPU_FIELD(bt_tables));
	emit_op(&t->e, OP_0F, 0xb6, TMP0, byte1);
	emit_op(&t->e, OP_0F, 0xb6, TMP0,
		rm_indexed(TMP1, TMP0, 0,
			   (int32_t)(offsetof(struct bt_tables, flag_op) + op * 256)));
	emit_op(&t->e, 0, 0x88, TMP0, byte1);
}
