/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structures of direct execution. The processes, all traced by the machine thread:
 *
 *	zygote	forked once from the monitor; has unmapped everything. Makes mappers.
 *	mapper	one a stub: the same code and nothing else, in a memory of its own.
 *		It alone may map, and does so by lists of calls that the monitor
 *		writes and it can only read. It uses no writable memory, so that
 *		what the guest does to its own pages cannot lead it astray.
 *	guest	a thread of the mapper's process: runs guest code. Its filter
 *		has no system call left.
 *
 * Each is stopped unless the monitor waits for it; two of them never run at once.
 *
 * The memory of a stub:
 *
 *	0 .. 4 GiB		the guest's ring-3 pages (cpu/space_stub.c)
 *	TRAMPOLINE		the code below, read-only, the same for all
 *	TRAMPOLINE_CALLS	the stub's list of calls, read-only
 */
#ifndef DIRECT_INTERNAL_H
#define DIRECT_INTERNAL_H

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "cpu/decode.h"
#include "cpu/space.h"
#include "direct/direct.h"
#include "direct/host_regs.h"
#include "mmu/window.h"

#define TRAMPOLINE	 0x100000000000ull
#define TRAMPOLINE_CALLS (TRAMPOLINE + PAGE_SIZE)
#define CALL_PAGES	 4u
#define CALLS_BYTES	 (CALL_PAGES * PAGE_SIZE)
#define USER_END	 0x7ffffffff000ull /* of a process's addresses, without LA57 */
#define STUBS		 16u

/* Selectors of the host's GDT, arch/x86/include/asm/segment.h. */
#define HOST_CS32    0x23u
#define HOST_DATA    0x2bu
#define HOST_TLS_MIN 12u /* GDT_ENTRY_TLS_MIN: descriptors of a task's own */

/* ORDER: trampoline.S knows the layout. */
struct stub_call {
	uint64_t number, args[6];
	uint64_t more; /* another one follows; who has them performed sets it */
};
_Static_assert(sizeof(struct stub_call) == 64 && TRAMPOLINE_CALLS - TRAMPOLINE == 4096,
	       "trampoline.S");
#define CALLS_MAX (CALLS_BYTES / sizeof(struct stub_call))

/* The page that TRAMPOLINE shows; the monitor's mapping is writable. */
#define FILTER_MAX 48
struct trampoline {
	uint8_t code[512];
	struct { /* struct sock_fprog, with the address in the stub */
		uint16_t len;
		uint16_t pad[3];
		uint64_t filter;
	} mapper_program, guest_program;
	uint64_t flags[2]; /* for direct_popf: without and with ID */
	uint64_t mapper_filter[FILTER_MAX], guest_filter[1]; /* struct sock_filter */
};

/* trampoline.S */
extern const uint8_t direct_code[], direct_popf[], direct_code_end[];

/*
 * Instructions that are not to run natively, in pages that run otherwise: the host's
 * breakpoints stop the guest task in front of them. There are four a task.
 */
#define GUARDS 4u
struct guards {
	uint64_t address[GUARDS]; /* of the task: linear addresses */
	bool used[GUARDS];
	bool changed;  /* not yet as the task has them */
	unsigned hand; /* the next to make room */
};

struct stub {
	struct direct *d;
	struct mem_window *window;
	pid_t mapper, guest;  /* 0: none */
	int processor;	      /* of the host, to which they are held; -1: to none */
	int space;	      /* whose it is; -1: nobody's */
	uint32_t cr3;	      /* the space's, when it was given */
	uint64_t tls_base[2]; /* FS, GS: of its own descriptors, + 1; 0: not set */
	uint64_t used;	      /* d->clock */
	bool lost;	      /* it is to be made again */
	bool shows;	      /* has shown pages since it was given to the space */
	uint32_t id_flag;     /* EFLAGS.ID of the guest task, which task_set_id() changes */
	struct stub_call *calls;
	unsigned call_count; /* not yet performed */
	bool faulted;	     /* the guest has been told of a page fault, */
	uint32_t fault;	     /* there */
	struct guards guards;
	/* What the guest task's registers hold, where that is known; regs: while it is stopped. */
	bool fx_known, regs_known;
	struct user_fpregs_struct fx;
	struct user_regs_struct regs;
};

