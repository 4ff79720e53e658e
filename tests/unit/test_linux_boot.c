/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans for Linux and multiboot kernels: what goes where for each version of
 * the protocols, and headers that lie. A plan is checked as the option ROM will
 * carry it out: no piece may lie outside RAM or outside its source.
 */
#include <stdlib.h>
#include <string.h>

#include "monitor/boot_plan.h"
#include "tests/unit/unit.h"

#define RAM_END (64u << 20)

static uint8_t head[BOOT_HEAD_SIZE];
static struct boot_request q;
static struct boot_plan plan;
static struct report report;

/* A kernel file of zeros, and a request for it. */
static void set_up(uint64_t size)
{
	memset(head, 0, sizeof(head));
	memset(&q, 0, sizeof(q));
	memset(&plan, 0, sizeof(plan));
	report.text[0] = '\0';
	q.kernel = "vmlinuz";
	q.head = head;
	q.kernel_size = size;
	q.head_size = size < BOOT_HEAD_SIZE ? (uint32_t)size : BOOT_HEAD_SIZE;
	q.append = "console=ttyS0";
	q.ram_end = RAM_END;
}

static void bzimage(unsigned version, uint64_t size)
{
	set_up(size);
	head[0x1f1] = 30;
	put16(head + 0x1fe, 0xaa55);
	memcpy(head + 0x202, "HdrS", 4);
	put16(head + 0x206, (uint16_t)version);
	head[0x211] = 1;
	put32(head + 0x22c, 0x7fffffff);
	put32(head + 0x238, 2047);
}

static void with_initrd(uint64_t size)
{
	q.files[0] = (struct boot_file){.path = "initrd.gz", .command = "initrd.gz", .size = size};
	q.file_count = 1;
}

static uint64_t source_size(unsigned source)
{
	switch (source) {
	case PLAN_DATA:
		return plan.data_size;
	case PLAN_KERNEL:
		return q.kernel_size;
	case PLAN_ZEROS:
		return UINT64_MAX;
	default:
		return source - PLAN_FILE < q.file_count ? q.files[source - PLAN_FILE].size : 0;
	}
}

/* Whatever the headers said: a plan that was made can be carried out. */
static bool plan_is_sound(void)
{
	if (plan.count > PLAN_SEGMENTS)
		return false;
	for (unsigned i = 0; i < plan.count; i++) {
		const struct plan_segment *s = &plan.segments[i];

		if ((uint64_t)s->address + s->length > q.ram_end || s->address < 0x10000 ||
		    (uint64_t)s->offset + s->length > source_size(s->source))
			return false;
	}
	return true;
}

static const struct plan_segment *segment_of(unsigned source, unsigned nth)
{
	static const struct plan_segment none;

	for (unsigned i = 0; i < plan.count; i++)
		if (plan.segments[i].source == source && nth-- == 0)
			return &plan.segments[i];
	return &none;
}

static bool complains_of(const char *words)
{
	bool does = strstr(report.text, words) != NULL;

	if (!does)
		fprintf(stderr, "the message is: %s\n", report.text);
	return does;
}

/* ---- Linux ---- */

static void test_modern(void)
{
	bzimage(0x020f, 5000000);
	with_initrd(3000001);
	CHECK(linux_boot_recognize(&q));
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK(plan_is_sound());
	CHECK_EQ(plan.entry, 0x10200000);
	CHECK_EQ(plan.argument, 0x1000e000);
	CHECK_EQ(segment_of(PLAN_DATA, 0)->address, 0x10000);
	CHECK_EQ(segment_of(PLAN_DATA, 0)->length, 31 * 512);
	CHECK_EQ(segment_of(PLAN_DATA, 1)->address, 0x20000);
	CHECK(!strcmp((char *)plan.data + 31 * 512, "console=ttyS0"));
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->address, 0x100000);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->offset, 31 * 512);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->length, 5000000 - 31 * 512);
	CHECK_EQ(get32(plan.data + 0x228), 0x20000);
	CHECK_EQ(plan.data[0x210], 0xff);
	CHECK_EQ(plan.data[0x211], 0x81);
	CHECK_EQ(get16(plan.data + 0x224), 0xe000 - 0x200);
	CHECK_EQ(get32(plan.data + 0x21c), 3000001);
	CHECK_EQ(get32(plan.data + 0x218), segment_of(PLAN_FILE, 0)->address);
	CHECK_EQ(get32(plan.data + 0x218) & 0xfff, 0);
	CHECK(get32(plan.data + 0x218) + 3000001 <= RAM_END - BOOT_RAM_TOP_RESERVED);
	boot_plan_free(&plan);
}

