/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 programmable interval timer (datasheet 231164): three counters of
 * 16 bits, modes 0-5, binary and BCD, latch and read-back commands.
 *
 * The counters are functions of time (pit_channel.c); here are their ports and
 * the edges of IRQ 0. Ticks are counted from guest time 0, so that deadlines
 * never drift, however late a timer runs.
 *
 * Late ticks. When the machine is slow, a periodic IRQ 0 may come before the
 * last one was taken, and the two would be one. Guests that keep time by
 * counting (DOS, BIOS) then lose time, so such ticks are counted as owed, up
 * to MISSED_MAX, and each acknowledged tick is followed by one of them a
 * quarter of a period later: soon, but with time for the guest's handler.
 *
 * Left out: nothing of the chip's logic; pulses of one clock at OUT are seen
 * by IRQ 0 as an edge only.
 */
#include "devices/i8254.h"

#include <stdlib.h>

#include "base/log.h"
#include "devices/pit_channel.h"

#define PIT_PORT     0x40
#define CONTROL_PORT 3 /* offset */

/* Control word (8254 "Control Word Format"). */
#define CW_BCD            0x01
#define CW_MODE(v)        ((v) >> 1 & 7)
#define CW_RW(v)          ((v) >> 4 & 3)
#define CW_CHANNEL(v)     ((v) >> 6)
#define CW_READ_BACK      3    /* as a channel number */
#define READ_BACK_NCOUNT  0x20 /* 0: latch the count */
#define READ_BACK_NSTATUS 0x10 /* 0: latch the status */
#define READ_BACK_CHANNEL 0x02 /* << channel */

#define MISSED_MAX 100
/* A guest that programs a period of one clock must not take all our time. */
#define MIN_INTERVAL_TICKS 24 /* 20 us */

struct pit {
	struct pit_channel channels[PIT_CHANNELS];
	struct timer edge;     /* next rising edge of OUT 0 */
	struct timer catch_up; /* a missed tick is due */
	int64_t edge_tick;     /* which tick `edge` stands for */
	uint32_t missed;       /* ticks owed to the guest */
	bool outstanding;      /* IRQ 0 raised and not acknowledged */
	struct bus *bus;
	struct clock *clock;
	struct irq_line irq;
	bool (*tick_masked)(void *opaque);
	void *opaque;
	void (*speaker_count)(void *opaque);
	void *speaker_opaque;
};

static int64_t tick_now(const struct pit *pit)
{
	return (int64_t)muldiv64(clock_now(pit->clock), PIT_HZ, NS_PER_SEC);
}

/* The first nanosecond of a tick. */
static uint64_t tick_to_ns(int64_t tick)
{
	return muldiv64((uint64_t)tick, NS_PER_SEC, PIT_HZ) + 1;
}

static void pulse_tick(struct pit *pit)
{
	pit->outstanding = true;
	irq_set(&pit->irq, 0);
	irq_set(&pit->irq, 1);
}

static void owe_ticks(struct pit *pit, int64_t ticks)
{
	if (pit->tick_masked && pit->tick_masked(pit->opaque))
		return;
	pit->missed = ticks < MISSED_MAX - pit->missed ? pit->missed + (uint32_t)ticks : MISSED_MAX;
}

static void schedule_edge(struct pit *pit, int64_t tick)
{
	struct pit_channel *ch = &pit->channels[0];

	pit->edge_tick = pit_channel_next_rise(ch, tick);
	if (pit->edge_tick == TICK_NEVER) {
		timer_cancel(&pit->edge);
		return;
	}
	if (pit_channel_is_periodic(ch) && ch->count < MIN_INTERVAL_TICKS)
		pit->edge_tick = tick + MIN_INTERVAL_TICKS;
	timer_set(&pit->edge, tick_to_ns(pit->edge_tick));
}

