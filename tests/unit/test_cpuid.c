/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processor models: CPUID as the chips report it (Intel application note 485 and
 * SDM 2A CPUID), and for every row of the instruction table #UD on exactly
 * those models that lack the instruction.
 */
#include "cpu_fixture.h"

#include <stdlib.h>

#include "cpu/decode.h"
#include "cpu/features.h"
#include "cpu/table.h"

#define MODELS 6 /* the chips, from oldest to newest */
static const char *const chips[MODELS] = {"486", "pentium", "pentium2", "pentium3", "pentium4",
					  "core2"};

static void leaf(struct fixture *f, uint32_t n, uint32_t sub, uint32_t out[4])
{
	CODE(f, 0x0f, 0xa2, 0xf4);
	enter_protected(f, 0);
	f->cpu->regs[EAX] = n;
	f->cpu->regs[ECX] = sub;
	run(f);
	out[0] = f->cpu->regs[EAX];
	out[1] = f->cpu->regs[EBX];
	out[2] = f->cpu->regs[ECX];
	out[3] = f->cpu->regs[EDX];
}

#define LEAF(f, n, sub, a, b, c, d)                                                                \
	do {                                                                                       \
		uint32_t r_[4];                                                                    \
		leaf(f, n, sub, r_);                                                               \
		CHECK_EQ(r_[0], a);                                                                \
		CHECK_EQ(r_[1], b);                                                                \
		CHECK_EQ(r_[2], c);                                                                \
		CHECK_EQ(r_[3], d);                                                                \
	} while (0)

static void test_identity(void)
{
	static const struct {
		uint32_t max_leaf, signature, ebx, ecx, edx;
	} expected[MODELS] = {
		{1, 0x480, 0, 0, 0x00000003},
		{1, 0x543, 0, 0, 0x008003bf},
		{2, 0x652, 0, 0, 0x0183fbff},
		{2, 0x683, 2, 0, 0x0383fbff},
		{2, 0xf29, 0x10809, 0, 0x0f8bfbff},
		{10, 0x6fb, 0x10800, 0x00000201, 0x0f8bfbff},
	};

	for (unsigned i = 0; i < MODELS; i++) {
		struct fixture f;

		fixture_start_model(&f, chips[i]);
		CHECK_EQ(f.cpu->regs[EDX], expected[i].signature);
		LEAF(&f, 0, 0, expected[i].max_leaf, 0x756e6547, 0x6c65746e, 0x49656e69);
		LEAF(&f, 1, 0, expected[i].signature, expected[i].ebx, expected[i].ecx,
		     expected[i].edx);
		fixture_end(&f);
	}
}

static void test_caches(void)
{
	struct fixture f;

	fixture_start_model(&f, "pentium2");
	LEAF(&f, 2, 0, 0x03020101, 0, 0, 0x0c040843);
	/* No extended leaves: as the highest basic one. */
	LEAF(&f, 0x80000000, 0, 0x03020101, 0, 0, 0x0c040843);
	fixture_end(&f);
	fixture_start_model(&f, "pentium3");
	LEAF(&f, 2, 0, 0x03020101, 0, 0, 0x0c040882);
	fixture_end(&f);
	fixture_start_model(&f, "pentium4");
	LEAF(&f, 2, 0, 0x665b5001, 0, 0, 0x007b7040);
	LEAF(&f, 0x80000000, 0, 0x80000004, 0, 0, 0);
	fixture_end(&f);
	fixture_start_model(&f, "core2");
	LEAF(&f, 2, 0, 0x05b0b101, 0x005657f0, 0, 0x2cb43049);
	LEAF(&f, 4, 0, 0x00000121, 0x01c0003f, 0x3f, 0);  /* L1 data: 32 KiB, 8 ways */
	LEAF(&f, 4, 1, 0x00000122, 0x01c0003f, 0x3f, 0);  /* L1 code */
	LEAF(&f, 4, 2, 0x00000143, 0x03c0003f, 0xfff, 0); /* L2: 4 MiB, 16 ways */
	LEAF(&f, 4, 3, 0, 0, 0, 0);
	LEAF(&f, 0x80000001, 0, 0, 0, 0, 0x00100000); /* NX */
	LEAF(&f, 0x80000008, 0, 0x2024, 0, 0, 0);
	fixture_end(&f);
}

