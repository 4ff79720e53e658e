; SPDX-License-Identifier: GPL-2.0-or-later
;
; An idle system: the PIT interrupts 100 times a second, the processor halts in
; between. A line a second, so that the test can see that time passes while it
; measures what the machine costs the host.

%include "pc32.inc"

%define PIC1 0x20
%define PIC1_DATA 0x21
%define PIC_EOI 0x20
%define PIT_CHANNEL0 0x40
%define PIT_CONTROL 0x43
%define PIT_RATE_GENERATOR 0x34
%define TICKS_A_SECOND 100
%define PIT_RELOAD (1193182 / TICKS_A_SECOND)
%define IRQ0_VECTOR 0x20
%define CODE_SELECTOR 8
%define INTERRUPT_GATE 0x8e00

main:
	lgdt	[gdt_pointer]
	jmp	CODE_SELECTOR:.flat
.flat:
	mov	eax, tick
	mov	[idt + IRQ0_VECTOR * 8], ax
	mov	word [idt + IRQ0_VECTOR * 8 + 2], CODE_SELECTOR
	mov	word [idt + IRQ0_VECTOR * 8 + 4], INTERRUPT_GATE
	shr	eax, 16
	mov	[idt + IRQ0_VECTOR * 8 + 6], ax
	lidt	[idt_pointer]

	mov	esi, pic_setup
	mov	edx, PIC1
	lodsb
	out	dx, al			; ICW1
	inc	edx
	mov	ecx, 4
.pic:
	lodsb
	out	dx, al			; ICW2-4, OCW1
	loop	.pic

	mov	al, PIT_RATE_GENERATOR
	out	PIT_CONTROL, al
	mov	al, PIT_RELOAD & 0xff
	out	PIT_CHANNEL0, al
	mov	al, PIT_RELOAD >> 8
	out	PIT_CHANNEL0, al
	SAY	"idle: ready", 10
	sti
.sleep:
	hlt
	cmp	dword [ticks], TICKS_A_SECOND
	jb	.sleep
	sub	dword [ticks], TICKS_A_SECOND
	SAY	"idle: second", 10
	jmp	.sleep

tick:
	push	eax
	inc	dword [ticks]
	mov	al, PIC_EOI
	out	PIC1, al
	pop	eax
	iret

	section .data
pic_setup:	db 0x11, IRQ0_VECTOR, 4, 1, 0xfe	; only IRQ 0
	align	8
gdt:		dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:	dw gdt_pointer - gdt - 1
		dd gdt
idt_pointer:	dw idt_size - 1
		dd idt

	section .bss
	alignb	8
idt:		resb (IRQ0_VECTOR + 1) * 8
idt_size equ $ - idt
ticks:		resd 1
