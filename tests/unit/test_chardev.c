/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back ends of chardevs, each against the real thing on the other side: a
 * connected socket, a pty, a file. The test's thread plays the machine thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "monitor/chardev_backend.h"
#include "monitor/chardev_host.h"
#include "tests/unit/unit.h"

#define PATIENCE_S 20 /* for a loaded machine; nothing waits so long when all is well */

/* ---- a machine thread ---- */

struct posted {
	void (*fn)(void *arg);
	void *arg;
};

struct machine {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct posted queue[256];
	unsigned count;
	bool quit;
};

static void machine_post(void *opaque, void (*fn)(void *arg), void *arg)
{
	struct machine *m = opaque;

	pthread_mutex_lock(&m->lock);
	if (m->count < 256)
		m->queue[m->count++] = (struct posted){fn, arg};
	pthread_cond_signal(&m->news);
	pthread_mutex_unlock(&m->lock);
}

static void machine_quit(void *opaque)
{
	((struct machine *)opaque)->quit = true;
}

/* Runs one posted function. Returns false after PATIENCE_S without any. */
static bool machine_step(struct machine *m)
{
	struct timespec until;
	struct posted next = {0};

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&m->lock);
	while (!m->count && pthread_cond_timedwait(&m->news, &m->lock, &until) == 0)
		;
	if (m->count) {
		next = m->queue[0];
		memmove(m->queue, m->queue + 1, --m->count * sizeof(m->queue[0]));
	}
	pthread_mutex_unlock(&m->lock);
	if (next.fn)
		next.fn(next.arg);
	return next.fn != NULL;
}

/* ---- a device ---- */

struct device {
	struct chardev *c;
	char got[8192];
	size_t length, room;
	unsigned opened, closed, breaks;
	const char *answer; /* said to whatever comes in */
};

static size_t device_can_receive(void *opaque)
{
	return ((struct device *)opaque)->room;
}

static void device_receive(void *opaque, const uint8_t *data, size_t len)
{
	struct device *d = opaque;

	CHECK(len <= d->room);
	if (len < sizeof(d->got) - d->length) {
		memcpy(d->got + d->length, data, len);
		d->length += len;
		d->got[d->length] = 0;
	}
	d->room -= len;
	if (d->answer)
		chardev_write(d->c, (const uint8_t *)d->answer, strlen(d->answer));
}

static void device_event(void *opaque, enum chardev_event e)
{
	struct device *d = opaque;

	d->opened += e == CHARDEV_EVENT_OPENED;
	d->closed += e == CHARDEV_EVENT_CLOSED;
	d->breaks += e == CHARDEV_EVENT_BREAK;
}

static void device_attach(struct device *d, struct chardev *c, size_t room)
{
	*d = (struct device){.c = c, .room = room};
	c->can_receive = device_can_receive;
	c->receive = device_receive;
	c->event = device_event;
	c->opaque = d;
}

/* ---- fixture ---- */

struct fixture {
	struct machine machine;
	struct chardev_host *host;
	char folder[32], path[64];
};

static void setup(struct fixture *f)
{
	struct chardev_host_ops ops = {machine_post, machine_quit, &f->machine};
	struct report r;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->machine.lock, NULL);
	pthread_cond_init(&f->machine.news, NULL);
	strcpy(f->folder, "/tmp/chardevXXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/x", f->folder);
	f->host = chardev_host_create(&ops, &r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->host);
}

static void teardown(struct fixture *f)
{
	chardev_host_destroy(f->host);
	unlink(f->path);
	CHECK_EQ(rmdir(f->folder), 0);
}

static struct chardev *open_backend(struct fixture *f, const struct chardev_config *config)
{
	struct chardev *c = NULL;
	struct report r = {0};

