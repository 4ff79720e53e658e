/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images in raw files, with an I/O thread each and, for -snapshot, a
 * temporary overlay that takes the writes.
 */
#ifndef MONITOR_BLOCK_FILE_H
#define MONITOR_BLOCK_FILE_H

#include "base/report.h"
#include "devices/blockdev.h"

struct block_file_options {
	const char *path;    /* NULL: a removable drive without medium */
	const char *option;  /* how the user named it, for messages: "-hda" */
	bool read_only, snapshot, removable;
	bool floppy; /* the size has to be that of a floppy format */
	unsigned sector_size; /* 512 or 2048: the image has to be a multiple */
	/* Runs fn(arg) on the machine thread: vm_post() of the machine. */
	void (*post)(void *post_opaque, void (*fn)(void *arg), void *arg);
	void *post_opaque;
	bool synchronous; /* complete inside submit: deterministic runs */
};

/*
 * Returns NULL with the reason in *r. The strings and the post function are
 * used until the drive is destroyed. A post that comes after blockdev_destroy()
 * is harmless, but has to be made all the same: it frees the last bit.
 */
struct blockdev *block_file_open(const struct block_file_options *o, struct report *r);

/* Removable drives: replaces or removes the medium. Returns 0 or -1 with *r. */
int block_file_change(struct blockdev *b, const char *path, struct report *r);
void block_file_eject(struct blockdev *b);

#endif
