; SPDX-License-Identifier: GPL-2.0-or-later
;
; Entry, traps and the ways into ring 0 and ring 3 of the MMU stress guest; and
; the accesses it makes there, a page of code that every address space maps at
; SHARED_CODE for both rings. Each ends with INT 80h.

	bits	32
%include "c_guest.inc"
	extern	stress_main, trap
	extern	stack_top

%define USER_STACK_TOP 0xc0003000	; stress.h

	section .text
	global	start
start:
	cli
	cld
	mov	esp, stack_top
	fninit
	push	ebx
	push	eax
	call	stress_main
.forever:
	cli
	hlt
	jmp	.forever

; ---- traps ----
; struct trap of stress.h on the stack. trap() says whether to go on, or else
; that run() has come to its end.
trapped:
	pushad
	push	ds
	push	es
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
	sti
	ret

; void run(const struct registers *, uint32_t eip, bool user)
	global	run
run:
	push	ebx
	push	esi
	push	edi
	push	ebp
	mov	eax, [esp + 20]
	mov	ebx, [esp + 24]
	mov	ecx, [esp + 28]
	mov	[resume_esp], esp
	test	ecx, ecx
	jz	.ring0
	push	dword 0x23
	push	dword USER_STACK_TOP
	mov	ecx, 0x23
	mov	ds, ecx
	mov	es, ecx
	push	dword 0x202
	push	dword 0x1b
	jmp	.load
.ring0:
	push	dword 0x202
	push	dword 0x08
.load:
	push	ebx
	mov	edi, [eax]
	mov	esi, [eax + 4]
	mov	ebx, [eax + 8]
	mov	edx, [eax + 12]
	mov	ecx, [eax + 16]
	mov	eax, [eax + 20]
	iret

; ---- accesses ----
	section .shared progbits alloc exec nowrite align=4096
%macro OP 1+
	global	%1
%1:
%endmacro
%macro END 0
	cld
	int	0x80
%endmacro
	global	shared_start
shared_start:
OP	op_read4
	mov	eax, [edi]
	END
OP	op_read1
	movzx	eax, byte [edi]
	END
OP	op_write4
	mov	[edi], eax
	END
OP	op_write2
	mov	[edi], ax
	END
OP	op_write1
	mov	[edi], al
	END
OP	op_add4
	add	[edi], eax
	END
OP	op_and4
	and	[edi], eax
	END
OP	op_or4
	lock or	[edi], eax
	END
OP	op_xchg4
	xchg	[edi], eax
	END
OP	op_cmpxchg4
	lock cmpxchg [edi], ecx
	END
OP	op_cmpxchg8
	lock cmpxchg8b [edi]
	END
OP	op_copy8
	fninit
	fild	qword [esi]
	fistp	qword [edi]
	END
OP	op_push4
	xchg	esp, edi
	push	eax
	xchg	esp, edi
	END
OP	op_stosd
	rep	stosd
	END
OP	op_stosb
	rep	stosb
	END
OP	op_stosd_down
	std
	rep	stosd
	END
OP	op_movsd
	rep	movsd
	END
OP	op_movsb
	rep	movsb
	END
OP	op_movsb_down
	std
	rep	movsb
	END
OP	op_call
	call	ebx
	END
OP	op_spin
	mov	eax, [edi]
	add	[esi], ecx
	dec	ecx
	jnz	op_spin
	END

	section .bss
resume_esp: resd 1
