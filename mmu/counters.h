/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the shadow of the guest's page tables has done, for `info bt` and tests. */
#ifndef MMU_COUNTERS_H
#define MMU_COUNTERS_H

#include <stdint.h>

/* X(field, what is counted) */
#define MMU_COUNTERS(X)                                                                            \
	X(fills, "faults in windows that a mapping resolved")                                      \
	X(fill_pages, "pages mapped by fills, neighbours included")                                \
	X(fill_writes, "fills for a write")                                                        \
	X(fill_user, "fills of user windows")                                                      \
	X(not_present, "faults in windows that the guest has to resolve")                          \
	X(no_right, "faults in windows on pages the view must not have (user, read-only)")         \
	X(not_memory, "faults in windows on registers, empty space or memory of no memfd")         \
	X(watched_writes, "faults in windows by writes to watched pages")                          \
	X(churned, "faults in windows on pages that come and go too fast to be mapped")            \
	X(host_maps, "host mappings made")                                                         \
	X(host_unmaps, "host mappings taken away")                                                 \
	X(dropped_ahead, "pages taken away before their turn in a sequence")                       \
	X(host_protects, "host mappings made read-only")                                           \
	X(host_refused, "host mappings that the host refused")                                     \
	X(evictions, "slots and windows emptied to stay within the mapping budget")                \
	X(memory_full, "times that the shadow's own memory was at its limit")                      \
	X(memory_spaces, "address spaces dropped for that")                                        \
	X(traces_set, "guest page tables that began to be traced")                                 \
	X(traces_lost, "traced tables forgotten with all that came from them")                     \
	X(traced_writes, "writes to traced tables")                                                \
	X(out_of_sync, "traced tables that became writable because they were hot")                 \
	X(resyncs, "tables out of sync compared at a flush")                                       \
	X(resync_changes, "entries such a compare found changed")                                  \
	X(entries_dropped, "changed table entries whose pages were dropped")                       \
	X(put_off, "changed pages of user windows left to be settled before ring 3 runs")          \
	X(settled, "times such pages were settled")                                                \
	X(slots_dropped, "slots dropped because their directory entry changed")                    \
	X(spaces_cached, "loads of CR3 that found their address space")                            \
	X(spaces_new, "loads of CR3 that made an address space")                                   \
	X(spaces_compared, "loads of CR3 that had to compare directory entries")                   \
	X(promotions, "address spaces given a user window")                                        \
	X(demotions, "of those, taken away because all that it showed was gone")                   \
	X(asids, "tags of instruction fetches replaced")                                           \
	X(fetches_dropped, "pages of kernel code that were forgotten without that")                \
	X(resets, "everything dropped: the memory map or the paging mode changed")

struct mmu_counters {
#define X(field, what) uint64_t field;
	MMU_COUNTERS(X)
#undef X
};

#endif
