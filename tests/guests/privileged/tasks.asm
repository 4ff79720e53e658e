; SPDX-License-Identifier: GPL-2.0-or-later
;
; Task switches (SDM 3A chapter 7): by JMP, CALL, INT through a task gate and
; IRET, between 32-bit and 16-bit TSSs in all four combinations; nested tasks,
; busy bits, what is saved and loaded; checks before the switch and faults in
; the new task; the T bit, virtual-8086 tasks, CR3.

%include "privileged/probe.inc"
	GUEST	"tasks"

%define NEW32 T0
%define NEW16 T1
%define OLD32 T2
%define OLD16 T3
%define GATE_SEL T4
%define SPARE T5
%define TASK_STACK T6			; 16-bit stack segment
%define TASK_CODE T7			; base task_code
%define TASK_SP 0xf00

; Offsets of a 32-bit TSS and of a 16-bit one.
%define TSS_CR3 0x1c
%define TSS_EIP 0x20
%define TSS_EFLAGS 0x24
%define TSS_EAX 0x28
%define TSS_EBX 0x34
%define TSS_ESP 0x38
%define TSS_ES 0x48
%define TSS_CS 0x4c
%define TSS_SS 0x50
%define TSS_DS 0x54
%define TSS_FS 0x58
%define TSS_GS 0x5c
%define TSS_LDT 0x60
%define TSS_T 0x64
%define TSS16_IP 0x0e
%define TSS16_FLAGS 0x10
%define TSS16_AX 0x12
%define TSS16_BX 0x18
%define TSS16_SP 0x1a
%define TSS16_ES 0x22
%define TSS16_CS 0x24
%define TSS16_SS 0x26
%define TSS16_DS 0x28
%define TSS16_LDT 0x2a

tests:
	call	combinations
	call	checks_before
	call	faults_after
	call	returns
	call	special
	ret

; Fresh TSSs and descriptors; the task's code is what AL says.
reset_tasks:
	pushad
	mov	[task_code], al
	DESC	NEW32, new32, 0x67, A_TSS32, 0
	DESC	NEW16, new16, 0x2b, A_TSS16, 0
	DESC	OLD32, old32, 0x67, A_TSS32, 0
	DESC	OLD16, old16, 0x2b, A_TSS16, 0
	DESC	TASK_CODE, task_code, 0xfff, A_CODE, F_BYTE
	DESC	TASK_STACK, task_stack, 0xffff, A_DATA, F_16
	mov	edi, tss_area
	mov	ecx, (tss_area_end - tss_area) / 4
	xor	eax, eax
	rep	stosd
	mov	eax, cr3
	mov	[new32 + TSS_CR3], eax
	mov	[old32 + TSS_CR3], eax
	mov	dword [new32 + TSS_EFLAGS], FL_1 | FL_CF
	mov	dword [new32 + TSS_EAX], 0xa0a1a2a3
	mov	dword [new32 + TSS_EBX], 0xb0b1b2b3
	mov	dword [new32 + TSS_ESP], TASK_SP
	mov	dword [new32 + TSS_ES], DATA0
	mov	dword [new32 + TSS_CS], TASK_CODE
	mov	dword [new32 + TSS_SS], TASK_STACK
	mov	dword [new32 + TSS_DS], DATA0
	mov	dword [new32 + TSS_FS], DATA3
	mov	dword [new32 + TSS_LDT], LDT_SEL
	mov	dword [new32 + 4], handler_stack_top
	mov	dword [new32 + 8], DATA0
	mov	word [new32 + 0x66], 0x68
	mov	word [new16 + TSS16_FLAGS], FL_1 | FL_CF
	mov	word [new16 + TSS16_AX], 0xa2a3
	mov	word [new16 + TSS16_BX], 0xb2b3
	mov	word [new16 + TSS16_SP], TASK_SP
	mov	word [new16 + TSS16_ES], DATA0
	mov	word [new16 + TSS16_CS], TASK_CODE
	mov	word [new16 + TSS16_SS], TASK_STACK
	mov	word [new16 + TSS16_DS], DATA0
	mov	word [new16 + TSS16_LDT], LDT_SEL
	popad
	ret

