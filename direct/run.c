/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running ring 3 in a stub until something needs the monitor. All but page faults
 * that a mapping resolves goes the same way: the state comes back, and the
 * interpreter executes the instruction at EIP, faults and all.
 */
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host_time.h"
#include "base/log.h"
#include "cpu/access.h"
#include "cpu/block.h"
#include "cpu/walk.h"
#include "direct/direct_internal.h"

/*
 * A signal that nobody minds by default, so that the sandbox can let it be sent to
 * anybody; a traced task stops at it all the same.
 */
#define KICK_SIGNAL SIGURG
#define INT_BYTES   2

void direct_kick(struct direct *d)
{
	pid_t task = atomic_load(&d->running);

	if (task)
		syscall(SYS_tgkill, atomic_load(&d->running_group), task, KICK_SIGNAL);
}

bool direct_rests(const struct direct *d)
{
	return d->rests;
}

void direct_stepped(struct direct *d)
{
	d->rests = true;
}

/* A page has been mapped for the instruction at EIP. */
static void note_fill(struct direct *d)
{
	d->filled = true;
	d->fill_eip = d->cpu->eip;
}

static bool wants_attention(const struct vcpu *cpu)
{
	return atomic_load(&cpu->pending) & ~(cpu->nmi_blocked ? PENDING_NMI : 0u);
}

/* ---- stops ---- */

/*
 * The length of the instruction at EIP; 0: it is none. Its page's end may cut it off:
 * only then is the next page fetched from, which may unwind, as the guest's own fetch.
 */
static unsigned length_at(struct direct *d, uint32_t eip)
{
	unsigned left = PAGE_SIZE - (eip & (PAGE_SIZE - 1));
	uint8_t bytes[INSN_MAX_LENGTH];
	enum decode_status status;
	const uint8_t *code;
	struct insn in;
	gpa_t gpa;

	left = left < sizeof(bytes) ? left : (unsigned)sizeof(bytes);
	code = block_fetch(d->cpu, eip, &gpa);
	if (!code)
		return 0;
	memcpy(bytes, code, left);
	status = decode_insn(d->decoder, bytes, left, true, &in);
	if (status == DECODE_MORE) {
		code = block_fetch(d->cpu, eip + left, &gpa);
		if (!code)
			return 0;
		memcpy(bytes + left, code, sizeof(bytes) - left);
		status = decode_insn(d->decoder, bytes, sizeof(bytes), true, &in);
	}
	return status == DECODE_OK ? in.length : 0;
}

/* Whether the fault at `page` is the fetch of an instruction's second part. */
static bool is_second_fetch(struct stub *s, uint32_t eip, uint32_t page)
{
	if (page != (eip >> PAGE_SHIFT) + 1 || mem_window_executable(s->window, page))
		return false;
	return (eip & (PAGE_SIZE - 1)) + INSN_MAX_LENGTH > PAGE_SIZE;
}

/* Makes a page that is fit executable. May unwind. */
static bool show_code(struct direct *d, struct stub *s, uint32_t page, const struct code_record *r)
{
	bool again;

	d->n.fetches++;
	note_fill(d);
	do {
		guards_place(s, page, r);
		if (!space_stub_fill(d->cpu, page << PAGE_SHIFT, false))
			return false;
		if (mem_window_executable(s->window, page)) {
			s->shows = true;
			policy_fetched(d);
			return true;
		}
		again = !r->unfit && !guards_cover(&s->guards, page, r);
	} while (again); /* it needs more than before, no more than GUARDS */
	return false;
}

static enum direct_result fetch_second(struct direct *d, struct stub *s, uint32_t eip,
				       uint32_t page)
{
	unsigned length = length_at(d, eip); /* may unwind: it is the guest's fault */
	const struct code_record *r;

	if (!length || !page_fit(d, eip) || (eip + length) >> PAGE_SHIFT != page)
		return DIRECT_STEP;
	r = page_fit(d, eip + length);
	return r && show_code(d, s, page, r) ? DIRECT_RAN : DIRECT_STEP;
}

/*
 * Whether a read would set accessed bits of a page that must not be written: after fork(),
 * all that parent and child share. A write, which is not told from it, would not set them, so
 * the interpreter has to say; once they are set, nothing is lost.
 */
