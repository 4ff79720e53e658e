; SPDX-License-Identifier: GPL-2.0-or-later
;
; CR0 and CR4 with their reserved bits (SDM 3A 2.5), LMSW, SMSW, CLTS; real mode:
; limits, wrapping, what instructions do there (3B 20.1); unreal mode; the A20
; gate; MSRs that do not exist.

%include "privileged/probe.inc"
	GUEST	"control"

%define PORT92 0x92
%define PORT92_A20 2

tests:
	call	cr0_bits
	call	cr4_bits
	call	other_registers
	call	real_limits
	call	real_instructions
	call	unreal
	call	a20
	ret

; Writes CR0 = old & ~%3 | %2 at ring 0; it faults, and CR0 stays.
%macro CR0_FAULT 3			; name, set, clear
	RUN	RING0
	mov	eax, cr0
	mov	ebx, eax
	or	eax, %2
	and	eax, ~(%3)
	HERE
	mov	cr0, eax
	DONE
	FAULT	{%1}, GP, 0
	mov	eax, cr0
	mov	ecx, [got_ebx]
	SAME	{%1, ": CR0 kept"}, eax, ecx
%endmacro

cr0_bits:
	call	is_tcg
	je	.no_paging
	CR0_FAULT "CR0: PG without PE", CR0_PG, CR0_PE
	jmp	.paging
.no_paging:
	SKIP	"CR0: PG without PE: TCG lets it pass"
.paging:
	call	is_tcg
	je	.no_cache
	CR0_FAULT "CR0: NW without CD", CR0_NW, CR0_CD
.no_cache:
	RUN	RING0
	mov	ebx, cr0
	mov	eax, ebx
	or	eax, CR0_NW | CR0_CD
	mov	cr0, eax
	mov	ecx, cr0
	mov	cr0, ebx
	DONE
	NOFAULT	"CR0: NW with CD"
	mov	eax, [got_ecx]
	and	eax, CR0_NW | CR0_CD
	SAME	"CR0: NW and CD are kept", eax, CR0_NW | CR0_CD
	RUN	RING0
	mov	ebx, cr0
	mov	eax, ebx
	or	eax, 0x1ffaffc0		; reserved bits are ignored
	mov	cr0, eax
	mov	ecx, cr0
	mov	cr0, ebx
	DONE
	NOFAULT	"CR0: reserved bits are ignored"
	mov	eax, [got_ecx]
	and	eax, 0x1ffaffc0
	QEMU_DIFFERS "3A 2.5: reserved bits of CR0 read as zeros"
	SAME	"CR0: reserved bits read as zeros", eax, 0
	RUN	RING0
	mov	ebx, cr0
	mov	eax, ebx
	and	eax, ~CR0_ET
	mov	cr0, eax
	mov	ecx, cr0
	DONE
	mov	eax, [got_ecx]
	and	eax, CR0_ET
	SAME	"CR0: ET is fixed to one", eax, CR0_ET
	; each bit alone
	RUN	RING0
	mov	ebx, cr0
	mov	eax, ebx
	or	eax, CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM
	mov	cr0, eax
	mov	ecx, cr0
	smsw	edx
	clts
	mov	esi, cr0
	mov	cr0, ebx
	DONE
	mov	eax, [got_ecx]
	and	eax, CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM
	SAME	"CR0: MP, EM, TS, NE, WP, AM", eax, CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM
	mov	eax, [got_edx]
	xor	eax, [got_ecx]
	and	eax, 0xffff
	SAME	"SMSW", eax, 0
	mov	eax, [got_esi]
	and	eax, CR0_TS | CR0_EM
	SAME	"CLTS clears TS alone", eax, CR0_EM
	; LMSW sets PE, MP, EM, TS, and clears all but PE
	RUN	RING0
	mov	ebx, cr0
	mov	eax, 0xfffe & ~CR0_PE
	lmsw	ax
	mov	ecx, cr0
	xor	eax, eax
	lmsw	ax
	mov	edx, cr0
	mov	cr0, ebx
	DONE
	mov	eax, [got_ecx]
	xor	eax, [got_ebx]
	and	eax, ~(CR0_MP | CR0_EM | CR0_TS)
	SAME	"LMSW changes MP, EM, TS only", eax, 0
	mov	eax, [got_edx]
	and	eax, 0xf
	SAME	"LMSW does not clear PE", eax, CR0_PE
	RUN	REAL
	smsw	ax
	mov	bx, ax
	or	ax, CR0_PE
	lmsw	ax
	smsw	cx
	mov	eax, cr0
	and	al, ~CR0_PE
	mov	cr0, eax
	smsw	dx
	DONE
	mov	eax, [got_ecx]
	and	eax, CR0_PE
	SAME	"LMSW sets PE", eax, CR0_PE
	mov	eax, [got_edx]
	and	eax, CR0_PE
	SAME	"MOV CR0 clears PE", eax, 0
	ret

