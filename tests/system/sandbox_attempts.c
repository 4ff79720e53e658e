/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a monitor that has been taken over can do: each attempt is made by a
 * process of its own that has entered the sandbox, without and with a window,
 * and has to end, or fail, or be harmless, as the table says. Also the options
 * that allow more, and the helper's side.
 *
 * sandbox_attempts --without COMMAND...: runs it where seccomp is refused.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/host_files.h"
#include "monitor/sandbox.h"
#include "monitor/sandbox_helper.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORKED 100 /* exit status: this and the errno value */

/* How an attempt ends: an errno value, 0 for success, or one of these. */
enum { KILLED = 1000, TOLD };

static char folder[] = "/tmp/tv-sandbox-XXXXXX";
static char inside[64], program[64], to_etc[64], socket_path[64], other_socket[64];
static struct sockaddr_un allowed_peer = {.sun_family = AF_UNIX}, other_peer = {.sun_family = AF_UNIX};
static pid_t bystander;
static int listener;

#include "tests/system/sandbox_calls.h"

static const struct attempt {
	const char *name;
	int (*run)(void);
	int alone, window; /* how it ends without and with a window */
} attempts[] = {
	{"open", try_open, EACCES, EACCES},
	{"open to create", try_create, EACCES, EACCES},
	{"openat2", try_openat2, EACCES, EACCES},
	{"stat", try_stat, EACCES, EACCES},
	{"fstat", try_fstat, 0, 0},
	{"unlink", try_unlink, TOLD, EPERM},
	{"rename", try_rename, TOLD, EPERM},
	{"chmod", try_chmod, TOLD, EPERM},
	{"symlink", try_symlink, TOLD, EPERM},
	{"socket", try_socket, TOLD, EPERM},
	{"connect", try_connect, TOLD, EPERM},
	{"accept4", try_accept, TOLD, EPERM},
	{"sendto an address", try_sendto, TOLD, EPERM},
	{"recvmsg", try_recvmsg, TOLD, ENOTSOCK},
	{"fork", try_fork, KILLED, KILLED},
	{"vfork", try_vfork, KILLED, KILLED},
	{"clone of a process", try_clone, KILLED, KILLED},
	{"clone into a namespace", try_clone_namespace, TOLD, EPERM},
	{"clone3", try_clone3, ENOSYS, ENOSYS},
	{"a thread", try_thread, 0, 0},
	{"execve", try_execve, KILLED, KILLED},
	{"execveat", try_execveat, KILLED, KILLED},
	{"ptrace", try_ptrace, KILLED, KILLED},
	{"process_vm_writev", try_vm_writev, KILLED, KILLED},
	{"kill", try_kill, KILLED, KILLED},
	{"tgkill of another", try_tgkill, TOLD, EPERM},
	{"raise", try_raise, 0, 0},
	{"a handler for SIGSYS", try_handler, TOLD, EPERM},
	{"mmap -wx", try_map_write_exec, TOLD, EPERM},
	{"mmap rwx", try_map_all, TOLD, EPERM},
	{"mmap r-x", try_map_exec, TOLD, 0},
	{"mmap rw-", try_map_write, 0, 0},
	{"mprotect -wx", try_protect_write_exec, TOLD, EPERM},
	{"mprotect r-x", try_protect_exec, TOLD, 0},
	{"mprotect r--", try_protect_read, 0, 0},
	{"pkey_mprotect", try_pkey_mprotect, TOLD, EPERM},
	{"memfd_create", try_memfd, TOLD, 0},
	{"setuid", try_setuid, KILLED, KILLED},
	{"capset", try_capset, KILLED, KILLED},
	{"sched_setaffinity", try_affinity, EPERM, EPERM},
	{"setrlimit", try_limit, TOLD, EPERM},
	{"uselib", try_uselib, KILLED, KILLED},
	{"TIOCSTI", try_type, TOLD, EPERM},
	{"KVM_RUN", try_kvm_run, TOLD, EPERM},
	{"F_SETOWN", try_owner, TOLD, EPERM},
	{"PR_SET_DUMPABLE", try_dumpable, TOLD, EPERM},
	{"mount", try_mount, KILLED, KILLED},
	{"unshare", try_unshare, KILLED, KILLED},
	{"bpf", try_bpf, KILLED, KILLED},
	{"io_uring", try_io_uring, KILLED, KILLED},
	{"init_module", try_module, KILLED, KILLED},
	{"a system call that is none", try_unknown, TOLD, EPERM},
	{"helper: /etc/shadow", try_helper_shadow, EACCES, EACCES},
	{"helper: a way round", try_helper_dots, EACCES, EACCES},
	{"helper: a link", try_helper_link, EACCES, EACCES},
	{"helper: a link, writing", try_helper_link_write, EACCES, EACCES},
	{"helper: memory", try_helper_memory, EACCES, EACCES},
	{"helper: a device", try_helper_disk, EACCES, EACCES},
	{"helper: a hidden file", try_helper_hidden, EACCES, EACCES},
	{"helper: a program", try_helper_program, EACCES, EACCES},
	{"helper: a program, reading", try_helper_read_program, 0, 0},
	{"helper: a folder", try_helper_folder, EISDIR, EISDIR},
	{"helper: a socket", try_helper_socket, ENXIO, ENXIO},
	{"helper: reading", try_helper_read, 0, 0},
	{"helper: a new file", try_helper_make, 0, 0},
	{"helper: removing", try_helper_unlink, EACCES, EACCES},
	{"helper: removing what may be", try_helper_unlink_allowed, 0, 0},
	{"helper: a temporary file", try_helper_temporary, 0, 0},
	{"helper: connecting", try_helper_connect, 0, 0},
	{"helper: connecting elsewhere", try_helper_connect_other, EACCES, EACCES},
};

