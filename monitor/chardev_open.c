/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and closing the other side of a chardev: the terminal, files,
 * pipes, ptys and sockets. Every descriptor is non-blocking where that does
 * not change one that other processes share.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "monitor/chardev_backend.h"
#include "monitor/host_files.h"
#include "monitor/terminal.h"

static int fail(struct report *r, const char *option, const char *what, const char *why)
{
	return report_fail(r, "%s %s: %s", option, what, why);
}

/* ---- terminal ---- */

/*
 * A descriptor of our own for a standard stream, so that O_NONBLOCK does not
 * reach the shell that shares it. Falls back to the stream itself.
 */
static int reopen_stream(int fd, int mode)
{
	char path[32];
	struct stat st;
	int own;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? fd : own;
}

static int open_stdio(struct backend *b, const char *option, struct report *r)
{
	struct stat st;

	b->in_fd = reopen_stream(STDIN_FILENO, O_RDONLY);
	b->out_fd = reopen_stream(STDOUT_FILENO, O_WRONLY);
	if (b->out_fd < 0)
		return fail(r, option, "stdio", "stdout is closed");
	b->is_file = fstat(b->out_fd, &st) == 0 && S_ISREG(st.st_mode);
	b->is_terminal = isatty(STDIN_FILENO);
	b->has_input = b->in_fd >= 0;
	terminal_raw(b->config.signals);
	snprintf(b->name, sizeof(b->name), "stdio");
	return 0;
}

/* ---- file, pipe, pty ---- */

static int open_file(struct backend *b, const char *option, struct report *r)
{
	const char *path = b->config.path;
	int keep = b->config.append ? O_APPEND : O_TRUNC;
	struct stat st;

	/* O_NONBLOCK: a FIFO without a reader must not hold us up. */
	b->out_fd = open(path, O_WRONLY | O_CREAT | keep | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
	if (b->out_fd < 0)
		return fail(r, option, path, strerror(errno));
	b->is_file = fstat(b->out_fd, &st) == 0 && S_ISREG(st.st_mode);
	snprintf(b->name, sizeof(b->name), "file:%s", path);
	return 0;
}

/* path.in and path.out, or one FIFO for both ways. Opened for both: never ends. */
static int open_pipe(struct backend *b, const char *option, struct report *r)
{
	const int mode = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	const char *path = b->config.path;
	char name[1100];

	snprintf(name, sizeof(name), "%s.in", path);
	b->in_fd = open(name, mode);
	snprintf(name, sizeof(name), "%s.out", path);
	b->out_fd = open(name, mode);
	if (b->in_fd < 0 || b->out_fd < 0) {
		backend_close(b);
		b->in_fd = b->out_fd = open(path, mode);
	}
	if (b->out_fd < 0)
		return fail(r, option, path, "there is neither a FIFO of that name nor a pair "
					     "with .in and .out added (mkfifo makes one)");
	b->has_input = true;
	snprintf(b->name, sizeof(b->name), "pipe:%s", path);
	return 0;
}

static int open_pty(struct backend *b, const char *option, struct report *r)
{
	struct termios raw;
	char path[64];

	b->in_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (b->in_fd < 0 || grantpt(b->in_fd) < 0 || unlockpt(b->in_fd) < 0 ||
	    ptsname_r(b->in_fd, path, sizeof(path)) != 0)
		return fail(r, option, "pty", strerror(errno));
	b->out_fd = b->in_fd;
	b->keep_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b->keep_fd < 0 || tcgetattr(b->keep_fd, &raw) < 0)
		return fail(r, option, path, strerror(errno));
	cfmakeraw(&raw);
	tcsetattr(b->keep_fd, TCSANOW, &raw);
	b->has_input = true;
	snprintf(b->name, sizeof(b->name), "pty:%s", path);
	/* In the words that tools look for. */
	printf("char device redirected to %s (label %s)\n", path, b->users[0]->label);
	fflush(stdout);
	return 0;
}

/* ---- sockets ---- */

static int unix_address(struct backend *b, const char *option, struct report *r)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&b->address;

	if (strlen(b->config.path) >= sizeof(un->sun_path))
		return fail(r, option, b->config.path,
			    "the path of a socket has at most 107 characters");
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, b->config.path);
	b->address_length = sizeof(*un);
	return 0;
}

/* A socket bound to (server) or connected with (client) the address. -errno. */
static int try_address(struct backend *b, const struct sockaddr *address, socklen_t length)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	if (b->config.server) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, address, length) == 0 && listen(fd, 1) == 0)
			return fd;
	} else if (connect(fd, address, length) == 0) {
		return fd;
	}
	error = -errno;
	close(fd);
	return error;
}

