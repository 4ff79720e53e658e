/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that every block shares: entering and leaving, the software TLB's
 * probe, segment checks, and the way to the interpreter. Emitted once, at the
 * beginning of the code cache.
 */
#include "bt/crossing.h"
#include "bt/fpu.h"
#include "bt/stubs.h"
#include "bt/trans.h"

static void move_xmm(struct emit *e, bool save)
{
	uint8_t *skip;

	emit_op(e, 0, 0x80, ALU_CMP, CPU_FIELD(bt_xmm));
	emit1(e, 0);
	skip = emit_jcc8(e, CC_E);
	for (unsigned i = 0; i < 8; i++)
		emit_op(e, OP_0F, save ? 0x29 : 0x28, i,
			rm_at(VCPU, (int32_t)(offsetof(struct vcpu, fx.xmm) + 16 * i)));
	emit_patch8(e, skip);
}

static struct rm guest_reg(unsigned n)
{
	return rm_at(VCPU, (int32_t)(offsetof(struct vcpu, regs) + 4 * n));
}

/* image |= IF */
static void add_if(struct emit *e, unsigned image, unsigned temporary)
{
	emit_op(e, OP_0F, 0xb6, temporary, CPU_FIELD(bt_if));
	shift_imm(e, SHIFT_LEFT, temporary, 8);
	emit_op(e, 0, 0x0b, image, rm_reg(temporary));
}

/* What vcpu.eflags has clear while translated code runs: it is elsewhere, and bit 1 in AH. */
#define FLAGS_ELSEWHERE (FL_ARITH | FL_IF | 2)

/* Guest registers and flags to struct vcpu. Keeps R11. */
static void save_state(struct emit *e)
{
	for (unsigned i = 0; i < 8; i++)
		emit_store32(e, guest_reg(i), host_reg(i));
	emit_lahf(e);
	emit_seto_al(e);
	emit_op(e, OP_0F, 0xb6, RCX, rm_reg(4)); /* movzx ecx, ah */
	emit_op(e, OP_0F, 0xb6, RAX, rm_reg(RAX));
	shift_imm(e, SHIFT_LEFT, RAX, FLAG_OF_BIT);
	emit_op(e, 0, 0x0b, RCX, rm_reg(RAX)); /* or ecx, eax */
	emit_load32(e, RAX, CPU_FIELD(eflags));
	emit_op(e, 0, 0x0b, RAX, rm_reg(RCX));
	add_if(e, RAX, RCX);
	emit_store32(e, CPU_FIELD(eflags), RAX);
	move_xmm(e, true);
}

/* The reverse, and the window. Keeps R11. */
static void load_state(struct emit *e)
{
	move_xmm(e, false);
	emit_load32(e, RAX, CPU_FIELD(eflags));
	emit_mov32(e, RCX, RAX);
	take_if(e, RCX);
	emit_op(e, 0, 0x81, ALU_AND, CPU_FIELD(eflags));
	emit4(e, ~(uint32_t)FLAGS_ELSEWHERE);
	emit_mov32(e, RCX, RAX);
	emit_op(e, 0, 0x88, RAX, rm_reg(4)); /* mov ah, al */
	shift_imm(e, SHIFT_RIGHT, RCX, FLAG_OF_BIT);
	alu_imm(e, ALU_AND, RCX, 1);
	emit_op(e, 0, 0x80, ALU_ADD, rm_reg(RCX)); /* add cl, 7fh: OF */
	emit1(e, 0x7f);
	emit_sahf(e);
	emit_load64(e, WINDOW, CPU_FIELD(bt_window));
	for (unsigned i = 0; i < 8; i++)
		emit_load32(e, host_reg(i), guest_reg(i));
}

static void push(struct emit *e, unsigned reg)
{
	if (reg & 8)
		emit1(e, 0x41);
	emit1(e, 0x50 | (reg & 7));
}
static void pop(struct emit *e, unsigned reg)
{
	if (reg & 8)
		emit1(e, 0x41);
	emit1(e, 0x58 | (reg & 7));
}
static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void rsp_add(struct emit *e, int n)
{
	emit_lea64(e, RSP, rm_at(RSP, n));
}

static void emit_enter(struct emit *e)
{
	for (unsigned i = 0; i < sizeof(callee_saved); i++)
		push(e, callee_saved[i]);
	rsp_add(e, -8);
	emit_mov(e, VCPU, RDI);
	emit_store64(e, CPU_FIELD(bt_rsp), RSP);
	emit_mov(e, R11, RSI);
	load_state(e);
	emit_load32(e, TMP0, CPU_FIELD(eip));
	emit_load64(e, RSP, CPU_FIELD(bt_returns));
	emit_op(e, 0, 0xff, 4, rm_reg(R11)); /* jmp r11 */
}

