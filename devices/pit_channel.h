/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One counter of an 8254, as a function of time: what it holds, what its
 * output is and when that rises next. Time is in ticks of the counter's clock
 * and passed in; nothing here runs. Owned by the timer (i8254.c).
 */
#ifndef DEVICES_PIT_CHANNEL_H
#define DEVICES_PIT_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#define RW_LATCH 0 /* the counter latch command */
#define RW_LSB   1
#define RW_MSB   2
#define RW_BOTH  3

#define TICK_NEVER INT64_MAX

struct pit_channel {
	uint8_t mode; /* 0-5 */
	uint8_t rw;   /* RW_LSB, RW_MSB or RW_BOTH */
	bool bcd;
	bool gate;
	bool running; /* a count was loaded since the control word */
	bool paused;  /* by the gate; elapsed stands still */
	int64_t elapsed; /* ticks, while paused */
	int64_t start;   /* tick of the load: the first CLK after the write */
	uint32_t count;  /* what is being counted down, 1-65536 */
	/* Modes 2 and 3: at switch_at; 1 and 5: by the next trigger. */
	bool reload_pending;
	uint32_t next_count;
	int64_t switch_at;
	/* Bytes to and from the processor. */
	bool write_msb_next, read_msb_next;
	uint8_t write_lsb;
	uint8_t latched_bytes; /* of latched_count still to be read */
	uint16_t latched_count;
	bool status_latched;
	uint8_t latched_status;
};

/* Power-on: mode 3, stopped. */
void pit_channel_reset(struct pit_channel *ch, bool gate);
/* A control word; modes 6 and 7 are 2 and 3. The count stops. */
void pit_channel_set_mode(struct pit_channel *ch, unsigned mode, unsigned rw, bool bcd,
			  int64_t tick);
/*
 * Takes over a count that waited for the end of a cycle, once that is past.
 * Has to be called before all below.
 */
void pit_channel_sync(struct pit_channel *ch, int64_t tick);
/* A byte of the count. Returns whether the output may have changed. */
bool pit_channel_write(struct pit_channel *ch, uint8_t value, int64_t tick);
uint8_t pit_channel_read(struct pit_channel *ch, int64_t tick);
void pit_channel_latch_count(struct pit_channel *ch, int64_t tick);
void pit_channel_latch_status(struct pit_channel *ch, int64_t tick);
void pit_channel_set_gate(struct pit_channel *ch, bool level, int64_t tick);
bool pit_channel_out(const struct pit_channel *ch, int64_t tick);
/* The first rising edge of OUT after a tick, or TICK_NEVER. */
int64_t pit_channel_next_rise(const struct pit_channel *ch, int64_t after);

/* Modes 2 and 3. */
static inline bool pit_channel_is_periodic(const struct pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

#endif
