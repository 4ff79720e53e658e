/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer instructions that come in 16 and 32 bits: included by integer.c
 * after integer_sized.h with BITS 16 and 32, no include guard.
 */
#define U CAT(CAT(uint, BITS), _t)
#define S CAT(CAT(int, BITS), _t)
#define N(name) CAT(name, BITS)
#define R(name) CAT(CAT(name, _r), BITS)
#define M(name) CAT(CAT(name, _m), BITS)
#define V(name) CAT(CAT(name, _), BITS)
#define BYTES (BITS / 8)
/* Targets of near transfers are truncated to the operand size. */
#define TARGET(t) ((uint32_t)(U)(t))

HANDLER(V(op_inc_Z))
{
	REG_WRITE(in->reg, N(alu_inc)(cpu, REG_READ(in->reg), 0));
}
HANDLER(V(op_dec_Z))
{
	REG_WRITE(in->reg, N(alu_dec)(cpu, REG_READ(in->reg), 0));
}
HANDLER(V(op_xchg_ZA))
{
	U a = REG_READ(EAX);

	REG_WRITE(EAX, REG_READ(in->reg));
	REG_WRITE(in->reg, a);
}
HANDLER(V(op_lea))
{
	REG_WRITE(in->reg, (U)insn_ea(cpu, in));
}
HANDLER(V(op_bswap))
{
#if BITS == 16
	/* Undefined by the SDM; the chips clear the register's low half. */
	REG_WRITE(in->reg, 0);
#else
	REG_WRITE(in->reg, __builtin_bswap32(REG_READ(in->reg)));
#endif
}
HANDLER(V(op_cbw))
{
#if BITS == 16
	reg_write16(cpu, EAX, (uint16_t)(int8_t)cpu->regs[EAX]);
#else
	cpu->regs[EAX] = (uint32_t)(int16_t)cpu->regs[EAX];
#endif
}
HANDLER(V(op_cwd))
{
	REG_WRITE(EDX, (S)REG_READ(EAX) < 0 ? (U)-1 : 0);
}

