/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the integer instructions (SDM 2D tables ). See table.h. */

#define FL_LOGIC FL_ARITH
#define FL_INC (FL_ARITH & ~FL_CF)

/* The eight arithmetic groups share their six encodings. */
#define ALU_ROWS(base, name, group, fr)                                                            \
	INSN(M1, ANY, base + 0, XR, BOTH, #name, "Eb,Gb", PLAIN, ___, fr, FL_ARITH, XB(op_##name##_EG)) \
	INSN(M1, ANY, base + 1, XR, BOTH, #name, "Ev,Gv", PLAIN, ___, fr, FL_ARITH, XE(op_##name##_EG)) \
	INSN(M1, ANY, base + 2, XR, BOTH, #name, "Gb,Eb", PLAIN, ___, fr, FL_ARITH, XB(op_##name##_GE)) \
	INSN(M1, ANY, base + 3, XR, BOTH, #name, "Gv,Ev", PLAIN, ___, fr, FL_ARITH, XE(op_##name##_GE)) \
	INSN(M1, ANY, base + 4, XN, BOTH, #name, "AL,Ib", PLAIN, ___, fr, FL_ARITH, X1(op_##name##_AI_8)) \
	INSN(M1, ANY, base + 5, XN, BOTH, #name, "rAX,Iz", PLAIN, ___, fr, FL_ARITH, XV(op_##name##_AI)) \
	INSN(M1, ANY, 0x80, group, BOTH, #name, "Eb,Ib", PLAIN, ___, fr, FL_ARITH, XB(op_##name##_EI)) \
	INSN(M1, ANY, 0x81, group, BOTH, #name, "Ev,Iz", PLAIN, ___, fr, FL_ARITH, XE(op_##name##_EI)) \
	INSN(M1, ANY, 0x82, group, BOTH, #name, "Eb,Ib", PLAIN, ___, fr, FL_ARITH, XB(op_##name##_EI)) \
	INSN(M1, ANY, 0x83, group, BOTH, #name, "Ev,sIb", PLAIN, ___, fr, FL_ARITH, XE(op_##name##_EI))

ALU_ROWS(0x00, add, 0, 0)
ALU_ROWS(0x08, or, 1, 0)
ALU_ROWS(0x10, adc, 2, FL_CF)
ALU_ROWS(0x18, sbb, 3, FL_CF)
ALU_ROWS(0x20, and, 4, 0)
ALU_ROWS(0x28, sub, 5, 0)
ALU_ROWS(0x30, xor, 6, 0)
ALU_ROWS(0x38, cmp, 7, 0)

INSN(M1, ANY, 0x27, XN, BOTH, "daa", "", PLAIN, ___, FL_AF | FL_CF, FL_ARITH, X1(op_daa))
INSN(M1, ANY, 0x2f, XN, BOTH, "das", "", PLAIN, ___, FL_AF | FL_CF, FL_ARITH, X1(op_das))
INSN(M1, ANY, 0x37, XN, BOTH, "aaa", "", PLAIN, ___, FL_AF | FL_CF, FL_ARITH, X1(op_aaa))
INSN(M1, ANY, 0x3f, XN, BOTH, "aas", "", PLAIN, ___, FL_AF | FL_CF, FL_ARITH, X1(op_aas))
INSN(M1, ANY, 0xd4, XN, BOTH, "aam", "Ib", PLAIN, ___, 0, FL_ARITH, X1(op_aam))
INSN(M1, ANY, 0xd5, XN, BOTH, "aad", "Ib", PLAIN, ___, 0, FL_ARITH, X1(op_aad))
INSN(M1, ANY, 0xd6, XN, BOTH, "salc", "", PLAIN, ___, FL_CF, 0, X1(op_salc))

INSN8(M1, ANY, 0x40, XN, BOTH, "inc", "Zv", PLAIN, ___, 0, FL_INC, XV(op_inc_Z))
INSN8(M1, ANY, 0x48, XN, BOTH, "dec", "Zv", PLAIN, ___, 0, FL_INC, XV(op_dec_Z))
INSN8(M1, ANY, 0x50, XN, BOTH, "push", "Zv", PLAIN, ___, 0, 0, XV(op_push_Z))
INSN8(M1, ANY, 0x58, XN, BOTH, "pop", "Zv", PLAIN, ___, 0, 0, XV(op_pop_Z))
INSN(M1, ANY, 0x60, XN, BOTH, "pusha", "", PLAIN, ___, 0, 0, XV(op_pusha))
INSN(M1, ANY, 0x61, XN, BOTH, "popa", "", PLAIN, ___, 0, 0, XV(op_popa))
INSN(M1, ANY, 0x62, XR, MEM, "bound", "Gv,Ma", PLAIN, ___, 0, 0, XV(op_bound))
INSN(M1, ANY, 0x68, XN, BOTH, "push", "Iz", PLAIN, ___, 0, 0, XV(op_push_I))
INSN(M1, ANY, 0x69, XR, BOTH, "imul", "Gv,Ev,Iz", PLAIN, ___, 0, FL_ARITH, XE(op_imul_GEI))
INSN(M1, ANY, 0x6a, XN, BOTH, "push", "sIb", PLAIN, ___, 0, 0, XV(op_push_I))
INSN(M1, ANY, 0x6b, XR, BOTH, "imul", "Gv,Ev,sIb", PLAIN, ___, 0, FL_ARITH, XE(op_imul_GEI))

INSN(M1, ANY, 0x6c, XN, BOTH, "insb", "Yb,DX", STRING, END, 0, 0, X1(op_ins_8))
INSN(M1, ANY, 0x6d, XN, BOTH, "ins", "Yz,DX", STRING, END, 0, 0, XV(op_ins))
INSN(M1, ANY, 0x6e, XN, BOTH, "outsb", "DX,Xb", STRING, END, 0, 0, X1(op_outs_8))
INSN(M1, ANY, 0x6f, XN, BOTH, "outs", "DX,Xz", STRING, END, 0, 0, XV(op_outs))
INSN(M1, ANY, 0xa4, XN, BOTH, "movsb", "Yb,Xb", STRING, ___, 0, 0, X1(op_movs_8))
INSN(M1, ANY, 0xa5, XN, BOTH, "movs", "Yv,Xv", STRING, ___, 0, 0, XV(op_movs))
INSN(M1, ANY, 0xa6, XN, BOTH, "cmpsb", "Xb,Yb", STRING, ___, 0, FL_ARITH, X1(op_cmps_8))
INSN(M1, ANY, 0xa7, XN, BOTH, "cmps", "Xv,Yv", STRING, ___, 0, FL_ARITH, XV(op_cmps))
INSN(M1, ANY, 0xaa, XN, BOTH, "stosb", "Yb,AL", STRING, ___, 0, 0, X1(op_stos_8))
INSN(M1, ANY, 0xab, XN, BOTH, "stos", "Yv,rAX", STRING, ___, 0, 0, XV(op_stos))
INSN(M1, ANY, 0xac, XN, BOTH, "lodsb", "AL,Xb", STRING, ___, 0, 0, X1(op_lods_8))
INSN(M1, ANY, 0xad, XN, BOTH, "lods", "rAX,Xv", STRING, ___, 0, 0, XV(op_lods))
INSN(M1, ANY, 0xae, XN, BOTH, "scasb", "AL,Yb", STRING, ___, 0, FL_ARITH, X1(op_scas_8))
INSN(M1, ANY, 0xaf, XN, BOTH, "scas", "rAX,Yv", STRING, ___, 0, FL_ARITH, XV(op_scas))

/* Conditions: n is the low four bits of the opcode. */
#define CC_ROWS(n, cc, fl)                                                                         \
	INSN(M1, ANY, 0x70 + n, XN, BOTH, "j" #cc, "Jb", TRANSFER, END, fl, 0, XV(op_j##cc))       \
	INSN(M2, ANY, 0x80 + n, XN, BOTH, "j" #cc, "Jz", TRANSFER, END, fl, 0, XV(op_j##cc))       \
	INSN(M2, ANY, 0x90 + n, XR, BOTH, "set" #cc, "Eb", PLAIN, ___, fl, 0, X8(op_set##cc))      \
	INSN(M2, ANY, 0x40 + n, XR, BOTH, "cmov" #cc, "Gv,Ev", PLAIN, ___, fl, 0, XE(op_cmov##cc))
CC_ROWS(0x0, o, FL_OF)
CC_ROWS(0x1, no, FL_OF)
CC_ROWS(0x2, b, FL_CF)
CC_ROWS(0x3, nb, FL_CF)
CC_ROWS(0x4, z, FL_ZF)
CC_ROWS(0x5, nz, FL_ZF)
CC_ROWS(0x6, be, FL_CF | FL_ZF)
CC_ROWS(0x7, nbe, FL_CF | FL_ZF)
CC_ROWS(0x8, s, FL_SF)
CC_ROWS(0x9, ns, FL_SF)
CC_ROWS(0xa, p, FL_PF)
CC_ROWS(0xb, np, FL_PF)
CC_ROWS(0xc, l, FL_SF | FL_OF)
CC_ROWS(0xd, nl, FL_SF | FL_OF)
CC_ROWS(0xe, le, FL_SF | FL_OF | FL_ZF)
CC_ROWS(0xf, nle, FL_SF | FL_OF | FL_ZF)

INSN(M1, ANY, 0x84, XR, BOTH, "test", "Eb,Gb", PLAIN, ___, 0, FL_LOGIC, XB(op_test_EG))
INSN(M1, ANY, 0x85, XR, BOTH, "test", "Ev,Gv", PLAIN, ___, 0, FL_LOGIC, XE(op_test_EG))
INSN(M1, ANY, 0xa8, XN, BOTH, "test", "AL,Ib", PLAIN, ___, 0, FL_LOGIC, X1(op_test_AI_8))
INSN(M1, ANY, 0xa9, XN, BOTH, "test", "rAX,Iz", PLAIN, ___, 0, FL_LOGIC, XV(op_test_AI))
INSN(M1, ANY, 0x86, XR, BOTH, "xchg", "Eb,Gb", PLAIN, ___, 0, 0, XB(op_xchg_EG))
INSN(M1, ANY, 0x87, XR, BOTH, "xchg", "Ev,Gv", PLAIN, ___, 0, 0, XE(op_xchg_EG))
INSN(M1, ANY, 0x88, XR, BOTH, "mov", "Eb,Gb", PLAIN, ___, 0, 0, XB(op_mov_EG))
INSN(M1, ANY, 0x89, XR, BOTH, "mov", "Ev,Gv", PLAIN, ___, 0, 0, XE(op_mov_EG))
INSN(M1, ANY, 0x8a, XR, BOTH, "mov", "Gb,Eb", PLAIN, ___, 0, 0, XB(op_mov_GE))
INSN(M1, ANY, 0x8b, XR, BOTH, "mov", "Gv,Ev", PLAIN, ___, 0, 0, XE(op_mov_GE))
INSN(M1, ANY, 0x8d, XR, MEM, "lea", "Gv,M", PLAIN, ___, 0, 0, XV(op_lea))
INSN(M1, ANY, 0x8f, 0, BOTH, "pop", "Ev", PLAIN, ___, 0, 0, XE(op_pop_E))
INSN(M1, ANY, 0x90, XN, BOTH, "nop", "", PLAIN, ___, 0, 0, X1(op_nop))
#define XCHG_A_ROW(opcode)                                                                         \
	INSN(M1, ANY, opcode, XN, BOTH, "xchg", "Zv,rAX", PLAIN, ___, 0, 0, XV(op_xchg_ZA))
XCHG_A_ROW(0x91) XCHG_A_ROW(0x92) XCHG_A_ROW(0x93) XCHG_A_ROW(0x94)
XCHG_A_ROW(0x95) XCHG_A_ROW(0x96) XCHG_A_ROW(0x97)
INSN(M1, ANY, 0x98, XN, BOTH, "cbw/cwde", "", PLAIN, ___, 0, 0, XV(op_cbw))
INSN(M1, ANY, 0x99, XN, BOTH, "cwd/cdq", "", PLAIN, ___, 0, 0, XV(op_cwd))
INSN(M1, ANY, 0x9e, XN, BOTH, "sahf", "", PLAIN, ___, 0, FL_ARITH & ~FL_OF, X1(op_sahf))
INSN(M1, ANY, 0x9f, XN, BOTH, "lahf", "", PLAIN, ___, FL_ARITH & ~FL_OF, 0, X1(op_lahf))
INSN(M1, ANY, 0xa0, XN, BOTH, "mov", "AL,Ob", PLAIN, ___, 0, 0, X1(op_mov_AO_8))
INSN(M1, ANY, 0xa1, XN, BOTH, "mov", "rAX,Ov", PLAIN, ___, 0, 0, XV(op_mov_AO))
INSN(M1, ANY, 0xa2, XN, BOTH, "mov", "Ob,AL", PLAIN, ___, 0, 0, X1(op_mov_OA_8))
INSN(M1, ANY, 0xa3, XN, BOTH, "mov", "Ov,rAX", PLAIN, ___, 0, 0, XV(op_mov_OA))
INSN8(M1, ANY, 0xb0, XN, BOTH, "mov", "Zb,Ib", PLAIN, ___, 0, 0, X1(op_mov_ZI_8))
INSN8(M1, ANY, 0xb8, XN, BOTH, "mov", "Zv,Iv", PLAIN, ___, 0, 0, XV(op_mov_ZI))
INSN(M1, ANY, 0xc6, 0, BOTH, "mov", "Eb,Ib", PLAIN, ___, 0, 0, XB(op_mov_EI))
INSN(M1, ANY, 0xc7, 0, BOTH, "mov", "Ev,Iz", PLAIN, ___, 0, 0, XE(op_mov_EI))
INSN(M1, ANY, 0xd7, XN, BOTH, "xlat", "", PLAIN, ___, 0, 0, X1(op_xlat))

#define SHIFT_ROWS(group, name, fr, fw)                                                            \
	INSN(M1, ANY, 0xc0, group, BOTH, #name, "Eb,Ib", PLAIN, ___, fr, fw, XB(op_##name##_EI))   \
	INSN(M1, ANY, 0xc1, group, BOTH, #name, "Ev,Ib", PLAIN, ___, fr, fw, XE(op_##name##_EI))   \
	INSN(M1, ANY, 0xd0, group, BOTH, #name, "Eb,1", PLAIN, ___, fr, fw, XB(op_##name##_E1))    \
	INSN(M1, ANY, 0xd1, group, BOTH, #name, "Ev,1", PLAIN, ___, fr, fw, XE(op_##name##_E1))    \
	INSN(M1, ANY, 0xd2, group, BOTH, #name, "Eb,CL", PLAIN, ___, fr, fw, XB(op_##name##_EC))   \
	INSN(M1, ANY, 0xd3, group, BOTH, #name, "Ev,CL", PLAIN, ___, fr, fw, XE(op_##name##_EC))
SHIFT_ROWS(0, rol, 0, FL_CF | FL_OF)
SHIFT_ROWS(1, ror, 0, FL_CF | FL_OF)
SHIFT_ROWS(2, rcl, FL_CF, FL_CF | FL_OF)
SHIFT_ROWS(3, rcr, FL_CF, FL_CF | FL_OF)
SHIFT_ROWS(4, shl, 0, FL_ARITH)
SHIFT_ROWS(5, shr, 0, FL_ARITH)
SHIFT_ROWS(6, shl, 0, FL_ARITH) /* undocumented alias, executed by every chip */
SHIFT_ROWS(7, sar, 0, FL_ARITH)
INSN(M2, ANY, 0xa4, XR, BOTH, "shld", "Ev,Gv,Ib", PLAIN, ___, 0, FL_ARITH, XE(op_shld_EGI))
INSN(M2, ANY, 0xa5, XR, BOTH, "shld", "Ev,Gv,CL", PLAIN, ___, 0, FL_ARITH, XE(op_shld_EGC))
INSN(M2, ANY, 0xac, XR, BOTH, "shrd", "Ev,Gv,Ib", PLAIN, ___, 0, FL_ARITH, XE(op_shrd_EGI))
INSN(M2, ANY, 0xad, XR, BOTH, "shrd", "Ev,Gv,CL", PLAIN, ___, 0, FL_ARITH, XE(op_shrd_EGC))

INSN(M1, ANY, 0xc2, XN, BOTH, "ret", "Iw", TRANSFER, END, 0, 0, XV(op_ret_I))
INSN(M1, ANY, 0xc3, XN, BOTH, "ret", "", TRANSFER, END, 0, 0, XV(op_ret_I))
INSN(M1, ANY, 0xc8, XN, BOTH, "enter", "Iw,Ib", PLAIN, ___, 0, 0, XV(op_enter))
INSN(M1, ANY, 0xc9, XN, BOTH, "leave", "", PLAIN, ___, 0, 0, XV(op_leave))
INSN(M1, ANY, 0xe0, XN, BOTH, "loopne", "Jb", TRANSFER, END, FL_ZF, 0, XV(op_loopne))
INSN(M1, ANY, 0xe1, XN, BOTH, "loope", "Jb", TRANSFER, END, FL_ZF, 0, XV(op_loope))
INSN(M1, ANY, 0xe2, XN, BOTH, "loop", "Jb", TRANSFER, END, 0, 0, XV(op_loop))
INSN(M1, ANY, 0xe3, XN, BOTH, "jcxz", "Jb", TRANSFER, END, 0, 0, XV(op_jcxz))
INSN(M1, ANY, 0xe8, XN, BOTH, "call", "Jz", TRANSFER, END, 0, 0, XV(op_call_J))
INSN(M1, ANY, 0xe9, XN, BOTH, "jmp", "Jz", TRANSFER, END, 0, 0, XV(op_jmp_J))
INSN(M1, ANY, 0xeb, XN, BOTH, "jmp", "Jb", TRANSFER, END, 0, 0, XV(op_jmp_J))

INSN(M1, ANY, 0xf5, XN, BOTH, "cmc", "", PLAIN, ___, FL_CF, FL_CF, X1(op_cmc))
INSN(M1, ANY, 0xf8, XN, BOTH, "clc", "", PLAIN, ___, 0, FL_CF, X1(op_clc))
INSN(M1, ANY, 0xf9, XN, BOTH, "stc", "", PLAIN, ___, 0, FL_CF, X1(op_stc))
INSN(M1, ANY, 0xfc, XN, BOTH, "cld", "", PLAIN, ___, 0, 0, X1(op_cld))
INSN(M1, ANY, 0xfd, XN, BOTH, "std", "", PLAIN, ___, 0, 0, X1(op_std))

INSN(M1, ANY, 0xf6, 0, BOTH, "test", "Eb,Ib", PLAIN, ___, 0, FL_LOGIC, XB(op_test_EI))
INSN(M1, ANY, 0xf7, 0, BOTH, "test", "Ev,Iz", PLAIN, ___, 0, FL_LOGIC, XE(op_test_EI))
INSN(M1, ANY, 0xf6, 1, BOTH, "test", "Eb,Ib", PLAIN, ___, 0, FL_LOGIC, XB(op_test_EI))
INSN(M1, ANY, 0xf7, 1, BOTH, "test", "Ev,Iz", PLAIN, ___, 0, FL_LOGIC, XE(op_test_EI))
INSN(M1, ANY, 0xf6, 2, BOTH, "not", "Eb", PLAIN, ___, 0, 0, XB(op_not_E))
INSN(M1, ANY, 0xf7, 2, BOTH, "not", "Ev", PLAIN, ___, 0, 0, XE(op_not_E))
INSN(M1, ANY, 0xf6, 3, BOTH, "neg", "Eb", PLAIN, ___, 0, FL_ARITH, XB(op_neg_E))
INSN(M1, ANY, 0xf7, 3, BOTH, "neg", "Ev", PLAIN, ___, 0, FL_ARITH, XE(op_neg_E))
INSN(M1, ANY, 0xf6, 4, BOTH, "mul", "Eb", PLAIN, ___, 0, FL_ARITH, XB(op_mul_E))
INSN(M1, ANY, 0xf7, 4, BOTH, "mul", "Ev", PLAIN, ___, 0, FL_ARITH, XE(op_mul_E))
INSN(M1, ANY, 0xf6, 5, BOTH, "imul", "Eb", PLAIN, ___, 0, FL_ARITH, XB(op_imul_E))
INSN(M1, ANY, 0xf7, 5, BOTH, "imul", "Ev", PLAIN, ___, 0, FL_ARITH, XE(op_imul_E))
INSN(M1, ANY, 0xf6, 6, BOTH, "div", "Eb", PLAIN, ___, 0, FL_ARITH, XB(op_div_E))
INSN(M1, ANY, 0xf7, 6, BOTH, "div", "Ev", PLAIN, ___, 0, FL_ARITH, XE(op_div_E))
INSN(M1, ANY, 0xf6, 7, BOTH, "idiv", "Eb", PLAIN, ___, 0, FL_ARITH, XB(op_idiv_E))
INSN(M1, ANY, 0xf7, 7, BOTH, "idiv", "Ev", PLAIN, ___, 0, FL_ARITH, XE(op_idiv_E))
INSN(M1, ANY, 0xfe, 0, BOTH, "inc", "Eb", PLAIN, ___, 0, FL_INC, XB(op_inc_E))
INSN(M1, ANY, 0xff, 0, BOTH, "inc", "Ev", PLAIN, ___, 0, FL_INC, XE(op_inc_E))
INSN(M1, ANY, 0xfe, 1, BOTH, "dec", "Eb", PLAIN, ___, 0, FL_INC, XB(op_dec_E))
INSN(M1, ANY, 0xff, 1, BOTH, "dec", "Ev", PLAIN, ___, 0, FL_INC, XE(op_dec_E))
INSN(M1, ANY, 0xff, 2, BOTH, "call", "Ev", TRANSFER, END, 0, 0, XE(op_call_E))
INSN(M1, ANY, 0xff, 4, BOTH, "jmp", "Ev", TRANSFER, END, 0, 0, XE(op_jmp_E))
INSN(M1, ANY, 0xff, 6, BOTH, "push", "Ev", PLAIN, ___, 0, 0, XE(op_push_E))

/* 0F 18-1F with ModRM: prefetches and hints, no operation. */
#define HINT_ROW(opcode) INSN(M2, ANY, opcode, XR, BOTH, "nop", "Ev", PLAIN, ___, 0, 0, X1(op_nop))
HINT_ROW(0x0d) HINT_ROW(0x18) HINT_ROW(0x19) HINT_ROW(0x1a) HINT_ROW(0x1b)
HINT_ROW(0x1c) HINT_ROW(0x1d) HINT_ROW(0x1e) HINT_ROW(0x1f)

INSN(M2, ANY, 0xa3, XR, BOTH, "bt", "Ev,Gv", PLAIN, ___, 0, FL_CF, XE(op_bt_EG))
INSN(M2, ANY, 0xab, XR, BOTH, "bts", "Ev,Gv", PLAIN, ___, 0, FL_CF, XE(op_bts_EG))
INSN(M2, ANY, 0xb3, XR, BOTH, "btr", "Ev,Gv", PLAIN, ___, 0, FL_CF, XE(op_btr_EG))
INSN(M2, ANY, 0xbb, XR, BOTH, "btc", "Ev,Gv", PLAIN, ___, 0, FL_CF, XE(op_btc_EG))
INSN(M2, ANY, 0xba, 4, BOTH, "bt", "Ev,Ib", PLAIN, ___, 0, FL_CF, XE(op_bt_EI))
INSN(M2, ANY, 0xba, 5, BOTH, "bts", "Ev,Ib", PLAIN, ___, 0, FL_CF, XE(op_bts_EI))
INSN(M2, ANY, 0xba, 6, BOTH, "btr", "Ev,Ib", PLAIN, ___, 0, FL_CF, XE(op_btr_EI))
INSN(M2, ANY, 0xba, 7, BOTH, "btc", "Ev,Ib", PLAIN, ___, 0, FL_CF, XE(op_btc_EI))
/* Of models that do not have these, they are BSF and BSR: the handlers see to that. */
INSN(M2, PF3, 0xbc, XR, BOTH, "tzcnt", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_tzcnt))
INSN(M2, PF3, 0xbd, XR, BOTH, "lzcnt", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_lzcnt))
INSN(M2, ANY, 0xbc, XR, BOTH, "bsf", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_bsf_GE))
INSN(M2, ANY, 0xbd, XR, BOTH, "bsr", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_bsr_GE))
INSN(M2, ANY, 0xaf, XR, BOTH, "imul", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_imul_GE))
INSN(M2, ANY, 0xb0, XR, BOTH, "cmpxchg", "Eb,Gb", PLAIN, ___, 0, FL_ARITH, XB(op_cmpxchg_EG))
INSN(M2, ANY, 0xb1, XR, BOTH, "cmpxchg", "Ev,Gv", PLAIN, ___, 0, FL_ARITH, XE(op_cmpxchg_EG))
INSN(M2, ANY, 0xb6, XR, BOTH, "movzx", "Gv,Eb", PLAIN, ___, 0, 0, XE(op_movzx_b))
INSN(M2, ANY, 0xb7, XR, BOTH, "movzx", "Gv,Ew", PLAIN, ___, 0, 0, XE(op_movzx_w))
INSN(M2, ANY, 0xbe, XR, BOTH, "movsx", "Gv,Eb", PLAIN, ___, 0, 0, XE(op_movsx_b))
INSN(M2, ANY, 0xbf, XR, BOTH, "movsx", "Gv,Ew", PLAIN, ___, 0, 0, XE(op_movsx_w))
INSN(M2, ANY, 0xc0, XR, BOTH, "xadd", "Eb,Gb", PLAIN, ___, 0, FL_ARITH, XB(op_xadd_EG))
INSN(M2, ANY, 0xc1, XR, BOTH, "xadd", "Ev,Gv", PLAIN, ___, 0, FL_ARITH, XE(op_xadd_EG))
INSN(M2, ANY, 0xc7, 1, MEM, "cmpxchg8b", "Mq", PLAIN, ___, 0, FL_ZF, X1(op_cmpxchg8b))
INSN8(M2, ANY, 0xc8, XN, BOTH, "bswap", "Zv", PLAIN, ___, 0, 0, XV(op_bswap))
