/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's own structures.
 *
 * Roles of host registers while translated code runs (and in no other list):
 *
 *	RAX RCX RDX RBX RBP RSI RDI	guest EAX ECX EDX EBX EBP ESI EDI
 *	R15				guest ESP
 *	R14				struct vcpu *
 *	R12				host address of linear address 0 in the
 *					current window, where there is one
 *	R8 R9 R10 R11 R13		temporaries, within one guest instruction
 *	RSP				host stack of return addresses: returns.c
 *	RFLAGS				guest CF PF AF ZF SF OF; DF clear
 *	x87, XMM0-XMM7, MXCSR		the guest's, where a block needs them: bt/fpu.h
 *
 * Upper halves of registers with guest values are zero. IF is in vcpu.bt_if
 * meanwhile, and the other flags, DF among them, in vcpu.eflags, where those are clear.
 */
#ifndef BT_INTERNAL_H
#define BT_INTERNAL_H

#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>

#include "bt/bt.h"
#include "bt/emit.h"
#include "cpu/engine.h"
#include "cpu/insn.h"
#include "cpu/vcpu.h"

#define VCPU R14
#define WINDOW R12
#define TMP0 R8
#define TMP1 R9
#define TMP2 R10
#define TMP3 R11
#define TMP4 R13

static inline unsigned host_reg(unsigned guest)
{
	return guest == ESP ? (unsigned)R15 : guest;
}

/* A field of struct vcpu as an operand. */
#define CPU_FIELD(field) rm_at(VCPU, (int32_t)offsetof(struct vcpu, field))

/*
 * ---- the mode of a block: what its translation takes for granted ----
 * Two bits a segment register from MODE_SEG_SHIFT on: enum seg_kind of cpu/vcpu.h.
 */
#define MODE_CODE32  0x001u
#define MODE_STACK32 0x002u
#define MODE_USER    0x004u /* CPL 3 */
#define MODE_IO	     0x008u /* CPL <= IOPL outside virtual-8086 mode, or real mode: CLI, STI */
#define MODE_V86     0x010u
#define MODE_PROT    0x020u /* CR0.PE */
#define MODE_WINDOW  0x040u /* memory through a window */
#define MODE_RING0   0x100u /* CPL 0 */
#define MODE_SSE_SLOW 0x200u /* an exception is unmasked in MXCSR */
/*
 * EIPs are offsets in the page, whose address is in vcpu.bt_page. Never part of
 * bt_mode(): the page's first address decides, find_mode().
 */
#define MODE_MOVED 0x400u
#define MODE_SEG_SHIFT 12
static inline enum seg_kind mode_seg(uint32_t mode, unsigned seg)
{
	return (enum seg_kind)(mode >> (MODE_SEG_SHIFT + 2 * seg) & 3);
}

/* ---- look-up tables that translated code uses, at vcpu.bt_tables ---- */
#define JC_SIZE 65536u	/* index: jc_slot() of EIP */
#define JC_ROTATE 2
/* As trans_jump_lookup() computes it, without touching flags. */
static inline uint32_t jc_slot(uint32_t eip)
{
	return eip >> JC_ROTATE & (JC_SIZE - 1);
}
#define SOFT_SIZE 65536u /* index: low 16 bits of the page number */

/*
 * The inline software TLB: translations of pages that may be accessed through
 * a host pointer. tag is minus (page number + 1), 0 for none; delta + linear
 * address is the byte in host memory. Always a subset of what the vcpu's TLB
 * may hold.
 */
struct soft_tlb {
	uint32_t read[SOFT_SIZE], write[SOFT_SIZE];
	uint64_t delta[SOFT_SIZE];
};

/* EFLAGS byte 1 (DF, IOPL, NT) after CLD and STD, without touching flags. */
enum flag_op { FLAG_CLD, FLAG_STD, FLAG_OPS };

/*
 * Where blocks are, by EIP. One is for rings 0 to 2, and address spaces share the others
 * for ring 3, so that programs at the same addresses do not drive out each other's.
 */
#define JUMP_CACHES 3u
struct jump_cache {
	uint64_t tag[JC_SIZE];	  /* minus (vcpu.bt_jc_tag + EIP); 0: none */
	uint64_t target[JC_SIZE]; /* host address of the block */
};

