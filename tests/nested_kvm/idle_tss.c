/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded into programs that use KVM on QEMU's TCG (LD_PRELOAD): gives KVM a TSS that is
 * not busy. VT-x demands a busy one (SDM 3C 27.3.1.2) and AMD-V takes both, but TCG keeps
 * no busy bit in its own TR, and ends with "invalid tss type" when VMRUN has loaded one
 * and an interrupt leaves ring 3 (QEMU 7.2, target/i386/tcg/seg_helper.c). What KVM
 * reports is always busy.
 */
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUSY 2u

int ioctl(int fd, unsigned long request, ...)
{
	struct kvm_sregs2 sregs2;
	struct kvm_sregs sregs;
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (request == KVM_SET_SREGS2) {
		sregs2 = *(struct kvm_sregs2 *)arg;
		sregs2.tr.type &= ~BUSY;
		arg = &sregs2;
	} else if (request == KVM_SET_SREGS) {
		sregs = *(struct kvm_sregs *)arg;
		sregs.tr.type &= ~BUSY;
		arg = &sregs;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}
