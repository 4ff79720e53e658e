; SPDX-License-Identifier: GPL-2.0-or-later
;
; IOPL and the I/O permission bitmap (SDM 1 18.5), CLI, STI, PUSHF, POPF at every
; ring, privileged instructions; virtual-8086 mode with IOPL 3 and below, with
; and without VME and its interrupt redirection (3B 20.3), and PVI (20.4).

%include "privileged/probe.inc"
	GUEST	"v86"

%define REDIRECTION (tss_main + TSS_IO_MAP - 32)
%define IO_MAP (tss_main + TSS_IO_MAP)
%define PORT 0x84			; the POST port's neighbour: writes do nothing

%macro CLEAR_BIT 2			; of a bitmap
	and	byte [%1 + (%2) / 8], ~(1 << ((%2) & 7)) & 0xff
%endmacro

tests:
	call	flags_at_rings
	call	privileged
	call	io_bitmap
	call	v86_plain
	call	v86_transfers
	HAS	1, 1
	jc	.vme
	SKIP	"the processor has no VME"
	ret
.vme:
	call	v86_vme
	call	v86_redirection
	call	pvi
	ret

; ---- CLI, STI, POPF: CPL against IOPL ----
%macro IF_CASES 3			; ring, IOPL, allowed
	RUN	RING%1, FL_1 | (%2) << 12 | FL_IF
	cli
	DONE
%if %3
	NOFAULT	{"CLI at ring ", %str(%1), ", IOPL ", %str(%2)}
	mov	eax, [got_flags]
	and	eax, FL_IF
	SAME	"CLI clears IF", eax, 0
%else
	FAULT	{"CLI at ring ", %str(%1), ", IOPL ", %str(%2)}, GP, 0
%endif
	RUN	RING%1, FL_1 | (%2) << 12
	sti
	DONE
%if %3
	NOFAULT	{"STI at ring ", %str(%1), ", IOPL ", %str(%2)}
%else
	FAULT	{"STI at ring ", %str(%1), ", IOPL ", %str(%2)}, GP, 0
%endif
	; POPF: IF by IOPL, IOPL at ring 0 only
	RUN	RING%1, FL_1 | (%2) << 12
	push	dword FL_1 | FL_IF | (3 - (%2)) << 12 | FL_CF
	popfd
	DONE
%if %1 == 0
	SAME	{"POPF at ring ", %str(%1), ", IOPL ", %str(%2)}, [got_flags], FL_1 | FL_IF | (3 - (%2)) << 12 | FL_CF
%elif %3
	SAME	{"POPF at ring ", %str(%1), ", IOPL ", %str(%2)}, [got_flags], FL_1 | FL_IF | (%2) << 12 | FL_CF
%else
	SAME	{"POPF at ring ", %str(%1), ", IOPL ", %str(%2)}, [got_flags], FL_1 | (%2) << 12 | FL_CF
%endif
%endmacro

flags_at_rings:
	IF_CASES 0, 0, 1
	IF_CASES 0, 3, 1
	IF_CASES 1, 0, 0
	IF_CASES 1, 1, 1
	IF_CASES 2, 1, 0
	IF_CASES 2, 2, 1
	IF_CASES 3, 0, 0
	IF_CASES 3, 2, 0
	IF_CASES 3, 3, 1
	; 16-bit POPF leaves the upper half
	RUN	RING0, FL_1 | FL_AC
	push	word FL_1 | FL_CF | FL_NT
	o16 popf
	DONE
	SAME	"16-bit POPF", [got_flags], FL_1 | FL_AC | FL_CF | FL_NT
	RUN	RING0
	push	dword FL_1 | FL_VM | FL_RF | FL_AC
	popfd
	DONE
	SAME	"POPF changes neither VM nor RF", [got_flags], FL_1 | FL_AC
	RUN	RING3, FL_1 | FL_IOPL3 | FL_AC
	pushfd
	pop	eax
	DONE
	SAME	"PUSHF at ring 3", [got_eax], FL_1 | FL_IOPL3 | FL_AC
	ret

