/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a case sees: the same pages at the same linear addresses and the same
 * segment descriptors on the host chip and in the guest, and the records that
 * describe a case and what came of it.
 *
 *	CODE_AT   the instruction, amid INT3s. Read-only. After it: absent
 *	DATA_AT   absent | writable | writable | read-only | writable | absent ...
 *
 * CPL is 3, paging on. Everything else below 4 GiB is absent, but that the
 * guest keeps its tables in supervisor pages from SYSTEM_AT on.
 */
#ifndef TESTS_GENERATOR_WORLD_H
#define TESTS_GENERATOR_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/vcpu.h"

#define CODE_AT	    0x00280000u
#define DATA_AT	    0x00300000u
#define SYSTEM_AT   0x9e3d0000u
#define SYSTEM_SIZE 0x00010000u

/* The mapped pages, in the order in which they lie in memory buffers. */
enum { PAGE_CODE, PAGE_RW1, PAGE_RW2, PAGE_RO, PAGE_RW3, WORLD_PAGES };
#define PAGE_RW1_AT (DATA_AT + 1 * PAGE_SIZE)
#define PAGE_RW2_AT (DATA_AT + 2 * PAGE_SIZE)
#define PAGE_RO_AT  (DATA_AT + 3 * PAGE_SIZE)
#define PAGE_RW3_AT (DATA_AT + 4 * PAGE_SIZE)
#define PAGES_END   (DATA_AT + 5 * PAGE_SIZE)
#define WORLD_SIZE  (WORLD_PAGES * PAGE_SIZE)

struct world_page {
	uint32_t at;
	bool writable, executable;
};
extern const struct world_page world_pages[WORLD_PAGES];

/* The host's selectors of flat segments, as Linux has them in every GDT. */
#define SELECTOR_CODE32	    0x23u
#define SELECTOR_DATA32	    0x2bu
#define SELECTOR_CODE64	    0x33u
#define SELECTOR_CPU_NUMBER 0x7bu /* its limit says on which processor it runs */

/* Entries of the LDT. */
enum world_segment {
	SEG_FLAT,	/* read/write data, base 0, 4 GiB */
	SEG_DATA_BASED, /* base DATA_AT, 4 GiB */
	SEG_DATA_16,	/* base DATA_AT, 64 KiB, 16-bit */
	SEG_DATA_SMALL, /* base DATA_AT, ends within the first writable page */
	SEG_DATA_RO,	/* base 0, read-only */
	SEG_DOWN_32,	/* expand-down */
	SEG_DOWN_16,
	SEG_DATA_ABSENT,
	SEG_CODE_BASED,	 /* 32-bit code, base CODE_AT, one page */
	SEG_CODE_16,	 /* 16-bit code, base CODE_AT, 64 KiB */
	SEG_CODE_EXEC,	 /* flat code, not readable */
	SEG_CODE_ABSENT, /* conforming, not present */
	SEG_CODE_FLAT,
	SEG_NONE, /* an empty descriptor */
	WORLD_SEGMENTS,
};
#define LDT_SELECTOR(n) ((uint16_t)((n) << 3 | 7))

struct world_descriptor {
	uint32_t base, limit; /* limit in units of the granularity */
	uint8_t contents;     /* modify_ldt(2): 0 data, 1 expand-down, 2 code, 3 conforming */
	bool big, read_only, pages, absent;
};
extern const struct world_descriptor world_ldt[WORLD_SEGMENTS];

/* The descriptor as it stands in the table. */
uint64_t world_descriptor_bits(const struct world_descriptor *d);
/* Base of a selector that the world has, 0 for others. */
uint32_t world_segment_base(uint16_t selector);

/* The registers an instruction may read or write. */
struct state {
	struct fxsave_image fx;
	uint32_t regs[8];
	uint32_t eip, eflags;
	uint16_t seg[SEG_COUNT];
};

/* Memory that differs from the background before the case. */
#define PATCH_MAX 576u
struct patch {
	uint32_t at;
	uint32_t length;
	uint8_t bytes[PATCH_MAX];
};
#define PATCHES 3

#define CODE_MAX 24u
struct test_case {
	struct state start;
	uint64_t number;
	uint32_t code_at; /* linear */
	uint16_t row;	  /* what it was made from */
	bool single_step; /* by TF; else an INT3 follows */
	uint8_t length;	  /* bytes of code that are not INT3 */
	uint8_t code[CODE_MAX];
	struct patch patches[PATCHES];
};

/* A byte of memory that was changed. */
struct change {
	uint32_t at;
	uint8_t value;
};
#define CHANGES_MAX 640u

struct outcome {
	struct state end; /* registers when the exception came */
	uint32_t vector, error, cr2;
	uint32_t changed; /* bytes of memory, of which changes has the first ones */
	uint64_t digest;  /* of all of them */
	/* Accessed and dirty bits of each page, where a guest clears them before the case. */
	uint8_t page_bits[WORLD_PAGES];
	/* Of a guest in a stub: whether it has run there, and what had a part of it refused. */
	bool native;
	enum {
		REFUSED_NOT,
		REFUSED_STATE,
		REFUSED_PAGE,
		REFUSED_INSTRUCTION, /* a guard has stopped it */
		REFUSED_KINDS
	} refused;
	struct change changes[CHANGES_MAX];
};

/*
 * The same background on both sides; WORLD_SIZE bytes. Data pages have a HLT at
 * some places, for guests that keep code beside data.
 */
#define WORLD_HLT	0xf4u
#define WORLD_HLTS	4u /* in a page */
#define WORLD_HLT_AT(n) ((n)*0x405u)
void world_fill(uint8_t *pages);
/* The byte at a linear address in a buffer of pages, or NULL. */
uint8_t *world_byte(uint8_t *pages, uint32_t at);
/* Writes the case's code and patches. */
void world_apply(uint8_t *pages, const struct test_case *c);
/* Lists what differs from expected, in order of address, and repairs both to the background. */
void world_collect(uint8_t *pages, uint8_t *expected, const uint8_t *background,
		   const struct test_case *c, struct outcome *out);

#endif
