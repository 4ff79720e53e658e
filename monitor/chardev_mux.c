/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mux: one terminal for several users, with QEMU's keys after Ctrl-A.
 * Keys are looked at on the I/O thread, so that Ctrl-A x works even when the
 * guest takes no input. And telnet (RFC 854), which is also a matter of
 * taking sequences out of a stream.
 */
#include <string.h>
#include <time.h>

#include "monitor/chardev_backend.h"

#define CTRL_A 0x01

static void say(struct backend *b, const char *text)
{
	/* On the I/O thread, which must not wait for itself: what fits. */
	if (b->out_fd >= 0)
		byte_queue_put(&b->out, (const uint8_t *)text, strlen(text));
}

static void help(struct backend *b)
{
	say(b, "\r\n"
	       "C-a h    print this help\r\n"
	       "C-a x    exit Transvisor\r\n"
	       "C-a s    save disk data back to file (if -snapshot)\r\n"
	       "C-a t    toggle console timestamps\r\n"
	       "C-a b    send break (magic sysrq)\r\n"
	       "C-a c    switch between console and monitor\r\n"
	       "C-a C-a  sends C-a\r\n");
}

/* The key after Ctrl-A. Returns whether it is for the user as it is. */
static bool escape_key(struct backend *b, uint8_t key)
{
	switch (key) {
	case CTRL_A:
		return true;
	case '?':
	case 'h':
		help(b);
		break;
	case 'x':
		say(b, "\r\nTransvisor: terminated\r\n");
		b->quit_posted = true;
		break;
	case 's':
		say(b, "\r\nWhat a -snapshot guest has written cannot be saved yet.\r\n");
		break;
	case 't':
		b->timestamps = !b->timestamps;
		b->line_start = true;
		break;
	case 'b':
		frontend_event(b->users[b->focus], CHARDEV_EVENT_BREAK);
		break;
	case 'c':
		b->focus = (b->focus + 1) % b->user_count;
		frontend_event(b->users[b->focus], CHARDEV_EVENT_OPENED);
		break;
	}
	return false;
}

void mux_input(struct backend *b, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (b->escape) {
			b->escape = false;
			if (!escape_key(b, data[i]))
				continue;
		} else if (data[i] == CTRL_A) {
			b->escape = true;
			continue;
		}
		byte_queue_put(&b->users[b->focus]->in, &data[i], 1);
	}
}

void mux_timestamp(char *text, size_t size)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	snprintf(text, size, "[%02d:%02d:%02d.%03d] ", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(now.tv_nsec / 1000000));
}

/* ---- telnet ---- */

enum {
	IAC = 255,
	DONT = 254,
	WILL = 251,
	DO = 253,
	SB = 250,
	SE = 240,
	TELNET_BREAK = 243,
	OPTION_BINARY = 0,
	OPTION_ECHO = 1,
	OPTION_SGA = 3, /* suppress go-ahead: a character at a time */
};

void telnet_hello(struct backend *b)
{
	static const uint8_t hello[] = {IAC, WILL, OPTION_ECHO, IAC, WILL, OPTION_SGA,
					IAC, WILL, OPTION_BINARY, IAC, DO, OPTION_BINARY};

	b->telnet = TELNET_DATA;
	byte_queue_put(&b->out, hello, sizeof(hello));
}

/* A byte after IAC. Returns whether it is a byte of data. */
static bool telnet_command(struct backend *b, uint8_t c)
{
	b->telnet = TELNET_DATA;
	if (c == IAC)
		return true;
	if (c >= WILL && c <= DONT)
		b->telnet = TELNET_OPTION;
	else if (c == SB)
		b->telnet = TELNET_SUB;
	else if (c == TELNET_BREAK && b->user_count)
		frontend_event(b->users[b->focus], CHARDEV_EVENT_BREAK);
	return false;
}

size_t telnet_filter(struct backend *b, uint8_t *data, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		switch (b->telnet) {
		case TELNET_DATA:
			if (c == IAC)
				b->telnet = TELNET_IAC;
			else
				data[kept++] = c;
			break;
		case TELNET_IAC:
			if (telnet_command(b, c))
				data[kept++] = c;
			break;
		case TELNET_OPTION:
			b->telnet = TELNET_DATA;
			break;
		case TELNET_SUB:
			if (c == IAC)
				b->telnet = TELNET_SUB_IAC;
			break;
		case TELNET_SUB_IAC:
			b->telnet = c == SE ? TELNET_DATA : TELNET_SUB;
			break;
		}
	}
	return kept;
}
