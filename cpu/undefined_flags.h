/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the SDM leaves undefined (2A, 2B "Flags Affected" of each instruction). */
#ifndef CPU_UNDEFINED_FLAGS_H
#define CPU_UNDEFINED_FLAGS_H

#include "cpu/table.h"

/* Not known: the count of a shift by CL. All that some count leaves undefined is meant. */
#define SHIFT_COUNT_UNKNOWN 32u

/* The flags that are undefined after the instruction; cl is ECX & 31 before it. */
uint32_t insn_undefined_flags(const struct insn_row *row, const struct insn *in, unsigned cl);
/* The masked count of a shift or rotate. */
unsigned insn_shift_count(const struct insn_row *row, const struct insn *in, unsigned cl);
/* Whether it is SHLD or SHRD. */
bool insn_is_double_shift(const struct insn_row *row);
/* Bits of its first operand. */
unsigned insn_operand_bits(const struct insn_row *row, const struct insn *in);

#endif
