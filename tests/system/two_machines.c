/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines in one process, each on a thread of its own: one runs the carried
 * guest's self test, the other a multiboot kernel; both end through
 * isa-debug-exit. Whatever were global between them would show. The process may
 * hold 100 MiB beyond guest memory, which is a memfd and counted apart.
 *
 * usage: two_machines CARRIED-IMAGE MULTIBOOT-KERNEL (TRANSVISOR_ENGINE: "-accel ...")
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/vm.h"
#include "tests/system/engine_setting.h"
#include "carried_image.h"

#define MIB (1ull << 20)
#define GUEST_PASS 33
#define LIMIT_KIB (100 * 1024)

struct run {
	struct vm_config config;
	struct vm *vm;
	int status;
	char serial[64];
	const char *expected;
};

static void *run_machine(void *arg)
{
	struct run *r = arg;

	r->status = vm_run(r->vm);
	return NULL;
}

static int configure(struct run *r, unsigned number)
{
	vm_config_init(&r->config);
	r->config.ram_bytes = 64 * MIB;
	r->config.display = DISPLAY_NONE;
	r->config.carried_guest = false;
	r->config.debug_exit = true;
	r->config.debug_exit_port = 0x501;
	r->config.debug_exit_size = 2;
	snprintf(r->serial, sizeof(r->serial), "two-machines-%d-%u.txt", (int)getpid(), number);
	r->config.serial[0] = (struct chardev_config){.kind = CHARDEV_FILE, .path = r->serial};
	return engine_setting(&r->config);
}

static bool file_holds(const char *path, const char *text)
{
	static char data[65536];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(data, 1, sizeof(data) - 1, f) : 0;

	if (f)
		fclose(f);
	data[n] = 0;
	return strstr(data, text) != NULL;
}

/* Private and file-backed memory: what is not the guests' memfd. */
static long resident_kib(void)
{
	char line[128];
	long anonymous = 0, file = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "RssAnon: %ld", &anonymous);
		sscanf(line, "RssFile: %ld", &file);
	}
	if (f)
		fclose(f);
	return anonymous + file;
}

static int judge(const struct run *r)
{
	bool good = r->status == GUEST_PASS && file_holds(r->serial, r->expected);

	printf("%s: exit status %d, \"%s\" %s\n", r->serial, r->status, r->expected,
	       good ? "found" : "NOT found, or wrong status");
	if (good)
		remove(r->serial);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct run runs[2] = {{.expected = "0 failed"}, {.expected = "command line <"}};
	pthread_t threads[2];
	struct report report;
	char image[64];
	int failures = 0;
	long kib;

	if (argc != 3)
		return 2;
	snprintf(image, sizeof(image), "two-machines-%d.img", (int)getpid());
	if (copy_image(argv[1], image))
		return 1;
	if (configure(&runs[0], 0) < 0 || configure(&runs[1], 1) < 0)
		return 1;
	runs[0].config.ide[0] = (struct drive_config){
		.present = true, .media = MEDIA_DISK, .file = image, .snapshot = true,
		.id = "ide0-hd0"};
	runs[1].config.kernel = argv[2];
	runs[1].config.append = "second machine";
	for (unsigned i = 0; i < 2; i++) {
		runs[i].vm = vm_create(&runs[i].config, &report);
		if (!runs[i].vm) {
			report_print(&report);
			return 1;
		}
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_machine, &runs[i]);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	kib = resident_kib();
	for (unsigned i = 0; i < 2; i++) {
		vm_destroy(runs[i].vm);
		failures += judge(&runs[i]);
	}
	remove(image);
	printf("%ld KiB resident beyond guest memory\n", kib);
	if (kib >= LIMIT_KIB) {
		printf("should be less than %d KiB\n", LIMIT_KIB);
		failures++;
	}
	return failures ? 1 : 0;
}
