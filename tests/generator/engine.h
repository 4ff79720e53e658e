/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs cases: the oracle (the host chip, or the interpreter) and a guest on some engine. */
#ifndef TESTS_GENERATOR_ENGINE_H
#define TESTS_GENERATOR_ENGINE_H

#include "world.h"

#define BATCH_SIZE 512u

/* One batch; the host's are in memory that its process shares. */
struct batch {
	volatile unsigned count, at; /* at: the case under way */
	struct test_case cases[BATCH_SIZE];
	struct outcome outcomes[BATCH_SIZE];
};

/* ---- host.c: a process whose low 4 GiB are the world ---- */
struct host;

/*
 * Forks the oracle's process and has it run trivial cases. Returns NULL where the
 * host cannot run 32-bit code with an LDT; trouble, of TROUBLE_MAX bytes, says what
 * has failed.
 */
#define TROUBLE_MAX 128u
struct host *host_create(char *trouble);
void host_destroy(struct host *h);
/* Batches 0 and 1 are for use in turn. */
struct batch *host_batch(struct host *h, unsigned n);
/* Starts running batch n; host_wait() returns false if the process has died. */
void host_start(struct host *h, unsigned n);
bool host_wait(struct host *h);

/* ---- guest.c ---- */
struct guest;

/* Of what kind the guest's data pages are: nothing that changes what a case does. */
enum guest_pages {
	GUEST_RAM,
	GUEST_DEVICE, /* a device's registers, which keep what is written to them */
	GUEST_CODE,   /* code that is in the engine's cache lies on them, too */
	GUEST_CLEAR,  /* their accessed and dirty bits are clear before each case */
};
bool guest_pages_known(const char *name, enum guest_pages *kind);

/*
 * The engine of cases in a stub: direct_run(), and the interpreter for what traps or is
 * refused. Its cases are those of flat segments, 32-bit code and no single step; few others.
 */
#define GUEST_DIRECT "direct"

/* engine: a known one. NULL with a message on stderr where it cannot run. */
struct guest *guest_create(const char *engine, enum guest_pages kind);
void guest_destroy(struct guest *g);
void guest_run(struct guest *g, const struct test_case *c, struct outcome *out);
bool guest_engine_known(const char *engine);

/* ---- oracle.c ---- */
enum oracle_kind {
	ORACLE_ANY, /* the host where it can, else the interpreter */
	ORACLE_HOST,
	ORACLE_INTERP, /* of the translator only; in a guest of its own, beside the judged one */
};
bool oracle_known(const char *name, enum oracle_kind *kind);

struct oracle {
	const char *name;
	bool exact; /* all of the outcome has to agree: both sides are the same processor */
	struct host *host;
	/* If host is NULL: */
	struct guest *reference;
	struct batch *batches; /* two */
};

/*
 * The oracle for a guest on this engine with these pages. Returns NULL with a
 * message on stderr if there is none. Says on stdout if it is another one than
 * usual.
 */
struct oracle *oracle_create(enum oracle_kind kind, const char *engine, enum guest_pages pages);
void oracle_destroy(struct oracle *o);
/* As host_batch() and so on. */
struct batch *oracle_batch(struct oracle *o, unsigned n);
void oracle_start(struct oracle *o, unsigned n);
bool oracle_wait(struct oracle *o, unsigned n);

#endif
