; SPDX-License-Identifier: GPL-2.0-or-later
;
; Interrupt and trap gates at every ring, what delivery checks (SDM 2A INT n,
; 3A 6.11, 6.12), and IRET in all its modes (2A IRET), but for tasks.

%include "privileged/probe.inc"
	GUEST	"interrupts"

tests:
	call	kinds_of_gates
	call	gate_checks
	call	delivery_stacks
	call	software
	call	iret_same
	call	iret_outer
	call	iret_flags
	call	iret_to_v86
	call	small_stacks
	ret

; Ring 1 and conforming handlers end in int3, whose own gate is ring 0's.
ring_handler:
	int3

kinds_of_gates:
	RUN	RING0, FL_1 | FL_IF | FL_CF | FL_NT
	int	0x40
..@k1:
	DONE
	TRAP	"INT n at ring 0 through an interrupt gate", 0x40, ..@k1
	SAME	"interrupt gate: saved flags", [got_flags], FL_1 | FL_IF | FL_CF | FL_NT
	mov	eax, [got_hflags]
	SAME	"interrupt gate clears IF and NT", eax, FL_1 | FL_CF
	mov	eax, [got_hesp]
	add	eax, 12
	SAME	"interrupt gate: three doublewords", eax, stack0_top
	IDT_GATE 0x40, CODE0, vector_stubs + 0x400, A_TRAP32 | DPL(3)
	RUN	RING0, FL_1 | FL_IF | FL_CF
	int	0x40
..@k2:
	DONE
	TRAP	"INT n through a trap gate", 0x40, ..@k2
	SAME	"trap gate keeps IF", [got_hflags], FL_1 | FL_CF | FL_IF
	RUN	RING3, FL_1 | FL_IF
	mov	ebx, esp
	int	0x40
..@k3:
	DONE
	TRAP	"INT n at ring 3", 0x40, ..@k3
	SAME	"from ring 3: handler's SS", [got_hss], DATA0
	SAME	"from ring 3: handler's ESP", [got_hesp], handler_stack_top - 20
	mov	eax, [got_ebx]
	SAME	"from ring 3: ESP saved", [got_outer_esp], eax
	SAME	"from ring 3: SS saved", [got_ss], DATA3
	SAME	"from ring 3: CS saved", [got_cs], CODE3
	RUN	RING1
	int	0x40
..@k4:
	DONE
	TRAP	"INT n at ring 1", 0x40, ..@k4
	RUN	RING2
	int	0x40
..@k5:
	DONE
	TRAP	"INT n at ring 2", 0x40, ..@k5
	; to ring 1
	IDT_GATE 0x40, CODE1, ring_handler, A_INT32 | DPL(3)
	RUN	RING3, FL_1 | FL_IF
	int	0x40
..@k6:
	DONE
	SAME	"to ring 1: EIP", [got_eip], ring_handler + 1
	SAME	"to ring 1: CS", [got_cs], CODE1
	SAME	"to ring 1: ESP", [got_esp], stack1_top - 20
	SAME	"to ring 1: EIP saved", [stack1_top - 20], ..@k6
	SAME	"to ring 1: SS saved", [stack1_top - 4], DATA3
	SAME	"to ring 1: IF clear", [got_flags], FL_1
	RUN	RING1
	mov	ebx, esp
	int	0x40
	DONE
	mov	eax, [got_ebx]
	sub	eax, 12
	SAME	"at ring 1 to ring 1: same stack", [got_esp], eax
	; conforming handler: CPL stays
	DESC	T0, 0, 0xfffff, A_CONF, F_FLAT
	IDT_GATE 0x40, T0, ring_handler, A_INT32 | DPL(3)
	RUN	RING3
	mov	ebx, esp
	int	0x40
	DONE
	SAME	"conforming handler: CS", [got_cs], T0 | 3
	mov	eax, [got_ebx]
	sub	eax, 12
	SAME	"conforming handler: same stack", [got_esp], eax
	; handler at ring 3
	IDT_GATE 0x40, CODE3, ring_handler, A_TRAP32 | DPL(3)
	RUN	RING3
	int	0x40
	DONE
	SAME	"handler at ring 3: CS", [got_cs], CODE3
	; 16-bit gate
	DESC	T1, ring_handler, 0xfff, A_CODE, F_BYTE
	IDT_GATE 0x40, T1, 0, A_INT16 | DPL(3)
	RUN	RING0, FL_1 | FL_CF | FL_IF
	mov	ebx, esp
	int	0x40
