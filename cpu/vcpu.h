/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest processor: all architectural state, and what every engine shares.
 * This struct is the truth between engines: whoever runs the guest leaves it
 * exact at every instruction boundary.
 *
 * Owner: the machine thread, but for `pending`, which other threads may set.
 */
#ifndef CPU_VCPU_H
#define CPU_VCPU_H

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mmu/physmem.h"
#include "mmu/types.h"

/* ORDER: the numbers of the encoding (SDM 2A, table 3-1). */
enum gpr { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, GPR_ZERO, GPR_COUNT };

/* ORDER: the numbers of the encoding. */
enum seg_reg { ES, CS, SS, DS, FS, GS, SEG_COUNT };

/* EFLAGS, SDM 1 3.4.3. */
#define FL_CF 0x00000001u
#define FL_1 0x00000002u /* always set */
#define FL_PF 0x00000004u
#define FL_AF 0x00000010u
#define FL_ZF 0x00000040u
#define FL_SF 0x00000080u
#define FL_TF 0x00000100u
#define FL_IF 0x00000200u
#define FL_DF 0x00000400u
#define FL_OF 0x00000800u
#define FL_IOPL 0x00003000u
#define FL_NT 0x00004000u
#define FL_RF 0x00010000u
#define FL_VM 0x00020000u
#define FL_AC 0x00040000u
#define FL_VIF 0x00080000u
#define FL_VIP 0x00100000u
#define FL_ID 0x00200000u
#define FL_ARITH (FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF)

#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

#define CR4_VME 0x001u
#define CR4_PVI 0x002u
#define CR4_TSD 0x004u
#define CR4_DE 0x008u
#define CR4_PSE 0x010u
#define CR4_PAE 0x020u
#define CR4_MCE 0x040u
#define CR4_PGE 0x080u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u

/* SDM 3B 17.2.3, 17.2.4. */
#define DR6_BD (1u << 13)      /* debug register access detected */
#define DR6_BS (1u << 14)      /* single step */
#define DR6_BT (1u << 15)      /* task switch to a TSS with T set */
#define DR6_ALWAYS 0xffff0ff0u /* reads as ones */
#define DR7_ENABLED 0x000000ffu /* L0, G0 to L3, G3 */
#define DR7_LOCAL 0x00000155u  /* L0-L3, LE: cleared by task switches */
#define DR7_GD 0x00002000u
#define DR7_ALWAYS 0x00000400u

#define EFER_SCE 0x001u
#define EFER_NXE 0x800u

/* Exception vectors, SDM 3A table 6-1. */
enum vector {
	VEC_DE = 0,
	VEC_DB = 1,
	VEC_NMI = 2,
	VEC_BP = 3,
	VEC_OF = 4,
	VEC_BR = 5,
	VEC_UD = 6,
	VEC_NM = 7,
	VEC_DF = 8,
	VEC_TS = 10,
	VEC_NP = 11,
	VEC_SS = 12,
	VEC_GP = 13,
	VEC_PF = 14,
	VEC_MF = 16,
	VEC_AC = 17,
	VEC_MC = 18,
	VEC_XM = 19,
};

/* Page-fault error code, SDM 3A 4.7. */
#define PF_P 0x01u
#define PF_W 0x02u
#define PF_U 0x04u
#define PF_RSVD 0x08u
#define PF_I 0x10u

/*
 * Segment attributes: bits 8-15 and 20-23 of a descriptor's second doubleword
 * where they stand there (SDM 3A figure 3-8).
 */
#define DESC_ACCESSED 0x00000100u
#define DESC_RW 0x00000200u         /* data: writable; code: readable */
#define DESC_DC 0x00000400u         /* data: expand-down; code: conforming */
#define DESC_CODE 0x00000800u
#define DESC_S 0x00001000u          /* code or data, not system */
#define DESC_DPL_SHIFT 13
#define DESC_DPL 0x00006000u
#define DESC_P 0x00008000u
#define DESC_AVL 0x00100000u
#define DESC_DB 0x00400000u         /* 32-bit */
#define DESC_G 0x00800000u
#define DESC_TYPE 0x00000f00u       /* of a system descriptor, << 8 */

/* How much of a segment needs checking; derived by segment_update(). */
enum seg_kind {
	KIND_FLAT,    /* base 0, everything may be read and written */
	KIND_BASED,   /* the same with a base */
	KIND_CHECKED, /* anything else. As code: 16-bit, limit at least FFFFh */
	KIND_SMALL,   /* as code only: a limit that jumps have to be checked against */
};

