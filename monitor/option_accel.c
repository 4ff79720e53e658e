/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -accel and -machine accel=: which engine runs the guest, and how it is set.
 *
 * As with QEMU, several -accel are alternatives in the order given, and
 * -machine accel= takes such a list with colons. Which of them can run here is
 * found out by vm_create() (vm_engine.c).
 */
#include <string.h>

#include "monitor/option_parse.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define CACHE_MIN (256 * KIB)
#define CACHE_MAX (1024 * MIB) /* helpers and code reach each other by 32-bit displacements */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The engines by QEMU's names and ours. */
static const struct accel {
	const char *name;
	enum engine_kind kind;
	const char *help;
} accels[] = {
	{"bt", ENGINE_BT, "the translator (default)"},
	{"interp", ENGINE_INTERP, "the interpreter: slow, the reference for the others"},
	{"tcg", ENGINE_BT, "the same as bt, by QEMU's name"},
	{"kvm", ENGINE_KVM, "the host's /dev/kvm: hardware virtualization, where the host has it"},
};

/* X(name, argument, of the translator alone, help) */
#define PROPERTIES(X)                                                                              \
	X("cache", "SIZE", true, "code cache: 256K to 1G, in MiB without a suffix (default 16)")   \
	X("tb-size", "MIB", true, "the same, by QEMU's name")                                      \
	X("chaining", "on|off", true, "blocks jump to each other directly (default on)")           \
	X("adaptive", "on|off", true, "instructions that keep faulting are translated again "      \
	  "(default on)")                                                                          \
	X("windows", "on|off", true, "guest memory is reached through host mappings "              \
	  "(default on)")                                                                          \
	X("direct", "off|auto|on|step", true, "ring 3 runs natively, in processes of its own: "    \
	  "not, what computes, all that can, the same by single steps (default auto)")             \
	X("map-budget", "N", true, "host mappings for that (default: by the host's limit)")        \
	X("lockstep", "on|off|N", false, "check each block, or N instructions, against the "       \
	  "interpreter; needs -icount")                                                            \
	X("from", "COUNT", false, "lockstep checks only after COUNT instructions")                 \
	X("watch", "ADDRESS", false, "lockstep compares the page at this physical address too")    \
	X("inject", "FAILURE[+...]", true, "for tests: cache-full, mmap-refused, early-timers, "   \
	  "spurious-signals, little-memory, user-windows, moved")                                   \
	X("verify", "on|off", true, "for tests: the code that is made is verified")                \
	X("check", "N", true, "for tests: all structures are checked every N translations")        \
	X("device", "PATH", false, "kvm's, in place of /dev/kvm")                                  \
	X("thread", "single|multi", false, "QEMU's, without effect")                               \
	X("one-insn-per-tb", "on|off", false, "QEMU's, without effect")                            \
	X("split-wx", "on|off", false, "QEMU's, without effect")

static const struct property {
	const char *name, *args;
	bool translator;
	const char *help;
} properties[] = {
#define X(name, args, translator, help) {name, args, translator, help},
	PROPERTIES(X)
#undef X
};

static const struct {
	const char *name;
	unsigned bit;
} injections[] = {
	{"cache-full", INJECT_CACHE_FULL},
	{"mmap-refused", INJECT_MMAP_REFUSED},
	{"early-timers", INJECT_EARLY_TIMERS},
	{"spurious-signals", INJECT_SPURIOUS_SIGNALS},
	{"user-windows", INJECT_USER_WINDOWS},
	{"moved", INJECT_MOVED},
	{"little-memory", INJECT_LITTLE_MEMORY},
};

void option_list_accels(FILE *out)
{
	fprintf(out, "Accelerators supported:\n");
	for (size_t i = 0; i < COUNT(accels); i++)
		fprintf(out, "%-8s %s\n", accels[i].name, accels[i].help);
	fprintf(out, "Properties:\n");
	for (size_t i = 0; i < COUNT(properties); i++) {
		int n = fprintf(out, "%s=%s", properties[i].name, properties[i].args);

		fprintf(out, "%*s%s\n", n < 24 ? 25 - n : 1, "", properties[i].help);
	}
}

