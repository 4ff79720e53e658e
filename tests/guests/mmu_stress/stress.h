/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MMU stress guest: a long random game with page tables, memory accesses
 * and code that changes, of which every result follows from the architecture
 * (SDM 3A chapters 4 and 8.1.3). The guest predicts each result with a model of
 * its own, compares, and mixes what happened into a hash; the same seed gives
 * the same hash on whatever executes it.
 *
 *	0x00200000	the guest, below 3 MiB
 *	0x00400000	the pool: FRAMES pages in four banks of 1 MiB
 *	0x40000000	test pages: regions 0-2, of 4 MiB; 0x80000000: region 3
 *	0xc0000000	code, buffer and stack for both rings
 *	0xc0400000	region 4: global pages, the same tables in all spaces of a mode
 *
 * The first 8 MiB are mapped one to one for ring 0: the direct map. What a
 * page of the pool should hold is in its shadow, which only the model writes.
 * Where the architecture allows several outcomes, all are accepted, made one by
 * a write, and kept out of the hash.
 */
#ifndef MMU_STRESS_H
#define MMU_STRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "c_guest.h"

#define PAGE	    4096u
#define POOL_BASE   0x400000u
#define BANKS	    4u
#define BANK_FRAMES 20u
#define FRAMES	    (BANKS * BANK_FRAMES)
#define NO_FRAME    FRAMES

#define SHARED_CODE  0xc0000000u
#define SHARED_DATA  0xc0001000u
#define SHARED_STACK 0xc0002000u
#define REGIONS	     5u
#define GLOBAL_REGION 4u
#define PAGES	     64u /* test pages */

#define PTE_P  0x001u
#define PTE_W  0x002u
#define PTE_U  0x004u
#define PTE_A  0x020u
#define PTE_D  0x040u
#define PTE_PS 0x080u
#define PTE_G  0x100u
#define PTE_NX (1ull << 63)

#define PF_P	0x01u
#define PF_W	0x02u
#define PF_U	0x04u
#define PF_RSVD 0x08u
#define PF_I	0x10u

#define VEC_GP	 13u
#define VEC_PF	 14u
#define VEC_IRQ0 0x20u
#define VEC_END	 0x80u

/* ---- entry.asm ---- */
struct registers {
	uint32_t edi, esi, ebx, edx, ecx, eax;
};
struct trap {
	uint32_t cr2, es, ds;
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
	uint32_t vector, error, eip, cs, eflags;
};
void load_tables(const void *gdt, const void *idt);
void run(const struct registers *r, uint32_t eip, bool user);
extern const char shared_start[], vectors[];

/* ---- hardware.c ---- */
void hardware_init(void);
_Noreturn void finish(bool passed);
void print(const char *format, ...); /* %u %x %s */
_Noreturn void fail(const char *format, ...);
bool trap(struct trap *t);
uint64_t cpu_flags(void); /* CPUID 1 EDX, and 80000001 EDX in the upper half */
void disk_init(void);
void disk_pio(uint32_t lba, uint32_t phys);
void disk_dma(uint32_t lba, uint32_t phys, uint32_t sectors);
void a20_set(bool on);
extern uint32_t ticks;

/* What the last run() ended with. */
extern struct trap got;
/* Set by main.c around run(): whether a #PF at this address is to be tried again. */
extern bool (*may_retry)(uint32_t cr2, uint32_t error);

static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline void out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint32_t in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

/* ---- main.c ---- */
struct options {
	uint32_t seed, steps;
	uint32_t spin; /* turns of a loop in ring 3 */
	bool gamble;  /* use entries that may be stale; engines may differ in how it ends */
	uint32_t disk; /* there is one, made by test_mmu_stress.py; 2: read it without DMA */
	/* TCG: the read of a locked access may be what faults, other bits are reserved, and
	   for those P is not set (SDM 3A 4.7: it is). */
	bool qemu;
	/* KVM with nested paging on TCG: code that a store changes may be executed as it was
	   until the next exit (is_unserialized()), PDPTEs have A set (pdptes_clean()), and
	   a write after a read may get past its protection (predict_access()). */
	bool nested;
	bool verbose; /* a line for each step */
};
extern struct options options;
extern uint32_t step;
uint32_t rnd(void);
uint32_t below(uint32_t n);
static inline bool chance(uint32_t percent)
{
	return below(100) < percent;
}
/*
 * For some time most of what happens is about a few pages, offsets and frames:
 * what nobody has cached cannot be stale.
 */
unsigned pick_page(void); /* a test page */
uint32_t pick_slot(void); /* offset of a function in its page */
unsigned pick_frame(void);
void mix(uint32_t value);
/* Runs code, whose result is predicted; compares all. */
struct expectation;
void run_expecting(const struct registers *in, uint32_t eip, bool user,
		   const struct expectation *e);
/* Runs it without any expectation; the result is in `got`. */
void run_open(const struct registers *in, uint32_t eip, bool user);
/* What a prediction led to: it is taken back and all flushed that it needs, and made again. */
#define PREDICT_TRIES 8

#define COUNTS(X)                                                                                  \
	X(done) X(faults) X(skipped) X(calls) X(call_faults) X(code_stores) X(edits)               \
	X(alias_edits) X(dir_edits) X(recycled) X(invlpgs) X(reloads) X(switches) X(modes)         \
	X(retries) X(gambles) X(gambles_stale) X(generated) X(disk_reads) X(a20_offs) X(spins)
struct counts {
#define X(name) uint32_t name;
	COUNTS(X)
#undef X
};
extern struct counts counts;

