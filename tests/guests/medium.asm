; SPDX-License-Identifier: GPL-2.0-or-later
;
; A boot sector and its second stage that read and write all of the medium they
; came from through the BIOS (int 13h): floppies by cylinder, head and sector,
; disks by block number (EDD 42h and 43h) and by cylinder, head and sector, CDs
; by block number, and the floppy that El Torito emulates from a CD.
;
; make_media.py builds the media: it fills in the parameters below and gives each
; 512-byte sector behind this code the contents pattern(n), 128 times the dword
; n * 0x9e3779b1 + 7 * its index.
;
; Passes: 1 read all, check the pattern, write it back inverted; 2 read all, check
; that it is inverted; a disk's second pass works by cylinder, head and sector,
; and writes the pattern back; its third pass, by block number again, checks that.
; A medium that cannot be written only has pass 1, without writing.
;
; Memory: 0x7c00 this, 0x10000 the transfer buffer (one 64 KiB DMA page). Result
; on COM1, the screen and isa-debug-exit (see pc32.inc).

	bits	16
	org	0x7c00

%define COM1 0x3f8
%define DEBUG_EXIT 0x501
%define PASS 0x10
%define FAIL 0x11
%define MULTIPLIER 0x9e3779b1
%define BUFFER_SEGMENT 0x1000

%define MEDIUM_FLOPPY 0
%define MEDIUM_DISK 1
%define MEDIUM_CD 2
%define MEDIUM_CD_FLOPPY 3	; emulated: read only

%define STAGE2_SECTORS 4
%define DISK_CHUNK 16		; sectors a transfer
%define CD_CHUNK 8		; 2048-byte sectors a transfer

start:
	jmp	0:entry
	times	8 - ($ - $$) db 0
; ---- parameters, filled in by make_media.py ----
	db	"TVMEDIUM"
kind:			db 0
sector_shift:		db 9		; 9 or 11
sectors_per_track:	dw 18
heads:			dw 2
total:			dd 2880		; in sectors of the medium's size
first:			dd 1 + STAGE2_SECTORS	; the first with a pattern

entry:
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, start
	sti
	cld
	mov	[drive], dl
	mov	ah, 0			; floppies have no change line to trip over
	int	0x13
	cmp	byte [kind], MEDIUM_CD
	je	stage2			; El Torito loaded all of it
	cmp	byte [kind], MEDIUM_DISK
	je	.disk
	mov	di, 1			; sector by sector: all within track 0
.sector:
	mov	bp, 3			; a drive may take a few tries to spin up
.again:
	mov	bx, di
	shl	bx, 9
	add	bx, start
	mov	cx, di
	inc	cx			; cylinder 0, sector DI + 1
	mov	dh, 0
	mov	dl, [drive]
	mov	ax, 0x0201
	int	0x13
	jnc	.loaded
	dec	bp
	jnz	.again
	jmp	.failed
.loaded:
	inc	di
	cmp	di, STAGE2_SECTORS
	jbe	.sector
	jmp	stage2
.disk:
	mov	si, packet
	mov	ah, 0x42
	int	0x13
	jnc	stage2
.failed:
	mov	si, .message
.print:
	lodsb
	test	al, al
	jz	.hang
	mov	dx, COM1
	out	dx, al
	mov	ah, 0x0e
	mov	bx, 7
	int	0x10
	jmp	.print
.hang:
	mov	dx, DEBUG_EXIT
	mov	al, FAIL
	out	dx, al
	hlt
	jmp	.hang
.message: db "medium: FAIL: the second stage cannot be read", 13, 10, 0

	align	4
packet:			; disk address packet, EDD-3 table 4
	db	16, 0
	dw	STAGE2_SECTORS
	dw	start + 512, 0
	dd	1, 0

drive:	db	0
	times	510 - ($ - $$) db 0
	dw	0xaa55

; ---------------------------------------------------------------- stage 2

