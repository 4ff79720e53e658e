/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A monitor session: bytes from its chardev become lines, lines become
 * commands, and what a command says goes back. Everything runs on the
 * machine thread, between guest instructions, also while the guest is paused.
 */
#include "monitor/hmp.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/hmp_internal.h"
#include "monitor/option_list.h"
#include "monitor/options.h"

#define PROMPT "(qemu) " /* what expect scripts wait for */

struct hmp_command {
	const char *name, *other, *args, *help;
	void (*run)(struct hmp *m, const struct hmp_args *a);
};

static const struct hmp_command commands[] = {
#define X(name, other, args, fn, help) {name, other, args, help, fn},
	HMP_COMMANDS(X)
#undef X
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct hmp_command topics[] = {
#define X(what, args, fn, help) {what, NULL, args, help, fn},
	HMP_INFO(X)
#undef X
};
#define TOPIC_COUNT (sizeof(topics) / sizeof(topics[0]))

/* ---- saying what is wrong ---- */

static void see_help(struct hmp *m, const char *name)
{
	fprintf(m->out, "Try \"help %s\" for more information\n", name);
}

void hmp_expected(struct hmp *m, const struct hmp_args *a, const char *what)
{
	fprintf(m->out, "%s: %s expected\n", a->name, what);
	see_help(m, a->name);
}

bool hmp_surplus(struct hmp *m, const struct hmp_args *a, unsigned max)
{
	if (a->count <= max && !a->too_many)
		return false;
	fprintf(m->out, "%s: extraneous characters at the end of line\n", a->name);
	see_help(m, a->name);
	return true;
}

/* ---- help and info ---- */

static void describe(FILE *out, const char *prefix, const struct hmp_command *c)
{
	fprintf(out, "%s%s%s%s %s -- %s\n", prefix, c->name, c->other ? "|" : "",
		c->other ? c->other : "", c->args, c->help);
}

static const struct hmp_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct hmp_command *c = &commands[i];

		if (!strcmp(c->name, name) || (c->other && !strcmp(c->other, name)))
			return c;
	}
	return NULL;
}

static void list_topics(struct hmp *m)
{
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		describe(m->out, "info ", &topics[i]);
}

static void unknown_command(struct hmp *m, const char *name)
{
	const char *names[COMMAND_COUNT], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = option_nearest(name, names, COMMAND_COUNT);
	fprintf(m->out, "unknown command: '%s'", name);
	fprintf(m->out, near ? "; did you mean '%s'?\n" : "\n", near);
}

void hmp_help(struct hmp *m, const struct hmp_args *a)
{
	const struct hmp_command *c;

	if (!a->count) {
		for (size_t i = 0; i < COMMAND_COUNT; i++)
			describe(m->out, "", &commands[i]);
		return;
	}
	c = find_command(a->words[0]);
	if (!strcmp(a->words[0], "info"))
		list_topics(m);
	else if (c)
		describe(m->out, "", c);
	else
		unknown_command(m, a->words[0]);
}

void hmp_info(struct hmp *m, const struct hmp_args *a)
{
	const char *names[TOPIC_COUNT], *near;

	if (!a->count) {
		list_topics(m);
		return;
	}
	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		names[i] = topics[i].name;
		if (!strcmp(topics[i].name, a->words[0])) {
			topics[i].run(m, a);
			return;
		}
	}
	near = option_nearest(a->words[0], names, TOPIC_COUNT);
	fprintf(m->out, "unknown command: 'info %s'", a->words[0]);
	fprintf(m->out, near ? "; did you mean 'info %s'?\n" : "\n", near);
}

/* ---- command lines ---- */

/* Cuts one word off at *p: quotes keep spaces, a backslash the next character. */
static char *cut_word(char **p)
{
	char *from = *p + strspn(*p, " \t"), *word = from, *to = from;
	bool quoted = false;

	if (!*from)
		return NULL;
	for (; *from && (quoted || (*from != ' ' && *from != '\t')); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (*from == '\\' && quoted && from[1])
			from++;
		*to++ = *from;
	}
	*p = *from ? from + 1 : from;
	*to = 0;
	return word;
}

static void cut_words(struct hmp_args *a, char *text)
{
	char *word;

	while ((word = cut_word(&text))) {
		if (a->count == HMP_WORDS) {
			a->too_many = true;
			return;
		}
		a->words[a->count++] = word;
	}
}

