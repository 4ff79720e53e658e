; SPDX-License-Identifier: GPL-2.0-or-later
;
; The pieces of ring-3 code. Each is copied to USER_CODE; what is not over by a
; fault ends with INT 80h. Registers at the start: EAX to EDI by main.c, EBX =
; USER_DATA, ESP = USER_STACK - 16.

%include "ring3.inc"

	section .rodata
; A row of struct piece, and the code.
%assign number 0
%macro BEGIN 2
	section .rodata
name_%[number]:	db %1, 0
	section .table progbits alloc noexec nowrite align=4
	dd	name_%[number], start_%[number], stop_%[number], %2
	section .rodata
	bits	32
start_%[number]:
%endmacro
%macro END 0
	section .rodata
stop_%[number]:
%assign number number + 1
%endmacro
%macro FINISH 0
	int	0x80
%endmacro

	global	pieces
	section .table
pieces:

; ======== the same everywhere: what runs natively ========
BEGIN "arithmetic", 0
	mov	ecx, 1000
.a:	imul	eax, edx
	rol	eax, 7
	adc	esi, eax
	xor	edi, esi
	bswap	edx
	sbb	edx, ecx
	dec	ecx
	jnz	.a
	pushfd
	pop	ebp
	FINISH
END
BEGIN "memory", 0
	mov	edi, ebx
	mov	ecx, 64
	cld
	rep	stosd
	std
	mov	ecx, 5
	sub	edi, 4
	repne	scasb
	lock	xadd [ebx + 8], edx
	lock	cmpxchg8b [ebx + 16]
	push	dword [ebx + 8]
	pop	dword [ebx + 40]
	FINISH
END
BEGIN "x87", 0
	fninit
	fldpi
	fsqrt
	fstp	qword [ebx]
	fld1
	fldl2e
	fmulp
	fist	dword [ebx + 8]
	fnstsw	ax
	fnstcw	[ebx + 12]
	FINISH
END
BEGIN "x87 kept", 0
	fnstsw	ax
	fstp	tword [ebx]
	FINISH
END
BEGIN "sse", 0
	movd	xmm0, eax
	pshufd	xmm1, xmm0, 0
	cvtdq2ps xmm2, xmm1
	mulps	xmm2, xmm2
	movdqu	[ebx], xmm2
	stmxcsr	[ebx + 16]
	movd	mm0, edx
	paddb	mm0, mm0
	movq	[ebx + 24], mm0
	emms
	FINISH
END
BEGIN "sse kept", 0
	movdqu	[ebx], xmm2
	stmxcsr	[ebx + 16]
	FINISH
END
BEGIN "x87 exception", 0
	fninit
	push	dword 0x37b
	fldcw	[esp]
	fld1
	fldz
	fdivp
	fwait
	FINISH
END
BEGIN "fninit", 0
	fninit
	FINISH
END
BEGIN "sse exception", 0
	push	dword 0x1d80
	ldmxcsr	[esp]
	xorps	xmm0, xmm0
	divss	xmm0, xmm0
	FINISH
END
BEGIN "mxcsr back", 0
	push	dword 0x1f80
	ldmxcsr	[esp]
	FINISH
END
BEGIN "divide", 0
	xor	ecx, ecx
	div	ecx
END
BEGIN "ud2", 0
	inc	eax
	ud2
END
BEGIN "int3", 0
	inc	eax
	int3
END
BEGIN "int 3", 0
	inc	eax
	db	0xcd, 3
END
BEGIN "int 4", 0
	inc	eax
	db	0xcd, 4
END
BEGIN "int 1", 0
	db	0xcd, 1
END
BEGIN "int 99", 0
	int	0x99
END
BEGIN "int1", 0
	inc	eax
	db	0xf1
END
BEGIN "into", 0
	mov	al, 0x7f
	inc	al
	into
END
BEGIN "into not taken", 0
	xor	eax, eax
	into
	FINISH
END
BEGIN "bound", 0
	mov	dword [ebx], 5
	mov	dword [ebx + 4], 7
	mov	eax, 9
	bound	eax, [ebx]
END
BEGIN "hlt", 0
	hlt
END
BEGIN "cli", 0
	cli
END
BEGIN "in", 0
	in	al, 0x80
END
BEGIN "mov cr", 0
	mov	eax, cr0
END
BEGIN "kernel page", 0
	mov	eax, [0x200000]
END
BEGIN "kernel page written", 0
	mov	[0x200000], eax
END
BEGIN "kernel page called", 0
	mov	eax, 0x200000
	jmp	eax
