/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest page tables that something was derived from: traced, with a copy of
 * what they held, or out of sync until the next flush.
 */
#include "cpu/space_internal.h"

#define HOT_WRITES     8 /* traced writes that send a table out of sync */
#define QUIET_COMPARES 4 /* without a change, until it is traced again */

static uint32_t *hash_slot(struct space_set *set, gpa_t gpa)
{
	uint64_t n = gpa >> PAGE_SHIFT;

	return &set->hash[(n ^ n >> 13) & (TABLE_HASH - 1)];
}

struct table *table_find(struct space_set *set, gpa_t gpa)
{
	uint32_t i = *hash_slot(set, gpa);

	while (i && set->tables[i].gpa != gpa)
		i = set->tables[i].hash_next;
	return i ? &set->tables[i] : NULL;
}

static void hash_remove(struct space_set *set, struct table *t)
{
	uint32_t *link = hash_slot(set, t->gpa), i = table_index(set, t);

	while (*link != i)
		link = &set->tables[*link].hash_next;
	*link = t->hash_next;
}

static void sync_list_remove(struct space_set *set, struct table *t)
{
	uint32_t i = table_index(set, t);
	unsigned n = 0;

	while (n < set->out_of_sync_count && set->out_of_sync[n] != i)
		n++;
	if (n == set->out_of_sync_count)
		return;
	set->out_of_sync_count--;
	memmove(&set->out_of_sync[n], &set->out_of_sync[n + 1],
		(set->out_of_sync_count - n) * sizeof(set->out_of_sync[0]));
}

static bool is_in_use(const struct table *t)
{
	return t->users || t->dir_of;
}

static void drop_users(struct vcpu *cpu, struct table *t)
{
	while (t->users) {
		uint32_t ref = t->users - 1;

		slot_drop(cpu, ref >> 11, ref & (WINDOW_SLOTS - 1));
	}
}

void table_forget(struct vcpu *cpu, struct table *t)
{
	struct space_set *set = cpu->spaces;

	set->counters.traces_lost++;
	drop_users(cpu, t);
	/* Its spaces compare all their slots when they are loaded again. */
	for (uint64_t left = t->dir_of; left; left &= left - 1) {
		struct space *s = &set->spaces[__builtin_ctzll(left)];

		for (unsigned i = 0; i < 4; i++)
			if (s->dirs[i] == table_index(set, t))
				s->dirs[i] = 0;
	}
	if (t->state == TABLE_OUT_OF_SYNC)
		sync_list_remove(set, t);
	else
		physmem_watch(cpu->mem, t->gpa, 0, PHYS_WATCH_TABLE);
	hash_remove(set, t);
	*t = (struct table){.hash_next = set->free_table};
	set->free_table = table_index(set, t);
}

void tables_forget_unused(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;

	for (uint32_t i = 1; i < set->tables_high; i++)
		if (set->tables[i].state != TABLE_FREE && !is_in_use(&set->tables[i]))
			table_forget(cpu, &set->tables[i]);
}

/* Forgets one that the current space is not rooted in. */
static void forget_one(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	uint64_t current = set->current ? 1ull << space_index(set, set->current) : 0;
	struct table *t;

	do { /* there is one: a space has four directories */
		set->next_table = set->next_table % (TABLES - 1) + 1;
		t = &set->tables[set->next_table];
	} while (t->dir_of & current);
	table_forget(cpu, t);
}

/* A free one, the one freed last first: its copy has memory. */
static struct table *table_allocate(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	struct table *t;

	if (!set->free_table && set->tables_high < TABLES)
		return &set->tables[set->tables_high++];
	if (!set->free_table)
		forget_one(cpu);
	t = &set->tables[set->free_table];
	set->free_table = t->hash_next;
	return t;
}

static void trace(struct vcpu *cpu, struct table *t)
{
	t->state = TABLE_TRACED;
	t->writes = t->quiet = 0;
	cpu->spaces->counters.traces_set++;
	physmem_watch(cpu->mem, t->gpa, PHYS_WATCH_TABLE, 0);
}

