/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views: slots with their tags. The same structure serves windows, where
 * dropping means unmapping, and remembered fetches, where it means a new tag.
 */
#include "cpu/space_internal.h"

#include "base/host_time.h"
#include "cpu/engine.h"

static void user_add(struct space_set *set, unsigned view, uint32_t slot)
{
	struct slot *s = &set->views[view].slots[slot];
	struct table *t = &set->tables[s->table];

	s->prev = 0;
	s->next = t->users;
	if (s->next) {
		uint32_t ref = s->next - 1;

		set->views[ref >> 11].slots[ref & (WINDOW_SLOTS - 1)].prev = SLOT_REF(view, slot);
	}
	t->users = SLOT_REF(view, slot);
	if (view_is_supervisor(view))
		t->kernel = true;
	else
		t->spaces |= 1ull << view_space(view);
}

static void user_remove(struct space_set *set, struct slot *s)
{
	uint32_t next = s->next - 1, prev = s->prev - 1;

	if (s->prev)
		set->views[prev >> 11].slots[prev & (WINDOW_SLOTS - 1)].next = s->next;
	else
		set->tables[s->table].users = s->next;
	if (s->next)
		set->views[next >> 11].slots[next & (WINDOW_SLOTS - 1)].prev = s->prev;
}

static void slot_free(struct space_set *set, struct view *v, uint32_t slot)
{
	struct slot *s = &v->slots[slot];

	if (s->table)
		user_remove(set, s);
	*s = (struct slot){0};
	v->filled[slot / 64] &= ~(1ull << slot % 64);
}

/* Calls body for each slot in use; body may free the slot. */
#define FOR_EACH_SLOT(v, slot, body)                                                               \
	for (uint32_t word = 0; word < WINDOW_SLOTS / 64; word++)                                  \
		for (uint64_t left = (v)->filled[word]; left; left &= left - 1) {                  \
			uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);               \
			body                                                                       \
		}

uint32_t fresh_asid(struct vcpu *cpu)
{
	cpu->spaces->counters.asids++;
	if (cpu->engine)
		cpu->engine->map_changed(cpu);
	return ++cpu->asid_last ? cpu->asid_last : ++cpu->asid_last;
}

void fetches_forget(struct vcpu *cpu, unsigned view)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];
	struct space *owner;

	FOR_EACH_SLOT(v, slot, {
		memset(&v->fetched[slot * WINDOW_SLOT_PAGES / 64], 0, WINDOW_SLOT_PAGES / 8);
		slot_free(set, v, slot);
	})
	if (view == VIEW_KERNEL_FETCH) {
		cpu->asid_kernel = fresh_asid(cpu);
		tlb_forget_fetches(cpu, TLB_SUPERVISOR);
		return;
	}
	owner = &set->spaces[view_space(view)];
	owner->asid = fresh_asid(cpu);
	if (owner == set->current) {
		cpu->asid_user = owner->asid;
		tlb_forget_fetches(cpu, TLB_USER);
	}
}

/* Of one page, if that is all that has to be forgotten. After a few in a row all is quicker. */
#define SINGLE_FETCHES 8

static bool fetch_forget(struct vcpu *cpu, unsigned view, uint32_t page)
{
	struct space_set *set = cpu->spaces;
	gva_t gva = page << PAGE_SHIFT;

	if (view != VIEW_KERNEL_FETCH || !cpu->engine || !cpu->engine->kernel_fetch_dropped)
		return false;
	if (set->fetch_drops_epoch != set->epoch) {
		set->fetch_drops_epoch = set->epoch;
		set->fetch_drops = 0;
	}
	if (++set->fetch_drops > SINGLE_FETCHES || !cpu->engine->kernel_fetch_dropped(cpu, gva))
		return false;
	set->views[view].fetched[page / 64] &= ~(1ull << page % 64);
	tlb_forget_fetch(cpu, TLB_SUPERVISOR, gva);
	cpu->engine->map_changed(cpu);
	set->counters.fetches_dropped++;
	return true;
}

void slot_drop(struct vcpu *cpu, unsigned view, uint32_t slot)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];

	if (!slot_filled(v, slot))
		return;
	set->counters.slots_dropped++;
	if (view_is_fetch(view)) {
		fetches_forget(cpu, view);
		return;
	}
	mem_window_unmap_slot(v->window, slot);
	slot_free(set, v, slot);
}

/* Where more is stale than can be noted, as much goes as had been. */
static void stale_drop(struct space_set *set, struct space *s)
{
	struct mem_window *w = set->views[VIEW_USER(space_index(set, s))].window;

	for (unsigned i = 0; i < s->stale_count; i++)
		mem_window_unmap(w, s->stale[i].page, s->stale[i].count);
	s->stale_count = 0;
}

