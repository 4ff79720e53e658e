/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bt/host.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2 /* arch/x86/include/uapi/asm/hwcap2.h */
#endif

bool host_can_translate(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_BMI2;
}

/* 1: WRGSBASE works here; 0: not known yet. */
static _Thread_local int fsgsbase;
static _Thread_local uint64_t gs_base;

void host_set_window(uint64_t base)
{
	if (base == gs_base || !base)
		return;
	if (!fsgsbase)
		fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE ? 1 : -1;
	if (fsgsbase > 0)
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		syscall(SYS_arch_prctl, ARCH_SET_GS, base);
	gs_base = base;
}
