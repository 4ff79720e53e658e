; SPDX-License-Identifier: GPL-2.0-or-later
;
; Paging (SDM 3A chapter 4): the whole matrix of permissions - both levels'
; present, U/S and R/W bits, NX, WP, the ring, the access, page size, 32-bit and
; PAE - against a computed expectation, with error code, CR2, accessed and dirty
; bits; reserved bits; INVLPG, global pages, and what TLBs must forget.
;
; The guest's own memory below 8 MiB is mapped one to one, user and writable,
; by a large page (the first PDEs); the page under test is at TEST_PAGE, with
; tables of its own. Its frame holds RETs, for fetches.

%include "privileged/probe.inc"
	GUEST	"paging"

%define PTE_P 0x1
%define PTE_W 0x2
%define PTE_U 0x4
%define PTE_A 0x20
%define PTE_D 0x40
%define PTE_PS 0x80
%define PTE_G 0x100
%define NX_HIGH 0x80000000
%define EFER 0xc0000080
%define EFER_NXE 0x800

%define PF_P 0x1
%define PF_W 0x2
%define PF_U 0x4
%define PF_RSVD 0x8
%define PF_I 0x10

%define TEST_PAGE 0x40001000	; PDE 256 of 32-bit paging; PDPTE 1 of PAE
%define LARGE_FRAME 0x400000	; what a large test page maps: 4 to 8 MiB
%define MAP (PTE_P | PTE_W | PTE_U | PTE_PS)

tests:
	call	make_tables
	call	with_32bit
	call	with_pae
	call	tlb_rules
	call	global_pages
	call	reserved_bits
	call	crossing
	ret

make_tables:
	mov	edi, page_dir
	mov	dword [edi], MAP
	mov	dword [edi + 4], 0x400000 | MAP
	mov	dword [edi + 0xfec], 0xfec00000 | MAP	; the APICs
	mov	dword [edi + (TEST_PAGE >> 22) * 4], 0
	mov	edi, pdpt
	mov	eax, pae_dir
	or	eax, PTE_P
	mov	[edi], eax
	mov	eax, pae_dir1
	or	eax, PTE_P
	mov	[edi + 8], eax
	mov	edi, pae_dir
	mov	dword [edi], MAP
	mov	dword [edi + 8], 0x200000 | MAP
	mov	dword [edi + 16], 0x400000 | MAP
	mov	dword [edi + 24], 0x600000 | MAP
	; RETs in the test frames
	mov	edi, frame
	mov	ecx, 4096
	mov	al, 0xc3
	rep	stosb
	mov	edi, frame2
	mov	ecx, 4096
	rep	stosb
	mov	edi, LARGE_FRAME + 0x1000
	mov	ecx, 4096
	rep	stosb
	ret

; TCG sets A in PDPTEs, for a KVM that runs on it a reserved bit: #GP of MOV CR0.
paging_on:
	and	dword [pdpt], ~PTE_A
	and	dword [pdpt + 8], ~PTE_A
	push	eax
	mov	eax, cr0
	or	eax, CR0_PG
	mov	cr0, eax
	pop	eax
	ret

paging_off:
	push	eax
	mov	eax, cr0
	and	eax, ~(CR0_PG | CR0_WP)
	mov	cr0, eax
	pop	eax
	ret

%macro SET_BITS 2			; control register, bits
	mov	eax, %1
	or	eax, %2
	mov	%1, eax
%endmacro
%macro CLEAR_BITS 2
	mov	eax, %1
	and	eax, ~(%2)
	mov	%1, eax
%endmacro

with_32bit:
	mov	eax, page_dir
	mov	cr3, eax
	SET_BITS cr4, CR4_PSE
	mov	dword [pde], page_dir + (TEST_PAGE >> 22) * 4
	mov	dword [pte], page_table + (TEST_PAGE >> 12 & 0x3ff) * 4
	mov	byte [pae], 0
	mov	byte [nxe], 0
	call	paging_on
	call	matrix
	call	paging_off
	SAME	"32-bit paging: the whole matrix", [failures], 0
	ret

