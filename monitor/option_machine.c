/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options about the machine as a whole: memory, machine type, clock,
 * boot order, display, and those that are a switch or a string.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "monitor/option_parse.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define MEMORY_MIN MIB
/* 36 physical address bits less the hole below 4 GiB. */
#define MEMORY_MAX (63 * GIB)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int option_flag(struct option_parse *p, const struct given *g)
{
	struct options *o = p->o;

	switch ((int)g->id) {
	case OPT_SNAPSHOT:
		o->vm.snapshot = true;
		break;
	case OPT_FULL_SCREEN:
		o->vm.full_screen = true;
		break;
	case OPT_S:
		o->vm.start_paused = true;
		break;
	case OPT_NO_REBOOT:
		o->vm.no_reboot = true;
		break;
	case OPT_NO_SHUTDOWN:
		o->vm.no_shutdown = true;
		break;
	case OPT_PERFMAP:
		o->vm.perf_map = true;
		break;
	case OPT_DAEMONIZE:
		o->daemonize = true;
		break;
	}
	return 0;
}

static const char **string_of(struct options *o, enum option_id id)
{
	switch ((int)id) {
	case OPT_KERNEL:
		return &o->vm.kernel;
	case OPT_INITRD:
		return &o->vm.initrd;
	case OPT_APPEND:
		return &o->vm.append;
	case OPT_BIOS:
		return &o->vm.bios;
	case OPT_L:
		return &o->vm.firmware_dir;
	case OPT_PIDFILE:
		return &o->pidfile;
	case OPT_D:
		return &o->log_items;
	default:
		return &o->log_file;
	}
}

int option_string(struct option_parse *p, const struct given *g)
{
	if (g->id == OPT_D && !strcmp(g->arg, "help")) {
		option_list_log(p->out);
		p->done = true;
		return 0;
	}
	if (!*g->arg && g->id != OPT_APPEND)
		return option_fail(p, g, "needs %s", option_rows[g->id].args);
	*string_of(p->o, g->id) = option_keep(p, g->arg);
	return 0;
}

int option_nodefaults(struct option_parse *p, const struct given *g)
{
	p->nodefaults = true;
	p->default_cdrom = p->default_floppy = false;
	p->o->vm.ide[2].present = p->o->vm.floppy[0].present = false;
	return 0;
}

int option_name(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"guest", "process", "debug-threads", NULL};
	struct option_list l;
	const char *name;

	if (option_split(p, g, &l, "guest", known) < 0)
		return -1;
	name = option_list_get(&l, "guest");
	if (name)
		p->o->vm.name = option_keep(p, name);
	option_list_free(&l);
	return 0;
}

/* ---- memory ---- */

static int check_memory(struct option_parse *p, const struct given *g, uint64_t bytes)
{
	struct sysinfo host;
	uint64_t have;

	if (bytes < MEMORY_MIN || bytes > MEMORY_MAX)
		return option_fail(p, g, "guest memory can be 1M to 63G, for example -m 512");
	if (sysinfo(&host) < 0)
		return 0;
	have = ((uint64_t)host.totalram + host.totalswap) * host.mem_unit;
	if (bytes > have)
		return option_fail(p, g, "more than this host has (%llu MiB)",
				   (unsigned long long)(have / MIB));
	return 0;
}

int option_memory(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"size", "slots", "maxmem", NULL};
	struct option_list l;
	const char *text;
	uint64_t bytes = 0;
	int result;

	if (option_split(p, g, &l, "size", known) < 0)
		return -1;
	text = option_list_get(&l, "size");
	if (!text)
		text = "128";
	if (option_parse_size(text, MIB, &bytes) < 0)
		result = option_fail(p, g, "is a number of MiB, or has a suffix: 512, 512M or 1G");
	else
		result = check_memory(p, g, bytes);
	p->o->vm.ram_bytes = (bytes + 4095) & ~4095ull;
	option_list_free(&l);
	return result;
}

/* ---- machine type, processors ---- */

/* Machine types: "pc" and every version of it are the same machine here. */
static const char i440fx_prefix[] = "pc-i440fx-";

void option_list_machines(FILE *out)
{
	fprintf(out,
		"Supported machines are:\n"
		"pc                   Standard PC (i440FX + PIIX, 1996) (default)\n"
		"pc-i440fx-*          the same, by the name of any QEMU version\n");
}

static int check_machine(struct option_parse *p, const struct given *g, const char *type)
{
	static const char *const known[] = {"pc", "pc-i440fx-7.2"};

	if (!strcmp(type, "pc") || !strncmp(type, i440fx_prefix, strlen(i440fx_prefix)))
		return 0;
	if (!strcmp(type, "q35") || !strncmp(type, "pc-q35-", 7))
		return option_fail(p, g, "there is no q35 machine; use pc (i440FX)");
	return option_unknown(p, g, "machine type", type, known, COUNT(known));
}