#define EXTEND(name, type, bits)                                                                   \
	HANDLER(R(op_##name))                                                                      \
	{                                                                                          \
		REG_WRITE(in->reg, (U)(type)reg_read##bits(cpu, in->rm));                          \
	}                                                                                          \
	HANDLER(M(op_##name))                                                                      \
	{                                                                                          \
		REG_WRITE(in->reg, (U)(type)mem_read##bits(cpu, in->seg, insn_ea(cpu, in)));       \
	}
EXTEND(movzx_b, uint8_t, 8)
EXTEND(movzx_w, uint16_t, 16)
EXTEND(movsx_b, int8_t, 8)
EXTEND(movsx_w, int16_t, 16)

/* ---- IMUL with two and three operands ---- */
static inline U N(multiply_truncated)(struct vcpu *cpu, U a, U b)
{
	uint32_t of = cpu->eflags >> 11 & 1, f = (cpu->eflags & 0xff) << 8;

	__asm__("addb $0x7f, %b[of]\n\tsahf\n\timul %[b], %[a]\n\tlahf\n\tseto %%al"
		: "+&a"(f), [a] "+&r"(a), [of] "+&q"(of)
		: [b] "r"(b)
		: "cc");
	alu_set_flags(cpu, f, FL_ARITH);
	return a;
}

HANDLER(R(op_imul_GE))
{
	REG_WRITE(in->reg, N(multiply_truncated)(cpu, REG_READ(in->reg), REG_READ(in->rm)));
}
HANDLER(M(op_imul_GE))
{
	U b = MEM_READ();

	REG_WRITE(in->reg, N(multiply_truncated)(cpu, REG_READ(in->reg), b));
}
HANDLER(R(op_imul_GEI))
{
	REG_WRITE(in->reg, N(multiply_truncated)(cpu, REG_READ(in->rm), (U)in->imm));
}
HANDLER(M(op_imul_GEI))
{
	U a = MEM_READ();

	REG_WRITE(in->reg, N(multiply_truncated)(cpu, a, (U)in->imm));
}

/* ---- double shifts ---- */
#define DOUBLE_SHIFT(name, form, count)                                                            \
	HANDLER(R(op_##name##_EG##form))                                                           \
	{                                                                                          \
		REG_WRITE(in->rm, N(alu_##name)(cpu, REG_READ(in->rm), REG_READ(in->reg), count)); \
	}                                                                                          \
	HANDLER(M(op_##name##_EG##form))                                                           \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(alu_##name)(cpu, v, REG_READ(in->reg), count));             \
	}
DOUBLE_SHIFT(shld, I, (uint8_t)in->imm)
DOUBLE_SHIFT(shld, C, *reg8(cpu, ECX))
DOUBLE_SHIFT(shrd, I, (uint8_t)in->imm)
DOUBLE_SHIFT(shrd, C, *reg8(cpu, ECX))

/* ---- bits ---- */
static inline void N(take_bit)(struct vcpu *cpu, U v, unsigned bit)
{
	cpu->eflags = (cpu->eflags & ~FL_CF) | (v >> (bit & (BITS - 1)) & 1);
}
#define BIT_MASK_OF(bit) ((U)((U)1 << ((bit) & (BITS - 1))))
/* A register index reaches beyond the operand: it is signed (SDM 2A, BT). */
static inline uint32_t N(bit_ea)(struct vcpu *cpu, const struct insn *in)
{
	S index = (S)REG_READ(in->reg);

	return (insn_ea(cpu, in) + (uint32_t)(index >> (BITS == 16 ? 4 : 5)) * BYTES) &
	       in->address_mask;
}
HANDLER(R(op_bt_EG))
{
	N(take_bit)(cpu, REG_READ(in->rm), REG_READ(in->reg));
}
HANDLER(M(op_bt_EG))
{
	N(take_bit)(cpu, N(mem_read)(cpu, in->seg, N(bit_ea)(cpu, in)), REG_READ(in->reg));
}
HANDLER(R(op_bt_EI))
{
	N(take_bit)(cpu, REG_READ(in->rm), in->imm);
}
HANDLER(M(op_bt_EI))
{
	N(take_bit)(cpu, MEM_READ(), in->imm);
}
#define BIT_CHANGE(name, result)                                                                   \
	static inline U N(name##_value)(struct vcpu *cpu, U v, unsigned bit)                       \
	{                                                                                          \
		U m = BIT_MASK_OF(bit);                                                            \
                                                                                                   \
		N(take_bit)(cpu, v, bit);                                                          \
		return (U)(result);                                                                \
	}                                                                                          \
	HANDLER(R(op_##name##_EG))                                                                 \
	{                                                                                          \
		REG_WRITE(in->rm, N(name##_value)(cpu, REG_READ(in->rm), REG_READ(in->reg)));      \
	}                                                                                          \
	HANDLER(M(op_##name##_EG))                                                                 \
	{                                                                                          \
		gva_t gva;                                                                         \
		U v = N(rmw_read)(cpu, in->seg, N(bit_ea)(cpu, in), &gva);                         \
                                                                                                   \
		N(lin_write)(cpu, gva, N(name##_value)(cpu, v, REG_READ(in->reg)));                \
	}                                                                                          \
	HANDLER(R(op_##name##_EI))                                                                 \
	{                                                                                          \
		REG_WRITE(in->rm, N(name##_value)(cpu, REG_READ(in->rm), in->imm));                \
	}                                                                                          \
	HANDLER(M(op_##name##_EI))                                                                 \
	{                                                                                          \
		READ_MODIFY_WRITE(v, N(name##_value)(cpu, v, in->imm));                            \
	}
BIT_CHANGE(bts, v | m)
BIT_CHANGE(btr, v & ~m)
BIT_CHANGE(btc, v ^ m)

/* A zero source sets ZF and leaves the destination alone. */
static inline void N(bit_scan)(struct vcpu *cpu, const struct insn *in, U v, bool reverse)
{
	cpu->eflags &= ~FL_ZF;
	if (!v)
		cpu->eflags |= FL_ZF;
	else
		REG_WRITE(in->reg, (U)(reverse ? 31 - __builtin_clz(v) : __builtin_ctz(v)));
}
/* A zero source sets CF and gives the operand's width. */
static inline void N(count_zeros)(struct vcpu *cpu, const struct insn *in, U v, bool leading)
{
	unsigned n = v ? leading ? (unsigned)__builtin_clz(v) - (32 - BITS)
				 : (unsigned)__builtin_ctz(v)
		       : BITS;

	if (!cpu_has(cpu, leading ? FEATURE_ABM : FEATURE_TZCNT)) {
		N(bit_scan)(cpu, in, v, leading);
		return;
	}
	cpu->eflags = (cpu->eflags & ~(FL_CF | FL_ZF)) | (v ? 0 : FL_CF) | (n ? 0 : FL_ZF);
	REG_WRITE(in->reg, (U)n);
}
#define SCAN(name, scan, reverse)                                                                  \
	HANDLER(R(name))                                                                           \
	{                                                                                          \
		N(scan)(cpu, in, REG_READ(in->rm), reverse);                                       \
	}                                                                                          \
	HANDLER(M(name))                                                                           \
	{                                                                                          \
		N(scan)(cpu, in, MEM_READ(), reverse);                                             \
	}
SCAN(op_bsf_GE, bit_scan, false)
SCAN(op_bsr_GE, bit_scan, true)
SCAN(op_tzcnt, count_zeros, false)
SCAN(op_lzcnt, count_zeros, true)
#undef SCAN

/* ---- stack ---- */
HANDLER(V(op_push_Z))
{
	N(push)(cpu, REG_READ(in->reg));
}
HANDLER(V(op_push_I))
{
	N(push)(cpu, (U)in->imm);
}
HANDLER(R(op_push_E))
{
	N(push)(cpu, REG_READ(in->rm));
}
HANDLER(M(op_push_E))
{
	N(push)(cpu, MEM_READ());
}
/* POP ESP: the value read replaces the incremented pointer. */
HANDLER(V(op_pop_Z))
{
	U v = N(stack_read)(cpu, 0);

	stack_add(cpu, BYTES);
	REG_WRITE(in->reg, v);
}
HANDLER(R(op_pop_E))
{
	U v = N(stack_read)(cpu, 0);

	stack_add(cpu, BYTES);
	REG_WRITE(in->rm, v);
}
/* An ESP in the address is taken after the increment (SDM 2B, POP). */
HANDLER(M(op_pop_E))
{
	U v = N(stack_read)(cpu, 0);
	uint32_t esp = cpu->regs[ESP], ea;

	stack_add(cpu, BYTES);
	ea = insn_ea(cpu, in);
	cpu->regs[ESP] = esp;
	N(mem_write)(cpu, in->seg, ea, v);
	stack_add(cpu, BYTES);
}
HANDLER(V(op_pusha))
{
	uint32_t esp = cpu->regs[ESP], mask = stack_mask(cpu);

	/* All eight are checked first; a fault leaves memory as it was. */
	for (unsigned i = 0; i < 8; i++)
		mem_probe_write(cpu, SS, (esp - (i + 1) * BYTES) & mask, BYTES, BYTES);
	for (unsigned i = 0; i < 8; i++)
		N(mem_write)(cpu, SS, (esp - (i + 1) * BYTES) & mask, REG_READ(i));
	stack_set(cpu, esp - 8 * BYTES);
}
HANDLER(V(op_popa))
{
	U v[8];

	for (unsigned i = 0; i < 8; i++)
		v[7 - i] = N(stack_read)(cpu, i * BYTES);
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			REG_WRITE(i, v[i]);
	stack_add(cpu, 8 * BYTES);
}
/* ENTER (SDM 2A): the frame pointers of the outer levels are copied. */
HANDLER(V(op_enter))
{
	uint32_t size = in->imm & 0xffff, mask = stack_mask(cpu);
	unsigned level = in->imm2 & 31;
	uint32_t esp = cpu->regs[ESP] - BYTES, ebp = cpu->regs[EBP];
	uint32_t frame = esp;

	N(mem_write)(cpu, SS, esp & mask, REG_READ(EBP));
	for (unsigned i = 1; i < level; i++) {
		U v;

		ebp -= BYTES;
		v = N(mem_read)(cpu, SS, ebp & mask);
		esp -= BYTES;
		N(mem_write)(cpu, SS, esp & mask, v);
	}
	if (level) {
		esp -= BYTES;
		N(mem_write)(cpu, SS, esp & mask, (U)frame);
	}
	esp -= size;
	/* The new top of stack must be writable, though nothing is written. */
	mem_probe_write(cpu, SS, esp & mask, BYTES, BYTES);
	REG_WRITE(EBP, (U)frame);
	stack_set(cpu, esp);
}
HANDLER(V(op_leave))
{
	U v = N(mem_read)(cpu, SS, cpu->regs[EBP] & stack_mask(cpu));

	stack_set(cpu, cpu->regs[EBP] + BYTES);
	REG_WRITE(EBP, v);
}
HANDLER(V(op_bound))
{
	uint32_t ea = insn_ea(cpu, in);
	S lower = (S)N(mem_read)(cpu, in->seg, ea);
	S upper = (S)N(mem_read)(cpu, in->seg, (ea + BYTES) & in->address_mask);
	S index = (S)REG_READ(in->reg);

	if (index < lower || index > upper)
		raise_vector(cpu, VEC_BR);
}

/* ---- near transfers ---- */
static inline void N(jump)(struct vcpu *cpu, uint32_t target)
{
	check_target(cpu, target);
	cpu->eip = target;
}
static inline void N(call)(struct vcpu *cpu, uint32_t target)
{
	check_target(cpu, target);
	N(push)(cpu, (U)cpu->eip);
	cpu->eip = target;
}
HANDLER(V(op_jmp_J))
{
	N(jump)(cpu, TARGET(cpu->eip + in->imm));
}
HANDLER(R(op_jmp_E))
{
	N(jump)(cpu, TARGET(REG_READ(in->rm)));
}
HANDLER(M(op_jmp_E))
{
	N(jump)(cpu, TARGET(MEM_READ()));
}
HANDLER(V(op_call_J))
{
	N(call)(cpu, TARGET(cpu->eip + in->imm));
}
HANDLER(R(op_call_E))
{
	N(call)(cpu, TARGET(REG_READ(in->rm)));
}
HANDLER(M(op_call_E))
{
	N(call)(cpu, TARGET(MEM_READ()));
}
/* RET without immediate decodes with an immediate of 0. */
HANDLER(V(op_ret_I))
{
	uint32_t target = N(stack_read)(cpu, 0);

	check_target(cpu, target);
	stack_add(cpu, BYTES + (in->imm & 0xffff));
	cpu->eip = target;
}
/* The count register has the address size. */
static inline uint32_t N(loop_count)(struct vcpu *cpu, const struct insn *in)
{
	return (cpu->regs[ECX] - 1) & in->address_mask;
}
static inline void N(loop_if)(struct vcpu *cpu, const struct insn *in, bool condition)
{
	uint32_t count = N(loop_count)(cpu, in);

	if (count && condition)
		N(jump)(cpu, TARGET(cpu->eip + in->imm));
	cpu->regs[ECX] = (cpu->regs[ECX] & ~in->address_mask) | count;
}
HANDLER(V(op_loop))
{
	N(loop_if)(cpu, in, true);
}
HANDLER(V(op_loope))
{
	N(loop_if)(cpu, in, cpu->eflags & FL_ZF);
}
HANDLER(V(op_loopne))
{
	N(loop_if)(cpu, in, !(cpu->eflags & FL_ZF));
}
HANDLER(V(op_jcxz))
{
	if (!(cpu->regs[ECX] & in->address_mask))
		N(jump)(cpu, TARGET(cpu->eip + in->imm));
}

#define CONDITIONAL(n, cc)                                                                         \
	HANDLER(V(op_j##cc))                                                                       \
	{                                                                                          \
		if (alu_condition(cpu->eflags, n))                                                 \
			N(jump)(cpu, TARGET(cpu->eip + in->imm));                                  \
	}                                                                                          \
	HANDLER(R(op_cmov##cc))                                                                    \
	{                                                                                          \
		if (alu_condition(cpu->eflags, n))                                                 \
			REG_WRITE(in->reg, REG_READ(in->rm));                                      \
	}                                                                                          \
	HANDLER(M(op_cmov##cc))                                                                    \
	{                                                                                          \
		U v = MEM_READ();                                                                  \
                                                                                                   \
		if (alu_condition(cpu->eflags, n))                                                 \
			REG_WRITE(in->reg, v);                                                     \
	}
CONDITIONS(CONDITIONAL)
#undef CONDITIONAL

#undef U
#undef S
#undef N
#undef R
#undef M
#undef V
#undef BYTES
#undef TARGET
#undef BIT_MASK_OF
#undef BITS
