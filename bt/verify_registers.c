/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers and flags in emitted code: who may be written, and what it then holds. */
#include "bt/verify.h"

#define ARITH_FLAGS                                                                                \
	(ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF |               \
	 ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF)

unsigned verify_register(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
		return (unsigned)ZydisRegisterGetId(reg);
	default:
		return NO_REG;
	}
}

uint8_t verify_held(const struct verify *v, ZydisRegister reg)
{
	unsigned n = verify_register(reg);

	return n < REGISTERS ? v->now.held[n] : HOLDS_ANY;
}

const char *verify_at_home(const struct verify *v)
{
	if (v->now.lent)
		return "a guest register is lent";
	for (unsigned reg = 0; reg < REGISTERS; reg++)
		if (is_guest_reg(reg) && !upper_half_zero(v->now.held[reg]))
			return "the upper half of a guest register may not be zero";
	return NULL;
}

const char *verify_may_fault(const struct verify *v)
{
	if (v->now.effect)
		return "may fault when part of the guest instruction has been done";
	if (v->now.flags)
		return "may fault when the guest's flags have been changed";
	return verify_at_home(v);
}

/* ---- values ---- */
/* What is an exit's number in R11 may be any number elsewhere. */
static uint8_t immediate(const struct verify *v, const ZydisDecodedOperand *op,
			 const ZydisDecodedOperand *to)
{
	bool r11 = to->type == ZYDIS_OPERAND_TYPE_REGISTER && to->reg.value == ZYDIS_REGISTER_R11D;

	if (op->imm.value.u == 0)
		return HOLDS_ZERO;
	for (unsigned i = 0; r11 && v->tb && i < v->tb->exit_count; i++)
		if (op->imm.value.u == exit_id(v->bt, &tb_exits(v->tb)[i]))
			return HOLDS_EXIT;
	return to->size == 32 || op->imm.value.u <= UINT32_MAX ? HOLDS_32 : HOLDS_ANY;
}

static uint8_t copied(const struct verify *v, unsigned from, unsigned bits)
{
	uint8_t held;

	if (from >= REGISTERS)
		return bits == 64 ? HOLDS_ANY : HOLDS_32;
	held = v->now.held[from];
	if (bits == 64 && is_guest_reg(from) && !(v->now.lent >> from & 1) && !v->gate)
		return (uint8_t)(HOLDS_SAVED + from);
	if (bits == 32 && !upper_half_zero(held))
		return HOLDS_32;
	return held;
}

static bool is_delta_table(int64_t disp)
{
	return disp == (int64_t)offsetof(struct bt_tables, soft[0].delta) ||
	       disp == (int64_t)offsetof(struct bt_tables, soft[1].delta);
}

static uint8_t loaded(const struct verify *v, const ZydisDecodedOperand *from)
{
	unsigned base = verify_register(from->mem.base);

	if (base == VCPU && from->mem.disp.value == (int64_t)offsetof(struct vcpu, bt_poll))
		return HOLDS_POLL;
	if (base == VCPU && from->mem.disp.value == (int64_t)offsetof(struct vcpu, bt_tables))
		return HOLDS_TABLES;
	if (base == VCPU && from->mem.disp.value == (int64_t)offsetof(struct vcpu, bt_jc))
		return HOLDS_JUMP_CACHE;
	if (verify_held(v, from->mem.base) == HOLDS_TABLES && is_delta_table(from->mem.disp.value))
		return HOLDS_SOFT_DELTA;
	return HOLDS_ANY;
}

/* What MOV of 32 or 64 bits brings. */
static uint8_t moved(const struct verify *v)
{
	const ZydisDecodedOperand *to = &v->ops[0], *from = &v->ops[1];

	if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return immediate(v, from, to);
	if (from->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return copied(v, verify_register(from->reg.value), to->size);
	if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && to->size == 64)
		return loaded(v, from);
	return to->size == 64 ? HOLDS_ANY : HOLDS_32;
}

/* A write of 8 or 16 bits to what held this. */
static uint8_t partly(uint8_t held, unsigned bits)
{
	uint8_t part = bits == 16 ? HOLDS_16 : HOLDS_8;

	if (!upper_half_zero(held))
		return HOLDS_ANY;
	return held > HOLDS_32 ? HOLDS_32 : held > part ? held : part;
}

/* LEA r,[R12+r'], r' a linear address. */
static bool to_window(const struct verify *v, const ZydisDecodedOperand *to)
{
	const ZydisDecodedOperandMem *mem = &v->ops[1].mem;
	unsigned index = v->in.mnemonic == ZYDIS_MNEMONIC_LEA ? verify_register(mem->index) : NO_REG;

	return to->size == 64 && index < REGISTERS && mem->base == ZYDIS_REGISTER_R12 &&
	       mem->scale == 1 && !mem->disp.value && upper_half_zero(v->now.held[index]);
}