struct segment {
	uint16_t selector;
	uint8_t data_kind, code_kind; /* enum seg_kind, as data and as CS */
	uint32_t base;
	uint32_t limit; /* in bytes, inclusive (after granularity) */
	uint32_t attr;  /* DESC_*; P clear: null or unusable */
	/*
	 * Derived by segment_update(): an access of n bytes at offset o is in
	 * order when o >= lo and o + n - 1 <= hi_read (hi_write), without
	 * wrapping; a write uses lo_write for lo. What may not be read (written)
	 * at all, such as an unusable segment, has lo 1 and hi 0: nothing passes.
	 */
	uint32_t lo, hi_read, hi_write, lo_write;
	uint64_t raw; /* the descriptor that it was loaded from; 0: from none */
};

/* GDTR, IDTR. */
struct table_register {
	uint32_t base;
	uint32_t limit; /* bytes, inclusive, 16 bits */
};

/*
 * One cached translation. host + linear address is the byte in host memory.
 * A tag is the page's linear address, or TLB_NONE where that kind of access
 * has to take the slow path (not permitted, not yet accessed or dirty, MMIO,
 * watched page, data breakpoint on the page).
 */
struct tlb_entry {
	/* ORDER: translated code knows where read, write and host are. */
	uint64_t read, write;
	uintptr_t host;
	uint64_t exec;
	/*
	 * The page when it may be written and is dirty, even while somebody
	 * watches it: who does (a display, as often as the host shows it) must
	 * not decide whether the guest's tables are walked again.
	 */
	uint64_t writable;
	gpa_t phys;    /* of the page */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tlb_entry) == 64, "an entry is found by shifting");
#define TLB_NONE (1ull << 63)
/* A quarter of it: 37 % of all fills drive out another page's entry while Debian starts; so: 7 %. */
#define TLB_BITS 12u
#define TLB_SIZE (1u << TLB_BITS)
#define TLB_WORDS (TLB_SIZE / 64) /* of a bitmap with a bit for each entry */
_Static_assert(TLB_WORDS <= 64, "a bit for each word in vcpu.tlb_words");
#define TLB_WRITERS 8192u /* 64 KiB: some 500 entries are in use, and are to meet seldom */
/*
 * TLB_CHECKED is never filled: every access takes the slow path, which checks
 * alignment. It is the view of CPL 3 with CR0.AM and EFLAGS.AC set.
 */
enum tlb_view { TLB_SUPERVISOR, TLB_USER, TLB_CHECKED, TLB_VIEWS };

/* FXSAVE image, SDM 1 table 10-2: x87, MMX, MXCSR and XMM0-7. */
struct fxsave_image {
	uint16_t fcw, fsw;
	uint8_t ftw; /* abridged: bit n set when physical register n is in use */
	uint8_t reserved;
	uint16_t fop;
	uint32_t fip;
	uint16_t fcs, reserved2;
	uint32_t fdp;
	uint16_t fds, reserved3;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16]; /* ST(0)-ST(7), 10 bytes each; MM registers alias */
	uint8_t xmm[8][16];
	uint8_t unused[224];
} __attribute__((aligned(64)));

struct msr_state {
	uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t efer;
	uint64_t pat;
	uint64_t apic_base;
	uint64_t misc_enable;
	uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
	uint64_t tsc_adjust; /* added to the clock's TSC */
	uint64_t feature_control, mcg_status;
};

/* Why the run loop should look up from running guest code. */
#define PENDING_IRQ 0x01u      /* the INTR line is high */
#define PENDING_NMI 0x02u
#define PENDING_TIMER 0x04u    /* a deadline may have passed */
#define PENDING_WORK 0x08u     /* somebody posted work to the machine thread */
#define PENDING_STOP 0x10u     /* leave vcpu_run() */
#define PENDING_RESET 0x20u

/* What the processor asks of the machine around it. */
struct vcpu_ops {
	uint32_t (*port_read)(void *opaque, uint16_t port, unsigned size);
	void (*port_write)(void *opaque, uint16_t port, uint32_t value, unsigned size);
	/* INTA: the vector of the highest interrupt, or -1 when none is left. */
	int (*acknowledge)(void *opaque);
	/* FERR#: x87 error to be reported by IRQ 13 (CR0.NE clear). */
	void (*ferr)(void *opaque, int level);
	/* Guest TSC before TSC_ADJUST. */
	uint64_t (*tsc)(void *opaque);
	/*
	 * What the host's TSC is ahead of that by while the machine runs, for an
	 * engine whose guest reads the host's. NULL: there is no such offset.
	 */
	uint64_t (*tsc_offset)(void *opaque);
	/* Hz of tsc(), the same ever after; 0, or NULL: not known yet. */
	uint64_t (*tsc_hz)(void *opaque);
	/* Triple fault: the machine decides (reset, stop). */
	void (*shutdown)(void *opaque);
	/* Local APIC base MSR was written. NULL: no local APIC. */
	void (*apic_base_changed)(void *opaque, uint64_t value);
	/* CR8-less: nothing. */
};

