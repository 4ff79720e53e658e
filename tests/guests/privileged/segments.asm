; SPDX-License-Identifier: GPL-2.0-or-later
;
; Loads of segment registers and what they check: SDM 2B MOV and POP, 3A 5.6,
; 5.7; limits (5.3), expand-down segments, granularity; LDTR and TR (2A LLDT,
; LTR); and the instructions that look at descriptors (LAR, LSL, VERR, VERW, ARPL).

%include "privileged/probe.inc"
	GUEST	"segments"

tests:
	call	make_descriptors
	call	loads_matrix
	call	loads_named
	call	limits
	call	descriptor_tables
	call	inspections
	ret

; T0-T7 and more, from a table; one row a kind of descriptor.
%define KIND(n) (T0 + 8 * (n))
	[section .data]
	align	4
; access byte, flags. ORDER: kind_rules.
kinds:
%define KIND_COUNT 15
	dd	A_DATA, A_DATA | DPL(1), A_DATA | DPL(2), A_DATA | DPL(3)
	dd	A_DATA_RO, A_DATA_RO | DPL(3), A_DOWN, A_DATA - A_ABSENT, A_DATA_RO - A_ABSENT
	dd	A_CODE | DPL(3), A_EXEC | DPL(3), A_CONF, A_CONF_EXEC, A_CODE - A_ABSENT
	dd	A_LDT			; system
	__?SECT?__

make_descriptors:
	xor	ebx, ebx
.next:
	lea	eax, [T0 + ebx * 8]
	mov	ecx, [kinds + ebx * 4]
	mov	edx, 0xfffff
	cmp	ecx, A_DOWN
	jne	.set
	xor	edx, edx
.set:
	DESC	eax, 0, edx, ecx, F_FLAT
	inc	ebx
	cmp	ebx, KIND_COUNT
	jb	.next
	ret

; ---- every kind of descriptor x RPL x CPL x register, by three instructions ----
; EDX = expected vector or BP_, from the kind EBX, RPL ECX, CPL EBP, and whether
; the register is SS (EDI = 1). SDM 2B MOV, "Protected Mode Exceptions".
expected_load:
	push	eax
	push	esi
	mov	esi, [kinds + ebx * 4]
	mov	eax, esi
	shr	eax, 5
	and	eax, 3			; DPL
	cmp	edi, 1
	je	.stack
	test	esi, 0x10		; system: no
	jz	.gp
	test	esi, 8
	jz	.data
	test	esi, 2			; code must be readable
	jz	.gp
	test	esi, 4			; conforming: no privilege check
	jnz	.present
.data:
	cmp	ecx, eax
	ja	.gp
	cmp	ebp, eax
	ja	.gp
.present:
	test	esi, 0x80
	jz	.np
	mov	edx, BP_
	jmp	.end
.stack:
	mov	edx, esi
	and	edx, 0x1a		; writable data
	cmp	edx, 0x12
	jne	.gp
	cmp	ecx, ebp
	jne	.gp
	cmp	eax, ebp
	jne	.gp
	test	esi, 0x80
	jz	.ss
	mov	edx, BP_
	jmp	.end
.np:
	mov	edx, NP
	jmp	.end
.ss:
	mov	edx, SS_
	jmp	.end
.gp:
	mov	edx, GP
.end:
	pop	esi
	pop	eax
	ret

; Checks what came of it: EDX the vector, EAX the selector.
judge_load:
	pushad
	mov	ecx, ebx
	shl	ecx, 16
	mov	cl, al
	and	cl, 3
	mov	esi, ebp
	shl	esi, 8
	or	ecx, esi
	shl	edi, 12
	or	ecx, edi
	mov	[case_id], ecx		; kind : register, CPL : RPL
	mov	ecx, NONE
	cmp	edx, BP_
	je	.vector
	mov	ecx, eax
	and	ecx, 0xfffc