; ---- privileged instructions ----
%macro PRIVILEGED 1+
%defstr text %1
	RUN	RING3, FL_1 | FL_IOPL3
	%1
	DONE
	FAULT	{text, " at ring 3"}, GP, 0
	RUN	RING1, FL_1 | FL_IOPL3
	%1
	DONE
	FAULT	{text, " at ring 1"}, GP, 0
	RUN	V86, FL_1 | FL_IOPL3
	%1
	DONE
	FAULT	{text, " in virtual-8086 mode"}, GP, 0
%endmacro

privileged:
	mov	ecx, 0x10
	PRIVILEGED hlt
	PRIVILEGED clts
	PRIVILEGED invd
	PRIVILEGED wbinvd
	PRIVILEGED rdmsr
	PRIVILEGED wrmsr
	PRIVILEGED mov eax, cr0
	PRIVILEGED mov cr0, eax
	PRIVILEGED mov eax, cr2
	PRIVILEGED mov cr3, eax
	PRIVILEGED mov eax, cr4
	PRIVILEGED lmsw ax
	; TSD, PCE
	RUN	RING3
	rdtsc
	DONE
	NOFAULT	"RDTSC at ring 3"
	mov	eax, cr4
	or	eax, CR4_TSD
	mov	cr4, eax
	RUN	RING3
	rdtsc
	DONE
	FAULT	"RDTSC at ring 3 with TSD", GP, 0
	RUN	RING0
	rdtsc
	DONE
	NOFAULT	"RDTSC at ring 0 with TSD"
	mov	eax, cr4
	and	eax, ~CR4_TSD
	mov	cr4, eax
	xor	ecx, ecx
	RUN	RING3
	rdpmc
	DONE
	FAULT	"RDPMC at ring 3", GP, 0
	ret

; ---- ports ----
%macro ALLOWED 2+
	RUN	RING3
	mov	edx, PORT
	%2
	DONE
	NOFAULT	%1
%endmacro
%macro DENIED 2+
	RUN	RING3
	mov	edx, PORT
	HERE
	%2
	DONE
	FAULT	%1, GP, 0
%endmacro

io_bitmap:
	RUN	RING0
	in	al, PORT
	DONE
	NOFAULT	"IN at ring 0"
	RUN	RING3, FL_1 | FL_IOPL3
	in	al, PORT
	DONE
	NOFAULT	"IN at ring 3 with IOPL 3"
	RUN	RING1, FL_1 | 0x1000
	in	al, PORT
	DONE
	NOFAULT	"IN at ring 1 with IOPL 1"
	DENIED	"IN at ring 3, all forbidden", in al, PORT
	DENIED	"OUT at ring 3, all forbidden", out dx, al
	mov	edi, stack3_top - 512
	mov	ecx, 1
	DENIED	"INS at ring 3, all forbidden", insb
	DENIED	"REP OUTS at ring 3, all forbidden", rep outsb
	; one port
	CLEAR_BIT IO_MAP, PORT
	ALLOWED	"IN of the allowed port", in al, dx
	ALLOWED	"OUT to the allowed port", out PORT, al
	DENIED	"IN of two ports, one allowed", in ax, dx
	DENIED	"IN of the next port", in al, PORT + 1
	CLEAR_BIT IO_MAP, PORT + 1
	ALLOWED	"IN of two allowed ports", in ax, dx
	DENIED	"IN of four ports, two allowed", in eax, dx
	CLEAR_BIT IO_MAP, PORT + 2
	CLEAR_BIT IO_MAP, PORT + 3
	ALLOWED	"IN of four allowed ports", in eax, dx
	; four ports over a byte of the map
	RUN	RING3
	mov	edx, PORT + 2
	HERE
	in	eax, dx
	DONE
	FAULT	"IN of four ports across the map's bytes", GP, 0
	; INS, OUTS: allowed ones work
	ALLOWED	"INS of the allowed port", insb
	; the limit of the TSS cuts the map
	%macro MAP_LIMIT 1
	DESC	TSS_MAIN, tss_main, %1, A_TSS32, 0
	mov	ax, TSS_MAIN
	ltr	ax
	%endmacro
	MAP_LIMIT TSS_IO_MAP + PORT / 8
	DENIED	"the map's second byte is beyond the limit", in al, dx
	MAP_LIMIT TSS_IO_MAP + PORT / 8 + 1
	ALLOWED	"both bytes of the map are within the limit", in al, dx
	MAP_LIMIT 0x67
	DENIED	"the map lies beyond the limit", in al, dx
	mov	word [tss_main + 0x66], 0xffff
	MAP_LIMIT tss_main_size - 1
	DENIED	"the map's base lies beyond the limit", in al, dx
	mov	word [tss_main + 0x66], TSS_IO_MAP
	; a 16-bit TSS has no map
	DESC	TSS_MAIN, tss_main, tss_main_size - 1, A_TSS16, 0
	mov	ax, TSS_MAIN
	ltr	ax
	; (its stack for ring 0 is at offsets 2 and 4)
	push	dword [tss_main]
	push	dword [tss_main + 4]
	DESC	T0, handler_stack_top - 0x1000, 0xffff, A_DATA, F_16
	mov	dword [tss_main], 0x1000 << 16
	mov	dword [tss_main + 4], T0
	DENIED	"a 16-bit TSS has no I/O map", in al, dx
	pop	dword [tss_main + 4]
	pop	dword [tss_main]
	MAP_LIMIT tss_main_size - 1
	; in virtual-8086 mode the map counts even with IOPL 3
	RUN	V86, FL_1 | FL_IOPL3
	in	al, PORT
	DONE
	NOFAULT	"virtual-8086 mode: IN of an allowed port"
	RUN	V86, FL_1
	in	al, PORT
	DONE
	NOFAULT	"virtual-8086 mode: IN of an allowed port with IOPL 0"
	RUN	V86, FL_1 | FL_IOPL3
	in	al, PORT + 4
	DONE
	FAULT	"virtual-8086 mode: IN of a forbidden port with IOPL 3", GP, 0
	call	tss_reset
	ret

