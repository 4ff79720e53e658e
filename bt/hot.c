/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where look-ups in a page of ring 3's code have led lately. Another address space that comes to
 * run the same page, as a forked child does and each user of a library, will look up
 * the same: with its first miss in the page its jump cache gets them all, which
 * takes a tenth of the time of as many misses.
 */
#include <string.h>

#include "bt/bt_internal.h"

static struct hot_page *hot_page(struct bt *bt, const uint8_t *code)
{
	uintptr_t n = (uintptr_t)code >> PAGE_SHIFT;

	return &bt->hot[(n ^ n >> 10) & (HOT_PAGES - 1)];
}

static bool is_same(const struct hot_entry *e, const struct hot_entry *other)
{
	return e->host == other->host && e->offset == other->offset && e->mode_id == other->mode_id;
}

static void note(struct hot_page *p, const struct hot_entry *entry)
{
	for (unsigned i = 0; i < HOT_ENTRIES; i++)
		if (is_same(&p->entries[i], entry))
			return;
	p->entries[p->next++ % HOT_ENTRIES] = *entry;
}

/* What is known of the page, at the address at which it is now. */
static void fill(struct vcpu *cpu, const struct hot_page *p, const struct hot_entry *now)
{
	for (unsigned i = 0; i < HOT_ENTRIES; i++) {
		const struct hot_entry *e = &p->entries[i];

		if (!e->host || e->mode_id != now->mode_id || e->moved != now->moved)
			continue;
		jc_set(cpu, (cpu->eip & PAGE_MASK) + e->offset, e->host);
		cpu->bt->n.jc_prefills++;
	}
}

void hot_looked_up(struct vcpu *cpu, const struct tb *tb)
{
	struct hot_page *p = hot_page(cpu->bt, tb->code);
	struct hot_entry now = {.host = tb->host,
				.offset = (uint16_t)(cpu->eip & ~PAGE_MASK),
				.mode_id = (uint8_t)(cpu->bt_jc_tag >> 32),
				.moved = tb->mode & MODE_MOVED};

	/* In flat code a page of EIPs is one of memory; the block depends on no other. */
	if (!(tb->mode & MODE_USER) || mode_seg(tb->mode, CS) != KIND_FLAT || tb->code2)
		return;
	if (p->page != page_of(tb->code))
		*p = (struct hot_page){.page = page_of(tb->code), .asid = cpu->asid_user};
	if (p->asid != cpu->asid_user) {
		p->asid = cpu->asid_user;
		fill(cpu, p, &now);
	}
	note(p, &now);
}

void hot_drop(struct bt *bt, const struct tb *tb)
{
	struct hot_page *p = hot_page(bt, tb->code);

	for (unsigned i = 0; i < HOT_ENTRIES; i++)
		if (p->entries[i].host == tb->host)
			p->entries[i] = (struct hot_entry){0};
}

void hot_forget(struct bt *bt)
{
	memset(bt->hot, 0, sizeof(bt->hot));
}
