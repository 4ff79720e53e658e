// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads and writes of test pages from both rings, with each size, misaligned
 * and across pages; runs of string instructions; and accesses to pages that
 * the TLB may have as they were.
 */
#include "stress.h"

#define OPS(X)                                                                                     \
	X(read4) X(read1) X(write4) X(write2) X(write1) X(add4) X(and4) X(or4) X(xchg4)            \
	X(cmpxchg4) X(cmpxchg8) X(copy8) X(push4) X(stosd) X(stosb) X(stosd_down) X(movsd)         \
	X(movsb) X(movsb_down)
#define X(name) extern const char op_##name[];
OPS(X) X(call) X(spin)
#undef X
enum op {
#define X(name) OP_##name,
	OPS(X)
#undef X
	OP_COUNT
};
static const char *const op_code[OP_COUNT] = {
#define X(name) op_##name,
	OPS(X)
#undef X
};
#define OP_EIP(code) (SHARED_CODE + (uint32_t)((code) - shared_start))
#define USER_STACK_TOP (SHARED_STACK + PAGE)

/* ---- predictions ---- */
/* Read, then write with what `result` makes of it. */
static enum outcome predict_rmw(enum op op, struct registers *r, bool user, struct expectation *e)
{
	unsigned size = op == OP_cmpxchg8 ? 8 : 4;
	struct registers in = *r;
	uint64_t was, is;
	uint32_t phys[2];
	enum outcome o;

	/* That it writes counts for the fault; but the read of an unlocked one may be it. */
	e->any_w = op == OP_add4 || op == OP_and4 || options.qemu;
	o = predict_access(in.edi, size, WRITE, user, phys, e);
	if (o != DONE)
		return o;
	o = predict_read(in.edi, size, user, &was, e);
	if (o != DONE)
		return o;
	is = was;
	switch (op) {
	case OP_add4: is = (uint32_t)was + in.eax; break;
	case OP_and4: is = was & in.eax; break;
	case OP_or4: is = was | in.eax; break;
	case OP_xchg4:
		is = in.eax;
		r->eax = (uint32_t)was;
		break;
	case OP_cmpxchg4:
		if ((uint32_t)was == in.eax)
			is = in.ecx;
		r->eax = (uint32_t)was;
		break;
	default:
		if (was == (in.eax | (uint64_t)in.edx << 32))
			is = in.ebx | (uint64_t)in.ecx << 32;
		r->eax = (uint32_t)was;
		r->edx = (uint32_t)(was >> 32);
		break;
	}
	return predict_write(in.edi, size, user, is, e);
}

static enum outcome predict_string(enum op op, struct registers *r, bool user,
				   struct expectation *e)
{
	unsigned size = op == OP_stosd || op == OP_stosd_down || op == OP_movsd ? 4 : 1;
	uint32_t by = op == OP_stosd_down || op == OP_movsb_down ? 0 - size : size;
	bool moves = op >= OP_movsd;

	while (r->ecx) {
		uint64_t v = r->eax;
		enum outcome o = moves ? predict_read(r->esi, size, user, &v, e) : DONE;

		if (o == DONE)
			o = predict_write(r->edi, size, user, v, e);
		if (o != DONE)
			return o;
		r->edi += by;
		if (moves)
			r->esi += by;
		r->ecx--;
	}
	return DONE;
}

static enum outcome predict_push(struct registers *r, bool user, struct expectation *e)
{
	uint32_t at = r->edi - 4;
	enum outcome o = predict_write(at, 4, user, r->eax, e);

	r->edi = o == DONE ? at : USER_STACK_TOP; /* ESP and EDI are exchanged then */
	return o;
}

static enum outcome predict_copy(struct registers *r, bool user, struct expectation *e)
{
	uint64_t v;
	enum outcome o = predict_read(r->esi, 8, user, &v, e);

	return o == DONE ? predict_write(r->edi, 8, user, v, e) : o;
}

static enum outcome predict(enum op op, struct registers *r, bool user, struct expectation *e)
{
	uint64_t v;
	enum outcome o;

	switch (op) {
	case OP_read4:
	case OP_read1:
		o = predict_read(r->edi, op == OP_read4 ? 4 : 1, user, &v, e);
		if (o == DONE)
			r->eax = (uint32_t)v;
		return o;
	case OP_write4: return predict_write(r->edi, 4, user, r->eax, e);
	case OP_write2: return predict_write(r->edi, 2, user, r->eax, e);
	case OP_write1: return predict_write(r->edi, 1, user, r->eax, e);
	case OP_copy8: return predict_copy(r, user, e);
	case OP_push4: return predict_push(r, user, e);
	case OP_add4:
	case OP_and4:
	case OP_or4:
	case OP_xchg4:
	case OP_cmpxchg4:
	case OP_cmpxchg8: return predict_rmw(op, r, user, e);
	default: return predict_string(op, r, user, e);
	}
}

/* ---- random ones ---- */
static uint32_t random_address(unsigned page)
{
	uint32_t lin = model.lin[page];

	switch (below(4)) {
	case 0: return lin + PAGE - 8 + below(8); /* across */
	case 1: return lin + 0x600 + below(0x600);
	case 2: return lin + below(PAGE);
	default: return lin + below(PAGE / 8) * 8;
	}
}