with_pae:
	mov	eax, pdpt
	mov	cr3, eax
	SET_BITS cr4, CR4_PAE
	mov	dword [pde], pae_dir1 + (TEST_PAGE >> 21 & 0x1ff) * 8
	mov	dword [pte], page_table + (TEST_PAGE >> 12 & 0x1ff) * 8
	mov	byte [pae], 1
	call	paging_on
	call	matrix
	call	paging_off
	SAME	"PAE paging: the whole matrix", [failures], 0
	mov	eax, [pdpt]
	sub	eax, pae_dir
	QEMU_DIFFERS "3A 4.4.1"
	SAME	"PAE: a PDPTE has no accessed flag", eax, PTE_P
	mov	ecx, EFER
	rdmsr
	or	eax, EFER_NXE
	wrmsr
	mov	byte [nxe], 1
	call	paging_on
	call	matrix
	call	paging_off
	SAME	"PAE paging with NX: the whole matrix", [failures], 0
	mov	ecx, EFER
	rdmsr
	and	eax, ~EFER_NXE
	wrmsr
	mov	byte [nxe], 0
	CLEAR_BITS cr4, CR4_PAE
	ret

; Case bits: 0-2 PDE P W U, 3-5 PTE P W U, 6 NX of the PDE, 7 of the PTE, 8 large
; page, 9 WP, 10-11 access (read, write, fetch, read-modify-write), 12 ring 3,
; 13 accessed and dirty already set.
%define C_PDE_P (1 << 0)
%define C_PDE_W (1 << 1)
%define C_PDE_U (1 << 2)
%define C_PTE_P (1 << 3)
%define C_PTE_W (1 << 4)
%define C_PTE_U (1 << 5)
%define C_PDE_NX (1 << 6)
%define C_PTE_NX (1 << 7)
%define C_LARGE (1 << 8)
%define C_WP (1 << 9)
%define C_WRITE (1 << 10)
%define C_FETCH (1 << 11)
%define C_RMW (C_WRITE | C_FETCH)
%define C_RING3 (1 << 12)
%define C_SET (1 << 13)
%define C_END (1 << 14)

matrix:
	xor	ebx, ebx
.next:
	cmp	byte [nxe], 0
	jne	.run
	test	ebx, C_PDE_NX | C_PTE_NX
	jnz	.skip
.run:
	test	ebx, C_LARGE		; no PTE: one combination is enough
	jz	.small
	test	ebx, C_PTE_P | C_PTE_W | C_PTE_U | C_PTE_NX
	jnz	.skip
.small:
	mov	[case_id], ebx
	call	set_entries
	call	expect
	call	access
	call	judge
.skip:
	inc	ebx
	cmp	ebx, C_END
	jb	.next
	ret

; The entries of case EBX.
set_entries:
	pushad
	mov	eax, page_table
	test	ebx, C_LARGE
	jz	.small
	mov	eax, LARGE_FRAME | PTE_PS
.small:
	mov	edx, ebx
	and	edx, 7
	or	eax, edx
	test	ebx, C_SET
	jz	.fresh
	or	eax, PTE_A
	test	ebx, C_LARGE
	jz	.fresh
	or	eax, PTE_D
.fresh:
	mov	edi, [pde]
	mov	[edi], eax
	cmp	byte [pae], 0
	je	.pde_done
	mov	eax, ebx
	and	eax, C_PDE_NX
	shl	eax, 25
	mov	[edi + 4], eax
.pde_done:
	mov	eax, frame
	mov	edx, ebx
	shr	edx, 3
	and	edx, 7
	or	eax, edx
	test	ebx, C_SET
	jz	.pte
	or	eax, PTE_A | PTE_D
.pte:
	mov	edi, [pte]
	mov	[edi], eax
	cmp	byte [pae], 0
	je	.done
	mov	eax, ebx
	and	eax, C_PTE_NX
	shl	eax, 24
	mov	[edi + 4], eax
.done:
	mov	eax, cr0
	and	eax, ~CR0_WP
	test	ebx, C_WP
	jz	.wp
	or	eax, CR0_WP
.wp:
	mov	cr0, eax
	invlpg	[TEST_PAGE]
	popad
	ret

; What case EBX is to give: [want_vector], [want_error]. SDM 3A 4.6, 4.7.
expect:
	pushad
	mov	dword [want_vector], PF
	xor	ecx, ecx		; error code
	test	ebx, C_RING3
	jz	.write
	or	ecx, PF_U
