/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier of emitted code: what the translator makes passes; code that
 * breaks a rule, made by hand, is refused for the right reason. And the dump.
 */
#include <stdlib.h>

#include "bt/inspect.h"
#include "cpu_fixture.h"

enum { PLAIN_SETTING, EXACT_FUEL, WINDOWS, SETTINGS };

static void start(struct fixture *f, unsigned setting)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start(f);
	config.cache_kib = 1024;
	config.exact_fuel = setting == EXACT_FUEL;
	config.windows = setting == WINDOWS;
	CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
}

static struct tb *block(struct fixture *f)
{
	gpa_t gpa = CODE_AT;

	return translate(f->cpu, physmem_lookup(f->mem, gpa).host, gpa, CODE_AT, bt_mode(f->cpu),
			 0);
}

static void expect_clean(struct fixture *f)
{
	struct tb *tb = block(f);
	uint32_t at;
	const char *reason = verify_code(f->cpu->bt, tb, &at);

	CHECK(!reason);
	if (reason) {
		fprintf(stderr, "%s\n", reason);
		dump_block(f->cpu->bt, tb, at, stderr);
	}
	check_structures(f->cpu);
}

/* ---- what the translator makes ---- */
static void test_stubs(void)
{
	struct fixture f;
	struct stub s;
	uint32_t at;

	start(&f, PLAIN_SETTING);
	for (unsigned n = 0; stub_nth(f.cpu->bt, n, &s); n++) {
		const char *reason = verify_stub(f.cpu->bt, &s, &at);

		CHECK(!reason);
		if (reason)
			fprintf(stderr, "stub at %x: %s\n", s.begin, reason);
	}
	fixture_end(&f);
}

static void test_memory_and_jumps(void)
{
	for (unsigned setting = 0; setting < SETTINGS; setting++) {
		struct fixture f;

		start(&f, setting);
		enter_protected(&f, 0);
		/*
		 * l: mov eax,[ebx+8]; add [ecx],dh; push eax; pop [edi]; div ecx;
		 * sti; cli; xchg cl,[esi]; movsd; cmpsb; jne l
		 */
		CODE(&f, 0x8b, 0x43, 0x08, 0x00, 0x31, 0x50, 0x8f, 0x07, 0xf7, 0xf1, 0xfb, 0xfa,
		     0x86, 0x0e, 0xa5, 0xa6, 0x75, 0xee);
		expect_clean(&f);
		fixture_end(&f);
	}
}

/* Loops within an instruction, with x87 pointers to be written before it. */
static void test_repeated(void)
{
	for (unsigned setting = 0; setting < SETTINGS; setting++) {
		struct fixture f;

		start(&f, setting);
		enter_protected(&f, 0);
		/* fld1; rep movsb; fstp [esi]; rep stosd; pushf; popf; mov ds,ax; pop es; bts [ebx],eax */
		CODE(&f, 0xd9, 0xe8, 0xf3, 0xa4, 0xdd, 0x1e, 0xf3, 0xab, 0x9c, 0x9d, 0x8e, 0xd8,
		     0x07, 0x0f, 0xab, 0x03, 0xf4);
		expect_clean(&f);
		/* fld1; repne scasb; fstp [esi]; repe cmpsd; repe scasw; repne cmpsb */
		CODE(&f, 0xd9, 0xe8, 0xf2, 0xae, 0xdd, 0x1e, 0xf3, 0xa7, 0x66, 0xf3, 0xaf, 0xf2,
		     0xa6, 0xf4);
		expect_clean(&f);
		fixture_end(&f);
	}
}

static void test_transfers(void)
{
	static const uint8_t codes[][4] = {
		{0xc3},			/* ret */
		{0xc2, 0x08, 0x00},	/* ret 8 */
		{0xff, 0xd0},		/* call eax */
		{0xff, 0x24, 0x98},	/* jmp [eax+ebx*4] */
		{0xe2, 0xfe},		/* loop $ */
		{0xe3, 0x02},		/* jecxz */
		{0xcd, 0x80},		/* int 80h: interpreted */
		{0x66, 0x90, 0xeb, 0xfc}, /* nop; jmp back to it */
	};

	for (size_t i = 0; i < SETTINGS * sizeof(codes) / sizeof(codes[0]); i++) {
		struct fixture f;

		start(&f, i % SETTINGS);
		enter_protected(&f, i & 1 ? 3 : 0);
		poke(&f, CODE_AT, codes[i / SETTINGS], sizeof(codes[0]));
		expect_clean(&f);
		fixture_end(&f);
	}
}

