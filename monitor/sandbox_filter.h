/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filters, made by libseccomp from the lists in sandbox_rules.h. */
#ifndef MONITOR_SANDBOX_FILTER_H
#define MONITOR_SANDBOX_FILTER_H

#include "monitor/sandbox.h"

/* Whether the host lets a process have a filter. Returns 0 or -errno. */
int sandbox_filter_available(void);

/*
 * Filters all threads of the process. helper_fd is the one socket on which
 * descriptors may be received; -1: none. Returns the number of system calls that are let
 * through in some form, or -errno.
 */
int sandbox_filter_monitor(const struct sandbox_config *config, const struct sandbox_needs *needs,
			   int helper_fd);

/* Filters the helper process. Returns 0 or -errno. */
int sandbox_filter_helper(void);

#endif
