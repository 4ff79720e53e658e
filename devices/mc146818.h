/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MC146818 real-time clock with its CMOS memory. */
#ifndef DEVICES_MC146818_H
#define DEVICES_MC146818_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"

#define RTC_CMOS_SIZE 128

struct rtc;

struct rtc_wiring {
	struct bus *bus;
	struct clock *clock;  /* clock_wall_base() is what it shows at first */
	struct irq_line irq;  /* IRQ 8 */
	/* Bit 7 of port 70h changed: NMI is masked. NULL: not wanted. */
	void (*mask_nmi)(void *opaque, bool masked);
	/* Whether the guest has IRQ 8 masked (see pit_wiring). NULL: never. */
	bool (*irq_masked)(void *opaque);
	void *opaque;
};

extern const struct device_class rtc_class;

/* Claims ports 70 and 71. The memory is zero. NULL: no memory. */
struct rtc *rtc_create(const struct rtc_wiring *w);

/* CMOS bytes from 0x0e on, as a set-up program would leave them. */
void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value);
uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index);

/* What the clock shows now, in seconds since 1970, guest-set time included. */
int64_t rtc_seconds(struct rtc *rtc);

#endif
