/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the option ROM (rom/kernel.asm) does to start a kernel: pieces of files
 * and the guest physical addresses they go to, then where to jump. linux_boot.c
 * and multiboot.c make plans from what they read in a kernel's headers;
 * kernel_loader.c opens the files and gives the plan to the ROM.
 */
#ifndef MONITOR_BOOT_PLAN_H
#define MONITOR_BOOT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"

/* ORDER: the same number as PLAN_SEGMENTS in rom/kernel.asm. */
#define PLAN_SEGMENTS 112
#define PLAN_FILES 32 /* initrd or modules */

/* Where the bytes of a segment come from. */
enum plan_source {
	PLAN_DATA,   /* boot_plan.data */
	PLAN_KERNEL, /* the kernel's file */
	PLAN_ZEROS,
	PLAN_FILE, /* + n: the request's files[n] */
};

struct plan_segment {
	unsigned source;
	uint32_t offset, length; /* bytes of the source */
	uint32_t address;
};

struct boot_plan {
	bool multiboot;
	uint32_t entry;    /* Linux: CS << 16 | IP; multiboot: EIP */
	uint32_t argument; /* Linux: SS << 16 | SP; multiboot: the information */
	struct plan_segment segments[PLAN_SEGMENTS];
	unsigned count;
	uint8_t *data; /* owned */
	uint32_t data_size;
};

/* An initrd or a module. */
struct boot_file {
	const char *path;
	const char *command; /* multiboot: the module's string, path and arguments */
	uint64_t size;
};

struct boot_request {
	const char *kernel; /* path */
	const uint8_t *head; /* the kernel file's first bytes */
	uint32_t head_size;
	uint64_t kernel_size;
	const char *append; /* "" if there is none */
	struct boot_file files[PLAN_FILES];
	unsigned file_count;
	uint64_t ram_end; /* of the RAM below 4 GiB */
};

/* How much of a kernel file the parsers want to see at most. */
#define BOOT_HEAD_SIZE 0x20000u

/*
 * At the top of RAM SeaBIOS keeps ACPI tables and the like (256 KiB) and
 * reports them as reserved: nothing is loaded there.
 */
#define BOOT_RAM_TOP_RESERVED 0x80000u

/* All return 0, or -1 with the reason in *r, naming option and file. */
int boot_plan_add(struct boot_plan *p, unsigned source, uint64_t offset, uint64_t length,
		  uint32_t address, const struct boot_request *q, struct report *r);
int boot_plan_alloc(struct boot_plan *p, uint32_t size, struct report *r);
void boot_plan_free(struct boot_plan *p);

/* linux_boot.c */
bool linux_boot_recognize(const struct boot_request *q);
int linux_boot_plan(struct boot_plan *p, const struct boot_request *q, struct report *r);

/* multiboot.c */
bool multiboot_recognize(const struct boot_request *q);
int multiboot_plan(struct boot_plan *p, const struct boot_request *q, struct report *r);

/* Little-endian fields of headers. */
static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static inline uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

#endif
