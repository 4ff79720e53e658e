; SPDX-License-Identifier: GPL-2.0-or-later
;
; Debugging (SDM 3B 17.2, 17.3): single step over every kind of instruction,
; instruction and data breakpoints, I/O breakpoints, DR6, DR7, GD, RF; and the
; shadows of STI and MOV SS (3A 6.8) and NMI with its blocking (3A 6.7).

%include "privileged/probe.inc"
	GUEST	"debug"

%define DR6_B0 0x1
%define DR6_B1 0x2
%define DR6_BD 0x2000
%define DR6_BS 0x4000
%define DR6_BT 0x8000
%define DR6_ONES 0xffff0ff0
%define DR7_ONES 0x400
%define DR7_GD 0x2000
%define DR7_L0 0x1
%define DR7_G0 0x2
%define DR7_L1 0x4
%define DR7_RW0(type, len) ((type) << 16 | (len) << 18)
%define EXECUTE 0
%define WRITE 1
%define IO 2
%define ACCESS 3
%define LEN1 0
%define LEN2 1
%define LEN4 3

%define APIC_TIMER 0x320
%define APIC_COUNT 0x380
%define APIC 0xfee00000
%define APIC_EOI 0xb0
%define APIC_SVR 0xf0
%define APIC_ICR 0x300
%define ICR_SELF 0x40000
%define ICR_FIXED 0x4000
%define ICR_NMI 0x4400
%define SELF_VECTOR 0x50

%define RESET_DR6 call clear_dr6

tests:
	call	registers
	call	stepping
	call	execute_breakpoints
	call	data_breakpoints
	call	general_detect
	call	shadows
	call	nmi
	ret

clear_dr6:
	push	eax
	xor	eax, eax
	mov	dr6, eax
	mov	dr7, eax
	pop	eax
	ret

; DR6 as the recorder found it, without the ones.
%macro DR6_IS 2
	mov	eax, [got_dr6]
	xor	eax, DR6_ONES
	SAME	{%1}, eax, %2
	RESET_DR6
%endmacro

; ---- the registers ----
registers:
	RUN	RING0
	xor	eax, eax
	mov	dr6, eax
	mov	ecx, dr6
	mov	eax, 0xffffffff
	mov	dr6, eax
	mov	edx, dr6
	mov	eax, 0xffffdfff & ~0xff	; not GD, nothing armed
	mov	dr7, eax
	mov	ebx, dr7
	xor	eax, eax
	mov	dr7, eax
	mov	esi, dr7
	DONE
	SAME	"DR6: reserved bits read as ones", [got_ecx], DR6_ONES
	mov	eax, [got_edx]
	and	eax, 0xffff1fff
	QEMU_DIFFERS "3B 17.2.3: bit 12 is zero"
	SAME	"DR6: bit 12 reads as zero", eax, 0xffff0fff
	QEMU_DIFFERS "3B 17.2.4: bits 14, 15 are zero"
	SAME	"DR7: reserved bits", [got_ebx], 0xffff0700
	SAME	"DR7: bit 10 reads as one", [got_esi], DR7_ONES
	RESET_DR6
	; DR4, DR5
	RUN	RING0
	mov	eax, 0x12345678
	mov	dr0, eax
	mov	ecx, dr0
	db	0x0f, 0x21, 0xe2	; mov edx, dr4
	db	0x0f, 0x21, 0xeb	; mov ebx, dr5
	DONE
	NOFAULT	"DR4 and DR5 without DE"
	SAME	"DR0", [got_ecx], 0x12345678
	SAME	"DR4 is DR6", [got_edx], DR6_ONES
	SAME	"DR5 is DR7", [got_ebx], DR7_ONES
	mov	eax, cr4
	or	eax, CR4_DE
	mov	cr4, eax
	RUN	RING0
	HERE
	db	0x0f, 0x21, 0xe2
	DONE
	FAULT	"DR4 with DE is #UD", UD
	RUN	RING0
	HERE
	db	0x0f, 0x23, 0xeb
	DONE
	FAULT	"DR5 with DE is #UD", UD
	mov	eax, cr4
	and	eax, ~CR4_DE
	mov	cr4, eax
	RUN	RING3
	HERE
	mov	eax, dr0
	DONE
	FAULT	"MOV from DR0 at ring 3", GP, 0
	RUN	RING1
	HERE
	mov	dr7, eax
	DONE
	FAULT	"MOV to DR7 at ring 1", GP, 0
	RUN	V86, FL_1 | FL_IOPL3
	HERE
	mov	eax, dr6
	DONE
	FAULT	"MOV from DR6 in virtual-8086 mode", GP, 0
	ret

