// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model: what the pool holds (shadow) and what a walk through it finds.
 * Predictions write to the shadow and can be undone.
 */
#include "stress.h"

struct model model;

/* Entries of tables from here on belong to no test page: data and code may be there. */
#define TAIL_START 0xc00u
#define TAIL_END   0xfe0u

static uint16_t page_indices[REGIONS][14] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 256, 257, 512, 513, 514, 515},
	{0, 1, 2, 3, 4, 5, 6, 7, 256, 257, 512, 513, 514, 515},
	{0, 1, 2, 3, 4, 5, 256, 257, 512, 513, 1020, 1021, 1022, 1023},
	{0, 1, 2, 3, 4, 5, 6, 7, 256, 257, 512, 513, 514, 515},
	{0, 1, 2, 3, 4, 5, 6, 7},
};
static const uint32_t region_base[REGIONS] = {0x40000000, 0x40400000, 0x7fc00000, 0x80000000,
					      0xc0400000};
static int8_t id_at[REGIONS][1024];
static uint32_t plain_low[2048] __attribute__((aligned(4096)));
static uint32_t plain_shared[1024] __attribute__((aligned(4096)));
static uint64_t pae_low[512] __attribute__((aligned(4096)));
static uint64_t pae_high[512] __attribute__((aligned(4096)));
static uint64_t pae_shared[512] __attribute__((aligned(4096)));
static uint64_t pdpt[SPACES_PER_MODE][4] __attribute__((aligned(4096)));
static uint8_t shared_data[PAGE] __attribute__((aligned(4096)));
static uint8_t shared_stack[PAGE] __attribute__((aligned(4096)));
static uint32_t global_table[2]; /* by PAE */

/* ---- addresses ---- */
uint32_t a20_mask(uint32_t phys)
{
	return model.a20 ? phys : phys & ~(1u << 20);
}

unsigned frame_of(uint64_t phys)
{
	uint32_t low = a20_mask((uint32_t)phys), bank = (low - POOL_BASE) >> 20;

	if (phys >> 32 || low < POOL_BASE || bank >= BANKS ||
	    (low & 0xfffff) >= BANK_FRAMES * PAGE)
		return NO_FRAME;
	return bank * BANK_FRAMES + (low & 0xfffff) / PAGE;
}

unsigned region_of(unsigned id)
{
	return id / 14;
}

bool is_global_table(unsigned frame)
{
	return frame_phys(frame) == global_table[0] || frame_phys(frame) == global_table[1];
}

int page_id(uint32_t lin)
{
	for (unsigned r = 0; r < REGIONS; r++)
		if ((lin ^ region_base[r]) >> 22 == 0)
			return id_at[r][lin >> 12 & 1023];
	return -1;
}

/* ---- the shadow ---- */
/* Undone in reverse order: place << 8 | what was there. */
#define LOG_SIZE 32768u
static uint32_t undo_log[LOG_SIZE], log_count;
static bool predicting, log_full;

const uint8_t *shadow_at(uint32_t phys)
{
	return &model.shadow[frame_of(phys)][phys % PAGE];
}

void shadow_write(uint32_t phys, uint64_t value, unsigned size)
{
	unsigned frame = frame_of(phys);
	uint8_t *at = &model.shadow[frame][phys % PAGE];

	if (frame == NO_FRAME)
		fail("the model writes outside of the pool, at %x", phys);
	model.touched[frame] = true;
	for (unsigned i = 0; i < size; i++) {
		if (predicting) {
			if (log_count == LOG_SIZE) {
				log_full = true;
				return;
			}
			undo_log[log_count++] = (uint32_t)(at + i - model.shadow[0]) << 8 | at[i];
		}
		at[i] = (uint8_t)(value >> 8 * i);
	}
}

void predict_begin(void)
{
	predicting = true;
	log_count = 0;
	log_full = false;
}

