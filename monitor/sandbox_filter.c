/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp filters (seccomp(2), libseccomp 2.5). Four answers:
 *
 *	allowed		what the lists name, some by their arguments
 *	an error	file names; clone3(), so that the C library takes clone(), whose
 *			flags a filter can see; with a window all that is on no list:
 *			its libraries call different things on each host, and all of
 *			them can cope with an error
 *	SIGSYS		the rest, which is a mistake of ours: the handler names the call
 *			and ends the program
 *	killed		what only an attacker does
 *
 * Filters cost time in each system call. libseccomp makes a binary tree of the
 * list (OPTIMIZE 2), and Linux from 5.11 on remembers which calls are allowed
 * whatever their arguments and does not run the filter for them.
 */
#include "monitor/sandbox_filter.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "direct/host_regs.h"
#include "kvm/kvm.h"
#include "monitor/sandbox_rules.h"
#include "monitor/terminal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NUMBERS 512 /* system calls whose names are known to the handler */

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* names of mappings */
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)
#define CLONE_OF_A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

/* Graphics drivers' ioctl() types: DRM, sync files, dma-buf, NVIDIA's. */
static const char window_ioctls[] = {'d', '>', 'b', 'F'};

struct rules {
	scmp_filter_ctx ctx;
	int error;	 /* the first one */
	unsigned allowed; /* system calls let through */
};

/* ---- adding rules ---- */

static void add(struct rules *r, uint32_t action, int number, unsigned count,
		const struct scmp_arg_cmp *args)
{
	int error;

	if (r->error || number == __NR_SCMP_ERROR)
		return;
	error = seccomp_rule_add_array(r->ctx, action, number, count, args);
	/* -EACCES: the default answer already. -EDOM: no call of this host's kind. */
	if (error && error != -EACCES && error != -EDOM)
		r->error = error;
}

static void add_list(struct rules *r, uint32_t action, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(r, action, list[i], 0, NULL);
	if (action == SCMP_ACT_ALLOW)
		r->allowed += (unsigned)count;
}

#define NUMBER(name) SCMP_SYS(name),
#define ADD_LIST(r, action, LIST)                                                                  \
	do {                                                                                       \
		static const int list[] = {LIST(NUMBER)};                                          \
												   \
		add_list(r, action, list, COUNT(list));                                            \
	} while (0)

static void allow_if(struct rules *r, int number, struct scmp_arg_cmp a)
{
	add(r, SCMP_ACT_ALLOW, number, 1, &a);
}

static void allow_values(struct rules *r, int number, unsigned arg, const uint64_t *values,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		allow_if(r, number, SCMP_CMP64(arg, SCMP_CMP_EQ, values[i]));
	r->allowed++;
}

/* ---- by argument ---- */

/*
 * Memory is never writable and executable at once. Without a window nothing new
 * becomes executable at all: the code cache is mapped before.
 */
static void add_memory(struct rules *r, bool window)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};

	for (size_t i = 0; i < COUNT(calls); i++) {
		allow_if(r, calls[i], SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		if (window)
			allow_if(r, calls[i], SCMP_CMP64(2, SCMP_CMP_MASKED_EQ,
							 PROT_EXEC | PROT_WRITE, PROT_EXEC));
		r->allowed++;
	}
}

/* Threads of this process, and none that lives in namespaces of its own. */
static void add_threads(struct rules *r, bool spawn)
{
	if (spawn) {
		add(r, SCMP_ACT_ALLOW, SCMP_SYS(clone), 0, NULL);
	} else {
		allow_if(r, SCMP_SYS(clone),
			 SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_OF_A_THREAD | CLONE_NAMESPACES,
				    CLONE_OF_A_THREAD));
		add(r, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
		    &(struct scmp_arg_cmp){0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0});
	}
	add(r, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	allow_if(r, SCMP_SYS(tgkill), SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)getpid()));
	/* The handler below stays. */
	allow_if(r, SCMP_SYS(rt_sigaction), SCMP_CMP64(0, SCMP_CMP_NE, SIGSYS));
	r->allowed += 3;
}

static void add_terminals_and_files(struct rules *r)
{
	/* Not TIOCSTI, which types for the user. */
	static const uint64_t ioctls[] = {TCGETS,     TCSETS,	 TCSETSW,   TCSETSF, TCFLSH,
					  TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO};
	static const uint64_t fcntls[] = {F_GETFL,   F_SETFL,	  F_GETFD,	   F_SETFD,
					  F_OFD_SETLK, F_OFD_GETLK, F_DUPFD_CLOEXEC};

	allow_values(r, SCMP_SYS(ioctl), 1, ioctls, COUNT(ioctls));
	allow_values(r, SCMP_SYS(fcntl), 1, fcntls, COUNT(fcntls));
	/* fstat() of the C library: no name but "". */
	add(r, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
	    &(struct scmp_arg_cmp){3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH});
	add(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
	    &(struct scmp_arg_cmp){3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0});
	r->allowed++;
}

