/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traced tasks: ptrace(2) and wait4(2), by the thread that traces them. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host_time.h"
#include "direct/direct_internal.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

bool task_wait(pid_t task, int *status)
{
	pid_t got;

	do
		got = wait4(task, status, __WALL, NULL);
	while (got < 0 && errno == EINTR);
	return got == task && WIFSTOPPED(*status);
}

bool task_regs(pid_t task, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, task, NULL, regs) == 0;
}

bool task_set_regs(pid_t task, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, task, NULL, regs) == 0;
}

bool task_continue(pid_t task)
{
	return ptrace(PTRACE_CONT, task, NULL, NULL) == 0;
}

bool task_run_guest(pid_t task)
{
	return ptrace(PTRACE_SYSEMU, task, NULL, NULL) == 0;
}

bool task_step_guest(pid_t task)
{
	return ptrace(PTRACE_SYSEMU_SINGLESTEP, task, NULL, NULL) == 0;
}

bool task_at_call(int status)
{
	return status >> 16 == PTRACE_EVENT_SECCOMP || WSTOPSIG(status) == (SIGTRAP | 0x80);
}

void task_kill(pid_t task)
{
	int status;

	if (task <= 0)
		return;
	ptrace(PTRACE_KILL, task, NULL, NULL);
	while (wait4(task, &status, __WALL, NULL) == task && WIFSTOPPED(status))
		ptrace(PTRACE_KILL, task, NULL, NULL);
}

#define TURNS 16

uint64_t turn_time(bool (*turn)(void *arg), void *arg)
{
	uint64_t least = UINT64_MAX;

	for (unsigned n = 0; n < TURNS; n++) {
		uint64_t begin = host_time_ns(), took;

		if (!turn(arg))
			break;
		took = host_time_ns() - begin;
		least = took < least ? took : least;
	}
	return least;
}

/* Runs until its own INT3; signals from elsewhere are none of its business. */
static bool run_to_trap(pid_t task, pid_t *child)
{
	unsigned long message;
	int status;

	for (;;) {
		if (!task_continue(task) || !task_wait(task, &status))
			return false;
		if (status >> 16 == PTRACE_EVENT_SECCOMP)
			return false;
		if (status >> 16 && ptrace(PTRACE_GETEVENTMSG, task, NULL, &message) == 0)
			*child = (pid_t)message;
		else if (WSTOPSIG(status) == SIGTRAP)
			return true;
	}
}

bool task_set_id(struct direct *d, pid_t task, bool on)
{
	struct user_regs_struct regs = d->template;
	pid_t child;

	regs.rip = TRAMPOLINE + (uint64_t)(direct_popf - direct_code);
	regs.rsp = TRAMPOLINE + offsetof(struct trampoline, flags) + on * sizeof(uint64_t);
	return task_set_regs(task, &regs) && run_to_trap(task, &child);
}

bool task_perform_again(pid_t task, struct stub_call *list, unsigned count, int64_t *result,
			pid_t *child)
{
	struct user_regs_struct regs;

	*child = 0;
	for (unsigned i = 0; i < count; i++)
		list[i].more = i + 1 < count;
	if (!run_to_trap(task, child) || !task_regs(task, &regs))
		return false;
	*result = (int64_t)regs.rax;
	return regs.rbx == TRAMPOLINE_CALLS + count * sizeof(*list);
}

bool task_perform(struct direct *d, pid_t task, struct stub_call *list, unsigned count,
		  int64_t *result, pid_t *child)
{
	struct user_regs_struct regs = d->template;

	regs.rip = TRAMPOLINE;
	regs.rbx = TRAMPOLINE_CALLS;
	return task_set_regs(task, &regs) && task_perform_again(task, list, count, result, child);
}
