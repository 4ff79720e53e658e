/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces: which one is current, what becomes of it at a flush, and the
 * life of the whole shadow (see space.h).
 */
#include "cpu/space_internal.h"

#include <errno.h>
#include <sys/mman.h>

#include "cpu/engine.h"

/* ---- life ---- */
static bool refuse_sometimes(void *opaque)
{
	struct space_set *set = opaque;

	set->random = set->random * 1664525 + 1013904223;
	return set->random >> 28 == 0;
}

static int create_windows(struct space_set *set, unsigned budget, unsigned inject)
{
	int err = mem_window_set_create(&set->windows, budget, &set->memory, &set->counters);

	if (err < 0)
		return err;
	if (inject & INJECT_MMAP_REFUSED)
		mem_window_set_inject(set->windows, refuse_sometimes, set);
	set->identity = mem_window_create(set->windows);
	set->views[VIEW_SUPERVISOR].window = mem_window_create(set->windows);
	return set->identity && set->views[VIEW_SUPERVISOR].window ? 0 : -ENOMEM;
}

int space_enable(struct vcpu *cpu, unsigned budget, unsigned inject)
{
	struct space_set *set = mmap(NULL, sizeof(*set), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (set == MAP_FAILED)
		return -ENOMEM;
	set->tables_high = 1;
	set->windows_forced = inject & INJECT_USER_WINDOWS;
	err = memory_create(set, inject);
	if (!err && budget != SPACE_NO_WINDOWS)
		err = create_windows(set, budget, inject);
	cpu->spaces = set;
	if (err < 0)
		space_disable(cpu);
	else
		tlb_flush(cpu, true);
	return err;
}

void space_disable(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	if (!set)
		return;
	for (uint32_t i = 1; i < set->tables_high; i++)
		if (set->tables[i].state == TABLE_TRACED)
			physmem_watch(cpu->mem, set->tables[i].gpa, 0, PHYS_WATCH_TABLE);
	mem_window_set_destroy(set->stubs);
	mem_window_set_destroy(set->windows);
	memory_destroy(set);
	munmap(set, sizeof(*set));
	cpu->spaces = NULL;
	cpu->window_base_user = cpu->window_base_supervisor = 0;
	cpu->window_withheld = false;
	tlb_flush(cpu, true);
}

struct mmu_counters space_counters(const struct vcpu *cpu)
{
	return cpu->spaces ? cpu->spaces->counters : (struct mmu_counters){0};
}

void space_mappings(const struct vcpu *cpu, unsigned *used, unsigned *budget)
{
	const struct space_set *set = cpu->spaces;
	bool any = set && set->windows;

	*used = any ? mem_window_set_used(set->windows) : 0;
	*budget = any ? mem_window_set_budget(set->windows) : 0;
}

/* ---- the current space ---- */
void keep_windows(struct space_set *set, bool keep)
{
	struct mem_window *user = NULL;

	if (!set->windows)
		return;
	if (set->current)
		user = set->views[VIEW_USER(space_index(set, set->current))].window;
	if (user)
		mem_window_keep(user, keep);
	mem_window_keep(set->current ? set->views[VIEW_SUPERVISOR].window : set->identity, keep);
}

void publish_windows(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;

	cpu->window_base_user = cpu->window_base_supervisor = 0;
	cpu->window_withheld = false;
	if (!set->windows)
		return;
	if (!s) {
		cpu->window_base_supervisor = mem_window_base(set->identity);
		return;
	}
	if (!s->shadowable)
		return;
	cpu->window_base_supervisor = mem_window_base(set->views[VIEW_SUPERVISOR].window);
	cpu->window_withheld = s->promoted && s->stale_count;
	if (s->promoted && !s->stale_count)
		cpu->window_base_user =
		    mem_window_base(set->views[VIEW_USER(space_index(set, s))].window);
}

void space_settle(struct vcpu *cpu)
{
	if (!cpu->window_withheld)
		return;
	while (cpu->spaces->current->stale_count)
		stale_settle(cpu);
	publish_windows(cpu);
}

uint64_t current_dir_entry(struct vcpu *cpu, uint32_t slot, struct table **dir)
{
	struct space_set *set = cpu->spaces;

	*dir = dir_of_slot(set, set->current, slot);
	return *dir ? table_entry(cpu, *dir, dir_index(set, slot)) : 0;
}

/* ---- finding a space ---- */
static bool root_matches(const struct vcpu *cpu, const struct space *s, uint32_t cr3)
{
	if (!s->used || s->cr3 != cr3)
		return false;
	return !(cpu->cr4 & CR4_PAE) || !memcmp(s->pdpte, cpu->pdpte, sizeof(s->pdpte));
}

void space_recycle(struct vcpu *cpu, struct space *s)
{
	struct space_set *set = cpu->spaces;
	unsigned n = space_index(set, s);
	uint64_t others = ~(1ull << n);

	view_clear(cpu, VIEW_USER(n));
	view_clear(cpu, VIEW_FETCH(n));
	view_clear(cpu, VIEW_STUB(n));
	for (uint32_t i = 1; i < set->tables_high; i++) {
		set->tables[i].spaces &= others;
		set->tables[i].dir_of &= others;
	}
	*s = (struct space){.asid = s->asid};
}

struct space *space_oldest(struct space_set *set)
{
	struct space *oldest = NULL;

	for (struct space *s = set->spaces; s < set->spaces + SPACES; s++)
		if (s->used && s != set->current && (!oldest || s->last_use < oldest->last_use))
			oldest = s;
	return oldest;
}

static struct space *find_space(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	bool pae = cpu->cr4 & CR4_PAE;
	uint32_t cr3 = pae ? cpu->cr3 & ~31u : cpu->cr3 & PAGE_MASK;
	struct space *victim = NULL;

	if (set->current && root_matches(cpu, set->current, cr3))
		return set->current;
	for (struct space *s = set->spaces; s < set->spaces + SPACES; s++) {
		if (root_matches(cpu, s, cr3)) {
			set->counters.spaces_cached++;
			return s;
		}
		if (!victim || s->last_use < victim->last_use)
			victim = s;
	}
	set->counters.spaces_new++;
	space_recycle(cpu, victim);
	victim->used = true;
	victim->cr3 = cr3;
	if (pae)
		memcpy(victim->pdpte, cpu->pdpte, sizeof(victim->pdpte));
	return victim;
}

/* ---- flushes ---- */
/* Makes sure that the current space's directories are traced. */
static void trace_directories(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;
	uint64_t bit = 1ull << space_index(set, s);

	s->shadowable = true;
	for (unsigned i = 0; i < 4; i++) {
		gpa_t gpa = set_pae(set) ? entry_table(cpu, s->pdpte[i]) : apply_a20(cpu, s->cr3);
		struct table *t;

		if (s->dirs[i] || (set_pae(set) && !(s->pdpte[i] & PTE_P)))
			continue;
		t = table_get(cpu, gpa);
		if (!t) {
			s->shadowable = false;
			continue;
		}
		t->dir_of |= bit;
		s->dirs[i] = table_index(set, t);
		s->dir_version[i] = 0;
	}
}

/* Drops the slots whose directory entry is not what the current space has there. */
static void compare_directories(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;
	unsigned n = space_index(set, s);
	bool changed = false;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t version = s->dirs[i] ? set->tables[s->dirs[i]].version : 0;

		changed |= version != s->dir_version[i];
		s->dir_version[i] = version;
	}
	if (changed || s->supervisor_seen != set->supervisor_version) {
		set->counters.spaces_compared++;
		view_compare(cpu, VIEW_SUPERVISOR, s);
		view_compare(cpu, VIEW_KERNEL_FETCH, s);
	}
	s->supervisor_seen = set->supervisor_version;
	if (!changed)
		return;
	changed = view_compare(cpu, VIEW_USER(n), s);
	changed |= view_compare(cpu, VIEW_FETCH(n), s);
	changed |= view_compare(cpu, VIEW_STUB(n), s);
	if (changed)
		space_renewed(s);
}