END
BEGIN "nothing there", 0
	mov	[0x50000000], eax
END
BEGIN "nothing called", 0
	mov	eax, 0x50000000
	call	eax
END
BEGIN "address 0", 0
	xor	eax, eax
	mov	eax, [eax + 16]
END
BEGIN "end of memory", 0
	mov	eax, [0xfffffffe]
END
BEGIN "misaligned sse", 0
	movaps	xmm0, [ebx + 1]
END

; ======== what must not run natively ========
BEGIN "mov from segments", 0
	mov	eax, cs
	mov	ecx, ds
	mov	edx, es
	mov	esi, fs
	mov	edi, gs
	mov	ebp, ss
	FINISH
END
BEGIN "push segments", 0
	push	cs
	push	ds
	push	es
	push	fs
	push	gs
	push	ss
	pop	eax
	pop	ecx
	pop	edx
	pop	esi
	pop	edi
	pop	ebp
	FINISH
END
BEGIN "load segments", 0
	xor	eax, eax
	mov	ds, eax
	mov	es, eax
	FINISH
END
BEGIN "pop ds", 0
	push	dword 0x2b
	pop	ds
	FINISH
END
BEGIN "mov gs 33", 0
	mov	eax, 0x33
	mov	gs, eax
	FINISH
END
BEGIN "lds", 0
	mov	dword [ebx], 0x12345678
	mov	word [ebx + 4], 0x23
	lds	eax, [ebx]
	FINISH
END
BEGIN "sgdt", 0
	sgdt	[ebx]
	mov	eax, [ebx]
	movzx	edx, word [ebx + 4]
	FINISH
END
BEGIN "sidt", 0
	sidt	[ebx]
	FINISH
END
BEGIN "sldt", 0
	sldt	eax
	FINISH
END
BEGIN "str", 0
	str	eax
	FINISH
END
BEGIN "smsw", 0
	smsw	eax
	FINISH
END
BEGIN "lar", 0
	mov	ecx, 0x23
	lar	eax, ecx
	mov	ecx, 0x33
	lar	edx, ecx
	pushfd
	pop	esi
	FINISH
END
BEGIN "lsl", 0
	mov	ecx, 0x1b
	lsl	eax, ecx
	mov	ecx, 0x2b
	lsl	edx, ecx
	pushfd
	pop	esi
	FINISH
END
BEGIN "verr", 0
	mov	ecx, 0x33
	verr	cx
	pushfd
	pop	eax
	mov	ecx, 0x2b
	verw	cx
	pushfd
	pop	edx
	FINISH
END
BEGIN "arpl", 0
	mov	ecx, 0x20
	mov	edx, 3
	arpl	cx, dx
	FINISH
END
BEGIN "retf", 0
	push	dword 0x1b
	call	.n
.n:	add	dword [esp], .t - .n
	retf
.t:	inc	eax
	FINISH
END
BEGIN "retf 33", 0
	push	dword 0x33
	push	dword 0x12345678
	retf
END
BEGIN "jmp far 23", 0
	jmp	0x23:0x12345678
END
BEGIN "iret", 0
	pushfd
	push	dword 0x1b
	call	.n
.n:	add	dword [esp], .t - .n
	iret
.t:	inc	eax
	FINISH
END
BEGIN "sysenter", 0
	sysenter
END
BEGIN "sysexit", 0
	sysexit
END
BEGIN "syscall", 0
	syscall
END
BEGIN "cpuid", 0
	mov	eax, 1
	xor	ecx, ecx
	cpuid
	FINISH
END
BEGIN "cpuid 0", 0
	xor	eax, eax
	cpuid
	FINISH
END
BEGIN "rdtsc", NO_TSC
	rdtsc
	mov	esi, eax
	mov	edi, edx
	rdtsc
	sub	eax, esi
	sbb	edx, edi
	sbb	esi, esi
	mov	edi, edx
	FINISH
END
BEGIN "rdtsc forbidden", WITH_TSD
	rdtsc
END
BEGIN "rdpmc", 0
	xor	ecx, ecx
	rdpmc
END
BEGIN "tzcnt", 0
	mov	ecx, 0x80
	mov	eax, 5
	rep bsf	eax, ecx
	pushfd
	pop	edx
	and	edx, 0x40
	FINISH
END
BEGIN "lzcnt", 0
	mov	ecx, 0x80
	rep bsr	eax, ecx
	FINISH
END
BEGIN "avx", 0
	db	0xc5, 0xf8, 0x77	; VZEROUPPER: LDS with a register
END
BEGIN "rdrand", 0
	db	0x0f, 0xc7, 0xf0