struct bt_tables {
	struct jump_cache jc[JUMP_CACHES]; /* vcpu.bt_jc: the one in use */
	struct soft_tlb soft[2];     /* by view: supervisor, user */
	uint8_t flag_op[FLAG_OPS][256];
	int8_t string_step[256]; /* by EFLAGS byte 1: -1 with DF, 1 without */
};

/* ---- blocks ---- */
struct tb;

/*
 * Blocks, their exits and their links lie in code_cache.meta, which there is little
 * of, so that they know each other by 32-bit numbers: of eight bytes there, and of
 * links by twice that of their block plus which it is. 0: none.
 */
typedef uint32_t meta_ref;
typedef uint32_t link_ref;

/* A direct exit of a block that can be chained to its target. */
struct tb_exit {
	meta_ref from, to;	/* blocks; to: 0 while not chained */
	meta_ref next, previous; /* exits in the list of what leads to `to` */
	meta_ref cross_next, cross_previous; /* in a list of bt.cross, while chained */
	uint32_t eip;		 /* of the target, as tb.eip */
	/* Offsets from tb.host: */
	uint16_t jump;		 /* of the rel32 that is patched */
	uint16_t unchained;	 /* of the code that leaves to the monitor */
};

/* Where instruction n begins. */
struct tb_insn {
	uint16_t host;	/* offset from tb->host */
	uint16_t guest; /* offset from tb->eip */
};

#define TB_MAX_INSNS 48 /* as many as tb.soft_insns has bits for */
#define TB_MAX_INNER 6 /* transfers that are not a block's last instruction */
#define TB_MAX_EXITS (TB_MAX_INNER + 2) /* as many as tb.cross has bits for */

struct tb {
	/* What a look-up reads: one line of the host's cache. */
	const uint8_t *code;	/* first guest byte, in the monitor's mapping; NULL: dropped */
	/*
	 * A single instruction that goes on in the next page: where its bytes are
	 * there; else NULL. How the two pages are mapped counts: nothing but the
	 * jump cache, which is tagged with that, may lead to such a block.
	 */
	const uint8_t *code2;
	meta_ref hash_next;
	uint32_t eip, mode;	/* eip: with MODE_MOVED an offset in the page */
	uint32_t host;		/* offset in the cache: where to enter it, with EIP in R8 */
	uint16_t bytes, count;	/* guest bytes, instructions */
	bool looked_up;		/* the jump cache may lead to it */
	bool calls;		/* a transfer that it goes on behind is a CALL: it will be returned to */
	uint8_t exit_count;
	uint8_t faults;		/* window accesses that could not be filled */
	uint8_t fpu;		/* FPU_*, bt/fpu.h: what has to be ready */
	bool has_x87;
	/* By exits, a bit for each: */
	uint8_t cross;		/* the target is in another page: holds for one asid_kernel */
	uint8_t after_call;	/* other code has run since the block was entered */
	/* What chaining needs: */
	uint16_t chained;	/* offset from host for exits of blocks of the same page */
	uint16_t ready;		/* the same when fpu is ready */
	meta_ref incoming;	/* exits */

	uint32_t host_size;
	uint32_t body_size;	/* without the exits behind the last instruction */
	struct tb_link {	/* in the lists of its guest pages */
		link_ref next, previous;
		uint16_t first, last; /* bytes of the page that are the block's */
	} links[2];
	uint32_t code_sum;	/* of the guest's bytes, while checks are on (check.c) */
	uint64_t soft_insns;	/* bit n: instruction n keeps faulting: software TLB */
	uint64_t inner;		/* bit n: instruction n is a transfer that the block goes on behind */
	struct tb_insn insns[]; /* behind them tb_x87(), if there is, and tb_exits() */
};

/*
 * What a block with x87 instructions has besides. Bit n: instruction n sets the x87
 * pointers; to its operand, too; before it the pointers have been written, or it
 * writes them all.
 */
struct tb_x87 {
	uint64_t instruction, operand, written;
};

/* ---- the code cache, cache.c ---- */
#define CACHE_REGIONS 8
#define TB_ALIGN 16
/* A region knows of each so many bytes which block they begin in. */
#define REGION_STEP 1024u

