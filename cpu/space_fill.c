/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills of windows: the fault's page, what continues it in physical memory,
 * and neighbours that the guest has accessed before, since a call of the host
 * costs more than most of what it is made for. Runs in a signal handler.
 */
#include "cpu/space_internal.h"

#include <string.h>

/* Pages: neighbours are looked for in an aligned group. A stub's trap costs more than a fault. */
#define GROUP	     32u
#define GROUP_STUB   128u
#define GROUP_RUNS   12u /* host mappings that a fill of a window makes for neighbours at most */
#define POPULATE_MAX 64u /* pages that are entered at once */

/* A fill under way. */
struct fill {
	struct vcpu *cpu;
	struct mem_window *window;
	struct table *table; /* of the slot; NULL: one large page, or paging is off */
	uint64_t dir_entry;
	bool user, write, stub;
	uint32_t first, last; /* pages of the slot, or of it what may be mapped in a stub */
	/* Large page, or paging off: where page `first` is. */
	gpa_t first_gpa;
};

/* What a page is to show. */
struct target {
	uint32_t frame;
	const uint8_t *host;
	bool writable;
	bool nx;	 /* the tables keep code from running */
	bool executable; /* in a stub */
};

/* The memory at a physical page. Returns false if a window cannot show it. */
static bool target_of(struct vcpu *cpu, gpa_t gpa, bool writable, struct target *t)
{
	struct phys_page r = physmem_lookup(cpu->mem, gpa), w;

	if (r.kind != PHYS_RAM && r.kind != PHYS_ROM)
		return false;
	w = physmem_lookup_write(cpu->mem, gpa);
	t->host = r.host;
	t->writable = writable && w.kind == PHYS_RAM && w.host == r.host && !(w.watch && *w.watch);
	t->executable = false;
	t->frame = physmem_frame(cpu->mem, r.host);
	return t->frame != PHYS_NO_FRAME;
}

/* In a stub, code runs that has been looked at and that the tables let run. */
static void set_executable(const struct fill *f, uint32_t page, struct target *t)
{
	t->executable = f->stub && !t->writable && !t->nx &&
			f->cpu->spaces->executable(f->cpu, f->window, page, t->host);
}

/* Whether the page can be shown without anybody's asking, and how. */
static bool plan(const struct fill *f, uint32_t page, struct target *t)
{
	struct vcpu *cpu = f->cpu;
	uint64_t entry = f->dir_entry;
	gpa_t gpa = f->first_gpa + ((uint64_t)(page - f->first) << PAGE_SHIFT);
	bool writable = entry & PTE_W;

	if (page_has_breakpoint(cpu, page << PAGE_SHIFT))
		return false;
	if (f->table) {
		unsigned index = pte_index(cpu->spaces, page);

		entry = table_entry(cpu, f->table, index);
		if (!(entry & PTE_P) || !(entry & PTE_A) || entry & walk_reserved(cpu) ||
		    (entry & f->dir_entry & PTE_U ? true : false) != f->user)
			return false;
		gpa = entry & PAE_ADDRESS;
		writable = writable && entry & PTE_W;
	}
	if (!target_of(cpu, apply_a20(cpu, gpa), writable && entry & PTE_D, t))
		return false;
	t->nx = cpu->spaces->mode & MODE_NXE && (entry | f->dir_entry) & PTE_NX;
	set_executable(f, page, t);
	return true;
}

/* Whether the page continues a run that begins with t at page `from`. */
static bool continues(const struct fill *f, uint32_t page, uint32_t from, const struct target *t)
{
	struct target other;
	uint32_t frame;
	bool writable;

	if (!plan(f, page, &other) || other.writable != t->writable || other.executable ||
	    t->executable || other.frame - t->frame != page - from)
		return false;
	return !mem_window_lookup(f->window, page, &frame, &writable) || writable != t->writable ||
	       mem_window_executable(f->window, page) != t->executable;
}