; ---- virtual-8086 mode ----
; With IOPL below 3: #GP. %2: the instruction.
%macro SENSITIVE 2+
	RUN	V86, FL_1 | 0x2000
	HERE
	%2
	DONE
	FAULT	{%1, ", IOPL 2"}, GP, 0
%endmacro

v86_plain:
	SENSITIVE "CLI", cli
	SENSITIVE "STI", sti
	SENSITIVE "PUSHF", pushf
	SENSITIVE "POPF", popf
	SENSITIVE "PUSHFD", pushfd
	SENSITIVE "POPFD", popfd
	SENSITIVE "IRET", iret
	SENSITIVE "IRETD", iretd
	SENSITIVE "INT n", int 0x40
	SENSITIVE "HLT", hlt
	; INT3 and INTO do not ask IOPL
	RUN	V86, FL_1
	int3
	DONE
	SAME	"INT3 in virtual-8086 mode, IOPL 0", [got_vector], BP_
	RUN	V86, FL_1 | FL_OF
	into
..@p1:
	DONE
	TRAP	"INTO in virtual-8086 mode, IOPL 0", OF, ..@p1
	; IOPL 3
	RUN	V86, FL_1 | FL_IOPL3 | FL_IF
	cli
	DONE
	NOFAULT	"CLI with IOPL 3"
	mov	eax, [got_flags]
	and	eax, FL_IF
	SAME	"CLI with IOPL 3 clears IF", eax, 0
	RUN	V86, FL_1 | FL_IOPL3
	int	0x40
