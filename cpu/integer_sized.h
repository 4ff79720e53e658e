/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer instructions that come in every operand size: included by
 * integer.c with BITS 8, 16 and 32, no include guard. Handlers are named by
 * operand form as in the table: E register or memory by ModRM, G register by
 * ModRM, A accumulator, I immediate, Z register by opcode, C CL, O offset.
 */
#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)
#define U CAT(CAT(uint, BITS), _t)
#define S CAT(CAT(int, BITS), _t)
#define N(name) CAT(name, BITS)            /* alu_add32, reg_read32 */
#define R(name) CAT(CAT(name, _r), BITS)   /* op_add_EG_r32 */
#define M(name) CAT(CAT(name, _m), BITS)
#define V(name) CAT(CAT(name, _), BITS)    /* op_add_AI_32 */
#define REG_READ(n) N(reg_read)(cpu, n)
#define REG_WRITE(n, v) N(reg_write)(cpu, n, v)
#define MEM_READ() N(mem_read)(cpu, in->seg, insn_ea(cpu, in))
#define HANDLER(name) void name(struct vcpu *cpu, const struct insn *in)

/* Memory operand: v is its value, result what is written back. */
#define READ_MODIFY_WRITE(v, result)                                                               \
	do {                                                                                       \
		gva_t gva;                                                                         \
		U v = N(rmw_read)(cpu, in->seg, insn_ea(cpu, in), &gva);                           \
		N(lin_write)(cpu, gva, result);                                                    \
	} while (0)

