/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every x87 row of the instruction table against the host, and by hand what
 * the host cannot show: environments in their four layouts, #NM and #MF,
 * FERR#, faults of memory operands.
 */
#include "fpu_oracle.h"

static bool is_arithmetic(const struct insn_row *row)
{
	static const char *const by_hand[] = {"fldenv", "fnstenv", "frstor", "fnsave", "fldcw",
					      "fxsave", "fxrstor", NULL};

	for (unsigned i = 0; by_hand[i]; i++)
		if (!strcmp(row->name, by_hand[i]))
			return false;
	return row->class == X87;
}

static void random_state(uint64_t *seed, struct oracle *o, bool unmasked)
{
	uint64_t r = unit_random(seed);

	memset(o, 0, sizeof(*o));
	o->fx.fcw = (uint16_t)((r & FCW_WRITABLE) | FCW_ALWAYS | FCW_MASKS);
	o->fx.fsw = (uint16_t)(r >> 16 & 0x7f7f);
	if (unmasked) { /* and no error pending */
		o->fx.fcw &= (uint16_t)(~FCW_MASKS | (r >> 32 & FCW_MASKS));
		o->fx.fsw &= (uint16_t)(~FSW_EXCEPTIONS | o->fx.fcw);
	}
	o->fx.ftw = r >> 40 & 1 ? 0xff : (uint8_t)(r >> 48);
	o->fx.mxcsr = MXCSR_DEFAULT;
	o->eflags = FL_1 | (r >> 20 & FL_ARITH);
	for (unsigned i = 0; i < 8; i++) {
		random_x87(seed, o->fx.st[i]);
		o->regs[i] = (uint32_t)unit_random(seed);
	}
	for (unsigned i = 0; i < ORACLE_DATA_SIZE; i += 16)
		if (unit_random(seed) & 1)
			random_x87(seed, o->data + i);
		else
			random_vector(seed, o->data + i);
}

static bool differs(const struct oracle *a, const struct oracle *b)
{
	return a->vector != b->vector || memcmp(a->fx.st, b->fx.st, sizeof(a->fx.st)) ||
	       a->fx.ftw != b->fx.ftw || a->fx.fsw != b->fx.fsw || a->fx.fcw != b->fx.fcw ||
	       a->regs[EAX] != b->regs[EAX] || ((a->eflags ^ b->eflags) & FL_ARITH) ||
	       memcmp(a->data, b->data, sizeof(a->data));
}

static void show(const char *who, const struct oracle *o)
{
	fprintf(stderr, "%s: vector %d eflags %03x eax %08x fcw %04x fsw %04x ftw %02x\n ", who,
		o->vector, o->eflags & FL_ARITH, o->regs[EAX], o->fx.fcw, o->fx.fsw, o->fx.ftw);
	for (unsigned i = 0; i < 8; i++)
		fprintf(stderr, " %02x%02x:%016" PRIx64, o->fx.st[i][9], o->fx.st[i][8],
			*(const uint64_t *)o->fx.st[i]);
	fprintf(stderr, "\n  data");
	for (unsigned i = 0; i < 10; i++)
		fprintf(stderr, " %02x", o->data[i]);
	fprintf(stderr, "\n");
}

static bool compare(struct guest *g, const struct insn_row *row, const struct oracle *start,
		    const uint8_t *code, unsigned len)
{
	struct oracle host = *start, guest = *start;

	oracle_host(&host, code, len);
	oracle_guest(g, &guest, code, len);
	if (!differs(&host, &guest))
		return true;
	fprintf(stderr, "%s:", row->name);
	for (unsigned i = 0; i < len; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, "\n");
	show("start", start);
	show("host", &host);
	show("guest", &guest);
	return false;
}

#define ROUNDS 20000

static void fuzz_rows(bool unmasked, uint64_t seed)
{
	unsigned bad = 0, rows = 0;
	struct oracle start;
	struct guest g;

	guest_create(&g);
	for (unsigned i = 0; i < insn_table_rows && bad < 10; i++) {
		const struct insn_row *row = &insn_table[i];

		if (!is_arithmetic(row))
			continue;
		rows++;
		for (unsigned n = 0; n < ROUNDS; n++) {
			uint8_t code[16];
			unsigned len = row_bytes(
				row, row_modrm(row, row->mod == MEM, unit_random(&seed)), 0, code);

			random_state(&seed, &start, unmasked);
			if (!compare(&g, row, &start, code, len)) {
				bad++;
				break;
			}
		}
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(rows, 0);
	guest_destroy(&g);
}

static void test_masked(void)
{
	fuzz_rows(false, 1);
}

static void test_unmasked(void)
{
	fuzz_rows(true, 2);
}

UNIT_MAIN("x87", {"rows, exceptions masked", test_masked},
	  {"rows, exceptions unmasked", test_unmasked})