/* The end of a command's name: a space, or '/' before a format. */
static size_t name_length(const char *text)
{
	return strcspn(text, " \t/");
}

/* Moves "/fmt" from *line to format, for the commands that have one. */
static void cut_format(const struct hmp_command *c, const char **line, char *format, size_t size)
{
	size_t len = strcspn(*line, " \t");

	if (**line != '/' || c->args[0] != '/')
		return;
	snprintf(format, size, "%.*s", (int)len - 1, *line + 1);
	*line += len;
}

void hmp_execute(struct hmp *m, const char *line, FILE *out)
{
	char name[64] = "", format[32] = "", text[HMP_LINE_MAX];
	struct hmp_args a = {.name = name, .format = format};
	const struct hmp_command *c;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return;
	m->out = out;
	snprintf(name, sizeof(name), "%.*s", (int)name_length(line), line);
	c = find_command(name);
	if (!c) {
		unknown_command(m, name);
		return;
	}
	line += name_length(line);
	line += strspn(line, " \t");
	cut_format(c, &line, format, sizeof(format));
	a.name = c->name;
	a.rest = line + strspn(line, " \t");
	snprintf(text, sizeof(text), "%s", a.rest);
	cut_words(&a, text);
	c->run(m, &a);
}

/* ---- the session ---- */

/* Line feeds as terminals want them. */
static void send_text(struct hmp *m, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		chardev_write(m->c, (const uint8_t *)text, n);
		if (!end)
			return;
		chardev_write(m->c, (const uint8_t *)"\r\n", 2);
		text += n + 1;
		len -= n + 1;
	}
}

static void line_put(void *opaque, const char *data, size_t len)
{
	struct hmp *m = opaque;

	chardev_write(m->c, (const uint8_t *)data, len);
}

static bool line_complete(void *opaque, const char *start, unsigned n,
			  char out[HMP_COMPLETION_MAX])
{
	static const char info[] = "info ";
	bool topic = !strncmp(start, info, strlen(info));
	const struct hmp_command *table = topic ? topics : commands;
	size_t count = topic ? TOPIC_COUNT : COMMAND_COUNT;

	start += topic ? strlen(info) : 0;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(table[i].name, start, strlen(start)) || n--)
			continue;
		snprintf(out, HMP_COMPLETION_MAX, "%s%s", topic ? info : "", table[i].name);
		return true;
	}
	return false;
}

static void run_line(struct hmp *m, const char *line)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return;
	hmp_execute(m, line, out);
	fclose(out);
	send_text(m, text, length);
	free(text);
	hmp_line_show(&m->line);
}

static size_t session_can_receive(void *opaque)
{
	return HMP_LINE_MAX;
}

static void session_receive(void *opaque, const uint8_t *data, size_t len)
{
	struct hmp *m = opaque;

	for (size_t i = 0; i < len; i++) {
		const char *line = hmp_line_input(&m->line, data[i]);

		if (line)
			run_line(m, line);
	}
}

static void session_event(void *opaque, enum chardev_event e)
{
	static const char banner[] =
		"Transvisor " TRANSVISOR_VERSION " monitor - type 'help' for more information\n";
	struct hmp *m = opaque;

	if (e == CHARDEV_EVENT_CLOSED) {
		m->open = false;
		/* The next client does not go on with this one's half line. */
		m->line.length = m->line.cursor = 0;
	} else if (e == CHARDEV_EVENT_OPENED) {
		if (!m->open)
			send_text(m, banner, strlen(banner));
		m->open = true;
		hmp_line_show(&m->line);
	}
}

struct hmp *hmp_create(struct vm *vm, struct chardev *c)
{
	struct hmp *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->vm = vm;
	m->c = c;
	hmp_line_init(&m->line, PROMPT);
	m->line.opaque = m;
	m->line.complete = line_complete;
	hmp_keys_init(m);
	if (!c)
		return m;
	m->line.put = line_put;
	c->can_receive = session_can_receive;
	c->receive = session_receive;
	c->event = session_event;
	c->opaque = m;
	return m;
}

void hmp_destroy(struct hmp *m)
{
	if (!m)
		return;
	if (m->c) { /* its line may still have news, which come when the machine goes */
		m->c->can_receive = NULL;
		m->c->receive = NULL;
		m->c->event = NULL;
	}
	hmp_keys_end(m);
	hmp_line_free(&m->line);
	free(m);
}