static void drop_breakpoints(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	if (!(cpu->dr[7] & DR7_ENABLED) || !set->windows)
		return;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t page = cpu->dr[i] >> PAGE_SHIFT;
		struct mem_window *user = NULL;

		if (!page_has_breakpoint(cpu, cpu->dr[i]))
			continue;
		mem_window_unmap(set->identity, page, 1);
		mem_window_unmap(set->views[VIEW_SUPERVISOR].window, page, 1);
		if (set->current)
			user = set->views[VIEW_USER(space_index(set, set->current))].window;
		if (user)
			mem_window_unmap(user, page, 1);
	}
}

bool space_stub_empty(const struct vcpu *cpu)
{
	const struct space_set *set = cpu->spaces;

	return view_is_empty(&set->views[VIEW_STUB(space_index(set, set->current))]);
}

static void load_space(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct space *s = find_space(cpu);
	bool switched = s != set->current;

	if (switched) {
		keep_windows(set, false);
		set->current = s;
		keep_windows(set, true);
		tlb_forget_fetches(cpu, TLB_USER); /* of global pages */
	}
	s->last_use = set->epoch;
	memory_reserve(cpu);
	trace_directories(cpu);
	tables_resync(cpu);
	compare_directories(cpu);
	if (switched)
		space_weigh(cpu, s);
	cpu->asid_user = s->asid;
}

static void leave_paging(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	keep_windows(set, false);
	set->current = NULL;
	keep_windows(set, true);
}

