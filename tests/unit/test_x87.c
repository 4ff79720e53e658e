/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every x87 row of the instruction table against the host, and by hand what
 * the host cannot show: environments in their four layouts, #NM and #MF,
 * FERR#, faults of memory operands.
 */
#include "fpu_oracle.h"

static bool is_arithmetic(const struct insn_row *row)
{
	static const char *const by_hand[] = {"fldenv", "fnstenv", "frstor", "fnsave", "fldcw",
					      "fxsave", "fxrstor", NULL};

	for (unsigned i = 0; by_hand[i]; i++)
		if (!strcmp(row->name, by_hand[i]))
			return false;
	return row->class == X87;
}

static void random_state(uint64_t *seed, struct oracle *o, bool unmasked)
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

static bool differs(const struct oracle *a, const struct oracle *b)
{
	return a->vector != b->vector || memcmp(a->fx.st, b->fx.st, sizeof(a->fx.st)) ||
	       a->fx.ftw != b->fx.ftw || a->fx.fsw != b->fx.fsw || a->fx.fcw != b->fx.fcw ||
	       a->regs[EAX] != b->regs[EAX] || ((a->eflags ^ b->eflags) & FL_ARITH) ||
	       memcmp(a->data, b->data, sizeof(a->data));
}

static void show(const char *who, const struct oracle *o)
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

