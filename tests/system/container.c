/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container [--refuse CALL] COMMAND...: runs it as a container runtime does by default, without
 * capabilities and with the system calls refused that Docker's default seccomp profile refuses
 * (docs.docker.com/engine/security/seccomp, "Significant syscalls blocked", and
 * io_uring, from version 25 on); and one more, as on old kernels ptrace(2). Exit status
 * 126: it cannot be set up here.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 126
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

static const char *const refused[] = {
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "finit_module",
    "get_kernel_syms",
    "get_mempolicy",
    "init_module",
    "io_uring_enter",
    "io_uring_setup",
    "io_uring_register",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mbind",
    "mount",
    "move_pages",
    "nfsservctl",
    "open_by_handle_at",
    "perf_event_open",
    "personality",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "query_module",
    "quotactl",
    "reboot",
    "request_key",
    "set_mempolicy",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "_sysctl",
    "sysfs",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
};

static int refuse(scmp_filter_ctx ctx, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	return number < 0 ? 0 : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), number, 0);
}

/* more: one that is refused besides, or NULL. */
static int load_profile(const char *more)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int error = 0;

	if (!ctx)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && !error; i++)
		error = refuse(ctx, refused[i]);
	if (more && !error)
		error = refuse(ctx, more);
	for (unsigned bit = 0; bit < 32 && !error; bit++)
		if (NAMESPACES & 1u << bit)
			error = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
						 SCMP_A0(SCMP_CMP_MASKED_EQ, 1u << bit, 1u << bit));
	if (!error) /* its flags are in memory */
		error = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!error)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	return error;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i);
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	const char *more = NULL;
	int error;

	if (argc > 2 && !strcmp(argv[1], "--refuse")) {
		more = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: container [--refuse CALL] COMMAND...\n");
		return CANNOT;
	}
	error = load_profile(more);
	if (!error)
		error = drop_capabilities();
	if (error) {
		fprintf(stderr, "container: %s\n", strerror(-error));
		return CANNOT;
	}
	execv(argv[1], argv + 1);
	perror(argv[1]);
	return CANNOT;
}