.write:
	mov	eax, ebx
	and	eax, C_RMW
	cmp	eax, C_FETCH
	je	.fetch
	test	eax, C_WRITE
	jz	.walk
	or	ecx, PF_W
	jmp	.walk
.fetch:
	cmp	byte [nxe], 0
	je	.walk
	or	ecx, PF_I
.walk:
	test	ebx, C_PDE_P
	jz	.fault
	mov	edx, ebx		; rights of both levels: bit 1 W, bit 2 U
	test	ebx, C_LARGE
	jnz	.rights
	test	ebx, C_PTE_P
	jz	.fault
	shr	edx, 3
	and	edx, ebx
.rights:
	or	ecx, PF_P
	test	ebx, C_RING3
	jz	.supervisor
	test	edx, C_PDE_U
	jz	.fault
	test	ecx, PF_W
	jz	.nx
	test	edx, C_PDE_W
	jz	.fault
	jmp	.nx
.supervisor:
	test	ecx, PF_W
	jz	.nx
	test	edx, C_PDE_W
	jnz	.nx
	test	ebx, C_WP
	jnz	.fault
.nx:
	cmp	eax, C_FETCH
	jne	.allowed
	test	ebx, C_PDE_NX
	jnz	.fault
	test	ebx, C_LARGE
	jnz	.allowed
	test	ebx, C_PTE_NX
	jnz	.fault
.allowed:
	mov	dword [want_vector], BP_
	mov	ecx, NONE
.fault:
	mov	[want_error], ecx
	popad
	ret

access:
	mov	dword [got_cr2], 0
	mov	esi, TEST_PAGE + 0x123
	mov	eax, ebx
	and	eax, C_RMW | C_RING3
	cmp	eax, C_RING3
	je	.read3
	cmp	eax, C_RING3 | C_WRITE
	je	.write3
	cmp	eax, C_RING3 | C_FETCH
	je	.fetch3
	cmp	eax, C_RING3 | C_RMW
	je	.rmw3
	cmp	eax, C_WRITE
	je	.write0
	cmp	eax, C_FETCH
	je	.fetch0
	cmp	eax, C_RMW
	je	.rmw0
	RUN	RING0
	mov	al, [esi]
	DONE
	ret
.write0:
	RUN	RING0
	mov	byte [esi], 0xc3
	DONE
	ret
.fetch0:
	RUN	RING0
	call	esi
	DONE
	ret
.rmw0:
	RUN	RING0
	or	byte [esi], 0xc3
	DONE
	ret
.read3:
	RUN	RING3
	mov	al, [esi]
	DONE
	ret
.write3:
	RUN	RING3
	mov	byte [esi], 0xc3
	DONE
	ret
.fetch3:
	RUN	RING3
	call	esi
	DONE
	ret
.rmw3:
	RUN	RING3
	or	byte [esi], 0xc3
	DONE
	ret

judge:
	pushad
	mov	byte [quiet], 1
	mov	eax, [want_vector]
	SAME	"page access: vector", [got_vector], eax
	mov	eax, [want_error]
	SAME	"page access: error code", [got_error], eax
	cmp	dword [want_vector], PF
	jne	.allowed
	SAME	"page access: CR2", [got_cr2], TEST_PAGE + 0x123
	mov	edx, ebx
	and	edx, C_RMW
	cmp	edx, C_FETCH
	jne	.bits_kept
	SAME	"fetch from a page: EIP", [got_eip], TEST_PAGE + 0x123
.bits_kept:
	test	ebx, C_SET		; a fault sets no dirty bit, and no A in the leaf
	jnz	.end
	mov	edi, [pte]
	test	ebx, C_LARGE
	jz	.leaf
	mov	edi, [pde]
.leaf:
	mov	eax, [edi]
	and	eax, PTE_D
	SAME	"page fault: no dirty bit", eax, 0
	jmp	.end
.allowed:
	mov	edi, [pde]
	mov	eax, [edi]
	and	eax, PTE_A
	SAME	"page access: accessed bit of the PDE", eax, PTE_A
	test	ebx, C_LARGE
	jnz	.large
	mov	edi, [pte]
.large:
	mov	eax, [edi]
	and	eax, PTE_A | PTE_D
	mov	edx, PTE_A
	test	ebx, C_WRITE
	jz	.clean
	or	edx, PTE_D
