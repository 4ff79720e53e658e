/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/option_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Cuts one item off at *p, undoubling commas. Moves *p to the next or NULL. */
static char *cut_item(char **p)
{
	char *item = *p, *from = item, *to = item;

	while (*from) {
		if (*from == ',') {
			if (from[1] != ',')
				break;
			from++;
		}
		*to++ = *from++;
	}
	*p = *from ? from + 1 : NULL;
	*to = 0;
	return item;
}

int option_list_parse(struct option_list *l, const char *text, const char *first_key)
{
	char *rest;

	l->count = 0;
	l->text = strdup(text);
	if (!l->text)
		return -1;
	rest = *text ? l->text : NULL;
	while (rest) {
		char *item = cut_item(&rest), *equals = strchr(item, '=');
		struct option_item *slot = &l->items[l->count];

		if (l->count == OPTION_ITEMS) {
			option_list_free(l);
			return -1;
		}
		if (equals) {
			*equals = 0;
			*slot = (struct option_item){item, equals + 1};
		} else if (l->count == 0) {
			*slot = (struct option_item){first_key ? first_key : "", item};
		} else {
			*slot = (struct option_item){item, NULL};
		}
		l->count++;
	}
	return 0;
}

void option_list_free(struct option_list *l)
{
	free(l->text);
	l->text = NULL;
	l->count = 0;
}

const char *option_list_get(const struct option_list *l, const char *key)
{
	for (size_t i = l->count; i-- > 0;) {
		if (!strcmp(l->items[i].key, key))
			return l->items[i].value ? l->items[i].value : "on";
	}
	return NULL;
}

int option_parse_switch(const char *text, bool *out)
{
	static const char *const yes[] = {"on", "yes", "true", "y"};
	static const char *const no[] = {"off", "no", "false", "n"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*out = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -1;
}

/* The factor of a size suffix, 0 when it is none. */
static uint64_t suffix_factor(char c)
{
	static const char suffixes[] = "bkmgtpe";
	const char *at = strchr(suffixes, tolower((unsigned char)c));

	return at && *at ? 1ull << (10 * (at - suffixes)) : 0;
}

int option_parse_size(const char *text, uint64_t unit, uint64_t *bytes)
{
	unsigned long long whole;
	double fraction = 0, place = 0.1;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno)
		return -1;
	if (*end == '.') {
		for (end++; isdigit((unsigned char)*end); end++, place /= 10)
			fraction += (*end - '0') * place;
	}
	if (*end) {
		unit = suffix_factor(*end++);
		if (!unit || *end)
			return -1;
	}
	if (whole > (UINT64_MAX - unit) / unit)
		return -1;
	*bytes = whole * unit + (uint64_t)(fraction * (double)unit);
	return 0;
}

int option_parse_number(const char *text, uint64_t max, uint64_t *out)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || v > max)
		return -1;
	*out = v;
	return 0;
}

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours from a to b. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1]; /* this one, the last, the one before */
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), last[j] + 1,
				       row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1, row[j]);
		}
	}
	return rows[la % 3][lb];
}

const char *option_nearest(const char *word, const char *const *known, size_t count)
{
	size_t len = strlen(word);
	unsigned best = len < 6 ? 2 : len < 10 ? 3 : 4; /* has to be less */
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned d = edit_distance(word, known[i]);

		/* A word of which nothing is left is not near. */
		if (d < best && d < strlen(known[i])) {
			best = d;
			nearest = known[i];
		}
	}
	for (size_t i = 0; !nearest && len > 1 && i < count; i++) {
		if (!strncmp(word, known[i], len))
			nearest = known[i];
	}
	return nearest;
}