/* dst op= src in all six operand forms. */
#define BINARY(name)                                                                               \
	HANDLER(R(op_##name##_EG))                                                                 \
	{                                                                                          \
		REG_WRITE(in->rm, N(alu_##name)(cpu, REG_READ(in->rm), REG_READ(in->reg)));        \
	}                                                                                          \
	HANDLER(M(op_##name##_EG))                                                                 \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(alu_##name)(cpu, v, REG_READ(in->reg)));                    \
	}                                                                                          \
	HANDLER(R(op_##name##_GE))                                                                 \
	{                                                                                          \
		REG_WRITE(in->reg, N(alu_##name)(cpu, REG_READ(in->reg), REG_READ(in->rm)));       \
	}                                                                                          \
	HANDLER(M(op_##name##_GE))                                                                 \
	{                                                                                          \
		U b = MEM_READ();                                                                  \
                                                                                                   \
		REG_WRITE(in->reg, N(alu_##name)(cpu, REG_READ(in->reg), b));                      \
	}                                                                                          \
	HANDLER(R(op_##name##_EI))                                                                 \
	{                                                                                          \
		REG_WRITE(in->rm, N(alu_##name)(cpu, REG_READ(in->rm), (U)in->imm));               \
	}                                                                                          \
	HANDLER(M(op_##name##_EI))                                                                 \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(alu_##name)(cpu, v, (U)in->imm));                           \
	}                                                                                          \
	HANDLER(V(op_##name##_AI))                                                                 \
	{                                                                                          \
		REG_WRITE(EAX, N(alu_##name)(cpu, REG_READ(EAX), (U)in->imm));                     \
	}

BINARY(add)
BINARY(or)
BINARY(adc)
BINARY(sbb)
BINARY(and)
BINARY(sub)
BINARY(xor)

/* CMP is SUB, TEST is AND, without the result. */
#define COMPARE(name, alu)                                                                         \
	HANDLER(R(op_##name##_EG))                                                                 \
	{                                                                                          \
		N(alu)(cpu, REG_READ(in->rm), REG_READ(in->reg));                                  \
	}                                                                                          \
	HANDLER(M(op_##name##_EG))                                                                 \
	{                                                                                          \
		U a = MEM_READ();                                                                  \
                                                                                                   \
		N(alu)(cpu, a, REG_READ(in->reg));                                                 \
	}                                                                                          \
	HANDLER(R(op_##name##_EI))                                                                 \
	{                                                                                          \
		N(alu)(cpu, REG_READ(in->rm), (U)in->imm);                                         \
	}                                                                                          \
	HANDLER(M(op_##name##_EI))                                                                 \
	{                                                                                          \
		U a = MEM_READ();                                                                  \
                                                                                                   \
		N(alu)(cpu, a, (U)in->imm);                                                        \
	}                                                                                          \
	HANDLER(V(op_##name##_AI))                                                                 \
	{                                                                                          \
		N(alu)(cpu, REG_READ(EAX), (U)in->imm);                                            \
	}
COMPARE(cmp, alu_sub)
COMPARE(test, alu_and)
HANDLER(R(op_cmp_GE))
{
	N(alu_sub)(cpu, REG_READ(in->reg), REG_READ(in->rm));
}
HANDLER(M(op_cmp_GE))
{
	U b = MEM_READ();

	N(alu_sub)(cpu, REG_READ(in->reg), b);
}

#define UNARY(name)                                                                                \
	HANDLER(R(op_##name##_E))                                                                  \
	{                                                                                          \
		REG_WRITE(in->rm, N(alu_##name)(cpu, REG_READ(in->rm), 0));                        \
	}                                                                                          \
	HANDLER(M(op_##name##_E))                                                                  \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(alu_##name)(cpu, v, 0));                                    \
	}
UNARY(inc)
UNARY(dec)
UNARY(neg)
HANDLER(R(op_not_E))
{
	REG_WRITE(in->rm, (U)~REG_READ(in->rm));
}
HANDLER(M(op_not_E))
{
	READ_MODIFY_WRITE(v, (U)~v);
}

#define SHIFT_FORM(name, form, function, count)                                                    \
	HANDLER(R(op_##name##_##form))                                                             \
	{                                                                                          \
		REG_WRITE(in->rm, N(function)(cpu, REG_READ(in->rm), count));                      \
	}                                                                                          \
	HANDLER(M(op_##name##_##form))                                                             \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(function)(cpu, v, count));                                  \
	}
#define SHIFT_FORMS(name, immediate)                                                               \
	SHIFT_FORM(name, EI, immediate, (U)in->imm)                                                \
	SHIFT_FORM(name, E1, alu_##name, 1)                                                        \
	SHIFT_FORM(name, EC, alu_##name, *reg8(cpu, ECX))
#define SHIFT(name) SHIFT_FORMS(name, alu_##name)
/* alu_##name() takes its count from CL. */
#define ROTATE(name)                                                                               \
	static inline U N(name##_immediate)(struct vcpu *cpu, U a, U count)                        \
	{                                                                                          \
		uint32_t of = cpu->eflags & FL_OF;                                                 \
                                                                                                   \
		a = N(alu_##name)(cpu, a, (uint8_t)count);                                         \
		if ((count & 31) > 1 && alu_rotate_keeps_of())                                     \
			cpu->eflags = (cpu->eflags & ~FL_OF) | of;                                 \
		return a;                                                                          \
	}                                                                                          \
	SHIFT_FORMS(name, name##_immediate)
ROTATE(rol)
ROTATE(ror)
SHIFT(rcl)
SHIFT(rcr)
SHIFT(shl)
SHIFT(shr)
SHIFT(sar)

/* ---- moves ---- */
HANDLER(R(op_mov_EG))
{
	REG_WRITE(in->rm, REG_READ(in->reg));
}
HANDLER(M(op_mov_EG))
{
	N(mem_write)(cpu, in->seg, insn_ea(cpu, in), REG_READ(in->reg));
}
HANDLER(R(op_mov_GE))
{
	REG_WRITE(in->reg, REG_READ(in->rm));
}
HANDLER(M(op_mov_GE))
{
	REG_WRITE(in->reg, MEM_READ());
}
HANDLER(R(op_mov_EI))
{
	REG_WRITE(in->rm, (U)in->imm);
}
HANDLER(M(op_mov_EI))
{
	N(mem_write)(cpu, in->seg, insn_ea(cpu, in), (U)in->imm);
}
HANDLER(V(op_mov_ZI))
{
	REG_WRITE(in->reg, (U)in->imm);
}
HANDLER(V(op_mov_AO))
{
	REG_WRITE(EAX, MEM_READ());
}
HANDLER(V(op_mov_OA))
{
	N(mem_write)(cpu, in->seg, insn_ea(cpu, in), REG_READ(EAX));
}
HANDLER(R(op_xchg_EG))
{
	U a = REG_READ(in->rm), b = REG_READ(in->reg);

	REG_WRITE(in->rm, b);
	REG_WRITE(in->reg, a);
}
HANDLER(M(op_xchg_EG))
{
	gva_t gva;
	U v = N(rmw_read)(cpu, in->seg, insn_ea(cpu, in), &gva);

	N(lin_write)(cpu, gva, REG_READ(in->reg));
	REG_WRITE(in->reg, v);
}
HANDLER(R(op_xadd_EG))
{
	U a = REG_READ(in->rm), sum = N(alu_add)(cpu, a, REG_READ(in->reg));

	REG_WRITE(in->reg, a);
	REG_WRITE(in->rm, sum);
}
HANDLER(M(op_xadd_EG))
{
	gva_t gva;
	U v = N(rmw_read)(cpu, in->seg, insn_ea(cpu, in), &gva);

	N(lin_write)(cpu, gva, N(alu_add)(cpu, v, REG_READ(in->reg)));
	REG_WRITE(in->reg, v);
}
HANDLER(R(op_cmpxchg_EG))
{
	U v = REG_READ(in->rm);

	N(alu_sub)(cpu, REG_READ(EAX), v);
	if (cpu->eflags & FL_ZF)
		REG_WRITE(in->rm, REG_READ(in->reg));
	else
		REG_WRITE(EAX, v);
}
/* Memory is written in both cases (SDM 2A, CMPXCHG). */
HANDLER(M(op_cmpxchg_EG))
{
	gva_t gva;
	U v = N(rmw_read)(cpu, in->seg, insn_ea(cpu, in), &gva);

	if (REG_READ(EAX) == v)
		N(lin_write)(cpu, gva, REG_READ(in->reg));
	else
		N(lin_write)(cpu, gva, v);
	N(alu_sub)(cpu, REG_READ(EAX), v);
	if (!(cpu->eflags & FL_ZF))
		REG_WRITE(EAX, v);
}

#include "cpu/multiply_sized.h"

#undef U
#undef S
#undef N
#undef R
#undef M
#undef V
#undef BITS
