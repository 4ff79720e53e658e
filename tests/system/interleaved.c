/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Determinism within a process: the carried guest's self test under -icount,
 * in one machine alone and then in two at a time, on threads that the host
 * schedules as it likes. At each stop all state hashes have to be the same.
 *
 * usage: interleaved CARRIED-IMAGE (TRANSVISOR_ENGINE: "-accel ...")
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/state_hash.h"
#include "monitor/vm.h"
#include "tests/system/engine_setting.h"
#include "carried_image.h"

#define MIB (1ull << 20)
#define STOPS 5
/* The last: never reached, it switches itself off. */
static const uint64_t stops[STOPS] = {1000, 1234567, 10000019, 20000000, UINT64_MAX};

struct run {
	struct vm_config config;
	struct vm *vm;
	unsigned passed; /* stops */
	uint64_t hash[STOPS];
};

/* At a stop: notes the hash and goes on to the next one. */
static void on_state(void *opaque, enum vm_state s)
{
	struct run *r = opaque;

	if (s == VM_RUNNING || r->passed == STOPS)
		return;
	if ((s == VM_SHUTDOWN) != (r->passed == STOPS - 1))
		return; /* too early or too late: not all stops will be passed */
	r->hash[r->passed++] = vm_state_hash(r->vm, NULL, NULL);
	if (r->passed == STOPS) {
		vm_quit(r->vm, 0);
	} else {
		vm_stop_at(r->vm, stops[r->passed]);
		vm_resume(r->vm);
	}
}

static void *run_machine(void *arg)
{
	struct run *r = arg;

	vm_run(r->vm);
	return NULL;
}

static int start(struct run *r, const char *image, pthread_t *thread)
{
	struct report report;

	memset(r, 0, sizeof(*r));
	vm_config_init(&r->config);
	r->config.ram_bytes = 32 * MIB;
	r->config.display = DISPLAY_NONE;
	r->config.carried_guest = false;
	r->config.icount = true;
	r->config.icount_shift = 3;
	r->config.icount_stop = stops[0];
	r->config.no_shutdown = true;
	if (engine_setting(&r->config) < 0)
		return -1;
	r->config.serial[0] = (struct chardev_config){.kind = CHARDEV_NULL};
	r->config.ide[0] = (struct drive_config){
		.present = true, .media = MEDIA_DISK, .file = image, .snapshot = true,
		.id = "ide0-hd0"};
	r->vm = vm_create(&r->config, &report);
	if (!r->vm) {
		report_print(&report);
		return -1;
	}
	vm_on_state(r->vm, on_state, r);
	return pthread_create(thread, NULL, run_machine, r);
}

int main(int argc, char **argv)
{
	struct run runs[3];
	pthread_t threads[3];
	char image[64];
	int failures = 0;

	if (argc != 2)
		return 2;
	snprintf(image, sizeof(image), "interleaved-%d.img", (int)getpid());
	if (copy_image(argv[1], image) || start(&runs[0], image, &threads[0]))
		return 1;
	pthread_join(threads[0], NULL);
	if (start(&runs[1], image, &threads[1]) || start(&runs[2], image, &threads[2]))
		return 1;
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	for (unsigned n = 0; n < STOPS; n++) {
		bool same = runs[0].hash[n] == runs[1].hash[n] &&
			    runs[0].hash[n] == runs[2].hash[n];

		printf("stop %u: %016llx %s\n", n, (unsigned long long)runs[0].hash[n],
		       same ? "in all" : "NOT in all");
		failures += !same;
	}
	for (unsigned i = 0; i < 3; i++) {
		failures += runs[i].passed != STOPS;
		vm_destroy(runs[i].vm);
	}
	remove(image);
	return failures != 0;
}
