; SPDX-License-Identifier: GPL-2.0-or-later
;
; Far JMP, CALL and RET (SDM 2A CALL, JMP; 2B RET; 3A 5.8): what they check,
; conforming code, call gates of both sizes with parameters and stack switch,
; and SYSENTER/SYSEXIT (2B; 3A 5.8.7).

%include "privileged/probe.inc"
	GUEST	"transfers"

tests:
	call	direct
	call	gates
	call	gate_stacks
	call	returns
	call	fast_calls
	ret

; A far transfer at ring %2 to selector %3, by both JMP and CALL; it faults.
%macro FAR_FAULT 5-6			; name, ring, selector, vector, error, where QEMU differs
	mov	dword [pointer], landing
	mov	word [pointer + 4], %3
	RUN	%2
	jmp	far [pointer]
	DONE
%if %0 == 6
	QEMU_DIFFERS %6
%endif
	FAULT	{"JMP ", %1}, %4, %5
	RUN	%2
	call	far [pointer]
	DONE
%if %0 == 6
	QEMU_DIFFERS %6
%endif
	FAULT	{"CALL ", %1}, %4, %5
%endmacro

; It arrives, with this CS.
%macro FAR_OK 4-5			; name, ring, selector, CS there, where QEMU differs
	mov	dword [pointer], landing
	mov	word [pointer + 4], %3
	RUN	%2
	jmp	far [pointer]
	DONE
	SAME	{"JMP ", %1}, [got_eip], landing + 1
	SAME	{"JMP CS ", %1}, [got_cs], %4
	RUN	%2
	mov	ebx, esp
	call	far [pointer]
..@after_%[run_number]:
	DONE
%if %0 == 5
	QEMU_DIFFERS %5
%endif
	SAME	{"CALL ", %1}, [got_eip], landing + 1
%if %0 == 5
	QEMU_DIFFERS %5
%endif
	SAME	{"CALL CS ", %1}, [got_cs], %4
	mov	eax, [got_esp]
%if %0 == 5
	QEMU_DIFFERS %5
%endif
	SAME	{"CALL return address ", %1}, [eax], ..@after_%[run_number]
%endmacro

landing:
	int3

direct:
	FAR_OK	"to the same code segment", RING0, CODE0, CODE0
	FAR_OK	"at ring 3", RING3, CODE3, CODE3
	FAR_OK	"RPL below CPL does not matter", RING3, CODE3 & ~3, CODE3
	FAR_FAULT "null", RING0, 0, GP, 0
	FAR_FAULT "null with RPL", RING3, 3, GP, 0
	FAR_FAULT "beyond the GDT", RING0, GDT_ENTRIES * 8, GP, GDT_ENTRIES * 8
	FAR_FAULT "beyond the LDT", RING0, LDT_ENTRIES * 8 + 4, GP, LDT_ENTRIES * 8 + 4
	FAR_FAULT "to data", RING0, DATA0, GP, DATA0
	FAR_FAULT "to an outer ring", RING0, CODE3 & ~3, GP, CODE3 & ~3
	FAR_FAULT "to an inner ring", RING3, CODE0, GP, CODE0
	FAR_FAULT "with RPL above CPL", RING0, CODE0 | 1, GP, CODE0
	FAR_FAULT "to an LDT descriptor", RING0, LDT_SEL, GP, LDT_SEL
	FAR_FAULT "to a busy TSS", RING0, TSS_MAIN, GP, TSS_MAIN
	DESC	T0, 0, 0xfffff, A_CODE - A_ABSENT, F_FLAT
	FAR_FAULT "not present", RING0, T0, NP, T0
	DESC	T0, 0, 0xfffff, (A_CODE - A_ABSENT) | DPL(3), F_FLAT
	FAR_FAULT "privilege before presence", RING0, T0, GP, T0
	DESC	T0, 0, 0xfff, A_CODE, F_BYTE
	FAR_FAULT "beyond the limit of the target", RING0, T0, GP, 0, "2A CALL: #GP(0)"
	DESC	T0, 0, 0xfffff, A_DATA, F_FLAT
	movzx	eax, byte [gdt + T0 + 5]
	; conforming code: DPL <= CPL, CPL stays
	DESC	T0, 0, 0xfffff, A_CONF, F_FLAT
	FAR_OK	"to conforming code at ring 0", RING0, T0, T0
	FAR_OK	"to conforming code at ring 3", RING3, T0, T0 | 3
	FAR_OK	"to conforming code, RPL ignored", RING1, T0 | 3, T0 | 1
	DESC	T0, 0, 0xfffff, A_CONF | DPL(3), F_FLAT
	FAR_FAULT "to conforming code of an outer ring", RING0, T0, GP, T0
	FAR_OK	"to conforming code of DPL 3 at ring 3", RING3, T0 | 3, T0 | 3
	DESC	T0, 0, 0xfffff, A_CONF - A_ABSENT, F_FLAT
	FAR_FAULT "to conforming code, not present", RING3, T0, NP, T0
	; the accessed bit
	DESC	T0, 0, 0xfffff, A_CODE, F_FLAT
	FAR_OK	"to a fresh descriptor", RING0, T0, T0
	movzx	eax, byte [gdt + T0 + 5]
	QEMU_DIFFERS "3A 3.4.5.1"
	SAME	"far JMP sets the accessed bit", eax, A_CODE | 1
	; 16-bit operand
	mov	word [pointer], 0
	mov	word [pointer + 2], CODE16
	mov	byte [LOW_CODE], 0xcc
	RUN	RING0
	o16 jmp	far [pointer]
	DONE
	SAME	"JMP m16:16", [got_eip], 1
	SAME	"JMP m16:16: CS", [got_cs], CODE16
	RUN	RING0
	mov	ebx, esp
	o16 call far [pointer]
	DONE
	mov	eax, [got_ebx]
	sub	eax, 4
	SAME	"CALL m16:16 pushes 4 bytes", [got_esp], eax
	mov	eax, [got_esp]
	movzx	eax, word [eax + 2]
	SAME	"CALL m16:16 pushes CS", eax, CODE0
	ret

