/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot 1 kernels (Multiboot Specification 0.6.96): 32-bit ELF files, and
 * files whose header says where they are to be loaded ("a.out kludge").
 *
 * What the kernel is told lies below 640 KiB, in one piece:
 *
 *   information structure | module list | room for the memory map | strings
 *
 * The option ROM asks the BIOS for memory sizes and map and fills those in.
 * Modules follow the kernel in memory, each on a page of its own.
 *
 * Left out: symbols and section headers, drives, APM, VBE (a kernel that asks
 * for a video mode gets text mode).
 */
#include <string.h>

#include "base/log.h"
#include "monitor/boot_plan.h"

/* The header, 3.1. */
#define MB_SEARCH 8192u
#define MB_MAGIC 0x1badb002u
#define MB_FLAGS 4
#define MB_CHECKSUM 8
#define MB_HEADER_ADDR 12
#define MB_LOAD_ADDR 16
#define MB_LOAD_END 20
#define MB_BSS_END 24
#define MB_ENTRY 28
#define MB_HEADER_SIZE 12u
#define MB_ADDRESS_HEADER_SIZE 32u
#define MB_WANTS_VIDEO 0x0004u
#define MB_KNOWN_REQUIREMENTS 0x0007u
#define MB_REQUIREMENTS 0xffffu
#define MB_HAS_ADDRESSES 0x10000u

/* The information structure, 3.3. */
#define MBI_SIZE 128u
#define MBI_FLAGS 0
#define MBI_CMDLINE 16
#define MBI_MODS_COUNT 20
#define MBI_MODS_ADDR 24
#define MBI_MMAP_ADDR 48
#define MBI_LOADER_NAME 64
#define MBI_HAS_MEMORY 0x001u
#define MBI_HAS_CMDLINE 0x004u
#define MBI_HAS_MODS 0x008u
#define MBI_HAS_MMAP 0x040u
#define MBI_HAS_LOADER_NAME 0x200u
#define MODULE_ENTRY 16u
#define MMAP_ROOM (64u * 24u) /* ORDER: E820_MAX in rom/kernel.asm */

/* ELF32 (System V ABI, chapter 4). */
#define ELF_HEADER_SIZE 52u
#define ELF_PHDR_SIZE 32u
#define ELF_CLASS 4
#define ELF_CLASS_32 1
#define ELF_DATA 5
#define ELF_DATA_LITTLE 1
#define ELF_MACHINE 18
#define ELF_MACHINE_386 3
#define ELF_ENTRY 24
#define ELF_PHOFF 28
#define ELF_PHENTSIZE 42
#define ELF_PHNUM 44
#define PH_TYPE 0
#define PH_OFFSET 4
#define PH_VADDR 8
#define PH_PADDR 12
#define PH_FILESZ 16
#define PH_MEMSZ 20
#define PT_LOAD 1u

#define MIB 0x100000u
#define LOW_START 0x10000u /* below: vectors, BIOS data, the ROM's stack */
#define LOW_END 0x9f000u   /* above: the BIOS's extended data */
#define PAGE 0x1000u
#define LOADER_NAME "Transvisor"

/* A kernel on its way into a plan. */
struct multiboot {
	const struct boot_request *q;
	struct boot_plan *p;
	struct report *r;
	uint32_t header; /* offset in the file */
	uint64_t end;    /* of the highest segment in memory */
	uint32_t info;   /* address of the information structure */
	uint32_t modules_at[PLAN_FILES];
};

/* ---- Finding the header ---- */