/* What the operand, which held this, holds after the write. */
static uint8_t result(const struct verify *v, const ZydisDecodedOperand *to, uint8_t held)
{
	if (to->size < 32)
		return partly(held, to->size);
	if (to_window(v, to))
		return HOLDS_WINDOW;
	if (v->in.mnemonic == ZYDIS_MNEMONIC_MOV)
		return moved(v);
	if (v->in.mnemonic == ZYDIS_MNEMONIC_MOVZX)
		return v->ops[1].size == 8 ? HOLDS_8 : HOLDS_16;
	if (to->size == 64)
		return HOLDS_ANY;
	/* Without a write the old upper half stays. */
	return to->actions & ZYDIS_OPERAND_ACTION_WRITE || upper_half_zero(held) ? HOLDS_32
										 : HOLDS_ANY;
}

/* ---- writes ---- */
static bool is_saved(const struct verify *v, unsigned reg)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		if (!is_guest_reg(i) && v->now.held[i] == HOLDS_SAVED + reg)
			return true;
	return false;
}

/* The guest's value is back: copies of it are copies, from which nothing is taken back again. */
static void restored(struct verify *v, unsigned reg)
{
	v->now.lent &= (uint16_t)~(1u << reg);
	for (unsigned i = 0; i < REGISTERS; i++)
		if (!is_guest_reg(i) && v->now.held[i] == HOLDS_SAVED + reg)
			v->now.held[i] = HOLDS_32;
}

/* A value of the guest's own. */
static void take_back(struct verify *v, unsigned reg)
{
	v->now.lent &= (uint16_t)~(1u << reg);
	v->now.effect = true;
}

static const char *write_guest_reg(struct verify *v, const ZydisDecodedOperand *to, unsigned reg,
				   uint8_t held)
{
	if (v->gate)
		return NULL;
	if (held == HOLDS_SAVED + reg) {
		restored(v, reg);
		return NULL;
	}
	if (is_saved(v, reg) || held == HOLDS_WINDOW)
		v->now.lent |= (uint16_t)(1u << reg);
	else if (to->size == 64)
		return "writes 64 bits of a guest register that has not been saved";
	else
		take_back(v, reg);
	return NULL;
}

static const char *system_register(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_SEGMENT:
	case ZYDIS_REGCLASS_CONTROL:
	case ZYDIS_REGCLASS_DEBUG:
	case ZYDIS_REGCLASS_TABLE:
		return "a segment or system register";
	default:
		return NULL;
	}
}

/* Registers of x87, MMX and SSE are the guest's. */
static bool is_vector(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_X87:
	case ZYDIS_REGCLASS_MMX:
	case ZYDIS_REGCLASS_XMM:
		return true;
	default:
		return false;
	}
}

static const char *write_reg(struct verify *v, const ZydisDecodedOperand *to)
{
	unsigned reg = verify_register(to->reg.value);
	const char *reason = NULL;
	uint8_t held;

	if (reg == NO_REG) {
		v->now.effect |= is_vector(to->reg.value);
		return NULL;
	}
	if (v->gate && (reg == RSP || reg == VCPU || reg == WINDOW))
		return NULL;
	if (reg == RSP || reg == VCPU || reg == WINDOW)
		return "writes RSP, R12 or R14";
	held = result(v, to, v->now.held[reg]);
	if (is_guest_reg(reg)) {
		reason = write_guest_reg(v, to, reg, held);
		held = held >= HOLDS_SAVED ? HOLDS_32 : held;
	}
	v->now.held[reg] = held;
	return reason;
}

static const char *write_flags(struct verify *v)
{
	const ZydisAccessedFlags *f = v->in.cpu_flags;

	if (!f)
		return NULL;
	if ((f->modified | f->set_1) & ~ARITH_FLAGS)
		return "changes flags that are not arithmetic";
	if (v->in.mnemonic == ZYDIS_MNEMONIC_SAHF)
		v->now.flags = false; /* those that LAHF has saved */
	else if ((f->modified | f->set_0 | f->set_1 | f->undefined) & ARITH_FLAGS)
		v->now.flags = true;
	return NULL;
}

const char *verify_registers(struct verify *v)
{
	const char *reason = write_flags(v);

	for (unsigned i = 0; i < v->in.operand_count && !reason; i++) {
		const ZydisDecodedOperand *op = &v->ops[i];

		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		reason = system_register(op->reg.value);
		if (!reason && op_writes(op))
			reason = write_reg(v, op);
	}
	return reason;
}
