/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back end of drives: raw image files, with a thread for each drive that
 * does the blocking calls.
 *
 * The machine thread queues requests; the I/O thread takes them in order, and
 * what it has done goes to a second queue, which the machine thread empties
 * when a posted call reaches it. Both queues and the flags belong to the lock.
 * A bus master's read of what the host has in memory is done at once, if nothing is under way:
 * to wake two threads takes several times as long. Its completion is posted as well.
 * The image itself (struct block_image) belongs to the I/O thread while
 * requests are under way and to the machine thread when there are none.
 *
 * A posted call can reach the machine thread after the drive is gone. It holds
 * on to a struct delivery, which then no longer points to the drive.
 */
#include "monitor/block_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/block_image.h"
#include "monitor/sandbox.h"

#define AT_ONCE_MAX (256u * 1024) /* bytes, some 50 us to copy */

struct block_file;

struct delivery {
	struct block_file *owner; /* NULL: destroyed; the posted call frees this */
	bool posted;              /* a call is on its way */
};

struct request_queue {
	struct block_request *first, **last;
};

struct block_file {
	struct blockdev b; /* first: struct blockdev * is cast back */
	struct block_file_options options;
	struct block_image image;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a request was queued, or stop */
	pthread_cond_t idle;  /* no request is queued or being done */
	struct request_queue queued, finished;
	bool busy; /* the thread is doing a request */
	bool stop;
	struct delivery *delivery;
};