; ---- single step ----
; Runs a snippet whose first instruction sets TF by POPF; the trap is to come
; behind the instruction that follows, at label.
%macro SET_TF 0
	pushfd
	or	dword [esp], FL_TF
	popfd
%endmacro

%macro STEPS_TO 2			; name, label
	TRAP	{"step over ", %1}, DB_, %2
	DR6_IS	{"step over ", %1, ": DR6"}, DR6_BS
%endmacro

stepping:
	RESET_DR6
	RUN	RING0
	SET_TF
	nop
..@t1:
	nop
	DONE
	STEPS_TO "POPF that sets TF, and one more instruction", ..@t1
	mov	eax, [got_flags]
	and	eax, FL_TF
	SAME	"the saved flags have TF", eax, FL_TF
	mov	eax, [got_hflags]
	and	eax, FL_TF
	SAME	"the handler runs without TF", eax, 0
	mov	eax, [got_flags]
	and	eax, FL_RF
	SAME	"a trap saves no RF", eax, 0
	RUN	RING0, FL_1 | FL_TF
	nop
..@t2:
	nop
	DONE
	STEPS_TO "IRET that sets TF, and one more instruction", ..@t2
	RUN	RING3, FL_1 | FL_TF
	nop
..@t3:
	nop
	DONE
	STEPS_TO "an instruction at ring 3", ..@t3
	RUN	V86, FL_1 | FL_TF | FL_IOPL3
	nop
..@t4:
	nop
	DONE
	STEPS_TO "an instruction in virtual-8086 mode", ..@t4
	RUN	REAL, FL_1 | FL_TF
	nop
..@t5:
	nop
	DONE
	STEPS_TO "an instruction in real mode", ..@t5
	; POPF that clears TF is still stepped
	RUN	RING0
	pushfd
	SET_TF
	popfd
..@t6:
	nop
	DONE
	STEPS_TO "POPF that clears TF", ..@t6
	RUN	RING0, FL_1 | FL_TF
	jmp	..@t7
	nop
..@t7:
	nop
	DONE
	STEPS_TO "JMP", ..@t7
	; REP: after each iteration, with EIP at the instruction
	mov	ecx, 3
	mov	esi, buffer
	mov	edi, buffer + 64
	RUN	RING0, FL_1 | FL_TF
..@t8:
	rep	movsb
	nop
	DONE
	STEPS_TO "the first iteration of REP", ..@t8
	SAME	"REP: one element done", [got_ecx], 2
	SAME	"REP: ESI", [got_esi], buffer + 1
	mov	eax, [got_flags]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: RF is set between the iterations of a string instruction"
	SAME	"REP: RF saved between iterations", eax, FL_RF
	mov	ecx, 1
	RUN	RING0, FL_1 | FL_TF
	rep	stosb
..@t9:
	nop
	DONE
	STEPS_TO "the last iteration of REP", ..@t9
	mov	eax, [got_flags]
	and	eax, FL_RF
	SAME	"REP: no RF after the last iteration", eax, 0
	xor	ecx, ecx
	RUN	RING0, FL_1 | FL_TF
	rep	stosb
..@t10:
	nop
	DONE
	STEPS_TO "REP with a count of 0", ..@t10
	; INT n: TF is cleared, no trap
	RUN	RING0, FL_1 | FL_TF
	int	0x40