/* Back to C with RAX. */
static void return_to_c(struct emit *e)
{
	emit_load64(e, RSP, CPU_FIELD(bt_rsp));
	rsp_add(e, 8);
	for (unsigned i = sizeof(callee_saved); i-- > 0;)
		pop(e, callee_saved[i]);
	emit_ret(e);
}

static void emit_leave(struct emit *e)
{
	save_state(e);
	emit_store64(e, CPU_FIELD(bt_returns), RSP);
	return_to_c(e);
}

typedef uint64_t next_fn(struct vcpu *cpu, uint64_t argument);

/* Calls fn, which returns where to go on or 0 to leave, with what is in R11. */
static void call_c(struct emit *e, next_fn *fn)
{
	uint8_t *stay;

	emit_store64(e, CPU_FIELD(bt_resume), R11);
	save_state(e);
	emit_store64(e, CPU_FIELD(bt_returns), RSP);
	emit_load64(e, RSP, CPU_FIELD(bt_rsp));
	emit_mov(e, RDI, VCPU);
	emit_load64(e, RSI, CPU_FIELD(bt_resume));
	emit_mov_imm64(e, RAX, (uintptr_t)fn);
	emit_op(e, 0, 0xff, 2, rm_reg(RAX)); /* call rax */
	emit_op(e, OP_W, 0x85, RAX, rm_reg(RAX));
	stay = emit_jcc8(e, CC_NE);
	return_to_c(e);
	emit_patch8(e, stay);
	emit_store64(e, CPU_FIELD(bt_resume), RAX);
	load_state(e);
	emit_load32(e, TMP0, CPU_FIELD(eip)); /* where a block is entered */
	emit_load64(e, RSP, CPU_FIELD(bt_returns));
	emit_op(e, 0, 0xff, 4, CPU_FIELD(bt_resume)); /* jmp [bt_resume] */
}

/* The same with the address behind the caller's call. */
static void call_c_from(struct emit *e, next_fn *fn)
{
	pop(e, R11);
	call_c(e, fn);
}

static void emit_missed(struct emit *e)
{
	emit_store32(e, CPU_FIELD(eip), TMP0);
	emit_mov_imm32(e, R11, 0);
	call_c(e, bt_next);
}

/*
 * R8D: linear address. Returns with R9 so that [R8+R9] is the operand in host
 * memory, or has the instruction interpreted. Leaves flags alone; spares R13.
 * The last byte's page is looked for in the first one's slot: an access
 * across a page misses.
 */
static void emit_probe(struct bt *bt, struct emit *e, unsigned view, bool write, unsigned bytes)
{
	size_t soft = offsetof(struct bt_tables, soft) + view * sizeof(struct soft_tlb);
	size_t tags = soft + (write ? offsetof(struct soft_tlb, write)
				    : offsetof(struct soft_tlb, read));
	uint8_t *hit;

	emit_rorx(e, false, TMP1, TMP0, PAGE_SHIFT);
	emit_movzx16(e, TMP1, TMP1);
	emit_lea64(e, TMP2, rm_at(TMP0, (int32_t)(bytes + PAGE_SIZE - 1)));
	emit_rorx(e, true, TMP2, TMP2, PAGE_SHIFT);
	emit_load64(e, TMP3, CPU_FIELD(bt_tables));
	emit_load32(e, TMP3, rm_indexed(TMP3, TMP1, 2, (int32_t)tags));
	emit_lea32(e, TMP3, rm_indexed(TMP3, TMP2, 0, 0));
	emit_mov(e, TMP2, RCX);
	emit_mov(e, RCX, TMP3);
	hit = emit_jrcxz(e);
	emit_mov(e, RCX, TMP2);
	emit_jmp(e, cache_rw(bt, bt->stubs.slow));
	emit_patch8(e, hit);
	emit_mov(e, RCX, TMP2);
	emit_load64(e, TMP2, CPU_FIELD(bt_tables));
	emit_load64(e, TMP1,
		    rm_indexed(TMP2, TMP1, 3,
			       (int32_t)(soft + offsetof(struct soft_tlb, delta))));
	emit_ret(e);
}

/*
 * R8D: offset in the segment. Returns with the linear address in R8D, or has
 * the instruction interpreted, which raises #GP or #SS. Spares flags and R13.
 */