/* What options and needs allow beyond that. */
static const struct allowance {
	const char *name;
	int (*run)(void);
	struct sandbox_config config;
	struct sandbox_needs needs;
	int end;
} allowances[] = {
	{"spawn=allow: fork", try_fork, {.allowed = 1u << SANDBOX_SPAWN}, {0}, 0},
	{"spawn=allow: clone", try_clone, {.allowed = 1u << SANDBOX_OBSOLETE}, {0}, KILLED},
	{"spawn=allow: setuid", try_setuid, {.allowed = 1u << SANDBOX_SPAWN}, {0}, KILLED},
	{"elevateprivileges=allow", try_setuid, {.allowed = 1u << SANDBOX_PRIVILEGES}, {0}, 0},
	{"resourcecontrol=allow", try_affinity, {.allowed = 1u << SANDBOX_RESOURCES}, {0}, 0},
	{"resourcecontrol=allow: limit", try_limit, {.allowed = 1u << SANDBOX_RESOURCES}, {0}, 0},
	{"obsolete=allow", try_uselib, {.allowed = 1u << SANDBOX_OBSOLETE}, {0}, ENOSYS},
	{"log=on", try_memfd, {.log = true}, {0}, 0},
	{"log=on: execve", try_execve, {.log = true}, {0}, KILLED},
	{"server socket", try_accept, {0}, {.accepts = true}, ENOTSOCK},
	{"KVM", try_kvm_run, {0}, {.kvm = true}, ENOTTY},
	{"KVM: another machine", try_kvm_create, {0}, {.kvm = true}, TOLD},
	{"files=: elsewhere", try_helper_read, {.files = {"/var/tmp"}, .file_count = 1}, {0}, EACCES},
	{"files=", try_helper_read, {.files = {folder}, .file_count = 1}, {0}, 0},
	{"files=: a program", try_helper_program, {.files = {folder}, .file_count = 1}, {0}, 0},
	{"off", try_open, {.off = true}, {0}, 0},
	{"off: fork", try_fork, {.off = true}, {0}, 0},
	{"off: mmap rwx", try_map_all, {.off = true}, {0}, 0},
	{"tracing: ptrace", try_ptrace, {0}, {.traces = true}, KILLED},
	{"tracing, log=on: ptrace", try_ptrace, {.log = true}, {.traces = true}, KILLED},
	{"tracing: sched_setaffinity", try_affinity, {0}, {.traces = true}, 0},
	{"tracing: SIGKILL", try_tgkill, {0}, {.traces = true}, TOLD},
	{"tracing: kill", try_kill, {0}, {.traces = true}, KILLED},
	{"tracing: fork", try_fork, {0}, {.traces = true}, KILLED},
};

