/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where emitted code may go, and in what state. */
#include "bt/verify.h"

static uint8_t merge_held(uint8_t a, uint8_t b)
{
	if (a == b)
		return a;
	if (a >= HOLDS_SAVED || a == HOLDS_SOFT_ADDRESS)
		a = HOLDS_32;
	if (b >= HOLDS_SAVED || b == HOLDS_SOFT_ADDRESS)
		b = HOLDS_32;
	if (a > HOLDS_32 || b > HOLDS_32)
		return HOLDS_ANY;
	return a > b ? a : b;
}

/* What is known where two ways meet. */
static void merge(struct known *a, const struct known *b)
{
	if (!a->reached)
		*a = *b;
	if (!b->reached)
		return;
	for (unsigned i = 0; i < REGISTERS; i++)
		a->held[i] = merge_held(a->held[i], b->held[i]);
	a->lent |= b->lent;
	a->soft_bytes = a->soft_bytes < b->soft_bytes ? a->soft_bytes : b->soft_bytes;
	a->soft_write &= b->soft_write;
	a->effect |= b->effect;
	a->flags |= b->flags;
	a->eip_stored &= b->eip_stored;
}

const char *verify_arrive(struct verify *v)
{
	for (unsigned i = 0; i < v->join_count;) {
		if (v->joins[i].to > v->at) {
			i++;
			continue;
		}
		if (v->joins[i].to < v->at)
			return "a jump into the middle of an instruction";
		merge(&v->now, &v->joins[i].known);
		v->joins[i] = v->joins[--v->join_count];
	}
	return NULL;
}

/* ---- jumps ---- */
static bool is_insn_start(const struct verify *v, uint32_t offset)
{
	if (!v->tb)
		return false;
	for (unsigned i = 0; i < v->tb->count; i++)
		if (v->tb->host + v->tb->insns[i].host == offset)
			return true;
	return offset == tb_chained(v->tb);
}

static const char *jump_within(struct verify *v, uint32_t to)
{
	if (to <= v->at && !is_insn_start(v, to))
		return "a jump backwards to no guest instruction's beginning";
	if (to <= v->at)
		return verify_at_home(v);
	if (v->join_count == JOINS)
		return "more jumps forward than are understood";
	v->joins[v->join_count++] = (struct join){.to = to, .known = v->now};
	return NULL;
}

static const char *jump_to_leave(const struct verify *v)
{
	return v->now.eip_stored ? verify_at_home(v) : "leaves without EIP";
}

static const char *jump_to_exit(const struct verify *v)
{
	return v->now.held[R11] == HOLDS_EXIT ? verify_at_home(v)
					      : "R11 is not the number of an exit of this block";
}

static const char *jump_to_lookup(const struct verify *v)
{
	return v->now.held[R8] <= HOLDS_32 ? verify_at_home(v) : "a look-up without an EIP in R8";
}

/* To a place outside of what is verified. */
static const char *jump_away(const struct verify *v, int64_t to)
{
	const struct stubs *stubs = &v->bt->stubs;
	const struct tb *tb;

	if (to == stubs->missed && (!v->stub || is_lookup(v->stub)))
		return jump_to_lookup(v);
	if (v->stub)
		return to == stubs->slow ? verify_may_fault(v) : "a stub jumps to what is not slow";
	if (to == stubs->leave)
		return jump_to_leave(v);
	if (to == stubs->exit)
		return jump_to_exit(v);
	if (to == stubs->lookup)
		return jump_to_lookup(v);
	tb = to > 0 && to < v->bt->cache.size ? cache_find((struct bt *)v->bt, (uint32_t)to) : NULL;
	if (!tb)
		return "a jump to neither a block nor a stub";
	if (!tb->code)
		return "a jump to a block that is no more";
	return tb_chained(tb) == to || tb_ready(tb) == to
		       ? verify_at_home(v)
		       : "a jump into the middle of a block";
}

static const char *jump_relative(struct verify *v, int64_t to)
{
	bool always = v->in.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
	const char *reason;

	/* The end itself is within for nobody: nothing follows there. */
	if (to >= v->begin && to < v->end)
		reason = jump_within(v, (uint32_t)to);
	else
		reason = jump_away(v, to);
	if (always)
		v->now.reached = false;
	return reason;
}

static bool by_jump_cache(const struct verify *v)
{
	const ZydisDecodedOperand *op = &v->ops[0];

	return op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       verify_held(v, op->mem.base) == HOLDS_JUMP_CACHE &&
	       op->mem.disp.value == (int64_t)offsetof(struct jump_cache, target) &&
	       op->mem.scale == 8;
}

/* JMP through a register or memory. */
static const char *jump_indirect(struct verify *v)
{
	const ZydisDecodedOperand *op = &v->ops[0];
	bool memory = op->type == ZYDIS_OPERAND_TYPE_MEMORY;

	v->now.reached = false;
	if (v->gate) {
		if (!memory && op->reg.value == ZYDIS_REGISTER_R11)
			return verify_at_home(v);
		if (memory && op->mem.base == ZYDIS_REGISTER_R14 &&
		    op->mem.disp.value == (int64_t)offsetof(struct vcpu, bt_resume))
			return verify_at_home(v);
	}
	return by_jump_cache(v) ? verify_at_home(v)
				: "an indirect jump that is not the jump cache's";
}

