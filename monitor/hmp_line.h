/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line editor for the monitor: echo, Backspace, the arrow keys, Home, End,
 * Delete, Ctrl-A E K U W, history, and completion of a word with Tab. It
 * takes bytes and gives bytes; a terminal is not needed.
 */
#ifndef MONITOR_HMP_LINE_H
#define MONITOR_HMP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMP_LINE_MAX 4096
#define HMP_HISTORY 32
#define HMP_COMPLETION_MAX 64

struct hmp_line {
	const char *prompt;
	void (*put)(void *opaque, const char *data, size_t len); /* echo */
	/* Completion number n of a line's start, the whole line. False: no more. */
	bool (*complete)(void *opaque, const char *start, unsigned n,
			 char out[HMP_COMPLETION_MAX]);
	void *opaque;

	char text[HMP_LINE_MAX];
	size_t length, cursor;
	char *history[HMP_HISTORY]; /* [0] is the newest */
	int history_at;             /* -1: the line being typed */
	enum { LINE_PLAIN, LINE_ESCAPE, LINE_BRACKET } state;
	char parameter;             /* digit in ESC [ 3 ~ */
	bool after_cr;              /* a line feed after it is the same key */
};

void hmp_line_init(struct hmp_line *l, const char *prompt);
void hmp_line_free(struct hmp_line *l);
/* Shows the prompt and whatever has been typed. */
void hmp_line_show(struct hmp_line *l);
/* Takes one byte. Returns a finished line, valid until the next call, or NULL. */
const char *hmp_line_input(struct hmp_line *l, uint8_t c);

#endif