..@t11:
	DONE
	TRAP	"INT n with TF goes to its handler", 0x40, ..@t11
	DR6_IS	"INT n with TF: no step", 0
	mov	eax, [got_flags]
	and	eax, FL_TF
	SAME	"INT n saves TF", eax, FL_TF
	RUN	RING0, FL_1 | FL_TF
	HERE
	ud2
	DONE
	FAULT	"a fault with TF goes to its handler", UD
	DR6_IS	"a fault with TF: no step", 0
	; IRET under TF: its own TF counts
	RUN	RING0
	push	dword FL_1
	push	dword CODE0
	push	dword ..@t12
	SET_TF
	iret
	nop
..@t12:
	nop
	DONE
	STEPS_TO "IRET that clears TF", ..@t12
	; MOV SS: the step comes after the instruction behind it
	RUN	RING0, FL_1 | FL_TF
	mov	eax, ss			; stepped first: so take a run from here
	DONE
	RESET_DR6
	mov	eax, DATA0
	RUN	RING0, FL_1 | FL_TF
	mov	ss, ax
	nop
..@t13:
	nop
	DONE
	STEPS_TO "MOV SS and the instruction behind it", ..@t13
	RUN	RING0
	push	dword DATA0
	SET_TF
	pop	ss
	nop
..@t14:
	nop
	DONE
	STEPS_TO "POP SS and the instruction behind it", ..@t14
	mov	dword [pointer], stack0_top - 64
	mov	dword [pointer + 4], DATA0
	RUN	RING0, FL_1 | FL_TF
	lss	esp, [pointer]
..@t15:
	nop
	DONE
	QEMU_DIFFERS "3A 6.8.3: LSS has no shadow"
	STEPS_TO "LSS", ..@t15
	; STI has a shadow for interrupts only
	RUN	RING0, FL_1 | FL_TF
	sti
..@t16:
	cli
	DONE
	QEMU_DIFFERS "2B STI: delays maskable interrupts only"
	STEPS_TO "STI", ..@t16
	; PUSHF stores TF
	RUN	RING0
	SET_TF
	pushfd
	DONE
	mov	eax, [got_esp]
	mov	eax, [eax]
	and	eax, FL_TF
	SAME	"PUSHF stores TF", eax, FL_TF
	RESET_DR6
	; HLT: the trap wakes; where it does not, the timer will
	mov	dword [APIC + APIC_SVR], 0x1ff
	mov	dword [APIC + APIC_TIMER], SELF_VECTOR
	mov	dword [APIC + APIC_COUNT], 10000000
	RUN	RING0, FL_1 | FL_TF | FL_IF
	hlt
..@t17:
	nop
	DONE
	mov	dword [APIC + APIC_TIMER], 0x10000
	mov	dword [APIC + APIC_COUNT], 0
	mov	dword [APIC + APIC_EOI], 0
	QEMU_DIFFERS "2A HLT: a debug exception ends it"
	TRAP	"step over HLT", DB_, ..@t17
	RESET_DR6
	; an instruction that writes SS and TF by far transfer
	RUN	RING0, FL_1 | FL_TF
	jmp	CODE0:..@t18
..@t18:
	nop
	DONE
	STEPS_TO "far JMP", ..@t18
	; CPUID, WRMSR, MOV CR are no different
	RUN	RING0, FL_1 | FL_TF
	cpuid
..@t19:
	nop
	DONE
	STEPS_TO "CPUID", ..@t19
	ret

; ---- instruction breakpoints ----
%macro ARM 3				; address register 0 = label, DR7 bits, type/len
	mov	eax, %1
	mov	dr0, eax
	mov	eax, %2 | %3
	mov	dr7, eax
%endmacro

execute_breakpoints:
	ARM	..@x1, DR7_L0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0
	nop
..@x1:
	inc	ecx
	DONE
	TRAP	"instruction breakpoint: before the instruction", DB_, ..@x1
	mov	eax, [got_flags]
	and	eax, FL_RF
	SAME	"instruction breakpoint: RF as it was", eax, 0
	DR6_IS	"instruction breakpoint: DR6", DR6_B0
	ARM	..@x2, DR7_G0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING3
	nop