/* ---- calls ---- */
static const char *call_memory_stub(struct verify *v, const struct stub *s)
{
	const char *reason = verify_may_fault(v);
	uint8_t r8 = v->now.held[R8];

	if (reason)
		return reason;
	if (r8 > HOLDS_32 && r8 != HOLDS_SOFT_ADDRESS && r8 < HOLDS_SAVED)
		return "R8 is no linear address where a stub is called";
	v->now.held[R8] = HOLDS_32;
	v->now.held[R9] = v->now.held[R10] = v->now.held[R11] = HOLDS_ANY;
	if (s->kind != STUB_SOFT)
		return NULL;
	if (s->view != !!(v->tb->mode & MODE_USER))
		return "the software TLB of the other privilege";
	v->now.held[R8] = HOLDS_SOFT_ADDRESS;
	v->now.held[R9] = HOLDS_SOFT_DELTA;
	v->now.soft_bytes = (uint8_t)s->bytes;
	v->now.soft_write = s->write;
	return NULL;
}

/* R13 takes or gives EFLAGS; POPF's may have the instruction interpreted. */
static const char *call_flags_stub(struct verify *v, const struct stub *s)
{
	const char *reason = verify_may_fault(v);

	v->now.held[R13] = is_reload(s) || is_fs_load(s) ? HOLDS_ANY : HOLDS_32;
	v->now.held[R8] = v->now.held[R9] = v->now.held[R10] = v->now.held[R11] = HOLDS_ANY;
	return reason;
}

/* R13 says where it goes on in another mode; POP takes the selector off the guest's stack. */
static const char *call_fs_stub(struct verify *v, const struct stub *s)
{
	if (v->now.held[R8] > HOLDS_16)
		return "R8 is no selector";
	if (v->now.held[R13] > HOLDS_32)
		return "R13 is no EIP";
	return call_flags_stub(v, s);
}

/* A guest's CALL: whatever comes next may run before it comes back. */
static const char *call_block(struct verify *v, const char *reason)
{
	verify_forget(v);
	v->now.held[R8] = HOLDS_32;
	return reason;
}

static const char *call(struct verify *v, const ZydisDecodedOperand *op, int64_t to)
{
	struct stub s;

	if (v->gate && op->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return NULL; /* C */
	if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return v->tb && by_jump_cache(v) ? call_block(v, verify_at_home(v))
						 : "an indirect call";
	if (v->tb && to >= v->bt->cache.stubs_end)
		return call_block(v, jump_relative(v, to));
	if (v->stub || to < 0 || to >= v->bt->cache.size || !stub_find(v->bt, (uint32_t)to, &s))
		return "a call to no stub";
	switch (s.kind) {
	case STUB_FPU: /* comes back at the block's first instruction */
	case STUB_SLOW: /* comes back at the next guest instruction, if at all */
		v->now.reached = false;
		v->after_slow = true;
		return verify_may_fault(v);
	case STUB_PUSHF:
	case STUB_POPF16:
	case STUB_POPF32:
	case STUB_RELOAD_ES:
	case STUB_RELOAD_DS:
		return call_flags_stub(v, &s);
	case STUB_LOAD_FS:
	case STUB_POP_FS:
		return call_fs_stub(v, &s);
	case STUB_SYSENTER:
	case STUB_SYSEXIT:
	case STUB_IRET:
		v->now.reached = false;
		v->after_slow = true;
		return verify_may_fault(v);
	case STUB_SOFT:
	case STUB_CHECK:
		return call_memory_stub(v, &s);
	default:
		return "a call to a stub that is not called";
	}
}

static const char *ret(struct verify *v)
{
	const struct known *k = &v->now;

	v->now.reached = false;
	if (is_fs_load(v->stub))
		return v->now.flags ? "a stub has changed flags" : verify_at_home(v);
	if (v->gate)
		return NULL;
	if (!v->stub)
		return k->held[R8] <= HOLDS_32 ? verify_at_home(v) : "RET without an EIP in R8";
	if (k->held[R13] != HOLDS_KEPT && !is_reload(v->stub))
		return "a stub has changed R13";
	if (v->stub->kind == STUB_SOFT &&
	    (k->held[R8] != HOLDS_SOFT_ADDRESS || k->held[R9] != HOLDS_SOFT_DELTA))
		return "the software TLB's stub returns without [R8+R9]";
	if (k->held[R8] > HOLDS_32 && k->held[R8] != HOLDS_SOFT_ADDRESS)
		return "a stub returns without a linear address in R8";
	return v->now.flags ? "a stub has changed flags" : verify_at_home(v);
}

const char *verify_transfer(struct verify *v)
{
	const ZydisDecodedOperand *op = &v->ops[0];
	int64_t to = (int64_t)v->at + v->in.length;

	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op->imm.is_relative)
		to += op->imm.value.s;
	switch (v->in.meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return call(v, op, to);
	case ZYDIS_CATEGORY_RET:
		return ret(v);
	default:
		if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op->imm.is_relative)
			return jump_relative(v, to);
		return jump_indirect(v);
	}
}
