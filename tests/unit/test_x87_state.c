/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x87 state as a whole: reset, FNSTENV and FNSAVE in their four layouts,
 * FXSAVE, and the registers as MMX registers.
 */
#include "x87_fixture.h"

static void test_reset(void)
{
	struct guest g;

	guest_create(&g);
	CHECK_EQ(g.cpu->fx.fcw, FCW_RESET);
	CHECK_EQ(g.cpu->fx.fsw, 0);
	CHECK_EQ(g.cpu->fx.mxcsr, MXCSR_DEFAULT);
	guest_destroy(&g);
}

/*
 * Leaves: FIP at the FADD, FDP at its operand, tags valid, zero, special and
 * empty, ST(0) in register 5.
 */
static void prepare_environment(struct guest *g, uint8_t memory_modrm)
{
	const uint8_t code[] = {0xd9, 0xee,				   /* fldz: register 7 */
				0xd9, 0xee,	   0xd9, 0xe8, 0xde, 0xf1, /* 1/0 in register 6 */
				0xd9, 0xe8,				   /* fld1: register 5 */
				0xd8, memory_modrm};			   /* fadd dword */

	memset(guest_data(g), 0, ORACLE_DATA_SIZE);
	CHECK_EQ(guest_run(g, code, sizeof(code)), ORACLE_DONE);
}

#define FADD_IP	 (ORACLE_CODE + 10)
#define ENV_FSW	 (5 << FSW_TOP_SHIFT | FSW_ZE)
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
			fprintf(stderr, "code %u: %08x %08x\n", n / 2 % 4, dword_at(host.data + 8),
				dword_at(guest.data + 8));
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

UNIT_MAIN("x87 state", {"reset", test_reset},
	  {"environment, protected mode", test_environment_protected},
	  {"environment, real mode", test_environment_real},
	  {"environment, host", test_environment_host}, {"FNSAVE and FRSTOR", test_save_restore},
	  {"FXSAVE", test_fxsave}, {"MMX aliasing", test_mmx_alias})
