/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structures of the shadow, for cpu/space*.c. Who refers to whom:
 *
 *   space --dirs--> table <--table-- slot (of a view)
 *                   table --users--> slots that were filled from it
 *
 * A slot is 2 MiB of linear addresses in one view: half of what a directory
 * entry covers without PAE, all of it with PAE.
 */
#ifndef CPU_SPACE_INTERNAL_H
#define CPU_SPACE_INTERNAL_H

#include "cpu/space.h"
#include "cpu/tlb.h"
#include "cpu/walk.h"
#include "mmu/sparse.h"
#include "mmu/window.h"

#define SPACES		((unsigned)SPACE_NUMBERS) /* address spaces remembered */
#define TABLES		1024u /* guest page tables traced; 0 is none */
#define TABLE_HASH	4096u
#define OUT_OF_SYNC_MAX 64u

/* Views: what slots belong to. */
#define VIEW_SUPERVISOR	  0u		/* the supervisor window */
#define VIEW_KERNEL_FETCH 1u		/* fetches tagged asid_kernel */
#define VIEW_USER(n)	  (2 + 4 * (n)) /* the user window of space n */
#define VIEW_FETCH(n)	  (3 + 4 * (n)) /* fetches tagged with space n's asid */
#define VIEW_STUB(n)	  (4 + 4 * (n)) /* the process that runs space n's ring 3; 5 + 4n: none */
#define VIEWS		  (2 + 4 * SPACES)

/* What a slot was filled from. */
struct slot {
	uint64_t tag;	     /* the directory entry */
	uint32_t table;	     /* index of the page table; 0: tag maps a large page */
	uint32_t next, prev; /* among the table's users; slot references, 0: none */
};
#define SLOT_REF(view, slot) (((view) << 11 | (slot)) + 1)

struct view {
	struct mem_window *window;	    /* NULL: a view of fetches, or no window yet */
	uint64_t *fetched;		    /* fetches: a bit for each page */
	uint64_t filled[WINDOW_SLOTS / 64]; /* a bit for each slot in use */
	struct slot *slots;		    /* WINDOW_SLOTS; zeros where not in use */
};

enum table_state { TABLE_FREE, TABLE_TRACED, TABLE_OUT_OF_SYNC };

/* A guest page table or directory. */
struct table {
	enum table_state state;
	gpa_t gpa;
	const uint8_t *host;
	uint8_t *saved;	    /* what it held when things were derived from it; 4 KiB */
	uint32_t hash_next; /* index */
	uint32_t users;	    /* slot reference */
	uint64_t version;   /* changes with every change of a present entry */
	uint64_t spaces;    /* bit n: slots of space n may use it */
	uint64_t dir_of;    /* bit n: it is a directory of space n */
	bool kernel;	    /* slots of the supervisor's views may use it */
	bool changed;	    /* out of sync: an entry was found changed since the last compare */
	uint8_t quiet;	    /* out of sync: compares in a row that found nothing */
	uint8_t writes;	    /* traced, halved at every flush */
	uint64_t epoch;	    /* the set's when writes was last counted */
};

/* Pages of a user window, from `page` on, whose entries have changed. */
#define STALE_RUNS 64u
struct stale_run {
	uint32_t page, count;
};

struct space {
	bool used;
	uint32_t cr3;		  /* as it selects tables */
	uint64_t pdpte[4];	  /* PAE; else zeros */
	uint64_t last_use;	  /* the set's epoch */
	uint32_t dirs[4];	  /* table indices; without PAE all are the first; 0: none */
	uint64_t dir_version[4];  /* of those, when slots were last compared */
	uint64_t supervisor_seen; /* the set's supervisor_version then */
	uint32_t asid;
	bool promoted;
	int64_t account;	/* of its window, space_promote.c; ns */
	uint64_t since;		/* host time when its program was found to run first; 0: not yet */
	unsigned asked, wanted; /* how often it was found to run; to be promoted again; 0: now */
	unsigned renewals;	/* space_renewal() */
	bool shadowable;	/* its directories can be traced */
	unsigned stale_count;
	struct stale_run stale[STALE_RUNS]; /* to be settled before ring 3 runs in its window */
};

/* A page that the guest maps and unmaps again and again below ring 3, space_view.c. */
#define CHURN_PAGES 64u
struct churn {
	uint32_t page, losses;
	uint64_t last; /* host time of the last loss */
};

