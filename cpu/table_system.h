/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of segment registers, far transfers, interrupts, flags, ports and system
 * registers (SDM 2D tables, groups 6, 7). See table.h.
 *
 * Not here, so #UD: SYSCALL, SYSRET, RDTSCP, MONITOR, MWAIT, RSM, GETSEC, VMX.
 */

/* Far transfers read and write flags through frames and task switches. */
#define FL_ALL (~0u)

/* ---- segment registers ---- */
INSN(M1, ANY, 0x06, XN, BOTH, "push", "ES", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M1, ANY, 0x0e, XN, BOTH, "push", "CS", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M1, ANY, 0x16, XN, BOTH, "push", "SS", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M1, ANY, 0x1e, XN, BOTH, "push", "DS", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M2, ANY, 0xa0, XN, BOTH, "push", "FS", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M2, ANY, 0xa8, XN, BOTH, "push", "GS", SENSITIVE, ___, 0, 0, X1(op_push_seg))
INSN(M1, ANY, 0x07, XN, BOTH, "pop", "ES", SENSITIVE, ___, 0, 0, X1(op_pop_seg))
INSN(M1, ANY, 0x17, XN, BOTH, "pop", "SS", SENSITIVE, END, 0, 0, X1(op_pop_seg))
INSN(M1, ANY, 0x1f, XN, BOTH, "pop", "DS", SENSITIVE, ___, 0, 0, X1(op_pop_seg))
INSN(M2, ANY, 0xa1, XN, BOTH, "pop", "FS", SENSITIVE, ___, 0, 0, X1(op_pop_seg))
INSN(M2, ANY, 0xa9, XN, BOTH, "pop", "GS", SENSITIVE, ___, 0, 0, X1(op_pop_seg))
INSN(M1, ANY, 0x8c, 0, BOTH, "mov", "Ev,ES", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8c, 1, BOTH, "mov", "Ev,CS", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8c, 2, BOTH, "mov", "Ev,SS", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8c, 3, BOTH, "mov", "Ev,DS", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8c, 4, BOTH, "mov", "Ev,FS", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8c, 5, BOTH, "mov", "Ev,GS", SENSITIVE, ___, 0, 0, X1(op_mov_from_seg))
INSN(M1, ANY, 0x8e, 0, BOTH, "mov", "ES,Ew", SENSITIVE, ___, 0, 0, X1(op_mov_to_seg))
INSN(M1, ANY, 0x8e, 2, BOTH, "mov", "SS,Ew", SENSITIVE, END, 0, 0, X1(op_mov_to_seg))
INSN(M1, ANY, 0x8e, 3, BOTH, "mov", "DS,Ew", SENSITIVE, ___, 0, 0, X1(op_mov_to_seg))
INSN(M1, ANY, 0x8e, 4, BOTH, "mov", "FS,Ew", SENSITIVE, ___, 0, 0, X1(op_mov_to_seg))
INSN(M1, ANY, 0x8e, 5, BOTH, "mov", "GS,Ew", SENSITIVE, ___, 0, 0, X1(op_mov_to_seg))
INSN(M1, ANY, 0xc4, XR, MEM, "les", "Gz,Mp", SENSITIVE, ___, 0, 0, X1(op_les))
INSN(M1, ANY, 0xc5, XR, MEM, "lds", "Gz,Mp", SENSITIVE, ___, 0, 0, X1(op_lds))
INSN(M2, ANY, 0xb2, XR, MEM, "lss", "Gz,Mp", SENSITIVE, ___, 0, 0, X1(op_lss))
INSN(M2, ANY, 0xb4, XR, MEM, "lfs", "Gz,Mp", SENSITIVE, ___, 0, 0, X1(op_lfs))
INSN(M2, ANY, 0xb5, XR, MEM, "lgs", "Gz,Mp", SENSITIVE, ___, 0, 0, X1(op_lgs))

