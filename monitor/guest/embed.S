/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The carried guest's image as data of the program; see carried.h. */

	.section .rodata
	.balign	4096
	.globl	carried_guest_image, carried_guest_image_end
carried_guest_image:
	.incbin	CARRIED_GUEST_FILE
carried_guest_image_end:
	.byte	0

	.section .note.GNU-stack, "", @progbits
