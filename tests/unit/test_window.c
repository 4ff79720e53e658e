/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDL window against a machine without a guest, under SDL's dummy video
 * driver: what the user does is pushed as SDL events from a third thread.
 */
#include <SDL.h>
#include <stdlib.h>

#include "monitor/window_internal.h"
#include "monitor/window_sdl.h"
#include "tests/unit/stub_vm.h"
#include "tests/unit/unit.h"

#define WIDTH 64
#define HEIGHT 48

struct session {
	struct vm vm;
	struct window *w;
	uint32_t pixels[WIDTH * HEIGHT * 4];
	void (*script)(struct session *s); /* on a thread of its own */
};

static void *machine_thread(void *arg)
{
	struct session *s = arg;

	stub_run(&s->vm);
	window_end(s->w);
	return NULL;
}

static void *script_thread(void *arg)
{
	struct session *s = arg;

	s->script(s);
	vm_post(&s->vm, (void (*)(struct vm *, void *))(void *)vm_quit, NULL);
	return NULL;
}

/* Opens a window, plays the script, waits for the machine's end. */
static void play(struct session *s, void (*script)(struct session *s))
{
	struct report r = {""};
	pthread_t machine, player;

	memset(s, 0, sizeof(*s));
	setenv("SDL_VIDEODRIVER", "dummy", 1);
	stub_init(&s->vm, s->pixels, WIDTH, HEIGHT);
	s->script = script;
	s->w = window_create(&s->vm, &r);
	CHECK(s->w != NULL);
	if (!s->w) {
		fprintf(stderr, "%s\n", r.text);
		return;
	}
	pthread_create(&machine, NULL, machine_thread, s);
	pthread_create(&player, NULL, script_thread, s);
	window_run(s->w);
	pthread_join(player, NULL);
	pthread_join(machine, NULL);
}

static void finish(struct session *s)
{
	window_destroy(s->w);
	CHECK(s->vm.on_state == NULL);
}

static void push_key(SDL_Scancode scancode, bool down, Uint16 mod)
{
	SDL_Event e = {.key = {.type = down ? SDL_KEYDOWN : SDL_KEYUP,
			       .state = down ? SDL_PRESSED : SDL_RELEASED,
			       .keysym = {.scancode = scancode, .mod = mod}}};

	SDL_PushEvent(&e);
}

static void push_window(struct session *s, SDL_WindowEventID event)
{
	SDL_Event e = {.window = {.type = SDL_WINDOWEVENT,
				  .windowID = SDL_GetWindowID(s->w->window),
				  .event = (Uint8)event}};

	SDL_PushEvent(&e);
}

static void push_button(Uint8 button, bool down)
{
	SDL_Event e = {.button = {.type = down ? SDL_MOUSEBUTTONDOWN : SDL_MOUSEBUTTONUP,
				  .button = button,
				  .state = down ? SDL_PRESSED : SDL_RELEASED}};

	SDL_PushEvent(&e);
}

static void push_motion(int dx, int dy)
{
	SDL_Event e = {.motion = {.type = SDL_MOUSEMOTION, .xrel = dx, .yrel = dy}};

	SDL_PushEvent(&e);
}

static void push_wheel(int y)
{
	SDL_Event e = {.wheel = {.type = SDL_MOUSEWHEEL, .y = y}};

	SDL_PushEvent(&e);
}

static bool log_ends_with(struct vm *vm, const void *arg)
{
	const char *end = arg;
	size_t length = strlen(end), used = strlen(vm->log);

	return used >= length && !strcmp(vm->log + used - length, end);
}

static void expect_log(struct session *s, const char *end)
{
	if (!stub_wait(&s->vm, log_ends_with, end)) {
		fprintf(stderr, "log is \"%s\", should end with \"%s\"\n", s->vm.log, end);
		CHECK(false);
	}
}

static bool refreshed(struct vm *vm, const void *arg)
{
	return vm->refreshes >= *(const unsigned *)arg;
}

/* ---- Keyboard ---- */

static void keyboard_script(struct session *s)
{
	push_key(SDL_SCANCODE_A, true, 0);
	push_key(SDL_SCANCODE_A, true, 0); /* the host's repeat */
	push_key(SDL_SCANCODE_A, false, 0);
	push_key(SDL_SCANCODE_KP_ENTER, true, 0);
	push_key(SDL_SCANCODE_KP_ENTER, false, 0);
	push_key(SDL_SCANCODE_B, false, 0); /* never pressed here: not told */
	push_key(SDL_SCANCODE_UNKNOWN, true, 0);
	push_key(SDL_SCANCODE_PAUSE, true, 0);
	push_key(SDL_SCANCODE_PAUSE, false, 0);
	expect_log(s, "+1e +1e -1e +9c -9c +c6 -c6 ");
	/* Keys held when the focus goes are released, once. */
	push_key(SDL_SCANCODE_LALT, true, KMOD_LALT);
	push_key(SDL_SCANCODE_TAB, true, KMOD_LALT);
	push_window(s, SDL_WINDOWEVENT_FOCUS_LOST);
	push_key(SDL_SCANCODE_TAB, false, 0);
	push_key(SDL_SCANCODE_Z, true, 0);
	push_key(SDL_SCANCODE_Z, false, 0);
	expect_log(s, "+38 +0f -0f -38 +2c -2c ");
}