static void test_checked_segments(void)
{
	struct fixture f;

	start(&f, PLAIN_SETTING);
	enter_real(&f);
	/* mov ax,[bx+si]; es: mov [di],dx; push ax; pop bx; call; */
	CODE(&f, 0x8b, 0x00, 0x26, 0x89, 0x15, 0x50, 0x5b, 0xe8, 0x10, 0x00);
	f.cpu->eip = 0;
	expect_clean(&f);
	fixture_end(&f);
}

/* Also when exits have been chained: a loop that runs. */
static void test_chained(void)
{
	struct fixture f;

	start(&f, PLAIN_SETTING);
	enter_protected(&f, 0);
	/* mov ecx,100; l: nop; dec ecx; jnz l; hlt */
	CODE(&f, 0xb9, 100, 0, 0, 0, 0x90, 0x49, 0x75, 0xfc, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK(f.cpu->bt->n.chains > 0);
	bt_check(f.cpu);
	fixture_end(&f);
}

/* A guest's number that happens to be that of an exit is a number. */
static void test_exit_number(void)
{
	struct fixture f;
	uint32_t id;

	start(&f, PLAIN_SETTING);
	enter_protected(&f, 0);
	/* mov eax,0; jmp CODE_AT+0x40 */
	CODE(&f, 0xb8, 0, 0, 0, 0, 0xeb, 0x39);
	id = exit_id(f.cpu->bt, &tb_exits(block(&f))[0]);
	cache_flush(f.cpu); /* the same block will be in the same place */
	memcpy(f.ram + CODE_AT + 1, &id, sizeof(id));
	expect_clean(&f);
	fixture_end(&f);
}

/* ---- bad code ---- */
#define BAD_AT (512u << 10) /* in the cache */

/* A block of one guest instruction with this code. */
static const char *judge(struct fixture *f, const uint8_t *code, unsigned size, uint32_t mode)
{
	union {
		struct tb tb;
		uint8_t room[sizeof(struct tb) + sizeof(struct tb_insn)];
	} b = {.tb = {.code = f->ram + CODE_AT, .eip = CODE_AT, .bytes = 1, .count = 1,
		      .host = BAD_AT, .host_size = size, .mode = mode}};
	uint32_t at;

	memcpy(cache_rw(f->cpu->bt, BAD_AT), code, size);
	return verify_code(f->cpu->bt, &b.tb, &at);
}

static void expect(const char *name, const char *got, const char *part)
{
	bool right = part ? got && strstr(got, part) : !got;

	CHECK(right);
	if (!right)
		fprintf(stderr, "%s: %s, not %s\n", name, got ? got : "accepted",
			part ? part : "accepted");
}

#define SLOW 0xf0 /* after E8 or E9: to the stub, to be filled in */
#define SOFT 0xf1
#define LEAVE 0xf2
#define CHECKED 0xf3
#define EXIT 0xf4
#define MISSED 0xf5
#define BLOCK 0xf6 /* two bytes into another block */

static uint32_t place(const struct fixture *f, const struct tb *other, uint8_t which)
{
	const struct stubs *s = &f->cpu->bt->stubs;

	switch (which) {
	case SLOW:
		return s->slow;
	case SOFT:
		return s->soft[0][0][SOFT_4];
	case LEAVE:
		return s->leave;
	case EXIT:
		return s->exit;
	case MISSED:
		return s->missed;
	case CHECKED:
		return s->check[DS][0][SOFT_4];
	default:
		return other->host + 3;
	}
}

/* Puts the displacements in: E8 or E9, which, 0, 0, 0. */
static void link_code(const struct fixture *f, const struct tb *other, uint8_t *code, unsigned size)
{
	for (unsigned i = 0; i + 5 <= size; i++) {
		uint32_t rel;

		static const uint8_t zeros[3];

		if ((code[i] & 0xfe) != 0xe8 || code[i + 1] < SLOW || code[i + 1] > BLOCK ||
		    memcmp(code + i + 2, zeros, 3))
			continue;
		rel = place(f, other, code[i + 1]) - (BAD_AT + i + 5);
		memcpy(code + i + 1, &rel, 4);
	}
}

#define CALL(which) 0xe8, which, 0, 0, 0
#define JMP(which) 0xe9, which, 0, 0, 0
#define END CALL(SLOW)
#define WINDOW_LOAD 0x41, 0x8b, 0x04, 0x1c /* mov eax,[r12+rbx] */
#define TABLES 0x4d, 0x8b, 0xae, FIELD(bt_tables)
#define FIELD(f) (uint8_t)offsetof(struct vcpu, f), (uint8_t)(offsetof(struct vcpu, f) >> 8),  \
	(uint8_t)(offsetof(struct vcpu, f) >> 16), 0

struct bad {
	const char *name, *reason; /* NULL: it is good */
	uint8_t size;
	uint8_t code[32];
};
#define BAD(name, reason, ...)                                                                     \
	{name, reason, sizeof((uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}}

/* mov r9,rcx; movzx ecx,r9w */
#define COUNT 0x49, 0x89, 0xc9, 0x41, 0x0f, 0xb7, 0xc9
/* lea rsi,[r12+rsi]; lea rdi,[r12+rdi]; mov esi,r10d; mov edi,r11d */
#define SOURCE 0x49, 0x8d, 0x34, 0x34
#define TARGET 0x49, 0x8d, 0x3c, 0x3c
#define TAKE_BACK 0x44, 0x89, 0xd6, 0x44, 0x89, 0xdf

static const struct bad memory_rules[] = {
	BAD("window", NULL, WINDOW_LOAD, 0xeb, 0xfa),
	BAD("window: absolute", NULL, 0x41, 0x8b, 0x84, 0x24, 0xff, 0xff, 0xff, 0x7f, 0xeb,
	    0xf6),
	BAD("window: below", "beyond the window", 0x41, 0x8b, 0x44, 0x24, 0xff, END),
	BAD("window: last below", NULL, 0x41, 0x8b, 0x84, 0x1c, 0, 0, 0, 0xff, 0xeb, 0xf6),
	BAD("window: too far below", "beyond the window", 0x41, 0x8b, 0x84, 0x1c, 0xff, 0xff, 0xff,
	    0xfe, END),
	BAD("window: scaled", "beyond the window", 0x41, 0x8b, 0x04, 0x5c, END),
	BAD("window: any index", "beyond the window", 0x43, 0x8b, 0x04, 0x04, END),
	/* lea r8d,[rbx+rcx]; mov eax,[r12+r8]; the same of 64 bits */
	BAD("window: computed", NULL, 0x44, 0x8d, 0x04, 0x0b, 0x43, 0x8b, 0x04, 0x04, 0xeb,
	    0xf6),
	BAD("window: not cut", "beyond the window", 0x4c, 0x8d, 0x04, 0x0b, 0x43, 0x8b, 0x04, 0x04,
	    END),
	BAD("window: vcpu as index", "beyond the window", 0x43, 0x8b, 0x04, 0x34, END),
	BAD("gs:[rbx]", "FS: or GS:", 0x65, 0x8b, 0x03, END),
	BAD("fs:[ebx]", "FS: or GS:", 0x64, 0x67, 0x8b, 0x03, END),
	BAD("[rbx]", "not confined", 0x8b, 0x03, END),
	BAD("[ebx]", "32-bit address", 0x67, 0x8b, 0x03, END),
	BAD("[rip]", "relative to RIP", 0x8b, 0x05, 0, 0, 0, 0, END),
	BAD("[addr32]", "not confined", 0x8b, 0x04, 0x25, 0, 0, 0, 0, END),
	BAD("[rsp]", "host's stack", 0x8b, 0x04, 0x24, END),
	BAD("[r13]", "not confined", 0x41, 0x8b, 0x45, 0x00, END),
	BAD("bts [r12+rbx],eax", "bit offset", 0x41, 0x0f, 0xab, 0x04, 0x1c, END),
	BAD("r14: read", NULL, 0x45, 0x8b, 0x46, 0x08, END),
	BAD("r14: below", "beyond struct vcpu", 0x45, 0x8b, 0x46, 0xf8, END),
	BAD("r14: above", "beyond struct vcpu", 0x45, 0x8b, 0x86, 0, 0, 0, 0x10, END),
	BAD("r14: index", "with an index", 0x47, 0x8b, 0x04, 0x0e, END),
	BAD("r14: write of regs", "enter's", 0x45, 0x89, 0x46, 0x08, END),
	BAD("r14: write of seg", "enter's, leave's and slow's", 0x45, 0x89, 0x86, FIELD(seg[DS].base),
	    END),
	BAD("r14: write of eip", NULL, 0x45, 0x89, 0x86, FIELD(eip), END),
	BAD("r14: write beside", "not emitted code's", 0x4d, 0x89, 0x86, FIELD(eflags), END),
	/* mov r13,[r14+bt_tables]; movzx r9d,r8w; mov r10,[r13+r9*8] */
	BAD("table", NULL, TABLES, 0x45, 0x0f, 0xb7, 0xc8, 0x4f, 0x8b, 0x54, 0xcd, 0, END),
	BAD("table: not there", "not confined", 0x45, 0x0f, 0xb7, 0xc8, 0x4f, 0x8b, 0x54, 0xcd, 0,
	    END),
	BAD("table: moved", "not confined", TABLES, 0x49, 0xff, 0xc5, 0x45, 0x0f, 0xb7, 0xc8, 0x4f,
	    0x8b, 0x54, 0xcd, 0, END),
	BAD("table: no bound", "not bounded", TABLES, 0x4f, 0x8b, 0x54, 0xcd, 0, END),
	BAD("table: 32 bits", "not bounded", TABLES, 0x45, 0x8b, 0xc8, 0x4f, 0x8b, 0x54, 0xcd, 0,
	    END),
	BAD("table: a guest register", "not bounded", TABLES, 0x4d, 0x8b, 0x54, 0xcd, 0, END),
	BAD("table: write", "writes a table", TABLES, 0x45, 0x0f, 0xb7, 0xc8, 0x4f, 0x89, 0x54,
	    0xcd, 0, END),
	BAD("table: below", "beyond the table", TABLES, 0x45, 0x0f, 0xb7, 0xc8, 0x4f, 0x8b, 0x54,
	    0xcd, 0xf8, END),
	BAD("table: bound lost", "not bounded", TABLES, 0x45, 0x0f, 0xb7, 0xc8, 0x41, 0xff, 0xc1,
	    0x4f, 0x8b, 0x54, 0xcd, 0, END),
	/* lea r8d,[rbx]; call soft; mov eax,[r8+r9] */
	BAD("soft", NULL, 0x44, 0x8d, 0x03, CALL(SOFT), 0x43, 0x8b, 0x04, 0x08, 0xeb, 0xf2),
	BAD("soft: not asked", "software TLB has found", 0x43, 0x8b, 0x04, 0x08, END),
	BAD("soft: write", "for to read", 0x44, 0x8d, 0x03, CALL(SOFT), 0x43, 0x89, 0x04, 0x08,
	    END),
	BAD("soft: 8 bytes", "more bytes", 0x44, 0x8d, 0x03, CALL(SOFT), 0x4f, 0x8b, 0x14, 0x08,
	    END),
	BAD("soft: displacement", "displacement", 0x44, 0x8d, 0x03, CALL(SOFT), 0x43, 0x8b, 0x44,
	    0x08, 1, END),
	BAD("soft: r8 changed", "software TLB has found", 0x44, 0x8d, 0x03, CALL(SOFT), 0x41,
	    0xff, 0xc0, 0x43, 0x8b, 0x04, 0x08, END),
	BAD("soft: after check", "software TLB has found", 0x44, 0x8d, 0x03, CALL(CHECKED), 0x43,
	    0x8b, 0x04, 0x08, END),
	BAD("soft: a 64-bit address", "no linear address", 0x4c, 0x8d, 0x03, CALL(SOFT), END),
	BAD("[r8]", "not the poll load's", 0x4d, 0x8b, 0x00, END),
	BAD("movsb", "a string instruction", 0xa4, END),
	BAD("repne scasb", "a string instruction", 0xf2, 0xae, END),
	BAD("rep movsd", NULL, COUNT, SOURCE, TARGET, 0xf3, 0xa5, TAKE_BACK, 0xeb, 0xe7),
	BAD("rep stosb", NULL, COUNT, TARGET, 0xf3, 0xaa, 0x44, 0x89, 0xdf, 0xeb, 0xee),
	BAD("rep movsq", "a string instruction", COUNT, SOURCE, TARGET, 0xf3, 0x48, 0xa5, END),
	BAD("rep: any count", "not bounded", 0x49, 0x89, 0xc9, 0x44, 0x89, 0xc9, SOURCE, TARGET,
	    0xf3, 0xa5, TAKE_BACK, END),
	BAD("rep: no source", "not in the window", COUNT, TARGET, 0xf3, 0xa5, TAKE_BACK, END),
	BAD("rep: no target", "not in the window", COUNT, SOURCE, 0xf3, 0xa5, TAKE_BACK, END),
	BAD("rep: not taken back", "is lent", COUNT, TARGET, 0xf3, 0xaa, 0xeb, 0xf1),
	BAD("rep: twice", "not in the window", COUNT, TARGET, 0xf3, 0xaa, 0xf3, 0xaa, END),
	BAD("rep: beyond", "not been saved", COUNT, 0x49, 0x8d, 0x7c, 0x3c, 1, 0xf3, 0xaa, END),
	BAD("rep: flags", "something has been done", 0x85, 0xc0, COUNT, TARGET, 0xf3, 0xaa, END),
	BAD("xlat", "implicit memory", 0xd7, END),
	BAD("push", "no business", 0x50, END),
	BAD("pop", "no business", 0x58, END),
	BAD("enter", "implicit memory", 0xc8, 8, 0, 0, END),
	BAD("leave", "implicit memory", 0xc9, END),
	BAD("maskmovq", "implicit memory", 0x0f, 0xf7, 0xc1, END),
};

static const struct bad transfer_rules[] = {
	BAD("slow", NULL, END),
	BAD("into a block", "middle of a block", JMP(BLOCK)),
	BAD("leave", "without EIP", JMP(LEAVE)),
	/* mov [r14+eip],r8d */
	BAD("leave with EIP", NULL, 0x45, 0x89, 0x86, FIELD(eip), JMP(LEAVE)),
	/* mov r11d,1 */
	BAD("exit: r11", "R11", 0x41, 0xbb, 1, 0, 0, 0, JMP(EXIT)),
	BAD("exit: 0", "R11", 0x41, 0xbb, 0, 0, 0, 0, JMP(EXIT)),
	/* mov r8d,eax; or lea r8,[rax+rax] */
	BAD("missed", NULL, 0x41, 0x89, 0xc0, JMP(MISSED)),
	BAD("missed: r8", "without an EIP", 0x4c, 0x8d, 0x04, 0x00, JMP(MISSED)),
	BAD("call leave", "that is not called", CALL(LEAVE)),
	BAD("nowhere", "neither a block nor a stub", 0xe9, 0, 0, 0, 0x70),
	BAD("call nowhere", "neither a block nor a stub", 0xe8, 0, 0, 0, 0x70),
	BAD("call exit", NULL, 0xe8, 4, 0, 0, 0, 0x41, 0x89, 0xc0, 0xc3, END),
	BAD("jmp rax", "not the jump cache's", 0xff, 0xe0),
	BAD("jmp [r14]", "not the jump cache's", 0x41, 0xff, 0x26),
	BAD("jmp [jc_tag]", "not the jump cache's", TABLES, 0x45, 0x0f, 0xb7, 0xc8, 0x43, 0xff,
	    0x64, 0xcd, 0),
	BAD("call rax", "an indirect call", 0xff, 0xd0),
	BAD("ret", "RET without an EIP", 0xc3),
	/* mov r8,[r14+bt_rsp]; mov r8d,eax */
	BAD("ret far", "RET without an EIP", 0x4d, 0x8b, 0x86, FIELD(bt_rsp), 0xc3),
	BAD("ret eax", NULL, 0x41, 0x89, 0xc0, 0xc3),
	BAD("after a call", "RET without an EIP", 0xe8, 0, 0, 0, 0, 0x4d, 0x89, 0xf0, 0xc3),
	BAD("back to the start", NULL, 0x90, 0xeb, 0xfd),
	BAD("backwards", "jump backwards", 0x90, 0x90, 0xeb, 0xfd),
	BAD("into an instruction", "middle of an instruction", 0x74, 0x01, 0x41, 0x8b, 0xc0, END),
	BAD("no end", "behind its end", 0x90),
	BAD("cut off", "no instruction", 0x90, 0xe9, 0x00),
	BAD("dead code", "nothing leads to", 0xeb, 0x01, 0x90, 0x90, END),
};

static const struct bad state_rules[] = {
	BAD("r12", "R12 or R14", 0x4d, 0x8b, 0xe0, END),
	BAD("r14", "R12 or R14", 0x45, 0x31, 0xf6, END),
	BAD("rsp", "writes RSP", 0x48, 0x8d, 0x64, 0x24, 0x08, END),
	BAD("esp by xchg", "writes RSP", 0x94, END),
	BAD("inc rcx", "has not been saved", 0x48, 0xff, 0xc1, END),
	BAD("cqo", "has not been saved", 0x48, 0x99, END),
	BAD("mov r15,r8", "has not been saved", 0x4d, 0x89, 0xc7, END),
	/* mov r10,rcx; mov rcx,r8; mov rcx,r10 */
	BAD("lent", NULL, 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, 0x4c, 0x89, 0xd1, END),
	BAD("not given back", "is lent", 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, END),
	BAD("another given back", "is lent", 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, 0x4c, 0x89, 0xd9,
	    END),
	BAD("copy lost", "has not been saved", 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, 0x45, 0x31,
	    0xd2, 0x4c, 0x89, 0xd1, END),
	BAD("lent on one way", "is lent", 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, 0xe3, 0x03, 0x4c,
	    0x89, 0xd1, END),
	BAD("lent at an access", "is lent", 0x49, 0x89, 0xca, 0x4c, 0x89, 0xc1, WINDOW_LOAD, 0x4c, 0x89, 0xd1, END),
	BAD("fault after a register", "part of the guest instruction", 0xff, 0xc0,
	    WINDOW_LOAD, END),
	BAD("fault after a store", "part of the guest instruction", 0x41, 0x88, 0x04, 0x1c,
	    WINDOW_LOAD, END),
	BAD("fault after flags", "flags have been changed", 0x41, 0x83, 0xf8, 0x01,
	    WINDOW_LOAD, END),
	BAD("div after a register", "part of the guest instruction", 0xb9, 1, 0, 0, 0, 0xf7, 0xf1,
	    END),
	/* fld1; fstp [r12+rbx]: the first is done when the second may fault */
	BAD("fault after x87", "part of the guest instruction", 0xd9, 0xe8, 0x41, 0xd9,
	    0x1c, 0x1c, END),
	BAD("x87 after a register", "part of the guest instruction", 0xff, 0xc0, 0xd9, 0xe8, END),
	BAD("std", "no business", 0xfd, END),
	BAD("cli", "not arithmetic", 0xfa, END),
	BAD("hlt", "no business", 0xf4, END),
	BAD("int", "no business", 0xcd, 0x80, END),
	BAD("syscall", "no business", 0x0f, 0x05, END),
	BAD("sysenter", "no business", 0x0f, 0x34, END),
	BAD("in", "no business", 0xec, END),
	BAD("cpuid", "no business", 0x0f, 0xa2, END),
	BAD("rdpmc", "no business", 0x0f, 0x33, END),
	BAD("rdtsc after a store", "part of the guest instruction", 0x0f, 0x31, 0x41, 0x89, 0x04,
	    0x1c, END),
	BAD("ud2", "no business", 0x0f, 0x0b, END),
	BAD("popf", "no business", 0x9d, END),
	BAD("wrgsbase", "no business", 0xf3, 0x48, 0x0f, 0xae, 0xd8, END),
	BAD("sgdt", "no business", 0x0f, 0x01, 0x00, END),
	BAD("mov gs,ax", "segment or system register", 0x8e, 0xe8, END),
	BAD("mov eax,ds", "segment or system register", 0x8c, 0xd8, END),
	BAD("vaddps", "guests do not have", 0xc5, 0xf0, 0x58, 0xc2, END),
	BAD("xsave", "no business", 0x41, 0x0f, 0xae, 0x26, END),
};

static void refuse_all(const struct bad *rules, size_t count)
{
	struct fixture f;
	struct tb *other;
	uint32_t mode;

	start(&f, PLAIN_SETTING);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0xf4); /* inc eax; hlt */
	other = block(&f);
	mode = bt_mode(f.cpu) | MODE_WINDOW;
	for (size_t i = 0; i < count; i++) {
		uint8_t code[sizeof(rules->code)];

		memcpy(code, rules[i].code, sizeof(code));
		link_code(&f, other, code, rules[i].size);
		expect(rules[i].name, judge(&f, code, rules[i].size, mode), rules[i].reason);
	}
	fixture_end(&f);
}
#define REFUSE(rules) refuse_all(rules, sizeof(rules) / sizeof((rules)[0]))

static void test_memory_rules(void)
{
	REFUSE(memory_rules);
}

static void test_transfer_rules(void)
{
	REFUSE(transfer_rules);
}

static void test_state_rules(void)
{
	REFUSE(state_rules);
}

/* The same code in another mode. */
static void test_mode_rules(void)
{
	uint8_t window[] = {WINDOW_LOAD, END};
	uint8_t soft[] = {0x44, 0x8d, 0x03, CALL(SOFT), 0x43, 0x8b, 0x04, 0x08, END};
	struct fixture f;

	start(&f, PLAIN_SETTING);
	link_code(&f, NULL, window, sizeof(window));
	link_code(&f, NULL, soft, sizeof(soft));
	expect("window", judge(&f, window, sizeof(window), 0), "where there is none");
	expect("soft", judge(&f, soft, sizeof(soft), MODE_USER), "other privilege");
	fixture_end(&f);
}

static void test_dropped_target(void)
{
	uint8_t code[] = {0xe9, 0, 0, 0, 0};
	struct fixture f;
	struct tb *tb;
	uint32_t rel;

	start(&f, PLAIN_SETTING);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0xf4);
	tb = block(&f);
	rel = tb->host - (BAD_AT + 5);
	memcpy(code + 1, &rel, 4);
	expect("live", judge(&f, code, sizeof(code), tb->mode), NULL);
	tb_drop(f.cpu, tb);
	expect("dropped", judge(&f, code, sizeof(code), tb->mode), "no more");
	fixture_end(&f);
}