..@k7:
	DONE
	SAME	"16-bit gate: offset", [got_eip], 1
	mov	eax, [got_ebx]
	sub	eax, 6
	SAME	"16-bit gate: three words", [got_esp], eax
	mov	eax, [got_esp]
	mov	ecx, ..@k7
	and	ecx, 0xffff
	or	ecx, CODE0 << 16
	SAME	"16-bit gate: CS:IP saved", [eax], ecx
	movzx	ecx, word [eax + 4]
	SAME	"16-bit gate: flags saved", ecx, FL_1 | FL_CF | FL_IF
	SAME	"16-bit interrupt gate clears IF", [got_flags], FL_1 | FL_CF
	IDT_GATE 0x40, T1, 0, A_TRAP16 | DPL(3)
	RUN	RING3, FL_1 | FL_IF
	int	0x40
	DONE
	SAME	"16-bit trap gate keeps IF", [got_flags], FL_1 | FL_IF
	SAME	"16-bit gate from ring 3: ESP", [got_esp], handler_stack_top - 10
	call	idt_reset
	ret

; INT 40h at a ring faults; the saved image has RF.
%macro INT_FAULT 4			; name, ring, vector, error
	RUN	%2
	int	0x40
	DONE
	FAULT	%1, %3, %4
	mov	eax, [got_flags]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: faults save RF set"
	SAME	{%1, ": RF saved"}, eax, FL_RF
%endmacro
%define IDT_ERROR(v) ((v) * 8 + 2)

gate_checks:
	IDT_GATE 0x40, CODE0, ring_handler, A_INT32
	INT_FAULT "gate DPL below CPL", RING3, GP, IDT_ERROR(0x40)
	IDT_GATE 0x40, CODE0, ring_handler, (A_INT32 | DPL(3)) - A_ABSENT
	INT_FAULT "gate not present", RING0, NP, IDT_ERROR(0x40)
	IDT_GATE 0x40, CODE0, ring_handler, A_INT32 - A_ABSENT
	INT_FAULT "gate's DPL before presence", RING3, GP, IDT_ERROR(0x40)
	IDT_GATE 0x40, 0, ring_handler, A_INT32 | DPL(3)
	INT_FAULT "gate to null", RING0, GP, 0
	IDT_GATE 0x40, GDT_ENTRIES * 8, ring_handler, A_INT32 | DPL(3)
	INT_FAULT "gate beyond the GDT", RING0, GP, GDT_ENTRIES * 8
	IDT_GATE 0x40, DATA0, ring_handler, A_INT32 | DPL(3)
	INT_FAULT "gate to data", RING0, GP, DATA0
	IDT_GATE 0x40, CODE3, ring_handler, A_INT32 | DPL(3)
	INT_FAULT "gate to an outer ring", RING0, GP, CODE3 & ~3
	DESC	T0, 0, 0xfffff, A_CODE - A_ABSENT, F_FLAT
	IDT_GATE 0x40, T0, ring_handler, A_INT32 | DPL(3)
	INT_FAULT "gate to absent code", RING3, NP, T0
	DESC	T0, 0, 0xfff, A_CODE, F_BYTE
	IDT_GATE 0x40, T0, ring_handler, A_INT32 | DPL(3)
	QEMU_DIFFERS "2A INT: offset beyond the limit is #GP(EXT)"
	INT_FAULT "gate beyond the code's limit", RING0, GP, 0
	mov	dword [marked], 0
	IDT_GATE 0x40, CODE0 | 3, vector_stubs + 0x400, A_INT32 | DPL(3)
	RUN	RING0
	int	0x40