/* ---- far transfers and interrupts ---- */
INSN(M1, ANY, 0x9a, XN, BOTH, "call far", "Ap", FAR, END, FL_ALL, FL_ALL, XV(op_far_call_imm))
INSN(M1, ANY, 0xea, XN, BOTH, "jmp far", "Ap", FAR, END, FL_ALL, FL_ALL, XV(op_far_jmp_imm))
INSN(M1, ANY, 0xff, 3, MEM, "call far", "Ep", FAR, END, FL_ALL, FL_ALL, XV(op_far_call_mem))
INSN(M1, ANY, 0xff, 5, MEM, "jmp far", "Ep", FAR, END, FL_ALL, FL_ALL, XV(op_far_jmp_mem))
INSN(M1, ANY, 0xca, XN, BOTH, "ret far", "Iw", FAR, END, 0, 0, XV(op_retf_imm))
INSN(M1, ANY, 0xcb, XN, BOTH, "ret far", "", FAR, END, 0, 0, XV(op_retf))
INSN(M1, ANY, 0xcc, XN, BOTH, "int3", "", FAR, END, FL_ALL, FL_ALL, X1(op_int3))
INSN(M1, ANY, 0xcd, XN, BOTH, "int", "Ib", FAR, END, FL_ALL, FL_ALL, X1(op_int_imm))
INSN(M1, ANY, 0xce, XN, BOTH, "into", "", FAR, END, FL_ALL, FL_ALL, X1(op_into))
INSN(M1, ANY, 0xcf, XN, BOTH, "iret", "", FAR, END, FL_ALL, FL_ALL, XV(op_iret))
INSN(M1, ANY, 0xf1, XN, BOTH, "int1", "", FAR, END, FL_ALL, FL_ALL, X1(op_int1))
INSN(M2, ANY, 0x34, XN, BOTH, "sysenter", "", FAR, END, 0, FL_ALL, X1(op_sysenter))
INSN(M2, ANY, 0x35, XN, BOTH, "sysexit", "", FAR, END, 0, 0, X1(op_sysexit))
INSN(M2, ANY, 0x0b, XN, BOTH, "ud2", "", PLAIN, END, 0, 0, X1(op_ud))

/* ---- flags ---- */
INSN(M1, ANY, 0x9c, XN, BOTH, "pushf", "", SENSITIVE, ___, FL_ALL, 0, XV(op_pushf))
INSN(M1, ANY, 0x9d, XN, BOTH, "popf", "", SENSITIVE, END, 0, FL_ALL, XV(op_popf))
INSN(M1, ANY, 0xfa, XN, BOTH, "cli", "", PRIVILEGED, ___, 0, FL_IF | FL_VIF, X1(op_cli))
INSN(M1, ANY, 0xfb, XN, BOTH, "sti", "", PRIVILEGED, END, 0, FL_IF | FL_VIF, X1(op_sti))

/* ---- ports ---- */
INSN(M1, ANY, 0xe4, XN, BOTH, "in", "AL,Ib", PRIVILEGED, END, 0, 0, X1(op_in_imm_8))
INSN(M1, ANY, 0xe5, XN, BOTH, "in", "eAX,Ib", PRIVILEGED, END, 0, 0, XV(op_in_imm))
INSN(M1, ANY, 0xe6, XN, BOTH, "out", "Ib,AL", PRIVILEGED, END, 0, 0, X1(op_out_imm_8))
INSN(M1, ANY, 0xe7, XN, BOTH, "out", "Ib,eAX", PRIVILEGED, END, 0, 0, XV(op_out_imm))
INSN(M1, ANY, 0xec, XN, BOTH, "in", "AL,DX", PRIVILEGED, END, 0, 0, X1(op_in_dx_8))
INSN(M1, ANY, 0xed, XN, BOTH, "in", "eAX,DX", PRIVILEGED, END, 0, 0, XV(op_in_dx))
INSN(M1, ANY, 0xee, XN, BOTH, "out", "DX,AL", PRIVILEGED, END, 0, 0, X1(op_out_dx_8))
INSN(M1, ANY, 0xef, XN, BOTH, "out", "DX,eAX", PRIVILEGED, END, 0, 0, XV(op_out_dx))

