/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle's signal handler as the kernel calls it, with the segment
 * registers, EFLAGS.AC, NT and ID of whatever the case was: brings the C
 * library's FS base and harmless flags back, calls host_signal() and loads the
 * segment registers of the next case. CS, SS and the rest go through sigreturn.
 */
#define SYS_arch_prctl 158
#define ARCH_SET_FS 0x1002
#define FLAGS_KEPT 0x00000246 /* IF, ZF, PF */

	.text
	.globl host_entry
	.type host_entry, @function
host_entry:
	pushq $FLAGS_KEPT
	popfq
	pushq %rdi
	pushq %rsi
	pushq %rdx
	movl %es, %eax
	movw %ax, host_segments+0(%rip)
	movl %ds, %eax
	movw %ax, host_segments+6(%rip)
	movl %fs, %eax
	movw %ax, host_segments+8(%rip)
	movl %gs, %eax
	movw %ax, host_segments+10(%rip)
	movl $ARCH_SET_FS, %edi
	movq host_fs_base(%rip), %rsi
	movl $SYS_arch_prctl, %eax
	syscall
	popq %rdx
	popq %rsi
	popq %rdi
	subq $8, %rsp
	call host_signal
	addq $8, %rsp
	movw host_segments+0(%rip), %ax
	movw %ax, %es
	movw host_segments+6(%rip), %ax
	movw %ax, %ds
	cmpb $0, host_running(%rip)
	je 1f
	movw host_segments+8(%rip), %ax
	movw %ax, %fs
	movw host_segments+10(%rip), %ax
	movw %ax, %gs
1:	ret
	.size host_entry, . - host_entry
	.section .note.GNU-stack,"",@progbits
