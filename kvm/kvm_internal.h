/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of kvm/ share: create.c makes the engine, memory.c the slots,
 * state.c moves registers, run.c is the loop and exits.c answers what KVM
 * leaves to the monitor.
 */
#ifndef KVM_KVM_INTERNAL_H
#define KVM_KVM_INTERNAL_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "cpu/cpuid.h"
#include "cpu/engine.h"
#include "cpu/vcpu.h"
#include "kvm/kvm.h"

#define KVM_SLOTS 256

/* One memory slot: guest memory that KVM maps by itself. */
struct kvm_slot {
	bool used;
	gpa_t gpa;
	uint64_t size;
	uint8_t *host;
	uint32_t flags;		    /* KVM_MEM_* */
	struct phys_region *region; /* device RAM that a display watches; else NULL */
	uint64_t offset;	    /* of host in region */
};

/* Memory whose writes may wait, as KVM has it. */
struct kvm_zone {
	gpa_t gpa;
	uint64_t size; /* 0: none */
};

/* All that KVM keeps of struct vcpu, in KVM's own words. */
struct kvm_words {
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct fxsave_image fx;
	uint64_t sysenter[3]; /* CS, ESP, EIP */
	uint64_t tsc_offset;  /* guest TSC - host TSC */
};

struct kvm {
	int system, machine, processor; /* descriptors; -1: none */
	struct kvm_run *run;		/* shared with the kernel */
	size_t run_size;
	struct kvm_coalesced_mmio_ring *ring; /* in run's mapping; NULL: KVM has none */
	unsigned ring_entries;
	bool hardware;	  /* VT-x or AMD-V: not an emulation */
	bool keeps_tsc;	  /* the TSC's offset has an effect: an emulation may ignore it */
	bool debug_exits; /* KVM_SET_GUEST_DEBUG is there */

	/* Memory. */
	struct kvm_slot slots[KVM_SLOTS]; /* the place is the slot's number */
	struct kvm_zone zone;
	bool map_stale;	   /* the machine's memory map has changed */
	uint32_t a20_mask; /* the slots are as with this vcpu.a20_mask */
	bool written;	   /* the guest may have written since logs were read */

	/* State. Who has the newer one: KVM after an entry, else struct vcpu. */
	bool newer;
	bool completing; /* KVM has an instruction to end, at the next entry */
	bool blocks_stale; /* the guest ran: decoded instructions may have changed */
	unsigned refused;  /* instructions to interpret before a state is offered again */
	bool complained;   /* the user knows that KVM fails */
	struct kvm_words given; /* what struct vcpu said when the two last agreed */
	uint32_t xsave[1024]; /* struct kvm_xsave as KVM last gave it, for what the guest has not */

	/* Kicks. */
	_Atomic bool inside; /* the thread is in KVM_RUN, or about to be */
	pid_t thread;	     /* which one */

	uint32_t supported[FEATURE_WORDS]; /* by the host's KVM */
	struct kvm_counters n;
};

/* ioctl() on the processor that cannot fail but by a fault of ours. */
void kvm_must(struct kvm *k, unsigned long request, void *arg);

/* ---- memory.c ---- */
/* Brings the slots in line with the machine's memory map. */
void kvm_memory_update(struct vcpu *cpu);
/* Tells displays of what the guest has written: engine_ops.report_writes. */
void kvm_memory_report(struct vcpu *cpu);
/* Accesses that KVM leaves to the monitor: up to 8 bytes. */
void kvm_mmio_read(struct vcpu *cpu, gpa_t gpa, uint8_t *data, uint32_t len);
void kvm_mmio_write(struct vcpu *cpu, gpa_t gpa, const uint8_t *data, uint32_t len);
/* Performs the writes that have been collected. */
void kvm_memory_flush(struct vcpu *cpu);

/* ---- state.c ---- */
/* Makes KVM's state that of struct vcpu. False: KVM does not take this state. */
bool kvm_state_give(struct vcpu *cpu);
/*
 * Makes struct vcpu exact, if KVM was entered since. What KVM has not delivered
 * is delivered, so it may unwind; to be called again then.
 */
void kvm_state_take(struct vcpu *cpu);

/* KVM's state is worth nothing: struct vcpu is as it was when it was given. */
void kvm_state_drop(struct kvm *k);

/* ---- run.c ---- */
/* One KVM_RUN. Returns false if it was only interrupted. */
bool kvm_enter(struct vcpu *cpu);
/* Has KVM end the instruction under way, and looks after what that takes. */
void kvm_complete(struct vcpu *cpu);

/* ---- exits.c ---- */
/* Looks after why KVM_RUN has returned. May unwind. */
void kvm_exit(struct vcpu *cpu);
/* KVM does not take the processor's state: lets the interpreter go on. May unwind. */
void kvm_refused(struct vcpu *cpu);
/* Code that the guest has run may have written code that is decoded. */
void kvm_forget_blocks(struct vcpu *cpu);
/* Lets the interpreter execute one instruction. May unwind. */
void kvm_interpret(struct vcpu *cpu);
/* Of an exit for a port, memory or an MSR, for which an instruction waits. False: of another. */
bool kvm_exit_access(struct vcpu *cpu);

#endif
