/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: command line, machine, monitors, window, signals, exit status.
 *
 * Threads: the machine runs on a thread of its own when there is a window,
 * which SDL wants on the main thread, else on the main thread. Signals are
 * blocked everywhere and waited for by one thread, so that nothing ever runs
 * in a signal handler.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/vcpu.h"
#include "monitor/chardev_host.h"
#include "monitor/hmp.h"
#include "monitor/lockstep.h"
#include "monitor/host_files.h"
#include "monitor/options.h"
#include "monitor/sandbox.h"
#include "monitor/terminal.h"
#include "monitor/vm.h"
#include "monitor/window_sdl.h"

struct program {
	struct options options;
	struct vm *vm;
	struct lockstep *lockstep; /* NULL: not wanted */
	struct hmp *monitors[VM_MONITORS];
	struct window *window;
	pthread_t machine_thread;
	bool thread_made;
	sem_t prepared, go; /* the thread is ready; it may run, or end if there is no vm */
	bool cancelled;
	int exit_status;
	int parent_pipe; /* -daemonize: tells the parent that all is well; -1: none */

	/* The signal thread. */
	pthread_mutex_t lock; /* guards the next two */
	struct vm *target;    /* whom to end; NULL: nobody yet or any more */
	bool told;            /* it has been told to end */
	sigset_t signals;
};

/* ---- signals ---- */

static void quit_machine(struct vm *vm, void *arg)
{
	vm_quit(vm, 0);
}

/* The first time politely; who sends it again means it. */
static void end_on_signal(struct program *p, int number)
{
	struct report r;
	bool polite;

	pthread_mutex_lock(&p->lock);
	polite = p->target && !p->told;
	p->told = true;
	if (polite) {
		report_fail(&r, "terminating on signal %d", number);
		report_print(&r);
		vm_post(p->target, quit_machine, NULL);
	}
	pthread_mutex_unlock(&p->lock);
	if (!polite) {
		terminal_restore();
		_exit(128 + number);
	}
}

static void *signal_thread(void *arg)
{
	struct program *p = arg;
	int number;

	while (sigwait(&p->signals, &number) == 0) {
		switch (number) {
		case SIGTSTP:
			terminal_restore();
			raise(SIGSTOP); /* to this thread: it stops here and nowhere later */
			terminal_resume();
			break;
		case SIGCONT:
			terminal_resume();
			break;
		default:
			end_on_signal(p, number);
			break;
		}
	}
	return NULL;
}

static void signals_block(struct program *p)
{
	sigemptyset(&p->signals);
	sigaddset(&p->signals, SIGINT);
	sigaddset(&p->signals, SIGTERM);
	sigaddset(&p->signals, SIGHUP);
	sigaddset(&p->signals, SIGTSTP);
	sigaddset(&p->signals, SIGCONT);
	pthread_sigmask(SIG_BLOCK, &p->signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void signals_start(struct program *p)
{
	pthread_t thread;

	if (sandbox_thread_create(&thread, signal_thread, p) == 0)
		pthread_detach(thread);
}

static void signals_aim(struct program *p, struct vm *target)
{
	pthread_mutex_lock(&p->lock);
	p->target = target;
	p->told = false;
	pthread_mutex_unlock(&p->lock);
}

/* ---- -daemonize and -pidfile ---- */

/*
 * The parent waits until the child has made the machine, and exits with 0
 * then; the child's messages still reach the terminal up to that point.
 */
static int daemonize(struct program *p, struct report *r)
{
	int ends[2];
	char well;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return report_fail(r, "-daemonize: %s", strerror(errno));
	child = fork();
	if (child < 0)
		return report_fail(r, "-daemonize: %s", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		p->parent_pipe = ends[1];
		setsid();
		return 0;
	}
	close(ends[1]);
	_exit(read(ends[0], &well, 1) == 1 ? 0 : 1);
}

static void leave_terminal(struct program *p, int null)
{
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (write(p->parent_pipe, "", 1) == 1)
		close(p->parent_pipe);
}

static int write_pidfile(const char *path, struct report *r)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), n;
	bool written;

	if (fd < 0)
		return report_fail(r, "-pidfile %s: %s", path, strerror(errno));
	n = dprintf(fd, "%ld\n", (long)getpid());
	written = close(fd) == 0 && n > 0;
	host_may_unlink(path);
	return written ? 0 : report_fail(r, "-pidfile %s: cannot be written", path);
}

/* ---- the machine and what is around it ---- */

static int open_monitors(struct program *p, struct report *r)
{
	for (int i = 0; i < VM_MONITORS; i++) {
		char label[16];
		struct chardev *c;

		snprintf(label, sizeof(label), "monitor%d", i);
		if (chardev_host_open(vm_chardevs(p->vm), &p->options.vm.monitor[i], "-monitor",
				      label, &c, r) < 0)
			return -1;
		if (!c)
			continue;
		p->monitors[i] = hmp_create(p->vm, c);
		if (!p->monitors[i])
			return report_fail(r, "-monitor: no memory");
	}
	return 0;
}

