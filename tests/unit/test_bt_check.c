/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checker of the translator's structures: passes on what running code
 * leaves, and does not on a machine in which one thing has been spoilt.
 * And /tmp/perf-PID.map.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bt/inspect.h"
#include "cpu_fixture.h"

#define LOOP_AT (CODE_AT + 5)

/* mov ecx,100; l: mov edx,[DATA_AT]; mov [DATA_AT+4],edx; dec ecx; jnz l; call f; hlt; f: ret */
static void start_windows(struct fixture *f, bool windows)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start(f);
	config.cache_kib = 1024;
	config.windows = windows;
	config.verify = true;
	config.check = 1;
	CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
	enter_protected(f, 0);
	CODE(f, 0xb9, 100, 0, 0, 0, 0x8b, 0x15, 0, 0, 4, 0, 0x89, 0x15, 4, 0, 4, 0, 0x49, 0x75,
	     0xf1, 0xe8, 1, 0, 0, 0, 0xf4, 0xe8, 3, 0, 0, 0, 0x58, 0xff, 0xe0, 0xc3);
	for (unsigned i = 0; i < 3; i++) {
		f->cpu->eip = CODE_AT;
		run(f);
	}
	CHECK_EQ(f->cpu->regs[ECX], 0);
}

static void start(struct fixture *f)
{
	start_windows(f, false);
}

/* In ring 0, with nothing to execute yet. */
static void start_verified(struct fixture *f)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;

	fixture_start(f);
	config.verify = true;
	CU_ASSERT_FATAL(bt_attach(f->cpu, &config) == 0);
	enter_protected(f, 0);
}

/* A register and a displacement that lead around the 4 GiB: a guard is hit, once a block. */
static void test_wraps_around(void)
{
	struct fixture f;

	start_verified(&f);
	/* mov ecx,100; l: mov edx,[eax+DATA_AT+10h]; add ebx,edx; mov [edi-20h],ebx; loop l; hlt */
	CODE(&f, 0xb9, 100, 0, 0, 0, 0x8b, 0x90, 0x10, 0, 4, 0, 0x01, 0xd3, 0x89, 0x5f, 0xe0, 0xe2,
	     0xf3, 0xf4);
	poke32(&f, DATA_AT, 3);
	f.cpu->regs[EAX] = 0xfffffff0;
	f.cpu->regs[EBX] = 0;
	f.cpu->regs[EDI] = DATA_AT + 0x24;
	run(&f);
	CHECK_EQ(f.cpu->regs[EBX], 300);
	CHECK_EQ(peek32(&f, DATA_AT + 4), 300);
	/* In the block that is entered first, and in the loop's. */
	CHECK_EQ(f.cpu->bt->n.retranslations, 2);
	CHECK_EQ(f.cpu->bt->n.fault_guard, 2);
	bt_check(f.cpu);
	fixture_end(&f);
}

#define NO_MEMORY 0x400000u

/* So many times REP STOSB of 100 bytes; how many instructions were interpreted, HLT apart. */
static uint64_t clear(struct fixture *f, uint32_t at, uint32_t times)
{
	uint64_t before = f->cpu->bt->n.slow_insns;

	f->cpu->eip = CODE_AT;
	f->cpu->regs[EAX] = f->cpu->regs[EAX] + 1;
	f->cpu->regs[EBX] = at;
	f->cpu->regs[ESI] = times;
	f->cpu->halted = false;
	f->cpu->fuel = f->cpu->fuel_given = 1000000; /* an element costs one */
	vcpu_run(f->cpu);
	return f->cpu->bt->n.slow_insns - before - 1;
}

