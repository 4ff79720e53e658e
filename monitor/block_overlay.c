/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -snapshot: a sparse temporary file that takes all writes to an image and is
 * gone with the process, since it has no name. What it holds is told by a
 * bitmap, one bit a cluster; a cluster lies at the same offset as in the image.
 *
 * The cluster is as small as the blocks of the usual file systems, so that
 * copying an old cluster for a write of a part of it is rare.
 */
#include "monitor/block_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/host_files.h"

#define CLUSTER 4096u
#define BITS_PER_WORD 64u

struct block_overlay {
	int fd;
	uint64_t size;     /* bytes of the image */
	uint64_t *present; /* bit n: cluster n is here, not in the image */
};

int block_overlay_create(struct block_overlay **out, uint64_t size)
{
	struct block_overlay *ov = calloc(1, sizeof(*ov));
	uint64_t clusters = size / CLUSTER + 1;

	if (!ov)
		return -ENOMEM;
	ov->size = size;
	ov->present = calloc(clusters / BITS_PER_WORD + 1, sizeof(*ov->present));
	ov->fd = ov->present ? host_temporary() : -ENOMEM;
	if (ov->fd < 0) {
		int error = ov->fd;

		free(ov->present);
		free(ov);
		return error;
	}
	*out = ov;
	return 0;
}

void block_overlay_destroy(struct block_overlay *ov)
{
	if (!ov)
		return;
	close(ov->fd);
	free(ov->present);
	free(ov);
}

static bool is_present(const struct block_overlay *ov, uint64_t cluster)
{
	return ov->present[cluster / BITS_PER_WORD] >> (cluster % BITS_PER_WORD) & 1;
}

static void set_present(struct block_overlay *ov, uint64_t cluster)
{
	ov->present[cluster / BITS_PER_WORD] |= 1ull << (cluster % BITS_PER_WORD);
}

/* How many of the len bytes from offset lie in one file; which one. */
static size_t run_length(const struct block_overlay *ov, uint64_t offset, size_t len,
			 bool *present)
{
	uint64_t end = offset + len, at = (offset / CLUSTER + 1) * CLUSTER;

	*present = is_present(ov, offset / CLUSTER);
	while (at < end && is_present(ov, at / CLUSTER) == *present)
		at += CLUSTER;
	return (size_t)((at < end ? at : end) - offset);
}

int block_overlay_read(struct block_overlay *ov, int base_fd, struct block_cursor *c,
		       uint64_t offset, size_t len)
{
	while (len) {
		bool present;
		size_t n = run_length(ov, offset, len, &present);
		int error = block_cursor_read(c, present ? ov->fd : base_fd, offset, n);

		if (error)
			return error;
		offset += n;
		len -= n;
	}
	return 0;
}

static int transfer_cluster(int fd, uint8_t *buf, uint64_t offset, size_t len, bool write)
{
	struct block_request req = {.buf = buf, .len = len};
	struct block_cursor c;

	block_cursor_init(&c, &req);
	return write ? block_cursor_write(&c, fd, offset, len)
		     : block_cursor_read(&c, fd, offset, len);
}

/* Writes within one cluster that is still in the image: copies it first. */
static int copy_on_write(struct block_overlay *ov, int base_fd, struct block_cursor *c,
			 uint64_t offset, size_t len)
{
	uint64_t start = offset / CLUSTER * CLUSTER;
	size_t whole = ov->size - start < CLUSTER ? (size_t)(ov->size - start) : CLUSTER;
	uint8_t buf[CLUSTER];
	int error = transfer_cluster(base_fd, buf, start, whole, false);

	if (error)
		return error;
	block_cursor_copy_out(c, buf + (offset - start), len);
	error = transfer_cluster(ov->fd, buf, start, whole, true);
	if (!error)
		set_present(ov, offset / CLUSTER);
	return error;
}

/* How many of the len bytes can be written without a look at the image. */
static size_t direct_length(const struct block_overlay *ov, uint64_t offset, size_t len)
{
	uint64_t end = offset + len, at = offset;

	while (at < end) {
		uint64_t cluster = at / CLUSTER, next = (cluster + 1) * CLUSTER;
		bool whole = at % CLUSTER == 0 && (next <= end || end == ov->size);

		if (!whole && !is_present(ov, cluster))
			break;
		at = next < end ? next : end;
	}
	return (size_t)(at - offset);
}

static int write_direct(struct block_overlay *ov, struct block_cursor *c, uint64_t offset,
			size_t len)
{
	int error = block_cursor_write(c, ov->fd, offset, len);

	for (uint64_t at = offset; !error && at < offset + len; at = (at / CLUSTER + 1) * CLUSTER)
		set_present(ov, at / CLUSTER);
	return error;
}

int block_overlay_write(struct block_overlay *ov, int base_fd, struct block_cursor *c,
			uint64_t offset, size_t len)
{
	while (len) {
		size_t n = direct_length(ov, offset, len);
		int error;

		if (n) {
			error = write_direct(ov, c, offset, n);
		} else {
			n = CLUSTER - offset % CLUSTER;
			n = n < len ? n : len;
			error = copy_on_write(ov, base_fd, c, offset, n);
		}
		if (error)
			return error;
		offset += n;
		len -= n;
	}
	return 0;
}
