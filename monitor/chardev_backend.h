/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files behind chardev_host.h share. A back end is a pair of file
 * descriptors and a queue of bytes to be written; a front end is what a device
 * holds, with a queue of bytes that the device has not taken yet. Most back
 * ends have one front end; a mux has several, of which one has the focus.
 *
 * host->lock guards all of it, with these exceptions: file descriptors and
 * `state` of a back end that is in the host's list change on the I/O thread
 * only, which reads them without the lock; a front end's chardev is the
 * machine thread's.
 */
#ifndef MONITOR_CHARDEV_BACKEND_H
#define MONITOR_CHARDEV_BACKEND_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "monitor/chardev_host.h"

#define IN_QUEUE_SIZE 4096u
#define OUT_QUEUE_SIZE (1u << 20)
#define MUX_USERS 4

struct byte_queue {
	uint8_t *data;
	size_t capacity, head, length;
};

/* As much as fits; returns how much that was. */
size_t byte_queue_put(struct byte_queue *q, const uint8_t *data, size_t len);
size_t byte_queue_peek(const struct byte_queue *q, uint8_t *out, size_t max);
void byte_queue_drop(struct byte_queue *q, size_t len);
static inline size_t byte_queue_space(const struct byte_queue *q)
{
	return q->capacity - q->length;
}

struct frontend {
	struct chardev chardev; /* what the device has */
	struct backend *backend;
	struct byte_queue in;
	unsigned events;  /* bit n: enum chardev_event n is to be told */
	bool delivering;  /* receive() is running: no second level */
	char label[32];
};

enum line_state {
	LINE_OPEN,      /* bytes can pass (or nobody is asked whether they can) */
	LINE_LISTENING, /* server without client */
	LINE_WAITING,   /* client that tries again at reconnect_at */
	LINE_CONNECTING,
	LINE_ENDING,    /* the other side has said all it had to say */
	LINE_DEAD,      /* end of input, or never again */
};

/* The telnet protocol's place in a sequence (RFC 854). */
enum telnet_state { TELNET_DATA, TELNET_IAC, TELNET_OPTION, TELNET_SUB, TELNET_SUB_IAC };

struct backend {
	struct backend *next;
	struct chardev_host *host;
	struct chardev_config config;
	char name[160]; /* "unix:/tmp/x,server=on" */

	enum line_state state;
	int in_fd, out_fd; /* may be the same; -1: none */
	int listen_fd;
	int keep_fd;       /* pty: our own end of it, so that it never hangs up */
	bool is_file;      /* writing may take a while but never forever */
	bool is_terminal;
	bool has_input;    /* in_fd has not ended yet */
	bool is_socket;
	uint64_t reconnect_at; /* ms of the monotonic clock */
	uint64_t hang_up_at;   /* LINE_DEAD: no longer than this for the last answer */
	struct sockaddr_storage address; /* clients: whom to call again */
	socklen_t address_length;
	enum telnet_state telnet;
	char unlink_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	struct byte_queue out;
	uint64_t dropped; /* bytes that did not fit */

	struct frontend *users[MUX_USERS];
	unsigned user_count, focus;
	bool escape;      /* Ctrl-A has been seen */
	bool timestamps, line_start;
	bool delivery_posted;
	bool quit_posted;
};

struct chardev_host {
	struct chardev_host_ops ops;
	pthread_mutex_t lock;
	pthread_cond_t written; /* room in the queue of a file */
	pthread_t thread;
	bool ending;            /* destroy: write out, then leave */
	uint64_t give_up_at;    /* ... but not later than this */
	int wake_fd;
	struct backend *backends;
};

/* Milliseconds of the monotonic clock. */
uint64_t chardev_now_ms(void);

/* ---- chardev_open.c ---- */
/* Opens what b->config says. Returns 0 or -1 with *r; option names it there. */
int backend_open(struct backend *b, const char *option, struct report *r);
/* Takes a client off the listening socket; starts a connection attempt. */
void backend_accept(struct backend *b);
void backend_connect(struct backend *b);
/* Whether an attempt has come to an end; then state says which. */
void backend_connected(struct backend *b);
void backend_close(struct backend *b);

/* ---- chardev_mux.c: under the lock ---- */
/* Bytes from the user of a mux: Ctrl-A keys, the rest to the focus. */
void mux_input(struct backend *b, const uint8_t *data, size_t len);
/* "[12:34:56.789] " */
void mux_timestamp(char *text, size_t size);
/* Takes telnet sequences out of data; returns what is left of it. */
size_t telnet_filter(struct backend *b, uint8_t *data, size_t len);
void telnet_hello(struct backend *b);

#define EVENT_BIT(e) (1u << (e))

/* ---- chardev_host.c ---- */
void chardev_host_wake(struct chardev_host *h);
/* Under the lock: e is to be told to the device. */
void frontend_event(struct frontend *f, enum chardev_event e);
/* To be posted to the machine thread with a back end as argument. */
void chardev_deliver_posted(void *backend);

/* ---- chardev_io.c ---- */
void *chardev_io_thread(void *host);

#endif
