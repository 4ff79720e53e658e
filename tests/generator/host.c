/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host chip as the oracle. A child process of 64-bit code maps the world
 * below 4 GiB and an LDT, and runs each case in compatibility mode, which it
 * enters and leaves by signals: returning from a signal loads all registers,
 * and the exception that ends the case (TF, INT3 or a fault) brings the next
 * signal, whose frame has vector, error code, CR2 and all registers.
 *
 * What 32-bit code can reach is the world; the process's own memory is above
 * 4 GiB. The file-scope data here is the child's only: a signal handler
 * has no other way to it.
 */
#include "engine.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ALT_STACK_SIZE 65536
/* Of FXSAVE: FCW to FOP; ST and XMM0-7. */
#define FX_CONTROL	  8
#define FX_REGISTERS	  32
#define FX_REGISTERS_SIZE 256
#define ORDINARY_SS	  0x2b
#define ORDINARY_CS	  0x33

struct host {
	pid_t child;
	int to_child, from_child;
	struct shared *shared;
};

struct shared {
	struct batch batches[2];
	char trouble[TROUBLE_MAX]; /* of a child that has ended */
};

/* ---- the child ---- */

/* host_entry.S uses these. ORDER: enum seg_reg. */
uint16_t host_segments[SEG_COUNT];
uint64_t host_fs_base;
uint8_t host_running; /* cases, in place of the child's own code */
void host_entry(int sig, siginfo_t *info, void *context);
void host_signal(int sig, siginfo_t *info, ucontext_t *uc);

static struct {
	struct batch *batch;
	uint8_t *pages; /* the world, writable */
	uint8_t expected[WORLD_SIZE], background[WORLD_SIZE];
	gregset_t resume; /* of run_batch() */
} child;

/* ORDER: enum gpr. */
static const int greg_of[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
			       REG_RSP, REG_RBP, REG_RSI, REG_RDI};

/* REG_CSGSFS is cs, gs, fs, ss from the low end. */
#define CSGSFS(cs, ss) ((greg_t)((uint64_t)(cs) | (uint64_t)(ss) << 48))

static void load_state(ucontext_t *uc, const struct state *s)
{
	greg_t *g = uc->uc_mcontext.gregs;
	uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;

	for (unsigned i = 0; i < 8; i++)
		g[greg_of[i]] = s->regs[i];
	for (unsigned i = REG_R8; i <= REG_R15; i++)
		g[i] = 0;
	g[REG_RIP] = s->eip;
	g[REG_EFL] = s->eflags;
	g[REG_CSGSFS] = CSGSFS(s->seg[CS], s->seg[SS]);
	memcpy(host_segments, s->seg, sizeof(host_segments));
	memset(fx, 0, FX_REGISTERS);
	memcpy(fx, &s->fx, FX_CONTROL);
	memcpy(fx + 24, &s->fx.mxcsr, 4);
	memcpy(fx + FX_REGISTERS, s->fx.st, FX_REGISTERS_SIZE);
}

static void store_state(const ucontext_t *uc, struct state *s)
{
	const greg_t *g = uc->uc_mcontext.gregs;
	const uint8_t *fx = (const uint8_t *)uc->uc_mcontext.fpregs;

	for (unsigned i = 0; i < 8; i++)
		s->regs[i] = (uint32_t)g[greg_of[i]];
	s->eip = (uint32_t)g[REG_RIP];
	s->eflags = (uint32_t)g[REG_EFL];
	memcpy(s->seg, host_segments, sizeof(s->seg));
	s->seg[CS] = (uint16_t)g[REG_CSGSFS];
	s->seg[SS] = (uint16_t)(g[REG_CSGSFS] >> 48);
	memset(&s->fx, 0, FX_REGISTERS);
	memcpy(&s->fx, fx, FX_CONTROL);
	memcpy(&s->fx.mxcsr, fx + 24, 4);
	memcpy(s->fx.st, fx + FX_REGISTERS, FX_REGISTERS_SIZE);
}

static void begin_case(ucontext_t *uc)
{
	const struct test_case *c = &child.batch->cases[child.batch->at];

	world_apply(child.pages, c);
	world_apply(child.expected, c);
	load_state(uc, &c->start);
}

