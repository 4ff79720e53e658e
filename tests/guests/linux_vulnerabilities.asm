; SPDX-License-Identifier: GPL-2.0-or-later
;
; An /init that prints what Linux thinks of its processor's flaws: a line
; "name: text" for each file of /sys/devices/system/cpu/vulnerabilities. Then it
; says "transvisor: that was all" and switches the machine off.
;
; System calls by int 0x80, numbers of arch/x86/entry/syscalls/syscall_32.tbl;
; struct linux_dirent64 of getdents64(2).

	bits 32

%define SYS_READ 3
%define SYS_WRITE 4
%define SYS_OPEN 5
%define SYS_CLOSE 6
%define SYS_CHDIR 12
%define SYS_MOUNT 21
%define SYS_PAUSE 29
%define SYS_MKDIR 39
%define SYS_REBOOT 88
%define SYS_GETDENTS64 220

%define REBOOT_MAGIC1 0xfee1dead
%define REBOOT_MAGIC2 672274793
%define REBOOT_POWER_OFF 0x4321fedc

%define O_DIRECTORY 0o200000
%define DIRENT_LENGTH 16
%define DIRENT_NAME 19
%define ENTRIES_SIZE 4096
%define TEXT_SIZE 512

	global _start
	section .text
_start:
	mov	eax, SYS_MKDIR
	mov	ebx, sys
	mov	ecx, 0o755
	int	0x80
	mov	eax, SYS_MOUNT
	mov	ebx, sysfs
	mov	ecx, sys
	mov	edx, sysfs
	xor	esi, esi
	xor	edi, edi
	int	0x80
	mov	eax, SYS_CHDIR
	mov	ebx, directory
	int	0x80
	mov	eax, SYS_OPEN
	mov	ebx, dot
	mov	ecx, O_DIRECTORY
	int	0x80
	mov	[listing], eax
.more:
	mov	eax, SYS_GETDENTS64
	mov	ebx, [listing]
	mov	ecx, entries
	mov	edx, ENTRIES_SIZE
	int	0x80
	test	eax, eax
	jle	.end
	mov	esi, entries
	lea	edi, [entries + eax]
.entry:
	lea	ebp, [esi + DIRENT_NAME]
	cmp	byte [ebp], '.'
	je	.next
	call	show
.next:
	movzx	eax, word [esi + DIRENT_LENGTH]
	add	esi, eax
	cmp	esi, edi
	jb	.entry
	jmp	.more
.end:
	mov	ecx, message
	call	print
	mov	eax, SYS_REBOOT
	mov	ebx, REBOOT_MAGIC1
	mov	ecx, REBOOT_MAGIC2
	mov	edx, REBOOT_POWER_OFF
	int	0x80
.forever:					; init must not end
	mov	eax, SYS_PAUSE
	int	0x80
	jmp	.forever

; Prints the name at EBP and what the file holds.
show:
	mov	ecx, ebp
	call	print
	mov	ecx, colon
	call	print
	mov	eax, SYS_OPEN
	mov	ebx, ebp
	xor	ecx, ecx
	int	0x80
	mov	ebx, eax
	mov	eax, SYS_READ
	mov	ecx, text
	mov	edx, TEXT_SIZE
	int	0x80
	test	eax, eax
	jns	.read
	xor	eax, eax
.read:
	mov	byte [text + eax], 0
	mov	eax, SYS_CLOSE
	int	0x80
	mov	ecx, text
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
sys:		db "/sys", 0
sysfs:		db "sysfs", 0
directory:	db "/sys/devices/system/cpu/vulnerabilities", 0
dot:		db ".", 0
colon:		db ": ", 0
message:	db "transvisor: that was all", 10, 0

	section .bss
listing:	resd 1
entries:	resb ENTRIES_SIZE
text:		resb TEXT_SIZE + 1