struct cpu_model; /* cpu/cpuid.h */
struct block_cache; /* cpu/block.h */
struct engine_ops; /* cpu/engine.h */
struct run_observer; /* cpu/run.h */
struct bt; /* bt/bt_internal.h */
struct kvm; /* kvm/kvm_internal.h */
struct direct; /* direct/direct.h */
struct bt_tables;
struct jump_cache;
struct space_set; /* cpu/space_internal.h */
struct insn;

/*
 * What SYSENTER, SYSEXIT or IRET to ring 3 has led from and to. Tags as bt_jc_tag; from 0: nothing
 * is known.
 */
struct bt_crossing {
	uint64_t from, to;
	uint64_t window;    /* of the ring that it leads to */
	struct jump_cache *jc;
	uint32_t mode;	    /* of `to` */
	uint32_t asid;	    /* of the ring that it leads to */
	uint32_t sysenter_cs;
	uint32_t gs_kind;   /* which is no part of the mode below ring 3 */
	struct segment cs, ss;
};

/* What a load of FS has led from and to. */
struct bt_fs_load {
	uint64_t from, to;
	uint64_t old_raw;	/* what FS held, for null selectors: they leave base and limit */
	uint32_t mode;		/* of `to` */
	uint16_t old_selector;
	struct segment fs;
};
enum { BT_FS_NULL, BT_FS_EVEN, BT_FS_ODD, BT_FS_LOADS }; /* by bit 3 of selectors that are not null */

#define BT_KICKED 32u /* shifts a tag out */

struct vcpu {
	/* General registers; regs[GPR_ZERO] stays 0, for absent base or index. */
	uint32_t regs[GPR_COUNT + 7];
	/* Points past the instruction under way; see insn.h. */
	uint32_t eip;
	uint32_t eflags;
	struct segment seg[SEG_COUNT];
	struct segment ldtr, tr;
	struct table_register gdtr, idtr;
	uint32_t cr0, cr2, cr3, cr4;
	uint32_t dr[8];
	uint8_t cpl;
	uint64_t ring3_exits; /* times that ring 3 was left for another ring; cpu_set_cpl() */
	uint64_t pdpte[4]; /* PAE: loaded with CR3 (SDM 3A 4.4.1) */
	struct msr_state msr;
	struct fxsave_image fx;

	/* Interrupt state that is not in EFLAGS. */
	bool halted;          /* in HLT */
	bool shutdown;        /* after a triple fault, until reset */
	bool nmi_blocked;     /* from NMI to IRET */
	bool interrupt_shadow; /* by STI: no maskable interrupt before the next instruction ends */
	bool debug_shadow;    /* by MOV SS/POP SS: no interrupt, NMI or #DB either */
	bool ferr;            /* FERR# is asserted */
	bool ignne;           /* IGNNE# is: x87 goes on although an error is pending */
	uint8_t host_fpu;     /* HOST_*, cpu/fpu.h: guest state that is in the host's registers */
	bool align_check;     /* derived: CR0.AM, EFLAGS.AC and CPL 3: data must be aligned */
	bool delivering_ext;  /* an event not caused by INT n is being delivered: error codes get EXT */
	uint32_t a20_mask;    /* ~0 or ~(1 << 20): ANDed to physical addresses */

	/* Set by any thread; looked at between blocks. */
	_Atomic uint32_t pending;

	/* Software TLB of the interpreter. tlb points to the view of the CPL. */
	struct tlb_entry *tlb;
	struct tlb_entry tlb_views[TLB_VIEWS][TLB_SIZE];
	/* Of each view but TLB_CHECKED: entries in use, and those of global pages. */
	uint64_t tlb_filled[TLB_CHECKED][TLB_WORDS], tlb_global[TLB_CHECKED][TLB_WORDS];
	uint64_t tlb_words[TLB_CHECKED]; /* the words of tlb_filled that are not 0 */
	/*
	 * By a physical page's hash, through which entries such pages may be written: many, or those
	 * of up to two linear pages, which may have been dropped since (cpu/tlb.c). Kernels write a
	 * program's page where they have all of memory, too.
	 */
	uint32_t tlb_writers[TLB_WRITERS][2];
	uint32_t large_regions[32]; /* a bit for each 4 MiB: the TLB may hold parts of large pages */
	/* Counts TLB flushes; dates the block look-ups. 64 bits: never wraps. */
	uint64_t map_generation;
	/*
	 * Tags of what engines remember of instruction fetches by linear address,
	 * at CPL 3 and below it; never 0. A tag is replaced by a number not used
	 * before when a translation that may have been used under it is stale.
	 */
	uint32_t asid_user, asid_kernel;
	uint32_t asid_last; /* the number given out last */