/* ---- which engine ---- */

static bool named(const struct vm_config *c, enum engine_kind kind)
{
	bool found = c->engine.kind == kind;

	for (unsigned i = 0; i < c->alternative_count; i++)
		found |= c->alternatives[i] == kind;
	return found;
}

/* The first engine asked for is taken; those behind it may stand in for it. */
static void wish(struct option_parse *p, const struct accel *a)
{
	struct vm_config *c = &p->o->vm;

	if (!p->accel.given) {
		p->accel.given = true;
		c->engine.kind = a->kind;
		c->alternative_count = 0;
	} else if (!named(c, a->kind)) {
		c->alternatives[c->alternative_count++] = a->kind;
	}
}

int option_accel_list(struct option_parse *p, const struct given *g, const char *list)
{
	const char *names[COUNT(accels)], *word = list;

	if (p->accel.by.arg && (p->accel.by.id == OPT_ACCEL) != (g->id == OPT_ACCEL))
		return option_fail(p, g, "the accelerator is named by %s already",
				   option_spelled(&p->accel.by));
	p->accel.by = *g;
	for (size_t i = 0; i < COUNT(accels); i++)
		names[i] = accels[i].name;
	for (;;) {
		size_t len = strcspn(word, ":"), i = 0;
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)len, word);
		while (i < COUNT(accels) && strcmp(accels[i].name, name))
			i++;
		if (i == COUNT(accels))
			return option_unknown(p, g, "accelerator", name, names, COUNT(names));
		wish(p, &accels[i]);
		if (!word[len])
			return 0;
		word += len + 1;
	}
}

int option_finish_accel(struct option_parse *p)
{
	const struct vm_config *c = &p->o->vm;

	if (c->lockstep.on && !c->icount)
		return option_fail(p, &p->accel.by, "lockstep needs -icount: time has to follow "
						    "the instructions");
	if (c->engine.kind == ENGINE_KVM && !c->alternative_count && c->icount)
		return option_fail(p, &p->accel.by, "kvm counts no instructions, which -icount and "
						    "lockstep need");
	return 0;
}

int option_enable_kvm(struct option_parse *p, const struct given *g)
{
	return option_accel_list(p, g, "kvm");
}

/* ---- properties ---- */

static int set_cache(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	const char *key = option_list_get(l, "cache") ? "cache" : "tb-size";
	const char *text = option_list_get(l, key);
	uint64_t bytes;

	if (!text)
		return 0;
	if (option_parse_size(text, MIB, &bytes) < 0)
		return option_fail(p, g, "%s is a number of MiB, or has a suffix: 64, 64M or 512K",
				   key);
	if (!bytes) /* QEMU: as it thinks best */
		return 0;
	if (bytes < CACHE_MIN || bytes > CACHE_MAX)
		return option_fail(p, g, "%s is 256K to 1G", key);
	p->o->vm.engine.cache_kib = (unsigned)(bytes / KIB);
	return 0;
}

static int add_injection(struct option_parse *p, const struct given *g, const char *name)
{
	const char *names[COUNT(injections)];

	for (size_t i = 0; i < COUNT(injections); i++) {
		names[i] = injections[i].name;
		if (!strcmp(names[i], name)) {
			p->o->vm.engine.inject |= injections[i].bit;
			return 0;
		}
	}
	return option_unknown(p, g, "failure to inject", name, names, COUNT(names));
}

static int set_injections(struct option_parse *p, const struct given *g, const char *text)
{
	while (text) {
		size_t len = strcspn(text, "+");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)len, text);
		if (add_injection(p, g, name) < 0)
			return -1;
		text = text[len] ? text + len + 1 : NULL;
	}
	return 0;
}

