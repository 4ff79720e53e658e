/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Motorola MC146818 real-time clock (datasheet MC146818/D) as the PC/AT
 * has it: index at port 70h, data at 71h, interrupt 8, century at 32h.
 *
 * The time registers are computed when they are read: the clock shows the wall
 * time of guest time 0, plus what the guest changed, plus guest time since.
 * Flags of register C are found in the same way (what has happened since the
 * last look?), so that timers run only for interrupts that are enabled. While
 * SET or the divider reset holds the clock, the registers are plain memory.
 *
 * Periodic interrupts that a slow machine could not deliver are owed to the
 * guest and follow one by one after its reads of register C, as the 8254's.
 *
 * Left out: daylight saving, the square-wave pin, divider values other than
 * "run" and "reset". The memory is kept over RESET#, as the battery does.
 */
#include "devices/mc146818.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"

#define INDEX_PORT 0x70
#define DATA_PORT  0x71
#define NMI_MASK   0x80

enum {
	REG_SECONDS = 0x00,
	REG_SECONDS_ALARM,
	REG_MINUTES,
	REG_MINUTES_ALARM,
	REG_HOURS,
	REG_HOURS_ALARM,
	REG_WEEKDAY, /* 1 is Sunday */
	REG_DAY,
	REG_MONTH,
	REG_YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	REG_CENTURY = 0x32,
};

#define A_UIP          0x80 /* update in progress */
#define A_DIVIDER      0x70
#define A_DIVIDER_RUN  0x20
#define A_DIVIDER_HELD 0x60 /* 11x */
#define A_RATE         0x0f

#define B_SET  0x80
#define B_PIE  0x40 /* periodic, alarm, update-ended interrupt enables */
#define B_AIE  0x20
#define B_UIE  0x10
#define B_SQWE 0x08
#define B_DM   0x04 /* binary */
#define B_24H  0x02

/* Flags of C are at the places of their enables in B. */
#define C_IRQF 0x80
#define C_PF   B_PIE
#define C_AF   B_AIE
#define C_UF   B_UIE
#define ENABLES (B_PIE | B_AIE | B_UIE)

#define D_VRT 0x80 /* the battery is good */

#define HOUR_PM        0x80
#define ALARM_ANY      0xc0 /* both bits: matches always */
#define UIP_NS         244141 /* tBUC: UIP rises this long before an update */
#define DIVIDER_HZ     32768
#define SECONDS_A_DAY  86400
#define OWED_MAX       100

struct rtc {
	uint8_t cmos[RTC_CMOS_SIZE];
	uint8_t index;
	bool nmi_masked;
	/* The clock shows wall base + offset at guest time start. */
	int64_t offset; /* seconds */
	int64_t start;  /* ns of guest time, of a second's begin; may be < 0 */
	uint8_t weekday_offset; /* the guest counts days from another one */
	/* Until where flags have been looked for. */
	int64_t seen_second; /* since 1970 */
	uint64_t seen_period;
	uint32_t owed; /* periodic interrupts */
	struct timer second;   /* the next update or alarm interrupt */
	struct timer periodic; /* the next periodic interrupt */
	struct timer catch_up; /* an owed one */
	struct rtc_wiring wiring;
};

static bool divider_held(const struct rtc *rtc)
{
	return (rtc->cmos[REG_A] & A_DIVIDER_HELD) == A_DIVIDER_HELD;
}

/* The time registers stand still. */
static bool is_held(const struct rtc *rtc)
{
	return rtc->cmos[REG_B] & B_SET || divider_held(rtc);
}

static uint64_t ns_since_start(const struct rtc *rtc)
{
	return clock_now(rtc->wiring.clock) - (uint64_t)rtc->start;
}

int64_t rtc_seconds(struct rtc *rtc)
{
	return clock_wall_base(rtc->wiring.clock) + rtc->offset +
	       (int64_t)(ns_since_start(rtc) / NS_PER_SEC);
}

/* Guest time at which the clock begins to show a second; 0 if that is past. */
static uint64_t second_to_ns(const struct rtc *rtc, int64_t second)
{
	int64_t ahead = second - clock_wall_base(rtc->wiring.clock) - rtc->offset;
	int64_t when = rtc->start + ahead * (int64_t)NS_PER_SEC;

	return when > 0 ? (uint64_t)when : 0;
}

static uint8_t encode(const struct rtc *rtc, int value)
{
	if (rtc->cmos[REG_B] & B_DM)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static int decode(const struct rtc *rtc, uint8_t value)
{
	return rtc->cmos[REG_B] & B_DM ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[REG_B] & B_24H)
		return encode(rtc, hour);
	return (uint8_t)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}