.vector:
	mov	byte [quiet], 1
	SAME	"load of a segment register: vector", [got_vector], edx
	SAME	"load of a segment register: error code", [got_error], ecx
	mov	byte [quiet], 0
	popad
	ret

%macro LOAD_AT 1			; ring: MOV ES, MOV SS, POP DS, LFS
	mov	ebp, %1
	xor	edi, edi
	call	expected_load
	RUN	RING%1
	mov	es, ax
	DONE
	call	judge_load
	mov	[far_pointer + 4], ax
	RUN	RING%1
	lfs	ecx, [far_pointer]
	DONE
	call	judge_load
	RUN	RING%1
	push	eax
	pop	ds
	DONE
	call	judge_load
	cmp	edx, BP_
	jne	%%selector
	mov	ecx, eax
	mov	byte [quiet], 1
	SAME	"POP DS loads the selector", [got_ds], ecx
	mov	byte [quiet], 0
%%selector:
	mov	ecx, eax
	and	ecx, 3
	mov	edi, 1
	call	expected_load
	RUN	RING%1
	mov	ss, ax
	DONE
	call	judge_load
	RUN	RING%1
	lss	esp, [far_pointer]
	DONE
	call	judge_load
%endmacro

loads_matrix:
	mov	dword [far_pointer], stack3_top - 256
	xor	ebx, ebx
.kind:
	xor	ecx, ecx
.rpl:
	push	ecx
	lea	eax, [T0 + ebx * 8]
	or	eax, ecx
	LOAD_AT	0
	mov	ecx, [esp]
	LOAD_AT	1
	mov	ecx, [esp]
	LOAD_AT	2
	mov	ecx, [esp]
	LOAD_AT	3
	pop	ecx
	inc	ecx
	cmp	ecx, 4
	jb	.rpl
	inc	ebx
	cmp	ebx, KIND_COUNT
	jb	.kind
	SAME	"segment loads: every kind, RPL, CPL and register", dword [failures], 0
	ret

; ---- single cases ----
loads_named:
	; null selectors
	RUN	RING0
	mov	ax, 3
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	DONE
	NOFAULT	"null selectors load into data segment registers"
	SAME	"the null selector keeps its RPL", [got_gs], 3
	RUN	RING0
	xor	eax, eax
	HERE
	mov	ss, ax
	DONE
	FAULT	"MOV SS, null: #GP(0)", GP, 0
	RUN	RING3
	mov	eax, 3
	HERE
	mov	ss, ax
	DONE
	FAULT	"MOV SS, null at ring 3: #GP(0)", GP, 0
	RUN	RING0
	xor	eax, eax
	mov	es, ax
	HERE
	mov	al, [es:0x1000]
	DONE
	QEMU_DIFFERS "3A 5.4.1"
	FAULT	"read through a null selector: #GP(0)", GP, 0
	RUN	RING0
	xor	eax, eax
	mov	es, ax
	HERE
	mov	[es:0x1000], al
	DONE
	QEMU_DIFFERS "3A 5.4.1"
	FAULT	"write through a null selector: #GP(0)", GP, 0
	; outside the tables
	RUN	RING0
	mov	ax, GDT_ENTRIES * 8
	HERE
	mov	es, ax
	DONE
	FAULT	"selector beyond the GDT", GP, GDT_ENTRIES * 8
	RUN	RING0
	mov	ax, LDT_ENTRIES * 8 + 4
	HERE
	mov	ss, ax
	DONE
	FAULT	"selector beyond the LDT", GP, LDT_ENTRIES * 8 + 4
	; an empty LDTR
	RUN	RING0
	xor	eax, eax
	lldt	ax
	mov	ax, 4
	HERE
	mov	es, ax
	DONE
	FAULT	"selector of the LDT without an LDT", GP, 4
	mov	ax, LDT_SEL
	lldt	ax
	; a descriptor of the LDT
	DESC	L1, arena, 0xffff, A_DATA | DPL(3), F_BYTE
	mov	dword [arena + 4], 0x1d71d700
	RUN	RING3
	mov	ax, L1 | 3
	mov	es, ax
	mov	ecx, [es:4]
	DONE
	NOFAULT	"a segment of the LDT"
	SAME	"a segment of the LDT: its base", [got_ecx], 0x1d71d700
	SAME	"a segment of the LDT: its selector", [got_es], L1 | 3
	DESC	L2, 0, 0xfffff, A_CODE | DPL(3), F_FLAT
	RUN	RING3
	jmp	L2 | 3:..@in_ldt