..@p2:
	DONE
	TRAP	"INT n with IOPL 3", 0x40, ..@p2
	SAME	"INT n with IOPL 3: the saved flags", [got_flags], FL_1 | FL_IOPL3 | FL_VM
	SAME	"INT n with IOPL 3: SS0:ESP0", [got_hesp], handler_stack_top - 36
	IDT_GATE 0x40, CODE0, vector_stubs, A_INT32 | DPL(2)
	RUN	V86, FL_1 | FL_IOPL3
	int	0x40
	DONE
	FAULT	"INT n with IOPL 3 checks the gate's DPL", GP, 0x40 * 8 + 2
	call	idt_reset
	RUN	V86, FL_1 | FL_IOPL3
	push	word FL_1 | FL_IF | FL_CF
	popf
	pushf
	pop	ax
	DONE
	movzx	eax, word [got_eax]
	SAME	"POPF, PUSHF with IOPL 3", eax, FL_1 | FL_IOPL3 | FL_IF | FL_CF
	SAME	"POPF with IOPL 3 leaves IOPL", [got_flags], FL_1 | FL_IOPL3 | FL_IF | FL_CF | FL_VM
	RUN	V86, FL_1 | FL_IOPL3
	push	dword FL_1 | FL_AC | FL_IF
	popfd
	DONE
	SAME	"POPFD with IOPL 3", [got_flags], FL_1 | FL_IOPL3 | FL_AC | FL_IF | FL_VM
	; IRET within virtual-8086 mode
	mov	byte [LOW_CODE + 0x300], 0xcc
	RUN	V86, FL_1 | FL_IOPL3
	push	word FL_1 | FL_CF
	push	word LOW_CODE >> 4
	push	word 0x300
	iret
	DONE
	SAME	"IRET with IOPL 3", [got_eip], 0x301
	SAME	"IRET with IOPL 3: flags, IOPL kept", [got_flags], FL_1 | FL_CF | FL_IOPL3 | FL_VM
	SAME	"IRET with IOPL 3: SP", [got_outer_esp], STACK16_TOP
	; the CPU's exceptions leave by ring 0
	RUN	V86, FL_1
	HERE
	ud2
	DONE
	FAULT	"#UD in virtual-8086 mode", UD
	QEMU_DIFFERS "3A 5.3: limits of virtual-8086 segments"
	call	v86_limits
	ret

v86_limits:
	RUN	V86, FL_1
	mov	bx, 0xffff
	HERE
	mov	ax, [bx]
	DONE
	FAULT	"a word at FFFF in virtual-8086 mode", GP, 0
	RUN	V86, FL_1
	mov	ebx, 0x10000
	HERE
	mov	al, [ebx]
	DONE
	QEMU_DIFFERS "3A 5.3"
	FAULT	"an offset of 10000 in virtual-8086 mode", GP, 0
	RUN	V86, FL_1
	mov	bp, 0xffff
	HERE
	mov	ax, [bp]
	DONE
	QEMU_DIFFERS "3A 5.3"
	FAULT	"a word at SS:FFFF in virtual-8086 mode", SS_, 0
	RUN	V86, FL_1
	mov	sp, 1
	HERE
	push	ax
	DONE
	QEMU_DIFFERS "3A 5.3"
	FAULT	"PUSH with SP 1 in virtual-8086 mode", SS_, 0
	ret

v86_transfers:
	mov	byte [LOW_CODE + 0x300], 0xcc
	RUN	V86, FL_1
	jmp	(LOW_CODE >> 4) + 0x10:0x200
	DONE
	SAME	"far JMP in virtual-8086 mode", [got_cs], (LOW_CODE >> 4) + 0x10
	SAME	"far JMP in virtual-8086 mode: IP", [got_eip], 0x201
	RUN	V86, FL_1
	call	LOW_CODE >> 4:0x300
	DONE
	SAME	"far CALL in virtual-8086 mode: SP", [got_outer_esp], STACK16_TOP - 4
	RUN	V86, FL_1
	push	word LOW_CODE >> 4
	push	word 0x300
	retf
	DONE
	SAME	"RETF in virtual-8086 mode", [got_eip], 0x301
	RUN	V86, FL_1
	mov	ax, 0x5555
	mov	ds, ax
	mov	es, ax
	DONE
	NOFAULT	"segments take any value in virtual-8086 mode"
	SAME	"DS in virtual-8086 mode", [got_v86_ds], 0x5555
	ret

; ---- VME: IOPL below 3, VIF in IF's place ----
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
%macro VIF_IS 2
	mov	eax, [got_flags]
	and	eax, FL_VIF | FL_IF
	SAME	%1, eax, %2
%endmacro

