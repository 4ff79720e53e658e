/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture in the window.
 *
 * The window thread asks (vm_post) at most once at a time; the machine thread
 * brings the display's surface up to date, copies the rectangle that changed
 * into the shared frame and answers, with an event only if there was a change.
 * The next question follows after 16 ms while the picture changes or the user
 * does something, and then ever later up to 100 ms: an idle guest costs next
 * to nothing. A window that is not visible asks nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "monitor/window_internal.h"

#define REFRESH_FAST_MS 16
#define REFRESH_SLOW_MS 100
#define HIDDEN_POLL_MS 500 /* only to see that the machine has ended */
#define FIRST_WIDTH 720
#define FIRST_HEIGHT 400

/* ---- On the machine thread ---- */

static void extend(struct display_rect *to, const struct display_rect *r)
{
	unsigned right = r->x + r->width, bottom = r->y + r->height;

	if (to->width) {
		right = SDL_max(right, to->x + to->width);
		bottom = SDL_max(bottom, to->y + to->height);
		to->x = SDL_min(to->x, r->x);
		to->y = SDL_min(to->y, r->y);
	} else {
		to->x = r->x;
		to->y = r->y;
	}
	to->width = right - to->x;
	to->height = bottom - to->y;
}

/* Makes the frame the surface's size. False: no memory, try again later. */
static bool frame_resize_locked(struct frame *f, const struct surface *s)
{
	uint32_t *pixels;

	if (f->pixels && f->width == s->width && f->height == s->height)
		return true;
	pixels = calloc((size_t)s->width * s->height, sizeof(*pixels));
	if (!pixels)
		return false;
	free(f->pixels);
	f->pixels = pixels;
	f->width = s->width;
	f->height = s->height;
	f->changed = (struct display_rect){0};
	return true;
}

static void frame_copy_locked(struct frame *f, const struct surface *s,
			      const struct display_rect *r)
{
	for (unsigned y = r->y; y < r->y + r->height; y++)
		memcpy(f->pixels + (size_t)y * f->width + r->x,
		       s->pixels + (size_t)y * s->stride + r->x, r->width * sizeof(*f->pixels));
	extend(&f->changed, r);
}

/* Brings the frame up to date. Returns whether there is something to show. */
static bool frame_update_locked(struct frame *f, const struct display *display)
{
	bool all = f->draw_all, resized;
	struct display_rect r = display->refresh(display->opaque, all, &resized);
	const struct surface *s = display->surface(display->opaque);

	f->draw_all = false;
	if (!s || !s->width || !s->height)
		return false;
	if (resized || all || f->width != s->width || f->height != s->height)
		r = (struct display_rect){0, 0, s->width, s->height};
	if (!r.width || !r.height)
		return false;
	if (!frame_resize_locked(f, s)) {
		f->draw_all = true;
		return false;
	}
	frame_copy_locked(f, s, &r);
	return true;
}

static void machine_refresh(struct vm *vm, void *arg)
{
	struct window *w = arg;
	const struct display *display = vm_display(vm);
	bool changed = false;

	if (display) {
		pthread_mutex_lock(&w->frame.lock);
		w->frame.draw_all |= vm_take_redraw(vm);
		changed = frame_update_locked(&w->frame, display);
		pthread_mutex_unlock(&w->frame.lock);
	}
	if (changed)
		atomic_store(&w->refresh_changed, true);
	atomic_store(&w->refresh_posted, false);
	if (changed)
		window_push(w, WINDOW_FRAME);
}

/* ---- Asking ---- */

int window_view_poll(struct window *w)
{
	Uint32 now = SDL_GetTicks();
	Sint32 left = (Sint32)(w->refresh_due - now);

	if (!w->visible)
		return HIDDEN_POLL_MS;
	if (left > 0)
		return left;
	if (atomic_load(&w->refresh_posted))
		return (int)w->refresh_interval; /* the machine is busy */
	if (atomic_exchange(&w->refresh_changed, false))
		w->refresh_interval = REFRESH_FAST_MS;
	else
		w->refresh_interval = SDL_min(w->refresh_interval + w->refresh_interval / 4 + 1,
					      (Uint32)REFRESH_SLOW_MS);
	w->refresh_due = now + w->refresh_interval;
	atomic_store(&w->refresh_posted, true);
	vm_post(w->vm, machine_refresh, w);
	return (int)w->refresh_interval;
}

void window_view_hurry(struct window *w)
{
	Uint32 soon = SDL_GetTicks() + REFRESH_FAST_MS;

	w->refresh_interval = REFRESH_FAST_MS;
	if ((Sint32)(w->refresh_due - soon) > 0)
		w->refresh_due = soon;
}

