/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives: -hda..-hdd, -cdrom, -fda, -fdb, -drive, and their places. A place
 * is an index on an interface: 0-3 on IDE (primary master, primary slave,
 * secondary master, secondary slave), 0-1 on the floppy controller.
 */
#include <stdlib.h>
#include <string.h>

#include "monitor/option_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define INDEX_NONE UINT64_MAX

static struct drive_config *drive_slot(struct option_parse *p, enum drive_interface i,
				       unsigned index)
{
	return i == DRIVE_IDE ? &p->o->vm.ide[index] : &p->o->vm.floppy[index];
}

static bool is_default(const struct option_parse *p, enum drive_interface i, unsigned index)
{
	return i == DRIVE_IDE ? index == 2 && p->default_cdrom : index == 0 && p->default_floppy;
}

/* QEMU's names, by which `change` and `eject` know the drives. */
static const char *default_id(struct option_parse *p, enum drive_interface i, unsigned index,
			      enum drive_media media)
{
	if (i == DRIVE_FLOPPY)
		return option_keepf(p, "floppy%u", index);
	return option_keepf(p, "ide%u-%s%u", index / 2, media == MEDIA_CDROM ? "cd" : "hd",
			    index % 2);
}

int option_place_drive(struct option_parse *p, const struct given *g, enum drive_interface i,
		       unsigned index, const struct drive_config *d)
{
	struct drive_config *slot = drive_slot(p, i, index);

	if (slot->present && !is_default(p, i, index))
		return option_fail(p, g, "there is already a drive at %s index %u (%s)",
				   i == DRIVE_IDE ? "ide" : "floppy", index,
				   slot->file ? slot->file : "empty");
	*slot = *d;
	slot->present = true;
	if (!slot->id)
		slot->id = default_id(p, i, index, d->media);
	if (is_default(p, i, index)) {
		if (i == DRIVE_IDE)
			p->default_cdrom = false;
		else
			p->default_floppy = false;
	}
	return 0;
}

int option_disk(struct option_parse *p, const struct given *g)
{
	struct drive_config d = {.media = MEDIA_DISK, .file = option_keep(p, g->arg)};
	unsigned index = g->id == OPT_POSITIONAL ? 0 : (unsigned)(g->id - OPT_HDA);

	if (!*g->arg)
		return option_fail(p, g, "needs the name of an image");
	return option_place_drive(p, g, DRIVE_IDE, index, &d);
}

int option_cdrom(struct option_parse *p, const struct given *g)
{
	struct drive_config d = {.media = MEDIA_CDROM, .read_only = true};

	if (*g->arg)
		d.file = option_keep(p, g->arg);
	return option_place_drive(p, g, DRIVE_IDE, 2, &d);
}

int option_floppy(struct option_parse *p, const struct given *g)
{
	struct drive_config d = {.media = MEDIA_DISK, .file = option_keep(p, g->arg)};

	if (!*g->arg)
		return option_fail(p, g, "needs the name of an image");
	return option_place_drive(p, g, DRIVE_FLOPPY, g->id == OPT_FDB, &d);
}

/* ---- -drive ---- */

/* Properties that change nothing here, taken as they come. */
#define DRIVE_TUNING                                                                               \
	"cache", "aio", "discard", "detect-zeroes", "werror", "rerror", "serial", "copy-on-read",  \
		"cache.direct", "cache.no-flush", "cache.writeback", "file.locking", "locking"

static int drive_flags(struct option_parse *p, const struct given *g, const struct option_list *l,
		       struct drive_config *d)
{
	const char *file = option_list_get(l, "file"), *id = option_list_get(l, "id");

	/* A property given later overrides: both names of read_only are one. */
	if (option_switch(p, g, l, "readonly", &d->read_only) < 0 ||
	    option_switch(p, g, l, "read-only", &d->read_only) < 0 ||
	    option_switch(p, g, l, "snapshot", &d->snapshot) < 0)
		return -1;
	d->file = file && *file ? option_keep(p, file) : NULL;
	d->id = id ? option_keep(p, id) : NULL;
	if (id && option_find_drive(p, id))
		return option_fail(p, g, "there is already a drive with id=%s", id);
	return 0;
}

static int drive_media(struct option_parse *p, const struct given *g, const struct option_list *l,
		       struct drive_config *d)
{
	static const char *const medias[] = {"disk", "cdrom"};
	static const char *const formats[] = {"raw"};
	const char *media = option_list_get(l, "media"), *format = option_list_get(l, "format");

	if (format && strcmp(format, "raw"))
		return option_fail(p, g, "there is no %s format yet, only %s; qemu-img convert -O raw "
					 "makes one", format, formats[0]);
	if (media && strcmp(media, "disk") && strcmp(media, "cdrom"))
		return option_unknown(p, g, "medium", media, medias, COUNT(medias));
	if (media && !strcmp(media, "cdrom")) {
		d->media = MEDIA_CDROM;
		d->read_only = true;
	}
	return 0;
}

