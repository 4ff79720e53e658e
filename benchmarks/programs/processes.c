/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work with several processes, after lmbench's lat_proc, lat_pipe and lat_ctx. All
 * of a row's processes stay on one processor, as a guest has no other.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING_LIMIT 8

static void one_processor(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void wait_for(pid_t child)
{
	int status;

	if (child < 0)
		fail("fork");
	if (waitpid(child, &status, 0) != child || status)
		fail("waitpid");
}

static void fork_exit_run(long n)
{
	while (n--) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		wait_for(child);
	}
}

static void fork_exec_run(long n)
{
	while (n--) {
		pid_t child = fork();

		if (!child) {
			execl("/proc/self/exe", "programs", "--nothing", (char *)NULL);
			_exit(1);
		}
		wait_for(child);
	}
}

/* ---- a ring of processes, each with its pipe to the next ---- */

static int ring_in, ring_out;

static void pass(int from, int to)
{
	char token;

	if (read(from, &token, 1) != 1 || write(to, &token, 1) != 1)
		fail("pipe");
}

static void ring_prepare(int processes)
{
	int pipes[RING_LIMIT][2];

	one_processor();
	for (int i = 0; i < processes; i++)
		if (pipe(pipes[i]) < 0)
			fail("pipe");
	/* Process 0 is this one: it writes pipe 0, process i reads pipe i - 1. */
	for (int i = 1; i < processes; i++)
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pass(pipes[i - 1][0], pipes[i][1]);
		}
	ring_in = pipes[processes - 1][0];
	ring_out = pipes[0][1];
}

static void ring_run(long n)
{
	char token = 0;

	while (n--)
		if (write(ring_out, &token, 1) != 1 || read(ring_in, &token, 1) != 1)
			fail("pipe");
}

/* lmbench's pipe latency: there and back. */
static void pipe_prepare(void)
{
	ring_prepare(2);
}

/*
 * lmbench's context switch: one process's part of a round, less what a write and a
 * read of a pipe cost without a switch.
 */
static double pipe_alone; /* ns */
static int ring_processes;

static void switch_prepare(int processes)
{
	ring_prepare(1);
	for (int i = 0; i < 20; i++) {
		double start = now(), alone;

		ring_run(100);
		alone = (now() - start) / 100 * 1e9;
		if (!i || alone < pipe_alone)
			pipe_alone = alone;
	}
	ring_prepare(processes);
	ring_processes = processes;
}

static void switch2_prepare(void)
{
	switch_prepare(2);
}

static void switch8_prepare(void)
{
	switch_prepare(8);
}

static double switch_correct(double nanoseconds)
{
	return nanoseconds / ring_processes - pipe_alone;
}

const struct row process_rows[] = {
    {"fork_exit", one_processor, fork_exit_run, NULL},
    {"fork_exec", one_processor, fork_exec_run, NULL},
    {"pipe", pipe_prepare, ring_run, NULL},
    {"switch2", switch2_prepare, ring_run, switch_correct},
    {"switch8", switch8_prepare, ring_run, switch_correct},
    {0},
};
