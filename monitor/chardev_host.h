/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back ends for struct chardev: terminal, file, pipe, pty, TCP and unix
 * sockets, and the mux that lets several users share one of them.
 *
 * One I/O thread a machine does all reading and writing. Bytes from outside
 * reach the device on the machine thread through post(); bytes to the outside
 * go to a bounded queue, so that no client, however slow, stops the guest.
 */
#ifndef MONITOR_CHARDEV_HOST_H
#define MONITOR_CHARDEV_HOST_H

#include <stdio.h>

#include "base/report.h"
#include "devices/chardev.h"
#include "monitor/vm.h"

struct chardev_host;

struct chardev_host_ops {
	/* Runs fn(arg) on the machine thread. Called from the I/O thread. */
	void (*post)(void *opaque, void (*fn)(void *arg), void *arg);
	/* Ctrl-A x: the user wants out. On the machine thread. */
	void (*quit)(void *opaque);
	void *opaque;
};

/* Starts the I/O thread. Returns NULL with *r. */
struct chardev_host *chardev_host_create(const struct chardev_host_ops *ops, struct report *r);

/*
 * Writes out what is queued (waiting a second for a slow reader), ends the
 * thread and frees everything, the front ends too. Call it when posted
 * functions run no more.
 */
void chardev_host_destroy(struct chardev_host *h);

/*
 * Opens a back end, or joins the one with the same id if it is a mux. option
 * is how the user named it, for messages ("-serial"). label names it in
 * `info chardev` ("serial0"). *out is the front end, owned by the host; NULL
 * for CHARDEV_NONE. Before vm_run() or on the machine thread. Returns 0, or -1
 * with *r.
 */
int chardev_host_open(struct chardev_host *h, const struct chardev_config *config,
		      const char *option, const char *label, struct chardev **out,
		      struct report *r);

/* Calls fn with one line a front end: "serial0: filename=stdio". */
void chardev_host_list(struct chardev_host *h, void (*fn)(void *arg, const char *line), void *arg);

#endif
