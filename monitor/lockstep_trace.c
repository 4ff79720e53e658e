/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is noted after each step: general registers, EIP and EFLAGS as they are;
 * of segments, control and debug registers, x87, MMX and SSE a digest. MSRs
 * are left to the comparison at the end of a batch.
 *
 * The digest is a sum of products of the state's 32-bit halves with a key's
 * added (the NH of UMAC, RFC 4418): a few cycles for each 16 bytes.
 */
#include "monitor/lockstep_trace.h"

#include <assert.h>
#include <emmintrin.h>
#include <stddef.h>
#include <string.h>

#include "cpu/fpu.h"
#include "cpu/vcpu.h"

/* From the segment registers to the PDPTEs, and on to a multiple of 32: MSRs. */
#define FIRST	 offsetof(struct vcpu, seg)
#define BYTES	 ((offsetof(struct vcpu, msr) - FIRST + 31) & ~31u)
#define FX_BYTES offsetof(struct fxsave_image, unused)
_Static_assert(FX_BYTES % 32 == 0, "the digest goes by 32 bytes");

struct sums {
	__m128i a, b, key;
};

static inline __m128i product(__m128i words, __m128i key)
{
	words = _mm_add_epi64(words, key);
	return _mm_mul_epu32(words, _mm_srli_epi64(words, 32));
}

/* bytes is a constant, a multiple of 32. */
static inline struct sums digest(struct sums s, const void *state, unsigned bytes)
{
	const __m128i step = _mm_set_epi64x(0x3c6ef372fe94f82b, (long long)0x9e3779b97f4a7c15u);
	const __m128i *p = state;

#pragma GCC unroll 8
	for (unsigned i = 0; i < bytes / 16; i += 2) {
		__m128i next = _mm_add_epi64(s.key, step);

		s.a = _mm_add_epi64(s.a, product(_mm_loadu_si128(&p[i]), s.key));
		s.b = _mm_add_epi64(s.b, product(_mm_loadu_si128(&p[i + 1]), next));
		s.key = _mm_add_epi64(next, step);
	}
	return s;
}

static uint64_t digest_end(const struct sums *s)
{
	__m128i v = _mm_add_epi64(s->a, s->b);

	return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(v, _mm_unpackhi_epi64(v, v)));
}

uint64_t trace_executed(const struct vcpu *cpu)
{
	return cpu->executed + (uint64_t)(cpu->fuel_given - cpu->fuel);
}

void trace_state(struct trace_step *s, struct vcpu *cpu)
{
	struct sums sums = {.key = _mm_set_epi64x(0x243f6a8885a308d3, 0x13198a2e03707344)};
	uint64_t bits = cpu->halted | cpu->shutdown << 1 | cpu->nmi_blocked << 2 |
			cpu->interrupt_shadow << 3 | cpu->debug_shadow << 4 | cpu->ferr << 5 |
			cpu->ignne << 6 | cpu->repeating << 7;

	fpu_leave(cpu);
	s->executed = trace_executed(cpu);
	sums.a = product(_mm_set_epi64x((long long)bits, cpu->a20_mask), sums.key);
	sums = digest(sums, (const char *)cpu + FIRST, BYTES);
	sums = digest(sums, &cpu->fx, FX_BYTES);
	s->rest = digest_end(&sums);
	memcpy(s->regs, cpu->regs, sizeof(s->regs));
	s->eip = cpu->eip;
	s->eflags = cpu->eflags;
}

void trace_note(struct trace *t, struct vcpu *cpu)
{
	assert(t->count < TRACE_STEPS + TRACE_ROOM);
	trace_state(&t->steps[t->count++], cpu);
}