/* Maps [first, last], of which page at shows t. */
static bool map_run(const struct fill *f, uint32_t first, uint32_t last, uint32_t at,
		    const struct target *t)
{
	struct vcpu *cpu = f->cpu;
	struct mem_window_run run = {.page = first,
				     .count = last - first + 1,
				     .frame = t->frame - (at - first),
				     .writable = t->writable,
				     .executable = t->executable};

	if (!physmem_backing(cpu->mem, t->host, &run.fd, &run.offset))
		return false;
	run.offset -= (uint64_t)(at - first) << PAGE_SHIFT;
	run.populate = run.count <= POPULATE_MAX;
	if (!mem_window_map(f->window, &run))
		return false;
	if (!run.populate)
		mem_window_populate(f->window, &run, at, POPULATE_MAX / 2);
	cpu->spaces->counters.fill_pages += run.count;
	return true;
}

/* Neighbours in the group outside of [first, last], while mappings are plenty. */
static void map_neighbours(const struct fill *f, uint32_t at, uint32_t first, uint32_t last)
{
	struct space_set *set = f->cpu->spaces;
	struct mem_window_set *windows = f->stub ? set->stubs : set->windows;
	uint32_t group = f->stub ? GROUP_STUB : GROUP, most = f->stub ? GROUP_STUB : GROUP_RUNS;
	uint32_t page = at & ~(group - 1), end = page + group, frame;
	bool shown, writable;

	if (page < f->first)
		page = f->first;
	for (unsigned runs = 0; page < end && runs < most; page++) {
		struct target t;
		uint32_t to = page;

		if (page >= first && page <= last)
			continue;
		shown = mem_window_lookup(f->window, page, &frame, &writable);
		if (shown && (writable || mem_window_executable(f->window, page)))
			continue; /* as much as it ever is, whatever plan() may say */
		if (mem_window_set_used(windows) + 2 * group > mem_window_set_budget(windows))
			return;
		if (!plan(f, page, &t) || (shown && !t.writable && !t.executable))
			continue;
		while (to + 1 < end && to + 1 != first && continues(f, to + 1, page, &t))
			to++;
		map_run(f, page, to, page, &t);
		runs++;
		page = to;
	}
}

/* The page that faulted: t is what it shows. */
static bool map_page(const struct fill *f, uint32_t page, const struct target *t)
{
	struct mmu_counters *counters = &f->cpu->spaces->counters;
	uint32_t first = page, last = page;
	struct target shown = *t;

	while (first > f->first && continues(f, first - 1, page, t))
		first--;
	while (last < f->last && continues(f, last + 1, page, t))
		last++;
	map_neighbours(f, page, first, last);
	if (f->stub && first == last)
		set_executable(f, page, &shown); /* with the neighbours that there are now */
	if (!map_run(f, first, last, page, &shown))
		return false;
	counters->fills++;
	counters->fill_writes += f->write;
	counters->fill_user += f->user;
	return true;
}

/* Counts why a target cannot be had. */
static bool no_target(struct space_set *set, bool found)
{
	if (found)
		set->counters.watched_writes++;
	else
		set->counters.not_memory++;
	return false;
}

static bool fill_identity(struct vcpu *cpu, gva_t gva, bool write)
{
	uint32_t page = gva >> PAGE_SHIFT, slot = page >> WINDOW_SLOT_SHIFT;
	struct fill f = {.cpu = cpu,
			 .window = cpu->spaces->identity,
			 .write = write,
			 .dir_entry = PTE_P | PTE_W | PTE_D,
			 .first = slot << WINDOW_SLOT_SHIFT,
			 .last = slot << WINDOW_SLOT_SHIFT | (WINDOW_SLOT_PAGES - 1),
			 .first_gpa = (gpa_t)slot << (WINDOW_SLOT_SHIFT + PAGE_SHIFT)};
	struct target t;
	bool found = target_of(cpu, apply_a20(cpu, gva & PAGE_MASK), true, &t);

	if (!found || (write && !t.writable))
		return no_target(cpu->spaces, found);
	return map_page(&f, page, &t);
}

