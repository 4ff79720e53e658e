/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stubs for SYSENTER, SYSEXIT, IRET and loads of FS: bt/crossing.h. */
#include "bt/crossing.h"
#include "bt/stubs.h"
#include "bt/trans.h"
#include "cpu/descriptor.h"

enum { CMP_R_RM = 0x3b, CMP_RM_IMM8 = 0x83, TEST_RM_IMM = 0xf7 };

static struct rm plus(struct rm field, size_t offset)
{
	field.disp += (int32_t)offset;
	return field;
}

/* ---- what has to be as it was ---- */
static void check32(struct emit *e, struct give_up *g, struct rm is, struct rm was)
{
	emit_load32(e, RAX, is);
	emit_op(e, 0, CMP_R_RM, RAX, was);
	give_up_if(e, g, CC_NE);
}

static void check64(struct emit *e, struct give_up *g, struct rm is, struct rm was)
{
	emit_load64(e, RAX, is);
	emit_op(e, OP_W, CMP_R_RM, RAX, was);
	give_up_if(e, g, CC_NE);
}

/* Nobody wants attention, and what runs is what it has come from. */
static void check_from(struct emit *e, struct give_up *g, struct rm from)
{
	emit_op(e, 0, CMP_RM_IMM8, ALU_CMP, CPU_FIELD(bt_kick));
	emit1(e, 0);
	give_up_if(e, g, CC_NE);
	check64(e, g, CPU_FIELD(bt_jc_tag), from);
}

/* ---- what is done ---- */
static void copy32(struct emit *e, struct rm to, struct rm from)
{
	emit_load32(e, RAX, from);
	emit_store32(e, to, RAX);
}

static void copy64(struct emit *e, struct rm to, struct rm from)
{
	emit_load64(e, RAX, from);
	emit_store64(e, to, RAX);
}

static void store8(struct emit *e, struct rm to, unsigned value)
{
	emit_op(e, 0, 0xc6, 0, to);
	emit1(e, value);
}

static void load_segment(struct emit *e, unsigned seg, struct rm from)
{
	_Static_assert(sizeof(struct segment) % sizeof(uint64_t) == 0, "copied as a whole");
	for (unsigned i = 0; i < sizeof(struct segment); i += sizeof(uint64_t))
		copy64(e, segment_field(seg, i), plus(from, i));
}

/* The address behind the block's call of the stub is not gone back to. */
static void drop_return(struct emit *e)
{
	emit_lea64(e, RSP, rm_at(RSP, sizeof(uint64_t)));
}

static struct rm stack_field(bool user, size_t field)
{
	return plus(CPU_FIELD(bt_stacks), user * sizeof(struct bt_return_stack) + field);
}

/* ---- SYSENTER, SYSEXIT, IRET ---- */
/* c: the struct bt_crossing. */
#define NOTED(field) plus(c, offsetof(struct bt_crossing, field))

static void check_ring(struct emit *e, struct give_up *g, struct rm c, bool user)
{
	check_from(e, g, NOTED(from));
	check32(e, g, user ? CPU_FIELD(asid_user) : CPU_FIELD(asid_kernel), NOTED(asid));
	check64(e, g, user ? CPU_FIELD(window_base_user) : CPU_FIELD(window_base_supervisor),
		NOTED(window));
	if (user) { /* what is no part of the mode below ring 3, but of ring 3's */
		emit_op(e, OP_0F, 0xb6, RAX,
			segment_field(GS, offsetof(struct segment, data_kind)));
		emit_op(e, 0, CMP_R_RM, RAX, NOTED(gs_kind));
		give_up_if(e, g, CC_NE);
	}
	check64(e, g, NOTED(to), stack_field(user, offsetof(struct bt_return_stack, tag)));
}

static void check_clear(struct emit *e, struct give_up *g, struct rm field, uint32_t bits)
{
	emit_op(e, 0, TEST_RM_IMM, 0, field);
	emit4(e, bits);
	give_up_if(e, g, CC_NE);
}

