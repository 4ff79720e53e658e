/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction table: one row per encoding in the opcode map (SDM 2D,
 * appendix A), in the manual's own operand letters. Decoder glue, interpreter,
 * translator and test generator all expand these rows; there is no second list.
 *
 * INSN(map, prefix, opcode, ext, mod, name, operands, class, end,
 *      flags_read, flags_written, exec)
 *
 *  map      M1: one byte, M2: 0F xx, M38: 0F 38 xx, M3A: 0F 3A xx
 *  prefix   mandatory prefix: NP none (and 66/F2/F3 make another row),
 *           P66, PF3, PF2, or ANY where prefixes only modify
 *  opcode   last opcode byte
 *  ext      0-7: ModRM.reg; XR: any ModRM.reg; XN: no ModRM byte;
 *           0xC0-0xFF: the ModRM byte is exactly this
 *  mod      MEM: mod != 3, REG: mod == 3, BOTH
 *  name     mnemonic, lower case
 *  operands Intel letters: "Eb,Gb"; "" if none
 *  class    privilege class, enum insn_class
 *  end      END if it may change control flow, mode, or what interrupts may
 *           come in: it is the last of its block. ___ otherwise
 *  flags    FL_* read and written (undefined ones count as written)
 *  exec     handlers by form: X1(f): one for all. XV(f): by operand size
 *           (f_16, f_32). X8(f): f_r, f_m by mod; XB(f): f_r8, f_m8. XE(f): by
 *           both (f_r16, f_r32, f_m16, f_m32)
 *
 * A row applies to the alias encodings its opcode range covers through
 * INSN8(): eight rows for opcode+0 to +7, the low bits naming a register.
 */
#ifndef CPU_TABLE_H
#define CPU_TABLE_H

#include "cpu/insn.h"

enum insn_map { M1, M2, M38, M3A };
enum insn_prefix { ANY, NP, P66, PF3, PF2 };
enum { XR = 8, XN = 9 };
enum insn_mod { BOTH, MEM, REG };

enum insn_class {
	PLAIN,      /* same at every privilege, no trap needed */
	SENSITIVE,  /* unprivileged, but shows or depends on privileged state */
	PRIVILEGED, /* faults outside ring 0 (or by IOPL) */
	TRANSFER,   /* near control transfer */
	FAR,        /* far transfer, interrupt, task switch */
	X87,        /* needs CR0.EM/TS clear */
	MMX,
	SSE,        /* needs CR4.OSFXSR too */
	STRING,     /* takes REP: ends its block when repeated */
};

struct insn_row {
	uint8_t map, prefix, opcode, ext, mod, class;
	bool ends_block;
	const char *name, *operands;
	uint32_t flags_read, flags_written;
	insn_fn *exec[2][2]; /* [memory][operand32] */
};

extern const struct insn_row insn_table[];
extern const unsigned insn_table_rows;

#endif
