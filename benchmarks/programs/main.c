/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark program: `programs [-t SECONDS] ROW,...` measures these rows and
 * prints `name nanoseconds ns` for each, or `name failed`. As a machine's init
 * (process 1) it does so on the console and switches off.
 *
 * A row runs in a child of its own: what goes wrong there ends only it. The value
 * is the least of SLICES measurements of SECONDS each: what else runs on the host
 * can only make one longer.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICES	  5
#define ROW_LIMIT 60 /* seconds */

static const struct row *const topics[] = {
    integer_rows, float_rows, memory_rows, call_rows, process_rows,
};

static double slice_seconds = 0.1;
volatile unsigned sink;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static const struct row *find_row(const char *name)
{
	for (unsigned i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		for (const struct row *r = topics[i]; r->name; r++)
			if (!strcmp(r->name, name))
				return r;
	return NULL;
}

static double run_seconds(const struct row *r, long n)
{
	double start = now();

	r->run(n);
	return now() - start;
}

/*
 * How many operations make a slice. Each step is eight times longer at most, as a
 * first run may have taken long only because everything was cold.
 */
static long calibrate(const struct row *r)
{
	long n = 1;

	for (;;) {
		double t = run_seconds(r, n);

		if (t >= slice_seconds * 0.7)
			return n;
		n *= t > slice_seconds / 8 ? slice_seconds / t : 8;
		n++;
	}
}

static void measure(const struct row *r)
{
	double best = 0;
	long n;

	alarm(ROW_LIMIT);
	if (r->prepare)
		r->prepare();
	n = calibrate(r);
	for (int i = 0; i < SLICES; i++) {
		double value = run_seconds(r, n) / n * 1e9;

		if (!i || value < best)
			best = value;
	}
	printf("%s %.2f ns\n", r->name, r->correct ? r->correct(best) : best);
	fflush(stdout);
}

static void run_row(const char *name)
{
	const struct row *r = find_row(name);
	int status = 1;
	pid_t child;

	if (r) {
		child = fork();
		if (!child) {
			measure(r);
			_exit(0);
		}
		waitpid(child, &status, 0);
	}
	if (status)
		printf("%s failed\n", name);
	fflush(stdout);
}

static void list_rows(void)
{
	for (unsigned i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		for (const struct row *r = topics[i]; r->name; r++)
			puts(r->name);
}

/* The initial RAM disk has /dev/console and this program, no more. */
static void become_init(void)
{
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
}

int main(int argc, char **argv)
{
	int init = getpid() == 1;
	int i = 1;

	/* The child of the fork+exec row. */
	if (argc == 2 && !strcmp(argv[1], "--nothing"))
		return 0;
	if (init)
		become_init();
	if (i + 1 < argc && !strcmp(argv[i], "-t")) {
		slice_seconds = atof(argv[i + 1]);
		i += 2;
	}
	if (!init && i == argc)
		list_rows();
	puts("rows: begin");
	fflush(stdout);
	if (i < argc)
		for (char *name = strtok(argv[i], ","); name; name = strtok(NULL, ","))
			run_row(name);
	puts("rows: end");
	fflush(stdout);
	if (init)
		reboot(RB_POWER_OFF);
	return 0;
}
