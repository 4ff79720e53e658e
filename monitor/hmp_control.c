/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that act on the machine: run state, power, media, screen, log. */
#include <string.h>

#include "base/log.h"
#include "cpu/vcpu.h"
#include "devices/blockdev.h"
#include "monitor/block_file.h"
#include "monitor/hmp_internal.h"
#include "monitor/image.h"

/* ---- run state and power ---- */

void hmp_quit(struct hmp *m, const struct hmp_args *a)
{
	vm_quit(m->vm, 0);
}

void hmp_stop(struct hmp *m, const struct hmp_args *a)
{
	vm_pause(m->vm);
}

void hmp_cont(struct hmp *m, const struct hmp_args *a)
{
	if (vm_get_state(m->vm) == VM_SHUTDOWN || vm_get_state(m->vm) == VM_INTERNAL_ERROR)
		fprintf(m->out, "Error: Resetting the Virtual Machine is required\n");
	else
		vm_resume(m->vm);
}

/* With -icount the same number is the same moment in every run. */
void hmp_stop_at(struct hmp *m, const struct hmp_args *a)
{
	uint64_t instructions;

	if (hmp_eval_all(m, a, &instructions) < 0)
		return;
	if (!vm_counts_instructions(m->vm)) {
		fprintf(m->out, "Error: instructions are counted with -icount only\n");
		return;
	}
	if (!vm_stop_at(m->vm, instructions) && instructions)
		fprintf(m->out, "Error: %llu instructions have been executed already\n",
			(unsigned long long)vm_vcpu(m->vm)->executed);
}

void hmp_system_reset(struct hmp *m, const struct hmp_args *a)
{
	vm_reset(m->vm);
}

void hmp_system_powerdown(struct hmp *m, const struct hmp_args *a)
{
	vm_powerdown(m->vm);
}

void hmp_system_wakeup(struct hmp *m, const struct hmp_args *a)
{
	fprintf(m->out, "Error: Unable to wake up: guest is not in suspended state\n");
}

void hmp_nmi(struct hmp *m, const struct hmp_args *a)
{
	if (!hmp_surplus(m, a, 0))
		vcpu_nmi(vm_vcpu(m->vm));
}

/* ---- media ---- */

/* The drive with this id, if its medium can be changed; says so if not. */
static struct blockdev *removable_drive(struct hmp *m, const char *id)
{
	struct blockdev *b = vm_find_drive(m->vm, id);

	if (!b)
		fprintf(m->out, "Error: Device '%s' not found\n", id);
	else if (!hmp_drive_is_removable(m->vm, id))
		fprintf(m->out, "Error: Device '%s' is not removable\n", id);
	else
		return b;
	return NULL;
}

/* A guest that has locked the door is asked to open it. */
static bool may_take_medium(struct hmp *m, const char *id, struct blockdev *b)
{
	if (!b->locked || !b->inserted || b->tray_open)
		return true;
	if (b->eject_requested)
		b->eject_requested(b->media_opaque);
	fprintf(m->out, "Error: Device '%s' is locked and force was not specified, wait for tray "
			"to open and try again\n", id);
	return false;
}

void hmp_change(struct hmp *m, const struct hmp_args *a)
{
	struct report r = {0};
	struct blockdev *b;

	if (a->count < 2) {
		hmp_expected(m, a, a->count ? "filename" : "block device name");
		return;
	}
	/* The read-only mode QEMU takes behind the format goes by the file here. */
	if (hmp_surplus(m, a, 4))
		return;
	if (a->count > 2 && strcmp(a->words[2], "raw")) {
		fprintf(m->out, "Error: there is no format %s, only raw\n", a->words[2]);
		return;
	}
	b = removable_drive(m, a->words[0]);
	if (b && may_take_medium(m, a->words[0], b) && block_file_change(b, a->words[1], &r) < 0)
		fprintf(m->out, "Error: %s\n", r.text);
}

void hmp_eject(struct hmp *m, const struct hmp_args *a)
{
	bool force = a->count && !strcmp(a->words[0], "-f");
	struct blockdev *b;

	if (a->count < 1u + force) {
		hmp_expected(m, a, "block device name");
		return;
	}
	if (hmp_surplus(m, a, 1u + force))
		return;
	b = removable_drive(m, a->words[force]);
	if (b && (force || may_take_medium(m, a->words[0], b)))
		block_file_eject(b);
}

/* ---- screen ---- */

/* Takes "-f FORMAT" out of the words. Returns 0, or -1 having said why. */
static int dump_format(struct hmp *m, const struct hmp_args *a, const char **path,
		       enum image_format *format)
{
	const char *name = NULL;

	*path = NULL;
	for (unsigned i = 0; i < a->count; i++) {
		if (!strcmp(a->words[i], "-f") && i + 1 < a->count)
			name = a->words[++i];
		else if (!*path)
			*path = a->words[i];
	}
	if (!*path) {
		hmp_expected(m, a, "filename");
		return -1;
	}
	*format = image_format_of(*path);
	if (!name)
		return 0;
	if (strcmp(name, "png") && strcmp(name, "ppm")) {
		fprintf(m->out, "Error: invalid parameter '%s'; format is ppm or png\n", name);
		return -1;
	}
	*format = !strcmp(name, "png") ? IMAGE_PNG : IMAGE_PPM;
	return 0;
}

void hmp_screendump(struct hmp *m, const struct hmp_args *a)
{
	const struct display *display = vm_display(m->vm);
	const struct surface *s;
	enum image_format format;
	struct report r = {0};
	const char *path;
	bool resized;

	if (dump_format(m, a, &path, &format) < 0)
		return;
	if (!display) {
		fprintf(m->out, "Error: there is no graphics adapter\n");
		return;
	}
	display->refresh(display->opaque, false, &resized);
	vm_request_redraw(m->vm); /* a window has not seen what that was */
	s = display->surface(display->opaque);
	if (!s || !s->width || !s->height)
		fprintf(m->out, "Error: the screen shows nothing\n");
	else if (image_write(s, format, path, &r) < 0)
		fprintf(m->out, "Error: %s\n", r.text);
}

/* ---- log ---- */

void hmp_log(struct hmp *m, const struct hmp_args *a)
{
	static const struct {
		const char *name, *help;
	} items[] = {
#define X(id, name, help) {name, help},
		LOG_CATEGORIES(X)
#undef X
	};
	const char *bad;

	if (!a->count) {
		hmp_expected(m, a, "string");
		return;
	}
	if (!strcmp(a->words[0], "none")) {
		log_mask = 0;
	} else if (!strcmp(a->words[0], "help")) {
		fprintf(m->out, "Log items (comma separated):\n%-15s %s\n", "none",
			"remove all logs");
		for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
			fprintf(m->out, "%-15s %s\n", items[i].name, items[i].help);
	} else if (log_set_mask(a->words[0], &bad) < 0) {
		fprintf(m->out, "'%.*s' is no log item; 'log help' lists them\n",
			(int)strcspn(bad, ","), bad);
	}
}
