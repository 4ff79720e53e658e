/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 mouse (IBM PS/2 Hardware Interface Technical Reference, "Mouse")
 * and the IntelliMouse's wheel: setting the rates 200, 100, 80 in a row turns
 * packets of three bytes into such of four.
 *
 *    byte 0:  YO XO YS XS  1  M  R  L     overflow, sign, buttons
 *    byte 1:  X      byte 2:  Y      byte 3:  wheel
 *
 * Movement collects until the host has taken the packet before, and at least
 * for the time of a sample; what does not fit into a packet goes into the
 * next. A changed button always makes a packet, so that no click is lost.
 */
#include "devices/ps2_mouse.h"

#include <stdlib.h>
#include <string.h>

#include "devices/input.h"

#define CMD_SCALING_1_1 0xe6
#define CMD_SCALING_2_1 0xe7
#define CMD_RESOLUTION  0xe8
#define CMD_STATUS      0xe9
#define CMD_STREAM      0xea
#define CMD_READ        0xeb
#define CMD_END_WRAP    0xec
#define CMD_WRAP        0xee
#define CMD_REMOTE      0xf0
#define CMD_RESEND      0xfe

#define STATUS_RIGHT     0x01
#define STATUS_MIDDLE    0x02
#define STATUS_LEFT      0x04
#define STATUS_SCALING   0x10
#define STATUS_REPORTING 0x20
#define STATUS_REMOTE    0x40

#define PACKET_ALWAYS     0x08
#define PACKET_X_SIGN     0x10
#define PACKET_Y_SIGN     0x20
#define PACKET_X_OVERFLOW 0x40
#define PACKET_Y_OVERFLOW 0x80
#define PACKET_MAX        4 /* bytes */

#define ID_STANDARD 0
#define ID_WHEEL    3

#define RATE_DEFAULT       100
#define RATE_MIN           10
#define RESOLUTION_DEFAULT 2

/* Counters saturate here; packets carry at most 255 and 7. */
#define COUNTER_MAX  8191
#define MOVEMENT_MAX 255
#define WHEEL_MAX    7

static const uint8_t wheel_knock[] = {200, 100, 80};

static int32_t clamp(int64_t value, int32_t max)
{
	return value > max ? max : value < -max ? -max : (int32_t)value;
}

static bool has_moved(const struct ps2_mouse *m)
{
	return m->dx || m->dy || (m->id == ID_WHEEL && m->dz);
}

/* Takes from a counter what fits into a packet. */
static int32_t take_counter(int32_t *counter, int32_t max)
{
	int32_t taken = clamp(*counter, max);

	*counter -= taken;
	return taken;
}

/* "Scaling 2:1": small movements are slowed, large ones doubled. */
static int32_t scale(int32_t value)
{
	static const uint8_t scaled[] = {0, 1, 1, 3, 6, 9};
	int32_t size = abs(value);

	size = size < (int32_t)sizeof(scaled) ? scaled[size] : 2 * size;
	return clamp(value < 0 ? -size : size, MOVEMENT_MAX);
}

static unsigned build_packet(struct ps2_mouse *m, bool scaled, uint8_t packet[PACKET_MAX])
{
	int32_t x = take_counter(&m->dx, MOVEMENT_MAX), y = take_counter(&m->dy, MOVEMENT_MAX);

	if (scaled) {
		x = scale(x);
		y = scale(y);
	}
	packet[0] = (uint8_t)(PACKET_ALWAYS | m->buttons | (x < 0 ? PACKET_X_SIGN : 0) |
			      (y < 0 ? PACKET_Y_SIGN : 0) |
			      (m->x_overflow ? PACKET_X_OVERFLOW : 0) |
			      (m->y_overflow ? PACKET_Y_OVERFLOW : 0));
	packet[1] = (uint8_t)x;
	packet[2] = (uint8_t)y;
	packet[3] = (uint8_t)take_counter(&m->dz, WHEEL_MAX);
	m->x_overflow = false;
	m->y_overflow = false;
	m->told_buttons = m->buttons;
	return m->id == ID_WHEEL ? 4 : 3;
}

