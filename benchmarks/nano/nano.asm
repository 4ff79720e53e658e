; SPDX-License-Identifier: GPL-2.0-or-later
;
; Nanobenchmarks: what one privileged operation costs, in cycles of RDTSC. A
; multiboot kernel, so the machine is alone with the operation: no other code, no
; interrupts but those that are measured. Prints `name cycles cycles` for each, the
; least of many short measurements, because what else runs on the host only adds.
;
; tests.inc has the operations, tables.inc descriptors, page tables and handlers.
;
;	TEST	"name", where, operations
;	what is to be done before
;	BEGIN
;	REPEAT	instruction, ...
;	END
;
; makes a loop of the code that EDI counts, UNROLL times in each round. `where` is
; kernel or user (ring 3); `operations` is how many of what is measured the code
; has. It may change EAX, ECX and EDX, and starts with the others as follows:
;
;	EBX, EBP  page directories of the two address spaces
;	ESI	  the test page

%include "pc32.inc"
%include "tables.inc"

%define UNROLL 8
%define ENOUGH 1000000		; cycles of a measurement: less than a time slice
%define MEASUREMENTS 64

%macro TEST 3
%push test
%define %$where %2
	[section .tests]
	dd	%$name, %$before, %$enter, %3
	[section .rodata]
%$name:	db	%1, 0
	__?SECT?__
%$before:
%endmacro

%macro BEGIN 0
	ret
	align	16
%$enter:
%ifidn %$where, user
	mov	[kernel_esp], esp
	push	dword DATA3
	push	dword user_stack_top
	push	dword 0x202		; IF
	push	dword CODE3
	push	dword %$loop
	mov	eax, DATA3
	mov	ds, eax
	mov	es, eax
	iretd
%else
	sti
%endif
%$loop:
%endmacro

%macro REPEAT 1-*
%rep UNROLL
%rep %0
	%1
%rotate 1
%endrep
%endrep
%endmacro

%macro END 0
	dec	edi
	jnz	%$loop
%ifidn %$where, user
	int	LEAVE_VECTOR		; to leave_user, which returns to our caller
%else
	cli
	ret
%endif
%pop test
%endmacro

	section .tests progbits alloc noexec nowrite align=4
tests_start:
	section .text

%define TEST_NAME 0
%define TEST_BEFORE 4
%define TEST_ENTER 8
%define TEST_OPERATIONS 12
%define TEST_SIZE 16

main:
	call	tables_init
	SAY	"rows: begin", 10
	mov	ebp, tests_start
.test:
	push	ebp
	call	measure_test
	pop	ebp
	add	ebp, TEST_SIZE
	cmp	ebp, tests_end
	jb	.test
	SAY	"rows: end", 10
	mov	al, PASS
	ret

; EBP: test. The loop's length is doubled until a measurement is long enough, the
; least of some: the first ones may be long for other reasons (a translator makes
; the code, the host runs something else).
measure_test:
	mov	[test], ebp
	call	[ebp + TEST_BEFORE]
	mov	dword [count], 1
.calibrate:
	call	least_of_some
	cmp	eax, ENOUGH
	jae	.calibrated
	shl	dword [count], 1
	jmp	.calibrate
.calibrated:
	mov	ecx, MEASUREMENTS
	call	least_of

	; tenths of a cycle: least * 10 / (count * UNROLL * operations)
	mov	ebp, [test]
	mov	eax, [count]
	shl	eax, 3
%if UNROLL != 8
%error the shift above
%endif
	mul	dword [ebp + TEST_OPERATIONS]
	mov	ecx, eax
	mov	eax, [least]
	mov	edx, 10
	mul	edx
	div	ecx
	mov	ecx, 10
	xor	edx, edx
	div	ecx
	mov	esi, [ebp + TEST_NAME]
	call	put_string
	SAY	" "
	call	put_decimal
	SAY	"."
	mov	eax, edx
	call	put_decimal
	SAY	" cycles", 10
	ret

; EAX = [least] = the least of ECX measurements, or of a few.
least_of_some:
	mov	ecx, 4
least_of:
	mov	[left], ecx
	mov	dword [least], -1
.again:
	call	measure
	cmp	eax, [least]
	jae	.not_less
	mov	[least], eax
.not_less:
	dec	dword [left]
	jnz	.again
	mov	eax, [least]
	ret

; EAX = cycles that [count] rounds of the test take; one that takes longer than
; 32 bits can tell has been disturbed, and says so.
measure:
	mov	edi, [count]
	mov	ebx, directory_a
	mov	esi, TEST_PAGE
	mov	eax, [test]
	mov	ecx, [eax + TEST_ENTER]
	mov	ebp, directory_b
	rdtsc
	mov	[start], eax
	mov	[start + 4], edx
	call	ecx
	rdtsc
	sub	eax, [start]
	sbb	edx, [start + 4]
	jz	.fits
	mov	eax, -1
.fits:
	mov	ecx, directory_a
	mov	cr3, ecx
	ret

%include "tests.inc"

	section .tests
tests_end:

	section .bss
	alignb	8
start:	resq	1
test:	resd	1
count:	resd	1
least:	resd	1
left:	resd	1