/* ---- making them ---- */

static void *idle_thread(void *arg)
{
	for (;;)
		poll(NULL, 0, -1);
	return arg;
}

/* Of all other threads of the process. */
static bool others_are_capable(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	bool found = !dir;

	while (dir && (entry = readdir(dir))) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3,
							  .pid = atoi(entry->d_name)};
		struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

		if (header.pid == 0 || header.pid == getpid())
			continue;
		found |= syscall(SYS_capget, &header, data) < 0 || data[0].permitted ||
			 data[1].permitted;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A thread has given up what it has to before there is a filter that ends it for that. */
static bool thread_is_ready(const struct sandbox_config *config)
{
	pthread_t thread;

	if (sandbox_thread_create(&thread, idle_thread, NULL))
		return false;
	if (config->off || !others_are_capable())
		return true;
	fprintf(stderr, "a thread has capabilities after its start\n");
	return false;
}

static int enter(const struct sandbox_config *config, const struct sandbox_needs *needs)
{
	struct report r = {0};

	if (sandbox_prepare(config, false, &r) < 0)
		goto fail;
	host_may_unlink(socket_path);
	host_may_connect((struct sockaddr *)&allowed_peer, sizeof(allowed_peer));
	if (thread_is_ready(config) && sandbox_enter(needs, &r) == 0)
		return 0;
fail:
	report_print(&r);
	return -1;
}

static void child(int (*run)(void), const struct sandbox_config *config,
		  const struct sandbox_needs *needs, int errors)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(errors, STDERR_FILENO);
	close(errors);
	if (enter(config, needs) < 0)
		_exit(2);
	_exit(WORKED + run());
}

