/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stubs as a list, for whoever shows or checks code: names, extents, who may go there. */
#include "bt/inspect.h"

static const char *const segment_names[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};

/*
 * ORDER: enter, leave, slow, fpu, exit, missed, no_return, lookup, pushf, popf, reload,
 * sysenter, sysexit, iret, load_fs, soft[][][], check[][][].
 */
#define GATES 18u
#define SOFT_STUBS (2u * 2u * SOFT_SIZES)
#define CHECK_STUBS (SEG_COUNT * 2u * SOFT_SIZES)

static void gate(const struct bt *bt, unsigned n, struct stub *s)
{
	const struct stubs *all = &bt->stubs;
	const uint32_t begin[GATES] = {all->enter,    all->leave,	   all->slow,	  all->fpu,
				       all->exit,     all->missed,	   all->no_return, all->lookup,
				       all->pushf,    all->popf[0],	   all->popf[1],
				       all->reload[ES], all->reload[DS], all->sysenter,
				       all->sysexit,  all->iret,	  all->load_fs[0],
				       all->load_fs[1]};

	*s = (struct stub){.kind = STUB_ENTER + n, .begin = begin[n]};
}

static void soft(const struct bt *bt, unsigned n, struct stub *s)
{
	unsigned size = n % SOFT_SIZES, write = n / SOFT_SIZES % 2, view = n / SOFT_SIZES / 2;

	*s = (struct stub){.kind = STUB_SOFT,
			   .begin = bt->stubs.soft[view][write][size],
			   .view = view,
			   .write = write,
			   .bytes = soft_bytes((enum soft_size)size)};
}

static void check(const struct bt *bt, unsigned n, struct stub *s)
{
	unsigned size = n % SOFT_SIZES, write = n / SOFT_SIZES % 2, seg = n / SOFT_SIZES / 2;

	*s = (struct stub){.kind = STUB_CHECK,
			   .begin = bt->stubs.check[seg][write][size],
			   .seg = seg,
			   .write = write,
			   .bytes = soft_bytes((enum soft_size)size)};
}

void stub_name(const struct stub *s, char out[STUB_NAME_SIZE])
{
	static const char *const gates[GATES] = {
	    "enter",  "leave", "slow",	 "fpu",	   "exit",	"missed",    "no_return",
	    "lookup", "pushf", "popf16", "popf32", "reload_es", "reload_ds",
	    "sysenter", "sysexit", "iret", "load_fs", "pop_fs"};
	const char *access = s->write ? "write" : "read";

	if (s->kind == STUB_SOFT)
		snprintf(out, STUB_NAME_SIZE, "soft_%s_%s%u", s->view ? "user" : "kernel", access,
			 s->bytes);
	else if (s->kind == STUB_CHECK)
		snprintf(out, STUB_NAME_SIZE, "check_%s_%s%u", segment_names[s->seg], access,
			 s->bytes);
	else
		snprintf(out, STUB_NAME_SIZE, "%s", gates[s->kind - STUB_ENTER]);
}

bool stub_nth(const struct bt *bt, unsigned n, struct stub *s)
{
	if (n < GATES)
		gate(bt, n, s);
	else if (n < GATES + SOFT_STUBS)
		soft(bt, n - GATES, s);
	else if (n < GATES + SOFT_STUBS + CHECK_STUBS)
		check(bt, n - GATES - SOFT_STUBS, s);
	else
		return false;
	return true;
}

/* Where the next stub begins, without the padding before it. */
uint32_t stub_end(const struct bt *bt, uint32_t begin)
{
	uint32_t end = bt->stubs.end;
	struct stub s;

	for (unsigned n = 0; stub_nth(bt, n, &s); n++)
		if (s.begin > begin && s.begin < end)
			end = s.begin;
	while (end > begin && *cache_rw(bt, end - 1) == 0xcc)
		end--;
	return end;
}

bool stub_find(const struct bt *bt, uint32_t offset, struct stub *s)
{
	for (unsigned n = 0; offset < bt->stubs.end && stub_nth(bt, n, s); n++)
		if (s->begin == offset)
			return true;
	return false;
}