void predict_undo(void)
{
	while (log_count) {
		uint32_t e = undo_log[--log_count];

		model.shadow[0][e >> 8] = (uint8_t)e;
	}
	predicting = false;
}

/* The first page that is not as it should be. */
void compare_frames(bool all)
{
	predicting = false;
	for (unsigned f = 0; f < FRAMES; f++) {
		const uint32_t *is = (const uint32_t *)(uintptr_t)frame_phys(f);
		const uint32_t *want = (const uint32_t *)model.shadow[f];

		if (!(all || model.touched[f]) || (!model.a20 && f / BANK_FRAMES & 1))
			continue;
		model.touched[f] = false;
		for (unsigned i = 0; i < PAGE / 4; i++)
			if (is[i] != want[i])
				fail("memory at %x (kind %u): is %x, should be %x",
				     frame_phys(f) + 4 * i, (uint32_t)model.kind[f], is[i], want[i]);
	}
}

/* ---- walks ---- */
uint64_t entry_read(uint32_t phys, enum mode mode)
{
	unsigned frame = frame_of(phys);
	const uint8_t *at;

	if (frame == NO_FRAME)
		return 0;
	at = &model.shadow[frame][phys % PAGE];
	return mode == MODE_PAE ? *(const uint64_t *)at : *(const uint32_t *)at;
}

uint32_t pde_where(const struct space *s, uint32_t lin)
{
	if (lin >= SHARED_CODE)
		return 0;
	if (s->mode != MODE_PAE)
		return frame_phys(s->dir[0]) + (lin >> 22) * 4;
	return frame_phys(s->dir[(lin >> 30) - 1]) + (lin >> 21 & 511) * 8;
}

static bool is_large(const struct space *s, const struct xlate *x)
{
	return x->pde & PTE_PS && s->mode != MODE_PLAIN;
}

static uint64_t reserved(const struct space *s)
{
	if (s->mode != MODE_PAE)
		return 0;
	return 0x7ffffff000000000ull | (model.nx ? 0 : PTE_NX);
}

static uint32_t pte_where(const struct space *s, uint32_t lin, uint64_t pde)
{
	uint32_t table = (uint32_t)pde & 0xfffff000;

	if (s->mode == MODE_PAE)
		return table + (lin >> 12 & 511) * 8;
	return table + (lin >> 12 & 1023) * 4;
}

void xlate_read(const struct space *s, uint32_t lin, struct xlate *x)
{
	uint32_t where = pde_where(s, lin);

	x->pde = where ? entry_read(where, s->mode)
		       : global_table[s->mode == MODE_PAE] | PTE_P | PTE_W | PTE_U | PTE_A;
	x->pte = 0;
	if (x->pde & PTE_P && !is_large(s, x))
		x->pte = entry_read(pte_where(s, lin, x->pde), s->mode);
}

static bool take(struct walk *w, const struct space *s, uint64_t entry, uint64_t bad)
{
	w->fault = !(entry & PTE_P) ? 0 : entry & bad ? (int)(PF_P | PF_RSVD) : -1;
	w->w &= !!(entry & PTE_W);
	w->u &= !!(entry & PTE_U);
	w->nx |= s->mode == MODE_PAE && entry & PTE_NX;
	return w->fault < 0;
}

