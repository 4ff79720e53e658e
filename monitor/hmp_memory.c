/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands on memory, ports and values: x, xp, print, i, o, memsave,
 * pmemsave, gva2gpa. Memory is read as a debugger does: no faults, no
 * accessed bits, no effects on devices.
 */
#include <capstone/capstone.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cpu/access.h"
#include "devices/bus.h"
#include "monitor/hmp_internal.h"
#include "monitor/host_files.h"

#define COUNT_MAX 65536u /* values a command shows: an answer, not a flood */
#define INSTRUCTION_MAX 15

/* Where x or xp reads. */
struct source {
	struct hmp *m;
	bool physical;
};

/*
 * Part of one page. Registers are read as the processor would, side effects
 * included: xp at B8000 shows the text screen, as users of QEMU expect.
 */
static void page_read(struct physmem *mem, gpa_t gpa, uint8_t *buf, size_t len)
{
	if (physmem_lookup(mem, gpa).kind != PHYS_MMIO) {
		physmem_dma_read(mem, gpa, buf, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)physmem_read(mem, gpa + i, 1);
}

/* Reads what is there of len bytes; returns how many that are. */
static size_t source_read(const struct source *s, uint64_t address, void *buf, size_t len)
{
	struct physmem *mem = vm_physmem(s->m->vm);
	size_t done = 0;

	while (done < len) {
		uint64_t at = address + done;
		size_t n = PAGE_SIZE - (size_t)(at & (PAGE_SIZE - 1));
		gpa_t gpa = at;

		n = n < len - done ? n : len - done;
		if (!s->physical && !paging_debug_translate(vm_vcpu(s->m->vm), (gva_t)at, &gpa))
			break;
		page_read(mem, gpa, (uint8_t *)buf + done, n);
		done += n;
	}
	return done;
}

/* ---- formats ---- */

int hmp_parse_format(struct hmp *m, const struct hmp_args *a, struct hmp_format *f)
{
	const char *p = a->format;

	if (isdigit((unsigned char)*p)) {
		uint64_t count = 0;

		for (; isdigit((unsigned char)*p); p++)
			count = count * 10 + (uint64_t)(*p - '0') > COUNT_MAX
					? COUNT_MAX : count * 10 + (uint64_t)(*p - '0');
		f->count = (unsigned)count;
	}
	for (; *p; p++) {
		static const char sizes[] = "bhwg";
		const char *size = strchr(sizes, *p);

		if (size) {
			f->size = 1u << (size - sizes);
		} else if (strchr("xduoci", *p)) {
			f->kind = *p;
			if (*p == 'c' && !strpbrk(a->format, sizes))
				f->size = 1;
		} else {
			fprintf(m->out, "invalid char in format: '%c'\n", *p);
			fprintf(m->out, "Try \"help %s\" for more information\n", a->name);
			return -1;
		}
	}
	return 0;
}

static void print_character(FILE *out, uint64_t value)
{
	unsigned char c = (unsigned char)value;

	if (value > 0xff || (!isprint(c) && c != '\n' && c != '\r'))
		fprintf(out, "'\\x%02" PRIx64 "'", value);
	else if (c == '\n' || c == '\r')
		fprintf(out, "'\\%c'", c == '\n' ? 'n' : 'r');
	else
		fprintf(out, c == '\'' || c == '\\' ? "'\\%c'" : "'%c'", c);
}

/* One value, as wide as the widest of its size, so that columns line up. */
static void print_value(FILE *out, const struct hmp_format *f, uint64_t value)
{
	static const int decimal_digits[] = {[1] = 3, [2] = 5, [4] = 10, [8] = 20};
	int bits = (int)f->size * 8;

	switch (f->kind) {
	case 'o':
		fprintf(out, "%#*" PRIo64, (bits + 2) / 3, value);
		break;
	case 'u':
		fprintf(out, "%*" PRIu64, decimal_digits[f->size], value);
		break;
	case 'd':
		fprintf(out, "%*" PRId64, decimal_digits[f->size],
			(int64_t)(value << (64 - bits)) >> (64 - bits));
		break;
	case 'c':
		print_character(out, value);
		break;
	default:
		fprintf(out, "0x%0*" PRIx64, bits / 4, value);
		break;
	}
}

/* ---- x and xp ---- */

static void print_address(const struct source *s, uint64_t address)
{
	fprintf(s->m->out, s->physical ? "%016" PRIx64 ":" : "%08" PRIx64 ":", address);
}

static void dump_values(const struct source *s, uint64_t address, const struct hmp_format *f)
{
	unsigned line = (f->size == 1 ? 8 : 16) / f->size;

	for (unsigned i = 0; i < f->count; i++, address += f->size) {
		uint64_t value = 0;

		if (!s->physical)
			address = (uint32_t)address;
		if (i % line == 0)
			print_address(s, address);
		if (source_read(s, address, &value, f->size) != f->size) {
			fprintf(s->m->out, "\nCannot access memory\n");
			return;
		}
		fputc(' ', s->m->out);
		print_value(s->m->out, f, value);
		if (i % line == line - 1 || i == f->count - 1)
			fputc('\n', s->m->out);
	}
}

static void print_bytes(FILE *out, const uint8_t *bytes, size_t n)
{
	int at = 0;

	for (size_t i = 0; i < n; i++)
		at += fprintf(out, "%s%02x", i ? " " : "", bytes[i]);
	fprintf(out, "%*s", at < 22 ? 23 - at : 1, "");
}

/* One instruction; returns its length, 0 where there is no memory. */
static size_t disassemble_one(const struct source *s, csh capstone, cs_insn *insn,
			      uint64_t address)
{
	uint8_t bytes[INSTRUCTION_MAX];
	size_t n = source_read(s, address, bytes, sizeof(bytes)), left = n;
	const uint8_t *code = bytes;
	uint64_t at = address;

	if (!n)
		return 0;
	fprintf(s->m->out, "0x%08" PRIx64 ":  ", address);
	if (!cs_disasm_iter(capstone, &code, &left, &at, insn)) {
		print_bytes(s->m->out, bytes, 1);
		fprintf(s->m->out, ".byte    0x%02x\n", bytes[0]);
		return 1;
	}
	print_bytes(s->m->out, bytes, insn->size);
	fprintf(s->m->out, *insn->op_str ? "%-8s %s\n" : "%s%s\n", insn->mnemonic, insn->op_str);
	return insn->size;
}

static void disassemble(const struct source *s, uint64_t address, unsigned count)
{
	cs_mode mode = code_is_32(vm_vcpu(s->m->vm)) ? CS_MODE_32 : CS_MODE_16;
	cs_insn *insn;
	csh capstone;

	if (cs_open(CS_ARCH_X86, mode, &capstone) != CS_ERR_OK) {
		fprintf(s->m->out, "no disassembler\n");
		return;
	}
	cs_option(capstone, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	insn = cs_malloc(capstone);
	for (unsigned i = 0; insn && i < count; i++) {
		size_t n;

		if (!s->physical)
			address = (uint32_t)address;
		n = disassemble_one(s, capstone, insn, address);
		if (!n) {
			fprintf(s->m->out, "Cannot access memory\n");
			break;
		}
		address += n;
	}
	if (insn)
		cs_free(insn, 1);
	cs_close(&capstone);
}

static void dump(struct hmp *m, const struct hmp_args *a, bool physical)
{
	struct hmp_format f = {.count = 1, .kind = 'x', .size = 4};
	struct source s = {m, physical};
	uint64_t address;

	if (hmp_parse_format(m, a, &f) < 0 || hmp_eval_all(m, a, &address) < 0)
		return;
	if (!physical)
		address = (uint32_t)address;
	if (f.kind == 'i')
		disassemble(&s, address, f.count);
	else
		dump_values(&s, address, &f);
}

void hmp_x(struct hmp *m, const struct hmp_args *a)
{
	dump(m, a, false);
}

void hmp_xp(struct hmp *m, const struct hmp_args *a)
{
	dump(m, a, true);
}

void hmp_print(struct hmp *m, const struct hmp_args *a)
{
	struct hmp_format f = {.kind = 'x', .size = 8};
	uint64_t value;

	if (hmp_parse_format(m, a, &f) < 0 || hmp_eval_all(m, a, &value) < 0)
		return;
	switch (f.kind) {
	case 'o':
		fprintf(m->out, "%#" PRIo64 "\n", value);
		break;
	case 'u':
		fprintf(m->out, "%" PRIu64 "\n", value);
		break;
	case 'd':
		fprintf(m->out, "%" PRId64 "\n", (int64_t)value);
		break;
	case 'c':
		print_character(m->out, value);
		fputc('\n', m->out);
		break;
	default:
		fprintf(m->out, value ? "%#" PRIx64 "\n" : "0x%" PRIx64 "\n", value);
		break;
	}
}

void hmp_gva2gpa(struct hmp *m, const struct hmp_args *a)
{
	uint64_t address;
	gpa_t gpa;

	if (hmp_eval_all(m, a, &address) < 0)
		return;
	if (paging_debug_translate(vm_vcpu(m->vm), (gva_t)address, &gpa))
		fprintf(m->out, "gpa: %#" PRIx64 "\n", gpa);
	else
		fprintf(m->out, "Unmapped\n");
}

/* ---- ports ---- */

static int port_and_format(struct hmp *m, const struct hmp_args *a, const char **text,
			   struct hmp_format *f, uint64_t *port)
{
	*f = (struct hmp_format){.count = 1, .kind = 'x', .size = 1};
	*text = a->rest;
	if (hmp_parse_format(m, a, f) < 0 || hmp_eval(m, text, port) < 0)
		return -1;
	if (f->size > 4 || *port > 0xffff) {
		fprintf(m->out, "a port is 0 to 0xffff, its size b, h or w\n");
		return -1;
	}
	return 0;
}

static char port_suffix(unsigned size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : 'l';
}

void hmp_port_in(struct hmp *m, const struct hmp_args *a)
{
	struct hmp_format f;
	const char *text;
	uint64_t port;
	uint32_t value;

	if (port_and_format(m, a, &text, &f, &port) < 0)
		return;
	value = bus_port_read(vm_bus(m->vm), (uint16_t)port, f.size);
	fprintf(m->out, "port%c[0x%04x] = 0x%0*x\n", port_suffix(f.size), (unsigned)port,
		(int)f.size * 2, value);
}

void hmp_port_out(struct hmp *m, const struct hmp_args *a)
{
	struct hmp_format f;
	const char *text;
	uint64_t port, value;

	if (port_and_format(m, a, &text, &f, &port) < 0 || hmp_eval(m, &text, &value) < 0)
		return;
	bus_port_write(vm_bus(m->vm), (uint16_t)port, (uint32_t)value, f.size);
}

/* ---- memsave ---- */

static void save(const struct source *s, const char *path, uint64_t address, uint64_t size)
{
	FILE *file = host_create(path);
	uint8_t page[PAGE_SIZE];
	bool whole = true;

	if (!file) {
		fprintf(s->m->out, "Error: Could not open '%s': %s\n", path,
			host_strerror(errno));
		return;
	}
	while (size && whole) {
		size_t n = PAGE_SIZE - (size_t)(address & (PAGE_SIZE - 1));

		n = n < size ? n : (size_t)size;
		whole = source_read(s, address, page, n) == n;
		if (!whole)
			fprintf(s->m->out, "Error: Invalid addr 0x%016" PRIx64 " specified\n",
				address);
		else if (fwrite(page, 1, n, file) != n)
			break; /* with size left: the disk is full */
		address += n;
		size -= n;
	}
	if (fclose(file) != 0 || (whole && size))
		fprintf(s->m->out, "Error: writing '%s': %s\n", path, strerror(errno));
}

static void save_command(struct hmp *m, const struct hmp_args *a, bool physical)
{
	struct source s = {m, physical};
	uint64_t values[2], limit = physical ? physmem_ram_size(vm_physmem(m->vm)) : UINT32_MAX;

	if (a->count < 3) {
		hmp_expected(m, a, a->count < 1 ? "address" : a->count < 2 ? "size" : "filename");
		return;
	}
	if (hmp_surplus(m, a, 3))
		return;
	for (int i = 0; i < 2; i++) {
		const char *text = a->words[i];

		if (hmp_eval(m, &text, &values[i]) < 0)
			return;
	}
	if (values[1] > limit) {
		fprintf(m->out, "Error: size is at most %#" PRIx64 "\n", limit);
		return;
	}
	save(&s, a->words[2], values[0], values[1]);
}

void hmp_memsave(struct hmp *m, const struct hmp_args *a)
{
	save_command(m, a, false);
}

void hmp_pmemsave(struct hmp *m, const struct hmp_args *a)
{
	save_command(m, a, true);
}
