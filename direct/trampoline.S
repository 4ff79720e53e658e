/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All code that a stub has besides the guest's: performs the system calls of
 * the list at RBX (struct stub_call) and stops. When it goes on, it is with the list that is
 * there then. It reads nothing else, writes nothing and has no stack, so that it does
 * not matter what else is mapped or by whom it is jumped to: a guest that does so has
 * a filter of its own.
 *
 * direct_popf is for EFLAGS.ID, which ptrace(2) does not set: RSP points to
 * a value in the same page.
 */
	.section .rodata
	.globl direct_code, direct_popf, direct_code_end
	.balign 16
direct_code:
	movq (%rbx), %rax
	movq 8(%rbx), %rdi
	movq 16(%rbx), %rsi
	movq 24(%rbx), %rdx
	movq 32(%rbx), %r10
	movq 40(%rbx), %r8
	movq 48(%rbx), %r9
	syscall
	cmpq $-4095, %rax
	jae 1f
	addq $64, %rbx
	cmpq $0, -8(%rbx)	/* more */
	jne direct_code
1:	int3
	leaq direct_code+4096(%rip), %rbx	/* TRAMPOLINE_CALLS */
	jmp direct_code
direct_popf:
	popfq
	int3
direct_code_end:
	.section .note.GNU-stack, "", @progbits
