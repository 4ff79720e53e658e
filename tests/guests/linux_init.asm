; SPDX-License-Identifier: GPL-2.0-or-later
;
; The whole user space of the Debian kernel tests: a static i386 /init without
; libc. It says on the console that it has been reached, shows what the kernel
; thinks of its processor (uname), and switches the machine off.
;
; System calls by int 0x80, numbers of arch/x86/entry/syscalls/syscall_32.tbl;
; reboot(2) magic numbers of linux/reboot.h.

	bits 32

%define SYS_WRITE 4
%define SYS_PAUSE 29
%define SYS_SYNC 36
%define SYS_REBOOT 88
%define SYS_UNAME 122

%define REBOOT_MAGIC1 0xfee1dead
%define REBOOT_MAGIC2 672274793
%define REBOOT_POWER_OFF 0x4321fedc

%define UTS_FIELD 65		; struct new_utsname: six strings of 65 bytes

	global _start
	section .text
_start:
	mov	ecx, message
	call	print
	mov	eax, SYS_UNAME
	mov	ebx, uts
	int	0x80
	mov	ecx, uts + 2 * UTS_FIELD	; release
	call	print
	mov	ecx, separator
	call	print
	mov	ecx, uts + 4 * UTS_FIELD	; machine
	call	print
	mov	ecx, end_of_line
	call	print

	mov	eax, SYS_SYNC
	int	0x80
	mov	eax, SYS_REBOOT
	mov	ebx, REBOOT_MAGIC1
	mov	ecx, REBOOT_MAGIC2
	mov	edx, REBOOT_POWER_OFF
	int	0x80
.forever:					; reboot failed: init must not end
	mov	ecx, still_here
	call	print
	mov	eax, SYS_PAUSE
	int	0x80
	jmp	.forever

; Writes the string at ECX, which ends in a zero, to the console.
print:
	mov	edx, -1
.length:
	inc	edx
	cmp	byte [ecx + edx], 0
	jne	.length
	mov	eax, SYS_WRITE
	mov	ebx, 1
	int	0x80
	ret

	section .rodata
message:	db "transvisor: init reached: ", 0
separator:	db " ", 0
end_of_line:	db 10, 0
still_here:	db "transvisor: power off failed", 10, 0

	section .bss
uts:		resb 6 * UTS_FIELD