	if (chardev_host_open(f->host, config, "-serial", "serial0", &c, &r) < 0)
		fprintf(stderr, "%s\n", r.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(un.sun_path, path);
	CHECK_EQ(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void put(int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

/* Whether exactly text arrives. */
static bool arrives(int fd, const char *text)
{
	size_t length = strlen(text), got = 0;
	char buf[1024];

	while (got < length) {
		ssize_t n = read(fd, buf + got, length - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return !memcmp(buf, text, length);
}

static void device_say(struct device *d, const char *text)
{
	chardev_write(d->c, (const uint8_t *)text, strlen(text));
}

static const struct chardev_config server = {.kind = CHARDEV_SOCKET, .server = true};

static struct chardev_config unix_server(struct fixture *f)
{
	struct chardev_config c = server;

	c.path = f->path;
	return c;
}

/* ---- tests ---- */

static void test_socket_both_ways(void)
{
	struct chardev_config config;
	struct device d;
	struct fixture f;
	int fd;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 4096);
	fd = connect_unix(f.path);
	put(fd, "hello");
	while (d.length < 5 && machine_step(&f.machine))
		;
	CHECK_EQ(d.opened, 1);
	CHECK(!strcmp(d.got, "hello"));
	device_say(&d, "world");
	CHECK(arrives(fd, "world"));
	close(fd);
	while (!d.closed && machine_step(&f.machine))
		;
	CHECK_EQ(d.closed, 1);
	teardown(&f);
}

/* A command counts even when its writer closes at once; the next client too. */
static void test_socket_writer_closes(void)
{
	struct chardev_config config;
	struct device d;
	struct fixture f;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 4096);
	for (unsigned i = 1; i <= 5; i++) {
		int fd = connect_unix(f.path);

		put(fd, "quit\n");
		close(fd);
		while (d.closed < i && machine_step(&f.machine))
			;
		CHECK_EQ(d.length, 5 * i);
		CHECK_EQ(d.opened, i);
	}
	teardown(&f);
}

/* The same while something is being said to it, which cannot be any more. */
static void test_socket_writer_answered(void)
{
	struct chardev_config config;
	struct device d;
	struct fixture f;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 4096);
	for (unsigned i = 1; i <= 20; i++) {
		int fd = connect_unix(f.path);

		while (d.opened < i && machine_step(&f.machine))
			;
		/* Its thread is to see all of it at once; it does when it waits for the lock by then. */
		pthread_mutex_lock(&f.host->lock);
		chardev_host_wake(f.host);
		usleep(1000);
		put(fd, "quit\n");
		close(fd);
		byte_queue_put(&f.host->backends->out, (const uint8_t *)"answer", 6);
		pthread_mutex_unlock(&f.host->lock);
		while (d.closed < i && machine_step(&f.machine))
			;
		CHECK_EQ(d.length, 5 * i);
	}
	teardown(&f);
}

/* A client that says no more still gets the answer. */
static void test_socket_half_closed(void)
{
	struct chardev_config config;
	struct device d;
	struct fixture f;
	char rest;
	int fd;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 4096);
	fd = connect_unix(f.path);
	put(fd, "info\n");
	d.answer = "answer";
	shutdown(fd, SHUT_WR);
	while (!d.closed && machine_step(&f.machine))
		;
	CHECK(arrives(fd, "answer"));
	CHECK_EQ(read(fd, &rest, 1), 0);
	close(fd);
	teardown(&f);
}

/* A client that never reads: the device goes on, the surplus is dropped. */
static void test_socket_slow_reader(void)
{
	static char block[65536];
	struct chardev_config config;
	struct device d;
	struct fixture f;
	int fd;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 4096);
	fd = connect_unix(f.path);
	while (!d.opened && machine_step(&f.machine))
		;
	for (int i = 0; i < 100; i++)
		chardev_write(d.c, (uint8_t *)block, sizeof(block));
	put(fd, "still there");
	while (d.length < 11 && machine_step(&f.machine))
		;
	CHECK(!strcmp(d.got, "still there"));
	close(fd);
	while (!d.closed && machine_step(&f.machine))
		;
	teardown(&f);
}

/* Input waits for the device, in order and complete. */
static void test_back_pressure(void)
{
	static char sent[100000];
	struct chardev_config config;
	struct device d;
	struct fixture f;
	size_t at = 0, taken = 0;
	int fd;

	setup(&f);
	config = unix_server(&f);
	device_attach(&d, open_backend(&f, &config), 0);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)('a' + i % 23);
	fd = connect_unix(f.path);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (!d.opened && machine_step(&f.machine))
		;
	while (taken < sizeof(sent)) {
		ssize_t n = at < sizeof(sent) ? write(fd, sent + at, sizeof(sent) - at) : 0;

		at += n > 0 ? (size_t)n : 0;
		d.length = 0;
		d.room = 16; /* a FIFO has been read empty */
		d.c->accept_input(d.c);
		if (!d.length && !machine_step(&f.machine))
			break;
		CHECK(!memcmp(d.got, sent + taken, d.length));
		taken += d.length;
	}
	CHECK_EQ(taken, sizeof(sent));
	close(fd);
	teardown(&f);
}

