/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct execution: guest ring-3 code runs natively, as 32-bit code of host
 * processes that have nothing but a guest address space's ring-3 pages in their
 * low 4 GiB (stubs).
 *
 * The guest is never trusted to leave a stub by itself: each stub is traced
 * (ptrace(2)), and whatever its code does that needs somebody else (a fault, a
 * signal, a system call, which is not performed) stops it. The state is then
 * the kernel's, not something that guest code has written; the machine thread
 * moves it to struct vcpu and has the interpreter do the instruction. Nothing
 * of the monitor is mapped in a stub, and nothing in it is writable but the
 * guest's own pages; a filter denies every system call on top of that.
 *
 * Only what is exact natively runs so (rules.c, verify_page.c). Everything else is
 * the translator's, which asks before it enters a block of ring 3.
 *
 * All functions are for the machine thread, but for direct_kick().
 */
#ifndef DIRECT_DIRECT_H
#define DIRECT_DIRECT_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "cpu/engine.h"
#include "cpu/vcpu.h"

struct direct;

/* ---- counters: name, what it counts ---- */
#define DIRECT_COUNTERS(X)                                                                         \
	X(runs, "times ring 3 was continued in a stub")                                            \
	X(kept, "of those, with the registers that the stub still had")                            \
	X(traps, "of those, ended by an instruction that was interpreted then")                    \
	X(faults, "ended by a page fault")                                                         \
	X(fills, "of those, resolved by a mapping")                                                \
	X(prefills, "pages shown, if they could be, when the guest came back from a page fault")   \
	X(fetches, "ended at code that was not mapped or not executable yet")                      \
	X(syscalls, "ended by a system call")                                                      \
	X(kicks, "ended because somebody wanted attention")                                        \
	X(guard_hits, "ended by a guard, in front of an instruction that is not to run natively")  \
	X(guard_steps, "not begun: the instruction has a guard, and was interpreted")              \
	X(guards_placed, "pages whose guards were put in place")                                   \
	X(escapes, "ended by code that only an attack leads to")                                   \
	X(refused_state, "not begun: the processor's state is the translator's")                   \
	X(refused_page, "not begun: the page has code that would not be exact")                    \
	X(refused_stub, "not begun: no stub could be had")                                         \
	X(pages_verified, "pages of code looked at for the first time")                            \
	X(pages_unfit, "of those and later, found to have such code")                              \
	X(pages_written, "pages of code written, to be looked at again")                           \
	X(entry_points, "places that code was looked at from")                                     \
	X(fpu_loads, "times x87 and SSE state was moved into a stub")                              \
	X(stubs_made, "stubs made")                                                                \
	X(stubs_moved, "stubs made again for another address space")                               \
	X(stubs_lost, "stubs that died or could not follow")                                       \
	X(batches, "batches of mapping calls performed in stubs")                                  \
	X(calls, "mapping calls in those")                                                         \
	X(promotions, "address spaces moved to direct execution")                                  \
	X(demotions, "address spaces moved back because they kept trapping")                       \
	X(worth_much, "times that a program's code was found worth it")                            \
	X(worth_little, "times that it was found not to be")

struct direct_counters {
#define X(name, text) uint64_t name;
	DIRECT_COUNTERS(X)
#undef X
};

/* ---- direct.c ---- */
/* Returns 0 or -errno. The processor keeps a shadow with windows (space_enable()). */
int direct_create(struct direct **out, struct vcpu *cpu, enum direct_mode mode);
/* After space_disable(). */
void direct_destroy(struct direct *d);
/*
 * Makes the process that stubs come from and finds out what the host offers. By
 * the thread that will run the guest, when all guest memory has been made, and
 * before the process gives up fork(2). Where something is missing a line goes
 * to the log and everything is refused from then on. Only the first call counts.
 */
void direct_start(struct direct *d);
/* As lines of text for people; out is called for each. */
void direct_print(const struct direct *d, void (*out)(void *arg, const char *line), void *arg);
const struct direct_counters *direct_counters(const struct direct *d);

/* ---- run.c ---- */
enum direct_result {
	DIRECT_REFUSED, /* nothing has happened: translate */
	DIRECT_RAN,	/* look for events, then ask again */
	DIRECT_STEP,	/* the same, but the next instruction is to be interpreted */
};
/* Runs ring 3 from CS:EIP on. cpu->fx is whole. May unwind with a fault of the guest. */
enum direct_result direct_run(struct direct *d);
/*
 * Whether ring 3 stands between two instructions of which nothing of the second has been
 * done, accessed and dirty bits included: it was stopped from outside.
 */
bool direct_rests(const struct direct *d);
/* The interpreter has done an instruction of a page that is refused. */
void direct_stepped(struct direct *d);
/*
 * For the handler of SIGSEGV: if it is the machine thread's own CPUID that has faulted
 * (host_cpuid.c), does it and returns true.
 */
bool direct_host_cpuid(greg_t *regs);
/* From any thread and from signal handlers: the guest is to be left soon. */
void direct_kick(struct direct *d);

/* ---- policy.c ---- */
/* Whether the current address space's ring 3 is to run directly if it can. */
bool direct_wanted(struct direct *d);
/* The host's timer has ended a run: a sample of what runs. */
void direct_sample(struct direct *d);

/* ---- records.c ---- */
/* [gpa, gpa+len), inside one page, was written. */
void direct_code_written(struct direct *d, gpa_t gpa);

#endif