..@x2:
	nop
	DONE
	TRAP	"global breakpoint at ring 3", DB_, ..@x2
	RESET_DR6
	; RF
	ARM	..@x3, DR7_G0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0, FL_1 | FL_RF
..@x3:
	nop
	DONE
	NOFAULT	"RF passes the breakpoint"
	RESET_DR6
	ARM	..@x4, DR7_G0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0, FL_1 | FL_RF
	nop
..@x4:
	nop
	DONE
	TRAP	"RF lasts for one instruction", DB_, ..@x4
	RESET_DR6
	; in the middle of an instruction: no match
	ARM	..@x5 + 1, DR7_G0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0
..@x5:
	mov	eax, 5
	DONE
	NOFAULT	"a breakpoint inside an instruction does not match"
	RESET_DR6
	; disarmed
	ARM	..@x6, 0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0
..@x6:
	nop
	DONE
	NOFAULT	"a breakpoint that is not enabled"
	RESET_DR6
	; a breakpoint has priority over the instruction's own fault
	ARM	..@x7, DR7_L0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0
..@x7:
	ud2
	DONE
	TRAP	"a breakpoint comes before the instruction's fault", DB_, ..@x7
	RESET_DR6
	; REP: only before the first iteration
	ARM	..@x8, DR7_L0, DR7_RW0(EXECUTE, LEN1)
	mov	ecx, 4
	mov	edi, buffer
	RUN	RING0, FL_1 | FL_RF
..@x8:
	rep	stosb
	DONE
	QEMU_DIFFERS "3B 17.3.1.1"
	NOFAULT	"RF passes a breakpoint on REP for all iterations"
	QEMU_DIFFERS "3B 17.3.1.1"
	SAME	"RF on REP: all elements done", [got_ecx], 0
	RESET_DR6
	; both a step and a breakpoint
	ARM	..@x9, DR7_L0, DR7_RW0(EXECUTE, LEN1)
	RUN	RING0, FL_1 | FL_TF
	nop
..@x9:
	nop
	DONE
	TRAP	"a step ends where a breakpoint is", DB_, ..@x9
	mov	eax, [got_dr6]
	and	eax, DR6_BS
	SAME	"a step ends where a breakpoint is: BS", eax, DR6_BS
	RESET_DR6
	; suppressed behind MOV SS
	ARM	..@x10, DR7_L0, DR7_RW0(EXECUTE, LEN1)
	mov	eax, DATA0
	RUN	RING0
	mov	ss, ax
..@x10:
	nop
	DONE
	QEMU_DIFFERS "3A 6.8.3: MOV SS inhibits breakpoints"
	NOFAULT	"no breakpoint behind MOV SS"
	RESET_DR6
	ret

; ---- data breakpoints ----
data_breakpoints:
	ARM	buffer, DR7_L0, DR7_RW0(WRITE, LEN4)
	RUN	RING0
	mov	[buffer], eax
..@d1:
	nop
	DONE
	TRAP	"write breakpoint: after the instruction", DB_, ..@d1
	DR6_IS	"write breakpoint: DR6", DR6_B0
	ARM	buffer, DR7_L0, DR7_RW0(WRITE, LEN4)
	RUN	RING0
	mov	eax, [buffer]
	DONE
	NOFAULT	"write breakpoint: not on reads"
	ARM	buffer, DR7_L0, DR7_RW0(ACCESS, LEN4)
	RUN	RING0
	mov	eax, [buffer]
..@d2:
	nop
	DONE
	TRAP	"access breakpoint: on reads", DB_, ..@d2
	RESET_DR6
	; length and alignment
	ARM	buffer, DR7_L0, DR7_RW0(WRITE, LEN2)
	RUN	RING0
	mov	[buffer + 1], al