static void test_brand(void)
{
	struct fixture f;
	char text[49] = "";

	fixture_start_model(&f, "core2");
	for (unsigned i = 0; i < 3; i++)
		leaf(&f, 0x80000002 + i, 0, (uint32_t *)(text + 16 * i));
	CHECK(!strncmp(text, "Intel(R) Core(TM)2", 18));
	fixture_end(&f);
}

static uint64_t clock_hz;

static uint64_t fixture_tsc_hz(void *opaque)
{
	(void)opaque;
	return clock_hz;
}

/* Frequencies that systems take instead of measuring them. */
static void test_clocks(void)
{
	static const struct {
		uint64_t hz;
		uint32_t denominator, numerator, crystal, mhz;
	} expected[] = {
		{1000000000, 1, 1, 1000000000, 1000},
		{2000000000, 1, 2, 1000000000, 2000},
		{2500000000, 2, 5, 1000000000, 2500},
		{2445421000, 1365, 3338, 1000000000, 2445},
		{2000250000, 2144, 4289, 999892000, 2000},
		{999999999, 1, 1, 1000000000, 1000},
	};
	struct vcpu_ops ops = fixture_ops;
	struct fixture f;

	fixture_start(&f);
	f.cpu->ops = &ops;
	LEAF(&f, 0x15, 0, 0, 0, 0, 0);
	ops.tsc_hz = fixture_tsc_hz;
	LEAF(&f, 0x15, 0, 0, 0, 0, 0);
	LEAF(&f, 0x16, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		clock_hz = expected[i].hz;
		LEAF(&f, 0x15, 0, expected[i].denominator, expected[i].numerator,
		     expected[i].crystal, 0);
		LEAF(&f, 0x16, 0, expected[i].mhz, expected[i].mhz, 100, 0);
	}
	/* Near enough, and what Linux multiplies in 32 bits fits. */
	for (clock_hz = 800000123; clock_hz < 6000000000; clock_hz += 7123457) {
		uint32_t r[4], khz = (uint32_t)(clock_hz / 1000), told;

		leaf(&f, 0x15, 0, r);
		told = r[2] / 1000 * r[1] / r[0];
		CHECK((told > khz ? told - khz : khz - told) <= khz / 1000000 + 1);
		CHECK(r[2] > 999800000 && r[2] < 1000200000);
	}
	fixture_end(&f);
}

/* What the default has to have so that Linux sees nothing to mitigate. */
static void test_default(void)
{
	struct fixture f;
	uint32_t r[4];

	fixture_start(&f);
	leaf(&f, 1, 0, r);
	CHECK_EQ(r[0] & 0x0fff0ff0, 0x000106c0); /* family 6, model 28: in-order Atom */
	leaf(&f, 7, 0, r);
	CHECK(r[3] & 1u << 29); /* IA32_ARCH_CAPABILITIES */
	CODE(&f, 0x0f, 0x32, 0xf4);
	enter_protected(&f, 0);
	f.cpu->regs[ECX] = 0x10a;
	run(&f);
	CHECK_EQ(vector_taken(&f), -1);
	/* RDCL_NO, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO. */
	CHECK_EQ(f.cpu->regs[EAX] & 0x171, 0x171);
	fixture_end(&f);
}

static void test_host(void)
{
	const struct cpu_model *m = cpu_model_find("host"), *all = cpu_model_find("qemu32");
	struct cpu_model *host = cpu_model_instantiate(m);

	CU_ASSERT_FATAL(host != NULL);
	CHECK_EQ(strlen(host->vendor), 12);
	for (unsigned i = 0; i < FEATURE_WORDS; i++)
		CHECK_EQ(host->features[i] & ~all->features[i] & ~(1u << 27), 0);
	free(host);
}

/* ---- instructions ---- */