struct table *table_get(struct vcpu *cpu, gpa_t gpa)
{
	struct space_set *set = cpu->spaces;
	struct table *t = table_find(set, gpa);
	struct phys_page p, w;

	if (t)
		return t;
	p = physmem_lookup(cpu->mem, gpa);
	w = physmem_lookup_write(cpu->mem, gpa);
	if (p.kind != PHYS_RAM || !p.watch || p.host != w.host)
		return NULL;
	t = table_allocate(cpu);
	*t = (struct table){.gpa = gpa,
			    .host = p.host,
			    .saved = memory_saved(set, table_index(set, t)),
			    .hash_next = *hash_slot(set, gpa),
			    .version = ++set->versions};
	*hash_slot(set, gpa) = table_index(set, t);
	memcpy(t->saved, t->host, PAGE_SIZE);
	trace(cpu, t);
	return t;
}

/* ---- changes ---- */
/* As a page table: the page of each slot that was filled from it. */
static void drop_pages(struct vcpu *cpu, struct table *t, unsigned index)
{
	struct space_set *set = cpu->spaces;
	uint32_t ref = t->users, next;

	for (; ref; ref = next) {
		unsigned view = (ref - 1) >> 11;
		uint32_t slot = (ref - 1) & (WINDOW_SLOTS - 1);

		next = set->views[view].slots[slot].next;
		if (!set_pae(set) && (index >> WINDOW_SLOT_SHIFT) != (slot & 1))
			continue;
		view_drop_page(cpu, view,
			       slot << WINDOW_SLOT_SHIFT | (index & (WINDOW_SLOT_PAGES - 1)));
		/* A view of fetches may have gone as a whole, the next user with it. */
		if (!slot_filled(&set->views[view], slot))
			next = t->users;
	}
}

/* As a directory of the current space; others compare when they are loaded. */
static void drop_slots(struct vcpu *cpu, struct table *t, unsigned index, uint64_t entry,
		       uint64_t version)
{
	struct space_set *set = cpu->spaces;
	struct space *s = set->current;
	unsigned user, count = set_pae(set) ? 1 : 2;

	if (!s || !(t->dir_of >> space_index(set, s) & 1))
		return;
	user = space_index(set, s);
	for (unsigned k = 0; k < 4; k++) {
		if (s->dirs[k] != table_index(set, t))
			continue;
		/* Without PAE the same slots four times: the later ones find nothing. */
		for (unsigned i = 0; i < count; i++) {
			uint32_t slot = set_pae(set) ? k << 9 | index : index * 2 + i;

			slot_compare(cpu, VIEW_SUPERVISOR, slot, entry);
			slot_compare(cpu, VIEW_KERNEL_FETCH, slot, entry);
			slot_compare(cpu, VIEW_USER(user), slot, entry);
			slot_compare(cpu, VIEW_FETCH(user), slot, entry);
			slot_compare(cpu, VIEW_STUB(user), slot, entry);
		}
		if (s->dir_version[k] == version) /* it had seen all changes but this one */
			s->dir_version[k] = t->version;
	}
}

/* Takes over an entry's value. Returns whether more than A or D had been set. */
static bool entry_update(struct vcpu *cpu, struct table *t, unsigned index)
{
	struct space_set *set = cpu->spaces;
	unsigned size = set_pae(set) ? 8 : 4;
	uint64_t was = entry_at(set, t->saved, index), is = entry_at(set, t->host, index);
	uint64_t version = t->version;

	if (was == is)
		return false;
	memcpy(t->saved + size * index, t->host + size * index, size);
	if (entry_lost(was, is)) {
		set->counters.entries_dropped++;
		t->version = ++set->versions;
		drop_pages(cpu, t, index);
		drop_slots(cpu, t, index, is, version);
	}
	return (was | PTE_A | PTE_D) != (is | PTE_A | PTE_D) || was & ~is;
}

