; SPDX-License-Identifier: GPL-2.0-or-later
;
; Faults while an exception is delivered: one after the other, or #DF (SDM 3A
; table 6-5); which of several faults of one instruction comes (table 6-2); and
; #AC, which is asked for by CR0.AM and EFLAGS.AC at ring 3 (3A 6.15).

%include "privileged/probe.inc"
	GUEST	"faults"

%define ABSENT_PAGE 0x40000000
%define MAP 0x87		; present, writable, user, large

tests:
	mov	dword [page_dir], MAP
	mov	dword [page_dir + 4], 0x400000 | MAP
	mov	eax, page_table
	or	eax, 7
	mov	[page_dir + (ABSENT_PAGE >> 22) * 4], eax
	mov	eax, page_dir
	mov	cr3, eax
	mov	eax, cr4
	or	eax, CR4_PSE
	mov	cr4, eax
	call	paging_on
	call	double_faults
	call	priorities
	call	paging_off
	call	alignment
	ret

paging_on:
	mov	eax, cr0
	or	eax, CR0_PG
	mov	cr0, eax
	ret

paging_off:
	mov	eax, cr0
	and	eax, ~CR0_PG
	mov	cr0, eax
	ret

; ---- first exception x what its delivery meets ----
; The first exception's gate is made to fail at delivery:
%macro BREAK_GATE 2			; vector, NP, GP, TS, SS, PF or NONE
%ifidn %2, NP
	IDT_GATE %1, CODE0, vector_stubs, A_INT32 - A_ABSENT
%elifidn %2, GP
	IDT_GATE %1, DATA0, vector_stubs, A_INT32
%elifidn %2, TS
	mov	dword [tss_main + 16], 1		; ring 1's stack: null
	IDT_GATE %1, CODE1, vector_stubs, A_INT32
%elifidn %2, SS
	DESC	T0, 0, 0xfffff, (A_DATA | DPL(1)) - A_ABSENT, F_FLAT
	mov	dword [tss_main + 16], T0 | 1
	IDT_GATE %1, CODE1, vector_stubs, A_INT32
%elifidn %2, PF
	mov	dword [tss_main + 12], ABSENT_PAGE + 0x1000
	IDT_GATE %1, CODE1, vector_stubs, A_INT32
%endif
%endmacro

; At ring 3, exception %1 by instruction %5; its delivery meets %2; the result
; is vector %3 with error code %4.
%macro NESTED 5+
	BREAK_GATE %1, %2
	mov	dword [got_cr2], 0
	RUN	RING3
	HERE
	%5
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	{"exception ", %str(%1), ", then ", %str(%2)}, %3, %4
	call	idt_reset
	call	tss_reset
%endmacro

%define GP_CAUSE mov es, [bad_selector]
%define DE_CAUSE div dword [zero]
%define PF_CAUSE mov al, [ABSENT_PAGE]
%define NP_CAUSE mov es, [absent_selector]
%define SS_CAUSE mov ss, [absent_stack]

