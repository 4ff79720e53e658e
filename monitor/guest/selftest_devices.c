/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of the machine's devices. They read and restore; nothing on a disk is
 * written.
 */
#include "selftest.h"

#include "input.h"
#include "screen.h"

#define PIC1_MASK 0x21
#define PIC1_COMMAND 0x20
#define PIC_READ_IRR 0x0a
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define RTC_B 0x0b
#define RTC_PERIODIC 0x40
#define COM1 0x3f8
#define MCR_LOOP 0x10
#define PIIX4_PM_DEVICE 1
#define PIIX4_PM_FUNCTION 3
#define PMBASE 0x40
#define PM_TIMER 8
#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0xffffff
#define APIC_BASE ((volatile uint32_t *)0xfee00000)
#define APIC_VERSION (0x30 / 4)
#define VBE_INDEX 0x1ce
#define VBE_DATA 0x1cf
#define CMOS_FLOPPIES    0x10
#define FLOPPY_DOR       0x3f2
#define FLOPPY_NOT_RESET 0x04
#define FLOPPY_DMA_GATE  0x08
#define FLOPPY_MSR       0x3f4
#define FLOPPY_RQM       0x80
#define ATA_IDENTIFY 0xec
#define ATA_BSY 0x80
#define ATA_DRQ 0x08
#define ATA_ERR 0x01

static enum outcome timer(char *note, size_t size)
{
	struct rtc_time t;
	uint32_t start;
	unsigned second;

	rtc_read(&t);
	second = t.second;
	for (start = ticks; t.second == second && ticks - start < 20 * TIMER_HZ; rtc_read(&t))
		wait_interrupt();
	second = t.second;
	for (start = ticks; t.second == second && ticks - start < 20 * TIMER_HZ; rtc_read(&t))
		wait_interrupt();
	start = ticks - start;
	format_text(note, size, "%u ticks of %u Hz in a second of the RTC", start, TIMER_HZ);
	return start > TIMER_HZ / 2 && start < TIMER_HZ * 3 / 2;
}

static enum outcome masking(char *note, size_t size)
{
	uint32_t before;
	uint8_t pending;

	(void)note, (void)size;
	irq_mask(0, true);
	before = ticks;
	for (uint32_t tries = 0; tries < 10000000; tries++) {
		out8(PIC1_COMMAND, PIC_READ_IRR);
		pending = in8(PIC1_COMMAND);
		if (pending & 1)
			break;
	}
	if (!(pending & 1) || ticks != before) {
		irq_mask(0, false);
		return FAILED;
	}
	irq_mask(0, false);
	wait_ticks(1);
	return PASSED;
}

static enum outcome clock_date(char *note, size_t size)
{
	struct rtc_time t;

	rtc_read(&t);
	format_text(note, size, "%04u-%02u-%02u %02u:%02u:%02u", t.year, t.month, t.day, t.hour,
		    t.minute, t.second);
	return t.year >= 1980 && t.year < 2100 && t.month >= 1 && t.month <= 12 && t.day >= 1 &&
	       t.day <= 31 && t.hour < 24 && t.minute < 60 && t.second < 60;
}

/* IRQ 8's handler selects a register too, which must not come between. */
static void rtc_periodic(bool on)
{
	uint8_t b;

	__asm__ volatile("cli" ::: "memory");
	b = cmos_read(RTC_B);
	out8(CMOS_INDEX, RTC_B);
	out8(CMOS_DATA, on ? b | RTC_PERIODIC : b & ~RTC_PERIODIC);
	__asm__ volatile("sti" ::: "memory");
}

static enum outcome periodic(char *note, size_t size)
{
	uint32_t start = irq_count[8], began = ticks;

	out8(CMOS_INDEX, 0x0c);
	in8(CMOS_DATA);
	irq_mask(8, false);
	rtc_periodic(true);
	while (irq_count[8] - start < 20 && ticks - began < 2 * TIMER_HZ)
		wait_interrupt();
	rtc_periodic(false);
	irq_mask(8, true);
	format_text(note, size, "IRQ 8 through the second 8259");
	return irq_count[8] - start >= 20;
}

static enum outcome pm_timer(char *note, size_t size)
{
	uint16_t port;
	uint32_t first, passed, hz;

	if (pci_read(PIIX4_PM_DEVICE, PIIX4_PM_FUNCTION, 0) != 0x71138086)
		return SKIPPED;
	port = (pci_read(PIIX4_PM_DEVICE, PIIX4_PM_FUNCTION, PMBASE) & 0xffc0) + PM_TIMER;
	wait_ticks(1);
	first = in32(port);
	wait_ticks(10);
	passed = (in32(port) - first) & PM_TIMER_MASK;
	hz = passed * (TIMER_HZ / 10);
	format_text(note, size, "%u kHz by the PIT", hz / 1000);
	return hz > PM_TIMER_HZ / 2 && hz < PM_TIMER_HZ * 2;
}

static enum outcome serial(char *note, size_t size)
{
	uint8_t mcr = in8(COM1 + 4);
	bool good = true;

