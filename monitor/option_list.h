/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces that options are made of: lists "word,key=value,flag" with a doubled
 * comma for a comma, sizes, numbers, switches, and the nearest known word to
 * an unknown one. Pure functions; strings are owned by the list.
 */
#ifndef MONITOR_OPTION_LIST_H
#define MONITOR_OPTION_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_item {
	const char *key;   /* "" for a first word without '=' when that has no name */
	const char *value; /* NULL: the key stood alone */
};

#define OPTION_ITEMS 40
struct option_list {
	size_t count;
	struct option_item items[OPTION_ITEMS];
	char *text; /* cut into pieces; freed by option_list_free() */
};

/*
 * Splits text. A first word without '=' is the value of first_key (NULL: of
 * ""). Returns 0, or -1 when there are too many items.
 */
int option_list_parse(struct option_list *l, const char *text, const char *first_key);
void option_list_free(struct option_list *l);

/* The last value of a key (last wins), or NULL. A lone key reads "on". */
const char *option_list_get(const struct option_list *l, const char *key);

/* on, off, yes, no, true, false, y, n. Returns 0 or -1. */
int option_parse_switch(const char *text, bool *out);

/* "1G", "512", "1.5g": bytes; unit is what a bare number counts. 0 or -1. */
int option_parse_size(const char *text, uint64_t unit, uint64_t *bytes);

/* Decimal, 0x hexadecimal or 0 octal, at most max. Returns 0 or -1. */
int option_parse_number(const char *text, uint64_t max, uint64_t *out);

/* The nearest of count words, or NULL when none is near. */
const char *option_nearest(const char *word, const char *const *known, size_t count);

#endif