static void emit_check(struct bt *bt, struct emit *e, unsigned seg, bool write, unsigned bytes)
{
	size_t lo = write ? offsetof(struct segment, lo_write) : offsetof(struct segment, lo);
	size_t hi = write ? offsetof(struct segment, hi_write) : offsetof(struct segment, hi_read);
	struct give_up g = {.count = 0};

	lend_flags(e);
	emit_op(e, 0, 0x3b, TMP0, segment_field(seg, lo)); /* cmp r8d, lo */
	give_up_if(e, &g, CC_B);
	emit_lea32(e, TMP2, rm_at(TMP0, (int32_t)bytes - 1));
	emit_op(e, 0, 0x3b, TMP2, rm_reg(TMP0));
	give_up_if(e, &g, CC_B);
	emit_op(e, 0, 0x3b, TMP2, segment_field(seg, hi));
	give_up_if(e, &g, CC_A);
	emit_op(e, 0, 0x03, TMP0, segment_field(seg, offsetof(struct segment, base)));
	restore_flags(e);
	emit_ret(e);
	give_up(bt, e, &g);
}

/*
 * R13D = EFLAGS as PUSHF shows it outside of virtual-8086 mode, where VM is clear; RF is in
 * translated code. The parts have no bit in common.
 */
static void emit_pushf(struct emit *e)
{
	emit_mov(e, TMP1, RAX);
	emit_lahf(e);
	emit_seto_al(e);
	emit_op(e, OP_0F, 0xb6, TMP3, rm_reg(RAX));
	emit_op(e, OP_0F, 0xb6, RAX, rm_reg(4)); /* movzx eax, ah */
	emit_rorx(e, false, TMP3, TMP3, 32 - FLAG_OF_BIT);
	emit_lea32(e, RAX, rm_indexed(RAX, TMP3, 0, 0));
	emit_op(e, OP_0F, 0xb6, TMP3, CPU_FIELD(bt_if));
	emit_rorx(e, false, TMP3, TMP3, 32 - 8);
	emit_lea32(e, RAX, rm_indexed(RAX, TMP3, 0, 0));
	emit_load32(e, TMP4, CPU_FIELD(eflags));
	emit_lea32(e, TMP4, rm_indexed(TMP4, RAX, 0, 0));
	emit_mov(e, RAX, TMP1);
	emit_ret(e);
}

/* What POPF changes at CPL 0, RF and what is kept elsewhere apart. */
#define POPF_KERNEL (FL_DF | FL_NT | FL_AC | FL_ID | FL_IOPL)

/*
 * EFLAGS = R13D, for CPL 0. TF, and IF while something is pending, are for the
 * interpreter.
 */
static void emit_popf(struct bt *bt, struct emit *e, bool wide)
{
	uint32_t mask = wide ? POPF_KERNEL : POPF_KERNEL & 0xffff;
	struct give_up g = {.count = 0};
	uint8_t *closed;

	lend_flags(e);
	emit_op(e, 0, 0xf7, 0, rm_reg(TMP4)); /* test r13d, TF */
	emit4(e, FL_TF);
	give_up_if(e, &g, CC_NE);
	emit_op(e, 0, 0xf7, 0, rm_reg(TMP4));
	emit4(e, FL_IF);
	closed = emit_jcc8(e, CC_E);
	emit_op(e, 0, 0x83, ALU_CMP, CPU_FIELD(pending));
	emit1(e, 0);
	give_up_if(e, &g, CC_NE);
	emit_patch8(e, closed);
	emit_load32(e, TMP2, CPU_FIELD(eflags));
	alu_imm(e, ALU_AND, TMP2, ~mask);
	emit_mov32(e, RAX, TMP4);
	alu_imm(e, ALU_AND, RAX, mask);
	emit_op(e, 0, 0x0b, TMP2, rm_reg(RAX));
	emit_store32(e, CPU_FIELD(eflags), TMP2);
	emit_mov32(e, RAX, TMP4);
	take_if(e, RAX);
	take_flags(e, TMP4);
	emit_ret(e);
	give_up(bt, e, &g);
}

