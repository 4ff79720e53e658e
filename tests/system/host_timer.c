/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines that do not count instructions: two machines run the carried guest's
 * self test at once, each on a thread, on an engine that stops for nothing but
 * a kick. Timers fire because the host's timer kicks it. Both once as they are and
 * once with the timer's failures injected; then a guest that idles.
 *
 * usage: host_timer CARRIED-IMAGE MULTIBOOT-IDLE-KERNEL
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fake_engine.h"
#include "monitor/vm.h"
#include "carried_image.h"

#define MIB (1ull << 20)
#define GUEST_PASS 33
#define IDLE_SECONDS 3
#define IDLE_SHARE 0.02

struct run {
	struct vm_config config;
	struct vm *vm;
	pthread_t thread;
	int status;
	double cpu_seconds;
};

static void *run_machine(void *arg)
{
	struct run *r = arg;
	struct timespec t;

	r->status = vm_run(r->vm);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	r->cpu_seconds = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	return NULL;
}

static void configure(struct run *r, unsigned inject)
{
	memset(r, 0, sizeof(*r));
	vm_config_init(&r->config);
	r->config.ram_bytes = 32 * MIB;
	r->config.display = DISPLAY_NONE;
	r->config.carried_guest = false;
	r->config.debug_exit = true;
	r->config.alternative_count = 0;
	r->config.engine.inject = inject;
	r->config.serial[0] = (struct chardev_config){.kind = CHARDEV_NULL};
}

static int start(struct run *r)
{
	struct report report;

	r->vm = vm_create(&r->config, &report);
	if (!r->vm) {
		report_print(&report);
		return -1;
	}
	return pthread_create(&r->thread, NULL, run_machine, r);
}

static int self_tests(const char *image, unsigned inject)
{
	struct run runs[2];
	int failures = 0;

	for (unsigned i = 0; i < 2; i++) {
		configure(&runs[i], inject);
		runs[i].config.ide[0] = (struct drive_config){
			.present = true, .media = MEDIA_DISK, .file = image, .snapshot = true,
			.id = "ide0-hd0"};
		if (start(&runs[i]))
			return 1;
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(runs[i].thread, NULL);
		printf("inject %#x, machine %u: exit status %d, %.1f s\n", inject, i,
		       runs[i].status, runs[i].cpu_seconds);
		failures += runs[i].status != GUEST_PASS;
		vm_destroy(runs[i].vm);
	}
	return failures;
}

static void quit(struct vm *vm, void *arg)
{
	vm_quit(vm, 0);
}

/* What the machine thread needs for a guest that only waits for its timer. */
static int idle(const char *kernel)
{
	struct run r;
	double before;
	struct timespec t;
	clockid_t clock;

	configure(&r, 0);
	r.config.kernel = kernel;
	if (start(&r) || pthread_getcpuclockid(r.thread, &clock))
		return 1;
	sleep(2); /* the firmware */
	clock_gettime(clock, &t);
	before = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	sleep(IDLE_SECONDS);
	vm_post(r.vm, quit, NULL); /* comes by vcpu_kick() */
	pthread_join(r.thread, NULL);
	printf("idle: %.2f %% of a processor\n", 100 * (r.cpu_seconds - before) / IDLE_SECONDS);
	vm_destroy(r.vm);
	return r.cpu_seconds - before > IDLE_SHARE * IDLE_SECONDS;
}

int main(int argc, char **argv)
{
	char image[64];
	int failures = 0;

	if (argc != 3)
		return 2;
	snprintf(image, sizeof(image), "host-timer-%d.img", (int)getpid());
	if (copy_image(argv[1], image))
		return 1;
	failures += self_tests(image, 0);
	failures += self_tests(image, INJECT_EARLY_TIMERS | INJECT_SPURIOUS_SIGNALS);
	failures += idle(argv[2]);
	remove(image);
	if (!fake.kicks) {
		printf("the engine was never kicked\n");
		failures++;
	}
	return failures != 0;
}
