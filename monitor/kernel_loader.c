/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens what -kernel and -initrd name, makes a plan of it (boot_plan.h), and
 * hands plan, option ROM and files to the guest through fw_cfg. The files stay
 * open and are read when the guest boots, each time: a large initrd never
 * lies in our memory.
 *
 *   genroms/kernel.rom        rom/kernel.asm with the plan written into it
 *   etc/transvisor/kernel     the kernel's file
 *   etc/transvisor/data       what the plan made (patched headers and the like)
 *   etc/transvisor/file-N     initrd or modules
 *   bootorder                 says that the ROM boots first
 */
#include "monitor/kernel_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/blobs.h"
#include "monitor/boot_plan.h"

#define ROM_FILE "genroms/kernel.rom"
#define BOOT_ORDER "/rom@" ROM_FILE "\n"
#define KERNEL_FILE "etc/transvisor/kernel"
#define DATA_FILE "etc/transvisor/data"
#define FILE_FILE "etc/transvisor/file-%u"

/* ORDER: offsets in rom/kernel.asm. */
#define ROM_PNP 0x20
#define ROM_PNP_SIZE 32
#define ROM_PNP_CHECKSUM 9
#define ROM_CHECKSUM 0x1f /* a spare byte of the header */
#define ROM_MULTIBOOT 0x40
#define ROM_COUNT 0x42
#define ROM_ENTRY 0x44
#define ROM_ARGUMENT 0x48
#define ROM_SEGMENTS 0x50
#define ROM_SEGMENT_SIZE 16

#define KEY_ZEROS 0x3fff /* no item has it: reads as zeros */

struct kernel_file {
	int fd;
	uint64_t size;
};

struct kernel_loader {
	struct kernel_file kernel;
	struct kernel_file files[PLAN_FILES];
	unsigned file_count;
	char *words; /* the -initrd option, cut at its commas */
	char *paths[PLAN_FILES];
};

/* ---- Files ---- */

