/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the processor's state a translation depends on, and the tags that stand for it. */
#include <assert.h>

#include "bt/crossing.h"
#include "bt/fpu.h"

static uint32_t data_bits(const struct vcpu *cpu, unsigned seg)
{
	return (uint32_t)cpu->seg[seg].data_kind << (MODE_SEG_SHIFT + 2 * seg);
}

uint32_t bt_mode(const struct vcpu *cpu)
{
	uint32_t mode = (uint32_t)cpu->seg[CS].code_kind << (MODE_SEG_SHIFT + 2 * CS);

	mode |= data_bits(cpu, ES) | data_bits(cpu, SS) | data_bits(cpu, DS) | data_bits(cpu, FS);
	/*
	 * Kernels leave a program's GS alone: that one program has it and another
	 * has not must not make two modes of all kernel code.
	 */
	mode |= cpu->cpl == 3 ? data_bits(cpu, GS) : KIND_CHECKED << (MODE_SEG_SHIFT + 2 * GS);
	if (cpu->seg[CS].attr & DESC_DB)
		mode |= MODE_CODE32;
	if (cpu->seg[SS].attr & DESC_DB)
		mode |= MODE_STACK32;
	if (cpu->cpl == 3)
		mode |= MODE_USER;
	if (cpu->cpl == 0)
		mode |= MODE_RING0;
	if (cpu->cpl <= iopl(cpu))
		mode |= MODE_IO;
	if (v86_mode(cpu))
		mode |= MODE_V86;
	if (cpu->cr0 & CR0_PE)
		mode |= MODE_PROT;
	if (bt_window(cpu, cpu->cpl == 3))
		mode |= MODE_WINDOW;
	return mode | fpu_mode(cpu);
}

static void forget_modes(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;

	jc_forget(cpu);
	crossing_forget(cpu);
	hot_forget(bt);
	memset(bt->mode_ids, 0, sizeof(bt->mode_ids));
	bt->mode_id_count = 0;
}

/* A small number for a mode and what EIP is relative to, for jump-cache tags. */
static unsigned mode_id(struct vcpu *cpu, uint32_t mode, uint32_t cs_base)
{
	struct bt *bt = cpu->bt;
	uint32_t h = (mode ^ cs_base >> 4) * 0x9e3779b1u >> 24;
	const struct mode_id *first = &bt->mode_ids[h];

	if (h && first->mode == mode && first->cs_base == cs_base && first->used)
		return h;
	for (;; h++) {
		struct mode_id *m = &bt->mode_ids[h % MODE_IDS];

		if (h % MODE_IDS == 0)
			continue;
		if (!m->used)
			break;
		if (m->mode == mode && m->cs_base == cs_base)
			return h % MODE_IDS;
	}
	if (bt->mode_id_count > MODE_IDS / 2) {
		forget_modes(cpu);
		return mode_id(cpu, mode, cs_base);
	}
	bt->mode_id_count++;
	bt->mode_ids[h % MODE_IDS] = (struct mode_id){mode, cs_base, true};
	return h % MODE_IDS;
}

#define ASID_BITS 24

uint64_t bt_jc_tag(struct vcpu *cpu, uint32_t mode)
{
	struct bt *bt = cpu->bt;
	uint32_t asid = cpu->cpl == 3 ? cpu->asid_user : cpu->asid_kernel;
	uint32_t epoch = asid >> ASID_BITS;

	if (epoch != bt->asid_epoch) { /* numbers begin to repeat */
		jc_forget(cpu);
		bt->asid_epoch = epoch;
	}
	/* CPL 3 is part of the mode, so that the two kinds of asid never meet. */
	return ((uint64_t)asid << 8 | mode_id(cpu, mode, cpu->seg[CS].base)) << 32;
}

/*
 * Of ring 3's two caches the other one with each change of the space, so that parent and
 * child, which run at the same addresses, take turns and do not share one.
 */
static unsigned user_jump_cache(struct vcpu *cpu)
{
	struct bt *bt = cpu->bt;

	static_assert(JUMP_CACHES == 3, "one for rings 0 to 2, two for ring 3");
	if (bt->jc_owner != cpu->asid_user) {
		bt->jc_owner = cpu->asid_user;
		bt->jc_latest ^= 1;
	}
	return 1 + bt->jc_latest;
}

void bt_select(struct vcpu *cpu, uint32_t mode, uint64_t tag)
{
	cpu->bt_tag_mode = mode;
	cpu->bt_jc = &cpu->bt->tables->jc[mode & MODE_USER ? user_jump_cache(cpu) : 0];
	cpu->bt_jc_tag = tag;
}