static void test_mux(void)
{
	struct chardev_config config;
	struct device serial, monitor;
	struct fixture f;
	int fd;

	setup(&f);
	config = unix_server(&f);
	config.mux = true;
	config.id = "m";
	device_attach(&serial, open_backend(&f, &config), 4096);
	device_attach(&monitor, open_backend(&f, &config), 4096);
	CHECK(serial.c != monitor.c);
	fd = connect_unix(f.path);
	put(fd, "a\x01\x01" "b\x01" "cinfo\n\x01" "cz\x01" "b");
	while (!serial.breaks && machine_step(&f.machine))
		;
	CHECK(!strcmp(serial.got, "a\x01" "bz"));
	CHECK(!strcmp(monitor.got, "info\n"));
	CHECK_EQ(monitor.opened, 1);
	CHECK(serial.opened >= 1); /* on connecting and on coming back */
	device_say(&serial, "from serial ");
	device_say(&monitor, "from monitor");
	CHECK(arrives(fd, "from serial from monitor"));
	put(fd, "\x01h");
	CHECK(arrives(fd, "\r\nC-a h "));
	put(fd, "\x01x");
	while (!f.machine.quit && machine_step(&f.machine))
		;
	CHECK(f.machine.quit);
	close(fd);
	teardown(&f);
}

static void test_mux_full(void)
{
	struct chardev_config config;
	struct report r = {0};
	struct fixture f;
	struct chardev *c;

	setup(&f);
	config = unix_server(&f);
	config.mux = true;
	config.id = "m";
	for (int i = 0; i < 4; i++)
		open_backend(&f, &config);
	CHECK_EQ(chardev_host_open(f.host, &config, "-mon", "mon", &c, &r), -1);
	CHECK(!strcmp(r.text, "-mon: chardev m has 4 users already"));
	teardown(&f);
}

