/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDM leaves flags undefined after some instructions, and what a chip leaves
 * there can depend on what it did before: an engine that executes others in
 * between gets something else. To know which flags that excuses, the step's
 * instructions are decoded once more, when flags do differ.
 */
#include "monitor/lockstep_flags.h"

#include "cpu/access.h"
#include "cpu/decode.h"
#include "cpu/undefined_flags.h"
#include "monitor/vm_internal.h"

/* Bytes of code at gva, as far as they are mapped. */
static unsigned fetch(struct vm *vm, uint32_t gva, uint8_t *bytes)
{
	unsigned n = 0;
	gpa_t gpa;

	for (; n < INSN_MAX_LENGTH && paging_debug_translate(vm->cpu, gva + n, &gpa); n++)
		physmem_dma_read(vm->mem, gpa, bytes + n, 1);
	return n;
}

uint32_t lockstep_undefined_flags(const struct decoder *d, struct vm *vm, uint32_t gva,
				  bool code32, uint64_t count, uint32_t undefined)
{
	uint8_t bytes[INSN_MAX_LENGTH];
	struct insn in;

	while (count--) {
		const struct insn_row *row;

		if (decode_insn(d, bytes, fetch(vm, gva, bytes), code32, &in) != DECODE_OK)
			break;
		row = &insn_table[in.row];
		undefined &= ~row->flags_written;
		undefined |= insn_undefined_flags(row, &in, SHIFT_COUNT_UNKNOWN);
		if (in.ends_block)
			break;
		gva += in.length;
	}
	return undefined;
}
