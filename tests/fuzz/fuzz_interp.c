/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter: a guest of random bytes, in every mode. The input is
 *
 *   0 mode   1 flags and handlers   2 model   3 surroundings   4-11 registers
 *   12- code, also what the stack and the data hold
 *
 * The guest has tables that cover the architecture (tests/unit/cpu_fixture.h),
 * registers in memory that interrupt it, and a TSC that counts instructions.
 * It runs twice from the same start, in one go and one instruction at a time:
 * all that it can see has to be the same, to the instruction.
 */
#include "tests/unit/cpu_fixture.h"

#include <sys/mman.h>

#include "cpu/block.h"
#include "fuzz.h"

#define HEADER 12u
#define LIMIT 600  /* instructions */
#define WAKES 4	   /* interrupts that end a HLT */
#define CODE_MAX 512u

#define PAGE_TABLES 0x70000u /* directory, then tables; PAE: PDPTs first */
#define MMIO_AT 0x200000u
#define ROM_AT 0x201000u

enum mode {
	REAL,
	PROTECTED0,
	PROTECTED3,
	PROTECTED1,
	CODE_16,
	V86,
	PAGED0,
	PAGED3,
	PAE0,
	PAE3,
	PAGED_V86,
	MODES,
};

/* Byte 1. */
#define F_TF 0x01u
#define F_IF 0x02u
#define F_IOPL3 0x04u
#define F_AC 0x08u
#define F_DF 0x10u
#define F_VME 0x20u
#define F_HANDLERS_IRET 0x40u
#define F_HANDLERS_CODE 0x80u
/* Byte 3. */
#define S_WP 0x01u
#define S_NX 0x02u
#define S_EM_TS 0x0cu
#define S_BREAKPOINTS 0x10u
#define S_A20_OFF 0x20u
#define S_NO_SSE 0x40u
#define S_FPU_DIRTY 0x80u

struct machine {
	struct fixture f; /* first: the opaque pointer of its ops */
	uint64_t executed, log;
	unsigned wakes;
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x100000001b3ull;
	return h ^ h >> 29;
}

/* ---- what is around the processor ---- */

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
	struct machine *m = opaque;

	m->log = mix(m->log, port | size << 16);
	return (uint32_t)m->log;
}

static void port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct machine *m = opaque;

	m->log = mix(m->log, port | (uint64_t)value << 32 | size << 16);
	if (port & 1)
		vcpu_set_intr(m->f.cpu, 1);
}

static int acknowledge(void *opaque)
{
	struct machine *m = opaque;

	vcpu_set_intr(m->f.cpu, 0);
	return 0x20 + (int)(m->log & 0xf);
}

static uint64_t tsc(void *opaque)
{
	struct machine *m = opaque;

	return m->executed + (uint64_t)(m->f.cpu ? vcpu_fuel_used(m->f.cpu) : 0);
}

static void shut_down(void *opaque)
{
}

static uint32_t register_read(void *opaque, uint32_t offset, unsigned size)
{
	struct machine *m = opaque;

	m->log = mix(m->log, offset | size << 16);
	/* Some registers show the time. */
	return offset & 8 ? (uint32_t)tsc(m) : (uint32_t)m->log;
}

static void register_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	struct machine *m = opaque;

	m->log = mix(m->log, offset | (uint64_t)value << 32 | size << 16);
	if (offset & 4)
		vcpu_set_intr(m->f.cpu, 1);
	if (offset & 0x10)
		vcpu_nmi(m->f.cpu);
}

static const struct vcpu_ops ops = {.port_read = port_read,
				    .port_write = port_write,
				    .acknowledge = acknowledge,
				    .tsc = tsc,
				    .shutdown = shut_down};
static const struct mmio_ops registers = {.read = register_read, .write = register_write, .max_size = 4};

static void take_ram(void *arg, const char *name, const uint8_t *host, uint64_t size)
{
	((struct machine *)arg)->f.ram = (uint8_t *)host;
}

