/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instruction table's rows, expanded: first the handlers' prototypes. */
#include "cpu/table.h"

#define INSN8(map, prefix, opcode, ...)                                                            \
	INSN(map, prefix, (opcode) + 0, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 1, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 2, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 3, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 4, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 5, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 6, __VA_ARGS__)                                               \
	INSN(map, prefix, (opcode) + 7, __VA_ARGS__)

#define INSN(map, prefix, opcode, ext, mod, name, operands, class, end, fr, fw, ...) __VA_ARGS__
#define X1(f) insn_fn f;
#define XV(f) insn_fn f##_16, f##_32;
#define X8(f) insn_fn f##_r, f##_m;
#define XB(f) insn_fn f##_r8, f##_m8;
#define XE(f) insn_fn f##_r16, f##_r32, f##_m16, f##_m32;
#include "cpu/table_rows.h"
#undef INSN
#undef X1
#undef XV
#undef X8
#undef XB
#undef XE

#define END true
#define ___ false
#define X1(f) {{f, f}, {f, f}}
#define XV(f) {{f##_16, f##_32}, {f##_16, f##_32}}
#define X8(f) {{f##_r, f##_r}, {f##_m, f##_m}}
#define XB(f) {{f##_r8, f##_r8}, {f##_m8, f##_m8}}
#define XE(f) {{f##_r16, f##_r32}, {f##_m16, f##_m32}}
#define INSN(map_, prefix_, opcode_, ext_, mod_, name_, operands_, class_, end_, fr, fw, ...)      \
	{.map = map_,                                                                              \
	 .prefix = prefix_,                                                                        \
	 .opcode = opcode_,                                                                        \
	 .ext = ext_,                                                                              \
	 .mod = mod_,                                                                              \
	 .class = class_,                                                                          \
	 .ends_block = end_,                                                                       \
	 .name = name_,                                                                            \
	 .operands = operands_,                                                                    \
	 .flags_read = fr,                                                                         \
	 .flags_written = fw,                                                                      \
	 .exec = __VA_ARGS__},

const struct insn_row insn_table[] = {
#include "cpu/table_rows.h"
};
const unsigned insn_table_rows = sizeof(insn_table) / sizeof(insn_table[0]);
