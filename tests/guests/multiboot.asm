; SPDX-License-Identifier: GPL-2.0-or-later
;
; A multiboot 1 kernel that shows what the loader gave it (Multiboot 0.6.96,
; "Boot information format"): command line, modules with their strings and the
; sum of their bytes, memory sizes and map. Assembled twice: as ELF, and with
; -DADDRESSES as a flat file whose header tells the load addresses.

%ifdef ADDRESSES
%define OWN_HEADER
	bits	32
	org	0x200000
	section	.text
image_start:
	db	"not the header yet"	; it need only lie within 8 KiB
	align	4
header:
	dd	0x1badb002
	dd	(1 << 16) | (1 << 1)
	dd	-(0x1badb002 + ((1 << 16) | (1 << 1)))
	dd	header, image_start, image_end, bss_end, _start
%endif

%include "pc32.inc"

%define INFO_MEMORY (1 << 0)
%define INFO_CMDLINE (1 << 2)
%define INFO_MODULES (1 << 3)
%define INFO_MMAP (1 << 6)
%define MMAP_AVAILABLE 1
%define ONE_MIB 0x100000

main:
	cmp	eax, MULTIBOOT_LOADED
	mov	ecx, bad_magic
	jne	fail
	cmp	dword [must_be_zero], 0
	mov	ecx, bad_bss
	jne	fail
	mov	ebp, cr0
	test	ebp, 1
	mov	ecx, bad_mode
	jz	fail
	test	ebp, 0x80000000
	jnz	fail
	mov	ebp, ebx		; EBP: the information from here on

	mov	ecx, no_memory
	test	byte [ebp], INFO_MEMORY
	jz	fail
	SAY	"multiboot: lower "
	mov	eax, [ebp + 4]
	call	put_decimal
	SAY	" upper "
	mov	eax, [ebp + 8]
	call	put_decimal
	SAY	10
	mov	ecx, no_cmdline
	test	byte [ebp], INFO_CMDLINE
	jz	fail
	SAY	"multiboot: command line <"
	mov	esi, [ebp + 16]
	call	put_string
	SAY	">", 10
	call	modules
	call	memory_map
	SAY	"multiboot: PASS", 10
	mov	al, PASS
	ret

fail:
	SAY	"multiboot: FAIL: "
	mov	esi, ecx
	call	put_string
	SAY	10
	mov	al, FAIL
	jmp	finish

; A line each: number, size, sum of the bytes, string.
modules:
	test	byte [ebp], INFO_MODULES
	jz	.none
	mov	ecx, [ebp + 20]
	mov	edi, [ebp + 24]
	xor	ebx, ebx
.module:
	test	ecx, ecx
	jz	.none
	SAY	"multiboot: module "
	mov	eax, ebx
	call	put_decimal
	SAY	" size "
	mov	eax, [edi + 4]
	sub	eax, [edi]
	call	put_decimal
	SAY	" sum "
	call	sum_module
	call	put_decimal
	SAY	" <"
	mov	esi, [edi + 8]
	call	put_string
	SAY	">", 10
	add	edi, 16
	inc	ebx
	dec	ecx
	jmp	.module
.none:
	ret

; EAX = sum of the bytes of the module whose descriptor is at EDI.
sum_module:
	push	edx
	push	esi
	xor	eax, eax
	mov	esi, [edi]
.byte:
	cmp	esi, [edi + 4]
	jae	.done
	movzx	edx, byte [esi]
	add	eax, edx
	inc	esi
	jmp	.byte
.done:
	pop	esi
	pop	edx
	ret

; The map must hold available memory from 1 MiB as large as mem_upper says.
memory_map:
	mov	ecx, no_map
	test	byte [ebp], INFO_MMAP
	jz	fail
	mov	esi, [ebp + 48]
	mov	edi, esi
	add	edi, [ebp + 44]
	xor	ebx, ebx
.entry:
	cmp	esi, edi
	jae	.end
	cmp	dword [esi + 20], MMAP_AVAILABLE
	jne	.next
	cmp	dword [esi + 4], ONE_MIB
	jne	.next
	mov	ebx, [esi + 12]
.next:
	add	esi, [esi]
	add	esi, 4
	jmp	.entry
.end:
	mov	ecx, bad_map
	shr	ebx, 10
	jz	fail
	sub	ebx, [ebp + 8]		; the same, give or take a page or the
	add	ebx, 256		; firmware's last 128 KiB
	cmp	ebx, 512
	ja	fail
	SAY	"multiboot: memory map agrees", 10
	ret

	section .data
bad_magic:	db "wrong magic in EAX", 0
bad_bss:	db "bss is not zero", 0
bad_mode:	db "not in protected mode without paging", 0
no_memory:	db "no memory sizes", 0
no_cmdline:	db "no command line", 0
no_map:		db "no memory map", 0
bad_map:	db "memory map and mem_upper disagree", 0
image_end:

	section .bss
must_be_zero:	resd 1
bss_end:
