/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory operands of emitted code: the containment rule of verify.h. */
#include "bt/verify.h"
#include "mmu/window.h"

/* ---- struct vcpu ---- */
static const struct vcpu_field fields[] = {
#define X(field, writer, why)                                                                      \
	{#field, offsetof(struct vcpu, field), sizeof(((struct vcpu *)0)->field), writer},
	VCPU_FIELDS(X)
#undef X
};

const struct vcpu_field *vcpu_field_at(int64_t offset)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (offset >= fields[i].offset && offset - fields[i].offset < fields[i].size)
			return &fields[i];
	return NULL;
}

static const char *vcpu_operand(struct verify *v, const ZydisDecodedOperand *op)
{
	int64_t disp = op->mem.disp.value;
	uint32_t size = op->size / 8;
	const struct vcpu_field *f;

	if (op->mem.index != ZYDIS_REGISTER_NONE)
		return "struct vcpu with an index";
	if (disp < 0 || (uint64_t)disp + size > sizeof(struct vcpu))
		return "beyond struct vcpu";
	if (!op_writes(op))
		return NULL;
	f = vcpu_field_at(disp);
	if (!f || disp + size > f->offset + f->size || f->writer == BY_NOBODY)
		return "writes a field of struct vcpu that is not emitted code's";
	if (f->writer == BY_GATES && !v->gate)
		return "writes a field of struct vcpu that is enter's, leave's and slow's";
	if (f->offset == offsetof(struct vcpu, eip))
		v->now.eip_stored = true;
	return NULL;
}

/* ---- the tables ---- */
static const struct table_part parts[] = {
#define X(field)                                                                                   \
	{#field, offsetof(struct bt_tables, field), sizeof(((struct bt_tables *)0)->field)},
	BT_TABLES(X)
#undef X
};

const struct table_part *table_part_at(int64_t offset)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (offset >= parts[i].offset && offset - parts[i].offset < parts[i].size)
			return &parts[i];
	return NULL;
}

/* The most that the index may be, or -1. */
static int64_t index_bound(const struct verify *v, ZydisRegister index)
{
	if (index == ZYDIS_REGISTER_NONE)
		return 0;
	switch (v->now.held[verify_register(index)]) {
	case HOLDS_ZERO:
		return 0;
	case HOLDS_8:
		return 0xff;
	case HOLDS_16:
		return 0xffff;
	default:
		return -1;
	}
}

static const char *table_operand(const struct verify *v, const ZydisDecodedOperand *op)
{
	int64_t disp = op->mem.disp.value, bound = index_bound(v, op->mem.index);
	const struct table_part *part = table_part_at(disp);

	if (op_writes(op))
		return "writes a table";
	if (bound < 0)
		return "a table's index that is not bounded";
	if (!part ||
	    disp + bound * op->mem.scale + op->size / 8 > (int64_t)part->offset + part->size)
		return "may be beyond the table";
	return NULL;
}

/* Its address is that of one of those in the tables, of which the first has the parts' names. */
static const char *jump_cache_operand(const struct verify *v, const ZydisDecodedOperand *op)
{
	if (op->mem.disp.value >= (int64_t)sizeof(struct jump_cache))
		return "beyond the jump cache";
	return table_operand(v, op);
}

/* ---- guest memory ---- */
/* Whether the operand lies in the window or its guards, whatever the guest's registers hold. */
static bool in_window(const struct verify *v, const ZydisDecodedOperand *op)
{
	unsigned index = verify_register(op->mem.index);
	int64_t disp = op->mem.disp.value;

	static_assert(WINDOW_GUARD_ABOVE > INT32_MAX + 512ull, "the largest operand is FXSAVE's");
	if (op->mem.index == ZYDIS_REGISTER_NONE)
		return disp >= 0;
	return index < REGISTERS && index != VCPU && index != WINDOW && op->mem.scale == 1 &&
	       disp >= -(int64_t)WINDOW_GUARD_BELOW && upper_half_zero(v->now.held[index]);
}

static const char *window_operand(struct verify *v, const ZydisDecodedOperand *op)
{
	const char *reason;

	if (!in_window(v, op))
		return "an address that may be beyond the window";
	if (!v->tb || !(v->tb->mode & MODE_WINDOW))
		return "the window where there is none";
	reason = verify_may_fault(v);
	v->now.effect |= op_writes(op);
	return reason;
}

