/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model-specific registers. */
#ifndef CPU_MSR_H
#define CPU_MSR_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu.h"

#define APIC_BASE_BSP	  0x100u
#define APIC_BASE_ENABLE  0x800u
#define APIC_BASE_ADDRESS 0xffffff000ull /* 36 bits */

/* Values after RESET#. */
void msr_reset(struct vcpu *cpu);

/*
 * RDMSR and WRMSR without the check of privilege. Return false where the
 * processor raises #GP(0): no such register, read-only, reserved bits.
 */
bool msr_read(struct vcpu *cpu, uint32_t index, uint64_t *value);
bool msr_write(struct vcpu *cpu, uint32_t index, uint64_t value);

/* The guest's time-stamp counter. */
uint64_t tsc_read(struct vcpu *cpu);
/* The guest's TSC is another than the host's plus vcpu.bt_tsc_ahead, which becomes right. */
void tsc_changed(struct vcpu *cpu);

#endif