..@c1:
	DONE
	TRAP	"the RPL in a gate does not matter", 0x40, ..@c1
	; types that are no gates of an IDT
%assign kind 0
%rep 32
%if kind != 5 && kind != 6 && kind != 7 && kind != 14 && kind != 15
	IDT_GATE 0x40, CODE0, ring_handler, 0x80 | DPL(3) | kind
	mov	dword [case_id], kind
	RUN	RING0
	int	0x40
	DONE
	mov	byte [quiet], 1
%if kind >= 16 && (kind & 15) >= 5 && (kind & 15) != 8 && (kind & 15) != 9 && (kind & 15) != 10 && (kind & 15) != 11 && (kind & 15) != 12 && (kind & 15) != 13
	QEMU_DIFFERS "2A INT: a descriptor with S set is no gate"
%endif
	FAULT	"type that is no gate", GP, IDT_ERROR(0x40)
	mov	byte [quiet], 0
%endif
%assign kind kind + 1
%endrep
	call	idt_reset
	; limit of the IDT
	mov	word [idt_pointer], 0x80 * 8 + 6
	lidt	[idt_pointer]
	RUN	RING0
	int	0x80
	DONE
	FAULT	"vector cut by the IDT's limit", GP, IDT_ERROR(0x80)
	RUN	RING3
	int	0xff
	DONE
	FAULT	"vector beyond the IDT's limit", GP, IDT_ERROR(0xff)
	mov	word [idt_pointer], 0x80 * 8 + 7
	lidt	[idt_pointer]
	RUN	RING3
	int	0x80
..@c2:
	DONE
	TRAP	"the last vector of the IDT", 0x80, ..@c2
	mov	word [idt_pointer], 256 * 8 - 1
	lidt	[idt_pointer]
	; an exception ignores DPL; EXT is set in what its delivery faults with
	IDT_GATE UD, CODE0, ring_handler, A_INT32 - A_ABSENT
	RUN	RING3
	ud2
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	"exception through an absent gate: EXT", NP, IDT_ERROR(UD) | 1
	IDT_GATE UD, DATA0, ring_handler, A_INT32
	RUN	RING3
	ud2
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	"exception through a gate to data: EXT", GP, DATA0 | 1
	IDT_GATE UD, 0, ring_handler, A_INT32
	RUN	RING3
	ud2
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	"exception through a gate to null: EXT", GP, 1
	; INT of the vector of an exception: no error code is pushed, no EXT
	IDT_GATE UD, CODE0, ring_handler, A_INT32
	RUN	RING3
	int	UD
	DONE
	FAULT	"INT 6 at ring 3 checks the gate's DPL", GP, IDT_ERROR(UD)
	IDT_GATE GP, CODE0, vector_stubs + 0x400, A_INT32 | DPL(3)
	RUN	RING3
	int	GP
..@c3:
	DONE
	TRAP	"INT 13 pushes no error code", 0x40, ..@c3
	call	idt_reset
	ret

; ---- the inner stack at delivery ----
%macro BAD_INNER 4			; name, SS1, vector, error
	mov	dword [tss_main + 16], %2
	RUN	RING3
	int	0x40
	DONE
	FAULT	%1, %3, %4
%endmacro

