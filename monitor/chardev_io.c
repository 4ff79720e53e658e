/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O thread of a machine's chardevs: one poll() loop that moves bytes
 * between descriptors and queues, accepts and calls again, and tells the
 * machine thread of news. A regular file is always ready for poll(), so that
 * it needs no case of its own.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "monitor/chardev_backend.h"

#define CHUNK 2048u
#define LINGER_MS 5000
#define BACKENDS_POLLED 24

static bool needs_delivery(const struct backend *b)
{
	if (b->delivery_posted)
		return false;
	if (b->quit_posted || b->state == LINE_ENDING)
		return true;
	for (unsigned i = 0; i < b->user_count; i++) {
		if (b->users[i]->in.length || b->users[i]->events)
			return true;
	}
	return false;
}

/* Tells the machine thread about news; without the lock, as post() has its own. */
static void post_delivery(struct backend *b)
{
	struct chardev_host *h = b->host;
	bool post;

	pthread_mutex_lock(&h->lock);
	post = !h->ending && needs_delivery(b);
	b->delivery_posted |= post;
	pthread_mutex_unlock(&h->lock);
	if (post)
		h->ops.post(h->ops.opaque, chardev_deliver_posted, b);
}

/* How many bytes can be read for the user in focus. */
static size_t room_for_input(const struct backend *b)
{
	size_t room;

	if (!b->user_count || !b->has_input)
		return 0;
	room = byte_queue_space(&b->users[b->focus]->in);
	/* Keys of a person are read, so that Ctrl-A works, and may get lost. */
	return !room && b->is_terminal && b->config.mux ? 1 : room;
}

/* No more input; a client may still read what it is told within a while. */
static void end_stream(struct backend *b)
{
	b->has_input = false;
	if (b->is_socket) {
		b->state = LINE_ENDING;
		b->hang_up_at = chardev_now_ms() + LINGER_MS;
	}
}

/* The other side has ended its stream. */
static void input_ended(struct backend *b)
{
	pthread_mutex_lock(&b->host->lock);
	end_stream(b);
	pthread_mutex_unlock(&b->host->lock);
}

static void read_input(struct backend *b)
{
	uint8_t buf[CHUNK];
	size_t room;
	ssize_t n;

	pthread_mutex_lock(&b->host->lock);
	room = room_for_input(b);
	pthread_mutex_unlock(&b->host->lock);
	if (!room)
		return;
	n = read(b->in_fd, buf, room < sizeof(buf) ? room : sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		input_ended(b);
		return;
	}
	pthread_mutex_lock(&b->host->lock);
	if (b->config.telnet)
		n = (ssize_t)telnet_filter(b, buf, (size_t)n);
	if (b->config.mux)
		mux_input(b, buf, (size_t)n);
	else
		byte_queue_put(&b->users[0]->in, buf, (size_t)n);
	pthread_mutex_unlock(&b->host->lock);
}

