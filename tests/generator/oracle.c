/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who says what is right. The host's processor is the better judge, as it knows
 * nothing of the table that cases are made from and that handlers are named in.
 * Where it is not to be had, the interpreter can still judge the translator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const char *const names[] = {
    [ORACLE_ANY] = "", [ORACLE_HOST] = "host", [ORACLE_INTERP] = "interp"};

bool oracle_known(const char *name, enum oracle_kind *kind)
{
	for (unsigned i = ORACLE_HOST; i <= ORACLE_INTERP; i++)
		if (!strcmp(name, names[i])) {
			*kind = (enum oracle_kind)i;
			return true;
		}
	return false;
}

/* Pages of other kinds change nothing of what a case does, but for the bits of their entries. */
static bool use_interpreter(struct oracle *o, enum guest_pages pages)
{
	o->name = "interpreter";
	o->exact = true;
	o->batches = calloc(2, sizeof(*o->batches));
	o->reference = guest_create("interp", pages == GUEST_CLEAR ? pages : GUEST_RAM);
	return o->batches && o->reference;
}

static bool use_host(struct oracle *o, char *trouble)
{
	o->name = "chip";
	o->host = host_create(trouble);
	return o->host;
}

struct oracle *oracle_create(enum oracle_kind kind, const char *engine, enum guest_pages pages)
{
	struct oracle *o = calloc(1, sizeof(*o));
	char trouble[TROUBLE_MAX] = "";
	bool good;

	if (!o)
		return NULL;
	if (!strcmp(engine, GUEST_DIRECT))
		kind = ORACLE_INTERP;
	good = kind == ORACLE_INTERP ? use_interpreter(o, pages) : use_host(o, trouble);
	if (!good && kind == ORACLE_ANY && strcmp(engine, "interp")) {
		printf("the host cannot run 32-bit code (%s): the interpreter judges %s\n", trouble,
		       engine);
		good = use_interpreter(o, pages);
	} else if (!good) {
		fprintf(stderr, "generator: skipped: the host cannot run 32-bit code (%s)\n",
			trouble);
	}
	if (good)
		return o;
	oracle_destroy(o);
	return NULL;
}

void oracle_destroy(struct oracle *o)
{
	if (!o)
		return;
	host_destroy(o->host);
	guest_destroy(o->reference);
	free(o->batches);
	free(o);
}

struct batch *oracle_batch(struct oracle *o, unsigned n)
{
	return o->host ? host_batch(o->host, n) : &o->batches[n & 1];
}

void oracle_start(struct oracle *o, unsigned n)
{
	if (o->host)
		host_start(o->host, n);
}

bool oracle_wait(struct oracle *o, unsigned n)
{
	struct batch *b = oracle_batch(o, n);

	if (o->host)
		return host_wait(o->host);
	for (b->at = 0; b->at < b->count; b->at++)
		guest_run(o->reference, &b->cases[b->at], &b->outcomes[b->at]);
	return true;
}