int option_machine(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {
		"type",		   "accel",    "graphics",    "usb",	      "vmport",
		"dump-guest-core", "mem-merge", "kernel_irqchip", "kernel-irqchip", "hpet",
		"smm",		   "smbus",    "sata",	      "pit",	      "i8042",
		NULL};
	struct option_list l;
	const char *type, *accel;
	bool usb = false;
	int result = 0;

	if (option_split(p, g, &l, "type", known) < 0)
		return -1;
	type = option_list_get(&l, "type");
	accel = option_list_get(&l, "accel");
	if (type && !strcmp(type, "help")) {
		option_list_machines(p->out);
		p->done = true;
	} else if ((type && check_machine(p, g, type) < 0) ||
		   (accel && option_accel_list(p, g, accel) < 0) ||
		   option_switch(p, g, &l, "graphics", &p->o->vm.graphics) < 0 ||
		   option_switch(p, g, &l, "usb", &usb) < 0) {
		result = -1;
	} else if (usb) {
		option_warn(p, g, "there is no USB yet");
	}
	option_list_free(&l);
	return result;
}

int option_smp(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"cpus", "maxcpus", "sockets", "dies", "clusters",
					    "cores", "threads", NULL};
	struct option_list l;
	uint64_t cpus = 1;
	int result;

	if (option_split(p, g, &l, "cpus", known) < 0)
		return -1;
	result = option_number(p, g, &l, "cpus", 1u << 16, &cpus);
	for (int i = 1; known[i] && result == 0; i++) {
		uint64_t n = 1;

		result = option_number(p, g, &l, known[i], 1u << 16, &n);
		if (n > cpus)
			cpus = n;
	}
	if (result == 0 && cpus != 1)
		result = option_fail(p, g, "the machine has one processor; use -smp 1");
	option_list_free(&l);
	return result;
}

/* ---- time ---- */

/* 2006-06-17T16:01:21 or 2006-06-17, in UTC. */
static int parse_date(const char *text, int64_t *seconds)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!end || *end) {
		tm = (struct tm){0};
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	if (!end || *end)
		return -1;
	*seconds = timegm(&tm);
	return 0;
}

static int set_rtc_base(struct option_parse *p, const struct given *g, const char *base)
{
	struct vm_config *c = &p->o->vm;

	c->rtc_local = !strcmp(base, "localtime");
	c->rtc_base_given = false;
	if (c->rtc_local || !strcmp(base, "utc"))
		return 0;
	if (parse_date(base, &c->rtc_base) < 0)
		return option_fail(p, g, "base is utc, localtime or a date like "
					 "2006-06-17T16:01:21, not '%s'", base);
	c->rtc_base_given = true;
	return 0;
}

int option_rtc(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"base", "clock", "driftfix", NULL};
	static const char *const clocks[] = {"host", "rt", "vm"};
	static const char *const fixes[] = {"none", "slew"};
	struct option_list l;
	const char *base, *clock, *fix;
	int result = 0;

	if (option_split(p, g, &l, "base", known) < 0)
		return -1;
	base = option_list_get(&l, "base");
	clock = option_list_get(&l, "clock");
	fix = option_list_get(&l, "driftfix");
	if (base)
		result = set_rtc_base(p, g, base);
	if (result == 0 && clock && strcmp(clock, "host") && strcmp(clock, "rt") &&
	    strcmp(clock, "vm"))
		result = option_unknown(p, g, "clock", clock, clocks, COUNT(clocks));
	if (result == 0 && fix && strcmp(fix, "none") && strcmp(fix, "slew"))
		result = option_unknown(p, g, "driftfix", fix, fixes, COUNT(fixes));
	option_list_free(&l);
	return result;
}

#define ICOUNT_SHIFT_MAX 10
#define ICOUNT_SHIFT_AUTO 3 /* 125 million instructions a second */

int option_icount(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"shift", "align", "sleep", "stop", NULL};
	struct option_list l;
	uint64_t shift = ICOUNT_SHIFT_AUTO, stop = 0;
	const char *text, *stop_text;
	int result = 0;

	if (option_split(p, g, &l, "shift", known) < 0)
		return -1;
	text = option_list_get(&l, "shift");
	if (text && strcmp(text, "auto") &&
	    option_parse_number(text, ICOUNT_SHIFT_MAX, &shift) < 0)
		result = option_fail(p, g, "shift is a number from 0 to %d, or auto",
				     ICOUNT_SHIFT_MAX);
	stop_text = option_list_get(&l, "stop");
	if (stop_text && option_parse_number(stop_text, INT64_MAX, &stop) < 0)
		result = option_fail(p, g, "stop is a number of instructions");
	p->o->vm.icount = true;
	p->o->vm.icount_shift = (unsigned)shift;
	p->o->vm.icount_stop = stop;
	option_list_free(&l);
	return result;
}

/* ---- booting ---- */

