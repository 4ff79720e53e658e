/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID faulting (arch_prctl(2) ARCH_SET_CPUID) belongs to a thread, and to change it
 * at each turn from the machine thread to a stub and back costs 18 us where the host is a
 * guest itself (a WRMSR each). So the machine thread has it as well, and what it executes
 * of CPUID, if anything does, is done for it by the handler of the fault.
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "direct/direct_internal.h"

static const uint8_t cpuid[] = {0x0f, 0xa2};

static _Thread_local bool faults;

bool host_cpuid_can_fault(void)
{
	/* For this thread that changes nothing. */
	return syscall(SYS_arch_prctl, ARCH_SET_CPUID, !faults) == 0;
}

void host_cpuid_fault(bool on)
{
	if (faults != on && syscall(SYS_arch_prctl, ARCH_SET_CPUID, !on) == 0)
		faults = on;
}

bool direct_host_cpuid(greg_t *regs)
{
	unsigned a, b, c, d;

	if (!faults || memcmp((const void *)regs[REG_RIP], cpuid, sizeof(cpuid)) != 0)
		return false;
	host_cpuid_fault(false);
	__cpuid_count((unsigned)regs[REG_RAX], (unsigned)regs[REG_RCX], a, b, c, d);
	host_cpuid_fault(true);
	regs[REG_RAX] = a;
	regs[REG_RBX] = b;
	regs[REG_RCX] = c;
	regs[REG_RDX] = d;
	regs[REG_RIP] += (greg_t)sizeof(cpuid);
	return true;
}
