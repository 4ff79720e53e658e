/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's file names while the machine runs: what the monitor's commands and
 * the end of the program open, look at and remove. Without the sandbox these
 * are the system calls of the same name, and before it is entered as well. In it
 * they ask the helper (sandbox_helper.h), which may refuse. Any thread; requests
 * wait for each other.
 */
#ifndef MONITOR_HOST_FILES_H
#define MONITOR_HOST_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* As open(2), always with O_CLOEXEC. Returns -1 with errno. */
int host_open(const char *path, int flags, mode_t mode);
/* A file to be written from its start, made if need be. NULL with errno. */
FILE *host_create(const char *path);
int host_stat(const char *path, struct stat *st);
int host_lstat(const char *path, struct stat *st);
/* In the sandbox only of what host_may_unlink() named or host_open() made last. */
int host_unlink(const char *path);
/* A temporary file without a name, in TMPDIR or /var/tmp. Returns it or -errno. */
int host_temporary(void);
/*
 * A non-blocking stream socket that is connecting with the address, which in the
 * sandbox has to be one of host_may_connect(). -1 with errno; with EINPROGRESS
 * in *error it is under way.
 */
int host_connect(const struct sockaddr *address, socklen_t length, int *error);

/* What errno says, or that it was the sandbox that refused this thread's last request. */
const char *host_strerror(int error);

/* ---- before the sandbox is entered; without effect where there will be none ---- */

void host_may_unlink(const char *path);
void host_may_connect(const struct sockaddr *address, socklen_t length);
/* Files in this file's folder may be opened, too. */
void host_may_use_folder_of(const char *path);

/* ---- for sandbox.c ---- */

/* From now on requests go to the helper at the other end of the socket; -1: no more. */
void host_files_use_helper(int fd);
/* No more host_may_...(): the helper takes no further permissions. */
void host_files_seal(void);
/* Requests made to the helper, and how many of them it refused. */
void host_files_count(uint64_t *made, uint64_t *refused);

#endif
