/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A faulting instruction leaves registers as they were: any instruction,
 * random operands, random pages missing or read-only, at every level, in
 * every mode. Handlers are called directly, so that what they leave behind
 * is seen before the fault is delivered.
 *
 * Exempt are repeated string instructions, which stop half-way by design,
 * and what a task switch does after its point of no return (cpu->cur NULL).
 */
#include "cpu_fixture.h"

#include "cpu/decode.h"
#include "cpu/fpu.h"
#include "cpu/table.h"

#define PAGE_DIRECTORY 0x60000u
#define PAGE_TABLE     0x61000u
#define ROUNDS	       250000u

struct snapshot {
	uint32_t regs[GPR_COUNT], eip, eflags;
	struct segment seg[SEG_COUNT], ldtr, tr;
	struct table_register gdtr, idtr;
	uint32_t cr0, cr3, cr4, dr[8];
	struct msr_state msr;
	unsigned cpl;
};

static void take(const struct vcpu *cpu, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->regs, cpu->regs, sizeof(s->regs));
	s->eip = cpu->eip;
	s->eflags = cpu->eflags;
	memcpy(s->seg, cpu->seg, sizeof(s->seg));
	s->ldtr = cpu->ldtr;
	s->tr = cpu->tr;
	s->gdtr = cpu->gdtr;
	s->idtr = cpu->idtr;
	s->cr0 = cpu->cr0;
	s->cr3 = cpu->cr3;
	s->cr4 = cpu->cr4;
	memcpy(s->dr, cpu->dr, sizeof(s->dr));
	s->msr = cpu->msr;
	s->cpl = cpu->cpl;
}

/* Identity mapping of the first 4 MiB in which some pages have less rights. */
static void map_pages(struct fixture *f, uint64_t *seed)
{
	poke32(f, PAGE_DIRECTORY, PAGE_TABLE | 7);
	for (unsigned i = 0; i < 1024; i++)
		poke32(f, PAGE_TABLE + 4 * i,
		       i << 12 | (unit_random(seed) % 4 ? 7 : unit_random(seed) % 8));
	/* Descriptor tables and code mostly stay. */
	for (unsigned i = 0; i < 3; i++)
		poke32(f, PAGE_TABLE + 4 * (GDT_AT / 4096 + i), (GDT_AT / 4096 + i) << 12 | 7);
	f->cpu->cr3 = PAGE_DIRECTORY;
	f->cpu->cr0 |= CR0_PG | (unit_random(seed) & CR0_WP);
	tlb_flush(f->cpu, true);
}

static void prepare(struct fixture *f, uint64_t *seed)
{
	static const uint8_t levels[] = {0, 1, 3, 3};
	struct vcpu *cpu = f->cpu;
	uint64_t r = unit_random(seed);

	vcpu_reset(cpu);
	if ((r & 15) == 0)
		enter_real(f);
	else if ((r & 15) == 1)
		enter_v86(f, r >> 8 & 3);
	else
		enter_protected(f, levels[r >> 8 & 3]);
	if (cpu->cr0 & CR0_PE && r >> 12 & 1)
		map_pages(f, seed);
	cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | (r >> 16 & (CR4_VME | CR4_PVI));
	for (unsigned i = 0; i < 8; i++) {
		r = unit_random(seed);
		cpu->regs[i] = r & 3 ? r >> 8 & 0x7ffff : (uint32_t)(r >> 8);
		if (i == ESP && r & 4)
			cpu->regs[i] = STACK0_TOP - (r >> 8 & 0x3f);
	}
	eflags_set(cpu, (uint32_t)unit_random(seed), FL_IF | FL_NT | FL_IOPL | FL_ARITH | FL_DF);
}

/* Selectors in memory and registers should often mean something. */
static void scatter_selectors(struct fixture *f, uint64_t *seed)
{
	for (unsigned i = 0; i < 16; i++) {
		uint64_t r = unit_random(seed);

		poke16(f, (uint32_t)(r >> 16 & 0x1fffe) + 0x10100, r & 0x17b);
		poke8(f, GDT_AT + (r >> 40) % GDT_ENTRIES * 8 + 5, (uint8_t)(r >> 56));
	}
	f->cpu->regs[EAX] = unit_random(seed) & 0x17f;
}

static void check_unchanged(const struct vcpu *cpu, const struct snapshot *before,
			    const struct insn *in, const uint8_t *code)
{
	struct snapshot after;

	take(cpu, &after);
	/* Bits that belong to the fault. */
	after.msr = before->msr;
	if (!memcmp(&after, before, sizeof(after)))
		return;
	fprintf(stderr,
		"%s (%02x %02x %02x %02x) vector %u cpl %u cr0 %08x: ", insn_table[in->row].name,
		code[0], code[1], code[2], code[3], cpu->fault.vector, before->cpl, before->cr0);
	for (unsigned i = 0; i < 8; i++)
		if (after.regs[i] != before->regs[i])
			fprintf(stderr, "reg %u %08x -> %08x ", i, before->regs[i], after.regs[i]);
	fprintf(stderr, "eip %08x -> %08x eflags %08x -> %08x\n", before->eip, after.eip,
		before->eflags, after.eflags);
	CU_FAIL("a fault left something changed");
}

static bool exempt(const struct insn *in)
{
	return insn_table[in->row].class == STRING && in->rep != REP_NONE;
}

/* Returns whether it faulted. */
static bool execute(struct vcpu *cpu, const struct insn *in, const uint8_t *code)
{
	struct snapshot before;
	int reason;

	take(cpu, &before);
	cpu->cur = in;
	cpu->eip += in->length;
	reason = sigsetjmp(cpu->unwind, 0);
	if (!reason)
		in->exec(cpu, in);
	fpu_leave(cpu);
	CHECK(!cpu->delivering_ext);
	if (reason && cpu->cur && !exempt(in))
		check_unchanged(cpu, &before, in, code);
	return reason;
}

static void test_random(void)
{
	struct decoder *d = decoder_create();
	unsigned faults = 0, decoded = 0;
	uint64_t seed = 0xa70311c;
	struct fixture f;

	fixture_start(&f);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t code[16];
		struct insn in;

		for (unsigned j = 0; j < 16; j += 8) {
			uint64_t r = unit_random(&seed);

			memcpy(code + j, &r, 8);
		}
		if (code[15] & 1) {
			code[1] = code[0];
			code[0] = 0x0f;
		}
		if (decode_insn(d, code, 15, code[15] & 2, &in) != DECODE_OK)
			continue;
		if (i % 256 == 0) {
			fill_gdt(&f);
			fill_tss(&f);
		}
		prepare(&f, &seed);
		scatter_selectors(&f, &seed);
		decoded++;
		faults += execute(f.cpu, &in, code);
	}
	fprintf(stderr, "%u instructions, %u faults\n", decoded, faults);
	CHECK(decoded > ROUNDS / 4);
	CHECK(faults > decoded / 10 && faults < decoded * 9 / 10);
	fixture_end(&f);
	decoder_destroy(d);
}

UNIT_MAIN("faults leave no trace", {"random instructions", test_random})