static int decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->cmos[REG_B] & B_24H)
		return decode(rtc, value);
	return decode(rtc, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Writes the time shown now into the registers. */
static void store_time(struct rtc *rtc)
{
	time_t seconds = (time_t)rtc_seconds(rtc);
	struct tm tm = {.tm_mday = 1, .tm_year = 70};
	int year;

	gmtime_r(&seconds, &tm);
	year = (tm.tm_year + 1900) % 10000;
	year = year < 0 ? 0 : year;
	rtc->cmos[REG_SECONDS] = encode(rtc, tm.tm_sec);
	rtc->cmos[REG_MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[REG_HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[REG_WEEKDAY] = (uint8_t)((tm.tm_wday + rtc->weekday_offset) % 7 + 1);
	rtc->cmos[REG_DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[REG_MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[REG_YEAR] = encode(rtc, year % 100);
	rtc->cmos[REG_CENTURY] = encode(rtc, year / 100);
}

/* Divider clocks in a period (MC146818 table 5); 0: none. */
static uint64_t period_clocks(const struct rtc *rtc)
{
	unsigned rate = rtc->cmos[REG_A] & A_RATE;

	if (!rate || divider_held(rtc))
		return 0;
	return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static uint64_t period_now(const struct rtc *rtc)
{
	uint64_t clocks = period_clocks(rtc);

	return clocks ? muldiv64(ns_since_start(rtc), DIVIDER_HZ, NS_PER_SEC * clocks) : 0;
}

/* Makes the clock go on from what the registers say. */
static void load_time(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[REG_SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[REG_MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[REG_HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[REG_DAY]),
		.tm_mon = decode(rtc, rtc->cmos[REG_MONTH]) - 1,
		.tm_year = decode(rtc, rtc->cmos[REG_YEAR]) - 1900 +
			   100 * decode(rtc, rtc->cmos[REG_CENTURY]),
	};
	int64_t seconds = timegm(&tm); /* normalises what no calendar has */

	rtc->weekday_offset = (uint8_t)((rtc->cmos[REG_WEEKDAY] + 6 + 7 - tm.tm_wday) % 7);
	/* The divider goes on: only whole seconds change. */
	rtc->start += (int64_t)(ns_since_start(rtc) / NS_PER_SEC * NS_PER_SEC);
	rtc->offset = seconds - clock_wall_base(rtc->wiring.clock);
	rtc->seen_second = seconds;
	rtc->seen_period = period_now(rtc);
	LOG(LOG_TIMER, "rtc: set to %lld s", (long long)seconds);
}

static uint64_t period_to_ns(const struct rtc *rtc, uint64_t period)
{
	return (uint64_t)rtc->start +
	       muldiv64(period, NS_PER_SEC * period_clocks(rtc), DIVIDER_HZ) + 1;
}

static bool alarm_matches(const struct rtc *rtc, unsigned reg, uint8_t shown)
{
	uint8_t alarm = rtc->cmos[reg];

	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == shown;
}

static bool alarm_second_exists(const struct rtc *rtc)
{
	for (int s = 0; s < 60; s++)
		if (alarm_matches(rtc, REG_SECONDS_ALARM, encode(rtc, s)))
			return true;
	return false;
}

/* Seconds from a second of the day to the next alarm; 0: there is none. */
static int seconds_to_alarm(const struct rtc *rtc, int64_t second)
{
	int day_second = (int)((second % SECONDS_A_DAY + SECONDS_A_DAY) % SECONDS_A_DAY);
	int end = day_second + SECONDS_A_DAY, s = day_second + 1;

	if (!alarm_second_exists(rtc))
		return 0; /* or the search below would try all of a day */
	while (s <= end) {
		int of_day = s % SECONDS_A_DAY;

		if (!alarm_matches(rtc, REG_HOURS_ALARM, encode_hour(rtc, of_day / 3600)))
			s += 3600 - of_day % 3600;
		else if (!alarm_matches(rtc, REG_MINUTES_ALARM, encode(rtc, of_day / 60 % 60)))
			s += 60 - of_day % 60;
		else if (!alarm_matches(rtc, REG_SECONDS_ALARM, encode(rtc, of_day % 60)))
			s++;
		else
			return s - day_second;
	}
	return 0;
}

static void owe_periods(struct rtc *rtc, uint64_t periods)
{
	if (!(rtc->cmos[REG_B] & B_PIE))
		return;
	if (rtc->wiring.irq_masked && rtc->wiring.irq_masked(rtc->wiring.opaque))
		return;
	rtc->owed = periods < OWED_MAX - rtc->owed ? rtc->owed + (uint32_t)periods : OWED_MAX;
}

static void sync_periodic_flag(struct rtc *rtc)
{
	uint64_t passed = period_now(rtc) - rtc->seen_period;

	if (!passed || !period_clocks(rtc))
		return;
	rtc->seen_period += passed;
	/* One is delivered now, unless the guest has not taken the last one. */
	if (!(rtc->cmos[REG_C] & C_PF))
		passed--;
	owe_periods(rtc, passed);
	rtc->cmos[REG_C] |= C_PF;
}

/* Sets the flags of what has happened since the last look. */
static void sync_flags(struct rtc *rtc)
{
	int64_t second = rtc_seconds(rtc);
	int wait;

	sync_periodic_flag(rtc);
	if (is_held(rtc) || second == rtc->seen_second)
		return;
	rtc->cmos[REG_C] |= C_UF;
	wait = seconds_to_alarm(rtc, rtc->seen_second);
	if (wait && second - rtc->seen_second >= wait)
		rtc->cmos[REG_C] |= C_AF;
	rtc->seen_second = second;
}

static void update_irq(struct rtc *rtc)
{
	bool irq = rtc->cmos[REG_B] & rtc->cmos[REG_C] & ENABLES;

	rtc->cmos[REG_C] = (uint8_t)(irq ? rtc->cmos[REG_C] | C_IRQF : rtc->cmos[REG_C] & ~C_IRQF);
	irq_set(&rtc->wiring.irq, irq);
}

static void schedule_second(struct rtc *rtc)
{
	int64_t second = rtc_seconds(rtc);
	int wait = 0;

	if (rtc->cmos[REG_B] & B_UIE)
		wait = 1;
	else if (rtc->cmos[REG_B] & B_AIE)
		wait = seconds_to_alarm(rtc, second);
	if (wait && !is_held(rtc))
		timer_set(&rtc->second, second_to_ns(rtc, second + wait));
	else
		timer_cancel(&rtc->second);
}

static void schedule_periodic(struct rtc *rtc)
{
	if (rtc->cmos[REG_B] & B_PIE && period_clocks(rtc)) {
		timer_set(&rtc->periodic, period_to_ns(rtc, period_now(rtc) + 1));
		return;
	}
	timer_cancel(&rtc->periodic);
	timer_cancel(&rtc->catch_up);
	rtc->owed = 0;
}

static void reschedule(struct rtc *rtc)
{
	update_irq(rtc);
	schedule_second(rtc);
	schedule_periodic(rtc);
}

static void on_second(void *opaque)
{
	struct rtc *rtc = opaque;

	sync_flags(rtc);
	update_irq(rtc);
	schedule_second(rtc);
}

static void on_periodic(void *opaque)
{
	struct rtc *rtc = opaque;

	sync_flags(rtc);
	update_irq(rtc);
	schedule_periodic(rtc);
}

static void on_catch_up(void *opaque)
{
	struct rtc *rtc = opaque;

	if (!rtc->owed || rtc->cmos[REG_C] & C_PF)
		return;
	rtc->owed--;
	rtc->cmos[REG_C] |= C_PF;
	update_irq(rtc);
}

static uint8_t read_flags(struct rtc *rtc)
{
	uint64_t quarter = muldiv64(NS_PER_SEC, period_clocks(rtc), 4 * DIVIDER_HZ);
	uint8_t flags;

	sync_flags(rtc);
	update_irq(rtc);
	flags = rtc->cmos[REG_C];
	rtc->cmos[REG_C] = 0;
	update_irq(rtc);
	if (rtc->owed)
		timer_set(&rtc->catch_up, clock_now(rtc->wiring.clock) + quarter);
	return flags;
}

static bool is_time_register(unsigned reg)
{
	return reg == REG_CENTURY || (reg <= REG_YEAR && reg != REG_SECONDS_ALARM &&
				      reg != REG_MINUTES_ALARM && reg != REG_HOURS_ALARM);
}

/* Registers A and B: the clock may stop, or go on from what is set. */
static void write_control(struct rtc *rtc, unsigned reg, uint8_t value)
{
	bool was_held = is_held(rtc), divider_was_held = divider_held(rtc);

	if (!was_held)
		store_time(rtc);
	if (reg == REG_A)
		value &= (uint8_t)~A_UIP;
	else if (value & B_SET)
		value &= (uint8_t)~B_UIE; /* MC146818 "SET" */
	rtc->cmos[reg] = value;
	/* From its reset the divider needs half a second to the first update. */
	if (divider_was_held && !divider_held(rtc))
		rtc->start = (int64_t)clock_now(rtc->wiring.clock) - (int64_t)NS_PER_SEC / 2;
	if (was_held && !is_held(rtc))
		load_time(rtc);
	rtc->seen_period = period_now(rtc);
}

static void write_register(struct rtc *rtc, unsigned reg, uint8_t value)
{
	if (reg == REG_C || reg == REG_D)
		return;
	sync_flags(rtc);
	if (reg == REG_A || reg == REG_B) {
		write_control(rtc, reg, value);
	} else if (is_time_register(reg) && !is_held(rtc)) {
		store_time(rtc);
		rtc->cmos[reg] = value;
		load_time(rtc);
	} else {
		rtc->cmos[reg] = value;
	}
	if (reg <= REG_B || reg == REG_CENTURY)
		reschedule(rtc);
}

static bool update_in_progress(const struct rtc *rtc)
{
	return !is_held(rtc) && ns_since_start(rtc) % NS_PER_SEC >= NS_PER_SEC - UIP_NS;
}

static uint8_t read_register(struct rtc *rtc, unsigned reg)
{
	if (reg == REG_A)
		return rtc->cmos[REG_A] | (update_in_progress(rtc) ? A_UIP : 0);
	if (reg == REG_C)
		return read_flags(rtc);
	if (reg == REG_D)
		return D_VRT;
	if (is_time_register(reg) && !is_held(rtc))
		store_time(rtc);
	return rtc->cmos[reg];
}

static void rtc_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
	struct rtc *rtc = opaque;
	bool masked = value & NMI_MASK;

	if (port == DATA_PORT) {
		write_register(rtc, rtc->index, (uint8_t)value);
		return;
	}
	rtc->index = value % RTC_CMOS_SIZE;
	if (masked != rtc->nmi_masked && rtc->wiring.mask_nmi)
		rtc->wiring.mask_nmi(rtc->wiring.opaque, masked);
	rtc->nmi_masked = masked;
}

static uint32_t rtc_read(void *opaque, uint16_t port, unsigned size)
{
	struct rtc *rtc = opaque;

	/* The index register cannot be read. */
	return port == DATA_PORT ? read_register(rtc, rtc->index) : 0xff;
}

static const struct port_ops rtc_ports = {rtc_read, rtc_write, 1};

void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value)
{
	if (index > REG_D && index < RTC_CMOS_SIZE && index != REG_CENTURY)
		rtc->cmos[index] = value;
}

uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index)
{
	return index < RTC_CMOS_SIZE ? rtc->cmos[index] : 0;
}

/* RESET# (MC146818 "RESET"): interrupts off; time and memory stay. */
static void rtc_reset(void *state)
{
	struct rtc *rtc = state;

	rtc->cmos[REG_B] &= (uint8_t)~(ENABLES | B_SQWE);
	rtc->cmos[REG_C] = 0;
	rtc->index = 0;
	if (rtc->nmi_masked && rtc->wiring.mask_nmi)
		rtc->wiring.mask_nmi(rtc->wiring.opaque, false);
	rtc->nmi_masked = false;
	reschedule(rtc);
}

struct rtc *rtc_create(const struct rtc_wiring *w)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		return NULL;
	rtc->wiring = *w;
	timer_init(&rtc->second, w->clock, on_second, rtc);
	timer_init(&rtc->periodic, w->clock, on_periodic, rtc);
	timer_init(&rtc->catch_up, w->clock, on_catch_up, rtc);
	rtc->cmos[REG_A] = A_DIVIDER_RUN | 6; /* 1024 Hz, as every BIOS sets it */
	rtc->cmos[REG_B] = B_24H;
	rtc->seen_second = rtc_seconds(rtc);
	rtc_reset(rtc);
	bus_claim_ports(w->bus, INDEX_PORT, 2, &rtc_ports, rtc);
	return rtc;
}

static void rtc_destroy(void *state)
{
	struct rtc *rtc = state;

	timer_cancel(&rtc->second);
	timer_cancel(&rtc->periodic);
	timer_cancel(&rtc->catch_up);
	bus_release_ports(rtc->wiring.bus, INDEX_PORT, 2, rtc);
	free(rtc);
}

static const struct field rtc_fields[] = {
	FIELD_ARRAY(struct rtc, cmos),
	FIELD(struct rtc, index),
	FIELD(struct rtc, nmi_masked),
	FIELD(struct rtc, offset),
	FIELD(struct rtc, start),
	FIELD(struct rtc, weekday_offset),
	FIELD(struct rtc, seen_second),
	FIELD(struct rtc, seen_period),
	FIELD(struct rtc, owed),
	FIELD_END,
};

const struct device_class rtc_class = {
	.name = "mc146818",
	.version = 1,
	.reset = rtc_reset,
	.destroy = rtc_destroy,
	.fields = rtc_fields,
};