/* What has come of running programs directly that had a page of code; mixed: now this, now that. */
enum code_worth { WORTH_UNKNOWN, WORTH_LITTLE, WORTH_MUCH, WORTH_MIXED };

/* A page of guest memory whose code has been looked at. */
struct code_record {
	struct code_record *next;
	const uint8_t *host; /* of the page in the monitor's mapping */
	gpa_t gpa;	     /* where it was seen */
	bool fresh;	     /* not written since it was looked at */
	bool unfit;
	uint8_t worth;		 /* enum code_worth */
	uint8_t writes;		 /* lately, up to WRITES_MAX: it is unfit then */
	uint32_t written;	 /* seconds, when last */
	uint16_t tails;		 /* bit n: control leaves by the end from TAIL_FIRST + n */
	uint16_t guards[GUARDS]; /* offsets of instructions that need one */
	uint8_t guard_count;
	uint16_t hits;		       /* of guards, in the second */
	uint32_t hit;		       /* seconds, when last */
	uint64_t seen[PAGE_SIZE / 64]; /* a bit for each byte: an instruction begins */
};
#define TAIL_FIRST  (PAGE_SIZE - (INSN_MAX_LENGTH - 1))
#define RECORD_HASH (1u << 12)
#define RECORDS_MAX 5120u /* 3.2 MiB: gcc runs 2,800 pages */
#define WRITES_MAX  16u

/* What policy.c knows of an address space. */
struct space_policy {
	uint32_t cr3;
	bool direct;
	bool worth_it; /* a sample that counted was in code that is known so */
	uint16_t samples, samples_wanted;
	unsigned renewal; /* space_renewal() when it began */
	struct policy_account {
		int64_t ns;
		uint64_t ran; /* ns, directly */
		bool judged;  /* this time it was worth it; there is one verdict each time */
	} account;
};

/* How stubs are kept from the host's TSC; other than by what it costs: for tests. */
enum tsc_choice { TSC_BY_COST, TSC_BY_FAULTS, TSC_BY_GUARDS };

struct direct {
	struct vcpu *cpu;
	enum direct_mode mode;
	bool started, usable;
	uint64_t trap_ns;		 /* until the guest is back where it was, about */
	char missing[128];		 /* why it is not usable */
	bool guards;			 /* the host has breakpoints for tasks that are traced */
	bool no_guards, no_cpuid_faults; /* for tests: as if it had not */
	enum tsc_choice tsc_choice;
	bool cpuid_faults, tsc_faults;	 /* so that they need no guard */
	bool own_descriptors;		 /* no FSGSBASE: bases are those of descriptors */
	struct direct_counters n;

	int control;	       /* memfd: trampoline, then lists of calls of zygote and stubs */
	uint8_t *control_host; /* all of it */
	pid_t zygote;
	struct user_regs_struct template; /* 64-bit code with nothing in its registers */
	struct stub stubs[STUBS];
	uint64_t clock;
	unsigned losses;      /* in a row */
	bool placeable;	      /* placement.c */
	int processor;	      /* of the host, to which the machine thread is held; -1: to none */
	cpu_set_t processors; /* those it may use */
	uint64_t placed_ns;
	bool filled, rests;    /* direct_rests() */
	uint32_t fill_eip;     /* filled: of the instruction that a page was mapped for last */
	uint32_t step_eip;     /* where the step under way began */
	bool step_repeats;     /* at a repeated string instruction */
	_Atomic pid_t running; /* the guest task that runs; 0: none */
	_Atomic pid_t running_group;