	/* The shadow of the guest's page tables, cpu/space.h; NULL: none is kept. */
	struct space_set *spaces;
	/*
	 * Host address of linear address 0 in the window for ring 3 and for rings
	 * 0-2; 0: no such window now. Changes in tlb_flush(), space_promote() and
	 * space_settle(), and when a page of the user window is put off.
	 */
	uint64_t window_base_user, window_base_supervisor;
	bool window_withheld; /* ring 3 has a window: after space_settle() */

	/* NULL: the interpreter. */
	const struct engine_ops *engine;
	struct run_observer *observer; /* cpu/run.h; NULL: none */
	struct bt *bt; /* the translator's state; NULL without it */
	struct kvm *kvm; /* the KVM engine's state, at work or at rest; NULL: none */
	struct direct *direct; /* direct execution's; NULL without it */
	/* What translated code reads and its stubs keep; roles: bt/bt_internal.h. */
	struct bt_tables *bt_tables;
	struct jump_cache *bt_jc;
	uint64_t bt_window; /* the window of the code that runs, or 0 */
	uint64_t bt_jc_tag;   /* in whose translations and mode code runs, << 32 */
	uint32_t bt_tag_mode; /* that mode */
	/* 0, or BT_KICKED: translated code is to leave soon. Look-ups shift the tag by it. */
	_Atomic uint32_t bt_kick;
	uint64_t bt_rsp;      /* host stack of the code that entered */
	uint64_t bt_returns;  /* host stack of translated code, bt/returns.c */
	uint64_t bt_resume;
	struct bt_return_stack { /* bt/returns.c; of rings 0-2, of ring 3 */
		uint64_t tag; /* bt_jc_tag of the code whose calls it holds */
		uint64_t rsp; /* while the other one is in use */
		uint64_t top; /* RSP while it is empty */
	} bt_stacks[2];
	uint8_t bt_stack_user; /* which is in use */
	/* What SYSENTER, SYSEXIT, IRET and loads of FS did last: bt/crossing.h. */
	struct bt_crossing bt_sysenter, bt_sysexit, bt_iret;
	uint32_t bt_frame[5]; /* EIP CS EFLAGS ESP SS, as IRET has found them */
	uint32_t bt_rf;	      /* EFLAGS.RF of those */
	struct bt_fs_load bt_fs_loads[BT_FS_LOADS];
	uint64_t *_Atomic bt_poll; /* NULL: translated code is to leave soon */
	uint64_t bt_poll_target;
	uint64_t bt_tsc_ahead; /* the guest's TSC less the host's: tsc_changed() */
	uint64_t bt_new_blocks; /* translated so far */
	uint32_t bt_fpu_missing[4]; /* by FPU_*, bt/fpu.h: not 0 if something is not ready */
	uint32_t bt_page; /* EIP of the page's first byte while code runs that can be moved */
	uint8_t bt_if;	      /* EFLAGS.IF while translated code runs: 0 or 2 */
	uint8_t bt_xmm;	      /* XMM0-7 are in the host's registers while code runs */

	struct physmem *mem;
	const struct cpu_model *model;
	struct block_cache *blocks;
	const struct insn *cur;  /* instruction under way, for faults */
	sigjmp_buf unwind;       /* where a fault goes: the run loop */
	struct fault {           /* what it carries */
		uint8_t vector;
		bool has_error;
		uint32_t error;
		uint32_t dr6; /* #DB only: bits to set in DR6 */
	} fault;
	/*
	 * Instructions until the clock is looked at. Each costs one, whatever is
	 * cached: an iteration of REP, or an exception, as well. A block is paid
	 * for before it runs (vcpu_fuel_used()) and never begun beyond the fuel.
	 */
	int64_t fuel;
	int64_t fuel_given;      /* what fuel was set to */
	uint64_t executed;       /* instructions, up to the last refuelling */
	struct {                 /* block_cut(): where the block is to be left */
		struct insn *insn; /* NULL: nowhere */
		void (*exec)(struct vcpu *cpu, const struct insn *in);
	} cut;
	bool slow;               /* TF, armed debug registers: one at a time */
	uint32_t debug_hits;     /* DR6 bits of data breakpoints met by cur */
	bool task_trap;          /* T of the TSS just switched to: #DB is due */
	bool step_suppressed;    /* cur is an INT: no single-step trap after it */
	bool stepping;           /* cur runs alone, not as part of its block */
	bool repeating;          /* a string instruction at EIP has elements left to do */
	struct delivery {        /* of an event by the run loop */
		bool active;
		uint8_t vector;
		bool exception;  /* not INTR or NMI: counts for double faults */
	} delivery;

