/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sandbox_attempts.c attempts, a function each, on the files and processes
 * that it has made. Each returns 0 when it worked, or an errno value. Included
 * once.
 */
#ifndef TESTS_SYSTEM_SANDBOX_CALLS_H
#define TESTS_SYSTEM_SANDBOX_CALLS_H

static int result(long value)
{
	return value < 0 ? errno : 0;
}

/* ---- by the monitor ---- */

static int try_open(void)
{
	return result(open("/etc/shadow", O_RDONLY));
}

static int try_create(void)
{
	return result(open(inside, O_WRONLY | O_CREAT, 0644));
}

static int try_openat2(void)
{
	uint64_t how[3] = {0};

	return result(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how)));
}

static int try_stat(void)
{
	struct stat st;

	return result(stat("/etc/shadow", &st));
}

static int try_fstat(void)
{
	struct stat st;

	return result(fstat(0, &st));
}

static int try_unlink(void)
{
	return result(unlink(inside));
}

static int try_rename(void)
{
	return result(rename(inside, program));
}

static int try_chmod(void)
{
	return result(chmod(inside, 0755));
}

static int try_symlink(void)
{
	return result(symlink("/etc", "x"));
}

static int try_socket(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_connect(void)
{
	return result(connect(0, (struct sockaddr *)&other_peer, sizeof(other_peer)));
}

static int try_accept(void)
{
	return result(accept4(0, NULL, NULL, 0));
}

static int try_sendto(void)
{
	return result(sendto(0, "", 1, 0, (struct sockaddr *)&other_peer, sizeof(other_peer)));
}

static int try_recvmsg(void)
{
	struct msghdr m = {0};

	return result(recvmsg(0, &m, 0));
}

static int try_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return result(child);
}

static int try_vfork(void)
{
	return result(syscall(SYS_vfork));
}

static int try_clone(void)
{
	return result(syscall(SYS_clone, CLONE_VM | SIGCHLD, NULL, NULL, NULL, NULL));
}

/* With the flags of a thread and more: a thread in a namespace of its own. */
static int try_clone_namespace(void)
{
	return result(syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET,
			      NULL, NULL, NULL, NULL));
}

static int try_clone3(void)
{
	return result(syscall(SYS_clone3, NULL, 0));
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	return error ? error : pthread_join(thread, NULL);
}

static int try_execve(void)
{
	char *const arguments[] = {"true", NULL};

	return result(execve("/bin/true", arguments, arguments + 1));
}

static int try_execveat(void)
{
	return result(syscall(SYS_execveat, 0, "", NULL, NULL, AT_EMPTY_PATH));
}

static int try_ptrace(void)
{
	return result(ptrace(PTRACE_ATTACH, bystander, NULL, NULL));
}

static int try_vm_writev(void)
{
	return result(syscall(SYS_process_vm_writev, bystander, NULL, 0, NULL, 0, 0));
}

static int try_kill(void)
{
	return result(kill(bystander, SIGKILL));
}

static int try_tgkill(void)
{
	return result(syscall(SYS_tgkill, bystander, bystander, SIGKILL));
}

static int try_raise(void)
{
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1);
}

static int try_handler(void)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? errno : 0;
}