void xlate_walk(const struct space *s, uint32_t lin, const struct xlate *x, struct walk *w)
{
	bool pae = s->mode == MODE_PAE;
	uint32_t offsets = pae ? 0x1fffff : 0x3fffff;
	uint64_t address = 0xffffff000ull;

	*w = (struct walk){.w = true, .u = true, .large = is_large(s, x)};
	w->pde = pde_where(s, lin);
	if (w->large) {
		/* PSE: bits 13-16 are address; none is set here. */
		if (!take(w, s, x->pde, pae ? reserved(s) | 0x1fe000 : 0x3e0000))
			return;
		w->gpa = (x->pde & address & ~(uint64_t)offsets) + (lin & offsets);
		return;
	}
	if (!take(w, s, x->pde, reserved(s)))
		return;
	w->pte = pte_where(s, lin, x->pde);
	/* Without A20 some tables are elsewhere: whatever is there is no table. */
	if (frame_of(w->pte) == NO_FRAME || a20_mask(w->pte) != w->pte || (pae && x->pde >> 32 & 15))
		w->pte = 0;
	/* What was data may look like a global page, which would outlive its space. */
	w->nowhere = !w->pte || (x->pte & PTE_G && lin < SHARED_CODE);
	if (take(w, s, x->pte, reserved(s)))
		w->gpa = (x->pte & address) + lin % PAGE;
}

void walk_current(uint32_t lin, struct walk *w)
{
	const struct space *s = &model.spaces[model.current];
	struct xlate x;

	xlate_read(s, lin, &x);
	xlate_walk(s, lin, &x, w);
}

int walk_check(const struct walk *w, enum access kind, bool user)
{
	int error = w->fault;

	if (error < 0) {
		if ((user && !w->u) || (kind == WRITE && !w->w && (user || model.wp)) ||
		    (kind == EXEC && w->nx))
			error = PF_P;
		else
			return -1;
	}
	return error | (kind == WRITE ? (int)PF_W : 0) | (user ? (int)PF_U : 0) |
	       (kind == EXEC && model.mode == MODE_PAE && model.nx ? (int)PF_I : 0);
}

/* ---- predictions ---- */
static struct {
	uint32_t lin;
	bool write, user;
} last[2];
static unsigned last_count;
static uint8_t wanted[PAGES];

static void set_bits(const struct walk *w, bool write)
{
	uint32_t bits = write ? PTE_A | PTE_D : PTE_A;
	uint32_t leaf = w->large ? w->pde : w->pte;

	if (w->pde && !w->large)
		shadow_write(w->pde, *shadow_at(w->pde) | PTE_A, 1);
	if (leaf)
		shadow_write(leaf, *shadow_at(leaf) | bits, 1);
}

static enum outcome look(uint32_t lin, enum access kind, bool user, struct walk *w, int *error)
{
	int id = page_id(lin);

	if (id < 0)
		return SKIP;
	if (stale[id].how == CHANGED) {
		wanted[id] = true;
		return FLUSH;
	}
	walk_current(lin, w);
	*error = walk_check(w, kind, user);
	if (w->nowhere)
		return SKIP;
	last[last_count].lin = lin;
	last[last_count].write = kind == WRITE;
	last[last_count++].user = user;
	return DONE;
}

enum outcome predict_access(uint32_t lin, unsigned size, enum access kind, bool user,
			    uint32_t phys[2], struct expectation *e)
{
	unsigned parts = lin % PAGE + size > PAGE ? 2 : 1;
	enum outcome result = DONE;
	struct walk w[2];
	int error[2];

	last_count = 0;
	for (unsigned i = 0; i < parts; i++) {
		enum outcome o = look(i ? (lin & ~(PAGE - 1)) + PAGE : lin, kind, user, &w[i],
				      &error[i]);

		if (o > result)
			result = o;
		if (o == SKIP)
			return SKIP;
	}
	if (result == FLUSH)
		return FLUSH;
	if (parts == 2 && error[0] >= 0 && error[1] >= 0)
		return SKIP; /* which of the two is reported is left open */
	for (unsigned i = 0; i < parts; i++) {
		if (error[i] < 0)
			continue;
		/*
		 * Where TCG reads before it looks whether it may write, a KVM has an exit for
		 * what is no memory, and carries out both without looking (gpa_available).
		 */
		if (options.nested && e->any_w && w[i].fault < 0 && frame_of(w[i].gpa) == NO_FRAME)
			return SKIP;
		e->fault = true;
		e->cr2 = i ? (lin & ~(PAGE - 1)) + PAGE : lin;
		e->error = (uint32_t)error[i];
		return FAULT;
	}
	for (unsigned i = 0; i < parts; i++) {
		if (frame_of(w[i].gpa) == NO_FRAME)
			return SKIP;
		phys[i] = a20_mask((uint32_t)w[i].gpa);
	}
	for (unsigned i = 0; i < parts; i++)
		set_bits(&w[i], kind == WRITE);
	return log_full ? SKIP : DONE;
}