double_faults:
	DESC	T1, 0, 0xfffff, (A_DATA | DPL(3)) - A_ABSENT, F_FLAT
	; benign first: one after the other
	NESTED	UD, NP, NP, UD * 8 + 3, ud2
	NESTED	UD, GP, GP, DATA0 | 1, ud2
	NESTED	UD, TS, TS, 1, ud2
	NESTED	UD, SS, SS_, T0 | 1, ud2
	NESTED	UD, PF, PF, 2, ud2
	SAME	"the page fault's CR2", [got_cr2], ABSENT_PAGE + 0x1000 - 4
	; contributory, then contributory: #DF
	NESTED	DE, NP, DF, 0, DE_CAUSE
	NESTED	DE, GP, DF, 0, DE_CAUSE
	NESTED	DE, TS, DF, 0, DE_CAUSE
	NESTED	DE, SS, DF, 0, DE_CAUSE
	NESTED	GP, NP, DF, 0, GP_CAUSE
	NESTED	GP, GP, DF, 0, GP_CAUSE
	NESTED	GP, TS, DF, 0, GP_CAUSE
	NESTED	GP, SS, DF, 0, GP_CAUSE
	NESTED	NP, NP, DF, 0, NP_CAUSE
	NESTED	NP, GP, DF, 0, NP_CAUSE
	NESTED	SS_, NP, DF, 0, SS_CAUSE
	NESTED	SS_, GP, DF, 0, SS_CAUSE
	; contributory, then page fault: one after the other
	NESTED	DE, PF, PF, 2, DE_CAUSE
	NESTED	GP, PF, PF, 2, GP_CAUSE
	NESTED	NP, PF, PF, 2, NP_CAUSE
	; page fault, then contributory or page fault: #DF
	NESTED	PF, NP, DF, 0, PF_CAUSE
	NESTED	PF, GP, DF, 0, PF_CAUSE
	NESTED	PF, TS, DF, 0, PF_CAUSE
	NESTED	PF, SS, DF, 0, PF_CAUSE
	NESTED	PF, PF, DF, 0, PF_CAUSE
	SAME	"double fault: CR2 is the second page fault's", [got_cr2], ABSENT_PAGE + 0x1000 - 4
	; an interrupt by software is benign
	BREAK_GATE 0x40, NP
	RUN	RING3
	int	0x40
	DONE
	FAULT	"INT n, then #GP: no #DF", GP, 0x40 * 8 + 2
	call	idt_reset
	; #DF by a task gate, for a stack that is gone
	DESC	T2, df_tss, 0x67, A_TSS32, 0
	mov	dword [df_tss + 0x20], .df_task
	mov	dword [df_tss + 0x24], FL_1
	mov	dword [df_tss + 0x38], handler_stack_top
	mov	dword [df_tss + 0x48], DATA0
	mov	dword [df_tss + 0x4c], CODE0
	mov	dword [df_tss + 0x50], DATA0
	mov	dword [df_tss + 0x54], DATA0
	mov	dword [df_tss + 0x1c], page_dir
	IDT_GATE DF, T2, 0, A_TASK
	RUN	RING0
	mov	esp, ABSENT_PAGE + 0x800
	HERE
	ud2				; #UD, #PF, #DF
	STOP
	SAME	"a lost stack: #DF through its task gate", [got_esi], 0xdf
	xor	eax, eax
	str	ax
	SAME	"a lost stack: TR", eax, T2
	SAME	"a lost stack: error code", [got_edi], 0
	SAME	"a lost stack: saved EIP", [tss_main + 0x20], ..@run_at_%[run_number]
	clts
	pushfd
	and	dword [esp], ~FL_NT
	popfd
	and	byte [gdt + TSS_MAIN + 5], ~2
	mov	ax, TSS_MAIN
	ltr	ax
	call	idt_reset
	call	tss_reset
	ret
; The double fault's task: the error code is on its stack.
.df_task:
	pop	edi
	mov	[got_edi], edi
	mov	dword [got_esi], 0xdf
	mov	byte [armed], 0
	mov	esp, [resume_esp]
	mov	ax, DATA0
	mov	fs, ax
	mov	gs, ax
	popad
	jmp	[run_end]