static void test_keyboard(void)
{
	static struct session s;

	play(&s, keyboard_script);
	finish(&s);
}

static void shortcut_script(struct session *s)
{
	push_key(SDL_SCANCODE_LCTRL, true, KMOD_LCTRL);
	push_key(SDL_SCANCODE_LALT, true, KMOD_LCTRL | KMOD_LALT);
	push_key(SDL_SCANCODE_G, true, KMOD_LCTRL | KMOD_LALT);
	push_key(SDL_SCANCODE_G, false, KMOD_LCTRL | KMOD_LALT);
	push_key(SDL_SCANCODE_LALT, false, KMOD_LCTRL);
	push_key(SDL_SCANCODE_LCTRL, false, 0);
	expect_log(s, "+1d +38 -38 -1d ");
	push_motion(3, 4); /* Ctrl+Alt+G has grabbed the mouse */
	expect_log(s, "m3,4,0,0 ");
	push_key(SDL_SCANCODE_G, true, KMOD_LCTRL); /* not the shortcut */
	push_key(SDL_SCANCODE_G, false, KMOD_LCTRL);
	expect_log(s, "+22 -22 ");
	push_key(SDL_SCANCODE_U, true, KMOD_LCTRL | KMOD_LALT);
	push_key(SDL_SCANCODE_U, false, 0);
	push_key(SDL_SCANCODE_U, true, KMOD_RALT | KMOD_LCTRL); /* AltGr is the guest's */
	push_key(SDL_SCANCODE_U, false, 0);
	expect_log(s, "-22 +16 -16 ");
}

static void test_shortcuts(void)
{
	static struct session s;

	play(&s, shortcut_script);
	CHECK(strstr(SDL_GetWindowTitle(s.w->window), "Transvisor - stub") != NULL);
	CHECK(strstr(SDL_GetWindowTitle(s.w->window), "Ctrl+Alt+G") != NULL);
	finish(&s);
}

/* Each number has one key, and the ones that matter are there. */
static void test_key_table(void)
{
	unsigned count = 0;

	for (int i = 0; i < SDL_NUM_SCANCODES; i++)
		count += window_key((SDL_Scancode)i) != 0;
	CHECK(count > 130);
	CHECK_EQ(window_key(SDL_SCANCODE_NONUSBACKSLASH), 0x56);
	CHECK_EQ(window_key(SDL_SCANCODE_INTERNATIONAL1), 0x73);
	CHECK_EQ(window_key(SDL_SCANCODE_INTERNATIONAL3), 0x7d);
	CHECK_EQ(window_key(SDL_SCANCODE_PRINTSCREEN), KEY_PRINT_SCREEN);
	CHECK_EQ(window_key(SDL_SCANCODE_RALT), 0xb8);
	CHECK_EQ(window_key(SDL_SCANCODE_DELETE), 0xd3);
	CHECK_EQ(window_key((SDL_Scancode)100000), 0);
	/* Every make code of a 102-key board: 01-53, 56-58. */
	for (unsigned code = 0x01; code <= 0x58; code++) {
		bool found = code == 0x55;

		for (int i = 0; i < SDL_NUM_SCANCODES; i++)
			found |= window_key((SDL_Scancode)i) == code;
		CHECK(found);
	}
}

/* ---- Mouse ---- */

static void mouse_script(struct session *s)
{
	push_motion(5, 5); /* not grabbed: not the guest's */
	push_button(SDL_BUTTON_RIGHT, true);
	push_button(SDL_BUTTON_RIGHT, false);
	push_button(SDL_BUTTON_LEFT, true); /* grabs */
	push_button(SDL_BUTTON_LEFT, false);
	push_key(SDL_SCANCODE_B, true, 0); /* SDL drops motion queued before the grab */
	push_key(SDL_SCANCODE_B, false, 0);
	expect_log(s, "-30 ");
	push_motion(7, -2);
	push_button(SDL_BUTTON_LEFT, true);
	push_button(SDL_BUTTON_LEFT, false);
	expect_log(s, "m7,-2,0,1 m0,0,0,0 ");
	push_wheel(-1);
	expect_log(s, "m0,0,-1,0 ");
	push_button(SDL_BUTTON_MIDDLE, true);
	push_motion(100000, 1);
	push_window(s, SDL_WINDOWEVENT_FOCUS_LOST); /* lets go of button and mouse */
	push_motion(1, 1);
	push_key(SDL_SCANCODE_A, true, 0);
	push_key(SDL_SCANCODE_A, false, 0);
	expect_log(s, "m32767,1,0,0 +1e -1e ");
}

