/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host signals that translated code raises: SIGSEGV by the poll load (leave),
 * by window accesses (fill, or have the instruction interpreted) and operands
 * of SSE that are not aligned, SIGFPE by DIV, IDIV and x87 instructions that find
 * an exception pending. Anything else goes to whoever had the signal before.
 *
 * The handler runs on the machine thread, and what it interrupts is translated
 * code: no lock is held, nothing of the monitor is half done.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "bt/bt_internal.h"
#include "cpu/space.h"
#include "direct/direct.h"

extern _Thread_local struct vcpu *bt_current;

/* MOV R8,[R8]: trans_poll(). */
static const uint8_t poll_load[] = {0x4d, 0x8b, 0x00};

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
static struct sigaction previous[sizeof(signals) / sizeof(signals[0])];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int install_error;

/* REP MOVS or STOS, select_string.c: its registers become the guest's again. */
static void leave_window(greg_t *regs)
{
	const uint8_t *code = (const uint8_t *)regs[REG_RIP];

	code += *code == 0x66;
	if (*code++ != 0xf3)
		return;
	if ((*code & 0xfe) == 0xa4)
		regs[REG_RSI] -= regs[REG_R12];
	if ((*code & 0xfe) == 0xa4 || (*code & 0xfe) == 0xaa)
		regs[REG_RDI] -= regs[REG_R12];
}

/* As if the code had called the stub that interprets the instruction. */
static void go_slow(struct vcpu *cpu, greg_t *regs)
{
	uint64_t *rsp = (uint64_t *)returns_room(cpu, cpu->bt_returns) - 1;

	*rsp = (uint64_t)regs[REG_RIP] + 1;
	cpu->bt_returns = (uintptr_t)rsp;
	regs[REG_RIP] = (greg_t)(uintptr_t)cache_rx(cpu->bt, cpu->bt->stubs.slow);
}

/*
 * A window access. What could not be filled is interpreted; an instruction to
 * which that happens again and again is to go through the software TLB.
 */
#define FAULTS_TO_SOFTEN 3
#define PF_WRITE 2 /* page-fault error code, SDM 3A 4.7 */
#define TRAP_PAGE_FAULT 14

static bool window_fault(struct vcpu *cpu, const struct tb *tb, uint64_t address, const greg_t *regs)
{
	bool user = tb->mode & MODE_USER;
	uint64_t gva = address - bt_window(cpu, user);

	if (regs[REG_TRAPNO] != TRAP_PAGE_FAULT || gva >> 32)
		return false;
	cpu->bt->n.fault_window++;
	if (!space_fill(cpu, (gva_t)gva, regs[REG_ERR] & PF_WRITE, user))
		return false;
	cpu->bt->n.fault_filled++;
	return true;
}

/*
 * A page fault in a guard: register and displacement are wrapped around. Other
 * faults (alignment of SSE operands) have no address.
 */
static bool wrapped_around(struct vcpu *cpu, const struct tb *tb, uint64_t address,
			   const greg_t *regs)
{
	uint64_t gva = address - bt_window(cpu, tb->mode & MODE_USER);

	if (!(tb->mode & MODE_WINDOW) || regs[REG_TRAPNO] != TRAP_PAGE_FAULT || gva >> 32 == 0)
		return false;
	cpu->bt->n.fault_guard++;
	return true;
}

static void soften(struct bt *bt, struct tb *tb, bool at_once)
{
	if (!bt->config.adaptive || (++tb->faults < FAULTS_TO_SOFTEN && !at_once))
		return;
	tb->faults = 0;
	bt->soften = tb;
}

/* Leaves before the instruction, of which nothing has been done. */
static void leave(struct vcpu *cpu, greg_t *regs)
{
	struct bt *bt = cpu->bt;
	uint32_t offset = (uint32_t)((uint64_t)regs[REG_RIP] - (uintptr_t)bt->cache.rx);
	const struct tb *tb = cache_find(bt, offset);
	unsigned n = tb_insn_at(tb, offset - tb->host);

	cpu->eip = tb_insn_eip(cpu, tb, n);
	bt->n.exit_poll++;
	bt->polled = true;
	regs[REG_R11] = 0;
	regs[REG_RIP] = (greg_t)(uintptr_t)cache_rx(bt, bt->stubs.leave);
}

