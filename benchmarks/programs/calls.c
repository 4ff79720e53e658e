/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that stay in one process, after lmbench's lat_syscall and lat_sig. */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int zero_fd, null_fd;

static void null_run(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void zero_prepare(void)
{
	zero_fd = open("/dev/zero", O_RDONLY);
	if (zero_fd < 0)
		fail("/dev/zero");
}

static void read_run(long n)
{
	char c;

	while (n--)
		if (read(zero_fd, &c, 1) != 1)
			fail("read");
}

static void null_prepare(void)
{
	null_fd = open("/dev/null", O_WRONLY);
	if (null_fd < 0)
		fail("/dev/null");
}

static void write_run(long n)
{
	char c = 0;

	while (n--)
		if (write(null_fd, &c, 1) != 1)
			fail("write");
}

/* /dev/null is there in every guest, and on a file system in memory. */
static void stat_run(long n)
{
	struct stat s;

	while (n--)
		if (stat("/dev/null", &s) < 0)
			fail("stat");
}

static void open_run(long n)
{
	while (n--) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0)
			fail("open");
		close(fd);
	}
}

static void on_signal(int number)
{
	sink = number;
}

static void signal_prepare(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
}

static void signal_run(long n)
{
	pid_t self = getpid();

	while (n--)
		kill(self, SIGUSR1);
}

const struct row call_rows[] = {
    {"null", NULL, null_run, NULL},
    {"read", zero_prepare, read_run, NULL},
    {"write", null_prepare, write_run, NULL},
    {"stat", NULL, stat_run, NULL},
    {"open_close", NULL, open_run, NULL},
    {"signal", signal_prepare, signal_run, NULL},
    {0},
};