/* What has met pages that the window does not show is the host's again when it no longer does. */
static void test_hardens(void)
{
	struct fixture f;

	start_verified(&f);
	/* mov [DATA_AT],eax; jmp l; l: mov edi,ebx; mov ecx,100; rep stosb; dec esi; jnz l; hlt */
	CODE(&f, 0xa3, 0, 0, 4, 0, 0xeb, 0, 0x89, 0xdf, 0xb9, 100, 0, 0, 0, 0xf3,
	     0xaa, 0x4e, 0x75, 0xf4, 0xf4);
	CHECK_EQ(clear(&f, NO_MEMORY, 50), 50);
	CHECK_EQ(f.cpu->bt->n.retranslations, 1);
	CHECK_EQ(clear(&f, DATA_AT, 60) + clear(&f, NO_MEMORY, 1) + clear(&f, DATA_AT, 60), 121);
	CHECK_EQ(f.cpu->bt->n.retranslations, 1);
	CHECK(clear(&f, DATA_AT, 100) < 10);
	CHECK_EQ(f.cpu->bt->n.retranslations, 2);
	CHECK_EQ(clear(&f, DATA_AT, 100), 0);
	CHECK_EQ(peek32(&f, DATA_AT + 96), (f.cpu->regs[EAX] & 0xff) * 0x01010101u);
	CHECK_EQ(peek8(&f, DATA_AT + 100), 0);
	CHECK_EQ(clear(&f, NO_MEMORY, 50), 50);
	CHECK_EQ(f.cpu->bt->n.retranslations, 3);
	bt_check(f.cpu);
	fixture_end(&f);
}

/* A host fault without an address is none of a guard. */
static void test_misaligned(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;
	struct fixture f;

	fixture_start(&f);
	CU_ASSERT_FATAL(bt_attach(f.cpu, &config) == 0);
	enter_protected(&f, 0);
	f.cpu->cr4 |= CR4_OSFXSR;
	CODE(&f, 0x0f, 0x28, 0x00, 0xf4); /* movaps xmm0,[eax]; hlt */
	f.cpu->regs[EAX] = DATA_AT;
	run(&f);
	CHECK_EQ(vector_taken(&f), -1);
	f.cpu->regs[EAX] = DATA_AT + 1;
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK(f.cpu->bt->n.fault_window > 0);
	CHECK_EQ(f.cpu->bt->n.fault_guard, 0);
	CHECK_EQ(f.cpu->bt->n.retranslations, 0);
	fixture_end(&f);
}

static struct tb *loop(struct fixture *f)
{
	const uint8_t *code = physmem_lookup(f->mem, LOOP_AT).host + (LOOP_AT & (PAGE_SIZE - 1));

	return tb_lookup(f->cpu->bt, code, LOOP_AT, bt_mode(f->cpu));
}

static void test_passes(void)
{
	for (unsigned windows = 0; windows < 2; windows++) {
		struct fixture f;

		start_windows(&f, windows);
		CHECK(f.cpu->bt->n.chains > 0);
		CHECK(f.cpu->bt->n.jc_fills > 0);
		CHECK(f.cpu->bt->n.soft_fills + f.cpu->bt->n.fault_filled > 0);
		CU_ASSERT_FATAL(loop(&f) != NULL);
		bt_check(f.cpu);
		fixture_end(&f);
	}
}

/* A loop that begins with an instruction of two pages does not leave translated code each time. */
static void test_crossing(void)
{
	/* l: mov edx,1; dec ecx; jnz l; hlt */
	static const uint8_t code[] = {0xba, 1, 0, 0, 0, 0x49, 0x75, 0xf8, 0xf4};
	const uint32_t at = CODE_AT + PAGE_SIZE - 2;
	struct fixture f;

	start_verified(&f);
	poke(&f, at, code, sizeof(code));
	f.cpu->eip = at;
	f.cpu->regs[ECX] = 1000;
	run(&f);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK(f.cpu->bt->n.entries < 10);
	bt_check(f.cpu);
	fixture_end(&f);
}

/* Until the loop's block is no more. */
static unsigned writes_beside(struct fixture *f)
{
	const uint32_t beside = (LOOP_AT & PAGE_MASK) + PAGE_SIZE - 64;
	unsigned n = 0;

	for (; loop(f) && n < 1000; n++)
		physmem_write(f->mem, beside, n, 1);
	return n;
}

