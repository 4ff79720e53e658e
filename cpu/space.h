/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shadow of the guest's page tables: guest address spaces as the host's
 * memory map shows them (mmu/window.h), and for how long a remembered
 * instruction fetch holds (vcpu.asid_user, vcpu.asid_kernel).
 *
 * A shadow is a TLB that is large and survives loads of CR3. It may hold a
 * translation that the guest has changed until INVLPG or a load of CR3, CR0 or
 * CR4 would have dropped it from a TLB (SDM 3A 4.10); it may drop any at any
 * time. Two views:
 *
 *  - the supervisor window, one for all address spaces: pages with U=0, what
 *    ring 0 reads and writes with CR0.WP set. Each 2 MiB slot remembers the
 *    directory entry it was filled from; at a load of CR3 only slots go whose
 *    entry differs. With paging off another window shows physical memory.
 *  - a user window for an address space that space_promote() found worth it:
 *    pages with U=1 and the rights of ring 3.
 *
 * Anything else (MMIO, watched pages, pages with data breakpoints, ring 0 on
 * user pages, WP=0) is in no window, and goes through the software TLB.
 *
 * Page tables that something came from are traced: PHYS_WATCH_TABLE, so that
 * nobody writes them unnoticed, and a copy of what they held. A written entry
 * loses what came from it at once, or in a user window when ring 3 is about to
 * run. A table that is written often goes out of sync instead: not watched, and
 * compared with its copy at the next flush.
 *
 * All functions are for the machine thread. Those that hear of changes do
 * nothing on a processor without space_enable().
 */
#ifndef CPU_SPACE_H
#define CPU_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/counters.h"
#include "mmu/types.h"

struct vcpu;
struct space_set;
struct mem_window;
struct mem_window_remote;

#define SPACE_NO_WINDOWS UINT32_MAX /* a budget: tags only */

/*
 * Begins to keep a shadow. budget: host mappings that windows may use; 0: by
 * the host's limit. inject: INJECT_* of cpu/engine.h. Returns 0 or -errno.
 */
int space_enable(struct vcpu *cpu, unsigned budget, unsigned inject);
/* Ends it; at destruction of the processor. */
void space_disable(struct vcpu *cpu);

/*
 * Resolves a fault at gva in the user or the supervisor window; call it from
 * the signal handler that interrupted translated code. Returns true if the
 * access can be made again now. False: the access is for the slow path, which
 * also raises the guest's page fault; nothing has happened.
 */
bool space_fill(struct vcpu *cpu, gva_t gva, bool write, bool user);
/* Whether an access to gva through that window would not fault. */
bool space_shows(const struct vcpu *cpu, gva_t gva, bool write, bool user);
/* Gives the current address space a user window, if it is worth it. Returns whether it has one. */
bool space_promote(struct vcpu *cpu);
/* The same for one that has not lost its window, as soon as it is known to live for a while. */
bool space_promote_early(struct vcpu *cpu);
/*
 * Before ring 3 runs: its window, withheld while pages of it are stale, shows what the guest's
 * tables say. Without this it runs without a window.
 */
void space_settle(struct vcpu *cpu);
/* Ring 3 of the current address space has run through its user window for so long. */
void space_ran(struct vcpu *cpu, uint64_t ns);

/*
 * ---- views in other processes, for direct/ ----
 * first_page: the lowest that can be mapped there, a multiple of 16.
 * executable() says whether the code of a page, which is watched then, may run
 * at this place of the window. Returns 0 or -errno; windows have to be enabled.
 */
typedef bool space_executable_fn(struct vcpu *cpu, const struct mem_window *w, uint32_t page,
				 const uint8_t *host);
int space_stubs_enable(struct vcpu *cpu, uint32_t first_page, space_executable_fn *executable);
struct mem_window *space_stub_window(struct vcpu *cpu, const struct mem_window_remote *ops,
				     void *remote);
#define SPACE_NUMBERS 64
/* The current space, less than SPACE_NUMBERS; -1: it has no shadow. */
int space_number(const struct vcpu *cpu);
/*
 * Changes when tables of the current space went while another one ran, as they do for a new
 * program: only a hint, since the guest's kernel may have other reasons.
 */
unsigned space_renewal(const struct vcpu *cpu);
/* The window is this space's from now on, and no other's; both begin empty. NULL: none. */
void space_stub_assign(struct vcpu *cpu, unsigned space, struct mem_window *w);
/* Whether nothing is left of what the current space's window has shown. */
bool space_stub_empty(const struct vcpu *cpu);
/* space_fill() for the current space's window; not in a signal handler. */
bool space_stub_fill(struct vcpu *cpu, gva_t gva, bool write);
/* The same ahead of an access that is expected, if nothing in the guest's tables changes by it. */
void space_stub_prefill(struct vcpu *cpu, gva_t gva);
/* The page whose code could run has been written: it may not any more. */
void space_stub_code_written(struct vcpu *cpu, const uint8_t *host);

/* What has been counted; zeros without a shadow. For `info bt`. */
struct mmu_counters space_counters(const struct vcpu *cpu);
/* Host mappings in use by estimate, and the most that may be. */
void space_mappings(const struct vcpu *cpu, unsigned *used, unsigned *budget);

/*
 * Asserts that windows, tags, traces and copies agree with each other and with
 * the guest's tables as far as the architecture asks for. Returns the number of
 * window pages looked at. Slow.
 */
uint64_t mmu_check(struct vcpu *cpu);

/* ---- called by cpu/tlb.c, cpu/paging.c and cpu/vcpu.c ---- */
/* CR3, CR0, CR4, EFER, A20 or a debug register was loaded. */
void space_flushed(struct vcpu *cpu);
/* INVLPG. */
void space_page_flushed(struct vcpu *cpu, gva_t gva);
/* physmem: another memory may answer anywhere. */
void space_map_changed(struct vcpu *cpu);
/* physmem: so many pages from this one on are watched from now on. */
void space_pages_watched(struct vcpu *cpu, gpa_t page, uint32_t pages);
/* physmem: [gpa, gpa+len) of a traced table was written. */
void space_table_written(struct vcpu *cpu, gpa_t gpa, uint32_t len);
/* Paging is on, and the walk for an instruction fetch at gva has succeeded. */
void space_note_fetch(struct vcpu *cpu, gva_t gva, bool user);

#endif
