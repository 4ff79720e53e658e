// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of page tables and directories, through the direct map or through
 * test pages that show the table; and pages of the pool that become tables, or
 * data again.
 */
#include "stress.h"

#define TABLES_LEAST 4u
#define TABLES_MOST  9u
#define TAIL_START   0xc00u
#define RESERVED_PAE (1ull << 45)

static enum frame_kind table_kind(enum mode mode)
{
	return mode == MODE_PAE ? FRAME_PAE_TABLE : FRAME_TABLE;
}

/* ---- stores ---- */
/* A test page that shows this address and can be written; -1: none. */
static int alias_of(uint32_t phys, bool *user)
{
	unsigned start = below(PAGES);

	*user = chance(40);
	for (unsigned n = 0; n < PAGES; n++) {
		unsigned id = (start + n) % PAGES;
		struct walk w;

		walk_current(model.lin[id], &w);
		if (stale[id].how != CHANGED && w.fault < 0 && !w.nowhere &&
		    frame_of(w.gpa) == frame_of(phys) && walk_check(&w, WRITE, *user) < 0 &&
		    w.pte / 8 != phys / 8 && w.pde / 8 != phys / 8)
			return (int)id;
	}
	return -1;
}

static void store4(uint32_t phys, uint32_t value, int alias, bool user)
{
	if (alias >= 0 && write_through(model.lin[alias] | phys % PAGE, user, value)) {
		counts.alias_edits++;
		return;
	}
	*(volatile uint32_t *)(uintptr_t)phys = value;
	shadow_write(phys, value, 4);
}

/* Stores an entry; model.c learns what has become stale. */
static void entry_store(uint32_t phys, uint64_t value, enum mode mode)
{
	bool user = false, high_first = value & PTE_P;
	int alias = chance(50) ? alias_of(phys, &user) : -1;

	if (options.verbose)
		print("  entry at %x: %x %x\n", phys, (uint32_t)(value >> 32), (uint32_t)value);
	tables_before();
	if (mode != MODE_PAE) {
		store4(phys, (uint32_t)value, alias, user);
	} else if (chance(30)) {
		__asm__ volatile("fildq %1; fistpq %0"
				 : "=m"(*(uint64_t *)(uintptr_t)phys) : "m"(value) : "memory");
		shadow_write(phys, value, 8);
	} else {
		for (unsigned i = 0; i < 2; i++) {
			unsigned half = high_first ^ i;

			store4(phys + 4 * half, (uint32_t)(value >> 32 * half), alias, user);
		}
	}
	tables_after();
	compare_frames(false);
	counts.edits++;
}

/* ---- entries ---- */
static uint64_t random_rights(enum mode mode)
{
	uint64_t v = PTE_P;

	v |= chance(88) ? PTE_W : 0;
	v |= chance(88) ? PTE_U : 0;
	v |= chance(30) ? PTE_A : 0;
	v |= chance(30) ? PTE_D : 0;
	if (mode == MODE_PAE && model.nx && chance(8))
		v |= PTE_NX;
	return v;
}

static unsigned random_frame(void)
{
	unsigned f = pick_frame();

	if (chance(20)) /* to see and edit tables through */
		for (unsigned n = 0; n < FRAMES && model.kind[f] == FRAME_DATA; n++)
			f = (f + 1) % FRAMES;
	return f;
}

static uint64_t random_page(enum mode mode, unsigned id)
{
	uint64_t v = frame_phys(random_frame()) | random_rights(mode);

	if (region_of(id) == GLOBAL_REGION && chance(60))
		v |= PTE_G;
	if (mode == MODE_PAE && chance(4) && !options.qemu)
		v |= RESERVED_PAE;
	return v;
}

/* The same page or table with something else about it. */
static uint64_t changed_bits(uint64_t v, enum mode mode)
{
	switch (below(8)) {
	case 0: return v ^ PTE_W;
	case 1: return v ^ PTE_U;
	case 2: return v & ~(uint64_t)PTE_A;
	case 3: return v & ~(uint64_t)(PTE_A | PTE_D);
	case 4: return v & ~(uint64_t)PTE_D;
	case 5: return v | PTE_W | PTE_U;
	case 6: return v | PTE_A | PTE_D;
	default: return mode == MODE_PAE && model.nx ? v ^ PTE_NX : v ^ PTE_W;
	}
}

