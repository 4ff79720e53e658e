/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's side of sandbox_helper.h. The socket is the process's, as the
 * sandbox is, so that it is no machine's.
 */
#include "monitor/host_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "monitor/sandbox_helper.h"

static struct {
	pthread_mutex_t lock; /* guards the counters, and a request with its answer */
	int fd;		      /* -1: no helper; set when there is one thread */
	atomic_bool sealed;   /* the rules hold; until then files are opened directly */
	uint64_t made, refused;
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static _Thread_local bool was_refused;

/* For the log. */
static const char *const request_names[] = {
	[HELPER_OPEN] = "open",
	[HELPER_STAT] = "look at",
	[HELPER_LSTAT] = "look at",
	[HELPER_UNLINK] = "remove",
	[HELPER_TEMPORARY] = "make a temporary file",
	[HELPER_CONNECT] = "connect",
	[HELPER_MAY_UNLINK] = "allow removing",
	[HELPER_MAY_CONNECT] = "allow connecting with",
	[HELPER_MAY_USE_FOLDER_OF] = "allow the folder of",
	[HELPER_SEAL] = "begin",
};

/* ---- asking ---- */

/* While the machine is made, everything is the user's own wish: no rules then. */
static bool use_helper(void)
{
	return helper.fd >= 0 && helper.sealed;
}

/* The descriptor that came with the answer, -1 if none did. */
static int take_descriptor(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int exchange_locked(const struct helper_request *q, struct helper_reply *a)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec piece = {a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	size_t size = offsetof(struct helper_request, data) + q->length;
	ssize_t n;

	*a = (struct helper_reply){.error = EPIPE};
	do
		n = send(helper.fd, q, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	do
		n = recvmsg(helper.fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*a) ? take_descriptor(&m) : -1;
}

/* The descriptor, -1 if there is none. a->error says whether it went well. */
static int ask(struct helper_request *q, const void *data, size_t length, struct helper_reply *a)
{
	int fd = -1;

	*a = (struct helper_reply){.error = ENAMETOOLONG};
	if (length > sizeof(q->data))
		return -1;
	memcpy(q->data, data, length);
	q->length = (uint32_t)length;
	pthread_mutex_lock(&helper.lock);
	fd = exchange_locked(q, a);
	helper.made += q->op < HELPER_MAY_UNLINK;
	helper.refused += a->refused;
	pthread_mutex_unlock(&helper.lock);
	was_refused = a->refused;
	if (a->refused)
		LOG(LOG_VM, "sandbox: the helper refuses to %s %s", request_names[q->op],
		    q->op == HELPER_CONNECT ? "" : q->data);
	return fd;
}

static int ask_path(enum helper_op op, int flags, mode_t mode, const char *path,
		    struct helper_reply *a)
{
	struct helper_request q = {.op = op, .flags = flags, .mode = mode};

	return ask(&q, path, strlen(path) + 1, a);
}

/* ---- requests ---- */

int host_open(const char *path, int flags, mode_t mode)
{
	struct helper_reply a;
	int fd;

	was_refused = false;
	if (!use_helper())
		return open(path, flags | O_CLOEXEC, mode);
	fd = ask_path(HELPER_OPEN, flags, mode, path, &a);
	errno = a.error;
	return fd;
}

FILE *host_create(const char *path)
{
	int fd = host_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), error;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");

	if (!f && fd >= 0) {
		error = errno;
		close(fd);
		errno = error;
	}
	return f;
}

static int ask_stat(enum helper_op op, const char *path, struct stat *st)
{
	struct helper_reply a;

	ask_path(op, 0, 0, path, &a);
	*st = a.stat;
	errno = a.error;
	return a.error ? -1 : 0;
}

int host_stat(const char *path, struct stat *st)
{
	was_refused = false;
	return use_helper() ? ask_stat(HELPER_STAT, path, st) : stat(path, st);
}

int host_lstat(const char *path, struct stat *st)
{
	was_refused = false;
	return use_helper() ? ask_stat(HELPER_LSTAT, path, st) : lstat(path, st);
}

int host_unlink(const char *path)
{
	struct helper_reply a;

	if (!use_helper())
		return unlink(path);
	ask_path(HELPER_UNLINK, 0, 0, path, &a);
	errno = a.error;
	return a.error ? -1 : 0;
}

/* Not /tmp by default: it is often memory, and a temporary file can grow large. */
static int open_temporary(void)
{
	const char *dir = getenv("TMPDIR");
	char path[1024];
	int fd;

	if (!dir || !dir[0])
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/transvisor-XXXXXX", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int host_temporary(void)
{
	struct helper_reply a;
	int fd;

	if (!use_helper())
		return open_temporary();
	fd = ask_path(HELPER_TEMPORARY, 0, 0, "", &a);
	return a.error ? -a.error : fd;
}

int host_connect(const struct sockaddr *address, socklen_t length, int *error)
{
	struct helper_request q = {.op = HELPER_CONNECT};
	struct helper_reply a;
	int fd;

	if (use_helper()) {
		fd = ask(&q, address, length, &a);
		*error = a.error;
		return fd;
	}
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*error = fd < 0 || connect(fd, address, length) < 0 ? errno : 0;
	return fd;
}

const char *host_strerror(int error)
{
	return was_refused ? "the sandbox keeps this closed, see -sandbox files=" : strerror(error);
}

/* ---- permissions ---- */

static bool open_for_permissions(void)
{
	return helper.fd >= 0 && !helper.sealed;
}

void host_may_unlink(const char *path)
{
	struct helper_reply a;

	if (open_for_permissions())
		ask_path(HELPER_MAY_UNLINK, 0, 0, path, &a);
}

void host_may_connect(const struct sockaddr *address, socklen_t length)
{
	struct helper_request q = {.op = HELPER_MAY_CONNECT};
	struct helper_reply a;

	if (open_for_permissions())
		ask(&q, address, length, &a);
}

void host_may_use_folder_of(const char *path)
{
	struct helper_reply a;

	if (open_for_permissions())
		ask_path(HELPER_MAY_USE_FOLDER_OF, 0, 0, path, &a);
}

void host_files_seal(void)
{
	struct helper_reply a;

	ask_path(HELPER_SEAL, 0, 0, "", &a);
	helper.sealed = true;
}

void host_files_use_helper(int fd)
{
	pthread_mutex_lock(&helper.lock);
	if (helper.fd >= 0)
		close(helper.fd);
	helper.fd = fd;
	helper.sealed = false;
	pthread_mutex_unlock(&helper.lock);
}

void host_files_count(uint64_t *made, uint64_t *refused)
{
	pthread_mutex_lock(&helper.lock);
	*made = helper.made;
	*refused = helper.refused;
	pthread_mutex_unlock(&helper.lock);
}
