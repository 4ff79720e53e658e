/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -chardev, and the short forms of -serial, -monitor and -debugcon:
 * "stdio", "mon:stdio", "file:PATH", "tcp:HOST:PORT,server=on,wait=off".
 */
#include <stdlib.h>
#include <string.h>

#include "monitor/option_parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const backend_names[] = {
	"stdio", "mon:stdio", "null", "none", "file:PATH", "pipe:PATH", "pty",
	"tcp:HOST:PORT", "unix:PATH", "vc", "chardev:ID"};

/* ---- sockets ---- */

/* Properties of a socket, by both their old and their new names. */
static int socket_properties(struct option_parse *p, const struct given *g,
			     const struct option_list *l, struct chardev_config *c)
{
	uint64_t reconnect = 0;

	c->wait = true;
	if (option_switch(p, g, l, "server", &c->server) < 0 ||
	    option_switch(p, g, l, "wait", &c->wait) < 0 ||
	    option_switch(p, g, l, "telnet", &c->telnet) < 0 ||
	    option_number(p, g, l, "reconnect", 86400, &reconnect) < 0)
		return -1;
	if (option_list_get(l, "noserver"))
		c->server = false;
	if (option_list_get(l, "nowait"))
		c->wait = false;
	if (c->server && reconnect)
		return option_fail(p, g, "reconnect= is for clients, not with server=on");
	c->reconnect_s = (unsigned)reconnect;
	return 0;
}

#define SOCKET_PROPERTIES                                                                          \
	"server", "noserver", "wait", "nowait", "telnet", "reconnect", "delay", "nodelay", "ipv4", \
		"ipv6", "to"

/* "HOST:PORT" or "[v6 address]:PORT" or ":PORT". */
static int host_and_port(struct option_parse *p, const struct given *g, const char *text,
			 struct chardev_config *c)
{
	const char *colon = strrchr(text, ':'), *host = text;
	size_t len;

	if (!colon || !colon[1])
		return option_fail(p, g, "needs HOST:PORT, for example tcp:127.0.0.1:4444");
	len = (size_t)(colon - text);
	if (len >= 2 && *host == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	c->host = option_keepf(p, "%.*s", (int)len, host);
	c->port = option_keep(p, colon + 1);
	return 0;
}

static int short_socket(struct option_parse *p, const struct given *g, const char *text,
			bool unix_socket, struct chardev_config *c)
{
	static const char *const known[] = {"", SOCKET_PROPERTIES};
	struct option_list l;
	const char *address;
	int result = -1;

	if (option_list_parse(&l, text, NULL) < 0)
		return option_fail(p, g, "too many parts");
	for (size_t i = 1; i < l.count; i++) {
		size_t k = 0;

		while (k < COUNT(known) && strcmp(known[k], l.items[i].key))
			k++;
		if (k == COUNT(known)) {
			option_unknown(p, g, "property", l.items[i].key, known + 1,
				       COUNT(known) - 1);
			goto out;
		}
	}
	address = l.count && !*l.items[0].key ? l.items[0].value : NULL;
	c->kind = CHARDEV_SOCKET;
	if (!address || !*address)
		option_fail(p, g, unix_socket ? "needs the path of a socket" : "needs HOST:PORT");
	else if (socket_properties(p, g, &l, c) == 0)
		result = unix_socket ? 0 : host_and_port(p, g, address, c);
	if (result == 0 && unix_socket)
		c->path = option_keep(p, address);
out:
	option_list_free(&l);
	return result;
}

/* ---- short forms ---- */

/* Whether text begins with prefix; then *rest is what follows. */
static bool skip(const char *text, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len))
		return false;
	*rest = text + len;
	return true;
}

static int short_path(struct option_parse *p, const struct given *g, const char *path,
		      enum chardev_kind kind, struct chardev_config *c)
{
	if (!*path)
		return option_fail(p, g, "needs a path");
	c->kind = kind;
	c->path = option_keep(p, path);
	return 0;
}

int option_backend(struct option_parse *p, const struct given *g, const char *text,
		   struct chardev_config *c, bool *mon)
{
	const char *rest;

	*c = (struct chardev_config){0};
	if (mon && skip(text, "mon:", &rest)) {
		*mon = true;
		text = rest;
	}
	if (skip(text, "chardev:", &rest))
		return option_take_chardev(p, g, rest, c);
	if (skip(text, "file:", &rest))
		return short_path(p, g, rest, CHARDEV_FILE, c);
	if (skip(text, "pipe:", &rest))
		return short_path(p, g, rest, CHARDEV_PIPE, c);
	if (skip(text, "unix:", &rest))
		return short_socket(p, g, rest, true, c);
	if (skip(text, "tcp:", &rest))
		return short_socket(p, g, rest, false, c);
	if (skip(text, "telnet:", &rest)) {
		int result = short_socket(p, g, rest, false, c);

		c->telnet = true;
		return result;
	}
	if (!strcmp(text, "stdio")) {
		c->kind = CHARDEV_STDIO;
		/* With a monitor on the same terminal, Ctrl-C is the guest's. */
		c->signals = !(mon && *mon);
	} else if (!strcmp(text, "null")) {
		c->kind = CHARDEV_NULL;
	} else if (!strcmp(text, "none")) {
		c->kind = CHARDEV_NONE;
	} else if (!strcmp(text, "pty")) {
		c->kind = CHARDEV_PTY;
	} else if (!strcmp(text, "vc") || skip(text, "vc:", &rest)) {
		c->kind = CHARDEV_VC;
	} else {
		return option_unknown(p, g, "back end", text, backend_names, COUNT(backend_names));
	}
	return 0;
}

