/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk image in memory: the back end of the device tests, and of images
 * that the monitor carries. Every request completes inside submit, which is
 * the hardest order of events for a device.
 */
#include "devices/blockdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct memory_blockdev {
	struct blockdev b;
	uint8_t *data; /* the creator's */
};

static void copy_pieces(const struct block_request *req, uint8_t *data)
{
	struct iovec single = {req->buf, req->len};
	const struct iovec *iov = req->iov ? req->iov : &single;
	unsigned count = req->iov ? req->iov_count : 1;
	size_t left = req->len;

	for (unsigned i = 0; i < count && left; i++) {
		size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;

		if (req->op == BLOCK_READ)
			memcpy(iov[i].iov_base, data, n);
		else
			memcpy(data, iov[i].iov_base, n);
		data += n;
		left -= n;
	}
}

static int memory_transfer(struct memory_blockdev *m, const struct block_request *req)
{
	if (!m->b.inserted)
		return -ENOMEDIUM;
	if (req->op == BLOCK_FLUSH)
		return 0;
	if (req->offset > m->b.size || req->len > m->b.size - req->offset)
		return -EINVAL;
	if (req->op == BLOCK_WRITE && m->b.read_only)
		return -EROFS;
	copy_pieces(req, m->data + req->offset);
	return 0;
}

static void memory_submit(struct blockdev *b, struct block_request *req)
{
	int error = memory_transfer((struct memory_blockdev *)b, req);

	req->error = error;
	req->done(req, error);
}

static void memory_cancel_all(struct blockdev *b)
{
}

static void memory_destroy(struct blockdev *b)
{
	free(b);
}

static const struct blockdev_ops memory_ops = {
	.submit = memory_submit,
	.cancel_all = memory_cancel_all,
	.destroy = memory_destroy,
};

struct blockdev *blockdev_create_memory(void *data, uint64_t size, bool read_only)
{
	struct memory_blockdev *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->b.ops = &memory_ops;
	m->b.size = size;
	m->b.read_only = read_only;
	m->b.inserted = data != NULL;
	strcpy(m->b.path, "memory");
	m->data = data;
	return &m->b;
}
