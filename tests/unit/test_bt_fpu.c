/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, MMX and SSE in translated code: when the host's registers may be used,
 * who raises what when they may not, and that nothing can tell such code from
 * interpreted one, the pointers to the last x87 instruction included.
 */
#include "bt/bt_internal.h"
#include "cpu_fixture.h"
#include "fpu_oracle.h"

/* config: NULL for the interpreter. */
static void start(struct fixture *f, const struct engine_config *config)
{
	fixture_start_model(f, "host");
	if (config) {
		struct engine_config verified = *config;

		verified.verify = true;
		CU_ASSERT_FATAL(bt_attach(f->cpu, &verified) == 0);
	}
	enter_protected(f, 0);
	f->cpu->cr0 |= CR0_NE | CR0_MP;
	f->cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	cpu_mode_changed(f->cpu);
	f->cpu->fx.fcw = FCW_FNINIT;
	f->cpu->fx.ftw = 0;
}

static void start_translated(struct fixture *f)
{
	start(f, &ENGINE_CONFIG_DEFAULT);
}

/* The fault came at this offset from CODE_AT. */
#define FAULT_AT(f, vector, offset)                                                                \
	do {                                                                                       \
		run(f);                                                                            \
		CHECK_EQ(vector_taken(f), vector);                                                 \
		CHECK_EQ(pushed(f, 0), CODE_AT + (offset));                                        \
	} while (0)

#define SET_TS                                                                                     \
	0x0f, 0x20, 0xc0, 0x0c, 0x08, 0x0f, 0x22, 0xc0 /* mov eax,cr0; or al,8; mov cr0,eax */
#define NEXT_BLOCK 0xeb, 0x00
#define FLD1	   0xd9, 0xe8
#define FNINIT	   0xdb, 0xe3
#define ADDPS	   0x0f, 0x58, 0xc1
#define PADDB_MMX  0x0f, 0xfc, 0xc1
#define HLT	   0xf4

/* The callee forbids what the block before the call had made ready: #NM behind it. */
static void test_forbidden_by_callee(void)
{
	struct fixture f;

	start_translated(&f);
	/* call f; fld1; hlt; f: mov cr0,ecx; ret */
	CODE(&f, FNINIT, 0xe8, 3, 0, 0, 0, FLD1, HLT, 0x0f, 0x22, 0xc1, 0xc3);
	f.cpu->regs[ECX] = f.cpu->cr0;
	for (unsigned i = 0; i < 3; i++) { /* until all is chained */
		f.cpu->eip = CODE_AT;
		run(&f);
		CHECK_EQ(f.cpu->eip, CODE_AT + 10);
	}
	f.cpu->eip = CODE_AT;
	f.cpu->regs[ECX] |= CR0_TS;
	FAULT_AT(&f, VEC_NM, 7);
	fixture_end(&f);
}

/* ---- what is native ---- */

static void test_native(void)
{
	struct fixture f;

	start_translated(&f);
	CODE(&f, FNINIT, FLD1, 0xd8, 0xc0 /* fadd st0,st0 */, ADDPS, 0x66, 0x0f, 0xef, 0xd2, 0xdf,
	     0xe0 /* fnstsw ax */, HLT);
	run(&f);
	CHECK_EQ(f.cpu->bt->n.slow_insns, 1); /* hlt */
	CHECK_EQ(f.cpu->bt->n.fpu_loads, 1);
	CHECK_EQ(f.cpu->regs[EAX] & 0xffff, 7u << FSW_TOP_SHIFT);
	CHECK_EQ(f.cpu->fx.st[0][9], 0x40);
	CHECK_EQ(f.cpu->fx.fip, CODE_AT + 4);
	CHECK_EQ(f.cpu->fx.fcs, CODE0);
	CHECK_EQ(f.cpu->fx.fop, 0x0c0);
	fixture_end(&f);
}

/* ---- #NM and #UD ---- */

static void test_ts_within_a_block(void)
{
	struct fixture f;

	start_translated(&f);
	CODE(&f, FLD1, SET_TS, FLD1, HLT);
	FAULT_AT(&f, VEC_NM, 10);
	CHECK_EQ(f.cpu->fx.ftw, 0x80);
	CHECK_EQ(f.cpu->fx.fip, CODE_AT);
	fixture_end(&f);
}

