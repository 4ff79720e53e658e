/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX4 power management: ACPI timer and its status bit, power button, SCI,
 * soft-off, APM commands, SMBus; and a fuzz.
 */
#include "devices/i440fx.h"
#include "devices/piix4_pm.h"

#include "tests/unit/unit.h"

#define PM 0x600
#define STATUS PM
#define ENABLE (PM + 2)
#define CONTROL (PM + 4)
#define TIMER (PM + 8)
#define GPE 0xafe0
#define HALF_TURN_NS 2343484438ull /* 2^23 ticks of 3.579545 MHz, rounded up */

static struct physmem *mem;
static struct bus *bus;
static struct i440fx *bridge;
static struct clock *timebase;
static struct piix4_pm *pm;
static int sci, power_offs;

static void set_sci(void *opaque, int n, int level)
{
	sci = level;
}

static void on_power_off(void *opaque)
{
	power_offs++;
}

static uint32_t in(uint16_t port, unsigned size)
{
	return bus_port_read(bus, port, size);
}

static void out(uint16_t port, uint32_t value, unsigned size)
{
	bus_port_write(bus, port, value, size);
}

static void cfg_out(unsigned offset, uint32_t value, unsigned size)
{
	out(0xcf8, 0x80000000u | 1 << 11 | 3 << 8 | (offset & 0xfc), 4);
	out((uint16_t)(0xcfc + (offset & 3)), value, size);
}

static uint32_t cfg_in(unsigned offset, unsigned size)
{
	out(0xcf8, 0x80000000u | 1 << 11 | 3 << 8 | (offset & 0xfc), 4);
	return in((uint16_t)(0xcfc + (offset & 3)), size);
}

static void set_up(void)
{
	struct i440fx_wiring bridge_wiring;
	struct piix4_pm_wiring w = {.sci = {.set = set_sci}, .power_off = on_power_off};

	physmem_create(&mem, 1u << 20);
	bus = bus_create(mem);
	bridge_wiring.bus = bus;
	bridge = i440fx_create(&bridge_wiring);
	timebase = clock_create_stepped();
	w.pci = i440fx_pci_bus(bridge);
	w.clock = timebase;
	sci = power_offs = 0;
	pm = piix4_pm_create(&w);
	/* As SeaBIOS does. */
	cfg_out(0x40, PM | 1, 4);
	cfg_out(0x80, 0x01, 1);
	cfg_out(0x90, 0x700 | 1, 4);
	cfg_out(0xd2, 0x09, 1);
}

static void tear_down(void)
{
	piix4_pm_class.destroy(pm);
	i440fx_class.destroy(bridge);
	clock_destroy(timebase);
	bus_destroy(bus);
	physmem_destroy(mem);
}

static void test_configuration(void)
{
	set_up();
	CHECK_EQ(cfg_in(0, 4), 0x71138086);
	CHECK_EQ(cfg_in(8, 4), 0x06800003);
	CHECK_EQ(cfg_in(0x40, 4), PM | 1);
	CHECK(cfg_in(0x58, 4) & 1u << 25); /* SeaBIOS: no SMM to set up */
	CHECK_EQ(in(STATUS, 2), 0);
	cfg_out(0x80, 0, 1);
	CHECK_EQ(in(STATUS, 2), 0xffff);
	cfg_out(0x40, 0x8001, 4);
	cfg_out(0x80, 1, 1);
	CHECK_EQ(in(0x8000, 2), 0);
	CHECK_EQ(in(STATUS, 2), 0xffff);
	piix4_pm_class.reset(pm);
	CHECK_EQ(in(0x8000, 2), 0xffff);
	CHECK_EQ(cfg_in(0x40, 4), 1);
	tear_down();
}

static void test_timer(void)
{
	set_up();
	clock_step(timebase, 1000000000);
	CHECK_EQ(in(TIMER, 4), 3579545);
	CHECK_EQ(in(TIMER, 2), 3579545 & 0xffff);
	CHECK_EQ(in(TIMER + 2, 1), 3579545 >> 16);
	clock_step(timebase, 9000000000);
	CHECK_EQ(in(TIMER, 4), 35795450 & 0xffffff); /* 24 bits */
	out(TIMER, 0, 4);
	CHECK_EQ(in(TIMER, 4), 35795450 & 0xffffff);
	tear_down();
}

static void test_timer_status(void)
{
	set_up();
	CHECK_EQ(clock_next(timebase), CLOCK_NEVER); /* it wakes nobody */
	clock_step(timebase, HALF_TURN_NS - 1);
	CHECK_EQ(in(STATUS, 2), 0);
	clock_step(timebase, 1);
	CHECK_EQ(in(STATUS, 2), 1);
	out(STATUS, 1, 2);
	CHECK_EQ(in(STATUS, 2), 0);
	/* With the event enabled the SCI comes by itself. */
	out(0xb2, 0xf1, 1);
	out(ENABLE, 1, 2);
	CHECK(clock_next(timebase) != CLOCK_NEVER);
	clock_step(timebase, HALF_TURN_NS);
	CHECK_EQ(sci, 1);
	CHECK_EQ(clock_next(timebase), CLOCK_NEVER);
	out(STATUS, 1, 1);
	CHECK_EQ(sci, 0);
	CHECK(clock_next(timebase) != CLOCK_NEVER);
	clock_step(timebase, HALF_TURN_NS + 1);
	CHECK_EQ(sci, 1);
	tear_down();
}

