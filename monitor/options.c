/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the command line: getopt_long_only() cuts it into options, which are
 * collected and then resolved phase by phase (option_table.h). What each
 * option means is in the option_*.c files beside this one.
 */
#include "monitor/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "monitor/option_parse.h"

/* A string kept for the configuration; the text follows the header. */
struct options_strings {
	struct options_strings *next;
	char text[];
};

const struct option_row option_rows[OPTION_COUNT] = {
#define X(id, name, args, phase, fn, group, help) [id] = {name, args, help, phase, group, fn},
	OPTION_TABLE(X)
#undef X
};

const char *option_keep(struct option_parse *p, const char *text)
{
	size_t size = strlen(text) + 1;
	struct options_strings *s = malloc(sizeof(*s) + size);

	if (!s)
		return "";
	memcpy(s->text, text, size);
	s->next = p->o->strings;
	p->o->strings = s;
	return s->text;
}

const char *option_keepf(struct option_parse *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return option_keep(p, text);
}

const char *option_spelled(const struct given *g)
{
	/* "-name" of every option, so that no buffer is needed. */
	static const char *const spelled[OPTION_COUNT + 1] = {
#define X(id, name, args, phase, fn, group, help) [id] = "-" name,
		OPTION_TABLE(X)
#undef X
		[OPT_POSITIONAL] = "disk image",
	};

	return spelled[g->id];
}

#define SHOWN_ARGUMENT 120

static void describe(const struct given *g, char *out, size_t size, const char *fmt, va_list ap)
{
	int n = snprintf(out, size, "%s%s%.*s%s: ", option_spelled(g), g->arg ? " " : "",
			 SHOWN_ARGUMENT, g->arg ? g->arg : "",
			 g->arg && strlen(g->arg) > SHOWN_ARGUMENT ? "..." : "");

	vsnprintf(out + n, size - (size_t)n, fmt, ap);
}

int option_fail(struct option_parse *p, const struct given *g, const char *fmt, ...)
{
	char text[sizeof(p->r->text)];
	va_list ap;

	va_start(ap, fmt);
	describe(g, text, sizeof(text), fmt, ap);
	va_end(ap);
	return report_fail(p->r, "%s", text);
}

void option_warn(struct option_parse *p, const struct given *g, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	describe(g, text, sizeof(text), fmt, ap);
	va_end(ap);
	report_warn("%s", text);
}

/* "a, b or c" of what fits. */
static void join_words(char *out, size_t size, const char *const *words, size_t count)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < count; i++) {
		const char *glue = i == 0 ? "" : i + 1 == count ? " or " : ", ";
		int n = snprintf(out + at, size - at, "%s%s", glue, words[i]);

		if (n < 0 || (size_t)n >= size - at)
			return;
		at += (size_t)n;
	}
}

int option_unknown(struct option_parse *p, const struct given *g, const char *thing,
		   const char *word, const char *const *known, size_t count)
{
	const char *near = option_nearest(word, known, count);
	char all[300];

	if (near)
		return option_fail(p, g, "'%.60s' is no %s; did you mean '%s'?", word, thing, near);
	join_words(all, sizeof(all), known, count);
	return option_fail(p, g, "'%.60s' is no %s; it can be %s", word, thing, all);
}

int option_split(struct option_parse *p, const struct given *g, struct option_list *l,
		 const char *first_key, const char *const *known)
{
	size_t count = 0;

	while (known[count])
		count++;
	if (option_list_parse(l, g->arg, first_key) < 0)
		return option_fail(p, g, "too many parts; there can be %d", OPTION_ITEMS);
	for (size_t i = 0; i < l->count; i++) {
		size_t k = 0;

		while (k < count && strcmp(l->items[i].key, known[k]))
			k++;
		if (k == count) {
			/* The first word may have had no name. */
			const struct option_item *item = &l->items[i];
			const char *word = *item->key || !item->value ? item->key : item->value;

			option_unknown(p, g, "property", word, known, count);
			option_list_free(l);
			return -1;
		}
	}
	return 0;
}

int option_switch(struct option_parse *p, const struct given *g, const struct option_list *l,
		  const char *key, bool *value)
{
	const char *text = option_list_get(l, key);

	if (text && option_parse_switch(text, value) < 0)
		return option_fail(p, g, "%s is on or off, not '%s'", key, text);
	return 0;
}

int option_number(struct option_parse *p, const struct given *g, const struct option_list *l,
		  const char *key, uint64_t max, uint64_t *value)
{
	const char *text = option_list_get(l, key);

	if (text && option_parse_number(text, max, value) < 0)
		return option_fail(p, g, "%s is a number from 0 to %llu, not '%s'", key,
				   (unsigned long long)max, text);
	return 0;
}

/* ---- reading ---- */

static int unknown_option(struct report *r, const char *word)
{
	const char *names[OPTION_COUNT], *name = word, *near;
	char bare[64];

	while (*name == '-')
		name++;
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "="), name);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = option_rows[i].name;
	near = option_nearest(bare, names, OPTION_COUNT);
	if (near)
		return report_fail(r, "%.80s: no such option; did you mean -%s?", word, near);
	return report_fail(r, "%.80s: no such option; -help lists them", word);
}

