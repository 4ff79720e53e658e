; SPDX-License-Identifier: GPL-2.0-or-later
;
; Entry, traps and the way into ring 3 of the ring-3 guest.

	bits	32
%include "c_guest.inc"
	extern	ring3_main, trap, stack_top

	section .text
	global	start
start:
	cli
	cld
	mov	esp, stack_top
	push	ebx
	call	ring3_main
.forever:
	cli
	hlt
	jmp	.forever

; struct trap on the stack. trap() says whether run() has come to its end.
trapped:
	pushad
	push	ds
	push	es
	push	fs
	push	gs
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	cld
	mov	eax, cr2
	push	eax
	push	esp
	call	trap
	add	esp, 4
	test	al, al
	jnz	.end
	add	esp, 4
	pop	gs
	pop	fs
	pop	es
	pop	ds
	popad
	add	esp, 8
	iret
.end:
	mov	esp, [resume_esp]
	pop	ebp
	pop	edi
	pop	esi
	pop	ebx
	ret

; void run(const struct entry *)
	global	run
run:
	push	ebx
	push	esi
	push	edi
	push	ebp
	mov	[resume_esp], esp
	mov	eax, [esp + 20]
	push	dword 0x23		; SS
	push	dword [eax + 48]	; ESP
	push	dword [eax + 44]	; EFLAGS
	push	dword [eax + 40]	; CS
	push	dword [eax + 36]	; EIP
	mov	ecx, [eax + 32]
	mov	gs, ecx
	xor	ecx, ecx
	mov	fs, ecx
	mov	edi, [eax]
	mov	esi, [eax + 4]
	mov	ebp, [eax + 8]
	mov	ebx, [eax + 12]
	mov	edx, [eax + 16]
	push	dword [eax + 24]
	mov	ecx, [eax + 28]
	push	dword [eax + 20]
	mov	es, ecx
	mov	ds, ecx
	pop	ecx
	pop	eax
	iret

	section .bss
resume_esp: resd 1