static void test_ts_between_blocks(void)
{
	struct fixture f;

	start_translated(&f);
	CODE(&f, FLD1, SET_TS, NEXT_BLOCK, ADDPS, HLT);
	FAULT_AT(&f, VEC_NM, 12);
	CHECK_EQ(f.cpu->bt->n.exit_fpu, 1);
	fixture_end(&f);
	start_translated(&f);
	CODE(&f, FLD1, SET_TS, NEXT_BLOCK, 0x90, PADDB_MMX, HLT);
	FAULT_AT(&f, VEC_NM, 13);
	fixture_end(&f);
}

static void test_em(void)
{
	struct fixture f;

	start_translated(&f);
	f.cpu->cr0 |= CR0_EM;
	CODE(&f, FLD1, HLT);
	FAULT_AT(&f, VEC_NM, 0);
	f.cpu->eip = CODE_AT + 0x20;
	poke(&f, CODE_AT + 0x20, (const uint8_t[]){ADDPS, HLT}, 4);
	FAULT_AT(&f, VEC_UD, 0x20);
	fixture_end(&f);
}

static void test_osfxsr(void)
{
	struct fixture f;

	start_translated(&f);
	/* mov eax,cr4; and ah,~2; mov cr4,eax */
	CODE(&f, ADDPS, NEXT_BLOCK, 0x0f, 0x20, 0xe0, 0x80, 0xe4, 0xfd, 0x0f, 0x22, 0xe0, FLD1,
	     PADDB_MMX, ADDPS, HLT);
	FAULT_AT(&f, VEC_UD, 19);
	fixture_end(&f);
}

/* A block that could not be run natively is, once the reason is gone. */
static void test_clts(void)
{
	struct fixture f;

	start_translated(&f);
	f.cpu->cr0 |= CR0_TS;
	CODE(&f, 0x0f, 0x06, NEXT_BLOCK, FLD1, ADDPS, HLT);
	run(&f);
	CHECK_EQ(vector_taken(&f), -1);
	CHECK_EQ(f.cpu->bt->n.fpu_loads, 1);
	CHECK_EQ(f.cpu->bt->n.steps, 0);
	fixture_end(&f);
}

/* ---- unmasked exceptions ---- */

static void test_unmasked_x87(void)
{
	struct fixture f;

	start_translated(&f);
	poke16(&f, DATA_AT, FCW_FNINIT & ~FSW_ZE);
	f.cpu->regs[EDI] = DATA_AT;
	/* fldcw [edi]; fld1; fldz; fdivp; fwait */
	CODE(&f, FNINIT, 0xd9, 0x2f, FLD1, 0xd9, 0xee, 0xde, 0xf9, 0x9b, HLT);
	FAULT_AT(&f, VEC_MF, 10);
	CHECK_EQ(f.cpu->fx.fip, CODE_AT + 8);
	fixture_end(&f);
}

/* The exception is there before its mask goes. */
static void test_unmasked_later(void)
{
	struct fixture f;

	start_translated(&f);
	poke16(&f, DATA_AT, FCW_FNINIT & ~FSW_ZE);
	f.cpu->regs[EDI] = DATA_AT;
	/* mov eax,[edi], so that FLDCW finds the page */
	CODE(&f, 0x8b, 0x07, FNINIT, FLD1, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0x2f, NEXT_BLOCK, FLD1,
	     HLT);
	FAULT_AT(&f, VEC_MF, 14);
	fixture_end(&f);
}

static void test_unmasked_mxcsr(void)
{
	struct fixture f;

	start_translated(&f);
	poke32(&f, DATA_AT, MXCSR_DEFAULT & ~(FSW_ZE << MXCSR_MASKS_SHIFT));
	f.cpu->regs[EDI] = DATA_AT;
	f.cpu->fx.xmm[0][3] = 0x40;
	CODE(&f, ADDPS, 0x0f, 0xae, 0x17 /* ldmxcsr [edi] */, 0x0f, 0x5e, 0xc1 /* divps */, HLT);
	FAULT_AT(&f, VEC_XM, 6);
	CHECK_EQ(f.cpu->fx.mxcsr & MXCSR_FLAGS, FSW_ZE | FSW_IE);
	fixture_end(&f);
}

