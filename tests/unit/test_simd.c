/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every MMX and SSE row of the instruction table against the host, and what
 * the host cannot show: alignment, CR0 and CR4, what each fault leaves behind.
 */
#include "cpu/features.h"
#include "fpu_oracle.h"

static bool is_simd(const struct insn_row *row)
{
	static const char *const not_comparable[] = {"fxsave", "fxrstor", "ldmxcsr", "clflush",
						     NULL};

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

static bool is_dot_product(const struct insn_row *row)
{
	return !strcmp(row->name, "dpps") || !strcmp(row->name, "dppd");
}

/*
 * What the handlers do not find out when they raise #XM: whether a result that
 * over- or underflows would be inexact with an unbounded exponent, and what
 * came of the single steps of a dot product.
 */
static uint32_t unknown_flags(const struct insn_row *row, const struct oracle *host)
{
	if (host->vector != VEC_XM)
		return 0;
	if (is_dot_product(row))
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

#define ROUNDS 300

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
			unsigned len =
			    row_bytes(row, row_modrm(row, memory, r), (uint8_t)(r >> 16), code);

			random_state(&seed, &start, mxcsr(&seed));
			if (is_dot_product(row))
				start.fx.mxcsr |= (FSW_OE | FSW_UE) << MXCSR_MASKS_SHIFT;
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

/* ---- by hand ---- */

#define RUN(g, ...) run_bytes(g, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static int run_bytes(struct guest *g, const uint8_t *code, unsigned len)
{
	return guest_run(g, code, len);
}

static void put_xmm(struct vcpu *cpu, unsigned n, uint64_t low, uint64_t high)
{
	memcpy(cpu->fx.xmm[n], &low, 8);
	memcpy(cpu->fx.xmm[n] + 8, &high, 8);
}

static uint64_t low_xmm(const struct vcpu *cpu, unsigned n)
{
	uint64_t v;

	memcpy(&v, cpu->fx.xmm[n], 8);
	return v;
}

static void test_alignment(void)
{
	struct guest g;

	guest_create(&g);
	put_xmm(g.cpu, 0, 0x1122334455667788, 0x99aabbccddeeff00);
	g.cpu->regs[EDI] = ORACLE_DATA + 8;
	CHECK_EQ(RUN(&g, 0x0f, 0x28, 0x07), VEC_GP); /* movaps xmm0, [edi] */
	CHECK_EQ(g.cpu->fault.error, 0);
	CHECK_EQ(g.cpu->eip, ORACLE_CODE);
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0x7f, 0x07), VEC_GP);	    /* movdqa [edi], xmm0 */
	CHECK_EQ(RUN(&g, 0x0f, 0x58, 0x07), VEC_GP);		    /* addps */
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0xef, 0x07), VEC_GP);	    /* pxor */
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0xe7, 0x07), VEC_GP);	    /* movntdq */
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0x3a, 0x0f, 0x07, 1), VEC_GP); /* palignr */
	CHECK_EQ(low_xmm(g.cpu, 0), 0x1122334455667788);
	CHECK_EQ(RUN(&g, 0x0f, 0x11, 0x07), ORACLE_DONE);	/* movups [edi], xmm0 */
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x6f, 0x0f), ORACLE_DONE); /* movdqu xmm1, [edi] */
	CHECK_EQ(RUN(&g, 0xf2, 0x0f, 0xf0, 0x17), ORACLE_DONE); /* lddqu xmm2, [edi] */
	CHECK_EQ(low_xmm(g.cpu, 1), 0x1122334455667788);
	CHECK_EQ(low_xmm(g.cpu, 2), 0x1122334455667788);
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0x3a, 0x63, 0x07, 0), ORACLE_DONE); /* pcmpistri */
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x58, 0x07), ORACLE_DONE);		 /* addss */
	/* Across a page. */
	g.cpu->regs[EDI] = ORACLE_DATA - 5;
	CHECK_EQ(RUN(&g, 0x0f, 0x11, 0x0f, 0x0f, 0x10, 0x1f), ORACLE_DONE);
	CHECK_EQ(low_xmm(g.cpu, 3), 0x1122334455667788);
	guest_destroy(&g);
}

