/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the SDL window: window_sdl.c life and events, window_view.c
 * the picture, window_input.c keyboard and mouse, window_keys.c the key table.
 */
#ifndef MONITOR_WINDOW_INTERNAL_H
#define MONITOR_WINDOW_INTERNAL_H

#include <SDL.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/display.h"
#include "devices/input.h"
#include "monitor/vm.h"

/* User events, counted from struct window's first_event. */
enum window_event {
	WINDOW_FRAME, /* the shared frame has changed */
	WINDOW_STATE, /* the machine's state has changed */
	WINDOW_END,   /* window_end() */
	WINDOW_EVENT_COUNT
};

/* What the machine thread draws into and the window thread shows. */
struct frame {
	pthread_mutex_t lock; /* guards what follows */
	uint32_t *pixels;     /* width * height, 0x00RRGGBB */
	unsigned width, height;
	struct display_rect changed; /* since last shown */
	bool draw_all;        /* the next refresh has to draw everything */
};

/* Mouse motion on its way to the machine thread. */
struct mouse {
	pthread_mutex_t lock; /* guards what follows */
	int dx, dy, wheel;
	unsigned buttons;     /* MOUSE_* */
	bool posted;          /* a vm_post() is under way */
};

struct window {
	struct vm *vm;
	Uint32 first_event;
	atomic_bool ended;
	atomic_int state; /* enum vm_state */

	struct frame frame;
	atomic_bool refresh_posted; /* the machine has not yet answered */
	atomic_bool refresh_changed; /* the last answer: something was drawn */

	/* Window thread only, below. */
	SDL_Window *window;
	SDL_Renderer *renderer;
	SDL_Texture *texture;
	unsigned texture_width, texture_height;
	bool visible, full_screen;
	bool presented_stale;  /* has to be presented anew */
	bool follow_guest;     /* the window takes the guest's size */
	bool placed;           /* by us, at placed_x, placed_y */
	int placed_x, placed_y;
	Uint32 refresh_due, refresh_interval; /* SDL ticks, ms */

	bool grabbed;
	bool key_down[256];      /* by key number, as told to the guest */
	bool swallowed[SDL_NUM_SCANCODES]; /* pressed for the window itself */
	struct mouse mouse;

	bool powering_down;      /* the window was closed once */
	bool close_is_final;     /* the user could not be asked: next time, quit */
	Uint32 closed_at;        /* SDL ticks of the last such step; 0: none */
};

/* Sends one of the window's own events. Any thread. */
void window_push(struct window *w, enum window_event event);
/* Sets the title from name, state and grab. */
void window_update_title(struct window *w);

/* ---- window_view.c ---- */
bool window_view_create(struct window *w);
void window_view_destroy(struct window *w);
/* Asks the machine for what changed, when it is time. Returns ms to the next time. */
int window_view_poll(struct window *w);
/* Something is about to happen on the screen: look soon. */
void window_view_hurry(struct window *w);
/* Shows what has arrived. */
void window_view_draw(struct window *w);
void window_view_event(struct window *w, const SDL_WindowEvent *e);
void window_view_textures_lost(struct window *w);
void window_view_toggle_full_screen(struct window *w);
/* Gives the window the guest's size again, and lets it follow it. */
void window_view_restore_size(struct window *w);

/* ---- window_input.c ---- */
void window_input_event(struct window *w, const SDL_Event *e);
void window_grab(struct window *w, bool on);
/* No key or button stays pressed. */
void window_release_all(struct window *w);
/* Passes on mouse motion gathered since the last call. */
void window_flush_mouse(struct window *w);

/* ---- window_keys.c ---- */
/* The guest's key number for a key of the host, 0 for none. */
uint8_t window_key(SDL_Scancode scancode);

#endif