/* Blocks may be left over in a page that is something else by now; or not, then they come back. */
static void test_written_beside(void)
{
	struct fixture f;
	struct phys_page p;

	start_windows(&f, true);
	p = physmem_lookup(f.mem, LOOP_AT);
	CHECK(*p.watch & PHYS_WATCH_TRANSLATED);
	CHECK_EQ(writes_beside(&f), 64);
	CHECK(!(*p.watch & PHYS_WATCH_TRANSLATED));
	bt_check(f.cpu);
	for (unsigned n = 128; n <= 256; n *= 2) { /* it takes longer each time */
		f.cpu->eip = CODE_AT;
		run(&f);
		CHECK_EQ(f.cpu->regs[ECX], 0);
		CHECK_EQ(writes_beside(&f), n);
	}
	CHECK_EQ(f.cpu->bt->n.pages_given_up, 3);
	fixture_end(&f);
}

static void *kick(void *arg)
{
	struct fixture *f = arg;

	/* Until it runs from look-up to look-up. */
	while (!__atomic_load_n(&f->cpu->bt_jc->tag[jc_slot(CODE_AT)], __ATOMIC_RELAXED))
		sched_yield();
	vcpu_kick(f->cpu, PENDING_STOP);
	return NULL;
}

/* A kick makes look-ups fail: it ends a loop that is nothing else. */
static void test_kick(void)
{
	struct engine_config config = ENGINE_CONFIG_DEFAULT;
	struct fixture f;
	pthread_t thread;

	fixture_start(&f);
	CU_ASSERT_FATAL(bt_attach(f.cpu, &config) == 0);
	enter_protected(&f, 0);
	CODE(&f, 0xff, 0xe0); /* jmp eax */
	f.cpu->regs[EAX] = CODE_AT;
	f.cpu->fuel = f.cpu->fuel_given = INT64_MAX;
	CU_ASSERT_FATAL(!pthread_create(&thread, NULL, kick, &f));
	vcpu_run(f.cpu);
	pthread_join(thread, NULL);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	bt_check(f.cpu);
	fixture_end(&f);
}

/* ---- spoilt machines ---- */
static void change_code(struct fixture *f)
{
	f->ram[LOOP_AT + 2]++; /* behind the back of physmem */
}
static void change_length(struct fixture *f)
{
	loop(f)->code_sum = 0;
	f->ram[LOOP_AT] = 0x90; /* nop */
}
static void unwatch(struct fixture *f)
{
	physmem_watch(f->mem, CODE_AT, 0, PHYS_WATCH_TRANSLATED);
}
static void lose_chunks(struct fixture *f)
{
	for (unsigned i = 0; i < CODE_PAGE_HASH; i++)
		if (f->cpu->bt->pages[i])
			f->cpu->bt->pages[i]->chunks = 0;
}
static void lose_from_hash(struct fixture *f)
{
	struct bt *bt = f->cpu->bt;

	for (unsigned i = 0; i < TB_HASH_SIZE; i++)
		if (bt->hash[i] && tb_at(bt, bt->hash[i]) == loop(f))
			bt->hash[i] = loop(f)->hash_next;
}
static void twice_in_page(struct fixture *f)
{
	struct tb *tb = loop(f);

	tb->links[0].next = link_ref_of(f->cpu->bt, tb, 0);
}
static void patch_elsewhere(struct fixture *f)
{
	(*cache_rw(f->cpu->bt, loop(f)->host + tb_exits(loop(f))[0].jump))++;
}
static void forget_incoming(struct fixture *f)
{
	loop(f)->incoming = 0;
}
static void wrong_link(struct fixture *f)
{
	exit_at(f->cpu->bt, loop(f)->incoming)->previous = exit_id(f->cpu->bt, &tb_exits(loop(f))[1]);
}
static void overlap(struct fixture *f)
{
	loop(f)->host_size += 64;
}
static void jc_elsewhere(struct fixture *f)
{
	for (unsigned i = 0; i < JC_SIZE; i++)
		f->cpu->bt_jc->target[i] += 3;
}
static void jc_of_dropped(struct fixture *f)
{
	struct jump_cache *jc = f->cpu->bt_jc;
	unsigned i = jc_slot(CODE_AT + 25);
	uint64_t tag = jc->tag[i];

	cache_flush(f->cpu);
	jc->tag[i] = tag;
}
static void soft_elsewhere(struct fixture *f)
{
	f->cpu->bt->tables->soft[0].delta[DATA_AT >> PAGE_SHIFT]++;
}
static void soft_writable(struct fixture *f)
{
	tlb_slot(f->cpu->tlb_views[TLB_SUPERVISOR], DATA_AT)->write = TLB_NONE;
}
static void soft_stale(struct fixture *f)
{
	tlb_slot(f->cpu->tlb_views[TLB_SUPERVISOR], DATA_AT)->read = TLB_NONE;
}
static void bad_code(struct fixture *f)
{
	*cache_rw(f->cpu->bt, loop(f)->host) = 0xf4;
}