; ---- call gates: checks ----
%macro GATE_FAULT 5			; name, ring, selector, vector, error
	FAR_FAULT %1, %2, %3, %4, %5
%endmacro

gates:
	call	gdt_reset
	or	byte [gdt + TSS_MAIN + 5], A_BUSY
	; DPL of the gate against CPL and RPL
	GATE	T0, CODE0, landing, A_CALL32 | DPL(0)
	FAR_OK	"through a gate at ring 0", RING0, T0, CODE0
	FAR_FAULT "through a gate of DPL 0 at ring 3", RING3, T0, GP, T0
	FAR_FAULT "through a gate of DPL 0 with RPL 3", RING0, T0 | 3, GP, T0
	GATE	T0, CODE0, landing, A_CALL32 - A_ABSENT
	FAR_FAULT "through a gate that is not present", RING0, T0, NP, T0
	GATE	T0, 0, landing, A_CALL32
	FAR_FAULT "through a gate to null", RING0, T0, GP, 0
	GATE	T0, GDT_ENTRIES * 8, landing, A_CALL32
	FAR_FAULT "through a gate beyond the GDT", RING0, T0, GP, GDT_ENTRIES * 8
	GATE	T0, DATA0, landing, A_CALL32
	FAR_FAULT "through a gate to data", RING0, T0, GP, DATA0
	GATE	T0, CODE3, landing, A_CALL32
	FAR_FAULT "through a gate to an outer ring", RING0, T0, GP, CODE3 & ~3
	DESC	T1, 0, 0xfffff, A_CODE - A_ABSENT, F_FLAT
	GATE	T0, T1, landing, A_CALL32
	FAR_FAULT "through a gate to absent code", RING0, T0, NP, T1, "2A JMP: #NP"
	DESC	T1, 0, 0xfff, A_CODE, F_BYTE
	GATE	T0, T1, landing, A_CALL32
	FAR_FAULT "through a gate beyond the limit", RING0, T0, GP, 0, "2A CALL: #GP(0)"
	GATE	T0, CODE0 | 3, landing, A_CALL32 | DPL(3)
	FAR_OK	"RPL in a gate does not matter", RING0, T0, CODE0
	; JMP may not go inward but to conforming code
	mov	word [pointer + 4], T0 | 3
	RUN	RING3
	jmp	far [pointer]
	DONE
	FAULT	"JMP through a gate to an inner ring", GP, CODE0
	DESC	T1, 0, 0xfffff, A_CONF, F_FLAT
	GATE	T0, T1, landing, A_CALL32 | DPL(3)
	FAR_OK	"through a gate to conforming code", RING3, T0 | 3, T1 | 3, "2A CALL: SAME-PRIVILEGE keeps the CPL"
	; types that are no targets
