; SPDX-License-Identifier: GPL-2.0-or-later
;
; The option ROM by which -kernel boots. SeaBIOS finds it as a fw_cfg file under
; genroms/, sees a boot entry vector in its PnP header (Plug and Play BIOS
; specification 1.0A, 3.2) and calls that as it would boot a disk.
;
; The ROM decides nothing. The monitor has written a plan into it: pieces of
; fw_cfg items and the physical addresses they go to, then where to jump. The
; pieces are fetched by fw_cfg's DMA command, which reaches all of memory from
; real mode. A plan ends in one of two ways:
;
;   Linux      real mode, at the kernel's setup code (Linux boot protocol)
;   multiboot  protected mode with flat segments, EAX the magic, EBX the
;              information structure, which gets the BIOS's memory map here
;
; Layout: header at 0, plan at PLAN (boot_plan.c fills it in), code behind it.

	bits 16
	org 0

ROM_SIZE	equ 4096
PLAN		equ 64
PLAN_SEGMENTS	equ 112

FW_CFG_DMA	equ 0x514
DMA_READ	equ 0x02
DMA_SKIP	equ 0x04
DMA_SELECT	equ 0x08

; Offsets in the multiboot information (multiboot 0.6.96, 3.3)
MBI_MEM_LOWER	equ 4
MBI_MEM_UPPER	equ 8
MBI_MMAP_LENGTH	equ 44
MBI_MMAP_ADDR	equ 48
MULTIBOOT_MAGIC	equ 0x2badb002
E820_ENTRY	equ 20
E820_MAX	equ 64
SMAP		equ 0x534d4150

	db 0x55, 0xaa, ROM_SIZE / 512
	retf				; nothing to initialize
	times 0x18 - ($ - $$) db 0
	dw 0				; no PCI data structure
	dw pnp_header

	times 0x20 - ($ - $$) db 0
pnp_header:
	db "$PnP"
	db 1				; structure revision
	db 2				; length in 16 bytes
	dw 0				; no further header
	db 0
	db 0				; checksum: filled in by boot_plan.c
	dd 0				; device identifier
	dw 0				; manufacturer
	dw product
	db 0, 0, 0			; device type
	db 0				; device indicators
	dw 0, 0				; connection vectors
	dw boot				; bootstrap entry vector
	dw 0, 0

	times PLAN - ($ - $$) db 0
plan_multiboot:	dw 0			; how to end
plan_count:	dw 0			; of segments
plan_entry:	dd 0			; Linux: CS:IP; multiboot: EIP
plan_argument:	dd 0			; Linux: SS:SP; multiboot: EBX
		dd 0
plan_segments:				; selector << 16, offset, length, address
	times PLAN_SEGMENTS * 16 db 0

product:
	db "Transvisor -kernel", 0

boot:
	cli
	cld
	mov ax, cs
	mov ds, ax
	mov si, plan_segments
	mov cx, [plan_count]
	jcxz .loaded
.segment:
	mov eax, [si]			; select the item, go to the offset
	or eax, DMA_SELECT | DMA_SKIP
	mov ebx, [si + 4]
	xor edi, edi
	call fw_cfg_dma
	mov eax, DMA_READ
	mov ebx, [si + 8]
	mov edi, [si + 12]
	call fw_cfg_dma
	add si, 16
	loop .segment
.loaded:
	cmp word [plan_multiboot], 0
	jne enter_multiboot

; The whole state the boot protocol asks for: DS = ES = SS = FS = GS, IF clear.
enter_linux:
	mov eax, [plan_entry]
	mov bx, [plan_argument + 2]
	movzx ecx, word [plan_argument]
	mov ss, bx
	mov esp, ecx
	mov ds, bx
	mov es, bx
	mov fs, bx
	mov gs, bx
	push eax
	xor eax, eax
	xor ebx, ebx
	xor ecx, ecx
	xor edx, edx
	xor esi, esi
	xor edi, edi
	xor ebp, ebp
	retf

; Runs one DMA command. EAX control, EBX length, EDI address; the command is
; built on the stack, big-endian. Changes EAX, EBX, EDX, EDI.
fw_cfg_dma:
	bswap edi
	push edi
	push dword 0			; the address's upper half
	bswap ebx
	push ebx
	bswap eax
	push eax
	xor eax, eax
	mov dx, FW_CFG_DMA
	out dx, eax
	mov ax, ss
	movzx eax, ax
	shl eax, 4
	movzx edx, sp
	add eax, edx
	bswap eax
	mov dx, FW_CFG_DMA + 4
	out dx, eax
	mov bx, sp
.busy:
	mov eax, [ss:bx]
	bswap eax
	and eax, ~1			; all but the error bit
	jnz .busy
	add sp, 16
	ret

enter_multiboot:
	mov eax, [plan_argument]	; below 1 MiB, on a paragraph
	shr eax, 4
	mov es, ax
	sti
	int 0x12			; KiB of conventional memory
	movzx eax, ax
	mov [es:MBI_MEM_LOWER], eax
	call memory_upper
	mov [es:MBI_MEM_UPPER], eax
	call memory_map
	cli

	mov ebx, [plan_argument]
	mov esi, [plan_entry]
	in al, 0x92			; A20 on, without a reset
	or al, 2
	and al, ~1
	out 0x92, al
	xor eax, eax
	mov ax, cs
	shl eax, 4
	mov edi, eax
	add eax, gdt
	push eax
	push word gdt_end - gdt - 1
	mov bp, sp
	o32 lgdt [bp]
	add edi, flat
	mov eax, cr0
	or al, 1
	mov cr0, eax
	push dword 0x08
	push edi
	o32 retf

	bits 32
flat:
	mov ax, 0x10
	mov ds, ax
	mov es, ax
	mov fs, ax
	mov gs, ax
	mov ss, ax
	mov esp, 0x7000
	mov eax, MULTIBOOT_MAGIC
	jmp esi
	bits 16

; EAX = KiB of memory from 1 MiB to the first hole.
memory_upper:
	push es
	mov ax, 0xe801
	xor cx, cx
	xor dx, dx
	int 0x15
	pop es
	jc .none
	movzx eax, ax
	movzx ebx, bx
	shl ebx, 6
	add eax, ebx
	ret
.none:
	xor eax, eax
	ret

; Writes the BIOS's memory map where the information structure at ES:0 says, as
; entries of a size and the 20 bytes of INT 15h, AX=E820h.
memory_map:
	push es
	mov eax, [es:MBI_MMAP_ADDR]
	shr eax, 4
	mov es, ax
	xor di, di
	xor ebx, ebx
.entry:
	mov dword [es:di], E820_ENTRY
	add di, 4
	mov eax, 0xe820
	mov ecx, E820_ENTRY
	mov edx, SMAP
	int 0x15
	jc .end
	cmp eax, SMAP
	jne .end
	add di, E820_ENTRY
	cmp di, E820_MAX * (E820_ENTRY + 4)
	jae .full
	test ebx, ebx
	jnz .entry
	jmp .full
.end:
	sub di, 4			; no entry after that size
.full:
	pop es
	movzx eax, di
	mov [es:MBI_MMAP_LENGTH], eax
	ret

	align 8
gdt:
	dq 0
	dq 0x00cf9b000000ffff		; 08: code, flat
	dq 0x00cf93000000ffff		; 10: data, flat
gdt_end:

	times ROM_SIZE - ($ - $$) db 0
