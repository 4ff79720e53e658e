/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages may run in stubs. An instruction that would silently do something else
 * than in the guest gets a guard (guards.c), and a page with more of them than there
 * are guards is unfit; a native fault is harmless, since the interpreter looks at
 * the instruction then.
 *
 * Two ways of looking. A sweep decodes the whole page one instruction after the
 * other, whatever control flow says, so that functions which are reached by
 * pointers are seen; bytes that are no instruction are skipped. And from every place at
 * which the page is entered from outside, control flow is followed within
 * the page, which finds what lies across the sweep's instructions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cpu/features.h"
#include "direct/direct_internal.h"

/*
 * GUARDED: not natively, but others of its page may. ENVIRONMENT: it shows what those
 * have left in x87's pointers, which the host keeps otherwise.
 */
enum verdict { FIT, GUARDED, ENVIRONMENT, UNDEFINED };

/* ---- one instruction ---- */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names))
		names++;
	return *names;
}

/*
 * Unprivileged instructions on privileged state whose results are the same under
 * rules_allow(), or that fault in a stub.
 */
static bool sensitive_fits(const struct direct *d, const struct insn_row *row)
{
	static const char *const same[] = {"pushf", "popf", "arpl", NULL};

	return is_one_of(row->name, same) || (d->cpuid_faults && !strcmp(row->name, "cpuid")) ||
	       (d->tsc_faults && !strcmp(row->name, "rdtsc"));
}

/*
 * Those that stop the stub in front of or, INT3, behind them. INT 4 would not be
 * told from a fault of what follows it.
 */
static bool far_fits(const struct insn_row *row, const struct insn *in)
{
	static const char *const stops[] = {"int3", "sysexit", NULL};

	if (!strcmp(row->name, "int"))
		return (in->imm & 0xff) != 4;
	return is_one_of(row->name, stops);
}

/* Environments show FCS and FDS, and FXSAVE the host's MXCSR_MASK. */
static bool is_environment(const struct insn_row *row)
{
	static const char *const names[] = {"fldenv", "fnstenv", "frstor", "fnsave",
					    "fxsave", "fxrstor", NULL};

	return is_one_of(row->name, names);
}

/* F2 and F3 change the condition of LOOPE and LOOPNE on AMD's chips. */
static bool transfer_fits(const struct insn_row *row, const struct insn *in)
{
	return row->map != M1 || (row->opcode != 0xe0 && row->opcode != 0xe1) ||
	       in->rep == REP_NONE;
}

static bool row_fits(const struct direct *d, const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	if (!insn_supported(d->cpu, row))
		return false;
	switch (row->class) {
	case SENSITIVE:
		return sensitive_fits(d, row);
	case FAR:
		return far_fits(row, in);
	case PLAIN:
		return insn_as_named(d->cpu, row);
	case TRANSFER:
		return transfer_fits(row, in);
	default:
		return true;
	}
}

static enum verdict judge(const struct direct *d, const uint8_t *bytes, unsigned available,
			  struct insn *in)
{
	switch (decode_insn(d->decoder, bytes, available, true, in)) {
	case DECODE_OK:
		if (insn_table[in->row].class == X87 && is_environment(&insn_table[in->row]))
			return ENVIRONMENT;
		return row_fits(d, in) ? FIT : GUARDED;
	case DECODE_TOO_LONG: /* #GP there, too */
		*in = (struct insn){.length = 1};
		return FIT;
	default:
		*in = (struct insn){.length = 1};
		return UNDEFINED;
	}
}

/* Whether control never goes on behind it by itself. */
static bool ends_flow(const struct direct *d, const struct insn *in)
{
	return d->ends_flow[in->row];
}

bool *code_ends_flow(void)
{
	static const char *const ends[] = {"jmp", "ret", "ud2", "hlt", NULL};
	bool *rows = calloc(insn_table_rows, sizeof(*rows));

	for (unsigned i = 0; rows && i < insn_table_rows; i++)
		rows[i] = is_one_of(insn_table[i].name, ends);
	return rows;
}

/* ---- a page ---- */

/* Length 0: the page's end cuts it off, and nothing can be said. */
static enum verdict judge_at(const struct direct *d, const uint8_t *page, unsigned at,
			     struct insn *in)
{
	unsigned left = PAGE_SIZE - at;

	if (left < INSN_MAX_LENGTH &&
	    decode_insn(d->decoder, page + at, left, true, in) == DECODE_MORE) {
		in->length = 0;
		return FIT;
	}
	return judge(d, page + at, left, in);
}

/* known_length() there; 0 near the page's end, too. */
static unsigned known_at(const struct direct *d, const uint8_t *page, unsigned at, bool transfers)
{
	return at <= PAGE_SIZE - INSN_MAX_LENGTH ? known_length(d->known, page + at, transfers) : 0;
}

/* judge_at() for who wants the verdict and the length: of what is known only in->length is set. */
static enum verdict glance_at(const struct direct *d, const uint8_t *page, unsigned at,
			      struct insn *in)
{
	enum verdict verdict;

	in->length = (uint8_t)known_at(d, page, at, true);
	if (in->length)
		return FIT;
	verdict = judge_at(d, page, at, in);
	if (at <= PAGE_SIZE - INSN_MAX_LENGTH && verdict == FIT)
		known_add(d->known, page + at, in,
			  insn_table[in->row].class == TRANSFER || ends_flow(d, in));
	return verdict;
}

