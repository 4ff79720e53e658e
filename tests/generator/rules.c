/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the host is not the judge: instructions whose result ring 3 of a
 * 64-bit system cannot show, and encodings that the host's chip executes by
 * extensions that no model here has.
 */
#include <string.h>

#include "judge.h"

#define UMIP "the host's kernel answers in its place (UMIP)"

static const struct {
	const char *name, *test, *why;
} by_hand[] = {
    {"sgdt", "unit.regressions", UMIP},
    {"sidt", "unit.regressions", UMIP},
    {"sldt", "unit.regressions", UMIP},
    {"str", "unit.regressions", UMIP},
    {"smsw", "unit.regressions", UMIP},
    {"cpuid", "unit.system", "shows the host's model"},
    {"rdtsc", "unit.system", "shows the host's time"},
    {"int1", "unit.regressions", "where the host is a guest, it reports INT1's own address"},
    {"sysenter", "unit.transfer", "calls the host's kernel, or is #UD in its long mode"},
    {"sysexit", "unit.transfer", "AMD: #UD in the host's long mode"},
};

const char *hand_written(const struct insn_row *row, const char **why)
{
	for (unsigned i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
		if (!strcmp(row->name, by_hand[i].name)) {
			*why = by_hand[i].why;
			return by_hand[i].test;
		}
	return NULL;
}

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

const char *ring0_test(const struct insn_row *row)
{
	static const char *const here[] = {"insb", "ins",    "outsb", "outs", "in",
					   "out",  "clts",   "invd",  "lgdt", "wbinvd",
					   "lidt", "invlpg", NULL};

	if (one_of(row->name, here))
		return "unit.regressions";
	return row->class == PRIVILEGED || !strcmp(row->name, "rdpmc") ? "unit.system" : NULL;
}

static bool is_prefetch(const struct insn_row *row)
{
	return row->map == M2 && row->opcode == 0x0d;
}

const char *form_hand_written(const struct insn_row *row, bool memory, const char **why)
{
	if (is_prefetch(row) && !memory) {
		*why = "AMD: #UD";
		return "unit.regressions";
	}
	return hand_written(row, why);
}

#define MXCSR_MM (1u << 17)

/* The opcode without legacy prefixes; *rep: the last F2 or F3. */
static const uint8_t *opcode_of(const struct test_case *c, uint8_t *rep, bool *operand)
{
	const uint8_t *p = c->code;

	*rep = 0;
	*operand = false;
	for (; p < c->code + INSN_MAX_LENGTH; p++) {
		if (!memchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", *p, 11))
			return p;
		if (*p >= 0xf2)
			*rep = *p;
		*operand |= *p == 0x66;
	}
	return c->code;
}

/*
 * A taken branch that is the last instruction within the CS limit: seen on Zen
 * 5 to raise #GP now and then, never in a process of its own, so by what was
 * predicted and not by what is executed. The SDM checks the target alone.
 */
static bool branch_at_limit(const struct test_case *c, const struct decoded *d,
			    const struct outcome *host)
{
	return d->ok && d->row->class == TRANSFER && host->vector == VEC_GP && !host->error &&
	       c->code_at + d->in.length == CODE_AT + PAGE_SIZE;
}

const char *host_differs(const struct test_case *c, const struct decoded *d,
			 const struct outcome *host)
{
	bool operand;
	uint8_t rep;
	const uint8_t *p = opcode_of(c, &rep, &operand);

	if (host->end.seg[CS] == SELECTOR_CODE64)
		return "64-bit code segment";
	if (branch_at_limit(c, d, host))
		return "a branch at the end of its segment, mispredicted";
	if ((p[0] == 0xe0 || p[0] == 0xe1) && rep)
		return "LOOPcc with REP: reserved (SDM 2A 2.1.1); AMD takes the prefix's condition";
	if (p[0] != 0x0f)
		return NULL;
	if (host->end.fx.mxcsr & MXCSR_MM)
		return "MXCSR.MM (AMD's misaligned SSE mode)";
	if (d->ok && is_prefetch(d->row) && !d->in.rm_is_memory && host->vector == VEC_UD)
		return "0F 0D with a register: #UD on AMD, a hint on Intel";
	if ((p[1] == 0x20 || p[1] == 0x22) && memchr(c->code, 0xf0, (size_t)(p - c->code)))
		return "LOCK MOV CR0 is MOV CR8 on AMD";
	if (p[1] == 0x00 && (p[2] >> 3 & 7) == 5 && memchr(c->code, 0xf0, (size_t)(p - c->code)))
		return "LOCK VERW is executed by some of AMD's chips, not #UD";
	if (rep && p[1] == 0x2b)
		return "MOVNTSS, MOVNTSD (SSE4A)";
	if (operand && p[1] == 0xae && p[2] < 0xc0)
		return "CLFLUSHOPT, CLWB";
	return NULL;
}

/*
 * Exceptions of executing an instruction are of one priority, whose order "is
 * implementation-dependent and may vary from processor to processor" (SDM 3A
 * 6.9). These are the places where the chip's order is not followed.
 */
static bool same_class(unsigned vector)
{
	return vector == VEC_BR || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}

/*
 * A fault of fetching bytes beyond the code's page or segment, or of having
 * more than 15 of them: #GP for that and #UD are of one priority, too.
 */
static bool fetch_fault(const struct test_case *c, const struct outcome *o)
{
	if (c->code_at + INSN_MAX_LENGTH <= CODE_AT + PAGE_SIZE)
		return o->vector == VEC_GP && c->length > INSN_MAX_LENGTH;
	return o->vector == VEC_GP || (o->vector == VEC_PF && o->error & PF_I);
}

/*
 * Whether an access may have wrapped around a flat segment's end: such
 * "accesses may or may not cause the indicated exceptions" (SDM 3A 5.3).
 */
static bool may_wrap(const struct test_case *c, const struct decoded *d)
{
	static const char *const bit_tests[] = {"bt", "bts", "btr", "btc", NULL};
	const uint32_t top = 0u - 0x220; /* the longest operand, and some */
	uint32_t regs[GPR_COUNT] = {0}, at;

	memcpy(regs, c->start.regs, sizeof(c->start.regs));
	at = regs[d->in.base] + (regs[d->in.index] << d->in.scale) + d->in.disp;
	if (one_of(d->row->name, bit_tests) && strchr(d->row->operands, 'G')) /* from there on */
		at += (uint32_t)((int32_t)regs[d->in.reg] >> 3);
	if (d->in.rm_is_memory && at >= top)
		return true;
	if (strchr(d->row->operands, 'O') && d->in.disp >= top) /* MOV with the address */
		return true;
	return regs[ESP] >= top || regs[ESP] < 0x40 || regs[EBP] >= top || regs[ESI] >= top ||
	       regs[EDI] >= top;
}

/* A 16-bit address whose operand reaches beyond 64 KiB: the parts' addresses may wrap. */
static bool wraps_64k(const struct test_case *c, const struct decoded *d)
{
	uint32_t regs[GPR_COUNT] = {0};

	memcpy(regs, c->start.regs, sizeof(c->start.regs));
	return d->in.address_mask == 0xffff &&
	       ((regs[d->in.base] + (regs[d->in.index] << d->in.scale) + d->in.disp) & 0xffff) >
		   0x10000 - 512;
}

static bool in_parts(const struct insn_row *row)
{
	if (row->class == X87)
		return !strcmp(row->operands, "M") || !strcmp(row->operands, "Mt");
	return !strncmp(row->name, "maskmov", 7);
}

const char *order_open(const struct test_case *c, const struct decoded *d,
		       const struct outcome *host, const struct outcome *guest)
{
	bool frame = d->ok && (!strcmp(d->row->name, "ret far") || !strcmp(d->row->name, "iret"));

	if (d->ok && !strcmp(d->row->name, "lsl") && host->end.eflags & guest->end.eflags & FL_ZF &&
	    (uint16_t)guest->end.regs[d->in.reg] == 0)
		return "LSL of the segment whose limit is the processor's number";
	/* How much of an undefined instruction is fetched before it is refused. */
	if (!d->ok && guest->vector == VEC_UD && host->end.eip == c->start.eip &&
	    fetch_fault(c, host))
		return "#UD before all bytes are fetched";
	if (!d->ok || !same_class(host->vector) || !same_class(guest->vector))
		return NULL;
	if (!strncmp(d->row->name, "cmps", 4) && d->row->class == STRING)
		return "CMPS: which operand first";
	if (may_wrap(c, d))
		return "around the end of a 4 GiB segment";
	/* The chip pushes before it looks at the target, the SDM the other way round. */
	if (!strncmp(d->row->name, "call", 4) && guest->vector == VEC_GP)
		return "CALL: target or stack first";
	/* The chip reads SS:ESP, which only a return outwards has, before it refuses one inwards.
	 */
	if (frame && guest->vector == VEC_GP)
		return "far return inwards: stack or selector first";
	if (d->in.rm_is_memory && wraps_64k(c, d))
		return "across the end of 64 KiB with a 16-bit address";
	/* The chip reads areas in parts, and checks the parts one after the other. */
	if (in_parts(d->row))
		return "FXSAVE, FNSAVE, FBSTP and the like: page, alignment or limit first";
	return NULL;
}