static void send_packet(struct ps2_mouse *m)
{
	uint8_t packet[PACKET_MAX];
	unsigned length;

	if (ps2_data_room(&m->port) < PACKET_MAX)
		return; /* told by the next packet */
	length = build_packet(m, m->scaling, packet);
	for (unsigned i = 0; i < length; i++)
		ps2_put_data(&m->port, packet[i]);
	timer_set(&m->sample, clock_now(m->sample.clock) + NS_PER_SEC / m->rate);
}

/* Sends what has changed, if it is time and the host keeps up. */
static void send_if_due(struct ps2_mouse *m)
{
	if (!m->reporting || m->remote || m->wrap)
		return;
	if (timer_is_set(&m->sample) || m->port.data_count)
		return;
	if (has_moved(m) || m->buttons != m->told_buttons)
		send_packet(m);
}

static void on_sample(void *opaque)
{
	send_if_due(opaque);
}

void ps2_mouse_taken(struct ps2_mouse *m)
{
	send_if_due(m);
}

static void add_movement(int32_t *counter, int64_t delta, bool *overflow)
{
	int64_t sum = *counter + delta;

	*counter = clamp(sum, COUNTER_MAX);
	*overflow |= *counter != sum;
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int wheel, unsigned buttons)
{
	bool wheel_overflow = false, stream = m->reporting && !m->remote && !m->wrap;
	uint8_t pressed = (uint8_t)((buttons & MOUSE_LEFT ? 1 : 0) |
				    (buttons & MOUSE_RIGHT ? 2 : 0) |
				    (buttons & MOUSE_MIDDLE ? 4 : 0));
	bool clicked = pressed != m->buttons;

	if (m->reporting || m->remote) {
		add_movement(&m->dx, dx, &m->x_overflow);
		add_movement(&m->dy, -(int64_t)dy, &m->y_overflow);
		add_movement(&m->dz, -(int64_t)wheel, &wheel_overflow);
	}
	m->buttons = pressed;
	if (clicked && stream)
		send_packet(m);
	else
		send_if_due(m);
}

static void clear_movement(struct ps2_mouse *m)
{
	m->dx = m->dy = m->dz = 0;
	m->x_overflow = m->y_overflow = false;
}

static void set_defaults(struct ps2_mouse *m)
{
	m->rate = RATE_DEFAULT;
	m->resolution = RESOLUTION_DEFAULT;
	m->scaling = false;
	m->remote = false;
	m->wrap = false;
	m->reporting = false;
	m->knock = 0;
	clear_movement(m);
}

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
	m->rate = rate < RATE_MIN ? RATE_MIN : rate;
	if (rate == wheel_knock[m->knock])
		m->knock++;
	else
		m->knock = rate == wheel_knock[0];
	if (m->knock == sizeof(wheel_knock)) {
		m->id = ID_WHEEL;
		m->knock = 0;
	}
}

static bool take_argument(struct ps2_mouse *m, uint8_t byte)
{
	uint8_t command = m->argument_of;

	m->argument_of = 0;
	if (command == PS2_SET_RATE)
		set_rate(m, byte);
	else if (command == CMD_RESOLUTION)
		m->resolution = byte & 3;
	else
		return false;
	ps2_put_reply(&m->port, PS2_ACK);
	return true;
}

static void reply_status(struct ps2_mouse *m)
{
	uint8_t status = (uint8_t)((m->buttons & 1 ? STATUS_LEFT : 0) |
				   (m->buttons & 2 ? STATUS_RIGHT : 0) |
				   (m->buttons & 4 ? STATUS_MIDDLE : 0) |
				   (m->scaling ? STATUS_SCALING : 0) |
				   (m->reporting ? STATUS_REPORTING : 0) |
				   (m->remote ? STATUS_REMOTE : 0));

	ps2_put_reply(&m->port, status);
	ps2_put_reply(&m->port, m->resolution);
	ps2_put_reply(&m->port, m->rate);
}