uint64_t table_entry(struct vcpu *cpu, struct table *t, unsigned index)
{
	if (t->state == TABLE_OUT_OF_SYNC)
		t->changed |= entry_update(cpu, t, index);
	return entry_at(cpu->spaces, t->host, index);
}

static void go_out_of_sync(struct vcpu *cpu, struct table *t)
{
	struct space_set *set = cpu->spaces;

	if (!is_in_use(t)) {
		table_forget(cpu, t);
		return;
	}
	if (set->out_of_sync_count == OUT_OF_SYNC_MAX) {
		struct table *oldest = &set->tables[set->out_of_sync[0]];
		bool rooted = set->current && oldest->dir_of >> space_index(set, set->current) & 1;

		if (rooted)
			return; /* t stays traced, for once */
		table_forget(cpu, oldest);
	}
	set->counters.out_of_sync++;
	set->out_of_sync[set->out_of_sync_count++] = table_index(set, t);
	t->state = TABLE_OUT_OF_SYNC;
	t->quiet = 0;
	t->changed = true;
	physmem_watch(cpu->mem, t->gpa, 0, PHYS_WATCH_TABLE);
}

static bool count_write(struct space_set *set, struct table *t)
{
	if (t->epoch != set->epoch) {
		t->epoch = set->epoch;
		t->writes /= 2;
	}
	return ++t->writes > HOT_WRITES;
}

void space_table_written(struct vcpu *cpu, gpa_t gpa, uint32_t len)
{
	struct space_set *set = cpu->spaces;
	gpa_t page = gpa & ~(gpa_t)(PAGE_SIZE - 1);
	struct table *t = set ? table_find(set, page) : NULL;
	unsigned shift, first, last;
	bool counts = false;

	if (!t || t->state != TABLE_TRACED) {
		physmem_watch(cpu->mem, gpa, 0, PHYS_WATCH_TABLE);
		return;
	}
	set->counters.traced_writes++;
	shift = set_pae(set) ? 3 : 2;
	first = (unsigned)(gpa - page) >> shift;
	last = (unsigned)(gpa - page + len - 1) >> shift;
	for (unsigned i = first; i <= last; i++)
		counts |= entry_update(cpu, t, i);
	if (!counts) /* A and D: a fill may be setting them, with this table in hand */
		return;
	if (!is_in_use(t))
		table_forget(cpu, t);
	else if (count_write(set, t))
		go_out_of_sync(cpu, t);
}

/* Returns whether something had changed. */
static bool compare(struct vcpu *cpu, struct table *t)
{
	struct space_set *set = cpu->spaces;
	unsigned per_line = set_pae(set) ? 8 : 16;
	bool changed = false;

	set->counters.resyncs++;
	if (!memcmp(t->saved, t->host, PAGE_SIZE))
		return false;
	for (unsigned line = 0; line < PAGE_SIZE / 64; line++) {
		if (!memcmp(t->saved + 64 * line, t->host + 64 * line, 64))
			continue;
		for (unsigned i = 0; i < per_line; i++)
			if (entry_update(cpu, t, line * per_line + i)) {
				set->counters.resync_changes++;
				changed = true;
			}
	}
	return changed;
}

void tables_resync(struct vcpu *cpu)
{
	struct space_set *set = cpu->spaces;
	uint64_t current = 1ull << space_index(set, set->current);

	for (unsigned n = 0; n < set->out_of_sync_count;) {
		struct table *t = &set->tables[set->out_of_sync[n]];
		bool changed;

		n++;
		if (!t->kernel && !((t->spaces | t->dir_of) & current))
			continue;
		changed = compare(cpu, t) | t->changed;
		t->changed = false;
		t->quiet = changed ? 0 : (uint8_t)(t->quiet + 1);
		if (!is_in_use(t)) {
			table_forget(cpu, t);
			n--;
		} else if (t->quiet >= QUIET_COMPARES) {
			sync_list_remove(set, t);
			trace(cpu, t);
			n--;
		}
	}
}