static bool find_header(const struct boot_request *q, uint32_t *at)
{
	uint32_t end = q->head_size < MB_SEARCH ? q->head_size : MB_SEARCH;

	for (uint32_t i = 0; i + MB_HEADER_SIZE <= end; i += 4) {
		const uint8_t *h = q->head + i;

		if (get32(h) == MB_MAGIC &&
		    (uint32_t)(MB_MAGIC + get32(h + MB_FLAGS) + get32(h + MB_CHECKSUM)) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

bool multiboot_recognize(const struct boot_request *q)
{
	uint32_t at;

	return find_header(q, &at);
}

/* ---- Loading ---- */

/* Whether [address, address+length) is memory that a kernel may have. */
static bool is_loadable(const struct multiboot *m, uint64_t address, uint64_t length)
{
	uint64_t end = address + length;

	if (address >= MIB)
		return end <= m->q->ram_end;
	return address >= LOW_START && end <= LOW_END;
}

/* One segment: length bytes of the file, zeros up to size. */
static int add_segment(struct multiboot *m, uint64_t offset, uint64_t length, uint64_t size,
		       uint32_t address)
{
	if (!size)
		return 0;
	if (length > size || offset + length > m->q->kernel_size)
		return report_fail(m->r, "-kernel %s: truncated, or its headers are damaged",
				   m->q->kernel);
	if (!is_loadable(m, address, size))
		return report_fail(m->r, "-kernel %s: wants %#llx bytes at %#x, where the guest "
				   "has no free memory; a larger -m may help", m->q->kernel,
				   (unsigned long long)size, address);
	if (address + size > m->end)
		m->end = address + size;
	if (boot_plan_add(m->p, PLAN_KERNEL, offset, length, address, m->q, m->r) < 0)
		return -1;
	return boot_plan_add(m->p, PLAN_ZEROS, 0, size - length, (uint32_t)(address + length),
			     m->q, m->r);
}

/* 3.1.3: the header's own addresses. */
static int load_by_addresses(struct multiboot *m)
{
	const uint8_t *h = m->q->head + m->header;
	uint32_t header_addr, load, load_end, bss_end;
	uint64_t offset, length, size;

	if (m->header + MB_ADDRESS_HEADER_SIZE > m->q->head_size)
		return report_fail(m->r, "-kernel %s: truncated in its multiboot header",
				   m->q->kernel);
	header_addr = get32(h + MB_HEADER_ADDR);
	load = get32(h + MB_LOAD_ADDR);
	load_end = get32(h + MB_LOAD_END);
	bss_end = get32(h + MB_BSS_END);
	if (header_addr < load || header_addr - load > m->header ||
	    (load_end && load_end < load) || (bss_end && bss_end < load_end))
		return report_fail(m->r, "-kernel %s: the addresses in its multiboot header "
				   "contradict each other", m->q->kernel);
	offset = m->header - (header_addr - load);
	length = load_end ? load_end - load : m->q->kernel_size - offset;
	size = length;
	if (bss_end && (uint64_t)bss_end - load > size)
		size = bss_end - load;
	m->p->entry = get32(h + MB_ENTRY);
	return add_segment(m, offset, length, size, load);
}

static bool is_elf(const struct boot_request *q)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F'};

	return q->head_size >= ELF_HEADER_SIZE && !memcmp(q->head, ident, sizeof(ident));
}

static int check_elf(struct multiboot *m, uint32_t phoff, unsigned phentsize, unsigned phnum)
{
	const uint8_t *e = m->q->head;

	if (e[ELF_CLASS] != ELF_CLASS_32 || e[ELF_DATA] != ELF_DATA_LITTLE ||
	    get16(e + ELF_MACHINE) != ELF_MACHINE_386)
		return report_fail(m->r, "-kernel %s: is not a 32-bit x86 ELF file", m->q->kernel);
	if (phentsize < ELF_PHDR_SIZE || !phnum ||
	    (uint64_t)phoff + (uint64_t)phentsize * phnum > m->q->head_size)
		return report_fail(m->r, "-kernel %s: its ELF program headers are damaged",
				   m->q->kernel);
	return 0;
}

/* Linked elsewhere than it is loaded: the entry moves with its segment. */
static void translate_entry(struct boot_plan *p, uint32_t entry, const uint8_t *ph)
{
	uint32_t into = entry - get32(ph + PH_VADDR);

	if (into < get32(ph + PH_MEMSZ))
		p->entry = get32(ph + PH_PADDR) + into;
}

static int load_elf(struct multiboot *m)
{
	const uint8_t *e = m->q->head;
	uint32_t entry = get32(e + ELF_ENTRY), phoff = get32(e + ELF_PHOFF);
	unsigned phentsize = get16(e + ELF_PHENTSIZE), phnum = get16(e + ELF_PHNUM);

	if (check_elf(m, phoff, phentsize, phnum) < 0)
		return -1;
	m->p->entry = entry;
	for (unsigned i = 0; i < phnum; i++) {
		const uint8_t *ph = e + phoff + i * phentsize;

		if (get32(ph + PH_TYPE) != PT_LOAD)
			continue;
		translate_entry(m->p, entry, ph);
		if (add_segment(m, get32(ph + PH_OFFSET), get32(ph + PH_FILESZ),
				get32(ph + PH_MEMSZ), get32(ph + PH_PADDR)) < 0)
			return -1;
	}
	if (!m->p->count)
		return report_fail(m->r, "-kernel %s: its ELF file has nothing to load",
				   m->q->kernel);
	return 0;
}

static int load_kernel(struct multiboot *m)
{
	uint32_t flags = get32(m->q->head + m->header + MB_FLAGS);

	if (flags & MB_REQUIREMENTS & ~MB_KNOWN_REQUIREMENTS)
		return report_fail(m->r, "-kernel %s: requires multiboot features %#x, which are "
				   "not known here", m->q->kernel,
				   flags & MB_REQUIREMENTS & ~MB_KNOWN_REQUIREMENTS);
	if (flags & MB_WANTS_VIDEO)
		LOG(LOG_FW, "multiboot: the kernel asks for a video mode and gets text mode");
	if (flags & MB_HAS_ADDRESSES)
		return load_by_addresses(m);
	if (is_elf(m->q))
		return load_elf(m);
	return report_fail(m->r, "-kernel %s: has a multiboot header without addresses, but is "
			   "not an ELF file", m->q->kernel);
}

/* ---- Modules ---- */

static int place_modules(struct multiboot *m)
{
	uint64_t at = m->end > MIB ? m->end : MIB;
	uint64_t limit = m->q->ram_end > BOOT_RAM_TOP_RESERVED
				 ? m->q->ram_end - BOOT_RAM_TOP_RESERVED
				 : 0;

	for (unsigned i = 0; i < m->q->file_count; i++) {
		const struct boot_file *f = &m->q->files[i];

		at = (at + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		if (at + f->size > limit)
			return report_fail(m->r, "-initrd %s: does not fit into the guest's memory"
					   "; a larger -m would help", f->path);
		m->modules_at[i] = (uint32_t)at;
		if (boot_plan_add(m->p, PLAN_FILE + i, 0, f->size, (uint32_t)at, m->q, m->r) < 0)
			return -1;
		at += f->size;
	}
	return 0;
}

/* ---- What the kernel is told ---- */

static bool overlaps_kernel(const struct boot_plan *p, uint32_t start, uint32_t size)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct plan_segment *s = &p->segments[i];

		if (s->address < start + size && start < (uint64_t)s->address + s->length)
			return true;
	}
	return false;
}

/* Free conventional memory, from the top down. */
static int place_info(struct multiboot *m, uint32_t size)
{
	uint32_t rounded = (size + PAGE - 1) & ~(PAGE - 1);

	if (size < LOW_END - LOW_START)
		for (uint32_t at = LOW_END - rounded; at >= LOW_START; at -= PAGE)
			if (!overlaps_kernel(m->p, at, rounded)) {
				m->info = at;
				return 0;
			}
	return report_fail(m->r, "-kernel %s: leaves no room below 640 KiB for %u bytes of boot "
			   "information", m->q->kernel, size);
}

static uint32_t strings_size(const struct boot_request *q)
{
	size_t size = strlen(q->kernel) + 1 + strlen(q->append) + 1 + sizeof(LOADER_NAME);

	for (unsigned i = 0; i < q->file_count; i++)
		size += strlen(q->files[i].command) + 1;
	return size > LOW_END ? LOW_END : (uint32_t)size;
}

/* Copies a string behind the others; returns its guest address. */
static uint32_t put_string(struct multiboot *m, uint32_t *at, const char *s, char end)
{
	size_t len = strlen(s);
	uint32_t address = m->info + *at;

	memcpy(m->p->data + *at, s, len);
	m->p->data[*at + len] = (uint8_t)end;
	*at += (uint32_t)len + 1;
	return address;
}

static void fill_modules(struct multiboot *m, uint32_t list, uint32_t *strings)
{
	for (unsigned i = 0; i < m->q->file_count; i++) {
		const struct boot_file *f = &m->q->files[i];
		uint8_t *entry = m->p->data + list + i * MODULE_ENTRY;

		put32(entry, m->modules_at[i]);
		put32(entry + 4, m->modules_at[i] + (uint32_t)f->size);
		put32(entry + 8, put_string(m, strings, f->command, '\0'));
	}
}

static int build_info(struct multiboot *m)
{
	uint32_t list = MBI_SIZE, mmap = list + PLAN_FILES * MODULE_ENTRY;
	uint32_t strings = mmap + MMAP_ROOM, flags;
	uint32_t size = strings + strings_size(m->q);
	uint8_t *info;

	if (place_info(m, size) < 0 || boot_plan_alloc(m->p, size, m->r) < 0)
		return -1;
	info = m->p->data;
	flags = MBI_HAS_MEMORY | MBI_HAS_CMDLINE | MBI_HAS_MMAP | MBI_HAS_LOADER_NAME;
	put32(info + MBI_CMDLINE, put_string(m, &strings, m->q->kernel, ' '));
	put_string(m, &strings, m->q->append, '\0');
	put32(info + MBI_LOADER_NAME, put_string(m, &strings, LOADER_NAME, '\0'));
	put32(info + MBI_MMAP_ADDR, m->info + mmap);
	if (m->q->file_count) {
		flags |= MBI_HAS_MODS;
		put32(info + MBI_MODS_COUNT, m->q->file_count);
		put32(info + MBI_MODS_ADDR, m->info + list);
		fill_modules(m, list, &strings);
	}
	put32(info + MBI_FLAGS, flags);
	return boot_plan_add(m->p, PLAN_DATA, 0, size, m->info, m->q, m->r);
}

int multiboot_plan(struct boot_plan *p, const struct boot_request *q, struct report *r)
{
	struct multiboot m = {.q = q, .p = p, .r = r};

	p->multiboot = true;
	if (!find_header(q, &m.header))
		return report_fail(r, "-kernel %s: has no multiboot header", q->kernel);
	if (load_kernel(&m) < 0 || place_modules(&m) < 0 || build_info(&m) < 0)
		return -1;
	p->argument = m.info;
	return 0;
}