/* As the instruction leaves it, and bt_select(). */
static void cross(struct emit *e, struct rm c, bool user)
{
	size_t rsp = offsetof(struct bt_return_stack, rsp);
	size_t view = (user ? TLB_USER : TLB_SUPERVISOR) * sizeof(((struct vcpu *)0)->tlb_views[0]);

	copy64(e, CPU_FIELD(bt_jc_tag), NOTED(to));
	copy32(e, CPU_FIELD(bt_tag_mode), NOTED(mode));
	copy64(e, CPU_FIELD(bt_jc), NOTED(jc));
	emit_load64(e, WINDOW, NOTED(window));
	emit_store64(e, CPU_FIELD(bt_window), WINDOW);
	load_segment(e, CS, NOTED(cs));
	load_segment(e, SS, NOTED(ss));
	emit_lea64(e, RAX, plus(CPU_FIELD(tlb_views), view));
	emit_store64(e, CPU_FIELD(tlb), RAX);
	store8(e, CPU_FIELD(cpl), user ? 3 : 0);
	drop_return(e);
	emit_store64(e, stack_field(!user, rsp), RSP);
	emit_load64(e, RSP, stack_field(user, rsp));
	store8(e, CPU_FIELD(bt_stack_user), user);
}

static void emit_sysenter(struct bt *bt, struct emit *e)
{
	struct give_up g = {.count = 0};
	struct rm c = CPU_FIELD(bt_sysenter);

	lend_flags(e);
	check_ring(e, &g, c, false);
	check32(e, &g, CPU_FIELD(msr.sysenter_cs), NOTED(sysenter_cs));
	cross(e, c, false); /* VM and RF are clear where code is translated */
	store8(e, CPU_FIELD(bt_if), 0);
	emit_op(e, OP_W, CMP_RM_IMM8, ALU_ADD, CPU_FIELD(ring3_exits));
	emit1(e, 1);
	restore_flags(e);
	emit_load32(e, host_reg(ESP), CPU_FIELD(msr.sysenter_esp));
	emit_load32(e, TMP0, CPU_FIELD(msr.sysenter_eip));
	emit_lookup(bt, e);
	give_up(bt, e, &g);
}

static void emit_sysexit(struct bt *bt, struct emit *e)
{
	struct give_up g = {.count = 0};
	struct rm c = CPU_FIELD(bt_sysexit);

	lend_flags(e);
	check_ring(e, &g, c, true);
	check32(e, &g, CPU_FIELD(msr.sysenter_cs), NOTED(sysenter_cs));
	check_clear(e, &g, CPU_FIELD(eflags), FL_IOPL | FL_AC);
	cross(e, c, true);
	restore_flags(e);
	emit_mov32(e, host_reg(ESP), RCX);
	emit_mov32(e, TMP0, RDX);
	emit_lookup(bt, e);
	give_up(bt, e, &g);
}

enum { FRAME_EIP, FRAME_CS, FRAME_EFLAGS, FRAME_ESP, FRAME_SS };

static struct rm frame(unsigned n)
{
	return plus(CPU_FIELD(bt_frame), 4 * n);
}

/* The frame's selector is the one noted, and so is its descriptor in the GDT. */
static void check_selector(struct emit *e, struct give_up *g, unsigned n, struct rm noted)
{
	emit_op(e, OP_0F, 0xb7, TMP0, frame(n));
	emit_op(e, OP_16, CMP_R_RM, TMP0, plus(noted, offsetof(struct segment, selector)));
	give_up_if(e, g, CC_NE);
	emit_descriptor(e, g);
	emit_op(e, OP_W, CMP_R_RM, RAX, plus(noted, offsetof(struct segment, raw)));
	give_up_if(e, g, CC_NE);
}

