// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Code in test pages: small functions made at random, that compute, call and
 * jump to each other, read and write test pages and change themselves; and an
 * interpreter of just these instructions, which predicts what a call does.
 *
 * A write to code by another linear address than it is fetched by needs a
 * serializing instruction before it is executed (SDM 3A 8.1.3): where there
 * may be none the call is not made.
 */
#include "stress.h"

extern const char op_call[];

#define STEPS_MOST 400u
#define DEPTH_MOST 8u
#define STORES_MOST 32u

/* ---- making functions ---- */
struct maker {
	uint8_t bytes[128];
	unsigned n;
	uint32_t lin; /* where it is to be executed */
};

static void b1(struct maker *m, uint32_t v)
{
	m->bytes[m->n++] = (uint8_t)v;
}

static void b4(struct maker *m, uint32_t v)
{
	memcpy(m->bytes + m->n, &v, 4);
	m->n += 4;
}

static uint32_t random_slot(void)
{
	return model.lin[pick_page()] + pick_slot();
}

static uint32_t random_data(const struct maker *m)
{
	uint32_t page = chance(70) ? m->lin & ~(PAGE - 1) : model.lin[pick_page()];

	return page + 0x600 + below(0x600);
}

/* One that rewrites what follows it. */
static void make_rewriter(struct maker *m)
{
	uint32_t at = m->lin + m->n;

	switch (below(4)) {
	case 0: /* mov dword [imm of the next], imm; mov eax, imm */
		b1(m, 0xc7), b1(m, 0x05), b4(m, at + 11), b4(m, rnd());
		b1(m, 0xb8), b4(m, rnd());
		break;
	case 1: /* add [imm of the next], eax; add eax, imm */
		b1(m, 0x01), b1(m, 0x05), b4(m, at + 7), b4(m, rnd());
		m->n -= 4;
		b1(m, 0x05), b4(m, rnd());
		break;
	case 2: /* mov byte [next], another opcode */
		b1(m, 0xc6), b1(m, 0x05), b4(m, at + 7), b1(m, chance(50) ? 0x40 : 0x90);
		b1(m, chance(50) ? 0x40 : 0x90);
		break;
	default: /* mov edi, n; again: xor eax, imm; add [imm], eax; dec edi; jnz again */
		b1(m, 0xbf), b4(m, 1 + below(5));
		b1(m, 0x35), b4(m, rnd());
		b1(m, 0x01), b1(m, 0x05), b4(m, at + 6);
		b1(m, 0x4f);
		b1(m, 0x75), b1(m, (uint32_t)-14);
		break;
	}
}

static void make_transfer(struct maker *m)
{
	uint32_t to = random_slot();

	switch (below(4)) {
	case 0: /* jmp */
		b1(m, 0xe9), b4(m, to - (m->lin + m->n + 4));
		break;
	case 1: /* call */
		b1(m, 0xe8), b4(m, to - (m->lin + m->n + 4));
		break;
	case 2: /* mov ecx, to; jmp ecx */
		b1(m, 0xb9), b4(m, to), b1(m, 0xff), b1(m, 0xe1);
		break;
	default: /* call ecx */
		b1(m, 0xb9), b4(m, to), b1(m, 0xff), b1(m, 0xd1);
		break;
	}
}

static void make_instruction(struct maker *m)
{
	switch (below(16)) {
	case 0: b1(m, 0xb8), b4(m, rnd()); break;
	case 1: b1(m, 0x05), b4(m, rnd()); break;
	case 2: b1(m, 0x35), b4(m, rnd()); break;
	case 3: b1(m, 0xc1), b1(m, 0xc0), b1(m, 1 + below(31)); break;
	case 4: b1(m, 0x40); break;
	case 5: b1(m, 0xeb), b1(m, 0x00); break;
	case 6: b1(m, 0x03), b1(m, 0x05), b4(m, random_data(m)); break;
	case 7: b1(m, 0xa3), b4(m, random_data(m)); break;
	case 8: b1(m, 0x01), b1(m, 0x05), b4(m, random_data(m)); break;
	case 9: b1(m, 0xc7), b1(m, 0x05), b4(m, random_data(m)), b4(m, rnd()); break;
	case 10: /* xchg eax, esi; xor eax, eax; cpuid; xchg eax, esi: serializes */
		b1(m, 0x96), b1(m, 0x31), b1(m, 0xc0), b1(m, 0x0f), b1(m, 0xa2), b1(m, 0x96);
		break;
	case 11:
	case 12: make_transfer(m); break;
	default: make_rewriter(m); break;
	}
}