static void test_initrd_limits(void)
{
	bzimage(0x020f, 5000000);
	with_initrd(1000000);
	put32(head + 0x22c, 0x1ffffff); /* initrd_addr_max */
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK_EQ(get32(plan.data + 0x218), (0x2000000 - 1000000) & ~0xfff);
	boot_plan_free(&plan);
	bzimage(0x020f, 5000000);
	with_initrd(1000000);
	q.append = "quiet mem=16M mem=32m";
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK_EQ(get32(plan.data + 0x218), (0x2000000 - 1000000) & ~0xfff);
	boot_plan_free(&plan);
	/* Not into what the kernel unpacks itself to. */
	bzimage(0x020f, 5000000);
	with_initrd(30000000);
	put32(head + 0x258, 0x1000000);
	put32(head + 0x260, 0x2000000);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-initrd initrd.gz"));
	boot_plan_free(&plan);
	bzimage(0x020f, 5000000);
	with_initrd(RAM_END);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	boot_plan_free(&plan);
}

static void test_old_protocols(void)
{
	/* 2.01 bzImage: setup at 90000, command line by the old way. */
	bzimage(0x0201, 1000000);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK(plan_is_sound());
	CHECK_EQ(plan.entry, 0x90200000);
	CHECK_EQ(get16(plan.data + 0x20), 0xa33f);
	CHECK_EQ(segment_of(PLAN_DATA, 1)->address, 0x90000 + get16(plan.data + 0x22));
	CHECK(segment_of(PLAN_DATA, 1)->address + 14 <= 0x9a000);
	CHECK(get16(plan.data + 0x224) + 0x200 <= get16(plan.data + 0x22));
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->address, 0x100000);
	boot_plan_free(&plan);
	/* zImage */
	bzimage(0x0200, 400000);
	head[0x211] = 0;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->address, 0x10000);
	CHECK_EQ(plan.data[0x211], 0); /* no heap before 2.01 */
	CHECK_EQ(get16(plan.data + 0x212), 0xa000);
	boot_plan_free(&plan);
	/* One that is too large for below 90000. */
	bzimage(0x0200, 600000);
	head[0x211] = 0;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	boot_plan_free(&plan);
	/* Before 2.00: known by its boot sector; setup_sects 0 is 4; no initrd. */
	set_up(300000);
	CHECK(!linux_boot_recognize(&q));
	memcpy(head, "\xb8\xc0\x07\x8e\xd8\xb8\x00\x90", 8);
	put16(head + 0x1fe, 0xaa55);
	CHECK(linux_boot_recognize(&q));
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->offset, 5 * 512);
	boot_plan_free(&plan);
	memset(&plan, 0, sizeof(plan));
	with_initrd(1000);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("too old"));
	boot_plan_free(&plan);
}

static void test_command_line(void)
{
	static char longest[3000];

	memset(longest, 'x', sizeof(longest) - 1);
	bzimage(0x020f, 1000000);
	q.append = longest + 3000 - 1 - 2047;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	boot_plan_free(&plan);
	bzimage(0x020f, 1000000);
	q.append = longest + 3000 - 1 - 2048;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-append: 2048 bytes"));
	bzimage(0x0205, 1000000);
	q.append = longest + 3000 - 1 - 256;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	boot_plan_free(&plan);
}

static uint16_t mode_of(const char *append)
{
	uint16_t mode;

	bzimage(0x020f, 1000000);
	put16(head + 0x1fa, 0x1234);
	q.append = append;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	mode = get16(plan.data + 0x1fa);
	boot_plan_free(&plan);
	return mode;
}

