/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line. It is qemu-system-i386's: one or two dashes, options in
 * any order; everything is read first and resolved then, so that nothing
 * depends on the order but what QEMU lets depend on it (the last -m wins).
 */
#ifndef MONITOR_OPTIONS_H
#define MONITOR_OPTIONS_H

#include <stdio.h>

#include "base/report.h"
#include "monitor/sandbox.h"
#include "monitor/vm.h"

/* Version of the command line that tools look for; ours stands behind it. */
#define OPTIONS_QEMU_VERSION "7.2.0"
#ifndef TRANSVISOR_VERSION
#define TRANSVISOR_VERSION "0.1.0"
#endif

enum options_result {
	OPTIONS_RUN,   /* create the machine and run it */
	OPTIONS_DONE,  /* -help, -version, a list: printed, exit with 0 */
	OPTIONS_ERROR, /* *r says what; exit with 1 */
};

struct options_strings; /* memory that the configuration points to */

struct options {
	struct vm_config vm;
	const char *pidfile;
	const char *log_items, *log_file; /* -d, -D */
	bool daemonize;
	struct sandbox_config sandbox; /* the process's, not the machine's */
	struct options_strings *strings;
};

/* Lists and help go to out. Free with options_free() whatever it returns. */
enum options_result options_parse(struct options *o, int argc, char **argv, FILE *out,
				  struct report *r);
void options_free(struct options *o);

#endif