; ---- the first of several faults ----
priorities:
	; the segment's limit before the page
	DESC	T0, ABSENT_PAGE, 0xff, A_DATA, F_BYTE
	RUN	RING0
	mov	ax, T0
	mov	es, ax
	HERE
	mov	al, [es:0x100]
	DONE
	QEMU_DIFFERS "3A 5.3: limits"
	FAULT	"limit before page fault", GP, 0
	RUN	RING0
	mov	ax, T0
	mov	es, ax
	HERE
	mov	al, [es:0xff]
	DONE
	FAULT	"page fault within the limit", PF, 0
	; privilege before the operand
	RUN	RING3
	HERE
	lgdt	[ABSENT_PAGE]
	DONE
	FAULT	"privilege before the operand's page fault", GP, 0
	RUN	RING3
	HERE
	invlpg	[ABSENT_PAGE]
	DONE
	FAULT	"INVLPG: privilege", GP, 0
	; #UD before all: LOCK on what takes none
	RUN	RING3
	HERE
	db	0xf0, 0x8a, 0x05	; lock mov al, [ABSENT_PAGE]
	dd	ABSENT_PAGE
	DONE
	QEMU_DIFFERS "2A LOCK"
	FAULT	"LOCK on a load is #UD before the page fault", UD
	; 15 bytes are the longest instruction
	RUN	RING3
	times 14 db 0x3e
	nop
	DONE
	NOFAULT	"an instruction of 15 bytes"
	RUN	RING3
	HERE
	times 15 db 0x3e
	nop
	DONE
	FAULT	"an instruction of 16 bytes", GP, 0
	; the divisor is read before it divides
	RUN	RING3
	HERE
	div	dword [ABSENT_PAGE]
	DONE
	FAULT	"DIV: page fault first", PF, 4
	; PUSH of memory: the operand is read before the stack is written
	RUN	RING0
	mov	ebx, esp
	mov	esp, ABSENT_PAGE + 4
	mov	ecx, esp
	mov	esp, ebx
	HERE
	push	dword [ABSENT_PAGE + 0x2000]
	DONE
	FAULT	"PUSH m: the operand's fault", PF, 0
	SAME	"PUSH m: CR2", [got_cr2], ABSENT_PAGE + 0x2000
	; a fault leaves the destination as it was: XCHG, CMPXCHG, XADD
	mov	eax, 0x1234
	RUN	RING3
	HERE
	xchg	eax, [ABSENT_PAGE]
	DONE
	QEMU_DIFFERS "3A 4.7: the access that faults is a write"
	FAULT	"XCHG: a write's fault", PF, 6
	SAME	"XCHG: the register stays", [got_eax], 0x1234
	RUN	RING3
	xor	eax, eax
	HERE
	cmpxchg	[ABSENT_PAGE], ecx
	DONE
	QEMU_DIFFERS "2A CMPXCHG: the destination is always written"
	FAULT	"CMPXCHG: a write's fault", PF, 6
	; selector before the descriptor's page, and the descriptor's page fault
	RUN	RING3
	xor	eax, eax
	HERE
	mov	ss, ax
	DONE
	FAULT	"MOV SS null before anything", GP, 0
	; a page fault of the GDT is the supervisor's
	sgdt	[old_gdtr]
	mov	word [far_gdtr], 0xffff
	mov	dword [far_gdtr + 2], ABSENT_PAGE - 0x1000
	mov	esi, gdt
	mov	edi, ABSENT_PAGE - 0x1000
	mov	eax, page_table2
	or	eax, 7
	mov	[page_dir + ((ABSENT_PAGE - 0x1000) >> 22) * 4], eax
	mov	eax, gdt
	or	eax, 7
	mov	[page_table2 + ((ABSENT_PAGE - 0x1000) >> 12 & 0x3ff) * 4], eax
	lgdt	[far_gdtr]
	RUN	RING3
	mov	eax, 0x1008
	HERE
	mov	es, ax
	DONE
	lgdt	[old_gdtr]
	FAULT	"a page fault of the GDT is a supervisor's read", PF, 0
	SAME	"a page fault of the GDT: CR2", [got_cr2], ABSENT_PAGE + 8
	; MOVS: the source's fault before the destination's
	RUN	RING3
	mov	esi, ABSENT_PAGE
	mov	edi, ABSENT_PAGE + 0x2000
	HERE
	movsb
	DONE
	FAULT	"MOVS: source first", PF, 4
	SAME	"MOVS: CR2", [got_cr2], ABSENT_PAGE
	SAME	"MOVS: ESI stays", [got_esi], ABSENT_PAGE
	; REP: stopped in the middle
	mov	eax, frame
	or	eax, 7
	mov	[page_table], eax
	RUN	RING3
	mov	edi, ABSENT_PAGE + 0xff0
	mov	ecx, 0x20
	HERE
	rep	stosb
	DONE
	FAULT	"REP STOS into an absent page", PF, 6
	SAME	"REP STOS: ECX", [got_ecx], 0x10
	SAME	"REP STOS: EDI", [got_edi], ABSENT_PAGE + 0x1000
	mov	eax, [got_flags]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: faults save RF set"
	SAME	"REP STOS: RF saved", eax, FL_RF
	mov	dword [page_table], 0
	mov	eax, cr3
	mov	cr3, eax
	ret

; ---- #AC ----
%macro MISALIGNED 2+
	RUN	RING3, FL_1 | FL_AC
	mov	esi, buffer + 1
	mov	edi, buffer + 4
	HERE
	%2
	DONE
	QEMU_DIFFERS "3A 6.15: TCG checks no alignment"
	FAULT	{"#AC: ", %1}, AC, 0
%endmacro
%macro ALIGNED 2+
	RUN	RING3, FL_1 | FL_AC
	mov	esi, buffer + 1
	mov	edi, buffer + 4
	%2
	DONE
	NOFAULT	{"no #AC: ", %1}
