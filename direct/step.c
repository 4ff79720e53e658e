/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single steps: each run is one instruction, or one element of a repeated string
 * instruction, and is paid for as the interpreter's, so that instructions are counted
 * (-icount) and lockstep can look at each. A run takes 10 us or so.
 */
#include <signal.h>
#include <string.h>

#include "cpu/block.h"
#include "cpu/table.h"
#include "direct/direct_internal.h"

/*
 * The host shows its TF to PUSHF, and takes TF for the guest's after POPF. INT1 and a step
 * look alike.
 */
bool step_fits(struct direct *d)
{
	const struct insn *in = block_find(d->cpu)->insns;
	const struct insn_row *row = &insn_table[in->row];

	d->step_eip = d->cpu->eip;
	d->step_repeats = row->class == STRING && in->rep != REP_NONE;
	return strcmp(row->name, "pushf") && strcmp(row->name, "popf") && strcmp(row->name, "int1");
}

bool step_ended(struct direct *d, const siginfo_t *info)
{
	struct vcpu *cpu = d->cpu;

	/*
	 * TRAP_BRKPT is what Linux makes of a #DB that left nothing in DR6, as a step's may if what
	 * the host itself runs on has lost BS.
	 */
	if (info->si_code != TRAP_TRACE && info->si_code != TRAP_BRKPT)
		return false;
	cpu->fuel--;
	cpu->repeating = d->step_repeats && cpu->eip == d->step_eip;
	return true;
}