/* ---- model.c: what memory holds and how it is mapped ---- */
enum mode { MODE_PLAIN, MODE_PSE, MODE_PAE, MODES };
#define SPACES_PER_MODE 3u
#define SPACES		(MODES * SPACES_PER_MODE)

struct space {
	enum mode mode;
	uint32_t cr3;
	uint8_t dir[2]; /* frames; PAE: for 1 GiB and 2 GiB; else the same twice */
};
enum frame_kind { FRAME_DATA, FRAME_TABLE, FRAME_PAE_TABLE, FRAME_DIR };

struct model {
	struct space spaces[SPACES];
	uint32_t current;
	enum mode mode;
	bool a20, wp, nx;
	uint32_t lin[PAGES];
	uint8_t kind[FRAMES];
	uint8_t touched[FRAMES]; /* shadow written since the last comparison */
	uint8_t shadow[FRAMES][PAGE];
};
extern struct model model;

/* The entries that a walk goes through, as they are. */
struct xlate {
	uint64_t pde, pte;
};
struct walk {
	int fault; /* PF_P, PF_RSVD bits, or -1 */
	bool w, u, nx, large;
	bool nowhere;	   /* the table is not in the pool, or has garbage for the page */
	uint64_t gpa;	   /* A20 not applied */
	uint32_t pde, pte; /* where the entries are; 0: none, or not in the pool */
};

enum access { READ, WRITE, EXEC };
/* DONE: predicted; FAULT: it ends with the #PF that is predicted; SKIP: not to be done;
 * FLUSH: pages in to_flush have to be flushed first. */
enum outcome { DONE, FAULT, SKIP, FLUSH };

struct expectation {
	bool fault;
	bool any_w; /* whether the error code says write is left open */
	uint32_t cr2, error, eip;
	struct registers out;
	bool only_eax_edi;
};

void model_init(void);
static inline uint32_t frame_phys(unsigned frame)
{
	return POOL_BASE + (frame / BANK_FRAMES << 20) + frame % BANK_FRAMES * PAGE;
}
uint32_t a20_mask(uint32_t phys);
unsigned frame_of(uint64_t phys); /* NO_FRAME: not in the pool; A20 applied */
int page_id(uint32_t lin);	  /* -1: not a test page */
unsigned region_of(unsigned id);
bool is_global_table(unsigned frame); /* that of a mode's region 4 */
/* A byte of the shadow, for reading. */
const uint8_t *shadow_at(uint32_t phys);
void shadow_write(uint32_t phys, uint64_t value, unsigned size);
uint64_t entry_read(uint32_t phys, enum mode mode);
/* Where the directory entry for a page is in a space; 0: fixed. */
uint32_t pde_where(const struct space *s, uint32_t lin);
void xlate_read(const struct space *s, uint32_t lin, struct xlate *x);
void xlate_walk(const struct space *s, uint32_t lin, const struct xlate *x, struct walk *w);
void walk_current(uint32_t lin, struct walk *w);
/* Error code of the #PF, or -1. */
int walk_check(const struct walk *w, enum access kind, bool user);

/* Predictions: begin, then accesses, then keep or undo. */
void predict_begin(void);
void predict_undo(void);
/* phys[2]: where the first byte is, and the first in the second page. */
enum outcome predict_access(uint32_t lin, unsigned size, enum access kind, bool user,
			    uint32_t phys[2], struct expectation *e);
enum outcome predict_read(uint32_t lin, unsigned size, bool user, uint64_t *value,
			  struct expectation *e);
enum outcome predict_write(uint32_t lin, unsigned size, bool user, uint64_t value,
			   struct expectation *e);
void flush_wanted(void);   /* after FLUSH: makes that it comes out otherwise */
void normalise_last(void); /* after FAULT: bits that the processor may have set or not */
void normalise(uint32_t lin, const struct xlate *x, bool write, bool user);

/* Compares frames with their shadows: those touched, or all. */
void compare_frames(bool all);

/* ---- staleness ---- */
enum stale { FRESH, UPGRADED, CHANGED };
#define CANDIDATES 6
struct stale_page {
	enum stale how;
	unsigned count;
	struct xlate was[CANDIDATES];
};
extern struct stale_page stale[PAGES];
void tables_before(void); /* around every change of tables */
void tables_after(void);
void page_flush(unsigned id);	    /* INVLPG */
void space_load(unsigned space);    /* MOV CR3, or by way of paging off */
void flush_global(void);	    /* CR4.PGE off and on */
void paging_start(void);
void wp_set(bool on);
void a20_switch(bool on);
bool pdptes_again(uint32_t eip); /* after #GP: it is nested TCG's, and to be tried again */

/* ---- tables.c ---- */
void tables_init(void);
void edit_page(unsigned id);
void edit_directory(unsigned id);
void edit_large(unsigned id);
void edit_frame(unsigned id); /* another frame for the page, with the same rights */
void recycle_frame(void);

/* ---- access.c ---- */
void access_random(void);
void access_in_region(unsigned region);
void access_spin(void);
bool copy_to(uint32_t lin, const void *from, unsigned bytes, bool user);
void gamble_random(void);
/* Stores a dword through a test page, whatever is there. Returns false if it is not possible. */
bool write_through(uint32_t lin, bool user, uint32_t value);

/* ---- code.c ---- */
#define SLOT	 64u
#define CROSSING 0xfc8u /* a function that begins here goes on in the next page */
void code_generate(void);
void code_call(unsigned times);
/* Calls a function, has something happen to it or its page, and calls it again. */
void code_again(void);
void code_fill(void);
void disk_read_random(void);

#endif
