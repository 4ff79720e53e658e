/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation rules of what kernels do at each system call and interrupt: the ways into
 * ring 0 and back (bt/crossing.h), RDTSC, reads of control registers.
 */
#include "bt/trans.h"
#include "cpu/features.h"

/* IRET -> the frame to vcpu.bt_frame; a stub, as below */
static bool iret(struct trans *t)
{
	if (!(t->mode & MODE_RING0) || !(t->mode & MODE_PROT) || !(t->mode & MODE_STACK32) ||
	    !t->in->operand32)
		return false;
	for (unsigned i = 0; i < sizeof(t->cpu->bt_frame) / 4; i++) {
		struct rm to = CPU_FIELD(bt_frame);

		to.disp += (int32_t)(4 * i);
		trans_load(t, TMP0, trans_stack(t, (int)(4 * i), READ, 4), 4);
		emit_store32(&t->e, to, TMP0);
	}
	trans_call(t, t->bt->stubs.iret);
	t->ended = true;
	return true;
}

/* SYSENTER SYSEXIT -> a stub, which does what it has noted of the last one (bt/crossing.h). */
bool select_crossing(struct trans *t)
{
	if (t->row->map == M1 && t->in->opcode == 0xcf)
		return iret(t);
	if (t->row->map != M2 || !(t->mode & MODE_PROT) || t->mode & MODE_V86)
		return false;
	if (t->in->opcode == 0x34 && t->mode & MODE_USER)
		trans_call(t, t->bt->stubs.sysenter);
	else if (t->in->opcode == 0x35 && t->mode & MODE_RING0)
		trans_call(t, t->bt->stubs.sysexit);
	else
		return false;
	t->ended = true;
	return true;
}

/*
 * RDTSC -> the same, and what the guest's TSC is ahead of the host's by; at CPL 0, and where
 * CR4.TSD does not forbid it. The bit that tells is put where JRCXZ sees it alone.
 */
bool select_tsc(struct trans *t)
{
	struct emit *e = &t->e;
	uint8_t *allowed;

	if (t->row->map != M2 || t->in->opcode != 0x31 || t->bt->config.exact_fuel ||
	    !t->cpu->ops->tsc_offset || !cpu_has(t->cpu, FEATURE_TSC))
		return false;
	if (!(t->mode & MODE_RING0)) {
		_Static_assert(CR4_TSD == 1u << 2, "the third bit");
		emit_load32(e, TMP0, CPU_FIELD(cr4));
		emit_rorx(e, true, TMP0, TMP0, 3); /* to bit 63 */
		emit_mov_imm32(e, TMP1, 63);
		emit_shiftx(e, true, VEX_SHRX, TMP0, TMP0, TMP1);
		emit_mov(e, TMP1, RCX);
		emit_mov(e, RCX, TMP0);
		allowed = emit_jrcxz(e);
		emit_mov(e, RCX, TMP1);
		trans_slow(t); /* #GP */
		emit_patch8(e, allowed);
		emit_mov(e, RCX, TMP1);
	}
	emit_load64(e, TMP0, CPU_FIELD(bt_tsc_ahead));
	emit1(e, 0x0f);
	emit1(e, 0x31);
	emit_rorx(e, true, TMP1, RDX, 32);
	emit_lea64(e, TMP0, rm_indexed(TMP0, TMP1, 0, 0));
	emit_lea64(e, TMP0, rm_indexed(TMP0, RAX, 0, 0));
	emit_mov32(e, RAX, TMP0);
	emit_rorx(e, true, TMP0, TMP0, 32);
	emit_mov32(e, RDX, TMP0);
	return true;
}

/* MOV r,CR0 CR2 CR3 -> MOV r,vcpu.cr* */
bool select_mov_from_cr(struct trans *t)
{
	static const int32_t fields[] = {
		[0] = offsetof(struct vcpu, cr0),
		[2] = offsetof(struct vcpu, cr2),
		[3] = offsetof(struct vcpu, cr3),
	};
	unsigned n = t->in->reg;

	if (!(t->mode & MODE_RING0) || n > 3 || n == 1)
		return false;
	emit_load32(&t->e, host_reg(t->in->rm), rm_at(VCPU, fields[n]));
	return true;
}