/* ---- descriptors and descriptor tables ---- */
INSN(M1, ANY, 0x63, XR, BOTH, "arpl", "Ew,Gw", SENSITIVE, ___, 0, FL_ZF, X1(op_arpl))
INSN(M2, ANY, 0x00, 0, BOTH, "sldt", "Ev", SENSITIVE, ___, 0, 0, X1(op_sldt))
INSN(M2, ANY, 0x00, 1, BOTH, "str", "Ev", SENSITIVE, ___, 0, 0, X1(op_str))
INSN(M2, ANY, 0x00, 2, BOTH, "lldt", "Ew", PRIVILEGED, ___, 0, 0, X1(op_lldt))
INSN(M2, ANY, 0x00, 3, BOTH, "ltr", "Ew", PRIVILEGED, ___, 0, 0, X1(op_ltr))
INSN(M2, ANY, 0x00, 4, BOTH, "verr", "Ew", SENSITIVE, ___, 0, FL_ZF, X1(op_verr))
INSN(M2, ANY, 0x00, 5, BOTH, "verw", "Ew", SENSITIVE, ___, 0, FL_ZF, X1(op_verw))
INSN(M2, ANY, 0x01, 0, MEM, "sgdt", "Ms", SENSITIVE, ___, 0, 0, X1(op_sgdt))
INSN(M2, ANY, 0x01, 1, MEM, "sidt", "Ms", SENSITIVE, ___, 0, 0, X1(op_sidt))
INSN(M2, ANY, 0x01, 2, MEM, "lgdt", "Ms", PRIVILEGED, ___, 0, 0, X1(op_lgdt))
INSN(M2, ANY, 0x01, 3, MEM, "lidt", "Ms", PRIVILEGED, ___, 0, 0, X1(op_lidt))
INSN(M2, ANY, 0x02, XR, BOTH, "lar", "Gv,Ew", SENSITIVE, ___, 0, FL_ZF, X1(op_lar))
INSN(M2, ANY, 0x03, XR, BOTH, "lsl", "Gv,Ew", SENSITIVE, ___, 0, FL_ZF, X1(op_lsl))

/* ---- control and debug registers; mod of their ModRM byte means nothing ---- */
INSN(M2, ANY, 0x01, 4, BOTH, "smsw", "Ev", SENSITIVE, ___, 0, 0, X1(op_smsw))
INSN(M2, ANY, 0x01, 6, BOTH, "lmsw", "Ew", PRIVILEGED, END, 0, 0, X1(op_lmsw))
INSN(M2, ANY, 0x01, 7, MEM, "invlpg", "Mb", PRIVILEGED, END, 0, 0, X1(op_invlpg))
INSN(M2, ANY, 0x06, XN, BOTH, "clts", "", PRIVILEGED, ___, 0, 0, X1(op_clts))
INSN(M2, ANY, 0x20, XR, BOTH, "mov", "Rd,Cd", PRIVILEGED, ___, 0, 0, X1(op_mov_from_cr))
INSN(M2, ANY, 0x21, XR, BOTH, "mov", "Rd,Dd", PRIVILEGED, ___, 0, 0, X1(op_mov_from_dr))
INSN(M2, ANY, 0x22, XR, BOTH, "mov", "Cd,Rd", PRIVILEGED, END, 0, 0, X1(op_mov_to_cr))
INSN(M2, ANY, 0x23, XR, BOTH, "mov", "Dd,Rd", PRIVILEGED, END, 0, 0, X1(op_mov_to_dr))

/* ---- the rest ---- */
INSN(M1, ANY, 0xf4, XN, BOTH, "hlt", "", PRIVILEGED, END, 0, 0, X1(op_hlt))
INSN(M2, ANY, 0x08, XN, BOTH, "invd", "", PRIVILEGED, ___, 0, 0, X1(op_invd))
INSN(M2, ANY, 0x09, XN, BOTH, "wbinvd", "", PRIVILEGED, ___, 0, 0, X1(op_wbinvd))
INSN(M2, ANY, 0x30, XN, BOTH, "wrmsr", "", PRIVILEGED, END, 0, 0, X1(op_wrmsr))
INSN(M2, ANY, 0x31, XN, BOTH, "rdtsc", "", SENSITIVE, ___, 0, 0, X1(op_rdtsc))
INSN(M2, ANY, 0x32, XN, BOTH, "rdmsr", "", PRIVILEGED, ___, 0, 0, X1(op_rdmsr))
INSN(M2, ANY, 0x33, XN, BOTH, "rdpmc", "", SENSITIVE, ___, 0, 0, X1(op_rdpmc))
INSN(M2, ANY, 0xa2, XN, BOTH, "cpuid", "", SENSITIVE, ___, 0, 0, X1(op_cpuid))

#undef FL_ALL