delivery_stacks:
	IDT_GATE 0x40, CODE1, ring_handler, A_INT32 | DPL(3)
	BAD_INNER "inner SS null", 0, TS, 0
	BAD_INNER "inner SS beyond the GDT", GDT_ENTRIES * 8 + 1, TS, GDT_ENTRIES * 8
	BAD_INNER "inner SS RPL", DATA1 & ~3, TS, DATA1 & ~3
	BAD_INNER "inner SS DPL", DATA0 | 1, TS, DATA0
	DESC	T3, 0, 0xfffff, A_DATA_RO | DPL(1), F_FLAT
	BAD_INNER "inner SS read-only", T3 | 1, TS, T3
	DESC	T3, 0, 0xfffff, (A_DATA | DPL(1)) - A_ABSENT, F_FLAT
	QEMU_DIFFERS "2A INT: #SS"
	BAD_INNER "inner SS not present", T3 | 1, SS_, T3
	DESC	T3, stack1_top - 0x1000, 0xfff, A_DATA | DPL(1), F_BYTE
	mov	dword [tss_main + 12], 19
	QEMU_DIFFERS "2A INT: new stack without room is #SS(new SS)"
	BAD_INNER "inner stack too small", T3 | 1, SS_, T3
	mov	dword [tss_main + 12], 20
	mov	dword [tss_main + 16], T3 | 1
	RUN	RING3
	int	0x40
	DONE
	SAME	"inner stack just large enough", [got_cs], CODE1
	SAME	"inner stack just large enough: ESP", [got_esp], 0
	; the same for an exception: EXT
	IDT_GATE UD, CODE1, ring_handler, A_INT32
	mov	dword [tss_main + 16], DATA0 | 1
	RUN	RING3
	ud2
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	"inner SS DPL, exception: EXT", TS, DATA0 | 1
	call	tss_reset
	; a page fault's error code comes on top
	IDT_GATE UD, CODE1, ring_handler, A_INT32
	RUN	RING3
	ud2
	DONE
	SAME	"exception at ring 1: ESP", [got_esp], stack1_top - 20
	mov	eax, [stack1_top - 12]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1"
	SAME	"exception at ring 1: RF saved", eax, FL_RF
	IDT_GATE GP, CODE1, ring_handler, A_INT32
	RUN	RING3
	mov	eax, 0xfff8
	mov	es, ax
	DONE
	SAME	"exception with error code at ring 1: ESP", [got_esp], stack1_top - 24
	SAME	"exception with error code at ring 1: the code", [stack1_top - 24], 0xfff8
	call	idt_reset
	ret

; ---- INT3, INTO, INT1, BOUND ----
software:
	RUN	RING3
	into
	DONE
	NOFAULT	"INTO without OF"
	RUN	RING3, FL_1 | FL_OF
	into
..@s1:
	DONE
	TRAP	"INTO", OF, ..@s1
	IDT_GATE OF, CODE0, ring_handler, A_INT32
	RUN	RING3, FL_1 | FL_OF
	into
	DONE
	FAULT	"INTO checks the gate's DPL", GP, IDT_ERROR(OF)
	RUN	RING3
	db	0xf1
..@s2:
	DONE
	QEMU_DIFFERS "2A INT1"
	TRAP	"INT1 ignores the gate's DPL", DB_, ..@s2
	mov	dword [bounds], 5
	mov	dword [bounds + 4], 10
	RUN	RING3
	mov	eax, 5
	bound	eax, [bounds]
	mov	eax, 10
	bound	eax, [bounds]
	DONE
	NOFAULT	"BOUND within"
	RUN	RING3
	mov	eax, 11
	HERE
	bound	eax, [bounds]
	DONE
	FAULT	"BOUND above", BR
	RUN	RING3
	mov	eax, -1
	HERE
	bound	eax, [bounds]
	DONE
	FAULT	"BOUND is signed", BR
	RUN	RING3
	HERE
	ud2
	DONE
	FAULT	"UD2", UD
	RUN	RING3
	xor	ecx, ecx
	HERE
	div	ecx
	DONE
	FAULT	"DIV by zero", DE
	SAME	"a fault's saved flags have RF", dword [got_hcs], CODE0
	call	idt_reset
	ret

; ---- IRET at the same ring ----
%macro IRET_FAULT 5			; name, ring, CS, vector, error
	RUN	%2
	push	dword DATA3
	push	dword stack3_top
	push	dword FL_1
	push	dword %3
	push	dword landing
	mov	ebx, esp
	HERE
	iret
	DONE
	FAULT	%1, %4, %5
	mov	eax, [got_ebx]
	SAME	{%1, ": ESP kept"}, [got_esp], eax
%endmacro

landing:
	int3