/* The tables that gva's walk goes through, traced. Returns false if there are none. */
static bool get_tables(struct vcpu *cpu, uint32_t page, struct table **dir, struct table **table)
{
	uint64_t entry = current_dir_entry(cpu, page >> WINDOW_SLOT_SHIFT, dir);

	*table = NULL;
	if (!(entry & PTE_P))
		return false;
	if (entry_is_large(cpu->spaces, entry))
		return true;
	*table = table_get(cpu, entry_table(cpu, entry));
	if (!*table)
		return false;
	table_entry(cpu, *table, pte_index(cpu->spaces, page));
	return true;
}

/* Setting A or D in a table that holds code as well is left to the slow path. */
static bool holds_code(struct vcpu *cpu, gpa_t gpa)
{
	struct phys_page p;

	if (!gpa)
		return false;
	p = physmem_lookup_write(cpu->mem, apply_a20(cpu, gpa));
	return p.watch && *p.watch & PHYS_WATCH_ANY_CODE;
}

static bool set_bits(struct vcpu *cpu, struct walk *w, bool write)
{
	if (walk_bits_set(w, write))
		return true;
	if (holds_code(cpu, w->upper) || holds_code(cpu, w->leaf))
		return false;
	walk_set_bits(cpu, w, write);
	return true;
}

bool space_fill_view(struct vcpu *cpu, gva_t gva, bool write, unsigned view)
{
	struct space_set *set = cpu->spaces;
	bool user = view != VIEW_SUPERVISOR;
	uint32_t page = gva >> PAGE_SHIFT, slot = page >> WINDOW_SLOT_SHIFT;
	struct fill f = {.cpu = cpu,
			 .window = set->views[view].window,
			 .user = user,
			 .write = write,
			 .stub = user && view == VIEW_STUB(view_space(view)),
			 .first = slot << WINDOW_SLOT_SHIFT,
			 .last = slot << WINDOW_SLOT_SHIFT | (WINDOW_SLOT_PAGES - 1)};
	struct walk w = WALK_START;
	struct target t;
	struct table *dir;
	bool found;

	if (f.stub && f.first < set->stub_first_page)
		f.first = set->stub_first_page;
	if (!f.window || !set->current->shadowable)
		return false;
	if (view == VIEW_SUPERVISOR && page_churns(set, page)) {
		set->counters.churned++;
		return false;
	}
	if (!get_tables(cpu, page, &dir, &f.table) || !walk_tables(cpu, gva, &w)) {
		set->counters.not_present++;
		return false;
	}
	if (w.user != user || (write && !w.writable)) {
		set->counters.no_right++;
		return false;
	}
	found = target_of(cpu, apply_a20(cpu, w.gpa & ~(gpa_t)(PAGE_SIZE - 1)),
			  w.writable && (write || w.dirty), &t);
	if (!found || (write && !t.writable))
		return no_target(set, found);
	if (!set_bits(cpu, &w, write))
		return false;
	/* The copies of tables out of sync are to have the bits, too. */
	f.dir_entry = table_entry(cpu, dir, dir_index(set, slot));
	if (f.table)
		table_entry(cpu, f.table, pte_index(set, page));
	else
		f.first_gpa =
		    (w.gpa & ~(gpa_t)(PAGE_SIZE - 1)) - ((gpa_t)(page - f.first) << PAGE_SHIFT);
	slot_claim(cpu, view, slot, f.dir_entry, f.table);
	t.nx = w.nx;
	set_executable(&f, page, &t);
	return map_page(&f, page, &t);
}

/* ---- stale pages ---- */
enum stale_action { STALE_KEEP, STALE_UNMAP, STALE_PROTECT, STALE_MAP };

/* What becomes of a page that may show what it should not any more. t: for STALE_MAP. */
static enum stale_action stale_action(const struct fill *f, uint32_t page, struct target *t)
{
	bool planned = plan(f, page, t), writable; /* this may drop the page: look at it after */
	uint32_t frame;

	if (!mem_window_lookup(f->window, page, &frame, &writable))
		return STALE_KEEP;
	if (!planned)
		return STALE_UNMAP;
	if (t->frame != frame)
		return STALE_MAP;
	/* One that may be written now is filled when it is. */
	return writable && !t->writable ? STALE_PROTECT : STALE_KEEP;
}