/*
 * Up to the page's end, with an operand that goes on in the next one: all pages
 * begin with two bytes that are good for that, and code behind them.
 */
static void make_crossing(struct maker *m)
{
	static const uint8_t opcodes[] = {0xb8, 0x05, 0x35};
	unsigned room = PAGE - CROSSING - 3;

	while (m->n + 26 < room && chance(70))
		make_instruction(m);
	while (m->n < room)
		b1(m, chance(50) ? 0x40 : 0x90);
	b1(m, opcodes[below(3)]), b1(m, rnd()), b1(m, rnd());
}

static void make_function(struct maker *m, uint32_t lin)
{
	unsigned size = lin % PAGE == CROSSING ? 100 : SLOT;

	m->n = 0;
	m->lin = lin;
	if (lin % PAGE == CROSSING && chance(60)) {
		make_crossing(m);
		return;
	}
	if (lin % PAGE == 0)
		b1(m, chance(50) ? 0x40 : 0x90), b1(m, chance(50) ? 0x40 : 0x90);
	do
		make_instruction(m);
	while (m->n + 26 < size && chance(lin % PAGE == CROSSING ? 97 : 80));
	b1(m, 0xc3);
}

/* Straight into the pool; lin only says where its own addresses are to lead. */
static void put_function(unsigned frame, const struct maker *m)
{
	uint32_t phys = frame_phys(frame) + m->lin % PAGE;
	unsigned n = m->n;

	if (m->lin % PAGE + n > PAGE)
		n = PAGE - m->lin % PAGE;
	for (unsigned i = 0; i < n; i++) {
		*(volatile uint8_t *)(uintptr_t)(phys + i) = m->bytes[i];
		shadow_write(phys + i, m->bytes[i], 1);
	}
}

static bool may_hold(unsigned frame, uint32_t offset)
{
	if (!model.a20 && frame / BANK_FRAMES & 1)
		return false;
	return model.kind[frame] == FRAME_DATA ||
	       (model.kind[frame] != FRAME_DIR && offset >= 0xc00 && offset < CROSSING);
}

/* All slots, at the start. */
void code_fill(void)
{
	for (unsigned f = 0; f < FRAMES; f++)
		for (uint32_t offset = 0; offset < PAGE; offset += SLOT) {
			struct maker m;

			if ((offset >= 0x600 && offset < 0xc00) || !may_hold(f, offset))
				continue;
			if (offset == 0xfc0)
				offset = CROSSING;
			make_function(&m, model.lin[below(PAGES)] + offset);
			put_function(f, &m);
		}
	compare_frames(false);
}

void code_generate(void)
{
	uint32_t lin = random_slot();
	struct maker m;

	make_function(&m, lin);
	counts.generated++;
	if (chance(40)) {
		unsigned frame = pick_frame();

		if (may_hold(frame, lin % PAGE))
			put_function(frame, &m);
		compare_frames(false);
		return;
	}
	copy_to(chance(80) ? lin : model.lin[pick_page()] | lin % PAGE, m.bytes, m.n, chance(50));
}

/* ---- predicting a call ---- */
struct store {
	uint32_t phys, lin; /* of its first byte */
	unsigned size;
};
struct machine {
	struct expectation *e;
	bool user, zero;
	bool eax_unknown, esi_unknown; /* what CPUID gave */
	uint32_t eip, eax, edi, ecx, esi;
	uint32_t start; /* of the instruction */
	uint32_t page, phys;  /* that fetches have been translated for */
	uint32_t stack[DEPTH_MOST];
	unsigned depth;
	struct store stores[STORES_MOST];
	unsigned store_count;
	enum outcome outcome;
};

/* Where the last call that was predicted has come to a page. */
#define VISITS_MOST 8u
static uint32_t visited[VISITS_MOST];
static unsigned visit_count;

