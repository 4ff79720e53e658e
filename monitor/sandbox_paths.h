/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files may be opened once the machine runs, by their canonical paths
 * (absolute, without links). Pure rules; sandbox_helper.c applies them.
 *
 * A person at the monitor may name any file of theirs, so this is no list of
 * what is needed but of what a guest must never reach through us:
 *
 *	/proc /sys /dev /etc /boot /run, /root	nothing (a few devices, removable
 *						media and root's own home apart)
 *	/usr /bin /sbin /lib* /opt /var ...	reading only, /var/tmp apart
 *	a hidden file or folder			nothing: keys, settings, start-up files
 *	all the rest				reading and writing
 *
 * The folders of the machine's images and the one the program was started in
 * are excused from the second and third line for their own names, not for what
 * is hidden below. Folders of `-sandbox files=` are excused from all of it; with
 * them nothing else can be opened.
 */
#ifndef MONITOR_SANDBOX_PATHS_H
#define MONITOR_SANDBOX_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_FOLDERS 32

struct sandbox_folder {
	char path[4096]; /* canonical */
	bool named;	 /* by files=, not by an image */
};

struct sandbox_paths {
	char home[4096]; /* canonical; empty: none */
	bool strict;	 /* files= was given: only its folders */
	size_t count;
	struct sandbox_folder folders[SANDBOX_FOLDERS];
};

/* Adds a folder by its canonical path. Returns false when there is no room. */
bool sandbox_paths_add(struct sandbox_paths *p, const char *folder, bool named);

/* Whether it lies in a folder of files=. */
bool sandbox_paths_named(const struct sandbox_paths *p, const char *path);

/* Whether the file at the canonical path may be opened, for writing if `write`. */
bool sandbox_paths_allow(const struct sandbox_paths *p, const char *path, bool write);

#endif
