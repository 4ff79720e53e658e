/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDL window: its life, its events and what its title says.
 *
 * Everything of SDL is used on the main thread alone, but SDL_PushEvent().
 * The machine is reached with vm_post(), never vm_call(): a guest or a disk
 * that is slow must not freeze the window, and a machine that has ended will
 * not answer.
 */
#include "monitor/window_sdl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "monitor/sandbox.h"
#include "monitor/window_internal.h"

#define CLOSE_AGAIN_MS 1000 /* a double click is not a second wish to close */
#define CLOSE_FORGET_MS 30000
#define ICON_SIZE 32

void window_push(struct window *w, enum window_event event)
{
	SDL_Event e = {.type = w->first_event + event};

	/* A full queue is no loss: the loop looks at all flags at times. */
	SDL_PushEvent(&e);
}

void window_end(struct window *w)
{
	atomic_store(&w->ended, true);
	window_push(w, WINDOW_END);
}

/* ---- Title and icon ---- */

static const char *state_text(const struct window *w)
{
	if (w->close_is_final)
		return " [Close again to power off at once]";
	switch ((enum vm_state)atomic_load(&w->state)) {
	case VM_PAUSED:
		return " [Paused]";
	case VM_SHUTDOWN:
		return " [Powered off]";
	case VM_INTERNAL_ERROR:
		return " [Stopped by an error]";
	default:
		return w->powering_down ? " [Powering down]" : "";
	}
}

void window_update_title(struct window *w)
{
	const char *name = vm_get_config(w->vm)->name;
	char title[256];

	snprintf(title, sizeof(title), "Transvisor%s%.128s%s%s", name && *name ? " - " : "",
		 name ? name : "", state_text(w),
		 w->grabbed ? " - Press Ctrl+Alt+G to release mouse" : "");
	SDL_SetWindowTitle(w->window, title);
}

/* A screen on its foot, with two windows of different colours on it. */
static uint32_t icon_pixel(int x, int y)
{
	if (y >= 26)
		return (y >= 28 ? x >= 8 && x < 24 : x >= 13 && x < 19) ? 0xff707880 : 0;
	if (x < 1 || x > 30 || y < 3)
		return 0;
	if (x < 3 || x > 28 || y < 5 || y > 23)
		return 0xff404850;
	if (x >= 6 && x < 18 && y >= 8 && y < 16)
		return y < 10 ? 0xffe0e8f0 : 0xff3070c0;
	if (x >= 14 && x < 26 && y >= 13 && y < 21)
		return y < 15 ? 0xffe0e8f0 : 0xff40a060;
	return 0xff101820;
}

static void set_icon(struct window *w)
{
	uint32_t pixels[ICON_SIZE * ICON_SIZE];
	SDL_Surface *icon;

	for (int i = 0; i < ICON_SIZE * ICON_SIZE; i++)
		pixels[i] = icon_pixel(i % ICON_SIZE, i / ICON_SIZE);
	icon = SDL_CreateRGBSurfaceWithFormatFrom(pixels, ICON_SIZE, ICON_SIZE, 32,
						  ICON_SIZE * sizeof(pixels[0]),
						  SDL_PIXELFORMAT_ARGB8888);
	if (!icon)
		return;
	SDL_SetWindowIcon(w->window, icon);
	SDL_FreeSurface(icon);
}

/* ---- Closing ---- */

static void machine_powerdown(struct vm *vm, void *arg)
{
	vm_powerdown(vm);
}

static void machine_quit(struct vm *vm, void *arg)
{
	vm_quit(vm, 0);
}

/*
 * Where no box can be shown (in the sandbox, or by an X server without fonts),
 * the title says what the next click on the close button will do.
 */
static bool ask_power_off(struct window *w)
{
	static const SDL_MessageBoxButtonData buttons[] = {
		{SDL_MESSAGEBOX_BUTTON_ESCAPEKEY_DEFAULT |
			 SDL_MESSAGEBOX_BUTTON_RETURNKEY_DEFAULT, 0, "Wait"},
		{0, 1, "Power off at once"},
	};
	const SDL_MessageBoxData box = {
		.flags = SDL_MESSAGEBOX_WARNING,
		.window = w->window,
		.title = "Transvisor",
		.message = w->powering_down ?
				   "The guest was asked to shut down and has not done so yet.\n"
				   "Power off at once? What it has not saved is lost." :
				   "The machine is paused, so the guest cannot shut down.\n"
				   "Power off at once? What it has not saved is lost.",
		.numbuttons = 2,
		.buttons = buttons,
	};
	int answer = 0;

	window_grab(w, false);
	window_release_all(w);
	/* SDL shows a box from a new process with a connection of its own. */
	if (!sandbox_entered() && !SDL_ShowMessageBox(&box, &answer))
		return answer == 1;
	if (w->close_is_final)
		return true;
	w->close_is_final = true;
	w->closed_at = SDL_GetTicks();
	window_update_title(w);
	return false;
}