static bool compare(struct guest *g, const struct insn_row *row, const struct oracle *start,
		    const uint8_t *code, unsigned len)
{
	struct oracle host = *start, guest = *start;

	oracle_host(&host, code, len);
	oracle_guest(g, &guest, code, len);
	if (!differs(&host, &guest))
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

#define ROUNDS 500

static void fuzz_rows(bool unmasked, uint64_t seed)
{
	unsigned bad = 0, rows = 0;
	struct oracle start;
	struct guest g;

	guest_create(&g);
	for (unsigned i = 0; i < insn_table_rows && bad < 10; i++) {
		const struct insn_row *row = &insn_table[i];

		if (!is_arithmetic(row))
			continue;
		rows++;
		for (unsigned n = 0; n < ROUNDS; n++) {
			uint8_t code[16];
			unsigned len = row_bytes(
				row, row_modrm(row, row->mod == MEM, unit_random(&seed)), 0, code);

			random_state(&seed, &start, unmasked);
			if (!compare(&g, row, &start, code, len)) {
				bad++;
				break;
			}
		}
	}
	CHECK_EQ(bad, 0);
	CHECK(rows >= 140);
	guest_destroy(&g);
}

static void test_masked(void)
{
	fuzz_rows(false, 1);
}

static void test_unmasked(void)
{
	fuzz_rows(true, 2);
}

/* ---- runs of x87, MMX and SSE instructions, between which state moves ---- */

#define RUN_LENGTH 12

static unsigned random_run(uint64_t *seed, uint8_t *code)
{
	unsigned len = 0;

	for (unsigned n = 0; n < RUN_LENGTH;) {
		const struct insn_row *row = &insn_table[unit_random(seed) % insn_table_rows];
		uint64_t r = unit_random(seed);
		bool memory = row->mod == MEM || (row->mod == BOTH && r & 1);

		if (row->class != X87 && row->class != MMX && row->class != SSE)
			continue;
		if (!is_arithmetic(row) && row->class == X87)
			continue;
		if (!strcmp(row->name, "ldmxcsr"))
			continue;
		len += row_bytes(row, row_modrm(row, memory, r >> 8), (uint8_t)(r >> 32),
				 code + len);
		n++;
	}
	return len;
}

static void test_runs(void)
{
	uint64_t seed = 3;
	struct guest g;

	guest_create(&g);
	for (unsigned n = 0; n < 20000; n++) {
		struct oracle start, host, guest;
		uint8_t code[RUN_LENGTH * 16];
		unsigned len = random_run(&seed, code);

		random_state(&seed, &start, n & 1);
		for (unsigned i = 0; i < 8; i++)
			random_vector(&seed, start.fx.xmm[i]);
		host = guest = start;
		oracle_host(&host, code, len);
		oracle_guest(&g, &guest, code, len);
		if (host.vector != guest.vector || host.fx.fsw != guest.fx.fsw ||
		    (host.vector == ORACLE_DONE &&
		     (differs(&host, &guest) ||
		      memcmp(host.fx.xmm, guest.fx.xmm, sizeof(host.fx.xmm)) ||
		      host.fx.mxcsr != guest.fx.mxcsr))) {
			show("start", &start);
			show("host", &host);
			show("guest", &guest);
			CU_FAIL("a run differs");
			break;
		}
	}
	guest_destroy(&g);
}

/* ---- by hand ---- */

#define RUN(g, ...)                                                                                \
	guest_run(g, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint16_t word_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static uint32_t dword_at(const uint8_t *p)
{
	return word_at(p) | (uint32_t)word_at(p + 2) << 16;
}

static void start_guest(struct guest *g)
{
	guest_create(g);
	g->cpu->regs[EDI] = ORACLE_DATA;
	CHECK_EQ(RUN(g, 0xdb, 0xe3), ORACLE_DONE); /* fninit */
}

static void set_fcw(struct guest *g, uint16_t fcw)
{
	memcpy(guest_data(g), &fcw, 2);
	CHECK_EQ(RUN(g, 0xd9, 0x2f), ORACLE_DONE);
}

static uint16_t status(struct guest *g)
{
	CHECK_EQ(RUN(g, 0xdf, 0xe0), ORACLE_DONE); /* fnstsw ax */
	return (uint16_t)g->cpu->regs[EAX];
}

static void test_reset(void)
{
	struct guest g;

	guest_create(&g);
	CHECK_EQ(g.cpu->fx.fcw, FCW_RESET);
	CHECK_EQ(g.cpu->fx.fsw, 0);
	CHECK_EQ(g.cpu->fx.mxcsr, MXCSR_DEFAULT);
	guest_destroy(&g);
}

static void test_stack(void)
{
	struct guest g;

	start_guest(&g);
	for (unsigned i = 0; i < 8; i++)
		RUN(&g, 0xd9, 0xe8); /* fld1 */
	CHECK_EQ(status(&g), 0);
	RUN(&g, 0xd9, 0xee); /* fldz: overflow; C1 set */
	CHECK_EQ(status(&g), FSW_IE | FSW_SF | 0x200 | FSW_TOP);
	fpu_leave(g.cpu);
	CHECK_EQ(dword_at(g.cpu->fx.st[0] + 4), 0xc0000000);
	CHECK_EQ(word_at(g.cpu->fx.st[0] + 8), 0xffff);
	RUN(&g, 0xdb, 0xe3, 0xd8, 0xc1); /* fninit; fadd st, st(1): underflow */
	CHECK_EQ(status(&g), FSW_IE | FSW_SF);
	guest_destroy(&g);
}

static void test_pending(void)
{
	struct guest g;

	start_guest(&g);
	set_fcw(&g, FCW_FNINIT & ~FSW_ZE);
	/* fld1; fldz; fdivp: no fault yet, the result is not stored */
	CHECK_EQ(RUN(&g, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), ORACLE_DONE);
	CHECK_EQ(status(&g) & (FSW_ES | FSW_B | FSW_ZE), FSW_ES | FSW_B | FSW_ZE);
	CHECK_EQ(RUN(&g, 0x90, 0xd9, 0xe8), VEC_MF); /* nop; fld1 */
	CHECK_EQ(g.cpu->eip, ORACLE_CODE + 1);
	CHECK_EQ(RUN(&g, 0x9b), VEC_MF);       /* fwait */
	CHECK_EQ(RUN(&g, 0xd9, 0x2f), VEC_MF); /* fldcw */
	CHECK_EQ(RUN(&g, 0x0f, 0x77), VEC_MF); /* emms */
	CHECK_EQ(RUN(&g, 0xdd, 0x27), VEC_MF); /* frstor */
	/* Non-waiting instructions, and those that are not of the x87. */
	CHECK_EQ(RUN(&g, 0xd9, 0x3f, 0xdd, 0x3f, 0xdb, 0xe0), ORACLE_DONE);
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x07), ORACLE_DONE); /* fxsave */
	CHECK_EQ(RUN(&g, 0x0f, 0x58, 0xc1), ORACLE_DONE); /* addps */
	CHECK_EQ(RUN(&g, 0xdb, 0xe2, 0xd9, 0xe8), ORACLE_DONE); /* fnclex; fld1 */
	CHECK_EQ(status(&g) & (FSW_ES | FSW_B | FSW_ZE), 0);
	/* FNSTENV masks; unmasking a flag that is set makes it pending. */
	CHECK_EQ(RUN(&g, 0xdb, 0xe3), ORACLE_DONE);
	CHECK_EQ(RUN(&g, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), ORACLE_DONE);
	set_fcw(&g, FCW_FNINIT & ~FSW_ZE);
	CHECK_EQ(RUN(&g, 0xd9, 0xe8), VEC_MF);
	CHECK_EQ(RUN(&g, 0xd9, 0x37, 0xd9, 0xe8), ORACLE_DONE); /* fnstenv; fld1 */
	CHECK_EQ(RUN(&g, 0xd9, 0x27), ORACLE_DONE);		/* fldenv */
	CHECK_EQ(RUN(&g, 0x9b), VEC_MF);
	guest_destroy(&g);
}