/* fw_cfg_read_fn: a file that shrank while we run reads as zeros. */
static void read_at_boot(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	const struct kernel_file *f = opaque;
	uint32_t done = 0;

	while (done < len) {
		ssize_t n = pread(f->fd, (uint8_t *)buf + done, len - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (uint32_t)n;
	}
	memset((uint8_t *)buf + done, 0, len - done);
}

static int open_file(struct kernel_file *f, const char *option, const char *path,
		     struct report *r)
{
	struct stat st;

	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		return report_fail(r, "%s %s: %s", option, path, strerror(errno));
	if (fstat(f->fd, &st) < 0)
		return report_fail(r, "%s %s: %s", option, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return report_fail(r, "%s %s: is not a regular file", option, path);
	if (st.st_size == 0)
		return report_fail(r, "%s %s: is empty", option, path);
	if (st.st_size > INT32_MAX)
		return report_fail(r, "%s %s: is larger than 2 GiB", option, path);
	f->size = (uint64_t)st.st_size;
	return 0;
}

static int publish_file(struct fw_cfg *cfg, const char *name, struct kernel_file *f,
			struct report *r)
{
	if (fw_cfg_add_file_reader(cfg, name, (uint32_t)f->size, read_at_boot, f) < 0)
		return report_fail(r, "-kernel: too many files for the firmware interface");
	return 0;
}

/* ---- The plan in the ROM ---- */

static uint16_t key_of(const struct fw_cfg *cfg, unsigned source)
{
	char name[FW_CFG_NAME_SIZE];

	switch (source) {
	case PLAN_DATA:
		return fw_cfg_file_key(cfg, DATA_FILE);
	case PLAN_KERNEL:
		return fw_cfg_file_key(cfg, KERNEL_FILE);
	case PLAN_ZEROS:
		return KEY_ZEROS;
	default:
		snprintf(name, sizeof(name), FILE_FILE, source - PLAN_FILE);
		return fw_cfg_file_key(cfg, name);
	}
}

static void write_plan(uint8_t *rom, const struct boot_plan *p, const struct fw_cfg *cfg)
{
	put16(rom + ROM_MULTIBOOT, p->multiboot);
	put16(rom + ROM_COUNT, (uint16_t)p->count);
	put32(rom + ROM_ENTRY, p->entry);
	put32(rom + ROM_ARGUMENT, p->argument);
	for (unsigned i = 0; i < p->count; i++) {
		const struct plan_segment *s = &p->segments[i];
		uint8_t *at = rom + ROM_SEGMENTS + i * ROM_SEGMENT_SIZE;

		put32(at, (uint32_t)key_of(cfg, s->source) << 16);
		put32(at + 4, s->offset);
		put32(at + 8, s->length);
		put32(at + 12, s->address);
	}
}

/* Sets a byte so that all of them add up to 0 (modulo 256). */
static void fix_sum(uint8_t *bytes, size_t size, size_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[at] = (uint8_t)-sum;
}

static int publish_rom(struct fw_cfg *cfg, const struct boot_plan *p, struct report *r)
{
	uint32_t size = (uint32_t)(blob_kernel_rom_end - blob_kernel_rom);
	uint8_t *rom = malloc(size);
	int err = -1;

	if (rom) {
		memcpy(rom, blob_kernel_rom, size);
		write_plan(rom, p, cfg);
		fix_sum(rom + ROM_PNP, ROM_PNP_SIZE, ROM_PNP_CHECKSUM);
		fix_sum(rom, size, ROM_CHECKSUM);
		err = fw_cfg_add_file(cfg, ROM_FILE, rom, size);
		err |= fw_cfg_add_file(cfg, "bootorder", BOOT_ORDER, sizeof(BOOT_ORDER));
	}
	free(rom);
	return err ? report_fail(r, "-kernel: no memory for the option ROM") : 0;
}

/* ---- -initrd ---- */

/* Multiboot: "file arguments,file2"; ",," is a comma in a name. Cuts in place. */
static char *cut_word(char **rest)
{
	char *word = *rest, *to = word, *from = word;

	while (*from && (*from != ',' || from[1] == ',')) {
		if (*from == ',')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return word;
}

static int open_initrd_word(struct kernel_loader *k, struct boot_request *q, char *word,
			    bool multiboot, struct report *r)
{
	struct boot_file *b;
	char *path;

	if (k->file_count == PLAN_FILES)
		return report_fail(r, "-initrd: names more than %u modules", PLAN_FILES);
	path = strdup(word);
	if (!path)
		return report_fail(r, "-initrd: no memory");
	if (multiboot)
		path[strcspn(path, " ")] = '\0';
	k->paths[k->file_count] = path;
	b = &q->files[k->file_count];
	*b = (struct boot_file){.path = path, .command = word};
	if (open_file(&k->files[k->file_count++], "-initrd", path, r) < 0)
		return -1;
	b->size = k->files[k->file_count - 1].size;
	q->file_count = k->file_count;
	return 0;
}

static int open_initrd(struct kernel_loader *k, struct boot_request *q, const char *option,
		       bool multiboot, struct report *r)
{
	char *rest;

	if (!option)
		return 0;
	rest = k->words = strdup(option);
	if (!k->words)
		return report_fail(r, "-initrd: no memory");
	if (!multiboot)
		return open_initrd_word(k, q, k->words, false, r);
	while (rest)
		if (open_initrd_word(k, q, cut_word(&rest), true, r) < 0)
			return -1;
	return 0;
}

static int publish_files(struct kernel_loader *k, const struct boot_plan *p, struct fw_cfg *cfg,
			 struct report *r)
{
	char name[FW_CFG_NAME_SIZE];

	if (publish_file(cfg, KERNEL_FILE, &k->kernel, r) < 0)
		return -1;
	for (unsigned i = 0; i < k->file_count; i++) {
		snprintf(name, sizeof(name), FILE_FILE, i);
		if (publish_file(cfg, name, &k->files[i], r) < 0)
			return -1;
	}
	if (fw_cfg_add_file(cfg, DATA_FILE, p->data, p->data_size) < 0)
		return report_fail(r, "-kernel: too many files for the firmware interface");
	return 0;
}

/* ---- Putting it together ---- */

static int make_plan(struct kernel_loader *k, struct boot_plan *p, struct boot_request *q,
		     const char *initrd, struct report *r)
{
	if (linux_boot_recognize(q)) {
		if (open_initrd(k, q, initrd, false, r) < 0)
			return -1;
		return linux_boot_plan(p, q, r);
	}
	if (multiboot_recognize(q)) {
		if (open_initrd(k, q, initrd, true, r) < 0)
			return -1;
		return multiboot_plan(p, q, r);
	}
	return report_fail(r, "-kernel %s: is neither a Linux kernel (bzImage or zImage) nor a "
			   "multiboot kernel", q->kernel);
}

static int load(struct kernel_loader *k, const struct kernel_options *o, struct fw_cfg *cfg,
		uint8_t *head, struct report *r)
{
	struct boot_request q = {.kernel = o->kernel,
				 .head = head,
				 .append = o->append ? o->append : "",
				 .ram_end = o->ram_below_4g};
	struct boot_plan plan = {0};
	int err;

	if (open_file(&k->kernel, "-kernel", o->kernel, r) < 0)
		return -1;
	q.kernel_size = k->kernel.size;
	q.head_size = q.kernel_size < BOOT_HEAD_SIZE ? (uint32_t)q.kernel_size : BOOT_HEAD_SIZE;
	if (pread(k->kernel.fd, head, q.head_size, 0) != (ssize_t)q.head_size)
		return report_fail(r, "-kernel %s: cannot be read: %s", o->kernel,
				   strerror(errno));
	err = make_plan(k, &plan, &q, o->initrd, r);
	if (!err)
		err = publish_files(k, &plan, cfg, r);
	if (!err)
		err = publish_rom(cfg, &plan, r);
	boot_plan_free(&plan);
	return err;
}

struct kernel_loader *kernel_loader_create(const struct kernel_options *o, struct fw_cfg *f,
					   struct report *r)
{
	struct kernel_loader *k = calloc(1, sizeof(*k));
	uint8_t *head = calloc(1, BOOT_HEAD_SIZE);
	int err;

	if (!k || !head) {
		free(k);
		free(head);
		report_fail(r, "-kernel: no memory");
		return NULL;
	}
	k->kernel.fd = -1;
	for (unsigned i = 0; i < PLAN_FILES; i++)
		k->files[i].fd = -1;
	err = load(k, o, f, head, r);
	free(head);
	if (err) {
		kernel_loader_destroy(k);
		return NULL;
	}
	return k;
}

static void close_file(const struct kernel_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
}

void kernel_loader_destroy(struct kernel_loader *k)
{
	if (!k)
		return;
	close_file(&k->kernel);
	for (unsigned i = 0; i < PLAN_FILES; i++) {
		close_file(&k->files[i]);
		free(k->paths[i]);
	}
	free(k->words);
	free(k);
}