enum outcome predict_read(uint32_t lin, unsigned size, bool user, uint64_t *value,
			  struct expectation *e)
{
	unsigned first = PAGE - lin % PAGE;
	uint32_t phys[2];
	enum outcome o = predict_access(lin, size, READ, user, phys, e);

	*value = 0;
	for (unsigned i = 0; o == DONE && i < size; i++) {
		uint32_t at = i < first ? phys[0] + i : phys[1] + i - first;

		*value |= (uint64_t)*shadow_at(at) << 8 * i;
	}
	return o;
}

static bool may_write(uint32_t phys)
{
	switch (model.kind[frame_of(phys)]) {
	case FRAME_DATA: return true;
	case FRAME_DIR: return false;
	default: return phys % PAGE >= TAIL_START && phys % PAGE < TAIL_END;
	}
}

enum outcome predict_write(uint32_t lin, unsigned size, bool user, uint64_t value,
			   struct expectation *e)
{
	unsigned first = PAGE - lin % PAGE;
	uint32_t phys[2];
	enum outcome o = predict_access(lin, size, WRITE, user, phys, e);

	for (unsigned i = 0; o == DONE && i < size; i++) {
		uint32_t at = i < first ? phys[0] + i : phys[1] + i - first;

		if (!may_write(at))
			return SKIP;
		shadow_write(at, value >> 8 * i, 1);
	}
	return o == DONE && log_full ? SKIP : o;
}

void flush_wanted(void)
{
	bool reload = chance(25);

	if (reload)
		space_load(model.current);
	for (unsigned id = 0; id < PAGES; id++) {
		if (wanted[id] && stale[id].how == CHANGED)
			page_flush(id);
		wanted[id] = false;
	}
}

static void or_both(uint32_t phys, uint32_t bits)
{
	*(volatile uint32_t *)(uintptr_t)phys |= bits;
	shadow_write(phys, *shadow_at(phys) | bits, 1);
}

void normalise(uint32_t lin, const struct xlate *x, bool write, bool user)
{
	struct walk w;
	bool dirty;

	xlate_walk(&model.spaces[model.current], lin, x, &w);
	dirty = write && walk_check(&w, WRITE, user) < 0;
	if (w.fault > 0) { /* reserved bits: nothing is set in this entry */
		if (w.pde && w.pte)
			or_both(w.pde, PTE_A);
		return;
	}
	if (w.pde && x->pde & PTE_P)
		or_both(w.pde, w.large && dirty ? PTE_A | PTE_D : PTE_A);
	if (w.pte && x->pte & PTE_P)
		or_both(w.pte, dirty ? PTE_A | PTE_D : PTE_A);
}

void normalise_last(void)
{
	predicting = false;
	for (unsigned i = 0; i < last_count; i++) {
		struct xlate x;

		xlate_read(&model.spaces[model.current], last[i].lin, &x);
		normalise(last[i].lin, &x, last[i].write, last[i].user);
	}
}

/* ---- the spaces ---- */
static unsigned next_frame(bool even_bank)
{
	for (;;) {
		unsigned f = below(FRAMES);

		if (model.kind[f] == FRAME_DATA && !(even_bank && f / BANK_FRAMES & 1))
			return f;
	}
}

