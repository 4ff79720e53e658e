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
 *
 * Pages looked at are watched (PHYS_WATCH_DIRECT), and begin anew when written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "base/log.h"
#include "cpu/block.h"
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
	static const char *const same[] = {"pushf", "popf", "arpl", "rdtsc", NULL};

	return is_one_of(row->name, same) || (d->cpuid_faults && !strcmp(row->name, "cpuid"));
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
static bool ends_flow(const struct insn *in)
{
	static const char *const ends[] = {"jmp", "ret", "ud2", "hlt", NULL};

	return is_one_of(insn_table[in->row].name, ends);
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

/* The same of what has been seen before, mostly: then only in->length is set. */
static enum verdict glance_at(const struct direct *d, const uint8_t *page, unsigned at,
			      struct insn *in, bool transfers)
{
	bool whole = at <= PAGE_SIZE - INSN_MAX_LENGTH;
	unsigned length = whole ? known_length(d->known, page + at, transfers) : 0;
	enum verdict verdict;

	in->length = (uint8_t)length;
	if (length)
		return FIT;
	verdict = judge_at(d, page, at, in);
	if (whole && verdict == FIT)
		known_add(d->known, page + at, in,
			  insn_table[in->row].class == TRANSFER || ends_flow(in));
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
 * is right.
 */
#define INT3	   0xccu
#define SYNC_BYTES 64
#define SYNC_WAYS  INSN_MAX_LENGTH
#define SYNC_AGREE 12

static unsigned sweep_start(const struct direct *d, const uint8_t *page)
{
	uint8_t votes[SYNC_BYTES] = {0};
	struct insn in;
	unsigned at;

	for (unsigned way = 0; way < SYNC_WAYS; way++)
		for (at = way; at < SYNC_BYTES; at += in.length) {
			glance_at(d, page, at, &in, true);
			votes[at]++;
		}
	for (at = SYNC_WAYS; at < SYNC_BYTES && votes[at] < SYNC_AGREE; at++)
		;
	return at;
}

static bool sweep(const struct direct *d, struct code_record *r)
{
	unsigned at = sweep_start(d, r->host);
	enum verdict verdict;
	struct insn in;

	for (; at < PAGE_SIZE; at += in.length) {
		if (r->host[at] == INT3) { /* pads functions: not worth decoding */
			in.length = 1;
			continue;
		}
		verdict = glance_at(d, r->host, at, &in, true);
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
		if (at <= PAGE_SIZE - INSN_MAX_LENGTH) {
			in.length = (uint8_t)known_length(d->known, r->host + at, false);
			if (in.length)
				continue;
		}
		verdict = judge_at(d, r->host, at, &in);
		if (verdict != FIT)
			return verdict != ENVIRONMENT && add_guard(d, r, at);
		if (!in.length)
			break;
		add_target(t, at, &in);
		if (ends_flow(&in))
			return true;
	}
	add_tail(d, r, at);
	return true;
}

static bool flow(struct direct *d, struct code_record *r, unsigned entry)
{
	struct targets t = {.at = {(uint16_t)entry}, .count = 1};

	d->n.entry_points++;
	while (t.count)
		if (!flow_from(d, r, t.at[--t.count], &t))
			return false;
	return true;
}

/* ---- records ---- */

static struct code_record **record_slot(struct direct *d, const uint8_t *page)
{
	uint64_t n = (uintptr_t)page >> PAGE_SHIFT;
	struct code_record **p = &d->records[(n ^ n >> 12) & (RECORD_HASH - 1)];

	while (*p && (*p)->host != page)
		p = &(*p)->next;
	return p;
}

static bool is_watched(struct vcpu *cpu, gpa_t gpa)
{
	struct phys_page p = physmem_lookup(cpu->mem, gpa);

	return p.watch && *p.watch & PHYS_WATCH_DIRECT;
}

static void forget(struct direct *d, struct code_record *r)
{
	struct code_record **p = record_slot(d, r->host);

	*p = r->next;
	d->record_count--;
	space_stub_code_written(d->cpu, r->host);
	physmem_watch(d->cpu->mem, r->gpa, 0, PHYS_WATCH_DIRECT);
	free(r);
}

static void forget_all(struct direct *d)
{
	for (unsigned i = 0; i < RECORD_HASH; i++)
		while (d->records[i])
			forget(d, d->records[i]);
}

void records_destroy(struct direct *d)
{
	for (unsigned i = 0; i < RECORD_HASH; i++)
		while (d->records[i]) {
			struct code_record *r = d->records[i];

			d->records[i] = r->next;
			free(r);
		}
}

/* Looks at the page as it is now. */
static void record_fill(struct direct *d, struct code_record *r)
{
	r->fresh = true;
	r->tails = 0;
	r->guard_count = 0;
	memset(r->seen, 0, sizeof(r->seen));
	physmem_watch(d->cpu->mem, r->gpa, PHYS_WATCH_DIRECT, 0);
	d->n.pages_verified++;
	policy_verified(d);
	r->unfit = r->writes >= WRITES_MAX || !sweep(d, r);
	d->n.pages_unfit += r->unfit;
}

static struct code_record *record_get(struct direct *d, const uint8_t *page, gpa_t gpa)
{
	struct code_record **slot = record_slot(d, page), *r = *slot;

	if (!r) {
		if (d->record_count >= RECORDS_MAX) {
			forget_all(d);
			slot = record_slot(d, page);
		}
		r = calloc(1, sizeof(*r));
		if (!r)
			return NULL;
		r->host = page;
		d->record_count++;
		*slot = r;
	}
	r->gpa = gpa;
	if (!r->fresh)
		record_fill(d, r);
	return r;
}

/* Whether code may run from there on. */
static bool record_entered(struct direct *d, struct code_record *r, unsigned entry)
{
	if (r->unfit)
		return false;
	if (r->seen[entry / 64] >> entry % 64 & 1 || flow(d, r, entry))
		return true;
	page_give_up(d, r);
	return false;
}

bool page_guarded_at(const struct code_record *r, uint32_t eip)
{
	for (unsigned i = 0; i < r->guard_count; i++)
		if (r->guards[i] == (eip & (PAGE_SIZE - 1)))
			return true;
	return false;
}

void page_give_up(struct direct *d, struct code_record *r)
{
	r->unfit = true;
	d->n.pages_unfit++;
	space_stub_code_written(d->cpu, r->host);
}

struct code_record *page_fit(struct direct *d, uint32_t eip)
{
	struct vcpu *cpu = d->cpu;
	gpa_t gpa;
	const uint8_t *code = block_fetch(cpu, eip, &gpa);
	struct code_record *r;
	struct phys_page p;

	if (!code)
		return NULL;
	p = physmem_lookup(cpu->mem, gpa);
	if (p.kind != PHYS_RAM || !p.watch || physmem_frame(cpu->mem, p.host) == PHYS_NO_FRAME)
		return NULL;
	r = record_get(d, p.host, gpa & ~(gpa_t)(PAGE_SIZE - 1));
	return r && record_entered(d, r, eip & (PAGE_SIZE - 1)) ? r : NULL;
}

/* ---- pages in their places ---- */

/* Control goes on from `at` near the end of a to b. */
static bool tail_fits(struct direct *d, const struct code_record *a, unsigned at,
		      struct code_record *b)
{
	uint8_t bytes[2 * INSN_MAX_LENGTH];
	unsigned first = PAGE_SIZE - at;
	struct insn in = {.length = 0};

	memcpy(bytes, a->host + at, first);
	memcpy(bytes + first, b->host, INSN_MAX_LENGTH);
	if (first && judge(d, bytes, INSN_MAX_LENGTH, &in) != FIT)
		return false;
	return record_entered(d, b, in.length > first ? in.length - first : 0);
}

/* Whether both may run, one after the other in the same space. */
static bool pair_fits(struct direct *d, const struct code_record *a, struct code_record *b)
{
	for (unsigned left = a && b ? a->tails : 0; left; left &= left - 1)
		if (!tail_fits(d, a, TAIL_FIRST + (unsigned)__builtin_ctz(left), b))
			return false;
	return true;
}

/* What runs at that page of the window; NULL: nothing. */
static struct code_record *neighbour(struct direct *d, const struct mem_window *w, uint32_t page)
{
	uint32_t frame;
	bool writable;

	if (page >= WINDOW_PAGES || !mem_window_executable(w, page))
		return NULL;
	mem_window_lookup(w, page, &frame, &writable);
	return *record_slot(d, physmem_frame_host(d->cpu->mem, frame));
}

/* Last: what the page's neighbours lead to may have added guards. */
static bool is_guarded(const struct direct *d, const struct mem_window *w, uint32_t page,
		       const struct code_record *r)
{
	if (!r->guard_count)
		return true;
	for (const struct stub *s = d->stubs; s < d->stubs + STUBS; s++)
		if (s->window == w)
			return guards_cover(&s->guards, page, r);
	return false;
}

bool page_executable(struct vcpu *cpu, const struct mem_window *w, uint32_t page,
		     const uint8_t *host)
{
	struct direct *d = cpu->direct;
	struct code_record *r = *record_slot(d, host);

	return r && r->fresh && !r->unfit && is_watched(cpu, r->gpa) &&
	       pair_fits(d, neighbour(d, w, page - 1), r) &&
	       pair_fits(d, r, neighbour(d, w, page + 1)) && !r->unfit && is_guarded(d, w, page, r);
}

/* ---- writes ---- */

/* What is written again and again is data or made as it runs: the translator's. */
static void count_write(struct code_record *r)
{
	uint32_t now = (uint32_t)(host_time_ns() / 1000000000u);

	if (now - r->written > 1)
		r->writes = 0;
	r->written = now;
	if (r->writes < WRITES_MAX)
		r->writes++;
}

void direct_code_written(struct direct *d, gpa_t gpa)
{
	struct phys_page p = physmem_lookup_write(d->cpu->mem, gpa);
	struct code_record *r = *record_slot(d, p.host);

	physmem_watch(d->cpu->mem, gpa, 0, PHYS_WATCH_DIRECT);
	if (!r || !r->fresh)
		return;
	d->n.pages_written++;
	count_write(r);
	r->fresh = false;
	space_stub_code_written(d->cpu, r->host);
}