/* An unmasked exception keeps a store from storing and popping. */
static void test_store_suppressed(void)
{
	struct guest g;

	start_guest(&g);
	set_fcw(&g, FCW_FNINIT & ~FSW_IE);
	memset(guest_data(&g), 0xcc, 16);
	CHECK_EQ(RUN(&g, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), ORACLE_DONE); /* 1/0: infinity */
	CHECK_EQ(RUN(&g, 0xdb, 0x1f), ORACLE_DONE);			    /* fistp dword */
	CHECK_EQ(dword_at(guest_data(&g)), 0xcccccccc);
	CHECK_EQ(status(&g) >> FSW_TOP_SHIFT & 7, 7);
	CHECK_EQ(RUN(&g, 0x9b), VEC_MF);
	guest_destroy(&g);
}

static void test_ferr(void)
{
	struct guest g;

	start_guest(&g);
	guest_mode(&g, GUEST_CR0 & ~CR0_NE, GUEST_CR4);
	set_fcw(&g, FCW_FNINIT & ~FSW_ZE);
	CHECK_EQ(RUN(&g, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), ORACLE_DONE);
	CHECK_EQ(g.ferr, 0);
	CHECK_EQ(RUN(&g, 0x90, 0xd9, 0xe8), ORACLE_RESTART);
	CHECK_EQ(g.ferr, 1);
	CHECK_EQ(g.cpu->eip, ORACLE_CODE + 1);
	CHECK(g.cpu->halted); /* until IRQ 13 */
	g.cpu->halted = false;
	vcpu_clear_ferr(g.cpu); /* port F0h: IGNNE# */
	CHECK_EQ(g.ferr, 0);
	CHECK_EQ(RUN(&g, 0xd9, 0xe8, 0x9b, 0xdd, 0xd8), ORACLE_DONE); /* fld1; fwait; fstp st */
	CHECK(status(&g) & FSW_ES);
	CHECK_EQ(RUN(&g, 0xdb, 0xe2), ORACLE_DONE); /* fnclex: FERR# and IGNNE# go */
	CHECK(!g.cpu->ferr && !g.cpu->ignne);
	CHECK_EQ(RUN(&g, 0xde, 0xf9, 0x9b), ORACLE_RESTART); /* again 1/0 */
	CHECK_EQ(g.ferr, 1);
	vcpu_reset(g.cpu);
	CHECK_EQ(g.ferr, 0);
	guest_destroy(&g);
}

static void test_availability(void)
{
	static const struct {
		uint32_t cr0;
		int fld1, fwait, fnstcw;
	} cases[] = {
		{0, -1, -1, -1},
		{CR0_TS, VEC_NM, -1, VEC_NM},
		{CR0_EM, VEC_NM, -1, VEC_NM},
		{CR0_TS | CR0_MP, VEC_NM, VEC_NM, VEC_NM},
		{CR0_EM | CR0_MP, VEC_NM, -1, VEC_NM},
	};
	struct guest g;

	start_guest(&g);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		guest_mode(&g, CR0_PE | CR0_NE | cases[i].cr0, GUEST_CR4);
		CHECK_EQ(RUN(&g, 0xd9, 0xe8), cases[i].fld1);
		CHECK_EQ(RUN(&g, 0x9b), cases[i].fwait);
		CHECK_EQ(RUN(&g, 0xd9, 0x3f), cases[i].fnstcw);
	}
	guest_destroy(&g);
}

/* A fault of the operand comes before the stack changes. */
static void test_memory_fault(void)
{
	struct guest g;

	start_guest(&g);
	RUN(&g, 0xd9, 0xe8);
	g.cpu->seg[DS].limit = ORACLE_DATA + 6;
	segment_update(&g.cpu->seg[DS]);
	CHECK_EQ(RUN(&g, 0xdd, 0x1f), VEC_GP); /* fstp qword */
	CHECK_EQ(RUN(&g, 0xdb, 0x3f), VEC_GP); /* fstp tbyte */
	CHECK_EQ(RUN(&g, 0xdd, 0x07), VEC_GP); /* fld qword */
	CHECK_EQ(RUN(&g, 0xdd, 0x37), VEC_GP); /* fnsave */
	CHECK_EQ(status(&g), 7 << FSW_TOP_SHIFT);
	CHECK_EQ(RUN(&g, 0xd9, 0x1f), ORACLE_DONE); /* fstp dword */
	CHECK_EQ(dword_at(guest_data(&g)), 0x3f800000);
	guest_destroy(&g);
}

