/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which system calls the filters let through: X(name) each, lists by purpose.
 * Calls whose arguments are looked at are in sandbox_filter.c. What is in no
 * list ends the program, or fails where there is a window.
 */
#ifndef MONITOR_SANDBOX_RULES_H
#define MONITOR_SANDBOX_RULES_H

/*
 * Whatever the machine is: memory, threads, time, and reading and writing what
 * is open. None gives a file or process that was not there before. accept4() of
 * server sockets is a need of its own.
 */
#define SANDBOX_ALWAYS(X)                                                                          \
	/* guest memory and the program's */                                                       \
	X(munmap) X(madvise) X(brk) X(mremap) X(msync)                                             \
	/* threads and signals */                                                                  \
	X(futex) X(rt_sigreturn) X(rt_sigprocmask) X(rt_sigtimedwait) X(rt_sigpending)             \
	X(sigaltstack) X(restart_syscall) X(set_robust_list) X(rseq) X(membarrier) X(exit)         \
	X(exit_group) X(gettid) X(getpid) X(sched_yield) X(sched_getaffinity) X(getcpu)            \
	/* time */                                                                                 \
	X(timer_settime) X(timer_create) X(timer_delete) X(timer_gettime) X(clock_gettime)         \
	X(clock_nanosleep) X(nanosleep) X(clock_getres) X(gettimeofday) X(time)                    \
	/* images, terminals, sockets */                                                           \
	X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(preadv) X(pwritev)            \
	X(preadv2) X(pwritev2) X(lseek) X(close) X(fsync) X(fdatasync) X(fallocate) X(ftruncate)   \
	X(fadvise64) X(fstat) X(poll) X(ppoll) X(select) X(pselect6) X(recvfrom) X(shutdown)       \
	X(getsockopt) X(setsockopt) X(getsockname) X(getpeername) X(dup) X(dup2) X(dup3)           \
	/* about the host and the process */                                                       \
	X(getuid) X(geteuid) X(getgid) X(getegid) X(getppid) X(getpgrp) X(getrandom) X(getrusage)  \
	X(sysinfo) X(uname) X(times) X(getrlimit)

/*
 * With a window: SDL, libX11, Wayland, Mesa and what drivers they load. New
 * connections and files are not among it.
 */
#define SANDBOX_WINDOW(X)                                                                          \
	X(sendmsg) X(recvmsg) X(sendmmsg) X(recvmmsg) X(shmget) X(shmat) X(shmdt) X(shmctl)        \
	X(memfd_create) X(eventfd2) X(pipe) X(pipe2) X(epoll_create1) X(epoll_ctl) X(epoll_wait)   \
	X(epoll_pwait) X(timerfd_create) X(timerfd_settime) X(timerfd_gettime) X(socketpair)       \
	X(mlock) X(munlock) X(mincore) X(fstatfs) X(setitimer) X(getitimer) X(sched_getparam)      \
	X(sched_getscheduler) X(getresuid) X(getresgid) X(flock) X(getdents64) X(inotify_add_watch) \
	X(inotify_rm_watch) X(sched_get_priority_max) X(sched_get_priority_min)

/*
 * Answered with EACCES, in all processes: libraries try these and know how to go
 * on, malloc() among them, which counts the processors by a file.
 */
#define SANDBOX_NO_ACCESS(X)                                                                       \
	X(open) X(openat) X(openat2) X(creat) X(access) X(faccessat) X(faccessat2) X(stat)         \
	X(lstat) X(statx) X(readlink) X(readlinkat) X(getcwd) X(statfs)

/*
 * Nothing but a program that has been taken over calls these, with a window
 * either: it is ended on the spot, with no handler of its own asked.
 */
#define SANDBOX_HOSTILE(X)                                                                         \
	/* other processes and their memory */                                                     \
	X(process_vm_readv) X(process_vm_writev) X(process_madvise) X(pidfd_open)        \
	X(pidfd_getfd) X(pidfd_send_signal) X(kill) X(tkill) X(rt_sigqueueinfo)                    \
	X(rt_tgsigqueueinfo)                                                                       \
	/* the kernel */                                                                           \
	X(init_module) X(finit_module) X(delete_module) X(kexec_load) X(kexec_file_load) X(bpf)    \
	X(perf_event_open) X(userfaultfd) X(io_uring_setup) X(io_uring_enter) X(io_uring_register) \
	X(iopl) X(ioperm) X(reboot) X(syslog) X(acct) X(quotactl) X(swapon) X(swapoff)             \
	X(add_key) X(request_key) X(keyctl) X(settimeofday) X(clock_settime) X(adjtimex)           \
	X(clock_adjtime) X(sethostname) X(setdomainname) X(vhangup)                                \
	/* file systems and namespaces */                                                          \
	X(mount) X(umount2) X(pivot_root) X(chroot) X(setns) X(unshare) X(fsopen) X(fsconfig)      \
	X(fsmount) X(fspick) X(move_mount) X(open_tree) X(mount_setattr) X(name_to_handle_at)      \
	X(open_by_handle_at) X(mknod) X(mknodat) X(fanotify_init)

/* What -sandbox NAME=allow lets through; spawn's fork() is in sandbox_filter.c. */
#define SANDBOX_OBSOLETE_CALLS(X)                                                                  \
	X(_sysctl) X(afs_syscall) X(create_module) X(get_kernel_syms) X(query_module) X(getpmsg)   \
	X(putpmsg) X(nfsservctl) X(security) X(sysfs) X(tuxcall) X(uselib) X(ustat) X(vserver)     \
	X(readahead)
#define SANDBOX_PRIVILEGE_CALLS(X)                                                                 \
	X(setuid) X(setgid) X(setreuid) X(setregid) X(setresuid) X(setresgid) X(setfsuid)          \
	X(setfsgid) X(setgroups) X(capset)
#define SANDBOX_SPAWN_CALLS(X) X(fork) X(vfork) X(execve) X(execveat)
#define SANDBOX_RESOURCE_CALLS(X)                                                                  \
	X(setpriority) X(sched_setparam) X(sched_setscheduler) X(sched_setattr)                    \
	X(setrlimit) X(ioprio_set) X(mbind) X(set_mempolicy) X(migrate_pages)     \
	X(move_pages)

/* The helper, which opens for the monitor (sandbox_helper.c). */
#define SANDBOX_HELPER(X)                                                                          \
	X(recvfrom) X(sendmsg) X(openat2) X(openat) X(open) X(stat) X(lstat) X(newfstatat)         \
	X(fstat) X(access) X(faccessat) X(faccessat2) X(readlink) X(readlinkat) X(getcwd)          \
	X(unlink) X(ftruncate) X(close) X(chdir) X(mremap) X(socket) X(connect) X(brk) X(munmap)   \
	X(getrandom) X(getpid) X(clock_gettime) X(gettimeofday) X(rt_sigreturn) X(exit_group)

#endif
