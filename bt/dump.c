/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translated code to read: each guest instruction on the left, what was made of it
 * on the right, exits with where they lead.
 *
 *	block 00100000: 32-bit ring 0, flat ES CS SS DS FS GS
 *	  guest 9 bytes, 3 instructions; host 74 bytes at 4000; 1 chained to it
 *
 *	00100000  mov eax, dword [ebx + 8]       4000  lea r8d, [rbx + 8]
 *	                                         4004  call soft_kernel_read4
 *	                                         4009  mov eax, dword [r8 + r9]
 *
 * Host addresses are offsets in the code cache.
 */
#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdarg.h>

#include "bt/inspect.h"
#include "cpu/decode.h"

#define LEFT_WIDTH 46

struct dump {
	const struct bt *bt;
	const struct tb *tb; /* NULL: a stub */
	FILE *f;
	csh guest, host;
	cs_insn *insn; /* of host */
	uint32_t mark;
	char left[240];
};

/* ---- the mode in words ---- */
static const char *privilege(uint32_t mode)
{
	if (mode & MODE_V86)
		return "virtual-8086";
	if (!(mode & MODE_PROT))
		return "real mode";
	return mode & MODE_USER ? "ring 3" : mode & MODE_RING0 ? "ring 0" : "ring 1 or 2";
}

static int append(char *text, int n, int size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	n += vsnprintf(text + n, (size_t)(size - n), format, args);
	va_end(args);
	return n < size ? n : size - 1;
}

/* ORDER: enum seg_kind, enum seg_reg. */
static const char *const kind_names[] = {"flat", "based", "checked", "small"};
static const char *const segment_names[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};

static int append_segments(char *text, int n, uint32_t mode, enum seg_kind kind)
{
	bool any = false;

	for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
		if (mode_seg(mode, seg) != kind)
			continue;
		if (!any)
			n = append(text, n, MODE_TEXT_SIZE, ", %s", kind_names[kind]);
		any = true;
		n = append(text, n, MODE_TEXT_SIZE, " %s", segment_names[seg]);
	}
	return n;
}

void mode_text(uint32_t mode, char out[MODE_TEXT_SIZE])
{
	bool code32 = mode & MODE_CODE32, stack32 = mode & MODE_STACK32;
	int n = append(out, 0, MODE_TEXT_SIZE, "%s %s", code32 ? "32-bit" : "16-bit",
		       privilege(mode));

	if (code32 != stack32)
		n = append(out, n, MODE_TEXT_SIZE, ", %s stack", stack32 ? "32-bit" : "16-bit");
	if (mode & MODE_IO && mode & MODE_PROT && !(mode & MODE_RING0))
		n = append(out, n, MODE_TEXT_SIZE, ", IOPL");
	if (mode & MODE_WINDOW)
		n = append(out, n, MODE_TEXT_SIZE, ", window");
	if (mode & MODE_MOVED)
		n = append(out, n, MODE_TEXT_SIZE, ", movable");
	for (unsigned kind = KIND_FLAT; kind <= KIND_SMALL; kind++)
		n = append_segments(out, n, mode, (enum seg_kind)kind);
}

/* ---- instructions as text ---- */
/* Drops " ptr" of "dword ptr [...]". */
static void without_ptr(char *text)
{
	for (char *p = strstr(text, " ptr "); p; p = strstr(p, " ptr "))
		memmove(p, p + 4, strlen(p + 4) + 1);
}

/* Where a jump or call goes, by name. */
static void name_target(const struct dump *d, uint32_t to, char *out, size_t size)
{
	const struct tb *tb = d->tb;
	char name[STUB_NAME_SIZE];
	struct stub s;

	for (unsigned i = 0; tb && i < tb->exit_count; i++) {
		if (tb->host + tb_exits(tb)[i].unchained == to) {
			snprintf(out, size, "exit %u", i);
			return;
		}
	}
	if (stub_find(d->bt, to, &s)) {
		stub_name(&s, name);
		snprintf(out, size, "%s", name);
		return;
	}
	tb = cache_find((struct bt *)d->bt, to);
	if (tb && tb->host == to) {
		snprintf(out, size, "block %08x", tb->eip);
		return;
	}
	snprintf(out, size, "%x", to);
}