..@in_ldt:
	nop
	DONE
	SAME	"code in the LDT", [got_cs], L2 | 3
	; GDT's limit in the middle of a descriptor
	mov	word [gdt_pointer], T0 + 6
	lgdt	[gdt_pointer]
	RUN	RING0
	mov	ax, T0
	HERE
	mov	es, ax
	DONE
	FAULT	"descriptor cut by the GDT's limit", GP, T0
	mov	word [gdt_pointer], GDT_ENTRIES * 8 - 1
	lgdt	[gdt_pointer]
	; the accessed bit
	DESC	T7 + 0x80, 0, 0xfffff, A_DATA, F_FLAT
	RUN	RING0
	mov	ax, T7 + 0x80
	mov	es, ax
	DONE
	movzx	eax, byte [gdt + T7 + 0x80 + 5]
	SAME	"a load sets the accessed bit", eax, A_DATA | 1
	DESC	T7 + 0x80, 0, 0xfffff, A_DATA - A_ABSENT, F_FLAT
	RUN	RING0
	mov	ax, T7 + 0x80
	HERE
	mov	es, ax
	DONE
	FAULT	"not present: #NP", NP, T7 + 0x80
	movzx	eax, byte [gdt + T7 + 0x80 + 5]
	SAME	"a failed load leaves the accessed bit", eax, A_DATA - A_ABSENT
	; CS by MOV and POP
	RUN	RING0
	HERE
	db	0x8e, 0xc8		; mov cs, ax
	DONE
	FAULT	"MOV CS is #UD", UD
	RUN	RING0
	HERE
	db	0x8e, 0xf0		; segment register 6
	DONE
	FAULT	"MOV to segment register 6 is #UD", UD
	RUN	RING0
	HERE
	db	0x8c, 0xf8		; from 7
	DONE
	FAULT	"MOV from segment register 7 is #UD", UD
	; a failed LDS changes neither
	mov	word [far_pointer + 4], GDT_ENTRIES * 8
	mov	ecx, 0x55
	RUN	RING0
	les	ecx, [far_pointer]
	DONE
	FAULT	"LES of a bad selector", GP, GDT_ENTRIES * 8
	SAME	"LES that faults keeps the register", [got_ecx], 0x55
	SAME	"LES that faults keeps ES", [got_es], DATA0
	; POP that faults keeps ESP
	RUN	RING0
	push	dword GDT_ENTRIES * 8
	mov	edx, esp
	HERE
	pop	es
	DONE
	FAULT	"POP ES of a bad selector", GP, GDT_ENTRIES * 8
	mov	eax, [got_edx]
	SAME	"POP that faults keeps ESP", [got_esp], eax
	; POP SS with a stack that changes its base: ESP moves by the old one
	RUN	RING0
	push	dword DATA0
	mov	edx, esp
	pop	ss
	mov	ecx, esp
	DONE
	NOFAULT	"POP SS"
	mov	eax, [got_edx]
	add	eax, 4
	SAME	"POP SS moves ESP by 4", [got_ecx], eax
	ret

; ---- limits ----
%macro ACCESS_OK 3+			; name, selector, instruction
	RUN	RING0
	mov	eax, %2
	mov	es, ax
	xor	eax, eax
	HERE
	%3
	DONE
	NOFAULT	%1
%endmacro

