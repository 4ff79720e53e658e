/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MUL, IMUL, DIV, IDIV with the accumulator pair (AX for bytes, else
 * rDX:rAX). Included by integer_sized.h, which defines the macros.
 *
 * SF, ZF, AF and PF are undefined after all four (after multiplications AMD's chips
 * leave them as they were, and Intel's set some). The instructions are the host's, so that
 * code that is executed natively leaves the same (lockstep).
 */
#if BITS == 8
#define U2	    uint16_t
#define S2	    int16_t
#define PAIR_READ() ((U2)reg_read16(cpu, EAX))
#define PAIR_WRITE(low, high)                                                                      \
	reg_write16(cpu, EAX, (uint16_t)((uint8_t)(low) | (uint8_t)(high) << 8))
#elif BITS == 16
#define U2 uint32_t
#define S2 int32_t
#else
#define U2 uint64_t
#define S2 int64_t
#endif
#if BITS != 8
#define PAIR_READ()	      ((U2)((U2)REG_READ(EDX) << BITS | REG_READ(EAX)))
#define PAIR_WRITE(low, high) (REG_WRITE(EAX, (U)(low)), REG_WRITE(EDX, (U)(high)))
#endif

/*
 * The host's instruction on the pair n, with the guest's flags going in; divisions are none
 * that fault. For bytes all of the result is in q, else in q and r.
 */
#define HOST_PAIR(name, insn)                                                                      \
	static inline void N(name)(struct vcpu * cpu, U2 n, U v)                                   \
	{                                                                                          \
		uint32_t low = (uint32_t)n, r = (uint32_t)((uint64_t)n >> BITS), q;                \
		uint32_t of = cpu->eflags >> 11 & 1, f = (cpu->eflags & 0xff) << 8;                \
                                                                                                   \
		__asm__("addb $0x7f, %b[of]\n\tsahf\n\tmovl %[low], %%eax\n\t" insn                \
			" %[v]\n\tmovl %%eax, %[q]\n\tlahf\n\tseto %%al"                           \
			: "+&a"(f), "+&d"(r), [q] "=&r"(q), [of] "+&q"(of)                         \
			: [low] "r"(low), [v] "q"(v)                                               \
			: "cc");                                                                   \
		PAIR_WRITE(q, BITS == 8 ? q >> 8 : r);                                             \
		alu_set_flags(cpu, f, FL_ARITH);                                                   \
	}
HOST_PAIR(host_mul, "mul")
HOST_PAIR(host_imul, "imul")
HOST_PAIR(host_div, "div")
HOST_PAIR(host_idiv, "idiv")

static inline void N(multiply_unsigned)(struct vcpu *cpu, U v)
{
	N(host_mul)(cpu, REG_READ(EAX), v);
}

static inline void N(multiply_signed)(struct vcpu *cpu, U v)
{
	N(host_imul)(cpu, REG_READ(EAX), v);
}

static inline void N(divide_unsigned)(struct vcpu *cpu, U v)
{
	U2 n = PAIR_READ();

	if ((U)(n >> BITS) >= v) /* the quotient would not fit */
		raise_vector(cpu, VEC_DE);
	N(host_div)(cpu, n, v);
}

static inline void N(divide_signed)(struct vcpu *cpu, U v)
{
	S2 n = (S2)PAIR_READ(), q;

	/* The most negative dividend by -1 would overflow in C, too. */
	if (!v || ((S)v == -1 && n == (S2)((U2)1 << (2 * BITS - 1))))
		raise_vector(cpu, VEC_DE);
	q = n / (S)v;
	if (q != (S)q)
		raise_vector(cpu, VEC_DE);
	N(host_idiv)(cpu, (U2)n, v);
}

#define MULDIV(name, function)                                                                     \
	HANDLER(R(op_##name##_E))                                                                  \
	{                                                                                          \
		N(function)(cpu, REG_READ(in->rm));                                                \
	}                                                                                          \
	HANDLER(M(op_##name##_E))                                                                  \
	{                                                                                          \
		N(function)(cpu, MEM_READ());                                                      \
	}
MULDIV(mul, multiply_unsigned)
MULDIV(imul, multiply_signed)
MULDIV(div, divide_unsigned)
MULDIV(idiv, divide_signed)

#undef HOST_PAIR
#undef U2
#undef S2
#undef PAIR_READ
#undef PAIR_WRITE