.clean:
	test	ebx, C_SET
	jz	.compare
	or	edx, PTE_D
.compare:
	SAME	"page access: accessed and dirty bits of the leaf", eax, edx
	test	ebx, C_LARGE		; bit 6 of a PDE that names a table is ignored
	jnz	.end
	mov	edi, [pde]
	mov	eax, [edi]
	and	eax, PTE_D
	SAME	"page access: a PDE has no dirty bit", eax, 0
.end:
	mov	byte [quiet], 0
	popad
	ret

; ---- what the TLB must forget, and may keep ----
%define FULL (PTE_P | PTE_W | PTE_U)

; The test page is `frame`, with all rights, by 32-bit paging.
small_page:
	push	eax
	mov	eax, page_table
	or	eax, FULL
	mov	[page_dir + (TEST_PAGE >> 22) * 4], eax
	mov	eax, frame
	or	eax, FULL
	mov	[page_table + (TEST_PAGE >> 12 & 0x3ff) * 4], eax
	pop	eax
	ret

; Sets the PTE of the test page to EAX.
set_pte:
	mov	[page_table + (TEST_PAGE >> 12 & 0x3ff) * 4], eax
	ret

tlb_rules:
	mov	dword [frame], 0x11111111
	mov	dword [frame2], 0x22222222
	call	small_page
	mov	eax, page_dir
	mov	cr3, eax
	call	paging_on
	RUN	RING0
	mov	ecx, [TEST_PAGE]
	mov	eax, frame2
	or	eax, FULL
	call	set_pte
	invlpg	[TEST_PAGE + 0xfff]
	mov	edx, [TEST_PAGE]
	DONE
	NOFAULT	"INVLPG"
	SAME	"before INVLPG", [got_ecx], 0x11111111
	SAME	"INVLPG drops the page", [got_edx], 0x22222222
	RUN	RING0
	mov	eax, frame
	or	eax, FULL
	call	set_pte
	mov	eax, cr3
	mov	cr3, eax
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"MOV CR3 drops the page", [got_edx], 0x11111111
	RUN	RING0
	mov	edx, [TEST_PAGE]
	mov	eax, frame2
	or	eax, FULL
	call	set_pte
	call	paging_off
	call	paging_on
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"CR0.PG drops the page", [got_edx], 0x22222222
	; from not present to present needs no INVLPG
	RUN	RING0
	xor	eax, eax
	call	set_pte
	invlpg	[TEST_PAGE]
	mov	esi, TEST_PAGE
	HERE
	mov	edx, [esi]
	DONE
	FAULT	"a page taken away", PF, 0
	RUN	RING0
	mov	eax, frame
	or	eax, FULL
	call	set_pte
	mov	edx, [TEST_PAGE]
	DONE
	NOFAULT	"a page given needs no INVLPG"
	; INVLPG of a fragment drops the whole large page
	mov	dword [LARGE_FRAME + 0x1000], 0x33333333
	mov	dword [LARGE_FRAME + 0x8000], 0x44444444
	mov	dword [page_dir + (TEST_PAGE >> 22) * 4], LARGE_FRAME | FULL | PTE_PS
	mov	eax, cr3
	mov	cr3, eax
	RUN	RING0
	mov	ecx, [TEST_PAGE]
	mov	ecx, [TEST_PAGE + 0x7000]
	mov	dword [page_dir + (TEST_PAGE >> 22) * 4], 0
	invlpg	[TEST_PAGE]
	mov	esi, TEST_PAGE + 0x7000
	HERE
	mov	edx, [esi]
	DONE
	FAULT	"INVLPG drops all of a large page", PF, 0
	SAME	"a large page was read", [got_ecx], 0x44444444
	; write protection of a page already written, without WP and with
	call	small_page
	mov	eax, cr3
	mov	cr3, eax
	RUN	RING3
	mov	[TEST_PAGE], eax
	DONE
	NOFAULT	"ring 3 writes"
	mov	eax, frame
	or	eax, PTE_P | PTE_U
	call	set_pte
	invlpg	[TEST_PAGE]
	RUN	RING3
	mov	ecx, [TEST_PAGE]
	mov	esi, TEST_PAGE
	HERE
	mov	[esi], eax
	DONE
	FAULT	"ring 3 may not write any more", PF, PF_P | PF_W | PF_U
	RUN	RING0
	mov	[TEST_PAGE], eax
	DONE
	NOFAULT	"ring 0 writes a read-only page without WP"
	RUN	RING0
	mov	eax, cr0
	or	eax, CR0_WP
	mov	cr0, eax
	mov	esi, TEST_PAGE
	HERE
	mov	[esi], eax
	DONE
	FAULT	"WP needs no INVLPG", PF, PF_P | PF_W
	; the dirty bit: cleared and INVLPG, it is set again
	call	small_page
	invlpg	[TEST_PAGE]
	RUN	RING0
	mov	[TEST_PAGE], eax
	and	dword [page_table + (TEST_PAGE >> 12 & 0x3ff) * 4], ~(PTE_D | PTE_A)
	invlpg	[TEST_PAGE]
	mov	ecx, [TEST_PAGE]
	mov	edx, [page_table + (TEST_PAGE >> 12 & 0x3ff) * 4]
	mov	[TEST_PAGE], eax
	mov	ebx, [page_table + (TEST_PAGE >> 12 & 0x3ff) * 4]
	DONE
	mov	eax, [got_edx]
	and	eax, PTE_A | PTE_D
	SAME	"the accessed bit is set again", eax, PTE_A
	mov	eax, [got_ebx]
	and	eax, PTE_A | PTE_D
	SAME	"the dirty bit is set again", eax, PTE_A | PTE_D
	; rings 1 and 2 are supervisors
	mov	eax, frame
	or	eax, PTE_P
	call	set_pte
	mov	eax, cr0
	and	eax, ~CR0_WP
	mov	cr0, eax
	invlpg	[TEST_PAGE]
	RUN	RING1
	mov	[TEST_PAGE], eax
	DONE
	NOFAULT	"ring 1 writes a supervisor's read-only page without WP"
	RUN	RING2
	mov	eax, [TEST_PAGE]
	DONE
	NOFAULT	"ring 2 reads a supervisor's page"
	mov	eax, cr0
	or	eax, CR0_WP
	mov	cr0, eax
	mov	esi, TEST_PAGE
	RUN	RING2
	mov	[esi], eax
	DONE
	FAULT	"ring 2 with WP", PF, PF_P | PF_W
	; INVLPG's privilege
	RUN	RING3
	HERE
	invlpg	[TEST_PAGE]
	DONE
	FAULT	"INVLPG at ring 3", GP, 0
	RUN	RING0
	HERE
	db	0x0f, 0x01, 0xf8
	DONE
	FAULT	"INVLPG of a register is #UD", UD
	call	paging_off
	ret