%assign kind 0
%rep 16
%if kind != 1 && kind != 4 && kind != 5 && kind != 9 && kind != 12
	DESC	T0, 0, 0x67, 0x80 | kind, 0
	mov	word [pointer + 4], T0
	RUN	RING0
	call	far [pointer]
	DONE
	mov	dword [case_id], kind
	mov	byte [quiet], 1
	FAULT	"CALL to a system descriptor that is no target", GP, T0
	mov	byte [quiet], 0
%endif
%assign kind kind + 1
%endrep
	; 16-bit gate: offset of 16 bits, 16-bit pushes
	DESC	T1, landing, 0xfff, A_CODE, F_BYTE
	GATE	T0, T1, 0, A_CALL16
	mov	word [pointer + 4], T0
	RUN	RING0
	mov	ebx, esp
	call	far [pointer]
..@after16:
	DONE
	SAME	"16-bit gate: offset", [got_eip], 1
	mov	eax, [got_ebx]
	sub	eax, 4
	SAME	"16-bit gate: pushes 4 bytes", [got_esp], eax
	mov	eax, [got_esp]
	mov	ecx, ..@after16
	and	ecx, 0xffff
	or	ecx, CODE0 << 16
	SAME	"16-bit gate: CS:IP", [eax], ecx
	ret

; ---- call gates: stack switch, parameters ----
gate_stacks:
	call	gdt_reset
	or	byte [gdt + TSS_MAIN + 5], A_BUSY
	GATE	T0, CODE0, landing, A_CALL32 | DPL(3), 3
	mov	word [pointer + 4], T0
	RUN	RING3
	push	dword 0x11
	push	dword 0x22
	push	dword 0x33
	mov	ebx, esp
	call	far [pointer]
..@after_p:
	DONE
	SAME	"inward CALL: arrives", [got_eip], landing + 1
	SAME	"inward CALL: CS", [got_cs], CODE0
	SAME	"inward CALL: SS", [got_hss], DATA0
	SAME	"inward CALL: ESP", [got_esp], handler_stack_top - 7 * 4
	SAME	"inward CALL: EIP pushed", [handler_stack_top - 28], ..@after_p
	SAME	"inward CALL: CS pushed", [handler_stack_top - 24], CODE3
	SAME	"inward CALL: last parameter", [handler_stack_top - 20], 0x33
	SAME	"inward CALL: second parameter", [handler_stack_top - 16], 0x22
	SAME	"inward CALL: first parameter", [handler_stack_top - 12], 0x11
	mov	eax, [got_ebx]
	SAME	"inward CALL: ESP pushed", [handler_stack_top - 8], eax
	SAME	"inward CALL: SS pushed", [handler_stack_top - 4], DATA3
	; 31 parameters
	GATE	T0, CODE0, landing, A_CALL32 | DPL(3), 31
	RUN	RING3
	mov	ecx, 31
