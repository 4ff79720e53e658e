/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Linux boot protocol for x86, all versions (Linux
 * Documentation/arch/x86/boot.rst), by its 16-bit entry.
 *
 *   file:  setup ((setup_sects + 1) * 512 bytes) | protected-mode code
 *
 *   bzImage, protocol 2.02 on       zImage, and protocols before 2.02
 *   010000  setup, heap, stack      010000  protected-mode code (zImage)
 *   020000  command line            090000  setup, heap, stack
 *   100000  protected-mode code     ... 09a000  command line, at the end
 *           initrd: as high as the kernel and RAM allow
 *
 * The kernel's own setup code then asks the BIOS for memory map and video
 * mode. Left out: the 32- and 64-bit entries, setup_data, kexec's fields.
 */
#include <stdlib.h>
#include <string.h>

#include "monitor/boot_plan.h"

/* The header's fields, boot.rst "The Real-Mode Kernel Header". */
#define HDR_OLD_CMDLINE_MAGIC 0x020
#define HDR_OLD_CMDLINE_OFFSET 0x022
#define HDR_SETUP_SECTS 0x1f1
#define HDR_SYSSIZE 0x1f4 /* in paragraphs */
#define HDR_VID_MODE 0x1fa
#define HDR_BOOT_FLAG 0x1fe
#define HDR_MAGIC 0x202
#define HDR_VERSION 0x206
#define HDR_TYPE_OF_LOADER 0x210
#define HDR_LOADFLAGS 0x211
#define HDR_SETUP_MOVE_SIZE 0x212
#define HDR_RAMDISK_IMAGE 0x218
#define HDR_RAMDISK_SIZE 0x21c
#define HDR_HEAP_END_PTR 0x224
#define HDR_CMD_LINE_PTR 0x228
#define HDR_INITRD_ADDR_MAX 0x22c
#define HDR_RELOCATABLE 0x234
#define HDR_CMDLINE_SIZE 0x238
#define HDR_PREF_ADDRESS 0x258
#define HDR_INIT_SIZE 0x260
#define HDR_END 0x268

#define BOOT_FLAG 0xaa55
#define MAGIC_HDRS 0x53726448u /* "HdrS" */
#define OLD_CMDLINE_MAGIC 0xa33f
#define LOADER_UNDEFINED 0xff
#define LOADED_HIGH 0x01
#define CAN_USE_HEAP 0x80

#define SECTOR 512u
#define PARAGRAPH 16u
#define DEFAULT_SETUP_SECTS 4u
#define DEFAULT_INITRD_ADDR_MAX 0x37ffffffu
#define DEFAULT_CMDLINE_SIZE 255u

#define LOW_SETUP 0x10000u
#define LOW_CMDLINE 0x20000u
#define LOW_CMDLINE_ROOM 0x10000u
#define HIGH_SETUP 0x90000u
#define HIGH_SETUP_END 0x9a000u
#define ZIMAGE_CODE 0x10000u
#define BZIMAGE_CODE 0x100000u
#define LOW_HEAP_END 0xe000u
#define HIGH_HEAP_END 0x9800u
#define SETUP_STACK_ROOM 0x400u

#define VID_MODE_NORMAL 0xffff
#define VID_MODE_EXTENDED 0xfffe
#define VID_MODE_ASK 0xfffd

/* What a kernel's header says and what follows from it. */
struct linux_image {
	unsigned version; /* 0x0206 is 2.06; 0: before "HdrS" */
	bool high;        /* bzImage */
	uint32_t setup_size, code_size;
	uint32_t setup_at, code_at;
	uint32_t cmdline_at, cmdline_size; /* size with its NUL */
	uint32_t heap_end;                 /* offset in the setup's segment */
};

/* Kernels before 2.00 have no magic, but all began with Linus's boot sector. */
static bool is_ancient(const struct boot_request *q)
{
	static const uint8_t first_code[] = {0xb8, 0xc0, 0x07, 0x8e, 0xd8, 0xb8, 0x00, 0x90};

	return q->head_size >= SECTOR && get16(q->head + HDR_BOOT_FLAG) == BOOT_FLAG &&
	       !memcmp(q->head, first_code, sizeof(first_code));
}

static bool has_magic(const struct boot_request *q)
{
	return q->head_size >= HDR_END && get32(q->head + HDR_MAGIC) == MAGIC_HDRS;
}

bool linux_boot_recognize(const struct boot_request *q)
{
	return has_magic(q) || is_ancient(q);
}

static uint32_t code_limit(const struct linux_image *k, const struct boot_request *q)
{
	if (!k->high)
		return HIGH_SETUP - ZIMAGE_CODE;
	if (q->ram_end < BZIMAGE_CODE + BOOT_RAM_TOP_RESERVED)
		return 0;
	return (uint32_t)(q->ram_end - BOOT_RAM_TOP_RESERVED - BZIMAGE_CODE);
}