global_pages:
	call	small_page
	mov	dword [frame], 0x11111111
	mov	dword [frame2], 0x22222222
	SET_BITS cr4, CR4_PGE
	mov	eax, frame
	or	eax, FULL | PTE_G
	call	set_pte
	call	paging_on
	RUN	RING0
	mov	ecx, [TEST_PAGE]
	mov	eax, frame2
	or	eax, FULL | PTE_G
	call	set_pte
	invlpg	[TEST_PAGE]
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"INVLPG drops a global page", [got_edx], 0x22222222
	RUN	RING0
	mov	eax, frame
	or	eax, FULL | PTE_G
	call	set_pte
	mov	eax, cr4
	xor	eax, CR4_PGE
	mov	cr4, eax
	xor	eax, CR4_PGE
	mov	cr4, eax
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"CR4.PGE drops global pages", [got_edx], 0x11111111
	; a page that is not global goes with CR3 although others stay
	RUN	RING0
	mov	eax, frame
	or	eax, FULL
	call	set_pte
	invlpg	[TEST_PAGE]
	mov	ecx, [TEST_PAGE]
	mov	eax, frame2
	or	eax, FULL
	call	set_pte
	mov	eax, cr3
	mov	cr3, eax
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"MOV CR3 with PGE drops what is not global", [got_edx], 0x22222222
	; G without PGE means nothing
	CLEAR_BITS cr4, CR4_PGE
	RUN	RING0
	mov	eax, frame
	or	eax, FULL | PTE_G
	call	set_pte
	invlpg	[TEST_PAGE]
	mov	ecx, [TEST_PAGE]
	mov	eax, frame2
	or	eax, FULL | PTE_G
	call	set_pte
	mov	eax, cr3
	mov	cr3, eax
	mov	edx, [TEST_PAGE]
	DONE
	SAME	"G means nothing without PGE", [got_edx], 0x22222222
	call	paging_off
	ret