static void add_process(struct rules *r)
{
	static const uint64_t bases[] = {ARCH_SET_GS, ARCH_SET_FS, ARCH_GET_GS, ARCH_GET_FS,
					 ARCH_SET_CPUID};
	static const uint64_t names[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};

	allow_values(r, SCMP_SYS(arch_prctl), 0, bases, COUNT(bases));
	allow_values(r, SCMP_SYS(prctl), 0, names, COUNT(names));
	/* Limits are read, not set. */
	allow_if(r, SCMP_SYS(prlimit64), SCMP_CMP64(2, SCMP_CMP_EQ, 0));
	r->allowed++;
}

static void add_sockets(struct rules *r, const struct sandbox_needs *needs, int helper_fd)
{
	/* send(), to whom the socket is connected with. */
	allow_if(r, SCMP_SYS(sendto), SCMP_CMP64(4, SCMP_CMP_EQ, 0));
	r->allowed++;
	if (needs->accepts) {
		add(r, SCMP_ACT_ALLOW, SCMP_SYS(accept4), 0, NULL);
		r->allowed++;
	}
	if (!needs->window && helper_fd >= 0) {
		allow_if(r, SCMP_SYS(recvmsg), SCMP_CMP64(0, SCMP_CMP_EQ, (uint64_t)helper_fd));
		r->allowed++;
	}
}

/* By request, whatever the descriptor: they fail on all but KVM's. */
static void add_kvm(struct rules *r)
{
	size_t count;
	const uint64_t *requests = kvm_requests(&count);

	for (size_t i = 0; i < count; i++)
		allow_if(r, SCMP_SYS(ioctl), SCMP_CMP64(1, SCMP_CMP_EQ, requests[i]));
}

/* Breakpoints of processes that are traced, and nothing else of theirs. */
static void add_debug_registers(struct rules *r)
{
	static const unsigned registers[] = {0, 1, 2, 3, 7};

	for (size_t i = 0; i < COUNT(registers); i++) {
		const struct scmp_arg_cmp is[] = {
		    {0, SCMP_CMP_EQ, PTRACE_POKEUSER, 0},
		    {2, SCMP_CMP_EQ, offsetof(struct user, u_debugreg[registers[i]]), 0},
		};

		add(r, SCMP_ACT_ALLOW, SCMP_SYS(ptrace), COUNT(is), is);
	}
}

/*
 * Processes that are traced already are run, and stopped by a signal that is
 * ignored by default. No other can be attached to.
 */
static void add_tracing(struct rules *r, const struct sandbox_needs *needs)
{
	static const uint64_t requests[] = {PTRACE_CONT,	PTRACE_SYSEMU, PTRACE_SYSEMU_SINGLESTEP,
					    PTRACE_GETREGS,	PTRACE_SETREGS,
					    PTRACE_SET_THREAD_AREA, PTRACE_GETFPREGS,	PTRACE_SETFPREGS,
					    PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO, PTRACE_KILL};

	static const uint64_t hostile[] = {PTRACE_ATTACH,   PTRACE_SEIZE,    PTRACE_PEEKTEXT,
					   PTRACE_PEEKDATA, PTRACE_POKETEXT, PTRACE_POKEDATA};

	if (!needs->traces) {
		add(r, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ptrace), 0, NULL);
		return;
	}
	for (size_t i = 0; i < COUNT(hostile); i++)
		add(r, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ptrace), 1,
		    &(struct scmp_arg_cmp){0, SCMP_CMP_EQ, hostile[i], 0});
	allow_values(r, SCMP_SYS(ptrace), 0, requests, COUNT(requests));
	add_debug_registers(r);
	allow_if(r, SCMP_SYS(tgkill), SCMP_CMP64(2, SCMP_CMP_EQ, SIGURG));
	add(r, SCMP_ACT_ALLOW, SCMP_SYS(wait4), 0, NULL);
	r->allowed++;
}

static void add_window(struct rules *r)
{
	static const uint64_t fcntls[] = {F_ADD_SEALS, F_GET_SEALS, F_DUPFD, F_GETLK, F_SETLK};

	ADD_LIST(r, SCMP_ACT_ALLOW, SANDBOX_WINDOW);
	for (size_t i = 0; i < COUNT(window_ioctls); i++)
		allow_if(r, SCMP_SYS(ioctl), SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xff00,
							(uint64_t)window_ioctls[i] << 8));
	for (size_t i = 0; i < COUNT(fcntls); i++)
		allow_if(r, SCMP_SYS(fcntl), SCMP_CMP64(1, SCMP_CMP_EQ, fcntls[i]));
}

