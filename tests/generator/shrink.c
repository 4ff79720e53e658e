/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See shrink.h. One thing is simplified at a time, and kept if the case still differs. */
#include "shrink.h"

#include <string.h>

#include "cpu/fpu.h"

struct shrinker {
	struct test_case *c;
	still_differs_fn *still_differs;
	void *opaque;
};

/* Keeps the simplified case if it still differs. */
static void offer(struct shrinker *s, const struct test_case *simpler)
{
	if (memcmp(simpler, s->c, sizeof(*simpler)) && s->still_differs(s->opaque, simpler))
		*s->c = *simpler;
}

static void shrink_prefixes(struct shrinker *s)
{
	for (unsigned i = s->c->length; i-- > 0;) {
		struct test_case t = *s->c;

		if (!memchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", t.code[i], 11))
			continue;
		memmove(t.code + i, t.code + i + 1, CODE_MAX - 1 - i);
		t.length--;
		offer(s, &t);
	}
}

static void shrink_memory(struct shrinker *s)
{
	for (unsigned i = 0; i < PATCHES; i++) {
		struct test_case t = *s->c;

		memset(&t.patches[i], 0, sizeof(t.patches[i]));
		offer(s, &t);
	}
}

static void shrink_registers(struct shrinker *s)
{
	for (unsigned i = 0; i < 8; i++) {
		struct test_case t = *s->c;

		t.start.regs[i] = 0;
		offer(s, &t);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		struct test_case t = *s->c;

		t.start.eflags &= ~((FL_ARITH | FL_DF | FL_AC) & 1u << bit);
		offer(s, &t);
	}
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		struct test_case t = *s->c;

		if (i != CS)
			t.start.seg[i] = SELECTOR_DATA32;
		offer(s, &t);
	}
}

static void shrink_fpu(struct shrinker *s)
{
	struct test_case t = *s->c;

	t.start.fx.fcw = FCW_FNINIT;
	t.start.fx.fsw = 0;
	t.start.fx.ftw = 0;
	offer(s, &t);
	t = *s->c;
	t.start.fx.mxcsr = MXCSR_DEFAULT;
	offer(s, &t);
	for (unsigned i = 0; i < 8; i++) {
		t = *s->c;
		memset(t.start.fx.st[i], 0, sizeof(t.start.fx.st[i]));
		offer(s, &t);
		t = *s->c;
		memset(t.start.fx.xmm[i], 0, sizeof(t.start.fx.xmm[i]));
		offer(s, &t);
	}
}

void shrink_case(struct test_case *c, still_differs_fn *still_differs, void *opaque)
{
	struct shrinker s = {c, still_differs, opaque};

	shrink_prefixes(&s);
	shrink_memory(&s);
	shrink_fpu(&s);
	shrink_registers(&s);
}
