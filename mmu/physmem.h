/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's physical address space: RAM (one memfd, mapped whole), ROM,
 * RAM-like device memory (a linear frame buffer) and memory-mapped registers.
 *
 * Regions may overlap; the one with the higher priority is seen. The C0000-
 * FFFFF area of the i440FX, where reads and writes may go to different
 * places, is expressed with PHYS_ROM regions over RAM (see physmem_set_pam).
 *
 * Pages of RAM can be watched for writes: the code cache and the display
 * both ask to be told. A watched page is never written through a cached
 * translation (struct tlb), so the watcher hears of every write.
 *
 * Owner: the machine thread. Other threads (disk I/O) may copy to and from
 * RAM through pointers that physmem_ram_ptr() gave out; RAM never moves.
 */
#ifndef MMU_PHYSMEM_H
#define MMU_PHYSMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmu/types.h"

struct physmem;
struct phys_region;

/*
 * Registers in memory. size is 1, 2 or 4 bytes, never more than max_size and
 * never across a multiple of it: physmem splits wider and misaligned accesses.
 */
struct mmio_ops {
	uint32_t (*read)(void *opaque, uint32_t offset, unsigned size);
	void (*write)(void *opaque, uint32_t offset, uint32_t value, unsigned size);
	unsigned max_size; /* 1, 2 or 4 */
	/*
	 * A write shows nowhere before the next read of it, port access or refresh of
	 * the screen, so that an engine may collect some.
	 */
	bool writes_wait;
};

enum phys_kind {
	PHYS_NONE, /* nothing there: reads all ones, writes vanish */
	PHYS_RAM,  /* read and written through a pointer */
	PHYS_ROM,  /* read through a pointer, writes vanish */
	PHYS_MMIO, /* calls its device */
};

/* What one page of the physical address space is. */
struct phys_page {
	enum phys_kind kind;
	uint8_t *host;              /* RAM, ROM: the page's first byte */
	uint8_t *watch;             /* RAM: the page's watch flags; else NULL */
	struct phys_region *region; /* MMIO and device memory; else NULL */
};

/* Watch flags of a page of RAM. Set and cleared by physmem_watch(). */
#define PHYS_WATCH_CODE 1u	  /* holds code that the interpreter has decoded */
#define PHYS_WATCH_DISPLAY 2u	  /* visible on a display and clean */
#define PHYS_WATCH_TRANSLATED 4u  /* holds code that an engine has translated */
#define PHYS_WATCH_TABLE 8u	  /* a guest page table that is shadowed */
#define PHYS_WATCH_DIRECT 16u	  /* holds code that has been found fit to run in stubs */
/* What makes a write one of code. */
#define PHYS_WATCH_ANY_CODE (PHYS_WATCH_CODE | PHYS_WATCH_TRANSLATED | PHYS_WATCH_DIRECT)

/* Whoever caches translations is told what to forget. */
struct physmem_listener {
	/*
	 * Something else answers somewhere: no lookup counts any more. memory: some of what
	 * answered there was memory; what is known of it is to be forgotten, too.
	 */
	void (*map_changed)(void *opaque, bool memory);
	/* So many pages from this one on are watched from now on. */
	void (*write_watched)(void *opaque, gpa_t page, uint32_t pages);
	/*
	 * [gpa, gpa+len), inside one page, has been written; watch are the
	 * page's flags, of which one of PHYS_WATCH_ANY_CODE is set.
	 */
	void (*code_written)(void *opaque, gpa_t gpa, uint32_t len, uint8_t watch);
	/* The same of a page with PHYS_WATCH_TABLE; comes before code_written. */
	void (*table_written)(void *opaque, gpa_t gpa, uint32_t len);
	/* What was written past physmem is asked for: physmem_region_written(). */
	void (*report_writes)(void *opaque);
	void *opaque;
};

/*
 * Creates the space with ram_size bytes of RAM (a multiple of 4 KiB): up to
 * 3 GiB from address 0, the rest from 4 GiB on. Returns 0 or -errno.
 */
int physmem_create(struct physmem **out, uint64_t ram_size);
void physmem_destroy(struct physmem *pm);

uint64_t physmem_ram_size(const struct physmem *pm);
/* RAM below 4 GiB ends here. */
uint64_t physmem_ram_below_4g(const struct physmem *pm);

/* Calls fn for RAM and every region of device RAM, mapped or not. */
void physmem_for_each_memory(const struct physmem *pm,
			     void (*fn)(void *arg, const char *name, const uint8_t *host,
					uint64_t size),
			     void *arg);

void physmem_set_listener(struct physmem *pm, const struct physmem_listener *l);

/*
 * Memory for a ROM or device-RAM region: size bytes of zeros (a multiple of
 * 4 KiB), page-aligned, in a memfd; freed with pm. NULL: the host has none.
 */
uint8_t *physmem_alloc(struct physmem *pm, const char *name, uint64_t size);

