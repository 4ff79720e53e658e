; SPDX-License-Identifier: GPL-2.0-or-later
;
; The carried guest's boot sector, and what needs assembly behind it: the way to
; protected mode, calls to the BIOS from there, interrupt entry, and the ways
; into ring 3 and virtual-8086 mode for the self test.
;
; The image is linked at 0x7c00 and read to where it is linked: the boot sector
; reads the other sectors behind itself, by block number (EDD) from a disk, by
; cylinder, head and sector from a floppy. All that runs in real mode has to stay
; within the first 64 KiB, so this file comes first.

%define STACK_TOP 0x90000
%define REAL_STACK 0x7c00
%define CODE32 0x08		; ORDER: as in gdt below, and in machine.h
%define DATA32 0x10
%define CODE16 0x18
%define DATA16 0x20
%define USER_CODE 0x2b
%define USER_DATA 0x33
%define TSS 0x38
%define LEAVE_VECTOR 0x31	; int 0x31 comes back from ring 3
%define EFLAGS_VM 0x20002
%define CHUNK 16		; sectors of one EDD read

	extern	image_sectors
	extern	bss_start
	extern	bss_end
	extern	guest_main
	extern	interrupt

	section .boot progbits alloc exec write
	bits	16
	global	start
start:
	jmp	0:entry
	times	8 - ($ - start) db 0
	db	"TVGUEST", 0
	global	autorun
autorun:			; offset 16: 'T' starts the self test at once
	db	0
drive:	db	0

entry:
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, REAL_STACK
	sti
	cld
	mov	[drive], dl
	mov	si, word image_sectors
	dec	si			; SI: sectors still to read
	test	dl, 0x80
	jz	load_chs
	mov	ah, 0x41
	mov	bx, 0x55aa
	int	0x13
	jc	load_chs
	cmp	bx, 0xaa55
	jne	load_chs

load_edd:
	mov	di, si
	mov	si, packet
.next:
	mov	ax, CHUNK
	cmp	di, ax
	jae	.size
	mov	ax, di
.size:
	mov	[packet.count], ax
	mov	ah, 0x42
	mov	dl, [drive]
	int	0x13
	jc	failed
	mov	ax, [packet.count]
	add	[packet.block], ax
	sub	di, ax
	shl	ax, 5
	add	[packet.segment], ax
	test	di, di
	jnz	.next
	jmp	loaded

load_chs:			; DL < 80h: the image's own geometry, the BIOS
	test	dl, 0x80		; only knows the drive's
	jz	.next
	push	si
	mov	ah, 8
	xor	di, di
	int	0x13
	pop	si
	jc	failed
	and	cl, 63
	mov	[sectors], cl
	inc	dh
	mov	[heads], dh
	xor	ax, ax
	mov	ds, ax
.next:
	mov	ax, [packet.segment]
	mov	es, ax
	mov	ax, [packet.block]
	div	byte [sectors]		; AL track, AH sector from 0
	mov	cl, ah
	inc	cl
	xor	ah, ah
	div	byte [heads]		; AL cylinder, AH head
	mov	ch, al
	mov	dh, ah
	mov	dl, [drive]
	mov	bp, 4			; floppies may need several tries
.again:
	xor	bx, bx
	mov	ax, 0x0201
	int	0x13
	jnc	.read
	xor	ah, ah
	int	0x13
	dec	bp
	jnz	.again
	jmp	failed
.read:
	inc	word [packet.block]
	add	word [packet.segment], 512 / 16
	dec	si
	jnz	.next
	jmp	loaded

failed:
	mov	si, .text
.next:
	lodsb
	test	al, al
	jz	.stop
	mov	ah, 0x0e
	mov	bx, 7
	int	0x10
	jmp	.next
.stop:
	sti
	hlt
	jmp	.stop
.text:	db	"The guest cannot be read from its disk.", 13, 10, 0

loaded:
	mov	ax, 0x2401		; A20, by the BIOS and by port 0x92
	int	0x15
	in	al, 0x92
	or	al, 2
	and	al, 0xfe
	out	0x92, al
	xor	ax, ax
	mov	ds, ax
	jmp	enter_protected

packet:			; disk address packet, EDD-3 table 4
	db	16, 0
.count:	dw	0
	dw	0
.segment: dw	0x7e0
.block:	dq	1
sectors: db	9			; 360 KiB, see guest.ld
heads:	db	2

	times	446 - ($ - start) db 0
	times	64 db 0			; no partitions
	dw	0xaa55

; ---------------------------------------------------------------- sector 2

enter_protected:
	cli
	lgdt	[gdt_pointer]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	CODE32:.flat
	bits	32
.flat:
	mov	ax, DATA32
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	esp, STACK_TOP
	mov	edi, bss_start
	mov	ecx, bss_end
	sub	ecx, edi
	xor	eax, eax
	rep	stosb
	mov	eax, tss
	mov	[gdt_tss + 2], ax
	shr	eax, 16
	mov	[gdt_tss + 4], al
	mov	ax, TSS
	ltr	ax
	call	guest_main
.stop:
	hlt
	jmp	.stop

	align	8
gdt:				; ORDER: selectors above
	dq	0
	dq	0x00cf9a000000ffff	; 0x08 code, 4 GiB
	dq	0x00cf92000000ffff	; 0x10 data, 4 GiB
	dq	0x00009a000000ffff	; 0x18 16-bit code, 64 KiB
	dq	0x000092000000ffff	; 0x20 16-bit data, 64 KiB
	dq	0x00cffa000000ffff	; 0x28 ring 3 code
	dq	0x00cff2000000ffff	; 0x30 ring 3 data