v86_vme:
	CR4_SET	CR4_VME
	RUN	V86, FL_1 | FL_IF
	sti
	DONE
	NOFAULT	"VME: STI with IOPL 0"
	VIF_IS	"VME: STI sets VIF", FL_VIF | FL_IF
	RUN	V86, FL_1 | FL_VIF | FL_IF
	cli
	DONE
	NOFAULT	"VME: CLI with IOPL 0"
	VIF_IS	"VME: CLI clears VIF, not IF", FL_IF
	RUN	V86, FL_1 | FL_VIP | FL_IF
	sti
	DONE
	FAULT	"VME: STI with VIP is #GP", GP, 0
	RUN	V86, FL_1 | FL_VIP | FL_VIF
	cli
	DONE
	NOFAULT	"VME: CLI with VIP"
	RUN	V86, FL_1 | FL_VIF
	pushf
	pop	ax
	DONE
	movzx	eax, word [got_eax]
	SAME	"VME: PUSHF shows VIF as IF, IOPL as 3", eax, FL_1 | FL_IF | FL_IOPL3
	RUN	V86, FL_1 | FL_IF
	pushf
	pop	ax
	DONE
	movzx	eax, word [got_eax]
	SAME	"VME: PUSHF does not show IF", eax, FL_1 | FL_IOPL3
	RUN	V86, FL_1
	push	word FL_1 | FL_IF | FL_IOPL3 | FL_CF
	popf
	DONE
	SAME	"VME: POPF sets VIF, not IF and IOPL", [got_flags], FL_1 | FL_VIF | FL_CF | FL_VM
	RUN	V86, FL_1 | FL_VIF | FL_IF
	push	word FL_1
	popf
	DONE
	SAME	"VME: POPF clears VIF", [got_flags], FL_1 | FL_IF | FL_VM
	RUN	V86, FL_1 | FL_VIP
	push	word FL_1 | FL_IF
	HERE
	popf
	DONE
	FAULT	"VME: POPF of IF with VIP is #GP", GP, 0
	RUN	V86, FL_1 | FL_VIP
	push	word FL_1
	popf
	DONE
	NOFAULT	"VME: POPF without IF, with VIP"
	RUN	V86, FL_1
	push	word FL_1 | FL_TF
	HERE
	popf
	DONE
	FAULT	"VME: POPF of TF is #GP", GP, 0
	SENSITIVE "VME: PUSHFD", pushfd
	SENSITIVE "VME: POPFD", popfd
	SENSITIVE "VME: IRETD", iretd
	; IRET
	mov	byte [LOW_CODE + 0x300], 0xcc
	RUN	V86, FL_1
	push	word FL_1 | FL_IF | FL_CF
	push	word LOW_CODE >> 4
	push	word 0x300
	iret
	DONE
	SAME	"VME: IRET", [got_eip], 0x301
	SAME	"VME: IRET sets VIF", [got_flags], FL_1 | FL_VIF | FL_CF | FL_VM
	RUN	V86, FL_1 | FL_VIP
	push	word FL_1 | FL_IF
	push	word LOW_CODE >> 4
	push	word 0x300
	HERE
	iret
	DONE
	FAULT	"VME: IRET of IF with VIP is #GP", GP, 0
	RUN	V86, FL_1
	push	word FL_1 | FL_TF
	push	word LOW_CODE >> 4
	push	word 0x300
	HERE
	iret
	DONE
	FAULT	"VME: IRET of TF is #GP", GP, 0
	; with IOPL 3 the real IF
	RUN	V86, FL_1 | FL_IOPL3 | FL_IF | FL_VIF
	cli
	DONE
	VIF_IS	"VME, IOPL 3: CLI clears IF", FL_VIF
	ret

; INT 40h by the redirection bitmap: methods of 3B table 20-2.
v86_redirection:
	mov	byte [LOW_CODE + 0x300], 0xcc
	mov	dword [0x40 * 4], (LOW_CODE >> 4) << 16 | 0x300
	; bit set, IOPL < 3: #GP (method 3)
	RUN	V86, FL_1
	int	0x40
	DONE
	FAULT	"VME: INT n, bit set, IOPL 0", GP, 0
	; bit set, IOPL 3: to ring 0 (method 4)
	RUN	V86, FL_1 | FL_IOPL3
	int	0x40
..@m4:
	DONE
	TRAP	"VME: INT n, bit set, IOPL 3", 0x40, ..@m4
	; bit clear: to the program's own handler (methods 5, 6)
	CLEAR_BIT REDIRECTION, 0x40
	RUN	V86, FL_1 | FL_IOPL3 | FL_IF | FL_CF
	int	0x40