/*
 * Where a page of RAM, or of memory from physmem_alloc(), can be mapped from:
 * host is a struct phys_page's. Returns false for memory of another origin.
 */
bool physmem_backing(const struct physmem *pm, const uint8_t *host, int *fd, uint64_t *offset);

/* Calls fn for the descriptor of each memory that pages can be mapped from. */
void physmem_for_each_fd(const struct physmem *pm, void (*fn)(void *arg, int fd), void *arg);

/*
 * Number of such a page, by which windows know it: small, and consecutive for
 * pages that follow each other in one file. PHYS_NO_FRAME: of another origin.
 */
uint32_t physmem_frame(const struct physmem *pm, const uint8_t *host);
#define PHYS_NO_FRAME UINT32_MAX
/* The page of that number. */
const uint8_t *physmem_frame_host(const struct physmem *pm, uint32_t frame);

/*
 * Adds a region; it is not visible until physmem_region_map(). The memory of
 * ROM and device-RAM regions is page-aligned; other than physmem_alloc()'s it
 * is owned by the caller, has to stay until the region is gone, and is never
 * mapped into windows. name is for logs and `info mtree`.
 */
struct phys_region *physmem_add_mmio(struct physmem *pm, const char *name, uint64_t size,
				     const struct mmio_ops *ops, void *opaque);
struct phys_region *physmem_add_rom(struct physmem *pm, const char *name, uint64_t size,
				    uint8_t *host);
struct phys_region *physmem_add_device_ram(struct physmem *pm, const char *name, uint64_t size,
					   uint8_t *host);

/* The name it was added with. */
const char *phys_region_name(const struct phys_region *r);

/* Where in a region of ROM or device RAM the host memory lies. */
uint64_t phys_region_offset(const struct phys_region *r, const uint8_t *host);

/* Makes the region visible at base (page-aligned), or moves it there. */
void physmem_region_map(struct phys_region *r, gpa_t base, int priority);
void physmem_region_unmap(struct phys_region *r);

/* i440FX PAM: who answers reads and writes of [base, base+size). */
enum pam_mode {
	PAM_PCI = 0,       /* both go to the bus: ROM regions are seen */
	PAM_READ_RAM = 1,  /* reads RAM, writes vanish */
	PAM_WRITE_RAM = 2, /* reads the bus, writes RAM */
	PAM_RAM = 3,       /* both RAM */
};
void physmem_set_pam(struct physmem *pm, gpa_t base, uint32_t size, enum pam_mode mode);

/* i440FX SMRAM: when on, A0000-BFFFF is RAM instead of the VGA window. */
void physmem_set_smram(struct physmem *pm, bool on);

/* What the page holding gpa is, for a read and for a write. */
struct phys_page physmem_lookup(struct physmem *pm, gpa_t gpa);
struct phys_page physmem_lookup_write(struct physmem *pm, gpa_t gpa);

/*
 * Beyond gpa, the first address where the kind of memory may be another one, or
 * where it may not continue the same host memory; UINT64_MAX: there is none.
 */
gpa_t physmem_next_change(const struct physmem *pm, gpa_t gpa);
/* Whether a region is of registers with mmio_ops.writes_wait. */
bool phys_region_writes_wait(const struct phys_region *r);

/* One access of 1, 2 or 4 bytes by the processor; may cross a page. */
uint32_t physmem_read(struct physmem *pm, gpa_t gpa, unsigned size);
void physmem_write(struct physmem *pm, gpa_t gpa, uint32_t value, unsigned size);

/* Copies by a bus master; anything but RAM and ROM reads as ones. */
void physmem_dma_read(struct physmem *pm, gpa_t gpa, void *buf, size_t len);
void physmem_dma_write(struct physmem *pm, gpa_t gpa, const void *buf, size_t len);

/*
 * Host pointer to [gpa, gpa+len) when it is all plain RAM, else NULL. After
 * writing through it, and before guest code runs, call physmem_written().
 */
uint8_t *physmem_ram_ptr(struct physmem *pm, gpa_t gpa, size_t len);
/* Tells watchers that [gpa, gpa+len) has been changed. */
void physmem_written(struct physmem *pm, gpa_t gpa, size_t len);

/* Sets or clears watch flags of the page holding gpa. */
void physmem_watch(struct physmem *pm, gpa_t gpa, uint8_t set, uint8_t clear);

/*
 * Device RAM (a frame buffer): which pages were written since the last call.
 * Bit n of dirty[n/64] is page n of the region; pages reported become clean
 * again and their next write will be seen. Returns whether any was dirty.
 */
bool physmem_region_take_dirty(struct phys_region *r, uint64_t *dirty);
/* [offset, offset+len) of device RAM was written by somebody who went past physmem. */
void physmem_region_written(struct phys_region *r, uint64_t offset, uint64_t len);

#endif
