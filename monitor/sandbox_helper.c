/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper process: one request after another, until the monitor's end of the
 * socket is closed. What it is sent may come from a monitor that a guest has
 * taken over, so nothing in a request is trusted: neither its size, nor that a
 * path ends or stays where it was.
 *
 * A path is made canonical, judged, and opened without following any link
 * (openat2, RESOLVE_NO_SYMLINKS), so that what is opened is what was judged.
 */
#include "monitor/sandbox_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/host_files.h"
#include "monitor/sandbox.h"
#include "monitor/sandbox_filter.h"
#include "monitor/sandbox_paths.h"

#define HELPER_FD (STDERR_FILENO + 1)
#define REMOVABLE_MAX 16
#define ADDRESSES_MAX 16
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define ANY_EXECUTE (S_IXUSR | S_IXGRP | S_IXOTH)

struct removable {
	char name[PATH_MAX];  /* as the monitor knows it */
	char place[PATH_MAX]; /* canonical */
};

/* Static: it is too large for a stack, and the process has but this one. */
static struct helper {
	struct sandbox_paths paths;
	struct removable removable[REMOVABLE_MAX], made; /* made: opened with O_CREAT last */
	size_t removable_count;
	struct {
		struct sockaddr_storage address;
		socklen_t length;
	} peers[ADDRESSES_MAX];
	size_t peer_count;
	bool daemon, sealed;
	struct helper_request request;
	struct helper_reply reply;
} helper;

/* ---- names ---- */

/*
 * The canonical form of a path whose last part need not exist. Returns 0 or an
 * errno value.
 */
static int canonical(const char *path, char out[PATH_MAX])
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = slash ? (size_t)(slash - path) : 0;
	size_t at;

	if (realpath(path, out))
		return 0;
	if (errno != ENOENT || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return errno;
	snprintf(folder, sizeof(folder), "%.*s", (int)(len ? len : 1), slash ? path : ".");
	if (!realpath(folder, out))
		return errno;
	at = strlen(out);
	if (at == 1) /* "/" */
		at = 0;
	if (at + 1 + strlen(name) >= PATH_MAX)
		return ENAMETOOLONG;
	snprintf(out + at, PATH_MAX - at, "/%s", name);
	return 0;
}

static bool same_removable(const struct removable *x, const char *name)
{
	return x->name[0] && !strcmp(x->name, name);
}

static int set_removable(struct removable *x, const char *name, const char *place)
{
	snprintf(x->name, sizeof(x->name), "%s", name);
	snprintf(x->place, sizeof(x->place), "%s", place);
	return 0;
}

/* ---- opening ---- */

static int open_without_links(const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags = (uint32_t)flags, .resolve = RESOLVE_NO_SYMLINKS};
	int fd;

	if (flags & O_CREAT)
		how.mode = mode & 0666;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS) /* before Linux 5.6: the last part at least */
		fd = open(path, flags | O_NOFOLLOW, mode & 0666);
	return fd;
}

/* What may be written: nothing that is more than a file, and no program. */
static bool kind_allowed(const struct stat *st, bool program_too)
{
	if (S_ISREG(st->st_mode))
		return program_too || !(st->st_mode & ANY_EXECUTE);
	return !S_ISDIR(st->st_mode) && !S_ISSOCK(st->st_mode);
}

static int refuse(struct helper *h)
{
	h->reply.refused = true;
	return EACCES;
}

static int do_open(struct helper *h, const char *path, int *fd)
{
	int flags = h->request.flags & OPEN_FLAGS, wished = flags;
	bool write = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
	char place[PATH_MAX];
	struct stat st;
	int error = canonical(path, place);

	if (error)
		return error;
	if (!sandbox_paths_allow(&h->paths, place, write))
		return refuse(h);
	/* It is emptied when it is known what it is, and not waited for. */
	flags = (flags & ~O_TRUNC) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	*fd = open_without_links(place, flags, h->request.mode);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return errno;
	if (!kind_allowed(&st, !write || sandbox_paths_named(&h->paths, place)))
		return S_ISDIR(st.st_mode) ? EISDIR : refuse(h);
	if (wished & O_TRUNC && S_ISREG(st.st_mode) && ftruncate(*fd, 0) < 0)
		return errno;
	if (!(wished & O_NONBLOCK))
		fcntl(*fd, F_SETFL, wished & O_APPEND);
	return wished & O_CREAT && S_ISREG(st.st_mode) ? set_removable(&h->made, path, place) : 0;
}

static int do_stat(struct helper *h, const char *path)
{
	char place[PATH_MAX];
	int error = canonical(path, place);

	if (error)
		return error;
	if (!sandbox_paths_allow(&h->paths, place, false))
		return refuse(h);
	if (h->request.op == HELPER_LSTAT)
		return lstat(path, &h->reply.stat) < 0 ? errno : 0;
	return stat(place, &h->reply.stat) < 0 ? errno : 0;
}

static int do_unlink(struct helper *h, const char *path)
{
	const struct removable *x = same_removable(&h->made, path) ? &h->made : NULL;

	for (size_t i = 0; i < h->removable_count && !x; i++) {
		if (same_removable(&h->removable[i], path))
			x = &h->removable[i];
	}
	if (!x)
		return refuse(h);
	return unlink(x->place) < 0 ? errno : 0;
}

static int do_temporary(struct helper *h, int *fd)
{
	*fd = host_temporary();
	return *fd < 0 ? -*fd : 0;
}