struct code_region {
	uint32_t begin, end, used; /* offsets in the cache */
	uint8_t *meta;		   /* arena of the region's struct tb */
	uint32_t meta_used, meta_size;
	meta_ref *tbs;		   /* in order of host address */
	uint32_t tb_count, tb_room;
	uint32_t *first;	   /* by offset / REGION_STEP: a block no later than that; up to used */
};

struct code_cache {
	int memfd;
	uint8_t *rw, *rx;	/* the two mappings */
	uint32_t size;
	uint32_t stubs_end;	/* stubs lie before it */
	uint8_t *meta;		/* the regions' arenas, one behind the other */
	struct code_region regions[CACHE_REGIONS];
	unsigned current;	/* region being filled */
};

/* ---- stubs, stubs.c: offsets in the cache ---- */
enum soft_size { SOFT_1, SOFT_2, SOFT_4, SOFT_8, SOFT_10, SOFT_16, SOFT_SIZES };
static inline unsigned soft_bytes(enum soft_size s)
{
	static const uint8_t bytes[] = {1, 2, 4, 8, 10, 16};

	return bytes[s];
}

struct stubs {
	uint32_t enter;	 /* void enter(struct vcpu *, const void *host): runs until it leaves */
	uint32_t leave;	 /* jumped to, with EIP stored: enter() returns */
	uint32_t slow;	 /* called: interprets the instruction whose code calls it */
	uint32_t fpu;	 /* called: readies what the block needs that calls it */
	uint32_t no_return; /* returned to: the stack is empty; goes on at the EIP in R8 */
	uint32_t lookup; /* jumped to: goes on at the EIP in R8 */
	uint32_t missed; /* jumped to: the same, which is not in the jump cache */
	uint32_t exit;	 /* jumped to: goes on where the exit leads whose number is in R11 */
	uint32_t pushf;	 /* called: R13D = EFLAGS */
	uint32_t popf[2]; /* called, at CPL 0: EFLAGS = R13D; [32-bit operand] */
	/* Called at CPL 0 with a selector in R8D for DS, ES: interpreted if it changes anything. */
	uint32_t reload[SEG_COUNT];
	/*
	 * Called: bt/crossing.h. IRET's with the frame in vcpu.bt_frame; FS's at CPL 0 with a
	 * selector in R8D and the next EIP in R13D.
	 */
	uint32_t sysenter, sysexit, iret;
	uint32_t load_fs[2]; /* [POP] */
	uint32_t soft[2][2][SOFT_SIZES];	       /* [view][write][size] */
	uint32_t check[SEG_COUNT][2][SOFT_SIZES];      /* [segment][write][size] */
	uint32_t end;
};

/* ---- counters: name, what it counts ---- */
#define BT_COUNTERS(X)                                                                             \
	X(translations, "blocks translated")                                                       \
	X(translated_insns, "guest instructions translated")                                       \
	X(translated_bytes, "bytes of host code made")                                             \
	X(translation_ns, "nanoseconds spent translating")                                         \
	X(retranslations, "blocks translated again since an instruction kept faulting, or ceased to") \
	X(entries, "times translated code was entered from the monitor")                           \
	X(chains, "direct exits chained to their target")                                          \
	X(unchains, "chains undone")                                                               \
	X(jc_fills, "entries made in the jump cache")                                              \
	X(jc_prefills, "entries made because another address space had them for the same page")    \
	X(exit_lookup, "exits because the target was not in the jump cache or not chained")        \
	X(exit_slow, "exits after an interpreted instruction")                                     \
	X(exit_poll, "exits by the poll load: somebody wanted attention")                          \
	X(exit_fpu, "exits because x87, MMX or SSE instructions had to be interpreted")             \
	X(exit_fuel, "exits because the fuel would not have lasted for a block")                   \
	X(slow_insns, "instructions interpreted on behalf of translated code")                     \
	X(crossings, "of those, SYSENTER, SYSEXIT, IRET and loads of FS noted for stubs to do again") \
	X(fpu_loads, "times x87 or SSE state was made ready for translated code")                  \
	X(return_overflows, "times the host stack of return addresses was full")                     \
	X(soft_fills, "entries made in the inline software TLB")                                   \
	X(soft_drops, "entries of the inline software TLB dropped")                                \
	X(promotions, "address spaces whose ring 3 ran long enough for a window")                  \
	X(steps, "instructions interpreted by the run loop")                                       \
	X(fault_window, "host faults of window accesses")                                          \
	X(fault_filled, "of those, filled from the guest's tables")                                \
	X(fault_guard, "host faults in a window's guards: addresses that wrap around")             \
	X(fault_math, "host SIGFPE of translated code")                                            \
	X(invalidated, "blocks dropped because their code was written")                            \
	X(evictions, "regions of the code cache emptied to be used again")                         \
	X(code_writes, "writes to pages with translated code")                                     \
	X(pages_given_up, "such pages whose blocks were dropped since none was ever hit")

