/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the x87 tests share: random states, their comparison, short programs. */
#ifndef TESTS_X87_FIXTURE_H
#define TESTS_X87_FIXTURE_H

#include "fpu_oracle.h"

static inline void random_state(uint64_t *seed, struct oracle *o, bool unmasked)
{
	uint64_t r = unit_random(seed);

	memset(o, 0, sizeof(*o));
	o->fx.fcw = (uint16_t)((r & FCW_WRITABLE) | FCW_ALWAYS | FCW_MASKS);
	o->fx.fsw = (uint16_t)(r >> 16 & 0x7f7f);
	if (unmasked) { /* and no error pending */
		o->fx.fcw &= (uint16_t)(~FCW_MASKS | (r >> 32 & FCW_MASKS));
		o->fx.fsw &= (uint16_t)(~FSW_EXCEPTIONS | o->fx.fcw);
	}
	o->fx.ftw = r >> 40 & 1 ? 0xff : (uint8_t)(r >> 48);
	o->fx.mxcsr = MXCSR_DEFAULT;
	o->eflags = FL_1 | (r >> 20 & FL_ARITH);
	for (unsigned i = 0; i < 8; i++) {
		random_x87(seed, o->fx.st[i]);
		o->regs[i] = (uint32_t)unit_random(seed);
	}
	for (unsigned i = 0; i < ORACLE_DATA_SIZE; i += 16)
		if (unit_random(seed) & 1)
			random_x87(seed, o->data + i);
		else
			random_vector(seed, o->data + i);
}

static inline bool differs(const struct oracle *a, const struct oracle *b)
{
	return a->vector != b->vector || memcmp(a->fx.st, b->fx.st, sizeof(a->fx.st)) ||
	       a->fx.ftw != b->fx.ftw || a->fx.fsw != b->fx.fsw || a->fx.fcw != b->fx.fcw ||
	       a->regs[EAX] != b->regs[EAX] || ((a->eflags ^ b->eflags) & FL_ARITH) ||
	       memcmp(a->data, b->data, sizeof(a->data));
}

static inline void show(const char *who, const struct oracle *o)
{
	fprintf(stderr, "%s: vector %d eflags %03x eax %08x fcw %04x fsw %04x ftw %02x\n ", who,
		o->vector, o->eflags & FL_ARITH, o->regs[EAX], o->fx.fcw, o->fx.fsw, o->fx.ftw);
	for (unsigned i = 0; i < 8; i++)
		fprintf(stderr, " %02x%02x:%016" PRIx64, o->fx.st[i][9], o->fx.st[i][8],
			*(const uint64_t *)o->fx.st[i]);
	fprintf(stderr, "\n  data");
	for (unsigned i = 0; i < 10; i++)
		fprintf(stderr, " %02x", o->data[i]);
	fprintf(stderr, "\n");
}

#define RUN(g, ...)                                                                                \
	guest_run(g, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline uint16_t word_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t dword_at(const uint8_t *p)
{
	return word_at(p) | (uint32_t)word_at(p + 2) << 16;
}

static inline void start_guest(struct guest *g)
{
	guest_create(g);
	g->cpu->regs[EDI] = ORACLE_DATA;
	CHECK_EQ(RUN(g, 0xdb, 0xe3), ORACLE_DONE); /* fninit */
}

static inline void set_fcw(struct guest *g, uint16_t fcw)
{
	memcpy(guest_data(g), &fcw, 2);
	CHECK_EQ(RUN(g, 0xd9, 0x2f), ORACLE_DONE);
}

static inline uint16_t status(struct guest *g)
{
	CHECK_EQ(RUN(g, 0xdf, 0xe0), ORACLE_DONE); /* fnstsw ax */
	return (uint16_t)g->cpu->regs[EAX];
}

#endif