; Back to the main task's TSS; notes what TR was and whether TS is set.
main_task:
	push	eax
	xor	eax, eax
	str	ax
	mov	[got_tr], eax
	mov	eax, cr0
	and	eax, CR0_TS
	mov	[got_ts], eax
	clts
	and	byte [gdt + TSS_MAIN + 5], ~A_BUSY
	mov	ax, TSS_MAIN
	ltr	ax
	mov	ax, LDT_SEL
	lldt	ax
	pop	eax
	ret

; Whether the descriptor of %2 is busy (2) or not (0).
%macro BUSY_IS 3
	movzx	eax, byte [gdt + %2 + 5]
	and	eax, A_BUSY
	SAME	{%1}, eax, %3
%endmacro

; What a switch from %2 to %3 by %4 (JMP, CALL, INT) does. %5, %6: 32 or 16.
%macro SWITCH 5				; old, new, how, old size, new size
%defstr how %3
%define name %strcat(how, " ", %str(%4), " to ", %str(%5), ": ")
	mov	al, 0xcc
	call	reset_tasks
	GATE	GATE_SEL, %2, 0, A_TASK
	IDT_GATE 0x40, %2, 0, A_TASK | DPL(3)
	mov	word [pointer + 4], %2
	mov	ebx, 0x12345678
	RUN	RING0
	mov	ax, %1
	ltr	ax
	mov	eax, 0x87654321
	mov	edx, esp
	mov	[old_esp], edx
	stc
%ifidn %3, JMP
	jmp	far [pointer]
%elifidn %3, CALL
	call	far [pointer]
%else
	int	0x40
%endif
..@after_%[run_number]:
	DONE
	call	main_task
	SAME	{name, "EIP"}, [got_eip], 1
	SAME	{name, "CS"}, [got_cs], TASK_CODE
	SAME	{name, "SS"}, [got_hss], TASK_STACK
	SAME	{name, "DS"}, [got_ds], DATA0
	movzx	eax, word [got_ebx]
	SAME	{name, "EBX"}, eax, 0xb2b3
	movzx	eax, word [got_esp]
	SAME	{name, "ESP"}, eax, TASK_SP
%if %5 == 32
	SAME	{name, "all of EAX"}, [got_eax], 0xa0a1a2a3
	SAME	{name, "FS"}, [got_fs], DATA3
%else
	SAME	{name, "FS becomes null"}, [got_fs], 0
%endif
	SAME	{name, "TR"}, [got_tr], %2
	SAME	{name, "TS"}, [got_ts], CR0_TS
	BUSY_IS	{name, "new task busy"}, %2, A_BUSY
	movzx	ecx, word [new%5]
%ifidn %3, JMP
	SAME	{name, "flags"}, [got_flags], FL_1 | FL_CF
	BUSY_IS	{name, "old task not busy"}, %1, 0
	SAME	{name, "no link"}, ecx, 0
%else
	SAME	{name, "flags with NT"}, [got_flags], FL_1 | FL_CF | FL_NT
	BUSY_IS	{name, "old task busy"}, %1, A_BUSY
	SAME	{name, "link"}, ecx, %1
%endif
	; what was saved
%if %4 == 32
	SAME	{name, "saved EIP"}, [old32 + TSS_EIP], ..@after_%[run_number]
	SAME	{name, "saved EFLAGS"}, [old32 + TSS_EFLAGS], FL_1 | FL_CF
	SAME	{name, "saved EAX"}, [old32 + TSS_EAX], 0x87654321
	SAME	{name, "saved EBX"}, [old32 + TSS_EBX], 0x12345678
	mov	eax, [old_esp]
	SAME	{name, "saved ESP"}, [old32 + TSS_ESP], eax
	SAME	{name, "saved CS"}, [old32 + TSS_CS], CODE0
	SAME	{name, "saved SS"}, [old32 + TSS_SS], DATA0
	SAME	{name, "saved GS"}, [old32 + TSS_GS], DATA0
	SAME	{name, "LDT is not saved"}, [old32 + TSS_LDT], 0
