/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of MMX, SSE to SSE4.2, POPCNT and CRC32. No include guard.
 *
 * Most of these instructions follow a few patterns, so a row names its pattern
 * and simd_int.c, simd_float.c, mmx.c and host_fpu.S expand the same row into
 * its handler or its stubs: they define the pattern before they include this.
 * For the table itself every pattern is an INSN.
 *
 *  SSE_INT    Vx op= Wx, no exceptions, MXCSR not used
 *  SSE_FLOAT  Vx op= Wx, with MXCSR. result: which elements can be tiny
 *  SSE_IMM, SSE_FLOAT_IMM  the same with imm8, by a stub for each value
 *  SSE_COMPARE  flags from Vx and Wx, with MXCSR
 *  SSE_BLENDV   Vx = blend by XMM0 of Vx and Wx
 *  SSE_SHIFT    Ux op= imm8, both MMX and SSE
 *  MMX_INT    Pq op= Qq. MMX_SSE_INT: both of these
 *  SSE_STUBS  no row, but stubs for each imm8 that a handler of its own calls
 *
 * bytes is the size of the memory operand; 16 must be aligned.
 */
/* clang-format off */
#ifndef SSE_INT
#define SSE_INT(map, prefix, opcode, id, operands, bytes) \
	INSN(map, prefix, opcode, XR, BOTH, #id, operands, SSE, ___, 0, 0, X8(op_sse_##id))
#endif
#ifndef SSE_FLOAT
#define SSE_FLOAT(map, prefix, opcode, id, operands, bytes, result) \
	INSN(map, prefix, opcode, XR, BOTH, #id, operands, SSE, ___, 0, 0, X8(op_sse_##id))
#endif
#ifndef SSE_STUBS
#define SSE_STUBS(map, prefix, opcode, id)
#endif
#ifndef SSE_IMM_OP
#define SSE_IMM_OP(map, prefix, opcode, id, operands, bytes) \
	INSN(map, prefix, opcode, XR, BOTH, #id, operands, SSE, ___, 0, 0, X8(op_sse_##id))
#endif
#ifndef SSE_FLOAT_IMM_OP
#define SSE_FLOAT_IMM_OP(map, prefix, opcode, id, operands, bytes, result) \
	INSN(map, prefix, opcode, XR, BOTH, #id, operands, SSE, ___, 0, 0, X8(op_sse_##id))
#endif
#define SSE_IMM(map, prefix, opcode, id, operands, bytes) \
	SSE_STUBS(map, prefix, opcode, id) \
	SSE_IMM_OP(map, prefix, opcode, id, operands, bytes)
#define SSE_FLOAT_IMM(map, prefix, opcode, id, operands, bytes, result) \
	SSE_STUBS(map, prefix, opcode, id) \
	SSE_FLOAT_IMM_OP(map, prefix, opcode, id, operands, bytes, result)
#ifndef SSE_COMPARE
#define SSE_COMPARE(prefix, opcode, id, operands, bytes) \
	INSN(M2, prefix, opcode, XR, BOTH, #id, operands, SSE, ___, 0, FL_ARITH, X8(op_sse_##id))
#endif
#ifndef SSE_BLENDV
#define SSE_BLENDV(opcode, id) \
	INSN(M38, P66, opcode, XR, BOTH, #id, "Vx,Wx", SSE, ___, 0, 0, X8(op_sse_##id))
#endif
#ifndef SSE_SHIFT
#define SSE_SHIFT(opcode, ext, id) \
	INSN(M2, P66, opcode, ext, REG, #id, "Ux,Ib", SSE, ___, 0, 0, X1(op_sse_##id##_imm)) \
	INSN(M2, NP, opcode, ext, REG, #id, "Nq,Ib", MMX, ___, 0, 0, X1(op_mmx_##id##_imm))
#endif
#ifndef MMX_INT
#define MMX_INT(map, opcode, id, bytes) \
	INSN(map, NP, opcode, XR, BOTH, #id, "Pq,Qq", MMX, ___, 0, 0, X8(op_mmx_##id))
#endif
#define MMX_SSE_INT(map, opcode, id, mmx_bytes) \
	MMX_INT(map, opcode, id, mmx_bytes) \
	SSE_INT(map, P66, opcode, id, "Vx,Wx", 16)
/* An instruction with a handler of its own. */
#define SIMD(map, prefix, opcode, mod, name, operands, class, exec) \
	INSN(map, prefix, opcode, XR, mod, name, operands, class, ___, 0, 0, exec)

/* ---- moves ---- */
SIMD(M2, NP,  0x10, BOTH, "movups", "Vps,Wps", SSE, X8(op_sse_loadu))
SIMD(M2, P66, 0x10, BOTH, "movupd", "Vpd,Wpd", SSE, X8(op_sse_loadu))
SIMD(M2, PF3, 0x10, BOTH, "movss",  "Vss,Wss", SSE, X8(op_sse_load_ss))
SIMD(M2, PF2, 0x10, BOTH, "movsd",  "Vsd,Wsd", SSE, X8(op_sse_load_sd))
SIMD(M2, NP,  0x11, BOTH, "movups", "Wps,Vps", SSE, X8(op_sse_storeu))
SIMD(M2, P66, 0x11, BOTH, "movupd", "Wpd,Vpd", SSE, X8(op_sse_storeu))
SIMD(M2, PF3, 0x11, BOTH, "movss",  "Wss,Vss", SSE, X8(op_sse_store_ss))
SIMD(M2, PF2, 0x11, BOTH, "movsd",  "Wsd,Vsd", SSE, X8(op_sse_store_sd))
SIMD(M2, NP,  0x12, MEM,  "movlps", "Vq,Mq", SSE, X1(op_sse_load_low))
SIMD(M2, NP,  0x12, REG,  "movhlps", "Vq,Uq", SSE, X1(op_movhlps))
SIMD(M2, P66, 0x12, MEM,  "movlpd", "Vq,Mq", SSE, X1(op_sse_load_low))
SIMD(M2, NP,  0x13, MEM,  "movlps", "Mq,Vq", SSE, X1(op_sse_store_low))
SIMD(M2, P66, 0x13, MEM,  "movlpd", "Mq,Vq", SSE, X1(op_sse_store_low))
SIMD(M2, NP,  0x16, MEM,  "movhps", "Vdq,Mq", SSE, X1(op_sse_load_high))
SIMD(M2, NP,  0x16, REG,  "movlhps", "Vdq,Uq", SSE, X1(op_movlhps))
SIMD(M2, P66, 0x16, MEM,  "movhpd", "Vdq,Mq", SSE, X1(op_sse_load_high))
SIMD(M2, NP,  0x17, MEM,  "movhps", "Mq,Vq", SSE, X1(op_sse_store_high))
SIMD(M2, P66, 0x17, MEM,  "movhpd", "Mq,Vq", SSE, X1(op_sse_store_high))
SIMD(M2, NP,  0x28, BOTH, "movaps", "Vps,Wps", SSE, X8(op_sse_load))
SIMD(M2, P66, 0x28, BOTH, "movapd", "Vpd,Wpd", SSE, X8(op_sse_load))
SIMD(M2, NP,  0x29, BOTH, "movaps", "Wps,Vps", SSE, X8(op_sse_store))
SIMD(M2, P66, 0x29, BOTH, "movapd", "Wpd,Vpd", SSE, X8(op_sse_store))
SIMD(M2, NP,  0x2b, MEM,  "movntps", "Mps,Vps", SSE, X1(op_sse_store_m))
SIMD(M2, P66, 0x2b, MEM,  "movntpd", "Mpd,Vpd", SSE, X1(op_sse_store_m))
SIMD(M2, NP,  0x6e, BOTH, "movd",   "Pd,Ed", MMX, X8(op_mmx_from_r32))
SIMD(M2, P66, 0x6e, BOTH, "movd",   "Vd,Ed", SSE, X8(op_sse_from_r32))
SIMD(M2, NP,  0x6f, BOTH, "movq",   "Pq,Qq", MMX, X8(op_mmx_load))
SIMD(M2, P66, 0x6f, BOTH, "movdqa", "Vx,Wx", SSE, X8(op_sse_load))
SIMD(M2, PF3, 0x6f, BOTH, "movdqu", "Vx,Wx", SSE, X8(op_sse_loadu))
SIMD(M2, NP,  0x7e, BOTH, "movd",   "Ed,Pd", MMX, X8(op_mmx_to_r32))
SIMD(M2, P66, 0x7e, BOTH, "movd",   "Ed,Vd", SSE, X8(op_sse_to_r32))
SIMD(M2, PF3, 0x7e, BOTH, "movq",   "Vq,Wq", SSE, X8(op_sse_load_q))
SIMD(M2, NP,  0x7f, BOTH, "movq",   "Qq,Pq", MMX, X8(op_mmx_store))
SIMD(M2, P66, 0x7f, BOTH, "movdqa", "Wx,Vx", SSE, X8(op_sse_store))
SIMD(M2, PF3, 0x7f, BOTH, "movdqu", "Wx,Vx", SSE, X8(op_sse_storeu))
SIMD(M2, P66, 0xd6, BOTH, "movq",   "Wq,Vq", SSE, X8(op_sse_store_q))
SIMD(M2, PF3, 0xd6, REG,  "movq2dq", "Vdq,Nq", SSE, X1(op_movq2dq))
SIMD(M2, PF2, 0xd6, REG,  "movdq2q", "Pq,Uq", SSE, X1(op_movdq2q))
SIMD(M2, NP,  0xe7, MEM,  "movntq", "Mq,Pq", MMX, X1(op_mmx_store_m))
SIMD(M2, P66, 0xe7, MEM,  "movntdq", "Mx,Vx", SSE, X1(op_sse_store_m))
SIMD(M2, PF2, 0xf0, MEM,  "lddqu",  "Vx,Mx", SSE, X1(op_sse_loadu_m))
SIMD(M38, P66, 0x2a, MEM, "movntdqa", "Vx,Mx", SSE, X1(op_sse_load_m))
SIMD(M2, NP,  0xc3, MEM,  "movnti", "Md,Gd", PLAIN, X1(op_movnti))
SIMD(M2, NP,  0xf7, REG,  "maskmovq", "Pq,Nq", MMX, X1(op_maskmovq))
SIMD(M2, P66, 0xf7, REG,  "maskmovdqu", "Vx,Ux", SSE, X1(op_maskmovdqu))

/* ---- between vectors and general registers ---- */
SIMD(M2, NP,  0x50, REG,  "movmskps", "Gd,Ups", SSE, X1(op_movmskps))
SIMD(M2, P66, 0x50, REG,  "movmskpd", "Gd,Upd", SSE, X1(op_movmskpd))
SIMD(M2, NP,  0xd7, REG,  "pmovmskb", "Gd,Nq", MMX, X1(op_mmx_pmovmskb))
SIMD(M2, P66, 0xd7, REG,  "pmovmskb", "Gd,Ux", SSE, X1(op_sse_pmovmskb))
SIMD(M2, NP,  0xc4, BOTH, "pinsrw", "Pq,RdMw,Ib", MMX, X8(op_mmx_pinsrw))
SIMD(M2, P66, 0xc4, BOTH, "pinsrw", "Vdq,RdMw,Ib", SSE, X8(op_sse_pinsrw))
SIMD(M2, NP,  0xc5, REG,  "pextrw", "Gd,Nq,Ib", MMX, X1(op_mmx_pextrw))
SIMD(M2, P66, 0xc5, REG,  "pextrw", "Gd,Udq,Ib", SSE, X1(op_sse_pextrw))
SIMD(M3A, P66, 0x14, BOTH, "pextrb", "RdMb,Vdq,Ib", SSE, X8(op_sse_pextrb))
SIMD(M3A, P66, 0x15, BOTH, "pextrw", "RdMw,Vdq,Ib", SSE, X8(op_sse_pextrw_store))
SIMD(M3A, P66, 0x16, BOTH, "pextrd", "Ed,Vdq,Ib", SSE, X8(op_sse_pextrd))
SIMD(M3A, P66, 0x17, BOTH, "extractps", "Ed,Vdq,Ib", SSE, X8(op_sse_pextrd))
SIMD(M3A, P66, 0x20, BOTH, "pinsrb", "Vdq,RdMb,Ib", SSE, X8(op_sse_pinsrb))
SIMD(M3A, P66, 0x21, BOTH, "insertps", "Vdq,UdqMd,Ib", SSE, X8(op_insertps))
SSE_STUBS(M3A, P66, 0x21, insertps)
SIMD(M3A, P66, 0x22, BOTH, "pinsrd", "Vdq,Ed,Ib", SSE, X8(op_sse_pinsrd))

/* ---- floating point ---- */
SSE_FLOAT(M2, NP,  0x51, sqrtps, "Vps,Wps", 16, NO_TINY)
SSE_FLOAT(M2, P66, 0x51, sqrtpd, "Vpd,Wpd", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x51, sqrtss, "Vss,Wss", 4, NO_TINY)
SSE_FLOAT(M2, PF2, 0x51, sqrtsd, "Vsd,Wsd", 8, NO_TINY)
SSE_FLOAT(M2, NP,  0x52, rsqrtps, "Vps,Wps", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x52, rsqrtss, "Vss,Wss", 4, NO_TINY)
SSE_FLOAT(M2, NP,  0x53, rcpps, "Vps,Wps", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x53, rcpss, "Vss,Wss", 4, NO_TINY)
SSE_FLOAT(M2, NP,  0x58, addps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0x58, addpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF3, 0x58, addss, "Vss,Wss", 4, F32_1)
SSE_FLOAT(M2, PF2, 0x58, addsd, "Vsd,Wsd", 8, F64_1)
SSE_FLOAT(M2, NP,  0x59, mulps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0x59, mulpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF3, 0x59, mulss, "Vss,Wss", 4, F32_1)
SSE_FLOAT(M2, PF2, 0x59, mulsd, "Vsd,Wsd", 8, F64_1)
SSE_FLOAT(M2, NP,  0x5c, subps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0x5c, subpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF3, 0x5c, subss, "Vss,Wss", 4, F32_1)
SSE_FLOAT(M2, PF2, 0x5c, subsd, "Vsd,Wsd", 8, F64_1)
SSE_FLOAT(M2, NP,  0x5d, minps, "Vps,Wps", 16, NO_TINY)
SSE_FLOAT(M2, P66, 0x5d, minpd, "Vpd,Wpd", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x5d, minss, "Vss,Wss", 4, NO_TINY)
SSE_FLOAT(M2, PF2, 0x5d, minsd, "Vsd,Wsd", 8, NO_TINY)
SSE_FLOAT(M2, NP,  0x5e, divps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0x5e, divpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF3, 0x5e, divss, "Vss,Wss", 4, F32_1)
SSE_FLOAT(M2, PF2, 0x5e, divsd, "Vsd,Wsd", 8, F64_1)
SSE_FLOAT(M2, NP,  0x5f, maxps, "Vps,Wps", 16, NO_TINY)
SSE_FLOAT(M2, P66, 0x5f, maxpd, "Vpd,Wpd", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x5f, maxss, "Vss,Wss", 4, NO_TINY)
SSE_FLOAT(M2, PF2, 0x5f, maxsd, "Vsd,Wsd", 8, NO_TINY)
SSE_FLOAT(M2, P66, 0x7c, haddpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF2, 0x7c, haddps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0x7d, hsubpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF2, 0x7d, hsubps, "Vps,Wps", 16, F32_4)
SSE_FLOAT(M2, P66, 0xd0, addsubpd, "Vpd,Wpd", 16, F64_2)
SSE_FLOAT(M2, PF2, 0xd0, addsubps, "Vps,Wps", 16, F32_4)
SSE_FLOAT_IMM(M2, NP,  0xc2, cmpps, "Vps,Wps,Ib", 16, NO_TINY)
SSE_FLOAT_IMM(M2, P66, 0xc2, cmppd, "Vpd,Wpd,Ib", 16, NO_TINY)
SSE_FLOAT_IMM(M2, PF3, 0xc2, cmpss, "Vss,Wss,Ib", 4, NO_TINY)
SSE_FLOAT_IMM(M2, PF2, 0xc2, cmpsd, "Vsd,Wsd,Ib", 8, NO_TINY)
SSE_FLOAT_IMM(M3A, P66, 0x08, roundps, "Vps,Wps,Ib", 16, NO_TINY)
SSE_FLOAT_IMM(M3A, P66, 0x09, roundpd, "Vpd,Wpd,Ib", 16, NO_TINY)
SSE_FLOAT_IMM(M3A, P66, 0x0a, roundss, "Vss,Wss,Ib", 4, NO_TINY)
SSE_FLOAT_IMM(M3A, P66, 0x0b, roundsd, "Vsd,Wsd,Ib", 8, NO_TINY)
SSE_FLOAT_IMM(M3A, P66, 0x40, dpps, "Vps,Wps,Ib", 16, F32_4)
SSE_FLOAT_IMM(M3A, P66, 0x41, dppd, "Vpd,Wpd,Ib", 16, F64_2)
SSE_COMPARE(NP,  0x2e, ucomiss, "Vss,Wss", 4)
SSE_COMPARE(P66, 0x2e, ucomisd, "Vsd,Wsd", 8)
SSE_COMPARE(NP,  0x2f, comiss,  "Vss,Wss", 4)
SSE_COMPARE(P66, 0x2f, comisd,  "Vsd,Wsd", 8)

/* ---- conversions ---- */
SSE_FLOAT(M2, NP,  0x5a, cvtps2pd, "Vpd,Wq", 8, NO_TINY)
SSE_FLOAT(M2, P66, 0x5a, cvtpd2ps, "Vps,Wpd", 16, F32_4)
SSE_FLOAT(M2, PF3, 0x5a, cvtss2sd, "Vsd,Wss", 4, NO_TINY)
SSE_FLOAT(M2, PF2, 0x5a, cvtsd2ss, "Vss,Wsd", 8, F32_1)
SSE_FLOAT(M2, NP,  0x5b, cvtdq2ps, "Vps,Wdq", 16, NO_TINY)
SSE_FLOAT(M2, P66, 0x5b, cvtps2dq, "Vdq,Wps", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0x5b, cvttps2dq, "Vdq,Wps", 16, NO_TINY)
SSE_FLOAT(M2, P66, 0xe6, cvttpd2dq, "Vdq,Wpd", 16, NO_TINY)
SSE_FLOAT(M2, PF3, 0xe6, cvtdq2pd, "Vpd,Wq", 8, NO_TINY)
SSE_FLOAT(M2, PF2, 0xe6, cvtpd2dq, "Vdq,Wpd", 16, NO_TINY)
SIMD(M2, NP,  0x2a, BOTH, "cvtpi2ps", "Vps,Qq", SSE, X8(op_cvtpi2ps))
SIMD(M2, P66, 0x2a, BOTH, "cvtpi2pd", "Vpd,Qq", SSE, X8(op_cvtpi2pd))
SIMD(M2, PF3, 0x2a, BOTH, "cvtsi2ss", "Vss,Ed", SSE, X8(op_cvtsi2ss))
SIMD(M2, PF2, 0x2a, BOTH, "cvtsi2sd", "Vsd,Ed", SSE, X8(op_cvtsi2sd))
SIMD(M2, NP,  0x2c, BOTH, "cvttps2pi", "Pq,Wq", SSE, X8(op_cvttps2pi))
SIMD(M2, P66, 0x2c, BOTH, "cvttpd2pi", "Pq,Wpd", SSE, X8(op_cvttpd2pi))
SIMD(M2, PF3, 0x2c, BOTH, "cvttss2si", "Gd,Wss", SSE, X8(op_cvttss2si))
SIMD(M2, PF2, 0x2c, BOTH, "cvttsd2si", "Gd,Wsd", SSE, X8(op_cvttsd2si))
SIMD(M2, NP,  0x2d, BOTH, "cvtps2pi", "Pq,Wq", SSE, X8(op_cvtps2pi))
SIMD(M2, P66, 0x2d, BOTH, "cvtpd2pi", "Pq,Wpd", SSE, X8(op_cvtpd2pi))
SIMD(M2, PF3, 0x2d, BOTH, "cvtss2si", "Gd,Wss", SSE, X8(op_cvtss2si))
SIMD(M2, PF2, 0x2d, BOTH, "cvtsd2si", "Gd,Wsd", SSE, X8(op_cvtsd2si))

/* ---- logic and shuffles of floating-point data: no exceptions ---- */
SSE_INT(M2, PF3, 0x12, movsldup, "Vps,Wps", 16)
SSE_INT(M2, PF2, 0x12, movddup, "Vpd,Wq", 8)
SSE_INT(M2, PF3, 0x16, movshdup, "Vps,Wps", 16)
SSE_INT(M2, NP,  0x14, unpcklps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x14, unpcklpd, "Vpd,Wpd", 16)
SSE_INT(M2, NP,  0x15, unpckhps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x15, unpckhpd, "Vpd,Wpd", 16)
SSE_INT(M2, NP,  0x54, andps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x54, andpd, "Vpd,Wpd", 16)
SSE_INT(M2, NP,  0x55, andnps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x55, andnpd, "Vpd,Wpd", 16)
SSE_INT(M2, NP,  0x56, orps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x56, orpd, "Vpd,Wpd", 16)
SSE_INT(M2, NP,  0x57, xorps, "Vps,Wps", 16)
SSE_INT(M2, P66, 0x57, xorpd, "Vpd,Wpd", 16)
SSE_IMM(M2, NP,  0xc6, shufps, "Vps,Wps,Ib", 16)
SSE_IMM(M2, P66, 0xc6, shufpd, "Vpd,Wpd,Ib", 16)
SSE_IMM(M3A, P66, 0x0c, blendps, "Vps,Wps,Ib", 16)
SSE_IMM(M3A, P66, 0x0d, blendpd, "Vpd,Wpd,Ib", 16)
SSE_BLENDV(0x14, blendvps)
SSE_BLENDV(0x15, blendvpd)

/* ---- integers, MMX and SSE2 ---- */
MMX_SSE_INT(M2, 0x60, punpcklbw, 4)
MMX_SSE_INT(M2, 0x61, punpcklwd, 4)
MMX_SSE_INT(M2, 0x62, punpckldq, 4)
MMX_SSE_INT(M2, 0x63, packsswb, 8)
MMX_SSE_INT(M2, 0x64, pcmpgtb, 8)
MMX_SSE_INT(M2, 0x65, pcmpgtw, 8)
MMX_SSE_INT(M2, 0x66, pcmpgtd, 8)
MMX_SSE_INT(M2, 0x67, packuswb, 8)
MMX_SSE_INT(M2, 0x68, punpckhbw, 8)
MMX_SSE_INT(M2, 0x69, punpckhwd, 8)
MMX_SSE_INT(M2, 0x6a, punpckhdq, 8)
MMX_SSE_INT(M2, 0x6b, packssdw, 8)
SSE_INT(M2, P66, 0x6c, punpcklqdq, "Vx,Wx", 16)
SSE_INT(M2, P66, 0x6d, punpckhqdq, "Vx,Wx", 16)
MMX_SSE_INT(M2, 0x74, pcmpeqb, 8)
MMX_SSE_INT(M2, 0x75, pcmpeqw, 8)
MMX_SSE_INT(M2, 0x76, pcmpeqd, 8)
MMX_SSE_INT(M2, 0xd1, psrlw, 8)
MMX_SSE_INT(M2, 0xd2, psrld, 8)
MMX_SSE_INT(M2, 0xd3, psrlq, 8)
MMX_SSE_INT(M2, 0xd4, paddq, 8)
MMX_SSE_INT(M2, 0xd5, pmullw, 8)
MMX_SSE_INT(M2, 0xd8, psubusb, 8)
MMX_SSE_INT(M2, 0xd9, psubusw, 8)
MMX_SSE_INT(M2, 0xda, pminub, 8)
MMX_SSE_INT(M2, 0xdb, pand, 8)
MMX_SSE_INT(M2, 0xdc, paddusb, 8)
MMX_SSE_INT(M2, 0xdd, paddusw, 8)
MMX_SSE_INT(M2, 0xde, pmaxub, 8)
MMX_SSE_INT(M2, 0xdf, pandn, 8)
MMX_SSE_INT(M2, 0xe0, pavgb, 8)
MMX_SSE_INT(M2, 0xe1, psraw, 8)
MMX_SSE_INT(M2, 0xe2, psrad, 8)
MMX_SSE_INT(M2, 0xe3, pavgw, 8)
MMX_SSE_INT(M2, 0xe4, pmulhuw, 8)
MMX_SSE_INT(M2, 0xe5, pmulhw, 8)
MMX_SSE_INT(M2, 0xe8, psubsb, 8)
MMX_SSE_INT(M2, 0xe9, psubsw, 8)
MMX_SSE_INT(M2, 0xea, pminsw, 8)
MMX_SSE_INT(M2, 0xeb, por, 8)
MMX_SSE_INT(M2, 0xec, paddsb, 8)
MMX_SSE_INT(M2, 0xed, paddsw, 8)
MMX_SSE_INT(M2, 0xee, pmaxsw, 8)
MMX_SSE_INT(M2, 0xef, pxor, 8)
MMX_SSE_INT(M2, 0xf1, psllw, 8)
MMX_SSE_INT(M2, 0xf2, pslld, 8)
MMX_SSE_INT(M2, 0xf3, psllq, 8)
MMX_SSE_INT(M2, 0xf4, pmuludq, 8)
MMX_SSE_INT(M2, 0xf5, pmaddwd, 8)
MMX_SSE_INT(M2, 0xf6, psadbw, 8)
MMX_SSE_INT(M2, 0xf8, psubb, 8)
MMX_SSE_INT(M2, 0xf9, psubw, 8)
MMX_SSE_INT(M2, 0xfa, psubd, 8)
MMX_SSE_INT(M2, 0xfb, psubq, 8)
MMX_SSE_INT(M2, 0xfc, paddb, 8)
MMX_SSE_INT(M2, 0xfd, paddw, 8)
MMX_SSE_INT(M2, 0xfe, paddd, 8)
SIMD(M2, NP, 0x70, BOTH, "pshufw", "Pq,Qq,Ib", MMX, X8(op_pshufw))
SSE_IMM(M2, P66, 0x70, pshufd, "Vx,Wx,Ib", 16)
SSE_IMM(M2, PF3, 0x70, pshufhw, "Vx,Wx,Ib", 16)
SSE_IMM(M2, PF2, 0x70, pshuflw, "Vx,Wx,Ib", 16)
SSE_SHIFT(0x71, 2, psrlw)
SSE_SHIFT(0x71, 4, psraw)
SSE_SHIFT(0x71, 6, psllw)
SSE_SHIFT(0x72, 2, psrld)
SSE_SHIFT(0x72, 4, psrad)
SSE_SHIFT(0x72, 6, pslld)
SSE_SHIFT(0x73, 2, psrlq)
SSE_SHIFT(0x73, 6, psllq)
INSN(M2, P66, 0x73, 3, REG, "psrldq", "Ux,Ib", SSE, ___, 0, 0, X1(op_psrldq))
INSN(M2, P66, 0x73, 7, REG, "pslldq", "Ux,Ib", SSE, ___, 0, 0, X1(op_pslldq))
INSN(M2, NP, 0x77, XN, BOTH, "emms", "", MMX, ___, 0, 0, X1(op_emms))

/* ---- SSSE3 ---- */
MMX_SSE_INT(M38, 0x00, pshufb, 8)
MMX_SSE_INT(M38, 0x01, phaddw, 8)
MMX_SSE_INT(M38, 0x02, phaddd, 8)
MMX_SSE_INT(M38, 0x03, phaddsw, 8)
MMX_SSE_INT(M38, 0x04, pmaddubsw, 8)
MMX_SSE_INT(M38, 0x05, phsubw, 8)
MMX_SSE_INT(M38, 0x06, phsubd, 8)
MMX_SSE_INT(M38, 0x07, phsubsw, 8)
MMX_SSE_INT(M38, 0x08, psignb, 8)
MMX_SSE_INT(M38, 0x09, psignw, 8)
MMX_SSE_INT(M38, 0x0a, psignd, 8)
MMX_SSE_INT(M38, 0x0b, pmulhrsw, 8)
MMX_SSE_INT(M38, 0x1c, pabsb, 8)
MMX_SSE_INT(M38, 0x1d, pabsw, 8)
MMX_SSE_INT(M38, 0x1e, pabsd, 8)
SIMD(M3A, NP, 0x0f, BOTH, "palignr", "Pq,Qq,Ib", MMX, X8(op_mmx_palignr))
SSE_IMM(M3A, P66, 0x0f, palignr, "Vx,Wx,Ib", 16)

/* ---- SSE4.1 and SSE4.2 ---- */
SSE_BLENDV(0x10, pblendvb)
INSN(M38, P66, 0x17, XR, BOTH, "ptest", "Vx,Wx", SSE, ___, 0, FL_ARITH, X8(op_ptest))
SSE_INT(M38, P66, 0x20, pmovsxbw, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x21, pmovsxbd, "Vx,Wd", 4)
SSE_INT(M38, P66, 0x22, pmovsxbq, "Vx,Ww", 2)
SSE_INT(M38, P66, 0x23, pmovsxwd, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x24, pmovsxwq, "Vx,Wd", 4)
SSE_INT(M38, P66, 0x25, pmovsxdq, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x28, pmuldq, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x29, pcmpeqq, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x2b, packusdw, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x30, pmovzxbw, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x31, pmovzxbd, "Vx,Wd", 4)
SSE_INT(M38, P66, 0x32, pmovzxbq, "Vx,Ww", 2)
SSE_INT(M38, P66, 0x33, pmovzxwd, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x34, pmovzxwq, "Vx,Wd", 4)
SSE_INT(M38, P66, 0x35, pmovzxdq, "Vx,Wq", 8)
SSE_INT(M38, P66, 0x37, pcmpgtq, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x38, pminsb, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x39, pminsd, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3a, pminuw, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3b, pminud, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3c, pmaxsb, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3d, pmaxsd, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3e, pmaxuw, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x3f, pmaxud, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x40, pmulld, "Vx,Wx", 16)
SSE_INT(M38, P66, 0x41, phminposuw, "Vx,Wx", 16)
SSE_IMM(M3A, P66, 0x0e, pblendw, "Vx,Wx,Ib", 16)
SSE_IMM(M3A, P66, 0x42, mpsadbw, "Vx,Wx,Ib", 16)
SSE_STUBS(M3A, P66, 0x60, pcmpestrm)
SSE_STUBS(M3A, P66, 0x61, pcmpestri)
SSE_STUBS(M3A, P66, 0x62, pcmpistrm)
SSE_STUBS(M3A, P66, 0x63, pcmpistri)
INSN(M3A, P66, 0x60, XR, BOTH, "pcmpestrm", "Vdq,Wdq,Ib", SSE, ___, 0, FL_ARITH, X8(op_pcmpestrm))
INSN(M3A, P66, 0x61, XR, BOTH, "pcmpestri", "Vdq,Wdq,Ib", SSE, ___, 0, FL_ARITH, X8(op_pcmpestri))
INSN(M3A, P66, 0x62, XR, BOTH, "pcmpistrm", "Vdq,Wdq,Ib", SSE, ___, 0, FL_ARITH, X8(op_pcmpistrm))
INSN(M3A, P66, 0x63, XR, BOTH, "pcmpistri", "Vdq,Wdq,Ib", SSE, ___, 0, FL_ARITH, X8(op_pcmpistri))

/* ---- integer forms ---- */
INSN(M2, PF3, 0xb8, XR, BOTH, "popcnt", "Gv,Ev", PLAIN, ___, 0, FL_ARITH, XE(op_popcnt))
INSN(M38, PF2, 0xf0, XR, BOTH, "crc32", "Gd,Eb", PLAIN, ___, 0, 0, X8(op_crc32_8))
INSN(M38, PF2, 0xf1, XR, BOTH, "crc32", "Gd,Ev", PLAIN, ___, 0, 0, XE(op_crc32))

/* ---- state and ordering ---- */
INSN(M2, NP, 0xae, 0, MEM, "fxsave", "M", X87, ___, 0, 0, X1(op_fxsave))
INSN(M2, NP, 0xae, 1, MEM, "fxrstor", "M", X87, ___, 0, 0, X1(op_fxrstor))
INSN(M2, NP, 0xae, 2, MEM, "ldmxcsr", "Md", SSE, ___, 0, 0, X1(op_ldmxcsr))
INSN(M2, NP, 0xae, 3, MEM, "stmxcsr", "Md", SSE, ___, 0, 0, X1(op_stmxcsr))
INSN(M2, NP, 0xae, 7, MEM, "clflush", "Mb", PLAIN, ___, 0, 0, X1(op_clflush))
INSN(M2, NP, 0xae, 5, REG, "lfence", "", PLAIN, ___, 0, 0, X1(op_fence))
INSN(M2, NP, 0xae, 6, REG, "mfence", "", PLAIN, ___, 0, 0, X1(op_fence))
INSN(M2, NP, 0xae, 7, REG, "sfence", "", PLAIN, ___, 0, 0, X1(op_fence))

#undef SSE_INT
#undef SSE_FLOAT
#undef SSE_STUBS
#undef SSE_IMM_OP
#undef SSE_FLOAT_IMM_OP
#undef SSE_IMM
#undef SSE_FLOAT_IMM
#undef SSE_COMPARE
#undef SSE_BLENDV
#undef SSE_SHIFT
#undef MMX_INT
#undef MMX_SSE_INT
#undef SIMD
/* clang-format on */