/* A segment that ends in the operand: #GP, #SS for the stack, nothing stored. */
static void test_limits(void)
{
	struct guest g;

	guest_create(&g);
	memset(guest_data(&g), 0xcc, ORACLE_DATA_SIZE);
	g.cpu->seg[DS].limit = g.cpu->seg[SS].limit = ORACLE_DATA + 14;
	segment_update(&g.cpu->seg[DS]);
	segment_update(&g.cpu->seg[SS]);
	g.cpu->regs[EDI] = g.cpu->regs[EBP] = ORACLE_DATA;
	CHECK_EQ(RUN(&g, 0x0f, 0x29, 0x07), VEC_GP);	   /* movaps [edi], xmm0 */
	CHECK_EQ(RUN(&g, 0x0f, 0x29, 0x45, 0x00), VEC_SS); /* movaps [ebp], xmm0 */
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0xf7, 0xc1), VEC_GP); /* maskmovdqu */
	CHECK_EQ(guest_data(&g)[0], 0xcc);
	CHECK_EQ(RUN(&g, 0x0f, 0x13, 0x07), ORACLE_DONE); /* movlps [edi], xmm0 */
	guest_destroy(&g);
}

static void test_maskmov(void)
{
	struct guest g;

	guest_create(&g);
	memset(guest_data(&g), 0xcc, ORACLE_DATA_SIZE);
	g.cpu->regs[EDI] = ORACLE_DATA;
	put_xmm(g.cpu, 0, 0x0706050403020100, 0x0f0e0d0c0b0a0908);
	put_xmm(g.cpu, 1, 0x80ff7f0000000080, 0x8000000000000000);
	CHECK_EQ(RUN(&g, 0x66, 0x0f, 0xf7, 0xc1), ORACLE_DONE);
	CHECK_EQ(guest_data(&g)[0], 0x00);
	CHECK_EQ(guest_data(&g)[1], 0xcc);
	CHECK_EQ(guest_data(&g)[5], 0xcc);
	CHECK_EQ(guest_data(&g)[6], 0x06);
	CHECK_EQ(guest_data(&g)[7], 0x07);
	CHECK_EQ(guest_data(&g)[8], 0xcc);
	CHECK_EQ(guest_data(&g)[15], 0x0f);
	guest_destroy(&g);
}

/* One instruction of each kind under each setting of CR0 and CR4. */
static void test_availability(void)
{
	static const struct {
		uint32_t cr0, cr4;
		int addps, paddb, movnti, fxsave, cvtps2pi;
	} cases[] = {
	    {0, GUEST_CR4, -1, -1, -1, -1, -1},
	    {CR0_TS, GUEST_CR4, VEC_NM, VEC_NM, -1, VEC_NM, VEC_NM},
	    {CR0_EM, GUEST_CR4, VEC_UD, VEC_UD, -1, VEC_NM, VEC_UD},
	    {CR0_EM | CR0_TS, GUEST_CR4, VEC_UD, VEC_UD, -1, VEC_NM, VEC_UD},
	    {0, 0, VEC_UD, -1, -1, -1, VEC_UD},
	    {CR0_TS, 0, VEC_UD, VEC_NM, -1, VEC_NM, VEC_UD},
	};
	struct guest g;

	guest_create(&g);
	g.cpu->regs[EDI] = ORACLE_DATA;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		guest_mode(&g, GUEST_CR0 | cases[i].cr0, cases[i].cr4);
		CHECK_EQ(RUN(&g, 0x0f, 0x58, 0xc1), cases[i].addps);
		CHECK_EQ(RUN(&g, 0x0f, 0xfc, 0xc1), cases[i].paddb);
		CHECK_EQ(RUN(&g, 0x0f, 0xc3, 0x07), cases[i].movnti);
		CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x07), cases[i].fxsave);
		CHECK_EQ(RUN(&g, 0x0f, 0x2d, 0xc1), cases[i].cvtps2pi);
	}
	guest_destroy(&g);
}

#define F32_ONE	       0x3f800000u
#define F32_MIN_NORMAL 0x00800000u
#define F32_DENORMAL   0x00400000u

static void set_mxcsr(struct guest *g, uint32_t mxcsr)
{
	fpu_leave(g->cpu);
	memcpy(guest_data(g), &mxcsr, 4);
	g->cpu->regs[EDI] = ORACLE_DATA;
	CHECK_EQ(RUN(g, 0x0f, 0xae, 0x17), ORACLE_DONE);
}

static uint32_t read_mxcsr(struct guest *g)
{
	uint32_t mxcsr;

	CHECK_EQ(RUN(g, 0x0f, 0xae, 0x1f), ORACLE_DONE);
	memcpy(&mxcsr, guest_data(g), 4);
	return mxcsr;
}