%macro ACCESS_GP 3+
	RUN	RING0
	mov	eax, %2
	mov	es, ax
	xor	eax, eax
	HERE
	%3
	DONE
	FAULT	%1, GP, 0
%endmacro

limits:
	DESC	T0, arena, 0xfff, A_DATA, F_BYTE
	ACCESS_OK "byte at the limit", T0, mov al, [es:0xfff]
	QEMU_DIFFERS "3A 5.3: limit checks"
	ACCESS_GP "byte beyond the limit", T0, mov al, [es:0x1000]
	ACCESS_OK "word that ends at the limit", T0, mov ax, [es:0xffe]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "word across the limit", T0, mov ax, [es:0xfff]
	ACCESS_OK "doubleword that ends at the limit", T0, mov eax, [es:0xffc]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "doubleword across the limit", T0, mov eax, [es:0xffd]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "write across the limit", T0, mov [es:0xffd], eax
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "doubleword that wraps at 4 GiB", T0, mov eax, [es:0xffffffff]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "quadword across the limit", T0, movq mm0, [es:0xff9]
	ACCESS_OK "quadword that ends at the limit", T0, movq mm0, [es:0xff8]
	DESC	T0, arena, 0, A_DATA, F_BYTE
	ACCESS_OK "limit 0 allows byte 0", T0, mov al, [es:0]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "limit 0 allows no word", T0, mov ax, [es:0]
	; page granularity: limit 0 is 0xfff
	DESC	T0, arena, 0, A_DATA, F_FLAT
	ACCESS_OK "granularity: limit 0 allows 0xfff", T0, mov al, [es:0xfff]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "granularity: limit 0 ends at 0xfff", T0, mov al, [es:0x1000]
	DESC	T0, arena, 1, A_DATA, F_PAGE16
	ACCESS_OK "granularity without D: limit 1 allows 0x1fff", T0, mov al, [es:0x1fff]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "granularity without D: limit 1 ends at 0x1fff", T0, mov al, [es:0x2000]
	; expand-down, 32 bits
	DESC	T0, arena, 0xfff, A_DOWN, F_BYTE
	ACCESS_OK "expand-down: first byte above the limit", T0, mov al, [es:0x1000]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down: byte at the limit", T0, mov al, [es:0xfff]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down: word across the limit", T0, mov ax, [es:0xfff]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down: below", T0, mov al, [es:0]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down: write below", T0, mov [es:0], al
	; expand-down, 16 bits: up to 0xffff
	DESC	T0, arena, 0xfff, A_DOWN, F_16
	ACCESS_OK "expand-down 16 bits: 0xffff", T0, mov al, [es:0xffff]
	QEMU_DIFFERS "3A 5.3: upper bound is FFFFh if B is 0"
	ACCESS_GP "expand-down 16 bits: 0x10000", T0, mov al, [es:0x10000]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down 16 bits: word across 0xffff", T0, mov ax, [es:0xffff]
	; with granularity: the limit's page too
	DESC	T0, arena, 1, A_DOWN, F_FLAT
	ACCESS_OK "expand-down by pages: first byte above", T0, mov al, [es:0x2000]
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down by pages: last byte below", T0, mov al, [es:0x1fff]
	DESC	T0, 0, 0xfffff, A_DOWN, F_FLAT
	QEMU_DIFFERS "3A 5.3"
	ACCESS_GP "expand-down by pages: limit 4 GiB allows nothing", T0, mov al, [es:0xffffffff]
	; types
	DESC	T0, arena, 0xfff, A_DATA_RO, F_BYTE
	ACCESS_OK "read-only data: read", T0, mov al, [es:0]
	QEMU_DIFFERS "3A 5.5"
	ACCESS_GP "read-only data: write", T0, mov [es:0], al
	QEMU_DIFFERS "3A 5.5"
	ACCESS_GP "read-only data: read-modify-write", T0, inc byte [es:0]
	DESC	T0, arena, 0xfff, A_CODE, F_BYTE
	ACCESS_OK "readable code: read", T0, mov al, [es:0]
	QEMU_DIFFERS "3A 5.5"
	ACCESS_GP "readable code: write", T0, mov [es:0], al
	; CS
	RUN	RING0
	HERE
	mov	[cs:arena], al
	DONE
	QEMU_DIFFERS "3A 5.5"
	FAULT	"write through CS", GP, 0
	DESC	T1, 0, 0xfffff, A_EXEC, F_FLAT
	RUN	RING0
	jmp	T1:.exec_only
