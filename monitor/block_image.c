/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a raw image and doing reads and writes on it.
 *
 * An image is locked while it is open (open file description locks, fcntl(2)
 * F_OFD_SETLK): exclusively when it will be written, shared otherwise, so that
 * two machines, or two drives of one, cannot corrupt a disk. Where the file
 * system knows no locks we do without.
 */
#include "monitor/block_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/floppy_geometry.h"
#include "monitor/host_files.h"

#define IOV_BATCH 128u /* pieces handed to one preadv() */

/* ---- Cursors ---- */

void block_cursor_init(struct block_cursor *c, const struct block_request *req)
{
	c->skip = 0;
	c->flags = 0;
	if (req->iov) {
		c->iov = req->iov;
		c->count = req->iov_count;
		return;
	}
	c->single = (struct iovec){req->buf, req->len};
	c->iov = &c->single;
	c->count = 1;
}

static void cursor_advance(struct block_cursor *c, size_t len)
{
	while (c->count) {
		size_t here = c->iov->iov_len - c->skip;

		if (len < here) {
			c->skip += len;
			return;
		}
		len -= here;
		c->iov++;
		c->count--;
		c->skip = 0;
	}
}

/* The next pieces, of at most len bytes in all. Returns how many there are. */
static unsigned cursor_pieces(const struct block_cursor *c, struct iovec *out, size_t len)
{
	size_t skip = c->skip;
	unsigned n = 0;

	for (unsigned i = 0; i < c->count && n < IOV_BATCH && len; i++) {
		size_t here = c->iov[i].iov_len - skip;

		if (here > len)
			here = len;
		if (here)
			out[n++] = (struct iovec){(uint8_t *)c->iov[i].iov_base + skip, here};
		len -= here;
		skip = 0;
	}
	return n;
}