; Every bit of CR4: allowed by CPUID or #GP.
cr4_bits:
	mov	eax, 1
	cpuid
	mov	[features], edx
	mov	ebx, 0
.next:
	mov	[case_id], ebx
	mov	edx, BP_
	movsx	eax, byte [cr4_feature + ebx]
	test	eax, eax
	js	.reserved
	bt	[features], eax
	jc	.known
.reserved:
	mov	edx, GP
.known:
	mov	eax, 1
	mov	ecx, ebx
	shl	eax, cl
	mov	esi, cr4
	mov	edi, esi
	or	esi, eax
	RUN	RING0
	mov	cr4, esi
	mov	cr4, edi
	DONE
	mov	byte [quiet], 1
	cmp	ebx, 2			; TCG has no VME, but takes its bits
	jae	.judge
	QEMU_DIFFERS "3A 2.5: CR4.VME, CR4.PVI"
.judge:
	SAME	"CR4: a bit that CPUID does not allow is #GP", [got_vector], edx
	mov	byte [quiet], 0
	inc	ebx
	call	is_tcg			; newer features than we know
	jne	.all
	cmp	ebx, 11
	je	.end
.all:
	cmp	ebx, 32
	jb	.next
.end:
	SAME	"CR4: every bit", [failures], 0
	call	is_tcg
	je	.no_reserved
	RUN	RING0
	mov	eax, cr4
	mov	ebx, eax
	or	eax, 0x80000000 | CR4_PGE
	HERE
	mov	cr4, eax
	DONE
	FAULT	"CR4: a reserved bit among others", GP, 0
	mov	eax, cr4
	mov	ecx, [got_ebx]
	SAME	"CR4: nothing of it is written", eax, ecx
.no_reserved:
	ret

other_registers:
	RUN	RING0
	HERE
	db	0x0f, 0x20, 0xc8	; mov eax, cr1
	DONE
	FAULT	"MOV from CR1 is #UD", UD
	RUN	RING0
	HERE
	db	0x0f, 0x22, 0xe8	; mov cr5, eax
	DONE
	FAULT	"MOV to CR5 is #UD", UD
	RUN	RING0
	HERE
	db	0x0f, 0x20, 0xf8	; mov eax, cr7
	DONE
	FAULT	"MOV from CR7 is #UD", UD
	RUN	RING0
	mov	eax, 0x12345678
	mov	cr2, eax
	mov	ecx, cr2
	db	0x0f, 0x20, 0x13	; mod 0: means nothing; mov ebx, cr2
	DONE
	SAME	"CR2", [got_ecx], 0x12345678
	SAME	"MOV from CR ignores mod", [got_ebx], 0x12345678
	RUN	RING0
	mov	ecx, 0x12345678
	HERE
	rdmsr
	DONE
	QEMU_DIFFERS "2B RDMSR: #GP for an MSR that is not there"
	FAULT	"RDMSR of an unknown MSR", GP, 0
	RUN	RING0
	mov	ecx, 0x12345678
	HERE
	wrmsr
	DONE
	QEMU_DIFFERS "2B WRMSR: #GP for an MSR that is not there"
	FAULT	"WRMSR of an unknown MSR", GP, 0
	ret

; ---- real mode ----
%macro REAL_FAULT 3+			; name, vector, code
	RUN	REAL
	mov	bx, 0xffff
	mov	bp, bx
	mov	si, bx
	HERE
	%3
	DONE
	QEMU_DIFFERS "3B 20.1: limits of FFFF in real mode"
	FAULT	{%1}, %2
%endmacro
%macro REAL_OK 2+
	RUN	REAL
	mov	bx, 0xffff
	mov	bp, bx
	mov	si, bx
	%2
	DONE
	NOFAULT	{%1}
%endmacro

real_limits:
	REAL_OK	"real mode: a byte at FFFF", mov al, [bx]
	REAL_FAULT "real mode: a word at FFFF", GP, mov ax, [bx]
	REAL_FAULT "real mode: a doubleword at FFFD", GP, mov eax, [bx - 2]
	REAL_FAULT "real mode: a write of a word at FFFF", GP, mov [bx], ax
	REAL_FAULT "real mode: a word at SS:FFFF", SS_, mov ax, [bp]
	REAL_FAULT "real mode: LODSW at FFFF", GP, lodsw
	REAL_OK	"real mode: addresses wrap at 64 KiB", mov al, [bx + 1]
	RUN	REAL
	mov	ebx, 0x10000
	HERE
	mov	al, [ebx]
	DONE
	QEMU_DIFFERS "3B 20.1"
	FAULT	"real mode: an offset of 10000", GP
	push	dword [got_vector]
	RUN	REAL
	mov	eax, 0x12345678
	mov	sp, 0			; wraps
	push	eax
	pop	ecx
	DONE
	SAME	"real mode: a push with SP 0 wraps", [got_ecx], 0x12345678
	pop	eax
	cmp	eax, GP			; TCG wraps, under a KVM that runs on it too
	jne	.wraps
	; execution across FFFF: the next instruction is beyond
	mov	byte [LOW_CODE + 0xffff], 0x90
	mov	byte [LOW_CODE + 0x10000], 0xcc
	RUN	REAL
	jmp	LOW_CODE >> 4:0xffff
	DONE
	SAME	"real mode: execution beyond FFFF is #GP", [got_vector], GP
	mov	eax, [got_eip]
	SAME	"real mode: execution beyond FFFF: IP saved is 0", eax, 0
.wraps:
	mov	byte [LOW_CODE + 0x12345], 0xcc
	mov	byte [LOW_CODE + 0x10000], 0xcc
	; JMP with a 32-bit operand beyond the limit
	RUN	REAL
	mov	eax, 0x12345
	HERE
	jmp	eax
	DONE
	QEMU_DIFFERS "3B 20.1"
	FAULT	"real mode: JMP beyond FFFF", GP
	; CS limit of a far jump
	RUN	REAL
	HERE
	jmp	dword LOW_CODE >> 4:0x10000
	DONE
	QEMU_DIFFERS "3B 20.1"
	FAULT	"real mode: far JMP beyond FFFF", GP
	ret

real_instructions:
	RUN	REAL
	int	0x41
..@r1:
	DONE
	TRAP	"real mode: INT n", 0x41, ..@r1
	SAME	"real mode: INT n pushes 6 bytes", [got_esp], STACK16_TOP
	RUN	REAL, FL_1 | FL_IF | FL_CF
	int	0x41
	DONE
	SAME	"real mode: INT n saves the flags", [got_flags], FL_1 | FL_IF | FL_CF
	RUN	REAL
	xor	cx, cx
	HERE
	div	cx
	DONE
	FAULT	"real mode: #DE", DE
	RUN	REAL
	HERE
	ud2
	DONE
	FAULT	"real mode: #UD", UD
	RUN	REAL
	HERE
	db	0x0f, 0x00, 0xd0	; lldt ax
	DONE
	FAULT	"real mode: LLDT is #UD", UD
	RUN	REAL
	db	0x0f, 0x01, 0xe0	; smsw ax
	mov	eax, cr0
	mov	cr0, eax
	clts
	rdtsc
	push	cs
	pop	ds
	mov	ax, 0xffff
	mov	es, ax
	DONE
	NOFAULT	"real mode: privileged instructions and any selector"
	SAME	"real mode: ES", [got_es], 0xffff
	; IRET and POPF change IOPL and NT
	RUN	REAL
	push	word FL_1 | FL_IOPL3 | FL_NT | FL_CF
	popf
	pushf
	pop	ax
	push	word FL_1
	popf
	DONE
	movzx	eax, word [got_eax]
	SAME	"real mode: POPF sets IOPL and NT", eax, FL_1 | FL_IOPL3 | FL_NT | FL_CF
	; LIDT moves the vectors
	RUN	REAL
	mov	word [0], 0x100 * 4 - 1
	mov	dword [2], LOW_DATA + 0x1000
	mov	eax, [cs:0xfffc]
	push	ds
	xor	ax, ax
	mov	ds, ax
	mov	eax, [3 * 4]		; the recorder's int3
	mov	ebx, [0x40 * 4]
	pop	ds
	mov	[0x1000 + 3 * 4], ebx	; int3 goes to vector 40h's recorder there
	lidt	[0]
	DONE
	SAME	"real mode: LIDT moves the vectors", [got_vector], 0x40
	; a limit that cuts a vector: #GP, and no error code
	RUN	REAL
	mov	word [0], 0x40 * 4 + 2
	mov	dword [2], 0
	lidt	[0]
	HERE
	int	0x40
	DONE
	FAULT	"real mode: a vector beyond the IDT's limit", GP
	ret

