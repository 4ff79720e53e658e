/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files behind options.h share: the options as given, and the state
 * while they are resolved. Private to monitor/option*.c.
 */
#ifndef MONITOR_OPTION_PARSE_H
#define MONITOR_OPTION_PARSE_H

#include "monitor/option_list.h"
#include "monitor/option_table.h"
#include "monitor/options.h"

enum option_id {
#define X(id, name, args, phase, fn, group, help) id,
	OPTION_TABLE(X)
#undef X
	OPTION_COUNT,
	OPT_POSITIONAL = OPTION_COUNT, /* a disk image without an option */
};

enum option_group {
#define X(id, title) id,
	OPTION_GROUPS(X)
#undef X
	GROUP_COUNT
};

/* One option of the command line. */
struct given {
	enum option_id id;
	const char *arg; /* NULL: takes none */
};

#define OPTION_DRIVES 16
#define OPTION_CHARDEVS 16

/* A -drive that waits for its place or its -device. */
struct named_drive {
	struct drive_config config;
	bool used;
	bool placed_later; /* no if=none, no index: takes the first free place */
	enum drive_interface interface;
	struct given given;
};

struct named_chardev {
	struct chardev_config config;
	const char *user; /* the option that took it; NULL: none yet */
};

struct option_parse {
	struct options *o;
	struct report *r;
	FILE *out;
	bool done; /* something was printed instead of running: -help */

	bool nodefaults, nographic, display_given, boot_given;
	bool default_cdrom, default_floppy, monitor_given;
	unsigned serials, monitors;
	bool debugcon_taken, firmware_log_taken;
	struct { /* of -device bootindex=, lowest of each letter of the boot order */
		bool given;
		uint64_t index;
	} bootindex[3]; /* a, c, d */
	uint16_t debugcon_iobase; /* of -global; 0: not given */
	struct { /* what -accel and -machine accel= asked for (option_accel.c) */
		bool given;       /* an engine */
		struct given by;  /* the option that named one first; arg NULL: none did */
	} accel;

	struct named_drive drives[OPTION_DRIVES];
	size_t drive_count;
	struct named_chardev chardevs[OPTION_CHARDEVS];
	size_t chardev_count;
};

struct option_row {
	const char *name, *args, *help;
	enum option_phase phase;
	enum option_group group;
	int (*resolve)(struct option_parse *p, const struct given *g);
};
extern const struct option_row option_rows[OPTION_COUNT];

/* A copy that lives as long as the configuration; also formatted. */
const char *option_keep(struct option_parse *p, const char *text);
const char *option_keepf(struct option_parse *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "-hda x.img: <text>"; returns -1. */
int option_fail(struct option_parse *p, const struct given *g, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void option_warn(struct option_parse *p, const struct given *g, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* How the user would write the option's name: "-hda". */
const char *option_spelled(const struct given *g);

/*
 * Splits the argument and checks its keys against known (ends with NULL).
 * On success the caller frees the list.
 */
int option_split(struct option_parse *p, const struct given *g, struct option_list *l,
		 const char *first_key, const char *const *known);
/* A key that is a switch: *value is left alone where it is not given. */
int option_switch(struct option_parse *p, const struct given *g, const struct option_list *l,
		  const char *key, bool *value);
/* The same for numbers up to max. */
int option_number(struct option_parse *p, const struct given *g, const struct option_list *l,
		  const char *key, uint64_t max, uint64_t *value);
/* Says that word is no known thing, and what is near it or all there is. */
int option_unknown(struct option_parse *p, const struct given *g, const char *thing,
		   const char *word, const char *const *known, size_t count);

/* Steps after all options: conflicts and the defaults nobody overrode. */
int option_finish_drives(struct option_parse *p);
int option_finish_chardevs(struct option_parse *p);
void option_finish_bootindex(struct option_parse *p);
int option_finish_accel(struct option_parse *p);

/* Engines to be tried from the left, as in -machine accel=kvm:tcg. */
int option_accel_list(struct option_parse *p, const struct given *g, const char *list);

/* A back end in the form of -serial. mon: is understood where mon is not NULL. */
int option_backend(struct option_parse *p, const struct given *g, const char *text,
		   struct chardev_config *out, bool *mon);
/* Takes a -chardev by id for a user; a mux may be taken more than once. */
int option_take_chardev(struct option_parse *p, const struct given *g, const char *id,
			struct chardev_config *out);
int option_add_debugcon(struct option_parse *p, const struct given *g, uint16_t port,
			const struct chardev_config *backend);
int option_add_serial(struct option_parse *p, const struct given *g,
		      const struct chardev_config *c);
/* Puts a drive at index of an interface, complaining if one is there. */
int option_place_drive(struct option_parse *p, const struct given *g, enum drive_interface i,
		       unsigned index, const struct drive_config *d);
/* The first free of count places from first on. */
int option_free_place(struct option_parse *p, const struct given *g, enum drive_interface i,
		      unsigned first, unsigned count, unsigned *index);
/* Places the drives without an index: after all those that have one. */
int option_place_drives(struct option_parse *p);
struct named_drive *option_find_drive(struct option_parse *p, const char *id);

/* Lists for `help` arguments. */
void option_list_machines(FILE *out);
void option_list_accels(FILE *out);
void option_list_devices(FILE *out);
void option_list_log(FILE *out);
void option_list_sandbox(FILE *out);

#define X(id, name, args, phase, fn, group, help)                                                  \
	int fn(struct option_parse *p, const struct given *g);
OPTION_TABLE(X)
#undef X

#endif