/* FLDCW stays in translated code while everything is masked. */
static void test_fldcw(void)
{
	struct fixture f;

	start_translated(&f);
	poke16(&f, DATA_AT, 0x0f7f);
	f.cpu->regs[EDI] = DATA_AT;
	CODE(&f, 0xc7, 0x47, 0x10, 0, 0, 0, 0, FNINIT, 0xd9, 0x2f, 0xd9, 0x2f, 0xd9, 0x7f, 0x10,
	     HLT);
	run(&f);
	CHECK_EQ(peek16(&f, DATA_AT + 0x10), 0x0f7f);
	CHECK(f.cpu->bt->n.slow_insns <= 2); /* the first access to the page; HLT */
	fixture_end(&f);
}

/* Translated code has unmasked it; the instruction that waits is stepped to. */
static void test_unmasked_then_stepped(void)
{
	struct fixture f;

	start_translated(&f);
	f.cpu->cr4 = 0; /* so the second block is interpreted */
	poke16(&f, DATA_AT, FCW_FNINIT & ~FSW_ZE);
	f.cpu->regs[EDI] = DATA_AT;
	CODE(&f, 0x8b, 0x07, FNINIT, FLD1, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0x2f, NEXT_BLOCK, FLD1,
	     ADDPS, HLT);
	FAULT_AT(&f, VEC_MF, 14);
	CHECK(f.cpu->bt->n.slow_insns <= 2); /* the first access to the page; HLT */
	fixture_end(&f);
}

/* With CR0.NE clear: FERR#, then IGNNE# until the error is cleared. */
static void test_ferr(void)
{
	struct fixture f;

	start_translated(&f);
	f.cpu->cr0 &= ~CR0_NE;
	poke16(&f, DATA_AT, FCW_FNINIT & ~FSW_ZE);
	f.cpu->regs[EDI] = DATA_AT;
	/* ... fdivp; fld1; fnclex; fld1 */
	CODE(&f, FNINIT, 0xd9, 0x2f, FLD1, 0xd9, 0xee, 0xde, 0xf9, FLD1, NEXT_BLOCK, 0xdb, 0xe2,
	     FLD1, HLT);
	run(&f);
	CHECK(f.cpu->ferr);
	CHECK_EQ(f.cpu->eip, CODE_AT + 10);
	fpu_ignore_error(f.cpu);
	run(&f);
	CHECK(!f.cpu->ferr);
	CHECK_EQ(f.cpu->eip, CODE_AT + 19);
	CHECK_EQ(f.cpu->fx.fsw & (FSW_EXCEPTIONS | FSW_ES), 0);
	fixture_end(&f);
}

/* ---- state ---- */

/* Ports give the host's registers back. */
static void test_port(void)
{
	struct fixture f;

	start_translated(&f);
	CODE(&f, FLD1, 0x0f, 0x28, 0xc8 /* movaps xmm1,xmm0 */, 0xe6, 0x80, FLD1, ADDPS, 0xd8,
	     0xc1 /* fadd st0,st1 */, HLT);
	f.cpu->fx.xmm[0][3] = 0x40; /* 2.0 */
	run(&f);
	CHECK_EQ(f.writes, 1);
	CHECK_EQ(f.cpu->fx.st[0][9], 0x40);
	CHECK_EQ(f.cpu->fx.st[1][9], 0x3f);
	CHECK_EQ(f.cpu->fx.xmm[0][3], 0x40);
	CHECK_EQ(f.cpu->fx.xmm[0][2], 0x80); /* 4.0 */
	CHECK_EQ(f.cpu->fx.fip, CODE_AT + 12);
	fixture_end(&f);
}

/* Pointers when an instruction in the middle of a block faults. */
static void test_pointers_at_fault(void)
{
	struct fixture f;

	start_translated(&f);
	load_descriptor(&f, &f.cpu->seg[ES], READ_ONLY);
	f.cpu->regs[EDI] = DATA_AT;
	/* fld dword [edi+4]; fld1; mov eax,es:[edi] beyond its limit */
	CODE(&f, 0xd9, 0x47, 0x04, FLD1, 0x26, 0x8b, 0x07, FLD1, HLT);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK_EQ(f.cpu->fx.fip, CODE_AT + 3);
	CHECK_EQ(f.cpu->fx.fop, 0x1e8);
	CHECK_EQ(f.cpu->fx.fcs, CODE0);
	CHECK_EQ(f.cpu->fx.fdp, DATA_AT + 4);
	CHECK_EQ(f.cpu->fx.fds, DATA0);
	fixture_end(&f);
}