static void stale_note(struct space_set *set, struct space *s, uint32_t page)
{
	struct stale_run *last = s->stale_count ? &s->stale[s->stale_count - 1] : NULL;

	if (last && page - last->page < last->count)
		return;
	if (last && page == last->page + last->count) {
		last->count++;
		return;
	}
	if (s->stale_count == STALE_RUNS)
		stale_drop(set, s);
	s->stale[s->stale_count++] = (struct stale_run){.page = page, .count = 1};
}

/*
 * A user window is for ring 3 alone. While that does not run there, a page that it should
 * not show as it does is noted only: when it runs next, the guest has often written the
 * entry again, and pages that lie together are changed by one call of the host; and what
 * a program had that has ended goes as a whole. Returns false if it runs there now.
 */
static bool put_off(struct vcpu *cpu, unsigned view, uint32_t page)
{
	struct space_set *set = cpu->spaces;
	struct space *s = &set->spaces[view_space(view)];
	uint32_t frame;
	bool writable;

	if (cpu->cpl == 3 && s == set->current)
		return false;
	if (!mem_window_lookup(set->views[view].window, page, &frame, &writable))
		return true;
	set->counters.put_off++;
	stale_note(set, s, page);
	if (s == set->current)
		publish_windows(cpu);
	return true;
}

/*
 * Kernels look at physical memory through a few pages of theirs, one place after the other:
 * Linux while it looks for firmware's tables, or at high memory. To map each for a few
 * accesses, and to take it away, costs some ten times what the accesses cost without.
 */
#define CHURN_LOSSES  8
#define CHURN_NS      1000000 /* from one loss to the next, at most */
#define CHURN_REST_NS 100000000

static struct churn *churn_of(struct space_set *set, uint32_t page)
{
	return &set->churn[page % CHURN_PAGES];
}

static void churn_note(struct space_set *set, uint32_t page)
{
	struct churn *c = churn_of(set, page);
	uint64_t now = host_time_ns();

	if (c->page != page || now - c->last > CHURN_NS)
		*c = (struct churn){.page = page};
	c->losses++;
	c->last = now;
}

bool page_churns(struct space_set *set, uint32_t page)
{
	const struct churn *c = churn_of(set, page);

	return c->page == page && c->losses >= CHURN_LOSSES &&
	       host_time_ns() - c->last < CHURN_REST_NS;
}

void view_drop_page(struct vcpu *cpu, unsigned view, uint32_t page)
{
	struct view *v = &cpu->spaces->views[view];
	uint32_t frame;
	bool writable;

	if (view_is_user(view) && put_off(cpu, view, page))
		return;
	if (view == VIEW_SUPERVISOR && mem_window_lookup(v->window, page, &frame, &writable))
		churn_note(cpu->spaces, page);
	if (!view_is_fetch(view))
		mem_window_drop_page(v->window, page);
	else if (v->fetched[page / 64] >> page % 64 & 1 && !fetch_forget(cpu, view, page))
		fetches_forget(cpu, view);
}

void slot_claim(struct vcpu *cpu, unsigned view, uint32_t slot, uint64_t tag, struct table *t)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];
	struct slot *s = &v->slots[slot];

	if (slot_filled(v, slot)) {
		if (!entry_lost(s->tag, tag) && s->table == table_index(set, t)) {
			s->tag = tag; /* A or D may have come */
			return;
		}
		slot_drop(cpu, view, slot);
	}
	sparse_touch(set->slots, s, sizeof(*s));
	*s = (struct slot){.tag = tag, .table = table_index(set, t)};
	v->filled[slot / 64] |= 1ull << slot % 64;
	if (t)
		user_add(set, view, slot);
	if (view_is_supervisor(view))
		set->supervisor_version++;
}

bool slot_compare(struct vcpu *cpu, unsigned view, uint32_t slot, uint64_t entry)
{
	struct view *v = &cpu->spaces->views[view];

	if (!slot_filled(v, slot) || !entry_lost(v->slots[slot].tag, entry))
		return false;
	slot_drop(cpu, view, slot);
	return true;
}

bool view_compare(struct vcpu *cpu, unsigned view, const struct space *s)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];
	bool dropped = false;

	FOR_EACH_SLOT(v, slot, {
		const struct table *dir = dir_of_slot(set, s, slot);
		uint64_t entry = dir ? entry_at(set, dir->host, dir_index(set, slot)) : 0;

		dropped |= slot_compare(cpu, view, slot, entry);
	})
	return dropped;
}

void view_clear(struct vcpu *cpu, unsigned view)
{
	struct space_set *set = cpu->spaces;
	struct view *v = &set->views[view];

	if (view_is_fetch(view)) {
		fetches_forget(cpu, view);
		return;
	}
	if (v->window)
		mem_window_empty(v->window);
	if (view_is_user(view))
		set->spaces[view_space(view)].stale_count = 0;
	FOR_EACH_SLOT(v, slot, { slot_free(set, v, slot); })
}
