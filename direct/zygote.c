/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zygote: forked from the monitor, traced by the machine thread, it has given
 * up its memory, its descriptors but those of guest memory, and most
 * system calls. fork(2) of so little is cheap.
 *
 * CPUID faults in it and all that comes from it, where the host's processor can have it do so
 * (arch_prctl(2) ARCH_SET_CPUID), and RDTSC (prctl(2) PR_SET_TSC), where that costs little.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "direct/direct_internal.h"

bool direct_lacks(struct direct *d, const char *what, int error)
{
	snprintf(d->missing, sizeof(d->missing), "%s%s%s", what, error ? ": " : "",
		 error ? strerror(error) : "");
	LOG(LOG_VM, "no direct execution: %s", d->missing);
	d->usable = false;
	return false;
}

/* ---- the trampoline's page ---- */

/*
 * What mappers and the zygote may call; the rest stops them. A guest task has
 * a second filter, which stops it at every call.
 */
static const uint16_t mapper_calls[] = {SYS_mmap,  SYS_munmap,	SYS_mprotect,
					SYS_clone, SYS_seccomp, SYS_exit_group};
#define MAPPER_CALLS (sizeof(mapper_calls) / sizeof(mapper_calls[0]))

static void make_mapper_filter(struct sock_filter *f)
{
	unsigned n = 0, end = 3 + (unsigned)MAPPER_CALLS;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
					      (uint8_t)(end - 2));
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < MAPPER_CALLS; i++, n++)
		f[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mapper_calls[i],
						    (uint8_t)(end - n), 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	f[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void make_trampoline(struct direct *d)
{
	struct trampoline *t = direct_trampoline(d);
	struct sock_filter *f = (struct sock_filter *)t->guest_filter;

	_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t) &&
			   sizeof(struct sock_fprog) == sizeof(t->mapper_program) &&
			   MAPPER_CALLS + 5 <= FILTER_MAX && sizeof(*t) <= PAGE_SIZE,
		       "struct trampoline");
	t->flags[0] = FL_1 | FL_IF;
	t->flags[1] = FL_1 | FL_IF | FL_ID;
	memcpy(t->code, direct_code, (size_t)(direct_code_end - direct_code));
	make_mapper_filter((struct sock_filter *)t->mapper_filter);
	t->mapper_program.len = MAPPER_CALLS + 5;
	t->mapper_program.filter = TRAMPOLINE + offsetof(struct trampoline, mapper_filter);
	*f = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	t->guest_program.len = 1;
	t->guest_program.filter = TRAMPOLINE + offsetof(struct trampoline, guest_filter);
}

static bool make_control(struct direct *d)
{
	d->control = memfd_create("direct-control", MFD_CLOEXEC);
	if (d->control < 0 || ftruncate(d->control, (off_t)CONTROL_BYTES) < 0)
		return direct_lacks(d, "memfd_create", errno);
	d->control_host =
	    mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, d->control, 0);
	if (d->control_host == MAP_FAILED) {
		d->control_host = NULL;
		return direct_lacks(d, "mmap", errno);
	}
	make_trampoline(d);
	return true;
}

/* ---- in the child ---- */
#define FDS_MAX 80

struct fd_list {
	int fds[FDS_MAX];
	unsigned count;
};

/* In order. */
static void keep_fd(void *arg, int fd)
{
	struct fd_list *l = arg;
	unsigned i = l->count;

	if (l->count == FDS_MAX)
		return;
	for (; i && l->fds[i - 1] > fd; i--)
		l->fds[i] = l->fds[i - 1];
	l->fds[i] = fd;
	l->count++;
}