static void create(struct machine *m, unsigned model)
{
	static uint8_t rom[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

	REQUIRE(physmem_create(&m->f.mem, MEMORY_SIZE) == 0);
	m->f.cpu = vcpu_create(m->f.mem, cpu_model_get(model), &ops, m);
	REQUIRE(m->f.cpu);
	physmem_for_each_memory(m->f.mem, take_ram, m); /* also what lies behind ROM */
	physmem_set_pam(m->f.mem, 0xc0000, 0x40000, PAM_RAM);
	physmem_region_map(physmem_add_mmio(m->f.mem, "registers", PAGE_SIZE, &registers, m),
			   MMIO_AT, 1);
	memset(rom, 0x90, sizeof(rom));
	physmem_region_map(physmem_add_rom(m->f.mem, "rom", PAGE_SIZE, rom), ROM_AT, 1);
}

/* ---- the guest ---- */

/* Identity for 2 MiB and two pages more, with odd ones in between. */
static void fill_page_tables(struct fixture *f, bool pae, bool user, bool nx)
{
	static const uint32_t odd[] = {0x00, 0x01, 0x03, 0x05, 0x63, 0x65, 0x61, 0x1003};
	uint32_t table = PAGE_TABLES + (pae ? 0x2000 : 0x1000), size = pae ? 8 : 4;

	if (pae) {
		poke32(f, PAGE_TABLES, (PAGE_TABLES + 0x1000) | 1);
		poke32(f, PAGE_TABLES + 4, 0);
		for (unsigned i = 0; i < 2; i++)
			poke32(f, PAGE_TABLES + 0x1000 + 8 * i, (table + 0x1000 * i) | 7);
		poke32(f, PAGE_TABLES + 0x1010, 0xe7);
	} else {
		poke32(f, PAGE_TABLES, table | 7);
		poke32(f, PAGE_TABLES + 4, 0xe7); /* 4 MiB page */
	}
	for (uint32_t page = 0; page < 0x202; page++) {
		uint32_t entry = page << 12 | (user || page > 0x18 ? 7 : 3);

		if (page >= DATA_AT >> 12 && page < (DATA_AT >> 12) + 32)
			entry = page << 12 | (odd[page % 8] & 0xfff);
		memcpy(f->ram + table + page * size, &entry, 4);
		if (pae && nx && page % 3 == 0 && page > 0x41)
			f->ram[table + page * size + 7] = 0x80;
	}
}

static void enter_paged(struct machine *m, const uint8_t *in, bool pae, unsigned cpl)
{
	struct vcpu *cpu = m->f.cpu;
	bool nx = pae && in[3] & S_NX && cpu_has(cpu, FEATURE_NX);

	enter_protected(&m->f, cpl);
	if ((pae && !cpu_has(cpu, FEATURE_PAE)) || !cpu_has(cpu, FEATURE_PSE))
		return;
	fill_page_tables(&m->f, pae, cpl == 3, nx);
	cpu->cr3 = PAGE_TABLES;
	cpu->cr4 |= CR4_PSE | (pae ? CR4_PAE : 0);
	if (cpu_has(cpu, FEATURE_PGE))
		cpu->cr4 |= CR4_PGE;
	if (nx)
		cpu->msr.efer = EFER_NXE;
	if (pae)
		REQUIRE(paging_load_pdptes(cpu, cpu->cr3));
	cpu->cr0 |= CR0_PG | (in[3] & S_WP ? CR0_WP : 0);
	tlb_flush(cpu, true);
}

static void enter_mode(struct machine *m, const uint8_t *in)
{
	struct fixture *f = &m->f;

	switch (in[0] % MODES) {
	case REAL:
		enter_real(f);
		break;
	case PROTECTED0:
		enter_protected(f, 0);
		break;
	case PROTECTED3:
		enter_protected(f, 3);
		break;
	case PROTECTED1:
		enter_protected(f, 1);
		break;
	case CODE_16:
		enter_protected(f, 0);
		set_gdt(f, CODE16, CODE_AT, 0xffff, A_CODE, F_BYTE16);
		load_descriptor(f, &f->cpu->seg[CS], CODE16);
		load_descriptor(f, &f->cpu->seg[SS], DATA16);
		f->cpu->eip = 0;
		break;
	case V86:
		enter_v86(f, in[1] & F_IOPL3 ? 3 : 0);
		break;
	case PAGED0:
		enter_paged(m, in, false, 0);
		break;
	case PAGED3:
		enter_paged(m, in, false, 3);
		break;
	case PAE0:
		enter_paged(m, in, true, 0);
		break;
	case PAE3:
		enter_paged(m, in, true, 3);
		break;
	case PAGED_V86:
		enter_paged(m, in, false, 3);
		f->cpu->eflags |= FL_VM;
		for (unsigned i = 0; i < SEG_COUNT; i++)
			segment_load_real(f->cpu, i, 0x1000);
		segment_load_real(f->cpu, SS, 0x2000);
		f->cpu->eip = 0;
		break;
	}
}

static void fill_handlers(struct fixture *f, unsigned flags)
{
	static const uint8_t iret[] = {0x58, 0xcf, 0xf4}; /* drops an error code, or EIP */

	memset(f->ram + HANDLERS_AT, 0xf4, 256 * HANDLER_SIZE);
	for (unsigned v = 0; v < 256; v++) {
		uint32_t to, gate[2];
		bool error = v == 8 || (v >= 10 && v <= 14) || v == 17;

		if (flags & F_HANDLERS_IRET)
			memcpy(f->ram + handler(v), iret + !error, 3u - !error);
		to = flags & F_HANDLERS_CODE && v % 2 ? CODE_AT + v : handler(v);
		gate[0] = CODE0 << 16 | (to & 0xffff);
		gate[1] = (to & 0xffff0000) | ((v % 5 ? A_INT32 : A_TRAP32) | A_DPL(3)) << 8;
		memcpy(f->ram + IDT_AT + 8 * v, gate, 8);
	}
	set_gate(f, IDT_AT + 8 * 9, TSS2, 0, A_TASK | A_DPL(3), 0);
	set_gate(f, GDT_AT + GATE, CODE0, CODE_AT, A_CALL32 | A_DPL(3), 2);
	set_gate(f, GDT_AT + GATE2, CODE1, CODE_AT, A_CALL16 | A_DPL(3), 1);
}

/* A second task that goes on with the code. */
static void fill_task(struct fixture *f)
{
	poke32(f, TSS2_AT + 0x20, CODE_AT);
	poke32(f, TSS2_AT + 0x24, 2);
	poke32(f, TSS2_AT + 0x38, STACK0_TOP);
	for (unsigned i = 0; i < 6; i++)
		poke32(f, TSS2_AT + 0x48 + 4 * i, i == 1 ? CODE0 : DATA0);
}

/* A register from a byte: addresses, counts, edges. */
static uint32_t register_value(uint8_t byte)
{
	static const uint32_t edges[16] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
					   0x7fffffff, 0x80000000, 0xffffffff, MMIO_AT, ROM_AT,
					   DATA_AT, 0xfffffff0};

	switch (byte >> 6) {
	case 0:
		return DATA_AT + (byte & 0x3fu) * 0x3fd;
	case 1:
		return byte & 0x3f;
	case 2:
		return byte & 0x20 ? CODE_AT + (byte & 0x1fu) : MMIO_AT + (byte & 0x1fu);
	default:
		return edges[byte & 15] + (byte >> 4 & 3) * 0x1000;
	}
}