static uint32_t random_count(void)
{
	switch (below(8)) {
	case 0: return below(1500);
	case 1: return 0;
	default: return below(40);
	}
}

/* A compare-and-exchange should find what it expects now and then. */
static void aim(enum op op, struct registers *r)
{
	struct walk w;

	if ((op != OP_cmpxchg4 && op != OP_cmpxchg8) || chance(40))
		return;
	if (page_id(r->edi) < 0)
		return;
	walk_current(r->edi, &w);
	if (w.fault >= 0 || w.nowhere || frame_of(w.gpa) == NO_FRAME || w.gpa % PAGE > PAGE - 8)
		return;
	r->eax = *(const uint32_t *)shadow_at((uint32_t)w.gpa);
	r->edx = *(const uint32_t *)(shadow_at((uint32_t)w.gpa) + 4);
}

/* At one page or from one to another. */
static void access_pages(unsigned to, unsigned from)
{
	struct registers in = {.edi = random_address(to), .esi = random_address(from),
			       .ebx = rnd(), .edx = rnd(), .eax = rnd()};
	enum op op = (enum op)below(OP_COUNT);
	bool user = chance(60) || op == OP_push4, faults = chance(50);

	in.ecx = op >= OP_stosd ? random_count() : rnd();
	aim(op, &in);
	for (unsigned tries = 0; tries < PREDICT_TRIES; tries++) {
		struct expectation e = {.out = in};
		enum outcome o;

		predict_begin();
		o = predict(op, &e.out, user, &e);
		if (o == DONE || (o == FAULT && faults)) {
			run_expecting(&in, OP_EIP(op_code[op]), user, &e);
			return;
		}
		predict_undo();
		if (o != FLUSH)
			break;
		flush_wanted();
	}
	counts.skipped++;
}

void access_random(void)
{
	access_pages(pick_page(), pick_page());
}

void access_in_region(unsigned region)
{
	unsigned size = region == GLOBAL_REGION ? PAGES - 14 * GLOBAL_REGION : 14;

	access_pages(14 * region + below(size), 14 * region + below(size));
}

bool write_through(uint32_t lin, bool user, uint32_t value)
{
	static const enum op ways[] = {OP_write4, OP_xchg4, OP_cmpxchg4, OP_and4, OP_or4};
	enum op op = ways[below(5)];
	struct registers in = {.edi = lin, .eax = value};
	struct expectation e = {0};
	uint32_t phys[2], was;

	predict_begin();
	if (predict_access(lin, 4, WRITE, user, phys, &e) != DONE) {
		predict_undo();
		return false;
	}
	was = *(const uint32_t *)shadow_at(phys[0]);
	if ((op == OP_and4 && (was & value) != value) || (op == OP_or4 && (was | value) != value))
		op = OP_write4;
	e.out = in;
	if (op == OP_cmpxchg4) {
		in.ecx = value;
		in.eax = was;
		e.out = in;
	} else if (op == OP_xchg4) {
		e.out.eax = was;
	}
	shadow_write(phys[0], value, 4);
	run_expecting(&in, OP_EIP(op_code[op]), user, &e);
	return true;
}

/* Bytes to a test page from where both rings have a buffer. */
bool copy_to(uint32_t lin, const void *from, unsigned bytes, bool user)
{
	enum op op = bytes % 4 || chance(50) ? OP_movsb : OP_movsd;
	const uint8_t *b = from;

	memcpy((void *)SHARED_DATA, from, bytes);
	for (unsigned tries = 0; tries < PREDICT_TRIES; tries++) {
		struct registers in = {.edi = lin, .esi = SHARED_DATA,
				       .ecx = op == OP_movsd ? bytes / 4 : bytes};
		struct expectation e = {.out = in};
		unsigned size = op == OP_movsd ? 4 : 1;
		enum outcome o = DONE;

		predict_begin();
		for (unsigned i = 0; i < bytes && o == DONE; i += size) {
			uint32_t v = 0;

			memcpy(&v, b + i, size);
			o = predict_write(lin + i, size, user, v, &e);
			if (o != DONE)
				break;
			e.out.edi += size;
			e.out.esi += size;
			e.out.ecx--;
		}
		if (o == DONE || o == FAULT) {
			run_expecting(&in, OP_EIP(op_code[op]), user, &e);
			return o == DONE;
		}
		predict_undo();
		if (o == SKIP)
			break;
		flush_wanted();
	}
	counts.skipped++;
	return false;
}