struct space_set {
	struct mmu_counters counters;
	struct mem_window_set *windows; /* NULL: none */
	struct mem_window_set *stubs;	/* windows in other processes; NULL: none */
	space_executable_fn *executable; /* may a page's code run there */
	uint32_t stub_first_page; /* below it the host lets nothing be mapped in them */
	struct mem_window *identity;	/* paging off */
	uint32_t mode;			/* MODE_*: how tables are read */
	bool paging;
	bool windows_forced;	     /* user windows are kept whatever they cost, for tests */
	bool untracked;		     /* a fetch came from tables that cannot be traced */
	struct space *current;	     /* NULL: paging off */
	uint64_t epoch;		     /* flushes */
	uint64_t fetch_drops_epoch;  /* the one that fetch_drops are counted in */
	unsigned fetch_drops;	     /* pages whose fetches alone were forgotten */
	uint64_t versions;	     /* last given to a table */
	uint64_t supervisor_version; /* changes when a slot of the supervisor's views is filled */
	uint32_t out_of_sync[OUT_OF_SYNC_MAX]; /* table indices, oldest first */
	unsigned out_of_sync_count;
	uint32_t hash[TABLE_HASH]; /* table index */
	uint32_t free_table;	   /* the first of those forgotten, by hash_next; 0: none */
	uint32_t next_table;	   /* where to look for one to forget */
	uint32_t tables_high;	   /* no table was used from here on */
	uint32_t random;	   /* for injected refusals */
	struct space spaces[SPACES];
	struct table tables[TABLES];
	struct view views[VIEWS];
	struct churn churn[CHURN_PAGES]; /* by the page's low bits */
	struct sparse_budget memory; /* of these, and of windows */
	struct sparse *slots;	     /* of views */
	struct sparse *fetched;	     /* of views of fetches */
	struct sparse *saved;	     /* of tables */
};

#define MODE_PAE 1u
#define MODE_PSE 2u
#define MODE_NXE 4u
#define MODE_A20 8u /* masked */

static inline bool set_pae(const struct space_set *set)
{
	return set->mode & MODE_PAE;
}
static inline unsigned space_index(const struct space_set *set, const struct space *s)
{
	return (unsigned)(s - set->spaces);
}
static inline uint32_t table_index(const struct space_set *set, const struct table *t)
{
	return t ? (uint32_t)(t - set->tables) : 0;
}
static inline bool slot_filled(const struct view *v, uint32_t slot)
{
	return v->filled[slot / 64] >> slot % 64 & 1;
}
static inline bool view_is_supervisor(unsigned view)
{
	return view < VIEW_USER(0);
}
static inline bool view_is_fetch(unsigned view)
{
	return view & 1;
}
static inline bool view_is_user(unsigned view)
{
	return view >= VIEW_USER(0) && (view - VIEW_USER(0)) % 4 == 0;
}
/* The space that a view other than the supervisor's belongs to. */
static inline unsigned view_space(unsigned view)
{
	return (view - VIEW_USER(0)) / 4;
}

/*
 * Whether something derived from the entry as it was may not outlive a flush
 * now that it is this: rights or address changed, or the guest cleared A or D
 * to see them set again.
 */
static inline bool entry_lost(uint64_t was, uint64_t is)
{
	if (!(was & PTE_P))
		return false;
	return ((was ^ is) & ~(uint64_t)(PTE_A | PTE_D | 0xe00)) || (was & ~is & (PTE_A | PTE_D));
}

/* An entry of a table, read by the current mode's size. */
static inline uint64_t entry_at(const struct space_set *set, const uint8_t *table, unsigned index)
{
	uint64_t wide;
	uint32_t narrow;

	if (set_pae(set)) {
		memcpy(&wide, table + 8 * index, 8);
		return wide;
	}
	memcpy(&narrow, table + 4 * index, 4);
	return narrow;
}
/* Index of a slot's entry in its directory, and the directory in space.dirs. */
static inline unsigned dir_index(const struct space_set *set, uint32_t slot)
{
	return set_pae(set) ? slot & 511 : slot >> 1;
}
static inline struct table *dir_of_slot(struct space_set *set, const struct space *s, uint32_t slot)
{
	uint32_t i = s->dirs[slot >> 9];

	return i ? &set->tables[i] : NULL;
}
/* Index in a page table of the page's entry. */
static inline unsigned pte_index(const struct space_set *set, uint32_t page)
{
	return page & (set_pae(set) ? 511 : 1023);
}
static inline bool entry_is_large(const struct space_set *set, uint64_t dir_entry)
{
	return dir_entry & PTE_PS && set->mode & (MODE_PAE | MODE_PSE);
}
static inline gpa_t entry_table(const struct vcpu *cpu, uint64_t dir_entry)
{
	return apply_a20(cpu, dir_entry & PAE_ADDRESS);
}