static void set_registers(struct vcpu *cpu, const uint8_t *in)
{
	for (unsigned i = 0; i < 8; i++)
		if (i != ESP)
			cpu->regs[i] = register_value(in[4 + i]);
	cpu->eflags |= (in[1] & F_TF ? FL_TF : 0) | (in[1] & F_IF ? FL_IF : 0) |
		       (in[1] & F_IOPL3 ? FL_IOPL : 0) | (in[1] & F_AC ? FL_AC : 0) |
		       (in[1] & F_DF ? FL_DF : 0);
	if (in[1] & F_AC)
		cpu->cr0 |= CR0_AM;
	cpu->cr0 |= in[3] & S_EM_TS; /* EM and TS are bits 2 and 3 */
	if (in[1] & F_VME && cpu_has(cpu, FEATURE_VME))
		cpu->cr4 |= CR4_VME | CR4_PVI;
	if (!(in[3] & S_NO_SSE) && cpu_has(cpu, FEATURE_SSE))
		cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (in[3] & S_BREAKPOINTS) {
		cpu->dr[0] = DATA_AT + 4;
		cpu->dr[1] = CODE_AT + 7;
		cpu->dr[7] = 0x400 | 0x000d0005; /* data of 4 bytes; instruction */
	}
	if (in[3] & S_FPU_DIRTY) {
		cpu->fx.fcw = (uint16_t)(0x300 | (in[4] & 0x3f));
		cpu->fx.ftw = in[5];
		cpu->fx.mxcsr = (uint32_t)in[6] << 7 | (in[7] & 0x3f);
		memcpy(cpu->fx.st, in + 4, 8);
		memset(cpu->fx.st[0] + 8, in[7], 2);
	}
	vcpu_set_a20(cpu, !(in[3] & S_A20_OFF));
	cpu_mode_changed(cpu);
}

static void set_up(struct machine *m, const uint8_t *in, size_t size)
{
	struct fixture *f = &m->f;
	size_t code = size - HEADER < CODE_MAX ? size - HEADER : CODE_MAX;

	m->executed = m->log = m->wakes = 0;
	f->cpu->fuel = f->cpu->fuel_given = 0;
	atomic_store(&f->cpu->pending, 0);
	block_cache_flush(f->cpu);
	REQUIRE(madvise(f->ram, MEMORY_SIZE, MADV_REMOVE) == 0); /* zeros again */
	vcpu_reset(f->cpu);
	vcpu_set_a20(f->cpu, true);
	fill_gdt(f);
	fill_tss(f);
	fill_task(f);
	fill_handlers(f, in[1]);
	memset(f->ram + TARGET_AT, 0xf4, 0x100);
	memcpy(f->ram + CODE_AT, in + HEADER, code);
	memcpy(f->ram + DATA_AT, in + HEADER, code);
	memcpy(f->ram + STACK0_TOP, in + HEADER, code);
	memcpy(f->ram + STACK3_TOP, in + HEADER, code);
	enter_mode(m, in);
	set_registers(f->cpu, in);
	tlb_flush(f->cpu, true);
}