%else
	movzx	ecx, word [old16 + TSS16_IP]
	mov	eax, ..@after_%[run_number]
	movzx	eax, ax
	SAME	{name, "saved IP"}, ecx, eax
	movzx	ecx, word [old16 + TSS16_FLAGS]
	SAME	{name, "saved FLAGS"}, ecx, FL_1 | FL_CF
	movzx	ecx, word [old16 + TSS16_BX]
	SAME	{name, "saved BX"}, ecx, 0x5678
	movzx	ecx, word [old16 + TSS16_CS]
	SAME	{name, "saved CS"}, ecx, CODE0
	movzx	ecx, word [old16 + TSS16_DS]
	SAME	{name, "saved DS"}, ecx, DATA0
	movzx	ecx, word [old16 + TSS16_LDT]
	SAME	{name, "LDT is not saved"}, ecx, 0
%endif
%endmacro

combinations:
	SWITCH	OLD32, NEW32, JMP, 32, 32
	SWITCH	OLD32, NEW16, JMP, 32, 16
	SWITCH	OLD16, NEW32, JMP, 16, 32
	SWITCH	OLD16, NEW16, JMP, 16, 16
	SWITCH	OLD32, NEW32, CALL, 32, 32
	SWITCH	OLD32, NEW16, CALL, 32, 16
	SWITCH	OLD16, NEW32, CALL, 16, 32
	SWITCH	OLD16, NEW16, CALL, 16, 16
	SWITCH	OLD32, NEW32, INT, 32, 32
	SWITCH	OLD32, NEW16, INT, 32, 16
	SWITCH	OLD16, NEW32, INT, 16, 32
	SWITCH	OLD16, NEW16, INT, 16, 16
	ret

; ---- refused before anything is switched ----
%macro REFUSED 5			; name, ring, selector, vector, error
	mov	word [pointer + 4], %3
	RUN	%2
	jmp	far [pointer]
	DONE
	FAULT	{%1}, %4, %5
	xor	eax, eax
	str	ax
	SAME	{%1, ": TR kept"}, eax, TSS_MAIN
%endmacro