static bool read_shows(struct vcpu *cpu, uint32_t address)
{
	struct walk w = WALK_START;

	return walk_tables(cpu, address, &w) && !walk_bits_set(&w, false) &&
	       !walk_allows(cpu, &w, ACCESS_WRITE, true);
}

static enum direct_result page_fault(struct direct *d, struct stub *s, uint32_t address)
{
	uint32_t eip = d->cpu->eip, page = address >> PAGE_SHIFT, frame;
	bool mapped, writable;

	d->n.faults++;
	if (page == eip >> PAGE_SHIFT && !mem_window_executable(s->window, page))
		return DIRECT_RAN; /* a fetch: looked at before the next run */
	if (is_second_fetch(s, eip, page) &&
	    length_at(d, eip) > PAGE_SIZE - (eip & (PAGE_SIZE - 1)))
		return fetch_second(d, s, eip, page);
	/* Whether it was a write is not told: the first try is for a read. */
	mapped = mem_window_lookup(s->window, page, &frame, &writable);
	if ((mapped && writable) || (!mapped && read_shows(d->cpu, address)) ||
	    !space_stub_fill(d->cpu, address, mapped)) {
		s->faulted = true;
		s->fault = address;
		return DIRECT_STEP;
	}
	d->n.fills++;
	note_fill(d);
	return DIRECT_RAN;
}

static enum direct_result segfault(struct direct *d, struct stub *s)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, s->guest, NULL, &info) < 0)
		return DIRECT_STEP;
	if ((info.si_code != SEGV_MAPERR && info.si_code != SEGV_ACCERR) ||
	    (uint64_t)(uintptr_t)info.si_addr >> 32)
		return DIRECT_STEP; /* #GP and the like; INT 80h too without IA32 emulation */
	return page_fault(d, s, (uint32_t)(uintptr_t)info.si_addr);
}

/* INT3 has been executed: CC, or CD 03. #DB by TF, which POPF has set, is a trap. */
static enum direct_result trap(struct direct *d, struct stub *s)
{
	struct vcpu *cpu = d->cpu;
	siginfo_t info;
	const uint8_t *last;
	gpa_t gpa;

	if (ptrace(PTRACE_GETSIGINFO, s->guest, NULL, &info) < 0)
		return DIRECT_STEP;
	if (d->mode == DIRECT_STEPS && step_ended(d, &info))
		return DIRECT_RAN;
	if (info.si_code == TRAP_HWBKPT) {
		guards_hit(d, s);
		return DIRECT_STEP;
	}
	if (info.si_code != SI_KERNEL) {
		LOG(LOG_VM, "a stub has trapped at %#x, code %d", cpu->eip, info.si_code);
		raise_debug_fault(cpu, DR6_BS);
	}
	last = block_fetch(cpu, cpu->eip - 1, &gpa);
	cpu->eip -= last && *last == 0xcc ? 1 : INT_BYTES;
	return DIRECT_STEP;
}

/* Code that no page was verified with: the real machine's answer would be a fault. */
static _Noreturn void escaped(struct direct *d, struct stub *s)
{
	d->n.escapes++;
	stub_lose(s);
	policy_escaped(d);
	raise_gp(d->cpu, 0);
}

static enum direct_result stopped(struct direct *d, struct stub *s, int status)
{
	struct vcpu *cpu = d->cpu;

	d->rests = false;
	if (task_at_call(status)) {
		d->n.syscalls++;
		cpu->eip -= INT_BYTES;
		return DIRECT_STEP;
	}
	switch (WSTOPSIG(status)) {
	case SIGSEGV:
		return segfault(d, s);
	case SIGTRAP:
		return trap(d, s);
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
		return DIRECT_STEP;
	default: /* a kick, or somebody else's signal */
		d->n.kicks++;
		/* It may have come before anything was executed. */
		d->rests = !d->filled || cpu->eip != d->fill_eip;
		d->filled = false;
		return DIRECT_RAN;
	}
}

/* ---- running ---- */

static bool start_guest(const struct direct *d, pid_t guest)
{
	return d->mode == DIRECT_STEPS ? task_step_guest(guest) : task_run_guest(guest);
}

