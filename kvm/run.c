/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM engine's loop: memory and registers to KVM, events, KVM_RUN, and what
 * made it return.
 *
 * Interrupts: the vector is fetched from the monitor's controllers and given by
 * KVM_INTERRUPT when the guest can take it at once; until then KVM is asked to
 * return as soon as it can.
 *
 * Who wants the thread (vcpu_kick()) sets immediate_exit, with which KVM_RUN
 * returns without having begun, and sends a signal if it may have begun. The loop
 * clears it before it looks at `pending`, so no kick is lost.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cpu/block.h"
#include "cpu/fpu.h"
#include "cpu/run.h"
#include "cpu/table.h"
#include "kvm/kvm_internal.h"

#define KICK_SIGNAL (SIGRTMIN + 7)

/* The processor that this thread runs, for kicks that come from the thread itself. */
static _Thread_local const struct vcpu *running;

/* ---- kicks ---- */

static void on_kick(int number)
{
	/* KVM_RUN has returned: all that it was for. */
}

/* The same for all machines of the process; never taken back. */
static void install_handler(void)
{
	struct sigaction sa = {.sa_handler = on_kick, .sa_flags = SA_ONSTACK};
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigaction(KICK_SIGNAL, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void set_immediate_exit(struct kvm *k, uint8_t value)
{
	__atomic_store_n(&k->run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

static void kvm_kicked(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	set_immediate_exit(k, 1);
	if (running != cpu && atomic_load(&k->inside))
		tgkill(getpid(), k->thread, KICK_SIGNAL);
}

/* ---- entering ---- */

bool kvm_enter(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	int result, error;

	k->n.entries++;
	atomic_store(&k->inside, true);
	result = ioctl(k->processor, KVM_RUN, 0);
	error = errno;
	atomic_store(&k->inside, false);
	k->newer = k->written = true;
	k->completing = false;
	kvm_memory_flush(cpu);
	if (result == 0)
		return true;
	if (error == EINTR || error == EAGAIN) {
		k->n.exit_signal++;
		return false;
	}
	k->run->exit_reason = KVM_EXIT_UNKNOWN;
	return true;
}

void kvm_complete(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	while (k->completing) {
		set_immediate_exit(k, 1);
		if (kvm_enter(cpu))
			kvm_exit_access(cpu);
	}
}

/* ---- events ---- */

static bool interruptible(const struct vcpu *cpu)
{
	const struct kvm *k = cpu->kvm;

	if (k->newer)
		return k->run->ready_for_interrupt_injection && k->run->if_flag && !k->completing;
	return cpu->eflags & FL_IF && !cpu->interrupt_shadow && !cpu->debug_shadow;
}

/* As run_service() does it: fetches a vector only when it can be taken. What is given wakes. */
static void offer_interrupt(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;
	struct kvm_interrupt irq;
	int vector;

	k->run->request_interrupt_window = 0;
	if (!(atomic_load(&cpu->pending) & PENDING_IRQ))
		return;
	if (!interruptible(cpu)) {
		k->run->request_interrupt_window = 1;
		return;
	}
	vector = cpu->ops->acknowledge(cpu->opaque);
	if (vector < 0)
		return;
	irq.irq = (uint32_t)vector;
	kvm_must(k, KVM_INTERRUPT, &irq);
	k->n.interrupts++;
	cpu->halted = false;
	/* Another one may be due behind it. */
	k->run->request_interrupt_window = !!(atomic_load(&cpu->pending) & PENDING_IRQ);
}

/* KVM holds it until the guest can take it; one that it has when the state is taken comes back. */
static void offer_nmi(struct vcpu *cpu)
{
	if (!(atomic_load(&cpu->pending) & PENDING_NMI))
		return;
	atomic_fetch_and(&cpu->pending, ~PENDING_NMI);
	kvm_must(cpu->kvm, KVM_NMI, NULL);
	cpu->kvm->n.interrupts++;
	cpu->halted &= cpu->nmi_blocked;
}

/* Whether there may be something to execute. A halted processor's state has been taken. */
static bool awake(const struct vcpu *cpu)
{
	uint32_t pending = atomic_load(&cpu->pending);

	return !cpu->halted || (pending & PENDING_NMI && !cpu->nmi_blocked) ||
	       (pending & PENDING_IRQ && interruptible(cpu));
}

/* ---- the loop ---- */

/* Returns false when the run is to end. */
static bool turn(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	/*
	 * The instruction that waits for a device may end with an exception, and KVM would
	 * drop an interrupt beside it: so it ends first.
	 */
	if (atomic_load(&cpu->pending) & PENDING_IRQ)
		kvm_complete(cpu);
	set_immediate_exit(k, 0);
	if (atomic_load(&cpu->pending) & ~(PENDING_IRQ | PENDING_NMI) || cpu->shutdown ||
	    !awake(cpu))
		return false;
	kvm_memory_update(cpu);
	if (k->refused || !kvm_state_give(cpu)) {
		if (run_service(cpu))
			kvm_refused(cpu);
		return true;
	}
	offer_nmi(cpu);
	offer_interrupt(cpu);
	if (cpu->halted) /* there was no vector after all */
		return false;
	if (kvm_enter(cpu))
		kvm_exit(cpu);
	return true;
}

static void begin(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	running = cpu;
	if (k->thread != gettid()) {
		k->thread = gettid();
		install_handler();
	}
}

static void kvm_run_engine(struct vcpu *cpu)
{
	int reason;

	begin(cpu);
	reason = sigsetjmp(cpu->unwind, 0);
	run_resume(cpu, reason);
	fpu_leave(cpu);
	while (cpu->fuel > 0 && turn(cpu))
		;
	kvm_state_take(cpu); /* may unwind, and comes here again */
	cpu->cur = NULL;
	fpu_leave(cpu);
	running = NULL;
}

/* ---- one instruction ---- */

static void guest_debug(struct kvm *k, uint32_t control)
{
	struct kvm_guest_debug d = {.control = control};

	kvm_must(k, KVM_SET_GUEST_DEBUG, &d);
}

/*
 * KVM steps by a TF of its own (SDM 3B 18.3.1.4). Instructions that show TF, load it, lose
 * it in a handler or put the trap off (PUSHF, IRET, INT n, MOV SS, ...) the interpreter does.
 */
static bool interpreters(struct vcpu *cpu)
{
	unsigned class = insn_table[block_find(cpu)->insns[0].row].class;

	return class == SENSITIVE || class == PRIVILEGED || class == FAR;
}

/*
 * So do those that fault: a frame would show TF, and the guest run on in its handler. With
 * no handler to be found there is a shutdown instead, before which nothing is changed.
 */
static void set_handlers(struct vcpu *cpu, bool there)
{
	struct kvm_sregs2 sregs;

	kvm_must(cpu->kvm, KVM_GET_SREGS2, &sregs);
	sregs.idt.limit = there ? (uint16_t)cpu->idtr.limit : 0;
	kvm_must(cpu->kvm, KVM_SET_SREGS2, &sregs);
}

/* Until KVM has executed one, or left. */
static void step_in_kvm(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	set_handlers(cpu, false);
	guest_debug(k, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
	do
		set_immediate_exit(k, 0);
	while (!kvm_enter(cpu));
	guest_debug(k, 0);
	set_handlers(cpu, true);
}

static void step_once(struct vcpu *cpu)
{
	struct kvm *k = cpu->kvm;

	if (interpreters(cpu)) {
		kvm_interpret(cpu);
		return;
	}
	kvm_memory_update(cpu);
	if (!kvm_state_give(cpu)) {
		kvm_refused(cpu);
		return;
	}
	step_in_kvm(cpu);
	if (k->run->exit_reason == KVM_EXIT_SHUTDOWN) {
		kvm_state_drop(k);
		kvm_interpret(cpu);
		return;
	}
	/* One that accesses a device is ended by taking the state. */
	if (k->run->exit_reason == KVM_EXIT_DEBUG)
		k->n.stepped++;
	else
		kvm_exit(cpu);
	kvm_state_take(cpu);
}

/*
 * What needs the interpreter's care (TF, breakpoints of the guest, shadows) is not
 * for KVM, which would show the guest a TF of the debugger's; nor are events.
 */
static bool kvm_step(struct vcpu *cpu)
{
	int reason;

	kvm_forget_blocks(cpu); /* for whoever steps */
	if (!cpu->kvm->debug_exits || run_needs_step(cpu) || cpu->halted || cpu->shutdown ||
	    atomic_load(&cpu->pending) & (PENDING_IRQ | PENDING_NMI))
		return false;
	begin(cpu);
	reason = sigsetjmp(cpu->unwind, 0);
	run_resume(cpu, reason);
	if (reason)
		kvm_state_take(cpu);
	else
		step_once(cpu);
	cpu->cur = NULL;
	fpu_leave(cpu);
	running = NULL;
	return true;
}

/* ---- the engine ---- */

static int64_t kvm_ahead(const struct vcpu *cpu)
{
	return 0;
}

static void kvm_memory_changed(struct vcpu *cpu)
{
	cpu->kvm->map_stale = true;
}

/* Nothing is kept of the guest's code and translations: they are KVM's business. */
static void ignore_code(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
}

static void ignore_entry(struct vcpu *cpu, unsigned view, gva_t page)
{
}

static void ignore(struct vcpu *cpu)
{
}

static const struct engine_ops kvm_ops = {
	.name = "kvm",
	.run = kvm_run_engine,
	.destroy = kvm_destroy,
	.ahead = kvm_ahead,
	.kicked = kvm_kicked,
	.code_written = ignore_code,
	.tlb_entry_dropped = ignore_entry,
	.map_changed = ignore,
	.asids_renewed = ignore,
	.memory_changed = kvm_memory_changed,
	.report_writes = kvm_memory_report,
	.step = kvm_step,
};

void kvm_activate(struct vcpu *cpu)
{
	cpu->kvm->map_stale = true;
	cpu->engine = &kvm_ops;
}

void kvm_rest(struct vcpu *cpu)
{
	kvm_memory_report(cpu);
	block_cache_flush(cpu);
	cpu->kvm->blocks_stale = false;
	cpu->engine = NULL;
}