static void end_case(const ucontext_t *uc)
{
	const greg_t *g = uc->uc_mcontext.gregs;
	struct outcome *out = &child.batch->outcomes[child.batch->at];

	store_state(uc, &out->end);
	out->vector = (uint32_t)g[REG_TRAPNO];
	out->error = (uint32_t)g[REG_ERR];
	out->cr2 = out->vector == VEC_PF ? (uint32_t)g[REG_CR2] : 0;
	world_collect(child.pages, child.expected, child.background,
		      &child.batch->cases[child.batch->at], out);
}

void host_signal(int sig, siginfo_t *info, ucontext_t *uc)
{
	if (host_running) {
		end_case(uc);
		child.batch->at++;
	} else if (sig == SIGTRAP) {
		memcpy(child.resume, uc->uc_mcontext.gregs, sizeof(child.resume));
		host_running = 1;
	} else {
		_exit(3); /* the oracle itself is wrong */
	}
	if (child.batch->at < child.batch->count) {
		begin_case(uc);
		return;
	}
	host_running = 0;
	memcpy(uc->uc_mcontext.gregs, child.resume, sizeof(child.resume));
	uc->uc_mcontext.fpregs->cwd = 0x37f;
	uc->uc_mcontext.fpregs->swd = 0;
	uc->uc_mcontext.fpregs->mxcsr = 0x1f80;
}

static bool map_world(void)
{
	int fd = memfd_create("world", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, WORLD_SIZE))
		return false;
	child.pages =
	    mmap(NULL, WORLD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (child.pages == MAP_FAILED)
		return false;
	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		const struct world_page *p = &world_pages[i];
		int prot =
		    PROT_READ | (p->writable ? PROT_WRITE : 0) | (p->executable ? PROT_EXEC : 0);

		if (mmap((void *)(uintptr_t)p->at, PAGE_SIZE, prot,
			 MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd,
			 (off_t)i * PAGE_SIZE) != (void *)(uintptr_t)p->at)
			return false;
	}
	close(fd);
	mlockall(MCL_CURRENT); /* may fail: then a page may be faulted in again, unseen */
	return true;
}

static bool make_ldt(void)
{
	for (unsigned i = 0; i < WORLD_SEGMENTS; i++) {
		const struct world_descriptor *d = &world_ldt[i];
		struct user_desc u = {.entry_number = i,
				      .base_addr = d->base,
				      .limit = d->limit,
				      .seg_32bit = d->big,
				      .contents = d->contents,
				      .read_exec_only = d->read_only,
				      .limit_in_pages = d->pages,
				      .seg_not_present = d->absent};

		if (!d->limit) /* an empty one */
			u.read_exec_only = u.seg_not_present = 1;
		if (syscall(SYS_modify_ldt, 0x11, &u, sizeof(u)))
			return false;
	}
	return true;
}

static bool catch_signals(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
	stack_t stack = {.ss_size = ALT_STACK_SIZE};
	struct sigaction sa = {.sa_sigaction = host_entry,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	stack.ss_sp = mmap(NULL, ALT_STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL))
		return false;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &sa, NULL))
			return false;
	return syscall(SYS_arch_prctl, ARCH_GET_FS, &host_fs_base) == 0;
}

static _Noreturn void child_main(struct shared *shared, int from, int to)
{
	const char *part = !map_world()	      ? "low memory"
			   : !make_ldt()      ? "modify_ldt"
			   : !catch_signals() ? "signals"
					      : NULL;
	uint8_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (part) {
		snprintf(shared->trouble, TROUBLE_MAX, "%s: %s", part, strerror(errno));
		_exit(2);
	}
	world_fill(child.background);
	memcpy(child.expected, child.background, WORLD_SIZE);
	memcpy(child.pages, child.background, WORLD_SIZE);
	n = 0; /* ready */
	if (write(to, &n, 1) != 1)
		_exit(0);
	while (read(from, &n, 1) == 1) {
		child.batch = &shared->batches[n & 1];
		child.batch->at = 0;
		if (child.batch->count)
			__asm__ volatile("int3" : : : "memory");
		if (write(to, &n, 1) != 1)
			break;
	}
	_exit(0);
}

/* ---- the parent ---- */