/*
 * Nested: where a store finds no TLB entry to write by (D was clear, for one), TCG's walk
 * probes the nested TLB for a write, which drops the translation that is being executed,
 * as changed, but does not end it (QEMU, mmu_translate(): probe_access_full() without a
 * return address). Its old bytes are executed, and what it jumps to directly. CPUID is an
 * exit there. tests/system/kvm_host.c shows it without us.
 */
static bool is_unserialized(const struct machine *m, uint32_t phys)
{
	for (unsigned i = 0; i < m->store_count; i++) {
		const struct store *s = &m->stores[i];

		if (phys - s->phys < s->size &&
		    (options.nested || (s->lin ^ m->eip) & ~(PAGE - 1)))
			return true;
	}
	return false;
}

static uint32_t fetch1(struct machine *m)
{
	uint32_t phys[2];

	if (m->outcome != DONE)
		return 0;
	if ((m->eip & ~(PAGE - 1)) != m->page) {
		m->outcome = predict_access(m->eip, 1, EXEC, m->user, phys, m->e);
		if (m->outcome != DONE)
			return 0;
		m->page = m->eip & ~(PAGE - 1);
		if (visit_count < VISITS_MOST)
			visited[visit_count++] = m->eip;
		m->phys = phys[0] & ~(PAGE - 1);
	}
	phys[0] = m->phys + m->eip % PAGE;
	if (is_unserialized(m, phys[0])) {
		m->outcome = SKIP;
		return 0;
	}
	m->eip++;
	return *shadow_at(phys[0]);
}

static uint32_t fetch4(struct machine *m)
{
	uint32_t v = fetch1(m);

	v |= fetch1(m) << 8;
	v |= fetch1(m) << 16;
	return v | fetch1(m) << 24;
}

static uint32_t load(struct machine *m, uint32_t lin)
{
	uint64_t v = 0;

	if (m->outcome == DONE)
		m->outcome = predict_read(lin, 4, m->user, &v, m->e);
	return (uint32_t)v;
}

static void store(struct machine *m, uint32_t lin, uint32_t value, unsigned size)
{
	uint32_t phys[2];

	if (m->outcome == DONE)
		m->outcome = predict_access(lin, size, WRITE, m->user, phys, m->e);
	if (m->outcome == DONE)
		m->outcome = predict_write(lin, size, m->user, value, m->e);
	if (m->outcome != DONE)
		return;
	for (unsigned i = 0; i < size; i++) { /* a byte each, across pages as well */
		unsigned first = PAGE - lin % PAGE;

		if (i != 0 && i != first)
			continue;
		if (m->store_count == STORES_MOST) {
			m->outcome = SKIP;
			return;
		}
		m->stores[m->store_count++] = (struct store){
			.phys = phys[i != 0], .lin = lin + i,
			.size = i ? size - i : size < first ? size : first};
	}
	counts.code_stores++;
}

static void set_eax(struct machine *m, uint32_t v)
{
	if (m->outcome != DONE)
		return;
	m->eax = v;
	m->zero = !v;
}

static void add_memory(struct machine *m, uint32_t lin)
{
	uint32_t phys[2], v;

	m->e->any_w = true; /* if it faults: the read may have */
	if (m->outcome == DONE)
		m->outcome = predict_access(lin, 4, WRITE, m->user, phys, m->e);
	v = load(m, lin) + m->eax;
	store(m, lin, v, 4);
	if (m->outcome != DONE)
		return;
	m->e->any_w = false;
	m->zero = !v;
}

static void go(struct machine *m, uint32_t to, bool call)
{
	if (m->outcome != DONE)
		return;
	if (call) {
		if (m->depth == DEPTH_MOST) {
			m->outcome = SKIP;
			return;
		}
		m->stack[m->depth++] = m->eip;
	}
	m->eip = to;
}

static void modrm_disp32(struct machine *m)
{
	if (fetch1(m) != 0x05 && m->outcome == DONE)
		m->outcome = SKIP;
}

static void two_bytes(struct machine *m, uint32_t opcode)
{
	uint32_t next = fetch1(m);

	if (m->outcome != DONE)
		return;
	if (opcode == 0x0f && next == 0xa2) {
		m->eax_unknown = true;
		m->ecx = 0;
		m->store_count = 0;
	} else if (opcode == 0x31 && next == 0xc0) {
		set_eax(m, 0);
		m->eax_unknown = false;
	} else if (opcode == 0xff && (next == 0xe1 || next == 0xd1)) {
		go(m, m->ecx, next == 0xd1);
	} else if (opcode == 0xc1 && next == 0xc0) {
		uint32_t by = fetch1(m) & 31;

		if (m->outcome == DONE && by)
			m->eax = m->eax << by | m->eax >> (32 - by);
	} else {
		m->outcome = SKIP;
	}
}