/*
 * Leaves: FIP at the FADD, FDP at its operand, tags valid, zero, special and
 * empty, ST(0) in register 5.
 */
static void prepare_environment(struct guest *g, uint8_t memory_modrm)
{
	const uint8_t code[] = {0xd9, 0xee,		     /* fldz: register 7 */
				0xd9, 0xee, 0xd9, 0xe8, 0xde, 0xf1, /* 1/0 in register 6 */
				0xd9, 0xe8,		     /* fld1: register 5 */
				0xd8, memory_modrm};	     /* fadd dword */

	memset(guest_data(g), 0, ORACLE_DATA_SIZE);
	CHECK_EQ(guest_run(g, code, sizeof(code)), ORACLE_DONE);
}

#define FADD_IP (ORACLE_CODE + 10)
#define ENV_FSW (5 << FSW_TOP_SHIFT | FSW_ZE)
#define ENV_TAGS 0x63ff /* 7: zero, 6: special, 5: valid */

static void test_environment_protected(void)
{
	uint8_t *data;
	struct guest g;

	start_guest(&g);
	data = guest_data(&g);
	prepare_environment(&g, 0x07);
	CHECK_EQ(RUN(&g, 0xd9, 0x37), ORACLE_DONE); /* fnstenv [edi] */
	CHECK_EQ(dword_at(data), 0xffff0000 | FCW_FNINIT);
	CHECK_EQ(dword_at(data + 4), 0xffff0000 | ENV_FSW);
	CHECK_EQ(dword_at(data + 8), 0xffff0000 | ENV_TAGS);
	CHECK_EQ(dword_at(data + 12), FADD_IP);
	CHECK_EQ(dword_at(data + 16), 0x00070000 | 8); /* D8 07, CS */
	CHECK_EQ(dword_at(data + 20), ORACLE_DATA);
	CHECK_EQ(dword_at(data + 24), 0xffff0000 | 16);
	CHECK_EQ(data[28], 0);
	memset(data, 0, 32);
	CHECK_EQ(RUN(&g, 0x66, 0xd9, 0x37), ORACLE_DONE); /* 16-bit */
	CHECK_EQ(word_at(data), FCW_FNINIT);
	CHECK_EQ(word_at(data + 2), ENV_FSW);
	CHECK_EQ(word_at(data + 4), ENV_TAGS);
	CHECK_EQ(word_at(data + 6), FADD_IP);
	CHECK_EQ(word_at(data + 8), 8);
	CHECK_EQ(word_at(data + 10), ORACLE_DATA);
	CHECK_EQ(word_at(data + 12), 16);
	CHECK_EQ(data[14], 0);
	guest_destroy(&g);
}

static void real_mode(struct guest *g)
{
	guest_mode(g, CR0_ET | CR0_NE, GUEST_CR4);
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		g->cpu->seg[i] = (struct segment){.selector = i == CS ? 0x9000 : 0,
						  .base = i == CS ? 0x90000 : 0,
						  .limit = 0xffff,
						  .attr = DESC_P | DESC_S | DESC_RW};
		segment_update(&g->cpu->seg[i]);
	}
}

static void test_environment_real(void)
{
	uint8_t *data;
	struct guest g;

	start_guest(&g);
	data = guest_data(&g);
	real_mode(&g);
	prepare_environment(&g, 0x05);		    /* [di] */
	CHECK_EQ(RUN(&g, 0xd9, 0x35), ORACLE_DONE); /* 16-bit */
	CHECK_EQ(word_at(data), FCW_FNINIT);
	CHECK_EQ(word_at(data + 2), ENV_FSW);
	CHECK_EQ(word_at(data + 4), ENV_TAGS);
	CHECK_EQ(word_at(data + 6), FADD_IP);
	CHECK_EQ(word_at(data + 8), 0x9005); /* CS base 90000h, opcode D8 05 */
	CHECK_EQ(word_at(data + 10), ORACLE_DATA);
	CHECK_EQ(word_at(data + 12), 0);
	CHECK_EQ(RUN(&g, 0x66, 0xd9, 0x35), ORACLE_DONE); /* 32-bit */
	CHECK_EQ(dword_at(data + 8), 0xffff0000 | ENV_TAGS);
	CHECK_EQ(dword_at(data + 12), 0xffff0000 | FADD_IP);
	CHECK_EQ(dword_at(data + 16), 0x00009005);
	CHECK_EQ(dword_at(data + 20), 0xffff0000 | ORACLE_DATA);
	CHECK_EQ(dword_at(data + 24), 0);
	/* Linear pointers come back as they are. */
	CHECK_EQ(RUN(&g, 0x66, 0xd9, 0x25), ORACLE_DONE);
	CHECK_EQ(g.cpu->fx.fip, 0x90000 + FADD_IP);
	CHECK_EQ(g.cpu->fx.fcs, 0);
	guest_destroy(&g);
}