..@m5:
	DONE
	SAME	"VME: redirected, IOPL 3: IP", [got_eip], 0x301
	SAME	"VME: redirected, IOPL 3: flags", [got_flags], FL_1 | FL_IOPL3 | FL_CF | FL_VM
	SAME	"VME: redirected, IOPL 3: SP", [got_outer_esp], STACK16_TOP - 6
	movzx	eax, word [LOW_STACK + STACK16_TOP - 6]
	SAME	"VME: redirected, IOPL 3: IP pushed", eax, ..@m5 - ..@run_start_%[run_number]
	movzx	eax, word [LOW_STACK + STACK16_TOP - 4]
	SAME	"VME: redirected, IOPL 3: CS pushed", eax, LOW_CODE >> 4
	movzx	eax, word [LOW_STACK + STACK16_TOP - 2]
	SAME	"VME: redirected, IOPL 3: flags pushed", eax, FL_1 | FL_IOPL3 | FL_IF | FL_CF
	RUN	V86, FL_1 | FL_VIF | FL_CF
	int	0x40
	DONE
	SAME	"VME: redirected, IOPL 0: IP", [got_eip], 0x301
	SAME	"VME: redirected, IOPL 0: VIF cleared", [got_flags], FL_1 | FL_CF | FL_VM
	movzx	eax, word [LOW_STACK + STACK16_TOP - 2]
	SAME	"VME: redirected, IOPL 0: VIF as IF, IOPL 3", eax, FL_1 | FL_IOPL3 | FL_IF | FL_CF
	RUN	V86, FL_1 | FL_IF
	int	0x40
	DONE
	SAME	"VME: redirected, IOPL 0: IF stays", [got_flags], FL_1 | FL_IF | FL_VM
	movzx	eax, word [LOW_STACK + STACK16_TOP - 2]
	SAME	"VME: redirected, IOPL 0: IF is not shown", eax, FL_1 | FL_IOPL3
	; INT3 is not redirected
	CLEAR_BIT REDIRECTION, 3
	RUN	V86, FL_1
	int3
	DONE
	SAME	"VME: INT3 is not redirected", [got_vector], BP_
	SAME	"VME: INT3 is not redirected: at ring 0", [got_hcs], CODE0
	call	tss_reset
	CR4_CLEAR CR4_VME
	ret

; ---- PVI: CLI and STI at ring 3, IOPL below 3 ----
pvi:
	CR4_SET	CR4_PVI
	RUN	RING3, FL_1 | FL_IF
	sti
	DONE
	NOFAULT	"PVI: STI"
	VIF_IS	"PVI: STI sets VIF", FL_VIF | FL_IF
	RUN	RING3, FL_1 | FL_IF | FL_VIF
	cli
	DONE
	NOFAULT	"PVI: CLI"
	VIF_IS	"PVI: CLI clears VIF", FL_IF
	RUN	RING3, FL_1 | FL_VIP
	sti
	DONE
	FAULT	"PVI: STI with VIP is #GP", GP, 0
	RUN	RING1, FL_1
	sti
	DONE
	FAULT	"PVI: not at ring 1", GP, 0
	RUN	RING3, FL_1 | FL_IOPL3 | FL_IF
	cli
	DONE
	VIF_IS	"PVI with IOPL 3: CLI clears IF", 0
	RUN	RING3, FL_1 | FL_VIF
	pushfd
	pop	eax
	push	dword FL_1
	popfd
	DONE
	SAME	"PVI: PUSHF is as ever", [got_eax], FL_1 | FL_VIF
	VIF_IS	"PVI: POPF does not touch VIF", FL_VIF
	CR4_CLEAR CR4_PVI
	RUN	RING3, FL_1
	sti
	DONE
	FAULT	"without PVI", GP, 0
	CR4_SET	CR4_VME
	RUN	RING3, FL_1
	sti
	DONE
	FAULT	"VME is not PVI", GP, 0
	CR4_CLEAR CR4_VME
	CR4_SET	CR4_PVI
	RUN	V86, FL_1
	sti
	DONE
	FAULT	"PVI is not VME", GP, 0
	CR4_CLEAR CR4_PVI
	ret