static void run_guest(struct machine *m, int64_t slice)
{
	struct vcpu *cpu = m->f.cpu;

	while (m->executed < LIMIT && !cpu->shutdown) {
		int64_t left = LIMIT - (int64_t)m->executed, used;

		cpu->fuel = cpu->fuel_given = slice < left ? slice : left;
		vcpu_run(cpu);
		used = cpu->fuel_given - cpu->fuel;
		REQUIRE(used >= 0 && used <= cpu->fuel_given + 3);
		m->executed += (uint64_t)used;
		cpu->fuel = cpu->fuel_given = 0;
		if (!cpu->halted)
			REQUIRE(used || cpu->shutdown);
		else if (m->wakes++ == WAKES)
			return;
		else if (m->wakes & 1)
			vcpu_set_intr(cpu, 1);
		else
			vcpu_nmi(cpu);
	}
}

/* ---- what has to hold ---- */

#define FL_RESERVED 0xffc08028u

static void check_segment(const struct segment *s)
{
	struct segment again = *s;

	segment_update(&again);
	REQUIRE(again.lo == s->lo && again.hi_read == s->hi_read &&
		again.hi_write == s->hi_write && again.lo_write == s->lo_write);
}

static void check_state(const struct vcpu *cpu)
{
	REQUIRE((cpu->eflags & (FL_RESERVED | FL_1)) == FL_1);
	for (unsigned i = GPR_ZERO; i < sizeof(cpu->regs) / sizeof(cpu->regs[0]); i++)
		REQUIRE(!cpu->regs[i]);
	REQUIRE(!(cpu->cr0 & CR0_PG) || cpu->cr0 & CR0_PE);
	REQUIRE(cpu->cr0 & CR0_PE || !cpu->cpl);
	REQUIRE(!v86_mode(cpu) || cpu->cpl == 3);
	REQUIRE(!cpu->delivery.active || cpu->shutdown);
	REQUIRE(!cpu->cur && !cpu->host_fpu && !cpu->cut.insn);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		check_segment(&cpu->seg[i]);
}

#define SAME(member) REQUIRE(!memcmp(&a->member, &b->member, sizeof(a->member)))

static void check_same_segment(const struct segment *a, const struct segment *b)
{
	SAME(selector);
	SAME(base);
	SAME(limit);
	SAME(attr);
}

static void check_same(const struct vcpu *a, const struct vcpu *b)
{
	SAME(eip);
	SAME(regs);
	SAME(eflags);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		check_same_segment(&a->seg[i], &b->seg[i]);
	check_same_segment(&a->ldtr, &b->ldtr);
	check_same_segment(&a->tr, &b->tr);
	SAME(gdtr);
	SAME(idtr);
	SAME(cr0);
	SAME(cr2);
	SAME(cr3);
	SAME(cr4);
	SAME(dr);
	SAME(cpl);
	SAME(msr);
	SAME(fx);
	SAME(halted);
	SAME(shutdown);
	SAME(nmi_blocked);
	SAME(interrupt_shadow);
	SAME(debug_shadow);
	SAME(pending);
}

/* Only pages that one of them has touched can differ. */
static void check_same_memory(const uint8_t *a, const uint8_t *b)
{
	unsigned char in_a[MEMORY_SIZE / PAGE_SIZE], in_b[MEMORY_SIZE / PAGE_SIZE];

	REQUIRE(!mincore((void *)a, MEMORY_SIZE, in_a) && !mincore((void *)b, MEMORY_SIZE, in_b));
	for (size_t i = 0; i < sizeof(in_a); i++)
		if ((in_a[i] | in_b[i]) & 1)
			REQUIRE(!memcmp(a + i * PAGE_SIZE, b + i * PAGE_SIZE, PAGE_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine *machines[16][2];
	struct machine **pair;
	unsigned models = 0;

	if (size <= HEADER)
		return 0;
	while (cpu_model_get(models + 1)) /* all but the last, host: the same everywhere */
		models++;
	pair = machines[data[2] % models];
	for (unsigned i = 0; i < 2; i++) {
		if (!pair[i]) {
			pair[i] = calloc(1, sizeof(*pair[i]));
			REQUIRE(pair[i]);
			create(pair[i], data[2] % models);
		}
		set_up(pair[i], data, size);
		run_guest(pair[i], i ? 1 : LIMIT);
		check_state(pair[i]->f.cpu);
	}
	REQUIRE(pair[0]->executed == pair[1]->executed);
	REQUIRE(pair[0]->log == pair[1]->log);
	check_same(pair[0]->f.cpu, pair[1]->f.cpu);
	check_same_memory(pair[0]->f.ram, pair[1]->f.ram);
	return 0;
}