static void queue_init(struct request_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_push(struct request_queue *q, struct block_request *req)
{
	req->next = NULL;
	*q->last = req;
	q->last = &req->next;
}

static struct block_request *queue_pop(struct request_queue *q)
{
	struct block_request *req = q->first;

	if (!req)
		return NULL;
	q->first = req->next;
	if (!q->first)
		q->last = &q->first;
	return req;
}

/* Called with the lock held: no request is queued or being done, and the image the machine thread's. */
static bool is_idle_locked(const struct block_file *f)
{
	return !f->queued.first && !f->busy;
}

/* ---- Completion, on the machine thread ---- */

static struct block_request *take_finished(struct block_file *f)
{
	struct block_request *req;

	pthread_mutex_lock(&f->lock);
	req = queue_pop(&f->finished);
	if (!req)
		f->delivery->posted = false;
	pthread_mutex_unlock(&f->lock);
	return req;
}

/*
 * One request at a time: a done() may cancel the rest, or even destroy the
 * drive, which clears the owner.
 */
static void deliver(void *arg)
{
	struct delivery *d = arg;

	while (d->owner) {
		struct block_request *req = take_finished(d->owner);

		if (!req)
			return;
		req->done(req, req->error);
	}
	free(d);
}

/* Called and returns with the lock held; drops it to post. */
static void finish_locked(struct block_file *f, struct block_request *req)
{
	bool post = !f->delivery->posted;

	queue_push(&f->finished, req);
	f->delivery->posted = true;
	if (!post)
		return;
	pthread_mutex_unlock(&f->lock);
	f->options.post(f->options.post_opaque, deliver, f->delivery);
	pthread_mutex_lock(&f->lock);
}

/* ---- The I/O thread ---- */

/* Called and returns with the lock held; drops it for the I/O. */
static void do_request_locked(struct block_file *f)
{
	struct block_request *req = queue_pop(&f->queued);

	f->busy = true;
	pthread_mutex_unlock(&f->lock);
	req->error = block_image_io(&f->image, req);
	pthread_mutex_lock(&f->lock);
	f->busy = false;
	if (!f->queued.first)
		pthread_cond_broadcast(&f->idle);
	finish_locked(f, req);
}

static void *io_thread(void *arg)
{
	struct block_file *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->queued.first && !f->stop)
			pthread_cond_wait(&f->work, &f->lock);
		if (!f->queued.first)
			break;
		do_request_locked(f);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* Signals are for the other threads. */
static int start_thread(struct block_file *f)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = sandbox_thread_create(&f->thread, io_thread, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return error;
	pthread_setname_np(f->thread, "disk-io");
	f->has_thread = true;
	return 0;
}

static void stop_thread(struct block_file *f)
{
	if (!f->has_thread)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	f->has_thread = false;
}

/* ---- The machine thread's side ---- */

/*
 * Of bus masters only: drivers that move the data themselves are older, and may take an interrupt
 * that comes with the command's last byte for an earlier one.
 */
static bool may_read_at_once(const struct block_request *req)
{
	return req->op == BLOCK_READ && req->iov && req->len <= AT_ONCE_MAX;
}

/* Returns whether it has been done, as is told before long. */
static bool read_at_once(struct block_file *f, struct block_request *req)
{
	bool is_idle;

	pthread_mutex_lock(&f->lock);
	is_idle = is_idle_locked(f);
	pthread_mutex_unlock(&f->lock);
	if (!is_idle || !block_image_read_at_once(&f->image, req))
		return false;
	req->error = 0;
	pthread_mutex_lock(&f->lock);
	finish_locked(f, req);
	pthread_mutex_unlock(&f->lock);
	return true;
}

static void file_submit(struct blockdev *b, struct block_request *req)
{
	struct block_file *f = (struct block_file *)b;

	if (f->options.synchronous) {
		req->error = block_image_io(&f->image, req);
		req->done(req, req->error);
		return;
	}
	if (may_read_at_once(req) && read_at_once(f, req))
		return;
	pthread_mutex_lock(&f->lock);
	queue_push(&f->queued, req);
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
}

/* What is queued is done, not dropped: a guest's write is not lost by a reset. */
static void file_cancel_all(struct blockdev *b)
{
	struct block_file *f = (struct block_file *)b;

	pthread_mutex_lock(&f->lock);
	while (!is_idle_locked(f))
		pthread_cond_wait(&f->idle, &f->lock);
	queue_init(&f->finished);
	pthread_mutex_unlock(&f->lock);
}

static void file_destroy(struct blockdev *b)
{
	struct block_file *f = (struct block_file *)b;

	file_cancel_all(b);
	stop_thread(f);
	block_image_close(&f->image);
	f->delivery->owner = NULL;
	if (!f->delivery->posted)
		free(f->delivery);
	pthread_cond_destroy(&f->idle);
	pthread_cond_destroy(&f->work);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct blockdev_ops file_ops = {
	.submit = file_submit,
	.cancel_all = file_cancel_all,
	.destroy = file_destroy,
};

static void show_medium(struct block_file *f, const char *path)
{
	f->b.inserted = path != NULL;
	f->b.size = path ? f->image.size : 0;
	f->b.read_only = path && f->image.read_only;
	snprintf(f->b.path, sizeof(f->b.path), "%s", path ? path : "");
}

static struct block_file *file_create(const struct block_file_options *o)
{
	struct block_file *f = calloc(1, sizeof(*f));
	struct delivery *d = calloc(1, sizeof(*d));

	if (!f || !d) {
		free(f);
		free(d);
		return NULL;
	}
	d->owner = f;
	f->delivery = d;
	f->b.ops = &file_ops;
	f->options = *o;
	f->image.fd = -1;
	queue_init(&f->queued);
	queue_init(&f->finished);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	pthread_cond_init(&f->idle, NULL);
	return f;
}

struct blockdev *block_file_open(const struct block_file_options *o, struct report *r)
{
	struct block_file *f = file_create(o);
	int error;

	if (!f) {
		report_fail(r, "%s: out of memory", o->option ? o->option : "drive");
		return NULL;
	}
	if (o->path && block_image_open(&f->image, o, o->path, r) < 0)
		goto fail;
	error = o->synchronous ? 0 : start_thread(f);
	if (error) {
		report_fail(r, "%s: cannot start its I/O thread: %s",
			    o->option ? o->option : "drive", strerror(error));
		goto fail;
	}
	show_medium(f, o->path);
	return &f->b;
fail:
	file_destroy(&f->b);
	return NULL;
}

static void tell_device(struct block_file *f)
{
	f->b.locked = false;
	if (f->b.media_changed)
		f->b.media_changed(f->b.media_opaque);
}

void block_file_eject(struct blockdev *b)
{
	struct block_file *f = (struct block_file *)b;

	if (b->ops != &file_ops || !b->inserted)
		return;
	file_cancel_all(b);
	block_image_close(&f->image);
	show_medium(f, NULL);
	tell_device(f);
}

/*
 * The old medium stays when the new one cannot be opened, unless both are the
 * same file, which our own lock would keep us from opening.
 */
int block_file_change(struct blockdev *b, const char *path, struct report *r)
{
	struct block_file *f = (struct block_file *)b;
	struct block_image image;

	if (b->ops != &file_ops)
		return report_fail(r, "%s: the medium of this drive cannot be changed", b->path);
	if (block_image_is_file(&f->image, path))
		block_file_eject(b);
	if (block_image_open(&image, &f->options, path, r) < 0)
		return -1;
	file_cancel_all(b);
	block_image_close(&f->image);
	f->image = image;
	show_medium(f, path);
	tell_device(f);
	return 0;
}