gdt_tss:
	dq	0x0000890000000067	; 0x38 TSS
	dq	0x004092000000000f	; 0x40 data, 16 bytes: for limit checks
gdt_pointer:
	dw	gdt_pointer - gdt - 1
	dd	gdt
real_idt:
	dw	0x3ff
	dd	0
saved_idt:
	dw	0
	dd	0
saved_esp:	dd 0
bios_registers:	times 10 dd 0	; struct bios_registers of machine.h
vm86_esp:	dd 0

; void bios_call(unsigned vector, struct bios_registers *r): a software interrupt
; in real mode. Interrupts off, PICs programmed as the BIOS wants them.
	global	bios_call
bios_call:
	pushad
	mov	al, [esp + 36]
	mov	[.vector + 1], al
	mov	esi, [esp + 40]
	mov	edi, bios_registers
	mov	ecx, 10
	rep	movsd
	mov	[saved_esp], esp
	sidt	[saved_idt]
	lidt	[real_idt]
	jmp	CODE16:.protected16
	bits	16
.protected16:
	mov	ax, DATA16
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	eax, cr0
	and	al, 0xfe
	mov	cr0, eax
	jmp	0:.real
.real:
	xor	ax, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	esp, REAL_STACK
	mov	ds, ax
	mov	ax, [bios_registers + 32]
	mov	es, ax
	mov	eax, [bios_registers]
	mov	ebx, [bios_registers + 4]
	mov	ecx, [bios_registers + 8]
	mov	edx, [bios_registers + 12]
	mov	esi, [bios_registers + 16]
	mov	edi, [bios_registers + 20]
	mov	ebp, [bios_registers + 24]
	push	word [bios_registers + 28]
	pop	ds
	sti
.vector:
	int	0
	cli
	mov	[cs:bios_registers], eax
	mov	[cs:bios_registers + 4], ebx
	mov	[cs:bios_registers + 8], ecx
	mov	[cs:bios_registers + 12], edx
	mov	[cs:bios_registers + 16], esi
	mov	[cs:bios_registers + 20], edi
	mov	[cs:bios_registers + 24], ebp
	mov	[cs:bios_registers + 28], ds
	mov	[cs:bios_registers + 32], es
	pushfd
	pop	dword [cs:bios_registers + 36]
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdt_pointer]		; the BIOS may have loaded its own
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	CODE32:.back
	bits	32
.back:
	mov	ax, DATA32
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	esp, [saved_esp]
	lidt	[saved_idt]
	mov	esi, bios_registers
	mov	edi, [esp + 40]
	mov	ecx, 10
	cld
	rep	movsd
	popad
	ret

; What virtual-8086 mode runs. HLT is privileged, so it ends the visit with #GP(0).
	bits	16
vm86_code:
	mov	ax, 0x1234
	mov	bx, ax
	add	bx, ax
	hlt
vm86_end:

	section .text
	bits	32

; void vm86_visit(void): runs vm86_code; interrupt() ends it with vm86_leave().
	global	vm86_visit
vm86_visit:
	pushad
	mov	[vm86_esp], esp
	mov	eax, esp
	sub	eax, 256
	mov	[tss.esp0], eax
	push	dword 0			; GS FS DS ES
	push	dword 0
	push	dword 0
	push	dword 0
	push	dword 0			; SS
	push	dword REAL_STACK
	push	dword EFLAGS_VM
	push	dword 0			; CS
	push	dword vm86_code
	iretd
	global	visit_leave
visit_leave:				; void visit_leave(void), does not return
	mov	esp, [vm86_esp]
	mov	ax, DATA32
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	popad
	ret

; void ring3_visit(void (*code)(void)): runs code in ring 3, which ends with
; int 0x31.
	global	ring3_visit
ring3_visit:
	mov	edx, [esp + 4]
	pushad
	mov	[vm86_esp], esp
	mov	eax, esp
	sub	eax, 256
	mov	[tss.esp0], eax
	mov	ax, USER_DATA
	mov	ds, ax
	mov	es, ax
	push	dword USER_DATA
	push	dword ring3_stack_top
	push	dword 2			; EFLAGS: interrupts off, IOPL 0
	push	dword USER_CODE
	push	edx
	iretd

; Interrupt entry: vectors 0 to 0x31, each pushes its error code, or 0, and number.
%macro ENTRY 1
entry_%1:
%if !(%1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17)
	push	dword 0
%endif
	push	dword %1
	jmp	entry_common
%endmacro
%assign vector 0
%rep LEAVE_VECTOR + 1
	ENTRY	vector
%assign vector vector + 1
%endrep

entry_common:
	pushad
	push	ds
	push	es
	mov	ax, DATA32
	mov	ds, ax
	mov	es, ax
	cld
	push	esp
	call	interrupt		; void interrupt(struct frame *)
	add	esp, 4
	pop	es
	pop	ds
	popad
	add	esp, 8
	iretd

	section .rodata
	global	entry_table
%macro ENTRY_ADDRESS 1
	dd	entry_%1
%endmacro
entry_table:
%assign vector 0
%rep LEAVE_VECTOR + 1
	ENTRY_ADDRESS vector
%assign vector vector + 1
%endrep

	section .data
	align	4
tss:	dd	0
.esp0:	dd	0
	dd	DATA32
	times	22 dd 0
	dw	0, 104			; no I/O bitmap

	section .bss
	alignb	16
	resb	4096
ring3_stack_top:
