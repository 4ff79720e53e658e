/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs guest code. Every engine works on struct vcpu and keeps it exact
 * at instruction boundaries outside of engine_ops.run; the parts of a run loop
 * that all engines share (events, faults, single steps) are in cpu/run.h.
 *
 * Engines hear what makes their caches stale through engine_ops. All functions
 * are called on the machine thread.
 */
#ifndef CPU_ENGINE_H
#define CPU_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/types.h"

struct vcpu;

enum engine_kind { ENGINE_INTERP, ENGINE_BT, ENGINE_KVM, ENGINE_KINDS };

/* Which programs run directly, direct/direct.h. */
enum direct_mode {
	DIRECT_OFF,
	DIRECT_AUTO, /* what computes runs directly, what keeps trapping does not */
	DIRECT_ON,   /* whatever can */
	DIRECT_STEPS, /* the same by single steps, which are counted: for tests */
};

/* Failures that tests inject, bits of engine_config.inject. */
#define INJECT_CACHE_FULL	0x01u /* the code cache is full now and then */
#define INJECT_MMAP_REFUSED	0x02u /* the host refuses mappings now and then */
#define INJECT_EARLY_TIMERS	0x04u /* the host's timer fires before it is due */
#define INJECT_SPURIOUS_SIGNALS 0x08u /* timer signals come when none is due */
#define INJECT_MOVED		0x20u /* no failure: ring 3's code is translated so that it can be moved */
#define INJECT_USER_WINDOWS	0x10u /* no failure: all address spaces are promoted at once */
#define INJECT_LITTLE_MEMORY	0x40u /* what the engine keeps of address spaces has to be little */

struct engine_config {
	enum engine_kind kind;
	unsigned cache_kib;  /* code cache */
	bool chaining;	     /* blocks jump to each other without a look-up */
	bool adaptive;	     /* instructions that keep faulting are translated again */
	bool windows;	     /* guest memory through host mappings; else software TLB only */
	enum direct_mode direct; /* ring 3 by direct execution */
	unsigned map_budget; /* host mappings that windows may use; 0: by the host's limit */
	unsigned inject;     /* INJECT_* */
	bool verify;	     /* emitted code is verified, bt/verify.h */
	const char *kvm_device; /* NULL: /dev/kvm. The creator's */
	unsigned check;	     /* all structures are checked at every n-th translation; 0: never */
	/*
	 * vcpu.fuel is exact, instruction by instruction (-icount, lockstep). Else
	 * an engine may ignore it, and leaves run() when `pending` says so.
	 */
	bool exact_fuel;
	/*
	 * But not that of ring 3, whose instructions somebody else pays for
	 * (monitor/lockstep_ring3.h): it runs directly, or is interpreted.
	 */
	bool ring3_uncounted;
};

#define ENGINE_CONFIG_DEFAULT                                                                      \
	((struct engine_config){.kind = ENGINE_BT,                                                 \
				.cache_kib = 16384,                                                \
				.chaining = true,                                                  \
				.adaptive = true,                                                  \
				.windows = true})

struct engine_ops {
	const char *name;
	/* The contract of vcpu_run(). */
	void (*run)(struct vcpu *cpu);
	void (*destroy)(struct vcpu *cpu);
	/* Instructions of the block under way after the current one, paid for already. */
	int64_t (*ahead)(const struct vcpu *cpu);
	/* Another thread or a signal handler has set bits of vcpu.pending. */
	void (*kicked)(struct vcpu *cpu);
	/* [gpa, gpa+len), inside one page that is watched as code, was written. */
	void (*code_written)(struct vcpu *cpu, gpa_t gpa, uint32_t len);
	/*
	 * The entry of this page in vcpu.tlb_views[view] is no longer what it was:
	 * dropped, replaced, or not writable any more.
	 */
	void (*tlb_entry_dropped)(struct vcpu *cpu, unsigned view, gva_t page);
	/* Instructions may be fetched from elsewhere now: an asid has changed. */
	void (*map_changed)(struct vcpu *cpu);
	/* Asids are about to be given out that have been in use before. */
	void (*asids_renewed)(struct vcpu *cpu);
	/*
	 * The others are NULL where an engine has no use for them. Another memory
	 * may answer anywhere.
	 */
	void (*memory_changed)(struct vcpu *cpu);
	/*
	 * Rings 0 to 2 may fetch this page's instructions from elsewhere now; asid_kernel may
	 * stay for others. False: it has to change.
	 */
	bool (*kernel_fetch_dropped)(struct vcpu *cpu, gva_t page);
	/* Writes that went past physmem have to be told of now: physmem_region_written(). */
	void (*report_writes)(struct vcpu *cpu);
	/*
	 * Executes one instruction, or delivers what is due in its place; false: the
	 * engine cannot now, and the interpreter will do (vcpu_step()).
	 */
	bool (*step)(struct vcpu *cpu);
};

/* ---- bt/bt.c ---- */
/* Makes the translator the processor's engine. Returns 0 or -errno. */
int bt_attach(struct vcpu *cpu, const struct engine_config *config);

#endif