	const struct vcpu_ops *ops;
	void *opaque; /* for ops */
};

static inline uint8_t *reg8(struct vcpu *cpu, unsigned n)
{
	/* AL CL DL BL AH CH DH BH; the host is little-endian. */
	return (uint8_t *)&cpu->regs[n & 3] + (n >> 2);
}

static inline bool protected_mode(const struct vcpu *cpu)
{
	return (cpu->cr0 & CR0_PE) && !(cpu->eflags & FL_VM);
}
static inline bool v86_mode(const struct vcpu *cpu)
{
	return cpu->eflags & FL_VM;
}
static inline unsigned iopl(const struct vcpu *cpu)
{
	return cpu->eflags >> 12 & 3;
}
static inline bool code_is_32(const struct vcpu *cpu)
{
	return cpu->seg[CS].attr & DESC_DB;
}
/* Which bits of ESP a push or pop uses. */
static inline uint32_t stack_mask(const struct vcpu *cpu)
{
	return cpu->seg[SS].attr & DESC_DB ? 0xffffffffu : 0xffffu;
}

/* ---- cpu/vcpu.c ---- */
struct vcpu *vcpu_create(struct physmem *mem, const struct cpu_model *model,
			 const struct vcpu_ops *ops, void *opaque);
void vcpu_destroy(struct vcpu *cpu);
/* RESET# (SDM 3A table 9-1). */
void vcpu_reset(struct vcpu *cpu);
/* INIT# (port 92h, 8042, INIT IPI): keeps x87, SSE, MTRRs, caches. */
void vcpu_init_signal(struct vcpu *cpu);

/* Sets bits of `pending`; from any thread, and from signal handlers. */
void vcpu_kick(struct vcpu *cpu, uint32_t bits);
/*
 * The same from the machine thread; when an instruction is under way that
 * is what asks, then the run loop looks right after it.
 */
void vcpu_kick_now(struct vcpu *cpu, uint32_t bits);
/* INTR and NMI pins; machine thread. */
void vcpu_set_intr(struct vcpu *cpu, int level);
void vcpu_nmi(struct vcpu *cpu);
void vcpu_set_a20(struct vcpu *cpu, bool on);
/* IGNNE#, port F0h: lets x87 go on with an error pending. */
void vcpu_clear_ferr(struct vcpu *cpu);

/* ---- cpu/interp.c ---- */
/*
 * Runs guest code until a pending bit other than IRQ and NMI is set, fuel runs
 * out, or the processor halts or shuts down. Interrupts are delivered here.
 */
void vcpu_run(struct vcpu *cpu);
/*
 * Executes one instruction, for a debugger: under KVM by its single step, else by
 * the interpreter. An interrupt or exception that comes in its place is delivered
 * and nothing executed. Without effect while the processor halts.
 */
void vcpu_step(struct vcpu *cpu);
/*
 * Instructions executed since fuel_given was set, the one under way counted.
 * Exact also from within an instruction, for clocks that follow execution.
 */
int64_t vcpu_fuel_used(const struct vcpu *cpu);

/* ---- cpu/fault.c: all of these unwind to the run loop ---- */
/* What sigsetjmp(cpu->unwind) returns there. */
enum unwind_reason {
	UNWIND_FAULT = 1,   /* cpu->fault says which */
	UNWIND_RESTART = 2, /* restart_instruction(): nothing to deliver */
};
_Noreturn void raise_vector(struct vcpu *cpu, unsigned vector); /* without error code */
_Noreturn void raise_error(struct vcpu *cpu, unsigned vector, uint32_t error);
_Noreturn void raise_gp(struct vcpu *cpu, uint32_t error);
_Noreturn void raise_ud(struct vcpu *cpu);
_Noreturn void raise_page_fault(struct vcpu *cpu, gva_t address, uint32_t error);
/* #DB that is a fault (instruction breakpoint, GD). */
_Noreturn void raise_debug_fault(struct vcpu *cpu, uint32_t dr6_bits);
/* Leaves the instruction; it will be executed again (REP interrupted, HLT). */
_Noreturn void restart_instruction(struct vcpu *cpu);

#endif
