/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/hmp_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(c) ((c) & 0x1f)
#define DEL 0x7f
#define ESC 0x1b

void hmp_line_init(struct hmp_line *l, const char *prompt)
{
	memset(l, 0, sizeof(*l));
	l->prompt = prompt;
	l->history_at = -1;
}

void hmp_line_free(struct hmp_line *l)
{
	for (int i = 0; i < HMP_HISTORY; i++)
		free(l->history[i]);
}

static void put(struct hmp_line *l, const char *data, size_t len)
{
	if (l->put && len)
		l->put(l->opaque, data, len);
}

static void put_text(struct hmp_line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* Moves the terminal's cursor n columns to the left. */
static void put_left(struct hmp_line *l, size_t n)
{
	char text[16];

	if (n)
		put(l, text, (size_t)snprintf(text, sizeof(text), "\x1b[%zuD", n));
}

/* Shows again what stands from the cursor on. */
static void put_tail(struct hmp_line *l)
{
	put(l, l->text + l->cursor, l->length - l->cursor);
	put_text(l, "\x1b[K");
	put_left(l, l->length - l->cursor);
}

void hmp_line_show(struct hmp_line *l)
{
	put_text(l, l->prompt);
	put(l, l->text, l->length);
	put_left(l, l->length - l->cursor);
}

static void insert(struct hmp_line *l, char c)
{
	if (l->length + 1 >= sizeof(l->text))
		return;
	memmove(l->text + l->cursor + 1, l->text + l->cursor, l->length - l->cursor);
	l->text[l->cursor++] = c;
	l->length++;
	put(l, &c, 1);
	if (l->cursor < l->length)
		put_tail(l);
}

/* Removes n characters before the cursor. */
static void erase(struct hmp_line *l, size_t n)
{
	n = n < l->cursor ? n : l->cursor;
	if (!n)
		return;
	memmove(l->text + l->cursor - n, l->text + l->cursor, l->length - l->cursor);
	l->cursor -= n;
	l->length -= n;
	put_left(l, n);
	put_tail(l);
}

static void move_to(struct hmp_line *l, size_t to)
{
	if (to < l->cursor)
		put_left(l, l->cursor - to);
	else
		put(l, l->text + l->cursor, to - l->cursor);
	l->cursor = to;
}

static void delete_under(struct hmp_line *l)
{
	if (l->cursor == l->length)
		return;
	move_to(l, l->cursor + 1);
	erase(l, 1);
}

static void erase_word(struct hmp_line *l)
{
	size_t start = l->cursor;

	while (start && l->text[start - 1] == ' ')
		start--;
	while (start && l->text[start - 1] != ' ')
		start--;
	erase(l, l->cursor - start);
}

static void replace(struct hmp_line *l, const char *text)
{
	move_to(l, l->length);
	erase(l, l->length);
	for (; *text; text++)
		insert(l, *text);
}

static void history_step(struct hmp_line *l, int step)
{
	int at = l->history_at + step;

	if (at < -1 || at >= HMP_HISTORY || (at >= 0 && !l->history[at]))
		return;
	l->history_at = at;
	replace(l, at < 0 ? "" : l->history[at]);
}

static void history_add(struct hmp_line *l)
{
	l->history_at = -1;
	if (!l->length || (l->history[0] && !strcmp(l->history[0], l->text)))
		return;
	free(l->history[HMP_HISTORY - 1]);
	memmove(l->history + 1, l->history, (HMP_HISTORY - 1) * sizeof(l->history[0]));
	l->history[0] = strdup(l->text);
}

/* What all completions have in common into common; how many there are. */
static unsigned common_start(struct hmp_line *l, char common[HMP_COMPLETION_MAX])
{
	char next[HMP_COMPLETION_MAX];
	unsigned n = 0;

	while (l->complete(l->opaque, l->text, n, next)) {
		size_t same = 0;

		while (n && next[same] && next[same] == common[same])
			same++;
		if (n++)
			common[same] = 0;
		else
			strcpy(common, next);
	}
	return n;
}

static void list_completions(struct hmp_line *l)
{
	char next[HMP_COMPLETION_MAX];

	for (unsigned n = 0; l->complete(l->opaque, l->text, n, next); n++) {
		put_text(l, n ? "  " : "\r\n");
		put_text(l, next);
	}
	put_text(l, "\r\n");
	hmp_line_show(l);
}

/* Adds what all completions have in common, or lists them. */
static void complete(struct hmp_line *l)
{
	char common[HMP_COMPLETION_MAX];
	unsigned count;

	l->text[l->length] = 0;
	if (!l->complete || l->cursor != l->length)
		return;
	count = common_start(l, common);
	if (!count)
		return;
	if (strlen(common) == l->length && count > 1)
		list_completions(l);
	while (l->length < strlen(common))
		insert(l, common[l->length]);
	if (count == 1)
		insert(l, ' ');
}

static void bracket_key(struct hmp_line *l, uint8_t c)
{
	switch (c) {
	case 'A':
		history_step(l, 1);
		break;
	case 'B':
		history_step(l, -1);
		break;
	case 'C':
		if (l->cursor < l->length)
			move_to(l, l->cursor + 1);
		break;
	case 'D':
		if (l->cursor)
			move_to(l, l->cursor - 1);
		break;
	case 'H':
		move_to(l, 0);
		break;
	case 'F':
		move_to(l, l->length);
		break;
	case '~': /* by number: 1 Home, 3 Delete, 4 End */
		if (l->parameter == '1' || l->parameter == '7')
			move_to(l, 0);
		else if (l->parameter == '4' || l->parameter == '8')
			move_to(l, l->length);
		else if (l->parameter == '3')
			delete_under(l);
		break;
	}
}

/* The rest of an escape sequence. Returns whether c belonged to one. */
static bool escape_key(struct hmp_line *l, uint8_t c)
{
	if (l->state == LINE_PLAIN)
		return false;
	if (l->state == LINE_ESCAPE) {
		l->state = c == '[' || c == 'O' ? LINE_BRACKET : LINE_PLAIN;
		l->parameter = 0;
		return true;
	}
	if ((c >= '0' && c <= '9') || c == ';') {
		l->parameter = (char)c;
		return true;
	}
	l->state = LINE_PLAIN;
	bracket_key(l, c);
	return true;
}

static void control_key(struct hmp_line *l, uint8_t c)
{
	switch (c) {
	case CTRL('A'):
		move_to(l, 0);
		break;
	case CTRL('C'):
		l->length = l->cursor = 0;
		put_text(l, "\r\n");
		hmp_line_show(l);
		break;
	case CTRL('D'):
		delete_under(l);
		break;
	case CTRL('E'):
		move_to(l, l->length);
		break;
	case CTRL('K'):
		l->length = l->cursor;
		put_text(l, "\x1b[K");
		break;
	case CTRL('H'):
	case DEL:
		erase(l, 1);
		break;
	case CTRL('I'):
		complete(l);
		break;
	case CTRL('N'):
		history_step(l, -1);
		break;
	case CTRL('P'):
		history_step(l, 1);
		break;
	case CTRL('U'):
		erase(l, l->cursor);
		break;
	case CTRL('W'):
		erase_word(l);
		break;
	case ESC:
		l->state = LINE_ESCAPE;
		break;
	}
}

const char *hmp_line_input(struct hmp_line *l, uint8_t c)
{
	bool same_key = c == '\n' && l->after_cr;

	l->after_cr = c == '\r';
	if (same_key || escape_key(l, c))
		return NULL;
	if (c == '\r' || c == '\n') {
		l->text[l->length] = 0;
		put_text(l, "\r\n");
		history_add(l);
		l->length = l->cursor = 0;
		return l->text;
	}
	if (c >= ' ' && c != DEL)
		insert(l, (char)c);
	else
		control_key(l, c);
	return NULL;
}