static void test_acpi_enable(void)
{
	set_up();
	CHECK_EQ(in(CONTROL, 2), 0);
	out(0xb2, 0xf1, 1);
	CHECK_EQ(in(CONTROL, 2), 1);
	CHECK_EQ(in(0xb2, 1), 0xf1);
	out(0xb2, 0xf0, 1);
	CHECK_EQ(in(CONTROL, 2), 0);
	out(0xb3, 0x55, 1);
	CHECK_EQ(in(0xb3, 1), 0x55);
	tear_down();
}

static void test_power_button(void)
{
	set_up();
	CHECK(!piix4_pm_power_button_heard(pm));
	piix4_pm_power_button(pm);
	CHECK_EQ(in(STATUS, 2), 0x100);
	CHECK_EQ(sci, 0);
	out(STATUS, 0x100, 2);
	out(ENABLE, 0x100, 2);
	out(0xb2, 0xf1, 1);
	CHECK(piix4_pm_power_button_heard(pm));
	piix4_pm_power_button(pm);
	CHECK_EQ(sci, 1);
	out(STATUS, 0xfeff, 2); /* clears all the others */
	CHECK_EQ(sci, 1);
	out(STATUS + 1, 0x01, 1);
	CHECK_EQ(sci, 0);
	/* Without SCI_EN it would be an SMI: nothing. */
	piix4_pm_power_button(pm);
	CHECK_EQ(sci, 1);
	out(0xb2, 0xf0, 1);
	CHECK_EQ(sci, 0);
	tear_down();
}

static void test_soft_off(void)
{
	set_up();
	out(CONTROL, 0x0001, 2);
	CHECK_EQ(power_offs, 0);
	out(CONTROL, 0x2401, 2); /* S-type 1: not modelled, ignored */
	CHECK_EQ(power_offs, 0);
	CHECK_EQ(in(CONTROL, 2), 0x0401); /* SLP_EN reads as 0 */
	out(CONTROL + 1, 0x20, 1);
	CHECK_EQ(power_offs, 1);
	out(CONTROL, 0x2001, 2);
	CHECK_EQ(power_offs, 2);
	tear_down();
}

static void test_gpe(void)
{
	set_up();
	out(GPE + 2, 0x02, 1);
	out(GPE + 3, 0x80, 1);
	CHECK_EQ(in(GPE, 4), 0x80020000);
	out(GPE, 0xffff, 2);
	CHECK_EQ(in(GPE, 2), 0);
	tear_down();
}

static void test_smbus(void)
{
	set_up();
	CHECK_EQ(in(0x700, 1), 0);
	out(0x704, 0xa1, 1);
	out(0x702, 0x48, 1); /* start a byte read */
	CHECK_EQ(in(0x700, 1), 0x04);
	CHECK_EQ(in(0x702, 1), 0x08);
	out(0x700, 0x04, 1);
	CHECK_EQ(in(0x700, 1), 0);
	tear_down();
}

static void test_fuzz(void)
{
	uint64_t seed = 31337;

	set_up();
	for (int i = 0; i < 300000; i++) {
		uint64_t x = unit_random(&seed);
		unsigned size = 1u << (x & 3) % 3;
		uint32_t value = (uint32_t)(x >> 32);
		uint16_t offset = (uint16_t)(x >> 8);

		switch (x >> 4 & 7) {
		case 0:
			cfg_out(offset & 0xff, value, size);
			break;
		case 1:
			cfg_out(0x40, (x >> 24 & 0xff) ? PM | 1 : value, 4);
			cfg_out(0x80, 1, 1);
			break;
		case 2:
			clock_step(timebase, value);
			break;
		case 3:
			out((uint16_t)(GPE + (offset & 3)), value, size);
			out((uint16_t)(0xb2 + (offset & 1)), value, 1);
			break;
		case 4:
			piix4_pm_power_button(pm);
			out((uint16_t)(0x700 + (offset & 15)), value, size);
			break;
		case 5:
			in((uint16_t)(PM + (offset & 63)), size);
			break;
		default:
			out((uint16_t)(PM + (offset & 63)), value, size);
			break;
		}
	}
	CHECK(power_offs > 0);
	piix4_pm_class.reset(pm); /* its block may lie over CF8 */
	CHECK_EQ(cfg_in(0, 4), 0x71138086);
	tear_down();
}

UNIT_MAIN("piix4_pm", {"configuration", test_configuration}, {"timer", test_timer},
	  {"timer status", test_timer_status}, {"ACPI enable", test_acpi_enable},
	  {"power button", test_power_button}, {"soft-off", test_soft_off}, {"GPE0", test_gpe},
	  {"SMBus", test_smbus}, {"fuzz", test_fuzz})
