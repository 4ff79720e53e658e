/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every x87 row of the instruction table against the host, and by hand what
 * the host cannot show: #NM and #MF, FERR#, faults of memory operands. The
 * state as a whole is in test_x87_state.c.
 */
#include "x87_fixture.h"

static bool is_arithmetic(const struct insn_row *row)
{
	static const char *const by_hand[] = {"fldenv", "fnstenv", "frstor",  "fnsave",
					      "fldcw",	"fxsave",  "fxrstor", NULL};

	for (unsigned i = 0; by_hand[i]; i++)
		if (!strcmp(row->name, by_hand[i]))
			return false;
	return row->class == X87;
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
		len +=
		    row_bytes(row, row_modrm(row, memory, r >> 8), (uint8_t)(r >> 32), code + len);
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
	CHECK_EQ(RUN(&g, 0x0f, 0xae, 0x07), ORACLE_DONE);	/* fxsave */
	CHECK_EQ(RUN(&g, 0x0f, 0x58, 0xc1), ORACLE_DONE);	/* addps */
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
	  {"stack", test_stack}, {"pending errors", test_pending},
	  {"suppressed stores", test_store_suppressed}, {"FERR#", test_ferr},
	  {"CR0", test_availability}, {"faults of operands", test_memory_fault},
	  {"undefined encodings", test_undefined})
