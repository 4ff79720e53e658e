/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw image file and the overlay that -snapshot puts over it: opening it
 * with all the checks a user's file needs, and moving bytes. The calls block, but for
 * block_image_read_at_once(); block_file.c makes them on a thread of their own.
 */
#ifndef MONITOR_BLOCK_IMAGE_H
#define MONITOR_BLOCK_IMAGE_H

#include "monitor/block_file.h"

struct block_overlay;

struct block_image {
	int fd;         /* -1: no medium */
	uint64_t size;  /* bytes */
	bool read_only; /* as the guest sees it */
	bool unsynced;  /* written since the last fdatasync() */
	struct block_overlay *overlay; /* NULL without -snapshot */
};

/* Opens path as the options say. Returns 0, or -1 with the reason in *r. */
int block_image_open(struct block_image *img, const struct block_file_options *o,
		     const char *path, struct report *r);
/* Syncs and closes; a closed image may be closed again. */
void block_image_close(struct block_image *img);
/* Does one request. Returns 0 or -errno. */
int block_image_io(struct block_image *img, const struct block_request *req);
/*
 * A read, if the host has all of it in memory. False: it has to be done by block_image_io(),
 * whatever the reason, and the request's memory may hold a part of it.
 */
bool block_image_read_at_once(const struct block_image *img, const struct block_request *req);
/* Whether path is the file that is open here. */
bool block_image_is_file(const struct block_image *img, const char *path);

/*
 * Refuses what is not a raw image: formats of other emulators, compressed
 * files, ISO images cut short. name is "-hda disk.img". Returns 0 or -1.
 */
int block_probe(int fd, uint64_t size, const struct block_file_options *o, const char *name,
		struct report *r);

/* A walk over a request's pieces of memory. */
struct block_cursor {
	struct iovec single;
	const struct iovec *iov;
	unsigned count;
	size_t skip; /* bytes of iov[0] that are used up */
	int flags;   /* RWF_*, of reads */
};

void block_cursor_init(struct block_cursor *c, const struct block_request *req);
/* Moves len bytes between file and memory and advances. Returns 0 or -errno. */
int block_cursor_read(struct block_cursor *c, int fd, uint64_t offset, size_t len);
int block_cursor_write(struct block_cursor *c, int fd, uint64_t offset, size_t len);
/* Copies to a buffer and advances. */
void block_cursor_copy_out(struct block_cursor *c, void *buf, size_t len);

/* An overlay for size bytes. Returns 0 or -errno. */
int block_overlay_create(struct block_overlay **out, uint64_t size);
void block_overlay_destroy(struct block_overlay *ov);
int block_overlay_read(struct block_overlay *ov, int base_fd, struct block_cursor *c,
		       uint64_t offset, size_t len);
int block_overlay_write(struct block_overlay *ov, int base_fd, struct block_cursor *c,
			uint64_t offset, size_t len);

#endif