/* The protected-mode code's size, as the header has it from 2.04 on. */
static uint64_t syssize(const struct boot_request *q)
{
	return (uint64_t)get32(q->head + HDR_SYSSIZE) * PARAGRAPH;
}

static int parse_sizes(struct linux_image *k, const struct boot_request *q, struct report *r)
{
	unsigned sects = q->head[HDR_SETUP_SECTS];
	uint64_t code;

	k->setup_size = (1 + (sects ? sects : DEFAULT_SETUP_SECTS)) * SECTOR;
	if (k->setup_size + SETUP_STACK_ROOM > k->heap_end)
		return report_fail(r, "-kernel %s: damaged header: %u setup sectors", q->kernel,
				   sects);
	if (q->kernel_size <= k->setup_size || q->head_size < k->setup_size)
		return report_fail(r, "-kernel %s: truncated: the setup code alone is %u bytes, "
				   "the file %llu", q->kernel, k->setup_size,
				   (unsigned long long)q->kernel_size);
	code = q->kernel_size - k->setup_size;
	if (k->version >= 0x0204 && code + PARAGRAPH - 1 < syssize(q))
		return report_fail(r, "-kernel %s: truncated: %llu bytes, of %llu that its header "
				   "tells of", q->kernel, (unsigned long long)q->kernel_size,
				   (unsigned long long)(k->setup_size + syssize(q)));
	if (code > code_limit(k, q))
		return report_fail(r, "-kernel %s: does not fit into the guest's memory%s",
				   q->kernel, k->high ? " (a larger -m would help)" : "");
	k->code_size = (uint32_t)code;
	return 0;
}

/* The longest command line that the kernel takes, without its NUL. */
static uint32_t cmdline_limit(const struct linux_image *k, const struct boot_request *q)
{
	uint32_t said = DEFAULT_CMDLINE_SIZE;

	if (k->version >= 0x0206 && get32(q->head + HDR_CMDLINE_SIZE))
		said = get32(q->head + HDR_CMDLINE_SIZE);
	return said < LOW_CMDLINE_ROOM - 1 ? said : LOW_CMDLINE_ROOM - 1;
}

static void place(struct linux_image *k)
{
	bool low = k->high && k->version >= 0x0202;

	k->code_at = k->high ? BZIMAGE_CODE : ZIMAGE_CODE;
	k->setup_at = low ? LOW_SETUP : HIGH_SETUP;
	k->heap_end = low ? LOW_HEAP_END : HIGH_HEAP_END;
	k->cmdline_at = LOW_CMDLINE;
	if (low)
		return;
	k->cmdline_at = (HIGH_SETUP_END - k->cmdline_size) & ~0xfu;
	if (k->cmdline_at - HIGH_SETUP < k->heap_end)
		k->heap_end = k->cmdline_at - HIGH_SETUP;
}

static int parse(struct linux_image *k, const struct boot_request *q, struct report *r)
{
	size_t cmdline = strlen(q->append);

	*k = (struct linux_image){0};
	if (has_magic(q)) {
		k->version = get16(q->head + HDR_VERSION);
		k->high = q->head[HDR_LOADFLAGS] & LOADED_HIGH;
	}
	if (k->version && k->version < 0x0200)
		return report_fail(r, "-kernel %s: damaged header: boot protocol %u.%02u",
				   q->kernel, k->version >> 8, k->version & 0xff);
	if (cmdline > cmdline_limit(k, q))
		return report_fail(r, "-append: %zu bytes are too long for %s, which takes %u",
				   cmdline, q->kernel, cmdline_limit(k, q));
	k->cmdline_size = (uint32_t)cmdline + 1;
	place(k);
	return parse_sizes(k, q, r);
}

/* ---- Options in the command line that are the loader's business ---- */

/* The value of the last " name=value", or NULL. */
static const char *option_value(const char *cmdline, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (const char *s = cmdline; (s = strstr(s, name)) != NULL; s += len)
		if (s == cmdline || s[-1] == ' ')
			found = s + len;
	return found;
}

static uint16_t video_mode(const char *cmdline, uint16_t otherwise)
{
	const char *value = option_value(cmdline, "vga=");

	if (!value)
		return otherwise;
	if (!strncmp(value, "normal", 6))
		return VID_MODE_NORMAL;
	if (!strncmp(value, "ext", 3))
		return VID_MODE_EXTENDED;
	if (!strncmp(value, "ask", 3))
		return VID_MODE_ASK;
	return (uint16_t)strtoul(value, NULL, 0);
}

/* mem=: the kernel will not use more, so the initrd may not lie above it. */
static uint64_t memory_option(const char *cmdline)
{
	const char *value = option_value(cmdline, "mem=");
	char *end;
	uint64_t size;

	if (!value)
		return UINT64_MAX;
	size = strtoull(value, &end, 0);
	switch (*end) {
	case 'g':
	case 'G':
		size <<= 10;
		/* fall through */
	case 'm':
	case 'M':
		size <<= 10;
		/* fall through */
	case 'k':
	case 'K':
		size <<= 10;
		break;
	default:
		break;
	}
	return size ? size : UINT64_MAX;
}