	(void)note, (void)size;
	if (in8(COM1 + 5) == 0xff)
		return SKIPPED;
	for (unsigned tries = 0; tries < 100000 && !(in8(COM1 + 5) & 0x40); tries++)
		;
	out8(COM1 + 4, mcr | MCR_LOOP);
	for (unsigned v = 0x55; v; v = v == 0x55 ? 0xaa : 0) {
		out8(COM1, v);
		for (unsigned tries = 0; tries < 100000 && !(in8(COM1 + 5) & 1); tries++)
			;
		good &= in8(COM1) == v;
	}
	out8(COM1 + 4, mcr);
	return good;
}

static enum outcome keyboard(char *note, size_t size)
{
	(void)note, (void)size;
	return controller_self_test() && keyboard_echo();
}

static enum outcome mouse(char *note, size_t size)
{
	(void)note, (void)size;
	return input_init();
}

static enum outcome bridges(char *note, size_t size)
{
	unsigned n = 0;

	for (unsigned device = 0; device < 32; device++)
		for (unsigned function = 0; function < 8; function++)
			n += (pci_read(device, function, 0) & 0xffff) != 0xffff;
	format_text(note, size, "host bridge %04x:%04x, %u functions", pci_read(0, 0, 0) & 0xffff,
		    pci_read(0, 0, 0) >> 16, n);
	return pci_read(0, 0, 0) == 0x12378086;
}

/* IDENTIFY DEVICE, polled. */
static bool identify(uint16_t base, bool slave, char *model, size_t size)
{
	uint16_t words[256];
	uint8_t status = 0;

	out8(base + 6, slave ? 0xb0 : 0xa0);
	for (unsigned i = 0; i < 8; i++)
		status = in8(base + 0x206);
	if (status == 0 || status == 0xff)
		return false;
	out8(base + 0x206, 2); /* no interrupts */
	out8(base + 7, ATA_IDENTIFY);
	do {
		status = in8(base + 7);
	} while (status & ATA_BSY);
	if ((status & ATA_ERR) || !(status & ATA_DRQ))
		return false;
	for (unsigned i = 0; i < 256; i++)
		words[i] = in16(base);
	in8(base + 7);
	for (unsigned i = 0; i < 20 && i * 2 + 2 < size; i++) {
		model[i * 2] = words[27 + i] >> 8;
		model[i * 2 + 1] = words[27 + i];
		model[i * 2 + 2] = 0;
	}
	for (size_t i = strlen(model); i && model[i - 1] == ' '; i--)
		model[i - 1] = 0;
	return true;
}

static enum outcome ide(char *note, size_t size)
{
	static const uint16_t bases[] = {0x1f0, 0x170};
	char model[41];
	unsigned found = 0;

	for (unsigned i = 0; i < 4; i++)
		if (identify(bases[i / 2], i & 1, model, sizeof(model)) && !found++)
			format_text(note, size, "%s", model);
	return found ? PASSED : SKIPPED;
}

static enum outcome floppy(char *note, size_t size)
{
	static const char *const types[] = {"none", "360 KB", "1.2 MB", "720 KB", "1.44 MB",
					    "2.88 MB"};
	uint8_t v = cmos_read(CMOS_FLOPPIES);
	unsigned a = v >> 4, b = v & 15;

	if (!v)
		return SKIPPED;
	format_text(note, size, "A %s, B %s", a < 6 ? types[a] : "?", b < 6 ? types[b] : "?");
	/* The firmware leaves the controller in reset: 82077AA 2.1.3 (DOR), 2.1.6 (MSR). */
	out8(FLOPPY_DOR, FLOPPY_NOT_RESET | FLOPPY_DMA_GATE);
	for (unsigned i = 0; i < 100000; i++)
		if (in8(FLOPPY_MSR) & FLOPPY_RQM)
			return PASSED;
	return FAILED;
}

static enum outcome video(char *note, size_t size)
{
	uint16_t id;

	out16(VBE_INDEX, 0);
	id = in16(VBE_DATA);
	format_text(note, size, "Bochs VBE interface %04x", id);
	return (id & 0xfff0) == 0xb0c0 ? PASSED : SKIPPED;
}

static enum outcome tables(char *note, size_t size)
{
	static const char *const names[] = {"FACP", "DSDT", "APIC"};
	bool good = true;

	for (unsigned i = 0; i < 3; i++)
		if (!acpi_table(names[i])) {
			format_text(note, size, "no valid %s", names[i]);
			good = false;
		}
	return good;
}

static enum outcome local_apic(char *note, size_t size)
{
	uint32_t version;

	if (!(cpu_features() & CPUID_APIC))
		return SKIPPED;
	version = APIC_BASE[APIC_VERSION];
	format_text(note, size, "version %02x, %u local vectors", version & 0xff,
		    (version >> 16 & 0xff) + 1);
	return (version & 0xf0) == 0x10;
}

const struct check device_checks[] = {
	{"8254 timer against the clock", timer},
	{"8259 interrupt mask", masking},
	{"clock's periodic interrupt", periodic},
	{"date and time", clock_date},
	{"ACPI timer", pm_timer},
	{"ACPI tables", tables},
	{"local APIC", local_apic},
	{"PCI", bridges},
	{"serial port, looped back", serial},
	{"keyboard and its controller", keyboard},
	{"mouse", mouse},
	{"IDE", ide},
	{"floppy drives", floppy},
	{"video adapter", video},
	{NULL, NULL},
};
