/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PS/2 device has towards its controller: bytes that wait to be sent.
 * Answers to commands overtake what the device has to say by itself.
 */
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that both kinds of device answer with. */
#define PS2_ACK      0xfa
#define PS2_RESEND   0xfe
#define PS2_BAT_GOOD 0xaa

/* Commands that both kinds take. */
#define PS2_IDENTIFY     0xf2
#define PS2_SET_RATE     0xf3
#define PS2_ENABLE       0xf4
#define PS2_DISABLE      0xf5
#define PS2_SET_DEFAULTS 0xf6
#define PS2_RESET        0xff

#define PS2_QUEUE_SIZE 256u
#define PS2_REPLY_SIZE 16u

struct ps2_port {
	uint8_t data[PS2_QUEUE_SIZE]; /* scan codes, movement */
	uint16_t data_head, data_count;
	uint8_t reply[PS2_REPLY_SIZE];
	uint8_t reply_head, reply_count;
	uint8_t last_sent; /* for Resend */
	/* Tells the controller that there is something to send. */
	void (*ready)(void *opaque);
	void *opaque;
};

static inline unsigned ps2_data_room(const struct ps2_port *p)
{
	return PS2_QUEUE_SIZE - p->data_count;
}

/* Dropped when there is no room. */
static inline void ps2_put_data(struct ps2_port *p, uint8_t byte)
{
	if (p->data_count == PS2_QUEUE_SIZE)
		return;
	p->data[(p->data_head + p->data_count++) % PS2_QUEUE_SIZE] = byte;
	p->ready(p->opaque);
}

static inline void ps2_put_reply(struct ps2_port *p, uint8_t byte)
{
	if (p->reply_count == PS2_REPLY_SIZE)
		return;
	p->reply[(p->reply_head + p->reply_count++) % PS2_REPLY_SIZE] = byte;
	p->ready(p->opaque);
}

static inline void ps2_clear_data(struct ps2_port *p)
{
	p->data_count = 0;
}

static inline void ps2_clear(struct ps2_port *p)
{
	p->data_count = 0;
	p->reply_count = 0;
}

static inline bool ps2_has_byte(const struct ps2_port *p)
{
	return p->reply_count || p->data_count;
}

/* The next byte for the controller; ps2_has_byte() holds. */
static inline uint8_t ps2_take(struct ps2_port *p)
{
	if (p->reply_count) {
		p->last_sent = p->reply[p->reply_head % PS2_REPLY_SIZE];
		p->reply_head = (uint8_t)((p->reply_head + 1u) % PS2_REPLY_SIZE);
		p->reply_count--;
	} else {
		p->last_sent = p->data[p->data_head % PS2_QUEUE_SIZE];
		p->data_head = (uint16_t)((p->data_head + 1u) % PS2_QUEUE_SIZE);
		p->data_count--;
	}
	return p->last_sent;
}

#endif
