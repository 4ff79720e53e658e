/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -kernel, -initrd and -append: Linux and multiboot kernels. */
#ifndef MONITOR_KERNEL_LOADER_H
#define MONITOR_KERNEL_LOADER_H

#include <stdint.h>

#include "base/report.h"
#include "devices/fw_cfg.h"

struct kernel_loader; /* keeps the files open: fw_cfg reads them at each boot */

struct kernel_options {
	const char *kernel; /* path */
	const char *initrd; /* path; multiboot: "file arguments,file2 ..."; or NULL */
	const char *append; /* or NULL */
	uint64_t ram_below_4g;
};

/*
 * Opens and checks the files and adds to fw_cfg what boots them: the option
 * ROM and "bootorder". Returns NULL with the reason in *r. To be destroyed
 * after the fw_cfg.
 */
struct kernel_loader *kernel_loader_create(const struct kernel_options *o, struct fw_cfg *f,
					   struct report *r);
void kernel_loader_destroy(struct kernel_loader *k);

#endif