/* FNSAVE, FRSTOR in each layout: all registers come back, from any TOP. */
static void test_save_restore(void)
{
	uint64_t seed = 5;
	struct guest g;

	start_guest(&g);
	for (unsigned n = 0; n < 400; n++) {
		bool real = n & 1, prefix = n & 2;
		struct fxsave_image before;
		uint8_t modrm = real ? 0x05 : 0x07;
		const uint8_t code[] = {0x66, 0xdd, modrm | 6 << 3, 0x66, 0xdd, modrm | 4 << 3};
		const uint8_t plain[] = {0xdd, modrm | 6 << 3, 0xdd, modrm | 4 << 3};
		struct oracle o;

		if (real) {
			real_mode(&g);
		} else {
			guest_flat_segments(g.cpu);
			guest_mode(&g, GUEST_CR0, GUEST_CR4);
		}
		random_state(&seed, &o, true);
		o.fx.fip = o.fx.fdp = 0;
		oracle_guest(&g, &o, prefix ? code : plain, prefix ? 3 : 2);
		CHECK_EQ(o.vector, ORACLE_DONE);
		CHECK_EQ(o.fx.fcw, FCW_FNINIT);
		CHECK_EQ(o.fx.fsw, 0);
		CHECK_EQ(o.fx.ftw, 0);
		random_state(&seed, &o, true);
		before = o.fx;
		oracle_guest(&g, &o, prefix ? code : plain, prefix ? sizeof(code) : sizeof(plain));
		CHECK_EQ(o.vector, ORACLE_DONE);
		CHECK_EQ(o.fx.fcw, before.fcw);
		CHECK_EQ(o.fx.fsw, before.fsw);
		CHECK_EQ(o.fx.ftw, before.ftw);
		CHECK(!memcmp(o.fx.st, before.st, sizeof(before.st)));
	}
	guest_destroy(&g);
}

/* FNSTENV and FNSAVE against the host, but for the pointers. */
static void test_environment_host(void)
{
	static const uint8_t fnstenv[] = {0xd9, 0x37}, fnsave[] = {0xdd, 0x37};
	static const uint8_t frstor[] = {0xdd, 0x27}, fldenv[] = {0xd9, 0x27};
	static const uint8_t *const codes[] = {fnstenv, fnsave, frstor, fldenv};
	uint64_t seed = 9;
	struct guest g;

	start_guest(&g);
	for (unsigned n = 0; n < 4000; n++) {
		struct oracle host, guest;

		random_state(&seed, &host, n & 1);
		guest = host;
		oracle_host(&host, codes[n / 2 % 4], 2);
		oracle_guest(&g, &guest, codes[n / 2 % 4], 2);
		memset(host.data + 12, 0, 16);
		memset(guest.data + 12, 0, 16);
		if (differs(&host, &guest)) {
			show("host", &host);
			show("guest", &guest);
			fprintf(stderr, "code %u: %08x %08x\n", n / 2 % 4,
				dword_at(host.data + 8), dword_at(guest.data + 8));
			CU_FAIL("an environment differs");
			break;
		}
	}
	guest_destroy(&g);
}