/* Returns whether it was the last. */
static bool instruction(struct machine *m)
{
	bool unknown = m->eax_unknown;
	uint32_t v, op;

	m->start = m->eip;
	op = fetch1(m);
	if (unknown && op != 0x96 && op != 0x31) /* the page after CPUID has been changed */
		m->outcome = SKIP;
	switch (op) {
	case 0xb8:
		v = fetch4(m);
		if (m->outcome == DONE)
			m->eax = v;
		break;
	case 0xbf:
		v = fetch4(m);
		if (m->outcome == DONE)
			m->edi = v;
		break;
	case 0xb9:
		v = fetch4(m);
		if (m->outcome == DONE)
			m->ecx = v;
		break;
	case 0x05: v = fetch4(m); set_eax(m, m->eax + v); break;
	case 0x35: v = fetch4(m); set_eax(m, m->eax ^ v); break;
	case 0x40: set_eax(m, m->eax + 1); break;
	case 0x90: break;
	case 0x4f:
		m->edi--;
		m->zero = !m->edi;
		break;
	case 0x75:
		v = (uint32_t)(int8_t)fetch1(m);
		if (!m->zero)
			go(m, m->eip + v, false);
		break;
	case 0xeb: v = (uint32_t)(int8_t)fetch1(m); go(m, m->eip + v, false); break;
	case 0xe9:
	case 0xe8: v = fetch4(m); go(m, m->eip + v, op == 0xe8); break;
	case 0xc3:
		if (m->outcome != DONE || !m->depth)
			return true;
		m->eip = m->stack[--m->depth];
		break;
	case 0x96:
		v = m->eax;
		m->eax = m->esi;
		m->esi = v;
		unknown = m->eax_unknown;
		m->eax_unknown = m->esi_unknown;
		m->esi_unknown = unknown;
		break;
	case 0x03: modrm_disp32(m); v = load(m, fetch4(m)); set_eax(m, m->eax + v); break;
	case 0xa3: v = fetch4(m); store(m, v, m->eax, 4); break;
	case 0x01: modrm_disp32(m); v = fetch4(m); add_memory(m, v); break;
	case 0xc7: modrm_disp32(m); v = fetch4(m); store(m, v, fetch4(m), 4); break;
	case 0xc6: modrm_disp32(m); v = fetch4(m); store(m, v, fetch1(m), 1); break;
	case 0x0f:
	case 0x31:
	case 0xff:
	case 0xc1: two_bytes(m, op); break;
	default:
		if (m->outcome == DONE)
			m->outcome = SKIP;
	}
	return m->outcome != DONE;
}

static enum outcome predict_call(uint32_t lin, bool user, uint32_t eax, struct expectation *e)
{
	static struct machine m;

	visit_count = 0;
	m = (struct machine){.e = e, .user = user, .eip = lin, .eax = eax, .page = 1};
	for (unsigned n = 0;; n++) {
		if (n == STEPS_MOST)
			return SKIP;
		if (instruction(&m))
			break;
	}
	e->eip = m.start;
	e->out.eax = m.eax;
	e->out.edi = m.edi;
	e->only_eax_edi = true;
	return m.outcome == FAULT && m.eax_unknown ? SKIP : m.outcome;
}

/* faults: it may end with one. */
static bool call(uint32_t lin, bool user, bool faults)
{
	struct registers in = {.ebx = lin, .eax = rnd()};

	for (unsigned tries = 0; tries < PREDICT_TRIES; tries++) {
		struct expectation e = {.out = in};
		enum outcome o;

		predict_begin();
		o = predict_call(lin, user, in.eax, &e);
		if (o == DONE || (o == FAULT && faults)) {
			counts.calls++;
			counts.call_faults += o == FAULT;
			run_expecting(&in, SHARED_CODE + (uint32_t)(op_call - shared_start), user, &e);
			return true;
		}
		predict_undo();
		if (o != FLUSH)
			break;
		flush_wanted();
	}
	counts.skipped++;
	return false;
}