static void write_output(struct backend *b)
{
	uint8_t buf[CHUNK];
	size_t len;
	ssize_t n;

	pthread_mutex_lock(&b->host->lock);
	len = byte_queue_peek(&b->out, buf, sizeof(buf));
	pthread_mutex_unlock(&b->host->lock);
	if (!len)
		return;
	n = b->is_socket ? send(b->out_fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT)
			 : write(b->out_fd, buf, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	pthread_mutex_lock(&b->host->lock);
	/* Nobody takes it (EPIPE, a full disk): it is lost, the guest goes on. */
	byte_queue_drop(&b->out, n < 0 ? b->out.length : (size_t)n);
	/* What a client has sent before it went is read first, which finds the end. */
	if (n < 0 && b->has_input && b->is_socket && !room_for_input(b))
		end_stream(b);
	pthread_cond_broadcast(&b->host->written);
	pthread_mutex_unlock(&b->host->lock);
}

/* A socket whose client is gone and has been answered: on to the next one. */
static void hang_up(struct backend *b)
{
	pthread_mutex_lock(&b->host->lock);
	backend_close(b);
	byte_queue_drop(&b->out, b->out.length);
	b->escape = false;
	if (b->listen_fd >= 0) {
		b->state = LINE_LISTENING;
	} else if (b->config.reconnect_s) {
		b->state = LINE_WAITING;
		b->reconnect_at = chardev_now_ms() + b->config.reconnect_s * 1000ull;
	}
	pthread_mutex_unlock(&b->host->lock);
}

/* A back end and its one or two descriptors in a round of poll(). */
struct polled {
	struct backend *backend;
	struct pollfd *in, *out;
};

/* poll() has to return at this time at the latest. */
static void wait_until(uint64_t when, int *timeout)
{
	uint64_t now = chardev_now_ms();
	int wait = when > now ? (int)(when - now) : 0;

	*timeout = *timeout < 0 || wait < *timeout ? wait : *timeout;
}

/* What a back end waits for; called with the lock held. */
static void fill_polled(struct polled *p, struct backend *b, struct pollfd *fds, int *timeout)
{
	p->backend = b;
	p->in = &fds[0];
	p->out = &fds[1];
	fds[0] = (struct pollfd){.fd = -1};
	fds[1] = (struct pollfd){.fd = -1};
	if (b->state == LINE_LISTENING) {
		fds[0] = (struct pollfd){.fd = b->listen_fd, .events = POLLIN};
	} else if (b->state == LINE_WAITING) {
		wait_until(b->reconnect_at, timeout);
	} else if (b->state == LINE_CONNECTING) {
		fds[1] = (struct pollfd){.fd = b->out_fd, .events = POLLOUT};
	} else {
		if (b->state == LINE_DEAD && b->out_fd >= 0)
			wait_until(b->hang_up_at, timeout);
		if (b->out.length)
			fds[1] = (struct pollfd){.fd = b->out_fd, .events = POLLOUT};
		if (room_for_input(b))
			fds[0] = (struct pollfd){.fd = b->in_fd, .events = POLLIN};
	}
}

/* Without the lock where bytes move; connections come and go under it. */
static void serve(struct polled *p)
{
	struct backend *b = p->backend;
	enum line_state before;

	pthread_mutex_lock(&b->host->lock);
	before = b->state;
	if (before == LINE_LISTENING && p->in->revents)
		backend_accept(b);
	else if (before == LINE_WAITING && chardev_now_ms() >= b->reconnect_at)
		backend_connect(b);
	else if (before == LINE_CONNECTING && p->out->revents)
		backend_connected(b);
	if (before != LINE_OPEN && b->state == LINE_OPEN)
		frontend_event(b->users[b->focus], CHARDEV_EVENT_OPENED);
	pthread_mutex_unlock(&b->host->lock);
	if (before == LINE_LISTENING || before == LINE_WAITING || before == LINE_CONNECTING)
		return;
	if (p->out->revents)
		write_output(b);
	if (p->in->revents)
		read_input(b);
}

/* Fills in what to wait for; the count of back ends. Called without the lock. */
static int gather(struct chardev_host *h, struct polled *p, struct pollfd *fds, int *timeout,
		  bool *done)
{
	int n = 0;

	*timeout = -1;
	pthread_mutex_lock(&h->lock);
	*done = h->ending;
	for (struct backend *b = h->backends; b && n < BACKENDS_POLLED; b = b->next, n++) {
		fill_polled(&p[n], b, &fds[2 * n], timeout);
		if (b->out.length && b->out_fd >= 0)
			*done = false;
	}
	if (h->ending) {
		uint64_t now = chardev_now_ms();

		*timeout = now < h->give_up_at ? (int)(h->give_up_at - now) : 0;
		*done |= now >= h->give_up_at;
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

static bool is_over(struct backend *b)
{
	bool over;

	pthread_mutex_lock(&b->host->lock);
	over = b->is_socket && b->state == LINE_DEAD && b->out_fd >= 0 &&
	       (!b->out.length || chardev_now_ms() >= b->hang_up_at);
	pthread_mutex_unlock(&b->host->lock);
	return over;
}

static bool round_of_io(struct chardev_host *h)
{
	struct pollfd fds[2 * BACKENDS_POLLED + 1];
	struct polled polled[BACKENDS_POLLED];
	uint64_t count;
	bool done;
	int timeout, n = gather(h, polled, fds, &timeout, &done);

	if (done)
		return false;
	fds[2 * n] = (struct pollfd){.fd = h->wake_fd, .events = POLLIN};
	/* Out of memory for poll(): again. Ending here would leave writers waiting. */
	if (poll(fds, (nfds_t)(2 * n + 1), timeout) < 0)
		return true;
	if (fds[2 * n].revents && read(h->wake_fd, &count, sizeof(count)) < 0)
		return true;
	for (int i = 0; i < n; i++) {
		serve(&polled[i]);
		if (is_over(polled[i].backend))
			hang_up(polled[i].backend);
		post_delivery(polled[i].backend);
	}
	return true;
}

void *chardev_io_thread(void *arg)
{
	struct chardev_host *h = arg;

	while (round_of_io(h))
		;
	return NULL;
}