.push:
	push	ecx
	loop	.push
	call	far [pointer]
	DONE
	SAME	"31 parameters: ESP", [got_esp], handler_stack_top - 35 * 4
	SAME	"31 parameters: the first", [handler_stack_top - 12], 31
	SAME	"31 parameters: the last", [handler_stack_top - 33 * 4], 1
	; bits above the count are ignored
	GATE	T0, CODE0, landing, A_CALL32 | DPL(3), 0xe0
	RUN	RING3
	call	far [pointer]
	DONE
	SAME	"the gate's bits 5-7 are no count", [got_esp], handler_stack_top - 16
	; to ring 1 and 2
	GATE	T0, CODE1, landing, A_CALL32 | DPL(3), 0
	RUN	RING3
	call	far [pointer]
	DONE
	SAME	"CALL to ring 1: CS", [got_cs], CODE1
	SAME	"CALL to ring 1: SS", [got_ss], DATA1
	SAME	"CALL to ring 1: ESP", [got_esp], stack1_top - 16
	GATE	T0, CODE2, landing, A_CALL32 | DPL(3), 0
	RUN	RING3
	call	far [pointer]
	DONE
	SAME	"CALL to ring 2: CS", [got_cs], CODE2
	SAME	"CALL to ring 2: ESP", [got_esp], stack2_top - 16
	; 16-bit gate
	GATE	T0, T1, 0, A_CALL16 | DPL(3), 2
	DESC	T1, landing, 0xfff, A_CODE, F_BYTE
	RUN	RING3
	push	word 0x55
	push	word 0x66
	call	far [pointer]
	DONE
	SAME	"16-bit inward CALL: ESP", [got_esp], handler_stack_top - 12
	SAME	"16-bit inward CALL: parameters", [handler_stack_top - 8], 0x00550066
	; the new stack is at fault: #TS, #SS
	GATE	T0, CODE0, landing, A_CALL32 | DPL(3), 0
	GATE	T2, CODE1, landing, A_CALL32 | DPL(3), 0
	mov	word [pointer + 4], T2
	%macro BAD_STACK 4			; name, SS1, vector, error
	mov	dword [tss_main + 16], %2
	RUN	RING3
	call	far [pointer]
	DONE
	FAULT	%1, %3, %4
	%endmacro
	BAD_STACK "inner SS null", 0, TS, 0
	BAD_STACK "inner SS null with RPL", 1, TS, 0
	BAD_STACK "inner SS beyond the GDT", GDT_ENTRIES * 8 + 1, TS, GDT_ENTRIES * 8
	BAD_STACK "inner SS with the wrong RPL", DATA1 & ~3, TS, DATA1 & ~3
	BAD_STACK "inner SS with the wrong DPL", DATA0 | 1, TS, DATA0
	DESC	T3, 0, 0xfffff, A_DATA_RO | DPL(1), F_FLAT
	BAD_STACK "inner SS not writable", T3 | 1, TS, T3
	DESC	T3, 0, 0xfffff, (A_DATA | DPL(1)) - A_ABSENT, F_FLAT
	QEMU_DIFFERS "2A CALL: #SS(new SS)"
	BAD_STACK "inner SS not present", T3 | 1, SS_, T3
	DESC	T3, stack1_top - 0x1000, 0xfff, A_DATA | DPL(1), F_BYTE
	mov	dword [tss_main + 12], 15
	QEMU_DIFFERS "2A CALL: new stack without room is #SS(new SS)"
	BAD_STACK "inner stack too small", T3 | 1, SS_, T3
	mov	dword [tss_main + 12], 16
	mov	dword [tss_main + 16], T3 | 1
	RUN	RING3
	call	far [pointer]
	DONE
	SAME	"inner stack just large enough", [got_cs], CODE1
	call	tss_reset
	; a TSS too short for the stack's pointer
	DESC	TSS_MAIN, tss_main, 14, A_TSS32, 0
	mov	ax, TSS_MAIN
	ltr	ax
	DESC	TSS_MAIN, tss_main, tss_main_size - 1, A_TSS32, 0
	; only ring 1's stack (offset 12-17) lies beyond, ring 0's does not
	RUN	RING3
	call	far [pointer]
	DONE
	FAULT	"the inner stack's pointer is beyond the TSS", TS, TSS_MAIN
	mov	ax, TSS_MAIN
	ltr	ax
	ret

; ---- RETF ----
%macro RET_FAULT 5			; name, ring, selector, vector, error
	RUN	%2
	push	dword DATA3
	push	dword stack3_top
	push	dword %3
	push	dword landing
	mov	ebx, esp
	HERE
	retf
	DONE
	FAULT	%1, %4, %5
	mov	eax, [got_ebx]
	SAME	{%1, ": ESP kept"}, [got_esp], eax
%endmacro

%macro RET_STACK 4			; name, SS, vector, error
	RUN	RING0
	push	dword %2
	push	dword stack3_top
	push	dword CODE3
	push	dword landing
	HERE
	retf
	DONE
	FAULT	%1, %3, %4
%endmacro

