/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs: making them, which address space has which, and the mapping calls that
 * its window's changes become. Calls are collected and made before the guest
 * runs next, since a turn of the mapper costs more than most calls.
 */
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "direct/direct_internal.h"

#define LOSSES_MAX 8 /* in a row, before stubs are given up */
#define GUEST_THREAD                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static unsigned stub_index(const struct stub *s)
{
	return (unsigned)(s - s->d->stubs);
}

/* ---- calls ---- */

/* Whether the call does behind what the last one maps, or unmaps, what that does there. */
static bool goes_on(const struct stub_call *last, const struct stub_call *c)
{
	uint64_t bytes = last->args[1];

	if (c->number != last->number || c->args[0] != last->args[0] + bytes)
		return false;
	return c->number != SYS_mmap ||
	       (!memcmp(&c->args[2], &last->args[2], 3 * sizeof(c->args[0])) &&
		c->args[5] == last->args[5] + bytes);
}

static void add_call(struct stub *s, const struct stub_call *c)
{
	if (s->call_count && goes_on(&s->calls[s->call_count - 1], c)) {
		s->calls[s->call_count - 1].args[1] += c->args[1];
		return;
	}
	if (s->call_count == CALLS_MAX)
		stub_flush(s);
	if (!s->lost && s->mapper)
		s->calls[s->call_count++] = *c;
}

static void map(void *remote, const struct mem_window_run *run)
{
	int prot = PROT_READ | (run->writable ? PROT_WRITE : 0) | (run->executable ? PROT_EXEC : 0);
	int flags = MAP_SHARED | MAP_FIXED | (run->populate ? MAP_POPULATE : 0);

	add_call(remote,
		 &(struct stub_call){.number = SYS_mmap,
				     .args = {(uint64_t)run->page << PAGE_SHIFT,
					      (uint64_t)run->count << PAGE_SHIFT, (uint64_t)prot,
					      (uint64_t)flags, (uint64_t)run->fd, run->offset}});
}

static void unmap(void *remote, uint32_t page, uint32_t count)
{
	add_call(remote, &(struct stub_call){.number = SYS_munmap,
					     .args = {(uint64_t)page << PAGE_SHIFT,
						      (uint64_t)count << PAGE_SHIFT}});
}

static void protect(void *remote, uint32_t page, uint32_t count)
{
	add_call(remote, &(struct stub_call){.number = SYS_mprotect,
					     .args = {(uint64_t)page << PAGE_SHIFT,
						      (uint64_t)count << PAGE_SHIFT, PROT_READ}});
}

static void empty(void *remote)
{
	struct stub *s = remote;

	s->call_count = 0;
	unmap(s, 0, WINDOW_PAGES);
	stub_flush(s); /* it may not run again, and the host has page tables for it until then */
}

static const struct mem_window_remote window_ops = {
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .empty = empty,
};

bool stub_flush(struct stub *s)
{
	unsigned count = s->call_count;
	int64_t result = 0;
	pid_t child;

	if (s->lost || !count)
		return !s->lost;
	s->call_count = 0;
	s->d->n.batches++;
	s->d->n.calls += count;
	if (task_perform_again(s->mapper, s->calls, count, &result, &child)) {
		s->d->losses = 0;
		return true;
	}
	LOG(LOG_VM, "a stub cannot follow: %lld", (long long)result);
	stub_lose(s);
	return false;
}

/* ---- life ---- */

/* The guest task first: it may run, and its stop is waited for. */
static void end_tasks(struct stub *s)
{
	task_kill(s->guest);
	task_kill(s->mapper);
	s->guest = s->mapper = 0;
}

void stub_lose(struct stub *s)
{
	if (s->lost)
		return;
	s->lost = true;
	s->d->n.stubs_lost++;
	end_tasks(s);
}

/* Has `maker` make a task by the call; the new one is traced, and stopped. */
static pid_t make_task(struct direct *d, pid_t maker, struct stub_call *list, uint64_t flags)
{
	int64_t result;
	pid_t child;
	int status;

	list[0] = (struct stub_call){.number = SYS_clone, .args = {flags}};
	if (!task_perform(d, maker, list, 1, &result, &child) || !child)
		return 0;
	return task_wait(child, &status) ? child : 0;
}