stage2:
	mov	dx, COM1 + 3		; 115200 8n1
	mov	al, 0x83
	out	dx, al
	mov	dx, COM1
	mov	al, 1
	out	dx, al
	inc	dx
	dec	al
	out	dx, al
	mov	dx, COM1 + 3
	mov	al, 3
	out	dx, al

	mov	si, text_hello
	call	print
	mov	eax, [total]
	call	print_decimal
	mov	si, text_sectors
	call	print

	mov	al, [kind]
	cmp	al, MEDIUM_DISK
	je	disk
	mov	byte [by_block], 1
	cmp	al, MEDIUM_CD
	je	read_only
	mov	byte [by_block], 0
	cmp	al, MEDIUM_CD_FLOPPY
	je	read_only

	mov	byte [writing], 1	; floppy
	call	pass
	mov	byte [writing], 0
	mov	dword [expected], -1
	call	pass
	jmp	passed

read_only:
	call	pass
	jmp	passed

disk:
	mov	byte [by_block], 1
	mov	byte [writing], 1
	call	pass			; by block: pattern -> inverted
	mov	byte [by_block], 0
	mov	dword [expected], -1
	call	disk_geometry
	mov	eax, [total]
	push	eax
	mov	eax, [chs_total]
	cmp	eax, [total]
	jae	.all
	mov	[total], eax
.all:
	call	pass			; by cylinder: inverted -> pattern
	mov	eax, [total]
	mov	[boundary], eax
	pop	dword [total]
	mov	byte [by_block], 1
	mov	byte [writing], 0
	mov	dword [expected], 0
	call	pass			; the last sectors have no cylinder: inverted

passed:
	mov	si, text_pass
	call	print
	mov	al, PASS
finish:
	mov	dx, DEBUG_EXIT
	out	dx, al
.hang:
	hlt
	jmp	.hang

; AH = status of the BIOS. Says which sector and what.
bios_failed:
	mov	[status], ah
	mov	si, text_bios
	call	print
	movzx	eax, byte [status]
	call	print_decimal
	jmp	failed_at
pattern_failed:
	mov	si, text_pattern
	call	print
failed_at:
	mov	si, text_at
	call	print
	mov	eax, [current]
	call	print_decimal
	mov	si, text_line
	call	print
	mov	al, FAIL
	jmp	finish

; The geometry of a disk: function 8.
disk_geometry:
	mov	ah, 8
	mov	dl, [drive]
	xor	di, di
	mov	es, di
	int	0x13
	jc	bios_failed
	movzx	eax, cl
	and	al, 63
	mov	[sectors_per_track], ax
	movzx	ebx, dh
	inc	bx
	mov	[heads], bx
	mul	bx			; fits: 63 * 256
	mov	bl, cl
	shr	bl, 6
	mov	bh, bl
	mov	bl, ch
	inc	bx			; cylinders
	movzx	eax, ax
	movzx	ebx, bx
	mul	ebx
	mov	[chs_total], eax
	ret

; One pass over all of the medium.
pass:
	mov	dword [current], 0
.chunk:
	call	chunk_size
	mov	byte [write_now], 0
	call	transfer
	call	check
	cmp	byte [writing], 0
	je	.next
	mov	byte [write_now], 1
	call	transfer
.next:
	movzx	eax, word [count]
	add	[current], eax
	mov	eax, [current]
	cmp	eax, [total]
	jb	.chunk
	mov	si, text_dot
	call	print
	ret

; [count] = how many sectors the next transfer takes: the rest of the track, or
; a chunk, and not more than there are.
chunk_size:
	cmp	byte [by_block], 0
	je	.track
	mov	ecx, DISK_CHUNK
	cmp	byte [kind], MEDIUM_CD
	jne	.limit
	mov	ecx, CD_CHUNK
	jmp	.limit
.track:
	mov	eax, [current]
	xor	edx, edx
	movzx	ecx, word [sectors_per_track]
	div	ecx
	sub	ecx, edx
.limit:
	mov	eax, [total]
	sub	eax, [current]
	cmp	eax, ecx
	jae	.enough
	mov	ecx, eax
.enough:
	mov	[count], cx
	ret

; Reads or writes [count] sectors at [current] from or to the buffer.
transfer:
	mov	byte [tries], 3
.again:
	cmp	byte [by_block], 0
	je	.cylinder
	mov	si, packet
	mov	ax, [count]
	mov	[packet + 2], ax
	mov	word [packet + 4], 0
	mov	word [packet + 6], BUFFER_SEGMENT
	mov	eax, [current]
	mov	[packet + 8], eax
	mov	ah, 0x42
	add	ah, [write_now]
	mov	al, 0
	mov	dl, [drive]
	int	0x13
	jc	.retry
	ret
