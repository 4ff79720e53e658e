/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SYSENTER, SYSEXIT, IRET and loads of FS: what is noted of them, bt/crossing.h. */
#include "bt/crossing.h"

#include "cpu/descriptor.h"
#include "cpu/table.h"

enum crossing_kind crossing_kind(const struct insn *in)
{
	const struct insn_row *row = &insn_table[in->row];

	if (row->map == M1 && row->opcode == 0xcf)
		return CROSSING_IRET;
	if (row->map == M1)
		return row->opcode == 0x8e && in->reg == FS ? CROSSING_FS : CROSSING_NONE;
	if (row->map != M2)
		return CROSSING_NONE;
	switch (row->opcode) {
	case 0x34:
		return CROSSING_SYSENTER;
	case 0x35:
		return CROSSING_SYSEXIT;
	case 0xa1: /* POP FS */
		return CROSSING_FS;
	default:
		return CROSSING_NONE;
	}
}

static uint64_t data_selectors(const struct vcpu *cpu)
{
	return cpu->seg[ES].selector | (uint64_t)cpu->seg[DS].selector << 16 |
	       (uint64_t)cpu->seg[FS].selector << 32 | (uint64_t)cpu->seg[GS].selector << 48;
}

struct crossing crossing_begin(const struct vcpu *cpu)
{
	return (struct crossing){.tag = cpu->bt_jc_tag,
				 .fs_raw = cpu->seg[FS].raw,
				 .fs_selector = cpu->seg[FS].selector,
				 .selectors = data_selectors(cpu)};
}

static void learn_ring(struct vcpu *cpu, struct bt_crossing *c, uint64_t from, bool user)
{
	cpu->bt->n.crossings++;
	*c = (struct bt_crossing){
		.from = from,
		.to = cpu->bt_jc_tag,
		.window = bt_window(cpu, user),
		.jc = cpu->bt_jc,
		.mode = cpu->bt_tag_mode,
		.asid = user ? cpu->asid_user : cpu->asid_kernel,
		.sysenter_cs = cpu->msr.sysenter_cs,
		.gs_kind = cpu->seg[GS].data_kind,
		.cs = cpu->seg[CS],
		.ss = cpu->seg[SS],
	};
}

static unsigned fs_load_of(uint16_t selector)
{
	if (selector_is_null(selector))
		return BT_FS_NULL;
	return selector & 8 ? BT_FS_ODD : BT_FS_EVEN;
}

/* To flat 32-bit code of ring 3 by descriptors of the GDT, with no data segment lost by it. */
static void learn_iret(struct vcpu *cpu, const struct crossing *before)
{
	const struct segment *cs = &cpu->seg[CS], *ss = &cpu->seg[SS];

	if (cpu->cpl != 3 || !protected_mode(cpu) || before->selectors != data_selectors(cpu) ||
	    cpu->eflags & CROSSING_IRET_FLAGS || cs->code_kind != KIND_FLAT ||
	    ss->data_kind != KIND_FLAT || !(cs->attr & ss->attr & DESC_DB) || !cs->raw || !ss->raw)
		return;
	learn_ring(cpu, &cpu->bt_iret, before->tag, true);
}

/* A null selector behind which FS was null already says nothing of other base and limit. */
static void learn_fs(struct vcpu *cpu, const struct crossing *before)
{
	const struct segment *fs = &cpu->seg[FS];

	if (!(fs->raw || before->fs_raw) || !(cpu->cr0 & CR0_PE) || cpu->cpl)
		return;
	cpu->bt->n.crossings++;
	cpu->bt_fs_loads[fs_load_of(fs->selector)] = (struct bt_fs_load){
		.from = before->tag,
		.to = cpu->bt_jc_tag,
		.old_raw = before->fs_raw,
		.old_selector = before->fs_selector,
		.mode = cpu->bt_tag_mode,
		.fs = *fs,
	};
}

void crossing_learn(struct vcpu *cpu, enum crossing_kind kind, const struct crossing *before)
{
	switch (kind) {
	case CROSSING_SYSENTER:
		learn_ring(cpu, &cpu->bt_sysenter, before->tag, false);
		break;
	case CROSSING_SYSEXIT:
		/* The mode gone to depends on these: the stub wants them clear. */
		if (!(cpu->eflags & (FL_IOPL | FL_AC)))
			learn_ring(cpu, &cpu->bt_sysexit, before->tag, true);
		break;
	case CROSSING_IRET:
		learn_iret(cpu, before);
		break;
	case CROSSING_FS:
		learn_fs(cpu, before);
		break;
	case CROSSING_NONE:
		break;
	}
}

void crossing_forget(struct vcpu *cpu)
{
	cpu->bt_sysenter.from = cpu->bt_sysexit.from = cpu->bt_iret.from = 0;
	for (unsigned i = 0; i < BT_FS_LOADS; i++)
		cpu->bt_fs_loads[i].from = 0;
}