/* Until it stops. Returns whether what came back is guest state. */
static bool run_stub(struct direct *d, struct stub *s, int *status)
{
	struct user_regs_struct regs;
	uint64_t start;
	bool alive;

	if (!state_load(s, d->cpu))
		return false;
	if (wants_attention(d->cpu)) /* loading may have run the task, which took the signal */
		direct_kick(d);
	start = host_time_ns();
	if (!start_guest(d, s->guest))
		return false;
	d->n.runs++;
	alive = task_wait(s->guest, status);
	atomic_store(&d->running, 0);
	policy_ran(d, host_time_ns() - start);
	return alive && task_regs(s->guest, &regs) && state_save(s, d->cpu, &regs);
}

/*
 * Makes the code at EIP executable if it may be, and returns its page's record; NULL: it may
 * not. May unwind with the fetch's fault.
 */
static const struct code_record *ready_code(struct direct *d, struct stub *s)
{
	uint32_t eip = d->cpu->eip, page = eip >> PAGE_SHIFT;
	const struct code_record *r = page_fit(d, eip);

	if (!r) {
		d->n.refused_page++;
		return NULL;
	}
	return mem_window_executable(s->window, page) || show_code(d, s, page, r) ? r : NULL;
}

/* What the stub has to know before it runs. As ready_code(). */
static const struct code_record *make_ready(struct direct *d, struct stub *s)
{
	const struct code_record *r = ready_code(d, s);

	if (!r || !stub_flush(s))
		return NULL;
	if (guards_load(s->guest, &s->guards))
		return r;
	stub_lose(s);
	return NULL;
}

/* One run and what follows. */
static enum direct_result run_once(struct direct *d, struct stub *s)
{
	struct vcpu *cpu = d->cpu;
	enum direct_result result;
	int status;
	bool fine;

	/* From here on a kick stops the guest, even if it comes before it has begun. */
	atomic_store(&d->running_group, s->mapper);
	atomic_store(&d->running, s->guest);
	if (wants_attention(cpu)) {
		atomic_store(&d->running, 0);
		return DIRECT_RAN;
	}
	placement_together(s);
	fine = run_stub(d, s, &status);
	atomic_store(&d->running, 0);
	if (!fine)
		escaped(d, s);
	result = stopped(d, s, status);
	if (result == DIRECT_STEP)
		d->n.traps++;
	if (WSTOPSIG(status) != KICK_SIGNAL)
		policy_trapped(d);
	return result;
}

/* What the guest has done about a page fault is shown before it tries again, not after. */
static void fill_what_faulted(struct direct *d, struct stub *s)
{
	if (!s->faulted)
		return;
	s->faulted = false;
	d->n.prefills++;
	space_stub_prefill(d->cpu, s->fault);
}

static bool allowed(struct direct *d)
{
	if (rules_allow(d->cpu))
		return true;
	d->n.refused_state++;
	return false;
}

enum direct_result direct_run(struct direct *d)
{
	struct vcpu *cpu = d->cpu;
	enum direct_result result;
	struct stub *s;

	if (!allowed(d))
		return DIRECT_REFUSED;
	s = stub_current(d);
	if (!s) {
		d->n.refused_stub++;
		return DIRECT_REFUSED;
	}
	if (s->shows && space_stub_empty(cpu)) { /* after exit() a new one has its directory */
		s->shows = false;
		policy_ended(d);
		if (!direct_wanted(d))
			return DIRECT_REFUSED;
	}
	fill_what_faulted(d, s);
	do {
		const struct code_record *r = allowed(d) ? make_ready(d, s) : NULL;

		if (!r) {
			/* One that goes on translated anyway is not to ask at each return to it. */
			policy_refused(d);
			return DIRECT_REFUSED;
		}
		if (page_guarded_at(r, cpu->eip)) { /* it would be run into at once */
			d->n.guard_steps++;
			return DIRECT_STEP;
		}
		if (d->mode == DIRECT_STEPS && !step_fits(d))
			return DIRECT_STEP;
		result = run_once(d, s);
	} while (result == DIRECT_RAN && d->mode != DIRECT_STEPS && !wants_attention(cpu) &&
		 direct_wanted(d));
	return result;
}