checks_before:
	mov	al, 0xcc
	call	reset_tasks
	REFUSED	"TSS of DPL 0 at ring 3", RING3, NEW32, GP, NEW32
	REFUSED	"TSS with RPL above DPL", RING0, NEW32 | 3, GP, NEW32
	DESC	NEW32, new32, 0x67, A_TSS32 - A_ABSENT, 0
	REFUSED	"TSS not present", RING0, NEW32, NP, NEW32
	DESC	NEW32, new32, 0x66, A_TSS32, 0
	REFUSED	"32-bit TSS too short", RING0, NEW32, TS, NEW32
	DESC	NEW16, new16, 0x2a, A_TSS16, 0
	REFUSED	"16-bit TSS too short", RING0, NEW16, TS, NEW16
	DESC	NEW32, new32, 0x67, A_TSS32 | A_BUSY, 0
	REFUSED	"busy TSS", RING0, NEW32, GP, NEW32
	DESC	NEW32, new32, 0x67, A_TSS32, 0
	DESC	L0, new32, 0x67, A_TSS32, 0
	QEMU_DIFFERS "2A JMP: #GP"
	REFUSED	"TSS in the LDT", RING0, L0, GP, L0
	GATE	GATE_SEL, NEW32, 0, A_TASK
	REFUSED	"task gate of DPL 0 at ring 3", RING3, GATE_SEL, GP, GATE_SEL
	GATE	GATE_SEL, NEW32, 0, A_TASK - A_ABSENT
	REFUSED	"task gate not present", RING0, GATE_SEL, NP, GATE_SEL
	GATE	GATE_SEL, CODE0, 0, A_TASK
	REFUSED	"task gate to code", RING0, GATE_SEL, GP, CODE0
	GATE	GATE_SEL, TSS_MAIN, 0, A_TASK
	REFUSED	"task gate to a busy TSS", RING0, GATE_SEL, GP, TSS_MAIN
	GATE	GATE_SEL, 0, 0, A_TASK
	REFUSED	"task gate to null", RING0, GATE_SEL, GP, 0
	GATE	GATE_SEL, L0, 0, A_TASK
	QEMU_DIFFERS "2A JMP: #GP"
	REFUSED	"task gate into the LDT", RING0, GATE_SEL, GP, L0
	GATE	GATE_SEL, GDT_ENTRIES * 8, 0, A_TASK
	REFUSED	"task gate beyond the GDT", RING0, GATE_SEL, GP, GDT_ENTRIES * 8
	DESC	NEW32, new32, 0x67, A_TSS32 - A_ABSENT, 0
	GATE	GATE_SEL, NEW32, 0, A_TASK
	REFUSED	"task gate to an absent TSS", RING0, GATE_SEL, NP, NEW32
	; of the IDT
	IDT_GATE 0x40, NEW32, 0, A_TASK
	RUN	RING3
	int	0x40
	DONE
	FAULT	"INT through a task gate of DPL 0", GP, 0x40 * 8 + 2
	IDT_GATE UD, NEW32, 0, A_TASK
	RUN	RING3
	ud2
	DONE
	QEMU_DIFFERS "3A 6.13: EXT"
	FAULT	"exception through a task gate to an absent TSS", NP, NEW32 | 1
	call	idt_reset
	; a task gate at ring 3 reaches a TSS of DPL 0
	mov	al, 0xcc
	call	reset_tasks
	GATE	GATE_SEL, NEW32, 0, A_TASK | DPL(3)
	mov	word [pointer + 4], GATE_SEL | 3
	RUN	RING3
	call	far [pointer]
	DONE
	call	main_task
	SAME	"a task gate of DPL 3 at ring 3", [got_tr], NEW32
	SAME	"a task gate of DPL 3 at ring 3: CS", [got_cs], TASK_CODE
	ret

; ---- faults in the context of the new task, which is at ring 3 ----
%macro NEW_TASK_FAULT 5			; name, field, value, vector, error
	call	ring3_task
	mov	dword [new32 + %2], %3
	mov	word [pointer + 4], NEW32
	RUN	RING0
	jmp	far [pointer]
	DONE
	call	main_task
	QEMU_DIFFERS "3A 7.3: the switch is completed first"
	SAME	{%1, ": vector"}, [got_vector], %4
	QEMU_DIFFERS "3A 7.3: the switch is completed first"
	SAME	{%1, ": error code"}, [got_error], %5
	QEMU_DIFFERS "3A 7.3: the switch is completed first"
	SAME	{%1, ": TR is the new task's"}, [got_tr], NEW32
	QEMU_DIFFERS "3A 7.3: the switch is completed first"
	SAME	{%1, ": EIP is the new task's"}, [got_eip], landing
%endmacro

ring3_task:
	mov	al, 0xcc
	call	reset_tasks
	mov	dword [new32 + TSS_EIP], landing
	mov	dword [new32 + TSS_CS], CODE3
	mov	dword [new32 + TSS_SS], DATA3
	mov	dword [new32 + TSS_ESP], stack3_top
	mov	dword [new32 + TSS_DS], DATA3
	mov	dword [new32 + TSS_ES], DATA3
	ret

landing:
	int3

