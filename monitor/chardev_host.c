/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chardevs as the machine thread sees them: writing into the queues, delivery
 * of bytes and events, opening and ending. The other end of the queues is in
 * chardev_io.c; see chardev_backend.h for who owns what.
 */
#include "monitor/chardev_host.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/host_time.h"
#include "monitor/chardev_backend.h"
#include "monitor/host_files.h"
#include "monitor/sandbox.h"

#define LAST_WORDS_MS 1000

uint64_t chardev_now_ms(void)
{
	return host_time_ns() / 1000000;
}

/* ---- queues ---- */

size_t byte_queue_put(struct byte_queue *q, const uint8_t *data, size_t len)
{
	size_t space = byte_queue_space(q), tail, first;

	len = len < space ? len : space;
	tail = (q->head + q->length) % q->capacity;
	first = len < q->capacity - tail ? len : q->capacity - tail;
	memcpy(q->data + tail, data, first);
	memcpy(q->data, data + first, len - first);
	q->length += len;
	return len;
}

size_t byte_queue_peek(const struct byte_queue *q, uint8_t *out, size_t max)
{
	size_t len = q->length < max ? q->length : max;
	size_t first = len < q->capacity - q->head ? len : q->capacity - q->head;

	memcpy(out, q->data + q->head, first);
	memcpy(out + first, q->data, len - first);
	return len;
}

void byte_queue_drop(struct byte_queue *q, size_t len)
{
	q->length -= len;
	/* From the start again when empty: touches as little memory as needed. */
	q->head = q->length ? (q->head + len) % q->capacity : 0;
}

static int byte_queue_init(struct byte_queue *q, size_t capacity)
{
	q->data = malloc(capacity);
	q->capacity = q->data ? capacity : 0;
	return q->data ? 0 : -1;
}

/* ---- machine thread: from the device ---- */