returns:
	call	gdt_reset
	or	byte [gdt + TSS_MAIN + 5], A_BUSY
	RET_FAULT "RETF to null", RING0, 0, GP, 0
	RET_FAULT "RETF beyond the GDT", RING0, GDT_ENTRIES * 8, GP, GDT_ENTRIES * 8
	RET_FAULT "RETF to data", RING0, DATA0, GP, DATA0
	RET_FAULT "RETF inward", RING3, CODE0, GP, CODE0
	RET_FAULT "RETF, RPL inward of conforming", RING1, CODE0, GP, CODE0
	RET_FAULT "RETF outward, DPL differs", RING0, CODE1 | 3, GP, CODE1 & ~3
	RET_FAULT "RETF to a system descriptor", RING0, LDT_SEL, GP, LDT_SEL
	DESC	T0, 0, 0xfffff, A_CODE - A_ABSENT, F_FLAT
	RET_FAULT "RETF, not present", RING0, T0, NP, T0
	DESC	T0, 0, 0xfff, A_CODE, F_BYTE
	QEMU_DIFFERS "2B RET: instruction pointer not within the limit is #GP(0)"
	RET_FAULT "RETF beyond the limit", RING0, T0, GP, 0
	DESC	T0, 0, 0xfffff, A_CONF | DPL(3), F_FLAT
	RET_FAULT "RETF to conforming, DPL above RPL", RING0, T0 | 1, GP, T0
	DESC	T0, 0, 0xfff, A_CODE | DPL(3), F_BYTE
	QEMU_DIFFERS "2B RET"
	RET_FAULT "RETF outward beyond the limit", RING0, T0 | 3, GP, 0
	RET_STACK "RETF outward, SS null", 3, GP, 0
	RET_STACK "RETF outward, SS beyond the GDT", GDT_ENTRIES * 8 + 3, GP, GDT_ENTRIES * 8
	RET_STACK "RETF outward, SS RPL", DATA3 & ~3, GP, DATA3 & ~3
	RET_STACK "RETF outward, SS DPL", DATA0 | 3, GP, DATA0
	RET_STACK "RETF outward, SS is code", CODE3, GP, CODE3 & ~3
	DESC	T1, 0, 0xfffff, A_DATA_RO | DPL(3), F_FLAT
	RET_STACK "RETF outward, SS read-only", T1 | 3, GP, T1
	DESC	T1, 0, 0xfffff, (A_DATA | DPL(3)) - A_ABSENT, F_FLAT
	QEMU_DIFFERS "2B RET: #SS"
	RET_STACK "RETF outward, SS not present", T1 | 3, SS_, T1
	; outward with data segments of this ring, of the outer and conforming code
	DESC	T0, 0, 0xfffff, A_CONF, F_FLAT
	RUN	RING0
	mov	ax, DATA3
	mov	ds, ax
	mov	ax, DATA1
	mov	es, ax
	mov	ax, T0
	mov	fs, ax
	push	dword DATA3
	push	dword stack3_top
	push	dword CODE3
	push	dword landing
	retf
	DONE
	SAME	"RETF outward", [got_eip], landing + 1
	SAME	"RETF outward: CS", [got_cs], CODE3
	SAME	"RETF outward: SS", [got_ss], DATA3
	SAME	"RETF outward: ESP", [got_esp], stack3_top
	SAME	"RETF outward keeps outer data", [got_ds], DATA3
	SAME	"RETF outward drops inner data", [got_es], 0
	SAME	"RETF outward keeps conforming code", [got_fs], T0
	SAME	"RETF outward drops ring 0 data", [got_gs], 0
	; RETF n releases from both stacks
	RUN	RING0
	push	dword DATA3
	push	dword stack3_top - 64
	push	dword 1
	push	dword 2
	push	dword CODE3
	push	dword landing
	retf	8
	DONE
	SAME	"RETF n outward: ESP", [got_esp], stack3_top - 56
	RUN	RING0
	mov	ebx, esp
	sub	esp, 16
	push	dword CODE0
	push	dword landing
	retf	16
	DONE
	mov	eax, [got_ebx]
	SAME	"RETF n at the same ring: ESP", [got_esp], eax
	; to a 16-bit stack: the upper half of ESP stays
	RUN	RING0
	push	dword DATA16_3
	push	dword 0x12348000
	push	dword CODE3
	push	dword landing
	mov	ebx, esp
	retf
	DONE
	SAME	"RETF to a 16-bit stack", [got_ss], DATA16_3
	mov	eax, [got_esp]
	and	eax, 0xffff
	SAME	"RETF to a 16-bit stack: SP", eax, 0x8000
	; 16-bit RETF
	RUN	RING0
	mov	ebx, esp
	push	word CODE16
	push	word 0
	o16 retf
	DONE
	SAME	"16-bit RETF: CS", [got_cs], CODE16
	SAME	"16-bit RETF: IP", [got_eip], 1
	mov	eax, [got_ebx]
	SAME	"16-bit RETF: ESP", [got_esp], eax
	; the upper half of the pushed CS is ignored
	RUN	RING0
	push	dword 0xabcd0000 | CODE0
	push	dword landing
	retf
	DONE
	SAME	"RETF ignores the upper half of CS", [got_cs], CODE0
	ret

