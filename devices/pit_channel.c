/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The six modes of an 8254 counter (datasheet 231164, "Mode Definitions"),
 * binary and BCD, with its latches and byte order.
 *
 * Nothing counts. A counter remembers the tick at which its count was loaded,
 * which is the first one after the write; its value and output follow from how
 * many ticks have passed since, or had passed when the gate stopped it.
 */
#include "devices/pit_channel.h"

#define STATUS_OUT  0x80
#define STATUS_NULL 0x40
#define STATUS_BCD  0x01

static bool is_triggered(const struct pit_channel *ch)
{
	return ch->mode == 1 || ch->mode == 5;
}

/* Mode 3 is high for the longer half (8254 "Mode 3: Square Wave Mode"). */
static int64_t high_half(uint32_t count)
{
	return (count + 1) / 2;
}

/* Ticks since the count was loaded. */
static int64_t channel_elapsed(const struct pit_channel *ch, int64_t tick)
{
	int64_t elapsed = ch->paused ? ch->elapsed : tick - ch->start;

	return elapsed > 0 ? elapsed : 0;
}

/* Takes over a count that waited for the end of the cycle, once that is past. */
void pit_channel_sync(struct pit_channel *ch, int64_t tick)
{
	bool falls;

	if (!ch->reload_pending || tick < ch->switch_at)
		return;
	falls = ch->mode == 3 &&
		(ch->switch_at - ch->start) % ch->count == high_half(ch->count) % ch->count;
	ch->count = ch->next_count;
	ch->start = ch->switch_at - (falls ? high_half(ch->count) : 0);
	ch->reload_pending = false;
}

bool pit_channel_out(const struct pit_channel *ch, int64_t tick)
{
	int64_t elapsed = channel_elapsed(ch, tick);

	if (!ch->running)
		return ch->mode != 0;
	switch (ch->mode) {
	case 0:
	case 1:
		return elapsed >= ch->count;
	case 2:
		return ch->paused || elapsed % ch->count != ch->count - 1;
	case 3:
		return ch->paused || elapsed % ch->count < high_half(ch->count);
	default:
		return elapsed != ch->count;
	}
}

static uint16_t to_bcd(uint32_t value)
{
	return (uint16_t)(value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 |
			  value / 1000 % 10 << 12);
}

/* Of digits beyond 9 the chip says nothing; they count as what they weigh. */
static uint32_t from_bcd(uint16_t value)
{
	return (value & 15u) + (value >> 4 & 15u) * 10 + (value >> 8 & 15u) * 100 +
	       (value >> 12) * 1000u;
}

/* The counting element in binary, before the modulus. */
static int64_t channel_value(const struct pit_channel *ch, int64_t elapsed)
{
	int64_t phase = elapsed % ch->count, half = high_half(ch->count);

	if (ch->mode == 2)
		return ch->count - phase;
	if (ch->mode == 3)
		return (ch->count & ~1u) - 2 * (phase < half ? phase : phase - half);
	return ch->count - elapsed;
}

/* What a read of the counter gives. */
static uint16_t channel_count(const struct pit_channel *ch, int64_t tick)
{
	int64_t modulus = ch->bcd ? 10000 : 0x10000;
	int64_t value = channel_value(ch, channel_elapsed(ch, tick)) % modulus;

	if (value < 0)
		value += modulus;
	return ch->bcd ? to_bcd((uint32_t)value) : (uint16_t)value;
}

/* The first rising edge of OUT after a tick. */
int64_t pit_channel_next_rise(const struct pit_channel *ch, int64_t after)
{
	int64_t rise;

	if (!ch->running || ch->paused)
		return TICK_NEVER;
	if (!pit_channel_is_periodic(ch)) {
		rise = ch->start + ch->count + (ch->mode >= 4);
		return rise > after ? rise : TICK_NEVER;
	}
	rise = ch->start;
	if (after >= ch->start)
		rise += (after - ch->start) / ch->count * ch->count;
	rise += ch->count;
	/* The count changes in mid-cycle: a low half of the new length. */
	if (ch->reload_pending && rise > ch->switch_at)
		rise = ch->switch_at + ch->next_count / 2;
	return rise;
}

static void channel_start(struct pit_channel *ch, uint32_t count, int64_t tick)
{
	ch->count = count;
	ch->start = tick + 1;
	ch->elapsed = 0;
	ch->running = true;
	ch->reload_pending = false;
}

/* The end of the cycle under way (mode 2) or of its half (mode 3). */
static int64_t cycle_end(const struct pit_channel *ch, int64_t tick)
{
	int64_t elapsed = channel_elapsed(ch, tick), phase = elapsed % ch->count;
	int64_t half = high_half(ch->count);

	if (ch->mode == 3 && phase < half)
		return ch->start + elapsed - phase + half;
	return ch->start + elapsed - phase + ch->count;
}