/* segment_drop_inner() does nothing to it: ring 3 may have it, or it is null without an RPL. */
static void check_kept(struct emit *e, struct give_up *g, unsigned seg)
{
	uint8_t *kept;

	emit_load32(e, RAX, segment_field(seg, offsetof(struct segment, attr)));
	alu_imm(e, ALU_AND, RAX, DESC_P | DESC_DPL);
	alu_imm(e, ALU_CMP, RAX, DESC_P | DESC_DPL);
	kept = emit_jcc8(e, CC_E);
	emit_op(e, 0, TEST_RM_IMM, 0, rm_reg(RAX));
	emit4(e, DESC_P);
	give_up_if(e, g, CC_NE);
	emit_op(e, OP_16, CMP_RM_IMM8, ALU_CMP,
		segment_field(seg, offsetof(struct segment, selector)));
	emit1(e, 0);
	give_up_if(e, g, CC_NE);
	emit_patch8(e, kept);
}

/* EFLAGS of the frame, of which nothing is set that check_clear() forbids. RAX is in R9. */
static void load_flags(struct emit *e)
{
	const uint32_t kept = FL_DF | FL_ID;

	emit_load32(e, TMP2, frame(FRAME_EFLAGS));
	emit_mov32(e, RAX, TMP2);
	alu_imm(e, ALU_AND, RAX, FL_RF);
	emit_store32(e, CPU_FIELD(bt_rf), RAX);
	emit_mov32(e, RAX, TMP2);
	take_if(e, RAX);
	emit_mov32(e, RAX, TMP2);
	alu_imm(e, ALU_AND, RAX, kept);
	emit_load32(e, TMP4, CPU_FIELD(eflags));
	alu_imm(e, ALU_AND, TMP4, ~(kept | CROSSING_IRET_FLAGS));
	emit_op(e, 0, 0x0b, RAX, rm_reg(TMP4));
	emit_store32(e, CPU_FIELD(eflags), RAX);
	take_flags(e, TMP2);
}

/* Nothing of ring 3 will have been executed when the monitor is asked: RF is set there. */
static void emit_iret_missed(struct bt *bt, struct emit *e)
{
	emit_load32(e, TMP1, CPU_FIELD(eflags));
	emit_load32(e, TMP2, CPU_FIELD(bt_rf));
	emit_lea32(e, TMP1, rm_indexed(TMP1, TMP2, 0, 0));
	emit_store32(e, CPU_FIELD(eflags), TMP1);
	emit_jmp(e, cache_rw(bt, bt->stubs.missed));
}

static void emit_iret(struct bt *bt, struct emit *e)
{
	static const uint8_t data[] = {ES, DS, FS, GS};
	struct give_up g = {.count = 0};
	struct rm c = CPU_FIELD(bt_iret);

	lend_flags(e);
	check_ring(e, &g, c, true);
	emit_op(e, 0, CMP_RM_IMM8, ALU_CMP, CPU_FIELD(pending)); /* IF may become set */
	emit1(e, 0);
	give_up_if(e, &g, CC_NE);
	check_clear(e, &g, CPU_FIELD(eflags), FL_NT);
	check_clear(e, &g, frame(FRAME_EFLAGS),
		    CROSSING_IRET_FLAGS | (bt->config.exact_fuel ? FL_RF : 0));
	check_selector(e, &g, FRAME_CS, NOTED(cs));
	check_selector(e, &g, FRAME_SS, NOTED(ss));
	for (unsigned i = 0; i < sizeof(data); i++)
		check_kept(e, &g, data[i]);
	cross(e, c, true);
	store8(e, CPU_FIELD(nmi_blocked), 0);
	load_flags(e);
	emit_load32(e, host_reg(ESP), frame(FRAME_ESP));
	emit_load32(e, TMP0, frame(FRAME_EIP));
	emit_lookup_or(bt, e, emit_iret_missed);
	give_up(bt, e, &g);
}

/* ---- FS ---- */
static struct rm fs_load(unsigned n, size_t field)
{
	return plus(CPU_FIELD(bt_fs_loads), n * sizeof(struct bt_fs_load) + field);
}
#define FS_LOAD(field) fs_load(n, offsetof(struct bt_fs_load, field))

static void release_stack(struct emit *e, bool popped)
{
	if (popped)
		emit_lea32(e, host_reg(ESP), rm_at(host_reg(ESP), 4));
}

/* Back to the block, in whose mode it goes on. */
static void same_mode(struct emit *e, bool popped)
{
	restore_flags(e);
	release_stack(e, popped);
	emit_ret(e);
}