/* Whether bytes raise #UD at CPL 0 of protected mode on this model. */
static bool undefined(const char *model, const uint8_t *bytes, unsigned size)
{
	struct fixture f;
	bool ud;

	fixture_start_model(&f, model);
	enter_protected(&f, 0);
	if (cpu_has(f.cpu, FEATURE_FXSR))
		f.cpu->cr4 |= CR4_OSFXSR;
	memset(f.ram + CODE_AT, 0xf4, 32);
	poke(&f, CODE_AT, bytes, size);
	f.cpu->regs[EBX] = f.cpu->regs[ESI] = f.cpu->regs[EDI] = DATA_AT;
	step_one(&f);
	ud = f.cpu->eip == handler(VEC_UD);
	fixture_end(&f);
	return ud;
}

/* since: the first of the chips that has it. */
static void test_first_chip(void)
{
	static const struct {
		const char *name;
		unsigned since;
		uint8_t size, bytes[8];
	} rows[] = {
		{"bswap", 0, 2, {0x0f, 0xc8}},
		{"xadd", 0, 3, {0x0f, 0xc1, 0xc0}},
		{"cmpxchg", 0, 3, {0x0f, 0xb1, 0xc0}},
		{"invlpg", 0, 3, {0x0f, 0x01, 0x3b}},
		{"wbinvd", 0, 2, {0x0f, 0x09}},
		{"cpuid", 0, 2, {0x0f, 0xa2}},
		{"mov eax,cr4", 0, 3, {0x0f, 0x20, 0xe0}},
		{"pause", 0, 2, {0xf3, 0x90}},
		{"fcos", 0, 2, {0xd9, 0xff}},
		{"rdtsc", 1, 2, {0x0f, 0x31}},
		{"rdpmc", 1, 2, {0x0f, 0x33}},
		{"cmpxchg8b", 1, 3, {0x0f, 0xc7, 0x0b}},
		{"emms", 1, 2, {0x0f, 0x77}},
		{"paddd mm", 1, 3, {0x0f, 0xfe, 0xc1}},
		{"cmovz", 2, 3, {0x0f, 0x44, 0xc1}},
		{"fcmovb", 2, 2, {0xda, 0xc1}},
		{"fcomi", 2, 2, {0xdb, 0xf1}},
		{"nop 0f 1f", 2, 3, {0x0f, 0x1f, 0xc0}},
		{"prefetcht0", 2, 3, {0x0f, 0x18, 0x0b}},
		{"fxsave", 2, 3, {0x0f, 0xae, 0x03}},
		{"addps", 3, 3, {0x0f, 0x58, 0xc1}},
		{"sfence", 3, 3, {0x0f, 0xae, 0xf8}},
		{"pshufw", 3, 4, {0x0f, 0x70, 0xc1, 0}},
		{"pmovmskb", 3, 3, {0x0f, 0xd7, 0xc1}},
		{"maskmovq", 3, 3, {0x0f, 0xf7, 0xc1}},
		{"movntq", 3, 3, {0x0f, 0xe7, 0x03}},
		{"ldmxcsr", 3, 3, {0x0f, 0xae, 0x13}},
		{"addpd", 4, 4, {0x66, 0x0f, 0x58, 0xc1}},
		{"addsd", 4, 4, {0xf2, 0x0f, 0x58, 0xc1}},
		{"paddq mm", 4, 3, {0x0f, 0xd4, 0xc1}},
		{"pmuludq mm", 4, 3, {0x0f, 0xf4, 0xc1}},
		{"movdqa", 4, 4, {0x66, 0x0f, 0x6f, 0xc1}},
		{"movnti", 4, 3, {0x0f, 0xc3, 0x03}},
		{"lfence", 4, 3, {0x0f, 0xae, 0xe8}},
		{"mfence", 4, 3, {0x0f, 0xae, 0xf0}},
		{"clflush", 4, 3, {0x0f, 0xae, 0x3b}},
		{"movsldup", 5, 4, {0xf3, 0x0f, 0x12, 0xc1}},
		{"haddps", 5, 4, {0xf2, 0x0f, 0x7c, 0xc1}},
		{"lddqu", 5, 4, {0xf2, 0x0f, 0xf0, 0x03}},
		{"fisttp", 5, 2, {0xdb, 0x0b}},
		{"pshufb mm", 5, 4, {0x0f, 0x38, 0x00, 0xc1}},
		{"palignr", 5, 6, {0x66, 0x0f, 0x3a, 0x0f, 0xc1, 3}},
		{"prefetchw", 5, 3, {0x0f, 0x0d, 0x0b}},
		{"pminsd", 6, 5, {0x66, 0x0f, 0x38, 0x39, 0xc1}},
		{"pcmpgtq", 6, 5, {0x66, 0x0f, 0x38, 0x37, 0xc1}},
		{"crc32", 6, 5, {0xf2, 0x0f, 0x38, 0xf1, 0xc1}},
		{"popcnt", 6, 4, {0xf3, 0x0f, 0xb8, 0xc1}},
		{"syscall", 7, 2, {0x0f, 0x05}},
		{"rdtscp", 7, 3, {0x0f, 0x01, 0xf9}},
		{"monitor", 7, 3, {0x0f, 0x01, 0xc8}},
		{"vmcall", 7, 3, {0x0f, 0x01, 0xc1}},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned m = 0; m <= MODELS; m++) {
			bool has = !undefined(m < MODELS ? chips[m] : "qemu32", rows[i].bytes,
					      rows[i].size);

			if (has != (m >= rows[i].since))
				fprintf(stderr, "%s on %s\n", rows[i].name,
					m < MODELS ? chips[m] : "qemu32");
			CHECK_EQ(has, m >= rows[i].since);
		}
	}
}