/* Reads what it says on stderr, and tells how it ended. */
static int end_of(pid_t pid, int errors, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;
	int status;

	while ((n = read(errors, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = 0;
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && strstr(text, "ended by its sandbox") &&
	    strchr(text, '\n') == text + length - 1)
		return TOLD;
	return WIFEXITED(status) ? WEXITSTATUS(status) - WORKED : -status;
}

static int attempt(const char *name, int (*run)(void), const struct sandbox_config *config,
		   const struct sandbox_needs *needs, int expected)
{
	char text[1024];
	int errors[2], end;
	pid_t pid;

	if (pipe2(errors, O_CLOEXEC) < 0)
		return 1;
	pid = fork();
	if (pid == 0)
		child(run, config, needs, errors[1]);
	close(errors[1]);
	end = end_of(pid, errors[0], text, sizeof(text));
	close(errors[0]);
	if (end == expected)
		return 0;
	printf("%s%s: ends with %d, should be %d: %s\n", name, needs->window ? ", window" : "", end,
	       expected, text);
	return 1;
}

/* ---- the helper, by itself: packets that no client of ours would send ---- */

static int packet(int fd, struct helper_request *q, size_t size, bool *refused)
{
	struct helper_reply a;

	if (send(fd, q, size, MSG_NOSIGNAL) < 0 || recv(fd, &a, sizeof(a), 0) != sizeof(a))
		return -1;
	*refused = a.refused;
	return a.error;
}

static int check(const char *name, int got, int expected)
{
	if (got == expected)
		return 0;
	printf("helper, %s: answers %d, should be %d\n", name, got, expected);
	return 1;
}

static int bad_packets(void)
{
	static const struct sandbox_config config;
	const size_t head = offsetof(struct helper_request, data);
	static struct helper_request q;
	int fd = sandbox_helper_start(&config, false), failures = 0;
	bool refused;

	assert(fd >= 0);
	failures += check("short", packet(fd, &q, 5, &refused), EINVAL);
	failures += check("no data", packet(fd, &q, head, &refused), EINVAL);
	q.length = 4;
	memset(q.data, 'a', sizeof(q.data));
	failures += check("no end", packet(fd, &q, head + 4, &refused), EINVAL);
	failures += check("more than there is", packet(fd, &q, head + 3, &refused), EINVAL);
	q.length = UINT32_MAX;
	failures += check("much more", packet(fd, &q, sizeof(q), &refused), EINVAL);
	q.length = sizeof(q.data);
	q.data[sizeof(q.data) - 1] = 0;
	failures += check("long", packet(fd, &q, sizeof(q), &refused), ENAMETOOLONG);
	q.op = 99;
	failures += check("unknown", packet(fd, &q, sizeof(q), &refused), EINVAL);
	q = (struct helper_request){.op = HELPER_SEAL, .length = 1};
	failures += check("seal", packet(fd, &q, head + 1, &refused), 0);
	for (uint32_t op = HELPER_MAY_UNLINK; op <= HELPER_SEAL; op++) {
		q = (struct helper_request){.op = op, .length = 2, .data = "x"};
		failures += check("too late", packet(fd, &q, head + 2, &refused), EACCES);
		failures += check("too late, refused", refused, true);
	}
	q = (struct helper_request){.op = HELPER_CONNECT};
	failures += check("no address", packet(fd, &q, head, &refused), EACCES);
	close(fd);
	return failures;
}

/* ---- around ---- */

static void write_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT, mode);

	assert(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
}

static int listen_at(const char *path, struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	assert(bind(fd, (struct sockaddr *)a, sizeof(*a)) == 0 && listen(fd, 100) == 0);
	return fd;
}

static void name_file(char out[64], const char *name)
{
	snprintf(out, 64, "%s/%s", folder, name);
}

static void prepare(void)
{
	char peer[64];

	assert(mkdtemp(folder));
	name_file(inside, "file");
	name_file(program, "program");
	name_file(to_etc, "link");
	name_file(socket_path, "socket");
	name_file(other_socket, "other");
	name_file(peer, "peer");
	write_file(inside, 0644);
	write_file(program, 0755);
	assert(symlink("/etc/passwd", to_etc) == 0);
	listener = listen_at(peer, &allowed_peer);
	listen_at(other_socket, &other_peer);
	bystander = fork();
	if (bystander == 0) {
		pause();
		_exit(0);
	}
}

/* try_helper_unlink_allowed() takes it away. */
static void renew_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	unlink(socket_path);
	close(listen_at(socket_path, &a));
}

static int finish(int failures)
{
	char command[80];

	if (waitpid(bystander, NULL, WNOHANG)) {
		printf("the bystander has been hit\n");
		failures++;
	}
	kill(bystander, SIGKILL);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return failures || system(command);
}

/* A host without seccomp, for the program. */
static int run_without(char **command)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0);
	seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
			 SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
	if (seccomp_load(ctx) < 0)
		return 77;
	execvp(command[0], command);
	return 127;
}

int main(int argc, char **argv)
{
	static const struct sandbox_config required = {.required = true};
	int failures = 0;

	if (argc > 2 && !strcmp(argv[1], "--without"))
		return run_without(argv + 2);
	prepare();
	for (size_t i = 0; i < COUNT(attempts); i++) {
		const struct attempt *a = &attempts[i];

		renew_socket();
		failures += attempt(a->name, a->run, &required, &(struct sandbox_needs){0}, a->alone);
		renew_socket();
		failures += attempt(a->name, a->run, &required,
				    &(struct sandbox_needs){.window = true}, a->window);
	}
	for (size_t i = 0; i < COUNT(allowances); i++) {
		const struct allowance *a = &allowances[i];

		failures += attempt(a->name, a->run, &a->config, &a->needs, a->end);
	}
	failures += bad_packets();
	failures = finish(failures);
	printf("%s\n", failures ? "FAIL" : "PASS");
	return failures != 0;
}