..@d3:
	mov	[buffer + 2], al
	DONE
	TRAP	"2-byte breakpoint: second byte", DB_, ..@d3
	RESET_DR6
	ARM	buffer, DR7_L0, DR7_RW0(WRITE, LEN2)
	RUN	RING0
	mov	[buffer + 2], al
	DONE
	NOFAULT	"2-byte breakpoint: not the third byte"
	ARM	buffer + 4, DR7_L0, DR7_RW0(WRITE, LEN1)
	RUN	RING0
	mov	[buffer + 2], eax
..@d4:
	nop
	DONE
	TRAP	"a write that ends in the range", DB_, ..@d4
	RESET_DR6
	ARM	buffer + 3, DR7_L0, DR7_RW0(WRITE, LEN4)
	RUN	RING0
	mov	[buffer], al
..@d5:
	nop
	DONE
	QEMU_DIFFERS "3B 17.2.5"
	TRAP	"the address's low bits do not count", DB_, ..@d5
	RESET_DR6
	; at ring 3, by a push, by a string instruction
	ARM	stack3_top - 4, DR7_L0, DR7_RW0(WRITE, LEN4)
	RUN	RING3
	push	eax
..@d6:
	nop
	DONE
	TRAP	"PUSH at ring 3", DB_, ..@d6
	RESET_DR6
	ARM	buffer + 2, DR7_L0, DR7_RW0(WRITE, LEN1)
	mov	ecx, 8
	mov	edi, buffer
	RUN	RING0
..@d7:
	rep	stosb
	DONE
	TRAP	"REP STOSB stops after the iteration", DB_, ..@d7
	SAME	"REP STOSB: elements left", [got_ecx], 5
	DR6_IS	"REP STOSB: DR6", DR6_B0
	; both: step and data
	ARM	buffer, DR7_L0, DR7_RW0(WRITE, LEN4)
	RUN	RING0, FL_1 | FL_TF
	mov	[buffer], eax
..@d8:
	nop
	DONE
	QEMU_DIFFERS "3B 17.3.1"
	TRAP	"step and data breakpoint: one #DB", DB_, ..@d8
	QEMU_DIFFERS "3B 17.3.1"
	DR6_IS	"step and data breakpoint: both in DR6", DR6_B0 | DR6_BS
	; a fault of the instruction hides the breakpoint
	ARM	buffer, DR7_L0, DR7_RW0(ACCESS, LEN4)
	RUN	RING0
	xor	edx, edx
	mov	eax, 1
	mov	dword [buffer + 16], 0
	HERE
	div	dword [buffer + 16]
	DONE
	FAULT	"a fault without a breakpoint's data", DE
	RESET_DR6
	; MOV SS: held until after the next instruction
	mov	dword [buffer], DATA0
	ARM	buffer, DR7_L0, DR7_RW0(ACCESS, LEN4)
	RUN	RING0
	mov	ss, [buffer]
	nop
..@d9:
	nop
	DONE
	QEMU_DIFFERS "3A 6.8.3: a data breakpoint of MOV SS is held for one instruction"
	TRAP	"data breakpoint of MOV SS: after the next instruction", DB_, ..@d9
	RESET_DR6
	; I/O breakpoints
	mov	eax, cr4
	or	eax, CR4_DE
	mov	cr4, eax
	ARM	0x80, DR7_L0, DR7_RW0(IO, LEN1)
	RUN	RING0
	out	0x80, al
..@d10:
	nop
	DONE
	TRAP	"I/O breakpoint: OUT", DB_, ..@d10
	DR6_IS	"I/O breakpoint: DR6", DR6_B0
	ARM	0x80, DR7_L0, DR7_RW0(IO, LEN1)
	RUN	RING0
	in	al, 0x80
..@d11:
	nop
	DONE
	TRAP	"I/O breakpoint: IN", DB_, ..@d11
	RESET_DR6
	ARM	0x80, DR7_L0, DR7_RW0(IO, LEN1)
	RUN	RING0
	in	al, 0x84
	mov	eax, [0x80]
	DONE
	NOFAULT	"I/O breakpoint: other ports, and memory"
	RESET_DR6
	mov	eax, cr4
	and	eax, ~CR4_DE
	mov	cr4, eax
	ret