/* With 16-bit addresses the pointer has 16 bits. */
static void test_pointer_to_short_address(void)
{
	struct fixture f;

	start_translated(&f);
	f.cpu->regs[EBX] = 0xabcd7000;
	/* mov eax,[bx+4], so that the page is known; fld dword [bx+4] */
	CODE(&f, 0x67, 0x8b, 0x47, 0x04, 0x67, 0xd9, 0x47, 0x04, HLT);
	run(&f);
	CHECK_EQ(f.cpu->fx.fdp, 0x7004);
	CHECK(f.cpu->bt->n.slow_insns <= 2); /* the first access to the page; HLT */
	fixture_end(&f);
}

/* The end of a block that is as long as blocks may be. */
static void test_pointers_of_long_block(void)
{
	uint8_t code[2 * TB_MAX_INSNS + 1];
	struct fixture f;

	start_translated(&f);
	for (unsigned i = 0; i < TB_MAX_INSNS; i++)
		memcpy(code + 2 * i, (const uint8_t[]){FLD1}, 2);
	code[2 * TB_MAX_INSNS] = HLT;
	poke(&f, CODE_AT, code, sizeof(code));
	run(&f);
	CHECK_EQ(f.cpu->fx.fip, CODE_AT + 2 * (TB_MAX_INSNS - 1));
	CHECK_EQ(f.cpu->fx.fop, 0x1e8);
	fixture_end(&f);
}

/* A store to code of a page that has been read before. */
static void test_store_to_code(void)
{
	struct fixture f;

	start_translated(&f);
	memset(f.cpu->fx.xmm[0], 0x40, 4); /* inc eax */
	/* mov eax,[esi]; movd [esi],xmm0 */
	CODE(&f, 0x8b, 0x06, 0x66, 0x0f, 0x7e, 0x06, NEXT_BLOCK, 0x90, 0x90, 0x90, 0x90, HLT);
	f.cpu->regs[ESI] = DATA_AT;
	run(&f);
	f.cpu->eip = CODE_AT;
	f.cpu->regs[ESI] = CODE_AT + 8;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x90909094);
	fixture_end(&f);
}

/* ---- against the interpreter ---- */

#define PROGRAMS     3000
#define INSNS	     30
#define ROUNDS_AT    (DATA_AT + 0x3000)
#define CHANGED_AREA 0x1000u

struct program {
	uint8_t bytes[1024];
	unsigned length;
};

static void add(struct program *p, const void *bytes, unsigned length)
{
	memcpy(p->bytes + p->length, bytes, length);
	p->length += length;
}
#define ADD(p, ...) add(p, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool is_fpu(const struct insn_row *row)
{
	return row->class == X87 || row->class == MMX || row->class == SSE ||
	       !strcmp(row->name, "popcnt") || !strcmp(row->name, "crc32") ||
	       !strcmp(row->name, "movnti");
}