static int boot_letters(struct option_parse *p, const struct given *g, const char *key,
			const char *text, char *out, size_t size)
{
	if (!text)
		return 0;
	for (const char *c = text; *c; c++) {
		if (!strchr("acdn", *c))
			return option_fail(p, g, "%s: '%c' is no boot device; a is floppy, c disk, "
						 "d CD, n network", key, *c);
		if (strchr(c + 1, *c))
			return option_fail(p, g, "%s: '%c' stands there twice", key, *c);
	}
	snprintf(out, size, "%s", text);
	return 0;
}

int option_boot(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"order", "once", "menu", "splash", "splash-time",
					    "reboot-timeout", "strict", NULL};
	struct vm_config *c = &p->o->vm;
	struct option_list l;
	uint64_t splash_ms = c->boot_menu_timeout_ms;
	int result = -1;

	if (option_split(p, g, &l, "order", known) < 0)
		return -1;
	if (boot_letters(p, g, "order", option_list_get(&l, "order"), c->boot_order,
			 sizeof(c->boot_order)) == 0 &&
	    boot_letters(p, g, "once", option_list_get(&l, "once"), c->boot_once,
			 sizeof(c->boot_once)) == 0 &&
	    option_switch(p, g, &l, "menu", &c->boot_menu) == 0 &&
	    option_number(p, g, &l, "splash-time", 0xffff, &splash_ms) == 0)
		result = 0;
	c->boot_menu_timeout_ms = (unsigned)splash_ms;
	p->boot_given = true;
	option_list_free(&l);
	return result;
}

/* ---- display ---- */

int option_display(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {
		"type", "full-screen", "gl", "window-close", "window_close", "show-cursor",
		"grab-mod", "alt_grab", "ctrl_grab", "zoom-to-fit", "grab-on-hover", NULL};
	static const char *const types[] = {"sdl", "gtk", "none"};
	struct vm_config *c = &p->o->vm;
	struct option_list l;
	const char *type;
	int result;

	if (option_split(p, g, &l, "type", known) < 0)
		return -1;
	type = option_list_get(&l, "type");
	type = type ? type : "sdl";
	result = option_switch(p, g, &l, "full-screen", &c->full_screen);
	if (result == 0 && !strcmp(type, "help")) {
		fprintf(p->out, "Available display backend types:\nnone\nsdl\n");
		p->done = true;
	} else if (!strcmp(type, "none")) {
		c->display = DISPLAY_NONE;
	} else if (!strcmp(type, "sdl") || !strcmp(type, "default")) {
		c->display = DISPLAY_SDL;
	} else if (!strcmp(type, "gtk")) {
		option_warn(p, g, "there is no GTK window; taking sdl");
		c->display = DISPLAY_SDL;
	} else if (result == 0) {
		result = option_unknown(p, g, "display here", type, types, COUNT(types));
	}
	p->display_given = true;
	option_list_free(&l);
	return result;
}

int option_vnc(struct option_parse *p, const struct given *g)
{
	if (!strcmp(g->arg, "none"))
		return 0;
	return option_missing(p, g);
}

int option_nographic(struct option_parse *p, const struct given *g)
{
	p->nographic = p->display_given = true;
	p->o->vm.graphics = false;
	p->o->vm.display = DISPLAY_NONE;
	return 0;
}

int option_vga(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {"std", "none"};

	if (!strcmp(g->arg, "help")) {
		fprintf(p->out, "std   VGA with Bochs VBE (default)\nnone  no graphics adapter\n");
		p->done = true;
	} else if (!strcmp(g->arg, "none")) {
		p->o->vm.vga = false;
	} else if (!strcmp(g->arg, "std")) {
		p->o->vm.vga = true;
	} else {
		return option_unknown(p, g, "graphics adapter here", g->arg, known, COUNT(known));
	}
	return 0;
}

/* ---- what has no effect or is not there ---- */

int option_ignore(struct option_parse *p, const struct given *g)
{
	return 0;
}

int option_no_effect(struct option_parse *p, const struct given *g)
{
	option_warn(p, g, "has no effect: %s", option_rows[g->id].help);
	return 0;
}

int option_no_device(struct option_parse *p, const struct given *g)
{
	option_warn(p, g, "%s The guest will not see any.", option_rows[g->id].help);
	return 0;
}

int option_missing(struct option_parse *p, const struct given *g)
{
	return option_fail(p, g, "%s", option_rows[g->id].help);
}

int option_network(struct option_parse *p, const struct given *g)
{
	/* `-net none` asks for exactly what there is. */
	if (strncmp(g->arg, "none", 4))
		option_warn(p, g, "%s The guest will not see any.", option_rows[g->id].help);
	return 0;
}

int option_parallel(struct option_parse *p, const struct given *g)
{
	if (strcmp(g->arg, "none") && strcmp(g->arg, "null"))
		option_warn(p, g, "there is no parallel port; the guest will not see any");
	return 0;
}