static int map(int protection)
{
	void *p = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int protect(int protection)
{
	static char page[8192] __attribute__((aligned(4096)));

	return result(mprotect(page, 4096, protection));
}

static int try_map_write_exec(void)
{
	return map(PROT_WRITE | PROT_EXEC);
}

static int try_map_all(void)
{
	return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int try_map_exec(void)
{
	return map(PROT_READ | PROT_EXEC);
}

static int try_map_write(void)
{
	return map(PROT_READ | PROT_WRITE);
}

static int try_protect_write_exec(void)
{
	return protect(PROT_WRITE | PROT_EXEC);
}

static int try_protect_exec(void)
{
	return protect(PROT_READ | PROT_EXEC);
}

static int try_protect_read(void)
{
	return protect(PROT_READ);
}

static int try_pkey_mprotect(void)
{
	return result(syscall(SYS_pkey_mprotect, NULL, 0, PROT_EXEC, -1));
}

static int try_memfd(void)
{
	return result(memfd_create("x", 0));
}

static int try_setuid(void)
{
	return result(setuid(getuid()));
}

static int try_capset(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return result(syscall(SYS_capset, &header, data));
}

static int try_affinity(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return errno;
	return result(sched_setaffinity(0, sizeof(set), &set));
}

static int try_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return errno;
	return result(setrlimit(RLIMIT_CORE, &limit));
}

static int try_uselib(void)
{
	return result(syscall(SYS_uselib, NULL));
}

static int try_type(void)
{
	return result(ioctl(0, TIOCSTI, "x"));
}

/* On a descriptor that is no KVM's: ENOTTY says that the request came through. */
static int try_kvm_run(void)
{
	return result(ioctl(listener, KVM_RUN, 0));
}

/* Another machine: no engine asks for one once it runs. */
static int try_kvm_create(void)
{
	return result(ioctl(listener, KVM_CREATE_VM, 0));
}

static int try_owner(void)
{
	return result(fcntl(0, F_SETOWN, bystander));
}

static int try_dumpable(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1));
}

static int try_mount(void)
{
	return result(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
}

static int try_unshare(void)
{
	return result(unshare(CLONE_NEWUSER));
}

static int try_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int try_io_uring(void)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static int try_module(void)
{
	return result(syscall(SYS_init_module, NULL, 0, ""));
}

static int try_unknown(void)
{
	return result(syscall(500));
}

/* ---- by the helper ---- */

static int by_helper(const char *path, int flags)
{
	return result(host_open(path, flags, 0644));
}

static int try_helper_shadow(void)
{
	return by_helper("/etc/shadow", O_RDONLY);
}

static int try_helper_dots(void)
{
	return by_helper("/tmp/../etc/passwd", O_RDONLY);
}

static int try_helper_link(void)
{
	return by_helper(to_etc, O_RDONLY);
}

static int try_helper_link_write(void)
{
	return by_helper(to_etc, O_WRONLY | O_CREAT | O_TRUNC);
}

static int try_helper_memory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", bystander);
	return by_helper(path, O_RDWR);
}

static int try_helper_disk(void)
{
	return by_helper("/dev/mem", O_RDWR);
}

static int try_helper_hidden(void)
{
	return by_helper("/tmp/.tv-sandbox-hidden", O_WRONLY | O_CREAT);
}

static int try_helper_program(void)
{
	return by_helper(program, O_WRONLY);
}

static int try_helper_read_program(void)
{
	return by_helper(program, O_RDONLY);
}

static int try_helper_folder(void)
{
	return by_helper(folder, O_RDONLY);
}

static int try_helper_socket(void)
{
	return by_helper(socket_path, O_RDONLY);
}

static int try_helper_read(void)
{
	char text[8] = "";
	int fd = host_open(inside, O_RDONLY, 0);

	return fd < 0 ? errno : read(fd, text, 4) != 4 || strcmp(text, "text");
}

/* A new file with its name's umask, and away with it: the last one made only. */
static int try_helper_make(void)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/new", folder);
	f = host_create(path);
	if (!f || fputs("x", f) < 0 || fclose(f))
		return errno;
	return host_unlink(path) < 0 ? errno : 0;
}

static int try_helper_unlink(void)
{
	return result(host_unlink(inside));
}

static int try_helper_unlink_allowed(void)
{
	int error = result(host_unlink(socket_path));

	return error ? error : access(socket_path, F_OK) == 0;
}

static int try_helper_temporary(void)
{
	int fd = host_temporary();

	return fd < 0 ? -fd : result(ftruncate(fd, 1 << 20));
}

static int connect_by_helper(const struct sockaddr_un *a)
{
	int error, fd = host_connect((const struct sockaddr *)a, sizeof(*a), &error);

	return error ? error : fd < 0;
}

static int try_helper_connect(void)
{
	return connect_by_helper(&allowed_peer);
}

static int try_helper_connect_other(void)
{
	return connect_by_helper(&other_peer);
}

#endif