struct bt_counters {
#define X(name, text) uint64_t name;
	BT_COUNTERS(X)
#undef X
};

#define TB_HASH_SIZE (1u << 17)
#define CODE_PAGE_HASH (1u << 14)
#define CODE_PAGES_MAX 8192u /* half a MiB: 32 MiB of guest memory with code */
#define CODE_PAGES_LITTLE 100u /* for tests */
#define CROSS_LISTS 256u
#define SLOW_SITES 8192u
#define MODE_IDS 256u

/* A page of guest memory that has translations. */
struct code_page {
	struct code_page *next;
	const uint8_t *host; /* the page in the monitor's mapping */
	link_ref links;
	uint64_t chunks; /* bit n: some block covers, or did, bytes of the n-th 64 */
	uint32_t base;	 /* of ring 3's translations that hold absolute EIPs: the page's */
	bool has_base;
	uint16_t beside; /* writes lately that hit no block */
};

/*
 * Blocks of a page that is written again and again beside them may be left over from what
 * the page was before: they are dropped after so many writes, and each time that the same
 * page (or one that shares its number here) is, it takes twice as many.
 */
#define BESIDE_LEAST_SHIFT 6
#define BESIDE_MOST_SHIFT  15
#define PATIENCE_HASH	   1024u

/* The page, in the monitor's mapping, that a byte of guest code is in. */
static inline const uint8_t *page_of(const uint8_t *code)
{
	return (const uint8_t *)((uintptr_t)code & ~(uintptr_t)(PAGE_SIZE - 1));
}

/* What look-ups in a page of code have led to lately, hot.c. */
#define HOT_PAGES   1024u
#define HOT_ENTRIES 32u
struct hot_page {
	const uint8_t *page; /* in the monitor's mapping */
	uint32_t asid;	     /* of the space that was last given all of it */
	uint32_t next;	     /* entry to replace */
	struct hot_entry {
		uint32_t host;	 /* offset in the cache; 0: none */
		uint16_t offset; /* in the page */
		uint8_t mode_id;
		bool moved;
	} entries[HOT_ENTRIES];
};

/* FIP, FOP and FDS as instructions before leave them: bt/fpu.h. */
struct x87_pointers {
	bool instruction, operand; /* something to be written */
	uint32_t fip;
	uint16_t fop;
	uint8_t seg; /* of the operand */
};

/* Instructions that bt/crossing.h is about. */
enum crossing_kind {
	CROSSING_NONE,
	CROSSING_SYSENTER,
	CROSSING_SYSEXIT,
	CROSSING_IRET,
	CROSSING_FS,
};

/* An instruction that was interpreted on behalf of translated code, decoded. */
struct slow_site {
	uint32_t after; /* offset in the cache of what follows the call; 0: empty */
	uint16_t n;
	bool undecodable;
	bool native;	/* has a rule, but its memory access could not be made */
	bool same_mode; /* leaves the mode as it is */
	bool reloads;	/* DS or ES, by a stub that looks at the GDT */
	bool soft_rep;	/* would be the host's own, but for faults: select_string.c */
	uint8_t shown;	/* of that, times in a row that it would not have faulted */
	uint8_t crossing; /* enum crossing_kind */
	/* Of the block, which is far away: */
	uint8_t fpu;
	uint32_t eip, mode; /* eip: the instruction's, as tb.eip */
	uint32_t next;	    /* offset in the cache of the block's next instruction; 0: there is none */
	struct tb *tb;
	struct x87_pointers pointers; /* to be written before it */
	struct insn insn;
};

