/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk, CD or floppy image as devices see it: asynchronous reads and writes
 * of bytes, completed by a callback on the machine thread. The back ends
 * (raw files, snapshots; a thread that does the I/O) are in monitor/.
 */
#ifndef DEVICES_BLOCKDEV_H
#define DEVICES_BLOCKDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct blockdev;

struct block_request {
	enum { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH } op;
	uint64_t offset; /* bytes from the image's start */
	void *buf;       /* filled or written; stays valid until done */
	size_t len;      /* bytes; offset + len within the image's size */
	/*
	 * In place of buf, unless NULL: iov_count pieces of memory, whose
	 * lengths come to len. Lets a bus master read straight into guest RAM.
	 */
	const struct iovec *iov;
	unsigned iov_count;
	/* On the machine thread; error is 0 or -errno. May submit again. */
	void (*done)(struct block_request *req, int error);
	void *opaque;               /* the submitter's */
	struct block_request *next; /* the back end's */
	int error;                  /* the back end's */
};

struct blockdev_ops {
	void (*submit)(struct blockdev *b, struct block_request *req);
	/*
	 * Waits for requests under way; their done() is not called any more.
	 * For resets and ejects.
	 */
	void (*cancel_all)(struct blockdev *b);
	void (*destroy)(struct blockdev *b);
};

struct blockdev {
	const struct blockdev_ops *ops;
	uint64_t size;  /* bytes; 0 with inserted == false */
	bool read_only;
	bool inserted;  /* false: removable drive without medium */
	char path[1024]; /* for `info block` */
	/*
	 * Set by the device: the medium was changed or ejected (HMP). Requests
	 * that were under way have been cancelled (see cancel_all).
	 */
	void (*media_changed)(void *opaque);
	void *media_opaque;
	/* Set by the device, or NULL: somebody pressed the eject button. */
	void (*eject_requested)(void *opaque);
	bool locked;    /* by the device: the guest does not let the medium go */
	bool tray_open; /* the guest has opened the tray */
};

static inline void blockdev_submit(struct blockdev *b, struct block_request *req)
{
	b->ops->submit(b, req);
}

static inline void blockdev_cancel_all(struct blockdev *b)
{
	b->ops->cancel_all(b);
}

static inline void blockdev_destroy(struct blockdev *b)
{
	if (b)
		b->ops->destroy(b);
}

/* A back end in memory for tests: completes at once, inside submit. */
struct blockdev *blockdev_create_memory(void *data, uint64_t size, bool read_only);

#endif