static int do_connect(struct helper *h, int *fd)
{
	const struct helper_request *q = &h->request;

	for (size_t i = 0; i < h->peer_count; i++) {
		const struct sockaddr *a = (const struct sockaddr *)&h->peers[i].address;

		if (h->peers[i].length != q->length || memcmp(a, q->data, q->length))
			continue;
		*fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		return *fd < 0 || connect(*fd, a, q->length) < 0 ? errno : 0;
	}
	return refuse(h);
}

/* ---- permissions ---- */

static int may_unlink(struct helper *h, const char *path)
{
	char place[PATH_MAX];
	int error = canonical(path, place);

	if (error)
		return error;
	if (h->removable_count == REMOVABLE_MAX)
		return ENOSPC;
	return set_removable(&h->removable[h->removable_count++], path, place);
}

static int may_connect(struct helper *h)
{
	const struct helper_request *q = &h->request;

	if (h->peer_count == ADDRESSES_MAX || q->length > sizeof(h->peers[0].address))
		return ENOSPC;
	memcpy(&h->peers[h->peer_count].address, q->data, q->length);
	h->peers[h->peer_count++].length = q->length;
	return 0;
}

static int may_use_folder_of(struct helper *h, const char *path)
{
	char place[PATH_MAX];
	int error = canonical(path, place);

	if (error)
		return error;
	*strrchr(place, '/') = 0; /* canonical paths have one */
	return sandbox_paths_add(&h->paths, place[0] ? place : "/", false) ? 0 : ENOSPC;
}

/* Now names are those of the running machine. */
static int seal(struct helper *h)
{
	h->sealed = true;
	return h->daemon && chdir("/") < 0 ? errno : 0;
}

static int permit(struct helper *h, const char *path)
{
	if (h->sealed)
		return refuse(h);
	switch (h->request.op) {
	case HELPER_MAY_UNLINK:
		return may_unlink(h, path);
	case HELPER_MAY_CONNECT:
		return may_connect(h);
	case HELPER_MAY_USE_FOLDER_OF:
		return may_use_folder_of(h, path);
	case HELPER_SEAL:
		return seal(h);
	default:
		return EINVAL;
	}
}

/* ---- the process ---- */

static int serve(struct helper *h, int *fd)
{
	const char *path = h->request.data;

	switch (h->request.op) {
	case HELPER_OPEN:
		return do_open(h, path, fd);
	case HELPER_STAT:
	case HELPER_LSTAT:
		return do_stat(h, path);
	case HELPER_UNLINK:
		return do_unlink(h, path);
	case HELPER_TEMPORARY:
		return do_temporary(h, fd);
	case HELPER_CONNECT:
		return do_connect(h, fd);
	default:
		return permit(h, path);
	}
}

/* Whether the packet is whole, and its data a string where that is what is meant. */
static bool well_formed(const struct helper_request *q, size_t size)
{
	bool address = q->op == HELPER_CONNECT || q->op == HELPER_MAY_CONNECT;

	return size >= offsetof(struct helper_request, data) && q->length <= sizeof(q->data) &&
	       size == offsetof(struct helper_request, data) + q->length &&
	       (address || (q->length && !q->data[q->length - 1]));
}

static bool answer(const struct helper *h, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec piece = {(void *)&h->reply, sizeof(h->reply)};
	struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	return sendmsg(HELPER_FD, &m, MSG_NOSIGNAL) == sizeof(h->reply);
}

static void run(struct helper *h)
{
	for (;;) {
		ssize_t n = recv(HELPER_FD, &h->request, sizeof(h->request), 0);
		bool going_on;
		int fd = -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* the monitor has ended */
		memset(&h->reply, 0, sizeof(h->reply));
		h->reply.error = well_formed(&h->request, (size_t)n) ? serve(h, &fd) : EINVAL;
		if (h->reply.error && h->reply.error != EINPROGRESS && fd >= 0) {
			close(fd);
			fd = -1;
		}
		going_on = answer(h, fd);
		if (fd >= 0)
			close(fd);
		if (!going_on)
			return;
	}
}

/* Nothing of the parent's stays but the socket: no terminal, no image, no pipe. */
static void leave_parent(int fd)
{
	int null = open("/dev/null", O_RDWR);

	setsid(); /* Ctrl-C and Ctrl-Z are for the monitor */
	prctl(PR_SET_NAME, "transvisor-file");
	prctl(PR_SET_DUMPABLE, 0);
	if (fd != HELPER_FD)
		dup2(fd, HELPER_FD);
	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (null >= 0)
			dup2(null, i);
		else
			close(i);
	}
	closefrom(HELPER_FD + 1);
}

static void set_paths(struct helper *h, const struct sandbox_config *config, bool daemon)
{
	const char *home = getenv("HOME");
	char place[PATH_MAX];

	h->daemon = daemon;
	if (home && home[0] == '/' && realpath(home, place) && place[1])
		snprintf(h->paths.home, sizeof(h->paths.home), "%s", place);
	if (getcwd(place, sizeof(place)))
		sandbox_paths_add(&h->paths, place, false);
	for (size_t i = 0; i < config->file_count; i++) {
		if (realpath(config->files[i], place))
			sandbox_paths_add(&h->paths, place, true);
	}
	h->paths.strict |= config->file_count != 0;
}

int sandbox_helper_start(const struct sandbox_config *config, bool daemon)
{
	int ends[2], error;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	child = fork();
	error = errno;
	if (child == 0) {
		leave_parent(ends[1]);
		set_paths(&helper, config, daemon);
		sandbox_keep_file_capabilities();
		/* A host that refuses the filter here refuses it to the monitor too. */
		if (sandbox_filter_helper() == 0)
			run(&helper);
		_exit(0);
	}
	close(ends[1]);
	if (child > 0)
		return ends[0];
	close(ends[0]);
	return -error;
}
