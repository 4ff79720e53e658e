/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -help, -version and the lists, from the tables that the parser uses. */
#include <string.h>

#include "base/log.h"
#include "monitor/cpu_spec.h"
#include "monitor/option_parse.h"

#define HELP_COLUMNS 79
#define HELP_INDENT 16

static const char *const group_titles[GROUP_COUNT] = {
#define X(id, title) [id] = title,
	OPTION_GROUPS(X)
#undef X
};

/* Prints words of text from column `at` on, wrapped and indented. */
static void print_wrapped(FILE *out, const char *text, int at)
{
	bool first = true;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (!first && at + 1 + len > HELP_COLUMNS) {
			fprintf(out, "\n%*s", HELP_INDENT, "");
			at = HELP_INDENT;
		} else if (!first) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", len, text);
		at += len;
		text += len;
		text += strspn(text, " ");
		first = false;
	}
	fputc('\n', out);
}

/* An argument too long for the line is broken after ']' and '|' and ','. */
static int print_head(FILE *out, const struct option_row *row)
{
	int at = fprintf(out, "-%s%s", row->name, row->args ? " " : "");
	const char *rest = row->args ? row->args : "";

	while (*rest) {
		int len = (int)strcspn(rest + 1, "[|") + 1;

		if (at + len > HELP_COLUMNS) {
			fprintf(out, "\n%*s", HELP_INDENT / 2, "");
			at = HELP_INDENT / 2;
		}
		fprintf(out, "%.*s", len, rest);
		at += len;
		rest += len;
	}
	return at;
}

static void print_option(FILE *out, const struct option_row *row)
{
	int at = print_head(out, row);

	if (at >= HELP_INDENT) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", HELP_INDENT - at, "");
	print_wrapped(out, row->help, HELP_INDENT);
}

int option_help(struct option_parse *p, const struct given *g)
{
	fprintf(p->out,
		"usage: transvisor [options] [disk_image]\n\n"
		"Runs a 32-bit PC. 'disk_image' is a raw image of the first IDE disk. Without\n"
		"anything to boot, a small guest that comes along is started.\n");
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(p->out, "\n%s:\n", group_titles[group]);
		for (int i = 0; i < OPTION_COUNT; i++) {
			if ((int)option_rows[i].group == group)
				print_option(p->out, &option_rows[i]);
		}
	}
	fprintf(p->out,
		"\nOptions have one or two dashes. While the guest runs with -nographic, Ctrl-A h\n"
		"lists the keys, Ctrl-A c switches to the monitor, Ctrl-A x ends it.\n");
	p->done = true;
	return 0;
}

int option_version(struct option_parse *p, const struct given *g)
{
	/* Tools read the first number of the line: QEMU's comes first. */
	fprintf(p->out, "Transvisor emulator version %s (Transvisor %s)\n", OPTIONS_QEMU_VERSION,
		TRANSVISOR_VERSION);
	p->done = true;
	return 0;
}

void option_list_log(FILE *out)
{
	static const struct {
		const char *name, *help;
	} categories[] = {
#define X(id, name, help) {name, help},
		LOG_CATEGORIES(X)
#undef X
	};

	fprintf(out, "Log items (comma separated):\n");
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		fprintf(out, "%-15s %s\n", categories[i].name, categories[i].help);
	fprintf(out, "%-15s %s\n", "all", "all of them");
}

int option_cpu(struct option_parse *p, const struct given *g)
{
	struct cpu_model model;

	if (!strcmp(g->arg, "help") || !strcmp(g->arg, "?")) {
		cpu_spec_list(p->out);
		p->done = true;
		return 0;
	}
	p->o->vm.cpu = option_keep(p, g->arg);
	return cpu_spec_parse(g->arg, &model, p->r);
}
