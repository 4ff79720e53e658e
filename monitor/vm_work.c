/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work for the machine thread: a queue that other threads (window, monitors,
 * disk I/O) put functions into. vm->lock guards the queue and `ended`; vm->wake
 * tells the machine thread of work and vm_call()'s callers of its end.
 */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "monitor/vm_internal.h"

struct vm_work {
	struct vm_work *next;
	void (*fn)(struct vm *vm, void *arg);
	void (*plain)(void *arg); /* instead of fn: from back ends */
	void *arg;
	bool *done; /* vm_call: set under the lock */
};

void vm_init_work(struct vm *vm)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&vm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->wake, &attr);
	pthread_condattr_destroy(&attr);
	vm->work_tail = &vm->work;
}

static void work_add(struct vm *vm, struct vm_work *w)
{
	w->next = NULL;
	*vm->work_tail = w;
	vm->work_tail = &w->next;
	pthread_cond_broadcast(&vm->wake);
	vcpu_kick(vm->cpu, PENDING_WORK);
}

void vm_post(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg)
{
	struct vm_work *w = malloc(sizeof(*w));

	assert(w);
	*w = (struct vm_work){.fn = fn, .arg = arg};
	pthread_mutex_lock(&vm->lock);
	work_add(vm, w);
	pthread_mutex_unlock(&vm->lock);
}

void vm_post_plain(void *opaque, void (*fn)(void *arg), void *arg)
{
	struct vm *vm = opaque;
	struct vm_work *w = malloc(sizeof(*w));

	assert(w);
	*w = (struct vm_work){.plain = fn, .arg = arg};
	pthread_mutex_lock(&vm->lock);
	work_add(vm, w);
	pthread_mutex_unlock(&vm->lock);
}

void vm_call(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg)
{
	bool done = false;
	struct vm_work *w = malloc(sizeof(*w));

	assert(w);
	*w = (struct vm_work){.fn = fn, .arg = arg, .done = &done};
	pthread_mutex_lock(&vm->lock);
	if (vm->ended) { /* nobody else uses the machine any more */
		pthread_mutex_unlock(&vm->lock);
		free(w);
		fn(vm, arg);
		return;
	}
	work_add(vm, w);
	while (!done)
		pthread_cond_wait(&vm->wake, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
}

static void run_work_locked(struct vm *vm)
{
	struct vm_work *w;

	while ((w = vm->work)) {
		vm->work = w->next;
		if (!vm->work)
			vm->work_tail = &vm->work;
		pthread_mutex_unlock(&vm->lock);
		vm->in_work = true;
		if (w->plain)
			w->plain(w->arg);
		else
			w->fn(vm, w->arg);
		vm->in_work = false;
		pthread_mutex_lock(&vm->lock);
		if (w->done) {
			*w->done = true;
			pthread_cond_broadcast(&vm->wake);
		}
		free(w);
	}
}

void vm_drain_work(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	run_work_locked(vm);
	pthread_mutex_unlock(&vm->lock);
}

void vm_end_work(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	run_work_locked(vm);
	vm->ended = true;
	pthread_mutex_unlock(&vm->lock);
}

void vm_wait_for_work(struct vm *vm, uint64_t until)
{
	uint64_t host = until == CLOCK_NEVER ? 0 : vm->epoch + until;
	struct timespec t = {.tv_sec = (time_t)(host / NS_PER_SEC),
			     .tv_nsec = (long)(host % NS_PER_SEC)};
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	while (!vm->work && !err) {
		if (until == CLOCK_NEVER)
			err = pthread_cond_wait(&vm->wake, &vm->lock);
		else
			err = pthread_cond_timedwait(&vm->wake, &vm->lock, &t);
	}
	pthread_mutex_unlock(&vm->lock);
}

void vm_destroy_work(struct vm *vm)
{
	struct vm_work *w;

	while ((w = vm->work)) {
		vm->work = w->next;
		free(w);
	}
	pthread_cond_destroy(&vm->wake);
	pthread_mutex_destroy(&vm->lock);
}
