/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The KVM engine, beside the interpreter: single steps, interrupts, traps, kicks. */
#include <pthread.h>
#include <unistd.h>

#include "kvm_fixture.h"

/* ---- steps ---- */

/* After each instruction both engines agree. */
static void test_steps(void)
{
	struct fixture f, reference;

	if (!start(&f))
		return;
	fixture_start(&reference);
	enter_protected(&reference, 0);
	CODE(&f, PROGRAM);
	CODE(&reference, PROGRAM);
	for (unsigned n = 0; n < 200 && !reference.cpu->halted; n++) {
		vcpu_step(f.cpu);
		vcpu_step(reference.cpu);
		CHECK_EQ(f.cpu->eip, reference.cpu->eip);
		check_same(f.cpu, reference.cpu);
		if (f.cpu->eip != reference.cpu->eip)
			break;
	}
	CHECK(f.cpu->halted && reference.cpu->halted);
	CHECK(f.cpu->kvm->n.stepped > 50);
	fixture_end(&f);
	fixture_end(&reference);
}

/*
 * What a step by TF gets wrong: TF is shown or lost, or the guest runs on in a handler. Some
 * write code or memory first. The handlers, which are HLTs, are not entered.
 */
static void step_both(const char *code, size_t size)
{
	struct fixture f, reference;

	if (!start(&f))
		return;
	fixture_start(&reference);
	enter_protected(&reference, 0);
	poke(&f, CODE_AT, code, size);
	poke(&reference, CODE_AT, code, size);
	for (unsigned n = 0; n < 8 && !reference.cpu->halted; n++) {
		vcpu_step(f.cpu);
		vcpu_step(reference.cpu);
		check_same(f.cpu, reference.cpu);
		for (unsigned i = 0; i < 4; i++)
			CHECK_EQ(peek32(&f, f.cpu->regs[ESP] + 4 * i),
				 peek32(&reference, reference.cpu->regs[ESP] + 4 * i));
		CHECK_EQ(peek32(&f, DATA_AT), peek32(&reference, DATA_AT));
	}
	fixture_end(&f);
	fixture_end(&reference);
}

#define STEP(bytes) step_both(bytes "\xf4", sizeof(bytes))

static void test_hard_steps(void)
{
	STEP("\x9c\x58");				/* pushf; pop eax */
	STEP("\x9c\x9d\x40");			/* pushf; popf; inc eax */
	STEP("\x9c\x0e\x68\x08\x00\x01\x00\xcf");	/* pushf; push cs; push CODE_AT+8; iret */
	STEP("\x90\xcc");			/* int3 */
	STEP("\x90\xcd\x30");			/* int 0x30 */
	STEP("\x90\x0f\x0b");			/* ud2 */
	STEP("\x31\xc9\xf7\xf1");		/* xor ecx, ecx; div ecx */
	STEP("\x8c\xd0\x8e\xd0\x40\x40");	/* mov eax, ss; mov ss, eax; inc eax; inc eax */
	STEP("\xfb\x40\x40");			/* sti; inc eax; inc eax */
	STEP("\x0f\x01\x0d\x00\x00\x04\x00");	/* sidt [DATA_AT] */
	STEP("\x6a\x07\x8f\x05\x00\x00\x04\x00"); /* push 7; pop [DATA_AT] */
	STEP("\x83\xc8\xff\x62\x05\x00\x00\x04\x00"); /* or eax, -1; bound eax, [DATA_AT] */
	STEP("\xc6\x05\x09\x00\x01\x00\x90\x90\x90\xf4"); /* mov byte [CODE_AT+9], 0x90 */
}

/* ---- events ---- */

static void test_interrupt(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	/* Held off until the instruction behind STI. */
	CODE(&f, 0x90, 0xfb, 0x40, 0x40, 0xf4);
	f.next_vector = 0x50;
	vcpu_set_intr(f.cpu, 1);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x50);
	CHECK_EQ(f.cpu->eflags & FL_IF, 0);
	if (f.cpu->kvm->hardware) { /* an emulation looks for windows less often */
		CHECK_EQ(pushed(&f, 0), CODE_AT + 3);
		CHECK(f.cpu->kvm->n.exit_window > 0);
	}
	fixture_end(&f);
}

static void test_halted(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	CODE(&f, 0xfb, 0xf4, 0xfa, 0xf4); /* sti; hlt; cli; hlt */
	run(&f);
	CHECK(f.cpu->halted);
	CHECK_EQ(f.cpu->eip, CODE_AT + 2);
	f.next_vector = 0x51;
	vcpu_set_intr(f.cpu, 1);
	f.cpu->fuel = 1000;
	vcpu_run(f.cpu);
	CHECK_EQ(vector_taken(&f), 0x51);
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	fixture_end(&f);
}

/* A request that is gone when its vector is asked for wakes nobody. */
static void test_spurious(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	CODE(&f, 0x31, 0xc0, 0xfb, 0xf4, 0x40, 0xf4); /* xor eax, eax; sti; hlt; inc eax; hlt */
	run(&f);
	f.next_vector = -1;
	vcpu_set_intr(f.cpu, 1);
	f.cpu->fuel = 1000;
	vcpu_run(f.cpu);
	CHECK(f.cpu->halted);
	CHECK_EQ(f.cpu->regs[EAX], 0);
	CHECK_EQ(f.cpu->eip, CODE_AT + 4);
	fixture_end(&f);
}