/* ---- cpu/space_view.c ---- */
/* Whether the page of the supervisor window is not worth a mapping now. */
bool page_churns(struct space_set *set, uint32_t page);
/* Makes the slot one that was filled from this entry and table, dropping what it was else. */
void slot_claim(struct vcpu *cpu, unsigned view, uint32_t slot, uint64_t tag, struct table *t);
void slot_drop(struct vcpu *cpu, unsigned view, uint32_t slot);
void view_drop_page(struct vcpu *cpu, unsigned view, uint32_t page);
/* Drops the slot if the directory entry it came from is not what it is now; whether it did. */
bool slot_compare(struct vcpu *cpu, unsigned view, uint32_t slot, uint64_t entry);
/* slot_compare() of all slots with the space's directories. Returns whether it dropped any. */
bool view_compare(struct vcpu *cpu, unsigned view, const struct space *s);
void view_clear(struct vcpu *cpu, unsigned view);
/* A number that no tag has. */
uint32_t fresh_asid(struct vcpu *cpu);
/* New tags, with no fetch noted: for views of fetches. */
void fetches_forget(struct vcpu *cpu, unsigned view);

/* ---- cpu/space_table.c ---- */
/* The table at gpa, traced from now on if it was not. NULL: it cannot be. */
struct table *table_get(struct vcpu *cpu, gpa_t gpa);
struct table *table_find(struct space_set *set, gpa_t gpa);
/* Forgets the table and all that came from it. */
void table_forget(struct vcpu *cpu, struct table *t);
/* Brings an entry of a table out of sync up to date. Returns what it is now. */
uint64_t table_entry(struct vcpu *cpu, struct table *t, unsigned index);
/* Compares tables out of sync that the current space or the supervisor uses. */
void tables_resync(struct vcpu *cpu);

/* Forgets tables that nothing came from. */
void tables_forget_unused(struct vcpu *cpu);

/* ---- cpu/space_memory.c ---- */
/* What views need, by the host's memory. Returns 0 or -errno. */
int memory_create(struct space_set *set, unsigned inject);
void memory_destroy(struct space_set *set);
/* The table's copy, which is going to be written. */
uint8_t *memory_saved(struct space_set *set, uint32_t table);
void memory_make_room(struct vcpu *cpu);
/* Whether the count is right and the limit kept. */
bool memory_is_kept(const struct space_set *set);
/*
 * Before something is filled or traced, with nothing in hand that came from tables:
 * other spaces may go, and pages of all windows. Enough for any such step.
 */
#define MEMORY_STEP 64u /* pages of the host */
static inline void memory_reserve(struct vcpu *cpu)
{
	const struct sparse_budget *b = &cpu->spaces->memory;

	if (b->used + MEMORY_STEP > b->limit)
		memory_make_room(cpu);
}

/* ---- cpu/space_fill.c ---- */
/* space_fill() of one of the current space's views; paging is on. */
bool space_fill_view(struct vcpu *cpu, gva_t gva, bool write, unsigned view);
/*
 * Stale pages of the current space show what its tables say now, or nothing. With nothing in
 * hand that came from tables.
 */
void stale_settle(struct vcpu *cpu);

/* ---- cpu/space.c ---- */
/* Drops what there is of a space that is not the current one. */
void space_recycle(struct vcpu *cpu, struct space *s);
void keep_windows(struct space_set *set, bool keep);
void publish_windows(struct vcpu *cpu);

/* ---- space_promote.c ---- */
bool view_is_empty(const struct view *v);
/* A page of its user window has been filled. */
void space_filled(struct space *s);
/* Tables of it went while another space was current: it may be another program's. */
void space_renewed(struct space *s);
/* At a load of CR3: takes the space's user window away if it isn't worth it. */
void space_weigh(struct vcpu *cpu, struct space *s);
/* The space used longest ago that is not the current one; NULL: there is none. */
struct space *space_oldest(struct space_set *set);
/* Drops everything; the current space stays current, and keeps its window, now empty. */
void space_reset(struct vcpu *cpu);
/* The entry that maps the slot in the current space; 0: none. *dir: where it is. */
uint64_t current_dir_entry(struct vcpu *cpu, uint32_t slot, struct table **dir);

#endif
