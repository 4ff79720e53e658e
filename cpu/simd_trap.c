/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flags of an SSE floating-point instruction that raises #XM after its
 * computation, by overflow or underflow (SDM 1 4.9.1.4, 4.9.1.5).
 *
 * Masked, as the host has run it, both come with PE where the delivered result
 * is inexact. Unmasked, PE says whether the result is inexact with an unbounded
 * exponent. x87 arithmetic has that: its exponents are 15 bits wide, and its
 * precision control rounds to the 24 or 53 bits of the element. So every
 * element is computed again, once by SSE for its masked flags and, where an
 * unmasked exception asks for it, by x87.
 *
 * DPPS and DPPD are steps of products and sums; a step that raises an unmasked
 * exception is the last.
 */
#include "cpu/host_fpu.h"
#include "cpu/table.h"

enum operation { ADD, SUB, MUL, DIV, ROUND };

/* One element of the computation. */
struct element {
	enum operation operation;
	bool wide; /* the result is a double */
	uint64_t a, b;
};

#define ELEMENTS_MAX 4
#define FCW_SINGLE 0x007fu /* all exceptions masked, 24 bits */
#define FCW_DOUBLE 0x027fu

/* ---- one element ---- */

#define SSE_RUN(insn, mxcsr, x, y)                                                                 \
	__asm__ volatile("ldmxcsr %0\n\t" insn " %2, %1\n\tstmxcsr %0"                             \
			 : "+m"(mxcsr), "+x"(x)                                                    \
			 : "x"(y))

/* Runs it with this MXCSR, all exceptions masked and no flags; the flags come back. */
static __m128i run_sse(const struct element *e, uint32_t *mxcsr)
{
	__m128i x = _mm_cvtsi64_si128((int64_t)e->a), y = _mm_cvtsi64_si128((int64_t)e->b);

	switch (e->operation * 2 + e->wide) {
	case ADD * 2:
		SSE_RUN("addss", *mxcsr, x, y);
		break;
	case ADD * 2 + 1:
		SSE_RUN("addsd", *mxcsr, x, y);
		break;
	case SUB * 2:
		SSE_RUN("subss", *mxcsr, x, y);
		break;
	case SUB * 2 + 1:
		SSE_RUN("subsd", *mxcsr, x, y);
		break;
	case MUL * 2:
		SSE_RUN("mulss", *mxcsr, x, y);
		break;
	case MUL * 2 + 1:
		SSE_RUN("mulsd", *mxcsr, x, y);
		break;
	case DIV * 2:
		SSE_RUN("divss", *mxcsr, x, y);
		break;
	case DIV * 2 + 1:
		SSE_RUN("divsd", *mxcsr, x, y);
		break;
	default:
		SSE_RUN("cvtsd2ss", *mxcsr, x, y);
		break;
	}
	return x;
}

#define X87_RUN(load, insn)                                                                        \
	__asm__ volatile("fnclex\n\tfldcw %1\n\t" load " %2\n\t" load " %3\n\t" insn               \
			 "\n\tfnstsw %0\n\tfstp %%st(0)\n\tfninit"                                 \
			 : "=a"(fsw)                                                               \
			 : "m"(fcw), "m"(a), "m"(b))
#define X87_OPERATION(insn)                                                                        \
	do {                                                                                       \
		if (from_double)                                                                   \
			X87_RUN("fldl", insn);                                                     \
		else                                                                               \
			X87_RUN("flds", insn);                                                     \
	} while (0)

/* Whether it is inexact with an unbounded exponent. */
static bool inexact_unbounded(const struct element *e, uint64_t a, uint64_t b)
{
	const uint64_t one = 0x3ff0000000000000;
	bool from_double = e->wide || e->operation == ROUND;
	uint16_t fcw = e->wide ? FCW_DOUBLE : FCW_SINGLE, fsw = 0;

	switch (e->operation) {
	case ADD:
		X87_OPERATION("faddp");
		break;
	case SUB:
		X87_OPERATION("fsubrp");
		break;
	case MUL:
		X87_OPERATION("fmulp");
		break;
	case DIV:
		X87_OPERATION("fdivrp");
		break;
	case ROUND:
		a = one;
		X87_OPERATION("fmulp");
		break;
	}
	return fsw & FSW_PE;
}

static uint64_t without_denormal(uint64_t v, bool wide)
{
	uint64_t exponent = wide ? 0x7ff0000000000000 : 0x7f800000;
	uint64_t sign = wide ? 1ull << 63 : 1ull << 31;

	return v & exponent ? v : v & sign;
}

static bool is_tiny(__m128i v, bool wide)
{
	uint64_t bits = (uint64_t)_mm_cvtsi128_si64(v);

	if (!wide)
		return !(bits & 0x7f800000) && bits & 0x007fffff;
	return !(bits & 0x7ff0000000000000) && bits & 0x000fffffffffffff;
}

/*
 * The flags that the element raises. run is the MXCSR to compute with, masks
 * the guest's, in the flags' places.
 */
static uint32_t element_flags(const struct element *e, uint32_t run, uint32_t masks,
			      __m128i *result)
{
	bool from_double = e->wide || e->operation == ROUND;
	uint32_t flags = run;
	uint64_t a = e->a, b = e->b;

	*result = run_sse(e, &flags);
	flags &= MXCSR_FLAGS;
	if (!(masks & FSW_UE) && is_tiny(*result, e->wide))
		flags |= FSW_UE;
	if (!(flags & ~masks & POST_COMPUTATION))
		return flags;
	if (run & MXCSR_DAZ) {
		a = without_denormal(a, from_double);
		b = without_denormal(b, from_double);
	}
	return (flags & ~FSW_PE) | (inexact_unbounded(e, a, b) ? FSW_PE : 0);
}