static void test_telnet(void)
{
	static const char hello[] = "\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00";
	struct chardev_config config;
	struct device d;
	struct fixture f;
	char got[32];
	size_t n = 0;
	int fd;

	setup(&f);
	config = unix_server(&f);
	config.telnet = true;
	device_attach(&d, open_backend(&f, &config), 4096);
	fd = connect_unix(f.path);
	while (n < sizeof(hello) - 1) {
		ssize_t more = read(fd, got + n, sizeof(hello) - 1 - n);

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	CHECK(!memcmp(got, hello, sizeof(hello) - 1));
	put(fd, "a\xff\xfd\x01" "b\xff\xfa\x18x\xff\xf0" "c\xff\xff\xff\xf3");
	while (!d.breaks && machine_step(&f.machine))
		;
	CHECK(!strcmp(d.got, "abc\xff"));
	device_say(&d, "x\xffy");
	CHECK(arrives(fd, "x\xff\xffy"));
	close(fd);
	teardown(&f);
}

static void test_file(void)
{
	static char block[3 << 20]; /* more than the queue holds: nothing is lost */
	struct chardev_config config = {.kind = CHARDEV_FILE};
	struct device d;
	struct fixture f;
	struct stat st;

	setup(&f);
	config.path = f.path;
	device_attach(&d, open_backend(&f, &config), 0);
	device_say(&d, "first");
	chardev_write(d.c, (uint8_t *)block, sizeof(block));
	chardev_host_destroy(f.host);
	CHECK_EQ(stat(f.path, &st), 0);
	CHECK_EQ(st.st_size, sizeof(block) + 5);
	f.host = NULL;
	teardown(&f);
}

static void test_pipe(void)
{
	struct chardev_config config = {.kind = CHARDEV_PIPE};
	struct device d;
	struct fixture f;
	char in[80], out[80];
	int to, from;

	setup(&f);
	snprintf(in, sizeof(in), "%s.in", f.path);
	snprintf(out, sizeof(out), "%s.out", f.path);
	CHECK_EQ(mkfifo(in, 0600), 0);
	CHECK_EQ(mkfifo(out, 0600), 0);
	config.path = f.path;
	device_attach(&d, open_backend(&f, &config), 64);
	to = open(in, O_WRONLY | O_NONBLOCK);
	from = open(out, O_RDONLY);
	put(to, "in");
	while (d.length < 2 && machine_step(&f.machine))
		;
	CHECK(!strcmp(d.got, "in"));
	device_say(&d, "out");
	CHECK(arrives(from, "out"));
	close(to);
	close(from);
	unlink(in);
	unlink(out);
	teardown(&f);
}

static void find_pty(void *arg, const char *line)
{
	const char *at = strstr(line, "pty:");

	if (at)
		strcpy(arg, at + 4);
}

static void test_pty(void)
{
	struct chardev_config config = {.kind = CHARDEV_PTY};
	char path[64] = "";
	struct device d;
	struct fixture f;

	setup(&f);
	device_attach(&d, open_backend(&f, &config), 64);
	chardev_host_list(f.host, find_pty, path);
	for (int i = 1; i <= 3; i++) { /* users come and go */
		int fd = open(path, O_RDWR | O_NOCTTY);

		CHECK(fd >= 0);
		put(fd, "k\r");
		while (d.length < 2 * (unsigned)i && machine_step(&f.machine))
			;
		device_say(&d, "echo");
		CHECK(arrives(fd, "echo"));
		close(fd);
	}
	CHECK(!strcmp(d.got, "k\rk\rk\r"));
	teardown(&f);
}

static void check_message(struct fixture *f, struct chardev_config config, const char *expected)
{
	struct chardev *c;
	struct report r = {0};

	CHECK_EQ(chardev_host_open(f->host, &config, "-serial", "serial0", &c, &r), -1);
	if (strcmp(r.text, expected))
		fprintf(stderr, "got '%s'\n", r.text);
	CHECK(!strcmp(r.text, expected));
}

static void test_messages(void)
{
	char long_path[200], message[300];
	struct fixture f;

	setup(&f);
	check_message(&f, (struct chardev_config){.kind = CHARDEV_FILE, .path = "/nowhere/x"},
		      "-serial /nowhere/x: No such file or directory");
	check_message(&f, (struct chardev_config){.kind = CHARDEV_SOCKET, .path = "/nowhere/x"},
		      "-serial unix:/nowhere/x: No such file or directory");
	check_message(&f, (struct chardev_config){.kind = CHARDEV_PIPE, .path = "/nowhere/x"},
		      "-serial /nowhere/x: there is neither a FIFO of that name nor a pair with "
		      ".in and .out added (mkfifo makes one)");
	memset(long_path, 'x', sizeof(long_path));
	long_path[150] = 0;
	snprintf(message, sizeof(message),
		 "-serial %s: the path of a socket has at most 107 characters", long_path);
	check_message(&f, (struct chardev_config){.kind = CHARDEV_SOCKET, .path = long_path},
		      message);
	teardown(&f);
}

static void test_none_and_null(void)
{
	struct chardev_config none = {.kind = CHARDEV_NONE}, null = {.kind = CHARDEV_NULL};
	struct chardev *c = (struct chardev *)1;
	struct report r = {0};
	struct fixture f;
	struct device d;

	setup(&f);
	CHECK_EQ(chardev_host_open(f.host, &none, "-serial", "serial0", &c, &r), 0);
	CU_ASSERT_PTR_NULL(c);
	device_attach(&d, open_backend(&f, &null), 1);
	device_say(&d, "nowhere");
	teardown(&f);
}

/* A client with reconnect= calls again until there is a server, and once more. */
static void test_reconnect(void)
{
	struct chardev_config config = {.kind = CHARDEV_SOCKET, .reconnect_s = 1};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct device d;
	struct fixture f;
	int listener;

	setup(&f);
	config.path = f.path;
	device_attach(&d, open_backend(&f, &config), 64);
	strcpy(un.sun_path, f.path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	CHECK_EQ(listen(listener, 1), 0);
	for (unsigned i = 1; i <= 2; i++) {
		int fd = accept(listener, NULL, NULL);

		put(fd, "x");
		while (d.length < i && machine_step(&f.machine))
			;
		CHECK_EQ(d.opened, i);
		close(fd);
		while (d.closed < i && machine_step(&f.machine))
			;
	}
	close(listener);
	teardown(&f);
}

UNIT_MAIN("chardev", {"socket, both ways", test_socket_both_ways},
	  {"writer closes at once", test_socket_writer_closes},
	  {"writer closes while it is answered", test_socket_writer_answered},
	  {"half-closed client gets its answer", test_socket_half_closed},
	  {"slow reader", test_socket_slow_reader}, {"back pressure", test_back_pressure},
	  {"mux keys", test_mux}, {"mux is full", test_mux_full}, {"telnet", test_telnet},
	  {"file", test_file}, {"pipe", test_pipe}, {"pty", test_pty}, {"messages", test_messages},
	  {"none and null", test_none_and_null}, {"reconnect", test_reconnect})
