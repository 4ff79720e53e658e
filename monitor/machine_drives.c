/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images behind the machine's drives, opened as the user named them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/block_file.h"
#include "monitor/guest/carried.h"
#include "monitor/vm_internal.h"

/* Options as the user gave them, for messages. ORDER: of vm_config.ide. */
static const char *const ide_options[VM_IDE_DRIVES] = {"-hda", "-hdb", "-hdc", "-hdd"};
static const char *const floppy_options[VM_FLOPPY_DRIVES] = {"-fda", "-fdb"};

static struct blockdev *open_drive(struct vm *vm, const struct drive_config *d, const char *option,
				   bool floppy, struct report *r)
{
	bool cd = d->media == MEDIA_CDROM && !floppy;
	struct block_file_options o = {
		.path = d->file,
		.option = cd ? "-cdrom" : option,
		.read_only = d->read_only || cd,
		.snapshot = d->snapshot || vm->config.snapshot,
		.removable = cd || floppy,
		.floppy = floppy,
		.sector_size = cd ? 2048 : 512,
		.post = vm_post_plain,
		.post_opaque = vm,
		.synchronous = vm->config.icount,
	};
	struct blockdev *b = block_file_open(&o, r);
	struct vm_drive *named = &vm->drives[vm->drive_count];

	if (!b)
		return NULL;
	snprintf(named->id, sizeof(named->id), "%s", d->id ? d->id : option + 1);
	named->blk = b;
	vm->drive_count++;
	return b;
}

/* The carried guest's image as the first disk; what it writes is forgotten. */
struct blockdev *machine_open_carried_guest(struct vm *vm, struct report *r)
{
	struct vm_drive *named = &vm->drives[vm->drive_count];
	size_t size = CARRIED_GUEST_SIZE;
	struct blockdev *b = NULL;

	vm->carried_image = malloc(size);
	if (vm->carried_image) {
		memcpy(vm->carried_image, carried_guest_image, size);
		b = blockdev_create_memory(vm->carried_image, size, false);
	}
	if (!b) {
		report_fail(r, "not enough memory for the carried guest");
		return NULL;
	}
	snprintf(named->id, sizeof(named->id), "ide0-hd0");
	named->blk = b;
	vm->drive_count++;
	return b;
}

struct blockdev *machine_open_ide(struct vm *vm, unsigned n, struct report *r)
{
	return open_drive(vm, &vm->config.ide[n], ide_options[n], false, r);
}

struct blockdev *machine_open_floppy(struct vm *vm, unsigned n, struct report *r)
{
	return open_drive(vm, &vm->config.floppy[n], floppy_options[n], true, r);
}