static const char *soft_operand(struct verify *v, const ZydisDecodedOperand *op)
{
	if (v->now.held[R8] != HOLDS_SOFT_ADDRESS || v->now.held[R9] != HOLDS_SOFT_DELTA)
		return "[R8+R9] is not what the software TLB has found";
	if (op->mem.scale != 1 || op->mem.disp.value)
		return "[R8+R9] with a scale or displacement";
	if (op->size / 8 > v->now.soft_bytes)
		return "more bytes than the software TLB was asked for";
	if (op_writes(op) && !v->now.soft_write)
		return "writes what the software TLB was asked for to read";
	if (v->now.lent)
		return "accesses guest memory while a guest register is lent";
	v->now.effect |= op_writes(op);
	return NULL;
}

static const char *poll_operand(struct verify *v, const ZydisDecodedOperand *op)
{
	static const uint8_t poll_load[] = {0x4d, 0x8b, 0x00}; /* signals.c */

	if (v->now.held[R8] != HOLDS_POLL)
		return "[R8] is not the poll load's";
	if (v->in.length != sizeof(poll_load) ||
	    memcmp(cache_rw(v->bt, v->at), poll_load, sizeof(poll_load)))
		return "a poll load in other words";
	return verify_may_fault(v);
}

/* A register as bit offset of BT and its like reaches beyond the operand. */
static bool has_bit_offset(const struct verify *v)
{
	switch (v->in.mnemonic) {
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTS:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTC:
		return v->ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
	default:
		return false;
	}
}

/* What CALL, RET, PUSH and POP do on the host's stack is judged where they are. */
static bool is_stack(const struct verify *v)
{
	switch (v->in.meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
		return true;
	case ZYDIS_CATEGORY_PUSH:
	case ZYDIS_CATEGORY_POP:
		return v->gate;
	default:
		return false;
	}
}

/* The stubs that reload a selector look at its descriptor, by a tag they have compared. */
static bool reads_descriptor(const struct verify *v, const ZydisDecodedOperand *op)
{
	return reads_gdt(v->stub) && !op_writes(op) && op->size == 64;
}

static bool lent_to_window(const struct verify *v, unsigned reg)
{
	return v->now.lent >> reg & 1 && v->now.held[reg] == HOLDS_WINDOW;
}

const char *verify_rep(struct verify *v)
{
	bool movs = v->ops[1].type == ZYDIS_OPERAND_TYPE_MEMORY; /* STOS: a register */
	unsigned lent = 1u << RCX | 1u << RDI | (movs ? 1u << RSI : 0);

	static_assert(WINDOW_GUARD_ABOVE > UINT16_MAX * 4ull, "what REP may reach");
	if (!v->tb || !(v->tb->mode & MODE_WINDOW))
		return "the window where there is none";
	if (!lent_to_window(v, RDI) || (movs && !lent_to_window(v, RSI)))
		return "REP on addresses that are not in the window";
	if (v->now.held[RCX] > HOLDS_16)
		return "REP with a count that is not bounded";
	if (v->now.lent != lent || v->now.effect || v->now.flags)
		return "REP when more is lent than its registers, or something has been done";
	v->now.held[RCX] = HOLDS_ZERO;
	v->now.held[RSI] = movs ? HOLDS_ANY : v->now.held[RSI];
	v->now.held[RDI] = HOLDS_ANY;
	v->now.lent &= (uint16_t)~(1u << RCX);
	v->now.effect = true;
	return NULL;
}

const char *verify_memory(struct verify *v, const ZydisDecodedOperand *op)
{
	if (op->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
		return NULL; /* LEA */
	if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM)
		return "a memory operand of an unknown kind";
	if (op->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
		return is_stack(v) ? NULL : "an implicit memory operand";
	if (has_bit_offset(v))
		return "a bit offset that reaches beyond the operand";
	if (op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS)
		return "FS: or GS:";
	if (v->in.address_width != 64)
		return "a 32-bit address";
	if (verify_held(v, op->mem.base) == HOLDS_TABLES)
		return table_operand(v, op);
	if (verify_held(v, op->mem.base) == HOLDS_JUMP_CACHE)
		return jump_cache_operand(v, op);
	switch (op->mem.base) {
	case ZYDIS_REGISTER_R14:
		return vcpu_operand(v, op);
	case ZYDIS_REGISTER_R12:
		return window_operand(v, op);
	case ZYDIS_REGISTER_R8:
		if (op->mem.index == ZYDIS_REGISTER_R9)
			return soft_operand(v, op);
		if (op->mem.index == ZYDIS_REGISTER_NONE && !op->mem.disp.value)
			return poll_operand(v, op);
		if (op->mem.index == ZYDIS_REGISTER_R10 && reads_descriptor(v, op))
			return NULL;
		return "an address that is neither the software TLB's nor the poll load's";
	case ZYDIS_REGISTER_RSP:
		return "the host's stack";
	case ZYDIS_REGISTER_RIP:
		return "an address relative to RIP";
	default:
		return "an address that is not confined";
	}
}
