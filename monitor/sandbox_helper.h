/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox's helper: a small process, forked before there are threads or a
 * guest, that opens files for the monitor, which cannot itself any more.
 *
 * Why a process: a seccomp filter sees numbers, not the names that pointers
 * point to, so it can only forbid opening altogether. Landlock knows names, but
 * has to be told beforehand which folders are fine, and can except nothing in
 * them: a home folder only with the keys and start-up files in it, and not on
 * all hosts. Here rules are a function (sandbox_paths.h). The helper knows only
 * requests of one fixed form on one socket, holds nothing of the guest, and has
 * a filter of its own. It ends with the monitor, by whatever end that comes to.
 */
#ifndef MONITOR_SANDBOX_HELPER_H
#define MONITOR_SANDBOX_HELPER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct sandbox_config;

/* The MAY ones are refused after HELPER_SEAL. */
enum helper_op {
	HELPER_OPEN,
	HELPER_STAT,
	HELPER_LSTAT,
	HELPER_UNLINK,
	HELPER_TEMPORARY,
	HELPER_CONNECT,
	HELPER_MAY_UNLINK,
	HELPER_MAY_CONNECT,
	HELPER_MAY_USE_FOLDER_OF,
	HELPER_SEAL,
};

/* One packet each. `length` bytes of data, a path's with its end. */
struct helper_request {
	uint32_t op;
	int32_t flags;
	uint32_t mode;
	uint32_t length;
	char data[PATH_MAX];
};

/* With the descriptor of what was opened, by SCM_RIGHTS. */
struct helper_reply {
	int32_t error; /* 0 or an errno value */
	bool refused;  /* by a rule of ours, not by the host */
	struct stat stat;
};

/*
 * Starts the helper; `daemon`: relative names are to be taken from "/" (as
 * -daemonize promises). Returns the socket to it, or -errno.
 */
int sandbox_helper_start(const struct sandbox_config *config, bool daemon);

#endif