static int note_memory(const x86_op_mem *mem, char *out, int size)
{
	const struct vcpu_field *f = vcpu_field_at(mem->disp);
	const struct table_part *part = table_part_at(mem->disp);

	if (mem->base == X86_REG_R14 && f && mem->disp == f->offset)
		return snprintf(out, (size_t)size, "  ; %s", f->name);
	if (mem->base == X86_REG_R14 && f)
		return snprintf(out, (size_t)size, "  ; %s+%x", f->name,
				(unsigned)(mem->disp - f->offset));
	/* Of window and software TLB, which have no scale and seldom such displacements. */
	if (mem->index != X86_REG_INVALID && part && mem->base != X86_REG_R12 &&
	    (mem->scale > 1 || mem->disp) && part->offset == mem->disp)
		return snprintf(out, (size_t)size, "  ; %s", part->name);
	return 0;
}

/* What the numbers in the instruction mean. */
static void note(const struct dump *d, char *out, int size)
{
	const cs_x86 *x = &d->insn->detail->x86;

	*out = 0;
	for (unsigned i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];

		if (op->type == X86_OP_MEM && note_memory(&op->mem, out, size))
			return;
		if (op->type != X86_OP_IMM || x->operands[0].type != X86_OP_REG ||
		    x->operands[0].reg != X86_REG_R11D)
			continue;
		for (unsigned e = 0; d->tb && e < d->tb->exit_count; e++)
			if (op->imm == exit_id(d->bt, &tb_exits(d->tb)[e]))
				snprintf(out, (size_t)size, "  ; exit %u", e);
	}
}

static bool is_relative(const struct dump *d)
{
	const cs_detail *detail = d->insn->detail;

	for (unsigned i = 0; i < detail->groups_count; i++)
		if (detail->groups[i] == CS_GRP_BRANCH_RELATIVE)
			return true;
	return false;
}

/* ---- lines ---- */
static void print_line(struct dump *d, uint32_t offset, const char *right)
{
	fprintf(d->f, "%-*s %s%6x  %s\n", LEFT_WIDTH, d->left, offset == d->mark ? "->" : "  ",
		offset, right);
	d->left[0] = 0;
}

/* The guest's side alone: what has no code, and headings. */
static void print_left(struct dump *d)
{
	if (d->left[0])
		fprintf(d->f, "%s\n", d->left);
	d->left[0] = 0;
}

static void print_host(struct dump *d, uint32_t offset)
{
	char operands[200], notes[64], right[300];

	snprintf(operands, sizeof(operands), "%s", d->insn->op_str);
	if (is_relative(d))
		name_target(d, (uint32_t)d->insn->detail->x86.operands[0].imm, operands,
			    sizeof(operands));
	without_ptr(operands);
	note(d, notes, sizeof(notes));
	if (operands[0])
		snprintf(right, sizeof(right), "%-7s %s%s", d->insn->mnemonic, operands, notes);
	else
		snprintf(right, sizeof(right), "%s", d->insn->mnemonic);
	print_line(d, offset, right);
}

static void guest_left(struct dump *d, unsigned n)
{
	const struct tb *tb = d->tb;
	unsigned from = tb->insns[n].guest;
	unsigned to = n + 1 < tb->count ? tb->insns[n + 1].guest : tb->bytes;
	uint8_t bytes[INSN_MAX_LENGTH];
	const uint8_t *code = bytes;
	size_t size = guest_bytes(tb, from, to - from, bytes);
	uint64_t address = tb->eip + from;
	cs_insn *insn = cs_malloc(d->guest);
	bool soft = tb->soft_insns >> n & 1;

	if (insn && cs_disasm_iter(d->guest, &code, &size, &address, insn)) {
		without_ptr(insn->op_str);
		snprintf(d->left, sizeof(d->left), "%08x  %s%s%s%s", tb->eip + from, insn->mnemonic,
			 insn->op_str[0] ? " " : "", insn->op_str,
			 soft ? "  ; keeps faulting" : "");
	} else {
		snprintf(d->left, sizeof(d->left), "%08x  (no instruction)", tb->eip + from);
	}
	cs_free(insn, 1);
}

static void exit_left(struct dump *d, unsigned n)
{
	const struct tb_exit *exit = &tb_exits(d->tb)[n];

	if (exit->to)
		snprintf(d->left, sizeof(d->left), "exit %u: %08x, chained to %x", n, exit->eip,
			 tb_at(d->bt, exit->to)->host);
	else
		snprintf(d->left, sizeof(d->left), "exit %u: %08x, not chained", n, exit->eip);
}