static void fixed_tables(void)
{
	const uint32_t all = PTE_P | PTE_W | PTE_A | PTE_D;
	const uint32_t shared[3] = {(uintptr_t)shared_start | (PTE_P | PTE_U | PTE_A),
				    (uintptr_t)shared_data | all | PTE_U,
				    (uintptr_t)shared_stack | all | PTE_U};

	for (uint32_t i = 0; i < 2048; i++)
		plain_low[i] = i * PAGE | all;
	for (unsigned i = 0; i < 4; i++)
		pae_low[i] = i << 21 | all | PTE_PS | PTE_G;
	for (unsigned i = 0; i < 3; i++)
		plain_shared[i] = pae_shared[i] = shared[i];
	pae_high[0] = (uintptr_t)pae_shared | PTE_P | PTE_W | PTE_U | PTE_A;
	pae_high[2] = global_table[1] | PTE_P | PTE_W | PTE_U | PTE_A;
}

static void space_init(unsigned n)
{
	const uint32_t all = PTE_P | PTE_W | PTE_U | PTE_A;
	struct space *s = &model.spaces[n];
	uint32_t *dir;

	s->mode = (enum mode)(n / SPACES_PER_MODE);
	s->dir[0] = s->dir[1] = (uint8_t)next_frame(true);
	model.kind[s->dir[0]] = FRAME_DIR;
	dir = (uint32_t *)model.shadow[s->dir[0]];
	memset(dir, 0, PAGE);
	if (s->mode == MODE_PAE) {
		uint64_t *p = pdpt[n % SPACES_PER_MODE];

		s->dir[1] = (uint8_t)next_frame(true);
		model.kind[s->dir[1]] = FRAME_DIR;
		memset(model.shadow[s->dir[1]], 0, PAGE);
		p[0] = (uintptr_t)pae_low | PTE_P;
		p[1] = frame_phys(s->dir[0]) | PTE_P;
		p[2] = frame_phys(s->dir[1]) | PTE_P;
		p[3] = (uintptr_t)pae_high | PTE_P;
		s->cr3 = (uintptr_t)p;
		return;
	}
	s->cr3 = frame_phys(s->dir[0]);
	for (unsigned i = 0; i < 2; i++)
		dir[i] = s->mode == MODE_PSE ? i << 22 | (all & ~PTE_U) | PTE_D | PTE_PS | PTE_G
					     : ((uintptr_t)&plain_low[i * 1024] | all) & ~PTE_U;
	dir[SHARED_CODE >> 22] = (uintptr_t)plain_shared | all;
	dir[region_base[GLOBAL_REGION] >> 22] = global_table[0] | all;
}

static unsigned take_frame(enum frame_kind kind)
{
	unsigned f = next_frame(false);

	model.kind[f] = (uint8_t)kind;
	memset(model.shadow[f], 0, 0xc00);
	memset(model.shadow[f] + TAIL_END, 0, PAGE - TAIL_END);
	return f;
}

void model_init(void)
{
	unsigned id = 0;

	memset(id_at, -1, sizeof(id_at));
	for (unsigned r = 0; r < REGIONS; r++)
		for (unsigned i = 0; i < 14 && id < PAGES; i++, id++) {
			uint32_t index = page_indices[r][i];

			id_at[r][index] = (int8_t)id;
			model.lin[id] = region_base[r] | index * PAGE;
		}
	for (unsigned f = 0; f < FRAMES; f++)
		for (unsigned i = 0; i < PAGE / 4; i++)
			((uint32_t *)model.shadow[f])[i] = rnd();
	model.a20 = model.wp = true;
	global_table[0] = frame_phys(take_frame(FRAME_TABLE));
	global_table[1] = frame_phys(take_frame(FRAME_PAE_TABLE));
	fixed_tables();
	for (unsigned n = 0; n < SPACES; n++)
		space_init(n);
	tables_init();
	for (unsigned f = 0; f < FRAMES; f++)
		memcpy((void *)(uintptr_t)frame_phys(f), model.shadow[f], PAGE);
}
