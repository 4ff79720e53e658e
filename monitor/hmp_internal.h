/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind hmp.h share. Machine thread only. */
#ifndef MONITOR_HMP_INTERNAL_H
#define MONITOR_HMP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "devices/clock.h"
#include "monitor/hmp.h"
#include "monitor/hmp_commands.h"
#include "monitor/hmp_line.h"

#define HMP_WORDS 8
#define SENDKEY_MAX 16   /* keys pressed together */
#define SENDKEY_QUEUE 64 /* combinations waiting their turn */

struct key_combination {
	uint8_t keys[SENDKEY_MAX];
	unsigned count;
	unsigned hold_ms;
};

/* Keys of sendkey: one combination is down while the others wait. */
struct key_queue {
	struct key_combination waiting[SENDKEY_QUEUE];
	unsigned head, count;
	bool pressed; /* waiting[head] is down */
	struct timer timer;
	bool timer_ready;
};

/* A monitor session. */
struct hmp {
	struct vm *vm;
	struct chardev *c; /* NULL: no terminal, hmp_execute() only */
	struct hmp_line line;
	bool open;         /* the banner has been shown to this client */
	struct key_queue keys;
	unsigned buttons;  /* MOUSE_* that are down */
	FILE *out;         /* what the command under way says */
};

/* A command line: its words, and the text after the command's name. */
struct hmp_args {
	const char *name;
	const char *format; /* what followed '/', without it; "" */
	const char *rest;   /* all after name and format, for expressions */
	unsigned count;     /* of words in rest */
	char *words[HMP_WORDS];
	bool too_many;
};

/* How x, xp, p, i and o show or take a value. */
struct hmp_format {
	unsigned count;
	char kind; /* x d u o c i */
	unsigned size; /* bytes: 1, 2, 4, 8 */
};

#define X(name, other, args, fn, help) void fn(struct hmp *m, const struct hmp_args *a);
HMP_COMMANDS(X)
#undef X
#define X(what, args, fn, help) void fn(struct hmp *m, const struct hmp_args *a);
HMP_INFO(X)
#undef X

/* "screendump: filename expected" and where to read more. */
void hmp_expected(struct hmp *m, const struct hmp_args *a, const char *what);
/* Complains about words beyond max; returns whether there were any. */
bool hmp_surplus(struct hmp *m, const struct hmp_args *a, unsigned max);

/*
 * Evaluates the expression at *text and moves *text behind it. Returns 0, or
 * -1 having said what is wrong.
 */
int hmp_eval(struct hmp *m, const char **text, uint64_t *value);
/* The same; nothing may follow the expression. */
int hmp_eval_all(struct hmp *m, const struct hmp_args *a, uint64_t *value);

/* Parses a->format over the defaults in *f. Returns 0, or -1 having said why. */
int hmp_parse_format(struct hmp *m, const struct hmp_args *a, struct hmp_format *f);

/* Whether the drive's medium can be changed. */
bool hmp_drive_is_removable(struct vm *vm, const char *id);

void hmp_keys_init(struct hmp *m);
void hmp_keys_end(struct hmp *m);

#endif
