/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run loop and the block cache: code that changes under way, instructions
 * across pages, repeated strings that are interrupted, shadows, exact counts.
 */
#define MEMORY_SIZE 0x2100000u /* pages that share a slot of vcpu.tlb_writers are 32 MiB apart */
#include "cpu_fixture.h"

#define PAGE_TABLES 0x60000u

/* Identity-maps the first 2 MiB with 4 KiB pages; user may use all. */
static void enter_paging(struct fixture *f)
{
	poke32(f, PAGE_TABLES, (PAGE_TABLES + 0x1000) | 7);
	for (uint32_t i = 0; i < 512; i++)
		poke32(f, PAGE_TABLES + 0x1000 + 4 * i, i << 12 | 7);
	f->cpu->cr3 = PAGE_TABLES;
	f->cpu->cr0 |= CR0_PG;
	cpu_mode_changed(f->cpu);
	tlb_flush(f->cpu, true);
}

static void set_page(struct fixture *f, uint32_t gva, uint32_t pte)
{
	poke32(f, PAGE_TABLES + 0x1000 + 4 * (gva >> 12), pte);
	tlb_flush_page(f->cpu, gva);
}

static void test_rewrites_the_next_instruction(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	/* mov byte [CODE_AT+8], 0x43 (inc ebx); nop; inc eax -> inc ebx; hlt */
	CODE(&f, 0xc6, 0x05, 0x08, 0x00, 0x01, 0x00, 0x43, 0x90, 0x40, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0);
	CHECK_EQ(f.cpu->regs[EBX], 1);
	CHECK_EQ(f.cpu->eip, CODE_AT + 10);
	fixture_end(&f);
}

static bool writes_quickly(const struct fixture *f, uint32_t page)
{
	return tlb_slot(f->cpu->tlb_views[TLB_SUPERVISOR], page)->write == page;
}

/* Who looks for entries of a page that is watched now leaves those of others to be found. */
static void test_pages_watched_in_turn(void)
{
	static const uint32_t pages[] = {CODE_AT + 0x8000, CODE_AT + 0x9000};
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	/* mov byte [page], 1, twice; hlt */
	CODE(&f, 0xc6, 0x05, LE32(pages[0]), 1, 0xc6, 0x05, LE32(pages[1]), 1, 0xf4);
	for (unsigned round = 0; round < 2; round++) {
		f.cpu->eip = CODE_AT;
		run(&f);
		for (unsigned i = 0; i < 2; i++)
			CHECK(writes_quickly(&f, pages[i]));
		for (unsigned i = 0; i < 2; i++) {
			physmem_watch(f.mem, pages[i], PHYS_WATCH_DISPLAY, 0);
			CHECK(!writes_quickly(&f, pages[i]));
			CHECK_EQ(writes_quickly(&f, pages[1]), i == 0);
		}
		for (unsigned i = 0; i < 2; i++)
			physmem_watch(f.mem, pages[i], 0, PHYS_WATCH_DISPLAY);
	}
	fixture_end(&f);
}

/* mov byte [page], 1; hlt */
static void write_to(struct fixture *f, uint32_t page)
{
	CODE(f, 0xc6, 0x05, 0, 0, 0, 0, 1, 0xf4);
	poke32(f, CODE_AT + 2, page);
	f->cpu->eip = CODE_AT;
	run(f);
	CHECK(writes_quickly(f, page));
}

/* Everywhere a page may be written is found, by whatever addresses it has been written lately. */
static void test_page_watched_at_all_addresses(void)
{
	uint32_t page = CODE_AT + 0x8000, other = 0x100000, third = 0x101000;
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	set_page(&f, other, page | 7);
	write_to(&f, page);
	write_to(&f, other);
	physmem_watch(f.mem, page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, page) && !writes_quickly(&f, other));
	physmem_watch(f.mem, page, 0, PHYS_WATCH_DISPLAY);
	/* One address in place of another. */
	write_to(&f, other);
	set_page(&f, other, CODE_AT | 7);
	set_page(&f, third, page | 7);
	write_to(&f, third);
	physmem_watch(f.mem, page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, third));
	physmem_watch(f.mem, page, 0, PHYS_WATCH_DISPLAY);
	/* More than there is room for. */
	set_page(&f, other, page | 7);
	write_to(&f, page);
	write_to(&f, other);
	write_to(&f, third);
	physmem_watch(f.mem, page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, page) && !writes_quickly(&f, other) && !writes_quickly(&f, third));
	fixture_end(&f);
}

/* Pages that share a slot of vcpu.tlb_writers. */
static void test_pages_watched_that_share_a_slot(void)
{
	uint32_t page = CODE_AT + 0x8000, far = 0x100000;
	uint32_t far_page = page + (TLB_WRITERS << PAGE_SHIFT);
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	set_page(&f, far, far_page | 7);
	write_to(&f, page);
	physmem_watch(f.mem, far_page, PHYS_WATCH_DISPLAY, 0);
	CHECK(writes_quickly(&f, page));
	physmem_watch(f.mem, page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, page));
	physmem_watch(f.mem, far_page, 0, PHYS_WATCH_DISPLAY);
	physmem_watch(f.mem, page, 0, PHYS_WATCH_DISPLAY);
	write_to(&f, page);
	write_to(&f, far);
	physmem_watch(f.mem, page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, page) && writes_quickly(&f, far));
	physmem_watch(f.mem, far_page, PHYS_WATCH_DISPLAY, 0);
	CHECK(!writes_quickly(&f, far));
	fixture_end(&f);
}