/* To the EIP in R13D, in another mode; the calls of the one before will not be returned to. */
static void other_mode(struct bt *bt, struct emit *e, unsigned n, bool popped)
{
	copy64(e, CPU_FIELD(bt_jc_tag), FS_LOAD(to));
	emit_store64(e, stack_field(false, offsetof(struct bt_return_stack, tag)), RAX);
	copy32(e, CPU_FIELD(bt_tag_mode), FS_LOAD(mode));
	emit_load64(e, RSP, stack_field(false, offsetof(struct bt_return_stack, top)));
	restore_flags(e);
	release_stack(e, popped);
	emit_load32(e, TMP0, CPU_FIELD(bt_resume));
	emit_lookup(bt, e);
}

/* The selector is the one noted, and has led from what runs. */
static void check_load(struct emit *e, struct give_up *g, unsigned n)
{
	emit_op(e, OP_16, CMP_R_RM, TMP0, FS_LOAD(fs.selector));
	give_up_if(e, g, CC_NE);
	check_from(e, g, FS_LOAD(from));
}

static void load_noted(struct bt *bt, struct emit *e, unsigned n, bool popped)
{
	uint8_t *other;

	load_segment(e, FS, FS_LOAD(fs));
	emit_load64(e, RAX, FS_LOAD(to));
	emit_op(e, OP_W, CMP_R_RM, RAX, CPU_FIELD(bt_jc_tag));
	other = emit_jcc_ahead(e, CC_NE);
	same_mode(e, popped);
	emit_patch32(e, other);
	other_mode(bt, e, n, popped);
}

/* A null selector leaves base and limit alone, so it counts what they were. */
static void load_null(struct bt *bt, struct emit *e, struct give_up *g, bool popped)
{
	unsigned n = BT_FS_NULL;

	check_load(e, g, n);
	check64(e, g, segment_field(FS, offsetof(struct segment, raw)), FS_LOAD(old_raw));
	emit_op(e, OP_0F, 0xb7, RAX, segment_field(FS, offsetof(struct segment, selector)));
	emit_op(e, OP_16, CMP_R_RM, RAX, FS_LOAD(old_selector));
	give_up_if(e, g, CC_NE);
	load_noted(bt, e, n, popped);
}

/* Another is what the GDT says. */
static void load_described(struct bt *bt, struct emit *e, struct give_up *g, unsigned n,
			   bool popped)
{
	check_load(e, g, n);
	emit_descriptor(e, g);
	emit_op(e, OP_W, CMP_R_RM, RAX, FS_LOAD(fs.raw));
	give_up_if(e, g, CC_NE);
	load_noted(bt, e, n, popped);
}

static void emit_load_fs(struct bt *bt, struct emit *e, bool popped)
{
	struct give_up g = {.count = 0};
	uint8_t *null, *odd;

	emit_store64(e, CPU_FIELD(bt_resume), TMP4);
	lend_flags(e);
	alu_imm(e, ALU_CMP, TMP0, SELECTOR_RPL);
	null = emit_jcc_ahead(e, CC_BE);
	emit_op(e, 0, TEST_RM_IMM, 0, rm_reg(TMP0));
	emit4(e, 8);
	odd = emit_jcc_ahead(e, CC_NE);
	load_described(bt, e, &g, BT_FS_EVEN, popped);
	emit_patch32(e, odd);
	load_described(bt, e, &g, BT_FS_ODD, popped);
	emit_patch32(e, null);
	load_null(bt, e, &g, popped);
	give_up(bt, e, &g);
}

void crossing_emit(struct bt *bt, struct emit *e)
{
	bt->stubs.sysenter = stub_begin(bt, e);
	emit_sysenter(bt, e);
	bt->stubs.sysexit = stub_begin(bt, e);
	emit_sysexit(bt, e);
	bt->stubs.iret = stub_begin(bt, e);
	emit_iret(bt, e);
	for (unsigned popped = 0; popped < 2; popped++) {
		bt->stubs.load_fs[popped] = stub_begin(bt, e);
		emit_load_fs(bt, e, popped);
	}
}