static void test_video_mode(void)
{
	CHECK_EQ(mode_of("quiet"), 0x1234);
	CHECK_EQ(mode_of("vga=normal quiet"), 0xffff);
	CHECK_EQ(mode_of("quiet vga=ask"), 0xfffd);
	CHECK_EQ(mode_of("vga=ext"), 0xfffe);
	CHECK_EQ(mode_of("vga=788"), 788);
	CHECK_EQ(mode_of("vga=0x317"), 0x317);
	CHECK_EQ(mode_of("novga=7"), 0x1234);
	CHECK_EQ(mode_of("vga="), 0);
}

static void test_damaged_linux(void)
{
	bzimage(0x020f, 31 * 512); /* setup, and nothing behind it */
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-kernel vmlinuz: truncated"));
	bzimage(0x020f, 5000);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	bzimage(0x020f, 1000000); /* the header tells of more code than there is */
	put32(head + 0x1f4, (1000000 - 31 * 512 + 31) / 16);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-kernel vmlinuz: truncated: 1000000 bytes"));
	put32(head + 0x1f4, (1000000 - 31 * 512 + 15) / 16);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), 0);
	boot_plan_free(&plan);
	bzimage(0x020f, 1000000);
	head[0x1f1] = 255;
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	bzimage(0x0100, 1000000);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	bzimage(0x020f, RAM_END);
	CHECK_EQ(linux_boot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-m"));
	set_up(100);
	CHECK(!linux_boot_recognize(&q));
	set_up(1);
	CHECK(!linux_boot_recognize(&q) && !multiboot_recognize(&q));
}

/* ---- Multiboot ---- */

static void multiboot_header(uint32_t at, uint32_t flags)
{
	put32(head + at, 0x1badb002);
	put32(head + at + 4, flags);
	put32(head + at + 8, 0u - 0x1badb002u - flags);
}

static void program_header(unsigned n, uint32_t offset, uint32_t vaddr, uint32_t paddr,
			   uint32_t filesz, uint32_t memsz)
{
	uint8_t *ph = head + 52 + n * 32;

	put32(ph, 1);
	put32(ph + 4, offset);
	put32(ph + 8, vaddr);
	put32(ph + 12, paddr);
	put32(ph + 16, filesz);
	put32(ph + 20, memsz);
	put16(head + 44, (uint16_t)(n + 1));
}

static void elf(uint64_t size)
{
	set_up(size);
	q.kernel = "kernel.elf";
	memcpy(head, "\x7f" "ELF\1\1\1", 7);
	put16(head + 18, 3);
	put32(head + 24, 0xc0100020); /* entry */
	put32(head + 28, 52);
	put16(head + 42, 32);
	multiboot_header(0x1000, 3);
	program_header(0, 0x1000, 0xc0100000, 0x00100000, 0x2000, 0x5000);
}

static void test_multiboot_elf(void)
{
	const uint8_t *info;

	elf(0x4000);
	program_header(1, 0x3000, 0xc0200000, 0x00200000, 0x800, 0x800);
	CHECK(multiboot_recognize(&q));
	CHECK_EQ(multiboot_plan(&plan, &q, &report), 0);
	CHECK(plan_is_sound());
	CHECK(plan.multiboot);
	CHECK_EQ(plan.entry, 0x100020); /* where it is loaded, not linked */
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->address, 0x100000);
	CHECK_EQ(segment_of(PLAN_KERNEL, 1)->address, 0x200000);
	CHECK_EQ(segment_of(PLAN_ZEROS, 0)->address, 0x102000);
	CHECK_EQ(segment_of(PLAN_ZEROS, 0)->length, 0x3000);
	info = plan.data;
	CHECK_EQ(plan.argument, segment_of(PLAN_DATA, 0)->address);
	CHECK_EQ(get32(info), 0x245);
	CHECK(!strcmp((char *)info + get32(info + 16) - plan.argument,
		      "kernel.elf console=ttyS0"));
	CHECK(!strcmp((char *)info + get32(info + 64) - plan.argument, "Transvisor"));
	CHECK_EQ(get32(info + 48) & 15, 0);
	boot_plan_free(&plan);
}