/* index=, or bus= and unit=; INDEX_NONE where none is given. */
static int drive_index(struct option_parse *p, const struct given *g, const struct option_list *l,
		       enum drive_interface i, uint64_t *index)
{
	unsigned units = 2, buses = i == DRIVE_IDE ? 2 : 1;
	uint64_t bus = 0, unit = INDEX_NONE;

	*index = INDEX_NONE;
	if (option_number(p, g, l, "index", units * buses - 1, index) < 0 ||
	    option_number(p, g, l, "bus", buses - 1, &bus) < 0 ||
	    option_number(p, g, l, "unit", units - 1, &unit) < 0)
		return -1;
	if (*index != INDEX_NONE && (unit != INDEX_NONE || option_list_get(l, "bus")))
		return option_fail(p, g, "index= and bus=,unit= say the same; give one of them");
	if (unit != INDEX_NONE)
		*index = bus * units + unit;
	else if (option_list_get(l, "bus"))
		*index = bus * units;
	return 0;
}

int option_free_place(struct option_parse *p, const struct given *g, enum drive_interface i,
		      unsigned first, unsigned count, unsigned *index)
{
	for (unsigned k = first; k < first + count; k++) {
		if (!drive_slot(p, i, k)->present || is_default(p, i, k)) {
			*index = k;
			return 0;
		}
	}
	return option_fail(p, g, "all %u places there are taken", count);
}

/* Keeps a drive for its -device, or until those with an index have theirs. */
static int remember_drive(struct option_parse *p, const struct given *g,
			  const struct named_drive *d)
{
	if (p->drive_count == OPTION_DRIVES)
		return option_fail(p, g, "there can be %d drives", OPTION_DRIVES);
	p->drives[p->drive_count++] = *d;
	return 0;
}

static int drive_interface(struct option_parse *p, const struct given *g,
			   const struct option_list *l, struct drive_config *d)
{
	static const char *const interfaces[] = {"ide", "floppy", "none"};
	const char *name = option_list_get(l, "if");
	enum drive_interface i = DRIVE_IDE;
	uint64_t index;

	if (name && !strcmp(name, "none"))
		return remember_drive(p, g, &(struct named_drive){.config = *d});
	if (name && !strcmp(name, "floppy"))
		i = DRIVE_FLOPPY;
	else if (name && strcmp(name, "ide"))
		return option_unknown(p, g, "interface here", name, interfaces, COUNT(interfaces));
	if (drive_index(p, g, l, i, &index) < 0)
		return -1;
	if (index == INDEX_NONE)
		return remember_drive(p, g, &(struct named_drive){.config = *d,
								  .placed_later = true,
								  .interface = i,
								  .given = *g});
	return option_place_drive(p, g, i, (unsigned)index, d);
}

int option_drive(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"file",	"if",	     "index",	 "bus",
					    "unit",	"media",     "format",	 "readonly",
					    "read-only", "snapshot", "id",	 DRIVE_TUNING, NULL};
	struct drive_config d = {0};
	struct option_list l;
	int result;

	if (option_split(p, g, &l, "file", known) < 0)
		return -1;
	result = drive_media(p, g, &l, &d);
	if (result == 0)
		result = drive_flags(p, g, &l, &d);
	if (result == 0 && !d.file && d.media != MEDIA_CDROM &&
	    (!option_list_get(&l, "if") || !strcmp(option_list_get(&l, "if"), "ide")))
		result = option_fail(p, g, "a disk needs file=; only CD and floppy drives can be empty");
	if (result == 0)
		result = drive_interface(p, g, &l, &d);
	option_list_free(&l);
	return result;
}

struct named_drive *option_find_drive(struct option_parse *p, const char *id)
{
	for (size_t i = 0; i < p->drive_count; i++) {
		const char *have = p->drives[i].config.id;

		if (have && !strcmp(have, id))
			return &p->drives[i];
	}
	return NULL;
}

int option_place_drives(struct option_parse *p)
{
	for (size_t n = 0; n < p->drive_count; n++) {
		struct named_drive *d = &p->drives[n];
		unsigned count = d->interface == DRIVE_IDE ? VM_IDE_DRIVES : VM_FLOPPY_DRIVES;
		unsigned index = 0;

		if (!d->placed_later)
			continue;
		if (option_free_place(p, &d->given, d->interface, 0, count, &index) < 0 ||
		    option_place_drive(p, &d->given, d->interface, index, &d->config) < 0)
			return -1;
		d->used = true;
	}
	return 0;
}

int option_finish_drives(struct option_parse *p)
{
	for (size_t i = 0; i < p->drive_count; i++) {
		const struct drive_config *d = &p->drives[i].config;

		if (!p->drives[i].used)
			report_warn("-drive id=%s: no -device uses it", d->id ? d->id : "(none)");
	}
	return 0;
}