/* ---- the instruction's elements ---- */

struct lanes {
	uint32_t f32[4];
	uint64_t f64[2];
};

static struct lanes lanes_of(__m128i v)
{
	struct lanes r;

	memcpy(r.f32, &v, 16);
	memcpy(r.f64, &v, 16);
	return r;
}

static uint64_t pick(const struct lanes *v, unsigned i, bool wide)
{
	return wide ? v->f64[i] : v->f32[i];
}

static enum operation operation_of(uint8_t opcode)
{
	switch (opcode) {
	case 0x59:
		return MUL;
	case 0x5c:
	case 0x7d:
		return SUB;
	case 0x5e:
		return DIV;
	case 0x5a:
		return ROUND;
	default:
		return ADD;
	}
}

/* HADDPS and HSUBPS: pairs of the first operand, then of the second. */
static void horizontal(struct element *e, const struct lanes *a, const struct lanes *b,
		       unsigned i, bool wide)
{
	unsigned half = wide ? 1 : 2;
	const struct lanes *v = i < half ? a : b;

	e->a = pick(v, i % half * 2, wide);
	e->b = pick(v, i % half * 2 + 1, wide);
}

static unsigned list_elements(const struct insn *in, enum sse_result kind, __m128i va, __m128i vb,
			      struct element *list)
{
	struct lanes a = lanes_of(va), b = lanes_of(vb);
	bool wide = kind == F64_1 || kind == F64_2;
	unsigned count = kind == F32_4 ? 4 : kind == F64_2 ? 2 : 1;

	if (in->opcode == 0x5a && count > 1) /* CVTPD2PS */
		count = 2;
	for (unsigned i = 0; i < count; i++) {
		struct element *e = &list[i];

		e->operation = operation_of(in->opcode);
		e->wide = wide;
		if (in->opcode == 0x7c || in->opcode == 0x7d) {
			horizontal(e, &a, &b, i, wide);
			continue;
		}
		if (in->opcode == 0xd0) /* ADDSUBPS */
			e->operation = i & 1 ? ADD : SUB;
		e->a = pick(&a, i, wide);
		e->b = pick(&b, i, wide || e->operation == ROUND);
	}
	return count;
}

/* ---- dot products ---- */

/* Runs a step; raises its flags and returns whether it is the last. */
static bool step(const struct element *list, unsigned count, uint32_t run, uint32_t masks,
		 __m128i *results, uint32_t *raised)
{
	uint32_t flags = 0;

	for (unsigned i = 0; i < count; i++)
		flags |= element_flags(&list[i], run, masks, &results[i]);
	if (flags & ~masks & PRE_COMPUTATION)
		flags &= PRE_COMPUTATION;
	*raised |= flags;
	return flags & ~masks;
}

static uint32_t dot_flags(const struct insn *in, bool wide, __m128i va, __m128i vb, uint32_t run,
			  uint32_t masks)
{
	struct lanes a = lanes_of(va), b = lanes_of(vb);
	struct element list[ELEMENTS_MAX];
	__m128i results[ELEMENTS_MAX];
	unsigned count = wide ? 2 : 4, used = 0;
	uint64_t product[ELEMENTS_MAX] = {0};
	uint32_t raised = 0;

	for (unsigned i = 0; i < count; i++)
		if (in->imm >> (4 + i) & 1)
			list[used++] = (struct element){MUL, wide, pick(&a, i, wide),
							pick(&b, i, wide)};
	if (step(list, used, run, masks, results, &raised))
		return raised;
	used = 0;
	for (unsigned i = 0; i < count; i++)
		if (in->imm >> (4 + i) & 1)
			product[i] = (uint64_t)_mm_cvtsi128_si64(results[used++]);
	for (; count > 1; count /= 2) {
		for (unsigned i = 0; i < count / 2; i++)
			list[i] = (struct element){ADD, wide, product[2 * i], product[2 * i + 1]};
		if (step(list, count / 2, run, masks, results, &raised))
			break;
		for (unsigned i = 0; i < count / 2; i++)
			product[i] = (uint64_t)_mm_cvtsi128_si64(results[i]);
	}
	return raised;
}

static bool is_dot_product(const struct insn *in)
{
	return insn_table[in->row].map == M3A && (in->opcode == 0x40 || in->opcode == 0x41);
}

bool sse_flags_in_steps(const struct insn *in)
{
	return is_dot_product(in);
}

uint32_t sse_trap_flags(struct vcpu *cpu, enum sse_result kind, uint32_t run)
{
	const uint32_t default_mxcsr = MXCSR_DEFAULT;
	const struct insn *in = cpu->cur;
	uint32_t masks = cpu->fx.mxcsr >> MXCSR_MASKS_SHIFT, raised = 0;
	__m128i a = xmm_get(cpu, in->reg), result;
	__m128i b = in->rm_is_memory ? _mm_setzero_si128() : xmm_get(cpu, in->rm);
	struct element list[ELEMENTS_MAX];
	unsigned count;

	if (in->rm_is_memory)
		b = sse_read(cpu, in, kind == F32_1 && in->opcode != 0x5a ? 4
				      : kind == F32_1 || kind == F64_1	   ? 8
									   : 16);
	x87_sync(cpu);
	if (is_dot_product(in)) {
		raised = dot_flags(in, kind == F64_2, a, b, run, masks);
	} else {
		count = list_elements(in, kind, a, b, list);
		for (unsigned i = 0; i < count; i++)
			raised |= element_flags(&list[i], run, masks, &result);
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(default_mxcsr));
	return raised;
}
