/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine in a window of the desktop (SDL2). The window belongs to the
 * main thread, the machine to another:
 *
 *     w = window_create(vm, &report);       main thread, before vm_run()
 *     machine thread: vm_run(vm); window_end(w);
 *     window_run(w);                        main thread
 *     join the machine thread
 *     window_destroy(w);                    before vm_destroy()
 */
#ifndef MONITOR_WINDOW_SDL_H
#define MONITOR_WINDOW_SDL_H

#include "base/report.h"
#include "monitor/vm.h"

struct window;

/*
 * Opens the window. NULL, with the reason in *r, where there is no display.
 * Takes the machine's vm_on_state() hook.
 */
struct window *window_create(struct vm *vm, struct report *r);

/* Serves the window until window_end(). */
void window_run(struct window *w);

/* Makes window_run() return, now or when it is called. Any thread. */
void window_end(struct window *w);

/* The machine must not be running any more. */
void window_destroy(struct window *w);

#endif