; ---- SYSENTER, SYSEXIT ----
%define MSR_SYSENTER_CS 0x174
%define MSR_SYSENTER_ESP 0x175
%define MSR_SYSENTER_EIP 0x176

; EAX to MSR ECX.
set_msr:
	push	edx
	xor	edx, edx
	wrmsr
	pop	edx
	ret

fast_calls:
	; CODE0, DATA0 are followed by rings 1; flat ones for SYSEXIT at +16, +24
	DESC	T0, 0, 0xfffff, A_CODE, F_FLAT
	DESC	T1, 0, 0xfffff, A_DATA, F_FLAT
	DESC	T2, 0, 0xfffff, A_CODE | DPL(3), F_FLAT
	DESC	T3, 0, 0xfffff, A_DATA | DPL(3), F_FLAT
	mov	ecx, MSR_SYSENTER_CS
	xor	eax, eax
	call	set_msr
	RUN	RING3
	sysenter
	DONE
	FAULT	"SYSENTER without a CS", GP, 0
	RUN	RING0
	sysexit
	DONE
	FAULT	"SYSEXIT without a CS", GP, 0
	mov	ecx, MSR_SYSENTER_CS
	mov	eax, T0 | 3		; RPL is ignored
	call	set_msr
	mov	ecx, MSR_SYSENTER_ESP
	mov	eax, stack0_top - 64
	call	set_msr
	mov	ecx, MSR_SYSENTER_EIP
	mov	eax, landing
	call	set_msr
	RUN	RING3, FL_1 | FL_IF | FL_IOPL3 | FL_CF
	cli
	sti
	sysenter
	DONE
	SAME	"SYSENTER: EIP", [got_eip], landing + 1
	SAME	"SYSENTER: CS", [got_cs], T0
	SAME	"SYSENTER: SS", [got_hss], T1
	SAME	"SYSENTER: ESP", [got_esp], stack0_top - 64
	SAME	"SYSENTER clears IF", [got_flags], FL_1 | FL_IOPL3 | FL_CF
	RUN	RING0
	sysenter
	DONE
	SAME	"SYSENTER at ring 0", [got_eip], landing + 1
	RUN	V86, FL_1 | FL_IOPL3
	sysenter
	DONE
	SAME	"SYSENTER in virtual-8086 mode: CS", [got_cs], T0
	SAME	"SYSENTER clears VM", [got_flags], FL_1 | FL_IOPL3
	RUN	REAL
	sysenter
	DONE
	FAULT	"SYSENTER in real mode", GP
	RUN	REAL
	sysexit
	DONE
	FAULT	"SYSEXIT in real mode", GP
	RUN	RING0
	mov	edx, landing
	mov	ecx, stack3_top - 32
	sysexit
	DONE
	SAME	"SYSEXIT: EIP", [got_eip], landing + 1
	SAME	"SYSEXIT: CS", [got_cs], T2 | 3
	SAME	"SYSEXIT: SS", [got_ss], T3 | 3
	SAME	"SYSEXIT: ESP", [got_esp], stack3_top - 32
	RUN	RING3
	sysexit
	DONE
	FAULT	"SYSEXIT at ring 3", GP, 0
	RUN	RING1
	sysexit
	DONE
	FAULT	"SYSEXIT at ring 1", GP, 0
	; the segments are flat whatever the table says
	DESC	T0, 0x1000, 0xf, A_CODE, F_BYTE
	DESC	T1, 0x1000, 0xf, A_DATA, F_BYTE
	RUN	RING3
	sysenter
	DONE
	SAME	"SYSENTER does not read the GDT", [got_eip], landing + 1
	ret

	section .bss
	alignb	4
pointer:	resb 8