iret_same:
	RUN	RING0
	mov	ebx, esp
	push	dword FL_1 | FL_CF | FL_ZF
	push	dword CODE0
	push	dword landing
	iret
	DONE
	SAME	"IRET: EIP", [got_eip], landing + 1
	SAME	"IRET: flags", [got_flags], FL_1 | FL_CF | FL_ZF
	mov	eax, [got_ebx]
	SAME	"IRET: ESP", [got_esp], eax
	IRET_FAULT "IRET to null", RING0, 0, GP, 0
	IRET_FAULT "IRET beyond the GDT", RING0, GDT_ENTRIES * 8, GP, GDT_ENTRIES * 8
	IRET_FAULT "IRET to data", RING0, DATA0, GP, DATA0
	IRET_FAULT "IRET to a system descriptor", RING0, LDT_SEL, GP, LDT_SEL
	IRET_FAULT "IRET inward", RING3, CODE0, GP, CODE0
	IRET_FAULT "IRET outward, DPL differs", RING0, CODE1 | 3, GP, CODE1 & ~3
	DESC	T0, 0, 0xfffff, A_CODE - A_ABSENT, F_FLAT
	IRET_FAULT "IRET, not present", RING0, T0, NP, T0
	DESC	T0, 0, 0xfff, A_CODE, F_BYTE
	QEMU_DIFFERS "2A IRET: EIP beyond the limit is #GP(0)"
	IRET_FAULT "IRET beyond the limit", RING0, T0, GP, 0
	mov	dword [marked], 0
	DESC	T0, 0, 0xfffff, A_CONF | DPL(3), F_FLAT
	IRET_FAULT "IRET to conforming, DPL above RPL", RING0, T0 | 1, GP, T0
	DESC	T0, 0, 0xfffff, A_CONF, F_FLAT
	RUN	RING3
	push	dword FL_1
	push	dword T0 | 3
	push	dword landing
	iret
	DONE
	SAME	"IRET to conforming code", [got_cs], T0 | 3
	; 16 bits
	mov	byte [LOW_CODE], 0xcc
	RUN	RING0, FL_1 | FL_AC
	mov	ebx, esp
	push	word FL_1 | FL_CF
	push	word CODE16
	push	word 0
	o16 iret
	DONE
	SAME	"16-bit IRET: CS", [got_cs], CODE16
	SAME	"16-bit IRET keeps the upper flags", [got_flags], FL_1 | FL_CF | FL_AC
	mov	eax, [got_ebx]
	SAME	"16-bit IRET: ESP", [got_esp], eax
	ret

%macro IRET_STACK 4			; name, SS, vector, error
	RUN	RING0
	push	dword %2
	push	dword stack3_top
	push	dword FL_1
	push	dword CODE3
	push	dword landing
	HERE
	iret
	DONE
	FAULT	%1, %3, %4
%endmacro

iret_outer:
	IRET_STACK "IRET outward, SS null", 3, GP, 0
	IRET_STACK "IRET outward, SS beyond the GDT", GDT_ENTRIES * 8 + 3, GP, GDT_ENTRIES * 8
	IRET_STACK "IRET outward, SS RPL", DATA3 & ~3, GP, DATA3 & ~3
	IRET_STACK "IRET outward, SS DPL", DATA0 | 3, GP, DATA0
	IRET_STACK "IRET outward, SS is code", CODE3, GP, CODE3 & ~3
	DESC	T1, 0, 0xfffff, A_DATA_RO | DPL(3), F_FLAT
	IRET_STACK "IRET outward, SS read-only", T1 | 3, GP, T1
	DESC	T1, 0, 0xfffff, (A_DATA | DPL(3)) - A_ABSENT, F_FLAT
	QEMU_DIFFERS "2A IRET: #SS"
	IRET_STACK "IRET outward, SS not present", T1 | 3, SS_, T1
	RUN	RING0
	mov	ax, DATA3
	mov	es, ax
	mov	ax, DATA2
	mov	fs, ax
	push	dword DATA2
	push	dword stack2_top
	push	dword FL_1
	push	dword CODE2
	push	dword landing
	iret
	DONE
	SAME	"IRET to ring 2: CS", [got_cs], CODE2
	SAME	"IRET to ring 2: SS", [got_ss], DATA2
	SAME	"IRET to ring 2: ESP", [got_esp], stack2_top
	SAME	"IRET outward drops ring 0 data", [got_ds], 0
	SAME	"IRET outward keeps ring 3 data", [got_es], DATA3
	SAME	"IRET outward keeps ring 2 data", [got_fs], DATA2
	ret

