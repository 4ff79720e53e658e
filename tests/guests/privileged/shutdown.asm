; SPDX-License-Identifier: GPL-2.0-or-later
;
; Triple faults (SDM 3A 6.15, #DF): each must shut the processor down, which
; ends the machine with -no-reboot. The kernel's command line ends in a digit
; that says which: 0 an empty IDT, 1 a stack that is gone, 2 real mode with an
; empty IDT, 3 a page fault inside the double fault, 4 a #DF task that is busy.

%include "privileged/probe.inc"
	GUEST	"shutdown"

%define INFO_CMDLINE 16

tests:
	mov	esi, [ebx + INFO_CMDLINE]
.end_of_line:
	lodsb
	test	al, al
	jnz	.end_of_line
	movzx	eax, byte [esi - 2]
	sub	eax, '0'
	SAY	"shutdown: way "
	call	put_decimal
	SAY	10
	cmp	eax, 1
	je	.stack
	cmp	eax, 2
	je	.real
	cmp	eax, 3
	je	.page
	cmp	eax, 4
	je	.task
	lidt	[empty_idt]
	ud2
	jmp	.survived
.stack:
	mov	dword [page_dir], 0x83
	mov	eax, page_dir
	mov	cr3, eax
	mov	eax, cr4
	or	eax, CR4_PSE
	mov	cr4, eax
	mov	eax, cr0
	or	eax, CR0_PG
	mov	esp, 0x40000000
	mov	cr0, eax
	ud2
	jmp	.survived
.real:
	RUN	REAL
	mov	word [0], 3
	mov	dword [2], 0
	lidt	[0]
	ud2
	DONE
	jmp	.survived
.page:
	mov	dword [page_dir], 0x83
	mov	eax, page_dir
	mov	cr3, eax
	mov	eax, cr4
	or	eax, CR4_PSE
	mov	cr4, eax
	mov	eax, cr0
	or	eax, CR0_PG
	mov	cr0, eax
	mov	dword [idt_pointer + 2], 0x40000000
	lidt	[idt_pointer]
	mov	al, [0x50000000]
	jmp	.survived
.task:
	IDT_GATE DF, TSS_MAIN, 0, A_TASK	; busy
	IDT_GATE GP, 0, 0, A_INT32
	mov	eax, 0xfff8
	mov	es, ax
.survived:
	SAY	"shutdown: survived", 10
	SAME	"a triple fault", dword [checks], -1
	ret

	section .data
empty_idt:	dw 0
		dd 0
	section .bss
	alignb	4096
page_dir:	resb 4096