END
BEGIN "xgetbv", 0
	xor	ecx, ecx
	xgetbv
END
BEGIN "fnstenv", 0
	fninit
	fld	dword [ebx]
	fnstenv	[ebx + 32]
	movzx	eax, word [ebx + 32 + 16]
	movzx	edx, word [ebx + 32 + 24]
	FINISH
END
BEGIN "fxsave", 0
	fninit
	fxsave	[ebx + 512]
	mov	eax, [ebx + 512 + 28]
	FINISH
END
BEGIN "popf", 0
	push	dword 0x247dd7		; all that may change, and what may not
	push	dword 0x203cd7
	popfd
	pushfd
	pop	eax
	popfd
	FINISH
END
BEGIN "popf id", 0
	pushfd
	pop	eax
	xor	eax, 0x200000
	push	eax
	popfd
	FINISH
END
BEGIN "id kept", 0
	pushfd
	pop	eax
	FINISH
END
BEGIN "popf tf", 0
	pushfd
	or	dword [esp], 0x100
	popfd
	inc	eax
	inc	eax
	FINISH
END
BEGIN "popf ac", 0
	pushfd
	or	dword [esp], 0x40000
	popfd
	mov	eax, [ebx + 1]
	FINISH
END
; Hidden in an immediate operand, and reached by control flow.
BEGIN "misaligned", 0
	jmp	.b + 1
.b:	mov	eax, 0x90c88c90		; mov eax, cs
	FINISH
END
BEGIN "across pages", WITH_TWO_PAGES
	inc	eax
	inc	eax
	mov	ecx, 0x12345678
	mov	edx, cs
	FINISH
END
BEGIN "across pages, plain", WITH_TWO_PAGES
	inc	eax
	inc	eax
	mov	ecx, 0x12345678
	mov	edx, ecx
	FINISH
END
BEGIN "fault across pages", WITH_TWO_PAGES
	inc	eax
	inc	eax
	mov	dword [0x50000000], 0x12345678
END

; ======== states that must not run natively ========
BEGIN "ts", WITH_TS
	fninit
END
BEGIN "ts, integer", WITH_TS
	inc	eax
	FINISH
END
BEGIN "em", WITH_EM
	fninit
END
BEGIN "no sse", WITH_NO_SSE
	xorps	xmm0, xmm0
END
BEGIN "tf", WITH_TF
	inc	eax
	inc	eax
END
BEGIN "ac", WITH_AC
	mov	eax, [ebx + 1]
	FINISH
END
BEGIN "ac, am", WITH_AC | WITH_AM
	mov	eax, [ebx + 1]
	FINISH
END
BEGIN "am", WITH_AM
	mov	eax, [ebx + 1]
	FINISH
END
BEGIN "iopl", WITH_IOPL
	in	al, 0x61
	pushfd
	pop	edx
	cli
	pushfd
	pop	ecx
	xor	eax, eax
	FINISH
END
BEGIN "no if", WITH_NO_IF
	pushfd
	pop	eax
	FINISH
END
BEGIN "dr7", WITH_DR7
	mov	[ebx + 4], eax
	mov	[ebx], eax
	inc	eax
	FINISH
END
BEGIN "code 16", WITH_CODE16
	bits	16
	mov	ax, 0x1234
	inc	eax
	push	ax
	int	0x80
	bits	32
END
BEGIN "data with a base", WITH_DATA_BASE
	mov	dword [8], 0x11223344
	mov	eax, [8]
	FINISH
END
BEGIN "gs with a base", WITH_GS
	mov	eax, [gs:4]
	mov	[gs:8], edx
	add	eax, [ebx + 24]
	FINISH
END
BEGIN "gs with a limit", WITH_SMALL_GS
	mov	eax, [gs:12]
	mov	edx, [gs:13]
	FINISH
END
BEGIN "no fs", 0
	mov	eax, [fs:0]
	FINISH
END

; ======== attacks: ring 3 of a 64-bit host ========
; A RETF that no decoding from the page's entry finds, to the host's 64-bit code.
%macro ESCAPE 0
	call	.base
.base:	pop	ebp
	push	dword 0x33
	lea	esi, [ebp + .code64 - .base]
	push	esi
	lea	esi, [ebp + .hidden - .base + 1]
	jmp	esi
.hidden: mov	eax, 0xcb
	nop
	nop
	align	16, db 0x90
.code64:
	bits	64
%endmacro
; Memory shows whether it went on.
%macro GOES_ON 0
	mov	dword [abs USER_DATA], 0x900d
	hlt
	bits	32