static void press_power_button(struct window *w)
{
	w->powering_down = true;
	w->closed_at = SDL_GetTicks();
	vm_post(w->vm, machine_powerdown, NULL);
	window_update_title(w);
}

/*
 * The close button presses the guest's power button; the second time it pulls
 * the plug. After a while it presses again: what runs now may listen.
 */
static void close_wanted(struct window *w)
{
	enum vm_state state = (enum vm_state)atomic_load(&w->state);
	Uint32 since = SDL_GetTicks() - w->closed_at;

	if (state == VM_SHUTDOWN || state == VM_INTERNAL_ERROR)
		vm_post(w->vm, machine_quit, NULL);
	else if (w->closed_at && since < CLOSE_AGAIN_MS)
		return;
	else if (state == VM_RUNNING && (!w->powering_down || since > CLOSE_FORGET_MS))
		press_power_button(w);
	else if (ask_power_off(w))
		vm_post(w->vm, machine_quit, NULL);
}

/* ---- Events ---- */

static void window_event(struct window *w, const SDL_WindowEvent *e)
{
	switch (e->event) {
	case SDL_WINDOWEVENT_CLOSE:
		close_wanted(w);
		break;
	case SDL_WINDOWEVENT_FOCUS_LOST:
		window_grab(w, false);
		window_release_all(w);
		break;
	default:
		window_view_event(w, e);
		break;
	}
}

static void handle(struct window *w, const SDL_Event *e)
{
	switch (e->type) {
	case SDL_WINDOWEVENT:
		if (e->window.windowID == SDL_GetWindowID(w->window))
			window_event(w, &e->window);
		break;
	case SDL_RENDER_TARGETS_RESET:
	case SDL_RENDER_DEVICE_RESET:
		window_view_textures_lost(w);
		break;
	case SDL_QUIT: /* the desktop session ends */
		close_wanted(w);
		break;
	default:
		if (e->type == w->first_event + WINDOW_STATE)
			window_update_title(w);
		else
			window_input_event(w, e);
		break;
	}
}

void window_run(struct window *w)
{
	SDL_Event e;

	while (!atomic_load(&w->ended)) {
		if (SDL_WaitEventTimeout(&e, window_view_poll(w))) {
			do
				handle(w, &e);
			while (!atomic_load(&w->ended) && SDL_PollEvent(&e));
		}
		window_flush_mouse(w);
		window_view_draw(w);
	}
}

/* ---- Life ---- */

static void state_changed(void *opaque, enum vm_state s)
{
	struct window *w = opaque;

	atomic_store(&w->state, s);
	window_push(w, WINDOW_STATE);
}

/* What SDL does on its own account, and should not. */
static void set_hints(void)
{
	SDL_SetHint(SDL_HINT_APP_NAME, "Transvisor");
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
	SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
	SDL_SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
}

/*
 * Where it finds no display, SDL may settle for a driver that shows nothing.
 * That is wanted only where the user (or a test) names it.
 */
static bool open_video(void)
{
	const char *driver;

	/* libwayland complains on stderr where there is no Wayland. */
	if (!getenv("SDL_VIDEODRIVER") && !getenv("WAYLAND_DISPLAY"))
		SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11,KMSDRM");
	if (SDL_InitSubSystem(SDL_INIT_VIDEO))
		return false;
	driver = SDL_GetCurrentVideoDriver();
	if (getenv("SDL_VIDEODRIVER") ||
	    !driver || (strcmp(driver, "offscreen") && strcmp(driver, "dummy")))
		return true;
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	SDL_SetError("there is no display");
	return false;
}

struct window *window_create(struct vm *vm, struct report *r)
{
	struct window *w = calloc(1, sizeof(*w));

	if (!w) {
		report_fail(r, "-display sdl: out of memory");
		return NULL;
	}
	w->vm = vm;
	pthread_mutex_init(&w->frame.lock, NULL);
	pthread_mutex_init(&w->mouse.lock, NULL);
	set_hints();
	if (!open_video()) {
		report_fail(r, "-display sdl: cannot open a window (%s); use -display none "
			       "or -nographic", SDL_GetError());
		free(w);
		return NULL;
	}
	w->first_event = SDL_RegisterEvents(WINDOW_EVENT_COUNT);
	if (w->first_event == (Uint32)-1 || !window_view_create(w)) {
		report_fail(r, "-display sdl: cannot open a window (%s); use -display none "
			       "or -nographic", SDL_GetError());
		window_destroy(w);
		return NULL;
	}
	SDL_StopTextInput(); /* keys are wanted, not an input method's text */
	set_icon(w);
	atomic_store(&w->state, vm_get_state(vm));
	vm_on_state(vm, state_changed, w);
	window_update_title(w);
	return w;
}

void window_destroy(struct window *w)
{
	if (!w)
		return;
	vm_on_state(w->vm, NULL, NULL);
	window_view_destroy(w);
	SDL_QuitSubSystem(SDL_INIT_VIDEO);
	pthread_mutex_destroy(&w->frame.lock);
	pthread_mutex_destroy(&w->mouse.lock);
	free(w);
}
