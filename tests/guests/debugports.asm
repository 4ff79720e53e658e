; SPDX-License-Identifier: GPL-2.0-or-later
;
; The debug devices: what is written to ports 0xe9 (debugcon) and 0x402 (the
; firmware's) comes out on the host, port 0xe9 reads as 0xe9, and isa-debug-exit
; makes the exit status (v << 1) | 1.

%include "pc32.inc"

%define FIRMWARE_DEBUG 0x402
%define EXIT_VALUE 21		; exit status 43

main:
	mov	esi, firmware_text
	mov	edx, FIRMWARE_DEBUG
.next:
	lodsb
	test	al, al
	jz	.written
	out	dx, al
	jmp	.next
.written:
	in	al, DEBUGCON
	cmp	al, DEBUGCON
	jne	.absent
	SAY	"debugcon: port 0xe9 answers", 10
	mov	al, EXIT_VALUE
	ret
.absent:
	SAY	"debugcon: port 0xe9 does not answer", 10
	mov	al, FAIL
	ret

firmware_text:	db "firmware debug port works", 10, 0