static void add_groups(struct rules *r, unsigned allowed, const struct sandbox_needs *needs)
{
	uint32_t action[SANDBOX_GROUP_COUNT];

	for (unsigned i = 0; i < SANDBOX_GROUP_COUNT; i++)
		action[i] = allowed >> i & 1 ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;
	/* Libraries try these without being any the worse for a no. */
	if (action[SANDBOX_RESOURCES] != SCMP_ACT_ALLOW)
		action[SANDBOX_RESOURCES] = SCMP_ACT_ERRNO(EPERM);
	ADD_LIST(r, action[SANDBOX_OBSOLETE], SANDBOX_OBSOLETE_CALLS);
	ADD_LIST(r, action[SANDBOX_PRIVILEGES], SANDBOX_PRIVILEGE_CALLS);
	ADD_LIST(r, action[SANDBOX_SPAWN], SANDBOX_SPAWN_CALLS);
	ADD_LIST(r, action[SANDBOX_RESOURCES], SANDBOX_RESOURCE_CALLS);
	/* Traced processes and the thread that traces them share a processor. */
	add(r, needs->traces ? SCMP_ACT_ALLOW : action[SANDBOX_RESOURCES],
	    SCMP_SYS(sched_setaffinity), 0, NULL);
	if (allowed >> SANDBOX_SPAWN & 1 && !needs->traces)
		add(r, SCMP_ACT_ALLOW, SCMP_SYS(wait4), 0, NULL);
	if (allowed >> SANDBOX_RESOURCES & 1)
		add(r, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 0, NULL);
}

/* ---- making a filter ---- */

static void begin(struct rules *r, uint32_t otherwise)
{
	*r = (struct rules){.ctx = seccomp_init(otherwise)};
	if (!r->ctx) {
		r->error = -ENOMEM;
		return;
	}
	/* 32-bit system calls and x32 of this process: nobody here makes any. */
	seccomp_attr_set(r->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	r->error = seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/*
	 * Kernels before 5.16 would slow loads after stores down (speculative
	 * store bypass); there is nothing in this process that guest code could
	 * not as well read by taking it over, which is what a sandbox is for.
	 */
	seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(r->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static int load(struct rules *r)
{
	int error = r->error;

	if (!error)
		error = seccomp_load(r->ctx);
	if (r->ctx)
		seccomp_release(r->ctx);
	return error;
}

/* ---- the handler ---- */

/* Filled before the filter is: nothing can be looked up or allocated in the handler. */
static const char *names[NUMBERS];

static size_t put(char *out, size_t at, size_t size, const char *text)
{
	while (*text && at < size)
		out[at++] = *text++;
	return at;
}

/* The program has made a system call that it has no need of: says which, and ends. */
static void on_violation(int number, siginfo_t *info, void *context)
{
	const char *name = info->si_syscall >= 0 && info->si_syscall < NUMBERS
				   ? names[info->si_syscall] : NULL;
	char line[256], digits[12];
	unsigned n = (unsigned)info->si_syscall;
	size_t at = 0, d = sizeof(digits) - 1;

	digits[d] = 0;
	do
		digits[--d] = (char)('0' + n % 10);
	while (n /= 10);
	at = put(line, at, sizeof(line), "transvisor: ended by its sandbox: system call ");
	at = put(line, at, sizeof(line), digits + d);
	at = put(line, at, sizeof(line), name ? " (" : "");
	at = put(line, at, sizeof(line), name ? name : "");
	at = put(line, at, sizeof(line), name ? ")" : "");
	at = put(line, at, sizeof(line),
		 " is none that it needs; -sandbox off runs without, please report it\n");
	terminal_restore();
	if (write(STDERR_FILENO, line, at) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

static void install_handler(void)
{
	struct sigaction sa = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigset_t set;

	for (int i = 0; i < NUMBERS && !names[NUMBERS - 1]; i++) {
		if (!names[i])
			names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
	}
	sigfillset(&sa.sa_mask);
	sigaction(SIGSYS, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the two filters ---- */

int sandbox_filter_available(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

int sandbox_filter_monitor(const struct sandbox_config *config, const struct sandbox_needs *needs,
			   int helper_fd)
{
	uint32_t otherwise = config->log      ? SCMP_ACT_LOG
			     : needs->window ? SCMP_ACT_ERRNO(EPERM)
					     : SCMP_ACT_TRAP;
	struct rules r;
	int error;

	begin(&r, otherwise);
	ADD_LIST(&r, SCMP_ACT_ALLOW, SANDBOX_ALWAYS);
	add_memory(&r, needs->window);
	add_threads(&r, config->allowed >> SANDBOX_SPAWN & 1);
	add_terminals_and_files(&r);
	add_process(&r);
	add_sockets(&r, needs, helper_fd);
	if (needs->kvm)
		add_kvm(&r);
	if (needs->window)
		add_window(&r);
	ADD_LIST(&r, SCMP_ACT_ERRNO(EACCES), SANDBOX_NO_ACCESS);
	ADD_LIST(&r, SCMP_ACT_KILL_PROCESS, SANDBOX_HOSTILE);
	add_tracing(&r, needs);
	add_groups(&r, config->allowed, needs);
	install_handler();
	error = load(&r);
	return error ? error : (int)r.allowed;
}

int sandbox_filter_helper(void)
{
	struct rules r;

	begin(&r, SCMP_ACT_KILL_PROCESS);
	ADD_LIST(&r, SCMP_ACT_ALLOW, SANDBOX_HELPER);
	allow_if(&r, SCMP_SYS(mmap), SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	allow_if(&r, SCMP_SYS(fcntl), SCMP_CMP64(1, SCMP_CMP_EQ, F_SETFL));
	return load(&r);
}