/* Rows that bring in anything may unmask exceptions: rarely. */
static bool too_often(const struct insn_row *row, uint64_t r)
{
	static const char *const rare[] = {"fldenv", "frstor", "fxrstor", "ldmxcsr", "fldcw"};

	for (unsigned i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		if (!strcmp(row->name, rare[i]))
			return r & 7;
	return false;
}

static void add_row(struct program *p, uint64_t *seed)
{
	const struct insn_row *row;
	uint64_t r;
	bool memory;

	do {
		row = &insn_table[unit_random(seed) % insn_table_rows];
		r = unit_random(seed);
	} while (!is_fpu(row) || too_often(row, r));
	r >>= 3;
	memory = row->mod == MEM || (row->mod == BOTH && r & 1);
	r >>= 1;
	if (memory && r % 64 == 0) /* ES: faults */
		ADD(p, 0x26);
	r >>= 6;
	p->length +=
	    row_bytes(row, row_modrm(row, memory, r), (uint8_t)(r >> 8), p->bytes + p->length);
}

static void add_other(struct program *p, uint64_t *seed)
{
	switch (unit_random(seed) % 12) {
	case 0: /* another selector, the same segment */
		ADD(p, 0x66, 0xb8, DATA0, 0, 0x8e, 0xd8);
		break;
	case 1:
		ADD(p, 0x66, 0xb8, DATA3, 0, 0x8e, 0xd8);
		break;
	case 2:
		ADD(p, 0xe6, 0x80);
		break;
	case 3:
	case 4:
		ADD(p, NEXT_BLOCK);
		break;
	case 5:
		if (unit_random(seed) % 16 == 0)
			ADD(p, SET_TS);
		break;
	case 6:
		ADD(p, 0x0f, 0x06); /* clts */
		break;
	case 7:
		ADD(p, 0x81, 0xf7, 0x10, 0, 0, 0); /* xor edi,10h */
		break;
	case 8:
		if (unit_random(seed) % 4 == 0)
			ADD(p, 0x81, 0xf7, 0x04, 0, 0, 0); /* not aligned any more, or again */
		break;
	case 9:
		ADD(p, 0x89, 0x87, 0, 1, 0, 0); /* mov [edi+100h],eax */
		break;
	default:
		ADD(p, 0x01, 0xc1, 0x31, 0xf2); /* add ecx,eax; xor edx,esi */
	}
}

/* Two rounds, then HLT. */
static void make_program(struct program *p, uint64_t *seed)
{
	uint32_t back;

	p->length = 0;
	for (unsigned i = 0; i < INSNS; i++)
		if (unit_random(seed) & 3)
			add_row(p, seed);
		else
			add_other(p, seed);
	ADD(p, 0x36, 0xff, 0x0d, ROUNDS_AT & 0xff, ROUNDS_AT >> 8 & 0xff, ROUNDS_AT >> 16, 0);
	back = 0u - (p->length + 6);
	ADD(p, 0x0f, 0x85, back & 0xff, back >> 8 & 0xff, 0xff, 0xff);
	ADD(p, HLT);
}

struct snapshot {
	struct fxsave_image fx;
	uint32_t regs[8], eip, eflags, cr0;
	bool ferr;
	uint8_t data[CHANGED_AREA];
};

static void random_start(struct snapshot *s, uint64_t *seed)
{
	memset(s, 0, sizeof(*s));
	s->fx.fcw = FCW_FNINIT;
	if (unit_random(seed) % 4 == 0)
		s->fx.fcw &= (uint16_t)(~FCW_MASKS | unit_random(seed));
	s->fx.mxcsr = MXCSR_DEFAULT;
	if (unit_random(seed) % 16 == 0)
		s->fx.mxcsr &= ~(FSW_ZE << MXCSR_MASKS_SHIFT);
	s->fx.ftw = (uint8_t)unit_random(seed);
	s->fx.fsw = (uint16_t)(unit_random(seed) & FSW_TOP);
	for (unsigned i = 0; i < 8; i++) {
		random_x87(seed, s->fx.st[i]);
		random_vector(seed, s->fx.xmm[i]);
		s->regs[i] = (uint32_t)unit_random(seed);
	}
	for (unsigned i = 0; i < sizeof(s->data); i += 16)
		random_vector(seed, s->data + i);
	/* What FLDCW, LDMXCSR and so on find is masked, mostly. */
	for (unsigned i = 0; i < 0x20 && unit_random(seed) & 7; i += 4)
		memcpy(s->data + i, (const uint8_t[]){0xff, 0x1f, 0, 0}, 4);
	s->regs[EDI] = DATA_AT;
	s->regs[ESP] = STACK0_TOP;
	s->eflags = FL_1 | (unit_random(seed) & FL_ARITH);
	s->cr0 = CR0_PE | CR0_ET | CR0_MP | (unit_random(seed) & 7 ? CR0_NE : 0);
}

static void run_program(struct fixture *f, const struct program *p, const struct snapshot *from,
			struct snapshot *to)
{
	struct vcpu *cpu = f->cpu;

	enter_protected(f, 0);
	load_descriptor(f, &cpu->seg[ES], READ_ONLY);
	cpu->cr0 = from->cr0;
	cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	cpu_mode_changed(cpu);
	memcpy(&cpu->fx, &from->fx, sizeof(cpu->fx));
	memcpy(cpu->regs, from->regs, sizeof(from->regs));
	cpu->eflags = from->eflags;
	cpu->eip = CODE_AT;
	poke(f, CODE_AT, p->bytes, p->length);
	poke(f, DATA_AT, from->data, sizeof(from->data));
	poke32(f, ROUNDS_AT, 2);
	cpu->ferr = cpu->ignne = false;
	run(f);
	if (cpu->ferr) { /* as the handler of IRQ 13 does */
		fpu_ignore_error(cpu);
		run(f);
	}
	fpu_leave(cpu);
	memset(to, 0, sizeof(*to));
	to->fx = cpu->fx;
	memcpy(to->regs, cpu->regs, sizeof(to->regs));
	to->eip = cpu->eip;
	to->eflags = cpu->eflags;
	to->cr0 = cpu->cr0;
	to->ferr = cpu->ferr;
	memcpy(to->data, f->ram + DATA_AT, sizeof(to->data));
}

static void show_difference(const struct program *p, const struct snapshot *a,
			    const struct snapshot *b)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

	for (unsigned i = 0; i < p->length; i++)
		fprintf(stderr, "%02x ", p->bytes[i]);
	fprintf(stderr, "\n  eip %x %x\n", a->eip, b->eip);
	for (unsigned i = 0, n = 0; i < sizeof(*a) && n < 16; i++)
		if (x[i] != y[i] && ++n)
			fprintf(stderr, "  at %#x: %02x, translated %02x\n", i, x[i], y[i]);
}