; EFLAGS that IRET can change, from each ring, with IOPL 0 and 3.
%define ALL_FLAGS 0x003f7fd5		; but TF, VM: see debug and iret_to_v86
%define SAFE_FLAGS (ALL_FLAGS & ~(FL_TF | FL_VM | FL_NT | FL_RF))
%macro IRET_FLAGS 4			; name, ring, initial flags, expected
	RUN	%2, %3
	push	dword SAFE_FLAGS
%ifidn %2, RING0
	push	dword CODE0
%elifidn %2, RING1
	push	dword CODE1
%else
	push	dword CODE3
%endif
	push	dword landing
	iret
	DONE
	mov	eax, [got_flags]
	SAME	%1, eax, %4
%endmacro
%define ID_FLAG 0x200000
%define USER_FLAGS (0x8d5 | FL_DF | FL_AC | ID_FLAG | FL_1)

iret_flags:
	QEMU_DIFFERS "2A IRET: VIF, VIP at CPL 0"
	IRET_FLAGS "IRET at ring 0 changes all flags", RING0, FL_1, SAFE_FLAGS | FL_1
	IRET_FLAGS "IRET at ring 3, IOPL 0: not IF, IOPL, VIF, VIP", RING3, FL_1, USER_FLAGS
	IRET_FLAGS "IRET at ring 3, IOPL 3: IF too", RING3, FL_1 | FL_IOPL3, USER_FLAGS | FL_IF | FL_IOPL3
	IRET_FLAGS "IRET at ring 1, IOPL 0", RING1, FL_1, USER_FLAGS
	IRET_FLAGS "IRET at ring 1, IOPL 1", RING1, FL_1 | 0x1000, USER_FLAGS | FL_IF | 0x1000
	; RF
	RUN	RING0
	push	dword FL_1 | FL_RF
	push	dword CODE0
	push	dword .rf
	iret
.rf:
	pushfd
	pop	eax
	DONE
	SAME	"RF lasts for one instruction, and PUSHF shows none", [got_eax], FL_1
	; VM at ring 3 is ignored
	RUN	RING3
	push	dword FL_1 | FL_VM
	push	dword CODE3
	push	dword landing
	iret
	DONE
	QEMU_DIFFERS "2A IRET: VM only at CPL 0"
	SAME	"IRET at ring 3 ignores VM", [got_flags], FL_1
	SAME	"IRET at ring 3 ignores VM: CS", [got_cs], CODE3
	ret