static void test_multiboot_modules(void)
{
	const uint8_t *info, *list;

	elf(0x4000);
	q.files[0] = (struct boot_file){"a", "a one two", 5000};
	q.files[1] = (struct boot_file){"b", "b", 1};
	q.file_count = 2;
	CHECK_EQ(multiboot_plan(&plan, &q, &report), 0);
	CHECK(plan_is_sound());
	info = plan.data;
	CHECK_EQ(get32(info), 0x24d);
	CHECK_EQ(get32(info + 20), 2);
	list = info + get32(info + 24) - plan.argument;
	CHECK_EQ(get32(list), 0x105000);
	CHECK_EQ(get32(list + 4), 0x105000 + 5000);
	CHECK(!strcmp((char *)info + get32(list + 8) - plan.argument, "a one two"));
	CHECK_EQ(get32(list + 16), 0x107000);
	CHECK_EQ(get32(list + 20), 0x107001);
	boot_plan_free(&plan);
	elf(0x4000);
	q.files[0] = (struct boot_file){"big", "big", RAM_END};
	q.file_count = 1;
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("-initrd big"));
	boot_plan_free(&plan);
}

static void addresses(uint32_t header, uint32_t load, uint32_t load_end, uint32_t bss_end,
		      uint32_t entry)
{
	const uint32_t fields[] = {header, load, load_end, bss_end, entry};

	set_up(0x3000);
	multiboot_header(0x400, 0x10003);
	for (unsigned i = 0; i < 5; i++)
		put32(head + 0x400 + 12 + 4 * i, fields[i]);
}

static void test_multiboot_addresses(void)
{
	addresses(0x100400, 0x100000, 0x102000, 0x103000, 0x100500);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), 0);
	CHECK(plan_is_sound());
	CHECK_EQ(plan.entry, 0x100500);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->offset, 0);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->length, 0x2000);
	CHECK_EQ(segment_of(PLAN_ZEROS, 0)->length, 0x1000);
	boot_plan_free(&plan);
	/* Load begins at the header itself; to the end of the file; no bss. */
	addresses(0x200000, 0x200000, 0, 0, 0x200020);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), 0);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->offset, 0x400);
	CHECK_EQ(segment_of(PLAN_KERNEL, 0)->length, 0x2c00);
	boot_plan_free(&plan);
	/* Low memory is allowed, and the information keeps out of its way. */
	addresses(0x80400, 0x80000, 0, 0x9f000, 0x80500);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), 0);
	CHECK(plan.argument < 0x80000);
	boot_plan_free(&plan);
}

static int plan_addresses(uint32_t header, uint32_t load, uint32_t load_end, uint32_t bss_end)
{
	int result;

	addresses(header, load, load_end, bss_end, 0x100000);
	result = multiboot_plan(&plan, &q, &report);
	boot_plan_free(&plan);
	CHECK(result == 0 || report.text[0]);
	return result;
}