void code_call(unsigned times)
{
	uint32_t lin = random_slot();
	bool user = chance(60);

	for (unsigned tries = 0; tries < 8 && !call(lin, user, chance(25)); tries++)
		lin = random_slot();
	while (--times)
		call(lin, user, false);
}

/* The frame that a page shows; NO_FRAME: none. */
static unsigned frame_at(uint32_t lin)
{
	struct walk w;

	if (page_id(lin) < 0)
		return NO_FRAME;
	walk_current(lin, &w);
	return w.fault < 0 && !w.nowhere ? frame_of(w.gpa) : NO_FRAME;
}

static void disk_read(unsigned frame);

/* To the function at lin, or to what it goes on in or jumps to. */
static void disturb(uint32_t lin)
{
	uint32_t other = visit_count ? visited[below(visit_count)] : lin;
	unsigned frame = frame_at(other);
	uint32_t bytes = rnd();
	struct maker m;

	if (page_id(other) < 0)
		return;
	switch (below(12)) {
	case 10:
	case 11: /* one page for another, with nothing else changed */
		edit_frame((unsigned)page_id(other));
		break;
	case 8:
	case 9: /* within what it is made of */
		copy_to(other + 1 + below(chance(50) ? 2 : 12), &bytes,
			chance(50) ? 1 : 1 + below(4), chance(50));
		break;
	case 0: edit_page((unsigned)page_id(other)); break;
	case 1: edit_directory((unsigned)page_id(other)); break;
	case 2:
		if (frame != NO_FRAME)
			disk_read(frame);
		break;
	case 3:
	case 4: /* by the direct map, or by any page that shows it */
		make_function(&m, other);
		if (frame != NO_FRAME && may_hold(frame, other % PAGE))
			put_function(frame, &m);
		compare_frames(false);
		break;
	case 5:
		make_function(&m, other);
		for (unsigned id = 0; id < PAGES; id++)
			if (frame_at(model.lin[id]) == frame && chance(50)) {
				copy_to(model.lin[id] | other % PAGE, m.bytes, m.n, chance(50));
				break;
			}
		break;
	default:
		make_function(&m, other);
		copy_to(other, m.bytes, m.n, chance(50));
		break;
	}
}

void code_again(void)
{
	uint32_t lin = random_slot();
	bool user = chance(60);

	for (unsigned tries = 0; tries < 8 && !call(lin, user, false); tries++)
		lin = random_slot();
	for (unsigned n = 1 + below(4); n; n--) {
		for (unsigned times = below(3); times; times--)
			call(lin, user, false);
		disturb(lin);
		call(lin, user, true);
	}
}

/* ---- code from the disk ---- */
#define DISK_SECTORS 64u

/* ORDER: as test_mmu_stress.py makes the disk. */
static uint8_t disk_byte(uint32_t lba, uint32_t offset)
{
	uint32_t v = (lba * 8 + offset / SLOT) * 0x9e3779b1 ^ 0x85ebca6b;
	uint32_t at = offset % SLOT;

	if (at == 0)
		return 0x35; /* xor eax, v */
	if (at < 5)
		return (uint8_t)(v >> 8 * (at - 1));
	return at == 5 ? 0xc3 : (uint8_t)(v + at);
}

static void disk_read(unsigned frame)
{
	uint32_t sectors = 1 + below(7), lba = below(DISK_SECTORS - 8);
	uint32_t phys = frame_phys(frame) + below(8) * 512;
	bool pio = chance(30) || options.disk == 2;

	if (!options.disk || !model.a20 || model.kind[frame] != FRAME_DATA)
		return;
	if (pio)
		sectors = 1;
	if (phys % PAGE + sectors * 512 > PAGE)
		sectors = (PAGE - phys % PAGE) / 512;
	if (pio)
		disk_pio(lba, phys);
	else
		disk_dma(lba, phys, sectors);
	for (uint32_t i = 0; i < sectors * 512; i++)
		shadow_write(phys + i, disk_byte(lba + i / 512, i % 512), 1);
	counts.disk_reads++;
	compare_frames(false);
}

void disk_read_random(void)
{
	disk_read(pick_frame());
}
