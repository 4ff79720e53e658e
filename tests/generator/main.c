/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: makes cases from the instruction table, has each run by the oracle
 * and in a guest, and compares. See --help; world.h says what a case sees.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "make.h"
#include "report.h"
#include "shrink.h"

#define DEFAULT_CASES	 150000u
#define MISMATCHES_SHOWN 10u
#define EXIT_SKIPPED	 77 /* as CTest knows it */

struct options {
	uint64_t seed, cases, first;
	const char *engine, *row;
	enum guest_pages pages;
	enum oracle_kind oracle;
	bool coverage, whole;
	unsigned shown;
};

struct run {
	struct options options;
	enum case_kind kind;
	struct oracle *oracle;
	struct guest *guest;
	uint64_t native, refused[REFUSED_KINDS]; /* cases, of GUEST_DIRECT */
	struct decoder *decoder;
	struct coverage coverage;
	uint16_t *rows; /* that cases are made from */
	unsigned row_count;
	struct test_case *differing; /* the first ones, up to options.shown */
	unsigned differing_count;
	unsigned batches; /* given to the oracle so far */
	struct outcome outcome;
};

static void usage(FILE *f)
{
	fprintf(f,
		"usage: generator [--seed N] [--cases N] [--row NAME] [--engine NAME]\n"
		"                 [--pages KIND] [--oracle NAME] [--coverage] [--show N]\n"
		"                 [--whole] [--replay CASE]\n"
		"\n"
		"Runs cases made from the instruction table on the host's processor and in a\n"
		"guest, and compares what came of them.\n"
		"\n"
		"  --seed N       another sequence of cases (default 1)\n"
		"  --cases N      how many (default %u)\n"
		"  --row NAME     only rows of this mnemonic\n"
		"  --engine NAME  what runs the guest: interp (default), bt, bt_nowin,\n"
		"                 bt_nochain, bt_noadapt, bt_counted (with exact fuel),\n"
		"                 direct (a stub; the interpreter is the oracle)\n"
		"  --pages KIND   what the guest's data pages are: ram (default), device, code\n"
		"                 (beside data), clear (accessed and dirty bits)\n"
		"  --oracle NAME  who says what is right: host, its processor, or interp, the\n"
		"                 interpreter (default: host; interp if the host cannot run\n"
		"                 32-bit code and the engine is another)\n"
		"  --coverage     print how often each instruction form was judged, and by whom\n"
		"  --show N       stop after N differing cases (default %u)\n"
		"  --whole        show differing cases as they were made, not simplified\n"
		"  --replay CASE  only this case; give the seed (and row) of the run it is from\n"
		"\n"
		"The exit status is 0 if nothing differs and no form is without an oracle, and 77\n"
		"if there is no oracle, as the host cannot run 32-bit code with an LDT, or if\n"
		"it cannot run the engine.\n",
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
	enum { SEED = 1, CASES, ROW, ENGINE, COVERAGE, SHOW, WHOLE, REPLAY, KIND, ORACLE, HELP };
	static const struct option longs[] = {
	    {"seed", 1, NULL, SEED},	 {"cases", 1, NULL, CASES},	  {"row", 1, NULL, ROW},
	    {"engine", 1, NULL, ENGINE}, {"coverage", 0, NULL, COVERAGE}, {"show", 1, NULL, SHOW},
	    {"whole", 0, NULL, WHOLE},	 {"replay", 1, NULL, REPLAY},	  {"pages", 1, NULL, KIND},
	    {"oracle", 1, NULL, ORACLE}, {"help", 0, NULL, HELP},	  {NULL, 0, NULL, 0}};
	int opt;

	*o = (struct options){
	    .seed = 1, .cases = DEFAULT_CASES, .engine = "interp", .shown = MISMATCHES_SHOWN};
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
		else if (opt == WHOLE)
			o->whole = true;
		else if (opt == KIND && guest_pages_known(optarg, &o->pages))
			;
		else if (opt == ORACLE && oracle_known(optarg, &o->oracle))
			;
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
	if (o->oracle == ORACLE_INTERP && !strcmp(o->engine, "interp")) {
		fprintf(stderr, "generator: --oracle interp judges other engines only\n");
		exit(2);
	}
}

/* Which test judges the row by hand, as the oracle cannot. */
static const char *judged_elsewhere(const struct run *r, const struct insn_row *row)
{
	const char *why;

	return r->oracle->host ? hand_written(row, &why) : NULL;
}

static bool choose_rows(struct run *r)
{
	r->rows = calloc(insn_table_rows, sizeof(*r->rows));
	if (!r->rows)
		return false;
	for (unsigned i = 0; i < insn_table_rows; i++)
		if ((!r->options.row || !strcmp(r->options.row, insn_table[i].name)) &&
		    !judged_elsewhere(r, &insn_table[i]))
			r->rows[r->row_count++] = (uint16_t)i;
	if (!r->row_count)
		fprintf(stderr, "generator: no row '%s' to be judged by the %s\n", r->options.row,
			r->oracle->name);
	return r->row_count;
}

/* Whether the oracle may run a case at all: prefixes can make another row of it. */
static bool runnable(const struct run *r, const struct test_case *c)
{
	struct decoded d;

	if (r->oracle->reference)
		return true;
	decode_case(r->decoder, c, &d);
	return !(d.ok && judged_elsewhere(r, &insn_table[d.in.row])) &&
	       !(d.ok && d.in.opcode == 0xcd && (uint8_t)d.in.imm == 0x80);
}

/* Fills a batch with the cases from number `from` on; returns the next number. */
static uint64_t fill_batch(struct run *r, struct batch *b, uint64_t from, uint64_t end)
{
	b->count = 0;
	for (; from < end && b->count < BATCH_SIZE; from++) {
		struct test_case *c = &b->cases[b->count];

		make_case(r->decoder, r->kind, r->options.seed, from,
			  r->rows[from % r->row_count], c);
		if (runnable(r, c))
			b->count++;
	}
	return from;
}

static bool in_stubs(const struct run *r)
{
	return r->kind == CASE_FLAT;
}

/* The same, where the interpreter is the judge. */
static const char *judge_exactly(struct run *r, const struct test_case *c, const struct decoded *d,
				 const struct outcome *reference, struct coverage *cov)
{
	const struct outcome *out = &r->outcome;
	const char *what;

	if (in_stubs(r) && reference->vector > 0xff) {
		coverage_excuse(cov, "has no end");
		return NULL;
	}
	guest_run(r->guest, c, &r->outcome);
	r->native += out->native;
	r->refused[out->refused]++;
	what = compare_exactly(c, d, reference, out);
	if (what && out->native && direct_differs(c, d)) {
		coverage_excuse(cov, direct_differs(c, d));
		return NULL;
	}
	/* There the chip is in the guest's place. */
	if (what && out->native && __builtin_cpu_is("intel") &&
	    intel_differs(c, d, out, reference, what)) {
		coverage_excuse(cov, "Intel's chips differ");
		return NULL;
	}
	if (!what && out->native && out->refused == REFUSED_NOT && must_be_refused(c, d))
		what = "not refused";
	if (!in_stubs(r) || out->native || out->refused != REFUSED_NOT)
		coverage_count(cov, d, reference);
	return what;
}

/*
 * Runs the case in the guest. Returns what differs from the oracle's outcome, or
 * NULL, also where it need not agree.
 */
static const char *judge(struct run *r, const struct test_case *c, const struct outcome *host,
			 struct coverage *cov)
{
	struct decoded d;
	const char *what, *why;

	decode_case(r->decoder, c, &d);
	if (r->oracle->exact)
		return judge_exactly(r, c, &d, host, cov);
	why = host_differs(c, &d, host);
	if (why) {
		coverage_excuse(cov, why);
		return NULL;
	}
	guest_run(r->guest, c, &r->outcome);
	what = compare(c, &d, host, &r->outcome);
	why = what ? order_open(c, &d, host, &r->outcome) : NULL;
	if (what && !why && __builtin_cpu_is("intel"))
		why = intel_differs(c, &d, host, &r->outcome, what);
	if (why) {
		coverage_excuse(cov, why);
		return NULL;
	}
	coverage_count(cov, &d, host);
	return what;
}

static void judge_batch(struct run *r, const struct batch *b)
{
	for (unsigned i = 0; i < b->count && r->differing_count < r->options.shown; i++)
		if (judge(r, &b->cases[i], &b->outcomes[i], &r->coverage))
			r->differing[r->differing_count++] = b->cases[i];
}

static bool run_cases(struct run *r)
{
	uint64_t next = r->options.first, end = next + r->options.cases;
	struct batch *b = oracle_batch(r->oracle, r->batches);

	next = fill_batch(r, b, next, end);
	oracle_start(r->oracle, r->batches);
	while (b) {
		struct batch *other = oracle_batch(r->oracle, r->batches + 1);

		/* The next batch is made while the host runs this one on the other processor. */
		next = fill_batch(r, other, next, end);
		if (!oracle_wait(r->oracle, r->batches)) {
			printf("the oracle died in this case:\n");
			print_case(stdout, &b->cases[b->at], "no outcome", &r->outcome,
				   &r->outcome);
			return false;
		}
		r->batches++;
		if (r->differing_count == r->options.shown)
			other->count = 0;
		if (other->count)
			oracle_start(r->oracle, r->batches);
		judge_batch(r, b);
		b = other->count ? other : NULL;
	}
	return true;
}

/* ---- reproducers ---- */

/* Runs one case on both sides; b->outcomes[0] and r->outcome have what came of it. */
static const char *run_one(struct run *r, const struct test_case *c)
{
	struct batch *b = oracle_batch(r->oracle, r->batches);
	struct coverage ignored = r->coverage;

	b->count = 1;
	b->cases[0] = *c;
	oracle_start(r->oracle, r->batches);
	if (!oracle_wait(r->oracle, r->batches))
		return NULL;
	return judge(r, c, &b->outcomes[0], &ignored);
}

static bool still_differs(void *opaque, const struct test_case *c)
{
	struct run *r = opaque;
	struct decoded d;

	decode_case(r->decoder, c, &d);
	if (!c->single_step && d.ok && (d.row->class == TRANSFER || d.row->class == FAR))
		return false;
	return runnable(r, c) && run_one(r, c);
}

static void print_differing(struct run *r)
{
	for (unsigned i = 0; i < r->differing_count; i++) {
		struct test_case *c = &r->differing[i];
		const char *what;

		if (!r->options.whole)
			shrink_case(c, still_differs, r);
		what = run_one(r, c);
		print_case(stdout, c, what ? what : "differs, but not always",
			   &oracle_batch(r->oracle, r->batches)->outcomes[0], &r->outcome);
	}
}

/* Whether direct execution has hardly been tested. */
static bool few_in_stubs(const struct run *r)
{
	return in_stubs(r) && !r->options.row && r->options.cases > 1 &&
	       r->native < r->options.cases / 2;
}

static int report(struct run *r)
{
	/* Stubs refuse some forms, and take too long to come to the rare ones. */
	bool whole = !r->options.row && r->options.cases > 1 && !r->differing_count && !in_stubs(r);
	unsigned missing = coverage_report(&r->coverage, r->oracle->host ? NULL : r->oracle->name,
					   r->options.coverage ? stdout : NULL);
	uint64_t judged = r->coverage.undefined;

	for (unsigned i = 0; i < insn_table_rows; i++)
		for (unsigned f = 0; f < FORMS; f++)
			judged += r->coverage.ran[i][f];
	printf("seed %" PRIu64 ": %" PRIu64 " cases judged by the %s, %u differ", r->options.seed,
	       judged, r->oracle->name, r->differing_count);
	if (whole)
		printf(", %u instruction forms without an oracle", missing);
	printf("\n");
	if (in_stubs(r) && r->options.cases > 1)
		printf("%" PRIu64 " ran in a stub; a part was refused for the state in %" PRIu64
		       ", for the page in %" PRIu64 ", an instruction by a guard in %" PRIu64 "\n",
		       r->native, r->refused[REFUSED_STATE], r->refused[REFUSED_PAGE],
		       r->refused[REFUSED_INSTRUCTION]);
	return r->differing_count || (whole && missing) || few_in_stubs(r);
}

static void destroy(struct run *r)
{
	coverage_destroy(&r->coverage);
	free(r->rows);
	free(r->differing);
	guest_destroy(r->guest);
	oracle_destroy(r->oracle);
	decoder_destroy(r->decoder);
}

int main(int argc, char **argv)
{
	struct run r = {0};
	int status = 1;

	parse_options(&r.options, argc, argv);
	r.kind = strcmp(r.options.engine, GUEST_DIRECT) ? CASE_ANY : CASE_FLAT;
	/* First: the oracle is a fork that should have nothing of the guest. */
	r.oracle = oracle_create(r.options.oracle, r.options.engine, r.options.pages);
	if (r.oracle)
		r.guest = guest_create(r.options.engine, r.options.pages);
	if (!r.guest) {
		oracle_destroy(r.oracle);
		return EXIT_SKIPPED;
	}
	r.decoder = decoder_create();
	r.differing = calloc(r.options.shown + 1, sizeof(*r.differing));
	if (r.decoder && r.differing && coverage_create(&r.coverage) && choose_rows(&r) &&
	    run_cases(&r)) {
		print_differing(&r);
		status = report(&r);
	}
	destroy(&r);
	return status;
}
