/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structures of windows, for mmu/window*.c. */
#ifndef MMU_WINDOW_INTERNAL_H
#define MMU_WINDOW_INTERNAL_H

#include "mmu/sparse.h"
#include "mmu/window.h"

#define FRAMES_MAX (1u << 24) /* 64 GiB of guest memory */

/*
 * What a page of a window shows. Pages that show the same frame are linked
 * by references: (window's index << 20 | page) + 1; 0: none.
 */
struct mem_window_page {
	uint32_t frame; /* and PAGE_* */
	uint32_t next, prev;
};
#define PAGE_MAPPED	0x80000000u
#define PAGE_WRITABLE	0x40000000u
#define PAGE_EXECUTABLE 0x20000000u
#define PAGE_FRAME	0x1fffffffu

struct mem_window {
	struct mem_window_set *set;
	unsigned index;			/* in the set */
	uint64_t reserve, reserve_size; /* the range with its guards */
	uint64_t base;
	const struct mem_window_remote *ops; /* NULL: in this process */
	void *remote;
	struct sparse *memory;		/* of pages[] */
	struct mem_window_page *pages;	/* WINDOW_PAGES */
	uint16_t slot_pages[WINDOW_SLOTS]; /* mapped */
	uint64_t filled;		   /* the set's clock at the last mem_window_map() */
	unsigned vmas;			   /* by estimate */
	unsigned hand;			   /* the slot that eviction looks at next */
	/* mem_window_drop_page(): the page that would go on a sequence, pages to go with it. */
	uint32_t drop_next, drop_batch;
	bool keep;
};

struct mem_window_set {
	struct mem_window *windows[WINDOW_MAX];
	struct sparse *heads_memory;
	uint32_t *heads;       /* by frame: the first page that shows it */
	unsigned used, budget; /* VMAs */
	struct sparse_budget *memory; /* of windows' pages[] */
	uint64_t clock;	       /* counts mem_window_map() */
	struct mmu_counters *counters;
	bool (*refuse)(void *opaque);
	void *refuse_opaque;
};

/* ---- mmu/window.c ---- */
/* Unmaps a slot, budget or not; for evictions. */
void mem_window_drop_slot(struct mem_window *w, uint32_t slot);

/* ---- mmu/window_host.c: the system calls ---- */
/* Reserves, or gives back, w's range of host addresses. Returns success. */
bool mem_window_host_reserve(struct mem_window *w);
void mem_window_host_release(struct mem_window *w);
/* Each returns whether the host did it; if not, nothing has changed. */
bool mem_window_host_map(struct mem_window *w, const struct mem_window_run *run);
bool mem_window_host_unmap(struct mem_window *w, uint32_t page, uint32_t count);
bool mem_window_host_protect(struct mem_window *w, uint32_t page, uint32_t count);
void mem_window_host_empty(struct mem_window *w);

/* ---- mmu/window_budget.c ---- */
/* Whether a host mapping ends between page - 1 and page. */
bool mem_window_boundary(const struct mem_window *w, uint32_t page);
/* How many end at the edges and inside of a range of pages. */
unsigned mem_window_boundaries(const struct mem_window *w, uint32_t page, uint32_t count);
/* Adds mappings, which may be negative, to what w uses. */
void mem_window_account(struct mem_window *w, int vmas);
/* Evicts once; slot keep_slot of keep goes last. Returns false if all was empty. */
bool mem_window_evict(struct mem_window_set *set, struct mem_window *keep, uint32_t keep_slot);

#endif
