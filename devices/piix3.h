/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82371SB (PIIX3) PCI to ISA bridge: PIRQ routing and reset control. */
#ifndef DEVICES_PIIX3_H
#define DEVICES_PIIX3_H

#include <stdbool.h>

#include "devices/device.h"
#include "devices/irq.h"
#include "devices/pci.h"

#define PIIX3_SLOT 1
#define PIIX3_IRQS 16

struct piix3;

struct piix3_wiring {
	struct pci_bus *pci;
	/* Driven with the wired-or of the PIRQs routed to each ISA IRQ. */
	struct irq_line irq[PIIX3_IRQS];
	/* Port CF9: hard is RESET#, else INIT#. Called from the port write. */
	void (*reset)(void *opaque, bool hard);
	void *opaque;
};

extern const struct device_class piix3_class;

/* Plugs in at 00:01.0. Has to follow the host bridge: CF9 lies in its CF8. */
struct piix3 *piix3_create(const struct piix3_wiring *w);

#endif