%endmacro

alignment:
	RUN	RING3, FL_1 | FL_AC
	mov	eax, [buffer + 1]
	DONE
	NOFAULT	"no #AC without CR0.AM"
	mov	eax, cr0
	or	eax, CR0_AM
	mov	cr0, eax
	RUN	RING3
	mov	eax, [buffer + 1]
	DONE
	NOFAULT	"no #AC without EFLAGS.AC"
	RUN	RING0, FL_1 | FL_AC
	mov	eax, [buffer + 1]
	DONE
	NOFAULT	"no #AC at ring 0"
	RUN	RING1, FL_1 | FL_AC
	mov	eax, [buffer + 1]
	DONE
	NOFAULT	"no #AC at ring 1"
	MISALIGNED "a doubleword at 1", mov eax, [esi]
	MISALIGNED "a doubleword at 2", mov eax, [esi + 1]
	MISALIGNED "a word at 1", mov ax, [esi]
	MISALIGNED "a write", mov [esi], eax
	MISALIGNED "a read-modify-write", inc dword [esi]
	MISALIGNED "a locked one", lock inc dword [esi]
	MISALIGNED "MOVS, its source", movsd
	ALIGNED	"bytes", mov al, [esi]
	ALIGNED	"a doubleword at 4", mov eax, [edi]
	ALIGNED	"a word at 2", mov ax, [buffer + 2]
	ALIGNED	"a quadword at 8", movq mm0, [buffer + 8]
	MISALIGNED "a quadword at 4", movq mm0, [buffer + 4]
	; the stack
	RUN	RING3, FL_1 | FL_AC
	dec	esp
	HERE
	push	eax
	DONE
	QEMU_DIFFERS "3A 6.15"
	FAULT	"#AC: PUSH", AC, 0
	RUN	RING3, FL_1 | FL_AC
	dec	esp
	HERE
	call	.nowhere
.nowhere:
	DONE
	QEMU_DIFFERS "3A 6.15"
	FAULT	"#AC: CALL", AC, 0
	mov	dword [far_pointer], .nowhere
	mov	dword [far_pointer + 4], CODE3
	RUN	RING3, FL_1 | FL_AC
	dec	esp
	HERE
	call	far [far_pointer]
	DONE
	QEMU_DIFFERS "3A 6.15"
	FAULT	"#AC: far CALL pushes", AC, 0
	; an interrupt's pushes are ring 0's
	mov	dword [tss_main + 4], handler_stack_top - 1
	RUN	RING3, FL_1 | FL_AC
	int	0x40
..@a1:
	DONE
	TRAP	"no #AC for an interrupt's own pushes", 0x40, ..@a1
	mov	eax, [got_flags]
	and	eax, FL_AC
	SAME	"an interrupt saves AC", eax, FL_AC
	mov	eax, [got_hflags]
	and	eax, FL_AC
	SAME	"a protected-mode handler runs with AC", eax, FL_AC
	call	tss_reset
	; descriptors are the processor's own
	RUN	RING3, FL_1 | FL_AC
	mov	ax, DATA3
	mov	es, ax
	DONE
	NOFAULT	"no #AC for descriptors"
	; page faults come before? #GP of the segment does (table 6-2)
	RUN	RING3, FL_1 | FL_AC
	xor	eax, eax
	mov	es, ax
	HERE
	mov	eax, [es:1]
	DONE
	QEMU_DIFFERS "3A 5.4.1"
	FAULT	"#GP of the segment before #AC", GP, 0
	RUN	V86, FL_1 | FL_AC
	mov	bx, 1
	HERE
	mov	ax, [bx]
	DONE
	QEMU_DIFFERS "3A 6.15"
	FAULT	"#AC in virtual-8086 mode", AC, 0
	mov	eax, cr0
	and	eax, ~CR0_AM
	mov	cr0, eax
	ret

	section .data
	align	4
zero:		dd 0
bad_selector:	dw 0xfff8
absent_selector: dw T1 | 3
absent_stack:	dw T1 | 3
	section .bss
	alignb	4096
page_dir:	resb 4096
page_table:	resb 4096
page_table2:	resb 4096
frame:		resb 4096
buffer:		resb 64
df_tss:		resb 0x68
far_pointer:	resb 8
old_gdtr:	resb 8
far_gdtr:	resb 8
