; SPDX-License-Identifier: GPL-2.0-or-later
;
; How many instructions a second: a table-driven CRC-32 (polynomial 0xedb88320)
; over 64 KiB, again and again for three seconds of the ACPI PM timer, which
; follows host time. The CRC of "123456789" is checked first.

%include "pc32.inc"

%define BUFFER_SIZE 65536
%define LOOP_INSTRUCTIONS 7	; a byte, see crc below
%define PM_TIMER_HZ 3579545
%define PM_TIMER_MASK 0xffffff
%define RUN_SECONDS 3
%define PCI_ADDRESS 0xcf8
%define PCI_DATA 0xcfc
%define PIIX4_PMBASE 0x80000b40	; bus 0, device 1, function 3, register 0x40
%define CRC_OF_DIGITS 0xcbf43926

main:
	call	make_table
	mov	esi, digits
	mov	ecx, 9
	call	crc
	cmp	eax, CRC_OF_DIGITS
	je	.right
	SAY	"crc32: wrong result ", 0
	call	put_hex
	SAY	10, "crc32: FAIL", 10
	mov	al, FAIL
	ret
.right:
	call	find_timer
	call	read_timer
	mov	[last], eax
.round:
	mov	esi, buffer
	mov	ecx, BUFFER_SIZE
	call	crc
	inc	dword [rounds]
	call	read_timer		; 24 bits, so add up the differences
	mov	edx, eax
	sub	eax, [last]
	and	eax, PM_TIMER_MASK
	add	[elapsed], eax
	mov	[last], edx
	cmp	dword [elapsed], RUN_SECONDS * PM_TIMER_HZ
	jb	.round

	; kinsn/s = rounds * (instructions a round / 1000) * Hz / elapsed
	mov	eax, [rounds]
	mov	ecx, BUFFER_SIZE * LOOP_INSTRUCTIONS / 1000
	mul	ecx
	mov	ecx, PM_TIMER_HZ
	mul	ecx
	div	dword [elapsed]
	mov	ecx, 1000
	xor	edx, edx
	div	ecx
	SAY	"crc32: "
	call	put_decimal
	SAY	" Minsn/s", 10, "crc32: PASS", 10
	mov	al, PASS
	ret

; EAX = CRC-32 of the ECX bytes at ESI. Seven instructions a byte.
crc:
	mov	eax, -1
.byte:
	movzx	ebx, byte [esi]
	inc	esi
	xor	bl, al
	shr	eax, 8
	xor	eax, [table + ebx * 4]
	dec	ecx
	jnz	.byte
	not	eax
	ret

make_table:
	xor	ebx, ebx
.entry:
	mov	eax, ebx
	mov	ecx, 8
.bit:
	shr	eax, 1
	jnc	.zero
	xor	eax, 0xedb88320
.zero:
	dec	ecx
	jnz	.bit
	mov	[table + ebx * 4], eax
	inc	bl
	jnz	.entry
	ret

; The PIIX4's power management base + 8 is the timer.
find_timer:
	mov	dx, PCI_ADDRESS
	mov	eax, PIIX4_PMBASE
	out	dx, eax
	mov	dx, PCI_DATA
	in	eax, dx
	and	eax, 0xffc0
	add	eax, 8
	mov	[timer_port], eax
	ret

read_timer:
	mov	edx, [timer_port]
	in	eax, dx
	and	eax, PM_TIMER_MASK
	ret

	section .data
digits:		db "123456789"

	section .bss
	alignb	16
table:		resd 256
last:		resd 1
elapsed:	resd 1
rounds:		resd 1
timer_port:	resd 1
buffer:		resb BUFFER_SIZE