.exec_only:
	HERE
	mov	al, [cs:arena]
	DONE
	QEMU_DIFFERS "3A 5.5"
	FAULT	"read through execute-only CS", GP, 0
	; stacks: #SS
	DESC	T2, stack0_top - 4096, 0xfff, A_DATA, F_BYTE
	RUN	RING0
	mov	eax, T2
	mov	ecx, esp
	mov	ss, ax
	mov	esp, 0x800
	HERE
	mov	al, [ss:0x1000]
	DONE
	QEMU_DIFFERS "3A 5.3"
	FAULT	"read beyond SS's limit: #SS(0)", SS_, 0
	RUN	RING0
	mov	eax, T2
	mov	ss, ax
	mov	esp, 0x800
	mov	ebp, 0xffd
	HERE
	mov	eax, [ebp]
	DONE
	QEMU_DIFFERS "3A 5.3"
	FAULT	"EBP addresses SS: #SS(0)", SS_, 0
	; a push to an odd page-0 stack is one access
	DESC	T2, stack0_top - 4096, 0xffe, A_DATA, F_BYTE
	RUN	RING3
	mov	ecx, esp
	HERE
	mov	eax, [ds:ecx]
	DONE
	NOFAULT	"ring 3 reads its stack"
	; an expand-down stack at ring 3 that ends at 0x1000: 4 bytes are left
%macro STACK_FAULT 2+
	RUN	RING3
	mov	eax, T3 | 3
	mov	ss, ax
	mov	esp, 0x1006
	HERE
	%2
	DONE
	QEMU_DIFFERS "3A 5.3: expand-down stacks"
	FAULT	{%1}, SS_, 0
	QEMU_DIFFERS "3A 5.3: nothing done"
	SAME	{%1, ": ESP kept"}, [got_esp], 0x1006
%endmacro
	DESC	T3, arena, 0xfff, A_DOWN | DPL(3), F_BYTE
	RUN	RING3
	mov	eax, T3 | 3
	mov	ss, ax
	mov	esp, 0x1006
	push	eax
	DONE
	NOFAULT	"a push that fits in an expand-down stack"
	mov	dword [far_pointer], 0
	mov	dword [far_pointer + 4], CODE3
	STACK_FAULT "PUSHA beyond the stack", pusha
	STACK_FAULT "far CALL beyond the stack", call far [far_pointer]
	STACK_FAULT "ENTER beyond the stack", enter 8, 0
	DESC	T3, arena, 0x1007, A_DATA | DPL(3), F_BYTE
	STACK_FAULT "POP beyond the stack", pop eax
	STACK_FAULT "POPA beyond the stack", popa
	STACK_FAULT "RETF beyond the stack", retf
	STACK_FAULT "IRET beyond the stack", iret
	; code segment limit: the next instruction is fetched beyond
	DESC	T1, arena, 0x0f, A_CODE, F_BYTE
	mov	dword [arena + 0xc], 0x90909090
	mov	dword [arena + 0x10], 0xcccccccc	; where no limit stops it
	RUN	RING0
	jmp	T1:0xe
	DONE
	QEMU_DIFFERS "3A 5.3: fetches too"
	SAME	"running past CS's limit faults beyond the last instruction", [got_eip], 0x10
	QEMU_DIFFERS "3A 5.3: fetches too"
	SAME	"running past CS's limit is #GP", [got_vector], GP
	SAME	"running past CS's limit: CS", [got_cs], T1
	mov	dword [arena + 0xc], 0x00c0c766	; cut: mov ax, imm16 (66 c7 c0 00 ..)
	RUN	RING0
	jmp	T1:0xc
	DONE
	QEMU_DIFFERS "3A 5.3: fetches too"
	SAME	"an instruction across CS's limit is #GP", [got_vector], GP
	QEMU_DIFFERS "3A 5.3: fetches too"
	SAME	"an instruction across CS's limit: EIP", [got_eip], 0xc
	ret

; ---- LDTR, TR ----
%macro AT_RING0 5+			; name, vector, error, selector, instruction
	RUN	RING0
	mov	eax, %4
	HERE
	%5
	DONE
%if %2 == BP_
	NOFAULT	%1
%else
	FAULT	%1, %2, %3
%endif
%endmacro

descriptor_tables:
	call	make_descriptors
	DESC	T0, ldt, 15, A_LDT, 0
	DESC	T1, ldt, 15, A_LDT - A_ABSENT, 0
	AT_RING0 "LLDT", BP_, 0, T0, lldt ax
	AT_RING0 "LLDT null", BP_, 0, 0, lldt ax
	AT_RING0 "LLDT null with RPL", BP_, 0, 3, lldt ax
	AT_RING0 "LLDT not present", NP, T1, T1, lldt ax
	AT_RING0 "LLDT of data", GP, DATA0, DATA0, lldt ax
	AT_RING0 "LLDT of a TSS", GP, TSS_MAIN, TSS_MAIN, lldt ax
	AT_RING0 "LLDT of an LDT selector", GP, 4, 4, lldt ax
	AT_RING0 "LLDT beyond the GDT", GP, 0xfff8, 0xfff8, lldt ax
	mov	ax, LDT_SEL
	lldt	ax
	DESC	T2, tss_main, 0x67, A_TSS32, 0
	DESC	T3, tss_main, 0x67, A_TSS32 - A_ABSENT, 0
	DESC	T4, tss_main, 0x67, A_TSS32 | A_BUSY, 0
	DESC	T5, tss_main, 0x2b, A_TSS16, 0
	AT_RING0 "LTR", BP_, 0, T2, ltr ax
	movzx	eax, byte [gdt + T2 + 5]
	SAME	"LTR marks the TSS busy", eax, A_TSS32 | A_BUSY
	QEMU_DIFFERS "2A LTR: null is #GP(0)"
	AT_RING0 "LTR null", GP, 0, 0, ltr ax
	QEMU_DIFFERS "2A LTR: null is #GP(0)"
	AT_RING0 "LTR null with RPL", GP, 0, 3, ltr ax
	AT_RING0 "LTR not present", NP, T3, T3, ltr ax
	AT_RING0 "LTR busy", GP, T4, T4, ltr ax
	AT_RING0 "LTR of data", GP, DATA0, DATA0, ltr ax
	AT_RING0 "LTR of an LDT selector", GP, 4, 4, ltr ax
	AT_RING0 "LTR beyond the GDT", GP, 0xfff8, 0xfff8, ltr ax
	AT_RING0 "LTR of a 16-bit TSS", BP_, 0, T5, ltr ax
	RUN	RING0
	str	eax
	DONE
	SAME	"STR", [got_eax], T5
	and	byte [gdt + TSS_MAIN + 5], ~A_BUSY
	mov	ax, TSS_MAIN
	ltr	ax
	; privilege
	RUN	RING3
	mov	eax, LDT_SEL
	HERE
	lldt	ax
	DONE
	FAULT	"LLDT at ring 3", GP, 0
	RUN	RING1
	mov	eax, T2
	HERE
	ltr	ax
	DONE
	FAULT	"LTR at ring 1", GP, 0
	RUN	RING3
	HERE
	lgdt	[gdt_pointer]
	DONE
	FAULT	"LGDT at ring 3", GP, 0
	RUN	RING2
	HERE
	lidt	[idt_pointer]
	DONE
	FAULT	"LIDT at ring 2", GP, 0
	RUN	RING3
	sgdt	[arena]
	sidt	[arena + 8]
	sldt	ecx
	str	edx
	smsw	ebx
	DONE
	NOFAULT	"SGDT, SIDT, SLDT, STR, SMSW at ring 3"
	SAME	"SGDT stores the base", [arena + 2], gdt
	SAME	"SIDT stores the base", [arena + 10], idt
	SAME	"SLDT", [got_ecx], LDT_SEL
	SAME	"STR at ring 3", [got_edx], TSS_MAIN
	RUN	RING0
	o16 lgdt [gdt_high]
	sgdt	[arena]
	lgdt	[gdt_pointer]
	DONE
	SAME	"LGDT with 16-bit operand takes 24 bits of base", [arena + 2], gdt
	ret