struct mode_id {
	uint32_t mode, cs_base;
	bool used;
};

struct bt {
	struct engine_config config;
	struct code_cache cache;
	struct stubs stubs;
	struct bt_tables *tables;
	uint8_t *return_memory; /* of vcpu.bt_stacks */
	uint8_t *signal_stack; /* signals.c; for a thread that has none */
	uint64_t serial; /* no other translator of the process has it */
	struct bt_counters n;
	struct decoder *decoder;
	meta_ref hash[TB_HASH_SIZE];
	struct code_page *pages[CODE_PAGE_HASH];
	struct hot_page hot[HOT_PAGES];
	uint8_t patience[PATIENCE_HASH]; /* by page: times that blocks were dropped for writes beside */
	unsigned page_count; /* in pages[] */
	struct slow_site *sites;
	/* By hash; an entry's index is the id that jump-cache tags carry, 0 is not used. */
	struct mode_id mode_ids[MODE_IDS];
	unsigned mode_id_count;
	meta_ref cross[CROSS_LISTS]; /* chained exits into other pages, by page, under cross_asid */
	uint32_t cross_asid;
	uint32_t based_asid; /* asid_kernel when EIP of what was looked up was no linear address */
	/* Of this block the instruction that has just faulted is to go through the software TLB. */
	struct tb *soften;
	/* Which of ring 3's jump caches was used last, and vcpu.asid_user then. */
	unsigned jc_latest;
	uint32_t jc_owner;
	uint64_t sampled_ns; /* host time when the last run ended */
	struct tb_exit *left_by; /* the exit that translated code has been left by; NULL: by none */
	bool leave;	  /* what runs was dropped or the map changed: leave after this instruction */
	bool polled;	  /* the poll load has led out of translated code */
	uint32_t asid_epoch; /* high bits of the asids in jump-cache tags */
	unsigned interpret; /* instructions to be interpreted before translated code is entered */
	int64_t ahead;	  /* instructions of the block after the one interpreted */
	uint64_t inject_state;
	FILE *perf_map;	    /* perfmap.c; NULL: not wanted */
	unsigned unchecked; /* translations since check_structures() */
};

/*
 * Instructions that run on behind instruction n if no exit is taken between: they
 * have been paid for together with it.
 */
static inline unsigned tb_paid_after(const struct tb *tb, unsigned n)
{
	uint64_t later = tb->inner >> n;

	return later ? (unsigned)__builtin_ctzll(later) : tb->count - 1u - n;
}

/* What EIPs of a block of that mode are relative to, when it has just run. */
static inline uint32_t mode_base(const struct vcpu *cpu, uint32_t mode)
{
	return mode & MODE_MOVED ? cpu->bt_page : 0;
}
static inline uint32_t tb_base(const struct vcpu *cpu, const struct tb *tb)
{
	return mode_base(cpu, tb->mode);
}
static inline uint32_t tb_insn_eip(const struct vcpu *cpu, const struct tb *tb, unsigned n)
{
	return tb_base(cpu, tb) + tb->eip + tb->insns[n].guest;
}

/* The list of the exits into the page of eip: it, and those that share its number. */
static inline meta_ref *cross_list(struct bt *bt, uint32_t eip)
{
	return &bt->cross[(eip >> PAGE_SHIFT) % CROSS_LISTS];
}

static inline uint8_t *cache_rw(const struct bt *bt, uint32_t offset)
{
	return bt->cache.rw + offset;
}
static inline uint8_t *cache_rx(const struct bt *bt, uint32_t offset)
{
	return bt->cache.rx + offset;
}