static int set_lockstep(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	struct lockstep_config *lock = &p->o->vm.lockstep;
	const char *text = option_list_get(l, "lockstep");

	if (text && option_parse_switch(text, &lock->on) < 0) {
		if (option_parse_number(text, UINT32_MAX, &lock->step) < 0 || !lock->step)
			return option_fail(p, g, "lockstep is on, off or a number of "
						 "instructions, not '%s'", text);
		lock->on = true;
	}
	lock->watching |= option_list_get(l, "watch") != NULL;
	if (option_number(p, g, l, "watch", UINT64_MAX, &lock->watch) < 0)
		return -1;
	return option_number(p, g, l, "from", INT64_MAX, &lock->from);
}

static int set_direct(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	static const char *const names[] = {"off", "auto", "on", "step"}; /* ORDER: enum direct_mode */
	const char *text = option_list_get(l, "direct");

	for (size_t i = 0; text && i < COUNT(names); i++) {
		if (!strcmp(text, names[i])) {
			p->o->vm.engine.direct = (enum direct_mode)i;
			return 0;
		}
	}
	return text ? option_unknown(p, g, "setting of direct", text, names, COUNT(names)) : 0;
}

/* What QEMU takes: looked at, so that a typing error shows, and forgotten. */
static int check_qemu_properties(struct option_parse *p, const struct given *g,
				 const struct option_list *l)
{
	static const char *const threads[] = {"single", "multi"};
	const char *thread = option_list_get(l, "thread");
	bool unused;

	if (thread && strcmp(thread, "single") && strcmp(thread, "multi"))
		return option_unknown(p, g, "thread setting", thread, threads, COUNT(threads));
	if (option_switch(p, g, l, "one-insn-per-tb", &unused) < 0)
		return -1;
	return option_switch(p, g, l, "split-wx", &unused);
}

static int set_properties(struct option_parse *p, const struct given *g,
			  const struct option_list *l)
{
	struct engine_config *e = &p->o->vm.engine;
	uint64_t budget = e->map_budget, check = e->check;

	if (set_cache(p, g, l) < 0 || option_switch(p, g, l, "chaining", &e->chaining) < 0 ||
	    option_switch(p, g, l, "adaptive", &e->adaptive) < 0 ||
	    option_switch(p, g, l, "windows", &e->windows) < 0 ||
	    option_number(p, g, l, "map-budget", 1u << 24, &budget) < 0 ||
	    option_switch(p, g, l, "verify", &e->verify) < 0 ||
	    option_number(p, g, l, "check", UINT32_MAX, &check) < 0 ||
	    set_direct(p, g, l) < 0 || set_injections(p, g, option_list_get(l, "inject")) < 0 ||
	    set_lockstep(p, g, l) < 0)
		return -1;
	if (option_list_get(l, "device"))
		e->kvm_device = option_keep(p, option_list_get(l, "device"));
	e->map_budget = (unsigned)budget;
	e->check = (unsigned)check;
	return check_qemu_properties(p, g, l);
}

static int check_owners(struct option_parse *p, const struct given *g, const struct option_list *l)
{
	for (size_t i = 0; i < COUNT(properties); i++) {
		if (properties[i].translator && option_list_get(l, properties[i].name))
			return option_fail(p, g, "%s is a property of bt, the translator",
					   properties[i].name);
	}
	return 0;
}

int option_accel(struct option_parse *p, const struct given *g)
{
	static const char *const known[] = {
		"accel",
#define X(name, args, translator, help) name,
		PROPERTIES(X)
#undef X
		NULL};
	struct option_list l;
	const char *name;
	int result;

	if (option_split(p, g, &l, "accel", known) < 0)
		return -1;
	name = option_list_get(&l, "accel");
	if (!name) {
		result = option_fail(p, g, "says no accelerator; -accel help lists them");
	} else if (!strcmp(name, "help")) {
		option_list_accels(p->out);
		p->done = true;
		result = 0;
	} else {
		result = option_accel_list(p, g, name);
		if (result == 0 && (!strcmp(name, "interp") || !strcmp(name, "kvm")))
			result = check_owners(p, g, &l);
		if (result == 0)
			result = set_properties(p, g, &l);
	}
	option_list_free(&l);
	return result;
}
