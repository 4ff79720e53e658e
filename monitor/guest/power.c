/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Off and again: ACPI S5 as ACPI 2.0 sections 5.2 (tables) and 4.7 (registers)
 * say, then APM 1.2, then an appeal to the user. The sleep type is taken out of
 * the DSDT by looking for the bytes of Name(_S5, Package ...): no AML is run.
 */
#include "machine.h"

#include "screen.h"

#define RSDP_FIRST 0xe0000
#define RSDP_LAST 0x100000
#define TABLE_LENGTH 4
#define TABLE_HEADER 36
#define FADT_DSDT 40
#define FADT_SMI_CMD 48
#define FADT_ACPI_ENABLE 52
#define FADT_PM1A_EVT 56
#define FADT_PM1A_CNT 64
#define FADT_PM1_EVT_LEN 88
#define PM1_PWRBTN (1u << 8)
#define PM1_SCI_EN 1
#define PM1_SLP_EN (1u << 13)
#define PM1_SLP_TYP_SHIFT 10
#define AML_PACKAGE 0x12
#define AML_BYTE 0x0a
#define KBC_COMMAND 0x64
#define KBC_RESET 0xfe
#define RESET_CONTROL 0xcf9

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool sum_is_zero(const uint8_t *p, uint32_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum += *p++;
	return sum == 0;
}

static const uint8_t *find_rsdp(void)
{
	for (uint32_t a = RSDP_FIRST; a < RSDP_LAST; a += 16)
		if (!memcmp((const void *)a, "RSD PTR ", 8) && sum_is_zero((const uint8_t *)a, 20))
			return (const uint8_t *)a;
	return NULL;
}

static const uint8_t *checked(const uint8_t *table)
{
	uint32_t length = get32(table + TABLE_LENGTH);

	return length >= TABLE_HEADER && length < 1 << 20 && sum_is_zero(table, length) ? table
											: NULL;
}

const uint8_t *acpi_table(const char *signature)
{
	const uint8_t *rsdp = find_rsdp(), *rsdt;

	rsdt = rsdp ? checked((const uint8_t *)get32(rsdp + 16)) : NULL;
	if (!rsdt)
		return NULL;
	for (uint32_t at = TABLE_HEADER; at < get32(rsdt + TABLE_LENGTH); at += 4) {
		const uint8_t *table = (const uint8_t *)get32(rsdt + at);

		if (!memcmp(table, signature, 4))
			return checked(table);
		if (!memcmp(table, "FACP", 4) && !memcmp(signature, "DSDT", 4))
			return checked((const uint8_t *)get32(table + FADT_DSDT));
	}
	return NULL;
}

/* Name(_S5, Package(n) {typ, ...}): 08 '_S5_' 12 PkgLength n typ... */
static int sleep_type(const uint8_t *dsdt)
{
	uint32_t length = get32(dsdt + TABLE_LENGTH);

	for (uint32_t at = TABLE_HEADER; at + 12 < length; at++) {
		const uint8_t *p = dsdt + at;

		if (memcmp(p, "_S5_", 4) || p[4] != AML_PACKAGE)
			continue;
		p += 5;
		p += (*p >> 6) + 2; /* PkgLength's own bytes, and the number of elements */
		return *p == AML_BYTE ? p[1] & 7 : *p & 7;
	}
	return -1;
}

/* The power button's status and enable bits; 0 where there is none. */
static uint16_t button_port;

static bool acpi_enable(const uint8_t *fadt)
{
	uint16_t port = get32(fadt + FADT_PM1A_CNT);

	if (!(in16(port) & PM1_SCI_EN) && get32(fadt + FADT_SMI_CMD))
		out8(get32(fadt + FADT_SMI_CMD), fadt[FADT_ACPI_ENABLE]);
	for (unsigned i = 0; i < 100 && !(in16(port) & PM1_SCI_EN); i++)
		wait_ticks(1);
	return in16(port) & PM1_SCI_EN;
}

void power_init(void)
{
	const uint8_t *fadt = acpi_table("FACP");

	if (!fadt || !acpi_enable(fadt))
		return;
	button_port = get32(fadt + FADT_PM1A_EVT);
	out16(button_port, PM1_PWRBTN); /* clears what there was */
	out16(button_port + fadt[FADT_PM1_EVT_LEN] / 2, PM1_PWRBTN);
}

bool power_button_pressed(void)
{
	return button_port && (in16(button_port) & PM1_PWRBTN);
}

static void acpi_off(void)
{
	const uint8_t *fadt = acpi_table("FACP"), *dsdt = acpi_table("DSDT");
	int type = dsdt ? sleep_type(dsdt) : -1;
	uint16_t port;

	if (!fadt || type < 0)
		return;
	port = get32(fadt + FADT_PM1A_CNT);
	acpi_enable(fadt);
	out16(port, (in16(port) & ~0x3c00) | type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
	wait_ticks(TIMER_HZ / 4);
}

static void apm_off(void)
{
	struct bios_registers r = {.eax = 0x5301};

	bios(0x15, &r); /* connect, real mode */
	r = (struct bios_registers){.eax = 0x530e, .ecx = 0x0102};
	bios(0x15, &r); /* driver version 1.2 */
	r = (struct bios_registers){.eax = 0x5307, .ebx = 1, .ecx = 3};
	bios(0x15, &r); /* all devices off */
}

void power_off(void)
{
	screen_attribute(0x07);
	screen_clear();
	screen_printf("Switching off ...\n");
	acpi_off();
	apm_off();
	screen_printf("It is now safe to close the window.\n");
	for (;;)
		wait_interrupt();
}

void reboot(void)
{
	screen_attribute(0x07);
	screen_clear();
	screen_printf("Restarting ...\n");
	out8(KBC_COMMAND, KBC_RESET);
	wait_ticks(TIMER_HZ / 10);
	out8(RESET_CONTROL, 2);
	out8(RESET_CONTROL, 6);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void debug_exit(uint8_t value)
{
	out8(0x501, value);
}