static const struct {
	const char *name;
	void (*spoil)(struct fixture *f);
} spoilt[] = {
	{"code changed", change_code},
	{"another length", change_length},
	{"page not watched", unwatch},
	{"chunks lost", lose_chunks},
	{"not in the hash", lose_from_hash},
	{"twice in its page", twice_in_page},
	{"jump patched elsewhere", patch_elsewhere},
	{"incoming list lost", forget_incoming},
	{"wrong link", wrong_link},
	{"overlapping blocks", overlap},
	{"jump cache into a block", jc_elsewhere},
	{"jump cache to a dropped block", jc_of_dropped},
	{"software TLB elsewhere", soft_elsewhere},
	{"software TLB writes too much", soft_writable},
	{"software TLB stale", soft_stale},
	{"bad code", bad_code},
};

/* A machine of its own in a process of its own: guest memory and code cache are shared by fork. */
static bool aborts(void (*spoil)(struct fixture *f))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct fixture f;

		start(&f);
		spoil(&f);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		bt_check(f.cpu);
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_spoilt(void)
{
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		bool seen = aborts(spoilt[i].spoil);

		CHECK(seen);
		if (!seen)
			fprintf(stderr, "%s: not seen\n", spoilt[i].name);
	}
}

/* ---- perf ---- */
static unsigned count_lines(const char *path, const char *word)
{
	FILE *in = fopen(path, "r");
	char line[200];
	unsigned n = 0;

	while (in && fgets(line, sizeof(line), in))
		n += strstr(line, word) != NULL;
	if (in)
		fclose(in);
	return n;
}

/* Switched on late it has what is there already, and then what is made. */
static void test_perf_map(void)
{
	char path[64];
	struct fixture f;

	start(&f);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	bt_perf_map(f.cpu, true);
	CHECK_EQ(count_lines(path, " stub_slow\n"), 1);
	CHECK_EQ(count_lines(path, " kernel_00010005\n"), 1);
	CHECK_EQ(count_lines(path, " kernel_00012000\n"), 0);
	f.cpu->eip = TARGET_AT;
	run(&f);
	CHECK_EQ(count_lines(path, " kernel_00012000\n"), 1);
	bt_perf_map(f.cpu, false);
	fixture_end(&f);
	unlink(path);
}

UNIT_MAIN("bt_check", {"passes", test_passes}, {"wraps around", test_wraps_around}, {"hardens", test_hardens}, {"misaligned", test_misaligned}, {"written beside", test_written_beside}, {"crossing", test_crossing}, {"kick", test_kick}, {"spoilt", test_spoilt},
	  {"perf map", test_perf_map})
