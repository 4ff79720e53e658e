/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the chip and the guest agree. All that a program can see is
 * compared but, of the x87 state, FOP, FIP, FDP, FCS and FDS: AMD's chips
 * store these only while an exception is pending, newer Intel chips no
 * longer keep FCS and FDS, and a 64-bit host's frame has no selectors.
 */
#include <string.h>

#include "guest_pages.h"
#include "judge.h"

/* Bytes of memory that are not compared. */
struct hole {
	uint32_t at, size;
};
#define HOLES 2

void decode_case(const struct decoder *d, const struct test_case *c, struct decoded *out)
{
	unsigned room = CODE_AT + PAGE_SIZE - c->code_at;
	uint8_t bytes[CODE_MAX];

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes, c->code, c->length < room ? c->length : room);
	if (room > INSN_MAX_LENGTH)
		room = INSN_MAX_LENGTH;
	out->ok = decode_insn(d, bytes, room, c->start.seg[CS] != LDT_SELECTOR(SEG_CODE_16),
			      &out->in) == DECODE_OK;
	out->row = out->ok ? &insn_table[out->in.row] : NULL;
}

/* Linear address of the memory operand. */
static uint32_t operand_address(const struct test_case *c, const struct insn *in)
{
	struct vcpu cpu;

	memcpy(cpu.regs, c->start.regs, sizeof(c->start.regs));
	cpu.regs[GPR_ZERO] = 0;
	return world_segment_base(c->start.seg[in->seg]) + insn_ea(&cpu, in);
}

/* Where FXSAVE, FNSTENV and FNSAVE store the last instruction, and MXCSR_MASK. */
static void find_holes(const struct test_case *c, const struct decoded *d, struct hole *holes)
{
	unsigned word;
	uint32_t at;

	memset(holes, 0, HOLES * sizeof(*holes));
	if (!d->ok || d->row->class != X87 || strcmp(d->row->operands, "M"))
		return;
	at = operand_address(c, &d->in);
	word = d->in.operand32 ? 4 : 2;
	if (d->row->map == M2) {
		holes[0] = (struct hole){at + 6, 18};
		holes[1] = (struct hole){at + 28, 4};
	} else {
		holes[0] = (struct hole){at + 3 * word, 4 * word};
	}
}

static bool in_hole(const struct hole *holes, uint32_t at)
{
	for (unsigned i = 0; i < HOLES; i++)
		if (at - holes[i].at < holes[i].size)
			return true;
	return false;
}

static unsigned skip_holes(const struct outcome *o, const struct hole *holes, unsigned i)
{
	while (i < o->changed && in_hole(holes, o->changes[i].at))
		i++;
	return i;
}

static bool memory_agrees(const struct outcome *a, const struct outcome *b,
			  const struct hole *holes)
{
	unsigned i = 0, j = 0;

	if (a->changed > CHANGES_MAX || b->changed > CHANGES_MAX)
		return a->changed == b->changed && a->digest == b->digest;
	for (;; i++, j++) {
		i = skip_holes(a, holes, i);
		j = skip_holes(b, holes, j);
		if (i == a->changed || j == b->changed)
			return i == a->changed && j == b->changed;
		if (a->changes[i].at != b->changes[j].at ||
		    a->changes[i].value != b->changes[j].value)
			return false;
	}
}

static const char *compare_fx(const struct fxsave_image *a, const struct fxsave_image *b)
{
	if (a->fcw != b->fcw)
		return "FCW";
	if (a->fsw != b->fsw)
		return "FSW";
	if (a->ftw != b->ftw)
		return "FTW";
	if (a->mxcsr != b->mxcsr)
		return "MXCSR";
	for (unsigned i = 0; i < 8; i++)
		if (memcmp(a->st[i], b->st[i], 10))
			return "ST";
	return memcmp(a->xmm, b->xmm, sizeof(a->xmm)) ? "XMM" : NULL;
}

/* The linear page of a supervisor page is present in the guest only. */
static bool same_error(const struct outcome *host, const struct outcome *guest)
{
	uint32_t ignored = 0;

	if (host->vector == VEC_PF && host->cr2 - SYSTEM_AT < SYSTEM_SIZE)
		ignored = PF_P;
	return !((host->error ^ guest->error) & ~ignored);
}

static bool is_fault(unsigned vector)
{
	return vector != VEC_DB && vector != VEC_BP && vector != VEC_OF;
}

/*
 * A null selector's RPL is lost on the host: its kernel's IRET to ring 3
 * clears the registers that hold one.
 */
static bool same_segments(const uint16_t *a, const uint16_t *b)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		if (a[i] != b[i] && (a[i] | b[i]) >= 4)
			return false;
	return true;
}

/* Whether the instruction was completed: an exception at the next one may have ended the case. */
static bool completed(const struct test_case *c, const struct decoded *d,
		      const struct outcome *host)
{
	return d->ok && (!is_fault(host->vector) || host->end.eip == c->start.eip + d->in.length);
}

/*
 * AMD's chips make the transition from x87 to MMX state before such an
 * instruction faults. That changes no value, and the SDM does not say.
 */
static bool mmx_state_open(const struct decoded *d, const char *what)
{
	return d->ok && !strncmp(d->row->operands, "Pq,", 3) &&
	       (d->row->class == SSE || !strcmp(d->row->name, "maskmovq")) &&
	       (!strcmp(what, "FSW") || !strcmp(what, "FTW") || !strcmp(what, "ST"));
}