void emit_descriptor(struct emit *e, struct give_up *g)
{
	size_t soft = offsetof(struct bt_tables, soft);

	emit_op(e, 0, 0xf7, 0, rm_reg(TMP0)); /* test r8d, TI */
	emit4(e, 4);
	give_up_if(e, g, CC_NE);
	alu_imm(e, ALU_OR, TMP0, 7); /* the descriptor's last byte */
	emit_op(e, 0, 0x3b, TMP0, CPU_FIELD(gdtr.limit));
	give_up_if(e, g, CC_A);
	emit_op(e, 0, 0x03, TMP0, CPU_FIELD(gdtr.base));
	emit_mov32(e, TMP2, TMP0);
	shift_imm(e, SHIFT_RIGHT, TMP2, PAGE_SHIFT);
	emit_lea32(e, RAX, rm_at(TMP2, 1));
	emit_op(e, 0, 0xf7, 3, rm_reg(RAX)); /* neg: a tag */
	emit_movzx16(e, TMP2, TMP2);
	emit_load64(e, TMP4, CPU_FIELD(bt_tables));
	emit_op(e, 0, 0x3b, RAX,
		rm_indexed(TMP4, TMP2, 2, (int32_t)(soft + offsetof(struct soft_tlb, read))));
	give_up_if(e, g, CC_NE);
	emit_load64(e, TMP2,
		    rm_indexed(TMP4, TMP2, 3,
			       (int32_t)(soft + offsetof(struct soft_tlb, delta))));
	emit_mov32(e, RAX, TMP0);
	alu_imm(e, ALU_AND, RAX, PAGE_SIZE - 1);
	alu_imm(e, ALU_CMP, RAX, 7); /* all eight bytes are in the page */
	give_up_if(e, g, CC_B);
	emit_load64(e, RAX, rm_indexed(TMP0, TMP2, 0, -7));
}

/*
 * R8D: a selector for a data segment register, at CPL 0 in protected mode. If it
 * is what the register holds, and so is its descriptor in the GDT, then there
 * is nothing to do: the checks that it passed then depend on nothing else. Null
 * selectors and what no descriptor stands behind, as after real mode, have none.
 * Kernels load DS and ES so at every entry. Clobbers R13.
 */
static void emit_reload(struct bt *bt, struct emit *e, unsigned seg)
{
	struct give_up g = {.count = 0};

	lend_flags(e);
	emit_op(e, OP_16, 0x3b, TMP0, segment_field(seg, offsetof(struct segment, selector)));
	give_up_if(e, &g, CC_NE);
	emit_descriptor(e, &g);
	emit_op(e, OP_W, 0x3b, RAX, segment_field(seg, offsetof(struct segment, raw)));
	give_up_if(e, &g, CC_NE);
	emit_op(e, OP_W, 0x85, RAX, rm_reg(RAX)); /* test */
	give_up_if(e, &g, CC_E);
	restore_flags(e);
	emit_ret(e);
	give_up(bt, e, &g);
}

static void emit_memory_stubs(struct bt *bt, struct emit *e)
{
	for (unsigned size = 0; size < SOFT_SIZES; size++) {
		unsigned bytes = soft_bytes((enum soft_size)size);

		for (unsigned write = 0; write < 2; write++) {
			for (unsigned view = 0; view < 2; view++) {
				bt->stubs.soft[view][write][size] = stub_begin(bt, e);
				emit_probe(bt, e, view, write, bytes);
			}
			for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
				bt->stubs.check[seg][write][size] = stub_begin(bt, e);
				emit_check(bt, e, seg, write, bytes);
			}
		}
	}
}

void stubs_emit(struct bt *bt, struct emit *e)
{
	bt->stubs.enter = stub_here(bt, e);
	emit_enter(e);
	bt->stubs.leave = stub_begin(bt, e);
	emit_leave(e);
	bt->stubs.slow = stub_begin(bt, e);
	call_c_from(e, bt_slow);
	bt->stubs.fpu = stub_begin(bt, e);
	call_c_from(e, bt_fpu_prepare);
	bt->stubs.exit = stub_begin(bt, e);
	call_c(e, bt_next);
	bt->stubs.missed = stub_begin(bt, e);
	emit_missed(e);
	bt->stubs.no_return = stub_begin(bt, e);
	rsp_add(e, -(int)sizeof(uint64_t));
	emit_lookup(bt, e);
	bt->stubs.lookup = stub_begin(bt, e);
	emit_lookup(bt, e);
	bt->stubs.pushf = stub_begin(bt, e);
	emit_pushf(e);
	for (unsigned wide = 0; wide < 2; wide++) {
		bt->stubs.popf[wide] = stub_begin(bt, e);
		emit_popf(bt, e, wide);
	}
	for (unsigned seg = ES; seg <= DS; seg += DS - ES) {
		bt->stubs.reload[seg] = stub_begin(bt, e);
		emit_reload(bt, e, seg);
	}
	crossing_emit(bt, e);
	emit_memory_stubs(bt, e);
	bt->stubs.end = stub_here(bt, e);
}
