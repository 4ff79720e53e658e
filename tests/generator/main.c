/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: makes cases from the instruction table, runs each on the host
 * chip and in a guest, and compares. See --help; world.h says what a case sees.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "make.h"
#include "report.h"

#define DEFAULT_CASES 150000u
#define MISMATCHES_SHOWN 10u

struct options {
	uint64_t seed, cases, first;
	const char *engine, *row;
	bool coverage, keep_going;
	unsigned shown;
};

struct run {
	struct options options;
	struct host *host;
	struct guest *guest;
	struct decoder *decoder;
	struct coverage coverage;
	uint16_t *rows; /* that cases are made from */
	unsigned row_count;
	unsigned differing;
	struct outcome outcome;
};

static void usage(FILE *f)
{
	fprintf(f,
		"usage: generator [--seed N] [--cases N] [--row NAME] [--engine NAME]\n"
		"                 [--coverage] [--show N] [--replay CASE]\n"
		"\n"
		"Runs cases made from the instruction table on the host's processor and in a\n"
		"guest, and compares what came of them.\n"
		"\n"
		"  --seed N       another sequence of cases (default 1)\n"
		"  --cases N      how many (default %u)\n"
		"  --row NAME     only rows of this mnemonic\n"
		"  --engine NAME  what runs the guest: interp\n"
		"  --coverage     print how often each instruction form was judged, and by whom\n"
		"  --show N       stop after N differing cases (default %u)\n"
		"  --replay CASE  only this case; give the seed (and row) of the run it is from\n"
		"\n"
		"The exit status is 0 if nothing differs and no form is without an oracle.\n",
		DEFAULT_CASES, MISMATCHES_SHOWN);
}

static uint64_t number_option(const char *name, const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	if (*end || !*text) {
		fprintf(stderr, "generator: --%s wants a number, not '%s'\n", name, text);
		exit(2);
	}
	return v;
}

static void parse_options(struct options *o, int argc, char **argv)
{
	enum { SEED = 1, CASES, ROW, ENGINE, COVERAGE, SHOW, REPLAY, HELP };
	static const struct option longs[] = {
		{"seed", 1, NULL, SEED},	 {"cases", 1, NULL, CASES},
		{"row", 1, NULL, ROW},		 {"engine", 1, NULL, ENGINE},
		{"coverage", 0, NULL, COVERAGE}, {"show", 1, NULL, SHOW},
		{"replay", 1, NULL, REPLAY},	 {"help", 0, NULL, HELP},
		{NULL, 0, NULL, 0}};
	int opt;

	*o = (struct options){.seed = 1, .cases = DEFAULT_CASES, .engine = "interp",
			      .shown = MISMATCHES_SHOWN};
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *name = opt > 0 && opt <= HELP ? longs[opt - 1].name : "";

		if (opt == SEED)
			o->seed = number_option(name, optarg);
		else if (opt == CASES)
			o->cases = number_option(name, optarg);
		else if (opt == ROW)
			o->row = optarg;
		else if (opt == ENGINE)
			o->engine = optarg;
		else if (opt == COVERAGE)
			o->coverage = true;
		else if (opt == SHOW)
			o->shown = (unsigned)number_option(name, optarg);
		else if (opt == REPLAY) {
			o->first = number_option(name, optarg);
			o->cases = 1;
		} else {
			usage(opt == HELP ? stdout : stderr);
			exit(opt == HELP ? 0 : 2);
		}
	}
	if (!guest_engine_known(o->engine)) {
		fprintf(stderr, "generator: unknown engine '%s'\n", o->engine);
		exit(2);
	}
}

static bool choose_rows(struct run *r)
{
	const char *why;

	r->rows = calloc(insn_table_rows, sizeof(*r->rows));
	if (!r->rows)
		return false;
	for (unsigned i = 0; i < insn_table_rows; i++)
		if ((!r->options.row || !strcmp(r->options.row, insn_table[i].name)) &&
		    !hand_written(&insn_table[i], &why))
			r->rows[r->row_count++] = (uint16_t)i;
	if (!r->row_count)
		fprintf(stderr, "generator: no row '%s' to be judged by the chip\n",
			r->options.row);
	return r->row_count;
}