static const struct space *random_space(void)
{
	return &model.spaces[chance(75) ? model.current : below(SPACES)];
}

void edit_page(unsigned id)
{
	const struct space *s = random_space();
	struct xlate x;
	struct walk w;
	uint64_t v;

	xlate_read(s, model.lin[id], &x);
	xlate_walk(s, model.lin[id], &x, &w);
	if (!w.pte || model.kind[frame_of(w.pte)] != table_kind(s->mode)) {
		edit_directory(id);
		return;
	}
	v = x.pte;
	switch (below(10)) {
	case 0:
	case 1: v = changed_bits(v, s->mode); break;
	case 2: v &= ~(uint64_t)PTE_P; break;
	case 3: v = v ? v | PTE_P : random_page(s->mode, id); break;
	case 4: v = v & PTE_P ? changed_bits(v, s->mode) : random_page(s->mode, id); break;
	default: v = random_page(s->mode, id); break;
	}
	if (frame_of(v & 0xfffff000) == NO_FRAME || (!(v & PTE_P) && s->mode == MODE_PAE && v >> 32 & 15))
		v = random_page(s->mode, id);
	if (region_of(id) != GLOBAL_REGION)
		v &= ~(uint64_t)PTE_G;
	v &= ~(uint64_t)PTE_PS; /* the page's memory type */
	entry_store(w.pte, v, s->mode);
}

static int random_table(enum mode mode)
{
	unsigned start = below(FRAMES);

	for (unsigned n = 0; n < FRAMES; n++) {
		unsigned f = (start + n) % FRAMES;

		if (model.kind[f] == table_kind(mode) && !is_global_table(f))
			return (int)f;
	}
	return -1;
}

static uint64_t random_large(enum mode mode)
{
	uint64_t v = POOL_BASE | PTE_PS | random_rights(mode);

	if (mode == MODE_PAE && chance(50))
		v += 0x200000;
	if (chance(6) && !options.qemu)
		v |= mode == MODE_PAE ? 0x8000 : 0x100000; /* reserved */
	return v;
}

static uint64_t random_directory_entry(enum mode mode)
{
	if (mode != MODE_PLAIN && chance(20))
		return random_large(mode);
	return frame_phys((unsigned)random_table(mode)) | (random_rights(mode) & ~(uint64_t)PTE_D);
}

void edit_directory(unsigned id)
{
	const struct space *s = random_space();
	uint32_t where = pde_where(s, model.lin[id]);
	uint64_t v;

	if (!where)
		return;
	v = entry_read(where, s->mode);
	switch (below(8)) {
	case 0:
	case 1:
		v = v & PTE_P ? changed_bits(v, s->mode) : random_directory_entry(s->mode);
		break;
	case 2: v &= ~(uint64_t)PTE_P; break;
	default: v = random_directory_entry(s->mode); break;
	}
	if (!v)
		v = random_directory_entry(s->mode);
	counts.dir_edits++;
	entry_store(where, v, s->mode);
}

void edit_frame(unsigned id)
{
	const struct space *s = &model.spaces[model.current];
	struct xlate x;
	struct walk w;

	xlate_read(s, model.lin[id], &x);
	xlate_walk(s, model.lin[id], &x, &w);
	if (w.fault < 0 && !w.nowhere && !w.large && model.kind[frame_of(w.pte)] == table_kind(s->mode))
		entry_store(w.pte, (x.pte & ~0xfffff000ull) | frame_phys(pick_frame()), s->mode);
}

/* A large page is used in several places, changed, and flushed by one INVLPG. */
void edit_large(unsigned id)
{
	const struct space *s = &model.spaces[model.current];
	uint32_t where = pde_where(s, model.lin[id]);

	if (!where || s->mode == MODE_PLAIN)
		return;
	for (unsigned n = 1 + below(3); n; n--) {
		uint64_t v = random_large(s->mode), old = entry_read(where, s->mode);

		if (old & PTE_P && old & PTE_PS && chance(50))
			v = changed_bits(old, s->mode);
		counts.dir_edits++;
		entry_store(where, v, s->mode);
		page_flush(id);
		for (unsigned i = 2 + below(8); i; i--)
			access_in_region(region_of(id));
	}
}

