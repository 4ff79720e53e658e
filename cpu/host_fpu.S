/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs that execute a guest's opcode on the host: every x87 instruction, and
 * the SSE instructions with an immediate, one stub for each value. Each ends
 * in RET and is padded to a fixed size, so that C finds it by arithmetic. The
 * C side is cpu/host_fpu.h.
 */
	.text

/* D8-DF with ModRM C0-FF: opcode, ModRM, RET, INT3. */
	.balign 16
	.globl host_x87_register
host_x87_register:
	.set opcode, 0xd8
	.rept 8
	.set modrm, 0xc0
	.rept 64
	.byte opcode, modrm, 0xc3, 0xcc
	.set modrm, modrm + 1
	.endr
	.set opcode, opcode + 1
	.endr

/* D8-DF /0-7 on (%rdi): mod 0, rm 7. */
	.globl host_x87_memory
host_x87_memory:
	.set opcode, 0xd8
	.rept 8
	.set modrm, 0x07
	.rept 8
	.byte opcode, modrm, 0xc3, 0xcc
	.set modrm, modrm + 8
	.endr
	.set opcode, opcode + 1
	.endr

/* uint32_t host_x87_with_flags(stub in rdi, flags in esi) */
	.balign 16
	.globl host_x87_with_flags
	.type host_x87_with_flags, @function
host_x87_with_flags:
	mov %esi, %eax
	shl $8, %eax
	test %esi, %esi		/* clears OF */
	sahf
	call *%rdi
	lahf
	seto %al
	movzx %al, %ecx
	movzx %ah, %eax
	shl $8, %ecx
	or %ecx, %eax
	ret

/* host_string_*(xmm0, xmm1, eax in edi, edx in esi, stub in rdx, flags in rcx) */
	.balign 16
	.globl host_string_index
	.globl host_string_mask
	.type host_string_index, @function
	.type host_string_mask, @function
host_string_index:
host_string_mask:
	mov %rdx, %r8
	mov %rcx, %r9
	mov %edi, %eax
	mov %esi, %edx
	call *%r8
	pushfq
	popq (%r9)
	mov %ecx, %eax
	ret

/*
 * One stub for each immediate: [prefix] 0F [3A] opcode ModRM(C1) imm, RET,
 * filled up to eight bytes.
 */
	.macro imm_stubs id, map, prefix, opcode
	.balign 16
	.globl host_imm_\id
host_imm_\id:
	.set imm, 0
	.rept 256
	.if \prefix
	.byte \prefix
	.endif
	.byte 0x0f
	.if \map
	.byte \map
	.endif
	.byte \opcode, 0xc1, imm, 0xc3
	.balign 8, 0xcc
	.set imm, imm + 1
	.endr
	.endm

#define M2 0
#define M3A 0x3a
#define NP 0
#define P66 0x66
#define PF3 0xf3
#define PF2 0xf2
#define INSN(...)
#define SSE_STUBS(map, prefix, opcode, id) imm_stubs id, map, prefix, opcode
#include "cpu/table_simd.h"

	.section .note.GNU-stack, "", @progbits
