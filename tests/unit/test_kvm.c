/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM engine, beside the interpreter: state on its way to KVM and back, memory,
 * MSRs, changes of engine.
 */
#include <stdlib.h>
#include <x86intrin.h>

#include "cpu/msr.h"
#include "kvm_fixture.h"

/* Gives the state to KVM and takes it back, without the guest having run. */
static void to_kvm_and_back(struct vcpu *cpu)
{
	CHECK(kvm_state_give(cpu));
	cpu->kvm->newer = true;
	kvm_state_take(cpu);
}

static void fill_registers(struct vcpu *cpu)
{
	for (unsigned i = 0; i < GPR_ZERO; i++)
		cpu->regs[i] = 0x11111111u * (i + 1);
	cpu->eflags |= FL_CF | FL_OF | FL_DF | FL_IF;
	cpu->cr2 = 0xdeadbeef;
	cpu->cr3 = 0x7000;
	cpu->cr4 = CR4_OSFXSR | CR4_PSE | CR4_PGE;
	cpu->cr0 |= CR0_NE | CR0_TS;
	cpu->dr[0] = 0x1234;
	cpu->dr[3] = 0x5678;
	cpu->msr.sysenter_cs = 8;
	cpu->msr.sysenter_esp = 0x2000;
	cpu->msr.sysenter_eip = 0x3000;
	cpu->msr.efer = EFER_NXE;
	cpu->fx.fcw = 0x37f;
	cpu->fx.fsw = 0x3800;
	cpu->fx.ftw = 0x81;
	cpu->fx.mxcsr = 0x1fc0;
	for (unsigned i = 0; i < 8; i++) {
		memset(cpu->fx.xmm[i], (int)(0x10 + i), 16);
		memset(cpu->fx.st[i], (int)(0x40 + i), 10);
	}
	cpu->nmi_blocked = true;
	cpu->interrupt_shadow = true;
	cpu_mode_changed(cpu);
}

static void test_state(void)
{
	struct fixture f;
	struct vcpu *before = aligned_alloc(64, sizeof(*before));

	if (!start(&f))
		return;
	fill_registers(f.cpu);
	memcpy(before, f.cpu, sizeof(*before));
	to_kvm_and_back(f.cpu);
	check_same(f.cpu, before);
	/* The second time nothing has to be loaded but what clears KVM's events. */
	f.cpu->kvm->n.loads = 0;
	to_kvm_and_back(f.cpu);
	CHECK_EQ(f.cpu->kvm->n.loads, 1);
	check_same(f.cpu, before);
	f.cpu->regs[EAX] = 5;
	to_kvm_and_back(f.cpu);
	CHECK_EQ(f.cpu->kvm->n.loads, 3);
	CHECK_EQ(f.cpu->regs[EAX], 5);
	fixture_end(&f);
	free(before);
}

static void test_modes(void)
{
	struct fixture f;
	struct vcpu *before = aligned_alloc(64, sizeof(*before));

	if (!start(&f))
		return;
	for (unsigned mode = 0; mode < 5; mode++) {
		f.cpu->eflags = FL_1;
		if (mode == 0)
			vcpu_reset(f.cpu);
		else if (mode == 1)
			enter_real(&f);
		else if (mode == 2)
			enter_v86(&f, 3);
		else
			enter_protected(&f, mode == 3 ? 1 : 3);
		if (mode == 3) /* a null segment */
			segment_load(f.cpu, ES, 0);
		memcpy(before, f.cpu, sizeof(*before));
		/* An emulation may have no virtual-8086 mode, and says so. */
		if (mode == 2 && !kvm_state_give(f.cpu) && !f.cpu->kvm->hardware)
			continue;
		to_kvm_and_back(f.cpu);
		check_same(f.cpu, before);
	}
	fixture_end(&f);
	free(before);
}

static void run_steps(struct fixture *f)
{
	CODE(f, PROGRAM);
	for (unsigned n = 0; n < 200 && !f->cpu->halted; n++)
		vcpu_step(f->cpu);
	CHECK(f->cpu->halted);
}

static void test_program(void)
{
	struct fixture f, reference;

	if (!start(&f))
		return;
	fixture_start(&reference);
	enter_protected(&reference, 0);
	CODE(&f, PROGRAM);
	CODE(&reference, PROGRAM);
	run(&f);
	run(&reference);
	CHECK(f.cpu->halted);
	check_same(f.cpu, reference.cpu);
	CHECK_EQ(f.last_port, 0x43);
	CHECK_EQ(f.writes, 1);
	CHECK_EQ(f.reads, 1);
	CHECK_EQ(peek32(&f, DATA_AT), 136);
	CHECK(f.cpu->kvm->n.exit_port >= 2);
	CHECK_EQ(f.cpu->kvm->n.exit_halt + f.cpu->kvm->n.interpreted > 0, true);
	fixture_end(&f);
	fixture_end(&reference);
}