static void on_edge(void *opaque)
{
	struct pit *pit = opaque;
	struct pit_channel *ch = &pit->channels[0];
	int64_t tick = tick_now(pit), late;

	pit_channel_sync(ch, tick);
	if (pit_channel_is_periodic(ch) && ch->count >= MIN_INTERVAL_TICKS) {
		late = (tick - pit->edge_tick) / ch->count + pit->outstanding;
		if (late > 0)
			owe_ticks(pit, late);
	}
	pulse_tick(pit);
	schedule_edge(pit, tick);
}

static void on_catch_up(void *opaque)
{
	struct pit *pit = opaque;

	if (pit->outstanding || !pit->missed)
		return;
	pit->missed--;
	pulse_tick(pit);
}

void pit_tick_acknowledged(struct pit *pit)
{
	int64_t quarter = pit->channels[0].count / 4;

	pit->outstanding = false;
	if (pit->missed)
		timer_set(&pit->catch_up, tick_to_ns(tick_now(pit) + quarter));
}

/* Counter 0 was programmed: its output may have changed, its edges have. */
static void update_irq(struct pit *pit, int64_t tick)
{
	irq_set(&pit->irq, pit_channel_out(&pit->channels[0], tick));
	schedule_edge(pit, tick);
}

static void channel_programmed(struct pit *pit, struct pit_channel *ch, int64_t tick)
{
	if (ch == &pit->channels[0])
		update_irq(pit, tick);
	else if (ch == &pit->channels[2] && pit->speaker_count)
		pit->speaker_count(pit->speaker_opaque);
}

static void write_count(struct pit *pit, struct pit_channel *ch, uint8_t value)
{
	int64_t tick = tick_now(pit);

	/* A late edge is not lost with the count that it belongs to. */
	if (ch == &pit->channels[0] && timer_is_set(&pit->edge) && pit->edge_tick <= tick)
		on_edge(pit);
	pit_channel_sync(ch, tick);
	if (pit_channel_write(ch, value, tick))
		channel_programmed(pit, ch, tick);
}

static void read_back(struct pit *pit, uint8_t value)
{
	int64_t tick = tick_now(pit);

	for (unsigned i = 0; i < PIT_CHANNELS; i++) {
		struct pit_channel *ch = &pit->channels[i];

		if (!(value & READ_BACK_CHANNEL << i))
			continue;
		pit_channel_sync(ch, tick);
		if (!(value & READ_BACK_NCOUNT))
			pit_channel_latch_count(ch, tick);
		if (!(value & READ_BACK_NSTATUS))
			pit_channel_latch_status(ch, tick);
	}
}

static void set_mode(struct pit *pit, struct pit_channel *ch, uint8_t value)
{
	int64_t tick = tick_now(pit);

	pit_channel_set_mode(ch, CW_MODE(value), CW_RW(value), value & CW_BCD, tick);
	if (ch == &pit->channels[0]) {
		pit->missed = 0;
		pit->outstanding = false;
		timer_cancel(&pit->catch_up);
	}
	LOG(LOG_TIMER, "pit: counter %d mode %u", (int)(ch - pit->channels), ch->mode);
	channel_programmed(pit, ch, tick);
}

static void write_control(struct pit *pit, uint8_t value)
{
	struct pit_channel *ch;
	int64_t tick;

	if (CW_CHANNEL(value) == CW_READ_BACK) {
		read_back(pit, value);
		return;
	}
	ch = &pit->channels[CW_CHANNEL(value)];
	tick = tick_now(pit);
	pit_channel_sync(ch, tick);
	if (CW_RW(value) == RW_LATCH)
		pit_channel_latch_count(ch, tick);
	else
		set_mode(pit, ch, value);
}

static void pit_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct pit *pit = opaque;
	unsigned offset = port - PIT_PORT;

	if (offset == CONTROL_PORT)
		write_control(pit, (uint8_t)value);
	else
		write_count(pit, &pit->channels[offset % PIT_CHANNELS], (uint8_t)value);
}