; ---- LAR, LSL, VERR, VERW, ARPL ----
	[section .data]
	align	4
; Access byte; allowed for: 1 LAR, 2 LSL, 4 VERR, 8 VERW, if privilege allows;
; 16: conforming.
inspected:
	dd	A_DATA, 15,  A_DATA_RO, 7,  A_DOWN, 15,  A_EXEC, 3,  A_CODE, 7
	dd	A_CONF, 16 + 7,  A_CONF_EXEC, 16 + 3,  A_DATA - A_ABSENT, 15
	dd	0x80, 0,  A_TSS16, 3,  A_LDT, 3,  A_TSS16 | 2, 3,  A_CALL16, 1,  A_TASK, 1
	dd	A_INT16, 0,  A_TRAP16, 0,  0x88, 0,  A_TSS32, 3,  0x8a, 0,  A_TSS32 | 2, 3
	dd	A_CALL32, 1,  0x8d, 0,  A_INT32, 0,  A_TRAP32, 0
inspected_end:
	__?SECT?__

; Case: row : DPL : RPL : CPL, a byte each.
inspections:
	xor	ebx, ebx		; row
.row:
	xor	edi, edi		; DPL
.dpl:
	mov	eax, [inspected + ebx * 8]
	mov	edx, edi
	shl	edx, 5
	or	eax, edx
	DESC	T0, 0x123456, 0x789ab, eax, F_FLAT | 1
	xor	ecx, ecx		; RPL
.rpl:
	mov	eax, ebx
	shl	eax, 24
	mov	edx, edi
	shl	edx, 16
	or	eax, edx
	mov	ah, cl
	mov	[case_id], eax
	lea	eax, [T0 + ecx]
	mov	ebp, 0
	RUN	RING0
	call	inspect_all
	DONE
	call	judge_inspection
	mov	byte [case_id], 1
	mov	ebp, 1
	RUN	RING1
	call	inspect_all
	DONE
	call	judge_inspection
	mov	byte [case_id], 3
	mov	ebp, 3
	RUN	RING3
	call	inspect_all
	DONE
	call	judge_inspection
	inc	ecx
	cmp	ecx, 4
	jb	.rpl
	inc	edi
	cmp	edi, 4
	jb	.dpl
	inc	ebx
	cmp	ebx, (inspected_end - inspected) / 8
	jb	.row
	; selectors that name nothing
	RUN	RING0
	mov	eax, 3
	call	inspect_all
	DONE
	SAME	"LAR, LSL, VERR, VERW of null", [got_edx], 0
	RUN	RING0
	mov	eax, GDT_ENTRIES * 8
	call	inspect_all
	DONE
	SAME	"LAR, LSL, VERR, VERW beyond the GDT", [got_edx], 0
	DESC	T0, 0, 0x789ab, A_DATA, F_BYTE
	RUN	RING0
	mov	eax, T0
	lsl	ecx, eax
	mov	edx, -1
	lsl	dx, ax
	DONE
	SAME	"LSL with byte granularity", [got_ecx], 0x789ab
	SAME	"LSL with 16-bit operand", [got_edx], 0xffff89ab
	call	arpl_cases
	; not in real and virtual-8086 mode
	RUN	V86
	HERE
	lar	ax, cx
	DONE
	FAULT	"LAR in virtual-8086 mode", UD
	RUN	V86
	HERE
	verr	ax
	DONE
	FAULT	"VERR in virtual-8086 mode", UD
	RUN	V86
	HERE
	arpl	ax, cx
	DONE
	FAULT	"ARPL in virtual-8086 mode", UD
	RUN	V86
	HERE
	sldt	ax
	DONE
	FAULT	"SLDT in virtual-8086 mode", UD
	RUN	REAL
	HERE
	lsl	ax, cx
	DONE
	FAULT	"LSL in real mode", UD
	RUN	REAL
	HERE
	str	ax
	DONE
	FAULT	"STR in real mode", UD
	RUN	REAL
	HERE
	ltr	ax
	DONE
	FAULT	"LTR in real mode", UD
	ret