static void test_denormals(void)
{
	struct guest g;

	guest_create(&g);
	/* 2^-127 + 0: denormal operand and result. */
	set_mxcsr(&g, MXCSR_DEFAULT);
	put_xmm(g.cpu, 0, F32_DENORMAL, 0);
	RUN(&g, 0xf3, 0x0f, 0x58, 0xc1);
	CHECK_EQ(low_xmm(g.cpu, 0), F32_DENORMAL);
	CHECK_EQ(read_mxcsr(&g), MXCSR_DEFAULT | FSW_DE);
	set_mxcsr(&g, MXCSR_DEFAULT | MXCSR_DAZ);
	RUN(&g, 0xf3, 0x0f, 0x58, 0xc1);
	CHECK_EQ(low_xmm(g.cpu, 0), 0);
	CHECK_EQ(read_mxcsr(&g), MXCSR_DEFAULT | MXCSR_DAZ);
	/* min * 0.5: exact denormal; FTZ makes it an inexact zero. */
	set_mxcsr(&g, MXCSR_DEFAULT);
	put_xmm(g.cpu, 0, F32_MIN_NORMAL, 0);
	put_xmm(g.cpu, 1, 0x3f000000, 0);
	RUN(&g, 0xf3, 0x0f, 0x59, 0xc1);
	CHECK_EQ(low_xmm(g.cpu, 0), F32_DENORMAL);
	CHECK_EQ(read_mxcsr(&g), MXCSR_DEFAULT);
	set_mxcsr(&g, MXCSR_DEFAULT | MXCSR_FTZ);
	put_xmm(g.cpu, 0, F32_MIN_NORMAL, 0);
	RUN(&g, 0xf3, 0x0f, 0x59, 0xc1);
	CHECK_EQ(low_xmm(g.cpu, 0), 0);
	CHECK_EQ(read_mxcsr(&g), MXCSR_DEFAULT | MXCSR_FTZ | FSW_UE | FSW_PE);
	/* Unmasked underflow: an exact tiny result faults, FTZ or not. */
	set_mxcsr(&g, MXCSR_FTZ | (MXCSR_DEFAULT & ~(FSW_UE << MXCSR_MASKS_SHIFT)));
	put_xmm(g.cpu, 0, F32_MIN_NORMAL, 0);
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x59, 0xc1), VEC_XM);
	CHECK_EQ(low_xmm(g.cpu, 0), F32_MIN_NORMAL);
	guest_destroy(&g);
}

static void test_faults(void)
{
	struct guest g;

	guest_create(&g);
	set_mxcsr(&g, MXCSR_DEFAULT & ~(FSW_ZE << MXCSR_MASKS_SHIFT));
	put_xmm(g.cpu, 0, F32_ONE, 0);
	put_xmm(g.cpu, 1, 0, 0);
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x5e, 0xc1), VEC_XM); /* divss */
	CHECK_EQ(g.cpu->eip, ORACLE_CODE);
	CHECK_EQ(low_xmm(g.cpu, 0), F32_ONE);
	CHECK_EQ(read_mxcsr(&g) & MXCSR_FLAGS, FSW_ZE);
	/* The flag is sticky but does not fault by itself. */
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x58, 0xc1), ORACLE_DONE);
	guest_mode(&g, GUEST_CR0, CR4_OSFXSR);
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x5e, 0xc1), VEC_UD);
	guest_mode(&g, GUEST_CR0, GUEST_CR4);
	/* UCOMISS: an unmasked invalid leaves EFLAGS alone. */
	set_mxcsr(&g, MXCSR_DEFAULT & ~(FSW_IE << MXCSR_MASKS_SHIFT));
	put_xmm(g.cpu, 1, 0x7f800001, 0);
	g.cpu->eflags = FL_1 | FL_OF | FL_CF;
	CHECK_EQ(RUN(&g, 0x0f, 0x2e, 0xc1), VEC_XM);
	CHECK_EQ(g.cpu->eflags, FL_1 | FL_OF | FL_CF);
	/* Reserved bits. */
	guest_data(&g)[2] = 1;
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x17), VEC_GP);
	guest_destroy(&g);
}