	struct decoder *decoder;
	struct known *known;
	bool *ends_flow; /* by row: code_ends_flow() */
	struct code_record *records[RECORD_HASH];
	unsigned record_count;
	struct space_policy policy[SPACE_NUMBERS];
	unsigned direct_spaces;		    /* of those, that run directly */
	const struct space_policy *sampled; /* the last sample's; and vcpu's counters then */
	uint64_t sampled_ns, sampled_exits, sampled_blocks;
};

static inline struct trampoline *direct_trampoline(const struct direct *d)
{
	return (struct trampoline *)d->control_host;
}
/* Offset in the control memfd of list n: 0 is the zygote's, n + 1 stub n's. */
static inline uint64_t calls_offset(unsigned n)
{
	return PAGE_SIZE + (uint64_t)n * CALLS_BYTES;
}
#define CONTROL_BYTES (PAGE_SIZE + (1ull + STUBS) * CALLS_BYTES)
static inline struct stub_call *calls_at(const struct direct *d, unsigned n)
{
	return (struct stub_call *)(d->control_host + calls_offset(n));
}

/* ---- task.c: a traced task ---- */
/* Waits until it stops. Returns false if it is gone. */
bool task_wait(pid_t task, int *status);
bool task_regs(pid_t task, struct user_regs_struct *regs);
bool task_set_regs(pid_t task, const struct user_regs_struct *regs);
bool task_continue(pid_t task);
/*
 * The same for a guest task: it stops at system calls, which are not performed.
 * Its filter would do that, too, but for a few calls that Linux lets through
 * whatever a filter says (uretprobe, uprobe).
 */
bool task_run_guest(pid_t task);
bool task_step_guest(pid_t task);
/* Whether it stopped so. */
bool task_at_call(int status);
void task_kill(pid_t task);
/* Sets or clears EFLAGS.ID, the one flag that task_set_regs() leaves alone. */
bool task_set_id(struct direct *d, pid_t task, bool on);
/*
 * Has the task perform the first `count` calls of its list; the first that fails
 * ends it. *result: of the last one made, *child: whom it made, or 0. Returns
 * success. For tasks at the trampoline's code.
 */
bool task_perform(struct direct *d, pid_t task, struct stub_call *list, unsigned count,
		  int64_t *result, pid_t *child);
/* The same for one that has stopped behind its list before, with no register set. */
bool task_perform_again(pid_t task, struct stub_call *list, unsigned count, int64_t *result,
			pid_t *child);

/*
 * How long a turn takes, in ns: the shortest of some, since others may use the processor as
 * well. turn() returns success.
 */
uint64_t turn_time(bool (*turn)(void *arg), void *arg);

/* ---- zygote.c ---- */
bool zygote_make(struct direct *d);
void zygote_destroy(struct direct *d);
/* Says what is missing; returns false. */
bool direct_lacks(struct direct *d, const char *what, int error);

/* ---- stub.c ---- */
bool stub_make(struct direct *d, struct stub *s);
/* The stub of the current address space, made or taken from another; NULL: none can be had. */
struct stub *stub_current(struct direct *d);
/* The same if there is one already, which has not been lost; else NULL. */
const struct stub *stub_existing(struct direct *d);
/* Performs what the window's owner has asked for. False: the stub is lost. */
bool stub_flush(struct stub *s);
void stub_lose(struct stub *s);
void stubs_destroy(struct direct *d);

/* ---- placement.c ---- */
/* By the thread that will run the guest. */
void placement_init(struct direct *d);
/* The machine thread and this task on one processor, or both where they like. */
void placement_hold(struct direct *d, pid_t task, bool on);
/* Before a turn of the stub's. */
void placement_together(struct stub *s);
/* The machine thread may run anywhere again. */
void placement_end(struct direct *d);
/* The same, if it has been held for long: now and then, from elsewhere. */
void placement_tick(struct direct *d);

/* ---- probe.c ---- */
/* Tries a stub with code of our own. */
bool probe_run(struct direct *d);

/* ---- step.c: DIRECT_STEPS ---- */
/* Whether the instruction at EIP can be stepped over. May unwind with the fetch's fault. */
bool step_fits(struct direct *d);
/* Whether the trap is the step's end, which has been paid for then. */
bool step_ended(struct direct *d, const siginfo_t *info);