/* The page, and those up to end to which the same is done. Returns where to go on. */
static uint32_t settle_pages(const struct fill *f, uint32_t page, uint32_t end)
{
	struct target t, other;
	enum stale_action action = stale_action(f, page, &t);
	uint32_t to = page + 1, frame;
	bool writable;

	while (to < end && stale_action(f, to, &other) == action &&
	       (action != STALE_MAP ||
		(other.frame - t.frame == to - page && other.writable == t.writable)))
		to++;
	/* What was looked at may have been a directory, too, and the slot may have gone. */
	if (action == STALE_KEEP || !mem_window_lookup(f->window, page, &frame, &writable))
		return to;
	if (action == STALE_UNMAP) { /* what fills are said to cost has that in it */
		mem_window_unmap(f->window, page, to - page);
		return to;
	}
	space_filled(f->cpu->spaces->current);
	if (action == STALE_PROTECT)
		mem_window_protect(f->window, page, to - page);
	else
		map_run(f, page, to - 1, page, &t);
	return to;
}

static void settle_run(struct vcpu *cpu, unsigned view, uint32_t page, uint32_t end)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];

	while (page < end) {
		uint32_t slot = page >> WINDOW_SLOT_SHIFT, next = (slot + 1) << WINDOW_SLOT_SHIFT;
		struct slot *s = &v->slots[slot];
		struct fill f = {.cpu = cpu, .window = v->window, .user = true};

		next = next < end ? next : end;
		memory_reserve(cpu); /* other pages may go, and the slot */
		if (!slot_filled(v, slot) || !s->table) { /* dropped since then */
			page = next;
			continue;
		}
		f.table = &set->tables[s->table];
		f.dir_entry = s->tag;
		page = settle_pages(&f, page, next);
	}
}

void stale_settle(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;
	struct stale_run runs[STALE_RUNS];
	unsigned count = s->stale_count;

	/* Tables out of sync that are looked at may make more pages stale. */
	memcpy(runs, s->stale, count * sizeof(*runs));
	s->stale_count = 0;
	set->counters.settled++;
	for (unsigned i = 0; i < count; i++)
		settle_run(cpu, VIEW_USER(space_index(set, s)), runs[i].page,
			   runs[i].page + runs[i].count);
}

/* The current space's. */
static unsigned window_view(const struct space_set *set, bool user)
{
	return user ? VIEW_USER(space_index(set, set->current)) : VIEW_SUPERVISOR;
}

bool space_fill(struct vcpu *cpu, gva_t gva, bool write, bool user)
{
	struct space_set *set = cpu->spaces;

	if (!set || !set->windows || page_has_breakpoint(cpu, gva))
		return false;
	memory_reserve(cpu);
	if (!set->current)
		return !user && fill_identity(cpu, gva, write);
	if (!space_fill_view(cpu, gva, write, window_view(set, user)))
		return false;
	if (user)
		space_filled(set->current);
	return true;
}

bool space_shows(const struct vcpu *cpu, gva_t gva, bool write, bool user)
{
	const struct space_set *set = cpu->spaces;
	const struct mem_window *w;
	uint32_t frame;
	bool writable;

	if (!set || !set->windows)
		return false;
	if (set->current)
		w = set->views[window_view(set, user)].window;
	else
		w = user ? NULL : set->identity;
	return w && mem_window_lookup(w, gva >> PAGE_SHIFT, &frame, &writable) &&
	       (writable || !write);
}

void space_note_fetch(struct vcpu *cpu, gva_t gva, bool user)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;
	uint32_t page = gva >> PAGE_SHIFT, slot = page >> WINDOW_SLOT_SHIFT;
	struct table *dir, *table;
	uint64_t *fetched;
	unsigned view;

	memory_reserve(cpu);
	if (!s || !s->shadowable || !get_tables(cpu, page, &dir, &table)) {
		set->untracked = true; /* new tags at every flush */
		return;
	}
	view = user ? VIEW_FETCH(space_index(set, s)) : VIEW_KERNEL_FETCH;
	slot_claim(cpu, view, slot, entry_at(set, dir->host, dir_index(set, slot)), table);
	fetched = &set->views[view].fetched[page / 64];
	sparse_touch(set->fetched, fetched, sizeof(*fetched));
	*fetched |= 1ull << page % 64;
}
