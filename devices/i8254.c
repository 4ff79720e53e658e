/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 programmable interval timer (datasheet 231164): three counters of
 * 16 bits, modes 0-5, binary and BCD, latch and read-back commands.
 *
 * Nothing counts here. A counter remembers the clock tick at which its count
 * was loaded; its value, its output and its next edge follow from how many
 * ticks have passed. Ticks are counted from guest time 0, so that deadlines
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

#define PIT_PORT     0x40
#define CONTROL_PORT 3 /* offset */

/* Control word (8254 "Control Word Format"). */
#define CW_BCD           0x01
#define CW_MODE(v)       ((v) >> 1 & 7)
#define CW_RW(v)         ((v) >> 4 & 3)
#define CW_CHANNEL(v)    ((v) >> 6)
#define CW_READ_BACK     3    /* as a channel number */
#define READ_BACK_NCOUNT 0x20 /* 0: latch the count */
#define READ_BACK_NSTATUS 0x10 /* 0: latch the status */
#define READ_BACK_CHANNEL 0x02 /* << channel */
#define STATUS_OUT       0x80
#define STATUS_NULL      0x40

#define RW_LATCH 0 /* the counter latch command */
#define RW_LSB   1
#define RW_MSB   2
#define RW_BOTH  3

#define TICK_NEVER INT64_MAX

#define MISSED_MAX 100
/* A guest that programs a period of one clock must not take all our time. */
#define MIN_INTERVAL_TICKS 24 /* 20 us */

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

static bool is_periodic(const struct pit_channel *ch)
{
	return ch->mode == 2 || ch->mode == 3;
}

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
static void channel_sync(struct pit_channel *ch, int64_t tick)
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