/* NOP, ended in both ways and in each kind of code segment: what every case relies on. */
static const struct probe {
	uint16_t cs;
	bool single_step;
} probes[] = {
    {SELECTOR_CODE32, false},
    {SELECTOR_CODE32, true},
    {LDT_SELECTOR(SEG_CODE_FLAT), false},
    {LDT_SELECTOR(SEG_CODE_16), true},
};
#define PROBES	  (sizeof(probes) / sizeof(probes[0]))
#define PROBES_MS 10000

static void make_probe(const struct probe *p, struct test_case *c)
{
	memset(c, 0, sizeof(*c));
	c->code_at = CODE_AT;
	c->code[0] = 0x90;
	c->length = 1;
	c->single_step = p->single_step;
	c->start.eip = CODE_AT - world_segment_base(p->cs);
	c->start.eflags = FL_1 | FL_IF | (p->single_step ? FL_TF : 0);
	c->start.fx.fcw = 0x37f;
	c->start.fx.mxcsr = 0x1f80;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->start.seg[i] = i == CS ? p->cs : SELECTOR_DATA32;
	for (unsigned i = 0; i < 8; i++)
		c->start.regs[i] = DATA_AT + i;
}

static bool probe_passed(const struct test_case *c, const struct outcome *o)
{
	uint32_t end = c->start.eip + (c->single_step ? 1 : 2);

	return o->vector == (c->single_step ? VEC_DB : VEC_BP) && o->end.eip == end &&
	       !memcmp(o->end.seg, c->start.seg, sizeof(o->end.seg)) &&
	       !memcmp(o->end.regs, c->start.regs, sizeof(o->end.regs));
}

/* As host_wait(), but ends a child that says nothing: entering 32-bit code may hang. */
static bool wait_for_probes(struct host *h)
{
	struct pollfd from = {.fd = h->from_child, .events = POLLIN};

	if (poll(&from, 1, PROBES_MS) == 0)
		kill(h->child, SIGKILL);
	return host_wait(h);
}

/* Runs the probes in the way that cases are run. */
static bool host_works(struct host *h)
{
	struct batch *b = &h->shared->batches[0];
	unsigned i = 0;

	for (b->count = 0; b->count < PROBES; b->count++)
		make_probe(&probes[b->count], &b->cases[b->count]);
	host_start(h, 0);
	if (wait_for_probes(h))
		while (i < PROBES && probe_passed(&b->cases[i], &b->outcomes[i]))
			i++;
	else
		i = b->at;
	b->count = 0;
	if (i < PROBES)
		snprintf(h->shared->trouble, TROUBLE_MAX, "a NOP at %#x:%#x %s", probes[i].cs,
			 b->cases[i].start.eip,
			 b->at < PROBES ? "does not come back" : "is not executed");
	return i == PROBES;
}

struct host *host_create(char *trouble)
{
	struct host *h = calloc(1, sizeof(*h));
	int there[2], back[2];

	if (!h)
		return NULL;
	h->shared = mmap(NULL, sizeof(*h->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->shared == MAP_FAILED || pipe(there) || pipe(back)) {
		snprintf(trouble, TROUBLE_MAX, "%s", strerror(errno));
		free(h);
		return NULL;
	}
	h->child = fork();
	if (h->child == 0) {
		close(there[1]);
		close(back[0]);
		child_main(h->shared, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	h->to_child = there[1];
	h->from_child = back[0];
	if (!host_wait(h) || !host_works(h)) {
		memcpy(trouble, h->shared->trouble, TROUBLE_MAX);
		host_destroy(h);
		return NULL;
	}
	return h;
}

void host_destroy(struct host *h)
{
	if (!h)
		return;
	close(h->to_child);
	close(h->from_child);
	waitpid(h->child, NULL, 0);
	munmap(h->shared, sizeof(*h->shared));
	free(h);
}

struct batch *host_batch(struct host *h, unsigned n)
{
	return &h->shared->batches[n & 1];
}

void host_start(struct host *h, unsigned n)
{
	uint8_t byte = (uint8_t)(n & 1);

	if (write(h->to_child, &byte, 1) != 1)
		perror("generator: oracle");
}

bool host_wait(struct host *h)
{
	uint8_t byte;

	return read(h->from_child, &byte, 1) == 1;
}