/* Whether a case may run on the host at all: prefixes can make another row of it. */
static bool runnable(const struct run *r, const struct test_case *c)
{
	struct decoded d;
	const char *why;

	decode_case(r->decoder, c, &d);
	return !(d.ok && hand_written(&insn_table[d.in.row], &why)) &&
	       !(d.ok && d.in.opcode == 0xcd && (uint8_t)d.in.imm == 0x80);
}

/* Fills a batch with the cases from number `from` on; returns the next number. */
static uint64_t fill_batch(struct run *r, struct batch *b, uint64_t from, uint64_t end)
{
	b->count = 0;
	for (; from < end && b->count < BATCH_SIZE; from++) {
		struct test_case *c = &b->cases[b->count];

		make_case(r->decoder, r->options.seed, from, r->rows[from % r->row_count], c);
		if (runnable(r, c))
			b->count++;
	}
	return from;
}

static void judge_case(struct run *r, const struct test_case *c, const struct outcome *host)
{
	struct decoded d;
	const char *what;

	decode_case(r->decoder, c, &d);
	if (host_differs(c, &d, host)) {
		r->coverage.skipped++;
		return;
	}
	guest_run(r->guest, c, &r->outcome);
	coverage_count(&r->coverage, &d, host);
	what = compare(c, &d, host, &r->outcome);
	if (!what)
		return;
	if (order_open(c, &d, host, &r->outcome)) {
		r->coverage.open++;
		return;
	}
	r->differing++;
	print_case(stdout, c, what, host, &r->outcome);
}

static bool run_cases(struct run *r)
{
	uint64_t next = r->options.first, end = next + r->options.cases;
	unsigned n = 0;

	next = fill_batch(r, host_batch(r->host, n), next, end);
	host_start(r->host, n);
	while (host_batch(r->host, n)->count && r->differing < r->options.shown) {
		struct batch *b = host_batch(r->host, n);
		struct batch *other = host_batch(r->host, n + 1);

		/* The next batch is made while this one runs on the other processor. */
		next = fill_batch(r, other, next, end);
		if (!host_wait(r->host)) {
			printf("the oracle died in case %" PRIu64 "\n", b->cases[b->at].number);
			print_case(stdout, &b->cases[b->at], "oracle died", &r->outcome,
				   &r->outcome);
			return false;
		}
		n++;
		if (other->count)
			host_start(r->host, n);
		for (unsigned i = 0; i < b->count && r->differing < r->options.shown; i++)
			judge_case(r, &b->cases[i], &b->outcomes[i]);
		if (!other->count)
			break;
	}
	return true;
}

static int report(struct run *r)
{
	bool whole = !r->options.row && r->options.cases > 1 && !r->differing;
	unsigned missing =
		coverage_report(&r->coverage, r->options.coverage ? stdout : NULL);
	uint64_t judged = r->coverage.undefined;

	for (unsigned i = 0; i < insn_table_rows; i++)
		for (unsigned f = 0; f < FORMS; f++)
			judged += r->coverage.ran[i][f];
	printf("seed %" PRIu64 ": %" PRIu64 " cases judged by the chip, %u differ", r->options.seed,
	       judged, r->differing);
	if (whole)
		printf(", %u instruction forms without an oracle", missing);
	printf("\n");
	return r->differing || (whole && missing);
}

int main(int argc, char **argv)
{
	struct run r = {0};
	int status = 1;

	parse_options(&r.options, argc, argv);
	r.decoder = decoder_create();
	r.host = host_create();
	r.guest = guest_create(r.options.engine);
	if (r.decoder && r.host && coverage_create(&r.coverage) && choose_rows(&r) &&
	    run_cases(&r))
		status = report(&r);
	coverage_destroy(&r.coverage);
	free(r.rows);
	guest_destroy(r.guest);
	host_destroy(r.host);
	decoder_destroy(r.decoder);
	return status;
}
