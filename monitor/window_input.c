/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and mouse of the window to those of the guest.
 *
 * The guest is told of a key's release only if it was told of the press, and
 * of all releases when the window loses the keyboard, so that no key sticks.
 * The host's repeats are passed on as further presses, as a PS/2 keyboard's
 * own would be. Mouse motion is summed up until the machine thread fetches it:
 * a busy guest then sees fewer, longer moves and no backlog.
 */
#include "monitor/window_internal.h"

/* Key number and direction in the argument of a vm_post(). */
#define KEY_ARG_DOWN 0x100u

/* ---- On the machine thread ---- */

static void machine_key(struct vm *vm, void *arg)
{
	const struct input_sink *input = vm_input(vm);
	uintptr_t key = (uintptr_t)arg;

	if (input && input->key)
		input->key(input->opaque, (uint8_t)key, key & KEY_ARG_DOWN);
}

static void machine_mouse(struct vm *vm, void *arg)
{
	struct window *w = arg;
	const struct input_sink *input = vm_input(vm);
	struct mouse m;

	pthread_mutex_lock(&w->mouse.lock);
	m = w->mouse;
	w->mouse.dx = w->mouse.dy = w->mouse.wheel = 0;
	w->mouse.posted = false;
	pthread_mutex_unlock(&w->mouse.lock);
	if (input && input->mouse)
		input->mouse(input->opaque, m.dx, m.dy, m.wheel, m.buttons);
}

/* ---- Keyboard ---- */

static void send_key(struct window *w, uint8_t key, bool down)
{
	w->key_down[key] = down;
	vm_post(w->vm, machine_key, (void *)(uintptr_t)(key | (down ? KEY_ARG_DOWN : 0)));
	window_view_hurry(w);
}

/* Ctrl+Alt and a letter are the window's. Returns whether it was one. */
static bool window_shortcut(struct window *w, const SDL_KeyboardEvent *e)
{
	if (!(e->keysym.mod & KMOD_CTRL) || !(e->keysym.mod & KMOD_LALT))
		return false;
	switch (e->keysym.scancode) {
	case SDL_SCANCODE_G:
		if (!e->repeat)
			window_grab(w, !w->grabbed);
		return true;
	case SDL_SCANCODE_F:
		if (!e->repeat)
			window_view_toggle_full_screen(w);
		return true;
	case SDL_SCANCODE_U:
		window_view_restore_size(w);
		return true;
	default:
		return false;
	}
}

static void key_event(struct window *w, const SDL_KeyboardEvent *e)
{
	SDL_Scancode scancode = e->keysym.scancode;
	bool down = e->type == SDL_KEYDOWN;
	uint8_t key = window_key(scancode);

	if ((unsigned)scancode >= SDL_NUM_SCANCODES)
		return;
	if (down && window_shortcut(w, e)) {
		w->swallowed[scancode] = true;
		return;
	}
	if (!down && w->swallowed[scancode]) {
		w->swallowed[scancode] = false;
		return;
	}
	if (key && (down || w->key_down[key]))
		send_key(w, key, down);
}

/* ---- Mouse ---- */

void window_flush_mouse(struct window *w)
{
	bool post;

	pthread_mutex_lock(&w->mouse.lock);
	post = !w->mouse.posted && (w->mouse.dx || w->mouse.dy || w->mouse.wheel);
	w->mouse.posted |= post;
	pthread_mutex_unlock(&w->mouse.lock);
	if (post)
		vm_post(w->vm, machine_mouse, w);
}

static void motion(struct window *w, int dx, int dy, int wheel)
{
	pthread_mutex_lock(&w->mouse.lock);
	w->mouse.dx += dx;
	w->mouse.dy += dy;
	w->mouse.wheel += wheel;
	pthread_mutex_unlock(&w->mouse.lock);
	window_view_hurry(w);
}

