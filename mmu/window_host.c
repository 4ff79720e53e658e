/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of windows, or who makes them for a window in another
 * process. A call with MAP_FIXED either replaces what was
 * there or leaves it: a hole would be an invitation to the host to put
 * something of its own into the guest's reach.
 */
#include <assert.h>
#include <stddef.h>
#include <sys/mman.h>

#include "mmu/window_internal.h"

#define HIDDEN (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
/* Windows start at multiples of this: host page tables are shared by slots. */
#define ALIGNMENT (2u << 20)

static void *host_address(const struct mem_window *w, uint32_t page)
{
	return (void *)(w->base + ((uint64_t)page << PAGE_SHIFT));
}

bool mem_window_host_reserve(struct mem_window *w)
{
	uint64_t size = WINDOW_GUARD_BELOW + WINDOW_BYTES + WINDOW_GUARD_ABOVE + ALIGNMENT;
	void *p;

	if (w->ops)
		return true;
	p = mmap(NULL, size, PROT_NONE, HIDDEN, -1, 0);
	if (p == MAP_FAILED)
		return false;
	w->reserve = (uint64_t)p;
	w->reserve_size = size;
	w->base = (w->reserve + WINDOW_GUARD_BELOW + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	return true;
}

void mem_window_host_release(struct mem_window *w)
{
	if (!w->ops)
		munmap((void *)w->reserve, w->reserve_size);
}

bool mem_window_host_map(struct mem_window *w, const struct mem_window_run *run)
{
	int prot = run->writable ? PROT_READ | PROT_WRITE : PROT_READ;
	int flags = MAP_SHARED | MAP_FIXED | (run->populate ? MAP_POPULATE : 0);

	if (w->ops) {
		w->ops->map(w->remote, run);
		return true;
	}
	return mmap(host_address(w, run->page), (uint64_t)run->count << PAGE_SHIFT, prot, flags,
		    run->fd, (off_t)run->offset) != MAP_FAILED;
}

void mem_window_populate(struct mem_window *w, const struct mem_window_run *run, uint32_t page,
			 uint32_t around)
{
	uint32_t in_run = page - run->page, left = run->count - in_run;
	uint32_t before = in_run < around ? in_run : around, after = left < around ? left : around;

	if (w->ops)
		return;
	/* A host that cannot (before Linux 5.14) enters them as they are touched. */
	madvise(host_address(w, page - before), (uint64_t)(before + after) << PAGE_SHIFT,
		run->writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

bool mem_window_host_unmap(struct mem_window *w, uint32_t page, uint32_t count)
{
	if (w->ops) {
		w->ops->unmap(w->remote, page, count);
		return true;
	}
	return mmap(host_address(w, page), (uint64_t)count << PAGE_SHIFT, PROT_NONE,
		    HIDDEN | MAP_FIXED, -1, 0) != MAP_FAILED;
}

bool mem_window_host_protect(struct mem_window *w, uint32_t page, uint32_t count)
{
	if (w->ops) {
		w->ops->protect(w->remote, page, count);
		return true;
	}
	return mprotect(host_address(w, page), (uint64_t)count << PAGE_SHIFT, PROT_READ) == 0;
}

void mem_window_host_empty(struct mem_window *w)
{
	void *p;

	if (w->ops) {
		w->ops->empty(w->remote);
		return;
	}
	/* With the guards: no mapping has to be split, so the host has no reason to refuse. */
	p = mmap((void *)w->reserve, w->reserve_size, PROT_NONE, HIDDEN | MAP_FIXED, -1, 0);
	assert(p != MAP_FAILED);
}