; ---- GD ----
general_detect:
	RUN	RING0
	mov	eax, DR7_GD
	mov	dr7, eax
	HERE
	mov	ecx, dr0
	DONE
	QEMU_DIFFERS "3B 17.2.4"
	FAULT	"GD: MOV from DR0 is #DB", DB_
	mov	eax, [got_flags]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: this #DB is a fault, and saves RF set"
	SAME	"GD: RF saved", eax, FL_RF
	QEMU_DIFFERS "3B 17.2.4"
	SAME	"GD is clear in the handler", [got_dr7], DR7_ONES
	QEMU_DIFFERS "3B 17.2.4"
	DR6_IS	"GD: BD in DR6", DR6_BD
	RUN	RING0
	mov	eax, DR7_GD
	mov	dr7, eax
	HERE
	mov	dr6, ecx
	DONE
	QEMU_DIFFERS "3B 17.2.4"
	FAULT	"GD: MOV to DR6 is #DB", DB_
	RESET_DR6
	RUN	RING0
	mov	eax, DR7_GD
	mov	dr7, eax
	SET_TF
	nop
..@g1:
	nop
	DONE
	TRAP	"GD: a step clears it too", DB_, ..@g1
	QEMU_DIFFERS "3B 17.2.4"
	SAME	"GD: a step clears it too: DR7", [got_dr7], DR7_ONES
	mov	eax, [got_flags]
	and	eax, FL_RF
	SAME	"a step after GD's fault saves no RF", eax, 0
	RESET_DR6
	ret

; ---- shadows: an interrupt pends in the local APIC ----
; A self-IPI of the vector: waits until IF allows.
%macro POST_INTERRUPT 0
	mov	dword [APIC + APIC_ICR], ICR_SELF | ICR_FIXED | SELF_VECTOR
%endmacro
%macro END_INTERRUPT 0
	mov	dword [APIC + APIC_EOI], 0
%endmacro

shadows:
	mov	dword [APIC + APIC_SVR], 0x1ff
	RUN	RING0
	POST_INTERRUPT
	nop
	sti
	nop
..@h1:
	nop
	nop
	DONE
	TRAP	"STI: the interrupt comes after the next instruction", SELF_VECTOR, ..@h1
	END_INTERRUPT
	RUN	RING0
	POST_INTERRUPT
	sti
	cli
	nop
	DONE
	NOFAULT	"STI, CLI: no window"
	RUN	RING0
	sti
	nop
..@h2:
	nop
	DONE
	TRAP	"the interrupt was kept", SELF_VECTOR, ..@h2
	END_INTERRUPT
	; POPF has none
	RUN	RING0
	POST_INTERRUPT
	push	dword FL_1 | FL_IF
	popfd
..@h3:
	nop
	nop
	DONE
	TRAP	"POPF: the interrupt comes at once", SELF_VECTOR, ..@h3
	END_INTERRUPT
	; MOV SS, only its own instruction
	mov	eax, DATA0
	RUN	RING0
	push	dword FL_1 | FL_IF
	POST_INTERRUPT
	mov	ss, ax
	popfd
..@h7:
	nop
	DONE
	TRAP	"MOV SS, POPF: the interrupt comes at once", SELF_VECTOR, ..@h7
	END_INTERRUPT
	; LSS has none
	mov	dword [pointer], stack0_top - 64
	mov	dword [pointer + 4], DATA0
	RUN	RING0
	POST_INTERRUPT
	sti
	lss	esp, [pointer]
..@h8:
	nop
	nop
	DONE
	TRAP	"LSS has no shadow", SELF_VECTOR, ..@h8
	END_INTERRUPT
	; HLT behind STI
	RUN	RING0
	POST_INTERRUPT
	sti
	hlt