faults_after:
	call	ring3_task
	mov	word [pointer + 4], NEW32
	RUN	RING0
	jmp	far [pointer]
	DONE
	call	main_task
	SAME	"a task at ring 3", [got_eip], landing + 1
	SAME	"a task at ring 3: CS", [got_cs], CODE3
	NEW_TASK_FAULT "CS of data", TSS_CS, DATA3, TS, DATA3 & ~3
	NEW_TASK_FAULT "CS null", TSS_CS, 3, TS, 0
	NEW_TASK_FAULT "CS beyond the GDT", TSS_CS, GDT_ENTRIES * 8 + 3, TS, GDT_ENTRIES * 8
	NEW_TASK_FAULT "CS with RPL unlike DPL", TSS_CS, CODE0 | 3, TS, CODE0
	DESC	SPARE, 0, 0xfffff, (A_CODE | DPL(3)) - A_ABSENT, F_FLAT
	NEW_TASK_FAULT "CS not present", TSS_CS, SPARE | 3, NP, SPARE
	NEW_TASK_FAULT "SS null", TSS_SS, 3, TS, 0
	NEW_TASK_FAULT "SS of code", TSS_SS, CODE3, TS, CODE3 & ~3
	NEW_TASK_FAULT "SS with the wrong DPL", TSS_SS, DATA0 | 3, TS, DATA0
	NEW_TASK_FAULT "SS with the wrong RPL", TSS_SS, DATA3 & ~3, TS, DATA3 & ~3
	DESC	SPARE, 0, 0xfffff, (A_DATA | DPL(3)) - A_ABSENT, F_FLAT
	NEW_TASK_FAULT "SS not present", TSS_SS, SPARE | 3, SS_, SPARE
	NEW_TASK_FAULT "DS of ring 0", TSS_DS, DATA0, TS, DATA0
	NEW_TASK_FAULT "ES beyond the GDT", TSS_ES, GDT_ENTRIES * 8, TS, GDT_ENTRIES * 8
	NEW_TASK_FAULT "FS not present", TSS_FS, SPARE | 3, NP, SPARE
	NEW_TASK_FAULT "GS of a system descriptor", TSS_GS, LDT_SEL, TS, LDT_SEL
	NEW_TASK_FAULT "LDT of data", TSS_LDT, DATA0, TS, DATA0
	NEW_TASK_FAULT "LDT in the LDT", TSS_LDT, L0, TS, L0
	DESC	SPARE, ldt, 0x3f, A_LDT - A_ABSENT, 0
	NEW_TASK_FAULT "LDT not present", TSS_LDT, SPARE, TS, SPARE
	; EIP beyond the limit
	DESC	SPARE, 0, 0xfff, A_CODE | DPL(3), F_BYTE
	NEW_TASK_FAULT "EIP beyond the limit", TSS_CS, SPARE | 3, GP, 0
	; null data segments are in order
	call	ring3_task
	mov	dword [new32 + TSS_DS], 0
	mov	dword [new32 + TSS_ES], 3
	mov	dword [new32 + TSS_LDT], 0
	RUN	RING0
	jmp	far [pointer]
	DONE
	SAME	"null data segments and LDT", [got_eip], landing + 1
	xor	eax, eax
	sldt	ax
	SAME	"a null LDT is loaded", eax, 0
	call	main_task
	ret

; ---- IRET with NT ----
%macro BACK 4				; old, new, sizes
%define name %strcat("IRET ", %str(%4), " to ", %str(%3), ": ")
	mov	al, 0xcf		; iret
	call	reset_tasks
	mov	word [pointer + 4], %2
	mov	ebx, 0x12345678
	DESC	SPARE, back_base, 0xfff, A_CODE, F_BYTE
	RUN	RING0
	mov	ax, %1
	ltr	ax
%if %3 == 16
	; CS with a base, so that EIP has 16 bits; SP has as well
	mov	esp, 0xf80
	mov	ax, TASK_STACK
	mov	ss, ax
	jmp	SPARE:back_code - back_base
%else
	call	far [pointer]
%endif
	DONE
	call	main_task
%if %3 == 32
	NOFAULT	{name, "returns"}
	SAME	{name, "all of EBX is back"}, [got_ebx], 0x12345678