.cylinder:
	mov	eax, [current]
	xor	edx, edx
	movzx	ecx, word [sectors_per_track]
	div	ecx
	lea	bx, [edx + 1]		; sector
	xor	edx, edx
	movzx	ecx, word [heads]
	div	ecx			; EAX cylinder, EDX head
	mov	ch, al
	mov	cl, ah
	shl	cl, 6
	or	cl, bl
	mov	dh, dl
	mov	dl, [drive]
	mov	ax, BUFFER_SEGMENT
	mov	es, ax
	xor	bx, bx
	mov	al, [count]
	mov	ah, 2
	add	ah, [write_now]
	int	0x13
	jc	.retry
	ret
.retry:
	dec	byte [tries]
	jz	bios_failed
	mov	ah, 0
	mov	dl, [drive]
	int	0x13
	jmp	.again

; Checks the pattern of what is in the buffer, and inverts it.
check:
	mov	ax, BUFFER_SEGMENT
	mov	fs, ax
	xor	esi, esi
	mov	eax, [current]
	movzx	ecx, word [count]
.sector:
	push	ecx
	mov	edx, [expected]
	cmp	eax, [boundary]
	jb	.below
	not	edx
.below:
	push	eax
	mov	ebx, 1
	mov	cl, [sector_shift]
	shl	ebx, cl
	cmp	eax, [first]
	jb	.skip			; the code itself
	mov	edi, ebx
	shr	edi, 2			; dwords
	sub	cl, 9
	shl	eax, cl			; in 512-byte sectors
	imul	eax, eax, MULTIPLIER
	xor	ecx, ecx		; index within 512 bytes
.dword:
	lea	ebx, [ecx * 8]
	sub	ebx, ecx
	add	ebx, eax
	xor	ebx, edx
	cmp	[fs:esi], ebx
	jne	pattern_failed
	not	dword [fs:esi]
	add	esi, 4
	inc	ecx
	cmp	ecx, 128
	jb	.same
	xor	ecx, ecx
	add	eax, MULTIPLIER
.same:
	dec	edi
	jnz	.dword
	jmp	.next
.skip:
	add	esi, ebx
.next:
	pop	eax
	inc	eax
	pop	ecx
	dec	ecx
	jnz	.sector
	ret

; Prints the string at SI on COM1 and the screen.
print:
	lodsb
	test	al, al
	jz	.done
	call	print_char
	jmp	print
.done:
	ret

print_char:
	push	eax
	push	ebx
	push	edx
	mov	bl, al
	mov	dx, COM1 + 5
	mov	cx, 0xffff
.wait:
	in	al, dx
	test	al, 0x20
	loopz	.wait
	mov	al, bl
	mov	dx, COM1
	out	dx, al
	mov	ah, 0x0e
	mov	bx, 7
	int	0x10
	pop	edx
	pop	ebx
	pop	eax
	ret

; Prints EAX in decimal.
print_decimal:
	push	edx
	mov	ebx, 10
	xor	edx, edx
	div	ebx
	test	eax, eax
	jz	.digit
	call	print_decimal
.digit:
	mov	al, dl
	add	al, '0'
	call	print_char
	pop	edx
	ret

text_hello:	db "medium: ", 0
text_sectors:	db " sectors ", 0
text_dot:	db ".", 0
text_pass:	db 13, 10, "medium: PASS", 13, 10, 0
text_bios:	db 13, 10, "medium: FAIL: BIOS status ", 0
text_pattern:	db 13, 10, "medium: FAIL: wrong contents", 0
text_at:	db " at sector ", 0
text_line:	db 13, 10, 0

	align	4
current:	dd 0
expected:	dd 0			; 0, or -1: the pattern is inverted ...
boundary:	dd -1			; ... the other way round from this sector on
chs_total:	dd 0
count:		dw 0
by_block:	db 0
writing:	db 0
write_now:	db 0
tries:		db 0
status:		db 0

	times	512 * (1 + STAGE2_SECTORS) - ($ - $$) db 0