/* Every other instruction by another engine. */
static void test_changes(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	CODE(&f, PROGRAM);
	for (unsigned n = 0; n < 200 && !f.cpu->halted; n++) {
		vcpu_step(f.cpu);
		if (f.cpu->engine)
			kvm_rest(f.cpu);
		else
			kvm_activate(f.cpu);
	}
	CHECK(f.cpu->halted);
	CHECK_EQ(f.cpu->regs[EAX] & 0xff, 0xa5);
	CHECK_EQ(peek32(&f, DATA_AT), 136);
	if (!f.cpu->engine)
		kvm_activate(f.cpu);
	enter_protected(&f, 0);
	f.cpu->halted = false;
	run_steps(&f);
	fixture_end(&f);
}

/* Code that KVM's guest has written is what the interpreter executes then. */
static void test_written_code(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	kvm_rest(f.cpu);
	CODE(&f, 0xb8, 1, 0, 0, 0, 0xf4); /* mov eax, 1; hlt */
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	kvm_activate(f.cpu);
	poke(&f, TARGET_AT, "\xc6\x05\x01\x00\x01\x00\x07\xf4", 8); /* mov byte [CODE_AT+1], 7 */
	f.cpu->eip = TARGET_AT;
	run(&f);
	/* A step that only the interpreter can make */
	f.cpu->eip = CODE_AT;
	f.cpu->interrupt_shadow = true;
	f.cpu->halted = false;
	vcpu_step(f.cpu);
	CHECK_EQ(f.cpu->regs[EAX], 7);
	poke(&f, TARGET_AT, "\xc6\x05\x01\x00\x01\x00\x08\xf4", 8);
	f.cpu->eip = TARGET_AT;
	run(&f);
	kvm_rest(f.cpu);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 8);
	kvm_destroy(f.cpu); /* one that rests is not the processor's to end */
	fixture_end(&f);
}

/* ---- memory ---- */

static uint32_t register_offset, register_value;

static uint32_t register_read(void *opaque, uint32_t offset, unsigned size)
{
	register_offset = offset;
	return 0x12345678;
}

static void register_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
	register_offset = offset;
	register_value = value;
}

static void test_registers_in_memory(void)
{
	static const struct mmio_ops ops = {
		.read = register_read, .write = register_write, .max_size = 4};
	struct fixture f;

	if (!start(&f))
		return;
	physmem_region_map(physmem_add_mmio(f.mem, "registers", 0x1000, &ops, NULL), 0xfd000000, 0);
	/* mov eax, [FD000010]; mov [FD000020], eax; hlt */
	CODE(&f, 0xa1, 0x10, 0, 0, 0xfd, 0xa3, 0x20, 0, 0, 0xfd, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x12345678);
	CHECK_EQ(register_offset, 0x20);
	CHECK_EQ(register_value, 0x12345678);
	CHECK(f.cpu->kvm->n.exit_mmio >= 2);
	fixture_end(&f);
}

static void test_rom_and_dirty_pages(void)
{
	struct phys_region *ram;
	uint64_t dirty = 0;
	struct fixture f;
	uint8_t *rom;

	if (!start(&f))
		return;
	rom = physmem_alloc(f.mem, "rom", 0x1000);
	memset(rom, 0x77, 0x1000);
	physmem_region_map(physmem_add_rom(f.mem, "rom", 0x1000, rom), 0xfe000000, 0);
	ram = physmem_add_device_ram(f.mem, "vram", 0x8000, physmem_alloc(f.mem, "vram", 0x8000));
	physmem_region_map(ram, 0xfc000000, 0);
	CHECK(physmem_region_take_dirty(ram, &dirty));
	CHECK(!physmem_region_take_dirty(ram, &dirty));
	/* mov eax, [FE000000]; mov [FE000000], ecx; mov [FC003000], eax; hlt */
	CODE(&f, 0xa1, 0, 0, 0, 0xfe, 0x89, 0x0d, 0, 0, 0, 0xfe, 0xa3, 0, 0x30, 0, 0xfc, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x77777777);
	CHECK_EQ(rom[0], 0x77);
	CHECK(physmem_region_take_dirty(ram, &dirty));
	CHECK_EQ(dirty, 1u << 3);
	/* What was written is told of when the memory is moved, too. */
	f.cpu->eip = CODE_AT;
	run(&f);
	physmem_region_map(ram, 0xfb000000, 0);
	enter_protected(&f, 0);
	CODE(&f, 0xf4);
	run(&f);
	CHECK(physmem_region_take_dirty(ram, &dirty));
	CHECK_EQ(dirty, 1u << 3);
	fixture_end(&f);
}

static void test_a20(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	poke32(&f, DATA_AT, 0x1111);
	physmem_write(f.mem, DATA_AT + 0x100000, 0x2222, 4);
	CODE(&f, 0xa1, 0, 0, 0x14, 0, 0xf4); /* mov eax, [DATA_AT + 1 MiB]; hlt */
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x2222);
	vcpu_set_a20(f.cpu, false);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x1111);
	vcpu_set_a20(f.cpu, true);
	f.cpu->eip = CODE_AT;
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 0x2222);
	fixture_end(&f);
}