%else
	SAME	{name, "returns"}, [got_eip], back_end - back_base
	movzx	eax, word [got_ebx]
	SAME	{name, "BX is back"}, eax, 0x5678
%endif
	SAME	{name, "TR"}, [got_tr], %1
	SAME	{name, "flags without NT"}, [got_flags], FL_1
	BUSY_IS	{name, "the nested task is not busy"}, %2, 0
	BUSY_IS	{name, "the old task is busy"}, %1, A_BUSY
%if %4 == 32
	SAME	{name, "NT is clear in the saved flags"}, [new32 + TSS_EFLAGS], FL_1 | FL_CF
	SAME	{name, "saved EIP of the nested task"}, [new32 + TSS_EIP], 1
%else
	movzx	eax, word [new16 + TSS16_FLAGS]
	SAME	{name, "NT is clear in the saved flags"}, eax, FL_1 | FL_CF
%endif
%endmacro

back_base:
back_code:
	call	far [pointer]
	int3
back_end:

returns:
	BACK	OLD32, NEW32, 32, 32
	BACK	OLD32, NEW16, 32, 16
	BACK	OLD16, NEW32, 16, 32
	BACK	OLD16, NEW16, 16, 16
	; the link is at fault
%macro BAD_LINK 4			; name, link, vector, error
	mov	word [tss_main], %2
	RUN	RING0, FL_1 | FL_NT
	iret
	DONE
	FAULT	{%1}, %3, %4
%endmacro
	mov	al, 0xcc
	call	reset_tasks
	BAD_LINK "IRET with NT: link null", 0, TS, 0
	BAD_LINK "IRET with NT: link not busy", NEW32, TS, NEW32
	BAD_LINK "IRET with NT: link in the LDT", L0, TS, L0
	BAD_LINK "IRET with NT: link to data", DATA0, TS, DATA0
	BAD_LINK "IRET with NT: link beyond the GDT", GDT_ENTRIES * 8, TS, GDT_ENTRIES * 8
	DESC	NEW32, new32, 0x67, (A_TSS32 | A_BUSY) - A_ABSENT, 0
	BAD_LINK "IRET with NT: link to an absent TSS", NEW32, NP, NEW32
	DESC	NEW32, new32, 0x66, A_TSS32 | A_BUSY, 0
	BAD_LINK "IRET with NT: link to a short TSS", NEW32, TS, NEW32
	mov	word [tss_main], 0
	mov	byte [LOW_CODE + 0x200], 0xcc
	RUN	V86, FL_1 | FL_NT | FL_IOPL3
	mov	sp, 0x100
	push	word FL_1
	push	word LOW_CODE >> 4
	push	word 0x200
	iret
	DONE
	SAME	"IRET in virtual-8086 mode does not look at NT", [got_eip], 0x201
	ret

; ---- exceptions by task gates, T, virtual-8086 tasks, CR3, DR7 ----
special:
	mov	al, 0xcc
	call	reset_tasks
	IDT_GATE GP, NEW32, 0, A_TASK
	RUN	RING0
	mov	ax, OLD32
	ltr	ax
	mov	ax, 0xfff8
	HERE
	mov	es, ax
	DONE
	call	main_task
	SAME	"exception by task gate: TR", [got_tr], NEW32
	movzx	eax, word [got_esp]
	SAME	"exception by task gate: error code on the new stack", eax, TASK_SP - 4
	SAME	"exception by task gate: the code", [task_stack + TASK_SP - 4], 0xfff8
	SAME	"exception by task gate: saved EIP is the fault's", [old32 + TSS_EIP], ..@run_at_%[run_number]
	mov	eax, [old32 + TSS_EFLAGS]
	and	eax, FL_RF
	QEMU_DIFFERS "3B 17.3.1.1: faults save RF set"
	SAME	"exception by task gate: RF saved", eax, FL_RF
	call	idt_reset
	mov	al, 0xcc
	call	reset_tasks
	IDT_GATE GP, NEW16, 0, A_TASK
	RUN	RING0
	mov	ax, OLD32
	ltr	ax
	mov	ax, 0xfff8
	mov	es, ax
	DONE
	call	main_task
	movzx	eax, word [got_esp]
	SAME	"exception by a 16-bit task: error code of 2 bytes", eax, TASK_SP - 2
	call	idt_reset
	; T
	mov	al, 0x90
	call	reset_tasks
	mov	byte [task_code + 1], 0xcc
	mov	dword [new32 + TSS_T], 0x680001
	mov	word [pointer + 4], NEW32
	xor	eax, eax
	mov	dr6, eax
	RUN	RING0
	jmp	far [pointer]
	DONE
	call	main_task
	QEMU_DIFFERS "3A 7.2.1, 3B 17.3.1.5: the T flag"
	SAME	"T: #DB", [got_vector], DB_
	QEMU_DIFFERS "3A 7.2.1, 3B 17.3.1.5: the T flag"
	SAME	"T: before the first instruction", [got_eip], 0
	mov	eax, [got_dr6]
	xor	eax, 0xffff0ff0
	QEMU_DIFFERS "3A 7.2.1, 3B 17.3.1.5: the T flag"
	SAME	"T: BT in DR6", eax, 0x8000
	xor	eax, eax
	mov	dr6, eax
	; local breakpoints are disarmed
	mov	al, 0xcc
	call	reset_tasks
	mov	eax, 0x3ff		; all, and LE, GE
	mov	dr7, eax
	RUN	RING0
	jmp	far [pointer]
	DONE
	call	main_task
	mov	eax, [got_dr7]
	and	eax, ~0x100		; LE: only old manuals say so
	SAME	"a switch clears DR7's local bits", eax, 0x6aa
	xor	eax, eax
	mov	dr7, eax
	mov	dr6, eax
	; a virtual-8086 task
	mov	al, 0xcc
	call	reset_tasks
	mov	dword [new32 + TSS_EFLAGS], FL_1 | FL_VM | FL_IOPL3
	mov	dword [new32 + TSS_EIP], 0x200
	mov	dword [new32 + TSS_CS], LOW_CODE >> 4
	mov	dword [new32 + TSS_SS], LOW_STACK >> 4
	mov	dword [new32 + TSS_DS], 0x1234
	RUN	RING0
	jmp	far [pointer]
	DONE
	call	main_task
	SAME	"a virtual-8086 task: IP", [got_eip], 0x201
	SAME	"a virtual-8086 task: flags", [got_flags], FL_1 | FL_VM | FL_IOPL3
	SAME	"a virtual-8086 task: CS", [got_cs], LOW_CODE >> 4
	SAME	"a virtual-8086 task: DS", [got_v86_ds], 0x1234
	; CR3 is loaded when paging is on
	mov	dword [dir1], 0x83
	mov	dword [dir1 + 4], 0x400083
	mov	dword [dir2], 0x83
	mov	dword [dir2 + 4], 0x400083
	mov	eax, cr4
	or	eax, CR4_PSE
	mov	cr4, eax
	mov	eax, dir1
	mov	cr3, eax
	mov	eax, cr0
	or	eax, CR0_PG
	mov	cr0, eax
	mov	al, 0xcc
	call	reset_tasks
	mov	dword [new32 + TSS_CR3], dir2
	RUN	RING0
	jmp	far [pointer]
	DONE
	mov	ecx, cr3
	mov	eax, cr0
	and	eax, ~CR0_PG
	mov	cr0, eax
	call	main_task
	SAME	"a switch loads CR3", ecx, dir2
	ret

	section .bss
	alignb	4096
dir1:		resb 4096
dir2:		resb 4096
tss_area:
new32:		resb 0x68
new16:		resb 0x2c
old32:		resb 0x68
old16:		resb 0x2c
tss_area_end:
	alignb	16
task_code:	resb 16
task_stack:	resb 0x10000
pointer:	resb 8
old_esp:	resd 1
got_tr:		resd 1
got_ts:		resd 1