/* The guest's rounding and flags stay with the guest. */
static void test_host_is_clean(void)
{
	uint32_t mxcsr;
	uint16_t fcw;
	struct guest g;

	guest_create(&g);
	set_mxcsr(&g, MXCSR_DEFAULT | 0x6000);
	put_xmm(g.cpu, 0, F32_ONE, 0);
	put_xmm(g.cpu, 1, 0x40400000, 0);
	CHECK_EQ(RUN(&g, 0xf3, 0x0f, 0x5e, 0xc1, 0xd9, 0xe8), ORACLE_DONE); /* divss; fld1 */
	CHECK(g.cpu->host_fpu != 0);
	fpu_leave(g.cpu);
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(fcw));
	CHECK_EQ(mxcsr, MXCSR_DEFAULT);
	CHECK_EQ(fcw, FCW_FNINIT);
	CHECK_EQ(g.cpu->fx.mxcsr, MXCSR_DEFAULT | 0x6000 | FSW_PE);
	CHECK_EQ(low_xmm(g.cpu, 0), 0x3eaaaaaa); /* rounded to zero */
	guest_destroy(&g);
}

/* What each row needs, by a few of each kind. */
static void test_features(void)
{
	static const struct {
		uint8_t code[6];
		enum cpu_feature feature;
	} cases[] = {
	    {{0xd8, 0xc0}, FEATURE_FPU},
	    {{0xda, 0xc0}, FEATURE_CMOV},
	    {{0xdb, 0xe8}, FEATURE_CMOV},
	    {{0xdd, 0x0f}, FEATURE_SSE3},
	    {{0x0f, 0xae, 0x07}, FEATURE_FXSR},
	    {{0x0f, 0xae, 0x1f}, FEATURE_SSE},
	    {{0x0f, 0xfc, 0xc0}, FEATURE_MMX},
	    {{0x0f, 0xe0, 0xc0}, FEATURE_SSE},
	    {{0x0f, 0xd4, 0xc0}, FEATURE_SSE2},
	    {{0x0f, 0x38, 0x00, 0xc0}, FEATURE_SSSE3},
	    {{0x0f, 0x58, 0xc0}, FEATURE_SSE},
	    {{0xf3, 0x0f, 0x58, 0xc0}, FEATURE_SSE},
	    {{0xf2, 0x0f, 0x58, 0xc0}, FEATURE_SSE2},
	    {{0x66, 0x0f, 0xfc, 0xc0}, FEATURE_SSE2},
	    {{0x0f, 0x5b, 0xc0}, FEATURE_SSE2},
	    {{0xf3, 0x0f, 0x12, 0xc0}, FEATURE_SSE3},
	    {{0x0f, 0x12, 0xc0}, FEATURE_SSE},
	    {{0x66, 0x0f, 0x7c, 0xc0}, FEATURE_SSE3},
	    {{0x66, 0x0f, 0x38, 0x1e, 0xc0}, FEATURE_SSSE3},
	    {{0x66, 0x0f, 0x38, 0x10, 0xc0}, FEATURE_SSE41},
	    {{0x66, 0x0f, 0x38, 0x37, 0xc0}, FEATURE_SSE42},
	    {{0x66, 0x0f, 0x3a, 0x63, 0xc0, 0}, FEATURE_SSE42},
	    {{0x66, 0x0f, 0x3a, 0x0f, 0xc0, 0}, FEATURE_SSSE3},
	    {{0x66, 0x0f, 0x3a, 0x0b, 0xc0, 0}, FEATURE_SSE41},
	    {{0xf2, 0x0f, 0x38, 0xf1, 0xc0}, FEATURE_SSE42},
	    {{0xf3, 0x0f, 0xb8, 0xc0}, FEATURE_POPCNT},
	    {{0x0f, 0xc3, 0x07}, FEATURE_SSE2},
	    {{0x0f, 0x44, 0xc0}, FEATURE_CMOV},
	};
	struct decoder *d = decoder_create();

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn in;

		CHECK_EQ(decode_insn(d, cases[i].code, sizeof(cases[i].code), true, &in),
			 DECODE_OK);
		CHECK_EQ(insn_feature(&insn_table[in.row]), cases[i].feature);
	}
	decoder_destroy(d);
}

UNIT_MAIN("simd", {"rows, exceptions masked", test_masked},
	  {"rows, exceptions unmasked", test_unmasked}, {"alignment", test_alignment},
	  {"segment limits", test_limits}, {"masked stores", test_maskmov},
	  {"CR0 and CR4", test_availability}, {"denormals", test_denormals}, {"#XM", test_faults},
	  {"host registers", test_host_is_clean}, {"features", test_features})