; ---- big limits kept from protected mode ----
unreal:
	mov	dword [marker], 0x600df00d
	DESC	T0, 0, 0xfffff, A_DATA, F_FLAT
	mov	word [LOW_DATA + 0x10], GDT_ENTRIES * 8 - 1
	mov	dword [LOW_DATA + 0x12], gdt
	RUN	REAL
	lgdt	[0x10]
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax
	mov	bx, T0
	mov	fs, bx
	and	al, ~CR0_PE
	mov	cr0, eax
	mov	ecx, [fs:dword marker]
	mov	bx, 0			; a load keeps the limit
	mov	fs, bx
	mov	edx, [fs:dword marker]
	mov	esi, fs
	DONE
	NOFAULT	"unreal mode"
	SAME	"unreal mode: base 0, limit 4 GiB", [got_ecx], 0x600df00d
	SAME	"unreal mode: a load of FS keeps the limit", [got_edx], 0x600df00d
	; and a load with another base
	RUN	REAL
	mov	eax, cr0
	or	al, CR0_PE
	mov	cr0, eax
	mov	bx, T0
	mov	fs, bx
	and	al, ~CR0_PE
	mov	cr0, eax
	mov	bx, 0x1000
	mov	fs, bx
	mov	ecx, [fs:dword marker - 0x10000]
	DONE
	SAME	"unreal mode: a load of FS sets the base", [got_ecx], 0x600df00d
	ret

; ---- A20 by port 92h ----
a20:
	mov	dword [marker], 0x11112222
	mov	eax, marker
	xor	eax, 0x100000		; its twin one MiB off; the guest lies at 1 MiB
	mov	dword [eax], 0x33334444
	SAME	"A20 on: two places", [marker], 0x11112222
	; only data is read while A20 is off: the code at 1 MiB must not be
	in	al, PORT92
	mov	[LOW_DATA], al
	RUN	REAL
	mov	ax, 0xffff
	mov	es, ax
	mov	ax, 0
	mov	fs, ax
	mov	dword [fs:0x600], 0x55556666	; 0000:0600 and FFFF:0610 differ in A20
	mov	dword [es:0x610], 0x77778888
	mov	ebx, [fs:0x600]
	mov	al, [0]
	and	al, ~PORT92_A20 & 0xff
	out	PORT92, al
	mov	ecx, [es:0x610]
	mov	dword [es:0x610], 0x9999aaaa
	mov	edx, [fs:0x600]
	mov	al, [0]
	or	al, PORT92_A20
	out	PORT92, al
	mov	esi, [es:0x610]
	DONE
	NOFAULT	"A20 off and on"
	SAME	"A20 on: 0:600", [got_ebx], 0x55556666
	SAME	"A20 off: FFFF:610 is 0:600", [got_ecx], 0x55556666
	SAME	"A20 off: a write to FFFF:610 changes 0:600", [got_edx], 0x9999aaaa
	SAME	"A20 on again", [got_esi], 0x77778888
	ret

	section .data
; The bit of CPUID leaf 1, EDX that allows each bit of CR4; -1: none.
cr4_feature:
	db	1, 1, 4, 2, 3, 6, 7, 13, 23, 24, 25, -1
	times 20 db -1
	section .bss
	alignb	4
features:	resd 1
marker:		resd 1