iret_to_v86:
	mov	byte [LOW_CODE], 0xcc
	mov	byte [LOW_CODE + 0x100], 0xcc
	RUN	RING0
	push	dword 0x4444
	push	dword 0x3333
	push	dword 0x2222
	push	dword 0x1111
	push	dword LOW_STACK >> 4
	push	dword 0x8000
	push	dword FL_1 | FL_VM | FL_IOPL3 | FL_CF
	push	dword LOW_CODE >> 4
	push	dword 0x100
	iret
	DONE
	SAME	"IRET to virtual-8086 mode: IP", [got_eip], 0x101
	SAME	"IRET to virtual-8086 mode: CS", [got_cs], LOW_CODE >> 4
	SAME	"IRET to virtual-8086 mode: flags", [got_flags], FL_1 | FL_VM | FL_IOPL3 | FL_CF
	SAME	"IRET to virtual-8086 mode: ESP", [got_outer_esp], 0x8000
	SAME	"IRET to virtual-8086 mode: SS", [got_ss], LOW_STACK >> 4
	SAME	"IRET to virtual-8086 mode: ES", [got_v86_es], 0x1111
	SAME	"IRET to virtual-8086 mode: DS", [got_v86_ds], 0x2222
	SAME	"IRET to virtual-8086 mode: FS", [got_v86_fs], 0x3333
	SAME	"IRET to virtual-8086 mode: GS", [got_v86_gs], 0x4444
	SAME	"out of virtual-8086 mode: DS is null", [got_ds], 0
	SAME	"out of virtual-8086 mode: GS is null", [got_gs], 0
	SAME	"out of virtual-8086 mode: nine doublewords", [got_hesp], handler_stack_top - 36
	; out of virtual-8086 mode only to ring 0
	IDT_GATE 0x40, CODE1, landing, A_INT32 | DPL(3)
	RUN	V86, FL_1 | FL_IOPL3
	int	0x40
	DONE
	QEMU_DIFFERS "2A INT: from virtual-8086 mode to ring 0 only"
	FAULT	"virtual-8086 mode to ring 1: #GP", GP, CODE1 & ~3
	DESC	T0, 0, 0xfffff, A_CONF, F_FLAT
	IDT_GATE 0x40, T0, landing, A_INT32 | DPL(3)
	RUN	V86, FL_1 | FL_IOPL3
	int	0x40
	DONE
	QEMU_DIFFERS "2A INT: conforming handlers from virtual-8086 mode are #GP"
	FAULT	"virtual-8086 mode to conforming code: #GP", GP, T0
	call	idt_reset
	ret

; ---- 16-bit stacks: SP wraps, the upper half of ESP does not count ----
small_stacks:
	RUN	RING0_16
	mov	esp, 0x12340000
	push	ax
	mov	ebx, esp
	pop	cx
	mov	edx, esp
	mov	esp, STACK16_TOP
	DONE
	NOFAULT	"16-bit stack at ring 0"
	SAME	"16-bit stack: PUSH wraps SP, keeps the upper half", [got_ebx], 0x1234fffe
	SAME	"16-bit stack: POP wraps SP, keeps the upper half", [got_edx], 0x12340000
	RUN	RING0_16
	mov	esp, 0xabcd0000 | STACK16_TOP
	int	0x40
..@w1:
	DONE
	TRAP	"INT on a 16-bit stack, through a 32-bit gate", 0x40, ..@w1
	SAME	"INT on a 16-bit stack: 12 bytes", [got_esp], STACK16_TOP
	RUN	RING0_16
	mov	sp, 0			; wraps at the first push
	int	0x40
..@w2:
	DONE
	SAME	"INT on a 16-bit stack that wraps", [got_vector], 0x40
	movzx	eax, word [got_hesp]
	SAME	"INT on a 16-bit stack that wraps: SP", eax, 0xfff4
	RUN	RING3_16
	mov	esp, 0x56780000 | STACK16_TOP
	int	0x40
	DONE
	SAME	"from a 16-bit stack at ring 3: all of ESP is saved", [got_outer_esp], 0x56780000 | STACK16_TOP
	SAME	"from a 16-bit stack at ring 3: SS", [got_ss], DATA16_3
	SAME	"from a 16-bit stack at ring 3: CS", [got_cs], CODE16_3
	; 16-bit code, 32-bit operands, and back
	RUN	RING0_16
	db	0x66, 0xe8		; call dword: of 6 bytes, to its own end
	dd	0
	mov	bx, sp
	pop	eax
	DONE
	NOFAULT	"near CALL with a 32-bit operand in 16-bit code"
	movzx	eax, word [got_ebx]
	SAME	"it pushes 4 bytes", eax, STACK16_TOP - 4
	SAME	"it pushes a 32-bit EIP", [got_eax], 6
	; to a 16-bit stack of an outer ring: SP alone is loaded
	RUN	RING0
	mov	esp, stack0_top
	push	dword DATA16_3
	push	dword 0x99998000
	push	dword FL_1
	push	dword CODE3
	push	dword landing
	iret
	DONE
	movzx	eax, word [got_outer_esp]
	SAME	"IRET to a 16-bit stack: SP", eax, 0x8000
	ret

	section .bss
	alignb	4
bounds:		resd 2
