/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -sandbox: once the machine is made, the process gives up what it needs no
 * more, so that a guest that takes over the monitor gains as little as can be.
 *
 * What is given up: system calls, by a seccomp filter that lets through a list
 * (sandbox_rules.h) for all threads; capabilities, and the way to new ones;
 * descriptors that the program was started with; being read by other processes
 * of the user (not dumpable). File names are left to a helper process
 * (sandbox_helper.h, host_files.h).
 *
 * The process has one sandbox, whatever machines are in it. Who needs something
 * new after the start says so in struct sandbox_needs, and sandbox_filter.c
 * knows what that takes; processes that an engine will run guest code in have
 * their place there, too: they are made by the helper or under a need of their
 * own, and get a filter of their own.
 */
#ifndef MONITOR_SANDBOX_H
#define MONITOR_SANDBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/report.h"

/*
 * Groups of system calls that users of QEMU's -sandbox know, and that can be
 * allowed by name: X(bit, name, help). Denied by default.
 */
#define SANDBOX_GROUPS(X)                                                                          \
	X(SANDBOX_OBSOLETE, "obsolete", "system calls that Linux has given up")                    \
	X(SANDBOX_PRIVILEGES, "elevateprivileges", "changing users, groups and capabilities")      \
	X(SANDBOX_SPAWN, "spawn", "new processes and programs")                                    \
	X(SANDBOX_RESOURCES, "resourcecontrol", "priorities, processor affinity and limits")

enum sandbox_group {
#define X(id, name, help) id,
	SANDBOX_GROUPS(X)
#undef X
	SANDBOX_GROUP_COUNT
};

#define SANDBOX_FILES 16

/* From the command line. */
struct sandbox_config {
	bool off;
	bool required;	  /* asked for: an error where the host has none */
	bool log;	  /* what is not on the list is logged by the kernel and done */
	unsigned allowed; /* bit n: group n is allowed */
	const char *files[SANDBOX_FILES]; /* the only folders for files; none: sandbox_paths.h */
	size_t file_count;
};

/* What the process goes on needing once it runs. */
struct sandbox_needs {
	bool window;   /* the window's libraries, which call what they like */
	bool accepts;  /* a server socket is open */
	bool kvm;      /* an engine of kvm/ is there, running or at rest */
	bool traces;   /* processes that run guest code are traced (direct/) */
	bool profiled; /* perf(1) or another process looks into this one */
};

/* Notes the descriptors that the program was started with. First thing in main(). */
void sandbox_note_descriptors(void);

/*
 * Makes ready: the helper, no new privileges. Before there are threads. Without
 * effect with config->off, or on a host that has no seccomp and where that is
 * not required. Returns 0, or -1 with *r.
 */
int sandbox_prepare(const struct sandbox_config *config, bool daemon, struct report *r);

/*
 * Enters the sandbox for all threads, for good. When the machine is made and
 * all its files are open. Returns 0, or -1 with *r when it was required.
 */
int sandbox_enter(const struct sandbox_needs *needs, struct report *r);

/*
 * pthread_create() with default attributes, for threads that may be started
 * before sandbox_enter(): the thread has dropped what it has to drop by itself
 * when this returns, for the filter would end it for trying later. Returns 0 or
 * an error number.
 */
int sandbox_thread_create(pthread_t *thread, void *(*run)(void *), void *arg);

/* Whether sandbox_enter() has succeeded. */
bool sandbox_entered(void);

/* What is in force, for people. */
void sandbox_describe(FILE *out);

/* ---- for sandbox_helper.c ---- */

/* Drops all capabilities but those that overrule a file's permissions. */
void sandbox_keep_file_capabilities(void);

#endif