; ---- reserved bits: error code with RSVD ----
%macro RESERVED 3			; name, low, high of the entry at [edi]
	mov	dword [edi], %2
	mov	dword [edi + 4], %3
	mov	eax, cr3
	mov	cr3, eax
	mov	esi, TEST_PAGE
	RUN	RING0
	mov	eax, [esi]
	DONE
	QEMU_DIFFERS "3A 4.7: P is set with RSVD"
	FAULT	%1, PF, PF_P | PF_RSVD
%endmacro

reserved_bits:
	; PSE: bits 17-21 are beyond 36 bits of address (3A table 4-4); under QEMU
	; the processor may have 40
	mov	edi, page_dir + (TEST_PAGE >> 22) * 4
	mov	eax, page_dir
	mov	cr3, eax
	call	paging_on
	mov	dword [edi], LARGE_FRAME | FULL | PTE_PS | 1 << 21
	mov	eax, cr3
	mov	cr3, eax
	mov	esi, TEST_PAGE
	RUN	RING0
	mov	eax, [esi]
	DONE
	QEMU_DIFFERS "3A 4.7: P is set with RSVD"
	FAULT	"PSE: bit 21 of the PDE is reserved", PF, PF_P | PF_RSVD
	RUN	RING3
	mov	[esi], eax
	DONE
	QEMU_DIFFERS "3A 4.7: P is set with RSVD"
	FAULT	"PSE: reserved bit, ring 3 write", PF, PF_P | PF_RSVD | PF_U | PF_W
	mov	dword [edi], LARGE_FRAME | FULL & ~PTE_P | PTE_PS | 1 << 21
	RUN	RING0
	mov	eax, [esi]
	DONE
	FAULT	"reserved bits do not count in absent entries", PF, 0
	call	paging_off
	; without CR4.PSE bit 7 is ignored
	call	small_page
	or	dword [edi], PTE_PS
	mov	dword [page_dir], 0
	mov	eax, low_table
	or	eax, FULL
	mov	[page_dir], eax
	xor	ecx, ecx
.identity:
	mov	eax, ecx
	shl	eax, 12
	or	eax, FULL
	mov	[low_table + ecx * 4], eax
	inc	ecx
	cmp	ecx, 1024
	jb	.identity
	CLEAR_BITS cr4, CR4_PSE
	mov	dword [frame], 0x11111111
	call	paging_on
	RUN	RING0
	mov	edx, [esi]
	DONE
	call	paging_off
	SAME	"PS is ignored without CR4.PSE", [got_edx], 0x11111111
	SET_BITS cr4, CR4_PSE
	mov	dword [page_dir], MAP
	; PAE
	mov	eax, pdpt
	mov	cr3, eax
	SET_BITS cr4, CR4_PAE
	call	paging_on
	mov	edi, pae_dir1 + (TEST_PAGE >> 21 & 0x1ff) * 8
	RESERVED "PAE: PDE bit 62", page_table + FULL, 0x40000000
	RESERVED "PAE: PDE NX without NXE", page_table + FULL, NX_HIGH
	RESERVED "PAE: large PDE bit 13", LARGE_FRAME | FULL | PTE_PS | 1 << 13, 0
	RESERVED "PAE: large PDE bit 20", LARGE_FRAME | FULL | PTE_PS | 1 << 20, 0
	mov	eax, page_table
	or	eax, FULL
	mov	[edi], eax
	mov	dword [edi + 4], 0
	mov	edi, page_table + (TEST_PAGE >> 12 & 0x1ff) * 8
	RESERVED "PAE: PTE bit 62", frame + FULL, 0x40000000
	RESERVED "PAE: PTE bit 52", frame + FULL, 0x100000
	RESERVED "PAE: PTE NX without NXE", frame + FULL, NX_HIGH
	; an absent PDPTE
	mov	dword [pdpt + 8], 0
	mov	eax, cr3
	mov	cr3, eax
	RUN	RING3
	mov	[esi], eax
	DONE
	FAULT	"PAE: absent PDPTE", PF, PF_W | PF_U
	; PDPTEs are loaded with CR3, not when used
	mov	eax, pae_dir1
	or	eax, PTE_P
	mov	[pdpt + 8], eax
	mov	dword [edi + 4], 0
	RUN	RING0
	mov	eax, [esi]
	DONE
	QEMU_DIFFERS "3A 4.4.1: PDPTEs are registers"
	FAULT	"PAE: a PDPTE counts from the next load of CR3", PF, 0
	mov	eax, cr3
	mov	cr3, eax
	RUN	RING0
	mov	eax, [esi]
	DONE
	NOFAULT	"PAE: MOV CR3 loads the PDPTEs"
	; reserved bits in a PDPTE: #GP of the load, which changes nothing
	or	dword [pdpt + 8], 2
	RUN	RING0
	mov	eax, cr3
	HERE
	mov	cr3, eax
	DONE
	QEMU_DIFFERS "3A 4.4.1"
	FAULT	"PAE: MOV CR3 with reserved bits in a PDPTE", GP, 0
	RUN	RING0
	mov	eax, [esi]
	DONE
	NOFAULT	"PAE: the old PDPTEs stay"
	and	dword [pdpt + 8], ~2
	call	paging_off
	or	dword [pdpt + 8], 2
	RUN	RING0
	mov	eax, cr0
	or	eax, CR0_PG
	HERE
	mov	cr0, eax
	DONE
	QEMU_DIFFERS "3A 4.4.1"
	FAULT	"PAE: MOV CR0 with reserved bits in a PDPTE", GP, 0
	call	paging_off
	and	dword [pdpt + 8], ~2
	CLEAR_BITS cr4, CR4_PAE
	ret