static void test_code_changed_by_dma(void)
{
	static const uint8_t inc_ebx = 0x43;
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0xf4); /* inc eax; hlt */
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	physmem_dma_write(f.mem, CODE_AT, &inc_ebx, 1);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	CHECK_EQ(f.cpu->regs[EBX], 1);
	fixture_end(&f);
}

/* Data written beside code leaves the code's blocks alone and is itself right. */
static void test_data_beside_code(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	/* mov ecx,100; l: mov [CODE_AT+0x800],ecx; dec ecx; jnz l; hlt */
	CODE(&f, 0xb9, 100, 0, 0, 0, 0x89, 0x0d, 0x00, 0x08, 0x01, 0x00, 0x49, 0x75, 0xf7, 0xf4);
	run(&f);
	CHECK_EQ(peek32(&f, CODE_AT + 0x800), 1);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	fixture_end(&f);
}

static void test_code_through_an_alias(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	set_page(&f, 0x100000, CODE_AT | 7);
	/* mov byte [0x100008], 0x43; nop; inc eax -> inc ebx; hlt */
	CODE(&f, 0xc6, 0x05, 0x08, 0x00, 0x10, 0x00, 0x43, 0x90, 0x40, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0);
	CHECK_EQ(f.cpu->regs[EBX], 1);
	fixture_end(&f);
}

/* An instruction across two pages: its second half's page may be absent. */
static void test_instruction_across_pages(void)
{
	struct fixture f;
	uint32_t at = 0x30ffe;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	poke8(&f, at, 0xb8); /* mov eax, 0x12345678; hlt */
	poke32(&f, at + 1, 0x12345678);
	poke8(&f, at + 5, 0xf4);
	set_page(&f, 0x31000, 0);
	f.cpu->eip = at;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_PF);
	CHECK_EQ(f.cpu->cr2, 0x31000);
	CHECK_EQ(pushed(&f, 1), at);
	set_page(&f, 0x31000, 0x31007);
	f.cpu->eip = at;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x12345678);
	/* the second page is changed: no stale decoding */
	poke8(&f, at + 4, 0x99);
	f.cpu->eip = at;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x99345678);
	fixture_end(&f);
}

/* A page that is mapped elsewhere between two runs: the new bytes count. */
static void test_remapped_code(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	set_page(&f, 0x100000, 0x41007);
	poke16(&f, 0x41000, 0xf440); /* inc eax; hlt */
	poke16(&f, 0x42000, 0xf443); /* inc ebx; hlt */
	f.cpu->eip = 0x100000;
	run(&f);
	set_page(&f, 0x100000, 0x42007);
	f.cpu->eip = 0x100000;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	CHECK_EQ(f.cpu->regs[EBX], 1);
	fixture_end(&f);
}

/* REP MOVSB into an absent page: what came before it is done and counted. */
static void test_rep_faults_half_way(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	enter_paging(&f);
	CODE(&f, 0xf3, 0xa4, 0xf4);
	memset(f.ram + 0x44000, 0x5a, 64);
	f.cpu->regs[ESI] = 0x44000;
	f.cpu->regs[EDI] = 0x45000 - 10;
	f.cpu->regs[ECX] = 30;
	set_page(&f, 0x45000, 0);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_PF);
	CHECK_EQ(f.cpu->cr2, 0x45000);
	CHECK_EQ(pushed(&f, 1), CODE_AT);
	CHECK_EQ(f.cpu->regs[ECX], 20);
	CHECK_EQ(f.cpu->regs[EDI], 0x45000);
	CHECK_EQ(f.cpu->regs[ESI], 0x4400a);
	CHECK_EQ(peek8(&f, 0x44fff), 0x5a);
	set_page(&f, 0x45000, 0x45007);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK_EQ(peek8(&f, 0x45013), 0x5a);
	CHECK_EQ(peek8(&f, 0x45014), 0);
	fixture_end(&f);
}

/* An overlapping copy upwards repeats its pattern, as byte-wise copying does. */
static void test_rep_overlap(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xf3, 0xa4, 0xf4);
	poke16(&f, 0x44000, 0x2211);
	f.cpu->regs[ESI] = 0x44000;
	f.cpu->regs[EDI] = 0x44002;
	f.cpu->regs[ECX] = 6;
	run(&f);
	CHECK_EQ(peek32(&f, 0x44004), 0x22112211);
	fixture_end(&f);
}