static int open_tcp(struct backend *b, const char *option, struct report *r)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = b->config.server ? AI_PASSIVE : 0};
	const char *host = b->config.host && *b->config.host ? b->config.host : NULL;
	struct addrinfo *list, *a;
	int fd = -EADDRNOTAVAIL, error;

	error = getaddrinfo(host, b->config.port, &hints, &list);
	if (error)
		return fail(r, option, b->name, gai_strerror(error));
	for (a = list; a && fd < 0; a = a->ai_next) {
		fd = try_address(b, a->ai_addr, a->ai_addrlen);
		memcpy(&b->address, a->ai_addr, a->ai_addrlen);
		b->address_length = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return fd;
}

static int open_unix(struct backend *b, const char *option, struct report *r)
{
	struct stat st;
	int fd;

	if (unix_address(b, option, r) < 0)
		return -1;
	/* What a run before left behind; never anything but a socket. */
	if (b->config.server && lstat(b->config.path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(b->config.path);
	fd = try_address(b, (struct sockaddr *)&b->address, b->address_length);
	if (fd >= 0 && b->config.server)
		snprintf(b->unlink_path, sizeof(b->unlink_path), "%s", b->config.path);
	if (b->unlink_path[0])
		host_may_unlink(b->unlink_path);
	return fd;
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void use_connection(struct backend *b, int fd)
{
	int on = 1;

	set_nonblocking(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	b->in_fd = b->out_fd = fd;
	b->has_input = true;
	b->state = LINE_OPEN;
	if (b->config.telnet)
		telnet_hello(b);
}

static int open_socket(struct backend *b, const char *option, struct report *r)
{
	bool is_unix = b->config.path != NULL;
	int fd;

	if (is_unix)
		snprintf(b->name, sizeof(b->name), "unix:%.120s", b->config.path);
	else
		snprintf(b->name, sizeof(b->name), "%s:%.80s:%.40s",
			 b->config.telnet ? "telnet" : "tcp", b->config.host, b->config.port);
	b->is_socket = true;
	r->text[0] = 0;
	fd = is_unix ? open_unix(b, option, r) : open_tcp(b, option, r);
	if (b->config.reconnect_s)
		host_may_connect((struct sockaddr *)&b->address, b->address_length);
	if (fd < 0 && r->text[0])
		return -1;
	if (fd < 0 && !b->config.server && b->config.reconnect_s) {
		b->state = LINE_WAITING;
		b->reconnect_at = chardev_now_ms() + b->config.reconnect_s * 1000ull;
		return 0;
	}
	if (fd < 0)
		return fail(r, option, b->name, strerror(-fd));
	if (!b->config.server) {
		use_connection(b, fd);
		return 0;
	}
	snprintf(b->name + strlen(b->name), sizeof(b->name) - strlen(b->name), ",server=on");
	b->listen_fd = fd;
	b->state = LINE_LISTENING;
	if (b->config.wait) {
		fprintf(stderr, "transvisor: waiting for a connection on %s\n", b->name);
		while (b->state == LINE_LISTENING)
			backend_accept(b);
	}
	set_nonblocking(b->listen_fd);
	return 0;
}

void backend_accept(struct backend *b)
{
	int fd = accept4(b->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		use_connection(b, fd);
}

void backend_connect(struct backend *b)
{
	int error, fd = host_connect((struct sockaddr *)&b->address, b->address_length, &error);

	b->state = LINE_WAITING;
	b->reconnect_at = chardev_now_ms() + b->config.reconnect_s * 1000ull;
	if (fd < 0)
		return;
	if (!error) {
		use_connection(b, fd);
	} else if (error == EINPROGRESS) {
		b->in_fd = b->out_fd = fd;
		b->state = LINE_CONNECTING;
	} else {
		close(fd);
	}
}

void backend_connected(struct backend *b)
{
	int error = 0, fd = b->out_fd;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0) {
		use_connection(b, fd);
		return;
	}
	backend_close(b);
	b->state = LINE_WAITING;
}

/* ---- all of them ---- */

int backend_open(struct backend *b, const char *option, struct report *r)
{
	b->in_fd = b->out_fd = b->listen_fd = b->keep_fd = -1;
	b->state = LINE_OPEN;
	switch (b->config.kind) {
	case CHARDEV_STDIO:
	case CHARDEV_MUX:
		return open_stdio(b, option, r);
	case CHARDEV_FILE:
		return open_file(b, option, r);
	case CHARDEV_PIPE:
		return open_pipe(b, option, r);
	case CHARDEV_PTY:
		return open_pty(b, option, r);
	case CHARDEV_SOCKET:
		return open_socket(b, option, r);
	case CHARDEV_VC:
		snprintf(b->name, sizeof(b->name), "vc");
		return 0;
	default:
		snprintf(b->name, sizeof(b->name), "null");
		return 0;
	}
}

void backend_close(struct backend *b)
{
	if (b->in_fd > STDERR_FILENO)
		close(b->in_fd);
	if (b->out_fd > STDERR_FILENO && b->out_fd != b->in_fd)
		close(b->out_fd);
	b->in_fd = b->out_fd = -1;
	b->has_input = false;
}
