/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port I/O by the processor: permission and access. */
#ifndef CPU_IO_H
#define CPU_IO_H

#include "cpu/vcpu.h"

/*
 * Whether the current privilege may use these ports: IOPL, else the TSS's I/O
 * permission bitmap (SDM 1 18.5). Unwinds with #GP(0) if not.
 */
void io_check(struct vcpu *cpu, uint16_t port, unsigned size);

/* One access, without a check of permission. */
uint32_t io_read(struct vcpu *cpu, uint16_t port, unsigned size);
void io_write(struct vcpu *cpu, uint16_t port, uint32_t value, unsigned size);

#endif