static void fill_getopt_table(struct option *table)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		table[i] = (struct option){
			.name = option_rows[i].name,
			.has_arg = option_rows[i].args ? required_argument : no_argument,
			.val = i + 256, /* clear of the characters getopt returns */
		};
	table[OPTION_COUNT] = (struct option){0};
}

/* Whether the word names option id in full: an abbreviation is a typing error. */
static bool spelled_out(const char *word, int id)
{
	const char *name = option_rows[id].name;
	size_t len = strlen(name);

	word += strspn(word, "-");
	return !strncmp(word, name, len) && (!word[len] || word[len] == '=');
}

static int read_options(struct given *given, size_t *count, int argc, char **argv,
			struct report *r)
{
	struct option table[OPTION_COUNT + 1];

	fill_getopt_table(table);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int at = optind ? optind : 1;
		/* '-': words in between are returned too; ':': tell what lacks. */
		int c = getopt_long_only(argc, argv, "-:", table, NULL);

		if (c == -1)
			break;
		if (c == 1) {
			given[(*count)++] = (struct given){OPT_POSITIONAL, optarg};
			continue;
		}
		if (c == ':' && optopt >= 256 && spelled_out(argv[at], optopt - 256))
			return report_fail(r, "%s: needs an argument: %s", argv[at],
					   option_rows[optopt - 256].args);
		if (c == '?' && optopt >= 256 && spelled_out(argv[at], optopt - 256))
			return report_fail(r, "%s: takes no argument", argv[at]);
		if (c < 256 || !spelled_out(argv[at], c - 256))
			return unknown_option(r, argv[at]);
		given[(*count)++] = (struct given){(enum option_id)(c - 256), optarg};
	}
	for (; optind < argc; optind++) /* after "--" */
		given[(*count)++] = (struct given){OPT_POSITIONAL, argv[optind]};
	return 0;
}

static int resolve(struct option_parse *p, const struct given *given, size_t count)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		if (phase == PHASE_USER && option_place_drives(p) < 0)
			return -1;
		for (size_t i = 0; i < count && !p->done; i++) {
			const struct given *g = &given[i];
			bool image = g->id == OPT_POSITIONAL;

			if ((image ? PHASE_NAMED : (int)option_rows[g->id].phase) != phase)
				continue;
			if ((image ? option_disk : option_rows[g->id].resolve)(p, g) < 0)
				return -1;
		}
	}
	return 0;
}

static bool anything_to_boot(const struct option_parse *p)
{
	const struct vm_config *c = &p->o->vm;

	if (c->kernel || c->bios || p->boot_given || p->nodefaults || p->drive_count)
		return true;
	for (int i = 0; i < VM_IDE_DRIVES; i++) {
		if (c->ide[i].file)
			return true;
	}
	return c->floppy[0].file || c->floppy[1].file;
}

/* No window can be opened and none was ruled out: the terminal has to do. */
static void no_display(struct option_parse *p)
{
	p->nographic = true;
	p->o->vm.graphics = false;
	report_warn("no display for a window: serial port and monitor are on this terminal "
		    "(Ctrl-A h helps; -display none keeps it free)");
}

/* What options forbid or imply together. */
static int finish(struct option_parse *p)
{
	struct options *o = p->o;
	const char *bad;

	if (!o->vm.vga && !p->display_given)
		o->vm.display = DISPLAY_NONE;
	else if (o->vm.display == DISPLAY_NONE && !p->display_given && !p->nodefaults)
		no_display(p);
	if (option_finish_accel(p) < 0 || option_finish_drives(p) < 0 ||
	    option_finish_chardevs(p) < 0)
		return -1;
	option_finish_bootindex(p);
	if (o->vm.initrd && !o->vm.kernel)
		return report_fail(p->r, "-initrd %s: needs a -kernel", o->vm.initrd);
	if (o->vm.append && !o->vm.kernel)
		return report_fail(p->r, "-append: needs a -kernel");
	if (o->log_items && log_set_mask(o->log_items, &bad) < 0)
		return report_fail(p->r, "-d %s: no category '%.*s'; -d help lists them",
				   o->log_items, (int)strcspn(bad, ","), bad);
	if (o->log_file) {
		int error = log_set_file(o->log_file);

		if (error < 0)
			return report_fail(p->r, "-D %s: %s", o->log_file, strerror(-error));
	}
	o->vm.carried_guest = !anything_to_boot(p);
	return 0;
}

enum options_result options_parse(struct options *o, int argc, char **argv, FILE *out,
				  struct report *r)
{
	struct option_parse p = {.o = o, .r = r, .out = out};
	struct given *given = calloc((size_t)argc + 1, sizeof(*given));
	size_t count = 0;
	int result;

	memset(o, 0, sizeof(*o));
	vm_config_init(&o->vm);
	p.default_cdrom = p.default_floppy = true;
	if (!given) {
		report_fail(r, "no memory");
		return OPTIONS_ERROR;
	}
	result = read_options(given, &count, argc, argv, r);
	if (result == 0)
		result = resolve(&p, given, count);
	if (result == 0 && !p.done)
		result = finish(&p);
	free(given);
	return result < 0 ? OPTIONS_ERROR : p.done ? OPTIONS_DONE : OPTIONS_RUN;
}

void options_free(struct options *o)
{
	while (o->strings) {
		struct options_strings *next = o->strings->next;

		free(o->strings);
		o->strings = next;
	}
}