..@h4:
	nop
	DONE
	TRAP	"STI, HLT: the interrupt ends the HLT", SELF_VECTOR, ..@h4
	END_INTERRUPT
	; the interrupt has IF clear and saves it set
	mov	eax, [got_flags]
	and	eax, FL_IF
	SAME	"an interrupt saves IF", eax, FL_IF
	; a write of the ICR by REP STOSD: the interrupt in its middle. It writes
	; 0x300 and 0x304-0x3xx, of which only the ICR matters.
	mov	edi, APIC + APIC_ICR
	mov	eax, ICR_SELF | ICR_FIXED | SELF_VECTOR
	mov	ecx, 3
	RUN	RING0, FL_1 | FL_IF
..@h5:
	rep	stosd
	nop
	DONE
	mov	eax, [got_vector]
	SAME	"an interrupt in the middle of REP", eax, SELF_VECTOR
	; where it came is not architectural: either in the middle, with RF, or behind
	mov	eax, [got_ecx]
	test	eax, eax
	mov	eax, 0
	jz	.whole
	mov	eax, FL_RF
.whole:
	mov	ecx, [got_flags]
	and	ecx, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: RF is set between the iterations of a string instruction"
	SAME	"an interrupt in the middle of REP saves RF", ecx, eax
	END_INTERRUPT
	ret

; ---- NMI ----
%macro POST_NMI 0
	mov	dword [APIC + APIC_ICR], ICR_SELF | ICR_NMI
%endmacro
; The recorder leaves the handler without IRET: unblock NMI by one.
%macro UNBLOCK_NMI 0
	pushfd
	push	cs
	push	dword %%next
	iret
%%next:
%endmacro

nmi:
	RUN	RING0
	POST_NMI
	nop
	nop
	nop
	DONE
	SAME	"NMI comes with IF clear", [got_vector], NMI
	mov	eax, [got_flags]
	and	eax, FL_RF
	SAME	"NMI saves no RF", eax, 0
	UNBLOCK_NMI
	; blocked in the handler, one held, let in by its IRET
	IDT_GATE NMI, CODE0, nmi_handler, A_INT32
	mov	dword [nmi_count], 0
	RUN	RING0
	POST_NMI
	nop
	nop
	DONE
	NOFAULT	"NMI with a handler that returns"
	SAME	"NMI is blocked until IRET", [nmi_inside], 1
	SAME	"IRET lets in one that was held, and no more", [nmi_count], 2
	IDT_GATE NMI, CODE0, vector_stubs + NMI * 16, A_INT32
	; an IRET that faults unblocks as well
	RUN	RING0
	POST_NMI
	nop
	nop
	DONE
	SAME	"another NMI", [got_vector], NMI
	RUN	RING0
	push	dword FL_1
	push	dword 0
	push	dword 0
	HERE
	iret
	DONE
	FAULT	"an IRET that faults", GP, 0
	RUN	RING0
	POST_NMI
	nop
	nop
	DONE
	QEMU_DIFFERS "3A 6.7.1: IRET unblocks NMI even if it faults"
	SAME	"an IRET that faults unblocks NMI", [got_vector], NMI
	UNBLOCK_NMI
	; in HLT, and at ring 3
	RUN	RING0
	POST_NMI
	hlt
	nop
	DONE
	SAME	"NMI ends HLT", [got_vector], NMI
	UNBLOCK_NMI
	RUN	RING3, FL_1
	POST_NMI
	nop
	nop
	DONE
	SAME	"NMI at ring 3", [got_vector], NMI
	QEMU_DIFFERS "taken late, at the end of a block"
	SAME	"NMI at ring 3: CS", [got_cs], CODE3
	UNBLOCK_NMI
	ret

; Posts two more the first time.
nmi_handler:
	push	eax
	inc	dword [nmi_count]
	cmp	dword [nmi_count], 1
	jne	.end
	POST_NMI
	nop
	nop
	POST_NMI
	nop
	nop
	mov	eax, [nmi_count]
	mov	[nmi_inside], eax
.end:
	pop	eax
	iret

	section .bss
	alignb	16
buffer:		resb 128
pointer:	resb 8
nmi_count:	resd 1
nmi_inside:	resd 1
