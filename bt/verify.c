/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verifier of emitted code, verify.h: its walk over a block. */
#include <stdlib.h>

#include "bt/verify.h"

/* ---- instructions that are refused whatever their operands ---- */
static bool extension_known(ZydisISAExt ext)
{
	switch (ext) {
	case ZYDIS_ISA_EXT_BASE:
	case ZYDIS_ISA_EXT_LONGMODE:
	case ZYDIS_ISA_EXT_X87:
	case ZYDIS_ISA_EXT_MMX:
	case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2:
	case ZYDIS_ISA_EXT_SSE3:
	case ZYDIS_ISA_EXT_SSSE3:
	case ZYDIS_ISA_EXT_SSE4:
	case ZYDIS_ISA_EXT_LZCNT:
	case ZYDIS_ISA_EXT_BMI1: /* TZCNT; the others are VEX */
	case ZYDIS_ISA_EXT_BMI2:
		return true;
	default:
		return false;
	}
}

static bool category_refused(const struct verify *v)
{
	switch (v->in.meta.category) {
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SEGOP:
	case ZYDIS_CATEGORY_RDWRFSGS:
	case ZYDIS_CATEGORY_XSAVE:
		return true;
	case ZYDIS_CATEGORY_SYSTEM: /* the host's TSC tells no more than the guest's does */
		return v->in.mnemonic != ZYDIS_MNEMONIC_RDTSC;
	case ZYDIS_CATEGORY_PUSH:
	case ZYDIS_CATEGORY_POP:
		return !v->gate;
	default:
		return v->in.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED;
	}
}

/* What the host would tell of itself, and what is there to trap. */
static bool mnemonic_refused(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_RDPMC:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_STD:
		return true;
	default:
		return false;
	}
}

static const char *judge_kind(const struct verify *v)
{
	bool vex = v->in.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY;

	if (mnemonic_refused(v->in.mnemonic) || category_refused(v))
		return "an instruction that emitted code has no business with";
	if (!extension_known(v->in.meta.isa_ext) ||
	    (vex && v->in.meta.isa_ext != ZYDIS_ISA_EXT_BMI2))
		return "an instruction of an extension that guests do not have";
	return NULL;
}

/* ---- one instruction ---- */
static bool is_transfer(const struct verify *v)
{
	switch (v->in.meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return true;
	default:
		return false;
	}
}

/* #DE, and x87 exceptions that are pending, have the instruction interpreted. */
static bool may_trap(const struct verify *v)
{
	return v->in.mnemonic == ZYDIS_MNEMONIC_DIV || v->in.mnemonic == ZYDIS_MNEMONIC_IDIV ||
	       v->in.meta.isa_ext == ZYDIS_ISA_EXT_X87 || v->in.meta.isa_ext == ZYDIS_ISA_EXT_MMX;
}

static bool is_rep(const struct verify *v)
{
	switch (v->in.mnemonic) {
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
		return v->in.attributes & ZYDIS_ATTRIB_HAS_REP;
	default:
		return false;
	}
}