/* ---- rules.c ---- */
/* Whether the processor's state lets ring 3 run natively with the same results. */
bool rules_allow(const struct vcpu *cpu);

/* ---- state.c ---- */
bool state_load(struct stub *s, const struct vcpu *cpu);
/* FS and GS of the guest task with these bases, limits of 4 GiB. */
bool state_set_bases(struct stub *s, struct user_regs_struct *r, uint32_t fs, uint32_t gs);
/* False: what the task has become is nothing that the guest's code leads to. */
bool state_save(struct stub *s, struct vcpu *cpu, const struct user_regs_struct *regs);

/* ---- guards.c ---- */
/* Whether the guards of the record's page, shown there, are in place. */
bool guards_cover(const struct guards *g, uint32_t page, const struct code_record *r);
/* Sees to it; other pages of the stub may have to be taken away for it. */
void guards_place(struct stub *s, uint32_t page, const struct code_record *r);
/* Tells the task of what has changed, before it runs. Returns success. */
bool guards_load(pid_t task, struct guards *g);
/* The task has been stopped in front of EIP, by a guard. May unwind with the fetch's fault. */
void guards_hit(struct direct *d, struct stub *s);

/* ---- known.c ---- */
struct known *known_create(void); /* free() */
/*
 * The length of the instruction at code, of which INSN_MAX_LENGTH bytes can be read, if it is known
 * to fit; else 0. transfers: also of those after which control may be elsewhere.
 */
unsigned known_length(const struct known *k, const uint8_t *code, bool transfers);
/* The instruction at code fits. */
void known_add(struct known *k, const uint8_t *code, const struct insn *in, bool transfers);

/* ---- host_cpuid.c ---- */
bool host_cpuid_can_fault(void);
/* Has CPUID fault on this thread, or not. */
void host_cpuid_fault(bool on);

/* ---- verify_page.c ---- */
/* For each row of the instruction table: control never goes on behind it. free(). */
bool *code_ends_flow(void);
/* Each of these is false, or negative, if the page must not run. */
/* Looks at all of it. Adds guards and tails. */
bool code_sweep(const struct direct *d, struct code_record *r);
/* Follows what is entered there. */
bool code_flow(struct direct *d, struct code_record *r, unsigned entry);
/*
 * Where control comes to in page b behind the instruction at `at` in page a, which a's
 * end cuts off.
 */
int code_entry_behind(const struct direct *d, const uint8_t *a, unsigned at, const uint8_t *b);

/* ---- records.c ---- */
/*
 * What is known of the page at CS:EIP if code may run from there on in it, with its guards;
 * else NULL. May unwind with the fetch's fault.
 */
struct code_record *page_fit(struct direct *d, uint32_t eip);
/* What is known of the page at EIP, as that of a program that runs again. */
enum code_worth code_worth(struct direct *d, uint32_t eip);
/* A program that has all the code that this stub shows was worth so much, or so little. */
void code_judge(struct direct *d, const struct stub *s, enum code_worth worth);
/* Whether an instruction begins there that is not to run natively. */
bool page_guarded_at(const struct code_record *r, uint32_t eip);
/* The page is not to run any more. */
void page_give_up(struct direct *d, struct code_record *r);
/* For the space's fills. */
space_executable_fn page_executable;
void records_destroy(struct direct *d);

/* ---- policy.c ---- */
void policy_trapped(struct direct *d);
/* It has run for so long, switches included. */
void policy_ran(struct direct *d, uint64_t ns);
/* A page's code runs in this stub for the first time. */
void policy_fetched(struct direct *d);
void policy_stub_made(struct direct *d);
/* Translated after all. */
void policy_refused(struct direct *d);
/* A page of code has been looked at. */
void policy_verified(struct direct *d);
/* The program has ended. */
void policy_ended(struct direct *d);
void policy_escaped(struct direct *d);

#endif