/* HLT with TF: the trap comes before anything halts, and wakes (SDM 2A, HLT). */
static void test_halt_with_trap(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	CODE(&f, 0x90, 0xf4, 0x90);
	f.cpu->eip++;
	f.cpu->eflags |= FL_TF;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DB);
	CHECK_EQ(f.cpu->eip, handler(VEC_DB) + 1); /* its HLT was executed */
	CHECK_EQ(pushed(&f, 0), CODE_AT + 2);
	CHECK(f.cpu->dr[6] & 1u << 14); /* BS */
	fixture_end(&f);
}

static void test_nmi(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	CODE(&f, 0x90, 0x90, 0xf4);
	vcpu_nmi(f.cpu);
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_NMI);
	CHECK(f.cpu->nmi_blocked);
	vcpu_nmi(f.cpu); /* waits for IRET */
	f.cpu->fuel = 1000;
	vcpu_run(f.cpu);
	CHECK(f.cpu->halted);
	CHECK(atomic_load(&f.cpu->pending) & PENDING_NMI);
	fixture_end(&f);
}

/* An interrupt that was given to KVM and not delivered when the state is taken. */
static void test_settled(void)
{
	struct kvm_interrupt irq = {.irq = 0x52};
	struct fixture f;

	if (!start(&f))
		return;
	f.cpu->eflags |= FL_IF;
	CHECK(kvm_state_give(f.cpu));
	kvm_must(f.cpu->kvm, KVM_INTERRUPT, &irq);
	f.cpu->kvm->newer = true;
	kvm_state_take(f.cpu);
	CHECK_EQ(f.cpu->eip, handler(0x52));
	CHECK_EQ(pushed(&f, 0), CODE_AT);
	CHECK_EQ(f.cpu->kvm->n.settled, 1);
	run(&f);
	CHECK_EQ(vector_taken(&f), 0x52);
	CHECK_EQ(f.cpu->regs[ESP], STACK0_TOP - 12);
	fixture_end(&f);
}

/*
 * An INT n that was under way, which KVM does not tell of: EIP is still there, and who goes
 * on elsewhere must not meet it.
 */
static void test_settled_int(void)
{
	struct kvm_vcpu_events events;
	struct fixture f;

	if (!start(&f))
		return;
	CHECK(kvm_state_give(f.cpu));
	kvm_must(f.cpu->kvm, KVM_GET_VCPU_EVENTS, &events);
	events.interrupt.injected = events.interrupt.soft = 1;
	events.interrupt.nr = 0x54;
	kvm_must(f.cpu->kvm, KVM_SET_VCPU_EVENTS, &events);
	f.cpu->kvm->newer = true;
	kvm_state_take(f.cpu);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	CODE(&f, 0x90, 0xf4);
	run(&f);
	CHECK(f.cpu->halted);
	CHECK_EQ(f.cpu->eip, CODE_AT + 2);
	fixture_end(&f);
}

static void test_triple_fault(void)
{
	struct fixture f;

	if (!start(&f))
		return;
	f.cpu->idtr.limit = 0;
	CODE(&f, 0x8e, 0xd8); /* mov ds, eax */
	f.cpu->regs[EAX] = 0xfff8;
	run(&f);
	CHECK(f.cpu->shutdown);
	CHECK_EQ(f.shutdowns, 1);
	vcpu_reset(f.cpu);
	enter_protected(&f, 0);
	CODE(&f, 0x40, 0xf4);
	run(&f);
	CHECK_EQ(f.cpu->regs[EAX], 1);
	fixture_end(&f);
}

static void *kick_later(void *arg)
{
	usleep(20000);
	vcpu_kick(arg, PENDING_WORK);
	return NULL;
}

static void test_kick(void)
{
	struct fixture f;
	pthread_t thread;

	if (!start(&f))
		return;
	CODE(&f, 0xeb, 0xfe); /* for ever */
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, kick_later, f.cpu) == 0);
	run(&f);
	pthread_join(thread, NULL);
	CHECK(!f.cpu->halted);
	CHECK_EQ(f.cpu->eip, CODE_AT);
	CHECK(f.cpu->kvm->n.exit_signal > 0);
	fixture_end(&f);
}

static void ignore_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
}

static uint32_t read_and_interrupt(void *opaque, uint32_t offset, unsigned size)
{
	vcpu_set_intr(opaque, 1);
	return 0;
}

/* The exception of an instruction that has read a device comes before an interrupt. */
static void test_fault_after_read(void)
{
	static const struct mmio_ops ops = {
		.read = read_and_interrupt, .write = ignore_write, .max_size = 4};
	struct fixture f;

	if (!start(&f))
		return;
	physmem_region_map(physmem_add_mmio(f.mem, "registers", 0x1000, &ops, f.cpu), 0xfd000000,
			   0);
	CODE(&f, 0xf7, 0x35, 0x10, 0, 0, 0xfd); /* div dword [FD000010] */
	f.cpu->eflags |= FL_IF;
	f.next_vector = 0x53;
	run(&f);
	CHECK_EQ(vector_taken(&f), VEC_DE);
	CHECK_EQ(pushed(&f, 0), CODE_AT);
	CHECK_EQ(f.next_vector, 0x53); /* nobody has asked for it */
	CHECK(atomic_load(&f.cpu->pending) & PENDING_IRQ);
	CHECK_EQ(f.cpu->kvm->n.interrupts, 0);
	fixture_end(&f);
}

UNIT_MAIN("kvm_events", {"single steps", test_steps}, {"hard steps", test_hard_steps},
	  {"interrupt", test_interrupt}, {"halted", test_halted},
	  {"spurious interrupt", test_spurious}, {"halted with TF", test_halt_with_trap},
	  {"NMI", test_nmi}, {"settled events", test_settled},
	  {"INT n under way", test_settled_int}, {"triple fault", test_triple_fault},
	  {"kick", test_kick}, {"a fault after a read", test_fault_after_read})