/* ---- -chardev ---- */

static const struct chardev_backend {
	const char *name;
	enum chardev_kind kind;
	const char *needs; /* a property without which it makes no sense */
} chardev_backends[] = {
	{"null", CHARDEV_NULL, NULL},
	{"stdio", CHARDEV_STDIO, NULL},
	{"file", CHARDEV_FILE, "path"},
	{"pipe", CHARDEV_PIPE, "path"},
	{"pty", CHARDEV_PTY, NULL},
	{"socket", CHARDEV_SOCKET, NULL},
	{"vc", CHARDEV_VC, NULL},
};

static int chardev_kind(struct option_parse *p, const struct given *g,
			const struct option_list *l, struct chardev_config *c)
{
	const char *names[COUNT(chardev_backends)], *name = option_list_get(l, "backend");

	name = name ? name : "";
	for (size_t i = 0; i < COUNT(chardev_backends); i++) {
		const struct chardev_backend *b = &chardev_backends[i];

		names[i] = b->name;
		if (strcmp(b->name, name))
			continue;
		c->kind = b->kind;
		if (b->needs && !option_list_get(l, b->needs))
			return option_fail(p, g, "needs %s=", b->needs);
		return 0;
	}
	return option_unknown(p, g, "back end", name, names, COUNT(names));
}

static int chardev_properties(struct option_parse *p, const struct given *g,
			      const struct option_list *l, struct chardev_config *c)
{
	const char *path = option_list_get(l, "path"), *host = option_list_get(l, "host");
	const char *port = option_list_get(l, "port"), *id = option_list_get(l, "id");

	if (!id || !*id)
		return option_fail(p, g, "needs id=");
	c->id = option_keep(p, id);
	c->path = path ? option_keep(p, path) : NULL;
	c->host = host ? option_keep(p, host) : "";
	c->port = port ? option_keep(p, port) : NULL;
	c->signals = true;
	if (option_switch(p, g, l, "mux", &c->mux) < 0 ||
	    option_switch(p, g, l, "append", &c->append) < 0 ||
	    option_switch(p, g, l, "signal", &c->signals) < 0)
		return -1;
	if (c->kind != CHARDEV_SOCKET)
		return 0;
	if (!path == !port)
		return option_fail(p, g, "a socket has either path= or host= and port=");
	return socket_properties(p, g, l, c);
}

static struct named_chardev *find_chardev(struct option_parse *p, const char *id)
{
	for (size_t i = 0; i < p->chardev_count; i++) {
		if (!strcmp(p->chardevs[i].config.id, id))
			return &p->chardevs[i];
	}
	return NULL;
}

int option_chardev(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"backend", "id",	 "path", "host", "port",
					    "mux",     "signal", "append", "logfile",
					    "logappend", SOCKET_PROPERTIES, NULL};
	struct chardev_config c = {0};
	struct option_list l;
	int result;

	if (option_split(p, g, &l, "backend", known) < 0)
		return -1;
	if (!strcmp(g->arg, "help")) {
		fprintf(p->out, "Available chardev backend types:\n");
		for (size_t i = 0; i < COUNT(chardev_backends); i++)
			fprintf(p->out, "  %s\n", chardev_backends[i].name);
		p->done = true;
		option_list_free(&l);
		return 0;
	}
	result = chardev_kind(p, g, &l, &c);
	if (result == 0)
		result = chardev_properties(p, g, &l, &c);
	if (result == 0 && find_chardev(p, c.id))
		result = option_fail(p, g, "there is already a -chardev with id=%s", c.id);
	if (result == 0 && p->chardev_count == OPTION_CHARDEVS)
		result = option_fail(p, g, "there can be %d", OPTION_CHARDEVS);
	if (result == 0)
		p->chardevs[p->chardev_count++] = (struct named_chardev){.config = c};
	option_list_free(&l);
	return result;
}

int option_take_chardev(struct option_parse *p, const struct given *g, const char *id,
			struct chardev_config *out)
{
	struct named_chardev *n = find_chardev(p, id);

	if (!n)
		return option_fail(p, g, "there is no -chardev with id=%s", id);
	if (n->user && !n->config.mux)
		return option_fail(p, g, "chardev %s is already used by %s; mux=on lets them share",
				   id, n->user);
	n->user = option_spelled(g);
	*out = n->config;
	return 0;
}

