/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendkey, mouse_move, mouse_button, mouse_set. Combinations of keys are held
 * down one after the other in guest time, so that several sendkey commands in
 * a row arrive as so many strokes.
 */
#include <string.h>

#include "devices/input.h"
#include "monitor/hmp_internal.h"
#include "monitor/key_names.h"
#include "monitor/option_list.h"

#define HOLD_DEFAULT_MS 100
#define HOLD_MAX_MS 60000
#define GAP_MS 20 /* between release and next press: time to read the keyboard */
#define NS_PER_MS 1000000ull

/* The index QEMU gives a PS/2 mouse, and `info mice` shows. */
#define PS2_MOUSE_INDEX 2
#define MOTION_MAX 32767

/* ---- keys ---- */

static void set_keys(struct hmp *m, const struct key_combination *k, bool down)
{
	const struct input_sink *input = vm_input(m->vm);

	if (!input || !input->key)
		return;
	for (unsigned i = 0; i < k->count; i++)
		input->key(input->opaque, k->keys[down ? i : k->count - 1 - i], down);
}

static void arm(struct hmp *m, unsigned ms)
{
	struct clock *clock = vm_clock(m->vm);

	if (!m->keys.timer_ready)
		return;
	timer_set(&m->keys.timer, clock_now(clock) + ms * NS_PER_MS);
}

/* Presses the first combination that waits. */
static void press_next(struct hmp *m)
{
	struct key_queue *q = &m->keys;

	if (!q->count)
		return;
	q->pressed = true;
	set_keys(m, &q->waiting[q->head], true);
	arm(m, q->waiting[q->head].hold_ms);
}

static void keys_timer(void *opaque)
{
	struct hmp *m = opaque;
	struct key_queue *q = &m->keys;

	if (!q->pressed) {
		press_next(m);
		return;
	}
	set_keys(m, &q->waiting[q->head], false);
	q->pressed = false;
	q->head = (q->head + 1) % SENDKEY_QUEUE;
	q->count--;
	arm(m, GAP_MS);
}

void hmp_keys_init(struct hmp *m)
{
	struct clock *clock = vm_clock(m->vm);

	if (!clock)
		return;
	timer_init(&m->keys.timer, clock, keys_timer, m);
	m->keys.timer_ready = true;
}

void hmp_keys_end(struct hmp *m)
{
	if (m->keys.timer_ready)
		timer_cancel(&m->keys.timer);
}

/* "ctrl-alt-f1". Returns 0, or -1 having said which name is none. */
static int parse_keys(struct hmp *m, const char *text, struct key_combination *k)
{
	for (;;) {
		size_t len = strcspn(text, "-");
		uint8_t code = key_code(text, len);

		if (!code) {
			fprintf(m->out, "invalid parameter: %.*s\n", (int)len, text);
			return -1;
		}
		if (k->count == SENDKEY_MAX) {
			fprintf(m->out, "too many keys\n");
			return -1;
		}
		k->keys[k->count++] = code;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

void hmp_sendkey(struct hmp *m, const struct hmp_args *a)
{
	struct key_combination k = {.hold_ms = HOLD_DEFAULT_MS};
	struct key_queue *q = &m->keys;
	uint64_t hold = HOLD_DEFAULT_MS;
	const char *text;

	if (!a->count) {
		hmp_expected(m, a, "string");
		return;
	}
	if (hmp_surplus(m, a, 2) || parse_keys(m, a->words[0], &k) < 0)
		return;
	text = a->count > 1 ? a->words[1] : NULL;
	if (text && hmp_eval(m, &text, &hold) < 0)
		return;
	k.hold_ms = hold > HOLD_MAX_MS ? HOLD_MAX_MS : (unsigned)hold;
	if (q->count == SENDKEY_QUEUE) {
		fprintf(m->out, "too many keys are waiting\n");
		return;
	}
	q->waiting[(q->head + q->count++) % SENDKEY_QUEUE] = k;
	/* Otherwise the timer is on its way. */
	if (q->count == 1 && !timer_is_set(&q->timer))
		press_next(m);
}

/* ---- mouse ---- */

static void move(struct hmp *m, int dx, int dy, int wheel)
{
	const struct input_sink *input = vm_input(m->vm);

	if (input && input->mouse)
		input->mouse(input->opaque, dx, dy, wheel, m->buttons);
}

void hmp_mouse_move(struct hmp *m, const struct hmp_args *a)
{
	int motion[3] = {0};

	if (a->count < 2) {
		hmp_expected(m, a, "string");
		return;
	}
	if (hmp_surplus(m, a, 3))
		return;
	for (unsigned i = 0; i < a->count; i++) {
		const char *text = a->words[i];
		uint64_t value;
		int64_t v;

		if (hmp_eval(m, &text, &value) < 0)
			return;
		v = (int64_t)value;
		v = v > MOTION_MAX ? MOTION_MAX : v < -MOTION_MAX ? -MOTION_MAX : v;
		motion[i] = (int)v;
	}
	/* QEMU's dz points down, ours up. */
	move(m, motion[0], motion[1], -motion[2]);
}

void hmp_mouse_button(struct hmp *m, const struct hmp_args *a)
{
	uint64_t state;

	if (hmp_eval_all(m, a, &state) < 0)
		return;
	m->buttons = (state & 1 ? MOUSE_LEFT : 0) | (state & 2 ? MOUSE_MIDDLE : 0) |
		     (state & 4 ? MOUSE_RIGHT : 0);
	move(m, 0, 0, 0);
}

void hmp_mouse_set(struct hmp *m, const struct hmp_args *a)
{
	uint64_t index;

	if (hmp_eval_all(m, a, &index) < 0)
		return;
	if (index != PS2_MOUSE_INDEX)
		fprintf(m->out, "Mouse at index '%llu' not found\n", (unsigned long long)index);
}
