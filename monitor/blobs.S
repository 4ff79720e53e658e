/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generated files as bytes in the binary; the build folder is on the -I path. */
	.section .rodata

	.balign 16
	.globl blob_dsdt, blob_dsdt_end
blob_dsdt:
	.incbin "dsdt.aml"
blob_dsdt_end:

	.balign 16
	.globl blob_kernel_rom, blob_kernel_rom_end
blob_kernel_rom:
	.incbin "kernel_rom.bin"
blob_kernel_rom_end:

	.section .note.GNU-stack, "", @progbits