/* ---- what lies in code_cache.meta ---- */
static inline meta_ref meta_ref_of(const struct bt *bt, const void *p)
{
	return p ? (meta_ref)(((const uint8_t *)p - bt->cache.meta) / sizeof(uint64_t)) : 0;
}
static inline void *meta_at(const struct bt *bt, meta_ref ref)
{
	return ref ? bt->cache.meta + (size_t)ref * sizeof(uint64_t) : NULL;
}
static inline struct tb *tb_at(const struct bt *bt, meta_ref ref)
{
	return meta_at(bt, ref);
}
static inline struct tb_exit *exit_at(const struct bt *bt, meta_ref ref)
{
	return meta_at(bt, ref);
}
static inline struct tb *link_tb(const struct bt *bt, link_ref ref)
{
	return meta_at(bt, ref >> 1);
}
static inline struct tb_link *link_at(const struct bt *bt, link_ref ref)
{
	return ref ? &link_tb(bt, ref)->links[ref & 1] : NULL;
}
static inline link_ref link_ref_of(const struct bt *bt, const struct tb *tb, unsigned n)
{
	return meta_ref_of(bt, tb) << 1 | n;
}

/* Offset from a block with so many instructions of what is behind them. */
static inline size_t tb_insns_end(unsigned insns)
{
	size_t align = alignof(uint64_t) - 1;

	return (sizeof(struct tb) + insns * sizeof(struct tb_insn) + align) & ~align;
}
/* Only of a block that has it. */
static inline struct tb_x87 *tb_x87(const struct tb *tb)
{
	return (struct tb_x87 *)(void *)((uint8_t *)tb + tb_insns_end(tb->count));
}
static inline struct tb_exit *tb_exits(const struct tb *tb)
{
	struct tb_x87 *behind = tb_x87(tb) + tb->has_x87;

	return (struct tb_exit *)(void *)behind;
}
static inline bool exit_is(const struct tb *from, const struct tb_exit *exit, uint8_t which)
{
	return which >> (exit - tb_exits(from)) & 1;
}
/* The exit's number in emitted code, which has room for 32 bits. */
static inline uint32_t exit_id(const struct bt *bt, const struct tb_exit *exit)
{
	return meta_ref_of(bt, exit);
}
/* Offsets in the cache. */
static inline uint32_t tb_chained(const struct tb *tb)
{
	return tb->host + tb->chained;
}
static inline uint32_t tb_ready(const struct tb *tb)
{
	return tb->host + tb->ready;
}

/* ---- cache.c ---- */
int cache_create(struct bt *bt, unsigned kib);
void cache_destroy(struct bt *bt);
/* Room for a block of so many, with x87 or not; may evict a region. Sets *e, returns the tb. */
struct tb *cache_begin(struct vcpu *cpu, unsigned insns, bool x87, unsigned exits, struct emit *e);
/* The block is complete: keeps what it used. */
void cache_commit(struct bt *bt, struct tb *tb, const struct emit *e);
/* Gives the room that cache_begin() took up, so that the next call evicts. */
void cache_full(struct vcpu *cpu);
/* Drops every block. */
void cache_flush(struct vcpu *cpu);
/* The block whose code holds offset, or NULL. */
struct tb *cache_find(struct bt *bt, uint32_t offset);

/* ---- tb.c: look-up, chaining, invalidation ---- */
/* eip: with MODE_MOVED any that has the same offset in its page. */
struct tb *tb_lookup(struct bt *bt, const uint8_t *code, uint32_t eip, uint32_t mode);
/*
 * The mode to translate the code at eip in. The first address at which ring 3
 * runs a page's code gets translations with absolute EIPs in them; all others have
 * those in common that can be moved.
 */
uint32_t tb_choose_mode(struct bt *bt, const uint8_t *code, uint32_t eip, uint32_t mode);
void tb_insert(struct vcpu *cpu, struct tb *tb, gpa_t gpa, gpa_t gpa2);
/* Takes the block out of all structures but its region. */
void tb_drop(struct vcpu *cpu, struct tb *tb);
void tb_chain(struct bt *bt, struct tb_exit *exit, struct tb *to);
/*
 * Rings 0 to 2 may fetch from elsewhere in this page: nothing leads there any more but what
 * asks. False: that is not enough, asid_kernel has to change.
 */
bool tb_kernel_fetch_dropped(struct vcpu *cpu, gva_t page);
/* Undoes the chains into other pages that have been made under another asid_kernel. */
void tb_unchain_stale(struct vcpu *cpu);
void tb_code_written(struct vcpu *cpu, gpa_t gpa, uint32_t len);
/* Instruction of the block whose host code holds this offset from tb->host. */
unsigned tb_insn_at(const struct tb *tb, uint32_t offset);
/* The processor is at the block. */
void jc_fill(struct vcpu *cpu, struct tb *tb);
/* The EIP leads to the host address at this offset in the cache. */
void jc_set(struct vcpu *cpu, uint32_t eip, uint32_t host);
/* Forgets what addresses mean, because their tags are going to mean something else. */
void jc_forget(struct vcpu *cpu);

