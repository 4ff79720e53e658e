/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine without a guest for tests of the window: it runs what is posted
 * on a thread of its own, shows a surface that the test draws on, and keeps
 * a log of the input it gets. Included once, by the test's only file.
 */
#ifndef TESTS_UNIT_STUB_VM_H
#define TESTS_UNIT_STUB_VM_H

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "devices/display.h"
#include "devices/input.h"
#include "monitor/vm.h"

#define STUB_QUEUE 256
#define STUB_LOG 8192

struct vm {
	struct vm_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct {
		void (*fn)(struct vm *vm, void *arg);
		void *arg;
	} queue[STUB_QUEUE];
	unsigned head, tail;
	bool ended;
	char log[STUB_LOG]; /* "+1c " key down, "-1c " up, "m1,2,0,4 " mouse */
	unsigned refreshes;

	/* Machine thread, or under the lock before it runs. */
	enum vm_state state;
	void (*on_state)(void *opaque, enum vm_state s);
	void *on_state_opaque;
	struct surface surface;
	struct display_rect dirty;
	bool resized;
	struct display display;
	struct input_sink input;
};

static void stub_log(struct vm *vm, const char *fmt, ...)
{
	size_t used;
	va_list args;

	pthread_mutex_lock(&vm->lock);
	used = strlen(vm->log);
	va_start(args, fmt);
	vsnprintf(vm->log + used, sizeof(vm->log) - used, fmt, args);
	va_end(args);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

static void stub_key(void *opaque, uint8_t key, bool down)
{
	stub_log(opaque, "%c%02x ", down ? '+' : '-', key);
}

static void stub_mouse(void *opaque, int dx, int dy, int wheel, unsigned buttons)
{
	stub_log(opaque, "m%d,%d,%d,%u ", dx, dy, wheel, buttons);
}

static struct display_rect stub_refresh(void *opaque, bool all, bool *resized)
{
	struct vm *vm = opaque;
	struct display_rect r = vm->dirty;

	*resized = vm->resized;
	if (all || vm->resized)
		r = (struct display_rect){0, 0, vm->surface.width, vm->surface.height};
	vm->resized = false;
	vm->dirty = (struct display_rect){0};
	pthread_mutex_lock(&vm->lock);
	vm->refreshes++;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	return r;
}

static const struct surface *stub_surface(void *opaque)
{
	return &((struct vm *)opaque)->surface;
}

void vm_post(struct vm *vm, void (*fn)(struct vm *vm, void *arg), void *arg)
{
	pthread_mutex_lock(&vm->lock);
	vm->queue[vm->tail % STUB_QUEUE].fn = fn;
	vm->queue[vm->tail++ % STUB_QUEUE].arg = arg;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

const struct display *vm_display(struct vm *vm)
{
	return &vm->display;
}

const struct input_sink *vm_input(struct vm *vm)
{
	return &vm->input;
}

const struct vm_config *vm_get_config(const struct vm *vm)
{
	return &vm->config;
}

enum vm_state vm_get_state(const struct vm *vm)
{
	return vm->state;
}

bool vm_take_redraw(struct vm *vm)
{
	return false;
}

void vm_on_state(struct vm *vm, void (*fn)(void *opaque, enum vm_state s), void *opaque)
{
	vm->on_state = fn;
	vm->on_state_opaque = opaque;
}

void vm_powerdown(struct vm *vm)
{
	stub_log(vm, "powerdown ");
}

void vm_quit(struct vm *vm, int status)
{
	stub_log(vm, "quit ");
	vm->ended = true;
}

static void stub_init(struct vm *vm, uint32_t *pixels, unsigned width, unsigned height)
{
	*vm = (struct vm){.state = VM_RUNNING, .config = {.name = "stub"}};
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	vm->surface = (struct surface){width, height, width, pixels};
	vm->display = (struct display){
		.refresh = stub_refresh, .surface = stub_surface, .opaque = vm};
	vm->input = (struct input_sink){.key = stub_key, .mouse = stub_mouse, .opaque = vm};
}

/* The machine thread: runs what is posted until vm_quit(). */
static void stub_run(struct vm *vm)
{
	while (!vm->ended) {
		void (*fn)(struct vm *vm, void *arg);
		void *arg;

		pthread_mutex_lock(&vm->lock);
		while (vm->head == vm->tail)
			pthread_cond_wait(&vm->changed, &vm->lock);
		fn = vm->queue[vm->head % STUB_QUEUE].fn;
		arg = vm->queue[vm->head++ % STUB_QUEUE].arg;
		pthread_mutex_unlock(&vm->lock);
		fn(vm, arg);
	}
}

/* Waits until condition(vm, arg), looked at under the lock, or ten seconds. */
static bool stub_wait(struct vm *vm, bool (*condition)(struct vm *vm, const void *arg),
		      const void *arg)
{
	struct timespec end;
	bool met;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	pthread_mutex_lock(&vm->lock);
	while (!(met = condition(vm, arg)) && !error)
		error = pthread_cond_timedwait(&vm->changed, &vm->lock, &end);
	pthread_mutex_unlock(&vm->lock);
	return met;
}

#endif