static uint32_t pit_read(void *opaque, uint16_t port, unsigned size)
{
	struct pit *pit = opaque;
	unsigned offset = port - PIT_PORT;
	struct pit_channel *ch;
	int64_t tick;

	if (offset >= PIT_CHANNELS)
		return 0xff; /* the control register cannot be read */
	ch = &pit->channels[offset];
	tick = tick_now(pit);
	pit_channel_sync(ch, tick);
	return pit_channel_read(ch, tick);
}

static const struct port_ops pit_ports = {pit_read, pit_write, 1};

void pit_set_gate(struct pit *pit, unsigned channel, bool level)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];
	int64_t tick = tick_now(pit);

	pit_channel_sync(ch, tick);
	pit_channel_set_gate(ch, level, tick);
	if (channel == 0)
		update_irq(pit, tick);
}

bool pit_output(struct pit *pit, unsigned channel)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];
	int64_t tick = tick_now(pit);

	pit_channel_sync(ch, tick);
	return pit_channel_out(ch, tick);
}

uint32_t pit_period(struct pit *pit, unsigned channel)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];

	pit_channel_sync(ch, tick_now(pit));
	return ch->running ? ch->count : 0;
}

void pit_on_speaker_count(struct pit *pit, void (*fn)(void *opaque), void *opaque)
{
	pit->speaker_count = fn;
	pit->speaker_opaque = opaque;
}

unsigned pit_missed_ticks(const struct pit *pit)
{
	return pit->missed;
}

static void pit_reset(void *state)
{
	struct pit *pit = state;

	timer_cancel(&pit->edge);
	timer_cancel(&pit->catch_up);
	pit->missed = 0;
	pit->outstanding = false;
	/* Port 61h holds the gate of the speaker. */
	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		pit_channel_reset(&pit->channels[i], i != 2);
}

struct pit *pit_create(const struct pit_wiring *w)
{
	struct pit *pit = calloc(1, sizeof(*pit));

	if (!pit)
		return NULL;
	pit->bus = w->bus;
	pit->clock = w->clock;
	pit->irq = w->irq;
	pit->tick_masked = w->tick_masked;
	pit->opaque = w->opaque;
	timer_init(&pit->edge, w->clock, on_edge, pit);
	timer_init(&pit->catch_up, w->clock, on_catch_up, pit);
	pit_reset(pit);
	bus_claim_ports(w->bus, PIT_PORT, PIT_CHANNELS + 1, &pit_ports, pit);
	return pit;
}

static void pit_destroy(void *state)
{
	struct pit *pit = state;

	timer_cancel(&pit->edge);
	timer_cancel(&pit->catch_up);
	bus_release_ports(pit->bus, PIT_PORT, PIT_CHANNELS + 1, pit);
	free(pit);
}

#define PIT_FIELD(i, member) FIELD(struct pit, channels[i].member)
#define CHANNEL_FIELDS(i)                                                                          \
	PIT_FIELD(i, mode), PIT_FIELD(i, rw), PIT_FIELD(i, bcd), PIT_FIELD(i, gate),               \
		PIT_FIELD(i, running), PIT_FIELD(i, paused), PIT_FIELD(i, elapsed),                \
		PIT_FIELD(i, start), PIT_FIELD(i, count), PIT_FIELD(i, reload_pending),            \
		PIT_FIELD(i, next_count), PIT_FIELD(i, switch_at), PIT_FIELD(i, write_msb_next),   \
		PIT_FIELD(i, read_msb_next), PIT_FIELD(i, write_lsb), PIT_FIELD(i, latched_bytes), \
		PIT_FIELD(i, latched_count), PIT_FIELD(i, status_latched),                         \
		PIT_FIELD(i, latched_status)

static const struct field pit_fields[] = {
	CHANNEL_FIELDS(0),	   CHANNEL_FIELDS(1),		   CHANNEL_FIELDS(2),
	FIELD(struct pit, missed), FIELD(struct pit, outstanding), FIELD_END,
};

const struct device_class pit_class = {
	.name = "i8254",
	.version = 1,
	.reset = pit_reset,
	.destroy = pit_destroy,
	.fields = pit_fields,
};