/* ---- The initrd ---- */

/* Where the kernel's own memory ends, while it unpacks itself too. */
static uint64_t kernel_end(const struct linux_image *k, const struct boot_request *q)
{
	uint64_t end = k->high ? (uint64_t)BZIMAGE_CODE + k->code_size : BZIMAGE_CODE;
	uint64_t preferred, unpacked;

	if (k->version < 0x020a)
		return end;
	preferred = get64(q->head + HDR_PREF_ADDRESS);
	unpacked = preferred + get32(q->head + HDR_INIT_SIZE);
	return preferred < q->ram_end && unpacked > end ? unpacked : end;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One past the last byte that the initrd may have. */
static uint64_t initrd_end(const struct linux_image *k, const struct boot_request *q)
{
	uint64_t max = DEFAULT_INITRD_ADDR_MAX;
	uint64_t ram = q->ram_end > BOOT_RAM_TOP_RESERVED ? q->ram_end - BOOT_RAM_TOP_RESERVED : 0;

	if (k->version >= 0x0203)
		max = get32(q->head + HDR_INITRD_ADDR_MAX);
	return smaller(smaller(max + 1, ram), memory_option(q->append));
}

static int place_initrd(const struct linux_image *k, const struct boot_request *q, uint32_t *at,
			struct report *r)
{
	const struct boot_file *f = &q->files[0];
	uint64_t end = initrd_end(k, q), start = kernel_end(k, q);

	if (!k->version)
		return report_fail(r, "-initrd %s: the kernel %s is too old for an initrd",
				   f->path, q->kernel);
	if (f->size > end || ((end - f->size) & ~0xfffull) < start)
		return report_fail(r, "-initrd %s: its %llu KiB do not fit between the kernel, "
				   "which takes memory up to %llu KiB, and %llu KiB; a larger -m "
				   "may help", f->path, (unsigned long long)f->size >> 10,
				   (unsigned long long)start >> 10, (unsigned long long)end >> 10);
	*at = (uint32_t)((end - f->size) & ~0xfffull);
	return 0;
}

/* ---- The header that the kernel will see ---- */

static void fill_cmdline_fields(const struct linux_image *k, uint8_t *setup)
{
	if (k->version >= 0x0202) {
		put32(setup + HDR_CMD_LINE_PTR, k->cmdline_at);
		return;
	}
	put16(setup + HDR_OLD_CMDLINE_MAGIC, OLD_CMDLINE_MAGIC);
	put16(setup + HDR_OLD_CMDLINE_OFFSET, (uint16_t)(k->cmdline_at - k->setup_at));
	if (k->version >= 0x0200)
		put16(setup + HDR_SETUP_MOVE_SIZE, HIGH_SETUP_END - HIGH_SETUP);
}

static void fill_setup(const struct linux_image *k, const struct boot_request *q, uint8_t *setup,
		       uint32_t initrd_at)
{
	put16(setup + HDR_VID_MODE, video_mode(q->append, get16(setup + HDR_VID_MODE)));
	fill_cmdline_fields(k, setup);
	if (k->version < 0x0200)
		return;
	setup[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	put32(setup + HDR_RAMDISK_IMAGE, initrd_at);
	put32(setup + HDR_RAMDISK_SIZE, q->file_count ? (uint32_t)q->files[0].size : 0);
	if (k->version >= 0x0201) {
		setup[HDR_LOADFLAGS] |= CAN_USE_HEAP;
		put16(setup + HDR_HEAP_END_PTR, (uint16_t)(k->heap_end - 0x200));
	}
}

int linux_boot_plan(struct boot_plan *p, const struct boot_request *q, struct report *r)
{
	struct linux_image k;
	uint32_t initrd_at = 0, segment;

	if (parse(&k, q, r) < 0)
		return -1;
	if (q->file_count && place_initrd(&k, q, &initrd_at, r) < 0)
		return -1;
	if (boot_plan_alloc(p, k.setup_size + k.cmdline_size, r) < 0)
		return -1;
	memcpy(p->data, q->head, k.setup_size);
	memcpy(p->data + k.setup_size, q->append, k.cmdline_size);
	fill_setup(&k, q, p->data, initrd_at);

	segment = k.setup_at >> 4;
	p->entry = (segment + SECTOR / 16) << 16;
	p->argument = segment << 16 | k.heap_end;
	if (boot_plan_add(p, PLAN_DATA, 0, k.setup_size, k.setup_at, q, r) < 0 ||
	    boot_plan_add(p, PLAN_DATA, k.setup_size, k.cmdline_size, k.cmdline_at, q, r) < 0 ||
	    boot_plan_add(p, PLAN_KERNEL, k.setup_size, k.code_size, k.code_at, q, r) < 0)
		return -1;
	return q->file_count ? boot_plan_add(p, PLAN_FILE, 0, q->files[0].size, initrd_at, q, r)
			     : 0;
}