/* ---- MSRs and CPUID ---- */

static void test_msrs(void)
{
	struct kvm_sregs2 sregs;
	struct fixture f;

	if (!start(&f))
		return;
	/* The APIC's base, read; EFER.NXE, written; one that there is not. */
	CODE(&f, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32, 0x89, 0xc3, /* rdmsr; mov ebx, eax */
	     0xb9, 0x80, 0, 0, 0xc0, 0xb8, 0, 8, 0, 0, 0x31, 0xd2, 0x0f, 0x30,
	     0xb9, 0x99, 0x99, 0, 0, 0x0f, 0x32);
	run(&f);
	CHECK_EQ(f.cpu->regs[EBX], (uint32_t)f.cpu->msr.apic_base);
	CHECK_EQ(f.cpu->msr.efer, EFER_NXE);
	CHECK_EQ(vector_taken(&f), VEC_GP);
	CHECK_EQ(f.cpu->kvm->n.exit_msr, 3);
	kvm_must(f.cpu->kvm, KVM_GET_SREGS2, &sregs);
	CHECK(sregs.efer & EFER_NXE);
	fixture_end(&f);
}

#define TSC_BEHIND 123456789012ull

static uint64_t tsc_offset(void *opaque)
{
	return TSC_BEHIND;
}

/* What the interpreter reads, should KVM leave RDTSC to it. */
static uint64_t tsc_behind(void *opaque)
{
	return __rdtsc() - TSC_BEHIND;
}

static uint64_t guest_tsc(struct fixture *f)
{
	CODE(f, 0x0f, 0x31, 0xf4); /* rdtsc; hlt */
	f->cpu->eip = CODE_AT;
	run(f);
	return (uint64_t)f->cpu->regs[EDX] << 32 | f->cpu->regs[EAX];
}

/*
 * The guest's TSC is what the other engines give, before and after; where KVM keeps the
 * offset, that is the host's less the machine's offset.
 */
static void test_tsc(void)
{
	struct vcpu_ops ops = fixture_ops;
	struct fixture f;
	uint64_t before, value;

	if (!start(&f))
		return;
	ops.tsc_offset = tsc_offset;
	ops.tsc = tsc_behind;
	f.cpu->ops = &ops;
	before = tsc_read(f.cpu);
	value = guest_tsc(&f);
	CHECK(value >= before && value <= tsc_read(f.cpu));
	CHECK(!f.cpu->kvm->keeps_tsc || value <= __rdtsc() - TSC_BEHIND);
	kvm_rest(f.cpu);
	before = value;
	value = guest_tsc(&f);
	CHECK(value > before);
	kvm_activate(f.cpu);
	if (f.cpu->kvm->keeps_tsc)
		f.cpu->msr.tsc_adjust = 5000000000ull; /* WRMSR has been */
	before = tsc_read(f.cpu);
	value = guest_tsc(&f);
	CHECK(value >= before && value <= tsc_read(f.cpu));
	fixture_end(&f);
}

static void test_cpuid(void)
{
	struct report r = {0};
	struct fixture f;
	uint32_t want[4];

	fixture_start(&f);
	enter_protected(&f, 0);
	if (kvm_create(f.cpu, NULL, true, &r) < 0) {
		fixture_end(&f);
		return;
	}
	CHECK_EQ(kvm_missing_features(f.cpu), 0);
	kvm_activate(f.cpu);
	if (!f.cpu->kvm->hardware) /* PVM mixes in what the host's CPUID says: kvm_host.c */
		printf("(not checked without hardware) ");
	for (uint32_t leaf = 0; leaf < 8; leaf++) {
		CODE(&f, 0x0f, 0xa2, 0xf4); /* cpuid; hlt */
		enter_protected(&f, 0);
		f.cpu->regs[EAX] = leaf;
		f.cpu->regs[ECX] = 0;
		cpuid_leaf(f.cpu, leaf, 0, want);
		run(&f);
		if (f.cpu->kvm->hardware || leaf != 7) /* there how many more subleaves the host has */
			CHECK_EQ(f.cpu->regs[EAX], want[0]);
		if (!f.cpu->kvm->hardware)
			continue;
		CHECK_EQ(f.cpu->regs[EBX], want[1]);
		CHECK_EQ(f.cpu->regs[ECX], want[2]);
		CHECK_EQ(f.cpu->regs[EDX], want[3]);
	}
	fixture_end(&f);
}

UNIT_MAIN("kvm", {"state", test_state}, {"modes", test_modes}, {"a program", test_program},
	  {"changes of engine", test_changes}, {"code that was written", test_written_code},
	  {"registers in memory", test_registers_in_memory},
	  {"ROM and dirty pages", test_rom_and_dirty_pages}, {"A20", test_a20},
	  {"MSRs", test_msrs}, {"TSC", test_tsc}, {"CPUID", test_cpuid})