static bool channel_out(const struct pit_channel *ch, int64_t tick)
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
static int64_t channel_next_rise(const struct pit_channel *ch, int64_t after)
{
	int64_t rise;

	if (!ch->running || ch->paused)
		return TICK_NEVER;
	if (!is_periodic(ch)) {
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

	pit->edge_tick = channel_next_rise(ch, tick);
	if (pit->edge_tick == TICK_NEVER) {
		timer_cancel(&pit->edge);
		return;
	}
	if (is_periodic(ch) && ch->count < MIN_INTERVAL_TICKS)
		pit->edge_tick = tick + MIN_INTERVAL_TICKS;
	timer_set(&pit->edge, tick_to_ns(pit->edge_tick));
}

static void on_edge(void *opaque)
{
	struct pit *pit = opaque;
	struct pit_channel *ch = &pit->channels[0];
	int64_t tick = tick_now(pit), late;

	channel_sync(ch, tick);
	if (is_periodic(ch) && ch->count >= MIN_INTERVAL_TICKS) {
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
	irq_set(&pit->irq, channel_out(&pit->channels[0], tick));
	schedule_edge(pit, tick);
}

static void channel_programmed(struct pit *pit, struct pit_channel *ch, int64_t tick)
{
	if (ch == &pit->channels[0])
		update_irq(pit, tick);
	else if (ch == &pit->channels[2] && pit->speaker_count)
		pit->speaker_count(pit->speaker_opaque);
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
	if (is_triggered(ch) || (is_periodic(ch) && ch->running && !ch->paused)) {
		if (!ch->reload_pending)
			ch->switch_at = is_periodic(ch) ? cycle_end(ch, tick) : TICK_NEVER;
		ch->next_count = count;
		ch->reload_pending = true;
		return;
	}
	channel_start(ch, count, tick);
	ch->paused = !ch->gate;
}

static void write_count(struct pit *pit, struct pit_channel *ch, uint8_t value)
{
	int64_t tick = tick_now(pit);

	channel_sync(ch, tick);
	if (ch->rw == RW_BOTH && !ch->write_msb_next) {
		ch->write_msb_next = true;
		ch->write_lsb = value;
		if (ch->mode != 0)
			return;
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
	channel_programmed(pit, ch, tick);
}

static void latch_count(struct pit_channel *ch, int64_t tick)
{
	if (ch->latched_bytes)
		return; /* the first latch holds until it is read */
	ch->latched_count = channel_count(ch, tick);
	ch->latched_bytes = ch->rw == RW_BOTH ? 2 : 1;
}

static void latch_status(struct pit_channel *ch, int64_t tick)
{
	bool null = ch->reload_pending || !ch->running || (!ch->paused && tick < ch->start);

	if (ch->status_latched)
		return;
	ch->status_latched = true;
	ch->latched_status = (uint8_t)((channel_out(ch, tick) ? STATUS_OUT : 0) |
				       (null ? STATUS_NULL : 0) | ch->rw << 4 | ch->mode << 1 |
				       (ch->bcd ? CW_BCD : 0));
}

static void read_back(struct pit *pit, uint8_t value)
{
	int64_t tick = tick_now(pit);

	for (unsigned i = 0; i < PIT_CHANNELS; i++) {
		struct pit_channel *ch = &pit->channels[i];

		if (!(value & READ_BACK_CHANNEL << i))
			continue;
		channel_sync(ch, tick);
		if (!(value & READ_BACK_NCOUNT))
			latch_count(ch, tick);
		if (!(value & READ_BACK_NSTATUS))
			latch_status(ch, tick);
	}
}

static void set_mode(struct pit *pit, struct pit_channel *ch, uint8_t value)
{
	static const uint8_t modes[8] = {0, 1, 2, 3, 4, 5, 2, 3}; /* x10, x11 */
	struct pit_channel old = *ch;

	*ch = (struct pit_channel){
		.mode = modes[CW_MODE(value)],
		.rw = CW_RW(value),
		.bcd = value & CW_BCD,
		.gate = old.gate,
		.count = old.count,
		.paused = true,
		.elapsed = channel_elapsed(&old, tick_now(pit)),
	};
	if (ch == &pit->channels[0]) {
		pit->missed = 0;
		pit->outstanding = false;
		timer_cancel(&pit->catch_up);
	}
	LOG(LOG_TIMER, "pit: counter %d mode %u", (int)(ch - pit->channels), ch->mode);
	channel_programmed(pit, ch, tick_now(pit));
}

static void write_control(struct pit *pit, uint8_t value)
{
	struct pit_channel *ch;

	if (CW_CHANNEL(value) == CW_READ_BACK) {
		read_back(pit, value);
		return;
	}
	ch = &pit->channels[CW_CHANNEL(value)];
	channel_sync(ch, tick_now(pit));
	if (CW_RW(value) == RW_LATCH)
		latch_count(ch, tick_now(pit));
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

static uint8_t read_latched(struct pit_channel *ch)
{
	bool msb = ch->rw == RW_MSB || (ch->rw == RW_BOTH && ch->latched_bytes == 1);

	ch->latched_bytes--;
	return (uint8_t)(msb ? ch->latched_count >> 8 : ch->latched_count);
}

static uint32_t pit_read(void *opaque, uint16_t port, unsigned size)
{
	struct pit *pit = opaque;
	unsigned offset = port - PIT_PORT;
	struct pit_channel *ch;
	uint16_t count;
	bool msb;

	if (offset >= PIT_CHANNELS)
		return 0xff; /* the control register cannot be read */
	ch = &pit->channels[offset];
	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->latched_status;
	}
	if (ch->latched_bytes)
		return read_latched(ch);
	channel_sync(ch, tick_now(pit));
	count = channel_count(ch, tick_now(pit));
	msb = ch->rw == RW_MSB || (ch->rw == RW_BOTH && ch->read_msb_next);
	ch->read_msb_next = ch->rw == RW_BOTH && !msb;
	return (uint8_t)(msb ? count >> 8 : count);
}

static const struct port_ops pit_ports = {pit_read, pit_write, 1};

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
	if (is_triggered(ch) || is_periodic(ch))
		channel_start(ch, count, tick);
	else
		ch->start = tick - ch->elapsed;
}

void pit_set_gate(struct pit *pit, unsigned channel, bool level)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];
	int64_t tick = tick_now(pit);

	channel_sync(ch, tick);
	if (ch->gate == level)
		return;
	ch->gate = level;
	if (level)
		gate_rose(ch, tick);
	else
		gate_fell(ch, tick);
	if (channel == 0)
		update_irq(pit, tick);
}

bool pit_output(struct pit *pit, unsigned channel)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];
	int64_t tick = tick_now(pit);

	channel_sync(ch, tick);
	return channel_out(ch, tick);
}

uint32_t pit_period(struct pit *pit, unsigned channel)
{
	struct pit_channel *ch = &pit->channels[channel % PIT_CHANNELS];

	channel_sync(ch, tick_now(pit));
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
	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		pit->channels[i] = (struct pit_channel){
			.mode = 3,
			.rw = RW_BOTH,
			.gate = i != 2, /* port 61h holds that of the speaker */
			.count = 0x10000,
			.paused = true,
		};
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