/* F3 BSF and F3 BSR of ECX to EAX, which was 5. */
static void count_zeros(const char *model, uint8_t opcode, uint32_t source, uint32_t result,
			uint32_t flags)
{
	const uint8_t code[] = {0xf3, 0x0f, opcode, 0xc1};
	struct fixture f;

	fixture_start_model(&f, model);
	enter_protected(&f, 0);
	poke(&f, CODE_AT, code, sizeof(code));
	f.cpu->regs[EAX] = 5;
	f.cpu->regs[ECX] = source;
	f.cpu->eflags &= ~FL_ARITH;
	step_one(&f);
	CHECK_EQ(f.cpu->regs[EAX], result);
	CHECK_EQ(f.cpu->eflags & (FL_CF | FL_ZF), flags);
	fixture_end(&f);
}

/* No #UD tells chips with TZCNT and LZCNT from those without. */
static void test_count_zeros(void)
{
	const uint8_t bsf = 0xbc, bsr = 0xbd;

	count_zeros("qemu32", bsf, 0x1001, 0, FL_ZF);
	count_zeros("qemu32", bsf, 0x80, 7, 0);
	count_zeros("qemu32", bsf, 0, 32, FL_CF);
	count_zeros("qemu32", bsr, 0x80, 24, 0);
	count_zeros("qemu32", bsr, 0, 32, FL_CF);
	count_zeros("qemu32", bsr, 0x80000000, 0, FL_ZF);
	count_zeros("core2", bsf, 0x1001, 0, 0);
	count_zeros("core2", bsf, 0, 5, FL_ZF);
	count_zeros("core2", bsr, 0x80, 7, 0);
	count_zeros("core2", bsr, 0, 5, FL_ZF);
}

/* SYSENTER is there from the Pentium II on; CS MSR 0: #GP, not #UD. */
static void test_sysenter(void)
{
	static const uint8_t enter[] = {0x0f, 0x34}, leave[] = {0x0f, 0x35};

	for (unsigned m = 0; m < MODELS; m++) {
		CHECK_EQ(undefined(chips[m], enter, 2), m < 2);
		CHECK_EQ(undefined(chips[m], leave, 2), m < 2);
	}
}

static void test_msr_access(void)
{
	static const uint8_t rdmsr[] = {0x0f, 0x32}, wrmsr[] = {0x0f, 0x30};

	for (unsigned m = 0; m < MODELS; m++) {
		CHECK_EQ(undefined(chips[m], rdmsr, 2), m < 1);
		CHECK_EQ(undefined(chips[m], wrmsr, 2), m < 1);
	}
}

/*
 * Every row's feature, taken away from the default, makes it #UD: the first
 * bytes that decode to the row are executed with and without it.
 */