static void test_fxsave(void)
{
	struct fxsave_image before;
	struct guest g;
	uint8_t *data;

	start_guest(&g);
	data = guest_data(&g);
	prepare_environment(&g, 0x07);
	memset(data, 0xcc, ORACLE_DATA_SIZE);
	memset(g.cpu->fx.xmm, 0x5a, sizeof(g.cpu->fx.xmm));
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x07), ORACLE_DONE);
	CHECK_EQ(word_at(data), FCW_FNINIT);
	CHECK_EQ(word_at(data + 2), ENV_FSW);
	CHECK_EQ(data[4], 0xe0);
	CHECK_EQ(word_at(data + 6), 0x007);
	CHECK_EQ(dword_at(data + 8), FADD_IP);
	CHECK_EQ(word_at(data + 12), 8);
	CHECK_EQ(dword_at(data + 16), ORACLE_DATA);
	CHECK_EQ(word_at(data + 20), 16);
	CHECK_EQ(dword_at(data + 24), MXCSR_DEFAULT);
	CHECK_EQ(dword_at(data + 28), MXCSR_WRITABLE);
	CHECK_EQ(data[160], 0x5a);
	CHECK_EQ(data[287], 0x5a);
	CHECK_EQ(data[288], 0xcc);
	before = g.cpu->fx;
	CHECK_EQ(RUN(&g, 0xdb, 0xe3, 0x0f, 0x57, 0xc0, 0x0f, 0xae, 0x0f), ORACLE_DONE);
	CHECK(!memcmp(&before, &g.cpu->fx, sizeof(before)));
	/* Without OSFXSR, XMM registers stay where they are. */
	guest_mode(&g, GUEST_CR0, 0);
	memset(data + 160, 0xee, 16);
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x0f, 0x0f, 0xae, 0x07), ORACLE_DONE);
	CHECK_EQ(g.cpu->fx.xmm[0][0], 0x5a);
	CHECK_EQ(data[160], 0xee);
	guest_mode(&g, GUEST_CR0, GUEST_CR4);
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x47, 0x08), VEC_GP); /* unaligned */
	data[26] = 1;
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x0f), VEC_GP); /* MXCSR reserved bit */
	guest_destroy(&g);
}

static void test_mmx_alias(void)
{
	struct guest g;

	start_guest(&g);
	/* fldpi; movd mm3, eax */
	g.cpu->regs[EAX] = 0x12345678;
	CHECK_EQ(RUN(&g, 0xd9, 0xeb, 0x0f, 0x6e, 0xd8), ORACLE_DONE);
	CHECK_EQ(status(&g), 0); /* TOP */
	CHECK_EQ(g.cpu->fx.ftw, 0xff);
	CHECK_EQ(dword_at(g.cpu->fx.st[3]), 0x12345678);
	CHECK_EQ(word_at(g.cpu->fx.st[3] + 8), 0xffff);
	CHECK_EQ(dword_at(g.cpu->fx.st[7] + 4), 0xc90fdaa2); /* pi was in register 7 */
	/* ST(3) is a NaN now; after EMMS the stack is empty. */
	CHECK_EQ(RUN(&g, 0x0f, 0x77, 0xd9, 0xe8), ORACLE_DONE);
	fpu_leave(g.cpu);
	CHECK_EQ(g.cpu->fx.ftw, 0x80);
	CHECK_EQ(dword_at(g.cpu->fx.st[4]), 0x12345678); /* register 3 seen from TOP 7 */
	guest_destroy(&g);
}

/* Encodings that no chip executes have no row. */
static void test_undefined(void)
{
	static const uint8_t bad[][2] = {{0xd9, 0xd1}, {0xd9, 0xe2}, {0xd9, 0xe6}, {0xd9, 0xef},
					 {0xda, 0xe8}, {0xda, 0xf0}, {0xdb, 0xe5}, {0xdb, 0xf8},
					 {0xdd, 0xf0}, {0xde, 0xd8}, {0xdf, 0xe1}, {0xdf, 0xf8},
					 {0xd9, 0x0f}, {0xdb, 0x27}, {0xdb, 0x37}, {0xdd, 0x2f}};
	struct guest g;

	start_guest(&g);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(guest_run(&g, bad[i], 2), ORACLE_BAD);
	guest_destroy(&g);
}

UNIT_MAIN("x87", {"rows, exceptions masked", test_masked},
	  {"rows, exceptions unmasked", test_unmasked}, {"runs of instructions", test_runs},
	  {"reset", test_reset}, {"stack", test_stack}, {"pending errors", test_pending},
	  {"suppressed stores", test_store_suppressed}, {"FERR#", test_ferr},
	  {"CR0", test_availability}, {"faults of operands", test_memory_fault},
	  {"environment, protected mode", test_environment_protected},
	  {"environment, real mode", test_environment_real},
	  {"environment, host", test_environment_host}, {"FNSAVE and FRSTOR", test_save_restore},
	  {"FXSAVE", test_fxsave}, {"MMX aliasing", test_mmx_alias},
	  {"undefined encodings", test_undefined})
