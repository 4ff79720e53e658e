/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82371AB (PIIX4) power management function: ACPI fixed registers, PM
 * timer, power button, soft-off, APM ports and an SMBus without slaves.
 */
#ifndef DEVICES_PIIX4_PM_H
#define DEVICES_PIIX4_PM_H

#include <stdbool.h>

#include "devices/clock.h"
#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci.h"

#define PIIX4_PM_SLOT 1
#define PIIX4_PM_FUNCTION 3

/* What the ACPI tables say of this chip. */
#define PIIX4_PM_SCI_IRQ 9
#define PIIX4_PM_SMI_CMD 0xb2
#define PIIX4_PM_ACPI_ENABLE 0xf1
#define PIIX4_PM_ACPI_DISABLE 0xf0
#define PIIX4_PM_GPE0_BASE 0xafe0
#define PIIX4_PM_GPE0_LENGTH 4
#define PIIX4_PM_SLP_TYP_S5 0
/* Where SeaBIOS puts the register block when it is given ACPI tables. */
#define PIIX4_PM_BASE 0x600
#define PIIX4_PM_EVENT 0x00
#define PIIX4_PM_CONTROL 0x04
#define PIIX4_PM_TIMER 0x08

struct piix4_pm;

struct piix4_pm_wiring {
	struct pci_bus *pci;
	struct clock *clock;
	struct irq_line sci; /* IRQ 9, a level */
	/* The guest turned the machine off. Called from its port write. */
	void (*power_off)(void *opaque);
	void *opaque;
};

extern const struct device_class piix4_pm_class;

struct piix4_pm *piix4_pm_create(const struct piix4_pm_wiring *w);

/* The power button is pressed (and let go at once). */
void piix4_pm_power_button(struct piix4_pm *s);
/* Whether the guest would hear of it: ACPI is on and the button enabled. */
bool piix4_pm_power_button_heard(const struct piix4_pm *s);

#endif
