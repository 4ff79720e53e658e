/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -sandbox: QEMU's properties, and log= and files= (monitor/sandbox.h). */
#include <string.h>
#include <sys/stat.h>

#include "monitor/option_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const group_names[SANDBOX_GROUP_COUNT] = {
#define X(id, name, help) [id] = name,
	SANDBOX_GROUPS(X)
#undef X
};

void option_list_sandbox(FILE *out)
{
	static const char *const help[SANDBOX_GROUP_COUNT] = {
#define X(id, name, help) [id] = help,
		SANDBOX_GROUPS(X)
#undef X
	};

	fprintf(out, "Properties of -sandbox on:\n");
	for (size_t i = 0; i < SANDBOX_GROUP_COUNT; i++)
		fprintf(out, "%s=allow|deny%*s%s (default deny)\n", group_names[i],
			(int)(19 - strlen(group_names[i])), "", help[i]);
	fprintf(out, "%-30s%s\n%-30s%s\n", "log=on|off",
		"the kernel logs what is not allowed, and does it (default off)", "files=FOLDER",
		"files can be opened in this folder only; may be repeated");
}

static int set_group(struct option_parse *p, const struct given *g, enum sandbox_group group,
		     const char *value)
{
	struct sandbox_config *c = &p->o->sandbox;

	/* QEMU's `children`: not even what the program starts; denied is that and more. */
	bool children = group == SANDBOX_PRIVILEGES && value && !strcmp(value, "children");

	if (value && !strcmp(value, "allow"))
		c->allowed |= 1u << group;
	else if (children || (value && !strcmp(value, "deny")))
		c->allowed &= ~(1u << group);
	else
		return option_fail(p, g, "%s is %s, not '%s'", group_names[group],
				   group == SANDBOX_PRIVILEGES ? "allow, deny or children"
							       : "allow or deny",
				   value ? value : "");
	return 0;
}

static int add_folder(struct option_parse *p, const struct given *g, const char *path)
{
	struct sandbox_config *c = &p->o->sandbox;
	struct stat st;

	if (!path || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return option_fail(p, g, "files= is a folder, which '%s' is not", path ? path : "");
	if (c->file_count == SANDBOX_FILES)
		return option_fail(p, g, "there can be %d files=", SANDBOX_FILES);
	c->files[c->file_count++] = option_keep(p, path);
	return 0;
}

static int set_item(struct option_parse *p, const struct given *g, const struct option_item *item)
{
	for (unsigned i = 0; i < SANDBOX_GROUP_COUNT; i++) {
		if (!strcmp(item->key, group_names[i]))
			return set_group(p, g, (enum sandbox_group)i, item->value);
	}
	return strcmp(item->key, "files") ? 0 : add_folder(p, g, item->value);
}

static int set_all(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	struct sandbox_config *c = &p->o->sandbox;
	bool on = true;

	if (option_switch(p, g, l, "enable", &on) < 0 || option_switch(p, g, l, "log", &c->log) < 0)
		return -1;
	for (size_t i = 0; i < l->count; i++) {
		if (set_item(p, g, &l->items[i]) < 0)
			return -1;
	}
	c->off = !on;
	c->required = on;
	return 0;
}

int option_sandbox(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"enable", "obsolete", "elevateprivileges", "spawn",
					    "resourcecontrol", "log", "files", NULL};
	struct option_list l;
	int result;

	if (!strcmp(g->arg, "help") || !strcmp(g->arg, "?")) {
		option_list_sandbox(p->out);
		p->done = true;
		return 0;
	}
	if (option_split(p, g, &l, "enable", known) < 0)
		return -1;
	p->o->sandbox = (struct sandbox_config){0}; /* the last -sandbox counts */
	result = set_all(p, g, &l);
	option_list_free(&l);
	return result;
}