%endmacro

BEGIN "system calls", ATTACK | EVERY_CALL		; main.c puts the number into EAX, so into EDX first
	mov	edi, eax
	ESCAPE
	mov	eax, edi
	mov	rdi, -1
	mov	rsi, 9
	mov	edx, 7
	mov	r10d, 0x22
	syscall
	GOES_ON
END
BEGIN "64-bit int 80", ATTACK | EVERY_CALL
	mov	edi, eax
	ESCAPE
	mov	eax, edi
	int	0x80
	GOES_ON
END
BEGIN "64-bit sysenter", ATTACK
	ESCAPE
	mov	eax, 20
	sysenter
	GOES_ON
END
BEGIN "vsyscall", ATTACK
	ESCAPE
	mov	rax, 0xffffffffff600000
	xor	edi, edi
	xor	esi, esi
	call	rax
	GOES_ON
END
BEGIN "trampoline's list", ATTACK	; direct/direct_internal.h: mmap of 16 pages
	ESCAPE
	mov	ebx, USER_DATA + 64
	lea	r12, [rbx + 64]
	mov	qword [rbx], 9
	mov	qword [rbx + 8], 0
	mov	qword [rbx + 16], 0x10000
	mov	qword [rbx + 24], 7
	mov	qword [rbx + 32], 0x22
	mov	qword [rbx + 40], -1
	mov	qword [rbx + 48], 0
	mov	rax, 0x100000000000
	jmp	rax
	GOES_ON
END
BEGIN "trampoline written", ATTACK
	ESCAPE
	mov	rax, 0x100000000000
	mov	[rax], eax
	GOES_ON
END
BEGIN "list written", ATTACK
	ESCAPE
	mov	rax, 0x100000001000
	mov	[rax], eax
	GOES_ON
END
BEGIN "beyond the trampoline", ATTACK
	ESCAPE
	mov	rax, 0x100000005000
	mov	eax, [rax]
	GOES_ON
END
BEGIN "monitor's memory", ATTACK
	ESCAPE
	mov	rax, 0x7ffff7000000
	shl	rdx, 12
	add	rax, rdx
	mov	eax, [rax]
	GOES_ON
END
BEGIN "above 4 GiB", ATTACK
	ESCAPE
	mov	rax, 0x100000000
	mov	eax, [rax]
	GOES_ON
END
BEGIN "host kernel", ATTACK
	ESCAPE
	mov	rax, 0xffffffff81000000
	mov	eax, [rax]
	GOES_ON
END
BEGIN "64-bit spin", ATTACK
	ESCAPE
.spin:	jmp	.spin
	GOES_ON
END
BEGIN "64-bit int3", ATTACK
	ESCAPE
	int3
	GOES_ON
END
BEGIN "64-bit ud2", ATTACK
	ESCAPE
	ud2
	GOES_ON
END
BEGIN "64-bit kernel page", ATTACK
	ESCAPE
	mov	eax, [abs 0x200000]
	GOES_ON
END
BEGIN "fs base", ATTACK
	ESCAPE
	mov	rax, 0x7ffff7000000
	db	0xf3, 0x48, 0x0f, 0xae, 0xd0	; wrfsbase rax
	mov	eax, [fs:0]
	GOES_ON
END
; Segment registers, by code that decoding does not find.
%macro HIDDEN 0
	call	.base
.base:	pop	ebp
	lea	esi, [ebp + .hidden - .base + 1]
	jmp	esi
%endmacro
BEGIN "hidden ds", ATTACK | MAY_END
	xor	eax, eax
	HIDDEN
.hidden: mov	ecx, 0x90d88e90		; mov ds, eax
	mov	ecx, [ebx]
	FINISH
END
BEGIN "hidden es 2b", ATTACK | MAY_END
	mov	eax, 0x2b
	HIDDEN
.hidden: mov	ecx, 0x90c08e90		; mov es, eax
	FINISH
END
BEGIN "hidden gs 33", ATTACK | MAY_END
	mov	eax, 0x33
	HIDDEN
.hidden: mov	ecx, 0x90e88e90		; mov gs, eax
	FINISH
END
BEGIN "hidden sysenter", ATTACK | MAY_END
	mov	eax, 1
	HIDDEN
.hidden: mov	ecx, 0x90340f90
	FINISH
END
BEGIN "hidden syscall", ATTACK | MAY_END
	mov	eax, 1
	HIDDEN
.hidden: mov	ecx, 0x90050f90
	FINISH
END
	section .table
	global	pieces_end
pieces_end:
