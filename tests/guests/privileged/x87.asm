; SPDX-License-Identifier: GPL-2.0-or-later
;
; How floating-point errors are reported: #MF with CR0.NE, IRQ 13 without it and
; IGNNE# by port F0h (SDM 1 8.7, 3A 6.15); #NM by EM, TS and MP (3A 2.5, 13.4);
; what SSE and MMX need of CR0 and CR4, and #XM.

%include "privileged/probe.inc"
	GUEST	"x87"

%define CR4_OSXMMEXCPT 0x400
%define PIC1 0x20
%define PIC2 0xa0
%define PIC_BASE 0x20
%define IRQ13 (PIC_BASE + 13)

tests:
	call	no_device
	call	native_errors
	call	is_tcg
	je	.no_irq13
	call	irq13
	call	sse
	ret
.no_irq13:
	SKIP	"IRQ 13: TCG ends with an assertion"
	call	sse
	ret

%macro CR0_SET 1
	mov	eax, cr0
	or	eax, %1
	mov	cr0, eax
%endmacro
%macro CR0_CLEAR 1
	mov	eax, cr0
	and	eax, ~(%1)
	mov	cr0, eax
%endmacro
%macro CR4_SET 1
	mov	eax, cr4
	or	eax, %1
	mov	cr4, eax
%endmacro
%macro CR4_CLEAR 1
	mov	eax, cr4
	and	eax, ~(%1)
	mov	cr4, eax
%endmacro

; Instruction %3 at ring 3 with CR0 bits %2 set gives vector %4 (BP_: none).
%macro WITH_CR0 4			; name, bits, vector, instruction
	CR0_SET	%2
	RUN	RING3
	%4
	DONE
	CR0_CLEAR CR0_EM | CR0_TS | CR0_MP
%if %3 == BP_
	NOFAULT	{%1}
%else
	FAULT	{%1}, %3
%endif
%endmacro

no_device:
	CR4_SET	CR4_OSFXSR
	WITH_CR0 "EM: x87 is #NM", CR0_EM, NM, fld1
	WITH_CR0 "EM: FNINIT is #NM", CR0_EM, NM, fninit
	WITH_CR0 "EM: WAIT is not", CR0_EM, BP_, fwait
	QEMU_DIFFERS "3A 12.1, table 12-1"
	WITH_CR0 "EM: MMX is #UD", CR0_EM, UD, emms
	WITH_CR0 "EM: SSE is #UD", CR0_EM, UD, {xorps xmm0, xmm0}
	WITH_CR0 "EM: FXSAVE is #NM", CR0_EM, NM, fxsave [area]
	WITH_CR0 "TS: x87 is #NM", CR0_TS, NM, fld1
	QEMU_DIFFERS "3A 12.1, table 12-1"
	WITH_CR0 "TS: MMX is #NM", CR0_TS, NM, emms
	WITH_CR0 "TS: SSE is #NM", CR0_TS, NM, {xorps xmm0, xmm0}
	WITH_CR0 "TS: FXSAVE is #NM", CR0_TS, NM, fxsave [area]
	WITH_CR0 "TS without MP: WAIT is not", CR0_TS, BP_, fwait
	WITH_CR0 "TS and MP: WAIT is #NM", CR0_TS | CR0_MP, NM, fwait
	WITH_CR0 "MP alone: WAIT", CR0_MP, BP_, fwait
	QEMU_DIFFERS "3A 12.1, table 12-1"
	WITH_CR0 "EM and TS: MMX is #UD", CR0_EM | CR0_TS, UD, emms
	WITH_CR0 "TS: PREFETCH and SFENCE are no SSE", CR0_TS | CR0_EM, BP_, sfence
	; #NM before the operand's fault
	CR0_SET	CR0_TS
	RUN	RING3
	xor	eax, eax
	mov	es, ax
	HERE
	fld	dword [es:0]
	DONE
	CR0_CLEAR CR0_TS
	FAULT	"#NM before the operand's #GP", NM
	RUN	RING3
	HERE
	fxsave	[area + 4]
	DONE
	QEMU_DIFFERS "2A FXSAVE: #GP if not aligned to 16"
	FAULT	"FXSAVE: misaligned", GP, 0
	ret

; An unmasked division by zero, which pends.
%macro DIVIDE_BY_ZERO 0
	fninit
	fldcw	[unmask_zero]
	fld1
	fldz
	fdivp
%endmacro

native_errors:
	CR0_SET	CR0_NE
	RUN	RING3
	DIVIDE_BY_ZERO
	nop
	HERE
	fld1
	DONE
	QEMU_DIFFERS "1 8.7.1: every waiting instruction"
	FAULT	"#MF comes with the next x87 instruction", MF
	RUN	RING3
	DIVIDE_BY_ZERO
	HERE
	fwait
	DONE
	FAULT	"#MF by WAIT", MF
	RUN	RING3
	DIVIDE_BY_ZERO
	HERE
	emms
	DONE
	QEMU_DIFFERS "1 8.7.1: every waiting instruction"
	FAULT	"#MF by MMX", MF
	RUN	RING3
	DIVIDE_BY_ZERO
	fnstsw	ax
	fnstcw	[area]
	fnclex
	fwait
	DONE
	NOFAULT	"FNSTSW, FNSTCW, FNCLEX do not wait"
	mov	eax, [got_eax]
	and	eax, 0x8084
	SAME	"FNSTSW shows the error", eax, 0x8084
	RUN	RING3
	DIVIDE_BY_ZERO
	fninit
	fwait
	DONE
	NOFAULT	"FNINIT clears the error"
	RUN	RING3
	fninit
	fld1
	fldz
	fdivp
	fwait
	fnstsw	ax
	DONE
	NOFAULT	"a masked error is none"
	; unmasking a flagged error raises it
	RUN	RING3
	fninit
	fld1
	fldz
	fdivp
	fldcw	[unmask_zero]
	HERE
	fwait
	DONE
	QEMU_DIFFERS "1 8.7.1: every waiting instruction"
	FAULT	"FLDCW that unmasks an error", MF
	; #NM before #MF
	RUN	RING0
	DIVIDE_BY_ZERO
	mov	eax, cr0
	or	eax, CR0_TS
	mov	cr0, eax
	HERE
	fld1
	DONE
	clts
	FAULT	"#NM before #MF", NM
	fninit
	CR0_CLEAR CR0_NE
	ret

; ---- IRQ 13: FERR# ----
irq13:
	mov	al, 0x11
	out	PIC1, al
	out	PIC2, al
	mov	al, PIC_BASE
	out	PIC1 + 1, al
	mov	al, PIC_BASE + 8
	out	PIC2 + 1, al
	mov	al, 4
	out	PIC1 + 1, al
	mov	al, 2
	out	PIC2 + 1, al
	mov	al, 1
	out	PIC1 + 1, al
	out	PIC2 + 1, al
	mov	al, ~4 & 0xff		; IRQ 2 and 13
	out	PIC1 + 1, al
	mov	al, ~0x20 & 0xff
	out	PIC2 + 1, al
	RUN	RING0, FL_1 | FL_IF
	DIVIDE_BY_ZERO
	nop
	fwait
	nop
	nop
	DONE
	SAME	"without NE: IRQ 13", [got_vector], IRQ13
	; IGNNE#: the handler's x87 instructions work although the error pends
	mov	al, 0
	out	0xf0, al
	RUN	RING0
	fld1
	fstp	st0
	fnclex
	fwait
	DONE
	NOFAULT	"port F0h: IGNNE# until the error is cleared"
	mov	al, 0x20
	out	PIC2, al
	out	PIC1, al
	; and it is not raised again
	RUN	RING0, FL_1 | FL_IF
	fld1
	fstp	st0
	nop
	nop
	DONE
	NOFAULT	"no second IRQ 13"
	; with interrupts off the request waits
	RUN	RING0
	DIVIDE_BY_ZERO
	nop
	DONE
	NOFAULT	"IRQ 13 is an interrupt: IF holds it"
	RUN	RING0
	fnclex
	DONE
	mov	al, 0
	out	0xf0, al
	mov	al, 0xff
	out	PIC1 + 1, al
	out	PIC2 + 1, al
	fninit
	ret

; ---- SSE ----
sse:
	CR4_CLEAR CR4_OSFXSR | CR4_OSXMMEXCPT
	RUN	RING3
	xorps	xmm0, xmm0
	DONE
	FAULT	"SSE without OSFXSR is #UD", UD
	RUN	RING3
	HERE
	ldmxcsr	[mxcsr_unmasked]
	DONE
	FAULT	"LDMXCSR without OSFXSR is #UD", UD
	CR4_SET	CR4_OSFXSR
	RUN	RING3
	xorps	xmm0, xmm0
	DONE
	NOFAULT	"SSE with OSFXSR"
	RUN	RING3
	ldmxcsr	[mxcsr_unmasked]
	movss	xmm0, [one]
	xorps	xmm1, xmm1
	HERE
	divss	xmm0, xmm1
	DONE
	ldmxcsr	[mxcsr_default]
	QEMU_DIFFERS "1 11.6: TCG raises no SIMD exceptions"
	FAULT	"an SSE error without OSXMMEXCPT is #UD", UD
	CR4_SET	CR4_OSXMMEXCPT
	RUN	RING3
	ldmxcsr	[mxcsr_unmasked]
	movss	xmm0, [one]
	xorps	xmm1, xmm1
	HERE
	divss	xmm0, xmm1
	DONE
	stmxcsr	[area]
	ldmxcsr	[mxcsr_default]
	QEMU_DIFFERS "1 11.6: TCG raises no SIMD exceptions"
	FAULT	"an SSE error with OSXMMEXCPT is #XM", XM
	mov	eax, [area]
	and	eax, 4
	SAME	"the flag in MXCSR", eax, 4
	RUN	RING3
	HERE
	ldmxcsr	[mxcsr_reserved]
	DONE
	QEMU_DIFFERS "2A LDMXCSR: #GP(0)"
	FAULT	"LDMXCSR of reserved bits", GP, 0
	; FXSAVE works without OSFXSR
	CR4_CLEAR CR4_OSFXSR | CR4_OSXMMEXCPT
	RUN	RING3
	fxsave	[area]
	DONE
	NOFAULT	"FXSAVE without OSFXSR"
	RUN	RING3
	movaps	xmm0, [area + 4]
	DONE
	FAULT	"MOVAPS without OSFXSR, misaligned: #UD first", UD
	CR4_SET	CR4_OSFXSR
	RUN	RING3
	movaps	xmm0, [area + 4]
	DONE
	QEMU_DIFFERS "2B MOVAPS: #GP if not aligned to 16"
	FAULT	"MOVAPS, misaligned", GP, 0
	RUN	RING3
	movups	xmm0, [area + 4]
	DONE
	NOFAULT	"MOVUPS, misaligned"
	ret

	section .data
	align	4
unmask_zero:	dw 0x37b
	align	4
mxcsr_default:	dd 0x1f80
mxcsr_unmasked:	dd 0x1d80
mxcsr_reserved:	dd 0x80001f80
one:		dd 1.0
	section .bss
	alignb	16
area:		resb 512 + 16