static void close_others(const struct fd_list *keep)
{
	unsigned from = 0;

	for (unsigned i = 0; i < keep->count; i++) {
		if ((unsigned)keep->fds[i] > from)
			syscall(SYS_close_range, from, keep->fds[i] - 1, 0);
		from = (unsigned)keep->fds[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
}

/* The kernel would write to memory that is not there any more. */
static void forget_thread(void)
{
#ifdef RSEQ_SIG
	char *self = __builtin_thread_pointer();

	if (__rseq_size)
		syscall(SYS_rseq, self + __rseq_offset, 32, 1 /* unregister */, RSEQ_SIG);
#endif
	syscall(SYS_set_tid_address, NULL);
	syscall(SYS_set_robust_list, NULL, 24);
}

/* The monitor gives its own up as well, and a task with more is not its to place. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capset, &header, none) == 0;
}

/*
 * What the monitor's library has left in AVX and AVX-512 registers goes: guests have none of it,
 * and while upper halves are in use, each SSE instruction waits for what its register held.
 * (XRSTOR initializes what it is asked for and finds not to be in the area; SDM 1 13.8.)
 */
static void forget_vectors(void)
{
	enum { AVX = 1u << 2, AVX512 = 7u << 5 };
	static struct {
		uint8_t x87[24];
		uint32_t mxcsr; /* is loaded with AVX */
		uint8_t legacy[484], header[64];
	} __attribute__((aligned(64))) area = {.mxcsr = 0x1f80};

	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("xrstor64 %0" : : "m"(area), "a"(AVX | AVX512), "d"(0));
}

static bool map_trampoline(const struct direct *d)
{
	return mmap((void *)TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_EXEC,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, d->control, 0) != MAP_FAILED &&
	       mmap((void *)TRAMPOLINE_CALLS, CALLS_BYTES, PROT_READ,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, d->control,
		    (off_t)calls_offset(0)) != MAP_FAILED;
}

/* Nothing here may allocate or lock: the monitor has other threads. Exits tell what failed. */
static _Noreturn void child_main(struct direct *d, const struct fd_list *keep)
{
	sigset_t none;

	setsid();
	prctl(PR_SET_NAME, "transvisor-stub");
	prctl(PR_SET_DUMPABLE, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	if (!drop_capabilities())
		_exit(5);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(2);
	if (!map_trampoline(d))
		_exit(3);
	close_others(keep);
	forget_thread();
	/* Its children are waited for by who traces them; as its own they would stay zombies. */
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	forget_vectors();
	raise(SIGSTOP);
	_exit(4);
}

static const char *const child_failures[] = {
    "",
    "no_new_privs",
    "ptrace(2) is not allowed",
    "no room at the trampoline's address",
    "the zygote went on",
    "capset",
};

#define CHILD_FAILURES ((int)(sizeof(child_failures) / sizeof(child_failures[0])))

/* ---- making it ---- */

static bool fork_zygote(struct direct *d)
{
	struct fd_list keep = {0};
	int status;

	keep_fd(&keep, d->control);
	physmem_for_each_fd(d->cpu->mem, keep_fd, &keep);
	d->zygote = fork();
	if (d->zygote == 0)
		child_main(d, &keep);
	if (d->zygote < 0) {
		d->zygote = 0;
		return direct_lacks(d, "fork", errno);
	}
	if (task_wait(d->zygote, &status))
		return true;
	d->zygote = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) < CHILD_FAILURES)
		return direct_lacks(d, child_failures[WEXITSTATUS(status)], 0);
	return direct_lacks(d, "the zygote died", 0);
}

static bool set_options(struct direct *d)
{
	const struct user_regs_struct *r = &d->template;
	long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK;

	if (ptrace(PTRACE_SETOPTIONS, d->zygote, NULL, options) < 0)
		return direct_lacks(d, "ptrace options", errno);
	if (!task_regs(d->zygote, &d->template))
		return direct_lacks(d, "ptrace registers", errno);
	d->template = (struct user_regs_struct){
	    .cs = r->cs, .ss = r->ss, .eflags = FL_1 | FL_IF, .orig_rax = ~0ull};
	return true;
}

static void put(struct stub_call *c, uint64_t number, uint64_t a, uint64_t b, uint64_t e)
{
	*c = (struct stub_call){.number = number, .args = {a, b, e}};
}

/* Whether a breakpoint stops the zygote, in front of the trampoline's first instruction. */
static bool breakpoints_work(struct direct *d)
{
	struct guards g = {.address = {TRAMPOLINE}, .used = {true}, .changed = true};
	struct user_regs_struct regs = d->template;
	siginfo_t info;
	int status;
	bool stopped;

	regs.rip = TRAMPOLINE;
	stopped = guards_load(d->zygote, &g) && task_set_regs(d->zygote, &regs) &&
		  task_continue(d->zygote) && task_wait(d->zygote, &status) &&
		  WSTOPSIG(status) == SIGTRAP &&
		  ptrace(PTRACE_GETSIGINFO, d->zygote, NULL, &info) == 0 &&
		  info.si_code == TRAP_HWBKPT;
	g = (struct guards){.changed = true};
	return guards_load(d->zygote, &g) && stopped;
}

/*
 * That RDTSC faults is a bit of CR4, which changes at each turn between a stub and the machine
 * thread, and where the host is a guest itself, that may be its hypervisor's to do (KVM intercepts
 * it with AMD-V): 11 of 20 us a turn. A guard costs 2 us, and only where it is.
 */
#define TSC_FAULT_MOST_NS 2000

static bool set_tsc(struct direct *d, int how)
{
	struct stub_call *c = calls_at(d, 0);
	int64_t result;
	pid_t child;

	put(c, SYS_prctl, PR_SET_TSC, (uint64_t)how, 0);
	return task_perform(d, d->zygote, c, 1, &result, &child);
}

static bool call_nothing(void *arg)
{
	struct direct *d = arg;
	int64_t result;
	pid_t child;

	put(calls_at(d, 0), SYS_getpid, 0, 0, 0);
	return task_perform(d, d->zygote, calls_at(d, 0), 1, &result, &child);
}

/* Whether it had better fault; it does then. */
static bool tsc_shall_fault(struct direct *d)
{
	bool by_cost = d->guards && d->tsc_choice == TSC_BY_COST;
	uint64_t plain = by_cost ? turn_time(call_nothing, d) : 0, faulting;

	if (d->tsc_choice == TSC_BY_GUARDS || !set_tsc(d, PR_TSC_SIGSEGV))
		return false;
	if (!by_cost)
		return true;
	faulting = turn_time(call_nothing, d);
	LOG(LOG_VM, "a turn takes %llu ns, where RDTSC faults %llu", (unsigned long long)plain,
	    (unsigned long long)faulting);
	return faulting < plain + TSC_FAULT_MOST_NS;
}

static void choose_tsc(struct direct *d)
{
	placement_hold(d, d->zygote, true);
	d->tsc_faults = tsc_shall_fault(d);
	placement_hold(d, d->zygote, false);
	if (!d->tsc_faults)
		set_tsc(d, PR_TSC_ENABLE);
}

/* Everything but the trampoline goes, and then what it could get other things with. */
static bool strip(struct direct *d)
{
	struct stub_call *c = calls_at(d, 0);
	uint64_t end = TRAMPOLINE_CALLS + CALLS_BYTES;
	unsigned n = 0;
	int64_t result;
	pid_t child;

	put(&c[n++], SYS_munmap, 0, TRAMPOLINE, 0);
	put(&c[n++], SYS_munmap, end, USER_END - end, 0);
	if (d->cpuid_faults)
		put(&c[n++], SYS_arch_prctl, ARCH_SET_CPUID, 0, 0);
	put(&c[n++], SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	    TRAMPOLINE + offsetof(struct trampoline, mapper_program));
	if (task_perform(d, d->zygote, c, n, &result, &child))
		return true;
	return direct_lacks(d, "the zygote cannot give up its memory", (int)-result);
}

bool zygote_make(struct direct *d)
{
	if (!make_control(d) || !fork_zygote(d) || !set_options(d))
		return false;
	d->guards = !d->no_guards && breakpoints_work(d);
	d->cpuid_faults = !d->no_cpuid_faults && host_cpuid_can_fault();
	choose_tsc(d);
	return strip(d);
}

void zygote_destroy(struct direct *d)
{
	task_kill(d->zygote);
	d->zygote = 0;
	if (d->control_host)
		munmap(d->control_host, CONTROL_BYTES);
	if (d->control >= 0)
		close(d->control);
}