static void test_damaged_multiboot(void)
{
	CHECK_EQ(plan_addresses(0x100000, 0x100400, 0, 0), -1);         /* header < load */
	CHECK_EQ(plan_addresses(0x100400, 0x000000, 0, 0), -1);         /* before the file */
	CHECK_EQ(plan_addresses(0x100400, 0x100000, 0x0fffff, 0), -1);  /* end < start */
	CHECK_EQ(plan_addresses(0x100400, 0x100000, 0x200000, 0), -1);  /* past the file */
	CHECK_EQ(plan_addresses(0x100400, 0x100000, 0, 0xffffffff), -1); /* past RAM */
	CHECK_EQ(plan_addresses(0xfffff400, 0xfffff000, 0, 0), -1);
	CHECK_EQ(plan_addresses(0xa0400, 0xa0000, 0, 0), -1); /* the VGA's */
	CHECK_EQ(plan_addresses(0x8400, 0x8000, 0, 0), -1);   /* the BIOS's */
	elf(0x4000);
	multiboot_header(0x1000, 0x13 | 8);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("requires multiboot features"));
	elf(0x4000);
	put16(head + 18, 62);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("32-bit"));
	elf(0x4000);
	put32(head + 28, 0xfffffff0);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	elf(0x4000);
	put16(head + 44, 0);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	elf(0x1800); /* the segment is longer than the file */
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("truncated"));
	set_up(0x3000);
	multiboot_header(0x400, 3);
	CHECK_EQ(multiboot_plan(&plan, &q, &report), -1);
	CHECK(complains_of("not an ELF"));
	/* The header may lie in the first 8192 bytes, aligned, with its sum right. */
	set_up(0x4000);
	multiboot_header(8192, 0);
	CHECK(!multiboot_recognize(&q));
	set_up(0x4000);
	multiboot_header(1026, 0);
	CHECK(!multiboot_recognize(&q));
	set_up(0x4000);
	multiboot_header(1024, 0);
	CHECK(multiboot_recognize(&q));
	head[1032] ^= 1;
	CHECK(!multiboot_recognize(&q));
}

/* ---- Headers at random ---- */

static void spoil(uint64_t *seed, uint32_t from, uint32_t to)
{
	for (unsigned n = unit_random(seed) % 6; n--;)
		head[from + unit_random(seed) % (to - from)] = (uint8_t)unit_random(seed);
	if (unit_random(seed) % 4 == 0)
		put32(head + from + unit_random(seed) % (to - from - 4),
		      (uint32_t)unit_random(seed));
}

static void test_fuzz_linux(void)
{
	static const unsigned versions[] = {0x0200, 0x0201, 0x0202, 0x0203, 0x0206, 0x020a, 0x020f};
	uint64_t seed = 1991;
	unsigned made = 0;

	for (int i = 0; i < 100000; i++) {
		bzimage(versions[unit_random(&seed) % 7], unit_random(&seed) % 3000000);
		if (unit_random(&seed) & 1)
			with_initrd(unit_random(&seed) % (80u << 20));
		q.ram_end = (uint64_t)(1 + unit_random(&seed) % 128) << 20;
		spoil(&seed, 0x1f0, 0x268);
		if (linux_boot_recognize(&q) && linux_boot_plan(&plan, &q, &report) == 0) {
			CHECK(plan_is_sound());
			made++;
		}
		boot_plan_free(&plan);
	}
	CHECK(made > 10000);
}

static void test_fuzz_multiboot(void)
{
	uint64_t seed = 1995;
	unsigned made = 0;

	for (int i = 0; i < 100000; i++) {
		if (unit_random(&seed) & 1) {
			elf(0x4000 + unit_random(&seed) % 0x1000);
			program_header(1, 0x3000, 0xc0200000, 0x00200000, 0x800, 0x900);
			spoil(&seed, 18, 52 + 64);
		} else {
			addresses(0x100400, 0x100000, 0x102000, 0x103000, 0x100500);
			spoil(&seed, 0x40c, 0x420);
		}
		q.ram_end = (uint64_t)(1 + unit_random(&seed) % 64) << 20;
		if (multiboot_plan(&plan, &q, &report) == 0) {
			CHECK(plan_is_sound());
			made++;
		}
		boot_plan_free(&plan);
	}
	CHECK(made > 10000);
}

UNIT_MAIN("linux_boot", {"modern kernel", test_modern}, {"initrd limits", test_initrd_limits},
	  {"old protocols", test_old_protocols}, {"command line", test_command_line},
	  {"video mode", test_video_mode}, {"damaged Linux kernels", test_damaged_linux},
	  {"multiboot ELF", test_multiboot_elf}, {"multiboot modules", test_multiboot_modules},
	  {"multiboot addresses", test_multiboot_addresses},
	  {"damaged multiboot kernels", test_damaged_multiboot}, {"fuzz Linux", test_fuzz_linux},
	  {"fuzz multiboot", test_fuzz_multiboot})
