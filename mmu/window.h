/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: 4 GiB ranges of host addresses in which guest memory is mapped
 * where guest linear addresses want it, so that the host's own MMU translates.
 *
 *   | guard | page 0 | page 1 | ......... | page 0xfffff | guard |
 *   reserve base                                      base + 4 GiB
 *
 * This is the host's side only: who maps what, and why, is cpu/space.h's
 * affair. A window knows of each page the frame (physmem_frame()) it shows and
 * whether it may be written; a reverse map leads from a frame to all pages that
 * show it. The host allows a process only so many mappings (VMAs): they are
 * counted, and the least recently filled windows lose 2 MiB slots, or all they
 * have, when a budget is reached.
 *
 * mem_window_map() and what it calls may run in a signal handler that interrupted
 * translated code: they make system calls and touch memory set aside before,
 * nothing else. Owner: the machine thread.
 */
#ifndef MMU_WINDOW_H
#define MMU_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/counters.h"
#include "mmu/types.h"

#define WINDOW_BYTES	  (1ull << 32)
#define WINDOW_PAGES	  (1u << 20)
#define WINDOW_SLOT_SHIFT 9 /* pages of a slot: 2 MiB, what a PAE directory entry maps */
#define WINDOW_SLOT_PAGES (1u << WINDOW_SLOT_SHIFT)
#define WINDOW_SLOTS	  (WINDOW_PAGES >> WINDOW_SLOT_SHIFT)
/*
 * Bytes before and after that are never mapped: a 32-bit register plus a signed
 * displacement no lower than -WINDOW_GUARD_BELOW, and an operand's size, lead no
 * farther.
 */
#define WINDOW_GUARD_BELOW (16u << 20)
#define WINDOW_GUARD_ABOVE ((2ull << 30) + (64u << 10))
#define WINDOW_MAX	  80	      /* windows of a set */

struct mem_window_set;
struct mem_window;
struct sparse_budget;

/* A run of frames that lie one after the other in one file. */
struct mem_window_run {
	uint32_t page;	 /* first linear page */
	uint32_t count;	 /* within one slot */
	uint32_t frame;	 /* of the first page */
	int fd;		 /* where the frames are */
	uint64_t offset; /* bytes */
	bool writable;
	bool executable; /* of remote windows only; never writable too */
	bool populate; /* enter all pages now, not as they are touched */
};

/*
 * A window that another process shows in its low 4 GiB: what has to be done
 * there. Calls cannot fail; if the other process cannot follow, it is lost.
 */
struct mem_window_remote {
	void (*map)(void *remote, const struct mem_window_run *run);
	void (*unmap)(void *remote, uint32_t page, uint32_t count);
	void (*protect)(void *remote, uint32_t page, uint32_t count); /* no writing */
	void (*empty)(void *remote);
};

/*
 * budget: host mappings that all windows together may use; 0: what the host
 * allows less a reserve for the rest of the process. memory: counts what windows
 * know of their pages, of which whoever maps sees to the limit. Returns 0 or -errno.
 */
int mem_window_set_create(struct mem_window_set **out, unsigned budget,
			  struct sparse_budget *memory, struct mmu_counters *counters);
void mem_window_set_destroy(struct mem_window_set *set); /* and all its windows */
/* For tests: refuse(opaque) says whether a mapping is to fail as if by the host. */
void mem_window_set_inject(struct mem_window_set *set, bool (*refuse)(void *opaque), void *opaque);
/* Host mappings in use by estimate, and the most that may be. */
unsigned mem_window_set_used(const struct mem_window_set *set);
unsigned mem_window_set_budget(const struct mem_window_set *set);

/* An empty window, or NULL: too many, or the host has no room. */
struct mem_window *mem_window_create(struct mem_window_set *set);
/* The same of a window in another process, which nothing here reads or writes. */
struct mem_window *mem_window_create_remote(struct mem_window_set *set,
					    const struct mem_window_remote *ops, void *remote);
void mem_window_destroy(struct mem_window *w);
/* Host address of linear address 0. */
uint64_t mem_window_base(const struct mem_window *w);
/* A window that is in use now loses slots rather than all it has. */
void mem_window_keep(struct mem_window *w, bool keep);

/*
 * Shows run.count pages. Other mappings may go to make room, never ones of
 * the run. Returns false if the host refused: nothing of the run is mapped then.
 */
bool mem_window_map(struct mem_window *w, const struct mem_window_run *run);
/* Enters up to `around` pages of a run mapped on each side of the page, which costs no mapping. */
void mem_window_populate(struct mem_window *w, const struct mem_window_run *run, uint32_t page,
			 uint32_t around);
/* Takes pages away; those not mapped cost nothing. */
void mem_window_unmap(struct mem_window *w, uint32_t page, uint32_t count);
/*
 * Takes a page away, by one call of the host with some that follow it where the
 * pages before have gone in order: guests take ranges away page by page. What
 * has gone too early is filled again.
 */
void mem_window_drop_page(struct mem_window *w, uint32_t page);
void mem_window_unmap_slot(struct mem_window *w, uint32_t slot);
void mem_window_empty(struct mem_window *w);
/* The same, and what was known of its pages takes no memory any more. */
void mem_window_give_back(struct mem_window *w);
/*
 * Empties the window filled longest ago, or a slot if it is in use. False: all are
 * empty. Memory that it takes no longer is for sparse_trim().
 */
bool mem_window_set_evict(struct mem_window_set *set);
/* Makes pages read-only, all of which are mapped. */
void mem_window_protect(struct mem_window *w, uint32_t page, uint32_t count);
/* Makes every mapping of count frames from this one on read-only. */
void mem_window_protect_frames(struct mem_window_set *set, uint32_t frame, uint32_t count);

/* Whether some mapping of the frame is writable. */
bool mem_window_frame_writable(const struct mem_window_set *set, uint32_t frame);
/* Whether the page is mapped; then what it shows. */
bool mem_window_lookup(const struct mem_window *w, uint32_t page, uint32_t *frame, bool *writable);
/* Whether the page is mapped and its code may run. */
bool mem_window_executable(const struct mem_window *w, uint32_t page);
/* Takes away every mapping of the frame whose code may run. */
void mem_window_drop_code(struct mem_window_set *set, uint32_t frame);
/* Pages mapped in a slot. */
unsigned mem_window_slot_count(const struct mem_window *w, uint32_t slot);

/* Asserts that the set's structures agree with each other. Returns pages mapped. */
uint64_t mem_window_check(const struct mem_window_set *set);

#endif
