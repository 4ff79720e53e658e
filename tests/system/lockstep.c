/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lockstep finds what an engine gets wrong, says where, and says nothing about
 * one that is right: the carried guest's self test on an engine of the test's
 * own, which does something wrong when it is told to.
 *
 * usage: lockstep CARRIED-IMAGE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_engine.h"
#include "monitor/lockstep.h"
#include "carried_image.h"

#define MIB (1ull << 20)
#define GUEST_PASS 33
#define BREAK_AT 3000000
#define BREAK_GPA 0x1f00123 /* the guest does not use it */
#define WHOLE_EVERY (4u << 20) /* monitor/lockstep.c: an eighth of the RAM */

/* What a run said. */
struct result {
	int status;
	uint64_t steps, whole;
	char *text;
	size_t length;
};

static void run(const char *image, const struct lockstep_config *setting, struct result *out)
{
	FILE *f = open_memstream(&out->text, &out->length);
	struct vm_config c;
	struct report r;
	struct lockstep *l;
	struct vm *vm;

	vm_config_init(&c);
	c.ram_bytes = 32 * MIB;
	c.display = DISPLAY_NONE;
	c.debug_exit = true;
	c.icount = true;
	c.icount_shift = 3;
	c.lockstep = *setting;
	c.lockstep.on = true;
	c.serial[0] = (struct chardev_config){.kind = CHARDEV_NULL};
	c.ide[0] = (struct drive_config){
		.present = true, .media = MEDIA_DISK, .file = image, .id = "ide0-hd0"};
	lockstep_configure(&c);
	vm = vm_create(&c, &r);
	l = vm ? lockstep_create(vm, f, &r) : NULL;
	if (!l) {
		report_print(&r);
		exit(1);
	}
	out->status = lockstep_run(l);
	lockstep_counts(l, &out->steps, &out->whole);
	lockstep_destroy(l);
	vm_destroy(vm);
	fclose(f);
}

static int complain(const char *name, struct result *r, const char *what)
{
	printf("%s: %s; exit status %d, %llu steps, it said:\n%s\n", name, what, r->status,
	       (unsigned long long)r->steps, r->text);
	free(r->text);
	return 1;
}

static int expect_equal(const char *name, const char *image, struct lockstep_config setting,
			uint64_t least_steps)
{
	struct result r;

	fake.break_at = 0;
	run(image, &setting, &r);
	if (r.status != GUEST_PASS || r.length || r.steps < least_steps || !r.whole)
		return complain(name, &r, "no undisturbed run");
	printf("%s: %llu comparisons, %llu of all, no difference\n", name,
	       (unsigned long long)r.steps, (unsigned long long)r.whole);
	free(r.text);
	return 0;
}

/* The difference is found within `slack` instructions, and described with the words. */
static int expect_difference(const char *name, const char *image, struct lockstep_config setting,
			     gpa_t gpa, uint64_t slack, const char *const *words)
{
	unsigned long long found = 0, since = 0;
	struct result r;
	const char *text;

	fake.break_at = BREAK_AT;
	fake.break_gpa = gpa;
	run(image, &setting, &r);
	if (r.status != 1)
		return complain(name, &r, "not noticed");
	text = strstr(r.text, " differ after ");
	if (!text ||
	    sscanf(text, " differ after %llu instructions; they were equal after %llu", &found,
		   &since) != 2)
		return complain(name, &r, "no place is named");
	if (found < BREAK_AT || found > BREAK_AT + slack || since > BREAK_AT)
		return complain(name, &r, "another place is named");
	for (; *words; words++) {
		if (!strstr(r.text, *words)) {
			printf("no \"%s\"\n", *words);
			return complain(name, &r, "something is not said");
		}
	}
	printf("%s: found after %llu instructions, equal after %llu\n", name, found, since);
	free(r.text);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const in_register[] = {
		"registers differ", "cpu regs[2]", "fake", "EAX=", "the code at the start", NULL};
	static const char *const coarse[] = {"cpu regs[2]", "lockstep=on,from=", NULL};
	static const char *const in_memory[] = {"ram at 0x1f00123", "from=", "watch=", NULL};
	static const char *const watched[] = {"watched page", "ram at 0x1f00123", NULL};
	const struct lockstep_config blocks = {0}, thousand = {.step = 1000},
				     late = {.from = BREAK_AT - 100},
				     watch = {.from = BREAK_AT - 100, .watching = true,
					      .watch = BREAK_GPA};
	char image[64];
	int failures = 0;

	if (argc != 2)
		return 2;
	snprintf(image, sizeof(image), "lockstep-%d.img", (int)getpid());
	if (copy_image(argv[1], image))
		return 1;
	failures += expect_equal("each block", image, blocks, 1000000);
	failures += expect_equal("each thousand", image, thousand, 10000);
	failures += expect_difference("register", image, blocks, 0, 10, in_register);
	failures += expect_difference("register, coarse", image, thousand, 0, 1000, coarse);
	failures += expect_difference("register, from", image, late, 0, 10, in_register);
	failures += expect_difference("memory", image, blocks, BREAK_GPA, WHOLE_EVERY + 10,
				      in_memory);
	failures += expect_difference("memory, watched", image, watch, BREAK_GPA, 10, watched);
	remove(image);
	return failures != 0;
}