/*
 * Buttons are not summed up: each change makes a call of its own, after the
 * motion before it, or a short click could be lost. All of it fits the
 * argument of a vm_post(), so that nothing needs to be freed should the
 * machine end first.
 */
static void *pack_mouse(const struct mouse *m)
{
	uint64_t dx = (uint16_t)SDL_clamp(m->dx, INT16_MIN, INT16_MAX);
	uint64_t dy = (uint16_t)SDL_clamp(m->dy, INT16_MIN, INT16_MAX);
	uint64_t wheel = (uint8_t)SDL_clamp(m->wheel, INT8_MIN, INT8_MAX);

	return (void *)(uintptr_t)(dx | dy << 16 | wheel << 32 | (uint64_t)m->buttons << 40);
}

static void machine_button(struct vm *vm, void *arg)
{
	const struct input_sink *input = vm_input(vm);
	uint64_t packed = (uintptr_t)arg;

	if (input && input->mouse)
		input->mouse(input->opaque, (int16_t)packed, (int16_t)(packed >> 16),
			     (int8_t)(packed >> 32), (unsigned)(packed >> 40));
}

static void set_buttons(struct window *w, unsigned buttons)
{
	void *packed;

	if (w->mouse.buttons == buttons)
		return;
	pthread_mutex_lock(&w->mouse.lock);
	w->mouse.buttons = buttons;
	packed = pack_mouse(&w->mouse);
	w->mouse.dx = w->mouse.dy = w->mouse.wheel = 0;
	pthread_mutex_unlock(&w->mouse.lock);
	vm_post(w->vm, machine_button, packed);
	window_view_hurry(w);
}

static unsigned button_bit(uint8_t button)
{
	return button == SDL_BUTTON_LEFT   ? MOUSE_LEFT :
	       button == SDL_BUTTON_RIGHT  ? MOUSE_RIGHT :
	       button == SDL_BUTTON_MIDDLE ? MOUSE_MIDDLE :
					     0;
}

static void button_event(struct window *w, const SDL_MouseButtonEvent *e)
{
	unsigned bit = button_bit(e->button);

	if (!w->grabbed) {
		/* The click that takes the mouse is not the guest's. */
		if (e->type == SDL_MOUSEBUTTONDOWN && e->button == SDL_BUTTON_LEFT)
			window_grab(w, true);
		return;
	}
	if (e->type == SDL_MOUSEBUTTONDOWN)
		set_buttons(w, w->mouse.buttons | bit);
	else
		set_buttons(w, w->mouse.buttons & ~bit);
}

void window_grab(struct window *w, bool on)
{
	if (w->grabbed == on)
		return;
	w->grabbed = on;
	if (!on)
		set_buttons(w, 0);
	SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
	SDL_SetWindowGrab(w->window, on ? SDL_TRUE : SDL_FALSE);
	window_update_title(w);
}

void window_release_all(struct window *w)
{
	for (unsigned key = 0; key < 256; key++)
		if (w->key_down[key])
			send_key(w, (uint8_t)key, false);
	SDL_memset(w->swallowed, 0, sizeof(w->swallowed));
	set_buttons(w, 0);
}

void window_input_event(struct window *w, const SDL_Event *e)
{
	switch (e->type) {
	case SDL_KEYDOWN:
	case SDL_KEYUP:
		key_event(w, &e->key);
		break;
	case SDL_MOUSEMOTION:
		if (w->grabbed)
			motion(w, e->motion.xrel, e->motion.yrel, 0);
		break;
	case SDL_MOUSEBUTTONDOWN:
	case SDL_MOUSEBUTTONUP:
		button_event(w, &e->button);
		break;
	case SDL_MOUSEWHEEL:
		if (w->grabbed)
			motion(w, 0, 0, e->wheel.direction == SDL_MOUSEWHEEL_FLIPPED ?
						-e->wheel.y : e->wheel.y);
		break;
	default:
		break;
	}
}
