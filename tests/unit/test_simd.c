/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every MMX and SSE row of the instruction table against the host, and what
 * the host cannot show: alignment, CR0 and CR4, what each fault leaves behind.
 */
#include "fpu_oracle.h"

static bool is_simd(const struct insn_row *row)
{
	static const char *const not_comparable[] = {"fxsave", "fxrstor", "ldmxcsr", "clflush", NULL};

	for (unsigned i = 0; not_comparable[i]; i++)
		if (!strcmp(row->name, not_comparable[i]))
			return false;
	return row->class == MMX || row->class == SSE || !strcmp(row->name, "popcnt") ||
	       !strcmp(row->name, "crc32") || !strcmp(row->name, "movnti");
}

static void random_state(uint64_t *seed, struct oracle *o, uint32_t mxcsr)
{
	uint16_t fsw = (uint16_t)(unit_random(seed) & 0x7f00);

	memset(o, 0, sizeof(*o));
	o->fx.fcw = FCW_FNINIT;
	o->fx.fsw = fsw;
	o->fx.ftw = (uint8_t)unit_random(seed);
	o->fx.mxcsr = mxcsr;
	o->eflags = FL_1 | (unit_random(seed) & FL_ARITH);
	for (unsigned i = 0; i < 8; i++) {
		random_vector(seed, o->fx.st[i]);
		memset(o->fx.st[i] + 10, 0, 6);
		random_vector(seed, o->fx.xmm[i]);
		o->regs[i] = (uint32_t)unit_random(seed);
	}
	if (unit_random(seed) & 1) /* lengths and counts of use */
		for (unsigned i = 0; i < 4; i++)
			o->regs[i] &= 0x1f;
	for (unsigned i = 0; i < ORACLE_DATA_SIZE; i += 16)
		random_vector(seed, o->data + i);
}

/*
 * What the handlers do not find out when they raise #XM: whether a result that
 * over- or underflows would be inexact with an unbounded exponent, and in
 * which step of a dot product each exception came.
 */
static uint32_t unknown_flags(const struct insn_row *row, const struct oracle *host)
{
	if (host->vector != VEC_XM)
		return 0;
	if (!strcmp(row->name, "dpps") || !strcmp(row->name, "dppd"))
		return MXCSR_FLAGS;
	return host->fx.mxcsr & (FSW_OE | FSW_UE) ? FSW_PE : 0;
}

static bool differs(const struct insn_row *row, const struct oracle *a, const struct oracle *b)
{
	if (a->vector != b->vector || ((a->fx.mxcsr ^ b->fx.mxcsr) & ~unknown_flags(row, a)))
		return true;
	if (a->vector != ORACLE_DONE) /* the host's other registers are lost */
		return false;
	return memcmp(a->fx.xmm, b->fx.xmm, sizeof(a->fx.xmm)) ||
	       memcmp(a->fx.st, b->fx.st, sizeof(a->fx.st)) || a->fx.ftw != b->fx.ftw ||
	       a->fx.fsw != b->fx.fsw || a->fx.fcw != b->fx.fcw ||
	       memcmp(a->regs, b->regs, 4 * ESP) || memcmp(a->regs + EBP, b->regs + EBP, 8) ||
	       ((a->eflags ^ b->eflags) & FL_ARITH) || memcmp(a->data, b->data, sizeof(a->data));
}

static void hex(const char *what, const void *p, unsigned n)
{
	fprintf(stderr, "  %s", what);
	for (unsigned i = n; i-- > 0;)
		fprintf(stderr, "%02x%s", ((const uint8_t *)p)[i], i % 16 ? "" : " ");
	fprintf(stderr, "\n");
}

static void show(const char *who, const struct oracle *o)
{
	fprintf(stderr, "%s: vector %d mxcsr %04x eflags %03x fcw %04x fsw %04x ftw %02x\n", who,
		o->vector, o->fx.mxcsr, o->eflags & FL_ARITH, o->fx.fcw, o->fx.fsw, o->fx.ftw);
	hex("xmm ", o->fx.xmm, sizeof(o->fx.xmm));
	hex("st  ", o->fx.st, sizeof(o->fx.st));
	hex("regs ", o->regs, sizeof(o->regs));
	hex("data ", o->data, 16);
}

/* One instruction from one state on both. Returns whether they agree. */
static bool compare(struct guest *g, const struct insn_row *row, const struct oracle *start,
		    const uint8_t *code, unsigned len)
{
	struct oracle host = *start, guest = *start;

	oracle_host(&host, code, len);
	oracle_guest(g, &guest, code, len);
	if (guest.vector != ORACLE_DONE && /* a fault leaves everything */
	    (memcmp(guest.fx.xmm, start->fx.xmm, sizeof(start->fx.xmm)) ||
	     memcmp(guest.regs, start->regs, 4 * ESP) || guest.eflags != start->eflags))
		host.vector = ORACLE_BAD;
	if (!differs(row, &host, &guest))
		return true;
	fprintf(stderr, "%s:", row->name);
	for (unsigned i = 0; i < len; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, "\n");
	show("start", start);
	show("host", &host);
	show("guest", &guest);
	return false;
}

#define ROUNDS 10000

/* Every row, with register and memory operands; mxcsr chooses the MXCSR. */
static void fuzz_rows(uint32_t (*mxcsr)(uint64_t *seed), uint64_t seed)
{
	unsigned bad = 0, rows = 0;
	struct oracle start;
	struct guest g;

	guest_create(&g);
	for (unsigned i = 0; i < insn_table_rows && bad < 10; i++) {
		const struct insn_row *row = &insn_table[i];

		if (!is_simd(row))
			continue;
		rows++;
		for (unsigned n = 0; n < ROUNDS; n++) {
			bool memory = row->mod == MEM || (row->mod == BOTH && n & 1);
			uint64_t r = unit_random(&seed);
			uint8_t code[16];
			unsigned len = row_bytes(row, row_modrm(row, memory, r),
						 (uint8_t)(r >> 16), code);

			random_state(&seed, &start, mxcsr(&seed));
			if (!compare(&g, row, &start, code, len)) {
				bad++;
				break;
			}
		}
	}
	CHECK_EQ(bad, 0);
	CHECK(rows > 300);
	guest_destroy(&g);
}

static uint32_t masked_mxcsr(uint64_t *seed)
{
	return (uint32_t)unit_random(seed) % (MXCSR_WRITABLE + 1) | MXCSR_MASKS;
}

static uint32_t any_mxcsr(uint64_t *seed)
{
	return (uint32_t)unit_random(seed) % (MXCSR_WRITABLE + 1);
}

static void test_masked(void)
{
	fuzz_rows(masked_mxcsr, 1);
}

static void test_unmasked(void)
{
	fuzz_rows(any_mxcsr, 2);
}

UNIT_MAIN("simd", {"rows, exceptions masked", test_masked},
	  {"rows, exceptions unmasked", test_unmasked})