/* Read Data: a packet now, moved or not; never scaled. */
static void reply_packet(struct ps2_mouse *m)
{
	uint8_t packet[PACKET_MAX];
	unsigned length = build_packet(m, false, packet);

	for (unsigned i = 0; i < length; i++)
		ps2_put_reply(&m->port, packet[i]);
}

/* Commands that set something. Returns whether the byte is one. */
static bool set_command(struct ps2_mouse *m, uint8_t command)
{
	switch (command) {
	case CMD_SCALING_1_1:
	case CMD_SCALING_2_1:
		m->scaling = command == CMD_SCALING_2_1;
		return true;
	case CMD_RESOLUTION:
	case PS2_SET_RATE:
		m->argument_of = command;
		return true;
	case CMD_STREAM:
	case CMD_REMOTE:
		m->remote = command == CMD_REMOTE;
		clear_movement(m);
		return true;
	case CMD_WRAP:
		m->wrap = true;
		return true;
	case PS2_ENABLE:
	case PS2_DISABLE:
		m->reporting = command == PS2_ENABLE;
		clear_movement(m);
		m->told_buttons = m->buttons;
		return true;
	case PS2_SET_DEFAULTS:
		set_defaults(m);
		return true;
	default:
		return false;
	}
}

/* Commands that ask for something, already acknowledged. */
static void reply_to(struct ps2_mouse *m, uint8_t command)
{
	switch (command) {
	case CMD_STATUS:
		reply_status(m);
		break;
	case CMD_READ:
		reply_packet(m);
		break;
	case PS2_IDENTIFY:
		ps2_put_reply(&m->port, m->id);
		break;
	case PS2_RESET:
		set_defaults(m);
		m->id = ID_STANDARD;
		ps2_put_reply(&m->port, PS2_BAT_GOOD);
		ps2_put_reply(&m->port, m->id);
		break;
	}
}

static bool is_question(uint8_t command)
{
	return command == CMD_STATUS || command == CMD_READ || command == PS2_IDENTIFY ||
	       command == PS2_RESET;
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte)
{
	/* A packet under way is cut off: the host wants its answer first. */
	ps2_clear_data(&m->port);
	if (m->wrap && byte != PS2_RESET && byte != CMD_END_WRAP) {
		ps2_put_reply(&m->port, byte);
		return;
	}
	if (take_argument(m, byte))
		return;
	if (byte == CMD_RESEND) {
		ps2_put_reply(&m->port, m->port.last_sent);
	} else if (byte == CMD_END_WRAP) {
		m->wrap = false;
		ps2_put_reply(&m->port, PS2_ACK);
	} else if (is_question(byte)) {
		ps2_put_reply(&m->port, PS2_ACK);
		reply_to(m, byte);
	} else {
		ps2_put_reply(&m->port, set_command(m, byte) ? PS2_ACK : PS2_RESEND);
	}
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
	set_defaults(m);
	m->id = ID_STANDARD;
	m->argument_of = 0;
	m->told_buttons = m->buttons;
	m->port.last_sent = 0;
	ps2_clear(&m->port);
	timer_cancel(&m->sample);
}

void ps2_mouse_init(struct ps2_mouse *m, struct clock *clock, void (*ready)(void *opaque),
		    void *opaque)
{
	memset(m, 0, sizeof(*m));
	m->port.ready = ready;
	m->port.opaque = opaque;
	timer_init(&m->sample, clock, on_sample, m);
	ps2_mouse_reset(m);
}

void ps2_mouse_destroy(struct ps2_mouse *m)
{
	timer_cancel(&m->sample);
}