static int cursor_transfer(struct block_cursor *c, int fd, uint64_t offset, size_t len, bool write)
{
	struct iovec pieces[IOV_BATCH];

	while (len) {
		unsigned count = cursor_pieces(c, pieces, len);
		ssize_t n;

		if (!count)
			return -EINVAL; /* pieces do not come to len */
		n = write ? pwritev(fd, pieces, (int)count, (off_t)offset)
			  : preadv2(fd, pieces, (int)count, (off_t)offset, c->flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* somebody has truncated the file */
		cursor_advance(c, (size_t)n);
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int block_cursor_read(struct block_cursor *c, int fd, uint64_t offset, size_t len)
{
	return cursor_transfer(c, fd, offset, len, false);
}

int block_cursor_write(struct block_cursor *c, int fd, uint64_t offset, size_t len)
{
	return cursor_transfer(c, fd, offset, len, true);
}

void block_cursor_copy_out(struct block_cursor *c, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len && c->count) {
		size_t here = c->iov->iov_len - c->skip;
		size_t n = here < len ? here : len;

		memcpy(to, (uint8_t *)c->iov->iov_base + c->skip, n);
		cursor_advance(c, n);
		to += n;
		len -= n;
	}
}

/* ---- Requests ---- */

static int image_flush(struct block_image *img)
{
	if (!img->unsynced)
		return 0;
	if (fdatasync(img->fd) < 0)
		return -errno;
	img->unsynced = false;
	return 0;
}

static bool is_within(const struct block_image *img, const struct block_request *req)
{
	return req->offset <= img->size && req->len <= img->size - req->offset;
}

static int image_read(const struct block_image *img, const struct block_request *req, int flags)
{
	struct block_cursor c;

	block_cursor_init(&c, req);
	c.flags = flags;
	if (img->overlay)
		return block_overlay_read(img->overlay, img->fd, &c, req->offset, req->len);
	return block_cursor_read(&c, img->fd, req->offset, req->len);
}

int block_image_io(struct block_image *img, const struct block_request *req)
{
	struct block_cursor c;

	if (img->fd < 0)
		return -ENOMEDIUM;
	if (req->op == BLOCK_FLUSH)
		return image_flush(img);
	if (!is_within(img, req))
		return -EINVAL;
	if (req->op == BLOCK_READ)
		return image_read(img, req, 0);
	if (img->read_only)
		return -EROFS;
	block_cursor_init(&c, req);
	if (img->overlay)
		return block_overlay_write(img->overlay, img->fd, &c, req->offset, req->len);
	img->unsynced = true;
	return block_cursor_write(&c, img->fd, req->offset, req->len);
}

bool block_image_read_at_once(const struct block_image *img, const struct block_request *req)
{
	return img->fd >= 0 && is_within(img, req) && image_read(img, req, RWF_NOWAIT) == 0;
}

/* ---- Opening ---- */

/* What the file should have been. */
static const char *image_kind(const struct block_file_options *o)
{
	return o->floppy ? "a floppy image" : o->sector_size == 2048 ? "an ISO image"
								     : "a raw disk image";
}

static int report_open_error(struct report *r, const struct block_file_options *o,
			     const char *name, int error)
{
	bool writable = !o->read_only && !o->snapshot;

	if (error == ENOENT || error == ENOTDIR)
		return report_fail(r, "%s: no such file; %s is wanted", name, image_kind(o));
	if (error == EACCES || error == EROFS || error == EPERM) {
		if (writable)
			return report_fail(r,
				"%s: cannot be opened for reading and writing (%s); make it "
				"writable, or use -snapshot or readonly=on",
				name, host_strerror(error));
		return report_fail(r, "%s: cannot be opened for reading (%s)", name,
				   host_strerror(error));
	}
	return report_fail(r, "%s: cannot be opened: %s", name, strerror(error));
}

/* Asked before open(), which could hang on a FIFO or rewind a tape. */
static int check_file_kind(const char *path, const struct block_file_options *o, const char *name,
			   struct report *r)
{
	struct stat st;

	if (host_stat(path, &st) < 0)
		return report_open_error(r, o, name, errno);
	if (S_ISDIR(st.st_mode))
		return report_fail(r, "%s: is a directory; %s is wanted", name, image_kind(o));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return report_fail(r, "%s: is neither a file nor a block device; %s is wanted",
				   name, image_kind(o));
	return 0;
}

static int lock_image(int fd, bool exclusive, const char *name, struct report *r)
{
	struct flock lock = {
		.l_type = exclusive ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
		return 0;
	if (exclusive)
		return report_fail(r,
			"%s: image is in use by another machine or drive; close that first, or use "
			"-snapshot or readonly=on in both", name);
	return report_fail(r, "%s: image is being written by another machine or drive; close that "
			   "first", name);
}

static int check_size(uint64_t size, const struct block_file_options *o, const char *name,
		      struct report *r)
{
	unsigned sector = o->sector_size ? o->sector_size : 512;

	if (!size)
		return report_fail(r,
			"%s: image is empty (0 bytes); %s holds whole %u-byte sectors",
			name, image_kind(o), sector);
	if (o->floppy && !floppy_geometry(size))
		return report_fail(r,
			"%s: image has %" PRIu64 " bytes, the size of no floppy format; it should "
			"be one of %s", name, size, floppy_geometry_sizes());
	if (size % sector)
		return report_fail(r,
			"%s: image is truncated: %" PRIu64 " bytes are no multiple of %u; %s "
			"holds whole %u-byte sectors", name, size, sector, image_kind(o), sector);
	return 0;
}

static int open_checked(struct block_image *img, const struct block_file_options *o,
			const char *path, const char *name, struct report *r)
{
	bool writable = !o->read_only && !o->snapshot;
	off_t end;
	int error;

	if (!path[0])
		return report_fail(r, "%s: the file name is empty; %s is wanted", name,
				   image_kind(o));
	if (check_file_kind(path, o, name, r) < 0)
		return -1;
	img->fd = host_open(path, (writable ? O_RDWR : O_RDONLY) | O_NOCTTY | O_NONBLOCK, 0);
	if (img->fd < 0)
		return report_open_error(r, o, name, errno);
	end = lseek(img->fd, 0, SEEK_END);
	if (end < 0)
		return report_fail(r, "%s: its size cannot be read: %s", name, strerror(errno));
	img->size = (uint64_t)end;
	if (img->size && block_probe(img->fd, img->size, o, name, r) < 0)
		return -1;
	if (check_size(img->size, o, name, r) < 0 ||
	    lock_image(img->fd, writable, name, r) < 0)
		return -1;
	if (!o->snapshot || o->read_only)
		return 0;
	error = block_overlay_create(&img->overlay, img->size);
	if (error)
		return report_fail(r, "%s: -snapshot cannot make its temporary file: %s; TMPDIR "
				   "has to name a writable directory", name, strerror(-error));
	return 0;
}

int block_image_open(struct block_image *img, const struct block_file_options *o,
		     const char *path, struct report *r)
{
	char name[256]; /* leaves room in struct report for the reason */

	*img = (struct block_image){.fd = -1, .read_only = o->read_only};
	snprintf(name, sizeof(name), "%s %s", o->option ? o->option : "drive", path);
	if (open_checked(img, o, path, name, r) == 0)
		return 0;
	block_image_close(img);
	return -1;
}

void block_image_close(struct block_image *img)
{
	if (img->fd < 0)
		return;
	image_flush(img);
	close(img->fd);
	block_overlay_destroy(img->overlay);
	*img = (struct block_image){.fd = -1};
}

bool block_image_is_file(const struct block_image *img, const char *path)
{
	struct stat ours, other;

	return img->fd >= 0 && fstat(img->fd, &ours) == 0 && host_stat(path, &other) == 0 &&
	       ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
}
