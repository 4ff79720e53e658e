/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor: QEMU's command language over a chardev. Commands run on
 * the machine thread, between guest instructions.
 */
#ifndef MONITOR_HMP_H
#define MONITOR_HMP_H

#include <stdio.h>

#include "devices/chardev.h"
#include "monitor/vm.h"

struct hmp;

/*
 * Serves a monitor on a front end; NULL where commands come by hmp_execute()
 * alone. Before vm_run() or on the machine thread. NULL: no memory.
 */
struct hmp *hmp_create(struct vm *vm, struct chardev *c);
/* Before the machine goes. NULL is no session. */
void hmp_destroy(struct hmp *m);

/*
 * Runs one command line and writes what it says to out. Machine thread. For
 * tests and other protocols (QMP's human-monitor-command).
 */
void hmp_execute(struct hmp *m, const char *line, FILE *out);

#endif