; EDX = 1 LAR, 2 LSL, 4 VERR, 8 VERW succeeded on the selector EAX; ESI, EDI
; what LAR and LSL gave.
inspect_all:
	xor	edx, edx
	mov	esi, 0x11111111
	mov	edi, esi
	lar	esi, eax
	jnz	.lsl
	or	edx, 1
.lsl:
	lsl	edi, eax
	jnz	.verr
	or	edx, 2
.verr:
	verr	ax
	jnz	.verw
	or	edx, 4
.verw:
	verw	ax
	jnz	.end
	or	edx, 8
.end:
	ret

; EBX row, EDI DPL, ECX RPL, EBP CPL.
judge_inspection:
	pushad
	mov	edx, [inspected + ebx * 8 + 4]
	btr	edx, 4
	jc	.visible
	cmp	edi, ecx
	jb	.hidden
	cmp	edi, ebp
	jae	.visible
.hidden:
	xor	edx, edx
.visible:
	mov	byte [quiet], 1
	SAME	"LAR, LSL, VERR, VERW: which succeed", [got_edx], edx
	mov	eax, 0x11111111
	test	edx, 1
	jz	.lar
	mov	eax, [gdt + T0 + 4]
	and	eax, 0xf0ff00
.lar:
	mov	ecx, [got_esi]
	test	edx, 1
	jz	.lar_check
	and	ecx, 0xfff0ffff		; bits 16-19 are undefined
.lar_check:
	SAME	"LAR: attributes", ecx, eax
	mov	eax, 0x11111111
	test	edx, 2
	jz	.lsl
	mov	eax, 0x789abfff
.lsl:
	SAME	"LSL: limit", [got_edi], eax
	mov	byte [quiet], 0
	popad
	ret

%macro ARPL_CASE 4			; destination, source, result, ZF
	RUN	RING3
	mov	eax, %1
	mov	ecx, %2
	arpl	ax, cx
	setz	dl
	movzx	edx, dl
	DONE
	SAME	"ARPL: result", [got_eax], %3
	SAME	"ARPL: ZF", [got_edx], %4
%endmacro

arpl_cases:
	ARPL_CASE 0x10, 0x3, 0x13, 1
	ARPL_CASE 0x12, 0x21, 0x12, 0
	ARPL_CASE 0xabcd0011, 0x1, 0xabcd0011, 0
	ARPL_CASE 0xabcd0011, 0xffff, 0xabcd0013, 1
	ret

	section .data
	align	4
gdt_high:	dw GDT_ENTRIES * 8 - 1
		dd gdt + 0x7f000000
	section .bss
	alignb	16
far_pointer:	resb 8
arena:		resb 0x3000
		resb 0x10000
