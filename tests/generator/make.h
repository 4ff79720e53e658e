/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes cases from rows of the instruction table. */
#ifndef TESTS_GENERATOR_MAKE_H
#define TESTS_GENERATOR_MAKE_H

#include "cpu/decode.h"
#include "cpu/table.h"
#include "tests/unit/values.h"
#include "world.h"

/* For whom cases are made. */
enum case_kind {
	CASE_ANY,
	CASE_FLAT, /* mostly what direct execution takes: GUEST_DIRECT */
};

/* Case `number` of the seed, from this row. The same arguments give the same case. */
void make_case(const struct decoder *d, enum case_kind kind, uint64_t seed, uint64_t number,
	       uint16_t row, struct test_case *c);

/* Whether the case's code is 32-bit. */
bool case_is_32(const struct test_case *c);

/* ---- make_code.c ---- */
/* The case's bytes as they are made, and where the parts to be solved later lie. */
struct code_parts {
	bool operand32, address32;
	uint8_t displacement, displacement_size; /* offset in code; 0: none */
	uint8_t immediate;			 /* offset in code */
};
void make_code(uint64_t *seed, const struct insn_row *row, bool code32, struct test_case *c,
	       struct code_parts *parts);

/* ---- make_memory.c ---- */
/* An address in or near the mapped pages for an operand of size bytes. */
uint32_t random_target(uint64_t *seed, uint32_t size);
/* A selector for a data segment or SS that can be there at the start. */
uint16_t random_data_selector(uint64_t *seed, bool code32, bool stack);
/* A selector to be loaded, good and bad ones. */
uint16_t random_selector(uint64_t *seed);
/* What the row's memory operand holds; returns its size. */
uint32_t make_operand(uint64_t *seed, const struct insn_row *row, const struct test_case *c,
		      bool operand32, uint8_t *bytes);
/* What the stack holds: a frame for far returns. Returns its size. */
uint32_t make_frame(uint64_t *seed, const struct insn_row *row, const struct test_case *c,
		    bool operand32, uint8_t *bytes);
/* An instruction pointer to go to. */
uint32_t random_eip(uint64_t *seed, const struct test_case *c);

/* Numbers that are edges more often than not. */
uint32_t random_u32(uint64_t *seed);
/* True once in n times. */
static inline bool once_in(uint64_t *seed, unsigned n)
{
	return (unit_random(seed) >> 32) % n == 0;
}
static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)((unit_random(seed) >> 32) * n >> 32);
}
static inline bool row_named(const struct insn_row *row, const char *name)
{
	return !strcmp(row->name, name);
}

#endif