/* ---- hot.c ---- */
/* The processor is at the block, to which the jump cache will lead from now on. */
void hot_looked_up(struct vcpu *cpu, const struct tb *tb);
void hot_drop(struct bt *bt, const struct tb *tb);
/* The numbers of modes are going to mean something else. */
void hot_forget(struct bt *bt);

/* ---- returns.c ---- */
int returns_create(struct vcpu *cpu);
void returns_destroy(struct bt *bt);
/* Forgets all calls. Not while translated code is on the host's stack. */
void returns_empty(struct vcpu *cpu);
/* Code under this jump-cache tag is going to run. */
void returns_select(struct vcpu *cpu, uint64_t tag, bool user);
/* Whether a fault at this address is a CALL that finds no room. */
bool returns_overflown(const struct vcpu *cpu, uint64_t address);
/* RSP, or the empty stack's if one more return address does not fit. */
uint64_t returns_room(const struct vcpu *cpu, uint64_t rsp);

/* ---- stubs.c ---- */
void stubs_emit(struct bt *bt, struct emit *e);

/* ---- translate.c ---- */
/*
 * Translates from the guest byte `code` on, at physical address gpa and linear
 * address CS.base + eip. NULL when the instruction cannot be translated (it
 * reaches into device registers, or to the end of 16-bit code). May unwind with
 * the #PF of an instruction's second page.
 */
struct tb *translate(struct vcpu *cpu, const uint8_t *code, gpa_t gpa, uint32_t eip, uint32_t mode,
		     uint64_t soft_insns);

/* ---- slow.c: called by stubs ---- */
/*
 * Interprets the instruction whose code the address before `after` belongs to.
 * Returns the host address to go on at, or 0 to leave. May unwind.
 */
uint64_t bt_slow(struct vcpu *cpu, uint64_t after);
void soft_drop(struct vcpu *cpu, unsigned view, gva_t page);

/* ---- mode.c ---- */
uint32_t bt_mode(const struct vcpu *cpu);
uint64_t bt_jc_tag(struct vcpu *cpu, uint32_t mode);
/* What runs is of this mode and has this tag, and the jump cache for it. */
void bt_select(struct vcpu *cpu, uint32_t mode, uint64_t tag);

/* ---- next.c ---- */
/*
 * Called by stubs: a block has been left by the exit with this number, or, 0, by a look-up
 * of vcpu.eip that the jump cache has missed. Returns the host address to go on at, or 0 to
 * leave. May unwind.
 */
uint64_t bt_next(struct vcpu *cpu, uint64_t exit_id);
/* Whether the block's instruction, which is next, still goes on in the page where it did. May unwind. */
bool bt_goes_on(struct vcpu *cpu, const struct tb *tb);
/* What left through `exit`, or by a look-up if it is NULL, has found its target. */
void bt_connect(struct vcpu *cpu, struct tb_exit *exit, struct tb *tb);
/* Whether what comes next should run in a stub. */
bool bt_wants_direct(const struct vcpu *cpu);
/*
 * Where translated code can go on at CS:EIP in the processor's mode without a look by the
 * run loop, or 0: there is a block, and nobody wants attention. May unwind with the fetch's
 * fault.
 */
uint64_t bt_continue(struct vcpu *cpu, uint32_t mode);

/* The window that code of this privilege accesses; 0: none. */
static inline uint64_t bt_window(const struct vcpu *cpu, bool user)
{
	return user ? cpu->window_base_user : cpu->window_base_supervisor;
}

/* ---- signals.c ---- */
int signals_install(void);
int signals_stack_create(struct bt *bt);
/* Sees to it that the thread takes signals on a stack that is not translated code's. */
void signals_stack(struct bt *bt);
/* To be called on the thread that has run it last. */
void signals_stack_destroy(struct bt *bt);

#endif