static bool in_blocks(const struct bt *bt, uint64_t rip)
{
	uint64_t offset = rip - (uintptr_t)bt->cache.rx;

	return offset >= bt->cache.stubs_end && offset < bt->cache.size;
}

static bool handle_access(struct vcpu *cpu, uint64_t address, greg_t *regs)
{
	uint32_t offset = (uint32_t)((uint64_t)regs[REG_RIP] - (uintptr_t)cpu->bt->cache.rx);
	struct tb *tb = cache_find(cpu->bt, offset);

	if (!tb)
		return false;
	if (tb->mode & MODE_WINDOW && window_fault(cpu, tb, address, regs))
		return true;
	soften(cpu->bt, tb, wrapped_around(cpu, tb, address, regs));
	leave_window(regs);
	go_slow(cpu, regs);
	return true;
}

static bool handle(struct vcpu *cpu, int signal, const siginfo_t *info, greg_t *regs)
{
	uint64_t address = (uintptr_t)info->si_addr;

	if (signal == SIGFPE) {
		cpu->bt->n.fault_math++;
		go_slow(cpu, regs);
	} else if (returns_overflown(cpu, address)) {
		cpu->bt->n.return_overflows++;
		returns_empty(cpu);
	} else if (!memcmp((const void *)regs[REG_RIP], poll_load, sizeof(poll_load))) {
		leave(cpu, regs);
	} else {
		return handle_access(cpu, address, regs);
	}
	return true;
}

/* What the handler does may have emptied the stack of what it has interrupted. */
static bool handle_with_stack(int signal, const siginfo_t *info, greg_t *regs)
{
	struct vcpu *cpu = bt_current;
	bool handled;

	if (!cpu || !cpu->bt || !in_blocks(cpu->bt, (uint64_t)regs[REG_RIP]))
		return false;
	cpu->bt_returns = (uint64_t)regs[REG_RSP];
	handled = handle(cpu, signal, info, regs);
	if (handled)
		regs[REG_RSP] = (greg_t)cpu->bt_returns;
	return handled;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int saved = errno;

	if (!handle_with_stack(signal, info, regs) && !(signal == SIGSEGV && direct_host_cpuid(regs)))
		for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			if (signals[i] == signal)
				sigaction(signal, &previous[i], NULL); /* and it comes again */
	errno = saved;
}

static void install(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal,
			       .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &sa, &previous[i]) < 0)
			install_error = -errno;
}

int signals_install(void)
{
	pthread_once(&once, install);
	return install_error;
}

/* ---- the stack of handlers ---- */
#define SIGNAL_STACK_SIZE (64u << 10)

int signals_stack_create(struct bt *bt)
{
	static _Atomic uint64_t serials;
	void *p = mmap(NULL, SIGNAL_STACK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	bt->signal_stack = p;
	bt->serial = ++serials;
	return 0;
}

/* The translator that has seen to it on this thread last. */
static _Thread_local uint64_t stack_of;

void signals_stack(struct bt *bt)
{
	stack_t s = {.ss_size = SIGNAL_STACK_SIZE}, old;

	if (stack_of == bt->serial)
		return;
	stack_of = bt->serial;
	if (sigaltstack(NULL, &old) < 0 || !(old.ss_flags & SS_DISABLE))
		return;
	s.ss_sp = bt->signal_stack;
	sigaltstack(&s, NULL);
}

void signals_stack_destroy(struct bt *bt)
{
	stack_t none = {.ss_flags = SS_DISABLE}, now;

	if (!bt->signal_stack)
		return;
	if (sigaltstack(NULL, &now) == 0 && now.ss_sp == bt->signal_stack)
		sigaltstack(&none, NULL);
	munmap(bt->signal_stack, SIGNAL_STACK_SIZE);
}