static void check_row(const struct decoder *d, unsigned row, const uint8_t *bytes, unsigned size)
{
	struct cpu_model without = *cpu_model_find("qemu32");
	enum cpu_feature feature = insn_feature(&insn_table[row]);
	struct fixture f;

	if (feature == FEATURE_FPU)
		return;
	without.features[feature / 32] &= ~(1u << (feature % 32));
	memset(&f, 0, sizeof(f));
	CU_ASSERT_FATAL(physmem_create(&f.mem, MEMORY_SIZE) == 0);
	f.cpu = vcpu_create(f.mem, &without, &fixture_ops, &f);
	f.ram = physmem_ram_ptr(f.mem, 0, MEMORY_USED);
	for (unsigned v = 0; v < 256; v++)
		set_idt(&f, v, CODE0, handler(v), A_INT32);
	fill_gdt(&f);
	fill_tss(&f);
	enter_protected(&f, 0);
	f.cpu->cr4 |= CR4_OSFXSR;
	poke(&f, CODE_AT, bytes, size);
	step_one(&f);
	if (f.cpu->eip != handler(VEC_UD))
		fprintf(stderr, "%s %s is not #UD\n", insn_table[row].name,
			insn_table[row].operands);
	CHECK_EQ(f.cpu->eip, handler(VEC_UD));
	fixture_end(&f);
}

/* Bytes of one form of the row; returns how many, or 0. */
static unsigned encode_row(const struct decoder *d, unsigned row, uint8_t *bytes)
{
	static const uint8_t prefixes[] = {0, 0, 0x66, 0xf3, 0xf2}; /* enum insn_prefix */
	const struct insn_row *r = &insn_table[row];

	for (unsigned modrm = 0; modrm < 256; modrm++) {
		struct insn in;
		unsigned n = 0;

		memset(bytes, 0, INSN_MAX_LENGTH);
		if (prefixes[r->prefix])
			bytes[n++] = prefixes[r->prefix];
		if (r->map != M1)
			bytes[n++] = 0x0f;
		if (r->map == M38 || r->map == M3A)
			bytes[n++] = r->map == M38 ? 0x38 : 0x3a;
		bytes[n++] = r->opcode;
		bytes[n] = (uint8_t)modrm;
		if (decode_insn(d, bytes, INSN_MAX_LENGTH, true, &in) == DECODE_OK && in.row == row)
			return INSN_MAX_LENGTH;
	}
	return 0;
}

static void test_rows(void)
{
	struct decoder *d = decoder_create();
	uint8_t bytes[INSN_MAX_LENGTH];
	unsigned checked = 0;

	for (unsigned row = 0; row < insn_table_rows; row++) {
		unsigned size = encode_row(d, row, bytes);

		if (!size)
			fprintf(stderr, "no encoding of %s %s\n", insn_table[row].name,
				insn_table[row].operands);
		CHECK(size > 0);
		check_row(d, row, bytes, size);
		checked += insn_feature(&insn_table[row]) != FEATURE_FPU;
	}
	CHECK(checked > 300);
	decoder_destroy(d);
}

/* Bits of CR4 that a model lacks are #GP(0). */
static void test_cr4(void)
{
	static const uint32_t valid[MODELS] = {0x003, 0x15f, 0x3ff, 0x7ff, 0x7ff, 0x7ff};

	for (unsigned m = 0; m < MODELS; m++) {
		for (unsigned bit = 0; bit < 32; bit++) {
			struct fixture f;

			fixture_start_model(&f, chips[m]);
			CODE(&f, 0x0f, 0x22, 0xe0, 0xf4); /* mov cr4, eax */
			enter_protected(&f, 0);
			f.cpu->regs[EAX] = 1u << bit;
			run(&f);
			CHECK_EQ(vector_taken(&f), valid[m] >> bit & 1 ? -1 : VEC_GP);
			fixture_end(&f);
		}
	}
}

UNIT_MAIN("cpuid", {"identity", test_identity}, {"caches", test_caches}, {"brand", test_brand},
	  {"clocks", test_clocks}, {"default", test_default}, {"host", test_host},
	  {"first chip", test_first_chip},
	  {"count zeros", test_count_zeros}, {"sysenter", test_sysenter}, {"msr", test_msr_access}, {"rows", test_rows},
	  {"cr4", test_cr4})
