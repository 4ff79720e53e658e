/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reproducers; see report.h. */
#include "report.h"

#include <Zydis/Zydis.h>
#include <string.h>

static const char *const reg_names[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const seg_names[SEG_COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void print_bytes(FILE *f, const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(f, " %02x", bytes[i]);
}

static void print_instruction(FILE *f, const struct test_case *c)
{
	bool code32 = c->start.seg[CS] != LDT_SELECTOR(SEG_CODE_16);
	ZydisDisassembledInstruction z;

	fprintf(f, "  bytes  ");
	print_bytes(f, c->code, c->length);
	if (ZYAN_SUCCESS(ZydisDisassembleIntel(code32 ? ZYDIS_MACHINE_MODE_LEGACY_32
						      : ZYDIS_MACHINE_MODE_LEGACY_16,
					       c->start.eip, c->code, c->length, &z)))
		fprintf(f, "   %s", z.text);
	fprintf(f, "   (%s-bit code at %08x, %s)\n", code32 ? "32" : "16", c->code_at,
		c->single_step ? "single step" : "INT3 follows");
}

/* A quantity on a line of its own if any of the three is worth a look. */
static void print_u32(FILE *f, const char *name, uint32_t start, uint32_t host, uint32_t guest)
{
	if (host == guest && host == start) {
		if (start)
			fprintf(f, "  %-8s %08x\n", name, start);
		return;
	}
	fprintf(f, "  %-8s %08x   judge %08x   guest %08x%s\n", name, start, host, guest,
		host == guest ? "" : "   <--");
}

static void print_vector(FILE *f, const char *name, unsigned n, const uint8_t *start,
			 const uint8_t *host, const uint8_t *guest, unsigned size)
{
	static const uint8_t zero[16];
	const uint8_t *v[3] = {start, host, guest};
	static const char *const who[3] = {"", "   judge ", "   guest "};
	bool same = !memcmp(host, guest, size) && !memcmp(host, start, size);

	if (same && !memcmp(start, zero, size))
		return;
	fprintf(f, "  %s%-6u ", name, n);
	for (unsigned i = 0; i < (same ? 1 : 3); i++) {
		fprintf(f, "%s", who[i]);
		for (unsigned k = size; k-- > 0;)
			fprintf(f, "%02x", v[i][k]);
	}
	fprintf(f, "%s\n", memcmp(host, guest, size) ? "   <--" : "");
}

static void print_fx(FILE *f, const struct fxsave_image *s, const struct fxsave_image *h,
		     const struct fxsave_image *g)
{
	print_u32(f, "fcw", s->fcw, h->fcw, g->fcw);
	print_u32(f, "fsw", s->fsw, h->fsw, g->fsw);
	print_u32(f, "ftw", s->ftw, h->ftw, g->ftw);
	print_u32(f, "mxcsr", s->mxcsr, h->mxcsr, g->mxcsr);
	for (unsigned i = 0; i < 8; i++)
		print_vector(f, "st", i, s->st[i], h->st[i], g->st[i], 10);
	for (unsigned i = 0; i < 8; i++)
		print_vector(f, "xmm", i, s->xmm[i], h->xmm[i], g->xmm[i], 16);
}

#define SHOWN 40
static void print_changes(FILE *f, const char *who, const struct outcome *o)
{
	uint32_t expected = 0;

	fprintf(f, "  %s changed %u bytes", who, o->changed);
	for (unsigned i = 0; i < o->changed && i < SHOWN; i++) {
		if (!i || o->changes[i].at != expected)
			fprintf(f, "  %08x:", o->changes[i].at);
		fprintf(f, " %02x", o->changes[i].value);
		expected = o->changes[i].at + 1;
	}
	fprintf(f, "%s\n", o->changed > SHOWN ? " ..." : "");
}

void print_case(FILE *f, const struct test_case *c, const char *what, const struct outcome *host,
		const struct outcome *guest)
{
	const struct state *s = &c->start, *h = &host->end, *g = &guest->end;

	fprintf(f, "case %llu, %s: %s\n", (unsigned long long)c->number, insn_table[c->row].name,
		what);
	print_instruction(f, c);
	print_u32(f, "vector", 0, host->vector, guest->vector);
	print_u32(f, "error", 0, host->error, guest->error);
	print_u32(f, "cr2", 0, host->cr2, guest->cr2);
	print_u32(f, "eip", s->eip, h->eip, g->eip);
	print_u32(f, "eflags", s->eflags, h->eflags, g->eflags);
	for (unsigned i = 0; i < 8; i++)
		print_u32(f, reg_names[i], s->regs[i], h->regs[i], g->regs[i]);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		print_u32(f, seg_names[i], s->seg[i], h->seg[i], g->seg[i]);
	print_fx(f, &s->fx, &h->fx, &g->fx);
	for (unsigned i = 0; i < PATCHES; i++)
		if (c->patches[i].length) {
			fprintf(f, "  memory   %08x:", c->patches[i].at);
			print_bytes(f, c->patches[i].bytes,
				    c->patches[i].length < SHOWN ? c->patches[i].length : SHOWN);
			fprintf(f, "\n");
		}
	print_changes(f, "judge", host);
	print_changes(f, "guest", guest);
	fprintf(f, "\n");
}