/* ---- Showing ---- */

static bool texture_fit(struct window *w, unsigned width, unsigned height)
{
	if (w->texture && w->texture_width == width && w->texture_height == height)
		return true;
	if (w->texture)
		SDL_DestroyTexture(w->texture);
	w->texture = SDL_CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888,
				       SDL_TEXTUREACCESS_STREAMING, (int)width, (int)height);
	w->texture_width = width;
	w->texture_height = height;
	return w->texture;
}

/* Where on the desktop the window's inside may be. */
static bool room_for_window(struct window *w, SDL_Rect *room)
{
	int display = SDL_GetWindowDisplayIndex(w->window);
	int top = 0, left = 0, bottom = 0, right = 0;

	if (display < 0 || SDL_GetDisplayUsableBounds(display, room))
		return false;
	SDL_GetWindowBordersSize(w->window, &top, &left, &bottom, &right);
	room->x += left;
	room->y += top;
	room->w -= left + right;
	room->h -= top + bottom;
	return room->w > 0 && room->h > 0;
}

/* The guest's size, shrunk to what the desktop has room for. */
static void wanted_size(struct window *w, int *width, int *height)
{
	SDL_Rect room;

	*width = (int)w->texture_width;
	*height = (int)w->texture_height;
	if (!room_for_window(w, &room))
		return;
	if (*width > room.w) {
		*height = (int)((int64_t)*height * room.w / *width);
		*width = room.w;
	}
	if (*height > room.h) {
		*width = (int)((int64_t)*width * room.h / *height);
		*height = room.h;
	}
}

/*
 * After the window has grown by so much, to the right and down as windows do:
 * its middle goes back to where it was, unless the user has chosen the place,
 * and all of it onto the desktop.
 */
static void follow_place(struct window *w, int grown_x, int grown_y)
{
	int x, y, now_x, now_y, width, height;
	SDL_Rect room;

	if (!room_for_window(w, &room))
		return;
	SDL_GetWindowPosition(w->window, &now_x, &now_y);
	SDL_GetWindowSize(w->window, &width, &height);
	x = now_x;
	y = now_y;
	if (!w->placed || (x == w->placed_x && y == w->placed_y)) {
		x -= grown_x / 2;
		y -= grown_y / 2;
	}
	x = SDL_max(room.x, SDL_min(x, room.x + room.w - width));
	y = SDL_max(room.y, SDL_min(y, room.y + room.h - height));
	if (x != now_x || y != now_y)
		SDL_SetWindowPosition(w->window, x, y);
	/* What the window manager has made of it; a later change is the user's. */
	SDL_GetWindowPosition(w->window, &w->placed_x, &w->placed_y);
	w->placed = true;
}

static void follow_size(struct window *w)
{
	int width, height, now_width, now_height;

	if (!w->follow_guest || w->full_screen || !w->texture_width)
		return;
	wanted_size(w, &width, &height);
	SDL_GetWindowSize(w->window, &now_width, &now_height);
	if (width == now_width && height == now_height)
		return;
	SDL_SetWindowSize(w->window, SDL_max(width, 1), SDL_max(height, 1));
	follow_place(w, width - now_width, height - now_height);
}

/* Moves what has changed from the frame to the texture. */
static void upload(struct window *w)
{
	struct frame *f = &w->frame;
	bool new_size = false;

	pthread_mutex_lock(&f->lock);
	if (f->pixels && f->changed.width) {
		SDL_Rect r = {(int)f->changed.x, (int)f->changed.y, (int)f->changed.width,
			      (int)f->changed.height};

		new_size = w->texture_width != f->width || w->texture_height != f->height;
		if (texture_fit(w, f->width, f->height))
			SDL_UpdateTexture(w->texture, &r,
					  f->pixels + (size_t)r.y * f->width + r.x,
					  (int)(f->width * sizeof(*f->pixels)));
		f->changed = (struct display_rect){0};
		w->presented_stale = true;
	}
	pthread_mutex_unlock(&f->lock);
	if (new_size)
		follow_size(w);
}

/*
 * Where the picture goes: as large as its shape allows, in the middle. A
 * whole multiple that leaves little of that unused is taken, for it is sharp.
 */