/* ---- users ---- */

static int add_monitor(struct option_parse *p, const struct given *g,
		       const struct chardev_config *c)
{
	p->monitor_given = true;
	if (c->kind == CHARDEV_NONE)
		return 0;
	if (p->monitors == VM_MONITORS)
		return option_fail(p, g, "there can be %d monitors", VM_MONITORS);
	p->o->vm.monitor[p->monitors++] = *c;
	return 0;
}

int option_add_serial(struct option_parse *p, const struct given *g,
		      const struct chardev_config *c)
{
	/* `-serial none` means no port; later ones do not move up. */
	if (p->serials == VM_SERIAL_PORTS)
		return option_fail(p, g, "there are %d serial ports", VM_SERIAL_PORTS);
	p->o->vm.serial[p->serials++] = *c;
	return 0;
}

/* A serial port and a monitor on one back end, the port first. */
static int share_with_monitor(struct option_parse *p, const struct given *g,
			      struct chardev_config *c)
{
	if (c->kind == CHARDEV_NONE || c->kind == CHARDEV_NULL || c->kind == CHARDEV_VC)
		return 0;
	if (c->kind == CHARDEV_STDIO)
		c->kind = CHARDEV_MUX;
	c->mux = true;
	c->signals = false;
	if (!c->id)
		c->id = option_keepf(p, "mon:serial%u", p->serials);
	return add_monitor(p, g, c);
}

int option_serial(struct option_parse *p, const struct given *g)
{
	struct chardev_config c;
	bool mon = false;

	if (option_backend(p, g, g->arg, &c, &mon) < 0 ||
	    (mon && share_with_monitor(p, g, &c) < 0))
		return -1;
	return option_add_serial(p, g, &c);
}

int option_monitor(struct option_parse *p, const struct given *g)
{
	struct chardev_config c;

	if (option_backend(p, g, g->arg, &c, NULL) < 0)
		return -1;
	return add_monitor(p, g, &c);
}

int option_mon(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"chardev", "mode", "pretty", NULL};
	struct chardev_config c;
	struct option_list l;
	const char *id, *mode;
	int result = -1;

	if (option_split(p, g, &l, "chardev", known) < 0)
		return -1;
	id = option_list_get(&l, "chardev");
	mode = option_list_get(&l, "mode");
	if (!id)
		option_fail(p, g, "needs chardev=ID");
	else if (mode && !strcmp(mode, "control"))
		option_fail(p, g, "QMP is not there yet; mode=readline is the monitor for people");
	else if (mode && strcmp(mode, "readline"))
		option_fail(p, g, "mode is readline, not '%s'", mode);
	else if (option_take_chardev(p, g, id, &c) == 0)
		result = add_monitor(p, g, &c);
	option_list_free(&l);
	return result;
}

/* ---- what nobody named ---- */

static void default_chardevs(struct option_parse *p)
{
	struct vm_config *c = &p->o->vm;
	bool serial = p->serials == 0 && !p->nodefaults;
	bool monitor = !p->monitor_given && !p->nodefaults;
	/* Without a window the terminal is all there is. */
	struct chardev_config port = {.kind = p->nographic ? CHARDEV_STDIO : CHARDEV_VC};

	if (p->nographic && serial && monitor) {
		port = (struct chardev_config){
			.kind = CHARDEV_MUX, .mux = true, .id = "mon:serial0"};
		c->serial[0] = c->monitor[0] = port;
		p->monitors = 1;
		return;
	}
	if (serial)
		c->serial[0] = port;
	if (monitor && p->nographic)
		c->monitor[p->monitors++] = port;
}

/* The terminal has one user, or several through one mux. */
static int check_terminal(struct option_parse *p)
{
	const struct vm_config *c = &p->o->vm;
	const struct chardev_config *all[VM_SERIAL_PORTS + VM_MONITORS + 2], *first = NULL;
	size_t n = 0;

	for (int i = 0; i < VM_SERIAL_PORTS; i++)
		all[n++] = &c->serial[i];
	for (int i = 0; i < VM_MONITORS; i++)
		all[n++] = &c->monitor[i];
	all[n++] = &c->debugcon;
	all[n++] = &c->firmware_log;
	for (size_t i = 0; i < n; i++) {
		if (all[i]->kind != CHARDEV_STDIO && all[i]->kind != CHARDEV_MUX)
			continue;
		if (p->o->daemonize)
			return report_fail(p->r, "-daemonize: leaves no terminal, but %s needs one",
					   p->nographic ? "-nographic" : "stdio");
		if (first && (!first->mux || !all[i]->mux || strcmp(first->id, all[i]->id)))
			return report_fail(p->r, "stdio: the terminal is asked for twice; "
						 "-serial mon:stdio lets serial port and monitor "
						 "share it");
		first = all[i];
	}
	return 0;
}

int option_finish_chardevs(struct option_parse *p)
{
	default_chardevs(p);
	return check_terminal(p);
}