static int create(struct program *p, struct report *r)
{
	if (p->options.vm.lockstep.on)
		lockstep_configure(&p->options.vm);
	p->vm = vm_create(&p->options.vm, r);
	if (!p->vm || open_monitors(p, r) < 0)
		return -1;
	if (p->options.vm.lockstep.on) {
		p->lockstep = lockstep_create(p->vm, stderr, r);
		if (!p->lockstep)
			return -1;
	}
	if (p->options.vm.display == DISPLAY_SDL) {
		p->window = window_create(p->vm, r);
		if (!p->window)
			return -1;
	}
	if (p->options.pidfile && write_pidfile(p->options.pidfile, r) < 0)
		return -1;
	return 0;
}

/* ---- -sandbox ---- */

static bool accepts(const struct chardev_config *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (c[i].kind == CHARDEV_SOCKET && c[i].server)
			return true;
	}
	return false;
}

static void use_folders(const struct drive_config *d, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (d[i].file)
			host_may_use_folder_of(d[i].file);
	}
}

/* The machine is made: what comes now is its guest's doing. */
static int enter_sandbox(struct program *p, struct report *r)
{
	const struct vm_config *c = &p->options.vm;
	struct sandbox_needs needs = {
		.window = p->window != NULL,
		.accepts = accepts(c->serial, VM_SERIAL_PORTS) ||
			   accepts(c->monitor, VM_MONITORS) || accepts(&c->debugcon, 1) ||
			   accepts(&c->firmware_log, 1),
		.kvm = vm_vcpu(p->vm)->kvm != NULL,
		.traces = vm_vcpu(p->vm)->direct != NULL,
		.profiled = c->perf_map,
	};

	use_folders(c->ide, VM_IDE_DRIVES);
	use_folders(c->floppy, VM_FLOPPY_DRIVES);
	return sandbox_enter(&needs, r);
}

static int run_machine(struct program *p)
{
	return p->lockstep ? lockstep_run(p->lockstep) : vm_run(p->vm);
}

static void *machine_thread(void *arg)
{
	struct program *p = arg;

	vm_prepare(p->vm);
	sem_post(&p->prepared);
	while (sem_wait(&p->go) < 0)
		; /* a signal */
	if (p->cancelled)
		return NULL;
	p->exit_status = run_machine(p);
	window_end(p->window);
	return NULL;
}

/* What the thread makes for itself it makes before the sandbox, and waits. */
static int prepare_machine(struct program *p, struct report *r)
{
	int error;

	if (!p->window) {
		vm_prepare(p->vm);
		return 0;
	}
	sem_init(&p->prepared, 0, 0);
	sem_init(&p->go, 0, 0);
	error = sandbox_thread_create(&p->machine_thread, machine_thread, p);
	if (error)
		return report_fail(r, "no thread for the machine: %s", strerror(error));
	p->thread_made = true;
	while (sem_wait(&p->prepared) < 0)
		; /* a signal */
	return 0;
}

static void end_machine_thread(struct program *p, bool cancel)
{
	if (!p->thread_made)
		return;
	p->cancelled = cancel;
	if (cancel)
		sem_post(&p->go);
	pthread_join(p->machine_thread, NULL);
	p->thread_made = false;
}

/* With -daemonize errors are told first; what the rest takes is open by then. */
static int begin(struct program *p, struct report *r)
{
	int null = -1;

	if (p->options.daemonize) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || chdir("/") < 0)
			return report_fail(r, "-daemonize: %s", strerror(errno));
	}
	if (prepare_machine(p, r) < 0 || enter_sandbox(p, r) < 0)
		return -1;
	if (p->options.daemonize)
		leave_terminal(p, null);
	return 0;
}

static void destroy(struct program *p)
{
	signals_aim(p, NULL);
	end_machine_thread(p, true);
	if (p->window)
		window_destroy(p->window);
	for (int i = 0; i < VM_MONITORS; i++)
		hmp_destroy(p->monitors[i]);
	lockstep_destroy(p->lockstep);
	vm_destroy(p->vm);
	if (p->options.pidfile)
		host_unlink(p->options.pidfile);
	options_free(&p->options);
}

static void run(struct program *p)
{
	if (!p->window) {
		p->exit_status = run_machine(p);
		return;
	}
	sem_post(&p->go);
	window_run(p->window);
	end_machine_thread(p, false);
}

static int fail(const struct report *r)
{
	report_print(r);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	/* Static: the signal thread may look at it until the very end. */
	static struct program program = {.lock = PTHREAD_MUTEX_INITIALIZER, .parent_pipe = -1};
	struct program *p = &program;
	struct report r = {0};

	sandbox_note_descriptors();
	switch (options_parse(&p->options, argc, argv, stdout, &r)) {
	case OPTIONS_DONE:
		options_free(&p->options);
		return EXIT_SUCCESS;
	case OPTIONS_ERROR:
		options_free(&p->options);
		return fail(&r);
	case OPTIONS_RUN:
		break;
	}
	if (p->options.daemonize && daemonize(p, &r) < 0)
		return fail(&r);
	signals_block(p);
	if (sandbox_prepare(&p->options.sandbox, p->options.daemonize, &r) < 0)
		return fail(&r);
	signals_start(p);
	if (create(p, &r) < 0 || begin(p, &r) < 0) {
		p->options.pidfile = NULL; /* not ours, or not complete */
		destroy(p);
		return fail(&r);
	}
	signals_aim(p, p->vm);
	run(p);
	destroy(p);
	return p->exit_status;
}