static uint32_t paging_mode(const struct vcpu *cpu)
{
	return (cpu->cr4 & CR4_PAE ? MODE_PAE : 0) | (cpu->cr4 & CR4_PSE ? MODE_PSE : 0) |
	       (cpu->msr.efer & EFER_NXE ? MODE_NXE : 0) | (cpu->a20_mask != ~0u ? MODE_A20 : 0);
}

/* Tags are numbers that must not come again while somebody has them. */
static void renew_asids(struct vcpu *cpu)
{
	if (cpu->asid_last < UINT32_MAX - (1u << 24))
		return;
	cpu->asid_last = 0;
	if (cpu->engine)
		cpu->engine->asids_renewed(cpu);
	space_reset(cpu);
}

void space_flushed(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	bool paging = cpu->cr0 & CR0_PG;
	uint32_t mode = paging_mode(cpu);

	set->epoch++;
	renew_asids(cpu);
	if (mode != set->mode) {
		leave_paging(cpu);
		space_reset(cpu);
	}
	set->mode = mode;
	if (paging != set->paging || set->untracked) {
		set->paging = paging;
		set->untracked = false;
		fetches_forget(cpu, VIEW_KERNEL_FETCH);
		cpu->asid_user = fresh_asid(cpu);
		if (set->current)
			fetches_forget(cpu, VIEW_FETCH(space_index(set, set->current)));
	}
	if (paging)
		load_space(cpu);
	else if (set->current)
		leave_paging(cpu);
	drop_breakpoints(cpu);
	publish_windows(cpu);
}

/* One view's slot at INVLPG. */
static void flush_slot(struct vcpu *cpu, unsigned view, uint32_t slot, uint64_t entry,
		       uint32_t page)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];

	slot_compare(cpu, view, slot, entry);
	if (slot_filled(v, slot) && v->slots[slot].table)
		table_entry(cpu, &set->tables[v->slots[slot].table], pte_index(set, page));
}

void space_page_flushed(struct vcpu *cpu, gva_t gva)
{
	struct space_set *set = cpu->spaces;
	uint32_t page = gva >> PAGE_SHIFT, slot = page >> WINDOW_SLOT_SHIFT;
	uint32_t other = set_pae(set) ? slot : slot ^ 1; /* half of a large page */
	struct space *s = set->current;
	struct table *dir;
	uint64_t entry;

	if (set->untracked) {
		space_flushed(cpu);
		return;
	}
	if (!s)
		return;
	entry = current_dir_entry(cpu, slot, &dir);
	for (unsigned i = 0; i < 5; i++) {
		unsigned n = space_index(set, s);
		unsigned view = i < 2 ? i : VIEW_USER(n) + i - 2;

		slot_compare(cpu, view, other, entry);
		flush_slot(cpu, view, slot, entry, page);
	}
}

/* ---- changes of the machine ---- */
static void clear_spaces(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	for (struct space *s = set->spaces; s < set->spaces + SPACES; s++) {
		unsigned n = space_index(set, s);

		if (s == set->current) {
			view_clear(cpu, VIEW_USER(n));
			view_clear(cpu, VIEW_FETCH(n));
			view_clear(cpu, VIEW_STUB(n));
		} else if (s->used) {
			space_recycle(cpu, s);
		}
	}
}

void space_reset(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	set->counters.resets++;
	if (set->identity)
		mem_window_empty(set->identity);
	view_clear(cpu, VIEW_SUPERVISOR);
	view_clear(cpu, VIEW_KERNEL_FETCH);
	clear_spaces(cpu);
	for (uint32_t i = 1; i < set->tables_high; i++)
		if (set->tables[i].state != TABLE_FREE)
			table_forget(cpu, &set->tables[i]);
	set->tables_high = 1;
	set->free_table = 0;
	if (!set->current)
		cpu->asid_user = fresh_asid(cpu);
}

static void protect_frames(struct space_set *set, uint32_t first, uint32_t count)
{
	mem_window_protect_frames(set->windows, first, count);
	if (set->stubs)
		mem_window_protect_frames(set->stubs, first, count);
}

/* tlb_flush() follows, which traces the current directories again. */
void space_map_changed(struct vcpu *cpu)
{
	if (cpu->spaces)
		space_reset(cpu);
}

void space_pages_watched(struct vcpu *cpu, gpa_t page, uint32_t pages)
{
	struct space_set *set = cpu->spaces;
	uint32_t first = 0, count = 0;

	if (!set || !set->windows)
		return;
	/* Consecutive frames in one call: a display's, as often as it is refreshed. */
	for (uint32_t i = 0; i < pages; i++, page += PAGE_SIZE) {
		struct phys_page p = physmem_lookup(cpu->mem, page);
		uint32_t frame = p.host ? physmem_frame(cpu->mem, p.host) : PHYS_NO_FRAME;

		if (count && frame == first + count) {
			count++;
			continue;
		}
		protect_frames(set, first, count);
		first = frame;
		count = frame != PHYS_NO_FRAME;
	}
	protect_frames(set, first, count);
}