/* Runs the same programs; exact: the fuel has to agree too. */
static void compare_engines(const struct engine_config *config, bool exact)
{
	struct fixture interpreted, translated;
	struct snapshot from, a, b;
	struct program p;
	uint64_t seed = 5;
	unsigned bad = 0;

	start(&interpreted, NULL);
	start(&translated, config);
	for (unsigned n = 0; n < PROGRAMS && bad < 3; n++) {
		make_program(&p, &seed);
		random_start(&from, &seed);
		run_program(&interpreted, &p, &from, &a);
		for (unsigned again = 0; again < 2; again++) {
			run_program(&translated, &p, &from, &b);
			if (!memcmp(&a, &b, sizeof(a)) &&
			    (!exact || interpreted.cpu->fuel == translated.cpu->fuel))
				continue;
			fprintf(stderr, "program %u, run %u\n", n, again);
			show_difference(&p, &a, &b);
			bad++;
			break;
		}
	}
	CHECK_EQ(bad, 0);
	CHECK(translated.cpu->bt->n.fpu_loads > PROGRAMS);
	fixture_end(&interpreted);
	fixture_end(&translated);
}

static void test_against_interpreter(void)
{
	compare_engines(&ENGINE_CONFIG_DEFAULT, false);
}

static void test_without_windows(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	config.windows = false;
	compare_engines(&config, false);
}

static void test_exact_fuel(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	config.exact_fuel = true;
	compare_engines(&config, true);
}

static void test_cache_full(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	config.inject = INJECT_CACHE_FULL;
	compare_engines(&config, false);
}

UNIT_MAIN("bt_fpu", {"forbidden by a callee", test_forbidden_by_callee},
	  {"native", test_native}, {"TS within a block", test_ts_within_a_block},
	  {"TS between blocks", test_ts_between_blocks}, {"EM", test_em}, {"OSFXSR", test_osfxsr},
	  {"CLTS", test_clts}, {"unmasked x87", test_unmasked_x87},
	  {"unmasked with an exception pending", test_unmasked_later},
	  {"unmasked MXCSR", test_unmasked_mxcsr}, {"FLDCW", test_fldcw},
	  {"unmasked, then stepped", test_unmasked_then_stepped}, {"FERR#", test_ferr},
	  {"port", test_port}, {"pointers at a fault", test_pointers_at_fault},
	  {"pointer to a short address", test_pointer_to_short_address},
	  {"pointers of a long block", test_pointers_of_long_block},
	  {"store to code", test_store_to_code},
	  {"against the interpreter", test_against_interpreter},
	  {"without windows", test_without_windows}, {"exact fuel", test_exact_fuel},
	  {"cache full", test_cache_full})