/*
 * Control goes on in the next page from here: an instruction that the page's end
 * cuts off, or the end itself. New ones have to be looked at with that page.
 */
static void add_tail(const struct direct *d, struct code_record *r, unsigned at)
{
	uint16_t bit = (uint16_t)(1u << (at - TAIL_FIRST));

	if (r->tails & bit)
		return;
	r->tails |= bit;
	space_stub_code_written(d->cpu, r->host);
}

static void tell(const uint8_t *page, unsigned at, gpa_t gpa)
{
	LOG(LOG_BT, "code at %#llx is not for direct execution: %02x %02x %02x %02x",
	    (unsigned long long)(gpa + at), page[at], at + 1 < PAGE_SIZE ? page[at + 1] : 0,
	    at + 2 < PAGE_SIZE ? page[at + 2] : 0, at + 3 < PAGE_SIZE ? page[at + 3] : 0);
}

/* What is not to run natively. Returns whether the page may run all the same. */
static bool add_guard(const struct direct *d, struct code_record *r, unsigned at)
{
	if (page_guarded_at(r, at))
		return true;
	if (!d->guards || r->guard_count == GUARDS) {
		tell(r->host, at, r->gpa);
		return false;
	}
	r->guards[r->guard_count++] = (uint16_t)at;
	space_stub_code_written(d->cpu, r->host); /* it is in place before the page runs again */
	return true;
}

/*
 * Where to begin: the first bytes of a page may be the end of an instruction.
 * Decoding from the wrong byte falls into step soon, so where most ways meet
 * is right. Some go on beside it for a while: what they take for instructions would cost
 * guards that others need.
 */
#define INT3	   0xccu
#define SYNC_BYTES 256
#define SYNC_WAYS  INSN_MAX_LENGTH
#define SYNC_AGREE 12

static unsigned sweep_start(const struct direct *d, const uint8_t *page)
{
	uint32_t ways[SYNC_BYTES + INSN_MAX_LENGTH] = {0}; /* bit n: the one from byte n comes here */
	unsigned at, most = 0;
	struct insn in;

	for (at = 0; at < SYNC_WAYS; at++)
		ways[at] = 1u << at;
	for (at = 0; at < SYNC_BYTES; at++) {
		if (!ways[at])
			continue;
		if (at >= SYNC_WAYS && __builtin_popcount(ways[at]) >= SYNC_AGREE)
			return at;
		if (__builtin_popcount(ways[at]) > __builtin_popcount(ways[most]))
			most = at;
		glance_at(d, page, at, &in);
		ways[at + in.length] |= ways[at];
	}
	return most;
}

bool code_sweep(const struct direct *d, struct code_record *r)
{
	unsigned at = sweep_start(d, r->host);
	enum verdict verdict;
	struct insn in;

	for (; at < PAGE_SIZE; at += in.length) {
		if (r->host[at] == INT3) { /* pads functions: not worth decoding */
			in.length = 1;
			continue;
		}
		verdict = glance_at(d, r->host, at, &in);
		if ((verdict == GUARDED || verdict == ENVIRONMENT) && !add_guard(d, r, at))
			return false;
		if (!in.length)
			break;
	}
	add_tail(d, r, at);
	return true;
}

/* Targets within the page that flow() has still to look at. */
struct targets {
	uint16_t at[PAGE_SIZE / 2];
	unsigned count;
};

static void add_target(struct targets *t, unsigned at, const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];
	uint32_t target = at + in->length + in->imm;

	if (row->operands[0] == 'J' && target < PAGE_SIZE && t->count < PAGE_SIZE / 2)
		t->at[t->count++] = (uint16_t)target;
}

/* From one place until flow ends, as at a guard, or has been seen. */
static bool flow_from(const struct direct *d, struct code_record *r, unsigned at, struct targets *t)
{
	enum verdict verdict;
	struct insn in;

	for (; at < PAGE_SIZE; at += in.length) {
		if (r->seen[at / 64] >> at % 64 & 1)
			return true;
		r->seen[at / 64] |= 1ull << at % 64;
		in.length = (uint8_t)known_at(d, r->host, at, false);
		if (in.length)
			continue;
		verdict = judge_at(d, r->host, at, &in);
		if (verdict != FIT)
			return verdict != ENVIRONMENT && add_guard(d, r, at);
		if (!in.length)
			break;
		add_target(t, at, &in);
		if (ends_flow(d, &in))
			return true;
	}
	add_tail(d, r, at);
	return true;
}

bool code_flow(struct direct *d, struct code_record *r, unsigned entry)
{
	struct targets t = {.at = {(uint16_t)entry}, .count = 1};

	d->n.entry_points++;
	while (t.count)
		if (!flow_from(d, r, t.at[--t.count], &t))
			return false;
	return true;
}

int code_entry_behind(const struct direct *d, const uint8_t *a, unsigned at, const uint8_t *b)
{
	uint8_t bytes[2 * INSN_MAX_LENGTH];
	unsigned first = PAGE_SIZE - at;
	struct insn in = {.length = 0};

	memcpy(bytes, a + at, first);
	memcpy(bytes + first, b, INSN_MAX_LENGTH);
	if (first && judge(d, bytes, INSN_MAX_LENGTH, &in) != FIT)
		return -1;
	return in.length > first ? (int)(in.length - first) : 0;
}