/* All bytes of a new count have been written. */
static void channel_load(struct pit_channel *ch, uint16_t value, int64_t tick)
{
	uint32_t count = ch->bcd ? from_bcd(value) : value;

	if (!count)
		count = ch->bcd ? 10000 : 0x10000;
	if (is_triggered(ch) || (pit_channel_is_periodic(ch) && ch->running && !ch->paused)) {
		if (!ch->reload_pending)
			ch->switch_at = pit_channel_is_periodic(ch) ? cycle_end(ch, tick) : TICK_NEVER;
		ch->next_count = count;
		ch->reload_pending = true;
		return;
	}
	channel_start(ch, count, tick);
	ch->paused = !ch->gate;
}

bool pit_channel_write(struct pit_channel *ch, uint8_t value, int64_t tick)
{
	if (ch->rw == RW_BOTH && !ch->write_msb_next) {
		ch->write_msb_next = true;
		ch->write_lsb = value;
		if (ch->mode != 0)
			return false;
		/* The first byte stops the count (8254 "Mode 0"). */
		ch->elapsed = channel_elapsed(ch, tick);
		ch->paused = true;
		ch->running = false;
	} else if (ch->rw == RW_BOTH) {
		ch->write_msb_next = false;
		channel_load(ch, (uint16_t)(value << 8 | ch->write_lsb), tick);
	} else {
		channel_load(ch, ch->rw == RW_MSB ? (uint16_t)(value << 8) : value, tick);
	}
	return true;
}

void pit_channel_latch_count(struct pit_channel *ch, int64_t tick)
{
	if (ch->latched_bytes)
		return; /* the first latch holds until it is read */
	ch->latched_count = channel_count(ch, tick);
	ch->latched_bytes = ch->rw == RW_BOTH ? 2 : 1;
}

void pit_channel_latch_status(struct pit_channel *ch, int64_t tick)
{
	bool null = ch->reload_pending || !ch->running || (!ch->paused && tick < ch->start);

	if (ch->status_latched)
		return;
	ch->status_latched = true;
	ch->latched_status = (uint8_t)((pit_channel_out(ch, tick) ? STATUS_OUT : 0) |
				       (null ? STATUS_NULL : 0) | ch->rw << 4 | ch->mode << 1 |
				       (ch->bcd ? STATUS_BCD : 0));
}

static uint8_t read_latched(struct pit_channel *ch)
{
	bool msb = ch->rw == RW_MSB || (ch->rw == RW_BOTH && ch->latched_bytes == 1);

	ch->latched_bytes--;
	return (uint8_t)(msb ? ch->latched_count >> 8 : ch->latched_count);
}

uint8_t pit_channel_read(struct pit_channel *ch, int64_t tick)
{
	uint16_t count;
	bool msb;

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->latched_status;
	}
	if (ch->latched_bytes)
		return read_latched(ch);
	count = channel_count(ch, tick);
	msb = ch->rw == RW_MSB || (ch->rw == RW_BOTH && ch->read_msb_next);
	ch->read_msb_next = ch->rw == RW_BOTH && !msb;
	return (uint8_t)(msb ? count >> 8 : count);
}

static void gate_fell(struct pit_channel *ch, int64_t tick)
{
	if (is_triggered(ch) || !ch->running || ch->paused)
		return;
	ch->elapsed = channel_elapsed(ch, tick);
	ch->paused = true;
}

static void gate_rose(struct pit_channel *ch, int64_t tick)
{
	uint32_t count = ch->reload_pending ? ch->next_count : ch->count;

	if (is_triggered(ch) ? !ch->running && !ch->reload_pending : !ch->running)
		return;
	ch->paused = false;
	if (is_triggered(ch) || pit_channel_is_periodic(ch))
		channel_start(ch, count, tick);
	else
		ch->start = tick - ch->elapsed;
}

void pit_channel_set_gate(struct pit_channel *ch, bool level, int64_t tick)
{
	if (ch->gate == level)
		return;
	ch->gate = level;
	if (level)
		gate_rose(ch, tick);
	else
		gate_fell(ch, tick);
}

void pit_channel_set_mode(struct pit_channel *ch, unsigned mode, unsigned rw, bool bcd,
			  int64_t tick)
{
	static const uint8_t modes[8] = {0, 1, 2, 3, 4, 5, 2, 3}; /* x10, x11 */

	*ch = (struct pit_channel){
		.mode = modes[mode % 8],
		.rw = (uint8_t)rw,
		.bcd = bcd,
		.gate = ch->gate,
		.count = ch->count,
		.paused = true,
		.elapsed = channel_elapsed(ch, tick),
	};
}

void pit_channel_reset(struct pit_channel *ch, bool gate)
{
	*ch = (struct pit_channel){
		.mode = 3,
		.rw = RW_BOTH,
		.gate = gate,
		.count = 0x10000,
		.paused = true,
	};
}