/* ---- tables and data ---- */
static void each_directory_entry(unsigned frame, void (*body)(uint32_t where, const struct space *s),
				 unsigned *found)
{
	for (unsigned n = 0; n < SPACES; n++)
		for (unsigned id = 0; id < PAGES; id++) {
			const struct space *s = &model.spaces[n];
			uint32_t where = pde_where(s, model.lin[id]);
			uint64_t v = where ? entry_read(where, s->mode) : 0;

			if (!where || (v & PTE_PS && s->mode != MODE_PLAIN) ||
			    ((uint32_t)v & 0xfffff000) != frame_phys(frame))
				continue;
			++*found;
			if (body)
				body(where, s);
		}
}

static void clear_entry(uint32_t where, const struct space *s)
{
	entry_store(where, 0, s->mode);
}

static unsigned count_tables(enum frame_kind kind)
{
	unsigned n = 0;

	for (unsigned f = 0; f < FRAMES; f++)
		n += model.kind[f] == kind;
	return n;
}

static void table_retire(enum mode mode)
{
	unsigned found = 0, f = (unsigned)random_table(mode);

	each_directory_entry(f, NULL, &found);
	if (found > 2 && !chance(25))
		return;
	each_directory_entry(f, clear_entry, &found);
	space_load(model.current);
	model.kind[f] = FRAME_DATA;
	counts.recycled++;
}

/* A page of data becomes a table: cleared, or with what it holds. */
static void table_begin(enum mode mode)
{
	unsigned f = below(FRAMES);
	uint32_t phys = frame_phys(f);

	if (model.kind[f] != FRAME_DATA)
		return;
	if (chance(80)) {
		memset((void *)(uintptr_t)phys, 0, TAIL_START);
		memset((void *)(uintptr_t)(phys + 0xfe0), 0, PAGE - 0xfe0);
		memset(model.shadow[f], 0, TAIL_START);
		memset(model.shadow[f] + 0xfe0, 0, PAGE - 0xfe0);
	}
	model.kind[f] = (uint8_t)table_kind(mode);
	counts.recycled++;
}

void recycle_frame(void)
{
	enum mode mode = (enum mode)below(MODES);
	unsigned n = count_tables(table_kind(mode));

	if (!model.a20)
		return;
	if (n > TABLES_LEAST && (n >= TABLES_MOST || chance(50)))
		table_retire(mode);
	else
		table_begin(mode);
}

/* Before the pool is copied to where it belongs. */
void tables_init(void)
{
	for (unsigned m = MODE_PSE; m < MODES; m++)
		for (unsigned n = 0; n < 6;) {
			unsigned f = below(FRAMES);

			if (model.kind[f] != FRAME_DATA)
				continue;
			model.kind[f] = (uint8_t)table_kind((enum mode)m);
			memset(model.shadow[f], 0, TAIL_START);
			memset(model.shadow[f] + 0xfe0, 0, PAGE - 0xfe0);
			n++;
		}
	for (unsigned n = 0; n < SPACES; n++)
		for (unsigned id = 0; id < PAGES; id++) {
			const struct space *s = &model.spaces[n];
			uint32_t where = pde_where(s, model.lin[id]);
			struct xlate x;
			struct walk w;

			if (where && !entry_read(where, s->mode))
				shadow_write(where, frame_phys((unsigned)random_table(s->mode)) |
						    PTE_P | PTE_W | PTE_U, s->mode == MODE_PAE ? 8 : 4);
			xlate_read(s, model.lin[id], &x);
			xlate_walk(s, model.lin[id], &x, &w);
			if (w.pte && !x.pte)
				shadow_write(w.pte, random_page(s->mode, id),
					     s->mode == MODE_PAE ? 8 : 4);
		}
}