/* What begins at this offset goes to the left. Returns the next guest instruction. */
static unsigned begin_left(struct dump *d, unsigned next, uint32_t offset)
{
	const struct tb *tb = d->tb;

	while (next < tb->count && tb->host + tb->insns[next].host <= offset) {
		print_left(d);
		guest_left(d, next++);
	}
	for (unsigned i = 0; i < tb->exit_count; i++) {
		if (tb->host + tb_exits(tb)[i].unchained == offset) {
			print_left(d);
			exit_left(d, i);
		}
	}
	return next;
}

static void print_code(struct dump *d, uint32_t begin, uint32_t end)
{
	const uint8_t *code = cache_rw(d->bt, begin);
	uint64_t address = begin;
	size_t left = end - begin;
	unsigned next = 0;

	while (left) {
		uint32_t offset = (uint32_t)address;

		if (d->tb)
			next = begin_left(d, next, offset);
		if (cs_disasm_iter(d->host, &code, &left, &address, d->insn)) {
			print_host(d, offset);
		} else {
			print_line(d, offset, "(no instruction)");
			break;
		}
	}
	print_left(d);
}

/* ---- a block, a stub ---- */
static bool open_dump(struct dump *d, bool code32)
{
	if (cs_open(CS_ARCH_X86, code32 ? CS_MODE_32 : CS_MODE_16, &d->guest) != CS_ERR_OK)
		return false;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->host) != CS_ERR_OK) {
		cs_close(&d->guest);
		return false;
	}
	cs_option(d->host, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->host);
	return true;
}

static void close_dump(struct dump *d)
{
	cs_free(d->insn, 1);
	cs_close(&d->host);
	cs_close(&d->guest);
}

static void print_header(const struct bt *bt, const struct tb *tb, FILE *f)
{
	char mode[MODE_TEXT_SIZE];
	unsigned chained = 0;

	for (meta_ref ref = tb->incoming; ref; ref = exit_at(bt, ref)->next)
		chained++;
	mode_text(tb->mode, mode);
	fprintf(f, "block %08x: %s\n", tb->eip, mode);
	fprintf(f, "  guest %u bytes, %u instructions; host %u bytes at %x; %u chained to it\n\n",
		tb->bytes, tb->count, tb->host_size, tb->host, chained);
}

void dump_block(const struct bt *bt, const struct tb *tb, uint32_t mark, FILE *f)
{
	struct dump d = {.bt = bt, .tb = tb, .f = f, .mark = mark};

	print_header(bt, tb, f);
	if (!open_dump(&d, tb->mode & MODE_CODE32))
		return;
	if (tb->insns[0].host)
		snprintf(d.left, sizeof(d.left), "(pays for the block)");
	print_code(&d, tb->host, tb->host + tb->host_size);
	fprintf(f, "\n");
	close_dump(&d);
}

void dump_stub(const struct bt *bt, const struct stub *s, uint32_t mark, FILE *f)
{
	struct dump d = {.bt = bt, .f = f, .mark = mark};
	char name[STUB_NAME_SIZE];

	if (!open_dump(&d, true))
		return;
	stub_name(s, name);
	snprintf(d.left, sizeof(d.left), "stub %s", name);
	print_code(&d, s->begin, stub_end(bt, s->begin));
	fprintf(f, "\n");
	close_dump(&d);
}

static bool tb_is_at(const struct tb *tb, uint32_t eip)
{
	return tb->eip == (tb->mode & MODE_MOVED ? eip & (PAGE_SIZE - 1) : eip);
}

int bt_dump(struct vcpu *cpu, uint32_t eip, bool all, FILE *f)
{
	const struct code_cache *c = &cpu->bt->cache;
	int found = 0;

	for (unsigned i = 0; i < CACHE_REGIONS; i++) {
		for (uint32_t n = 0; n < c->regions[i].tb_count; n++) {
			const struct tb *tb = tb_at(cpu->bt, c->regions[i].tbs[n]);

			if (!tb->code || (!all && !tb_is_at(tb, eip)))
				continue;
			dump_block(cpu->bt, tb, NO_MARK, f);
			found++;
		}
	}
	return found;
}