/*
 * AMD's chip has moved some items when one of these faults; by SDM 3A 6.5 a
 * fault leaves the state as it was, which is what the guest has to show, unless it has run
 * on the chip. (ENTER moves them on chip and in the interpreter.)
 */
static bool half_done(const struct decoded *d)
{
	static const char *const names[] = {"popa", "pusha", "call far"};

	for (unsigned i = 0; d->ok && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(d->row->name, names[i]))
			return true;
	return false;
}

static bool guest_untouched(const struct test_case *c, const struct outcome *guest)
{
	return !guest->changed && !memcmp(guest->end.regs, c->start.regs, sizeof(c->start.regs));
}

/*
 * Single step between the elements of a REP: pushes RF by SDM 3B 17.3.1.1, but
 * not on AMD's chips.
 */
static bool within_repeat(const struct test_case *c, const struct decoded *d,
			  const struct outcome *host)
{
	return d->ok && d->row->class == STRING && d->in.rep != REP_NONE &&
	       host->vector == VEC_DB && host->end.eip == c->start.eip;
}

const char *compare(const struct test_case *c, const struct decoded *d, const struct outcome *host,
		    const struct outcome *guest)
{
	const struct state *a = &host->end, *b = &guest->end;
	bool done = completed(c, d, host);
	uint32_t flags = done ? undefined_flags(c, d) : 0;
	struct hole holes[HOLES];
	const char *fx;

	if (host->vector != guest->vector)
		return "vector";
	if (!same_error(host, guest))
		return "error code";
	if (host->cr2 != guest->cr2)
		return "CR2";
	if (a->eip != b->eip)
		return "EIP";
	if (!same_segments(a->seg, b->seg))
		return "segment registers";
	if (within_repeat(c, d, host))
		flags |= FL_RF;
	if ((a->eflags ^ b->eflags) & ~flags)
		return "EFLAGS";
	fx = compare_fx(&a->fx, &b->fx);
	if (fx && (done || !mmx_state_open(d, fx)))
		return fx;
	if (done && undefined_result(c, d))
		return NULL;
	if (!done && half_done(d))
		return a->regs[ESP] == b->regs[ESP] && guest_untouched(c, guest) ? NULL
										 : "half done";
	if (memcmp(a->regs, b->regs, sizeof(a->regs)))
		return "general registers";
	find_holes(c, d, holes);
	return memory_agrees(host, guest, holes) ? NULL : "memory";
}

/* To the last x87 instruction and its operand. */
static bool same_pointers(const struct fxsave_image *a, const struct fxsave_image *b)
{
	return a->fop == b->fop && a->fip == b->fip && a->fcs == b->fcs && a->fdp == b->fdp &&
	       a->fds == b->fds;
}

/*
 * Which bits may differ. Of an instruction with two operands in memory the chip may have
 * touched the other one first when it faults, whose accessed bit is set then: so may a processor
 * that translates ahead of what it executes (SDM 3A 4.10.2.3). MASKMOVDQU's bytes in the second
 * page come before those in the first, and are to be written.
 */
static uint8_t open_page_bits(const struct decoded *d, const struct outcome *guest)
{
	bool faulted = guest->vector == VEC_PF || guest->vector == VEC_GP; /* null selectors */

	if (!guest->native || !faulted || !d->ok)
		return 0;
	if (!strncmp(d->row->name, "maskmov", 7))
		return PTE_A | PTE_D;
	return d->row->class == STRING ? PTE_A : 0;
}

static bool same_page_bits(const struct decoded *d, const struct outcome *reference,
			   const struct outcome *guest)
{
	uint8_t open = open_page_bits(d, guest);

	for (unsigned i = 0; i < WORLD_PAGES; i++) {
		uint8_t differ = reference->page_bits[i] ^ guest->page_bits[i];

		if (differ & ~(guest->page_bits[i] & open))
			return false;
	}
	return true;
}

const char *compare_exactly(const struct test_case *c, const struct decoded *d,
			    const struct outcome *reference, const struct outcome *guest)
{
	const struct state *a = &reference->end, *b = &guest->end;
	bool done = completed(c, d, reference);
	uint32_t flags = done ? undefined_flags(c, d) : 0;
	const char *fx;

	if (reference->vector != guest->vector)
		return "vector";
	if (reference->error != guest->error)
		return "error code";
	if (reference->cr2 != guest->cr2)
		return "CR2";
	if (a->eip != b->eip)
		return "EIP";
	if (memcmp(a->seg, b->seg, sizeof(a->seg)))
		return "segment registers";
	if ((a->eflags ^ b->eflags) & ~flags)
		return "EFLAGS";
	fx = compare_fx(&a->fx, &b->fx);
	if (fx && !(guest->native && !done && mmx_state_open(d, fx)))
		return fx;
	/* In a stub they are the host's own. */
	if (!guest->native && !same_pointers(&a->fx, &b->fx))
		return "x87 pointers";
	if (guest->native && !done && (half_done(d) || (d->ok && !strcmp(d->row->name, "enter"))))
		return a->regs[ESP] == b->regs[ESP] ? NULL : "half done";
	if (memcmp(a->regs, b->regs, sizeof(a->regs)))
		return "general registers";
	if (reference->changed != guest->changed || reference->digest != guest->digest)
		return "memory";
	return same_page_bits(d, reference, guest) ? NULL : "accessed and dirty bits";
}