/* A loop in ring 3 that runs long. Returns false if the addresses are no good. */
static bool spin(void)
{
	uint32_t n = options.spin;
	struct registers in = {.edi = random_address(pick_page()) & ~3u,
			       .esi = random_address(pick_page()) & ~3u,
			       .ecx = n, .eax = 1};
	struct expectation e = {.out = in};
	uint64_t v, sum;

	predict_begin();
	/* What is read must not be what is added to, by another address either. */
	if (in.edi % PAGE == in.esi % PAGE || predict_read(in.esi, 4, true, &sum, &e) != DONE ||
	    predict_write(in.esi, 4, true, sum + n * (n + 1) / 2, &e) != DONE ||
	    predict_read(in.edi, 4, true, &v, &e) != DONE) {
		predict_undo();
		return false;
	}
	e.out.eax = (uint32_t)v;
	e.out.ecx = 0;
	counts.spins++;
	run_expecting(&in, OP_EIP(op_spin), true, &e);
	return true;
}

void access_spin(void)
{
	for (unsigned tries = 0; tries < 20 && !spin(); tries++)
		;
}

/* ---- accesses that may find old entries ---- */
#define WAYS (2 * CANDIDATES + 1)
struct way {
	struct xlate x;
	bool nowhere;
	int error;
	uint32_t phys;
};

static void add_way(struct way *ways, unsigned *n, struct xlate x, uint32_t lin, bool write, bool user)
{
	struct way *way = &ways[(*n)++];
	struct walk w;

	way->x = x;
	xlate_walk(&model.spaces[model.current], lin, &x, &w);
	way->nowhere = w.nowhere;
	way->error = walk_check(&w, write ? WRITE : READ, user);
	way->phys = frame_of(w.gpa) == NO_FRAME ? 0 : a20_mask((uint32_t)w.gpa);
}

/* By the entries as they are, as they were, and with an old directory entry only. */
static unsigned find_ways(struct way *ways, unsigned id, uint32_t lin, bool write, bool user)
{
	const struct space *s = &model.spaces[model.current];
	unsigned n = 0;
	struct xlate x;

	xlate_read(s, lin, &x);
	add_way(ways, &n, x, lin, write, user);
	for (unsigned i = 0; i < stale[id].count; i++) {
		struct walk w;

		x = stale[id].was[i];
		add_way(ways, &n, x, lin, write, user);
		xlate_walk(s, lin, &x, &w);
		if (!w.pte)
			continue;
		x.pte = entry_read(w.pte, s->mode);
		add_way(ways, &n, x, lin, write, user);
	}
	return n;
}

static bool can_gamble(const struct way *ways, unsigned n, bool write)
{
	for (unsigned i = 0; i < n; i++)
		if (ways[i].nowhere)
			return false;
		else if (ways[i].error < 0 &&
			 (!ways[i].phys || (write && model.kind[frame_of(ways[i].phys)] != FRAME_DATA)))
			return false;
	return true;
}

/* The way that was taken; a write is taken back. */
static int find_taken(const struct way *ways, unsigned n, uint32_t lin, bool write, uint32_t value)
{
	int taken = -1;

	for (unsigned i = 0; i < n; i++) {
		volatile uint32_t *at = (uint32_t *)(uintptr_t)ways[i].phys;
		bool faulted = got.vector == VEC_PF;

		if (faulted) {
			if (ways[i].error == (int)got.error && got.cr2 == lin && taken < 0)
				taken = (int)i;
		} else if (ways[i].error >= 0) {
			continue;
		} else if (!write) {
			if (got.eax == *at && taken < 0)
				taken = (int)i;
		} else if (*at == value && *(const uint32_t *)shadow_at(ways[i].phys) != value) {
			*at = *(const uint32_t *)shadow_at(ways[i].phys);
			taken = (int)i;
		}
	}
	return taken;
}

void gamble_random(void)
{
	unsigned start = pick_page(), id = start, n;
	bool write = chance(50), user = chance(50);
	struct registers in = {.eax = rnd()};
	struct way ways[WAYS];
	int taken;

	if (!options.gamble)
		return;
	while (stale[id].how != CHANGED) {
		id = (id + 1) % PAGES;
		if (id == start)
			return;
	}
	in.edi = model.lin[id] + 0x600 + below(0x180) * 4;
	n = find_ways(ways, id, in.edi, write, user);
	if (can_gamble(ways, n, write)) {
		run_open(&in, OP_EIP(write ? op_write4 : op_read4), user);
		taken = find_taken(ways, n, in.edi, write, in.eax);
		if (taken < 0)
			fail("an access to %x that may find old entries ends as none of them: "
			     "vector %u, error %x, eax %x", in.edi, got.vector, got.error, got.eax);
		if (options.verbose)
			print("  gamble %x write %u user %u: vector %u, way %u of %u\n", in.edi,
			      (uint32_t)write, (uint32_t)user, got.vector, (uint32_t)taken, n);
		counts.gambles++;
		counts.gambles_stale += taken > 0;
		for (unsigned i = 0; i < n; i++) {
			if (options.verbose)
				print("    pde %x %x pte %x %x\n", (uint32_t)(ways[i].x.pde >> 32),
				      (uint32_t)ways[i].x.pde, (uint32_t)(ways[i].x.pte >> 32),
				      (uint32_t)ways[i].x.pte);
			normalise(in.edi, &ways[i].x, write, user);
			if (ways[i].phys)
				model.touched[frame_of(ways[i].phys)] = true;
		}
	}
	page_flush(id);
	compare_frames(false);
}