/* Its own list of calls in place of the zygote's. */
static bool take_list(struct stub *s)
{
	struct stub_call *list = calls_at(s->d, 0);
	uint64_t offset = calls_offset(1 + stub_index(s));
	int64_t result;
	pid_t child;

	s->calls[0].more = false; /* this call's, when its memory has been replaced */
	list[0] =
	    (struct stub_call){.number = SYS_mmap,
			       .args = {TRAMPOLINE_CALLS, CALLS_BYTES, PROT_READ,
					MAP_SHARED | MAP_FIXED, (uint64_t)s->d->control, offset}};
	return task_perform(s->d, s->mapper, list, 1, &result, &child);
}

static bool deny_everything(struct stub *s)
{
	int64_t result;
	pid_t child;

	s->calls[0] =
	    (struct stub_call){.number = SYS_seccomp,
			       .args = {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
					TRAMPOLINE + offsetof(struct trampoline, guest_program)}};
	return task_perform(s->d, s->guest, s->calls, 1, &result, &child);
}

bool stub_make(struct direct *d, struct stub *s)
{
	s->d = d;
	s->calls = calls_at(d, 1 + stub_index(s));
	s->call_count = 0;
	s->fx_known = s->regs_known = false;
	s->faulted = false;
	s->guards = (struct guards){.changed = false};
	s->id_flag = 0;
	s->processor = -1; /* as the zygote */
	s->tls_base[0] = s->tls_base[1] = 0;
	s->mapper = make_task(d, d->zygote, calls_at(d, 0), SIGCHLD);
	if (s->mapper && take_list(s))
		s->guest = make_task(d, s->mapper, s->calls, GUEST_THREAD);
	s->lost = !s->guest || !deny_everything(s);
	if (s->lost)
		end_tasks(s);
	else
		d->n.stubs_made++;
	return !s->lost;
}

void stubs_destroy(struct direct *d)
{
	for (unsigned i = 0; i < STUBS; i++)
		end_tasks(&d->stubs[i]);
}

/* ---- who has which ---- */

/*
 * A stub that was another space's begins anew: ptrace(2) does not reach all that
 * a program may have left in its registers (PKRU, what AVX brought).
 */
static bool give(struct stub *s, int space)
{
	struct vcpu *cpu = s->d->cpu;

	if (s->space >= 0) {
		space_stub_assign(cpu, (unsigned)s->space, NULL);
		s->d->n.stubs_moved++;
		end_tasks(s);
		if (!stub_make(s->d, s))
			return false;
	}
	s->space = space;
	s->cr3 = cpu->cr3;
	s->shows = false;
	policy_stub_made(s->d);
	space_stub_assign(cpu, (unsigned)space, s->window);
	return true;
}

/* One that was never made, or the one used longest ago. */
static struct stub *choose(struct direct *d)
{
	struct stub *best = &d->stubs[0];

	for (struct stub *s = d->stubs; s < d->stubs + STUBS; s++) {
		if (!s->window)
			return s;
		if (s->used < best->used)
			best = s;
	}
	return best;
}

static struct stub *find(struct direct *d, int space)
{
	for (struct stub *s = d->stubs; s < d->stubs + STUBS; s++)
		if (s->window && s->space == space)
			return s;
	return NULL;
}

const struct stub *stub_existing(struct direct *d)
{
	int space = space_number(d->cpu);
	const struct stub *s = space < 0 ? NULL : find(d, space);

	return s && s->cr3 == d->cpu->cr3 && !s->lost ? s : NULL;
}

/* A stub that was lost begins anew, with nothing mapped. */
static bool revive(struct stub *s)
{
	struct direct *d = s->d;

	if (++d->losses > LOSSES_MAX)
		return direct_lacks(d, "stubs keep being lost", 0);
	space_stub_assign(d->cpu, (unsigned)s->space, NULL); /* its window forgets all */
	if (!stub_make(d, s))
		return direct_lacks(d, "no new stub", 0);
	space_stub_assign(d->cpu, (unsigned)s->space, s->window);
	return true;
}

struct stub *stub_current(struct direct *d)
{
	int space = space_number(d->cpu);
	struct stub *s;

	if (space < 0)
		return NULL;
	s = find(d, space);
	if (s && s->cr3 != d->cpu->cr3 && !give(s, space)) /* the number is another's now */
		return NULL;
	if (!s) {
		s = choose(d);
		if (!s->window) {
			if (!s->guest && !stub_make(d, s))
				return NULL;
			s->space = -1;
			s->window = space_stub_window(d->cpu, &window_ops, s);
			if (!s->window)
				return NULL;
		}
		if (!give(s, space))
			return NULL;
	}
	if (s->lost && !revive(s))
		return NULL;
	s->used = ++d->clock;
	return s;
}