/* ---- the dump ---- */
static void expect_line(const char *text, const char *line)
{
	CHECK(strstr(text, line) != NULL);
	if (!strstr(text, line))
		fprintf(stderr, "no '%s' in\n%s", line, text);
}

static void test_dump(void)
{
	struct fixture f;
	char *text = NULL;
	size_t size;
	FILE *out;

	start(&f, PLAIN_SETTING);
	enter_protected(&f, 0);
	/* mov ecx,100; l: nop; dec ecx; jnz l; hlt */
	CODE(&f, 0xb9, 100, 0, 0, 0, 0x90, 0x49, 0x75, 0xfc, 0xf4);
	run(&f);
	out = open_memstream(&text, &size);
	CHECK_EQ(bt_dump(f.cpu, CODE_AT + 5, false, out), 1);
	CHECK_EQ(bt_dump(f.cpu, CODE_AT + 1, false, out), 0);
	fclose(out);
	expect_line(text, "block 00010005: 32-bit ring 0, flat ES CS SS DS FS, checked GS\n");
	expect_line(text, "00010005  nop\n00010006  dec ecx   ");
	expect_line(text, "  dec     ecx\n");
	expect_line(text, "  jne     block 00010005\n");
	expect_line(text, "; bt_poll\n");
	expect_line(text, "exit 0: 00010005, chained to ");
	expect_line(text, "; exit 0\n");
	expect_line(text, "  jmp     exit\n");
	free(text);
	fixture_end(&f);
}

UNIT_MAIN("bt_verify", {"stubs", test_stubs}, {"memory and jumps", test_memory_and_jumps}, {"repeated", test_repeated},
	  {"transfers", test_transfers}, {"an exit's number", test_exit_number}, {"checked segments", test_checked_segments},
	  {"chained", test_chained}, {"memory rules", test_memory_rules},
	  {"transfer rules", test_transfer_rules}, {"state rules", test_state_rules},
	  {"mode rules", test_mode_rules}, {"dropped target", test_dropped_target},
	  {"dump", test_dump})
