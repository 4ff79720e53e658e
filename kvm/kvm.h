/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM engine: the host's kernel runs the guest's processor through /dev/kvm
 * (Linux, Documentation/virt/kvm/api.rst), by VT-x or AMD-V where the host has
 * them. Interrupt controllers, timers and devices are the monitor's, as for the
 * other engines; so are MSRs but SYSENTER's.
 *
 * An engine is made once, by kvm_create(), and may rest while another one runs
 * the guest: the sandbox lets nobody open /dev/kvm later. All functions are for
 * the machine thread.
 */
#ifndef KVM_KVM_H
#define KVM_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/report.h"

struct vcpu;

/* X(name, help): what is counted, for `info kvm` and -d stats. */
#define KVM_COUNTERS(X)                                                                            \
	X(entries, "times that the kernel was asked to run the guest")                             \
	X(exit_port, "exits for a port")                                                           \
	X(exit_mmio, "exits for memory that is none")                                              \
	X(coalesced, "writes to it that were collected without an exit")                           \
	X(exit_msr, "exits for a model-specific register")                                         \
	X(exit_halt, "exits for HLT")                                                              \
	X(exit_window, "exits because interrupts are allowed now")                                 \
	X(exit_signal, "exits because somebody wanted the thread")                                 \
	X(exit_failed, "times that KVM could not go on: an instruction or state")                       \
	X(interpreted, "instructions that the interpreter has executed instead")                   \
	X(interrupts, "interrupts and NMIs given to KVM")                                          \
	X(settled, "events that KVM had not delivered when its state was taken")                   \
	X(taken, "times that the processor's state was taken from KVM")                            \
	X(loads, "parts of the state that were loaded into KVM")                                   \
	X(slots, "memory slots that were set or removed")                                          \
	X(stepped, "instructions single-stepped by KVM")

struct kvm_counters {
#define X(name, help) uint64_t name;
	KVM_COUNTERS(X)
#undef X
};

/*
 * Opens device (NULL: /dev/kvm) and makes a virtual machine with one processor, which rests.
 * limit_model takes from the processor's model what the host's KVM does not have:
 * before the guest has run, since features do not change under a system. Returns
 * 0, or -1 with *r saying what is missing; then nothing is left behind.
 */
int kvm_create(struct vcpu *cpu, const char *device, bool limit_model, struct report *r);
/* Ends it, whoever runs the guest. Without effect when there is none. */
void kvm_destroy(struct vcpu *cpu);

/* Makes KVM the processor's engine, and makes it rest. Between instructions. */
void kvm_activate(struct vcpu *cpu);
void kvm_rest(struct vcpu *cpu);

/* How many of the model's features KVM does not have. */
unsigned kvm_missing_features(const struct vcpu *cpu);

/*
 * Whether there is an engine and the host's processor has VT-x or AMD-V: KVM without them is an
 * emulation, whose speed says nothing about hardware virtualization.
 */
bool kvm_has_hardware(const struct vcpu *cpu);

/* Zeros without an engine. */
struct kvm_counters kvm_counters(const struct vcpu *cpu);

/* Calls out with each counter's line. */
void kvm_print_counters(const struct vcpu *cpu, void (*out)(void *arg, const char *line),
			void *arg);

/* The ioctl() requests that an engine makes once it is created: for the sandbox. */
const uint64_t *kvm_requests(size_t *count);

#endif