static SDL_Rect place(struct window *w, bool *sharp)
{
	SDL_Rect r = {0, 0, (int)w->texture_width, (int)w->texture_height};
	int width = 0, height = 0, times;

	SDL_GetRendererOutputSize(w->renderer, &width, &height);
	times = SDL_min(width / r.w, height / r.h);
	*sharp = times >= 1 && (int64_t)times * r.w * 8 >= (int64_t)width * 7;
	*sharp |= times >= 1 && (int64_t)times * r.h * 8 >= (int64_t)height * 7;
	if (*sharp) {
		r.w *= times;
		r.h *= times;
	} else if ((int64_t)width * r.h <= (int64_t)height * r.w) {
		r.h = (int)((int64_t)r.h * width / r.w);
		r.w = width;
	} else {
		r.w = (int)((int64_t)r.w * height / r.h);
		r.h = height;
	}
	r.x = (width - r.w) / 2;
	r.y = (height - r.h) / 2;
	return r;
}

void window_view_draw(struct window *w)
{
	SDL_Rect where;
	bool sharp;

	upload(w);
	if (!w->presented_stale || !w->visible)
		return;
	w->presented_stale = false;
	SDL_SetRenderDrawColor(w->renderer, 0, 0, 0, 255);
	SDL_RenderClear(w->renderer);
	if (w->texture) {
		where = place(w, &sharp);
		SDL_SetTextureScaleMode(w->texture, sharp ? SDL_ScaleModeNearest :
							    SDL_ScaleModeLinear);
		SDL_RenderCopy(w->renderer, w->texture, NULL, &where);
	}
	SDL_RenderPresent(w->renderer);
}

/* ---- The window itself ---- */

/* The user gave it another size: from now on it keeps it. */
static void size_changed(struct window *w)
{
	int width, height, now_width, now_height;

	w->presented_stale = true;
	if (w->full_screen || !w->texture_width)
		return;
	wanted_size(w, &width, &height);
	SDL_GetWindowSize(w->window, &now_width, &now_height);
	w->follow_guest = width == now_width && height == now_height;
}

void window_view_event(struct window *w, const SDL_WindowEvent *e)
{
	switch (e->event) {
	case SDL_WINDOWEVENT_SHOWN:
	case SDL_WINDOWEVENT_RESTORED:
	case SDL_WINDOWEVENT_MAXIMIZED:
	case SDL_WINDOWEVENT_EXPOSED:
		w->visible = !(SDL_GetWindowFlags(w->window) &
			       (SDL_WINDOW_HIDDEN | SDL_WINDOW_MINIMIZED));
		w->presented_stale = true;
		window_view_hurry(w);
		break;
	case SDL_WINDOWEVENT_HIDDEN:
	case SDL_WINDOWEVENT_MINIMIZED:
		w->visible = false;
		break;
	case SDL_WINDOWEVENT_SIZE_CHANGED:
		w->presented_stale = true;
		break;
	case SDL_WINDOWEVENT_RESIZED: /* by the user or the window manager */
		size_changed(w);
		break;
	default:
		break;
	}
}

/* The renderer has lost its textures: everything is uploaded again. */
void window_view_textures_lost(struct window *w)
{
	if (w->texture)
		SDL_DestroyTexture(w->texture);
	w->texture = NULL;
	pthread_mutex_lock(&w->frame.lock);
	w->frame.changed = (struct display_rect){0, 0, w->frame.width, w->frame.height};
	pthread_mutex_unlock(&w->frame.lock);
}

void window_view_toggle_full_screen(struct window *w)
{
	bool on = !w->full_screen;

	if (SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0))
		return;
	w->full_screen = on;
	w->presented_stale = true;
	follow_size(w);
}

void window_view_restore_size(struct window *w)
{
	if (w->full_screen)
		window_view_toggle_full_screen(w);
	SDL_RestoreWindow(w->window);
	w->follow_guest = true;
	follow_size(w);
}

bool window_view_create(struct window *w)
{
	Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;

	w->full_screen = vm_get_config(w->vm)->full_screen;
	if (w->full_screen)
		flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
	w->window = SDL_CreateWindow("Transvisor", SDL_WINDOWPOS_UNDEFINED,
				     SDL_WINDOWPOS_UNDEFINED, FIRST_WIDTH, FIRST_HEIGHT, flags);
	if (!w->window)
		return false;
	w->renderer = SDL_CreateRenderer(w->window, -1, 0);
	if (!w->renderer)
		w->renderer = SDL_CreateRenderer(w->window, -1, SDL_RENDERER_SOFTWARE);
	w->visible = w->follow_guest = w->presented_stale = true;
	w->refresh_interval = REFRESH_FAST_MS;
	w->refresh_due = SDL_GetTicks();
	w->frame.draw_all = true;
	return w->renderer;
}

void window_view_destroy(struct window *w)
{
	if (w->texture)
		SDL_DestroyTexture(w->texture);
	if (w->renderer)
		SDL_DestroyRenderer(w->renderer);
	if (w->window)
		SDL_DestroyWindow(w->window);
	free(w->frame.pixels);
}