static const char *judge(struct verify *v)
{
	const char *reason = judge_kind(v);

	if (v->in.meta.category == ZYDIS_CATEGORY_STRINGOP)
		return is_rep(v) ? verify_rep(v) : "a string instruction";

	if (!reason && may_trap(v))
		reason = verify_may_fault(v);
	for (unsigned i = 0; i < v->in.operand_count && !reason; i++)
		if (v->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			reason = verify_memory(v, &v->ops[i]);
	if (reason)
		return reason;
	if (!is_transfer(v))
		return verify_registers(v);
	/* LOOP counts in a guest register before it jumps. */
	if (v->in.meta.category == ZYDIS_CATEGORY_COND_BR)
		reason = verify_registers(v);
	return reason ? reason : verify_transfer(v);
}

/* ---- the walk ---- */
/* Nothing is known but the roles of registers. */
void verify_forget(struct verify *v)
{
	v->now = (struct known){.reached = true};
	for (unsigned i = 0; i < REGISTERS; i++)
		v->now.held[i] = is_guest_reg(i) ? HOLDS_32 : HOLDS_ANY;
}

/* A place that is jumped to from elsewhere. */
static const char *begin_entry(struct verify *v)
{
	const char *reason = v->now.reached ? verify_at_home(v) : NULL;

	verify_forget(v);
	return reason;
}

/* Exits of other blocks lead here; code of an exit is led to whenever that is not chained. */
static const char *begin_exits(struct verify *v)
{
	const char *reason = NULL;

	if (v->tb && tb_chained(v->tb) == v->at)
		reason = begin_entry(v);
	for (unsigned i = 0; v->tb && i < v->tb->exit_count && !reason; i++)
		if (v->tb->host + tb_exits(v->tb)[i].unchained == v->at)
			reason = begin_entry(v);
	return reason;
}

/* Guest instructions that begin here: reached from before, and by slow. */
static const char *begin_insns(struct verify *v)
{
	const struct tb *tb = v->tb;

	while (tb && v->insn < tb->count && tb->host + tb->insns[v->insn].host <= v->at) {
		const char *reason;

		if (tb->host + tb->insns[v->insn].host < v->at)
			return "a guest instruction begins inside of a host instruction";
		reason = begin_entry(v);
		if (reason)
			return reason;
		v->insn++;
	}
	return NULL;
}

static const char *step(struct verify *v)
{
	const char *reason = verify_arrive(v);

	if (!reason)
		reason = begin_insns(v);
	if (!reason)
		reason = begin_exits(v);
	if (reason)
		return reason;
	/*
	 * A block that is cut off after an interpreted instruction has an exit
	 * there all the same, which slow does not use yet.
	 */
	if (!v->now.reached && v->after_slow)
		verify_forget(v);
	v->after_slow = false;
	if (!v->now.reached)
		return "code that nothing leads to";
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&v->decoder, cache_rw(v->bt, v->at),
						 v->end - v->at, &v->in, v->ops)))
		return "no instruction";
	reason = judge(v);
	if (!reason)
		v->at += v->in.length;
	return reason;
}

static const char *walk(struct verify *v, uint32_t *at)
{
	const char *reason = NULL;

	ZydisDecoderInit(&v->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	v->at = v->begin;
	while (v->at < v->end && !reason)
		reason = step(v);
	if (!reason && (v->now.reached || v->join_count))
		reason = "runs on behind its end";
	if (!reason && v->tb && v->insn != v->tb->count)
		reason = "a guest instruction without code";
	*at = v->at;
	return reason;
}

const char *verify_code(const struct bt *bt, const struct tb *tb, uint32_t *at)
{
	struct verify v = {.bt = bt, .tb = tb, .begin = tb->host, .end = tb->host + tb->host_size};

	verify_forget(&v);
	return walk(&v, at);
}

const char *verify_stub(const struct bt *bt, const struct stub *s, uint32_t *at)
{
	struct verify v = {.bt = bt,
			   .stub = s,
			   .gate = s->kind < STUB_SOFT,
			   .begin = s->begin,
			   .end = stub_end(bt, s->begin)};

	verify_forget(&v);
	v.now.held[R13] = HOLDS_KEPT;
	v.now.held[R8] = s->kind == STUB_SOFT ? HOLDS_SOFT_ADDRESS : HOLDS_32;
	return walk(&v, at);
}

/* ---- what is done about it ---- */
void verify_block(const struct bt *bt, const struct tb *tb)
{
	uint32_t at;
	const char *reason = verify_code(bt, tb, &at);

	if (!reason)
		return;
	fprintf(stderr, "translated code breaks a rule: %s\n", reason);
	dump_block(bt, tb, at, stderr);
	abort();
}

void verify_stubs(const struct bt *bt)
{
	struct stub s;

	for (unsigned n = 0; stub_nth(bt, n, &s); n++) {
		uint32_t at;
		const char *reason = verify_stub(bt, &s, &at);

		if (!reason)
			continue;
		fprintf(stderr, "a stub breaks a rule: %s\n", reason);
		dump_stub(bt, &s, at, stderr);
		abort();
	}
}
