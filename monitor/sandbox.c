/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering the sandbox, step by step. What is in force is the process's, like
 * the filter itself.
 */
#include "monitor/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "monitor/host_files.h"
#include "monitor/sandbox_filter.h"
#include "monitor/sandbox_helper.h"

#define DESCRIPTORS 64
#define FILE_CAPABILITIES (1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH)

static struct {
	struct sandbox_config config;
	struct sandbox_needs needs;
	bool prepared, entered;
	int helper_fd;
	unsigned calls; /* let through */
	unsigned closed;
	int inherited[DESCRIPTORS]; /* what the program was started with, but for the standard ones */
	size_t inherited_count;
	char missing[128]; /* why there is no sandbox; empty: it was not wanted */
} sandbox = {.helper_fd = -1};

/* AddressSanitizer looks into the process from outside and reads /proc at its end. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* ---- descriptors ---- */

void sandbox_note_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir && sandbox.inherited_count < DESCRIPTORS && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir))
			sandbox.inherited[sandbox.inherited_count++] = fd;
	}
	if (dir)
		closedir(dir);
}

/*
 * Files named /dev/fd/N have been opened again. A Wayland socket may be given by
 * its number.
 */
static void close_inherited(void)
{
	if (sandbox.needs.window && getenv("WAYLAND_SOCKET"))
		return;
	for (size_t i = 0; i < sandbox.inherited_count; i++)
		sandbox.closed += close(sandbox.inherited[i]) == 0;
	sandbox.inherited_count = 0;
}

/* ---- capabilities ---- */

/* This thread's, and what it may get again. */
static void keep_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* fails without CAP_SETPCAP: no matter */
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t part = (uint32_t)(mask >> 32 * i);

		data[i].effective &= part;
		data[i].permitted &= part;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}

void sandbox_keep_file_capabilities(void)
{
	keep_capabilities(FILE_CAPABILITIES);
}

/* ---- life ---- */

/* There will be none: an error if it was asked for, else a line in the log. */
static int do_without(const char *why, int error, struct report *r)
{
	snprintf(sandbox.missing, sizeof(sandbox.missing), "%s: %s", why, strerror(error));
	sandbox.prepared = false;
	host_files_use_helper(-1);
	if (sandbox.config.required)
		return report_fail(r, "-sandbox on: %s", sandbox.missing);
	LOG(LOG_VM, "no sandbox: %s", sandbox.missing);
	return 0;
}

int sandbox_prepare(const struct sandbox_config *config, bool daemon, struct report *r)
{
	int error;

	sandbox.config = *config;
	if (config->off)
		return 0;
	error = SANITIZED ? -ENOTSUP : sandbox_filter_available();
	if (error)
		return do_without("this host lets no program filter its system calls", -error, r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return do_without("no_new_privs", errno, r);
	sandbox.helper_fd = sandbox_helper_start(config, daemon);
	if (sandbox.helper_fd < 0)
		return do_without("no helper process", -sandbox.helper_fd, r);
	host_files_use_helper(sandbox.helper_fd);
	sandbox.prepared = true;
	return 0;
}

struct thread_start {
	void *(*run)(void *);
	void *arg;
	sem_t ready;
};

static void prepare_thread(void)
{
	sigset_t set;

	if (!sandbox.prepared)
		return;
	/* One that is started in the sandbox has none. */
	if (!sandbox.entered)
		keep_capabilities(0);
	/* A violation here is to be told too. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *thread_main(void *arg)
{
	struct thread_start *start = arg, copy = {.run = start->run, .arg = start->arg};

	prepare_thread();
	sem_post(&start->ready); /* the creator's stack is its own again */
	return copy.run(copy.arg);
}

int sandbox_thread_create(pthread_t *thread, void *(*run)(void *), void *arg)
{
	struct thread_start start = {.run = run, .arg = arg};
	int error;

	sem_init(&start.ready, 0, 0);
	error = pthread_create(thread, NULL, thread_main, &start);
	while (!error && sem_wait(&start.ready) < 0)
		; /* a signal */
	sem_destroy(&start.ready);
	return error;
}

int sandbox_enter(const struct sandbox_needs *needs, struct report *r)
{
	int calls;

	if (!sandbox.prepared)
		return 0;
	sandbox.needs = *needs;
	tzset(); /* localtime_r() has its file now */
	host_files_seal();
	close_inherited();
	keep_capabilities(0);
	if (!needs->profiled)
		prctl(PR_SET_DUMPABLE, 0);
	calls = sandbox_filter_monitor(&sandbox.config, needs, sandbox.helper_fd);
	if (calls < 0)
		return do_without("the filter is refused", -calls, r);
	sandbox.calls = (unsigned)calls;
	sandbox.entered = true;
	LOG(LOG_VM, "sandbox: %d system calls allowed, %u descriptors closed", calls,
	    sandbox.closed);
	return 0;
}

bool sandbox_entered(void)
{
	return sandbox.entered;
}

/* ---- for people ---- */

void sandbox_describe(FILE *out)
{
	static const char *const groups[SANDBOX_GROUP_COUNT] = {
#define X(id, name, help) [id] = name,
		SANDBOX_GROUPS(X)
#undef X
	};
	uint64_t made, refused;

	if (!sandbox.entered) {
		fprintf(out, "sandbox: off%s%s\n", *sandbox.missing ? ", " : "", sandbox.missing);
		return;
	}
	host_files_count(&made, &refused);
	fprintf(out, "sandbox: on%s\n", sandbox.config.log ? ", violations are logged only" : "");
	fprintf(out, "system calls allowed: %u%s%s%s\n", sandbox.calls,
		sandbox.needs.window ? ", a window's among them" : "",
		sandbox.needs.accepts ? ", accept4" : "", sandbox.needs.kvm ? ", KVM's ioctl" : "");
	for (int i = 0; i < SANDBOX_GROUP_COUNT; i++)
		fprintf(out, "%s: %s\n", groups[i],
			sandbox.config.allowed >> i & 1 ? "allowed" : "denied");
	fprintf(out, "inherited descriptors closed: %u\n", sandbox.closed);
	fprintf(out, "file requests: %llu, refused: %llu\n", (unsigned long long)made,
		(unsigned long long)refused);
	for (size_t i = 0; i < sandbox.config.file_count; i++)
		fprintf(out, "files in: %s\n", sandbox.config.files[i]);
}