; ---- accesses across pages ----
crossing:
	mov	eax, page_dir
	mov	cr3, eax
	call	small_page
	mov	dword [page_table + (TEST_PAGE + 0x1000 >> 12 & 0x3ff) * 4], 0
	call	paging_on
	mov	esi, TEST_PAGE + 0xffe
	RUN	RING0
	mov	eax, [esi]
	DONE
	FAULT	"a read into an absent page", PF, 0
	SAME	"CR2 is the second page's start", [got_cr2], TEST_PAGE + 0x1000
	mov	word [frame + 0xffe], 0x5555
	RUN	RING0
	mov	dword [esi], 0
	DONE
	FAULT	"a write into an absent page", PF, PF_W
	movzx	eax, word [frame + 0xffe]
	SAME	"nothing of it was written", eax, 0x5555
	mov	esi, TEST_PAGE - 2
	mov	dword [page_table + (TEST_PAGE - 0x1000 >> 12 & 0x3ff) * 4], 0
	RUN	RING0
	mov	eax, [esi]
	DONE
	FAULT	"a read out of an absent page", PF, 0
	SAME	"CR2 is the first byte", [got_cr2], TEST_PAGE - 2
	; an instruction across into an absent page
	mov	word [frame + 0xffe], 0x00b8	; mov eax, imm32, cut
	mov	esi, TEST_PAGE + 0xffe
	RUN	RING3
	jmp	esi
	DONE
	SAME	"a fetch into an absent page", [got_vector], PF
	SAME	"a fetch into an absent page: error code", [got_error], PF_U
	SAME	"a fetch into an absent page: CR2", [got_cr2], TEST_PAGE + 0x1000
	SAME	"a fetch into an absent page: EIP", [got_eip], TEST_PAGE + 0xffe
	; the processor's own accesses are supervisor's at any ring: GDT, IDT, TSS
	; on a page that ring 3 may not use
	mov	edx, frame
	and	dword [page_dir], ~PTE_U
	mov	eax, cr3
	mov	cr3, eax
	RUN	RING0
	mov	ax, DATA3
	mov	es, ax
	DONE
	NOFAULT	"supervisor pages at ring 0"
	or	dword [page_dir], PTE_U
	mov	eax, cr3
	mov	cr3, eax
	call	paging_off
	ret

	section .bss
	alignb	4096
page_dir:	resb 4096
page_table:	resb 4096
low_table:	resb 4096
pae_dir:	resb 4096
pae_dir1:	resb 4096
frame:		resb 4096
frame2:		resb 4096
pdpt:		resb 32
pde:		resd 1
pte:		resd 1
want_vector:	resd 1
want_error:	resd 1
pae:		resb 1
nxe:		resb 1