void chardev_host_wake(struct chardev_host *h)
{
	uint64_t one = 1;

	/* Full is fine: the thread is then awake anyhow. */
	if (write(h->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static void backend_put(struct backend *b, const uint8_t *data, size_t len)
{
	struct chardev_host *h = b->host;

	while (len && b->out_fd >= 0 && b->state != LINE_CONNECTING) {
		size_t n = byte_queue_put(&b->out, data, len);

		data += n;
		len -= n;
		if (!len || !b->is_file)
			break;
		chardev_host_wake(h);
		pthread_cond_wait(&h->written, &h->lock);
	}
	b->dropped += len;
}

/* telnet: a byte 255 is sent twice. */
static void put_telnet(struct backend *b, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		backend_put(b, &data[i], 1);
		if (data[i] == 0xff)
			backend_put(b, &data[i], 1);
	}
}

/* Ctrl-A t: each line begins with the time. */
static void put_timestamped(struct backend *b, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (b->line_start) {
			char text[32];

			mux_timestamp(text, sizeof(text));
			backend_put(b, (const uint8_t *)text, strlen(text));
		}
		b->line_start = data[i] == '\n';
		backend_put(b, &data[i], 1);
	}
}

static void frontend_write(struct chardev *c, const uint8_t *data, size_t len)
{
	struct frontend *f = c->backend;
	struct backend *b = f->backend;
	bool idle;

	pthread_mutex_lock(&b->host->lock);
	idle = b->out.length == 0;
	if (b->timestamps)
		put_timestamped(b, data, len);
	else if (b->config.telnet)
		put_telnet(b, data, len);
	else
		backend_put(b, data, len);
	if (idle && b->out.length)
		chardev_host_wake(b->host);
	pthread_mutex_unlock(&b->host->lock);
}

/* ---- machine thread: to the device ---- */

static void tell_events(struct frontend *f, unsigned events)
{
	struct chardev *c = &f->chardev;

	for (unsigned e = 0; events; e++, events >>= 1) {
		if ((events & 1) && c->event)
			c->event(c->opaque, (enum chardev_event)e);
	}
}

static unsigned take_events(struct frontend *f, unsigned mask)
{
	unsigned events;

	pthread_mutex_lock(&f->backend->host->lock);
	events = f->events & mask;
	f->events &= ~mask;
	pthread_mutex_unlock(&f->backend->host->lock);
	return events;
}

/* Some bytes, no more than the device can take. Returns whether there were any. */
static bool deliver_bytes(struct frontend *f)
{
	struct chardev *c = &f->chardev;
	uint8_t buf[256];
	size_t max = !c->receive ? 0 : c->can_receive ? c->can_receive(c->opaque) : sizeof(buf);
	size_t n;
	bool was_full;

	if (!max)
		return false;
	pthread_mutex_lock(&f->backend->host->lock);
	n = byte_queue_peek(&f->in, buf, max < sizeof(buf) ? max : sizeof(buf));
	was_full = byte_queue_space(&f->in) == 0;
	byte_queue_drop(&f->in, n);
	pthread_mutex_unlock(&f->backend->host->lock);
	if (was_full && n)
		chardev_host_wake(f->backend->host);
	if (n)
		c->receive(c->opaque, buf, n);
	return n != 0;
}

/*
 * The events that come before the bytes, the bytes, the events after them.
 * A device that calls accept_input() from receive() is in this loop already.
 */
static void deliver(struct frontend *f)
{
	if (f->delivering)
		return;
	f->delivering = true;
	tell_events(f, take_events(f, EVENT_BIT(CHARDEV_EVENT_OPENED) |
					      EVENT_BIT(CHARDEV_EVENT_BREAK)));
	while (deliver_bytes(f))
		;
	tell_events(f, take_events(f, EVENT_BIT(CHARDEV_EVENT_CLOSED)));
	f->delivering = false;
}

static void frontend_accept_input(struct chardev *c)
{
	struct frontend *f = c->backend;
	bool waiting;

	pthread_mutex_lock(&f->backend->host->lock);
	waiting = f->in.length != 0;
	pthread_mutex_unlock(&f->backend->host->lock);
	if (waiting)
		deliver(f);
}

/* A client's end is final once its bytes have been offered to the device. */
static void end_line(struct backend *b)
{
	struct chardev_host *h = b->host;

	pthread_mutex_lock(&h->lock);
	if (b->state == LINE_ENDING) {
		for (unsigned i = 0; i < b->user_count; i++)
			b->users[i]->events |= EVENT_BIT(CHARDEV_EVENT_CLOSED);
	}
	pthread_mutex_unlock(&h->lock);
}

/* Posted by the I/O thread. */
void chardev_deliver_posted(void *arg)
{
	struct backend *b = arg;
	struct chardev_host *h = b->host;
	bool ending, quit;

	pthread_mutex_lock(&h->lock);
	b->delivery_posted = false;
	quit = b->quit_posted;
	b->quit_posted = false;
	ending = b->state == LINE_ENDING;
	pthread_mutex_unlock(&h->lock);

	if (ending)
		end_line(b);
	for (unsigned i = 0; i < b->user_count; i++)
		deliver(b->users[i]);
	if (ending) {
		pthread_mutex_lock(&h->lock);
		/* Answers are written before the I/O thread hangs up. */
		b->state = LINE_DEAD;
		pthread_mutex_unlock(&h->lock);
		chardev_host_wake(h);
	}
	if (quit)
		h->ops.quit(h->ops.opaque);
}

void frontend_event(struct frontend *f, enum chardev_event e)
{
	f->events |= EVENT_BIT(e);
}

/* ---- life cycle ---- */

struct chardev_host *chardev_host_create(const struct chardev_host_ops *ops, struct report *r)
{
	struct chardev_host *h = calloc(1, sizeof(*h));
	sigset_t all, before;
	int error;

	if (!h)
		goto fail;
	h->ops = *ops;
	h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->wake_fd < 0)
		goto fail;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->written, NULL);
	/* Signals are for main's threads; SIGPIPE is an error of write() here. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = sandbox_thread_create(&h->thread, chardev_io_thread, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return h;
	errno = error;
	close(h->wake_fd);
fail:
	report_fail(r, "no thread for character devices: %s", strerror(errno));
	free(h);
	return NULL;
}

static void destroy_backend(struct backend *b)
{
	backend_close(b);
	if (b->listen_fd >= 0)
		close(b->listen_fd);
	if (b->keep_fd >= 0)
		close(b->keep_fd);
	if (b->unlink_path[0])
		host_unlink(b->unlink_path);
	for (unsigned i = 0; i < b->user_count; i++) {
		free(b->users[i]->in.data);
		free(b->users[i]);
	}
	free(b->out.data);
	free(b);
}

void chardev_host_destroy(struct chardev_host *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->ending = true;
	h->give_up_at = chardev_now_ms() + LAST_WORDS_MS;
	pthread_mutex_unlock(&h->lock);
	chardev_host_wake(h);
	pthread_join(h->thread, NULL);
	while (h->backends) {
		struct backend *b = h->backends;

		h->backends = b->next;
		destroy_backend(b);
	}
	pthread_cond_destroy(&h->written);
	pthread_mutex_destroy(&h->lock);
	close(h->wake_fd);
	free(h);
}

static struct backend *find_shared(struct chardev_host *h, const struct chardev_config *c)
{
	for (struct backend *b = h->backends; c->id && b; b = b->next) {
		if (b->config.mux && b->config.id && !strcmp(b->config.id, c->id))
			return b;
	}
	return NULL;
}

static struct frontend *add_user(struct backend *b, const char *label)
{
	struct frontend *f = calloc(1, sizeof(*f));

	if (!f || byte_queue_init(&f->in, IN_QUEUE_SIZE) < 0) {
		free(f);
		return NULL;
	}
	f->backend = b;
	f->chardev.backend = f;
	f->chardev.write = frontend_write;
	f->chardev.accept_input = frontend_accept_input;
	snprintf(f->label, sizeof(f->label), "%s", label);
	b->users[b->user_count++] = f;
	return f;
}

static int join_mux(struct backend *b, const char *option, const char *label,
		    struct chardev **out, struct report *r)
{
	struct frontend *f = NULL;

	pthread_mutex_lock(&b->host->lock);
	if (b->user_count < MUX_USERS)
		f = add_user(b, label);
	pthread_mutex_unlock(&b->host->lock);
	if (!f)
		return report_fail(r, "%s: chardev %s has %d users already", option, b->config.id,
				   MUX_USERS);
	*out = &f->chardev;
	return 0;
}

int chardev_host_open(struct chardev_host *h, const struct chardev_config *config,
		      const char *option, const char *label, struct chardev **out,
		      struct report *r)
{
	struct backend *b = find_shared(h, config);
	struct frontend *f;

	*out = NULL;
	if (config->kind == CHARDEV_NONE)
		return 0;
	if (b)
		return join_mux(b, option, label, out, r);
	b = calloc(1, sizeof(*b));
	if (!b)
		return report_fail(r, "%s: no memory", option);
	b->in_fd = b->out_fd = b->listen_fd = b->keep_fd = -1;
	b->host = h;
	b->config = *config;
	f = add_user(b, label);
	if (!f || byte_queue_init(&b->out, OUT_QUEUE_SIZE) < 0) {
		destroy_backend(b);
		return report_fail(r, "%s: no memory", option);
	}
	b->config.mux |= config->kind == CHARDEV_MUX;
	b->line_start = true;
	if (backend_open(b, option, r) < 0) {
		destroy_backend(b);
		return -1;
	}
	if (b->state == LINE_OPEN)
		frontend_event(f, CHARDEV_EVENT_OPENED);
	pthread_mutex_lock(&h->lock);
	b->next = h->backends;
	h->backends = b;
	pthread_mutex_unlock(&h->lock);
	chardev_host_wake(h);
	*out = &f->chardev;
	return 0;
}

void chardev_host_list(struct chardev_host *h, void (*fn)(void *arg, const char *line), void *arg)
{
	for (struct backend *b = h->backends; b; b = b->next) {
		for (unsigned i = 0; i < b->user_count; i++) {
			char line[320];
			bool down;

			pthread_mutex_lock(&h->lock);
			down = b->is_socket && b->state != LINE_OPEN;
			snprintf(line, sizeof(line), "%s: filename=%s%s", b->users[i]->label,
				 down ? "disconnected:" : "", b->name);
			pthread_mutex_unlock(&h->lock);
			fn(arg, line);
		}
	}
}
