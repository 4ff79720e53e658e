/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces as other processes show them (direct/): a third view of a space
 * beside its user window and its fetches, with the rights of ring 3 and, unlike
 * windows, pages whose code may run. What is dropped from a window is dropped
 * from here by the same calls.
 */
#include "cpu/space_internal.h"

#include <errno.h>

int space_stubs_enable(struct vcpu *cpu, uint32_t first_page, space_executable_fn *executable)
{
	struct space_set *set = cpu->spaces;

	if (!set || !set->windows)
		return -ENOTSUP;
	set->executable = executable;
	set->stub_first_page = first_page;
	return mem_window_set_create(&set->stubs, 0, &set->memory, &set->counters);
}

struct mem_window *space_stub_window(struct vcpu *cpu, const struct mem_window_remote *ops,
				     void *remote)
{
	return mem_window_create_remote(cpu->spaces->stubs, ops, remote);
}

int space_number(const struct vcpu *cpu)
{
	const struct space_set *set = cpu->spaces;

	if (!set || !set->current || !set->current->shadowable)
		return -1;
	return (int)space_index(set, set->current);
}

unsigned space_renewal(const struct vcpu *cpu)
{
	return cpu->spaces->current->renewals;
}

void space_stub_assign(struct vcpu *cpu, unsigned space, struct mem_window *w)
{
	struct view *v = &cpu->spaces->views[VIEW_STUB(space)];

	if (v->window == w)
		return;
	view_clear(cpu, VIEW_STUB(space));
	v->window = w;
}

bool space_stub_fill(struct vcpu *cpu, gva_t gva, bool write)
{
	struct space_set *set = cpu->spaces;

	if (!set->current || gva >> PAGE_SHIFT < set->stub_first_page ||
	    page_has_breakpoint(cpu, gva))
		return false;
	memory_reserve(cpu);
	return space_fill_view(cpu, gva, write, VIEW_STUB(space_index(set, set->current)));
}

void space_stub_prefill(struct vcpu *cpu, gva_t gva)
{
	struct walk w = WALK_START;

	if (walk_tables(cpu, gva, &w) && w.user && walk_bits_set(&w, false))
		space_stub_fill(cpu, gva, false);
}

void space_stub_code_written(struct vcpu *cpu, const uint8_t *host)
{
	struct space_set *set = cpu->spaces;
	uint32_t frame = physmem_frame(cpu->mem, host);

	if (set && set->stubs && frame != PHYS_NO_FRAME)
		mem_window_drop_code(set->stubs, frame);
}