static void test_mouse(void)
{
	static struct session s;

	play(&s, mouse_script);
	CHECK(!strncmp(s.vm.log, "+30 -30 m7,-2,0,1 ", 18));
	finish(&s);
}

/* ---- Picture ---- */

static void draw_corner(struct vm *vm, void *arg)
{
	vm->surface.pixels[0] = 0x112233;
	vm->dirty = (struct display_rect){0, 0, 2, 2};
}

static void grow(struct vm *vm, void *arg)
{
	vm->surface.width = vm->surface.stride = 2 * WIDTH;
	vm->surface.height = 2 * HEIGHT;
	vm->surface.pixels[2 * WIDTH * 2 * HEIGHT - 1] = 0x445566;
	vm->resized = true;
}

static void picture_script(struct session *s)
{
	unsigned count = 3;

	stub_wait(&s->vm, refreshed, &count);
	vm_post(&s->vm, draw_corner, NULL);
	count = s->vm.refreshes + 3;
	stub_wait(&s->vm, refreshed, &count);
	vm_post(&s->vm, grow, NULL);
	count = s->vm.refreshes + 3;
	CHECK(stub_wait(&s->vm, refreshed, &count));
}

static void test_picture(void)
{
	static struct session s;
	int width, height;

	play(&s, picture_script);
	CHECK_EQ(s.w->frame.width, 2 * WIDTH);
	CHECK_EQ(s.w->frame.height, 2 * HEIGHT);
	CHECK_EQ(s.w->frame.pixels[0], 0x112233);
	CHECK_EQ(s.w->frame.pixels[2 * WIDTH * 2 * HEIGHT - 1], 0x445566);
	SDL_GetWindowSize(s.w->window, &width, &height); /* follows the guest */
	CHECK_EQ(width, 2 * WIDTH);
	CHECK_EQ(height, 2 * HEIGHT);
	finish(&s);
}

/* ---- Life ---- */

static void pause_machine(struct vm *vm, void *arg)
{
	vm->state = (enum vm_state)(uintptr_t)arg;
	vm->on_state(vm->on_state_opaque, vm->state);
}

static void close_script(struct session *s)
{
	push_window(s, SDL_WINDOWEVENT_CLOSE);
	push_window(s, SDL_WINDOWEVENT_CLOSE); /* a double click */
	expect_log(s, "powerdown ");
	push_key(SDL_SCANCODE_A, true, 0);
	expect_log(s, "powerdown +1e ");
	vm_post(&s->vm, pause_machine, (void *)(uintptr_t)VM_SHUTDOWN);
	push_key(SDL_SCANCODE_A, false, 0);
	expect_log(s, "powerdown +1e -1e ");
	push_window(s, SDL_WINDOWEVENT_CLOSE);
	expect_log(s, "-1e quit ");
}

/* Under the dummy driver no box can be shown: the title asks instead. */
static void force_script(struct session *s)
{
	vm_post(&s->vm, pause_machine, (void *)(uintptr_t)VM_PAUSED);
	push_key(SDL_SCANCODE_A, true, 0);
	expect_log(s, "+1e ");
	push_window(s, SDL_WINDOWEVENT_CLOSE);
	push_key(SDL_SCANCODE_B, true, 0);
	expect_log(s, "+1e -1e +30 "); /* keys were let go for the box */
}

static void test_close_unasked(void)
{
	static struct session s;

	play(&s, force_script);
	CHECK(strstr(SDL_GetWindowTitle(s.w->window), "[Close again") != NULL);
	finish(&s);
}

/* Libraries behind SDL keep some memory for good. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdbus\nleak:libX11\n";
}

static void test_close(void)
{
	static struct session s;

	play(&s, close_script);
	CHECK(strstr(SDL_GetWindowTitle(s.w->window), "[Powered off]") != NULL);
	finish(&s);
}

static void test_no_display(void)
{
	static struct session s;
	struct report r = {""};

	stub_init(&s.vm, s.pixels, WIDTH, HEIGHT);
	setenv("SDL_VIDEODRIVER", "no-such-driver", 1);
	CHECK(window_create(&s.vm, &r) == NULL);
	CHECK(strstr(r.text, "-display none") != NULL);
	CHECK(strstr(r.text, "-nographic") != NULL);
	window_destroy(NULL);
}

UNIT_MAIN("window", {"keyboard", test_keyboard}, {"shortcuts", test_shortcuts},
	  {"key table", test_key_table}, {"mouse", test_mouse}, {"picture", test_picture},
	  {"close", test_close}, {"close unasked", test_close_unasked},
	  {"no display", test_no_display})