static void test_rep_downwards(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xfd, 0xf3, 0xab, 0xfc, 0xf4); /* std; rep stosd; cld */
	f.cpu->regs[EAX] = 0xcafebabe;
	f.cpu->regs[EDI] = 0x45004;
	f.cpu->regs[ECX] = 4;
	run(&f);
	CHECK_EQ(peek32(&f, 0x45004), 0xcafebabe);
	CHECK_EQ(peek32(&f, 0x44ff8), 0xcafebabe);
	CHECK_EQ(peek32(&f, 0x44ff4), 0);
	CHECK_EQ(f.cpu->regs[EDI], 0x44ff4);
	fixture_end(&f);
}

/* Out of fuel: a repeated string is left in the middle and taken up again. */
static void test_rep_leaves_when_fuel_ends(void)
{
	struct fixture f;
	unsigned slices = 0;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xf3, 0xa7, 0xf4); /* repe cmpsd: equal memory */
	f.cpu->regs[ESI] = f.cpu->regs[EDI] = 0x44000;
	f.cpu->regs[ECX] = 100;
	while (!f.cpu->halted && slices < 1000) {
		f.cpu->fuel = 7;
		vcpu_run(f.cpu);
		slices++;
	}
	CHECK(slices > 10 && slices < 40);
	CHECK_EQ(f.cpu->regs[ECX], 0);
	CHECK_EQ(f.cpu->regs[ESI], 0x44000 + 400);
	fixture_end(&f);
}

/* STI delays an interrupt by one instruction, MOV SS too. */
static void test_shadows(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0xfb, 0x40, 0x40, 0xf4); /* sti; inc eax; inc eax; hlt */
	f.next_vector = 0x30;
	vcpu_set_intr(f.cpu, 1);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x30);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	fixture_end(&f);

	fixture_start(&f);
	enter_protected(&f, 0);
	f.cpu->regs[EDX] = DATA0;
	f.cpu->eflags |= FL_IF;
	CODE(&f, 0x90, 0x8e, 0xd2, 0x40, 0x40, 0xf4); /* nop; mov ss,dx; inc eax ... */
	step_one(&f);
	step_one(&f);
	f.next_vector = 0x30;
	vcpu_set_intr(f.cpu, 1);
	cpu_mode_changed(f.cpu);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x30);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	fixture_end(&f);
}

/* Handlers that only fault do not keep the machine thread: fuel runs out. */
static void test_endless_faults(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	poke32(&f, 4 * VEC_UD, 0x10000000); /* 1000:0000, where UD2 stands */
	CODE(&f, 0x0f, 0x0b);
	f.cpu->fuel = 5000;
	vcpu_run(f.cpu);
	CHECK(f.cpu->fuel <= 0);
	fixture_end(&f);
}

static void test_single_step(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0x40, 0xf4);
	eflags_set(f.cpu, FL_TF, FL_TF);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 1);
	CHECK(f.cpu->dr[6] & 1u << 14);
	fixture_end(&f);
}

/* Every instruction costs one unit, also when its block ends early. */
static void test_fuel_counts_instructions(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0x40, 0x0f, 0x0b, 0x40, 0x40); /* two, then #UD, HLT there */
	f.cpu->fuel = 100;
	vcpu_run(f.cpu);
	CHECK_EQ(vector_taken(&f), VEC_UD);
	CHECK_EQ(100 - f.cpu->fuel, 4); /* two, the exception, HLT */
	fixture_end(&f);
}

/* 16-bit code that runs beyond its segment: #GP, not a wrap to offset 0. */
static void test_end_of_segment(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_real(&f);
	poke8(&f, 0x1ffff, 0x40); /* inc ax, the last byte of segment 1000 */
	f.cpu->eip = 0xffff;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK_EQ(pushed16(&f, 0), 0);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	fixture_end(&f);
}

static void test_too_long(void)
{
	struct fixture f;

	fixture_start(&f);
	enter_protected(&f, 0);
	memset(f.ram + CODE_AT, 0x66, 15);
	poke16(&f, CODE_AT + 15, 0xf490);
	EXPECT_FAULT(&f, VEC_GP, 0);
	fixture_end(&f);
}

UNIT_MAIN("interp", {"rewrites the next instruction", test_rewrites_the_next_instruction},
	  {"pages watched in turn", test_pages_watched_in_turn},
	  {"page watched at all addresses", test_page_watched_at_all_addresses},
	  {"pages watched that share a slot", test_pages_watched_that_share_a_slot},
	  {"code changed by dma", test_code_changed_by_dma},
	  {"data beside code", test_data_beside_code},
	  {"code through an alias", test_code_through_an_alias},
	  {"instruction across pages", test_instruction_across_pages},
	  {"remapped code", test_remapped_code},
	  {"rep faults half-way", test_rep_faults_half_way}, {"rep overlap", test_rep_overlap},
	  {"rep downwards", test_rep_downwards},
	  {"rep leaves when fuel ends", test_rep_leaves_when_fuel_ends},
	  {"shadows", test_shadows}, {"endless faults", test_endless_faults},
	  {"single step", test_single_step},
	  {"fuel counts instructions", test_fuel_counts_instructions},
	  {"end of segment", test_end_of_segment}, {"too long", test_too_long})
