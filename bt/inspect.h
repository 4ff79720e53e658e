/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at what the translator has made: dumps, the verifier of emitted code,
 * the checker of structures, the map for perf(1). None of it is needed to run.
 */
#ifndef BT_INSPECT_H
#define BT_INSPECT_H

#include "bt/bt_internal.h"

/* ---- stub_list.c ---- */
/* ORDER: those before STUB_SOFT as struct stubs has them. */
enum stub_kind {
	STUB_ENTER, STUB_LEAVE, STUB_SLOW, STUB_FPU, /* between C and translated code */
	STUB_EXIT, STUB_MISSED,
	STUB_NO_RETURN, STUB_LOOKUP, /* where RET goes to, and blocks jump to */
	STUB_PUSHF, STUB_POPF16, STUB_POPF32, STUB_RELOAD_ES, STUB_RELOAD_DS, /* called by blocks */
	STUB_SYSENTER, STUB_SYSEXIT, STUB_IRET, STUB_LOAD_FS, STUB_POP_FS, /* called, and return seldom */
	STUB_SOFT, STUB_CHECK,
};

struct stub {
	enum stub_kind kind;
	uint32_t begin; /* offset in the cache */
	/* Of the last two kinds: supervisor or user, the access, the segment register. */
	unsigned view, write, bytes, seg;
};
#define STUB_NAME_SIZE 24
void stub_name(const struct stub *s, char out[STUB_NAME_SIZE]);

/* The n-th stub, in no order; false behind the last one. */
bool stub_nth(const struct bt *bt, unsigned n, struct stub *s);
/* The stub that begins at this offset. */
bool stub_find(const struct bt *bt, uint32_t offset, struct stub *s);
/* Where the stub that begins there ends. */
uint32_t stub_end(const struct bt *bt, uint32_t begin);

/*
 * ---- fields of struct vcpu that emitted code uses ----
 * name, who writes it, why. Every field may be read; one that is not listed is
 * written by nobody.
 */
enum field_writer {
	BY_NOBODY,
	BY_GATES,  /* enter, leave and slow only */
	BY_BLOCKS, /* blocks too */
};
#define VCPU_FIELDS(X)                                                                             \
	X(regs, BY_GATES, "in host registers while code runs: a block's write would be lost")      \
	X(eip, BY_BLOCKS, "where an exit leads")                                                   \
	X(eflags, BY_BLOCKS, "DF and what else the host's flags do not hold")                      \
	X(bt_if, BY_BLOCKS, "CLI, STI, POPF")                                                      \
	X(seg, BY_GATES, "bases and limits")                                                      \
	X(cr0, BY_NOBODY, "")                                                                      \
	X(cr4, BY_NOBODY, "")                                                                      \
	X(cpl, BY_GATES, "")                                                                       \
	X(tlb, BY_GATES, "the view of the CPL")                                                    \
	X(ring3_exits, BY_GATES, "")                                                               \
	X(fx, BY_BLOCKS, "x87 and SSE state")                                                      \
	X(host_fpu, BY_NOBODY, "")                                                                 \
	X(pending, BY_NOBODY, "looked at by STI")                                                  \
	X(bt_tables, BY_NOBODY, "")                                                                \
	X(bt_window, BY_GATES, "the CPL's")                                                        \
	X(bt_jc, BY_GATES, "the CPL's")                                                            \
	X(bt_jc_tag, BY_GATES, "the mode's")                                                       \
	X(bt_tag_mode, BY_GATES, "")                                                               \
	X(bt_kick, BY_NOBODY, "shifts the tag out")                                                \
	X(bt_stacks, BY_GATES, "host stacks of blocks")                                            \
	X(bt_stack_user, BY_GATES, "")                                                             \
	X(bt_sysenter, BY_NOBODY, "what was noted")                                                \
	X(bt_sysexit, BY_NOBODY, "")                                                               \
	X(bt_iret, BY_NOBODY, "")                                                                  \
	X(bt_frame, BY_BLOCKS, "what IRET pops")                                                   \
	X(bt_rf, BY_GATES, "RF of that")                                                           \
	X(nmi_blocked, BY_GATES, "ended by IRET")                                                  \
	X(bt_fs_loads, BY_NOBODY, "")                                                              \
	X(bt_tsc_ahead, BY_NOBODY, "added by RDTSC")                                               \
	X(bt_rsp, BY_GATES, "host stack to return to C by")                                        \
	X(bt_returns, BY_GATES, "host stack of blocks")                                            \
	X(bt_resume, BY_GATES, "kept while registers are saved")                                   \
	X(bt_poll, BY_NOBODY, "")                                                                  \
	X(bt_page, BY_BLOCKS, "what EIPs are relative to where code can be moved")                 \
	X(bt_xmm, BY_BLOCKS, "set by what loads the XMM registers")                                \
	X(fuel, BY_BLOCKS, "paid when a block is entered")

struct vcpu_field {
	const char *name;
	uint32_t offset, size;
	enum field_writer writer;
};
/* The field that holds this byte, or NULL. */
const struct vcpu_field *vcpu_field_at(int64_t offset);

/* The parts of struct bt_tables; emitted code reads them. */
#define BT_TABLES(X)                                                                               \
	X(jc[0].tag) X(jc[0].target) X(flag_op) X(string_step)                                           \
	X(soft[0].read) X(soft[0].write) X(soft[0].delta)                                          \
	X(soft[1].read) X(soft[1].write) X(soft[1].delta)

struct table_part {
	const char *name;
	uint32_t offset, size;
};
/* The part that holds this byte, or NULL. */
const struct table_part *table_part_at(int64_t offset);

/* ---- verify.c ---- */
/*
 * Whether the block's code keeps the rules of verify.h. NULL, or which it
 * breaks; then *at is the offset in the cache of the instruction that does.
 */
const char *verify_code(const struct bt *bt, const struct tb *tb, uint32_t *at);
/* The same of a stub. */
const char *verify_stub(const struct bt *bt, const struct stub *s, uint32_t *at);
/* Shows what is wrong and aborts: emitting it is our bug. */
void verify_block(const struct bt *bt, const struct tb *tb);
void verify_stubs(const struct bt *bt);

/* ---- dump.c ---- */
/* Guest and host code side by side; the host instruction at `mark` is pointed at. */
void dump_block(const struct bt *bt, const struct tb *tb, uint32_t mark, FILE *f);
void dump_stub(const struct bt *bt, const struct stub *s, uint32_t mark, FILE *f);
#define NO_MARK UINT32_MAX
/* "32-bit ring0 flat ..." */
#define MODE_TEXT_SIZE 128
void mode_text(uint32_t mode, char out[MODE_TEXT_SIZE]);

/* ---- check.c ---- */
/* The structures alone: bt_check() without looking at code. */
void check_structures(struct vcpu *cpu);
/* Copies the block's guest bytes from there on, at most an instruction's. Returns how many. */
unsigned guest_bytes(const struct tb *tb, unsigned from, unsigned bytes, uint8_t *out);
/* The block is complete: logs, verifies and checks as the configuration wants it. */
void inspect_block(struct vcpu *cpu, struct tb *tb);

/* ---- perfmap.c ---- */
void perf_map_block(const struct bt *bt, const struct tb *tb);

#endif
